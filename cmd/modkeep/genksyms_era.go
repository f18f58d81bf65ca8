package main

import (
	"bytes"
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"modkeep/genksyms"
	"modkeep/symvers"
)

// genksymsUsage is what the program of a kernel prints (confirmed with 6.1 and
// 6.12; the lines of options that those do not have are as the sources of
// older kernels have them).
func genksymsUsage(era string) string {
	a := genksymsArguments{era: era}
	letters := "adDTwqhVR"
	if era != "" && genksyms.Older(era, "4.10") {
		letters = "adDTwqhV"
	}
	text := "Usage:\ngenksyms [-" + letters + "] > /path/to/.tmp_obj.ver\n\n"
	for _, o := range genksymsOptions {
		if o.usage != "" && a.has(o) && (o.since == "" && o.until == "" || era != "") {
			text += o.usage + "\n"
		}
	}
	return text
}

// maxTried is the most C that is held to try the eras on.
const maxTried = 256 << 20

// chooseEra sets the dialect.
func (g *genksymsRun) chooseEra() (err error) {
	switch {
	case g.kernel != "":
		return g.modutilsEra()
	case g.era != "" && g.era != "auto":
		var exact bool
		if g.opt.Dialect, exact, err = genksyms.DialectOf(g.era); err == nil && !exact {
			g.note("%s was not confirmed; CRCs are those of %s (era %s)", g.era, g.opt.Dialect.Kernel, g.opt.Dialect.Era)
		}
		return err
	case g.symvers != "":
		return g.findEra()
	}
	g.opt.Dialect, _, err = genksyms.DialectOf("G3")
	g.note("CRCs are those of era G3 (kernels 3.14 to 6.13); --era or --symvers takes others")
	return err
}

func (g *genksymsRun) note(format string, args ...any) {
	if !g.quiet {
		fmt.Fprintf(g.errOut, "modkeep: genksyms: "+format+"\n", args...)
	}
}

// modutilsEra sets the dialect for -k. Before 2.1 the text was cut into other
// tokens, and nothing is left to confirm that with.
func (g *genksymsRun) modutilsEra() (err error) {
	if genksyms.Older(g.kernel, "2.1") {
		return fmt.Errorf("-k %s: how kernels before 2.1 computed CRCs is not known", g.kernel)
	}
	name := g.era
	if name == "" || name == "auto" {
		name = "2.6.20"
	}
	g.opt.Dialect, _, err = genksyms.DialectOf(name)
	return err
}

// findEra tries every dialect and takes that which gives most of the CRCs of
// the symvers file; of those that give as many, the newest of era G3 or before.
func (g *genksymsRun) findEra() error {
	table, err := symvers.Open(g.symvers)
	if err != nil {
		return err
	}
	text, err := io.ReadAll(io.LimitReader(g.in, maxTried+1))
	if err != nil {
		return fmt.Errorf("read C: %w", err)
	}
	if len(text) > maxTried {
		return fmt.Errorf("read C: more than %d bytes, too much to try eras on", maxTried)
	}
	g.in = bytes.NewReader(text)
	best, tried := -1, 0
	for _, d := range genksyms.Dialects() {
		unit, err := genksyms.Parse(bytes.NewReader(text), genksyms.Options{Dialect: d})
		if err != nil {
			return err
		}
		equal, known := 0, 0
		for _, e := range unit.Exports {
			if row, ok := table.Lookup(e.Name); ok {
				known++
				if uint32(row.CRC) == e.CRC {
					equal++
				}
			}
		}
		tried = max(tried, known)
		if equal > best || equal == best && d.Era <= genksyms.G3 {
			best, g.opt.Dialect = equal, d
		}
	}
	if best <= 0 {
		return fmt.Errorf("%s: none of the %d exports it knows has its CRC in any era", g.symvers, tried)
	}
	g.note("era %s, as %s: %d of %d exports have the CRC of %s", g.opt.Dialect.Era, g.opt.Dialect.Kernel, best, tried, g.symvers)
	return nil
}

// printModversions prints what make dep of a 2.4 kernel put into
// linux/modversions.h: the .ver files, which lie in linux/modules.
func (g *genksymsRun) printModversions(files []string) error {
	var text strings.Builder
	text.WriteString("#ifndef _LINUX_MODVERSIONS_H\n#define _LINUX_MODVERSIONS_H\n#include <linux/modsetver.h>\n")
	for _, file := range files {
		name := filepath.Base(file)
		if filepath.Ext(name) != ".ver" {
			return fmt.Errorf("cannot run genksyms: %s: the name does not end in .ver", file)
		}
		fmt.Fprintf(&text, "#include <linux/modules/%s>\n", name)
	}
	text.WriteString("#endif\n")
	_, err := io.WriteString(g.out, text.String())
	return err
}
