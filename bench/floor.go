package main

import (
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"modkeep/ko"
	"modkeep/ko/elf"
)

// sizes are bytes of a set of module files.
type sizes struct {
	disk     int64
	unpacked int64
	needed   int64 // of headers and of the sections that a rule of the kernel looks at
}

// readAll opens and reads all files, unpacks those that are packed, and says
// how long that took.
func readAll(files []string) (time.Duration, error) {
	start := time.Now()
	err := each(files, func(im *ko.Image) error { return nil })
	return time.Since(start), err
}

// measureSizes adds up what there is to be read.
func measureSizes(files []string) (sizes, error) {
	var disk, unpacked, needed atomic.Int64
	err := each(files, func(im *ko.Image) error {
		f, err := ko.Parse(im)
		if err != nil {
			return err
		}
		disk.Add(im.DiskSize)
		unpacked.Add(im.Size)
		needed.Add(neededOf(f))
		return nil
	})
	return sizes{disk.Load(), unpacked.Load(), needed.Load()}, err
}

// neededBeside are sections that are read although no relocation leads there.
var neededBeside = map[string]bool{
	".modinfo": true, ".gnu.linkonce.this_module": true,
	"__versions": true, "__version_ext_crcs": true, "__version_ext_names": true,
	"__ksymtab": true, "__ksymtab_gpl": true, "__ksymtab_strings": true, "__kcrctab": true, "__kcrctab_gpl": true, "__kflagstab": true,
}

// neededOf adds up the headers, the tables of symbols and names, relocations
// and the sections that they change (whether a place is still zero is a rule of
// the kernel's), the version and export tables and .modinfo.
func neededOf(f *ko.File) int64 {
	n := f.HeaderSize() + int64(len(f.Sections))*f.SectionHeaderSize()
	relocated := map[uint32]bool{}
	for i := range f.Sections {
		if s := &f.Sections[i]; s.Type == elf.SHT_RELA {
			relocated[s.Info] = true
		}
	}
	for i := range f.Sections {
		s := &f.Sections[i]
		switch {
		case s.Type == elf.SHT_NOBITS || s.Type == elf.SHT_NULL:
		case s.Type == elf.SHT_SYMTAB, s.Type == elf.SHT_STRTAB, s.Type == elf.SHT_RELA, relocated[uint32(i)], neededBeside[s.Name]:
			n += int64(s.Size)
		}
	}
	return n
}

// each opens files on all processors.
func each(files []string, look func(*ko.Image) error) error {
	var next atomic.Int32
	var wg sync.WaitGroup
	var mu sync.Mutex
	var failed error
	for range runtime.GOMAXPROCS(0) {
		wg.Go(func() {
			for {
				i := int(next.Add(1)) - 1
				if i >= len(files) {
					return
				}
				im, err := ko.OpenImage(files[i])
				if err == nil {
					err = look(im)
					im.Close()
				}
				if err != nil {
					mu.Lock()
					failed = err
					mu.Unlock()
				}
			}
		})
	}
	wg.Wait()
	return failed
}
