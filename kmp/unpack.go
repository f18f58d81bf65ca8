package kmp

import (
	"bufio"
	"bytes"
	"compress/bzip2"
	"fmt"
	"io"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"modkeep/ko/xz"
)

// maxDict bounds the window that a compressed stream may ask for, in bytes: xz
// -9 uses 64 MiB, zstd -19 8 MiB.
const maxDict = 64 << 20

// unpack returns the stream that r holds, by its first bytes; what is not
// compressed is returned as it is. The bytes that come out are counted against
// the budget. closeStream ends the decompressor.
func unpack(c *collector, r io.Reader) (stream io.Reader, closeStream func(), err error) {
	b := bufio.NewReaderSize(r, 64<<10)
	magic, err := b.Peek(6)
	if err != nil && err != io.EOF {
		return nil, nil, err
	}
	var out io.Reader = b
	closeStream = func() {}
	switch {
	case bytes.HasPrefix(magic, []byte{0x1f, 0x8b}):
		out, err = gzip.NewReader(b)
	case xz.Is(magic):
		out, err = xz.NewReader(b, maxDict)
	case bytes.HasPrefix(magic, []byte{0x28, 0xb5, 0x2f, 0xfd}):
		var z *zstd.Decoder
		z, err = zstd.NewReader(b, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxWindow(maxDict))
		if err == nil {
			out, closeStream = z, z.Close
		}
	case bytes.HasPrefix(magic, []byte("BZh")):
		out = bzip2.NewReader(b)
	case bytes.HasPrefix(magic, []byte{0x5d, 0, 0}):
		out, err = xz.NewLZMAReader(b, maxDict)
	}
	if err != nil {
		return nil, nil, fmt.Errorf("open compressed stream: %w", err)
	}
	return metered{out, c}, closeStream, nil
}

// noEOF says of a stream that it ended too early.
func noEOF(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}
