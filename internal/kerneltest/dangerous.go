package kerneltest

import "strings"

// dangerous are in-tree modules that are never loaded in a test, and why.
// Modules whose loader verdict is of interest but whose init function ends the
// machine need not be here: a crash costs a boot and is recorded.
var dangerous = map[string]string{
	"rcutorture":            "keeps all processors busy for minutes",
	"rcuscale":              "keeps all processors busy for minutes",
	"rcuperf":               "keeps all processors busy for minutes",
	"refscale":              "keeps all processors busy for minutes",
	"scftorture":            "keeps all processors busy for minutes",
	"locktorture":           "keeps all processors busy for minutes",
	"tcrypt":                "runs every crypto test there is, for minutes",
	"test_lockup":           "locks the machine up, which is its purpose",
	"lkdtm":                 "crashes the kernel on request",
	"kgdbts":                "stops in the kernel debugger",
	"kgdboc":                "stops in the kernel debugger",
	"testmmiotrace":         "writes to the memory of devices",
	"mmiotrace_test":        "writes to the memory of devices",
	"preemptirq_delay_test": "switches interrupts off for as long as it takes",
	"ring_buffer_benchmark": "runs for minutes after its init",
	"test_bpf":              "runs for a minute under emulation",
	"test_rhashtable":       "runs for a minute under emulation",
	"test_vmalloc":          "runs for minutes under emulation",
	"test_maple_tree":       "runs for minutes under emulation",
	"test_xarray":           "runs for a minute under emulation",
	"stress_ng":             "keeps all processors busy",
	"softdog":               "a watchdog without a daemon reboots the machine",
	"raid6_pq":              "measures all its algorithms for seconds under emulation",
	"evbug":                 "prints every input event",
	"netconsole":            "prints the kernel's log while it is being read",
	"pcrypt":                "starts self-tests that print after the load has ended",
}

// danger tells why a module must not be loaded, or "".
func danger(name string) string {
	if why, ok := dangerous[name]; ok {
		return why
	}
	switch {
	case strings.HasSuffix(name, "_wdt"), strings.HasSuffix(name, "wdt") && !strings.Contains(name, "_"):
		return "a watchdog without a daemon may reboot the machine"
	case strings.HasPrefix(name, "mtd_") && strings.HasSuffix(name, "test"):
		return "a destructive test of flash memory"
	}
	return ""
}
