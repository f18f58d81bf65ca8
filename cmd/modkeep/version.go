package main

import (
	"fmt"
	"io"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"
)

// version is the release of modkeep, as CHANGELOG.md has it.
const version = "0.1.0"

// buildInfo is what modkeep version prints.
type buildInfo struct {
	Version  string `json:"version"`
	Revision string `json:"revision"` // of the source tree, "" where unknown
	Go       string `json:"go"`
	Platform string `json:"platform"` // GOOS/GOARCH
}

func newVersionCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "version",
		Short: "Print the version of modkeep",
		Long:  "Version prints the version of modkeep and of the Go that built it." + exitStatus("always", "", ""),
		Example: `  modkeep version
  modkeep version --json`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return printVersion(cmd.OutOrStdout(), readBuildInfo(), asJSON)
		},
	}
	addJSONFlag(cmd.Flags(), &asJSON)
	return cmd
}

func readBuildInfo() buildInfo {
	b := buildInfo{Version: version, Go: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH}
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, s := range info.Settings {
			if s.Key == "vcs.revision" {
				b.Revision = s.Value
			}
		}
	}
	return b
}

func printVersion(w io.Writer, b buildInfo, asJSON bool) error {
	if asJSON {
		return writeJSON(w, b)
	}
	line := "modkeep " + b.Version
	if len(b.Revision) >= 12 {
		line += " (" + b.Revision[:12] + ")"
	}
	_, err := fmt.Fprintf(w, "%s %s %s\n", line, b.Go, b.Platform)
	return err
}
