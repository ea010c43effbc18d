package uplink

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"envgate/envelope"
)

func TestFreshFirst(t *testing.T) {
	bubble(t, func(o *Options) { o.Window, o.BacklogShare = 8, 0.5 }, func(t *testing.T, r *rig) {
		for _, s := range []string{"live", "stat", "event"} {
			r.log.add(s, 150)
		}
		r.b.rtt = 400 * time.Millisecond
		r.start()
		pass(time.Millisecond)
		r.b.mu.Lock()
		var first []string
		for _, p := range r.b.pubs {
			if _, stream, ok := strings.Cut(p.topic, "/b/"); ok {
				first = append(first, stream)
			}
		}
		r.b.mu.Unlock()
		if !slices.Equal(first, []string{"event", "stat", "live"}) {
			t.Errorf("at once sent a block of %q, want event, stat, live", first)
		}

		// While the backlog drains with all the slots it may have, fresh blocks find room.
		pass(5 * time.Second)
		for range 10 {
			r.log.add("live", 1)
			_, head := r.log.Bounds("live")
			pass(time.Millisecond)
			if n := count(r.b.seqs("live"), head); n != 1 {
				t.Fatalf("fresh block %d was sent %d times at once, want 1", head, n)
			}
			pass(time.Second)
		}
		r.b.mu.Lock()
		defer r.b.mu.Unlock()
		if r.b.mostFlying > 8 {
			t.Errorf("%d blocks in flight, window is 8", r.b.mostFlying)
		}
	})
}

func TestWindow(t *testing.T) {
	bubble(t, func(o *Options) { o.Window = 8 }, func(t *testing.T, r *rig) {
		r.b.rtt = time.Second
		r.start()
		pass(time.Millisecond)
		r.log.add("live", 20) // all fresh
		r.log.add("stat", 20)
		pass(10 * time.Second)
		r.b.mu.Lock()
		defer r.b.mu.Unlock()
		if r.b.mostFlying != 8 {
			t.Errorf("%d blocks in flight, want the window of 8", r.b.mostFlying)
		}
	})
}

func TestBacklogShare(t *testing.T) {
	tests := []struct {
		window int
		share  float64
		most   int
	}{
		{8, 0.5, 4},
		{8, 0.01, 1},
		{8, 1, 7}, // one is always left
		{32, 0.25, 8},
		{1, 0.5, 1},
		{2, 1, 1},
	}
	for _, tt := range tests {
		bubble(t, func(o *Options) { o.Window, o.BacklogShare = tt.window, tt.share }, func(t *testing.T, r *rig) {
			r.log.add("live", 100)
			r.log.Ack(r.log.Epoch(), "city", "live", 100, 100) // nothing fresh
			r.b.rtt = time.Second
			r.start()
			pass(5 * time.Second)
			r.b.mu.Lock()
			defer r.b.mu.Unlock()
			if r.b.mostFlying != tt.most {
				t.Errorf("window %d, share %v: %d in flight, want %d", tt.window, tt.share, r.b.mostFlying, tt.most)
			}
		})
	}
}

// A connection that stays, but is too slow for what is sealed, must not make a queue
// of what should be fresh.
func TestFreshLaneBeginsAnew(t *testing.T) {
	bubble(t, func(o *Options) { o.Window = 2 }, func(t *testing.T, r *rig) {
		r.log.add("live", 1)
		r.b.rtt = 5 * time.Second
		r.start()
		pass(time.Millisecond)
		r.log.add("live", 100)
		pass(12 * time.Second)
		got := r.b.seqs("live")
		if count(got, 101) != 1 {
			t.Errorf("sent %v, want 101 among them: the newest", got)
		}
	})
}

func TestBytesInFlight(t *testing.T) {
	bubble(t, nil, func(t *testing.T, r *rig) {
		r.log.pad = 60 << 10
		r.log.add("event", 30)
		r.b.rtt = time.Second
		r.start()
		pass(3 * time.Second)
		r.b.mu.Lock()
		defer r.b.mu.Unlock()
		if r.b.mostFlying == 0 || r.b.mostFlying > maxBytes/(60<<10)+batch {
			t.Errorf("%d blocks of 60 KB in flight", r.b.mostFlying)
		}
	})
}

