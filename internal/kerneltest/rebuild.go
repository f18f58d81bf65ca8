package kerneltest

import "fmt"

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

// rebuild changes the build id's last byte.
func (m *image) rebuild() error {
	s, err := m.section(".note.gnu.build-id")
	if err != nil {
		return err
	}
	m.content(s)[s.size-1] ^= 0xff
	return nil
}
