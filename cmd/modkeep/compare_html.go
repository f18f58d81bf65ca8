package main

import (
	"fmt"
	"html/template"
	"io"
	"strings"
	"sync"

	"modkeep/kabi"
)

// comparePage is compare --html: one page that needs nothing else. It is parsed
// when it is first used.
var comparePage = sync.OnceValue(func() *template.Template {
	return template.Must(template.New("compare").Funcs(pageFuncs).Parse(pageText))
})

var pageFuncs = template.FuncMap{
	"join":    strings.Join,
	"symbols": inSymbols,
	"lines":   func(s string) []string { return strings.Split(strings.TrimSuffix(s, "\n"), "\n") },
	"mark": func(line string) string {
		switch {
		case strings.HasPrefix(line, "+"):
			return "new"
		case strings.HasPrefix(line, "-"):
			return "old"
		}
		return ""
	},
}

const pageText = `<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>{{.Old}} → {{.New}}</title>
<style>
body{font:15px/1.45 sans-serif;max-width:70em;margin:2em auto;padding:0 1em;color:#222}
table{border-collapse:collapse}td,th{padding:.15em .8em .15em 0;text-align:left;vertical-align:top}
pre{background:#f6f6f4;padding:.6em;overflow:auto}.old{color:#a00}.new{color:#060}
code,pre{font:13px/1.4 monospace}h3{margin-bottom:.2em}.n{color:#666;font-weight:normal}
</style></head><body>
<h1>{{.Old}} → {{.New}}</h1>
<p>{{len .R.Removed}} removed, {{len .R.Added}} added, {{len .R.Changed}} with another CRC, of which {{.Explained}} are explained and {{.Proved}} of these proved.</p>
{{with .Source}}<p>Explained by {{.}}: nothing is proved.</p>
{{end}}{{with .R.Cover}}<p>Together these explain all: <code>{{join . ", "}}</code></p>{{end}}
{{range .R.Causes}}<h3>{{.Type}} <span class="n">{{symbols .Symbols}}{{if .Sole}}, the sole cause of {{.Sole}}{{end}}{{if lt .Proved .Symbols}}, proved for {{.Proved}}{{end}}</span></h3>
<p>{{.Judgement}}<br><code>{{join .Path " → "}}</code></p>
<pre>{{range lines .Diff}}<span class="{{mark .}}">{{.}}</span>
{{end}}</pre>
{{end}}
{{define "symbols"}}{{if .List}}<details><summary>{{.Title}}: {{len .List}}</summary><p><code>{{join .List ", "}}</code></p></details>{{end}}{{end}}
{{if .R.Clusters}}<h2>Exports of one module that change together</h2><p>There are no types: that they have one in common is a guess.</p>
<table>{{range .R.Clusters}}<tr><td><code>{{.Module}}</code><td>{{len .Symbols}} of {{.Exports}} exports{{end}}</table>{{end}}
{{range .Lists}}{{template "symbols" .}}{{end}}
{{range .Others}}{{if .List}}<details><summary>{{.Title}}: {{len .List}}</summary><table>{{range .List}}<tr><td><code>{{.Symbol}}</code><td>{{.Old}}<td>{{.New}}{{end}}</table></details>{{end}}{{end}}
{{if .R.Changed}}<details><summary>Another CRC: {{len .R.Changed}}</summary><table><tr><th>symbol<th>old<th>new<th>proved<th>causes
{{range .R.Changed}}<tr><td><code>{{.Symbol}}</code><td>{{.Old}}<td>{{.New}}<td>{{if .Proved}}yes{{else}}{{.Unproved}}{{end}}<td>{{join .Causes ", "}}
{{end}}</table></details>{{end}}
{{if .R.Modules}}<h2>Modules broken: {{len .R.Modules}}</h2><table>{{range .R.Modules}}<tr><td><code>{{.File}}</code><td>{{len .Changed}} imports have another CRC, {{len .Removed}} are gone{{end}}</table>{{end}}
</body></html>
`

// namedList is a list of the page that is folded away.
type namedList[T any] struct {
	Title string
	List  []T
}

func (p *comparePrinter) html(w io.Writer) error {
	r := p.json()
	page := struct {
		Old, New          string
		R                 *compareReport
		Explained, Proved int
		Source            string // where it is not what CRCs are of
		Lists             []namedList[string]
		Others            []namedList[otherJSON]
	}{
		Old: p.old, New: p.new, R: r, Explained: p.report.Explained, Proved: p.report.Proved,
		Lists: []namedList[string]{{"Removed", r.Removed}, {"Added", r.Added}, {"Rules that are unused", r.UnusedRules}, {"Of the list, on neither side", r.Unlisted}},
		Others: []namedList[otherJSON]{
			{"Another export macro", r.Retyped}, {"Another namespace", r.Renamespaced}, {"Another module", r.Moved},
		},
	}
	if r.Source == kabi.Guided || r.Source == kabi.Layout {
		page.Source = string(r.Source)
	}
	if t := r.Tolerated; t != nil {
		page.Lists = append(page.Lists, namedList[string]{"Removed, tolerated", t.Removed}, namedList[string]{"Another CRC, tolerated", t.Changed})
	}
	if err := comparePage().Execute(w, page); err != nil {
		return fmt.Errorf("cannot write the answer: %w", err)
	}
	return nil
}
