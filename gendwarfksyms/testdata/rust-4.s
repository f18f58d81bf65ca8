	.file	"types.5d5212c0c85cbf02-cgu.0"
	.file	1 "./types.rs"
	.section	.text._ZN5types7mangled17hc73ed73f3c38e3d1E,"ax",@progbits
	.globl	_ZN5types7mangled17hc73ed73f3c38e3d1E
	.p2align	4
	.type	_ZN5types7mangled17hc73ed73f3c38e3d1E,@function
_ZN5types7mangled17hc73ed73f3c38e3d1E:
.Lfunc_begin0:
	.cfi_startproc
	.file	2 "rust/library/core/src/option.rs"
	.loc	2 636 18 prologue_end
	testq	%rdi, %rdi
	setne	%al
.Ltmp0:
	.loc	1 50 2
	retq
.Ltmp1:
.Lfunc_end0:
	.size	_ZN5types7mangled17hc73ed73f3c38e3d1E, .Lfunc_end0-_ZN5types7mangled17hc73ed73f3c38e3d1E
	.cfi_endproc

	.section	.text.node,"ax",@progbits
	.globl	node
	.p2align	4
	.type	node,@function
node:
.Lfunc_begin1:
	.loc	1 41 0
	.cfi_startproc
	movl	%edx, %eax
.Ltmp2:
	.loc	1 43 2 prologue_end
	retq
.Ltmp3:
.Lfunc_end1:
	.size	node, .Lfunc_end1-node
	.cfi_endproc

	.section	.text.tree,"ax",@progbits
	.globl	tree
	.p2align	4
	.type	tree,@function
tree:
.Lfunc_begin2:
	.cfi_startproc
	.loc	1 37 2 prologue_end
	xorl	%eax, %eax
	retq
.Ltmp4:
.Lfunc_end2:
	.size	tree, .Lfunc_end2-tree
	.cfi_endproc

	.section	.text.tuple,"ax",@progbits
	.globl	tuple
	.p2align	4
	.type	tuple,@function
tuple:
.Lfunc_begin3:
	.cfi_startproc
	.loc	1 0 2 is_stmt 0
.Ltmp5:
	.p2align	4
.LBB3_1:
	.loc	1 46 5 prologue_end is_stmt 1
	jmp	.LBB3_1
.Ltmp6:
.Lfunc_end3:
	.size	tuple, .Lfunc_end3-tuple
	.cfi_endproc

	.type	PAIR,@object
	.section	.rodata.PAIR,"a",@progbits
	.globl	PAIR
	.p2align	1, 0x0
PAIR:
	.ascii	"\000\000\000\000\000\000\000\000\000\000\000\000\000\000\001"
	.zero	1
	.size	PAIR, 16

	.section	.debug_loc,"",@progbits
.Ldebug_loc0:
	.quad	-1
	.quad	.Lfunc_begin3
	.quad	.Lfunc_begin3-.Lfunc_begin3
	.quad	.Lfunc_end3-.Lfunc_begin3
	.short	6
	.byte	84
	.byte	147
	.byte	8
	.byte	81
	.byte	147
	.byte	8
	.quad	0
	.quad	0
