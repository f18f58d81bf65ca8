package symvers

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"modkeep/ko/xz"
)

// Open reads a file of exports: Module.symvers, or one of the listings that
// ParseKallsyms, ParseKsyms and ParseVer read, which its first line tells. It
// may be packed with gzip, xz or zstd, which its first bytes tell; the name
// does not matter. Errors name the path. A path that is not a regular file is
// an error and is not opened.
func Open(path string) (*Table, error) {
	t, err := open(path)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return t, nil
}

func open(path string) (*Table, error) {
	// A FIFO would block the open; /proc files are regular and say size 0.
	info, err := os.Stat(path)
	if err != nil {
		return nil, cause(err)
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("not a regular file")
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, cause(err)
	}
	defer f.Close()
	text, err := unpack(f, info.Size())
	if err != nil {
		return nil, err
	}
	return parseAny(text)
}

// cause takes the path off an error of package os: Open puts it in front.
func cause(err error) error {
	if e, ok := err.(*os.PathError); ok {
		return e.Err
	}
	return err
}

// unpack returns the text of a file of about size bytes, decompressed.
func unpack(f io.Reader, size int64) (string, error) {
	var head [6]byte
	n, err := io.ReadFull(f, head[:])
	if err == io.EOF || err == io.ErrUnexpectedEOF {
		return string(head[:n]), nil
	}
	if err != nil {
		return "", cause(err)
	}
	r := io.MultiReader(bytes.NewReader(head[:]), f)
	switch {
	case strings.HasPrefix(string(head[:]), "\x1f\x8b"):
		return unpacked("gzip", r, func(r io.Reader) (io.Reader, error) { return gzip.NewReader(r) })
	case strings.HasPrefix(string(head[:]), "\x28\xb5\x2f\xfd"):
		return unpacked("zstd", r, func(r io.Reader) (io.Reader, error) {
			return zstd.NewReader(r, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(MaxSize))
		})
	case string(head[:]) == "\xfd7zXZ\x00":
		return unxz(r)
	}
	return plain(r, size)
}

// plain reads text whose size is known, or zero for a file of /proc, in one
// piece: a copy less than readText.
func plain(r io.Reader, size int64) (string, error) {
	if size > MaxSize {
		return "", errTooLong
	}
	var text strings.Builder
	text.Grow(int(size))
	if _, err := io.Copy(&text, io.LimitReader(r, MaxSize+1)); err != nil {
		return "", cause(err)
	}
	if text.Len() > MaxSize {
		return "", errTooLong
	}
	return text.String(), nil
}

func unpacked(format string, r io.Reader, unpacker func(io.Reader) (io.Reader, error)) (string, error) {
	u, err := unpacker(r)
	if err == nil {
		if d, ok := u.(*zstd.Decoder); ok {
			defer d.Close()
		}
		var text string
		if text, err = readText(u); err == nil {
			return text, nil
		}
	}
	return "", fmt.Errorf("%s: %w", format, err)
}

// unxz unpacks in memory: a table packs to a few hundred kilobytes.
func unxz(r io.Reader) (string, error) {
	src, err := io.ReadAll(io.LimitReader(r, MaxSize+1))
	if err != nil {
		return "", fmt.Errorf("xz: %w", cause(err))
	}
	text, err := xz.Decode(src, MaxSize)
	if err != nil {
		return "", err
	}
	return string(text), nil
}

// parseAny reads a text by the form of its first line.
func parseAny(text string) (*Table, error) {
	switch sniff(text) {
	case "kallsyms":
		return parseKallsyms(text)
	case "ksyms":
		return parseKsyms(text)
	case "ver":
		return parseVer(text)
	}
	return parse(text)
}

// sniff tells which listing the text is; "" for Module.symvers and for what
// cannot be told.
func sniff(text string) string {
	line, _, _ := nextLine(text[:min(len(text), MaxLine)])
	if strings.HasPrefix(line, "#") || strings.HasPrefix(line, "/*") {
		return "ver"
	}
	words := strings.Fields(line[:min(len(line), 1024)])
	if len(words) >= 2 && words[0] == "Address" && words[1] == "Symbol" {
		return "ksyms" // the heading that ksyms(8) of modutils prints
	}
	if len(words) < 2 || strings.HasPrefix(words[0], "0x") || len(words[0]) < 8 || !isHex(words[0]) {
		return ""
	}
	if len(words) >= 3 && len(words[1]) == 1 {
		return "kallsyms"
	}
	return "ksyms"
}

func isHex(s string) bool {
	for i := 0; i < len(s); i++ {
		if hexDigit[s[i]] < 0 {
			return false
		}
	}
	return s != ""
}
