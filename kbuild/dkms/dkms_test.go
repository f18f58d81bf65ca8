package dkms

import (
	"slices"
	"strings"
	"testing"
)

// here is the kernel of the tests.
func here() Kernel {
	return Kernel{Release: "6.1.0-56-amd64", Arch: "x86_64", SourceDir: "/kernel/build", Tree: "/tree", SourceTree: "/src", Jobs: 2,
		Config: map[string]string{"NET": "y", "PCI": "m", "64BIT": "y", "HZ": "250"},
		Exists: func(name string) bool { return name == "include/linux/kref.h" }}
}

const head = "PACKAGE_NAME=demo\nPACKAGE_VERSION=1.0\nDEST_MODULE_LOCATION[0]=/extra\n"

func read(t *testing.T, text string) *Conf {
	t.Helper()
	c, err := Read(here(), Text{"dkms.conf", []byte(head + text)})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// makes are texts and what MAKE is by them.
var makes = []struct{ name, text, want string }{
	{"none", "", ""},
	{"kernel", `MAKE[0]="make -C $kernel_source_dir M=${dkms_tree}/$PACKAGE_NAME/build"`, "make -C /kernel/build M=/tree/demo/build"},
	{"sources beside the headers", `s=${kernel_source_dir/%build/source}; [ -e $s ] && [ -e $s/include/linux/kref.h ] && [ ! -e $s/x ] && MAKE="make S=$s"`, "make S=/kernel/source"},
	{"single quotes", `MAKE='make $kernelver'`, "make $kernelver"},
	{"left for the shell", `MAKE="make \$kernelver"`, "make $kernelver"},
	{"quotes inside", `MAKE="make V=\"1 2\" W='3'"`, `make V="1 2" W='3'`},
	{"continued", "MAKE=\"make \\\n  all\"", "make   all"},
	{"default not needed", `x=${kernelver:-$(uname -r)}; MAKE="make K=$x"`, "make K=6.1.0-56-amd64"},
	{"default", `MAKE="make ${DEBUG:-V=0}"`, "make V=0"},
	{"cut", `v=${kernelver%%-*}; MAKE="${v%.*} ${v#*.} ${kernelver//-/_}"`, "6.1 1.0 6.1.0_56_amd64"},
	{"match, the last one", "MAKE[0]=a\nMAKE[1]=b\nMAKE_MATCH[1]='^6\\.'\nMAKE[2]=c\nMAKE_MATCH[2]='^5'", "b"},
	{"no match", "MAKE[1]=b\nMAKE_MATCH[1]='^5'", ""},
	{"appended", "MAKE=make\nMAKE+=\" all\"", "make all"},
	{"semicolons", "a=1; b=2; MAKE=$a$b", "12"},
	{"comment", "MAKE=a # b\n#MAKE=c", "a"},
	{"windows line ends", "MAKE=a\r\nCLEAN=b\r\n", "a"},
	{"if", "if [ -n \"$kernelver\" ]; then MAKE=a; else MAKE=b; fi", "a"},
	{"elif", "if false; then MAKE=a; elif [[ $arch == x86* ]]; then MAKE=b; else MAKE=c; fi", "b"},
	{"case", "case $arch in i?86|x86) MAKE=a ;; x86_64) MAKE=b ;; *) MAKE=c ;; esac", "b"},
	{"and, or", "[ $arch = i386 ] && MAKE=a || MAKE=b", "b"},
	{"not", "if ! [ -z \"$arch\" ]; then MAKE=a; fi", "a"},
	{"regular expression", `if [[ "$kernelver" =~ ^6\.(1|2)\. ]]; then MAKE=a; fi`, "a"},
	{"numbers", `if [ 5 -lt 10 -a 10 -ge 10 ] && ( [ 1 -eq 2 ] || [ 3 -ne 4 ] ); then MAKE=a; fi`, "a"},
	{"arithmetic", "i=3\nMAKE=$((i * 2 + (1 << 3) % 5))", "9"},
	{"configuration", ". $kernel_source_dir/.config\nMAKE=$CONFIG_HZ", "250"},
	{"grep", "if grep -q '^CONFIG_PCI=[ym]$' $kernel_source_dir/.config 2>/dev/null; then MAKE=a; fi", "a"},
	{"grep by a pipe", "if echo $kernelver | grep -qE 'cloud|rt'; then MAKE=a; else MAKE=b; fi", "b"},
	{"sed, several commands", `v=$(echo $kernelver | sed -e 's/\([0-9]\+\)[.]\([0-9]*\)\(.*\)/\2-\1/; s,-,.,g;s/^/v/')` + "\nMAKE=$v", "v1.6"},
	{"fields", `a=$(echo "$kernelver" | cut -d- -f 3); b=$(echo a:b:c:d | cut -f2-3,4- -d:); c=$(echo none | cut -d: -f2); MAKE="$a $b $c"`, "amd64 b:c:d none"},
	{"status of a substitution", `if x=$(false); then MAKE=a; else MAKE=b; fi`, "b"},
	{"words that end in a blank", `x="a "; y=(-$x"b" c); MAKE="${y[0]}|${y[1]}|${y[2]}"`, "-a|b|c"},
	{"extended patterns", `x=YES; [[ ${x,,} == @(y|yes) ]] && a=1; [[ $x != +([a-z])?(.) ]] && b=2; [[ ( $x == *(Y|E)S ) ]] && c=3; MAKE=$a$b$c`, "123"},
	{"option of the shell", `shopt -q -s extglob && MAKE=a`, "a"},
	{"jobs", `MAKE="make -j$(nproc)"`, "make -j2"},
	{"order of versions", "if { echo 5.18; echo $kernelver; } | sort -V -C; then MAKE=a; else MAKE=b; fi", "a"},
	{"sed", `v=$(echo $kernelver | sed -ne 's/\([0-9]\+\)\.\([0-9]\+\).*/\2/p'); MAKE=m$v`, "m1"},
	{"file of the headers", "[ -f $kernel_source_dir/include/linux/kref.h ] && MAKE=a", "a"},
	{"file by the link to the headers", "[ -d /lib/modules/$kernelver/build/ -a ! -e /lib/modules/$kernelver/build/none ] && grep -q '^CONFIG_PCI=m' /lib/modules/${kernelver}/build/.config && MAKE=a", "a"},
	{"no such file of the headers", "[ -f $kernel_source_dir/none ] || MAKE=a", "a"},
	{"export", "export V=1\nMAKE=v$V", "v1"},
	{"group", "{ MAKE=a; }", "a"},
	{"subshell keeps to itself", "MAKE=a\n( MAKE=b )", "a"},
	{"indexes", "i=0\nBUILT_MODULE_NAME[$i]=x\ni=$((i+1))\nMAKE=$i", "1"},
	{"unknown command beside it", "mkdir -p /tmp/x\nMAKE=a", "a"},
	{"exit", "MAKE=a\nexit 0\nMAKE=b", "a"},
}

// TestMake holds the reading of words against what bash's manual page says.
func TestMake(t *testing.T) {
	for _, tt := range makes {
		t.Run(tt.name, func(t *testing.T) {
			if got := read(t, tt.text+"\n").Make; got != tt.want {
				t.Errorf("MAKE = %q, want %q", got, tt.want)
			}
		})
	}
}

// TestRefused: what is not run is named, and nothing is made of it.
func TestRefused(t *testing.T) {
	for _, tt := range []struct{ name, text, want string }{
		{"command substitution", head + `MAKE="make K=$(uname -r)"`, "MAKE[0]: line 4: command substitution $(uname -r) is not run"},
		{"backquotes", head + "MAKE=\"make `id`\"", "MAKE[0]: line 4: command substitution `id` is not run"},
		{"by way of a variable", head + "k=$(uname -r)\nMAKE=\"make K=$k\"", "MAKE[0]: line 4: command substitution $(uname -r) is not run"},
		{"in a name", "PACKAGE_NAME=$(rm -rf /)\nPACKAGE_VERSION=1\n", "PACKAGE_NAME: line 1: command substitution $(rm -rf /) is not run"},
		{"left for later", "PACKAGE_NAME=\"\\$(rm -rf /)\"\nPACKAGE_VERSION=1\n", "PACKAGE_NAME: line 1: command substitution $(rm -rf /) is not run"},
		{"in a module's name", head + `BUILT_MODULE_NAME[0]="$(id)"`, "BUILT_MODULE_NAME[0]: line 4: command substitution $(id) is not run"},
		{"after a condition", head + "if curl http://x; then MAKE=a; fi", "MAKE: line 4: command curl http://x is not run"},
		{"after a substitution", head + "if x=$(curl http://x); then MAKE=a; fi", "MAKE: line 4: command curl http://x is not run"},
		{"file of fields", head + "MAKE=$(cut -d: -f1 /etc/passwd)", "MAKE[0]: line 4: command substitution $(cut -d: -f1 /etc/passwd) is not run"},
		{"sed's other commands", head + "MAKE=$(echo a | sed -e 's/a/b/;w /etc/x')", "is not run"},
		{"another kernel's headers", head + "[ -e /lib/modules/5.10.0/build/x ] && MAKE=a", "MAKE: line 4: whether /lib/modules/5.10.0/build/x is there is not looked at"},
		{"headers' way out", head + "[ -e $kernel_source_dir/../x ] && MAKE=a", "MAKE: line 4: whether /kernel/build/../x is there is not looked at"},
		{"environment", head + `MAKE="make -I $HOME"`, "MAKE[0]: line 4: $HOME is of the environment"},
		{"name that leads out", "PACKAGE_NAME=../x\nPACKAGE_VERSION=1\nDEST_MODULE_LOCATION=/extra", `"../x" is no name`},
		{"location that leads out", head + "BUILT_MODULE_LOCATION[0]=../../etc", `BUILT_MODULE_LOCATION[0]: "../../etc" leads out of the source`},
		{"destination that leads out", head + "DEST_MODULE_LOCATION[0]=/extra/../../etc", "DEST_MODULE_LOCATION[0]"},
		{"destination that leads out by a name", head + "DEST_MODULE_LOCATION[0]=/kernel/../..", `"/kernel/../.." is no directory below the kernel's modules`},
		{"destination that is no directory of its own", head + "DEST_MODULE_LOCATION[0]=/kernel/..", `"/kernel/.." is no directory below`},
		{"destination elsewhere", head + "DEST_MODULE_LOCATION[0]=/etc", `"/etc" does not begin with /kernel, /updates or /extra`},
		{"patch that leads out", head + "PATCH[0]=../../x", `PATCH[0]: "../../x" leads out of the source`},
		{"script that leads out", head + "PRE_BUILD='/bin/sh -c id'", `PRE_BUILD: "/bin/sh" leads out of the source`},
		{"module with a suffix", head + "BUILT_MODULE_NAME[0]=x.ko", `"x.ko" ends in .o or .ko`},
		{"long line", head + "MAKE=" + strings.Repeat("a", 10<<20), "longer than"},
		{"long line of a long text", head + "MAKE=" + strings.Repeat("a", 100<<10), "line 4: longer than 65536 bytes"},
		{"doubling", head + "a=xxxxxxxxxxxxxxxx\n" + strings.Repeat("a=$a$a\n", 60) + "MAKE=$a", "a value of more than"},
		{"many expansions", head + "a=" + strings.Repeat("x", 60000) + "\n" + strings.Repeat("b=$a\n", 2000), "expansions without end"},
		{"nested", head + "MAKE=" + strings.Repeat("$(", 2000), "nested deeper than"},
		{"nested ifs", head + strings.Repeat("if true; then ", 2000), "nested deeper than"},
		{"function", head + "f() { :; }", "functions are not read"},
		{"not closed", head + `MAKE="make`, "unexpected end of the file"},
		{"here-document", head + "cat <<E\nE\n", "here-documents are not read"},
		{"NUL", head + "MAKE=a\x00b", "line 4: a NUL byte"},
		{"no name", "PACKAGE_VERSION=1", "PACKAGE_NAME: no such key"},
		{"no destination", "PACKAGE_NAME=a\nPACKAGE_VERSION=1", "DEST_MODULE_LOCATION: no such key"},
		{"two modules, one name", head + "DEST_MODULE_LOCATION[1]=/extra\nBUILT_MODULE_NAME[0]=a", "BUILT_MODULE_NAME[1]: no such key"},
		{"great index", head + "BUILT_MODULE_NAME[1000000000]=x\nMAKE[99999999]=y", "MAKE: line 5: MAKE[99999999]: an index outside of 0 to 10000"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c, err := Read(here(), Text{"dkms.conf", []byte(tt.text)})
			if err == nil {
				t.Fatalf("read: %+v", c)
			}
			if !strings.HasPrefix(err.Error(), "dkms.conf: ") || !strings.Contains(err.Error(), tt.want) || len(err.Error()) > 400 {
				t.Errorf("%.400v; want %s", err, tt.want)
			}
		})
	}
}

