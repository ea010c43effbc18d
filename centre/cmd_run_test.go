package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	mochi "github.com/mochi-mqtt/server/v2"
	"github.com/mochi-mqtt/server/v2/listeners"
	"github.com/mochi-mqtt/server/v2/packets"

	"envgate/envelope"
)

// A post is an MQTT broker within the test.
type post struct {
	t      *testing.T
	server *mochi.Server
	addr   string
	close  func()
	subs   int
}

func newPost(t *testing.T, addr string) *post {
	t.Helper()
	p := &post{t: t, server: mochi.New(&mochi.Options{InlineClient: true, Logger: quiet})}
	if err := p.server.AddHook(new(open), nil); err != nil {
		t.Fatal(err)
	}
	l := listeners.NewTCP(listeners.Config{ID: "t", Address: addr})
	if err := p.server.AddListener(l); err != nil {
		t.Fatal(err)
	}
	if err := p.server.Serve(); err != nil {
		t.Fatal(err)
	}
	p.addr = l.Address()
	p.close = sync.OnceFunc(func() { p.server.Close() })
	t.Cleanup(p.close)
	return p
}

// open lets everybody do everything.
type open struct{ mochi.HookBase }

func (*open) Provides(b byte) bool                                     { return b == mochi.OnConnectAuthenticate || b == mochi.OnACLCheck }
func (*open) OnConnectAuthenticate(*mochi.Client, packets.Packet) bool { return true }
func (*open) OnACLCheck(_ *mochi.Client, _ string, _ bool) bool        { return true }

func (p *post) publish(blocks ...sealed) {
	p.t.Helper()
	for _, b := range blocks {
		if err := p.server.Publish(b.topic, b.message, false, 1); err != nil {
			p.t.Fatal(err)
		}
	}
}

// A slot collects the receipts of one stream, verified.
type slot struct {
	mu  sync.Mutex
	got []*envelope.Receipt
}

func (p *post) receipts(topic string, keys envelope.KeySet) *slot {
	p.t.Helper()
	s := new(slot)
	p.subs++
	err := p.server.Subscribe(topic, p.subs, func(_ *mochi.Client, _ packets.Subscription, pk packets.Packet) {
		r, err := envelope.OpenReceipt(pk.Payload, keys)
		if err != nil {
			p.t.Errorf("receipt on %s: %v", pk.TopicName, err)
			return
		}
		s.mu.Lock()
		s.got = append(s.got, r)
		s.mu.Unlock()
	})
	if err != nil {
		p.t.Fatal(err)
	}
	return s
}

func (s *slot) last() *envelope.Receipt {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.got) == 0 {
		return &envelope.Receipt{}
	}
	return s.got[len(s.got)-1]
}

func (s *slot) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.got)
}

// waitFor waits for a receipt up to a number and returns it.
func (s *slot) waitFor(t *testing.T, upto uint64) *envelope.Receipt {
	t.Helper()
	waitFor(t, func() bool { return s.last().UpTo >= upto })
	return s.last()
}

// A site is a folder with everything that a centre needs.
type site struct {
	t      *testing.T
	folder string
	config string
	keys   envelope.KeySet // public half of the receipt key
}

func newSite(t *testing.T, addr string, plants ...*plant) *site {
	t.Helper()
	s := &site{t: t, folder: t.TempDir()}
	k, err := envelope.NewKey("centre")
	if err != nil {
		t.Fatal(err)
	}
	s.keys = envelope.NewKeySet(k.Public())
	if err := envelope.WriteKey(filepath.Join(s.folder, "centre.key"), k); err != nil {
		t.Fatal(err)
	}
	var reg strings.Builder
	reg.WriteString("gateways:\n")
	for _, p := range plants {
		s.write(p.id+".pub", string(p.key.Public().PEM()))
		fmt.Fprintf(&reg, "  - id: %s\n    name: test\n    keys:\n      - file: %s.pub\n", p.id, p.id)
	}
	s.write("gateways.yaml", reg.String())
	s.config = s.write("centre.yaml", fmt.Sprintf(`broker: tcp://%s
key: centre.key
database: centre.db
register: gateways.yaml
receipt_interval: 50ms
want_after: 1s
live_rows: 7d
`, addr))
	return s
}

func (s *site) write(name, text string) string {
	s.t.Helper()
	path := filepath.Join(s.folder, name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		s.t.Fatal(err)
	}
	return path
}

