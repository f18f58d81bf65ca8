package xz

import (
	"encoding/binary"
	"errors"
)

// Sizes and constants of LZMA, named as in lzma-specification.txt.
const (
	probBits  = 11
	probInit  = 1 << (probBits - 1)
	moveBits  = 5
	topValue  = 1 << 24
	minMatch  = 2
	maxMatch  = minMatch + 8 + 8 + 256 - 1
	numStates = 12

	// A literal may come after states 0..6; from 7 on the last thing
	// decoded was a match, and the literal is coded against its next byte.
	firstMatchState = 7

	// maxSymbolInput bounds the input one symbol can take: 22 adaptive bits
	// at the smallest probability (31/2048) and 26 direct bits are less than
	// 160 bits, one more byte for a range not yet normalised before it.
	maxSymbolInput = 21

	// inputSlack is how many bytes must be readable from the place where a
	// symbol starts; copySlack how far a fast copy may write behind a match.
	inputSlack = 24
	copySlack  = 32

	// stepOutput is how much one call of run makes at most, but for a match.
	stepOutput = 256 << 10
)

// lengthModel holds the probabilities of match lengths.
type lengthModel struct {
	choice [2]uint16
	low    [16 << 3]uint16 // by position state
	mid    [16 << 3]uint16
	high   [256]uint16
}

// model holds every adaptive probability of LZMA. Arrays are rounded up so
// that an index of 4 or 8 bits needs no bounds check.
type model struct {
	isMatch    [256]uint16 // state<<4 | position state
	isRep      [16]uint16
	isRep0     [16]uint16
	isRep1     [16]uint16
	isRep2     [16]uint16
	isRep0Long [256]uint16
	slot       [4 << 6]uint16
	special    [128]uint16 // distance slots 4..13, reverse trees
	align      [16]uint16
	match, rep lengthModel
	literal    [literalSize << maxLCLP]uint16
}

const (
	literalSize = 0x300
	maxLCLP     = 4
)

// reset sets the probabilities that lc+lp = n uses to one half.
func (m *model) reset(n uint) {
	for _, p := range [...][]uint16{
		m.isMatch[:], m.isRep[:], m.isRep0[:], m.isRep1[:], m.isRep2[:],
		m.isRep0Long[:], m.slot[:], m.special[:], m.align[:],
		m.match.choice[:], m.match.low[:], m.match.mid[:], m.match.high[:],
		m.rep.choice[:], m.rep.low[:], m.rep.mid[:], m.rep.high[:],
		m.literal[:literalSize<<n],
	} {
		for len(p) > 0 {
			p = p[copy(p, halves[:]):]
		}
	}
}

// halves is a run of initial probabilities, copied by reset.
var halves = func() (h [literalSize]uint16) {
	for i := range h {
		h[i] = probInit
	}
	return h
}()

// status is why run returned.
type status uint32

const (
	// statusMore: pos reached stop, or ip passed last.
	statusMore status = iota
	statusEndMarker
	statusBadDistance // a match begins before the dictionary
	statusTooLong     // a match goes beyond end
	statusBadState    // d does not keep to what run expects
)

// decoder is the state of one LZMA stream. Its fields are the interface
// between the container code and run (in Go or in assembly): run takes symbols
// from in[ip:] and appends to out[:pos] until pos >= stop or ip > last.
//
// Before run: 0 <= pos <= end <= len(out), stop <= end, and
// last+inputSlack <= len(in).
type decoder struct {
	out  []byte // dictionary and output in one: out[0] is where the dictionary was reset
	in   []byte
	pos  int
	stop int // no symbol starts at or behind stop
	end  int // no match goes beyond end
	ip   int
	last int // no symbol starts behind last in in

	rng, code uint32
	state     uint32
	reps      [4]uint32 // last distances, less one
	dict      uint32    // distances (less one) must be smaller
	lc, lp    uint32
	litMask   uint32 // of pos<<8 + byte before: what chooses a literal's tree
	pbMask    uint32

	m model

	tail [2*inputSlack + maxSymbolInput]byte
}

