package uplink

import (
	"context"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"envgate/buffer"
	"envgate/envelope"
)

// sealedLog is a real log into which full blocks are sealed.
type sealedLog struct {
	*buffer.Log
	t      *testing.T
	sealer *envelope.Sealer
	heads  map[string]envelope.Head
	lost   []buffer.Eviction // that somebody lacked
	gone   map[string]uint64 // blocks that everybody had
}

func newSealedLog(t *testing.T, budget int64, streams ...string) *sealedLog {
	t.Helper()
	o := buffer.Options{MaxBytes: budget, NoSync: true}
	l := &sealedLog{t: t, sealer: envelope.NewSealer(gatewayKey()), heads: map[string]envelope.Head{}, gone: map[string]uint64{}}
	for _, s := range streams {
		o.Streams = append(o.Streams, buffer.StreamOptions{Name: s})
		l.heads[s] = envelope.Head{Hash: envelope.Genesis}
	}
	log, err := buffer.Open(filepath.Join(t.TempDir(), "log.db"), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { log.Close() })
	l.Log = log
	return l
}

// add seals n blocks, and lets retention have its way before each few.
func (l *sealedLog) add(stream string, n int) {
	l.t.Helper()
	for ; n > 0; n -= 20 {
		b := buffer.Batch{Evict: l.Due(time.Now())}
		for _, e := range b.Evict {
			if e.Acked {
				l.gone[e.Stream] += e.To - e.From + 1
			} else {
				l.lost = append(l.lost, e)
			}
		}
		for range 20 {
			h := l.heads[stream]
			message, hash, _ := fullBlock(l.sealer, stream, h.Seq+1, h.Hash, l.Epoch())
			l.heads[stream] = envelope.Head{Seq: h.Seq + 1, Hash: hash}
			b.Records = append(b.Records, buffer.Record{Stream: stream, Seq: h.Seq + 1, Data: message})
		}
		if err := l.Append(b); err != nil {
			l.t.Fatal(err)
		}
	}
}

// uplink starts one with a cursor of its own, until the test ends.
func (l *sealedLog) uplink(name string, set func(*Options)) *Uplink {
	l.t.Helper()
	o := Options{Name: name, Gateway: "gw1", Prefix: "env", CentreKeys: envelope.NewKeySet(centreKey().Public())}
	set(&o)
	if err := l.AddCursor(name, o.Streams...); err != nil {
		l.t.Fatal(err)
	}
	u, err := New(l, l, o)
	if err != nil {
		l.t.Fatal(err)
	}
	u.o.ReconnectMax = 200 * time.Millisecond
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() { u.Run(ctx) })
	l.t.Cleanup(func() { cancel(); wg.Wait() })
	return u
}

// Three uplinks of one log: the data centre takes all and gives receipts; the city takes
// figures and gives none; a third one has been dead from the first day. Each goes on where
// its own cursor stands, and the dead one costs the others nothing, neither blocks nor time.
func TestSeveralUplinks(t *testing.T) {
	t.Parallel()
	log := newSealedLog(t, buffer.MinBytes, "live", "stat")
	centre, city := newTestBroker(t, "127.0.0.1:0", nil), newTestBroker(t, "127.0.0.1:0", nil)
	a := log.uplink("centre", func(o *Options) {
		o.Broker, o.Streams = "tcp://"+centre.addr, []string{"live", "stat"}
	})
	b := log.uplink("city", func(o *Options) {
		o.Broker, o.Streams, o.Ack = "tcp://"+city.addr, []string{"stat"}, ModePuback
	})
	dead := log.uplink("dead", func(o *Options) {
		o.Broker, o.Streams = "tcp://"+hole(t), []string{"stat"}
	})
	// For six rounds the centre has all at once, and live fills the log many times over.
	for round := 1; round <= 6; round++ {
		log.add("live", 240)
		log.add("stat", 20)
		eventually(t, "the centre has all", func() bool { return a.lag() == 0 })
		if round == 3 {
			eventually(t, "the city has half", func() bool { return b.lag() == 0 })
			city.stop()
		}
	}
	if n := log.gone["live"]; n < 300 {
		t.Errorf("%d blocks of live went, the log was to be full", n)
	}
	if len(log.lost) > 0 || log.gone["stat"] > 0 {
		t.Errorf("lost %v, and %d figures that the dead uplink lacks", log.lost, log.gone["stat"])
	}
	if got := centre.has("live"); got != 1440 {
		t.Errorf("the centre has %d blocks of live, want 1440", got)
	}
	if s := dead.Stats(); s.Open || s.Streams[0].Lag != 120 || s.Published != 0 {
		t.Errorf("the dead one: %+v", s)
	}

	next := newTestBroker(t, city.addr, nil)
	eventually(t, "the city has the other half", func() bool { return b.lag() == 0 })
	if city.has("live")+next.has("live") > 0 || city.has("stat")+next.has("stat") < 120 {
		t.Errorf("the city has %d of live, %d and %d figures; want 0, 120 in all", next.has("live"), city.has("stat"), next.has("stat"))
	}
	if s := b.Stats(); s.Streams[0].Acked != 120 || s.Acked != 120 || s.Published > 125 {
		t.Errorf("it began at its cursor, where two probes go twice: %+v", s)
	}
	if upto, _ := log.Acked("dead", "stat"); upto != 0 {
		t.Errorf("the dead one's cursor is at %d", upto)
	}
}
