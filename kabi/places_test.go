package kabi

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"modkeep/internal/kerneltest/oracle"
	"modkeep/kabi/layout"
	"modkeep/kernel/image"
)

// cachedImages returns two images of the cache whose types differ much.
func cachedImages(t *testing.T) [2]string {
	t.Helper()
	oracle.Tool(t, "pahole")
	old := oracle.Cached(t, "root/amd64/boot/vmlinuz-6.1.0-*-cloud-amd64")
	new := oracle.Cached(t, "root/amd64/boot/vmlinuz-6.12.*-cloud-amd64")
	return [2]string{old[0], new[0]}
}

// paholePlace is what pahole says of a member, or of an anonymous struct where
// it ends: offset, first bit, size.
var paholePlace = regexp.MustCompile(`;\s+/\*\s+(\d+)(?::\s*(\d+))?\s+(\d+) \*/$`)

// paholePlaces returns the places in a type, as bits and bytes, sorted.
func paholePlaces(t *testing.T, btf, name string) []string {
	t.Helper()
	out, err := exec.Command("pahole", "-F", "btf", "-C", name, btf).Output()
	if err != nil {
		t.Fatalf("pahole -C %s: %v", name, err)
	}
	var list []string
	for line := range strings.Lines(string(out)) {
		if m := paholePlace.FindStringSubmatch(strings.TrimRight(line, "\n")); m != nil {
			list = append(list, placeText(m[1], m[2], m[3]))
		}
	}
	slices.Sort(list)
	return list
}

func placeText(offset, bit, size string) string {
	at, _ := strconv.Atoi(offset)
	if bit == "" {
		return fmt.Sprintf("%d+%s", 8*at, size)
	}
	n, _ := strconv.Atoi(bit)
	return strconv.Itoa(8*at + n)
}

// shownPlaces returns those that a diff has its notes from.
func shownPlaces(side Side, name string) []string {
	var list []string
	ids := side.Layouts.Types.Named(layout.Struct, name)
	for _, line := range layout.Lines(side.Layouts.Types, ids[0], 8) {
		if at, bit, ok := strings.Cut(line.Place, ":"); ok {
			list = append(list, placeText(at, bit, ""))
		} else if at, size, ok := strings.Cut(line.Place, " "); ok {
			list = append(list, placeText(at, "", size))
		}
	}
	slices.Sort(list)
	return list
}

// TestOraclePlaces holds the offsets and sizes in the diffs of causes against
// pahole's, on both sides.
func TestOraclePlaces(t *testing.T) {
	images := cachedImages(t)
	var sides [2]Side
	var files [2]string
	for i, path := range images {
		sides[i] = imageSide(t, path)
		files[i] = filepath.Join(t.TempDir(), "btf")
		im, err := image.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		data, err := im.BTF()
		if err == nil {
			err = os.WriteFile(files[i], data, 0o644)
		}
		im.Close()
		if err != nil {
			t.Fatal(err)
		}
	}
	r := Compare(sides[0], sides[1], Options{})
	sample := 0
	for _, c := range r.Causes {
		name, ok := strings.CutPrefix(c.Type, "struct ")
		one := func(i int) bool { return len(sides[i].Layouts.Types.Named(layout.Struct, name)) == 1 }
		if !ok || !one(0) || !one(1) || !strings.Contains(c.Diff, " /* ") {
			continue
		}
		for i := range sides {
			want, got := paholePlaces(t, files[i], name), shownPlaces(sides[i], name)
			if !slices.Equal(want, got) {
				t.Errorf("%s of %s:\npahole %v\nhere   %v", c.Type, filepath.Base(images[i]), want, got)
			}
		}
		if sample++; sample == 50 {
			break
		}
	}
	if t.Logf("%d types on two sides", sample); sample < 50 {
		t.Errorf("%d types", sample)
	}
}
