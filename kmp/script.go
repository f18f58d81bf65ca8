package kmp

import (
	"fmt"
	"slices"
	"strings"

	"modkeep/internal/pattern"
)

// Script is a scriptlet of a package.
type Script struct {
	Name        string   // rpm: pre, post, preun, postun, pretrans, posttrans, triggerin, …; deb: preinst, …
	Interpreter string   // /bin/sh, <lua>; with arguments
	Conditions  []string // of a trigger: what it waits for
	Text        string
	Calls       []string // programs of interest that it calls: weak-modules, dracut, depmod, dkms, …; sorted
	Macros      []Macro  // what looks like RPM macros that were not expanded
}

// Macro is a place in a scriptlet where an RPM macro was not expanded. The
// shell takes a line that begins with one for job control, and says "fg: no
// job control".
type Macro struct {
	Line int    // from 1
	Name string // %foo or %{foo}
	Text string // the line
	Job  bool   // stands where the shell expects a command
}

// callNames are the programs whose calls are reported: what links, indexes,
// builds and loads modules and makes boot images.
var callNames = []string{
	"weak-modules", "weak-modules2", "depmod", "dkms", "akmods", "dracut", "mkinitrd", "mkinitramfs", "mkinitcpio",
	"update-initramfs", "regenerate-initrd-posttrans", "kernel-install", "new-kernel-pkg", "grubby", "update-grub", "grub2-mkconfig",
	"modprobe", "insmod", "rmmod", "systemctl", "udevadm", "mokutil", "kmodtool", "inkmp-script", "kmp-script", "rpm-script",
}

var word = pattern.New(`[A-Za-z0-9_+.-]+`)

// maxScriptText bounds what all scriptlets of a package hold, in bytes.
const maxScriptText = 4 << 20

// script adds a scriptlet to the package.
func (c *collector) script(name, interpreter, text string) error {
	if c.scripts += len(text); c.scripts > maxScriptText || len(c.pkg.Scripts) >= maxScripts {
		return fmt.Errorf("more than %d scriptlets, or of more than %d bytes", maxScripts, maxScriptText)
	}
	c.pkg.Scripts = append(c.pkg.Scripts, newScript(name, interpreter, text))
	return nil
}

func newScript(name, interpreter, text string) Script {
	s := Script{Name: name, Interpreter: interpreter, Text: text}
	foreign := foreignInterpreter(interpreter)
	calls := map[string]bool{}
	number := 0
	for line := range strings.Lines(text) {
		number++
		code := strings.TrimSpace(line)
		if code == "" || strings.HasPrefix(code, "#") {
			continue
		}
		for _, w := range word.FindAllString(code, -1) {
			if slices.Contains(callNames, w) {
				calls[w] = true
			}
		}
		if m, ok := findMacro(code, foreign); ok && len(s.Macros) < 100 {
			m.Line = number
			s.Macros = append(s.Macros, m)
		}
	}
	for c := range calls {
		s.Calls = append(s.Calls, c)
	}
	slices.Sort(s.Calls)
	return s
}

// foreignInterpreter reports whether % means something in the script's
// language.
func foreignInterpreter(prog string) bool {
	for _, name := range []string{"lua", "perl", "python", "awk", "ruby"} {
		if strings.Contains(prog, name) {
			return true
		}
	}
	return false
}

var (
	macroAtStart = pattern.New(`^%(?:[A-Za-z_]\w*|\{[^}]*\}?)`)
	macroBraced  = pattern.New(`%\{[?!]*[A-Za-z_][\w:?!. -]*\}`)
	// Names that no format of date, printf or find has: beginning with an
	// underscore, or well known.
	macroNamed = pattern.New(`(?:^|[\s"'=(/])(%(?:_\w+|(?:kernel|kmod|kversion|suse|rhel|fedora|centos|flavors?|name|version|release|dist|buildroot|sbindir|post|preun)\w*))\b`)
	// Programs whose arguments have %{…} of their own.
	ownBraces = pattern.New(`\b(?:rpm|rpmquery|dnf|repoquery|curl)\b|--qf|--queryformat|-w `)
)

// findMacro finds the first macro of a line.
func findMacro(code string, foreign bool) (Macro, bool) {
	if m := macroAtStart.FindString(code); m != "" && !foreign {
		return Macro{Name: m, Text: clip(code), Job: true}, true
	}
	if m := macroBraced.FindString(code); m != "" && !ownBraces.MatchString(code) {
		return Macro{Name: m, Text: clip(code)}, true
	}
	if foreign {
		return Macro{}, false
	}
	if m := macroNamed.FindStringSubmatch(code); m != nil {
		return Macro{Name: m[1], Text: clip(code)}, true
	}
	return Macro{}, false
}

// clip shortens a line for messages.
func clip(line string) string {
	const most = 200
	if len(line) > most {
		return line[:most]
	}
	return line
}
