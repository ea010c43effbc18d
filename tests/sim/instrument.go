package sim

import (
	"encoding/binary"
	"maps"
	"math"
	"slices"
	"sync"
	"time"
)

// A Kind is how a channel's value lies in its registers, high byte and high
// word first.
type Kind byte

const (
	U16 Kind = iota // unsigned, one register
	S16             // signed, one register
	I32             // signed, two registers
	F32             // IEEE 754, two registers
)

// words is the number of registers of a value.
func (k Kind) words() int {
	if k == U16 || k == S16 {
		return 1
	}
	return 2
}

// A Channel is one measured value of an instrument.
type Channel struct {
	Point    string // name that rows at the centre give it
	Function byte   // 3 (holding) or 4 (input)
	Address  uint16 // as sent in the PDU
	Kind     Kind
	Decimals int // of the value; an integer register holds value × 10^Decimals
	Digits   int // low decimal digits that carry the reading's number; 0: not numbered
	// Level is where the value is at a time; the numbered digits replace its
	// own. It must stay within what the registers can hold.
	Level func(at time.Time) float64
}

// step is the number of readings after which the number's digits come again.
func (c *Channel) step() int64 {
	return int64(math.Pow10(c.Digits))
}

// raw is the value of reading n at a time, in units of its last decimal.
func (c *Channel) raw(n uint64, at time.Time) int64 {
	level := c.Level(at) * math.Pow10(c.Decimals)
	if c.Digits == 0 {
		return int64(math.Round(level))
	}
	step := c.step()
	return int64(math.Floor(level/float64(step)))*step + int64(n%uint64(step))
}

// put writes the registers of a raw value to b.
func (c *Channel) put(b []byte, raw int64) {
	switch c.Kind {
	case U16, S16:
		binary.BigEndian.PutUint16(b, uint16(raw))
	case I32:
		binary.BigEndian.PutUint32(b, uint32(raw))
	case F32:
		v := float32(float64(raw) / math.Pow10(c.Decimals))
		binary.BigEndian.PutUint32(b, math.Float32bits(v))
	}
}

// An Instrument answers questions with moving, numbered values. It may be
// asked from several buses at once; it counts all of them alike.
type Instrument struct {
	name     string
	channels []Channel
	fixed    map[byte]map[uint16]uint16 // by function: registers that do not move
	size     map[byte]int               // by function: registers or bits from 0 that answer
	writable map[byte]map[uint16]bool   // by function 5 and 6: addresses that may be written
	play     *play                      // acts out a template in place of all these; nil: none

	mu       sync.Mutex
	journals []journal // one for each channel
	counts   map[Outcome]uint64
	bits     map[uint16]bool   // guarded by mu: discrete inputs
	coils    map[uint16]bool   // guarded by mu: coils written
	held     map[uint16]uint16 // guarded by mu: holding registers written
}

// New makes an instrument of channels. Its name is what rows at the centre
// call it. All registers from 0 to the last channel's answer, those between
// the channels with 0.
func New(name string, channels ...Channel) *Instrument {
	in := &Instrument{
		name:     name,
		channels: channels,
		fixed:    map[byte]map[uint16]uint16{3: {}, 4: {}},
		size:     map[byte]int{},
		writable: map[byte]map[uint16]bool{5: {}, 6: {}},
		journals: make([]journal, len(channels)),
		counts:   map[Outcome]uint64{},
		bits:     map[uint16]bool{},
		coils:    map[uint16]bool{},
		held:     map[uint16]uint16{},
	}
	for i := range channels {
		c := &channels[i]
		in.size[c.Function] = max(in.size[c.Function], int(c.Address)+c.Kind.words())
	}
	return in
}

// Name is the instrument's name.
func (in *Instrument) Name() string { return in.name }

// Channels are the instrument's channels, the first one first.
func (in *Instrument) Channels() []Channel { return slices.Clone(in.channels) }

// SetBit sets a discrete input (function 2), such as a warning.
func (in *Instrument) SetBit(address uint16, on bool) {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.bits[address] = on
}

// Journal returns the newest numbered readings of a point, oldest first.
func (in *Instrument) Journal(point string) []Entry {
	in.mu.Lock()
	defer in.mu.Unlock()
	for i := range in.channels {
		if in.channels[i].Point == point {
			return slices.Clone(in.journals[i].entries)
		}
	}
	return nil
}

// Counts says how many questions ended in each way. A question whose answer
// is on its way is not in it.
func (in *Instrument) Counts() map[Outcome]uint64 {
	in.mu.Lock()
	defer in.mu.Unlock()
	return maps.Clone(in.counts)
}

// Sent is the number of numbered readings, of all channels, that were sent
// whole.
func (in *Instrument) Sent() uint64 {
	in.mu.Lock()
	defer in.mu.Unlock()
	var n uint64
	for i := range in.journals {
		n += in.journals[i].whole
	}
	return n
}

// A mark names a reading whose outcome is still open.
type mark struct {
	channel int
	n       uint64
}

// settle writes down what became of an answer and of the readings in it.
func (in *Instrument) settle(marks []mark, o Outcome, now time.Time) {
	in.mu.Lock()
	defer in.mu.Unlock()
	if len(marks) == 0 && o == Whole {
		o = Other
	}
	in.counts[o]++
	for _, m := range marks {
		in.journals[m.channel].settle(m.n, o, now)
	}
}

