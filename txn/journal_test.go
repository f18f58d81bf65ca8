package txn

import (
	"bytes"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"modkeep/internal/cputime"
)

// wholeJournal is a journal with a frame of each kind.
func wholeJournal(t testing.TB) []byte {
	t.Helper()
	root := kernelTree(t)
	for _, name := range indexFiles[:2] {
		if err := os.WriteFile(filepath.Join(root, k, name), []byte("#"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	mustRun(t, root, wholePlan())
	data, err := os.ReadFile(filepath.Join(root, "var/lib/modkeep/1.txn"))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func FuzzReadJournal(f *testing.F) {
	whole := wholeJournal(f)
	f.Add(whole)
	f.Add(whole[:len(whole)/2])
	f.Add([]byte(magic))
	f.Add([]byte(magic + "head 99999999999999999999\n"))
	f.Add([]byte(magic + "blob 1000000000\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		j, err := readJournal(bytes.NewReader(data), int64(len(data)), false)
		if _, skipped := readJournal(bytes.NewReader(data), int64(len(data)), true); err == nil && skipped != nil {
			t.Errorf("read whole without an error, but not without blobs: %v", skipped)
		}
		if err == nil && j.Number < 1 {
			t.Errorf("number %d", j.Number)
		}
		if err != nil && !strings.HasPrefix(err.Error(), "offset 0x") && !strings.HasPrefix(err.Error(), "path ") &&
			!strings.HasPrefix(err.Error(), "step ") && !strings.HasPrefix(err.Error(), "number ") {
			t.Errorf("error %q does not say where", err)
		}
	})
}

// TestHostileJournal reads journals that claim or hold more than any plan.
func TestHostileJournal(t *testing.T) {
	framed := func(frames func(w *journalWriter)) []byte {
		name := filepath.Join(t.TempDir(), "journal")
		file, err := os.Create(name)
		if err != nil {
			t.Fatal(err)
		}
		defer file.Close()
		w := newJournalWriter(file)
		frames(w)
		w.flush(false)
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		return data
	}
	raw := func(w *journalWriter, kind, text string) { w.frame(kind, strings.NewReader(text), int64(len(text))) }
	words := "[" + strings.Repeat(`"",`, 80_000) + `""]`
	tests := map[string][]byte{
		"many steps": framed(func(w *journalWriter) {
			for range 100_000 {
				raw(w, frameStep, "{}")
			}
		}),
		"many words": framed(func(w *journalWriter) {
			for range 300 {
				raw(w, frameStep, `{"argv":`+words+`}`)
			}
		}),
		"many states": framed(func(w *journalWriter) {
			states := "[" + strings.Repeat(`{},`, 80_000) + `{}]`
			for range 300 {
				raw(w, framePath, `{"states":`+states+`}`)
			}
		}),
		"deep": framed(func(w *journalWriter) { raw(w, frameHead, strings.Repeat("[", 200_000)) }),
		"tail of frames": framed(func(w *journalWriter) {
			raw(w, frameHead, `{"number":1}`)
			raw(w, frameStep, `{"op":"depmod","real":"/x","touched":-1}`)
			raw(w, frameReady, "")
			index := "[" + strings.Repeat(`{"name":"x","image":{"kind":"file"}},`, 900) + `{"name":"x","image":{"kind":"file"}}]`
			for range 1000 {
				raw(w, frameEnded, `{"index":`+index+`}`)
			}
		}),
	}
	for name, data := range tests {
		t.Run(name, func(t *testing.T) {
			var before, after runtime.MemStats
			runtime.GC()
			runtime.ReadMemStats(&before)
			clock := cputime.Start()
			j, err := readJournal(bytes.NewReader(data), int64(len(data)), false)
			cputime.Hold(t, clock.Took(), time.Second)
			runtime.ReadMemStats(&after)
			t.Logf("%d bytes: %v, %d bytes of memory in use", len(data), err, after.HeapAlloc-before.HeapAlloc)
			if after.HeapAlloc > before.HeapAlloc+100<<20 {
				t.Errorf("%d bytes of memory", after.HeapAlloc-before.HeapAlloc)
			}
			runtime.KeepAlive(j)
		})
	}
}
