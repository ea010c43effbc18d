package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"time"

	"envgate/agent/uplink"
	"envgate/buffer"
	"envgate/envelope"
)

// state is what the writer keeps in the log beside the blocks, in one transaction
// with them: all it needs to go on after a stop of any kind.
type state struct {
	Machine   string                   `json:"machine"`
	Boot      string                   `json:"boot"`
	Heads     map[string]envelope.Head `json:"heads"`
	Index     map[string]uint64        `json:"index"`
	Last      int64                    `json:"last"`           // time of the last sealing, UTC ms
	Figured   int64                    `json:"fig,omitempty"`  // time of the last sealing of samples and figures, UTC ms
	Stopped   string                   `json:"stop,omitempty"` // reason of a clean stop
	Config    string                   `json:"cfg"`
	Catalogue string                   `json:"cat"`
	Birth     uint64                   `json:"birth"`          // seq of the newest birth block
	Gone      []evicted                `json:"gone,omitempty"` // evictions that no event tells of yet
	Known     map[string]known         `json:"set,omitempty"`  // settings by device
	Clock     kept                     `json:"clock"`
	Meters    map[string]uplink.Tally  `json:"meter,omitempty"`
	Order     int64                    `json:"order,omitempty"`  // UTC ms, see flow.ordered
	Modes     []mode                   `json:"modes,omitempty"`  // maintenance that was not over ...
	Mono      time.Duration            `json:"mono,omitempty"`   // ... at this time of the boot clock
	Alarms    []string                 `json:"alarms,omitempty"` // that are told to be on
	ConfigAt  uint64                   `json:"cfgat,omitempty"`  // seq of the block with the newest configuration
	Held      []held                   `json:"held,omitempty"`   // limits by command
}

// text is the state as the log keeps it. Of more devices than it has room for (some
// hundreds) nothing is kept of what is set in them: they are seen for the first time
// again at the next start.
func (s state) text() []byte {
	b := mustJSON(s)
	if len(b) > buffer.MaxState { // perhaps by what was evicted, and will be told with the next batch
		s.Known = maps.Clone(s.Known)
		for device, k := range s.Known {
			k.Set = nil
			s.Known[device] = k
		}
		b = mustJSON(s)
	}
	for _, less := range []func(){
		func() { s.Alarms = nil }, // told again
		func() { s.Known = nil },
		func() { s.Modes = nil },
	} {
		if len(b) > buffer.MaxState {
			less()
			b = mustJSON(s)
		}
	}
	return b
}

// documents are the texts behind the hashes in every block header, and the birth.
type documents struct {
	config    []byte
	catalogue []byte
	templates []document
	keys      string          // JSON: the public keys in force
	states    map[string]bool // source|point of those that are states, for figures
}

type document struct{ name, text string }

// errForeignLog is a log that another machine wrote: a cloned or moved card.
var errForeignLog = errors.New("the log belongs to another machine")

// begin opens the log and brings the press to its heads. The clock is watched before
// that: polls are at work already.
func (f *flow) begin(ctx context.Context) error {
	f.clock.look()
	for {
		log, err := f.open()
		if err == nil {
			f.log = log
			if f.append == nil {
				f.append = log.Append
			}
			break
		}
		f.failed(fmt.Errorf("open log: %w", err))
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(f.retry):
		}
	}
	f.recovered()
	for _, c := range f.cursors {
		if err := f.log.AddCursor(c.name, c.streams...); err != nil {
			return err
		}
	}
	var old state
	if !f.log.Fresh() {
		if err := f.readState(&old); err != nil {
			f.turning = err.Error()
		} else if here := f.machine; old.Machine != here && here != "" && old.Machine != "" {
			if !f.adopt {
				return fmt.Errorf("%w: it was written on machine %s, this is %s", errForeignLog, old.Machine, here)
			}
			f.turning = "taken over from machine " + old.Machine
		}
	}
	if f.turning != "" {
		f.turn()
		return nil
	}
	f.resume(old)
	f.prime()
	f.refigure(f.figured(old))
	return nil
}

// resume says in the event stream how this run or epoch begins: what the last stop
// was, which configuration is in force. old is the state in the log.
func (f *flow) resume(old state) {
	var former *buffer.Former
	if f.log.Fresh() {
		if former = f.log.Former(); former != nil {
			json.Unmarshal(former.State, &old) // as far as it can be read
		}
	}
	if f.press.epoch == "" {
		f.clock.recall(old.Clock, old.Boot)
	}
	clk, first := f.look()
	now := f.clock.wall()
	why := f.lastStop(old)
	if f.log.Fresh() {
		reason := "new log"
		if former != nil {
			reason = former.Reason
		}
		switch {
		case f.press.epoch != "":
			why = "runs on in a new epoch"
		case former != nil && old.Last == 0:
			why = "unknown: the log before could not be read"
		default:
			why = f.lastStop(old)
		}
		old = state{Last: old.Last, Heads: map[string]envelope.Head{}, Index: map[string]uint64{}, Clock: old.Clock, Meters: old.Meters, Order: old.Order, Boot: old.Boot, Figured: old.Figured, Modes: old.Modes, Mono: old.Mono, Alarms: old.Alarms, Held: old.Held}
		first = append([]envelope.Event{f.event(now, envelope.Event{
			Type: envelope.EventEpoch, Subject: f.log.Epoch(), New: f.epochText(former), Why: reason,
		})}, first...)
	}
	f.recallTallies(old.Meters)
	f.ordered.Store(max(f.ordered.Load(), old.Order))
	changed := f.recallChecks(&old, now)
	f.state = state{Machine: f.machine, Boot: f.clock.boot, Birth: old.Birth, Gone: old.Gone, Known: f.recall(old.Known), Clock: old.Clock, ConfigAt: old.ConfigAt, Held: old.Held}
	if f.rollup != nil {
		f.state.Figured = old.Figured
	}
	f.press.epoch = f.log.Epoch()
	f.press.heads, f.press.index = old.Heads, old.Index
	f.press.config, f.press.catalogue = envelope.Hash(f.documents.config), envelope.Hash(f.documents.catalogue)
	first = append(first, f.event(now, envelope.Event{
		Type: envelope.EventStart, Subject: f.press.firmware, Old: stampMs(old.Last), New: stamp(now), Why: why,
	}))
	first = append(first, changed...)
	if f.birthGone() {
		old = state{Last: old.Last}
	}
	first = append(append(first, f.documentEvents(now, old)...), f.restated(now, 0, 1)...)
	var b batch
	f.sealed(&b, true, func() ([]buffer.Record, error) { return f.press.events(clk, now, first) })
	f.lastLive = time.Now()
	f.store(b, now)
	f.logger.Info("log open", "epoch", f.log.Epoch(), "live", f.press.heads[live].Seq, "last_stop", why)
}

