//go:build !purego

#include "go_asm.h"
#include "textflag.h"

// run in assembly; see runGo, which does the same step by step, for what is
// decided where. What assembly adds is (a) that both children of a node of a
// bit tree are loaded before the node is decided, so that the load is not in
// the chain from bit to bit, and (b) conditional moves on the carry of one
// subtraction for range, code, probability and symbol. Both ideas are those of
// the LZMA SDK's and of liblzma's decoders.
//
// Safety rests on what run checks beforehand (see run_amd64.go) and on:
//   - Node numbers of a tree of n bits are below 1<<n; states are below 12;
//     position states below 16; (pos<<8 + byte) & litMask, shifted by lc and
//     times 3, is below literalSize<<maxLCLP.
//   - Probabilities stay within 31..2017, so that one symbol takes at most
//     maxSymbolInput bytes of input, and where it starts inputSlack are there.
//   - A literal is stored below stop, a match below end; whole words are
//     stored only where copySlack bytes of out follow the match.
//   - A match is read from the output only after rep0 < pos has been seen.

#define RNG   R8
#define CODE  R9
#define IN    R10
#define OUT   R11 // address of out[pos]
#define D     R12
#define STATE R13
#define REP0  R14
#define PSTATE R15 // position state; later the match's length
#define T0    AX
#define T1    BX
#define P     CX // the probability of the bit to decide
#define Q     DI // that of the next one
#define SYM   DX
#define TREE  SI

// The frame.
#define STOP  0(SP)  // address of out[stop]
#define LAST  8(SP)  // address of in[last]
#define END   16(SP) // address of out[end]
#define FAST  24(SP) // address of out[len(out)-copySlack]

#define ISMATCH    (decoder_m+model_isMatch)
#define ISREP      (decoder_m+model_isRep)
#define ISREP0     (decoder_m+model_isRep0)
#define ISREP1     (decoder_m+model_isRep1)
#define ISREP2     (decoder_m+model_isRep2)
#define ISREP0LONG (decoder_m+model_isRep0Long)
#define REP1       (decoder_reps+4)(D)
#define REP2       (decoder_reps+8)(D)
#define REP3       (decoder_reps+12)(D)

// A branch: it comes about every eighth bit of input and is dearer otherwise.
#define NORMALISE \
	CMPL RNG, $const_topValue \
	JCC  5(PC)                \
	SHLL $8, CODE             \
	MOVB (IN), CODE           \
	SHLL $8, RNG              \
	INCQ IN

// SPLIT leaves the bit's negation in the carry. If it is 0, RNG is right and
// CODE must go back to T1; if it is 1, CODE is right and RNG must become T0.
#define SPLIT(A) \
	MOVL  RNG, T0          \
	SHRL  $const_probBits, RNG \
	IMULL A, RNG           \
	SUBL  RNG, T0          \
	MOVL  CODE, T1         \
	SUBL  RNG, CODE

// INNER decides node SYM of TREE, whose probability is in A, and loads that of
// the child it leads to into B.
#define INNER(A, B) \
	MOVWLZX (TREE)(SYM*4), B  \
	NORMALISE                 \
	SPLIT(A)                  \
	CMOVLCC T0, RNG           \
	MOVWLZX 2(TREE)(SYM*4), T0 \
	LEAL    (SYM)(SYM*1), SYM \
	CMOVLCC T0, B             \
	LEAL    -2017(A), T0      \
	CMOVLCS T1, CODE          \
	MOVL    SYM, T1           \
	CMOVLCC A, T0             \
	SBBL    $-1, SYM          \
	SARL    $const_moveBits, T0 \
	SUBL    T0, A             \
	MOVW    A, (TREE)(T1*1)

// LEAF decides the last node.
#define LEAF(A) \
	ADDL    SYM, SYM          \
	NORMALISE                 \
	SPLIT(A)                  \
	CMOVLCC T0, RNG           \
	LEAL    -2017(A), T0      \
	CMOVLCS T1, CODE          \
	MOVL    SYM, T1           \
	CMOVLCC A, T0             \
	SBBL    $-1, SYM          \
	SARL    $const_moveBits, T0 \
	SUBL    T0, A             \
	MOVW    A, (TREE)(T1*1)

#define ROOT \
	MOVL    $1, SYM           \
	MOVWLZX 2(TREE), P

#define TREE3 \
	ROOT        \
	INNER(P, Q) \
	INNER(Q, P) \
	LEAF(P)

#define TREE4 \
	ROOT        \
	INNER(P, Q) \
	INNER(Q, P) \
	INNER(P, Q) \
	LEAF(Q)

