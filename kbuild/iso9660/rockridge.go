package iso9660

import (
	"encoding/binary"
	"errors"
	"io/fs"
	"strings"
)

// posix is what Rock Ridge adds to an entry.
type posix struct {
	name      string
	mode      uint32
	hasMode   bool
	target    strings.Builder
	isLink    bool
	joined    bool   // the last component of the target goes on
	child     uint32 // CL: the directory is elsewhere
	relocated bool   // RE: this one is shown elsewhere
}

// apply puts name, mode and target into a file.
func (p *posix) apply(base *string, f *File) {
	if p.name != "" {
		*base = p.name
	}
	if p.hasMode {
		f.Mode = fs.FileMode(p.mode & 0o777)
		switch p.mode & 0o170000 {
		case 0o040000:
			f.Mode |= fs.ModeDir
		case 0o120000:
			f.Mode |= fs.ModeSymlink
		case 0o100000, 0:
		default:
			f.Mode |= fs.ModeIrregular
		}
	}
	if p.isLink {
		f.Mode = fs.ModeSymlink | 0o777
		f.Target = p.target.String()
	}
}

var errSystemUse = errors.New("damaged system use area")

// systemUse reads the fields of an entry, over its continuation areas.
func (i *image) systemUse(area []byte) (*posix, error) {
	p := &posix{}
	if len(area) >= i.skip {
		area = area[i.skip:]
	}
	for n := 0; area != nil; n++ {
		if n > maxExtra {
			return nil, errSystemUse
		}
		next, err := i.fields(p, area)
		if err != nil {
			return nil, err
		}
		area = next
	}
	return p, nil
}

// fields reads one area and returns the one that it goes on in, nil for none.
func (i *image) fields(p *posix, area []byte) (next []byte, err error) {
	for len(area) >= 4 {
		n := int(area[2])
		if n < 4 || n > len(area) {
			if area[0] == 0 { // padding
				break
			}
			return nil, errSystemUse
		}
		body := area[4:n]
		switch string(area[:2]) {
		case "CE":
			if next, err = i.continuation(body); err != nil {
				return nil, err
			}
		case "NM":
			if len(body) > 1 && body[0]&6 == 0 {
				p.name += string(body[1:])
			}
		case "PX":
			if len(body) >= 4 {
				p.mode, p.hasMode = binary.LittleEndian.Uint32(body), true
			}
		case "SL":
			if len(body) > 0 {
				p.link(body[1:])
			}
		case "CL":
			if len(body) >= 4 {
				p.child = binary.LittleEndian.Uint32(body)
			}
		case "RE":
			p.relocated = true
		case "ST":
			return next, nil
		}
		area = area[n:]
	}
	if len(p.name) > 1024 || p.target.Len() > 4096 {
		return nil, errSystemUse
	}
	return next, nil
}

// continuation reads the area that CE names.
func (i *image) continuation(body []byte) ([]byte, error) {
	if len(body) < 24 {
		return nil, errSystemUse
	}
	size := binary.LittleEndian.Uint32(body[16:])
	if size > sector {
		return nil, errSystemUse
	}
	area := make([]byte, size)
	at := int64(binary.LittleEndian.Uint32(body))*sector + int64(binary.LittleEndian.Uint32(body[8:]))
	if _, err := i.r.ReadAt(area, at); err != nil {
		return nil, errSystemUse
	}
	return area, nil
}

// link adds the components of SL (P1282, 4.1.3) to a link's target.
func (p *posix) link(body []byte) {
	p.isLink = true
	for len(body) >= 2 && 2+int(body[1]) <= len(body) {
		flags, text := body[0], string(body[2:2+int(body[1])])
		switch {
		case flags&2 != 0:
			text = "."
		case flags&4 != 0:
			text = ".."
		case flags&8 != 0:
			text = "/"
		}
		if at := p.target.String(); at != "" && at != "/" && !p.joined {
			p.target.WriteByte('/')
		}
		p.target.WriteString(text)
		p.joined = flags&1 != 0
		body = body[2+int(body[1]):]
	}
}
