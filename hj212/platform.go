package hj212

import (
	"cmp"
	"errors"
	"fmt"
	"hash/maphash"
	"slices"
	"strconv"
	"strings"
	"time"
)

// PlatformOptions are what a platform knows of the other end of a connection. Zero
// values mean the default where one is named.
type PlatformOptions struct {
	Edition    Edition // of requests, default 2017; answers have that of the message answered
	ST, PW, MN string  // of requests that do not say

	OverTime time.Duration // for a 9011 or 9013, default 10 s (HJ 212-2017, table 1), 24 h at most
	ReCount  int           // attempts after the first, default 3 (HJ 212-2017, table 1), 99 at most
	// ExecTime is how long after a 9011 or a packet of data the next one or the 9012
	// may take, default 6 min: a little more than what a [FieldSide] takes.
	ExecTime time.Duration
	Window   int // requests in hand at once, default 1
	// Queue is how many requests may wait, be in hand, or have ended without their
	// event being fetched; default 16.
	Queue int
	// Remember is for how long a copy of an upload is known as one, default 10 min.
	// The last 1024 are known.
	Remember time.Duration
	// Allow is asked for what the field machine sends by itself, before anything
	// else is done with it: is its MN known, and its password right? What is not
	// allowed is not answered. nil allows all.
	Allow func(*Message) bool
}

// PlatformStats count since a [PlatformSide] was made.
type PlatformStats struct {
	Sent       uint64 // messages handed out, of all kinds
	Resent     uint64 // of them, requests and notifications sent before
	Requests   uint64 // requests and notifications that were queued
	Done       uint64 // of them, with a result, whatever it is, or noted
	Refused    uint64 // of them, by the field machine
	Failed     uint64 // of them, without an answer or a result
	Uploads    uint64 // messages with data, asked for or not, and without copies
	Notices    uint64 // notifications, without copies
	Duplicates uint64 // copies of data, notifications and answers
	Denied     uint64 // what Allow did not
	Strays     uint64 // answers to nothing in flight
	Others     uint64 // what is neither answer nor command, or has fields too long for an answer
	Dropped    uint64 // messages passed by, as too much waited to be fetched or handed out
}

// A PlatformSide is the platform's side (上位机) of a connection. It is a machine as
// [FieldSide] is, and used like one.
//
// Data and notifications that want an answer get theirs from Next after their event
// was fetched. Who stores the data between the two, in the loop of Event, has stored
// them before the field machine may forget them; see Withhold for when that fails.
//
// The packets of a long message are uploads of their own here. A [Joiner] makes one
// message of them: give it those of EventUpload and EventData.
//
// Its events are EventUpload and EventNotice of what comes by itself, EventAccepted,
// EventData, EventDone, EventRefused and EventFailed of requests, and EventTaken,
// EventRefused and EventFailed of notifications.
type PlatformSide struct {
	o     PlatformOptions
	time  passage
	qn    numberer
	last  Exchange
	stats PlatformStats
	seed  maphash.Seed

	out    []outgo
	asks   []*ask // the first Window are in hand
	seen   memory
	events []happening
	ended  int // events of own exchanges in events
	began  [2]started

	fetched  string // key of the event that was fetched last, "" = none to withhold
	answered bool   // its answer is the last in out
}

// An ask is a request of ours.
type ask struct {
	x       Exchange
	m       Message // QN is set once it was sent
	pattern Pattern
	begun   bool // m has its QN
	flight
	accepted bool
	will     bool          // by a 9011, and not only by data
	renewed  bool          // its QN is that of the start before it
	until    time.Duration // when a result or data have to come, once accepted
}

// started is what a stop repeats the QN of in 2005.
type started struct{ mn, qn string }

