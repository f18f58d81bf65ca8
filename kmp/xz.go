package kmp

import (
	"bufio"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"hash/crc32"
	"hash/crc64"
	"io"

	"github.com/ulikunitz/xz/lzma"
)

// The .xz format, version 1.2.1: streams of blocks, an index, a footer. It is
// read here down to the LZMA2 data, because the size of the dictionary is to
// be judged before it is allocated, in every block.
const xzMagic = "\xfd7zXZ\x00"

var errXZ = errors.New("damaged .xz data")

type xzReader struct {
	r     *bufio.Reader
	check byte // kind of check behind each block
	in    *countingReader
	block io.Reader // nil between blocks
	sum   hash.Hash
	done  bool
}

// countingReader counts the bytes that a block takes, for its padding.
type countingReader struct {
	r *bufio.Reader
	n int64
}

func (c *countingReader) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += int64(n)
	return n, err
}

// ReadByte keeps the LZMA2 decoder from reading ahead.
func (c *countingReader) ReadByte() (byte, error) {
	b, err := c.r.ReadByte()
	if err == nil {
		c.n++
	}
	return b, err
}

func newXZReader(r *bufio.Reader) (*xzReader, error) {
	x := &xzReader{r: r}
	return x, x.streamHeader()
}

func (x *xzReader) streamHeader() error {
	var h [12]byte
	if _, err := io.ReadFull(x.r, h[:]); err != nil {
		return fmt.Errorf("stream header: %w", err)
	}
	if string(h[:6]) != xzMagic || h[6] != 0 || h[7] > 15 || crc32.ChecksumIEEE(h[6:8]) != binary.LittleEndian.Uint32(h[8:]) {
		return fmt.Errorf("stream header: %w", errXZ)
	}
	x.check = h[7]
	switch x.check {
	case 0, 1, 4, 10:
		return nil
	}
	return fmt.Errorf("stream header: check of unknown kind %d", x.check)
}

func (x *xzReader) Read(p []byte) (int, error) {
	for !x.done {
		if x.block == nil {
			if err := x.nextBlock(); err != nil {
				return 0, err
			}
			continue
		}
		n, err := x.block.Read(p)
		if x.sum != nil {
			x.sum.Write(p[:n])
		}
		if err == io.EOF {
			err = x.endBlock()
		}
		if n > 0 || err != nil {
			return n, err
		}
	}
	return 0, io.EOF
}

// nextBlock reads a block's header, or the index: then the stream is over, as
// nothing behind it holds data.
func (x *xzReader) nextBlock() error {
	size, err := x.r.ReadByte()
	if err != nil {
		return fmt.Errorf("block header: %w", noEOF(err))
	}
	if size == 0 {
		x.done = true
		return nil
	}
	header := make([]byte, (int(size)+1)*4)
	header[0] = size
	if _, err := io.ReadFull(x.r, header[1:]); err != nil {
		return fmt.Errorf("block header: %w", noEOF(err))
	}
	end := len(header) - 4
	if crc32.ChecksumIEEE(header[:end]) != binary.LittleEndian.Uint32(header[end:]) {
		return fmt.Errorf("block header: %w", errXZ)
	}
	dict, err := dictionary(header[1:end])
	if err != nil {
		return fmt.Errorf("block header: %w", err)
	}
	x.in = &countingReader{r: x.r, n: int64(len(header))}
	x.block, err = lzma.Reader2Config{DictCap: dict}.NewReader2(x.in)
	if err != nil {
		return fmt.Errorf("block: %w", err)
	}
	x.sum = newCheck(x.check)
	return nil
}

// dictionary reads the size of the dictionary out of a block's header from its
// flags on. LZMA2 must be the only filter.
func dictionary(h []byte) (int, error) {
	if len(h) == 0 || h[0]&3 != 0 {
		return 0, errors.New("filters other than LZMA2 are not supported")
	}
	rest := h[1:]
	for _, present := range []bool{h[0]&0x40 != 0, h[0]&0x80 != 0} {
		if !present {
			continue
		}
		n, size := binary.Uvarint(rest)
		if size <= 0 || n > 1<<62 {
			return 0, errXZ
		}
		rest = rest[size:]
	}
	if len(rest) < 3 || rest[0] != 0x21 || rest[1] != 1 {
		return 0, errors.New("filters other than LZMA2 are not supported")
	}
	bits := int(rest[2])
	if bits > 40 {
		return 0, errXZ
	}
	dict := int64(2|bits&1) << (bits/2 + 11)
	if dict > maxDict {
		return 0, fmt.Errorf("%w: a dictionary of %d bytes", ErrTooLarge, dict)
	}
	return int(max(dict, lzma.MinDictCap)), nil
}

// endBlock reads the padding to four bytes and the check.
func (x *xzReader) endBlock() error {
	x.block = nil
	var pad [3]byte
	n := int(-x.in.n & 3)
	if _, err := io.ReadFull(x.r, pad[:n]); err != nil {
		return fmt.Errorf("block padding: %w", noEOF(err))
	}
	if pad != [3]byte{} {
		return fmt.Errorf("block padding: %w", errXZ)
	}
	if x.sum == nil {
		return nil
	}
	stored := make([]byte, x.sum.Size())
	if _, err := io.ReadFull(x.r, stored); err != nil {
		return fmt.Errorf("block check: %w", noEOF(err))
	}
	sum := x.sum.Sum(nil)
	if x.check != 10 { // CRCs are stored with the lowest byte first
		for i, j := 0, len(sum)-1; i < j; i, j = i+1, j-1 {
			sum[i], sum[j] = sum[j], sum[i]
		}
	}
	if string(sum) != string(stored) {
		return fmt.Errorf("block check: %w", errXZ)
	}
	return nil
}

func newCheck(kind byte) hash.Hash {
	switch kind {
	case 1:
		return crc32.NewIEEE()
	case 4:
		return crc64.New(crc64.MakeTable(crc64.ECMA)) // made once
	case 10:
		return sha256.New()
	}
	return nil
}

// noEOF says of a stream that it ended too early.
func noEOF(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}
