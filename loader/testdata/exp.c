// Exports one symbol of each kind.
#include <linux/module.h>

int kernsem_shared(int n)
{
	return n + 1;
}
EXPORT_SYMBOL(kernsem_shared);

int kernsem_gpl(int n)
{
	return n + 2;
}
EXPORT_SYMBOL_GPL(kernsem_gpl);

int kernsem_ns(int n)
{
	return n + 3;
}
EXPORT_SYMBOL_NS_GPL(kernsem_ns, KERNSEM);

MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("made for a test");