.Ldebug_loc1:
	.quad	-1
	.quad	.Lfunc_begin3
	.quad	.Lfunc_begin3-.Lfunc_begin3
	.quad	.Lfunc_end3-.Lfunc_begin3
	.short	6
	.byte	82
	.byte	147
	.byte	8
	.byte	88
	.byte	147
	.byte	8
	.quad	0
	.quad	0
	.section	.debug_abbrev,"",@progbits
	.byte	1
	.byte	17
	.byte	1
	.byte	37
	.byte	14
	.byte	19
	.byte	5
	.byte	3
	.byte	14
	.byte	16
	.byte	23
	.byte	27
	.byte	14
	.byte	17
	.byte	1
	.byte	85
	.byte	23
	.byte	0
	.byte	0
	.byte	2
	.byte	57
	.byte	1
	.byte	3
	.byte	14
	.byte	0
	.byte	0
	.byte	3
	.byte	52
	.byte	0
	.byte	3
	.byte	14
	.byte	73
	.byte	19
	.byte	63
	.byte	25
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
	.byte	4
	.byte	19
	.byte	1
	.byte	3
	.byte	14
	.byte	11
	.byte	11
	.byte	50
	.byte	11
	.ascii	"\210\001"
	.byte	15
	.byte	0
	.byte	0
	.byte	5
	.byte	47
	.byte	0
	.byte	73
	.byte	19
	.byte	3
	.byte	14
	.byte	0
	.byte	0
	.byte	6
	.byte	13
	.byte	0
	.byte	3
	.byte	14
	.byte	73
	.byte	19
	.ascii	"\210\001"
	.byte	15
	.byte	56
	.byte	11
	.byte	50
	.byte	11
	.byte	0
	.byte	0
	.byte	7
	.byte	4
	.byte	1
	.byte	73
	.byte	19
	.byte	109
	.byte	25
	.byte	3
	.byte	14
	.byte	11
	.byte	11
	.ascii	"\210\001"
	.byte	15
	.byte	0
	.byte	0
	.byte	8
	.byte	40
	.byte	0
	.byte	3
	.byte	14
	.byte	28
	.byte	15
	.byte	0
	.byte	0
	.byte	9
	.byte	51
	.byte	1
	.byte	21
	.byte	19
	.byte	0
	.byte	0
	.byte	10
	.byte	13
	.byte	0
	.byte	73
	.byte	19
	.ascii	"\210\001"
	.byte	15
	.byte	56
	.byte	11
	.byte	52
	.byte	25
	.byte	0
	.byte	0
	.byte	11
	.byte	25
	.byte	1
	.byte	22
	.byte	11
	.byte	0
	.byte	0
	.byte	12
	.byte	13
	.byte	0
	.byte	3
	.byte	14
	.byte	73
	.byte	19
	.ascii	"\210\001"
	.byte	15
	.byte	56
	.byte	11
	.byte	0
	.byte	0
	.byte	13
	.byte	19
	.byte	0
	.byte	3
	.byte	14
	.byte	11
	.byte	11
	.byte	50
	.byte	11
	.ascii	"\210\001"
	.byte	15
	.byte	0
	.byte	0
	.byte	14
	.byte	23
	.byte	1
	.byte	3
	.byte	14
	.byte	11
	.byte	11
	.ascii	"\210\001"
	.byte	15
	.byte	0
	.byte	0
	.byte	15
	.byte	46
	.byte	1
	.byte	17
	.byte	1
	.byte	18
	.byte	6
	.byte	64
	.byte	24
	.byte	110
	.byte	14
	.byte	3
	.byte	14
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
	.byte	16
	.byte	5
	.byte	0
	.byte	2
	.byte	24
	.byte	3
	.byte	14
	.byte	58
	.byte	11
	.byte	59
	.byte	11
	.byte	73
	.byte	19
	.byte	0
	.byte	0
	.byte	17
	.byte	29
	.byte	0
	.byte	49
	.byte	19
	.byte	17
	.byte	1
	.byte	18
	.byte	6
	.byte	88
	.byte	11
	.byte	89
	.byte	11
	.byte	87
	.byte	11
	.byte	0
	.byte	0
	.byte	18
	.byte	46
	.byte	1
	.byte	17
	.byte	1
	.byte	18
	.byte	6
	.byte	64
	.byte	24
	.byte	3
	.byte	14
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
	.byte	19
	.byte	46
	.byte	1
	.byte	17
	.byte	1
	.byte	18
	.byte	6
	.byte	64
	.byte	24
	.byte	3
	.byte	14
	.byte	58
	.byte	11
	.byte	59
	.byte	11
	.byte	63
	.byte	25
	.ascii	"\207\001"
	.byte	25
	.byte	0
	.byte	0
	.byte	20
	.byte	5
	.byte	0
	.byte	2
	.byte	23
	.byte	3
	.byte	14
	.byte	58
	.byte	11
	.byte	59
	.byte	11
	.byte	73
	.byte	19
	.byte	0
	.byte	0
	.byte	21
	.byte	1
	.byte	1
	.byte	73
	.byte	19
	.byte	0
	.byte	0
	.byte	22
	.byte	33
	.byte	0
	.byte	73
	.byte	19
	.byte	34
	.byte	13
	.byte	55
	.byte	11
	.byte	0
	.byte	0
	.byte	23
	.byte	36
	.byte	0
	.byte	3
	.byte	14
	.byte	62
	.byte	11
	.byte	11
	.byte	11
	.byte	0
	.byte	0
	.byte	24
	.byte	36
	.byte	0
	.byte	3
	.byte	14
	.byte	11
	.byte	11
	.byte	62
	.byte	11
	.byte	0
	.byte	0
	.byte	25
	.byte	25
	.byte	1
	.byte	0
	.byte	0
	.byte	26
	.byte	46
	.byte	1
	.byte	110
	.byte	14
	.byte	3
	.byte	14
	.byte	58
	.byte	11
	.byte	59
	.byte	5
	.byte	73
	.byte	19
	.byte	60
	.byte	25
	.byte	0
	.byte	0
	.byte	27
	.byte	5
	.byte	0
	.byte	73
	.byte	19
	.byte	0
	.byte	0
	.byte	28
	.byte	15
	.byte	0
	.byte	73
	.byte	19
	.byte	3
	.byte	14
	.byte	51
	.byte	6
	.byte	0
	.byte	0
	.byte	29
	.byte	46
	.byte	1
	.byte	71
	.byte	19
	.byte	32
	.byte	11
	.byte	0
	.byte	0
	.byte	30
	.byte	5
	.byte	0
	.byte	3
	.byte	14
	.byte	58
	.byte	11
	.byte	59
	.byte	5
	.byte	73
	.byte	19
	.byte	0
	.byte	0
	.byte	31
	.byte	19
	.byte	1
	.byte	3
	.byte	14
	.byte	11
	.byte	11
	.ascii	"\210\001"
	.byte	15
	.byte	0
	.byte	0
	.byte	32
	.byte	15
	.byte	0
	.byte	73
	.byte	19
	.byte	51
	.byte	6
	.byte	0
	.byte	0
	.byte	33
	.byte	21
	.byte	1
	.byte	73
	.byte	19
	.byte	0
	.byte	0
	.byte	34
	.byte	19
	.byte	0
	.byte	3
	.byte	14
	.byte	11
	.byte	11
	.ascii	"\210\001"
	.byte	15
	.byte	0
	.byte	0
	.byte	0
	.section	.debug_info,"",@progbits
