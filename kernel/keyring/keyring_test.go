package keyring

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/binary"
	"io/fs"
	"math/big"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"
)

// certify makes a certificate of a new key.
func certify(t testing.TB, name string, serial int64, vary func(*x509.Certificate)) *x509.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(serial), Subject: pkix.Name{CommonName: name},
		NotBefore: time.Unix(0, 0), NotAfter: time.Unix(1<<32, 0), BasicConstraintsValid: true}
	if vary != nil {
		vary(template)
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return cert
}

// list is one EFI_SIGNATURE_LIST of values of one size (UEFI 2.10, 32.4.1).
func list(kind guid, values ...[]byte) []byte {
	size := 16 + len(values[0])
	b := append([]byte{}, kind[:]...)
	b = binary.LittleEndian.AppendUint32(b, uint32(28+size*len(values)))
	b = binary.LittleEndian.AppendUint32(b, 0)
	b = binary.LittleEndian.AppendUint32(b, uint32(size))
	for _, v := range values {
		b = append(append(b, make([]byte, 16)...), v...)
	}
	return b
}

// variables makes a root whose sysfs shows EFI variables, named NAME-VENDOR.
func variables(values map[string][]byte) fstest.MapFS {
	root := fstest.MapFS{varsDir: {Mode: fs.ModeDir | 0o755}}
	for name, value := range values {
		path := varsDir + "/" + name
		if strings.HasPrefix(name, "table/") {
			path = mokDir + "/" + strings.TrimPrefix(name, "table/")
		} else {
			value = append([]byte{7, 0, 0, 0}, value...)
		}
		root[path] = &fstest.MapFile{Data: value}
	}
	return root
}

const (
	nameDB     = "db-d719b2cb-3d3a-4596-a3bc-dad00e67656f"
	nameDBX    = "dbx-d719b2cb-3d3a-4596-a3bc-dad00e67656f"
	nameMOK    = "MokListRT-605dab50-e046-4300-abb6-3dd810dd8b23"
	nameMOKX   = "MokListXRT-605dab50-e046-4300-abb6-3dd810dd8b23"
	nameIgnore = "MokIgnoreDB-605dab50-e046-4300-abb6-3dd810dd8b23"
	nameTrust  = "MokListTrustedRT-605dab50-e046-4300-abb6-3dd810dd8b23"
	nameSecure = "SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c"
	nameSetup  = "SetupMode-8be4df61-93ca-11d2-aa0d-00e098032b8c"
)

// with returns a map with secure boot turned on, and more.
func with(more map[string][]byte) map[string][]byte {
	all := map[string][]byte{nameSecure: {1}, nameSetup: {0}}
	for name, value := range more {
		all[name] = value
	}
	return all
}

// configured answers as a configuration with these options does.
func configured(on ...string) func(string) (string, bool) {
	return func(name string) (string, bool) {
		if slices.Contains(on, name) {
			return "y", true
		}
		return "n", true
	}
}

// debianOptions are set in Debian's kernels of 6.1 and 6.12.
var debianOptions = []string{"LOAD_UEFI_KEYS", "INTEGRITY_PLATFORM_KEYRING", "INTEGRITY_MACHINE_KEYRING", "SECONDARY_TRUSTED_KEYRING"}

