package main

import (
	"testing"
	"time"

	"envgate/buffer"
	"envgate/envelope"
)

// What was set in a device is known after a kill between the commit that evicted its block
// and the one that tells it anew, wherever the eviction came from.
func TestSettingsSurviveAnEvictionOfItsOwn(t *testing.T) {
	for name, told := range map[string]bool{"told by the batch": true, "not told yet": false} {
		for _, after := range []int{1, 2} { // commits that reach the disk: the eviction; the parked batch too
			dir, key := t.TempDir(), testKey(t)
			f := beginFlow(t, dir, key)
			f.in.report(found("gas", "span", "500"))
			f.commit(true, true)
			seq := f.state.Known["gas"].Seq
			f.in.event(envelope.Event{Type: envelope.EventLineUp, At: time.Now().UnixMilli(), Subject: "bus"})
			f.commit(true, true)

			evict := []buffer.Eviction{{Stream: event, From: 1, To: seq, Acked: true}}
			left := after
			write := f.append
			f.append = func(b buffer.Batch) error {
				if left == 0 {
					return buffer.ErrSuspect // dead
				}
				left--
				return write(b)
			}
			now := f.clock.now()
			records, err := f.press.events(envelope.Clock{State: "sync"}, now, f.restated(now, 1, seq+1))
			if err != nil || len(records) == 0 {
				t.Fatal(len(records), err)
			}
			b := batch{}
			if told {
				b.Records, b.Evict = records, evict
			} else if b.Records, err = f.press.events(envelope.Clock{State: "sync"}, now, []envelope.Event{{Type: envelope.EventFault, At: now.UnixMilli()}}); err != nil {
				t.Fatal(err)
			}
			f.parked = &b
			for _, r := range b.Records {
				f.note(r)
			}
			f.state.Heads, f.state.Index = f.press.heads, f.press.index
			b.State = f.state.text()
			if err := f.evictAlone(evict, told, true); err != nil {
				t.Fatal(err)
			}
			f.unpark()
			closeFlow(t, f)

			f = beginFlow(t, dir, key)
			if got := f.settings["gas"]["span"].Value; got != "500" {
				t.Errorf("%s, %d commits: span of gas is %q after a kill, want 500", name, after, got)
			}
			f.in.report(found("gas", "span", "400"))
			f.commit(true, true)
			first, last := f.log.Bounds(event)
			changed := 0
			for seq := first; seq <= last; seq++ {
				for _, e := range parsed(t, f.log, event, seq).Events {
					if e.Type == envelope.EventParameter {
						changed++
					}
				}
			}
			if changed != 1 || f.state.Known["gas"].Set != nil || f.state.Known["gas"].Seq < first {
				t.Errorf("%s, %d commits: a change while it was off is told %d times, known %+v", name, after, changed, f.state.Known["gas"])
			}
		}
	}
}
