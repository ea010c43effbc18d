package drivers

import (
	"context"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"envgate/drivers/modbus"
)

// An Exchange is questions and answers on an RTU line, byte by byte, as they
// stand in a manual or were written down from its tables, and what is to be
// read out of them. It is how a template is tested without the instrument.
type Exchange struct {
	// About says what it shows, and where it is printed.
	About string `yaml:"about"`

	// Wire are the questions with their answers.
	Wire []Wire `yaml:"wire"`

	// Readings are what the answers mean, by point: the value, and where the
	// flag is not N the flag and the cause. A point without a value is none:
	//
	//	53.6
	//	131.2 T range
	//	none D sentinel
	Readings map[string]Text `yaml:"readings"`
}

// A Wire is one question and its answer, whole frames in hexadecimal. What
// stands after a # is a remark. The word crc in place of the last two bytes is
// for frames that the manual does not print whole.
type Wire struct {
	Ask    Text `yaml:"ask"`
	Answer Text `yaml:"answer"` // none: no answer comes
}

// A dialog is an Exchange made ready: what registers and bits hold.
type dialog struct {
	unit    byte
	words   map[cell]uint16
	refused map[cell]error
}

// A cell is one register or bit.
type cell struct {
	function byte
	address  int
}

// exchanges checks the template's exchanges.
func (c *compiler) exchanges() {
	for i := range c.t.Exchanges {
		e := &c.t.Exchanges[i]
		d := dialog{words: make(map[cell]uint16), refused: make(map[cell]error)}
		if len(e.Wire) == 0 {
			c.fail(fmt.Sprintf("exchanges[%d].wire", i), "is missing: want a question and its answer at least")
		}
		if len(e.Readings) == 0 {
			c.fail(fmt.Sprintf("exchanges[%d].readings", i), "is missing: want what the answers mean")
		}
		for j, w := range e.Wire {
			c.wire(fmt.Sprintf("exchanges[%d].wire[%d].", i, j), w, &d)
		}
		for _, code := range slices.Sorted(maps.Keys(e.Readings)) {
			if !slices.ContainsFunc(c.t.points, func(p point) bool { return p.code == code && code != "" }) {
				c.fail(fmt.Sprintf("exchanges[%d].readings.%s", i, code), "is there: the template has no such point")
			}
		}
		c.t.dialogs = append(c.t.dialogs, d)
	}
}

// wire reads one question and its answer.
func (c *compiler) wire(at string, w Wire, d *dialog) {
	ask, ok := c.frame(at+"ask", w.Ask)
	if !ok {
		return
	}
	if len(ask) != 6 || !(ask[1] >= 1 && ask[1] <= 4 || modbus.Private(ask[1])) {
		c.fail(at+"ask", "is no question that reads: unit, function, two bytes of address, two of quantity, two of crc")
		return
	}
	unit, function := ask[0], ask[1]
	first, count := int(binary.BigEndian.Uint16(ask[2:])), int(binary.BigEndian.Uint16(ask[4:]))
	if d.unit != 0 && d.unit != unit {
		c.fail(at+"ask", "is to unit %d: the exchange began with unit %d", unit, d.unit)
		return
	}
	d.unit = unit
	if unit < 1 || unit > 247 || count < 1 || count > 2000 || first+count > 65536 {
		c.fail(at+"ask", "is for unit %d, address %d, quantity %d: no instrument can answer that", unit, first, count)
		return
	}
	refuse := func(err error) {
		for k := range count {
			d.refused[cell{function, first + k}] = err
		}
	}
	if strings.TrimSpace(string(w.Answer)) == "none" {
		refuse(modbus.ErrNoAnswer)
		return
	}
	answer, ok := c.frame(at+"answer", w.Answer)
	if !ok {
		return
	}
	size := 2 * count
	if function <= 2 {
		size = (count + 7) / 8
	}
	switch {
	case len(answer) < 3 || answer[0] != unit || answer[1]&^0x80 != function:
		c.fail(at+"answer", "does not begin with the question's unit and function, %02X %02X", unit, function)
	case answer[1] == function|0x80:
		refuse(&modbus.Exception{Unit: unit, Function: function, Address: uint16(first), Quantity: uint16(count), Code: answer[2]})
	case len(answer) != 3+size || int(answer[2]) != size:
		c.fail(at+"answer", "says %d bytes of data and has %d: the question asks for %d", answer[2], len(answer)-3, size)
	default:
		for k := range count {
			if function <= 2 {
				d.words[cell{function, first + k}] = uint16(answer[3+k/8] >> (k % 8) & 1)
			} else {
				d.words[cell{function, first + k}] = binary.BigEndian.Uint16(answer[3+2*k:])
			}
		}
	}
}

