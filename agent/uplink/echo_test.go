package uplink

import (
	"slices"
	"testing"
	"time"
)

func byPuback(o *Options) { o.Ack, o.CentreKeys = ModePuback, nil }

func TestPuback(t *testing.T) {
	bubble(t, byPuback, func(t *testing.T, r *rig) {
		r.log.add("live", 40)
		r.log.add("stat", 3)
		r.start()
		pass(5 * time.Second)
		if a, b := r.log.upto("live"), r.log.upto("stat"); a != 40 || b != 3 {
			t.Errorf("cursors %d and %d, want 40 and 3", a, b)
		}
		if got := r.b.seqs("live"); len(got) != 40 || got[0] != 40 {
			t.Errorf("sent %v, want each block once, the newest first", got)
		}
		if want := []string{"env/gw1/b/stat", "env/gw1/b/live"}; !slices.Equal(r.b.listens, want) {
			t.Errorf("subscribed to %q, want %q: in turn, and none without a block", r.b.listens, want)
		}
		for topic, on := range r.b.subs {
			if on {
				t.Errorf("still subscribed to %s", topic)
			}
		}
		r.wantEvents("uplink.up up")
		if s := r.u.Stats(); s.Resent != 0 || s.Published != 43 || s.Acked != 43 {
			t.Errorf("published %d, acknowledged %d, resent %d; want 43, 43, 0", s.Published, s.Acked, s.Resent)
		}

		// An hour later the guard closes, until the next block has come back.
		pass(time.Hour)
		r.b.mu.Lock()
		r.b.drop["env/gw1/b/live"] = true
		r.b.mu.Unlock()
		r.log.add("live", 1)
		r.log.add("stat", 1)
		pass(30 * time.Second)
		if a, b := r.log.upto("live"), r.log.upto("stat"); a != 40 || b != 4 {
			t.Errorf("after an hour cursors are %d and %d, want 40 (thrown away) and 4", a, b)
		}
		r.wantEvents("uplink.up up", "echo.missing missing")
	})
}

func TestEchoMissing(t *testing.T) {
	bubble(t, byPuback, func(t *testing.T, r *rig) {
		r.b.drop["env/gw1/b/live"] = true
		r.log.add("live", 10)
		r.log.add("stat", 10)
		r.start()
		pass(time.Second)
		if n := r.log.upto("stat"); n != 10 {
			t.Errorf("the other stream's cursor is %d, want 10", n)
		}
		pass(8 * time.Second)
		r.wantEvents("uplink.up up")
		pass(3 * time.Second)
		r.wantEvents("uplink.up up", "echo.missing missing")
		if s := r.u.Stats().Streams[2]; s.Echo || s.Lag != 10 {
			t.Errorf("stats %+v, want a red light and all 10 to be sent", s)
		}
		r.log.add("live", 2)
		pass(time.Second)
		got := r.b.seqs("live")
		if !slices.Equal(got, []uint64{10, 11, 12}) {
			t.Errorf("sent %v, want fresh blocks only while echoes are missing", got)
		}
		pass(10 * time.Minute)
		r.wantEvents("uplink.up up", "echo.missing missing")
		if n := r.log.upto("live"); n != 0 {
			t.Errorf("cursor is %d, though the broker throws all away", n)
		}

		// The rules are mended, on the same connection.
		r.b.mu.Lock()
		sent := len(r.b.pubs)
		r.b.drop["env/gw1/b/live"] = false
		r.b.mu.Unlock()
		pass(2 * time.Minute)
		r.wantEvents("uplink.up up", "echo.missing missing", "echo.ok ok")
		if n := r.log.upto("live"); n != 12 {
			t.Errorf("cursor is %d, want 12", n)
		}
		r.b.mu.Lock()
		defer r.b.mu.Unlock()
		arrived := map[uint64]bool{}
		for _, p := range r.b.pubs[sent:] {
			if p.topic == "env/gw1/b/live" {
				arrived[seqOf(p.payload)] = true
			}
		}
		if len(arrived) != 12 {
			t.Errorf("%d of 12 blocks were sent after the rules were mended: acknowledgements from before must not count", len(arrived))
		}
	})
}