func TestModules(t *testing.T) {
	c := read(t, `
BUILT_MODULE_NAME[0]="$PACKAGE_NAME"
BUILT_MODULE_NAME[1]=b
BUILT_MODULE_LOCATION[1]=src/b/
DEST_MODULE_NAME[1]=c
DEST_MODULE_LOCATION[1]=/kernel/drivers/net/
STRIP[1]=no
BUILT_MODULE_NAME[2]=d
DEST_MODULE_LOCATION[2]=/kernel/../misc/
PATCH[0]=all.patch
PATCH[1]=old.patch
PATCH_MATCH[1]="^2\."
PATCH[2]=new.patch
PATCH_MATCH[2]="^6\."
BUILD_DEPENDS[0]="spl"
BUILD_DEPENDS[1]="ofa kernel"
PRE_BUILD="configure --with=$kernel_source_dir"
AUTOINSTALL=YES
NO_WEAK_MODULES=yes
REMAKE_INITRD=yes
`)
	want := []Module{{"demo", "", "demo", "extra", true}, {"b", "src/b", "c", "kernel/drivers/net", false}, {"d", "", "d", "misc", true}}
	if !slices.Equal(c.Modules, want) || c.Unlisted {
		t.Errorf("modules %+v, want %+v", c.Modules, want)
	}
	if !slices.Equal(c.Patches, []string{"all.patch", "new.patch"}) || !slices.Equal(c.Depends, []string{"spl", "ofa", "kernel"}) {
		t.Errorf("patches %q, depends %q", c.Patches, c.Depends)
	}
	if c.PreBuild != "configure --with=/kernel/build" || !c.AutoInstall || !c.NoWeak {
		t.Errorf("%+v", c)
	}
	if len(c.Notes) != 1 || c.Notes[0].String() != "line 23: REMAKE_INITRD has no effect: images are remade where a changed module is in them" {
		t.Errorf("notes %v", c.Notes)
	}
}

