package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"modkeep/depmod"
	"modkeep/kernel"
	"modkeep/node/hooks"
	"modkeep/policy"
	"modkeep/txn"
)

func newHooksRunCommand() *cobra.Command {
	h := hookEvent{}
	cmd := &cobra.Command{
		Use:   "run EVENT [ARGUMENT…]",
		Short: "Do what an installed hook asks for",
		Long: `Run is what the installed hooks call. Links are made or judged again, and
kernels are asked whether every required module follows them. Where the
policy's gate is warn (which it is without a policy), a module that would be
left behind is said and the status is 0; where it is strict, the status is 1,
also where it could not be told. Events:

    kernel-install COMMAND KREL …   from kernel-install(8): add, remove
    kernel-added KREL               a kernel was installed: links, gate
    kernel-leaving KREL             a kernel is about to go: its links go
    kernel-removed KREL             a kernel is gone: the others are judged again
    packages-before FILE… | -       packages about to be installed (-: names on stdin): gate
    dnf5-before CACHE NAME EVRA     the same, for what dnf5 has in its cache
    packages-after                  packages were installed or removed: judged again
    modules-changed [-]             files of modules came or went (-: names on stdin)
    booted KREL                     the kernel runs: gate` + exitStatus(
			"done, or nothing to do", "a required module is left behind, and that matters here",
			"the event is unknown or what it needs is missing"),
		Example: `  modkeep hooks run kernel-added 6.1.0-53-amd64
  find /lib/modules -name '*.ko' | modkeep hooks run modules-changed -`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return usageErrorf(cmd, "no event")
			}
			h.Context, h.in, h.errOut = cmd.Context(), cmd.InOrStdin(), cmd.ErrOrStderr()
			h.out = cmd.OutOrStdout()
			status, err := h.run(args[0], args[1:])
			if errors.Is(err, errEvent) {
				return usageErrorf(cmd, "%w", err)
			}
			if err != nil {
				return fmt.Errorf("cannot do what hook %s asks for: %w", args[0], err)
			}
			if status != statusYes {
				return silent(status)
			}
			return nil
		},
	}
	cmd.Flags().StringVar(&h.root, "root", "/", "the system below `DIR`")
	return cmd
}

// errEvent is wrapped by the error for an event that does not exist or was
// not given what it needs.
var errEvent = errors.New("no such event, or not with these arguments")

// hookEvent is one call of a hook. All that it says is talk: stdout belongs to
// the program that called the hook.
type hookEvent struct {
	context.Context
	root        string
	in          io.Reader
	out, errOut io.Writer
}

func (h *hookEvent) run(event string, args []string) (status int, err error) {
	switch {
	case event == "kernel-install" && len(args) >= 2:
		return h.kernelInstall(args[0], args[1])
	case event == "kernel-added" && len(args) == 1:
		return h.kernelAdded(args[0])
	case event == "kernel-leaving" && len(args) == 1:
		if status, err := h.kernelLeaving(args[0]); status != statusYes {
			return status, err
		}
		return statusYes, h.removeEmpty(args[0])
	case event == "packages-after" && len(args) == 0:
		return h.packagesAfter()
	case event == "kernel-removed" && len(args) == 1:
		return h.judgeAgain(nil)
	case event == "packages-before":
		return h.packagesBefore(args)
	case event == "dnf5-before" && len(args) == 3:
		return h.dnf5Before(args[0], args[1], args[2])
	case event == "modules-changed" && len(args) == 0:
		return h.judgeAgain(nil)
	case event == "modules-changed" && len(args) == 1 && args[0] == "-":
		return h.modulesChanged()
	case event == "booted" && len(args) == 1:
		return h.booted(args[0])
	}
	return statusUnknown, fmt.Errorf("%q: %w", strings.Join(append([]string{event}, args...), " "), errEvent)
}

// call runs one of modkeep's own verbs on the root. What it prints goes to
// stderr.
func (h *hookEvent) call(in io.Reader, args ...string) int {
	return run(h.Context, append([]string{"modkeep"}, args...), in, h.errOut, h.errOut)
}

// plainRelease reports whether a release is one component of a path.
func plainRelease(krel string) bool {
	return krel != "" && krel != "." && krel != ".." && !strings.ContainsAny(krel, "/\x00") && krel[0] != '-'
}

func (h *hookEvent) kernelInstall(command, krel string) (int, error) {
	switch command {
	case "add":
		return h.kernelAdded(krel)
	case "remove":
		return h.kernelLeaving(krel)
	}
	return statusYes, nil // inspect, and what may come
}

// kernelAdded gives a new kernel its links and asks whether it may boot. No
// initramfs is made: the programs that make it are called after the hook.
func (h *hookEvent) kernelAdded(krel string) (int, error) {
	if !plainRelease(krel) {
		return statusUnknown, fmt.Errorf("kernel release %q: %w", krel, errEvent)
	}
	if err := h.link("--kernel", krel, "--no-initramfs"); err != nil {
		fmt.Fprintf(h.errOut, "modkeep: kernel %s: %v\n", krel, err) // what that means is the gate's to say
	}
	return h.gate(krel)
}

