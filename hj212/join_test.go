package hj212_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"
	"time"

	"envgate/hj212"
)

var joinTime = time.Date(2024, 6, 1, 9, 0, 0, 0, hj212.Beijing)

// packets splits a message and gives each packet a QN.
func packets(t *testing.T, m hj212.Message, e hj212.Edition) []hj212.Message {
	t.Helper()
	out, err := hj212.Split(m, e)
	if err != nil {
		t.Fatal(err)
	}
	for i := range out {
		out[i].QN = fmt.Sprintf("202406010900%05d", i+1)
	}
	return out
}

// whole is what a Joiner makes of the packets of m.
func whole(m hj212.Message) hj212.Message {
	m.QN = "20240601090000001"
	return m
}

func TestJoin(t *testing.T) {
	m := longMessage(60, 5)
	sent := packets(t, m, hj212.Ed2017)
	for _, order := range [][]int{{0, 1, 2}, {2, 1, 0}, {1, 2, 0}, {0, 0, 2, 0, 1}} {
		j := hj212.NewJoiner(hj212.JoinOptions{})
		for n, i := range order {
			got, ok, err := j.Add(sent[i], joinTime)
			if err != nil {
				t.Fatalf("order %v: %v", order, err)
			}
			if last := n == len(order)-1; ok != last {
				t.Errorf("order %v: whole after %d packets: %v", order, n+1, ok)
			} else if last && !reflect.DeepEqual(got, whole(m)) {
				t.Errorf("order %v: whole message\n%+v, want\n%+v", order, got, whole(m))
			}
		}
		// Sent again, as the answer was lost: nothing new.
		for _, p := range sent {
			if _, ok, err := j.Add(p, joinTime); ok || err != nil {
				t.Errorf("order %v: a packet once more: ok %v, error %v", order, ok, err)
			}
		}
		if left := j.Expire(joinTime.Add(time.Hour)); left != nil {
			t.Errorf("order %v: left %+v, want nothing", order, left)
		}
		if got, want := j.Stats(), (hj212.JoinStats{Whole: 1, Repeated: uint64(len(order))}); got != want {
			t.Errorf("order %v: stats %+v, want %+v", order, got, want)
		}
	}
}

// What is no packet passes.
func TestJoinWhole(t *testing.T) {
	j := hj212.NewJoiner(hj212.JoinOptions{})
	for _, m := range []hj212.Message{
		{CN: "2011", Flag: 5},
		{CN: "2011", Flag: 7}, // Seen in the field: the bit without PNUM and PNO.
		{CN: "2011", Flag: 7, PNUM: 1, PNO: 1},
	} {
		want := hj212.Message{CN: "2011", Flag: 5}
		if got, ok, err := j.Add(m, joinTime); !ok || err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("Add(%+v) = %+v, %v, %v, want %+v", m, got, ok, err, want)
		}
	}
}

func TestJoinNoPacket(t *testing.T) {
	j := hj212.NewJoiner(hj212.JoinOptions{Packets: 10})
	for _, test := range []struct{ pnum, pno int }{{0, 1}, {2, 0}, {2, 3}, {11, 1}, {-1, -1}, {1, 2}} {
		if _, ok, err := j.Add(hj212.Message{PNUM: test.pnum, PNO: test.pno}, joinTime); ok || !errors.Is(err, hj212.ErrPacket) {
			t.Errorf("PNUM %d, PNO %d: ok %v, error %v, want %v", test.pnum, test.pno, ok, err, hj212.ErrPacket)
		}
	}
	if left := j.Expire(joinTime.Add(time.Hour)); left != nil {
		t.Errorf("left %+v, want nothing", left)
	}
}

func TestJoinConflict(t *testing.T) {
	j := hj212.NewJoiner(hj212.JoinOptions{})
	sent := packets(t, longMessage(30, 5), hj212.Ed2017)
	j.Add(sent[0], joinTime)
	other := sent[0]
	other.CP = slices.Clone(other.CP)
	other.CP[1] = hj212.Item{{Name: "a00000-Avg", Value: "2"}}
	if _, ok, err := j.Add(other, joinTime); ok || !errors.Is(err, hj212.ErrConflict) {
		t.Errorf("other content: ok %v, error %v, want %v", ok, err, hj212.ErrConflict)
	}
	got, ok, err := j.Add(sent[1], joinTime)
	if !ok || err != nil || !reflect.DeepEqual(got, whole(longMessage(30, 5))) {
		t.Errorf("after the conflict: %+v, %v, %v, want the message with the first packet", got, ok, err)
	}
	if got := j.Stats().Conflicts; got != 1 {
		t.Errorf("%d conflicts, want 1", got)
	}
}

