package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"time"

	"envgate/buffer"
	"envgate/envelope"
)

// What is set in the instruments, as the writer knows it. Each device's whole set stands in
// an event of the log, and the state names its block: so it survives a restart in one
// transaction with the events that tell of changes, and no batch carries it along.

// set is what was found set in a device, by parameter.
type set map[string]parameter

// parameter is one value with the instrument's own digits.
type parameter struct {
	Value string `json:"value"`
	Unit  string `json:"unit,omitempty"`
	Of    string `json:"of,omitempty"` // the point that it decides
}

// known is what the state holds of a device's settings.
type known struct {
	Seq   uint64   `json:"seq,omitempty"` // of the event block with the newest set
	Set   set      `json:"set,omitempty"` // itself, after its block was evicted and before another has it
	Clock *ticking `json:"clk,omitempty"`
}

// ticking is a device's clock at the last survey, in seconds.
type ticking struct {
	Off  int64 `json:"off"` // the instrument's less ours
	At   int64 `json:"at"`
	Said int64 `json:"said"` // the difference that an event told last
}

const (
	clockAstray = 36 // s; 1 % of the time from one survey to the next
	clockShare  = 100
	clockLeast  = 5 // s: clocks give whole ones, and a question takes its time
)

// text is how events write a setting.
func (s parameter) text() string {
	if s.Unit == "" || s.Unit == "1" || s.Value == "" {
		return s.Value
	}
	return s.Value + " " + s.Unit
}

// settled makes events of what is set otherwise than before, and of clocks that go wrong.
func (f *flow) settled(clk envelope.Clock, moved shift, reports []surveyed) (events []envelope.Event) {
	for _, r := range reports {
		r.at = moved.time(r.at)
		events = append(events, f.compare(r)...)
		events = append(events, f.ticks(clk, r)...)
	}
	return events
}

// compare takes in a survey. What it could not read stays as it was known: that is no
// difference.
func (f *flow) compare(r surveyed) (events []envelope.Event) {
	old, next := f.settings[r.device], set{}
	for _, s := range r.settings {
		was, had := old[s.Parameter]
		now := parameter{s.Value, s.Unit, s.Of}
		if s.Value == "" {
			if had {
				next[s.Parameter] = was
			}
			continue
		}
		next[s.Parameter] = now
		if old != nil && was.text() != now.text() {
			e := envelope.Event{Type: envelope.EventParameter, Subject: r.device + "/" + s.Parameter, Old: was.text(), New: now.text(), Why: s.English}
			events = append(events, f.event(r.at, e))
			f.logger.Warn("a parameter of a device is another than before", "device", e.Subject, "old", e.Old, "new", e.New)
		}
	}
	if maps.Equal(next, old) {
		return nil
	}
	f.settings[r.device] = next
	f.orders.setIn(r.device, next)
	why := "changed"
	if old == nil {
		why = "first sight"
	}
	return append(events, f.whole(r.at, r.device, why))
}

// whole is the event that holds a device's set.
func (f *flow) whole(at time.Time, device, why string) envelope.Event {
	return f.event(at, envelope.Event{
		Type: envelope.EventParameters, Subject: device, New: string(mustJSON(f.settings[device])), Why: why,
	})
}

