package symtypes

import "strings"

// Lines returns a record as C is written, a line for each member or enumerator,
// indented with tabs.
func (p *Pool) Lines(r Record) []string {
	text := p.Plain(r)
	w := lineWriter{enum: strings.HasPrefix(text, "enum ") || strings.Contains(text, "enum {")}
	for text != "" {
		var word string
		word, text, _ = strings.Cut(text, " ")
		next, _, _ := strings.Cut(text, " ")
		w.word(word, next)
	}
	w.end()
	return w.lines
}

// lineWriter breaks words into lines.
type lineWriter struct {
	lines []string
	line  strings.Builder
	last  string // word of the line
	enum  bool
	depth int
	paren int
}

func (w *lineWriter) word(word, next string) {
	switch word {
	case "{":
		w.put(word, next)
		w.end()
		w.depth++
		return
	case "}":
		w.end()
		w.depth = max(0, w.depth-1)
	case "(", "[":
		w.paren++
	case ")", "]":
		w.paren--
	}
	w.put(word, next)
	if w.depth > 0 && w.paren <= 0 && (word == ";" || w.enum && word == ",") {
		w.end()
	}
}

// end finishes the line that was begun.
func (w *lineWriter) end() {
	if w.line.Len() > 0 {
		w.lines = append(w.lines, w.line.String())
	}
	w.line.Reset()
	w.last, w.paren = "", 0
}

func (w *lineWriter) put(word, next string) {
	switch {
	case w.last == "":
		for range min(w.depth, 32) {
			w.line.WriteByte('\t')
		}
	case w.spaced(word, next):
		w.line.WriteByte(' ')
	}
	w.line.WriteString(word)
	w.last = word
}

// spaced reports whether a space goes before the word.
func (w *lineWriter) spaced(word, next string) bool {
	switch word {
	case ";", ",", ")", "]", "[":
		return false
	case "(":
		return w.last != "(" && w.last != "[" && w.last != ")" && (next == "*" || !isName(w.last))
	}
	return w.last != "(" && w.last != "[" && (w.last != "*" || w.paren > 0 && !isName(word) && word != "*")
}
