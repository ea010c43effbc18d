package main

import (
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// A block of the backlogs here is what a gateway makes of 40 points each second.
const (
	blockPoints   = 40
	blockSamples  = 8
	blockReadings = blockPoints * blockSamples

	defaultWindow = 32 // blocks in flight, docs/uplink.md
	farRoundTrip  = 600 * time.Millisecond
)

// backlogWorld is a world at load whose log holds so many bytes of blocks that no broker
// has seen. all says how many blocks and bytes they are.
func backlogWorld(bytes int, uplink string) (w *world, all backlog, err error) {
	if w, err = emptyWorld(); err != nil {
		return nil, all, err
	}
	w.storage, w.uplink = fmt.Sprintf("  budget: %dMB\n", logBudget>>20), uplink
	if err = w.instruments(32, blockPoints, time.Second); err == nil {
		all, err = w.fill(func(f *forge) error {
			at := time.Now().Add(-time.Hour)
			for u := 0; f.bytes < bytes; u++ {
				if err := f.add(fmt.Sprintf("unit%d", u%32+1), at.Add(time.Duration(u/32)*blockSamples*time.Second), blockPoints, blockSamples, time.Second); err != nil {
					return err
				}
			}
			return nil
		})
	}
	if err != nil {
		w.close()
	}
	return w, all, err
}

// backlog is what a log holds for a broker that was away.
type backlog struct {
	blocks uint64 // and the number of the newest
	bytes  int
}

// fill makes the log of a world, and puts blocks into it.
func (w *world) fill(with func(*forge) error) (all backlog, err error) {
	if err = w.begin(); err != nil {
		return all, err
	}
	f, err := w.openForge()
	if err != nil {
		return all, err
	}
	err = with(f)
	all.bytes = f.bytes
	last, cerr := f.close()
	all.blocks = last
	w.pipe.look(last)
	if err == nil {
		err = cerr
	}
	return all, err
}

// drain measures how fast a backlog goes out when nothing but the gateway limits it, and
// what it takes with the data centre at the other end, which verifies and stores it.
func drain(r *report) error {
	const size = 20 << 20
	r.section("drain: a backlog of 20 MB beside load, on loopback")
	for _, c := range []struct {
		name, uplink string
		budget       float64 // readings a second
	}{
		{"to a broker alone", "    ack: puback\n", 100_000},
		{"to the centre", "", 0},
	} {
		if err := drainOne(r, c.name, c.uplink, size, c.budget); err != nil {
			return err
		}
	}
	return nil
}

func drainOne(r *report, name, uplink string, size int, budget float64) error {
	w, all, err := backlogWorld(size, uplink)
	if err != nil {
		return err
	}
	defer w.close()
	if uplink == "" {
		if err := w.broker.start(); err != nil {
			return err
		}
		if err := w.startCentre(); err != nil {
			return err
		}
		time.Sleep(2 * time.Second)
	}
	if err := w.startAgent(); err != nil {
		return err
	}
	if uplink != "" {
		time.Sleep(5 * time.Second) // so that all that the start costs is over
		if err := w.broker.start(); err != nil {
			return err
		}
	}
	before, err := w.measure()
	if err != nil {
		return err
	}
	most := before
	end := time.Now().Add(2 * time.Minute)
	for time.Now().Before(end) {
		time.Sleep(100 * time.Millisecond)
		now, err := w.measure()
		if err != nil {
			return err
		}
		most.anon, most.rss = max(most.anon, now.anon), max(most.rss, now.rss)
		if _, n := w.pipe.seen(); n == int(all.blocks) {
			break
		}
	}
	seen, n := w.pipe.seen()
	after, err := w.measure()
	if err != nil {
		return err
	}
	if n < int(all.blocks)*99/100 {
		r.row(name+": of the backlog, went out", 100*float64(n)/float64(all.blocks), 0, "%")
	}
	rate := float64(n) * blockReadings / max(seen.newest.Sub(seen.began), time.Millisecond).Seconds()
	if budget > 0 {
		r.least(name+": readings a second", rate, budget, "")
	} else {
		r.row(name+": readings a second", rate, 0, "")
	}
	r.row(name+": RssAnon, most", float64(most.anon)/1e6, 30, "MB")
	r.row(name+": VmRSS, most", float64(most.rss)/1e6, 0, "MB")
	r.row(name+": written, over the backlog", float64(after.written-before.written)/float64(all.bytes), 1, "×")
	return nil
}

// far measures a drain over a link with a long round trip. What one window of messages
// brings in each round trip is the least that it should reach: it is not one message that
// waits for the one before.
func far(r *report) error {
	r.section(fmt.Sprintf("drain over a link of %s round trip", farRoundTrip))
	w, all, err := backlogWorld(4<<20, "    ack: puback\n")
	if err != nil {
		return err
	}
	defer w.close()
	w.pipe.delay = farRoundTrip / 2
	if err := w.broker.start(); err != nil {
		return err
	}
	if err := w.startAgent(); err != nil {
		return err
	}
	const span = 30 * time.Second
	for end := time.Now().Add(span); time.Now().Before(end); time.Sleep(100 * time.Millisecond) {
		if _, n := w.pipe.seen(); n == int(all.blocks) {
			break
		}
	}
	seen, n := w.pipe.seen()
	took := max(seen.newest.Sub(seen.began), time.Millisecond).Seconds()
	rate := float64(n) * blockReadings / took
	one := blockReadings / farRoundTrip.Seconds()
	r.row("readings a second", rate, 0, "")
	r.row("one block a round trip would be", one, 0, "")
	r.row(fmt.Sprintf("one window of %d a round trip would be", defaultWindow), defaultWindow*one, 0, "")
	r.least("over one window a round trip", rate/(defaultWindow*one), 1, "×")
	return nil
}

// fresh measures how long after a reconnect the first block goes out that was sealed in
// the outage's last seconds, or after it: it must not wait for the backlog.
func fresh(r *report) error {
	r.section("reconnect: first fresh block after CONNACK, 12 factors each 5 s")
	for _, c := range []struct {
		name string
		away time.Duration
	}{{"1 h", time.Hour}, {"24 h", 24 * time.Hour}, {"7 days", 7 * 24 * time.Hour}} {
		if err := freshAfter(r, c.name, c.away); err != nil {
			return err
		}
	}
	return nil
}

func freshAfter(r *report, name string, away time.Duration) error {
	const every = 5 * time.Second
	w, err := emptyWorld()
	if err != nil {
		return err
	}
	defer w.close()
	w.storage = fmt.Sprintf("  budget: %dMB\n", logBudget>>20)
	if err := w.instruments(1, 12, every); err != nil {
		return err
	}
	all, err := w.fill(func(f *forge) error {
		for at := time.Now().Add(-away); time.Now().After(at); at = at.Add(every) {
			if err := f.add("unit1", at, 12, 1, every); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	if err := w.startAgent(); err != nil {
		return err
	}
	time.Sleep(2 * every) // blocks of its own
	if err := w.broker.start(); err != nil {
		return err
	}
	if err := w.startCentre(); err != nil {
		return err
	}
	var seen watch
	for end := time.Now().Add(30 * time.Second); time.Now().Before(end) && seen.fresh.IsZero(); time.Sleep(20 * time.Millisecond) {
		seen, _ = w.pipe.seen()
	}
	if seen.fresh.IsZero() {
		return fmt.Errorf("no fresh block in 30 s: see %s", w.dir)
	}
	r.row(fmt.Sprintf("after %s, %d blocks, %.3g MB", name, all.blocks, float64(all.bytes)/1e6), seen.fresh.Sub(seen.accepted).Seconds()*1000, 2000, "ms")
	return nil
}

// start measures the start on a log of 500 MB: polls do not wait for it, and it is read
// as fast as the machine can.
func start(r *report) error {
	const size, every = 500_000_000, 500 * time.Millisecond
	r.section(fmt.Sprintf("start with a log of 500 MB, 1 unit each %s", every))
	w, err := emptyWorld()
	if err != nil {
		return err
	}
	defer w.close()
	w.storage = fmt.Sprintf("  budget: %dMB\n", logBudget>>20)
	if err := w.instruments(1, 12, every); err != nil {
		return err
	}
	if _, err := w.fill(func(f *forge) error { return f.stuff(size) }); err != nil {
		return err
	}
	path := filepath.Join(w.dir, "log.db")
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	r.row("the file", float64(info.Size())/1e6, 0, "MB")
	for _, c := range []struct {
		name   string
		budget float64
		before func(string) error
	}{{"warm", 2, intoCache}, {"cold", 0, dropCache}} {
		if err := c.before(path); err != nil {
			return err
		}
		began, sent := time.Now(), w.units[0].Sent()
		if err := w.startAgent(); err != nil {
			return err
		}
		for w.units[0].Sent() == sent && time.Since(began) < time.Minute {
			time.Sleep(time.Millisecond)
		}
		polled := time.Since(began)
		if err := w.await("log open", 2*time.Minute); err != nil {
			return err
		}
		opened := time.Since(began)
		r.row("first poll after start, "+c.name, polled.Seconds(), 1, "s")
		r.row("log open after start, "+c.name, opened.Seconds(), c.budget, "s")
		w.stopAgent()
	}
	return nil
}
