package main

import (
	"bufio"
	"cmp"
	"debug/elf"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"modkeep/ko"
	"modkeep/ko/modinfo"
)

// showOptions are the flags of modkeep show.
type showOptions struct {
	target
	field string
	zero  bool
	json  bool
}

// showReport is what modkeep show answers.
type showReport struct {
	Modules []moduleReport `json:"modules"`
	Errors  []fileError    `json:"errors"`
}

// moduleReport is all that is told of one module file.
type moduleReport struct {
	File        string           `json:"file"`
	Name        string           `json:"name"`
	Size        int64            `json:"size"` // of the file on disk, bytes
	Compression string           `json:"compression"`
	Machine     string           `json:"machine"` // as elf(5) names it, without EM_
	Class       int              `json:"class"`   // 32 or 64
	Endian      string           `json:"endian"`
	BuiltFor    string           `json:"built_for"`      // kernel release
	Flags       []string         `json:"vermagic_flags"` // the words behind the release
	StructSize  uint64           `json:"struct_module_size"`
	Needed      int              `json:"needed"`   // undefined symbols
	Versions    int              `json:"versions"` // entries of the module's versions
	Exported    int              `json:"exported"`
	BuildID     string           `json:"build_id"`
	BTF         bool             `json:"btf"`
	DWARF       bool             `json:"dwarf"`
	Signed      bool             `json:"signed"`
	Fields      []fieldReport    `json:"fields"` // as modinfo -F names them, in its order
	Parameters  []parameterEntry `json:"parameters"`
	Problems    []string         `json:"problems"` // parts that could not be read
}

type fieldReport struct {
	Key   string `json:"key"`
	Value string `json:"value"`
}

type parameterEntry struct {
	Name        string `json:"name"`
	Type        string `json:"type"`
	Description string `json:"description"`
}

func newShowCommand() *cobra.Command {
	var opts showOptions
	cmd := &cobra.Command{
		Use:   "show FILE|MODULE…",
		Short: "Show all there is to know about a module",
		Long: `Show prints what a module says of itself, as modinfo does: the fields of
.modinfo, the signature and the parameters. Then it prints what else there is to
know: the kernel it was built for, the size of its struct module, how many
symbols it needs and gives, architecture, compression, build id and debugging
information.

An argument with a slash or ending in .ko, .ko.gz, .ko.xz or .ko.zst is a file;
any other is the name of a module of the kernel that --kernel names, of the
kernel that will boot next, or of the only one below the root.

With -F only the values of one field are printed, byte for byte as modinfo -F
prints them.` + exitStatus(
			"every module was read",
			"",
			"a module, or a part of it, could not be found or read"),
		Example: `  modkeep show ./driver.ko
  modkeep show -F vermagic /lib/modules/*/extra/*.ko
  modkeep show --root /mnt --kernel 6.1.0-53-amd64 --json xfs`,
		RunE: func(cmd *cobra.Command, args []string) error { return runShow(cmd, &opts, args) },
	}
	flags := cmd.Flags()
	opts.addFlags(flags)
	flags.StringVarP(&opts.field, "field", "F", "", "print only the values of `FIELD`, as modinfo -F")
	flags.BoolVarP(&opts.zero, "null", "0", false, "end values with NUL instead of newline, as modinfo -0")
	addJSONFlag(flags, &opts.json)
	return cmd
}

