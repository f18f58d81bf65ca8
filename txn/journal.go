package txn

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"time"
)

// A journal is a text line that names the format, then frames. A frame is a
// line with its kind and the length of its payload, the payload, a line break,
// and a line with the CRC-32C of all that in hexadecimal:
//
//	head   what was asked for (JSON)
//	blob   content of a file before the plan (raw)
//	path   one path with its states: before, and after each step on it (JSON)
//	step   one step (JSON)
//	ready  end of what is written before anything is changed (empty)
//	begun  a command is about to run (JSON)
//	ended  a command has ended, and what it left (JSON)
//
// Everything to ready is on the disk before the file has the journal's name:
// there, damage is damage. After it, a frame may be torn by a crash; such a
// frame does not count.
const (
	magic = "modkeep journal 1\n"

	frameHead  = "head"
	frameBlob  = "blob"
	framePath  = "path"
	frameStep  = "step"
	frameReady = "ready"
	frameBegun = "begun"
	frameEnded = "ended"
)

// Limits of a journal; a plan beyond them is refused.
const (
	maxSteps   = 40_000
	maxWords   = 1_000     // words of a command, patterns of a step
	maxIndexes = 1_000     // files that one depmod step may rewrite
	maxParts   = 100_000   // words, index files and states of all frames
	maxPayload = 256 << 10 // bytes of JSON in one frame
	maxJSON    = 16 << 20  // bytes of JSON in all frames
	maxBlob    = 1 << 30   // bytes of a file that is kept
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// head is the payload of the head frame.
type head struct {
	Number int       `json:"number"`
	Time   time.Time `json:"time"`
	Name   string    `json:"name"`
	Undoes int       `json:"undoes,omitempty"`
}

// touched is one path that steps change, the payload of a path frame.
type touched struct {
	Path string `json:"path"` // as the first step has it
	Real string `json:"real"` // inside the root, its directories resolved
	// States are the images before the plan and after each step on the path.
	States []image `json:"states"`
}

// entry is one step as the journal has it, the payload of a step frame.
type entry struct {
	Step
	Real string `json:"real"` // Step.Path resolved
	// Touched and State are the path's number, from 0, and the index of its
	// image after the step; Touched is -1 for commands.
	Touched int         `json:"touched"`
	State   int         `json:"state,omitempty"`
	Argv    []string    `json:"argv,omitempty"`
	Globs   []string    `json:"globs,omitempty"`
	Backup  int         `json:"from,omitempty"`
	Index   []indexFile `json:"index,omitempty"` // depmod: the files before
}

// indexFile is one file of a depmod step's directory.
type indexFile struct {
	Name  string `json:"name"`
	Image image  `json:"image"`
}

// begun is the payload of a begun frame.
type begun struct {
	Step int `json:"step"`
}

// ended is the payload of an ended frame: what the command left.
type ended struct {
	Step     int         `json:"step"`
	Index    []indexFile `json:"index,omitempty"`    // depmod
	Produced *image      `json:"produced,omitempty"` // initramfs
}

// volume is how much JSON a journal holds so far.
type volume struct{ bytes, parts int }

func (v *volume) add(bytes, parts int) error {
	v.bytes, v.parts = v.bytes+bytes, v.parts+parts
	if v.bytes > maxJSON || v.parts > maxParts {
		return fmt.Errorf("%d bytes with %d parts of JSON are more than a journal holds", v.bytes, v.parts)
	}
	return nil
}

// parts counts what a payload holds of what there may be many.
func parts(payload any) int {
	switch v := payload.(type) {
	case touched:
		return len(v.States)
	case entry:
		return len(v.Argv) + len(v.Globs) + len(v.Index)
	case ended:
		return len(v.Index)
	}
	return 0
}

// journal is what the journal's frames say.
type journal struct {
	head
	paths []touched
	steps []entry
	blobs []blob
	begun map[int]bool
	ended map[int]ended
	torn  error // what ends the frames after ready, if it is not the file's end
}

// blob is where a file's content lies in the journal.
type blob struct{ offset, size int64 }

// journalWriter appends frames to a file.
type journalWriter struct {
	file   *os.File
	w      *bufio.Writer
	offset int64
	total  volume
	blobs  []blob
}

func newJournalWriter(file *os.File) *journalWriter {
	w := &journalWriter{file: file, w: bufio.NewWriterSize(file, 64<<10)}
	n, _ := w.w.WriteString(magic) // the error, if any, is that of the next flush
	w.offset = int64(n)
	return w
}

// frame appends one frame whose payload is size bytes of r.
func (w *journalWriter) frame(kind string, r io.Reader, size int64) error {
	crc := crc32.New(castagnoli)
	both := io.MultiWriter(w.w, crc)
	begin, err := fmt.Fprintf(both, "%s %d\n", kind, size)
	if err != nil {
		return err
	}
	n, err := io.Copy(both, io.LimitReader(r, size))
	if err != nil {
		return err
	}
	if kind == frameBlob {
		w.blobs = append(w.blobs, blob{w.offset + int64(begin), size})
	}
	if n != size {
		return fmt.Errorf("has %d bytes, %d expected: it changes at this moment", n, size)
	}
	end, err := fmt.Fprintf(w.w, "\n%08x\n", crc.Sum32())
	w.offset += int64(begin) + n + int64(end)
	return err
}

// record appends a frame with v as JSON.
func (w *journalWriter) record(kind string, v any) error {
	text, err := json.Marshal(v)
	if err != nil {
		return err
	}
	if err := w.total.add(len(text), parts(v)); err != nil || len(text) > maxPayload {
		return fmt.Errorf("the plan is too large: %s of %d bytes", kind, len(text))
	}
	return w.frame(kind, bytes.NewReader(text), int64(len(text)))
}

// keep appends the content of the file at a machine's path as a blob, and
// completes its image.
func (w *journalWriter) keep(name string, img *image) error {
	if img.Size > maxBlob {
		return fmt.Errorf("%d bytes are too many to be kept", img.Size)
	}
	file, err := os.Open(name)
	if err != nil {
		return cause(err)
	}
	defer file.Close()
	hash := sha256.New()
	if err := w.frame(frameBlob, io.TeeReader(file, hash), img.Size); err != nil {
		return err
	}
	img.Blob, img.Sum = len(w.blobs), hex.EncodeToString(hash.Sum(nil))
	return nil
}

// flush hands the frames to the kernel, and to the disk if durable.
func (w *journalWriter) flush(durable bool) error {
	if err := w.w.Flush(); err != nil {
		return cause(err)
	}
	if !durable {
		return nil
	}
	if err := w.file.Sync(); err != nil {
		return cause(err)
	}
	return nil
}
