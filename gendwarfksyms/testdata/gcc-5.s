	.file	"types.c"
	.text
.Ltext0:
	.file 0 "." "types.c"
	.p2align 4
	.globl	parameters
	.type	parameters, @function
parameters:
.LVL0:
.LFB0:
	.file 1 "types.c"
	.loc 1 2 92 view -0
	.cfi_startproc
	.loc 1 2 94 view .LVU1
	.loc 1 2 104 is_stmt 0 view .LVU2
	xorl	%eax, %eax
	ret
	.cfi_endproc
.LFE0:
	.size	parameters, .-parameters
	.p2align 4
	.globl	knr
	.type	knr, @function
knr:
.LVL1:
.LFB1:
	.loc 1 3 48 is_stmt 1 view -0
	.cfi_startproc
	.loc 1 3 50 view .LVU4
	.loc 1 3 60 is_stmt 0 view .LVU5
	xorl	%eax, %eax
	ret
	.cfi_endproc
.LFE1:
	.size	knr, .-knr
	.p2align 4
	.globl	caller
	.type	caller, @function
caller:
.LVL2:
.LFB3:
	.loc 1 5 28 is_stmt 1 view -0
	.cfi_startproc
	.loc 1 5 30 view .LVU7
.LBB6:
.LBI6:
	.loc 1 4 19 view .LVU8
.LBB7:
	.loc 1 4 45 view .LVU9
	.loc 1 4 53 is_stmt 0 view .LVU10
	movzbl	(%rdi), %eax
	andl	$7, %eax
.LBE7:
.LBE6:
	.loc 1 5 48 view .LVU11
	addl	%eax, %eax
	.loc 1 5 62 view .LVU12
	ret
	.cfi_endproc
.LFE3:
	.size	caller, .-caller
	.p2align 4
	.globl	vla
	.type	vla, @function
vla:
.LVL3:
.LFB4:
	.loc 1 6 26 is_stmt 1 view -0
	.cfi_startproc
	.loc 1 6 28 view .LVU14
	.loc 1 6 72 view .LVU15
	.loc 1 6 82 is_stmt 0 view .LVU16
	movslq	%edi, %rdi
	.loc 1 6 80 view .LVU17
	movl	(%rsi,%rdi,4), %eax
	.loc 1 6 88 view .LVU18
	ret
	.cfi_endproc
.LFE4:
	.size	vla, .-vla
	.p2align 4
	.globl	returns
	.type	returns, @function
returns:
.LVL4:
.LFB5:
	.loc 1 8 29 is_stmt 1 view -0
	.cfi_startproc
	.loc 1 8 31 view .LVU20
	.loc 1 8 41 is_stmt 0 view .LVU21
	xorl	%eax, %eax
	ret
	.cfi_endproc
.LFE5:
	.size	returns, .-returns
	.p2align 4
	.globl	original
	.type	original, @function
original:
.LFB6:
	.loc 1 9 20 is_stmt 1 view -0
	.cfi_startproc
	.loc 1 9 22 view .LVU23
	.loc 1 9 32 is_stmt 0 view .LVU24
	movl	$1, %eax
	ret
	.cfi_endproc
.LFE6:
	.size	original, .-original
	.globl	alias
	.set	alias,original
	.p2align 4
	.weak	weak
	.type	weak, @function
weak:
.LVL5:
.LFB7:
	.loc 1 12 17 is_stmt 1 view -0
	.cfi_startproc
	.loc 1 12 19 view .LVU26
	.loc 1 12 17 is_stmt 0 view .LVU27
	movl	%edi, %eax
	.loc 1 12 29 view .LVU28
	ret
	.cfi_endproc
.LFE7:
	.size	weak, .-weak
	.p2align 4
	.globl	f_uses
	.type	f_uses, @function
f_uses:
.LVL6:
.LFB8:
	.loc 1 54 59 is_stmt 1 view -0
	.cfi_startproc
	.loc 1 54 61 view .LVU30
	.loc 1 54 71 is_stmt 0 view .LVU31
	xorl	%eax, %eax
	ret
	.cfi_endproc
.LFE8:
	.size	f_uses, .-f_uses
	.p2align 4
	.globl	f_renamed
	.type	f_renamed, @function
f_renamed:
.LFB9:
	.loc 1 55 31 is_stmt 1 view -0
	.cfi_startproc
	.loc 1 55 33 view .LVU33
.LVL7:
	.loc 1 55 56 view .LVU34
	.loc 1 55 66 is_stmt 0 view .LVU35
	xorl	%eax, %eax
	ret
	.cfi_endproc
.LFE9:
	.size	f_renamed, .-f_renamed
	.section	.discard.gendwarfksyms.kabi_rules,"a"
	.type	rule8, @object
	.size	rule8, 19
rule8:
	.string	"1"
	.string	"declonly"
	.string	"hidden"
	.string	""
	.type	rule7, @object
	.size	rule7, 18
rule7:
	.string	"1"
	.string	"byte_size"
	.string	"uses"
	.string	""
	.type	rule6, @object
	.size	rule6, 44
rule6:
	.string	"1"
	.string	"type_string"
	.string	"v_void"
	.string	"variable s#none s#uses"
	.type	rule5, @object
	.size	rule5, 49
rule5:
	.string	"1"
	.string	"type_string"
	.string	"t#'a b'"
	.string	"typedef_type 'a b' e#grown"
	.type	rule4, @object
	.size	rule4, 57
rule4:
	.string	"1"
	.string	"type_string"
	.string	"s#none"
	.string	"structure_type x { s#kept t#'a b' }"
	.type	rule3, @object
	.size	rule3, 20
rule3:
	.string	"1"
	.string	"byte_size"
	.string	"kept"
	.string	"-3"
	.type	rule2, @object
	.size	rule2, 34
rule2:
	.string	"1"
	.string	"enumerator_value"
	.string	"grown END"
	.string	" +77"
	.type	rule1, @object
	.size	rule1, 33
rule1:
	.string	"1"
	.string	"enumerator_ignore"
	.string	"grown ADDED"
	.string	""
	.globl	v_hidden
	.bss
	.align 4
	.type	v_hidden, @object
	.size	v_hidden, 4
v_hidden:
	.zero	4
	.globl	v_grown
	.align 4
	.type	v_grown, @object
	.size	v_grown, 4
v_grown:
	.zero	4
	.globl	v_renamed
	.align 4
	.type	v_renamed, @object
	.size	v_renamed, 4
v_renamed:
	.zero	4
	.globl	v_uses
	.align 32
	.type	v_uses, @object
	.size	v_uses, 64
v_uses:
	.zero	64
	.globl	v_kept
	.align 32
	.type	v_kept, @object
	.size	v_kept, 32
v_kept:
	.zero	32
	.globl	points
	.section	.data.rel,"aw"
	.align 8
	.type	points, @object
	.size	points, 8
points:
	.quad	extern_s
	.section	.discard.gendwarfksyms,"aw"
	.align 8
	.type	__gendwarfksyms_ptr_v_rec, @object
	.size	__gendwarfksyms_ptr_v_rec, 8
__gendwarfksyms_ptr_v_rec:
	.quad	v_rec
	.align 8
	.type	__gendwarfksyms_ptr_extern_f, @object
	.size	__gendwarfksyms_ptr_extern_f, 8
__gendwarfksyms_ptr_extern_f:
	.quad	extern_f
	.align 8
	.type	__gendwarfksyms_ptr_extern_v, @object
	.size	__gendwarfksyms_ptr_extern_v, 8
__gendwarfksyms_ptr_extern_v:
	.quad	extern_v
	.globl	v_double
	.bss
	.align 16
	.type	v_double, @object
	.size	v_double, 16
v_double:
	.zero	16
	.globl	v_bool
	.type	v_bool, @object
	.size	v_bool, 1
v_bool:
	.zero	1
	.globl	v_restrict
	.align 8
	.type	v_restrict, @object
	.size	v_restrict, 8
v_restrict:
	.zero	8
	.globl	v_thread
	.section	.tbss,"awT",@nobits
	.align 4
	.type	v_thread, @object
	.size	v_thread, 4
v_thread:
	.zero	4
	.globl	v_arrayp
	.bss
	.align 8
	.type	v_arrayp, @object
	.size	v_arrayp, 8
v_arrayp:
	.zero	8
	.globl	v_array
	.align 32
	.type	v_array, @object
	.size	v_array, 48
v_array:
	.zero	48
	.globl	v_enum
	.align 4
	.type	v_enum, @object
	.size	v_enum, 4
