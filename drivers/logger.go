package drivers

import (
	"context"
	"fmt"
	"hash/maphash"
	"net"
	"sync"
	"time"

	"envgate/hj212"
)

// A Logger is one port on which instruments and data loggers push HJ 212 frames by
// themselves: nobody asks them. Run takes what comes.
//
// Real-time data (CN 2011) become samples. A sample's time is when the frame came: an
// instrument's clock is not trusted, but one that is far from ours is said, see
// [LoggerClock]. Each factor with a value (Rtd, ZsRtd) is a reading, its digits those
// of the frame and its flag the frame's; factors that nobody mapped are kept under
// their own code. Data that were sent after the event (RF=1, HJ 212-2025) have a
// value, flag B and [CauseLate]: they do not belong to the time they came at.
//
// Minute, hour and day data are counted and not taken, as figures are made of the
// samples here, by one rule for all instruments. Copies are no samples, over whichever
// connection they come. What wants an answer (9014, 9013) gets it when its samples
// were handed over, which is before they are on a disk; minute data get it, too, or
// they would come again for ever.
//
// Only the devices that are listed are heard. Frames of another MN are neither
// answered nor stored; the MN is said once.
//
// A device of which no new real-time data came for three intervals, 30 s at least, has
// missing readings for its mapped points, flag B, at each interval until it speaks.
//
// A port's input is bounded, whoever sends it: 16 KB/s in the long run, eight
// connections, 128 points to a device beside the mapped ones.
type Logger struct {
	o       LoggerOptions      // immutable once made
	codec   hj212.Codec        // immutable once made
	devices map[string]*talker // by MN; immutable once made
	idle    time.Duration      // a connection without a frame for so long is dead
	seed    maphash.Seed
	input   throttle

	mu       sync.Mutex
	stats    LoggerStats            // guarded by mu
	down     error                  // why the port does not work; nil while it does; guarded by mu
	since    time.Time              // of down; guarded by mu
	up       time.Time              // when the port came to work again; guarded by mu
	unknown  map[string]bool        // MNs that were said; guarded by mu
	fault    bool                   // was said; guarded by mu
	dialects map[hj212.Dialect]bool // that were said; guarded by mu
	sessions map[*session]struct{}  // of a port that listens; guarded by mu
}

// LoggerOptions say what a Logger is. Name, Devices and one of Open and Listen must be
// there.
type LoggerOptions struct {
	// Name is the line's name in the site.
	Name string

	// Open makes the one stream of a serial port or a connection that we dial, within
	// reasonable time. It is called again when the stream ends, after 1 to 30 s.
	Open func(context.Context) (Stream, error)

	// Listen makes a listener, on which up to eight connections are served at once. Of
	// more, the one is closed that brought nothing for the longest time.
	Listen func(context.Context) (net.Listener, error)

	// Dialect is the check sum that all frames of the port have.
	Dialect hj212.Dialect

	// FrameTime is how long a frame may take from its first byte to its last; 0 is
	// 5 s. Half a frame holds back those behind it for so long.
	FrameTime time.Duration

	Devices []LoggerDevice

	// ClockSet says whether our own clock is set, without which no other is compared
	// with it; nil is always.
	ClockSet func() bool

	// Sample takes samples and the interval of their device. Event takes what happened.
	// Both are called one at a time and must not wait.
	Sample func(every time.Duration, samples ...Sample)
	Event  func(LoggerEvent)
}

// A LoggerDevice is an instrument that speaks by itself.
type LoggerDevice struct {
	// Name is the device's name in the site, and the source of its samples.
	Name string

	// MN is what it calls itself in its frames.
	MN string

	// Interval is how often its real-time data come: that of its own setting.
	Interval time.Duration

	// Factors are the points that it is known to have.
	Factors []LoggerFactor
}

