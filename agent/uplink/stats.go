package uplink

import (
	"time"

	"envgate/envelope"
)

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

	BytesInFlight int
	Window        int // bytes of blocks that may be in flight now

	Receipts    uint64    // verified and of this epoch
	Foreign     uint64    // verified, of another epoch
	Unverified  uint64    // their block was evicted before it was acknowledged, or could not be read
	BadReceipts uint64    // could not be verified, or not ours
	LastReceipt time.Time // when the last good one came
	Commands    uint64    // verified ones to this gateway, repeated ones too
	BadCommands uint64    // could not be verified, or not ours
	Dropped     uint64    // messages that came faster than they were read

	RTT               time.Duration // from publish to the broker's acknowledgement, smoothed
	LeastRTT          time.Duration // the same with nothing queued, as far as this connection has seen it
	BytesIn, BytesOut uint64        // MQTT, inside TLS

	Metered *MeteredStats // nil without a contract that counts bytes; not to be changed

	Streams []StreamStats // in the order of sending
}

// MeteredStats are how a contract stands that counts bytes.
type MeteredStats struct {
	BytesPerDay int64     // 0 = no limit
	Used        Tally     // of today
	Hold        string    // what is held back: "" nothing, "live", or "all"; how much of it is the lag of the streams
	Why         string    // of the hold
	Since       time.Time // of the hold, or of its end
	Until       time.Time // as it is foreseen; zero without a hold
}

// StreamStats are the state of one stream.
type StreamStats struct {
	Stream string
	Head   uint64 // newest sealed block
	Lag    uint64 // blocks without an acknowledgement
	Acked  uint64 // all blocks up to this one are acknowledged

	Oldest      time.Time // the time of the oldest block without an acknowledgement; zero if there is none, or it cannot be read
	LastReceipt time.Time // when the last one of the stream came that was good
	Held        bool      // back, by a contract that counts bytes

	Late   bool // receipts do not come
	Forked bool // a receipt names another block under one of our numbers
	Echo   bool // false: published blocks do not come back from the broker
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
		st.Acked, _ = u.cur.Acked(u.o.Name, name)
		if st.Lag = unacked(u.log, u.cur, u.o.Name, name); st.Lag > 0 {
			st.Oldest = u.timeOf(name, st.Acked+1)
		}
	}
	return s
}

// timeOf is the time of a block, or of the first one after it.
func (u *Uplink) timeOf(stream string, seq uint64) (at time.Time) {
	_, blocks, err := u.log.Read(stream, seq-1, 1)
	if err != nil || len(blocks) == 0 {
		return at
	}
	if b, err := envelope.PeekBlock(blocks[0]); err == nil {
		at = time.UnixMilli(b.T0)
	}
	return at
}

func (u *Uplink) count(f func(*Stats)) {
	u.mu.Lock()
	f(&u.stats)
	u.mu.Unlock()
}

// publish copies the loop's own state to where Stats can see it.
func (s *session) publish() {
	u := s.u
	u.mu.Lock()
	defer u.mu.Unlock()
	u.stats.InFlight, u.stats.BytesInFlight = s.flying, s.bytes
	u.stats.Window, u.stats.LeastRTT = s.window.bytes(), s.window.base
	u.stats.Streams = u.stats.Streams[:0]
	for _, name := range u.o.Streams {
		h := u.health[name]
		u.stats.Streams = append(u.stats.Streams, StreamStats{
			Stream: name, LastReceipt: h.receipt, Held: u.holds(name), Late: h.late, Forked: h.forked, Echo: !h.red,
		})
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
