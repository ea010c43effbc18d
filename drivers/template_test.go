package drivers_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"envgate/drivers"
	"envgate/hj212"
)

// Every file in the folder is loaded, is what it says it is, and has names for
// people.
func TestBuiltin(t *testing.T) {
	files, err := filepath.Glob("templates/*")
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, f := range files {
		names = append(names, strings.TrimSuffix(filepath.Base(f), ".yaml"))
	}
	if got := drivers.Builtin(); len(got) == 0 || !slices.Equal(got, names) {
		t.Fatalf("Builtin() = %q, and the folder has %q", got, names)
	}
	for _, name := range names {
		t.Run(name, func(t *testing.T) {
			tmpl, err := drivers.LoadBuiltin(name)
			if err != nil {
				t.Fatal(err)
			}
			b, err := os.ReadFile("templates/" + name + ".yaml")
			if err != nil {
				t.Fatal(err)
			}
			if string(tmpl.Source()) != string(b) {
				t.Error("Source is not the file")
			}
			d, err := drivers.NewDevice(drivers.DeviceOptions{Name: "x", Unit: 1, Template: tmpl})
			if err != nil {
				t.Fatal(err)
			}
			for _, p := range d.Points() {
				if slices.Contains(tmpl.Channels(), p.Name) {
					continue // named by the site file
				}
				if p.Chinese == "" || p.English == "" || p.Unit == "" || p.Source == "" || p.Confidence == "" {
					t.Errorf("point %s: %+v", p.Name, p)
				}
			}
			if !slices.Contains(drivers.Media, tmpl.Medium) {
				t.Errorf("medium is %q", tmpl.Medium)
			}
			if len(tmpl.Exchanges) == 0 {
				t.Error("no exchange with this instrument")
			}
			for i, e := range tmpl.Exchanges {
				if e.About == "" {
					t.Errorf("exchange %d does not say what it is about", i)
				}
				if err := tmpl.Try(i); err != nil {
					t.Errorf("exchange %d, %s: %v", i, e.About, err)
				}
			}
			for _, r := range tmpl.Remarks() {
				t.Errorf("remark: %v", &r)
			}
		})
	}
	_, err = drivers.LoadBuiltin("nobody")
	if want := `no built-in template "nobody": envgate template list shows what there is`; err == nil || err.Error() != want {
		t.Errorf("LoadBuiltin: error %v, want %s", err, want)
	}
}

const head = `name: x
title: {zh: 甲, en: A}
manual: none
confidence: uncertain
`

// onePoint is the least that a template has beside its head.
const onePoint = "points: [{point: a, address: 0, type: int16, unit: m}]\n"