#define TREE6 \
	ROOT        \
	INNER(P, Q) \
	INNER(Q, P) \
	INNER(P, Q) \
	INNER(Q, P) \
	INNER(P, Q) \
	LEAF(Q)

#define TREE8 \
	ROOT        \
	INNER(P, Q) \
	INNER(Q, P) \
	INNER(P, Q) \
	INNER(Q, P) \
	INNER(P, Q) \
	INNER(Q, P) \
	INNER(P, Q) \
	LEAF(Q)

// MATCHED decides one bit of a literal that follows a match. Q holds the byte
// at rep0, shifted so that its next bit is bit 8; PSTATE holds the offset:
// 0x100 until a bit differs from that byte's, then 0. R13 and R14 are free.
#define MATCHED \
	ADDL    Q, Q                 \
	LEAL    (SYM)(PSTATE*1), R13 \
	MOVL    Q, R14               \
	ANDL    PSTATE, R14          \
	ADDL    R14, R13             \
	XORL    R14, PSTATE          \
	MOVWLZX (TREE)(R13*2), P     \
	ADDL    SYM, SYM             \
	NORMALISE                    \
	SPLIT(P)                     \
	CMOVLCC T0, RNG              \
	LEAL    -2017(P), T0         \
	CMOVLCC R14, PSTATE          \
	CMOVLCS T1, CODE             \
	CMOVLCC P, T0                \
	SBBL    $-1, SYM             \
	SARL    $const_moveBits, T0  \
	SUBL    T0, P                \
	MOVW    P, (TREE)(R13*2)

// DECIDE branches to one if the bit whose probability is at M is 1. ZERO and
// ONE then finish either way.
#define DECIDE(M, one) \
	MOVWLZX M, P          \
	NORMALISE             \
	MOVL    RNG, T0       \
	SHRL    $const_probBits, RNG \
	IMULL   P, RNG        \
	CMPL    CODE, RNG     \
	JCC     one

#define ZERO(M) \
	MOVL $2048, T1        \
	SUBL P, T1            \
	SHRL $const_moveBits, T1 \
	ADDL T1, P            \
	MOVW P, M

#define ONE(M) \
	SUBL RNG, CODE        \
	SUBL RNG, T0          \
	MOVL T0, RNG          \
	MOVL P, T1            \
	SHRL $const_moveBits, T1 \
	SUBL T1, P            \
	MOVW P, M

// func runAsm(d *decoder) status
TEXT ·runAsm(SB), NOSPLIT, $40-12
	MOVQ d+0(FP), D
	MOVQ decoder_out(D), AX
	MOVQ decoder_pos(D), OUT
	ADDQ AX, OUT
	MOVQ decoder_stop(D), BX
	ADDQ AX, BX
	MOVQ BX, STOP
	MOVQ decoder_end(D), BX
	ADDQ AX, BX
	MOVQ BX, END
	MOVQ (decoder_out+8)(D), BX
	LEAQ -const_copySlack(AX)(BX*1), BX
	MOVQ BX, FAST
	MOVQ decoder_in(D), AX
	MOVQ decoder_ip(D), IN
	ADDQ AX, IN
	ADDQ decoder_last(D), AX
	MOVQ AX, LAST
	MOVL decoder_rng(D), RNG
	MOVL decoder_code(D), CODE
	MOVL decoder_state(D), STATE
	MOVL decoder_reps(D), REP0

symbol:
	CMPQ OUT, STOP
	JCC  more
	CMPQ IN, LAST
	JHI  more
	MOVQ OUT, SYM
	SUBQ decoder_out(D), SYM
	MOVL SYM, PSTATE
	ANDL decoder_pbMask(D), PSTATE
	MOVL STATE, TREE
	SHLL $4, TREE
	ADDL PSTATE, TREE
	DECIDE(ISMATCH(D)(TREE*2), match)
	ZERO(ISMATCH(D)(TREE*2))

	// A literal. SYM is pos.
	XORL    T0, T0
	TESTQ   SYM, SYM
	JEQ     2(PC)
	MOVBLZX -1(OUT), T0
	SHLL    $8, SYM
	ADDL    T0, SYM
	ANDL    decoder_litMask(D), SYM
	MOVL    decoder_lc(D), CX
	SHLL    CX, SYM
	LEAL    (SYM)(SYM*2), SYM
	LEAQ    (decoder_m+model_literal)(D)(SYM*2), TREE
	CMPL    STATE, $const_firstMatchState
	JCC     matched
	TREE8
	MOVB    SYM, (OUT)
	INCQ    OUT
	XORL    AX, AX
	SUBL    $3, STATE
	CMOVLCS AX, STATE
	JMP     symbol

