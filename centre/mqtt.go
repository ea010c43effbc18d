package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"
	"github.com/eclipse/paho.mqtt.golang/packets"
)

// Times that a broker has for its part.
const (
	connectTimeout = 10 * time.Second
	answerTimeout  = 10 * time.Second
	subscribeTries = 5
)

// A broker is the connection to the MQTT broker: blocks in, receipts out.
//
// Its session outlives the connection, so the broker keeps what came meanwhile,
// and gives again what was not acknowledged. Each connection has a client of its
// own: nothing of a former one, pending or stored, lives on in it.
type broker struct {
	address  string
	clientID string
	username string
	password string
	tls      *tls.Config
	topic    string // what to subscribe to
	passing  bool   // the session ends with the connection
	log      *slog.Logger

	reconnectMax time.Duration

	in        chan arrival
	connected chan struct{} // holds one: told after each subscription
	closing   atomic.Bool   // nothing more is taken in

	mu   sync.Mutex        // guards out
	out  map[string][]byte // newest receipt by topic that the broker does not have yet
	wake chan struct{}     // holds one: out is not empty
	idle chan struct{}     // holds one: out became empty
}

func newBroker(c *config, password string, t *tls.Config, log *slog.Logger) *broker {
	return &broker{
		address: c.Broker, clientID: c.ClientID, username: c.Username, password: password, tls: t,
		topic: blockTopics(c.Prefix), log: log, reconnectMax: c.ReconnectMax,
		in:        make(chan arrival, queueLength),
		connected: make(chan struct{}, 1),
		out:       make(map[string][]byte),
		wake:      make(chan struct{}, 1),
		idle:      make(chan struct{}, 1),
	}
}

// publish hands in a retained message and never waits. Only the newest of a
// topic is sent.
func (b *broker) publish(topic string, message []byte) {
	b.mu.Lock()
	b.out[topic] = message
	b.mu.Unlock()
	nudge(b.wake)
}

// flush waits until the broker has all that was published, or ctx ends.
func (b *broker) flush(ctx context.Context) {
	for {
		b.mu.Lock()
		n := len(b.out)
		b.mu.Unlock()
		if n == 0 {
			return
		}
		select {
		case <-b.idle:
		case <-ctx.Done():
			return
		}
	}
}

// stop takes in nothing more. What comes is not acknowledged, so the broker
// keeps it.
func (b *broker) stop() { b.closing.Store(true) }

// run keeps a connection until ctx ends. It reports each change of state once.
func (b *broker) run(ctx context.Context) {
	wait := time.Second
	since, told := time.Now(), false
	for ctx.Err() == nil {
		up, err := b.session(ctx, func() {
			b.log.Info("broker connected", "broker", b.address, "after", time.Since(since).Round(time.Millisecond))
		})
		if ctx.Err() != nil {
			return
		}
		if up > 0 {
			b.log.Warn("broker lost", "broker", b.address, "err", err, "held", up.Round(time.Second))
			wait, since, told = time.Second, time.Now(), true
		} else if !told {
			b.log.Error("broker not reached", "broker", b.address, "err", err, "hint", brokerHint(err))
			told = true
		}
		pause(ctx, time.Duration(rand.Int64N(int64(wait)))) // full jitter
		wait = min(2*wait, b.reconnectMax)
	}
}

// brokerHint says what to do about a connection that failed.
func brokerHint(err error) string {
	switch {
	case errors.Is(err, errSubscription):
		return "the broker's access list must let this user read the block topics"
	case errors.Is(err, packets.ErrorRefusedNotAuthorised), errors.Is(err, packets.ErrorRefusedBadUsernameOrPassword):
		return "username, password_file or tls.certificate is not what the broker expects"
	case errors.Is(err, packets.ErrorRefusedIDRejected):
		return "the broker does not take this client_id"
	}
	if _, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return "tls.ca is not the one that signed the broker's certificate, or a certificate has expired"
	}
	return "is the broker running, and is its address right? it is tried again for ever"
}

// errSubscription is a broker that takes the connection and not the subscription.
var errSubscription = errors.New("subscription refused")

