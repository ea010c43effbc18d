package hj212

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// FieldOptions are what a field machine knows of one platform. Zero values mean the
// default where one is named.
type FieldOptions struct {
	Edition Edition // of what it sends by itself, default 2017; answers have that of the request
	ST      string  // system code
	// Systems are further system codes that requests may have; ST and 91 are always
	// taken.
	Systems []string
	PW      string // access password
	MN      string // identity; may be empty in 2025 with Registration

	// NoAnswers sends uploads and heartbeats with Flag bit 0 clear: once, and they are
	// taken at once.
	NoAnswers bool
	OverTime  time.Duration // for an answer, default 10 s (HJ 212-2017, table 1), 24 h at most
	ReCount   int           // attempts after the first, default 3 (HJ 212-2017, table 1), 99 at most
	// ExecTime is how long the caller may take from a request to Accept, Data and
	// Done, each. Then the request is refused or ends as failed. Default 5 min.
	ExecTime time.Duration
	// Heartbeat is the time between heartbeats (HJ 212-2025, table C.54; vendors use
	// them before); 0 = none.
	Heartbeat time.Duration
	Window    int // uploads in flight, default 1
	// Queue is how many uploads and notifications may wait, fly, or have ended
	// without their event being fetched; default 16.
	Queue int
	// Remember is for how long a copy of a request is known as one, default 10 min.
	// It has to be longer than the platform repeats requests. Of requests and notices
	// the last 32 are known. When one has to make room, requests with a QN up to its own
	// that are not known are refused with QnRtn 7 for as long, as they may have been
	// executed: a platform's QNs have to rise.
	Remember time.Duration
	// Pattern says how an exchange goes that the platform begins with that message, for
	// commands that the standard's tables have not, or have otherwise: Request,
	// RequestData or Notification; Upload and Answer refuse it (QnRtn 8), NoPattern
	// leaves it to the tables. It is asked before password and MN are looked at, and of
	// copies, too: it has only to say what it knows. nil leaves all to the tables.
	Pattern func(*Message) Pattern

	// Registration is what 1001 says (i23005-Info, the logger's serial number, is
	// required, then i23006-Info to i23008-Info). It is sent while MN is empty (HJ
	// 212-2025, table C.2), and again each RegisterEvery until an MN has come, default
	// 5 min.
	Registration  []Param
	RegisterEvery time.Duration
}

// FieldStats count since a [FieldSide] was made.
type FieldStats struct {
	Sent       uint64 // messages handed out, of all kinds
	Resent     uint64 // of them, those of ours that were sent before
	Answers    uint64 // of them, 9011, 9012 and 9013
	Taken      uint64 // messages of ours that were answered, or needed no answer: packets, data, notifications
	Failed     uint64 // exchanges of ours that came to nothing
	Requests   uint64 // that were reported
	Notices    uint64 // that were reported
	Refused    uint64 // requests and notices that were not: password, MN, ST, Flag, QN, CN, or too many
	Duplicates uint64 // copies of requests and notices
	Expired    uint64 // requests that the caller did not finish in time
	Strays     uint64 // answers to nothing in flight
	Others     uint64 // what is neither answer nor request, or has fields too long for one
	Dropped    uint64 // messages passed by, as too much waited to be fetched or handed out
}

// A FieldSide is the field machine's side (现场机) of the exchanges with one platform
// (HJ 212-2017, 6.1 and 6.2). It does no I/O and has no clock: messages go in by
// Receive and come out by Next, and the time is what the caller says: only its
// differences count, and QN. At the beginning and after each call of another method,
// call Next and Event in turn until both have nothing; then wait for a message or for
// Wake.
//
// Its events are EventTaken and EventFailed of uploads and notifications, EventRequest,
// EventRoom and EventEnded of the platform's requests, EventNotice, and EventRegistered.
//
// It is not safe for use by several goroutines at once.
type FieldSide struct {
	o       FieldOptions
	serial  string // of Registration
	widthPW int    // the longest password, in bytes
	time    passage
	qn      numberer
	last    Exchange
	stats   FieldStats

	out      []outgo
	notes    []*sending // in flight, all at once
	uploads  []*sending // the first Window are in flight
	requests []*request
	past     []pastRequest // the newest last
	dropped  [18]dropped   // what had to make room in past, by the length of QN
	events   []happening
	ended    int // events of own exchanges in events

	beatAt     time.Duration // when the next heartbeat is
	registerAt time.Duration // when the next 1001 is
}

