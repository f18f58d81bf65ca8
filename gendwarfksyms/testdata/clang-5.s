	.text
	.file	"types.c"
	.file	0 "." "types.c" md5 0x6726430f11108cf3f15c5de97683011d
	.file	1 "types.c"
	.file	2 "public.h"
	.globl	parameters
	.p2align	4, 0x90
	.type	parameters,@function
parameters:
.Lfunc_begin0:
	.loc	1 2 0
	.cfi_startproc
	.loc	1 2 94 prologue_end
	xorl	%eax, %eax
	retq
.Ltmp0:
.Lfunc_end0:
	.size	parameters, .Lfunc_end0-parameters
	.cfi_endproc

	.globl	knr
	.p2align	4, 0x90
	.type	knr,@function
knr:
.Lfunc_begin1:
	.loc	1 3 0
	.cfi_startproc
	.loc	1 3 50 prologue_end
	xorl	%eax, %eax
	retq
.Ltmp1:
.Lfunc_end1:
	.size	knr, .Lfunc_end1-knr
	.cfi_endproc

	.globl	caller
	.p2align	4, 0x90
	.type	caller,@function
caller:
.Lfunc_begin2:
	.loc	1 5 0
	.cfi_startproc
	.loc	1 5 48 prologue_end
	movl	(%rdi), %eax
	addl	%eax, %eax
	andl	$14, %eax
	.loc	1 5 30 is_stmt 0
	retq
.Ltmp2:
.Lfunc_end2:
	.size	caller, .Lfunc_end2-caller
	.cfi_endproc

	.globl	vla
	.p2align	4, 0x90
	.type	vla,@function
vla:
.Lfunc_begin3:
	.loc	1 6 0 is_stmt 1
	.cfi_startproc
	.loc	1 6 79 prologue_end
	movslq	%edi, %rax
	movl	(%rsi,%rax,4), %eax
	.loc	1 6 72 is_stmt 0
	retq
.Ltmp3:
.Lfunc_end3:
	.size	vla, .Lfunc_end3-vla
	.cfi_endproc

	.globl	returns
	.p2align	4, 0x90
	.type	returns,@function
returns:
.Lfunc_begin4:
	.loc	1 8 0 is_stmt 1
	.cfi_startproc
	.loc	1 8 31 prologue_end
	xorl	%eax, %eax
	retq
.Ltmp4:
.Lfunc_end4:
	.size	returns, .Lfunc_end4-returns
	.cfi_endproc

	.globl	original
	.p2align	4, 0x90
	.type	original,@function
original:
.Lfunc_begin5:
	.loc	1 9 0
	.cfi_startproc
	.loc	1 9 22 prologue_end
	movl	$1, %eax
	retq
.Ltmp5:
.Lfunc_end5:
	.size	original, .Lfunc_end5-original
	.cfi_endproc

	.weak	weak
	.p2align	4, 0x90
	.type	weak,@function
weak:
.Lfunc_begin6:
	.loc	1 12 0
	.cfi_startproc
	movl	%edi, %eax
.Ltmp6:
	.loc	1 12 19 prologue_end
	retq
.Ltmp7:
.Lfunc_end6:
	.size	weak, .Lfunc_end6-weak
	.cfi_endproc

	.globl	f_uses
	.p2align	4, 0x90
	.type	f_uses,@function
f_uses:
.Lfunc_begin7:
	.loc	1 54 0
	.cfi_startproc
	.loc	1 54 61 prologue_end
	xorl	%eax, %eax
	retq
.Ltmp8:
.Lfunc_end7:
	.size	f_uses, .Lfunc_end7-f_uses
	.cfi_endproc

	.globl	f_renamed
	.p2align	4, 0x90
	.type	f_renamed,@function
f_renamed:
.Lfunc_begin8:
	.loc	1 55 0
	.cfi_startproc
	.loc	1 55 56 prologue_end
	xorl	%eax, %eax
	retq
.Ltmp9:
.Lfunc_end8:
	.size	f_renamed, .Lfunc_end8-f_renamed
	.cfi_endproc

	.type	v_string,@object
	.section	.rodata,"a",@progbits
	.globl	v_string
v_string:
	.asciz	"x"
	.size	v_string, 2

	.type	__gendwarfksyms_ptr_extern_v,@object
	.section	.discard.gendwarfksyms,"aw",@progbits
	.p2align	3, 0x90
__gendwarfksyms_ptr_extern_v:
	.quad	extern_v
	.size	__gendwarfksyms_ptr_extern_v, 8

	.type	__gendwarfksyms_ptr_extern_f,@object
	.p2align	3, 0x90
__gendwarfksyms_ptr_extern_f:
	.quad	extern_f
	.size	__gendwarfksyms_ptr_extern_f, 8

	.type	v_rec,@object
	.bss
	.globl	v_rec
	.p2align	3, 0x0
v_rec:
	.zero	24
	.size	v_rec, 24

	.type	__gendwarfksyms_ptr_v_rec,@object
	.section	.discard.gendwarfksyms,"aw",@progbits
	.p2align	3, 0x90
__gendwarfksyms_ptr_v_rec:
	.quad	v_rec
	.size	__gendwarfksyms_ptr_v_rec, 8

	.type	points,@object
	.data
	.globl	points
	.p2align	3, 0x0
points:
	.quad	extern_s
	.size	points, 8

	.type	rule1,@object
	.section	.discard.gendwarfksyms.kabi_rules,"a",@progbits
rule1:
	.asciz	"1\000enumerator_ignore\000grown ADDED\000"
	.size	rule1, 33

	.type	rule2,@object
rule2:
	.asciz	"1\000enumerator_value\000grown END\000 +77"
	.size	rule2, 34

	.type	rule3,@object
rule3:
	.asciz	"1\000byte_size\000kept\000-3"
	.size	rule3, 20

	.type	rule4,@object
rule4:
	.asciz	"1\000type_string\000s#none\000structure_type x { s#kept t#'a b' }"
	.size	rule4, 57

	.type	rule5,@object
rule5:
	.asciz	"1\000type_string\000t#'a b'\000typedef_type 'a b' e#grown"
	.size	rule5, 49

	.type	rule6,@object
rule6:
	.asciz	"1\000type_string\000v_void\000variable s#none s#uses"
	.size	rule6, 44

	.type	rule7,@object
rule7:
	.asciz	"1\000byte_size\000uses\000"
	.size	rule7, 18

	.type	rule8,@object
rule8:
	.asciz	"1\000declonly\000hidden\000"
	.size	rule8, 19

	.type	v_anont,@object
	.bss
	.globl	v_anont
	.p2align	2, 0x0
v_anont:
	.zero	4
	.size	v_anont, 4

	.type	v_fp,@object
	.globl	v_fp
	.p2align	3, 0x0
v_fp:
	.quad	0
	.size	v_fp, 8

	.type	v_fparr,@object
	.globl	v_fparr
	.p2align	4, 0x0
v_fparr:
	.zero	32
	.size	v_fparr, 32

	.type	v_big,@object
	.globl	v_big
	.p2align	3, 0x0
v_big:
	.quad	0
	.size	v_big, 8

	.type	v_cvp,@object
	.section	.rodata,"a",@progbits
	.globl	v_cvp
	.p2align	3, 0x0
v_cvp:
	.quad	0
	.size	v_cvp, 8

	.type	v_ai,@object
	.bss
	.globl	v_ai
	.p2align	2, 0x0
v_ai:
	.long	0
	.size	v_ai, 4

	.type	v_i128,@object
	.globl	v_i128
	.p2align	4, 0x0
v_i128:
	.quad	0
	.quad	0
	.size	v_i128, 16

	.type	v_cd,@object
	.globl	v_cd
	.p2align	3, 0x0
