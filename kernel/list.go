package kernel

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"

	"modkeep/depmod"
	"modkeep/kernel/release"
)

// List returns the releases of the kernels below the root, oldest first
// (release.Less): the names below lib/modules and usr/lib/modules that parse as
// releases and have what a kernel package installs: a kernel directory,
// modules.order, modules.builtin, or an image there or in /boot. A directory
// that holds but a build link (header packages) or what depmod and removed
// modules left behind is no kernel.
//
// The error is of a modules directory that is there and cannot be read.
func List(root string) ([]string, error) {
	k := &Kernel{Root: root}
	seen := map[string]bool{}
	for _, dir := range []string{"/lib/modules", "/usr/lib/modules"} {
		real, err := depmod.Resolve(root, dir)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		} else if err != nil {
			return nil, fmt.Errorf("list kernels: %w", err)
		}
		entries, err := os.ReadDir(k.host(real))
		if err != nil {
			return nil, fmt.Errorf("list kernels: %w", err)
		}
		for _, e := range entries {
			krel := e.Name()
			if _, err := release.Parse(krel); err == nil && !seen[krel] && k.installed(path.Join(dir, krel), krel) {
				seen[krel] = true
			}
		}
	}
	list := make([]string, 0, len(seen))
	for krel := range seen {
		list = append(list, krel)
	}
	slices.SortFunc(list, release.Compare)
	return list, nil
}

func (k *Kernel) installed(dir, krel string) bool {
	for _, name := range []string{dir + "/kernel", dir + "/modules.order", dir + "/modules.builtin"} {
		if _, err := depmod.Resolve(k.Root, name); err == nil {
			return true
		}
	}
	_, _, ok := k.find(imagePaths(dir, krel)...)
	return ok
}

// Next returns the release of the kernel that the root will boot next, and what
// told it: the boot loader's environment or configuration, the link /vmlinuz
// or /boot/vmlinuz, or that there is one kernel only. It is "" where that
// cannot be told.
func Next(root string) (krel, source string) {
	kernels, err := List(root)
	if err != nil || len(kernels) == 0 {
		return "", ""
	}
	k := &Kernel{Root: root}
	for _, ask := range []func([]string) (string, string){k.nextFromGrub, k.nextFromLoader, k.nextFromLink} {
		if krel, source = ask(kernels); krel != "" {
			return krel, source
		}
	}
	if len(kernels) == 1 {
		return kernels[0], "the only kernel"
	}
	return "", ""
}

// nextFromGrub reads the entry that grub was told to boot once or always.
func (k *Kernel) nextFromGrub(kernels []string) (krel, source string) {
	for _, name := range []string{"/boot/grub2/grubenv", "/boot/grub/grubenv"} {
		text, ok := k.text(name)
		if !ok {
			continue
		}
		env := assignments(text)
		for _, key := range []string{"next_entry", "saved_entry"} {
			if krel := k.entryKernel(env[key], kernels); krel != "" {
				return krel, name + ": " + key
			}
		}
	}
	return "", ""
}

// nextFromLoader reads systemd-boot's default entry, a pattern on file names.
func (k *Kernel) nextFromLoader(kernels []string) (krel, source string) {
	for _, dir := range []string{"/boot", "/efi", "/boot/efi"} {
		text, ok := k.text(dir + "/loader/loader.conf")
		if !ok {
			continue
		}
		for line := range strings.Lines(text) {
			if f := strings.Fields(line); len(f) == 2 && f[0] == "default" && !strings.HasPrefix(f[1], "@") {
				if krel := k.entryKernel(strings.TrimSuffix(strings.TrimSuffix(f[1], ".conf"), "*"), kernels); krel != "" {
					return krel, dir + "/loader/loader.conf: default"
				}
			}
		}
	}
	return "", ""
}

// entryKernel tells which kernel a boot entry names: the longest release that
// stands in its name, as it does in those of Red Hat (MACHINE-KREL), Debian
// (gnulinux-KREL-advanced-UUID) and kernel-install (MACHINE-KREL), else in the
// entry's own file.
func (k *Kernel) entryKernel(entry string, kernels []string) string {
	if entry == "" || strings.Contains(entry, "..") {
		return ""
	}
	if krel := longestIn(entry, kernels); krel != "" {
		return krel
	}
	if strings.ContainsAny(entry, "/\x00") {
		return ""
	}
	for _, dir := range []string{"/boot", "/efi", "/boot/efi"} {
		text, ok := k.text(dir + "/loader/entries/" + entry + ".conf")
		if !ok {
			continue
		}
		for line := range strings.Lines(text) {
			if f := strings.Fields(line); len(f) >= 2 && (f[0] == "linux" || f[0] == "version") {
				if krel := longestIn(f[1], kernels); krel != "" {
					return krel
				}
			}
		}
	}
	return ""
}

