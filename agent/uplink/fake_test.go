package uplink

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"envgate/envelope"
)

// keys are made once: those of the centre and of the gateway.
var (
	centreKey  = sync.OnceValue(func() *envelope.Key { return mustKey("centre") })
	gatewayKey = sync.OnceValue(func() *envelope.Key { return mustKey("gw1") })
)

func mustKey(name string) *envelope.Key {
	k, err := envelope.NewKey(name)
	if err != nil {
		panic(err)
	}
	return k
}

// fakeLog is a log and its cursor in memory.
type fakeLog struct {
	mu      sync.Mutex
	epoch   string
	first   map[string]uint64 // of the slice below; 1 if not there
	blocks  map[string][][]byte
	acked   map[string]map[uint64]bool
	past    map[string]map[uint64]bool // those of acked above whole
	whole   map[string]uint64          // all of acked up to there
	changed chan struct{}
	sealer  *envelope.Sealer
	readErr error
	reads   int
	onRead  func()            // called once, before a read
	pad     int               // bytes after each block
	prev    map[string]string // hash of the newest payload
}

func newLog() *fakeLog {
	l := &fakeLog{changed: make(chan struct{}), sealer: envelope.NewSealer(gatewayKey())}
	l.clear("e1")
	return l
}

func (l *fakeLog) clear(epoch string) {
	l.epoch, l.first, l.prev = epoch, map[string]uint64{}, map[string]string{}
	l.blocks, l.acked = map[string][][]byte{}, map[string]map[uint64]bool{}
	l.past, l.whole = map[string]map[uint64]bool{}, map[string]uint64{}
}

// rotate begins a new epoch; what waits for a change learns of it at the next add.
func (l *fakeLog) rotate(epoch string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.clear(epoch)
}

// add seals n blocks.
func (l *fakeLog) add(stream string, n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for range n {
		seq := l.firstOf(stream) + uint64(len(l.blocks[stream]))
		b := envelope.Block{
			Gateway: "gw1", Stream: stream, Epoch: l.epoch, Seq: seq, Prev: cmp.Or(l.prev[stream], envelope.Genesis),
			Boot: "b", T0: time.Now().UnixMilli(), Clock: envelope.Clock{State: envelope.ClockSync},
		}
		payload := b.AppendPayload(nil)
		l.prev[stream] = envelope.Hash(payload)
		m, err := l.sealer.Seal(envelope.TypeBlock, payload)
		if err != nil {
			panic(err)
		}
		l.blocks[stream] = append(l.blocks[stream], append(m, make([]byte, l.pad)...))
	}
	close(l.changed)
	l.changed = make(chan struct{})
}

func (l *fakeLog) evict(stream string, n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.first[stream] = l.firstOf(stream) + uint64(n)
	l.blocks[stream] = l.blocks[stream][n:]
}

func (l *fakeLog) firstOf(stream string) uint64 { return max(l.first[stream], 1) }

func (l *fakeLog) Epoch() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.epoch
}

func (l *fakeLog) Bounds(stream string) (first, last uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.blocks[stream]) == 0 && l.first[stream] == 0 {
		return 0, 0
	}
	return l.firstOf(stream), l.firstOf(stream) + uint64(len(l.blocks[stream])) - 1
}