v_enum:
	.zero	4
	.globl	v_union
	.align 4
	.type	v_union, @object
	.size	v_union, 4
v_union:
	.zero	4
	.globl	v_struct
	.align 8
	.type	v_struct, @object
	.size	v_struct, 8
v_struct:
	.zero	8
	.globl	v_void
	.align 8
	.type	v_void, @object
	.size	v_void, 8
v_void:
	.zero	8
	.globl	v_string
	.section	.rodata
	.type	v_string, @object
	.size	v_string, 2
v_string:
	.string	"x"
	.globl	v_wide
	.bss
	.align 4
	.type	v_wide, @object
	.size	v_wide, 4
v_wide:
	.zero	4
	.globl	v_al_t
	.align 16
	.type	v_al_t, @object
	.size	v_al_t, 4
v_al_t:
	.zero	4
	.globl	v_pk
	.type	v_pk, @object
	.size	v_pk, 5
v_pk:
	.zero	5
	.globl	v_al
	.align 128
	.type	v_al, @object
	.size	v_al, 128
v_al:
	.zero	128
	.globl	v_v4
	.align 16
	.type	v_v4, @object
	.size	v_v4, 16
v_v4:
	.zero	16
	.globl	v_cd
	.align 8
	.type	v_cd, @object
	.size	v_cd, 16
v_cd:
	.zero	16
	.globl	v_i128
	.align 16
	.type	v_i128, @object
	.size	v_i128, 16
v_i128:
	.zero	16
	.globl	v_ai
	.align 4
	.type	v_ai, @object
	.size	v_ai, 4
v_ai:
	.zero	4
	.globl	v_cvp
	.data
	.align 8
	.type	v_cvp, @object
	.size	v_cvp, 8
v_cvp:
	.zero	8
	.globl	v_big
	.bss
	.align 8
	.type	v_big, @object
	.size	v_big, 8
v_big:
	.zero	8
	.globl	v_fparr
	.align 32
	.type	v_fparr, @object
	.size	v_fparr, 32
v_fparr:
	.zero	32
	.globl	v_fp
	.align 8
	.type	v_fp, @object
	.size	v_fp, 8
v_fp:
	.zero	8
	.globl	v_anont
	.align 4
	.type	v_anont, @object
	.size	v_anont, 4
v_anont:
	.zero	4
	.globl	v_rec
	.align 16
	.type	v_rec, @object
	.size	v_rec, 24
v_rec:
	.zero	24
	.text
.Letext0:
	.file 2 "public.h"
	.section	.debug_info,"",@progbits