// NewPlatformSide checks the options. The error says which is nonsense.
func NewPlatformSide(o PlatformOptions) (*PlatformSide, error) {
	o.Edition = cmp.Or(o.Edition, Ed2017)
	o.OverTime = cmp.Or(o.OverTime, 10*time.Second)
	o.ReCount = cmp.Or(o.ReCount, 3)
	o.ExecTime = cmp.Or(o.ExecTime, 6*time.Minute)
	o.Window = cmp.Or(o.Window, 1)
	o.Queue = cmp.Or(o.Queue, defaultOut)
	o.Remember = cmp.Or(o.Remember, 10*time.Minute)
	if o.Edition != Ed2005 && o.Edition != Ed2017 && o.Edition != Ed2025 {
		return nil, fmt.Errorf("hj212: edition is %d: 2005, 2017 or 2025", int(o.Edition))
	}
	if err := errors.Join(
		checkDelay("OverTime", o.OverTime), checkCount("ReCount", o.ReCount, 99), checkDelay("ExecTime", o.ExecTime),
		checkCount("Window", o.Window, 64), checkCount("Queue", o.Queue, 1024), checkDelay("Remember", o.Remember),
	); err != nil {
		return nil, err
	}
	return &PlatformSide{o: o, seed: maphash.MakeSeed()}, nil
}

// SetPW changes the password of requests that do not say, after a 1072 was done. Where it
// is empty each has to say.
func (p *PlatformSide) SetPW(pw string) { p.o.PW = pw }

// SetTiming changes time-out and attempts, after a 1000 was done.
func (p *PlatformSide) SetTiming(overTime time.Duration, reCount int) error {
	if err := errors.Join(checkDelay("OverTime", overTime), checkCount("ReCount", reCount, 99)); err != nil {
		return err
	}
	p.o.OverTime, p.o.ReCount = overTime, reCount
	return nil
}

// Stats returns the counters.
func (p *PlatformSide) Stats() PlatformStats { return p.stats }

// Request queues m, whose CN and CP are the caller's, and ST, PW and MN where they
// are not those of the options. The rest is filled in when it goes out; in 2005 a stop
// (2012, 2022) has the QN of the start before it (HJ/T 212-2005, C.4).
//
// A request goes on by EventAccepted and EventData, and ends by EventDone, EventRefused
// or EventFailed. A notification (2012, 2022) ends by EventTaken or EventFailed, or by
// EventRefused where the machine answers it as a request. After an EventFailed it is not
// known whether the request was executed. m.CP is not copied: leave it alone until the
// exchange has ended.
//
// The error is ErrBusy where the queue is full, and else says that m cannot be sent: it
// is no request, has no PW, is too long, or has a name or value that breaks the form.
func (p *PlatformSide) Request(m Message, now time.Time) (Exchange, error) {
	p.pass(now)
	if !isCommand(m.CN) {
		return 0, fmt.Errorf("hj212: request with CN %q", m.CN)
	}
	if len(p.asks)+p.ended >= p.o.Queue {
		return 0, ErrBusy
	}
	a := &ask{pattern: patternOf(p.o.Edition, Down, &m)}
	if a.pattern != Notification && a.pattern != Request { // what is not known may have data
		a.pattern = RequestData
	}
	m.ST, m.PW, m.MN = cmp.Or(m.ST, p.o.ST), cmp.Or(m.PW, p.o.PW), cmp.Or(m.MN, p.o.MN)
	if m.PW == "" {
		return 0, fmt.Errorf("hj212: request %s: PW is empty", m.CN)
	}
	m.QN, m.Flag, m.HasFlag, m.PNUM, m.PNO = "", NewFlag(p.o.Edition, 0)|WantAnswer, true, 0, 0
	if err := cmp.Or(checkLength(m), checkForm(m)); err != nil {
		return 0, err
	}
	p.last++
	a.x, a.m = p.last, m
	p.asks = append(p.asks, a)
	p.stats.Requests++
	return a.x, nil
}

