package release

import "strings"

// CompareDpkg compares two strings as dpkg compares package versions,
// [EPOCH:]UPSTREAM[-REVISION] (deb-version(7), lib/dpkg/version.c of dpkg
// 1.21): -1 when a is older, 0 when they are equal, 1 when a is newer. A
// string that is no valid version is compared all the same.
func CompareDpkg(a, b string) int {
	epochA, versionA, revisionA := splitDpkg(a)
	epochB, versionB, revisionB := splitDpkg(b)
	if c := compareNumbers(epochA, epochB); c != 0 {
		return c
	}
	if c := orderDpkg(versionA, versionB); c != 0 {
		return c
	}
	return orderDpkg(revisionA, revisionB)
}

// splitDpkg takes the epoch before the first colon and the revision after the
// last dash.
func splitDpkg(s string) (epoch, version, revision string) {
	if head, rest, ok := strings.Cut(s, ":"); ok && digits(head) {
		epoch, s = head, rest
	}
	if i := strings.LastIndexByte(s, '-'); i >= 0 {
		return epoch, s[:i], s[i+1:]
	}
	return epoch, s, ""
}

// orderDpkg compares by turns a run of other characters and a run of digits.
func orderDpkg(a, b string) int {
	for a != "" || b != "" {
		var c int
		if c, a, b = wordDpkg(a, b); c != 0 {
			return c
		}
		var headA, headB string
		headA, a = run(a, isDigit)
		headB, b = run(b, isDigit)
		if c := compareNumbers(headA, headB); c != 0 {
			return c
		}
	}
	return 0
}

// wordDpkg compares up to the next digit: tilde before the end of the string,
// that before letters, letters before all else.
func wordDpkg(a, b string) (c int, restA, restB string) {
	i := 0
	for i < len(a) && !isDigit(a[i]) || i < len(b) && !isDigit(b[i]) {
		if c := sign(rankDpkg(a, i) - rankDpkg(b, i)); c != 0 {
			return c, "", ""
		}
		i++
	}
	return 0, a[min(i, len(a)):], b[min(i, len(b)):]
}

func rankDpkg(s string, i int) int {
	switch {
	case i >= len(s) || isDigit(s[i]):
		return 0
	case isAlpha(s[i]):
		return int(s[i])
	case s[i] == '~':
		return -1
	}
	return int(s[i]) + 256
}
