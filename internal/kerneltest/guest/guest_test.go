package guest

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"modkeep/internal/kerneltest/wire"
)

func TestParseRecord(t *testing.T) {
	tests := []struct {
		record string
		want   wire.Line
		ok     bool
	}{
		{"4,1035,2342,-;x: Unknown symbol y (err -2)\n", wire.Line{Level: 4, Text: []byte("x: Unknown symbol y (err -2)")}, true},
		{"6,1,2,c;a part; with semicolon\n", wire.Line{Level: 6, Text: []byte("a part; with semicolon")}, true},
		{"12,1,2,-;written by a process\n", wire.Line{}, false},
		{"3,1,2,-;magic: != \\x7fELF\n", wire.Line{Level: 3, Text: []byte("magic: != \x7fELF")}, true},
		{"6,1,2,-;usb 1-1: new\n SUBSYSTEM=usb\n DEVICE=c189:1\n", wire.Line{Level: 6, Text: []byte("usb 1-1: new")}, true},
		{"7,1,2,-;ends in \\x", wire.Line{Level: 7, Text: []byte(`ends in \x`)}, true},
		{"no record", wire.Line{}, false},
		{"x,1,2,-;text", wire.Line{}, false},
	}
	for _, tt := range tests {
		got, ok := parseRecord(tt.record)
		if diff := cmp.Diff(tt.want, got); diff != "" || ok != tt.ok {
			t.Errorf("%q: ok %v (-want +got):\n%s", tt.record, ok, diff)
		}
	}
}

func TestErrnoName(t *testing.T) {
	for err, want := range map[error]string{nil: "", unix.ENOEXEC: "ENOEXEC", unix.Errno(129): "EKEYREJECTED",
		unix.Errno(95): "EOPNOTSUPP", unix.Errno(11): "EAGAIN", unix.Errno(524): "524"} {
		if got := errnoName(err); got != want {
			t.Errorf("%v: got %s, want %s", err, got, want)
		}
	}
}
