package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"envgate/tests/sim"
)

// How a bus of 32 units is used: bytes go at the speed of its wire, at ten bits each, and
// each unit takes some time to think. All is counted on the far side of the wire.
const (
	busUnits     = 32
	busRegisters = 40
	busThink     = 2 * time.Millisecond
)

// exchangeTime is the least time that a question for registers takes on the wire: its
// bytes and the answer's, the silence after each, and the unit's thinking.
func exchangeTime(baud, registers int) time.Duration {
	char := 10 * time.Second / time.Duration(baud)
	silence := 7 * char / 2
	if baud >= 19200 {
		silence = 1750 * time.Microsecond
	}
	return time.Duration(8+5+2*registers)*char + 2*silence + busThink
}

// steady is a channel that does not move.
func steady(point string, address uint16, value float64, digits int) sim.Channel {
	return sim.Channel{
		Point: point, Function: 3, Address: address, Kind: sim.U16, Digits: digits,
		Level: func(time.Time) float64 { return value },
	}
}

// busWorld is a world with units on a serial bus, asked for 40 registers each in one
// question.
func busWorld(baud int, every time.Duration) (w *world, units []*sim.Unit, err error) {
	if w, err = emptyWorld(); err != nil {
		return nil, nil, err
	}
	path := filepath.Join(w.dir, "tty")
	if w.bus, err = sim.OpenBus(sim.BusOptions{Name: path, Baud: baud, Think: busThink}); err != nil {
		return nil, nil, err
	}
	var lines strings.Builder
	fmt.Fprintf(&lines, "  - name: bus\n    serial: {port: %s, baud: %d, parity: none, stop_bits: 1}\n    devices:\n", path, baud)
	for u := 1; u <= busUnits; u++ {
		in := sim.New(fmt.Sprintf("unit%d", u), steady("n", 0, 1000, 3), steady("last", busRegisters-1, 7, 0))
		w.units = append(w.units, in)
		units = append(units, w.bus.Attach(byte(u), in))
		fmt.Fprintf(&lines, "      - name: unit%d\n        unit: %d\n        interval: %s\n        registers:\n"+
			"          - {point: all, address: 0, type: string, length: %d}\n", u, u, every, busRegisters)
	}
	return w, units, w.files(lines.String())
}

func sent(units []*sim.Instrument) (n uint64) {
	for _, u := range units {
		n += u.Sent()
	}
	return n
}

// wire measures how much of a bus's time is used when there is always something to ask,
// and how even the polls are when there is not.
func wire(r *report, span time.Duration) error {
	r.section(fmt.Sprintf("serial bus: %d units × %d registers, think %s, always something due", busUnits, busRegisters, busThink))
	for _, baud := range []int{9600, 19200, 115200} {
		err := func() error {
			w, _, err := busWorld(baud, 200*time.Millisecond)
			if err != nil {
				return err
			}
			defer w.close()
			if err := w.startAgent(); err != nil {
				return err
			}
			time.Sleep(warmUp / 3)
			before, start := sent(w.units), time.Now()
			time.Sleep(span / 3)
			n := sent(w.units) - before
			r.least(fmt.Sprintf("use of the wire at %d baud", baud),
				100*float64(n)*exchangeTime(baud, busRegisters).Seconds()/time.Since(start).Seconds(), 95, "%")
			return nil
		}()
		if err != nil {
			return err
		}
	}

	const every = time.Second
	r.section(fmt.Sprintf("serial bus at 115200 baud, each unit each %s", every))
	w, units, err := busWorld(115200, every)
	if err != nil {
		return err
	}
	defer w.close()
	if err := w.startAgent(); err != nil {
		return err
	}
	time.Sleep(warmUp)
	from := time.Now()
	time.Sleep(span)
	off := jitter(w.units, from, every)
	if len(off) == 0 {
		return fmt.Errorf("nothing was asked: see %s", w.dir)
	}
	r.row("jitter, p50", off[len(off)/2], 0, "ms")
	r.row("jitter, p95", off[len(off)*95/100], 50, "ms")
	r.row("jitter, most", off[len(off)-1], 0, "ms")

	// The first silent polls tell that the units are gone; what follows is the long run.
	for _, u := range []int{7, 20} {
		units[u].SetFault(sim.Fault{Silent: true})
	}
	healthy := slices.Concat(w.units[:7], w.units[8:20], w.units[21:])
	before, start := sent(healthy), time.Now()
	time.Sleep(span / 4)
	first := share(sent(healthy)-before, len(healthy), time.Since(start), every)
	before, start = sent(healthy), time.Now()
	time.Sleep(2 * span)
	r.row("2 of 32 fall silent: others' readings, at first", first, 0, "%")
	r.least("2 of 32 silent: the others' readings", share(sent(healthy)-before, len(healthy), time.Since(start), every), 98, "%")
	return nil
}

// share is how many of the readings due were had, in percent.
func share(n uint64, units int, d, every time.Duration) float64 {
	return min(100, 100*float64(n)/(float64(units)*d.Seconds()/every.Seconds()))
}

// jitter is how far off the interval the times between two polls of each unit were, in
// milliseconds, sorted.
func jitter(units []*sim.Instrument, from time.Time, every time.Duration) (off []float64) {
	for _, u := range units {
		var last time.Time
		for _, e := range u.Journal("n") {
			if e.Asked.Before(from) {
				continue
			}
			if !last.IsZero() {
				off = append(off, math.Abs((e.Asked.Sub(last)-every).Seconds())*1000)
			}
			last = e.Asked
		}
	}
	slices.Sort(off)
	return off
}