.Ldebug_info0:
	.long	0xd59
	.value	0x5
	.byte	0x1
	.byte	0x8
	.long	.Ldebug_abbrev0
	.uleb128 0x24
	.long	.LASF96
	.byte	0x1d
	.long	.LASF0
	.long	.LASF1
	.quad	.Ltext0
	.quad	.Letext0-.Ltext0
	.long	.Ldebug_line0
	.uleb128 0x17
	.long	.LASF5
	.byte	0x5
	.long	0x53
	.byte	0x3
	.long	0x53
	.uleb128 0x25
	.long	.LASF2
	.sleb128 -1
	.uleb128 0x10
	.long	.LASF3
	.byte	0
	.uleb128 0x26
	.long	.LASF4
	.long	0x7fffffff
	.byte	0
	.uleb128 0x27
	.byte	0x4
	.byte	0x5
	.string	"int"
	.uleb128 0x1e
	.long	0x53
	.uleb128 0x28
	.long	0x53
	.uleb128 0x17
	.long	.LASF6
	.byte	0x7
	.long	0x83
	.byte	0x4
	.long	0x83
	.uleb128 0x29
	.string	"ALL"
	.long	0xffffffff
	.uleb128 0x1f
	.string	"ONE"
	.byte	0x1
	.byte	0
	.uleb128 0x8
	.byte	0x4
	.byte	0x7
	.long	.LASF7
	.uleb128 0x9
	.long	.LASF13
	.byte	0x10
	.byte	0x2
	.byte	0x5
	.byte	0x8
	.long	0xca
	.uleb128 0x11
	.string	"a"
	.byte	0x18
	.long	0x83
	.byte	0x3
	.byte	0
	.uleb128 0x11
	.string	"b"
	.byte	0x1d
	.long	0x83
	.byte	0x5
	.byte	0x3
	.uleb128 0x11
	.string	"c"
	.byte	0x34
	.long	0xca
	.byte	0x28
	.byte	0x40
	.uleb128 0x11
	.string	"d"
	.byte	0x48
	.long	0xd1
	.byte	0x1
	.byte	0x68
	.uleb128 0x11
	.string	"e"
	.byte	0x53
	.long	0xd8
	.byte	0x1
	.byte	0x69
	.byte	0
	.uleb128 0x8
	.byte	0x8
	.byte	0x5
	.long	.LASF8
	.uleb128 0x8
	.byte	0x1
	.byte	0x8
	.long	.LASF9
	.uleb128 0x8
	.byte	0x1
	.byte	0x2
	.long	.LASF10
	.uleb128 0xa
	.byte	0x2
	.byte	0x2
	.byte	0x8
	.byte	0x11
	.long	0xff
	.uleb128 0x2
	.string	"a"
	.byte	0x2
	.byte	0x8
	.byte	0x1f
	.long	0xff
	.byte	0
	.uleb128 0x2
	.string	"b"
	.byte	0x2
	.byte	0x8
	.byte	0x22
	.long	0xff
	.byte	0x1
	.byte	0
	.uleb128 0x8
	.byte	0x1
	.byte	0x6
	.long	.LASF11
	.uleb128 0x7
	.long	0xff
	.uleb128 0x12
	.byte	0x4
	.byte	0x2
	.byte	0x8
	.byte	0x2
	.long	0x12e
	.uleb128 0xc
	.string	"y"
	.byte	0x2
	.byte	0x8
	.byte	0xe
	.long	0x53
	.uleb128 0x14
	.long	0xdf
	.uleb128 0xc
	.string	"f"
	.byte	0x2
	.byte	0x8
	.byte	0x2e
	.long	0x12e
	.byte	0
	.uleb128 0x8
	.byte	0x4
	.byte	0x4
	.long	.LASF12
	.uleb128 0xa
	.byte	0x4
	.byte	0x2
	.byte	0x9
	.byte	0x2
	.long	0x14a
	.uleb128 0x2
	.string	"z"
	.byte	0x2
	.byte	0x9
	.byte	0xf
	.long	0x53
	.byte	0
	.byte	0
	.uleb128 0x9
	.long	.LASF14
	.byte	0x18
	.byte	0x2
	.byte	0x6
	.byte	0x8
	.long	0x181
	.uleb128 0x2
	.string	"x"
	.byte	0x2
	.byte	0x7
	.byte	0x6
	.long	0x53
	.byte	0
	.uleb128 0x15
	.long	0x10b
	.byte	0x4
	.uleb128 0xd
	.long	.LASF15
	.byte	0x2
	.byte	0x9
	.byte	0x14
	.long	0x135
	.byte	0x8
	.uleb128 0x2
	.string	"p"
	.byte	0x2
	.byte	0xa
	.byte	0xe
	.long	0x186
	.byte	0x10
	.byte	0
	.uleb128 0x2a
	.string	"fwd"
	.uleb128 0x3
	.long	0x181
	.uleb128 0x20
	.string	"rec"
	.byte	0x18
	.byte	0xc
	.long	0x1bc
	.uleb128 0xd
	.long	.LASF16
	.byte	0x2
	.byte	0xc
	.byte	0x1a
	.long	0x1bc
	.byte	0
	.uleb128 0xd
	.long	.LASF17
	.byte	0x2
	.byte	0xc
	.byte	0x22
	.long	0x1cb
	.byte	0x8
	.uleb128 0x2
	.string	"o"
	.byte	0x2
	.byte	0xc
	.byte	0x36
	.long	0x1f5
	.byte	0x10
	.byte	0
	.uleb128 0x3
	.long	0x18b
	.uleb128 0x7
	.long	0x1bc
	.uleb128 0x1e
	.long	0x1c1
	.uleb128 0x3
	.long	0x1bc
	.uleb128 0x9
	.long	.LASF18
	.byte	0x50
	.byte	0x2
	.byte	0xd
	.byte	0x8
	.long	0x1f5
	.uleb128 0x2
	.string	"r"
	.byte	0x2
	.byte	0xd
	.byte	0x1b
	.long	0x1fa
	.byte	0
	.uleb128 0x2
	.string	"fn"
	.byte	0x2
	.byte	0xd
	.byte	0x31
	.long	0x221
	.byte	0x48
	.byte	0
	.uleb128 0x3
	.long	0x1d0
	.uleb128 0x4
	.long	0x18b
	.long	0x20a
	.uleb128 0x5
	.long	0x20a
	.byte	0x2
	.byte	0
	.uleb128 0x8
	.byte	0x8
	.byte	0x7
	.long	.LASF19
	.uleb128 0x16
	.long	0x1f5
	.long	0x221
	.uleb128 0xe
	.long	0x1f5
	.uleb128 0x18
	.byte	0
	.uleb128 0x3
	.long	0x211
	.uleb128 0xa
	.byte	0x4
	.byte	0x2
	.byte	0xe
	.byte	0x9
	.long	0x23b
	.uleb128 0x2
	.string	"q"
	.byte	0x2
	.byte	0xe
	.byte	0x16
	.long	0x53
	.byte	0
	.byte	0
	.uleb128 0x19
	.long	.LASF20
	.byte	0xe
	.byte	0x1b
	.long	0x226
	.uleb128 0x13
	.string	"fp"
	.byte	0xf
	.byte	0xf
	.long	0x250
	.uleb128 0x3
	.long	0x255
	.uleb128 0x16
	.long	0x53
	.long	0x26a
	.uleb128 0xe
	.long	0x26f
	.uleb128 0xe
	.long	0x274
	.uleb128 0x18
	.byte	0
	.uleb128 0x3
	.long	0x106
	.uleb128 0x21
	.long	0x26a
	.uleb128 0x3
	.long	0x5a
	.uleb128 0x19
	.long	.LASF21
	.byte	0x10
	.byte	0xc
	.long	0x284
	.uleb128 0x4
	.long	0x246
	.long	0x294
	.uleb128 0x5
	.long	0x20a
	.byte	0x3
	.byte	0
	.uleb128 0x2b
	.string	"big"
	.long	0x11428
	.byte	0x2
	.byte	0x11
	.byte	0x8
	.long	0x2f6
	.uleb128 0x2
	.string	"pad"
	.byte	0x2
	.byte	0x11
	.byte	0x13
	.long	0x2f6
	.byte	0
	.uleb128 0x22
	.string	"far"
	.byte	0x23
	.long	0x53
	.long	0x11170
	.uleb128 0x1a
	.long	.LASF22
	.byte	0x2d
	.long	0x309
	.long	0x11174
	.uleb128 0x1a
	.long	.LASF23
	.byte	0x3c
	.long	0x53
	.long	0x112a0
	.uleb128 0x22
	.string	"b"
	.byte	0x4e
	.long	0x31a
	.long	0x112a8
	.uleb128 0x1a
	.long	.LASF24
	.byte	0x5e
	.long	0x336
	.long	0x11428
	.byte	0
	.uleb128 0x4
	.long	0xff
	.long	0x309
	.uleb128 0x2c
	.long	0x20a
	.long	0x1116f
	.byte	0
	.uleb128 0x4
	.long	0xff
	.long	0x31a
	.uleb128 0x2d
	.long	0x20a
	.value	0x12b
	.byte	0
	.uleb128 0x4
	.long	0x8a
	.long	0x336
	.uleb128 0x5
	.long	0x20a
	.byte	0x1
	.uleb128 0x5
	.long	0x20a
	.byte	0x2
	.uleb128 0x5
	.long	0x20a
	.byte	0x3
	.byte	0
	.uleb128 0x4
	.long	0x53
	.long	0x345
	.uleb128 0x2e
	.long	0x20a
	.byte	0
	.uleb128 0x13
	.string	"cvp"
	.byte	0x12
	.byte	0x24
	.long	0x1c6
	.uleb128 0x13
	.string	"ai"
	.byte	0x13
	.byte	0x15
	.long	0x5f
	.uleb128 0x19
	.long	.LASF25
	.byte	0x14
	.byte	0x12
	.long	0x365
	.uleb128 0x8
	.byte	0x10
	.byte	0x5
	.long	.LASF26
	.uleb128 0x13
	.string	"cd"
	.byte	0x15
	.byte	0x19
	.long	0x376
	.uleb128 0x8
	.byte	0x10
	.byte	0x3
	.long	.LASF27
	.uleb128 0x13
	.string	"v4"
	.byte	0x16
	.byte	0xd
	.long	0x387
	.uleb128 0x2f
	.long	0x53
	.long	0x393
	.uleb128 0x30
	.byte	0x3
	.byte	0
	.uleb128 0x31
	.string	"al"
	.byte	0x80
	.byte	0x80
	.byte	0x2
	.byte	0x17
	.byte	0x8
	.long	0x3ad
	.uleb128 0x32
	.string	"a"
	.byte	0x2
	.byte	0x17
	.byte	0x11
	.long	0x53
	.byte	0x40
	.byte	0
	.byte	0
	.uleb128 0x20
	.string	"pk"
	.byte	0x5
	.byte	0x18
	.long	0x3ce
	.uleb128 0x2
	.string	"a"
	.byte	0x2
	.byte	0x18
	.byte	0x12
	.long	0xff
	.byte	0
	.uleb128 0x2
	.string	"b"
	.byte	0x2
	.byte	0x18
	.byte	0x19
	.long	0x53
	.byte	0x1
	.byte	0
	.uleb128 0x33
	.long	.LASF97
	.byte	0x2
	.byte	0x19
	.byte	0xd
	.long	0x53
	.byte	0x10
	.uleb128 0xa
	.byte	0x8
	.byte	0x2
	.byte	0x1e
	.byte	0x21
	.long	0x3fd
	.uleb128 0x2
	.string	"n1"
	.byte	0x2
	.byte	0x1e
	.byte	0x2e
	.long	0x53
	.byte	0
	.uleb128 0x2
	.string	"n2"
	.byte	0x2
	.byte	0x1e
	.byte	0x36
	.long	0x53
	.byte	0x4
	.byte	0
	.uleb128 0x12
	.byte	0x8
	.byte	0x2
	.byte	0x1e
	.byte	0x2
	.long	0x417
	.uleb128 0x1b
	.long	.LASF28
	.byte	0x1e
	.byte	0xf
	.long	0x417
	.uleb128 0x14
	.long	0x3db
	.byte	0
	.uleb128 0x8
	.byte	0x8
	.byte	0x5
	.long	.LASF29
	.uleb128 0xa
	.byte	0x4
	.byte	0x2
	.byte	0x1f
	.byte	0xa
	.long	0x433
	.uleb128 0x2
	.string	"x"
	.byte	0x2
	.byte	0x1f
	.byte	0x1c
	.long	0x83
	.byte	0
	.byte	0
	.uleb128 0xa
	.byte	0x4
	.byte	0x2
	.byte	0x1f
	.byte	0x22
	.long	0x44a
	.uleb128 0xd
	.long	.LASF30
	.byte	0x2
	.byte	0x1f
	.byte	0x2f
	.long	0x53
	.byte	0
	.byte	0
	.uleb128 0x12
	.byte	0x4
	.byte	0x2
	.byte	0x1f
	.byte	0x2
	.long	0x45e
	.uleb128 0x14
	.long	0x41e
	.uleb128 0x14
	.long	0x433
	.byte	0
	.uleb128 0x12
	.byte	0x4
	.byte	0x2
	.byte	0x20
	.byte	0x2
	.long	0x47d
	.uleb128 0x1b
	.long	.LASF31
	.byte	0x20
	.byte	0xf
	.long	0xff
	.uleb128 0xc
	.string	"n"
	.byte	0x2
	.byte	0x20
	.byte	0x24
	.long	0x53
	.byte	0
	.uleb128 0x9
	.long	.LASF32
	.byte	0x20
	.byte	0x2
	.byte	0x1c
	.byte	0x8
	.long	0x4b5
	.uleb128 0x2
	.string	"a"
	.byte	0x2
	.byte	0x1d
	.byte	0x6
	.long	0x53
	.byte	0
	.uleb128 0x15
	.long	0x3fd
	.byte	0x8
	.uleb128 0x15
	.long	0x44a
	.byte	0x10
	.uleb128 0x15
	.long	0x45e
	.byte	0x14
	.uleb128 0xd
	.long	.LASF33
	.byte	0x2
	.byte	0x21
	.byte	0x6
	.long	0x53
	.byte	0x18
	.byte	0
	.uleb128 0x17
	.long	.LASF34
	.byte	0x7
	.long	0x83
	.byte	0x23
	.long	0x4dd
	.uleb128 0x10
	.long	.LASF35
	.byte	0
	.uleb128 0x10
	.long	.LASF36
	.byte	0x1
	.uleb128 0x10
	.long	.LASF37
	.byte	0x5
	.uleb128 0x1f
	.string	"END"
	.byte	0x6
	.byte	0
	.uleb128 0x34
	.long	.LASF98
	.byte	0x4
	.byte	0x2
	.byte	0x24
	.byte	0x7
	.long	0x500
	.uleb128 0x1b
	.long	.LASF38
	.byte	0x24
	.byte	0x15
	.long	0x53
	.uleb128 0xc
	.string	"f"
	.byte	0x2
	.byte	0x24
	.byte	0x2e
	.long	0x12e
	.byte	0
	.uleb128 0x7
	.long	0x4dd
	.uleb128 0x9
	.long	.LASF39
	.byte	0x40
	.byte	0x2
	.byte	0x25
	.byte	0x8
	.long	0x558
	.uleb128 0x2
	.string	"m"
	.byte	0x2
	.byte	0x26
	.byte	0x10
	.long	0x4dd
	.byte	0
	.uleb128 0x2
	.string	"m2"
	.byte	0x2
	.byte	0x26
	.byte	0x13
	.long	0x4dd
	.byte	0x4
	.uleb128 0x2
	.string	"p"
	.byte	0x2
	.byte	0x27
	.byte	0x17
	.long	0x558
	.byte	0x8
	.uleb128 0x2
	.string	"e"
	.byte	0x2
	.byte	0x28
	.byte	0xd
	.long	0x4b5
	.byte	0x10
	.uleb128 0x2
	.string	"h"
	.byte	0x2
	.byte	0x29
	.byte	0xe
	.long	0x47d
	.byte	0x18
	.uleb128 0x2
	.string	"arr"
	.byte	0x2
	.byte	0x2a
	.byte	0x10
	.long	0x55d
	.byte	0x38
	.byte	0
	.uleb128 0x3
	.long	0x500
	.uleb128 0x4
	.long	0x4dd
	.long	0x56d
	.uleb128 0x5
	.long	0x20a
	.byte	0x1
	.byte	0
	.uleb128 0x9
	.long	.LASF40
	.byte	0x4
	.byte	0x2
	.byte	0x2c
	.byte	0x8
	.long	0x588
	.uleb128 0x2
	.string	"now"
	.byte	0x2
	.byte	0x2c
	.byte	0x15
	.long	0x53
	.byte	0
	.byte	0
	.uleb128 0x9
	.long	.LASF41
	.byte	0x4
	.byte	0x1
	.byte	0x1
	.byte	0x8
	.long	0x5a3
	.uleb128 0xd
	.long	.LASF42
	.byte	0x1
	.byte	0x1
	.byte	0x16
	.long	0x53
	.byte	0
	.byte	0
	.uleb128 0x1
	.long	.LASF43
	.byte	0xe
	.byte	0xc
	.long	0x18b
	.uleb128 0x9
	.byte	0x3
	.quad	v_rec
	.uleb128 0x1
	.long	.LASF44
	.byte	0xf
	.byte	0x7
	.long	0x23b
	.uleb128 0x9
	.byte	0x3
	.quad	v_anont
	.uleb128 0x1
	.long	.LASF45
	.byte	0x10
	.byte	0x4
	.long	0x246
	.uleb128 0x9
	.byte	0x3
	.quad	v_fp
	.uleb128 0x1
	.long	.LASF46
	.byte	0x11
	.byte	0x7
	.long	0x279
	.uleb128 0x9
	.byte	0x3
	.quad	v_fparr
	.uleb128 0x1
	.long	.LASF47
	.byte	0x12
	.byte	0xd
	.long	0x60c
	.uleb128 0x9
	.byte	0x3
	.quad	v_big
	.uleb128 0x3
	.long	0x294
	.uleb128 0x1
	.long	.LASF48
	.byte	0x13
	.byte	0x5
	.long	0x345
	.uleb128 0x9
	.byte	0x3
	.quad	v_cvp
	.uleb128 0x1
	.long	.LASF49
	.byte	0x14
	.byte	0x4
	.long	0x350
	.uleb128 0x9
	.byte	0x3
	.quad	v_ai
	.uleb128 0x1
	.long	.LASF50
	.byte	0x15
	.byte	0x6
	.long	0x35a
	.uleb128 0x9
	.byte	0x3
	.quad	v_i128
	.uleb128 0x1
	.long	.LASF51
	.byte	0x16
	.byte	0x4
	.long	0x36c
	.uleb128 0x9
	.byte	0x3
	.quad	v_cd
	.uleb128 0x1
	.long	.LASF52
	.byte	0x17
	.byte	0x4
	.long	0x37d
	.uleb128 0x9
	.byte	0x3
	.quad	v_v4
	.uleb128 0x1
	.long	.LASF53
	.byte	0x18
	.byte	0xb
	.long	0x393
	.uleb128 0x9
	.byte	0x3
	.quad	v_al
	.uleb128 0x1
	.long	.LASF54
	.byte	0x19
	.byte	0xb
	.long	0x3ad
	.uleb128 0x9
	.byte	0x3
	.quad	v_pk
	.uleb128 0x1
	.long	.LASF55
	.byte	0x1a
	.byte	0x6
	.long	0x3ce
	.uleb128 0x9
	.byte	0x3
	.quad	v_al_t
	.uleb128 0x1
	.long	.LASF56
	.byte	0x1b
	.byte	0xb
	.long	0x64
	.uleb128 0x9
	.byte	0x3
	.quad	v_wide
	.uleb128 0x4
	.long	0x106
	.long	0x6de
	.uleb128 0x5
	.long	0x20a
	.byte	0x1
	.byte	0
	.uleb128 0x7
	.long	0x6ce
	.uleb128 0x1
	.long	.LASF57
	.byte	0x1c
	.byte	0xc
	.long	0x6de
	.uleb128 0x9
	.byte	0x3
	.quad	v_string
	.uleb128 0x1
	.long	.LASF58
	.byte	0x1d
	.byte	0x7
	.long	0x70d
	.uleb128 0x9
	.byte	0x3
	.quad	v_void
	.uleb128 0x35
	.byte	0x8
	.uleb128 0xa
	.byte	0x4
	.byte	0x1
	.byte	0x1e
	.byte	0x11
	.long	0x724
	.uleb128 0x2
	.string	"m"
	.byte	0x1
	.byte	0x1e
	.byte	0x1e
	.long	0x53
	.byte	0
	.byte	0
	.uleb128 0xa
	.byte	0x8
	.byte	0x1
	.byte	0x1e
	.byte	0x1
	.long	0x744
	.uleb128 0x2
	.string	"n"
	.byte	0x1
	.byte	0x1e
	.byte	0xe
	.long	0x53
	.byte	0
	.uleb128 0x2
	.string	"k"
	.byte	0x1
	.byte	0x1e
	.byte	0x23
	.long	0x70f
	.byte	0x4
	.byte	0
	.uleb128 0x1
	.long	.LASF59
	.byte	0x1e
	.byte	0x28
	.long	0x724
	.uleb128 0x9
	.byte	0x3
	.quad	v_struct
	.uleb128 0x12
	.byte	0x4
	.byte	0x1
	.byte	0x1f
	.byte	0x1
	.long	0x777
	.uleb128 0xc
	.string	"n"
	.byte	0x1
	.byte	0x1f
	.byte	0xd
	.long	0x53
	.uleb128 0xc
	.string	"f"
	.byte	0x1
	.byte	0x1f
	.byte	0x16
	.long	0x12e
	.byte	0
	.uleb128 0x1
	.long	.LASF60
	.byte	0x1f
	.byte	0x1b
	.long	0x759
	.uleb128 0x9
	.byte	0x3
	.quad	v_union
	.uleb128 0x36
	.byte	0x7
	.byte	0x4
	.long	0x83
	.byte	0x1
	.byte	0x20
	.byte	0x6
	.long	0x7a1
	.uleb128 0x10
	.long	.LASF61
	.byte	0
	.byte	0
	.uleb128 0x1
	.long	.LASF62
	.byte	0x20
	.byte	0x12
	.long	0x78c
	.uleb128 0x9
	.byte	0x3
	.quad	v_enum
	.uleb128 0x4
	.long	0x53
	.long	0x7cc
	.uleb128 0x5
	.long	0x20a
	.byte	0x2
	.uleb128 0x5
	.long	0x20a
	.byte	0x3
	.byte	0
	.uleb128 0x1
	.long	.LASF63
	.byte	0x21
	.byte	0x5
	.long	0x7b6
	.uleb128 0x9
	.byte	0x3
	.quad	v_array
	.uleb128 0x4
	.long	0x53
	.long	0x7f1
	.uleb128 0x5
	.long	0x20a
	.byte	0x4
	.byte	0
	.uleb128 0x1
	.long	.LASF64
	.byte	0x21
	.byte	0x16
	.long	0x806
	.uleb128 0x9
	.byte	0x3
	.quad	v_arrayp
	.uleb128 0x3
	.long	0x7e1
	.uleb128 0x1
	.long	.LASF65
	.byte	0x22
	.byte	0x13
	.long	0x53
	.uleb128 0xa
	.byte	0xe
	.long	v_thread@dtpoff, 0
	.byte	0x9b
	.uleb128 0x1
	.long	.LASF66
	.byte	0x23
	.byte	0xf
	.long	0x83b
	.uleb128 0x9
	.byte	0x3
	.quad	v_restrict
	.uleb128 0x3
	.long	0x53
	.uleb128 0x21
	.long	0x836
	.uleb128 0x1
	.long	.LASF67
	.byte	0x24
	.byte	0x7
	.long	0xd8
	.uleb128 0x9
	.byte	0x3
	.quad	v_bool
	.uleb128 0x1
	.long	.LASF68
	.byte	0x25
	.byte	0xd
	.long	0x86a
	.uleb128 0x9
	.byte	0x3
	.quad	v_double
	.uleb128 0x8
	.byte	0x10
	.byte	0x4
	.long	.LASF69
	.uleb128 0x23
	.long	.LASF70
	.byte	0x29
	.byte	0xc
	.long	0x53
	.uleb128 0x23
	.long	.LASF71
	.byte	0x2b
	.byte	0x13
	.long	0x18b
	.uleb128 0x1c
	.long	.LASF72
	.byte	0x2c
	.long	0x836
	.uleb128 0x9
	.byte	0x3
	.quad	__gendwarfksyms_ptr_extern_v
	.uleb128 0x16
	.long	0x53
	.long	0x8aa
	.uleb128 0xe
	.long	0x8aa
	.byte	0
	.uleb128 0x3
	.long	0x3ad
	.uleb128 0x1c
	.long	.LASF73
	.byte	0x2d
	.long	0x8c3
	.uleb128 0x9
	.byte	0x3
	.quad	__gendwarfksyms_ptr_extern_f
	.uleb128 0x3
	.long	0x89b
	.uleb128 0x1c
	.long	.LASF74
	.byte	0x2e
	.long	0x1bc
	.uleb128 0x9
	.byte	0x3
	.quad	__gendwarfksyms_ptr_v_rec
	.uleb128 0x1
	.long	.LASF75
	.byte	0x2f
	.byte	0xd
	.long	0x1bc
	.uleb128 0x9
	.byte	0x3
	.quad	points
	.uleb128 0x1
	.long	.LASF76
	.byte	0x31
	.byte	0xd
	.long	0x47d
	.uleb128 0x9
	.byte	0x3
	.quad	v_kept
	.uleb128 0x1
	.long	.LASF77
	.byte	0x32
	.byte	0xd
	.long	0x505
	.uleb128 0x9
	.byte	0x3
	.quad	v_uses
	.uleb128 0x1
	.long	.LASF78
	.byte	0x33
	.byte	0xf
	.long	0x4dd
	.uleb128 0x9
	.byte	0x3
	.quad	v_renamed
	.uleb128 0x1
	.long	.LASF79
	.byte	0x34
	.byte	0xc
	.long	0x4b5
	.uleb128 0x9
	.byte	0x3
	.quad	v_grown
	.uleb128 0x1
	.long	.LASF80
	.byte	0x35
	.byte	0xf
	.long	0x56d
	.uleb128 0x9
	.byte	0x3
	.quad	v_hidden
	.uleb128 0x4
	.long	0x106
	.long	0x96a
	.uleb128 0x5
	.long	0x20a
	.byte	0x20
	.byte	0
	.uleb128 0x7
	.long	0x95a
	.uleb128 0xb
	.long	.LASF81
	.byte	0x3b
	.long	0x96a
	.uleb128 0x9
	.byte	0x3
	.quad	rule1
	.uleb128 0x4
	.long	0x106
	.long	0x993
	.uleb128 0x5
	.long	0x20a
	.byte	0x21
	.byte	0
	.uleb128 0x7
	.long	0x983
	.uleb128 0xb
	.long	.LASF82
	.byte	0x3c
	.long	0x993
	.uleb128 0x9
	.byte	0x3
	.quad	rule2
	.uleb128 0x4
	.long	0x106
	.long	0x9bc
	.uleb128 0x5
	.long	0x20a
	.byte	0x13
	.byte	0
	.uleb128 0x7
	.long	0x9ac
	.uleb128 0xb
	.long	.LASF83
	.byte	0x3d
	.long	0x9bc
	.uleb128 0x9
	.byte	0x3
	.quad	rule3
	.uleb128 0x4
	.long	0x106
	.long	0x9e5
	.uleb128 0x5
	.long	0x20a
	.byte	0x38
	.byte	0
	.uleb128 0x7
	.long	0x9d5
	.uleb128 0xb
	.long	.LASF84
	.byte	0x3e
	.long	0x9e5
	.uleb128 0x9
	.byte	0x3
	.quad	rule4
	.uleb128 0x4
	.long	0x106
	.long	0xa0e
	.uleb128 0x5
	.long	0x20a
	.byte	0x30
	.byte	0
	.uleb128 0x7
	.long	0x9fe
	.uleb128 0xb
	.long	.LASF85
	.byte	0x3f
	.long	0xa0e
	.uleb128 0x9
	.byte	0x3
	.quad	rule5
	.uleb128 0x4
	.long	0x106
	.long	0xa37
	.uleb128 0x5
	.long	0x20a
	.byte	0x2b
	.byte	0
	.uleb128 0x7
	.long	0xa27
	.uleb128 0xb
	.long	.LASF86
	.byte	0x40
	.long	0xa37
	.uleb128 0x9
	.byte	0x3
	.quad	rule6
	.uleb128 0x4
	.long	0x106
	.long	0xa60
	.uleb128 0x5
	.long	0x20a
	.byte	0x11
	.byte	0
	.uleb128 0x7
	.long	0xa50
	.uleb128 0xb
	.long	.LASF87
	.byte	0x41
	.long	0xa60
	.uleb128 0x9
	.byte	0x3
	.quad	rule7
	.uleb128 0x4
	.long	0x106
	.long	0xa89
	.uleb128 0x5
	.long	0x20a
	.byte	0x12
	.byte	0
	.uleb128 0x7
	.long	0xa79
	.uleb128 0xb
	.long	.LASF88
	.byte	0x42
	.long	0xa89
	.uleb128 0x9
	.byte	0x3
	.quad	rule8
	.uleb128 0x37
	.long	.LASF99
	.byte	0x1
	.byte	0x2a
	.byte	0xc
	.long	0x53
	.long	0xab8
	.uleb128 0xe
	.long	0x8aa
	.byte	0
	.uleb128 0xf
	.long	.LASF89
	.byte	0x37
	.byte	0xf
	.long	0x4dd
	.quad	.LFB9
	.quad	.LFE9-.LFB9
	.uleb128 0x1
	.byte	0x9c
	.long	0xaeb
	.uleb128 0x1d
	.string	"x"
	.byte	0x37
	.byte	0x2f
	.long	0x4dd
	.long	.LLST3
	.long	.LVUS3
	.byte	0
	.uleb128 0xf
	.long	.LASF90
	.byte	0x36
	.byte	0x5
	.long	0x53
	.quad	.LFB8
	.quad	.LFE8-.LFB8
	.uleb128 0x1
	.byte	0x9c
	.long	0xb2e
	.uleb128 0x6
	.string	"a"
	.byte	0x36
	.byte	0x19
	.long	0xb2e
	.uleb128 0x1
	.byte	0x55
	.uleb128 0x6
	.string	"b"
	.byte	0x36
	.byte	0x2a
	.long	0x4dd
	.uleb128 0x1
	.byte	0x54
	.uleb128 0x6
	.string	"c"
	.byte	0x36
	.byte	0x38
	.long	0x4b5
	.uleb128 0x1
	.byte	0x51
	.byte	0
	.uleb128 0x3
	.long	0x505
	.uleb128 0xf
	.long	.LASF91
	.byte	0xc
	.byte	0x5
	.long	0x53
	.quad	.LFB7
	.quad	.LFE7-.LFB7
	.uleb128 0x1
	.byte	0x9c
	.long	0xb60
	.uleb128 0x6
	.string	"x"
	.byte	0xc
	.byte	0xe
	.long	0x53
	.uleb128 0x1
	.byte	0x55
	.byte	0
	.uleb128 0x38
	.long	.LASF100
	.byte	0x1
	.byte	0x9
	.byte	0x5
	.long	0x53
	.quad	.LFB6
	.quad	.LFE6-.LFB6
	.uleb128 0x1
	.byte	0x9c
	.uleb128 0x16
	.long	0x53
	.long	0xb8d
	.uleb128 0xe
	.long	0x417
	.byte	0
	.uleb128 0xf
	.long	.LASF92
	.byte	0x8
	.byte	0x7
	.long	0xbba
	.quad	.LFB5
	.quad	.LFE5-.LFB5
	.uleb128 0x1
	.byte	0x9c
	.long	0xbba
	.uleb128 0x6
	.string	"x"
	.byte	0x8
	.byte	0x13
	.long	0x53
	.uleb128 0x1
	.byte	0x55
	.byte	0
	.uleb128 0x3
	.long	0xb7e
	.uleb128 0x39
	.string	"vla"
	.byte	0x1
	.byte	0x6
	.byte	0x5
	.long	0x53
	.quad	.LFB4
	.quad	.LFE4-.LFB4
	.uleb128 0x1
	.byte	0x9c
	.long	0xc33
	.uleb128 0x6
	.string	"n"
	.byte	0x6
	.byte	0xd
	.long	0x53
	.uleb128 0x1
	.byte	0x55
	.uleb128 0x6
	.string	"a"
	.byte	0x6
	.byte	0x14
	.long	0x836
	.uleb128 0x1
	.byte	0x54
	.uleb128 0x9
	.long	.LASF93
	.byte	0x4
	.byte	0x1
	.byte	0x6
	.byte	0x23
	.long	0xc10
	.uleb128 0x2
	.string	"k"
	.byte	0x1
	.byte	0x6
	.byte	0x2f
	.long	0x53
	.byte	0
	.byte	0
	.uleb128 0x1d
	.string	"l"
	.byte	0x6
	.byte	0x34
	.long	0xbf7
	.long	.LLST1
	.long	.LVUS1
	.uleb128 0x1d
	.string	"q"
	.byte	0x6
	.byte	0x40
	.long	0xc33
	.long	.LLST2
	.long	.LVUS2
	.byte	0
	.uleb128 0x3
	.long	0xbf7
	.uleb128 0xf
	.long	.LASF94
	.byte	0x5
	.byte	0x5
	.long	0x53
	.quad	.LFB3
	.quad	.LFE3-.LFB3
	.uleb128 0x1
	.byte	0x9c
	.long	0xc94
	.uleb128 0x6
	.string	"b"
	.byte	0x5
	.byte	0x19
	.long	0xc94
	.uleb128 0x1
	.byte	0x55
	.uleb128 0x3a
	.long	0xc99
	.quad	.LBI6
	.byte	.LVU8
	.quad	.LBB6
	.quad	.LBE6-.LBB6
	.byte	0x1
	.byte	0x5
	.byte	0x25
	.uleb128 0x3b
	.long	0xcaa
	.long	.LLST0
	.long	.LVUS0
	.byte	0
	.byte	0
	.uleb128 0x3
	.long	0x8a
	.uleb128 0x3c
	.long	.LASF101
	.byte	0x1
	.byte	0x4
	.byte	0x13
	.long	0x53
	.byte	0x3
	.long	0xcb5
	.uleb128 0x3d
	.string	"b"
	.byte	0x1
	.byte	0x4
	.byte	0x28
	.long	0xc94
	.byte	0
	.uleb128 0x3e
	.string	"knr"
	.byte	0x1
	.byte	0x3
	.byte	0x5
	.long	0x53
	.quad	.LFB1
	.quad	.LFE1-.LFB1
	.uleb128 0x1
	.byte	0x9c
	.long	0xcf9
	.uleb128 0x6
	.string	"a"
	.byte	0x3
	.byte	0x16
	.long	0x53
	.uleb128 0x1
	.byte	0x55
	.uleb128 0x6
	.string	"b"
	.byte	0x3
	.byte	0x1e
	.long	0xff
	.uleb128 0x1
	.byte	0x54
	.uleb128 0x6
	.string	"c"
	.byte	0x3
	.byte	0x2d
	.long	0x1bc
	.uleb128 0x1
	.byte	0x51
	.byte	0
	.uleb128 0xf
	.long	.LASF95
	.byte	0x2
	.byte	0xd
	.long	0x186
	.quad	.LFB0
	.quad	.LFE0-.LFB0
	.uleb128 0x1
	.byte	0x9c
	.long	0xd48
	.uleb128 0x6
	.string	"a"
	.byte	0x2
	.byte	0x25
	.long	0xd48
	.uleb128 0x1
	.byte	0x55
	.uleb128 0x6
	.string	"u"
	.byte	0x2
	.byte	0x34
	.long	0xd52
	.uleb128 0x1
	.byte	0x54
	.uleb128 0x6
	.string	"e"
	.byte	0x2
	.byte	0x41
	.long	0x2e
	.uleb128 0x1
	.byte	0x51
	.uleb128 0x6
	.string	"p"
	.byte	0x2
	.byte	0x54
	.long	0xd57
	.uleb128 0x1
	.byte	0x52
	.uleb128 0x18
	.byte	0
	.uleb128 0x3
	.long	0x14a
	.uleb128 0x3f
	.long	.LASF102
	.uleb128 0x3
	.long	0xd4d
	.uleb128 0x3
	.long	0x588
	.byte	0
	.section	.debug_abbrev,"",@progbits
