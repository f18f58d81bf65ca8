# A module of Linux 2.4 with modversions on an SMP kernel (include/linux/module.h
# and modversions.h of 2.4): the versions stand in the names.
	.text
	.globl	init_module
init_module:
	call	printk_Rsmp_1b7d4074
	call	kmalloc_R93d4cfe6
	call	plain
	ret
	.globl	give, give_gpl
give:	ret
give_gpl: ret

	.section .modinfo,"",@progbits
	.asciz	"kernel_version=2.4.18-3smp"
	.asciz	"using_checksums=1"
	.asciz	"license=GPL"

	.section .kstrtab,"a",@progbits
.L1:	.asciz	"give_Rsmp_0badcafe"
.L2:	.asciz	"GPLONLY_give_gpl_Rsmp_00000001"
.L3:	.asciz	"give_plain"
	.section __ksymtab,"a",@progbits
	.long	give, .L1
	.long	give_gpl, .L2
	.long	give, .L3
