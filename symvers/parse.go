package symvers

import (
	"fmt"
	"io"
	"strconv"
	"strings"
)

// What is read at most. Debian's largest table (7.3, amd64) has 31,191 rows
// and 2.3 MB; an allmodconfig build stays below twice that. Its /proc/kallsyms
// with many modules loaded has about 15 MB.
const (
	MaxSize = 32 << 20 // bytes of a table or listing, decompressed
	MaxLine = 64 << 10 // bytes of one line
	MaxRows = 1 << 19
)

// SyntaxError says what is wrong with a line of a table or listing.
type SyntaxError struct {
	Line int // from 1
	Msg  string
}

func (e *SyntaxError) Error() string { return fmt.Sprintf("line %d: %s", e.Line, e.Msg) }

// Parse reads a Module.symvers of any layout; which, the table tells. Line
// ends may be LF or CRLF and the last may be missing; empty lines do not
// count. Errors are a *SyntaxError, or one of r, or that the text is too long.
//
// A table in which every CRC is zero is one of a kernel without
// CONFIG_MODVERSIONS: all its exports have HasCRC false.
func Parse(r io.Reader) (*Table, error) {
	text, err := readText(r)
	if err != nil {
		return nil, err
	}
	return parse(text)
}

// ParseBytes is Parse for bytes in memory. They are copied.
func ParseBytes(b []byte) (*Table, error) {
	if len(b) > MaxSize {
		return nil, errTooLong
	}
	return parse(string(b))
}

var errTooLong = fmt.Errorf("longer than %d bytes", MaxSize)

func readText(r io.Reader) (string, error) {
	var text strings.Builder
	buf := make([]byte, 128<<10)
	for {
		n, err := r.Read(buf)
		if text.Len()+n > MaxSize {
			return "", errTooLong
		}
		text.Write(buf[:n])
		if err == io.EOF {
			return text.String(), nil
		}
		if err != nil {
			return "", err
		}
	}
}

// nextLine cuts the first line off text, its line end removed. ok is false
// where the line is too long.
func nextLine(text string) (line, rest string, ok bool) {
	line = text
	if i := strings.IndexByte(text, '\n'); i >= 0 {
		line, rest = text[:i], text[i+1:]
	}
	if len(line) > MaxLine {
		return "", "", false
	}
	if n := len(line); n > 0 && line[n-1] == '\r' {
		line = line[:n-1]
	}
	return line, rest, true
}

var msgLongLine = fmt.Sprintf("longer than %d bytes", MaxLine)

// parse keeps text: every string of the table is a piece of it.
func parse(text string) (*Table, error) {
	p := parser{}
	rows := min(strings.Count(text, "\n")+1, MaxRows, len(text)/8+1)
	t := &Table{Exports: make([]Export, 0, rows)}
	for number := 1; text != ""; number++ {
		line, rest, ok := nextLine(text)
		if !ok {
			return nil, &SyntaxError{number, msgLongLine}
		}
		text = rest
		if line == "" {
			continue
		}
		if len(t.Exports) == MaxRows {
			return nil, &SyntaxError{number, fmt.Sprintf("more than %d exports", MaxRows)}
		}
		t.Exports = append(t.Exports, Export{})
		if msg := p.row(&t.Exports[len(t.Exports)-1], line); msg != "" {
			return nil, &SyntaxError{number, msg}
		}
	}
	if p.anyCRC {
		for i := range t.Exports {
			t.Exports[i].HasCRC = true
		}
	}
	t.Layout = p.layout()
	t.build()
	return t, nil
}

// parser is what the rows so far have told of the table.
type parser struct {
	anyCRC  bool
	columns int // most seen in a row
	order   nsOrder
}

// nsOrder is where rows of five columns have their namespace.
type nsOrder uint8

const (
	nsUndecided nsOrder = iota
	nsLast
	nsThird
)

func (p *parser) layout() Layout {
	switch {
	case p.columns == 2:
		return Columns2
	case p.columns == 3:
		return Columns3
	case p.columns == 4:
		return Columns4
	case p.order == nsThird:
		return Columns5NS
	}
	return Columns5
}

