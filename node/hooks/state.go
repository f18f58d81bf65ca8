package hooks

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"modkeep/depmod"
)

// StatePath is modkeep's state directory inside the root; see txn.
const StatePath = "/var/lib/modkeep"

// RemoveState removes modkeep's state with the history in it, and the
// directories that were made for it where they are empty then. The lock must
// be held; whoever waits for it meanwhile finds the state gone. What is not
// modkeep's stays there.
func RemoveState(root string, dirs []string) error {
	real, err := depmod.Resolve(root, StatePath)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("remove %s: %w", StatePath, err)
	}
	host := filepath.Join(root, real)
	entries, err := os.ReadDir(host)
	if err != nil {
		return fmt.Errorf("remove %s: %w", StatePath, err)
	}
	for _, e := range entries {
		if name := e.Name(); name == "lock" || strings.HasSuffix(name, ".txn") {
			if err := os.Remove(filepath.Join(host, name)); err != nil {
				return fmt.Errorf("remove %s: %w", StatePath, err)
			}
		}
	}
	// Directories in which there is something else stay: rmdir says so.
	os.Remove(host)
	for _, dir := range slices.Backward(dirs) {
		if name, err := onHost(root, dir); err == nil && strings.HasPrefix(StatePath, path.Clean(dir)+"/") {
			os.Remove(name)
		}
	}
	return nil
}