// Two messages of the same time one after the other are two, as Split makes them for
// 2025.
func TestJoinSeries(t *testing.T) {
	j := hj212.NewJoiner(hj212.JoinOptions{})
	m := longMessage(18*21, 9)
	var items hj212.Area
	n := 0
	for _, p := range packets(t, m, hj212.Ed2025) {
		got, ok, err := j.Add(p, joinTime)
		if err != nil {
			t.Fatal(err)
		}
		if ok {
			n++
			items = append(items, got.CP[1:]...)
		}
	}
	if n != 2 || !reflect.DeepEqual(items, m.CP[1:]) {
		t.Errorf("%d messages with %d items, want 2 with %d", n, len(items), len(m.CP)-1)
	}
}

// Packets of the series before that come again, as their answers were lost, are not
// joined to the one of the same time that is under way.
func TestJoinSeriesRepeated(t *testing.T) {
	m := longMessage(18*21, 9)
	sent := packets(t, m, hj212.Ed2025)
	first, second := sent[:9], sent[9:18]
	j := hj212.NewJoiner(hj212.JoinOptions{})
	var wholes []hj212.Message
	add := func(list ...hj212.Message) {
		for _, p := range list {
			whole, ok, err := j.Add(p, joinTime)
			if err != nil {
				t.Errorf("packet %s: %v", p.QN, err)
			}
			if ok {
				wholes = append(wholes, whole)
			}
		}
	}
	add(first...)
	add(second[0])
	add(first...) // again
	add(second[4], second[1], second[2], second[3])
	add(first[5], first[1])
	add(second...)
	if len(wholes) != 2 {
		t.Fatalf("%d messages, want 2", len(wholes))
	}
	for i, series := range [][]hj212.Message{first, second} {
		n := 1
		for _, p := range series {
			n += len(p.CP) - 1
		}
		var last hj212.Item
		if area := series[8].CP; len(area) > 0 {
			last = area[len(area)-1]
		}
		area := wholes[i].CP
		if len(area) != n || !reflect.DeepEqual(area[1], series[0].CP[1]) || !reflect.DeepEqual(area[len(area)-1], last) {
			t.Errorf("message %d has %d items from %v to %v, want %d", i+1, len(area), area[1], area[len(area)-1], n)
		}
	}
	if got, want := j.Stats(), (hj212.JoinStats{Whole: 2, Repeated: 9 + 2 + 5}); got != want {
		t.Errorf("stats %+v, want %+v", got, want)
	}
}

// Packets of other devices, commands, times and numbers are other messages; without
// DataTime those of another QN are.
func TestJoinKey(t *testing.T) {
	base := hj212.Message{QN: "1", MN: "1", ST: "1", CN: "1", PNUM: 2, PNO: 1, CP: hj212.Area{{{"DataTime", "1"}}}}
	noTime := base
	noTime.CP = nil
	for _, test := range []struct {
		name string
		a, b hj212.Message
		same bool
	}{
		{"QN", base, hj212.Message{QN: "2", MN: "1", ST: "1", CN: "1", CP: base.CP}, true},
		{"MN", base, hj212.Message{QN: "1", MN: "2", ST: "1", CN: "1", CP: base.CP}, false},
		{"ST", base, hj212.Message{QN: "1", MN: "1", ST: "2", CN: "1", CP: base.CP}, false},
		{"CN", base, hj212.Message{QN: "1", MN: "1", ST: "1", CN: "2", CP: base.CP}, false},
		{"DataTime", base, hj212.Message{QN: "1", MN: "1", ST: "1", CN: "1", CP: hj212.Area{{{"DataTime", "2"}}}}, false},
		{"no DataTime, same QN", noTime, hj212.Message{QN: "1", MN: "1", ST: "1", CN: "1"}, true},
		{"no DataTime, other QN", noTime, hj212.Message{QN: "2", MN: "1", ST: "1", CN: "1"}, false},
	} {
		j := hj212.NewJoiner(hj212.JoinOptions{})
		j.Add(test.a, joinTime)
		test.b.PNUM, test.b.PNO = 2, 2
		if _, ok, err := j.Add(test.b, joinTime); ok != test.same || err != nil {
			t.Errorf("%s: joined %v, error %v, want %v", test.name, ok, err, test.same)
		}
	}
}

