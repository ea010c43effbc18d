package uplink

import (
	"testing"
	"time"
)

// far is an uplink with a backlog of full blocks before a link of these properties.
func far(t *testing.T, rtt time.Duration, bandwidth, blocks int, story func(r *rig)) {
	t.Helper()
	bubble(t, func(o *Options) {
		o.Ack, o.PubackUnverified, o.Streams = ModePuback, true, []string{"stat", "live"}
	}, func(t *testing.T, r *rig) {
		r.log.pad = 1700
		r.log.add("live", blocks)
		r.b.rtt, r.b.bandwidth = rtt, bandwidth
		r.start()
		story(r)
	})
}

// rate is what came through the link in the next d, in bytes a second.
func (r *rig) rate(d time.Duration) int {
	from := time.Now()
	pass(d)
	r.b.mu.Lock()
	defer r.b.mu.Unlock()
	sum := 0
	for _, p := range r.b.pubs {
		if p.at.After(from) && !p.at.After(time.Now()) {
			sum += len(p.payload)
		}
	}
	return int(float64(sum) / d.Seconds())
}

// fresh seals a block of figures each second, and returns the longest time that one
// of them took to the other end.
func (r *rig) fresh(seconds int) (worst time.Duration) {
	for range seconds {
		began := time.Now()
		r.log.add("stat", 1)
		pass(time.Second)
		r.b.mu.Lock()
		through := r.b.busy // where the newest is still queued: at least as long
		for i := len(r.b.pubs) - 1; i >= 0; i-- {
			if p := r.b.pubs[i]; p.topic == "env/gw1/b/stat" {
				through = p.at
				break
			}
		}
		r.b.mu.Unlock()
		worst = max(worst, through.Sub(began))
	}
	return worst
}

// A round trip of 600 ms is no bound: the window grows until it is.
func TestWindowFillsLongLink(t *testing.T) {
	far(t, 600*time.Millisecond, 0, 3000, func(r *rig) {
		pass(10 * time.Second)
		got, want := r.rate(5*time.Second), maxBytes/2*10/6
		if got < want*7/10 { // the window counts to 256, of which the backlog has half
			t.Errorf("%d bytes/s at 600 ms, want about half of the largest window in each round trip: %d", got, want)
		}
		if s := r.u.Stats(); s.LeastRTT != 600*time.Millisecond || s.Window != maxBytes {
			t.Errorf("window %d, shortest round trip %v", s.Window, s.LeastRTT)
		}
	})
}

// 256 kbit/s behind a buffer without end: the link is busy, and what is sealed now does
// not wait for seconds of backlog.
func TestWindowSlowLink(t *testing.T) {
	far(t, 100*time.Millisecond, 32<<10, 3000, func(r *rig) {
		if worst := r.fresh(60); worst > 1500*time.Millisecond {
			t.Errorf("a fresh block took %v through the queue", worst)
		}
		if got := r.rate(20 * time.Second); got < 30<<10 {
			t.Errorf("%d bytes/s came through a link of 32 KB/s", got)
		}
		if worst := r.fresh(20); worst > time.Second {
			t.Errorf("a fresh block took %v through the queue", worst)
		}
	})
}

// A good link becomes a bad one, and good again.
func TestWindowFollowsLink(t *testing.T) {
	far(t, 50*time.Millisecond, 100<<10, 5000, func(r *rig) {
		pass(10 * time.Second)
		r.b.mu.Lock()
		r.b.bandwidth = 16 << 10
		r.b.mu.Unlock()
		pass(10 * time.Second)
		if worst := r.fresh(20); worst > 1500*time.Millisecond {
			t.Errorf("a fresh block took %v, 10 s after the link became slow", worst)
		}
		r.b.mu.Lock()
		r.b.bandwidth = 200 << 10
		r.b.mu.Unlock()
		pass(5 * time.Second)
		if got := r.rate(10 * time.Second); got < 150<<10 {
			t.Errorf("%d bytes/s of 200 KB/s, 5 s after the link became fast", got)
		}
	})
}

// The way becomes longer: that is no queue, and after a minute it is known.
func TestWindowLongerWay(t *testing.T) {
	far(t, 50*time.Millisecond, 50<<10, 7000, func(r *rig) {
		pass(10 * time.Second)
		r.b.mu.Lock()
		r.b.rtt = time.Second
		r.b.mu.Unlock()
		pass(70 * time.Second)
		if got := r.rate(20 * time.Second); got < 40<<10 {
			t.Errorf("%d bytes/s of 50 KB/s, 70 s after the round trip became 1 s", got)
		}
		if base := r.u.Stats().LeastRTT; base < time.Second {
			t.Errorf("shortest round trip %v", base)
		}
	})
}

// Without a backlog nothing is learned, and nothing forgotten.
func TestWindowIdle(t *testing.T) {
	now := time.Now()
	w := newWindow(now)
	for i := range uint64(1000) {
		w.acked(i+1, 100*time.Millisecond, i+1, 0, now)
		now = now.Add(5 * time.Second)
	}
	if w.bytes() != firstBytes {
		t.Errorf("window %d after blocks that came one by one, want %d", w.bytes(), firstBytes)
	}
}
