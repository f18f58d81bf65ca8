package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"modkeep/depmod"
	"modkeep/kabi"
	"modkeep/kabi/layout"
	"modkeep/kernel"
	"modkeep/kernel/image"
	"modkeep/kmp"
	"modkeep/ko"
	"modkeep/symtypes"
	"modkeep/symvers"
)

// fewNames is more than the types of two kernels had together that were seen,
// 20,000. With more, memory is spared at the cost of time.
const fewNames = 40_000

// openSides reads what the arguments name, both at once.
func openSides(root, oldArg, newArg string) (old, new kabi.Side, err error) {
	collectSoon(50)
	pool, turn := symtypes.NewPool(), make(chan struct{})
	var newErr error
	failed := make(chan any)
	go func() {
		defer func() { failed <- recover() }()
		defer close(turn)
		old, err = openSide(typesReader{pool: pool}, root, oldArg)
	}()
	new, newErr = openSide(typesReader{pool, turn}, root, newArg)
	if p := <-failed; p != nil {
		panic(p)
	}
	switch {
	case err != nil:
		return old, new, fmt.Errorf("cannot read %s: %w", oldArg, err)
	case newErr != nil:
		return old, new, fmt.Errorf("cannot read %s: %w", newArg, newErr)
	}
	if pool.Names() > fewNames {
		collectSoon(15)
	}
	return old, new, nil
}

// typesReader reads symtypes into a pool, which is for one side at a time, the
// old one first: what the numbers in it are does not depend on chance.
type typesReader struct {
	pool *symtypes.Pool
	turn <-chan struct{} // closed when it may; nil for at once
}

func (r typesReader) open(path string) (*symtypes.Corpus, error) {
	if r.turn != nil {
		<-r.turn
	}
	return symtypes.Open(r.pool, path)
}

// sidePart is what one file or directory tells of a kernel.
type sidePart struct {
	kabi.Side
	// own says that the table is that of an image or its modules: a Module.symvers
	// beside it tells more.
	own bool
}

// openSide reads one kernel: what an argument names, or each of its parts
// between commas.
func openSide(types typesReader, root, arg string) (kabi.Side, error) {
	var side sidePart
	parts := []string{arg}
	if _, err := os.Stat(arg); err != nil {
		parts = strings.Split(arg, ",")
	}
	for _, name := range parts {
		part, err := openPart(types, root, name)
		if err == nil {
			err = side.join(part)
		}
		if err = trimPath(err, name); err != nil && len(parts) > 1 {
			err = fmt.Errorf("%s: %w", name, err)
		}
		if err != nil {
			return side.Side, err
		}
	}
	switch {
	case side.Types != nil:
	case side.Table == nil:
		return side.Side, withHint(errors.New("nothing tells what this kernel exports"), "name its Module.symvers too, parted by a comma")
	case side.Table.Len() == 0:
		return side.Side, errors.New("it lists no exports")
	}
	return side.Side, nil
}

// join adds what another part tells.
func (s *sidePart) join(part sidePart) error {
	switch {
	case part.Table == nil:
	case s.Table == nil || s.own && !part.own:
		s.Table, s.own = part.Table, part.own
	case !part.own:
		return errors.New("a second table of exports")
	}
	switch {
	case part.Types == nil:
	case s.Types != nil:
		return errors.New("types a second time")
	default:
		s.Types = part.Types
	}
	switch {
	case part.Layouts == nil:
	case s.Layouts != nil:
		return errors.New("BTF or DWARF a second time")
	default:
		s.Layouts = part.Layouts
	}
	return nil
}

func openPart(types typesReader, root, name string) (sidePart, error) {
	info, err := os.Stat(name)
	switch {
	case name == "":
		return sidePart{}, errors.New("an empty name")
	case err == nil && info.IsDir():
		return openSideDir(types, name)
	case err == nil:
		return openSideFile(types, name)
	case strings.Contains(name, "/") || !errors.Is(err, fs.ErrNotExist):
		return sidePart{}, err
	}
	part, err := openSideKernel(types, root, name)
	if errors.Is(err, fs.ErrNotExist) {
		err = fmt.Errorf("no such file, and %w", (&target{root: root}).notOpened(err))
	}
	return part, err
}

// bareError takes the path off an error of package os.
func bareError(err error) error {
	if e, ok := err.(*fs.PathError); ok {
		return e.Err
	}
	return err
}