func TestJoinExpire(t *testing.T) {
	j := hj212.NewJoiner(hj212.JoinOptions{Age: time.Minute})
	sent := packets(t, longMessage(80, 5), hj212.Ed2017)
	j.Add(sent[3], joinTime)
	j.Add(sent[1], joinTime.Add(time.Minute))
	if left := j.Expire(joinTime.Add(time.Minute)); left != nil {
		t.Fatalf("after a minute: %+v, want nothing", left)
	}
	if left := j.Expire(joinTime.Add(-time.Hour)); left != nil {
		t.Fatalf("when the clock is set back: %+v, want nothing", left)
	}
	left := j.Expire(joinTime.Add(time.Minute + 1))
	if len(left) != 1 {
		t.Fatalf("after more than a minute: %d, want 1", len(left))
	}
	p := left[0]
	if !slices.Equal(p.Missing, []int{1, 3}) || p.PNUM != 4 || p.Evicted || !p.First.Equal(joinTime) {
		t.Errorf("missing %v of %d, evicted %v, first %v", p.Missing, p.PNUM, p.Evicted, p.First)
	}
	if n := len(sent[1].CP) + len(sent[3].CP) - 1; len(p.Message.CP) != n || p.Message.QN != sent[1].QN || p.Message.PNUM != 0 {
		t.Errorf("message %+v, want %d items and QN %s", p.Message, n, sent[1].QN)
	}
	if again := j.Expire(joinTime.Add(time.Hour)); again != nil {
		t.Errorf("once more: %+v, want nothing", again)
	}
	// A packet that came when the clock was back counts as if it had not been.
	j.Add(sent[0], joinTime)
	if left := j.Expire(joinTime.Add(time.Hour)); left != nil {
		t.Errorf("at once: %d left, want none", len(left))
	}
	if left := j.Expire(joinTime.Add(time.Hour + time.Minute + 1)); len(left) != 1 {
		t.Errorf("%d left, want 1", len(left))
	}
}

func TestJoinBounds(t *testing.T) {
	j := hj212.NewJoiner(hj212.JoinOptions{Sets: 3})
	for i := range 5 {
		j.Add(hj212.Message{MN: fmt.Sprint(i), PNUM: 2, PNO: 1}, joinTime.Add(time.Duration(i)))
	}
	left := j.Expire(joinTime)
	if len(left) != 2 || left[0].Message.MN != "0" || left[1].Message.MN != "1" || !left[0].Evicted {
		t.Errorf("evicted %+v, want 0 and 1", left)
	}
	// Five more, and nobody asks: the oldest are lost, and counted.
	for i := range 8 {
		j.Add(hj212.Message{MN: fmt.Sprint(i + 5), PNUM: 2, PNO: 1}, joinTime.Add(time.Duration(i)))
	}
	if left := j.Expire(joinTime); len(left) != 3 || left[0].Message.MN != "7" {
		t.Errorf("evicted %+v, want 7, 8 and 9", left)
	}
	if got, want := j.Stats(), (hj212.JoinStats{Incomplete: 10, Lost: 5}); got != want {
		t.Errorf("stats %+v, want %+v", got, want)
	}

	sent := packets(t, longMessage(60, 5), hj212.Ed2017)
	j = hj212.NewJoiner(hj212.JoinOptions{Bytes: 8 << 10})
	j.Add(sent[0], joinTime)
	for i := range 2 {
		other := sent[i]
		other.MN = "other"
		j.Add(other, joinTime)
	}
	if left := j.Expire(joinTime); len(left) != 1 || left[0].Message.MN != sent[0].MN {
		t.Errorf("over %d bytes: evicted %d, want the first", 8<<10, len(left))
	}
	// Nor are those that Expire has not returned more than that.
	for i := range 20 {
		p := sent[0]
		p.MN = fmt.Sprint(i)
		j.Add(p, joinTime)
	}
	if left := j.Expire(joinTime); len(left) != 2 || j.Stats().Lost != 17 {
		t.Errorf("of 20 over %d bytes: %d returned, %d lost, want 2 and 17", 8<<10, len(left), j.Stats().Lost)
	}
}