// One stream is tested after another, but none waits long for one that fails.
func TestEchoTurns(t *testing.T) {
	bubble(t, byPuback, func(t *testing.T, r *rig) {
		r.b.drop["env/gw1/b/stat"] = true
		r.log.add("live", 1)
		r.log.add("stat", 1)
		r.start()
		pass(echoTurn - time.Millisecond)
		if got := r.b.seqs("live"); len(got) != 0 {
			t.Errorf("live was tested together with stat")
		}
		pass(time.Second)
		if got := r.b.seqs("live"); len(got) != 1 {
			t.Errorf("live waits although stat had its turn")
		}
	})
}

// What was sent before the block that came back may have been thrown away, even if it
// is acknowledged later.
func TestAcknowledgedAfterEcho(t *testing.T) {
	bubble(t, byPuback, func(t *testing.T, r *rig) {
		r.log.add("live", 3)
		c, err := r.b.connect(t.Context(), nil, newEars(&r.u.traffic))
		if err != nil {
			t.Fatal(err)
		}
		s := newSession(r.u, c, newEars(&r.u.traffic))
		l := s.lanes[2]
		l.sent.add(1, time.Now())
		l.sent.add(2, time.Now())
		l.guard = guard{state: guardOpen, number: 7, seq: 2}
		s.puback(outcome{errand: errand{lane: l, seq: 1, number: 6}})
		s.puback(outcome{errand: errand{lane: l, seq: 2, number: 7}})
		upto, runs := r.log.Acked("", "live")
		if upto != 0 || !slices.Equal(runs, [][2]uint64{{2, 2}}) {
			t.Errorf("acknowledged up to %d, and %v; want 2 alone", upto, runs)
		}
		if l.sent.has(1) {
			t.Error("block 1 will not be sent again")
		}
	})
}

func TestEchoSubscriptionRefused(t *testing.T) {
	bubble(t, byPuback, func(t *testing.T, r *rig) {
		r.b.refuse["env/gw1/b/live"] = true
		r.log.add("live", 3)
		r.start()
		pass(5 * time.Second)
		r.wantEvents("uplink.up up", "echo.missing missing")
		if n := r.log.upto("live"); n != 0 {
			t.Errorf("cursor is %d", n)
		}
	})
}

// What comes back must be what was sent, byte for byte.
func TestEchoOfAnother(t *testing.T) {
	bubble(t, byPuback, func(t *testing.T, r *rig) {
		r.b.drop["env/gw1/b/live"] = true
		r.log.add("live", 3)
		r.start()
		pass(time.Second)
		other := slices.Clone(r.log.blocks["live"][2])
		other[len(other)-1] ^= 1
		r.b.send("env/gw1/b/live", other)
		r.b.send("env/gw1/b/live", r.log.blocks["live"][0])
		pass(time.Minute)
		if n := r.log.upto("live"); n != 0 {
			t.Errorf("cursor is %d after an echo of something else", n)
		}
	})
}

func TestEchoAfterEachConnect(t *testing.T) {
	bubble(t, byPuback, func(t *testing.T, r *rig) {
		r.log.add("live", 3)
		r.start()
		pass(5 * time.Second)
		r.b.mu.Lock()
		r.b.drop["env/gw1/b/live"] = true
		r.b.mu.Unlock()
		r.b.lose()
		pass(5 * time.Second)
		r.log.add("live", 3)
		pass(30 * time.Second)
		if n := r.log.upto("live"); n != 3 {
			t.Errorf("cursor is %d, want 3: the new connection was not tested", n)
		}
	})
}

func TestPubackUnverified(t *testing.T) {
	bubble(t, func(o *Options) { byPuback(o); o.PubackUnverified = true }, func(t *testing.T, r *rig) {
		r.b.drop["env/gw1/b/live"] = true
		r.log.add("live", 50)
		r.start()
		pass(5 * time.Second)
		if n := r.log.upto("live"); n != 50 {
			t.Errorf("cursor is %d, want 50", n)
		}
		if len(r.b.listens) != 0 {
			t.Errorf("subscribed to %q", r.b.listens)
		}
	})
}
