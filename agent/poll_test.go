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
)

// fakeBus answers after a while, or stays silent for the whole time-out.
type fakeBus struct {
	mu     sync.Mutex
	silent map[byte]bool
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
	silent, down := b.silent[r.Unit], b.down
	b.mu.Unlock()
	if down != nil {
		return nil, down
	}
	wait := b.answer
	if silent {
		wait = r.Timeout + 500*time.Millisecond
	}
	select {
	case <-time.After(wait):
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if silent {
		b.mu.Lock()
		b.busy += wait
		b.mu.Unlock()
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
	return &pollee{Device: d, name: name, every: every, timeout: 500 * time.Millisecond}
}

func runLine(t *testing.T, bus *fakeBus, forTime time.Duration, devices ...*pollee) *inbox {
	t.Helper()
	in := newInbox()
	r := &lineRunner{name: "bus", bus: bus, window: 500 * time.Millisecond, in: in, logger: slog.New(slog.DiscardHandler), devices: devices}
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
