package main

import "testing"

// two are kernels that export the same printk.
const two = `
	kernel K1
	vmlinux printk@a
	kernel K2
	vmlinux printk@a
`

func TestScenarios(t *testing.T) {
	for _, rows := range [][]scenario{judgeRows, providerRows, selectionRows, lifecycleRows, readingRows} {
		for _, s := range rows {
			s.run(t)
		}
	}
}

// judgeRows are what becomes of single modules.
var judgeRows = []scenario{
	{
		name: "T01/a compatible module is linked",
		tree: two + `kernel K1 bare=yes
			extra/foo/foo.ko printk@a`,
		do: []action{{
			do:    "add K1/extra/foo/foo.ko",
			links: "K2 extra/foo/foo.ko K1",
			deps:  "K2 ~extra/foo/foo.ko:",
			says:  "Module foo.ko from kernel K1 is compatible with kernel K2",
		}},
	},
	{
		name: "T02/another CRC",
		tree: `
			kernel K1
			vmlinux printk@a
			extra/foo/foo.ko printk@a
			kernel K2
			vmlinux printk@b`,
		do: []action{
			{
				do:      "add K1/extra/foo/foo.ko",
				refused: "K2 K1/extra/foo/foo.ko crc printk 0x0000000a 0x0000000b",
				says:    "Module foo.ko from kernel K1 is not compatible with kernel K2 in symbols: printk",
			},
			{do: `policy modules: [{name: foo, required: true}]`},
			{
				do:      "add K1/extra/foo/foo.ko",
				refused: "K2 K1/extra/foo/foo.ko crc printk 0x0000000a 0x0000000b",
				says:    "Module foo.ko from kernel K1 is not compatible with kernel K2 in symbols: printk",
				status:  1,
			},
		},
	},
	{
		name: "T02/symbols are sorted, the sentence has single blanks",
		tree: `
			kernel K1
			vmlinux printk@a kfree@1 aaa@2
			extra/foo/foo.ko printk@a kfree@1 aaa@2
			kernel K2
			vmlinux printk@b kfree@2`,
		do: []action{{
			do: "add K1/extra/foo/foo.ko",
			refused: `
				K2 K1/extra/foo/foo.ko crc printk 0x0000000a 0x0000000b
				K2 K1/extra/foo/foo.ko crc kfree 0x00000001 0x00000002
				K2 K1/extra/foo/foo.ko missing aaa`,
			says: "Module foo.ko from kernel K1 is not compatible with kernel K2 in symbols: aaa kfree printk",
		}},
	},
	{
		name: "T03/good and bad in one call",
		tree: goodAndBad,
		do: []action{{
			do:      "add K1/extra/set/good.ko K1/extra/set/bad.ko",
			links:   "K2 extra/set/good.ko K1",
			refused: "K2 K1/extra/set/bad.ko crc printk 0x0000000b 0x0000000a",
			says: `
				Module good.ko from kernel K1 is compatible with kernel K2
				Module bad.ko from kernel K1 is not compatible with kernel K2 in symbols: printk`,
		}},
	},
	{
		name: "T03/a group of the policy is linked whole or not at all",
		tree: goodAndBad,
		do: []action{
			{do: `policy groups: [{name: set, modules: [good, bad]}]`},
			{
				do: "add K1/extra/set/good.ko K1/extra/set/bad.ko",
				refused: `
					K2 K1/extra/set/bad.ko crc printk 0x0000000b 0x0000000a
					K2 K1/extra/set/good.ko group | set`,
			},
		},
	},
	{
		name: "T27/a module without versions",
		tree: `
			kernel K1
			vmlinux printk@a
			kernel/own.ko printk@a
			kernel K2
			vmlinux printk@a
			kernel/own.ko printk@a
			kernel K3
			vmlinux printk@a
			kernel/own.ko printk@a
			extra/foo.ko printk versions=none`,
		do: []action{{
			do:      "add K3/extra/foo.ko",
			refused: "K1 K3/extra/foo.ko no-version\nK2 K3/extra/foo.ko no-version",
		}},
	},
	{
		name: "T28/a weak symbol that nobody exports",
		tree: `
			kernel K1
			vmlinux printk@a
			extra/foo.ko printk@a ?gone@1
			kernel K2
			vmlinux printk@a`,
		do: []action{{
			do:    "add K1/extra/foo.ko",
			links: "K2 extra/foo.ko K1",
			says:  "Module foo.ko from kernel K1 is compatible with kernel K2",
		}},
	},
	{
		name: "T29/the CRC is there under another name",
		tree: `
			kernel K1
			vmlinux other@5
			extra/foo.ko other@5
			kernel K2
			vmlinux bar@5`,
		do: []action{{
			do:      "add K1/extra/foo.ko",
			refused: "K2 K1/extra/foo.ko missing other",
			says:    "Module foo.ko from kernel K1 is not compatible with kernel K2 in symbols: other",
		}},
	},
	{
		name: "T29/a symbol of assembler with CRC 0 is gone",
		tree: `
			kernel K1
			vmlinux memcpy_orig@0 memset_orig@0
			extra/foo.ko memcpy_orig@0
			kernel K2
			vmlinux memset_orig@0`,
		do: []action{{
			do:      "add K1/extra/foo.ko",
			refused: "K2 K1/extra/foo.ko missing memcpy_orig",
		}},
	},
	{
		name: "T34/other words in the version magic",
		tree: `
			kernel K1 "flags=SMP mod_unload modversions "
			vmlinux printk@a
			kernel/own.ko printk@a
			extra/foo.ko printk@a
			kernel K2 "flags=SMP preempt mod_unload modversions "
			vmlinux printk@a
			kernel/own.ko printk@a`,
		do: []action{{
			do:      "add K1/extra/foo.ko",
			refused: "K2 K1/extra/foo.ko vermagic",
		}},
	},
	{
		name: "T34/a real-time kernel",
		in:   "weak-modules rhel",
		k:    []string{"5.14.0-362.8.1.el9_3.x86_64", "5.14.0-427.13.1.el9_4.x86_64+rt"},
		tree: `
			kernel K1
			vmlinux printk@a
			kernel/own.ko printk@a
			extra/foo.ko printk@a
			kernel K2 "flags=SMP preempt_rt mod_unload modversions "
			vmlinux printk@a
			kernel/own.ko printk@a`,
		do: []action{{
			do:      "add K1/extra/foo.ko",
			refused: "K2 K1/extra/foo.ko vermagic",
		}},
	},
	{
		name: "T34/another flavour whose symbols are all the same",
		in:   "suse",
		k:    []string{"6.4.0-150600.21-default", "6.4.0-150600.23.7-64kb"},
		tree: two + `kernel K1 bare=yes
			extra/foo.ko printk@a`,
		do: []action{{
			do:      "add K1/extra/foo.ko",
			refused: "K2 K1/extra/foo.ko",
		}},
	},
	{
		name: "T34/another variant whose symbols are all the same",
		in:   "weak-modules rhel",
		k:    []string{"5.14.0-362.8.1.el9_3.x86_64", "5.14.0-427.13.1.el9_4.x86_64+debug"},
		tree: two + `kernel K1 bare=yes
			extra/foo.ko printk@a`,
		do: []action{{
			do:      "add K1/extra/foo.ko",
			refused: "K2 K1/extra/foo.ko",
		}},
	},
	{
		name: "T34/struct module of another size, from 6.4 on",
		k:    []string{"6.4.0-150600.21-default", "6.4.0-150600.23.7-default"},
		tree: otherSize,
		do: []action{{
			do:      "add K1/extra/foo.ko",
			refused: "K2 K1/extra/foo.ko size - 1088 1280",
		}},
	},
	{
		name: "T34/struct module of another size, before 6.4",
		k:    []string{"5.14.0-362.8.1.el9_3.x86_64", "5.14.0-427.13.1.el9_4.x86_64"},
		tree: otherSize,
		do: []action{{
			do:    "add K1/extra/foo.ko",
			links: "K2 extra/foo.ko K1",
		}},
	},
	{
		name: "the kernel takes signed modules only",
		tree: `
			kernel K1
			vmlinux printk@a
			extra/foo.ko printk@a
			kernel K2
			vmlinux printk@a
			kernel/own.ko printk@a
			config MODULE_SIG=y MODULE_SIG_FORCE=y`,
		do: []action{{
			do: "add K1/extra/foo.ko", refused: "K2 K1/extra/foo.ko signature",
			mentions: "unsigned module",
		}},
	},
	{
		name: "the policy says link: never and link: force",
		tree: goodAndBad,
		do: []action{
			{do: "policy modules: [{name: good, link: never}, {name: bad, link: force}]"},
			{
				do: "add K1/extra/set/good.ko K1/extra/set/bad.ko", links: "K2 extra/set/bad.ko K1", refused: "*",
				complains: "K2 extra/set/bad.ko printk",
				says:      "Module bad.ko from kernel K1 is not compatible with kernel K2 in symbols: printk",
			},
		},
	},
	{
		name: "T42/a long name, the CRC is the same",
		k:    []string{"6.14.0-160000.5-default", "6.14.0-160000.9-default"},
		tree: `
			kernel K1
			vmlinux printk@a ` + longName + `@5
			extra/foo.ko printk@a ` + longName + `@5 versions=both
			kernel K2
			vmlinux printk@a ` + longName + `@5`,
		do: []action{{
			do:    "add K1/extra/foo.ko",
			links: "K2 extra/foo.ko K1",
		}},
		blind: "it has no reader of the extended versions",
	},
	{
		name: "T42/a long name, the CRC is another",
		k:    []string{"6.14.0-160000.5-default", "6.14.0-160000.9-default"},
		tree: `
			kernel K1
			vmlinux printk@a ` + longName + `@5
			extra/foo.ko printk@a ` + longName + `@5 versions=both
			kernel K2
			vmlinux printk@a ` + longName + `@6`,
		do: []action{{
			do:      "add K1/extra/foo.ko",
			refused: "K2 K1/extra/foo.ko crc " + longName + " 0x00000005 0x00000006",
			says:    "Module foo.ko from kernel K1 is not compatible with kernel K2 in symbols: " + longName,
		}},
		blind: "it has no reader of the extended versions",
	},
	{
		// The kernel skips the release in the version magic only for a module
		// with __versions.
		name: "T42/extended versions alone",
		k:    []string{"6.14.0-160000.5-default", "6.14.0-160000.9-default"},
		tree: `
			kernel K1
			vmlinux printk@a
			kernel/own.ko printk@a
			extra/foo.ko printk@a versions=ext
			kernel K2
			vmlinux printk@a
			kernel/own.ko printk@a`,
		do: []action{{
			do:      "add K1/extra/foo.ko",
			refused: "K2 K1/extra/foo.ko vermagic",
		}},
		blind: "it has no reader of the extended versions",
	},
}

