#include "textflag.h"

// func frames(pcs []uintptr) (n int, whole bool)
//
// Each frame begins with where the frame of its caller is, and above that is where the call
// returns to. The runtime does not move the stack of a goroutine that is in assembly.
TEXT ·frames(SB), NOSPLIT, $0-33
	MOVQ pcs_base+0(FP), DI
	MOVQ pcs_len+8(FP), CX
	MOVQ (TLS), R8
	MOVQ 0(R8), R9         // the goroutine's stack, from here
	MOVQ 8(R8), R10        // to here
	XORQ DX, DX
	MOVQ BP, AX
next:
	CMPQ DX, CX
	JGE  some
	CMPQ AX, R9
	JB   some
	LEAQ 16(AX), R11
	CMPQ R11, R10
	JHI  some
	MOVQ 8(AX), R12
	MOVQ R12, (DI)(DX*8)
	INCQ DX
	MOVQ (AX), R12
	TESTQ R12, R12         // the first frame of the goroutine
	JZ   all
	CMPQ R12, AX
	JLS  some
	MOVQ R12, AX
	JMP  next
all:
	MOVB $1, whole+32(FP)
	MOVQ DX, n+24(FP)
	RET
some:
	MOVB $0, whole+32(FP)
	MOVQ DX, n+24(FP)
	RET