func (h *hookEvent) kernelLeaving(krel string) (int, error) {
	if !plainRelease(krel) {
		return statusUnknown, fmt.Errorf("kernel release %q: %w", krel, errEvent)
	}
	if _, err := depmod.ModuleDir(h.root, krel); err != nil {
		return statusYes, nil
	}
	if status := h.call(nil, "weak-modules", "--basedir", h.root, "--no-initramfs", "--remove-kernel", krel); status != 0 {
		return statusUnknown, fmt.Errorf("the links of kernel %s could not be removed", krel)
	}
	return statusYes, nil
}

// removeEmpty removes a kernel's weak-updates, which --remove-kernel leaves
// empty: no package of Debian's owns it, and dpkg would leave the kernel's
// directory for its sake.
func (h *hookEvent) removeEmpty(krel string) error {
	dir, err := depmod.ModuleDir(h.root, krel)
	if err != nil {
		return nil
	}
	dir += "/weak-updates"
	real, err := depmod.Resolve(h.root, dir)
	if err != nil {
		return nil
	}
	if left, err := os.ReadDir(filepath.Join(h.root, real)); err != nil || len(left) > 0 {
		return nil
	}
	store, release, err := lockStore(h, h.errOut, h.root)
	if err != nil {
		return err
	}
	defer release()
	_, err = store.Run(h, txn.Plan{Name: "hooks run kernel-leaving " + krel, Steps: []txn.Step{{Op: txn.Rmdir, Path: dir, Reason: "empty"}}})
	return err
}

// link judges links anew and makes them. That a required module is left
// without is for the gate to say, and so is what could not be told.
func (h *hookEvent) link(flags ...string) error {
	status := h.call(nil, append([]string{"link", "--root", h.root}, flags...)...)
	if status != statusYes && status != statusNo {
		return errors.New("the links could not be made")
	}
	return nil
}

// judgeAgain makes the links of the kernels anew, of all where none is named.
// What scriptlets left for the end of the transaction is done too.
func (h *hookEvent) judgeAgain(krels []string) (int, error) {
	if all, err := kernel.List(h.root); err != nil || len(all) == 0 {
		return statusYes, err
	}
	var failed error
	if krels == nil {
		failed = h.link()
	}
	for _, krel := range krels {
		failed = errors.Join(failed, h.link("--kernel", krel))
	}
	if h.call(nil, "weak-modules", "--basedir", h.root, "--posttrans") != 0 {
		failed = errors.Join(failed, errors.New("the initramfs images could not be made"))
	}
	if failed != nil {
		return statusUnknown, failed
	}
	return statusYes, nil
}

// packagesAfter judges the links of all kernels again, if anything has changed
// that decides about them: most transactions have nothing to do with modules.
func (h *hookEvent) packagesAfter() (int, error) {
	if err := h.reclaim(); err != nil {
		fmt.Fprintf(h.errOut, "modkeep: the hooks could not be looked after: %v\n", err)
	}
	already, now := h.judgedAlready()
	if already {
		return statusYes, nil
	}
	status, err := h.judgeAgain(nil)
	if status == statusYes && err == nil {
		h.remember(now)
	}
	return status, err
}

// reclaim installs the drop-in anew where an update of the distribution's
// package has taken its place: that one is set aside in turn.
func (h *hookEvent) reclaim() error {
	m, err := hooks.ReadManifest(h.root)
	if err != nil || !slices.ContainsFunc(m.Entries, func(e hooks.Entry) bool { return e.Name == "weak-modules" }) {
		return err
	}
	system, err := hooks.Detect(h.root, hooks.Options{Program: m.Program})
	if err != nil {
		return err
	}
	plan, _, err := system.Install("weak-modules")
	if err != nil || len(plan.Steps) == 0 {
		return err
	}
	if h.call(nil, "hooks", "install", "--root", h.root, "--program", m.Program, "weak-modules") != statusYes {
		return errors.New("weak-modules: not installed again")
	}
	return nil
}

// modulesChanged judges the kernels whose own modules are among the files
// named on stdin; where modules that could be offered to others are among
// them, all kernels.
func (h *hookEvent) modulesChanged() (int, error) {
	touched, offered, err := changedModules(h.in)
	if err != nil {
		return statusUnknown, err
	}
	if err := h.reclaim(); err != nil {
		fmt.Fprintf(h.errOut, "modkeep: the hooks could not be looked after: %v\n", err)
	}
	if offered {
		return h.judgeAgain(nil)
	}
	touched = slices.DeleteFunc(touched, func(krel string) bool {
		_, err := depmod.ModuleDir(h.root, krel)
		return err != nil
	})
	if len(touched) == 0 {
		return statusYes, nil
	}
	return h.judgeAgain(touched)
}

