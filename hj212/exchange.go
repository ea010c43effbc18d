package hj212

import (
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"time"
)

// What the two sides say of an exchange.
var (
	// ErrBusy says that a queue is full. Events that are fetched and messages that
	// are handed out make room.
	ErrBusy = errors.New("hj212: queue is full")
	// ErrExchange says that there is no such exchange, or that it is past the step:
	// it was refused, has ended, or ran out of time.
	ErrExchange = errors.New("hj212: no such exchange, or it is past that step")
	// ErrNoAnswer says that all attempts stayed without an answer. By the standard
	// the link is then of no more use (HJ 212-2017, 6.2).
	ErrNoAnswer = errors.New("hj212: no answer")
	// ErrNoResult says that a request was accepted, and that its result did not come
	// in time (HJ 212-2017, 6.2).
	ErrNoResult = errors.New("hj212: no result")
)

// An Exchange names an exchange of one side, and is never used twice. It is not on
// the wire. 0 is none.
type Exchange uint64

// An Event is what the caller should know of an exchange.
type Event struct {
	Type EventType
	// Exchange is 0 for what has none: heartbeats and the registration, notices of the
	// peer, and uploads that nobody asked for.
	Exchange Exchange
	// Message is what the peer sent, of EventNotice, EventUpload, EventData,
	// EventRefused (the 9011), EventDone (the 9012) and EventRegistered (the 1002). Of
	// the others it is what the exchange began with: of EventRequest, EventRoom and
	// EventEnded the request as it came in, of EventTaken, EventFailed and
	// EventAccepted ours as it went out; of an upload of several packets that is the
	// last one sent. Its area is shared: do not write to it.
	Message Message
	// Again is true of a copy of a message that was reported before.
	Again bool
	// Rtn is QnRtn of EventRefused, and ExeRtn of EventDone and EventEnded, which has
	// 0 where the request was refused.
	Rtn int
	// Err is why, of EventFailed and of an EventEnded that did not go as it should:
	// ErrNoAnswer or ErrNoResult.
	Err error
}

// LogValue is what a log may know of an event: no password and no key, as of a
// [Message].
func (e Event) LogValue() slog.Value {
	as := []slog.Attr{slog.String("type", e.Type.String()), slog.Uint64("exchange", uint64(e.Exchange)), slog.Any("message", e.Message)}
	if e.Again {
		as = append(as, slog.Bool("again", true))
	}
	if e.Rtn != 0 {
		as = append(as, slog.Int("rtn", e.Rtn))
	}
	if e.Err != nil {
		as = append(as, slog.Any("err", e.Err))
	}
	return slog.GroupValue(as...)
}

// An EventType says what happened.
type EventType uint8

// The events. EventTaken, EventFailed and EventNotice are told by both sides, those from
// EventRequest to EventRegistered by a [FieldSide] alone, and those from EventUpload on
// by a [PlatformSide] alone.
const (
	// EventTaken: an upload was answered whole; a notification was answered. Where no
	// answer is asked for, the upload was handed out: who cannot write it then
	// uploads it again. The exchange has ended.
	EventTaken EventType = iota + 1
	// EventFailed: an upload, notification, heartbeat, registration or request
	// came to nothing; Err says why. The exchange has ended.
	EventFailed
	// EventNotice: the peer notified. A FieldSide has the answer ready at once, a
	// PlatformSide once this was fetched, if an answer is wanted; heartbeats and
	// registrations come to it so, too.
	EventNotice

	// EventRequest: the platform asks for something. Accept or Refuse it.
	EventRequest
	// EventRoom: a request whose Data said ErrBusy takes data again.
	EventRoom
	// EventEnded: a request that was answered is over, its last answer handed out.
	EventEnded
	// EventRegistered: the platform has assigned Message.MN, which is in use from
	// now on. It has to be kept over a restart.
	EventRegistered

	// EventUpload: the field machine sent data by itself, or so it seems: data of a
	// history have a QN of their own, and those that overtake the 9011 look like an
	// upload.
	EventUpload
	// EventAccepted: the field machine will execute the request. It says so by a 9011,
	// or by data with the QN of the request.
	EventAccepted
	// EventRefused: the field machine will not; Rtn says why. A notification that is
	// answered like a request may be refused, too. The exchange has ended.
	EventRefused
	// EventData: data that the request asked for. Data with the QN of the request are;
	// those of an accepted request for a span of time are known by a DataTime within
	// it, and such a one may be an ordinary upload that was sent meanwhile.
	EventData
	// EventDone: the request has its result, Rtn. It comes without an EventAccepted
	// where the 9011 was lost. The exchange has ended.
	EventDone
)