// openSideFile reads a table, types, an image or a package; the first bytes
// tell which.
func openSideFile(types typesReader, path string) (part sidePart, err error) {
	head, err := firstBytes(path)
	if err != nil {
		return part, err
	}
	switch {
	case bytes.HasPrefix(head, []byte{0xed, 0xab, 0xee, 0xdb}), bytes.HasPrefix(head, []byte("!<arch>\n")):
		return openSidePackage(path)
	case bytes.HasPrefix(head, []byte{0x9f, 0xeb}), bytes.HasPrefix(head, []byte{0xeb, 0x9f}):
		return openSideBTF(path)
	}
	is, err := symtypes.Sniff(path)
	switch {
	case err != nil:
		return part, err
	case is || symtypes.IsTypesFile(path):
		part.Types, err = types.open(path)
		return part, err
	case isImage(path, head):
		return openSideImage(path)
	}
	part.Table, err = symvers.Open(path)
	return part, err
}

// firstBytes returns the beginning of a regular file.
func firstBytes(path string) ([]byte, error) {
	info, err := os.Stat(path) // a FIFO would block the open
	if err == nil && !info.Mode().IsRegular() {
		err = errors.New("not a regular file")
	}
	if err != nil {
		return nil, bareError(err)
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, bareError(err)
	}
	defer f.Close()
	head := make([]byte, 1024)
	n, err := io.ReadFull(f, head)
	if err != nil && err != io.EOF && err != io.ErrUnexpectedEOF {
		return nil, bareError(err)
	}
	return head[:n], nil
}

// isImage reports whether a file that is no table is taken for a kernel image:
// by its header, or by bytes that no text has.
func isImage(path string, head []byte) bool {
	im, err := image.New(path, bytes.NewReader(head), int64(len(head)))
	if err != nil || im.Format == image.Packed {
		return false // a packed table
	}
	return im.Format != image.Other || bytes.IndexByte(head, 0) >= 0
}

// openSideBTF reads the bytes of /sys/kernel/btf/vmlinux.
func openSideBTF(path string) (part sidePart, err error) {
	info, err := os.Stat(path)
	if err == nil && info.Size() > layout.MaxBTF {
		err = fmt.Errorf("more than %d bytes", layout.MaxBTF)
	}
	if err != nil {
		return part, bareError(err)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return part, bareError(err)
	}
	b, err := layout.OpenBTF(data, nil)
	if err != nil {
		return part, err
	}
	part.Layouts = &kabi.Layouts{Types: b, Pointer: 8}
	return part, nil
}

// openSideImage reads a kernel image, or the debug file of one: its exports,
// and its BTF or, without that, its DWARF.
func openSideImage(path string) (part sidePart, err error) {
	head, err := firstBytes(path)
	if err != nil {
		return part, err
	}
	if len(head) > 20 && head[0] == 0x7f && (head[16] == relocatable || head[17] == relocatable) {
		return part, errors.New("a module or an object file, not a kernel")
	}
	im, err := image.Open(path)
	if err != nil {
		return part, bareError(err)
	}
	defer im.Close()
	part.own = true
	if part.Table, err = im.Exports(); err != nil && !errors.Is(err, image.ErrAbsent) {
		return part, err
	}
	if part.Layouts, err = imageLayouts(im); err == nil || part.Table != nil && errors.Is(err, layout.ErrAbsent) {
		return part, nil
	}
	return part, err
}

// relocatable is ET_REL, the e_type of a module, in whichever byte order.
const relocatable = 1

// imageLayouts reads an image's types. The error wraps layout.ErrAbsent where
// it has none.
func imageLayouts(im *image.Image) (*kabi.Layouts, error) {
	data, err := im.BTF()
	switch {
	case errors.Is(err, image.ErrAbsent) && im.Format == image.ELF:
		return fileLayouts(im.Path)
	case errors.Is(err, image.ErrAbsent):
		return nil, layout.ErrAbsent
	case err != nil:
		return nil, err
	}
	b, err := layout.OpenBTF(bytes.Clone(data), nil)
	if err != nil {
		return nil, err
	}
	return &kabi.Layouts{Types: b, Pointer: 8}, nil
}

