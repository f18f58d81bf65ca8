// Package depmod answers what depmod(8) selects: which of several files of one
// module name wins, by the search order, overrides, excludes and external
// directories of depmod.d(5); and what modules.dep then holds.
package depmod