.Lcu_begin0:
	.long	.Ldebug_info_end0-.Ldebug_info_start0
.Ldebug_info_start0:
	.short	4
	.long	.debug_abbrev
	.byte	8
	.byte	1
	.long	.Linfo_string0
	.short	28
	.long	.Linfo_string1
	.long	.Lline_table_start0
	.long	.Linfo_string2
	.quad	0
	.long	.Ldebug_ranges0
	.byte	2
	.long	.Linfo_string3
	.byte	3
	.long	.Linfo_string4
	.long	74

	.byte	1
	.byte	39
	.byte	2
	.byte	9
	.byte	3
	.quad	PAIR
	.byte	2
	.long	.Linfo_string5
	.byte	4
	.long	.Linfo_string12
	.byte	16
	.byte	1
	.byte	2
	.byte	5
	.long	644
	.long	.Linfo_string8
	.byte	6
	.long	.Linfo_string9
	.long	644
	.byte	2
	.byte	0
	.byte	1
	.byte	6
	.long	.Linfo_string10
	.long	671
	.byte	1
	.byte	14
	.byte	1
	.byte	0
	.byte	7
	.long	671

	.long	.Linfo_string15
	.byte	1
	.byte	1
	.byte	8
	.long	.Linfo_string13
	.byte	1
	.byte	8
	.long	.Linfo_string14
	.ascii	"\310\001"
	.byte	0
	.byte	4
	.long	.Linfo_string33
	.byte	16
	.byte	1
	.byte	8
	.byte	9
	.long	154
	.byte	10
	.long	671
	.byte	1
	.byte	0

	.byte	11
	.byte	0
	.byte	12
	.long	.Linfo_string28
	.long	204
	.byte	8
	.byte	0
	.byte	0
	.byte	11
	.byte	1
	.byte	12
	.long	.Linfo_string29
	.long	225
	.byte	8
	.byte	0
	.byte	0
	.byte	11
	.byte	2
	.byte	12
	.long	.Linfo_string19
	.long	258
	.byte	8
	.byte	0
	.byte	0
	.byte	0
	.byte	4
	.long	.Linfo_string28
	.byte	16
	.byte	1
	.byte	8
	.byte	6
	.long	.Linfo_string9
	.long	671
	.byte	1
	.byte	1
	.byte	1
	.byte	0
	.byte	4
	.long	.Linfo_string29
	.byte	16
	.byte	1
	.byte	8
	.byte	6
	.long	.Linfo_string30
	.long	1199
	.byte	4
	.byte	4
	.byte	1
	.byte	6
	.long	.Linfo_string32
	.long	763
	.byte	8
	.byte	8
	.byte	1
	.byte	0
	.byte	13
	.long	.Linfo_string19
	.byte	16
	.byte	1
	.byte	8
	.byte	0
	.byte	14
	.long	.Linfo_string53
	.byte	4
	.byte	4
	.byte	12
	.long	.Linfo_string50
	.long	1199
	.byte	4
	.byte	0
	.byte	12
	.long	.Linfo_string51
	.long	1254
	.byte	4
	.byte	0
	.byte	0
	.byte	4
	.long	.Linfo_string29
	.byte	48
	.byte	1
	.byte	8
	.byte	6
	.long	.Linfo_string55
	.long	1274
	.byte	8
	.byte	0
	.byte	1
	.byte	6
	.long	.Linfo_string57
	.long	1287
	.byte	8
	.byte	8
	.byte	1
	.byte	6
	.long	.Linfo_string62
	.long	1333
	.byte	8
	.byte	24
	.byte	1
	.byte	6
	.long	.Linfo_string65
	.long	1364
	.byte	8
	.byte	32
	.byte	1
	.byte	0
	.byte	4
	.long	.Linfo_string81
	.byte	3
	.byte	1
	.byte	1
	.byte	5
	.long	995
	.long	.Linfo_string8
	.byte	6
	.long	.Linfo_string9
	.long	995
	.byte	1
	.byte	0
	.byte	1
	.byte	6
	.long	.Linfo_string10
	.long	671
	.byte	1
	.byte	2
	.byte	1
	.byte	0
	.byte	0
	.byte	15
	.quad	.Lfunc_begin0
	.long	.Lfunc_end0-.Lfunc_begin0
	.byte	1
	.byte	87
	.long	.Linfo_string42
	.long	.Linfo_string43
	.byte	1
	.byte	48
	.long	1206

	.byte	16
	.byte	1
	.byte	85
	.long	.Linfo_string48
	.byte	1
	.byte	48
	.long	763
	.byte	17
	.long	1226
	.quad	.Lfunc_begin0
	.long	.Ltmp0-.Lfunc_begin0
	.byte	1
	.byte	49
	.byte	7
	.byte	0
	.byte	18
	.quad	.Lfunc_begin1
	.long	.Lfunc_end1-.Lfunc_begin1
	.byte	1
	.byte	87
	.long	.Linfo_string44
	.byte	1
	.byte	41
	.long	671

	.byte	16
	.byte	1
	.byte	85
	.long	.Linfo_string54
	.byte	1
	.byte	41
	.long	1261
	.byte	16
	.byte	1
	.byte	84
	.long	.Linfo_string49
	.byte	1
	.byte	41
	.long	267
	.byte	16
	.byte	1
	.byte	81
	.long	.Linfo_string72
	.byte	1
	.byte	41
	.long	116
	.byte	0
	.byte	18
	.quad	.Lfunc_begin2
	.long	.Lfunc_end2-.Lfunc_begin2
	.byte	1
	.byte	87
	.long	.Linfo_string45
	.byte	1
	.byte	35
	.long	891

	.byte	16
	.byte	1
	.byte	85
	.long	.Linfo_string82
	.byte	1
	.byte	35
	.long	1186
	.byte	16
	.byte	1
	.byte	84
	.long	.Linfo_string73
	.byte	1
	.byte	35
	.long	354
	.byte	0
	.byte	19
	.quad	.Lfunc_begin3
	.long	.Lfunc_end3-.Lfunc_begin3
	.byte	1
	.byte	87
	.long	.Linfo_string47
	.byte	1
	.byte	45


	.byte	16
	.byte	2
	.byte	117
	.byte	0
	.long	.Linfo_string83
	.byte	1
	.byte	45
	.long	1436
	.byte	20
	.long	.Ldebug_loc0
	.long	.Linfo_string87
	.byte	1
	.byte	45
	.long	1503
	.byte	20
	.long	.Ldebug_loc1
	.long	.Linfo_string89
	.byte	1
	.byte	45
	.long	1134
	.byte	0
	.byte	0
	.byte	21
	.long	657
	.byte	22
	.long	664
	.byte	0
	.byte	7
	.byte	0
	.byte	23
	.long	.Linfo_string6
	.byte	7
	.byte	2
	.byte	24
	.long	.Linfo_string7
	.byte	8
	.byte	7
	.byte	23
	.long	.Linfo_string11
	.byte	7
	.byte	1
	.byte	2
	.long	.Linfo_string16
	.byte	2
	.long	.Linfo_string17
	.byte	2
	.long	.Linfo_string18
	.byte	7
	.long	671

	.long	.Linfo_string24
	.byte	1
	.byte	1
	.byte	8
	.long	.Linfo_string19
	.byte	0
	.byte	8
	.long	.Linfo_string20
	.byte	1
	.byte	8
	.long	.Linfo_string21
	.byte	2
	.byte	8
	.long	.Linfo_string22
	.byte	3
	.byte	8
	.long	.Linfo_string23
	.byte	4
	.byte	0
	.byte	4
	.long	.Linfo_string77
	.byte	1
	.byte	1
	.byte	1
	.byte	6
	.long	.Linfo_string76
	.long	693
	.byte	1
	.byte	0
	.byte	2
	.byte	0
	.byte	0
	.byte	0
	.byte	2
	.long	.Linfo_string25
	.byte	4
	.long	.Linfo_string36
	.byte	8
	.byte	1
	.byte	8
	.byte	9
	.long	776
	.byte	10
	.long	1179
	.byte	8
	.byte	0

	.byte	11
	.byte	0
	.byte	12
	.long	.Linfo_string27
	.long	811
	.byte	8
	.byte	0
	.byte	0
	.byte	25
	.byte	12
	.long	.Linfo_string35
	.long	829
	.byte	8
	.byte	0
	.byte	0
	.byte	0
	.byte	4
	.long	.Linfo_string27
	.byte	8
	.byte	1
	.byte	8
	.byte	5
	.long	1186
	.long	.Linfo_string8
	.byte	0
	.byte	4
	.long	.Linfo_string35
	.byte	8
	.byte	1
	.byte	8
	.byte	5
	.long	1186
	.long	.Linfo_string8
	.byte	6
	.long	.Linfo_string9
	.long	1186
	.byte	8
	.byte	0
	.byte	1
	.byte	0
	.byte	26
	.long	.Linfo_string37
	.long	.Linfo_string38
	.byte	2
	.short	635
	.long	1206

	.byte	5
	.long	1186
	.long	.Linfo_string8
	.byte	27
	.long	1213
	.byte	0
	.byte	0
	.byte	4
	.long	.Linfo_string46
	.byte	8
	.byte	1
	.byte	4
	.byte	9
	.long	904
	.byte	10
	.long	1199
	.byte	4
	.byte	0

	.byte	11
	.byte	0
	.byte	12
	.long	.Linfo_string27
	.long	940
	.byte	4
	.byte	0
	.byte	0
	.byte	11
	.byte	1
	.byte	12
	.long	.Linfo_string35
	.long	958
	.byte	4
	.byte	0
	.byte	0
	.byte	0
	.byte	4
	.long	.Linfo_string27
	.byte	8
	.byte	1
	.byte	4
	.byte	5
	.long	1199
	.long	.Linfo_string8
	.byte	0
	.byte	4
	.long	.Linfo_string35
	.byte	8
	.byte	1
	.byte	4
	.byte	5
	.long	1199
	.long	.Linfo_string8
	.byte	6
	.long	.Linfo_string9
	.long	1199
	.byte	4
	.byte	4
	.byte	1
	.byte	0
	.byte	0
	.byte	0
	.byte	2
	.long	.Linfo_string74
	.byte	4
	.long	.Linfo_string80
	.byte	2
	.byte	1
	.byte	1
	.byte	9
	.long	1008
	.byte	10
	.long	671
	.byte	1
	.byte	0

	.byte	11
	.byte	0
	.byte	12
	.long	.Linfo_string75
	.long	1044
	.byte	1
	.byte	0
	.byte	0
	.byte	11
	.byte	1
	.byte	12
	.long	.Linfo_string79
	.long	1083
	.byte	1
	.byte	0
	.byte	0
	.byte	0
	.byte	4
	.long	.Linfo_string75
	.byte	2
	.byte	1
	.byte	1
	.byte	5
	.long	671
	.long	.Linfo_string8
	.byte	5
	.long	735
	.long	.Linfo_string78
	.byte	6
	.long	.Linfo_string9
	.long	671
	.byte	1
	.byte	1
	.byte	1
	.byte	0
	.byte	4
	.long	.Linfo_string79
	.byte	2
	.byte	1
	.byte	1
	.byte	5
	.long	671
	.long	.Linfo_string8
	.byte	5
	.long	735
	.long	.Linfo_string78
	.byte	6
	.long	.Linfo_string9
	.long	735
	.byte	1
	.byte	1
	.byte	1
	.byte	0
	.byte	0
	.byte	0
	.byte	2
	.long	.Linfo_string90
	.byte	2
	.long	.Linfo_string91
	.byte	4
	.long	.Linfo_string95
	.byte	16
	.byte	1
	.byte	8
	.byte	5
	.long	1326
	.long	.Linfo_string92
	.byte	6
	.long	.Linfo_string93
	.long	1326
	.byte	8
	.byte	0
	.byte	1
	.byte	6
	.long	.Linfo_string94
	.long	1326
	.byte	8
	.byte	8
	.byte	1
	.byte	0
	.byte	0
	.byte	0
	.byte	0
	.byte	23
	.long	.Linfo_string26
	.byte	7
	.byte	8
	.byte	28
	.long	141
	.long	.Linfo_string34
	.long	0
	.byte	23
	.long	.Linfo_string31
	.byte	7
	.byte	4
	.byte	23
	.long	.Linfo_string39
	.byte	2
	.byte	1
	.byte	28
	.long	763
	.long	.Linfo_string40
	.long	0
	.byte	29
	.long	859
	.byte	1
	.byte	5
	.long	1186
	.long	.Linfo_string8
	.byte	30
	.long	.Linfo_string41
	.byte	2
	.short	635
	.long	1213
	.byte	0
	.byte	23
	.long	.Linfo_string52
	.byte	4
	.byte	4
	.byte	28
	.long	297
	.long	.Linfo_string71
	.long	0
	.byte	28
	.long	297
	.long	.Linfo_string56
	.long	0
	.byte	31
	.long	.Linfo_string61
	.byte	16
	.byte	8
	.byte	12
	.long	.Linfo_string58
	.long	1317
	.byte	8
	.byte	0
	.byte	12
	.long	.Linfo_string59
	.long	1326
	.byte	8
	.byte	8
	.byte	0
	.byte	32
	.long	671
	.long	0
	.byte	23
	.long	.Linfo_string60
	.byte	7
	.byte	8
	.byte	28
	.long	1346
	.long	.Linfo_string64
	.long	0
	.byte	33
	.long	1179
	.byte	27
	.long	1357
	.byte	0
	.byte	23
	.long	.Linfo_string63
	.byte	5
	.byte	4
	.byte	31
	.long	.Linfo_string70
	.byte	16
	.byte	8
	.byte	12
	.long	.Linfo_string66
	.long	1394
	.byte	8
	.byte	0
	.byte	12
	.long	.Linfo_string68
	.long	1410
	.byte	8
	.byte	8
	.byte	0
	.byte	32
	.long	1403
	.long	0
	.byte	34
	.long	.Linfo_string67
	.byte	0
	.byte	1
	.byte	28
	.long	1423
	.long	.Linfo_string69
	.long	0
	.byte	21
	.long	1326
	.byte	22
	.long	664
	.byte	0
	.byte	4
	.byte	0
	.byte	31
	.long	.Linfo_string86
	.byte	24
	.byte	8
	.byte	12
	.long	.Linfo_string9
	.long	671
	.byte	1
	.byte	0
	.byte	12
	.long	.Linfo_string10
	.long	1466
	.byte	8
	.byte	8
	.byte	0
	.byte	31
	.long	.Linfo_string85
	.byte	16
	.byte	8
	.byte	12
	.long	.Linfo_string9
	.long	657
	.byte	2
	.byte	0
	.byte	12
	.long	.Linfo_string10
	.long	1496
	.byte	8
	.byte	8
	.byte	0
	.byte	23
	.long	.Linfo_string84
	.byte	5
	.byte	8
	.byte	31
	.long	.Linfo_string88
	.byte	16
	.byte	8
	.byte	12
	.long	.Linfo_string58
	.long	1317
	.byte	8
	.byte	0
	.byte	12
	.long	.Linfo_string59
	.long	1326
	.byte	8
	.byte	8
	.byte	0
	.byte	0
