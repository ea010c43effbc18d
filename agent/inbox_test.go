package main

import (
	"testing"
	"time"

	"envgate/drivers"
	"envgate/envelope"
)

func TestInboxKeepsTheFresh(t *testing.T) {
	b := newInbox()
	b.limit = 10
	for i := range 8 {
		b.add(time.Second, drivers.Sample{Source: string(rune('a' + i)), Readings: make([]drivers.Reading, 3)})
	}
	samples, lost := b.takeSamples()
	if len(samples) != 3 || samples[0].Source != "f" || lost != 15 {
		t.Errorf("%d samples from %q, %d readings lost; want 3 from f, 15 lost", len(samples), samples[0].Source, lost)
	}
	if samples, lost = b.takeSamples(); len(samples) != 0 || lost != 0 {
		t.Errorf("taken twice: %v, %d", samples, lost)
	}
}

func TestInboxBoundsEvents(t *testing.T) {
	b := newInbox()
	for range inboxEvents + 7 {
		b.event(envelope.Event{Type: "x"})
	}
	if events, unheard := b.takeEvents(); len(events) != inboxEvents || unheard != 7 {
		t.Errorf("%d events, %d unheard; want %d and 7", len(events), unheard, inboxEvents)
	}
}

func TestInboxHasRoomForTheLastWord(t *testing.T) {
	b := newInbox()
	for range inboxEvents {
		b.event(envelope.Event{Type: "x"})
	}
	b.event(envelope.Event{Type: envelope.EventStop})
	if events, unheard := b.takeEvents(); events[len(events)-1].Type != envelope.EventStop || unheard != 0 {
		t.Errorf("last of %d events is %s, %d unheard; want stop", len(events), events[len(events)-1].Type, unheard)
	}
}
