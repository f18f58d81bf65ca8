package node

import (
	"bufio"
	"bytes"
	"fmt"
	"strings"

	"modkeep/depmod"
)

// dependencies is a line of modules.dep(5): a module's file and those that are
// loaded before it, the last one first; paths below the module directory, or
// absolute.
type dependencies struct {
	file  string
	needs []string
}

// Bounds of modules.dep: a distribution's has about 1 MB, and its longest line
// 10 KB.
const (
	maxDepFile = 64 << 20
	maxDepLine = 4 << 20
)

// readDeps reads the modules.dep of a module directory inside a root, by module
// name.
func readDeps(root, dir string) (map[string]dependencies, error) {
	text, err := depmod.ReadFile(root, dir+"/modules.dep", maxDepFile)
	if err != nil {
		return nil, err
	}
	return parseDeps(text)
}

func parseDeps(text []byte) (map[string]dependencies, error) {
	list := map[string]dependencies{}
	in := bufio.NewScanner(bytes.NewReader(text))
	in.Buffer(nil, maxDepLine)
	for n := 1; in.Scan(); n++ {
		line := in.Text()
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		file, needs, ok := strings.Cut(line, ":")
		if !ok {
			return nil, fmt.Errorf("modules.dep: line %d: no colon", n)
		}
		list[depmod.ModuleName(file)] = dependencies{file, strings.Fields(needs)}
	}
	if err := in.Err(); err != nil {
		return nil, fmt.Errorf("modules.dep: %w", err)
	}
	return list, nil
}
