// Package uplink carries the log of a gateway to one MQTT broker.
//
// The log is the one and only backlog: an Uplink reads sealed blocks from it, sends
// them as they are, and moves its cursor when they are acknowledged. It keeps numbers
// of what it sent, and the bytes of what is in flight, nothing more. All of its state
// belongs to the goroutine of [Uplink.Run]; the MQTT client, which mqtt.go alone
// imports, only posts to channels of fixed size.
//
// Topics, under {prefix}/{gateway}: b/{stream} for blocks, birth and state (both
// retained), receipt/{stream} from the data centre. The state is a small object,
// unsigned, for dashboards:
//
//	{"state":"online","at":1767225600000,"version":"1.0.0"}    after each connect
//	{"state":"offline","at":1767225600000,"reason":"stopped"}  before an orderly stop
//	{"state":"offline","since":1767225600000,"reason":"lost"}  the will; since = connected since
//
// At each connect two lanes begin in every stream: the fresh lane with the newest
// sealed block and all that are sealed after it, and the backlog, which is what lies
// below it without an acknowledgement. Fresh blocks go first; the backlog has a share
// of the window beside them. The window follows the round trip: it fills a long link,
// and keeps the queue before a slow one short. Delivery is at least once: whoever
// receives counts by gateway, stream, epoch and seq.
//
// Where a contract counts bytes, [Metered] says what waits for what.
package uplink

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"envgate/envelope"
)

// A Log is what an uplink needs of the log: numbers and bytes.
type Log interface {
	// Epoch names the log; another one means that all numbers begin again.
	Epoch() string
	// Bounds are the first and last block that a stream holds, without a gap
	// between them; last is 0 where there was never one.
	Bounds(stream string) (first, last uint64)
	// Read returns up to n blocks from the first seq after a number. The blocks
	// are the caller's.
	Read(stream string, after uint64, n int) (first uint64, blocks [][]byte, err error)
	// Changed is closed at the next append.
	Changed() <-chan struct{}
}

// A Cursor remembers what was acknowledged: all up to a number, and runs past it.
type Cursor interface {
	Acked(cursor, stream string) (upto uint64, runs [][2]uint64)
	Ack(epoch, cursor, stream string, from, to uint64) // of an epoch that is over: nothing happens
}

// A Mode says what moves the cursor.
type Mode string

// ModeReceipt waits for the data centre's signed receipt. ModePuback takes the
// broker's acknowledgement, once one of the stream's blocks has come back from it.
const (
	ModeReceipt Mode = "receipt"
	ModePuback  Mode = "puback"
)

// Options of an uplink. Zero values mean the default where one is named.
type Options struct {
	Name    string // of the uplink and of its cursor
	Gateway string // id; a level of all topics
	Prefix  string // of all topics; may have levels, no wildcards

	Broker             string      // tcp://host:port (mqtt://) or tls://host:port (mqtts://, ssl://); default ports 1883 and 8883
	ClientID           string      // default: Gateway. Two clients of one id throw each other out
	Username, Password string      // "" = none
	TLS                *tls.Config // see [TLS]; nil with a tls broker: the system's authorities, no certificate of ours

	Ack              Mode            // default ModeReceipt
	PubackUnverified bool            // ModePuback without the echo guard
	CentreKeys       envelope.KeySet // who may sign receipts; needed in ModeReceipt

	Streams        []string      // default event, stat, live; sent in this order whatever order is given
	Window         int           // most messages in flight, 1 to 1000, default 256; the round trip decides how many there are. With 1 the backlog can delay a fresh block by one round trip
	BacklogShare   float64       // of the window, above 0 up to 1, default 0.5; one slot at least, and one is always left to fresh blocks
	ReconnectMax   time.Duration // longest pause between attempts, 1 s or more, default 30 s
	ReceiptTimeout time.Duration // after which a block is sent again, 1 s or more, default 60 s

	Metered *Metered // nil = no contract that counts bytes

	Version string           // of the program, for the state message
	Now     func() time.Time // of the site, for Metered; default time.Now
	Birth   func() []byte    // newest birth block, nil = none yet; called on the loop, bytes must not change afterwards
	// Event takes what happened, for the event stream. At is 0: it happens now.
	// It is called on the loop and must not block.
	Event func(envelope.Event)
	// Ahead is told, once an epoch and stream, of a receipt past our own head: the
	// disk lied, or an old image was put back. The caller begins a new epoch. Called
	// on the loop; it may take its time, but must not wait for the uplink.
	Ahead func(stream string, upto uint64)
	// Receipt is told of each verified receipt that is of our own blocks: the newest
	// block that it names, and when it was given. Called on the loop; must not block.
	Receipt func(stream string, seq uint64, at time.Time)
	// Command takes each verified command to this gateway, as often as it comes; nil =
	// none are listened for. Needs CentreKeys. Called on the loop; must not block.
	Command func(*envelope.Command)
	Logger  *slog.Logger // nil = silent
}

