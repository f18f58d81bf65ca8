package main

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"

	"modkeep/internal/kerneltest"
)

// source is an APT archive as seen through one state: the machine's own, or a
// private one for another architecture or suite.
type source struct {
	name string
	arch string
	env  []string // APT_CONFIG of a private state
	// updated is set once the package lists were asked for in this run.
	updated bool
}

// laterSuite is the Debian release after the machine's, whose backports have
// the newest kernels.
const laterSuite = "trixie"

// native is the machine's own APT.
func native(arch string) *source { return &source{name: "machine", arch: arch} }

// private makes an APT state of its own in the cache, for an architecture and
// a suite (empty: the machine's). Its sources are the machine's, with the
// suite's name replaced, so it needs no knowledge of mirrors.
func private(ctx context.Context, cache kerneltest.Cache, arch, suite string) (*source, error) {
	dir := cache.Join("apt", strings.Trim(suite+"-"+arch, "-"))
	for _, d := range []string{"etc/sources.list.d", "etc/preferences.d", "etc/apt.conf.d", "state/lists/partial", "cache/archives/partial"} {
		if err := os.MkdirAll(filepath.Join(dir, d), 0o777); err != nil {
			return nil, err
		}
	}
	sources, err := machineSources(ctx, suite)
	if err != nil {
		return nil, err
	}
	conf := fmt.Sprintf(`Dir::Etc "%[1]s/etc";
Dir::Etc::trusted "/etc/apt/trusted.gpg";
Dir::Etc::trustedparts "/etc/apt/trusted.gpg.d";
Dir::State "%[1]s/state";
Dir::State::status "%[1]s/status";
Dir::Cache "%[1]s/cache";
APT::Architecture "%[2]s";
APT::Architectures { "%[2]s"; };
APT::Sandbox::User "root";
Acquire::Languages "none";
`, dir, arch)
	for name, text := range map[string]string{"apt.conf": conf, "status": "", "etc/sources.list": sources} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o666); err != nil {
			return nil, err
		}
	}
	return &source{name: strings.Trim(suite+" "+arch, " "), arch: arch, env: []string{"APT_CONFIG=" + filepath.Join(dir, "apt.conf")}}, nil
}

// debianKeyring holds the keys of Debian's releases.
const debianKeyring = "/usr/share/keyrings/debian-archive-keyring.gpg"

// machineSources rewrites the machine's Debian sources for another suite.
func machineSources(ctx context.Context, suite string) (string, error) {
	text, err := output(ctx, nil, "apt-get", "indextargets", "--format", "$(REPO_URI) $(RELEASE) $(COMPONENT)", "Created-By: Packages")
	if err != nil {
		return "", err
	}
	codename, err := machineSuite()
	if err != nil {
		return "", err
	}
	option := ""
	if _, err := os.Stat(debianKeyring); err == nil {
		option = "[signed-by=" + debianKeyring + "] "
	}
	var out strings.Builder
	for line := range strings.Lines(text) {
		f := strings.Fields(line)
		if len(f) != 3 || f[2] != "main" || (f[1] != codename && !strings.HasPrefix(f[1], codename+"-")) {
			continue
		}
		release := f[1]
		if suite != "" {
			release = suite + strings.TrimPrefix(f[1], codename)
			if f[1] == codename {
				fmt.Fprintf(&out, "deb %s%s %s-backports main\n", option, f[0], suite)
			}
		}
		fmt.Fprintf(&out, "deb %s%s %s main\n", option, f[0], release)
	}
	if out.Len() == 0 {
		return "", fmt.Errorf("sources of APT: none for Debian %s (main); is this a Debian machine that has run apt-get update?", codename)
	}
	return out.String(), nil
}

// machineSuite is the code name of the machine's release.
func machineSuite() (string, error) {
	text, err := os.ReadFile("/etc/os-release")
	if err != nil {
		return "", err
	}
	for line := range strings.Lines(string(text)) {
		if name, ok := strings.CutPrefix(strings.TrimSpace(line), "VERSION_CODENAME="); ok {
			return strings.Trim(name, `"`), nil
		}
	}
	return "", fmt.Errorf("/etc/os-release: no VERSION_CODENAME")
}

// listAge is how old the package lists of a private state may be.
const listAge = 24 * time.Hour

