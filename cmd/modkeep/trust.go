package main

import (
	"crypto/x509"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"time"

	"modkeep/kernel"
	"modkeep/kernel/keyring"
	"modkeep/ko/modsig"
	"modkeep/loader"
)

// trustReport says whether a kernel trusts a key for modules.
type trustReport struct {
	Kernel  string           `json:"kernel"`
	Trusted keyring.Tristate `json:"trusted"`
	Keys    []ringReport     `json:"keys"`   // where the key is
	Checks  keyring.Tristate `json:"checks"` // whether it can check such a signature at all
	Why     string           `json:"why"`    // why not
	Notes   []string         `json:"notes"`  // what could not be looked at
}

// ringReport is one place of a key.
type ringReport struct {
	Keyring string           `json:"keyring"` // as keyctl(1) names it
	Source  string           `json:"source"`
	Modules keyring.Tristate `json:"modules"` // whether modules may be signed with a key there
	Why     string           `json:"why,omitempty"`
}

// firmwareBelow reads what the firmware says of keys, below a root.
func firmwareBelow(root string) keyring.Firmware { return keyring.ReadFirmware(os.DirFS(root)) }

// trustOf looks for a certificate on a kernel's keyrings, and for what it takes
// to check signatures with it over a digest.
func trustOf(k *kernel.Kernel, root string, cert *x509.Certificate, hash string) *trustReport {
	keys, notes := keyringsOf(k, root)
	r := &trustReport{Kernel: k.Release, Trusted: keyring.No, Keys: []ringReport{}, Notes: append([]string{}, notes...)}
	for _, key := range keyring.Find(keys, cert) {
		r.Keys = append(r.Keys, ringReport{string(key.Ring), key.Source, key.Modules, key.Why})
		if key.Modules == keyring.Yes || r.Trusted == keyring.No {
			r.Trusted = key.Modules
		}
	}
	if r.Trusted == keyring.No && len(r.Keys) == 0 && len(r.Notes) > 0 {
		r.Trusted = keyring.Unknown
	}
	r.Checks, r.Why = checks(k, cert, hash)
	return r
}

// checks answers whether a kernel can check the signature that sign makes.
func checks(k *kernel.Kernel, cert *x509.Certificate, hash string) (keyring.Tristate, string) {
	if v := k.Version(); v.Major > 0 && !v.AtLeast(4, 3) {
		return keyring.No, "kernels before 4.3 want signatures of another form"
	}
	has, why := loader.NewTarget(k, loader.Options{}).Checks(hash, modsig.AlgorithmOf(cert))
	return map[loader.Tristate]keyring.Tristate{loader.Yes: keyring.Yes, loader.No: keyring.No, loader.Unknown: keyring.Unknown}[has], why
}

func (r *trustReport) print(w io.Writer) {
	words := map[keyring.Tristate]string{keyring.Yes: "trusts the key", keyring.No: "does not trust the key", keyring.Unknown: "may trust the key or not"}
	fmt.Fprintf(w, "kernel %s %s", r.Kernel, words[r.Trusted])
	if len(r.Keys) == 0 {
		fmt.Fprint(w, ": it is on no keyring that is known")
	}
	fmt.Fprintln(w)
	for _, k := range r.Keys {
		line := fmt.Sprintf("    on %s, from %s", k.Keyring, k.Source)
		if k.Why != "" {
			line += ": " + k.Why
		}
		fmt.Fprintln(w, line)
	}
	switch r.Checks {
	case keyring.No:
		fmt.Fprintf(w, "kernel %s cannot check the signature: %s\n", r.Kernel, r.Why)
	case keyring.Unknown:
		fmt.Fprintf(w, "kernel %s may not be able to check the signature: %s\n", r.Kernel, r.Why)
	}
	for _, n := range r.Notes {
		fmt.Fprintf(w, "    %s\n", n)
	}
}

// keyringsOf returns the keys of a kernel that starts on the machine whose
// firmware sysfs shows below a root, and what keeps them from being all.
func keyringsOf(k *kernel.Kernel, root string) (keys []keyring.Key, notes []string) {
	fw := firmwareBelow(root)
	keys, known := loader.Keyrings(k, fw)
	notes = append(notes, fw.Problems...)
	if !known {
		notes = append(notes, "the kernel's image cannot be read, or holds no certificates: which keys are built in is not known")
	}
	if !fw.Known {
		notes = append(notes, "no EFI variables below "+root+": which keys the firmware trusts is not known")
	}
	return keys, notes
}

// describeKey says which key a certificate stands for.
func describeKey(c *x509.Certificate) keyReport {
	return keyReport{
		Signer:  c.Subject.CommonName,
		Serial:  hex.EncodeToString(c.SerialNumber.Bytes()),
		KeyID:   hex.EncodeToString(c.SubjectKeyId),
		Expires: c.NotAfter.UTC().Format(time.RFC3339),
	}
}
