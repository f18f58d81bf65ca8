package kerneltest

import (
	"bytes"
	"fmt"
)

// Rebuilt returns a copy of a module that differs from it in its build id alone,
// as another build of the same source may: it works as the original does. It has
// no signature.
func Rebuilt(module []byte) ([]byte, error) {
	return edited((*image).rebuild)(module)
}

// Deaf returns a copy of a virtio driver that loads and takes no device: the
// driver's table of devices names one that does not exist. Its build id is
// another, and it has no signature.
func Deaf(driver []byte) ([]byte, error) {
	return edited(func(m *image) error {
		_, _, list, err := m.symbols()
		if err != nil {
			return err
		}
		for _, s := range list {
			if s.name != "id_table" || int(s.shndx) >= len(m.sections) {
				continue
			}
			// struct virtio_device_id begins with the device's number
			// (include/linux/mod_devicetable.h).
			m.put32(m.sections[s.shndx].off+int(le.Uint64(m.b[s.at+8:])), 0xfffe)
			return m.rebuild()
		}
		return fmt.Errorf("symbol id_table: %w", errNotApplicable)
	})(driver)
}

// Crashing returns a copy of a module of amd64 whose init oopses: its first
// instruction, behind what ftrace looks at, is PUSH ES, which there is none of in
// 64-bit mode (Intel SDM vol. 2, PUSH). Its build id is another, and it has no
// signature.
func Crashing(module []byte) ([]byte, error) {
	return edited(func(m *image) error {
		_, _, list, err := m.symbols()
		if err != nil {
			return err
		}
		for _, s := range list {
			if s.name != "init_module" || int(s.shndx) >= len(m.sections) {
				continue
			}
			code := m.content(&m.sections[s.shndx])[le.Uint64(m.b[s.at+8:]):]
			code = bytes.TrimPrefix(code, []byte{0xf3, 0x0f, 0x1e, 0xfa}) // endbr64
			if len(code) > 5 && code[0] == 0xe8 {                         // call __fentry__
				code = code[5:]
			}
			if len(code) == 0 {
				break
			}
			code[0] = 0x06
			return m.rebuild()
		}
		return fmt.Errorf("symbol init_module: %w", errNotApplicable)
	})(module)
}

// rebuild changes the build id's last byte.
func (m *image) rebuild() error {
	s, err := m.section(".note.gnu.build-id")
	if err != nil {
		return err
	}
	m.content(s)[s.size-1] ^= 0xff
	return nil
}