v_cd:
	.zero	16
	.size	v_cd, 16

	.type	v_v4,@object
	.globl	v_v4
	.p2align	4, 0x0
v_v4:
	.zero	16
	.size	v_v4, 16

	.type	v_al,@object
	.globl	v_al
	.p2align	7, 0x0
v_al:
	.zero	128
	.size	v_al, 128

	.type	v_pk,@object
	.globl	v_pk
v_pk:
	.zero	5
	.size	v_pk, 5

	.type	v_al_t,@object
	.globl	v_al_t
	.p2align	4, 0x0
v_al_t:
	.long	0
	.size	v_al_t, 4

	.type	v_wide,@object
	.globl	v_wide
	.p2align	2, 0x0
v_wide:
	.long	0
	.size	v_wide, 4

	.type	v_void,@object
	.globl	v_void
	.p2align	3, 0x0
v_void:
	.quad	0
	.size	v_void, 8

	.type	v_struct,@object
	.globl	v_struct
	.p2align	2, 0x0
v_struct:
	.zero	8
	.size	v_struct, 8

	.type	v_union,@object
	.globl	v_union
	.p2align	2, 0x0
v_union:
	.zero	4
	.size	v_union, 4

	.type	v_enum,@object
	.globl	v_enum
	.p2align	2, 0x0
v_enum:
	.long	0
	.size	v_enum, 4

	.type	v_array,@object
	.globl	v_array
	.p2align	4, 0x0
v_array:
	.zero	48
	.size	v_array, 48

	.type	v_arrayp,@object
	.globl	v_arrayp
	.p2align	3, 0x0
v_arrayp:
	.quad	0
	.size	v_arrayp, 8

	.type	v_thread,@object
	.section	.tbss,"awT",@nobits
	.globl	v_thread
	.p2align	2, 0x0
v_thread:
	.long	0
	.size	v_thread, 4

	.type	v_restrict,@object
	.bss
	.globl	v_restrict
	.p2align	3, 0x0
v_restrict:
	.quad	0
	.size	v_restrict, 8

	.type	v_bool,@object
	.globl	v_bool
v_bool:
	.byte	0
	.size	v_bool, 1

	.type	v_double,@object
	.globl	v_double
	.p2align	4, 0x0
v_double:
	.quad	0x0000000000000000
	.short	0x0000
	.zero	6
	.size	v_double, 16

	.type	v_kept,@object
	.globl	v_kept
	.p2align	3, 0x0
v_kept:
	.zero	32
	.size	v_kept, 32

	.type	v_uses,@object
	.globl	v_uses
	.p2align	3, 0x0
v_uses:
	.zero	64
	.size	v_uses, 64

	.type	v_renamed,@object
	.globl	v_renamed
	.p2align	2, 0x0
v_renamed:
	.zero	4
	.size	v_renamed, 4

	.type	v_grown,@object
	.globl	v_grown
	.p2align	2, 0x0
v_grown:
	.long	0
	.size	v_grown, 4

	.type	v_hidden,@object
	.globl	v_hidden
	.p2align	2, 0x0
