package faults

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"strconv"
	"time"

	"envgate/buffer"
	"envgate/envelope"
)

// Gateway is the name under which the victim seals.
const Gateway = "gw-fault"

// Streams are those of the agent.
var Streams = []string{envelope.StreamLive, envelope.StreamStat, envelope.StreamEvent}

// Orders say how a victim works.
type Orders struct {
	Path    string        `json:"path"`
	NoSync  bool          `json:"no_sync"` // control: no syncs, so that a power cut must lose
	Early   bool          `json:"early"`   // control: acknowledges before the log took it
	Pause   time.Duration `json:"pause"`   // between two commits
	Commits int           `json:"commits"` // ends by itself after so many; 0: never
}

// key is the victim's, the same in each life: the oracle verifies with its public half.
func key() *envelope.Key {
	k, err := envelope.KeyFromSeed(Gateway+"/EdDSA/1", []byte("a key that proves nothing at all"))
	if err != nil {
		panic(err) // 32 bytes of seed, a good name
	}
	return k
}

// Options are those of the agent's log, with the smallest budget, so that evictions are
// part of what is killed.
func Options(noSync bool) buffer.Options {
	hash := func(block []byte) string {
		payload, err := envelope.Peek(block)
		if err != nil {
			return ""
		}
		return envelope.Hash(payload)
	}
	return buffer.Options{
		MaxBytes: buffer.MinBytes,
		NoSync:   noSync,
		Streams: []buffer.StreamOptions{
			{Name: envelope.StreamLive, Share: 0.7}, {Name: envelope.StreamStat, Share: 0.25}, {Name: envelope.StreamEvent, Share: 0.05},
		},
		Verify: func(block []byte) error {
			_, err := envelope.Peek(block)
			return err
		},
		Hash: hash,
	}
}

// victim is one life of the writer.
type victim struct {
	orders Orders
	out    io.Writer
	log    *buffer.Log
	sealer *envelope.Sealer
	state  Ack // as the log keeps it
}

// Work seals and appends until it is killed, or has made all its commits. It writes to
// out a line for each: "ack" and the Ack as JSON once the batch is on disk, "again" and
// the error where the batch has to be tried again, "epoch" and why where a new epoch
// begins.
func Work(o Orders, out io.Writer) error {
	l, err := buffer.Open(o.Path, Options(o.NoSync))
	for errors.Is(err, buffer.ErrFull) { // as the agent does it
		fmt.Fprintln(out, "again", err)
		time.Sleep(retry)
		l, err = buffer.Open(o.Path, Options(o.NoSync))
	}
	if err != nil {
		return err
	}
	defer l.Close()
	if err := l.AddCursor("up", Streams...); err != nil {
		return err
	}
	v := &victim{orders: o, out: out, log: l, sealer: envelope.NewSealer(key())}
	if err := v.begin(); err != nil {
		return err
	}
	for n := 0; o.Commits == 0 || n < o.Commits; n++ {
		if err := v.commit(nil); err != nil {
			return err
		}
		v.deliver()
		time.Sleep(o.Pause)
	}
	if err := l.Close(); err != nil { // cursor moves that waited; nothing that was acknowledged
		fmt.Fprintln(out, "again", err)
	}
	return nil
}

const retry = 20 * time.Millisecond

// begin goes on where the log's state says, or begins its epoch with an event that
// names the former one.
func (v *victim) begin() error {
	v.state = Ack{Epoch: v.log.Epoch(), Heads: map[string]envelope.Head{}, Gone: map[string]envelope.Head{}}
	if !v.log.Fresh() {
		err := json.Unmarshal(v.log.State(), &v.state)
		if err == nil {
			return nil
		}
		if err := v.log.Rotate("state beside the log: " + err.Error()); err != nil {
			return err
		}
		return v.begin()
	}
	e := envelope.Event{Type: envelope.EventEpoch, Subject: v.log.Epoch(), New: "lost", Why: "new log"}
	if f := v.log.Former(); f != nil {
		e.Why = f.Reason
		if f.Epoch != "" {
			text, err := json.Marshal(f)
			if err != nil {
				return err
			}
			e.New = f.Epoch + " " + string(text)
		}
		fmt.Fprintln(v.out, "epoch", e.Subject, f.Reason)
	}
	return v.commit(&e)
}

