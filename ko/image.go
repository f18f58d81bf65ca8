package ko

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"sync"
	"syscall"
)

// ErrNotRegular is wrapped by the error for a directory, FIFO, socket or
// device.
var ErrNotRegular = errors.New("not a regular file")

// MaxSize is the largest plain module file that is opened. Little of such a
// file is read, but what walks over its sections shall end within the second.
const MaxSize = 512 << 20

const (
	// wholeSize is the size up to which a plain file is read at once: the
	// loader's rules look at nearly all of a module without debugging
	// information, and one pread costs less than the many it replaces.
	wholeSize = 2 << 20
	// tailSize is what is read of the end of a larger file: section headers,
	// their names and the signature lie there.
	tailSize = 16 << 10
)

// Image is the bytes of a module file, decompressed. It is read with ReadAt;
// whether it is an ELF file nobody has looked at. It may be used by several
// goroutines until it is closed.
type Image struct {
	Path        string      // as given
	Compression Compression // of the file on disk
	Size        int64       // bytes after decompression, signature included
	DiskSize    int64       // bytes of the file

	r      io.ReaderAt // nil where the whole file is in tail
	file   *os.File    // what Close closes, nil for NewImage
	tail   []byte      // the last bytes of the image, at tailAt
	tailAt int64
	head   [64]byte // the first bytes, where tail has not got them
	pooled *[]byte  // the buffer that Close gives back
}

// OpenImage opens a module file and decompresses it where it is compressed,
// which its first bytes say, not its name. A FIFO, device or directory is
// refused at once with an error that wraps ErrNotRegular.
func OpenImage(path string) (*Image, error) {
	f, err := openRaw(path)
	if err != nil {
		return nil, err
	}
	if f.size > wholeSize {
		file := os.NewFile(uintptr(f.fd), path)
		im, err := NewImage(path, file, f.size)
		if err != nil || im.r == nil {
			file.Close()
			return im, err
		}
		im.file = file
		return im, nil
	}
	im, err := NewImage(path, f, f.size)
	syscall.Close(f.fd)
	return im, err
}

// rawFile is an open file without the poller and the finalizer of *os.File,
// which cost as much as reading a small module.
type rawFile struct {
	fd   int
	size int64
}

// openRaw opens a regular file.
func openRaw(path string) (*rawFile, error) {
	var fd int
	var st syscall.Stat_t
	err := retry(func() (err error) {
		// O_NONBLOCK: opening a FIFO that nobody writes to must not hang.
		fd, err = syscall.Open(path, syscall.O_RDONLY|syscall.O_NONBLOCK|syscall.O_CLOEXEC, 0)
		return err
	})
	if err != nil {
		return nil, &fs.PathError{Op: "open", Path: path, Err: err}
	}
	err = retry(func() error { return syscall.Fstat(fd, &st) })
	if err == nil && st.Mode&syscall.S_IFMT != syscall.S_IFREG {
		err = fmt.Errorf("%s: %w", kind(st.Mode), ErrNotRegular)
	}
	if err != nil {
		syscall.Close(fd)
		return nil, &fs.PathError{Op: "open", Path: path, Err: err}
	}
	return &rawFile{fd, st.Size}, nil
}

// ReadAt implements io.ReaderAt.
func (f *rawFile) ReadAt(p []byte, off int64) (int, error) {
	done := 0
	for done < len(p) {
		var n int
		err := retry(func() (err error) {
			n, err = syscall.Pread(f.fd, p[done:], off+int64(done))
			return err
		})
		if err != nil {
			return done, err
		}
		if n == 0 {
			return done, io.EOF
		}
		done += n
	}
	return done, nil
}

// retry repeats a system call that a signal interrupted.
func retry(call func() error) error {
	for {
		if err := call(); err != syscall.EINTR {
			return err
		}
	}
}

