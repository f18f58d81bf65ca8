package main

import (
	"cmp"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"modkeep/kernel"
	"modkeep/kernel/keyring"
	"modkeep/ko"
	"modkeep/ko/modsig"
	"modkeep/loader"
)

// verifyOptions are the flags of modkeep verify-signature.
type verifyOptions struct {
	target
	keyring []string
	json    bool
}

// verifyReport is what modkeep verify-signature answers.
type verifyReport struct {
	Kernel string         `json:"kernel"` // "" where only certificates were given
	Files  []verifiedFile `json:"files"`
	Notes  []string       `json:"notes"` // what could not be looked at
}

// verifiedFile is what there is to say of one module's signature.
type verifiedFile struct {
	File      string       `json:"file"`
	State     string       `json:"state"`     // one of the states below
	Reason    string       `json:"reason"`    // why it is not trusted
	Signer    string       `json:"signer"`    // as modinfo names it
	Key       string       `json:"key"`       // serial number or key id, hexadecimal
	Hash      string       `json:"hash"`      // sha256, …
	Algorithm string       `json:"algorithm"` // rsa or ecdsa
	Keys      []ringReport `json:"keys"`      // where the key is that verifies it
}

// The states of a signature.
const (
	signatureTrusted   = "trusted"   // good, and the key is trusted
	signatureUntrusted = "untrusted" // good, or of a key that is not there
	signatureUnknown   = "unknown"   // good or not: the key may be on a keyring that cannot be looked at
	signatureBad       = "bad"       // the module or its signature was changed, or is damaged
	signatureNone      = "unsigned"
)

func newVerifySignatureCommand() *cobra.Command {
	var opts verifyOptions
	cmd := &cobra.Command{
		Use:   "verify-signature [flags] FILE|DIR…",
		Short: "Say whether modules' signatures are good, and whether a kernel trusts their keys",
		Long: `Verify-signature checks the signatures appended to modules as the kernel does:
with the keys on its keyrings, as far as those can be told without booting it.
They are the certificates in its image (.builtin_trusted_keys) and, where sysfs
is there below the root, what the firmware trusts: its variable db (.platform)
and the machine owner's keys (MokListRT: .machine or .platform, under secure boot).
Whether a kernel looks on .platform for modules depends on its distribution.

With --keyring the certificates in a file are trusted too; without --kernel,
they alone. What is revoked in dbx or MokListXRT is not trusted.

Whether a kernel refuses a module for its signature is what check says.` + exitStatus(
			"every module has a good signature of a trusted key",
			"one has none, a bad one, or one of a key that is not trusted",
			"a module or a key could not be read, or the key may be where nobody can look"),
		Example: `  modkeep verify-signature --kernel 6.1.0-53-amd64 driver.ko
  modkeep verify-signature --keyring site.pem /lib/modules/6.1.0-53-amd64/updates`,
		RunE: func(cmd *cobra.Command, args []string) error { return runVerifySignature(cmd, &opts, args) },
	}
	flags := cmd.Flags()
	opts.target.addFlags(flags)
	flags.StringArrayVar(&opts.keyring, "keyring", nil, "trust the certificates in `FILE` (PEM or DER); may be repeated")
	addJSONFlag(flags, &opts.json)
	return cmd
}

func runVerifySignature(cmd *cobra.Command, opts *verifyOptions, args []string) error {
	if len(args) == 0 {
		return usageErrorf(cmd, "no FILE")
	}
	v := &verifier{report: verifyReport{Files: []verifiedFile{}, Notes: []string{}}}
	if err := v.readKeyrings(opts); err != nil {
		return err
	}
	for _, arg := range args {
		files, err := modulesAt(arg)
		if err != nil {
			return fmt.Errorf("cannot look for modules: %w", err)
		}
		for _, file := range files {
			if err := v.verify(file); err != nil {
				return err
			}
		}
	}
	if opts.json {
		if err := writeJSON(cmd.OutOrStdout(), &v.report); err != nil {
			return err
		}
	} else {
		v.report.print(cmd.OutOrStdout(), cmd.ErrOrStderr())
	}
	return statusError(v.report.status())
}

// verifier is one call of modkeep verify-signature.
type verifier struct {
	report verifyReport
	keys   []keyring.Key
	all    []*x509.Certificate // of keys
	whole  bool                // keys are all that the kernel can have
	target *loader.Target      // nil where only certificates were given
}

