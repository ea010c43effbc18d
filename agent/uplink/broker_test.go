package uplink

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"log/slog"
	"net"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"envgate/envelope"

	mochi "github.com/mochi-mqtt/server/v2"
	"github.com/mochi-mqtt/server/v2/listeners"
	"github.com/mochi-mqtt/server/v2/packets"
)

// Tests with a real broker and the real client, on the loopback. They wait for what
// must happen, for as long as patience allows, and time nothing but the stop.
const patience = 30 * time.Second

func eventually(t *testing.T, what string, is func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !is(); {
		if time.Now().After(end) {
			t.Fatalf("waited in vain: %s", what)
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// rules are a broker's: whom it lets in, what it throws away.
type rules struct {
	mochi.HookBase
	mu      sync.Mutex
	noLogin bool
	drop    func(topic string) bool // acknowledged and gone
	noRead  func(topic string) bool
	clients map[string]*mochi.Client
}

func (r *rules) ID() string { return "rules" }

func (r *rules) Provides(b byte) bool {
	return b == mochi.OnConnectAuthenticate || b == mochi.OnACLCheck || b == mochi.OnPublish
}

func (r *rules) OnConnectAuthenticate(c *mochi.Client, _ packets.Packet) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.clients == nil {
		r.clients = map[string]*mochi.Client{}
	}
	r.clients[c.ID] = c
	return !r.noLogin
}

func (r *rules) OnACLCheck(_ *mochi.Client, topic string, write bool) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return write || r.noRead == nil || !r.noRead(topic)
}

func (r *rules) OnPublish(_ *mochi.Client, p packets.Packet) (packets.Packet, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.drop != nil && r.drop(p.TopicName) {
		return p, packets.CodeSuccessIgnore
	}
	return p, nil
}

// testBroker is a broker with a centre in it, which signs a receipt for each block.
type testBroker struct {
	*rules
	s    *mochi.Server
	addr string
	once sync.Once

	cmu    sync.Mutex
	silent bool // the centre gives no receipts
	blocks map[string]map[uint64]string
	bad    []error
	others map[string]string // last payload by topic
}

func newTestBroker(t testing.TB, addr string, cfg *tls.Config) *testBroker {
	t.Helper()
	b := &testBroker{rules: &rules{}, blocks: map[string]map[uint64]string{}, others: map[string]string{}}
	b.s = mochi.New(&mochi.Options{InlineClient: true, Logger: slog.New(slog.DiscardHandler)})
	if err := b.s.AddHook(b.rules, nil); err != nil {
		t.Fatal(err)
	}
	nl, err := net.Listen("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	if cfg != nil {
		nl = tls.NewListener(nl, cfg)
	}
	l := &listener{Listener: nl, accepted: make(chan struct{}), conns: map[net.Conn]bool{}}
	if err := b.s.AddListener(l); err != nil {
		t.Fatal(err)
	}
	if err := b.s.Serve(); err != nil {
		t.Fatal(err)
	}
	b.addr = l.Address()
	t.Cleanup(b.stop)
	if err := b.s.Subscribe("env/gw1/#", 1, b.centre); err != nil {
		t.Fatal(err)
	}
	return b
}

func (b *testBroker) stop() { b.once.Do(func() { b.s.Close() }) }

// A listener waits for the ends of its connections: the broker's own do not, and its
// Close races with them.
type listener struct {
	net.Listener
	accepted chan struct{} // closed when no more are
	wg       sync.WaitGroup
	mu       sync.Mutex
	conns    map[net.Conn]bool // guarded by mu
}

func (l *listener) ID() string              { return "t" }
func (l *listener) Address() string         { return l.Addr().String() }
func (l *listener) Protocol() string        { return "tcp" }
func (l *listener) Init(*slog.Logger) error { return nil }

func (l *listener) Serve(establish listeners.EstablishFn) {
	defer close(l.accepted)
	for {
		c, err := l.Accept()
		if err != nil {
			return
		}
		l.mu.Lock()
		l.conns[c] = true
		l.mu.Unlock()
		l.wg.Go(func() {
			establish("t", c)
			c.Close()
			l.mu.Lock()
			delete(l.conns, c)
			l.mu.Unlock()
		})
	}
}

func (l *listener) Close(listeners.CloseFn) {
	l.Listener.Close()
	<-l.accepted
	l.mu.Lock()
	for c := range l.conns {
		c.Close()
	}
	l.mu.Unlock()
	l.wg.Wait()
}

func (b *testBroker) centre(_ *mochi.Client, _ packets.Subscription, p packets.Packet) {
	b.cmu.Lock()
	defer b.cmu.Unlock()
	_, stream, ok := strings.Cut(p.TopicName, "/b/")
	if !ok {
		b.others[p.TopicName] = string(p.Payload)
		return
	}
	block, hash, err := envelope.OpenBlock(p.Payload, envelope.NewKeySet(gatewayKey().Public()))
	if err != nil {
		b.bad = append(b.bad, err)
		return
	}
	m := b.blocks[stream]
	if m == nil {
		m = map[uint64]string{}
		b.blocks[stream] = m
	}
	m[block.Seq] = hash
	if b.silent {
		return
	}
	b.give(stream, block.Epoch)
}

// give publishes the receipt of a stream, with cmu held.
func (b *testBroker) give(stream, epoch string) {
	r := envelope.Receipt{Gateway: "gw1", Stream: stream, Epoch: epoch, Head: envelope.Genesis, At: time.Now().UnixMilli()}
	m := b.blocks[stream]
	for m[r.UpTo+1] != "" {
		r.UpTo++
		r.Head = m[r.UpTo]
	}
	message, err := envelope.NewSealer(centreKey()).Seal(envelope.TypeReceipt, r.AppendPayload(nil))
	if err != nil {
		b.bad = append(b.bad, err)
		return
	}
	go b.s.Publish("env/gw1/receipt/"+stream, message, true, 1)
}

func (b *testBroker) other(topic string) string {
	b.cmu.Lock()
	defer b.cmu.Unlock()
	return b.others[topic]
}

func (b *testBroker) has(stream string) int {
	b.cmu.Lock()
	defer b.cmu.Unlock()
	return len(b.blocks[stream])
}

// realRig is an uplink with the real client.
func realRig(t *testing.T, broker string, set func(*Options)) *rig {
	t.Helper()
	r := newRig(t, func(o *Options) {
		o.Broker = broker
		if set != nil {
			set(o)
		}
	})
	r.u.connect, r.u.o.ReconnectMax = r.u.dialMQTT, 200*time.Millisecond
	return r
}

// quick ends Run, which must not take 5 seconds, whatever the broker does.
func (r *rig) quick() {
	r.t.Helper()
	r.stop()
	select {
	case <-r.done:
	case <-time.After(5 * time.Second):
		r.t.Error("Run did not return within 5s of its context's end")
		<-r.done
	}
}

func TestBrokerReceipts(t *testing.T) {
	t.Parallel()
	b := newTestBroker(t, "127.0.0.1:0", nil)
	r := realRig(t, "tcp://"+b.addr, func(o *Options) { o.Birth = func() []byte { return []byte("born") } })
	for _, s := range []string{"live", "stat", "event"} {
		r.log.add(s, 60)
	}
	r.start()
	eventually(t, "all acknowledged", func() bool { return r.u.lag() == 0 && r.log.upto("live") == 60 })
	r.log.add("live", 1)
	eventually(t, "the next one too", func() bool { return r.log.upto("live") == 61 })
	if len(b.bad) > 0 {
		t.Errorf("the centre got %v", b.bad)
	}
	if s := b.other("env/gw1/state"); !strings.HasPrefix(s, `{"state":"online"`) {
		t.Errorf("state %q", s)
	}
	if s := b.other("env/gw1/birth"); s != "born" {
		t.Errorf("birth %q", s)
	}
	if s := r.u.Stats(); s.BytesOut < 61*300 || s.BytesIn == 0 || s.Published < 181 || s.RTT == 0 {
		t.Errorf("stats %+v", s)
	}
	r.quick()
	eventually(t, "the last word", func() bool { return strings.HasPrefix(b.other("env/gw1/state"), `{"state":"offline","at"`) })
}

func TestBrokerRestarts(t *testing.T) {
	t.Parallel()
	b := newTestBroker(t, "127.0.0.1:0", nil)
	r := realRig(t, "tcp://"+b.addr, nil)
	r.log.add("live", 20)
	r.start()
	eventually(t, "the first 20", func() bool { return r.log.upto("live") == 20 })
	for i := range 2 {
		b.stop()
		r.log.add("live", 20)
		next := newTestBroker(t, b.addr, nil)
		next.cmu.Lock() // the centre has a store that outlives the broker
		next.blocks = b.blocks
		next.cmu.Unlock()
		b = next
		eventually(t, "20 more", func() bool { return r.log.upto("live") == uint64(40+20*i) })
	}
	r.quick()
	r.wantEvents("uplink.up up", "uplink.down down", "uplink.up up", "uplink.down down", "uplink.up up")
}

func TestBrokerWill(t *testing.T) {
	t.Parallel()
	b := newTestBroker(t, "127.0.0.1:0", nil)
	r := realRig(t, "tcp://"+b.addr, nil)
	r.start()
	eventually(t, "online", func() bool { return strings.HasPrefix(b.other("env/gw1/state"), `{"state":"online"`) })
	b.rules.mu.Lock()
	c := b.clients["gw1"]
	b.noLogin = true // and not again
	b.rules.mu.Unlock()
	c.Stop(errors.New("cut"))
	eventually(t, "the will", func() bool { return strings.HasPrefix(b.other("env/gw1/state"), `{"state":"offline","since"`) })
	r.quick()
}

// A broker that acknowledges and throws away.
func TestBrokerDrops(t *testing.T) {
	for _, mode := range []Mode{ModeReceipt, ModePuback} {
		t.Run(string(mode), func(t *testing.T) {
			t.Parallel()
			b := newTestBroker(t, "127.0.0.1:0", nil)
			b.drop = func(topic string) bool { return strings.HasSuffix(topic, "/b/live") }
			r := realRig(t, "tcp://"+b.addr, func(o *Options) { o.Ack = mode })
			r.log.add("live", 30)
			r.log.add("stat", 30)
			r.start()
			eventually(t, "acknowledgements of the broker", func() bool { return r.u.Stats().Published > 30 })
			eventually(t, "the other stream", func() bool { return r.log.upto("stat") == 30 })
			if n := r.log.upto("live"); n != 0 {
				t.Errorf("cursor is %d of blocks that are gone", n)
			}
			b.rules.mu.Lock()
			b.drop = nil
			c := b.clients["gw1"]
			b.rules.mu.Unlock()
			c.Stop(errors.New("cut")) // a new connection begins at the cursor
			eventually(t, "all of live", func() bool { return r.log.upto("live") == 30 && b.has("live") == 30 })
			r.quick()
		})
	}
}

func TestBrokerRefusesSubscription(t *testing.T) {
	t.Parallel()
	b := newTestBroker(t, "127.0.0.1:0", nil)
	b.noRead = func(topic string) bool { return strings.Contains(topic, "/receipt/") }
	r := realRig(t, "tcp://"+b.addr, nil)
	r.log.add("live", 3)
	r.start()
	eventually(t, "the log line", func() bool { return strings.Contains(r.logged(), "receipts cannot be had") })
	eventually(t, "blocks all the same", func() bool { return b.has("live") == 3 })
	r.quick()
}

// hole accepts connections and says nothing.
func hole(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			t.Cleanup(func() { c.Close() })
		}
	}()
	return l.Addr().String()
}

