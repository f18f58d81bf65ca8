package main

import (
	"bytes"
	"context"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"modkeep/kernel"
	"modkeep/kernel/keyring"
	"modkeep/ko"
	"modkeep/ko/elf"
	"modkeep/ko/modsig"
)

// signOptions are the flags of modkeep sign.
type signOptions struct {
	target
	keyFlags
	hash     string
	keyID    bool
	strip    bool
	compress string
	output   string
	replace  bool
	dry      bool
	json     bool
}

// signReport is what modkeep sign answers.
type signReport struct {
	Files []signedFile `json:"files"`
	Key   keyReport    `json:"key"`
	Trust *trustReport `json:"trust,omitempty"` // with --kernel
}

// keyReport says which key signs.
type keyReport struct {
	Signer  string `json:"signer"`  // common name of the certificate's subject
	Serial  string `json:"serial"`  // hexadecimal
	KeyID   string `json:"key_id"`  // subject key identifier, hexadecimal
	Expires string `json:"expires"` // RFC 3339; kernels do not look at it
}

// signedFile is what became of one module.
type signedFile struct {
	File        string `json:"file"`
	Output      string `json:"output"`   // the file written; File unless --output or --compress name another
	State       string `json:"state"`    // signed, kept (the key's signature is there already), would-sign (--dry-run)
	Replaced    string `json:"replaced"` // signer of the signature that was there before
	Hash        string `json:"hash"`
	Compression string `json:"compression"`
}

// The states of signedFile.
const (
	stateSigned    = "signed"
	stateKept      = "kept"
	stateWouldSign = "would-sign"
)

func newSignCommand() *cobra.Command {
	var opts signOptions
	cmd := &cobra.Command{
		Use:   "sign [flags] --key KEY --cert CERT FILE|DIR…",
		Short: "Sign modules as the kernel's sign-file does",
		Long: `Sign appends to each module the signature that the kernel's scripts/sign-file
makes with the same digest, key and certificate, byte for byte. A directory
stands for all module files below it, but not for links. A file is replaced in
one step, with its mode, owner and extended attributes (but for security.ima and
security.evm, which speak of the bytes before); either all files can be signed
or none is touched.

What has to be stripped is stripped before, with --strip; a compressed module
is signed inside and packed again, with --compress in another form, under the
name that goes with it.

A module that carries a good signature of the same key is left as it is; one
that is signed with another key is refused unless --replace is given. Keys are
read, never made: where the key of a machine has to be enrolled first, the
machine's own tools do that (mokutil --import).

With --kernel it is said whether that kernel will trust the key, and whether it
can check signatures of that kind.` + exitStatus(
			"all modules are signed",
			"they are signed, but the kernel that --kernel names will not take the signature",
			"a key or a module cannot be used; no file is changed"),
		Example: `  modkeep sign --key signing_key.pem --cert signing_key.x509 driver.ko
  modkeep sign --key MOK.priv --cert MOK.der --strip --compress xz --kernel 6.1.0-53-amd64 build/
  modkeep sign --helper ./pkcs11-helper --key 'token label' --cert site.pem driver.ko`,
		RunE: func(cmd *cobra.Command, args []string) error { return runSign(cmd, &opts, args) },
	}
	flags := cmd.Flags()
	opts.target.addFlags(flags)
	opts.keyFlags.addFlags(flags)
	flags.StringVar(&opts.hash, "hash", "", "sign a digest of kind `HASH`, as sha256 (default: what the kernel of --kernel was configured with, else sha256)")
	flags.BoolVar(&opts.keyID, "key-id", false, "name the certificate by its subject key identifier, as sign-file -k")
	flags.BoolVar(&opts.strip, "strip", false, "take debugging information out first, with strip(1)")
	flags.StringVar(&opts.compress, "compress", "", "pack the signed module: `FORMAT` is none, gz, xz or zst (default: as --output's name says, else as it is)")
	flags.StringVarP(&opts.output, "output", "o", "", "write the one signed module to `FILE` and leave the given one as it is")
	flags.BoolVar(&opts.replace, "replace", false, "replace signatures of other keys")
	flags.BoolVar(&opts.dry, "dry-run", false, "say what would be signed, change nothing")
	addJSONFlag(flags, &opts.json)
	return cmd
}

