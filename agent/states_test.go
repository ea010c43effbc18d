package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"envgate/drivers"
	"envgate/drivers/modbus"
	"envgate/envelope"
)

// watchDoor gives a watch the values of a door one after the other, "-" for none, and
// returns the events as "at old>new why".
func watchDoor(every time.Duration, values ...string) []string {
	w := watchStates("io-1", []drivers.Point{{Name: "door", States: [2]string{"closed", "open"}}, {Name: "w01018"}})
	began := time.UnixMilli(1_700_000_000_000)
	var out []string
	for i, v := range values {
		r := drivers.Reading{Point: "door", Value: v, Flag: "N"}
		if v == "-" {
			r = drivers.Reading{Point: "door", Flag: "B", Cause: drivers.CauseNoAnswer}
		}
		at := began.Add(time.Duration(i) * every)
		samples := []drivers.Sample{
			{Source: "io-1", Time: at, Readings: []drivers.Reading{{Point: "w01018", Value: "1", Flag: "N"}}},
			{Source: "io-1/2", Time: at, Readings: []drivers.Reading{r}},
		}
		w.see(samples, func(e envelope.Event) {
			if e.Type != envelope.EventState || e.Subject != "io-1/door" {
				out = append(out, fmt.Sprintf("%+v", e))
				return
			}
			out = append(out, strings.TrimSpace(fmt.Sprintf("%s %s>%s %s", time.UnixMilli(e.At).Sub(began), e.Old, e.New, e.Why)))
		})
	}
	return out
}

func TestStateEvents(t *testing.T) {
	values := func(s string) []string { return strings.Split(s, "") }
	for _, tt := range []struct {
		name, values string
		want         []string
	}{
		{"the first state is said once", "0000", []string{"0s >closed"}},
		{"a change", "00100", []string{"0s >closed", "2s closed>open", "3s open>closed"}},
		{"one or two lost answers are no news", "1--1", []string{"0s >open"}},
		{"no answer is said once", "1-----", []string{"0s >open", "3s open>unknown no-answer"}},
		{"known again as before", "1---1", []string{"0s >open", "3s open>unknown no-answer", "4s unknown>open"}},
		{"known again, and changed", "1---0", []string{"0s >open", "3s open>unknown no-answer", "4s unknown>closed"}},
		{"changed behind a lost answer", "1-0", []string{"0s >open", "2s open>closed"}},
		{"what was never known is no event", "-----", nil},
		{"known late", "-----1", []string{"5s >open"}},
		{"neither 0 nor 1", "x1x", []string{"1s >open"}},
	} {
		if got := watchDoor(time.Second, values(tt.values)...); !slices.Equal(got, tt.want) {
			t.Errorf("%s: %s gives\n%s\nwant\n%s", tt.name, tt.values, strings.Join(got, "\n"), strings.Join(tt.want, "\n"))
		}
	}
}

// A contact that chatters for an hour has a handful of events a minute, and they account
// for each change; the last one says how it ended.
func TestChatter(t *testing.T) {
	var values []string
	for range 9000 {
		values = append(values, "0", "1")
	}
	values = append(values, "0", "0")
	for range 60 {
		values = append(values, "0")
	}
	events := watchDoor(200*time.Millisecond, values...)
	if most := int(3612*time.Second/statePace) + stateBurst; len(events) > most || len(events) < most-3 {
		t.Errorf("%d events for 18001 changes in an hour, want about %d", len(events), most)
	}
	changes, last := 0, "" // the state after an event is the next one's before
	for _, e := range events {
		_, text, _ := strings.Cut(e, " ")
		before, after, _ := strings.Cut(text, ">")
		after, why, _ := strings.Cut(after, " ")
		if before != last {
			t.Fatalf("%q follows on the state %q", e, last)
		}
		last = after
		n := 1
		if why != "" {
			if _, err := fmt.Sscanf(why, "%d changes, too fast", &n); err != nil {
				t.Fatalf("event %q: %v", e, err)
			}
		}
		changes += n
	}
	if changes != 18001 || last != "closed" {
		t.Errorf("the events tell of %d changes and end with %q, want 18001 and closed", changes, last)
	}
}

// scriptBus answers as a function says.
type scriptBus func(modbus.Read) ([]byte, error)

func (b scriptBus) Read(_ context.Context, r modbus.Read) ([]byte, error) { return b(r) }

// On a line: a unit that falls silent has an unknown state, said once, and one that
// comes back is known again.
func TestStateOfSilentUnit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tmpl, err := drivers.NewTemplate("io", []drivers.PointSpec{{Point: "door", Function: "2", Address: "0", When0: "closed", When1: "open"}})
		if err != nil {
			t.Fatal(err)
		}
		d, err := drivers.NewDevice(drivers.DeviceOptions{Name: "io", Unit: 1, Template: tmpl, Timeout: 500 * time.Millisecond})
		if err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		bus := scriptBus(func(r modbus.Read) ([]byte, error) {
			switch after := time.Since(began); {
			case after < 10*time.Second:
				return []byte{0}, nil
			case after < 20*time.Second:
				return []byte{1}, nil
			case after < 200*time.Second:
				time.Sleep(r.Timeout)
				return nil, modbus.ErrNoAnswer
			}
			return []byte{0}, nil
		})
		in := runLine(t, bus, 300*time.Second, &pollee{Device: d, name: "io", task: task{every: time.Second, price: time.Second}})
		events, _ := in.takeEvents()
		var got []string
		for _, e := range events {
			if e.Type == envelope.EventState {
				got = append(got, e.Subject+" "+e.Old+">"+e.New+" "+e.Why)
			}
		}
		want := []string{"io/door >closed ", "io/door closed>open ", "io/door open>unknown offline", "io/door unknown>closed "}
		if !slices.Equal(got, want) {
			t.Errorf("got  %q\nwant %q", got, want)
		}
	})
}
