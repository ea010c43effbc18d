// Package platform carries figures of the log to one government platform over HJ 212.
//
// The field side dials and keeps the connection. Two kinds of data go out: real-time
// values (CN 2011) out of the newest live blocks, one frame each RtdInterval, never
// out of the backlog; and the figures of closed periods (minute CN 2051, hour 2061,
// day 2031) out of the stat stream, oldest first. Each frame asks for an answer, and
// there is one in flight: what is not answered by a 9014 with its QN goes out again,
// byte for byte, and after the retries the connection is closed and made anew. Where the
// connection is lost before that, figures go out again over the next one with the same QN,
// unless they are to be marked as backfilled by then.
//
// After an outage there are two lanes: what was sealed newest goes at once, the backlog
// behind it oldest first (HJ 212-2025, 8.1.2: newly collected data first). The cursor is
// named [Cursor] "platform/" and the name. It moves in the stat stream
// alone, over all blocks that were sealed together, when the last of their figures has
// been answered: a process that ends before sends them again whole, so that a platform
// never replaces a full record by a part of it. It does not move otherwise, so nothing
// is lost over reconnects; what the first lane had answered is a run past the cursor,
// kept in the log like it. The live stream needs no cursor.
//
// A frame of 2017 has Flag 5, of 2025 Flag 9, and 2 more where it is one of several
// (PNUM, PNO). A record of 2025 that goes out later than one period after its end is
// marked RF=1; of the other editions where [Options.MarkBackfill] says so. With
// [Options.Keys] the data area of 2025 is encrypted (6.4); without, it is plain text,
// which fits private networks only.
//
// Frames carry no units. Values go out in the unit of the instrument, times the unit
// factor of [Factor]; the factor's default unit in the standard is not looked at. They
// have at most the digits behind the point that the factor's format has in the edition's
// table, rounded half to even; a total (Cou) is left as it is. A factor of noise goes out
// as code-Data of a period, its flag only where it is not N (HJ 212-2017, C.25 to C.28).
// A converted value that is missing beside a measured one goes out in 2025 as the maximum
// of the format (8.1.1 d), and not at all in the others. The exchanges
// are those of [hj212.FieldSide], which answers requests with another password (QnRtn 3),
// MN (4) or ST (5) and unknown ones (8). What it lets through is obeyed as far as
// [Commands] allow it, once an event of it is in the log, and is refused otherwise (2);
// stops (2012, 2022) are answered by 9013 in any case.
package platform

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"slices"
	"strings"
	"sync"
	"time"

	"envgate/envelope"
	"envgate/hj212"
)

// A Log is what a platform needs of the log: numbers and bytes.
type Log interface {
	// Epoch names the log; another one means that all numbers begin again.
	Epoch() string
	// Bounds are the first and last block that a stream holds, without a gap
	// between them; last is 0 where there was never one.
	Bounds(stream string) (first, last uint64)
	// Read returns up to n blocks from the first seq after a number. The blocks
	// are the caller's.
	Read(stream string, after uint64, n int) (first uint64, blocks [][]byte, err error)
	// Changed is closed at the next append. Blocks sealed together are appended
	// together.
	Changed() <-chan struct{}
}

// A Cursor remembers what was acknowledged: all up to a number, and runs past it.
type Cursor interface {
	Acked(cursor, stream string) (upto uint64, runs [][2]uint64)
	Ack(epoch, cursor, stream string, from, to uint64) // of an epoch that is over: nothing happens
}

// A Factor says that a point goes out under a code.
type Factor struct {
	Device string // of the site; its sources are Device, Device/2, ...
	Point  string // as in blocks
	Code   string // as the platform knows it; "" = Point

	ST       string   // of the frames it goes out in, such as 44 for power; "" = the platform's
	Times    string   // unit factor, an exact decimal above 0, for all but totals; "" = 1
	Decimals *int     // most digits behind the point, 0 to 9; nil = those of the format, see Options.AllDigits
	Figures  []string // cou, min, avg, max, rtd, zs; none = all
}