func runSign(cmd *cobra.Command, opts *signOptions, args []string) error {
	if err := opts.validate(cmd, args); err != nil {
		return err
	}
	var k *kernel.Kernel
	if opts.kernel != "" {
		var err error
		if k, err = opts.target.open(); err != nil {
			return err
		}
		defer k.Close()
		if hash := k.SigPolicy().Hash; opts.hash == "" {
			opts.hash = hash
		}
	}
	key, err := opts.keyFlags.open(cmd.Context())
	if err != nil {
		return err
	}
	s := &signRun{opts: opts, key: key, hash: opts.hash}
	if s.hash == "" {
		s.hash = "sha256"
	}
	if err := s.prepare(args); err != nil {
		return err
	}
	if err := s.signAll(cmd.Context()); err != nil {
		return err
	}
	report := signReport{Key: describeKey(key.Certificate), Files: []signedFile{}}
	for _, job := range s.jobs {
		report.Files = append(report.Files, job.signedFile)
	}
	if k != nil {
		report.Trust = trustOf(k, opts.root, key.Certificate, s.hash)
	}
	return s.complete(cmd, &report)
}

func (o *signOptions) validate(cmd *cobra.Command, args []string) error {
	switch {
	case len(args) == 0:
		return usageErrorf(cmd, "no FILE")
	case o.key == "":
		return usageErrorf(cmd, "no key: --key is missing")
	case o.helper != "" && o.cert == "":
		return usageErrorf(cmd, "--helper goes with --cert")
	case o.helper != "" && o.passphrase != "":
		return usageErrorf(cmd, "--passphrase-file goes with a key in a file, not with --helper")
	case o.hash != "" && !slices.Contains(modsig.Hashes(), o.hash):
		return usageErrorf(cmd, "--hash %q is none of %s", o.hash, strings.Join(modsig.Hashes(), ", "))
	case o.output != "" && len(args) > 1:
		return usageErrorf(cmd, "--output goes with one FILE")
	}
	if _, ok := compressionNames[o.compress]; !ok {
		return usageErrorf(cmd, "--compress %q is not none, gz, xz or zst", o.compress)
	}
	return nil
}

// compressionNames are the values of --compress. Of "" nothing is changed.
var compressionNames = map[string]ko.Compression{
	"": ko.None, "none": ko.None, "gz": ko.Gzip, "gzip": ko.Gzip, "xz": ko.XZ, "zst": ko.Zstd, "zstd": ko.Zstd,
}

// signRun is one call of modkeep sign.
type signRun struct {
	opts *signOptions
	key  modsig.Key
	hash string
	jobs []*signJob
}

// signJob is one module that is to be signed.
type signJob struct {
	signedFile
	path  string // the file behind symbolic links
	pack  ko.Compression
	aside string // the signed file, until it has its name
}

// prepare looks at every file before one is touched.
func (s *signRun) prepare(args []string) error {
	for _, arg := range args {
		files, err := modulesAt(arg)
		if err != nil {
			return fmt.Errorf("cannot look for modules: %w", err)
		}
		for _, file := range files {
			job, err := s.look(file)
			if err != nil {
				return err
			}
			s.jobs = append(s.jobs, job)
		}
	}
	if s.opts.output != "" && len(s.jobs) != 1 {
		return fmt.Errorf("cannot sign %s to one file: there are %d modules below it", args[0], len(s.jobs))
	}
	outputs := map[string]string{}
	for _, job := range s.jobs {
		if _, err := os.Lstat(job.Output); err == nil && job.Output != job.File && s.opts.output == "" {
			return fmt.Errorf("cannot sign %s: %s is there already", job.File, job.Output)
		}
		if other := outputs[job.Output]; other != "" {
			return fmt.Errorf("cannot sign %s: %s would be written to the same file", job.File, other)
		}
		outputs[job.Output] = job.File
	}
	return nil
}

// modulesAt returns the file itself, or the module files below a directory.
func modulesAt(arg string) ([]string, error) {
	if info, err := os.Stat(arg); err != nil || !info.IsDir() {
		return []string{arg}, nil // what is wrong with a file, reading it says
	}
	var files []string
	err := filepath.WalkDir(arg, func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() && ko.NameFromPath(path) != strings.ReplaceAll(d.Name(), "-", "_") {
			files = append(files, path)
		}
		return err
	})
	if err == nil && len(files) == 0 {
		err = fmt.Errorf("%s: no module file below it", arg)
	}
	return files, err
}

