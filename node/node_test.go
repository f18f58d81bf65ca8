package node

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"modkeep/internal/kerneltest/made"
	"modkeep/txn"
	"modkeep/weakupdates"
)

const (
	k1 = "5.14.0-70.el9.x86_64"
	k2 = "5.14.0-162.el9.x86_64"
)

const tree = `file /etc/os-release ID=rhel\n
	file /etc/depmod.d/dist.conf search updates extra built-in weak-updates\n
	kernel K1
	vmlinux printk@a
	extra/good.ko printk@a
	extra/bad.ko printk@dead
	extra/c.ko printk@a pf@1
	kernel K2
	vmlinux printk@a
	extra/own.ko printk@a
	absent kernel/p.ko printk@a +pf@1
	`

// write makes a root and opens it. Commands are noted, not run.
func write(t *testing.T, text, policy string) (*Node, *[]string) {
	t.Helper()
	dir := t.TempDir()
	if _, err := made.Write(dir, strings.NewReplacer("K1", k1, "K2", k2).Replace(text)); err != nil {
		t.Fatal(err)
	}
	if policy != "" {
		name := filepath.Join(dir, "etc/modkeep/policy.yaml")
		if err := errors.Join(os.MkdirAll(filepath.Dir(name), 0o755), os.WriteFile(name, []byte(policy), 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	ran := &[]string{}
	n, err := Open(dir, Options{
		Now: func() time.Time { return time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC) },
		Run: func(_ context.Context, s txn.Step, argv []string) error {
			*ran = append(*ran, filepath.Base(argv[0])+" "+argv[len(argv)-1])
			if s.Op == txn.Initramfs {
				return os.WriteFile(argv[2], []byte("made"), 0o600)
			}
			return nil
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	return n, ran
}

func relink() Request {
	return Request{Request: weakupdates.Request{Verb: weakupdates.Relink}, Name: "link"}
}

// states writes the states of one kernel short.
func states(t *testing.T, n *Node, krel string) []string {
	t.Helper()
	list, _, _, err := n.Status([]string{krel})
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, s := range list {
		word := s.Name + " " + string(s.State)
		if s.Required {
			word += " required"
		}
		if s.Since != "" {
			word += " since " + s.Since
		}
		out = append(out, word)
	}
	return out
}

func TestStatus(t *testing.T) {
	n, ran := write(t, tree, "modules:\n  - {name: bad, required: true}\n  - {name: nowhere, required: true}\n")
	want := []string{"bad needs-rebuild required", "c blocked", "good blocked", "nowhere needs-rebuild required", "own own"}
	if diff := cmp.Diff(want, states(t, n, k2)); diff != "" {
		t.Errorf("before (-want +got):\n%s", diff)
	}
	res, err := n.Apply(t.Context(), relink())
	if err != nil {
		t.Fatal(err)
	}
	if len(res.Plan.Without) == 0 || res.Plan.Without[0].Name != "bad" {
		t.Errorf("left without %v, want bad", res.Plan.Without)
	}
	if diff := cmp.Diff([]string{"depmod " + k1, "depmod " + k2}, *ran); diff != "" {
		t.Errorf("commands (-want +got):\n%s", diff)
	}
	want[2] = "good linked since 2026-01-02T03:04:05Z"
	if diff := cmp.Diff(want, states(t, n, k2)); diff != "" {
		t.Errorf("after (-want +got):\n%s", diff)
	}
	if err := os.Remove(filepath.Join(n.Root, "lib/modules", k1, "extra/good.ko")); err != nil {
		t.Fatal(err)
	}
	want[2] = "good dangling since 2026-01-02T03:04:05Z"
	if diff := cmp.Diff(want, states(t, n, k2)); diff != "" {
		t.Errorf("with the donor gone (-want +got):\n%s", diff)
	}
}

func TestGate(t *testing.T) {
	tests := []struct {
		name, policy string
		link         bool
		boot         bool
		missing      string
	}{
		{"nothing required", "", false, true, ""},
		{"required, not linked", "modules:\n  - {name: good, required: true}\n", false, false, "good"},
		{"required and linked", "modules:\n  - {name: good, required: true}\n", true, true, ""},
		{"required, own", "modules:\n  - {name: own, required: true}\n", false, true, ""},
		{"required, would not load", "modules:\n  - {name: b*, required: true}\n", true, false, "bad"},
		{"required, nowhere", "modules:\n  - {name: nowhere, required: true}\n", true, false, "nowhere"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			n, _ := write(t, tree, test.policy)
			if test.link {
				if _, err := n.Apply(t.Context(), relink()); err != nil {
					t.Fatal(err)
				}
			}
			g, err := n.Gate(k2)
			if err != nil {
				t.Fatal(err)
			}
			missing := ""
			for _, s := range g.Missing {
				missing += s.Name
			}
			if g.Boot != test.boot || missing != test.missing {
				t.Errorf("boot %v, missing %q; want %v, %q", g.Boot, missing, test.boot, test.missing)
			}
		})
	}
}

func TestFsckAndRepair(t *testing.T) {
	n, _ := write(t, tree+`link weak-updates/gone.ko ../../K1/extra/gone.ko
		link weak-updates/bad.ko ../../K1/extra/bad.ko
		link weak-updates/good.ko ../../K1/extra/good.ko
		link weak-updates/sub/good.ko ../../../K1/extra/good.ko
		file /etc/depmod.d/zz-modkeep-K2.conf override x * weak-updates\n
		file /etc/depmod.d/zz-modkeep-9.9.9.conf override x * weak-updates\n
		`, "")
	faults, _, err := n.Fsck(nil)
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]bool{}
	for _, f := range faults {
		got[string(f.Kind)+" "+filepath.Base(f.Path)] = true
	}
	for _, want := range []string{"dangling gone.ko", "refused bad.ko", "duplicate good.ko", "index modules.dep",
		"stale-override zz-modkeep-" + k2 + ".conf", "stale-override zz-modkeep-9.9.9.conf"} {
		if !got[want] {
			t.Errorf("fsck does not tell %q of %v", want, faults)
		}
	}
	if _, err := n.ApplyRepair(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	if faults, _, err = n.Fsck(nil); err != nil {
		t.Fatal(err)
	}
	for _, f := range faults {
		if f.Kind != FaultIndex { // depmod was not really run
			t.Errorf("after the repair: %+v", f)
		}
	}
	links, _ := filepath.Glob(filepath.Join(n.Root, "lib/modules", k2, "weak-updates/*.ko"))
	if len(links) != 1 || filepath.Base(links[0]) != "good.ko" {
		t.Errorf("links left: %v, want good.ko", links)
	}
}

// TestImages: an image is made anew only if a module that changed is in it, by
// what the policy says, and once.
func TestImages(t *testing.T) {
	tests := []struct {
		name, policy, image string
		want                string // commands behind depmod's
	}{
		{"no image", "", "", ""},
		{"an image that cannot be read is made anew", "", "not an image", "dracut " + k2},
		{"never", "initramfs: never", "not an image", ""},
		{"always", "initramfs: always", "not an image", "dracut " + k2},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			n, ran := write(t, tree, test.policy)
			n.options.Generator = "/usr/bin/dracut"
			image := filepath.Join(n.Root, "boot", "initramfs-"+k2+".img")
			if test.image != "" {
				if err := os.WriteFile(image, []byte(test.image), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			req := relink()
			req.Kernels = []string{k2}
			if _, err := n.Apply(t.Context(), req); err != nil {
				t.Fatal(err)
			}
			if got := strings.TrimPrefix(strings.Join(*ran, ", "), "depmod "+k2); strings.TrimPrefix(got, ", ") != test.want {
				t.Errorf("ran %q, want depmod and %q", *ran, test.want)
			}
			if text, _ := os.ReadFile(image); test.want != "" && string(text) != "made" {
				t.Errorf("the image holds %q", text)
			}
		})
	}
}