// readKeyrings reads the certificates that were given, and those of the kernel.
func (v *verifier) readKeyrings(opts *verifyOptions) error {
	for _, path := range opts.keyring {
		certs, err := readCertificates(path)
		if err != nil {
			return fmt.Errorf("cannot read the keyring: %s: %w", path, err)
		}
		for _, c := range certs {
			v.keys = append(v.keys, keyring.Key{Certificate: c, Ring: "--keyring", Source: path, Modules: keyring.Yes})
		}
	}
	v.whole = true
	if opts.kernel != "" || len(opts.keyring) == 0 {
		k, err := opts.target.open()
		if err != nil {
			return err
		}
		defer k.Close()
		v.readKernel(k, opts.root)
	}
	for _, key := range v.keys {
		v.all = append(v.all, key.Certificate)
	}
	return nil
}

func (v *verifier) readKernel(k *kernel.Kernel, root string) {
	v.report.Kernel = k.Release
	keys, notes := keyringsOf(k, root)
	v.keys, v.whole = append(v.keys, keys...), len(notes) == 0
	v.report.Notes = append(v.report.Notes, notes...)
	v.target = loader.NewTarget(k, loader.Options{})
}

// verify judges the signature of one module.
func (v *verifier) verify(file string) error {
	im, err := ko.OpenImage(file)
	if err != nil {
		return fmt.Errorf("cannot read %w", pathError(file, err))
	}
	defer im.Close()
	r := verifiedFile{File: file, State: signatureNone, Reason: "not signed", Keys: []ringReport{}}
	trailer, err := modsig.Find(im, im.Size)
	switch {
	case err != nil:
		r.State, r.Reason = signatureBad, err.Error()
	case trailer != nil:
		if signature, err := trailer.Read(im); err == nil {
			r.Signer, r.Key, r.Hash, r.Algorithm = signature.Signer, hex.EncodeToString(signature.Key), signature.Hash, signature.Algorithm
		}
		v.judge(&r, im, trailer)
	}
	v.report.Files = append(v.report.Files, r)
	return nil
}

// judge verifies a signature and says where its key is.
func (v *verifier) judge(r *verifiedFile, im *ko.Image, trailer *modsig.Trailer) {
	err := modsig.Verify(im, trailer, v.all)
	switch {
	case errors.Is(err, modsig.ErrNoKey) && v.whole, errors.Is(err, modsig.ErrUnsupported):
		r.State, r.Reason = signatureUntrusted, err.Error()
		return
	case errors.Is(err, modsig.ErrNoKey):
		r.State, r.Reason = signatureUnknown, err.Error()
		return
	case err != nil:
		r.State, r.Reason = signatureBad, err.Error()
		return
	}
	best := keyring.Key{Modules: keyring.No}
	for _, key := range v.keys {
		if modsig.Verify(im, trailer, []*x509.Certificate{key.Certificate}) != nil {
			continue
		}
		r.Keys = append(r.Keys, ringReport{string(key.Ring), key.Source, key.Modules, key.Why})
		if best.Certificate == nil || key.Modules == keyring.Yes || best.Modules == keyring.No {
			best = key
		}
	}
	v.trusted(r, best)
}

// trusted makes an answer of a good signature by a key.
func (v *verifier) trusted(r *verifiedFile, key keyring.Key) {
	states := map[keyring.Tristate]string{keyring.Yes: signatureTrusted, keyring.No: signatureUntrusted, keyring.Unknown: signatureUnknown}
	r.State, r.Reason = states[key.Modules], key.Why
	if v.target == nil {
		return
	}
	switch has, why := v.target.Checks(r.Hash, r.Algorithm); {
	case has == loader.No:
		r.State, r.Reason = signatureUntrusted, why
	case has == loader.Unknown && r.State == signatureTrusted:
		r.State, r.Reason = signatureUnknown, why
	}
}

// status is the exit status that goes with the answer.
func (r *verifyReport) status() int {
	status := statusYes
	for _, f := range r.Files {
		switch f.State {
		case signatureUnknown:
			return statusUnknown
		case signatureTrusted:
		default:
			status = statusNo
		}
	}
	return status
}

func (r *verifyReport) print(w, errOut io.Writer) {
	for _, f := range r.Files {
		line := f.File + ": " + f.State
		if f.State == signatureTrusted {
			line += fmt.Sprintf(": signed by %q (%s), whose key is on %s", cmp.Or(f.Signer, "key "+f.Key), f.Hash, places(f.Keys))
		} else if f.State != signatureNone {
			line += ": " + f.Reason
			if len(f.Keys) > 0 {
				line += "; the key is on " + places(f.Keys)
			}
		}
		fmt.Fprintln(w, line)
	}
	printNotes(errOut, r.Notes)
}

// places names where a key is.
func places(keys []ringReport) string {
	var names []string
	for _, k := range keys {
		names = append(names, fmt.Sprintf("%s (%s)", k.Keyring, k.Source))
	}
	return strings.Join(names, " and ")
}
