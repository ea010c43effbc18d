package main

import (
	"context"
	"encoding/binary"
	"fmt"
	"log/slog"
	"math"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"envgate/drivers"
	"envgate/drivers/modbus"
	"envgate/envelope"
)

// settingsBus is a bus with instruments whose registers can be set, unit by unit.
type settingsBus struct {
	fakeBus
	words map[byte]map[uint16]uint16 // guarded by mu
	about []time.Time                // when it was asked what is set; guarded by mu
	clock time.Duration              // what their clocks are off; guarded by mu
}

const (
	spanAt  = 100
	clockAt = 200
	farAt   = 300
)

func (b *settingsBus) set(unit byte, address uint16, v uint16) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.words == nil {
		b.words = map[byte]map[uint16]uint16{}
	}
	if b.words[unit] == nil {
		b.words[unit] = map[uint16]uint16{}
	}
	b.words[unit][address] = v
}

func (b *settingsBus) hush(unit byte, on bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.silent == nil {
		b.silent = map[byte]bool{}
	}
	b.silent[unit] = on
}

func (b *settingsBus) Read(ctx context.Context, r modbus.Read) ([]byte, error) {
	if r.Address >= spanAt {
		b.mu.Lock()
		b.about = append(b.about, time.Now())
		b.mu.Unlock()
	}
	if _, err := b.fakeBus.Read(ctx, r); err != nil {
		return nil, err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	var out []byte
	unix := uint32(time.Now().Add(b.clock).Unix())
	for i := range r.Quantity {
		v := b.words[r.Unit][r.Address+i]
		switch r.Address + i {
		case clockAt:
			v = uint16(unix >> 16)
		case clockAt + 1:
			v = uint16(unix)
		}
		out = binary.BigEndian.AppendUint16(out, v)
	}
	return out, nil
}

// settingsDevice has a reading, and three questions of settings: a span, a clock, a slope.
func settingsDevice(t *testing.T, name string, unit byte, every time.Duration, more ...string) *pollee {
	t.Helper()
	tmpl, err := drivers.ParseTemplate("x", []byte(`name: x
title: {zh: 甲, en: A}
manual: none
confidence: uncertain
gap: 0
points: [{point: a21026, address: 0, type: uint16, unit: ppb}]
parameters:
- {parameter: span, of: a21026, address: 100, type: uint16, scale: 0.1, unit: ppb}
- {parameter: slope, of: a21026, address: 300, type: float32, unit: "1"}
clock: {form: unix, address: 200}
`+strings.Join(more, "\n")))
	if err != nil {
		t.Fatal(err)
	}
	d, err := drivers.NewDevice(drivers.DeviceOptions{Name: name, Unit: unit, Template: tmpl, Timeout: 500 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	return &pollee{Device: d, name: name, task: task{every: every, price: time.Second}}
}

// runSettings runs a line for a time, while another goroutine does what meanwhile says.
func runSettings(t *testing.T, bus *settingsBus, forTime time.Duration, meanwhile func(), devices ...*pollee) *inbox {
	t.Helper()
	in := newInbox()
	r := &lineRunner{name: "bus", bus: bus, in: in, logger: slog.New(slog.DiscardHandler), devices: devices}
	ctx, cancel := context.WithTimeout(t.Context(), forTime)
	defer cancel()
	var all sync.WaitGroup
	if meanwhile != nil {
		all.Go(meanwhile)
	}
	if err := r.Run(ctx); err != nil {
		t.Fatal(err)
	}
	all.Wait()
	return in
}

// At the start, each hour, and no reading is lost by it.
func TestSettingsAreReadEachHour(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		bus := &settingsBus{fakeBus: fakeBus{answer: 20 * time.Millisecond}}
		bus.set(1, spanAt, 4000)
		began := time.Now()
		in := runSettings(t, bus, 2*time.Hour+time.Minute, nil, settingsDevice(t, "gas", 1, time.Second))
		reports := in.takeReports()
		if d := reports[0].at.Sub(began); d > 15*time.Second {
			t.Errorf("%s to the end of the first survey", d)
		}
		if len(reports) != 3 {
			t.Fatalf("%d surveys in two hours, want 3", len(reports))
		}
		for _, r := range reports {
			if s := r.settings[0]; r.device != "gas" || s.Parameter != "span" || s.Value != "400.0" || r.clock == nil || r.clock.Off.Abs() > time.Second {
				t.Errorf("survey %+v", r)
			}
		}
		if d := reports[1].at.Sub(reports[0].at); (d - time.Hour).Abs() > time.Minute {
			t.Errorf("%s from survey to survey", d)
		}
		samples, _ := in.takeSamples()
		if n := len(samples); n < 7259 {
			t.Errorf("%d readings in 7260 s", n)
		}
	})
}

// A reading waits for one question at most, also on a line that is full.
func TestSettingsDelayOneQuestion(t *testing.T) {
	for _, busy := range []int{1, 4} {
		t.Run(fmt.Sprint(busy), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				const answer = 100 * time.Millisecond
				bus := &settingsBus{fakeBus: fakeBus{answer: answer}}
				devices := []*pollee{settingsDevice(t, "gas", 1, 400*time.Millisecond)}
				for i := 1; i < busy; i++ {
					devices = append(devices, testDevice(t, fmt.Sprint("d", i), byte(1+i), 400*time.Millisecond))
				}
				in := runSettings(t, bus, 20*time.Minute, nil, devices...)
				if n := len(in.takeReports()); n != 1 {
					t.Errorf("%d surveys in 20 minutes, want 1", n)
				}
				samples, _ := in.takeSamples()
				last := map[string]time.Time{}
				for _, s := range samples {
					if was, ok := last[s.Source]; ok {
						if d := s.Time.Sub(was); d > 400*time.Millisecond+answer {
							t.Fatalf("%s waited for %s", s.Source, d)
						}
					}
					last[s.Source] = s.Time
				}
			})
		})
	}
}

