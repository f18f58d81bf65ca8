package modkeep

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// layers names every package once, lowest row first. A package imports from
// rows below its own only, never from beside or above it. A new package needs
// a place here, so that somebody says where it stands.
var layers = [][]string{
	{"ko/xz", "internal/pattern", "internal/regular", "internal/cputime", "internal/kerneltest/oracle"},
	{"symvers", "symtypes", "kabi/layout", "ko/elf", "ko/ksymtab", "ko/modinfo", "ko/modsig", "kernel/release", "kernel/payload", "kernel/keyring", "klog", "txn", "policy", "pgp", "kbuild/iso9660", "internal/kerneltest/wire", "internal/kerneltest/made"},
	{"ko", "kabi", "kernel/image", "genksyms", "gendwarfksyms", "kbuild/dkms", "internal/kerneltest/guest"},
	{"depmod", "kmp", "initramfs", "internal/kerneltest/init", "internal/kerneltest"},
	{"kernel", "kmp/rpm", "repo"},
	{"loader", "kbuild", "kmp/pack"},
	{"weakupdates", "kmp/media", "internal/kerneltest/lab"},
	{"node", "node/hooks", "repo/channel"},
	{"cmd/modkeep", "bench"},
}

// harness is what runs real kernels for the tests: programs of the
// repository's own, free to do what the rest leaves to cmd.
const harness = "internal/kerneltest"

// thirdParty says which packages may import what from outside the standard
// library; an import that is not below one of these paths is allowed nowhere.
// A path with no package is for tests only.
var thirdParty = map[string][]string{
	"github.com/klauspost/compress":      {"ko", "kernel/image", "kernel/payload", "initramfs", "symvers", "symtypes", "kabi", "kmp", "repo", harness, harness + "/lab", harness + "/made"},
	"github.com/ulikunitz/xz":            {"ko", "kmp", "repo", harness, harness + "/lab", harness + "/made"},
	"github.com/ProtonMail/go-crypto":    {"pgp"},
	"go.yaml.in/yaml/v3":                 {"policy"},
	"github.com/spf13":                   {"cmd/modkeep"},
	"golang.org/x/sys/unix":              {"txn", "repo", "cmd/modkeep", harness, harness + "/guest", harness + "/lab"},
	"github.com/google/go-cmp":           nil,
	"github.com/rogpeppe/go-internal":    nil,
	"github.com/spf13/cobra/doc":         nil,
	"honnef.co/go/tools/cmd/staticcheck": nil,
}

// outward names what only cmd and the harness may use: printing, exiting,
// environment and clock. Readers and deciders are handed such things.
var outward = map[string][]string{
	"fmt":  {"Print", "Printf", "Println"},
	"os":   {"Exit", "Getenv", "LookupEnv", "Environ", "Stdin", "Stdout", "Stderr", "Args", "Getwd"},
	"time": {"Now", "Since", "Until", "After", "Sleep", "Tick", "NewTimer", "NewTicker"},
	"log":  {"*"},
	"flag": {"*"},
}

// source is one parsed Go file that is not a test.
type source struct {
	name string // slash-separated, below the root
	file *ast.File
}

func (s source) pkg() string { return path.Dir(s.name) }

// sources parses the Go files of the tree that keep accepts. It reads the
// files itself: what is learnt through go list stays cached after a change.
func sources(t *testing.T, mode parser.Mode, keep func(name string) bool) []source {
	t.Helper()
	var list []source
	for _, name := range tracked(t) {
		if !strings.HasSuffix(name, ".go") || !keep(name) {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, mode)
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, source{name, file})
	}
	return list
}

// tracked returns the names of the tree's own files: not what git ignores,
// nor git's.
func tracked(t *testing.T) []string {
	t.Helper()
	var names []string
	err := fs.WalkDir(os.DirFS("."), ".", func(name string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case slices.Contains([]string{".git", ".cache", "dist"}, name):
			return fs.SkipDir
		case entry.Type().IsRegular() && name != "modkeep":
			names = append(names, name)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}

func isCode(name string) bool {
	return !strings.HasSuffix(name, "_test.go") && !strings.Contains("/"+name, "/testdata/")
}

func rowOf(pkg string) int {
	return slices.IndexFunc(layers, func(row []string) bool { return slices.Contains(row, pkg) })
}

func TestImportsPointDown(t *testing.T) {
	for _, src := range sources(t, parser.ImportsOnly, isCode) {
		row := rowOf(src.pkg())
		if row < 0 {
			t.Errorf("%s: package is in no layer", src.name)
			continue
		}
		for _, imported := range imports(src) {
			below, ok := strings.CutPrefix(imported, "modkeep/")
			if ok && (rowOf(below) < 0 || rowOf(below) >= row) {
				t.Errorf("%s: imports %s, which is not below %s", src.name, below, src.pkg())
			}
		}
	}
}

func TestLayersNameEachPackageOnce(t *testing.T) {
	seen := make(map[string]int)
	for _, row := range layers {
		for _, pkg := range row {
			seen[pkg]++
		}
	}
	for pkg, n := range seen {
		if n > 1 {
			t.Errorf("%s stands in %d rows", pkg, n)
		}
		if files, err := fs.Glob(os.DirFS("."), pkg+"/*.go"); err != nil || len(files) == 0 {
			t.Errorf("%s is in a layer but has no file", pkg)
		}
	}
}

func TestThirdPartyImports(t *testing.T) {
	for _, src := range sources(t, parser.ImportsOnly, isCode) {
		for _, imported := range imports(src) {
			host, _, _ := strings.Cut(imported, "/")
			if strings.Contains(host, ".") && !slices.Contains(importersOf(imported), src.pkg()) {
				t.Errorf("%s: %s may not be imported here", src.name, imported)
			}
		}
	}
}

// importersOf returns the packages that may import path: those of the longest
// path in thirdParty that it is, or is below.
func importersOf(imported string) []string {
	for p := imported; p != "."; p = path.Dir(p) {
		if importers, ok := thirdParty[p]; ok {
			return importers
		}
	}
	return nil
}

func TestOnlyCommandsTouchTheWorld(t *testing.T) {
	below := func(name string) bool {
		return isCode(name) && !strings.HasPrefix(name, "cmd/") && !strings.HasPrefix(name, "bench/") && !strings.HasPrefix(name, harness+"/")
	}
	for _, src := range sources(t, parser.SkipObjectResolution, below) {
		ast.Inspect(src.file, func(n ast.Node) bool {
			sel, ok := n.(*ast.SelectorExpr)
			if !ok {
				return true
			}
			pkg, ok := sel.X.(*ast.Ident)
			if names := outward[identName(pkg, ok)]; slices.Contains(names, sel.Sel.Name) || slices.Contains(names, "*") {
				t.Errorf("%s: uses %s.%s, which is left to the commands", src.name, pkg.Name, sel.Sel.Name)
			}
			return true
		})
	}
}

func identName(id *ast.Ident, ok bool) string {
	if !ok {
		return ""
	}
	return id.Name
}

func imports(src source) []string {
	var list []string
	for _, spec := range src.file.Imports {
		p, err := strconv.Unquote(spec.Path.Value)
		if err == nil {
			list = append(list, p)
		}
	}
	return list
}
