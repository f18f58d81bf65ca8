package genksyms

// kind is what a token is to the grammar. A punctuation character is its own
// byte; the end of the text is 0.
type kind int16

const (
	end kind = 0

	ident kind = 256 + iota
	typeName
	dots
	number // and all else that no rule takes
	builtin
	filename

	attributePhrase
	asmPhrase
	typeofPhrase
	bracePhrase
	bracketPhrase
	expressionPhrase
	assertPhrase

	// specifiers of a declaration: first to last, typeName too
	kwAuto
	kwRegister
	kwStatic
	kwExtern
	kwInline
	kwConst
	kwVolatile
	kwRestrict
	kwSegment
	kwBasic // int, char, void and the like
	kwStruct
	kwUnion
	kwEnum
	kwTypeof

	kwTypedef
	kwExtension
	kwAttribute
	kwAsm
	kwAssert
	kwExport
)

// keyword is a reserved word. One with a condition is reserved in the dialects
// that it holds for.
type keyword struct {
	name string
	kind kind
	in   func(*Dialect) bool
}

func since(e Era) func(*Dialect) bool { return func(d *Dialect) bool { return d.Era >= e } }

// keywords of all dialects. The markers of an export are known in all of them,
// that of an older kernel in a newer dialect and the other way round: no C of a
// kernel uses those names for anything else.
var keywords = []keyword{
	{"EXPORT_SYMBOL", kwExport, nil},
	{"EXPORT_SYMBOL_GPL", kwExport, nil},
	{"EXPORT_SYMBOL_GPL_FUTURE", kwExport, nil},
	{"EXPORT_UNUSED_SYMBOL", kwExport, nil},
	{"EXPORT_UNUSED_SYMBOL_GPL", kwExport, nil},
	{"__GENKSYMS_EXPORT_SYMBOL", kwExport, nil},
	{"__asm", kwAsm, nil}, {"__asm__", kwAsm, nil}, {"asm", kwAsm, nil},
	{"__attribute", kwAttribute, nil}, {"__attribute__", kwAttribute, nil},
	{"__const", kwConst, nil}, {"__const__", kwConst, nil}, {"const", kwConst, nil},
	{"__volatile", kwVolatile, nil}, {"__volatile__", kwVolatile, nil}, {"volatile", kwVolatile, nil},
	{"__inline", kwInline, nil}, {"__inline__", kwInline, nil}, {"inline", kwInline, nil},
	{"__signed", kwBasic, nil}, {"__signed__", kwBasic, nil}, {"signed", kwBasic, nil},
	{"__extension__", kwExtension, func(d *Dialect) bool { return d.extension }},
	{"typeof", kwTypeof, nil}, {"__typeof__", kwTypeof, nil},
	{"__typeof", kwTypeof, since(G3)},
	{"typeof_unqual", kwTypeof, since(G4)}, {"__typeof_unqual", kwTypeof, since(G4)}, {"__typeof_unqual__", kwTypeof, since(G4)},
	{"__seg_gs", kwSegment, since(G4)}, {"__seg_fs", kwSegment, since(G4)},
	{"_restrict", kwRestrict, func(d *Dialect) bool { return !d.underscores }},
	{"__restrict", kwRestrict, func(d *Dialect) bool { return d.underscores }},
	{"__restrict__", kwRestrict, nil}, {"restrict", kwRestrict, nil},
	{"__builtin_va_list", kwBasic, func(d *Dialect) bool { return d.vaList }},
	{"__int128", kwBasic, func(d *Dialect) bool { return d.int128 }},
	{"__int128_t", kwBasic, func(d *Dialect) bool { return d.int128 }},
	{"__uint128_t", kwBasic, func(d *Dialect) bool { return d.int128 }},
	{"_Static_assert", kwAssert, func(d *Dialect) bool { return d.assert }},
	{"_Bool", kwBasic, nil},
	{"auto", kwAuto, nil}, {"register", kwRegister, nil}, {"static", kwStatic, nil}, {"extern", kwExtern, nil},
	{"char", kwBasic, nil}, {"double", kwBasic, nil}, {"float", kwBasic, nil}, {"int", kwBasic, nil},
	{"long", kwBasic, nil}, {"short", kwBasic, nil}, {"unsigned", kwBasic, nil}, {"void", kwBasic, nil},
	{"enum", kwEnum, nil}, {"struct", kwStruct, nil}, {"union", kwUnion, nil}, {"typedef", kwTypedef, nil},
}

// reserved returns the kind of each word that is a keyword's in a dialect, and
// ident for the others, by the word less 256.
func reserved(d *Dialect) []kind {
	kinds := make([]kind, len(keywords))
	for i, k := range keywords {
		kinds[i] = ident
		if k.in == nil || k.in(d) {
			kinds[i] = k.kind
		}
	}
	return kinds
}