.Ldebug_info_end0:
	.section	.rodata.PAIR,"a",@progbits
.Lsec_end0:
	.section	.text._ZN5types7mangled17hc73ed73f3c38e3d1E,"ax",@progbits
.Lsec_end1:
	.section	.text.node,"ax",@progbits
.Lsec_end2:
	.section	.text.tree,"ax",@progbits
.Lsec_end3:
	.section	.text.tuple,"ax",@progbits
.Lsec_end4:
	.section	.debug_aranges,"",@progbits
	.long	108
	.short	2
	.long	.Lcu_begin0
	.byte	8
	.byte	0
	.zero	4,255
	.quad	PAIR
	.quad	.Lsec_end0-PAIR
	.quad	.Lfunc_begin0
	.quad	.Lsec_end1-.Lfunc_begin0
	.quad	.Lfunc_begin1
	.quad	.Lsec_end2-.Lfunc_begin1
	.quad	.Lfunc_begin2
	.quad	.Lsec_end3-.Lfunc_begin2
	.quad	.Lfunc_begin3
	.quad	.Lsec_end4-.Lfunc_begin3
	.quad	0
	.quad	0
	.section	.debug_ranges,"",@progbits
.Ldebug_ranges0:
	.quad	.Lfunc_begin0
	.quad	.Lfunc_end0
	.quad	.Lfunc_begin1
	.quad	.Lfunc_end1
	.quad	.Lfunc_begin2
	.quad	.Lfunc_end2
	.quad	.Lfunc_begin3
	.quad	.Lfunc_end3
	.quad	0
	.quad	0
	.section	.debug_str,"MS",@progbits,1
