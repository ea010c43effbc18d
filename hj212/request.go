package hj212

import (
	"cmp"
	"crypto/subtle"
	"fmt"
	"slices"
	"time"
)

// The platform's requests, on the field machine's side.

// A request is one of the platform's, from its event to its last answer.
type request struct {
	x       Exchange
	m       Message
	text    string // of m
	pattern Pattern
	history bool
	acked   bool // data are answered by 9014
	stage   stage
	until   time.Duration // when the caller has to have done the next step
	data    []Message     // not taken yet
	begun   bool          // the first has its QN
	flight                // of the first, or of the result
	stale   int           // answers still on their way to copies of the data before
	full    bool          // Data said ErrBusy
	some    bool          // there were data
	kept    []Message     // data that nobody answers, for a copy of the request
	more    bool          // than kept holds
	rtn     int           // ExeRtn
	err     error
	result  Message // the last answer
	unseen  bool    // its event was not fetched in time
}

// A stage is how far a request is.
type stage uint8

const (
	asked    stage = iota // the caller has to say yes or no
	accepted              // 9011 was sent, and the caller works
	finished              // the caller is done, data are on their way
	closing               // the last answer is on its way
)

// A pastRequest answers copies. Text is compared, as a copy is unchanged.
type pastRequest struct {
	qn, cn, text string
	answers      []Message
	at           time.Duration
}

// dropped is the newest QN of one length that had to make room in the past.
type dropped struct {
	qn string
	at time.Duration // when it came
}

// Accept says that the request will be executed: 9011 with QnRtn 1. The error is
// ErrExchange.
func (f *FieldSide) Accept(x Exchange) error {
	r := f.find(x)
	if r == nil || r.stage != asked {
		return ErrExchange
	}
	f.accept(r)
	return nil
}

func (f *FieldSide) accept(r *request) {
	r.stage, r.until = accepted, f.time.at+f.o.ExecTime
	f.out = append(f.out, outgo{Message: answerQnRtn(&r.m, qnWillDo)})
}

// Refuse says that it will not: 9011 with qnRtn, 2 to 999, as the edition has them. In
// 2005 4 and more become 2. The error is ErrExchange, or says that qnRtn is no
// refusal.
func (f *FieldSide) Refuse(x Exchange, qnRtn int) error {
	if qnRtn <= qnWillDo || qnRtn > 999 {
		return fmt.Errorf("hj212: refuse with QnRtn %d: 2 to 999", qnRtn)
	}
	r := f.find(x)
	if r == nil || r.stage != asked {
		return ErrExchange
	}
	f.refuse(r, qnRtn)
	return nil
}

func (f *FieldSide) refuse(r *request, qnRtn int) {
	r.stage, r.rtn = closing, 0 // and no ExeRtn
	r.result = answerQnRtn(&r.m, qnRtn)
	f.out = append(f.out, outgo{Message: r.result, ends: r})
}

// Data sends m in answer to the request, in the order of the calls; its CP is the
// caller's, its CN and ST are those of the request where they are empty. A request for
// a span of time has one record in each, the oldest first, and each is sent when the
// one before was answered, unless NoAnswers is set (HJ 212-2017, C.20 to C.23 and
// C.47). Data accepts the request where Accept did not.
//
// In 2005 data of a span that are answered all have the QN of the request, as the
// standard prints them (HJ/T 212-2005, C.6). Nothing but CN and PNO then says which of
// them a 9014 is to.
//
// The error is ErrBusy until an EventRoom, ErrExchange, or says that m cannot be sent.
func (f *FieldSide) Data(x Exchange, m Message) error {
	r := f.find(x)
	if r == nil || r.stage > accepted {
		return ErrExchange
	}
	m.CN, m.ST = cmp.Or(m.CN, r.m.CN), cmp.Or(m.ST, r.m.ST)
	if !isCode(m.CN) {
		return fmt.Errorf("hj212: data with CN %q", m.CN)
	}
	if len(r.data) >= maxData {
		r.full = true
		return ErrBusy
	}
	inArea := !r.history && r.m.Edition() == Ed2005
	if inArea { // (HJ/T 212-2005, C.2)
		m.CP = append(Area{{{"QN", r.m.QN}}}, m.CP...)
	}
	packets, err := f.split(m, r.m.Edition(), r.acked)
	if err != nil {
		return err
	}
	if inArea && len(packets) > 1 {
		return fmt.Errorf("hj212: answer to %s is longer than a frame", r.m.CN)
	}
	if r.stage == asked {
		f.accept(r)
	}
	r.data = append(r.data, packets...)
	r.some = true
	r.until = f.time.at + f.o.ExecTime
	return nil
}

