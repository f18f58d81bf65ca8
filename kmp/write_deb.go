package kmp

import (
	"archive/tar"
	"bytes"
	"cmp"
	"crypto/md5"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strings"
	"time"

	"modkeep/internal/pattern"
)

// debScripts are the scriptlets of a .deb in the order of its control archive.
var debScripts = []string{"config", "postinst", "postrm", "preinst", "prerm"}

func writeDeb(w io.Writer, p *Package, contents []Content, o WriteOptions) error {
	if err := checkDeb(p); err != nil {
		return err
	}
	packer, err := compressorOf(o.Compression)
	if err != nil {
		return err
	}
	// A .deb names every directory: dpkg makes none that it was not told of.
	contents = append(slices.Clone(contents), parents(contents)...)
	// Links come last, as from dpkg-deb: no file is unpacked through one.
	slices.SortFunc(contents, func(a, b Content) int {
		return cmp.Or(cmp.Compare(min(len(a.Target), 1), min(len(b.Target), 1)), strings.Compare(a.Path, b.Path))
	})
	control, err := controlFiles(p, contents)
	if err != nil {
		return err
	}
	var members [2]bytes.Buffer
	for i, list := range [][]Content{control, contents} {
		err := packer.compressed(&members[i], func(w io.Writer) error { return writeTar(w, list, o.Date) })
		if err != nil {
			return fmt.Errorf("%s.tar: %w", []string{"control", "data"}[i], err)
		}
	}
	out := bytes.NewBufferString(arMagic)
	writeMember(out, "debian-binary", o.Date, []byte("2.0\n"))
	writeMember(out, "control.tar"+packer.suffix, o.Date, members[0].Bytes())
	writeMember(out, "data.tar"+packer.suffix, o.Date, members[1].Bytes())
	_, err = w.Write(out.Bytes())
	return err
}

// checkDeb says what dpkg would not take (deb-control(5), deb-version(7)).
func checkDeb(p *Package) error {
	err := cmp.Or(named("name", p.Name, "+-."), named("version", p.Version, ".+-~"), named("architecture", p.Arch, "-"),
		oneLine("summary", p.Summary), oneLine("maintainer", p.Vendor), oneLine("homepage", p.URL), oneLine("section", p.Group), oneLine("priority", p.Priority))
	if p.Release != "" {
		err = cmp.Or(err, named("release", p.Release, ".+~"))
	}
	if p.Epoch != "" && strings.Trim(p.Epoch, "0123456789") != "" {
		err = cmp.Or(err, fmt.Errorf("epoch %.20q is no number", p.Epoch))
	}
	if err == nil && (p.Name != strings.ToLower(p.Name) || len(p.Name) < 2 || strings.IndexByte("+-.", p.Name[0]) >= 0) {
		err = fmt.Errorf("name %.60q: a .deb's has two characters or more, begins with a letter or digit and has no capitals", p.Name)
	}
	if err == nil && (p.Version[0] < '0' || p.Version[0] > '9') {
		err = fmt.Errorf("version %.60q: a .deb's begins with a digit", p.Version)
	}
	if err == nil && !strings.Contains(p.Vendor, "@") {
		err = fmt.Errorf("maintainer %.60q: not NAME <ADDRESS>", p.Vendor)
	}
	for _, s := range p.Scripts {
		if !slices.Contains(debScripts, s.Name) || !strings.HasPrefix(s.Interpreter, "/") {
			err = cmp.Or(err, fmt.Errorf("scriptlet %.20q of %.40q is not one that is written", s.Name, s.Interpreter))
		}
	}
	return err
}

// controlFiles makes what control.tar holds.
func controlFiles(p *Package, contents []Content) ([]Content, error) {
	var sums, config strings.Builder
	size := int64(0) // KiB, as dpkg-gencontrol(1) counts
	for _, c := range contents {
		if c.Ghost {
			return nil, fmt.Errorf("file %s: a .deb has no files that are not in its archive", c.Path)
		}
		if c.Mode.IsRegular() {
			fmt.Fprintf(&sums, "%x  %s\n", md5.Sum(c.Data), c.Path[1:])
			size += (int64(len(c.Data)) + 1023) >> 10
		} else {
			size++
		}
		if c.Config {
			config.WriteString(c.Path + "\n")
		}
	}
	stanza, err := controlStanza(p, size)
	if err != nil {
		return nil, err
	}
	var list []Content
	add := func(name, text string, mode fs.FileMode) {
		if text != "" {
			list = append(list, Content{File: File{Path: "/" + name, Mode: mode}, Data: []byte(text)})
		}
	}
	add("conffiles", config.String(), 0o644)
	add("control", stanza, 0o644)
	add("md5sums", sums.String(), 0o644)
	if len(p.Triggers) > 0 {
		add("triggers", strings.Join(p.Triggers, "\n")+"\n", 0o644)
	}
	for _, s := range p.Scripts {
		text := s.Text
		if !strings.HasPrefix(text, "#!") {
			text = "#!" + s.Interpreter + "\n" + text
		}
		add(s.Name, text, 0o755)
	}
	slices.SortFunc(list, func(a, b Content) int { return strings.Compare(a.Path, b.Path) })
	return list, nil
}

