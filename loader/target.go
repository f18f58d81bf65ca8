package loader

import (
	"bytes"
	"crypto/x509"
	"encoding/binary"
	"fmt"
	"iter"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"modkeep/kernel"
	"modkeep/kernel/keyring"
	"modkeep/symvers"
)

// Options are what a kernel's files do not say: how it is started, and what is
// in it when the module comes.
type Options struct {
	Cmdline  string              // the kernel's command line
	Lockdown string              // "none", "integrity", "confidentiality"; "" is none unless Cmdline says otherwise
	Keyring  []*x509.Certificate // trusted besides the certificates in the image
	Firmware keyring.Firmware    // what the machine's firmware says of keys
	Loaded   []string            // modules that are loaded already
	Tainted  uint64              // /proc/sys/kernel/tainted
	Replace  bool                // given modules displace what a bare table lists
	Flags    int                 // finit_module(2)'s: 1 ignores module versions, 2 the version magic
	Params   string              // the module's parameters
	// InitModule is init_module(2), which is silent about a file that is
	// shorter than an ELF header.
	InitModule bool
	Comm       string // the process that loads; "" is insmod
}

// AsStarted returns the options of a kernel that is started on the machine it is
// installed on: the command line that the boot loader gives it, and what the
// firmware says of keys, where sysfs shows that below the kernel's root.
func AsStarted(k *kernel.Kernel) Options {
	var o Options
	o.Cmdline, _ = k.CommandLine()
	if k.Root != "" {
		o.Firmware = keyring.ReadFirmware(os.DirFS(k.Root))
	}
	return o
}

// NewTarget makes a target of a kernel. Certificates are read from the
// kernel's image when the first signed module is judged.
func NewTarget(k *kernel.Kernel, opts Options) *Target {
	v := k.Version()
	t := &Target{
		Profile: Profile{
			Release:  k.Release,
			Version:  Version{v.Major, v.Minor, v.Patch},
			Distro:   k.Distro().ID,
			Config:   configOf(k),
			Lockdown: opts.Lockdown,
			Loaded:   moduleNames(opts.Loaded),
			Tainted:  opts.Tainted,
			Spectre:  true,
		},
		Exports:    &kernelExports{k: k},
		Replace:    opts.Replace,
		TableOnly:  k.ModuleDir == "",
		Comm:       opts.Comm,
		Flags:      opts.Flags,
		Params:     opts.Params,
		InitModule: opts.InitModule,

		RevokedFiles: opts.Firmware.RevokedFiles,
	}
	t.Arch = archOf(k.Arch())
	t.Keys, t.Doubtful = keysOf(k, opts)
	if t.Version == (Version{}) {
		t.Version, t.VersionGuessed = versionOf(k), true
	}
	t.BTF = btfOf(k, t.Arch.order())
	if magic := k.Vermagic(); magic.Known {
		t.Vermagic = magic.Raw
	}
	t.StructSize, _ = k.StructModuleSize()
	if on, known := k.Modversions(); known {
		t.Versions = tristate(on)
	}
	if t.Version.Less(Version{2, 5, 0}) {
		if table, _ := k.Table(); table.InNames {
			t.NamePrefix = &table.Prefix
		}
	}
	t.policyFromConfig()
	t.applyCmdline(opts.Cmdline)
	if opts.Firmware.SecureBoot == keyring.Yes {
		t.underSecureBoot(opts.Lockdown)
	}
	return t
}

// underSecureBoot makes the policy stricter: IMA's policy for such machines
// enforces signatures (arch_get_ima_policy, security/integrity/ima/ima_efi.c
// 6.1.192), and distributions lock the kernel down, by a patch that mainline does
// not have. given is the lockdown that somebody said there is.
func (t *Target) underSecureBoot(given string) {
	if t.configIs("IMA", "y") && t.configIs("IMA_ARCH_POLICY", "y") && t.configIs("MODULE_SIG", "y") {
		t.Enforce = Yes
	}
	if given == "" && (t.Lockdown == "" || t.Lockdown == "none") && t.configIs("LOCK_DOWN_IN_EFI_SECURE_BOOT", "y") {
		t.Lockdown = "integrity"
	}
}

// versionOf guesses the generation of a kernel of which nothing but a table of
// exports is known, by the table's form: versions in the names were written up
// to 2.4, three columns up to 2.6.17, four up to 5.3.
func versionOf(k *kernel.Kernel) Version {
	table, _ := k.Table()
	switch {
	case table.InNames, table.Layout == symvers.Columns2:
		return Version{2, 4, 0}
	case table.Layout == symvers.Columns3:
		return Version{2, 6, 16}
	case table.Layout == symvers.Columns4:
		return Version{4, 19, 0}
	case table.Layout == symvers.Columns5NS:
		return Version{5, 4, 0}
	}
	return Version{6, 1, 0}
}

func tristate(b bool) Tristate {
	if b {
		return Yes
	}
	return No
}

