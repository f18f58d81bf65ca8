package dkms

import (
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"
)

// declares are commands whose arguments are assignments.
var declares = map[string]bool{"export": true, "local": true, "declare": true, "typeset": true, "readonly": true}

// simple evaluates a command of words.
func (in *interpreter) simple(c command) status {
	name := c.words[0].plain()
	if declares[name] {
		return in.declare(c.words[1:])
	}
	args := in.words(c.words)
	if len(args) == 0 {
		return in.assignments(c.assigns)
	}
	texts := make([]string, len(args))
	why := ""
	for i, a := range args {
		texts[i] = a.text
		if why == "" {
			why = a.why
		}
	}
	if run := builtins[name]; run != nil {
		if why != "" && name != "echo" {
			_, text, _ := strings.Cut(why, ": ")
			in.note("%s: %s", name, text)
			return unknown
		}
		return run(in, texts[1:], why)
	}
	in.note("command %s is not run", brief(strings.Join(texts, " ")))
	return unknown
}

// declare is export and its like: NAME or NAME=word.
func (in *interpreter) declare(words []word) status {
	for _, w := range words {
		if len(w) == 0 || w[0].kind != literal {
			continue
		}
		text := w[0].text
		n := nameLength(text)
		if n > 0 && n < len(text) && text[n] == '=' {
			rest := append(word{{quoted: true, text: text[n+1:]}}, w[1:]...)
			in.set(text[:n], 0, in.text(rest))
		}
	}
	return yes
}

// builtins are the commands that are evaluated. why says that an argument is
// unknown; only echo is asked then.
var builtins map[string]func(in *interpreter, args []string, why string) status

func init() {
	builtins = map[string]func(in *interpreter, args []string, why string) status{
		"true": func(*interpreter, []string, string) status { return yes },
		":":    func(*interpreter, []string, string) status { return yes },
		"false": func(*interpreter, []string, string) status {
			return no
		},
		"echo":   (*interpreter).echo,
		"printf": (*interpreter).printf,
		"[":      (*interpreter).bracket,
		"test":   (*interpreter).test,
		"[[":     (*interpreter).doubleBracket,
		".":      (*interpreter).source,
		"source": (*interpreter).source,
		"grep":   (*interpreter).grep,
		"sed":    (*interpreter).sed,
		"cut":    (*interpreter).cut,
		"nproc":  (*interpreter).nproc,
		"shopt":  (*interpreter).shopt,
		"sort":   (*interpreter).sort,
		"unset":  (*interpreter).unset,
		"exit":   (*interpreter).end,
		"return": (*interpreter).end,
	}
}

func (in *interpreter) echo(args []string, why string) status {
	newline := "\n"
	for len(args) > 0 && (args[0] == "-n" || args[0] == "-e") {
		if args[0] == "-n" {
			newline = ""
		}
		args = args[1:]
	}
	in.print(strings.Join(args, " ")+newline, why)
	return yes
}

func (in *interpreter) print(text, why string) {
	if in.out == nil {
		return
	}
	in.out.text += text
	if in.out.why == "" {
		in.out.why = why
	}
	in.spend(len(in.out.text))
}

// printf knows %s and \n.
func (in *interpreter) printf(args []string, why string) status {
	if len(args) == 0 || strings.Count(args[0], "%") > 1 || strings.Count(args[0], "%s") != strings.Count(args[0], "%") {
		in.note("printf is evaluated for %%s only")
		return unknown
	}
	format := strings.ReplaceAll(args[0], `\n`, "\n")
	for i, a := range append(args[1:], "") {
		if i == 0 || i < len(args)-1 {
			in.print(strings.Replace(format, "%s", a, 1), why)
		}
	}
	return yes
}

func (in *interpreter) unset(args []string, _ string) status {
	for _, a := range args {
		delete(in.vars, a)
		delete(in.lost, a)
	}
	return yes
}

func (in *interpreter) end([]string, string) status {
	in.ended = true
	return yes
}

