package uplink

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"path/filepath"
	"strconv"
	"sync"
	"testing"
	"time"

	"envgate/buffer"
	"envgate/envelope"

	mochi "github.com/mochi-mqtt/server/v2"
	"github.com/mochi-mqtt/server/v2/packets"
)

// fullBlock makes a block as a busy gateway seals it, near the size of a page's half,
// and says how many readings it holds.
func fullBlock(s *envelope.Sealer, stream string, seq uint64, prev, epoch string) (message []byte, hash string, readings int) {
	r := rand.New(rand.NewPCG(1, seq))
	b := envelope.Block{
		Gateway: "gw1", Stream: stream, Epoch: epoch, Seq: seq, Prev: prev, Boot: "b", T0: 1767225600000 + int64(seq)*1000,
		Clock: envelope.Clock{State: envelope.ClockSync}, Config: prev, Catalogue: prev, Firmware: "1.0.0",
	}
	for unit := range 7 {
		g := envelope.Group{Source: "unit" + strconv.Itoa(unit), Times: []int64{int64(unit)}, Index: seq}
		for p := range 40 {
			v := strconv.FormatFloat(100+10*r.Float64(), 'f', 2, 64)
			g.Columns = append(g.Columns, envelope.Column{Point: fmt.Sprintf("c%02d", p), Kind: envelope.ColumnLive, Values: []string{v}})
			readings++
		}
		b.Groups = append(b.Groups, g)
	}
	payload := b.AppendPayload(nil)
	message, err := s.Seal(envelope.TypeBlock, payload)
	if err != nil {
		panic(err)
	}
	if len(message) > envelope.MaxBlock || len(message) < envelope.MaxBlock*3/4 {
		panic(fmt.Sprint("a full block has ", len(message), " bytes"))
	}
	return message, envelope.Hash(payload), readings
}

// drainLog is a log on disk with n full blocks and one cursor.
func drainLog(tb testing.TB, n int) (log *buffer.Log, hashes []string, readings int) {
	tb.Helper()
	log, err := buffer.Open(filepath.Join(tb.TempDir(), "log.db"), buffer.Options{
		NoSync: true, Streams: []buffer.StreamOptions{{Name: "live"}},
	})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { log.Close() })
	s, prev := envelope.NewSealer(gatewayKey()), envelope.Genesis
	var batch buffer.Batch
	for seq := 1; seq <= n; seq++ {
		message, hash, per := fullBlock(s, "live", uint64(seq), prev, log.Epoch())
		prev, readings = hash, readings+per
		hashes = append(hashes, hash)
		batch.Records = append(batch.Records, buffer.Record{Stream: "live", Seq: uint64(seq), Data: message})
		if len(batch.Records) == 64 || seq == n {
			if err := log.Append(batch); err != nil {
				tb.Fatal(err)
			}
			batch = buffer.Batch{}
		}
	}
	return log, hashes, readings
}

// BenchmarkDrain sends a backlog of full blocks through a broker on this machine, and
// waits until all of it is acknowledged. The centre gives a receipt each 500 ms, as ours
// does.
func BenchmarkDrain(b *testing.B) {
	const blocks = 4000
	log, hashes, readings := drainLog(b, blocks)
	for _, mode := range []Mode{ModePuback, ModeReceipt} {
		b.Run(string(mode), func(b *testing.B) {
			broker := newTestBroker(b, "127.0.0.1:0", nil)
			if err := broker.s.Unsubscribe("env/gw1/#", 1); err != nil { // its centre verifies each block
				b.Fatal(err)
			}
			centre := &pacedCentre{broker: broker, epoch: log.Epoch(), hashes: hashes}
			if mode == ModeReceipt {
				centre.start(b)
			}
			b.ResetTimer()
			n := 0
			for b.Loop() {
				n++
				centre.forget(b)
				drainOnce(b, log, fmt.Sprint(mode, n), mode, broker.addr)
			}
			b.ReportMetric(float64(readings*n)/b.Elapsed().Seconds(), "readings/s")
		})
	}
}

