package hj212_test

import (
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"envgate/hj212"
)

// A callScript is fuzzed bytes, read as calls.
type callScript struct{ b []byte }

func (s *callScript) next() byte {
	if len(s.b) == 0 {
		return 0
	}
	c := s.b[0]
	s.b = s.b[1:]
	return c
}

func (s *callScript) pick(of ...string) string { return of[int(s.next())%len(of)] }

// message is one that the other side might send, or a broken one.
func (s *callScript) message(cns []string, qns *[]string) hj212.Message {
	if c := s.next(); c < 20 {
		n := min(len(s.b), int(c)*4)
		m, _ := hj212.ParseMessage(s.b[:n])
		s.b = s.b[n:]
		return m
	}
	qn := s.pick("", "1", "2", "3", "20160801085857223", "x", "", "")
	if c := s.next(); len(*qns) > 0 && c < 170 {
		qn = (*qns)[int(c)%len(*qns)]
	}
	m := hj212.Message{
		ST: s.pick("32", "91", "31", ""), CN: s.pick(cns...), PW: s.pick("123456", "123456", "123456", "", "x", strings.Repeat("x", 1000)),
		MN: s.pick(standardMN, standardMN, standardMN, "", "02"),
	}
	flag := s.next()
	m.Flag, m.HasFlag = hj212.Flag(flag%16), flag&0x40 == 0
	if flag&0x20 != 0 {
		m.PNUM, m.PNO = int(s.next()), int(s.next())
	}
	for range s.next() % 5 {
		m.CP = append(m.CP, hj212.Item{{
			Name:  s.pick("QnRtn", "ExeRtn", "BeginTime", "EndTime", "DataTime", "CN", "i23005-Info", "PolId"),
			Value: s.pick("1", "2", "100", "0", "-1", "20160801085857", "9012", "2051", "", "serial", "20160801085900"),
		}})
	}
	if flag&0x80 != 0 {
		m.QN = qn
	} else if qn != "" {
		m.CP = append(m.CP, hj212.Item{{Name: "QN", Value: qn}})
	}
	return m
}

// drain checks that a machine comes to rest at one moment, and sleeps then.
func drain(t *testing.T, m machine, now time.Time, qns *[]string, event func(hj212.Event)) {
	t.Helper()
	for n := 0; ; n++ {
		idle := true
		for msg, ok := m.Next(now); ok; msg, ok = m.Next(now) {
			idle = false
			if size := len(msg.Append(nil)); size > hj212.MaxData {
				t.Fatalf("message of %d bytes: %s", size, msg.Append(nil))
			}
			if n++; n > 2000 {
				t.Fatalf("more than 2000 messages at one moment, the last is %s", msg.Append(nil))
			}
			if msg.QN != "" && len(*qns) < 64 {
				*qns = append(*qns, msg.QN)
			}
		}
		for e, ok := m.Event(); ok; e, ok = m.Event() {
			idle = false
			if e.Type == 0 || eventText(e) == "" {
				t.Fatalf("event %+v", e)
			}
			event(e)
		}
		if idle {
			break
		}
	}
	if w := m.Wake(); !w.IsZero() && !w.After(now) {
		t.Fatalf("Wake is %v, and it is %v already", w, now)
	}
}

// step lets time pass, mostly forward.
func (s *callScript) step(now time.Time, wake time.Time) time.Time {
	switch c := s.next(); {
	case c < 100 && !wake.IsZero():
		return wake
	case c < 200:
		return now.Add(time.Duration(c) * 100 * time.Millisecond)
	case c < 230:
		return now.Add(time.Duration(c) * time.Minute)
	case c < 250:
		return now.Add(-time.Duration(c) * time.Second)
	}
	return now
}

func FuzzFieldSide(f *testing.F) {
	f.Add([]byte{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12})
	f.Add([]byte("\x05\x00\x30\x40\x80\xc0\xff\x00\x10\x20\x30\x40\x50\x60\x70\x80\x90"))
	f.Fuzz(playField)
}