func moduleNames(names []string) []string {
	out := make([]string, len(names))
	for i, n := range names {
		out[i] = strings.ReplaceAll(n, "-", "_")
	}
	return out
}

func archOf(uname string) Arch {
	for _, a := range Arches {
		if a.Name == uname {
			return a
		}
	}
	return Arch{Name: uname}
}

// configOf returns the configuration as a lookup, nil where none is known. An
// option that stands nowhere in a configuration is not set.
func configOf(k *kernel.Kernel) func(string) (string, bool) {
	c := k.Config()
	if c == nil || !c.Known {
		return nil
	}
	return func(name string) (string, bool) {
		if v, ok := c.Values[name]; ok {
			return v, true
		}
		return "n", true
	}
}

// policyFromConfig fills in what the configuration decides before the command
// line speaks.
func (t *Target) policyFromConfig() {
	if t.Config == nil {
		return
	}
	t.Force = tristate(t.configIs("MODULE_FORCE_LOAD", "y"))
	t.Enforce = tristate(t.configIs("MODULE_SIG_FORCE", "y"))
	if t.Lockdown == "" && t.configIs("LOCK_DOWN_KERNEL_FORCE_INTEGRITY", "y") {
		t.Lockdown = "integrity"
	}
	if t.Lockdown == "" && t.configIs("LOCK_DOWN_KERNEL_FORCE_CONFIDENTIALITY", "y") {
		t.Lockdown = "confidentiality"
	}
}

// applyCmdline reads the parameters that decide over modules
// (Documentation/admin-guide/kernel-parameters.txt, 6.1).
func (t *Target) applyCmdline(cmdline string) {
	for _, word := range strings.Fields(cmdline) {
		key, value, has := strings.Cut(word, "=")
		switch strings.ReplaceAll(key, "-", "_") {
		case "module.sig_enforce":
			if !has || value == "1" || strings.HasPrefix(strings.ToLower(value), "y") || value == "on" {
				t.Enforce = Yes // one way: bool_enable_only
			}
		case "module_blacklist":
			t.Blacklist = append(t.Blacklist, strings.Split(value, ",")...)
		case "nomodule":
			t.NoModule = true
		case "lockdown":
			if t.Lockdown == "" {
				t.Lockdown = value
			}
		case "mitigations":
			t.Spectre = t.Spectre && !slices.Contains(strings.Split(value, ","), "off")
		case "nospectre_v2":
			t.Spectre = false
		case "spectre_v2":
			t.Spectre = t.Spectre && value != "off"
		}
	}
}

// btfOf returns the BTF in a kernel's image.
func btfOf(k *kernel.Kernel, order binary.ByteOrder) func() *BaseBTF {
	return sync.OnceValue(func() *BaseBTF {
		im := k.Image()
		if im == nil {
			return nil
		}
		data, err := im.BTF()
		if err != nil || len(data) == 0 {
			return nil
		}
		base, err := ParseBaseBTF(bytes.Clone(data), order)
		if err != nil {
			return nil
		}
		return base
	})
}

// kernelExports makes package kernel answer as Exports.
type kernelExports struct {
	k     *kernel.Kernel
	once  sync.Once
	table *symvers.Table
	rows  []atomic.Pointer[export] // of the table, as far as they were asked for
}

// Image looks the symbol up among the rows of the kernel's table that name the
// image.
func (x *kernelExports) Image(symbol string) (symvers.Export, bool) {
	table, _ := x.k.Table()
	row, ok := table.Lookup(symbol)
	return row, ok && row.Module == symvers.Vmlinux
}

// image implements images.
func (x *kernelExports) image(symbol string) *export {
	x.once.Do(func() {
		x.table, _ = x.k.Table()
		x.rows = make([]atomic.Pointer[export], len(x.table.Exports))
	})
	i := x.table.Index(symbol)
	if i < 0 || x.table.Exports[i].Module != symvers.Vmlinux {
		return nil
	}
	e := x.rows[i].Load()
	if e == nil {
		e = &export{Export: x.table.Exports[i]}
		x.rows[i].Store(e)
	}
	return e
}

// Owners implements owners.
func (x *kernelExports) Owners(symbol string) iter.Seq[string] { return x.k.Owners(symbol) }

func (x *kernelExports) Provider(symbol string) (Provider, bool) {
	p, ok := x.k.Provider(symbol)
	if !ok {
		return Provider{}, false
	}
	out := Provider{Export: p.Export, Owner: p.Module}
	if p.File != nil {
		out.File = p.File.Path
		out.Own, _ = x.k.Own(p.File)
	}
	switch p.State {
	case kernel.NotInstalled:
		out.Missing = fmt.Sprintf("%s comes from the kernel's module %s, whose file is not installed", symbol, p.Export.Module)
	case kernel.Replaced:
		out.Missing = fmt.Sprintf("%s comes from the kernel's own %s, but %s, which depmod selects instead, does not export it", symbol, p.Module, p.File.Path)
	}
	return out, true
}
