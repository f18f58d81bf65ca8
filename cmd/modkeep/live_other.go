//go:build !linux

package main

import "modkeep/node"

// newLiveKernel returns nil: no Linux kernel runs here.
func newLiveKernel() node.Live { return nil }
