package main

import "github.com/spf13/cobra"

// newShowCommand returns nil until the verb has its first code.
func newShowCommand() *cobra.Command { return nil }