// nproc is how many jobs make is to run: what -j is written with.
func (in *interpreter) nproc(args []string, _ string) status {
	if len(args) > 0 {
		in.note("nproc %s is not evaluated", brief(strings.Join(args, " ")))
		return unknown
	}
	in.print(fmt.Sprintln(in.kernel.Jobs), "")
	return yes
}

// shopt turns on what [[ ]] has without it.
func (in *interpreter) shopt(args []string, _ string) status {
	if slices.Equal(slices.DeleteFunc(slices.Clone(args), func(a string) bool { return a == "-q" }), []string{"-s", "extglob"}) {
		return yes
	}
	in.note("shopt %s is not evaluated", brief(strings.Join(args, " ")))
	return unknown
}

// override finds what the administrator says in a file of /etc/dkms. known is
// set where that is looked at: of the package's own files.
func (in *interpreter) override(name string) (text *Text, known bool) {
	for i := range in.overrides {
		if in.overrides[i].Name == name {
			return &in.overrides[i], true
		}
	}
	own := in.vars["PACKAGE_NAME"][0]
	return nil, own.known() && own.text != "" && name == "/etc/dkms/"+own.text+".conf"
}

// source reads the kernel's configuration and the administrator's files, and no
// other one.
func (in *interpreter) source(args []string, _ string) status {
	if len(args) == 1 {
		if t, _ := in.override(args[0]); t != nil {
			return in.sourceText(t)
		}
	}
	if len(args) == 1 && in.isConfig(args[0]) {
		for name, v := range in.kernel.Config {
			in.set("CONFIG_"+name, 0, value{text: v})
		}
		return yes
	}
	in.note("file %s is not read", brief(strings.Join(args, " ")))
	return unknown
}

func (in *interpreter) sourceText(t *Text) status {
	if in.depth++; in.depth > maxDepth {
		panic(limitError(fmt.Sprintf("line %d: nested deeper than %d", in.line, maxDepth)))
	}
	defer func() { in.depth-- }()
	l, err := parse(string(t.Data))
	if err != nil {
		in.note("%s: %v", t.Name, err)
		return unknown
	}
	return in.list(l)
}

// below returns where a path is below the kernel's headers, by $kernel_source_dir
// or by the module directory's link to them.
func (k *Kernel) below(name string) (string, bool) {
	return within(name, k.SourceDir, "/lib/modules/"+k.Release+"/build")
}

// belowSource is below for the kernel's sources, the link beside that to the
// headers.
func (k *Kernel) belowSource(name string) (string, bool) {
	return within(name, path.Join(path.Dir(k.SourceDir), "source"), "/lib/modules/"+k.Release+"/source")
}

func within(name string, dirs ...string) (string, bool) {
	for _, dir := range dirs {
		if rest, ok := strings.CutPrefix(path.Clean(name)+"/", dir+"/"); ok {
			return strings.TrimSuffix(rest, "/"), true
		}
	}
	return "", false
}

// isConfig says whether a path is the kernel's configuration, and that known.
func (in *interpreter) isConfig(name string) bool {
	rest, ok := in.kernel.below(name)
	return in.kernel.Config != nil && (ok && (rest == ".config" || rest == "include/config/auto.conf") || name == "/boot/config-"+in.kernel.Release)
}

// exists says whether a path is there, where that may be looked at: below the
// kernel's headers and sources.
func (in *interpreter) exists(name string) status {
	if t, known := in.override(name); known {
		return truth(t != nil)
	}
	rest, ok := in.kernel.below(name)
	if !ok {
		rest, ok = in.kernel.belowSource(name)
	}
	switch {
	case in.isConfig(name), ok && rest == "":
		return yes
	case ok && in.kernel.Exists != nil:
		return truth(in.kernel.Exists(rest))
	}
	in.note("whether %s is there is not looked at", brief(name))
	return unknown
}

// number reads an operand of -eq and its like.
func number(text string) (int64, bool) {
	n, err := strconv.ParseInt(strings.TrimSpace(text), 10, 64)
	return n, err == nil
}