func TestBlackHole(t *testing.T) {
	t.Parallel()
	for _, scheme := range []string{"tcp", "tls"} {
		r := realRig(t, scheme+"://"+hole(t), nil)
		r.log.add("live", 3)
		r.start()
		eventually(t, "an attempt", func() bool { return r.u.Stats().Attempts > 0 })
		r.quick()

		ctx, cancel := context.WithTimeoutCause(t.Context(), 20*time.Millisecond, errSlow)
		defer cancel()
		if _, err := r.u.dialMQTT(ctx, nil, newEars(&r.u.traffic)); !errors.Is(err, errSlow) {
			t.Errorf("%s: error %v, want %v", scheme, err, errSlow)
		}
	}
}

// freezer carries bytes until it is frozen: then it takes no more, as a link does whose
// other end is gone.
type freezer struct {
	mu     sync.Mutex
	frozen bool
	cond   *sync.Cond
}

func newFreezer(t *testing.T, to string) (addr string, f *freezer) {
	t.Helper()
	f = &freezer{}
	f.cond = sync.NewCond(&f.mu)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close(); f.freeze(false) })
	copying := func(dst, src net.Conn) {
		defer dst.Close()
		buf := make([]byte, 512)
		for {
			n, err := src.Read(buf)
			if err != nil {
				return
			}
			f.mu.Lock()
			for f.frozen {
				f.cond.Wait()
			}
			f.mu.Unlock()
			if _, err := dst.Write(buf[:n]); err != nil {
				return
			}
		}
	}
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			d, err := net.Dial("tcp", to)
			if err != nil {
				c.Close()
				continue
			}
			go copying(c, d)
			go copying(d, c)
		}
	}()
	return l.Addr().String(), f
}

func (f *freezer) freeze(on bool) {
	f.mu.Lock()
	f.frozen = on
	f.mu.Unlock()
	f.cond.Broadcast()
}

func TestStopOnFrozenLink(t *testing.T) {
	t.Parallel()
	b := newTestBroker(t, "127.0.0.1:0", nil)
	addr, f := newFreezer(t, b.addr)
	r := realRig(t, "tcp://"+addr, nil)
	r.log.add("live", 3)
	r.start()
	eventually(t, "acknowledged", func() bool { return r.log.upto("live") == 3 })
	f.freeze(true)
	r.log.pad = 60 << 10 // fill the buffers on the way, so that a write blocks
	r.log.add("live", 200)
	eventually(t, "blocks in flight", func() bool { return r.u.Stats().BytesOut > 64<<10 })
	r.quick()
}

func TestRefused(t *testing.T) {
	const day = 24 * time.Hour
	a, b := newAuthority(t, "city"), newAuthority(t, "other")
	cert, key := a.issue("gw1", -day, day)
	otherCert, otherKey := b.issue("gw1", -day, day)
	oldCert, oldKey := a.issue("gw1", -2*day, -day)
	good, err := TLS("tls://127.0.0.1", a.file, cert, key, "gw1", sureClock)
	if err != nil {
		t.Fatal(err)
	}
	foreign, err := TLS("tls://127.0.0.1", a.file, otherCert, otherKey, "gw1", sureClock)
	if err != nil {
		t.Fatal(err)
	}
	stranger, err := TLS("tls://127.0.0.1", b.file, cert, key, "gw1", sureClock)
	if err != nil {
		t.Fatal(err)
	}
	pair, err := tls.LoadX509KeyPair(oldCert, oldKey)
	if err != nil {
		t.Fatal(err)
	}
	expired := good.Clone() // it was good when it was loaded
	expired.Certificates = []tls.Certificate{pair}
	nameless := good.Clone()
	nameless.Certificates = nil

	server := a.server("broker", -day, day)
	tests := []struct {
		name   string
		server *tls.Config
		client *tls.Config
		login  bool
		want   []string // in the one line of the log
	}{
		{"good", server, good, true, nil},
		{"login refused", server, good, false, []string{"(code ", "refused the connection", `certificate ('gw1' by 'city'`}},
		{"certificate of another authority", server, foreign, true, []string{"refused our certificate", `'gw1' by 'other'`, "was our certificate signed by"}},
		{"certificate expired meanwhile", server, expired, true, []string{"refused our certificate", "expired certificate", "certificate has expired: on "}},
		{"no certificate", server, nameless, true, []string{"refused our certificate (none)", "certificate required", "give this uplink a certificate"}},
		{"broker of another authority", server, stranger, true, []string{"signed by 'CN=city'", "is tls.ca the authority"}},
		{"broker expired", a.server("broker", -2*day, -day), good, true, []string{"the broker's certificate 'broker' is valid from", "clock is wrong"}},
		{"not tls", nil, good, true, []string{"hint="}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			b := newTestBroker(t, "127.0.0.1:0", tt.server)
			b.noLogin = !tt.login
			r := realRig(t, "tls://"+b.addr, func(o *Options) { o.TLS = tt.client })
			r.start()
			defer r.quick()
			if tt.want == nil {
				eventually(t, "a connection", func() bool { return r.u.Stats().Open })
				return
			}
			eventually(t, "a second attempt", func() bool { return r.u.Stats().Attempts >= 2 })
			got := strings.ReplaceAll(r.logged(), `\"`, "'")
			if n := strings.Count(got, "uplink down"); n != 1 {
				t.Errorf("said %d times: %s", n, got)
			}
			for _, w := range append(tt.want, "broker=tls://"+b.addr) {
				if !strings.Contains(got, w) {
					t.Errorf("no %q in: %s", w, got)
				}
			}
		})
	}
}

func TestNobodyThere(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
	r := realRig(t, "tcp://"+l.Addr().String(), nil)
	r.start()
	eventually(t, "two attempts", func() bool { return r.u.Stats().Attempts >= 2 })
	if s := r.u.Stats(); !strings.Contains(s.Trouble, "nobody listens there") || s.Open {
		t.Errorf("stats %+v", s)
	}
	r.quick()
}

// A web server at the broker's port, and one that sends a packet of 256 MB.
func TestNotABroker(t *testing.T) {
	t.Parallel()
	for want, answer := range map[string]string{
		"does not keep to MQTT":        "HTTP/1.1 400 Bad Request\r\n\r\n",
		"message of 268435455 bytes":   "\x20\x02\x00\x00\x30\xff\xff\xff\x7f",
		"packet of type 9 with 4":      "\x20\x02\x00\x00\x90\x04\x00\x01\x01\x01",
		"reason unknown (code 99)":     "\x20\x02\x00\x63",
		"client id not accepted (code": "\x20\x02\x00\x02",
	} {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		go func() {
			for {
				c, err := l.Accept()
				if err != nil {
					return
				}
				go func() {
					defer c.Close()
					c.Write([]byte(answer))
					io.Copy(io.Discard, c)
				}()
			}
		}()
		r := realRig(t, "tcp://"+l.Addr().String(), nil)
		r.start()
		eventually(t, want, func() bool { return strings.Contains(r.u.Stats().Trouble, want) })
		r.quick()
		l.Close()
	}
}

// A link that takes no byte blocks the client in the middle of a write, and whoever
// publishes behind it.
func TestStopOnBlockedWrite(t *testing.T) {
	t.Parallel()
	r := realRig(t, "tcp://127.0.0.1:1", nil)
	r.log.add("live", 40)
	deaf := make(chan struct{})
	r.u.connect = func(_ context.Context, will []byte, e *ears) (client, error) {
		near, far := net.Pipe() // it holds no bytes
		t.Cleanup(func() { far.Close() })
		go func() {
			far.Read(make([]byte, 4096)) // CONNECT
			far.Write([]byte{0x20, 2, 0, 0})
			close(deaf)
		}()
		return connectMQTT(newWire(near, e), &r.u.o, "will", will, e)
	}
	r.start()
	<-deaf
	eventually(t, "blocks handed over", func() bool { return r.u.Stats().Open })
	r.quick()
}

// Nothing is left of a connection when it is over.
func TestGoroutinesEnd(t *testing.T) {
	b := newTestBroker(t, "127.0.0.1:0", nil)
	r := realRig(t, "tcp://"+b.addr, nil)
	r.log.add("live", 3)
	r.start()
	eventually(t, "acknowledged", func() bool { return r.log.upto("live") == 3 })
	before := runtime.NumGoroutine()
	for range 5 {
		n := r.u.Stats().Connections
		b.rules.mu.Lock()
		c := b.clients["gw1"]
		b.rules.mu.Unlock()
		c.Stop(errors.New("cut"))
		eventually(t, "the next connection", func() bool { return r.u.Stats().Connections > n })
	}
	eventually(t, "as many goroutines as before", func() bool { return runtime.NumGoroutine() <= before+3 })
	r.quick()
}