func TestBirthAndState(t *testing.T) {
	birth := []byte("one")
	bubble(t, func(o *Options) { o.Birth = func() []byte { return birth } }, func(t *testing.T, r *rig) {
		r.start()
		pass(time.Second)
		r.log.add("live", 3) // no news of the birth
		pass(time.Second)
		birth = []byte("two")
		r.log.add("event", 1)
		pass(time.Second)
		r.b.lose()
		pass(3 * time.Second)
		var got []string
		for _, p := range r.b.topic("env/gw1/birth") {
			if !p.retained {
				t.Error("birth is not retained")
			}
			got = append(got, string(p.payload))
		}
		if !slices.Equal(got, []string{"one", "two", "two"}) {
			t.Errorf("births %q, want one, two, and two again after the connect", got)
		}
		r.stop()
		<-r.done
		states := r.b.topic("env/gw1/state")
		got = nil
		for _, p := range states {
			if !p.retained {
				t.Error("state is not retained")
			}
			got = append(got, strings.Split(string(p.payload), `"`)[3])
		}
		if !slices.Equal(got, []string{"online", "online", "offline"}) {
			t.Errorf("states %q", got)
		}
		if want := `"version":"1.0"}`; !strings.HasSuffix(string(states[0].payload), want) {
			t.Errorf("state %s, want …%s", states[0].payload, want)
		}
		if !slices.Equal(r.b.closed, []bool{false, true}) {
			t.Errorf("connections closed in order: %v, want the lost one not, the last one so", r.b.closed)
		}
	})
}

// A stop is quick, and where the broker does not take our last word the will must speak.
func TestStopUnanswered(t *testing.T) {
	bubble(t, nil, func(t *testing.T, r *rig) {
		r.log.add("live", 100)
		r.start()
		pass(3 * time.Second)
		r.b.mu.Lock()
		r.b.deaf = true
		r.b.mu.Unlock()
		r.log.add("live", 5)
		pass(time.Second)
		began := time.Now()
		r.stop()
		<-r.done
		if d := time.Since(began); d >= 5*time.Second {
			t.Errorf("stopped after %v, want less than 5s", d)
		}
		if !slices.Equal(r.b.closed, []bool{false}) {
			t.Errorf("closed in order %v: a good-bye would silence the will", r.b.closed)
		}
	})
}

func TestNoAnswer(t *testing.T) {
	bubble(t, nil, func(t *testing.T, r *rig) {
		r.start()
		pass(time.Second)
		r.b.mu.Lock()
		r.b.deaf = true
		r.b.mu.Unlock()
		r.log.add("live", 1)
		pass(ackTimeout - time.Second)
		r.b.mu.Lock()
		if r.b.conns != 1 {
			t.Errorf("%d connections before the time-out", r.b.conns)
		}
		r.b.deaf = false
		r.b.mu.Unlock()
		pass(5 * time.Second)
		if got := r.b.seqs("live"); !slices.Equal(got, []uint64{1, 1}) {
			t.Errorf("sent %v, want 1 again on a new connection", got)
		}
		r.wantEvents("uplink.up up", "uplink.down down", "uplink.up up")
	})
}