// A sending is an upload or notification of ours.
type sending struct {
	x       Exchange  // 0 = by itself
	packets []Message // not answered yet; QN of the first is set once it was sent
	begun   bool      // the first has its QN
	flight
}

// NewFieldSide checks the options. The error says which is nonsense.
func NewFieldSide(o FieldOptions) (*FieldSide, error) {
	o.Edition = cmp.Or(o.Edition, Ed2017)
	o.OverTime = cmp.Or(o.OverTime, 10*time.Second)
	o.ReCount = cmp.Or(o.ReCount, 3)
	o.ExecTime = cmp.Or(o.ExecTime, 5*time.Minute)
	o.Window = cmp.Or(o.Window, 1)
	o.Queue = cmp.Or(o.Queue, defaultOut)
	o.Remember = cmp.Or(o.Remember, 10*time.Minute)
	o.RegisterEvery = cmp.Or(o.RegisterEvery, 5*time.Minute)
	o.Systems, o.Registration = slices.Clone(o.Systems), slices.Clone(o.Registration)
	f := &FieldSide{o: o, beatAt: o.Heartbeat, widthPW: max(6, len(o.PW))}
	if i := slices.IndexFunc(o.Registration, func(p Param) bool { return p.Name == "i23005-Info" }); i >= 0 {
		f.serial = o.Registration[i].Value
	}
	switch {
	case o.Edition != Ed2005 && o.Edition != Ed2017 && o.Edition != Ed2025:
		return nil, fmt.Errorf("hj212: edition is %d: 2005, 2017 or 2025", int(o.Edition))
	case o.ST == "":
		return nil, errors.New("hj212: ST is empty")
	case o.PW == "":
		return nil, errors.New("hj212: PW is empty")
	case len(o.PW) > maxEcho || len(o.MN) > maxEcho:
		return nil, fmt.Errorf("hj212: PW or MN is longer than %d bytes", maxEcho)
	case o.MN == "" && (o.Edition != Ed2025 || f.serial == ""):
		return nil, errors.New("hj212: MN is empty: only 2025 assigns one, to a Registration with i23005-Info")
	}
	m := f.registration()
	m.ST, m.PW, m.MN, m.Flag = o.ST, strings.Repeat("0", f.widthPW), cmp.Or(o.MN, widestMN), NewFlag(o.Edition, WantAnswer)
	if err := checkLength(m); err != nil {
		return nil, err
	}
	m.PW, m.MN = o.PW, o.MN
	if err := checkForm(m); err != nil {
		return nil, err
	}
	if o.Heartbeat != 0 {
		if err := checkDelay("Heartbeat", o.Heartbeat); err != nil {
			return nil, err
		}
	}
	if err := errors.Join(
		checkDelay("OverTime", o.OverTime), checkCount("ReCount", o.ReCount, 99), checkDelay("ExecTime", o.ExecTime),
		checkCount("Window", o.Window, 64), checkCount("Queue", o.Queue, 1024), checkDelay("Remember", o.Remember),
		checkDelay("RegisterEvery", o.RegisterEvery),
	); err != nil {
		return nil, err
	}
	return f, nil
}

// MN is the identity in use, empty before it was assigned.
func (f *FieldSide) MN() string { return f.o.MN }