.Linfo_string0:
	.asciz	"clang LLVM (rustc version 1.95.0 (59807616e 2026-04-14))"
.Linfo_string1:
	.asciz	"types.rs/@/types.5d5212c0c85cbf02-cgu.0"
.Linfo_string2:
	.asciz	"."
.Linfo_string3:
	.asciz	"types"
.Linfo_string4:
	.asciz	"PAIR"
.Linfo_string5:
	.asciz	"shapes"
.Linfo_string6:
	.asciz	"u16"
.Linfo_string7:
	.asciz	"__ARRAY_SIZE_TYPE__"
.Linfo_string8:
	.asciz	"T"
.Linfo_string9:
	.asciz	"__0"
.Linfo_string10:
	.asciz	"__1"
.Linfo_string11:
	.asciz	"u8"
.Linfo_string12:
	.asciz	"Pair<[u16; 7]>"
.Linfo_string13:
	.asciz	"Low"
.Linfo_string14:
	.asciz	"High"
.Linfo_string15:
	.asciz	"Level"
.Linfo_string16:
	.asciz	"core"
.Linfo_string17:
	.asciz	"num"
.Linfo_string18:
	.asciz	"error"
.Linfo_string19:
	.asciz	"Empty"
.Linfo_string20:
	.asciz	"InvalidDigit"
