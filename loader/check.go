package loader

import (
	"crypto/x509"
	"iter"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"modkeep/ko"
	"modkeep/symvers"
)

// Provider is what a kernel says of a symbol; package kernel answers it.
type Provider struct {
	symvers.Export
	Owner string // module name; "" for the kernel image
	File  string // path on this machine; "" for the image or where not known
	// Own is a module of the kernel's own, which is taken to load.
	Own bool
	// Missing says why the symbol cannot be had although a table lists it:
	// its module is not installed.
	Missing string
}

// Exports answers which export a kernel has of a name.
type Exports interface {
	// Image is asked first: what the kernel image exports wins.
	Image(symbol string) (symvers.Export, bool)
	// Provider is asked for what neither the image nor the set exports.
	Provider(symbol string) (Provider, bool)
}

// Target is a kernel that modules are judged for.
type Target struct {
	Profile
	Exports Exports

	// Keys are the certificates the kernel trusts for modules. They are asked
	// for only when a signed module is judged.
	Keys func() (keys []*x509.Certificate, known bool)
	// Doubtful are certificates of which it is not known whether the kernel
	// trusts them for modules. It may be nil.
	Doubtful func() []*x509.Certificate
	// RevokedFiles are SHA-256 digests of files that the firmware revokes.
	RevokedFiles [][32]byte

	// BTF returns the kernel's own BTF, nil where it is not known. It is asked
	// for only when a module with BTF of another build is judged.
	BTF func() *BaseBTF

	// Replace lets given modules displace what the kernel's table lists. Where
	// there is an installed tree they always do.
	Replace bool
	// TableOnly is a kernel known by nothing but its table of exports.
	TableOnly bool
	// Running is a kernel whose loaded modules are all known: a symbol of a
	// module that is not loaded is not there.
	Running bool
	// Raw files are handed to the kernel as they are on disk; else they are
	// unpacked first, as kmod does.
	Raw bool
	// Flags are finit_module(2)'s.
	Flags      int
	Params     string // the module's parameters
	InitModule bool   // by init_module(2), not finit_module(2)
	// Comm is the name of the process that loads: insmod.
	Comm string
}

// Check judges a set of modules as a set: a module may need what another one
// of the set exports, and a consumer whose provider is refused is refused for
// that reason. Modules of one name are alternatives. The verdicts come in the
// order of the modules; modules that could not be read get none (nil).
func (t *Target) Check(modules []*Module) []*Verdict {
	t.settle()
	s := newSet(t, modules)
	s.judgeAll()
	out := make([]*Verdict, len(modules))
	for i, n := range s.nodes {
		out[i] = n.verdict
	}
	return out
}

// CheckLoaded judges one module on a kernel in which just the others are
// loaded: what finit_module(2) would answer for the file as it is, while Check
// assumes what modprobe does. It is nil for a file that cannot be read.
func (t *Target) CheckLoaded(m *Module, others []*Module) *Verdict {
	t.settle()
	t.Running, t.Raw = true, true
	if m.Err != nil && t.Flags&compressedFile == 0 && m.Compression == ko.None {
		return nil
	}
	s := newSet(t, others)
	n := &node{m: m, name: m.modname()}
	for _, o := range s.nodes {
		o.state = judged
		o.verdict = &Verdict{Loads: true}
		l := load{target: t, m: o.m, v: &Verdict{}, name: o.name}
		l.noteTaints()
		o.give(l.proprietary)
	}
	return s.judging().judge(n)
}

// ReadAll reads modules on all processors, in the order of paths.
func ReadAll(paths []string) []*Module {
	out := make([]*Module, len(paths))
	onAll(len(paths), 1, func() func(int) {
		return func(i int) { out[i] = Read(paths[i]) }
	})
	return out
}

