package main

import "github.com/spf13/cobra"

// newSymbolsCommand returns nil until the verb has its first code.
func newSymbolsCommand() *cobra.Command { return nil }
