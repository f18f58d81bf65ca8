package loader

import (
	"errors"
	"slices"
	"strings"

	"modkeep/ko/modsig"
)

const markerLen = int64(len(modsig.Marker))

// checkSignature is module_sig_check. A signature that is there and wrong is
// refused whatever the policy; one that is missing, or whose key the kernel
// does not have, only where signatures are enforced.
func (l *load) checkSignature() string {
	l.bodyLen = l.m.size
	if l.ask(ruleSigOrder) == "never" || l.target.configIs("MODULE_SIG", "n") {
		return ""
	}
	errno := l.verifySignature()
	reason := ""
	switch errno {
	case "":
		l.signed = true
		return ""
	case "ENODATA":
		reason = "unsigned module"
	case "ENOPKG":
		reason = "module with unsupported crypto"
	case "ENOKEY":
		reason = "module with unavailable key"
	}
	if reason == "" || errno == "ENOPKG" && l.ask(ruleSigForgive) == "enokey" {
		l.found(Finding{Kind: KindSignature, Text: "the appended signature is not valid: " + errnoText[errno].strerror})
		return errno
	}
	return l.signaturePolicy(reason)
}

// signaturePolicy decides over a module without a usable signature.
func (l *load) signaturePolicy(reason string) string {
	enforced := l.target.Enforce == Yes
	if l.ask(ruleSigForgive) == "enokey" && enforced {
		l.found(Finding{Kind: KindSignature, Text: "the kernel enforces signatures: " + reason})
		return "ENOKEY"
	}
	if enforced {
		text := l.logf("Loading of %s is rejected", reason)
		l.found(Finding{Kind: KindSignature, Text: text})
		return "EKEYREJECTED"
	}
	if l.target.Enforce == Unknown {
		l.unknown("whether signatures are enforced")
	}
	if l.target.Lockdown != "" && l.target.Lockdown != "none" && !l.target.Version.Less(Version{5, 4, 0}) {
		text := l.logf("Lockdown: %s: unsigned module loading is restricted; see man kernel_lockdown.7", l.target.comm())
		l.found(Finding{Kind: KindSignature, Text: text})
		return "EPERM"
	}
	return ""
}

// verifySignature is mod_verify_sig and mod_check_sig: it returns the errno
// that module_sig_check goes by, ENODATA where there is no marker.
func (l *load) verifySignature() string {
	if !l.m.marker || l.mangled() {
		return "ENODATA"
	}
	l.bodyLen -= markerLen
	t := l.m.trailer
	switch {
	case t == nil || int64(t.SigLen) >= t.Before:
		return "EBADMSG"
	case t.IDType != modsig.IDPKCS7:
		l.logf("module: not signed with expected PKCS#7 message")
		return "ENOPKG"
	case t.Algo != 0 || t.Hash != 0 || t.SignerLen != 0 || t.KeyIDLen != 0 || t.Pad != [3]uint8{}:
		l.logf("module: PKCS#7 signature info has unexpected non-zero params")
		return "EBADMSG"
	}
	l.bodyLen = t.ModuleSize()
	if l.m.AsShipped && l.sameBuild() {
		return ""
	}
	if !l.target.verifies(l.m) {
		l.unknown("whether the kernel trusts the module's signature")
		return ""
	}
	return l.verifyMessage()
}

// verifyMessage is verify_pkcs7_signature: digest, key, signature.
func (l *load) verifyMessage() string {
	im, err := l.m.open()
	if err != nil {
		return verifyErrno(err)
	}
	defer im.Close()
	if signature, err := l.m.trailer.Read(im); err == nil && !l.digests(signature.Hash) {
		return "ENOPKG"
	}
	keys, _ := l.target.Keys()
	err = modsig.Verify(im, l.m.trailer, keys)
	if errors.Is(err, modsig.ErrNoKey) && l.target.Doubtful != nil {
		if doubtful := l.target.Doubtful(); len(doubtful) > 0 && !errors.Is(modsig.Verify(im, l.m.trailer, doubtful), modsig.ErrNoKey) {
			l.unknown("whether the kernel trusts the module's signature")
			return ""
		}
	}
	return verifyErrno(err)
}

// digestOptions are the options that give a kernel its digests. It need not
// have all that it knows the names of: Debian's 6.1 has sha512 as a module.
var digestOptions = map[string]struct{ option, module string }{
	"sha1":   {"CRYPTO_SHA1", "sha1_generic"},
	"sha224": {"CRYPTO_SHA256", "sha256_generic"}, "sha256": {"CRYPTO_SHA256", "sha256_generic"},
	"sha384": {"CRYPTO_SHA512", "sha512_generic"}, "sha512": {"CRYPTO_SHA512", "sha512_generic"},
	"sha3-256": {"CRYPTO_SHA3", "sha3_generic"}, "sha3-384": {"CRYPTO_SHA3", "sha3_generic"}, "sha3-512": {"CRYPTO_SHA3", "sha3_generic"},
}

// digests reports whether the kernel can make a digest (pkcs7_digest,
// crypto/asymmetric_keys/pkcs7_verify.c 6.1.192: ENOPKG where it cannot). Of one
// that is a module which modprobe would have to load, that is not known.
func (l *load) digests(name string) bool {
	if strings.HasPrefix(name, "sha3-") && l.target.Version.Less(Version{6, 7, 0}) {
		return false // no such OID in pkcs7_parser.c 6.1.192
	}
	digest, known := digestOptions[name]
	switch {
	case !known || l.target.configIs("MODULE_SIG_HASH", name):
		return true // the one is refused by all kernels, the other is there
	case l.target.configIs("CRYPTO", "y") && l.target.configIs(digest.option, "n"):
		return false // the configuration is a whole one
	case l.target.configIs(digest.option, "m") && !slices.Contains(l.target.Loaded, digest.module):
		l.unknown("whether the kernel gets " + name + " for the module's signature: it is in the module " + digest.module)
	}
	return true
}

func verifyErrno(err error) string {
	switch {
	case err == nil:
		return ""
	case errors.Is(err, modsig.ErrNoKey):
		return "ENOKEY"
	case errors.Is(err, modsig.ErrInvalid):
		return "EINVAL"
	case errors.Is(err, modsig.ErrRejected):
		return "EKEYREJECTED"
	case errors.Is(err, modsig.ErrUnsupported):
		return "ENOPKG"
	}
	return "EBADMSG"
}

// mangled reports whether finit_module's flags make the file another one than
// was signed: any flag before 5.17, then only those that ignore something.
func (l *load) mangled() bool {
	if l.target.Version.Less(Version{5, 17, 0}) {
		return l.target.Flags != 0
	}
	return l.target.Flags&(ignoreModversions|ignoreVermagic) != 0
}