const longName = "_RNvXs_NtCs1234567890_6kernel5error_very_long_name_of_a_rust_function"

const goodAndBad = `
	kernel K1
	vmlinux printk@a
	extra/set/good.ko printk@a
	extra/set/bad.ko printk@b
	kernel K2
	vmlinux printk@a`

const otherSize = `
	kernel K1 size=1088
	vmlinux printk@a
	kernel/own.ko printk@a
	extra/foo.ko printk@a
	kernel K2 size=1280
	vmlinux printk@a
	kernel/own.ko printk@a`

// chain is a provider p and its consumer c; K2 has the printk that p needs.
const chain = `
	kernel K1
	vmlinux printk@a
	extra/pair/p.ko printk@a +p_do@5
	extra/pair/c.ko p_do@5
	kernel K2
	vmlinux printk@a`

// ofed is a consumer of ib@77 below K1; to it comes who exports ib below K2.
const ofed = `
	kernel K1
	vmlinux printk@a
	kernel/ib_core.ko printk@a +ib@99
	extra/urma/c.ko printk@a ib@77
	kernel K2
	vmlinux printk@a
`

const linked = "K2 extra/urma/c.ko K1"

// providerRows are about who exports what a module needs.
var providerRows = []scenario{
	{
		name: "T04/the provider does not fit",
		tree: `
			kernel K1
			vmlinux printk@a
			extra/pair/p.ko printk@a +p_do@5
			extra/pair/c.ko p_do@5
			kernel K2
			vmlinux printk@b`,
		do: []action{{
			do: "add K1/extra/pair/p.ko K1/extra/pair/c.ko",
			refused: `
				K2 K1/extra/pair/p.ko crc printk 0x0000000a 0x0000000b
				K2 K1/extra/pair/c.ko provider p_do`,
			says: `
				Module p.ko from kernel K1 is not compatible with kernel K2 in symbols: printk
				Module c.ko from kernel K1 is not compatible with kernel K2 in symbols: p_do`,
		}},
	},
	{
		name: "T05/the provider has been linked before",
		tree: chain,
		do: []action{
			{do: "rm K1/extra/pair/c.ko"},
			{do: "add K1/extra/pair/p.ko", links: "K2 extra/pair/p.ko K1"},
			{do: "put K1 extra/pair/c.ko p_do@5"},
			{
				do:    "add K1/extra/pair/c.ko",
				links: "K2 extra/pair/p.ko K1\nK2 extra/pair/c.ko K1",
				deps:  "K2 ~extra/pair/c.ko: ~extra/pair/p.ko",
				says:  "Module c.ko from kernel K1 is compatible with kernel K2",
			},
		},
	},
	{
		name: "T06/the provider cannot be linked and is not offered",
		tree: `
			kernel K1
			vmlinux printk@a
			extra/pair/p.ko printk@a +p_do@5
			extra/pair/c.ko p_do@5
			kernel K2
			vmlinux printk@b`,
		do: []action{{
			do: "add K1/extra/pair/c.ko",
			refused: `
				K2 K1/extra/pair/c.ko - p_do | p.ko
				?K2 K1/extra/pair/p.ko crc printk`,
			says: "Module c.ko from kernel K1 is not compatible with kernel K2 in symbols: p_do",
		}},
	},
	{
		name: "T06/there is no provider at all",
		tree: chain,
		do: []action{
			{do: "rm K1/extra/pair/p.ko"},
			{
				do:      "add K1/extra/pair/c.ko",
				refused: "K2 K1/extra/pair/c.ko missing p_do",
				says:    "Module c.ko from kernel K1 is not compatible with kernel K2 in symbols: p_do",
			},
		},
	},
	{
		name: "T07/the target's extra replaces what symvers says",
		tree: ofed + `
			kernel/ib_core.ko printk@a +ib@99
			extra/ofed/ib_core.ko printk@a +ib@77`,
		do: []action{{do: "add K1/extra/urma/c.ko", links: linked, deps: "K2 ~extra/urma/c.ko: extra/ofed/ib_core.ko"}},
	},
	{
		name: "T07/and where the in-tree module is not installed",
		tree: ofed + `
			absent kernel/ib_core.ko printk@a +ib@99
			extra/ofed/ib_core.ko printk@a +ib@77`,
		do: []action{{do: "add K1/extra/urma/c.ko", links: linked, deps: "K2 ~extra/urma/c.ko: extra/ofed/ib_core.ko"}},
	},
	{
		name: "T08/updates wins",
		tree: ofed + `
			kernel/ib_core.ko printk@a +ib@99
			updates/ib_core.ko printk@a +ib@77`,
		do: []action{{do: "add K1/extra/urma/c.ko", links: linked, deps: "K2 ~extra/urma/c.ko: updates/ib_core.ko"}},
	},
	{
		name: "T09/.ko.xz",
		tree: ofed + `
			kernel/ib_core.ko.xz printk@a +ib@99
			extra/ofed/ib_core.ko.xz printk@a +ib@77`,
		do: []action{{do: "add K1/extra/urma/c.ko", links: linked, deps: "K2 ~extra/urma/c.ko: extra/ofed/ib_core.ko.xz"}},
	},
	{
		name: "T09/.ko.zst",
		tree: ofed + `
			kernel/ib_core.ko.zst printk@a +ib@99
			extra/ofed/ib_core.ko.zst printk@a +ib@77`,
		do: []action{{do: "add K1/extra/urma/c.ko", links: linked, deps: "K2 ~extra/urma/c.ko: extra/ofed/ib_core.ko.zst"}},
	},
	{
		name: "T09/.ko.gz",
		tree: ofed + `
			kernel/ib_core.ko.gz printk@a +ib@99
			extra/ofed/ib_core.ko.gz printk@a +ib@77`,
		do:    []action{{do: "add K1/extra/urma/c.ko", links: linked}},
		blind: "Debian's depmod is built without zlib",
	},
	{
		name: "T09/and the consumer packed",
		tree: `
			kernel K1
			vmlinux printk@a
			extra/urma/c.ko.zst printk@a ib@77
			kernel K2
			vmlinux printk@a
			extra/ofed/ib_core.ko.xz printk@a +ib@77`,
		do: []action{{
			do: "add K1/extra/urma/c.ko.zst", links: "K2 extra/urma/c.ko.zst K1",
			deps: "K2 ~extra/urma/c.ko.zst: extra/ofed/ib_core.ko.xz",
			says: "Module c.ko.zst from kernel K1 is compatible with kernel K2",
		}},
	},
	relative("T10/relative, little-endian", "x86_64", "relative"),
	relative("T10/relative, big-endian", "s390x", "relative"),
	relative("T10/numbers in the section, little-endian", "x86_64", "section"),
	relative("T10/numbers in the section, big-endian", "s390x", "section"),
	relative("T10/relative, powerpc", "ppc64le", "relative"),
	relative("T10/absolute", "x86_64", "absolute"),
	{
		name: "T11/the consumer needs what the in-tree module has",
		tree: `
			kernel K1
			vmlinux printk@a
			kernel/ib_core.ko printk@a +ib@99
			extra/urma/c.ko printk@a ib@99
			kernel K2
			vmlinux printk@a
			kernel/ib_core.ko printk@a +ib@99
			extra/ofed/ib_core.ko printk@a +ib@77`,
		do: []action{{
			do:      "add K1/extra/urma/c.ko",
			refused: "K2 K1/extra/urma/c.ko crc ib 0x00000099 0x00000077 ib_core",
			says:    "Module c.ko from kernel K1 is not compatible with kernel K2 in symbols: ib",
		}},
	},
	{
		name: "T12/weak-updates not above built-in, an override puts it right",
		in:   "weak-modules rhel debian",
		tree: masked + `extra/fs/cons.ko fs@2`,
		do: []action{{
			do:    "add K1/extra/fs/foo.ko K1/extra/fs/cons.ko",
			links: "K2 extra/fs/foo.ko K1\nK2 extra/fs/cons.ko K1",
			deps:  "K2 ~extra/fs/cons.ko: ~extra/fs/foo.ko",
		}},
	},
	{
		name: "T12/no override by policy",
		in:   "weak-modules rhel debian",
		tree: masked + `extra/fs/cons.ko fs@2`,
		do: []action{
			{do: "policy override: false"},
			{
				do: "add K1/extra/fs/foo.ko K1/extra/fs/cons.ko",
				refused: `
					K2 K1/extra/fs/foo.ko - | needs override
					K2 K1/extra/fs/cons.ko - fs`,
			},
		},
	},
	{
		name: "T12/weak-updates above built-in",
		in:   "suse",
		tree: masked + `extra/fs/cons.ko fs@2`,
		do: []action{
			{do: "policy override: false"},
			{
				do:    "add K1/extra/fs/foo.ko K1/extra/fs/cons.ko",
				links: "K2 extra/fs/foo.ko K1\nK2 extra/fs/cons.ko K1",
				deps:  "K2 ~extra/fs/cons.ko: ~extra/fs/foo.ko",
			},
		},
	},
	{
		name: "T12/the vendor's own override is there",
		in:   "weak-modules rhel",
		tree: "file /etc/depmod.d/zz01-foo.conf override foo * weak-updates/fs\n" + masked + `extra/fs/cons.ko fs@2`,
		do: []action{
			{do: "policy override: false"},
			{
				do:    "add K1/extra/fs/foo.ko K1/extra/fs/cons.ko",
				links: "K2 extra/fs/foo.ko K1\nK2 extra/fs/cons.ko K1",
				deps:  "K2 ~extra/fs/cons.ko: ~extra/fs/foo.ko",
			},
		},
	},
	{
		name: "T13/the consumer needs the in-tree module, which wins",
		in:   "weak-modules rhel",
		tree: masked + `extra/fs/cons.ko fs@1`,
		do: []action{
			{do: "policy override: false"},
			{
				do:      "add K1/extra/fs/foo.ko K1/extra/fs/cons.ko",
				links:   "K2 extra/fs/cons.ko K1",
				refused: "K2 K1/extra/fs/foo.ko - | needs override",
				deps:    "K2 ~extra/fs/cons.ko: kernel/fs/foo.ko",
			},
		},
	},
	{
		name: "T13/an older link of the same name loses as well",
		in:   "weak-modules",
		tree: masked + `extra/fs/cons.ko fs@1`,
		do: []action{
			{do: "policy override: false"},
			{do: "symlink K2/weak-updates/fs/foo.ko ../../../K1/extra/fs/foo.ko"},
			{do: "add K1/extra/fs/cons.ko", links: "*", refused: "?K2 K1/extra/fs/foo.ko - | needs override", deps: "K2 ~extra/fs/cons.ko: kernel/fs/foo.ko"},
		},
	},
	{
		name: "T13/the link wins",
		in:   "suse",
		tree: masked + `extra/fs/cons.ko fs@1`,
		do: []action{{
			do:      "add K1/extra/fs/foo.ko K1/extra/fs/cons.ko",
			links:   "K2 extra/fs/foo.ko K1",
			refused: "K2 K1/extra/fs/cons.ko crc fs 0x00000001 0x00000002",
		}},
	},
	{
		name: "T23/a bad link of somebody else",
		tree: `
			kernel K1
			vmlinux printk@a
			extra/new.ko printk@a
			extra/other.ko printk@b
			kernel K2
			vmlinux printk@a`,
		do: []action{
			{do: "symlink K2/weak-updates/other.ko ../../K1/extra/other.ko"},
			{do: "add K1/extra/new.ko", links: "K2 extra/new.ko K1", refused: "*", mentions: "other"},
		},
		in: "weak-modules rhel",
	},
	{
		name: "T24/an unrelated module of the kernel's own is broken",
		tree: two + `
			kernel/broken.ko nobody@1
			kernel K1 bare=yes
			extra/foo.ko printk@a`,
		do: []action{{do: "add K1/extra/foo.ko", links: "K2 extra/foo.ko K1"}},
	},
	{
		name: "T25/a cycle and a module beside it, added",
		tree: cycle,
		do: []action{{
			do:    "add K1/extra/a.ko K1/extra/b.ko K1/extra/c.ko",
			links: "K2 extra/c.ko K1",
			refused: `
				K2 K1/extra/a.ko - b_do
				K2 K1/extra/b.ko cycle a_do`,
			deps: "K2 ~extra/c.ko:",
		}},
	},
	{
		name: "T25/a cycle and a module beside it, a kernel is added",
		tree: cycle,
		do: []action{{
			do:    "add-kernel K2",
			links: "K2 extra/c.ko K1",
			refused: `
				K2 K1/extra/a.ko - b_do
				K2 K1/extra/b.ko cycle a_do`,
			deps: "K2 ~extra/c.ko:",
		}},
	},
	{
		name: "T26/the provider is in a kernel package that is not installed",
		tree: `
			kernel K1
			vmlinux printk@a
			kernel/net/cnic.ko printk@a +cnic_do@5
			extra/bnx2i.ko printk@a cnic_do@5
			kernel K2
			vmlinux printk@a
			absent kernel/net/cnic.ko printk@a +cnic_do@5`,
		do: []action{
			{
				do:      "add K1/extra/bnx2i.ko",
				refused: "K2 K1/extra/bnx2i.ko provider cnic_do | not installed",
				says:    "Module bnx2i.ko from kernel K1 is not compatible with kernel K2 in symbols: cnic_do",
			},
			{do: "put K2 kernel/net/cnic.ko printk@a +cnic_do@5"},
			{do: "add-kernel K2", links: "K2 extra/bnx2i.ko K1", deps: "K2 ~extra/bnx2i.ko: kernel/net/cnic.ko"},
		},
	},
}

