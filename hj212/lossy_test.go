package hj212_test

import (
	"cmp"
	"container/heap"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"envgate/hj212"
)

// A trouble is what a link does to messages.
type trouble struct {
	drop, double float64       // chance for each
	delay        time.Duration // the longest; messages overtake each other
	cut          float64       // chance at each message that the connection is lost
	lazy         float64       // chance at each step that the field machine's caller does nothing more
}

// A world is a field machine and a platform with a link between them, in virtual time.
// What one hands out reaches the other as text.
type world struct {
	t     *testing.T
	rng   *rand.Rand
	link  trouble
	now   time.Time
	queue happenings
	seq   int
	era   int // of the connection

	field    *hj212.FieldSide
	platform *hj212.PlatformSide
	noAnswer bool
	unsure   bool // which data of a history a 9014 is to: in 2005 over a link that no TCP is
	sent     int
	log      []string // the last messages, for a failure

	calls   map[hj212.Exchange]string // of the field side: token
	asks    map[hj212.Exchange]string // of the platform's
	lefts   map[hj212.Exchange]bool   // of the field side, not ended
	leftp   map[hj212.Exchange]bool   // of the platform's, not ended
	ends    map[string]hj212.Event    // of the platform's exchanges, by token
	taken   map[string]bool           // of the field's exchanges, by token
	failed  map[string]bool           //
	news    map[string]int            // uploads, data and notices the platform was told as new
	run     map[string]int            // executions
	done    map[string]int            // ExeRtn the executor gave
	noticed map[string]int            // stops that reached the caller
	records map[string]int            // data the executor gave
	texts   map[string]string         // what went out under a QN
	end     time.Time                 // of play, zero = when nothing is left
}

type occurrence struct {
	at  time.Time
	seq int
	do  func()
}

type happenings []occurrence

func (h happenings) Len() int { return len(h) }
func (h happenings) Less(i, j int) bool {
	return cmp.Or(h[i].at.Compare(h[j].at), cmp.Compare(h[i].seq, h[j].seq)) < 0
}
func (h happenings) Swap(i, j int) { h[i], h[j] = h[j], h[i] }
func (h *happenings) Push(x any)   { *h = append(*h, x.(occurrence)) }
func (h *happenings) Pop() any {
	x := (*h)[len(*h)-1]
	*h = (*h)[:len(*h)-1]
	return x
}

func (w *world) after(d time.Duration, do func()) {
	w.seq++
	heap.Push(&w.queue, occurrence{w.now.Add(d), w.seq, do})
}

func newWorld(t *testing.T, seed uint64, link trouble, f hj212.FieldOptions, p hj212.PlatformOptions) *world {
	t.Helper()
	w := &world{
		t: t, rng: rand.New(rand.NewPCG(seed, 212)), link: link, now: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC),
		calls: map[hj212.Exchange]string{}, asks: map[hj212.Exchange]string{},
		lefts: map[hj212.Exchange]bool{}, leftp: map[hj212.Exchange]bool{},
		ends: map[string]hj212.Event{}, taken: map[string]bool{}, failed: map[string]bool{}, news: map[string]int{},
		run: map[string]int{}, done: map[string]int{}, noticed: map[string]int{}, records: map[string]int{}, texts: map[string]string{},
		noAnswer: f.NoAnswers,
		unsure:   f.Edition == hj212.Ed2005 && (link.double > 0 || link.delay > 10*time.Second),
	}
	var err error
	if w.field, err = hj212.NewFieldSide(f); err != nil {
		t.Fatal(err)
	}
	if w.platform, err = hj212.NewPlatformSide(p); err != nil {
		t.Fatal(err)
	}
	return w
}

// token is what names a message of the tests, in its area.
func token(m hj212.Message) string {
	s, _ := m.CP.Get("Token")
	return s
}

func tokenArea(token string, params ...string) hj212.Area {
	var a hj212.Area
	for i := 0; i < len(params); i += 2 {
		a = append(a, hj212.Item{{Name: params[i], Value: params[i+1]}})
	}
	return append(a, hj212.Item{{Name: "Token", Value: token}})
}