// A LoggerFactor maps a factor to a point.
type LoggerFactor struct {
	// Code is the factor as it stands in frames, such as a34004; for a value other than
	// Rtd with that kind, such as a21026-ZsRtd.
	Code string

	// Point is the point's name, and Unit that of its values, which frames do not say.
	// An empty Point is the code.
	Point, Unit string
}

// Causes of a Logger's readings, beside those of [Cause].
const (
	CauseSilent     Cause = "silent"     // the instrument should speak by itself, and has not for long
	CauseLate       Cause = "late"       // sent after the event: a value of another time
	CauseInstrument Cause = "instrument" // the flag is the instrument's own, and it says no more
)

// A LoggerEvent is something that happened at a Logger.
type LoggerEvent struct {
	Type    LoggerEventType
	Subject string // line or device
	Old     string // before
	New     string // after
	Why     string
	Err     error // of LoggerLineDown
}

// A LoggerEventType says what happened.
type LoggerEventType uint8

const (
	LoggerLineDown      LoggerEventType = iota + 1 // the port cannot be opened
	LoggerLineUp                                   // it can again
	LoggerDeviceOffline                            // a device has fallen silent
	LoggerDeviceOnline                             // it speaks again
	// LoggerUnknown: New is an MN that is not listed. Said once for each, of 64 at most.
	LoggerUnknown
	// LoggerClock: the device's clock is New off ours (positive: it is ahead), which is
	// more than 36 s and its interval; or it was Old off, and is right again. Said once
	// an hour at most.
	LoggerClock
	// LoggerDialect: three frames of one connection, with no good one between them, do
	// not have the check sum Old, and do have New. Said once for each.
	LoggerDialect
	// LoggerPoints: the device has sent more than 128 points that are not mapped. New is
	// the first that was not kept.
	LoggerPoints
	// LoggerFault: a connection was ended by a fault of our own. Said once.
	LoggerFault
)

// LoggerStats count since a Logger was made.
type LoggerStats struct {
	Connections uint64 // streams that were opened
	Evicted     uint64 // connections closed to make room for another
	Frames      uint64 // that came whole, with a good check sum
	BadFrames   uint64 // that began, and went wrong
	Skipped     uint64 // bytes in no frame, of streams that have ended
	Samples     uint64
	Late        uint64 // of them, sent after the event
	Copies      uint64 // frames that came before
	Periods     uint64 // minute, hour and day data
	Others      uint64 // frames with no value that is taken
	Unknown     uint64 // frames of an MN that is not listed
	Unread      uint64 // factors without a usable name, twice in a frame, or one too many
}

const (
	maxConns      = 8
	maxUnmapped   = 128 // points of a device
	maxUnknown    = 64  // MNs that are said
	maxSeen       = 256 // frames of a device that are known again
	seenFor       = 10 * time.Minute
	leastSilence  = 30 * time.Second
	leastIdle     = 5 * time.Minute
	frameTime     = 5 * time.Second
	answerTime    = 2 * time.Second
	clockBound    = 36 * time.Second // 1 % of an hour
	clockPace     = time.Hour
	dialectFrames = 3
	reopenFirst   = time.Second
	reopenMax     = 30 * time.Second
)

