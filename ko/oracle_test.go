package ko

import (
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sort"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"modkeep/symvers"
)

// lack skips a test whose oracle is absent, or fails it where oracles are
// required.
func lack(t testing.TB, format string, args ...any) {
	t.Helper()
	if os.Getenv("MODKEEP_ORACLES") == "required" {
		t.Fatalf("oracle required: "+format, args...)
	}
	t.Skipf("ORACLE SKIPPED: "+format, args...)
}

func tool(t testing.TB, name string) string {
	t.Helper()
	for _, dir := range []string{"", "/usr/sbin/", "/sbin/"} {
		if path, err := exec.LookPath(dir + name); err == nil {
			return path
		}
	}
	lack(t, "%s is not installed", name)
	return ""
}

// cache returns the folder of downloaded kernels.
func cache() string {
	if dir := os.Getenv("MODKEEP_CACHE"); dir != "" {
		return dir
	}
	return filepath.Join("..", ".cache")
}

// kernelModules returns modules of the kernels in the cache for a Debian
// architecture that have at least min of them: all with MODKEEP_FULL=1, else a
// sample spread over them.
func kernelModules(t testing.TB, arch string, min int) []string {
	t.Helper()
	dirs, _ := filepath.Glob(filepath.Join(cache(), "root", arch, "lib/modules/*/kernel"))
	var all []string
	for _, dir := range dirs {
		if files := modulesBelow(t, dir); len(files) >= min {
			all = append(all, files...)
		}
	}
	if len(all) == 0 {
		lack(t, "no %s kernel with %d modules in %s", arch, min, cache())
	}
	if os.Getenv("MODKEEP_FULL") == "1" {
		t.Logf("%d modules", len(all))
		return all
	}
	return sample(all, 300)
}

func modulesBelow(t testing.TB, dir string) []string {
	t.Helper()
	var files []string
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() && strings.Contains(d.Name(), ".ko") {
			files = append(files, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// sample picks n files evenly.
func sample(files []string, n int) []string {
	if len(files) <= n {
		return files
	}
	var picked []string
	for i := range n {
		picked = append(picked, files[i*len(files)/n])
	}
	return picked
}

// eachModule runs check for every file, on two processors.
func eachModule(t *testing.T, files []string, check func(t *testing.T, path string, f *File)) {
	t.Helper()
	queue := make(chan string)
	var wg sync.WaitGroup
	for range 2 {
		wg.Go(func() {
			for path := range queue {
				f, err := Open(path)
				if err != nil {
					t.Errorf("%s: %v", path, err)
					continue
				}
				check(t, path, f)
				f.Close()
			}
		})
	}
	for _, path := range files {
		queue <- path
	}
	close(queue)
	wg.Wait()
}

// rows runs kmod's modprobe with an option and returns its lines, sorted, with
// columns parted by single spaces.
func rows(t *testing.T, modprobe, option, path string) []string {
	out, err := exec.Command(modprobe, option, path).Output()
	if err != nil && len(out) > 0 {
		t.Errorf("modprobe %s %s: %v", option, path, err)
	}
	var lines []string
	for line := range strings.Lines(string(out)) {
		lines = append(lines, strings.Join(strings.Fields(line), " "))
	}
	sort.Strings(lines)
	return lines
}

func TestOracleExports(t *testing.T) {
	modprobe := tool(t, "modprobe")
	eachModule(t, kernelModules(t, "amd64", 1000), func(t *testing.T, path string, f *File) {
		exports, err := f.Exports()
		if err != nil {
			t.Errorf("%s: %v", path, err)
		}
		// Where a module has no __crc_ symbols kmod (30) prints all strings of
		// __ksymtab_strings, namespaces among them.
		var got []string
		stray := make(map[string]bool)
		for _, e := range exports {
			got = append(got, fmt.Sprintf("%s %s", e.CRC, e.Symbol))
			if !e.HasCRC && e.Namespace != "" {
				stray[fmt.Sprintf("%s %s", e.CRC, e.Namespace)] = true
			}
		}
		sort.Strings(got)
		want := slices.DeleteFunc(rows(t, modprobe, "--show-exports", path), func(s string) bool { return stray[s] })
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("%s: (-modprobe +got)\n%s", path, d)
		}
	})
}

func TestOracleVersions(t *testing.T) {
	modprobe := tool(t, "modprobe")
	eachModule(t, kernelModules(t, "amd64", 1000), func(t *testing.T, path string, f *File) {
		vs, err := f.Versions()
		if err != nil {
			t.Errorf("%s: %v", path, err)
		}
		var got []string
		for _, v := range vs {
			got = append(got, fmt.Sprintf("%s %s", symvers.CRC(v.CRC), v.Symbol))
		}
		sort.Strings(got)
		if d := cmp.Diff(rows(t, modprobe, "--dump-modversions", path), got); d != "" {
			t.Errorf("%s: (-modprobe +got)\n%s", path, d)
		}
	})
}

