package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"time"

	"envgate/drivers"
	"envgate/drivers/modbus"
	"envgate/envelope"
)

// lineRunner asks the instruments of one line, in turn, each at ticks that are whole
// multiples of its interval in wall time. It depends on nothing but its line
// (promise P1) and hands what it has to the inbox, which never makes it wait.
type lineRunner struct {
	name    string
	bus     drivers.Bus
	devices []*pollee
	window  time.Duration // late window of the line
	in      *inbox
	logger  *slog.Logger

	down      error // why the line itself does not work; nil while it does
	downSince time.Time
}

// pollee is a device in the schedule of its line.
type pollee struct {
	*drivers.Device
	name    string
	every   time.Duration
	timeout time.Duration

	next time.Time // the next tick, on the monotonic clock

	// A unit that does not answer, or only rubbish, is asked ever more rarely, so that
	// it costs the bus under 2 % (promise P7); its ticks in between say "offline".
	silent int       // polls in a row without an answer
	since  time.Time // when it fell silent
	probe  time.Time // not asked before
}

const (
	offlineAfter = 3           // silent ticks
	probeFirst   = time.Second // then twice as long each time, up to probeMax
	lastAnswer   = 1200 * time.Millisecond
	causeBusy    = drivers.Cause("bus-busy")

	missedReadings = 2000 // that one turn says are missing
)

// probeMax is the longest time between two polls of a silent unit: one time-out with
// its late window in 50 such times is 2 % of the bus. One that babbles is asked all
// its questions.
func (p *pollee) probeMax(window time.Duration) time.Duration {
	questions := 1
	if !p.Silent() {
		questions = len(p.Plan())
	}
	return max(time.Minute, time.Duration(50*questions)*(p.timeout+window))
}

// Run asks until ctx ends. A question that is on the bus then may still be answered,
// for at most lastAnswer.
func (r *lineRunner) Run(ctx context.Context) error {
	asking, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	defer context.AfterFunc(ctx, func() { time.AfterFunc(lastAnswer, cancel) })()
	now := time.Now()
	for _, p := range r.devices {
		p.next = now.Add(untilTick(now, p.every))
	}
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		p := r.earliest()
		if p == nil {
			<-ctx.Done()
			return nil
		}
		timer.Reset(min(max(0, time.Until(p.next)), time.Second))
		select {
		case <-ctx.Done():
			return nil
		case <-timer.C:
		}
		if time.Until(p.next) > 0 {
			continue
		}
		r.turn(asking, p)
	}
}

// earliest is the device whose tick comes first.
func (r *lineRunner) earliest() *pollee {
	var first *pollee
	for _, p := range r.devices {
		if first == nil || p.next.Before(first.next) {
			first = p
		}
	}
	return first
}

// untilTick is how long it is from now to the next whole multiple of every in wall
// time, counted from midnight at +08:00. A clock that is set moves the ticks by less
// than one interval, never more.
func untilTick(now time.Time, every time.Duration) time.Duration {
	y, m, d := now.In(siteZone).Date()
	into := now.Sub(time.Date(y, m, d, 0, 0, 0, 0, siteZone).Round(0))
	if into < 0 {
		into = 0
	}
	return every - into%every
}

// turn is one tick of one device.
func (r *lineRunner) turn(ctx context.Context, p *pollee) {
	tick := p.next
	now := time.Now()
	// Ticks that went by while the bus was busy are missing values with a reason, but
	// not so many that they push other readings out of the inbox.
	missed := now.Sub(tick) / p.every
	said := min(missed, time.Duration(max(10, missedReadings/max(1, len(p.Points())))))
	if missed > said {
		r.say(envelope.EventLost, p.name, "", fmt.Sprintf("%d ticks", missed-said), string(causeBusy))
	}
	for ; said > 0; said-- {
		r.in.add(p.every, p.Missing(now.Add(-said*p.every), causeBusy)...)
	}
	p.next = now.Add(untilTick(now, p.every))

	if p.silent >= offlineAfter && now.Before(p.probe) {
		r.in.add(p.every, p.Missing(now, drivers.CauseOffline)...)
		return
	}
	samples, err := p.Poll(ctx, r.bus, time.Now)
	if ctx.Err() != nil && err != nil {
		return // broken off by the stop: no fact about the instrument
	}
	r.in.add(p.every, samples...)
	r.judge(p, samples, err)
}

// judge takes the outcome of a poll into the state of line and device, and says a
// change once.
func (r *lineRunner) judge(p *pollee, samples []drivers.Sample, err error) {
	now := time.Now()
	if lineFault(err) {
		if r.down == nil {
			r.down, r.downSince = err, now
			r.logger.Error("line down", "line", r.name, "err", err, "hint", hintFor(err))
			r.say(envelope.EventLineDown, r.name, "up", "down", err.Error())
		}
		return // the device is not to blame
	}
	if r.down != nil {
		after := now.Sub(r.downSince).Round(time.Second)
		r.logger.Info("line up", "line", r.name, "after", after)
		r.say(envelope.EventLineUp, r.name, "down", "up", fmt.Sprintf("after %s", after))
		r.down = nil
	}
	if err == nil || !p.Silent() && !rubbish(samples, err) {
		if p.silent >= offlineAfter {
			after := now.Sub(p.since).Round(time.Second)
			r.logger.Info("device answers again", "line", r.name, "device", p.name, "after", after)
			r.say(envelope.EventDeviceOnline, p.name, "offline", "online", fmt.Sprintf("after %s", after))
		}
		p.silent = 0
		return
	}
	if p.silent++; p.silent == 1 {
		p.since = now
	}
	if p.silent < offlineAfter {
		return
	}
	if p.silent == offlineAfter {
		r.logger.Warn("device offline", "line", r.name, "device", p.name, "err", err, "hint", hintFor(err))
		r.say(envelope.EventDeviceOffline, p.name, "online", "offline", err.Error())
	}
	wait := p.probeMax(r.window)
	if n := p.silent - offlineAfter; n < 12 {
		wait = min(wait, probeFirst<<n)
	}
	p.probe = now.Add(wait)
}

func (r *lineRunner) say(kind, subject, before, after, why string) {
	r.in.event(envelope.Event{
		Type: kind, At: time.Now().UnixMilli(), Subject: subject, Old: before, New: after, Why: why,
	})
}

// rubbish says whether a poll brought damaged answers and nothing else.
func rubbish(samples []drivers.Sample, err error) bool {
	for _, s := range samples {
		for _, x := range s.Readings {
			if x.Value != "" {
				return false
			}
		}
	}
	return errors.Is(err, modbus.ErrCRC) || errors.Is(err, modbus.ErrAnswer)
}

// lineFault says whether an error is of the bus and not of the unit asked.
func lineFault(err error) bool {
	for _, e := range []error{
		modbus.ErrPortMissing, modbus.ErrPortTaken, modbus.ErrPortStuck, modbus.ErrUnreachable, fs.ErrPermission,
	} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}