// Done says how it went: exeRtn is 1 to 999 (HJ 212-2017, table 6). 9012 goes out when
// all data are answered; where a request for data has none, its ExeRtn is 100 and not
// 1. In 2005 all but 1 and 100 become 2. Done accepts the request where Accept did not.
// The error is ErrExchange, or says that exeRtn is none.
func (f *FieldSide) Done(x Exchange, exeRtn int) error {
	if exeRtn < 1 || exeRtn > 999 {
		return fmt.Errorf("hj212: done with ExeRtn %d: 1 to 999", exeRtn)
	}
	r := f.find(x)
	if r == nil || r.stage > accepted {
		return ErrExchange
	}
	if r.stage == asked {
		f.accept(r)
	}
	if exeRtn == exeDone && r.pattern == RequestData && !r.some {
		exeRtn = exeNoData
	}
	f.finish(r, rtnOf(r.m.Edition(), exeRtn), nil)
	return nil
}

func (f *FieldSide) finish(r *request, exeRtn int, err error) {
	r.stage, r.rtn, r.err = finished, exeRtn, err
	f.close(r)
}

// close sends the result once no data are on their way.
func (f *FieldSide) close(r *request) {
	if r.stage != finished || len(r.data) > 0 {
		return
	}
	r.stage, r.begun, r.flight = closing, false, flight{}
	r.result = answerExeRtn(&r.m, r.rtn)
	if !f.awaitsResult(r) {
		f.out = append(f.out, outgo{Message: r.result, ends: r})
	}
}

// awaitsResult reports whether the 9012 is repeated until a 9014 comes.
func (f *FieldSide) awaitsResult(r *request) bool { return r.acked && acksResult(&r.m) }

func (f *FieldSide) find(x Exchange) *request {
	for _, r := range f.requests {
		if r.x == x {
			return r
		}
	}
	return nil
}

// end forgets r but for what copies of it are answered with.
func (f *FieldSide) end(r *request) {
	f.requests = slices.DeleteFunc(f.requests, func(other *request) bool { return other == r })
	answers := []Message{r.result}
	if r.result.CN == cnResult {
		if r.more { // the platform would take it for whole
			r.result = answerExeRtn(&r.m, exeFailed)
		}
		answers = append(append([]Message{answerQnRtn(&r.m, qnWillDo)}, r.kept...), r.result)
	}
	f.remember(&r.m, r.text, answers)
	if !r.unseen {
		f.tell(Event{Type: EventEnded, Exchange: r.x, Message: r.m, Rtn: r.rtn, Err: r.err})
	}
}

func (f *FieldSide) remember(m *Message, text string, answers []Message) {
	if len(f.past) >= maxPast {
		old := &f.past[0]
		if n := len(old.qn); n < len(f.dropped) {
			d := &f.dropped[n]
			d.qn, d.at = max(d.qn, old.qn), max(d.at, old.at)
		}
		f.past = slices.Delete(f.past, 0, 1)
	}
	f.past = append(f.past, pastRequest{m.QN, m.CN, text, answers, f.time.at})
}

// isForgotten reports whether m may be a copy of a request that had to make room: such a
// one is not executed a second time. QNs of one length are in the order of their time.
func (f *FieldSide) isForgotten(m *Message) bool {
	n := len(m.QN)
	return n < len(f.dropped) && m.QN <= f.dropped[n].qn
}

