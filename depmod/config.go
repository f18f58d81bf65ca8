package depmod

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"regexp"
	"slices"
	"strings"
)

// BuiltIn and External are the words of a search line that stand for all
// directories not named in it, and for the external directories.
const (
	BuiltIn  = "built-in"
	External = "external"
)

// Config is the content of depmod.d(5) files.
type Config struct {
	// Search is the search order, highest first: the words of all search
	// lines, one after the other. Without any, depmod uses "updates" alone.
	Search    []string
	Overrides []Override
	Externals []ExternalDir
	Excludes  []string // names of directories (and files) passed over everywhere
	Problems  []Problem

	// Extensions are the file endings that count as modules; nil for all of
	// the package's Extensions. Debian's kmod ignores .ko.gz.
	Extensions []string
}

// Override is a line `override MODULE KERNEL DIR`: the file DIR/MODULE.ko of
// matching kernels goes before all others. Later lines go first.
type Override struct {
	Module string // compared with the file's base name as written: dashes count
	Kernel string // "*" or a POSIX extended regular expression
	Dir    string // below the module directory
	Source string // FILE:LINE
}

// ExternalDir is a line `external KERNEL DIR`: a directory outside the module
// directory that is searched too.
type ExternalDir struct {
	Kernel string
	Dir    string // absolute, inside the root
	Source string
}

// configDirs are kmod's directories, highest precedence first: of files with
// one name only the first directory's is read. /lib is there for roots whose
// /lib is no link.
var configDirs = []string{"/etc/depmod.d", "/run/depmod.d", "/usr/local/lib/depmod.d", "/lib/depmod.d", "/usr/lib/depmod.d"}

const (
	maxConfigFile  = 1 << 20
	maxConfigFiles = 10000
	maxPattern     = 1000
)

// ReadConfig reads the depmod.d files below a root, in the order of their
// names whatever directory they stand in. A directory that does not exist is
// no error; a file that cannot be read is a Problem, as for depmod.
func ReadConfig(root string) (*Config, error) {
	files := map[string]string{} // base name -> path inside the root
	for _, dir := range configDirs {
		real, err := Resolve(root, dir)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		} else if err != nil {
			return nil, fmt.Errorf("read depmod configuration: %w", err)
		}
		entries, err := os.ReadDir(onHost(root, real))
		if err != nil {
			return nil, fmt.Errorf("read depmod configuration: %w", err)
		}
		for _, e := range entries {
			name := e.Name()
			if strings.HasPrefix(name, ".") || len(name) < 6 || !strings.HasSuffix(name, ".conf") || e.IsDir() {
				continue
			}
			if _, taken := files[name]; !taken {
				files[name] = dir + "/" + name
			}
		}
	}
	names := make([]string, 0, len(files))
	for name := range files {
		names = append(names, name)
	}
	if len(names) > maxConfigFiles {
		return nil, fmt.Errorf("read depmod configuration: more than %d files", maxConfigFiles)
	}
	slices.Sort(names)
	c := &Config{}
	for _, name := range names {
		c.readFile(root, files[name])
	}
	return c, nil
}

func (c *Config) readFile(root, name string) {
	text, err := ReadFile(root, name, maxConfigFile)
	if err == nil {
		c.Parse(bytes.NewReader(text), name)
		return
	}
	c.Problems = append(c.Problems, Problem{name, "not read: " + cause(err)})
}

// Parse adds the commands of one file. name is used in messages and Sources.
// What depmod would ignore with a message becomes a Problem.
func (c *Config) Parse(r io.Reader, name string) {
	in := bufio.NewReader(r)
	line := 0
	for {
		text, n, ok := logicalLine(in)
		if !ok {
			return
		}
		line += n
		if text == "" || text[0] == '#' {
			continue
		}
		fields := strings.FieldsFunc(text, func(r rune) bool { return r == ' ' || r == '\t' })
		if len(fields) == 0 {
			continue
		}
		c.command(fields, fmt.Sprintf("%s:%d", name, line))
	}
}

func (c *Config) command(fields []string, source string) {
	args := fields[1:]
	switch fields[0] {
	case "search":
		c.Search = append(c.Search, args...)
		return
	case "exclude":
		c.Excludes = append(c.Excludes, args...)
		return
	case "override":
		if len(args) >= 3 {
			c.pattern(args[1], source)
			c.Overrides = append(c.Overrides, Override{args[0], args[1], args[2], source})
			return
		}
	case "external":
		if len(args) >= 2 {
			c.pattern(args[0], source)
			c.Externals = append(c.Externals, ExternalDir{args[0], args[1], source})
			return
		}
	case "include", "make_map_files":
		return // kmod takes these two and does nothing
	}
	c.Problems = append(c.Problems, Problem{source, fmt.Sprintf("ignoring bad line starting with %q", fields[0])})
}

// pattern reports a kernel pattern that can match nothing.
func (c *Config) pattern(p, source string) {
	if p == "*" {
		return
	}
	if _, err := compile(p); err != nil {
		c.Problems = append(c.Problems, Problem{source, fmt.Sprintf("kernel pattern %q is no regular expression, it matches no kernel", p)})
	}
}

func compile(p string) (*regexp.Regexp, error) {
	if len(p) > maxPattern {
		return nil, errors.New("pattern too long")
	}
	return regexp.CompilePOSIX(p)
}

// matchesKernel is kmod's cfg_kernel_matches: "*", or an expression that
// matches anywhere in the release.
func matchesKernel(pattern, krel string) bool {
	if pattern == "*" {
		return true
	}
	re, err := compile(pattern)
	return err == nil && re.MatchString(krel)
}

// For returns the configuration as one kernel sees it: lines for other kernels
// left out, the default search order put in where none is given.
func (c *Config) For(krel string) *Config {
	k := &Config{Search: c.Search, Excludes: c.Excludes, Problems: c.Problems, Extensions: c.Extensions}
	if len(k.Search) == 0 {
		k.Search = []string{"updates"}
	}
	if k.Extensions == nil {
		k.Extensions = Extensions
	}
	for _, o := range c.Overrides {
		if matchesKernel(o.Kernel, krel) {
			k.Overrides = append(k.Overrides, o)
		}
	}
	for _, e := range c.Externals {
		if matchesKernel(e.Kernel, krel) {
			k.Externals = append(k.Externals, e)
		}
	}
	return k
}

// logicalLine reads a line; a backslash before the line's end joins the next
// one to it, before any other byte it is dropped. n is the number of lines read.
func logicalLine(in *bufio.Reader) (text string, n int, ok bool) {
	var b strings.Builder
	ended := false // by a NUL, which ends what kmod's C strings hold
	for n = 1; ; {
		ch, err := in.ReadByte()
		if err != nil {
			return b.String(), n, ok
		}
		if ch == '\n' {
			return b.String(), n, true
		}
		if ch == '\\' {
			if ch, err = in.ReadByte(); err != nil {
				return b.String(), n, ok
			} else if ch == '\n' {
				n++
				continue
			}
		}
		ok = true
		if ended = ended || ch == 0; !ended {
			b.WriteByte(ch)
		}
	}
}

// excluded reports whether the directory walk passes a name over.
func (c *Config) excluded(name string) bool {
	return name == "build" || name == "source" || slices.Contains(c.Excludes, name)
}

// isModule reports whether a file name has one of the endings, with something
// before it.
func (c *Config) isModule(name string) bool {
	for _, ext := range c.Extensions {
		if len(name) > len(ext) && strings.HasSuffix(name, ext) {
			return true
		}
	}
	return false
}

// inside cleans a path of the root: always absolute.
func inside(p string) string { return path.Clean("/" + p) }
