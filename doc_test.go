package modkeep

import (
	"bytes"
	"go/ast"
	"go/format"
	"go/parser"
	"os"
	"path"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"
)

// TestPackageDoc wants of every package a comment that defines its terms, and
// of commands one that says what the program does.
func TestPackageDoc(t *testing.T) {
	docs := make(map[string]string)
	for _, src := range sources(t, parser.ImportsOnly|parser.ParseComments, isCode) {
		docs[src.pkg()] += src.file.Doc.Text()
	}
	for pkg, text := range docs {
		want := regexp.MustCompile(`^(Package ` + path.Base(pkg) + `|Command ` + path.Base(pkg) + `) `)
		if !want.MatchString(text) {
			t.Errorf("%s: package comment begins %q, want %q", pkg, firstWords(text), want)
		}
	}
}

func firstWords(text string) string {
	line, _, _ := strings.Cut(text, "\n")
	return line
}

// TestExportedDoc wants a comment on every exported function, method and type.
func TestExportedDoc(t *testing.T) {
	for _, src := range sources(t, parser.ParseComments|parser.SkipObjectResolution, isCode) {
		if src.file.Name.Name == "main" {
			continue
		}
		for _, decl := range src.file.Decls {
			for _, name := range undocumented(decl) {
				t.Errorf("%s: %s has no doc comment", src.name, name)
			}
		}
	}
}

// undocumented returns the exported names that decl declares without a
// comment. Constants and variables may share their group's.
func undocumented(decl ast.Decl) (names []string) {
	switch d := decl.(type) {
	case *ast.FuncDecl:
		if d.Name.IsExported() && d.Doc == nil && receiverExported(d) && !wellKnown[d.Name.Name] {
			names = append(names, d.Name.Name)
		}
	case *ast.GenDecl:
		for _, spec := range d.Specs {
			if s, ok := spec.(*ast.TypeSpec); ok && s.Name.IsExported() && d.Doc == nil && s.Doc == nil {
				names = append(names, s.Name.Name)
			}
		}
	}
	return names
}

// wellKnown methods say by their name alone what they do.
var wellKnown = map[string]bool{"Error": true, "Unwrap": true, "String": true, "Len": true, "Less": true, "Swap": true, "Close": true}

func receiverExported(d *ast.FuncDecl) bool {
	if d.Recv == nil {
		return true
	}
	t := d.Recv.List[0].Type
	if star, ok := t.(*ast.StarExpr); ok {
		t = star.X
	}
	id, ok := t.(*ast.Ident)
	return ok && id.IsExported()
}

func TestGofmt(t *testing.T) {
	for _, name := range tracked(t) {
		if !strings.HasSuffix(name, ".go") {
			continue
		}
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		formatted, err := format.Source(text)
		if err != nil || !bytes.Equal(text, formatted) {
			t.Errorf("%s: gofmt would change it (%v)", name, err)
		}
	}
}

// TestNothingBuilt: what is built or large is fetched or made by a script, and
// stands in no commit.
func TestNothingBuilt(t *testing.T) {
	const limit = 256 << 10
	for _, name := range tracked(t) {
		info, err := os.Stat(name)
		if err != nil {
			t.Fatal(err)
		}
		if info.Size() > limit || strings.HasSuffix(name, ".test") {
			t.Errorf("%s: %d bytes, limit %d", name, info.Size(), limit)
		}
	}
}

// private matches what belongs to one machine: a home or work directory, or
// the address of a package registry or its proxy.
var private = regexp.MustCompile(`(^|[^\w./-])/(home|root|work|Users)/[\w.]` + `|https?://[\w.:-]*(proxy|registry|mirror|artifactory|nexus)[\w.:-]*`)

// TestNoMachineInTheTree looks at every text file, so that what was made on
// one machine says nothing of it.
func TestNoMachineInTheTree(t *testing.T) {
	for _, name := range tracked(t) {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if !utf8.Valid(text) || bytes.IndexByte(text, 0) >= 0 {
			continue
		}
		for i, line := range strings.Split(string(text), "\n") {
			if found := private.FindString(line); found != "" {
				t.Errorf("%s:%d: speaks of one machine: %q", name, i+1, found)
			}
		}
	}
}
