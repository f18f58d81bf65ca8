package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"modkeep/internal/kerneltest"
	"modkeep/internal/kerneltest/oracle"
)

// planted is a root with a kernel whose BTF has struct s with a member more
// than the debug file of a module that the kernel would load.
func planted(t *testing.T) (root, module string) {
	t.Helper()
	root = t.TempDir()
	module = filepath.Join(root, "exp.ko")
	const krel = "6.1.0-56-cloud-amd64"
	write := func(name, text string) string {
		path := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		return path
	}
	copied := func(from, to string) {
		data, err := os.ReadFile(filepath.Join("../../loader/testdata", from))
		if err != nil {
			t.Fatal(err)
		}
		write(to, string(data))
	}
	copied("6.1/Module.symvers", "lib/modules/"+krel+"/Module.symvers")
	copied("config", "boot/config-"+krel)
	copied("6.1/exp.ko", "exp.ko")
	write("etc/os-release", "ID=debian\n")
	write("include/linux/s.h", "struct s { int a;\n#ifdef NEW\nlong more;\n#endif\nint b; };\n")
	source := write("m.c", "#include <linux/s.h>\nstruct s has; int f(struct s *p) { return p->b; }\n")
	compiler := "gcc"
	if _, err := exec.LookPath(compiler); err != nil {
		compiler = "gcc-12"
	}
	gcc := func(args ...string) {
		command(t, compiler, append([]string{"-g", "-I", filepath.Join(root, "include"), "-nostdlib"}, args...)...)
	}
	gcc("-c", "-o", module+".debug", source)
	vmlinux, btf := filepath.Join(root, "boot/vmlinuz-"+krel), filepath.Join(root, "btf")
	gcc("-DNEW", "-static", "-Wl,-e,f", "-Wl,--build-id=none", "-o", vmlinux, source)
	command(t, "pahole", "--btf_encode_detached="+btf, vmlinux)
	command(t, "objcopy", "--strip-debug", "--add-section", ".BTF="+btf, vmlinux)
	return root, module
}

func command(t *testing.T, name string, args ...string) {
	t.Helper()
	out, err := exec.Command(oracle.Tool(t, name), args...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s %q: %v\n%s", name, args, err, out)
	}
}

func TestOracleCheckTypesPlanted(t *testing.T) {
	root, module := planted(t)
	const warning = "struct s has another size: size: 8 bytes -> 24 bytes; b moved: offset 4 -> offset 16"
	for _, test := range []struct {
		flag, policy, text string
		status             int
	}{
		{"--types", "", "exp.ko: loads", statusYes},
		{"--types=refuse", "", "exp.ko: refused, taints", statusNo},
		{"--verify", "types: warn", "exp.ko: loads", statusYes},
		{"--verify", "types: refuse", "exp.ko: refused, taints", statusNo},
		{"--types", "types: refuse", "exp.ko: loads", statusYes},
	} {
		putFile(t, filepath.Join(root, "etc/modkeep/policy.yaml"), test.policy)
		var out, errOut bytes.Buffer
		status := run(context.Background(), []string{"modkeep", "check", "--root", root, test.flag, module}, nil, &out, &errOut)
		if status != test.status || !strings.Contains(out.String(), test.text) || !strings.Contains(out.String(), "warning: types: "+warning) {
			t.Errorf("%s, policy %q: status %d\n%s%s", test.flag, test.policy, status, out.String(), errOut.String())
		}
	}
	report := checkJSON(t, "--root", root, module)
	if len(report.Types) != 1 || report.Types[0].Type != "struct s" || report.Types[0].NewSize != 24 || report.Types[0].Source != "DWARF" {
		t.Errorf("types: %+v", report.Types)
	}
}

// checkJSON runs the program as a process of its own: what it takes of memory
// would count for those that later tests start.
func checkJSON(t *testing.T, args ...string) checkReport {
	t.Helper()
	cmd := exec.Command("modkeep", append([]string{"check", "--types", "--json"}, args...)...)
	var errOut bytes.Buffer
	cmd.Stderr = &errOut
	out, _ := cmd.Output() // the status says what is refused
	var report checkReport
	if err := json.Unmarshal(out, &report); err != nil {
		t.Fatalf("%v: %s", err, errOut.String())
	}
	return report
}

// TestOracleCheckTypesOfLoading makes sure that nothing is said of modules that
// a kernel loads: of those built for it, and of those built for another one of
// its series. With MODKEEP_FULL=1 all flavours are asked, else the smallest one.
func TestOracleCheckTypesOfLoading(t *testing.T) {
	cache, err := kerneltest.OpenCache()
	if err != nil {
		oracle.Missing(t, "%v", err)
	}
	kernels, err := cache.Kernels()
	if err != nil {
		oracle.Missing(t, "%v", err)
	}
	full := os.Getenv("MODKEEP_FULL") != ""
	pairs, across := 0, 0
	for _, built := range kernels {
		files, err := cache.ThirdParty(built.Release)
		if err != nil {
			t.Fatal(err)
		}
		for _, k := range kernels {
			if len(files) == 0 || built.Arch != "amd64" || k.Arch != "amd64" || k.Series != built.Series || k.Flavour != built.Flavour || !full && k.Flavour != "cloud" {
				continue
			}
			n := silentOnTypes(t, k, files)
			if pairs += n; k.Release != built.Release {
				across += n
			}
		}
	}
	t.Logf("%d pairs, %d of them across builds", pairs, across)
	if pairs == 0 || across == 0 || full && (pairs < 100 || across < 50) {
		t.Errorf("%d pairs, %d across builds: too few", pairs, across)
	}
}

// silentOnTypes holds that modules which a kernel loads have nothing said of
// their types, and returns how many load.
func silentOnTypes(t *testing.T, k kerneltest.Kernel, files []string) (loaded int) {
	t.Helper()
	report := checkJSON(t, append([]string{"--root", k.Root, "--kernel", k.Release}, files...)...)
	for _, found := range report.Types {
		t.Errorf("%s on %s: %s", found.Module, k.Release, found.String())
	}
	for _, v := range report.Verdicts {
		switch {
		case strings.Contains(fmt.Sprint(v.Unknown), "types"):
			t.Errorf("%s on %s: unknown %v", v.Module, k.Release, v.Unknown)
		case v.Loads:
			loaded++
		}
	}
	return loaded
}
