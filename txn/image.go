package txn

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"syscall"
)

// What can stand at a path.
const (
	kindAbsent = "absent"
	kindLink   = "link"
	kindDir    = "dir"
	kindFile   = "file"
	kindOther  = "other" // device, socket: nothing a transaction touches
)

// image is what stands at a path: before a step, or after it.
type image struct {
	Kind string `json:"kind"`
	Text string `json:"text,omitempty"` // of a link
	// Of a file or directory.
	Mode  fs.FileMode `json:"mode,omitempty"`
	UID   int         `json:"uid,omitempty"`
	GID   int         `json:"gid,omitempty"`
	MTime int64       `json:"mtime,omitempty"` // nanoseconds since 1970
	// Of a file. Sum is the SHA-256 of its content, Blob the number, from 1,
	// of the blob in the journal that holds it, 0 where there is none.
	Size int64  `json:"size,omitempty"`
	Sum  string `json:"sum,omitempty"`
	Blob int    `json:"blob,omitempty"`
}

// same says whether two images cannot be told apart by what a step changes.
func (a image) same(b image) bool {
	if a.Kind != b.Kind {
		return false
	}
	switch a.Kind {
	case kindLink:
		return a.Text == b.Text
	case kindFile:
		return a.Size == b.Size && a.Sum == b.Sum && a.Mode == b.Mode
	}
	return true
}

const modeBits = fs.ModePerm | fs.ModeSetuid | fs.ModeSetgid | fs.ModeSticky

// look returns what stands at a path of the machine. A file's sum is left out.
func look(name string) (image, error) {
	info, err := os.Lstat(name)
	switch {
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ENOTDIR):
		return image{Kind: kindAbsent}, nil
	case err != nil:
		return image{}, cause(err)
	}
	img := image{Kind: kindOther, Mode: info.Mode() & modeBits, MTime: info.ModTime().UnixNano()}
	if stat, ok := info.Sys().(*syscall.Stat_t); ok {
		img.UID, img.GID = int(stat.Uid), int(stat.Gid)
	}
	switch {
	case info.Mode().IsRegular():
		img.Kind, img.Size = kindFile, info.Size()
	case info.IsDir():
		img.Kind = kindDir
	case info.Mode()&fs.ModeSymlink != 0:
		text, err := os.Readlink(name)
		if err != nil {
			return image{}, cause(err)
		}
		return image{Kind: kindLink, Text: text}, nil
	}
	return img, nil
}

// lookAmong is look with the sum of a file that may be one of states.
func lookAmong(name string, states []image) (image, error) {
	img, err := look(name)
	if err != nil || img.Kind != kindFile {
		return img, err
	}
	if !slices.ContainsFunc(states, func(s image) bool { return s.Kind == kindFile && s.Size == img.Size }) {
		return img, nil
	}
	img.Sum, err = sumOf(name, img.Size)
	return img, err
}

// sumOf is the SHA-256 of a file that has size bytes.
func sumOf(name string, size int64) (string, error) {
	file, err := os.Open(name)
	if err != nil {
		return "", cause(err)
	}
	defer file.Close()
	hash := sha256.New()
	n, err := io.Copy(hash, io.LimitReader(file, size))
	if err != nil {
		return "", cause(err)
	}
	if n != size {
		return "", fmt.Errorf("has %d bytes, %d expected", n, size)
	}
	return hex.EncodeToString(hash.Sum(nil)), nil
}

func sumBytes(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}
