package drivers_test

import (
	"errors"
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
				if p.Chinese == "" || p.English == "" || p.Unit == "" || p.Source == "" || p.Confidence == "" {
					t.Errorf("point %s: %+v", p.Name, p)
				}
			}
			if !exchanged[name] {
				t.Error("no exchange with this instrument in TestExchange")
			}
		})
	}
	_, err = drivers.LoadBuiltin("nobody")
	if want := `no template "nobody": there are boling-dust, sonbest-sm7901b, teledyne-t400, vaisala-wxt530`; err == nil || err.Error() != want {
		t.Errorf("LoadBuiltin: error %v, want %s", err, want)
	}
}

const head = `name: x
title: {zh: 甲, en: A}
manual: none
confidence: uncertain
`

func TestParseTemplate(t *testing.T) {
	for _, tt := range []struct{ name, yaml, want string }{
		{"nothing", "", "template x: 1 documents: a template is one"},
		{"two documents", head + "points: [{point: a, address: 0, type: int16, unit: m}]\n---\n" + head, "template x: 2 documents: a template is one"},
		{"no mapping", "- 1\n", "template x: [1:1] sequence was used where mapping is expected"},
		{"no YAML", "name: [\n", "template x: [1:7] sequence end token ']' not found"},
		{"unknown key", head + "colour: red\n", `template x: [5:1] unknown field "colour"`},
		{"unknown key of a point", head + "points:\n- {point: a, adress: 1}\n", `template x: [6:14] unknown field "adress"`},
		{"key twice", head + "manual: other\n", `template x: [5:1] mapping key "manual" already defined at [3:1]`},
		{"other name", strings.Replace(head, "name: x", "name: y", 1), `template x: name is "y": want the file's name, "x"`},
		{"no title", strings.Replace(head, "en: A", "", 1), "template x: title is missing: want a name in zh and in en"},
		{"no manual", strings.Replace(head, "manual: none", "manual:", 1), "template x: manual is missing: name the document, or write that there is none"},
		{"confidence", strings.Replace(head, "uncertain", "verified", 1), `template x: confidence is "verified": want seen or uncertain`},
		{"no points", head, "template x: points has nothing to report: want at least one point beside status"},
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
		{"scale no number", spec(func(s *P) { s.Scale = "1/10" }), `points[0].scale is "1/10": want a decimal, such as 0.1 or -5`},
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
	f.Add([]byte(head + "points: [{point: a, address: 0x, type: int64, bits: 5-, unit: m, scale: 1e-9, sentinels: [-.inf]}]"))
	f.Fuzz(func(t *testing.T, b []byte) {
		tmpl, err := drivers.ParseTemplate("x", b)
		if err != nil {
			return
		}
		d, err := drivers.NewDevice(drivers.DeviceOptions{Name: "x", Unit: 1, Template: tmpl})
		if err != nil {
			t.Fatal(err)
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