v_hidden:
	.zero	4
	.size	v_hidden, 4

	.section	.debug_abbrev,"",@progbits
	.byte	1
	.byte	17
	.byte	1
	.byte	37
	.byte	37
	.byte	19
	.byte	5
	.byte	3
	.byte	37
	.byte	114
	.byte	23
	.byte	16
	.byte	23
	.byte	27
	.byte	37
	.byte	17
	.byte	27
	.byte	18
	.byte	6
	.byte	115
	.byte	23
	.byte	0
	.byte	0
	.byte	2
	.byte	36
	.byte	0
	.byte	3
	.byte	37
	.byte	62
	.byte	11
	.byte	11
	.byte	11
	.byte	0
	.byte	0
	.byte	3
	.byte	52
	.byte	0
	.byte	3
	.byte	37
	.byte	73
	.byte	19
	.byte	63
	.byte	25
	.byte	58
	.byte	11
	.byte	59
	.byte	11
	.byte	2
	.byte	24
	.byte	0
	.byte	0
	.byte	4
	.byte	1
	.byte	1
	.byte	73
	.byte	19
	.byte	0
	.byte	0
	.byte	5
	.byte	33
	.byte	0
	.byte	73
	.byte	19
	.byte	55
	.byte	11
	.byte	0
	.byte	0
	.byte	6
	.byte	38
	.byte	0
	.byte	73
	.byte	19
	.byte	0
	.byte	0
	.byte	7
	.byte	36
	.byte	0
	.byte	3
	.byte	37
	.byte	11
	.byte	11
	.byte	62
	.byte	11
	.byte	0
	.byte	0
	.byte	8
	.byte	52
	.byte	0
	.byte	3
	.byte	37
	.byte	73
	.byte	19
	.byte	58
	.byte	11
	.byte	59
	.byte	11
	.byte	2
	.byte	24
	.byte	0
	.byte	0
	.byte	9
	.byte	15
	.byte	0
	.byte	73
	.byte	19
	.byte	0
	.byte	0
	.byte	10
	.byte	21
	.byte	1
	.byte	73
	.byte	19
	.byte	39
	.byte	25
	.byte	0
	.byte	0
	.byte	11
	.byte	5
	.byte	0
	.byte	73
	.byte	19
	.byte	0
	.byte	0
	.byte	12
	.byte	19
	.byte	1
	.byte	3
	.byte	37
	.byte	11
	.byte	11
	.byte	58
	.byte	11
	.byte	59
	.byte	11
	.byte	0
	.byte	0
	.byte	13
	.byte	13
	.byte	0
	.byte	3
	.byte	37
	.byte	73
	.byte	19
	.byte	58
	.byte	11
	.byte	59
	.byte	11
	.byte	56
	.byte	11
	.byte	0
	.byte	0
	.byte	14
	.byte	24
	.byte	0
	.byte	0
	.byte	0
	.byte	15
	.byte	52
	.byte	0
	.byte	3
	.byte	37
	.byte	73
	.byte	19
	.byte	58
	.byte	11
	.byte	59
	.byte	11
	.ascii	"\210\001"
	.byte	15
	.byte	2
	.byte	24
	.byte	0
	.byte	0
	.byte	16
	.byte	22
	.byte	0
	.byte	73
	.byte	19
	.byte	3
	.byte	37
	.byte	58
	.byte	11
	.byte	59
	.byte	11
	.byte	0
	.byte	0
	.byte	17
	.byte	19
	.byte	1
	.byte	11
	.byte	11
	.byte	58
	.byte	11
	.byte	59
	.byte	11
	.byte	0
	.byte	0
	.byte	18
	.byte	55
	.byte	0
	.byte	73
	.byte	19
	.byte	0
	.byte	0
	.byte	19
	.byte	53
	.byte	0
	.byte	73
	.byte	19
	.byte	0
	.byte	0
	.byte	20
	.byte	19
	.byte	1
	.byte	3
	.byte	37
	.byte	11
	.byte	6
	.byte	58
	.byte	11
	.byte	59
	.byte	11
	.byte	0
	.byte	0
	.byte	21
	.byte	13
	.byte	0
	.byte	3
	.byte	37
	.byte	73
	.byte	19
	.byte	58
	.byte	11
	.byte	59
	.byte	11
	.byte	56
	.byte	6
	.byte	0
	.byte	0
	.byte	22
	.byte	33
	.byte	0
	.byte	73
	.byte	19
	.byte	55
	.byte	6
	.byte	0
	.byte	0
	.byte	23
	.byte	33
	.byte	0
	.byte	73
	.byte	19
	.byte	55
	.byte	5
	.byte	0
	.byte	0
	.byte	24
	.byte	13
	.byte	0
	.byte	3
	.byte	37
	.byte	73
	.byte	19
	.byte	58
	.byte	11
	.byte	59
	.byte	11
	.byte	13
	.byte	11
	.byte	107
	.byte	11
	.byte	0
	.byte	0
	.byte	25
	.byte	33
	.byte	0
	.byte	73
	.byte	19
	.byte	0
	.byte	0
	.byte	26
	.byte	71
	.byte	0
	.byte	73
	.byte	19
	.byte	0
	.byte	0
	.byte	27
	.byte	1
	.byte	1
	.ascii	"\207B"
	.byte	25
	.byte	73
	.byte	19
	.byte	0
	.byte	0
	.byte	28
	.byte	19
	.byte	1
	.byte	3
	.byte	37
	.byte	11
	.byte	11
	.byte	58
	.byte	11
	.byte	59
	.byte	11
	.ascii	"\210\001"
	.byte	15
	.byte	0
	.byte	0
	.byte	29
	.byte	13
	.byte	0
	.byte	3
	.byte	37
	.byte	73
	.byte	19
	.byte	58
	.byte	11
	.byte	59
	.byte	11
	.ascii	"\210\001"
	.byte	15
	.byte	56
	.byte	11
	.byte	0
	.byte	0
	.byte	30
	.byte	22
	.byte	0
	.byte	73
	.byte	19
	.byte	3
	.byte	37
	.ascii	"\210\001"
	.byte	15
	.byte	58
	.byte	11
	.byte	59
	.byte	11
	.byte	0
	.byte	0
	.byte	31
	.byte	4
	.byte	1
	.byte	73
	.byte	19
	.byte	3
	.byte	37
	.byte	11
	.byte	11
	.byte	58
	.byte	11
	.byte	59
	.byte	11
	.byte	0
	.byte	0
	.byte	32
	.byte	40
	.byte	0
	.byte	3
	.byte	37
	.byte	28
	.byte	15
	.byte	0
	.byte	0
	.byte	33
	.byte	15
	.byte	0
	.byte	0
	.byte	0
	.byte	34
	.byte	23
	.byte	1
	.byte	11
	.byte	11
	.byte	58
	.byte	11
	.byte	59
	.byte	11
	.byte	0
	.byte	0
	.byte	35
	.byte	4
	.byte	1
	.byte	73
	.byte	19
	.byte	11
	.byte	11
	.byte	58
	.byte	11
	.byte	59
	.byte	11
	.byte	0
	.byte	0
	.byte	36
	.byte	13
	.byte	0
	.byte	73
	.byte	19
	.byte	58
	.byte	11
	.byte	59
	.byte	11
	.byte	56
	.byte	11
	.byte	0
	.byte	0
	.byte	37
	.byte	23
	.byte	1
	.byte	3
	.byte	37
	.byte	11
	.byte	11
	.byte	58
	.byte	11
	.byte	59
	.byte	11
	.byte	0
	.byte	0
	.byte	38
	.byte	40
	.byte	0
	.byte	3
	.byte	37
	.byte	28
	.byte	13
	.byte	0
	.byte	0
	.byte	39
	.byte	46
	.byte	1
	.byte	17
	.byte	27
	.byte	18
	.byte	6
	.byte	64
	.byte	24
	.byte	122
	.byte	25
	.byte	3
	.byte	37
	.byte	58
	.byte	11
	.byte	59
	.byte	11
	.byte	39
	.byte	25
	.byte	73
	.byte	19
	.byte	63
	.byte	25
	.byte	0
	.byte	0
	.byte	40
	.byte	5
	.byte	0
	.byte	2
	.byte	24
	.byte	3
	.byte	37
	.byte	58
	.byte	11
	.byte	59
	.byte	11
	.byte	73
	.byte	19
	.byte	0
	.byte	0
	.byte	41
	.byte	46
	.byte	1
	.byte	17
	.byte	27
	.byte	18
	.byte	6
	.byte	64
	.byte	24
	.byte	122
	.byte	25
	.byte	3
	.byte	37
	.byte	58
	.byte	11
	.byte	59
	.byte	11
	.byte	73
	.byte	19
	.byte	63
	.byte	25
	.byte	0
	.byte	0
	.byte	42
	.byte	52
	.byte	0
	.byte	2
	.byte	24
	.byte	3
	.byte	37
	.byte	58
	.byte	11
	.byte	59
	.byte	11
	.byte	73
	.byte	19
	.byte	0
	.byte	0
	.byte	43
	.byte	52
	.byte	0
	.byte	3
	.byte	37
	.byte	58
	.byte	11
	.byte	59
	.byte	11
	.byte	73
	.byte	19
	.byte	0
	.byte	0
	.byte	44
	.byte	46
	.byte	0
	.byte	17
	.byte	27
	.byte	18
	.byte	6
	.byte	64
	.byte	24
	.byte	122
	.byte	25
	.byte	3
	.byte	37
	.byte	58
	.byte	11
	.byte	59
	.byte	11
	.byte	39
	.byte	25
	.byte	73
	.byte	19
	.byte	63
	.byte	25
	.byte	0
	.byte	0
	.byte	45
	.byte	52
	.byte	0
	.byte	28
	.byte	15
	.byte	3
	.byte	37
	.byte	58
	.byte	11
	.byte	59
	.byte	11
	.byte	73
	.byte	19
	.byte	0
	.byte	0
	.byte	46
	.byte	19
	.byte	0
	.byte	3
	.byte	37
	.byte	60
	.byte	25
	.byte	0
	.byte	0
	.byte	47
	.byte	23
	.byte	0
	.byte	3
	.byte	37
	.byte	60
	.byte	25
	.byte	0
	.byte	0
	.byte	0
	.section	.debug_info,"",@progbits
.Lcu_begin0:
	.long	.Ldebug_info_end0-.Ldebug_info_start0