// controlStanza makes the control file; size is in KiB.
func controlStanza(p *Package, size int64) (string, error) {
	var b strings.Builder
	field := func(name, value string) {
		if value != "" {
			fmt.Fprintf(&b, "%s: %s\n", name, value)
		}
	}
	field("Package", p.Name)
	field("Source", p.SourceName)
	field("Version", p.EVR())
	field("Architecture", p.Arch)
	field("Maintainer", p.Vendor)
	field("Installed-Size", fmt.Sprint(max(size, 1)))
	fields := map[string][]string{}
	for _, d := range p.Depends {
		text, err := debDependency(d)
		if err != nil {
			return "", err
		}
		name := debField(d)
		if !slices.Contains(fields[name], text) {
			fields[name] = append(fields[name], text)
		}
	}
	for _, name := range []string{"Pre-Depends", "Depends", "Recommends", "Suggests", "Enhances", "Conflicts", "Replaces", "Provides"} {
		field(name, strings.Join(fields[name], ", "))
	}
	field("Section", cmp.Or(p.Group, "kernel"))
	field("Priority", cmp.Or(p.Priority, "optional"))
	field("Homepage", p.URL)
	field("Description", cmp.Or(p.Summary, p.Name))
	for line := range strings.Lines(p.Description) {
		line = strings.TrimRight(line, "\r\n")
		if strings.TrimSpace(line) == "" {
			line = "."
		}
		b.WriteString(" " + line + "\n")
	}
	return b.String(), nil
}

// debField is the field of the control file that a dependency goes into.
func debField(d Dependency) string {
	for _, r := range debRelations {
		if r.relation == d.Relation && (r.field == "pre-depends") == d.Pre && r.field != "breaks" {
			words := strings.Split(r.field, "-")
			for i, w := range words {
				words[i] = strings.ToUpper(w[:1]) + w[1:]
			}
			return strings.Join(words, "-")
		}
	}
	return ""
}

// debAlternative is one of the packages of a dependency (deb-control(5)), with a
// version where there are more.
var debAlternative = pattern.New(`^[A-Za-z0-9][A-Za-z0-9+._-]*(:[a-z0-9-]+)?( ?\((<<|<=|=|>=|>>) ?[A-Za-z0-9.+~:-]+\))?$`)

// debNames says whether a dependency's name is a package's, or is of several,
// any of which will do.
func debNames(name string) bool {
	for one := range strings.SplitSeq(name, "|") {
		if !debAlternative.MatchString(strings.TrimSpace(one)) {
			return false
		}
	}
	return true
}

func debDependency(d Dependency) (string, error) {
	ops := map[string]string{"": "", "<": "<<", "<<": "<<", "<=": "<=", "=": "=", ">=": ">=", ">": ">>", ">>": ">>"}
	op, ok := ops[d.Op]
	if !ok || (op == "") != (d.Version == "") || !debNames(d.Name) || op != "" && strings.ContainsAny(d.Name, "|(") || debField(d) == "" || strings.ContainsAny(d.Version, " ,()\n\r\x00") {
		return "", fmt.Errorf("dependency %.20s %.60q %.4q %.40q: not one of dpkg's", d.Relation, d.Name, d.Op, d.Version)
	}
	if op == "" {
		return d.Name, nil
	}
	return d.Name + " (" + op + " " + d.Version + ")", nil
}

// writeMember writes a member of an ar archive.
func writeMember(out *bytes.Buffer, name string, date time.Time, data []byte) {
	fmt.Fprintf(out, "%-16s%-12d%-6d%-6d%-8s%-10d`\n", name, date.Unix(), 0, 0, "100644", len(data))
	out.Write(data)
	if len(data)%2 == 1 {
		out.WriteByte('\n')
	}
}

// writeTar writes files as dpkg-deb does: names begin with a dot, the root is
// among them, everything is root's.
func writeTar(w io.Writer, contents []Content, date time.Time) error {
	t := tar.NewWriter(w)
	for _, c := range append([]Content{{File: File{Path: "/", Mode: fs.ModeDir | 0o755}}}, contents...) {
		h := &tar.Header{Typeflag: tar.TypeReg, Name: "." + c.Path, Size: int64(len(c.Data)), Mode: int64(unixBits(c.Mode) & 0o7777), ModTime: date.Truncate(time.Second), Uname: "root", Gname: "root", Format: tar.FormatGNU}
		switch {
		case c.Mode.IsDir():
			h.Typeflag, h.Name = tar.TypeDir, strings.TrimSuffix(h.Name, "/")+"/"
		case c.Target != "":
			h.Typeflag, h.Linkname, h.Mode = tar.TypeSymlink, c.Target, 0o777
		}
		if err := t.WriteHeader(h); err != nil {
			return err
		}
		if _, err := t.Write(c.Data); err != nil {
			return err
		}
	}
	return t.Close()
}
