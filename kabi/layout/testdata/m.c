/* what FuzzDWARF begins with */
typedef struct { int counter; } atomic_t;
enum e { A, B };
struct s {
	struct s *next;
	atomic_t count;
	unsigned a : 3, b : 4;
	union { int x; enum e e; };
	char name[2][8];
	int (*open)(struct s *, ...);
};
int f(struct s *p) { return p->b + B; }
