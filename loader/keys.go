package loader

import (
	"crypto/x509"
	"slices"
	"sync"

	"modkeep/kernel"
	"modkeep/kernel/keyring"
)

// Keyrings returns the certificates that a kernel has on its keyrings when it
// starts on a machine with that firmware. Those in the image are missing, and
// known is false, where the image cannot be read.
func Keyrings(k *kernel.Kernel, fw keyring.Firmware) (keys []keyring.Key, known bool) {
	v := k.Version()
	about := keyring.Kernel{Version: [3]int{v.Major, v.Minor, v.Patch}, Distro: k.Distro().ID, Config: configOf(k)}
	if im := k.Image(); im != nil {
		if built, err := im.Certificates(); err == nil {
			about.Builtin, known = built, true
		}
	}
	return keyring.Keys(about, fw), known
}

// keysOf returns the certificates that a kernel trusts for modules, those given
// first, and those of which that is not known. The former are not known where
// the image cannot be read and none were given.
func keysOf(k *kernel.Kernel, opts Options) (keys func() ([]*x509.Certificate, bool), doubtful func() []*x509.Certificate) {
	rings := sync.OnceValues(func() ([]keyring.Key, bool) { return Keyrings(k, opts.Firmware) })
	keys = sync.OnceValues(func() ([]*x509.Certificate, bool) {
		on, known := rings()
		return append(slices.Clone(opts.Keyring), keyring.Certificates(on, keyring.Yes)...), known || len(opts.Keyring) > 0
	})
	return keys, func() []*x509.Certificate {
		on, _ := rings()
		return keyring.Certificates(on, keyring.Unknown)
	}
}