.Ldebug_abbrev0:
	.uleb128 0x1
	.uleb128 0x34
	.byte	0
	.uleb128 0x3
	.uleb128 0xe
	.uleb128 0x3a
	.uleb128 0x21
	.sleb128 1
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
	.uleb128 0x2
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
	.uleb128 0x3
	.uleb128 0xf
	.byte	0
	.uleb128 0xb
	.uleb128 0x21
	.sleb128 8
	.uleb128 0x49
	.uleb128 0x13
	.byte	0
	.byte	0
	.uleb128 0x4
	.uleb128 0x1
	.byte	0x1
	.uleb128 0x49
	.uleb128 0x13
	.uleb128 0x1
	.uleb128 0x13
	.byte	0
	.byte	0
	.uleb128 0x5
	.uleb128 0x21
	.byte	0
	.uleb128 0x49
	.uleb128 0x13
	.uleb128 0x2f
	.uleb128 0xb
	.byte	0
	.byte	0
	.uleb128 0x6
	.uleb128 0x5
	.byte	0
	.uleb128 0x3
	.uleb128 0x8
	.uleb128 0x3a
	.uleb128 0x21
	.sleb128 1
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
	.uleb128 0x7
	.uleb128 0x26
	.byte	0
	.uleb128 0x49
	.uleb128 0x13
	.byte	0
	.byte	0
	.uleb128 0x8
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
	.uleb128 0x9
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
	.uleb128 0xa
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
	.uleb128 0xb
	.uleb128 0x34
	.byte	0
	.uleb128 0x3
	.uleb128 0xe
	.uleb128 0x3a
	.uleb128 0x21
	.sleb128 1
	.uleb128 0x3b
	.uleb128 0xb
	.uleb128 0x39
	.uleb128 0x21
	.sleb128 1
	.uleb128 0x49
	.uleb128 0x13
	.uleb128 0x88
	.uleb128 0x21
	.sleb128 1
	.uleb128 0x2
	.uleb128 0x18
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
	.byte	0
	.byte	0
	.uleb128 0xd
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
	.uleb128 0xe
	.uleb128 0x5
	.byte	0
	.uleb128 0x49
	.uleb128 0x13
	.byte	0
	.byte	0
	.uleb128 0xf
	.uleb128 0x2e
	.byte	0x1
	.uleb128 0x3f
	.uleb128 0x19
	.uleb128 0x3
	.uleb128 0xe
	.uleb128 0x3a
	.uleb128 0x21
	.sleb128 1
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
	.uleb128 0x7a
	.uleb128 0x19
	.uleb128 0x1
	.uleb128 0x13
	.byte	0
	.byte	0
	.uleb128 0x10
	.uleb128 0x28
	.byte	0
	.uleb128 0x3
	.uleb128 0xe
	.uleb128 0x1c
	.uleb128 0xb
	.byte	0
	.byte	0
	.uleb128 0x11
	.uleb128 0xd
	.byte	0
	.uleb128 0x3
	.uleb128 0x8
	.uleb128 0x3a
	.uleb128 0x21
	.sleb128 2
	.uleb128 0x3b
	.uleb128 0x21
	.sleb128 5
	.uleb128 0x39
	.uleb128 0xb
	.uleb128 0x49
	.uleb128 0x13
	.uleb128 0xd
	.uleb128 0xb
	.uleb128 0x6b
	.uleb128 0xb
	.byte	0
	.byte	0
	.uleb128 0x12
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
	.uleb128 0x13
	.uleb128 0x16
	.byte	0
	.uleb128 0x3
	.uleb128 0x8
	.uleb128 0x3a
	.uleb128 0x21
	.sleb128 2
	.uleb128 0x3b
	.uleb128 0xb
	.uleb128 0x39
	.uleb128 0xb
	.uleb128 0x49
	.uleb128 0x13
	.byte	0
	.byte	0
	.uleb128 0x14
	.uleb128 0xd
	.byte	0
	.uleb128 0x49
	.uleb128 0x13
	.byte	0
	.byte	0
	.uleb128 0x15
	.uleb128 0xd
	.byte	0
	.uleb128 0x49
	.uleb128 0x13
	.uleb128 0x38
	.uleb128 0xb
	.byte	0
	.byte	0
	.uleb128 0x16
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
	.uleb128 0x17
	.uleb128 0x4
	.byte	0x1
	.uleb128 0x3
	.uleb128 0xe
	.uleb128 0x3e
	.uleb128 0xb
	.uleb128 0xb
	.uleb128 0x21
	.sleb128 4
	.uleb128 0x49
	.uleb128 0x13
	.uleb128 0x3a
	.uleb128 0x21
	.sleb128 2
	.uleb128 0x3b
	.uleb128 0xb
	.uleb128 0x39
	.uleb128 0x21
	.sleb128 6
	.uleb128 0x1
	.uleb128 0x13
	.byte	0
	.byte	0
	.uleb128 0x18
	.uleb128 0x18
	.byte	0
	.byte	0
	.byte	0
	.uleb128 0x19
	.uleb128 0x16
	.byte	0
	.uleb128 0x3
	.uleb128 0xe
	.uleb128 0x3a
	.uleb128 0x21
	.sleb128 2
	.uleb128 0x3b
	.uleb128 0xb
	.uleb128 0x39
	.uleb128 0xb
	.uleb128 0x49
	.uleb128 0x13
	.byte	0
	.byte	0
	.uleb128 0x1a
	.uleb128 0xd
	.byte	0
	.uleb128 0x3
	.uleb128 0xe
	.uleb128 0x3a
	.uleb128 0x21
	.sleb128 2
	.uleb128 0x3b
	.uleb128 0x21
	.sleb128 17
	.uleb128 0x39
	.uleb128 0xb
	.uleb128 0x49
	.uleb128 0x13
	.uleb128 0x38
	.uleb128 0x6
	.byte	0
	.byte	0
	.uleb128 0x1b
	.uleb128 0xd
	.byte	0
	.uleb128 0x3
	.uleb128 0xe
	.uleb128 0x3a
	.uleb128 0x21
	.sleb128 2
	.uleb128 0x3b
	.uleb128 0xb
	.uleb128 0x39
	.uleb128 0xb
	.uleb128 0x49
	.uleb128 0x13
	.byte	0
	.byte	0
	.uleb128 0x1c
	.uleb128 0x34
	.byte	0
	.uleb128 0x3
	.uleb128 0xe
	.uleb128 0x3a
	.uleb128 0x21
	.sleb128 1
	.uleb128 0x3b
	.uleb128 0xb
	.uleb128 0x39
	.uleb128 0x21
	.sleb128 1
	.uleb128 0x49
	.uleb128 0x13
	.uleb128 0x2
	.uleb128 0x18
	.byte	0
	.byte	0
	.uleb128 0x1d
	.uleb128 0x34
	.byte	0
	.uleb128 0x3
	.uleb128 0x8
	.uleb128 0x3a
	.uleb128 0x21
	.sleb128 1
	.uleb128 0x3b
	.uleb128 0xb
	.uleb128 0x39
	.uleb128 0xb
	.uleb128 0x49
	.uleb128 0x13
	.uleb128 0x2
	.uleb128 0x17
	.uleb128 0x2137
	.uleb128 0x17
	.byte	0
	.byte	0
	.uleb128 0x1e
	.uleb128 0x35
	.byte	0
	.uleb128 0x49
	.uleb128 0x13
	.byte	0
	.byte	0
	.uleb128 0x1f
	.uleb128 0x28
	.byte	0
	.uleb128 0x3
	.uleb128 0x8
	.uleb128 0x1c
	.uleb128 0xb
	.byte	0
	.byte	0
	.uleb128 0x20
	.uleb128 0x13
	.byte	0x1
	.uleb128 0x3
	.uleb128 0x8
	.uleb128 0xb
	.uleb128 0xb
	.uleb128 0x3a
	.uleb128 0x21
	.sleb128 2
	.uleb128 0x3b
	.uleb128 0xb
	.uleb128 0x39
	.uleb128 0x21
	.sleb128 8
	.uleb128 0x1
	.uleb128 0x13
	.byte	0
	.byte	0
	.uleb128 0x21
	.uleb128 0x37
	.byte	0
	.uleb128 0x49
	.uleb128 0x13
	.byte	0
	.byte	0
	.uleb128 0x22
	.uleb128 0xd
	.byte	0
	.uleb128 0x3
	.uleb128 0x8
	.uleb128 0x3a
	.uleb128 0x21
	.sleb128 2
	.uleb128 0x3b
	.uleb128 0x21
	.sleb128 17
	.uleb128 0x39
	.uleb128 0xb
	.uleb128 0x49
	.uleb128 0x13
	.uleb128 0x38
	.uleb128 0x6
	.byte	0
	.byte	0
	.uleb128 0x23
	.uleb128 0x34
	.byte	0
	.uleb128 0x3
	.uleb128 0xe
	.uleb128 0x3a
	.uleb128 0x21
	.sleb128 1
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
	.uleb128 0x24
	.uleb128 0x11
	.byte	0x1
	.uleb128 0x25
	.uleb128 0xe
	.uleb128 0x13
	.uleb128 0xb
	.uleb128 0x3
	.uleb128 0x1f
	.uleb128 0x1b
	.uleb128 0x1f
	.uleb128 0x11
	.uleb128 0x1
	.uleb128 0x12
	.uleb128 0x7
	.uleb128 0x10
	.uleb128 0x17
	.byte	0
	.byte	0
	.uleb128 0x25
	.uleb128 0x28
	.byte	0
	.uleb128 0x3
	.uleb128 0xe
	.uleb128 0x1c
	.uleb128 0xd
	.byte	0
	.byte	0
	.uleb128 0x26
	.uleb128 0x28
	.byte	0
	.uleb128 0x3
	.uleb128 0xe
	.uleb128 0x1c
	.uleb128 0x6
	.byte	0
	.byte	0
	.uleb128 0x27
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
	.uleb128 0x28
	.uleb128 0x47
	.byte	0
	.uleb128 0x49
	.uleb128 0x13
	.byte	0
	.byte	0
	.uleb128 0x29
	.uleb128 0x28
	.byte	0
	.uleb128 0x3
	.uleb128 0x8
	.uleb128 0x1c
	.uleb128 0x6
	.byte	0
	.byte	0
	.uleb128 0x2a
	.uleb128 0x13
	.byte	0
	.uleb128 0x3
	.uleb128 0x8
	.uleb128 0x3c
	.uleb128 0x19
	.byte	0
	.byte	0
	.uleb128 0x2b
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
	.uleb128 0x2c
	.uleb128 0x21
	.byte	0
	.uleb128 0x49
	.uleb128 0x13
	.uleb128 0x2f
	.uleb128 0x6
	.byte	0
	.byte	0
	.uleb128 0x2d
	.uleb128 0x21
	.byte	0
	.uleb128 0x49
	.uleb128 0x13
	.uleb128 0x2f
	.uleb128 0x5
	.byte	0
	.byte	0
	.uleb128 0x2e
	.uleb128 0x21
	.byte	0
	.uleb128 0x49
	.uleb128 0x13
	.byte	0
	.byte	0
	.uleb128 0x2f
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
	.uleb128 0x30
	.uleb128 0x21
	.byte	0
	.uleb128 0x2f
	.uleb128 0xb
	.byte	0
	.byte	0
	.uleb128 0x31
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
	.uleb128 0x32
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
	.uleb128 0x33
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
	.uleb128 0x34
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
	.uleb128 0x35
	.uleb128 0xf
	.byte	0
	.uleb128 0xb
	.uleb128 0xb
	.byte	0
	.byte	0
	.uleb128 0x36
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
	.uleb128 0x37
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
	.uleb128 0x38
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
	.uleb128 0x7a
	.uleb128 0x19
	.byte	0
	.byte	0
	.uleb128 0x39
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
	.uleb128 0x7a
	.uleb128 0x19
	.uleb128 0x1
	.uleb128 0x13
	.byte	0
	.byte	0
	.uleb128 0x3a
	.uleb128 0x1d
	.byte	0x1
	.uleb128 0x31
	.uleb128 0x13
	.uleb128 0x52
	.uleb128 0x1
	.uleb128 0x2138
	.uleb128 0xb
	.uleb128 0x11
	.uleb128 0x1
	.uleb128 0x12
	.uleb128 0x7
	.uleb128 0x58
	.uleb128 0xb
	.uleb128 0x59
	.uleb128 0xb
	.uleb128 0x57
	.uleb128 0xb
	.byte	0
	.byte	0
	.uleb128 0x3b
	.uleb128 0x5
	.byte	0
	.uleb128 0x31
	.uleb128 0x13
	.uleb128 0x2
	.uleb128 0x17
	.uleb128 0x2137
	.uleb128 0x17
	.byte	0
	.byte	0
	.uleb128 0x3c
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
	.uleb128 0x20
	.uleb128 0xb
	.uleb128 0x1
	.uleb128 0x13
	.byte	0
	.byte	0
	.uleb128 0x3d
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
	.byte	0
	.byte	0
	.uleb128 0x3e
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
	.uleb128 0x7a
	.uleb128 0x19
	.uleb128 0x1
	.uleb128 0x13
	.byte	0
	.byte	0
	.uleb128 0x3f
	.uleb128 0x17
	.byte	0
	.uleb128 0x3
	.uleb128 0xe
	.uleb128 0x3c
	.uleb128 0x19
	.byte	0
	.byte	0
	.byte	0
	.section	.debug_loclists,"",@progbits
	.long	.Ldebug_loc3-.Ldebug_loc2
