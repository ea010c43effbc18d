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

// lineRunner asks the instruments of one line by the line's schedule, each at ticks that
// are whole multiples of its interval in wall time. It depends on nothing but its line
// (promise P1) and hands what it has to the inbox, which never makes it wait.
type lineRunner struct {
	name    string
	bus     drivers.Bus
	devices []*pollee
	in      *inbox
	logger  *slog.Logger
	health  *lineHealth // may be nil

	schedule schedule
	of       map[*task]*pollee

	inquiredAt time.Time     // when a question about settings was put last
	took       time.Duration // that question, if it was answered; 0: not known

	down      error // why the line itself does not work; nil while it does
	downSince time.Time
}

// pollee is a device with its place in the schedule.
type pollee struct {
	*drivers.Device
	task
	states  stateWatch
	name    string
	inquiry inquiry
}

const (
	lastAnswer = 1200 * time.Millisecond
	causeBusy  = drivers.Cause("bus-busy")

	missedReadings = 2000 // that one turn says are missing
)

// Run asks until ctx ends. A question that is on the bus then may still be answered,
// for at most lastAnswer.
func (r *lineRunner) Run(ctx context.Context) error {
	asking, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	defer context.AfterFunc(ctx, func() { time.AfterFunc(lastAnswer, cancel) })()
	r.begin(time.Now())
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		next, ok := r.schedule.wake()
		if !ok {
			<-ctx.Done()
			return nil
		}
		timer.Reset(min(max(0, time.Until(next)), time.Second))
		select {
		case <-ctx.Done():
			return nil
		case <-timer.C:
		}
		for ctx.Err() == nil {
			t := r.schedule.most(time.Now(), nil)
			if t != nil {
				r.turn(asking, r.of[t])
			}
			if asked := r.inquire(asking, t == nil); t == nil && !asked {
				break
			}
		}
	}
}

// begin makes the schedule, with the first ticks after now.
func (r *lineRunner) begin(now time.Time) {
	r.schedule, r.of = nil, make(map[*task]*pollee)
	line := &lineState{base: now}
	for _, p := range r.devices {
		p.line, p.next = line, line.tick(now, p.every)
		p.states = watchStates(p.name, p.Points())
		r.schedule = append(r.schedule, &p.task)
		r.of[&p.task] = p
	}
}

// turn is one tick of one device. Between its questions those have their turn that are
// more urgent: a long poll makes an alarm wait for one question and not for all of them.
func (r *lineRunner) turn(ctx context.Context, p *pollee) {
	now := time.Now()
	resting := p.resting(now)
	missed := p.take(now)
	// Ticks that went by while the bus was busy are missing values with a reason, but
	// not so many that they push other readings out of the inbox.
	said := missed
	if missed > 10 {
		said = min(missed, max(10, missedReadings/max(1, len(p.Points()))))
	}
	if missed > said {
		r.say(envelope.EventLost, p.name, "", fmt.Sprintf("%d ticks", missed-said), string(causeBusy))
	}
	for ; said > 0; said-- {
		r.in.add(p.every, p.Missing(now.Add(-time.Duration(said)*p.every), causeBusy)...)
	}
	if resting {
		samples := p.Missing(now, drivers.CauseOffline)
		r.in.add(p.every, samples...)
		p.states.see(samples, r.in.event)
		return
	}
	p.running = true
	samples, err := p.Poll(ctx, r.bus, func() time.Time {
		for ctx.Err() == nil {
			t := r.schedule.most(time.Now(), &p.task)
			if t == nil {
				break
			}
			r.turn(ctx, r.of[t])
		}
		return time.Now()
	})
	p.running = false
	if ctx.Err() != nil && err != nil {
		return // broken off by the stop: no fact about the instrument
	}
	r.in.add(p.every, samples...)
	p.states.see(samples, r.in.event)
	r.judge(p, samples, err)
}

// judge takes the outcome of a poll into the state of line and device, and says a
// change once.
func (r *lineRunner) judge(p *pollee, samples []drivers.Sample, err error) {
	now := time.Now()
	if lineFault(err) {
		if r.down == nil {
			r.down, r.downSince = err, now
			r.health.fell(err.Error())
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
		r.health.rose()
		r.reopened(now, after)
	}
	if err == nil || !p.Silent() && !rubbish(samples, err) {
		p.heard(now, p.offline())
		if p.answered() {
			after := now.Sub(p.since).Round(time.Second)
			r.logger.Info("device answers again", "line", r.name, "device", p.name, "after", after)
			r.health.unit(p.name, true, "")
			r.say(envelope.EventDeviceOnline, p.name, "offline", "online", fmt.Sprintf("after %s", after))
		}
		return
	}
	questions := 1
	if !p.Silent() {
		questions = len(p.Plan()) // one that babbles is asked all its questions
	}
	if p.unanswered(now, questions) {
		r.logger.Warn("device offline", "line", r.name, "device", p.name, "err", err, "hint", hintFor(err))
		r.health.unit(p.name, false, err.Error())
		r.say(envelope.EventDeviceOffline, p.name, "online", "offline", err.Error())
	}
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
