package platform

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"envgate/envelope"
	"envgate/hj212"
)

// What a platform may have done. A command passes five gates before anything happens:
// [hj212.FieldSide] has compared password, MN and ST, and knows its CN in the edition;
// there are not too many of them; the site allows its kind; and the log holds an event
// that says who asked for what. Then it is executed, its result is sent, and stands in
// an event, too. No event has a password or a key in it.

// Kinds of commands, of which a site says which it allows.
const (
	AllowRead     = "read"     // clock, intervals, identity and state: 1011, 1061, 1063, 3019, 3020
	AllowHistory  = "history"  // records of a span: 2031, 2041, 2051, 2061; 2011, 2013, 2052 and 2062 of 2025
	AllowTiming   = "timing"   // 1000, 1062, 1064; and 2011 and 2021, which begin again what was stopped
	AllowStop     = "stop"     // no real-time data, no state of equipment any more: 2012, 2022
	AllowPassword = "password" // 1072
	AllowKey      = "key"      // 1014 (HJ 212-2025)
)

// allowClock is the kind of 1012, which is allowed by Commands.SetClock.
const allowClock = "clock"

// Commands are what a platform may have done, and how. The zero value obeys nothing:
// each request is refused.
type Commands struct {
	// Allow are kinds of commands. Nothing is allowed where Seal is nil.
	Allow []string
	// Seal puts an event into the log, and returns once it is there. It is called
	// beside the loop and may take its time, but not for ever.
	Seal func(context.Context, envelope.Event) error
	// SetClock sets the time of the site, and says how that went (ExeRtn) and why. It
	// is called as Seal is. nil: 1012 is refused.
	SetClock func(context.Context, time.Time) (exeRtn int, why string)
	// NeedsTime says that the site's time is of no source that is sure: the platform is
	// asked for it (1013), if SetClock is there.
	NeedsTime func() bool
	// Find is where the blocks of a time are, as the log's Find. nil: there is no history.
	Find func(stream string, from, to time.Time) [][2]uint64
	// Info is what is known of an instrument, or of the gateway where polID is empty:
	// an i-code of the standard, or SN for the identity.
	Info func(polID, infoID string) (value string, ok bool)
	// Registration is what a gateway without an MN says of itself (HJ 212-2025, table
	// C.2); see [hj212.FieldOptions].
	Registration []hj212.Param

	// Kept is what the platform set before, and Keep changes what is kept. Keep is
	// called as Seal is; nil keeps nothing.
	Kept Kept
	Keep func(change func(*Kept)) error
}

// CommandStats count a platform's commands since it was made.
type CommandStats struct {
	Done           uint64    // executed with ExeRtn 1 or 100, or obeyed notices
	Failed         uint64    // with another one
	Denied         uint64    // that the site does not allow, or nothing here can do
	Limited        uint64    // too many at once
	Asked          uint64    // that we sent: for the time, or a key
	Histories      int       // under way
	HistoryRecords uint64    // that were handed out
	HistoryAt      time.Time // DataTime of the newest of them
}

// ExeRtn (HJ 212-2017, table 6).
const (
	exeDone      = 1
	exeFailed    = 2
	exeCondition = 3
	exeBusy      = 5
	exeFault     = 6
	exeNoData    = 100
)

// Bounds of what a platform may ask for.
const (
	commandBurst  = 20               // that may come at once,
	commandPace   = 3 * time.Second  // and one more each
	maxPatience   = 10 * time.Minute // of time-out and retries together
	strangerPause = time.Hour        // between two events of requests that were not ours to obey
	refuseUnknown = "nothing here can do that"
)

// A command is on its way through the gates. What is nil is not needed.
type command struct {
	x        hj212.Exchange // 0: a notice, which has no result on the wire
	m        hj212.Message
	old, new string // for the event
	rtn      int    // ExeRtn; 0: not known yet
	why      string
	keep     func(*Kept)
	wait     func(context.Context) (rtn int, why string) // beside the loop, once the event is sealed
	do       func()                                      // on the loop, then
	later    bool                                        // do only began
}

func (c *command) fail(rtn int, format string, args ...any) {
	c.rtn, c.why = rtn, fmt.Sprintf(format, args...)
}

// number is a parameter of the data area within bounds. Where it is none the command
// fails.
func (c *command) number(name string, lo, hi int) int {
	text, _ := c.m.CP.Get(name)
	n, err := strconv.Atoi(text)
	if err != nil || n < lo || n > hi {
		c.fail(exeCondition, "%s is %.20q: want %d to %d", name, text, lo, hi)
	}
	return n
}