.Linfo_string21:
	.asciz	"PosOverflow"
.Linfo_string22:
	.asciz	"NegOverflow"
.Linfo_string23:
	.asciz	"Zero"
.Linfo_string24:
	.asciz	"IntErrorKind"
.Linfo_string25:
	.asciz	"option"
.Linfo_string26:
	.asciz	"u64"
.Linfo_string27:
	.asciz	"None"
.Linfo_string28:
	.asciz	"Leaf"
.Linfo_string29:
	.asciz	"Node"
.Linfo_string30:
	.asciz	"value"
.Linfo_string31:
	.asciz	"u32"
.Linfo_string32:
	.asciz	"left"
.Linfo_string33:
	.asciz	"Tree"
.Linfo_string34:
	.asciz	"&types::shapes::Tree"
.Linfo_string35:
	.asciz	"Some"
.Linfo_string36:
	.asciz	"Option<&types::shapes::Tree>"
.Linfo_string37:
	.asciz	"_ZN4core6option15Option$LT$T$GT$7is_some17h9e6bb5241db39457E"
.Linfo_string38:
	.asciz	"is_some<&types::shapes::Tree>"
.Linfo_string39:
	.asciz	"bool"
.Linfo_string40:
	.asciz	"&core::option::Option<&types::shapes::Tree>"
