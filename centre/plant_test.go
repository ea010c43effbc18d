package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"path/filepath"
	"testing"
	"time"

	"envgate/envelope"
)

// A plant is a gateway of the tests: it seals chains as the agent does.
type plant struct {
	t      testing.TB
	key    *envelope.Key
	sealer *envelope.Sealer
	id     string
	epoch  string
	boot   string
	mono   int64
	heads  map[string]envelope.Head
	index  uint64
}

// A sealed block of a plant.
type sealed struct {
	topic   string
	seq     uint64
	hash    string
	message []byte
}

// start is the wall time of the first block of a plant.
var start = time.Date(2026, 3, 1, 8, 0, 0, 0, siteZone)

func newPlant(t testing.TB, id string) *plant {
	t.Helper()
	seed := make([]byte, 32)
	copy(seed, id)
	k, err := envelope.KeyFromSeed(id+"/EdDSA/1", seed)
	if err != nil {
		t.Fatal(err)
	}
	return &plant{
		t: t, key: k, sealer: envelope.NewSealer(k), id: id, epoch: "epoch1", boot: "boot1",
		heads: make(map[string]envelope.Head),
	}
}

// clone is a second device with the same key and the same log.
func (p *plant) clone() *plant {
	c := *p
	c.heads = make(map[string]envelope.Head)
	for k, v := range p.heads {
		c.heads[k] = v
	}
	return &c
}

// seal makes the next block of a stream, after edit had its way with it.
func (p *plant) seal(stream string, edit func(*envelope.Block)) sealed {
	p.t.Helper()
	h, ok := p.heads[stream]
	prev := h.Hash
	if !ok {
		prev = envelope.Genesis
	}
	p.mono += 5000
	b := &envelope.Block{
		Gateway: p.id, Stream: stream, Epoch: p.epoch, Seq: h.Seq + 1, Prev: prev,
		Boot: p.boot, T0: start.UnixMilli() + p.mono,
		Clock:  envelope.Clock{State: envelope.ClockSync, ErrMs: 4, MonoMs: p.mono},
		Config: "cfg", Catalogue: "cat", Firmware: "test",
	}
	if edit != nil {
		edit(b)
	}
	s := p.sign(b)
	p.heads[stream] = envelope.Head{Seq: b.Seq, Hash: s.hash}
	return s
}

// sign seals a block as it is.
func (p *plant) sign(b *envelope.Block) sealed {
	p.t.Helper()
	if err := b.Check(); err != nil {
		p.t.Fatal(err)
	}
	payload := b.AppendPayload(nil)
	message, err := p.sealer.Seal(envelope.TypeBlock, payload)
	if err != nil {
		p.t.Fatal(err)
	}
	return sealed{topic: "envgate/" + p.id + "/b/" + b.Stream, seq: b.Seq, hash: envelope.Hash(payload), message: message}
}

// live seals a block of two points at two times, one value missing.
func (p *plant) live() sealed {
	p.t.Helper()
	return p.seal(envelope.StreamLive, func(b *envelope.Block) {
		b.Groups = []envelope.Group{{
			Source: "dust", Times: []int64{0, 1000}, Index: p.index,
			Columns: []envelope.Column{
				{Point: "a34004", Kind: envelope.ColumnLive, Values: []string{"35.20", "36.00"}},
				{Point: "a01001", Kind: envelope.ColumnLive, Values: []string{"-2.5", ""}, Flags: []string{"N", "B"}, Causes: []string{"", "no-answer"}},
			},
		}}
		p.index += 2
	})
}

func (p *plant) lives(n int) []sealed {
	p.t.Helper()
	out := make([]sealed, n)
	for i := range out {
		out[i] = p.live()
	}
	return out
}

func (p *plant) event(events ...envelope.Event) sealed {
	p.t.Helper()
	return p.seal(envelope.StreamEvent, func(b *envelope.Block) { b.Events = events })
}

