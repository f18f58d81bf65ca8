package hooks

import (
	"errors"
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"

	"modkeep/depmod"
	"modkeep/txn"
)

// A drop-in stands where the distribution may have a tool of its own. In the
// order in which they are tried:
//
//   - the path is a link to /etc/alternatives: modkeep becomes one more
//     alternative, with a priority above the others';
//   - dpkg: a diversion, so that a package that ships the file unpacks it
//     beside ours, also later;
//   - otherwise a file that is there is set aside under the suffix dpkg uses.
//     An update of its package puts it back in place; the next "hooks install"
//     (the dnf plug-in and the file triggers run one) sets that aside again.
const (
	asideSuffix = ".distrib"

	alternativesLinks = "/etc/alternatives"
	dpkgAlternatives  = "/var/lib/dpkg/alternatives"
	rpmAlternatives   = "/var/lib/alternatives"
	dpkgDiversions    = "/var/lib/dpkg/diversions"
)

// alternativeOf is the link that leads to the chosen alternative of a path.
func alternativeOf(p string) string { return path.Join(alternativesLinks, path.Base(p)) }

// installDropIn does what must be done before a drop-in's link can be made,
// and reports whether that is all.
func (p *planner) installDropIn(h Hook) (done bool, err error) {
	at, there, err := found(p.Root, h.Path)
	if err != nil {
		return false, err
	}
	if there && at.Target == alternativeOf(h.Path) {
		return p.joinAlternatives(h)
	}
	if err := p.divert(h.Path); err != nil {
		return false, err
	}
	if !there || at.same(entryOf(h)) {
		return false, nil
	}
	if recorded := p.manifest.entry(h.Path); recorded != nil && at.same(*recorded) {
		return false, nil
	}
	return true, p.moveAside(h, at)
}

// moveAside plans that what stands at the drop-in's path gives way to it.
func (p *planner) moveAside(h Hook, at Entry) error {
	to := h.Path + asideSuffix
	if p.setAside(h.Path) == nil {
		if _, taken, err := found(p.Root, to); err != nil {
			return err
		} else if taken {
			p.note(h.Name, h.Path, fmt.Sprintf("cannot be set aside, %s is taken: left as it is", to))
			return nil
		}
		p.manifest.Aside = append(p.manifest.Aside, Aside{h.Path, to})
	}
	if err := p.move(h.Path, to, "the distribution's own"); err != nil {
		return err
	}
	p.put(h)
	p.record(entryOf(h))
	return nil
}

// move plans that a file or link gets another name.
func (p *planner) move(from, to, reason string) error {
	at, there, err := found(p.Root, from)
	switch {
	case err != nil:
		return err
	case !there:
		return nil
	case at.Target != "":
		p.step(txn.Step{Op: txn.Link, Path: to, Target: at.Target, Reason: reason})
		p.step(txn.Step{Op: txn.Unlink, Path: from, Reason: "now " + to})
	case at.SHA256 == "":
		return fmt.Errorf("%s: neither a file nor a link", from)
	default:
		text, mode, err := p.read(from)
		if err != nil {
			return err
		}
		// rpm -V holds the file against the time that it had.
		info, err := lstat(p.Root, from)
		if err != nil {
			return err
		}
		p.step(txn.Step{Op: txn.Write, Path: to, Data: text, Mode: mode, ModTime: info.ModTime(), Reason: reason})
		p.step(txn.Step{Op: txn.Remove, Path: from, Reason: "now " + to})
	}
	p.gone[from] = true
	delete(p.gone, to)
	return nil
}

// setAside returns what the manifest says was set aside of a path, or nil.
func (p *planner) setAside(from string) *Aside {
	for i := range p.manifest.Aside {
		if p.manifest.Aside[i].Path == from {
			return &p.manifest.Aside[i]
		}
	}
	return nil
}