// Modbus exception codes.
const (
	illegalFunction = 1
	illegalAddress  = 2
	illegalValue    = 3
	targetSilent    = 11 // a gateway's word for a unit that does not answer
)

// refuse is the answer PDU of an exception.
func refuse(function, code byte) []byte {
	return []byte{function | 0x80, code}
}

// serve answers one question. The marks are to be settled when the answer is
// out; refused says that it is an exception.
func (in *Instrument) serve(pdu []byte, now time.Time) (answer []byte, marks []mark, refused bool) {
	in.mu.Lock()
	defer in.mu.Unlock()
	var code byte
	switch fn := pdu[0]; {
	case fn == 5 || fn == 6 || fn == 15 || fn == 16:
		answer, code = in.write(pdu)
	case in.play != nil:
		answer, code = in.play.read(pdu, now)
	case fn == 1 || fn == 2:
		answer, code = in.readBits(pdu)
	case fn == 3 || fn == 4:
		answer, marks, code = in.readWords(pdu, now)
	default:
		code = illegalFunction
	}
	if code != 0 {
		return refuse(pdu[0], code), nil, true
	}
	return answer, marks, false
}

// span reads start and quantity of a question and holds them against the
// registers that there are.
func (in *Instrument) span(pdu []byte, most int) (start, quantity int, code byte) {
	if len(pdu) < 5 {
		return 0, 0, illegalValue
	}
	start = int(binary.BigEndian.Uint16(pdu[1:]))
	quantity = int(binary.BigEndian.Uint16(pdu[3:]))
	if quantity < 1 || quantity > most {
		return 0, 0, illegalValue
	}
	if start+quantity > in.size[pdu[0]] {
		return 0, 0, illegalAddress
	}
	return start, quantity, 0
}

// readBits answers functions 1 and 2: function, byte count, bits from the
// lowest of the first byte on.
func (in *Instrument) readBits(pdu []byte) (answer []byte, code byte) {
	start, quantity, code := in.span(pdu, 2000)
	if code != 0 {
		return nil, code
	}
	set := in.bits
	if pdu[0] == 1 {
		set = in.coils
	}
	size := (quantity + 7) / 8
	answer = make([]byte, 2+size)
	answer[0], answer[1] = pdu[0], byte(size)
	for i := range quantity {
		if set[uint16(start+i)] {
			answer[2+i/8] |= 1 << (i % 8)
		}
	}
	return answer, 0
}

// readWords answers functions 3 and 4: function, byte count, registers.
func (in *Instrument) readWords(pdu []byte, now time.Time) (answer []byte, marks []mark, code byte) {
	start, quantity, code := in.span(pdu, 125)
	if code != 0 {
		return nil, nil, code
	}
	answer = make([]byte, 2+2*quantity)
	answer[0], answer[1] = pdu[0], byte(2*quantity)
	words := answer[2:]
	for i := range quantity {
		v := in.fixed[pdu[0]][uint16(start+i)]
		if h, ok := in.held[uint16(start+i)]; ok && pdu[0] == 3 {
			v = h
		}
		binary.BigEndian.PutUint16(words[2*i:], v)
	}
	for i := range in.channels {
		c := &in.channels[i]
		from := int(c.Address) - start
		if c.Function != pdu[0] || from < 0 || from+c.Kind.words() > quantity {
			continue
		}
		if c.Digits == 0 {
			c.put(words[2*from:], c.raw(0, now))
			continue
		}
		e := in.journals[i].next(now)
		e.Raw = c.raw(e.N, now)
		c.put(words[2*from:], e.Raw)
		marks = append(marks, mark{i, e.N})
	}
	return answer, marks, 0
}

// write answers functions 5, 6, 15 and 16, for addresses that may be written.
func (in *Instrument) write(pdu []byte) (answer []byte, code byte) {
	if len(pdu) < 5 {
		return nil, illegalValue
	}
	start, value := binary.BigEndian.Uint16(pdu[1:]), binary.BigEndian.Uint16(pdu[3:])
	quantity := 1
	data := pdu[3:]
	kind := pdu[0]
	if kind == 15 || kind == 16 {
		kind -= 10
		quantity = int(value)
		if len(pdu) < 6 || quantity < 1 || len(pdu) != 6+int(pdu[5]) {
			return nil, illegalValue
		}
		data = pdu[6:]
		if want := 2 * quantity; kind == 6 && len(data) != want || kind == 5 && len(data) != (quantity+7)/8 {
			return nil, illegalValue
		}
	}
	for i := range quantity {
		if !in.writable[kind][start+uint16(i)] {
			return nil, illegalAddress
		}
	}
	for i := range quantity {
		at := start + uint16(i)
		switch {
		case kind == 6:
			in.held[at] = binary.BigEndian.Uint16(data[2*i:])
		case pdu[0] == 5: // FF00 is on
			in.coils[at] = data[0] == 0xFF
		default:
			in.coils[at] = data[i/8]>>(i%8)&1 != 0
		}
	}
	return pdu[:5:5], 0
}