// onAll does n pieces of work on all processors, each of which takes so many at
// a time. worker makes what one goroutine calls for each piece. A panic of any
// of them is the caller's.
func onAll(n, batch int, worker func() func(i int)) {
	var next atomic.Int64
	var panicked atomic.Pointer[any]
	var wg sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), (n+batch-1)/batch) {
		wg.Add(1)
		go func() {
			defer wg.Done()
			defer func() {
				if p := recover(); p != nil {
					panicked.Store(&p)
				}
			}()
			work := worker()
			for {
				to := int(next.Add(int64(batch)))
				for i := to - batch; i < min(to, n); i++ {
					work(i)
				}
				if to >= n {
					return
				}
			}
		}()
	}
	wg.Wait()
	if p := panicked.Load(); p != nil {
		panic(*p)
	}
}

// configIs reports whether the configuration is known and the option has that
// value; an option that is not set has the value "n".
func (t *Target) configIs(name, value string) bool {
	if t.Config == nil {
		return false
	}
	v, known := t.Config(name)
	return known && v == value
}

func (t *Target) comm() string { return firstOf(t.Comm, "insmod") }

func (t *Target) baseBTF() *BaseBTF {
	if t.BTF == nil {
		return nil
	}
	return t.BTF()
}

// verifies reports whether the kernel's keys are known.
func (t *Target) verifies(*Module) bool {
	if t.Keys == nil {
		return false
	}
	_, known := t.Keys()
	return known
}

// set is a set of modules being judged on one kernel.
type set struct {
	t         *Target
	nodes     []*node
	byName    map[string][]*node
	exporters map[string]*exporter

	mu      sync.Mutex
	implied map[string]*node // providers outside the set, by file; they and their verdicts belong to who holds mu
}

// exporter is a module of the set that exports a symbol.
type exporter struct {
	*node
	index int       // in the module's exports
	next  *exporter // of the same symbol, in the set's order
}

// node is a module in a set.
type node struct {
	m           *Module
	name        string
	state       state
	verdict     *Verdict
	proprietary bool
	gives       []export // as its exports, once it is judged
	needs       []*node  // providers that are modules of the set
	needsNames  []string // names of every module that is loaded before it
}

type state int8

const (
	fresh state = iota
	visiting
	judged
)

func newSet(t *Target, modules []*Module) *set {
	s := &set{t: t, byName: make(map[string][]*node, len(modules)), implied: map[string]*node{}}
	exports := 0
	for _, m := range modules {
		n := &node{m: m, name: m.modname()}
		s.nodes = append(s.nodes, n)
		if m.Err == nil {
			s.byName[n.name] = append(s.byName[n.name], n)
			exports += len(m.exports)
		}
	}
	s.exporters = make(map[string]*exporter, exports)
	room := make([]exporter, 0, exports)
	for _, n := range slices.Backward(s.nodes) {
		if n.m.Err != nil {
			continue
		}
		for i := len(n.m.exports) - 1; i >= 0; i-- {
			symbol := n.m.exports[i].Symbol
			head := s.exporters[symbol]
			if head != nil && head.node == n {
				head.index = i
				continue
			}
			room = append(room, exporter{n, i, head})
			s.exporters[symbol] = &room[len(room)-1]
		}
	}
	return s
}

// judgeAll gives all verdicts: first, one after the other, those of the modules
// that others may need; then those of the rest, on all processors.
func (s *set) judgeAll() {
	j := s.judging()
	var rest []*node
	for _, n := range s.nodes {
		switch {
		case n.m.Err != nil:
		case len(n.m.exports) > 0:
			j.judge(n)
		default:
			rest = append(rest, n)
		}
	}
	onAll(len(rest), 16, func() func(int) {
		j := s.judging()
		return func(i int) { j.judge(rest[i]) }
	})
}

// judging is what one goroutine that judges modules of a set has of its own.
type judging struct {
	*set
	images map[string]*export // nil for what the image does not export
	locked bool               // holds mu
}

func (s *set) judging() *judging { return &judging{set: s, images: map[string]*export{}} }