// pathError returns an error that names the path, once and without the call that
// failed.
func pathError(path string, err error) error {
	if pe := new(fs.PathError); errors.As(err, &pe) {
		return fmt.Errorf("%s: %w", path, pe.Err)
	}
	if strings.HasPrefix(err.Error(), path+": ") {
		return err
	}
	return fmt.Errorf("%s: %w", path, err)
}

// look reads a module and decides what is to be done with it.
func (s *signRun) look(file string) (*signJob, error) {
	path, err := filepath.EvalSymlinks(file)
	if err != nil {
		return nil, fmt.Errorf("cannot read %w", pathError(file, err))
	}
	f, err := ko.Open(path)
	if err != nil {
		return nil, fmt.Errorf("cannot read %w", pathError(path, err))
	}
	defer f.Close()
	if err := wholeModule(f); err != nil {
		return nil, fmt.Errorf("cannot sign %s: %w", file, err)
	}
	job := &signJob{path: path, pack: f.Compression}
	job.File, job.State, job.Hash = file, stateSigned, s.hash
	if s.opts.dry {
		job.State = stateWouldSign
	}
	if s.opts.compress != "" {
		job.pack = compressionNames[s.opts.compress]
	} else if c, ok := compressionOf(s.opts.output); ok {
		job.pack = c
	}
	job.Compression = compressionName(job.pack)
	job.Output = s.outputOf(file, f.Compression, job.pack)
	if err := s.signedBefore(f, job); err != nil {
		return nil, err
	}
	return job, nil
}

// compressionOf returns how a module file of that name is packed, false where
// the name does not tell.
func compressionOf(name string) (ko.Compression, bool) {
	for _, c := range []ko.Compression{ko.None, ko.Gzip, ko.XZ, ko.Zstd} {
		if strings.HasSuffix(name, ".ko"+c.Suffix()) {
			return c, true
		}
	}
	return ko.None, false
}

func compressionName(c ko.Compression) string {
	if c == ko.None {
		return "none"
	}
	return string(c)
}

// outputOf returns the file that is written: with another compression it has
// another suffix.
func (s *signRun) outputOf(file string, from, to ko.Compression) string {
	switch {
	case s.opts.output != "":
		return s.opts.output
	case from == to:
		return file
	}
	return strings.TrimSuffix(file, from.Suffix()) + to.Suffix()
}

// wholeModule reports what keeps a file from being a module that a kernel could
// load: sign-file signs anything, and the mistake is found on another machine.
func wholeModule(f *ko.File) error {
	switch {
	case f.Type != elf.ET_REL:
		return errors.New("not a module: not a relocatable ELF file")
	case len(f.Sections) == 0:
		return errors.New("section headers do not lie inside the file")
	}
	for i := range f.Sections {
		s := &f.Sections[i]
		if s.Type != elf.SHT_NOBITS && s.Type != elf.SHT_NULL && (s.Size > uint64(f.Image.Size) || s.Offset > uint64(f.Image.Size)-s.Size) {
			return fmt.Errorf("section %d %s does not lie inside the file", i, s.Name)
		}
	}
	if f.Section(".modinfo") == nil && f.Section("__ksymtab") == nil {
		return errors.New("not a module: no section .modinfo")
	}
	return nil
}

// signedBefore decides over a module that has a signature.
func (s *signRun) signedBefore(f *ko.File, job *signJob) error {
	trailer, err := f.Signature()
	if err != nil {
		return fmt.Errorf("cannot sign %s: %w", job.File, err)
	}
	if trailer == nil {
		return nil
	}
	signature, err := trailer.Read(f.Image)
	if err != nil {
		if !s.opts.replace {
			return withHint(fmt.Errorf("cannot sign %s: the signature that it has: %w", job.File, err), "replace it with --replace")
		}
		job.Replaced = "a signature that cannot be read"
		return nil
	}
	ours := modsig.Verify(f.Image, trailer, []*x509.Certificate{s.key.Certificate}) == nil
	same := (s.opts.hash == "" || signature.Hash == s.opts.hash) && (!s.opts.keyID || bytes.Equal(signature.Key, s.key.Certificate.SubjectKeyId))
	if ours && same && f.Compression == job.pack && s.opts.output == "" && !s.opts.strip {
		job.State, job.Hash = stateKept, signature.Hash
		return nil
	}
	job.Replaced = signerName(signature)
	if !s.opts.replace && !ours {
		return withHint(fmt.Errorf("cannot sign %s: it is signed by %q", job.File, job.Replaced), "replace the signature with --replace")
	}
	return nil
}

