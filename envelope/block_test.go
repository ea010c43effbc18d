package envelope_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"maps"
	"reflect"
	"strings"
	"testing"

	"envgate/envelope"
)

// shapes are blocks that between them have everything a block can have.
func shapes() map[string]*envelope.Block {
	hash := envelope.Hash([]byte("x"))
	base := func(change func(*envelope.Block)) *envelope.Block {
		b := &envelope.Block{
			Gateway: "hb-01", Stream: "live", Epoch: "e1", Seq: 2, Prev: hash, Boot: "b00t", T0: 1772323200000,
			Clock: envelope.Clock{State: "sync", ErrMs: 3, MonoMs: 4}, Config: "c", Catalogue: "k", Firmware: "1.0.0",
		}
		change(b)
		return b
	}
	return map[string]*envelope.Block{
		"empty": base(func(*envelope.Block) {}),
		"first": base(func(b *envelope.Block) { b.Seq, b.Prev = 1, envelope.Genesis }),
		"bare": base(func(b *envelope.Block) {
			b.Boot, b.Config, b.Catalogue, b.Firmware, b.T0 = "", "", "", "", 0
			b.Clock = envelope.Clock{State: "unsync", ErrMs: -1}
		}),
		"heads": base(func(b *envelope.Block) {
			b.Heads = map[string]envelope.Head{"stat": {Seq: 4, Hash: hash}, "event": {Seq: envelope.MaxSeq, Hash: hash}, "cmd": {Seq: 1, Hash: hash}}
		}),
		"live": base(func(b *envelope.Block) {
			b.Groups = []envelope.Group{
				{Source: "stack", Times: []int64{0, 1000}, Index: 7, Columns: []envelope.Column{
					{Point: "a21026", Kind: "x", Values: []string{"1.20", ""}, Flags: []string{"N", "B"}, Causes: []string{"", "no-answer"}},
					{Point: "a21002", Kind: "x", Values: []string{"1", "2"}},
					{Point: "LA", Kind: "x", Values: []string{"", "61.5"}, Flags: []string{"M", "N"}},
				}},
				{Source: "raw/2", Times: []int64{-3}, Raw: [][]byte{{0, 255}}},
				{
					Source: "evidence", Times: []int64{0, 1}, Raw: [][]byte{nil, {1, 2, 3}},
					Columns: []envelope.Column{{Point: "p", Kind: "x", Values: []string{"", ""}}},
				},
			}
		}),
		"periods": base(func(b *envelope.Block) {
			b.Groups = []envelope.Group{
				{Source: "stack", Kind: "min", Times: []int64{0, 60000}, Columns: []envelope.Column{
					{Point: "a21026", Kind: "avg", Values: []string{"1", "2"}, Flags: []string{"T", "N"}, Causes: []string{"range", ""}},
					{Point: "a21002", Kind: "avg", Values: []string{"1", "2"}},
					{Point: "a21026", Kind: "min", Values: []string{"1", "2"}},
					{Point: "rain", Kind: "cou", Values: []string{"0.2", ""}, Flags: []string{"N", "B"}, Causes: []string{"", "offline"}},
					{Point: "a21026", Kind: "n", Values: []string{"60", "59"}},
				}},
				{Source: "stack", Kind: "hour", Times: []int64{0}, Columns: []envelope.Column{{Point: "p", Kind: "zsmax", Values: []string{"1"}}}},
				{Source: "stack", Kind: "day", Times: []int64{0}, Columns: []envelope.Column{{Point: "p", Kind: "max", Values: []string{"1"}}}},
			}
		}),
		"events": base(func(b *envelope.Block) {
			b.Events = []envelope.Event{
				{Type: envelope.EventStart, At: -5},
				{Type: "alarm", At: 5, Subject: "s", Old: "o", New: "n", Who: "w", Why: "y"},
				{Type: envelope.EventConfig, New: `{"a":"\\"}`, Why: "tab\tquote\" null\x00 end\x7f 一号 \U0001F4A7 \u2028"},
			}
		}),
	}
}

func TestRoundTrip(t *testing.T) {
	for name, b := range shapes() {
		t.Run(name, func(t *testing.T) {
			if err := b.Check(); err != nil {
				t.Fatal(err)
			}
			p := b.AppendPayload(nil)
			got, err := envelope.ParsePayload(p)
			if err != nil {
				t.Fatalf("%v\n%s", err, p)
			}
			if !reflect.DeepEqual(got, b) {
				t.Errorf("got  %+v\nwant %+v", got, b)
			}
			if !json.Valid(p) { // a second opinion
				t.Errorf("not JSON: %s", p)
			}
			if q := b.AppendPayload([]byte("before")); string(q) != "before"+string(p) {
				t.Errorf("AppendPayload does not append: %s", q)
			}
		})
	}
}

// TestAppendPayload holds the bytes: they are signed, so they are the contract.
func TestAppendPayload(t *testing.T) {
	hash := envelope.Hash([]byte("x"))
	head := `{"v":1,"gw":"hb-01","stream":"live","epoch":"e1","seq":2,"prev":"` + hash + `","boot":"b00t","t0":1772323200000,` +
		`"clk":{"st":"sync","err_ms":3,"mono_ms":4},"cfg":"c","cat":"k","fw":"1.0.0"`
	want := map[string]string{
		"empty": `}`,
		"heads": `,"heads":{"cmd":{"seq":1,"hash":"` + hash + `"},"event":{"seq":9007199254740992,"hash":"` + hash + `"},"stat":{"seq":4,"hash":"` + hash + `"}}}`,
		"live": `,"g":[{"src":"stack","t":[0,1000],"i0":7,"x":{"a21026":["1.20",null],"a21002":["1","2"],"LA":[null,"61.5"]},` +
			`"f":{"a21026":["N","B"],"LA":["M","N"]},"q":{"a21026":[null,"no-answer"]}},` +
			`{"src":"raw/2","t":[-3],"i0":0,"raw":["AP8="]},{"src":"evidence","t":[0,1],"i0":0,"x":{"p":[null,null]},"raw":[null,"AQID"]}]}`,
		"periods": `,"g":[{"src":"stack","k":"min","t":[0,60000],"i0":0,"avg":{"a21026":["1","2"],"a21002":["1","2"]},"min":{"a21026":["1","2"]},` +
			`"cou":{"rain":["0.2",null]},"n":{"a21026":["60","59"]},"f":{"a21026":["T","N"],"rain":["N","B"]},"q":{"a21026":["range",null],"rain":[null,"offline"]}},` +
			`{"src":"stack","k":"hour","t":[0],"i0":0,"zsmax":{"p":["1"]}},{"src":"stack","k":"day","t":[0],"i0":0,"max":{"p":["1"]}}]}`,
		"events": `,"ev":[{"type":"start","t":-5},{"type":"alarm","t":5,"subject":"s","old":"o","new":"n","who":"w","why":"y"},` +
			`{"type":"config","t":0,"new":"{\"a\":\"\\\\\"}","why":"tab\u0009quote\" null\u0000 end` + "\x7f 一号 \U0001F4A7 \u2028" + `"}]}`,
	}
	for name, tail := range want {
		if got := string(shapes()[name].AppendPayload(nil)); got != head+tail {
			t.Errorf("%s: got\n%s\nwant\n%s", name, got, head+tail)
		}
	}
}

// TestAppendNothingToSay: lists that say no more than their absence are absent.
func TestAppendNothingToSay(t *testing.T) {
	b := shapes()["empty"]
	plain := envelope.Column{Point: "p", Kind: "x", Values: []string{"1", "2"}}
	b.Groups = []envelope.Group{{Source: "s", Times: []int64{0, 1}, Columns: []envelope.Column{plain}}}
	want := string(b.AppendPayload(nil))

	loud := plain
	loud.Flags, loud.Causes = []string{"N", ""}, []string{"", ""}
	b.Groups[0].Columns[0], b.Groups[0].Raw = loud, [][]byte{nil, {}}
	b.Heads, b.Events = map[string]envelope.Head{}, []envelope.Event{}
	if got := string(b.AppendPayload(nil)); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}

	said := strings.Replace(want, `"x":{"p":["1","2"]}`, `"x":{"p":["1","2"]},"f":{"p":["N","N"]},"q":{"p":[null,null]},"raw":[null,null]`, 1)
	got, err := envelope.ParsePayload([]byte(said))
	if err != nil || string(got.AppendPayload(nil)) != want {
		t.Fatalf("ParsePayload(%s) = %+v, %v", said, got, err)
	}
	if g := got.Groups[0]; g.Columns[0].Flags != nil || g.Columns[0].Causes != nil || g.Raw != nil {
		t.Errorf("ParsePayload(%s): flags, causes and raw bytes are not nil: %+v", said, g)
	}
}

// TestAppendMarksOfPoint: of a point with several figures, the average's flags
// are the point's, wherever it stands.
func TestAppendMarksOfPoint(t *testing.T) {
	b := shapes()["empty"]
	b.Groups = []envelope.Group{{Source: "s", Kind: "min", Times: []int64{0}, Columns: []envelope.Column{
		{Point: "p", Kind: "max", Values: []string{"9"}, Flags: []string{"D"}},
		{Point: "p", Kind: "avg", Values: []string{"5"}, Flags: []string{"C"}},
		{Point: "q", Kind: "n", Values: []string{"5"}, Flags: []string{"D"}},
		{Point: "q", Kind: "min", Values: []string{"5"}, Flags: []string{"M"}},
	}}}
	got := string(b.AppendPayload(nil))
	if want := `"f":{"p":["C"],"q":["M"]}}`; !strings.Contains(got, want) {
		t.Errorf("got %s, want %s in it", got, want)
	}
}

func TestAppendBadText(t *testing.T) {
	b := shapes()["empty"]
	b.Events = []envelope.Event{{Type: "a", Why: "x\xffy"}}
	p := b.AppendPayload(nil)
	if got, err := envelope.ParsePayload(p); err != nil || got.Events[0].Why != "x\ufffdy" {
		t.Errorf("ParsePayload(%s): %v", p, err)
	}
	if err := b.Check(); !errors.Is(err, envelope.ErrPayload) {
		t.Errorf("Check: %v, want ErrPayload", err)
	}
}

func TestAppendPayloadAllocs(t *testing.T) {
	blocks := shapes()
	blocks["site"] = siteBlock(40, 5)
	for name, b := range blocks {
		buf := b.AppendPayload(nil)
		if n := testing.AllocsPerRun(20, func() { buf = b.AppendPayload(buf[:0]) }); n > 0 {
			t.Errorf("%s: %v allocations into a slice that is long enough, want 0", name, n)
		}
	}
}

// TestCheck has a row for each rule of Check, and holds that Check and
// ParsePayload agree.
func TestCheck(t *testing.T) {
	long := strings.Repeat("x", 129)
	col := func(b *envelope.Block) *envelope.Column { return &b.Groups[0].Columns[0] }
	rows := []struct {
		name string
		want error
		do   func(b *envelope.Block)
	}{
		{"gateway empty", envelope.ErrPayload, func(b *envelope.Block) { b.Gateway = "" }},
		{"gateway with slash", envelope.ErrPayload, func(b *envelope.Block) { b.Gateway = "a/b" }},
		{"gateway long", envelope.ErrPayload, func(b *envelope.Block) { b.Gateway = long[:33] }},
		{"stream with plus", envelope.ErrPayload, func(b *envelope.Block) { b.Stream = "+" }},
		{"epoch with space", envelope.ErrPayload, func(b *envelope.Block) { b.Epoch = "a b" }},
		{"epoch long", envelope.ErrPayload, func(b *envelope.Block) { b.Epoch = long[:65] }},
		{"seq 0", envelope.ErrSeq, func(b *envelope.Block) { b.Seq = 0 }},
		{"seq past", envelope.ErrSeq, func(b *envelope.Block) { b.Seq = envelope.MaxSeq + 1 }},
		{"genesis at 2", envelope.ErrGenesis, func(b *envelope.Block) { b.Prev = envelope.Genesis }},
		{"no genesis at 1", envelope.ErrGenesis, func(b *envelope.Block) { b.Seq = 1 }},
		{"prev", envelope.ErrPayload, func(b *envelope.Block) { b.Prev = "x" }},
		{"boot long", envelope.ErrPayload, func(b *envelope.Block) { b.Boot = long }},
		{"config long", envelope.ErrPayload, func(b *envelope.Block) { b.Config = long }},
		{"catalogue long", envelope.ErrPayload, func(b *envelope.Block) { b.Catalogue = long }},
		{"firmware long", envelope.ErrPayload, func(b *envelope.Block) { b.Firmware = long }},
		{"t0 negative", envelope.ErrPayload, func(b *envelope.Block) { b.T0 = -1 }},
		{"t0 past", envelope.ErrPayload, func(b *envelope.Block) { b.T0 = envelope.MaxSeq + 1 }},
		{"clock empty", envelope.ErrPayload, func(b *envelope.Block) { b.Clock.State = "" }},
		{"clock err_ms", envelope.ErrPayload, func(b *envelope.Block) { b.Clock.ErrMs = -2 }},
		{"clock mono_ms", envelope.ErrPayload, func(b *envelope.Block) { b.Clock.MonoMs = envelope.MaxSeq + 1 }},
		{"heads name", envelope.ErrPayload, func(b *envelope.Block) { b.Heads = map[string]envelope.Head{"a b": {Seq: 1, Hash: b.Prev}} }},
		{"heads seq", envelope.ErrPayload, func(b *envelope.Block) { b.Heads = map[string]envelope.Head{"stat": {Seq: 0, Hash: b.Prev}} }},
		{"heads seq past", envelope.ErrPayload, func(b *envelope.Block) {
			b.Heads = map[string]envelope.Head{"stat": {Seq: envelope.MaxSeq + 1, Hash: b.Prev}}
		}},
		{"heads hash", envelope.ErrPayload, func(b *envelope.Block) { b.Heads = map[string]envelope.Head{"stat": {Seq: 1, Hash: "GENESIS"}} }},
		{"heads many", envelope.ErrPayload, func(b *envelope.Block) {
			b.Heads = make(map[string]envelope.Head)
			for i := range 17 {
				b.Heads[long[:i+1]] = envelope.Head{Seq: 1, Hash: b.Prev}
			}
		}},
		{"groups many", envelope.ErrPayload, func(b *envelope.Block) {
			for len(b.Groups) <= 1024 {
				b.Groups = append(b.Groups, b.Groups[0])
			}
		}},
		{"events many", envelope.ErrPayload, func(b *envelope.Block) {
			for len(b.Events) <= 1024 {
				b.Events = append(b.Events, envelope.Event{Type: "a"})
			}
		}},
		{"source empty", envelope.ErrPayload, func(b *envelope.Block) { b.Groups[0].Source = "" }},
		{"source long", envelope.ErrPayload, func(b *envelope.Block) { b.Groups[0].Source = long[:65] }},
		{"group kind", envelope.ErrPayload, func(b *envelope.Block) { b.Groups[0].Kind = "week" }},
		{"times none", envelope.ErrPayload, func(b *envelope.Block) { b.Groups[0] = envelope.Group{Source: "s"} }},
		{"times many", envelope.ErrPayload, func(b *envelope.Block) {
			g := &b.Groups[0]
			g.Times = make([]int64, 4097)
			g.Columns = []envelope.Column{{Point: "p", Kind: "x", Values: make([]string, 4097)}}
		}},
		{"time past", envelope.ErrPayload, func(b *envelope.Block) { b.Groups[0].Times[0] = envelope.MaxSeq + 1 }},
		{"time before", envelope.ErrPayload, func(b *envelope.Block) { b.Groups[0].Times[0] = -envelope.MaxSeq - 1 }},
		{"index past", envelope.ErrPayload, func(b *envelope.Block) { b.Groups[0].Index = envelope.MaxSeq + 1 }},
		{"raw short", envelope.ErrPayload, func(b *envelope.Block) { b.Groups[0].Raw = [][]byte{{1}} }},
		{"nothing in group", envelope.ErrPayload, func(b *envelope.Block) { b.Groups[0].Columns = nil }},
		{"columns many", envelope.ErrPayload, func(b *envelope.Block) {
			for i := range 513 {
				b.Groups[0].Columns = append(b.Groups[0].Columns, envelope.Column{Point: "p" + string(rune(0x4e00+i)), Kind: "x", Values: []string{"1", "2"}})
			}
		}},
		{"columns equal", envelope.ErrPayload, func(b *envelope.Block) { b.Groups[0].Columns[1] = *col(b) }},
		{"point empty", envelope.ErrPayload, func(b *envelope.Block) { col(b).Point = "" }},
		{"point long", envelope.ErrPayload, func(b *envelope.Block) { col(b).Point = long[:65] }},
		{"column of a period", envelope.ErrPayload, func(b *envelope.Block) { col(b).Kind = "avg" }},
		{"values short", envelope.ErrPayload, func(b *envelope.Block) { col(b).Values = []string{"1"} }},
		{"value long", envelope.ErrPayload, func(b *envelope.Block) { col(b).Values[0] = long }},
		{"flags short", envelope.ErrPayload, func(b *envelope.Block) { col(b).Flags = []string{"B"} }},
		{"flag long", envelope.ErrPayload, func(b *envelope.Block) { col(b).Flags[0] = long[:65] }},
		{"causes short", envelope.ErrPayload, func(b *envelope.Block) { col(b).Causes = []string{"x"} }},
		{"cause long", envelope.ErrPayload, func(b *envelope.Block) { col(b).Causes[1] = long[:65] }},
		{"cause with N", envelope.ErrPayload, func(b *envelope.Block) { col(b).Causes[0] = "range" }},
		{"event without type", envelope.ErrPayload, func(b *envelope.Block) { b.Events = []envelope.Event{{}} }},
		{"event time past", envelope.ErrPayload, func(b *envelope.Block) { b.Events = []envelope.Event{{Type: "a", At: envelope.MaxSeq + 1}} }},
	}
	for _, r := range rows {
		t.Run(r.name, func(t *testing.T) {
			b := shapes()["live"]
			b.Groups = b.Groups[:1]
			r.do(b)
			if err := b.Check(); !errors.Is(err, r.want) {
				t.Errorf("Check() = %v, want %v", err, r.want)
			}
			if _, err := envelope.ParsePayload(b.AppendPayload(nil)); !errors.Is(err, r.want) {
				t.Errorf("ParsePayload = %v, want %v", err, r.want)
			}
		})
	}
	// Rules about what a payload has no way to say.
	only := map[string]func(b *envelope.Block){
		"column kind": func(b *envelope.Block) { col(b).Kind = "median" },
		"causes long": func(b *envelope.Block) { col(b).Causes = []string{"", "", ""} },
		"column kind of a period": func(b *envelope.Block) {
			b.Groups[0].Kind, b.Groups[0].Columns = "min", b.Groups[0].Columns[:1]
			col(b).Kind = "median"
		},
		"text is not UTF-8":  func(b *envelope.Block) { col(b).Values[0] = "\xff" },
		"flag is not UTF-8":  func(b *envelope.Block) { col(b).Flags[1] = "\xff" },
		"cause is not UTF-8": func(b *envelope.Block) { col(b).Causes[1] = "\xff" },
		"point is not UTF-8": func(b *envelope.Block) { col(b).Point = "\xff" },
		"boot is not UTF-8":  func(b *envelope.Block) { b.Boot = "\xff" },
		"cause, no flags":    func(b *envelope.Block) { col(b).Flags = nil },
	}
	for name, do := range maps.All(only) {
		b := shapes()["live"]
		do(b)
		if err := b.Check(); !errors.Is(err, envelope.ErrPayload) {
			t.Errorf("%s: Check() = %v, want ErrPayload", name, err)
		}
	}
}

func TestSyntaxErrorPlace(t *testing.T) {
	for _, r := range []struct {
		old, text string
		at        int // bytes from where old stood
	}{
		{`"1.20"`, `7`, 0},
		{`"fw"`, `"case"`, len(`"case":`)},
		{`"b00t"`, "\"b\xff\"", 1},
		{`"b00t"`, "\"\\nb\xff\"", 1},
		{`"b00t"`, `"b\x"`, 2},
		{`"i0":7`, `"i0":7.5`, 5},
	} {
		p := shapes()["live"].AppendPayload(nil)
		at := bytes.Index(p, []byte(r.old))
		p = bytes.Replace(p, []byte(r.old), []byte(r.text), 1)
		_, err := envelope.ParsePayload(p)
		if e, ok := errors.AsType[*envelope.SyntaxError](err); !ok || e.Offset != at+r.at {
			t.Errorf("%s for %s: %v, want a SyntaxError at byte %d", r.text, r.old, err, at+r.at)
		}
	}
}

// TestParseCut: a text that ends too early is wrong, wherever it ends.
func TestParseCut(t *testing.T) {
	for name, b := range shapes() {
		p := b.AppendPayload(nil)
		p = bytes.Replace(p, []byte("b00t"), []byte(`\ud83d\udca7`), 1)
		if _, err := envelope.ParsePayload(p); err != nil {
			t.Errorf("%s: whole: %v", name, err)
		}
		for n := range p {
			if _, err := envelope.ParsePayload(p[:n]); !errors.Is(err, envelope.ErrPayload) {
				t.Errorf("%s: ParsePayload(%q) = %v, want ErrPayload", name, p[:n], err)
			}
		}
	}
}

func TestHash(t *testing.T) {
	if got, want := envelope.Hash([]byte("abc")), "ungWv48Bz-pBQUDeXa4iI7ADYaOWF3qctBD_YfIAFa0"; got != want {
		t.Errorf("Hash(abc) = %s, want %s", got, want)
	}
}
