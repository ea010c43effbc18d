package uplink

import (
	"errors"
	"sync"
	"sync/atomic"
	"time"
)

// A client is one connection to a broker, open when one gets it, until it is lost or
// closed. All messages have QoS 1.
type client interface {
	// Publish may block up to writeTimeout on a stalled link. payload must not
	// change until the token is done. more says that another call follows at once,
	// so that several messages may go in one write.
	Publish(topic string, retained bool, payload []byte, more bool) token
	// Listen subscribes to a topic, or ends that. It may block as Publish does. The
	// token's error is errSubscription where the broker refuses.
	Listen(topic string, on bool) token
	// Close returns within closeTimeout. An orderly close says good-bye; without,
	// the broker sends the will. Tokens may stay undone.
	Close(orderly bool)
}

// A token is the promise of the broker's answer.
type token interface {
	Done() <-chan struct{}
	Error() error // good when Done is closed
}

const (
	writeTimeout = 10 * time.Second
	ackTimeout   = 30 * time.Second // for a broker's answer; then the connection is given up
	closeTimeout = 500 * time.Millisecond
)

var (
	errSubscription = errors.New("subscription refused")
	errNoAnswer     = errors.New("no acknowledgement")
)

// ears are where a client puts what it hears. Nothing that it calls blocks.
type ears struct {
	inbox   chan message
	lost    chan error   // the first reason
	waiting atomic.Int64 // bytes in inbox
	missed  atomic.Bool  // something was dropped since the loop last looked
	traffic *traffic
}

// traffic counts, over all connections.
type traffic struct {
	in, out atomic.Uint64 // bytes of MQTT, inside TLS
	metered atomic.Uint64 // bytes as a contract counts them, see toll
	dropped atomic.Uint64 // messages that found the inbox full
}

type message struct {
	topic   string
	payload []byte
}

// What a talkative broker can make us hold.
const (
	inboxSize  = 64
	inboxBytes = 256 << 10
)

func newEars(t *traffic) *ears {
	return &ears{inbox: make(chan message, inboxSize), lost: make(chan error, 1), traffic: t}
}

// hear posts a message. What does not fit is dropped and counted: receipts are
// retained, and the loop asks for them again.
func (e *ears) hear(topic string, payload []byte) {
	size := int64(len(payload))
	if e.waiting.Add(size) <= inboxBytes {
		select {
		case e.inbox <- message{topic, payload}:
			return
		default:
		}
	}
	e.waiting.Add(-size)
	e.missed.Store(true)
	e.traffic.dropped.Add(1)
}

func (e *ears) lose(err error) {
	select {
	case e.lost <- err:
	default:
	}
}

// An errand is one thing for the client to do.
type errand struct {
	kind     errandKind
	topic    string
	payload  []byte
	retained bool

	lane    *lane // of a block
	seq     uint64
	number  uint64 // of the errand; counts up
	at      time.Time
	backlog bool
}

type errandKind int

const (
	doBlock errandKind = iota
	doState
	doBirth
	doListen
	doLeave
)

// An outcome is what came of an errand.
type outcome struct {
	errand
	rtt time.Duration
	err error
}

// A post runs errands in their order, away from the loop, because a client may block.
// It holds at most as many as its channels do.
type post struct {
	c        client
	errands  chan errand
	outcomes chan outcome
	hurry    atomic.Bool   // leave out blocks: we are stopping
	quit     chan struct{} // closed to end both goroutines
	wg       sync.WaitGroup
}

// control is how many errands other than blocks may wait at a time.
const control = 16

func newPost(c client, window int) *post {
	n := window + control
	return &post{c: c, errands: make(chan errand, n), outcomes: make(chan outcome, n), quit: make(chan struct{})}
}

func (p *post) start() {
	flying := make(chan flight, cap(p.errands))
	p.wg.Go(func() { p.send(flying) })
	p.wg.Go(func() { p.wait(flying) })
}

type flight struct {
	errand
	token token
	sent  time.Time
}

// gather is the most errands that are taken at once.
const gather = 32

func (p *post) send(flying chan<- flight) {
	var some []errand
	for {
		select {
		case e := <-p.errands:
			some = p.more(append(some[:0], e))
		case <-p.quit:
			return
		}
		last := len(some) - 1 // of the messages; a subscription goes its own way
		for last >= 0 && some[last].listens() {
			last--
		}
		for i, e := range some {
			if e.kind == doBlock && p.hurry.Load() {
				continue // our last word ends the batch
			}
			f := flight{errand: e, sent: time.Now()}
			if e.listens() {
				f.token = p.c.Listen(e.topic, e.kind == doListen)
			} else {
				f.token = p.c.Publish(e.topic, e.retained, e.payload, i < last)
			}
			f.payload = nil // the client has it as long as it needs it
			select {
			case flying <- f:
			case <-p.quit:
				return
			}
		}
		clear(some) // their blocks are the client's alone
	}
}

// more adds the errands that wait already.
func (p *post) more(some []errand) []errand {
	for len(some) < gather {
		select {
		case e := <-p.errands:
			some = append(some, e)
		default:
			return some
		}
	}
	return some
}

func (e *errand) listens() bool { return e.kind == doListen || e.kind == doLeave }

// wait takes answers in the order of the errands, as brokers give them
// (MQTT 3.1.1, 4.6); one that comes before its turn is seen a little later.
func (p *post) wait(flying <-chan flight) {
	for {
		var f flight
		select {
		case f = <-flying:
		case <-p.quit:
			return
		}
		o := outcome{errand: f.errand}
		timer := time.NewTimer(time.Until(f.sent.Add(ackTimeout)))
		select {
		case <-f.token.Done():
			o.err = f.token.Error()
			o.rtt = time.Since(f.at)
		case <-timer.C:
			o.err = errNoAnswer
		case <-p.quit:
			timer.Stop()
			return
		}
		timer.Stop()
		select {
		case p.outcomes <- o:
		case <-p.quit:
			return
		}
	}
}

// close ends the goroutines. One that is stuck in the client is waited for a
// little, then left to writeTimeout: it holds nothing but its own errand.
func (p *post) close() {
	close(p.quit)
	done := make(chan struct{})
	go func() { p.wg.Wait(); close(done) }()
	timer := time.NewTimer(closeTimeout)
	defer timer.Stop()
	select {
	case <-done:
	case <-timer.C:
	}
}
