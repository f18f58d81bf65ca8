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
// .init.data, then (aligned to 8) the size of the list, and since 5.18 that of
// the first part, the module key, each as a long. Those sizes tell the list
// from others like it: revoked certificates, keys of the wireless regulatory
// database. A certificate that this package cannot parse is left out.
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

// certificates finds the list in a region. maxLists bounds how many rows of
// certificates are held against their sizes.
func certificates(b []byte, order binary.ByteOrder) []*x509.Certificate {
	for off := 0; off < len(b); {
		i := bytes.Index(b[off:], []byte{0x30, 0x82})
		if i < 0 {
			return nil
		}
		off += i
		ends := derRow(b[off:])
		if len(ends) == 0 {
			off++
			continue
		}
		end := ends[len(ends)-1]
		if listSizes(b[off+end:], off+end, end, ends[0], order) {
			if certs := parseRow(b[off:], ends); len(certs) > 0 {
				return certs
			}
		}
		off += end
	}
	return nil
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

// listSizes looks for the size of the list behind its end, which is at offset
// at of the kernel's section: after alignment to 4 or 8, in 8 bytes or 4. It
// must be followed by the size of the module key, which is nothing or the
// first certificate (kernels before 5.18 have only the first, and whatever
// follows).
func listSizes(b []byte, at, size, first int, order binary.ByteOrder) bool {
	for _, align := range []int{8, 4, 1} {
		pad := (align - at%align) % align
		for _, width := range []int{8, 4} {
			if pad+width > len(b) {
				continue
			}
			if word(b[pad:], width, order) == uint64(size) {
				return true
			}
		}
	}
	return false
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
