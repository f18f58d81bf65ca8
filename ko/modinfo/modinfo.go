// Package modinfo reads .modinfo, the section of a module that holds what its
// source says of itself: key=value strings, each ended by a NUL.
//
// Keys that decide whether a kernel takes the module: vermagic, name, license,
// intree, import_ns, livepatch, retpoline, staging. When a key stands there
// more than once the kernel takes the first, except import_ns, of which it
// takes all (kernel/module/main.c get_next_modinfo, 6.12).
package modinfo

// Field is one key=value string.
type Field struct{ Key, Value string }

// Info is the content of .modinfo in the section's order.
type Info []Field
