// Package keyring says which certificates a kernel has on its keyrings, and
// whether a module may be signed with their keys.
//
// A keyring is named as keyctl(1) shows it:
//
//   - .builtin_trusted_keys holds what was built into the image: the key that
//     the kernel's own modules are signed with, and CONFIG_SYSTEM_TRUSTED_KEYS
//     (certs/system_keyring.c, 6.1.192).
//   - .secondary_trusted_keys holds what was added at run time and is signed by
//     a key that is trusted already; it includes the builtin ones and .machine.
//   - .machine holds the machine owner's keys (MOK), where the kernel takes them
//     for its own (security/integrity/platform_certs/machine_keyring.c).
//   - .platform holds what the firmware trusts: its variable db and, where they
//     are not on .machine, the machine owner's keys
//     (security/integrity/platform_certs/load_uefi.c). It is made for kexec;
//     distributions let modules be signed with it by a patch of their own.
//
// The firmware's variables are those that /sys/firmware/efi shows: for another
// machine's root, a copy of them below that root.
package keyring

import (
	"crypto/sha256"
	"crypto/x509"
	"fmt"
	"slices"
)

// Ring is a keyring of the kernel.
type Ring string

// The keyrings from which a module's signature can be verified.
const (
	Builtin   Ring = ".builtin_trusted_keys"
	Secondary Ring = ".secondary_trusted_keys"
	Machine   Ring = ".machine"
	Platform  Ring = ".platform"
)

// Tristate is an answer that may be unknown.
type Tristate string

// The three answers.
const (
	Yes     Tristate = "yes"
	No      Tristate = "no"
	Unknown Tristate = "unknown"
)

// Kernel is what decides of a kernel.
type Kernel struct {
	Version [3]int // upstream: 6, 1, 192
	Distro  string // debian, rhel, …, mainline; "" where unknown
	// Config answers for a CONFIG_ name without the prefix; ok is false where
	// the configuration is not known. It may be nil.
	Config func(name string) (value string, ok bool)
	// Builtin are the certificates in the image.
	Builtin []*x509.Certificate
}

// on answers for an option.
func (k *Kernel) on(name string) Tristate {
	if k.Config == nil {
		return Unknown
	}
	switch v, ok := k.Config(name); {
	case !ok:
		return Unknown
	case v == "y":
		return Yes
	}
	return No
}

func (k *Kernel) atLeast(major, minor int) bool {
	return k.Version[0] > major || k.Version[0] == major && k.Version[1] >= minor
}

// Key is a certificate on a keyring.
type Key struct {
	Certificate *x509.Certificate
	Ring        Ring
	Source      string   // "image", "EFI variable db", "EFI variable MokListRT"
	Modules     Tristate // whether a module may be signed with it
	Why         string   // why not, or why that is unknown; empty for Yes
}

// Keys returns the certificates of a kernel that starts on a machine with that
// firmware: builtin ones first, then db, then the machine owner's.
func Keys(k Kernel, fw Firmware) []Key {
	var keys []Key
	for _, c := range k.Builtin {
		keys = append(keys, Key{Certificate: c, Ring: Builtin, Source: "image", Modules: Yes})
	}
	if k.on("LOAD_UEFI_KEYS") == No {
		return keys
	}
	platform := k.platform()
	for _, c := range fw.DB {
		key := Key{Certificate: c, Ring: Platform, Source: "EFI variable db", Modules: platform.answer, Why: platform.why}
		if fw.IgnoreDB {
			key.Modules, key.Why = No, "the boot loader tells kernels to ignore db (EFI variable MokIgnoreDB)"
		}
		keys = append(keys, k.revoked(key, fw))
	}
	for _, c := range fw.MOK {
		keys = append(keys, k.revoked(k.ownerKey(c, fw), fw))
	}
	return keys
}

// opinion is an answer with what it rests on.
type opinion struct {
	answer Tristate
	why    string
}

// platformPatch are the distributions whose kernels go on to .platform where
// the other keyrings do not have a module's key ("KEYS: Make use of platform
// keyring for module signature", by Robert Holmes), and what was seen of it.
var platformPatch = map[string]string{
	"debian": "kernel/module/signing.c of Debian's 6.1.192, seen on 6.1, 6.12, 7.2 and 7.3",
	"fedora": "the patch in Fedora's kernel package",
	"rhel":   "the patch in Fedora's kernel package, which RHEL has had since 8.1",
	"ubuntu": "UBUNTU: SAUCE: (lockdown) in Ubuntu's changelogs since 20.04",
	"suse":   "bsc#1209006 in SUSE's kernel source",
	"amazon": "the changelog of Amazon's 6.1",
}

