package rpm

import (
	"archive/tar"
	"bufio"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"path"
	"strconv"
	"strings"

	"modkeep/symvers"
)

// Symset is a group of exports: its name and the hash of what is in it.
type Symset struct{ Name, Hash string }

// Member is an export in a symset.
type Member struct {
	Symbol string
	CRC    symvers.CRC
}

// Symsets says for each export of a kernel which symset it is in.
type Symsets map[Member]Symset

// maxSymsets bounds what an archive of symsets unpacks to, in bytes; those of
// SLES 12 have 1 MB.
const maxSymsets = 32 << 20

var errSymsets = errors.New("more than any symsets have")

// ReadSymsets reads an archive of symsets as SUSE's kernel packages have it:
// /boot/symsets-KREL.tar.gz, in it symsets-KREL/NAME.HASH, each a list of
// exports: CRC, tab, symbol.
func ReadSymsets(r io.Reader) (Symsets, error) {
	z, err := gzip.NewReader(r)
	if err != nil {
		return nil, fmt.Errorf("read archive: %w", err)
	}
	limited := &io.LimitedReader{R: z, N: maxSymsets}
	archive := tar.NewReader(limited)
	sets := Symsets{}
	for {
		h, err := archive.Next()
		switch {
		case limited.N <= 0:
			return nil, errSymsets
		case err == io.EOF:
			return sets, nil
		case err != nil:
			return nil, fmt.Errorf("read archive: %w", err)
		}
		base := path.Base(h.Name)
		dot := strings.LastIndexByte(base, '.')
		if h.Typeflag != tar.TypeReg || dot < 0 {
			continue
		}
		set := Symset{base[:dot], base[dot+1:]}
		if err := sets.read(archive, set); err != nil {
			return nil, fmt.Errorf("%s: %w", h.Name, err)
		}
		if limited.N <= 0 {
			return nil, errSymsets
		}
	}
}

func (sets Symsets) read(r io.Reader, set Symset) error {
	s := bufio.NewScanner(r)
	for n := 1; s.Scan(); n++ {
		crc, symbol, ok := strings.Cut(s.Text(), "\t")
		symbol, _, _ = strings.Cut(symbol, "\t")
		v, err := strconv.ParseUint(strings.TrimPrefix(crc, "0x"), 16, 32)
		if !ok || err != nil {
			return fmt.Errorf("line %d: not a CRC and a symbol", n)
		}
		sets[Member{symbol, symvers.CRC(v)}] = set
	}
	return s.Err()
}
