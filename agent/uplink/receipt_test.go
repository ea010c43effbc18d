package uplink

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"envgate/envelope"
)

func bubble(t *testing.T, set func(*Options), story func(t *testing.T, r *rig)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, set)
		story(t, r)
		if r.stop != nil {
			r.end()
		}
	})
}

func pass(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

func TestReceiptMovesCursor(t *testing.T) {
	bubble(t, nil, func(t *testing.T, r *rig) {
		r.log.add("live", 10)
		r.start()
		pass(2 * time.Second)
		got := r.b.seqs("live")
		if len(got) != 10 || got[0] != 10 {
			t.Errorf("sent %v, want each block once, the newest first", got)
		}
		if n := r.log.upto("live"); n != 0 {
			t.Errorf("cursor is %d before any receipt", n)
		}
		r.give("live", 6, [][2]uint64{{8, 9}}, nil)
		pass(time.Second)
		upto, runs := r.log.Acked("", "live")
		if upto != 6 || !slices.Equal(runs, [][2]uint64{{8, 9}}) {
			t.Errorf("acknowledged up to %d and %v, want 6 and 8 to 9", upto, runs)
		}
		s := r.u.Stats()
		if s.Acked != 8 || s.Published != 10 || s.Receipts != 1 || s.Streams[2].Lag != 2 || s.RTT != 50*time.Millisecond || s.LastReceipt.IsZero() || !s.Open {
			t.Errorf("stats %+v", s)
		}
	})
}

func TestReceiptRefused(t *testing.T) {
	good := envelope.Receipt{Gateway: "gw1", Stream: "live", Epoch: "e1", UpTo: 3}
	tests := []struct {
		name   string
		make   func(l *fakeLog) []byte
		events []string
		check  func(s Stats) bool
	}{
		{"not a message", func(*fakeLog) []byte { return []byte("hello") }, []string{"receipt.bad"}, func(s Stats) bool { return s.BadReceipts == 1 }},
		{"another key", func(l *fakeLog) []byte {
			g := good
			g.Head = l.hash("live", 3)
			m, _ := envelope.NewSealer(gatewayKey()).Seal(envelope.TypeReceipt, g.AppendPayload(nil))
			return m
		}, []string{"receipt.bad"}, func(s Stats) bool { return s.BadReceipts == 1 }},
		{"another type", func(l *fakeLog) []byte {
			g := good
			g.Head = l.hash("live", 3)
			m, _ := envelope.NewSealer(centreKey()).Seal(envelope.TypeBlock, g.AppendPayload(nil))
			return m
		}, []string{"receipt.bad"}, func(s Stats) bool { return s.BadReceipts == 1 }},
		{"another gateway", func(l *fakeLog) []byte {
			g := good
			g.Gateway, g.Head = "gw2", l.hash("live", 3)
			return receipt(g)
		}, []string{"receipt.bad"}, func(s Stats) bool { return s.BadReceipts == 1 }},
		{"another stream", func(l *fakeLog) []byte {
			g := good
			g.Stream, g.Head = "stat", l.hash("live", 3)
			return receipt(g)
		}, []string{"receipt.bad"}, func(s Stats) bool { return s.BadReceipts == 1 }},
		{"another epoch", func(l *fakeLog) []byte {
			g := good
			g.Epoch, g.Head = "e0", l.hash("live", 3)
			return receipt(g)
		}, nil, func(s Stats) bool { return s.Foreign == 1 && s.BadReceipts == 0 }},
		{"another epoch, past our head", func(l *fakeLog) []byte {
			g := good
			g.Epoch, g.UpTo, g.Head = "e0", 99, l.hash("live", 3)
			return receipt(g)
		}, nil, func(s Stats) bool { return s.Foreign == 1 }},
		{"empty", func(*fakeLog) []byte { return nil }, nil, func(s Stats) bool { return s.BadReceipts == 0 }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			bubble(t, nil, func(t *testing.T, r *rig) {
				r.log.add("live", 5)
				r.start()
				pass(2 * time.Second)
				for range 2 {
					r.b.send("env/gw1/receipt/live", tt.make(r.log))
					pass(time.Second)
				}
				if upto, runs := r.log.Acked("", "live"); upto != 0 || runs != nil {
					t.Errorf("cursor moved to %d, %v", upto, runs)
				}
				r.wantEvents(append([]string{"uplink.up up"}, tt.events...)...)
				s := r.u.Stats()
				s.BadReceipts /= 2 // the second one is counted, and makes no event
				s.Foreign /= 2
				if !tt.check(s) {
					t.Errorf("stats %+v", s)
				}
			})
		})
	}
}

