package initramfs

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"

	"modkeep/ko"
)

// Setting is a module that a generator is configured to put into images.
type Setting struct {
	Name      string // the module's, with - written as _; mkosi's may be a pattern of path.Match
	Generator string
	Source    string // the file, inside the root
}

// maxConfig is how much is read of one configuration file, in bytes.
const maxConfig = 1 << 20

// Configured returns the modules that the configuration of the system below
// root puts into images, of every generator that has any:
//
//	dracut           add_drivers, force_drivers, drivers, filesystems of
//	                 /etc/dracut.conf and dracut.conf.d, and modules-load.d (dracut.conf(5))
//	initramfs-tools  /etc/initramfs-tools/modules and modules.d (initramfs-tools(7))
//	mkinitcpio       MODULES of /etc/mkinitcpio.conf and mkinitcpio.conf.d (mkinitcpio(8))
//	mkosi-initrd     KernelModulesInclude, KernelInitrdModules (mkosi(1))
//
// Files are shell text to two of them, of which only plain assignments are
// understood; words with a $ are left out, and so are dracut's =DIRECTORY. The
// error joins those of files that could not be read; the rest is returned.
func Configured(root string) ([]Setting, error) {
	c := &config{root: root}
	c.dracut()
	c.initramfsTools()
	c.mkinitcpio()
	c.mkosi()
	return c.settings, errors.Join(c.errs...)
}

type config struct {
	root     string
	settings []Setting
	errs     []error
}

// read returns a file's text, nil where it is not there.
func (c *config) read(name string) []byte {
	text, err := readFile(c.root, name)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		c.errs = append(c.errs, fmt.Errorf("read %s: %w", name, err))
	}
	return text
}

func readFile(root, inside string) ([]byte, error) {
	host, err := resolve(root, inside)
	if err != nil {
		return nil, err
	}
	info, err := os.Stat(host)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, ko.ErrNotRegular
	}
	f, err := os.Open(host)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxConfig+1))
	if err == nil && len(text) > maxConfig {
		return nil, fmt.Errorf("more than %d bytes", maxConfig)
	}
	return text, err
}

func (c *config) add(generator, source, name string) {
	if name == "" || strings.ContainsAny(name, "$=`/") {
		return
	}
	c.settings = append(c.settings, Setting{ko.NameFromPath(name), generator, "/" + strings.TrimPrefix(source, "/")})
}

// dropins returns the files of directories that end so, by their base names; a
// file of an earlier directory hides one of the same name in a later.
func (c *config) dropins(suffix string, dirs ...string) []string {
	byBase := map[string]string{}
	for _, dir := range dirs {
		for _, name := range glob(c.root, dir, func(name string) bool { return strings.HasSuffix(name, suffix) }) {
			if _, hidden := byBase[path.Base(name)]; !hidden {
				byBase[path.Base(name)] = name
			}
		}
	}
	files := make([]string, 0, len(byBase))
	for _, name := range byBase {
		files = append(files, name)
	}
	slices.SortFunc(files, func(a, b string) int { return strings.Compare(path.Base(a), path.Base(b)) })
	return files
}

func (c *config) dracut() {
	files := append([]string{"/etc/dracut.conf"}, c.dropins(".conf", "/etc/dracut.conf.d", "/usr/lib/dracut/dracut.conf.d")...)
	keys := []string{"add_drivers", "force_drivers", "drivers", "filesystems"}
	c.shell(Dracut, files, keys)
	if _, ok := find(c.root, Dracut); !ok && len(c.settings) == 0 {
		return
	}
	for _, name := range c.dropins(".conf", "/etc/modules-load.d", "/run/modules-load.d", "/usr/lib/modules-load.d") {
		c.list(Dracut, name)
	}
}

// shell takes the words of assignments. += adds to what earlier files said, =
// replaces it.
func (c *config) shell(generator string, files, keys []string) {
	type word struct{ source, name string }
	values := map[string][]word{}
	for _, file := range files {
		for _, a := range assignments(c.read(file)) {
			if !slices.Contains(keys, a.key) {
				continue
			}
			if !a.adds {
				values[a.key] = nil
			}
			for _, w := range a.words {
				values[a.key] = append(values[a.key], word{file, w})
			}
		}
	}
	for _, key := range keys {
		for _, w := range values[key] {
			c.add(generator, w.source, strings.TrimSuffix(w.name, "?"))
		}
	}
}

// list takes the first word of each line.
func (c *config) list(generator, file string) {
	for line := range strings.Lines(string(c.read(file))) {
		fields := strings.Fields(line)
		if len(fields) > 0 && fields[0][0] != '#' && fields[0][0] != ';' {
			c.add(generator, file, fields[0])
		}
	}
}

