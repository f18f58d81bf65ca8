package loader

import (
	"fmt"
	"slices"
	"strings"
)

// cryptoOption is the option that gives a kernel a digest or an algorithm, and
// the module that has it where the option says m.
type cryptoOption struct{ option, module string }

// cryptoOptions are those of the digests and algorithms that signatures use. A
// kernel need not have all that it knows the names of: Debian's 6.1 has sha512
// as a module and no ECDSA.
var cryptoOptions = map[string]cryptoOption{
	"sha1":     {"CRYPTO_SHA1", "sha1_generic"},
	"sha224":   {"CRYPTO_SHA256", "sha256_generic"},
	"sha256":   {"CRYPTO_SHA256", "sha256_generic"},
	"sha384":   {"CRYPTO_SHA512", "sha512_generic"},
	"sha512":   {"CRYPTO_SHA512", "sha512_generic"},
	"sha3-256": {"CRYPTO_SHA3", "sha3_generic"},
	"sha3-384": {"CRYPTO_SHA3", "sha3_generic"},
	"sha3-512": {"CRYPTO_SHA3", "sha3_generic"},
	"ecdsa":    {"CRYPTO_ECDSA", "ecdsa_generic"},
}

// The first kernels that know the names: of SHA-3, of ECDSA in PKCS#7
// (crypto/asymmetric_keys/pkcs7_parser.c: 6.1.192 has the one and not the other).
var (
	sha3Since  = Version{6, 7, 0}
	ecdsaSince = Version{5, 14, 0}
)

// Checks answers whether a kernel can check signatures over a digest by an
// algorithm ("sha256", "rsa"), and says why where the answer is not Yes.
func (t *Target) Checks(digest, algorithm string) (Tristate, string) {
	if has, why := t.digest(digest); has != Yes {
		return has, why
	}
	return t.algorithm(algorithm)
}

// digest answers for a digest (pkcs7_digest, pkcs7_verify.c 6.1.192: ENOPKG
// where there is none).
func (t *Target) digest(name string) (Tristate, string) {
	switch {
	case t.configIs("MODULE_SIG_HASH", name):
		return Yes, ""
	case strings.HasPrefix(name, "sha3-") && t.Version.Less(sha3Since):
		return No, "this kernel does not know " + name
	}
	return t.hasCrypto(name)
}

// algorithm answers for an algorithm; there is no kernel without RSA.
func (t *Target) algorithm(name string) (Tristate, string) {
	switch {
	case name == "ecdsa" && t.Version.Less(ecdsaSince):
		return No, "this kernel does not know ECDSA"
	case name == "ecdsa":
		return t.hasCrypto(name)
	}
	return Yes, ""
}

// hasCrypto looks in the configuration, where it is a whole one. Of what a
// module has that modprobe would have to load, nothing is known.
func (t *Target) hasCrypto(name string) (Tristate, string) {
	o, known := cryptoOptions[name]
	switch {
	case !known || !t.configIs("CRYPTO", "y"):
		return Yes, ""
	case t.configIs(o.option, "n"):
		return No, fmt.Sprintf("this kernel has no %s (CONFIG_%s)", name, o.option)
	case t.configIs(o.option, "m") && !slices.Contains(t.Loaded, o.module):
		return Unknown, fmt.Sprintf("%s is in the module %s, which may not be there when it is needed", name, o.module)
	}
	return Yes, ""
}
