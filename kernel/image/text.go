package image

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"strings"

	"modkeep/ko/elf"
)

// LinuxVersion returns the sentence that the kernel begins its log with:
// "Linux version 6.1.0-56-amd64 (debian-kernel@lists.debian.org) (gcc-12 …) #1 SMP …".
// It needs the payload.
func (m *Image) LinuxVersion() (string, error) {
	k, err := m.vmlinux()
	if err != nil {
		return "", err
	}
	s, err := k.linuxVersion()
	if err != nil {
		return "", fmt.Errorf("%s: %w", m.Path, err)
	}
	return s, nil
}

const linuxVersion = "Linux version "

// maxTries is how many places in a region are looked at for a string.
const maxTries = 4096

func (k *kernel) linuxVersion() (string, error) {
	regions, err := k.regions(".rodata", ".init.rodata", ".data")
	if err != nil {
		return "", err
	}
	found := ""
	for _, b := range regions {
		for off, tries := 0, 0; tries < maxTries; off, tries = off+len(linuxVersion), tries+1 {
			i := bytes.Index(b[off:], []byte(linuxVersion))
			if i < 0 {
				break
			}
			off += i
			s := b[off:min(off+maxString, len(b))]
			s = s[:max(0, bytes.IndexByte(s, 0))]
			if s = bytes.TrimRight(s, "\n"); len(s) <= len(linuxVersion) || !digit(s[len(linuxVersion)]) || !printable(s) {
				continue
			}
			// From 6.1 on there are two, the first made before the number of
			// the build was known: "# SMP", where the other has "#1 SMP".
			if found = string(s); !strings.Contains(found, " # ") {
				return found, nil
			}
		}
	}
	if found == "" {
		return "", fmt.Errorf("%q: %w", linuxVersion, ErrAbsent)
	}
	return found, nil
}

// shortBanner makes "6.1.0 (by) #1 SMP …" of "Linux version 6.1.0 (by) (gcc …) #1 SMP …".
func shortBanner(s string) string {
	s = strings.TrimPrefix(s, linuxVersion)
	begin := strings.Index(s, ") (")
	end := strings.Index(s, ") #")
	if begin < 0 || end <= begin {
		return s
	}
	return s[:begin+1] + s[end+1:]
}

func firstWord(s string) string {
	word, _, _ := strings.Cut(s, " ")
	return word
}

func digit(c byte) bool { return c >= '0' && c <= '9' }

// Vermagic returns the string that the kernel compares with a module's
// vermagic, trailing space and all: "6.1.0-56-amd64 SMP preempt mod_unload
// modversions ". A kernel without CONFIG_MODULES has none: ErrAbsent.
//
// It is the string of the kernel's memory that begins with its release and a
// space and goes on in words (include/linux/vermagic.h).
func (m *Image) Vermagic() (string, error) {
	k, err := m.vmlinux()
	if err != nil {
		return "", err
	}
	s, err := k.vermagic()
	if err != nil {
		return "", fmt.Errorf("%s: vermagic: %w", m.Path, err)
	}
	return s, nil
}

func (k *kernel) vermagic() (string, error) {
	version, err := k.linuxVersion()
	if err != nil {
		return "", err
	}
	begin := firstWord(strings.TrimPrefix(version, linuxVersion)) + " "
	regions, err := k.regions(".rodata", ".init.rodata", ".data")
	if err != nil {
		return "", err
	}
	for _, b := range regions {
		for off, tries := 0, 0; tries < maxTries; off, tries = off+1, tries+1 {
			i := bytes.Index(b[off:], []byte(begin))
			if i < 0 {
				break
			}
			off += i
			s := b[off:min(off+maxString, len(b))]
			s = s[:max(0, bytes.IndexByte(s, 0))]
			if (off == 0 || b[off-1] == 0) && len(s) > 0 && flags(s[len(begin):]) {
				return string(s), nil
			}
		}
	}
	return "", ErrAbsent
}

// flags reports whether b is words as vermagic has them. The banner of the
// setup code begins like it but goes on with "(user@host)".
func flags(b []byte) bool {
	for _, c := range b {
		if !identPart[c] && c != ' ' && c != '-' && c != '+' {
			return false
		}
	}
	return true
}

// Config returns the configuration that CONFIG_IKCONFIG builds in, still
// compressed by gzip, or ErrAbsent. What /proc/config.gz has.
func (m *Image) Config() ([]byte, error) {
	k, err := m.vmlinux()
	if err != nil {
		return nil, err
	}
	regions, err := k.regions(".rodata", ".init.rodata", ".data")
	if err != nil {
		return nil, fmt.Errorf("%s: %w", m.Path, err)
	}
	for _, b := range regions {
		// kernel/configs.c; gzip follows the mark at once.
		begin := bytes.Index(b, []byte("IKCFG_ST\x1f\x8b"))
		if begin < 0 {
			continue
		}
		gz := b[begin+len("IKCFG_ST"):]
		end := bytes.Index(gz[:min(len(gz), 4<<20)], []byte("IKCFG_ED"))
		if end < 0 {
			return nil, fmt.Errorf("%s: configuration at offset %#x of its section: no end mark", m.Path, begin)
		}
		return bytes.Clone(gz[:end]), nil
	}
	return nil, fmt.Errorf("%s: configuration: %w", m.Path, ErrAbsent)
}

// BTF returns the type information of CONFIG_DEBUG_INFO_BTF, the content of
// /sys/kernel/btf/vmlinux, or ErrAbsent. The bytes belong to the image: they
// are not to be changed, nor used after Close.
func (m *Image) BTF() ([]byte, error) {
	k, err := m.vmlinux()
	if err != nil {
		return nil, err
	}
	var btf []byte
	if k.elf != nil {
		var s *elf.Section
		if s = k.elf.Section(".BTF"); s != nil {
			btf, err = k.elf.Data(s)
		}
	} else {
		btf = flatBTF(k.flat)
	}
	if err == nil && len(btf) == 0 {
		err = fmt.Errorf("BTF: %w", ErrAbsent)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", m.Path, err)
	}
	return btf, nil
}

// flatBTF finds BTF by its header (include/uapi/linux/btf.h): magic, version 1,
// flags 0, header length 24, types at 0, strings right behind the types and
// beginning with the empty one.
func flatBTF(flat []byte) []byte {
	for _, order := range []binary.ByteOrder{binary.LittleEndian, binary.BigEndian} {
		magic := make([]byte, 12)
		order.PutUint16(magic, 0xeb9f)
		magic[2] = 1
		order.PutUint32(magic[4:], 24)
		for off := 0; ; off++ {
			i := bytes.Index(flat[off:], magic)
			if i < 0 {
				break
			}
			off += i
			if off%4 != 0 || off+24 > len(flat) {
				continue
			}
			h := flat[off:]
			types, strs, size := uint64(order.Uint32(h[12:])), uint64(order.Uint32(h[16:])), uint64(order.Uint32(h[20:]))
			if types == strs && size > 0 && 24+strs+size <= uint64(len(h)) && types > 4096 && h[24+strs] == 0 {
				return h[: 24+strs+size : 24+strs+size]
			}
		}
	}
	return nil
}
