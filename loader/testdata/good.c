// The module of most rows: two imports, one of them for GPL-compatible modules only.
#include <linux/device.h>
#include <linux/module.h>

static struct device *volatile device; // none: the module can be loaded and unloaded
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
	if (device)
		root_device_unregister(device);
}

module_init(good_init);
module_exit(good_exit);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("made for a test");