// changedModules reads names of files and returns the kernels below whose
// kernel/ some are, and whether others are modules outside of it.
func changedModules(r io.Reader) (krels []string, offered bool, err error) {
	in := bufio.NewScanner(r)
	in.Buffer(nil, 64<<10)
	for in.Scan() {
		name := strings.TrimPrefix(in.Text(), "/usr")
		rel, ok := strings.CutPrefix(name, "/lib/modules/")
		krel, rest, below := strings.Cut(rel, "/")
		if !ok || !below || !plainRelease(krel) || !isModuleName(rest) {
			continue
		}
		switch first, _, _ := strings.Cut(rest, "/"); first {
		case "weak-updates":
		case "kernel":
			if !slices.Contains(krels, krel) {
				krels = append(krels, krel)
			}
		default:
			offered = true
		}
	}
	return krels, offered, in.Err()
}

// isModuleName reports whether a path ends as those of modules do.
func isModuleName(p string) bool {
	return slices.ContainsFunc(depmod.Extensions, func(ext string) bool { return strings.HasSuffix(p, ext) })
}

// gate asks whether a kernel may boot and applies the policy to the answer.
func (h *hookEvent) gate(krel string) (int, error) { return h.gateBelow(h.root, krel) }

// gateBelow is gate for a kernel below another root; the policy is that of
// the system in either case.
func (h *hookEvent) gateBelow(root, krel string) (int, error) {
	mode, err := h.gateMode()
	if err != nil {
		fmt.Fprintf(h.errOut, "modkeep: %v\n", err)
	}
	if mode == policy.GateOff {
		return statusYes, nil
	}
	var said bytes.Buffer
	status := run(h.Context, []string{"modkeep", "gate", "--root", root, "--kernel", krel}, nil, &said, &said)
	if status == statusYes {
		return statusYes, nil
	}
	said.WriteTo(h.errOut)
	return h.judged(krel, status, mode), nil
}

// judged says what an answer of the gate means, and returns the status for it.
func (h *hookEvent) judged(krel string, status int, mode policy.Gate) int {
	what := fmt.Sprintf("modkeep: kernel %s would be without a required module", krel)
	if status != statusNo {
		what = fmt.Sprintf("modkeep: whether every required module follows kernel %s could not be told", krel)
	}
	if mode != policy.GateStrict {
		fmt.Fprintf(h.errOut, "%s (gate: %s)\n", what, mode)
		return statusYes
	}
	fmt.Fprintf(h.errOut, "%s: refused (gate: %s in %s)\n", what, mode, policy.Path)
	return statusNo
}

// gateMode reads what the policy wants. A policy that cannot be read is warn:
// what cannot be told keeps nobody from a kernel unless that is asked for.
func (h *hookEvent) gateMode() (policy.Gate, error) {
	text, err := depmod.ReadFile(h.root, policy.Path, 1<<20)
	if errors.Is(err, fs.ErrNotExist) {
		return policy.Default().Gate, nil
	}
	if err != nil {
		return policy.GateWarn, err
	}
	p, err := policy.Parse(bytes.NewReader(text), policy.Path)
	if err != nil {
		return policy.GateWarn, err
	}
	return p.Gate, nil
}

// booted asks the gate about the running kernel. Its status is for the
// journal and systemctl --failed: a module that is missing now is status 1
// whatever the policy's gate.
func (h *hookEvent) booted(krel string) (int, error) {
	if !plainRelease(krel) {
		return statusUnknown, fmt.Errorf("kernel release %q: %w", krel, errEvent)
	}
	mode, err := h.gateMode()
	if err != nil {
		fmt.Fprintf(h.errOut, "modkeep: %v\n", err)
	}
	if mode == policy.GateOff {
		return statusYes, nil
	}
	status := h.call(nil, "gate", "--root", h.root, "--kernel", krel)
	if status == statusUnknown && mode != policy.GateStrict {
		return statusYes, nil
	}
	if status != statusYes {
		return statusNo, nil
	}
	return statusYes, nil
}

// dnf5Before gates what dnf5 has downloaded: the packages in its cache of one
// kernel's build, and module packages. A line stop=TEXT on stdout ends dnf5's
// transaction.
func (h *hookEvent) dnf5Before(cache, name, evra string) (int, error) {
	prefix, _, _ := strings.Cut(name, "-")
	files, err := cachedPackages(cache, prefix, evra)
	if err != nil {
		return statusUnknown, err
	}
	status, err := h.packagesBefore(files)
	if err == nil && status == statusNo {
		fmt.Fprintf(h.out, "stop=modkeep: a required kernel module would be left behind by %s-%s\n", name, path.Base(evra))
	}
	return status, err
}
