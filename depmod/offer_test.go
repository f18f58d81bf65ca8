package depmod

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestOffer holds Offer against what Scan selects once the file is there, in
// both orders of creation.
func TestOffer(t *testing.T) {
	tests := []struct {
		name, config, has, rel string
		stays                  bool
	}{
		{"no other file", "", "kernel/a.ko", "weak-updates/b.ko", false},
		{"red hat's order", "search updates extra built-in weak-updates", "kernel/a.ko", "weak-updates/a.ko", true},
		{"suse's order", "search updates extra weak-updates kgraft built-in", "kernel/a.ko", "weak-updates/a.ko", false},
		{"suse's order, own copy", "search updates extra weak-updates kgraft built-in", "updates/a.ko", "weak-updates/a.ko", true},
		{"override", "search updates extra built-in weak-updates\noverride a * weak-updates", "kernel/a.ko", "weak-updates/a.ko", false},
		{"override elsewhere", "search updates extra built-in weak-updates\noverride a * weak-updates/sub", "kernel/a.ko", "weak-updates/a.ko", true},
		{"not in the search line: a tie", "search updates built-in", "kernel/a.ko", "weak-updates/a.ko", true},
		{"dashes are underscores", "search updates extra built-in weak-updates", "kernel/a-b.ko", "weak-updates/a_b.ko", true},
		{"other ending", "search weak-updates built-in", "kernel/a.ko", "weak-updates/a.ko.xz", false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			config := &Config{}
			config.Parse(strings.NewReader(test.config), "test.conf")
			root := t.TempDir()
			touch(t, root, test.has)
			tree, err := Scan(root, "6.1.0", config)
			if err != nil {
				t.Fatal(err)
			}
			stays, reason := tree.Offer(test.rel)
			if (stays != nil) != test.stays || (reason != "") != test.stays {
				t.Fatalf("Offer = %v, %q; want that something stays: %v", stays, reason, test.stays)
			}
			touch(t, root, test.rel)
			if tree, err = Scan(root, "6.1.0", config); err != nil {
				t.Fatal(err)
			}
			selected := tree.Module(test.rel).Rel == test.rel
			if !test.stays && !selected {
				t.Errorf("Offer says %s would be selected, depmod selects %s", test.rel, tree.Module(test.rel).Rel)
			}
			if test.stays && selected && test.name != "not in the search line: a tie" {
				t.Errorf("Offer says %s would stay, depmod selects %s", stays.Rel, test.rel)
			}
		})
	}
}

func touch(t *testing.T, root, rel string) {
	t.Helper()
	name := filepath.Join(root, "lib/modules/6.1.0", rel)
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, nil, 0o644); err != nil {
		t.Fatal(err)
	}
}