// fill gives a its QN.
func (p *PlatformSide) fill(a *ask, now time.Time) {
	a.begun = true
	kind := 0 // of what is started and stopped
	switch a.m.CN {
	case "2011", "2012":
	case "2021", "2022":
		kind = 1
	default:
		kind = -1
	}
	if kind >= 0 && p.o.Edition == Ed2005 && a.pattern == Notification && p.began[kind].qn != "" && p.began[kind].mn == a.m.MN {
		a.m.QN = p.began[kind].qn
		p.began[kind] = started{}
		a.renewed = true
		return
	}
	a.m.QN = p.qn.next(now)
	if kind >= 0 && a.pattern == Request {
		p.began[kind] = started{a.m.MN, a.m.QN}
	}
}

// Receive takes a message of the field machine.
func (p *PlatformSide) Receive(m Message, now time.Time) {
	p.pass(now)
	if len(p.out) >= maxOut {
		p.stats.Dropped++
		return
	}
	switch {
	case !isEchoable(&m):
		p.stats.Others++
	case m.CN == cnAnswer:
		p.receiveAnswer(m)
	case m.CN == cnResult:
		p.receiveResult(m)
	case m.CN == cnNoted:
		if a := p.find(&m, true); a != nil {
			p.stats.Done++
			p.end(a, Event{Type: EventTaken, Exchange: a.x, Message: a.m})
			return
		}
		p.stats.Strays++
	case isCommand(m.CN) || m.CN == cnHeartbeat:
		p.receiveData(m)
	default:
		p.stats.Others++
	}
}

// find returns the request that an answer is to. Its ST is not looked at: field
// machines differ.
func (p *PlatformSide) find(m *Message, notification bool) *ask {
	qn := m.Answers()
	for _, a := range p.asks {
		if a.begun && a.m.QN == qn && (a.pattern == Notification) == notification && (m.MN == "" || m.MN == a.m.MN) {
			return a
		}
	}
	return nil
}

func (p *PlatformSide) receiveAnswer(m Message) {
	a := p.find(&m, false)
	rtn, ok := rtnIn(&m, "QnRtn")
	switch {
	case !ok:
		p.stats.Strays++
	case a == nil:
		p.receiveNoted(m, rtn == qnWillDo, rtn)
	case a.will:
		p.stats.Duplicates++
	case rtn == qnWillDo:
		if a.accepted {
			p.stats.Duplicates++
		}
		a.will = true
		p.accept(a)
	default: // even after data, which may have been another's
		p.stats.Refused++
		p.end(a, Event{Type: EventRefused, Exchange: a.x, Message: m, Rtn: rtn})
	}
}

// receiveNoted takes an answer to nothing that is asked for: there may be machines
// that answer a notification as if it were a request, by 9011 and perhaps 9012.
func (p *PlatformSide) receiveNoted(m Message, well bool, rtn int) {
	key := m.MN + " " + cnNoted + " " + m.Answers()
	a := p.find(&m, true)
	switch {
	case a == nil && p.seen.known[key]:
		p.stats.Duplicates++
	case a == nil || a.renewed: // and it may be a late answer to the start
		p.stats.Strays++
	case well:
		p.seen.add(key, p.time.at)
		p.stats.Done++
		p.end(a, Event{Type: EventTaken, Exchange: a.x, Message: a.m})
	default:
		p.seen.add(key, p.time.at)
		p.stats.Refused++
		p.end(a, Event{Type: EventRefused, Exchange: a.x, Message: m, Rtn: rtn})
	}
}

// accept notes that a is being executed. Data with its QN say that, too, where the 9011
// was lost.
func (p *PlatformSide) accept(a *ask) {
	if !a.accepted {
		a.accepted = true
		p.tell(Event{Type: EventAccepted, Exchange: a.x, Message: a.m})
	}
	a.until = p.time.at + p.o.ExecTime
}

