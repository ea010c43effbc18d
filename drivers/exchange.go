package drivers

import (
	"cmp"
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

	// Parameters are what is set, by name, and Clock is the time that the
	// instrument shows, with its zone: 2026-03-01T08:00:05+08:00. Each of
	// Readings and these two is held against the answers where it is there, and
	// then wholly.
	Parameters map[string]Text `yaml:"parameters"`
	Clock      Text            `yaml:"clock"`
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
		if len(e.Readings) == 0 && !e.surveys() {
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
		for _, name := range slices.Sorted(maps.Keys(e.Parameters)) {
			if !slices.ContainsFunc(c.t.settings, func(s setting) bool { return s.Parameter == name && name != "" }) {
				c.fail(fmt.Sprintf("exchanges[%d].parameters.%s", i, name), "is there: the template has no such parameter")
			}
		}
		if e.Clock != "" && c.t.ClockSpec == nil {
			c.fail(fmt.Sprintf("exchanges[%d].clock", i), "is there: the template has none")
		}
		c.t.dialogs = append(c.t.dialogs, d)
	}
}

func (e *Exchange) surveys() bool { return len(e.Parameters) > 0 || e.Clock != "" }

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
	got, want := make(map[string]string), make(map[string]Text)
	if len(e.Readings) > 0 {
		samples, _ := device.Poll(context.Background(), d, func() time.Time { return time.Time{} })
		for _, s := range samples {
			for _, r := range s.Readings {
				at := slices.IndexFunc(t.points, func(p point) bool { return p.code == r.Point })
				if covered[at] {
					got["readings."+r.Point] = r.text()
				}
			}
		}
	}
	if e.surveys() {
		t.tried(device, d, got)
	}
	for code, text := range e.Readings {
		want["readings."+code] = text
	}
	for name, text := range e.Parameters {
		want["parameters."+name] = text
	}
	if e.Clock != "" {
		want[clockPath] = e.Clock
	}
	var errs SpecErrors
	fail := func(path, format string, args ...any) {
		errs = append(errs, &SpecError{Point: -1, Field: fmt.Sprintf("exchanges[%d].%s", i, path), Text: fmt.Sprintf(format, args...)})
	}
	for _, path := range slices.Sorted(maps.Keys(got)) {
		want, ok := want[path]
		switch {
		case !ok:
			fail(path, "is missing: the bytes give %s", got[path])
		case got[path] != strings.Join(strings.Fields(string(want)), " "):
			fail(path, "is %s: the bytes give %s", want, got[path])
		}
	}
	for _, path := range slices.Sorted(maps.Keys(want)) {
		if _, ok := got[path]; !ok {
			fail(path, "is there: no answer holds all of its registers")
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

// tried adds to got what a survey reads out of d, of the settings that lie in it
// wholly.
func (t *Template) tried(device *Device, d *dialog, got map[string]string) {
	survey := device.Survey()
	if survey == nil {
		return
	}
	start := time.Unix(0, 0)
	for !survey.Done() {
		_ = survey.Ask(context.Background(), d, func() time.Time { return start })
	}
	settings, clock := survey.Found()
	for i, s := range t.settings {
		path, text := clockPath, ""
		switch {
		case !d.covers(&t.surveyed[i]):
			continue
		case s.path != clockPath:
			path, text = "parameters."+s.Parameter, settings[i].Value
		case clock != nil:
			text = start.Add(clock.Off).In(s.form.zone).Format(time.RFC3339)
		}
		got[path] = cmp.Or(text, "none")
	}
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

// unsurveyed returns the paths of parameters and clock that no exchange shows; of
// a block's, one channel is enough.
func (t *Template) unsurveyed() (out []string) {
	shown := func(path string) bool {
		for k := range t.dialogs {
			for i, s := range t.settings {
				if s.path == path && t.Exchanges[k].surveys() && t.dialogs[k].covers(&t.surveyed[i]) {
					return true
				}
			}
		}
		return false
	}
	for _, s := range t.settings {
		if len(t.dialogs) > 0 && !slices.Contains(out, s.path) && !shown(s.path) {
			out = append(out, s.path)
		}
	}
	return out
}

// covered says which points lie in d wholly. One with a unit of its own does
// not without the register that says which.
func (t *Template) covered(d *dialog) []bool {
	out := make([]bool, len(t.points))
	for i, p := range t.points {
		out[i] = d.covers(&p)
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

// covers says whether p lies in d wholly.
func (d *dialog) covers(p *point) bool {
	for k := range p.count {
		at := cell{p.function, p.address + k}
		if _, given := d.words[at]; !given && d.refused[at] == nil {
			return false
		}
	}
	return true
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
	for _, path := range t.unsurveyed() {
		out = append(out, &SpecError{Point: -1, Field: path, Text: "is there, and no exchange shows it"})
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