func runShow(cmd *cobra.Command, opts *showOptions, args []string) error {
	switch {
	case len(args) == 0:
		return usageErrorf(cmd, "no FILE or MODULE")
	case opts.json && (opts.field != "" || opts.zero):
		return usageErrorf(cmd, "--json excludes -F and -0")
	}
	report := showReport{Modules: []moduleReport{}, Errors: []fileError{}}
	paths, unresolved := opts.paths(args)
	w := bufio.NewWriter(cmd.OutOrStdout())
	end := "\n"
	if opts.zero {
		end = "\x00"
	}
	read := describeModule
	if opts.field != "" {
		read = describeFields
	}
	printed, problems := 0, 0
	failed := eachModule(paths, read, func(m *moduleReport) {
		switch {
		case opts.json:
			report.Modules = append(report.Modules, *m)
		case opts.field != "":
			writeField(w, m, opts.field, end)
		default:
			if printed > 0 && !opts.zero {
				fmt.Fprintln(w)
			}
			writeModule(w, m, opts.zero)
		}
		printed++
		problems += len(m.Problems)
	})
	report.Errors = append(append(report.Errors, unresolved...), failed...)
	if opts.json {
		if err := writeJSON(w, report); err != nil {
			return err
		}
	}
	if err := w.Flush(); err != nil {
		return fmt.Errorf("cannot write the answer: %w", err)
	}
	err := complainOf(cmd.ErrOrStderr(), report.Errors)
	if err != nil || problems == 0 || opts.field != "" { // modinfo -F passes over a signature it cannot read
		return err
	}
	return silent(statusUnknown) // the problems stand among what was printed
}

// describeFields reads what modinfo -F can ask for.
func describeFields(f *ko.File) (*moduleReport, error) {
	switch {
	case f.InfoErr != nil:
		return nil, f.InfoErr
	case f.Info == nil:
		return nil, errors.New("not a kernel module: no section .modinfo")
	}
	m := &moduleReport{File: f.Path, Fields: []fieldReport{}, Parameters: []parameterEntry{}, Problems: []string{}}
	for _, field := range f.Info {
		m.Fields = append(m.Fields, fieldReport{field.Key, field.Value})
	}
	m.addSignature(f)
	for _, p := range f.Info.Params() {
		m.Parameters = append(m.Parameters, parameterEntry(p))
	}
	return m, nil
}

// describeModule reads all there is to know. A part that cannot be read is
// named among the problems.
func describeModule(f *ko.File) (*moduleReport, error) {
	m, err := describeFields(f)
	if err != nil {
		return nil, err
	}
	m.Name = f.Name()
	m.Compression = cmp.Or(string(f.Compression), "none")
	m.Machine = strings.TrimPrefix(elf.Machine(f.Machine).String(), "EM_")
	m.Class, m.Endian = 32, "little"
	if f.Is64 {
		m.Class = 64
	}
	if f.Order == binary.BigEndian {
		m.Endian = "big"
	}
	vermagic, _ := f.Info.Vermagic()
	m.BuiltFor, m.Flags = builtFor(f.Info, vermagic), append([]string{}, vermagic.Flags...)
	m.StructSize, _ = f.ThisModuleSize()
	m.BTF, m.DWARF = f.HasBTF(), f.HasDWARF()
	if info, err := os.Stat(f.Path); err == nil {
		m.Size = info.Size()
	}
	m.count(f)
	id, err := f.BuildID()
	m.problem(err)
	m.BuildID = hex.EncodeToString(id)
	return m, nil
}

// builtFor returns the kernel release a module was built for; modules of 2.4
// have it in kernel_version.
func builtFor(info modinfo.Info, vermagic modinfo.Vermagic) string {
	if vermagic.Release != "" {
		return vermagic.Release
	}
	release, _ := info.Get("kernel_version")
	return release
}

// count fills in how many symbols the module needs and gives.
func (m *moduleReport) count(f *ko.File) {
	versions, err := f.Versions()
	m.problem(err)
	extended, err := f.ExtVersions()
	m.problem(err)
	m.Versions = max(len(versions), len(extended))
	undefined, err := f.Undefined()
	m.problem(err)
	m.Needed = len(undefined)
	exports, err := f.Exports()
	m.problem(err)
	m.Exported = len(exports)
}

func (m *moduleReport) problem(err error) {
	if err != nil {
		m.Problems = append(m.Problems, err.Error())
	}
}

// addSignature adds the fields that modinfo makes from the appended signature.
func (m *moduleReport) addSignature(f *ko.File) {
	trailer, err := f.Signature()
	m.problem(err)
	if trailer == nil || err != nil {
		return
	}
	m.Signed = true
	sig, err := trailer.Read(f.Image)
	if err != nil {
		m.problem(err)
		return
	}
	m.Fields = append(m.Fields,
		fieldReport{"sig_id", sig.ID},
		fieldReport{"signer", sig.Signer},
		fieldReport{"sig_key", colonHex(sig.Key)},
		fieldReport{"sig_hashalgo", sig.Hash},
		fieldReport{"signature", colonHex(sig.Value)})
}

