package node

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"

	"modkeep/depmod"
	"modkeep/initramfs"
	"modkeep/policy"
	"modkeep/txn"
)

// ImageDecision says whether a kernel's initramfs is made anew.
type ImageDecision struct {
	Kernel  string
	Path    string // inside the root; "" where there is none
	Rebuild bool
	Reason  string
	// Program makes the image; "" where a rebuild is due and nothing is there
	// to do it with.
	Program string
}

// images decides which changed kernels' images are made anew, and adds the
// steps that make them.
func (n *Node) images(p *Plan, req Request) {
	if req.NoInitramfs {
		return
	}
	for _, c := range p.Changes {
		if len(c.Names) == 0 {
			continue
		}
		d := n.decideImage(c.Kernel, c.Names, p)
		p.Images = append(p.Images, d)
		if !req.DeferInitramfs {
			n.imageStep(p, d)
		}
	}
}

// imageStep adds the step that makes an image, or the note that nothing can.
func (n *Node) imageStep(p *Plan, d ImageDecision) {
	switch {
	case !d.Rebuild:
	case d.Program == "":
		p.note("the initramfs of %s is to be made anew (%s), and there is no program for it: %s", d.Kernel, d.Reason, d.Path)
	default:
		p.Steps = append(p.Steps, txn.Step{Op: txn.Initramfs, Path: d.Path, Reason: d.Reason, Command: n.generate(d)})
	}
}

// decideImage reads the image that a kernel has and asks whether a changed
// module is in it, or would be.
func (n *Node) decideImage(krel string, changed []string, p *Plan) ImageDecision {
	d := ImageDecision{Kernel: krel}
	var ok bool
	if d.Path, ok = initramfs.ImagePath(n.Root, krel); !ok {
		d.Reason = "the kernel has none"
		return d
	}
	d.Program = n.program()
	switch n.Policy.Initramfs {
	case policy.InitramfsNever:
		d.Reason = "the policy says initramfs: never"
		return d
	case policy.InitramfsAlways:
		d.Rebuild, d.Reason = true, "the policy says initramfs: always"
		return d
	}
	configured, err := initramfs.Configured(n.Root)
	if err != nil {
		p.note("%v", err)
	}
	image, err := n.readImage(d.Path)
	if err != nil {
		p.note("%s: %v", d.Path, err)
	}
	d.Rebuild, d.Reason = initramfs.Needs(image, n.ofGenerator(configured), changed, p.depends)
	return d
}

func (n *Node) readImage(p string) (*initramfs.Image, error) {
	real, err := depmod.Resolve(n.Root, p)
	if err != nil {
		return nil, err
	}
	return initramfs.Open(filepath.Join(n.Root, real))
}

// ofGenerator keeps the settings of the generator in use; all where that is
// not known.
func (n *Node) ofGenerator(settings []initramfs.Setting) []initramfs.Setting {
	g, ok := initramfs.Detect(n.Root, n.options.Generator)
	if !ok {
		return settings
	}
	var list []initramfs.Setting
	for _, s := range settings {
		if s.Generator == g.Name {
			list = append(list, s)
		}
	}
	return list
}

// program returns the generator's path. What the root's own generator makes
// holds the running system's parts, so in a root that is not "/" only one
// that was named is used.
func (n *Node) program() string {
	if n.options.Generator != "" {
		return n.options.Generator
	}
	if n.Root != "/" {
		return ""
	}
	g, _ := initramfs.Detect(n.Root, "")
	return g.Program
}

func (n *Node) generate(d ImageDecision) []string {
	g, ok := initramfs.Detect(n.Root, n.options.Generator)
	if !ok || n.options.Generator != "" && g.Program != n.options.Generator {
		g = initramfs.Generator{Name: initramfs.Dracut}
	}
	g.Program = d.Program
	return g.Command(d.Kernel, "{}")
}

// depends returns the names that the module chosen for a name says it needs.
func (p *Plan) depends(name string) []string {
	for _, o := range p.Outcomes {
		if o.Name != name || o.Donor == nil || o.Donor.Module() == nil {
			continue
		}
		text, _ := o.Donor.Module().Info.Get("depends")
		var list []string
		for dep := range strings.SplitSeq(text, ",") {
			if dep != "" {
				list = append(list, dep)
			}
		}
		return list
	}
	return nil
}

// PlanImages returns the steps that make the images of kernels anew, whatever
// changed.
func (n *Node) PlanImages(kernels []string) (*Plan, error) {
	p := newPlan()
	for _, krel := range kernels {
		d := ImageDecision{Kernel: krel, Rebuild: true, Reason: "asked for", Program: n.program()}
		var ok bool
		if d.Path, ok = initramfs.ImagePath(n.Root, krel); !ok && n.options.FirstImage != "" {
			d.Path = strings.ReplaceAll(n.options.FirstImage, "KREL", krel)
		} else if !ok {
			d.Rebuild, d.Reason = false, "the kernel has none"
		}
		p.Images = append(p.Images, d)
		n.imageStep(p, d)
	}
	return p, nil
}

// MakeImages does what PlanImages returns, under the lock.
func (n *Node) MakeImages(ctx context.Context, kernels []string) (*Result, error) {
	return n.apply(ctx, fmt.Sprintf("initramfs %s", strings.Join(kernels, " ")), func() (*Plan, error) { return n.PlanImages(kernels) })
}
