#!/bin/sh
# Installs the packages of this bundle for the kernels of this machine.
name=@NAME@ snapshot=@SNAPSHOT@ suite=@SUITE@ key=@KEY@ formats="@FORMATS@" distros="@DISTROS@"

usage() {
	cat <<TEXT
usage: $0 [options]

Installs the packages of $name, snapshot $snapshot, for the kernels of this machine, from
this directory alone: no network is needed.

  --kernel K            for kernel release K; may be repeated (default: every
                        kernel below /lib/modules that the bundle knows)
  --skip-distro-check   install on another distribution than it was made for
  --force               install though a required module cannot follow a kernel,
                        or the bundle does not know the kernel
  --root DIR            install into the system below DIR
  --log FILE            write the log to FILE
  --list                print what becomes of each module on each kernel and stop
  --dry-run             print the packages that would be installed and stop

Exit status: 0 installed, 1 refused or failed, 2 bad usage.
TEXT
}

force="" anydistro="" root=/ kernels="" log="" list="" dry=""
bad() { echo "$0: $1" >&2; echo "hint: run '$0 --help'" >&2; exit 2; }
while [ $# -gt 0 ]; do
	case "$1" in
	--kernel | --root | --log) [ $# -gt 1 ] || bad "$1 wants an argument" ;;
	esac
	case "$1" in
	--kernel)
		case "$2" in "" | .* | *[!A-Za-z0-9._+~-]*) bad "--kernel '$2': not a kernel release" ;; esac
		kernels="$kernels $2"; shift ;;
	--root) root="$2"; shift ;;
	--log) log="$2"; shift ;;
	--force) force=1 ;;
	--skip-distro-check) anydistro=1 ;;
	--list) list=1 ;;
	--dry-run) dry=1 ;;
	-y | --yes) ;;
	-h | --help) usage; exit 0 ;;
	*) bad "unknown option '$1'" ;;
	esac
	shift
done
unset CDPATH
here="$(cd "$(dirname "$0")" && pwd -P)" || exit 1
root="$(cd "$root" && pwd -P)" || exit 1
tab="$(printf '\t')"

say() { echo "$*"; [ -z "$log" ] || echo "$*" >>"$log"; }
refuse() {
	echo "$0: $1" >&2
	[ -z "$log" ] || echo "$1" >>"$log"
	[ -z "${2:-}" ] || echo "hint: $2" >&2
	exit 1
}
have() { command -v "$1" >/dev/null; }
for tool in awk mktemp sed sha256sum sort tee; do
	have "$tool" || refuse "there is no program $tool"
done

if [ -n "$list" ]; then
	awk -F "$tab" '{ printf "%s  %-8s %s%s: %s\n", $1, $3, $2, $4 == "required" ? ", required" : "", $6 }' "$here/kernels.tsv"
	exit 0
fi

# The bundle as it was made?
(cd "$here" && sha256sum --check --quiet --strict SHA256SUMS) >&2 || refuse "the bundle is damaged: files differ from SHA256SUMS" "get it again"

# The distribution that it was made for?
id="" like="" version=""
release="$root/etc/os-release"
[ -e "$release" ] || release="$root/usr/lib/os-release"
if [ -r "$release" ]; then
	field() { sed -n "s/^$1=//p" "$release" | tr -d "\"'" | head -n 1; }
	id="$(field ID)" like="$(field ID_LIKE)" version="$(field VERSION_ID)"
fi
format=rpm
case " $id $like " in *" debian "* | *" ubuntu "*) format=deb ;; esac
case " $formats " in
*" $format "*) ;;
*) refuse "the bundle has no .$format packages, which ${id:-this system} takes" ;;
esac
if [ -n "$distros" ] && [ -z "$anydistro" ]; then
	fits=""
	for d in $distros; do
		case "$id$version" in "$d" | "$d".*) fits=1 ;; esac
	done
	[ -n "$fits" ] || refuse "made for $distros, and this is ${id:-unknown}$version" "with --skip-distro-check it is installed all the same"
fi

# For which kernels?
known() { awk -F "$tab" -v k="$1" '$1 == k { found = 1 } END { exit !found }' "$here/kernels.tsv"; }
if [ -z "$kernels" ] && [ -s "$here/kernels.tsv" ]; then
	for dir in "$root"/lib/modules/*/ "$root"/usr/lib/modules/*/; do
		k="$(basename "$dir")"
		case " $kernels " in *" $k "*) continue ;; esac
		if known "$k"; then kernels="$kernels $k"; fi
	done
	[ -n "$kernels" ] || [ -n "$force" ] || refuse "no kernel below $root/lib/modules is one that the bundle knows: $(cut -f 1 "$here/kernels.tsv" | sort -u | tr '\n' ' ')" \
		"name one with --kernel"
