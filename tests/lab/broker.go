package main

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"io"
	"log/slog"
	"maps"
	"net"
	"os"
	"strings"
	"sync"

	mqtt "github.com/mochi-mqtt/server/v2"
	"github.com/mochi-mqtt/server/v2/listeners"
	"github.com/mochi-mqtt/server/v2/packets"
)

// broker is an MQTT broker within this program, on a port of the loopback
// interface that it keeps over outages. It also listens to what passes.
type broker struct {
	address string
	log     *os.File

	mu      sync.Mutex
	server  *mqtt.Server // nil during an outage
	streams map[string]*traffic
}

// open lets everyone in, and do everything: only this machine can connect.
type open struct{ mqtt.HookBase }

func (*open) ID() string { return "open" }

func (*open) Provides(b byte) bool {
	return b == mqtt.OnConnectAuthenticate || b == mqtt.OnACLCheck
}

func (*open) OnConnectAuthenticate(*mqtt.Client, packets.Packet) bool { return true }

func (*open) OnACLCheck(*mqtt.Client, string, bool) bool { return true }

// traffic is what passed the broker for one stream.
type traffic struct {
	blocks, bytes uint64 // times that a block passed, a second time counted again
	receipts      uint64
	upto          uint64 // of the newest receipt, not verified here
	receipt       []byte // the newest, to count each once
}

func startBroker(logPath string) (*broker, error) {
	log, err := os.OpenFile(logPath, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o644)
	if err != nil {
		return nil, err
	}
	b := &broker{address: "127.0.0.1:0", log: log, streams: map[string]*traffic{}}
	if err := b.start(); err != nil {
		log.Close()
		return nil, err
	}
	return b, nil
}

// start begins to serve, at the same port each time.
func (b *broker) start() error {
	l, err := net.Listen("tcp", b.address)
	if err != nil {
		return err
	}
	b.address = l.Addr().String()
	s := mqtt.New(&mqtt.Options{InlineClient: true, Logger: slog.New(slog.NewTextHandler(b.log, nil))})
	if err := s.AddHook(new(open), nil); err != nil {
		return err
	}
	if err := s.AddListener(listeners.NewNet("lab", l)); err != nil {
		return err
	}
	for i, filter := range []string{"envgate/+/b/+", "envgate/+/receipt/+"} {
		if err := s.Subscribe(filter, i+1, b.hear); err != nil {
			return err
		}
	}
	if err := s.Serve(); err != nil {
		return err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.server = s
	return nil
}

// stop ends all connections; retained messages are forgotten.
func (b *broker) stop() {
	b.mu.Lock()
	s := b.server
	b.server = nil
	b.mu.Unlock()
	if s != nil {
		s.Close()
	}
}

// up says whether the broker serves.
func (b *broker) up() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.server != nil
}

// knows says whether a client has subscribed to something.
func (b *broker) knows(client string) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.server == nil {
		return false
	}
	c, ok := b.server.Clients.Get(client)
	return ok && c.State.Subscriptions.Len() > 0
}

// Close ends the broker for good.
func (b *broker) Close() {
	b.stop()
	b.log.Close()
}

// hear counts a message that passes.
func (b *broker) hear(_ *mqtt.Client, _ packets.Subscription, p packets.Packet) {
	parts := strings.Split(p.TopicName, "/")
	kind, stream := parts[len(parts)-2], parts[len(parts)-1]
	b.mu.Lock()
	defer b.mu.Unlock()
	t := b.streams[stream]
	if t == nil {
		t = &traffic{}
		b.streams[stream] = t
	}
	if kind == "b" {
		t.blocks++
		t.bytes += uint64(len(p.Payload))
		return
	}
	if !bytes.Equal(t.receipt, p.Payload) {
		t.receipts++
		t.receipt = bytes.Clone(p.Payload)
		t.upto = upto(p.Payload)
	}
}

// traffic is what passed so far, by stream.
func (b *broker) traffic() map[string]traffic {
	b.mu.Lock()
	defer b.mu.Unlock()
	out := map[string]traffic{}
	for name, t := range maps.All(b.streams) {
		out[name] = *t
	}
	return out
}

// upto reads from a receipt how far it reaches, 0 where it cannot be read.
func upto(message []byte) uint64 {
	if z, err := gzip.NewReader(bytes.NewReader(message)); err == nil {
		message, _ = io.ReadAll(io.LimitReader(z, 1<<20))
	}
	_, payload, _ := bytes.Cut(message, []byte("\n{"))
	var r struct {
		Upto uint64 `json:"upto"`
	}
	json.Unmarshal(append([]byte("{"), payload...), &r)
	return r.Upto
}
