package txn

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
)

// journalReader reads frames one after another.
type journalReader struct {
	r      io.ReaderAt
	buf    *bufio.Reader
	size   int64
	offset int64
	total  volume
	skip   bool // blobs are passed over, not checked
}

func newJournalReader(r io.ReaderAt, size int64) *journalReader {
	return &journalReader{r: r, buf: bufio.NewReaderSize(io.NewSectionReader(r, 0, size), 32<<10), size: size}
}

// pass leaves n bytes out.
func (r *journalReader) pass(n int64) {
	r.offset += n
	r.buf.Reset(io.NewSectionReader(r.r, r.offset, r.size-r.offset))
}

// line reads one short line without its end.
func (r *journalReader) line() (string, error) {
	text, err := r.buf.ReadSlice('\n')
	if err != nil || len(text) > 64 {
		return "", r.errorf("no frame begins or ends here")
	}
	r.offset += int64(len(text))
	return string(text[:len(text)-1]), nil
}

func (r *journalReader) errorf(format string, args ...any) error {
	return fmt.Errorf("offset 0x%x: %w", r.offset, fmt.Errorf(format, args...))
}

// frame reads one frame. The payload of a blob is not kept: its place is
// returned.
func (r *journalReader) frame() (kind string, payload []byte, place blob, err error) {
	start := r.offset
	line, err := r.line()
	if err != nil {
		return "", nil, blob{}, err
	}
	kind, digits, _ := strings.Cut(line, " ")
	size, err := strconv.ParseInt(digits, 10, 64)
	limit := int64(maxPayload)
	if kind == frameBlob {
		limit = maxBlob
	}
	switch {
	case err != nil || size < 0 || strconv.FormatInt(size, 10) != digits:
		err = errors.New("no length")
	case size > limit || size > r.size-r.offset:
		err = fmt.Errorf("length %d: beyond the end or the limit", size)
	default:
		place = blob{r.offset, size}
		payload, err = r.payload(kind, line, size)
	}
	if err != nil {
		err = fmt.Errorf("offset 0x%x: frame %q: %w", start, kind, err)
	}
	return kind, payload, place, err
}

// payload reads the rest of a frame that begins with line.
func (r *journalReader) payload(kind, line string, size int64) ([]byte, error) {
	crc := crc32.New(castagnoli)
	fmt.Fprintf(crc, "%s\n", line)
	var kept bytes.Buffer
	skipped := kind == frameBlob && r.skip
	switch {
	case skipped:
		r.pass(size)
	case kind == frameBlob:
		if _, err := io.CopyN(crc, r.buf, size); err != nil {
			return nil, err
		}
		r.offset += size
	default:
		if _, err := io.CopyN(io.MultiWriter(crc, &kept), r.buf, size); err != nil {
			return nil, err
		}
		r.offset += size
	}
	if end, err := r.line(); err != nil || end != "" {
		return nil, errors.New("not ended")
	}
	if sum, err := r.line(); err != nil || sum != fmt.Sprintf("%08x", crc.Sum32()) && !skipped {
		return nil, errors.New("checksum does not agree")
	}
	return kept.Bytes(), nil
}

// readJournal reads a journal to its end. Damage before the ready frame is an
// error; after it, it is in the journal's torn field. With skip the blobs are not
// checked, which is for those who do not want them.
func readJournal(r io.ReaderAt, size int64, skip bool) (*journal, error) {
	jr := newJournalReader(r, size)
	jr.skip = skip
	if line, err := jr.line(); err != nil || line+"\n" != magic {
		return nil, fmt.Errorf("offset 0x0: not a journal of this version of modkeep")
	}
	j := &journal{begun: make(map[int]bool), ended: make(map[int]ended)}
	if err := j.readHead(jr); err != nil {
		return nil, err
	}
	for jr.offset < jr.size && j.torn == nil {
		j.torn = j.readTail(jr)
	}
	return j, nil
}

// readHead reads the frames to ready.
func (j *journal) readHead(jr *journalReader) error {
	heads := 0
	for {
		start := jr.offset
		kind, payload, place, err := jr.frame()
		if err != nil {
			return err
		}
		more := 0
		switch kind {
		case frameReady:
			if heads != 1 {
				return fmt.Errorf("offset 0x%x: %d head frames before ready", start, heads)
			}
			return j.check()
		case frameHead:
			heads++
			err = json.Unmarshal(payload, &j.head)
		case frameBlob:
			j.blobs = append(j.blobs, place)
		case framePath:
			var t touched
			err = json.Unmarshal(payload, &t)
			j.paths, more = append(j.paths, t), parts(t)
		case frameStep:
			var e entry
			err = json.Unmarshal(payload, &e)
			e.Command, e.Files, e.From = e.Argv, e.Globs, e.Backup
			j.steps, more = append(j.steps, e), parts(e)
		default:
			err = fmt.Errorf("unknown before ready")
		}
		if err == nil {
			err = jr.total.add(len(payload), more)
		}
		if err == nil && max(len(j.blobs), len(j.paths), len(j.steps)) > maxSteps {
			err = fmt.Errorf("more than %d", maxSteps)
		}
		if err != nil {
			return fmt.Errorf("offset 0x%x: frame %q: %w", start, kind, err)
		}
	}
}

