package platform

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"envgate/envelope"
	"envgate/hj212"
)

// days of minute, hour and day records, as they are sealed.
func (l *fakeLog) days(n int) {
	for i := range n * 144 {
		start := t0.Add(-8*time.Hour + time.Duration(i)*10*time.Minute)
		groups := minute(start)
		end := start.Add(10 * time.Minute)
		if end.Minute() == 0 {
			groups = append(groups, window("aq1", envelope.GroupHour, end.Add(-time.Hour), "a34002"))
		}
		if (i+1)%144 == 0 {
			groups = append(groups, window("aq1", envelope.GroupDay, end.Add(-24*time.Hour), "a34002"))
		}
		l.add("stat", groups)
	}
	_, last := l.Bounds("stat")
	l.Ack("", cursor, "stat", 1, last) // it had all of them
}

// labels are the DataTimes of history that came as new.
func labels(events []string, cn string) (out []string) {
	for _, e := range events {
		for _, kind := range []string{"data ", "upload "} {
			if rest, ok := strings.CutPrefix(e, kind+cn+" DataTime="); ok && !strings.HasSuffix(e, "again") {
				out = append(out, rest[:14])
			}
		}
	}
	return out
}

func (b *boss) heardAll() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.events)
}

func ask(cn string, begin, end time.Time) hj212.Message {
	return hj212.Message{CN: cn, CP: hj212.Area{{{Name: "BeginTime", Value: hj212.Stamp(begin)}, {Name: "EndTime", Value: hj212.Stamp(end)}}}}
}

// TestHistory asks for spans whose ends are both in them, over a link that is cut again
// and again: each record comes once, the oldest first.
func TestHistory(t *testing.T) {
	midnight := t0.Add(-8 * time.Hour)
	for _, e := range []hj212.Edition{hj212.Ed2005, hj212.Ed2017, hj212.Ed2025} {
		for _, test := range []struct {
			cn         string
			begin, end time.Time
			step       time.Duration
			n          int
		}{
			{cnMinute, midnight.Add(time.Hour), midnight.Add(30 * time.Hour), 10 * time.Minute, 175},
			{cnMinute, midnight.Add(time.Hour), midnight.Add(time.Hour), 10 * time.Minute, 1},
			{cnHour, midnight.Add(time.Minute), midnight.Add(24 * time.Hour), time.Hour, 24},
			{cnDay, midnight, midnight.Add(24 * time.Hour), 24 * time.Hour, 2},
		} {
			for _, cut := range []int{0, 7} {
				if cut == 0 && e != hj212.Ed2017 {
					continue
				}
				t.Run(fmt.Sprint(int(e), " ", test.cn, " ", test.n, " cut ", cut), func(t *testing.T) {
					obeyAfter(t, e, 3, nil, func(r *rig, b *boss, _ *Keeper) {
						b.mu.Lock()
						b.lose = func(n int) bool { return cut > 0 && n%cut == 0 }
						b.mu.Unlock()
						b.asks <- ask(test.cn, test.begin, test.end)
						wait(time.Hour)
						first := test.begin
						if test.cn == cnHour {
							first = midnight.Add(time.Hour)
						}
						var wanted []string
						for i := range test.n {
							wanted = append(wanted, hj212.Stamp(first.Add(time.Duration(i)*test.step)))
						}
						got := labels(b.heardAll(), test.cn)
						wantAll(t, "records", got, wanted)
						s := r.p.Stats().Commands
						want(t, "HistoryRecords", s.HistoryRecords, uint64(test.n))
						want(t, "Histories", s.Histories, 0)
						if cut == 0 {
							want(t, "result", r.lastSaid(), fmt.Sprintf("%s >%s to %s ExeRtn 1: %s", test.cn, hj212.Stamp(test.begin), hj212.Stamp(test.end), plural(test.n, "record")))
						}
					})
				})
			}
		}
	}
}

// TestHistoryBesideFresh has a history of days under way when figures are sealed: they do not
// wait for it. A third request is too much.
func TestHistoryBesideFresh(t *testing.T) {
	obeyAfter(t, hj212.Ed2017, 30, nil, func(r *rig, b *boss, _ *Keeper) {
		b.mu.Lock()
		b.lose = func(int) bool { time.Sleep(100 * time.Millisecond); return false } // a slow link
		b.mu.Unlock()
		for range 2 {
			b.asks <- ask(cnMinute, t0, t0.Add(40*24*time.Hour))
		}
		wait(10 * time.Second)
		want(t, "Histories", r.p.Stats().Commands.Histories, 2)
		b.take()
		b.asks <- ask(cnHour, t0, t0.Add(time.Hour))
		wait(5 * time.Second)
		if got := b.take(); !slices.Contains(got, "done 5") {
			t.Errorf("the third request: %v, want busy", got[max(0, len(got)-3):])
		}
		before := r.p.Stats()
		fresh := t0.Add(30 * 24 * time.Hour)
		r.log.add("stat", minute(fresh))
		wait(time.Second)
		s := r.p.Stats()
		want(t, "fresh records", s.Records-before.Records, 1)
		if most := uint64(maxHistories * 80); s.Commands.HistoryRecords-s.Taken > 2*most {
			t.Errorf("%d records handed out, of which %d were taken", s.Commands.HistoryRecords, s.Taken)
		}
		for _, h := range r.p.histories {
			if len(h.records) > maxPage {
				t.Errorf("%d records in memory", len(h.records))
			}
		}
	})
}
