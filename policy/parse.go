package policy

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"path"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"

	"modkeep/internal/pattern"
)

// Bounds of a policy file and of a glob in it, in bytes; no path is longer.
const (
	maxSize = 1 << 20
	maxGlob = 4096
)

// Error is what is wrong in a policy file, and where.
type Error struct {
	File string
	Line int // from 1
	Text string
}

func (e *Error) Error() string { return fmt.Sprintf("%s:%d: %s", e.File, e.Line, e.Text) }

// Parse reads a policy of at most 1 MiB; name is the file's name for errors,
// which are *Error unless r fails. An empty file is Default.
func Parse(r io.Reader, name string) (*Policy, error) {
	data, err := io.ReadAll(io.LimitReader(r, maxSize+1))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	d := decoder{file: name, donors: map[string]int{}, groups: map[string]int{}}
	if len(data) > maxSize {
		return nil, d.at(1, "longer than %d bytes", maxSize)
	}
	root, err := d.document(data)
	if err != nil {
		return nil, err
	}
	p := Default()
	p.File = name
	if root != nil {
		err = d.policy(root, p)
	}
	if err != nil {
		return nil, err
	}
	return p, nil
}

// decoder makes a policy of YAML nodes and knows where they stand.
type decoder struct {
	file           string
	donors, groups map[string]int // names so far and the lines of them
}

func (d decoder) at(line int, format string, args ...any) error {
	return &Error{File: d.file, Line: max(line, 1), Text: fmt.Sprintf(format, args...)}
}

// document returns the file's one document, nil where it has none.
func (d decoder) document(data []byte) (*yaml.Node, error) {
	if err := d.text(data); err != nil {
		return nil, err
	}
	decode := yaml.NewDecoder(bytes.NewReader(data))
	var doc, second yaml.Node
	if err := decode.Decode(&doc); errors.Is(err, io.EOF) {
		return nil, nil
	} else if err != nil {
		return nil, d.syntax(err, data)
	}
	if err := decode.Decode(&second); err == nil {
		return nil, d.at(second.Line, "second document: a policy is one")
	} else if !errors.Is(err, io.EOF) {
		return nil, d.syntax(err, data)
	}
	root := doc.Content[0]
	if root.Kind == yaml.ScalarNode && root.Tag == "!!null" && root.Value == "" {
		return nil, nil
	}
	return root, nil
}

// text refuses what the YAML reader refuses without saying where.
func (d decoder) text(data []byte) error {
	line := 1
	for len(data) > 0 {
		r, size := utf8.DecodeRune(data)
		switch {
		case r == utf8.RuneError && size == 1:
			return d.at(line, "byte %#02x is not UTF-8", data[0])
		case r == '\n':
			line++
		case r < ' ' && r != '\t' && r != '\r', r == 0x7f:
			return d.at(line, "control character %#02x", r)
		}
		data = data[size:]
	}
	return nil
}

// yamlParser matches what the YAML reader's parser says; it counts lines from
// 0, its scanner from 1.
var yamlParser = pattern.New(`^(did not find expected (<|node content|'-' indicator|key|',' or)|found (duplicate|incompatible|undefined))`)

var (
	yamlError   = pattern.New(`(?s)^yaml: (?:line ([0-9]+): )?(.*)$`)
	yamlUnknown = pattern.New(`^unknown anchor '(.*)' referenced$`)
)

// syntax gives an error of the YAML reader its line.
func (d decoder) syntax(err error, data []byte) error {
	m := yamlError.FindStringSubmatch(err.Error())
	if m == nil {
		return d.at(1, "%v", err)
	}
	line, _ := strconv.Atoi(m[1])
	if u := yamlUnknown.FindStringSubmatch(m[2]); u != nil {
		before, _, _ := bytes.Cut(data, []byte("*"+u[1]))
		return d.at(1+bytes.Count(before, []byte("\n")), "alias *%s: aliases are not allowed", u[1])
	}
	if yamlParser.MatchString(m[2]) {
		line++
	}
	return d.at(line, "%s", m[2])
}

// field reads the value of one key.
type field func(key string, value *yaml.Node) error

// mapping reads a mapping of which each key has a field.
func (d decoder) mapping(what string, n *yaml.Node, fields map[string]field) error {
	if err := d.kind(what, n, yaml.MappingNode, "a mapping"); err != nil {
		return err
	}
	seen := make(map[string]int, len(fields))
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		if key.Kind != yaml.ScalarNode || key.Anchor != "" {
			return d.at(key.Line, "%skey is not a plain word", prefix(what))
		}
		read, ok := fields[key.Value]
		if !ok {
			return d.at(key.Line, "%sunknown key %q%s", prefix(what), key.Value, known(fields))
		}
		if first := seen[key.Value]; first != 0 {
			return d.at(key.Line, "%skey %q given twice, first in line %d", prefix(what), key.Value, first)
		}
		seen[key.Value] = key.Line
		if err := read(strings.TrimPrefix(prefix(what)+key.Value, ": "), value); err != nil {
			return err
		}
	}
	return nil
}