// bringBack plans that what was set aside is in its place again. Where a newer
// one of the distribution's has taken the place, the old one goes.
func (p *planner) bringBack(e Entry) error {
	// A diverted path may have got its file only after ours was installed.
	aside := Aside{e.Path, e.Path + asideSuffix}
	if a := p.setAside(e.Path); a != nil {
		aside = *a
	} else if !slices.Contains(p.manifest.Diversions, e.Path) {
		return nil
	}
	p.manifest.Aside = slices.DeleteFunc(p.manifest.Aside, func(a Aside) bool { return a.Path == e.Path })
	at, there, err := found(p.Root, aside.To)
	if err != nil || !there {
		return err
	}
	if p.gone[e.Path] || !p.exists(e.Path) {
		return p.move(aside.To, e.Path, "the distribution's own")
	}
	if at.Target != "" {
		p.step(txn.Step{Op: txn.Unlink, Path: aside.To})
	} else {
		p.step(txn.Step{Op: txn.Remove, Path: aside.To})
	}
	p.gone[aside.To] = true
	return nil
}

// divert plans that dpkg is told to unpack a file of that name beside ours.
// The list has three lines for a diversion: what is diverted, where to, and
// the package that it does not hold for, ":" for none.
func (p *planner) divert(name string) error {
	text, mode, err := p.read(dpkgDiversions)
	if absent(err) {
		if !p.exists("/var/lib/dpkg/status") {
			return nil
		}
		text, mode, err = nil, 0o644, nil
		p.manifest.Made = append(p.manifest.Made, dpkgDiversions)
	}
	if err != nil {
		return err
	}
	lines := strings.SplitAfter(string(text), "\n")
	for i := 0; i+2 < len(lines); i += 3 {
		if strings.TrimSuffix(lines[i], "\n") == name {
			return nil
		}
	}
	text = append(text, name+"\n"+name+asideSuffix+"\n:\n"...)
	p.step(txn.Step{Op: txn.Write, Path: dpkgDiversions, Data: text, Mode: mode, Reason: "dpkg: " + name + " is diverted"})
	p.manifest.Diversions = append(p.manifest.Diversions, name)
	return nil
}

// undivert plans that dpkg forgets the diversion that divert made.
func (p *planner) undivert(name string) error {
	i := slices.Index(p.manifest.Diversions, name)
	if i < 0 {
		return nil
	}
	p.manifest.Diversions = slices.Delete(p.manifest.Diversions, i, i+1)
	text, mode, err := p.read(dpkgDiversions)
	if absent(err) {
		return nil
	}
	if err != nil {
		return err
	}
	ours := name + "\n" + name + asideSuffix + "\n:\n"
	rest := strings.Replace("\n"+string(text), "\n"+ours, "\n", 1)[1:]
	if made := slices.Index(p.manifest.Made, dpkgDiversions); made >= 0 && rest == "" {
		p.manifest.Made = slices.Delete(p.manifest.Made, made, made+1)
		p.step(txn.Step{Op: txn.Remove, Path: dpkgDiversions})
		return nil
	}
	p.step(txn.Step{Op: txn.Write, Path: dpkgDiversions, Data: []byte(rest), Mode: mode, Reason: "dpkg: " + name + " is diverted no more"})
	return nil
}

// alternatives is a file of alternatives(8) or update-alternatives(1): the
// mode, the link, names and links of slaves, an empty line; then for each
// alternative its path, priority and a line for each slave.
type alternatives struct {
	mode    string // auto or manual
	link    string
	slaves  []string // pairs of lines
	choices []choice
	end     string // empty lines: dpkg ends the file with one, chkconfig not
}

type choice struct {
	path     string
	priority string // a number; chkconfig puts @family@ before and a service behind
	slaves   []string
}

func parseAlternatives(text string) (*alternatives, error) {
	head, body, ok := strings.Cut(text, "\n\n")
	lines := strings.Split(head, "\n")
	if !ok || len(lines) < 2 || len(lines)%2 != 0 {
		return nil, errors.New("not a list of alternatives")
	}
	a := &alternatives{mode: lines[0], link: lines[1], slaves: lines[2:]}
	rest := strings.Split(strings.TrimSuffix(body, "\n"), "\n")
	each := 2 + len(a.slaves)/2
	for ; len(rest) >= each && rest[0] != ""; rest = rest[each:] {
		a.choices = append(a.choices, choice{rest[0], rest[1], rest[2:each]})
	}
	if len(a.choices) == 0 {
		return nil, errors.New("a list of no alternatives")
	}
	if strings.Join(rest, "") != "" {
		return nil, fmt.Errorf("an alternative %q of too few lines", rest[0])
	}
	a.end = strings.Repeat("\n", len(rest))
	return a, nil
}