// fileLayouts reads the DWARF of an ELF file.
func fileLayouts(path string) (*kabi.Layouts, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	d, err := layout.ReadDWARF(f)
	if err != nil {
		return nil, err
	}
	return &kabi.Layouts{Types: d, Pointer: d.Pointer}, nil
}

// openSideDir reads a kernel's module directory, a root with one kernel, or a
// build or header directory: its Module.symvers, the .symtypes files below it,
// or both.
func openSideDir(types typesReader, dir string) (part sidePart, err error) {
	if root, krel, err := kernelAt(dir); err != nil || krel != "" {
		if err != nil {
			return part, err
		}
		return openSideKernel(types, root, krel)
	}
	table := filepath.Join(dir, "Module.symvers")
	if _, err := os.Stat(table); err == nil {
		if part.Table, err = symvers.Open(table); err != nil {
			return part, err
		}
	}
	part.Types, err = types.open(dir)
	switch {
	case !errors.Is(err, symtypes.ErrNone):
	case part.Table != nil:
		err = nil
	default:
		err = errors.New("no kernel, no Module.symvers and no .symtypes files below it")
	}
	return part, err
}

// kernelAt returns the root and the release where a directory is that of a
// kernel's modules, or a root below which there is one kernel.
func kernelAt(dir string) (root, krel string, err error) {
	full, err := filepath.Abs(dir)
	if err != nil {
		return "", "", err
	}
	if above, ok := strings.CutSuffix(filepath.Dir(full), "/lib/modules"); ok {
		above = strings.TrimSuffix(above, "/usr")
		return "/" + strings.TrimPrefix(above, "/"), filepath.Base(full), nil
	}
	var found []string
	for _, below := range []string{"lib/modules", "usr/lib/modules"} {
		entries, _ := os.ReadDir(filepath.Join(full, below)) // most directories have none
		for _, entry := range entries {
			if entry.IsDir() && len(found) < 2 && (len(found) == 0 || found[0] != entry.Name()) {
				found = append(found, entry.Name())
			}
		}
	}
	if len(found) > 1 {
		return "", "", withHint(errors.New("there are several kernels below it"), "name one, as DIR/lib/modules/%s", found[0])
	}
	if len(found) == 0 {
		return "", "", nil
	}
	return full, found[0], nil
}

// openSideKernel reads what a kernel below the root exports, and its types
// where a package put them beside it.
func openSideKernel(types typesReader, root, krel string) (side sidePart, err error) {
	k, err := kernel.Open(root, krel, kernel.Options{})
	if err != nil {
		return side, err
	}
	defer k.Close()
	table, origin := k.Table()
	if side.Table = table; origin.Kind != kernel.Symvers {
		exports, err := k.Exports(kernel.SetKernel)
		if err != nil {
			return side, err
		}
		rows := make([]symvers.Export, len(exports))
		for i, p := range exports {
			rows[i] = p.Export
		}
		side.Table, side.own = symvers.New(rows), true
	}
	if side.Table.Len() == 0 {
		return side, withHint(errors.New("nothing tells what this kernel exports"), "install its header package, or name its Module.symvers")
	}
	side.Layouts = kernelLayouts(k)
	for _, name := range []string{"boot/symtypes-" + krel, "lib/modules/" + krel + "/symtypes", "usr/lib/modules/" + krel + "/symtypes"} {
		for _, pack := range []string{".gz", ".xz", ".zst", ""} {
			path := filepath.Join(root, name+pack)
			if _, err := os.Stat(path); err == nil {
				side.Types, err = types.open(path)
				return side, err
			}
		}
	}
	return side, nil
}

// kernelLayouts returns the types of an installed kernel, nil where its image
// has no BTF. Those of a module are read when they are asked for.
func kernelLayouts(k *kernel.Kernel) *kabi.Layouts {
	base, err := kernelBTF(k)
	if err != nil {
		return nil
	}
	tree := k.Tree()
	return &kabi.Layouts{Types: base, Pointer: 8, Module: func(name string) layout.Types {
		file := tree.Module(name)
		if file == nil {
			return nil
		}
		f, err := ko.Open(file.Path)
		if err != nil {
			return nil
		}
		defer f.Close()
		return moduleLayouts(f, base)
	}}
}

// moduleLayouts returns the types of a module split from a kernel's, nil where
// it has none or those of another kernel.
func moduleLayouts(f *ko.File, base *layout.BTF) layout.Types {
	data, err := sectionData(f, ".BTF")
	if err != nil {
		return nil
	}
	b, err := layout.OpenBTF(data, base)
	if err != nil || !b.Fits() {
		return nil
	}
	return b
}