// SetPW changes the password, after the Done of a 1072. Messages in flight keep the old
// one, and so do the answers of that exchange (HJ 212-2017, C.9). The error says that pw
// is empty or breaks the form of a message, or is longer than the standard's 6
// characters and than the first password: messages that wait were cut for frames with
// those.
func (f *FieldSide) SetPW(pw string) error {
	switch {
	case pw == "":
		return errors.New("hj212: PW is empty")
	case len(pw) > f.widthPW:
		return fmt.Errorf("hj212: password has %d characters, %d at most", len(pw), f.widthPW)
	}
	if err := checkForm(Message{CN: "1072", PW: pw}); err != nil {
		return err
	}
	f.o.PW = pw
	return nil
}

// SetTiming changes time-out and attempts, after the Done of a 1000. What is in flight
// keeps its present time-out.
func (f *FieldSide) SetTiming(overTime time.Duration, reCount int) error {
	if err := errors.Join(checkDelay("OverTime", overTime), checkCount("ReCount", reCount, 99)); err != nil {
		return err
	}
	f.o.OverTime, f.o.ReCount = overTime, reCount
	return nil
}

// Stats returns the counters.
func (f *FieldSide) Stats() FieldStats { return f.stats }

// Upload queues m, whose CN and CP are the caller's, and ST, RF and More where they are
// wanted; the rest is filled in when it goes out. What is too long for one frame is
// sent as several packets. EventTaken or EventFailed ends the exchange; who wants to
// try a failed one again uploads it again, with a new QN. Uploads wait until there is
// an MN. m.CP is not copied: leave it alone until the exchange has ended. CN is any but
// that of an answer: vendors have codes of their own, as 9021.
//
// The error is ErrBusy where the queue is full, and else says that m cannot be sent: it
// is too long, or has a name or value that breaks the form.
func (f *FieldSide) Upload(m Message, now time.Time) (Exchange, error) {
	f.pass(now)
	if !isCode(m.CN) {
		return 0, fmt.Errorf("hj212: upload with CN %q", m.CN)
	}
	if f.busy() {
		return 0, ErrBusy
	}
	packets, err := f.split(m, f.o.Edition, !f.o.NoAnswers)
	if err != nil {
		return 0, err
	}
	f.last++
	f.uploads = append(f.uploads, &sending{x: f.last, packets: packets})
	return f.last, nil
}

// Notify queues a notification, which is answered by a 9013: 1013, 1014, 2072 in 2005,
// and what vendors have of the kind. It is as Upload otherwise. 1001 and 9015 go out by
// themselves.
func (f *FieldSide) Notify(m Message, now time.Time) (Exchange, error) {
	f.pass(now)
	if !isCode(m.CN) {
		return 0, fmt.Errorf("hj212: notification with CN %q", m.CN)
	}
	if f.busy() {
		return 0, ErrBusy
	}
	s := f.notification(f.last+1, m)
	m = s.packets[0]
	m.PW, m.MN = strings.Repeat("0", f.widthPW), cmp.Or(f.o.MN, widestMN)
	if err := cmp.Or(checkLength(m), checkForm(m)); err != nil {
		return 0, err
	}
	f.last++
	f.notes = append(f.notes, s)
	return f.last, nil
}

func (f *FieldSide) notification(x Exchange, m Message) *sending {
	m.ST = cmp.Or(m.ST, f.o.ST)
	m.QN, m.HasFlag, m.Flag, m.PNUM, m.PNO = "", true, NewFlag(f.o.Edition, 0), 0, 0
	// In 2005 it has Flag=0 and is answered all the same (HJ/T 212-2005, C.10).
	if f.o.Edition != Ed2005 && !f.isOnce(&m) {
		m.Flag |= WantAnswer
	}
	return &sending{x: x, packets: []Message{m}}
}

// isOnce reports whether nobody answers a notification: a heartbeat does without, all
// others are of use only when they were read.
func (f *FieldSide) isOnce(m *Message) bool { return f.o.NoAnswers && m.CN == cnHeartbeat }

func (f *FieldSide) busy() bool {
	n := len(f.uploads) + f.ended
	for _, s := range f.notes {
		if s.x != 0 {
			n++
		}
	}
	return n >= f.o.Queue
}