.Ldebug_info_start0:
	.short	5
	.byte	1
	.byte	8
	.long	.debug_abbrev
	.byte	1
	.byte	0
	.short	29
	.byte	1
	.long	.Lstr_offsets_base0
	.long	.Lline_table_start0
	.byte	2
	.byte	41
	.long	.Lfunc_end8-.Lfunc_begin0
	.long	.Laddr_table_base0
	.byte	2
	.byte	123
	.byte	7
	.byte	4
	.byte	2
	.byte	122
	.byte	7
	.byte	1
	.byte	3
	.byte	3
	.long	54

	.byte	1
	.byte	28
	.byte	2
	.byte	161
	.byte	0
	.byte	4
	.long	66
	.byte	5
	.long	75
	.byte	2
	.byte	0
	.byte	6
	.long	71
	.byte	2
	.byte	4
	.byte	6
	.byte	1
	.byte	7
	.byte	5
	.byte	8
	.byte	7
	.byte	8
	.byte	6
	.long	90
	.byte	1
	.byte	44
	.byte	2
	.byte	161
	.byte	1
	.byte	9
	.long	95
	.byte	2
	.byte	7
	.byte	5
	.byte	4
	.byte	8
	.byte	8
	.long	110
	.byte	1
	.byte	45
	.byte	2
	.byte	161
	.byte	2
	.byte	9
	.long	115
	.byte	10
	.long	95

	.byte	11
	.long	126
	.byte	0
	.byte	9
	.long	131
	.byte	12
	.byte	11
	.byte	5
	.byte	2
	.byte	24
	.byte	13
	.byte	9
	.long	71
	.byte	2
	.byte	24
	.byte	0
	.byte	13
	.byte	10
	.long	95
	.byte	2
	.byte	24
	.byte	1
	.byte	0
	.byte	8
	.byte	12
	.long	166
	.byte	1
	.byte	46
	.byte	2
	.byte	161
	.byte	3
	.byte	9
	.long	171
	.byte	12
	.byte	19
	.byte	24
	.byte	2
	.byte	12
	.byte	13
	.byte	13
	.long	166
	.byte	2
	.byte	12
	.byte	0
	.byte	13
	.byte	14
	.long	204
	.byte	2
	.byte	12
	.byte	8
	.byte	13
	.byte	15
	.long	209
	.byte	2
	.byte	12
	.byte	16
	.byte	0
	.byte	9
	.long	166
	.byte	9
	.long	214
	.byte	12
	.byte	18
	.byte	80
	.byte	2
	.byte	13
	.byte	13
	.byte	16
	.long	238
	.byte	2
	.byte	13
	.byte	0
	.byte	13
	.byte	17
	.long	250
	.byte	2
	.byte	13
	.byte	72
	.byte	0
	.byte	4
	.long	171
	.byte	5
	.long	75
	.byte	3
	.byte	0
	.byte	9
	.long	255
	.byte	10
	.long	209

	.byte	11
	.long	209
	.byte	14
	.byte	0
	.byte	3
	.byte	20
	.long	166

	.byte	1
	.byte	47
	.byte	2
	.byte	161
	.byte	4
	.byte	15
	.byte	21
	.long	290
	.byte	1
	.byte	59
	.byte	1
	.byte	2
	.byte	161
	.byte	5
	.byte	4
	.long	66
	.byte	5
	.long	75
	.byte	33
	.byte	0
	.byte	15
	.byte	22
	.long	314
	.byte	1
	.byte	60
	.byte	1
	.byte	2
	.byte	161
	.byte	6
	.byte	4
	.long	66
	.byte	5
	.long	75
	.byte	34
	.byte	0
	.byte	15
	.byte	23
	.long	338
	.byte	1
	.byte	61
	.byte	1
	.byte	2
	.byte	161
	.byte	7
	.byte	4
	.long	66
	.byte	5
	.long	75
	.byte	20
	.byte	0
	.byte	15
	.byte	24
	.long	362
	.byte	1
	.byte	62
	.byte	1
	.byte	2
	.byte	161
	.byte	8
	.byte	4
	.long	66
	.byte	5
	.long	75
	.byte	57
	.byte	0
	.byte	15
	.byte	25
	.long	386
	.byte	1
	.byte	63
	.byte	1
	.byte	2
	.byte	161
	.byte	9
	.byte	4
	.long	66
	.byte	5
	.long	75
	.byte	49
	.byte	0
	.byte	15
	.byte	26
	.long	410
	.byte	1
	.byte	64
	.byte	1
	.byte	2
	.byte	161
	.byte	10
	.byte	4
	.long	66
	.byte	5
	.long	75
	.byte	44
	.byte	0
	.byte	15
	.byte	27
	.long	434
	.byte	1
	.byte	65
	.byte	1
	.byte	2
	.byte	161
	.byte	11
	.byte	4
	.long	66
	.byte	5
	.long	75
	.byte	18
	.byte	0
	.byte	15
	.byte	28
	.long	458
	.byte	1
	.byte	66
	.byte	1
	.byte	2
	.byte	161
	.byte	12
	.byte	4
	.long	66
	.byte	5
	.long	75
	.byte	19
	.byte	0
	.byte	3
	.byte	29
	.long	171

	.byte	1
	.byte	14
	.byte	2
	.byte	161
	.byte	13
	.byte	3
	.byte	30
	.long	492

	.byte	1
	.byte	15
	.byte	2
	.byte	161
	.byte	14
	.byte	16
	.long	500
	.byte	32
	.byte	2
	.byte	14
	.byte	17
	.byte	4
	.byte	2
	.byte	14
	.byte	13
	.byte	31
	.long	95
	.byte	2
	.byte	14
	.byte	0
	.byte	0
	.byte	3
	.byte	33
	.long	525

	.byte	1
	.byte	16
	.byte	2
	.byte	161
	.byte	15
	.byte	16
	.long	533
	.byte	34
	.byte	2
	.byte	15
	.byte	9
	.long	538
	.byte	10
	.long	95

	.byte	11
	.long	555
	.byte	11
	.long	565
	.byte	14
	.byte	0
	.byte	18
	.long	560
	.byte	9
	.long	66
	.byte	9
	.long	570
	.byte	19
	.long	95
	.byte	3
	.byte	35
	.long	586

	.byte	1
	.byte	17
	.byte	2
	.byte	161
	.byte	16
	.byte	16
	.long	594
	.byte	36
	.byte	2
	.byte	16
	.byte	4
	.long	525
	.byte	5
	.long	75
	.byte	4
	.byte	0
	.byte	3
	.byte	37
	.long	617

	.byte	1
	.byte	18
	.byte	2
	.byte	161
	.byte	17
	.byte	9
	.long	622
	.byte	20
	.byte	51
	.long	70696
	.byte	2
	.byte	17
	.byte	13
	.byte	38
	.long	700
	.byte	2
	.byte	17
	.byte	0
	.byte	21
	.byte	39
	.long	95
	.byte	2
	.byte	17
	.long	70000
	.byte	21
	.byte	40
	.long	715
	.byte	2
	.byte	17
	.long	70004
	.byte	21
	.byte	41
	.long	95
	.byte	2
	.byte	17
	.long	70304
	.byte	21
	.byte	10
	.long	728
	.byte	2
	.byte	17
	.long	70312
	.byte	21
	.byte	50
	.long	824
	.byte	2
	.byte	17
	.long	70696
	.byte	0
	.byte	4
	.long	71
	.byte	22
	.long	75
	.long	70000
	.byte	0
	.byte	4
	.long	71
	.byte	23
	.long	75
	.short	300
	.byte	0
	.byte	4
	.long	752
	.byte	5
	.long	75
	.byte	2
	.byte	5
	.long	75
	.byte	3
	.byte	5
	.long	75
	.byte	4
	.byte	0
	.byte	12
	.byte	49
	.byte	16
	.byte	2
	.byte	5
	.byte	24
	.byte	9
	.long	808
	.byte	2
	.byte	5
	.byte	3
	.byte	0
	.byte	24
	.byte	10
	.long	808
	.byte	2
	.byte	5
	.byte	5
	.byte	3
	.byte	24
	.byte	43
	.long	812
	.byte	2
	.byte	5
	.byte	40
	.byte	64
	.byte	24
	.byte	45
	.long	816
	.byte	2
	.byte	5
	.byte	1
	.byte	104
	.byte	24
	.byte	47
	.long	820
	.byte	2
	.byte	5
	.byte	1
	.byte	105
	.byte	0
	.byte	2
	.byte	42
	.byte	7
	.byte	4
	.byte	2
	.byte	44
	.byte	5
	.byte	8
	.byte	2
	.byte	46
	.byte	8
	.byte	1
	.byte	2
	.byte	48
	.byte	2
	.byte	1
	.byte	4
	.long	95
	.byte	25
	.long	75
	.byte	0
	.byte	3
	.byte	52
	.long	846

	.byte	1
	.byte	19
	.byte	2
	.byte	161
	.byte	18
	.byte	16
	.long	854
	.byte	53
	.byte	2
	.byte	18
	.byte	6
	.long	859
	.byte	19
	.long	166
	.byte	3
	.byte	54
	.long	875

	.byte	1
	.byte	20
	.byte	2
	.byte	161
	.byte	19
	.byte	16
	.long	883
	.byte	55
	.byte	2
	.byte	19
	.byte	26
	.long	95
	.byte	3
	.byte	56
	.long	899

	.byte	1
	.byte	21
	.byte	2
	.byte	161
	.byte	20
	.byte	16
	.long	907
	.byte	58
	.byte	2
	.byte	20
	.byte	2
	.byte	57
	.byte	5
	.byte	16
	.byte	3
	.byte	59
	.long	922

	.byte	1
	.byte	22
	.byte	2
	.byte	161
	.byte	21
	.byte	16
	.long	930
	.byte	61
	.byte	2
	.byte	21
	.byte	2
	.byte	60
	.byte	3
	.byte	16
	.byte	3
	.byte	62
	.long	945

	.byte	1
	.byte	23
	.byte	2
	.byte	161
	.byte	22
	.byte	16
	.long	953
	.byte	63
	.byte	2
	.byte	22
	.byte	27

	.long	95
	.byte	5
	.long	75
	.byte	4
	.byte	0
	.byte	3
	.byte	64
	.long	976

	.byte	1
	.byte	24
	.byte	2
	.byte	161
	.byte	23
	.byte	28
	.byte	65
	.byte	128
	.byte	2
	.byte	23
	.ascii	"\200\001"
	.byte	29
	.byte	9
	.long	95
	.byte	2
	.byte	23
	.byte	64
	.byte	0
	.byte	0
	.byte	3
	.byte	66
	.long	131

	.byte	1
	.byte	25
	.byte	2
	.byte	161
	.byte	24
	.byte	3
	.byte	67
	.long	1016

	.byte	1
	.byte	26
	.byte	2
	.byte	161
	.byte	25
	.byte	30
	.long	95
	.byte	68
	.byte	16
	.byte	2
	.byte	25
	.byte	3
	.byte	69
	.long	1036

	.byte	1
	.byte	27
	.byte	2
	.byte	161
	.byte	26
	.byte	31
	.long	808
	.byte	72
	.byte	4
	.byte	2
	.byte	4
	.byte	32
	.byte	70
	.ascii	"\377\377\377\377\017"
	.byte	32
	.byte	71
	.byte	1
	.byte	0
	.byte	3
	.byte	73
	.long	1067

	.byte	1
	.byte	29
	.byte	2
	.byte	161
	.byte	27
	.byte	33
	.byte	3
	.byte	74
	.long	1079

	.byte	1
	.byte	30
	.byte	2
	.byte	161
	.byte	28
	.byte	17
	.byte	8
	.byte	1
	.byte	30
	.byte	13
	.byte	75
	.long	95
	.byte	1
	.byte	30
	.byte	0
	.byte	13
	.byte	76
	.long	1101
	.byte	1
	.byte	30
	.byte	4
	.byte	17
	.byte	4
	.byte	1
	.byte	30
	.byte	13
	.byte	77
	.long	95
	.byte	1
	.byte	30
	.byte	0
	.byte	0
	.byte	0
	.byte	3
	.byte	78
	.long	1127

	.byte	1
	.byte	31
	.byte	2
	.byte	161
	.byte	29
	.byte	34
	.byte	4
	.byte	1
	.byte	31
	.byte	13
	.byte	75
	.long	95
	.byte	1
	.byte	31
	.byte	0
	.byte	13
	.byte	79
	.long	1150
	.byte	1
	.byte	31
	.byte	0
	.byte	0
	.byte	2
	.byte	80
	.byte	4
	.byte	4
	.byte	3
	.byte	81
	.long	1165

	.byte	1
	.byte	32
	.byte	2
	.byte	161
	.byte	30
	.byte	35
	.long	808
	.byte	4
	.byte	1
	.byte	32
	.byte	32
	.byte	82
	.byte	0
	.byte	0
	.byte	3
	.byte	83
	.long	1188

	.byte	1
	.byte	33
	.byte	2
	.byte	161
	.byte	31
	.byte	4
	.long	95
	.byte	5
	.long	75
	.byte	3
	.byte	5
	.long	75
	.byte	4
	.byte	0
	.byte	3
	.byte	84
	.long	1217

	.byte	1
	.byte	33
	.byte	2
	.byte	161
	.byte	32
	.byte	9
	.long	1222
	.byte	4
	.long	95
	.byte	5
	.long	75
	.byte	5
	.byte	0
	.byte	3
	.byte	85
	.long	95

	.byte	1
	.byte	34
	.byte	10
	.byte	14
	.quad	v_thread@DTPOFF
	.byte	224
	.byte	3
	.byte	86
	.long	1264

	.byte	1
	.byte	35
	.byte	2
	.byte	161
	.byte	33
	.byte	18
	.long	90
	.byte	3
	.byte	87
	.long	820

	.byte	1
	.byte	36
	.byte	2
	.byte	161
	.byte	34
	.byte	3
	.byte	88
	.long	1291

	.byte	1
	.byte	37
	.byte	2
	.byte	161
	.byte	35
	.byte	2
	.byte	89
	.byte	4
	.byte	16
	.byte	3
	.byte	90
	.long	1306

	.byte	1
	.byte	49
	.byte	2
	.byte	161
	.byte	36
	.byte	12
	.byte	99
	.byte	32
	.byte	2
	.byte	28
	.byte	13
	.byte	9
	.long	95
	.byte	2
	.byte	29
	.byte	0
	.byte	36
	.long	1328
	.byte	2
	.byte	30
	.byte	8
	.byte	34
	.byte	8
	.byte	2
	.byte	30
	.byte	13
	.byte	91
	.long	1471
	.byte	2
	.byte	30
	.byte	0
	.byte	36
	.long	1349
	.byte	2
	.byte	30
	.byte	0
	.byte	17
	.byte	8
	.byte	2
	.byte	30
	.byte	13
	.byte	93
	.long	95
	.byte	2
	.byte	30
	.byte	0
	.byte	13
	.byte	94
	.long	95
	.byte	2
	.byte	30
	.byte	4
	.byte	0
	.byte	0
	.byte	36
	.long	1381
	.byte	2
	.byte	31
	.byte	16
	.byte	34
	.byte	4
	.byte	2
	.byte	31
	.byte	36
	.long	1393
	.byte	2
	.byte	31
	.byte	0
	.byte	17
	.byte	4
	.byte	2
	.byte	31
	.byte	13
	.byte	95
	.long	808
	.byte	2
	.byte	31
	.byte	0
	.byte	0
	.byte	36
	.long	1415
	.byte	2
	.byte	31
	.byte	0
	.byte	17
	.byte	4
	.byte	2
	.byte	31
	.byte	13
	.byte	96
	.long	95
	.byte	2
	.byte	31
	.byte	0
	.byte	0
	.byte	0
	.byte	36
	.long	1438
	.byte	2
	.byte	32
	.byte	20
	.byte	34
	.byte	4
	.byte	2
	.byte	32
	.byte	13
	.byte	97
	.long	71
	.byte	2
	.byte	32
	.byte	0
	.byte	13
	.byte	75
	.long	95
	.byte	2
	.byte	32
	.byte	0
	.byte	0
	.byte	13
	.byte	98
	.long	95
	.byte	2
	.byte	33
	.byte	24
	.byte	0
	.byte	2
	.byte	92
	.byte	5
	.byte	8
	.byte	3
	.byte	100
	.long	1486

	.byte	1
	.byte	50
	.byte	2
	.byte	161
	.byte	37
	.byte	12
	.byte	112
	.byte	64
	.byte	2
	.byte	37
	.byte	13
	.byte	77
	.long	1546
	.byte	2
	.byte	38
	.byte	0
	.byte	13
	.byte	103
	.long	1546
	.byte	2
	.byte	38
	.byte	4
	.byte	13
	.byte	104
	.long	1570
	.byte	2
	.byte	39
	.byte	8
	.byte	13
	.byte	47
	.long	1580
	.byte	2
	.byte	40
	.byte	16
	.byte	13
	.byte	110
	.long	1306
	.byte	2
	.byte	41
	.byte	24
	.byte	13
	.byte	111
	.long	1602
	.byte	2
	.byte	42
	.byte	56
	.byte	0
	.byte	37
	.byte	102
	.byte	4
	.byte	2
	.byte	36
	.byte	13
	.byte	101
	.long	95
	.byte	2
	.byte	36
	.byte	0
	.byte	13
	.byte	79
	.long	1150
	.byte	2
	.byte	36
	.byte	0
	.byte	0
	.byte	9
	.long	1575
	.byte	6
	.long	1546
	.byte	31
	.long	808
	.byte	109
	.byte	4
	.byte	2
	.byte	35
	.byte	32
	.byte	105
	.byte	0
	.byte	32
	.byte	106
	.byte	1
	.byte	32
	.byte	107
	.byte	5
	.byte	32
	.byte	108
	.byte	6
	.byte	0
	.byte	4
	.long	1546
	.byte	5
	.long	75
	.byte	2
	.byte	0
	.byte	3
	.byte	113
	.long	1546

	.byte	1
	.byte	51
	.byte	2
	.byte	161
	.byte	38
	.byte	3
	.byte	114
	.long	1580

	.byte	1
	.byte	52
	.byte	2
	.byte	161
	.byte	39
	.byte	3
	.byte	115
	.long	1647

	.byte	1
	.byte	53
	.byte	2
	.byte	161
	.byte	40
	.byte	12
	.byte	117
	.byte	4
	.byte	2
	.byte	44
	.byte	13
	.byte	116
	.long	95
	.byte	2
	.byte	44
	.byte	0
	.byte	0
	.byte	31
	.long	95
	.byte	121
	.byte	4
	.byte	2
	.byte	3
	.byte	38
	.byte	118
	.byte	127
	.byte	38
	.byte	119
	.byte	0
	.byte	38
	.byte	120
	.ascii	"\377\377\377\377\007"
	.byte	0
	.byte	39
	.byte	41
	.long	.Lfunc_end0-.Lfunc_begin0
	.byte	1
	.byte	87

	.byte	124
	.byte	1
	.byte	2

	.long	2040

	.byte	40
	.byte	1
	.byte	85
	.byte	9
	.byte	1
	.byte	2
	.long	2063
	.byte	40
	.byte	1
	.byte	84
	.byte	138
	.byte	1
	.byte	2
	.long	2177
	.byte	40
	.byte	1
	.byte	81
	.byte	47
	.byte	1
	.byte	2
	.long	1662
	.byte	40
	.byte	1
	.byte	82
	.byte	104
	.byte	1
	.byte	2
	.long	2184
	.byte	14
	.byte	0
	.byte	41
	.byte	42
	.long	.Lfunc_end1-.Lfunc_begin1
	.byte	1
	.byte	87

	.byte	126
	.byte	1
	.byte	3
	.long	95

	.byte	40
	.byte	1
	.byte	85
	.byte	9
	.byte	1
	.byte	3
	.long	95
	.byte	40
	.byte	20
	.byte	116
	.byte	0
	.byte	16
	.ascii	"\377\377\377\377\017"
	.byte	26
	.byte	168
	.asciz	"\243\200\200"
	.byte	168
	.asciz	"\247\200\200"
	.byte	159
	.byte	10
	.byte	1
	.byte	3
	.long	71
	.byte	40
	.byte	1
	.byte	81
	.byte	43
	.byte	1
	.byte	3
	.long	166
	.byte	0
	.byte	39
	.byte	43
	.long	.Lfunc_end2-.Lfunc_begin2
	.byte	1
	.byte	87

	.byte	127
	.byte	1
	.byte	5

	.long	95

	.byte	40
	.byte	1
	.byte	85
	.byte	10
	.byte	1
	.byte	5
	.long	2204
	.byte	0
	.byte	39
	.byte	44
	.long	.Lfunc_end3-.Lfunc_begin3
	.byte	1
	.byte	87

	.byte	128
	.byte	1
	.byte	6

	.long	95

	.byte	40
	.byte	1
	.byte	85
	.byte	75
	.byte	1
	.byte	6
	.long	95
	.byte	40
	.byte	1
	.byte	84
	.byte	9
	.byte	1
	.byte	6
	.long	90
	.byte	42
	.byte	1
	.byte	85
	.byte	142
	.byte	1
	.byte	6
	.long	1886
	.byte	43
	.byte	31
	.byte	1
	.byte	6
	.long	2209
	.byte	12
	.byte	143
	.byte	4
	.byte	1
	.byte	6
	.byte	13
	.byte	76
	.long	95
	.byte	1
	.byte	6
	.byte	0
	.byte	0
	.byte	0
	.byte	39
	.byte	45
	.long	.Lfunc_end4-.Lfunc_begin4
	.byte	1
	.byte	87

	.byte	129
	.byte	1
	.byte	8

	.long	2047

	.byte	40
	.byte	1
	.byte	85
	.byte	95
	.byte	1
	.byte	8
	.long	95
	.byte	0
	.byte	44
	.byte	46
	.long	.Lfunc_end5-.Lfunc_begin5
	.byte	1
	.byte	87

	.byte	130
	.byte	1
	.byte	9

	.long	95

	.byte	39
	.byte	47
	.long	.Lfunc_end6-.Lfunc_begin6
	.byte	1
	.byte	87

	.byte	131
	.byte	1
	.byte	12

	.long	95

	.byte	40
	.byte	1
	.byte	85
	.byte	95
	.byte	1
	.byte	12
	.long	95
	.byte	0
	.byte	39
	.byte	48
	.long	.Lfunc_end7-.Lfunc_begin7
	.byte	1
	.byte	87

	.byte	132
	.byte	1
	.byte	54

	.long	95

	.byte	40
	.byte	1
	.byte	85
	.byte	9
	.byte	1
	.byte	54
	.long	2214
	.byte	40
	.byte	1
	.byte	84
	.byte	10
	.byte	1
	.byte	54
	.long	1546
	.byte	40
	.byte	1
	.byte	81
	.byte	43
	.byte	1
	.byte	54
	.long	1580
	.byte	0
	.byte	39
	.byte	49
	.long	.Lfunc_end8-.Lfunc_begin8
	.byte	1
	.byte	87

	.byte	133
	.byte	1
	.byte	55

	.long	1546

	.byte	45
	.byte	0
	.byte	95
	.byte	1
	.byte	55
	.long	1546
	.byte	0
	.byte	9
	.long	2045
	.byte	46
	.byte	125

	.byte	9
	.long	2052
	.byte	10
	.long	95

	.byte	11
	.long	1471
	.byte	0
	.byte	9
	.long	2068
	.byte	12
	.byte	137
	.byte	24
	.byte	2
	.byte	6
	.byte	13
	.byte	95
	.long	95
	.byte	2
	.byte	7
	.byte	0
	.byte	36
	.long	2090
	.byte	2
	.byte	8
	.byte	4
	.byte	34
	.byte	4
	.byte	2
	.byte	8
	.byte	13
	.byte	134
	.long	95
	.byte	2
	.byte	8
	.byte	0
	.byte	36
	.long	2111
	.byte	2
	.byte	8
	.byte	0
	.byte	17
	.byte	2
	.byte	2
	.byte	8
	.byte	13
	.byte	9
	.long	71
	.byte	2
	.byte	8
	.byte	0
	.byte	13
	.byte	10
	.long	71
	.byte	2
	.byte	8
	.byte	1
	.byte	0
	.byte	13
	.byte	79
	.long	1150
	.byte	2
	.byte	8
	.byte	0
	.byte	0
	.byte	13
	.byte	135
	.long	2153
	.byte	2
	.byte	9
	.byte	8
	.byte	17
	.byte	4
	.byte	2
	.byte	9
	.byte	13
	.byte	136
	.long	95
	.byte	2
	.byte	9
	.byte	0
	.byte	0
	.byte	13
	.byte	104
	.long	2040
	.byte	2
	.byte	10
	.byte	16
	.byte	0
	.byte	9
	.long	2182
	.byte	47
	.byte	139

	.byte	9
	.long	2189
	.byte	12
	.byte	141
	.byte	4
	.byte	1
	.byte	1
	.byte	13
	.byte	140
	.long	95
	.byte	1
	.byte	1
	.byte	0
	.byte	0
	.byte	9
	.long	752
	.byte	9
	.long	1886
	.byte	9
	.long	1486
	.byte	0
