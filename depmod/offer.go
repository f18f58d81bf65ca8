package depmod

// Offer says what depmod would do with one more file, at rel below the module
// directory: nil where it would be selected for its name in whatever order the
// directory lists the two; else the file that stays selected, or may stay, and
// what decides.
func (t *Tree) Offer(rel string) (stays *File, reason string) {
	f := &File{Name: ModuleName(rel), Rel: rel}
	old := t.byName[f.Name]
	if old == nil {
		return nil, ""
	}
	if keep, why := t.keeps(old, f); keep {
		return old, why
	}
	if keep, why := t.keeps(f, old); !keep {
		return old, why
	}
	return nil, ""
}