// An Uplink sends one log to one broker.
type Uplink struct {
	log     Log
	cur     Cursor
	o       Options                                                         // immutable once made
	broker  *url.URL                                                        // immutable once made
	connect func(ctx context.Context, will []byte, e *ears) (client, error) // tests set another
	health  map[string]*health                                              // by stream; owned by Run
	outage  outage                                                          // owned by Run
	epoch   string                                                          // of health; owned by Run
	meter   *meter                                                          // nil: none; owned by Run

	traffic traffic

	mu    sync.Mutex
	stats Stats         // guarded by mu
	moved chan struct{} // guarded by mu; closed when a cursor moves
}

// health is what is known of a stream beyond one connection.
type health struct {
	receipt time.Time     // when the last one came
	late    bool          // blocks sent have no receipt
	retry   time.Duration // until the next round of resending
	bad     bool          // the last receipt could not be verified
	forked  bool
	ahead   bool // Ahead was called
	red     bool // echo is missing
}

// order of the streams in both lanes.
var order = []string{envelope.StreamEvent, envelope.StreamStat, envelope.StreamLive}

// New checks the options and makes an uplink; it does not connect. The error says
// which option is nonsense.
func New(log Log, cur Cursor, o Options) (*Uplink, error) {
	o.ClientID = cmp.Or(o.ClientID, o.Gateway)
	o.Ack = cmp.Or(o.Ack, ModeReceipt)
	o.Window = cmp.Or(o.Window, 256)
	o.BacklogShare = cmp.Or(o.BacklogShare, 0.5)
	o.ReconnectMax = cmp.Or(o.ReconnectMax, 30*time.Second)
	o.ReceiptTimeout = cmp.Or(o.ReceiptTimeout, time.Minute)
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Birth == nil {
		o.Birth = func() []byte { return nil }
	}
	if o.Event == nil {
		o.Event = func(envelope.Event) {}
	}
	if o.Receipt == nil {
		o.Receipt = func(string, uint64, time.Time) {}
	}
	if o.Ahead == nil {
		o.Ahead = func(string, uint64) {}
	}
	if len(o.Streams) == 0 {
		o.Streams = order
	}
	o.Streams = inOrder(o.Streams)

	broker, err := o.check()
	if err != nil {
		return nil, fmt.Errorf("uplink %q: %w", o.Name, err)
	}
	o.Logger = o.Logger.With("uplink", o.Name, "broker", broker.Redacted())
	u := &Uplink{log: log, cur: cur, o: o, broker: broker, meter: newMeter(o.Metered), health: map[string]*health{}, moved: make(chan struct{})}
	for _, s := range o.Streams {
		u.health[s] = new(health)
	}
	u.connect = u.dialMQTT
	return u, nil
}

// inOrder puts the streams that have a place in order before the others.
func inOrder(streams []string) []string {
	var first, others []string
	for _, s := range order {
		for _, one := range streams {
			if one == s {
				first = append(first, s)
			}
		}
	}
	for _, s := range streams {
		if !slices.Contains(order, s) {
			others = append(others, s)
		}
	}
	return append(first, others...)
}

