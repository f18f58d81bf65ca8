package klog

import (
	"strings"
	"testing"
)

// BenchmarkEvents reads a log of which most lines are about other things.
func BenchmarkEvents(b *testing.B) {
	line := "Dec 23 00:51:38 host kernel: [  123.456789] usb 1-1: new high-speed USB device number 2 using xhci_hcd\n" +
		"Dec 23 00:51:38 host systemd[1]: Started Session 12345 of User root, and more text to fill the line.\n"
	text := strings.Repeat(line, 5000)
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		for _, err := range Events(strings.NewReader(text)) {
			if err != nil {
				b.Fatal(err)
			}
		}
	}
}
