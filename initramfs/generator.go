package initramfs

import (
	"errors"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// The generators that are known.
const (
	Dracut         = "dracut"
	Mkinitcpio     = "mkinitcpio"
	InitramfsTools = "initramfs-tools"
	MkosiInitrd    = "mkosi-initrd"
)

// Generator is the program that makes images.
type Generator struct {
	Name    string // one of the constants
	Program string // its path inside the root: /usr/bin/dracut
}

// programs are where generators lie, the first that is there is taken. A root
// with several is asked for more than that by Detect.
var programs = []struct {
	name  string
	bases []string
}{
	{InitramfsTools, []string{"mkinitramfs"}},
	{Dracut, []string{"dracut"}},
	{Mkinitcpio, []string{"mkinitcpio"}},
	{MkosiInitrd, []string{"mkosi-initrd"}},
}

// Detect returns the generator of the system below root. hint decides where it
// is given: a generator's name or the path of its program inside the root, as
// an option of the command line has it. Else the system's own settings do
// (/etc/kernel/install.conf: initrd_generator, SUSE's
// /etc/sysconfig/bootloader: INITRD_GENERATOR), and at last which program is
// there; of several, Debian's own where /etc/initramfs-tools is, then dracut.
// It is false where none is found, and for a hint that names nothing known.
func Detect(root, hint string) (Generator, bool) {
	if strings.Contains(hint, "/") {
		name, ok := nameOf(path.Base(hint))
		return Generator{name, path.Clean("/" + hint)}, ok
	}
	for _, want := range []string{hint, setting(root, "etc/kernel/install.conf", "initrd_generator"),
		setting(root, "usr/lib/kernel/install.conf", "initrd_generator"), setting(root, "etc/sysconfig/bootloader", "INITRD_GENERATOR")} {
		if name, ok := nameOf(want); ok {
			if program, ok := find(root, name); ok {
				return Generator{name, program}, true
			}
		}
		if want == hint && hint != "" {
			return Generator{}, false
		}
	}
	for _, p := range programs {
		if program, ok := find(root, p.name); ok {
			return Generator{p.name, program}, true
		}
	}
	return Generator{}, false
}

// nameOf returns the generator that a name, or a program's name, stands for.
func nameOf(s string) (string, bool) {
	switch s {
	case "":
		return "", false
	case "mkosi":
		return MkosiInitrd, true
	case "initramfs", "update-initramfs":
		return InitramfsTools, true
	}
	for _, p := range programs {
		if s == p.name || slices.Contains(p.bases, s) {
			return p.name, true
		}
	}
	return "", false
}

// find returns the path of a generator's program inside root.
func find(root, name string) (string, bool) {
	for _, p := range programs {
		if p.name != name {
			continue
		}
		for _, base := range p.bases {
			for _, dir := range []string{"usr/bin", "usr/sbin", "bin", "sbin", "usr/local/bin", "usr/local/sbin"} {
				inside := "/" + dir + "/" + base
				if host, err := resolve(root, inside); err == nil && isExecutable(host) {
					return inside, true
				}
			}
		}
	}
	return "", false
}

func isExecutable(file string) bool {
	info, err := os.Stat(file)
	return err == nil && info.Mode().IsRegular() && info.Mode()&0o111 != 0
}

// setting returns the value of KEY=value in a file of a root, "" where it does
// not stand there.
func setting(root, name, key string) string {
	text, err := readFile(root, name)
	if err != nil {
		return ""
	}
	var value string
	for _, a := range assignments(text) {
		if a.key == key {
			value = strings.TrimSpace(strings.Join(a.words, " "))
		}
	}
	return value
}

// Command returns the program and arguments that make an image for the kernel
// krel. image is its path inside the root, or the word "{}" that somebody
// replaces by one.
func (g Generator) Command(krel, image string) []string {
	switch g.Name {
	case Dracut:
		return []string{g.Program, "-f", image, krel}
	case Mkinitcpio:
		return []string{g.Program, "-k", krel, "-g", image}
	case InitramfsTools:
		return []string{g.Program, "-o", image, krel}
	case MkosiInitrd:
		// It wants directory and name apart.
		if image != "{}" {
			return []string{g.Program, "--kernel-version", krel, "-O", path.Dir(image), "-o", path.Base(image)}
		}
		const split = `exec "$1" --kernel-version "$2" -O "${3%/*}" -o "${3##*/}"`
		return []string{"/bin/sh", "-c", split, "sh", g.Program, krel, image}
	}
	return nil
}

// ImagePath returns the path inside root of the image of the kernel krel, and
// whether there is one. Looked for are, in this order, the names of
// distributions in /boot, the entries and directories of the Boot Loader
// Specification (in /boot, /boot/efi and /efi), and those in
// /usr/lib/modules/KREL. Images for kdump have other names and are not found.
func ImagePath(root, krel string) (string, bool) {
	if krel == "" || strings.ContainsAny(krel, "/\x00") {
		return "", false
	}
	candidates := []string{"/boot/initramfs-" + krel + ".img", "/boot/initrd.img-" + krel, "/boot/initrd-" + krel, "/boot/initrd-" + krel + ".img", "/boot/initramfs-" + krel}
	if base, err := readFile(root, "lib/modules/"+krel+"/pkgbase"); err == nil { // Arch
		if name := strings.TrimSpace(string(base)); name != "" && !strings.ContainsAny(name, "/\x00") {
			candidates = append(candidates, "/boot/initramfs-"+name+".img")
		}
	}
	for _, boot := range []string{"/boot", "/boot/efi", "/efi"} {
		candidates = append(candidates, entryImages(root, boot, krel)...)
		candidates = append(candidates, machineImages(root, boot, krel)...)
	}
	candidates = append(candidates, "/lib/modules/"+krel+"/initrd", "/lib/modules/"+krel+"/initramfs.img")
	for _, c := range candidates {
		host, err := resolve(root, c)
		if err != nil {
			continue
		}
		if info, err := os.Stat(host); err == nil && info.Mode().IsRegular() {
			return c, true
		}
	}
	return "", false
}

// entryImages returns what the loader's entries for a kernel name as initrd.
// Their paths begin at the partition that holds them.
func entryImages(root, boot, krel string) []string {
	var images []string
	for _, name := range glob(root, boot+"/loader/entries", func(name string) bool { return strings.HasSuffix(name, ".conf") }) {
		text, err := readFile(root, name)
		if err != nil {
			continue
		}
		var version string
		var initrds []string
		for line := range strings.Lines(string(text)) {
			fields := strings.Fields(line)
			switch {
			case len(fields) < 2:
			case fields[0] == "version":
				version = fields[1]
			case fields[0] == "initrd":
				initrds = append(initrds, fields[1])
			}
		}
		// Of several the last is the one that is made for the kernel; microcode
		// stands first.
		if version == krel && len(initrds) > 0 {
			images = append(images, path.Join(boot, initrds[len(initrds)-1]))
		}
	}
	return images
}

// machineImages returns /boot/MACHINE-ID/KREL/initrd and the like.
func machineImages(root, boot, krel string) []string {
	var images []string
	for _, dir := range glob(root, boot, func(string) bool { return true }) {
		for _, base := range []string{"initrd", "initramfs.img", "initrd.img"} {
			images = append(images, path.Join(dir, krel, base))
		}
	}
	return images
}

// glob returns the paths inside root of the entries of a directory that accept
// takes, by name.
func glob(root, dir string, accept func(name string) bool) []string {
	host, err := resolve(root, dir)
	if err != nil {
		return nil
	}
	entries, err := os.ReadDir(host)
	if err != nil {
		return nil
	}
	var names []string
	for _, e := range entries {
		if accept(e.Name()) {
			names = append(names, path.Join(dir, e.Name()))
		}
	}
	return names
}

var errLoop = errors.New("too many symbolic links")

// resolve follows a path inside root, where links never leave it, and returns
// the path on the host. The last component need not be a directory.
func resolve(root, inside string) (string, error) {
	const maxLinks = 40
	done, rest := "", path.Clean("/"+inside)
	for links := 0; rest != ""; {
		var name string
		name, rest, _ = strings.Cut(strings.TrimLeft(rest, "/"), "/")
		switch name {
		case "", ".":
			continue
		case "..":
			done = strings.TrimSuffix(path.Dir("/"+done), "/")
			continue
		}
		next := done + "/" + name
		info, err := os.Lstat(filepath.Join(root, next))
		if err != nil {
			return "", err
		}
		if info.Mode()&fs.ModeSymlink == 0 {
			done = next
			continue
		}
		if links++; links > maxLinks {
			return "", &fs.PathError{Op: "resolve", Path: inside, Err: errLoop}
		}
		target, err := os.Readlink(filepath.Join(root, next))
		if err != nil {
			return "", err
		}
		if strings.HasPrefix(target, "/") {
			done = ""
		}
		rest = target + "/" + rest
	}
	return filepath.Join(root, done), nil
}
