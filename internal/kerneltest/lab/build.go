package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"time"

	"modkeep/internal/kerneltest"
)

// quick are packages that build within seconds on most kernels; they are what
// is built when none is named. The word "all" stands for every package there is.
var quick = []string{"vpoll", "acpi-call", "bbswitch", "dpdk-kmods", "rapiddisk", "dm-writeboost",
	"gost-crypto", "adv-17v35x", "langford", "xtrx", "nat-rtsp", "lime-forensics"}

var dkmsPackage = regexp.MustCompile(`-dkms$`)

// tools are the packages that building needs; libelf1 is for objtool, which
// the kernel's build runs on each object.
var tools = []string{"gcc-12", "make", "libelf1"}

// build builds packages for kernels. What was built or has failed before is
// left alone unless it is named.
func build(ctx context.Context, cache kerneltest.Cache, releases string, names []string) error {
	kernels, err := buildable(cache, releases)
	if err != nil {
		return err
	}
	named := len(names) > 0
	available, err := packagesOfSources(ctx)
	if err != nil {
		return err
	}
	switch {
	case !named:
		names = quick
	case slices.Equal(names, []string{"all"}):
		named, names = false, nil
		for name := range available {
			names = append(names, strings.TrimSuffix(name, "-dkms"))
		}
		slices.Sort(names)
	}
	if err := install(ctx, tools); err != nil {
		return err
	}
	var total time.Duration
	for _, k := range kernels {
		for _, name := range names {
			p, ok := available[name+"-dkms"]
			if !ok {
				fmt.Printf("%-20s not in the archive\n", name)
				continue
			}
			start := time.Now()
			result, err := buildOne(ctx, cache, k, name, p, named)
			if ctx.Err() != nil {
				return ctx.Err()
			}
			if err != nil {
				result = "skipped: " + err.Error()
			}
			took := time.Since(start)
			total += took
			fmt.Printf("%-20s %-26s %5.1f s  %s\n", name, k.Release, took.Seconds(), result)
		}
	}
	fmt.Printf("built in %.0f s, below %s\n", total.Seconds(), cache.Join("modules"))
	return nil
}

// packagesOfSources are the archive's -dkms packages.
func packagesOfSources(ctx context.Context) (map[string]pkg, error) {
	available, err := native("amd64").packages(ctx, dkmsPackage)
	delete(available, "dh-dkms") // a helper of dkms itself
	return available, err
}

// unpackSources brings the sources of packages into the cache.
func unpackSources(ctx context.Context, cache kerneltest.Cache, names []string) error {
	available, err := packagesOfSources(ctx)
	if err != nil {
		return err
	}
	for _, name := range names {
		p, ok := available[name+"-dkms"]
		if !ok {
			return fmt.Errorf("no package %s-dkms in the archive", name)
		}
		dir, err := sources(ctx, cache, name, p)
		if err != nil {
			return err
		}
		fmt.Printf("%-20s %s\n", name, dir)
	}
	return nil
}

// buildable finds the kernels to build for.
func buildable(cache kerneltest.Cache, releases string) ([]kerneltest.Kernel, error) {
	all, err := cache.Kernels()
	if err != nil {
		return nil, err
	}
	var list []kerneltest.Kernel
	for _, k := range all {
		wanted := releases == "" || releases == "all" || slices.Contains(strings.Split(releases, ","), k.Release)
		if k.Arch == "amd64" && k.Headers && wanted {
			list = append(list, k)
		}
	}
	if len(list) == 0 {
		return nil, fmt.Errorf("no amd64 kernel with headers to build for among %d; run lab fetch first", len(all))
	}
	if releases == "" {
		// The newest of the series' smallest: it has headers in every set.
		small := slices.DeleteFunc(slices.Clone(list), func(k kerneltest.Kernel) bool {
			return k.Series != release61 || k.Flavour != "cloud"
		})
		if len(small) > 0 {
			list = small
		}
		list = list[len(list)-1:]
	}
	return list, nil
}

