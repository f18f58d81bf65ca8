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
	"github.com/google/go-cmp/cmp/cmpopts"

	"modkeep/internal/kerneltest/oracle"
	"modkeep/ko/modinfo"
	"modkeep/symvers"
)

// kernelModules returns the modules of all kernels in the cache, of every
// architecture: all with MODKEEP_FULL=1, else a sample of 300 for amd64 and 50
// for each other. At least 1,000 must be there.
func kernelModules(t testing.TB) []string {
	t.Helper()
	var files []string
	total := 0
	arches, _ := filepath.Glob(oracle.Cache("root", "*"))
	for _, arch := range arches {
		dirs, _ := filepath.Glob(filepath.Join(arch, "lib/modules/*/kernel"))
		var all []string
		for _, dir := range dirs {
			all = append(all, modulesBelow(t, dir)...)
		}
		total += len(all)
		n := 50
		switch {
		case os.Getenv("MODKEEP_FULL") == "1":
			n = len(all)
		case filepath.Base(arch) == "amd64":
			n = 300
		}
		files = append(files, sample(all, n)...)
	}
	if total < 1000 {
		oracle.Missing(t, "%d kernel modules below %s", total, oracle.CacheDir())
	}
	t.Logf("%d of %d modules", len(files), total)
	return files
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
	modprobe := oracle.Tool(t, "modprobe")
	eachModule(t, kernelModules(t), func(t *testing.T, path string, f *File) {
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
	modprobe := oracle.Tool(t, "modprobe")
	eachModule(t, kernelModules(t), func(t *testing.T, path string, f *File) {
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

// signature gives the fields that modinfo makes of the appended signature.
func signatureFields(f *File) ([]string, error) {
	trailer, err := f.Signature()
	if trailer == nil || err != nil {
		return nil, err
	}
	sig, err := trailer.Read(f.Image)
	if err != nil {
		return nil, err
	}
	colons := func(b []byte) string {
		return strings.ReplaceAll(strings.ToUpper(fmt.Sprintf("% x", b)), " ", ":")
	}
	return []string{"sig_id=" + sig.ID, "signer=" + sig.Signer, "sig_key=" + colons(sig.Key),
		"sig_hashalgo=" + sig.Hash, "signature=" + colons(sig.Value)}, nil
}

// parmLines gives the lines that modinfo makes of parm and parmtype.
func parmLines(params []modinfo.Param) []string {
	var lines []string
	for _, p := range params {
		line := "parm: " + p.Name + ":" + p.Description
		if p.Type != "" && p.Description != "" {
			line += " (" + p.Type + ")"
		} else if p.Type != "" {
			line += p.Type
		}
		lines = append(lines, line)
	}
	return lines
}

// modinfo -0 ends each field with a NUL and leaves its key as it stands, but
// prints file name and parameters as it does without -0.
func TestOracleModinfo(t *testing.T) {
	tool := oracle.Tool(t, "modinfo")
	eachModule(t, kernelModules(t), func(t *testing.T, path string, f *File) {
		out, err := exec.Command(tool, "-0", path).Output()
		if err != nil {
			t.Errorf("modinfo %s: %v", path, err)
		}
		var want []string
		for field := range strings.SplitSeq(strings.TrimSuffix(string(out), "\x00"), "\x00") {
			switch {
			case strings.HasPrefix(field, "filename:"):
			case strings.HasPrefix(field, "parm:"):
				want = append(want, "parm: "+strings.TrimLeft(strings.TrimPrefix(field, "parm:"), " "))
			case strings.HasPrefix(field, "signature="):
				want = append(want, strings.Join(strings.Fields(field), ""))
			default:
				want = append(want, field)
			}
		}
		got, err := signatureFields(f)
		if err != nil {
			t.Errorf("%s: %v", path, err)
		}
		for _, field := range f.Info {
			if field.Key != "parm" && field.Key != "parmtype" {
				got = append(got, field.Key+"="+field.Value)
			}
		}
		got = append(got, parmLines(f.Info.Params())...)
		sort.Strings(want)
		sort.Strings(got)
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("%s: (-modinfo +got)\n%s", path, d)
		}
	})
}

// symversRows reads a Module.symvers of 5.6 or later into its rows by module.
func symversRows(t *testing.T, path string) map[string][]string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	rows := make(map[string][]string)
	for line := range strings.Lines(string(data)) {
		col := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
		if len(col) != 5 {
			t.Fatalf("%s: row of %d columns: %q", path, len(col), line)
		}
		rows[col[2]] = append(rows[col[2]], strings.Join([]string{col[0], col[1], col[3], col[4]}, " "))
	}
	return rows
}

// The kernel's own Module.symvers tells each export's macro and namespace,
// which kmod does not.
func TestOracleSymvers(t *testing.T) {
	headers, _ := filepath.Glob(oracle.Cache("root/*/usr/src/linux-headers-*/Module.symvers"))
	if len(headers) == 0 {
		oracle.Missing(t, "no Module.symvers below %s", oracle.CacheDir())
	}
	total := 0
	for _, path := range headers {
		krel := strings.TrimPrefix(filepath.Base(filepath.Dir(path)), "linux-headers-")
		root := filepath.Join(filepath.Dir(path), "../../..")
		tree := filepath.Join(root, "lib/modules", krel)
		if _, err := os.Stat(filepath.Join(tree, "kernel")); err != nil {
			continue
		}
		want := symversRows(t, path)
		files := modulesBelow(t, filepath.Join(tree, "kernel"))
		if os.Getenv("MODKEEP_FULL") != "1" {
			files = sample(files, 100)
		}
		total += len(files)
		eachModule(t, files, func(t *testing.T, path string, f *File) {
			exports, err := f.Exports()
			if err != nil {
				t.Errorf("%s: %v", path, err)
			}
			var got []string
			for _, e := range exports {
				got = append(got, strings.Join([]string{e.CRC.String(), e.Symbol, string(e.Type), e.Namespace}, " "))
			}
			rel, _, _ := strings.Cut(strings.TrimPrefix(path, tree+"/kernel/"), ".ko")
			want := slices.Clone(want[rel])
			sort.Strings(want)
			sort.Strings(got)
			if d := cmp.Diff(want, got, cmpopts.EquateEmpty()); d != "" {
				t.Errorf("%s: (-Module.symvers +got)\n%s", path, d)
			}
		})
	}
	t.Logf("%d modules of %d kernels", total, len(headers))
}

// The modules in testdata, as readelf -s and kmod see them.
func TestOracleForms(t *testing.T) {
	readelf, modprobe := oracle.Tool(t, "readelf"), oracle.Tool(t, "modprobe")
	files, _ := filepath.Glob("testdata/*.ko")
	for _, path := range files {
		t.Run(filepath.Base(path), func(t *testing.T) {
			f := open(t, filepath.Base(path))
			vs, err := f.Versions()
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, v := range vs {
				got = append(got, fmt.Sprintf("0x%08x %s", v.CRC, v.Symbol))
			}
			sort.Strings(got)
			abs, err := filepath.Abs(path)
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(rows(t, modprobe, "--dump-modversions", abs), got); d != "" {
				t.Errorf("versions: (-modprobe +got)\n%s", d)
			}
			out, err := exec.Command(readelf, "-sW", path).Output()
			if err != nil {
				t.Fatal(err)
			}
			var want []string
			for line := range strings.Lines(string(out)) {
				// Num: Value Size Type Bind Vis Ndx Name
				if col := strings.Fields(line); len(col) == 8 && col[6] == "UND" {
					want = append(want, col[4]+" "+col[7])
				}
			}
			imports, err := f.Undefined()
			if err != nil {
				t.Fatal(err)
			}
			got = nil
			for _, imp := range imports {
				bind := "GLOBAL"
				if imp.Weak {
					bind = "WEAK"
				}
				got = append(got, bind+" "+imp.Symbol)
			}
			if d := cmp.Diff(want, got); d != "" {
				t.Errorf("undefined: (-readelf +got)\n%s", d)
			}
		})
	}
}

// Name, offset and size of each section, as readelf sees them.
func TestOracleSections(t *testing.T) {
	readelf := oracle.Tool(t, "readelf")
	files, _ := filepath.Glob("testdata/*.ko")
	for _, path := range files {
		f := open(t, filepath.Base(path))
		out, err := exec.Command(readelf, "-SW", path).Output()
		if err != nil {
			t.Fatal(err)
		}
		var want, got []string
		for line := range strings.Lines(string(out)) {
			_, rest, ok := strings.Cut(line, "] ")
			if col := strings.Fields(rest); ok && len(col) >= 6 && strings.HasPrefix(line, "  [") && !strings.HasPrefix(rest, "Name") && col[0] != "NULL" {
				want = append(want, strings.Join([]string{col[0], col[3], col[4]}, " "))
			}
		}
		for _, s := range f.Sections[1:] {
			got = append(got, fmt.Sprintf("%s %06x %06x", s.Name, s.Offset, s.Size))
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("%s: (-readelf +got)\n%s", path, d)
		}
	}
}
