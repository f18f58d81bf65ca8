package media

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"modkeep/internal/kerneltest/made"
	"modkeep/internal/kerneltest/oracle"
)

// treeOf writes files, by name and text, and opens them as a tree. A text that
// begins with -> is a link.
func treeOf(t testing.TB, files map[string]string) (*Tree, string) {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		file := filepath.Join(dir, name)
		err := os.MkdirAll(filepath.Dir(file), 0o755)
		if target, ok := strings.CutPrefix(text, "->"); ok {
			err = errors.Join(err, os.Symlink(target, file))
		} else {
			err = errors.Join(err, os.WriteFile(file, []byte(text), 0o644))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	tree, err := OpenTree(dir, "given")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { tree.Close() })
	return tree, dir
}

func dump(t testing.TB, dir string) string {
	t.Helper()
	text, err := made.Dump(dir)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// sums is what sha256sum would write of files.
func sums(files map[string]string, names ...string) string {
	var b strings.Builder
	for _, name := range names {
		fmt.Fprintf(&b, "%x  %s\n", sha256.Sum256([]byte(files[name])), name)
	}
	return b.String()
}

func TestUnbundle(t *testing.T) {
	files := map[string]string{
		"install": "#!/bin/sh\n", "packages.tsv": "p", "repo/manifest.json": "{}", "repo/repodata/repomd.xml": "x", "repo/pool/a.rpm": "package a",
		"RPMS/a.rpm": "->../repo/pool/a.rpm", "SRPMS/a.src.rpm": "source", "docs/install": "how to", "log/snapshot.log": "log", "log/vendor.log": "vendor's",
	}
	files["SHA256SUMS"] = sums(files, "install", "packages.tsv", "repo/manifest.json", "repo/repodata/repomd.xml", "repo/pool/a.rpm", "log/snapshot.log")
	tree, dir := treeOf(t, files)
	if err := tree.Unbundle("RPMS"); err != nil {
		t.Fatal(err)
	}
	_, want := treeOf(t, map[string]string{"RPMS/a.rpm": "package a", "SRPMS/a.src.rpm": "source", "docs/install": "how to", "log/vendor.log": "vendor's"})
	if diff := cmp.Diff(dump(t, want), dump(t, dir)); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

// TestUnbundleLeaves: what is not as SHA256SUMS lists it is not what was put there.
func TestUnbundleLeaves(t *testing.T) {
	files := map[string]string{"install": "the vendor's own", "packages.tsv": "p", "repo/manifest.json": "{}"}
	files["SHA256SUMS"] = sums(map[string]string{"install": "modkeep's"}, "install")
	tree, dir := treeOf(t, files)
	if err := tree.Unbundle("RPMS"); err != nil {
		t.Fatal(err)
	}
	if text, err := os.ReadFile(filepath.Join(dir, "install")); err != nil || string(text) != "the vendor's own" {
		t.Errorf("install: %q, %v", text, err)
	}
}

// TestTreeStaysInside: links and names that lead out of a tree are errors, and
// what they lead to is not touched.
func TestTreeStaysInside(t *testing.T) {
	_, outside := treeOf(t, map[string]string{"pool/a.rpm": "theirs", "manifest.json": "{}", "file": "theirs"})
	before := dump(t, outside)
	listed := sums(map[string]string{"repo/pool/a.rpm": "theirs"}, "repo/pool/a.rpm")
	out := map[string]string{"../" + filepath.Base(outside) + "/file": "theirs"}
	for _, tt := range []struct {
		name  string
		files map[string]string
		do    func(*Tree) error
	}{
		{"a repository elsewhere", map[string]string{"packages.tsv": "p", "repo": "->" + outside, "SHA256SUMS": listed}, func(tr *Tree) error {
			if err := tr.Unbundle("RPMS"); err != nil {
				return err
			}
			return errors.New("left alone") // what is elsewhere is no part of it
		}},
		{"a name with ..", map[string]string{"packages.tsv": "p", "repo/manifest.json": "{}", "SHA256SUMS": sums(out, "../"+filepath.Base(outside)+"/file")},
			func(tr *Tree) error { return tr.Unbundle("RPMS") }},
		{"a list that is a link", map[string]string{".supported_kernels": "->" + outside + "/file"}, func(tr *Tree) error { return tr.AddKernel("6.1.0") }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tree, _ := treeOf(t, tt.files)
			if err := tt.do(tree); err == nil {
				t.Error("no error")
			}
			if diff := cmp.Diff(before, dump(t, outside)); diff != "" {
				t.Errorf("outside was changed:\n%s", diff)
			}
		})
	}
}

func TestDropIndexes(t *testing.T) {
	tree, dir := treeOf(t, map[string]string{
		"RPMS/repodata/repomd.xml": "x", "RPMS/a.rpm": "a", "DEBS/Packages": "x", "DEBS/Packages.gz": "x", "DEBS/Release": "x", "DEBS/a.deb": "a",
		"src/Release": "notes", "src/repodata/of-ours": "x",
	})
	if err := tree.DropIndexes(); err != nil {
		t.Fatal(err)
	}
	_, want := treeOf(t, map[string]string{"RPMS/a.rpm": "a", "DEBS/a.deb": "a", "src/Release": "notes", "src/repodata/of-ours": "x"})
	if diff := cmp.Diff(dump(t, want), dump(t, dir)); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestAddKernel(t *testing.T) {
	for _, tt := range []struct{ name, before, after string }{
		{"none", "", "6.1.0\n"},
		{"another", "5.14.0", "5.14.0\n6.1.0\n"},
		{"there", "6.1.0\n5.14.0\n", "6.1.0\n5.14.0\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			files := map[string]string{}
			if tt.before != "" {
				files[".supported_kernels"], files["supported_kernels"] = tt.before, tt.before
			}
			tree, dir := treeOf(t, files)
			if err := tree.AddKernel("6.1.0"); err != nil {
				t.Fatal(err)
			}
			for _, name := range []string{".supported_kernels", "supported_kernels"} {
				text, err := os.ReadFile(filepath.Join(dir, name))
				if name == "supported_kernels" && tt.before == "" {
					if err == nil {
						t.Errorf("%s was made", name)
					}
				} else if err != nil || string(text) != tt.after {
					t.Errorf("%s: %q, %v", name, text, err)
				}
			}
		})
	}
}

func TestTop(t *testing.T) {
	for _, tt := range []struct {
		name  string
		files map[string]string
		want  string
	}{
		{"a tar file of a tree", map[string]string{"drivers-1.2/install": "", "drivers-1.2/RPMS/a.rpm": ""}, "drivers-1.2"},
		{"an image", map[string]string{"install": "", "RPMS/a.rpm": ""}, ""},
		{"an image of one directory", map[string]string{"SRPMS/a.src.rpm": ""}, ""},
		{"one file", map[string]string{"a.rpm": ""}, ""},
		{"nothing", nil, ""},
	} {
		_, dir := treeOf(t, tt.files)
		if got, err := Top(dir); got != tt.want || err != nil {
			t.Errorf("%s: %q, %v", tt.name, got, err)
		}
	}
}

func TestCopy(t *testing.T) {
	_, from := treeOf(t, map[string]string{"a/b": "1", "a/l": "->b", "c": "2"})
	_, to := treeOf(t, map[string]string{"c": "kept"})
	left, err := Copy(from, to)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"c"}, left); diff != "" {
		t.Error(diff)
	}
	_, want := treeOf(t, map[string]string{"a/b": "1", "a/l": "->b", "c": "kept"})
	if diff := cmp.Diff(dump(t, want), dump(t, to)); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if err := syscall.Mkfifo(filepath.Join(from, "pipe"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := Copy(from, t.TempDir()); err == nil || !strings.Contains(err.Error(), "pipe") {
		t.Errorf("a FIFO: %v", err)
	}
}

// TestOracleTGZ has tar unpack what was written, and writes it twice.
func TestOracleTGZ(t *testing.T) {
	tar := oracle.Tool(t, "tar")
	tree, dir := treeOf(t, map[string]string{"RPMS/a.rpm": "->../repo/pool/a.rpm", "repo/pool/a.rpm": "package", "install": "#!/bin/sh\n", strings.Repeat("n", 120) + "/ä": "long"})
	if err := os.Chmod(filepath.Join(dir, "install"), 0o755); err != nil {
		t.Fatal(err)
	}
	var one, two bytes.Buffer
	date := time.Unix(1_800_000_000, 0)
	if err := errors.Join(tree.WriteTGZ(&one, "drivers-ext", date), tree.WriteTGZ(&two, "drivers-ext", date)); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(one.Bytes(), two.Bytes()) {
		t.Error("twice the same tree: other bytes")
	}
	to := t.TempDir()
	cmd := exec.Command(tar, "xzf", "-", "-C", to)
	cmd.Stdin = &one
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if diff := cmp.Diff(dump(t, dir), dump(t, filepath.Join(to, "drivers-ext"))); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

// FuzzUnbundle: whatever SHA256SUMS says, nothing outside of the tree changes.
func FuzzUnbundle(f *testing.F) {
	f.Add([]byte(sums(map[string]string{"file": "x"}, "file")))
	f.Add([]byte("0  ../file\n"))
	f.Fuzz(func(t *testing.T, list []byte) {
		top := t.TempDir()
		for name, text := range map[string]string{"file": "x", "tree/packages.tsv": "p", "tree/repo/manifest.json": "{}", "tree/SHA256SUMS": string(list), "tree/repo/pool/file": "x"} {
			if err := errors.Join(os.MkdirAll(filepath.Dir(filepath.Join(top, name)), 0o755), os.WriteFile(filepath.Join(top, name), []byte(text), 0o644)); err != nil {
				t.Fatal(err)
			}
		}
		tree, err := OpenTree(filepath.Join(top, "tree"), "given")
		if err != nil {
			t.Fatal(err)
		}
		defer tree.Close()
		tree.Unbundle("RPMS")
		if text, err := os.ReadFile(filepath.Join(top, "file")); err != nil || string(text) != "x" {
			t.Fatalf("outside: %q, %v", text, err)
		}
	})
}