.Ldebug_loc2:
	.value	0x5
	.byte	0x8
	.byte	0
	.long	0
.Ldebug_loc0:
.LVUS3:
	.uleb128 .LVU34
	.uleb128 .LVU35
.LLST3:
	.byte	0x4
	.uleb128 .LVL7-.Ltext0
	.uleb128 .LVL7-.Ltext0
	.uleb128 0x4
	.byte	0x30
	.byte	0x9f
	.byte	0x93
	.uleb128 0x4
	.byte	0
.LVUS1:
	.uleb128 .LVU15
	.uleb128 .LVU16
.LLST1:
	.byte	0x4
	.uleb128 .LVL3-.Ltext0
	.uleb128 .LVL3-.Ltext0
	.uleb128 0x3
	.byte	0x55
	.byte	0x93
	.uleb128 0x4
	.byte	0
.LVUS2:
	.uleb128 .LVU15
	.uleb128 0
.LLST2:
	.byte	0x4
	.uleb128 .LVL3-.Ltext0
	.uleb128 .LFE4-.Ltext0
	.uleb128 0x6
	.byte	0xa0
	.long	.Ldebug_info0+3088
	.sleb128 0
	.byte	0
.LVUS0:
	.uleb128 .LVU8
	.uleb128 .LVU10
