// Package layout reads how types are laid out in memory, and says in what two
// layouts of a type differ.
//
// A graph of types ([Types]) comes from BTF, the kernel's compact description
// of its types ([OpenBTF]), or from DWARF, the compiler's debug information
// ([ReadDWARF]). A type is a node with an [ID]; a node names others by their
// IDs, so that two types are compared by what they lead to and not by their
// names alone ([Compare]).
//
// An aggregate is a struct or a union. A member of an anonymous aggregate
// belongs to the aggregate around it, as in C. A forward declaration has a name
// and no members; it equals every complete type of its name. A root is a type
// that a module uses by itself: that of a variable, of a parameter, of what a
// function returns, or what these point to.
//
// The formats: Documentation/bpf/btf.rst and include/uapi/linux/btf.h of 6.12;
// DWARF 5, chapter 5; debug information of gcc and clang is relocated as
// debug/elf does it.
package layout

import "fmt"

// ID is the number of a type in its graph; 0 is void.
type ID uint32

// Kind says what a type is.
type Kind uint8

// The kinds of types.
const (
	Void Kind = iota
	Int
	Float
	Pointer
	Array
	Struct
	Union
	Enum
	Forward   // a struct or union without its members
	Typedef   // another name for a type
	Qualifier // const, volatile, restrict, _Atomic, or a tag: nothing of it is laid out
	Proto     // the type of a function
	Func      // a function, by name
	Var       // a variable, by name
	Other     // what takes no part in layouts: data sections, tags of declarations
)

var kindWords = [...]string{"void", "int", "float", "pointer", "array", "struct", "union", "enum", "forward", "typedef", "qualifier", "function type", "function", "variable", "other"}

func (k Kind) String() string {
	if int(k) < len(kindWords) {
		return kindWords[k]
	}
	return fmt.Sprintf("kind %d", uint8(k))
}

// Type is one node of a graph.
type Type struct {
	Kind        Kind
	Name        string // empty for an anonymous one
	Size        uint64 // bytes, of int, float, pointer (0 where not said), enum, struct and union
	Signed      bool   // of int and enum
	Union       bool   // of a forward declaration: of a union
	Elem        ID     // what is pointed to, repeated, renamed, qualified or returned; the type of Func and Var
	Count       uint64 // elements of an array, 0 for a flexible one
	Members     []Member
	Enumerators []Enumerator
	Params      []Param // of a Proto

	// Keyword is const, volatile, restrict or nothing, of a qualifier.
	Keyword string
	// File is where DWARF says that the type was declared.
	File string
	// Opaque marks an aggregate or enum of which only the size is known
	// (.BTF.base of 6.11).
	Opaque bool
}

// Member is a member of an aggregate.
type Member struct {
	Name   string // empty for an anonymous aggregate or bit-field
	Type   ID
	Offset uint64 // bits from the begin of the aggregate
	Bits   uint32 // width of a bit-field, 0 for any other member
}

// Enumerator is a named value.
type Enumerator struct {
	Name  string
	Value int64 // of an unsigned one of 64 bits: the same bits
}

// Param is a parameter of a function.
type Param struct {
	Name string
	Type ID
}

// Types is a graph of types. Implementations may be read from several
// goroutines once they are made.
type Types interface {
	// Type returns a node; void for an ID that there is not. The node belongs
	// to the graph and is not to be changed.
	Type(ID) *Type
	// Named returns the types of a kind that have a name, in the graph's order.
	// Forward declarations are asked for as such.
	Named(kind Kind, name string) []ID
	// Len is one more than the highest ID.
	Len() int
}

// maxChain is how many typedefs, qualifiers or pointers are followed in a row.
const maxChain = 64

// Peel follows typedefs and qualifiers to what they stand for. A chain that
// does not end is void.
func Peel(ts Types, id ID) (ID, *Type) {
	for range maxChain {
		t := ts.Type(id)
		if t.Kind != Typedef && t.Kind != Qualifier {
			return id, t
		}
		id = t.Elem
	}
	return 0, ts.Type(0)
}

// elements follows the dimensions of an array to what is repeated in it, and
// how often: BTF has int[2][3] as an array of six.
func elements(ts Types, id ID) (elem ID, count uint64) {
	count = 1
	for range maxChain {
		peeled, t := Peel(ts, id)
		if t.Kind != Array {
			return peeled, count
		}
		if t.Count != 0 && count > (1<<62)/t.Count {
			return 0, 0
		}
		id, count = t.Elem, count*t.Count
	}
	return 0, 0
}

// SizeOf returns the bytes that a type takes; pointer is the size of one.
func SizeOf(ts Types, id ID, pointer uint64) uint64 {
	_, t := Peel(ts, id)
	switch t.Kind {
	case Pointer:
		return pointer
	case Array:
		elem, n := elements(ts, id)
		_, e := Peel(ts, elem)
		size := e.Size
		if e.Kind == Pointer {
			size = pointer
		}
		if size != 0 && n > (1<<62)/size {
			return 0
		}
		return n * size
	}
	return t.Size
}

func isAggregate(k Kind) bool { return k == Struct || k == Union }

// Spell returns a type as C has it, without the members of an aggregate:
// "struct device", "unsigned long", "char [16]", "int (*)(…)".
func Spell(ts Types, id ID) string { return declare(ts, id, "", maxChain) }

// Declare returns the declaration of name with a type: "char name[16]".
func Declare(ts Types, id ID, name string) string { return declare(ts, id, name, maxChain) }

// declare writes a type around what is declared with it.
func declare(ts Types, id ID, inner string, depth int) string {
	t := ts.Type(id)
	if depth == 0 {
		return "..."
	}
	switch t.Kind {
	case Pointer:
		if target := ts.Type(t.Elem); target.Kind == Array || target.Kind == Proto {
			return declare(ts, t.Elem, "(*"+inner+")", depth-1)
		}
		return declare(ts, t.Elem, "*"+inner, depth-1)
	case Array:
		length := ""
		if t.Count > 0 {
			length = fmt.Sprint(t.Count)
		}
		return declare(ts, t.Elem, inner+"["+length+"]", depth-1)
	case Proto:
		return declare(ts, t.Elem, inner+params(ts, t, depth), depth-1)
	case Qualifier:
		if t.Keyword == "" {
			return declare(ts, t.Elem, inner, depth-1)
		}
		if ts.Type(t.Elem).Kind == Pointer {
			return declare(ts, t.Elem, joined(t.Keyword, inner), depth-1)
		}
		return t.Keyword + " " + declare(ts, t.Elem, inner, depth-1)
	}
	return joined(head(t), inner)
}

func joined(a, b string) string {
	if b == "" {
		return a
	}
	return a + " " + b
}

// head is how a type that is no declarator is called.
func head(t *Type) string {
	word := ""
	switch t.Kind {
	case Struct, Union, Enum:
		word = t.Kind.String()
	case Forward:
		word = map[bool]string{false: "struct", true: "union"}[t.Union]
	case Void:
		return "void"
	default:
		return t.Name
	}
	if t.Name == "" {
		return word + " {...}"
	}
	return word + " " + t.Name
}

// maxParams is how many parameters are spelled.
const maxParams = 16

func params(ts Types, t *Type, depth int) string {
	if len(t.Params) == 0 {
		return "(void)"
	}
	text := "("
	for i, p := range t.Params {
		if i > 0 {
			text += ", "
		}
		if i == maxParams || depth < maxChain-8 {
			text += "..."
			break
		}
		if p.Type == 0 && i == len(t.Params)-1 {
			text += "..."
		} else {
			text += declare(ts, p.Type, "", depth/2)
		}
	}
	return text + ")"
}
