package rollup

import (
	"fmt"
	"runtime"
	"testing"
	"time"
)

// A day of a site with 100 factors asked each second, by sealing intervals of 5 s as the
// agent has it. What is budgeted is 2 s of processor time for the day: 230 ns a sample.
func BenchmarkDay(b *testing.B) {
	const factors = 100
	var values [factors]Value
	for i := range values {
		values[i] = Value{
			Source: fmt.Sprintf("device-%d", i/10), Point: fmt.Sprintf("a%05d", 21000+i), Flag: "N", Interval: time.Second,
		}
	}
	texts := []string{"12.5", "12.57", "12.612", "12", "13.1", "0.05", "131.22"}
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	r, start, seconds := New(Options{Minutes: 10}), at("00:00:00"), 0
	for b.Loop() { // a second
		now := start.Add(time.Duration(seconds) * time.Second)
		for i := range values {
			values[i].Text, values[i].At = texts[(seconds+i)%len(texts)], now
			r.Add(values[i])
		}
		if seconds++; seconds%5 == 0 {
			r.Close(now)
		}
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/factors, "ns/sample")
	b.ReportMetric(float64(int64(after.HeapAlloc)-int64(before.HeapAlloc)), "B-held")
	runtime.KeepAlive(r)
}

// A sample of a period that is open costs no memory, whatever its rule.
func TestAddDoesNotAllocate(t *testing.T) {
	rules := map[string]Rule{
		"a21026": {}, "q": {Cou: FlowWater}, "c": {Mean: FlowWeighted, With: "q", Cou: LoadWater},
		"dir": {Mean: Vector, With: "speed"}, "LA": {Mean: Energy, Noise: true}, "total": {Mean: Last},
	}
	r := New(Options{Minutes: 10, Rules: func(_, point string) Rule { return rules[point] }})
	now := at("10:00:00")
	second := func() {
		now = now.Add(10 * time.Millisecond)
		for point := range rules {
			r.Add(Value{"s", point, "12.34", "11.1", "N", now, time.Second})
			r.Add(Value{"s", point, "", "", "D", now, time.Second})
		}
	}
	second()
	if n := testing.AllocsPerRun(1000, second); n != 0 {
		t.Errorf("a second of samples allocates %v times, want 0", n)
	}
}
