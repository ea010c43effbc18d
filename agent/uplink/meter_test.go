package uplink

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"
)

// site is a time of a day at the site.
func site(text string) time.Time {
	t, err := time.ParseInLocation("2006-01-02 15:04", text, time.FixedZone("", 8*3600))
	if err != nil {
		panic(err)
	}
	return t
}

func TestMeterHours(t *testing.T) {
	night := []Hours{{22 * 60, 6 * 60}}
	two := []Hours{{12 * 60, 13 * 60}, {23*60 + 30, 24 * 60}}
	tests := []struct {
		hours []Hours
		now   string
		hold  string
		until string
	}{
		{night, "2026-11-23 21:59", holdLive, "2026-11-23 22:00"},
		{night, "2026-11-23 22:00", holdNothing, ""},
		{night, "2026-11-24 00:00", holdNothing, ""},
		{night, "2026-11-24 05:59", holdNothing, ""},
		{night, "2026-11-24 06:00", holdLive, "2026-11-24 22:00"},
		{two, "2026-11-24 11:00", holdLive, "2026-11-24 12:00"},
		{two, "2026-11-24 12:30", holdNothing, ""},
		{two, "2026-11-24 13:00", holdLive, "2026-11-24 23:30"},
		{two, "2026-11-24 23:59", holdNothing, ""},
		{two, "2026-11-25 00:00", holdLive, "2026-11-25 12:00"},
		{night, "1970-01-01 08:00", holdLive, "1970-01-01 22:00"}, // a clock that is not set
		{nil, "2026-11-24 12:00", holdNothing, ""},
	}
	for _, tt := range tests {
		m := newMeter(&Metered{Hours: tt.hours})
		m.look(site(tt.now), 0)
		until := ""
		if !m.Until.IsZero() {
			until = siteTime(m.Until)
		}
		if m.Hold != tt.hold || until != tt.until {
			t.Errorf("%v at %s: held %q until %q, want %q until %q", tt.hours, tt.now, m.Hold, until, tt.hold, tt.until)
		}
	}
}

func TestMeterBytes(t *testing.T) {
	limits := &Metered{BytesPerDay: 1000, Hours: []Hours{{8 * 60, 20 * 60}}}
	limits.Recall(Tally{Day: 20780, Bytes: 400})
	m := newMeter(limits)
	steps := []struct {
		now     string
		counted uint64
		hold    string
		until   string
		used    int64
	}{
		{"2026-11-23 10:00", 0, holdNothing, "", 400}, // as the run before left it
		{"2026-11-23 10:00", 499, holdNothing, "", 899},
		{"2026-11-23 10:01", 500, holdLive, "2026-11-24 08:00", 900},
		{"2026-11-23 10:02", 599, holdLive, "2026-11-24 08:00", 999},
		{"2026-11-23 10:03", 700, holdAll, "2026-11-24 00:00", 1100},
		{"2026-11-22 10:03", 700, holdAll, "2026-11-23 00:00", 1100}, // set back: nothing is given
		{"1970-01-01 08:03", 700, holdAll, "1970-01-02 00:00", 1100}, // nor by a start without a clock,
		{"2026-11-22 10:03", 700, holdAll, "2026-11-23 00:00", 1100}, // and when it has come good
		{"2026-11-23 00:01", 710, holdLive, "2026-11-23 08:00", 10},
		{"2026-11-23 09:00", 710, holdNothing, "", 10},
		{"2038-01-19 09:00", 720, holdNothing, "", 10}, // a later day, however much later
	}
	for _, s := range steps {
		before := m.Hold
		if changed := m.look(site(s.now), s.counted); changed != (before != s.hold) {
			t.Errorf("%s: changed is %v", s.now, changed)
		}
		until := ""
		if !m.Until.IsZero() {
			until = siteTime(m.Until)
		}
		if m.Hold != s.hold || until != s.until || m.Used.Bytes != s.used {
			t.Errorf("%s: held %q until %q with %d bytes, want %q until %q with %d", s.now, m.Hold, until, m.Used.Bytes, s.hold, s.until, s.used)
		}
	}
}

