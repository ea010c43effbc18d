package main

import (
	"bytes"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"envgate/envelope"
)

// Each story hands messages of one gateway to the account and says what must
// come of them. Each is told twice: with one ledger, and with one that forgets
// everything after each message, as a centre does that is killed again and again.
func TestAccount(t *testing.T) {
	for _, tt := range []struct {
		name    string
		tell    func(p *plant) []sealed
		head    uint64 // of the live stream of epoch1
		gaps    [][2]uint64
		tallies map[string]int64
		kept    []string // kinds of anomalies with their proof
	}{
		{
			"in order",
			func(p *plant) []sealed { return p.lives(5) },
			5, nil,
			map[string]int64{kindBlock: 5},
			nil,
		},
		{
			"shuffled",
			func(p *plant) []sealed {
				b := p.lives(20)
				rand.New(rand.NewPCG(1, 2)).Shuffle(len(b), func(i, j int) { b[i], b[j] = b[j], b[i] })
				return b
			},
			20, nil,
			map[string]int64{kindBlock: 20},
			nil,
		},
		{
			"twice, at the head, below it and beyond a gap",
			func(p *plant) []sealed {
				b := p.lives(6)
				return []sealed{b[0], b[1], b[1], b[0], b[4], b[5], b[4], b[5]}
			},
			2,
			[][2]uint64{{3, 4}},
			map[string]int64{kindBlock: 4, kindDuplicate: 4},
			nil,
		},
		{
			"gap, then filled",
			func(p *plant) []sealed {
				b := p.lives(6)
				return []sealed{b[0], b[5], b[2], b[3], b[1], b[4]}
			},
			6, nil,
			map[string]int64{kindBlock: 6},
			nil,
		},
		{
			"two payloads for one number beyond the head",
			func(p *plant) []sealed {
				b := p.lives(3)
				q := p.clone()
				q.heads[envelope.StreamLive] = envelope.Head{Seq: 2, Hash: b[1].hash}
				return []sealed{b[0], b[2], q.live()}
			},
			1,
			[][2]uint64{{2, 2}},
			map[string]int64{kindBlock: 2, kindFork: 1},
			[]string{kindFork},
		},
		{
			"other content at and below the head",
			func(p *plant) []sealed {
				b := p.lives(3)
				q := p.clone()
				q.heads[envelope.StreamLive] = envelope.Head{Seq: 1, Hash: b[0].hash}
				q.mono += 5
				return slices.Concat(b, q.lives(2))
			},
			3, nil,
			map[string]int64{kindBlock: 3, kindRewrite: 2},
			[]string{kindRewrite, kindRewrite},
		},
		{
			"a block that does not name its neighbour",
			func(p *plant) []sealed {
				b := p.lives(2)
				bad := p.seal(envelope.StreamLive, func(b *envelope.Block) { b.Prev = envelope.Hash([]byte("other")) })
				after := p.lives(2)
				return []sealed{b[0], after[0], bad, b[1], after[1]}
			},
			2, nil,
			map[string]int64{kindBlock: 5, kindBreak: 1},
			[]string{kindBreak},
		},
		{
			"evicted, the word first",
			func(p *plant) []sealed {
				b := p.lives(6)
				return []sealed{p.evict(envelope.StreamLive, 1, 4, b[3].hash), b[5], b[4]}
			},
			6, nil,
			map[string]int64{kindBlock: 3},
			nil,
		},
		{
			"evicted, the word last",
			func(p *plant) []sealed {
				b := p.lives(6)
				return []sealed{b[0], b[5], b[4], p.evict(envelope.StreamLive, 2, 4, b[3].hash)}
			},
			6, nil,
			map[string]int64{kindBlock: 4},
			nil,
		},
		{
			"evicted by word, and here all the same",
			func(p *plant) []sealed {
				b := p.lives(6)
				return []sealed{p.evict(envelope.StreamLive, 1, 4, b[3].hash), b[4], b[1], b[1], b[5]}
			},
			6, nil,
			map[string]int64{kindBlock: 4, kindDuplicate: 1},
			nil,
		},
		{
			"evicted by a word that names another hash",
			func(p *plant) []sealed {
				b := p.lives(6)
				return []sealed{p.evict(envelope.StreamLive, 1, 4, b[2].hash), b[4], b[5]}
			},
			4, nil,
			map[string]int64{kindBlock: 3, kindBreak: 1},
			[]string{kindBreak},
		},
		{
			"evicted by a word that names another hash than the last block of it has",
			func(p *plant) []sealed {
				b := p.lives(5)
				return []sealed{b[3], b[4], p.evict(envelope.StreamLive, 1, 4, b[2].hash)}
			},
			5, nil,
			map[string]int64{kindBlock: 3},
			nil, // block 5 proves block 4: the word is not needed
		},
		{
			"evicted by a word without a hash",
			func(p *plant) []sealed {
				b := p.lives(6)
				return []sealed{p.evict(envelope.StreamLive, 1, 4, ""), b[4]}
			},
			0,
			[][2]uint64{{1, 4}},
			map[string]int64{kindBlock: 2},
			nil,
		},
		{
			"the end is missing, by the word of another stream",
			func(p *plant) []sealed {
				b := p.lives(3)
				word := p.seal(envelope.StreamStat, func(b *envelope.Block) {
					b.Heads = map[string]envelope.Head{envelope.StreamLive: p.heads[envelope.StreamLive]}
				})
				return []sealed{b[0], word}
			},
			1,
			[][2]uint64{{2, 3}},
			map[string]int64{kindBlock: 2},
			nil,
		},
		{
			"another stream names another hash, before and after the block",
			func(p *plant) []sealed {
				b := p.lives(3)
				lie := func(seq uint64) sealed {
					return p.seal(envelope.StreamStat, func(b *envelope.Block) {
						b.Heads = map[string]envelope.Head{envelope.StreamLive: {Seq: seq, Hash: envelope.Hash([]byte("lie"))}}
					})
				}
				return []sealed{b[0], b[1], lie(2), lie(3), b[2]}
			},
			3, nil,
			map[string]int64{kindBlock: 5, kindHead: 2},
			[]string{kindHead, kindHead},
		},
		{
			"clock since boot goes backwards",
			func(p *plant) []sealed {
				b := p.lives(2)
				p.mono -= 9000
				return append(b, p.live())
			},
			3, nil,
			map[string]int64{kindBlock: 3, kindBackwards: 1},
			[]string{kindBackwards},
		},
		{
			"restarts",
			func(p *plant) []sealed {
				b := p.lives(2)
				p.boot, p.mono = "boot2", 0
				return append(b, p.lives(2)...)
			},
			4, nil,
			map[string]int64{kindBlock: 4},
			nil,
		},
		{
			"two devices with one key and one log",
			func(p *plant) []sealed {
				b := p.lives(2)
				q := p.clone()
				q.boot = "boot2"
				q.mono += 7
				return append(b, p.live(), q.live(), p.live(), q.live(), p.live(), q.live())
			},
			5, nil,
			map[string]int64{kindBlock: 5, kindRewrite: 3, kindClone: 2},
			[]string{kindClone, kindClone, kindRewrite, kindRewrite, kindRewrite},
		},
		{
			"two devices with one key and a log each",
			func(p *plant) []sealed {
				q := p.clone()
				q.epoch, q.boot = "epoch2", "boot2"
				return []sealed{p.live(), q.live(), p.live(), q.live(), p.live(), q.live()}
			},
			3, nil,
			map[string]int64{kindBlock: 6, kindClone: 2},
			[]string{kindClone, kindClone},
		},
		{
			"new epoch, a late block of the former one",
			func(p *plant) []sealed {
				b := p.lives(3)
				n := p.newEpoch("epoch2", map[string]envelope.Head{envelope.StreamLive: {Seq: 3, Hash: b[2].hash}})
				return []sealed{b[0], b[1], n, b[2], p.live(), p.live()}
			},
			3, nil,
			map[string]int64{kindBlock: 6},
			nil,
		},
		{
			"new epoch, after a disk that lied",
			func(p *plant) []sealed {
				b := p.lives(5)
				n := p.newEpoch("epoch2", map[string]envelope.Head{envelope.StreamLive: {Seq: 3, Hash: b[2].hash}})
				return append(b, n, p.live())
			},
			5, nil,
			map[string]int64{kindBlock: 7, kindRollback: 1},
			[]string{kindRollback},
		},
		{
			"new epoch, after one whose end nobody has",
			func(p *plant) []sealed {
				b := p.lives(5)
				n := p.newEpoch("epoch2", map[string]envelope.Head{envelope.StreamLive: {Seq: 5, Hash: b[4].hash}})
				return append(b[:3:3], n, p.live())
			},
			3,
			[][2]uint64{{4, 5}},
			map[string]int64{kindBlock: 5},
			nil,
		},
	} {
		for _, reload := range []bool{false, true} {
			name := tt.name
			if reload {
				name += ", forgetful"
			}
			t.Run(name, func(t *testing.T) {
				p := newPlant(t, "gw-1")
				d := newDesk(t, p)
				d.reload = reload
				blocks := tt.tell(p)
				d.take(blocks...)
				c := d.chain("gw-1", envelope.StreamLive, "epoch1")
				if c.head.Seq != tt.head {
					t.Errorf("head %d, want %d", c.head.Seq, tt.head)
				}
				if got := ranges(c.gaps()); !slices.Equal(got, tt.gaps) {
					t.Errorf("gaps %v, want %v", got, tt.gaps)
				}
				want := tt.tallies
				if reload && tt.name == "two devices with one key and a log each" {
					want = map[string]int64{kindBlock: 6} // how often they took turns is not kept
				} else if got := kindsOf(t, d); !slices.Equal(got, tt.kept) {
					t.Errorf("anomalies kept %v, want %v", got, tt.kept)
				}
				if got := d.tallies(); !maps.Equal(got, want) {
					t.Errorf("tallies %v, want %v", got, want)
				}
				if got := query[int64](t, d.store, `SELECT COUNT(*) FROM block`)[0]; got != want[kindBlock] {
					t.Errorf("%d blocks stored, want %d", got, want[kindBlock])
				}
			})
		}
	}
}

