package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strconv"
	"time"

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

// addFlags gives a command --key, --passphrase-file and --date, of which whose
// says whose time it is.
func (f *pgpFlags) addFlags(flags *pflag.FlagSet, whose string) {
	flags.StringVar(&f.key, "key", "", "sign with the OpenPGP secret key in `FILE` (gpg --export-secret-keys)")
	flags.StringVar(&f.passphrase, "passphrase-file", "", "the first line of `FILE` opens the key")
	flags.StringVar(&f.date, "date", "", whose+" `TIME`, 2026-11-22T12:00:00Z or seconds since 1970 (default: $SOURCE_DATE_EPOCH, else now)")
}

// dateOf reads a time that was given, or takes the one that builds are to use,
// or the clock's.
func dateOf(text string) (time.Time, error) {
	if text == "" {
		text = os.Getenv("SOURCE_DATE_EPOCH")
	}
	if text == "" {
		return time.Now().UTC().Truncate(time.Second), nil
	}
	if seconds, err := strconv.ParseUint(text, 10, 32); err == nil {
		return time.Unix(int64(seconds), 0).UTC(), nil
	}
	date, err := time.Parse(time.RFC3339, text)
	if err != nil || date.Unix() < 0 || date.Year() > 2105 {
		return date, fmt.Errorf("date %q: neither like 2026-11-22T12:00:00Z nor a number of seconds", text)
	}
	return date.UTC(), nil
}

// readSigningKey reads an OpenPGP secret key. No key is ever made or changed.
func readSigningKey(path, passphraseFile string) (*pgp.Key, error) {
	data, err := readLimited(path, pgp.MaxKeys)
	if err != nil {
		return nil, fmt.Errorf("cannot read the key: %w", err)
	}
	var passphrase []byte
	if passphraseFile != "" {
		text, err := readLimited(passphraseFile, 64<<10)
		if err != nil {
			return nil, fmt.Errorf("cannot read the passphrase: %w", err)
		}
		passphrase, _, _ = bytes.Cut(text, []byte("\n"))
	}
	key, err := pgp.ReadKey(data, bytes.TrimSuffix(passphrase, []byte("\r")))
	if err != nil {
		err = fmt.Errorf("cannot read the key: %s: %w", path, err)
	}
	if errors.Is(err, pgp.ErrPassphrase) {
		return nil, withHint(err, "give its passphrase with --passphrase-file")
	}
	return key, err
}

// readTrustedKeys reads the OpenPGP public keys that signatures are held against.
func readTrustedKeys(path string) (*pgp.Ring, error) {
	data, err := readLimited(path, pgp.MaxKeys)
	if err != nil {
		return nil, fmt.Errorf("cannot read the keys: %w", err)
	}
	ring, err := pgp.ReadRing(data)
	if err != nil {
		return nil, fmt.Errorf("cannot read the keys: %s: %w", path, err)
	}
	return ring, nil
}