// TestOverrides: what /etc/dkms says comes last.
func TestOverrides(t *testing.T) {
	c, err := Read(here(), Text{"dkms.conf", []byte(head + "MAKE=a\nexit\n")}, Text{"demo.conf", []byte("MAKE=\"$MAKE b\"\n")})
	if err != nil || c.Make != "a b" {
		t.Errorf("%+v, %v", c, err)
	}
}

// TestOverridesAsked: a file may ask for what the administrator says, as that of zfs
// does.
func TestOverridesAsked(t *testing.T) {
	text := Text{"dkms.conf", []byte(head + "C=/etc/dkms/demo.conf\nMAKE=\"make $([[ -r $C ]] && source $C && echo -n $FLAGS)\"\n")}
	c, err := Read(here(), text, Text{"/etc/dkms/demo.conf", []byte("FLAGS='-s -k'\n")})
	if err != nil || c.Make != "make -s -k" {
		t.Errorf("%+v, %v", c, err)
	}
	if c, err = Read(here(), text); err != nil || c.Make != "make " {
		t.Errorf("where there is none: %+v, %v", c, err)
	}
	own := Text{"/etc/dkms/demo.conf", []byte(". /etc/dkms/demo.conf\n")}
	if _, err = Read(here(), text, own); err == nil || !strings.Contains(err.Error(), "nested deeper than") {
		t.Errorf("a file that reads itself: %v", err)
	}
	other := Text{"dkms.conf", []byte(head + "[ -r /etc/dkms/other.conf ] && MAKE=a\n")}
	if _, err = Read(here(), other); err == nil || !strings.Contains(err.Error(), "/etc/dkms/other.conf is there is not looked at") {
		t.Errorf("another package's: %v", err)
	}
}