var eventNames = [...]string{
	EventTaken: "taken", EventFailed: "failed", EventNotice: "notice", EventRequest: "request", EventRoom: "room",
	EventEnded: "ended", EventRegistered: "registered", EventUpload: "upload", EventAccepted: "accepted",
	EventRefused: "refused", EventData: "data", EventDone: "done",
}

func (t EventType) String() string {
	if int(t) < len(eventNames) && eventNames[t] != "" {
		return eventNames[t]
	}
	return fmt.Sprintf("EventType(%d)", uint8(t))
}

// Command codes of answers (HJ 212-2017, table 9), and those that the machines send
// by themselves.
const (
	cnAnswer    = "9011" // to a request
	cnResult    = "9012" // of a request
	cnNoted     = "9013" // a notification was read
	cnTaken     = "9014" // data were read
	cnHeartbeat = "9015" // HJ 212-2025, table C.54
	cnHardware  = "1001" // HJ 212-2025, table C.2
	cnAssign    = "1002" // HJ 212-2025, table C.3

	systemAnswers = "91" // ST of answers
)

// QnRtn and ExeRtn (HJ 212-2017, table 6) that the machines give by themselves.
const (
	qnWillDo  = 1
	qnRefused = 2
	qnPW      = 3
	qnMN      = 4
	qnST      = 5
	qnFlag    = 6
	qnQN      = 7
	qnCN      = 8

	exeDone    = 1
	exeFailed  = 2
	exeTimeout = 4
	exeNoData  = 100
)

// Bounds of what is kept.
const (
	maxOut     = 64   // answers not handed out yet, before frames are passed by
	maxEvents  = 256  // events out of the wire not fetched yet, before frames are passed by
	maxInHand  = 8    // requests the caller has not finished
	maxData    = 64   // data messages of one request not sent yet
	maxKept    = 16   // data messages of one request kept for a copy of it
	maxPast    = 32   // requests of the past
	maxSeen    = 1024 // uploads of the past
	maxEcho    = 64   // bytes of a field that an answer repeats
	maxDelay   = 24 * time.Hour
	defaultOut = 16 // own exchanges
)

// answer begins an answer to m: with ST 91, PW and MN of m and no call for an answer.
// PW is echoed and not ours, as an answer to a wrong one would tell the right one;
// and with CN 1072, the answers have the password the request had (HJ 212-2017, C.9).
//
// In 2005 the QN stands in the data area, and only 9011 is printed with a Flag (HJ/T
// 212-2005, C.1).
func answer(cn string, m *Message) Message {
	a := Message{ST: systemAnswers, CN: cn, PW: m.PW, MN: m.MN, EmptyMN: m.EmptyMN}
	qn := m.Answers()
	if e := m.Edition(); e != Ed2005 {
		a.QN, a.Flag, a.HasFlag = qn, NewFlag(e, 0), true
	} else {
		a.HasFlag = cn == cnAnswer
		if qn != "" {
			a.CP = Area{{{"QN", qn}}}
		}
	}
	return a
}

// answerQnRtn is a 9011 to m. 2005 knows 1 to 3 only.
func answerQnRtn(m *Message, rtn int) Message {
	if m.Edition() == Ed2005 && rtn > qnPW {
		rtn = qnRefused
	}
	a := answer(cnAnswer, m)
	a.CP = append(a.CP, Item{{"QnRtn", strconv.Itoa(rtn)}})
	return a
}