.Ldebug_info_end0:
	.section	.debug_str_offsets,"",@progbits
	.long	580
	.short	5
	.short	0
.Lstr_offsets_base0:
	.section	.debug_str,"MS",@progbits,1
.Linfo_string0:
	.asciz	"Debian clang version 16.0.6 (15~deb12u1)"
.Linfo_string1:
	.asciz	"types.c"
.Linfo_string2:
	.asciz	"."
.Linfo_string3:
	.asciz	"v_string"
.Linfo_string4:
	.asciz	"char"
.Linfo_string5:
	.asciz	"__ARRAY_SIZE_TYPE__"
.Linfo_string6:
	.asciz	"__gendwarfksyms_ptr_extern_v"
.Linfo_string7:
	.asciz	"int"
.Linfo_string8:
	.asciz	"__gendwarfksyms_ptr_extern_f"
.Linfo_string9:
	.asciz	"a"
.Linfo_string10:
	.asciz	"b"
.Linfo_string11:
	.asciz	"pk"
.Linfo_string12:
	.asciz	"__gendwarfksyms_ptr_v_rec"
.Linfo_string13:
	.asciz	"next"
.Linfo_string14:
	.asciz	"prev"
.Linfo_string15:
	.asciz	"o"
.Linfo_string16:
	.asciz	"r"