// playField plays a script to a field side.
func playField(t *testing.T, b []byte) {
	s := &callScript{b}
	c := s.next()
	o := hj212.FieldOptions{
		Edition: editions[int(c)%3], ST: "32", PW: "123456", MN: standardMN, NoAnswers: c&8 != 0,
		Window: 1 + int(c>>4&3), Queue: 1 + int(c>>6)*3,
	}
	if c&64 != 0 {
		o.Heartbeat = time.Minute
	}
	if o.Edition == hj212.Ed2025 && c&128 != 0 {
		o.MN, o.Registration = "", []hj212.Param{{Name: "i23005-Info", Value: "serial"}}
	}
	if c&4 != 0 {
		o.Pattern = func(m *hj212.Message) hj212.Pattern {
			return map[string]hj212.Pattern{"7777": hj212.Notification, "9999": hj212.RequestData, "3012": hj212.Answer}[m.CN]
		}
	}
	k, err := hj212.NewFieldSide(o)
	if err != nil {
		t.Fatal(err)
	}
	now, qns := t1, []string{}
	open := map[hj212.Exchange]bool{}
	requests := []hj212.Exchange{0}
	event := func(e hj212.Event) {
		switch e.Type {
		case hj212.EventTaken, hj212.EventFailed:
			if e.Exchange != 0 && !open[e.Exchange] {
				t.Fatalf("%v of exchange %d, which is not open", e.Type, e.Exchange)
			}
			delete(open, e.Exchange)
		case hj212.EventRequest:
			if open[e.Exchange] {
				t.Fatalf("exchange %d twice", e.Exchange)
			}
			open[e.Exchange] = true
			requests = append(requests, e.Exchange)
			if e.Message.PW != "123456" || e.Message.MN != k.MN() {
				t.Fatalf("request of a stranger: %+v", e.Message)
			}
		case hj212.EventEnded:
			if !open[e.Exchange] {
				t.Fatalf("exchange %d ended, and is not open", e.Exchange)
			}
			delete(open, e.Exchange)
		case hj212.EventNotice, hj212.EventRoom, hj212.EventRegistered:
		default:
			t.Fatalf("event %v", e.Type)
		}
	}
	cns := []string{"9011", "9012", "9013", "9014", "9015", "1011", "1062", "2051", "2011", "2012", "3012", "1002", "1000", "9999", "", "7777"}
	for steps := 0; len(s.b) > 0 && steps < 2000; steps++ {
		x := requests[int(s.next())%len(requests)]
		switch s.next() % 16 {
		case 0, 1, 2, 3, 4:
			k.Receive(s.message(cns, &qns), now)
		case 5, 6:
			if x, err := k.Upload(hj212.Message{CN: s.pick("2011", "2051", "9", "", "9021")}, now); err == nil {
				open[x] = true
			}
		case 7:
			if x, err := k.Notify(hj212.Message{CN: s.pick("1013", "1014", "9015", "1001", "9014")}, now); err == nil {
				open[x] = true
			}
		case 8:
			_ = k.Accept(x)
		case 9:
			_ = k.Refuse(x, int(s.next()))
		case 10:
			for range s.next()%3*40 + 1 {
				_ = k.Data(x, hj212.Message{CN: s.pick("", "2051")})
			}
		case 11:
			_ = k.Done(x, int(s.next()))
		case 12:
			k.Reset(now)
		case 13:
			now = s.step(now, k.Wake())
		case 14:
			_ = k.SetPW(s.pick("123456", "", "1;2"))
			_ = k.SetTiming(time.Duration(s.next()%60)*time.Second, int(s.next()%8))
		case 15:
			k.Next(now)
			if e, ok := k.Event(); ok {
				event(e)
			}
			continue
		}
		if s.next() < 200 {
			drain(t, k, now, &qns, event)
		}
		if n := k.Held(); n > 2000 || k.Remembered() > 32 {
			t.Fatalf("%d things are held and %d remembered", n, k.Remembered())
		}
	}
	if k.MN() == "" {
		return // uploads wait for as long as it takes
	}
	// Left alone, all comes to its end.
	for range 2000 {
		drain(t, k, now, &qns, event)
		if len(open) == 0 {
			return
		}
		now = k.Wake()
		if now.IsZero() {
			break
		}
	}
	t.Fatalf("%d exchanges do not end: %v", len(open), open)
}

