package drivers_test

import (
	"fmt"
	"testing"

	"envgate/drivers"
)

// module has what a module's template may have beside its channels.
const module = `
points:
  - {point: module_temperature, address: 100, type: int16, unit: degC}
  - {status: burnout-1, function: 1, address: 0, flags: [{flag: D, points: [ai1]}]}
  - {status: burnout-2, function: 1, address: 1, flags: [{flag: D, points: [ai2]}]}
  - {status: fault, function: 1, address: 7, flags: [{flag: F}]}
  - {channel: di1, function: 2, address: 5}
blocks:
  - {count: 3, stride: 1, points: [{channel: ai$n, address: 0, type: uint16, scale: 0.001, unit: mA}]}
`

func wired(t *testing.T, yaml string, inputs ...drivers.Input) *drivers.Device {
	t.Helper()
	tmpl, err := drivers.ParseTemplate("x", []byte(head+yaml))
	if err != nil {
		t.Fatal(err)
	}
	if tmpl, err = tmpl.Wire(inputs); err != nil {
		t.Fatal(err)
	}
	d, err := drivers.NewDevice(drivers.DeviceOptions{Name: "d", Unit: 9, Template: tmpl})
	if err != nil {
		t.Fatal(err)
	}
	return d
}

var (
	cod  = drivers.Input{Channel: "ai2", Point: "w01018", Signal: "4-20mA", Range: []drivers.Number{"0", "500"}, Unit: "mg/L"}
	door = drivers.Input{Channel: "di1", Point: "door", English: "door", When0: "closed", When1: "open"}
)

// What is wired is read and named, and what is not is neither; statuses follow their
// channels.
func TestWire(t *testing.T) {
	d := wired(t, module, cod, door)
	m := &memory{}
	m.set(3, 0, 30000, 12000, 30000)
	m.set(3, 100, 25)
	m.set(2, 5, 1)
	samples, err := d.Poll(t.Context(), m, frozen)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := tell(samples), "d: module_temperature=25; d/2: door=1; d/3: w01018=250.00"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if got, want := m.asks(), "3:100+1 2:5+1 3:1+1 1:1+7"; got != want {
		t.Errorf("asked %s, want %s", got, want)
	}
	m.set(1, 1, 1)
	samples, _ = d.Poll(t.Context(), m, frozen)
	if got, want := tell(samples), "d: module_temperature=25; d/2: door=1; d/3: w01018=250.00(D status-burnout-2)"; got != want {
		t.Errorf("with the status of ai2: got %s, want %s", got, want)
	}
	p := d.Points()[2]
	if p.Name != "w01018" || p.Unit != "mg/L" || p.Decimals != 2 || p.English == "" {
		t.Errorf("the catalogue has %+v", p)
	}
}

