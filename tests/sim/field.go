package sim

import (
	"encoding/binary"
	"fmt"
	"math"
	"math/big"
	"slices"
	"strconv"
)

// put writes those of a field's bits that it is about.
func (f *field) put(m map[place]uint16, v uint64) {
	if f.kind == 'b' {
		m[place{f.function, f.address}] = uint16(v & 1)
		return
	}
	var value, care [8]byte
	binary.BigEndian.PutUint64(value[:], v<<f.low)
	binary.BigEndian.PutUint64(care[:], f.cares()<<f.low)
	for k := range f.count {
		at := place{f.function, f.address + k}
		n := 8 - 2*f.count + 2*k // high word first
		if f.words {
			n = 6 - 2*k
		}
		word, mask := binary.BigEndian.Uint16(value[n:]), binary.BigEndian.Uint16(care[n:])
		if f.bytes {
			word, mask = word<<8|word>>8, mask<<8|mask>>8
		}
		m[at] = m[at]&^mask | word&mask
	}
}

// get reads a field's bits back.
func (f *field) get(m map[place]uint16) uint64 {
	if f.kind == 'b' {
		return uint64(m[place{f.function, f.address}])
	}
	var b [8]byte
	for k := range f.count {
		word := m[place{f.function, f.address + k}]
		if f.bytes {
			word = word<<8 | word>>8
		}
		n := 8 - 2*f.count + 2*k
		if f.words {
			n = 6 - 2*k
		}
		binary.BigEndian.PutUint16(b[n:], word)
	}
	return binary.BigEndian.Uint64(b[:]) >> f.low & ones(f.size)
}

// ones is a mask of n bits.
func ones(n int) uint64 { return math.MaxUint64 >> (64 - n) }

// cares are the bits that a field is about: all of its own, but of a status
// that only asks for some bits those.
func (f *field) cares() uint64 {
	var bits uint64
	for _, m := range f.marks {
		if m.any == 0 {
			return ones(f.size)
		}
		bits |= m.any
	}
	if bits == 0 {
		bits = ones(f.size)
	}
	return bits
}

// putText writes a text, as much of it as there is room for.
func (f *field) putText(m map[place]uint16, s string) {
	b := make([]byte, 2*f.count)
	copy(b, s)
	for k := range f.count {
		word := uint16(b[2*k])<<8 | uint16(b[2*k+1])
		if f.bytes {
			word = word<<8 | word>>8
		}
		m[place{f.function, f.address + k}] = word
	}
}

// text is what putText wrote.
func (f *field) text(words []uint16) string {
	var b []byte
	for _, w := range words {
		if f.bytes {
			w = w<<8 | w>>8
		}
		for _, c := range []byte{byte(w >> 8), byte(w)} {
			if c != 0 {
				b = append(b, c)
			}
		}
	}
	return string(b)
}

// worth is the number that bits stand for; nil where they are none, or stand
// for no value.
func (f *field) worth(bits uint64) *big.Rat {
	r := f.plain(bits)
	if r == nil {
		return nil
	}
	for _, s := range f.sentinels {
		if v, err := f.bitsOf(s); err == nil && v == bits {
			return nil
		}
	}
	return r.Add(r.Mul(r, f.scale), f.offset)
}

// plain is the number as it lies in the registers. Of a float it is the
// shortest decimal that no other float is nearer to, which is what people read.
func (f *field) plain(bits uint64) *big.Rat {
	switch f.kind {
	case 'i':
		shift := 64 - f.width
		return new(big.Rat).SetInt64(int64(bits<<shift) >> shift)
	case 'f':
		v := math.Float64frombits(bits)
		if f.width == 32 {
			v = float64(math.Float32frombits(uint32(bits)))
		}
		r, _ := new(big.Rat).SetString(strconv.FormatFloat(v, 'e', -1, f.width))
		return r // nil: no number, or without end
	}
	return new(big.Rat).SetInt(new(big.Int).SetUint64(bits))
}

// bitsOf are the bits of a number before scale and offset, as templates write
// it: hexadecimal ones are the bits themselves.
func (f *field) bitsOf(number string) (uint64, error) {
	if len(number) > 2 && (number[:2] == "0x" || number[:2] == "0X") {
		return strconv.ParseUint(number, 0, 64)
	}
	if f.kind == 'f' {
		v, err := strconv.ParseFloat(number, f.width)
		if f.width == 32 {
			return uint64(math.Float32bits(float32(v))), err
		}
		return math.Float64bits(v), err
	}
	if v, err := strconv.ParseInt(number, 10, 64); err == nil {
		return uint64(v) & ones(f.size), nil
	}
	return strconv.ParseUint(number, 10, 64)
}