func TestExcluded(t *testing.T) {
	for _, tt := range []struct{ text, want string }{
		{"", ""},
		{"BUILD_EXCLUSIVE_KERNEL='^(5|6)\\.'", ""},
		{"BUILD_EXCLUSIVE_KERNEL='^5'", `BUILD_EXCLUSIVE_KERNEL="^5" does not match 6.1.0-56-amd64`},
		{"BUILD_EXCLUSIVE_KERNEL='REQUIRES CONFIG_X'", `BUILD_EXCLUSIVE_KERNEL="REQUIRES CONFIG_X" does not match 6.1.0-56-amd64`},
		{"BUILD_EXCLUSIVE_ARCH=aarch64", `BUILD_EXCLUSIVE_ARCH="aarch64" does not match x86_64`},
		{"BUILD_EXCLUSIVE_KERNEL_MIN=6.1", ""},
		{"BUILD_EXCLUSIVE_KERNEL_MIN=6.2", "BUILD_EXCLUSIVE_KERNEL_MIN=6.2 is above 6.1.0"},
		{"BUILD_EXCLUSIVE_KERNEL_MAX=6.0.999", "BUILD_EXCLUSIVE_KERNEL_MAX=6.0.999 is below 6.1.0"},
		{"OBSOLETE_BY=5.4", "OBSOLETE_BY=5.4: the kernel has it itself"},
		{"BUILD_EXCLUSIVE_CONFIG='CONFIG_NET CONFIG_PCI'", ""},
		{"BUILD_EXCLUSIVE_CONFIG='CONFIG_USB'", "BUILD_EXCLUSIVE_CONFIG=CONFIG_USB: the kernel has CONFIG_USB=n"},
		{"BUILD_EXCLUSIVE_CONFIG='!CONFIG_PCI'", "BUILD_EXCLUSIVE_CONFIG=!CONFIG_PCI: the kernel has CONFIG_PCI=m"},
		{"BUILD_EXCLUSIVE_CONFIG='!CONFIG_USB'", ""},
	} {
		if c := read(t, tt.text+"\n"); c.Excluded != tt.want {
			t.Errorf("%s: %q, want %q", tt.text, c.Excluded, tt.want)
		}
	}
}