// shift goes on to the next data of r.
func (f *FieldSide) shift(r *request) {
	r.data = slices.Delete(r.data, 0, 1)
	r.begun, r.flight = false, flight{}
	if r.full && !f.tells(EventRoom, r.x) {
		f.tell(Event{Type: EventRoom, Exchange: r.x, Message: r.m})
	}
	r.full = false
}

// receiveCommand takes a request or a notification.
func (f *FieldSide) receiveCommand(m Message) {
	if len(f.out) >= maxOut {
		f.stats.Dropped++ // it will come again
		return
	}
	assigns := m.CN == cnAssign && f.serial != "" && m.Edition() == Ed2025
	pattern := NoPattern
	if !assigns {
		pattern = f.pattern(&m)
	}
	if pattern == NoPattern {
		pattern = patternOf(m.Edition(), Down, &m)
	}
	if pattern == NoPattern { // Seen in the field: requests without Flag, which look like 2005
		pattern = patternOf(f.o.Edition, Down, &m)
	}
	// A copy is known before its password is looked at, which may have been changed
	// by it. It repeats the old one: text is compared.
	again, other := f.repeated(&m)
	if again {
		f.stats.Duplicates++
		return
	}
	rtn := f.check(&m, pattern, assigns)
	if rtn == 0 && (other || pattern != Notification && !assigns && f.isForgotten(&m)) {
		rtn = qnQN
	}
	if rtn == 0 && len(f.events) >= maxEvents {
		f.stats.Dropped++
		return
	}
	switch {
	case rtn != 0:
		f.deny(&m, pattern, rtn)
	case assigns:
		f.assign(m)
	case pattern == Notification:
		noted := answer(cnNoted, &m)
		f.out = append(f.out, outgo{Message: noted})
		f.remember(&m, segmentText(&m), []Message{noted})
		f.stats.Notices++
		f.tell(Event{Type: EventNotice, Message: m})
	case len(f.requests) >= maxInHand:
		f.deny(&m, pattern, qnRefused)
		// A copy is not executed later, when the platform has read that it is not.
		f.remember(&m, segmentText(&m), []Message{answerQnRtn(&m, qnRefused)})
	default:
		f.stats.Requests++
		f.last++
		r := &request{x: f.last, m: m, text: segmentText(&m), pattern: pattern, history: isHistory(&m), until: f.time.at + f.o.ExecTime}
		r.acked = r.history && !f.o.NoAnswers
		f.requests = append(f.requests, r)
		f.tell(Event{Type: EventRequest, Exchange: r.x, Message: m})
	}
}

// pattern is what the caller says of m.
func (f *FieldSide) pattern(m *Message) Pattern {
	if f.o.Pattern == nil {
		return NoPattern
	}
	return f.o.Pattern(m)
}

// deny answers what is not reported. It is not remembered, so that nobody without the
// password can push out what is.
func (f *FieldSide) deny(m *Message, pattern Pattern, rtn int) {
	f.stats.Refused++
	if pattern != Notification { // which has no refusal
		f.out = append(f.out, outgo{Message: answerQnRtn(m, rtn)})
	}
}

// repeated looks whether m came before, and answers a copy as it was answered before.
// other says that its QN is that of another message with the same CN.
func (f *FieldSide) repeated(m *Message) (again, other bool) {
	for _, r := range f.requests {
		if r.m.QN != m.QN || r.m.CN != m.CN {
			continue
		}
		if r.text != segmentText(m) {
			return false, true
		}
		if r.stage == accepted || r.stage == finished { // its 9011 was lost
			f.out = append(f.out, outgo{Message: answerQnRtn(m, qnWillDo)})
		}
		return true, false
	}
	for _, p := range f.past {
		if p.qn != m.QN || p.cn != m.CN {
			continue
		}
		if p.text != segmentText(m) {
			return false, true
		}
		for _, a := range p.answers {
			f.out = append(f.out, outgo{Message: a})
		}
		return true, false
	}
	return false, false
}

