package symvers

import (
	"bufio"
	"io"
)

// Write writes the table as modpost does, in t.Layout and in the order of
// Exports. Duplicates are not written.
func (t *Table) Write(w io.Writer) error {
	b := bufio.NewWriterSize(w, 64<<10)
	for i := range t.Exports {
		e := &t.Exports[i]
		b.WriteString("0x")
		for shift := 28; shift >= 0; shift -= 4 {
			b.WriteByte("0123456789abcdef"[e.CRC>>shift&15])
		}
		for _, column := range t.Layout.columns(e) {
			b.WriteByte('\t')
			b.WriteString(column)
		}
		b.WriteByte('\n')
	}
	return b.Flush()
}

// columns returns a row's columns after the CRC.
func (l Layout) columns(e *Export) []string {
	switch l {
	case Columns2:
		return []string{e.Symbol}
	case Columns3:
		return []string{e.Symbol, e.Module}
	case Columns4:
		return []string{e.Symbol, e.Module, string(e.Type)}
	case Columns5NS:
		return []string{e.Symbol, e.Namespace, e.Module, string(e.Type)}
	}
	return []string{e.Symbol, e.Module, string(e.Type), e.Namespace}
}