// TestKeys holds what becomes of one certificate against load_uefi.c,
// machine_keyring.c and signing.c of 6.1.192, Debian's and mainline's.
func TestKeys(t *testing.T) {
	cert := certify(t, "site key", 1, nil)
	authority := certify(t, "site CA", 2, func(c *x509.Certificate) { c.IsCA, c.KeyUsage = true, x509.KeyUsageCertSign })
	signing := certify(t, "signing CA", 3, func(c *x509.Certificate) {
		c.IsCA, c.KeyUsage = true, x509.KeyUsageCertSign|x509.KeyUsageDigitalSignature
	})
	x509s := func(c *x509.Certificate) []byte { return list(guidX509, c.Raw) }
	tbs := sha256.Sum256(cert.RawTBSCertificate)
	digest := list(guidX509SHA256, append(tbs[:], make([]byte, 16)...))
	debian := Kernel{Version: [3]int{6, 1, 192}, Distro: "debian", Config: configured(debianOptions...)}
	mainline := Kernel{Version: [3]int{6, 6, 0}, Distro: "mainline", Config: configured(debianOptions...)}
	change := func(k Kernel, edit func(*Kernel)) Kernel { edit(&k); return k }
	tests := []struct {
		name   string
		kernel Kernel
		vars   map[string][]byte
		cert   *x509.Certificate
		ring   Ring // "": on none
		want   Tristate
	}{
		{"db, Debian", debian, map[string][]byte{nameDB: x509s(cert)}, cert, Platform, Yes},
		{"db, mainline", mainline, map[string][]byte{nameDB: x509s(cert)}, cert, Platform, No},
		{"db, RHEL", change(mainline, func(k *Kernel) { k.Distro = "rhel" }), map[string][]byte{nameDB: x509s(cert)}, cert, Platform, Yes},
		{"db, unknown maker", change(mainline, func(k *Kernel) { k.Distro = "nixos" }), map[string][]byte{nameDB: x509s(cert)}, cert, Platform, Unknown},
		{"db, no configuration", change(debian, func(k *Kernel) { k.Config = nil }), map[string][]byte{nameDB: x509s(cert)}, cert, Platform, Unknown},
		{"db, no platform keyring", change(debian, func(k *Kernel) { k.Config = configured("LOAD_UEFI_KEYS") }), map[string][]byte{nameDB: x509s(cert)}, cert, Platform, No},
		{"db, keys of the firmware not loaded", change(debian, func(k *Kernel) { k.Config = configured("INTEGRITY_PLATFORM_KEYRING") }), map[string][]byte{nameDB: x509s(cert)}, cert, "", No},
		{"db ignored", debian, map[string][]byte{nameDB: x509s(cert), nameIgnore: {1}}, cert, Platform, No},
		{"db among others", debian, map[string][]byte{nameDB: slices.Concat(list(guidSHA256, make([]byte, 32)), x509s(authority), x509s(cert))}, cert, Platform, Yes},
		{"owner's, secure boot", debian, with(map[string][]byte{nameMOK: x509s(cert)}), cert, Machine, Yes},
		{"owner's, in shim's table", debian, with(map[string][]byte{"table/MokListRT": x509s(cert)}), cert, Machine, Yes},
		{"owner's, no secure boot", debian, map[string][]byte{nameMOK: x509s(cert)}, cert, Platform, No},
		{"owner's, setup mode", debian, map[string][]byte{nameMOK: x509s(cert), nameSecure: {1}, nameSetup: {1}}, cert, Platform, No},
		{"owner's, no secure boot, 5.10", change(debian, func(k *Kernel) {
			k.Version, k.Config = [3]int{5, 10, 0}, configured(debianOptions[0], debianOptions[1], debianOptions[3])
		}), map[string][]byte{nameMOK: x509s(cert)}, cert, Platform, Yes},
		{"owner's, mainline", mainline, with(map[string][]byte{nameMOK: x509s(cert)}), cert, Platform, No},
		{"owner's, mainline, trusted", mainline, with(map[string][]byte{nameMOK: x509s(cert), nameTrust: {1}}), cert, Machine, Yes},
		{"owner's, mainline, trusted, no secondary keyring", change(mainline, func(k *Kernel) { k.Config = configured(debianOptions[:3]...) }),
			with(map[string][]byte{nameMOK: x509s(cert), nameTrust: {1}}), cert, Machine, No},
		{"owner's, authorities wanted", change(mainline, func(k *Kernel) { k.Config = configured(append(debianOptions, "INTEGRITY_CA_MACHINE_KEYRING")...) }),
			with(map[string][]byte{nameMOK: x509s(cert), nameTrust: {1}}), cert, Platform, No},
		{"owner's authority", change(mainline, func(k *Kernel) { k.Config = configured(append(debianOptions, "INTEGRITY_CA_MACHINE_KEYRING")...) }),
			with(map[string][]byte{nameMOK: x509s(authority), nameTrust: {1}}), authority, Machine, Yes},
		{"owner's authority that signs, nothing else wanted", change(mainline, func(k *Kernel) {
			k.Config = configured(append(debianOptions, "INTEGRITY_CA_MACHINE_KEYRING", "INTEGRITY_CA_MACHINE_KEYRING_MAX")...)
		}), with(map[string][]byte{nameMOK: x509s(signing), nameTrust: {1}}), signing, Platform, No},
		{"revoked, list not kept", debian, map[string][]byte{nameDB: x509s(cert), nameDBX: x509s(cert)}, cert, Platform, Yes},
		{"revoked", change(debian, func(k *Kernel) { k.Config = configured(append(debianOptions, "SYSTEM_REVOCATION_LIST")...) }),
			map[string][]byte{nameDB: x509s(cert), nameDBX: x509s(cert)}, cert, Platform, No},
		{"digest revoked after db was read", debian, map[string][]byte{nameDB: x509s(cert), nameDBX: digest}, cert, Platform, Yes},
		{"owner's, digest revoked", debian, with(map[string][]byte{nameMOK: x509s(cert), nameDBX: digest}), cert, Machine, No},
		{"owner's, digest revoked by shim", debian, with(map[string][]byte{nameMOK: x509s(cert), nameMOKX: digest}), cert, Machine, No},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			fw := ReadFirmware(variables(tt.vars))
			if len(fw.Problems) > 0 || !fw.Known {
				t.Fatalf("known %v, problems %q", fw.Known, fw.Problems)
			}
			found := Find(Keys(tt.kernel, fw), tt.cert)
			if tt.ring == "" {
				if len(found) != 0 {
					t.Errorf("found on %v", found)
				}
				return
			}
			if len(found) != 1 || found[0].Ring != tt.ring || found[0].Modules != tt.want || (found[0].Why == "") != (tt.want == Yes) {
				t.Errorf("got %+v, want %s on %s", found, tt.want, tt.ring)
			}
		})
	}
}