// readTail reads one frame after ready.
func (j *journal) readTail(jr *journalReader) error {
	start := jr.offset
	kind, payload, _, err := jr.frame()
	if err != nil {
		return err
	}
	var e ended
	switch kind {
	case frameBegun:
		var b begun
		err = json.Unmarshal(payload, &b)
		e.Step = b.Step
	case frameEnded:
		err = json.Unmarshal(payload, &e)
	default:
		err = fmt.Errorf("unknown after ready")
	}
	if err == nil {
		err = jr.total.add(len(payload), parts(e))
	}
	if err == nil && (e.Step < 0 || e.Step >= len(j.steps) || j.steps[e.Step].Touched >= 0) {
		err = fmt.Errorf("step %d: no such command", e.Step)
	}
	if err == nil && (e.Produced != nil && j.steps[e.Step].Op != Initramfs || e.Index != nil && j.steps[e.Step].Op != Depmod) {
		err = fmt.Errorf("step %d: cannot have left that", e.Step)
	}
	if err == nil {
		err = j.checkIndex(e.Index)
	}
	if err != nil {
		return fmt.Errorf("offset 0x%x: frame %q: %w", start, kind, err)
	}
	if kind == frameBegun {
		j.begun[e.Step] = true
	} else {
		j.ended[e.Step] = e
	}
	return nil
}

// check finds what no writer writes, so that what follows may rely on it.
func (j *journal) check() error {
	if j.Number < 1 {
		return fmt.Errorf("number %d: not one of a transaction", j.Number)
	}
	for i, t := range j.paths {
		if err := checkPath(t.Real); err != nil {
			return fmt.Errorf("path %d: %w", i, err)
		}
		if len(t.States) == 0 {
			return fmt.Errorf("path %d: %s: no state", i, t.Real)
		}
		for _, img := range t.States {
			if err := j.checkImage(img); err != nil {
				return fmt.Errorf("path %d: %s: %w", i, t.Real, err)
			}
		}
	}
	for i, e := range j.steps {
		if err := j.checkEntry(e); err != nil {
			return fmt.Errorf("step %d: %w", i, err)
		}
	}
	return nil
}

func (j *journal) checkEntry(e entry) error {
	if err := checkPath(e.Real); err != nil {
		return err
	}
	command := e.Op == Depmod || e.Op == Initramfs
	switch {
	case command && e.Touched != -1:
		return fmt.Errorf("%s with a path of its own", e.Op)
	case command && max(len(e.Argv), len(e.Globs)) > maxWords:
		return fmt.Errorf("%s with %d words", e.Op, len(e.Argv))
	case !command && (e.Touched < 0 || e.Touched >= len(j.paths)):
		return fmt.Errorf("path %d: no such path", e.Touched)
	case !command && (e.State < 1 || e.State >= len(j.paths[e.Touched].States)):
		return fmt.Errorf("state %d: no such state", e.State)
	}
	return j.checkIndex(e.Index)
}

func (j *journal) checkIndex(files []indexFile) error {
	if len(files) > maxIndexes {
		return fmt.Errorf("%d index files", len(files))
	}
	for _, f := range files {
		if f.Name == "" || f.Name == "." || f.Name == ".." || strings.ContainsAny(f.Name, "/\x00") {
			return fmt.Errorf("index file %q: not a file's name", f.Name)
		}
		if err := j.checkImage(f.Image); err != nil {
			return fmt.Errorf("index file %s: %w", f.Name, err)
		}
	}
	return nil
}

func (j *journal) checkImage(img image) error {
	switch {
	case !slices.Contains([]string{kindAbsent, kindLink, kindDir, kindFile}, img.Kind):
		return fmt.Errorf("kind %q: unknown", img.Kind)
	case img.Blob < 0 || img.Blob > len(j.blobs):
		return fmt.Errorf("blob %d: no such blob", img.Blob)
	case img.Blob > 0 && j.blobs[img.Blob-1].size != img.Size:
		return fmt.Errorf("blob %d: has %d bytes, the file had %d", img.Blob, j.blobs[img.Blob-1].size, img.Size)
	}
	return nil
}

// opened is a journal with the file it is read from.
type opened struct {
	*journal
	file *os.File
}

func (o opened) close() { o.file.Close() }

// content reads the kept content of a file.
func (o opened) content(img image) (io.Reader, error) {
	if img.Blob == 0 {
		return nil, fmt.Errorf("its content was not kept")
	}
	b := o.blobs[img.Blob-1]
	return io.NewSectionReader(o.file, b.offset, b.size), nil
}

// open reads a journal of the state directory. Errors name the file.
func (s *Store) open(name string) (opened, error) { return s.openFor(name, false) }

// openFor is open, with the blobs unchecked if skip.
func (s *Store) openFor(name string, skip bool) (opened, error) {
	file, err := os.Open(s.stateFile(name))
	if err != nil {
		return opened{}, err
	}
	info, err := file.Stat()
	if err != nil {
		file.Close()
		return opened{}, err
	}
	j, err := readJournal(file, info.Size(), skip)
	if err == nil && name != journalName {
		err = j.torn
	}
	if err != nil {
		file.Close()
		return opened{}, &DamagedError{File: file.Name(), Err: err}
	}
	return opened{j, file}, nil
}

// DamagedError is the error of a journal that cannot be read. Nothing is
// changed on the word of such a file.
type DamagedError struct {
	File string // the machine's path
	Err  error  // names the offset
}

func (e *DamagedError) Error() string { return fmt.Sprintf("journal %s: %v", e.File, e.Err) }
func (e *DamagedError) Unwrap() error { return e.Err }