func (p *PlatformSide) receiveResult(m Message) {
	key := m.MN + " " + cnResult + " " + m.Answers()
	rtn, ok := rtnIn(&m, "ExeRtn")
	a := p.find(&m, false)
	if a == nil || !ok {
		if p.seen.known[key] { // the 9014 to it was lost
			p.stats.Duplicates++
			p.out = append(p.out, outgo{Message: answerTaken(&m)})
			return
		}
		if !ok {
			p.stats.Strays++
			return
		}
		p.receiveNoted(m, true, 0) // it was read, whatever came of it
		return
	}
	if acksResult(&a.m) {
		p.out = append(p.out, outgo{Message: answerTaken(&m)})
		p.seen.add(key, p.time.at)
	}
	p.stats.Done++
	p.end(a, Event{Type: EventDone, Exchange: a.x, Message: m, Rtn: rtn})
}

// receiveData takes an upload, a notification, or data that were asked for.
func (p *PlatformSide) receiveData(m Message) {
	if p.o.Allow != nil && !p.o.Allow(&m) {
		p.stats.Denied++
		return
	}
	if len(p.events) >= maxEvents {
		p.stats.Dropped++ // and not answered, so that it comes again
		return
	}
	notice := patternOf(m.Edition(), Up, &m) == Notification || m.CN == cnHeartbeat
	var a *ask
	if !notice {
		a = p.asked(&m)
	}
	h := happening{Event: Event{Type: EventUpload, Message: m}, key: p.key(&m)}
	if h.Again = p.seen.known[h.key]; h.Again {
		p.stats.Duplicates++
		for i := range p.events {
			if p.events[i].key == h.key { // is answered when that one is fetched
				return
			}
		}
	} else {
		p.seen.add(h.key, p.time.at)
	}
	switch {
	case notice:
		h.Type = EventNotice
		if m.Flag&WantAnswer != 0 || m.Edition() == Ed2005 { // where it has Flag=0 (HJ/T 212-2005, C.10)
			noted := answer(cnNoted, &m)
			h.answer = &noted
		}
	default:
		if a != nil {
			p.accept(a)
			h.Type, h.Exchange = EventData, a.x
		}
		// 2005 answers data without a Flag where the request wanted answers, and where
		// there is a QN to name (HJ/T 212-2005, C.6).
		if m.Flag&WantAnswer != 0 || !m.HasFlag && m.QN != "" && a != nil && acksResult(&a.m) {
			taken := answerTaken(&m)
			h.answer = &taken
		}
	}
	if !h.Again {
		if notice {
			p.stats.Notices++
		} else {
			p.stats.Uploads++
		}
	}
	p.events = append(p.events, h)
}

// key is what copies of m have in common: MN, CN and QN, and what it holds. That counts,
// too, as 2005 has no QN in most uploads, and as there are machines whose QN stands
// still: of two messages of one second, neither must pass for a copy of the other.
func (p *PlatformSide) key(m *Message) string {
	content := maphash.Bytes(p.seed, (&Message{CP: m.CP}).Append(nil))
	return strings.Join([]string{m.MN, m.CN, m.ST, m.QN, strconv.Itoa(m.PNO), strconv.FormatUint(content, 16)}, " ")
}

// asked returns the request that wants m: one for data, with its CN, ST and MN, and
// with its QN; or an accepted one with a DataTime within its span. An upload that the
// machine sends by itself has that, too, and does not say that the request was read.
func (p *PlatformSide) asked(m *Message) *ask {
	qn := m.Answers()
	at, _ := m.CP.Get("DataTime")
	var within *ask
	for _, a := range p.asks {
		if !a.begun || a.pattern != RequestData || a.m.CN != m.CN || a.m.ST != m.ST || a.m.MN != m.MN {
			continue
		}
		if qn == a.m.QN {
			return a
		}
		if !a.accepted {
			continue
		}
		from, _ := a.m.CP.Get("BeginTime")
		to, ok := a.m.CP.Get("EndTime")
		if within == nil && ok && len(at) >= len(from) && from <= at && at[:min(len(at), len(to))] <= to {
			within = a
		}
	}
	return within
}

