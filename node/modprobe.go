package node

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"modkeep/depmod"
)

// modprobeConfig is what modprobe.d(5) and the kernel's command line say of
// loading modules, as kmod 30 reads them (libkmod/libkmod-config.c): options,
// soft dependencies, and commands that stand for loading or removing.
type modprobeConfig struct {
	options  map[string][]string // by module, in the files' order
	pre      map[string][]string // loaded before; names or aliases
	post     map[string][]string // loaded afterwards
	commands map[string]string   // FILE:LINE of an install or remove command
	problems []string
}

// modprobeDirs are read in this order; a file hides those of its name in later
// ones.
var modprobeDirs = []string{"/etc/modprobe.d", "/run/modprobe.d", "/usr/local/lib/modprobe.d", "/usr/lib/modprobe.d", "/lib/modprobe.d"}

const maxModprobeFile = 1 << 20

// readModprobe reads the modprobe.d files below a root, the soft dependencies
// that depmod collected in a module directory, and a kernel's command line.
func readModprobe(root, moduleDir, cmdline string) *modprobeConfig {
	c := &modprobeConfig{map[string][]string{}, map[string][]string{}, map[string][]string{}, map[string]string{}, nil}
	files := map[string]string{}
	for _, dir := range modprobeDirs {
		real, err := depmod.Resolve(root, dir)
		if err != nil {
			continue
		}
		entries, err := os.ReadDir(filepath.Join(root, real))
		if err != nil {
			c.problems = append(c.problems, fmt.Sprintf("%s: %v", dir, err))
		}
		for _, e := range entries {
			if strings.HasSuffix(e.Name(), ".conf") && files[e.Name()] == "" {
				files[e.Name()] = dir + "/" + e.Name()
			}
		}
	}
	names := make([]string, 0, len(files))
	for name := range files {
		names = append(names, name)
	}
	slices.Sort(names)
	c.read(root, moduleDir+"/modules.softdep")
	for _, name := range names {
		c.read(root, files[name])
	}
	c.commandLine(cmdline)
	return c
}

func (c *modprobeConfig) read(root, name string) {
	text, err := depmod.ReadFile(root, name, maxModprobeFile)
	switch {
	case err == nil:
		c.parse(string(text), name)
	case !errors.Is(err, fs.ErrNotExist):
		c.problems = append(c.problems, err.Error())
	}
}

// parse reads one file: a command a line. A backslash at a line's end continues
// it, a comment too, and before another character it goes (modprobe -c shows it).
func (c *modprobeConfig) parse(text, name string) {
	var line strings.Builder
	n, start := 1, 1
	flush := func() {
		c.command(line.String(), fmt.Sprintf("%s:%d", name, start))
		line.Reset()
		start = n
	}
	for i := 0; i < len(text); i++ {
		if text[i] == '\n' {
			n++
			flush()
			continue
		}
		if text[i] == '\\' {
			if i++; i == len(text) {
				break
			}
			if text[i] == '\n' {
				n++
				continue
			}
		}
		line.WriteByte(text[i])
	}
	flush()
}

// command reads one command. What is none of those wanted here is passed over.
func (c *modprobeConfig) command(line, where string) {
	w := strings.Fields(line)
	if len(w) < 2 || strings.HasPrefix(w[0], "#") {
		return
	}
	name := depmod.ModuleName(w[1])
	switch w[0] {
	case "options":
		rest := strings.TrimPrefix(strings.TrimSpace(line), w[0])
		rest = strings.TrimPrefix(strings.TrimSpace(rest), w[1])
		c.options[name] = append(c.options[name], splitOptions(rest)...)
	case "softdep":
		into := map[string][]string{} // words before pre: and post: say nothing
		for _, word := range w[2:] {
			switch word {
			case "pre:":
				into = c.pre
			case "post:":
				into = c.post
			default:
				into[name] = append(into[name], word)
			}
		}
	case "install", "remove":
		c.commands[name] = where
	}
}

// splitOptions splits parameters at blanks that stand in no double quotes, as
// the kernel's next_arg does (lib/cmdline.c).
func splitOptions(text string) []string {
	var list []string
	var word strings.Builder
	quoted := false
	for _, ch := range text {
		if ch == '"' {
			quoted = !quoted
		}
		if !quoted && (ch == ' ' || ch == '\t') {
			if word.Len() > 0 {
				list = append(list, word.String())
				word.Reset()
			}
			continue
		}
		word.WriteRune(ch)
	}
	if word.Len() > 0 {
		list = append(list, word.String())
	}
	return list
}

// commandLine takes MODULE.PARAMETER=VALUE.
func (c *modprobeConfig) commandLine(line string) {
	for _, word := range splitOptions(line) {
		if word == "--" {
			return // what follows is for process 1
		}
		key, _, _ := strings.Cut(word, "=")
		if module, parameter, ok := strings.Cut(key, "."); ok && module != "" && parameter != "" {
			name := depmod.ModuleName(module + ".ko")
			c.options[name] = append(c.options[name], word[len(module)+1:])
		}
	}
}

// configured reports whether the options of a module name a parameter.
func (c *modprobeConfig) configured(module, parameter string) bool {
	return slices.ContainsFunc(c.options[module], func(o string) bool {
		key, _, _ := strings.Cut(o, "=")
		return strings.ReplaceAll(key, "-", "_") == parameter
	})
}

// aliases are the lines of modules.alias (depmod(8)), pattern and module.
type aliases [][2]string

func readAliases(root, moduleDir string) aliases {
	text, err := depmod.ReadFile(root, moduleDir+"/modules.alias", maxDepFile)
	if err != nil {
		return nil
	}
	var list aliases
	for line := range strings.Lines(string(text)) {
		if w := strings.Fields(line); len(w) == 3 && w[0] == "alias" {
			list = append(list, [2]string{w[1], w[2]})
		}
	}
	return list
}

// modules returns the modules whose aliases match a name.
func (a aliases) modules(name string) []string {
	var list []string
	for _, e := range a {
		if matchAlias(e[0], name) && !slices.Contains(list, e[1]) {
			list = append(list, e[1])
		}
	}
	return list
}

// matchAlias is fnmatch(3) without flags: * and ? stand for slashes too.
func matchAlias(pattern, name string) bool {
	const slash = "\x01"
	ok, err := path.Match(strings.ReplaceAll(pattern, "/", slash), strings.ReplaceAll(name, "/", slash))
	return err == nil && ok
}