// A device that never answers is asked for none of its settings; one that comes back is,
// at once, since somebody may have been at it.
func TestSettingsOfASilentDevice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		bus := &settingsBus{fakeBus: fakeBus{answer: 20 * time.Millisecond}}
		bus.hush(1, true)
		in := runSettings(t, bus, 30*time.Minute, func() {
			time.Sleep(10 * time.Minute)
			bus.hush(2, true)
			time.Sleep(10 * time.Minute)
			bus.hush(2, false)
		}, settingsDevice(t, "dead", 1, time.Second), settingsDevice(t, "gas", 2, time.Second))
		var got []string
		for _, r := range in.takeReports() {
			got = append(got, r.device)
		}
		if s := strings.Join(got, " "); s != "gas gas" {
			t.Errorf("surveys of %s, want two of gas", s)
		}
	})
}

// A survey that falls due in a silence waits for its end.
func TestSettingsWaitForTheDevice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		bus := &settingsBus{fakeBus: fakeBus{answer: 20 * time.Millisecond}}
		began := time.Now()
		in := runSettings(t, bus, 80*time.Minute, func() {
			time.Sleep(59 * time.Minute)
			bus.hush(1, true)
			time.Sleep(11 * time.Minute)
			bus.hush(1, false)
		}, settingsDevice(t, "gas", 1, 10*time.Second))
		for _, at := range bus.about {
			if after := at.Sub(began); after > 59*time.Minute && after < 70*time.Minute {
				t.Errorf("asked what is set at %s, in the silence", after)
			}
		}
		if n := len(in.takeReports()); n != 2 {
			t.Errorf("%d surveys, want 2", n)
		}
	})
}

// After a silence it may be warming up; and one that bears few questions gets few.
func TestSettingsOfADelicateDevice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		bus := &settingsBus{fakeBus: fakeBus{answer: 20 * time.Millisecond}}
		began := time.Now()
		in := runSettings(t, bus, 20*time.Minute, func() {
			time.Sleep(4 * time.Minute)
			bus.hush(1, true)
			time.Sleep(4 * time.Minute)
			bus.hush(1, false)
		}, settingsDevice(t, "gas", 1, 10*time.Second, "min_interval: 2s", "warm_up: 5m"))
		reports := in.takeReports()
		if len(reports) != 2 || reports[1].at.Sub(began) < 13*time.Minute {
			t.Errorf("surveys %v, want one at the start and one 5 minutes after the silence", reports)
		}
		for i, at := range bus.asked[1][1:] {
			if d := at.Sub(bus.asked[1][i]); d < 2*time.Second && at.Sub(began) < 4*time.Minute {
				t.Errorf("asked %s after the question before, at %s", d, at.Sub(began))
			}
		}
	})
}

