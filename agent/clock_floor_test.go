package main

import (
	"testing"
	"time"
)

// A clock that ran years ahead, and was believed, leaves no time that counts as impossible
// when the kernel's source has set it right. What is older than the program stays so.
func TestClockFloorOfAWrongClock(t *testing.T) {
	wrong := epoch0.AddDate(12, 0, 0)
	for name, tt := range map[string]struct {
		now    time.Time
		synced bool
		known  bool
	}{
		"set right":             {epoch0, true, true},
		"by nobody":             {epoch0, false, false},
		"a source that is 1970": {time.Unix(40, 0), true, false},
	} {
		t.Run(name, func(t *testing.T) {
			k, c := &fakeClock{wall: tt.now, mono: time.Minute, synced: tt.synced}, newClock()
			k.into(c)
			c.least = epoch0.AddDate(-1, 0, 0)
			c.floor = c.least
			c.recall(kept{Base: 1, State: "sync", Good: wrong.UnixMilli()}, "another")
			c.look()
			if c.known() != tt.known {
				t.Errorf("known is %v at %v, with %v as the floor", c.known(), tt.now, c.floor)
			}
		})
	}
}
