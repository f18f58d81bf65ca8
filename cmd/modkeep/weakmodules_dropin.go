package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"modkeep/initramfs"
	"modkeep/kernel"
	"modkeep/kernel/release"
	"modkeep/node"
	"modkeep/policy"
	"modkeep/weakupdates"
)

// dropIn is what the drop-ins for other tools have in common: one call of one
// of them.
type dropIn struct {
	cmd       *cobra.Command
	name      string // of the tool
	say       sentences
	errOut    io.Writer
	root      string
	layout    weakupdates.Layout // "" to detect
	dryRun    bool
	initramfs initramfsChoice
	deferred  bool   // the initramfs is made by another call or program
	generator string // the program that makes it, "" to detect one
	depmod    string // the program, "" for the one in PATH
	// index are kernels whose index files are written in any case; firstImage
	// is where a kernel without an initramfs gets one, see node.Options.
	index      []string
	firstImage string
}

// initramfsChoice is what the command line says about making an initramfs.
type initramfsChoice int

const (
	initramfsAuto initramfsChoice = iota // where a module in it changed
	initramfsNever
	initramfsAlways
)

// inRoot sets the root; an empty name is "/", as for the scripts.
func (d *dropIn) inRoot(root string) {
	if d.root = "/"; root != "" {
		d.root = filepath.Clean(root)
	}
}

func newDropIn(cmd *cobra.Command, name string) *dropIn {
	return &dropIn{cmd: cmd, name: name, say: sentences{out: cmd.OutOrStdout()}, errOut: cmd.ErrOrStderr(), root: "/"}
}

// complain says what is wrong on standard error.
func (d *dropIn) complain(format string, args ...any) {
	fmt.Fprintf(d.errOut, d.name+": "+format+"\n", args...)
}

// listed reads the list on standard input as paths inside the root. What lies
// outside is passed over, and said.
func (d *dropIn) listed() ([]string, error) {
	paths, err := readListed(d.cmd.InOrStdin())
	if err != nil {
		return nil, err
	}
	dir, err := os.Getwd()
	if err != nil {
		dir = "/"
	}
	place := newListPlace(d.root, dir)
	var list []string
	for _, path := range paths {
		inside, ok := place.inside(path)
		if !ok {
			d.complain("%s is not below %s: passed over", path, d.root)
			continue
		}
		list = append(list, inside)
	}
	return list, nil
}

// notes says on standard error what a user should know of a plan.
func (d *dropIn) notes(plan *node.Plan) {
	for _, text := range plan.Notes {
		d.complain("%s", text)
	}
	for _, s := range plan.Without {
		d.complain("kernel %s is left without %s, which the policy requires: %s", s.Kernel, s.Name, s.Reason)
	}
}

// open opens the root with what the command line says of it.
func (d *dropIn) open() (*node.Node, error) {
	o := nodeOptions(d.cmd, d.root)
	o.Layout, o.Depmod, o.Generator = d.layout, firstNonEmpty(d.depmod, findProgram("depmod")), d.generator
	o.FirstImage = d.firstImage
	o.Waiting = func(holder string) { d.complain("waiting for %s to finish", holder) }
	n, err := openNode(d.root, o)
	if err != nil {
		return nil, err
	}
	if d.initramfs == initramfsAlways {
		rules := *n.Policy
		rules.Initramfs = policy.InitramfsAlways
		n.Policy = &rules
	}
	return n, nil
}

// do carries out a request, or finds out what it would come to. Nothing is
// done where an initramfs is due that there is no program for.
func (d *dropIn) do(req weakupdates.Request) (*node.Plan, error) {
	n, err := d.open()
	if err != nil {
		return nil, err
	}
	request := node.Request{Request: req, Name: d.name + " --" + string(req.Verb),
		NoInitramfs: d.initramfs == initramfsNever, DeferInitramfs: d.deferred, Index: d.index}
	if len(req.Kernels) == 1 {
		request.Name += " " + req.Kernels[0]
	}
	if d.dryRun || !request.NoInitramfs && !d.deferred && d.mayLackGenerator() {
		if pending, _ := n.Pending(); pending && d.dryRun {
			d.complain("a transaction was interrupted; it is taken back before anything is done")
		}
		plan, err := n.Plan(request)
		if err != nil {
			return plan, err
		}
		if !d.deferred && lacksGenerator(plan) {
			return plan, errNoGenerator
		}
		if d.dryRun {
			return plan, nil
		}
	}
	result, err := n.Apply(d.cmd.Context(), request)
	if result == nil {
		return nil, err
	}
	sayRecovery(d.errOut, result.Recovery)
	return result.Plan, err
}