// packageReader gathers what a kernel's package tells while its modules go by.
type packageReader struct {
	exports []symvers.Export
	btf     map[string][]byte // of modules that export, by name
	kept    int
}

// maxModuleBTF bounds what is kept of modules' types: those of all of Debian's
// modules that export take 30 MB.
const maxModuleBTF = 128 << 20

func (r *packageReader) visit(m *kmp.Module) error {
	if m.Err != nil || m.Data == nil {
		return nil // a module that cannot be read exports nothing
	}
	f, err := ko.New(m.Path, bytes.NewReader(m.Data), int64(len(m.Data)))
	if err != nil {
		return nil
	}
	defer f.Close()
	exports, err := f.Exports()
	if err != nil || len(exports) == 0 {
		return nil
	}
	for _, e := range exports {
		r.exports = append(r.exports, symvers.Export{Symbol: e.Symbol, CRC: e.CRC, HasCRC: e.HasCRC, Module: listedName(m), Type: e.Type, Namespace: e.Namespace})
	}
	if data, err := sectionData(f, ".BTF"); err == nil {
		if r.kept += len(data); r.kept > maxModuleBTF {
			return errors.New("modules with too many types")
		}
		r.btf[m.Name] = data
	}
	return nil
}

// listedName is a packaged module's name as Module.symvers has it.
func listedName(m *kmp.Module) string {
	_, below, ok := strings.Cut(m.Path, "/lib/modules/"+m.KRel+"/kernel/")
	if !ok || m.KRel == "" {
		return m.Name
	}
	name, _, _ := strings.Cut(filepath.Base(below), ".ko")
	return filepath.Join(filepath.Dir(below), name)
}

// openSidePackage reads a kernel's package: its image, what its modules export,
// and tables and types that it brings. Nothing is unpacked to disk.
func openSidePackage(path string) (part sidePart, err error) {
	r := packageReader{btf: map[string][]byte{}}
	pkg, err := kmp.OpenEach(path, r.visit)
	if err != nil {
		return part, trimPath(err, path)
	}
	part.own = true
	for _, e := range pkg.Extras {
		switch {
		case len(e.Data) == 0:
		case e.Role == kmp.Kernel && part.Layouts == nil:
			if err := part.packedImage(e, &r); err != nil {
				return part, err
			}
		case e.Role == kmp.Symvers && filepath.Base(e.Path) == "Module.symvers" && part.own:
			if part.Table, err = symvers.ParseBytes(e.Data); err != nil {
				return part, fmt.Errorf("%s: %w", e.Path, err)
			}
			part.own = false
		}
	}
	if part.Table == nil && len(r.exports) > 0 {
		part.Table = symvers.New(r.exports)
	}
	if part.Table == nil && part.Layouts == nil {
		return part, errors.New("a package without a kernel, a Module.symvers or modules that export")
	}
	return part, nil
}

// packedImage reads the kernel image of a package.
func (s *sidePart) packedImage(e kmp.Extra, r *packageReader) error {
	im, err := image.New(e.Path, bytes.NewReader(e.Data), int64(len(e.Data)))
	if err != nil {
		return err
	}
	defer im.Close()
	table, err := im.Exports()
	if err != nil && !errors.Is(err, image.ErrAbsent) {
		return err
	}
	if err == nil && s.own {
		s.Table = symvers.New(append(table.Exports, r.exports...))
	}
	if s.Layouts, err = imageLayouts(im); err != nil {
		s.Layouts = nil // a kernel without BTF has its exports
		return nil
	}
	base, _ := s.Layouts.Types.(*layout.BTF)
	s.Layouts.Module = func(name string) layout.Types {
		if b, err := layout.OpenBTF(r.btf[depmod.ModuleName(name)], base); err == nil && b.Fits() {
			return b
		}
		return nil
	}
	return nil
}

// trimPath takes a path in front off an error.
func trimPath(err error, path string) error {
	if err == nil {
		return nil
	}
	if e, ok := err.(*fs.PathError); ok && e.Path == path {
		return e.Err
	}
	if text, ok := strings.CutPrefix(err.Error(), path+": "); ok {
		return errors.New(text)
	}
	return err
}