.Linfo_string17:
	.asciz	"fn"
.Linfo_string18:
	.asciz	"other"
.Linfo_string19:
	.asciz	"rec"
.Linfo_string20:
	.asciz	"points"
.Linfo_string21:
	.asciz	"rule1"
.Linfo_string22:
	.asciz	"rule2"
.Linfo_string23:
	.asciz	"rule3"
.Linfo_string24:
	.asciz	"rule4"
.Linfo_string25:
	.asciz	"rule5"
.Linfo_string26:
	.asciz	"rule6"
.Linfo_string27:
	.asciz	"rule7"
.Linfo_string28:
	.asciz	"rule8"
.Linfo_string29:
	.asciz	"v_rec"
.Linfo_string30:
	.asciz	"v_anont"
.Linfo_string31:
	.asciz	"q"
.Linfo_string32:
	.asciz	"anont"
.Linfo_string33:
	.asciz	"v_fp"
.Linfo_string34:
	.asciz	"fp"
.Linfo_string35:
	.asciz	"v_fparr"
.Linfo_string36:
	.asciz	"fparr"
.Linfo_string37:
	.asciz	"v_big"
.Linfo_string38:
	.asciz	"pad"
.Linfo_string39:
	.asciz	"far"
.Linfo_string40:
	.asciz	"more"
