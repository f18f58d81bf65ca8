package loader

import (
	"crypto/sha256"
	"errors"
	"io"
	"slices"

	"modkeep/ko"
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
	signature, unreadable := l.m.trailer.Read(im)
	if unreadable == nil && !l.cryptoOf(l.target.digest(signature.Hash)) {
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
	if err == nil && !l.cryptoOf(l.target.algorithm(signature.Algorithm)) {
		if l.target.Version.Less(ecdsaSince) {
			return "ENOPKG"
		}
		return "EKEYREJECTED" // pkcs7_validate_trust_one says so of any failure
	}
	if err == nil && l.revoked(im) {
		return "EKEYREJECTED"
	}
	return verifyErrno(err)
}

// revoked is mod_is_hash_blacklisted: the digest of the whole file, signature
// and all, stands in dbx.
func (l *load) revoked(im *ko.Image) bool {
	if len(l.target.RevokedFiles) == 0 || l.ask(ruleFileRevoked) == "accept" {
		return false
	}
	h := sha256.New()
	if _, err := io.Copy(h, io.NewSectionReader(im, 0, im.Size)); err != nil {
		return false
	}
	sum := [sha256.Size]byte(h.Sum(nil))
	if !slices.Contains(l.target.RevokedFiles, sum) {
		return false
	}
	l.logf("Module hash %x is blacklisted", sum)
	return true
}

// cryptoOf reports whether a kernel has what a signature takes, and notes where
// that is not known.
func (l *load) cryptoOf(has Tristate, why string) bool {
	if has == Unknown {
		l.unknown("whether the signature can be checked: " + why)
	}
	return has != No
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