// A channel may have flags for others: what is wired to it is a point with them.
func TestWireFlagsOfAChannel(t *testing.T) {
	d := wired(t, `
points:
  - {channel: ai1, address: 0, type: uint16, scale: 0.001, unit: mA}
  - {channel: ai2, address: 1, type: uint16, scale: 0.001, unit: mA}
  - {channel: di1, function: 2, address: 5, flags: [{flag: M, points: [ai1, ai2]}]}
`, cod, door)
	m := &memory{}
	m.set(3, 1, 12000)
	m.set(2, 5, 1)
	samples, _ := d.Poll(t.Context(), m, frozen)
	if got, want := tell(samples), "d: w01018=250.00(M status-door); d/2: door=1"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// What is set for a channel is of the point that is wired to it, in blocks too; for one
// to which nothing is wired it is not read.
func TestWireParameters(t *testing.T) {
	d := wired(t, module+`  - {count: 3, stride: 1, parameters: [{parameter: range-$n, of: ai$n, address: 200, type: uint16, unit: mA}]}
parameters:
  - {parameter: factor, of: ai2, address: 210, type: uint16, unit: "1"}
  - {parameter: slope, of: ai3, address: 220, type: uint16, unit: "1"}
  - {parameter: model, address: 230, type: string, length: 2}
clock: {form: unix, address: 240}
`, cod, door)
	got := ""
	for _, p := range d.Parameters() {
		got += fmt.Sprintf("%s of %q at %s; ", p.Parameter, p.Of, p.Address)
	}
	if want := `factor of "w01018" at 210; model of "" at 230; range-2 of "w01018" at 201; `; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if n := len(d.SurveyPlan()); n == 0 {
		t.Error("a survey has no questions")
	}
}

func TestWireErrors(t *testing.T) {
	type I = drivers.Input
	tmpl, err := drivers.ParseTemplate("x", []byte(head+module+"  - {count: 1, stride: 1, points: [{channel: u$n, address: 50, type: uint16, scale: 0.001, unit: mA or V}]}\n  - {count: 1, stride: 1, points: [{point: supply, address: 60, type: uint16, unit: V}]}\n"))
	if err != nil {
		t.Fatal(err)
	}
	change := func(in I, f func(*I)) []I { f(&in); return []I{in} }
	for _, tt := range []struct {
		inputs []I
		want   string
	}{
		{nil, "inputs is missing: want what is wired to the channels of x, which are di1, ai1 to ai3, u1"},
		{change(cod, func(in *I) { in.Channel = "ai9" }), "inputs.ai9 is no channel: template x has di1, ai1 to ai3, u1"},
		{change(cod, func(in *I) { in.Point = "" }), "inputs.ai2.point is missing: want a factor code of HJ 212 such as w01018, or a name of your own"},
		{change(cod, func(in *I) { in.Point = "a-b" }), `inputs.ai2.point is "a-b": a code is a letter, then letters, digits and underscores, 32 at most`},
		{change(cod, func(in *I) { in.Point = "module_temperature" }), "inputs.ai2.point is module_temperature: template x has a point of that name beside its channels"},
		{change(cod, func(in *I) { in.Signal = "" }), "inputs.ai2.signal is missing: want 4-20mA, 0-20mA, 1-5V, 0-5V or 0-10V"},
		{change(cod, func(in *I) { in.Signal = "0-10V" }), "inputs.ai2.signal is 0-10V: ai2 measures mA"},
		{change(cod, func(in *I) { in.Channel, in.Signal = "u1", "0-10V" }), ""},
		{change(cod, func(in *I) { in.Signal = "4–20 mA" }), `inputs.ai2.signal is "4–20 mA": want 4-20mA, 0-20mA, 1-5V, 0-5V or 0-10V (write 4-20mA)`},
		{change(cod, func(in *I) { in.Range = nil }), "inputs.ai2.range is missing: want what the ends of the signal mean, such as [0, 500]"},
		{change(cod, func(in *I) { in.Range = in.Range[:1] }), "inputs.ai2.range has 1 numbers: want the lowest and the highest value"},
		{change(cod, func(in *I) { in.Unit = "" }), `inputs.ai2.unit is missing: want the unit of the value, "1" where it has none`},
		{change(cod, func(in *I) { in.Decimals = "99" }), "inputs.ai2.decimals is 99: decimals are 0 to 12"},
		{change(cod, func(in *I) { in.When1 = "on" }), `inputs.ai2.when_0 is given: only a bit is 0 or 1 (take one bit out of a register with bits: 3)`},
		{change(door, func(in *I) { in.When0, in.When1 = "", "" }), "inputs.di1.when_0 is missing: want what 0 and 1 of the contact mean, such as when_0: closed, when_1: open (switch the contact by hand, watch it with envgate read, and swap the two if they are the wrong way round)"},
		{change(door, func(in *I) { in.When1 = "" }), "inputs.di1.when_1 is missing: want a name for 0 and one for 1, such as closed and open"},
		{change(door, func(in *I) { in.Signal = "4-20mA" }), `inputs.di1.signal is "4-20mA": a bit is 0 or 1, and has none`},
		{change(cod, func(in *I) { in.Point = "supply" }), "inputs.ai2.point is supply: template x has a point of that name beside its channels"},
		{[]I{cod, {Channel: "ai1", Point: "w01018"}}, "inputs.ai1.point is w01018: ai2 has it already"},
	} {
		_, err := tmpl.Wire(tt.inputs)
		if got := hinted(err); got != tt.want && !(err == nil && tt.want == "") {
			t.Errorf("%+v:\n got %s\nwant %s", tt.inputs, got, tt.want)
		}
	}
	plain, err := drivers.LoadBuiltin("sick-gm32")
	if err != nil {
		t.Fatal(err)
	}
	if same, err := plain.Wire(nil); same != plain || err != nil {
		t.Errorf("Wire of an instrument with nothing wired = %p, %v, want itself", same, err)
	}
	_, err = plain.Wire([]I{cod})
	if got, want := hinted(err), "inputs.ai2 is no channel: template sick-gm32 has none"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// Mistakes in the rows of channels.
func TestChannelErrors(t *testing.T) {
	for _, tt := range []struct{ row, want string }{
		{"{channel: ai-1, address: 0, type: uint16, unit: mA}", `template x: 6:15: points[0].channel is "ai-1": a name is a letter, then letters, digits and underscores, 32 at most`},
		{"{channel: ai1, address: 0, type: uint16}", `template x: 6:6: points[0].unit is missing: want the unit of the value, "1" where it has none`},
		{"{channel: ai1, address: 0, type: uint16, unit: bar}", `template x: 6:52: points[0].unit is "bar": a channel's is mA or V`},
		{"{channel: ai1, address: 0, type: string, length: 2}", `template x: 6:38: points[0].type is string: a channel is a number or a bit`},
		{"{channel: ai1, address: 0, type: uint16, unit: mA, signal: 4-20mA, range: [0, 1]}", `template x: 6:64: points[0].signal is "4-20mA": the site file says what is wired to a channel`},
		{"{channel: di1, function: 2, address: 0, when_0: a, when_1: b}", `template x: 6:53: points[0].when_0 is given: only a point can be a state`},
	} {
		_, err := drivers.ParseTemplate("x", []byte(head+"points:\n  - "+tt.row+"\n"))
		if err == nil || err.Error() != tt.want {
			t.Errorf("%s:\n got %v\nwant %s", tt.row, err, tt.want)
		}
	}
}

// The site file's reader asks IsModule for each device, as it is cheap.
func TestIsModule(t *testing.T) {
	n := 0
	for _, name := range drivers.Builtin() {
		tmpl, err := drivers.LoadBuiltin(name)
		if err != nil {
			t.Fatal(err)
		}
		if has := len(tmpl.Channels()) > 0; has != drivers.IsModule(name) {
			t.Errorf("IsModule(%s) = %t, and Channels() = %q", name, !has, tmpl.Channels())
		} else if has {
			n++
		}
	}
	if n < 3 || drivers.IsModule("nobody") {
		t.Errorf("%d modules, want 3 at least", n)
	}
}