// Options of a platform. Zero values mean the default where one is named.
type Options struct {
	Name    string // of the platform; "platform/" and the name is its cursor
	Address string // host:port

	Edition int    // 2005, 2017 (the default) or 2025
	ST      string // system code (HJ 212-2017, table 5): 2 letters or digits, such as 39 for dust
	PW      string // access password, 1 to 24 letters or digits, 6 by the standard
	MN      string // of the gateway, 1 to 32 letters, digits, _ or -; 24 by the standard

	// Factors are what goes out. None means every point whose name is a factor
	// code; where two sources have one factor, that of the first source by name
	// goes out and the other is counted.
	Factors []Factor

	Timeout      time.Duration // for an answer, 1 s to 99 s, default 10 s (HJ 212-2017, table 1)
	Retries      int           // of a frame beyond the first, 1 to 99, default 3 (HJ 212-2017, table 1)
	ReconnectMax time.Duration // longest pause between attempts, 1 s or more, default 30 s
	RtdInterval  time.Duration // between real-time frames, 30 s (the default) to 1 h (HJ 212-2017, RtdInterval)
	Minutes      int           // length of a minute period, 1 to 30, default 10: a minute record older than that is backfilled

	// Send is what goes out: [SendRealTime] and the others, all of them by default.
	Send []string
	// Boot is when the program started, by time.Now: CN 2081 says so once when the platform is there
	// (HJ 212-2017, 6.7); zero or edition 2005 = it does not go out.
	Boot time.Time
	// AllDigits sends the digits of the instrument. By default a value has at most those
	// of the factor's format in the edition's table, where that is known.
	AllDigits bool
	// NoAnswers asks for no answer: a record is taken once it is written, and what a
	// broken connection swallowed is lost to the platform.
	NoAnswers bool
	// MarkBackfill puts RF=1 into late records of an edition before 2025, too.
	MarkBackfill bool
	Heartbeat    time.Duration // between frames of CN 9015, 0 = none, else 10 s to 1 h
	CRC          hj212.Dialect
	Keys         hj212.Keys // of edition 2025, none = plain text
	Braces       bool       // cipher text as {0x..}

	// Event takes what happened, for the event stream. At is 0: it happens now.
	// It is called on the loop and must not block.
	Event  func(envelope.Event)
	Logger *slog.Logger // nil = silent
	// Now is the time of the site, nil = time.Now. It may be set in either direction.
	Now func() time.Time
	// Known says whether that time can be right, nil = always. While it cannot, nothing
	// goes out in real time.
	Known func() bool
	// Dial makes the connection, within Timeout; nil = TCP to Address.
	Dial func(ctx context.Context) (net.Conn, error)

	Commands Commands // what the platform may have done
}

// A Platform sends one log to one platform.
type Platform struct {
	log    Log
	cur    Cursor
	o      Options     // immutable once made, but for Timeout, Retries and RtdInterval: owned by Run
	cursor string      // immutable once made
	codec  hj212.Codec // immutable once made

	// Owned by Run, and kept over connections.
	side    *hj212.FieldSide
	epoch   string    // of live
	fresh   *page     // newest figures not answered yet, nil = none
	page    *page     // figures that come in their turn, nil = none
	held    *job      // of figures, not answered when the connection was lost, nil = none
	stale   uint64    // the newest block of stat, if its figures are no fresh ones
	boots   int       // how often the start may still be told
	more    []*record // real-time frames of other ST that go with the last one
	live    uint64    // newest live block whose values were looked at
	rtdAt   time.Time
	rtdLast bool // the last thing tried was a real-time frame
	codes   codes
	outage  outage

	kept        Kept // what the platform has set
	pace        bucket
	histories   []*history
	timeAskedAt time.Time // monotonic, as the other two
	keyAskedAt  time.Time
	strange     uint64 // refusals of the field side that were told
	strangeAt   time.Time
	work        sync.WaitGroup // on commands
	queue       []*command     // that wait for the one under way
	busy        bool           // one is
	sealed      chan *command  // whose event is in the log
	ring        ring

	readAfter   time.Time // the log is not read before
	readTrouble bool      // and that was said

	mu    sync.Mutex
	stats Stats // guarded by mu
}

