package main

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"modkeep/internal/cputime"
)

// hostileModules adds to hostileFiles what matters to a verdict only.
func hostileModules(t *testing.T) (dir string, complaints map[string]string) {
	t.Helper()
	dir, complaints = hostileFiles(t)
	real, err := os.ReadFile("../../loader/testdata/6.1/good.ko")
	if err != nil {
		t.Fatal(err)
	}
	write := func(name string, b []byte) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, name), b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	// Every section is the whole file, or lies where the headers do.
	write("overlap.ko", edited(real, func(b []byte) { everySection(b, 0, uint64(len(b))) }))
	write("headers.ko", edited(real, func(b []byte) { everySection(b, binary.LittleEndian.Uint64(b[0x28:]), 1024) }))
	write("sections.ko", edited(real, func(b []byte) { binary.LittleEndian.PutUint16(b[0x3c:], 0xffff) }))
	write("head.ko.xz", []byte("\xfd7zXZ\x00\x00\x04"))
	write("junk.deb", []byte("!<arch>\ndebian-binary   0 0 0 0 9999999999`\n"))
	write("junk.rpm", append([]byte("\xed\xab\xee\xdb\x03\x00"), bytes.Repeat([]byte{0xff}, 4096)...))
	write("bomb.rpm", bomb(t))
	if err := os.Truncate(filepath.Join(dir, "overlap.ko"), 400<<20); err != nil {
		t.Fatal(err)
	}
	if os.Geteuid() != 0 { // root reads all
		if err := os.Mkdir(filepath.Join(dir, "shut"), 0); err != nil {
			t.Fatal(err)
		}
	}
	for _, link := range []string{"ring/a", "ring/b"} {
		if err := errors.Join(os.MkdirAll(filepath.Join(dir, "ring"), 0o700), os.Symlink("..", filepath.Join(dir, link))); err != nil {
			t.Fatal(err)
		}
	}
	return dir, complaints
}

// everySection puts all sections of a 64-bit module but the first in one place.
func everySection(b []byte, offset, size uint64) {
	headers := b[binary.LittleEndian.Uint64(b[0x28:]):]
	for i := 1; i < int(binary.LittleEndian.Uint16(b[0x3c:])); i++ {
		binary.LittleEndian.PutUint64(headers[64*i+24:], offset)
		binary.LittleEndian.PutUint64(headers[64*i+32:], size)
	}
}

// TestHostileCheck runs the program on each file: it ends within a second and
// 100 MB (a slow machine gets more time), with a refusal or with status 2 and
// a complaint, and never with what looks like a bug of its own.
func TestHostileCheck(t *testing.T) {
	dir, complaints := hostileModules(t)
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	table, err := filepath.Abs("../../loader/testdata/6.1/Module.symvers")
	if err != nil {
		t.Fatal(err)
	}
	paths := []string{filepath.Join(dir, "none.ko"), dir}
	for _, e := range entries {
		paths = append(paths, filepath.Join(dir, e.Name()))
	}
	for _, path := range paths {
		t.Run(filepath.Base(path), func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute) // a hang
			defer cancel()
			peakFile := filepath.Join(t.TempDir(), "peak")
			cmd := exec.CommandContext(ctx, "modkeep-measured", "check", "--symvers", table, path)
			var out, errOut bytes.Buffer
			cmd.Stdout, cmd.Stderr = &out, &errOut
			cmd.Env = append(os.Environ(), peakVariable+"="+peakFile)
			err := cmd.Run()
			took := cputime.Of(cmd.ProcessState)
			status := cmd.ProcessState.ExitCode()
			peak := peakIn(t, peakFile)
			cputime.Hold(t, took, time.Second)
			if peak > 100 {
				t.Errorf("took %d MB", peak)
			}
			refused := status == statusNo && strings.Contains(out.String(), ": refused E")
			unread := status == statusUnknown && strings.HasPrefix(errOut.String(), "modkeep: cannot judge "+dir)
			base := filepath.Base(path) // the folders have no modules
			empty := status == statusYes && (base == "ring" || base == "dir.ko") && strings.Contains(errOut.String(), "nothing to judge")
			if !refused && !unread && !empty || strings.Contains(errOut.String(), "internal error") {
				t.Errorf("status %d (%v), stdout %.500q, stderr %.500q", status, err, out.String(), errOut.String())
			}
			if want := complaints[base]; unread && !strings.Contains(errOut.String(), want) {
				t.Errorf("stderr %q, want it to say %q", errOut.String(), want)
			}
			t.Logf("status %d, %v, %d MB: %.150s%.150s", status, took, peak, out.String(), errOut.String())
		})
	}
}

// peakVariable is the environment's name of the file that measured writes to.
const peakVariable = "MODKEEP_TEST_PEAK"

// measured is main, and leaves behind its own /proc/self/status, which has its peak
// memory. That which wait4(2) tells of a child is not lower than what
// its parent takes, and this one has run other tests.
func measured() {
	tuneMemory(os.Args)
	status := run(context.Background(), os.Args, os.Stdin, os.Stdout, os.Stderr)
	text, err := os.ReadFile("/proc/self/status")
	if err == nil {
		err = os.WriteFile(os.Getenv(peakVariable), text, 0o600)
	}
	if err != nil {
		panic(err)
	}
	os.Exit(status)
}

// peakIn returns the peak that measured left behind, in MB.
func peakIn(t *testing.T, name string) int {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	_, after, _ := strings.Cut(string(text), "\nVmHWM:")
	var kilobytes int
	if _, err := fmt.Sscan(after, &kilobytes); err != nil {
		t.Fatalf("no VmHWM in %q: %v", text, err)
	}
	return kilobytes >> 10
}
