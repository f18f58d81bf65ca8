package initramfs

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"
	"path"

	"modkeep/kernel/payload"
)

// The parts of a cpio archive of the form newc, or crc.
const (
	cpioHeader  = 110 // bytes: a magic of six, thirteen numbers of eight hexadecimal digits
	cpioTrailer = "TRAILER!!!"

	typeMask    = 0o170000
	typeRegular = 0o100000
	typeLink    = 0o120000
)

// isCPIO says whether an archive begins so. The old forms, which the kernel
// does not take either, are met by their own error later.
func isCPIO(b []byte) bool { return bytes.HasPrefix(b, []byte("0707")) }

// archive is one that is being read.
type archive struct {
	*reader
	in    *payload.Source
	at    Archive
	name  []byte
	sum   hash.Hash
	links map[linkID][]int // modules with further names, by file
}

// linkID tells files with several names apart.
type linkID struct{ inode, major, minor uint32 }

// entry is an entry's header.
type entry struct {
	id                          linkID
	mode, links, size, nameSize uint32
}

func (a *archive) read() error {
	if len(a.image.Archives) >= MaxArchives {
		return fmt.Errorf("more than %d archives", MaxArchives)
	}
	a.image.Archives = append(a.image.Archives, a.at)
	stored := &a.image.Archives[len(a.image.Archives)-1]
	for {
		off := a.in.Offset()
		last, err := a.entry()
		if err != nil {
			return fmt.Errorf("entry at offset %#x: %w", off, noEOF(err))
		}
		if last {
			return nil
		}
		stored.Files++
	}
}

func noEOF(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}

// entry reads one entry; last says that it was the trailer.
func (a *archive) entry() (last bool, err error) {
	head, err := a.in.Peek(cpioHeader)
	if err != nil {
		return false, err
	}
	e, err := parseHeader(head)
	if err != nil {
		return false, err
	}
	a.in.Discard(cpioHeader)
	pad := padded(cpioHeader+int64(e.nameSize)) - cpioHeader - int64(e.nameSize)
	if e.nameSize == 0 || e.nameSize > maxName { // skipped by the kernel too
		return false, a.skip(int64(e.nameSize) + pad + padded(int64(e.size)))
	}
	a.name = append(a.name[:0], make([]byte, e.nameSize)...)
	if _, err := io.ReadFull(a.in, a.name); err != nil {
		return false, err
	}
	name, _, _ := bytes.Cut(a.name, []byte{0})
	if string(name) == cpioTrailer {
		return true, a.skip(int64(e.size)) // need not be padded: the file may end here
	}
	if err := a.skip(pad); err != nil {
		return false, err
	}
	kind := e.mode & typeMask
	if kind == typeRegular && isInner(string(name)) && len(a.image.Inner) < MaxArchives {
		a.image.Inner = append(a.image.Inner, path.Clean("/" + string(name))[1:])
	}
	if kind != typeRegular && kind != typeLink || !isModule(string(name)) {
		return false, a.skip(padded(int64(e.size)))
	}
	return false, a.module(path.Clean("/" + string(name))[1:], e)
}

// parseHeader reads a header's numbers.
func parseHeader(h []byte) (entry, error) {
	switch string(h[:6]) {
	case "070701", "070702":
	case "070707":
		return entry{}, errors.New("cpio of the old form (odc), which the kernel does not take")
	default:
		return entry{}, errors.New("no cpio magic")
	}
	var n [13]uint32
	for i := range n {
		for _, c := range h[6+8*i : 14+8*i] {
			switch {
			case c >= '0' && c <= '9':
				c -= '0'
			case c|0x20 >= 'a' && c|0x20 <= 'f':
				c = c | 0x20 - 'a' + 10
			default:
				return entry{}, fmt.Errorf("header: %q is no hexadecimal number", h[6+8*i:14+8*i])
			}
			n[i] = n[i]<<4 | uint32(c)
		}
	}
	return entry{id: linkID{n[0], n[7], n[8]}, mode: n[1], links: n[4], size: n[6], nameSize: n[11]}, nil
}

// padded rounds up to four bytes.
func padded(n int64) int64 { return (n + 3) &^ 3 }

func (a *archive) skip(n int64) error {
	for n > 0 {
		d, err := a.in.Discard(int(min(n, 1<<20)))
		n -= int64(d)
		if err != nil {
			return err
		}
	}
	return nil
}

// module reads the content of a module, or of a link with a module's name.
func (a *archive) module(p string, e entry) error {
	m := newModule(p)
	m.Archive = len(a.image.Archives) - 1
	m.Size = int64(e.size)
	if e.mode&typeMask == typeLink && e.size <= maxName {
		text := make([]byte, e.size)
		if _, err := io.ReadFull(a.in, text); err != nil {
			return err
		}
		m.Link, m.SHA256 = string(text), sha256.Sum256(text)
	} else if err := a.digest(&m); err != nil {
		return err
	}
	if err := a.skip(padded(m.Size) - m.Size); err != nil {
		return err
	}
	i, err := a.add(m)
	if err == nil && e.links > 1 && e.mode&typeMask == typeRegular {
		a.linked(i, e.id)
	}
	return err
}

func (a *archive) digest(m *Module) error {
	if a.sum == nil {
		a.sum = sha256.New()
	}
	a.sum.Reset()
	for left := m.Size; left > 0; {
		if _, err := a.in.Peek(1); err != nil {
			return err
		}
		b, _ := a.in.Peek(int(min(left, int64(a.in.Buffered()))))
		a.sum.Write(b)
		a.in.Discard(len(b))
		left -= int64(len(b))
	}
	a.sum.Sum(m.SHA256[:0])
	return nil
}

// linked gives all names of a file the content that stands with one of them:
// cpio writes it with the last, others with the first.
func (a *archive) linked(i int, id linkID) {
	if a.links == nil {
		a.links = make(map[linkID][]int)
	}
	modules := a.image.Modules
	names := append(a.links[id], i) // those still without content, or one that has it
	with := i
	if modules[i].Size == 0 {
		with = names[0]
	}
	if modules[with].Size > 0 {
		for _, j := range names {
			modules[j].Size, modules[j].SHA256 = modules[with].Size, modules[with].SHA256
		}
		names = append(names[:0], with)
	}
	a.links[id] = names
}
