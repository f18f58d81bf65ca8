package image

import (
	"bytes"
	"crypto/x509"
	"encoding/binary"
	"fmt"
)

// Certificates returns the certificates that were built into the kernel's
// .builtin_trusted_keys: the key its modules were signed with, where the build
// made one, then those of CONFIG_SYSTEM_TRUSTED_KEYS. ErrAbsent where there
// are none.
//
// certs/system_certificates.S puts them, as DER, one behind the other into
// .init.data, then the size of the list, and in newer kernels that of its first
// part, the module key, each as an aligned long. Those sizes tell the list from
// others like it: revoked certificates, keys of the wireless regulatory
// database. A certificate that crypto/x509 cannot parse is left out.
func (m *Image) Certificates() ([]*x509.Certificate, error) {
	k, err := m.vmlinux()
	if err != nil {
		return nil, err
	}
	regions, err := k.regions(".init.data", ".init.rodata", ".rodata")
	if err != nil {
		return nil, fmt.Errorf("%s: %w", m.Path, err)
	}
	for _, b := range regions {
		for _, order := range k.orders() {
			if certs := certificates(b, order); len(certs) > 0 {
				return certs, nil
			}
		}
	}
	return nil, fmt.Errorf("%s: certificates: %w", m.Path, ErrAbsent)
}

// certificates finds the list in a region: of the rows of certificates the one
// whose sizes fit best, the first of equals.
func certificates(b []byte, order binary.ByteOrder) []*x509.Certificate {
	var row []byte
	var ends []int
	best := noList
	for off := 0; off < len(b); {
		i := bytes.Index(b[off:], []byte{0x30, 0x82})
		if i < 0 {
			break
		}
		off += i
		e := derRow(b[off:])
		if len(e) == 0 {
			off++
			continue
		}
		end := off + e[len(e)-1]
		if fit := listSizes(b, end, e, order); fit > best {
			row, ends, best = b[off:end], e, fit
		}
		off = end
	}
	return parseRow(row, ends)
}

// derRow returns where each of the certificates ends that stand one behind the
// other at the beginning of b. Only their outermost form is looked at: a
// sequence of two bytes of length, that begins with another.
func derRow(b []byte) []int {
	var ends []int
	for off := 0; len(ends) < 256; {
		rest := b[off:]
		if len(rest) < 12 || rest[0] != 0x30 || rest[1] != 0x82 || rest[4] != 0x30 || rest[5] != 0x82 {
			break
		}
		size := 4 + int(binary.BigEndian.Uint16(rest[2:]))
		inner := 4 + int(binary.BigEndian.Uint16(rest[6:]))
		if size > len(rest) || size < 128 || 4+inner > size {
			break
		}
		off += size
		ends = append(ends, off)
	}
	return ends
}

// fit is how sure it is that a row of certificates is the list.
type fit int

const (
	noList      fit = iota
	sizeAlone       // the size follows; older kernels have no more
	sizeAndZero     // and a module key of no bytes
	sizeAndKey      // and the size of the first certificate
)

// listSizes looks for the sizes behind a row that ends at offset end of b.
// .align 8 is 8 bytes on some machines and 2^8 on others (arm64, powerpc).
func listSizes(b []byte, end int, ends []int, order binary.ByteOrder) fit {
	best := noList
	for _, align := range []int{8, 256, 4} {
		for _, width := range []int{8, 4} {
			at := (end + align - 1) / align * align
			if at+width > len(b) || word(b[at:], width, order) != uint64(ends[len(ends)-1]) {
				continue
			}
			best = max(best, sizeAlone)
			if at = (at + width + align - 1) / align * align; at+width > len(b) {
				continue
			}
			switch word(b[at:], width, order) {
			case uint64(ends[0]):
				best = sizeAndKey
			case 0:
				best = max(best, sizeAndZero)
			}
		}
	}
	return best
}

func word(b []byte, width int, order binary.ByteOrder) uint64 {
	if width == 8 {
		return order.Uint64(b)
	}
	return uint64(order.Uint32(b))
}

func parseRow(b []byte, ends []int) []*x509.Certificate {
	var certs []*x509.Certificate
	begin := 0
	for _, end := range ends {
		if c, err := x509.ParseCertificate(bytes.Clone(b[begin:end])); err == nil {
			certs = append(certs, c)
		}
		begin = end
	}
	return certs
}