// carry takes a message over the link.
func (w *world) carry(m hj212.Message, to string, receive func(hj212.Message, time.Time)) {
	w.sent++
	text := string(m.Append(nil))
	w.log = append(w.log, w.now.Format("15:04:05.000 ")+to+" "+text)
	if len(w.log) > 60 {
		w.log = w.log[1:]
	}
	if m.QN != "" && m.CN < "9" { // all that has this QN is a copy
		key := fmt.Sprint(to, m.CN, " ", m.QN, " ", m.PNO)
		if m.Edition() == hj212.Ed2005 { // where all data of a history have the QN of the request
			at, _ := m.CP.Get("DataTime")
			key += at
		}
		if old, ok := w.texts[key]; ok && old != text {
			w.fatalf("two messages with one QN:\n%s\n%s", old, text)
		}
		w.texts[key] = text
	}
	if w.rng.Float64() < w.link.cut {
		w.era++
		w.field.Reset(w.now)
		w.platform.Reset(w.now)
		return
	}
	copies := 1
	if w.rng.Float64() < w.link.drop {
		copies = 0
	} else if w.rng.Float64() < w.link.double {
		copies = 2
	}
	era := w.era
	for range copies {
		d := time.Millisecond
		if w.link.delay > 0 {
			d += time.Duration(w.rng.Int64N(int64(w.link.delay)))
		}
		w.after(d, func() {
			if era != w.era { // it went down with its connection
				return
			}
			m, _ := hj212.ParseMessage([]byte(text))
			receive(m, w.now)
		})
	}
}

// pump lets both sides say all they have to say now.
func (w *world) pump() {
	for again := true; again; {
		again = false
		for m, ok := w.field.Next(w.now); ok; m, ok = w.field.Next(w.now) {
			again = true
			w.carry(m, "up  ", w.platform.Receive)
		}
		for m, ok := w.platform.Next(w.now); ok; m, ok = w.platform.Next(w.now) {
			again = true
			w.carry(m, "down", w.field.Receive)
		}
		for e, ok := w.field.Event(); ok; e, ok = w.field.Event() {
			again = true
			w.fieldEvent(e)
		}
		for e, ok := w.platform.Event(); ok; e, ok = w.platform.Event() {
			again = true
			w.platformEvent(e)
		}
		if w.sent > 200000 {
			w.fatalf("more than %d messages", w.sent)
		}
	}
}

// play goes on until nothing is left to happen.
func (w *world) play() {
	for w.end.IsZero() || w.now.Before(w.end) {
		w.pump()
		next := time.Time{}
		for _, t := range []time.Time{w.field.Wake(), w.platform.Wake()} {
			if !t.IsZero() && (next.IsZero() || t.Before(next)) {
				next = t
			}
		}
		if !next.IsZero() && !next.After(w.now) {
			w.fatalf("wakes at %v, now is %v, and nothing was to be said", next, w.now)
		}
		if len(w.queue) > 0 && (next.IsZero() || !w.queue[0].at.After(next)) {
			o := heap.Pop(&w.queue).(occurrence)
			w.now = o.at
			o.do()
			continue
		}
		if next.IsZero() {
			return
		}
		w.now = next
	}
}

func (w *world) fatalf(format string, args ...any) {
	w.t.Helper()
	w.t.Fatalf(format+"\nlast messages:\n%s", append(args, strings.Join(w.log, "\n"))...)
}

func (w *world) fieldEvent(e hj212.Event) {
	switch e.Type {
	case hj212.EventTaken, hj212.EventFailed:
		if e.Exchange == 0 { // a heartbeat or a registration
			return
		}
		if !w.lefts[e.Exchange] {
			w.fatalf("field: %v of exchange %d, which is not open", e.Type, e.Exchange)
		}
		delete(w.lefts, e.Exchange)
		if e.Type == hj212.EventTaken {
			w.taken[w.calls[e.Exchange]] = true
		} else {
			w.failed[w.calls[e.Exchange]] = true
		}
	case hj212.EventRequest:
		w.execute(e)
	case hj212.EventNotice:
		w.noticed[token(e.Message)]++
	}
}