// TestUnknown: what cannot be told spoils what depends on it, no more.
func TestUnknown(t *testing.T) {
	c := read(t, `
MAKE=make
if systemd-detect-virt; then
  BUILD_EXCLUSIVE_KERNEL=none
  BUILT_MODULE_NAME[0]=guest
fi
for i in a b; do STRIP[0]=no; done
`)
	if c.Make != "make" || c.Excluded != "" || !c.Unlisted || !c.Strip || c.Modules != nil {
		t.Errorf("%+v", c)
	}
	var text []string
	for _, n := range c.Notes {
		text = append(text, n.String())
	}
	all := strings.Join(text, "\n")
	for _, want := range []string{"line 6: command systemd-detect-virt is not run", "line 10: for loop is not evaluated", "BUILT_MODULE_NAME is not known", "BUILD_EXCLUSIVE_KERNEL is not honoured", "STRIP is not honoured"} {
		if !strings.Contains(all, want) {
			t.Errorf("no note %q in\n%s", want, all)
		}
	}
}

func FuzzRead(f *testing.F) {
	f.Add([]byte(head + "MAKE[0]=\"make ${x:-$(id)} $((1+2))\"\nif [ a = b ]; then x=1; elif [[ a =~ b ]]; then :; else y=2; fi\n"))
	f.Add([]byte("case $arch in a|b) x=1 ;; *) ;; esac; for i in 1; do :; done; { echo a; } | sed -ne 's/a/b/p' | sort -V -C; x=(a \"b c\" $d)"))
	f.Add([]byte(". $kernel_source_dir/.config; grep -q '^CONFIG_NET=[ym]' $kernel_source_dir/.config 2>/dev/null && export A=${B%%-*} C=${D//x/y}"))
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := Read(here(), Text{"dkms.conf", data})
		if err != nil {
			return
		}
		for _, m := range c.Modules {
			for _, name := range []string{m.Built, m.Dest, m.Location, m.DestDir} {
				if strings.HasPrefix(name, "/") || slices.Contains(strings.Split(name, "/"), "..") {
					t.Fatalf("module %+v", m)
				}
			}
		}
	})
}