// commit makes the next batch, with what has to go, and tries until the log took it.
// What is sealed once is never sealed anew.
func (v *victim) commit(first *envelope.Event) error {
	next := Ack{Epoch: v.state.Epoch, Commit: v.state.Commit + 1, Heads: maps.Clone(v.state.Heads), Gone: maps.Clone(v.state.Gone)}
	var b buffer.Batch
	var err error
	if b.Evict, err = v.evictions(&next); err != nil {
		return err
	}
	if b.Records, err = v.seal(&next, first); err != nil {
		return err
	}
	if b.State, err = json.Marshal(next); err != nil {
		return err
	}
	if v.orders.Early {
		v.say(next)
	}
	for err = v.log.Append(b); err != nil; err = v.log.Append(b) {
		fmt.Fprintln(v.out, "again", err)
		switch {
		case errors.Is(err, buffer.ErrDamaged):
			if err := v.log.Rotate(err.Error()); err != nil {
				return err
			}
			return v.begin()
		case errors.Is(err, buffer.ErrSeq), errors.Is(err, buffer.ErrRange), errors.Is(err, buffer.ErrClosed):
			return err
		}
		time.Sleep(retry)
	}
	v.state = next
	if !v.orders.Early {
		v.say(next)
	}
	return nil
}

// say is one write, so that a kill cuts the line or leaves it whole.
func (v *victim) say(a Ack) {
	text, err := json.Marshal(a)
	if err != nil {
		panic(err) // our own plain struct
	}
	fmt.Fprintf(v.out, "ack %s\n", text)
}

// evictions are those due, whose newest hashes anchor what remains.
func (v *victim) evictions(next *Ack) ([]buffer.Eviction, error) {
	due := v.log.Due(time.Now())
	for _, e := range due {
		_, blocks, err := v.log.Read(e.Stream, e.To-1, 1)
		if err != nil {
			return nil, err
		}
		payload, err := envelope.Peek(blocks[0])
		if err != nil {
			return nil, err
		}
		next.Gone[e.Stream] = envelope.Head{Seq: e.To, Hash: envelope.Hash(payload)}
	}
	return due, nil
}

// seal makes one to three live blocks, a stat block with each third commit and an event
// with each fifth. How large they are follows from the commit's number.
func (v *victim) seal(next *Ack, first *envelope.Event) (records []buffer.Record, err error) {
	r := rand.New(rand.NewPCG(next.Commit, 7))
	add := func(stream string, e *envelope.Event) {
		head := next.Heads[stream]
		b := envelope.Block{
			Gateway: Gateway, Stream: stream, Epoch: next.Epoch, Seq: head.Seq + 1, Prev: head.Hash,
			Boot: "fault", T0: 1780000000000 + int64(next.Commit), Clock: envelope.Clock{State: envelope.ClockUnsync, ErrMs: -1},
			Config: envelope.Hash(nil), Catalogue: envelope.Hash(nil), Firmware: "faults",
		}
		if head.Seq == 0 {
			b.Prev = envelope.Genesis
		}
		if e != nil {
			b.Events = []envelope.Event{*e}
		} else {
			b.Groups = []envelope.Group{readings(r, next.Commit)}
		}
		payload := b.AppendPayload(nil)
		message, sealErr := v.sealer.Seal(envelope.TypeBlock, payload)
		err = errors.Join(err, sealErr)
		next.Heads[stream] = envelope.Head{Seq: b.Seq, Hash: envelope.Hash(payload)}
		records = append(records, buffer.Record{Stream: stream, Seq: b.Seq, Time: time.Now(), Data: message})
	}
	if first != nil {
		add(envelope.StreamEvent, first)
	} else if next.Commit%5 == 0 {
		add(envelope.StreamEvent, &envelope.Event{Type: envelope.EventState, Subject: "door", New: strconv.FormatUint(next.Commit, 10)})
	}
	if next.Commit%3 == 0 {
		add(envelope.StreamStat, nil)
	}
	for range 1 + next.Commit%3 {
		add(envelope.StreamLive, nil)
	}
	return records, err
}

// readings are some that no compressor makes small.
func readings(r *rand.Rand, commit uint64) envelope.Group {
	g := envelope.Group{Source: "dust", Index: commit, Times: make([]int64, 20+r.IntN(160))}
	values := make([]string, len(g.Times))
	for i := range values {
		g.Times[i] = int64(i) * 1000
		values[i] = strconv.Itoa(r.IntN(1e8))
	}
	g.Columns = []envelope.Column{{Point: "a34002", Kind: envelope.ColumnLive, Values: values}}
	return g
}

// deliver does what an uplink does: it reads what is new and, some blocks later, has the
// receipt for it.
func (v *victim) deliver() {
	for stream, head := range v.state.Heads {
		upto, _ := v.log.Acked("up", stream)
		if _, _, err := v.log.Read(stream, upto, 16); err != nil {
			fmt.Fprintln(v.out, "read", err)
		}
		if head.Seq > 20 {
			v.log.Ack(v.state.Epoch, "up", stream, 1, head.Seq-20)
		}
	}
}

// A Round is what the virtual machine is told when its power is on again.
type Round struct {
	Orders
	Now     int64 `json:"now"`      // time of day, Unix nanoseconds
	Last    Ack   `json:"last"`     // what was acknowledged before the cut
	NoFlush bool  `json:"no_flush"` // control: syncs do not reach the disk
	Agent   bool  `json:"agent"`    // the agent writes, in place of a victim
}
