// Package loader gives the answer that a kernel's load_module() would give for
// a module: whether it loads, and if not the errno, the kernel's log lines and
// the reasons. Its files follow load_module()'s own steps.
//
// What decides is a Profile: the kernel's version, its distribution's patches,
// its configuration, command line and keyring, and what is loaded already. A
// rule's value is a row of a table with its source, and each verdict says on
// what it rests.
package loader