// session connects, subscribes and publishes until the connection or ctx ends.
// up is how long it held, 0 if it never came about.
func (b *broker) session(ctx context.Context, started func()) (up time.Duration, err error) {
	lost := make(chan error, 1)
	end := make(chan struct{})
	acks := make(chan mqtt.Message, queueLength+maxBatch)
	opts := mqtt.NewClientOptions().AddBroker(b.address).SetClientID(b.clientID).
		SetUsername(b.username).SetPassword(b.password).
		SetCleanSession(b.passing).SetAutoReconnect(false).SetConnectRetry(false).
		SetConnectTimeout(connectTimeout).SetWriteTimeout(answerTimeout).
		SetKeepAlive(30 * time.Second).SetPingTimeout(answerTimeout).
		SetProtocolVersion(4).
		SetAutoAckDisabled(true). // a message is acknowledged when it is on the disk
		SetOrderMatters(true).    // the handler only puts into a queue
		SetConnectionLostHandler(func(_ mqtt.Client, err error) { lost <- err })
	if b.tls != nil {
		opts.SetTLSConfig(b.tls)
	}
	// Not with the subscription: the broker gives again what was unacknowledged
	// before it hears of that.
	opts.SetDefaultPublishHandler(func(_ mqtt.Client, m mqtt.Message) {
		if b.closing.Load() {
			return
		}
		a := arrival{topic: m.Topic(), message: m.Payload(), at: time.Now(), ack: func() {
			select {
			case acks <- m:
			default: // comes again, and is a duplicate
			}
		}}
		select {
		case b.in <- a:
		case <-end:
		}
	})
	c := mqtt.NewClient(opts)
	if err := await(ctx, c.Connect(), connectTimeout+answerTimeout); err != nil {
		close(end)
		c.Disconnect(0)
		return 0, fmt.Errorf("connect: %w", err)
	}
	acked := make(chan struct{})
	go func() {
		defer close(acked)
		acknowledge(acks, end)
	}()
	defer func() {
		close(end)
		select {
		case <-acked:
		case <-time.After(time.Second):
		}
		c.Disconnect(250)
	}()
	if err := b.subscribe(ctx, c); err != nil {
		return 0, err
	}
	began := time.Now()
	started()
	nudge(b.connected)
	for {
		if err := b.send(ctx, c); err != nil {
			return max(time.Since(began), 1), err
		}
		select {
		case <-b.wake:
		case err := <-lost:
			return max(time.Since(began), 1), err
		case <-ctx.Done():
			return max(time.Since(began), 1), nil
		}
	}
}

// subscribe asks for the block topics, a few times where it is refused. Seen
// with mochi 2.7.9: it refuses while it waits for acknowledgements of a former
// connection under the same packet number. They come once those are stored.
func (b *broker) subscribe(ctx context.Context, c mqtt.Client) error {
	for try := 1; ; try++ {
		t := c.Subscribe(b.topic, 1, nil)
		err := await(ctx, t, answerTimeout)
		if s, ok := t.(*mqtt.SubscribeToken); err == nil && ok && s.Result()[b.topic] <= 2 {
			return nil
		}
		if err == nil {
			err = errSubscription
		}
		if !errors.Is(err, errSubscription) || try == subscribeTries || !pause(ctx, time.Second) {
			return fmt.Errorf("subscribe to %s: %w", b.topic, err)
		}
	}
}

// acknowledge passes acknowledgements on until end, and then those that are left.
func acknowledge(acks <-chan mqtt.Message, end <-chan struct{}) {
	for {
		select {
		case m := <-acks:
			m.Ack()
			continue
		default:
		}
		select {
		case m := <-acks:
			m.Ack()
		case <-end:
			if len(acks) == 0 {
				return
			}
		}
	}
}

// sendWindow is how many receipts are under way at once.
const sendWindow = 64

// send publishes what is handed in, and returns when the broker has all of it.
func (b *broker) send(ctx context.Context, c mqtt.Client) error {
	type sent struct {
		topic   string
		message []byte
		token   mqtt.Token
	}
	for {
		var window []sent
		b.mu.Lock()
		for topic, message := range b.out {
			window = append(window, sent{topic: topic, message: message})
			if len(window) == sendWindow {
				break
			}
		}
		b.mu.Unlock()
		if len(window) == 0 {
			nudge(b.idle)
			return nil
		}
		for i := range window {
			window[i].token = c.Publish(window[i].topic, 1, true, window[i].message)
		}
		for _, s := range window {
			if err := await(ctx, s.token, answerTimeout); err != nil {
				return fmt.Errorf("publish to %s: %w", s.topic, err) // all stay in out
			}
			b.mu.Lock()
			if now, there := b.out[s.topic]; there && bytes.Equal(now, s.message) {
				delete(b.out, s.topic) // no newer one came meanwhile
			}
			b.mu.Unlock()
		}
	}
}

var errNoAnswer = errors.New("no answer from the broker")

// await waits for a token, which may never come, within a time.
func await(ctx context.Context, t mqtt.Token, limit time.Duration) error {
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case <-t.Done():
		return t.Error()
	case <-timer.C:
		return errNoAnswer
	case <-ctx.Done():
		return ctx.Err()
	}
}

// nudge sets a channel that holds one.
func nudge(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}
