package uplink

import (
	"fmt"
	"sync/atomic"
	"time"

	"envgate/envelope"
)

// Metered are the limits of a contract that counts bytes. Within them all goes as it
// does elsewhere. The stream live waits outside the hours, and when nine tenths of the
// day's bytes are used; event and stat go at all hours, until the day's bytes are all
// used. Days and hours are those of the site, at +08:00 and by the clock on the wall.
type Metered struct {
	BytesPerDay int64   // both ways; 0 = no limit
	Hours       []Hours // when live may go; nil = at all hours

	tally atomic.Pointer[Tally]
}

// Hours are a part of each day, in minutes since midnight, 0 to 1440: From included, To
// not. Where To is not after From they go over midnight.
type Hours struct{ From, To int }

// A Tally is how many bytes were used on a day, as far as we can count them: what the
// broker and we say, and an estimate of what TLS and packets add to it.
type Tally struct {
	Day   int64 `json:"day"` // since 1970-01-01, of the site
	Bytes int64 `json:"bytes"`
}

// Tally is what was used so far. It may be called at any time, from any goroutine.
func (m *Metered) Tally() Tally {
	if t := m.tally.Load(); t != nil {
		return *t
	}
	return Tally{}
}

// Recall sets what was used before this start; once there is a tally it does nothing.
func (m *Metered) Recall(t Tally) { m.tally.CompareAndSwap(nil, &t) }

const (
	siteOffset = 8 * 60 // minutes east of Greenwich
	dayMinutes = 24 * 60
	saneDay    = 18262 // 2020-01-01; before it a clock is not set

	packetBytes  = 1400 // of ours in a packet
	headBytes    = 100  // for its heads, its part of a TLS record, and its acknowledgement
	connectBytes = 6000 // for a connection's beginning, with TLS and two certificates
)

// What a contract holds back.
const (
	holdNothing = ""
	holdLive    = "live"
	holdAll     = "all"
)

// A meter holds an uplink to its contract. It looks at the clock on the wall each time
// anew, so a clock that is set costs nothing but what the new time says: a later day
// begins with nothing used, an earlier one goes on with what there is.
type meter struct {
	*Metered
	MeteredStats
	counted uint64 // of the connections' bytes, those in the tally already
}

func newMeter(m *Metered) *meter {
	if m == nil {
		return nil
	}
	return &meter{Metered: m, MeteredStats: MeteredStats{BytesPerDay: m.BytesPerDay, Used: m.Tally()}}
}

// look brings the meter to a time and to the count of all bytes since the start. It
// reports whether what is held has changed.
func (m *meter) look(now time.Time, counted uint64) (changed bool) {
	minutes := now.Unix()/60 + siteOffset
	day, minute := minutes/dayMinutes, int(minutes%dayMinutes)
	if day > m.Used.Day {
		m.Used.Bytes = 0
	}
	if day >= saneDay || day > m.Used.Day { // a start in 1970 is no earlier day: the one it was then would begin anew
		m.Used.Day = day
	}
	m.Used.Bytes += int64(counted - m.counted)
	m.counted = counted

	hold, wait := holdNothing, 0
	m.Why = ""
	switch limit := m.MeteredStats.BytesPerDay; {
	case limit > 0 && m.Used.Bytes >= limit:
		hold, wait, m.Why = holdAll, dayMinutes-minute, "the day's bytes are used"
	case limit > 0 && m.Used.Bytes >= limit-limit/10:
		hold, wait, m.Why = holdLive, dayMinutes-minute+m.opens(0), "nine tenths of the day's bytes are used"
	default:
		if wait = m.opens(minute); wait > 0 {
			hold, m.Why = holdLive, "outside the hours"
		}
	}
	m.Until = time.Time{}
	if wait > 0 {
		m.Until = now.Truncate(time.Minute).Add(time.Duration(wait) * time.Minute)
	}
	if hold == m.Hold {
		return false
	}
	m.Hold, m.Since = hold, now
	return true
}

// opens is in how many minutes the hours begin, 0 within them.
func (m *meter) opens(minute int) int {
	wait := dayMinutes
	for _, h := range m.Hours {
		in := h.From <= minute && minute < h.To
		if h.To <= h.From {
			in = h.From <= minute || minute < h.To
		}
		if in {
			return 0
		}
		wait = min(wait, (h.From-minute+dayMinutes)%dayMinutes)
	}
	if len(m.Hours) == 0 {
		return 0
	}
	return wait
}

// spentPause is how long there is at least between two connections when the day's bytes
// are used: each costs some, and a broker that throws us out would be asked all day.
const spentPause = 10 * time.Minute

// spent is how long it rests for that; 0 while there are bytes.
func (u *Uplink) spent() time.Duration {
	if u.meter == nil || u.meter.Hold != holdAll {
		return 0
	}
	return min(spentPause, u.meter.Until.Sub(u.o.Now()))
}

// holds says whether a stream has to wait under a hold.
func holds(hold, stream string) bool {
	return hold == holdAll || hold == holdLive && stream == envelope.StreamLive
}

func (u *Uplink) holds(stream string) bool { return u.meter != nil && holds(u.meter.Hold, stream) }

// metering looks at the contract, and says a change of what it holds back.
func (u *Uplink) metering() {
	m := u.meter
	if m == nil {
		return
	}
	was, since := m.Hold, m.Since
	changed := m.look(u.o.Now(), u.traffic.metered.Load())
	state, used := m.MeteredStats, m.Used
	m.tally.Store(&used)
	u.mu.Lock()
	u.stats.Metered = &state
	u.mu.Unlock()
	if !changed {
		return
	}
	why := m.Why + ", until " + siteTime(m.Until)
	if m.Hold == holdNothing {
		why = "held since " + siteTime(since)
	}
	var waiting uint64
	for _, s := range u.o.Streams {
		if holds(was, s) || holds(m.Hold, s) {
			waiting += unacked(u.log, u.cur, u.o.Name, s)
		}
	}
	why = fmt.Sprintf("%s; %.1f MB used today, %d blocks wait", why, float64(used.Bytes)/1e6, waiting)
	u.o.Logger.Info("metered", "held", m.Hold, "why", why)
	u.tell(envelope.EventUplinkMetered, "", was, m.Hold, why)
}

// siteTime is a time as the technician at the site reads it.
func siteTime(t time.Time) string {
	return t.UTC().Add(siteOffset * time.Minute).Format("2006-01-02 15:04")
}

// toll is what n bytes of MQTT come to.
func toll(n int) uint64 { return uint64(n + (n+packetBytes-1)/packetBytes*headBytes) }
