package pattern

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// TestLiteralsCompile compiles every pattern that stands in the tree as one
// literal. Those put together from parts are tested where they are.
func TestLiteralsCompile(t *testing.T) {
	n := 0
	err := filepath.WalkDir("../..", func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() && (entry.Name() == ".cache" || entry.Name() == ".git") {
			return fs.SkipDir
		}
		if filepath.Ext(name) != ".go" || strings.HasSuffix(name, "_test.go") {
			return nil
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		ast.Inspect(file, func(node ast.Node) bool {
			text, ok := literal(node)
			if ok {
				n++
				if _, err := regexp.Compile(text); err != nil {
					t.Errorf("%s: %v", name, err)
				}
			}
			return true
		})
		return nil
	})
	if err != nil || n < 60 {
		t.Errorf("%d patterns, are they made elsewhere? %v", n, err)
	}
}

// literal returns the literal that pattern.New is called with.
func literal(node ast.Node) (string, bool) {
	call, ok := node.(*ast.CallExpr)
	if !ok || len(call.Args) != 1 {
		return "", false
	}
	f, ok := call.Fun.(*ast.SelectorExpr)
	if !ok || f.Sel.Name != "New" {
		return "", false
	}
	pkg, ok := f.X.(*ast.Ident)
	arg, isLiteral := call.Args[0].(*ast.BasicLit)
	if !ok || pkg.Name != "pattern" || !isLiteral {
		return "", false
	}
	text, err := strconv.Unquote(arg.Value)
	return text, err == nil
}

func TestPattern(t *testing.T) {
	p := New(`a(b)(?P<c>c)?`)
	if p.String() != `a(b)(?P<c>c)?` || !p.MatchString("xab") || p.MatchString("b") {
		t.Error("it does not match as it is written")
	}
	if got := p.FindStringSubmatch("abc"); len(got) != 3 || got[2] != "c" || p.SubexpNames()[2] != "c" {
		t.Errorf("%q", got)
	}
	if all, words := p.FindAllStringSubmatch("ab abc", -1), p.FindAll([]byte("ab abc"), 1); len(all) != 2 || all[1][2] != "c" || len(words) != 1 || string(words[0]) != "ab" {
		t.Errorf("%q, %q", all, words)
	}
	if a, b := p.ReplaceAllString("xab", "$1"), p.ReplaceAllStringFunc("xab", strings.ToUpper); a != "xb" || b != "xAB" {
		t.Errorf("%q, %q", a, b)
	}
}
