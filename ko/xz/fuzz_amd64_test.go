//go:build linux && !purego

package xz

import (
	"bytes"
	"syscall"
	"testing"
)

// guarded returns n bytes with a page behind them that cannot be touched.
func guarded(t testing.TB, n int) []byte {
	t.Helper()
	page := syscall.Getpagesize()
	size := (n + page - 1) / page * page
	m, err := syscall.Mmap(-1, 0, size+page, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_ANON|syscall.MAP_PRIVATE)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { syscall.Munmap(m) })
	if err := syscall.Mprotect(m[size:], syscall.PROT_NONE); err != nil {
		t.Fatal(err)
	}
	return m[size-n : size : size]
}

// FuzzRun gives any input and any sizes to both loops. Input and output end
// where memory ends, so that a byte too far is a fault; what lies before the
// output must stay as it was. The loops must agree in all they leave.
func FuzzRun(f *testing.F) {
	src := fixture(f, "8021q.ko.xz")
	f.Add(src[30:600], byte(93), uint16(5000), uint16(40), uint16(5000))
	f.Add(src[30:200], byte(0), uint16(300), uint16(0), uint16(200))
	f.Add(src[1000:1100], byte(4+9*0+45*4), uint16(77), uint16(0), uint16(77))
	f.Fuzz(func(t *testing.T, src []byte, prop byte, size, slack, end uint16) {
		if _, _, _, err := props(prop); err != nil || len(src) < 5 || len(src) > 1<<16 {
			return
		}
		src[0] = 0
		type result struct {
			s                   status
			pos, ip, n          int
			rng, code, state    uint32
			reps                [4]uint32
			lit, slot, rep, len uint16
		}
		var results []result
		var outs [][]byte
		eachLoop(func(loop string) {
			const before = 64
			in := guarded(t, len(src))
			copy(in, src)
			buf := guarded(t, before+int(size)+int(slack))
			for i := range buf {
				buf[i] = 0xaa
			}
			d := new(decoder)
			if err := d.setProps(prop); err != nil {
				t.Fatal(err)
			}
			d.resetState()
			d.dict = 1 << 16
			d.out = buf[before:]
			d.end = int(size)
			d.stop = min(int(end), d.end)
			if err := d.startRange(in); err != nil {
				t.Fatal(err)
			}
			n, s := d.decode(in, 5, len(in))
			if !bytes.Equal(buf[:before], bytes.Repeat([]byte{0xaa}, before)) {
				t.Errorf("%s: wrote before the output", loop)
			}
			if d.pos > d.end {
				t.Errorf("%s: pos %d is beyond %d", loop, d.pos, d.end)
			}
			m := &d.m
			results = append(results, result{s, d.pos, d.ip, n, d.rng, d.code, d.state, d.reps,
				sum(m.literal[:]), sum(m.slot[:]), sum(m.rep.high[:]), sum(m.match.low[:])})
			outs = append(outs, d.out[:d.pos])
		})
		if results[0] != results[1] || !bytes.Equal(outs[0], outs[1]) {
			t.Errorf("go:\n%+v\nassembly:\n%+v", results[0], results[1])
		}
	})
}

func sum(p []uint16) (s uint16) {
	for _, v := range p {
		s = s*3 + v
	}
	return s
}
