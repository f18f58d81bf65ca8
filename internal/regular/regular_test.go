package regular

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

func TestOpen(t *testing.T) {
	dir := t.TempDir()
	file, fifo, link := filepath.Join(dir, "file"), filepath.Join(dir, "fifo"), filepath.Join(dir, "link")
	if err := errors.Join(os.WriteFile(file, []byte("text"), 0o644), syscall.Mkfifo(fifo, 0o644), os.Symlink("file", link)); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name string
		want error
	}{{file, nil}, {link, nil}, {fifo, ErrNot}, {dir, ErrNot}, {"/dev/null", ErrNot}, {filepath.Join(dir, "none"), fs.ErrNotExist}} {
		f, info, err := Open(tt.name)
		var path *fs.PathError
		if !errors.Is(err, tt.want) || err != nil && (!errors.As(err, &path) || path.Path != tt.name) {
			t.Errorf("%s: %v, want %v", tt.name, err, tt.want)
		}
		if err != nil {
			continue
		}
		text, err := io.ReadAll(f)
		if err != nil || string(text) != "text" || info.Size() != 4 {
			t.Errorf("%s: %q of %d bytes, %v", tt.name, text, info.Size(), err)
		}
		f.Close()
	}
	for limit, want := range map[int64]string{3: "read " + file + ": longer than 3 bytes", 4: "<nil>"} {
		if text, err := Read(file, limit); fmt.Sprint(err) != want || err == nil && string(text) != "text" {
			t.Errorf("at most %d bytes: %q, %v; want %s", limit, text, err, want)
		}
	}
	if _, err := Read(fifo, 4); !errors.Is(err, ErrNot) {
		t.Errorf("a FIFO: %v", err)
	}
}