// Errors of the LZMA layer; the container code adds the place.
var (
	errBadProps    = errors.New("lc, lp or pb out of range")
	errInit        = errors.New("range coder does not begin with zero")
	errBadDistance = errors.New("match begins before the dictionary")
	errTooLong     = errors.New("match goes beyond the end")
	errEndMarker   = errors.New("end marker inside")
	errBadState    = errors.New("input changed while it was read")
	errInput       = errors.New("compressed data too short")
	errLeft        = errors.New("compressed data left over, or its last code is not zero")
)

// props splits the byte (pb*5+lp)*9+lc. As in liblzma, lc+lp is at most 4.
func props(b byte) (lc, lp, pb uint32, err error) {
	lc, lp, pb = uint32(b%9), uint32(b/9%5), uint32(b/45)
	if pb > 4 || lc+lp > maxLCLP {
		return 0, 0, 0, errBadProps
	}
	return lc, lp, pb, nil
}

func (d *decoder) setProps(b byte) error {
	lc, lp, pb, err := props(b)
	d.lc, d.lp, d.pbMask = lc, lp, 1<<pb-1
	d.litMask = 0x100<<lp - 0x100>>lc
	return err
}

// resetState forgets what was learnt, with the properties as they are.
func (d *decoder) resetState() {
	d.m.reset(uint(d.lc + d.lp))
	d.state = 0
	d.reps = [4]uint32{}
}

// startRange reads the range coder's five first bytes.
func (d *decoder) startRange(in []byte) error {
	if len(in) < 5 {
		return errInput
	}
	if in[0] != 0 {
		return errInit
	}
	d.rng = 0xffffffff
	d.code = binary.BigEndian.Uint32(in[1:])
	return nil
}

// decode runs the LZMA data src[ip:end], of which the range coder has been
// started, until pos reaches stop or an end marker comes, and returns the
// offset in src behind the last byte taken. What follows end in src may be
// read but never used. When fewer than inputSlack bytes follow, the end of
// the data is decoded from a padded copy.
func (d *decoder) decode(src []byte, ip, end int) (int, status) {
	d.in, d.ip, d.last = src, ip, min(end, len(src)-inputSlack)
	if d.last >= d.ip {
		if s := d.steps(); s != statusMore || d.pos >= d.stop || d.ip > end {
			return d.normalise(), s
		}
	}
	if d.last == end {
		return d.normalise(), statusMore
	}
	// The rest, shorter than inputSlack, behind it zeroes.
	ip = d.ip
	clear(d.tail[:])
	rest := copy(d.tail[:], src[ip:end])
	d.in, d.ip, d.last = d.tail[:], 0, rest
	s := d.steps()
	n := d.normalise()
	d.in = nil
	return ip + n, s
}

// steps is run, in calls of some milliseconds: the assembly cannot be
// interrupted by Go's scheduler, nor by its collector.
func (d *decoder) steps() status {
	stop := d.stop
	defer func() { d.stop = stop }()
	for {
		d.stop = min(stop, d.pos+stepOutput)
		s := d.run()
		if s != statusMore || d.pos < d.stop || d.stop == stop {
			return s
		}
	}
}

// normalise takes the byte that the last symbol left for the next one to take,
// so that ip says what was used.
func (d *decoder) normalise() int {
	if d.rng < topValue && d.ip < len(d.in) {
		d.rng <<= 8
		d.code = d.code<<8 | uint32(d.in[d.ip])
		d.ip++
	}
	return d.ip
}

// err names a status that must not come inside LZMA2.
func (s status) err() error {
	switch s {
	case statusEndMarker:
		return errEndMarker
	case statusBadDistance:
		return errBadDistance
	case statusTooLong:
		return errTooLong
	case statusBadState:
		return errBadState
	}
	return nil
}
