package depmod

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"strings"
)

// maxList bounds the lists beside the modules; modules.builtin.modinfo of a
// distribution has about 150 KB, modules.order 250 KB.
const maxList = 64 << 20

// Builtin is the content of modules.builtin and modules.builtin.modinfo: the
// modules compiled into the image.
type Builtin struct {
	Paths []string // as modules.builtin has them: kernel/…/x.ko
	// Info holds the module information of each, by module name, in the
	// file's order. It names modules that Paths does not: modules.builtin
	// lists only what could have been a module.
	Info map[string][]Field

	names map[string]bool
}

// Field is one key=value of a built-in module's information.
type Field struct{ Key, Value string }

// Has reports whether a module is built in; the name may hold dashes.
func (b *Builtin) Has(name string) bool { return b != nil && b.names[ModuleName(name)] }

// ReadBuiltin reads modules.builtin and modules.builtin.modinfo (5.2 and
// later) of a tree. A missing file is no error: kmod does without too.
func (t *Tree) ReadBuiltin() (*Builtin, error) {
	list, err := t.readList("modules.builtin")
	if err != nil {
		return nil, err
	}
	b := ParseBuiltin(list)
	info, err := t.readList("modules.builtin.modinfo")
	if err != nil {
		return nil, err
	}
	if b.Info, err = ParseBuiltinModinfo(info); err != nil {
		return nil, fmt.Errorf("%s/modules.builtin.modinfo: %w", t.Dir, err)
	}
	return b, nil
}

// ParseBuiltin reads the lines of modules.builtin.
func ParseBuiltin(text []byte) *Builtin {
	b := &Builtin{Paths: lines(text), names: map[string]bool{}}
	for _, p := range b.Paths {
		b.names[ModuleName(p)] = true
	}
	return b
}

// ParseBuiltinModinfo reads modules.builtin.modinfo: strings module.key=value,
// each ended by a NUL.
func ParseBuiltinModinfo(text []byte) (map[string][]Field, error) {
	info := map[string][]Field{}
	all := string(text)
	for off := 0; off < len(all); {
		s, _, ended := strings.Cut(all[off:], "\x00")
		if !ended {
			return nil, fmt.Errorf("offset %#x: string not terminated", off)
		}
		if s != "" {
			name, rest, dot := strings.Cut(s, ".")
			key, value, equals := strings.Cut(rest, "=")
			if !dot || !equals {
				return nil, fmt.Errorf("offset %#x: %.60q is not MODULE.KEY=VALUE", off, s)
			}
			name = underscores(name)
			info[name] = append(info[name], Field{key, value})
		}
		off += len(s) + 1
	}
	return info, nil
}

// ReadOrder returns the lines of modules.order: the modules in the order in
// which the kernel was built. It is nil where there is no such file.
func (t *Tree) ReadOrder() ([]string, error) {
	text, err := t.readList("modules.order")
	return lines(text), err
}

func (t *Tree) readList(name string) ([]byte, error) {
	text, err := ReadFile(t.Root, t.Dir+"/"+name, maxList)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return text, err
}

// lines splits a text, empty lines left out.
func lines(text []byte) []string {
	if len(text) == 0 {
		return nil
	}
	out := make([]string, 0, bytes.Count(text, []byte{'\n'})+1)
	for line := range strings.Lines(string(text)) {
		if line = strings.TrimSuffix(line, "\n"); line != "" {
			out = append(out, line)
		}
	}
	return out
}