.Linfo_string41:
	.asciz	"last"
.Linfo_string42:
	.asciz	"unsigned int"
.Linfo_string43:
	.asciz	"c"
.Linfo_string44:
	.asciz	"long long"
.Linfo_string45:
	.asciz	"d"
.Linfo_string46:
	.asciz	"unsigned char"
.Linfo_string47:
	.asciz	"e"
.Linfo_string48:
	.asciz	"_Bool"
.Linfo_string49:
	.asciz	"bits"
.Linfo_string50:
	.asciz	"flex"
.Linfo_string51:
	.asciz	"big"
.Linfo_string52:
	.asciz	"v_cvp"
.Linfo_string53:
	.asciz	"cvp"
.Linfo_string54:
	.asciz	"v_ai"
.Linfo_string55:
	.asciz	"ai"
.Linfo_string56:
	.asciz	"v_i128"
.Linfo_string57:
	.asciz	"__int128"
.Linfo_string58:
	.asciz	"i128"
.Linfo_string59:
	.asciz	"v_cd"
.Linfo_string60:
	.asciz	"complex"
.Linfo_string61:
	.asciz	"cd"
.Linfo_string62:
	.asciz	"v_v4"
.Linfo_string63:
	.asciz	"v4"
.Linfo_string64:
	.asciz	"v_al"
.Linfo_string65:
	.asciz	"al"
.Linfo_string66:
	.asciz	"v_pk"
.Linfo_string67:
	.asciz	"v_al_t"
.Linfo_string68:
	.asciz	"al_t"
.Linfo_string69:
	.asciz	"v_wide"
.Linfo_string70:
	.asciz	"ALL"
.Linfo_string71:
	.asciz	"ONE"
.Linfo_string72:
	.asciz	"wide"
.Linfo_string73:
	.asciz	"v_void"
.Linfo_string74:
	.asciz	"v_struct"
.Linfo_string75:
	.asciz	"n"
.Linfo_string76:
	.asciz	"k"
.Linfo_string77:
	.asciz	"m"
.Linfo_string78:
	.asciz	"v_union"
.Linfo_string79:
	.asciz	"f"
.Linfo_string80:
	.asciz	"float"
.Linfo_string81:
	.asciz	"v_enum"
.Linfo_string82:
	.asciz	"UNNAMED"
.Linfo_string83:
	.asciz	"v_array"
.Linfo_string84:
	.asciz	"v_arrayp"
.Linfo_string85:
	.asciz	"v_thread"
.Linfo_string86:
	.asciz	"v_restrict"
.Linfo_string87:
	.asciz	"v_bool"
.Linfo_string88:
	.asciz	"v_double"
.Linfo_string89:
	.asciz	"long double"
.Linfo_string90:
	.asciz	"v_kept"
.Linfo_string91:
	.asciz	"__kabi_reserved1"
.Linfo_string92:
	.asciz	"long"
.Linfo_string93:
	.asciz	"n1"
.Linfo_string94:
	.asciz	"n2"
.Linfo_string95:
	.asciz	"x"
.Linfo_string96:
	.asciz	"__kabi_renamedold"
.Linfo_string97:
	.asciz	"__kabi_ignored0"
.Linfo_string98:
	.asciz	"__kabi_reserved2"
.Linfo_string99:
	.asciz	"kept"
.Linfo_string100:
	.asciz	"v_uses"
.Linfo_string101:
	.asciz	"__kabi_renamedfoo"
.Linfo_string102:
	.asciz	"renamed"
.Linfo_string103:
	.asciz	"m2"
.Linfo_string104:
	.asciz	"p"
.Linfo_string105:
	.asciz	"FIRST"
.Linfo_string106:
	.asciz	"ADDED"
.Linfo_string107:
	.asciz	"THIRD"
.Linfo_string108:
	.asciz	"END"
.Linfo_string109:
	.asciz	"grown"
.Linfo_string110:
	.asciz	"h"
.Linfo_string111:
	.asciz	"arr"
.Linfo_string112:
	.asciz	"uses"
.Linfo_string113:
	.asciz	"v_renamed"
.Linfo_string114:
	.asciz	"v_grown"
.Linfo_string115:
	.asciz	"v_hidden"
.Linfo_string116:
	.asciz	"now"
.Linfo_string117:
	.asciz	"hidden"
.Linfo_string118:
	.asciz	"NEGATIVE"
.Linfo_string119:
	.asciz	"ZERO"
.Linfo_string120:
	.asciz	"LARGEST"
.Linfo_string121:
	.asciz	"sign"
.Linfo_string122:
	.asciz	"DW_ATE_unsigned_8"