func prefix(what string) string {
	if what == "" {
		return ""
	}
	return what + ": "
}

// known lists the keys there are.
func known(fields map[string]field) string {
	var keys []string
	for key := range fields {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return "; there are " + strings.Join(keys, ", ")
}

// kind makes sure that a node is what its key wants.
func (d decoder) kind(what string, n *yaml.Node, kind yaml.Kind, want string) error {
	if what == "" {
		what = "policy"
	}
	switch {
	case n.Kind == yaml.AliasNode:
		return d.at(n.Line, "%s: alias *%s: aliases are not allowed", what, n.Value)
	case n.Anchor != "":
		return d.at(n.Line, "%s: anchor &%s: anchors are not allowed", what, n.Anchor)
	case n.Kind != kind:
		return d.at(n.Line, "%s: want %s, got %s", what, want, described(n))
	case kind == yaml.MappingNode && n.ShortTag() != "!!map", kind == yaml.SequenceNode && n.ShortTag() != "!!seq":
		return d.at(n.Line, "%s: want %s, got tag %s", what, want, n.Tag)
	}
	return nil
}

// described says what a node is.
func described(n *yaml.Node) string {
	switch {
	case n.Kind == yaml.MappingNode:
		return "a mapping"
	case n.Kind == yaml.SequenceNode:
		return "a list"
	case n.ShortTag() == "!!null" && n.Value == "":
		return "nothing"
	}
	return strconv.Quote(n.Value)
}

// word reads one of a few words.
func word[T ~string](d decoder, to *T, words ...T) field {
	return func(key string, n *yaml.Node) error {
		var list []string
		for _, w := range words {
			list = append(list, string(w))
		}
		want := strings.Join(list[:len(list)-1], ", ") + " or " + list[len(list)-1]
		if err := d.kind(key, n, yaml.ScalarNode, want); err != nil {
			return err
		}
		if i := slices.Index(words, T(n.Value)); i >= 0 && n.ShortTag() == "!!str" {
			*to = words[i]
			return nil
		}
		return d.at(n.Line, "%s: want %s, got %s", key, want, described(n))
	}
}

// boolean reads true or false.
func (d decoder) boolean(to *bool) field {
	return func(key string, n *yaml.Node) error {
		if err := d.kind(key, n, yaml.ScalarNode, "true or false"); err != nil {
			return err
		}
		if n.ShortTag() != "!!bool" {
			return d.at(n.Line, "%s: want true or false, got %s", key, described(n))
		}
		value, err := strconv.ParseBool(strings.ToLower(n.Value))
		if err != nil {
			return d.at(n.Line, "%s: want true or false, got %s", key, described(n))
		}
		*to = value
		return nil
	}
}

// set reads a value that may be absent.
func set[T any](to **T, read func(*T) field) field {
	return func(key string, n *yaml.Node) error {
		*to = new(T)
		return read(*to)(key, n)
	}
}

// str reads a string that is not empty and passes check.
func (d decoder) str(to *string, check func(string) error) field {
	return func(key string, n *yaml.Node) error {
		if err := d.kind(key, n, yaml.ScalarNode, "a string"); err != nil {
			return err
		}
		if n.ShortTag() != "!!str" {
			return d.at(n.Line, "%s: want a string, got %s (quote it)", key, described(n))
		}
		if n.Value == "" {
			return d.at(n.Line, "%s: empty", key)
		}
		if len(n.Value) > maxGlob {
			return d.at(n.Line, "%s: longer than %d bytes", key, maxGlob)
		}
		if err := check(n.Value); err != nil {
			return d.at(n.Line, "%s: %v", key, err)
		}
		*to = n.Value
		return nil
	}
}

// list reads a list that is not empty, each element by read.
func (d decoder) list(read field) field {
	return func(key string, n *yaml.Node) error {
		if err := d.kind(key, n, yaml.SequenceNode, "a list"); err != nil {
			return err
		}
		if len(n.Content) == 0 {
			return d.at(n.Line, "%s: empty list; leave the key out", key)
		}
		for _, element := range n.Content {
			if err := read(key, element); err != nil {
				return err
			}
		}
		return nil
	}
}

func (d decoder) policy(root *yaml.Node, p *Policy) error {
	return d.mapping("", root, map[string]field{
		"version":   d.version,
		"layout":    word(d, &p.Layout, LayoutAuto, LayoutRHEL, LayoutSUSE, LayoutOther),
		"donors":    d.list(d.donor(p)),
		"override":  d.boolean(&p.Override),
		"gate":      word(d, &p.Gate, GateWarn, GateStrict, GateOff),
		"initramfs": word(d, &p.Initramfs, InitramfsAuto, InitramfsAlways, InitramfsNever),
		"types":     word(d, &p.Types, TypesOff, TypesWarn, TypesRefuse),
		"defaults":  d.defaults(&p.Defaults),
		"modules":   d.list(d.entry(p)),
		"groups":    d.list(d.group(p)),
	})
}

func (d decoder) version(key string, n *yaml.Node) error {
	if err := d.kind(key, n, yaml.ScalarNode, "1"); err != nil {
		return err
	}
	if n.ShortTag() != "!!int" || n.Value != "1" {
		return d.at(n.Line, "version: want 1, got %s", described(n))
	}
	return nil
}

func (d decoder) defaults(to *Rule) field {
	return func(key string, n *yaml.Node) error {
		return d.mapping(key, n, map[string]field{
			"link":        word(d, &to.Link, LinkAuto, LinkNever, LinkForce),
			"required":    d.boolean(&to.Required),
			"keep-newest": d.boolean(&to.KeepNewest),
			"atomic":      d.boolean(&to.Atomic),
		})
	}
}

func (d decoder) donor(p *Policy) field {
	return func(key string, n *yaml.Node) error {
		var dir string
		if err := d.str(&dir, checkDonor)(key, n); err != nil {
			return err
		}
		if first := d.donors[dir]; first != 0 {
			return d.at(n.Line, "%s: %q given twice, first in line %d", key, dir, first)
		}
		d.donors[dir] = n.Line
		p.Donors = append(p.Donors, dir)
		return nil
	}
}

func checkDonor(dir string) error {
	top, _, _ := strings.Cut(dir, "/")
	switch {
	case path.IsAbs(dir), path.Clean(dir) != dir, top == ".", top == "..":
		return fmt.Errorf("%q is not a directory below lib/modules/KREL, as extra is", dir)
	case slices.Contains(notDonors, top):
		return fmt.Errorf("%q holds no modules for other kernels", dir)
	}
	return nil
}

func (d decoder) entry(p *Policy) field {
	return func(key string, n *yaml.Node) error {
		e := Entry{Line: n.Line}
		err := d.mapping(key, n, map[string]field{
			"name":    d.str(&e.Name, checkName),
			"package": d.str(&e.Package, checkGlob),
			"path":    d.str(&e.Path, checkPath),
			"link": set(&e.Link, func(to *Link) field {
				return word(d, to, LinkAuto, LinkNever, LinkForce)
			}),
			"required":    set(&e.Required, d.boolean),
			"keep-newest": set(&e.KeepNewest, d.boolean),
			"atomic":      set(&e.Atomic, d.boolean),
		})
		switch {
		case err != nil:
			return err
		case e.Name == "" && e.Package == "" && e.Path == "":
			return d.at(n.Line, "%s: entry without name, package or path", key)
		case e.Link == nil && e.Required == nil && e.KeepNewest == nil && e.Atomic == nil:
			return d.at(n.Line, "%s: entry sets none of link, required, keep-newest, atomic", key)
		}
		p.Modules = append(p.Modules, e)
		return nil
	}
}

func (d decoder) group(p *Policy) field {
	return func(key string, n *yaml.Node) error {
		g := Group{Line: n.Line}
		err := d.mapping(key, n, map[string]field{
			"name":    d.str(&g.Name, func(string) error { return nil }),
			"modules": d.list(d.member(p, &g)),
		})
		switch {
		case err != nil:
			return err
		case g.Name == "":
			return d.at(n.Line, "%s: group without name", key)
		case g.Modules == nil:
			return d.at(n.Line, "%s: group %q without modules", key, g.Name)
		}
		if first := d.groups[g.Name]; first != 0 {
			return d.at(n.Line, "%s: group %q given twice, first in line %d", key, g.Name, first)
		}
		d.groups[g.Name] = n.Line
		p.Groups = append(p.Groups, g)
		return nil
	}
}

func (d decoder) member(p *Policy, g *Group) field {
	return func(key string, n *yaml.Node) error {
		var name string
		if err := d.str(&name, checkName)(key, n); err != nil {
			return err
		}
		g.Modules = append(g.Modules, name)
		return nil
	}
}

// checkGlob refuses a glob that is not well formed.
func checkGlob(glob string) error {
	if _, err := path.Match(glob, ""); err != nil {
		return fmt.Errorf("%q is not a glob: a bracket or a backslash is open", glob)
	}
	return nil
}

// checkName refuses what no module name can match.
func checkName(glob string) error {
	switch {
	case strings.Contains(glob, "/"):
		return fmt.Errorf("%q is a path, not a module name", glob)
	case strings.HasSuffix(uncompressed(glob), ".ko"):
		return fmt.Errorf("%q is a file, a module name has no .ko", glob)
	}
	return checkGlob(underscores(glob))
}

// checkPath refuses what no path below lib/modules/KREL can match.
func checkPath(glob string) error {
	if path.IsAbs(glob) || path.Clean(glob) != glob || strings.HasPrefix(glob, "..") {
		return fmt.Errorf("%q is not a path below lib/modules/KREL, as extra/foo/** is", glob)
	}
	for element := range strings.SplitSeq(glob, "/") {
		if element != "**" && strings.Contains(element, "**") {
			return fmt.Errorf("%q: ** stands for whole directories", glob)
		}
		if err := checkGlob(element); err != nil {
			return err
		}
	}
	return nil
}