func TestBackoff(t *testing.T) {
	bubble(t, func(o *Options) { o.ReconnectMax = 8 * time.Second }, func(t *testing.T, r *rig) {
		r.b.down = errors.New("no route")
		r.start()
		pass(10 * time.Minute)
		ceilings := []time.Duration{1, 2, 4, 8}
		var sum time.Duration
		for i, at := range r.b.dials[1:] {
			pause, ceiling := at.Sub(r.b.dials[i]), ceilings[min(i, 3)]*time.Second
			if pause < shortestPause || pause > ceiling {
				t.Errorf("pause %d is %v, want up to %v", i, pause, ceiling)
			}
			if i >= 3 {
				sum += pause
			}
		}
		if n := len(r.b.dials); n < 75 {
			t.Errorf("%d attempts in 10 minutes", n)
		}
		if mean := sum / time.Duration(len(r.b.dials)-4); mean < 3*time.Second || mean > 5*time.Second {
			t.Errorf("pauses at the cap are %v on average, want about half of 8s: full jitter", mean)
		}
		if n := strings.Count(r.logged(), "uplink down"); n != 1 {
			t.Errorf("%d lines of %d failures, want 1:\n%s", n, len(r.b.dials), r.logged())
		}
		r.b.mu.Lock()
		r.b.down = &RefusedError{5}
		r.b.mu.Unlock()
		pass(time.Minute)
		if !strings.Contains(r.logged(), `msg="uplink down" uplink=city broker=tcp://broker.test:1883 err="tcp://broker.test:1883: broker refused the connection: not authorised (code 5)" hint="does the broker know user`) {
			t.Errorf("the new trouble is not said:\n%s", r.logged())
		}
		r.b.mu.Lock()
		r.b.down = nil
		r.b.mu.Unlock()
		pass(10 * time.Second)
		r.wantEvents("uplink.down down", "uplink.up up")
		if !strings.Contains(r.logged(), "uplink open") || !strings.Contains(r.logged(), "down=11m") {
			t.Errorf("recovery is not said with how long it took:\n%s", r.logged())
		}
		if s := r.u.Stats(); s.Attempts < 75 || s.Connections != 1 || s.Trouble != "" {
			t.Errorf("stats %+v", s)
		}
	})
}

// A broker that takes us and throws us out at once is not asked each second.
func TestKickedOut(t *testing.T) {
	bubble(t, nil, func(t *testing.T, r *rig) {
		r.start()
		for range 60 {
			pass(10 * time.Second)
			r.b.mu.Lock()
			if r.b.conn != nil {
				r.b.conn.e.lose(errors.New("kicked"))
				r.b.conn = nil
			}
			r.b.mu.Unlock()
		}
		if n := len(r.b.dials); n > 50 {
			t.Errorf("%d connections in 10 minutes of being thrown out", n)
		}
	})
}

func TestLogTrouble(t *testing.T) {
	bubble(t, nil, func(t *testing.T, r *rig) {
		r.log.add("live", 5)
		r.log.readErr = errors.New("i/o error")
		r.start()
		for range 100 {
			pass(200 * time.Millisecond)
			r.log.add("stat", 1)
		}
		if r.log.reads > 22 {
			t.Errorf("a log that cannot be read was read %d times in 20 s", r.log.reads)
		}
		if n := strings.Count(r.logged(), "log cannot be read"); n != 1 {
			t.Errorf("said %d times", n)
		}
		r.log.mu.Lock()
		r.log.readErr = nil
		r.log.mu.Unlock()
		pass(3 * time.Second)
		if got := r.b.seqs("live"); len(got) != 5 {
			t.Errorf("sent %v", got)
		}
	})
}

func TestDrain(t *testing.T) {
	bubble(t, nil, func(t *testing.T, r *rig) {
		r.log.add("live", 5)
		r.start()
		done := make(chan struct{})
		go func() {
			defer close(done)
			r.u.Drain(t.Context())
		}()
		pass(3 * time.Second)
		select {
		case <-done:
			t.Fatal("drained without a receipt")
		default:
		}
		r.give("live", 4, nil, nil)
		pass(time.Second)
		r.give("live", 5, nil, nil)
		<-done
		if n := r.u.Stats().Streams[2].Lag; n != 0 {
			t.Errorf("lag %d", n)
		}
	})
}