// What is whole is known for a while, and not for ever.
func TestJoinForgets(t *testing.T) {
	j := hj212.NewJoiner(hj212.JoinOptions{Sets: 3, Age: time.Minute})
	add := func(mn string, pno int, after time.Duration) bool {
		_, ok, err := j.Add(hj212.Message{MN: mn, PNUM: 2, PNO: pno}, joinTime.Add(after))
		if err != nil {
			t.Fatal(err)
		}
		return ok
	}
	for _, mn := range []string{"1", "2", "3", "4"} {
		if add(mn, 1, 0) || !add(mn, 2, 0) {
			t.Fatalf("%s is not whole after two packets", mn)
		}
	}
	add("4", 1, 0)
	if got := j.Stats().Repeated; got != 1 {
		t.Errorf("a packet of the last message again: %d repeated, want 1", got)
	}
	// The first of four had to go, for more than three are not kept.
	if add("1", 1, 0) || !add("1", 2, 0) {
		t.Error("packets of the first message again make no message")
	}
	if add("4", 1, time.Minute+1) || !add("4", 2, time.Minute+1) {
		t.Error("packets of the last message again, after a while, make no message")
	}
	if left := j.Expire(joinTime.Add(time.Hour)); left != nil {
		t.Errorf("left %+v, want nothing", left)
	}
}

// FuzzJoin sends the packets of some messages in any order, some of them twice,
// changed or not at all. Each packet is then in a whole message, in a partial one,
// lost and counted, or refused; and what is kept stays within its bounds.
func FuzzJoin(f *testing.F) {
	for seed := range uint64(20) {
		f.Add(seed, uint8(seed), uint8(3*seed))
	}
	f.Fuzz(func(t *testing.T, seed uint64, sets, messages uint8) {
		r := rand.New(rand.NewPCG(seed, 212))
		o := hj212.JoinOptions{Sets: int(sets%8) + 1, Bytes: 20 << 10, Age: time.Minute}
		j := hj212.NewJoiner(o)
		var all []hj212.Message
		for i := range int(messages%16) + 1 {
			m := longMessage(22+r.IntN(100), 5)
			m.MN = fmt.Sprint(i)
			all = append(all, packets(t, m, hj212.Ed2017)...)
		}
		r.Shuffle(len(all), func(a, b int) { all[a], all[b] = all[b], all[a] })

		items := func(m hj212.Message) int { return len(m.CP) - 1 }
		sent, got, partials := 0, 0, 0
		var bytes int
		now := joinTime
		for _, p := range all {
			switch r.IntN(10) {
			case 0:
				continue // lost on the way
			case 1:
				p.CP = append(slices.Clone(p.CP), hj212.Item{{Name: "x", Value: "1"}})
			}
			now = now.Add(time.Duration(r.IntN(20)-5) * time.Second)
			for range 1 + r.IntN(2) {
				sent += items(p)
				before := j.Stats()
				m, ok, err := j.Add(p, now)
				after := j.Stats()
				switch {
				case ok:
					got += items(m)
					if n := len(m.CP); n > 1 && m.CP[1][0].Name == "DataTime" {
						t.Fatal("DataTime twice")
					}
				case errors.Is(err, hj212.ErrConflict), after.Repeated > before.Repeated:
					sent -= items(p)
				case err != nil:
					t.Fatal(err)
				}
			}
			if r.IntN(4) == 0 {
				left := j.Expire(now)
				if len(left) > o.Sets {
					t.Fatalf("%d partial messages, want up to %d", len(left), o.Sets)
				}
				bytes = 0
				for _, p := range left {
					got += items(p.Message)
					partials++
					bytes += len(p.Message.Append(nil))
					if len(p.Missing) == 0 || len(p.Missing) >= p.PNUM {
						t.Fatalf("missing %v of %d", p.Missing, p.PNUM)
					}
				}
				if bytes > o.Bytes {
					t.Fatalf("partial messages of %d bytes, want up to %d", bytes, o.Bytes)
				}
			}
		}
		for range 3 {
			now = now.Add(2 * time.Hour)
			for _, p := range j.Expire(now) {
				got += items(p.Message)
				partials++
			}
		}
		s := j.Stats()
		if int(s.Incomplete) != partials+int(s.Lost) {
			t.Fatalf("%d partial messages, stats %+v", partials, s)
		}
		if got > sent || got < sent && s.Lost == 0 {
			t.Fatalf("sent %d items, got %d, stats %+v", sent, got, s)
		}
	})
}
