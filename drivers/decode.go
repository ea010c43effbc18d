package drivers

import (
	"encoding/binary"
	"math"
	"slices"
	"strconv"
	"strings"

	"envgate/hj212"
)

// longest bounds a value's letters. A float64 may need 300 of them, and is
// then nothing that was measured; every float32 fits.
const longest = 64

// An outcome is what became of a point: the bits it had, and what they say.
type outcome struct {
	answered bool
	bits     uint64 // of the bit field, if there is one
	value    string
	flag     string
	cause    Cause
}

// missing is the outcome of a point whose question had no good answer.
func missing(flag string, cause Cause) outcome { return outcome{flag: flag, cause: cause} }

// decode reads p out of the answer to r: packed bits, lowest first, for
// functions 1 and 2 (Modbus application protocol V1.1b3, 6.1), big-endian
// registers for 3 and 4. answer is as long as r's question makes it.
func (p *point) decode(r *read, answer []byte) outcome {
	at := p.address - r.address
	if p.kind == kindBit {
		return p.number(uint64(answer[at/8]>>(at%8)&1), nil)
	}
	b := answer[2*at : 2*(at+p.count)]
	if p.kind == kindString {
		return p.text(b)
	}
	var v uint64
	for w := range p.count {
		if p.swapped.words {
			w = p.count - 1 - w
		}
		v = v<<16 | uint64(p.word(b[2*w:]))
	}
	return p.number(v>>p.low&p.mask, nil)
}

// word reads one register.
func (p *point) word(b []byte) uint16 {
	if p.swapped.bytes {
		return binary.LittleEndian.Uint16(b)
	}
	return binary.BigEndian.Uint16(b)
}

// number makes a value of the bits, in a unit that is times the template's; nil
// is the template's own.
func (p *point) number(bits uint64, times *decimal) outcome {
	o := outcome{answered: true, bits: bits, flag: hj212.FlagNormal}
	var d decimal // the number, made if it is needed
	exact := p.scale != nil || p.offset != nil || p.decimals >= 0 || p.lowest != nil || times != nil || p.linear != nil
	switch {
	case p.kind == kindFloat:
		f := p.float(bits)
		if math.IsNaN(f) || math.IsInf(f, 0) {
			o.flag, o.cause = p.sentinelFlag, CauseSentinel
			return o
		}
		if f == 0 {
			f = 0 // and not -0
		}
		if exact || len(p.sentinels) > 0 {
			d = newDecimalFloat(f, p.width)
		}
		if !exact {
			o.value = strconv.FormatFloat(f, 'f', -1, p.width)
		}
	case exact && p.kind == kindInt:
		d = newDecimal(p.signed(bits))
	case exact:
		d = newDecimalUint(bits)
	case p.kind == kindInt:
		o.value = strconv.FormatInt(p.signed(bits), 10)
	default:
		o.value = strconv.FormatUint(bits, 10)
	}
	for _, s := range p.sentinels {
		if s.holds(bits, d) {
			o.value, o.flag, o.cause = "", p.sentinelFlag, CauseSentinel
			return o
		}
	}
	if p.linear != nil {
		switch o.cause = p.linear.judge(d); o.cause {
		case "":
		case CauseRange:
			o.flag = hj212.FlagOver
		default:
			o.flag = hj212.FlagFault
			return o
		}
		d = p.linear.value(d, times)
	} else if exact {
		if p.scale != nil {
			d = d.mul(*p.scale)
		}
		if p.offset != nil {
			d = d.add(*p.offset)
		}
		if times != nil {
			d = d.mul(*times)
		}
		if p.decimals >= 0 {
			d = d.round(p.decimals)
		}
	}
	if exact {
		o.value = d.String()
		if p.lowest != nil && (d.cmp(*p.lowest) < 0 || d.cmp(*p.highest) > 0) {
			o.flag, o.cause = hj212.FlagOver, CauseRange
		}
	}
	if len(o.value) > longest {
		o.value, o.flag, o.cause = "", hj212.FlagFault, CauseUnreadable
	}
	return o
}

// float reads bits as a float of p's width.
func (p *point) float(bits uint64) float64 {
	if p.width == 32 {
		return float64(math.Float32frombits(uint32(bits)))
	}
	return math.Float64frombits(bits)
}

// signed reads bits as the two's complement of p's width.
func (p *point) signed(bits uint64) int64 {
	shift := 64 - p.width
	return int64(bits<<shift) >> shift
}

// holds reports whether the number is m's.
func (m match) holds(bits uint64, worth decimal) bool {
	if m.worth != nil {
		return m.worth.cmp(worth) == 0
	}
	return m.bits == bits
}

// text reads a string up to its first NUL, without blanks at its ends.
func (p *point) text(b []byte) outcome {
	buf := make([]byte, 0, len(b))
	for i := 0; i < len(b); i += 2 {
		buf = binary.BigEndian.AppendUint16(buf, p.word(b[i:]))
	}
	s, _, _ := strings.Cut(string(buf), "\x00")
	s = strings.TrimSpace(s)
	if s == "" || strings.IndexFunc(s, unprintable) >= 0 {
		o := missing(hj212.FlagFault, CauseUnreadable)
		o.answered = true
		return o
	}
	return outcome{answered: true, value: s, flag: hj212.FlagNormal}
}

// holds reports whether r's rule is true of a status point's bits.
func (r *rule) holds(bits uint64) bool {
	is := func(m match) bool { return m.holds(bits, decimal{}) }
	switch {
	case r.any != 0:
		return bits&r.any != 0
	case r.is != nil:
		return slices.ContainsFunc(r.is, is)
	case r.not != nil:
		return !slices.ContainsFunc(r.not, is)
	}
	return bits != 0
}

// places is how many decimals p's values have, -1 for as many as they come
// with.
func (p *point) places() int {
	switch {
	case p.decimals >= 0:
		return p.decimals
	case p.varies:
		return -1
	case p.linear != nil:
		return p.linear.places
	case p.kind == kindFloat || p.kind == kindString:
		return -1
	}
	places := 0
	if p.scale != nil {
		places = p.scale.places
	}
	if p.offset != nil {
		places = max(places, p.offset.places)
	}
	return max(0, places)
}
