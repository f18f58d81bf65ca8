package kerneltest

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"sync"
)

// sector is what a disk writes whole or not at all when the power fails, in bytes
// and at multiples of it. ext4 counts on this for its blocks, of 1 to 4 KiB: with
// halves of two ages a commit block of its journal does not hold its checksum, and
// the file system cannot be mounted (fs/jbd2/recovery.c of 6.1, j_failed_commit).
const sector = 4096

// blockDevice is a machine's disk: an image file that the emulator reads and
// writes over a socket (the protocol of network block devices, as in proto.md of
// github.com/NetworkBlockDevice/nbd), so that writes can be counted and the power
// can fail at one of them. As a real disk's, its cache is volatile: what was
// written and not flushed is lost then, or is not, sector by sector.
type blockDevice struct {
	image    *os.File
	size     int64
	listener net.Listener

	mu      sync.Mutex
	writes  int            // since the last mark
	cutAt   int            // the write after it that the power fails at; 0 for none
	luck    *rand.Rand     // what of the cache is lost then
	pending []pendingWrite // not flushed yet, in order
	failed  bool           // the power
	onCut   func()
}

// pendingWrite is a write that a disk holds in its cache, and what it replaces.
type pendingWrite struct {
	at        int64
	data, was []byte
}

// serveDisk opens an image and serves it on a socket, to one emulator after the
// other, until it is closed.
func serveDisk(image, socket string) (*blockDevice, error) {
	f, err := os.OpenFile(image, os.O_RDWR, 0)
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err != nil {
		f.Close()
		return nil, err
	}
	listener, err := net.Listen("unix", socket)
	if err != nil {
		f.Close()
		return nil, err
	}
	d := &blockDevice{image: f, size: info.Size(), listener: listener}
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			d.serve(conn) // its end is the emulator's
			conn.Close()
		}
	}()
	return d, nil
}

// close ends the service. What a machine that ended by itself wrote stays.
func (d *blockDevice) close() error {
	err := d.listener.Close()
	d.mu.Lock()
	defer d.mu.Unlock()
	d.failed = true // nothing more is written
	return errors.Join(err, d.image.Close())
}

// mark begins to count writes. The power fails at the one of that number, if it
// is not 0; the seed decides what of the disk's cache is lost.
func (d *blockDevice) mark(cutAt int, seed uint64, onCut func()) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.writes, d.cutAt, d.onCut = 0, cutAt, onCut
	d.luck = rand.New(rand.NewPCG(seed, uint64(cutAt)))
}

// counted returns the number of writes since the mark, and whether the power has
// failed; if not, it does not fail any more before the next mark.
func (d *blockDevice) counted() (writes int, failed bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.cutAt = 0
	return d.writes, d.failed
}

// The protocol's numbers.
const (
	nbdMagic        = 0x4e42444d41474943 // NBDMAGIC
	nbdOption       = 0x49484156454f5054 // IHAVEOPT
	nbdOptionReply  = 0x3e889045565a9
	nbdFixed        = 1      // fixed newstyle, a flag of the handshake
	nbdNoZeroes     = 1 << 1 // another
	nbdOptGo        = 7
	nbdAck          = 1
	nbdInfo         = 3
	nbdUnsupported  = 1<<31 | 1
	nbdHasFlags     = 1
	nbdSendFlush    = 1 << 2
	nbdRequest      = 0x25609513
	nbdReply        = 0x67446698
	nbdRead         = 0
	nbdWrite        = 1
	nbdDisconnect   = 2
	nbdFlush        = 3
	nbdErrInvalid   = 22
	nbdErrIO        = 5
	maxBlockRequest = 64 << 20
)

var errPower = errors.New("the power has failed")

// serve answers one emulator.
func (d *blockDevice) serve(conn net.Conn) error {
	hello := binary.BigEndian.AppendUint64(nil, nbdMagic)
	hello = binary.BigEndian.AppendUint64(hello, nbdOption)
	hello = binary.BigEndian.AppendUint16(hello, nbdFixed|nbdNoZeroes)
	if _, err := conn.Write(hello); err != nil {
		return err
	}
	if _, err := io.CopyN(io.Discard, conn, 4); err != nil { // the client's flags
		return err
	}
	for agreed := false; !agreed; {
		var err error
		if agreed, err = d.option(conn); err != nil {
			return err
		}
	}
	for {
		if err := d.request(conn); err != nil {
			return err
		}
	}
}