func TestFork(t *testing.T) {
	bubble(t, nil, func(t *testing.T, r *rig) {
		r.log.add("live", 5)
		r.start()
		pass(2 * time.Second)
		fork := receipt(envelope.Receipt{Stream: "live", UpTo: 3, Head: r.log.hash("live", 2), Have: [][2]uint64{{5, 5}}})
		for range 3 {
			r.b.send("env/gw1/receipt/live", fork)
			pass(time.Second)
		}
		if upto, runs := r.log.Acked("", "live"); upto != 0 || runs != nil {
			t.Errorf("cursor moved to %d, %v on a fork", upto, runs)
		}
		r.wantEvents("uplink.up up", "receipt.fork "+r.log.hash("live", 2))
		if s := r.u.Stats(); !s.Streams[2].Forked {
			t.Errorf("stats do not show the fork: %+v", s.Streams)
		}
		r.give("live", 3, nil, nil)
		pass(time.Second)
		if n := r.log.upto("live"); n != 3 || r.u.Stats().Streams[2].Forked {
			t.Errorf("after a receipt that agrees: cursor %d, want 3; forked %v", n, r.u.Stats().Streams[2].Forked)
		}
	})
}

func TestAhead(t *testing.T) {
	for name, r9 := range map[string]envelope.Receipt{
		"upto": {Stream: "live", UpTo: 9},
		"have": {Stream: "live", UpTo: 2, Have: [][2]uint64{{4, 9}}},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, nil, func(t *testing.T, r *rig) {
				r.log.add("live", 5)
				r.start()
				pass(2 * time.Second)
				r9.Head = r.log.hash("live", 2)
				for range 2 {
					r.b.send("env/gw1/receipt/live", receipt(r9))
					pass(time.Second)
				}
				if n := r.log.upto("live"); n != 0 {
					t.Errorf("cursor moved to %d", n)
				}
				r.wantEvents("uplink.up up", "receipt.ahead 9")
				if !slices.Equal(r.ahead, []uint64{9}) {
					t.Errorf("Ahead was called with %v, want once with 9", r.ahead)
				}
			})
		})
	}
}

// A receipt that is on its way when the log begins a new epoch says nothing about it.
func TestRotate(t *testing.T) {
	bubble(t, func(o *Options) {}, func(t *testing.T, r *rig) {
		r.log.add("live", 5)
		r.start()
		pass(2 * time.Second)
		old := receipt(envelope.Receipt{Stream: "live", UpTo: 5, Head: r.log.hash("live", 5)})
		r.b.mu.Lock()
		r.b.retained["env/gw1/receipt/live"] = old
		r.b.mu.Unlock()
		r.log.rotate("e2")
		r.log.add("live", 3)
		pass(3 * time.Second)
		if n := r.log.upto("live"); n != 0 {
			t.Errorf("a receipt of the old epoch moved the new cursor to %d", n)
		}
		if got := r.b.seqs("live"); !slices.Equal(got[5:], []uint64{3, 1, 2}) {
			t.Errorf("sent %v after the new epoch, want all of it, newest first", got[5:])
		}
		r.wantEvents("uplink.up up") // and nothing of ahead, fork, down
		if s := r.u.Stats(); s.Connections != 2 || s.Foreign == 0 {
			t.Errorf("connections %d, want 2; receipts of another epoch %d", s.Connections, s.Foreign)
		}
		r.give("live", 3, nil, nil)
		pass(time.Second)
		if n := r.log.upto("live"); n != 3 {
			t.Errorf("cursor is %d, want 3", n)
		}
	})
}

