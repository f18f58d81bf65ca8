// The module of most rows: two imports, one of them for GPL-compatible modules only.
#include <linux/device.h>
#include <linux/module.h>

static int answer = 42;
module_param(answer, int, 0444);
MODULE_PARM_DESC(answer, "what init prints");

static int __init good_init(void)
{
	pr_info("%d\n", answer);
	return 0;
}

static void __exit good_exit(void)
{
	root_device_unregister(NULL);
}

module_init(good_init);
module_exit(good_exit);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("made for a test");