// Outside the hours events and figures go, samples wait, and both ends of that are said.
func TestMeteredHours(t *testing.T) {
	bubble(t, func(o *Options) {
		o.Ack, o.PubackUnverified = ModePuback, true
		o.Metered = &Metered{Hours: []Hours{{22 * 60, 6 * 60}}}
	}, func(t *testing.T, r *rig) { // it is 08:00 at the site
		for _, s := range []string{"live", "stat", "event"} {
			r.log.add(s, 5)
		}
		r.start()
		pass(3 * time.Second)
		for s, want := range map[string]int{"live": 0, "stat": 5, "event": 5} {
			if got := r.b.seqs(s); len(got) != want {
				t.Errorf("%s: sent %v outside the hours, want %d blocks", s, got, want)
			}
		}
		s := r.u.Stats()
		if m := s.Metered; m == nil || m.Hold != "live" || siteTime(m.Until) != "2000-01-01 22:00" || s.Streams[2].Lag != 5 {
			t.Errorf("stats %+v of %+v", m, s.Streams)
		}
		if r.u.lag() != 0 {
			t.Error("a stop would wait for what is held back")
		}
		r.log.add("live", 3)
		pass(14*time.Hour - time.Minute)
		if got := r.b.seqs("live"); len(got) != 0 {
			t.Errorf("sent %v a minute before the hours", got)
		}
		pass(2 * time.Minute)
		if got := r.b.seqs("live"); len(got) != 8 {
			t.Errorf("sent %v within the hours, want 8 blocks", got)
		}
		r.wantEvents("uplink.metered live", "uplink.up up", "uplink.metered")
		r.mu.Lock()
		first, last := r.events[0], r.events[2]
		r.mu.Unlock()
		if first.Subject != "city" || first.Why != "outside the hours, until 2000-01-01 22:00; 0.0 MB used today, 5 blocks wait" {
			t.Errorf("the beginning says %+v", first)
		}
		if last.Why != "held since 2000-01-01 08:00; 0.0 MB used today, 8 blocks wait" || last.Old != "live" {
			t.Errorf("the end says %+v", last)
		}
		if got := r.logged(); strings.Count(got, "msg=metered") != 2 {
			t.Errorf("not one line for each change:\n%s", got)
		}
		pass(24 * time.Hour)
		if got := r.kinds(); len(got) != 5 {
			t.Errorf("after another day events %q, want two more", got)
		}
	})
}

// When nine tenths of the day's bytes are used samples wait for midnight; when all are,
// everything does.
func TestMeteredBytes(t *testing.T) {
	bubble(t, func(o *Options) {
		o.Ack, o.PubackUnverified = ModePuback, true
		o.Metered = &Metered{BytesPerDay: 1e6}
	}, func(t *testing.T, r *rig) {
		r.start()
		pass(3 * time.Second)
		all := func() {
			for _, s := range []string{"live", "stat", "event"} {
				r.log.add(s, 1)
			}
			pass(3 * time.Second)
		}
		sent := func() (n []int) {
			for _, s := range []string{"live", "stat", "event"} {
				n = append(n, len(r.b.seqs(s)))
			}
			return n
		}
		all()
		r.u.traffic.metered.Add(9e5)
		all()
		if got := sent(); !slices.Equal(got, []int{1, 2, 2}) {
			t.Errorf("at nine tenths sent %v of live, stat, event; want 1, 2, 2", got)
		}
		r.u.traffic.metered.Add(1e5)
		all()
		if got := sent(); !slices.Equal(got, []int{1, 2, 2}) {
			t.Errorf("with all bytes used sent %v of live, stat, event; want 1, 2, 2", got)
		}
		if got := r.u.o.Metered.Tally().Bytes; got != 1e6 {
			t.Errorf("tally is %d", got)
		}
		pass(16 * time.Hour)
		if got := sent(); !slices.Equal(got, []int{3, 3, 3}) {
			t.Errorf("after midnight sent %v, want all", got)
		}
		r.wantEvents("uplink.up up", "uplink.metered live", "uplink.metered all", "uplink.metered")
	})
}

// A broker that takes no connection is not asked for all day on bytes that are not there;
// at midnight it is.
func TestMeteredRestsWhenSpent(t *testing.T) {
	bubble(t, func(o *Options) {
		o.Ack, o.PubackUnverified = ModePuback, true
		o.Metered = &Metered{BytesPerDay: 1e6}
	}, func(t *testing.T, r *rig) { // it is 08:00 at the site
		r.u.traffic.metered.Add(1e6)
		r.b.down = errors.New("out of order")
		r.start()
		pass(10 * time.Hour)
		dials := func() int {
			r.b.mu.Lock()
			defer r.b.mu.Unlock()
			return len(r.b.dials)
		}
		if n := dials(); n < 50 || n > 65 {
			t.Errorf("%d attempts in 10 hours without bytes, want one each 10 minutes", n)
		}
		pass(6*time.Hour - 30*time.Second)
		before := dials()
		pass(2 * time.Minute)
		if n := dials() - before; n < 2 {
			t.Errorf("%d attempts after midnight", n)
		}
	})
}

// What a connection takes is counted, with what is estimated for its beginning and for
// packets.
func TestToll(t *testing.T) {
	for n, want := range map[int]uint64{0: 0, 1: 101, 1400: 1500, 1401: 1601, 8192: 8792} {
		if got := toll(n); got != want {
			t.Errorf("toll(%d) = %d, want %d", n, got, want)
		}
	}
	b := newTestBroker(t, "127.0.0.1:0", nil)
	limits := &Metered{BytesPerDay: 1e6}
	r := realRig(t, "tcp://"+b.addr, func(o *Options) { o.Metered = limits })
	r.log.add("event", 20)
	r.start()
	eventually(t, "acknowledged", func() bool { return r.u.lag() == 0 })
	s := r.u.Stats()
	least := int64(connectBytes + s.BytesIn + s.BytesOut)
	eventually(t, "all of it counted", func() bool { return limits.Tally().Bytes > least })
	r.quick()
}