// New checks the options and makes a platform; it does not connect. The error says
// which option is nonsense.
func New(log Log, cur Cursor, o Options) (*Platform, error) {
	kept := o.Commands.Kept
	kept.restore(&o)
	o.Edition = cmp.Or(o.Edition, 2017)
	o.Timeout = cmp.Or(o.Timeout, 10*time.Second)
	o.Retries = cmp.Or(o.Retries, 3)
	o.ReconnectMax = cmp.Or(o.ReconnectMax, 30*time.Second)
	o.RtdInterval = cmp.Or(o.RtdInterval, 30*time.Second)
	o.Minutes = cmp.Or(o.Minutes, 10)
	if len(o.Send) == 0 {
		o.Send = slices.Clone(Sends)
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Known == nil {
		o.Known = func() bool { return true }
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Event == nil {
		o.Event = func(envelope.Event) {}
	}
	o.Send, o.Factors, o.Keys = slices.Clone(o.Send), slices.Clone(o.Factors), slices.Clone(o.Keys)
	for i := range o.Factors {
		o.Factors[i].Code = cmp.Or(o.Factors[i].Code, o.Factors[i].Point)
	}
	if err := o.check(); err != nil {
		return nil, fmt.Errorf("platform %q: %w", o.Name, err)
	}
	if o.Dial == nil {
		address := o.Address
		o.Dial = func(ctx context.Context) (net.Conn, error) {
			var d net.Dialer
			return d.DialContext(ctx, "tcp", address)
		}
	}
	o.Logger = o.Logger.With("platform", o.Name, "address", o.Address)
	side, err := hj212.NewFieldSide(hj212.FieldOptions{
		Edition: hj212.Edition(o.Edition), ST: o.ST, PW: o.PW, MN: o.MN, OverTime: o.Timeout, ReCount: o.Retries,
		NoAnswers: o.NoAnswers, Heartbeat: o.Heartbeat, Systems: o.systems(),
		Registration: o.Commands.Registration,
	})
	if err != nil {
		return nil, fmt.Errorf("platform %q: %w", o.Name, err)
	}
	p := &Platform{
		kept: kept, sealed: make(chan *command, 1), ring: ring{keys: kept.keys()},
		log: log, cur: cur, o: o, cursor: "platform/" + o.Name, side: side, codec: o.codec(),
		codes: codes{options: &o, ways: map[string]*way{}, known: map[place]string{}, owners: map[string]string{}, said: map[string]bool{}},
	}
	if !o.Boot.IsZero() && p.sends(SendBoot) && o.Edition != 2005 {
		p.boots = bootTries
	}
	if o.Edition == 2025 {
		// The key of the site file still reads: a platform that never learned that its new
		// one was taken goes on with the old one, as it could have without a restart.
		for _, key := range o.Keys {
			if len(p.ring.keys) < maxKeptKeys {
				p.ring.keys = append(p.ring.keys, key)
			}
		}
		p.codec.Keys = p.ring.of
	}
	p.showKept()
	return p, nil
}

func (o *Options) codec() hj212.Codec {
	return hj212.Codec{CRC: o.CRC, Sends: hj212.Up, Braces: o.Braces}
}

// systems are the ST that frames have beside the platform's own.
func (o *Options) systems() (out []string) {
	for _, f := range o.Factors {
		if f.ST != "" && f.ST != o.ST && !slices.Contains(out, f.ST) {
			out = append(out, f.ST)
		}
	}
	return out
}

func (o *Options) check() error {
	switch {
	case o.Name == "":
		return errors.New("name is empty")
	case o.Address == "" && o.Dial == nil:
		return errors.New("address is empty: host:port")
	case o.Edition != 2005 && o.Edition != 2017 && o.Edition != 2025:
		return fmt.Errorf("edition is %d: 2005, 2017 or 2025", o.Edition)
	case len(o.Keys) > 0 && o.Edition != 2025:
		return fmt.Errorf("edition %d has no encryption: 2025 has", o.Edition)
	case o.Heartbeat != 0 && (o.Heartbeat < 10*time.Second || o.Heartbeat > time.Hour):
		return fmt.Errorf("heartbeat is %v: 0, or 10s to 1h", o.Heartbeat)
	case len(o.ST) != 2 || !isWord(o.ST, ""):
		return fmt.Errorf("st is %q: two letters or digits", o.ST)
	case len(o.PW) > 24 || !isWord(o.PW, ""): // and its text is nobody's business
		return fmt.Errorf("pw has %d characters: 1 to 24 letters or digits", len(o.PW))
	case o.MN == "" && o.Edition == 2025 && len(o.Commands.Registration) > 0: // it will be assigned
	case len(o.MN) > 32 || !isWord(o.MN, "_-"):
		return fmt.Errorf("mn is %q: 1 to 32 letters, digits, _ or -", o.MN)
	case o.Timeout < time.Second || o.Timeout > 99*time.Second:
		return fmt.Errorf("time-out is %v: 1s to 99s", o.Timeout)
	case o.Retries < 1 || o.Retries > 99:
		return fmt.Errorf("retries are %d: 1 to 99", o.Retries)
	case o.ReconnectMax < time.Second:
		return fmt.Errorf("longest pause is %v: 1s or more", o.ReconnectMax)
	case o.RtdInterval < 30*time.Second || o.RtdInterval > time.Hour:
		return fmt.Errorf("real-time interval is %v: 30s to 1h", o.RtdInterval)
	case o.Minutes < 1 || o.Minutes > 30:
		return fmt.Errorf("minute period is %d: 1 to 30", o.Minutes)
	}
	if err := o.Commands.check(); err != nil {
		return err
	}
	for i, s := range o.Send {
		if !slices.Contains(Sends, s) || slices.Contains(o.Send[:i], s) {
			return fmt.Errorf("send %q: one of %s, and each once", s, strings.Join(Sends, ", "))
		}
	}
	for i, f := range o.Factors {
		if f.Device == "" || f.Point == "" || len(f.Code) > 32 || !isWord(f.Code, "_-") {
			return fmt.Errorf("factor %q of device %q with code %q: all three, and a code is letters, digits, _ or -", f.Point, f.Device, f.Code)
		}
		if _, err := o.way(f); err != nil {
			return fmt.Errorf("factor %q of device %q: %w", f.Point, f.Device, err)
		}
		for _, g := range o.Factors[:i] {
			if g.Code == f.Code || g.Device == f.Device && g.Point == f.Point {
				return fmt.Errorf("factor %q of device %q with code %q: point and code are there already", f.Point, f.Device, f.Code)
			}
		}
	}
	return nil
}

// isWord reports whether s is letters, digits and some others, one at least.
func isWord(s, others string) bool {
	for _, c := range []byte(s) {
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', strings.IndexByte(others, c) >= 0:
		default:
			return false
		}
	}
	return s != ""
}

// Run connects, sends, and connects again until ctx ends, then returns at once,
// whatever the platform does. It always returns nil: a platform that cannot be had is
// a state, not an error of the program. What was not answered stays in the log.
func (p *Platform) Run(ctx context.Context) error {
	defer p.work.Wait()
	pause := backoff{max: p.o.ReconnectMax}
	for ctx.Err() == nil {
		p.outage.attempts++
		p.count(func(s *Stats) { s.Attempts++ })
		took, err := p.connect(ctx)
		if ctx.Err() != nil {
			break
		}
		if took {
			pause.reset() // else a platform that throws us out at once would be asked each second
		}
		p.down(err)
		sleep(ctx, pause.next())
	}
	p.count(func(s *Stats) { s.Open, s.Since = false, time.Now() })
	return nil
}

// connect lives through one connection. It reports whether the platform took
// anything.
func (p *Platform) connect(ctx context.Context) (took bool, err error) {
	dial, cancel := context.WithTimeout(ctx, p.o.Timeout)
	c, err := p.o.Dial(dial)
	cancel()
	if err != nil {
		return false, fmt.Errorf("%w: %w", errDial, err)
	}
	p.count(func(s *Stats) {
		s.Open, s.Since = true, time.Now()
		s.Connections++
	})
	s := newSession(p, c)
	err = s.run(ctx)
	p.count(func(s *Stats) { s.Open, s.Since = false, time.Now() })
	return s.took, err
}

// What may go out by itself ([Options.Send]).
const (
	SendRealTime = "rtd"    // CN 2011
	SendMinute   = "minute" // CN 2051
	SendHour     = "hour"   // CN 2061
	SendDay      = "day"    // CN 2031
	SendBoot     = "boot"   // CN 2081
)

// Sends are all that may go out.
var Sends = []string{SendRealTime, SendMinute, SendHour, SendDay, SendBoot}

func (p *Platform) sends(what string) bool { return slices.Contains(p.o.Send, what) }

// wants says whether anything of a stream goes out.
func (p *Platform) wants(stream string) bool {
	if stream == envelope.StreamLive {
		return p.sends(SendRealTime)
	}
	return p.sends(SendMinute) || p.sends(SendHour) || p.sends(SendDay)
}

// codes say under which code a point goes out, and of which source. They grow with
// the points of the site and no further.
type codes struct {
	options *Options // whose factors may be none: then by hj212.LookupFactor
	ways    map[string]*way
	known   map[place]string
	owners  map[string]string // code to the source it goes out of
	said    map[string]bool   // codes of two sources that were said
}

type place struct{ source, point string }

const maxPlaces = 4096

// of returns the code of a point, "" where it does not go out.
func (c *codes) of(source, point string) string {
	at := place{source, point}
	code, ok := c.known[at]
	if !ok {
		if code = c.find(at); code != "" {
			c.learn(code)
		}
		if len(c.known) >= maxPlaces {
			clear(c.known)
		}
		c.known[at] = code
	}
	if code == "" {
		return ""
	}
	if owner, ok := c.owners[code]; !ok || source < owner {
		c.owners[code] = source
	}
	return code
}

func (c *codes) find(at place) string {
	if len(c.options.Factors) == 0 {
		f, ok := hj212.LookupFactor(hj212.Edition(c.options.Edition), at.point)
		if !ok || !isWord(at.point, "") || len(at.point) > 32 {
			return ""
		}
		if c.options.Edition == 2005 && f.Legacy != "" {
			return f.Legacy
		}
		return at.point
	}
	for _, f := range c.options.Factors {
		rest, ok := strings.CutPrefix(at.source, f.Device)
		if ok && f.Point == at.point && (rest == "" || rest[0] == '/') {
			return f.Code
		}
	}
	return ""
}

// learn makes the way of a code. It was checked by New.
func (c *codes) learn(code string) {
	if c.ways[code] != nil {
		return
	}
	f := Factor{Code: code}
	for _, x := range c.options.Factors {
		if x.Code == code {
			f = x
		}
	}
	w, err := c.options.way(f)
	if err == nil {
		c.ways[code] = w
	}
}

// owns reports whether code goes out of this source. All sources that have it must
// have been asked for with of.
func (p *Platform) owns(code, source string) bool {
	owner := p.codes.owners[code]
	if owner == source {
		return true
	}
	p.count(func(s *Stats) { s.Doubled++ })
	if !p.codes.said[code] {
		p.codes.said[code] = true
		p.o.Logger.Warn("two sources have one factor", "code", code, "sent", owner, "kept", source,
			"hint", "factors: says which point goes out under which code")
	}
	return false
}
