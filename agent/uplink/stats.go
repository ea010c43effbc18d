package uplink

import "time"

// Stats are the counters of an uplink since it was made, and its present state.
type Stats struct {
	Open        bool
	Since       time.Time // of the present state: connected since, or down since
	Trouble     string    // why it is down, "" while open
	Attempts    uint64    // to connect
	Connections uint64    // that came up

	Published uint64 // blocks the broker acknowledged, resent ones too
	Resent    uint64 // blocks that this connection had sent before: late, wanted, or without an echo
	Acked     uint64 // blocks by which cursors moved
	InFlight  int

	Receipts    uint64    // verified and of this epoch
	Foreign     uint64    // verified, of another epoch
	Unverified  uint64    // their block was evicted before it was acknowledged, or could not be read
	BadReceipts uint64    // could not be verified, or not ours
	LastReceipt time.Time // when the last good one came
	Dropped     uint64    // messages that came faster than they were read

	RTT               time.Duration // from publish to the broker's acknowledgement, smoothed
	BytesIn, BytesOut uint64        // MQTT, inside TLS

	Streams []StreamStats // in the order of sending
}

// StreamStats are the state of one stream.
type StreamStats struct {
	Stream string
	Head   uint64 // newest sealed block
	Lag    uint64 // blocks without an acknowledgement
	Late   bool   // receipts do not come
	Forked bool   // a receipt names another block under one of our numbers
	Echo   bool   // false: published blocks do not come back from the broker
}

// Stats may be called at any time, from any goroutine.
func (u *Uplink) Stats() Stats {
	u.mu.Lock()
	s := u.stats
	streams := make([]StreamStats, len(u.o.Streams))
	copy(streams, u.stats.Streams)
	u.mu.Unlock()
	s.BytesIn, s.BytesOut, s.Dropped = u.traffic.in.Load(), u.traffic.out.Load(), u.traffic.dropped.Load()
	s.Streams = streams
	for i, name := range u.o.Streams {
		st := &s.Streams[i]
		if st.Stream == "" {
			st.Stream, st.Echo = name, true
		}
		_, st.Head = u.log.Bounds(name)
		st.Lag = unacked(u.log, u.cur, u.o.Name, name)
	}
	return s
}

func (u *Uplink) count(f func(*Stats)) {
	u.mu.Lock()
	f(&u.stats)
	u.mu.Unlock()
}

// publishHealth copies the loop's own state to where Stats can see it.
func (u *Uplink) publishHealth() {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.stats.Streams = u.stats.Streams[:0]
	for _, name := range u.o.Streams {
		h := u.health[name]
		u.stats.Streams = append(u.stats.Streams, StreamStats{Stream: name, Late: h.late, Forked: h.forked, Echo: !h.red})
	}
}

// unacked counts the blocks of a stream that are in the log and not acknowledged.
func unacked(log Log, cur Cursor, cursor, stream string) uint64 {
	first, last := log.Bounds(stream)
	upto, runs := cur.Acked(cursor, stream)
	return lag(first, last, upto, runs)
}

func lag(first, last, upto uint64, runs [][2]uint64) uint64 {
	from := max(first, upto+1)
	if last < from {
		return 0
	}
	n := last - from + 1
	for _, r := range runs {
		if a, b := max(r[0], from), min(r[1], last); a <= b {
			n -= b - a + 1
		}
	}
	return n
}