// ticks says when a device's clock goes wrong: by 1 % of the time since it was looked at
// before, or by more than 36 s from what was said of it last. While the system's clock is
// not set, or was set since the last live block, there is nothing to compare with.
func (f *flow) ticks(clk envelope.Clock, r surveyed) []envelope.Event {
	if r.clock == nil || f.stepped || f.clock.held.Load() != 0 || clk.State != "sync" && clk.State != "holdover" {
		return nil
	}
	now := ticking{Off: int64(r.clock.Off.Round(time.Second) / time.Second), At: r.clock.At.Unix()}
	k := f.state.Known[r.device]
	before, why := "", ""
	if last := k.Clock; last != nil {
		now.Said = last.Said
		before = seconds(last.Off).String()
		passed := distance(now.At, last.At)
		if moved := distance(now.Off, last.Off); moved > max(clockLeast, passed/clockShare) {
			why = fmt.Sprintf("by %s in %s", seconds(moved), seconds(passed))
		}
	}
	if why == "" && distance(now.Off, now.Said) > clockAstray {
		why = "off by more than " + seconds(clockAstray).String()
	}
	if why != "" {
		now.Said = now.Off
	}
	k.Clock = &now
	f.state.Known[r.device] = k
	if why == "" {
		return nil
	}
	f.logger.Warn("the clock of a device", "device", r.device, "off", seconds(now.Off), "before", before)
	return []envelope.Event{f.event(r.at, envelope.Event{
		Type: envelope.EventDeviceClock, Subject: r.device, Old: before, New: seconds(now.Off).String(), Why: why,
	})}
}

func seconds(n int64) time.Duration { return time.Duration(n) * time.Second }

func distance(a, b int64) int64 { return max(a, b) - min(a, b) }

// recall brings back what the last run knew of settings, out of the blocks that old
// names. Devices that have left the site are forgotten. In a new epoch of this run no
// block holds them yet, and it goes on with what it knows.
func (f *flow) recall(old map[string]known) map[string]known {
	out := map[string]known{}
	if f.settings != nil {
		for device, k := range f.state.Known {
			k.Seq, k.Set = 0, nil
			out[device] = k
		}
		return out
	}
	f.settings = map[string]set{}
	for device, k := range old {
		if f.devices != nil && !slices.Contains(f.devices, device) {
			continue
		}
		out[device] = k
		if s := f.readSet(device, k.Seq); s != nil {
			f.settings[device] = s
		} else if k.Set != nil {
			f.settings[device] = k.Set
		}
		f.orders.setIn(device, f.settings[device])
	}
	return out
}

// hold puts the sets into known whose blocks go with these evictions.
func (f *flow) hold(known map[string]known, evict []buffer.Eviction) {
	for _, e := range evict {
		for device, k := range known {
			if e.Stream != event || k.Seq < e.From || k.Seq > e.To {
				continue
			}
			if s := f.readSet(device, k.Seq); s != nil {
				k.Set = s
				known[device] = k
			}
		}
	}
}

// readSet is a device's set out of an event block; nil if it is not there.
func (f *flow) readSet(device string, seq uint64) (s set) {
	if seq == 0 {
		return nil
	}
	first, blocks, err := f.log.Read(event, seq-1, 1)
	if err != nil || len(blocks) == 0 || first != seq {
		return nil
	}
	for _, e := range blockEvents(blocks[0]) {
		if e.Type == envelope.EventParameters && e.Subject == device && json.Unmarshal([]byte(e.New), &s) != nil {
			return nil
		}
	}
	return s
}

// restated are the sets of devices whose newest block is one from number from on and
// before to: 0 and 1 for those that a new epoch does not hold yet.
func (f *flow) restated(now time.Time, from, to uint64) (events []envelope.Event) {
	for _, device := range slices.Sorted(maps.Keys(f.settings)) {
		if seq := f.state.Known[device].Seq; from <= seq && seq < to {
			events = append(events, f.whole(now, device, "as known before"))
		}
	}
	return events
}

// note takes down in the state which blocks have the newest birth, configuration and sets.
func (f *flow) note(r buffer.Record) {
	events := blockEvents(r.Data)
	if len(events) > 0 && events[0].Type == envelope.EventBirth {
		f.state.Birth = r.Seq
	}
	for _, e := range events {
		switch e.Type {
		case envelope.EventConfig:
			f.state.ConfigAt = r.Seq
		case envelope.EventParameters:
			k := f.state.Known[e.Subject]
			k.Seq, k.Set = r.Seq, nil
			f.state.Known[e.Subject] = k
		}
	}
}

func blockEvents(message []byte) []envelope.Event {
	b, err := envelope.PeekBlock(message)
	if err != nil {
		return nil
	}
	return b.Events
}