// execute does what a request asks for, or not.
func (w *world) execute(e hj212.Event) {
	x, tok := e.Exchange, token(e.Message)
	if tok == "" {
		w.fatalf("field: request without a token: %+v", e.Message)
	}
	if w.rng.Float64() < w.link.lazy {
		return
	}
	w.after(time.Duration(w.rng.Int64N(int64(3*time.Second))), func() {
		if strings.HasPrefix(tok, "refuse") {
			w.field.Refuse(x, 5)
			return
		}
		if w.field.Accept(x) != nil {
			return // it took too long
		}
		w.run[tok]++
		n := 0
		if strings.HasPrefix(tok, "history") {
			n = w.rng.IntN(5)
		} else if strings.HasPrefix(tok, "read") {
			n = 1
		}
		w.answer(x, e.Message, tok, n)
	})
}

func (w *world) answer(x hj212.Exchange, m hj212.Message, tok string, n int) {
	if w.rng.Float64() < w.link.lazy {
		return
	}
	w.after(time.Duration(w.rng.Int64N(int64(20*time.Second))), func() {
		if n == 0 {
			w.done[tok] = 1
			if w.field.Done(x, 1) != nil {
				w.done[tok] = -1
			}
			return
		}
		w.records[tok]++
		params := []string{}
		if strings.HasPrefix(tok, "history") {
			params = []string{"DataTime", fmt.Sprintf("2026010100%02d00", w.records[tok])}
		}
		if err := w.field.Data(x, hj212.Message{CP: tokenArea(fmt.Sprintf("%s/%d", tok, w.records[tok]), params...)}); err != nil {
			w.done[tok] = -1
			return
		}
		w.answer(x, m, tok, n-1)
	})
}

func (w *world) platformEvent(e hj212.Event) {
	tok := token(e.Message)
	switch e.Type {
	case hj212.EventUpload, hj212.EventData, hj212.EventNotice:
		if !e.Again {
			w.news[tok]++
		}
		if e.Message.CN == "1001" && !e.Again { // HJ 212-2025, C.3
			serial, _ := e.Message.CP.Get("i23005-Info")
			w.after(time.Minute, func() {
				if w.field.MN() != "" {
					return
				}
				x, err := w.platform.Request(hj212.Message{CN: "1002", MN: standardMN, CP: area("i23005-Info", serial)}, w.now)
				if err == nil {
					w.asks[x], w.leftp[x] = fmt.Sprint("assign-", x), true
				}
			})
		}
	case hj212.EventTaken, hj212.EventDone, hj212.EventRefused, hj212.EventFailed:
		if !w.leftp[e.Exchange] {
			w.fatalf("platform: %v of exchange %d, which is not open", e.Type, e.Exchange)
		}
		delete(w.leftp, e.Exchange)
		w.ends[w.asks[e.Exchange]] = e
	}
}

// begin queues one of the exchanges, again later where there is no room.
func (w *world) begin(kind, tok string, e hj212.Edition) {
	var x hj212.Exchange
	var err error
	field := true
	switch kind {
	case "upload":
		x, err = w.field.Upload(hj212.Message{CN: "2051", CP: tokenArea(tok, "DataTime", "20251231235900")}, w.now)
	case "notify":
		cn := "1013"
		if e == hj212.Ed2005 {
			cn = "2072"
		}
		x, err = w.field.Notify(hj212.Message{CN: cn, CP: tokenArea(tok)}, w.now)
	default:
		field = false
		m := hj212.Message{CP: tokenArea(tok)}
		switch kind {
		case "request", "refuse":
			m.CN = "3012"
		case "read":
			m.CN = "1011"
		case "history":
			m.CN = "2061"
			m.CP = tokenArea(tok, "BeginTime", "20260101000000", "EndTime", "20260101010000")
		case "start":
			m.CN = "2011"
		case "stop":
			m.CN = "2012"
		}
		x, err = w.platform.Request(m, w.now)
	}
	switch {
	case err == hj212.ErrBusy:
		w.after(7*time.Second, func() { w.begin(kind, tok, e) })
	case err != nil:
		w.fatalf("%s: %v", kind, err)
	case field:
		w.calls[x], w.lefts[x] = tok, true
	default:
		w.asks[x], w.leftp[x] = tok, true
	}
}

