// Command init is process 1 of the virtual machines that kernel tests boot: package
// guest, and nothing else.
package main

import "modkeep/internal/kerneltest/guest"

func main() {
	if guest.Helping() {
		guest.Help()
	}
	guest.Main()
}