func kindOf(m *hj212.Message) string {
	switch m.CN {
	case "1011", "1061", "1063", "3019", "3020":
		return AllowRead
	case "2011":
		if m.CP.Has("BeginTime") && m.Edition() == hj212.Ed2025 {
			return AllowHistory
		}
		return AllowTiming
	case "2013", cnDay, "2041", cnMinute, "2052", cnHour, "2062":
		return AllowHistory
	case "1000", "1062", "1064", "2021":
		return AllowTiming
	case "2012", "2022":
		return AllowStop
	case "1072":
		return AllowPassword
	case "1014":
		return AllowKey
	case "1012":
		if !m.CP.Has("PolId") { // that of an instrument: drivers only read
			return allowClock
		}
	}
	return ""
}

func (p *Platform) allows(kind string) bool {
	if kind == allowClock {
		return p.o.Commands.SetClock != nil
	}
	return slices.Contains(p.o.Commands.Allow, kind)
}

// asked takes a request or a notice, which the field side has found to be from our
// platform.
func (s *session) asked(e hj212.Event) {
	p := s.p
	kind := kindOf(&e.Message)
	switch {
	case p.o.Commands.Seal == nil:
		s.refuse(e)
		return
	case len(p.queue) >= commandBurst || !p.pace.take(time.Now()): // the queue is that long where the log takes no events
		p.count(func(st *Stats) { st.Commands.Limited++ })
		if !p.pace.said {
			p.pace.said = true
			p.result(&command{m: e.Message, why: "refused: more than one each " + commandPace.String() + "; that is said once until it is quiet"})
		}
		s.refuse(e)
		return
	case !p.allows(kind):
		why := "refused: the site does not allow " + kind
		if kind == "" {
			why = "refused: " + refuseUnknown
		}
		if e.Exchange == 0 { // 9013 says that it was read, and no more
			why = strings.Replace(why, "refused", "not obeyed", 1)
		}
		p.count(func(st *Stats) { st.Commands.Denied++ })
		p.result(&command{m: e.Message, why: why})
		s.refuse(e)
		return
	}
	if e.Exchange != 0 && p.side.Accept(e.Exchange) != nil {
		return
	}
	p.queue = append(p.queue, &command{x: e.Exchange, m: e.Message})
	s.proceed()
}

// proceed begins with the next command, when none is under way: they take effect in the
// order in which they came.
func (s *session) proceed() {
	p, ctx := s.p, s.ctx
	if p.busy || len(p.queue) == 0 {
		return
	}
	c := p.queue[0]
	p.queue, p.busy = p.queue[1:], true
	p.plan(c)
	p.work.Go(func() { p.prepare(ctx, c) })
}

// plan says what executing c would be. It changes nothing.
func (p *Platform) plan(c *command) {
	if kindOf(&c.m) == AllowHistory {
		p.planHistory(c)
		return
	}
	switch c.m.CN {
	case "1000":
		p.planTiming(c)
	case "1011":
		c.do = func() { p.tell(c, hj212.Param{Name: "SystemTime", Value: hj212.Stamp(p.o.Now())}) }
	case "1012":
		p.planClock(c)
	case "1014":
		p.planKey(c)
	case "1061":
		c.do = func() {
			p.tell(c, hj212.Param{Name: "RtdInterval", Value: strconv.Itoa(int(p.o.RtdInterval / time.Second))})
		}
	case "1062":
		n := c.number("RtdInterval", 30, 3600)
		every := time.Duration(n) * time.Second
		c.old, c.new = p.o.RtdInterval.String(), every.String()
		c.keep = func(k *Kept) { k.RtdInterval = n }
		c.do = func() { p.o.RtdInterval = every }
	case "1063":
		c.do = func() { p.tell(c, hj212.Param{Name: "MinInterval", Value: strconv.Itoa(p.o.Minutes)}) }
	case "1064":
		n := c.number("MinInterval", 1, 30)
		c.old, c.new = fmt.Sprintf("%d min", p.o.Minutes), fmt.Sprintf("%d min", n)
		if c.rtn == 0 && n != p.o.Minutes { // one for all platforms and the centre
			c.fail(exeCondition, "figures are made of %d minutes, by the site file", p.o.Minutes)
		}
	case "1072":
		p.planPassword(c)
	case cnRealTime, "2012":
		p.planSwitch(c, func(k *Kept) *bool { return &k.NoRealTime })
	case "2021", "2022":
		p.planSwitch(c, func(k *Kept) *bool { return &k.NoState })
	case "3019":
		c.do = func() { p.tellInfo(c, "SN") }
	case "3020":
		info, _ := c.m.CP.Get("InfoId")
		c.do = func() { p.tellInfo(c, info) }
	}
}