// documentEvents hold the texts behind those hashes that are not the ones of old.
// A template may change under an unchanged site file; the catalogue names its hash.
func (f *flow) documentEvents(now time.Time, old state) (events []envelope.Event) {
	if old.Config != f.press.config || old.Catalogue != f.press.catalogue {
		for _, d := range f.documents.templates {
			events = append(events, f.event(now, envelope.Event{
				Type: envelope.EventTemplate, Subject: d.name, New: d.text, Why: envelope.Hash([]byte(d.text)),
			}))
		}
	}
	if old.Config != f.press.config {
		events = append(events, f.event(now, envelope.Event{
			Type: envelope.EventConfig, Subject: f.press.config, Old: old.Config, New: string(f.documents.config),
		}))
	}
	if old.Catalogue != f.press.catalogue {
		events = append(events, f.event(now, envelope.Event{
			Type: envelope.EventBirth, Subject: f.press.catalogue, Old: old.Catalogue, New: string(f.documents.catalogue),
		}))
	}
	return events
}

// birthGone says whether the newest birth block has been evicted, or the newest configuration.
func (f *flow) birthGone() bool {
	first, _ := f.log.Bounds(event)
	return f.state.Birth == 0 || f.state.Birth < first || f.state.ConfigAt != 0 && f.state.ConfigAt < first
}

// readState is the state in the log, if it is whole and fits the blocks beside it.
func (f *flow) readState(s *state) error {
	if err := json.Unmarshal(f.log.State(), s); err != nil {
		return fmt.Errorf("state beside the log: %w", err)
	}
	for _, name := range streams {
		if _, last := f.log.Bounds(name); last != s.Heads[name].Seq {
			return fmt.Errorf("state beside the log: head of %s is %d, the log ends at %d", name, s.Heads[name].Seq, last)
		}
		if err := f.fitsHead(name, s.Heads[name]); err != nil {
			return err
		}
	}
	if s.Index == nil {
		s.Index = map[string]uint64{}
	}
	return nil
}

// fitsHead holds a head of the state against the newest block: the next one is chained to
// it, and would break the chain for all time if a bit of either had changed.
func (f *flow) fitsHead(stream string, h envelope.Head) error {
	if h.Seq == 0 {
		return nil
	}
	_, blocks, err := f.log.Read(stream, h.Seq-1, 1)
	if err != nil || len(blocks) == 0 {
		return nil // what cannot be read now is not wrong; all of it may be evicted
	}
	payload, err := envelope.Peek(blocks[0])
	if err != nil || envelope.Hash(payload) != h.Hash {
		return fmt.Errorf("state beside the log: the hash of %s %d is another than the block's", stream, h.Seq)
	}
	return nil
}

// lastStop names why the last run ended, as far as that can be known.
func (f *flow) lastStop(old state) string {
	switch {
	case old.Last == 0:
		return "first start"
	case old.Stopped != "":
		return old.Stopped
	case old.Boot != f.clock.boot:
		return "power cut or restart of the system"
	}
	return "killed"
}

// epochText is what the first event of an epoch says: where the former one ended,
// and which keys sign.
func (f *flow) epochText(former *buffer.Former) string {
	type last struct {
		Epoch string                   `json:"epoch"`
		Heads map[string]envelope.Head `json:"heads"`
	}
	text := struct {
		Last any             `json:"last"`
		Keys json.RawMessage `json:"keys"`
	}{"lost", json.RawMessage(f.documents.keys)}
	if former != nil && former.Epoch != "" {
		l := last{former.Epoch, map[string]envelope.Head{}}
		for name, h := range former.Heads {
			l.Heads[name] = envelope.Head{Seq: h.Seq, Hash: h.Hash}
		}
		text.Last = l
	}
	b, err := json.Marshal(text)
	if err != nil {
		return "{}"
	}
	return string(b)
}

func (f *flow) event(at time.Time, e envelope.Event) envelope.Event {
	e.At = at.UnixMilli()
	return e
}

// birth is the newest birth block, nil before there is one. For any goroutine, after
// the log is open.
func birth(log *buffer.Log) []byte {
	var s state
	if json.Unmarshal(log.State(), &s) != nil || s.Birth == 0 {
		return nil
	}
	first, blocks, err := log.Read(event, s.Birth-1, 1)
	if err != nil || len(blocks) == 0 || first != s.Birth {
		return nil
	}
	return blocks[0]
}
