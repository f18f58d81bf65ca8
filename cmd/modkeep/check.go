package main

import "github.com/spf13/cobra"

// newCheckCommand returns nil until the verb has its first code.
func newCheckCommand() *cobra.Command { return nil }
