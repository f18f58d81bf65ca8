// Package release parses and orders kernel release strings, what uname -r
// prints: rpm's order (lib/rpmvercmp) and dpkg's (deb-version(7)).
package release