// judge gives a node's verdict, after those of the modules it needs.
func (s *judging) judge(n *node) *Verdict {
	if n.state == judged {
		return n.verdict
	}
	n.state = visiting
	v := &Verdict{Module: n.m.Path, Name: n.name, Kernel: s.t.Release}
	l := &load{target: s.t, m: n.m, v: v, modname: n.name, name: firstOf(n.m.structName, n.m.Name, n.name)}
	l.finder = &view{s, n}
	if n.m.legacy && s.t.Version.Less(Version{2, 5, 0}) {
		v.Loads = l.runInsmod()
	} else {
		v.Errno = l.run()
		v.Loads = v.Errno == ""
		v.Insmod = insmodText(n.m.Path, v.Errno)
		v.Modprobe = modprobeText(n.name, s.modprobeErrno(n, v))
	}
	v.Basis = l.basis
	n.give(l.proprietary)
	s.advise(n, l)
	v.finish()
	n.verdict, n.state = v, judged
	return v
}

// modprobeErrno is what modprobe would report: it loads what a module needs
// first and stops at the first that fails.
func (s *set) modprobeErrno(n *node, v *Verdict) string {
	for _, p := range n.needs {
		if p.verdict != nil && !p.verdict.Loads {
			return p.verdict.Errno
		}
	}
	return v.Errno
}

// finish makes empty lists of absent ones, so that the JSON has no nulls.
func (v *Verdict) finish() {
	for _, list := range []*[]string{&v.Log, &v.Taints, &v.Warnings, &v.Unknown} {
		if *list == nil {
			*list = []string{}
		}
	}
	if v.Findings == nil {
		v.Findings = []Finding{}
	}
}

// view is the kernel's symbols as one module of the set finds them.
type view struct {
	s *judging
	n *node
}

func (w *view) find(symbol string) (*export, *absence) {
	s := w.s
	if e := s.image(symbol); e != nil {
		return e, nil
	}
	if s.t.TableOnly && !s.t.Replace {
		if p, listed := s.t.Exports.Provider(symbol); listed {
			return s.fromKernel(w.n, &p)
		}
	}
	if e, why := w.fromSet(symbol); e != nil || why != nil || s.t.Running {
		return e, why
	}
	p, listed := s.t.Exports.Provider(symbol)
	if !listed {
		return nil, nil
	}
	if len(s.byName[p.Owner]) > 0 && p.Owner != w.n.name {
		given := s.byName[p.Owner][0].m.Path
		return nil, &absence{KindMissing, given, "the given " + given + " does not export " + symbol}
	}
	return s.fromKernel(w.n, &p)
}

// image returns the kernel image's export of a symbol, nil where it has none.
// Every module asks for the same few thousand.
func (s *judging) image(symbol string) *export {
	if x, ok := s.t.Exports.(images); ok {
		return x.image(symbol)
	}
	e, ok := s.images[symbol]
	if !ok {
		if row, has := s.t.Exports.Image(symbol); has {
			e = &export{Export: row}
		}
		s.images[symbol] = e
	}
	return e
}

// images is what Exports may offer beside: Image's answer as it is wanted here,
// made once.
type images interface {
	image(symbol string) *export
}

// fromSet finds the symbol among the set's own modules: the first of them that
// loads gives it.
func (w *view) fromSet(symbol string) (*export, *absence) {
	var why *absence
	for x := w.s.exporters[symbol]; x != nil; x = x.next {
		p := x.node
		if p.name == w.n.name {
			continue
		}
		if p.state == visiting {
			why = &absence{KindCycle, p.m.Path, symbol + " comes from " + p.m.Path + ", which needs this module"}
			continue
		}
		v := w.s.judge(p)
		w.n.need(p)
		if !v.Loads {
			why = &absence{KindProvider, p.m.Path, symbol + " comes from " + p.m.Path + ", which is refused itself: " + v.reason()}
			continue
		}
		return &p.gives[x.index], nil
	}
	return nil, why
}

// need notes that a judged module is asked for, and where it loads that it, and
// all it needs, is loaded before n.
func (n *node) need(p *node) {
	if slices.Contains(n.needs, p) {
		return
	}
	n.needs = append(n.needs, p)
	if p.verdict.Loads {
		n.needName(p.name)
		for _, name := range p.needsNames {
			n.needName(name)
		}
	}
}

func (n *node) needName(name string) {
	if !slices.Contains(n.needsNames, name) {
		n.needsNames = append(n.needsNames, name)
	}
}