func kindsOf(t *testing.T, d *desk) []string {
	t.Helper()
	return query[string](t, d.store, `SELECT kind FROM anomaly ORDER BY kind`)
}

// The proof of a fork is both messages, byte for byte.
func TestAnomalyKeepsBothMessages(t *testing.T) {
	p := newPlant(t, "gw-1")
	d := newDesk(t, p)
	a := p.live()
	q := newPlant(t, "gw-1")
	q.boot = "boot2"
	b := q.live()
	d.take(a, b, b)
	first := query[[]byte](t, d.store, `SELECT first_message FROM anomaly WHERE kind = 'rewrite'`)
	second := query[[]byte](t, d.store, `SELECT second_message FROM anomaly WHERE kind = 'rewrite'`)
	if len(first) != 1 || !bytes.Equal(first[0], a.message) || !bytes.Equal(second[0], b.message) {
		t.Errorf("%d proofs, want one, of the two messages as they came", len(first))
	}
	if n := d.tallies()[kindRewrite]; n != 2 {
		t.Errorf("%d counted, want 2: each arrival is", n)
	}
	if got := query[[]byte](t, d.store, `SELECT message FROM block`); len(got) != 1 || !bytes.Equal(got[0], a.message) {
		t.Error("the block that came first is not the one that stands")
	}
}

