package sim

import (
	"cmp"
	"errors"
	"fmt"
	"math/big"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
)

// A Sheet is a template's table of registers, as the simulator reads it. It is
// read from the same file as the program under test reads, by other code:
// what a line of the file means is written down here a second time.
type Sheet struct {
	Name   string
	Medium string
	Serial struct { // as delivered; zero where the manual does not say
		Baud, Unit int
		StopBits   int `yaml:"stop_bits"`
		Parity     string
	}

	fields    []field
	gap       int               // registers between two fields that answer, with 0
	registers int               // most in one question
	bits      int               // the same of functions 1 and 2
	forbidden []stretch         // refused
	writable  map[byte][]uint16 // addresses of commands, by function 5 and 6
}

// What a field can be for.
const (
	Point     = "point"     // gives a reading
	Status    = "status"    // gives none, but flags for others
	Input     = "channel"   // gives one where something is wired to it
	Parameter = "parameter" // is set in the instrument, and does not move
	Clock     = "clock"
)

// A field is some bits, where they lie, and what they mean.
type field struct {
	name   string
	role   string
	unit   string
	moment *moment   // it is a time; nil: it is not
	states [2]string // what 0 and 1 of a contact mean, where that has a name

	function byte
	address  int
	count    int  // registers, or 1 bit
	kind     byte // of kinds
	width    int  // bits of the number
	low      int  // the lowest of those that count
	size     int  // how many count
	words    bool // low word first
	bytes    bool // low byte of each word first

	scale, offset *big.Rat
	decimals      int      // -1: as they come
	sentinels     []string // numbers that mean no value
	span          []string // the lowest and the highest valid value; nil: unknown
	marks         []verdict
}

// A verdict is a rule of a status: when it holds, the fields are bad, or in
// another unit.
type verdict struct {
	times   *big.Rat // nil: a flag
	any     uint64
	is, not []string
	points  []string // empty: all
}

// A stretch is a run of addresses; function 0 stands for all.
type stretch struct {
	function    byte
	first, last int
}

// kinds are the types of a template: u unsigned, i signed, f floating point, b
// one bit, s text.
var kinds = map[string]struct {
	kind  byte
	width int
}{
	"bit": {'b', 1}, "string": {'s', 16},
	"uint16": {'u', 16}, "uint32": {'u', 32}, "uint64": {'u', 64},
	"int16": {'i', 16}, "int32": {'i', 32}, "int64": {'i', 64},
	"float32": {'f', 32}, "float64": {'f', 64},
}

// letters is a scalar as it is written: 0x10, 0.10, 4-7.
type letters string

// UnmarshalYAML keeps what a number's value does not: its base and its zeros.
func (l *letters) UnmarshalYAML(n ast.Node) error {
	*l = letters(n.GetToken().Value)
	return nil
}

// A line is a point as the file has it.
type line struct {
	Point, Status, Channel, Parameter         string
	Unit, Type, Order                         string
	Function, Address, Length, Bits, Decimals letters
	Scale, Offset                             letters
	Form, Fields                              string
	Zone                                      letters
	When0                                     letters `yaml:"when_0"`
	When1                                     letters `yaml:"when_1"`
	Sentinels, Range                          []letters
	Flags                                     []struct {
		Times, Any letters
		Is, Not    []letters
		Points     []string
	}
}

// paper is a template as the file has it, as far as it is of use here.
type paper struct {
	Sheet     `yaml:",inline"`
	Function  letters
	Order     string
	Gap       letters
	Most      letters `yaml:"max_registers"`
	MostBits  letters `yaml:"max_bits"`
	Forbidden []letters
	Points    []line
	Blocks    []struct {
		Count, Stride letters
		Each, Units   []string
		Points        []line
		Parameters    []line
	}
	Parameters []line
	Clock      *line
	Commands   []struct{ Function, Address letters }
}

// OpenSheet reads a template's file.
func OpenSheet(path string) (*Sheet, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	s, err := ReadSheet(b)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return s, nil
}

// ReadSheet reads a template. It is not the judge of one: what it has no use
// for it skips.
func ReadSheet(b []byte) (*Sheet, error) {
	p := paper{Function: "3", Order: "ABCD", Gap: "8", Most: "125", MostBits: "2000"}
	if err := yaml.Unmarshal(b, &p); err != nil {
		return nil, err
	}
	s := &p.Sheet
	s.writable = map[byte][]uint16{}
	var errs []error
	whole := func(l letters) int {
		n, err := strconv.ParseUint(string(l), 0, 32)
		errs = append(errs, err)
		return int(n)
	}
	s.gap, s.registers, s.bits = whole(p.Gap), whole(p.Most), whole(p.MostBits)
	for _, f := range p.Forbidden {
		function, span, found := strings.Cut(string(f), ":")
		if !found {
			function, span = "0", function
		}
		first, last, _ := strings.Cut(span, "-")
		s.forbidden = append(s.forbidden, stretch{byte(whole(letters(function))), whole(letters(first)), whole(letters(cmp.Or(last, first)))})
	}
	for _, c := range p.Commands {
		f := byte(whole(c.Function))
		if f > 6 { // many at once
			f -= 10
		}
		if f != 5 && f != 6 {
			errs = append(errs, fmt.Errorf("a command has function %s, which does not write", string(c.Function)))
			continue
		}
		s.writable[f] = append(s.writable[f], uint16(whole(c.Address)))
	}
	for _, l := range p.lines(whole) {
		f, err := p.field(l)
		if err != nil {
			err = fmt.Errorf("%s: %w", f.name, err)
		}
		errs = append(errs, err)
		s.fields = append(s.fields, f)
	}
	if len(s.fields) == 0 {
		errs = append(errs, errors.New("no points"))
	}
	return s, errors.Join(errs...)
}