// end closes a with its last event.
func (p *PlatformSide) end(a *ask, e Event) {
	p.asks = slices.DeleteFunc(p.asks, func(other *ask) bool { return other == a })
	p.tell(e)
	p.ended++
}

func (p *PlatformSide) tell(e Event) { p.events = append(p.events, happening{Event: e}) }

// Event returns what happened next, in its order, until there is nothing.
func (p *PlatformSide) Event() (Event, bool) {
	if len(p.events) == 0 {
		return Event{}, false
	}
	h := p.events[0]
	p.events = slices.Delete(p.events, 0, 1)
	switch h.Type {
	case EventTaken, EventRefused, EventDone, EventFailed:
		p.ended--
	}
	p.fetched, p.answered = h.key, h.answer != nil
	if p.answered {
		p.out = append(p.out, outgo{Message: *h.answer})
	}
	return h.Event, true
}

// Withhold takes back the answer to the EventUpload, EventData or EventNotice that was
// fetched last, as where it could not be stored, and forgets that it came: the field
// machine sends it again. It has to be called before any other method.
func (p *PlatformSide) Withhold() {
	if p.answered {
		p.out = slices.Delete(p.out, len(p.out)-1, len(p.out))
	}
	if p.fetched != "" {
		p.seen.forget(p.fetched)
	}
	p.fetched, p.answered = "", false
}

// Next returns what is to be sent now, until there is nothing.
func (p *PlatformSide) Next(now time.Time) (Message, bool) {
	p.pass(now)
	p.expire()
	if len(p.out) > 0 {
		m := p.out[0].Message
		p.out = slices.Delete(p.out, 0, 1)
		p.stats.Sent++
		return m, true
	}
	for _, a := range p.inHand() {
		if a.accepted || !a.ready(p.time.at) {
			continue
		}
		p.stats.Sent++
		if a.begun {
			p.stats.Resent++ // as it was, with its QN
		} else {
			p.fill(a, now)
		}
		a.sent(p.time.at, p.o.OverTime)
		return a.m, true
	}
	return Message{}, false
}

func (p *PlatformSide) inHand() []*ask { return p.asks[:min(len(p.asks), p.o.Window)] }

// pass lets time pass. What has waited for too long is given up by Next alone, so that
// an answer that lay in a buffer while the caller was busy still counts.
func (p *PlatformSide) pass(now time.Time) {
	p.fetched, p.answered = "", false // too late to withhold it
	p.time.tick(now)
	p.seen.expire(p.time.at - p.o.Remember)
}

// expire gives up what has waited for too long.
func (p *PlatformSide) expire() {
	at := p.time.at
	for _, a := range slices.Clone(p.inHand()) {
		var err error
		switch {
		case a.accepted && at >= a.until:
			err = ErrNoResult
		case !a.accepted && a.spent(at, p.o.ReCount):
			err = ErrNoAnswer
		default:
			continue
		}
		p.stats.Failed++
		p.end(a, Event{Type: EventFailed, Exchange: a.x, Message: a.m, Err: err})
	}
}

// Wake is when Next should be asked again at the latest if nothing comes; zero where
// nothing is pending, and before the first call of Next. Where something waits to be
// fetched it is now.
func (p *PlatformSide) Wake() time.Time {
	if len(p.out) > 0 || len(p.events) > 0 {
		return p.time.last
	}
	var w waking
	for _, a := range p.inHand() {
		if a.accepted {
			w.by(a.until)
		} else {
			w.at(a.flight)
		}
	}
	return w.when(&p.time)
}

// Reset says that the connection was lost and made anew. Requests that were not
// accepted go again at once, the same messages with the same QN and with all attempts.
// Those that were are waited for: not every field machine knows a copy as one.
func (p *PlatformSide) Reset(now time.Time) {
	p.pass(now)
	for _, a := range p.asks {
		a.flight = flight{}
	}
}
