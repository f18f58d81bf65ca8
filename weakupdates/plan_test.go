package weakupdates

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"modkeep/internal/kerneltest/made"
	"modkeep/policy"
	"modkeep/txn"
)

const (
	rhel = `file /etc/os-release ID=rhel\n
		file /etc/depmod.d/dist.conf search updates extra built-in weak-updates\n
		`
	suse = `file /etc/os-release ID="sles"\n
		file /etc/depmod.d/00-system.conf search updates extra weak-updates kgraft built-in\n
		`
	k1 = "5.14.0-70.el9.x86_64"
	k2 = "5.14.0-162.el9.x86_64"
	k3 = "5.14.0-284.el9.x86_64"
)

// TestPlan holds what is decided against what the kernel's rules and
// depmod's ask for, written down by hand.
func TestPlan(t *testing.T) {
	tests := []struct {
		name   string
		root   string
		policy string
		req    Request
		// want: "link NAME FROM" of the links that K2 or the named kernel has
		// afterwards, "override NAME"; refused names with a word of the reason.
		kernel  string
		want    []string
		refused []string
	}{
		{
			name: "newest build that loads",
			root: rhel + "kernel K1\nvmlinux printk@a\nextra/foo.ko printk@a\nkernel K2\nvmlinux printk@b\nextra/foo.ko printk@b\nkernel K3\nvmlinux printk@a",
			req:  Request{Verb: AddKernel, Kernels: []string{k3}}, kernel: k3,
			want: []string{"link foo.ko K1/extra/foo.ko"},
		},
		{
			name: "older pair as a whole before half of the newer",
			root: rhel + `kernel K1
				vmlinux printk@a
				extra/p.ko printk@a +pf@1
				extra/c.ko printk@a pf@1
				kernel K2
				vmlinux printk@a
				extra/p.ko printk@a +pf@1
				extra/c.ko printk@dead pf@1
				kernel K3
				vmlinux printk@a`,
			req: Request{Verb: AddKernel, Kernels: []string{k3}}, kernel: k3,
			want: []string{"link c.ko K1/extra/c.ko", "link p.ko K1/extra/p.ko"},
		},
		{
			name: "half of the newer where no other half fits",
			root: rhel + `kernel K1
				vmlinux printk@a
				extra/p.ko printk@dead +pf@1
				extra/c.ko printk@a pf@1
				kernel K2
				vmlinux printk@a
				extra/p.ko printk@a +pf@1
				extra/c.ko printk@dead pf@1
				kernel K3
				vmlinux printk@a`,
			req: Request{Verb: AddKernel, Kernels: []string{k3}}, kernel: k3,
			want: []string{"link c.ko K1/extra/c.ko", "link p.ko K2/extra/p.ko"},
		},
		{
			name: "in-tree module wins, override for the consumer's sake",
			root: rhel + `kernel K1
				vmlinux printk@a
				extra/foo.ko printk@a +fs@2
				extra/cons.ko printk@a fs@2
				kernel K2
				vmlinux printk@a
				kernel/foo.ko printk@a +fs@1`,
			req:  Request{Verb: AddKernel, Kernels: []string{k2}},
			want: []string{"link cons.ko K1/extra/cons.ko", "link foo.ko K1/extra/foo.ko", "override foo"},
		},
		{
			name: "no override that takes the in-tree provider from a consumer",
			root: rhel + `kernel K1
				vmlinux printk@a
				extra/foo.ko printk@a +fs@2
				extra/cons.ko printk@a fs@1
				kernel K2
				vmlinux printk@a
				kernel/foo.ko printk@a +fs@1`,
			req:     Request{Verb: AddKernel, Kernels: []string{k2}},
			want:    []string{"link cons.ko K1/extra/cons.ko"},
			refused: []string{"foo: needs override"},
		},
		{
			name: "override: false",
			root: rhel + `kernel K1
				vmlinux printk@a
				extra/foo.ko printk@a +fs@2
				extra/cons.ko printk@a fs@2
				kernel K2
				vmlinux printk@a
				kernel/foo.ko printk@a +fs@1`,
			policy:  "override: false",
			req:     Request{Verb: AddKernel, Kernels: []string{k2}},
			refused: []string{"cons: fs", "foo: needs override"},
		},
		{
			name: "suse searches links before in-tree modules, keeps the first directory",
			root: suse + `kernel K1
				vmlinux printk@a
				updates/foo.ko printk@a +fs@2
				updates/cons.ko printk@a fs@2
				kernel K2
				vmlinux printk@a
				kernel/foo.ko printk@a +fs@1`,
			req:  Request{Verb: AddKernel, Kernels: []string{k2}},
			want: []string{"link updates/cons.ko K1/updates/cons.ko", "link updates/foo.ko K1/updates/foo.ko"},
		},
		{
			name: "link: never and link: force",
			root: rhel + `kernel K1
				vmlinux printk@a
				extra/a.ko printk@a
				extra/b.ko printk@dead
				kernel K2
				vmlinux printk@a`,
			policy: "modules:\n  - {name: a, link: never}\n  - {name: b, link: force}",
			req:    Request{Verb: Relink},
			want:   []string{"link b.ko K1/extra/b.ko"},
		},
		{
			name: "a policy group comes as a whole or not at all",
			root: rhel + `kernel K1
				vmlinux printk@a
				extra/a.ko printk@a
				extra/b.ko printk@dead
				extra/c.ko printk@a
				kernel K2
				vmlinux printk@a`,
			policy:  "groups:\n  - {name: g, modules: [a, b]}",
			req:     Request{Verb: Relink},
			want:    []string{"link c.ko K1/extra/c.ko"},
			refused: []string{"a: group g", "b: printk"},
		},
		{
			name: "only what belongs to the added module is looked at",
			root: rhel + `kernel K1
				vmlinux printk@a
				extra/p.ko printk@a +pf@1
				extra/c.ko printk@a pf@1
				extra/other.ko printk@a
				kernel K2
				vmlinux printk@a`,
			req:  Request{Verb: AddModules, Modules: []string{"/lib/modules/" + k1 + "/extra/c.ko"}},
			want: []string{"link c.ko K1/extra/c.ko", "link p.ko K1/extra/p.ko"},
		},
		{
			name: "keep-newest: false lets an added older build win",
			root: rhel + `kernel K1
				vmlinux printk@a
				extra/foo.ko printk@a
				kernel K2
				vmlinux printk@a
				extra/foo.ko printk@a
				kernel K3
				vmlinux printk@a`,
			policy: "defaults: {keep-newest: false}",
			req:    Request{Verb: AddModules, Modules: []string{"/lib/modules/" + k1 + "/extra/foo.ko"}}, kernel: k3,
			want: []string{"link foo.ko K1/extra/foo.ko"},
		},
		{
			name: "built into the kernel",
			root: rhel + "kernel K1\nvmlinux printk@a\nextra/foo.ko printk@a\nkernel K2\nvmlinux printk@a\nfile /lib/modules/K2/modules.builtin kernel/foo.ko\\n",
			req:  Request{Verb: Relink}, refused: []string{"foo: built into"},
		},
		{
			name: "what is left of a kernel gives, and gets nothing",
			root: rhel + "kernel K1 bare=yes\nextra/foo.ko printk@a\nkernel K2\nvmlinux printk@a",
			req:  Request{Verb: Relink},
			want: []string{"link foo.ko K1/extra/foo.ko"},
		},
	}
	names := strings.NewReplacer("K1", k1, "K2", k2, "K3", k3)
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			dir := t.TempDir()
			if _, err := made.Write(dir, names.Replace(test.root)); err != nil {
				t.Fatal(err)
			}
			r, err := Open(dir, Options{Policy: parsePolicy(t, test.policy)})
			if err != nil {
				t.Fatal(err)
			}
			defer r.Close()
			p, err := r.Plan(test.req)
			if err != nil {
				t.Fatal(err)
			}
			krel := test.kernel
			if krel == "" {
				krel = k2
			}
			if diff := cmp.Diff(replaceAll(names, test.want), linksOf(p, krel)); diff != "" {
				t.Errorf("links (-want +got):\n%s", diff)
			}
			holdRefused(t, p, krel, test.refused)
			for _, o := range p.Outcomes {
				if o.Kernel == krel && o.Decision == Linked && !o.Forced && (o.Verdict == nil || !o.Verdict.Loads) {
					t.Errorf("%s is linked, its verdict is %+v", o.Name, o.Verdict)
				}
			}
		})
	}
}