// check returns why a request is not reported, as QnRtn; 0 if it is. Nothing is
// executed before password and MN fit.
func (f *FieldSide) check(m *Message, pattern Pattern, assigns bool) int {
	switch {
	case subtle.ConstantTimeCompare([]byte(m.PW), []byte(f.o.PW)) != 1:
		return qnPW
	case assigns && !f.assigned(m), !assigns && (f.o.MN == "" || m.MN != f.o.MN):
		return qnMN
	case m.ST != f.o.ST && m.ST != systemAnswers && !slices.Contains(f.o.Systems, m.ST):
		return qnST
	case m.Flag.Version() > 2 || m.PNUM > 1: // no request has several packets
		return qnFlag
	// Seen in the field: 13 digits, Unix milliseconds. More than 17 would not fit: they
	// are repeated in the data.
	case !allDigits(m.QN) || len(m.QN) > len(widestQN):
		return qnQN
	case pattern != Request && pattern != RequestData && pattern != Notification:
		return qnCN
	}
	return 0
}

// nextData returns the data or the result of r that is due.
func (f *FieldSide) nextData(r *request, now time.Time) (m Message, again, ok bool) {
	switch {
	case r.stage == closing && f.awaitsResult(r) && r.ready(f.time.at):
		again = r.begun
		r.begun = true
		r.sent(f.time.at, f.o.OverTime)
		return r.result, again, true
	case r.stage == closing || len(r.data) == 0 || !r.ready(f.time.at):
		return Message{}, false, false
	}
	again = r.begun
	if !again {
		f.fillData(r, now)
		r.begun = true
	}
	m = r.data[0]
	if r.acked {
		r.sent(f.time.at, f.o.OverTime)
		return m, again, true
	}
	f.stats.Taken++
	if len(r.kept) < maxKept {
		r.kept = append(r.kept, m)
	} else {
		r.more = true
	}
	f.shift(r)
	f.close(r)
	return m, false, true
}

// repeatsQN reports whether the data of a request for a span of time have its QN: in
// 2005 they do, where they have one (HJ/T 212-2005, C.6).
func repeatsQN(m *Message) bool { return m.Edition() == Ed2005 && isHistory(m) }

// fillData makes the first data of r ready. Those of a history have QNs of their own but
// in 2005, any other that of the request, with its PW and MN; in 2005 within the data
// area (HJ 212-2017, C.2 and C.20; HJ/T 212-2005, C.2).
func (f *FieldSide) fillData(r *request, now time.Time) {
	m := &r.data[0]
	switch {
	case repeatsQN(&r.m):
		m.PW, m.MN = f.o.PW, f.o.MN
		if m.HasFlag {
			m.QN = r.m.QN
		}
		return
	case r.history:
		f.fill(m, now)
		return
	}
	m.PW, m.MN = r.m.PW, r.m.MN
	if e := r.m.Edition(); e != Ed2005 {
		m.QN, m.Flag, m.HasFlag = r.m.QN, m.Flag&IsSplit|NewFlag(e, 0), true
		return
	}
	m.QN, m.Flag, m.HasFlag = "", 0, false
}

func (f *FieldSide) expireRequest(r *request) {
	switch at := f.time.at; {
	case r.stage == asked && at >= r.until:
		f.stats.Expired++
		n := len(f.events)
		f.events = slices.DeleteFunc(f.events, func(e happening) bool { return e.Type == EventRequest && e.Exchange == r.x })
		r.err, r.unseen = ErrNoResult, len(f.events) < n
		f.refuse(r, qnRefused)
	case r.stage == accepted && len(r.data) == 0 && at >= r.until:
		f.stats.Expired++
		f.finish(r, exeFailed, ErrNoResult)
	case len(r.data) > 0 && r.spent(at, f.o.ReCount): // nobody answers
		f.stats.Failed++
		r.data = nil
		f.finish(r, rtnOf(r.m.Edition(), exeTimeout), ErrNoAnswer)
	case r.stage == closing && f.awaitsResult(r) && r.spent(at, f.o.ReCount):
		f.stats.Failed++
		r.err = cmp.Or(r.err, ErrNoAnswer)
		f.end(r)
	}
}
