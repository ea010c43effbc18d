package sim

import (
	"encoding/binary"
	"fmt"
	"math/big"
	"slices"
	"time"
)

// A Value is what a field of a played template says at a time.
type Value struct {
	Name     string
	Role     string // Point, Status, Input, Parameter or Clock
	Function byte
	Address  int
	Words    []uint16 // the registers; of functions 1 and 2 one word, 0 or 1
	Bits     uint64   // the number as it lies there, without its order

	Text     string   // of a string, a time, a contact whose states have names
	Number   *big.Rat // in Unit; nil: no number, or one that means no value
	Unit     string
	Decimals int // that Number is to be rounded to; -1: not at all
}

// play is an instrument's part that acts out a template. The instrument's
// mutex guards it.
type play struct {
	sheet  *Sheet
	levels []curve
	set    map[int]uint64 // what a person set, by the field's place in the sheet
	still  time.Time      // values stand as they were then; zero: they move
	drift  time.Duration  // of its clock
}

// Play makes an instrument of a template: values move as the real ones may,
// within the range of each, statuses are as in good health, and what is not in
// the table is refused with exception 2. Values are not numbered.
func Play(name string, s *Sheet) (*Instrument, error) {
	in := New(name)
	p := &play{sheet: s, set: map[int]uint64{}}
	for i := range s.fields {
		f := &s.fields[i]
		p.levels = append(p.levels, f.level(s.Medium, seedOf(name, f.name)))
		if len(f.marks) == 0 {
			continue
		}
		v, err := f.healthy()
		if err != nil {
			return nil, fmt.Errorf("play %s: %w", s.Name, err)
		}
		p.set[i] = v
	}
	memory := p.memory(time.Now())
	for i := range s.fields {
		f := &s.fields[i]
		if len(f.marks) > 0 && !f.good(f.get(memory)) {
			return nil, fmt.Errorf("play %s: status %s shares bits with another that wants them otherwise", s.Name, f.name)
		}
	}
	for function, addresses := range s.writable {
		for _, a := range addresses {
			in.writable[function][a] = true
		}
	}
	in.play = p
	return in, nil
}

// Still makes a played template's values stand as they are at a time; with
// the zero time they move again. Only a template that is played has values;
// of another instrument this is a bug of the caller, and panics.
func (in *Instrument) Still(at time.Time) {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.play.still = at
}

// Set sets a point or a status of a played template by hand: a number in the
// point's unit, the bits in hexadecimal (0x7FFF), "sentinel" for a number that
// means no value, or "normal" for what it was before. The clock is set to how
// far it is off: 90s, -2m.
func (in *Instrument) Set(name, to string) error {
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.play == nil {
		return fmt.Errorf("%s plays no template", in.name)
	}
	at := slices.IndexFunc(in.play.sheet.fields, func(f field) bool { return f.name == name })
	if at < 0 {
		return fmt.Errorf("%s has no point or status %q", in.play.sheet.Name, name)
	}
	f := &in.play.sheet.fields[at]
	switch {
	case f.role == Clock:
		return in.play.setClock(to)
	case to == "normal":
		delete(in.play.set, at)
		if len(f.marks) > 0 {
			in.play.set[at], _ = f.healthy()
		}
		return nil
	}
	v, err := f.parse(to)
	if err != nil {
		return fmt.Errorf("set %s: %w", name, err)
	}
	in.play.set[at] = v
	return nil
}

// Values are all that a played template says now, in the order of its file. It
// panics as [Instrument.Still] does.
func (in *Instrument) Values() []Value {
	in.mu.Lock()
	defer in.mu.Unlock()
	memory := in.play.memory(time.Now())
	var out []Value
	for i := range in.play.sheet.fields {
		f := &in.play.sheet.fields[i]
		v := Value{Name: f.name, Role: f.role, Function: f.function, Address: f.address, Unit: f.unit, Decimals: f.decimals}
		for k := range f.count {
			v.Words = append(v.Words, memory[place{f.function, f.address + k}])
		}
		switch {
		case f.moment != nil:
			v.Text = in.play.time(f, time.Now()).In(f.moment.zone).Format(time.DateTime)
		case f.kind == 's':
			v.Text = f.text(v.Words)
		default:
			v.Bits = f.get(memory)
			v.Number = f.worth(v.Bits)
			if f.states[1] != "" {
				v.Text = f.states[v.Bits&1]
			}
		}
		out = append(out, v)
	}
	in.play.units(memory, out)
	return out
}

