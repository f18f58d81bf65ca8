package ko

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"modkeep/internal/kerneltest/oracle"
)

// benchModule returns a large module of the first Debian kernel in the cache.
func benchModule(b *testing.B) string {
	b.Helper()
	files, _ := filepath.Glob(oracle.Cache("root/amd64/lib/modules/6.1.*/kernel/fs/nfsd/nfsd.ko"))
	if len(files) == 0 {
		oracle.Missing(b, "no nfsd.ko in %s", oracle.CacheDir())
	}
	info, err := os.Stat(files[0])
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(info.Size())
	b.ReportAllocs()
	return files[0]
}

func BenchmarkOpen(b *testing.B) {
	path := benchModule(b)
	for b.Loop() {
		f, err := Open(path)
		if err != nil {
			b.Fatal(err)
		}
		f.Close()
	}
}

func benchOpened(b *testing.B, path string, read func(f *File) error) {
	f, err := Open(path)
	if err != nil {
		b.Fatal(err)
	}
	defer f.Close()
	for b.Loop() {
		if err := read(f); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkVersions(b *testing.B) {
	benchOpened(b, benchModule(b), func(f *File) error { _, err := f.Versions(); return err })
}

func BenchmarkUndefined(b *testing.B) {
	benchOpened(b, benchModule(b), func(f *File) error { _, err := f.Undefined(); return err })
}

func BenchmarkSymbols(b *testing.B) {
	benchOpened(b, benchModule(b), func(f *File) error { _, err := f.Symbols(); return err })
}

func BenchmarkExports(b *testing.B) {
	benchOpened(b, "testdata/x86_64-5.4.ko", func(f *File) error { _, err := f.Exports(); return err })
}

// BenchmarkTree reads what a check of a whole kernel needs of each module.
func BenchmarkTree(b *testing.B) {
	dirs, _ := filepath.Glob(oracle.Cache("root/amd64/lib/modules/6.1.*-cloud-amd64/kernel"))
	if len(dirs) == 0 {
		oracle.Missing(b, "no kernel in %s", oracle.CacheDir())
	}
	files := modulesBelow(b, dirs[0])
	b.ReportAllocs()
	start := cpu(b)
	for b.Loop() {
		for _, path := range files {
			f, err := Open(path)
			if err != nil {
				b.Fatal(err)
			}
			f.Versions()
			f.Undefined()
			f.Exports()
			f.Signature()
			f.Close()
		}
	}
	b.ReportMetric(float64((cpu(b)-start).Microseconds())/float64(b.N*len(files)), "cpu-µs/module")
}

// cpu returns the processor time of the process.
func cpu(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
