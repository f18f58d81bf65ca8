package kbuild

import (
	"slices"
	"testing"
)

// TestFindCause: lines as compilers, make and modpost really wrote them.
func TestFindCause(t *testing.T) {
	for _, tt := range []struct{ name, log, want, symbol string }{
		{"header", "/b/x.c:42:10: fatal error: asm/unaligned.h: No such file or directory\n   42 | #include <asm/unaligned.h>\ncompilation terminated.",
			"x.c:42: header asm/unaligned.h is missing: not in the source, nor in the headers of kernel K", ""},
		{"header by clang", "/b/x.c:1:10: fatal error: 'linux/none.h' file not found",
			"x.c:1: header linux/none.h is missing: not in the source, nor in the headers of kernel K", ""},
		{"declaration", "/b/rd.c: In function ‘attach’:\n/b/rd.c:815:2: error: implicit declaration of function ‘blk_queue_logical_block_size’; did you mean ‘bdev_logical_block_size’? [-Werror=implicit-function-declaration]",
			"rd.c:815: kernel K does not declare function blk_queue_logical_block_size", "blk_queue_logical_block_size"},
		{"declaration by clang", "/b/x.c:9:3: error: call to undeclared function 'strlcpy'; ISO C99 and later do not support implicit function declarations [-Wimplicit-function-declaration]",
			"x.c:9: kernel K does not declare function strlcpy", "strlcpy"},
		{"few arguments", "/b/driver/razerkbd_driver.c:3124:9: error: too few arguments to function ‘hid_report_raw_event’",
			"driver/razerkbd_driver.c:3124: changed interface: too few arguments to function hid_report_raw_event", "hid_report_raw_event"},
		{"declared", "/b/x.c:3:9: error: too many arguments to function 'class_create'\n  117 |   c = class_create(THIS_MODULE, NAME);\n/h/include/linux/device/class.h:228:29: note: declared here\n  228 | struct class * __must_check class_create(const char *name);\n",
			"x.c:3: changed interface: too many arguments to function class_create; the kernel has: struct class * __must_check class_create(const char *name)", "class_create"},
		{"many arguments", "/b/x.c:3:9: error: too many arguments to function ‘class_create’",
			"x.c:3: changed interface: too many arguments to function class_create", "class_create"},
		{"argument", "/b/x.c:7:25: error: passing argument 1 of ‘class_create’ from incompatible pointer type [-Werror=incompatible-pointer-types]",
			"x.c:7: changed interface: argument 1 of class_create has another type", "class_create"},
		{"macro of the kernel", "/h/include/linux/init.h:180:22: error: passing argument 1 of ‘class_create’ from incompatible pointer type [-Werror=incompatible-pointer-types]\n  180 | #define THIS_MODULE (&__this_module)\n/b/vpoll.c:393:33: note: in expansion of macro ‘THIS_MODULE’",
			"vpoll.c:393: changed interface: argument 1 of class_create has another type", "class_create"},
		{"callback", "/b/x.c:5:12: error: initialization of ‘void (*)(struct platform_device *)’ from incompatible pointer type ‘int (*)(struct platform_device *)’ [-Werror=incompatible-pointer-types]",
			"x.c:5: changed interface: a function of type void (*)(struct platform_device *) is expected, and one of type int (*)(struct platform_device *) given", ""},
		{"member", "/b/dm.c:119:31: error: ‘struct block_device’ has no member named ‘bd_inode’; did you mean ‘bd_mode’?",
			"dm.c:119: changed interface: struct block_device has no member bd_inode", "block_device"},
		{"undeclared", "/b/m.c:129:9: error: ‘NETIF_F_LLTX’ undeclared (first use in this function)", "m.c:129: kernel K does not declare NETIF_F_LLTX", "NETIF_F_LLTX"},
		{"macro", "/b/t.c:94:37: error: macro \"DEFINE_SEMAPHORE\" requires 2 arguments, but only 1 given", "t.c:94: changed interface: macro DEFINE_SEMAPHORE requires 2 arguments, but only 1 given", ""},
		{"modpost", "ERROR: modpost: \"videobuf_queue\" [/b/v4l2loopback.ko] undefined!", "symbol videobuf_queue that v4l2loopback.ko uses is exported neither by kernel K nor by a provider", "videobuf_queue"},
		{"modpost before 5.18", "ERROR: \"foo\" [/b/x.ko] undefined!", "symbol foo that x.ko uses is exported neither by kernel K nor by a provider", "foo"},
		{"licence", "ERROR: modpost: GPL-incompatible module x.ko uses GPL-only symbol 'kobject_create_and_add'", "x.ko is not under the GPL and uses the GPL-only symbol kobject_create_and_add", "kobject_create_and_add"},
		{"namespace", "ERROR: modpost: module x uses symbol dma_buf_get from namespace DMA_BUF, but does not import it.", "x uses dma_buf_get of namespace DMA_BUF, which it does not import", "dma_buf_get"},
		{"program", "/bin/sh: 1: flex: not found\nmake: *** [Makefile:3: x] Error 127", "program flex is not installed", ""},
		{"program by bash", "bash: line 1: nosuch: command not found", "program nosuch is not installed", ""},
		{"program by make", "make[1]: gcc-13: No such file or directory\nmake: *** [x] Error 127", "program gcc-13 is not installed or cannot be run", ""},
		{"rule", "make[2]: *** No rule to make target '/b/x.o', needed by '/b/x.mod'.  Stop.", "make has no rule for x.o", ""},
		{"configure", "checking for headers... no\nconfigure: error: *** Unable to find the kernel headers", "configure: *** Unable to find the kernel headers", ""},
		{"this machine's headers", "realpath: /lib/modules/K/build: No such file or directory\ncp: cannot stat '/lib/modules/K/build': No such file or directory", "the source looks for the kernel's headers in /lib/modules/K/build of this machine, where there are none", ""},
		{"this machine's headers are not needed", "realpath: /lib/modules/K/build: No such file or directory\n/b/a.c:1:2: error: unknown type name ‘u33’", "a.c:1: kernel K does not declare type u33", "u33"},
		{"this machine's headers, by make", "make[1]: *** /lib/modules/K/build: No such file or directory.  Stop.", "the source looks for the kernel's headers in /lib/modules/K/build of this machine, where there are none", ""},
		{"disk", "/b/x.c:1:1: warning: x\ncc1: fatal error: error writing to /tmp/x.s: No space left on device", "No space left on device", ""},
		{"the first one", "x.c:1:1: warning: something\n/b/a.c:1:2: error: unknown type name ‘u33’\n/b/a.c:2:2: error: too few arguments to function ‘f’", "a.c:1: kernel K does not declare type u33", "u33"},
		{"not the command", "$ make KDIR=/error: x\nall is lost\nmake: *** [Makefile:2: all] Error 2", "all is lost", ""},
		{"others at work", "-E- Cannot locate x!\nInstall x.\nmake: *** [Makefile:9: x] Error 1\nmake: *** Waiting for unfinished jobs....\nchecking for y... no",
			"Install x.", ""},
		{"killed", "gcc: fatal error: Killed signal terminated program cc1\ncompilation terminated.", "cc1 was killed, for want of memory most often", ""},
		{"nothing", "", "the build failed and its log says nothing", ""},
		{"make alone", "make: *** [Makefile:2: all] Error 2", "the build failed and its log says nothing", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := FindCause([]byte(tt.log+"\n"), "K", "/b")
			lacking := slices.Contains([]string{"program", "program by bash", "program by make", "configure", "this machine's headers", "this machine's headers, by make", "disk", "killed"}, tt.name)
			if got.passing != lacking {
				t.Errorf("the machine is to blame: %t", got.passing)
			}
			if got.Text != tt.want || got.Symbol != tt.symbol {
				t.Errorf("%q, symbol %q\nwant %q, symbol %q", got.Text, got.Symbol, tt.want, tt.symbol)
			}
		})
	}
}

func FuzzFindCause(f *testing.F) {
	f.Add([]byte("/b/x.c:3:9: error: too many arguments to function ‘class_create’\nERROR: modpost: \"a\" [b.ko] undefined!\n"))
	f.Add([]byte("/b/"))
	f.Fuzz(func(t *testing.T, log []byte) {
		if c := FindCause(log, "K", "/b"); c.Text == "" {
			t.Fatalf("no text: %+v", c)
		}
	})
}