// faults measures what late answers do: 4 of 32 units are late with every fourth one, so
// late that the time-out has passed and the late window has not. Each unit has two blocks
// of the same length, and each register has a value of its own, so that an answer taken
// for another one shows at the data centre.
//
// No master can tell an answer that comes after the window. On a machine with much else to
// do the simulator hears questions 80 ms late and speaks 100 ms late, so the window
// is far longer than the lateness asked for: it costs nothing, as the line goes on when the
// late answer is in. How late the latest one was is printed, and is over its budget where
// the simulator broke the promise that the agent is measured by.
func faults(r *report, span time.Duration) error {
	for _, converter := range []bool{false, true} {
		if err := lateAnswers(r, span, converter); err != nil {
			return err
		}
	}
	return nil
}

const (
	lateBlock   = 20 // registers
	lateBy      = 220 * time.Millisecond
	lateTimeout = 150 * time.Millisecond
	lateWindow  = 850 * time.Millisecond
)

func lateAnswers(r *report, span time.Duration, converter bool) error {
	const every = 2 * time.Second
	w, err := emptyWorld()
	if err != nil {
		return err
	}
	defer w.close()
	var where string
	var attach func(byte, *sim.Instrument) *sim.Unit
	if converter {
		r.section("converter (RTU over TCP): 4 of 32 units late with every fourth answer")
		if w.server, err = sim.Listen(sim.ServerOptions{RTU: true, Baud: 115200, Think: busThink}); err != nil {
			return err
		}
		where, attach = "url: "+w.server.URL(), w.server.Attach
	} else {
		r.section("serial bus: 4 of 32 units late with every fourth answer")
		path := filepath.Join(w.dir, "tty")
		if w.bus, err = sim.OpenBus(sim.BusOptions{Name: path, Baud: 115200, Think: busThink}); err != nil {
			return err
		}
		where, attach = fmt.Sprintf("serial: {port: %s, baud: 115200, parity: none, stop_bits: 1}", path), w.bus.Attach
	}
	var lines strings.Builder
	fmt.Fprintf(&lines, "  - name: bus\n    %s\n    timeout: %s\n    late_window: %s\n    devices:\n", where, lateTimeout, lateWindow)
	right := map[string]string{} // by device and point
	var units []*sim.Unit
	for u := 1; u <= busUnits; u++ {
		name := fmt.Sprintf("unit%d", u)
		var channels []sim.Channel
		fmt.Fprintf(&lines, "      - name: %s\n        unit: %d\n        interval: %s\n        registers:\n", name, u, every)
		for i := range 2 * lateBlock {
			address := i + i/lateBlock*(100-lateBlock)
			value := 256*u + address
			point := fmt.Sprintf("p%d", address)
			channels = append(channels, steady(point, uint16(address), float64(value), 0))
			right[name+" "+point] = fmt.Sprint(value)
			fmt.Fprintf(&lines, "          - {point: %s, address: %d, type: uint16, unit: \"1\"}\n", point, address)
		}
		in := sim.New(name, channels...)
		w.units = append(w.units, in)
		unit := attach(byte(u), in)
		units = append(units, unit)
		if u%8 == 0 {
			unit.SetFault(sim.Fault{Late: lateBy, Every: 4})
		}
	}
	if err := w.files(lines.String()); err != nil {
		return err
	}
	if err := w.broker.start(); err != nil {
		return err
	}
	if err := w.startCentre(); err != nil {
		return err
	}
	time.Sleep(time.Second)
	if err := w.startAgent(); err != nil {
		return err
	}
	time.Sleep(span)
	w.stopAgent()
	time.Sleep(2 * time.Second)

	var late, inTime int
	for _, u := range w.units {
		for outcome, n := range u.Counts() {
			if outcome == sim.Late {
				late += int(n)
			} else {
				inTime += int(n)
			}
		}
	}
	out, err := exec.Command("bin/centre", "export", "--ndjson", filepath.Join(w.dir, "centre.db")).Output()
	if err != nil {
		return fmt.Errorf("centre export: %w", err)
	}
	var good, wrong, down int
	for line := range bytes.Lines(out) {
		var row struct {
			Stream, Source, Point, Type string
			Value                       *string
		}
		if err := json.Unmarshal(line, &row); err != nil {
			return err
		}
		device, _, _ := strings.Cut(row.Source, "/")
		switch {
		case row.Type == "line.down":
			down++
		case row.Stream != "live" || row.Value == nil || *row.Value == "":
		case *row.Value == right[device+" "+row.Point]:
			good++
		default:
			wrong++
		}
	}
	if good == 0 || late == 0 {
		return fmt.Errorf("%d good values and %d late answers: nothing was measured", good, late)
	}
	var latest time.Duration
	for _, u := range units {
		latest = max(latest, u.Latest())
	}
	r.row("answers that came late", float64(late), 0, "")
	r.row("the latest, after its question", float64(latest.Milliseconds()), float64((lateTimeout + lateWindow).Milliseconds()), "ms")
	r.row("values at the data centre", float64(good), 0, "")
	r.none("values under a wrong point", wrong)
	r.least("values of answers in time", 100*float64(good)/float64(lateBlock*inTime), 99.9, "%")
	if converter {
		down = int(w.server.Connections()) - 1
	}
	r.none("reconnects", down)
	return nil
}