// signerName names the signer of a signature: by its name, else by its key.
func signerName(s modsig.Signature) string {
	if s.Signer == "" {
		return "key " + hex.EncodeToString(s.Key)
	}
	return s.Signer
}

// signAll signs all modules beside their files before it puts the first in place.
func (s *signRun) signAll(ctx context.Context) error {
	defer func() {
		for _, job := range s.jobs {
			if job.aside != "" {
				os.Remove(job.aside)
			}
		}
	}()
	for _, step := range []func(context.Context, *signJob) error{s.sign, s.place} {
		for _, job := range s.jobs {
			if job.State != stateSigned {
				continue
			}
			if err := step(ctx, job); err != nil {
				return fmt.Errorf("cannot sign %s: %w", job.File, err)
			}
		}
	}
	return nil
}

// sign signs one module beside its file.
func (s *signRun) sign(ctx context.Context, job *signJob) error {
	module, err := plainModule(job.path)
	if err != nil {
		return err
	}
	if s.opts.strip {
		if module, err = stripModule(ctx, module); err != nil {
			return err
		}
	}
	appended, err := modsig.Sign(bytes.NewReader(module), int64(len(module)), s.key, modsig.SignOptions{Hash: s.hash, KeyID: s.opts.keyID})
	if err != nil {
		return err
	}
	packed, err := ko.Compress(job.pack, append(module, appended...))
	if err != nil {
		return err
	}
	job.aside, err = besideLike(job.target(), job.path, packed)
	return err
}

// target is the file that is written.
func (j *signJob) target() string {
	if j.Output == j.File {
		return j.path
	}
	return j.Output
}

// place gives a signed module its name: who looks sees the old file or the new
// one, also after a loss of power.
func (s *signRun) place(_ context.Context, job *signJob) error {
	target := job.target()
	if err := os.Rename(job.aside, target); err != nil {
		return err
	}
	job.aside = ""
	if err := syncDirectory(filepath.Dir(target)); err != nil {
		return err
	}
	if target != job.path && s.opts.output == "" {
		return os.Remove(job.File)
	}
	return nil
}

// plainModule returns a module's bytes, unpacked and without a signature.
func plainModule(path string) ([]byte, error) {
	im, err := ko.OpenImage(path)
	if err != nil {
		return nil, err
	}
	defer im.Close()
	size := im.Size
	trailer, err := modsig.Find(im, im.Size)
	if err != nil {
		return nil, err
	}
	if trailer != nil {
		if size = trailer.ModuleSize(); size < 0 {
			return nil, modsig.ErrBadMessage
		}
	}
	module := make([]byte, size)
	if n, err := im.ReadAt(module, 0); n < len(module) {
		return nil, err
	}
	return module, nil
}

// complete prints the report and returns the command's error.
func (s *signRun) complete(cmd *cobra.Command, report *signReport) error {
	if s.opts.json {
		if err := writeJSON(cmd.OutOrStdout(), report); err != nil {
			return err
		}
	} else {
		printSigned(cmd.OutOrStdout(), report)
	}
	if t := report.Trust; t != nil && (t.Trusted == keyring.No || t.Checks == keyring.No) {
		return silent(statusNo)
	}
	return nil
}

func printSigned(w io.Writer, r *signReport) {
	for _, f := range r.Files {
		line := f.Output + ": "
		switch f.State {
		case stateKept:
			line += fmt.Sprintf("is signed by %q (%s) already", r.Key.Signer, f.Hash)
		case stateWouldSign:
			line += fmt.Sprintf("would be signed by %q (%s)", r.Key.Signer, f.Hash)
		default:
			line += fmt.Sprintf("signed by %q (%s)", r.Key.Signer, f.Hash)
		}
		if f.Replaced != "" {
			line += fmt.Sprintf(", in place of %q", f.Replaced)
		}
		fmt.Fprintln(w, line)
	}
	if r.Trust != nil {
		r.Trust.print(w)
	}
}
