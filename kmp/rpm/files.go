package rpm

import (
	"bufio"
	"fmt"
	"path"
	"strings"

	"modkeep/internal/regular"
)

// kind is what a file is to the generators.
type kind int

const (
	other   kind = iota
	module       // *.ko, compressed or not
	builtin      // modules.builtin
	exports      // symvers of a kernel
	vmlinux      // a kernel image with its exports
	load         // modules-load.d/*.conf
)

// inPackage returns a file's path as the package has it.
func (o *Options) inPackage(file string) string {
	rel := file
	if root := path.Clean(o.Buildroot); o.Buildroot != "" && root != "/" {
		if rest, ok := strings.CutPrefix(file, root); ok && strings.HasPrefix(rest, "/") {
			rel = rest
		}
	}
	if !strings.HasPrefix(rel, "/") {
		rel = "/" + rel
	}
	return rel
}

// kindOf tells a file by its path, as the attributes of the generators do.
func (o *Options) kindOf(file string) kind {
	p := o.inPackage(file)
	base, dir := path.Base(p), path.Dir(p)
	plain := withoutCompression(base)
	_, inModules, _ := strings.Cut(p, "/lib/modules/")
	switch {
	case strings.HasSuffix(plain, ".ko") && inModules != "":
		return module
	case base == "modules.builtin" && inModules != "":
		return builtin
	case plain == "symvers" && plain != base && strings.HasSuffix(path.Dir(dir), "/lib/modules"),
		strings.HasSuffix(dir, "/boot") && strings.HasPrefix(base, "symvers-") && plain != base:
		return exports
	case o.Form == SUSE && plain == "vmlinux" && strings.HasSuffix(path.Dir(dir), "/lib/modules"),
		o.Form == SUSE && strings.HasSuffix(dir, "/boot") && strings.HasPrefix(base, "vmlinux-"):
		return vmlinux
	case strings.HasSuffix(dir, "/lib/modules-load.d") && strings.HasSuffix(base, ".conf"):
		return load
	}
	return other
}

// withoutCompression takes off the suffix of a compression.
func withoutCompression(name string) string {
	for _, suffix := range []string{".gz", ".xz", ".zst", ".bz2"} {
		if short, ok := strings.CutSuffix(name, suffix); ok {
			return short
		}
	}
	return name
}

// release returns the kernel in a path, of /lib/modules/KREL/… or
// /boot/vmlinux-KREL.
func release(p string) string {
	if _, rest, ok := strings.Cut(p, "/lib/modules/"); ok {
		krel, _, _ := strings.Cut(rest, "/")
		return krel
	}
	_, krel, _ := strings.Cut(path.Base(p), "-")
	return withoutCompression(krel)
}

// inKernel says whether a path is of a module of the kernel's own packages.
func inKernel(p string) bool {
	_, rest, ok := strings.Cut(p, "/lib/modules/")
	_, rest, _ = strings.Cut(rest, "/")
	return ok && strings.HasPrefix(rest, "kernel/")
}

// kmodName returns NAME.ko as kmod() has it. SUSE's names have no -.
func (o *Options) kmodName(file string) string {
	name := withoutCompression(path.Base(file))
	if o.Form == SUSE {
		name = strings.ReplaceAll(name, "-", "_")
	}
	return name
}

// maxLines bounds a list of words that is read.
const maxLines = 1 << 20

// lines calls yield for each line of a file that has something in it.
func lines(file string, yield func(line string)) error {
	f, _, err := regular.Open(file)
	if err != nil {
		return err
	}
	defer f.Close()
	s := bufio.NewScanner(f)
	n := 0
	for ; s.Scan() && n < maxLines; n++ {
		if line := strings.TrimSpace(s.Text()); line != "" {
			yield(line)
		}
	}
	if n == maxLines {
		return fmt.Errorf("%s: more than %d lines", file, maxLines)
	}
	if err := s.Err(); err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	return nil
}