matched:
	MOVQ    OUT, T0
	SUBQ    REP0, T0
	MOVBLZX -1(T0), Q
	MOVL    STATE, 32(SP)
	MOVL    REP0, 36(SP)
	MOVL    $0x100, PSTATE
	MOVL    $1, SYM
	MATCHED
	MATCHED
	MATCHED
	MATCHED
	MATCHED
	MATCHED
	MATCHED
	MATCHED
	MOVB    SYM, (OUT)
	INCQ    OUT
	MOVL    32(SP), STATE
	MOVL    36(SP), REP0
	LEAL    -6(STATE), AX
	SUBL    $3, STATE
	CMPL    STATE, $7
	CMOVLCC AX, STATE
	JMP     symbol

match:
	ONE(ISMATCH(D)(TREE*2))
	DECIDE(ISREP(D)(STATE*2), rep)
	ZERO(ISREP(D)(STATE*2))
	MOVL    REP2, AX
	MOVL    REP1, BX
	MOVL    AX, REP3
	MOVL    BX, REP2
	MOVL    REP0, REP1
	CMPL    STATE, $const_firstMatchState
	MOVL    $7, STATE
	MOVL    $10, AX
	CMOVLCC AX, STATE
	ORL     $0x100, PSTATE // a new distance follows the length
	LEAQ    (decoder_m+model_match)(D), TREE
	JMP     length

rep:
	ONE(ISREP(D)(STATE*2))
	DECIDE(ISREP0(D)(STATE*2), notRep0)
	ZERO(ISREP0(D)(STATE*2))
	MOVL STATE, TREE
	SHLL $4, TREE
	ADDL PSTATE, TREE
	DECIDE(ISREP0LONG(D)(TREE*2), rep0Long)
	ZERO(ISREP0LONG(D)(TREE*2))

	// One byte from rep0.
	MOVQ    OUT, SI
	MOVQ    OUT, AX
	SUBQ    REP0, SI
	SUBQ    decoder_out(D), AX
	CMPQ    REP0, AX
	JCC     badDistance
	MOVBLZX -1(SI), AX
	MOVB    AX, (OUT)
	INCQ    OUT
	CMPL    STATE, $const_firstMatchState
	MOVL    $9, STATE
	MOVL    $11, AX
	CMOVLCC AX, STATE
	JMP     symbol

rep0Long:
	ONE(ISREP0LONG(D)(TREE*2))
	JMP repLength

notRep0:
	ONE(ISREP0(D)(STATE*2))
	DECIDE(ISREP1(D)(STATE*2), notRep1)
	ZERO(ISREP1(D)(STATE*2))
	MOVL REP1, AX
	MOVL REP0, REP1
	MOVL AX, REP0
	JMP  repLength

notRep1:
	ONE(ISREP1(D)(STATE*2))
	DECIDE(ISREP2(D)(STATE*2), notRep2)
	ZERO(ISREP2(D)(STATE*2))
	MOVL REP2, AX
	MOVL REP1, BX
	MOVL BX, REP2
	MOVL REP0, REP1
	MOVL AX, REP0
	JMP  repLength

notRep2:
	ONE(ISREP2(D)(STATE*2))
	MOVL REP3, AX
	MOVL REP2, BX
	MOVL BX, REP3
	MOVL REP1, BX
	MOVL BX, REP2
	MOVL REP0, REP1
	MOVL AX, REP0

repLength:
	CMPL    STATE, $const_firstMatchState
	MOVL    $8, STATE
	MOVL    $11, AX
	CMOVLCC AX, STATE
	LEAQ    (decoder_m+model_rep)(D), TREE

length:
	DECIDE(lengthModel_choice(TREE), notLow)
	ZERO(lengthModel_choice(TREE))
	MOVBLZX PSTATE, AX
	SHLL    $4, AX
	LEAQ    lengthModel_low(TREE)(AX*1), TREE
	TREE3
	SUBL    $6, SYM
	JMP     haveLength

notLow:
	ONE(lengthModel_choice(TREE))
	DECIDE((lengthModel_choice+2)(TREE), notMid)
	ZERO((lengthModel_choice+2)(TREE))
	MOVBLZX PSTATE, AX
	SHLL    $4, AX
	LEAQ    lengthModel_mid(TREE)(AX*1), TREE
	TREE3
	ADDL    $2, SYM
	JMP     haveLength

notMid:
	ONE((lengthModel_choice+2)(TREE))
	LEAQ lengthModel_high(TREE), TREE
	TREE8
	SUBL $238, SYM