// split makes the packets of m, without QN, PW and MN.
func (f *FieldSide) split(m Message, e Edition, answers bool) ([]Message, error) {
	// As wide as they will be, for the one who measures.
	m.ST, m.QN, m.PW, m.MN = cmp.Or(m.ST, f.o.ST), widestQN, strings.Repeat("0", f.widthPW), cmp.Or(f.o.MN, widestMN)
	split := m.PNUM > 0 // by the caller
	m.Flag = NewFlag(e, 0)
	if answers {
		m.Flag |= WantAnswer
	}
	m.HasFlag = answers || e != Ed2005 // which is printed without (HJ/T 212-2005, C.4)
	packets := []Message{m}
	err := checkForm(m)
	switch {
	case err != nil:
	case split:
		if m.HasFlag {
			m.Flag |= IsSplit // which may be a digit more
		}
		err = checkLength(m)
		packets[0] = m
	default:
		packets, err = Split(m, e)
	}
	if err != nil {
		return nil, err
	}
	packets = slices.Clone(packets)
	for i := range packets {
		p := &packets[i]
		p.QN, p.PW, p.MN = "", "", ""
		if p.PNUM > 0 && p.HasFlag {
			p.Flag |= IsSplit
		}
	}
	return packets, nil
}

// fill makes m ready to go out for the first time. What is repeated later is repeated
// as it is now, same QN and all.
func (f *FieldSide) fill(m *Message, now time.Time) {
	m.PW, m.MN = f.o.PW, f.o.MN
	// 2005 has no QN where nobody answers (HJ/T 212-2005, C.4).
	if m.HasFlag {
		m.QN = f.qn.next(now)
	}
}

// tell queues an event. Those of the wire are counted before they come here; those of
// own exchanges are as many as Queue has room for; those of requests as many as may be
// in hand.
func (f *FieldSide) tell(e Event) {
	if e.Exchange != 0 && (e.Type == EventTaken || e.Type == EventFailed) {
		f.ended++
	}
	f.events = append(f.events, happening{Event: e})
}

// Event returns what happened next, in its order, until there is nothing.
func (f *FieldSide) Event() (Event, bool) {
	if len(f.events) == 0 {
		return Event{}, false
	}
	e := f.events[0].Event
	f.events = slices.Delete(f.events, 0, 1)
	if e.Exchange != 0 && (e.Type == EventTaken || e.Type == EventFailed) {
		f.ended--
	}
	return e, true
}

// Receive takes a message of the platform.
func (f *FieldSide) Receive(m Message, now time.Time) {
	f.pass(now)
	switch {
	case !isEchoable(&m):
		f.stats.Others++
	case m.CN == cnNoted:
		f.receiveNoted(m.Answers())
	case m.CN == cnTaken:
		f.receiveTaken(&m)
	case isCommand(m.CN), isCode(m.CN) && f.pattern(&m) != NoPattern:
		f.receiveCommand(m)
	default:
		f.stats.Others++
	}
}

func (f *FieldSide) receiveNoted(qn string) {
	for i, s := range f.notes {
		if s.begun && s.packets[0].QN == qn {
			f.notes = slices.Delete(f.notes, i, i+1)
			f.noted(s)
			return
		}
	}
	f.stats.Strays++
}

func (f *FieldSide) noted(s *sending) {
	f.stats.Taken++
	if s.x != 0 {
		f.tell(Event{Type: EventTaken, Exchange: s.x, Message: s.packets[0]})
	}
}