func parsePolicy(t *testing.T, text string) *policy.Policy {
	t.Helper()
	p, err := policy.Parse(strings.NewReader(text), "policy.yaml")
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func replaceAll(names *strings.Replacer, list []string) []string {
	out := make([]string, len(list))
	for i, s := range list {
		out[i] = names.Replace(s)
	}
	return out
}

// linksOf writes a plan's steps on one kernel short.
func linksOf(p *Plan, krel string) []string {
	list := []string{}
	for _, s := range p.Steps {
		at, ok := strings.CutPrefix(s.Path, "/lib/modules/"+krel+"/weak-updates/")
		switch {
		case s.Op == txn.Link && ok:
			target := s.Target
			for strings.HasPrefix(target, "../") {
				target = target[3:]
			}
			list = append(list, "link "+at+" "+target)
		case s.Op == txn.Write && s.Path == OverrideFile(krel):
			for line := range strings.Lines(string(s.Data)) {
				if f := strings.Fields(line); f[0] == "override" {
					list = append(list, "override "+f[1])
				}
			}
		}
	}
	return list
}

// holdRefused holds the refusals on a kernel against "NAME: part of the reason".
func holdRefused(t *testing.T, p *Plan, krel string, want []string) {
	t.Helper()
	var got []string
	for _, o := range p.Refused() {
		if o.Kernel == krel {
			got = append(got, o.Name+": "+o.Reason)
		}
	}
	if len(got) != len(want) {
		t.Fatalf("refused %q, want %q", got, want)
	}
	for i, w := range want {
		name, part, _ := strings.Cut(w, ": ")
		if !strings.HasPrefix(got[i], name+": ") || !strings.Contains(got[i], part) {
			t.Errorf("refused %q, want %q", got[i], w)
		}
	}
}

// TestPlanSettles: after a plan is done, planning again changes nothing.
func TestPlanSettles(t *testing.T) {
	dir := t.TempDir()
	names := strings.NewReplacer("K1", k1, "K2", k2)
	if _, err := made.Write(dir, names.Replace(rhel+`kernel K1
		vmlinux printk@a
		extra/foo.ko printk@a +fs@2
		extra/cons.ko printk@a fs@2
		extra/bad.ko printk@dead
		kernel K2
		vmlinux printk@a
		kernel/foo.ko printk@a +fs@1
		link weak-updates/gone.ko /lib/modules/K1/extra/gone.ko
		link weak-updates/sub/bad.ko ../../../K1/extra/bad.ko`)); err != nil {
		t.Fatal(err)
	}
	for i, want := range []bool{true, false} {
		r, err := Open(dir, Options{})
		if err != nil {
			t.Fatal(err)
		}
		p, err := r.Plan(Request{Verb: Relink})
		if err != nil {
			t.Fatal(err)
		}
		if (len(p.Steps) > 0) != want {
			t.Fatalf("plan %d has steps %v", i+1, p.Steps)
		}
		if i == 0 {
			ops := []string{}
			for _, s := range p.Steps {
				ops = append(ops, string(s.Op)+" "+strings.TrimPrefix(s.Path, "/lib/modules/"+k2+"/"))
			}
			want := []string{"unlink weak-updates/gone.ko", "unlink weak-updates/sub/bad.ko", "link weak-updates/cons.ko", "link weak-updates/foo.ko",
				"rmdir weak-updates/sub", "write " + OverrideFile(k2)}
			if diff := cmp.Diff(want, ops); diff != "" {
				t.Errorf("steps (-want +got):\n%s", diff)
			}
			apply(t, dir, p.Steps)
		}
		r.Close()
	}
}

func apply(t *testing.T, dir string, steps []txn.Step) {
	t.Helper()
	store, err := txn.Open(dir, txn.Options{State: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	release, err := store.Lock(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer release()
	if _, err := store.Run(t.Context(), txn.Plan{Name: "test", Steps: steps}); err != nil {
		t.Fatal(err)
	}
}

func TestLayoutPlace(t *testing.T) {
	tests := []struct {
		layout    Layout
		rel, want string
	}{
		{RHEL, "extra/foo/foo.ko", "weak-updates/foo/foo.ko"},
		{Other, "updates/dkms/foo.ko.xz", "weak-updates/dkms/foo.ko.xz"},
		{SUSE, "updates/foo.ko", "weak-updates/updates/foo.ko"},
		{RHEL, "foo.ko", "weak-updates/foo.ko"},
	}
	for _, test := range tests {
		if got := test.layout.place(test.rel); got != test.want {
			t.Errorf("%s: place(%s) = %s, want %s", test.layout, test.rel, got, test.want)
		}
	}
}

func TestKernelPattern(t *testing.T) {
	got := kernelPattern("6.12.117+deb12-cloud-amd64")
	if want := "^6[.]12[.]117[+]deb12-cloud-amd64$"; got != want {
		t.Errorf("pattern %s, want %s", got, want)
	}
	if slices.Contains([]byte(got), '\\') {
		t.Error("a backslash, which kmod drops")
	}
}