// Where an eviction's word contradicts a block, the proof is the event block.
func TestBreakAfterEvictionKeepsTheEvent(t *testing.T) {
	p := newPlant(t, "gw-1")
	d := newDesk(t, p)
	b := p.lives(6)
	word := p.evict(envelope.StreamLive, 1, 4, b[2].hash)
	d.take(word, b[4])
	first := query[[]byte](t, d.store, `SELECT first_message FROM anomaly WHERE kind = 'break'`)
	if len(first) != 1 || !bytes.Equal(first[0], word.message) {
		t.Errorf("%d proofs, want one that holds the eviction's event block", len(first))
	}
}

// What a stranger sends is bounded in what is kept, and counted in full; names
// that the stranger chose make no counters.
func TestRejectsAreBounded(t *testing.T) {
	p, stranger := newPlant(t, "gw-1"), newPlant(t, "gw-9")
	d := newDesk(t, p)
	d.ledger.keep = limit{count: 5, bytes: 1 << 20}
	for i := range 40 {
		s := stranger.live()
		s.topic = "envgate/gw-x" + string(rune('a'+i%26)) + "/b/live"
		d.take(s)
	}
	junk := sealed{topic: "envgate/gw-1/b/live", message: bytes.Repeat([]byte("x"), 1000)}
	for range 10 {
		d.take(junk)
	}
	huge := sealed{topic: "envgate/gw-1/b/live", message: make([]byte, envelope.MaxEvent+1)}
	d.take(huge)
	if got := d.tallies(); got[kindUnknown] != 40 || got[kindGarbage] != 10 || got[kindOversize] != 1 {
		t.Errorf("tallies %v, want 40 unknown, 10 garbage, 1 oversize", got)
	}
	if got := query[int64](t, d.store, `SELECT COUNT(*) FROM reject WHERE kind = 'unknown'`)[0]; got != 5 {
		t.Errorf("%d unknown messages kept, want 5: one budget for all strangers", got)
	}
	if got := query[int64](t, d.store, `SELECT COUNT(*) FROM tally WHERE kind = 'unknown'`)[0]; got != 1 {
		t.Errorf("%d counters for strangers, want 1", got)
	}
	if got := query[int64](t, d.store, `SELECT COUNT(*) FROM reject WHERE kind = 'garbage'`)[0]; got != 5 {
		t.Errorf("%d garbage kept, want 5", got)
	}
	if got := query[int64](t, d.store, `SELECT LENGTH(message) FROM reject WHERE kind = 'oversize'`)[0]; got != maxOversize {
		t.Errorf("%d bytes of an oversize message kept, want %d", got, maxOversize)
	}
	d.now = d.now.Add(time.Hour)
	d.take(junk)
	if got := query[int64](t, d.store, `SELECT COUNT(*) FROM reject WHERE kind = 'garbage'`)[0]; got != 6 {
		t.Errorf("%d garbage kept in the next hour, want 6", got)
	}
	// By bytes too: five more would fit by number.
	d.ledger.keep = limit{count: 100, bytes: 2500}
	d.now = d.now.Add(time.Hour)
	d.take(junk, junk, junk, junk)
	if got := query[int64](t, d.store, `SELECT COUNT(*) FROM reject WHERE kind = 'garbage'`)[0]; got != 8 {
		t.Errorf("%d garbage kept, want 8: 2 of 1000 bytes fit 2500", got)
	}
}

// The budget of an hour outlives a restart within it.
func TestBudgetOutlivesRestart(t *testing.T) {
	p := newPlant(t, "gw-1")
	d := newDesk(t, p)
	d.now = time.Now() // the store asks for the present hour
	d.ledger.keep = limit{count: 3, bytes: 1 << 20}
	d.reload = true
	junk := sealed{topic: "envgate/gw-1/b/live", message: []byte("x")}
	for range 10 {
		d.take(junk)
	}
	if got := query[int64](t, d.store, `SELECT COUNT(*) FROM reject`)[0]; got < 3 || got > 6 { // the hour may turn meanwhile
		t.Errorf("%d kept by centres that lived for one message each, want 3", got)
	}
}
