package dkms

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"modkeep/internal/kerneltest"
	"modkeep/internal/kerneltest/oracle"
	"modkeep/kernel"
)

// askBash makes bash source a file, as dkms does, and print the keys.
const askBash = `exec 3>&1 >/dev/null 2>&1
. "$1"
for name in PACKAGE_NAME PACKAGE_VERSION MAKE MAKE_MATCH PATCH PATCH_MATCH BUILT_MODULE_NAME BUILT_MODULE_LOCATION DEST_MODULE_NAME DEST_MODULE_LOCATION STRIP BUILD_DEPENDS \
  BUILD_EXCLUSIVE_KERNEL BUILD_EXCLUSIVE_KERNEL_MIN BUILD_EXCLUSIVE_ARCH BUILD_EXCLUSIVE_CONFIG PRE_BUILD POST_BUILD AUTOINSTALL; do
  declare -n v=$name
  for i in "${!v[@]}"; do printf '%s[%s]=%s\0' "$name" "$i" "${v[$i]}" >&3; done
done`

// TestOracleBash holds what is read of the real files of Debian's packages
// against what bash makes of them, for each kernel that has headers.
func TestOracleBash(t *testing.T) {
	bash := oracle.Tool(t, "bash")
	cache, err := kerneltest.OpenCache()
	if err != nil {
		t.Fatal(err)
	}
	files, _ := filepath.Glob(cache.Join("dkms", "*", "*", "dkms.conf"))
	kernels, err := cache.Kernels()
	if err != nil || len(files) == 0 || len(kernels) == 0 {
		oracle.Missing(t, "no sources or kernels in the cache (%v); run the lab", err)
	}
	compared := 0
	for _, k := range kernels {
		if !k.Headers {
			continue
		}
		dir := filepath.Dir(k.Symvers())
		config, err := os.ReadFile(filepath.Join(dir, ".config"))
		if err != nil {
			t.Fatal(err)
		}
		about := Kernel{Release: k.Release, Arch: "x86_64", SourceDir: dir, Config: kernel.ParseConfig(config).Values, Tree: "/tree", SourceTree: "/src", Jobs: 1,
			Exists: func(name string) bool { _, err := os.Stat(filepath.Join(dir, name)); return err == nil }}
		for _, file := range files {
			t.Run(k.Release+"/"+filepath.Base(filepath.Dir(file)), func(t *testing.T) { compared += compareWithBash(t, bash, file, about) })
		}
	}
	t.Logf("%d values of %d files equal", compared, len(files))
	if compared < 5*len(files) {
		t.Errorf("only %d values compared", compared)
	}
}

// TestOracleBashWords holds the texts of TestMake against bash too.
func TestOracleBashWords(t *testing.T) {
	bash := oracle.Tool(t, "bash")
	dir := t.TempDir()
	about := here()
	about.SourceDir, about.Jobs = filepath.Join(dir, "build"), runtime.NumCPU() // nproc says it
	if err := os.Symlink("build", filepath.Join(dir, "source")); err != nil {
		t.Fatal(err)
	}
	var config strings.Builder
	for name, v := range about.Config {
		fmt.Fprintf(&config, "CONFIG_%s=%s\n", name, v)
	}
	for name, text := range map[string]string{".config": config.String(), "include/linux/kref.h": ""} {
		name = filepath.Join(about.SourceDir, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(name), 0o755), os.WriteFile(name, []byte(text), 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	for _, tt := range makes {
		if strings.ContainsAny(tt.text, "\r") || strings.Contains(tt.text, "exit") { // bash keeps \r, and would end
			continue
		}
		t.Run(tt.name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "dkms.conf")
			if err := os.WriteFile(file, []byte(head+strings.ReplaceAll(tt.text, "mkdir -p /tmp/x", "id")+"\n"), 0o644); err != nil {
				t.Fatal(err)
			}
			if n := compareWithBash(t, bash, file, about); n < 3 {
				t.Errorf("%d values compared", n)
			}
		})
	}
}

// compareWithBash returns how many values of a file were compared.
func compareWithBash(t *testing.T, bash, file string, about Kernel) int {
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(bash, "-c", askBash, "bash", file)
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "kernelver=" + about.Release, "arch=" + about.Arch, "kernel_source_dir=" + about.SourceDir,
		"dkms_tree=" + about.Tree, "source_tree=" + about.SourceTree, fmt.Sprintf("parallel_jobs=%d", about.Jobs)}
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	l, err := parse(string(text))
	if err != nil {
		t.Fatal(err)
	}
	in := &interpreter{kernel: &about, vars: map[string]variable{}, lost: map[string]string{}, at: map[string]int{}}
	in.given(about)
	in.list(l)
	n := 0
	for _, item := range bytes.Split(bytes.TrimSuffix(out, []byte{0}), []byte{0}) {
		place, want, _ := strings.Cut(string(item), "=")
		name, index, _ := strings.Cut(strings.TrimSuffix(place, "]"), "[")
		var i int
		fmt.Sscan(index, &i)
		if got := in.vars[name][i]; got.text != want || !got.known() {
			t.Errorf("%s = %+v, bash has %q", place, got, want)
		}
		n++
	}
	if _, err := Read(about, Text{"dkms.conf", text}); err != nil {
		t.Error(err)
	}
	return n
}
