package rpm

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"modkeep/symvers"
)

// Requires returns what a package with these files requires, in order of name:
// each symbol and CRC that its modules were built with. A kernel's own
// packages require nothing, nor, in RHEL's forms, do modules in the kernel's
// directory.
//
// Symbols that modules of the same package export are left out in the forms of
// RHEL 8 and SUSE. RHEL 9's generator names them, so that they are there when
// the package is divided.
//
// The error joins those of files that could not be read, and of kernels whose
// exports are not there; what could be told is returned with it.
func Requires(files []string, o Options) ([]Dependency, error) {
	if o.kernelPackage() {
		return nil, nil
	}
	r := requirer{Options: o, own: map[need]bool{}, needs: map[string]map[need]bool{}}
	var errs []error
	for _, file := range files {
		if o.kindOf(file) == module && (o.Form == SUSE || !inKernel(o.inPackage(file))) {
			if err := r.module(file); err != nil {
				errs = append(errs, err)
			}
		}
	}
	for _, krel := range slices.Sorted(maps.Keys(r.needs)) {
		if err := r.kernel(krel); err != nil {
			errs = append(errs, err)
		}
	}
	if o.Form == SUSE {
		if err := r.loads(files); err != nil {
			errs = append(errs, err)
		}
	}
	return sorted(r.list), errors.Join(errs...)
}

// need is a symbol with its CRC.
type need struct {
	symbol string
	crc    uint64
}

type requirer struct {
	Options
	own   map[need]bool            // what the modules export
	needs map[string]map[need]bool // what they import, by the release they were built for
	list  []Dependency
}

func (r *requirer) module(file string) error {
	f, err := r.open(file)
	if err != nil {
		return err
	}
	defer f.Close()
	v, _ := f.Info.Vermagic()
	versions, err := f.Versions()
	if err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	extended, err := f.ExtVersions()
	if err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	if len(versions)+len(extended) == 0 {
		return nil
	}
	if v.Release == "" {
		return fmt.Errorf("%s: no vermagic that tells what it was built for", file)
	}
	needs := r.needs[v.Release]
	if needs == nil {
		needs = make(map[need]bool)
		r.needs[v.Release] = needs
	}
	for _, i := range slices.Concat(versions, extended) {
		needs[need{i.Symbol, i.CRC}] = true
	}
	if r.Form == RHEL9 {
		return nil
	}
	given, err := f.Exports()
	if err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	for _, e := range given {
		if e.HasCRC {
			r.own[need{e.Symbol, uint64(e.CRC)}] = true
		}
	}
	return nil
}

// kernel names what the modules that were built for a kernel need.
func (r *requirer) kernel(krel string) error {
	name, err := r.naming(krel)
	if err != nil {
		return err
	}
	for n := range r.needs[krel] {
		if !r.own[n] {
			r.list = append(r.list, name(n))
		}
	}
	return nil
}

// naming returns how needs of one kernel's modules are named.
func (r *requirer) naming(krel string) (func(n need) Dependency, error) {
	if r.Form == SUSE {
		return r.namingSUSE(krel)
	}
	table, err := r.Symvers(krel)
	if err != nil {
		return nil, fmt.Errorf("exports of kernel %s: %w", krel, err)
	}
	// A table may have a symbol twice, with two CRCs.
	twice := map[need]bool{}
	for _, e := range table.Duplicates {
		twice[need{e.Symbol, uint64(e.CRC)}] = true
	}
	return func(n need) Dependency {
		e, ok := table.Lookup(n.symbol)
		if ok && uint64(e.CRC) == n.crc || twice[n] {
			return Dependency{"kernel(" + n.symbol + ")", r.crc(n.crc)}
		}
		return Dependency{"ksym(" + n.symbol + ")", r.crc(n.crc)}
	}, nil
}

func (r *requirer) namingSUSE(krel string) (func(n need) Dependency, error) {
	var sets Symsets
	if r.Symsets != nil {
		var err error
		if sets, err = r.Symsets(krel); err != nil {
			return nil, fmt.Errorf("symsets of kernel %s: %w", krel, err)
		}
	}
	flavor := r.flavor(krel)
	return func(n need) Dependency {
		if set, ok := sets[Member{n.symbol, symvers.CRC(n.crc)}]; ok && n.crc == uint64(symvers.CRC(n.crc)) {
			return Dependency{"kernel(" + flavor + ":" + set.Name + ")", set.Hash}
		}
		return Dependency{"ksym(" + flavor + ":" + n.symbol + ")", r.crc(n.crc)}
	}, nil
}

// loads requires the modules that a package wants loaded at boot, where there
// is a kernel at all.
func (r *requirer) loads(files []string) error {
	own := map[string]bool{}
	var errs []error
	for _, file := range files {
		switch r.kindOf(file) {
		case module:
			own[r.kmodName(file)] = true
		case builtin:
			errs = append(errs, lines(file, func(line string) { own[r.kmodName(line)] = true }))
		}
	}
	for _, file := range files {
		if r.kindOf(file) != load {
			continue
		}
		errs = append(errs, lines(file, func(line string) {
			if line[0] == '#' || line[0] == ';' {
				return
			}
			if name := strings.ReplaceAll(line, "-", "_") + ".ko"; !own[name] {
				r.list = append(r.list, Dependency{"(kmod(" + name + ") if kernel)", ""})
			}
		}))
	}
	return errors.Join(errs...)
}
