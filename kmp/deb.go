package kmp

import (
	"archive/tar"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strconv"
	"strings"
)

// A .deb is an ar archive (deb(5)): debian-binary, control.tar, data.tar.
const (
	arMagic      = "!<arch>\n"
	arHeaderSize = 60
	maxControl   = 16 << 20 // bytes of one file of control.tar
)

func readDeb(c *collector, r *io.SectionReader) error {
	var binary, control, data bool
	for at := int64(len(arMagic)); at < r.Size(); {
		name, size, err := readMember(r, at)
		if err != nil {
			return fmt.Errorf("member at offset %#x: %w", at, err)
		}
		body := io.NewSectionReader(r, at+arHeaderSize, size)
		switch {
		case name == "debian-binary":
			binary, err = true, checkVersion(body)
		case strings.HasPrefix(name, "control.tar") && !control:
			control, err = true, walkTar(c, body, readControlFile(c))
			if err == nil && c.headerOnly && binary {
				return nil
			}
		case strings.HasPrefix(name, "data.tar") && !data:
			if !control {
				return errors.New("data.tar before control.tar")
			}
			data, err = true, walkTar(c, body, readDataFile(c))
		}
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		at += arHeaderSize + size + size&1
	}
	if !binary || !control || !data {
		return errors.New("debian-binary, control.tar or data.tar is missing")
	}
	return nil
}

// readMember reads the header of an ar member: name, date, uid, gid, mode,
// size, each padded with blanks.
func readMember(r *io.SectionReader, at int64) (name string, size int64, err error) {
	var h [arHeaderSize]byte
	if _, err := r.ReadAt(h[:], at); err != nil {
		return "", 0, noEOF(err)
	}
	if string(h[58:]) != "`\n" {
		return "", 0, errors.New("no ar header")
	}
	name = strings.TrimSuffix(strings.TrimRight(string(h[:16]), " "), "/")
	size, err = strconv.ParseInt(strings.TrimRight(string(h[48:58]), " "), 10, 64)
	if err != nil || size < 0 {
		return "", 0, fmt.Errorf("%.16q: size %.10q", name, h[48:58])
	}
	if size > r.Size()-at-arHeaderSize {
		return "", 0, fmt.Errorf("%.16q: %d bytes, and %d are there", name, size, r.Size()-at-arHeaderSize)
	}
	return name, size, nil
}

func checkVersion(r io.Reader) error {
	text, err := io.ReadAll(io.LimitReader(r, 64))
	if err != nil {
		return err
	}
	if !strings.HasPrefix(string(text), "2.") {
		return fmt.Errorf("version %.10q of the format is not known", text)
	}
	return nil
}

// walkTar calls visit for each entry of a tar file, compressed or not.
func walkTar(c *collector, r io.Reader, visit func(h *tar.Header, name string, r io.Reader) error) error {
	stream, closeStream, err := unpack(c, r)
	if err != nil {
		return err
	}
	defer closeStream()
	t := tar.NewReader(stream)
	for {
		h, err := t.Next()
		if err == io.EOF {
			_, err := io.Copy(io.Discard, stream) // to the checksum of what was packed
			return err
		}
		if err != nil {
			return err
		}
		if h.Size < 0 {
			return fmt.Errorf("%.60q: size %d", h.Name, h.Size)
		}
		name, err := cleanName(h.Name)
		if err != nil {
			return err
		}
		// Holes of a sparse file cost nothing in the archive.
		if err := visit(h, name, metered{t, c}); err != nil {
			return err
		}
	}
}

func readControlFile(c *collector) func(*tar.Header, string, io.Reader) error {
	return func(h *tar.Header, name string, r io.Reader) error {
		if h.Typeflag != tar.TypeReg || h.Size > maxControl {
			return nil
		}
		switch name {
		case "/control", "/preinst", "/postinst", "/prerm", "/postrm", "/config", "/triggers", "/conffiles":
		default:
			return nil
		}
		text, err := readExactly(r, h.Size)
		if err != nil {
			return err
		}
		switch name {
		case "/control":
			return readControl(c.pkg, string(text))
		case "/triggers":
			c.pkg.Triggers = lines(string(text))
		case "/conffiles":
			c.config = map[string]bool{}
			for _, line := range lines(string(text)) {
				c.config[line] = true
			}
		default:
			return c.script(name[1:], shebang(string(text)), string(text))
		}
		return nil
	}
}

func readDataFile(c *collector) func(*tar.Header, string, io.Reader) error {
	seen := map[string]int{} // modules by path, for hard links
	return func(h *tar.Header, name string, r io.Reader) error {
		f := File{Path: name, Size: h.Size, Mode: h.FileInfo().Mode(), Config: c.config[name]}
		switch h.Typeflag {
		case tar.TypeSymlink:
			f.Target = h.Linkname
			c.link(name, h.Linkname)
		case tar.TypeLink:
			target, err := cleanName(h.Linkname)
			if err != nil {
				return err
			}
			if i, ok := seen[target]; ok && moduleFile.MatchString(name) {
				if err := c.again(i, name); err != nil {
					return err
				}
			}
		case tar.TypeReg:
			before := len(c.pkg.Modules)
			if err := c.regular(name, r, h.Size); err != nil {
				return err
			}
			if len(c.pkg.Modules) > before {
				seen[name] = before
			}
		case tar.TypeDir:
			f.Mode |= fs.ModeDir
		}
		if name == "/" {
			return nil
		}
		return c.file(f)
	}
}