// answerExeRtn is a 9012 to m.
func answerExeRtn(m *Message, rtn int) Message {
	a := answer(cnResult, m)
	a.CP = append(a.CP, Item{{"ExeRtn", strconv.Itoa(rtn)}})
	return a
}

// rtnOf is an ExeRtn that the edition has: 2005 knows 1, 2 and 100 only.
func rtnOf(e Edition, exeRtn int) int {
	if e == Ed2005 && exeRtn != exeDone && exeRtn != exeNoData {
		return exeFailed
	}
	return exeRtn
}

// answerTaken is a 9014 to m. In 2005 it names QN, CN and packet in the data area, and
// has neither PW nor MN (HJ/T 212-2005, C.6).
func answerTaken(m *Message) Message {
	a := answer(cnTaken, m)
	if m.Edition() != Ed2005 {
		return a
	}
	a.PW, a.MN, a.EmptyMN = "", "", false
	a.CP = append(a.CP, Item{{"CN", m.CN}})
	if m.PNUM > 0 {
		a.CP = append(a.CP, Item{{"PNO", strconv.Itoa(m.PNO)}}, Item{{"PNUM", strconv.Itoa(m.PNUM)}})
	}
	return a
}

// rtnIn is QnRtn or ExeRtn of an answer, 1 to 999.
func rtnIn(m *Message, name string) (int, bool) {
	s, _ := m.CP.Get(name)
	s = strings.TrimSpace(s)
	if len(s) == 0 || len(s) > 3 || !allDigits(s) {
		return 0, false
	}
	n, _ := strconv.Atoi(s)
	return n, n > 0
}

func allDigits(s string) bool { return s != "" && strings.Trim(s, "0123456789") == "" }

// checkLength checks that m fits a frame once it has its QN, and PW and MN of an echo's
// length at most.
func checkLength(m Message) error {
	m.QN = widestQN
	if n := len(m.Append(nil)); n > MaxData {
		return fmt.Errorf("hj212: message %s has %d bytes: a frame holds %d", m.CN, n, MaxData)
	}
	return nil
}

const (
	widestQN = "00000000000000000"
	widestMN = "000000000000000000000000"
)

// isEchoable reports whether an answer to m fits a frame: it has QN, PW and MN of m,
// which may be of any length. The standard's are 17, 6 and 24 bytes.
func isEchoable(m *Message) bool {
	return len(m.Answers()) <= maxEcho && len(m.PW) <= maxEcho && len(m.MN) <= maxEcho
}

// isAnswer reports whether cn is that of an answer.
func isAnswer(cn string) bool {
	return cn == cnAnswer || cn == cnResult || cn == cnNoted || cn == cnTaken
}

// isCode reports whether a message with that CN may begin an exchange or be its data.
// Vendors have codes from 9016 on.
func isCode(cn string) bool { return len(cn) == 4 && allDigits(cn) && !isAnswer(cn) }

// checkForm checks that no name or value of m would be read as form.
func checkForm(m Message) error {
	c := checker{m: &m}
	c.at, c.head = m.offsets()
	if c.breaks(); len(c.violations) > 0 {
		v := c.violations[0]
		return fmt.Errorf("hj212: message %s: %s: %s", printable(shorten(m.CN)), printable(v.Name), v.Kind.English())
	}
	return nil
}

// isCommand reports whether cn is a command code and no answer or heartbeat: the
// classes 1000 to 3999 (HJ 212-2017, table 9), and what others have added to them.
func isCommand(cn string) bool { return len(cn) == 4 && allDigits(cn) && cn[0] > '0' && cn[0] < '9' }

// isHistory reports whether a request reads a span of time: its data have QNs of their
// own, where the answer to any other has that of the request (HJ 212-2017, C.2, C.20,
// C.41, C.47).
func isHistory(m *Message) bool {
	_, ok := m.CP.Get("BeginTime")
	return ok
}

// acksResult reports whether the platform answers the 9012 to m, which it does in 2005
// where it answers the data (HJ/T 212-2005, C.6).
func acksResult(m *Message) bool {
	return m.Edition() == Ed2005 && m.Flag&WantAnswer != 0 && isHistory(m)
}

