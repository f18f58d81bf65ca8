package repo

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"modkeep/kmp"
)

// maxChanges is how many changes of a package other.xml lists, as createrepo_c
// does by default.
const maxChanges = 10

// rpmRecords returns what primary.xml, filelists.xml and other.xml say of an rpm
// with a digest, of a size in bytes, that lies at location.
func rpmRecords(p *kmp.Package, digest string, size int64, location string) (primary, filelists, other string) {
	var b xmlText
	b.b.Grow(2048 + len(p.Description) + 128*len(p.Depends))
	writePrimary(&b, p, digest, size, location)
	primary = b.take()
	open := func() {
		b.raw(`<package pkgid="` + digest + `" name="`).attr(p.Name).raw(`" arch="`).attr(p.Arch).raw("\">\n  ")
		writeVersion(&b, p)
	}
	open()
	for i := range p.Files {
		writeFile(&b, p, &p.Files[i], "  ")
	}
	b.raw("</package>\n")
	filelists = b.take()
	open()
	writeChanges(&b, p.Changes)
	b.raw("</package>\n")
	return primary, filelists, b.take()
}

func writeVersion(b *xmlText, p *kmp.Package) {
	epoch := p.Epoch
	if epoch == "" {
		epoch = "0"
	}
	b.raw(`<version epoch="`).attr(epoch).raw(`" ver="`).attr(p.Version).raw(`" rel="`).attr(p.Release).raw("\"/>\n")
}

func writePrimary(b *xmlText, p *kmp.Package, digest string, size int64, location string) {
	b.raw("<package type=\"rpm\">\n")
	b.element("  ", "name", p.Name).element("  ", "arch", p.Arch).raw("  ")
	writeVersion(b, p)
	b.raw(`  <checksum type="sha256" pkgid="YES">` + digest + "</checksum>\n")
	b.element("  ", "summary", p.Summary).element("  ", "description", p.Description)
	b.element("  ", "packager", p.Packager).element("  ", "url", p.URL)
	// The time of the file is that of the package: a copy changes nothing.
	built := strconv.FormatInt(p.BuildTime.Unix(), 10)
	b.raw(`  <time file="` + built + `" build="` + built + "\"/>\n")
	b.raw(fmt.Sprintf("  <size package=\"%d\" installed=\"%d\" archive=\"%d\"/>\n", size, p.Installed, p.Payload))
	b.raw(`  <location href="`).attr(location).raw("\"/>\n  <format>\n")
	b.element("    ", "rpm:license", p.License).element("    ", "rpm:vendor", p.Vendor).element("    ", "rpm:group", p.Group)
	b.element("    ", "rpm:buildhost", p.BuildHost).element("    ", "rpm:sourcerpm", p.SourceName)
	b.raw(fmt.Sprintf("    <rpm:header-range start=\"%d\" end=\"%d\"/>\n", p.HeaderStart, p.HeaderEnd))
	for _, relation := range []kmp.Relation{kmp.Provides, kmp.Requires, kmp.Conflicts, kmp.Obsoletes, kmp.Suggests, kmp.Enhances, kmp.Recommends, kmp.Supplements} {
		writeRelation(b, relation, listed(p, relation))
	}
	for i := range p.Files {
		if isPrimary(p.Files[i].Path) {
			writeFile(b, p, &p.Files[i], "    ")
		}
	}
	b.raw("  </format>\n</package>\n")
}

// isPrimary says whether a file is in primary.xml too, by the rule that yum has
// always had.
func isPrimary(path string) bool {
	return strings.HasPrefix(path, "/etc/") || path == "/usr/lib/sendmail" || strings.Contains(path, "bin/")
}

func writeFile(b *xmlText, p *kmp.Package, f *kmp.File, indent string) {
	kind := ""
	switch {
	case f.Mode.IsDir():
		kind = ` type="dir"`
	case f.Ghost:
		kind = ` type="ghost"`
	}
	path := f.Path
	if p.Source { // the names in a package of sources have no directory
		path = strings.TrimPrefix(path, "/")
	}
	b.raw(indent + "<file" + kind + ">").text(path).raw("</file>\n")
}

// versioned is a dependency without what it is for.
type versioned struct{ name, op, version string }

func withVersion(d *kmp.Dependency) versioned { return versioned{d.Name, d.Op, d.Version} }

// listed returns the dependencies that are listed of a relation. Of what a
// package requires that is not what rpm itself is to have, what the package
// itself has or provides, what was just said, and all versions of libc but the
// newest.
func listed(p *kmp.Package, relation kmp.Relation) []*kmp.Dependency {
	var list []*kmp.Dependency
	for i := range p.Depends {
		if p.Depends[i].Relation == relation {
			list = append(list, &p.Depends[i])
		}
	}
	if relation != kmp.Requires || len(list) == 0 {
		return list
	}
	have := provided(p)
	last := make(map[string]*kmp.Dependency, len(list))
	kept := list[:0]
	var libc *kmp.Dependency
	for _, d := range list {
		before := last[d.Name]
		switch {
		case strings.HasPrefix(d.Name, "rpmlib("), have[withVersion(d)], before != nil && *before == *d:
		case strings.HasPrefix(d.Name, "libc.so.6"):
			if libc == nil || glibcLess(libc.Name, d.Name) {
				libc = d
			}
		default:
			last[d.Name] = d
			kept = append(kept, d)
		}
	}
	if libc != nil {
		kept = append(kept, libc)
	}
	return kept
}