const masked = `
	kernel K2
	vmlinux printk@a
	kernel/fs/foo.ko printk@a +fs@1
	kernel K1
	vmlinux printk@a
	extra/fs/foo.ko printk@a +fs@2
`

const cycle = `
	kernel K2
	vmlinux printk@a
	kernel K1 bare=yes
	extra/a.ko printk@a b_do@1 +a_do@2
	extra/b.ko printk@a a_do@2 +b_do@1
	extra/c.ko printk@a`

// relative is T10: T07 with other forms of CRCs.
func relative(name, arch, form string) scenario {
	return scenario{
		name: name,
		tree: `
			kernel K1 arch=` + arch + `
			vmlinux printk@a
			kernel/ib_core.ko printk@a +ib@99 crc=` + form + `
			extra/urma/c.ko printk@a ib@77
			kernel K2 arch=` + arch + `
			vmlinux printk@a
			kernel/ib_core.ko printk@a +ib@99 crc=` + form + `
			extra/ofed/ib_core.ko printk@a +ib@77 crc=` + form,
		do: []action{{do: "add K1/extra/urma/c.ko", links: linked, deps: "K2 ~extra/urma/c.ko: extra/ofed/ib_core.ko"}},
	}
}

// builds are foo for K1 and K2, and what K3 exports.
func builds(k1, k2, k3 string) string {
	return `
		kernel K1
		vmlinux ` + k1 + `
		extra/foo.ko ` + k1 + `
		kernel K2
		vmlinux ` + k2 + `
		extra/foo.ko ` + k2 + `
		kernel K3
		vmlinux ` + k3
}

