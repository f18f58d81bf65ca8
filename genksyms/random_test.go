package genksyms

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"modkeep/internal/kerneltest/oracle"
)

// toolsVariable names further programs to compare with: VERSION=PATH, with
// commas between. Programs of kernels that take EXPORT_SYMBOL get that marker.
const toolsVariable = "MODKEEP_GENKSYMS"

// casesVariable says how many random texts each program gets.
const casesVariable = "MODKEEP_GENKSYMS_CASES"

// tool is a C program to compare with.
type tool struct {
	path    string
	dialect Dialect
}

func (k tool) marker() string {
	if k.dialect.Era < G3 {
		return "EXPORT_SYMBOL"
	}
	return "__GENKSYMS_EXPORT_SYMBOL"
}

// tools returns the programs of the cache, one for each dialect.
func tools(t *testing.T) []tool {
	t.Helper()
	var list []tool
	for _, version := range []string{"6.1", "6.12", "7"} {
		path := oracle.Genksyms(t, version)
		if path == "" {
			continue
		}
		if version == "7" {
			version = "G4"
		}
		d, _, err := DialectOf(version)
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, tool{path, d})
	}
	for pair := range strings.SplitSeq(os.Getenv(toolsVariable), ",") {
		if version, path, ok := strings.Cut(pair, "="); ok {
			d, exact, err := DialectOf(version)
			if err != nil || !exact {
				t.Fatalf("%s: %s is no confirmed dialect", toolsVariable, version)
			}
			list = append(list, tool{path, d})
		}
	}
	return list
}

// outcome is all that a run gives.
type outcome struct {
	exports, messages, types string
	failed                   bool
}

func (o outcome) diff(p outcome) string {
	switch {
	case o.exports != p.exports:
		return fmt.Sprintf("exports:\n%s\nwant:\n%s", p.exports, o.exports)
	case o.messages != p.messages:
		return fmt.Sprintf("messages:\n%s\nwant:\n%s", p.messages, o.messages)
	case o.types != p.types:
		return fmt.Sprintf("types:\n%s\nwant:\n%s", p.types, o.types)
	case o.failed != p.failed:
		return fmt.Sprintf("failed: %v, want %v", p.failed, o.failed)
	}
	return ""
}

// request is a text with a way to read it.
type request struct {
	text, reference      string
	withReference        bool
	preserve, defs, dump bool
}

var errTool = errors.New("the C program crashed or did not end")

// run runs the C program on requests, one process each, in a directory. A
// crash, and a run that does not end, is errTool's.
func (k tool) run(dir string, requests []request) (list []outcome, errs []error) {
	var script strings.Builder
	script.WriteString("ulimit -v 150000; ulimit -t 1; ulimit -c 0\n")
	for i, r := range requests {
		name := filepath.Join(dir, strconv.Itoa(i))
		args := "-w -T " + name + ".t"
		errs = append(errs, os.WriteFile(name+".i", []byte(r.text), 0o666))
		if r.withReference {
			errs[i] = errors.Join(errs[i], os.WriteFile(name+".r", []byte(r.reference), 0o666))
			args += " -r " + name + ".r"
		}
		for _, f := range []struct {
			flag string
			on   bool
		}{{" -p", r.preserve}, {" -d", r.defs}, {" -D", r.dump}} {
			if f.on {
				args += f.flag
			}
		}
		fmt.Fprintf(&script, "%s %s <%s.i >%s.o 2>%s.e; echo $?\n", k.path, args, name, name, name)
	}
	out, err := exec.Command("sh", "-c", script.String()).Output()
	status := strings.Fields(string(out))
	for i := range requests {
		var o outcome
		if err == nil && len(status) != len(requests) {
			err = errTool
		}
		if errs[i] = errors.Join(errs[i], err); errs[i] == nil {
			o, errs[i] = readOutcome(filepath.Join(dir, strconv.Itoa(i)), status[i])
		}
		list = append(list, o)
	}
	return list, errs
}

func readOutcome(name, status string) (o outcome, err error) {
	var errs [3]error
	for i, part := range []struct {
		suffix string
		to     *string
	}{{".o", &o.exports}, {".e", &o.messages}, {".t", &o.types}} {
		var data []byte
		data, errs[i] = os.ReadFile(name + part.suffix)
		*part.to = string(data)
	}
	if status != "0" && status != "1" || strings.Contains(o.messages, "out of memory") {
		return o, errTool
	}
	o.failed = status == "1"
	return o, errors.Join(errs[:]...)
}