func TestReadFirmwareWithout(t *testing.T) {
	tests := []struct {
		name   string
		root   fstest.MapFS
		known  bool
		secure Tristate
	}{
		{"another machine's root", fstest.MapFS{"etc/os-release": {}}, false, Unknown},
		{"a machine without EFI", fstest.MapFS{"sys/firmware/acpi/tables/DSDT": {}}, true, No},
		{"a container", fstest.MapFS{"sys/firmware": {Mode: fs.ModeDir | 0o755}}, false, Unknown},
		{"variables not mounted", fstest.MapFS{"sys/firmware/efi/systab": {}}, false, Unknown},
		{"no variable of interest", variables(nil), true, No},
	}
	for _, tt := range tests {
		fw := ReadFirmware(tt.root)
		if fw.Known != tt.known || fw.SecureBoot != tt.secure {
			t.Errorf("%s: known %v, secure boot %s; want %v, %s", tt.name, fw.Known, fw.SecureBoot, tt.known, tt.secure)
		}
	}
}

// TestDamagedVariables keeps what stands before the damage, as the kernel does.
func TestDamagedVariables(t *testing.T) {
	cert := certify(t, "site key", 1, nil)
	good := list(guidX509, cert.Raw)
	edit := func(at int, v uint32) []byte {
		b := append(slices.Clone(good), good...)
		binary.LittleEndian.PutUint32(b[len(good)+at:], v)
		return b
	}
	tests := []struct {
		name  string
		value []byte
		want  int // certificates
	}{
		{"cut in the second head", append(slices.Clone(good), good[:20]...), 1},
		{"second list longer than the variable", edit(16, uint32(len(good)+1)), 1},
		{"list of no size", edit(16, 0), 1},
		{"header longer than the list", edit(20, 0xffffffff), 1},
		{"entries of no size", edit(24, 0), 1},
		{"entries that do not fill the list", edit(24, 17), 1},
		{"not a certificate", append(list(guidX509, []byte("rubbish")), good...), 1},
	}
	for _, tt := range tests {
		fw := ReadFirmware(variables(map[string][]byte{nameDB: tt.value}))
		if len(fw.DB) != tt.want || len(fw.Problems) != 1 || !strings.HasPrefix(fw.Problems[0], "EFI variable db: ") {
			t.Errorf("%s: %d certificates, problems %q", tt.name, len(fw.DB), fw.Problems)
		}
	}
	root := variables(nil)
	root[varsDir+"/"+nameDB] = &fstest.MapFile{Data: []byte{7, 0}}
	if fw := ReadFirmware(root); len(fw.Problems) != 1 {
		t.Errorf("no attributes: problems %q", fw.Problems)
	}
	root[varsDir+"/"+nameDB] = &fstest.MapFile{Data: make([]byte, maxVariable+1)}
	if fw := ReadFirmware(root); len(fw.Problems) != 1 {
		t.Errorf("huge: problems %q", fw.Problems)
	}
}

func TestBuiltinComesFirst(t *testing.T) {
	cert := certify(t, "kernel key", 1, nil)
	keys := Keys(Kernel{Builtin: []*x509.Certificate{cert}}, Firmware{DB: []*x509.Certificate{cert}})
	if len(keys) != 2 || keys[0].Ring != Builtin || keys[0].Modules != Yes || keys[1].Ring != Platform {
		t.Errorf("got %+v", keys)
	}
	if got := Certificates(keys, Yes); len(got) != 1 {
		t.Errorf("%d certain", len(got))
	}
}

func FuzzReadFirmware(f *testing.F) {
	cert := certify(f, "site key", 1, nil)
	f.Add(list(guidX509, cert.Raw), list(guidX509SHA256, make([]byte, 48)))
	f.Add(list(guidSHA256, make([]byte, 32), make([]byte, 32)), []byte{})
	f.Fuzz(func(t *testing.T, db, dbx []byte) {
		fw := ReadFirmware(variables(with(map[string][]byte{nameDB: db, nameDBX: dbx, nameMOK: db, nameMOKX: dbx})))
		Keys(Kernel{Distro: "debian", Config: configured(debianOptions...)}, fw)
		total := 0
		eachSignature(db, func(_ guid, value []byte) { total += len(value) })
		if total > len(db) {
			t.Errorf("%d bytes of values in %d", total, len(db))
		}
	})
}
