# A module that exports one, two (GPL), three (without a CRC) and, where the
# kernel had the table, four (unused), in the form that the symbols say:
#   WIDE    1: pointers of 64 bits
#   PREL    1: differences instead of pointers in __ksymtab
#   NS      1: with a namespace
#   CRC     0: none; 1: words, absolute symbols; 2: .long, absolute symbols;
#           3: differences to .rodata; 4: numbers
#   UNUSED  1: with __ksymtab_unused
#   EXT     1: with the extended version sections
#   FLAGS   1: one table, with __kflagstab

	.macro	word value
	.if	WIDE
	.quad	\value
	.else
	.long	\value
	.endif
	.endm

	.macro	field value
	.if	PREL
	.long	\value - .
	.else
	word	\value
	.endif
	.endm

	.macro	export name, table, namespace, crc
	.section __ksymtab_strings,"a"
__kstrtab_\name:
	.asciz	"\name"
	.if	NS
__kstrtabns_\name:
	.asciz	"\namespace"
	.endif
	.if	FLAGS
	.section __kflagstab,"a"
	.ifc	\table,_gpl
	.byte	1
	.else
	.byte	0
	.endif
	.section __ksymtab,"a"
	.else
	.section __ksymtab\table,"a"
	.endif
	.balign	4
__ksymtab_\name:
	field	\name
	field	__kstrtab_\name
	.if	NS
	field	__kstrtabns_\name
	.endif
	.if	CRC
	.if	FLAGS
	.section __kcrctab,"a"
	.else
	.section __kcrctab\table,"a"
	.endif
	.balign	4
	.if	CRC == 1
	.weak	__crc_\name
	word	__crc_\name
	.endif
	.if	CRC == 2
	.weak	__crc_\name
	.long	__crc_\name
	.endif
	.if	CRC == 3
	.long	__crc_\name - .
	.section .rodata,"a"
	.balign	4
__crc_\name:
	.long	\crc
	.endif
	.if	CRC == 4
__crc_\name:
	.long	\crc
	.endif
	.endif
	.endm

	.text
	.globl	one, two, three, four
one:	.long	0
two:	.long	0
three:	.long	0
four:	.long	0

	export	one, , , 0x11111111
	export	three, , , 0
	export	two, _gpl, SOME_NS, 0x89abcdef
	.if	UNUSED
	export	four, _unused, , 0x44444444
	.endif

	.section .modinfo,"a"
	.asciz	"license=GPL"
	.asciz	"depends="
	.asciz	"vermagic=2.6.32 SMP mod_unload modversions "

	.macro	version name, crc
	word	\crc
	.asciz	"\name"
	.balign	64
	.endm

	.section __versions,"a"
	.balign	64
	version	module_layout, 0x12345678
	version	printk, 0xfedcba98

	.if	EXT
	.section __version_ext_crcs,"a"
	.long	0x12345678, 0xfedcba98
	.section __version_ext_names,"a"
	.asciz	"module_layout"
	.asciz	"printk"
	.endif

	.section .gnu.linkonce.this_module,"aw"
	.long	0
	.if	WIDE
	.long	0
	.endif
	word	0
	word	0
	.asciz	"exports"
	.space	300

	.data
	word	printk
	.weak	may_lack
	word	may_lack
