package main

import (
	"context"
	"time"

	"envgate/drivers"
)

// An inquiry is how a device's settings are read beside its polls: once it has answered
// for the first time, each hour, and when it comes back from a silence, in which somebody
// may have been at it. Its questions go into gaps of the line, one at a time, so that a
// reading waits for one of them at most.
type inquiry struct {
	due    time.Time       // zero: not before the device has answered
	survey *drivers.Survey // under way, or nil
	failed bool            // some setting could not be read, which was said
}

// surveyed is what a survey found.
type surveyed struct {
	device   string
	at       time.Time
	settings []drivers.Setting
	clock    *drivers.ClockReading
}

const (
	surveyEvery = time.Hour
	surveyAgain = time.Minute // after a fault of the line

	// A question that would fit into no gap, even if it is not answered or takes twice as
	// long as the last one, takes a short one after gapPatience, and on a line without any
	// it goes between two others after linePatience.
	gapPatience  = 10 * time.Second
	linePatience = time.Minute
)

// heard notes that the device answered a poll. One that comes back may have been switched
// on just now, and not know yet what is set.
func (p *pollee) heard(now time.Time, back bool) {
	if !back && !p.inquiry.due.IsZero() || len(p.SurveyPlan()) == 0 {
		return
	}
	p.inquiry.due, p.inquiry.survey = now, nil
	if back {
		_, warmUp := p.Needs()
		p.inquiry.due = now.Add(warmUp)
	}
}

// reopened has all devices surveyed again after the line was down for long: somebody may
// have been at them, too.
func (r *lineRunner) reopened(now time.Time, after time.Duration) {
	for _, p := range r.devices {
		if after >= surveyAgain && !p.inquiry.due.IsZero() {
			p.inquiry.due, p.inquiry.survey = now, nil
		}
	}
}

// inquire puts one question about the settings of a device, if one is due and there is
// room for it. gap says that no reading is due. It reports whether it asked.
func (r *lineRunner) inquire(ctx context.Context, gap bool) bool {
	now := time.Now()
	p := r.inquired(now)
	if p == nil || !r.room(now, p, gap) {
		return false
	}
	q := &p.inquiry
	if q.survey == nil {
		q.survey = p.Survey()
	}
	err := q.survey.Ask(ctx, r.bus, time.Now)
	r.inquiredAt = time.Now()
	if r.took = 0; err == nil {
		r.took = r.inquiredAt.Sub(now)
	}
	switch {
	case err != nil && ctx.Err() != nil: // broken off by the stop
		return true
	case lineFault(err): // the next poll says so
		q.survey, q.due = nil, now.Add(surveyAgain)
		return true
	case err != nil && !q.failed:
		q.failed = true
		r.logger.Warn("what is set in a device cannot all be read", "line", r.name, "device", p.name, "err", err,
			"hint", "its readings go on; another firmware may have other registers")
	}
	if q.survey.Done() {
		settings, clock := q.survey.Found()
		r.in.report(surveyed{p.name, r.inquiredAt, settings, clock})
		q.survey, q.due = nil, q.due.Add(surveyEvery)
		if q.due.Before(r.inquiredAt) {
			q.due = r.inquiredAt.Add(surveyEvery)
		}
	}
	return true
}

// inquired is the device whose settings are due longest; nil if none are.
func (r *lineRunner) inquired(now time.Time) (first *pollee) {
	if r.down != nil {
		return nil
	}
	for _, p := range r.devices {
		due := p.inquiry.due
		if due.IsZero() || now.Before(due) || p.silent > 0 {
			continue
		}
		if first == nil || due.Before(first.inquiry.due) {
			first = p
		}
	}
	return first
}

// room says whether a question about settings may go now.
func (r *lineRunner) room(now time.Time, p *pollee, gap bool) bool {
	waited := now.Sub(p.inquiry.due)
	if since := now.Sub(r.inquiredAt); since < waited {
		waited = since
	}
	rest, _ := p.Needs()
	if near := now.Sub(p.last) < rest || now.Sub(r.inquiredAt) < rest || p.next.Sub(now) < rest; near || !gap {
		return waited >= linePatience
	}
	need := p.price // if it is not answered
	if r.took > 0 {
		need = min(need, 2*r.took)
	}
	next, ok := r.schedule.wake()
	return !ok || next.Sub(now) >= need || waited >= gapPatience
}