.Linfo_string41:
	.asciz	"self"
.Linfo_string42:
	.asciz	"_ZN5types7mangled17hc73ed73f3c38e3d1E"
.Linfo_string43:
	.asciz	"mangled"
.Linfo_string44:
	.asciz	"node"
.Linfo_string45:
	.asciz	"tree"
.Linfo_string46:
	.asciz	"Option<u32>"
.Linfo_string47:
	.asciz	"tuple"
.Linfo_string48:
	.asciz	"x"
.Linfo_string49:
	.asciz	"_bits"
.Linfo_string50:
	.asciz	"number"
.Linfo_string51:
	.asciz	"float"
.Linfo_string52:
	.asciz	"f32"
.Linfo_string53:
	.asciz	"Bits"
.Linfo_string54:
	.asciz	"_node"
.Linfo_string55:
	.asciz	"next"
.Linfo_string56:
	.asciz	"*const types::shapes::Node"
.Linfo_string57:
	.asciz	"name"
.Linfo_string58:
	.asciz	"data_ptr"
.Linfo_string59:
	.asciz	"length"
.Linfo_string60:
	.asciz	"usize"
.Linfo_string61:
	.asciz	"&str"
.Linfo_string62:
	.asciz	"call"
.Linfo_string63:
	.asciz	"i32"