func (l *fakeLog) Read(stream string, after uint64, n int) (uint64, [][]byte, error) {
	if f := l.onRead; f != nil {
		l.onRead = nil
		f()
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.reads++
	if l.readErr != nil {
		return 0, nil, l.readErr
	}
	first := l.firstOf(stream)
	seq := max(after+1, first)
	i := int(seq - first)
	if i >= len(l.blocks[stream]) {
		return 0, nil, nil
	}
	var out [][]byte
	for _, b := range l.blocks[stream][i:min(i+n, len(l.blocks[stream]))] {
		out = append(out, bytes.Clone(b))
	}
	return seq, out, nil
}

func (l *fakeLog) Changed() <-chan struct{} {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.changed
}

func (l *fakeLog) Acked(_, stream string) (uint64, [][2]uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	var seqs []uint64
	for seq := range l.past[stream] {
		seqs = append(seqs, seq)
	}
	slices.Sort(seqs)
	var runs [][2]uint64
	for _, seq := range seqs {
		if n := len(runs); n > 0 && runs[n-1][1]+1 == seq {
			runs[n-1][1] = seq
		} else {
			runs = append(runs, [2]uint64{seq, seq})
		}
	}
	return l.whole[stream], runs
}

func (l *fakeLog) Ack(_, _, stream string, from, to uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.acked[stream] == nil {
		l.acked[stream], l.past[stream] = map[uint64]bool{}, map[uint64]bool{}
	}
	for seq := from; seq <= to; seq++ {
		l.acked[stream][seq] = true
		if seq > l.whole[stream] {
			l.past[stream][seq] = true
		}
	}
	for l.past[stream][l.whole[stream]+1] {
		l.whole[stream]++
		delete(l.past[stream], l.whole[stream])
	}
}

func (l *fakeLog) upto(stream string) uint64 {
	n, _ := l.Acked("", stream)
	return n
}

// hash is that of our own block.
func (l *fakeLog) hash(stream string, seq uint64) string {
	if seq == 0 {
		return envelope.Genesis
	}
	_, b, _ := l.Read(stream, seq-1, 1)
	p, err := envelope.Peek(b[0])
	if err != nil {
		panic(err)
	}
	return envelope.Hash(p)
}

// seqOf reads the number of a block out of its message.
func seqOf(message []byte) uint64 {
	p, err := envelope.Peek(message)
	if err != nil {
		panic(err)
	}
	_, rest, _ := strings.Cut(string(p), `"seq":`)
	var n uint64
	if _, err := fmt.Sscan(strings.FieldsFunc(rest, func(r rune) bool { return r < '0' || r > '9' })[0], &n); err != nil {
		panic(err)
	}
	return n
}

// receipt is a message of the centre.
func receipt(r envelope.Receipt) []byte {
	if r.Gateway == "" {
		r.Gateway = "gw1"
	}
	if r.Epoch == "" {
		r.Epoch = "e1"
	}
	m, err := envelope.NewSealer(centreKey()).Seal(envelope.TypeReceipt, r.AppendPayload(nil))
	if err != nil {
		panic(err)
	}
	return m
}

// pub is a message that reached the broker.
type pub struct {
	topic    string
	payload  []byte
	retained bool
	at       time.Time // when it was through the link, less half of its round trip
	conn     int       // number of the connection
}

// fakeBroker stands behind the client interface. Its fields may be changed at any time
// with mu held.
type fakeBroker struct {
	mu       sync.Mutex
	down     error
	rtt      time.Duration
	deaf     bool            // no acknowledgements
	drop     map[string]bool // topics whose messages are acknowledged and thrown away
	refuse   map[string]bool // topics that may not be subscribed to
	retained map[string][]byte
	slowSub  map[string]time.Duration

	bandwidth int       // bytes a second, behind a buffer without end; 0 = no limit
	busy      time.Time // until then the link has to do

	slow       time.Duration // a publish blocks for so long
	pubs       []pub
	subs       map[string]bool
	listens    []string // all subscriptions ever
	dials      []time.Time
	conn       *fakeClient
	conns      int
	flying     int
	mostFlying int
	onPub      func(pub) // called with mu held
	closed     []bool    // orderly or not, of each connection
}

func newBroker() *fakeBroker {
	return &fakeBroker{rtt: 50 * time.Millisecond, drop: map[string]bool{}, refuse: map[string]bool{}, retained: map[string][]byte{}, slowSub: map[string]time.Duration{}}
}

type fakeClient struct {
	b *fakeBroker
	e *ears
	n int
}

func (b *fakeBroker) connect(_ context.Context, _ []byte, e *ears) (client, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.dials = append(b.dials, time.Now())
	if b.down != nil {
		return nil, b.down
	}
	b.conns++
	b.subs, b.flying = map[string]bool{}, 0
	b.conn = &fakeClient{b, e, b.conns}
	return b.conn, nil
}

// lose ends the connection.
func (b *fakeBroker) lose() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.conn.e.lose(errors.New("cut"))
	b.conn = nil
}

type fakeToken struct {
	done chan struct{}
	err  error
}

func (t *fakeToken) Done() <-chan struct{} { return t.done }
func (t *fakeToken) Error() error          { return t.err }

func (c *fakeClient) after(d time.Duration, f func() error) token {
	t := &fakeToken{done: make(chan struct{})}
	time.AfterFunc(d, func() {
		c.b.mu.Lock()
		defer c.b.mu.Unlock()
		if c.b.conn != c || c.b.deaf {
			return
		}
		t.err = f()
		close(t.done)
	})
	return t
}

func (c *fakeClient) Publish(topic string, retained bool, payload []byte, _ bool) token {
	b := c.b
	time.Sleep(b.slow)
	b.mu.Lock()
	defer b.mu.Unlock()
	p := pub{topic, bytes.Clone(payload), retained, time.Now(), c.n}
	queue := b.queue(len(payload))
	p.at = p.at.Add(queue)
	b.pubs = append(b.pubs, p)
	if b.onPub != nil {
		b.onPub(p)
	}
	block := strings.Contains(topic, "/b/")
	if block {
		b.flying++
		b.mostFlying = max(b.mostFlying, b.flying)
	}
	return c.after(queue+b.rtt, func() error {
		if block {
			b.flying--
		}
		if b.subs[topic] && !b.drop[topic] {
			c.e.hear(topic, p.payload)
		}
		return nil
	})
}

// queue is how long a message takes to get through the link, in its turn.
func (b *fakeBroker) queue(size int) time.Duration {
	if b.bandwidth == 0 {
		return 0
	}
	now := time.Now()
	if b.busy.Before(now) {
		b.busy = now
	}
	b.busy = b.busy.Add(time.Duration(size) * time.Second / time.Duration(b.bandwidth))
	return b.busy.Sub(now)
}