func (c *config) initramfsTools() {
	c.list(InitramfsTools, "/etc/initramfs-tools/modules")
	for _, name := range c.dropins("", "/etc/initramfs-tools/modules.d", "/usr/share/initramfs-tools/modules.d") {
		c.list(InitramfsTools, name)
	}
}

func (c *config) mkinitcpio() {
	files := append([]string{"/etc/mkinitcpio.conf"}, c.dropins(".conf", "/etc/mkinitcpio.conf.d")...)
	c.shell(Mkinitcpio, files, []string{"MODULES"})
}

// mkosi takes the settings whose regular expressions are plain names, with * or
// .* in them at most.
func (c *config) mkosi() {
	files := []string{"/usr/lib/mkosi-initrd/mkosi.conf", "/etc/mkosi-initrd/mkosi.conf"}
	files = append(files, c.dropins(".conf", "/etc/mkosi-initrd/mkosi.conf.d", "/usr/lib/mkosi-initrd/mkosi.conf.d")...)
	for _, file := range files {
		taken := false
		for line := range strings.Lines(string(c.read(file))) {
			key, value, ok := strings.Cut(line, "=")
			switch {
			case strings.TrimSpace(line) == "" || strings.HasPrefix(line, "#"):
				continue
			case line[0] == ' ' || line[0] == '\t': // goes on
				value, ok = line, taken
			default:
				key = strings.TrimSpace(key)
				taken = ok && (key == "KernelModulesInclude" || key == "KernelInitrdModules" || key == "KernelModulesInitrdInclude")
			}
			if !ok || !taken {
				continue
			}
			for _, w := range strings.FieldsFunc(value, func(r rune) bool { return strings.ContainsRune(" \t\n,", r) }) {
				c.add(MkosiInitrd, file, mkosiName(w))
			}
		}
	}
}

// mkosiName makes a name or a pattern of path.Match from an expression; "" for
// what is neither, such as "host", which means the modules now loaded.
func mkosiName(expression string) string {
	if strings.HasPrefix(expression, "-") || expression == "host" || expression == "default" {
		return ""
	}
	e := strings.NewReplacer(`\.`, ".", ".*", "*", "^", "", "$", "", "+", "").Replace(expression)
	if strings.HasSuffix(e, "/") {
		return ""
	}
	e = path.Base(e)
	if strings.ContainsAny(e, `()|[]\{}?`) || e == "*" {
		return ""
	}
	return e
}

// assignment is KEY=VALUE of a shell's text.
type assignment struct {
	key   string
	adds  bool // +=
	words []string
}

// assignments returns the assignments of a shell's text that stand at the
// beginning of a line. Values are words, in quotes of either kind, or in
// parentheses; both may span lines.
func assignments(text []byte) []assignment {
	var list []assignment
	for len(text) > 0 {
		line, _, _ := bytes.Cut(text, []byte("\n"))
		key, _, ok := bytes.Cut(line, []byte("="))
		name := bytes.TrimSpace(key)
		adds := bytes.HasSuffix(name, []byte("+"))
		name = bytes.TrimSuffix(name, []byte("+"))
		if !ok || !isName(name) {
			text = text[min(len(line)+1, len(text)):]
			continue
		}
		value, rest := shellValue(text[len(key)+1:])
		list = append(list, assignment{string(name), adds, strings.Fields(value)})
		text = rest
	}
	return list
}

func isName(b []byte) bool {
	for i, c := range b {
		if c != '_' && (c|0x20 < 'a' || c|0x20 > 'z') && (i == 0 || c < '0' || c > '9') {
			return false
		}
	}
	return len(b) > 0
}

// shellValue reads a value up to the end of its word, and returns what follows.
func shellValue(text []byte) (string, []byte) {
	var value []byte
	array, quote := false, byte(0)
	for i := 0; i < len(text); i++ {
		c := text[i]
		switch {
		case quote != 0:
			if c == quote {
				quote = 0
				continue
			}
			if c == '\\' && quote == '"' && i+1 < len(text) {
				i++
				c = text[i]
			}
			value = append(value, c)
		case c == '"' || c == '\'':
			quote = c
		case c == '\\' && i+1 < len(text):
			i++
			if text[i] != '\n' {
				value = append(value, text[i])
			}
		case c == '(' && !array && len(value) == 0:
			array = true
		case array && c == ')':
			return string(value), text[i+1:]
		case array && c == '#' && (i == 0 || text[i-1] == ' ' || text[i-1] == '\n' || text[i-1] == '\t'):
			for i+1 < len(text) && text[i+1] != '\n' {
				i++
			}
		case !array && bytes.IndexByte([]byte(" \t\n;#"), c) >= 0:
			return string(value), text[i:]
		default:
			value = append(value, c)
		}
	}
	return string(value), nil
}