.LLST0:
	.byte	0x4
	.uleb128 .LVL2-.Ltext0
	.uleb128 .LVL2-.Ltext0
	.uleb128 0x1
	.byte	0x55
	.byte	0
.Ldebug_loc3:
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
.LASF41:
	.string	"private"
.LASF24:
	.string	"flex"
.LASF34:
	.string	"grown"
.LASF32:
	.string	"kept"
.LASF48:
	.string	"v_cvp"
.LASF53:
	.string	"v_al"
.LASF80:
	.string	"v_hidden"
.LASF97:
	.string	"al_t"
.LASF60:
	.string	"v_union"
.LASF14:
	.string	"anon"
.LASF100:
	.string	"original"
.LASF69:
	.string	"long double"
.LASF95:
	.string	"parameters"
.LASF26:
	.string	"__int128"
.LASF67:
	.string	"v_bool"
.LASF99:
	.string	"extern_f"
.LASF27:
	.string	"complex double"
.LASF3:
	.string	"ZERO"
.LASF49:
	.string	"v_ai"
.LASF78:
	.string	"v_renamed"
.LASF71:
	.string	"extern_s"
.LASF31:
	.string	"__kabi_ignored0"
.LASF70:
	.string	"extern_v"
.LASF77:
	.string	"v_uses"
