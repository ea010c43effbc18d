package main

import (
	"cmp"
	"fmt"
	"time"

	"envgate/buffer"
	"envgate/envelope"
)

// evictions is what must go from the log now, and which of it no uplink has delivered.
func (f *flow) evictions(now time.Time) (due []buffer.Eviction, gone []evicted) {
	due = f.log.Due(now)
	return due, f.undelivered(due)
}

// undelivered is what an eviction takes from somebody.
func (f *flow) undelivered(due []buffer.Eviction) (gone []evicted) {
	for _, d := range due {
		if d.Acked {
			continue
		}
		f.logger.Warn("undelivered blocks go for want of room", "stream", d.Stream, "from", d.From, "to", d.To)
		gone = append(gone, f.describe(d))
	}
	return gone
}

// evictionEvents tell what went undelivered.
func (f *flow) evictionEvents(now time.Time, gone []evicted) (events []envelope.Event) {
	for _, e := range gone {
		events = append(events, f.event(now, envelope.Event{
			Type: envelope.EventLogEvicted, Subject: e.Stream, Old: fmt.Sprintf("%d-%d", e.From, e.To), New: string(mustJSON(e)), Why: "budget",
		}))
	}
	return events
}

// evicted is the text of an eviction event: enough to prove what is missing, and the
// hash from which the chain goes on.
type evicted struct {
	Stream   string `json:"stream"`
	From     uint64 `json:"from"`
	To       uint64 `json:"to"`
	Hash     string `json:"hash"`
	Readings int    `json:"readings"`
	T0       int64  `json:"t0"`
	T1       int64  `json:"t1"`
}

func (f *flow) describe(d buffer.Eviction) evicted {
	e := evicted{Stream: d.Stream, From: d.From, To: d.To}
	for after := d.From - 1; after < d.To; {
		first, blocks, err := f.log.Read(d.Stream, after, int(min(evictionRead, d.To-after)))
		if err != nil || len(blocks) == 0 {
			break
		}
		for i, message := range blocks {
			payload, err := envelope.Peek(message)
			if err != nil {
				continue
			}
			if first+uint64(i) == d.To {
				e.Hash = envelope.Hash(payload)
			}
			b, err := envelope.ParsePayload(payload)
			if err != nil {
				continue
			}
			e.T0 = min(b.T0, cmp.Or(e.T0, b.T0))
			e.T1 = max(e.T1, b.T0)
			for _, g := range b.Groups {
				for _, c := range g.Columns {
					e.Readings += len(c.Values)
				}
			}
		}
		after = first + uint64(len(blocks)) - 1
	}
	return e
}
