package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"envgate/drivers"
	"envgate/drivers/modbus"
	"envgate/envelope"
)

// fakeBus answers after a while, or stays silent for the whole time-out.
type fakeBus struct {
	mu     sync.Mutex
	silent map[byte]bool
	babble map[byte]bool // answers that are damaged, for as long as a time-out
	down   error
	asked  map[byte][]time.Time
	busy   time.Duration // spent on silent units
	answer time.Duration
}

func (b *fakeBus) Read(ctx context.Context, r modbus.Read) ([]byte, error) {
	b.mu.Lock()
	if b.asked == nil {
		b.asked = map[byte][]time.Time{}
	}
	b.asked[r.Unit] = append(b.asked[r.Unit], time.Now())
	silent, babble, down := b.silent[r.Unit], b.babble[r.Unit], b.down
	b.mu.Unlock()
	if down != nil {
		return nil, down
	}
	wait := b.answer
	if silent || babble {
		wait = r.Timeout + 500*time.Millisecond
	}
	select {
	case <-time.After(wait):
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if silent || babble {
		b.mu.Lock()
		b.busy += wait
		b.mu.Unlock()
		if babble {
			return nil, fmt.Errorf("unit %d: %w", r.Unit, modbus.ErrCRC)
		}
		return nil, fmt.Errorf("unit %d: %w", r.Unit, modbus.ErrNoAnswer)
	}
	return make([]byte, 2*r.Quantity), nil
}

func testDevice(t *testing.T, name string, unit byte, every time.Duration) *pollee {
	t.Helper()
	tmpl, err := drivers.NewTemplate(name, []drivers.PointSpec{{Point: "LA", Function: "3", Address: "0", Type: "uint16", Unit: "dB"}})
	if err != nil {
		t.Fatal(err)
	}
	d, err := drivers.NewDevice(drivers.DeviceOptions{Name: name, Unit: unit, Template: tmpl, Timeout: 500 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	return &pollee{Device: d, name: name, task: task{every: every, price: time.Second}}
}

func runLine(t *testing.T, bus drivers.Bus, forTime time.Duration, devices ...*pollee) *inbox {
	t.Helper()
	in := newInbox()
	r := &lineRunner{name: "bus", bus: bus, in: in, logger: slog.New(slog.DiscardHandler), devices: devices}
	ctx, cancel := context.WithTimeout(t.Context(), forTime)
	defer cancel()
	if err := r.Run(ctx); err != nil {
		t.Fatal(err)
	}
	return in
}

func TestTicksAreAligned(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(1234 * time.Millisecond)
		bus := &fakeBus{answer: 20 * time.Millisecond}
		runLine(t, bus, time.Minute, testDevice(t, "a", 1, 5*time.Second), testDevice(t, "b", 2, time.Second))
		for unit, every := range map[byte]time.Duration{1: 5 * time.Second, 2: time.Second} {
			for _, at := range bus.asked[unit] {
				if off := at.Sub(at.Truncate(every)); off > 20*time.Millisecond {
					t.Errorf("unit %d was asked %s after its tick", unit, off)
				}
			}
			if n, want := len(bus.asked[unit]), int(time.Minute/every); n < want-1 || n > want+1 {
				t.Errorf("unit %d was asked %d times in a minute, want %d", unit, n, want)
			}
		}
	})
}

// A unit that is silent for an hour costs under 2 % of the bus, and every one of its
// ticks is a missing value that says why.
func TestSilentUnitCostsLittle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		bus := &fakeBus{answer: 20 * time.Millisecond, silent: map[byte]bool{1: true}}
		in := runLine(t, bus, time.Hour, testDevice(t, "dead", 1, time.Second), testDevice(t, "well", 2, time.Second))
		if share := bus.busy.Seconds() / 3600; share > 0.02 {
			t.Errorf("the silent unit had %.1f %% of the bus, at most 2 %%", 100*share)
		}
		samples, _ := in.takeSamples()
		dead, well := 0, 0
		for _, s := range samples {
			switch r := s.Readings[0]; s.Device {
			case "dead":
				dead++
				if r.Value != "" || r.Flag != "B" || r.Cause == "" {
					t.Fatalf("dead unit gave %+v", r)
				}
			case "well":
				if r.Flag == "N" {
					well++
				}
			}
		}
		if dead < 3500 || well < 3400 {
			t.Errorf("%d missing values of the dead unit and %d good ones of the other in 3600 s", dead, well)
		}
	})
}

func TestSilentUnitComesBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		bus := &fakeBus{answer: 20 * time.Millisecond, silent: map[byte]bool{1: true}}
		go func() {
			time.Sleep(10 * time.Minute)
			bus.mu.Lock()
			bus.silent = nil
			bus.mu.Unlock()
		}()
		in := runLine(t, bus, 13*time.Minute, testDevice(t, "a", 1, time.Second))
		events, _ := in.takeEvents()
		if len(events) != 2 || events[0].Type != "device.offline" || events[1].Type != "device.online" {
			t.Fatalf("events %+v, want offline and online, once each", events)
		}
		if back := events[1].At - events[0].At; back > (11*time.Minute + 5*time.Second).Milliseconds() {
			t.Errorf("back %d ms after it fell silent: one probe is at most a minute apart", back)
		}
	})
}

func TestLineDownIsSaidOnceAndBlamesNoDevice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		bus := &fakeBus{down: fmt.Errorf("open /dev/x: %w", modbus.ErrPortMissing)}
		in := runLine(t, bus, time.Minute, testDevice(t, "a", 1, time.Second), testDevice(t, "b", 2, time.Second))
		events, _ := in.takeEvents()
		if len(events) != 1 || events[0].Type != "line.down" {
			t.Errorf("events %+v, want line.down alone", events)
		}
		samples, _ := in.takeSamples()
		for _, s := range samples {
			if s.Readings[0].Flag == "N" {
				t.Fatalf("a good value from a line that is down: %+v", s)
			}
		}
	})
}

// A slow unit makes another one's ticks late; what was not asked is said.
func TestMissedTicksAreSaid(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		bus := &fakeBus{answer: 700 * time.Millisecond}
		in := runLine(t, bus, time.Minute, testDevice(t, "a", 1, 500*time.Millisecond))
		samples, _ := in.takeSamples()
		busy := 0
		for _, s := range samples {
			if s.Readings[0].Cause == causeBusy {
				busy++
			}
		}
		if busy == 0 || len(samples) < 110 {
			t.Errorf("%d samples, %d of them missed ticks: want about 120 together", len(samples), busy)
		}
	})
}

func TestUntilTick(t *testing.T) {
	for _, c := range []struct {
		at    string
		every time.Duration
		want  time.Duration
	}{
		{"10:00:00", 5 * time.Second, 5 * time.Second},
		{"10:00:01", 5 * time.Second, 4 * time.Second},
		{"23:59:59", time.Hour, time.Second},
		{"00:00:00.1", 200 * time.Millisecond, 100 * time.Millisecond},
	} {
		at, err := time.ParseInLocation("2006-01-02 15:04:05", "2026-11-23 "+c.at, siteZone)
		if err != nil {
			t.Fatal(err)
		}
		if got := untilTick(at, c.every); got != c.want {
			t.Errorf("untilTick(%s, %s) = %s, want %s", c.at, c.every, got, c.want)
		}
	}
}

func TestLineFault(t *testing.T) {
	if lineFault(modbus.ErrNoAnswer) || lineFault(nil) || lineFault(errors.New("x")) {
		t.Error("a unit's fault is taken for the line's")
	}
	if !lineFault(fmt.Errorf("a: %w", modbus.ErrUnreachable)) {
		t.Error("an unreachable endpoint is no line fault")
	}
}

// While one unit holds the bus for long, all missed ticks of another are said: as
// missing values, and what is too much for that as an event with its number.
func TestLongWaitsAreSaid(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		in := newInbox()
		p := testDevice(t, "quick", 1, 200*time.Millisecond)
		r := &lineRunner{name: "bus", bus: &fakeBus{answer: time.Millisecond}, in: in, logger: slog.New(slog.DiscardHandler)}
		for _, c := range []struct {
			held           time.Duration
			samples, event int
		}{{20 * time.Second, 101, 0}, {10 * time.Minute, 2001, 1}} {
			p.line, p.next = &lineState{base: time.Now()}, time.Now()
			time.Sleep(c.held)
			r.turn(t.Context(), p)
			samples, _ := in.takeSamples()
			events, _ := in.takeEvents()
			if len(samples) != c.samples || len(events) != c.event {
				t.Errorf("after %s: %d samples and %d events, want %d and %d", c.held, len(samples), len(events), c.samples, c.event)
			}
			if c.event > 0 && (events[0].Type != envelope.EventLost || events[0].New != "1000 ticks" || events[0].Subject != "quick") {
				t.Errorf("event %+v, want one that 1000 ticks of quick are not said", events[0])
			}
			for i := 1; i < len(samples); i++ {
				if d := samples[i].Time.Sub(samples[i-1].Time); d != 200*time.Millisecond {
					t.Fatalf("sample %d is %s after the one before, want 200ms", i, d)
				}
			}
		}
	})
}