// errNoGenerator is the script's complaint; it knows no other generator.
var errNoGenerator = errors.New("could not find dracut at /usr/bin/dracut")

// mayLackGenerator reports whether an initramfs may be due that there is no
// program for.
func (d *dropIn) mayLackGenerator() bool {
	if d.generator != "" {
		return false
	}
	if d.root == "/" {
		if _, ok := initramfs.Detect(d.root, ""); ok {
			return false
		}
	}
	kernels, _ := kernel.List(d.root)
	return slices.ContainsFunc(kernels, func(krel string) bool {
		_, ok := initramfs.ImagePath(d.root, krel)
		return ok
	})
}

// lacksGenerator reports whether a plan has an initramfs made without a program
// for it.
func lacksGenerator(plan *node.Plan) bool {
	return slices.ContainsFunc(plan.Images, func(i node.ImageDecision) bool { return i.Rebuild && i.Program == "" })
}

// marks is where, inside the root, a file of a kernel's name says that its
// initramfs is to be made when the package manager is done. SUSE's
// regenerate-initrd-posttrans reads them too.
const marks = "run/regenerate-initrd"

// mark marks the kernels whose initramfs a plan wants made.
func (d *dropIn) mark(kernels []string) error {
	dir := filepath.Join(d.root, marks)
	for _, krel := range kernels {
		d.say.more("touch %s", filepath.Join(dir, krel))
		if d.dryRun {
			continue
		}
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(dir, krel), nil, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// due returns the kernels whose initramfs a plan wants made.
func due(plan *node.Plan) []string {
	var list []string
	for _, i := range plan.Images {
		if i.Rebuild {
			list = append(list, i.Kernel)
		}
	}
	return list
}

// marked returns the kernels that are marked, and the marks that stand for them.
// A mark "all" is for every kernel; some packages put the image's name and a
// dash in front of the release.
func (d *dropIn) marked() (kernels, files []string, err error) {
	dir := filepath.Join(d.root, marks)
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil, nil
	} else if err != nil {
		return nil, nil, err
	}
	installed, err := kernel.List(d.root)
	if err != nil {
		return nil, nil, err
	}
	for _, e := range entries {
		files = append(files, filepath.Join(dir, e.Name()))
		_, behind, _ := strings.Cut(e.Name(), "-")
		switch {
		case e.Name() == "all":
			kernels = append(kernels, installed...)
		case slices.Contains(installed, e.Name()):
			kernels = append(kernels, e.Name())
		case slices.Contains(installed, behind):
			kernels = append(kernels, behind)
		default:
			d.complain("skipping invalid kernel version %s", filepath.Join(dir, e.Name()))
		}
	}
	slices.SortFunc(kernels, release.Compare)
	return slices.Compact(kernels), files, nil
}

// makeMarked makes the initramfs of each marked kernel, and returns the exit
// status. Marks stay where that fails.
func (d *dropIn) makeMarked() int {
	kernels, files, err := d.marked()
	if err == nil && len(kernels) > 0 && d.initramfs != initramfsNever {
		err = d.makeImages(kernels)
	}
	if err != nil {
		d.complain("%v", err)
		return 1
	}
	if d.dryRun {
		return 0
	}
	for _, file := range files {
		if err := os.Remove(file); err != nil && !errors.Is(err, fs.ErrNotExist) {
			d.complain("%v", err)
			return 1
		}
	}
	return 0
}

// makeImages makes the images of kernels anew, whatever changed.
func (d *dropIn) makeImages(kernels []string) error {
	n, err := d.open()
	if err != nil {
		return err
	}
	plan, err := n.PlanImages(kernels)
	if err != nil {
		return err
	}
	if lacksGenerator(plan) {
		return errNoGenerator
	}
	for i := range plan.Steps {
		d.say.step(d.root, &plan.Steps[i])
	}
	if d.dryRun || len(plan.Steps) == 0 {
		return nil
	}
	_, err = n.MakeImages(d.cmd.Context(), kernels)
	return err
}

// executable reports whether a path is a program.
func executable(path string) bool {
	info, err := os.Stat(path)
	return path != "" && err == nil && info.Mode().IsRegular() && info.Mode()&0o111 != 0
}

// findProgram finds a program in PATH and where system programs lie, which a
// scriptlet's PATH may be without; "" where it is in none.
func findProgram(name string) string {
	if path, err := exec.LookPath(name); err == nil {
		return path
	}
	for _, dir := range []string{"/usr/sbin", "/sbin", "/usr/bin", "/bin"} {
		if path := dir + "/" + name; executable(path) {
			return path
		}
	}
	return ""
}