// A line that was down for long has its devices surveyed again.
func TestSettingsAfterALineWasDown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		bus := &settingsBus{fakeBus: fakeBus{answer: 20 * time.Millisecond}}
		fail := func(err error) {
			bus.mu.Lock()
			defer bus.mu.Unlock()
			bus.down = err
		}
		in := runSettings(t, bus, 30*time.Minute, func() {
			for _, d := range []time.Duration{20 * time.Second, 5 * time.Minute} {
				time.Sleep(5 * time.Minute)
				fail(modbus.ErrPortMissing)
				time.Sleep(d)
				fail(nil)
			}
		}, settingsDevice(t, "gas", 1, 10*time.Second))
		if n := len(in.takeReports()); n != 2 {
			t.Errorf("%d surveys, want one at the start and one after the long fault", n)
		}
	})
}

// A line that is down is not asked; a part of a survey is no survey.
func TestSettingsOfALineThatFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		bus := &settingsBus{fakeBus: fakeBus{answer: 20 * time.Millisecond}}
		in := runSettings(t, bus, 10*time.Minute, func() {
			time.Sleep(1030 * time.Millisecond) // the first poll is over
			bus.mu.Lock()
			bus.down = modbus.ErrPortMissing
			bus.mu.Unlock()
			time.Sleep(5 * time.Minute)
			bus.mu.Lock()
			bus.down = nil
			bus.mu.Unlock()
		}, settingsDevice(t, "gas", 1, time.Second))
		reports := in.takeReports()
		if len(reports) != 1 || reports[0].settings[1].Value != "0" {
			t.Fatalf("surveys %+v, want one and whole", reports)
		}
	})
}

// The whole way: somebody changes the span while the program runs, and again while it
// does not. Each is one event with old and new value.
func TestSpanIsChanged(t *testing.T) {
	dir, key := t.TempDir(), testKey(t)
	bus := &settingsBus{fakeBus: fakeBus{answer: 20 * time.Millisecond}}
	bus.set(1, spanAt, 4000)
	slope := math.Float32bits(1.02)
	bus.set(1, farAt, uint16(slope>>16))
	bus.set(1, farAt+1, uint16(slope))
	run := func(forTime time.Duration, meanwhile func()) {
		t.Helper()
		var reports []surveyed
		synctest.Test(t, func(t *testing.T) {
			reports = runSettings(t, bus, forTime, meanwhile, settingsDevice(t, "gas", 1, time.Second)).takeReports()
		})
		f := beginFlow(t, dir, key)
		defer closeFlow(t, f)
		for _, r := range reports {
			f.in.report(r)
			f.commit(false, true)
		}
	}
	run(2*time.Hour+time.Minute, func() {
		time.Sleep(90 * time.Minute)
		bus.set(1, spanAt, 4500)
	})
	bus.set(1, spanAt, 4400)
	run(5*time.Minute, nil)
	run(5*time.Minute, nil)

	_, events := contents(t, dir, key)
	var got []string
	for _, e := range events {
		switch e.Type {
		case envelope.EventParameter:
			got = append(got, fmt.Sprintf("%s: %s to %s", e.Subject, e.Old, e.New))
		case envelope.EventParameters:
			got = append(got, fmt.Sprintf("%s %s: %s", e.Subject, e.Why, e.New))
		}
	}
	whole := func(span string) string {
		return `{"slope":{"value":"1.02","unit":"1","of":"a21026"},"span":{"value":"` + span + `","unit":"ppb","of":"a21026"}}`
	}
	want := []string{
		"gas first sight: " + whole("400.0"),
		"gas/span: 400.0 ppb to 450.0 ppb", "gas changed: " + whole("450.0"),
		"gas/span: 450.0 ppb to 440.0 ppb", "gas changed: " + whole("440.0"),
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("events\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}