// row fills e from a line; what it returns is wrong with the line, if not "".
func (p *parser) row(e *Export, line string) string {
	if strings.IndexByte(line, '\r') >= 0 {
		return "carriage return inside the line"
	}
	var field [5]string
	n := 0
	for rest := line; ; n++ {
		if n == len(field) {
			return "more than 5 columns"
		}
		i := strings.IndexByte(rest, '\t')
		if i < 0 {
			field[n] = rest
			n++
			break
		}
		field[n], rest = rest[:i], rest[i+1:]
	}
	if n < 2 {
		return fmt.Sprintf("one column, want a CRC, a tab and a symbol: %.60q", line)
	}
	crc, ok := parseCRC(field[0])
	if !ok {
		return fmt.Sprintf("column 1: %.60q is not a CRC of 32 bits", field[0])
	}
	if field[1] == "" {
		return "column 2: no symbol"
	}
	e.CRC, e.Symbol = crc, field[1]
	p.anyCRC = p.anyCRC || crc != 0
	p.columns = max(p.columns, n)
	module, typ := field[2], field[3]
	if n == 5 {
		third, msg := p.third(field[3], field[4])
		if msg != "" {
			return msg
		}
		if third {
			e.Namespace, module, typ = field[2], field[3], field[4]
		} else {
			e.Namespace = field[4]
		}
	}
	e.Module = module
	if typ == "" && n <= 4 {
		return ""
	}
	e.Type, ok = parseType(typ)
	if !ok {
		return fmt.Sprintf("column 4: %.60q is not an export type", typ)
	}
	return ""
}

// third decides from the last two of five columns whether the namespace is the
// third: the type is where a known type stands. A table has one order only.
func (p *parser) third(fourth, fifth string) (bool, string) {
	if _, ok := parseType(fourth); ok && p.order != nsThird {
		p.order = nsLast
		return false, ""
	}
	if _, ok := parseType(fifth); ok && p.order != nsLast {
		p.order = nsThird
		return true, ""
	}
	switch p.order {
	case nsLast:
		return false, fmt.Sprintf("column 4: %.60q is not an export type", fourth)
	case nsThird:
		return false, fmt.Sprintf("column 5: %.60q is not an export type", fifth)
	}
	return false, fmt.Sprintf("neither column 4, %.60q, nor column 5, %.60q, is an export type", fourth, fifth)
}

// parseType also takes types that no kernel has written yet, as long as they
// are spelled like the others.
func parseType(s string) (Type, bool) {
	switch s {
	case string(Plain):
		return Plain, true
	case string(GPL):
		return GPL, true
	case string(GPLFuture), string(Unused), string(UnusedGPL), string(Unknown):
		return Type(s), true
	}
	return Type(s), strings.HasPrefix(s, "EXPORT_")
}

// parseCRC takes what modpost's strtoul(line, &d, 16) takes, within 32 bits.
func parseCRC(s string) (CRC, bool) {
	if len(s) == 10 && s[0] == '0' && s[1] == 'x' {
		var v uint32
		for i := 2; i < 10; i++ {
			d := hexDigit[s[i]]
			if d < 0 {
				return 0, false
			}
			v = v<<4 | uint32(d)
		}
		return CRC(v), true
	}
	s = strings.TrimPrefix(strings.TrimPrefix(s, "0x"), "0X")
	if len(s) > 0 && (s[0] == '+' || s[0] == '-') {
		return 0, false
	}
	v, err := strconv.ParseUint(s, 16, 32)
	return CRC(v), err == nil
}

// hexDigit maps a character to its value, -1 where it is no hexadecimal digit.
var hexDigit = func() (t [256]int8) {
	for i := range t {
		t[i] = -1
	}
	for i := range 10 {
		t['0'+i] = int8(i)
	}
	for i := range 6 {
		t['a'+i], t['A'+i] = int8(10+i), int8(10+i)
	}
	return t
}()