.LASF91:
	.string	"weak"
.LASF55:
	.string	"v_al_t"
.LASF12:
	.string	"float"
.LASF54:
	.string	"v_pk"
.LASF8:
	.string	"long long int"
.LASF57:
	.string	"v_string"
.LASF13:
	.string	"bits"
.LASF45:
	.string	"v_fp"
.LASF75:
	.string	"points"
.LASF42:
	.string	"in_c_file"
.LASF79:
	.string	"v_grown"
.LASF18:
	.string	"other"
.LASF94:
	.string	"caller"
.LASF74:
	.string	"__gendwarfksyms_ptr_v_rec"
.LASF4:
	.string	"LARGEST"
.LASF9:
	.string	"unsigned char"
.LASF21:
	.string	"fparr"
.LASF30:
	.string	"__kabi_renamedold"
.LASF15:
	.string	"named"
.LASF96:
	.string	"GNU C17 12.2.0 -mtune=generic -march=x86-64 -g -gdwarf-5 -O2 -fasynchronous-unwind-tables"
.LASF82:
	.string	"rule2"
.LASF35:
	.string	"FIRST"
.LASF66:
	.string	"v_restrict"
.LASF86:
	.string	"rule6"
.LASF88:
	.string	"rule8"
.LASF20:
	.string	"anont"