func TestWant(t *testing.T) {
	bubble(t, nil, func(t *testing.T, r *rig) {
		r.log.add("live", 20)
		r.start()
		pass(2 * time.Second)
		want := [][2]uint64{{4, 5}, {8, 8}}
		r.give("live", 3, [][2]uint64{{6, 7}, {9, 20}}, want)
		pass(time.Second)
		if n := count(r.b.seqs("live"), 4); n != 1 {
			t.Errorf("block 4 was sent %d times at once: what was sent a moment ago is on its way", n)
		}
		pass(wantHold)
		for range 5 { // the centre repeats itself
			r.give("live", 3, [][2]uint64{{6, 7}, {9, 20}}, want)
			pass(time.Second)
		}
		got := r.b.seqs("live")
		for _, seq := range []uint64{4, 5, 8} {
			if n := count(got, seq); n != 2 {
				t.Errorf("block %d was sent %d times, want 2", seq, n)
			}
		}
		if len(got) != 23 {
			t.Errorf("%d blocks were sent, want 20 and 3 again", len(got))
		}
		if s := r.u.Stats(); s.Resent != 3 {
			t.Errorf("resent %d, want 3", s.Resent)
		}
	})
}

// A centre that lost its store asks for what was acknowledged long ago.
func TestWantAcknowledged(t *testing.T) {
	bubble(t, nil, func(t *testing.T, r *rig) {
		r.log.add("live", 30)
		r.log.Ack(r.log.Epoch(), "city", "live", 1, 30)
		r.log.evict("live", 4)
		r.start()
		pass(2 * time.Second)
		if got := r.b.seqs("live"); len(got) != 0 {
			t.Errorf("sent %v, though all is acknowledged", got)
		}
		for range 5 {
			r.give("live", 0, nil, [][2]uint64{{1, 30}})
			pass(time.Second)
		}
		if got := r.b.seqs("live"); !slices.Equal(got, upTo(5, 30)) {
			t.Errorf("sent %v, want 5 to 30 once", got)
		}
		if n := r.log.upto("live"); n != 30 {
			t.Errorf("cursor went back to %d", n)
		}
		pass(wantHold)
		r.give("live", 28, nil, [][2]uint64{{29, 30}})
		pass(time.Second)
		if got := r.b.seqs("live"); !slices.Equal(got[26:], []uint64{29, 30}) {
			t.Errorf("then sent %v, want 29 and 30", got[26:])
		}
	})
}

func TestEvicted(t *testing.T) {
	bubble(t, nil, func(t *testing.T, r *rig) {
		r.log.add("live", 10)
		r.start()
		pass(2 * time.Second)
		head4, head7 := r.log.hash("live", 4), r.log.hash("live", 7)
		r.log.evict("live", 6)
		r.b.send("env/gw1/receipt/live", receipt(envelope.Receipt{Stream: "live", UpTo: 4, Head: head4, Have: [][2]uint64{{8, 9}}}))
		pass(time.Second)
		if upto, runs := r.log.Acked("", "live"); upto != 0 || runs != nil {
			t.Errorf("cursor moved to %d, %v, though block 4 could not be compared", upto, runs)
		}
		if s := r.u.Stats(); s.Unverified != 1 {
			t.Errorf("unverified %d, want 1", s.Unverified)
		}
		r.b.send("env/gw1/receipt/live", receipt(envelope.Receipt{Stream: "live", UpTo: 7, Head: head7}))
		pass(time.Second)
		r.log.evict("live", 3)
		r.b.send("env/gw1/receipt/live", receipt(envelope.Receipt{Stream: "live", UpTo: 7, Head: head7, Have: [][2]uint64{{10, 10}}}))
		pass(time.Second)
		if upto, runs := r.log.Acked("", "live"); upto != 7 || !slices.Equal(runs, [][2]uint64{{10, 10}}) {
			t.Errorf("cursor %d, %v; want 7 and 10: block 7 is gone, but was compared before", upto, runs)
		}
		r.wantEvents("uplink.up up")
	})
}

