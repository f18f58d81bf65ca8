package main

import (
	"bufio"
	"bytes"
	"io"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// releaseProgram lets go of the mapped pages of the program's own file. The start
// of all packages touches most of them and needs few again: for each page the
// kernel maps the 64 KiB around it (fault-around), so that they are a quarter of
// what a run on a small file takes. What is needed again is mapped again from the
// page cache, which takes microseconds.
func releaseProgram() {
	program, err := os.Readlink("/proc/self/exe")
	if err != nil {
		return // without /proc the process stays as it is
	}
	smaps, err := os.Open("/proc/self/smaps")
	if err != nil {
		return
	}
	defer smaps.Close()
	for _, m := range cleanMappings(smaps, program) {
		// Where it fails the pages stay, which does no harm.
		unix.Syscall(unix.SYS_MADVISE, m.start, m.end-m.start, unix.MADV_DONTNEED)
	}
}

// mapping is a range of addresses.
type mapping struct{ start, end uintptr }

// cleanMappings returns where a text of the form of /proc/PID/smaps, proc(5), has
// mappings of a file that are as the file is. What may be written is not among
// them, nor what was written before it was made read-only: of a program that is
// relocated when it starts, its constants. A mapping without the lines that say so
// is left out.
func cleanMappings(smaps io.Reader, file string) (list []mapping) {
	var m mapping // of the file and not to be written, or empty
	anonymous := true
	lines := bufio.NewScanner(smaps)
	for lines.Scan() {
		line := lines.Bytes() // no garbage before the collector starts
		switch head, _, _ := bytes.Cut(line, []byte(" ")); {
		case !bytes.HasSuffix(head, []byte(":")):
			m, anonymous = mapping{}, true
			if name, ok := bytes.CutSuffix(line, []byte(file)); ok && bytes.HasSuffix(name, []byte(" ")) {
				m = readOnly(line)
			}
		case m.end <= m.start:
		case string(head) == "Anonymous:":
			anonymous = !bytes.HasSuffix(line, []byte(" 0 kB"))
		case string(head) == "Swap:" && !anonymous && bytes.HasSuffix(line, []byte(" 0 kB")):
			list = append(list, m)
		}
	}
	return list
}

// readOnly reads a line such as "400000-401000 r-xp …". It returns an empty range
// where that may be written, or the line is none.
func readOnly(line []byte) mapping {
	span, rest, _ := strings.Cut(string(line), " ")
	mode, _, _ := strings.Cut(rest, " ")
	from, to, _ := strings.Cut(span, "-")
	start, err := strconv.ParseUint(from, 16, strconv.IntSize)
	end, err2 := strconv.ParseUint(to, 16, strconv.IntSize)
	if err != nil || err2 != nil || strings.Contains(mode, "w") {
		return mapping{}
	}
	return mapping{uintptr(start), uintptr(end)}
}