haveLength:
	TESTL $0x100, PSTATE
	MOVL  SYM, PSTATE
	JEQ   copy

	// A distance: its slot first, from one of four trees by length.
	LEAL    -2(SYM), AX
	MOVL    $3, BX
	CMPL    AX, BX
	CMOVLHI BX, AX
	SHLL    $7, AX
	LEAQ    (decoder_m+model_slot)(D)(AX*1), TREE
	TREE6
	SUBL    $64, SYM
	MOVL    SYM, REP0
	CMPL    SYM, $4
	JCS     haveDistance
	ANDL    $1, REP0
	ORL     $2, REP0
	MOVL    SYM, Q
	SHRL    $1, Q
	DECL    Q
	CMPL    SYM, $14
	JCC     far

	// Slots 4..13: Q bits from a reverse tree.
	MOVL Q, CX
	SHLL CX, REP0
	MOVL REP0, AX
	SUBL SYM, AX
	LEAQ (decoder_m+model_special)(D)(AX*2), TREE
	MOVL $1, SYM

special:
	MOVWLZX (TREE)(SYM*2), P
	LEAF(P)
	DECL    Q
	JNE     special
	LEAQ    ·reversed(SB), AX
	MOVBLZX (AX)(SYM*1), AX
	ADDL    AX, REP0
	JMP     haveDistance

far:
	SUBL $4, Q

direct:
	NORMALISE
	SHRL    $1, RNG
	LEAL    (REP0)(REP0*1), REP0
	MOVL    CODE, T0
	SUBL    RNG, CODE
	CMOVLCS T0, CODE
	SBBL    $-1, REP0
	DECL    Q
	JNE     direct

	SHLL    $4, REP0
	LEAQ    (decoder_m+model_align)(D), TREE
	TREE4
	LEAQ    ·reversed(SB), AX
	MOVBLZX (AX)(SYM*1), AX
	ADDL    AX, REP0
	CMPL    REP0, $-1
	JEQ     endMarker

haveDistance:
	CMPL REP0, decoder_dict(D)
	JCC  badDistance

	// Copy. SI is where from, DI where to stop.
copy:
	MOVQ OUT, AX
	SUBQ decoder_out(D), AX
	CMPQ REP0, AX
	JCC  badDistance
	MOVQ END, BX
	SUBQ OUT, BX
	CMPQ PSTATE, BX
	JHI  tooLong
	MOVQ OUT, SI
	SUBQ REP0, SI
	DECQ SI
	LEAQ (OUT)(PSTATE*1), DI
	CMPQ DI, FAST
	JHI  bytes
	CMPL REP0, $15
	JCS  near

words:
	MOVOU (SI), X0
	MOVOU X0, (OUT)
	ADDQ  $16, SI
	ADDQ  $16, OUT
	CMPQ  OUT, DI
	JCS   words
	MOVQ  DI, OUT
	JMP   symbol

	// The distance is below 16: what is written right of each store is its
	// length; that doubles it. Distance 1 is common (zeroes), and done at once.
near:
	LEAL       1(REP0), AX
	CMPL       AX, $1
	JNE        double
	MOVBLZX    (SI), AX
	MOVQ       $0x0101010101010101, BX
	IMULQ      BX, AX
	MOVQ       AX, X0
	PUNPCKLQDQ X0, X0

fill:
	MOVOU X0, (OUT)
	ADDQ  $16, OUT
	CMPQ  OUT, DI
	JCS   fill
	MOVQ  DI, OUT
	JMP   symbol

double:
	MOVOU (SI), X0
	MOVOU X0, (OUT)
	ADDQ  AX, OUT
	ADDQ  AX, AX
	CMPQ  OUT, DI
	JCC   doubled
	CMPL  AX, $16
	JCS   double
	JMP   words

doubled:
	MOVQ DI, OUT
	JMP  symbol

bytes:
	MOVBLZX (SI), AX
	MOVB    AX, (OUT)
	INCQ    SI
	INCQ    OUT
	CMPQ    OUT, DI
	JCS     bytes
	JMP     symbol

badDistance:
	MOVL $const_statusBadDistance, AX
	JMP  return

tooLong:
	MOVL $const_statusTooLong, AX
	JMP  return

endMarker:
	MOVL $const_statusEndMarker, AX
	JMP  return

more:
	MOVL $const_statusMore, AX

return:
	MOVL AX, ret+8(FP)
	SUBQ decoder_out(D), OUT
	MOVQ OUT, decoder_pos(D)
	SUBQ decoder_in(D), IN
	MOVQ IN, decoder_ip(D)
	MOVL RNG, decoder_rng(D)
	MOVL CODE, decoder_code(D)
	MOVL STATE, decoder_state(D)
	MOVL REP0, decoder_reps(D)
	RET
