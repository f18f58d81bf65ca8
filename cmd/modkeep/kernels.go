package main

import "github.com/spf13/cobra"

// newKernelsCommand returns nil until the verb has its first code.
func newKernelsCommand() *cobra.Command { return nil }