// longestIn returns the longest release that stands in a text as a word: what
// surrounds it is no part of a release, so that 6.1.0-5-amd64 is not found in
// 6.1.0-5-amd64-dbg unless that is none of the kernels.
func longestIn(text string, kernels []string) string {
	best := ""
	for _, krel := range kernels {
		if len(krel) > len(best) && strings.Contains(text, krel) {
			before, after, _ := strings.Cut(text, krel)
			if (before == "" || !isDigit(before[len(before)-1])) && (after == "" || !isDigit(after[0])) {
				best = krel
			}
		}
	}
	return best
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

// nextFromLink follows the links that kernel packages keep on the kernel to
// boot: /vmlinuz (Debian), /boot/vmlinuz, /boot/vmlinux, /boot/Image (SUSE).
func (k *Kernel) nextFromLink(kernels []string) (krel, source string) {
	for _, name := range []string{"/vmlinuz", "/boot/vmlinuz", "/boot/Image", "/boot/image", "/boot/vmlinux"} {
		target, err := os.Readlink(k.host(name))
		if err != nil {
			continue
		}
		if krel := longestIn(target, kernels); krel != "" {
			return krel, name
		}
		if real, err := depmod.Resolve(k.Root, name); err == nil {
			if krel := longestIn(real, kernels); krel != "" {
				return krel, name
			}
		}
	}
	return "", ""
}

// CommandLine returns the command line that the boot loader's configuration
// has for the kernel, and where it stands: a loader entry (its variables not
// expanded), grub.cfg, /etc/kernel/cmdline or /etc/default/grub. Both are ""
// where nothing tells. What the running kernel got (/proc/cmdline) is for
// callers to read: it belongs to a machine, not to a root.
func (k *Kernel) CommandLine() (line, source string) {
	if k.ModuleDir == "" {
		return "", ""
	}
	for _, ask := range []func() (string, string){k.entryOptions, k.grubLine, k.defaultLine} {
		if line, source = ask(); source != "" {
			return line, source
		}
	}
	return "", ""
}

// entryOptions reads the options lines of the loader entry of the kernel.
func (k *Kernel) entryOptions() (line, source string) {
	for _, dir := range []string{"/boot/loader/entries", "/efi/loader/entries", "/boot/efi/loader/entries"} {
		real, err := depmod.Resolve(k.Root, dir)
		if err != nil {
			continue
		}
		entries, err := os.ReadDir(k.host(real))
		if err != nil {
			k.problem(dir, err)
			continue
		}
		for _, e := range entries {
			if !strings.HasSuffix(e.Name(), "-"+k.Release+".conf") {
				continue
			}
			text, ok := k.text(dir + "/" + e.Name())
			if !ok {
				continue
			}
			var options []string
			for l := range strings.Lines(text) {
				if f := strings.Fields(l); len(f) > 1 && f[0] == "options" {
					options = append(options, f[1:]...)
				}
			}
			return strings.Join(options, " "), dir + "/" + e.Name()
		}
	}
	return "", ""
}

// grubLine reads the first linux command of grub.cfg that starts the kernel.
func (k *Kernel) grubLine() (line, source string) {
	for _, name := range []string{"/boot/grub2/grub.cfg", "/boot/grub/grub.cfg"} {
		text, ok := k.text(name)
		if !ok {
			continue
		}
		for l := range strings.Lines(text) {
			f := strings.Fields(l)
			if len(f) > 1 && strings.HasPrefix(f[0], "linux") && strings.HasSuffix(f[1], "-"+k.Release) {
				return strings.Join(f[2:], " "), name
			}
		}
	}
	return "", ""
}

func (k *Kernel) defaultLine() (line, source string) {
	if text, ok := k.text("/etc/kernel/cmdline"); ok {
		return strings.TrimSpace(text), "/etc/kernel/cmdline"
	}
	text, ok := k.text("/etc/default/grub")
	if !ok {
		return "", ""
	}
	env := assignments(text)
	return strings.TrimSpace(env["GRUB_CMDLINE_LINUX"] + " " + env["GRUB_CMDLINE_LINUX_DEFAULT"]), "/etc/default/grub"
}

// maxText bounds the small configuration files read here; a grub.cfg of many
// kernels has 20 KB.
const maxText = 1 << 20

// text reads a small file inside the root; false where it is not there or
// cannot be read, which is then a Problem.
func (k *Kernel) text(name string) (string, bool) {
	b, err := depmod.ReadFile(k.Root, name, maxText)
	if err != nil {
		if !errors.Is(err, fs.ErrNotExist) {
			k.problem(name, err)
		}
		return "", false
	}
	return string(b), true
}

// assignments reads lines NAME=VALUE, quotes around the value taken off: grubenv,
// os-release, /etc/default/grub.
func assignments(text string) map[string]string {
	env := map[string]string{}
	for line := range strings.Lines(text) {
		name, value, ok := strings.Cut(strings.TrimSpace(line), "=")
		if !ok || strings.HasPrefix(name, "#") {
			continue
		}
		if n := len(value); n >= 2 && (value[0] == '"' || value[0] == '\'') && value[n-1] == value[0] {
			value = value[1 : n-1]
		}
		env[name] = value
	}
	return env
}