// colonHex writes bytes as modinfo does: two digits each, parted by colons, 20
// on a line.
func colonHex(b []byte) string {
	var text strings.Builder
	for i, c := range b {
		switch {
		case i > 0 && i%20 == 0:
			text.WriteString(":\n\t\t")
		case i > 0:
			text.WriteByte(':')
		}
		fmt.Fprintf(&text, "%02X", c)
	}
	return text.String()
}

// writeField writes the values of one field, as modinfo -F does.
func writeField(w io.Writer, m *moduleReport, field, end string) {
	switch field {
	case "filename":
		fmt.Fprint(w, absolute(m.File), end)
		return
	case "parm":
		// modinfo goes through the parameters last first.
		for i := len(m.Parameters) - 1; i >= 0; i-- {
			fmt.Fprint(w, m.Parameters[i].line(" "), end)
		}
		return
	}
	for _, f := range m.Fields {
		if f.Key == field {
			fmt.Fprint(w, f.Value, end)
		}
	}
}

// absolute puts the working directory before a relative path, as modinfo does:
// as it is, with its dots.
func absolute(path string) string {
	dir, err := os.Getwd()
	if filepath.IsAbs(path) || err != nil {
		return path
	}
	return dir + "/" + path
}

// line returns a parameter as modinfo writes it. Where it has no description
// -F parm puts a space before the type and parentheses around it; the list of
// all fields does not.
func (p parameterEntry) line(field string) string {
	switch {
	case p.Description == "" && field != "":
		return p.Name + ": (" + p.Type + ")"
	case p.Description == "":
		return p.Name + ":" + p.Type
	case p.Type == "":
		return p.Name + ":" + p.Description
	}
	return p.Name + ":" + p.Description + " (" + p.Type + ")"
}

// writeModule writes all of a module: the lines of modinfo, then the others.
// With zero each ends in NUL and is written KEY=VALUE, as modinfo -0 does.
func writeModule(w io.Writer, m *moduleReport, zero bool) {
	padded := func(key, value string) { fmt.Fprintf(w, "%-16s%s\n", key+":", value) }
	field := padded
	if zero {
		padded = func(key, value string) { fmt.Fprintf(w, "%-16s%s\x00", key+":", value) }
		field = func(key, value string) { fmt.Fprintf(w, "%s=%s\x00", key, value) }
	}
	padded("filename", absolute(m.File))
	for _, f := range m.Fields {
		if f.Key != "parm" && f.Key != "parmtype" {
			field(f.Key, f.Value)
		}
	}
	for i := len(m.Parameters) - 1; i >= 0; i-- {
		padded("parm", m.Parameters[i].line(""))
	}
	for _, f := range m.facts() {
		padded(f.Key, f.Value)
	}
}

// facts returns what modinfo does not tell.
func (m *moduleReport) facts() []fieldReport {
	facts := []fieldReport{
		{"module name", m.Name},
		{"built for", cmp.Or(m.BuiltFor, "unknown")},
		{"struct module", fmt.Sprintf("%d bytes", m.StructSize)},
		{"symbols", fmt.Sprintf("%d needed (%d with versions), %d exported", m.Needed, m.Versions, m.Exported)},
		{"file", fmt.Sprintf("%s, %d-bit, %s endian, compression %s, %d bytes", m.Machine, m.Class, m.Endian, m.Compression, m.Size)},
		{"debugging", fmt.Sprintf("BTF %s, DWARF %s", yesNo(&m.BTF), yesNo(&m.DWARF))},
		{"build id", cmp.Or(m.BuildID, "none")},
		{"signed", yesNo(&m.Signed)},
	}
	for _, p := range m.Problems {
		facts = append(facts, fieldReport{"problem", p})
	}
	return facts
}
