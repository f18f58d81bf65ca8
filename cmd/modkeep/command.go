package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"modkeep/kernel"
)

// The exit statuses, the same for every verb. They are an interface: scripts
// and package managers act on them.
const (
	statusYes     = 0 // the answer is yes, or the work is done
	statusNo      = 1 // the answer is no: a module would be refused
	statusUnknown = 2 // could not tell: usage, unreadable or unknown input
)

// silent is an error that only carries an exit status: the command has printed
// all there is to say.
type silent int

func (s silent) Error() string { return fmt.Sprintf("exit status %d", int(s)) }

// hinted is an error with an action that may put it right.
type hinted struct {
	error
	hint string
}

func (h hinted) Unwrap() error { return h.error }

// withHint adds an action to an error: a short sentence in lower case that
// names a command, a flag or a file.
func withHint(err error, format string, args ...any) error {
	return hinted{err, fmt.Sprintf(format, args...)}
}

// usageErrorf is the error of a command line that cmd cannot be run with.
func usageErrorf(cmd *cobra.Command, format string, args ...any) error {
	err := fmt.Errorf("cannot run %s: %w", strings.TrimPrefix(cmd.CommandPath(), "modkeep "), fmt.Errorf(format, args...))
	return withHint(err, "run '%s --help'", cmd.CommandPath())
}

// noArguments refuses every argument, as cobra.NoArgs does, in modkeep's words.
func noArguments(cmd *cobra.Command, args []string) error {
	if len(args) > 0 {
		return usageErrorf(cmd, "unexpected argument %q", args[0])
	}
	return nil
}

// unknownCommand is the error of a verb that does not exist; the hint names
// the verbs that look like it.
func unknownCommand(root *cobra.Command, name string) error {
	err := fmt.Errorf("cannot run %q: unknown command", name)
	if near := root.SuggestionsFor(name); len(near) > 0 {
		return withHint(err, "did you mean %s?", strings.Join(near, " or "))
	}
	return withHint(err, "run '%s --help' for the list of commands", root.Name())
}

// complain writes an error and its hint to errOut in the one form they have.
func complain(errOut io.Writer, err error) {
	fmt.Fprintf(errOut, "modkeep: %v\n", err)
	var h hinted
	if errors.As(err, &h) {
		fmt.Fprintf(errOut, "hint: %s\n", h.hint)
	}
}

// statusOf complains about the error a command ended with, if it is not a
// silent one, and returns the exit status.
func statusOf(err error, errOut io.Writer) int {
	var s silent
	switch {
	case err == nil:
		return statusYes
	case errors.As(err, &s):
		return int(s)
	}
	complain(errOut, err)
	return statusUnknown
}

// exitStatus is the part of a command's long help that says what each status
// means for it.
func exitStatus(yes, no, unknown string) string {
	text := "\n\nExit status:\n\n"
	for status, meaning := range []string{yes, no, unknown} {
		if meaning != "" {
			text += fmt.Sprintf("    %d  %s\n", status, meaning)
		}
	}
	return strings.TrimSuffix(text, "\n")
}

// target says of which tree and of which kernel in it a verb speaks.
type target struct {
	root   string // the tree; "/" is the running system's
	kernel string // kernel release, or "" where none was named
}

// addFlags gives a command --root and --kernel.
func (t *target) addFlags(flags *pflag.FlagSet) {
	flags.StringVar(&t.root, "root", "/", "look below `DIR` for kernels and modules")
	flags.StringVar(&t.kernel, "kernel", "", "speak of kernel release `KREL`")
}

// open opens the kernel that --kernel names; without it the one that the root
// will boot next, or the only one there is.
func (t *target) open() (*kernel.Kernel, error) {
	krel := t.kernel
	if krel == "" {
		krel, _ = kernel.Next(t.root)
	}
	if krel == "" {
		all, err := kernel.List(t.root)
		if err != nil {
			return nil, fmt.Errorf("cannot list the kernels below %s: %w", t.root, err)
		}
		if len(all) != 1 {
			return nil, t.ambiguous(all)
		}
		krel = all[0]
	}
	k, err := kernel.Open(t.root, krel, kernel.Options{})
	if err != nil {
		return nil, t.absent(krel, err)
	}
	return k, nil
}

// ambiguous is the error of a root that does not tell which kernel is meant.
func (t *target) ambiguous(all []string) error {
	if len(all) == 0 {
		return withHint(fmt.Errorf("cannot choose a kernel: %s has no module directory below lib/modules", t.root),
			"name the tree that has kernels with --root DIR")
	}
	return withHint(fmt.Errorf("cannot choose a kernel: %s has %d and does not tell which boots next", t.root, len(all)),
		"name one with --kernel: %s", strings.Join(all, " "))
}

// absent is the error of a kernel that cannot be opened.
func (t *target) absent(krel string, err error) error {
	return fmt.Errorf("cannot open kernel %s: %w", krel, t.notOpened(err))
}

// notOpened is why a kernel could not be opened; where it is not there at all
// the hint names those that are.
func (t *target) notOpened(err error) error {
	if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	err = fmt.Errorf("no such module directory below %s", t.root)
	if all, listErr := kernel.List(t.root); listErr == nil && len(all) > 0 {
		return withHint(err, "there are: %s", strings.Join(all, " "))
	}
	return withHint(err, "name the tree that has kernels with --root DIR")
}

// addJSONFlag gives a command --json.
func addJSONFlag(flags *pflag.FlagSet, value *bool) {
	flags.BoolVar(value, "json", false, "print one JSON document")
}

// writeJSON writes v as one indented JSON document.
func writeJSON(w io.Writer, v any) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(v); err != nil {
		return fmt.Errorf("cannot write the answer: %w", err)
	}
	return nil
}