.Linfo_string64:
	.asciz	"extern \"C\" fn(i32) -> u64"
.Linfo_string65:
	.asciz	"any"
.Linfo_string66:
	.asciz	"pointer"
.Linfo_string67:
	.asciz	"dyn types::shapes::Act"
.Linfo_string68:
	.asciz	"vtable"
.Linfo_string69:
	.asciz	"&[usize; 4]"
.Linfo_string70:
	.asciz	"&dyn types::shapes::Act"
.Linfo_string71:
	.asciz	"*mut types::shapes::Node"
.Linfo_string72:
	.asciz	"level"
.Linfo_string73:
	.asciz	"_pair"
.Linfo_string74:
	.asciz	"result"
.Linfo_string75:
	.asciz	"Ok"
.Linfo_string76:
	.asciz	"kind"
.Linfo_string77:
	.asciz	"ParseIntError"
.Linfo_string78:
	.asciz	"E"
.Linfo_string79:
	.asciz	"Err"
.Linfo_string80:
	.asciz	"Result<u8, core::num::error::ParseIntError>"
.Linfo_string81:
	.asciz	"Pair<core::result::Result<u8, core::num::error::ParseIntError>>"
.Linfo_string82:
	.asciz	"_tree"
.Linfo_string83:
	.asciz	"_t"
.Linfo_string84:
	.asciz	"i64"
.Linfo_string85:
	.asciz	"(u16, i64)"
.Linfo_string86:
	.asciz	"(u8, (u16, i64))"
.Linfo_string87:
	.asciz	"_s"
.Linfo_string88:
	.asciz	"&[u8]"
.Linfo_string89:
	.asciz	"_o"
.Linfo_string90:
	.asciz	"ops"
.Linfo_string91:
	.asciz	"range"
.Linfo_string92:
	.asciz	"Idx"
.Linfo_string93:
	.asciz	"start"
.Linfo_string94:
	.asciz	"end"
.Linfo_string95:
	.asciz	"Range<usize>"
	.section	".note.GNU-stack","",@progbits
	.section	.debug_line,"",@progbits
.Lline_table_start0:
