	.file	"types.c"
	.text
.Ltext0:
	.file 1 "types.c"
	.globl	parameters
	.type	parameters, @function
parameters:
.LFB0:
	.loc 1 2 92
	.cfi_startproc
	pushq	%rbp
	.cfi_def_cfa_offset 16
	.cfi_offset 6, -16
	movq	%rsp, %rbp
	.cfi_def_cfa_register 6
	subq	$88, %rsp
	movq	%rdi, -184(%rbp)
	movq	%rsi, -192(%rbp)
	movl	%edx, -196(%rbp)
	movq	%rcx, -208(%rbp)
	movq	%r8, -144(%rbp)
	movq	%r9, -136(%rbp)
	testb	%al, %al
	je	.L4
	movaps	%xmm0, -128(%rbp)
	movaps	%xmm1, -112(%rbp)
	movaps	%xmm2, -96(%rbp)
	movaps	%xmm3, -80(%rbp)
	movaps	%xmm4, -64(%rbp)
	movaps	%xmm5, -48(%rbp)
	movaps	%xmm6, -32(%rbp)
	movaps	%xmm7, -16(%rbp)
.L4:
	.loc 1 2 101
	movl	$0, %eax
	.loc 1 2 104
	leave
	.cfi_def_cfa 7, 8
	ret
	.cfi_endproc
.LFE0:
	.size	parameters, .-parameters
	.globl	knr
	.type	knr, @function
knr:
.LFB1:
	.loc 1 3 48
	.cfi_startproc
	pushq	%rbp
	.cfi_def_cfa_offset 16
	.cfi_offset 6, -16
	movq	%rsp, %rbp
	.cfi_def_cfa_register 6
	movl	%edi, -4(%rbp)
	movl	%esi, %eax
	movq	%rdx, -16(%rbp)
	movb	%al, -8(%rbp)
	.loc 1 3 57
	movl	$0, %eax
	.loc 1 3 60
	popq	%rbp
	.cfi_def_cfa 7, 8
	ret
	.cfi_endproc
.LFE1:
	.size	knr, .-knr
	.type	inlined, @function
inlined:
.LFB2:
	.loc 1 4 43
	.cfi_startproc
	pushq	%rbp
	.cfi_def_cfa_offset 16
	.cfi_offset 6, -16
	movq	%rsp, %rbp
	.cfi_def_cfa_register 6
	movq	%rdi, -8(%rbp)
	.loc 1 4 53
	movq	-8(%rbp), %rax
	movzbl	(%rax), %eax
	andl	$7, %eax
	movzbl	%al, %eax
	.loc 1 4 58
	popq	%rbp
	.cfi_def_cfa 7, 8
	ret
	.cfi_endproc
.LFE2:
	.size	inlined, .-inlined
	.globl	caller
	.type	caller, @function
caller:
.LFB3:
	.loc 1 5 28
	.cfi_startproc
	pushq	%rbp
	.cfi_def_cfa_offset 16
	.cfi_offset 6, -16
	movq	%rsp, %rbp
	.cfi_def_cfa_register 6
	pushq	%rbx
	subq	$8, %rsp
	.cfi_offset 3, -24
	movq	%rdi, -16(%rbp)
	.loc 1 5 37
	movq	-16(%rbp), %rax
	movq	%rax, %rdi
	call	inlined
	movl	%eax, %ebx
	.loc 1 5 50
	movq	-16(%rbp), %rax
	movq	%rax, %rdi
	call	inlined
	.loc 1 5 48
	addl	%ebx, %eax
	.loc 1 5 62
	movq	-8(%rbp), %rbx
	leave
	.cfi_def_cfa 7, 8
	ret
	.cfi_endproc
.LFE3:
	.size	caller, .-caller
	.globl	vla
	.type	vla, @function
vla:
.LFB4:
	.loc 1 6 26
	.cfi_startproc
	pushq	%rbp
	.cfi_def_cfa_offset 16
	.cfi_offset 6, -16
	movq	%rsp, %rbp
	.cfi_def_cfa_register 6
	movl	%edi, -20(%rbp)
	movq	%rsi, -32(%rbp)
	.loc 1 6 52
	movl	-20(%rbp), %eax
	movl	%eax, -12(%rbp)
	.loc 1 6 64
	leaq	-12(%rbp), %rax
	movq	%rax, -8(%rbp)
	.loc 1 6 82
	movq	-8(%rbp), %rax
	movl	(%rax), %eax
	cltq
	.loc 1 6 80
	leaq	0(,%rax,4), %rdx
	movq	-32(%rbp), %rax
	addq	%rdx, %rax
	movl	(%rax), %eax
	.loc 1 6 88
	popq	%rbp
	.cfi_def_cfa 7, 8
	ret
	.cfi_endproc
.LFE4:
	.size	vla, .-vla
	.globl	returns
	.type	returns, @function
returns:
.LFB5:
	.loc 1 8 29
	.cfi_startproc
	pushq	%rbp
	.cfi_def_cfa_offset 16
	.cfi_offset 6, -16
	movq	%rsp, %rbp
	.cfi_def_cfa_register 6
	movl	%edi, -4(%rbp)
	.loc 1 8 38
	movl	$0, %eax
	.loc 1 8 41
	popq	%rbp
	.cfi_def_cfa 7, 8
	ret
	.cfi_endproc
.LFE5:
	.size	returns, .-returns
	.globl	original
	.type	original, @function
original:
.LFB6:
	.loc 1 9 20
	.cfi_startproc
	pushq	%rbp
	.cfi_def_cfa_offset 16
	.cfi_offset 6, -16
	movq	%rsp, %rbp
	.cfi_def_cfa_register 6
	.loc 1 9 29
	movl	$1, %eax
	.loc 1 9 32
	popq	%rbp
	.cfi_def_cfa 7, 8
	ret
	.cfi_endproc
.LFE6:
	.size	original, .-original
	.globl	alias
	.set	alias,original
	.weak	weak
	.type	weak, @function
weak:
.LFB7:
	.loc 1 12 17
	.cfi_startproc
	pushq	%rbp
	.cfi_def_cfa_offset 16
	.cfi_offset 6, -16
	movq	%rsp, %rbp
	.cfi_def_cfa_register 6
	movl	%edi, -4(%rbp)
	.loc 1 12 26
	movl	-4(%rbp), %eax
	.loc 1 12 29
	popq	%rbp
	.cfi_def_cfa 7, 8
	ret
	.cfi_endproc
.LFE7:
	.size	weak, .-weak
	.globl	v_rec
	.bss
	.align 16
	.type	v_rec, @object
	.size	v_rec, 24
v_rec:
	.zero	24
	.globl	v_anont
	.align 4
	.type	v_anont, @object
	.size	v_anont, 4
v_anont:
	.zero	4
	.globl	v_fp
	.align 8
	.type	v_fp, @object
	.size	v_fp, 8
v_fp:
	.zero	8
	.globl	v_fparr
	.align 32
	.type	v_fparr, @object
	.size	v_fparr, 32
v_fparr:
	.zero	32
	.globl	v_big
	.align 8
	.type	v_big, @object
	.size	v_big, 8
v_big:
	.zero	8
	.globl	v_cvp
	.data
	.align 8
	.type	v_cvp, @object
	.size	v_cvp, 8
v_cvp:
	.zero	8
	.globl	v_ai
	.bss
	.align 4
	.type	v_ai, @object
	.size	v_ai, 4
v_ai:
	.zero	4
	.globl	v_i128
	.align 16
	.type	v_i128, @object
	.size	v_i128, 16
v_i128:
	.zero	16
	.globl	v_cd
	.align 8
	.type	v_cd, @object
	.size	v_cd, 16
v_cd:
	.zero	16
	.globl	v_v4
	.align 16
	.type	v_v4, @object
	.size	v_v4, 16
v_v4:
	.zero	16
	.globl	v_al
	.align 128
	.type	v_al, @object
	.size	v_al, 128
v_al:
	.zero	128
	.globl	v_pk
	.type	v_pk, @object
	.size	v_pk, 5
v_pk:
	.zero	5
	.globl	v_al_t
	.align 16
	.type	v_al_t, @object
	.size	v_al_t, 4
v_al_t:
	.zero	4
	.globl	v_wide
	.align 4
	.type	v_wide, @object
	.size	v_wide, 4
v_wide:
	.zero	4
	.globl	v_string
	.section	.rodata
	.type	v_string, @object
	.size	v_string, 2
v_string:
	.string	"x"
	.globl	v_void
	.bss
	.align 8
	.type	v_void, @object
	.size	v_void, 8
v_void:
	.zero	8
	.globl	v_struct
	.align 8
	.type	v_struct, @object
	.size	v_struct, 8
v_struct:
	.zero	8
	.globl	v_union
	.align 4
	.type	v_union, @object
	.size	v_union, 4
v_union:
	.zero	4
	.globl	v_enum
	.align 4
	.type	v_enum, @object
	.size	v_enum, 4
v_enum:
	.zero	4
	.globl	v_array
	.align 32
	.type	v_array, @object
	.size	v_array, 48
v_array:
	.zero	48
	.globl	v_arrayp
	.align 8
	.type	v_arrayp, @object
	.size	v_arrayp, 8
v_arrayp:
	.zero	8
	.globl	v_thread
	.section	.tbss,"awT",@nobits
	.align 4
	.type	v_thread, @object
	.size	v_thread, 4
v_thread:
	.zero	4
	.globl	v_restrict
	.bss
	.align 8
	.type	v_restrict, @object
	.size	v_restrict, 8
v_restrict:
	.zero	8
	.globl	v_bool
	.type	v_bool, @object
	.size	v_bool, 1
v_bool:
	.zero	1
	.globl	v_double
	.align 16
	.type	v_double, @object
	.size	v_double, 16
v_double:
	.zero	16
	.section	.discard.gendwarfksyms,"aw"
	.align 8
	.type	__gendwarfksyms_ptr_extern_v, @object
	.size	__gendwarfksyms_ptr_extern_v, 8
__gendwarfksyms_ptr_extern_v:
	.quad	extern_v
	.align 8
	.type	__gendwarfksyms_ptr_extern_f, @object
	.size	__gendwarfksyms_ptr_extern_f, 8
__gendwarfksyms_ptr_extern_f:
	.quad	extern_f
	.align 8
	.type	__gendwarfksyms_ptr_v_rec, @object
	.size	__gendwarfksyms_ptr_v_rec, 8
__gendwarfksyms_ptr_v_rec:
	.quad	v_rec
	.globl	points
	.section	.data.rel,"aw"
	.align 8
	.type	points, @object
	.size	points, 8
points:
	.quad	extern_s
	.globl	v_kept
	.bss
	.align 32
	.type	v_kept, @object
	.size	v_kept, 32
v_kept:
	.zero	32
	.globl	v_uses
	.align 32
	.type	v_uses, @object
	.size	v_uses, 64
v_uses:
	.zero	64
	.globl	v_renamed
	.align 4
	.type	v_renamed, @object
	.size	v_renamed, 4
v_renamed:
	.zero	4
	.globl	v_grown
	.align 4
	.type	v_grown, @object
	.size	v_grown, 4
v_grown:
	.zero	4
	.globl	v_hidden
	.align 4
	.type	v_hidden, @object
	.size	v_hidden, 4
v_hidden:
	.zero	4
	.text
	.globl	f_uses
	.type	f_uses, @function
f_uses:
.LFB8:
	.loc 1 54 59
	.cfi_startproc
	pushq	%rbp
	.cfi_def_cfa_offset 16
	.cfi_offset 6, -16
	movq	%rsp, %rbp
	.cfi_def_cfa_register 6
	movq	%rdi, -8(%rbp)
	movl	%esi, -12(%rbp)
	movl	%edx, -16(%rbp)
	.loc 1 54 68
	movl	$0, %eax
	.loc 1 54 71
	popq	%rbp
	.cfi_def_cfa 7, 8
	ret
	.cfi_endproc
.LFE8:
	.size	f_uses, .-f_uses
	.globl	f_renamed
	.type	f_renamed, @function
f_renamed:
.LFB9:
	.loc 1 55 31
	.cfi_startproc
	pushq	%rbp
	.cfi_def_cfa_offset 16
	.cfi_offset 6, -16
	movq	%rsp, %rbp
	.cfi_def_cfa_register 6
	.loc 1 55 47
	movl	$0, -4(%rbp)
	.loc 1 55 63
	movl	-4(%rbp), %eax
	.loc 1 55 66
	popq	%rbp
	.cfi_def_cfa 7, 8
	ret
	.cfi_endproc
.LFE9:
	.size	f_renamed, .-f_renamed
	.section	.discard.gendwarfksyms.kabi_rules,"a"
	.type	rule1, @object
	.size	rule1, 33
rule1:
	.string	"1"
	.string	"enumerator_ignore"
	.string	"grown ADDED"
	.string	""
	.type	rule2, @object
	.size	rule2, 34
rule2:
	.string	"1"
	.string	"enumerator_value"
	.string	"grown END"
	.string	" +77"
	.type	rule3, @object
	.size	rule3, 20
rule3:
	.string	"1"
	.string	"byte_size"
	.string	"kept"
	.string	"-3"
	.type	rule4, @object
	.size	rule4, 57
rule4:
	.string	"1"
	.string	"type_string"
	.string	"s#none"
	.string	"structure_type x { s#kept t#'a b' }"
	.type	rule5, @object
	.size	rule5, 49
rule5:
	.string	"1"
	.string	"type_string"
	.string	"t#'a b'"
	.string	"typedef_type 'a b' e#grown"
	.type	rule6, @object
	.size	rule6, 44
rule6:
	.string	"1"
	.string	"type_string"
	.string	"v_void"
	.string	"variable s#none s#uses"
	.type	rule7, @object
	.size	rule7, 18
rule7:
	.string	"1"
	.string	"byte_size"
	.string	"uses"
	.string	""
	.type	rule8, @object
	.size	rule8, 19
rule8:
	.string	"1"
	.string	"declonly"
	.string	"hidden"
	.string	""
	.text
.Letext0:
	.file 2 "public.h"
	.section	.debug_info,"",@progbits
.Ldebug_info0:
	.long	0xdd9
	.value	0x4
	.long	.Ldebug_abbrev0
	.byte	0x8
	.uleb128 0x1
	.long	.LASF94
	.byte	0xc
	.long	.LASF95
	.long	.LASF96
	.quad	.Ltext0
	.quad	.Letext0-.Ltext0
	.long	.Ldebug_line0
	.uleb128 0x2
	.long	.LASF3
	.byte	0x5
	.byte	0x4
	.long	0x55
	.byte	0x2
	.byte	0x3
	.byte	0x6
	.long	0x55
	.uleb128 0x3
	.long	.LASF0
	.sleb128 -1
	.uleb128 0x4
	.long	.LASF1
	.byte	0
	.uleb128 0x5
	.long	.LASF2
	.long	0x7fffffff
	.byte	0
	.uleb128 0x6
	.byte	0x4
	.byte	0x5
	.string	"int"
	.uleb128 0x7
	.long	0x55
	.uleb128 0x2
	.long	.LASF4
	.byte	0x7
	.byte	0x4
	.long	0x83
	.byte	0x2
	.byte	0x4
	.byte	0x6
	.long	0x83
	.uleb128 0x8
	.string	"ALL"
	.long	0xffffffff
	.uleb128 0x9
	.string	"ONE"
	.byte	0x1
	.byte	0
	.uleb128 0xa
	.byte	0x4
	.byte	0x7
	.long	.LASF5
	.uleb128 0xb
	.long	.LASF11
	.byte	0x10
	.byte	0x2
	.byte	0x5
	.byte	0x8
	.long	0xde
	.uleb128 0xc
	.string	"a"
	.byte	0x2
	.byte	0x5
	.byte	0x18
	.long	0x83
	.byte	0x4
	.byte	0x3
	.byte	0x1d
	.byte	0
	.uleb128 0xc
	.string	"b"
	.byte	0x2
	.byte	0x5
	.byte	0x1d
	.long	0x83
	.byte	0x4
	.byte	0x5
	.byte	0x18
	.byte	0
	.uleb128 0xc
	.string	"c"
	.byte	0x2
	.byte	0x5
	.byte	0x34
	.long	0xde
	.byte	0x8
	.byte	0x28
	.byte	0x18
	.byte	0x8
	.uleb128 0xc
	.string	"d"
	.byte	0x2
	.byte	0x5
	.byte	0x48
	.long	0xe5
	.byte	0x1
	.byte	0x1
	.byte	0x7
	.byte	0xd
	.uleb128 0xc
	.string	"e"
	.byte	0x2
	.byte	0x5
	.byte	0x53
	.long	0xec
	.byte	0x1
	.byte	0x1
	.byte	0x6
	.byte	0xd
	.byte	0
	.uleb128 0xa
	.byte	0x8
	.byte	0x5
	.long	.LASF6
	.uleb128 0xa
	.byte	0x1
	.byte	0x8
	.long	.LASF7
	.uleb128 0xa
	.byte	0x1
	.byte	0x2
	.long	.LASF8
	.uleb128 0xd
	.byte	0x2
	.byte	0x2
	.byte	0x8
	.byte	0x11
	.long	0x113
	.uleb128 0xe
	.string	"a"
	.byte	0x2
	.byte	0x8
	.byte	0x1f
	.long	0x113
	.byte	0
	.uleb128 0xe
	.string	"b"
	.byte	0x2
	.byte	0x8
	.byte	0x22
	.long	0x113
	.byte	0x1
	.byte	0
	.uleb128 0xa
	.byte	0x1
	.byte	0x6
	.long	.LASF9
	.uleb128 0xf
	.long	0x113
	.uleb128 0x10
	.byte	0x4
	.byte	0x2
	.byte	0x8
	.byte	0x2
	.long	0x142
	.uleb128 0x11
	.string	"y"
	.byte	0x2
	.byte	0x8
	.byte	0xe
	.long	0x55
	.uleb128 0x12
	.long	0xf3
	.uleb128 0x11
	.string	"f"
	.byte	0x2
	.byte	0x8
	.byte	0x2e
	.long	0x142
	.byte	0
	.uleb128 0xa
	.byte	0x4
	.byte	0x4
	.long	.LASF10
	.uleb128 0xd
	.byte	0x4
	.byte	0x2
	.byte	0x9
	.byte	0x2
	.long	0x15e
	.uleb128 0xe
	.string	"z"
	.byte	0x2
	.byte	0x9
	.byte	0xf
	.long	0x55
	.byte	0
	.byte	0
	.uleb128 0xb
	.long	.LASF12
	.byte	0x18
	.byte	0x2
	.byte	0x6
	.byte	0x8
	.long	0x195
	.uleb128 0xe
	.string	"x"
	.byte	0x2
	.byte	0x7
	.byte	0x6
	.long	0x55
	.byte	0
	.uleb128 0x13
	.long	0x11f
	.byte	0x4
	.uleb128 0x14
	.long	.LASF13
	.byte	0x2
	.byte	0x9
	.byte	0x14
	.long	0x149
	.byte	0x8
	.uleb128 0xe
	.string	"p"
	.byte	0x2
	.byte	0xa
	.byte	0xe
	.long	0x19a
	.byte	0x10
	.byte	0
	.uleb128 0x15
	.string	"fwd"
	.uleb128 0x16
	.byte	0x8
	.long	0x195
	.uleb128 0x17
	.string	"rec"
	.byte	0x18
	.byte	0x2
	.byte	0xc
	.byte	0x8
	.long	0x1d3
	.uleb128 0x14
	.long	.LASF14
	.byte	0x2
	.byte	0xc
	.byte	0x1a
	.long	0x1d3
	.byte	0
	.uleb128 0x14
	.long	.LASF15
	.byte	0x2
	.byte	0xc
	.byte	0x22
	.long	0x1e3
	.byte	0x8
	.uleb128 0xe
	.string	"o"
	.byte	0x2
	.byte	0xc
	.byte	0x36
	.long	0x20e
	.byte	0x10
	.byte	0
	.uleb128 0x16
	.byte	0x8
	.long	0x1a0
	.uleb128 0xf
	.long	0x1d3
	.uleb128 0x7
	.long	0x1d9
	.uleb128 0x16
	.byte	0x8
	.long	0x1d3
	.uleb128 0xb
	.long	.LASF16
	.byte	0x50
	.byte	0x2
	.byte	0xd
	.byte	0x8
	.long	0x20e
	.uleb128 0xe
	.string	"r"
	.byte	0x2
	.byte	0xd
	.byte	0x1b
	.long	0x214
	.byte	0
	.uleb128 0xe
	.string	"fn"
	.byte	0x2
	.byte	0xd
	.byte	0x31
	.long	0x23b
	.byte	0x48
	.byte	0
	.uleb128 0x16
	.byte	0x8
	.long	0x1e9
	.uleb128 0x18
	.long	0x1a0
	.long	0x224
	.uleb128 0x19
	.long	0x224
	.byte	0x2
	.byte	0
	.uleb128 0xa
	.byte	0x8
	.byte	0x7
	.long	.LASF17
	.uleb128 0x1a
	.long	0x20e
	.long	0x23b
	.uleb128 0x1b
	.long	0x20e
	.uleb128 0x1c
	.byte	0
	.uleb128 0x16
	.byte	0x8
	.long	0x22b
	.uleb128 0xd
	.byte	0x4
	.byte	0x2
	.byte	0xe
	.byte	0x9
	.long	0x256
	.uleb128 0xe
	.string	"q"
	.byte	0x2
	.byte	0xe
	.byte	0x16
	.long	0x55
	.byte	0
	.byte	0
	.uleb128 0x1d
	.long	.LASF18
	.byte	0x2
	.byte	0xe
	.byte	0x1b
	.long	0x241
	.uleb128 0x1e
	.string	"fp"
	.byte	0x2
	.byte	0xf
	.byte	0xf
	.long	0x26d
	.uleb128 0x16
	.byte	0x8
	.long	0x273
	.uleb128 0x1a
	.long	0x55
	.long	0x288
	.uleb128 0x1b
	.long	0x28e
	.uleb128 0x1b
	.long	0x293
	.uleb128 0x1c
	.byte	0
	.uleb128 0x16
	.byte	0x8
	.long	0x11a
	.uleb128 0x1f
	.long	0x288
	.uleb128 0x16
	.byte	0x8
	.long	0x5c
	.uleb128 0x1d
	.long	.LASF19
	.byte	0x2
	.byte	0x10
	.byte	0xc
	.long	0x2a5
	.uleb128 0x18
	.long	0x262
	.long	0x2b5
	.uleb128 0x19
	.long	0x224
	.byte	0x3
	.byte	0
	.uleb128 0x20
	.string	"big"
	.long	0x11428
	.byte	0x2
	.byte	0x11
	.byte	0x8
	.long	0x321
	.uleb128 0xe
	.string	"pad"
	.byte	0x2
	.byte	0x11
	.byte	0x13
	.long	0x321
	.byte	0
	.uleb128 0x21
	.string	"far"
	.byte	0x2
	.byte	0x11
	.byte	0x23
	.long	0x55
	.long	0x11170
	.uleb128 0x22
	.long	.LASF20
	.byte	0x2
	.byte	0x11
	.byte	0x2d
	.long	0x334
	.long	0x11174
	.uleb128 0x22
	.long	.LASF21
	.byte	0x2
	.byte	0x11
	.byte	0x3c
	.long	0x55
	.long	0x112a0
	.uleb128 0x21
	.string	"b"
	.byte	0x2
	.byte	0x11
	.byte	0x4e
	.long	0x345
	.long	0x112a8
	.uleb128 0x22
	.long	.LASF22
	.byte	0x2
	.byte	0x11
	.byte	0x5e
	.long	0x361
	.long	0x11428
	.byte	0
	.uleb128 0x18
	.long	0x113
	.long	0x334
	.uleb128 0x23
	.long	0x224
	.long	0x1116f
	.byte	0
	.uleb128 0x18
	.long	0x113
	.long	0x345
	.uleb128 0x24
	.long	0x224
	.value	0x12b
	.byte	0
	.uleb128 0x18
	.long	0x8a
	.long	0x361
	.uleb128 0x19
	.long	0x224
	.byte	0x1
	.uleb128 0x19
	.long	0x224
	.byte	0x2
	.uleb128 0x19
	.long	0x224
	.byte	0x3
	.byte	0
	.uleb128 0x18
	.long	0x55
	.long	0x370
	.uleb128 0x25
	.long	0x224
	.byte	0
	.uleb128 0x1e
	.string	"cvp"
	.byte	0x2
	.byte	0x12
	.byte	0x24
	.long	0x1de
	.uleb128 0x1d
	.long	.LASF23
	.byte	0x2
	.byte	0x14
	.byte	0x12
	.long	0x388
	.uleb128 0xa
	.byte	0x10
	.byte	0x5
	.long	.LASF24
	.uleb128 0x1e
	.string	"cd"
	.byte	0x2
	.byte	0x15
	.byte	0x19
	.long	0x39a
	.uleb128 0xa
	.byte	0x10
	.byte	0x3
	.long	.LASF25
	.uleb128 0x1e
	.string	"v4"
	.byte	0x2
	.byte	0x16
	.byte	0xd
	.long	0x3ac
	.uleb128 0x26
	.long	0x55
	.long	0x3b8
	.uleb128 0x27
	.byte	0x3
	.byte	0
	.uleb128 0x28
	.string	"al"
	.byte	0x80
	.byte	0x80
	.byte	0x2
	.byte	0x17
	.byte	0x8
	.long	0x3d2
	.uleb128 0x29
	.string	"a"
	.byte	0x2
	.byte	0x17
	.byte	0x11
	.long	0x55
	.byte	0x40
	.byte	0
	.byte	0
	.uleb128 0x17
	.string	"pk"
	.byte	0x5
	.byte	0x2
	.byte	0x18
	.byte	0x8
	.long	0x3f5
	.uleb128 0xe
	.string	"a"
	.byte	0x2
	.byte	0x18
	.byte	0x12
	.long	0x113
	.byte	0
	.uleb128 0xe
	.string	"b"
	.byte	0x2
	.byte	0x18
	.byte	0x19
	.long	0x55
	.byte	0x1
	.byte	0
	.uleb128 0x2a
	.long	.LASF97
	.byte	0x2
	.byte	0x19
	.byte	0xd
	.long	0x55
	.byte	0x10
	.uleb128 0xd
	.byte	0x8
	.byte	0x2
	.byte	0x1e
	.byte	0x21
	.long	0x424
	.uleb128 0xe
	.string	"n1"
	.byte	0x2
	.byte	0x1e
	.byte	0x2e
	.long	0x55
	.byte	0
	.uleb128 0xe
	.string	"n2"
	.byte	0x2
	.byte	0x1e
	.byte	0x36
	.long	0x55
	.byte	0x4
	.byte	0
	.uleb128 0x10
	.byte	0x8
	.byte	0x2
	.byte	0x1e
	.byte	0x2
	.long	0x43f
	.uleb128 0x2b
	.long	.LASF26
	.byte	0x2
	.byte	0x1e
	.byte	0xf
	.long	0x43f
	.uleb128 0x12
	.long	0x402
	.byte	0
	.uleb128 0xa
	.byte	0x8
	.byte	0x5
	.long	.LASF27
	.uleb128 0xd
	.byte	0x4
	.byte	0x2
	.byte	0x1f
	.byte	0xa
	.long	0x45b
	.uleb128 0xe
	.string	"x"
	.byte	0x2
	.byte	0x1f
	.byte	0x1c
	.long	0x83
	.byte	0
	.byte	0
	.uleb128 0xd
	.byte	0x4
	.byte	0x2
	.byte	0x1f
	.byte	0x22
	.long	0x472
	.uleb128 0x14
	.long	.LASF28
	.byte	0x2
	.byte	0x1f
	.byte	0x2f
	.long	0x55
	.byte	0
	.byte	0
	.uleb128 0x10
	.byte	0x4
	.byte	0x2
	.byte	0x1f
	.byte	0x2
	.long	0x486
	.uleb128 0x12
	.long	0x446
	.uleb128 0x12
	.long	0x45b
	.byte	0
	.uleb128 0x10
	.byte	0x4
	.byte	0x2
	.byte	0x20
	.byte	0x2
	.long	0x4a6
	.uleb128 0x2b
	.long	.LASF29
	.byte	0x2
	.byte	0x20
	.byte	0xf
	.long	0x113
	.uleb128 0x11
	.string	"n"
	.byte	0x2
	.byte	0x20
	.byte	0x24
	.long	0x55
	.byte	0
	.uleb128 0xb
	.long	.LASF30
	.byte	0x20
	.byte	0x2
	.byte	0x1c
	.byte	0x8
	.long	0x4de
	.uleb128 0xe
	.string	"a"
	.byte	0x2
	.byte	0x1d
	.byte	0x6
	.long	0x55
	.byte	0
	.uleb128 0x13
	.long	0x424
	.byte	0x8
	.uleb128 0x13
	.long	0x472
	.byte	0x10
	.uleb128 0x13
	.long	0x486
	.byte	0x14
	.uleb128 0x14
	.long	.LASF31
	.byte	0x2
	.byte	0x21
	.byte	0x6
	.long	0x55
	.byte	0x18
	.byte	0
	.uleb128 0x2
	.long	.LASF32
	.byte	0x7
	.byte	0x4
	.long	0x83
	.byte	0x2
	.byte	0x23
	.byte	0x6
	.long	0x509
	.uleb128 0x4
	.long	.LASF33
	.byte	0
	.uleb128 0x4
	.long	.LASF34
	.byte	0x1
	.uleb128 0x4
	.long	.LASF35
	.byte	0x5
	.uleb128 0x9
	.string	"END"
	.byte	0x6
	.byte	0
	.uleb128 0x2c
	.long	.LASF98
	.byte	0x4
	.byte	0x2
	.byte	0x24
	.byte	0x7
	.long	0x52d
	.uleb128 0x2b
	.long	.LASF36
	.byte	0x2
	.byte	0x24
	.byte	0x15
	.long	0x55
	.uleb128 0x11
	.string	"f"
	.byte	0x2
	.byte	0x24
	.byte	0x2e
	.long	0x142
	.byte	0
	.uleb128 0xf
	.long	0x509
	.uleb128 0xb
	.long	.LASF37
	.byte	0x40
	.byte	0x2
	.byte	0x25
	.byte	0x8
	.long	0x585
	.uleb128 0xe
	.string	"m"
	.byte	0x2
	.byte	0x26
	.byte	0x10
	.long	0x509
	.byte	0
	.uleb128 0xe
	.string	"m2"
	.byte	0x2
	.byte	0x26
	.byte	0x13
	.long	0x509
	.byte	0x4
	.uleb128 0xe
	.string	"p"
	.byte	0x2
	.byte	0x27
	.byte	0x17
	.long	0x585
	.byte	0x8
	.uleb128 0xe
	.string	"e"
	.byte	0x2
	.byte	0x28
	.byte	0xd
	.long	0x4de
	.byte	0x10
	.uleb128 0xe
	.string	"h"
	.byte	0x2
	.byte	0x29
	.byte	0xe
	.long	0x4a6
	.byte	0x18
	.uleb128 0xe
	.string	"arr"
	.byte	0x2
	.byte	0x2a
	.byte	0x10
	.long	0x58b
	.byte	0x38
	.byte	0
	.uleb128 0x16
	.byte	0x8
	.long	0x52d
	.uleb128 0x18
	.long	0x509
	.long	0x59b
	.uleb128 0x19
	.long	0x224
	.byte	0x1
	.byte	0
	.uleb128 0xb
	.long	.LASF38
	.byte	0x4
	.byte	0x2
	.byte	0x2c
	.byte	0x8
	.long	0x5b6
	.uleb128 0xe
	.string	"now"
	.byte	0x2
	.byte	0x2c
	.byte	0x15
	.long	0x55
	.byte	0
	.byte	0
	.uleb128 0xb
	.long	.LASF39
	.byte	0x4
	.byte	0x1
	.byte	0x1
	.byte	0x8
	.long	0x5d1
	.uleb128 0x14
	.long	.LASF40
	.byte	0x1
	.byte	0x1
	.byte	0x16
	.long	0x55
	.byte	0
	.byte	0
	.uleb128 0x2d
	.long	.LASF41
	.byte	0x1
	.byte	0xe
	.byte	0xc
	.long	0x1a0
	.uleb128 0x9
	.byte	0x3
	.quad	v_rec
	.uleb128 0x2d
	.long	.LASF42
	.byte	0x1
	.byte	0xf
	.byte	0x7
	.long	0x256
	.uleb128 0x9
	.byte	0x3
	.quad	v_anont
	.uleb128 0x2d
	.long	.LASF43
	.byte	0x1
	.byte	0x10
	.byte	0x4
	.long	0x262
	.uleb128 0x9
	.byte	0x3
	.quad	v_fp
	.uleb128 0x2d
	.long	.LASF44
	.byte	0x1
	.byte	0x11
	.byte	0x7
	.long	0x299
	.uleb128 0x9
	.byte	0x3
	.quad	v_fparr
	.uleb128 0x2d
	.long	.LASF45
	.byte	0x1
	.byte	0x12
	.byte	0xd
	.long	0x63f
	.uleb128 0x9
	.byte	0x3
	.quad	v_big
	.uleb128 0x16
	.byte	0x8
	.long	0x2b5
	.uleb128 0x2d
	.long	.LASF46
	.byte	0x1
	.byte	0x13
	.byte	0x5
	.long	0x370
	.uleb128 0x9
	.byte	0x3
	.quad	v_cvp
	.uleb128 0x2d
	.long	.LASF47
	.byte	0x1
	.byte	0x14
	.byte	0x4
	.long	0x671
	.uleb128 0x9
	.byte	0x3
	.quad	v_ai
	.uleb128 0x6
	.byte	0x4
	.byte	0x5
	.string	"ai"
	.uleb128 0x2d
	.long	.LASF48
	.byte	0x1
	.byte	0x15
	.byte	0x6
	.long	0x37c
	.uleb128 0x9
	.byte	0x3
	.quad	v_i128
	.uleb128 0x2d
	.long	.LASF49
	.byte	0x1
	.byte	0x16
	.byte	0x4
	.long	0x38f
	.uleb128 0x9
	.byte	0x3
	.quad	v_cd
	.uleb128 0x2d
	.long	.LASF50
	.byte	0x1
	.byte	0x17
	.byte	0x4
	.long	0x3a1
	.uleb128 0x9
	.byte	0x3
	.quad	v_v4
	.uleb128 0x2d
	.long	.LASF51
	.byte	0x1
	.byte	0x18
	.byte	0xb
	.long	0x3b8
	.uleb128 0x9
	.byte	0x3
	.quad	v_al
	.uleb128 0x2d
	.long	.LASF52
	.byte	0x1
	.byte	0x19
	.byte	0xb
	.long	0x3d2
	.uleb128 0x9
	.byte	0x3
	.quad	v_pk
	.uleb128 0x2d
	.long	.LASF53
	.byte	0x1
	.byte	0x1a
	.byte	0x6
	.long	0x3f5
	.uleb128 0x9
	.byte	0x3
	.quad	v_al_t
	.uleb128 0x2d
	.long	.LASF54
	.byte	0x1
	.byte	0x1b
	.byte	0xb
	.long	0x61
	.uleb128 0x9
	.byte	0x3
	.quad	v_wide
	.uleb128 0x18
	.long	0x11a
	.long	0x721
	.uleb128 0x19
	.long	0x224
	.byte	0x1
	.byte	0
	.uleb128 0xf
	.long	0x711
	.uleb128 0x2d
	.long	.LASF55
	.byte	0x1
	.byte	0x1c
	.byte	0xc
	.long	0x721
	.uleb128 0x9
	.byte	0x3
	.quad	v_string
	.uleb128 0x2d
	.long	.LASF56
	.byte	0x1
	.byte	0x1d
	.byte	0x7
	.long	0x752
	.uleb128 0x9
	.byte	0x3
	.quad	v_void
	.uleb128 0x2e
	.byte	0x8
	.uleb128 0xd
	.byte	0x4
	.byte	0x1
	.byte	0x1e
	.byte	0x11
	.long	0x769
	.uleb128 0xe
	.string	"m"
	.byte	0x1
	.byte	0x1e
	.byte	0x1e
	.long	0x55
	.byte	0
	.byte	0
	.uleb128 0xd
	.byte	0x8
	.byte	0x1
	.byte	0x1e
	.byte	0x1
	.long	0x789
	.uleb128 0xe
	.string	"n"
	.byte	0x1
	.byte	0x1e
	.byte	0xe
	.long	0x55
	.byte	0
	.uleb128 0xe
	.string	"k"
	.byte	0x1
	.byte	0x1e
	.byte	0x23
	.long	0x754
	.byte	0x4
	.byte	0
	.uleb128 0x2d
	.long	.LASF57
	.byte	0x1
	.byte	0x1e
	.byte	0x28
	.long	0x769
	.uleb128 0x9
	.byte	0x3
	.quad	v_struct
	.uleb128 0x10
	.byte	0x4
	.byte	0x1
	.byte	0x1f
	.byte	0x1
	.long	0x7bd
	.uleb128 0x11
	.string	"n"
	.byte	0x1
	.byte	0x1f
	.byte	0xd
	.long	0x55
	.uleb128 0x11
	.string	"f"
	.byte	0x1
	.byte	0x1f
	.byte	0x16
	.long	0x142
	.byte	0
	.uleb128 0x2d
	.long	.LASF58
	.byte	0x1
	.byte	0x1f
	.byte	0x1b
	.long	0x79f
	.uleb128 0x9
	.byte	0x3
	.quad	v_union
	.uleb128 0x2f
	.byte	0x7
	.byte	0x4
	.long	0x83
	.byte	0x1
	.byte	0x20
	.byte	0x6
	.long	0x7e8
	.uleb128 0x4
	.long	.LASF59
	.byte	0
	.byte	0
	.uleb128 0x2d
	.long	.LASF60
	.byte	0x1
	.byte	0x20
	.byte	0x12
	.long	0x7d3
	.uleb128 0x9
	.byte	0x3
	.quad	v_enum
	.uleb128 0x18
	.long	0x55
	.long	0x814
	.uleb128 0x19
	.long	0x224
	.byte	0x2
	.uleb128 0x19
	.long	0x224
	.byte	0x3
	.byte	0
	.uleb128 0x2d
	.long	.LASF61
	.byte	0x1
	.byte	0x21
	.byte	0x5
	.long	0x7fe
	.uleb128 0x9
	.byte	0x3
	.quad	v_array
	.uleb128 0x18
	.long	0x55
	.long	0x83a
	.uleb128 0x19
	.long	0x224
	.byte	0x4
	.byte	0
	.uleb128 0x2d
	.long	.LASF62
	.byte	0x1
	.byte	0x21
	.byte	0x16
	.long	0x850
	.uleb128 0x9
	.byte	0x3
	.quad	v_arrayp
	.uleb128 0x16
	.byte	0x8
	.long	0x82a
	.uleb128 0x2d
	.long	.LASF63
	.byte	0x1
	.byte	0x22
	.byte	0x13
	.long	0x55
	.uleb128 0xa
	.byte	0xe
	.long	v_thread@dtpoff, 0
	.byte	0xe0
	.uleb128 0x2d
	.long	.LASF64
	.byte	0x1
	.byte	0x23
	.byte	0xf
	.long	0x889
	.uleb128 0x9
	.byte	0x3
	.quad	v_restrict
	.uleb128 0x16
	.byte	0x8
	.long	0x55
	.uleb128 0x1f
	.long	0x883
	.uleb128 0x2d
	.long	.LASF65
	.byte	0x1
	.byte	0x24
	.byte	0x7
	.long	0xec
	.uleb128 0x9
	.byte	0x3
	.quad	v_bool
	.uleb128 0x2d
	.long	.LASF66
	.byte	0x1
	.byte	0x25
	.byte	0xd
	.long	0x8ba
	.uleb128 0x9
	.byte	0x3
	.quad	v_double
	.uleb128 0xa
	.byte	0x10
	.byte	0x4
	.long	.LASF67
	.uleb128 0x30
	.long	.LASF68
	.byte	0x1
	.byte	0x29
	.byte	0xc
	.long	0x55
	.uleb128 0x30
	.long	.LASF69
	.byte	0x1
	.byte	0x2b
	.byte	0x13
	.long	0x1a0
	.uleb128 0x31
	.long	.LASF70
	.byte	0x1
	.byte	0x2c
	.byte	0x1
	.long	0x883
	.uleb128 0x9
	.byte	0x3
	.quad	__gendwarfksyms_ptr_extern_v
	.uleb128 0x1a
	.long	0x55
	.long	0x8fe
	.uleb128 0x1b
	.long	0x8fe
	.byte	0
	.uleb128 0x16
	.byte	0x8
	.long	0x3d2
	.uleb128 0x31
	.long	.LASF71
	.byte	0x1
	.byte	0x2d
	.byte	0x1
	.long	0x91a
	.uleb128 0x9
	.byte	0x3
	.quad	__gendwarfksyms_ptr_extern_f
	.uleb128 0x16
	.byte	0x8
	.long	0x8ef
	.uleb128 0x31
	.long	.LASF72
	.byte	0x1
	.byte	0x2e
	.byte	0x1
	.long	0x1d3
	.uleb128 0x9
	.byte	0x3
	.quad	__gendwarfksyms_ptr_v_rec
	.uleb128 0x2d
	.long	.LASF73
	.byte	0x1
	.byte	0x2f
	.byte	0xd
	.long	0x1d3
	.uleb128 0x9
	.byte	0x3
	.quad	points
	.uleb128 0x2d
	.long	.LASF74
	.byte	0x1
	.byte	0x31
	.byte	0xd
	.long	0x4a6
	.uleb128 0x9
	.byte	0x3
	.quad	v_kept
	.uleb128 0x2d
	.long	.LASF75
	.byte	0x1
	.byte	0x32
	.byte	0xd
	.long	0x532
	.uleb128 0x9
	.byte	0x3
	.quad	v_uses
	.uleb128 0x2d
	.long	.LASF76
	.byte	0x1
	.byte	0x33
	.byte	0xf
	.long	0x509
	.uleb128 0x9
	.byte	0x3
	.quad	v_renamed
	.uleb128 0x2d
	.long	.LASF77
	.byte	0x1
	.byte	0x34
	.byte	0xc
	.long	0x4de
	.uleb128 0x9
	.byte	0x3
	.quad	v_grown
	.uleb128 0x2d
	.long	.LASF78
	.byte	0x1
	.byte	0x35
	.byte	0xf
	.long	0x59b
	.uleb128 0x9
	.byte	0x3
	.quad	v_hidden
	.uleb128 0x18
	.long	0x11a
	.long	0x9ca
	.uleb128 0x19
	.long	0x224
	.byte	0x20
	.byte	0
	.uleb128 0xf
	.long	0x9ba
	.uleb128 0x32
	.long	.LASF79
	.byte	0x1
	.byte	0x3b
	.byte	0x1
	.long	0x9ca
	.byte	0x1
	.uleb128 0x9
	.byte	0x3
	.quad	rule1
	.uleb128 0x18
	.long	0x11a
	.long	0x9f6
	.uleb128 0x19
	.long	0x224
	.byte	0x21
	.byte	0
	.uleb128 0xf
	.long	0x9e6
	.uleb128 0x32
	.long	.LASF80
	.byte	0x1
	.byte	0x3c
	.byte	0x1
	.long	0x9f6
	.byte	0x1
	.uleb128 0x9
	.byte	0x3
	.quad	rule2
	.uleb128 0x18
	.long	0x11a
	.long	0xa22
	.uleb128 0x19
	.long	0x224
	.byte	0x13
	.byte	0
	.uleb128 0xf
	.long	0xa12
	.uleb128 0x32
	.long	.LASF81
	.byte	0x1
	.byte	0x3d
	.byte	0x1
	.long	0xa22
	.byte	0x1
	.uleb128 0x9
	.byte	0x3
	.quad	rule3
	.uleb128 0x18
	.long	0x11a
	.long	0xa4e
	.uleb128 0x19
	.long	0x224
	.byte	0x38
	.byte	0
	.uleb128 0xf
	.long	0xa3e
	.uleb128 0x32
	.long	.LASF82
	.byte	0x1
	.byte	0x3e
	.byte	0x1
	.long	0xa4e
	.byte	0x1
	.uleb128 0x9
	.byte	0x3
	.quad	rule4
	.uleb128 0x18
	.long	0x11a
	.long	0xa7a
	.uleb128 0x19
	.long	0x224
	.byte	0x30
	.byte	0
	.uleb128 0xf
	.long	0xa6a
	.uleb128 0x32
	.long	.LASF83
	.byte	0x1
	.byte	0x3f
	.byte	0x1
	.long	0xa7a
	.byte	0x1
	.uleb128 0x9
	.byte	0x3
	.quad	rule5
	.uleb128 0x18
	.long	0x11a
	.long	0xaa6
	.uleb128 0x19
	.long	0x224
	.byte	0x2b
	.byte	0
	.uleb128 0xf
	.long	0xa96
	.uleb128 0x32
	.long	.LASF84
	.byte	0x1
	.byte	0x40
	.byte	0x1
	.long	0xaa6
	.byte	0x1
	.uleb128 0x9
	.byte	0x3
	.quad	rule6
	.uleb128 0x18
	.long	0x11a
	.long	0xad2
	.uleb128 0x19
	.long	0x224
	.byte	0x11
	.byte	0
	.uleb128 0xf
	.long	0xac2
	.uleb128 0x32
	.long	.LASF85
	.byte	0x1
	.byte	0x41
	.byte	0x1
	.long	0xad2
	.byte	0x1
	.uleb128 0x9
	.byte	0x3
	.quad	rule7
	.uleb128 0x18
	.long	0x11a
	.long	0xafe
	.uleb128 0x19
	.long	0x224
	.byte	0x12
	.byte	0
	.uleb128 0xf
	.long	0xaee
	.uleb128 0x32
	.long	.LASF86
	.byte	0x1
	.byte	0x42
	.byte	0x1
	.long	0xafe
	.byte	0x1
	.uleb128 0x9
	.byte	0x3
	.quad	rule8
	.uleb128 0x33
	.long	.LASF99
	.byte	0x1
	.byte	0x2a
	.byte	0xc
	.long	0x55
	.long	0xb30
	.uleb128 0x1b
	.long	0x8fe
	.byte	0
	.uleb128 0x34
	.long	.LASF87
	.byte	0x1
	.byte	0x37
	.byte	0xf
	.long	0x509
	.quad	.LFB9
	.quad	.LFE9-.LFB9
	.uleb128 0x1
	.byte	0x9c
	.long	0xb60
	.uleb128 0x35
	.string	"x"
	.byte	0x1
	.byte	0x37
	.byte	0x2f
	.long	0x509
	.uleb128 0x2
	.byte	0x91
	.sleb128 -20
	.byte	0
	.uleb128 0x34
	.long	.LASF88
	.byte	0x1
	.byte	0x36
	.byte	0x5
	.long	0x55
	.quad	.LFB8
	.quad	.LFE8-.LFB8
	.uleb128 0x1
	.byte	0x9c
	.long	0xbaa
	.uleb128 0x36
	.string	"a"
	.byte	0x1
	.byte	0x36
	.byte	0x19
	.long	0xbaa
	.uleb128 0x2
	.byte	0x91
	.sleb128 -24
	.uleb128 0x36
	.string	"b"
	.byte	0x1
	.byte	0x36
	.byte	0x2a
	.long	0x509
	.uleb128 0x2
	.byte	0x91
	.sleb128 -28
	.uleb128 0x36
	.string	"c"
	.byte	0x1
	.byte	0x36
	.byte	0x38
	.long	0x4de
	.uleb128 0x2
	.byte	0x91
	.sleb128 -32
	.byte	0
	.uleb128 0x16
	.byte	0x8
	.long	0x532
	.uleb128 0x34
	.long	.LASF89
	.byte	0x1
	.byte	0xc
	.byte	0x5
	.long	0x55
	.quad	.LFB7
	.quad	.LFE7-.LFB7
	.uleb128 0x1
	.byte	0x9c
	.long	0xbe0
	.uleb128 0x36
	.string	"x"
	.byte	0x1
	.byte	0xc
	.byte	0xe
	.long	0x55
	.uleb128 0x2
	.byte	0x91
	.sleb128 -20
	.byte	0
	.uleb128 0x37
	.long	.LASF100
	.byte	0x1
	.byte	0x9
	.byte	0x5
	.long	0x55
	.quad	.LFB6
	.quad	.LFE6-.LFB6
	.uleb128 0x1
	.byte	0x9c
	.uleb128 0x1a
	.long	0x55
	.long	0xc0d
	.uleb128 0x1b
	.long	0x43f
	.byte	0
	.uleb128 0x34
	.long	.LASF90
	.byte	0x1
	.byte	0x8
	.byte	0x7
	.long	0xc3d
	.quad	.LFB5
	.quad	.LFE5-.LFB5
	.uleb128 0x1
	.byte	0x9c
	.long	0xc3d
	.uleb128 0x36
	.string	"x"
	.byte	0x1
	.byte	0x8
	.byte	0x13
	.long	0x55
	.uleb128 0x2
	.byte	0x91
	.sleb128 -20
	.byte	0
	.uleb128 0x16
	.byte	0x8
	.long	0xbfe
	.uleb128 0x38
	.string	"vla"
	.byte	0x1
	.byte	0x6
	.byte	0x5
	.long	0x55
	.quad	.LFB4
	.quad	.LFE4-.LFB4
	.uleb128 0x1
	.byte	0x9c
	.long	0xcb3
	.uleb128 0x36
	.string	"n"
	.byte	0x1
	.byte	0x6
	.byte	0xd
	.long	0x55
	.uleb128 0x2
	.byte	0x91
	.sleb128 -36
	.uleb128 0x36
	.string	"a"
	.byte	0x1
	.byte	0x6
	.byte	0x14
	.long	0x883
	.uleb128 0x2
	.byte	0x91
	.sleb128 -48
	.uleb128 0xb
	.long	.LASF91
	.byte	0x4
	.byte	0x1
	.byte	0x6
	.byte	0x23
	.long	0xc98
	.uleb128 0xe
	.string	"k"
	.byte	0x1
	.byte	0x6
	.byte	0x2f
	.long	0x55
	.byte	0
	.byte	0
	.uleb128 0x35
	.string	"l"
	.byte	0x1
	.byte	0x6
	.byte	0x34
	.long	0xc7f
	.uleb128 0x2
	.byte	0x91
	.sleb128 -28
	.uleb128 0x35
	.string	"q"
	.byte	0x1
	.byte	0x6
	.byte	0x40
	.long	0xcb3
	.uleb128 0x2
	.byte	0x91
	.sleb128 -24
	.byte	0
	.uleb128 0x16
	.byte	0x8
	.long	0xc7f
	.uleb128 0x39
	.long	.LASF92
	.byte	0x1
	.byte	0x5
	.byte	0x5
	.long	0x55
	.quad	.LFB3
	.quad	.LFE3-.LFB3
	.uleb128 0x1
	.byte	0x9c
	.long	0xce9
	.uleb128 0x36
	.string	"b"
	.byte	0x1
	.byte	0x5
	.byte	0x19
	.long	0xce9
	.uleb128 0x2
	.byte	0x91
	.sleb128 -32
	.byte	0
	.uleb128 0x16
	.byte	0x8
	.long	0x8a
	.uleb128 0x3a
	.long	.LASF101
	.byte	0x1
	.byte	0x4
	.byte	0x13
	.long	0x55
	.quad	.LFB2
	.quad	.LFE2-.LFB2
	.uleb128 0x1
	.byte	0x9c
	.long	0xd1f
	.uleb128 0x36
	.string	"b"
	.byte	0x1
	.byte	0x4
	.byte	0x28
	.long	0xce9
	.uleb128 0x2
	.byte	0x91
	.sleb128 -24
	.byte	0
	.uleb128 0x3b
	.string	"knr"
	.byte	0x1
	.byte	0x3
	.byte	0x5
	.long	0x55
	.quad	.LFB1
	.quad	.LFE1-.LFB1
	.uleb128 0x1
	.byte	0x9c
	.long	0xd69
	.uleb128 0x36
	.string	"a"
	.byte	0x1
	.byte	0x3
	.byte	0x16
	.long	0x55
	.uleb128 0x2
	.byte	0x91
	.sleb128 -20
	.uleb128 0x36
	.string	"b"
	.byte	0x1
	.byte	0x3
	.byte	0x1e
	.long	0x113
	.uleb128 0x2
	.byte	0x91
	.sleb128 -24
	.uleb128 0x36
	.string	"c"
	.byte	0x1
	.byte	0x3
	.byte	0x2d
	.long	0x1d3
	.uleb128 0x2
	.byte	0x91
	.sleb128 -32
	.byte	0
	.uleb128 0x34
	.long	.LASF93
	.byte	0x1
	.byte	0x2
	.byte	0xd
	.long	0x19a
	.quad	.LFB0
	.quad	.LFE0-.LFB0
	.uleb128 0x1
	.byte	0x9c
	.long	0xdc5
	.uleb128 0x36
	.string	"a"
	.byte	0x1
	.byte	0x2
	.byte	0x25
	.long	0xdc5
	.uleb128 0x3
	.byte	0x91
	.sleb128 -200
	.uleb128 0x36
	.string	"u"
	.byte	0x1
	.byte	0x2
	.byte	0x34
	.long	0xdd0
	.uleb128 0x3
	.byte	0x91
	.sleb128 -208
	.uleb128 0x36
	.string	"e"
	.byte	0x1
	.byte	0x2
	.byte	0x41
	.long	0x2d
	.uleb128 0x3
	.byte	0x91
	.sleb128 -212
	.uleb128 0x36
	.string	"p"
	.byte	0x1
	.byte	0x2
	.byte	0x54
	.long	0xdd6
	.uleb128 0x3
	.byte	0x91
	.sleb128 -224
	.uleb128 0x1c
	.byte	0
	.uleb128 0x16
	.byte	0x8
	.long	0x15e
	.uleb128 0x3c
	.long	.LASF102
	.uleb128 0x16
	.byte	0x8
	.long	0xdcb
	.uleb128 0x16
	.byte	0x8
	.long	0x5b6
	.byte	0
	.section	.debug_abbrev,"",@progbits
.Ldebug_abbrev0:
	.uleb128 0x1
	.uleb128 0x11
	.byte	0x1
	.uleb128 0x25
	.uleb128 0xe
	.uleb128 0x13
	.uleb128 0xb
	.uleb128 0x3
	.uleb128 0xe
	.uleb128 0x1b
	.uleb128 0xe
	.uleb128 0x11
	.uleb128 0x1
	.uleb128 0x12
	.uleb128 0x7
	.uleb128 0x10
	.uleb128 0x17
	.byte	0
	.byte	0
	.uleb128 0x2
	.uleb128 0x4
	.byte	0x1
	.uleb128 0x3
	.uleb128 0xe
	.uleb128 0x3e
	.uleb128 0xb
	.uleb128 0xb
	.uleb128 0xb
	.uleb128 0x49
	.uleb128 0x13
	.uleb128 0x3a
	.uleb128 0xb
	.uleb128 0x3b
	.uleb128 0xb
	.uleb128 0x39
	.uleb128 0xb
	.uleb128 0x1
	.uleb128 0x13
	.byte	0
	.byte	0
	.uleb128 0x3
	.uleb128 0x28
	.byte	0
	.uleb128 0x3
	.uleb128 0xe
	.uleb128 0x1c
	.uleb128 0xd
	.byte	0
	.byte	0
	.uleb128 0x4
	.uleb128 0x28
	.byte	0
	.uleb128 0x3
	.uleb128 0xe
	.uleb128 0x1c
	.uleb128 0xb
	.byte	0
	.byte	0
	.uleb128 0x5
	.uleb128 0x28
	.byte	0
	.uleb128 0x3
	.uleb128 0xe
	.uleb128 0x1c
	.uleb128 0x6
	.byte	0
	.byte	0
	.uleb128 0x6
	.uleb128 0x24
	.byte	0
	.uleb128 0xb
	.uleb128 0xb
	.uleb128 0x3e
	.uleb128 0xb
	.uleb128 0x3
	.uleb128 0x8
	.byte	0
	.byte	0
	.uleb128 0x7
	.uleb128 0x35
	.byte	0
	.uleb128 0x49
	.uleb128 0x13
	.byte	0
	.byte	0
	.uleb128 0x8
	.uleb128 0x28
	.byte	0
	.uleb128 0x3
	.uleb128 0x8
	.uleb128 0x1c
	.uleb128 0x6
	.byte	0
	.byte	0
	.uleb128 0x9
	.uleb128 0x28
	.byte	0
	.uleb128 0x3
	.uleb128 0x8
	.uleb128 0x1c
	.uleb128 0xb
	.byte	0
	.byte	0
	.uleb128 0xa
	.uleb128 0x24
	.byte	0
	.uleb128 0xb
	.uleb128 0xb
	.uleb128 0x3e
	.uleb128 0xb
	.uleb128 0x3
	.uleb128 0xe
	.byte	0
	.byte	0
	.uleb128 0xb
	.uleb128 0x13
	.byte	0x1
	.uleb128 0x3
	.uleb128 0xe
	.uleb128 0xb
	.uleb128 0xb
	.uleb128 0x3a
	.uleb128 0xb
	.uleb128 0x3b
	.uleb128 0xb
	.uleb128 0x39
	.uleb128 0xb
	.uleb128 0x1
	.uleb128 0x13
	.byte	0
	.byte	0
	.uleb128 0xc
	.uleb128 0xd
	.byte	0
	.uleb128 0x3
	.uleb128 0x8
	.uleb128 0x3a
	.uleb128 0xb
	.uleb128 0x3b
	.uleb128 0xb
	.uleb128 0x39
	.uleb128 0xb
	.uleb128 0x49
	.uleb128 0x13
	.uleb128 0xb
	.uleb128 0xb
	.uleb128 0xd
	.uleb128 0xb
	.uleb128 0xc
	.uleb128 0xb
	.uleb128 0x38
	.uleb128 0xb
	.byte	0
	.byte	0
	.uleb128 0xd
	.uleb128 0x13
	.byte	0x1
	.uleb128 0xb
	.uleb128 0xb
	.uleb128 0x3a
	.uleb128 0xb
	.uleb128 0x3b
	.uleb128 0xb
	.uleb128 0x39
	.uleb128 0xb
	.uleb128 0x1
	.uleb128 0x13
	.byte	0
	.byte	0
	.uleb128 0xe
	.uleb128 0xd
	.byte	0
	.uleb128 0x3
	.uleb128 0x8
	.uleb128 0x3a
	.uleb128 0xb
	.uleb128 0x3b
	.uleb128 0xb
	.uleb128 0x39
	.uleb128 0xb
	.uleb128 0x49
	.uleb128 0x13
	.uleb128 0x38
	.uleb128 0xb
	.byte	0
	.byte	0
	.uleb128 0xf
	.uleb128 0x26
	.byte	0
	.uleb128 0x49
	.uleb128 0x13
	.byte	0
	.byte	0
	.uleb128 0x10
	.uleb128 0x17
	.byte	0x1
	.uleb128 0xb
	.uleb128 0xb
	.uleb128 0x3a
	.uleb128 0xb
	.uleb128 0x3b
	.uleb128 0xb
	.uleb128 0x39
	.uleb128 0xb
	.uleb128 0x1
	.uleb128 0x13
	.byte	0
	.byte	0
	.uleb128 0x11
	.uleb128 0xd
	.byte	0
	.uleb128 0x3
	.uleb128 0x8
	.uleb128 0x3a
	.uleb128 0xb
	.uleb128 0x3b
	.uleb128 0xb
	.uleb128 0x39
	.uleb128 0xb
	.uleb128 0x49
	.uleb128 0x13
	.byte	0
	.byte	0
	.uleb128 0x12
	.uleb128 0xd
	.byte	0
	.uleb128 0x49
	.uleb128 0x13
	.byte	0
	.byte	0
	.uleb128 0x13
	.uleb128 0xd
	.byte	0
	.uleb128 0x49
	.uleb128 0x13
	.uleb128 0x38
	.uleb128 0xb
	.byte	0
	.byte	0
	.uleb128 0x14
	.uleb128 0xd
	.byte	0
	.uleb128 0x3
	.uleb128 0xe
	.uleb128 0x3a
	.uleb128 0xb
	.uleb128 0x3b
	.uleb128 0xb
	.uleb128 0x39
	.uleb128 0xb
	.uleb128 0x49
	.uleb128 0x13
	.uleb128 0x38
	.uleb128 0xb
	.byte	0
	.byte	0
	.uleb128 0x15
	.uleb128 0x13
	.byte	0
	.uleb128 0x3
	.uleb128 0x8
	.uleb128 0x3c
	.uleb128 0x19
	.byte	0
	.byte	0
	.uleb128 0x16
	.uleb128 0xf
	.byte	0
	.uleb128 0xb
	.uleb128 0xb
	.uleb128 0x49
	.uleb128 0x13
	.byte	0
	.byte	0
	.uleb128 0x17
	.uleb128 0x13
	.byte	0x1
	.uleb128 0x3
	.uleb128 0x8
	.uleb128 0xb
	.uleb128 0xb
	.uleb128 0x3a
	.uleb128 0xb
	.uleb128 0x3b
	.uleb128 0xb
	.uleb128 0x39
	.uleb128 0xb
	.uleb128 0x1
	.uleb128 0x13
	.byte	0
	.byte	0
	.uleb128 0x18
	.uleb128 0x1
	.byte	0x1
	.uleb128 0x49
	.uleb128 0x13
	.uleb128 0x1
	.uleb128 0x13
	.byte	0
	.byte	0
	.uleb128 0x19
	.uleb128 0x21
	.byte	0
	.uleb128 0x49
	.uleb128 0x13
	.uleb128 0x2f
	.uleb128 0xb
	.byte	0
	.byte	0
	.uleb128 0x1a
	.uleb128 0x15
	.byte	0x1
	.uleb128 0x27
	.uleb128 0x19
	.uleb128 0x49
	.uleb128 0x13
	.uleb128 0x1
	.uleb128 0x13
	.byte	0
	.byte	0
	.uleb128 0x1b
	.uleb128 0x5
	.byte	0
	.uleb128 0x49
	.uleb128 0x13
	.byte	0
	.byte	0
	.uleb128 0x1c
	.uleb128 0x18
	.byte	0
	.byte	0
	.byte	0
	.uleb128 0x1d
	.uleb128 0x16
	.byte	0
	.uleb128 0x3
	.uleb128 0xe
	.uleb128 0x3a
	.uleb128 0xb
	.uleb128 0x3b
	.uleb128 0xb
	.uleb128 0x39
	.uleb128 0xb
	.uleb128 0x49
	.uleb128 0x13
	.byte	0
	.byte	0
	.uleb128 0x1e
	.uleb128 0x16
	.byte	0
	.uleb128 0x3
	.uleb128 0x8
	.uleb128 0x3a
	.uleb128 0xb
	.uleb128 0x3b
	.uleb128 0xb
	.uleb128 0x39
	.uleb128 0xb
	.uleb128 0x49
	.uleb128 0x13
	.byte	0
	.byte	0
	.uleb128 0x1f
	.uleb128 0x37
	.byte	0
	.uleb128 0x49
	.uleb128 0x13
	.byte	0
	.byte	0
	.uleb128 0x20
	.uleb128 0x13
	.byte	0x1
	.uleb128 0x3
	.uleb128 0x8
	.uleb128 0xb
	.uleb128 0x6
	.uleb128 0x3a
	.uleb128 0xb
	.uleb128 0x3b
	.uleb128 0xb
	.uleb128 0x39
	.uleb128 0xb
	.uleb128 0x1
	.uleb128 0x13
	.byte	0
	.byte	0
	.uleb128 0x21
	.uleb128 0xd
	.byte	0
	.uleb128 0x3
	.uleb128 0x8
	.uleb128 0x3a
	.uleb128 0xb
	.uleb128 0x3b
	.uleb128 0xb
	.uleb128 0x39
	.uleb128 0xb
	.uleb128 0x49
	.uleb128 0x13
	.uleb128 0x38
	.uleb128 0x6
	.byte	0
	.byte	0
	.uleb128 0x22
	.uleb128 0xd
	.byte	0
	.uleb128 0x3
	.uleb128 0xe
	.uleb128 0x3a
	.uleb128 0xb
	.uleb128 0x3b
	.uleb128 0xb
	.uleb128 0x39
	.uleb128 0xb
	.uleb128 0x49
	.uleb128 0x13
	.uleb128 0x38
	.uleb128 0x6
	.byte	0
	.byte	0
	.uleb128 0x23
	.uleb128 0x21
	.byte	0
	.uleb128 0x49
	.uleb128 0x13
	.uleb128 0x2f
	.uleb128 0x6
	.byte	0
	.byte	0
	.uleb128 0x24
	.uleb128 0x21
	.byte	0
	.uleb128 0x49
	.uleb128 0x13
	.uleb128 0x2f
	.uleb128 0x5
	.byte	0
	.byte	0
	.uleb128 0x25
	.uleb128 0x21
	.byte	0
	.uleb128 0x49
	.uleb128 0x13
	.byte	0
	.byte	0
	.uleb128 0x26
	.uleb128 0x1
	.byte	0x1
	.uleb128 0x2107
	.uleb128 0x19
	.uleb128 0x49
	.uleb128 0x13
	.uleb128 0x1
	.uleb128 0x13
	.byte	0
	.byte	0
	.uleb128 0x27
	.uleb128 0x21
	.byte	0
	.uleb128 0x2f
	.uleb128 0xb
	.byte	0
	.byte	0
	.uleb128 0x28
	.uleb128 0x13
	.byte	0x1
	.uleb128 0x3
	.uleb128 0x8
	.uleb128 0xb
	.uleb128 0xb
	.uleb128 0x88
	.uleb128 0xb
	.uleb128 0x3a
	.uleb128 0xb
	.uleb128 0x3b
	.uleb128 0xb
	.uleb128 0x39
	.uleb128 0xb
	.uleb128 0x1
	.uleb128 0x13
	.byte	0
	.byte	0
	.uleb128 0x29
	.uleb128 0xd
	.byte	0
	.uleb128 0x3
	.uleb128 0x8
	.uleb128 0x3a
	.uleb128 0xb
	.uleb128 0x3b
	.uleb128 0xb
	.uleb128 0x39
	.uleb128 0xb
	.uleb128 0x49
	.uleb128 0x13
	.uleb128 0x88
	.uleb128 0xb
	.uleb128 0x38
	.uleb128 0xb
	.byte	0
	.byte	0
	.uleb128 0x2a
	.uleb128 0x16
	.byte	0
	.uleb128 0x3
	.uleb128 0xe
	.uleb128 0x3a
	.uleb128 0xb
	.uleb128 0x3b
	.uleb128 0xb
	.uleb128 0x39
	.uleb128 0xb
	.uleb128 0x49
	.uleb128 0x13
	.uleb128 0x88
	.uleb128 0xb
	.byte	0
	.byte	0
	.uleb128 0x2b
	.uleb128 0xd
	.byte	0
	.uleb128 0x3
	.uleb128 0xe
	.uleb128 0x3a
	.uleb128 0xb
	.uleb128 0x3b
	.uleb128 0xb
	.uleb128 0x39
	.uleb128 0xb
	.uleb128 0x49
	.uleb128 0x13
	.byte	0
	.byte	0
	.uleb128 0x2c
	.uleb128 0x17
	.byte	0x1
	.uleb128 0x3
	.uleb128 0xe
	.uleb128 0xb
	.uleb128 0xb
	.uleb128 0x3a
	.uleb128 0xb
	.uleb128 0x3b
	.uleb128 0xb
	.uleb128 0x39
	.uleb128 0xb
	.uleb128 0x1
	.uleb128 0x13
	.byte	0
	.byte	0
	.uleb128 0x2d
	.uleb128 0x34
	.byte	0
	.uleb128 0x3
	.uleb128 0xe
	.uleb128 0x3a
	.uleb128 0xb
	.uleb128 0x3b
	.uleb128 0xb
	.uleb128 0x39
	.uleb128 0xb
	.uleb128 0x49
	.uleb128 0x13
	.uleb128 0x3f
	.uleb128 0x19
	.uleb128 0x2
	.uleb128 0x18
	.byte	0
	.byte	0
	.uleb128 0x2e
	.uleb128 0xf
	.byte	0
	.uleb128 0xb
	.uleb128 0xb
	.byte	0
	.byte	0
	.uleb128 0x2f
	.uleb128 0x4
	.byte	0x1
	.uleb128 0x3e
	.uleb128 0xb
	.uleb128 0xb
	.uleb128 0xb
	.uleb128 0x49
	.uleb128 0x13
	.uleb128 0x3a
	.uleb128 0xb
	.uleb128 0x3b
	.uleb128 0xb
	.uleb128 0x39
	.uleb128 0xb
	.uleb128 0x1
	.uleb128 0x13
	.byte	0
	.byte	0
	.uleb128 0x30
	.uleb128 0x34
	.byte	0
	.uleb128 0x3
	.uleb128 0xe
	.uleb128 0x3a
	.uleb128 0xb
	.uleb128 0x3b
	.uleb128 0xb
	.uleb128 0x39
	.uleb128 0xb
	.uleb128 0x49
	.uleb128 0x13
	.uleb128 0x3f
	.uleb128 0x19
	.uleb128 0x3c
	.uleb128 0x19
	.byte	0
	.byte	0
	.uleb128 0x31
	.uleb128 0x34
	.byte	0
	.uleb128 0x3
	.uleb128 0xe
	.uleb128 0x3a
	.uleb128 0xb
	.uleb128 0x3b
	.uleb128 0xb
	.uleb128 0x39
	.uleb128 0xb
	.uleb128 0x49
	.uleb128 0x13
	.uleb128 0x2
	.uleb128 0x18
	.byte	0
	.byte	0
	.uleb128 0x32
	.uleb128 0x34
	.byte	0
	.uleb128 0x3
	.uleb128 0xe
	.uleb128 0x3a
	.uleb128 0xb
	.uleb128 0x3b
	.uleb128 0xb
	.uleb128 0x39
	.uleb128 0xb
	.uleb128 0x49
	.uleb128 0x13
	.uleb128 0x88
	.uleb128 0xb
	.uleb128 0x2
	.uleb128 0x18
	.byte	0
	.byte	0
	.uleb128 0x33
	.uleb128 0x2e
	.byte	0x1
	.uleb128 0x3f
	.uleb128 0x19
	.uleb128 0x3
	.uleb128 0xe
	.uleb128 0x3a
	.uleb128 0xb
	.uleb128 0x3b
	.uleb128 0xb
	.uleb128 0x39
	.uleb128 0xb
	.uleb128 0x27
	.uleb128 0x19
	.uleb128 0x49
	.uleb128 0x13
	.uleb128 0x3c
	.uleb128 0x19
	.uleb128 0x1
	.uleb128 0x13
	.byte	0
	.byte	0
	.uleb128 0x34
	.uleb128 0x2e
	.byte	0x1
	.uleb128 0x3f
	.uleb128 0x19
	.uleb128 0x3
	.uleb128 0xe
	.uleb128 0x3a
	.uleb128 0xb
	.uleb128 0x3b
	.uleb128 0xb
	.uleb128 0x39
	.uleb128 0xb
	.uleb128 0x27
	.uleb128 0x19
	.uleb128 0x49
	.uleb128 0x13
	.uleb128 0x11
	.uleb128 0x1
	.uleb128 0x12
	.uleb128 0x7
	.uleb128 0x40
	.uleb128 0x18
	.uleb128 0x2117
	.uleb128 0x19
	.uleb128 0x1
	.uleb128 0x13
	.byte	0
	.byte	0
	.uleb128 0x35
	.uleb128 0x34
	.byte	0
	.uleb128 0x3
	.uleb128 0x8
	.uleb128 0x3a
	.uleb128 0xb
	.uleb128 0x3b
	.uleb128 0xb
	.uleb128 0x39
	.uleb128 0xb
	.uleb128 0x49
	.uleb128 0x13
	.uleb128 0x2
	.uleb128 0x18
	.byte	0
	.byte	0
	.uleb128 0x36
	.uleb128 0x5
	.byte	0
	.uleb128 0x3
	.uleb128 0x8
	.uleb128 0x3a
	.uleb128 0xb
	.uleb128 0x3b
	.uleb128 0xb
	.uleb128 0x39
	.uleb128 0xb
	.uleb128 0x49
	.uleb128 0x13
	.uleb128 0x2
	.uleb128 0x18
	.byte	0
	.byte	0
	.uleb128 0x37
	.uleb128 0x2e
	.byte	0
	.uleb128 0x3f
	.uleb128 0x19
	.uleb128 0x3
	.uleb128 0xe
	.uleb128 0x3a
	.uleb128 0xb
	.uleb128 0x3b
	.uleb128 0xb
	.uleb128 0x39
	.uleb128 0xb
	.uleb128 0x27
	.uleb128 0x19
	.uleb128 0x49
	.uleb128 0x13
	.uleb128 0x11
	.uleb128 0x1
	.uleb128 0x12
	.uleb128 0x7
	.uleb128 0x40
	.uleb128 0x18
	.uleb128 0x2117
	.uleb128 0x19
	.byte	0
	.byte	0
	.uleb128 0x38
	.uleb128 0x2e
	.byte	0x1
	.uleb128 0x3f
	.uleb128 0x19
	.uleb128 0x3
	.uleb128 0x8
	.uleb128 0x3a
	.uleb128 0xb
	.uleb128 0x3b
	.uleb128 0xb
	.uleb128 0x39
	.uleb128 0xb
	.uleb128 0x27
	.uleb128 0x19
	.uleb128 0x49
	.uleb128 0x13
	.uleb128 0x11
	.uleb128 0x1
	.uleb128 0x12
	.uleb128 0x7
	.uleb128 0x40
	.uleb128 0x18
	.uleb128 0x2117
	.uleb128 0x19
	.uleb128 0x1
	.uleb128 0x13
	.byte	0
	.byte	0
	.uleb128 0x39
	.uleb128 0x2e
	.byte	0x1
	.uleb128 0x3f
	.uleb128 0x19
	.uleb128 0x3
	.uleb128 0xe
	.uleb128 0x3a
	.uleb128 0xb
	.uleb128 0x3b
	.uleb128 0xb
	.uleb128 0x39
	.uleb128 0xb
	.uleb128 0x27
	.uleb128 0x19
	.uleb128 0x49
	.uleb128 0x13
	.uleb128 0x11
	.uleb128 0x1
	.uleb128 0x12
	.uleb128 0x7
	.uleb128 0x40
	.uleb128 0x18
	.uleb128 0x2116
	.uleb128 0x19
	.uleb128 0x1
	.uleb128 0x13
	.byte	0
	.byte	0
	.uleb128 0x3a
	.uleb128 0x2e
	.byte	0x1
	.uleb128 0x3
	.uleb128 0xe
	.uleb128 0x3a
	.uleb128 0xb
	.uleb128 0x3b
	.uleb128 0xb
	.uleb128 0x39
	.uleb128 0xb
	.uleb128 0x27
	.uleb128 0x19
	.uleb128 0x49
	.uleb128 0x13
	.uleb128 0x11
	.uleb128 0x1
	.uleb128 0x12
	.uleb128 0x7
	.uleb128 0x40
	.uleb128 0x18
	.uleb128 0x2117
	.uleb128 0x19
	.uleb128 0x1
	.uleb128 0x13
	.byte	0
	.byte	0
	.uleb128 0x3b
	.uleb128 0x2e
	.byte	0x1
	.uleb128 0x3f
	.uleb128 0x19
	.uleb128 0x3
	.uleb128 0x8
	.uleb128 0x3a
	.uleb128 0xb
	.uleb128 0x3b
	.uleb128 0xb
	.uleb128 0x39
	.uleb128 0xb
	.uleb128 0x49
	.uleb128 0x13
	.uleb128 0x11
	.uleb128 0x1
	.uleb128 0x12
	.uleb128 0x7
	.uleb128 0x40
	.uleb128 0x18
	.uleb128 0x2117
	.uleb128 0x19
	.uleb128 0x1
	.uleb128 0x13
	.byte	0
	.byte	0
	.uleb128 0x3c
	.uleb128 0x17
	.byte	0
	.uleb128 0x3
	.uleb128 0xe
	.uleb128 0x3c
	.uleb128 0x19
	.byte	0
	.byte	0
	.byte	0
	.section	.debug_aranges,"",@progbits
	.long	0x2c
	.value	0x2
	.long	.Ldebug_info0
	.byte	0x8
	.byte	0
	.value	0
	.value	0
	.quad	.Ltext0
	.quad	.Letext0-.Ltext0
	.quad	0
	.quad	0
	.section	.debug_line,"",@progbits
.Ldebug_line0:
	.section	.debug_str,"MS",@progbits,1
.LASF39:
	.string	"private"
.LASF22:
	.string	"flex"
.LASF32:
	.string	"grown"
.LASF30:
	.string	"kept"
.LASF46:
	.string	"v_cvp"
.LASF51:
	.string	"v_al"
.LASF78:
	.string	"v_hidden"
.LASF97:
	.string	"al_t"
.LASF58:
	.string	"v_union"
.LASF12:
	.string	"anon"
.LASF100:
	.string	"original"
.LASF67:
	.string	"long double"
.LASF93:
	.string	"parameters"
.LASF24:
	.string	"__int128"
.LASF65:
	.string	"v_bool"
.LASF99:
	.string	"extern_f"
.LASF25:
	.string	"complex double"
.LASF1:
	.string	"ZERO"
.LASF47:
	.string	"v_ai"
.LASF76:
	.string	"v_renamed"
.LASF69:
	.string	"extern_s"
.LASF29:
	.string	"__kabi_ignored0"
.LASF68:
	.string	"extern_v"
.LASF75:
	.string	"v_uses"
.LASF94:
	.string	"GNU C17 12.2.0 -mtune=generic -march=x86-64 -g -gdwarf-4 -fasynchronous-unwind-tables"
.LASF89:
	.string	"weak"
.LASF53:
	.string	"v_al_t"
.LASF10:
	.string	"float"
.LASF52:
	.string	"v_pk"
.LASF6:
	.string	"long long int"
.LASF55:
	.string	"v_string"
.LASF11:
	.string	"bits"
.LASF96:
	.string	"."
.LASF43:
	.string	"v_fp"
.LASF73:
	.string	"points"
.LASF40:
	.string	"in_c_file"
.LASF77:
	.string	"v_grown"
.LASF16:
	.string	"other"
.LASF92:
	.string	"caller"
.LASF62:
	.string	"v_arrayp"
.LASF2:
	.string	"LARGEST"
.LASF7:
	.string	"unsigned char"
.LASF72:
	.string	"__gendwarfksyms_ptr_v_rec"
.LASF19:
	.string	"fparr"
.LASF28:
	.string	"__kabi_renamedold"
.LASF13:
	.string	"named"
.LASF79:
	.string	"rule1"
.LASF80:
	.string	"rule2"
.LASF33:
	.string	"FIRST"
.LASF64:
	.string	"v_restrict"
.LASF84:
	.string	"rule6"
.LASF86:
	.string	"rule8"
.LASF18:
	.string	"anont"
.LASF5:
	.string	"unsigned int"
