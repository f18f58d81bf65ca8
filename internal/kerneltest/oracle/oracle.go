// Package oracle finds what tests hold results against: real programs, kernels and
// published data. Where one is missing the test is skipped, and says so, or fails
// where MODKEEP_ORACLES is "required", as it is in CI.
package oracle

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// Required reports whether a test fails where what it needs is missing.
func Required() bool { return os.Getenv("MODKEEP_ORACLES") == "required" }

// Missing ends the test for want of something, which the text names.
func Missing(t testing.TB, format string, args ...any) {
	t.Helper()
	if Required() {
		t.Fatalf("oracle required: "+format, args...)
	}
	t.Skipf("ORACLE SKIPPED: "+format, args...)
}

// Tool returns the path of a program, the first that there is of several names.
func Tool(t testing.TB, names ...string) string {
	t.Helper()
	for _, name := range names {
		for _, dir := range []string{"", "/usr/sbin/", "/sbin/"} { // not in everybody's PATH
			if path, err := exec.LookPath(dir + name); err == nil {
				return path
			}
		}
	}
	Missing(t, "%s is not installed", names[0])
	return ""
}

// OpenDir is a temporary directory that programs of another user reach, as those
// of testing.T are not.
func OpenDir(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "modkeep-test-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	return dir
}

// CacheDir returns the directory of everything fetched and built for tests: the
// environment's MODKEEP_CACHE, else .cache in the top directory of the source tree
// that the working directory is in. It is "" where that is in none.
func CacheDir() string {
	if dir := os.Getenv("MODKEEP_CACHE"); dir != "" {
		return dir
	}
	dir, err := os.Getwd()
	if err != nil {
		return ""
	}
	for ; ; dir = filepath.Dir(dir) {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return filepath.Join(dir, ".cache")
		}
		if dir == filepath.Dir(dir) {
			return ""
		}
	}
}

// Cache returns a path below CacheDir, where nothing may be.
func Cache(elem ...string) string {
	return filepath.Join(append([]string{CacheDir()}, elem...)...)
}

// Cached returns the paths below CacheDir that match a pattern, sorted, at least one.
func Cached(t testing.TB, pattern string) []string {
	t.Helper()
	paths, err := filepath.Glob(Cache(pattern))
	if err != nil {
		t.Fatal(err)
	}
	if len(paths) == 0 {
		Missing(t, "no %s in the cache", pattern)
	}
	return paths
}

// Data returns a path below MODKEEP_DATA: real kernels' tables, types and lists
// that are published and too big for this tree. The test is skipped where that is
// not set, even where oracles are required: CI has no way to get them.
func Data(t testing.TB, elem ...string) string {
	t.Helper()
	dir := os.Getenv("MODKEEP_DATA")
	if dir == "" {
		t.Skip("SKIPPED: MODKEEP_DATA is not set: published tables, types and lists are not looked at")
	}
	return filepath.Join(append([]string{dir}, elem...)...)
}

// Genksyms returns the C program of a kernel such as 6.1, the last by name, ""
// where the cache has none. It is an error that one is missing where oracles are
// required, and the set of downloads that every run has holds it: that of 6.1 does,
// those of other kernels are in the full one.
func Genksyms(t testing.TB, version string) string {
	t.Helper()
	if path := FindGenksyms(version); path != "" {
		return path
	}
	if Required() && (version == "6.1" || os.Getenv("MODKEEP_FULL") != "") {
		t.Errorf("no genksyms of linux-kbuild-%s in the cache", version)
	}
	t.Logf("SKIPPED: no genksyms of linux-kbuild-%s in the cache", version)
	return ""
}

// FindGenksyms is Genksyms without a test.
func FindGenksyms(version string) string {
	var found []string
	for _, dir := range []string{"root/amd64/usr/lib", "genksyms/kbuild/usr/lib"} {
		for _, end := range []string{"", ".*"} { // 6.1 is no beginning of 6.12
			paths, _ := filepath.Glob(Cache(dir, "linux-kbuild-"+version+end, "scripts/genksyms/genksyms"))
			found = append(found, paths...)
		}
	}
	if len(found) == 0 {
		return ""
	}
	return found[len(found)-1]
}

// Preprocessed returns the kernel files that scripts/genksyms-sweep -s 6.1 has put
// into the cache: 60.
func Preprocessed(t testing.TB) []string {
	t.Helper()
	files, _ := filepath.Glob(Cache("genksyms/6.1/sample/*.i"))
	if len(files) < 60 {
		Missing(t, "%d preprocessed files in the cache, not 60: scripts/genksyms-sweep -s 6.1 makes them", len(files))
	}
	return files
}