// parse is what this package makes of it.
func (k tool) parse(r request) (o outcome, err error) {
	var messages, types strings.Builder
	opt := Options{Dialect: k.dialect, Preserve: r.preserve, Warnings: true, Defs: r.defs, Dump: r.dump, Messages: &messages}
	if r.withReference {
		opt.Reference = strings.NewReader(r.reference)
	}
	unit, err := Parse(strings.NewReader(r.text), opt)
	if errors.Is(err, ErrLongToken) {
		return outcome{messages: messages.String() + "Token too long\n", failed: true}, nil
	}
	if err != nil {
		return o, err
	}
	for _, e := range unit.Exports {
		switch {
		case k.dialect.Era < G3:
			o.exports += fmt.Sprintf("__crc_%s = 0x%08x ;\n", e.Name, e.CRC)
		default:
			o.exports += fmt.Sprintf("#SYMVER %s 0x%08x\n", e.Name, e.CRC)
		}
	}
	if err := unit.WriteTypes(&types); err != nil {
		return o, err
	}
	o.messages, o.types, o.failed = messages.String(), types.String(), unit.Errors > 0
	return o, nil
}

func cases(t *testing.T, least int) (n int, from uint64) {
	t.Helper()
	if v := os.Getenv(casesVariable); v != "" {
		count, start, _ := strings.Cut(v, "@")
		n, err := strconv.Atoi(count)
		if err != nil {
			t.Fatal(err)
		}
		from, _ := strconv.ParseUint(start, 10, 64)
		return n, from
	}
	return least, 0
}

// TestOracleRandom gives random declarations to the C programs and to this
// package.
func TestOracleRandom(t *testing.T) {
	n, from := cases(t, 1000)
	for _, k := range tools(t) {
		t.Run(k.dialect.Kernel, func(t *testing.T) {
			t.Parallel()
			c := comparison{tool: k, dir: t.TempDir()}
			for seed := from; seed < from+uint64(n); {
				var batch []request
				for ; len(batch) < 250 && seed < from+uint64(n); seed++ {
					text := strings.ReplaceAll(generated(seed), "__GENKSYMS_EXPORT_SYMBOL", k.marker())
					batch = append(batch, request{text: text, defs: seed%3 == 0, dump: seed%2 == 0})
				}
				c.compare(t, batch)
			}
			c.enough(t, n)
		})
	}
}

// comparison counts what was compared.
type comparison struct {
	tool
	dir                string
	bad, lost, exports int
}

func (c *comparison) compare(t *testing.T, batch []request) {
	t.Helper()
	if c.bad >= 5 {
		return
	}
	wants, errs := c.run(c.dir, batch)
	for i, want := range wants {
		if errors.Is(errs[i], errTool) {
			c.lost++
			continue
		} else if errs[i] != nil {
			t.Fatal(errs[i])
		}
		got, err := c.parse(batch[i])
		if err != nil {
			t.Fatalf("%v\ntext:\n%s", err, batch[i].text)
		}
		c.exports += strings.Count(want.exports, "\n")
		if d := want.diff(got); d != "" {
			if c.bad++; c.bad < 5 {
				t.Errorf("%s\ntext:\n%s\nreference:\n%s", d, batch[i].text, batch[i].reference)
			}
		}
	}
}

func (c *comparison) enough(t *testing.T, n int) {
	t.Helper()
	t.Logf("%d texts, %d exports; the C program crashed on %d", n, c.exports, c.lost)
	// Those before 3.14 follow a name that is not there after "( error )".
	if (c.lost > n/20+1 && (c.dialect.Era >= G3 || c.lost > n/3)) || c.exports < n/2 {
		t.Error("too little was compared")
	}
}

// TestOracleReference reads random declarations with a reference made of
// others that differ in a few words, with and without -p.
func TestOracleReference(t *testing.T) {
	n, from := cases(t, 500)
	for _, k := range tools(t) {
		if !k.dialect.references {
			continue
		}
		t.Run(k.dialect.Kernel, func(t *testing.T) {
			t.Parallel()
			c := comparison{tool: k, dir: t.TempDir()}
			for seed := from; seed < from+uint64(n); {
				var batch []request
				for ; len(batch) < 250 && seed < from+uint64(n); seed++ {
					batch = append(batch, c.changed(t, seed))
				}
				c.compare(t, batch)
			}
			c.enough(t, n)
		})
	}
}

// changed returns a text with a reference that was made of another.
func (c *comparison) changed(t *testing.T, seed uint64) request {
	t.Helper()
	g := &generator{Rand: rand.New(rand.NewPCG(seed, 2))}
	text := strings.ReplaceAll(generated(seed), "__GENKSYMS_EXPORT_SYMBOL", c.marker())
	old, err := c.parse(request{text: text})
	if err != nil {
		t.Fatal(err)
	}
	var reference strings.Builder
	for line := range strings.Lines(old.types) {
		switch g.IntN(12) {
		case 0:
			continue
		case 1:
			line = strings.ReplaceAll(line, " int ", " long ")
		case 2:
			if name, _, ok := strings.Cut(line, " "); ok && strings.HasPrefix(name, "s#") {
				line = name + " struct " + name[2:] + " { UNKNOWN } \n"
			}
		case 3:
			line = "\n" + line
		}
		if g.odds(1, 4) {
			line = "override " + line
		}
		reference.WriteString(line)
	}
	r := request{text: text, withReference: true, reference: reference.String(), preserve: g.odds(1, 2), defs: g.odds(1, 3), dump: g.odds(1, 4)}
	if g.odds(1, 2) {
		r.text = g.mutated(text)
	}
	return r
}
