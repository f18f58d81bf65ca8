package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"modkeep/pgp"
)

// pgpFlags name the OpenPGP key that packages and repositories are signed with,
// and their date.
type pgpFlags struct {
	key        string // a file
	passphrase string // a file
	date       string
}

func (f *pgpFlags) addFlags(flags *pflag.FlagSet) {
	flags.StringVar(&f.key, "gpg-key", "", "sign with the OpenPGP secret key in `FILE` (gpg --export-secret-keys)")
	flags.StringVar(&f.passphrase, "passphrase-file", "", "the first line of `FILE` opens an encrypted key")
	flags.StringVar(&f.date, "date", "", "take `TIME` for now, in seconds or as 2006-01-02T15:04:05Z (default: $SOURCE_DATE_EPOCH, else now)")
}

// open reads the key, nil where none is named. No key is ever made or changed.
func (f *pgpFlags) open() (*pgp.Key, error) {
	if f.key == "" {
		return nil, nil
	}
	text, err := readLimited(f.key, pgp.MaxKeys)
	if err != nil {
		return nil, fmt.Errorf("cannot read the key: %w", err)
	}
	var pass []byte
	if f.passphrase != "" {
		data, err := readLimited(f.passphrase, 64<<10)
		if err != nil {
			return nil, fmt.Errorf("cannot read the passphrase: %w", err)
		}
		pass, _, _ = bytes.Cut(data, []byte("\n"))
	}
	key, err := pgp.ReadKey(text, bytes.TrimSuffix(pass, []byte("\r")))
	if err != nil {
		err = fmt.Errorf("cannot read the key: %s: %w", f.key, err)
		if errors.Is(err, pgp.ErrPassphrase) {
			err = withHint(err, "give the passphrase with --passphrase-file FILE")
		}
		return nil, err
	}
	return key, nil
}

// readLimited reads a file of at most limit bytes. A pipe is taken too, as a
// shell's <(…) makes it.
func readLimited(name string, limit int64) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err == nil && int64(len(data)) > limit {
		err = fmt.Errorf("%s: more than %d bytes", name, limit)
	}
	return data, err
}

// time returns what is to be written as the time of making: it does not change
// from one run to the next where it is given.
func (f *pgpFlags) time(cmd *cobra.Command) (time.Time, error) {
	text, from := f.date, "--date"
	if text == "" {
		text, from = os.Getenv("SOURCE_DATE_EPOCH"), "SOURCE_DATE_EPOCH"
	}
	if text == "" {
		return time.Now().UTC().Truncate(time.Second), nil
	}
	if seconds, err := strconv.ParseUint(text, 10, 32); err == nil {
		return time.Unix(int64(seconds), 0).UTC(), nil
	}
	date, err := time.Parse(time.RFC3339, text)
	if err != nil || date.Unix() < 0 || date.Year() > 2105 {
		return date, usageErrorf(cmd, "%s %q is neither seconds since 1970 nor a time such as 2006-01-02T15:04:05Z", from, text)
	}
	return date.UTC(), nil
}
