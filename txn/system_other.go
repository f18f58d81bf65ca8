//go:build !linux

package txn

import "os"

func inherit(*os.File, bool) error { return nil }

func reserve(*os.File, int64) error { return nil }

func syncWhole(dirs []string) error {
	for _, name := range dirs {
		if err := syncDir(name); err != nil {
			return err
		}
	}
	return nil
}