// A question that is on the bus when the stop comes may be answered for a while, and
// one that is not answered then is no fact about the instrument.
func TestStopLetsTheLastQuestionEnd(t *testing.T) {
	for _, c := range []struct {
		answer time.Duration
		want   int
	}{{time.Second, 1}, {5 * time.Second, 0}} {
		synctest.Test(t, func(t *testing.T) {
			began := time.Now()
			in := runLine(t, &fakeBus{answer: c.answer}, 1100*time.Millisecond, testDevice(t, "a", 1, time.Second))
			if samples, _ := in.takeSamples(); len(samples) != c.want {
				t.Errorf("answer after %s: %d samples, want %d", c.answer, len(samples), c.want)
			}
			if took := time.Since(began); took > 1100*time.Millisecond+lastAnswer {
				t.Errorf("answer after %s: Run ended after %s", c.answer, took)
			}
			time.Sleep(10 * time.Second) // the timer of the stop ends too
		})
	}
}

// A unit that babbles costs as little, with all its questions, and is back with its
// first good answer.
func TestBabblingUnitCostsLittle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tmpl, err := drivers.NewTemplate("mad", []drivers.PointSpec{
			{Point: "LA", Function: "3", Address: "0", Type: "uint16", Unit: "dB"},
			{Point: "LB", Function: "3", Address: "1000", Type: "uint16", Unit: "dB"},
			{Point: "LC", Function: "4", Address: "0", Type: "uint16", Unit: "dB"},
		})
		if err != nil {
			t.Fatal(err)
		}
		mad := testDevice(t, "mad", 1, 10*time.Second)
		if mad.Device, err = drivers.NewDevice(drivers.DeviceOptions{Name: "mad", Unit: 1, Template: tmpl, Timeout: 500 * time.Millisecond}); err != nil {
			t.Fatal(err)
		}
		bus := &fakeBus{answer: 20 * time.Millisecond, babble: map[byte]bool{1: true}}
		go func() {
			time.Sleep(24 * time.Hour)
			bus.mu.Lock()
			bus.babble = nil
			bus.mu.Unlock()
		}()
		in := runLine(t, bus, 24*time.Hour+4*time.Minute, mad, testDevice(t, "well", 2, time.Minute))
		if share := bus.busy.Seconds() / (24 * 3600); share > 0.02 {
			t.Errorf("the babbling unit had %.1f %% of the bus, at most 2 %%", 100*share)
		}
		if events, _ := in.takeEvents(); len(events) != 2 || events[0].Type != "device.offline" || events[1].Type != "device.online" {
			t.Errorf("events %+v, want offline and online, once each", events)
		}
	})
}

// A unit with many questions makes an alarm wait for one of them, and one with a shorter
// interval too; the samples say when each question really went out.
func TestUrgentGoesBetweenQuestions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var specs []drivers.PointSpec
		for i := range 20 {
			specs = append(specs, drivers.PointSpec{
				Point: fmt.Sprintf("p%d", i), Function: "3", Address: drivers.Number(fmt.Sprint(1000 * i)), Type: "uint16", Unit: "1",
			})
		}
		tmpl, err := drivers.NewTemplate("long", specs)
		if err != nil {
			t.Fatal(err)
		}
		long, alarm := testDevice(t, "long", 1, 10*time.Second), testDevice(t, "alarm", 2, time.Second)
		quick, idle := testDevice(t, "quick", 3, time.Second), testDevice(t, "idle", 4, time.Minute)
		if long.Device, err = drivers.NewDevice(drivers.DeviceOptions{Name: "long", Unit: 1, Template: tmpl, Timeout: 500 * time.Millisecond}); err != nil {
			t.Fatal(err)
		}
		alarm.alarm = true
		const each = 100 * time.Millisecond
		bus := &fakeBus{answer: each}
		in := runLine(t, bus, 5*time.Minute, long, quick, alarm, idle)
		for unit, late := range map[byte]time.Duration{2: each, 3: 2 * each} {
			for _, at := range bus.asked[unit] {
				if off := at.Sub(at.Truncate(time.Second)); off > late {
					t.Errorf("unit %d was asked %s after its tick, at most %s", unit, off, late)
				}
			}
			if n := len(bus.asked[unit]); n < 298 {
				t.Errorf("unit %d was asked %d times in 300 s", unit, n)
			}
		}
		samples, _ := in.takeSamples()
		asked := map[time.Time]bool{}
		for _, at := range bus.asked[1] {
			asked[at] = true
		}
		n := 0
		for _, s := range samples {
			if s.Device == "long" {
				n++
				if !asked[s.Time] {
					t.Fatalf("a sample of long says %s, when it was not asked", s.Time)
				}
			}
		}
		if n < 29*20 {
			t.Errorf("%d samples of long of %d questions", n, len(bus.asked[1]))
		}
	})
}