func TestReceiptLate(t *testing.T) {
	bubble(t, func(o *Options) { o.Window = 4 }, func(t *testing.T, r *rig) {
		r.log.add("live", 100)
		r.start()
		pass(59 * time.Second)
		first := r.b.seqs("live")
		if len(first) != 65 { // the newest, and credit for 16 windows of backlog
			t.Errorf("sent %d blocks without a receipt, want 65", len(first))
		}
		r.wantEvents("uplink.up up")
		pass(6 * time.Second)
		r.wantEvents("uplink.up up", "receipt.late late")
		again := r.b.seqs("live")[65:]
		if !slices.Equal(again[:64], upTo(1, 64)) || len(again) != 64 {
			t.Errorf("after the time-out sent %v, want 1 to 64 again", again)
		}
		pass(10 * time.Minute)
		r.wantEvents("uplink.up up", "receipt.late late")
		more := r.b.seqs("live")[129:]
		if len(more) < 8 || len(more) > 20 {
			t.Errorf("then sent %d blocks in 10 minutes, want a window of 4 at ever longer intervals", len(more))
		}
		if !r.u.Stats().Streams[2].Late {
			t.Error("stats do not say late")
		}

		r.give("live", 64, nil, nil)
		pass(3 * time.Second)
		r.give("live", 100, nil, nil)
		pass(time.Second)
		r.wantEvents("uplink.up up", "receipt.late late", "receipt.late in time")
		if n := r.u.Stats().Streams[2].Lag; n != 0 {
			t.Errorf("lag %d", n)
		}
		r.log.add("live", 1)
		pass(2 * time.Minute)
		r.wantEvents("uplink.up up", "receipt.late late", "receipt.late in time", "receipt.late late")
	})
}

// While receipts move the cursor nothing is late, however long the backlog.
func TestSlowCentre(t *testing.T) {
	bubble(t, func(o *Options) { o.Window = 4 }, func(t *testing.T, r *rig) {
		r.log.add("live", 200)
		r.start()
		for upto := uint64(5); upto <= 200; upto += 5 {
			pass(10 * time.Second)
			have := min(upto, 199)
			r.give("live", have, nil, nil)
		}
		pass(10 * time.Second)
		r.give("live", 200, nil, nil)
		pass(time.Second)
		r.wantEvents("uplink.up up")
		if got := r.b.seqs("live"); len(got) != 200 {
			t.Errorf("sent %d blocks, want 200, each once", len(got))
		}
	})
}

func TestBacklogWaitsForReceipts(t *testing.T) {
	bubble(t, nil, func(t *testing.T, r *rig) {
		for _, s := range []string{"live", "stat", "event"} {
			r.log.add(s, 50)
			r.b.retained["env/gw1/receipt/"+s] = receipt(envelope.Receipt{Stream: s, UpTo: 49, Head: r.log.hash(s, 49)})
		}
		r.b.slowSub["env/gw1/receipt/+"] = 300 * time.Millisecond
		r.start()
		pass(20 * time.Millisecond)
		for _, s := range []string{"live", "stat", "event"} {
			if got := r.b.seqs(s); !slices.Equal(got, []uint64{50}) {
				t.Errorf("%s: at once sent %v, want the newest", s, got)
			}
		}
		pass(5 * time.Second)
		for _, s := range []string{"live", "stat", "event"} {
			if got := r.b.seqs(s); !slices.Equal(got, []uint64{50}) {
				t.Errorf("%s: sent %v, want the newest alone: the retained receipt has the others", s, got)
			}
		}
	})
}

// A centre that wants everything again gets it at the pace of its receipts.
func TestWantPaced(t *testing.T) {
	bubble(t, func(o *Options) { o.Window = 4 }, func(t *testing.T, r *rig) {
		r.log.add("live", 200)
		r.log.Ack(r.log.Epoch(), "city", "live", 1, 200)
		r.start()
		pass(time.Second)
		r.give("live", 0, nil, [][2]uint64{{1, 200}})
		pass(9 * time.Second)
		if got := r.b.seqs("live"); !slices.Equal(got, upTo(1, 64)) {
			t.Errorf("sent %d blocks after one receipt, want 1 to 64: 16 windows", len(got))
		}
		r.give("live", 50, nil, [][2]uint64{{51, 200}})
		pass(9 * time.Second)
		if got := r.b.seqs("live"); !slices.Equal(got, upTo(1, 114)) {
			t.Errorf("sent %d blocks after the next, want 1 to 114", len(got))
		}
	})
}