// provided is what a package needs nobody else for: what it provides and those of
// its files that primary.xml lists.
func provided(p *kmp.Package) map[versioned]bool {
	have := make(map[versioned]bool)
	for i := range p.Depends {
		if d := &p.Depends[i]; d.Relation == kmp.Provides {
			have[withVersion(d)] = true
		}
	}
	for i := range p.Files {
		if isPrimary(p.Files[i].Path) {
			have[versioned{name: p.Files[i].Path}] = true
		}
	}
	return have
}

// glibcLess orders libc.so.6(GLIBC_2.17)(64bit) by its version.
func glibcLess(a, b string) bool {
	x, y := glibcVersion(a), glibcVersion(b)
	for i := range max(len(x), len(y)) {
		m, n := 0, 0
		if i < len(x) {
			m, _ = strconv.Atoi(x[i])
		}
		if i < len(y) {
			n, _ = strconv.Atoi(y[i])
		}
		if m != n {
			return m < n
		}
	}
	return false
}

func glibcVersion(name string) []string {
	_, rest, _ := strings.Cut(name, "(GLIBC_")
	version, _, _ := strings.Cut(rest, ")")
	return strings.Split(version, ".")
}

var rpmFlags = map[string]string{"<": "LT", "<=": "LE", "=": "EQ", ">=": "GE", ">": "GT"}

func writeRelation(b *xmlText, relation kmp.Relation, list []*kmp.Dependency) {
	if len(list) == 0 {
		return
	}
	b.raw("    <rpm:" + string(relation) + ">\n")
	for _, d := range list {
		b.raw(`      <rpm:entry name="`).attr(d.Name).raw(`"`)
		if flags := rpmFlags[d.Op]; flags != "" {
			epoch, version, release := splitEVR(d.Version)
			b.raw(` flags="` + flags + `" epoch="`).attr(epoch).raw(`" ver="`).attr(version).raw(`"`)
			if release != "" {
				b.raw(` rel="`).attr(release).raw(`"`)
			}
		}
		if d.Pre {
			b.raw(` pre="1"`)
		}
		b.raw("/>\n")
	}
	b.raw("    </rpm:" + string(relation) + ">\n")
}

// splitEVR takes [epoch:]version[-release] apart, at the first hyphen: the names of
// other distributions' kernels have more.
func splitEVR(text string) (epoch, version, release string) {
	epoch = "0"
	if e, rest, ok := strings.Cut(text, ":"); ok {
		epoch, text = e, rest
	}
	version, release, _ = strings.Cut(text, "-")
	return epoch, version, release
}

// writeChanges writes the newest changes, oldest first. Changes of one day get
// times a second apart, so that readers who sort by time keep their order.
func writeChanges(b *xmlText, changes []kmp.Change) {
	changes = changes[:min(len(changes), maxChanges)]
	times := make([]int64, len(changes))
	for i := range changes {
		times[i] = changes[i].Time.Unix()
		// changes are newest first: those before i that now clash move on.
		for k := i; k > 0 && times[k-1] == times[k]; k-- {
			times[k-1]++
		}
	}
	for i := len(changes) - 1; i >= 0; i-- {
		b.raw(`  <changelog author="`).attr(strings.TrimRight(changes[i].Name, " ")).raw(`" date="` + strconv.FormatInt(times[i], 10) + `">`)
		b.text(changes[i].Text).raw("</changelog>\n")
	}
}

// xmlText is XML that is being written.
type xmlText struct{ b strings.Builder }

func (x *xmlText) take() string {
	text := x.b.String()
	x.b.Reset()
	return text
}

// raw writes text that is XML already.
func (x *xmlText) raw(text string) *xmlText {
	x.b.WriteString(text)
	return x
}

func (x *xmlText) element(indent, name, text string) *xmlText {
	return x.raw(indent + "<" + name + ">").text(text).raw("</" + name + ">\n")
}

func (x *xmlText) text(text string) *xmlText { return x.escape(text, false) }
func (x *xmlText) attr(text string) *xmlText { return x.escape(text, true) }

// escape writes text as character data or as an attribute's value. Bytes that are
// not UTF-8 are taken for ISO 8859-1, as old packages have them; characters that
// XML 1.0 does not know are left out.
func (x *xmlText) escape(text string, attr bool) *xmlText {
	from := 0
	for i := 0; i < len(text); {
		c := text[i]
		if c >= 0x20 && c < utf8.RuneSelf && c != '&' && c != '<' && c != '>' && (c != '"' || !attr) && c != 0x7f {
			i++
			continue
		}
		r, size := utf8.DecodeRuneInString(text[i:])
		if r == utf8.RuneError && size == 1 {
			r = rune(c)
		} else if size > 1 && r != 0xfffe && r != 0xffff {
			i += size
			continue
		}
		x.b.WriteString(text[from:i])
		x.b.WriteString(escaped(r, attr))
		i += size
		from = i
	}
	x.b.WriteString(text[from:])
	return x
}

func escaped(r rune, attr bool) string {
	switch {
	case r == '&':
		return "&amp;"
	case r == '<':
		return "&lt;"
	case r == '>':
		return "&gt;"
	case r == '"' && attr:
		return "&quot;"
	case r == '\r', attr && (r == '\n' || r == '\t'):
		return "&#" + strconv.Itoa(int(r)) + ";"
	case r == '\n', r == '\t', r >= 0x20 && r != 0xfffe && r != 0xffff:
		return string(r)
	}
	return ""
}
