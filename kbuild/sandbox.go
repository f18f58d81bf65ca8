package kbuild

import "strings"

// String says what builds are kept from, and from what not.
func (s *Sandbox) String() string {
	var kept, not []string
	for _, item := range []struct {
		on   bool
		text string
	}{{s.User, "privileges"}, {s.Network, "network"}, {s.Pids, "processes that outlive it"}} {
		if item.on {
			kept = append(kept, item.text)
		} else {
			not = append(not, item.text)
		}
	}
	var text []string
	if len(kept) > 0 {
		text = append(text, "without "+strings.Join(kept, ", "))
	}
	if len(not) > 0 {
		text = append(text, "WITH "+strings.Join(not, ", ")+": "+s.Why)
	}
	return strings.Join(text, "; ")
}
