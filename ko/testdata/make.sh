#!/bin/sh
# Makes the modules in this folder from exports.s and legacy.s: sh make.sh
# (Debian's binutils-*-linux-gnu packages of the architectures named here).
set -eu
cd "$(dirname "$0")"
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

build() { # output, tool prefix, assembler options, WIDE PREL NS CRC UNUSED EXT FLAGS, linker options
	out=$1 prefix=$2 options=$3
	# shellcheck disable=SC2086
	"$prefix-as" $options --defsym WIDE="$4" --defsym PREL="$5" --defsym NS="$6" --defsym CRC="$7" \
		--defsym UNUSED="$8" --defsym EXT="$9" --defsym FLAGS="${10-0}" -o "$tmp/o" exports.s
	crcs=
	case $7 in
	1 | 2) crcs='--defsym __crc_one=0x11111111 --defsym __crc_two=0x89abcdef' ;;
	esac
	case $7$8 in
	11 | 21) crcs="$crcs --defsym __crc_four=0x44444444" ;;
	esac
	# shellcheck disable=SC2086
	"$prefix-ld" -r $crcs ${11-} -o "$out" "$tmp/o"
}

build x86_64-2.6.32.ko x86_64-linux-gnu '' 1 0 0 1 1 0
build x86_64-4.14.ko x86_64-linux-gnu '' 1 0 0 2 1 0
build x86_64-4.19.ko x86_64-linux-gnu '' 1 1 0 2 1 0
build x86_64-5.4.ko x86_64-linux-gnu '' 1 1 1 2 1 0
build x86_64-6.14.ko x86_64-linux-gnu '' 1 1 1 4 0 1
build x86_64-7.1.ko x86_64-linux-gnu '' 1 1 1 4 0 0 1
build i386-2.6.18.ko i686-linux-gnu '' 0 0 0 1 1 0
build i386-5.4.ko i686-linux-gnu '' 0 1 1 2 0 0
build arm-6.1.ko arm-linux-gnueabihf '' 0 0 1 4 0 0
build ppc64-4.14.ko powerpc64-linux-gnu '-a64 -mbig' 1 0 0 3 1 0
build s390x-5.10.ko s390x-linux-gnu '' 1 1 1 3 0 0
build mips-2.6.32.ko mips-linux-gnu '-32 -EB' 0 0 0 1 1 0 0 '-m elf32btsmip'
build mips64el-6.1.ko mips64el-linux-gnuabi64 '-64 -EL' 1 0 1 4 0 0 0 '-m elf64ltsmip'
build riscv64-6.1.ko riscv64-linux-gnu '' 1 0 1 4 0 0
build riscv64-prel.ko riscv64-linux-gnu '' 1 1 1 4 0 0
build x86_64-nocrc.ko x86_64-linux-gnu '' 1 1 1 0 0 0

i686-linux-gnu-as -o "$tmp/o" legacy.s
i686-linux-gnu-ld -r -o i386-2.4.o "$tmp/o"