// BenchmarkDrainFar is the same over a round trip of 600 ms: what the window allows, of
// which the backlog has half, is the bound.
func BenchmarkDrainFar(b *testing.B) {
	const blocks = 2000
	log, _, readings := drainLog(b, blocks)
	broker := newTestBroker(b, "127.0.0.1:0", nil)
	if err := broker.s.Unsubscribe("env/gw1/#", 1); err != nil {
		b.Fatal(err)
	}
	addr := newDistance(b, broker.addr, 300*time.Millisecond)
	b.ResetTimer()
	n := 0
	for b.Loop() {
		n++
		drainOnce(b, log, fmt.Sprint("far", n), ModePuback, addr)
	}
	b.ReportMetric(float64(readings*n)/b.Elapsed().Seconds(), "readings/s")
}

// newDistance is a listener whose connections go on to another one, each byte somewhat
// later.
func newDistance(tb testing.TB, to string, delay time.Duration) (addr string) {
	tb.Helper()
	type piece struct {
		at time.Time
		b  []byte
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { l.Close() })
	carry := func(dst, src net.Conn) {
		way := make(chan piece, 4096)
		go func() {
			defer close(way)
			for {
				b := make([]byte, 16<<10)
				n, err := src.Read(b)
				if err != nil {
					return
				}
				way <- piece{time.Now().Add(delay), b[:n]}
			}
		}()
		for p := range way {
			time.Sleep(time.Until(p.at))
			dst.Write(p.b)
		}
		dst.Close()
	}
	go func() {
		for {
			near, err := l.Accept()
			if err != nil {
				return
			}
			far, err := net.Dial("tcp", to)
			if err != nil {
				near.Close()
				continue
			}
			go carry(far, near)
			go carry(near, far)
		}
	}()
	return l.Addr().String()
}

func drainOnce(b *testing.B, log *buffer.Log, name string, mode Mode, addr string) {
	if err := log.AddCursor(name, "live"); err != nil {
		b.Fatal(err)
	}
	u, err := New(log, log, Options{
		Name: name, Gateway: "gw1", Prefix: "env", Broker: "tcp://" + addr, Ack: mode, PubackUnverified: mode == ModePuback,
		CentreKeys: envelope.NewKeySet(centreKey().Public()), Streams: []string{"live"},
	})
	if err != nil {
		b.Fatal(err)
	}
	ctx, cancel := context.WithCancel(b.Context())
	done := make(chan struct{})
	go func() { defer close(done); u.Run(ctx) }()
	u.Drain(ctx)
	b.StopTimer() // a stop is not the drain
	cancel()
	<-done
	b.StartTimer()
}

// A pacedCentre gives receipts for all that came, each 500 ms.
type pacedCentre struct {
	broker *testBroker
	epoch  string
	hashes []string

	mu         sync.Mutex
	came       map[uint64]bool
	upto, told uint64
}

// forget makes it a new one.
func (c *pacedCentre) forget(b *testing.B) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.came, c.upto, c.told = map[uint64]bool{}, 0, 0
	if err := c.broker.s.Publish("env/gw1/receipt/live", nil, true, 1); err != nil {
		b.Fatal(err)
	}
}

func (c *pacedCentre) start(b *testing.B) {
	if err := c.broker.s.Subscribe("env/gw1/b/live", 1, func(_ *mochi.Client, _ packets.Subscription, p packets.Packet) {
		seq := seqOf(p.Payload)
		c.mu.Lock()
		defer c.mu.Unlock()
		for c.came[seq] = true; c.came[c.upto+1]; {
			c.upto++
		}
	}); err != nil {
		b.Fatal(err)
	}
	quit := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			select {
			case <-quit:
				return
			case <-time.After(500 * time.Millisecond):
			}
			c.mu.Lock()
			n, news := c.upto, c.upto > c.told
			c.told = n
			c.mu.Unlock()
			if news {
				c.broker.s.Publish("env/gw1/receipt/live", receipt(envelope.Receipt{Stream: "live", Epoch: c.epoch, UpTo: n, Head: c.hashes[n-1]}), true, 1)
			}
		}
	})
	b.Cleanup(func() { close(quit); wg.Wait() })
}