// platform answers whether .platform is good for modules.
func (k *Kernel) platform() opinion {
	switch {
	case k.on("INTEGRITY_PLATFORM_KEYRING") == No:
		return opinion{No, "the kernel has no platform keyring (CONFIG_INTEGRITY_PLATFORM_KEYRING)"}
	case platformPatch[k.Distro] != "" && k.on("INTEGRITY_PLATFORM_KEYRING") == Yes:
		return opinion{Yes, ""}
	case k.Distro == "mainline":
		return opinion{No, "an unpatched kernel does not look on the platform keyring for modules"}
	}
	return opinion{Unknown, "whether this kernel looks on the platform keyring for modules is not known"}
}

// secondary answers whether .secondary_trusted_keys, and with it .machine, is
// good for modules: since 5.0 ("modsign: use all trusted keys to verify module
// signature"), where it is configured.
func (k *Kernel) secondary() opinion {
	switch {
	case k.on("SECONDARY_TRUSTED_KEYRING") == No:
		return opinion{No, "the kernel has no secondary keyring (CONFIG_SECONDARY_TRUSTED_KEYRING)"}
	case !k.atLeast(5, 0):
		return opinion{Unknown, "whether a kernel before 5.0 looks on the secondary keyring for modules is not known"}
	case k.on("SECONDARY_TRUSTED_KEYRING") == Unknown:
		return opinion{Unknown, "the kernel's configuration is not known"}
	}
	return opinion{Yes, ""}
}

// ownerKey says where one of the machine owner's keys goes.
func (k *Kernel) ownerKey(c *x509.Certificate, fw Firmware) Key {
	key := Key{Certificate: c, Ring: Platform, Source: "EFI variable MokListRT"}
	if k.atLeast(5, 17) && fw.SecureBoot != Yes {
		// load_uefi_certs, 6.1: "the MOK/MOKx can not be trusted when secure boot is disabled"
		key.Modules, key.Why = fw.SecureBoot, "the machine owner's keys count under secure boot only, which is off"
		if fw.SecureBoot == Unknown {
			key.Why = "the machine owner's keys count under secure boot only, and whether that is on is not known"
		}
		return key
	}
	if k.on("INTEGRITY_MACHINE_KEYRING") == Yes && k.takesOwnerKey(c, fw) {
		key.Ring = Machine
		o := k.secondary()
		key.Modules, key.Why = o.answer, o.why
		return key
	}
	o := k.platform()
	key.Modules, key.Why = o.answer, o.why
	return key
}

// takesOwnerKey answers whether .machine takes a key of the owner's: it has to
// be told to trust them, which Debian's kernels always do (trust_moklist in its
// 6.1.192), and may want certificate authorities (6.4 and later).
func (k *Kernel) takesOwnerKey(c *x509.Certificate, fw Firmware) bool {
	if !fw.TrustOwner && k.Distro != "debian" {
		return false
	}
	if k.on("INTEGRITY_CA_MACHINE_KEYRING") != Yes {
		return true
	}
	if !c.IsCA || c.KeyUsage&x509.KeyUsageCertSign == 0 {
		return false
	}
	return k.on("INTEGRITY_CA_MACHINE_KEYRING_MAX") != Yes || c.KeyUsage&x509.KeyUsageDigitalSignature == 0
}

// revoked takes trust from a key that the firmware revokes. A certificate in
// dbx counts where the kernel keeps such a list, and for .platform only; the
// digest of one counts for what is read after dbx, which db is not
// (load_uefi_certs, x509_key_preparse; 6.1).
func (k *Kernel) revoked(key Key, fw Firmware) Key {
	digest := sha256.Sum256(key.Certificate.RawTBSCertificate)
	switch {
	case key.Modules == No:
	case key.Ring == Platform && k.on("SYSTEM_REVOCATION_LIST") != No && slices.ContainsFunc(fw.Revoked, key.Certificate.Equal):
		key.Modules, key.Why = No, "the certificate is revoked (EFI variable dbx or MokListXRT)"
		if k.on("SYSTEM_REVOCATION_LIST") == Unknown {
			key.Modules = Unknown
		}
	case key.Source != "EFI variable db" && slices.Contains(fw.RevokedDigests, digest):
		key.Modules, key.Why = No, "the certificate's digest is revoked (EFI variable dbx or MokListXRT)"
	}
	return key
}

// Find returns the keys of a certificate: the same certificate, or, as the
// kernel looks for it, one of the same issuer and serial number.
func Find(keys []Key, cert *x509.Certificate) []Key {
	var found []Key
	for _, k := range keys {
		if k.Certificate.Equal(cert) || string(k.Certificate.RawIssuer) == string(cert.RawIssuer) && k.Certificate.SerialNumber.Cmp(cert.SerialNumber) == 0 {
			found = append(found, k)
		}
	}
	return found
}

// Certificates returns those of the keys for which that is the answer to
// whether modules may be signed with them.
func Certificates(keys []Key, modules Tristate) []*x509.Certificate {
	var certs []*x509.Certificate
	for _, k := range keys {
		if k.Modules == modules {
			certs = append(certs, k.Certificate)
		}
	}
	return certs
}

// String describes a key's place: ".platform (EFI variable db)".
func (k Key) String() string { return fmt.Sprintf("%s (%s)", k.Ring, k.Source) }
