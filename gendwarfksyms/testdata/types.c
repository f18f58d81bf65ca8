// What debugging information of C can hold. The names of the files are those
// of the lines, so that some types count as a header's.
# 1 "public.h"
struct fwd;
union ufwd;
enum sign { NEGATIVE = -1, ZERO, LARGEST = 0x7fffffff };
enum wide { ALL = 0xffffffffu, ONE = 1 };
struct bits { unsigned a:3, b:5; int :0; long long c:40; unsigned char d:1; _Bool e:1; };
struct anon {
	int x;
	union { int y; struct { char a, b; }; float f; };
	struct { int z; } named;
	struct fwd *p;
};
struct rec { struct rec *next, **prev; struct other *o; };
struct other { struct rec r[3]; struct other *(*fn)(struct other *, ...); };
typedef struct { int q; } anont;
typedef int (*fp)(const char *restrict, volatile int *, ...);
typedef fp fparr[4];
struct big { char pad[70000]; int far; char more[300]; int last; struct bits b[2][3][4]; int flex[]; };
typedef struct rec *const volatile cvp;
typedef _Atomic int ai;
typedef __int128 i128;
typedef _Complex double cd;
typedef int v4 __attribute__((vector_size(16)));
struct al { int a __attribute__((aligned(64))); } __attribute__((aligned(128)));
struct pk { char a; int b; } __attribute__((packed));
typedef int al_t __attribute__((aligned(16)));

/* These count otherwise with --stable. */
struct kept {
	int a;
	union { long __kabi_reserved1; struct { int n1; int n2; }; };
	union { struct { unsigned x; }; struct { int __kabi_renamedold; }; };
	union { char __kabi_ignored0; int n; };
	int __kabi_reserved2;
};
enum grown { FIRST, ADDED, THIRD = 5, END };
union renamed { int __kabi_renamedfoo; float f; };
struct uses {
	union renamed m, m2;
	const union renamed *p;
	enum grown e;
	struct kept h;
	union renamed arr[2];
};
struct hidden { int now; };

# 1 "types.c"
struct private { int in_c_file; };
struct fwd *parameters(struct anon *a, union ufwd *u, enum sign e, struct private *p, ...) { return 0; }
int knr(a, b, c) int a; char b; struct rec *c; { return 0; }
static inline int inlined(struct bits *b) { return b->a; }
int caller(struct bits *b) { return inlined(b) + inlined(b); }
int vla(int n, int a[n]) { struct local { int k; } l = { n }, *q = &l; return a[q->k]; }
int (*returns(int))(long);
int (*returns(int x))(long) { return 0; }
int original(void) { return 1; }
extern int alias(void) __attribute__((alias("original")));
int weak(int) __attribute__((weak));
int weak(int x) { return x; }

struct rec v_rec;
anont v_anont;
fp v_fp;
fparr v_fparr;
struct big *v_big;
cvp v_cvp;
ai v_ai;
i128 v_i128;
cd v_cd;
v4 v_v4;
struct al v_al;
struct pk v_pk;
al_t v_al_t;
enum wide v_wide;
const char v_string[] = "x";
void *v_void;
struct { int n; struct { int m; } k; } v_struct;
union { int n; float f; } v_union;
enum { UNNAMED } v_enum;
int v_array[3][4], (*v_arrayp)[5];
_Thread_local int v_thread;
int *restrict v_restrict;
_Bool v_bool;
long double v_double;

/* Not defined here: their types are known by pointers to them. */
#define EXPORT(x) static typeof(x) *__gendwarfksyms_ptr_##x __attribute__((used, section(".discard.gendwarfksyms"))) = &x;
extern int extern_v;
extern int extern_f(struct pk *);
extern struct rec extern_s;
EXPORT(extern_v)
EXPORT(extern_f)
EXPORT(v_rec)
struct rec *points = &extern_s;

struct kept v_kept;
struct uses v_uses;
union renamed v_renamed;
enum grown v_grown;
struct hidden v_hidden;
int f_uses(struct uses *a, union renamed b, enum grown c) { return 0; }
union renamed f_renamed(void) { union renamed x = {0}; return x; }

#define RULE(n, kind, target, value) static const char rule##n[] \
	__attribute__((used, aligned(1), section(".discard.gendwarfksyms.kabi_rules"))) = "1\0" kind "\0" target "\0" value;
RULE(1, "enumerator_ignore", "grown ADDED", "")
RULE(2, "enumerator_value", "grown END", " +77")
RULE(3, "byte_size", "kept", "-3")
RULE(4, "type_string", "s#none", "structure_type x { s#kept t#'a b' }")
RULE(5, "type_string", "t#'a b'", "typedef_type 'a b' e#grown")
RULE(6, "type_string", "v_void", "variable s#none s#uses")
RULE(7, "byte_size", "uses", "")
RULE(8, "declonly", "hidden", "")
