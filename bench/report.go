package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"time"
)

// marks are the lines of BENCHMARKS.md between which the program writes the
// tables of a part.
func marks(part string) (begin, end string) {
	return "<!-- figures: go run ./bench -part " + part + " -write BENCHMARKS.md -->", "<!-- end of figures: " + part + " -->"
}

// report makes the tables, as Markdown.
func report(results []result, plain *tree) string {
	var b strings.Builder
	fmt.Fprintf(&b, "Kernel %s, %s, %s, %d processors of %s, load %s; %d runs.\n\n", plain.krel, kmodVersion(), runtime.Version(), cores, processor(), load(), runsOf(results))
	b.WriteString("| case | depmod -n: least, median | modkeep check: least, median | ratio of least | of medians | limit | CPU: depmod, modkeep | peak: depmod, modkeep |\n")
	b.WriteString("|---|---|---|---|---|---|---|---|\n")
	for i := range results {
		r := &results[i]
		verdict := ""
		if r.tooSlow() || r.tooLarge() {
			verdict = " **missed**"
		}
		peer, ours := median(r.peer, wallOf), median(r.ours, wallOf)
		fmt.Fprintf(&b, "| %s | %s, %s | %s, %s | %.3f | %.3f | %.1f%s | %s, %s | %s, %s |\n", r.name, ms(least(r.peer)), ms(peer), ms(least(r.ours)), ms(ours),
			r.ratio(), float64(ours)/float64(peer), r.limit, verdict, ms(median(r.peer, cpuOf)), ms(median(r.ours, cpuOf)), mib(peak(r.peer)), mib(peak(r.ours)))
	}
	b.WriteString("\n| case | files | on disk | unpacked | what the rules look at | floor: open, read, unpack | modkeep check | times the floor |\n|---|---|---|---|---|---|---|---|\n")
	for i := range results {
		r := &results[i]
		fmt.Fprintf(&b, "| %s | %d | %s | %s | %s | %s | %s | %.1f |\n", r.name, len(r.files), mib(r.size.disk), mib(r.size.unpacked), mib(r.size.needed),
			ms(r.floor), ms(least(r.ours)), float64(least(r.ours))/float64(r.floor))
	}
	return b.String()
}

func runsOf(results []result) int {
	if len(results) == 0 {
		return 0
	}
	return len(results[0].ours)
}

func ms(d time.Duration) string { return fmt.Sprintf("%.0f ms", float64(d)/float64(time.Millisecond)) }

func mib(n int64) string { return fmt.Sprintf("%.1f MiB", float64(n)/(1<<20)) }

func kmodVersion() string {
	out, _ := exec.Command("depmod", "--version").Output()
	line, _, _ := strings.Cut(string(out), "\n")
	return line
}

// processor is the processor's name.
func processor() string {
	text, _ := os.ReadFile("/proc/cpuinfo")
	for line := range strings.Lines(string(text)) {
		if key, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(key) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	return runtime.GOARCH
}

// load is the load average of the last minute: above that of the measurement
// itself, others were at work too.
func load() string {
	text, _ := os.ReadFile("/proc/loadavg")
	first, _, _ := strings.Cut(string(text), " ")
	return first
}

// replaceMarked puts a part's text between its marks in a file.
func replaceMarked(path, part, text string) error {
	old, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	begin, end := marks(part)
	before, rest, ok := bytes.Cut(old, []byte(begin))
	_, after, ok2 := bytes.Cut(rest, []byte(end))
	if !ok || !ok2 {
		return fmt.Errorf("%s: the lines %q and %q are not there", path, begin, end)
	}
	new := string(before) + begin + "\n" + text + end + string(after)
	return os.WriteFile(path, []byte(new), 0o644)
}