// units turns values into the template's unit where a status says by what.
func (p *play) units(memory map[place]uint16, values []Value) {
	for i := range p.sheet.fields {
		f := &p.sheet.fields[i]
		for _, m := range f.marks {
			if m.times == nil || !f.holds(&m, f.get(memory)) {
				continue
			}
			for j := range values {
				if slices.Contains(m.points, values[j].Name) && values[j].Number != nil {
					values[j].Number.Mul(values[j].Number, m.times)
				}
			}
		}
	}
}

// A place is one register or bit.
type place struct {
	function byte
	address  int
}

// memory is what all registers hold. What is set in the instrument is written
// first, for statuses may ask for it; and statuses last, only in the bits that
// they are about, for a point may show their register whole.
func (p *play) memory(now time.Time) map[place]uint16 {
	if !p.still.IsZero() {
		now = p.still
	}
	m := map[place]uint16{}
	for turn := range 3 {
		for i := range p.sheet.fields {
			if f := &p.sheet.fields[i]; f.turn() == turn {
				p.write(i, m, now)
			}
		}
	}
	return m
}

// turn is when a field is written.
func (f *field) turn() int {
	switch {
	case len(f.marks) > 0:
		return 2
	case f.role == Parameter || f.role == Clock:
		return 0
	}
	return 1
}

// write puts what field i says now.
func (p *play) write(i int, m map[place]uint16, now time.Time) {
	f := &p.sheet.fields[i]
	v, set := p.set[i]
	switch {
	case f.moment != nil:
		f.moment.put(f, m, p.time(f, now))
	case f.kind == 's':
		f.putText(m, "SIM "+f.name)
	case set:
		f.put(m, v)
	case f.role == Parameter:
		f.put(m, f.raw(p.levels[i](calibrated)))
	default:
		f.put(m, f.raw(p.levels[i](now)))
	}
}

// read answers a question for registers or bits.
func (p *play) read(pdu []byte, now time.Time) (answer []byte, code byte) {
	function := pdu[0]
	most, gap := p.sheet.registers, p.sheet.gap
	if function <= 2 {
		most, gap = p.sheet.bits, 16*gap
	}
	if !slices.ContainsFunc(p.sheet.fields, func(f field) bool { return f.function == function }) {
		return nil, illegalFunction
	}
	if len(pdu) != 5 {
		return nil, illegalValue
	}
	start, quantity := int(binary.BigEndian.Uint16(pdu[1:])), int(binary.BigEndian.Uint16(pdu[3:]))
	switch {
	case quantity < 1 || quantity > most:
		return nil, illegalValue
	case !p.sheet.answers(function, start, quantity, gap):
		return nil, illegalAddress
	}
	memory := p.memory(now)
	if function > 2 {
		answer = []byte{function, byte(2 * quantity)}
		for i := range quantity {
			answer = binary.BigEndian.AppendUint16(answer, memory[place{function, start + i}])
		}
		return answer, 0
	}
	answer = make([]byte, 2+(quantity+7)/8)
	answer[0], answer[1] = function, byte(len(answer)-2)
	for i := range quantity {
		answer[2+i/8] |= byte(memory[place{function, start + i}]) << (i % 8)
	}
	return answer, 0
}

// answers says whether all of a question is in the table, or in gaps of it
// that may be read along.
func (s *Sheet) answers(function byte, start, quantity, gap int) bool {
	end := start + quantity
	for _, f := range s.forbidden {
		if (f.function == 0 || f.function == function) && f.first < end && f.last >= start {
			return false
		}
	}
	var runs []stretch
	for _, f := range s.fields {
		if f.function == function {
			runs = append(runs, stretch{function, f.address, f.address + f.count - 1})
		}
	}
	slices.SortFunc(runs, func(a, b stretch) int { return a.first - b.first })
	for i := 0; i < len(runs); {
		run := runs[i]
		for i++; i < len(runs) && runs[i].first <= run.last+1+gap; i++ {
			run.last = max(run.last, runs[i].last)
		}
		if run.first <= start && end <= run.last+1 {
			return true
		}
	}
	return false
}