// planTiming is CN 1000. Together the two say how long a dead link goes unnoticed, which
// the standard leaves open up to 2.7 hours.
func (p *Platform) planTiming(c *command) {
	over, count := c.number("OverTime", 1, 99), c.number("ReCount", 1, 99)
	wait := time.Duration(over) * time.Second
	if c.rtn == 0 && wait*time.Duration(count+1) > maxPatience {
		c.fail(exeCondition, "OverTime and ReCount are %s together: %s at most", wait*time.Duration(count+1), maxPatience)
	}
	text := func(d time.Duration, n int) string { return fmt.Sprintf("%s, %d retries", d, n) }
	c.old, c.new = text(p.o.Timeout, p.o.Retries), text(wait, count)
	c.keep = func(k *Kept) { k.OverTime, k.ReCount = over, count }
	c.do = func() {
		p.o.Timeout, p.o.Retries = wait, count
		p.side.SetTiming(wait, count) // of which all is within its bounds
	}
}

func (p *Platform) planClock(c *command) {
	at, err := c.m.CP.Time("SystemTime")
	if err != nil {
		c.fail(exeCondition, "%v", err)
		return
	}
	heard := time.Now() // the event takes its time, and meanwhile the platform's clock runs on
	c.old, c.new = hj212.Stamp(p.o.Now()), hj212.Stamp(at)
	c.wait = func(ctx context.Context) (int, string) { return p.o.Commands.SetClock(ctx, at.Add(time.Since(heard))) }
}

// planPassword is CN 1072, which has the new one as NewPW, and in 2005 as PW. The
// answers have the old one (HJ 212-2017, C.9).
func (p *Platform) planPassword(c *command) {
	pw, ok := c.m.CP.Get("NewPW")
	if !ok {
		pw, _ = c.m.CP.Get("PW")
	}
	if len(pw) != 6 && len(pw) != len(p.o.PW) || !isWord(pw, "") {
		c.fail(exeCondition, "the new password has %d characters, or others than letters and digits: want 6", len(pw))
	}
	c.new = "changed"
	c.keep = func(k *Kept) { k.PW = pw }
	c.do = func() {
		if p.side.SetPW(pw) != nil {
			c.fail(exeCondition, "the new password cannot be used")
		}
	}
}

// planKey is CN 1014. The 9012 goes out plain, and the next data under the new key; the
// old one still reads.
func (p *Platform) planKey(c *command) {
	created, _ := c.m.CP.Get("SKCreateTime")
	text, _ := c.m.CP.Get("NewSK")
	key, err := hj212.NewKey(created, []byte(text))
	switch {
	case p.o.Edition != 2025:
		c.fail(exeCondition, "keys are of HJ 212-2025")
	case len(created) != 17 || !isDigits(created):
		c.fail(exeCondition, "SKCreateTime has %d characters: want 17 digits", len(created))
	case err != nil:
		c.fail(exeCondition, "NewSK has %d characters: want 16", len(text))
	case key.Weak(): // (HJ 212-2025, 6.4.3)
		c.fail(exeCondition, "the new key is regular, which the standard forbids")
	}
	c.new = "changed"
	c.keep = func(k *Kept) { k.addKey(created, text) }
	c.do = func() { p.ring.add(key) }
}

// planSwitch begins (2011, 2021) or ends (2012, 2022) an upload.
func (p *Platform) planSwitch(c *command, flag func(*Kept) *bool) {
	off := c.m.CN[3] == '2'
	text := map[bool]string{false: "on", true: "off"}
	c.old, c.new = text[*flag(&p.kept)], text[off]
	if *flag(&p.kept) != off {
		c.keep = func(k *Kept) { *flag(k) = off }
	}
	if c.m.CN == cnRealTime {
		c.do = func() { p.rtdAt = time.Time{} } // at once
	}
}

// tell answers with data.
func (p *Platform) tell(c *command, params ...hj212.Param) {
	m := hj212.Message{}
	if pol, ok := c.m.CP.Get("PolId"); ok {
		if c.m.CN == "1011" {
			c.fail(exeNoData, "the clock of an instrument is not known here")
			return
		}
		m.CP = hj212.Area{{{Name: "PolId", Value: pol}}}
	}
	for _, one := range params {
		m.CP = append(m.CP, hj212.Item{one})
	}
	if err := p.side.Data(c.x, m); err != nil {
		c.fail(exeFailed, "%v", err)
	}
}

