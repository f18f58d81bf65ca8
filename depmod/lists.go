package depmod

// Builtin is the content of modules.builtin and modules.builtin.modinfo: the
// modules compiled into the image.
type Builtin struct {
	Paths []string // as modules.builtin has them: kernel/…/x.ko
	// Info holds the module information of each, by module name.
	Info map[string][]Field

	names map[string]bool
}

// Field is one key=value of a built-in module's information.
type Field struct{ Key, Value string }

// Has reports whether a module is built in; the name may hold dashes.
func (b *Builtin) Has(name string) bool { return b != nil && b.names[ModuleName(name)] }
