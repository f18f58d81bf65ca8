package node

import (
	"bytes"
	"context"
	"fmt"
	"path"
	"slices"
	"strings"
	"time"

	"modkeep/depmod"
	"modkeep/ko"
	"modkeep/txn"
)

// Live is the running kernel: what a plan needs to be carried out. Facts are
// values, so that plans can be made and checks judged without one.
type Live interface {
	// Facts returns what the kernel says now.
	Facts() (*Facts, error)
	// Load is finit_module(2), or init_module(2) where the bytes are in no file
	// that the kernel could read. An error is the system call's errno.
	Load(m ModuleFile, params string) error
	// Unload is delete_module(2), without waiting. An error is its errno.
	Unload(name string) error
	// SetParameter writes a parameter of a loaded module.
	SetParameter(module, parameter, value string) error
	// Log returns the records of the kernel's log since the last call, since
	// boot at the first one, in the form of /dev/kmsg.
	Log() ([]byte, error)
	// Command has a shell run a command of the user's, until the context ends.
	// output is the end of what it wrote.
	Command(ctx context.Context, command string) (output string, err error)
	// Wait passes time.
	Wait(ctx context.Context, d time.Duration)
}

// ModuleFile is a module that can be loaded.
type ModuleFile struct {
	Path string // inside the root; "" where the bytes are in no file any more
	Host string // Path on this machine
	Data []byte // as it is on the disk, perhaps compressed
}

// identity is what tells builds of a module apart: a hash of its sources, and
// one of its linked code. Both are kept by the kernel.
type identity struct{ srcversion, buildID string }

// same reports whether two identities are of one build, and whether that can be
// told at all.
func (a identity) same(b identity) (same, known bool) {
	if a.buildID != "" && b.buildID != "" {
		return a == b || a.buildID == b.buildID && (a.srcversion == "" || b.srcversion == ""), true
	}
	return a.srcversion == b.srcversion, a.srcversion != "" && b.srcversion != ""
}

func (a identity) String() string {
	switch {
	case a.srcversion != "" && a.buildID != "":
		return "srcversion " + a.srcversion + ", build id " + a.buildID
	case a.srcversion != "":
		return "srcversion " + a.srcversion
	case a.buildID != "":
		return "build id " + a.buildID
	}
	return "no srcversion and no build id"
}

func (m *LoadedModule) identity() identity { return identity{m.Srcversion, m.BuildID} }

// described is what is needed of a module's file.
type described struct {
	identity
	parameters map[string]string // name → type; only those of standard types
	aliases    []string
}

func describe(data []byte) (described, error) {
	var d described
	f, err := ko.New("", bytes.NewReader(data), int64(len(data)))
	if err != nil {
		return d, err
	}
	defer f.Close()
	d.srcversion, _ = f.Info.Get("srcversion")
	if id, err := f.BuildID(); err == nil {
		d.buildID = fmt.Sprintf("%x", id)
	}
	d.parameters = map[string]string{}
	for _, field := range f.Info {
		name, kind, _ := strings.Cut(field.Value, ":")
		switch {
		case field.Key == "parmtype" && standardParameter(kind):
			d.parameters[name] = kind
		case field.Key == "alias":
			d.aliases = append(d.aliases, field.Value)
		}
	}
	return d, nil
}

// standardParameter reports whether a parameter's type is one that the kernel
// itself reads (include/linux/moduleparam.h): of others, those of module_param_cb,
// some can only be read, and setting one that has no function for it crashes.
func standardParameter(kind string) bool {
	kind = strings.TrimPrefix(kind, "array of ")
	return slices.Contains([]string{"byte", "short", "ushort", "int", "uint", "long", "ulong", "ullong", "hexint", "bool", "invbool", "bint", "charp", "string"}, kind)
}

// moduleFile reads a module's file inside the root.
func (n *Node) moduleFile(p string) (ModuleFile, error) {
	data, err := depmod.ReadFile(n.Root, p, maxSourceBytes)
	if err != nil {
		return ModuleFile{}, err
	}
	real, err := depmod.Resolve(n.Root, p)
	return ModuleFile{p, path.Join(n.Root, real), data}, err
}

// previous finds a copy of the build that is loaded: among the files of the
// tree, then in the journal of transactions that are in effect. It is nil
// where there is none. The file that has the content given is not it.
func (n *Node) previous(tree *depmod.Tree, m *LoadedModule, not []byte) (*ModuleFile, error) {
	var paths []string
	if f := tree.Module(m.Name); f != nil {
		paths = append(paths, inTree(tree, f))
	}
	for _, s := range tree.Shadowed {
		if s.Name == m.Name {
			paths = append(paths, inTree(tree, s.File))
		}
	}
	for _, p := range paths {
		file, err := n.moduleFile(p)
		if err != nil {
			continue
		}
		if d, err := describe(file.Data); err == nil && sameBuild(m.identity(), d.identity) && !bytes.Equal(file.Data, not) {
			return &file, nil
		}
	}
	records, err := n.store.History()
	if err != nil {
		return nil, err
	}
	for _, r := range records {
		if r.UndoneBy != 0 || !touches(r, m.Name, func(string) bool { return true }) {
			continue
		}
		plan, err := n.store.UndoPlan(r.Number)
		if err != nil {
			continue // the tree is another by now
		}
		for _, s := range plan.Steps {
			if s.Op != txn.Write || !depmod.IsModule(s.Path) || depmod.ModuleName(s.Path) != m.Name {
				continue
			}
			if d, err := describe(s.Data); err == nil && sameBuild(m.identity(), d.identity) && !bytes.Equal(s.Data, not) {
				return &ModuleFile{Data: s.Data}, nil
			}
		}
	}
	return nil, nil
}

func sameBuild(a, b identity) bool {
	same, known := a.same(b)
	return same && known
}

// touches reports whether a transaction wrote or removed a file of a module, one
// whose path is meant.
func touches(r txn.Record, name string, meant func(path string) bool) bool {
	return slices.ContainsFunc(r.Steps, func(s txn.Step) bool {
		return (s.Op == txn.Write || s.Op == txn.Remove) && depmod.IsModule(s.Path) && depmod.ModuleName(s.Path) == name && meant(s.Path)
	})
}
