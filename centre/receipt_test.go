package main

import (
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"envgate/envelope"
)

// A mailbox collects receipts, verified.
type mailbox struct {
	t    *testing.T
	keys envelope.KeySet
	got  []*envelope.Receipt
	at   []time.Duration
	t0   time.Time
}

func (m *mailbox) publish(topic string, message []byte) {
	r, err := envelope.OpenReceipt(message, m.keys)
	if err != nil {
		m.t.Errorf("receipt: %v", err)
		return
	}
	if want := "envgate/" + r.Gateway + "/receipt/" + r.Stream; topic != want {
		m.t.Errorf("receipt on %q, want %q", topic, want)
	}
	m.got = append(m.got, r)
	m.at = append(m.at, time.Since(m.t0))
}

func newReceipts(t *testing.T) (*receipts, *mailbox) {
	t.Helper()
	k, err := envelope.NewKey("centre")
	if err != nil {
		t.Fatal(err)
	}
	m := &mailbox{t: t, keys: envelope.NewKeySet(k.Public()), t0: time.Now()}
	r := &receipts{
		sealer: envelope.NewSealer(k), prefix: "envgate", interval: 500 * time.Millisecond, after: 5 * time.Second,
		publish: m.publish, log: quiet,
	}
	r.follow(nil)
	return r, m
}

// run gives receipts for a time as the receiver does.
func (r *receipts) run(d time.Duration, each func(i int)) {
	end := time.Now().Add(d)
	for i := 0; time.Now().Before(end); i++ {
		if each != nil {
			each(i)
		}
		r.give(time.Now(), false)
		time.Sleep(50 * time.Millisecond)
	}
}

func hashes(n int) []edge {
	out := links(n)
	prev := envelope.Genesis
	for i := range out {
		out[i].Prev, out[i].Hash = prev, envelope.Hash([]byte(fmt.Sprint(i)))
		prev = out[i].Hash
	}
	return out
}

func TestReceiptsAreBatched(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, m := newReceipts(t)
		e := hashes(100)
		c := newChain(chainID{"gw-1", "live", "e1"}, 1)
		r.run(2*time.Second, func(i int) { // a block each 50 ms
			c.add(e[i], time.Now())
			r.changed([]*chain{c})
		})
		if n := len(m.got); n < 4 || n > 5 {
			t.Fatalf("%d receipts in 2 s at %v, want one each 500 ms", n, m.at)
		}
		last := m.got[len(m.got)-1]
		if last.Head != e[last.UpTo-1].Hash || last.Epoch != "e1" || len(last.Have) != 0 || len(last.Want) != 0 {
			t.Errorf("receipt %+v", last)
		}
		r.run(time.Second, nil)
		if last := m.got[len(m.got)-1]; last.UpTo != 40 {
			t.Errorf("the last receipt is up to %d, want 40: what came last is told too", last.UpTo)
		}
		n := len(m.got)
		r.run(time.Minute, nil)
		if len(m.got) != n {
			t.Errorf("%d receipts while nothing came, want none", len(m.got)-n)
		}
	})
}

func TestReceiptAtOnceAfterCatchingUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, m := newReceipts(t)
		e := hashes(10)
		c := newChain(chainID{"gw-1", "live", "e1"}, 1)
		c.add(e[0], time.Now())
		c.add(e[2], time.Now())
		r.changed([]*chain{c})
		r.give(time.Now(), false)
		time.Sleep(10 * time.Millisecond)
		c.add(e[1], time.Now())
		r.changed([]*chain{c})
		r.give(time.Now(), false)
		if len(m.got) != 2 || m.got[0].UpTo != 1 || m.got[1].UpTo != 3 {
			t.Fatalf("receipts %v at %v, want up to 1, and 10 ms later up to 3", m.got, m.at)
		}
	})
}

// Missing ranges are asked for when they are some seconds old, and then ever
// more rarely, though nothing arrives.
func TestReceiptsAskAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, m := newReceipts(t)
		e := hashes(10)
		c := newChain(chainID{"gw-1", "live", "e1"}, 1)
		c.add(e[0], time.Now())
		c.add(e[5], time.Now())
		r.changed([]*chain{c})
		r.run(2*time.Minute, nil)
		var asked []time.Duration
		for i, g := range m.got {
			switch {
			case len(g.Want) > 0:
				asked = append(asked, m.at[i].Round(time.Second))
				if !slices.Equal(g.Want, [][2]uint64{{2, 5}}) {
					t.Errorf("wants %v, want 2-5", g.Want)
				}
			case m.at[i] >= 5*time.Second:
				t.Errorf("a receipt after %v asks for nothing", m.at[i])
			}
			if !slices.Equal(g.Have, [][2]uint64{{6, 6}}) {
				t.Errorf("has %v, want 6", g.Have)
			}
		}
		if want := []time.Duration{5 * time.Second, 15 * time.Second, 35 * time.Second, 75 * time.Second}; !slices.Equal(asked, want) {
			t.Errorf("asked after %v, want %v", asked, want)
		}
	})
}

func TestReceiptIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, m := newReceipts(t)
		c := newChain(chainID{"gw-1", "live", "e1"}, 1)
		for i, e := range hashes(4000) {
			if i%2 == 1 {
				c.add(e, time.Now())
			}
		}
		time.Sleep(time.Minute)
		r.changed([]*chain{c})
		r.give(time.Now(), false)
		g := m.got[0]
		if len(g.Have) != maxRanges || len(g.Want) != maxRanges || g.Have[0] != [2]uint64{2, 2} || g.Want[0] != [2]uint64{1, 1} {
			t.Errorf("%d have and %d want, want %d of each, the oldest", len(g.Have), len(g.Want), maxRanges)
		}
		if g.UpTo != 0 || g.Head != envelope.Genesis {
			t.Errorf("up to %d, head %q, want 0 and %s", g.UpTo, g.Head, envelope.Genesis)
		}
	})
}

// At a start and after each connect the newest receipt of each stream goes out,
// that of the newest epoch alone.
func TestReceiptsAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, m := newReceipts(t)
		e := hashes(3)
		former, c, other := newChain(chainID{"gw-1", "live", "e1"}, 1), newChain(chainID{"gw-1", "live", "e2"}, 2), newChain(chainID{"gw-1", "event", "e2"}, 3)
		former.add(e[2], time.Now())
		c.add(e[0], time.Now())
		other.add(e[0], time.Now())
		r.follow([]*chain{former, c, other})
		for range 2 {
			m.got = nil
			r.give(time.Now(), false)
			if len(m.got) != 2 || m.got[0].Epoch != "e2" || m.got[1].Epoch != "e2" {
				t.Errorf("receipts %+v, want one of each stream, of epoch e2", m.got)
			}
			r.again()
		}
		m.got = nil
		r.run(time.Minute, nil)
		for _, g := range m.got[2:] {
			t.Errorf("receipt %+v: nobody can fill the gap of a former epoch", g)
		}
	})
}