// lines are all points, the blocks' channels written out.
func (p *paper) lines(whole func(letters) int) []line {
	out := slices.Concat(p.Points, p.Parameters)
	if p.Clock != nil {
		out = append(out, *p.Clock)
	}
	for _, b := range p.Blocks {
		channels := len(b.Each)
		if b.Count != "" {
			channels = whole(b.Count)
		}
		for n := range channels {
			words := []string{"$n", strconv.Itoa(n + 1)}
			if n < len(b.Each) {
				words = append(words, "$each", b.Each[n])
			}
			if n < len(b.Units) {
				words = append(words, "$unit", b.Units[n])
			}
			fill := strings.NewReplacer(words...).Replace
			for _, l := range slices.Concat(b.Points, b.Parameters) {
				for _, text := range []*string{&l.Point, &l.Status, &l.Channel, &l.Parameter, &l.Unit} {
					*text = fill(*text)
				}
				l.Address = letters(strconv.Itoa(whole(l.Address) + n*whole(b.Stride)))
				l.Flags = slices.Clone(l.Flags)
				for i := range l.Flags {
					l.Flags[i].Points = slices.Clone(l.Flags[i].Points)
					for j, name := range l.Flags[i].Points {
						l.Flags[i].Points[j] = fill(name)
					}
				}
				out = append(out, l)
			}
		}
	}
	return out
}

// field makes a field of a line.
func (p *paper) field(l line) (field, error) {
	f := field{role: Clock, name: Clock, unit: l.Unit, decimals: -1, states: [2]string{string(l.When0), string(l.When1)}}
	for role, name := range map[string]string{Point: l.Point, Status: l.Status, Input: l.Channel, Parameter: l.Parameter} {
		if name != "" {
			f.role, f.name = role, name
		}
	}
	function, err1 := strconv.ParseUint(string(cmp.Or(l.Function, p.Function)), 0, 7)
	address, err2 := strconv.ParseUint(string(l.Address), 0, 16)
	if err := errors.Join(err1, err2); err != nil {
		return f, err
	}
	f.function, f.address = byte(function), int(address)
	if l.Type == "" && function <= 2 {
		l.Type = "bit"
	}
	var err error
	if f.moment, err = readMoment(l); err != nil {
		return f, err
	}
	if f.moment != nil {
		l.Type = "uint32" // as unix has it; the other forms have none
	}
	k, ok := kinds[l.Type]
	if !ok {
		return f, fmt.Errorf("type %q is not known here", l.Type)
	}
	f.kind, f.width, f.size, f.count = k.kind, k.width, k.width, max(1, k.width/16)
	if l.Length != "" && (f.kind == 's' || f.moment != nil) {
		if f.count, err = strconv.Atoi(string(l.Length)); err != nil {
			return f, err
		}
	}
	if f.moment != nil {
		f.count = f.moment.count(f.count)
	}
	switch cmp.Or(l.Order, p.Order) {
	case "CDAB":
		f.words = true
	case "BADC":
		f.bytes = true
	case "DCBA":
		f.words, f.bytes = true, true
	}
	if from, to, found := strings.Cut(string(l.Bits), "-"); from != "" {
		if !found {
			to = from
		}
		low, err1 := strconv.Atoi(from)
		high, err2 := strconv.Atoi(to)
		if err := errors.Join(err1, err2); err != nil {
			return f, err
		}
		f.low, f.size = low, high-low+1
	}
	return f, f.meaning(l)
}

// meaning fills in what the bits say.
func (f *field) meaning(l line) error {
	var err error
	rat := func(n letters, otherwise int64) *big.Rat {
		if n == "" {
			return big.NewRat(otherwise, 1)
		}
		r, ok := new(big.Rat).SetString(string(n))
		if !ok {
			err = fmt.Errorf("%q is no number", string(n))
		}
		return r
	}
	f.scale, f.offset = rat(l.Scale, 1), rat(l.Offset, 0)
	if l.Decimals != "" {
		f.decimals, err = strconv.Atoi(string(l.Decimals))
	}
	f.sentinels, f.span = texts(l.Sentinels), texts(l.Range)
	for _, g := range l.Flags {
		m := verdict{is: texts(g.Is), not: texts(g.Not), points: g.Points}
		if g.Times != "" {
			m.times = rat(g.Times, 1)
		}
		if g.Any != "" {
			m.any, err = strconv.ParseUint(string(g.Any), 0, 64)
		}
		f.marks = append(f.marks, m)
	}
	return err
}

func texts(list []letters) (out []string) {
	for _, l := range list {
		out = append(out, string(l))
	}
	return out
}
