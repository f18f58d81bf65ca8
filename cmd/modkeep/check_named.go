package main

import (
	"fmt"
	"os"

	"modkeep/kernel"
	"modkeep/loader"
)

// named finds the file that a module name stands for on a kernel. Where there
// is none, it says why: the verdict of a file of that name that another kernel
// has is added to the report as this kernel's answer.
func (r *checkRun) named(k *kernel.Kernel, name string) *loader.Module {
	if f := k.Tree().Module(name); f != nil {
		m := loader.Read(f.Path)
		if m.Err != nil {
			r.fail(f.Path, m.Err)
			return nil
		}
		return m
	}
	if b := k.Builtin(); b != nil && b.Has(name) {
		r.report.Verdicts = append(r.report.Verdicts, builtinVerdict(k, name))
		return nil
	}
	v := r.elsewhere(k, name)
	if v == nil {
		err := fmt.Errorf("no kernel below %s has a module of that name", r.opts.root)
		if _, statErr := os.Stat(name); statErr == nil {
			err = fmt.Errorf("%w; the file or folder is ./%s", err, name)
		}
		r.fail(name, err)
		return nil
	}
	r.report.Verdicts = append(r.report.Verdicts, v)
	return nil
}

// builtinVerdict is the answer for a module that is compiled into the image.
func builtinVerdict(k *kernel.Kernel, name string) *loader.Verdict {
	v := &loader.Verdict{Module: name, Name: name, Kernel: k.Release, Loads: true, Basis: loader.Source}
	v.Warnings = []string{"is built into the kernel: nothing is loaded"}
	return v.Finished()
}

// elsewhere explains a name that no file of the kernel answers to by the file
// of another kernel: whether it would do here, and if so that it is not linked.
func (r *checkRun) elsewhere(k *kernel.Kernel, name string) *loader.Verdict {
	krels, err := kernel.List(r.opts.root)
	if err != nil {
		return nil
	}
	for _, krel := range krels {
		other, err := kernel.Open(r.opts.root, krel, kernel.Options{})
		if krel == k.Release || err != nil {
			continue
		}
		f := other.Tree().Module(name)
		if f == nil {
			continue
		}
		m := loader.Read(f.Path)
		if m.Err != nil {
			continue
		}
		v := r.targetOf(k).Check([]*loader.Module{m})[0]
		return v.NotInstalled(krel+"/"+f.Rel, k.ModuleDir)
	}
	return nil
}