// update brings the package lists up to date. A part that cannot be had, such
// as one whose mirror is being written, is reported and does without.
func (s *source) update(ctx context.Context) {
	s.updated = true
	for range 2 {
		_, err := output(ctx, s.env, "apt-get", "update", "-q", "-o", "APT::Sandbox::User=root")
		if err == nil {
			return
		}
		fmt.Printf("apt-get update (%s): %v\n", s.name, err)
	}
}

// fresh updates a private state whose lists are missing or old. The machine's
// own lists are only updated when they turn out to be of no use.
func (s *source) fresh(ctx context.Context) {
	if s.env == nil {
		return
	}
	dir := filepath.Join(filepath.Dir(strings.TrimPrefix(s.env[0], "APT_CONFIG=")), "state", "lists")
	lists, _ := filepath.Glob(filepath.Join(dir, "*_Packages*"))
	for _, l := range lists {
		if info, err := os.Stat(filepath.Join(dir, "partial")); err == nil && time.Since(info.ModTime()) < listAge && l != "" {
			return
		}
	}
	s.update(ctx)
}

// pkg is one package of an archive, newest version.
type pkg struct {
	name, version, arch string
	depends             []string // names, first alternative of each
	size                int64    // bytes of the .deb
}

// file is the name that apt-get download gives to the package.
func (p pkg) file() string {
	return p.name + "_" + strings.ReplaceAll(p.version, ":", "%3a") + "_" + p.arch + ".deb"
}

// packages lists the packages whose names match.
func (s *source) packages(ctx context.Context, match *regexp.Regexp) (map[string]pkg, error) {
	s.fresh(ctx)
	names, err := s.names(ctx, match)
	if err != nil {
		return nil, err
	}
	if len(names) == 0 && !s.updated {
		s.update(ctx)
		if names, err = s.names(ctx, match); err != nil {
			return nil, err
		}
	}
	if len(names) == 0 {
		return nil, nil
	}
	text, err := output(ctx, s.env, "apt-cache", append([]string{"show", "--no-all-versions"}, names...)...)
	if err != nil {
		return nil, err
	}
	return parsePackages(text), nil
}

func (s *source) names(ctx context.Context, match *regexp.Regexp) ([]string, error) {
	text, err := output(ctx, s.env, "apt-cache", "pkgnames")
	if err != nil {
		return nil, err
	}
	var names []string
	for _, name := range strings.Fields(text) {
		if match.MatchString(name) {
			names = append(names, name)
		}
	}
	return names, nil
}

// parsePackages reads paragraphs in the format of Packages files.
func parsePackages(text string) map[string]pkg {
	all := map[string]pkg{}
	var p pkg
	lines := bufio.NewScanner(strings.NewReader(text + "\n\n"))
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		key, value, _ := strings.Cut(lines.Text(), ": ")
		switch key {
		case "":
			if p.name != "" && p.size > 0 {
				all[p.name] = p
			}
			p = pkg{}
		case "Package":
			p.name = value
		case "Version":
			p.version = value
		case "Architecture":
			p.arch = value
		case "Size":
			p.size, _ = strconv.ParseInt(value, 10, 64)
		case "Depends":
			for _, d := range strings.Split(value, ", ") {
				p.depends = append(p.depends, strings.Fields(d)[0])
			}
		}
	}
	return all
}

// download puts packages into dir, all or none of them. Those that are there
// already with the right size are not fetched again.
func (s *source) download(ctx context.Context, dir string, want []pkg) error {
	var specs []string
	for _, p := range want {
		if info, err := os.Stat(filepath.Join(dir, p.file())); err == nil && info.Size() == p.size {
			continue
		}
		specs = append(specs, p.name+"="+p.version)
	}
	if len(specs) == 0 {
		return nil
	}
	part := filepath.Join(dir, "partial")
	if err := os.RemoveAll(part); err != nil {
		return err
	}
	if err := os.MkdirAll(part, 0o777); err != nil {
		return err
	}
	defer os.RemoveAll(part)
	// apt-get download writes into the working directory.
	args := append([]string{"-C", part, "apt-get", "download", "-q", "-o", "APT::Sandbox::User=root"}, specs...)
	if _, err := output(ctx, s.env, "env", args...); err != nil {
		return err
	}
	done, err := filepath.Glob(filepath.Join(part, "*.deb"))
	if err != nil {
		return err
	}
	for _, f := range done {
		if err := os.Rename(f, filepath.Join(dir, filepath.Base(f))); err != nil {
			return err
		}
	}
	return nil
}
