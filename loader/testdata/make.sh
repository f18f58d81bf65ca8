#!/bin/sh
# Makes good.ko, exp.ko and user.ko of a folder: sh make.sh FOLDER HEADERS, where
# HEADERS is what lib/modules/RELEASE/build of the kernel points at.
set -eu
cd "$(dirname "$0")"
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
cp ./*.c "$tmp"
echo 'obj-m := good.o exp.o user.o' >"$tmp/Makefile"
# BTF would need the kernel's own vmlinux.
make -s -C "$2" M="$tmp" CONFIG_DEBUG_INFO_BTF_MODULES= modules
strip -g "$tmp"/*.ko
cp "$tmp"/*.ko "$1"