// receiveTaken takes a 9014. Its ST and MN are not looked at: platforms differ, and the
// QN is ours alone.
func (f *FieldSide) receiveTaken(m *Message) {
	qn := m.Answers()
	cn, hasCN := m.CP.Get("CN") // 2005
	pno, hasPNO := m.CP.Get("PNO")
	fits := func(sent *Message) bool {
		return sent.QN == qn && qn != "" && (!hasCN || cn == sent.CN) && (!hasPNO || sent.PNO == 0 || pno == strconv.Itoa(sent.PNO))
	}
	for _, r := range f.requests {
		switch {
		case r.acked && r.begun && len(r.data) > 0 && fits(&r.data[0]):
			// All data of a history of 2005 have one QN: the answer to a copy of the last
			// ones says nothing of those that were sent since.
			if r.stale > 0 && r.tries == 1 {
				r.stale--
				f.stats.Strays++
				return
			}
			if r.stale = 0; repeatsQN(&r.m) {
				r.stale = max(r.tries-1, 0)
			}
			f.stats.Taken++
			f.shift(r)
			r.until = f.time.at + f.o.ExecTime
			f.close(r)
			return
		case r.stage == closing && f.awaitsResult(r) && r.tries > 0 && qn == r.m.QN && (!hasCN || cn == cnResult):
			if !hasCN && r.stale > 0 && r.tries == 1 {
				r.stale--
				f.stats.Strays++
				return
			}
			f.stats.Taken++
			f.end(r)
			return
		}
	}
	for i, s := range f.uploads {
		if s.begun && fits(&s.packets[0]) {
			f.stats.Taken++
			f.advance(i)
			return
		}
	}
	f.stats.Strays++
}

// tells reports whether there is such an event not fetched yet.
func (f *FieldSide) tells(t EventType, x Exchange) bool {
	return slices.ContainsFunc(f.events, func(e happening) bool { return e.Type == t && e.Exchange == x })
}

// advance goes on to the next packet of upload i.
func (f *FieldSide) advance(i int) {
	s := f.uploads[i]
	if len(s.packets) > 1 {
		s.packets, s.begun, s.flight = s.packets[1:], false, flight{}
		return
	}
	f.uploads = slices.Delete(f.uploads, i, i+1)
	f.tell(Event{Type: EventTaken, Exchange: s.x, Message: s.packets[0]})
}

// Next returns what is to be sent now, until there is nothing.
func (f *FieldSide) Next(now time.Time) (Message, bool) {
	f.pass(now)
	f.expire()
	m, again, ok := f.next(now)
	if ok {
		f.stats.Sent++
		switch m.CN {
		case cnAnswer, cnResult, cnNoted:
			f.stats.Answers++
		}
		if again {
			f.stats.Resent++
		}
	}
	return m, ok
}

func (f *FieldSide) next(now time.Time) (m Message, again, ok bool) {
	if len(f.out) > 0 {
		a := f.out[0]
		f.out = slices.Delete(f.out, 0, 1)
		if a.ends != nil {
			f.end(a.ends)
		}
		return a.Message, false, true
	}
	for i, s := range f.notes {
		if f.mayFly(s) {
			m, again = f.launch(s, now)
			if f.isOnce(&m) {
				f.notes = slices.Delete(f.notes, i, i+1)
				f.noted(s)
			}
			return m, again, true
		}
	}
	for _, r := range f.requests {
		if m, again, ok := f.nextData(r, now); ok {
			return m, again, true
		}
	}
	for i, s := range f.flying() {
		if f.mayFly(s) {
			m, again = f.launch(s, now)
			if m.Flag&WantAnswer == 0 { // once, and nobody answers
				f.stats.Taken++
				f.advance(i)
			}
			return m, again, true
		}
	}
	return Message{}, false, false
}

func (f *FieldSide) flying() []*sending { return f.uploads[:min(len(f.uploads), f.o.Window)] }

// mayFly reports whether the first packet of s is due. Without an MN only a
// registration is (HJ 212-2025, table C.2).
func (f *FieldSide) mayFly(s *sending) bool {
	return s.ready(f.time.at) && (f.o.MN != "" || s.packets[0].CN == cnHardware)
}

func (f *FieldSide) launch(s *sending, now time.Time) (m Message, again bool) {
	again = s.begun
	if !again {
		f.fill(&s.packets[0], now)
		s.begun = true
	}
	s.sent(f.time.at, f.o.OverTime)
	return s.packets[0], again
}