var kinds = []string{"upload", "upload", "notify", "request", "refuse", "read", "history", "start", "stop"}

// check looks at the end of it all.
func (w *world) check(tokens []string) {
	w.t.Helper()
	if len(w.lefts)+len(w.leftp) > 0 {
		w.fatalf("%d exchanges of the field machine and %d of the platform did not end", len(w.lefts), len(w.leftp))
	}
	for _, tok := range tokens {
		kind, _, _ := strings.Cut(tok, "-")
		end := w.ends[tok]
		for name, n := range map[string]int{"executed": w.run[tok], "new to the platform": w.news[tok], "noticed": w.noticed[tok]} {
			if n > 1 {
				w.fatalf("%s was %s %d times", tok, name, n)
			}
		}
		switch kind {
		case "upload", "notify":
			if w.taken[tok] == w.failed[tok] {
				w.fatalf("%s was taken %v and failed %v", tok, w.taken[tok], w.failed[tok])
			}
			if w.taken[tok] && w.news[tok] != 1 && !(kind == "upload" && w.noAnswer) {
				w.fatalf("%s was taken, and the platform did not get it", tok)
			}
		case "request", "read", "history", "start":
			if end.Type == hj212.EventDone && w.run[tok] != 1 {
				w.fatalf("%s is done, and was executed %d times", tok, w.run[tok])
			}
			if end.Type == hj212.EventRefused && w.run[tok] != 0 {
				w.fatalf("%s was refused, and executed", tok)
			}
			if kind != "history" || end.Type != hj212.EventDone {
				break
			}
			got := 0
			for i := range w.records[tok] {
				n := w.news[fmt.Sprintf("%s/%d", tok, i+1)]
				if n > 1 {
					w.fatalf("record %d of %s came %d times", i+1, tok, n)
				}
				got += n
			}
			if end.Rtn == 1 && got != w.records[tok] && !w.noAnswer && !w.unsure {
				w.fatalf("%s is done, and %d of %d records came", tok, got, w.records[tok])
			}
			if end.Rtn == 100 && w.records[tok] > 0 {
				w.fatalf("%s has no data, and %d records were given", tok, w.records[tok])
			}
		case "refuse":
			if w.run[tok] != 0 || end.Type != hj212.EventRefused && end.Type != hj212.EventFailed {
				w.fatalf("%s ended as %v, executed %d times", tok, end.Type, w.run[tok])
			}
		case "stop":
			if end.Type == hj212.EventTaken && w.noticed[tok] != 1 {
				w.fatalf("%s is taken, and the field machine was not told", tok)
			}
		}
	}
	// A quarter of an hour later, nothing is left.
	w.now = w.now.Add(15 * time.Minute)
	w.pump()
	if n := w.field.Held(); n != 0 {
		w.fatalf("the field side holds %d things", n)
	}
	if n := w.platform.Held(); n != 0 {
		w.fatalf("the platform side holds %d things", n)
	}
	if f, p := w.field.Remembered(), w.platform.Remembered(); f != 0 || p != 0 {
		w.fatalf("after a quarter of an hour %d requests and %d uploads are remembered", f, p)
	}
	// Four tries of each message, each twice through the link and answered, and some
	// for data.
	if limit := len(tokens) * 60; w.link.cut == 0 && w.sent > limit {
		w.fatalf("%d messages for %d exchanges, more than %d", w.sent, len(tokens), limit)
	}
}

func options(e hj212.Edition, noAnswers bool, window int) (hj212.FieldOptions, hj212.PlatformOptions) {
	return hj212.FieldOptions{Edition: e, ST: "32", PW: "123456", MN: standardMN, NoAnswers: noAnswers, Window: window},
		hj212.PlatformOptions{Edition: e, ST: "32", PW: "123456", MN: standardMN, Window: window}
}

