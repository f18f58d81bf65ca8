// Command genksyms is modkeep genksyms alone, a small program for kernel builds,
// where it is run thousands of times: a process of it takes less memory than
// one of the kernel's own program. See modkeep genksyms --help.
package main

import (
	"os"

	"modkeep/cmd/genksyms/tool"
)

func main() {
	os.Exit(tool.Run(os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}
