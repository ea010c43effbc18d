package uplink

import "time"

// A window says how many bytes of blocks may be in flight. It has to fill a link with a
// long round trip, and must not fill the buffer before a slow one: what is sealed next
// would wait behind all that is in there. How long the queue is shows in the round trip:
// what it takes longer than with an empty link. So the window grows while the queue is
// short, shrinks when it is long, and from time to time looks at the empty link anew.
//
// It knows bytes alone. How many messages they may be is [Options.Window].
type window struct {
	size int // bytes

	base time.Duration // round trip of the empty link, as far as it was seen
	seen time.Time     // when a round trip was last about that short

	round  uint64 // number of the errand that ends the round
	sum    time.Duration
	acks   int  // of the round; sum is of their round trips
	full   bool // in this round the window had no room for what there was
	shrunk bool // in this round
	fast   bool // nothing was ever queued: it doubles with each round

	empties bool   // it waits for the link to become empty, to measure base again
	probe   uint64 // then the first errand that measures it; 0: not empty yet
}

const (
	leastBytes = 8 << 10 // four full blocks
	firstBytes = 16 << 10
	maxBytes   = 512 << 10 // 3.4 Mbit/s at 600 ms for the backlog's half; memory for it is there on the smallest gateway

	longQueue  = 500 * time.Millisecond // at this the window shrinks to what makes half of it; up to half of it the window grows
	baseStands = time.Minute            // without a round trip about as short as base, base is measured again
)

func newWindow(now time.Time) window {
	return window{size: firstBytes, seen: now, fast: true}
}

// bytes is how much may be in flight now.
func (w *window) bytes() int {
	if w.empties {
		return leastBytes
	}
	return w.size
}

// acked is told of a block that the broker acknowledged: the errand's number and round
// trip. newest is the number of the last errand handed over, flying the bytes in flight.
func (w *window) acked(number uint64, rtt time.Duration, newest uint64, flying int, now time.Time) {
	if w.base == 0 || rtt < w.base {
		w.base = rtt
	}
	if rtt <= w.base+w.base/8+10*time.Millisecond {
		w.seen = now
	}
	if w.empties {
		w.measure(number, rtt, newest, flying, now)
		return
	}
	if now.Sub(w.seen) >= baseStands {
		w.empties, w.probe = true, 0
		return
	}
	w.sum += rtt
	w.acks++
	if rtt-w.base > longQueue && !w.shrunk {
		w.shrunk, w.fast = true, false
		w.size = max(leastBytes, int(float64(w.size)*float64(w.base+longQueue/2)/float64(rtt)))
		w.round = newest // what was sent before does not know of it
	}
	if number <= w.round {
		return
	}
	if queue := w.sum/time.Duration(w.acks) - w.base; queue > longQueue/2 {
		w.fast = false
	} else if w.full && !w.shrunk {
		more := w.size / 8
		if w.fast {
			more = w.size
		}
		w.size = min(w.size+more, maxBytes)
	}
	w.begin(newest)
}

// begin begins a round: it ends with the first answer to what is sent from now on.
func (w *window) begin(newest uint64) {
	w.round, w.sum, w.acks, w.full, w.shrunk = newest, 0, 0, false, false
}

// measure takes the first round trip on the empty link as the base, be it shorter or
// longer than before.
func (w *window) measure(number uint64, rtt time.Duration, newest uint64, flying int, now time.Time) {
	switch {
	case w.probe == 0 && flying < leastBytes:
		w.probe = newest + 1
	case w.probe > 0 && number >= w.probe:
		w.base, w.seen = rtt, now
		w.empties = false
		w.begin(newest)
	}
}