func FuzzPlatformSide(f *testing.F) {
	f.Add([]byte{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12})
	f.Add([]byte("\x05\x00\x30\x40\x80\xc0\xff\x00\x10\x20\x30\x40\x50\x60\x70\x80\x90"))
	f.Fuzz(playPlatform)
}

// playPlatform plays a script to a platform side.
func playPlatform(t *testing.T, b []byte) {
	s := &callScript{b}
	c := s.next()
	k, err := hj212.NewPlatformSide(hj212.PlatformOptions{
		Edition: editions[int(c)%3], ST: "32", PW: "123456", MN: standardMN, Window: 1 + int(c>>4&3), Queue: 1 + int(c>>6)*3,
	})
	if err != nil {
		t.Fatal(err)
	}
	now, qns := t1, []string{}
	open := map[hj212.Exchange]bool{}
	event := func(e hj212.Event) {
		switch e.Type {
		case hj212.EventTaken, hj212.EventFailed, hj212.EventRefused, hj212.EventDone:
			if !open[e.Exchange] {
				t.Fatalf("%v of exchange %d, which is not open", e.Type, e.Exchange)
			}
			delete(open, e.Exchange)
		case hj212.EventAccepted, hj212.EventData:
			if !open[e.Exchange] {
				t.Fatalf("%v of exchange %d, which is not open", e.Type, e.Exchange)
			}
		case hj212.EventUpload, hj212.EventNotice:
			if e.Exchange != 0 {
				t.Fatalf("%v has exchange %d", e.Type, e.Exchange)
			}
		default:
			t.Fatalf("event %v", e.Type)
		}
	}
	cns := []string{"9011", "9012", "9013", "9014", "9015", "1011", "1001", "2051", "2011", "2072", "3020", "1013", "9999", "", "7777"}
	for steps := 0; len(s.b) > 0 && steps < 2000; steps++ {
		switch s.next() % 10 {
		case 0, 1, 2, 3, 4:
			k.Receive(s.message(cns, &qns), now)
		case 5, 6:
			if x, err := k.Request(s.message([]string{"1011", "2051", "2011", "2012", "3012", "9011", "7777"}, &qns), now); err == nil {
				open[x] = true
			}
		case 7:
			k.Reset(now)
		case 8:
			now = s.step(now, k.Wake())
		case 9:
			k.Next(now)
			if e, ok := k.Event(); ok {
				event(e)
				k.Withhold()
			}
			continue
		}
		if s.next() < 200 {
			drain(t, k, now, &qns, event)
		}
		if n := k.Held(); n > 2000 || k.Remembered() > 1024 || k.Remembered() < 0 {
			t.Fatalf("%d things are held and %d remembered", n, k.Remembered())
		}
	}
	for range 2000 {
		drain(t, k, now, &qns, event)
		if len(open) == 0 {
			return
		}
		now = k.Wake()
		if now.IsZero() {
			break
		}
	}
	t.Fatalf("%d exchanges do not end: %v", len(open), open)
}

// Long scripts of chance, as the fuzzer begins with short ones.
func TestScripts(t *testing.T) {
	for seed := range uint64(200) {
		rng := rand.New(rand.NewPCG(seed, 212))
		b := make([]byte, 4000)
		for i := range b {
			b[i] = byte(rng.Uint32())
		}
		playField(t, b)
		playPlatform(t, b)
	}
}