fi
wanted="" blocked=""
for k in $kernels; do
	if ! known "$k"; then
		[ -n "$force" ] || [ -s "$here/kernels.tsv" ] || refuse "the bundle says of no kernel which packages are for it" "without --kernel, or with --force, all its packages are installed"
		[ -n "$force" ] || refuse "kernel $k is not one that the bundle knows: $(cut -f 1 "$here/kernels.tsv" | sort -u | tr '\n' ' ')" \
			"with --force all its packages are installed"
		wanted="$wanted $(awk -F "$tab" -v f="$format" '$1 == f { print $2 }' "$here/packages.tsv")"
		continue
	fi
	echo "kernel $k"
	awk -F "$tab" -v k="$k" '$1 == k { printf "  %-8s %s%s: %s\n", $3, $2, $4 == "required" ? ", required" : "", $6 }' "$here/kernels.tsv"
	wanted="$wanted $(awk -F "$tab" -v k="$k" '$1 == k && $3 != "blocked" { print $5 }' "$here/kernels.tsv")"
	if awk -F "$tab" -v k="$k" '$1 == k && $3 == "blocked" && $4 == "required" { found = 1 } END { exit !found }' "$here/kernels.tsv"; then blocked="$blocked $k"; fi
done
[ -z "$blocked" ] || [ -n "$force" ] || refuse "a required module cannot follow$blocked" "with --force the others are installed"
[ -n "$kernels" ] || wanted="$(awk -F "$tab" -v f="$format" '$1 == f { print $2 }' "$here/packages.tsv")"
wanted="$(for w in $wanted; do echo "$w"; done | sort -u | while read -r w; do
	awk -F "$tab" -v f="$format" -v w="$w" '$1 == f && $2 == w { print $2 }' "$here/packages.tsv"
done)"
[ -n "$wanted" ] || refuse "no package of the bundle is for these kernels"
if [ -n "$dry" ]; then
	echo "$wanted"
	exit 0
fi

case $format in
rpm) have dnf || have yum || have zypper || refuse "there is no program dnf, yum or zypper, by which packages are installed" ;;
deb) have apt-get || refuse "there is no program apt-get, by which packages are installed" ;;
esac
if [ -z "$log" ]; then
	log="$root/var/log/modkeep-$name-install.log"
	(mkdir -p "$root/var/log" && : >"$log") 2>/dev/null || log="$(mktemp "${TMPDIR:-/tmp}/modkeep-$name-install.XXXXXX")"
fi
: >"$log" || refuse "cannot write the log $log"
say "Installing from $name, snapshot $snapshot:" $wanted
say "Log: $log"

work="$(mktemp -d)" || exit 1
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM
chmod 755 "$work"
ln -s "$here/repo" "$work/repo" && cp "$here/keys/"* "$work/" 2>/dev/null
[ -z "$key" ] || [ -r "$work/$name.asc" ] || refuse "the key keys/$name.asc is missing"

# run runs a program, its output in the log too; the status is its own.
run() {
	echo "+ $*" >>"$log"
	{ "$@" 2>&1; echo $? >"$work/status"; } | tee -a "$log"
	return "$(cat "$work/status")"
}
install_rpm() {
	check=0
	[ -z "$key" ] || check=1
	mkdir "$work/repos.d"
	printf '[modkeep-bundle]\nname=%s\nbaseurl=file://%s\nenabled=1\ngpgcheck=0\nrepo_gpgcheck=%s\ngpgkey=file://%s\n' \
		"$name" "$work/repo" "$check" "$work/$name.asc" | tee -a "$log" >"$work/repos.d/bundle.repo"
	if have zypper && ! have dnf; then
		run zypper --root "$root" --reposd-dir "$work/repos.d" --non-interactive --gpg-auto-import-keys install --repo modkeep-bundle -y $wanted
		return
	fi
	tool=dnf
	have dnf || tool=yum
	set -- -y "--setopt=reposdir=$work/repos.d" "--disablerepo=*" --enablerepo=modkeep-bundle "--setopt=cachedir=$work/cache" --setopt=best=1
	[ "$root" = / ] || set -- "$@" "--installroot=$root" --releasever=/
	run "$tool" "$@" install $wanted
}
install_deb() {
	signed="signed-by=$work/$name.asc"
	[ -n "$key" ] || signed=trusted=yes
	echo "deb [$signed] file:$work/repo $suite main" >"$work/sources.list"
	mkdir -p "$work/lists/partial"
	set -- -y -q -o "Dir::Etc::sourcelist=$work/sources.list" -o Dir::Etc::sourceparts=- -o "Dir::State::lists=$work/lists" -o APT::Sandbox::User=root \
		-o APT::Get::List-Cleanup=0
	[ "$root" = / ] || set -- "$@" -o "Dir=$root" -o "Dir::State::status=$root/var/lib/dpkg/status" -o "DPkg::Options::=--root=$root"
	run apt-get "$@" update && run apt-get "$@" install $wanted
}
if "install_$format"; then
	say "Installed."
else
	refuse "the packages could not be installed: see $log"
fi