func (a *alternatives) text() string {
	lines := append([]string{a.mode, a.link}, a.slaves...)
	lines = append(lines, "")
	for _, c := range a.choices {
		lines = append(append(lines, c.path, c.priority), c.slaves...)
	}
	return strings.Join(lines, "\n") + "\n" + a.end
}

// rank is the number in a choice's priority.
func (c choice) rank() int {
	word := c.priority
	if strings.HasPrefix(word, "@") {
		_, word, _ = strings.Cut(word[1:], "@")
	}
	n, _ := strconv.Atoi(strings.Fields(word + " 0")[0])
	return n
}

// best is the choice of the highest rank.
func (a *alternatives) best() choice {
	return slices.MaxFunc(a.choices, func(x, y choice) int { return x.rank() - y.rank() })
}

// adminFile finds the list of alternatives of a path; nil where there is none.
func (p *planner) adminFile(of string) (name string, a *alternatives, err error) {
	for _, dir := range []string{rpmAlternatives, dpkgAlternatives} {
		name = path.Join(dir, path.Base(of))
		text, err := depmod.ReadFile(p.Root, name, maxFile)
		if absent(err) {
			continue
		}
		if err == nil {
			a, err = parseAlternatives(string(text))
		}
		if err != nil {
			return "", nil, fmt.Errorf("%s: %w", name, err)
		}
		return name, a, nil
	}
	return "", nil, nil
}

// joinAlternatives plans modkeep as the best of the alternatives. A choice
// that somebody made by hand stays.
func (p *planner) joinAlternatives(h Hook) (bool, error) {
	name, a, err := p.adminFile(h.Path)
	if err != nil || a == nil {
		return false, err
	}
	p.record(Entry{Name: h.Name, Path: h.Path, Target: alternativeOf(h.Path)})
	if slices.ContainsFunc(a.choices, func(c choice) bool { return c.path == p.Program }) {
		return true, nil
	}
	rank := max(a.best().rank()+10, 50)
	a.choices = append(a.choices, choice{p.Program, strconv.Itoa(rank), make([]string, len(a.slaves)/2)})
	p.manifest.Alternatives = append(p.manifest.Alternatives, h.Path)
	return true, p.writeAlternatives(h.Name, name, a, p.Program)
}

// leaveAlternatives plans that modkeep is no alternative any more.
func (p *planner) leaveAlternatives(e Entry) error {
	p.manifest.Alternatives = slices.DeleteFunc(p.manifest.Alternatives, func(s string) bool { return s == e.Path })
	name, a, err := p.adminFile(e.Path)
	if err != nil || a == nil {
		return err
	}
	program := p.manifest.Program
	a.choices = slices.DeleteFunc(a.choices, func(c choice) bool { return c.path == program })
	if len(a.choices) == 0 {
		p.note(e.Name, e.Path, "modkeep is the only alternative left: left as it is")
		return nil
	}
	if at, _, err := found(p.Root, e.Target); err == nil && at.Target == program {
		a.mode = "auto" // what was chosen by hand was modkeep
	}
	return p.writeAlternatives(e.Name, name, a, a.best().path)
}

// writeAlternatives plans the list, and in auto mode the link to the best.
func (p *planner) writeAlternatives(hook, name string, a *alternatives, best string) error {
	_, mode, err := p.read(name)
	if err != nil {
		return err
	}
	p.step(txn.Step{Op: txn.Write, Path: name, Data: []byte(a.text()), Mode: mode, Reason: "alternatives of " + a.link})
	link := alternativeOf(a.link)
	if a.mode != "auto" {
		p.note(hook, a.link, "the alternative was chosen by hand: left as it is")
		return nil
	}
	p.step(txn.Step{Op: txn.Link, Path: link, Target: best, Reason: "the best alternative"})
	return nil
}
