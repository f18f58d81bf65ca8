package kernel

import (
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"

	"modkeep/depmod"
	"modkeep/kernel/image"
)

// maxConfig bounds a configuration; Debian's has 270 KB.
const maxConfig = 16 << 20

// Config is the configuration a kernel was built with.
type Config struct {
	// Known is false where none was found: then every option is unknown, and
	// not the same as unset.
	Known bool
	Path  string // where it was read: inside the root, or the image that holds it
	// Title is the version in the first lines, which kconfig writes: the
	// upstream version, "6.1.192"; "" where it is not there.
	Title string
	// Values holds what is set: y, m, a number, or a string without its quotes,
	// by the option's name without CONFIG_.
	Values map[string]string
}

// Get returns the value of an option, "n" where it is not set.
func (c *Config) Get(option string) string {
	if v, ok := c.Values[option]; ok {
		return v
	}
	return "n"
}

// On reports whether an option is y.
func (c *Config) On(option string) bool { return c.Values[option] == "y" }

// ParseConfig reads the text of a .config, or of include/config/auto.conf.
func ParseConfig(text []byte) *Config {
	c := &Config{Known: true, Values: map[string]string{}}
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSpace(line)
		if strings.HasPrefix(line, "#") {
			c.title(line)
			continue
		}
		name, value, ok := strings.Cut(line, "=")
		if !ok || !strings.HasPrefix(name, "CONFIG_") {
			continue
		}
		if n := len(value); n >= 2 && value[0] == '"' && value[n-1] == '"' {
			value = unescape(value[1 : n-1])
		}
		if value != "n" {
			c.Values[strings.TrimPrefix(name, "CONFIG_")] = value
		}
	}
	return c
}

// title takes the version from "# Linux/x86 6.1.192 Kernel Configuration" or,
// up to 2.6.3x, "# Linux kernel version: 2.6.32".
func (c *Config) title(line string) {
	if c.Title != "" {
		return
	}
	if f := strings.Fields(line); len(f) >= 5 && strings.HasPrefix(f[1], "Linux") && f[3] == "Kernel" && f[4] == "Configuration" {
		c.Title = f[2]
	} else if len(f) >= 5 && f[1] == "Linux" && f[2] == "kernel" && f[3] == "version:" {
		c.Title = f[4]
	}
}

// unescape undoes kconfig's backslashes before quotes and backslashes.
func unescape(s string) string {
	if !strings.Contains(s, `\`) {
		return s
	}
	return strings.NewReplacer(`\\`, `\`, `\"`, `"`).Replace(s)
}

// Config returns the configuration the kernel was built with.
func (k *Kernel) Config() *Config { return k.settings.get(k.readConfig) }

func (k *Kernel) readConfig() *Config {
	if file := k.options.Config; file != "" {
		b, err := os.ReadFile(file)
		if err == nil {
			return k.configFrom(file, b)
		}
		k.problem(file, err)
	}
	if k.alone != "" {
		return k.configBeside()
	}
	paths := []string{"/boot/config-" + k.Release, k.ModuleDir + "/config"}
	for _, dir := range k.headerDirs() {
		paths = append(paths, dir+"/.config", dir+"/include/config/auto.conf")
	}
	for _, p := range paths {
		if name, _, ok := k.find(p); ok {
			b, err := depmod.ReadFile(k.Root, name, maxConfig)
			if err == nil {
				return k.configFrom(name, b)
			}
			k.problem(name, err)
		}
	}
	return k.configInImage()
}

func (k *Kernel) configFrom(path string, text []byte) *Config {
	c := ParseConfig(text)
	c.Path = path
	return c
}

// configBeside reads what lies in the directory of a table.
func (k *Kernel) configBeside() *Config {
	for _, name := range []string{".config", "include/config/auto.conf"} {
		p := filepath.Join(absolute(k.alone), filepath.FromSlash(name))
		if b, err := depmod.ReadFile("", p, maxConfig); err == nil {
			return k.configFrom(p, b)
		}
	}
	return &Config{}
}

// configInImage reads what CONFIG_IKCONFIG left in the image.
func (k *Kernel) configInImage() *Config {
	m := k.openImage()
	if m == nil {
		return &Config{}
	}
	b, err := m.Config()
	if err == nil {
		if b, err = gunzip(b); err == nil {
			return k.configFrom(k.ImagePath, b)
		}
	}
	if !errors.Is(err, image.ErrAbsent) {
		k.problem(k.ImagePath, err)
	}
	return &Config{}
}

func gunzip(b []byte) ([]byte, error) {
	z, err := gzip.NewReader(bytes.NewReader(b))
	if err != nil {
		return nil, err
	}
	text, err := io.ReadAll(io.LimitReader(z, maxConfig+1))
	if len(text) > maxConfig {
		return nil, errors.New("configuration too large")
	}
	return text, err
}

// SigPolicy is how a kernel treats signatures, by its configuration alone: the
// command line (module.sig_enforce, lockdown=) and secure boot add to it.
type SigPolicy struct {
	Known       bool   // false where the configuration is not known
	Verify      bool   // MODULE_SIG: signatures are looked at
	Force       bool   // MODULE_SIG_FORCE: a module without a valid one is refused
	LockdownLSM bool   // SECURITY_LOCKDOWN_LSM: lockdown can refuse unsigned modules
	Hash        string // MODULE_SIG_HASH: "sha256"
	// Forced is the lockdown level that the configuration sets: "none",
	// "integrity" or "confidentiality".
	Forced string
}

// SigPolicy returns the signature policy of the configuration.
func (k *Kernel) SigPolicy() SigPolicy {
	c := k.Config()
	p := SigPolicy{Known: c.Known, Verify: c.On("MODULE_SIG"), Force: c.On("MODULE_SIG_FORCE"), LockdownLSM: c.On("SECURITY_LOCKDOWN_LSM"), Forced: "none"}
	p.Hash = c.Values["MODULE_SIG_HASH"]
	switch {
	case c.On("LOCK_DOWN_KERNEL_FORCE_CONFIDENTIALITY"):
		p.Forced = "confidentiality"
	case c.On("LOCK_DOWN_KERNEL_FORCE_INTEGRITY"):
		p.Forced = "integrity"
	}
	return p
}
