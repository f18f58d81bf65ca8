package ko

import (
	"bytes"
	"fmt"
	"io"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"github.com/ulikunitz/xz"
)

// Suffix returns what the name of a file with that compression ends in behind
// .ko: "", ".gz", ".xz" or ".zst".
func (c Compression) Suffix() string {
	switch c {
	case Gzip:
		return ".gz"
	case XZ:
		return ".xz"
	case Zstd:
		return ".zst"
	}
	return ""
}

// xzDict is the size of the dictionary that a packed module asks of those who
// unpack it, as in the kernel's scripts/Makefile.modinst (6.12).
const xzDict = 1 << 20

// Compress packs a module so that kmod and the kernel unpack it: .xz with a
// CRC-32, which is all that lib/xz checks, and a dictionary of 1 MiB; .zst as
// one frame that states its size, with a window of at most 8 MiB; .gz without
// name and time. The same module makes the same bytes each time.
func Compress(c Compression, module []byte) ([]byte, error) {
	if len(module) > MaxUnpacked {
		return nil, fmt.Errorf("%s: %d bytes are more than the %d of the largest module", c, len(module), MaxUnpacked)
	}
	var b bytes.Buffer
	var w io.WriteCloser
	var err error
	switch c {
	case None:
		return bytes.Clone(module), nil
	case Gzip:
		w, err = gzip.NewWriterLevel(&b, gzip.BestCompression)
	case XZ:
		w, err = xz.WriterConfig{CheckSum: xz.CRC32, DictCap: xzDict}.NewWriter(&b)
	case Zstd:
		return zstdFrame(module)
	default:
		return nil, fmt.Errorf("compression %q is not known", string(c))
	}
	if err == nil {
		_, err = w.Write(module)
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", c, err)
	}
	return b.Bytes(), nil
}

func zstdFrame(module []byte) ([]byte, error) {
	// One goroutine: how the input is split would else depend on the machine.
	e, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1), zstd.WithEncoderLevel(zstd.SpeedBestCompression), zstd.WithWindowSize(zstdWindow))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", Zstd, err)
	}
	return e.EncodeAll(module, nil), nil
}
