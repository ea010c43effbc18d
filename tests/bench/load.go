package main

import (
	"fmt"
	"time"
)

// budgets are those of one load; 0 means none.
type budgets struct {
	cpu    float64 // µs a reading
	memory float64 // MB, RssAnon
	wire   float64 // bytes a reading
	disk   float64 // kB/s
}

// dirtied is write_bytes of the kernel. It says what pages of its cache a program made
// dirty, and where those are held in larger pieces (ext4 since Linux 6.16) a page of 4 KB
// counts as the piece that it lies in, 16 KB and more, of which the page alone is written.
// So the budget is on what the log itself writes; a file system's journal comes on top.
const dirtied = "counted by the kernel"

// warmUp lets caches fill and the first births and templates pass.
const warmUp = 15 * time.Second

// load measures the agent in the steady state, online.
func load(r *report, name string, units, points int, every, span time.Duration, b budgets) error {
	r.section(name)
	w, err := newWorld(units, points, every)
	if err != nil {
		return err
	}
	defer w.close()
	d, after, err := w.steady(span)
	if err != nil {
		return err
	}
	if d.readings == 0 {
		return fmt.Errorf("no readings were taken: see %s", w.dir)
	}
	n := float64(d.readings)
	r.row("readings a second", n/d.at.Seconds(), 0, "")
	r.row("processor time a reading", d.cpu.Seconds()*1e6/n, b.cpu, "µs")
	r.row("memory, RssAnon", float64(after.anon)/1e6, b.memory, "MB")
	r.row("memory, VmRSS", float64(after.rss)/1e6, 0, "MB")
	r.row("payload agent to broker a reading", float64(d.sent)/n, b.wire, "B")
	r.row("written by the log a second", float64(d.logged)/1e3/d.at.Seconds(), b.disk, "kB")
	r.row("written by the log a reading", float64(d.logged)/n, 0, "B")
	r.row(dirtied+" a second", float64(d.written)/1e3/d.at.Seconds(), 0, "kB")
	return nil
}

// steady runs all of a world, and measures what a span costs when it has settled: d is
// the difference, after what stands at the end.
func (w *world) steady(span time.Duration) (d, after count, err error) {
	for _, start := range []func() error{w.broker.start, w.startCentre, w.startAgent} {
		if err := start(); err != nil {
			return d, after, err
		}
	}
	time.Sleep(warmUp)
	logged, err := w.logged()
	if err != nil {
		return d, after, err
	}
	before, err := w.measure()
	if err != nil {
		return d, after, err
	}
	before.logged = logged
	time.Sleep(span)
	if after, err = w.measure(); err == nil {
		after.logged, err = w.logged()
	}
	return after.minus(before), after, err
}

// outage measures what a reading costs while the broker is away; drain what comes after.
func outage(r *report, span time.Duration) error {
	r.section("outage: 32 units × 40 float32 each 1 s, broker away")
	w, err := newWorld(32, 40, time.Second)
	if err != nil {
		return err
	}
	defer w.close()
	if err := w.startAgent(); err != nil {
		return err
	}
	time.Sleep(warmUp)
	before, err := w.measure()
	if err != nil {
		return err
	}
	time.Sleep(span)
	away, err := w.measure()
	if err != nil {
		return err
	}
	d := away.minus(before)
	n := float64(d.readings)
	r.row("written to storage a buffered reading", float64(d.written)/n, 30, "B")
	r.row("memory, RssAnon, buffering", float64(away.anon)/1e6, 0, "MB")
	return nil
}
