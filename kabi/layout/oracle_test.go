package layout

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"modkeep/internal/kerneltest/oracle"
	"modkeep/kernel/image"
)

// cachedKernel returns the release of a kernel of the cache that modules were
// built for.
func cachedKernel(t *testing.T) string {
	t.Helper()
	dirs, _ := filepath.Glob(oracle.Cache("modules/6.1.*-cloud-amd64"))
	for _, dir := range slices.Backward(dirs) {
		if _, err := os.Stat(oracle.Cache("root/amd64/boot/vmlinuz-" + filepath.Base(dir))); err == nil {
			return filepath.Base(dir)
		}
	}
	oracle.Missing(t, "no kernel with modules in %s", oracle.CacheDir())
	return ""
}

// cachedBTF writes the BTF of a kernel of the cache to a file.
func cachedBTF(t *testing.T, krel string) (path string, b *BTF) {
	t.Helper()
	im, err := image.Open(oracle.Cache("root/amd64/boot/vmlinuz-" + krel))
	if err != nil {
		t.Fatal(err)
	}
	defer im.Close()
	data, err := im.BTF()
	if err != nil {
		t.Fatal(err)
	}
	data = bytes.Clone(data)
	path = filepath.Join(t.TempDir(), "vmlinux.btf")
	if err := os.WriteFile(path, data, 0o644); err != nil {
		t.Fatal(err)
	}
	if b, err = OpenBTF(data, nil); err != nil {
		t.Fatal(err)
	}
	return path, b
}

// raw is a type as bpftool's raw format has it, as far as a node says.
func raw(id ID, n *Type) string {
	name := n.Name
	if name == "" {
		name = "(anon)"
	}
	var s strings.Builder
	line := func(kind string) { fmt.Fprintf(&s, "[%d] %s '%s'", id, kind, name) }
	switch n.Kind {
	case Int, Float:
		line(strings.ToUpper(n.Kind.String()))
		fmt.Fprintf(&s, " size=%d", n.Size)
	case Pointer:
		line("PTR")
		fmt.Fprintf(&s, " type_id=%d", n.Elem)
	case Typedef:
		line("TYPEDEF")
		fmt.Fprintf(&s, " type_id=%d", n.Elem)
	case Array:
		line("ARRAY")
		fmt.Fprintf(&s, " type_id=%d nr_elems=%d", n.Elem, n.Count)
	case Forward:
		line("FWD")
		fmt.Fprintf(&s, " fwd_kind=%s", map[bool]string{false: "struct", true: "union"}[n.Union])
	case Struct, Union:
		line(strings.ToUpper(n.Kind.String()))
		fmt.Fprintf(&s, " size=%d vlen=%d", n.Size, len(n.Members))
		for _, m := range n.Members {
			fmt.Fprintf(&s, "\n\t'%s' type_id=%d bits_offset=%d", orAnon(m.Name), m.Type, m.Offset)
			if m.Bits > 0 {
				fmt.Fprintf(&s, " bitfield_size=%d", m.Bits)
			}
		}
	case Enum:
		line("ENUM")
		fmt.Fprintf(&s, " size=%d vlen=%d", n.Size, len(n.Enumerators))
		for _, e := range n.Enumerators {
			fmt.Fprintf(&s, "\n\t'%s' val=%s", e.Name, n.spellValue(e.Value))
			if n.Size == 8 {
				s.WriteString(map[bool]string{false: "ULL", true: "LL"}[n.Signed])
			}
		}
	case Proto:
		line("FUNC_PROTO")
		fmt.Fprintf(&s, " ret_type_id=%d vlen=%d", n.Elem, len(n.Params))
		for _, p := range n.Params {
			fmt.Fprintf(&s, "\n\t'%s' type_id=%d", orAnon(p.Name), p.Type)
		}
	default:
		return ""
	}
	return s.String()
}

func orAnon(name string) string {
	if name == "" {
		return "(anon)"
	}
	return name
}

var unsaid = regexp.MustCompile(` (bits_offset=\d+ nr_bits=\d+ encoding=\S+|index_type_id=\d+|encoding=(UN)?SIGNED)`)

// bpftoolTypes are the records that bpftool prints, by ID.
func bpftoolTypes(t *testing.T, args ...string) map[ID]string {
	t.Helper()
	out := tool(t, "", "bpftool", args...)
	types := map[ID]string{}
	for _, rec := range strings.Split("\n"+out, "\n[")[1:] {
		number, _, _ := strings.Cut(rec, "]")
		id, err := strconv.Atoi(number)
		if err != nil {
			t.Fatal(err)
		}
		head, rest, _ := strings.Cut(strings.TrimSuffix(rec, "\n"), "\n")
		text := "[" + unsaid.ReplaceAllString(head, "")
		text = strings.Replace(text, " ENUM64 ", " ENUM ", 1)
		if rest != "" {
			text += "\n" + rest
		}
		types[ID(id)] = text
	}
	return types
}

// TestOracleBpftool reads every type of a kernel as bpftool does, each by its
// ID, and those of modules that go on from it.
func TestOracleBpftool(t *testing.T) {
	krel := cachedKernel(t)
	path, b := cachedBTF(t, krel)
	n := sameTypes(t, b, bpftoolTypes(t, "btf", "dump", "file", path, "format", "raw"))
	t.Logf("%d types of the kernel", n)
	files, _ := filepath.Glob(oracle.Cache("root/amd64/lib/modules", krel, "kernel/fs/*/*.ko"))
	for _, file := range files[:min(len(files), 10)] {
		split, err := OpenBTF(sectionOf(t, file, ".BTF"), b)
		if err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		if !split.Fits() {
			t.Errorf("%s: does not fit", file)
		}
		n := sameTypes(t, split, bpftoolTypes(t, "-B", path, "btf", "dump", "file", file, "format", "raw"))
		t.Logf("%d types of %s", n, filepath.Base(file))
	}
}

