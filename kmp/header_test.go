package kmp

import (
	"bytes"
	"errors"
	"io"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestOracleHeaderRPM holds what the header says against rpm, and against what
// reading the whole package gives.
func TestOracleHeaderRPM(t *testing.T) {
	path := buildRPM(t, "w9.gzdio")
	p, err := OpenHeader(path)
	if err != nil {
		t.Fatal(err)
	}
	query := func(format string) string { return run(t, "rpm", "-qp", "--queryformat", format, path) }
	number := func(n int64) string { return strconv.FormatInt(n, 10) }
	var pre, config, ghost []string
	for _, d := range p.Depends {
		if d.Pre {
			pre = append(pre, d.Name)
		}
	}
	for _, f := range p.Files {
		if f.Config {
			config = append(config, f.Path)
		}
		if f.Ghost {
			ghost = append(ghost, f.Path)
		}
	}
	got := []string{p.Summary, p.Description, p.URL, p.Group, p.Packager, p.SourceName, p.BuildHost, number(p.BuildTime.Unix()), number(p.Installed), number(p.Payload),
		number(p.Changes[0].Time.Unix()), p.Changes[0].Name, p.Changes[0].Text, strings.Join(pre, " "), strings.Join(config, " "), strings.Join(ghost, " ")}
	asked := query("%{SUMMARY}|%{DESCRIPTION}|%{URL}|%{GROUP}|%{PACKAGER}|%{SOURCERPM}|%{BUILDHOST}|%{BUILDTIME}|%{LONGSIZE}|%{LONGARCHIVESIZE}|%{CHANGELOGTIME}|%{CHANGELOGNAME}|%{CHANGELOGTEXT}")
	want := append(strings.Split(asked, "|"), "/bin/sh /bin/sh kmod", strings.TrimSpace(run(t, "rpm", "-qpc", path)), "/var/lib/urma")
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	size := query("%{SIGSIZE}") // of header and payload
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if got := number(info.Size() - p.HeaderStart); got != size {
		t.Errorf("header at %#x, %s bytes before the end, and rpm says %s", p.HeaderStart, got, size)
	}
	whole, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	if p.Modules != nil || len(whole.Modules) == 0 {
		t.Errorf("%d and %d modules", len(p.Modules), len(whole.Modules))
	}
	if want := query("[%{PAYLOADDIGEST}]"); p.PayloadDigest != want || want == "" {
		t.Errorf("digest of the payload %q, and rpm says %q", p.PayloadDigest, want)
	}
	if want := query("%{SHA256HEADER}"); p.HeaderDigest != want || want == "" {
		t.Errorf("digest of the header %q, and rpm says %q", p.HeaderDigest, want)
	}
	whole.Modules, whole.Extras, p.Extras = nil, nil, nil
	if diff := cmp.Diff(whole, p); diff != "" {
		t.Errorf("whole and header: %s", diff)
	}
}

// TestHeaderOfTruncatedRPM: a package that was not copied whole is found without
// its archive being read.
func TestHeaderOfTruncatedRPM(t *testing.T) {
	data, err := os.ReadFile(buildRPM(t, "w9.gzdio"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := ReadHeader("x.rpm", bytes.NewReader(data[:len(data)-1]), int64(len(data)-1)); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("%v", err)
	}
}

// TestOracleHeaderDeb holds what a control file says against dpkg-deb.
func TestOracleHeaderDeb(t *testing.T) {
	path := buildDeb(t, "xz")
	p, err := OpenHeader(path)
	if err != nil {
		t.Fatal(err)
	}
	field := func(name string) string { return strings.TrimSuffix(run(t, "dpkg-deb", "-f", path, name), "\n") }
	if want := run(t, "dpkg-deb", "-f", path); p.Control != want {
		t.Error("control:", cmp.Diff(want, p.Control))
	}
	summary, description, _ := strings.Cut(field("Description"), "\n")
	got := []string{p.Summary, p.Description, p.URL, p.Group, p.SourceName, strconv.FormatInt(p.Installed>>10, 10)}
	want := []string{summary, strings.ReplaceAll(strings.ReplaceAll("\n"+description, "\n .", "\n "), "\n ", "\n")[1:], field("Homepage"), field("Section"), field("Source"), field("Installed-Size")}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if len(p.Depends) == 0 || !p.Depends[0].Pre || p.Depends[1].Pre || p.Files != nil || p.Modules != nil {
		t.Errorf("%+v", p)
	}
	whole, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	var config []string
	for _, f := range whole.Files {
		if f.Config {
			config = append(config, f.Path)
		}
	}
	if diff := cmp.Diff([]string{"/etc/modprobe.d/ubcore.conf"}, config); diff != "" {
		t.Error("conffiles:", diff)
	}
}