// frame reads the bytes of a frame up to its CRC, which is checked.
func (c *compiler) frame(field string, text Text) ([]byte, bool) {
	var words []string
	for line := range strings.Lines(string(text)) {
		line, _, _ = strings.Cut(line, "#")
		words = append(words, strings.Fields(line)...)
	}
	if len(words) == 0 {
		c.fail(field, "is missing: want the bytes of the frame in hexadecimal")
		return nil, false
	}
	whole := true
	if words[len(words)-1] == "crc" {
		words, whole = words[:len(words)-1], false
	}
	b, err := hex.DecodeString(strings.Join(words, ""))
	if err != nil {
		c.fail(field, "is no hexadecimal: two digits, 0 to 9 and A to F, for each byte")
		return nil, false
	}
	if !whole {
		return b, true
	}
	if len(b) < 5 {
		c.fail(field, "has %d bytes: a frame has 5 at least, with its crc", len(b))
		return nil, false
	}
	n := len(b) - 2
	if got, want := b[n:], crc(b[:n]); [2]byte(got) != want {
		c.fail(field, "ends with %02X %02X: the crc of the bytes before is %02X %02X", got[0], got[1], want[0], want[1])
		c.hint("a byte is wrong or missing; write crc in place of the two if the manual does not print them")
		return nil, false
	}
	return b[:n], true
}

// crc is that of RTU frames, low byte first as on the wire (Modbus over serial
// line V1.02, 6.2.2).
func crc(b []byte) [2]byte {
	v := uint16(0xFFFF)
	for _, c := range b {
		v ^= uint16(c)
		for range 8 {
			if v&1 != 0 {
				v = v>>1 ^ 0xA001
			} else {
				v >>= 1
			}
		}
	}
	return [2]byte{byte(v), byte(v >> 8)}
}

// Try reads exchange i with the template, and returns as [SpecErrors] what
// comes out otherwise than written. Points whose registers are not in the
// answers are left out. It panics if there is no such exchange.
func (t *Template) Try(i int) error {
	e, d := &t.Exchanges[i], &t.dialogs[i]
	probe := *t
	probe.points = slices.Clone(t.points)
	covered := t.covered(d)
	for at := range probe.points {
		if !covered[at] {
			probe.points[at].rules = nil
		}
	}
	device, err := NewDevice(DeviceOptions{Name: t.Name, Unit: d.unit, Template: &probe})
	if err != nil {
		return err
	}
	samples, _ := device.Poll(context.Background(), d, func() time.Time { return time.Time{} })
	got := make(map[string]string)
	for _, s := range samples {
		for _, r := range s.Readings {
			at := slices.IndexFunc(t.points, func(p point) bool { return p.code == r.Point })
			if covered[at] {
				got[r.Point] = r.text()
			}
		}
	}
	var errs SpecErrors
	fail := func(code, format string, args ...any) {
		errs = append(errs, &SpecError{Point: -1, Field: fmt.Sprintf("exchanges[%d].readings.%s", i, code), Text: fmt.Sprintf(format, args...)})
	}
	for _, code := range slices.Sorted(maps.Keys(got)) {
		want, ok := e.Readings[code]
		switch {
		case !ok:
			fail(code, "is missing: the bytes give %s", got[code])
		case got[code] != strings.Join(strings.Fields(string(want)), " "):
			fail(code, "is %s: the bytes give %s", want, got[code])
		}
	}
	for _, code := range slices.Sorted(maps.Keys(e.Readings)) {
		if _, ok := got[code]; !ok {
			fail(code, "is there: no answer holds all of its registers")
		}
	}
	if len(errs) == 0 {
		return nil
	}
	if file, err := parseYAML(t.source); err == nil {
		errs.locate(file)
	}
	return errs
}