// pass lets time pass. What has waited for too long is given up by Next alone, so that
// an answer that lay in a buffer while the caller was busy still counts.
func (f *FieldSide) pass(now time.Time) {
	f.time.tick(now)
	for len(f.past) > 0 && f.past[0].at < f.time.at-f.o.Remember {
		f.past = slices.Delete(f.past, 0, 1)
	}
	for i := range f.dropped {
		if f.dropped[i].at < f.time.at-f.o.Remember {
			f.dropped[i] = dropped{}
		}
	}
}

// expire gives up what has waited for too long, and begins what is due.
func (f *FieldSide) expire() {
	at := f.time.at
	lost := func(s *sending) bool {
		if !s.spent(at, f.o.ReCount) {
			return false
		}
		f.stats.Failed++
		f.fail(s)
		return true
	}
	f.notes = slices.DeleteFunc(f.notes, lost)
	f.uploads = slices.DeleteFunc(f.uploads, lost)
	for _, r := range slices.Clone(f.requests) {
		f.expireRequest(r)
	}
	f.tickOwn()
}

func (f *FieldSide) fail(s *sending) {
	if s.x == 0 { // one of a kind is enough to be told
		for _, e := range f.events {
			if e.Type == EventFailed && e.Exchange == 0 && e.Message.CN == s.packets[0].CN {
				return
			}
		}
	}
	f.tell(Event{Type: EventFailed, Exchange: s.x, Message: s.packets[0], Err: ErrNoAnswer})
}

// Wake is when Next should be asked again at the latest if nothing comes; zero where
// nothing is pending, and before the first call of Next. Where something waits to be
// fetched it is now.
func (f *FieldSide) Wake() time.Time {
	if len(f.out) > 0 || len(f.events) > 0 {
		return f.time.last
	}
	var w waking
	for _, s := range f.notes {
		if f.o.MN != "" || s.packets[0].CN == cnHardware {
			w.at(s.flight)
		}
	}
	if f.o.MN != "" {
		for _, s := range f.flying() {
			w.at(s.flight)
		}
	}
	for _, r := range f.requests {
		switch {
		case r.stage == closing && f.awaitsResult(r), r.stage != closing && len(r.data) > 0:
			w.at(r.flight)
		case r.stage == asked || r.stage == accepted:
			w.by(r.until)
		}
	}
	f.wakeOwn(&w)
	return w.when(&f.time)
}

// A waking is the first of some times.
type waking struct {
	some bool
	due  time.Duration
}

func (w *waking) by(due time.Duration) {
	if !w.some || due < w.due {
		w.some, w.due = true, due
	}
}

func (w *waking) at(f flight) {
	if f.tries == 0 {
		w.by(0)
		return
	}
	w.by(f.due)
}

func (w *waking) when(p *passage) time.Time {
	if !w.some || p.last.IsZero() {
		return time.Time{}
	}
	return p.when(w.due)
}

// Reset says that the connection was lost and made anew. What was in flight goes again
// at once, the same messages with the same QN and with all attempts, and so does the
// registration where there is no MN yet; answers that wait stay.
func (f *FieldSide) Reset(now time.Time) {
	f.pass(now)
	if !f.notifies(cnHardware) {
		f.registerAt = f.time.at
	}
	for _, s := range f.notes {
		s.flight = flight{}
	}
	for _, s := range f.uploads {
		s.flight = flight{}
	}
	for _, r := range f.requests {
		r.flight, r.stale = flight{}, 0
	}
}

// Cancel takes back an upload or notification that has not ended: it goes out no more,
// no event comes of it, and its answer, should it come, is a stray. It is for what is to
// be made anew, as after a connection was lost and with it the time at which real-time
// data were real time.
func (f *FieldSide) Cancel(x Exchange) {
	is := func(s *sending) bool { return x != 0 && s.x == x }
	f.uploads = slices.DeleteFunc(f.uploads, is)
	f.notes = slices.DeleteFunc(f.notes, is)
}