// patternOf is the pattern of an exchange that m begins, by the edition e.
func patternOf(e Edition, d Direction, m *Message) Pattern {
	c, ok := LookupCommand(e, d, m.CN)
	if !ok {
		return NoPattern
	}
	return c.PatternOf(m.CP)
}

// segmentText is m as it stands on the wire, to tell a copy from another message.
func segmentText(m *Message) string { return string(m.Append(nil)) }

// A passage is the time that has passed for a side. It never goes back, so that a
// clock that is set neither stops the time-outs nor, but for a leap forward, ends
// them.
type passage struct {
	last time.Time
	at   time.Duration
}

func (p *passage) tick(now time.Time) {
	if !p.last.IsZero() {
		p.at += min(max(now.Sub(p.last), 0), 2*maxDelay) // no delay is longer
	}
	p.last = now
}

// when is the time of day at which p.at will be at.
func (p *passage) when(at time.Duration) time.Time { return p.last.Add(max(at-p.at, 0)) }

// A numberer gives QNs: the time in milliseconds, or one more than the last where two
// fall together or the clock went back a little. Where it went back by more than
// mostBack, it was wrong before, and the time is taken as it is now: one bad moment must
// not leave QNs in the future for years.
type numberer int64

const mostBack = time.Hour

// lastMilli is 9999-12-31 23:59:59.999 at +08:00, the last that has 17 digits.
const lastMilli = 253402271999999

func (n *numberer) next(now time.Time) string {
	milli := now.UnixMilli()
	if last := int64(*n); last-milli <= mostBack.Milliseconds() {
		milli = max(milli, last+1)
	}
	milli = min(max(milli, 0), lastMilli)
	*n = numberer(milli)
	return StampMillis(time.UnixMilli(milli))
}

// A flight is the way of a message that waits for its answer.
type flight struct {
	tries int           // since the connection was made
	due   time.Duration // when the next try is, or would be; 0 = at once
}

// spent reports whether all tries stayed without an answer.
func (f *flight) spent(at time.Duration, reCount int) bool { return f.tries > reCount && at >= f.due }

func (f *flight) ready(at time.Duration) bool { return f.tries == 0 || at >= f.due }

func (f *flight) sent(at, overTime time.Duration) {
	f.tries++
	f.due = at + overTime
}

// A happening is an event in the queue with its unseen side.
type happening struct {
	Event
	answer *Message // is handed out after the event was fetched
	key    string   // in the memory
}

// An outgo is an answer to be handed out.
type outgo struct {
	Message
	ends *request // that is over when this is handed out
}

// A memory knows the last keys, for a while.
type memory struct {
	known map[string]bool
	order []remembered
}

type remembered struct {
	key string
	at  time.Duration
}

func (m *memory) add(key string, at time.Duration) {
	if m.known == nil {
		m.known = map[string]bool{}
	}
	if m.known[key] {
		return
	}
	if len(m.order) >= maxSeen {
		m.drop()
	}
	m.known[key] = true
	m.order = append(m.order, remembered{key, at})
}

func (m *memory) drop() {
	delete(m.known, m.order[0].key)
	m.order[0] = remembered{}
	m.order = m.order[1:]
}

func (m *memory) expire(before time.Duration) {
	for len(m.order) > 0 && m.order[0].at < before {
		m.drop()
	}
}

// forget makes as if key had never been there.
func (m *memory) forget(key string) {
	if !m.known[key] {
		return
	}
	delete(m.known, key)
	for i := range m.order {
		if m.order[i].key == key {
			m.order = append(m.order[:i], m.order[i+1:]...)
			return
		}
	}
}

// checkDelay checks an option that is a time.
func checkDelay(name string, d time.Duration) error {
	if d <= 0 || d > maxDelay {
		return fmt.Errorf("hj212: %s is %v: more than 0, 24h at most", name, d)
	}
	return nil
}

func checkCount(name string, n, most int) error {
	if n < 1 || n > most {
		return fmt.Errorf("hj212: %s is %d: 1 to %d", name, n, most)
	}
	return nil
}