// The log may begin a new epoch at any moment: what is said of the old one must not be
// taken for the new one.
func TestRotateRaces(t *testing.T) {
	tests := []struct {
		name string
		do   func(s *session, l *lane, old []byte)
	}{
		{"before a receipt", func(s *session, l *lane, old []byte) {
			s.u.log.(*fakeLog).rotate("e2")
			s.u.log.(*fakeLog).add("live", 3)
			s.receipt(l, old, time.Now())
		}},
		{"within a receipt", func(s *session, l *lane, old []byte) {
			s.u.log.(*fakeLog).onRead = func() {
				s.u.log.(*fakeLog).rotate("e2")
				s.u.log.(*fakeLog).add("live", 5)
			}
			s.receipt(l, old, time.Now())
		}},
		{"before an acknowledgement", func(s *session, l *lane, old []byte) {
			s.u.log.(*fakeLog).rotate("e2")
			s.u.log.(*fakeLog).add("live", 5)
			s.acknowledge(l, 1, 5)
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			bubble(t, nil, func(t *testing.T, r *rig) {
				r.log.add("live", 5)
				e := newEars(&r.u.traffic)
				c, err := r.b.connect(t.Context(), nil, e)
				if err != nil {
					t.Fatal(err)
				}
				s := newSession(r.u, c, e)
				old := receipt(envelope.Receipt{Stream: "live", UpTo: 5, Head: r.log.hash("live", 5)})
				tt.do(s, s.lanes[2], old)
				if upto, runs := r.log.Acked("", "live"); upto != 0 || runs != nil {
					t.Errorf("acknowledged up to %d, %v in the new epoch", upto, runs)
				}
				r.wantEvents()
			})
		})
	}
}

// Forks, late receipts and the like belong to an epoch.
func TestHealthOfEpoch(t *testing.T) {
	bubble(t, nil, func(t *testing.T, r *rig) {
		r.log.add("live", 5)
		r.start()
		pass(2 * time.Second)
		r.b.send("env/gw1/receipt/live", receipt(envelope.Receipt{Stream: "live", UpTo: 9, Head: r.log.hash("live", 5)}))
		r.b.send("env/gw1/receipt/live", receipt(envelope.Receipt{Stream: "live", UpTo: 3, Head: r.log.hash("live", 5)}))
		pass(time.Second)
		r.log.rotate("e2")
		r.log.add("live", 5)
		pass(2 * time.Second)
		if r.u.Stats().Streams[2].Forked {
			t.Error("the new epoch is forked")
		}
		r.b.send("env/gw1/receipt/live", receipt(envelope.Receipt{Stream: "live", Epoch: "e2", UpTo: 9, Head: r.log.hash("live", 5)}))
		pass(time.Second)
		if !slices.Equal(r.ahead, []uint64{9, 9}) {
			t.Errorf("Ahead was called with %v, want 9 in each epoch", r.ahead)
		}
	})
}

// Whatever a receipt says, even signed: no panic, and nothing is acknowledged that the
// log does not have.
func FuzzReceipt(f *testing.F) {
	for _, r := range []envelope.Receipt{
		{Gateway: "gw1", Stream: "live", Epoch: "e1", Head: envelope.Genesis, Have: [][2]uint64{{2, 3}}, Want: [][2]uint64{{1, 1}, {4, 9}}},
		{Gateway: "gw1", Stream: "live", Epoch: "e1", Head: envelope.Genesis, Have: [][2]uint64{{2, 1 << 53}}},
		{Gateway: "gw1", Stream: "live", Epoch: "e1", Head: envelope.Genesis, Want: [][2]uint64{{1, 1 << 53}}},
	} {
		f.Add(r.AppendPayload(nil))
	}
	sealer := envelope.NewSealer(centreKey())
	f.Fuzz(func(t *testing.T, payload []byte) {
		message, err := sealer.Seal(envelope.TypeReceipt, payload)
		if err != nil {
			return
		}
		log := newLog()
		log.add("live", 5)
		u, err := New(log, log, Options{Name: "n", Gateway: "gw1", Prefix: "p", Broker: "tcp://h", CentreKeys: envelope.NewKeySet(centreKey().Public())})
		if err != nil {
			t.Fatal(err)
		}
		e := newEars(&u.traffic)
		c, err := newBroker().connect(t.Context(), nil, e)
		if err != nil {
			t.Fatal(err)
		}
		s := newSession(u, c, e)
		l := s.lanes[2]
		s.receipt(l, message, time.Now())
		s.receipt(l, payload, time.Now())
		for seq := range log.acked["live"] {
			if seq < 1 || seq > 5 {
				t.Fatalf("block %d is acknowledged, the log has 1 to 5", seq)
			}
		}
		for _, w := range l.wants {
			if w[0] < 1 || w[1] > 5 {
				t.Fatalf("%v is to be sent again, the log has 1 to 5", w)
			}
		}
	})
}
