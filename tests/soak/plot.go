package main

import (
	"encoding/csv"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"sort"
	"strconv"
	"strings"
	"time"
)

// A gauge is one of the things that are measured.
type gauge struct {
	name, unit string
	of         func(sample) float64
	colour     string
}

// panels are those of the plot, from above.
var panels = [][]gauge{
	{
		{"agent RssAnon", "MB", func(s sample) float64 { return float64(s.anon) / 1e6 }, "#1b6ca8"},
		{"agent VmRSS", "MB", func(s sample) float64 { return float64(s.rss) / 1e6 }, "#8fb9d8"},
		{"centre RssAnon", "MB", func(s sample) float64 { return known(int(s.centre)) / 1e6 }, "#c9a227"},
	},
	{
		{"goroutines", "", func(s sample) float64 { return known(s.goroutines) }, "#2e7d32"},
		{"threads", "", func(s sample) float64 { return float64(s.threads) }, "#9ccc65"},
	},
	{{"descriptors", "", func(s sample) float64 { return float64(s.descriptors) }, "#6a1b9a"}},
	{{"log file", "MB", func(s sample) float64 { return float64(s.file) / 1e6 }, "#b23b3b"}},
}

// known is a count, or nothing.
func known(n int) float64 {
	if n == 0 {
		return math.NaN()
	}
	return float64(n)
}

// write makes the table and the plot, and returns their names.
func (r *record) write(b *bench) (names []string, err error) {
	if err := os.MkdirAll(b.o.out, 0o755); err != nil {
		return nil, err
	}
	base := filepath.Join(b.o.out, fmt.Sprintf("soak-%d", b.o.seed))
	f, err := os.Create(base + ".csv")
	if err != nil {
		return nil, err
	}
	defer f.Close()
	w := csv.NewWriter(f)
	w.Write(strings.Split("seconds,life,age_seconds,rss_anon,vm_rss,goroutines,threads,descriptors,log_bytes,centre_rss_anon", ","))
	for _, s := range r.samples {
		var row []string
		for _, n := range []int64{
			int64(s.at.Seconds()), int64(s.life), int64(s.age.Seconds()), s.anon, s.rss, int64(s.goroutines), int64(s.threads),
			int64(s.descriptors), s.file, s.centre,
		} {
			row = append(row, strconv.FormatInt(n, 10))
		}
		w.Write(row)
	}
	if w.Flush(); w.Error() != nil {
		return nil, w.Error()
	}
	return []string{base + ".csv", base + ".svg"}, os.WriteFile(base+".svg", []byte(r.draw(b)), 0o644)
}

// Measures of the plot.
const (
	plotLeft, plotRight = 70, 20
	plotWidth           = 1100
	panelHeight         = 130
	panelGap            = 34
	laneHeight          = 13
)

// draw is the plot: a panel for each kind of thing, and below a lane for each fault.
func (r *record) draw(b *bench) string {
	end := time.Second
	if len(r.samples) > 0 {
		end = max(end, r.last().at)
	}
	for _, m := range b.marks {
		end = max(end, m.to)
	}
	var lanes []string
	for name := range b.count {
		lanes = append(lanes, name)
	}
	sort.Strings(lanes)
	top := 40
	lanesTop := top + len(panels)*(panelHeight+panelGap)
	height := lanesTop + len(lanes)*laneHeight + 40
	x := func(at time.Duration) float64 {
		return plotLeft + 110 + float64(plotWidth-110)*at.Seconds()/end.Seconds()
	}

	var s strings.Builder
	fmt.Fprintf(&s, `<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" font-family="sans-serif" font-size="11">`+"\n",
		plotLeft+plotWidth+plotRight, height)
	fmt.Fprintf(&s, `<rect width="100%%" height="100%%" fill="white"/><text x="%d" y="22" font-size="15">Envgate soak, %s, seed %d: %d faults, %d kills, %d stops</text>`+"\n",
		plotLeft, end.Round(time.Second), b.o.seed, total(b.count), len(b.Kills), len(b.Absent))
	for i, p := range panels {
		r.panel(&s, p, x, end, top+i*(panelHeight+panelGap))
	}
	for i, name := range lanes {
		y := lanesTop + i*laneHeight
		fmt.Fprintf(&s, `<text x="%d" y="%d" text-anchor="end" font-size="10">%s</text>`, plotLeft+104, y+10, name)
		for _, m := range b.marks {
			if m.name == name {
				fmt.Fprintf(&s, `<rect x="%.1f" y="%d" width="%.1f" height="%d" fill="#777"/>`, x(m.from), y+2, max(1.5, x(m.to)-x(m.from)), laneHeight-4)
			}
		}
		s.WriteString("\n")
	}
	s.WriteString("</svg>\n")
	return s.String()
}

func total(count map[string]int) (n int) {
	for _, k := range count {
		n += k
	}
	return n
}