// run starts a centre; stop ends it and fails if it did not end well.
func (s *site) run() (stop func()) {
	s.t.Helper()
	c, err := loadConfig(s.config)
	if err != nil {
		s.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- serve(ctx, c, quiet) }()
	return sync.OnceFunc(func() {
		s.t.Helper()
		cancel()
		select {
		case err := <-done:
			if err != nil {
				s.t.Errorf("centre: %v", err)
			}
		case <-time.After(10 * time.Second):
			s.t.Error("centre did not stop in 10 s")
		}
	})
}

func (s *site) tallies() map[string]int64 {
	s.t.Helper()
	st, err := openReader(context.Background(), filepath.Join(s.folder, "centre.db"))
	if err != nil {
		s.t.Fatal(err)
	}
	defer st.Close()
	return (&desk{t: s.t, store: st}).tallies()
}

func TestServe(t *testing.T) {
	p, stranger := newPlant(t, "gw-1"), newPlant(t, "gw-9")
	post := newPost(t, "127.0.0.1:0")
	site := newSite(t, post.addr, p)
	slot := post.receipts("envgate/gw-1/receipt/live", site.keys)
	stop := site.run()
	defer stop()

	b := p.lives(20)
	connected := p.event()
	events := post.receipts("envgate/gw-1/receipt/event", site.keys)
	waitFor(t, func() bool { // the inline broker drops what nobody subscribes to
		post.publish(connected)
		return events.last().UpTo == 1
	})
	post.publish(b[:8]...)
	post.publish(b[10:]...)
	post.publish(b[3], stranger.live(), sealed{topic: b[0].topic, message: []byte("junk")})
	if r := slot.waitFor(t, 8); r.Head != b[7].hash || r.Epoch != "epoch1" {
		t.Errorf("receipt %+v, want up to block 8 with its hash", r)
	}
	waitFor(t, func() bool { return len(slot.last().Want) == 1 }) // asks by itself
	if r := slot.last(); r.Want[0] != [2]uint64{9, 10} || len(r.Have) != 1 || r.Have[0] != [2]uint64{11, 20} {
		t.Errorf("receipt %+v, want 9-10 wanted and 11-20 had", r)
	}
	post.publish(b[9], b[8])
	if r := slot.waitFor(t, 20); r.Head != b[19].hash || len(r.Have)+len(r.Want) != 0 {
		t.Errorf("receipt %+v, want whole", r)
	}
	stop()
	got := site.tallies()
	if got[kindBlock] != 21 || got[kindUnknown] != 1 || got[kindGarbage] != 1 || got[kindDuplicate] < 1 {
		t.Errorf("tallies %v, want 21 blocks, 1 unknown, 1 garbage, a duplicate", got)
	}

	// What comes while it is away waits at the broker; the retained receipt too.
	if kept := post.receipts("envgate/gw-1/receipt/live", site.keys); kept.last().UpTo != 20 {
		t.Errorf("the retained receipt is %+v, want up to 20", kept.last())
	}
	more := p.lives(3)
	post.publish(more...)
	given := events.count()
	stop = site.run()
	defer stop()
	if r := slot.waitFor(t, 23); r.Head != more[2].hash {
		t.Errorf("receipt %+v after the restart, want up to 23", r)
	}
	waitFor(t, func() bool { return events.count() > given }) // given again, though nothing came
	stop()
	if n := site.tallies()[kindBlock]; n != 24 {
		t.Errorf("%d blocks after the restart, want 24", n)
	}
}

// A centre that dies between a block's arrival and its commit leaves it with the
// broker, which gives it to the next.
func TestServeAfterKill(t *testing.T) {
	p := newPlant(t, "gw-1")
	post := newPost(t, "127.0.0.1:0")
	site := newSite(t, post.addr, p)
	c, err := loadConfig(site.config)
	if err != nil {
		t.Fatal(err)
	}
	// Takes from the broker, never commits.
	b := newBroker(c, "", nil, quiet)
	ctx, kill := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { b.run(ctx); close(done) }()
	<-b.connected
	all := p.lives(5)
	post.publish(all...)
	for range all {
		<-b.in
	}
	kill()
	<-done

	slot := post.receipts("envgate/gw-1/receipt/live", site.keys)
	stop := site.run()
	defer stop()
	if r := slot.waitFor(t, 5); r.Head != all[4].hash {
		t.Errorf("receipt %+v, want up to 5", r)
	}
	stop()
	if got := site.tallies(); got[kindBlock] != 5 || got[kindDuplicate] != 0 {
		t.Errorf("tallies %v, want each block once", got)
	}
}