func (o *Options) check() (*url.URL, error) {
	broker, err := parseBroker(o.Broker)
	if err != nil {
		return nil, err
	}
	level := func(s string) bool { return s != "" && !strings.ContainsAny(s, "/+#\x00") }
	switch {
	case o.Name == "":
		return nil, errors.New("name is empty")
	case !level(o.Gateway):
		return nil, fmt.Errorf("gateway is %q: one topic level, without wildcards", o.Gateway)
	case o.Prefix == "" || strings.ContainsAny(o.Prefix, "+#\x00") || strings.HasSuffix(o.Prefix, "/"):
		return nil, fmt.Errorf("prefix is %q: topic levels without wildcards, no / at the end", o.Prefix)
	case broker.Scheme == "tcp" && o.TLS != nil:
		return nil, fmt.Errorf("broker %s is plain, but there are certificates: write tls://", broker.Redacted())
	case o.Ack != ModeReceipt && o.Ack != ModePuback:
		return nil, fmt.Errorf("ack is %q: receipt or puback", o.Ack)
	case o.Ack == ModeReceipt && len(o.CentreKeys) == 0:
		return nil, errors.New("ack is receipt, and there is no key of a centre to verify one")
	case o.Window < 1 || o.Window > 1000:
		return nil, fmt.Errorf("window is %d: 1 to 1000", o.Window)
	case !(o.BacklogShare > 0 && o.BacklogShare <= 1):
		return nil, fmt.Errorf("share of the backlog is %v: above 0, up to 1", o.BacklogShare)
	case o.ReconnectMax < time.Second:
		return nil, fmt.Errorf("longest pause is %v: 1s or more", o.ReconnectMax)
	case o.ReceiptTimeout < time.Second:
		return nil, fmt.Errorf("receipt time-out is %v: 1s or more", o.ReceiptTimeout)
	}
	if m := o.Metered; m != nil {
		for _, h := range m.Hours {
			if h.From < 0 || h.From >= dayMinutes || h.To < 0 || h.To > dayMinutes || h.From == h.To {
				return nil, fmt.Errorf("hours are minutes %d to %d of the day: 0 to %d, not the same", h.From, h.To, dayMinutes)
			}
		}
	}
	for i, s := range o.Streams {
		if !level(s) || slices.Contains(o.Streams[:i], s) {
			return nil, fmt.Errorf("stream %q: one topic level each, and each once", s)
		}
	}
	return broker, nil
}

// Run connects, sends, and connects again until ctx ends, then returns within 5
// seconds whatever the broker does. It always returns nil: a broker that cannot be had
// is a state of the uplink, not an error of the program. What was not acknowledged
// stays in the log.
func (u *Uplink) Run(ctx context.Context) error {
	pause := backoff{max: u.o.ReconnectMax}
	again := false // because of a new epoch
	for ctx.Err() == nil {
		u.metering()
		e := newEars(&u.traffic)
		began := time.Now()
		u.count(func(s *Stats) { s.Attempts++ })
		u.outage.attempts++
		c, err := u.connect(ctx, offlineWill(began), e)
		if err == nil {
			u.up(again)
			again = false
			began = time.Now()
			err = newSession(u, c, e).run(ctx)
			if err == nil || ctx.Err() != nil {
				break
			}
			if errors.Is(err, errEpoch) { // our own doing, not the broker's
				u.o.Logger.Info("log has a new epoch, connecting again")
				u.count(func(s *Stats) { s.Open = false })
				again = true
				continue
			}
			if time.Since(began) >= u.o.ReconnectMax {
				pause.reset() // else a broker that throws us out at once would be asked each second
			}
			err = fmt.Errorf("connection lost after %v: %w", time.Since(began).Round(time.Second), err)
		}
		if ctx.Err() != nil {
			break
		}
		u.down(err)
		sleep(ctx, max(pause.next(), u.spent()))
	}
	u.count(func(s *Stats) { s.Open, s.Since, s.InFlight = false, time.Now(), 0 })
	return nil
}

// Drain waits until all that is sealed is acknowledged, less what a contract holds back,
// or ctx ends. Run must be at work beside it.
func (u *Uplink) Drain(ctx context.Context) {
	for {
		u.mu.Lock()
		moved := u.moved
		u.mu.Unlock()
		changed := u.log.Changed()
		if u.lag() == 0 {
			return
		}
		select {
		case <-moved:
		case <-changed:
		case <-ctx.Done():
			return
		}
	}
}

// lag is how many blocks wait, and are not held back by a contract.
func (u *Uplink) lag() uint64 {
	var n uint64
	u.mu.Lock()
	m := u.stats.Metered
	u.mu.Unlock()
	for _, s := range u.o.Streams {
		if m != nil && holds(m.Hold, s) {
			continue
		}
		n += unacked(u.log, u.cur, u.o.Name, s)
	}
	return n
}

// tell makes an event; stream is "" where it concerns the whole uplink.
func (u *Uplink) tell(kind, stream, old, now, why string) {
	subject := u.o.Name
	if stream != "" {
		subject += "/" + stream
	}
	u.o.Event(envelope.Event{Type: kind, Subject: subject, Old: old, New: now, Why: why})
}
