//go:build !linux

package main

// releaseProgram does nothing: the pages of the program's file are let go on
// Linux only.
func releaseProgram() {}
