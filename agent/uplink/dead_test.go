package uplink

import (
	"strings"
	"testing"
	"time"
)

// collect adds to had what was published from a message on, and returns where to go on.
func (r *rig) collect(had map[uint64]bool, stream string, from int) (next int) {
	r.b.mu.Lock()
	defer r.b.mu.Unlock()
	for _, p := range r.b.pubs[from:] {
		if strings.HasSuffix(p.topic, "/b/"+stream) {
			had[seqOf(p.payload)] = true
		}
	}
	return len(r.b.pubs)
}

// answer gives the receipt of a centre that has these blocks, and asks for its gaps.
func (r *rig) answer(stream string, had map[uint64]bool) {
	var upto, top uint64
	for seq := range had {
		top = max(top, seq)
	}
	for had[upto+1] {
		upto++
	}
	var have, want [][2]uint64
	for seq := upto + 1; seq <= top; {
		from := seq
		for seq <= top && had[seq] == had[from] {
			seq++
		}
		if had[from] {
			have = append(have, [2]uint64{from, seq - 1})
		} else {
			want = append(want, [2]uint64{from, seq - 1})
		}
	}
	r.give(stream, upto, have[:min(len(have), 32)], want[:min(len(want), 32)])
}

// A centre that is dead for a whole day costs a bounded number of blocks, and gets every
// one when it is back, though the broker kept none for it.
func TestDeadCentre(t *testing.T) {
	bubble(t, func(o *Options) { o.Streams = []string{"live"} }, func(t *testing.T, r *rig) {
		const backlog, days = 800, 1
		r.log.add("live", backlog)
		r.start()
		for range days * 24 {
			pass(time.Hour)
			r.log.add("live", 1)
		}
		r.b.mu.Lock()
		sent := len(r.b.pubs)
		r.b.mu.Unlock()
		rounds := days*24*60/16 + 10                                       // one in 16 minutes, the first ones sooner
		most := 2*creditOf*creditMost + days*24 + rounds*probeBlocks + 100 // ahead of receipts, once more, the fresh ones, probes
		if sent > most {
			t.Errorf("%d messages in %d days without a receipt, want at most %d", sent, days, most)
		}
		s := r.u.Stats()
		if !s.Streams[0].Late || s.Streams[0].Lag != backlog+days*24 || s.Resent == 0 || s.Resent > uint64(most) {
			t.Errorf("stats %+v", s)
		}
		r.wantEvents("uplink.up up", "receipt.late late")

		began, had := time.Now(), map[uint64]bool{}
		for r.u.lag() > 0 && time.Since(began) < time.Hour {
			if next := r.collect(had, "live", sent); next > sent {
				sent = next
				r.answer("live", had)
			}
			pass(500 * time.Millisecond)
		}
		if lag, took := r.u.lag(), time.Since(began); lag > 0 || took > 17*time.Minute+30*time.Second {
			t.Errorf("%d blocks have no receipt %v after the centre came back: the next probe is 16 minutes away at most", lag, took)
		}
		r.wantEvents("uplink.up up", "receipt.late late", "receipt.late in time")
	})
}

// The figures that a status page shows.
func TestStats(t *testing.T) {
	bubble(t, func(o *Options) { o.Metered = &Metered{Hours: []Hours{{22 * 60, 6 * 60}}} }, func(t *testing.T, r *rig) {
		if s := r.u.Stats(); s.Open || s.Streams[2].Stream != "live" || !s.Streams[2].Oldest.IsZero() || s.Metered != nil {
			t.Errorf("before the start: %+v", s)
		}
		r.log.add("event", 3)
		oldest := time.Now()
		pass(time.Minute)
		r.log.add("live", 2)
		held := time.Now()
		r.b.rtt = 300 * time.Millisecond
		r.start()
		pass(2 * time.Second)
		r.give("event", 0, [][2]uint64{{2, 2}}, nil)
		came := time.Now()
		r.log.add("event", 1)
		pass(100 * time.Millisecond)
		s := r.u.Stats()
		if s.InFlight != 1 || s.BytesInFlight == 0 || s.Window != firstBytes || s.LeastRTT != 300*time.Millisecond || s.RTT != s.LeastRTT {
			t.Errorf("with one block on its way: %+v", s)
		}
		e, l := s.Streams[0], s.Streams[2]
		if e.Head != 4 || e.Acked != 0 || e.Lag != 3 || !e.Oldest.Equal(oldest) || !e.LastReceipt.Equal(came) || e.Held {
			t.Errorf("event: %+v", e)
		}
		if l.Lag != 2 || !l.Oldest.Equal(held) || !l.Held || !l.LastReceipt.IsZero() {
			t.Errorf("live: %+v", l)
		}
		r.b.mu.Lock()
		r.b.down = errSlow
		r.b.mu.Unlock()
		r.b.lose()
		pass(time.Second)
		if s := r.u.Stats(); s.InFlight != 0 || s.Window != 0 || s.Open || s.Trouble == "" || s.Metered.Hold != "live" {
			t.Errorf("when it is down: %+v", s)
		}
	})
}