// NewLogger checks the options. It opens nothing: [Logger.Run] does.
func NewLogger(o LoggerOptions) (*Logger, error) {
	fail := func(format string, args ...any) (*Logger, error) {
		return nil, fmt.Errorf("logger %q: %w", o.Name, fmt.Errorf(format, args...))
	}
	switch {
	case o.Name == "":
		return fail("name is empty")
	case (o.Open == nil) == (o.Listen == nil):
		return fail("want one of Open and Listen")
	case o.Dialect > hj212.ModbusSwapped:
		return fail("no such check sum: %v", o.Dialect)
	case o.FrameTime < 0:
		return fail("frame time is %v: 0 or more", o.FrameTime)
	case len(o.Devices) == 0:
		return fail("no devices")
	}
	if o.FrameTime == 0 {
		o.FrameTime = frameTime
	}
	if o.ClockSet == nil {
		o.ClockSet = func() bool { return true }
	}
	if o.Sample == nil {
		o.Sample = func(time.Duration, ...Sample) {}
	}
	if o.Event == nil {
		o.Event = func(LoggerEvent) {}
	}
	l := &Logger{
		o: o, codec: hj212.Codec{CRC: o.Dialect, Sends: hj212.Down}, devices: map[string]*talker{}, idle: leastIdle,
		seed: maphash.MakeSeed(), unknown: map[string]bool{}, dialects: map[hj212.Dialect]bool{}, sessions: map[*session]struct{}{},
	}
	names := map[string]bool{}
	for _, d := range o.Devices {
		switch {
		case d.Name == "" || names[d.Name]:
			return fail("device %q: want a name of its own", d.Name)
		case d.MN == "" || l.devices[d.MN] != nil:
			return fail("device %s: MN is %q: want one of its own", d.Name, d.MN)
		case d.Interval <= 0:
			return fail("device %s: interval is %v: want more than 0", d.Name, d.Interval)
		}
		t, err := newTalker(d)
		if err != nil {
			return fail("device %s: %w", d.Name, err)
		}
		names[d.Name], l.devices[d.MN] = true, t
		l.idle = max(l.idle, 10*d.Interval)
	}
	return l, nil
}

// Stats returns the counters.
func (l *Logger) Stats() LoggerStats {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.stats
}

// Run takes what comes until ctx ends. What a peer sends, and what becomes of port and
// connections, is no reason to return. Run always returns nil, and leaves no goroutine.
func (l *Logger) Run(ctx context.Context) error {
	now := time.Now()
	for _, t := range l.devices {
		t.due = now.Add(t.patience())
	}
	var all sync.WaitGroup
	all.Go(func() { l.watch(ctx) })
	if l.o.Listen != nil {
		l.listen(ctx, &all)
	} else {
		l.dial(ctx)
	}
	all.Wait()
	return nil
}

func (l *Logger) newSide() *hj212.PlatformSide {
	side, err := hj212.NewPlatformSide(hj212.PlatformOptions{Allow: l.allow})
	if err != nil {
		panic(err) // our own constant options
	}
	return side
}

// allow is the allow-list. What it refuses is not answered.
func (l *Logger) allow(m *hj212.Message) bool {
	if l.devices[m.MN] != nil {
		return true
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.stats.Unknown++
	if len(l.unknown) < maxUnknown && !l.unknown[m.MN] {
		l.unknown[m.MN] = true
		l.o.Event(LoggerEvent{
			Type: LoggerUnknown, Subject: l.o.Name, New: printable(m.MN), Why: "no device of this line has that MN: its frames are not taken",
		})
	}
	return false
}

// printable is a text of a stranger.
func printable(s string) string {
	if s == "" {
		return "none"
	}
	if isCode(s) {
		return s
	}
	return fmt.Sprintf("%+.40q", s)
}

func (l *Logger) lineDown(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.down == nil {
		l.since = time.Now()
		l.o.Event(LoggerEvent{Type: LoggerLineDown, Subject: l.o.Name, Old: "up", New: "down", Why: err.Error(), Err: err})
	}
	l.down = err
}

func (l *Logger) lineUp() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.down != nil {
		l.o.Event(LoggerEvent{Type: LoggerLineUp, Subject: l.o.Name, Old: "down", New: "up", Why: after(l.since)})
		l.up = time.Now()
	}
	l.down = nil
}

func after(since time.Time) string { return "after " + time.Since(since).Round(time.Second).String() }

func (l *Logger) failed(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.fault {
		l.fault = true
		l.o.Event(LoggerEvent{Type: LoggerFault, Subject: l.o.Name, Why: err.Error()})
	}
}