// A broker that lost everything is told anew.
func TestServeNewBroker(t *testing.T) {
	p := newPlant(t, "gw-1")
	first := newPost(t, "127.0.0.1:0")
	site := newSite(t, first.addr, p)
	slot := first.receipts("envgate/gw-1/receipt/live", site.keys)
	stop := site.run()
	defer stop()
	b := p.live()
	waitFor(t, func() bool { first.publish(b); return slot.last().UpTo == 1 })
	first.close()
	second := newPost(t, first.addr)
	again := second.receipts("envgate/gw-1/receipt/live", site.keys)
	if r := again.waitFor(t, 1); r.Head != b.hash {
		t.Errorf("receipt %+v at the new broker", r)
	}
}

// A stop does not wait for a broker that is not there.
func TestServeStopsWithoutBroker(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0") // accepts, and never answers
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	site := newSite(t, l.Addr().String(), newPlant(t, "gw-1"))
	stop := site.run()
	conn, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	stop()
}

// A gateway is enrolled without a stop; a wrong register changes nothing.
func TestReload(t *testing.T) {
	p, q := newPlant(t, "gw-1"), newPlant(t, "gw-2")
	site := newSite(t, "127.0.0.1:1883", p)
	c, err := loadConfig(site.config)
	if err != nil {
		t.Fatal(err)
	}
	site.write("gw-2.pub", string(q.key.Public().PEM()))
	text, err := os.ReadFile(filepath.Join(site.folder, "gateways.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	site.write("gateways.yaml", string(text)+"  - id: gw-2\n    keys: [{file: gw-2.pub}]\n")
	again, err := c.reload()
	if err != nil || !again.has("gw-1") || !again.has("gw-2") {
		t.Fatalf("reload: %v", err)
	}
	site.write("gateways.yaml", string(text)+"  - id: gw-2\n    keys: [{file: none.pub}]\n")
	if _, err := c.reload(); err == nil {
		t.Error("reload took a register whose key file is not there")
	}
}

func TestServeRefuses(t *testing.T) {
	for _, tt := range []struct {
		name string
		edit func(s *site)
		want error
		text string
	}{
		{"no key", func(s *site) { os.Remove(filepath.Join(s.folder, "centre.key")) }, fs.ErrNotExist, "centre.key"},
		{"key that others may read", func(s *site) { os.Chmod(filepath.Join(s.folder, "centre.key"), 0o644) }, envelope.ErrKeyMode, "0644"},
		{"database that is none", func(s *site) { s.write("centre.db", strings.Repeat("not a database ", 100)) }, errReadStore, "centre.db"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := newSite(t, "127.0.0.1:1", newPlant(t, "gw-1"))
			tt.edit(s)
			c, err := loadConfig(s.config)
			if err != nil {
				t.Fatal(err)
			}
			if err := serve(t.Context(), c, quiet); !errors.Is(err, tt.want) || !strings.Contains(err.Error(), tt.text) {
				t.Errorf("error %v, want %v that names %s", err, tt.want, tt.text)
			}
		})
	}
}

// What a password file holds is in no log.
func TestPasswordIsNotLogged(t *testing.T) {
	var log bytes.Buffer
	s := newSite(t, "127.0.0.1:1", newPlant(t, "gw-1"))
	s.write("pw", "sesame-open\n")
	text, err := os.ReadFile(s.config)
	if err != nil {
		t.Fatal(err)
	}
	s.write("centre.yaml", string(text)+"username: centre\npassword_file: pw\n")
	c, err := loadConfig(s.config)
	if err != nil {
		t.Fatal(err)
	}
	if pw, err := readPassword(c.PasswordFile); err != nil || pw != "sesame-open" {
		t.Fatalf("password %q, %v", pw, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(300*time.Millisecond, cancel)
	if err := serve(ctx, c, slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(log.String(), "sesame") || !strings.Contains(log.String(), "broker not reached") {
		t.Errorf("log: %s", log.String())
	}
}
