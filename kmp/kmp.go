// Package kmp reads kernel module packages, .rpm and .deb, before they are
// installed: which kernels their modules were built for, and what else they
// carry that matters for loading them.
package kmp
