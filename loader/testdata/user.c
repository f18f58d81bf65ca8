// Needs what exp exports.
#include <linux/module.h>

int kernsem_shared(int n);
int kernsem_gpl(int n);
int kernsem_ns(int n);

static int __init user_init(void)
{
	return kernsem_shared(0) + kernsem_gpl(0) + kernsem_ns(0) > 9;
}

module_init(user_init);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("made for a test");
MODULE_IMPORT_NS(KERNSEM);