// panel draws some gauges over time. A line breaks where a life of the agent ends.
func (r *record) panel(s *strings.Builder, gauges []gauge, x func(time.Duration) float64, end time.Duration, top int) {
	most := 1.0
	for _, g := range gauges {
		for _, p := range r.samples {
			if v := g.of(p); v > most {
				most = v
			}
		}
	}
	step := niceStep(most / 4)
	most = math.Ceil(most/step) * step
	y := func(v float64) float64 { return float64(top+panelHeight) - float64(panelHeight)*v/most }
	for v := 0.0; v <= most+step/2; v += step {
		fmt.Fprintf(s, `<line x1="%.0f" x2="%.0f" y1="%.1f" y2="%.1f" stroke="#ddd"/><text x="%.0f" y="%.1f" text-anchor="end">%g</text>`+"\n",
			x(0), x(end), y(v), y(v), x(0)-5, y(v)+4, v)
	}
	for at, every := time.Duration(0), niceTime(end/10); at <= end; at += every {
		fmt.Fprintf(s, `<line x1="%.1f" x2="%.1f" y1="%d" y2="%d" stroke="#eee"/><text x="%.1f" y="%d" text-anchor="middle" fill="#666">%g min</text>`+"\n",
			x(at), x(at), top, top+panelHeight, x(at), top+panelHeight+13, at.Minutes())
	}
	for i, g := range gauges {
		label := g.name
		if g.unit != "" {
			label += ", " + g.unit
		}
		fmt.Fprintf(s, `<text x="%d" y="%d" fill="%s">%s</text>`+"\n", 8, top+14+i*14, g.colour, label)
		var line []string
		life := -1
		flush := func() {
			if len(line) > 0 {
				fmt.Fprintf(s, `<polyline fill="none" stroke="%s" stroke-width="1.4" points="%s"/>`+"\n", g.colour, strings.Join(line, " "))
			}
			line = nil
		}
		for _, p := range r.samples {
			if p.life != life {
				flush()
				life = p.life
			}
			if v := g.of(p); !math.IsNaN(v) {
				line = append(line, fmt.Sprintf("%.1f,%.1f", x(p.at), y(v)))
			}
		}
		flush()
	}
}

// niceStep is 1, 2 or 5 times a power of ten, v at least.
func niceStep(v float64) float64 {
	power := math.Pow10(int(math.Floor(math.Log10(v))))
	for _, k := range []float64{1, 2, 5} {
		if k*power >= v {
			return k * power
		}
	}
	return 10 * power
}

func niceTime(d time.Duration) time.Duration {
	for _, m := range []float64{0.5, 1, 2, 5, 10, 15, 30} {
		if t := time.Duration(m * float64(time.Minute)); t >= d {
			return t
		}
	}
	return time.Hour
}

// What a life may grow from its second minute to its last one.
const (
	oldEnough      = 4 * time.Minute
	growAnon       = 4e6 // bytes, and
	growAnonTimes  = 1.5
	growGoroutines = 10
	growFiles      = 6
)

// growth compares in each long life of the agent its second minute with its last one,
// and the first life's with the last's.
func (r *record) growth(b *bench) error {
	var most sample
	for _, s := range r.samples {
		most.anon, most.rss = max(most.anon, s.anon), max(most.rss, s.rss)
		most.goroutines, most.descriptors, most.file = max(most.goroutines, s.goroutines), max(most.descriptors, s.descriptors), max(most.file, s.file)
	}
	fmt.Fprintf(b.out, "most: RssAnon %.1f MB, VmRSS %.1f MB, %d goroutines, %d descriptors, log %.1f MB\n",
		float64(most.anon)/1e6, float64(most.rss)/1e6, most.goroutines, most.descriptors, float64(most.file)/1e6)

	var errs []error
	var first, last *sample
	long := 0
	for life := 0; life <= r.life; life++ {
		var of []sample
		for _, s := range r.samples {
			if s.life == life {
				of = append(of, s)
			}
		}
		if len(of) == 0 || of[len(of)-1].age < oldEnough {
			continue
		}
		long++
		oldest := of[len(of)-1].age
		young := middle(of, time.Minute, 2*time.Minute)
		old := middle(of, oldest-time.Minute, oldest)
		if first == nil {
			first = &young
		}
		last = &old
		errs = append(errs, grown(fmt.Sprintf("in life %d of %s", life+1, oldest.Round(time.Second)), young, old))
	}
	if long == 0 {
		fmt.Fprintf(b.out, "growth: no life of the agent was longer than %s: nothing can be said\n", oldEnough)
		return nil
	}
	fmt.Fprintf(b.out, "growth over %d lives longer than %s: RssAnon %.1f → %.1f MB, %d → %d goroutines, %d → %d descriptors\n",
		long, oldEnough, float64(first.anon)/1e6, float64(last.anon)/1e6, first.goroutines, last.goroutines, first.descriptors, last.descriptors)
	return errors.Join(append(errs, grown("from the first life to the last", *first, *last))...)
}

// middle is the median of each gauge between two ages.
func middle(of []sample, from, to time.Duration) sample {
	pick := func(f func(sample) int64) int64 {
		var all []int64
		for _, s := range of {
			if s.age >= from && s.age <= to {
				all = append(all, f(s))
			}
		}
		if len(all) == 0 {
			return 0
		}
		slices.Sort(all)
		return all[len(all)/2]
	}
	return sample{
		anon:        pick(func(s sample) int64 { return s.anon }),
		goroutines:  int(pick(func(s sample) int64 { return int64(s.goroutines) })),
		descriptors: int(pick(func(s sample) int64 { return int64(s.descriptors) })),
	}
}

// grown is an error where something grew.
func grown(when string, from, to sample) error {
	switch {
	case float64(to.anon) > growAnonTimes*float64(from.anon) && to.anon-from.anon > growAnon:
		return fmt.Errorf("memory grew %s: RssAnon from %d to %d bytes", when, from.anon, to.anon)
	case from.goroutines > 0 && to.goroutines > from.goroutines+growGoroutines:
		return fmt.Errorf("goroutines grew %s: from %d to %d", when, from.goroutines, to.goroutines)
	case to.descriptors > from.descriptors+growFiles:
		return fmt.Errorf("descriptors grew %s: from %d to %d", when, from.descriptors, to.descriptors)
	}
	return nil
}
