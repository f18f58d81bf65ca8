package made

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"strings"

	"github.com/klauspost/compress/zstd"
	"github.com/ulikunitz/xz"
)

// Pack packs data the way the name's suffix says: .gz, .xz or .zst; other names
// get it as it is. A file .xz has the check that the kernel's own decoder
// understands, CRC32.
func Pack(name string, data []byte) ([]byte, error) {
	var b bytes.Buffer
	switch {
	case strings.HasSuffix(name, ".gz"):
		w, err := gzip.NewWriterLevel(&b, gzip.BestCompression)
		if err != nil {
			return nil, err
		}
		return packed(&b, name, data, w)
	case strings.HasSuffix(name, ".xz"):
		w, err := xz.WriterConfig{CheckSum: xz.CRC32, DictCap: 1 << 20}.NewWriter(&b)
		if err != nil {
			return nil, err
		}
		return packed(&b, name, data, w)
	case strings.HasSuffix(name, ".zst"):
		w, err := zstd.NewWriter(&b, zstd.WithEncoderConcurrency(1))
		if err != nil {
			return nil, err
		}
		return packed(&b, name, data, w)
	}
	return data, nil
}

func packed(b *bytes.Buffer, name string, data []byte, w interface {
	Write([]byte) (int, error)
	Close() error
}) ([]byte, error) {
	if _, err := w.Write(data); err != nil {
		return nil, fmt.Errorf("pack %s: %w", name, err)
	}
	if err := w.Close(); err != nil {
		return nil, fmt.Errorf("pack %s: %w", name, err)
	}
	return b.Bytes(), nil
}

// File returns the module file's bytes, packed as its path says.
func (m *Module) File() ([]byte, error) {
	data, err := m.ELF()
	if err != nil {
		return nil, err
	}
	return Pack(m.Path, data)
}