const standardMN = "010000A8900016F000169DC0"

var editions = []hj212.Edition{hj212.Ed2005, hj212.Ed2017, hj212.Ed2025}

func TestLossyLink(t *testing.T) {
	links := []struct {
		name string
		trouble
	}{
		{"clean", trouble{}},
		{"drop", trouble{drop: 0.3}},
		{"drop most", trouble{drop: 0.7}},
		{"double", trouble{double: 0.5}},
		{"late", trouble{delay: 30 * time.Second}},
		{"cut", trouble{cut: 0.05, delay: time.Second}},
		{"lazy", trouble{drop: 0.1, lazy: 0.3}},
		{"all", trouble{drop: 0.2, double: 0.2, delay: 15 * time.Second, cut: 0.01, lazy: 0.05}},
	}
	rounds, exchanges := 3, 100
	if testing.Short() {
		rounds = 1
	}
	for _, link := range links {
		for _, e := range editions {
			for _, noAnswers := range []bool{false, true} {
				name := fmt.Sprintf("%s/%d", link.name, int(e))
				if noAnswers {
					name += "/no answers"
				}
				t.Run(name, func(t *testing.T) {
					for round := range rounds {
						fo, po := options(e, noAnswers, []int{1, 12, 3}[(round+1)%3])
						w := newWorld(t, uint64(round), link.trouble, fo, po)
						var tokens []string
						for i := range exchanges {
							kind := kinds[w.rng.IntN(len(kinds))]
							tok := fmt.Sprintf("%s-%d-%d", kind, round, i)
							tokens = append(tokens, tok)
							w.after(time.Duration(w.rng.Int64N(int64(20*time.Minute))), func() { w.begin(kind, tok, e) })
						}
						w.play()
						w.check(tokens)
						if link.trouble != (trouble{}) {
							continue
						}
						for _, tok := range tokens { // all went well
							end := w.ends[tok]
							if w.failed[tok] || end.Type == hj212.EventFailed || end.Type == hj212.EventRefused && !strings.HasPrefix(tok, "refuse") {
								w.fatalf("%s failed over a clean link: %v", tok, end.Type)
							}
							if end.Type == hj212.EventDone && end.Rtn != 1 && end.Rtn != 100 {
								w.fatalf("%s ended with %d over a clean link", tok, end.Rtn)
							}
							if strings.HasPrefix(tok, "read") && w.news[tok+"/1"] != 1 {
								w.fatalf("%s: its data came %d times", tok, w.news[tok+"/1"])
							}
						}
					}
				})
			}
		}
	}
}

// A field machine comes without an MN, is given one, and sends what waited for it.
func TestLossyRegistration(t *testing.T) {
	for seed := range uint64(20) {
		fo, po := options(hj212.Ed2025, false, 1)
		fo.MN, fo.Registration = "", []hj212.Param{{Name: "i23005-Info", Value: "6970000000001ABCDEFG1234"}}
		fo.Heartbeat = time.Minute
		w := newWorld(t, seed, trouble{drop: 0.4, double: 0.2, delay: 12 * time.Second, cut: 0.01}, fo, po)
		for i := range 10 {
			w.begin("upload", fmt.Sprintf("upload-%d", i), hj212.Ed2025)
		}
		w.end = w.now.Add(4 * time.Hour)
		w.play()
		if w.field.MN() != standardMN {
			w.fatalf("seed %d: MN is %q after 4 hours, want %q", seed, w.field.MN(), standardMN)
		}
		if len(w.lefts)+len(w.leftp) > 0 {
			w.fatalf("seed %d: %d exchanges of the field machine and %d of the platform did not end", seed, len(w.lefts), len(w.leftp))
		}
		for tok := range w.taken {
			if w.news[tok] != 1 {
				w.fatalf("seed %d: %s was taken, and came %d times as new", seed, tok, w.news[tok])
			}
		}
		if w.sent > 3000 { // 240 heartbeats, some of them four times, and their answers
			w.fatalf("seed %d: %d messages in 4 hours", seed, w.sent)
		}
	}
}
