package kerneltest

import (
	"bytes"
	"os/exec"
	"testing"

	"github.com/google/go-cmp/cmp"

	"modkeep/internal/kerneltest/oracle"
)

// TestCpio has the real cpio list and extract what the writer wrote.
func TestCpio(t *testing.T) {
	oracle.Tool(t, "cpio")
	var out bytes.Buffer
	a := newArchive(&out)
	a.dir("m")
	a.device("console", 5, 1)
	a.file("m/odd", []byte("abc"))
	a.file("m/empty", nil)
	a.file("even", []byte("abcd"))
	if err := a.close(); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("cpio", "-t", "--quiet")
	cmd.Stdin = bytes.NewReader(out.Bytes())
	list, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("cpio -t: %v: %s", err, list)
	}
	if diff := cmp.Diff("m\nconsole\nm/odd\nm/empty\neven\n", string(list)); diff != "" {
		t.Errorf("cpio -t (-want +got):\n%s", diff)
	}
	dir := t.TempDir()
	for name, want := range map[string]string{"m/odd": "abc", "m/empty": "", "even": "abcd"} {
		cmd := exec.Command("cpio", "-i", "--quiet", "--to-stdout", name)
		cmd.Stdin, cmd.Dir = bytes.NewReader(out.Bytes()), dir
		got, err := cmd.Output()
		if err != nil || string(got) != want {
			t.Errorf("%s: got %q (%v), want %q", name, got, err, want)
		}
	}
}