func TestOptions(t *testing.T) {
	keys := envelope.NewKeySet(centreKey().Public())
	good := Options{Name: "city", Gateway: "gw1", Prefix: "a/b", Broker: "mqtts://host", CentreKeys: keys}
	tests := []struct {
		set  func(*Options)
		want string // "" = good
	}{
		{func(*Options) {}, ""},
		{func(o *Options) { o.Broker = "tcp://[::1]" }, ""},
		{func(o *Options) { o.Ack, o.CentreKeys = ModePuback, nil }, ""},
		{func(o *Options) { o.Name = "" }, "name is empty"},
		{func(o *Options) { o.Gateway = "a/b" }, "one topic level"},
		{func(o *Options) { o.Prefix = "a/#" }, "without wildcards"},
		{func(o *Options) { o.Prefix = "a/" }, "no / at the end"},
		{func(o *Options) { o.Broker = "host:1883" }, "tcp://host:port"},
		{func(o *Options) { o.Broker = "ws://host" }, `scheme is "ws"`},
		{func(o *Options) { o.Broker = "tcp://u:secret@host" }, "has a user"},
		{func(o *Options) { o.Broker = "tcp://host/x" }, "nothing may follow"},
		{func(o *Options) { o.Broker = "tcp://:1883" }, "no host"},
		{func(o *Options) { o.Ack = "both" }, "receipt or puback"},
		{func(o *Options) { o.CentreKeys = nil }, "no key of a centre"},
		{func(o *Options) { o.Window = -1 }, "1 to 1000"},
		{func(o *Options) { o.Window = 1001 }, "1 to 1000"},
		{func(o *Options) { o.BacklogShare = 1.5 }, "above 0"},
		{func(o *Options) { o.BacklogShare = -1 }, "above 0"},
		{func(o *Options) { o.ReconnectMax = time.Millisecond }, "1s or more"},
		{func(o *Options) { o.ReceiptTimeout = time.Millisecond }, "1s or more"},
		{func(o *Options) { o.Streams = []string{"live", "live"} }, "each once"},
	}
	for _, tt := range tests {
		o := good
		tt.set(&o)
		_, err := New(newLog(), newLog(), o)
		if tt.want == "" && err != nil || tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
			t.Errorf("New(%+v): %v, want %q", o, err, tt.want)
		}
		if err != nil && strings.Contains(err.Error(), "secret") {
			t.Errorf("the password is in the error: %v", err)
		}
	}
}

// The last of many receipts must not be lost for want of room: it is retained, and
// asked for again.
func TestInboxOverflow(t *testing.T) {
	bubble(t, nil, func(t *testing.T, r *rig) {
		r.log.add("live", 5)
		r.start()
		pass(10 * time.Second)
		last := receipt(envelope.Receipt{Stream: "live", UpTo: 5, Head: r.log.hash("live", 5)})
		r.b.retained["env/gw1/receipt/live"] = last
		r.b.mu.Lock()
		e := r.b.conn.e
		r.b.mu.Unlock()
		e.waiting.Add(inboxBytes) // as if the inbox were full
		e.hear("env/gw1/receipt/live", last)
		e.waiting.Add(-inboxBytes)
		pass(time.Second)
		if n, s := r.log.upto("live"), r.u.Stats(); n != 5 || s.Dropped != 1 {
			t.Errorf("cursor is %d, want 5; %d dropped, want 1", n, s.Dropped)
		}
		for range 20 { // and not each time at once
			e.waiting.Add(inboxBytes)
			e.hear("env/gw1/receipt/live", last)
			e.waiting.Add(-inboxBytes)
			pass(500 * time.Millisecond)
		}
		if n := len(r.b.listens); n > 8 {
			t.Errorf("asked %d times in 11 s", n)
		}
		if e.waiting.Load() != 0 {
			t.Errorf("%d bytes are left waiting", e.waiting.Load())
		}
	})
}

func TestInboxBounded(t *testing.T) {
	e := newEars(new(traffic))
	for range 1000 {
		e.hear("t", make([]byte, 60<<10))
		e.hear("t", nil)
	}
	if n, b := len(e.inbox), e.waiting.Load(); n > inboxSize || b > inboxBytes {
		t.Errorf("%d messages of %d bytes wait", n, b)
	}
}

// At a stop the last word does not wait behind a window of blocks on a slow link.
func TestStopHurries(t *testing.T) {
	bubble(t, nil, func(t *testing.T, r *rig) {
		r.b.slow = 300 * time.Millisecond
		r.log.add("live", 100)
		r.start()
		pass(3 * time.Second)
		r.stop()
		<-r.done
		if got := r.b.topic("/state"); !strings.Contains(string(got[len(got)-1].payload), "stopped") {
			t.Errorf("last state is %s", got[len(got)-1].payload)
		}
		if !slices.Equal(r.b.closed, []bool{true}) {
			t.Errorf("closed in order: %v", r.b.closed)
		}
	})
}
