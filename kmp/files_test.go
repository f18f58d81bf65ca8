package kmp

import (
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestOracleEachFile holds what EachFile hands on against what rpm2cpio and cpio,
// or dpkg-deb, unpack: names, and the bytes behind them, also of hard links.
func TestOracleEachFile(t *testing.T) {
	for name, file := range map[string]string{"rpm": buildRPM(t, "w9.gzdio"), "deb": buildDeb(t, "gzip")} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			if name == "rpm" {
				run(t, "sh", "-c", "cd "+dir+" && rpm2cpio "+file+" | cpio -idm --quiet")
			} else {
				run(t, "dpkg-deb", "-x", file, dir)
			}
			want := strings.Fields(run(t, "sh", "-c", "cd "+dir+" && find . ! -type d -printf '/%P:' -exec sh -c 'wc -c < \"$1\"' - {} ';'"))
			sizes, links := map[string]string{}, map[string]string{}
			err := EachFile(file, func(f File, content io.Reader) error {
				switch {
				case content != nil:
					n, err := io.Copy(io.Discard, content)
					sizes[f.Path] = fmt.Sprint(n)
					return err
				case f.Target != "":
					links[f.Path] = filepath.Join(filepath.Dir(f.Path), f.Target)
				}
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for path, size := range sizes {
				got = append(got, path+":"+size)
			}
			for path, to := range links {
				if next, ok := links[to]; ok { // a link to a further name of a file
					to = next
				}
				got = append(got, path+":"+sizes[to])
			}
			slices.Sort(want)
			slices.Sort(got)
			if len(links) < 2 || !slices.Equal(got, want) {
				t.Errorf("%d links\n%q, want\n%q", len(links), got, want)
			}
		})
	}
}

// TestEachFileStops ends at the first error, also at one of several names of a file.
func TestEachFileStops(t *testing.T) {
	full := errors.New("no space left")
	for _, at := range []string{"/a", "/b", "/c"} {
		linked := map[uint64][]string{7: {"/a", "/b"}}
		e := cpioEntry{inode: 7, mode: 0o100644, links: 3, size: 4}
		err := eachEntry(strings.NewReader("text"), e, "/c", linked, func(f File, _ io.Reader) error {
			if f.Path == at {
				return full
			}
			return nil
		})
		if !errors.Is(err, full) {
			t.Errorf("an error at %s: %v", at, err)
		}
	}
}
