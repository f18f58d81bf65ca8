package initramfs

import (
	"fmt"
	"path"
	"strings"

	"modkeep/ko"
)

// Needs says whether an image must be made again after modules changed, and
// why: one sentence without a full stop. changed are the modules that came,
// went, or are now another file, as names or paths. configured is what
// Configured returned, as far as it is for the generator in use. deps returns
// the names of the modules that a module needs, directly or at all; it may be
// nil. An image of nil stands for one that is not there or could not be read:
// then it must be made.
func Needs(image *Image, configured []Setting, changed []string, deps func(name string) []string) (bool, string) {
	if len(changed) == 0 {
		return false, "no module changed"
	}
	if image == nil {
		return true, "what the image holds is not known"
	}
	w := newWanted(image, configured)
	if deps != nil {
		w.follow(deps)
	}
	for _, name := range changed {
		name = ko.NameFromPath(name)
		if why, ok := w.why[name]; ok {
			return true, why
		}
		for _, s := range w.patterns {
			if match, _ := path.Match(s.Name, name); match {
				return true, fmt.Sprintf("%s is configured to be in it (%s)", name, s.Source)
			}
		}
	}
	if len(image.Inner) > 0 {
		return true, fmt.Sprintf("modules may be in its %s, which is not read", image.Inner[0])
	}
	return false, "no changed module is in it or would be"
}

// wanted are the modules that are in an image or would be put into it.
type wanted struct {
	names    []string
	why      map[string]string
	patterns []Setting
}

func newWanted(image *Image, configured []Setting) *wanted {
	w := &wanted{why: make(map[string]string, len(image.Modules))}
	for _, m := range image.Modules {
		w.add(m.Name, m.Name+" is in it")
	}
	for _, s := range configured {
		if strings.ContainsAny(s.Name, "*?[") {
			w.patterns = append(w.patterns, s)
			continue
		}
		w.add(s.Name, fmt.Sprintf("%s is configured to be in it (%s)", s.Name, s.Source))
	}
	return w
}

func (w *wanted) add(name, why string) {
	if _, ok := w.why[name]; !ok {
		w.why[name] = why
		w.names = append(w.names, name)
	}
}

// follow adds what the modules need, and what that needs.
func (w *wanted) follow(deps func(name string) []string) {
	for i := 0; i < len(w.names); i++ {
		for _, need := range deps(w.names[i]) {
			need = ko.NameFromPath(need)
			w.add(need, fmt.Sprintf("%s is needed by %s, which is in it or would be", need, w.names[i]))
		}
	}
}
