package main

import (
	"bytes"
	"flag"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/cobra"
	"github.com/spf13/cobra/doc"
)

var update = flag.Bool("update", false, "rewrite doc/ instead of comparing with it")

// docDir holds nothing but what generateDocs makes, and the formats and
// protocols of modkeep's own, which are written by hand.
const docDir, formatDir = "../../doc", "format"

// TestDocs compares doc/ with what the commands say of themselves, and
// rewrites it with -update, which is what go generate runs.
func TestDocs(t *testing.T) {
	want := generateDocs(t)
	if *update {
		rewrite(t, want)
	}
	got := readTree(t, docDir)
	for name, text := range want {
		if diff := cmp.Diff(text, got[name]); diff != "" {
			t.Errorf("doc/%s is stale, run go generate ./cmd/modkeep (-want +got):\n%s", name, diff)
		}
	}
	for name := range got {
		if _, ok := want[name]; !ok {
			t.Errorf("doc/%s: no command has this page, run go generate ./cmd/modkeep", name)
		}
	}
}

// generateDocs returns the text of every file of doc/ by its name: a man page
// for each command, completions for three shells and the command reference.
func generateDocs(t *testing.T) map[string]string {
	t.Helper()
	files := make(map[string]string)
	var reference strings.Builder
	reference.WriteString("# modkeep command reference\n\nGenerated from the commands' own help; `go generate ./cmd/modkeep` rewrites it.\n\n")
	for _, cmd := range documented(newRootCommand()) {
		cmd.InitDefaultHelpFlag()
		name := strings.ReplaceAll(cmd.CommandPath(), " ", "-")
		files["man/"+name+".1"] = manPage(t, cmd, name)
		reference.WriteString(referenceSection(t, cmd))
	}
	files["reference.md"] = reference.String()
	root := newRootCommand()
	files["completions/modkeep.bash"] = written(t, func(b *bytes.Buffer) error { return root.GenBashCompletionV2(b, true) })
	files["completions/_modkeep"] = written(t, func(b *bytes.Buffer) error { return root.GenZshCompletion(b) })
	files["completions/modkeep.fish"] = written(t, func(b *bytes.Buffer) error { return root.GenFishCompletion(b, true) })
	return files
}

// documented returns cmd and all commands below it that have a page.
func documented(cmd *cobra.Command) []*cobra.Command {
	cmd.DisableAutoGenTag = true
	list := []*cobra.Command{cmd}
	for _, sub := range cmd.Commands() {
		if sub.IsAvailableCommand() {
			list = append(list, documented(sub)...)
		}
	}
	return list
}

func manPage(t *testing.T, cmd *cobra.Command, name string) string {
	t.Helper()
	// The date is the text's own, not the day of the build: the same commands
	// make the same bytes.
	date := time.Date(2026, time.January, 1, 0, 0, 0, 0, time.UTC)
	header := &doc.GenManHeader{Title: strings.ToUpper(name), Section: "1", Date: &date, Source: "modkeep " + version, Manual: "modkeep"}
	defer sectioned(cmd, "# EXIT STATUS")()
	return written(t, func(b *bytes.Buffer) error { return doc.GenMan(cmd, header, b) })
}

func referenceSection(t *testing.T, cmd *cobra.Command) string {
	t.Helper()
	link := func(name string) string {
		return "#" + strings.ReplaceAll(strings.TrimSuffix(name, ".md"), "_", "-")
	}
	defer sectioned(cmd, "### Exit status")()
	return written(t, func(b *bytes.Buffer) error { return doc.GenMarkdownCustom(cmd, b, link) })
}

// sectioned gives the exit status of a command's long help a heading of its
// own, and returns what takes it away again.
func sectioned(cmd *cobra.Command, heading string) (restore func()) {
	long := cmd.Long
	cmd.Long = strings.Replace(long, "\nExit status:\n", "\n"+heading+"\n", 1)
	return func() { cmd.Long = long }
}

func written(t *testing.T, write func(*bytes.Buffer) error) string {
	t.Helper()
	var b bytes.Buffer
	if err := write(&b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// rewrite makes doc/ hold exactly files, and formatDir as it is.
func rewrite(t *testing.T, files map[string]string) {
	t.Helper()
	for name := range readTree(t, docDir) {
		if err := os.Remove(filepath.Join(docDir, name)); err != nil {
			t.Fatal(err)
		}
	}
	for name, text := range files {
		path := filepath.Join(docDir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// readTree returns the text of every file below dir by its slash-separated
// name, but for those in formatDir.
func readTree(t *testing.T, dir string) map[string]string {
	t.Helper()
	files := make(map[string]string)
	err := fs.WalkDir(os.DirFS(dir), ".", func(name string, entry fs.DirEntry, err error) error {
		if err == nil && name == formatDir {
			return fs.SkipDir
		}
		if err != nil || entry.IsDir() {
			return err
		}
		text, err := os.ReadFile(filepath.Join(dir, name))
		files[name] = string(text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// TestHelp holds every command to the same help: what it does, its exit
// statuses, and an example, in lines that fit a terminal.
func TestHelp(t *testing.T) {
	for _, cmd := range documented(newRootCommand()) {
		t.Run(strings.ReplaceAll(cmd.CommandPath(), " ", "_"), func(t *testing.T) {
			if !strings.Contains(cmd.Long, "\nExit status:\n") {
				t.Error("long help without exit status")
			}
			if cmd.HasParent() && !strings.Contains(cmd.Example, cmd.CommandPath()) {
				t.Error("help without an example")
			}
			for line := range strings.Lines(cmd.Long + "\n" + cmd.Example) {
				if len([]rune(line)) > 110 {
					t.Errorf("line of %d characters in the help: %s", len([]rune(line)), line)
				}
			}
			if slices.Contains([]string{".", "!"}, cmd.Short[len(cmd.Short)-1:]) {
				t.Errorf("short help ends like a sentence: %q", cmd.Short)
			}
		})
	}
}
