package symtypes

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"modkeep/internal/kerneltest/oracle"
)

var update = flag.Bool("update", false, "cut testdata out of the files below MODKEEP_DATA again")

// cuts are the fixtures: from each file of a corpus the exports whose text is
// at most size bytes, with all they reach. Split ones become a directory.
var cuts = []struct {
	name, types, table string
	size               int
	files              []string // none: the first with an export
}{
	{"debian-47", "debian/6.1.0-47-amd64.consolidated.symtypes.gz", "debian/6.1.0-47-amd64.symvers.gz", 1500, debianFiles},
	{"debian-56", "debian/6.1.0-56-amd64.consolidated.symtypes.gz", "debian/6.1.0-56-amd64.symvers.gz", 1500, debianFiles},
	{"suse-2010.symtypes", "suse/2010-04-29_6e523f363_x86_64_symtypes-default.gz", "suse/2010-04-29_6e523f363_x86_64_symvers-default.gz", 700, nil},
}

var debianFiles = []string{
	"arch/x86/coco/core.symtypes", "fs/unicode/utf8-core.symtypes", "kernel/trace/ring_buffer.symtypes",
	"kernel/trace/trace_seq.symtypes", "lib/seq_buf.symtypes", "drivers/usb/core/driver.symtypes",
}

func TestFixtures(t *testing.T) {
	for _, cut := range cuts {
		t.Run(cut.name, func(t *testing.T) {
			if *update {
				write(t, cut.name, cut.types, cut.table, cut.size, cut.files)
			}
			c, err := Open(NewPool(), filepath.Join("testdata", cut.name))
			if err != nil {
				t.Fatal(err)
			}
			table := published(t, filepath.Join("testdata", strings.TrimSuffix(cut.name, ".symtypes")+".symvers"))
			want := outcome{Equal: len(table), Differ: map[string][]string{}}
			if diff := cmp.Diff(want, hashAll(c, table)); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
			if c.Consolidated != strings.HasSuffix(cut.name, ".symtypes") {
				t.Errorf("consolidated: %v", c.Consolidated)
			}
		})
	}
}

// write makes a fixture and its table.
func write(t *testing.T, name, types, table string, size int, files []string) {
	t.Helper()
	c, err := Open(NewPool(), oracle.Data(t, "symtypes/"+types))
	if err != nil {
		t.Fatal(err)
	}
	crcs := published(t, oracle.Data(t, "symvers/"+table))
	out := map[string]string{}
	last := map[ID]Record{}
	for i := range c.Files {
		path := c.Files[i].Path
		if files != nil && !slices.Contains(files, path) || len(out[name]) > 40<<10 {
			continue
		}
		text := section(c, i, crcs, size, files == nil, last, func(line string) { out[strings.TrimSuffix(name, ".symtypes")+".symvers"] += line })
		if text == "" {
			continue
		}
		if files == nil {
			out[name] += "/* " + path + " */\n" + text + "\n"
		} else {
			out[filepath.Join(name, path)] = text
		}
	}
	for path, text := range out {
		path = filepath.Join("testdata", path)
		if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
}

// section returns a file's small exports with what they reach, written out or,
// consolidated, but for what was last seen.
func section(c *Corpus, file int, crcs map[string]uint32, size int, consolidated bool, last map[ID]Record, row func(string)) string {
	s, h, w := c.NewScope(), NewHasher(c.Pool), NewWalker(c.Pool)
	s.Enter(file)
	lines := map[string]bool{}
	for _, id := range c.Files[file].Exports {
		crc, ok := crcs[c.Pool.Name(id)]
		if !ok || len(h.Text(s, id)) > size {
			continue
		}
		row(fmt.Sprintf("0x%08x\t%s\t%s\tEXPORT_SYMBOL\t\n", crc, c.Pool.Name(id), "vmlinux"))
		for _, id := range w.Reach(s, id) {
			rec := s.Record(id)
			key := c.Pool.Name(id)
			switch {
			case consolidated && c.Pool.Opaque(rec):
				lines[key[:2]+"#"+key[2:]] = true
				continue
			case consolidated && last[id] == rec+1:
				continue
			}
			last[id] = rec + 1
			lines[key+" "+c.Pool.Text(rec)] = true
		}
	}
	sorted := make([]string, 0, len(lines))
	for line := range lines {
		sorted = append(sorted, line+"\n")
	}
	slices.Sort(sorted)
	return strings.Join(sorted, "")
}
