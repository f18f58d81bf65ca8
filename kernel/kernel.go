// Package kernel describes one kernel installed below a root: its release,
// exports, configuration, image and module tree, and for every export the file
// that would provide it.
package kernel
