package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestReadDKMS(t *testing.T) {
	file := filepath.Join(t.TempDir(), "dkms.conf")
	text := `# comment
PACKAGE_NAME="some"
PACKAGE_VERSION=1.2
BDIR="$dkms_tree/${PACKAGE_NAME}/${PACKAGE_VERSION}/build"
if [ -f x ]; then
    echo no
fi
MAKE[0]="make -C ${kernel_source_dir} M=${BDIR} \
      V=\"${unknown}1\""
MAKE[1]="make second"
BUILT_MODULE_NAME[0]='quoted'
`
	if err := os.WriteFile(file, []byte(text), 0o666); err != nil {
		t.Fatal(err)
	}
	conf, err := readDKMS(file)
	if err != nil {
		t.Fatal(err)
	}
	want := `make -C /k M=/t/some/1.2/build  V="1"`
	got := conf.expand(conf["MAKE"], map[string]string{"kernel_source_dir": "/k", "dkms_tree": "/t"})
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("MAKE (-want +got):\n%s", diff)
	}
	if conf["BUILT_MODULE_NAME"] != "quoted" {
		t.Errorf("BUILT_MODULE_NAME: %q", conf["BUILT_MODULE_NAME"])
	}
}

func TestRelate(t *testing.T) {
	kernel := func(crcs ...string) *candidate {
		c := &candidate{crcs: map[string]string{}}
		for i := 0; i < len(crcs); i += 2 {
			c.crcs[crcs[i]] = crcs[i+1]
		}
		return c
	}
	base := kernel("module_layout", "1", "a", "2")
	for name, tt := range map[string]struct {
		other *candidate
		want  relation
	}{
		"same":         {kernel("module_layout", "1", "a", "2"), equal},
		"one differs":  {kernel("module_layout", "1", "a", "3"), partial},
		"one is gone":  {kernel("module_layout", "1"), partial},
		"one is new":   {kernel("module_layout", "1", "a", "2", "b", "4"), partial},
		"layout moved": {kernel("module_layout", "9", "a", "2"), moved},
	} {
		if got, _ := relate(base, tt.other); got != tt.want {
			t.Errorf("%s: got %s, want %s", name, got, tt.want)
		}
	}
}

func TestParsePackages(t *testing.T) {
	text := `Package: linux-image-6.1.0-1-cloud-amd64
Version: 1:6.1-1
Architecture: amd64
Depends: linux-base (>= 4.3~), kmod | other, linux-modules-6.1.0-1-cloud-amd64 (= 6.1-1)
Size: 26713492
Description: text
 more: text

Package: virtual
Version: 1
`
	want := map[string]pkg{"linux-image-6.1.0-1-cloud-amd64": {name: "linux-image-6.1.0-1-cloud-amd64", version: "1:6.1-1",
		arch: "amd64", size: 26713492, depends: []string{"linux-base", "kmod", "linux-modules-6.1.0-1-cloud-amd64"}}}
	got := parsePackages(text)
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(pkg{})); diff != "" {
		t.Errorf("packages (-want +got):\n%s", diff)
	}
	if file := got["linux-image-6.1.0-1-cloud-amd64"].file(); file != "linux-image-6.1.0-1-cloud-amd64_1%3a6.1-1_amd64.deb" {
		t.Errorf("file: %s", file)
	}
}

// TestMerge merges into a tree that has part of it already, through a
// directory that is a link.
func TestMerge(t *testing.T) {
	from, to := t.TempDir(), t.TempDir()
	for _, f := range []string{"lib/modules/new/a.ko", "lib/modules/old/b.ko"} {
		write(t, filepath.Join(from, f), "new")
	}
	write(t, filepath.Join(to, "usr/lib/modules/old/b.ko"), "old")
	write(t, filepath.Join(to, "usr/lib/modules/old/c.ko"), "kept")
	if err := mergedRoot(to); err != nil {
		t.Fatal(err)
	}
	if err := merge(filepath.Join(from, "lib"), filepath.Join(to, "usr/lib")); err != nil {
		t.Fatal(err)
	}
	for f, want := range map[string]string{"new/a.ko": "new", "old/b.ko": "new", "old/c.ko": "kept"} {
		got, err := os.ReadFile(filepath.Join(to, "lib/modules", f))
		if err != nil || string(got) != want {
			t.Errorf("%s: got %q, %v; want %q", f, got, err, want)
		}
	}
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
		t.Fatal(err)
	}
}