// install installs the packages that are missing on the machine.
func install(ctx context.Context, packages []string) error {
	var missing []string
	for _, p := range packages {
		status, _ := output(ctx, nil, "dpkg-query", "-W", "-f", "${db:Status-Status}", p)
		if status != "installed" {
			missing = append(missing, p)
		}
	}
	if len(missing) == 0 {
		return nil
	}
	fmt.Println("installing", strings.Join(missing, " "))
	env := []string{"DEBIAN_FRONTEND=noninteractive"}
	_, err := output(ctx, env, "apt-get", append([]string{"install", "-y", "-q", "--no-install-recommends"}, missing...)...)
	return err
}

// buildOne builds one package for one kernel and says what came of it.
func buildOne(ctx context.Context, cache kerneltest.Cache, k kerneltest.Kernel, name string, p pkg, again bool) (string, error) {
	done := cache.Join("modules", k.Release, name)
	failed := done + ".failed"
	if built, _ := filepath.Glob(filepath.Join(done, "*.ko")); len(built) > 0 {
		return fmt.Sprintf("%d modules, built before", len(built)), nil
	}
	if _, err := os.Stat(failed); err == nil && !again {
		return "", fmt.Errorf("failed before, see %s", failed)
	}
	source, err := sources(ctx, cache, name, p)
	if err != nil {
		return "", err
	}
	headers, err := headersFor(cache, k)
	if err != nil {
		return "", err
	}
	dir := cache.Join("build", k.Release, name)
	if err := errors.Join(os.RemoveAll(dir), os.MkdirAll(filepath.Dir(dir), 0o777), os.CopyFS(dir, os.DirFS(source))); err != nil {
		return "", err
	}
	defer os.RemoveAll(dir)
	log, err := compile(ctx, k, source, dir, headers)
	if err != nil {
		os.MkdirAll(filepath.Dir(failed), 0o777)
		os.WriteFile(failed, log, 0o666)
		return "", fmt.Errorf("%w; log: %s", err, failed)
	}
	os.Remove(failed)
	n, err := collect(dir, done)
	return fmt.Sprintf("%d modules", n), err
}

// sources unpacks a -dkms package and returns the directory of its sources.
func sources(ctx context.Context, cache kerneltest.Cache, name string, p pkg) (string, error) {
	dir := cache.Join("dkms", name)
	if _, err := os.Stat(dir); err != nil {
		if err := native("amd64").download(ctx, cache.Join("deb"), []pkg{p}); err != nil {
			return "", err
		}
		tmp, err := os.MkdirTemp(string(cache), "unpack-")
		if err != nil {
			return "", err
		}
		defer os.RemoveAll(tmp)
		if _, err := output(ctx, nil, "dpkg-deb", "-x", cache.Join("deb", p.file()), tmp); err != nil {
			return "", err
		}
		if err := os.MkdirAll(filepath.Dir(dir), 0o777); err != nil {
			return "", err
		}
		if err := os.Rename(filepath.Join(tmp, "usr", "src"), dir); err != nil {
			return "", err
		}
	}
	conf, err := filepath.Glob(filepath.Join(dir, "*", "dkms.conf"))
	if err != nil || len(conf) == 0 {
		return "", fmt.Errorf("no dkms.conf in %s", dir)
	}
	return filepath.Dir(conf[0]), nil
}

// headersFor makes the build directory of a kernel: the flavour's headers with
// a Makefile that includes the common ones where they really are. The unpacked
// package stays as it is.
func headersFor(cache kerneltest.Cache, k kerneltest.Kernel) (string, error) {
	dir := cache.Join("headers", k.Release)
	flavour := filepath.Dir(k.Symvers())
	entries, err := os.ReadDir(flavour)
	if err != nil {
		return "", err
	}
	if err := errors.Join(os.RemoveAll(dir), os.MkdirAll(dir, 0o777)); err != nil {
		return "", err
	}
	for _, e := range entries {
		if e.Name() == "Makefile" {
			continue
		}
		if err := os.Symlink(filepath.Join(flavour, e.Name()), filepath.Join(dir, e.Name())); err != nil {
			return "", err
		}
	}
	text, err := os.ReadFile(filepath.Join(flavour, "Makefile"))
	if err != nil {
		return "", err
	}
	text = bytes.ReplaceAll(text, []byte("/usr/src/"+filepath.Base(flavour)+"\n"), []byte(dir+"\n"))
	text = bytes.ReplaceAll(text, []byte("include /usr/src/"), []byte("include "+filepath.Join(k.Root, "usr", "src")+"/"))
	return dir, os.WriteFile(filepath.Join(dir, "Makefile"), text, 0o666)
}

