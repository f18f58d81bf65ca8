package genksyms

import (
	"bufio"
	"errors"
	"fmt"
	"io"
)

// maxReferenceToken is what the kernel's program has room for.
const maxReferenceToken = 254

// ErrLongToken is in the error for a word of a reference that the kernel's program
// has no room for: it says "Token too long" and exits with status 1.
var ErrLongToken = fmt.Errorf("token longer than %d bytes", maxReferenceToken+1)

// readReference reads a symtypes file. Its symbols are not declared until the
// file declares them: no definition finds them, but each is compared.
func (t *table) readReference(r io.Reader) error {
	in := bufio.NewReader(r)
	for line := 1; ; line++ {
		if err := t.referenceLine(in); err == io.EOF {
			return nil
		} else if err != nil {
			return fmt.Errorf("line %d: %w", line, err)
		}
		if t.failed != nil {
			return t.failed
		}
	}
}

// referenceLine reads a line: [override] NAME [extern] TOKEN…
func (t *table) referenceLine(in *bufio.Reader) error {
	var list []ref
	for {
		r, err := t.referenceToken(in)
		if err != nil && err != io.EOF && err != errLineEnd {
			return err
		}
		if err == nil {
			list = append(list, r)
			continue
		}
		t.referenceSymbol(list)
		if err == io.EOF {
			return err
		}
		return nil
	}
}

func (t *table) referenceSymbol(list []ref) {
	override, extern := false, false
	if len(list) > 0 && t.isPlain(list[0], "override") {
		override, list = true, list[1:]
	}
	if len(list) == 0 {
		return
	}
	name, list := list[0], list[1:]
	if len(list) > 0 && t.isPlain(list[0], "extern") {
		extern, list = true, list[1:]
	}
	i := t.put(name.word(), name.kind(), list, extern, true)
	t.symbols[i].override = override
}

func (t *table) isPlain(r ref, text string) bool {
	return r.kind() == Normal && string(t.texts.get(r.word())) == text
}

var errLineEnd = errors.New("end of line")

func (t *table) referenceToken(in *bufio.Reader) (ref, error) {
	var text []byte
	quoted := false
	for {
		c, err := in.ReadByte()
		switch {
		case err != nil && (err != io.EOF || len(text) == 0):
			return 0, err
		case err != nil || c == ' ' && !quoted && len(text) > 0:
			return t.referenceRef(text)
		case c == ' ' && !quoted:
			continue
		case c == '\n' && len(text) > 0:
			in.UnreadByte()
			return t.referenceRef(text)
		case c == '\n':
			return 0, errLineEnd
		case c == '"':
			quoted = !quoted && t.dialect.quotes
		}
		if len(text) > maxReferenceToken {
			return 0, ErrLongToken
		}
		text = append(text, c)
	}
}

func (t *table) referenceRef(text []byte) (ref, error) {
	text = cutNUL(text)
	if len(text) < 2 || text[1] != '#' {
		return refTo(t.texts.of(text), Normal), nil
	}
	for k := Typedef; k <= EnumConst; k++ {
		if kindPrefixes[k][0] == text[0] && (k != EnumConst || t.dialect.Era >= G2) {
			return refTo(t.texts.of(text[2:]), k), nil
		}
	}
	if text[0] == 'n' && t.dialect.Era < G2 {
		return refTo(t.texts.of(text[2:]), Normal), nil
	}
	return 0, fmt.Errorf("unknown type %c", text[0])
}

// sayChanges says which of the symbols in the export's expansion are not as the
// reference has them, last expanded first.
func (t *table) sayChanges(name word) {
	changed := false
	for i := len(t.trail) - 1; i >= 0; i-- {
		s := &t.symbols[t.trail[i]]
		if s.status == unchanged {
			continue
		}
		if !changed {
			level := "warning"
			if t.opt.Preserve {
				level = "error"
			}
			t.place()
			fmt.Fprintf(t.say, "%s: %s: modversion changed because of changes in ", level, t.texts.get(name))
		} else {
			t.say.WriteString(", ")
		}
		t.say.WriteString(t.called(s.kind, s.name))
		if s.status == defined {
			t.say.WriteString(" (became defined)")
		}
		changed = true
		if t.opt.Preserve {
			t.errors++
		}
	}
	if changed {
		t.say.WriteByte('\n')
	}
}
