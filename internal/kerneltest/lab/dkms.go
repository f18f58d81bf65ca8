package main

import (
	"bufio"
	"os"
	"regexp"
	"strings"
)

// dkmsConf is what a dkms.conf assigns, NAME or NAME[INDEX] to value. It is a
// shell script for dkms; here only its plain assignments are read, and nothing
// of it is run, which suffices for Debian's packages.
type dkmsConf map[string]string

var (
	assignment = regexp.MustCompile(`^([A-Z_]+)(?:\[0\])?=(.*)$`)
	variable   = regexp.MustCompile(`\$\{([A-Za-z_]+)\}|\$([A-Za-z_]+)`)
)

// readDKMS reads the assignments of a dkms.conf, without index or with 0. The
// first one of a name counts.
func readDKMS(path string) (dkmsConf, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	conf := dkmsConf{}
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		line := lines.Text()
		for strings.HasSuffix(line, `\`) && lines.Scan() {
			line = strings.TrimSuffix(line, `\`) + " " + strings.TrimSpace(lines.Text())
		}
		m := assignment.FindStringSubmatch(strings.TrimSpace(line))
		if m == nil {
			continue
		}
		if _, ok := conf[m[1]]; !ok {
			conf[m[1]] = unquote(m[2])
		}
	}
	return conf, lines.Err()
}

// unquote removes the quotes around a shell word and the backslashes before
// quotes in it.
func unquote(word string) string {
	if len(word) > 1 && (word[0] == '"' || word[0] == '\'') && strings.HasSuffix(word, word[:1]) {
		return strings.ReplaceAll(word[1:len(word)-1], `\"`, `"`)
	}
	return word
}

// expand replaces the variables in text by given values and by assignments of
// the file, a few levels deep. An unknown one becomes empty, as in the shell.
func (conf dkmsConf) expand(text string, given map[string]string) string {
	for range 4 {
		if !strings.Contains(text, "$") {
			break
		}
		text = variable.ReplaceAllStringFunc(text, func(ref string) string {
			name := strings.Trim(ref, "${}")
			if value, ok := given[name]; ok {
				return value
			}
			return conf[name]
		})
	}
	return text
}