func TestParseTemplate(t *testing.T) {
	for _, tt := range []struct{ name, yaml, want string }{
		{"nothing", "", "template x: nothing in the file"},
		{"two documents", head + "points: [{point: a, address: 0, type: int16, unit: m}]\n---\n" + head, "template x: 2 documents: a template is one"},
		{"no mapping", "- 1\n", "template x: [1:1] want keys with values, got a sequence"},
		{"no YAML", "name: [\n", "template x: [1:7] sequence end token ']' not found"},
		{"unknown key", head + onePoint + "colour: red\n", `template x: 6:1: template has no key "colour"`},
		{"unknown key of a point", head + "points:\n- {point: a, adress: 1}\n", `template x: 6:14: points[0] has no key "adress"`},
		{"key twice", head + "manual: other\n", `template x: [5:1] mapping key "manual" already defined at [3:1]`},
		{"other name", strings.Replace(head, "name: x", "name: y", 1) + onePoint, `template x: 1:7: name is "y": want the file's name, "x"`},
		{"no title", strings.Replace(head, "en: A", "", 1) + onePoint, "template x: 2:9: title is missing: want a name in zh and in en"},
		{"no manual", strings.Replace(head, "manual: none", "manual:", 1) + onePoint, "template x: 3:8: manual is missing: name the document, or write that there is none"},
		{"confidence", strings.Replace(head, "uncertain", "verified", 1) + onePoint, `template x: 4:13: confidence is "verified": want seen or uncertain`},
		{"no points", head, "template x: points has nothing to report: want at least one point beside status"},
		{"a tag where a list should be", strings.Replace(head, "manual: none", "manual: none\nnotes: !a b", 1) + onePoint, "template x: [4:8] a value begins with !, which is a tag to YAML: put the value in quotes"},
		{"number is a list", head + "gap: [1]\n", "template x: [5:6] want a number, got a sequence"},
		{"gap", head + "gap: 1.5\npoints: [{point: a, address: 0, type: int16, unit: m}]\n", "template x: 5:6: gap is 1.5: a gap is 0 to 124"},
		{"too many registers", head + "max_registers: 126\npoints: [{point: a, address: 0, type: int16, unit: m}]\n", "template x: 5:16: max_registers is 126: a question's registers are 1 to 125"},
		{
			"all that is wrong with points, with lines", head + `points:
  - point: a34004
    address: 70000
    type: int16
    unit: ug/m3
  - point: 2a
    type: int16
    unit: m
  - status: door
    address: 1
    function: 2
    flags: [{flag: N, points: [a34004, b]}]
`,
			"template x: 7:14: points[0].address is 70000: an address is 0 to 65535; " +
				`10:12: points[1].point is "2a": a code is a letter, then letters, digits and underscores, 32 at most; ` +
				"10:5: points[1].address is missing: there is no default; " +
				`16:20: points[2].flags[0].flag is "N": a flag is one to four letters, and not N; ` +
				`16:40: points[2].flags[0].points[1] is "b": the template has no such point`,
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := drivers.ParseTemplate("x", []byte(tt.yaml))
			if err == nil || err.Error() != tt.want {
				t.Errorf("ParseTemplate(%q):\n error %v\n want  %s", tt.yaml, err, tt.want)
			}
		})
	}
	if _, err := drivers.ParseTemplate("x", []byte("\uFEFF"+strings.ReplaceAll(head+onePoint, "\n", "\r\n"))); err != nil {
		t.Errorf("template from an editor of Windows: %v", err)
	}
	long := []byte(head + "points: [{point: a, address: 0, type: int16, unit: m}]\n#")
	long = append(long, make([]byte, 256<<10)...)
	for i, c := range long {
		if c == 0 {
			long[i] = '#'
		}
	}
	if _, err := drivers.ParseTemplate("x", long[:256<<10]); err != nil {
		t.Errorf("template of 256 KiB: %v", err)
	}
	if _, err := drivers.ParseTemplate("x", long[:256<<10+1]); err == nil {
		t.Error("a template of 256 KiB and a byte was taken")
	}
}

