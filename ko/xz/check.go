package xz

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"hash"
	"hash/crc32"
	"hash/crc64"
	"slices"
)

// checkKind is the check of a stream's blocks, as its flags number it.
type checkKind uint8

const (
	checkNone   checkKind = 0
	checkCRC32  checkKind = 1
	checkCRC64  checkKind = 4
	checkSHA256 checkKind = 10
)

// String names the check as xz --list does.
func (k checkKind) String() string {
	switch k {
	case checkNone:
		return "None"
	case checkCRC32:
		return "CRC32"
	case checkCRC64:
		return "CRC64"
	case checkSHA256:
		return "SHA-256"
	}
	return fmt.Sprintf("check %d", uint8(k))
}

// known says whether this package can verify the check. The format reserves
// numbers up to 15; nobody writes them.
func (k checkKind) known() bool {
	return k == checkNone || k == checkCRC32 || k == checkCRC64 || k == checkSHA256
}

// size is the check's length in bytes.
func (k checkKind) size() int {
	switch k {
	case checkCRC32:
		return 4
	case checkCRC64:
		return 8
	case checkSHA256:
		return 32
	}
	return 0
}

// crc64Table returns the table of CRC64, which is made once, when it is needed.
func crc64Table() *crc64.Table { return crc64.MakeTable(crc64.ECMA) }

// equal says whether sum begins with the check of out.
func (k checkKind) equal(out, sum []byte) bool {
	switch k {
	case checkCRC32:
		return crc32.ChecksumIEEE(out) == binary.LittleEndian.Uint32(sum)
	case checkCRC64:
		return crc64.Checksum(out, crc64Table()) == binary.LittleEndian.Uint64(sum)
	case checkSHA256:
		return sha256.Sum256(out) == [32]byte(sum)
	}
	return true
}

// hash returns what computes the check bit by bit; with checkNone it does
// nothing.
func (k checkKind) hash() hash.Hash {
	switch k {
	case checkCRC32:
		return crc32.NewIEEE()
	case checkCRC64:
		return crc64.New(crc64Table())
	case checkSHA256:
		return sha256.New()
	}
	return noHash{}
}

// stored returns the sum as it stands in a file: a CRC lowest byte first.
func (k checkKind) stored(h hash.Hash) []byte {
	sum := h.Sum(nil)
	if k != checkSHA256 {
		slices.Reverse(sum)
	}
	return sum
}

// noHash is the hash of a stream without a check.
type noHash struct{ hash.Hash }

func (noHash) Write(p []byte) (int, error) { return len(p), nil }