.LASF7:
	.string	"unsigned int"
.LASF64:
	.string	"v_arrayp"
.LASF52:
	.string	"v_v4"
.LASF61:
	.string	"UNNAMED"
.LASF51:
	.string	"v_cd"
.LASF23:
	.string	"last"
.LASF36:
	.string	"ADDED"
.LASF65:
	.string	"v_thread"
.LASF39:
	.string	"uses"
.LASF81:
	.string	"rule1"
.LASF72:
	.string	"__gendwarfksyms_ptr_extern_v"
.LASF83:
	.string	"rule3"
.LASF98:
	.string	"renamed"
.LASF11:
	.string	"char"
.LASF29:
	.string	"long int"
.LASF47:
	.string	"v_big"
.LASF87:
	.string	"rule7"
.LASF10:
	.string	"_Bool"
.LASF101:
	.string	"inlined"
.LASF43:
	.string	"v_rec"
.LASF93:
	.string	"local"
.LASF68:
	.string	"v_double"
.LASF19:
	.string	"long unsigned int"
.LASF84:
	.string	"rule4"
.LASF5:
	.string	"sign"
.LASF25:
	.string	"i128"
.LASF40:
	.string	"hidden"
.LASF2:
	.string	"NEGATIVE"
.LASF38:
	.string	"__kabi_renamedfoo"
.LASF92:
	.string	"returns"
.LASF28:
	.string	"__kabi_reserved1"
.LASF33:
	.string	"__kabi_reserved2"
.LASF46:
	.string	"v_fparr"
.LASF102:
	.string	"ufwd"
.LASF90:
	.string	"f_uses"
.LASF37:
	.string	"THIRD"
.LASF63:
	.string	"v_array"
.LASF56:
	.string	"v_wide"
.LASF44:
	.string	"v_anont"
.LASF85:
	.string	"rule5"
.LASF22:
	.string	"more"
.LASF76:
	.string	"v_kept"
.LASF89:
	.string	"f_renamed"
.LASF59:
	.string	"v_struct"
.LASF50:
	.string	"v_i128"
.LASF17:
	.string	"prev"
.LASF62:
	.string	"v_enum"
.LASF6:
	.string	"wide"
.LASF16:
	.string	"next"
.LASF73:
	.string	"__gendwarfksyms_ptr_extern_f"
.LASF58:
	.string	"v_void"
	.section	.debug_line_str,"MS",@progbits,1
.LASF0:
	.string	"types.c"
.LASF1:
	.string	"."
	.section	.note.GNU-stack,"",@progbits