// readControl reads the first stanza of a control file (deb-control(5)).
func readControl(p *Package, text string) error {
	fields := controlFields(text)
	p.Name, p.Arch = fields["package"], fields["architecture"]
	p.Summary, p.Vendor = fields["description"], fields["maintainer"]
	p.Epoch, p.Version, p.Release = splitDebVersion(fields["version"])
	if p.Name == "" || p.Version == "" {
		return errors.New("control: no Package or no Version")
	}
	for _, f := range debRelations {
		p.Depends = append(p.Depends, parseDebDepends(f.relation, fields[f.field])...)
	}
	for i := range parseDebDepends(Requires, fields["pre-depends"]) {
		p.Depends[i].Pre = true
	}
	p.Control, p.Description = firstStanza(text)
	p.URL, p.Group, p.SourceName, p.Priority = fields["homepage"], fields["section"], fields["source"], fields["priority"]
	if kib, err := strconv.ParseInt(fields["installed-size"], 10, 52); err == nil && kib > 0 {
		p.Installed = kib << 10
	}
	return nil
}

// firstStanza returns the lines of the first stanza, each with its newline, and
// what Description says after its first line, as one text.
func firstStanza(text string) (stanza, description string) {
	var lines, long strings.Builder
	inside := false
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\r\n")
		if strings.TrimSpace(line) == "" {
			if lines.Len() > 0 {
				break
			}
			continue
		}
		lines.WriteString(line + "\n")
		switch {
		case line[0] != ' ' && line[0] != '\t':
			name, _, _ := strings.Cut(line, ":")
			inside = strings.EqualFold(name, "Description")
		case inside && strings.TrimSpace(line) == ".": // deb-control(5): an empty line
			long.WriteString("\n")
		case inside:
			long.WriteString(line[1:] + "\n")
		}
	}
	return lines.String(), strings.TrimSuffix(long.String(), "\n")
}

// controlFields are the fields of the first stanza by their names in lower
// case; of Description only the first line.
func controlFields(text string) map[string]string {
	fields := map[string]string{}
	var last string
	var folded strings.Builder
	store := func() {
		if _, twice := fields[last]; last != "" && !twice {
			fields[last] = folded.String()
		}
		folded.Reset()
	}
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\r\n")
		if strings.TrimSpace(line) == "" {
			if last != "" {
				break
			}
			continue
		}
		if line[0] == ' ' || line[0] == '\t' {
			if last != "description" {
				folded.WriteString(" " + strings.TrimSpace(line))
			}
			continue
		}
		store()
		key, value, _ := strings.Cut(line, ":")
		last = strings.ToLower(strings.TrimSpace(key))
		folded.WriteString(strings.TrimSpace(value))
	}
	store()
	return fields
}

var debRelations = []struct {
	field    string
	relation Relation
}{
	{"pre-depends", Requires}, {"depends", Requires}, {"provides", Provides}, {"conflicts", Conflicts},
	{"breaks", Conflicts}, {"replaces", Obsoletes}, {"recommends", Recommends}, {"suggests", Suggests}, {"enhances", Enhances},
}

// splitDebVersion takes [epoch:]upstream[-revision] apart.
func splitDebVersion(v string) (epoch, version, revision string) {
	if e, rest, ok := strings.Cut(v, ":"); ok {
		epoch, v = e, rest
	}
	if i := strings.LastIndexByte(v, '-'); i >= 0 {
		return epoch, v[:i], v[i+1:]
	}
	return epoch, v, ""
}

// parseDebDepends reads "a (>= 1), b | c" (deb-substvars are expanded in a
// built package).
func parseDebDepends(relation Relation, text string) []Dependency {
	var deps []Dependency
	for entry := range strings.SplitSeq(text, ",") {
		entry = strings.TrimSpace(entry)
		if entry == "" {
			continue
		}
		d := Dependency{Relation: relation, Name: entry}
		if name, rest, ok := strings.Cut(entry, "("); ok && !strings.Contains(entry, "|") {
			constraint, _, _ := strings.Cut(rest, ")")
			op := strings.TrimRight(constraint[:len(constraint)-len(strings.TrimLeft(constraint, "<>= "))], " ")
			d.Name, d.Op = strings.TrimSpace(name), strings.TrimSpace(op)
			d.Version = strings.TrimSpace(strings.TrimLeft(constraint, "<>= "))
		}
		deps = append(deps, d)
	}
	return deps
}

func lines(text string) []string {
	var out []string
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if line != "" && !strings.HasPrefix(line, "#") {
			out = append(out, line)
		}
	}
	return out
}

// shebang is the interpreter that a script names in its first line.
func shebang(text string) string {
	first, _, _ := strings.Cut(text, "\n")
	if rest, ok := strings.CutPrefix(first, "#!"); ok {
		if words := strings.Fields(rest); len(words) > 0 {
			return words[0]
		}
	}
	return ""
}