// selectionRows are about which of several builds is linked.
var selectionRows = []scenario{
	{
		name: "T14/only the older build fits",
		tree: builds("printk@a", "printk@b", "printk@a"),
		do:   []action{{do: "add-kernel K3", links: "K3 extra/foo.ko K1", refused: "*"}},
	},
	{
		name: "T15/both fit",
		tree: builds("printk@a", "printk@a", "printk@a"),
		do: []action{{
			do: "add-kernel K3", links: "K3 extra/foo.ko K2",
			says: "Module foo.ko from kernel K2 is compatible with kernel K3",
		}},
	},
	newest("T15/a9 and a10", "5.10.0-60.18.0.a9.oe2203.x86_64", "5.10.0-60.18.0.a10.oe2203.x86_64", "5.10.0-60.18.0.a11.oe2203.x86_64"),
	newest("T15/el8_9 and el8_10", "4.18.0-513.el8_9.x86_64", "4.18.0-513.el8_10.x86_64", "4.18.0-553.el8_10.x86_64"),
	newest("T15/a variant", "5.14.0-70.13.1.el9_0.x86_64+rt", "5.14.0-427.13.1.el9_4.x86_64+rt", "5.14.0-503.11.1.el9_5.x86_64+rt"),
	newest("T15/70 and 427", "5.14.0-70.13.1.el9_0.x86_64", "5.14.0-427.13.1.el9_4.x86_64", "5.14.0-503.11.1.el9_5.x86_64"),
	newest("T15/a tilde", "5.14.0-427~rc1.el9.x86_64", "5.14.0-427.el9.x86_64", "5.14.0-428.el9.x86_64"),
	{
		name: "T16/an older build comes later",
		tree: `
			kernel K1
			vmlinux printk@a
			kernel K2
			vmlinux printk@a
			extra/foo.ko printk@a
			kernel K3
			vmlinux printk@a`,
		do: []action{
			{do: "add K2/extra/foo.ko", links: "K1 extra/foo.ko K2\nK3 extra/foo.ko K2"},
			{do: "put K1 extra/foo.ko printk@a"},
			{do: "add K1/extra/foo.ko", links: "K3 extra/foo.ko K2", refused: "*"},
		},
	},
	{
		name: "T16/and the policy says that it takes over",
		tree: `
			kernel K1
			vmlinux printk@a
			kernel K2
			vmlinux printk@a
			extra/foo.ko printk@a
			kernel K3
			vmlinux printk@a`,
		do: []action{
			{do: "policy defaults: {keep-newest: false}"},
			{do: "add K2/extra/foo.ko", links: "K1 extra/foo.ko K2\nK3 extra/foo.ko K2"},
			{do: "put K1 extra/foo.ko printk@a"},
			{do: "add K1/extra/foo.ko", links: "K3 extra/foo.ko K1"},
		},
	},
	{
		name: "T17/the newest build is removed",
		tree: builds("printk@a", "printk@a", "printk@a"),
		do: []action{
			{do: "add-kernel K3", links: "K3 extra/foo.ko K2"},
			{do: "rm K2/extra/foo.ko"},
			{do: "remove K2/extra/foo.ko", links: "K3 extra/foo.ko K1\nK2 extra/foo.ko K1"},
		},
	},
	{
		name: "T17/and the older one does not fit",
		tree: builds("printk@a", "printk@b", "printk@b"),
		do: []action{
			{do: "add-kernel K3", links: "K3 extra/foo.ko K2", refused: "*"},
			{do: "rm K2/extra/foo.ko"},
			{do: "remove K2/extra/foo.ko", links: "", refused: "*"},
		},
	},
	{
		name: "T21/the target has a copy of its own",
		tree: two + `
			extra/foo.ko printk@a
			kernel K1 bare=yes
			extra/foo.ko printk@a`,
		do: []action{{do: "add K1/extra/foo.ko", links: "", refused: "*"}},
	},
	{
		name: "T31/modules in updates and in a directory of the vendor",
		tree: two + `
			kernel K1 bare=yes
			updates/foo.ko printk@a
			vendor/drv/bar.ko printk@a`,
		do: []action{{do: "add-kernel K2", links: "K2 updates/foo.ko K1\nK2 vendor/drv/bar.ko K1"}},
	},
	{
		name: "T31/the policy names the directories",
		tree: two + `
			kernel K1 bare=yes
			updates/foo.ko printk@a
			vendor/drv/bar.ko printk@a`,
		do: []action{
			{do: "policy donors: [extra, updates]"},
			{do: "add-kernel K2", links: "K2 updates/foo.ko K1"},
		},
	},
	{
		name: "T32/plain and packed are one module",
		tree: `
			kernel K1
			vmlinux printk@a
			extra/foo.ko printk@a
			kernel K2
			vmlinux printk@a
			extra/foo.ko.xz printk@a
			kernel K3
			vmlinux printk@a`,
		do: []action{{do: "add-kernel K3", links: "K3 extra/foo.ko.xz K2"}},
	},
	{
		name: "T32/hyphen and underscore are one module",
		tree: `
			kernel K1
			vmlinux printk@a
			extra/foo-bar.ko printk@a
			kernel K2
			vmlinux printk@a
			extra/foo_bar.ko printk@a
			kernel K3
			vmlinux printk@a`,
		do: []action{{do: "add-kernel K3", links: "K3 extra/foo_bar.ko K2"}},
	},
	{
		name: "T32/a packed build takes the plain one's place",
		tree: `
			kernel K1
			vmlinux printk@a
			extra/foo.ko printk@a
			kernel K2
			vmlinux printk@a
			kernel K3
			vmlinux printk@a`,
		do: []action{
			{do: "add K1/extra/foo.ko", links: "K2 extra/foo.ko K1\nK3 extra/foo.ko K1"},
			{do: "put K2 extra/foo.ko.xz printk@a"},
			{do: "add K2/extra/foo.ko.xz", links: "K3 extra/foo.ko.xz K2"},
		},
	},
	{
		name: "T33/built for another kernel than the directory's",
		tree: `
			kernel K2
			vmlinux printk@a
			kernel K3
			vmlinux printk@a
			kernel K1 bare=yes
			extra/foo/foo.ko printk@a release=5.14.0-1.el9.x86_64`,
		do: []action{{
			do:       "add K1/extra/foo/foo.ko",
			links:    "K2 extra/foo/foo.ko K1\nK3 extra/foo/foo.ko K1",
			says:     "Module foo.ko from kernel 5.14.0-1.el9.x86_64 is compatible with kernel K2",
			mentions: "5.14.0-1.el9.x86_64",
		}},
	},
	{
		name: "T43/a module of the kernel's own is replaced by a link",
		in:   "weak-modules rhel",
		tree: `
			kernel K2
			vmlinux printk@a
			kernel/drivers/net/mlx5_core.ko printk@a +mlx5_do@1
			kernel/drivers/infiniband/mlx5_ib.ko printk@a mlx5_do@1
			kernel K1
			vmlinux printk@a
			extra/mlnx-ofa_kernel/drivers/net/mlx5_core.ko printk@a +mlx5_do@2
			extra/mlnx-ofa_kernel/drivers/infiniband/mlx5_ib.ko printk@a mlx5_do@2`,
		do: []action{{
			do: "add-kernel K2",
			links: `
				K2 extra/mlnx-ofa_kernel/drivers/net/mlx5_core.ko K1
				K2 extra/mlnx-ofa_kernel/drivers/infiniband/mlx5_ib.ko K1`,
			deps: "K2 ~extra/mlnx-ofa_kernel/drivers/infiniband/mlx5_ib.ko: ~extra/mlnx-ofa_kernel/drivers/net/mlx5_core.ko",
		}},
	},
	{
		name: "T44/the newer pair has a bad consumer",
		tree: `
			kernel K1
			vmlinux printk@a x@1
			extra/p.ko printk@a +p_do@5
			extra/c.ko p_do@5 x@1
			kernel K2
			vmlinux printk@a x@2
			extra/p.ko printk@a +p_do@6
			extra/c.ko p_do@6 x@2
			kernel K3
			vmlinux printk@a x@1`,
		do: []action{{
			do:      "add-kernel K3",
			links:   "K3 extra/p.ko K1\nK3 extra/c.ko K1",
			refused: "*",
			deps:    "K3 ~extra/c.ko: ~extra/p.ko",
		}},
	},
}