// give fills in what a judged module gives to others.
func (n *node) give(proprietary bool) {
	n.proprietary = proprietary
	n.gives = make([]export, len(n.m.exports))
	for i := range n.gives {
		e := &n.m.exports[i]
		n.gives[i] = export{Export: symvers.Export{Symbol: e.Symbol, CRC: e.CRC, HasCRC: e.HasCRC, Module: n.m.Path, Type: e.Type, Namespace: e.Namespace},
			owner: n.name, file: n.m.Path, proprietary: proprietary}
	}
}

// given returns what a judged module gives by that name, nil for nothing.
func (n *node) given(symbol string) *export {
	for i := range n.gives {
		if e := &n.gives[i]; e.Symbol == symbol {
			return e
		}
	}
	return nil
}

// fromKernel finds the symbol in a module outside the set: the kernel's own is
// taken to load, any other is judged in its turn.
func (s *judging) fromKernel(n *node, p *Provider) (*export, *absence) {
	if p.Missing != "" {
		return nil, &absence{KindProvider, p.Module, p.Missing}
	}
	if p.Own || p.File == "" {
		n.needName(p.Owner)
		return &export{Export: p.Export, owner: p.Owner, file: p.File}, nil
	}
	if !s.locked {
		s.mu.Lock()
		s.locked = true
		defer func() {
			s.locked = false
			s.mu.Unlock()
		}()
	}
	q := s.implied[p.File]
	if q == nil {
		m := Read(p.File)
		q = &node{m: m, name: m.modname()}
		s.implied[p.File] = q
	}
	switch {
	case q.m.Err != nil:
		return nil, &absence{KindProvider, p.File, "the provider cannot be read: " + q.m.Err.Error()}
	case q.state == visiting:
		return nil, &absence{KindCycle, p.File, p.Symbol + " comes from " + p.File + ", which needs this module"}
	}
	v := s.judge(q)
	n.need(q)
	if !v.Loads {
		return nil, &absence{KindProvider, p.File, p.Symbol + " comes from " + p.File + ", which is refused itself: " + v.reason()}
	}
	return q.given(p.Symbol), nil
}

// exportedAlready reports who exports a symbol on the kernel at the time the
// module is loaded: the image, or a module loaded before it.
func (t *Target) exportedAlready(l *load, symbol string) (owner string, ok bool) {
	w := l.finder.(*view)
	if w.s.image(symbol) != nil {
		return "kernel", true
	}
	if before := append(w.n.needsNames, t.Loaded...); !t.Running && len(before) > 0 && t.mayOwn(symbol, before) {
		if p, listed := t.Exports.Provider(symbol); listed && p.Missing == "" && p.Owner != w.n.name &&
			(slices.Contains(t.Loaded, p.Owner) || slices.Contains(w.n.needsNames, p.Owner)) {
			return p.Owner, true
		}
	}
	for x := w.s.exporters[symbol]; x != nil; x = x.next {
		q := x.node
		if q == w.n {
			break // modules after this one are refused in their turn
		}
		if q.name != w.n.name && q.state == judged && q.verdict.Loads {
			return q.name, true
		}
	}
	return "", false
}

// owners is what Exports may offer beside: the names of the modules that may
// turn out to be a symbol's provider, told without opening their files.
type owners interface {
	Owners(symbol string) iter.Seq[string]
}

// mayOwn reports whether one of the modules may be a symbol's provider.
func (t *Target) mayOwn(symbol string, modules []string) bool {
	o, ok := t.Exports.(owners)
	if !ok {
		return true
	}
	for name := range o.Owners(symbol) {
		if slices.Contains(modules, name) {
			return true
		}
	}
	return false
}

// reason is a verdict's first finding in a few words.
func (v *Verdict) reason() string {
	if len(v.Findings) == 0 {
		return v.Errno
	}
	f := v.Findings[0]
	if f.Symbol != "" && !strings.Contains(f.Text, f.Symbol) {
		return f.Text + " (" + f.Symbol + ")"
	}
	return f.Text
}