func (c *fakeClient) Listen(topic string, on bool) token {
	b := c.b
	b.mu.Lock()
	defer b.mu.Unlock()
	if on {
		b.listens = append(b.listens, topic)
	}
	return c.after(b.rtt+b.slowSub[topic], func() error {
		if b.refuse[topic] && on {
			return errSubscription
		}
		b.subs[topic] = on
		if on && strings.HasSuffix(topic, "/receipt/+") {
			for t, m := range b.retained {
				c.e.hear(t, m)
			}
		}
		return nil
	})
}

func (c *fakeClient) Close(orderly bool) {
	c.b.mu.Lock()
	defer c.b.mu.Unlock()
	c.b.closed = append(c.b.closed, orderly)
	if c.b.conn == c {
		c.b.conn = nil
	}
}

// send hands the gateway a message.
func (b *fakeBroker) send(topic string, payload []byte) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.conn != nil {
		b.conn.e.hear(topic, payload)
	}
}

// seqs are the numbers of the blocks published in a stream, in their order.
func (b *fakeBroker) seqs(stream string) []uint64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	var out []uint64
	for _, p := range b.pubs {
		if strings.HasSuffix(p.topic, "/b/"+stream) {
			out = append(out, seqOf(p.payload))
		}
	}
	return out
}

func (b *fakeBroker) topic(suffix string) []pub {
	b.mu.Lock()
	defer b.mu.Unlock()
	var out []pub
	for _, p := range b.pubs {
		if strings.HasSuffix(p.topic, suffix) {
			out = append(out, p)
		}
	}
	return out
}

// rig is an uplink at work on a fake log and broker.
type rig struct {
	t      *testing.T
	log    *fakeLog
	b      *fakeBroker
	u      *Uplink
	text   bytes.Buffer // of the logger
	textMu sync.Mutex

	mu     sync.Mutex
	events []envelope.Event
	ahead  []uint64
	stop   context.CancelFunc
	done   chan struct{}
}

func (r *rig) Write(p []byte) (int, error) {
	r.textMu.Lock()
	defer r.textMu.Unlock()
	return r.text.Write(p)
}

func (r *rig) logged() string {
	r.textMu.Lock()
	defer r.textMu.Unlock()
	return r.text.String()
}

func newRig(t *testing.T, set func(*Options)) *rig {
	t.Helper()
	r := &rig{t: t, log: newLog(), b: newBroker(), done: make(chan struct{})}
	o := Options{
		Name: "city", Gateway: "gw1", Prefix: "env", Broker: "tcp://broker.test", Version: "1.0",
		CentreKeys: envelope.NewKeySet(centreKey().Public()),
		Event: func(e envelope.Event) {
			r.mu.Lock()
			defer r.mu.Unlock()
			r.events = append(r.events, e)
		},
		Ahead: func(_ string, upto uint64) {
			r.mu.Lock()
			defer r.mu.Unlock()
			r.ahead = append(r.ahead, upto)
		},
	}
	o.Logger = slog.New(slog.NewTextHandler(r, nil))
	if set != nil {
		set(&o)
	}
	u, err := New(r.log, r.log, o)
	if err != nil {
		t.Fatal(err)
	}
	u.connect = r.b.connect
	r.u = u
	return r
}

func (r *rig) start() {
	ctx, stop := context.WithCancel(context.Background())
	r.stop = stop
	go func() {
		defer close(r.done)
		if err := r.u.Run(ctx); err != nil {
			r.t.Errorf("Run: %v", err)
		}
	}()
}

func (r *rig) end() {
	r.stop()
	<-r.done
	time.Sleep(ackTimeout) // timers of the fake broker
}

func (r *rig) kinds() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	var out []string
	for _, e := range r.events {
		s := e.Type
		if e.New != "" {
			s += " " + e.New
		}
		out = append(out, s)
	}
	return out
}

func (r *rig) wantEvents(want ...string) {
	r.t.Helper()
	if got := r.kinds(); !slices.Equal(got, want) {
		r.t.Errorf("events %q, want %q", got, want)
	}
}

// give sends a receipt for a stream, with the head of our own block.
func (r *rig) give(stream string, upto uint64, have, want [][2]uint64) {
	r.b.send("env/gw1/receipt/"+stream, receipt(envelope.Receipt{
		Stream: stream, Epoch: r.log.Epoch(), UpTo: upto, Head: r.log.hash(stream, upto), Have: have, Want: want,
	}))
}

func count(seqs []uint64, seq uint64) int {
	n := 0
	for _, s := range seqs {
		if s == seq {
			n++
		}
	}
	return n
}

func upTo(from, to uint64) []uint64 {
	var out []uint64
	for i := from; i <= to; i++ {
		out = append(out, i)
	}
	return out
}
