//go:build !purego

package xz

// useAsm is false only in tests that compare the two loops.
var useAsm = true

// runAsm is runGo in assembly. It trusts d; see run.
//
//go:noescape
func runAsm(d *decoder) status

// run checks what runAsm relies on, so that neither damaged input nor input
// that somebody changes meanwhile (a mapped file) leads it outside its slices.
// That a literal after a match can read its byte at rep0 is part of it: within
// runAsm a state behind a match comes only from a match that was possible.
func (d *decoder) run() status {
	if !useAsm {
		return d.runGo()
	}
	if d.pos < 0 || d.pos > d.end || d.stop > d.end || d.end > len(d.out) ||
		d.ip < 0 || d.last < d.ip || d.last > len(d.in)-inputSlack ||
		d.state >= numStates || d.rng < 1<<16 ||
		d.state >= firstMatchState && uint64(d.reps[0]) >= uint64(d.pos) {
		return statusBadState
	}
	return runAsm(d)
}

// reversed gives for a leaf of a tree of up to five bits, its leading one
// included, the bits in reverse order.
//
//lint:ignore U1000 read by the assembly
var reversed = func() (r [64]uint8) {
	for leaf := 2; leaf < 64; leaf++ {
		for n := leaf; n > 1; n >>= 1 {
			r[leaf] = r[leaf]<<1 | uint8(n&1)
		}
	}
	return r
}()