// badFrame counts a frame that went wrong, and says when another check sum is the
// right one. A damaged frame fits one by chance, so it takes some with no good one
// between them.
func (l *Logger) badFrame(s *session, e *hj212.FrameError) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.stats.BadFrames++
	for _, d := range e.Fits {
		if s.fits[d]++; s.fits[d] == dialectFrames && !l.dialects[d] {
			l.dialects[d] = true
			l.o.Event(LoggerEvent{
				Type: LoggerDialect, Subject: l.o.Name, Old: l.o.Dialect.String(), New: d.String(),
				Why: "frames fail their check sum, and have another one's",
			})
		}
	}
}

func (l *Logger) goodFrame(s *session) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.stats.Frames++
	clear(s.fits)
}

// take makes a sample of what a listed device uploaded. It reports whether there was
// anything in it.
func (l *Logger) take(e *hj212.Event, now time.Time) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	m := &e.Message
	t := l.devices[m.MN]
	if t == nil {
		return false
	}
	if e.Type != hj212.EventUpload || m.CN != "2011" {
		switch m.CN {
		case "2051", "2061", "2031":
			l.stats.Periods++
		default:
			l.stats.Others++
		}
		return true
	}
	if t.copied(m, e.Again, l.sum(m), now) {
		l.stats.Copies++
		t.copies = now
		return true
	}
	readings, unread, full := t.readings(m)
	l.stats.Unread += uint64(unread)
	if full != "" && !t.full {
		t.full = true
		l.o.Event(LoggerEvent{
			Type: LoggerPoints, Subject: t.Name, New: full,
			Why: fmt.Sprintf("it has sent %d points that are not mapped; further ones are not kept", maxUnmapped),
		})
	}
	if len(readings) == 0 {
		l.stats.Others++
		return true
	}
	if t.offline {
		t.offline = false
		l.o.Event(LoggerEvent{Type: LoggerDeviceOnline, Subject: t.Name, Old: "offline", New: "online", Why: after(t.heard)})
	}
	t.heard, t.due = now, now.Add(t.patience())
	if m.RF {
		l.stats.Late++
	} else if l.o.ClockSet() {
		if told, ok := t.clock(m, now); ok {
			l.o.Event(told)
		}
	}
	l.stats.Samples++
	l.o.Sample(t.Interval, Sample{Source: t.Name, Device: t.Name, Time: now, Readings: readings})
	return true
}

func (l *Logger) sum(m *hj212.Message) uint64 { return maphash.Bytes(l.seed, m.Append(nil)) }

// watch says what is missing.
func (l *Logger) watch(ctx context.Context) {
	for ctx.Err() == nil {
		sleep(ctx, time.Until(l.sayMissing(time.Now())))
	}
}

// sayMissing gives silent devices their missing readings, and returns when to come
// again.
func (l *Logger) sayMissing(now time.Time) (next time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, t := range l.devices {
		if !now.Before(t.due) {
			cause := CauseSilent
			switch {
			case l.down != nil, !l.up.IsZero() && now.Sub(l.up) < t.patience():
				cause = CauseLine // it may not have had the time to speak
			case !t.copies.IsZero() && now.Sub(t.copies) < t.patience():
				cause = CauseStale
			}
			if cause != CauseLine && !t.offline { // of a port that is down the device is innocent
				t.offline = true
				if t.heard.IsZero() {
					t.heard = now.Add(-t.patience())
				}
				l.o.Event(LoggerEvent{
					Type: LoggerDeviceOffline, Subject: t.Name, Old: "online", New: "offline",
					Why: fmt.Sprintf("no new real-time data for %v: %s", t.patience(), cause),
				})
			}
			if len(t.Factors) > 0 {
				l.o.Sample(t.Interval, t.missing(now, cause))
			}
			if t.due = t.due.Add(t.Interval); t.due.Before(now) { // the program slept
				t.due = now.Add(t.Interval)
			}
		}
		if next.IsZero() || t.due.Before(next) {
			next = t.due
		}
	}
	return next
}