.Linfo_string123:
	.asciz	"DW_ATE_unsigned_32"
.Linfo_string124:
	.asciz	"parameters"
.Linfo_string125:
	.asciz	"fwd"
.Linfo_string126:
	.asciz	"knr"
.Linfo_string127:
	.asciz	"caller"
.Linfo_string128:
	.asciz	"vla"
.Linfo_string129:
	.asciz	"returns"
.Linfo_string130:
	.asciz	"original"
.Linfo_string131:
	.asciz	"weak"
.Linfo_string132:
	.asciz	"f_uses"
.Linfo_string133:
	.asciz	"f_renamed"
.Linfo_string134:
	.asciz	"y"
.Linfo_string135:
	.asciz	"named"
.Linfo_string136:
	.asciz	"z"
.Linfo_string137:
	.asciz	"anon"
.Linfo_string138:
	.asciz	"u"
.Linfo_string139:
	.asciz	"ufwd"
.Linfo_string140:
	.asciz	"in_c_file"
.Linfo_string141:
	.asciz	"private"
.Linfo_string142:
	.asciz	"l"
.Linfo_string143:
	.asciz	"local"
	.section	.debug_str_offsets,"",@progbits
	.long	.Linfo_string0
	.long	.Linfo_string1
	.long	.Linfo_string2
	.long	.Linfo_string3
	.long	.Linfo_string4
	.long	.Linfo_string5
	.long	.Linfo_string6
	.long	.Linfo_string7
	.long	.Linfo_string8
	.long	.Linfo_string9
	.long	.Linfo_string10
	.long	.Linfo_string11
	.long	.Linfo_string12
	.long	.Linfo_string13
	.long	.Linfo_string14
	.long	.Linfo_string15
	.long	.Linfo_string16
	.long	.Linfo_string17
	.long	.Linfo_string18
	.long	.Linfo_string19
	.long	.Linfo_string20
	.long	.Linfo_string21
	.long	.Linfo_string22
	.long	.Linfo_string23
	.long	.Linfo_string24
	.long	.Linfo_string25
	.long	.Linfo_string26
	.long	.Linfo_string27
	.long	.Linfo_string28
	.long	.Linfo_string29
	.long	.Linfo_string30
	.long	.Linfo_string31
	.long	.Linfo_string32
	.long	.Linfo_string33
	.long	.Linfo_string34
	.long	.Linfo_string35
	.long	.Linfo_string36
	.long	.Linfo_string37
	.long	.Linfo_string38
	.long	.Linfo_string39
	.long	.Linfo_string40
	.long	.Linfo_string41
	.long	.Linfo_string42
	.long	.Linfo_string43
	.long	.Linfo_string44
	.long	.Linfo_string45
	.long	.Linfo_string46
	.long	.Linfo_string47
	.long	.Linfo_string48
	.long	.Linfo_string49
	.long	.Linfo_string50
	.long	.Linfo_string51
	.long	.Linfo_string52
	.long	.Linfo_string53
	.long	.Linfo_string54
	.long	.Linfo_string55
	.long	.Linfo_string56
	.long	.Linfo_string57
	.long	.Linfo_string58
	.long	.Linfo_string59
	.long	.Linfo_string60
	.long	.Linfo_string61
	.long	.Linfo_string62
	.long	.Linfo_string63
	.long	.Linfo_string64
	.long	.Linfo_string65
	.long	.Linfo_string66
	.long	.Linfo_string67
	.long	.Linfo_string68
	.long	.Linfo_string69
	.long	.Linfo_string70
	.long	.Linfo_string71
	.long	.Linfo_string72
	.long	.Linfo_string73
	.long	.Linfo_string74
	.long	.Linfo_string75
	.long	.Linfo_string76
	.long	.Linfo_string77
	.long	.Linfo_string78
	.long	.Linfo_string79
	.long	.Linfo_string80
	.long	.Linfo_string81
	.long	.Linfo_string82
	.long	.Linfo_string83
	.long	.Linfo_string84
	.long	.Linfo_string85
	.long	.Linfo_string86
	.long	.Linfo_string87
	.long	.Linfo_string88
	.long	.Linfo_string89
	.long	.Linfo_string90
	.long	.Linfo_string91
	.long	.Linfo_string92
	.long	.Linfo_string93
	.long	.Linfo_string94
	.long	.Linfo_string95
	.long	.Linfo_string96
	.long	.Linfo_string97
	.long	.Linfo_string98
	.long	.Linfo_string99
	.long	.Linfo_string100
	.long	.Linfo_string101
	.long	.Linfo_string102
	.long	.Linfo_string103
	.long	.Linfo_string104
	.long	.Linfo_string105
	.long	.Linfo_string106
	.long	.Linfo_string107
	.long	.Linfo_string108
	.long	.Linfo_string109
	.long	.Linfo_string110
	.long	.Linfo_string111
	.long	.Linfo_string112
	.long	.Linfo_string113
	.long	.Linfo_string114
	.long	.Linfo_string115
	.long	.Linfo_string116
	.long	.Linfo_string117
	.long	.Linfo_string118
	.long	.Linfo_string119
	.long	.Linfo_string120
	.long	.Linfo_string121
	.long	.Linfo_string122
	.long	.Linfo_string123
	.long	.Linfo_string124
	.long	.Linfo_string125
	.long	.Linfo_string126
	.long	.Linfo_string127
	.long	.Linfo_string128
	.long	.Linfo_string129
	.long	.Linfo_string130
	.long	.Linfo_string131
	.long	.Linfo_string132
	.long	.Linfo_string133
	.long	.Linfo_string134
	.long	.Linfo_string135
	.long	.Linfo_string136
	.long	.Linfo_string137
	.long	.Linfo_string138
	.long	.Linfo_string139
	.long	.Linfo_string140
	.long	.Linfo_string141
	.long	.Linfo_string142
	.long	.Linfo_string143
	.section	.debug_addr,"",@progbits
	.long	.Ldebug_addr_end0-.Ldebug_addr_start0
.Ldebug_addr_start0:
	.short	5
	.byte	8
	.byte	0
.Laddr_table_base0:
	.quad	v_string
	.quad	__gendwarfksyms_ptr_extern_v
	.quad	__gendwarfksyms_ptr_extern_f
	.quad	__gendwarfksyms_ptr_v_rec
	.quad	points
	.quad	rule1
	.quad	rule2
	.quad	rule3
	.quad	rule4
	.quad	rule5
	.quad	rule6
	.quad	rule7
	.quad	rule8
	.quad	v_rec
	.quad	v_anont
	.quad	v_fp
	.quad	v_fparr
	.quad	v_big
	.quad	v_cvp
	.quad	v_ai
	.quad	v_i128
	.quad	v_cd
	.quad	v_v4
	.quad	v_al
	.quad	v_pk
	.quad	v_al_t
	.quad	v_wide
	.quad	v_void
	.quad	v_struct
	.quad	v_union
	.quad	v_enum
	.quad	v_array
	.quad	v_arrayp
	.quad	v_restrict
	.quad	v_bool
	.quad	v_double
	.quad	v_kept
	.quad	v_uses
	.quad	v_renamed
	.quad	v_grown
	.quad	v_hidden
	.quad	.Lfunc_begin0
	.quad	.Lfunc_begin1
	.quad	.Lfunc_begin2
	.quad	.Lfunc_begin3
	.quad	.Lfunc_begin4
	.quad	.Lfunc_begin5
	.quad	.Lfunc_begin6
	.quad	.Lfunc_begin7
	.quad	.Lfunc_begin8
.Ldebug_addr_end0:
	.globl	alias
	.type	alias,@function
.set alias, original
	.section	".note.GNU-stack","",@progbits
	.section	.debug_line,"",@progbits
.Lline_table_start0:
