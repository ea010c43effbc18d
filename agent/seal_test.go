package main

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"envgate/agent/rollup"
	"envgate/buffer"
	"envgate/drivers"
	"envgate/envelope"
)

var epoch0 = time.Date(2026, 11, 23, 10, 0, 0, 0, siteZone)

func testKey(t testing.TB) *envelope.Key {
	t.Helper()
	key, err := envelope.NewKey("gw-test")
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func testPress(t testing.TB, key *envelope.Key) *press {
	return &press{
		gateway: "gw-test", epoch: "0123456789abcdef", boot: "b0", firmware: "test",
		config: envelope.Hash([]byte("c")), catalogue: envelope.Hash([]byte("k")),
		heads: map[string]envelope.Head{}, index: map[string]uint64{}, ratio: map[string]float64{},
		seal: envelope.NewSealer(key),
	}
}

// noisy makes the rows of units instruments with points each over times ticks, with
// values that a compressor cannot guess.
func noisy(units, points, times int) []row {
	r := rand.New(rand.NewPCG(1, 2))
	var samples []polled
	for i := range times {
		for u := range units {
			s := polled{Sample: drivers.Sample{Source: fmt.Sprintf("unit%d", u+1), Time: epoch0.Add(time.Duration(i) * time.Second)}}
			for p := range points {
				s.Readings = append(s.Readings, drivers.Reading{
					Point: fmt.Sprintf("a%05d", 10000+p), Value: fmt.Sprintf("%.3f", 50+10*r.Float64()), Flag: "N",
				})
			}
			samples = append(samples, s)
		}
	}
	return new(press).sampleRows(nil, samples)
}

// audit opens each record, follows the chain, and returns the values found by
// source, index and point.
func audit(t *testing.T, key *envelope.Key, stream string, records []buffer.Record) map[string]string {
	t.Helper()
	chain := envelope.NewChain("gw-test", stream, "0123456789abcdef")
	found := map[string]string{}
	for _, r := range records {
		if r.Stream != stream {
			continue
		}
		b, hash, err := envelope.OpenBlock(r.Data, envelope.NewKeySet(key.Public()))
		if err != nil {
			t.Fatalf("%s %d: %v", r.Stream, r.Seq, err)
		}
		if err := chain.Next(b, hash); err != nil {
			t.Fatalf("%s %d: %v", r.Stream, r.Seq, err)
		}
		for _, g := range b.Groups {
			for _, c := range g.Columns {
				for i, v := range c.Values {
					id := fmt.Sprintf("%s|%s %d %s %s at %d", g.Source, g.Kind, g.Index+uint64(i), c.Point, c.Kind, b.T0+g.Times[i])
					if _, twice := found[id]; twice {
						t.Errorf("%s is sealed twice", id)
					}
					found[id] = v
				}
			}
		}
	}
	return found
}

func wantRows(rows []row) map[string]string {
	want := map[string]string{}
	for _, r := range rows {
		for _, c := range r.cells {
			want[fmt.Sprintf("%s|%s %d %s %s at %d", r.source, r.kind, r.index, c.point, c.kind, r.at)] = c.value
		}
	}
	return want
}

func compare(t *testing.T, got, want map[string]string) {
	t.Helper()
	for id, v := range want {
		if g, ok := got[id]; !ok || g != v {
			t.Errorf("%s = %q (there: %v), want %q", id, g, ok, v)
		}
	}
	if len(got) != len(want) {
		t.Errorf("%d values sealed, want %d", len(got), len(want))
	}
}

func TestRowsFillBlocks(t *testing.T) {
	for _, c := range []struct{ units, points, times int }{{1, 1, 1}, {1, 12, 5}, {32, 40, 5}, {2, 125, 1}, {1, 500, 1}, {7, 3, 60}} {
		t.Run(fmt.Sprintf("%dx%dx%d", c.units, c.points, c.times), func(t *testing.T) {
			key := testKey(t)
			p := testPress(t, key)
			rows := noisy(c.units, c.points, c.times)
			p.number(rows)
			want := wantRows(rows)
			records, err := p.rows(live, envelope.Clock{State: "sync"}, epoch0, rows)
			if err != nil {
				t.Fatal(err)
			}
			size := 0
			for _, r := range records {
				if len(r.Data) > envelope.MaxBlock {
					t.Errorf("block %d has %d bytes: at most %d", r.Seq, len(r.Data), envelope.MaxBlock)
				}
				size += len(r.Data)
			}
			compare(t, audit(t, key, live, records), want)
			if full := size/envelope.MaxBlock + 1; len(records) > full*5/4+1 {
				t.Errorf("%d bytes in %d blocks: they are badly filled", size, len(records))
			}
		})
	}
}

func TestIndexCountsUp(t *testing.T) {
	key := testKey(t)
	p := testPress(t, key)
	var all []buffer.Record
	want := map[string]string{}
	for round := range 4 {
		rows := noisy(2, 3, 2)
		for i := range rows {
			rows[i].at += int64(round) * 5000
		}
		p.number(rows)
		for id, v := range wantRows(rows) {
			want[id] = v
		}
		records, err := p.rows(live, envelope.Clock{State: "sync"}, epoch0, rows)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, records...)
	}
	compare(t, audit(t, key, live, all), want)
	if n := p.index["unit1|"]; n != 8 {
		t.Errorf("next index of unit1 is %d, want 8", n)
	}
}

// Rows that are still owed to the log keep their values when more come; the memory of
// those that are done with is used again.
func TestRowsOwedKeepTheirValues(t *testing.T) {
	p := testPress(t, testKey(t))
	sample := func(value string) []polled {
		return []polled{{Sample: drivers.Sample{Source: "gas", Time: epoch0, Readings: []drivers.Reading{{Point: "a", Value: value, Flag: "N"}}}}}
	}
	rows := p.sampleRows(p.sampleRows(nil, sample("1")), sample("2"))
	if a, b := rows[0].cells[0].value, rows[1].cells[0].value; a != "1" || b != "2" {
		t.Errorf("rows hold %q and %q, want 1 and 2", a, b)
	}
	p.sampleRows(nil, sample("3"))
	if n := testing.AllocsPerRun(10, func() { p.sampleRows(nil, sample("4")) }); n > 3 {
		t.Errorf("%v allocations for a row, want those of the sample and the row", n)
	}
}

func TestFlagsAndFigures(t *testing.T) {
	key := testKey(t)
	p := testPress(t, key)
	s := polled{Sample: drivers.Sample{Source: "gas", Time: epoch0, Readings: []drivers.Reading{
		{Point: "a21026", Value: "", Flag: "B", Cause: drivers.CauseNoAnswer},
		{Point: "a05024", Value: "31.5", Flag: "N"},
	}}}
	ok := s
	ok.Time = epoch0.Add(time.Second)
	ok.Readings = []drivers.Reading{{Point: "a21026", Value: "7", Flag: "N"}, {Point: "a05024", Value: "31.6", Flag: "N"}}
	rows := p.sampleRows(nil, []polled{s, ok})
	p.number(rows)
	window := windowRow(rollup.Window{Source: "gas", Kind: rollup.Minute, Start: epoch0, Figures: []rollup.Figure{
		{Point: "a21026", Avg: "7", Min: "7", Max: "7", N: 1, Flag: "D", Cause: "few"},
	}})
	windows := []row{window}
	p.number(windows)
	figures, err := p.rows(stat, envelope.Clock{State: "sync"}, epoch0, windows)
	if err != nil {
		t.Fatal(err)
	}
	samples, err := p.rows(live, envelope.Clock{State: "sync"}, epoch0, rows)
	if err != nil {
		t.Fatal(err)
	}
	b, _, err := envelope.OpenBlock(samples[0].Data, envelope.NewKeySet(key.Public()))
	if err != nil {
		t.Fatal(err)
	}
	if h := b.Heads[stat]; h.Seq != 1 || h != p.heads[stat] {
		t.Errorf("live block names head %+v of stat, want %+v", h, p.heads[stat])
	}
	if len(b.Groups) != 1 {
		t.Fatalf("%d groups, want both rows in 1", len(b.Groups))
	}
	for _, c := range b.Groups[0].Columns {
		switch c.Point {
		case "a21026":
			if c.Values[0] != "" || c.Values[1] != "7" || c.Flags[0] != "B" || c.Flags[1] != "N" || c.Causes[0] != "no-answer" {
				t.Errorf("a21026 = %+v", c)
			}
		case "a05024":
			if c.Flags != nil {
				t.Errorf("a05024 has flags %v, though all are N", c.Flags)
			}
		}
	}
	b, _, err = envelope.OpenBlock(figures[0].Data, envelope.NewKeySet(key.Public()))
	if err != nil {
		t.Fatal(err)
	}
	if g := b.Groups[0]; g.Kind != "min" || len(g.Columns) != 4 || g.Columns[0].Flags[0] != "D" {
		t.Errorf("figures = %+v", g)
	}
}

func TestLargeEventsStandAlone(t *testing.T) {
	key := testKey(t)
	p := testPress(t, key)
	var events []envelope.Event
	for i := range 50 {
		events = append(events, envelope.Event{Type: "line.down", At: epoch0.UnixMilli() + int64(i), Subject: fmt.Sprint("line", i), Why: fmt.Sprint(rand.Uint64())})
	}
	events = append(events, envelope.Event{Type: envelope.EventBirth, At: epoch0.UnixMilli(), New: "{}"})
	events = append(events, envelope.Event{Type: "line.up", At: epoch0.UnixMilli()})
	records, err := p.events(envelope.Clock{State: "sync"}, epoch0, events)
	if err != nil {
		t.Fatal(err)
	}
	audit(t, key, event, records)
	n, birthAt := 0, -1
	for i, r := range records {
		b, _, err := envelope.OpenBlock(r.Data, envelope.NewKeySet(key.Public()))
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range b.Events {
			if e.Type == "line.down" && fmt.Sprint("line", b.T0+e.At-epoch0.UnixMilli()) != e.Subject {
				t.Errorf("event of %s is at %d ms", e.Subject, b.T0+e.At-epoch0.UnixMilli())
			}
			if e.Type == envelope.EventBirth {
				birthAt = i
				if len(b.Events) != 1 {
					t.Errorf("birth shares its block with %d others", len(b.Events)-1)
				}
			}
			n++
		}
	}
	if n != len(events) || birthAt < 0 {
		t.Errorf("%d events sealed, birth in block %d; want %d, and a birth", n, birthAt, len(events))
	}
}

func BenchmarkSeal1280(b *testing.B) {
	p := testPress(b, testKey(b))
	rows := noisy(32, 40, 5)
	b.ReportAllocs()
	size := 0
	for b.Loop() {
		p.number(rows)
		records, err := p.rows(live, envelope.Clock{State: "sync"}, epoch0, rows)
		if err != nil {
			b.Fatal(err)
		}
		size = 0
		for _, r := range records {
			size += len(r.Data)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/6400, "ns/reading")
	b.ReportMetric(float64(size)/6400, "B/reading")
}

// A group has at most so many columns, and times, as a verifier takes.
func TestGroupsHaveTheirBounds(t *testing.T) {
	still := func(points, times int) []row {
		var samples []polled
		for i := range times {
			s := polled{Sample: drivers.Sample{Source: "plc", Time: epoch0.Add(time.Duration(i) * time.Second)}}
			for p := range points {
				s.Readings = append(s.Readings, drivers.Reading{Point: fmt.Sprintf("b%d", p), Value: "0", Flag: "N"})
			}
			samples = append(samples, s)
		}
		return new(press).sampleRows(nil, samples)
	}
	for _, c := range []struct{ points, times int }{{513, 1}, {513, 3}, {1000, 2}, {2000, 1}, {1, 20000}} {
		t.Run(fmt.Sprintf("%dx%d", c.points, c.times), func(t *testing.T) {
			key := testKey(t)
			p := testPress(t, key)
			rows := still(c.points, c.times)
			rows = append(rows, row{source: "a", at: rows[0].at, cells: rows[0].cells[:1]}) // comes first
			p.number(rows)
			want := wantRows(rows)
			for _, ratio := range []float64{0, 0.1} { // of the block before
				p := *p
				p.heads, p.ratio = map[string]envelope.Head{}, map[string]float64{live: ratio}
				records, err := p.rows(live, envelope.Clock{State: "sync"}, epoch0, rows)
				if err != nil {
					t.Fatal(err)
				}
				compare(t, audit(t, key, live, records), want)
			}
		})
	}
}

// Where a row of figures is cut, those of one point stay together.
func TestFiguresOfAPointStayTogether(t *testing.T) {
	key := testKey(t)
	p := testPress(t, key)
	r := rand.New(rand.NewPCG(1, 2))
	w := rollup.Window{Source: "gas", Kind: rollup.Minute, Start: epoch0}
	for i := range 247 {
		digits := func() string { return fmt.Sprintf("%.6f", 100*r.Float64()) }
		w.Figures = append(w.Figures, rollup.Figure{Point: fmt.Sprintf("a%d", i), Avg: digits(), Min: digits(), Max: digits(), N: 60, Flag: "N"})
	}
	rows := []row{windowRow(w)}
	p.number(rows)
	want := wantRows(rows)
	records, err := p.rows(stat, envelope.Clock{State: "sync"}, epoch0, rows)
	if err != nil || len(records) < 3 {
		t.Fatal(len(records), err)
	}
	compare(t, audit(t, key, stat, records), want)
	for _, rec := range records {
		b, _, err := envelope.OpenBlock(rec.Data, envelope.NewKeySet(key.Public()))
		if err != nil {
			t.Fatal(err)
		}
		for _, g := range b.Groups {
			kinds := map[string]int{}
			for _, c := range g.Columns {
				kinds[c.Point]++
			}
			for point, n := range kinds {
				if n != 4 {
					t.Errorf("block %d has %d of the 4 figures of %s", b.Seq, n, point)
				}
			}
		}
	}
}

// An event that no block can hold takes no other one with it.
func TestAnEventTooLargeStaysAlone(t *testing.T) {
	key := testKey(t)
	p := testPress(t, key)
	large := make([]byte, 200<<10)
	for i := range large {
		large[i] = byte('0' + rand.IntN(64))
	}
	records, err := p.events(envelope.Clock{State: "sync"}, epoch0, []envelope.Event{
		{Type: "line.down", At: epoch0.UnixMilli()},
		{Type: "x", At: epoch0.UnixMilli(), New: string(large)},
		{Type: "line.up", At: epoch0.UnixMilli()},
	})
	if err == nil || len(records) != 2 {
		t.Errorf("%d blocks, error %v; want 2 blocks, and an error for the large event", len(records), err)
	}
	audit(t, key, event, records)
}

// Raw bytes come with their values, whatever the values' number.
func TestRawBytesAreSealed(t *testing.T) {
	key := testKey(t)
	p := testPress(t, key)
	rows := noisy(1, 120, 2)
	for i := range rows {
		rows[i].raw = make([]byte, 250)
		for k := range rows[i].raw {
			rows[i].raw[k] = byte(rand.Uint32())
		}
	}
	p.number(rows)
	want := wantRows(rows)
	raws := map[string]bool{string(rows[0].raw): true, string(rows[1].raw): true}
	records, err := p.rows(live, envelope.Clock{State: "sync"}, epoch0, rows)
	if err != nil {
		t.Fatal(err)
	}
	compare(t, audit(t, key, live, records), want)
	for _, rec := range records {
		b, _, _ := envelope.OpenBlock(rec.Data, envelope.NewKeySet(key.Public()))
		for _, g := range b.Groups {
			for _, raw := range g.Raw {
				delete(raws, string(raw))
			}
		}
	}
	if len(raws) > 0 {
		t.Errorf("raw bytes of %d of 2 samples are in no block", len(raws))
	}
}

// Rows that are far larger than the block before them let expect are sealed all the
// same: values after an hour of none, or raw bytes.
func TestRowsAfterEmptyOnes(t *testing.T) {
	key := testKey(t)
	p := testPress(t, key)
	rows := noisy(10, 100, 50)
	p.number(rows)
	want := wantRows(rows)
	p.ratio[live] = 0.05
	records, err := p.rows(live, envelope.Clock{State: "sync"}, epoch0, rows)
	if err != nil {
		t.Fatal(err)
	}
	compare(t, audit(t, key, live, records), want)
}