func sectionOf(t *testing.T, file, name string) []byte {
	t.Helper()
	out := filepath.Join(t.TempDir(), "section")
	tool(t, "", "objcopy", "-O", "binary", "--only-section="+name, "--set-section-flags", name+"=alloc", file, out)
	data, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func sameTypes(t *testing.T, b *BTF, want map[ID]string) (n int) {
	t.Helper()
	if len(want) < 10 || len(want) != b.Len()-int(b.First()) {
		t.Fatalf("bpftool has %d types, here are %d", len(want), b.Len()-int(b.First()))
	}
	bad := 0
	for id, text := range want {
		got := raw(id, b.Type(id))
		if got == "" {
			continue
		}
		n++
		if d := cmp.Diff(text, got); d != "" {
			if bad++; bad < 5 {
				t.Errorf("type %d (-bpftool +got):\n%s", id, d)
			}
		}
	}
	return n
}

var paholeLine = regexp.MustCompile(`^\t[^\t].*;\s+/\*\s+(\d+)(:\s*(\d+))?\s+(\d+) \*/$`)

// paholeMembers are the places of the members of each struct that pahole
// prints: "BIT" of a bit-field, "BIT+BYTES" of others; and its size.
func paholeMembers(out string) map[string][]string {
	all := map[string][]string{}
	name := ""
	for line := range strings.Lines(out) {
		line = strings.TrimSuffix(line, "\n")
		if f := strings.Fields(line); len(f) > 2 && line[0] != '\t' && f[2] == "{" {
			name = f[0] + " " + f[1]
			all[name] = nil
		}
		if size, ok := strings.CutPrefix(line, "\t/* size: "); ok && name != "" {
			size, _, _ = strings.Cut(size, ",")
			all[name] = append(all[name], "size "+strings.TrimSuffix(size, " */"))
			name = ""
		}
		m := paholeLine.FindStringSubmatch(line)
		if m == nil || name == "" {
			continue
		}
		at, _ := strconv.Atoi(m[1])
		bit, _ := strconv.Atoi(m[3])
		place := fmt.Sprint(8*at + bit)
		if m[2] == "" {
			place += "+" + m[4]
		}
		all[name] = append(all[name], place)
	}
	return all
}

func places(ts Types, id ID) []string {
	var list []string
	n := ts.Type(id)
	for _, m := range n.Members {
		place := fmt.Sprint(m.Offset)
		if m.Bits == 0 {
			place += "+" + fmt.Sprint(SizeOf(ts, m.Type, 8))
		}
		list = append(list, place)
	}
	return append(list, fmt.Sprintf("size %d", n.Size))
}

// paholeSample are struct names, evenly spread, with well-known ones.
func paholeSample(ts Types, n int) []string {
	var names []string
	seen := map[string]bool{}
	for id := range ts.Len() {
		if n := ts.Type(ID(id)); n.Kind == Struct && n.Name != "" && len(n.Members) > 3 && !seen[n.Name] && len(ts.Named(Struct, n.Name)) == 1 {
			seen[n.Name] = true
			names = append(names, n.Name)
		}
	}
	known := []string{"task_struct", "sk_buff", "net_device", "device", "mm_struct", "inode", "module", "page", "tcp_sock", "tcphdr"}
	known = slices.DeleteFunc(known, func(name string) bool { return !seen[name] })
	for i := 0; i < n; i++ {
		known = append(known, names[i*len(names)/n])
	}
	return known
}

// TestOraclePahole finds the members where pahole finds them, in a kernel's BTF
// and in the DWARF of a module.
func TestOraclePahole(t *testing.T) {
	krel := cachedKernel(t)
	path, b := cachedBTF(t, krel)
	t.Run("BTF", func(t *testing.T) { samePlaces(t, b, "btf", path) })
	files, _ := filepath.Glob(oracle.Cache("modules", krel, "*/*.ko"))
	if len(files) == 0 {
		oracle.Missing(t, "no module with DWARF in %s", oracle.CacheDir())
	}
	for _, file := range []string{files[0], files[len(files)/2]} {
		t.Run(filepath.Base(file), func(t *testing.T) { samePlaces(t, openDWARF(t, file), "dwarf", file) })
	}
}

func samePlaces(t *testing.T, ts Types, format, file string) {
	names := paholeSample(ts, 60)
	got := paholeMembers(tool(t, "", "pahole", "-F", format, "-C", strings.Join(names, ","), file))
	n := 0
	for _, name := range names {
		want, ok := got["struct "+name]
		if !ok {
			continue
		}
		n++
		if d := cmp.Diff(want, places(ts, ts.Named(Struct, name)[0])); d != "" {
			t.Errorf("struct %s (-pahole +got):\n%s", name, d)
		}
	}
	if t.Logf("%d structs", n); n < 50 {
		t.Errorf("pahole shows %d structs of %d", n, len(names))
	}
}

// BenchmarkOpenBTF opens a whole kernel's BTF and looks a name up.
func BenchmarkOpenBTF(b *testing.B) {
	images, _ := filepath.Glob(oracle.Cache("root/amd64/boot/vmlinuz-*"))
	if len(images) == 0 {
		b.Skip("SKIPPED: no kernel in " + oracle.CacheDir())
	}
	im, err := image.Open(images[0])
	if err != nil {
		b.Fatal(err)
	}
	defer im.Close()
	data, err := im.BTF()
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		types, err := OpenBTF(data, nil)
		if err != nil || len(types.Named(Struct, "device")) == 0 {
			b.Fatal("no struct device", err)
		}
	}
}
