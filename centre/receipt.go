package main

import (
	"fmt"
	"log/slog"
	"time"

	"envgate/envelope"
)

// maxRanges bounds each of the two lists of a receipt. What does not fit is told
// in a later one: the oldest come first.
const maxRanges = 64

// How often a gateway is asked again for what does not come: ever more rarely.
const (
	firstAsk = 10 * time.Second
	lastAsk  = time.Hour
)

// A notice is what a chain's gateway was last told.
type notice struct {
	given time.Time // when the last receipt was
	whole bool      // nothing was missing in it
	ask   time.Time // when to ask again for what is missing
	wait  time.Duration
}

// Receipts tells gateways what is stored: one signed, retained message for each
// gateway and stream, some time after a commit at most. The receiver's goroutine
// owns it.
type receipts struct {
	sealer   *envelope.Sealer
	prefix   string
	interval time.Duration // least time between two receipts of one stream
	after    time.Duration // age of a gap from which it is asked for
	publish  func(topic string, message []byte)
	log      *slog.Logger

	due    map[*chain]bool
	open   map[*chain]bool      // chains in which something is missing
	newest map[[2]string]*chain // by gateway and stream: whose receipt is retained
}

// follow forgets all and begins with these chains, in the order of their last
// change. Each gateway is told anew how far its newest chain is.
func (r *receipts) follow(chains []*chain) {
	r.due, r.open = make(map[*chain]bool), make(map[*chain]bool)
	r.newest = make(map[[2]string]*chain)
	for _, c := range chains {
		r.newest[[2]string{c.Gateway, c.Stream}] = c
	}
	for _, c := range r.newest {
		if !c.whole() {
			r.open[c] = true
		}
	}
	r.again()
}

// again makes the newest receipt of each stream due at once: the broker may have
// lost what it retained, or the gateway what it was told.
func (r *receipts) again() {
	for _, c := range r.newest {
		c.notice.given = time.Time{}
		r.due[c] = true
	}
}

// changed notes the chains that a commit touched.
func (r *receipts) changed(touched []*chain) {
	for _, c := range touched {
		k := [2]string{c.Gateway, c.Stream}
		if old := r.newest[k]; old != nil && old != c {
			delete(r.open, old) // a former epoch is not asked for: its log is gone
		}
		r.newest[k] = c
		r.due[c] = true
		c.notice.ask, c.notice.wait = time.Time{}, 0
		if c.whole() {
			delete(r.open, c)
		} else {
			r.open[c] = true
		}
	}
}

// give sends the receipts whose time has come, all of them where force is set,
// and returns how long the next one has to wait, 0 if there is none.
func (r *receipts) give(now time.Time, force bool) (next time.Duration) {
	for c := range r.open {
		if r.due[c] || now.Before(c.notice.ask) {
			continue
		}
		if len(c.want(now, r.after, 1)) > 0 {
			r.due[c] = true
		}
	}
	for c := range r.due {
		n := &c.notice
		wait := r.interval - now.Sub(n.given)
		caughtUp := c.whole() && !n.whole
		if wait > 0 && !caughtUp && !force {
			if next == 0 || wait < next {
				next = wait
			}
			continue
		}
		delete(r.due, c)
		r.send(c, now)
	}
	return next
}

func (r *receipts) send(c *chain, now time.Time) {
	v := envelope.Receipt{
		Gateway: c.Gateway, Stream: c.Stream, Epoch: c.Epoch,
		UpTo: c.head.Seq, Head: c.head.Hash,
		Have: c.have(maxRanges), Want: c.want(now, r.after, maxRanges),
		At: now.UnixMilli(),
	}
	message, err := r.seal(&v)
	if err != nil {
		r.log.Error("receipt not signed", "gateway", c.Gateway, "stream", c.Stream, "err", err)
		return
	}
	n := &c.notice
	n.given, n.whole = now, c.whole()
	if len(v.Want) > 0 {
		n.wait = min(max(2*n.wait, firstAsk), lastAsk)
		n.ask = now.Add(n.wait)
	} else {
		n.ask = time.Time{}
	}
	r.publish(receiptTopic(r.prefix, c.Gateway, c.Stream), message)
}

func (r *receipts) seal(v *envelope.Receipt) ([]byte, error) {
	if err := v.Check(); err != nil {
		return nil, err
	}
	message, err := r.sealer.Seal(envelope.TypeReceipt, v.AppendPayload(nil))
	if err != nil {
		return nil, fmt.Errorf("seal: %w", err)
	}
	return message, nil
}
