package main

import "github.com/spf13/cobra"

// newDiagnoseCommand returns nil until the verb has its first code.
func newDiagnoseCommand() *cobra.Command { return nil }