// parse reads what a person sets.
func (f *field) parse(to string) (uint64, error) {
	switch {
	case f.kind == 's' || f.moment != nil:
		return 0, fmt.Errorf("it is a text, which stays as it is")
	case to == "sentinel" && len(f.sentinels) > 0:
		return f.bitsOf(f.sentinels[0])
	case to == "sentinel" && f.kind == 'f': // every float has this one
		if f.width == 32 {
			return uint64(math.Float32bits(float32(math.NaN()))), nil
		}
		return math.Float64bits(math.NaN()), nil
	case to == "sentinel":
		return 0, fmt.Errorf("the template names no number that means no value")
	case len(to) > 2 && to[:2] == "0x":
		v, err := f.bitsOf(to)
		if err == nil && v > ones(f.size) {
			err = fmt.Errorf("%s has more than %d bits", to, f.size)
		}
		return v, err
	}
	r, ok := new(big.Rat).SetString(to)
	if !ok {
		return 0, fmt.Errorf("%q is neither a number, bits such as 0x0001, sentinel nor normal", to)
	}
	r.Quo(r.Sub(r, f.offset), f.scale)
	v, _ := r.Float64()
	if lowest, highest := f.bounds(); v < lowest || v > highest {
		return 0, fmt.Errorf("%s does not fit the register", to)
	}
	return f.encode(v), nil
}

// bounds are the lowest and the highest number that the field can hold.
func (f *field) bounds() (lowest, highest float64) {
	switch f.kind {
	case 'i':
		return -math.Ldexp(1, f.width-1), math.Ldexp(1, f.width-1) - 1
	case 'f':
		if f.width == 32 {
			return -math.MaxFloat32, math.MaxFloat32
		}
		return -math.MaxFloat64, math.MaxFloat64
	}
	return 0, math.Ldexp(1, f.size) - 1
}

// encode makes bits of a number that fits; of whole ones the nearest.
func (f *field) encode(v float64) uint64 {
	switch {
	case f.kind == 'f' && f.width == 32:
		return uint64(math.Float32bits(float32(v)))
	case f.kind == 'f':
		return math.Float64bits(v)
	case f.kind == 'i':
		return uint64(int64(math.Round(v))) & ones(f.width)
	}
	return uint64(math.Round(v)) & ones(f.size)
}

// raw makes bits of a value in the field's unit, which do not happen to mean
// that there is none.
func (f *field) raw(level float64) uint64 {
	scale, _ := f.scale.Float64()
	offset, _ := f.offset.Float64()
	if f.kind == 'f' {
		level = math.Round(level*100) / 100
	}
	lowest, highest := f.bounds()
	v := min(max((level-offset)/scale, lowest), highest)
	for range f.sentinels {
		if f.worth(f.encode(v)) != nil {
			break
		}
		if v++; v > highest {
			v = lowest
		}
	}
	return f.encode(v)
}

// good says that a status flags nothing and knows its unit.
func (f *field) good(v uint64) bool {
	units, known := 0, false
	for i := range f.marks {
		holds := f.holds(&f.marks[i], v)
		if f.marks[i].times != nil {
			units++
			known = known || holds
		} else if holds {
			return false
		}
	}
	return units == 0 || known
}

// healthy is the lowest number with which a status flags nothing.
func (f *field) healthy() (uint64, error) {
	candidates := []string{}
	for _, m := range f.marks {
		candidates = append(append(candidates, m.is...), m.not...)
	}
	for v := range min(ones(f.size), 255) + 1 {
		candidates = append(candidates, strconv.FormatUint(v, 10))
	}
	found := false
	var lowest uint64
	for _, c := range candidates {
		if v, err := f.bitsOf(c); err == nil && f.good(v) && (!found || v < lowest) {
			lowest, found = v, true
		}
	}
	if !found {
		return 0, fmt.Errorf("status %s has no number that flags nothing", f.name)
	}
	return lowest, nil
}

// holds says whether a rule is true of a status' bits.
func (f *field) holds(m *verdict, v uint64) bool {
	among := func(list []string) bool {
		return slices.ContainsFunc(list, func(s string) bool {
			b, err := f.bitsOf(s)
			return err == nil && b == v
		})
	}
	switch {
	case m.any != 0:
		return v&m.any != 0
	case len(m.is) > 0:
		return among(m.is)
	case len(m.not) > 0:
		return !among(m.not)
	}
	return v != 0
}