.LASF50:
	.string	"v_v4"
.LASF59:
	.string	"UNNAMED"
.LASF49:
	.string	"v_cd"
.LASF21:
	.string	"last"
.LASF34:
	.string	"ADDED"
.LASF63:
	.string	"v_thread"
.LASF37:
	.string	"uses"
.LASF70:
	.string	"__gendwarfksyms_ptr_extern_v"
.LASF81:
	.string	"rule3"
.LASF98:
	.string	"renamed"
.LASF9:
	.string	"char"
.LASF27:
	.string	"long int"
.LASF45:
	.string	"v_big"
.LASF85:
	.string	"rule7"
.LASF8:
	.string	"_Bool"
.LASF101:
	.string	"inlined"
.LASF41:
	.string	"v_rec"
.LASF91:
	.string	"local"
.LASF66:
	.string	"v_double"
.LASF17:
	.string	"long unsigned int"
.LASF82:
	.string	"rule4"
.LASF3:
	.string	"sign"
.LASF23:
	.string	"i128"
.LASF38:
	.string	"hidden"
.LASF0:
	.string	"NEGATIVE"
.LASF36:
	.string	"__kabi_renamedfoo"
.LASF90:
	.string	"returns"
.LASF26:
	.string	"__kabi_reserved1"
.LASF31:
	.string	"__kabi_reserved2"
.LASF44:
	.string	"v_fparr"
.LASF102:
	.string	"ufwd"
.LASF88:
	.string	"f_uses"
.LASF35:
	.string	"THIRD"
.LASF61:
	.string	"v_array"
.LASF54:
	.string	"v_wide"
.LASF42:
	.string	"v_anont"
.LASF83:
	.string	"rule5"
.LASF20:
	.string	"more"
.LASF74:
	.string	"v_kept"
.LASF87:
	.string	"f_renamed"
.LASF57:
	.string	"v_struct"
.LASF48:
	.string	"v_i128"
.LASF15:
	.string	"prev"
.LASF95:
	.string	"types.c"
.LASF60:
	.string	"v_enum"
.LASF4:
	.string	"wide"
.LASF14:
	.string	"next"
.LASF71:
	.string	"__gendwarfksyms_ptr_extern_f"
.LASF56:
	.string	"v_void"
	.section	.note.GNU-stack,"",@progbits
