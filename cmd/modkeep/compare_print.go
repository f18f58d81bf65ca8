package main

import (
	"bufio"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"modkeep/kabi"
	"modkeep/symvers"
)

// compareReport is what modkeep compare --json answers.
type compareReport struct {
	Removed      []string       `json:"removed"`
	Added        []string       `json:"added"`
	Changed      []changedJSON  `json:"changed"`
	Retyped      []otherJSON    `json:"retyped"`
	Renamespaced []otherJSON    `json:"renamespaced"`
	Moved        []otherJSON    `json:"moved"`
	Causes       []causeJSON    `json:"causes"`
	Cover        []string       `json:"cover"`              // types that together explain every explained change
	Source       kabi.Source    `json:"source,omitempty"`   // what the causes were found in
	Clusters     []clusterJSON  `json:"clusters,omitempty"` // a guess, where there are no types
	Tolerated    *toleratedJSON `json:"tolerated,omitempty"`
	UnusedRules  []string       `json:"unused_rules,omitempty"`
	Unlisted     []string       `json:"unlisted,omitempty"`
	Uncompared   []string       `json:"uncompared,omitempty"`
	Holes        map[string]int `json:"holes,omitempty"`
	Modules      []brokenModule `json:"modules,omitzero"`
	NoCRCs       []string       `json:"no_crcs,omitempty"`
}

type changedJSON struct {
	Symbol   string   `json:"symbol"`
	Old      string   `json:"old"`
	New      string   `json:"new"`
	Causes   []string `json:"causes"`
	Proved   bool     `json:"proved"`
	Unproved string   `json:"unproved,omitempty"` // why not
}

type otherJSON struct {
	Symbol string `json:"symbol"`
	Old    string `json:"old"`
	New    string `json:"new"`
}

type causeJSON struct {
	Type      string   `json:"type"`
	Symbols   int      `json:"symbols"`
	Sole      int      `json:"sole"`
	Proved    int      `json:"proved"`
	Gain      int      `json:"gain"` // what it adds to the cover, 0 where it is not in it
	Judgement string   `json:"judgement"`
	Path      []string `json:"path"`
	Diff      string   `json:"diff"`
}

type clusterJSON struct {
	Module  string   `json:"module"`
	Symbols []string `json:"symbols"`
	Exports int      `json:"exports"` // of the module
}

type toleratedJSON struct {
	Removed      []string `json:"removed"`
	Added        []string `json:"added"`
	Changed      []string `json:"changed"`
	Retyped      []string `json:"retyped"`
	Renamespaced []string `json:"renamespaced"`
	Moved        []string `json:"moved"`
}

// comparePrinter writes a report.
type comparePrinter struct {
	report   *kabi.Report
	broken   []brokenModule
	opts     *compareOptions
	old, new string
}

func (p *comparePrinter) print(out io.Writer) error {
	if p.opts.json {
		return writeJSON(out, p.json())
	}
	w := bufio.NewWriter(out)
	if p.opts.html {
		if err := p.html(w); err != nil {
			return err
		}
	} else if p.opts.symbols {
		for _, symbol := range p.report.Breaking() {
			fmt.Fprintln(w, symbol)
		}
	} else {
		p.text(w)
	}
	if err := w.Flush(); err != nil {
		return fmt.Errorf("cannot write the answer: %w", err)
	}
	return nil
}

func (p *comparePrinter) json() *compareReport {
	r := p.report
	answer := &compareReport{
		Removed: symbolsOf(r.Removed), Added: symbolsOf(r.Added),
		Changed: changedOf(r), Causes: causesOf(r), Cover: coverOf(r),
		Retyped:      otherOf(r.Retyped, func(e symvers.Export) string { return string(e.Type) }),
		Renamespaced: otherOf(r.Renamespaced, func(e symvers.Export) string { return e.Namespace }),
		Moved:        otherOf(r.Moved, func(e symvers.Export) string { return e.Module }),
		Unlisted:     r.Unlisted, Uncompared: r.Uncompared, Holes: r.Holes, Modules: p.broken,
	}
	answer.Source = r.Source
	for _, c := range r.Clusters {
		answer.Clusters = append(answer.Clusters, clusterJSON(c))
	}
	for _, rule := range r.UnusedRules {
		answer.UnusedRules = append(answer.UnusedRules, fmt.Sprintf("line %d: %s", rule.Line, rule))
	}
	if p.opts.rules != "" {
		t := r.Tolerated
		answer.Tolerated = &toleratedJSON{orEmpty(t.Removed), orEmpty(t.Added), orEmpty(t.Changed), orEmpty(t.Retyped), orEmpty(t.Renamespaced), orEmpty(t.Moved)}
	}
	if r.NoCRCs.Old {
		answer.NoCRCs = append(answer.NoCRCs, "old")
	}
	if r.NoCRCs.New {
		answer.NoCRCs = append(answer.NoCRCs, "new")
	}
	return answer
}

func orEmpty(list []string) []string {
	if list == nil {
		return []string{}
	}
	return list
}

func symbolsOf(exports []symvers.Export) []string {
	list := make([]string, len(exports))
	for i := range exports {
		list[i] = exports[i].Symbol
	}
	return list
}

func changedOf(r *kabi.Report) []changedJSON {
	list := make([]changedJSON, len(r.Changed))
	for i := range r.Changed {
		c := &r.Changed[i]
		list[i] = changedJSON{c.Symbol(), c.Old.CRC.String(), c.New.CRC.String(), make([]string, len(c.Causes)), c.Proved, c.Unproved}
		for j, n := range c.Causes {
			list[i].Causes[j] = r.Causes[n].Type
		}
	}
	return list
}

func causesOf(r *kabi.Report) []causeJSON {
	list := make([]causeJSON, len(r.Causes))
	for i, c := range r.Causes {
		list[i] = causeJSON{c.Type, c.Symbols, c.Sole, c.Proved, c.Gain, c.Judgement, c.Path, c.Diff}
	}
	return list
}

func coverOf(r *kabi.Report) []string {
	list := []string{}
	for _, c := range r.Cover() {
		list = append(list, c.Type)
	}
	return list
}

func otherOf(changes []symvers.Change, field func(symvers.Export) string) []otherJSON {
	list := make([]otherJSON, len(changes))
	for i, c := range changes {
		list[i] = otherJSON{c.Old.Symbol, field(c.Old), field(c.New)}
	}
	return list
}

// How much of each list the text has without --all.
const (
	shownSymbols = 10
	shownCauses  = 12
)

func (p *comparePrinter) text(w io.Writer) {
	r := p.report
	fmt.Fprintf(w, "%s -> %s: ", p.old, p.new)
	if !r.Different() && len(r.Added) == 0 {
		fmt.Fprintln(w, "nothing differs that counts")
	} else {
		fmt.Fprintf(w, "%d removed, %d added, %d with another CRC\n", len(r.Removed), len(r.Added), len(r.Changed))
	}
	p.exports(w, "Removed", r.Removed)
	p.exports(w, "Added", r.Added)
	p.others(w, "Another export macro", r.Retyped, func(e symvers.Export) string { return string(e.Type) })
	p.others(w, "Another namespace", r.Renamespaced, func(e symvers.Export) string { return orDash(e.Namespace) })
	p.others(w, "Another module", r.Moved, func(e symvers.Export) string { return e.Module })
	if len(r.Changed) > 0 {
		p.changed(w)
	}
	printCauses(w, r, p.opts.all)
	p.clusters(w)
	p.tolerated(w)
	p.modules(w)
}

// few cuts a list to what is shown of it.
func few[T any](p *comparePrinter, list []T) (shown []T, more int) {
	if n := len(list); n > shownSymbols && !p.opts.all {
		return list[:shownSymbols], n - shownSymbols
	}
	return list, 0
}

func (p *comparePrinter) exports(w io.Writer, what string, list []symvers.Export) {
	if len(list) == 0 {
		return
	}
	fmt.Fprintf(w, "\n%s: %d\n", what, len(list))
	shown, more := few(p, list)
	for _, e := range shown {
		fmt.Fprintf(w, "  %s\t%s\n", e.Symbol, orDash(e.Module))
	}
	andMore(w, more)
}

func (p *comparePrinter) others(w io.Writer, what string, list []symvers.Change, field func(symvers.Export) string) {
	if len(list) == 0 {
		return
	}
	fmt.Fprintf(w, "\n%s: %d\n", what, len(list))
	shown, more := few(p, list)
	for _, c := range shown {
		fmt.Fprintf(w, "  %s\t%s -> %s\n", c.Old.Symbol, field(c.Old), field(c.New))
	}
	andMore(w, more)
}

func andMore(w io.Writer, more int) {
	if more > 0 {
		fmt.Fprintf(w, "  and %d more\n", more)
	}
}

// changed lists the symbols with another CRC: all with --all, else a few of
// those that have no explanation.
func (p *comparePrinter) changed(w io.Writer) {
	r := p.report
	fmt.Fprintf(w, "\nAnother CRC: %d, of which %d are explained and %d of these proved\n", len(r.Changed), r.Explained, r.Proved)
	printSource(w, r)
	shown := 0
	reasons := make(map[string]int)
	for i := range r.Changed {
		c := &r.Changed[i]
		if !c.Proved {
			reasons[reasonOf(c)]++
		}
		if p.opts.all || len(c.Causes) == 0 && r.Explained == 0 && shown < shownSymbols {
			shown++
			fmt.Fprintf(w, "  %s\t%s -> %s\n", c.Symbol(), c.Old.CRC, c.New.CRC)
		}
	}
	if r.Explained == 0 {
		andMore(w, len(r.Changed)-shown)
	}
	printReasons(w, reasons)
}

// printSource says what the causes were found in where that is not what CRCs are
// of.
func printSource(w io.Writer, r *kabi.Report) {
	if r.Explained > 0 && (r.Source == kabi.Guided || r.Source == kabi.Layout) {
		fmt.Fprintf(w, "  explained by %s\n", r.Source)
	}
}

// reasonOf returns why a change is not proved, without the change's own number.
func reasonOf(c *kabi.Change) string {
	reason, _, _ := strings.Cut(c.Unproved, ": they hash")
	return reason
}

// printReasons writes why changes are not proved, the most frequent first.
func printReasons(w io.Writer, reasons map[string]int) {
	list := slices.SortedFunc(maps.Keys(reasons), func(a, b string) int {
		if reasons[a] != reasons[b] {
			return reasons[b] - reasons[a]
		}
		return strings.Compare(a, b)
	})
	for i, reason := range list {
		if i == shownSymbols {
			fmt.Fprintf(w, "  not proved for %d other reasons\n", len(list)-i)
			break
		}
		fmt.Fprintf(w, "  not proved: %d: %s\n", reasons[reason], reason)
	}
}

// printCauses writes a block for each cause, of those that are not in the cover
// a line where there are many.
func printCauses(w io.Writer, r *kabi.Report, all bool) {
	if len(r.Causes) == 0 {
		return
	}
	cover := coverOf(r)
	fmt.Fprintf(w, "\nCauses: %d; together these explain all %d: %s\n", len(r.Causes), r.Explained, strings.Join(cover, ", "))
	for i, c := range r.Causes {
		if i >= shownCauses && !all {
			printRest(w, r.Causes[i:])
			return
		}
		printCause(w, c)
	}
}

func printCause(w io.Writer, c kabi.Cause) {
	fmt.Fprintf(w, "\n%s: %s", c.Type, inSymbols(c.Symbols))
	if c.Gain > 0 && c.Gain < c.Symbols {
		fmt.Fprintf(w, ", %d not explained by the above", c.Gain)
	}
	switch {
	case c.Sole == c.Symbols:
		fmt.Fprint(w, ", the sole cause")
	case c.Sole > 0:
		fmt.Fprintf(w, ", the sole cause of %d", c.Sole)
	}
	switch {
	case c.Proved == 0:
		fmt.Fprint(w, ", not proved")
	case c.Proved < c.Symbols:
		fmt.Fprintf(w, ", proved for %d", c.Proved)
	}
	fmt.Fprintf(w, "\n  %s\n", c.Judgement)
	if len(c.Path) > 1 {
		fmt.Fprintf(w, "  %s\n", strings.Join(c.Path, " -> "))
	}
	for line := range strings.Lines(c.Diff) {
		fmt.Fprintf(w, "    %s", line)
	}
}

func inSymbols(n int) string {
	if n == 1 {
		return "1 symbol"
	}
	return fmt.Sprintf("%d symbols", n)
}

func printRest(w io.Writer, causes []kabi.Cause) {
	fmt.Fprintf(w, "\nand %d more (--all shows them):\n", len(causes))
	for _, c := range causes {
		fmt.Fprintf(w, "  %d\t%s\t%s\n", c.Symbols, c.Type, c.Judgement)
	}
}

// clusters writes which modules' exports changed together.
func (p *comparePrinter) clusters(w io.Writer) {
	list := p.report.Clusters
	if len(list) == 0 {
		return
	}
	fmt.Fprint(w, "\nWithout types only a guess: exports of one module that change together have a type in common\n")
	shown, more := few(p, list)
	for _, c := range shown {
		fmt.Fprintf(w, "  %s\t%d of %d exports\n", orDash(c.Module), len(c.Symbols), c.Exports)
	}
	andMore(w, more)
}

func (p *comparePrinter) tolerated(w io.Writer) {
	if p.opts.rules == "" {
		return
	}
	t := p.report.Tolerated
	fmt.Fprintf(w, "\nTolerated by rules: %d removed, %d added, %d with another CRC, %d otherwise\n",
		len(t.Removed), len(t.Added), len(t.Changed), len(t.Retyped)+len(t.Renamespaced)+len(t.Moved))
}

func (p *comparePrinter) modules(w io.Writer) {
	if p.opts.modules == "" {
		return
	}
	fmt.Fprintf(w, "\nModules broken: %d\n", len(p.broken))
	for _, m := range p.broken {
		fmt.Fprintf(w, "  %s\t%d imports have another CRC, %d are gone\n", m.File, len(m.Changed), len(m.Removed))
	}
}

// talk says what the answer leaves open.
func (p *comparePrinter) talk(w io.Writer) {
	r := p.report
	for _, side := range []struct {
		none bool
		name string
	}{{r.NoCRCs.Old, p.old}, {r.NoCRCs.New, p.new}} {
		if side.none {
			fmt.Fprintf(w, "modkeep: %s has no CRCs: types are not compared\n", side.name)
		}
	}
	for _, hole := range slices.Sorted(maps.Keys(r.Holes)) {
		reach := fmt.Sprintf("%d exports reach it and have", r.Holes[hole])
		if r.Holes[hole] == 1 {
			reach = "1 export reaches it and has"
		}
		fmt.Fprintf(w, "modkeep: %s has no record: %s no CRC\n", hole, reach)
	}
	if n := len(r.Uncompared); n > 0 {
		fmt.Fprintf(w, "modkeep: of %d symbols it could not be told whether they changed: %s\n", n, some(r.Uncompared))
	}
	for _, rule := range r.UnusedRules {
		fmt.Fprintf(w, "modkeep: %s:%d: rule is unused: %s\n", p.opts.rules, rule.Line, rule)
	}
	if n := len(r.Unlisted); n > 0 {
		fmt.Fprintf(w, "modkeep: %d symbols of the list are on neither side: %s\n", n, some(r.Unlisted))
	}
}

// some is a list of symbols, or the first of it.
func some(list []string) string {
	if len(list) > shownSymbols {
		return strings.Join(list[:shownSymbols], " ") + " …"
	}
	return strings.Join(list, " ")
}