func TestTemplateErrors(t *testing.T) {
	block := func(s string) string { return "blocks: [{" + s + "}]\n" }
	const inner = "points: [{point: c$n, address: 0, type: int16, unit: m}]"
	command := func(s string) string { return onePoint + "commands: [{" + s + "}]\n" }
	exchange := func(ask, answer string) string {
		return onePoint + "exchanges: [{wire: [{ask: " + ask + ", answer: " + answer + "}], readings: {a: 1}}]\n"
	}
	const ask = "01 03 00 00 00 01 84 0A"
	for _, tt := range []struct{ name, yaml, want, hint string }{
		{"block without count", block("stride: 2, " + inner), "5:11: blocks[0].count is missing: want the number of channels, or each with their codes; points has nothing to report: want at least one point beside status", ""},
		{"count and each", block("count: 2, each: [a], stride: 2, " + inner), "5:18: blocks[0].count is 2 beside each, which has 1: want one of them", ""},
		{"count", block("count: 251, stride: 2, " + inner), "5:18: blocks[0].count is 251: channels are 1 to 250; points has nothing to report: want at least one point beside status", ""},
		{"stride missing", block("count: 1, " + inner), "5:11: blocks[0].stride is missing: want the registers from one channel to the next", ""},
		{"stride", block("count: 1, stride: 0, " + inner), "5:29: blocks[0].stride is 0: a stride is 1 to 65535", ""},
		{"units", block("each: [b, c], units: [m], stride: 1, " + strings.Replace(inner, "c$n", "$each", 1)), "5:32: blocks[0].units has 1 items: want one for each of the 2 of each; points has nothing to report: want at least one point beside status", ""},
		{"no points", onePoint + block("count: 1, stride: 1"), "6:11: blocks[0].points is missing: want the points of the first channel", ""},
		{"too many", block("count: 250, stride: 1, points: [" + strings.TrimSuffix(strings.Repeat("{point: a, address: 0, type: int16, unit: m}, ", 5), ", ") + "]"), "5:42: blocks[0].points are 5 for 250 channels: a template has 1000 points at most; points has nothing to report: want at least one point beside status", ""},
		{"same code", block("count: 3, stride: 1, points: [{point: a, address: 0, type: int16, unit: m}]"), "5:42: blocks[0].points[0] is a once more: blocks[0].points[0] has it already", "write $n or $each into the name, so that each channel has its own"},
		{"behind the end", block("count: 3, stride: 40000, " + inner), "5:67: blocks[0].points[0].address is 80000: an address is 0 to 65535", ""},
		{"said once", block("count: 3, stride: 1, " + strings.Replace(inner, "int16", "word", 1)), "5:72: blocks[0].points[0].type is \"word\": want bit, uint16, int16, uint32, int32, uint64, int64, float32, float64 or string", "did you mean uint16?"},
		{"unknown key in a block", block("count: 1, stride: 1, " + strings.Replace(inner, "unit", "units", 1)), "5:79: blocks[0].points[0] has no key \"units\"", "did you mean unit?"},

		{"function", "function: 5\n" + onePoint, "5:11: function is 5: a function is 1 to 4", ""},
		{"min_interval", "min_interval: 2\n" + onePoint, "5:15: min_interval is 2: want a time up to 1h, such as 500ms, 10s or 5m", ""},
		{"warm_up", "warm_up: 2h\n" + onePoint, "5:10: warm_up is 2h: want a time up to 1h, such as 500ms, 10s or 5m", ""},
		{"medium", "medium: gas\n" + onePoint, "5:9: medium is \"gas\": want stack, ambient, weather, water, noise, other", ""},
		{"parity", "serial: {parity: E, baud: 96}\n" + onePoint, "5:27: serial.baud is 96: want 300 to 1000000; 5:18: serial.parity is \"E\": want none, even or odd", ""},
		{"type at fault beside a strange key", "gapp: 1\ngap: [1]\n" + onePoint, "5:1: template has no key \"gapp\"; template cannot be read further: [6:6] want a number, got a sequence", "did you mean gap?"},
		{"long address", strings.Replace(onePoint, "address: 0", "address: 300002", 1), "5:30: points[0].address is 300002: an address is 0 to 65535", "300002 in a manual is address 1 with function 4"},
		{"order", "order: 3412\n" + onePoint, "5:8: order is \"3412\": want ABCD, CDAB, BADC or DCBA", "did you mean CDAB?"},

		{"times and flag", "points: [{point: a, address: 0, type: int16, unit: m, flags: [{flag: D, times: 1, points: [a]}]}]\n", "5:70: points[0].flags[0].flag is \"D\" beside times: want a flag or a unit", ""},
		{"times for all", "points: [{point: a, address: 0, type: int16, unit: m, flags: [{times: 1}]}]\n", "5:64: points[0].flags[0].points is missing: want the points that have this unit", ""},
		{"times 0", "points: [{point: a, address: 0, type: int16, unit: m, flags: [{times: 0, points: [a]}]}]\n", "5:71: points[0].flags[0].times is 0: every value would be 0", ""},
		{"times of a string", "points: [{point: a, address: 0, type: string, length: 1}, {status: s, address: 1, type: int16, flags: [{times: 1, points: [a]}]}]\n", "5:124: points[1].flags[0].points[0] is \"a\", a string: only numbers have units", ""},

		{"command", command("command: reset, function: 5, address: 1, value: 1"), "6:22: commands[0].command is \"reset\": want zero, span, blowback, sample or stop, with a hyphen and more if there are several", ""},
		{"command twice", onePoint + "commands: [{command: zero, function: 5, address: 1, value: 1}, {command: zero, function: 5, address: 2, value: 1}]\n", "6:74: commands[1].command is \"zero\" once more: commands[0] is it already", ""},
		{"command's function", command("command: zero, function: 3, address: 1, value: 1"), "6:38: commands[0].function is \"3\": commands write a coil (5) or a register (6 or 16)", ""},
		{"command's value", command("command: zero, function: 5, address: 1, value: 2"), "6:60: commands[0].value is 2: what can be written there is 0 to 1", ""},
		{"command without address", command("command: zero, function: 6, value: 2"), "6:13: commands[0].address is missing: there is no default", ""},
		{"command's time", command("command: zero, function: 6, address: 1, value: 2, lasts: long"), "6:70: commands[0].lasts is long: want a time up to 1h, such as 500ms, 10s or 5m", ""},

		{"no hexadecimal", exchange("01 03 0G", "none"), "6:27: exchanges[0].wire[0].ask is no hexadecimal: two digits, 0 to 9 and A to F, for each byte", ""},
		{"crc", exchange("01 03 00 00 00 01 0A 84", "none"), "6:27: exchanges[0].wire[0].ask ends with 0A 84: the crc of the bytes before is 84 0A", "a byte is wrong or missing; write crc in place of the two if the manual does not print them"},
		{"no question", exchange("01 06 00 00 00 01 crc", "none"), "6:27: exchanges[0].wire[0].ask is no question that reads: unit, function, two bytes of address, two of quantity, two of crc", ""},
		{"nothing asked", exchange("01 03 00 00 00 00 crc", "none"), "6:27: exchanges[0].wire[0].ask is for unit 1, address 0, quantity 0: no instrument can answer that", ""},
		{"answer of another", exchange(ask, "02 03 02 00 01 crc"), "6:60: exchanges[0].wire[0].answer does not begin with the question's unit and function, 01 03", ""},
		{"answer too long", exchange(ask, "01 03 04 00 01 00 02 crc"), "6:60: exchanges[0].wire[0].answer says 4 bytes of data and has 4: the question asks for 2", ""},
		{"no answer given", exchange(ask, `""`), "6:60: exchanges[0].wire[0].answer is missing: want the bytes of the frame in hexadecimal", ""},
		{"another point", strings.Replace(exchange(ask, "none"), "{a: 1}", "{b: 1}", 1), "6:82: exchanges[0].readings.b is there: the template has no such point", ""},
		{"nothing in it", onePoint + "exchanges: [{about: x}]\n", "6:14: exchanges[0].wire is missing: want a question and its answer at least; 6:14: exchanges[0].readings is missing: want what the answers mean", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := drivers.ParseTemplate("x", []byte(head+tt.yaml))
			if err == nil || err.Error() != "template x: "+tt.want {
				t.Fatalf("ParseTemplate(%s):\n error %v\n want  template x: %s", tt.yaml, err, tt.want)
			}
			list, ok := errors.AsType[drivers.SpecErrors](err)
			if !ok || list[0].Hint != tt.hint {
				t.Errorf("hint is %q, want %q", list[0].Hint, tt.hint)
			}
		})
	}
}

// A template that is right in all its keys, with everything the form can say.
func TestParseTemplateWhole(t *testing.T) {
	tmpl, err := drivers.ParseTemplate("x", []byte(head+`notes: [slow]
serial: {baud: 9600, data_bits: 8, parity: even, stop_bits: 1, unit: 3}
function: 4
order: CDAB
gap: 0
max_registers: 10
max_bits: 16
points:
- {point: wind, zh: 风, en: wind, address: 0x10, type: float32, unit: m/s, range: [-1, 50.0], decimals: 2}
- {point: id, address: 3, type: string, length: 2}
- {point: state, address: 7, type: uint16, bits: 4-7, unit: "1", flags: [{flag: M, is: [3], points: [wind]}]}
- {status: door, function: 1, address: 0, flags: [{flag: Td}]}
`))
	if err != nil {
		t.Fatal(err)
	}
	if tmpl.Serial == nil || *tmpl.Serial != (drivers.Serial{Baud: 9600, DataBits: 8, Parity: "even", StopBits: 1, Unit: 3}) {
		t.Errorf("serial is %+v", tmpl.Serial)
	}
	d, err := drivers.NewDevice(drivers.DeviceOptions{Name: "x", Unit: 1, Template: tmpl})
	if err != nil {
		t.Fatal(err)
	}
	want := []drivers.Point{
		{Name: "wind", Chinese: "风", English: "wind", Unit: "m/s", Decimals: 2, Source: "x", Confidence: drivers.Uncertain},
		{Name: "id", Decimals: -1, Source: "x/2", Confidence: drivers.Uncertain},
		{Name: "state", Unit: "1", Source: "x/3", Confidence: drivers.Uncertain},
	}
	if got := d.Points(); !slices.Equal(got, want) {
		t.Errorf("Points() = %+v, want %+v", got, want)
	}
}

// The catalogue says how many decimals the values have.
func TestPointDecimals(t *testing.T) {
	for spec, want := range map[string]int{
		"type: int16":                             0,
		"type: int16, scale: 0.10":                2,
		"type: int16, scale: 1e2":                 0,
		"type: int16, scale: 0.1, offset: -0.005": 3,
		"type: int16, offset: 40":                 0,
		"type: int16, scale: 0.01, decimals: 1":   1,
		"type: float32":                           -1,
		"type: float32, scale: 0.1":               -1,
		"type: float32, decimals: 2":              2,
		"type: string, length: 2":                 -1,
	} {
		p := device(t, "points: [{point: a, address: 0, unit: m, "+spec+"}]").Points()
		if len(p) != 1 || p[0].Decimals != want {
			t.Errorf("points of %s are %+v, want %d decimals", spec, p, want)
		}
	}
}

// spec is a point that is right; a row changes one thing about it.
func spec(change func(*drivers.PointSpec)) []drivers.PointSpec {
	s := drivers.PointSpec{Point: "a34004", Address: "0", Type: "uint16", Unit: "ug/m3"}
	change(&s)
	return []drivers.PointSpec{s}
}

func TestNewTemplateErrors(t *testing.T) {
	type P = drivers.PointSpec
	type N = drivers.Number
	for _, tt := range []struct {
		name   string
		points []P
		want   string
	}{
		{"no points", nil, "points has nothing to report: want at least one point beside status"},
		{"status only", []P{{Status: "x", Function: "2", Address: "0", Flags: []drivers.FlagRule{{Flag: "D"}}}}, "points has nothing to report: want at least one point beside status"},
		{"no name", spec(func(s *P) { s.Point = "" }), "points[0].point is missing: want a code, or a name under status"},
		{"two names", append(spec(func(*P) {}), spec(func(s *P) { s.Point, s.Status, s.Address = "b", "x", "9" })...), `points[1].status is "x" beside a point: a point with flags is named by its code`},
		{"hyphen", spec(func(s *P) { s.Point = "a34004-Rtd" }), `points[0].point is "a34004-Rtd": a code is a letter, then letters, digits and underscores, 32 at most`},
		{"long code", spec(func(s *P) { s.Point = strings.Repeat("a", 33) }), `points[0].point is "` + strings.Repeat("a", 33) + `": a code is a letter, then letters, digits and underscores, 32 at most`},
		{"status without flags", append(spec(func(s *P) { s.Point, s.Status, s.Unit = "", "x", "" }), spec(func(*P) {})...), "points[0].flags is missing: a status point without them does nothing"},
		{"status name", append(spec(func(s *P) { s.Point, s.Status, s.Flags = "", "X y", []drivers.FlagRule{{Flag: "D"}} }), spec(func(*P) {})...), `points[0].status is "X y": a name is small letters, digits and hyphens, 24 at most`},
		{"function", spec(func(s *P) { s.Function = "5" }), "points[0].function is 5: a function is 1 to 4"},
		{"address with a leading zero", spec(func(s *P) { s.Address = "010" }), "points[0].address is 010: an address is 0 to 65535"},
		{"address below zero", spec(func(s *P) { s.Address = "-1" }), "points[0].address is -1: an address is 0 to 65535"},
		{"address with a fraction", spec(func(s *P) { s.Address = "1.5" }), "points[0].address is 1.5: an address is 0 to 65535"},
		{"behind the last address", spec(func(s *P) { s.Address, s.Type = "0xFFFF", "uint32" }), "points[0].address is 65535: with 2 registers from there it ends behind 65535"},
		{"no type", spec(func(s *P) { s.Type = "" }), "points[0].type is missing: want bit, uint16, int16, uint32, int32, uint64, int64, float32, float64 or string"},
		{"type", spec(func(s *P) { s.Type = "word" }), `points[0].type is "word": want bit, uint16, int16, uint32, int32, uint64, int64, float32, float64 or string`},
		{"bit of registers", spec(func(s *P) { s.Type = "bit" }), "points[0].type is bit: functions 3 and 4 give registers; take uint16 and bits"},
		{"register of bits", spec(func(s *P) { s.Function = "1" }), "points[0].type is uint16: functions 1 and 2 give bits"},
		{"order", spec(func(s *P) { s.Order = "BACD" }), `points[0].order is "BACD": want ABCD, CDAB, BADC or DCBA`},
		{"string without length", spec(func(s *P) { s.Type = "string" }), "points[0].length is missing: want the string's registers, two characters each"},
		{"string too long", spec(func(s *P) { s.Type, s.Length = "string", "65" }), "points[0].length is 65: a string's registers are 1 to 64"},
		{"string with a scale", spec(func(s *P) { s.Type, s.Length, s.Scale = "string", "2", "0.1" }), "points[0].scale is given: a string is no number"},
		{"length of a number", spec(func(s *P) { s.Length = "2" }), "points[0].length is 2: only a string has a length"},
		{"bits of a signed", spec(func(s *P) { s.Type, s.Bits = "int16", "3" }), "points[0].bits is 3: only unsigned integers have bit fields"},
		{"bits too high", spec(func(s *P) { s.Bits = "8-16" }), "points[0].bits is 8-16: want a bit or a field, lowest first, within 0-15"},
		{"bits turned round", spec(func(s *P) { s.Bits = "7-4" }), "points[0].bits is 7-4: want a bit or a field, lowest first, within 0-15"},
		{"scale zero", spec(func(s *P) { s.Scale = "0.0" }), "points[0].scale is 0.0: every value would be 0"},
		{"scale no number", spec(func(s *P) { s.Scale = "1:10" }), `points[0].scale is "1:10": want a decimal, such as 0.1 or -5`},
		{"decimals", spec(func(s *P) { s.Decimals = "13" }), "points[0].decimals is 13: decimals are 0 to 12"},
		{"no unit", spec(func(s *P) { s.Unit = "" }), `points[0].unit is missing: want the unit of the value, "1" where it has none`},
		{"range of one", spec(func(s *P) { s.Range = []N{"1"} }), "points[0].range has 1 numbers: want the lowest and the highest value"},
		{"range turned round", spec(func(s *P) { s.Range = []N{"2", "1.5"} }), "points[0].range is 2 to 1.5: want the lowest value first"},
		{"sentinel that can never be", spec(func(s *P) { s.Type, s.Sentinels = "int16", []N{"65535"} }), "points[0].sentinels[0] is 65535: the type gives whole numbers of -32768 to 32767"},
		{"sentinel with a fraction", spec(func(s *P) { s.Sentinels = []N{"999.9"} }), "points[0].sentinels[0] is 999.9: the type gives whole numbers of 0 to 65535"},
		{"sentinel with too many bits", spec(func(s *P) { s.Sentinels = []N{"1", "0x10000"} }), "points[0].sentinels[1] is 0x10000: want bits of 0x0 to 0xffff"},
		{"sentinel flag", spec(func(s *P) { s.SentinelFlag = "N" }), `points[0].sentinel_flag is "N": a flag is one to four letters, and not N`},
		{"flags of a float", spec(func(s *P) { s.Type, s.Flags = "float32", []drivers.FlagRule{{Flag: "D"}} }), "points[0].flags is given: only bits and integers set flags"},
		{"mask too wide", spec(func(s *P) { s.Flags = []drivers.FlagRule{{Flag: "D", Any: "0x10000"}} }), "points[0].flags[0].any is 0x10000: want a mask of 1 to 0xffff"},
		{"two conditions", spec(func(s *P) { s.Flags = []drivers.FlagRule{{Flag: "D", Any: "1", Is: []N{"1"}}} }), "points[0].flags[0] has more than one of any, is and not: want one at most"},
		{"confidence", spec(func(s *P) { s.Confidence = "sure" }), `points[0].confidence is "sure": want seen or uncertain`},
		{"code twice", append(spec(func(*P) {}), spec(func(s *P) { s.Address = "9" })...), "points[1] is a34004 once more: points[0] has it already"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := drivers.NewTemplate("x", tt.points)
			if want := "template x: " + tt.want; err == nil || err.Error() != want {
				t.Fatalf("error %v\nwant  %s", err, want)
			}
			list, ok := errors.AsType[drivers.SpecErrors](err)
			if !ok || len(list) != 1 || !strings.HasPrefix(tt.want, list[0].Path()+" ") {
				t.Errorf("error is %#v", list)
			}
			if one, ok := errors.AsType[*drivers.SpecError](err); !ok || one != list[0] {
				t.Errorf("the error does not unwrap to its parts")
			}
		})
	}
	if _, err := drivers.NewTemplate("x", spec(func(*P) {})); err != nil {
		t.Errorf("the point that the rows change: %v", err)
	}
}

func TestNewDeviceErrors(t *testing.T) {
	tmpl, err := drivers.NewTemplate("x", spec(func(*drivers.PointSpec) {}))
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		o    drivers.DeviceOptions
		want string
	}{
		{drivers.DeviceOptions{Unit: 1, Template: tmpl}, "device has no name"},
		{drivers.DeviceOptions{Name: "d", Unit: 1}, "device d has no template"},
		{drivers.DeviceOptions{Name: "d", Unit: 1, Template: &drivers.Template{}}, "device d has no template"},
		{drivers.DeviceOptions{Name: "d", Template: tmpl}, "device d: unit is 0: a Modbus unit is 1 to 247"},
		{drivers.DeviceOptions{Name: "d", Unit: 248, Template: tmpl}, "device d: unit is 248: a Modbus unit is 1 to 247"},
		{drivers.DeviceOptions{Name: "d", Unit: 1, Template: tmpl, Timeout: -1}, "device d: timeout is -1ns: want 0 or more"},
	} {
		if _, err := drivers.NewDevice(tt.o); err == nil || err.Error() != tt.want {
			t.Errorf("NewDevice(%+v): error %v, want %s", tt.o, err, tt.want)
		}
	}
}

func TestValidCode(t *testing.T) {
	for code, want := range map[string]bool{
		"a34004": true, "LA": true, "wind_speed_max": true, "I33400": true,
		"": false, "3": false, "_a": false, "a-b": false, "a b": false, "a.b": false, "温": false, "a温": false, "a\n": false, "a@": false, "a[": false, "a`": false, "a{": false,
	} {
		if got := drivers.ValidCode(code); got != want {
			t.Errorf("ValidCode(%q) = %t, want %t", code, got, want)
		}
	}
}

func FuzzParseTemplate(f *testing.F) {
	for _, name := range drivers.Builtin() {
		tmpl, err := drivers.LoadBuiltin(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(tmpl.Source())
	}
	if b, err := os.ReadFile("../docs/templates.md"); err == nil {
		_, b, _ = bytes.Cut(b, []byte("```yaml\n"))
		b, _, _ = bytes.Cut(b, []byte("```"))
		f.Add(bytes.Replace(b, []byte("example-gas"), []byte("x"), 1))
	}
	f.Add([]byte(head + "points: [{point: a, address: 0x, type: int64, bits: 5-, unit: m, scale: 1e-9, sentinels: [-.inf]}]"))
	f.Add([]byte(head + module))
	f.Fuzz(func(t *testing.T, b []byte) {
		tmpl, err := drivers.ParseTemplate("x", b)
		if err != nil {
			return
		}
		d, err := drivers.NewDevice(drivers.DeviceOptions{Name: "x", Unit: 1, Template: tmpl})
		if err != nil {
			t.Fatal(err)
		}
		for i := range tmpl.Exchanges {
			tmpl.Try(i)
		}
		tmpl.Remarks()
		var inputs []drivers.Input
		for i, c := range tmpl.Channels() {
			signal := drivers.Signals()[i%len(drivers.Signals())]
			analogue := drivers.Input{Channel: c, Point: fmt.Sprintf("p%d", i), Signal: signal, Range: []drivers.Number{"-3", "1e9"}, Unit: "m"}
			contact := drivers.Input{Channel: c, Point: analogue.Point, When0: "a", When1: "b"}
			for _, in := range []drivers.Input{analogue, contact} {
				if _, err := tmpl.Wire([]drivers.Input{in}); err == nil {
					inputs = append(inputs, in)
				}
			}
		}
		if len(inputs) > 0 {
			if _, err := tmpl.Wire(inputs); err != nil && !strings.Contains(err.Error(), "once more") {
				t.Fatalf("each of %+v can be wired, and not all: %v", inputs, err)
			}
		}
		if s := d.Survey(); s != nil {
			for n := 0; !s.Done(); n++ {
				if s.Ask(t.Context(), &memory{}, frozen); n > 2000 {
					t.Fatal("the survey does not end")
				}
			}
		}
		for _, s := range d.Missing(epoch, drivers.CauseLine) { // every point has a place
			for _, r := range s.Readings {
				if r.Flag != hj212.FlagComm || !drivers.ValidCode(r.Point) {
					t.Fatalf("reading %+v", r)
				}
			}
		}
	})
}