// newest is T15 with other releases.
func newest(name string, k ...string) scenario {
	return scenario{
		name: name, k: k, in: "weak-modules rhel",
		tree: builds("printk@a", "printk@a", "printk@a"),
		do:   []action{{do: "add-kernel K3", links: "K3 extra/foo.ko K2"}},
	}
}

// lifecycleRows are sequences that packages go through.
var lifecycleRows = []scenario{
	{
		name: "T18/the provider of a linked consumer is removed",
		tree: chain,
		do: []action{
			{
				do:    "add K1/extra/pair/p.ko K1/extra/pair/c.ko",
				links: "K2 extra/pair/p.ko K1\nK2 extra/pair/c.ko K1",
				deps:  "K2 ~extra/pair/c.ko: ~extra/pair/p.ko",
			},
			{do: "rm K1/extra/pair/p.ko"},
			{do: "remove K1/extra/pair/p.ko", links: "", refused: "*", mentions: "p.ko\nc.ko"},
		},
	},
	{
		name: "T19/an upgrade: the old package's list comes when the new one is there",
		tree: chain,
		do: []action{
			{do: "add K1/extra/pair/p.ko K1/extra/pair/c.ko", links: "K2 extra/pair/p.ko K1\nK2 extra/pair/c.ko K1"},
			{do: "put K1 extra/pair/p.ko printk@a +p_do@6"},
			{do: "put K1 extra/pair/c.ko p_do@6"},
			{do: "add K1/extra/pair/p.ko K1/extra/pair/c.ko", links: "K2 extra/pair/p.ko K1\nK2 extra/pair/c.ko K1"},
			{do: "remove K1/extra/pair/p.ko K1/extra/pair/c.ko", links: "K2 extra/pair/p.ko K1\nK2 extra/pair/c.ko K1"},
		},
	},
	{
		name: "T19/an upgrade to a build for another kernel",
		tree: `
			kernel K1
			vmlinux printk@a
			extra/foo/foo.ko printk@a
			kernel K2
			vmlinux printk@a
			kernel K3
			vmlinux printk@a`,
		do: []action{
			{do: "add K1/extra/foo/foo.ko", links: "K2 extra/foo/foo.ko K1\nK3 extra/foo/foo.ko K1"},
			{do: "put K2 extra/foo/foo.ko printk@a"},
			{do: "add K2/extra/foo/foo.ko", links: "K3 extra/foo/foo.ko K2"},
			{do: "rm K1/extra/foo/foo.ko"},
			{do: "remove K1/extra/foo/foo.ko", links: "K1 extra/foo/foo.ko K2\nK3 extra/foo/foo.ko K2"},
		},
	},
	{
		name: "T20/a package is installed again",
		tree: chain,
		do: []action{
			{do: "add K1/extra/pair/p.ko K1/extra/pair/c.ko", links: "K2 extra/pair/p.ko K1\nK2 extra/pair/c.ko K1"},
			{do: "add K1/extra/pair/p.ko K1/extra/pair/c.ko", links: "K2 extra/pair/p.ko K1\nK2 extra/pair/c.ko K1"},
			{do: "remove K1/extra/pair/p.ko K1/extra/pair/c.ko", links: "K2 extra/pair/p.ko K1\nK2 extra/pair/c.ko K1"},
		},
	},
	{
		name: "T19/an upgrade to a build that does not fit any more",
		tree: chain,
		do: []action{
			{do: "add K1/extra/pair/p.ko K1/extra/pair/c.ko", links: "K2 extra/pair/p.ko K1\nK2 extra/pair/c.ko K1"},
			{do: "put K1 extra/pair/p.ko printk@b +p_do@5"},
			{
				do:    "add K1/extra/pair/p.ko",
				links: "",
				refused: `
					K2 K1/extra/pair/p.ko crc printk 0x0000000b 0x0000000a
					?K2 K1/extra/pair/c.ko`,
				mentions: "c.ko",
			},
		},
	},
	{
		name: "T19/an upgrade of the provider alone",
		tree: chain,
		do: []action{
			{do: "add K1/extra/pair/p.ko K1/extra/pair/c.ko", links: "K2 extra/pair/p.ko K1\nK2 extra/pair/c.ko K1"},
			{do: "put K1 extra/pair/p.ko printk@a +p_do@6"},
			{
				do:       "add K1/extra/pair/p.ko",
				links:    "K2 extra/pair/p.ko K1",
				refused:  "?K2 K1/extra/pair/c.ko crc p_do 0x00000005 0x00000006",
				mentions: "c.ko",
			},
		},
	},
	{
		name: "T23/a file that is no link is nobody's to remove",
		tree: two + `
			weak-updates/foo/foo.ko printk@a
			kernel K1 bare=yes
			extra/bar.ko printk@a`,
		do: []action{
			{do: "add K1/extra/bar.ko", links: "*", refused: "*"},
			{do: "remove-kernel K2", links: "*", refused: "*"},
		},
	},
	{
		name: "T31/two files of one name below one kernel",
		tree: two + `
			kernel K1 bare=yes
			extra/foo.ko printk@b
			updates/foo.ko printk@a`,
		do: []action{{do: "add-kernel K2", links: "K2 updates/foo.ko K1"}},
	},
	{
		name: "T39/the kernel that modules were built for is gone",
		tree: `
			kernel K2
			vmlinux printk@a
			kernel K1 bare=yes
			extra/foo/foo.ko printk@a
			kernel K3
			vmlinux printk@a
			extra/bar/bar.ko printk@a`,
		do: []action{
			{
				do:    "add K1/extra/foo/foo.ko",
				links: "K2 extra/foo/foo.ko K1\nK3 extra/foo/foo.ko K1",
			},
			{
				do:    "add K3/extra/bar/bar.ko",
				links: "K2 extra/foo/foo.ko K1\nK3 extra/foo/foo.ko K1\nK2 extra/bar/bar.ko K3",
			},
			{
				do:    "add-kernel K2",
				links: "K2 extra/foo/foo.ko K1\nK3 extra/foo/foo.ko K1\nK2 extra/bar/bar.ko K3",
			},
		},
	},
	{
		name: "T40/a kernel is pruned together with its modules",
		tree: `
			kernel K1
			vmlinux printk@a
			extra/foo.ko printk@a
			kernel K2
			vmlinux printk@a
			extra/foo.ko printk@a
			extra/bar.ko printk@a
			kernel K3
			vmlinux printk@a`,
		do: []action{
			{do: "add-kernel K3", links: "K3 extra/foo.ko K2\nK3 extra/bar.ko K2"},
			{do: "rm K2"},
			{do: "add-kernel K3", links: "K3 extra/foo.ko K1"},
		},
	},
	{
		name: "remove-kernel empties weak-updates",
		tree: chain,
		do: []action{
			{do: "add K1/extra/pair/p.ko K1/extra/pair/c.ko", links: "K2 extra/pair/p.ko K1\nK2 extra/pair/c.ko K1"},
			{do: "remove-kernel K2", links: ""},
		},
	},
}

// readingRows are about where a kernel's exports are read from.
var readingRows = []scenario{
	reads("boot"), reads("boot.gz"), reads("boot.xz"), reads("boot.zst"),
	reads("module"), reads("module.gz"), reads("module.xz"), reads("module.zst"),
}

// reads is T30 for one place.
func reads(where string) scenario {
	kernel := func(k, crc string) string {
		return "kernel " + k + " symvers=" + where + " map=module\nvmlinux printk@" + crc + "\nextra/foo-" + k[1:] + ".ko printk@" + crc + "\n"
	}
	return scenario{
		name: "T30/" + where,
		tree: kernel("K1", "a") + kernel("K2", "a") + kernel("K3", "b"),
		do: []action{{
			do:      "add K1/extra/foo-1.ko",
			links:   "K2 extra/foo-1.ko K1",
			refused: "K3 K1/extra/foo-1.ko crc printk 0x0000000a 0x0000000b",
		}},
	}
}