// kind names what a file is instead of regular.
func kind(mode uint32) string {
	switch mode & syscall.S_IFMT {
	case syscall.S_IFDIR:
		return "directory"
	case syscall.S_IFIFO:
		return "named pipe"
	case syscall.S_IFSOCK:
		return "socket"
	case syscall.S_IFCHR, syscall.S_IFBLK:
		return "device"
	}
	return "special file"
}

// NewImage makes an Image from a file's bytes on disk. path is for messages.
func NewImage(path string, r io.ReaderAt, size int64) (*Image, error) {
	im := &Image{Path: path, Size: size, DiskSize: size, r: r}
	if size > MaxSize {
		return nil, fmt.Errorf("%s: %d bytes are more than the %d of the largest module", path, size, MaxSize)
	}
	if err := im.readTail(); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	head := im.tail
	if im.tailAt > 0 {
		head = im.head[:]
		if n, err := r.ReadAt(head, 0); n < len(head) {
			im.Close()
			return nil, fmt.Errorf("%s: %w", path, err)
		}
	}
	if im.Compression = CompressionOf(head); im.Compression == None {
		return im, nil
	}
	if err := im.unpack(); err != nil {
		return nil, err
	}
	return im, nil
}

// unpack puts the decompressed bytes in the place of the file's.
func (im *Image) unpack() error {
	room := wholeFiles.Get().(*[]byte)
	data, err := decompress(*room, im.Compression, im, im.Size)
	im.Close()
	if err != nil {
		wholeFiles.Put(room)
		return fmt.Errorf("%s: %s: %w", im.Path, im.Compression, err)
	}
	if len(data) > 0 && &data[0] == &(*room)[0] {
		im.pooled = room
	} else {
		wholeFiles.Put(room)
	}
	im.Size, im.tail, im.tailAt = int64(len(data)), data, 0
	return nil
}

// wholeFiles keeps the buffers of closed images.
var wholeFiles = sync.Pool{New: func() any { b := make([]byte, wholeSize); return &b }}

// readTail reads the whole of a small file, else its end.
func (im *Image) readTail() error {
	if im.Size <= wholeSize {
		im.pooled = wholeFiles.Get().(*[]byte)
		im.tail = (*im.pooled)[:im.Size]
	} else {
		im.tail, im.tailAt = make([]byte, tailSize), im.Size-tailSize
	}
	n, err := im.r.ReadAt(im.tail, im.tailAt)
	if n < len(im.tail) {
		im.Close()
		if err == io.EOF {
			err = io.ErrUnexpectedEOF // it became shorter since it was opened
		}
		return err
	}
	if im.tailAt == 0 {
		im.r = nil
	}
	return nil
}

// Close releases the file. Bytes that were got from the image, as Data of a
// section gives them, must not be used afterwards.
func (im *Image) Close() error {
	if im.pooled != nil {
		wholeFiles.Put(im.pooled)
	}
	im.pooled, im.tail, im.r = nil, nil, nil
	file := im.file
	im.file = nil
	if file != nil {
		return file.Close()
	}
	return nil
}

// ReadAt reads bytes of the decompressed image.
func (im *Image) ReadAt(p []byte, off int64) (int, error) {
	if off < 0 {
		return 0, fmt.Errorf("%s: read at %d", im.Path, off)
	}
	if off >= im.Size {
		return 0, io.EOF
	}
	if off >= im.tailAt && im.tail != nil {
		n := copy(p, im.tail[off-im.tailAt:])
		if n < len(p) {
			return n, io.EOF
		}
		return n, nil
	}
	if im.r == nil {
		return 0, fs.ErrClosed
	}
	if off+int64(len(p)) <= int64(len(im.head)) {
		return copy(p, im.head[off:]), nil
	}
	return im.r.ReadAt(p, off)
}

// Slice returns bytes of the image without copying, false where they are not
// in memory. They are valid until Close.
func (im *Image) Slice(off, n int64) ([]byte, bool) {
	if off < im.tailAt || n < 0 || off+n > im.tailAt+int64(len(im.tail)) {
		return nil, false
	}
	i := off - im.tailAt
	return im.tail[i : i+n : i+n], true
}
