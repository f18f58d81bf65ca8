package node

import (
	"fmt"

	"modkeep/depmod"
)

// Gate says whether a kernel may be booted as far as required modules go.
type Gate struct {
	Kernel  string   `json:"kernel"`
	Boot    bool     `json:"boot"`
	Policy  string   `json:"policy"`  // warn, strict, off: what hooks make of it
	Missing []State  `json:"missing"` // required modules that would not load
	Unknown []string `json:"unknown"` // why it cannot be told
}

// Gate judges a kernel that is installed below the root: each module that the
// policy requires must load from it as it is now.
func (n *Node) Gate(krel string) (*Gate, error) {
	if _, err := depmod.ModuleDir(n.Root, krel); err != nil {
		return nil, fmt.Errorf("kernel %s: %w", krel, err)
	}
	g := &Gate{Kernel: krel, Boot: true, Policy: string(n.Policy.Gate), Missing: []State{}, Unknown: []string{}}
	states, notes, unreadable, err := n.Status([]string{krel})
	if err != nil {
		return nil, err
	}
	for _, s := range states {
		if s.Required && !s.Loads {
			g.Missing = append(g.Missing, s)
			g.Boot = false
		}
	}
	if len(unreadable) > 0 {
		g.Boot = false
		g.Unknown = notes
	}
	return g, nil
}