// tellInfo is CN 3019 and 3020.
func (p *Platform) tellInfo(c *command, info string) {
	pol, _ := c.m.CP.Get("PolId")
	value, ok := "", false
	if p.o.Commands.Info != nil && len(pol) <= 32 && len(info) <= 32 {
		value, ok = p.o.Commands.Info(pol, info)
	}
	switch {
	case !ok || value == "" || c.m.CP.Has("BeginTime"): // logs of instruments are not read
		c.fail(exeNoData, "not known here: %.40q", info)
	case c.m.CN == "3019":
		p.tell(c, hj212.Param{Name: pol + "-SN", Value: value})
	default:
		p.tell(c, hj212.Param{Name: "DataTime", Value: hj212.Stamp(p.o.Now())}, hj212.Param{Name: info + "-Info", Value: value})
	}
}

// prepare does what may take its time: the event first. It runs beside the loop.
func (p *Platform) prepare(ctx context.Context, c *command) {
	err := p.o.Commands.Seal(ctx, envelope.Event{
		Type: envelope.EventCommand, Subject: c.m.CN, Who: p.o.Name, Old: c.old, New: c.new, Why: "QN " + c.m.QN,
	})
	switch {
	case err != nil:
		c.fail(exeFault, "not executed, as the log did not take its event: %v", err)
	case c.rtn != 0:
	case c.wait != nil:
		c.rtn, c.why = c.wait(ctx)
	case c.keep != nil && p.o.Commands.Keep != nil:
		if err := p.o.Commands.Keep(c.keep); err != nil {
			c.fail(exeFault, "not executed, as it would not outlive a restart: %v", err)
		}
	}
	select {
	case p.sealed <- c:
	case <-ctx.Done():
	}
}

// perform executes a command whose event is sealed, and says how that went.
func (s *session) perform(c *command) {
	p := s.p
	p.busy = false
	defer s.proceed()
	if c.rtn == 0 && c.do != nil {
		c.do()
	}
	if c.rtn == 0 && c.keep != nil {
		c.keep(&p.kept)
		p.showKept()
	}
	if c.later {
		return
	}
	if c.rtn == 0 {
		c.rtn = exeDone
	}
	if c.x != 0 && p.side.Done(c.x, c.rtn) != nil {
		c.why = strings.TrimPrefix(c.why+"; too late for its answer", "; ")
	}
	p.finish(c)
}

// finish counts a command and says what became of it.
func (p *Platform) finish(c *command) {
	p.count(func(s *Stats) {
		if c.rtn == exeDone || c.rtn == exeNoData {
			s.Commands.Done++
		} else {
			s.Commands.Failed++
		}
	})
	said := "ExeRtn " + strconv.Itoa(c.rtn)
	if c.why != "" {
		said += ": " + c.why
	}
	c.why = said
	p.result(c)
}

// result is the event of a command that is over.
func (p *Platform) result(c *command) {
	p.o.Logger.Info("command", "cn", c.m.CN, "old", c.old, "new", c.new, "result", c.why)
	p.o.Event(envelope.Event{Type: envelope.EventCommandDone, Subject: c.m.CN, Who: p.o.Name, Old: c.old, New: c.new, Why: c.why})
}

// strangers tells of requests that the field side refused: with another password, MN or
// ST, or unknown. Somebody may be trying passwords.
func (p *Platform) strangers() {
	n := p.side.Stats().Refused
	if p.o.Commands.Seal == nil || n == p.strange || !p.strangeAt.IsZero() && time.Since(p.strangeAt) < strangerPause {
		return
	}
	more := n - p.strange
	p.strange, p.strangeAt = n, time.Now()
	p.result(&command{why: fmt.Sprintf("refused: %d requests with another password, MN or ST, or unknown ones", more)})
}

// A bucket lets through what comes in bursts and not all the time.
type bucket struct {
	spent float64 // of commandBurst
	at    time.Time
	said  bool // that it is empty
}

func (b *bucket) take(now time.Time) bool {
	b.spent = max(0, b.spent-float64(now.Sub(b.at))/float64(commandPace))
	b.at = now
	if b.spent == 0 {
		b.said = false
	}
	if b.spent > commandBurst-1 {
		return false
	}
	b.spent++
	return true
}

// check looks at the options.
func (c *Commands) check() error {
	known := []string{AllowRead, AllowHistory, AllowTiming, AllowStop, AllowPassword, AllowKey}
	for _, kind := range c.Allow {
		if !slices.Contains(known, kind) {
			return fmt.Errorf("commands: %q: want %s", kind, strings.Join(known, ", "))
		}
	}
	if (len(c.Allow) > 0 || c.SetClock != nil) && c.Seal == nil {
		return errors.New("commands: no Seal: a command is executed when its event is in the log")
	}
	return nil
}