// text is a reading as exchanges write it down.
func (r *Reading) text() string {
	words := []string{"none"}
	if r.Value != "" {
		words[0] = strings.Join(strings.Fields(r.Value), " ")
	}
	if r.Cause != "" {
		words = append(words, r.Flag, string(r.Cause))
	}
	return strings.Join(words, " ")
}

// Untried returns the points and the statuses that no exchange shows.
func (t *Template) Untried() []string {
	tried := make([]bool, len(t.points))
	for i := range t.dialogs {
		for at, ok := range t.covered(&t.dialogs[i]) {
			tried[at] = tried[at] || ok
		}
	}
	var out []string
	for at, p := range t.points {
		if !tried[at] {
			out = append(out, p.status)
		}
	}
	return out
}

// covered says which points lie in d wholly. One with a unit of its own does
// not without the register that says which.
func (t *Template) covered(d *dialog) []bool {
	out := make([]bool, len(t.points))
	for i, p := range t.points {
		out[i] = true
		for k := range p.count {
			at := cell{p.function, p.address + k}
			_, given := d.words[at]
			out[i] = out[i] && (given || d.refused[at] != nil)
		}
	}
	for i, p := range t.points {
		for _, r := range p.rules {
			for _, at := range r.points {
				out[at] = out[at] && (out[i] || r.times == nil)
			}
		}
	}
	return out
}

// Read answers from the exchange; what is not in it is 0.
func (d *dialog) Read(_ context.Context, r modbus.Read) ([]byte, error) {
	bits := make([]byte, (r.Quantity+7)/8)
	var words []byte
	for k := range int(r.Quantity) {
		at := cell{r.Function, int(r.Address) + k}
		if err := d.refused[at]; err != nil {
			return nil, err
		}
		v := d.words[at]
		bits[k/8] |= byte(v&1) << (k % 8)
		words = binary.BigEndian.AppendUint16(words, v)
	}
	if r.Function <= 2 {
		return bits, nil
	}
	return words, nil
}

// Remarks are what looks odd in a template without being wrong.
func (t *Template) Remarks() []SpecError {
	var out SpecErrors
	say := func(w *written, field, hint, text string) {
		e := &SpecError{Point: w.index, Field: field, Text: text, Hint: hint}
		if w.path != "" {
			e.Field = strings.TrimSuffix(w.path+"."+field, ".")
		}
		if !slices.ContainsFunc(out, func(o *SpecError) bool { return o.Path() == e.Path() }) {
			out = append(out, e)
		}
	}
	untried := t.Untried()
	for i := range t.written {
		p, w := &t.points[i], &t.written[i]
		if f, h := plcHint(p.address, 10000); f == p.function && f > 2 {
			say(w, "address", h, fmt.Sprintf("is %d: is that the manual's number, or the address on the wire?", p.address))
		}
		if len(t.Exchanges) > 0 && slices.Contains(untried, p.status) {
			say(w, "", "", "is "+p.status+", which no exchange shows")
		}
	}
	if len(t.Exchanges) == 0 {
		out = append(out, &SpecError{
			Point: -1, Field: "exchanges", Text: "is missing: nothing shows that the template reads what the instrument means",
			Hint: "write down the manual's example frames",
		})
	}
	if file, err := parseYAML(t.source); err == nil {
		out.locate(file)
	}
	list := make([]SpecError, len(out))
	for i, e := range out {
		list[i] = *e
	}
	return list
}