// option answers one option of the handshake, of which only GO is known.
func (d *blockDevice) option(conn net.Conn) (agreed bool, err error) {
	var o struct {
		Magic       uint64
		Option, Len uint32
	}
	if err := binary.Read(conn, binary.BigEndian, &o); err != nil {
		return false, err
	}
	if o.Magic != nbdOption || o.Len > 1<<16 {
		return false, fmt.Errorf("option %#x of %d bytes, magic %#x", o.Option, o.Len, o.Magic)
	}
	if _, err := io.CopyN(io.Discard, conn, int64(o.Len)); err != nil {
		return false, err
	}
	reply := func(kind uint32, data []byte) {
		text := binary.BigEndian.AppendUint64(nil, nbdOptionReply)
		for _, n := range []uint32{o.Option, kind, uint32(len(data))} {
			text = binary.BigEndian.AppendUint32(text, n)
		}
		if err == nil {
			_, err = conn.Write(append(text, data...))
		}
	}
	if o.Option != nbdOptGo {
		reply(nbdUnsupported, nil)
		return false, err
	}
	export := binary.BigEndian.AppendUint64(make([]byte, 2), uint64(d.size))
	reply(nbdInfo, binary.BigEndian.AppendUint16(export, nbdHasFlags|nbdSendFlush))
	reply(nbdAck, nil)
	return true, err
}

// request reads one request, does it, and answers.
func (d *blockDevice) request(conn net.Conn) error {
	var r struct {
		Magic       uint32
		Flags, Type uint16
		Handle, At  uint64
		Len         uint32
	}
	if err := binary.Read(conn, binary.BigEndian, &r); err != nil {
		return err
	}
	if r.Magic != nbdRequest || r.Type == nbdDisconnect || r.Len > maxBlockRequest {
		return fmt.Errorf("request %d of %d bytes, magic %#x", r.Type, r.Len, r.Magic)
	}
	var data []byte
	if r.Type == nbdRead || r.Type == nbdWrite {
		data = make([]byte, r.Len)
	}
	if r.Type == nbdWrite {
		if _, err := io.ReadFull(conn, data); err != nil {
			return err
		}
	}
	code := uint32(0)
	if r.At > uint64(d.size) || uint64(len(data)) > uint64(d.size)-r.At {
		code = nbdErrInvalid
	} else if err := d.do(r.Type, int64(r.At), data); errors.Is(err, errPower) {
		return err
	} else if err != nil {
		code = nbdErrIO
	}
	answer := binary.BigEndian.AppendUint32(nil, nbdReply)
	answer = binary.BigEndian.AppendUint32(answer, code)
	answer = binary.BigEndian.AppendUint64(answer, r.Handle)
	if r.Type == nbdRead && code == 0 {
		answer = append(answer, data...)
	}
	_, err := conn.Write(answer)
	return err
}

// do reads, writes or flushes.
func (d *blockDevice) do(kind uint16, at int64, data []byte) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	switch {
	case d.failed:
		return errPower
	case kind == nbdRead:
		_, err := d.image.ReadAt(data, at)
		return err
	case kind == nbdFlush:
		d.pending = nil
		return nil
	case kind != nbdWrite:
		return fmt.Errorf("request %d", kind)
	}
	was := make([]byte, len(data))
	if _, err := d.image.ReadAt(was, at); err != nil {
		return err
	}
	d.pending = append(d.pending, pendingWrite{at, data, was})
	if _, err := d.image.WriteAt(data, at); err != nil {
		return err
	}
	if d.writes++; d.writes == d.cutAt {
		return d.cut()
	}
	return nil
}

// powerOff lets the power fail at this moment.
func (d *blockDevice) powerOff() {
	d.mu.Lock()
	defer d.mu.Unlock()
	if !d.failed {
		d.cut()
	}
}

// cut lets the power fail. The writes in the cache, the last one too, come to
// the disk or do not, each sector by itself.
func (d *blockDevice) cut() error {
	d.failed = true
	d.onCut()
	for i := len(d.pending) - 1; i >= 0; i-- {
		if _, err := d.image.WriteAt(d.pending[i].was, d.pending[i].at); err != nil {
			return err
		}
	}
	for _, w := range d.pending {
		for o := 0; o < len(w.data); {
			end := min(o+sector-int((w.at+int64(o))%sector), len(w.data))
			if d.luck.IntN(2) == 0 {
				if _, err := d.image.WriteAt(w.data[o:end], w.at+int64(o)); err != nil {
					return err
				}
			}
			o = end
		}
	}
	return errPower
}