// compile runs what dkms.conf says, or, when that gives no module, the
// kernel's ordinary build of an external module. The log is of the last one.
func compile(ctx context.Context, k kerneltest.Kernel, source, dir, headers string) (log []byte, err error) {
	conf, err := readDKMS(filepath.Join(source, "dkms.conf"))
	if err != nil {
		return nil, err
	}
	// dkms builds in TREE/NAME/VERSION/build; here that path is dir.
	tree := filepath.Join(dir, ".tree")
	nested := filepath.Join(tree, conf.expand("$PACKAGE_NAME/$PACKAGE_VERSION", nil))
	if err := errors.Join(os.MkdirAll(nested, 0o777), os.Symlink(dir, filepath.Join(nested, "build"))); err != nil {
		return nil, err
	}
	plain := "make -C " + headers + " M=" + dir + " modules"
	command := conf.expand(conf["MAKE"], map[string]string{"kernelver": k.Release, "kernel_source_dir": headers, "dkms_tree": tree})
	command = strings.ReplaceAll(command, filepath.Join(nested, "build"), dir)
	command = strings.ReplaceAll(command, "/lib/modules/"+k.Release+"/build", headers)
	for _, c := range []string{command, plain} {
		if c == "" {
			continue
		}
		var text []byte
		text, err = shell(ctx, dir, headers, c)
		log = append([]byte("$ "+c+"\n"), text...)
		if ctx.Err() != nil {
			return log, ctx.Err()
		}
		if built, _ := modulesIn(dir); err == nil && len(built) > 0 {
			return log, nil
		}
	}
	if err == nil {
		err = errors.New("make gave no module")
	}
	return log, fmt.Errorf("%w%s", err, firstError(log))
}

// shell runs a command in the module's directory. Makefiles find the kernel
// by variables of many names; all of them are given.
func shell(ctx context.Context, dir, headers, command string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, "sh", "-c", command)
	cmd.Dir = dir
	flags := fmt.Sprintf("-j%d", runtime.NumCPU())
	for _, v := range []string{"KDIR", "KERNELDIR", "KERNEL_DIR", "KSRC", "KERNEL_SRC", "KERNEL_TREE"} {
		flags += " " + v + "=" + headers
	}
	cmd.Env = append(os.Environ(), "PWD="+dir, "LC_ALL=C", "MAKEFLAGS="+flags)
	return cmd.CombinedOutput()
}

// firstError is the first complaint in a build log.
func firstError(log []byte) string {
	for line := range strings.Lines(string(log)) {
		if strings.Contains(line, "error:") || strings.Contains(line, "ERROR:") || strings.Contains(line, "***") {
			return ": " + strings.TrimSpace(line)
		}
	}
	return ""
}

// modulesIn lists the modules below a build directory, one path for each name.
func modulesIn(dir string) ([]string, error) {
	files, err := kerneltest.ModuleFiles(dir)
	seen := map[string]bool{}
	return slices.DeleteFunc(files, func(f string) bool {
		name := filepath.Base(f)
		again := seen[name]
		seen[name] = true
		return again
	}), err
}

// collect moves the built modules, and the Module.symvers that tells what they
// export, to their place, all at once.
func collect(dir, done string) (int, error) {
	files, err := modulesIn(dir)
	if err != nil {
		return 0, err
	}
	part := done + ".part"
	if err := errors.Join(os.RemoveAll(part), os.MkdirAll(part, 0o777)); err != nil {
		return 0, err
	}
	for _, f := range files {
		if err := os.Rename(f, filepath.Join(part, filepath.Base(f))); err != nil {
			return 0, err
		}
	}
	symvers := filepath.Join(dir, "Module.symvers")
	if info, err := os.Stat(symvers); err == nil && info.Size() > 0 {
		if err := os.Rename(symvers, filepath.Join(part, "Module.symvers")); err != nil {
			return 0, err
		}
	}
	return len(files), errors.Join(os.RemoveAll(done), os.Rename(part, done))
}