// evict seals the word that blocks are gone.
func (p *plant) evict(stream string, from, to uint64, hash string) sealed {
	p.t.Helper()
	text, err := json.Marshal(map[string]any{
		"stream": stream, "from": from, "to": to, "hash": hash,
		"readings": 4 * (to - from + 1), "t0": start.UnixMilli(), "t1": start.UnixMilli() + 60_000,
	})
	if err != nil {
		p.t.Fatal(err)
	}
	return p.event(envelope.Event{
		Type: envelope.EventLogEvicted, Subject: stream, Old: fmt.Sprintf("%d-%d", from, to), New: string(text), Why: "budget",
	})
}

// newEpoch begins a new log, whose first event names the former one.
func (p *plant) newEpoch(epoch string, heads map[string]envelope.Head) sealed {
	p.t.Helper()
	text, err := json.Marshal(map[string]any{"last": map[string]any{"epoch": p.epoch, "heads": heads}})
	if err != nil {
		p.t.Fatal(err)
	}
	p.epoch, p.boot, p.mono = epoch, "boot-"+epoch, 0
	p.heads = make(map[string]envelope.Head)
	return p.event(envelope.Event{Type: envelope.EventEpoch, Subject: epoch, New: string(text), Why: "disk"})
}

func registerOf(plants ...*plant) *register {
	r := &register{names: make(map[string]string), keys: make(envelope.KeySet)}
	for _, p := range plants {
		r.names[p.id] = "plant " + p.id
		r.keys[p.key.KeyID()] = p.key.Public()
	}
	return r
}

var quiet = slog.New(slog.NewTextHandler(io.Discard, nil))

// A desk is a ledger on a store, to which tests hand messages.
type desk struct {
	t      testing.TB
	path   string
	store  *sqlStore
	ledger *ledger
	reg    *register
	reload bool // forget everything in memory after each message
	now    time.Time
}

func newDesk(t testing.TB, plants ...*plant) *desk {
	t.Helper()
	d := &desk{t: t, path: filepath.Join(t.TempDir(), "centre.db"), reg: registerOf(plants...), now: start}
	d.open()
	t.Cleanup(func() { d.store.Close() })
	return d
}

func (d *desk) open() {
	d.t.Helper()
	s, err := openStore(context.Background(), d.path)
	if err != nil {
		d.t.Fatal(err)
	}
	d.store = s
	d.ledger = &ledger{store: s, keep: limit{count: 16, bytes: 256 << 10}, liveRows: true, log: quiet}
	if err := d.ledger.load(context.Background()); err != nil {
		d.t.Fatal(err)
	}
}

// take hands in messages, each in a transaction of its own.
func (d *desk) take(blocks ...sealed) []*chain {
	d.t.Helper()
	var touched []*chain
	for _, b := range blocks {
		v := judge(d.reg, "envgate", arrival{topic: b.topic, message: b.message, at: d.now})
		if err := d.ledger.take(context.Background(), v); err != nil {
			d.t.Fatal(err)
		}
		var err error
		if touched, err = d.ledger.commit(context.Background(), d.now); err != nil {
			d.t.Fatal(err)
		}
		if d.reload {
			if err := d.ledger.load(context.Background()); err != nil {
				d.t.Fatal(err)
			}
		}
	}
	return touched
}

func (d *desk) chain(gateway, stream, epoch string) *chain {
	d.t.Helper()
	c := d.ledger.chains[chainID{gateway, stream, epoch}]
	if c == nil {
		d.t.Fatalf("no account of %s %s %s", gateway, stream, epoch)
	}
	return c
}

// tallies are the counters, by kind, over all gateways and streams.
func (d *desk) tallies() map[string]int64 {
	d.t.Helper()
	all, err := d.store.tallies(context.Background())
	if err != nil {
		d.t.Fatal(err)
	}
	out := make(map[string]int64)
	for k, n := range all {
		out[k.Kind] += n
	}
	return out
}

// query returns the first column of a query's rows.
func query[T any](t testing.TB, s *sqlStore, text string, args ...any) []T {
	t.Helper()
	var out []T
	err := s.each(context.Background(), text, func(scan func(...any) error) error {
		var v T
		err := scan(&v)
		out = append(out, v)
		return err
	}, args...)
	if err != nil {
		t.Fatal(err)
	}
	return out
}
