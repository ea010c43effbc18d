package platform

import (
	"context"
	"fmt"
	"net"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"envgate/envelope"
	"envgate/hj212"
)

// A boss is the platform's side by the library, which asks what tests say.
type boss struct {
	t    *testing.T
	side *hj212.PlatformSide
	keys ring
	lax  bool             // forms are not looked at
	lose func(n int) bool // whether the n-th frame that comes ends the connection

	asks   chan hj212.Message
	mu     sync.Mutex
	n      int
	events []string
	all    sync.WaitGroup
}

func newBoss(t *testing.T, e hj212.Edition, pw string) *boss {
	side, err := hj212.NewPlatformSide(hj212.PlatformOptions{Edition: e, ST: "39", PW: pw, MN: testMN, Queue: 64, Window: 64})
	if err != nil {
		t.Fatal(err)
	}
	return &boss{t: t, side: side, lax: e == hj212.Ed2005, asks: make(chan hj212.Message, 64)}
}

func (b *boss) dial(context.Context) (net.Conn, error) {
	near, far := net.Pipe()
	out, in := make(chan []byte, 1000), make(chan hj212.Message, 1000)
	codec := hj212.Codec{Sends: hj212.Down, Keys: b.keys.of}
	b.all.Go(func() {
		for x := range out {
			far.Write(x)
		}
	})
	b.all.Go(func() {
		defer close(in)
		r := hj212.NewReader(far)
		r.Codec = &codec
		for {
			data, err := r.Next()
			if err != nil {
				return
			}
			m, wrong := hj212.ParseMessage(data)
			for _, v := range append(wrong, m.Check(m.Edition(), hj212.Up)...) {
				if !b.lax { // the MN of the tests is none of 2005
					b.t.Errorf("%q: %v", data, v)
				}
			}
			in <- m
		}
	})
	b.all.Go(func() {
		defer close(out)
		defer far.Close()
		b.serve(in, func(m *hj212.Message) { out <- codec.AppendMessage(nil, m) })
	})
	return near, nil
}

func (b *boss) serve(in <-chan hj212.Message, send func(*hj212.Message)) {
	b.side.Reset(time.Now())
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		for {
			if e, ok := b.side.Event(); ok {
				b.heard(e)
				continue
			}
			m, ok := b.side.Next(time.Now())
			if !ok {
				break
			}
			send(&m)
		}
		if w := b.side.Wake(); !w.IsZero() {
			timer.Reset(max(time.Until(w), 0))
		}
		select {
		case m, ok := <-in:
			if !ok {
				return
			}
			b.mu.Lock()
			b.n++
			n, lose := b.n, b.lose
			b.mu.Unlock()
			if lose != nil && lose(n) {
				return
			}
			b.side.Receive(m, time.Now())
		case m := <-b.asks:
			if _, err := b.side.Request(m, time.Now()); err != nil {
				b.t.Errorf("Request: %v", err)
			}
		case <-timer.C:
		}
	}
}

func (b *boss) heard(e hj212.Event) {
	text := fmt.Sprintf("%v %s", e.Type, e.Message.CN)
	if e.Type == hj212.EventDone || e.Type == hj212.EventRefused {
		text = fmt.Sprintf("%v %d", e.Type, e.Rtn)
	}
	for _, item := range e.Message.CP {
		for _, p := range item {
			if e.Type == hj212.EventData && p.Name != "QN" || e.Type == hj212.EventUpload && p.Name == "DataTime" {
				text += " " + p.Name + "=" + p.Value
			}
		}
	}
	if e.Again {
		text += " again"
	}
	b.mu.Lock()
	b.events = append(b.events, text)
	b.mu.Unlock()
}

// take is what was heard since it was last called, without uploads and acceptances.
func (b *boss) take() (out []string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	out = slices.DeleteFunc(b.events, func(s string) bool {
		return strings.HasPrefix(s, "upload") || strings.HasPrefix(s, "accepted")
	})
	b.events = nil
	return out
}

// ask asks and says what came of it.
func (b *boss) ask(cn, cp string) string {
	m := hj212.Message{CN: cn}
	for _, item := range strings.FieldsFunc(cp, func(c rune) bool { return c == ';' }) {
		var params hj212.Item
		for _, one := range strings.Split(item, ",") {
			name, value, _ := strings.Cut(one, "=")
			params = append(params, hj212.Param{Name: name, Value: value})
		}
		m.CP = append(m.CP, params)
	}
	b.take()
	b.asks <- m
	wait(5 * time.Second)
	return strings.Join(b.take(), ", ")
}

// find is the log's Find for fakeLog: all of a stream.
func (l *fakeLog) find(stream string, _, _ time.Time) [][2]uint64 {
	if first, last := l.Bounds(stream); last > 0 {
		return [][2]uint64{{first, last}}
	}
	return nil
}

// obeying are commands of which all are allowed, kept in a file.
func obeying(r **rig, keeper *Keeper) Commands {
	return Commands{
		Allow: []string{AllowRead, AllowHistory, AllowTiming, AllowStop, AllowPassword, AllowKey},
		Seal: func(_ context.Context, e envelope.Event) error {
			(*r).p.o.Event(e)
			return nil
		},
		SetClock: func(_ context.Context, at time.Time) (int, string) { return exeDone, hj212.Stamp(at) },
		Find:     func(s string, from, to time.Time) [][2]uint64 { return (*r).log.find(s, from, to) },
		Info: func(pol, info string) (string, bool) {
			v, ok := map[string]string{"a34002/SN": testMN, "a34002/i13008": "1.5", "/i23005": "SJ1"}[pol+"/"+info]
			return v, ok
		},
		Kept: keeper.Of("city"),
		Keep: func(change func(*Kept)) error { return keeper.Change("city", change) },
	}
}

// obey is a test with a boss and a platform that obeys it.
func obey(t *testing.T, e hj212.Edition, set func(*Options), test func(*rig, *boss, *Keeper)) {
	t.Helper()
	obeyAfter(t, e, 0, set, test)
}

// obeyAfter has the log hold days of records that the platform has.
func obeyAfter(t *testing.T, e hj212.Edition, days int, set func(*Options), test func(*rig, *boss, *Keeper)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		keeper, err := OpenKeeper(filepath.Join(t.TempDir(), "kept"))
		if err != nil {
			t.Fatal(err)
		}
		b := newBoss(t, e, testPW)
		r := bossRig(t, b, e, keeper, set, days)
		wait(time.Second)
		test(r, b, keeper)
		r.end()
		b.all.Wait()
	})
}

func bossRig(t *testing.T, b *boss, e hj212.Edition, keeper *Keeper, set func(*Options), days int) *rig {
	var r *rig
	r = newRig(t, func(o *Options) {
		o.Edition, o.Dial, o.Commands = max(int(e), 2017), b.dial, obeying(&r, keeper)
		if set != nil {
			set(o)
		}
	})
	r.log.days(days)
	r.start()
	return r
}

// TestEveryCommand asks for all that an edition has, and for one that it has not.
func TestEveryCommand(t *testing.T) {
	span := "BeginTime=20000101000000,EndTime=20000101235959"
	const refused = "refused 2"
	calls := map[string]struct{ cp, want string }{
		"1000": {"OverTime=7;ReCount=2", "done 1"}, "1001": {"WarnTime=5", refused},
		"1011": {"", "data 1011 SystemTime=*, done 1"}, "1012": {"SystemTime=20000101090000", "done 1"},
		"1014": {"SKCreateTime=20240601085857223;NewSK=k7fQ2mXs9bTz4LwE", "done 1"},
		"1021": {"PolId=a34002", refused}, "1022": {"a34002-LowValue=1,a34002-UpValue=2", refused},
		"1031": {"", refused}, "1032": {"AlarmTarget=1", refused}, "1041": {"", refused}, "1042": {"ReportTime=0100", refused},
		"1061": {"", "data 1061 RtdInterval=30, done 1"}, "1062": {"RtdInterval=60", "done 1"},
		"1063": {"", "data 1063 MinInterval=10, done 1"}, "1064": {"MinInterval=10", "done 1"},
		"1072": {"NewPW=" + testPW, "done 1"},
		"2011": {"", "done 1"}, "2012": {"", "taken 2012"}, "2021": {"", "done 1"}, "2022": {"", "taken 2022"},
		"2031": {span, "done 100"}, "2041": {span, "done 100"}, "2051": {span, "done 100"}, "2061": {span, "done 100"},
		"2013": {span, "done 100"}, "2052": {span, "done 100"}, "2062": {span, "done 100"}, "2071": {span, refused},
		"3014": {"PolId=a34002;CTime=08", refused}, "3015": {"", refused},
		"3019": {"PolId=a34002", "data 3019 PolId=a34002 a34002-SN=" + testMN + ", done 1"},
		"3020": {"PolId=a34002;InfoId=i13008", "data 3020 PolId=a34002 DataTime=* i13008-Info=1.5, done 1"},
		"3021": {"PolId=a34002;InfoId=i13008;i13008-Info=2", refused},
	}
	for _, e := range []hj212.Edition{hj212.Ed2005, hj212.Ed2017, hj212.Ed2025} {
		for _, c := range hj212.Commands(e) {
			// 1002 is for a gateway without an MN, answers are none of it.
			if c.Direction != hj212.Down || c.CN == "1002" || c.Pattern == hj212.Answer {
				continue
			}
			t.Run(fmt.Sprint(int(e), " ", c.CN), func(t *testing.T) {
				call, ok := calls[c.CN]
				if !ok && c.CN[0] == '3' { // what drivers cannot do
					call.cp, call.want, ok = "PolId=a34002;InfoId=i13008;i13008-Info=1;CstartTime=000000;CTime=4;Ctime=4", refused, true
				}
				if !ok {
					t.Fatal("no call for it")
				}
				if e == hj212.Ed2005 && c.CN == "1072" {
					call.cp = "PW=" + testPW
				}
				obey(t, e, nil, func(r *rig, b *boss, _ *Keeper) {
					got := strings.ReplaceAll(b.ask(c.CN, call.cp), hj212.Stamp(t0.Add(time.Second)), "*")
					want(t, "answer to "+c.CN, got, call.want)
					var said []string
					for _, ev := range r.said() {
						said = append(said, ev.Type)
						if ev.Subject != c.CN || ev.Who != "city" {
							t.Errorf("event %+v, want CN and platform", ev)
						}
					}
					wanted := []string{"command", "command.done"}
					if call.want == refused {
						wanted = wanted[1:]
					}
					wantAll(t, "events", said, wanted)
				})
			})
		}
	}
}

// said are the events of commands.
func (r *rig) said() (out []envelope.Event) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, e := range r.events {
		if strings.HasPrefix(e.Type, "command") {
			out = append(out, e)
		}
	}
	return out
}

func (r *rig) lastSaid() string {
	if all := r.said(); len(all) > 0 {
		e := all[len(all)-1]
		return e.Subject + " " + e.Old + ">" + e.New + " " + e.Why
	}
	return ""
}

// TestWrongParameters are requests that can be read and not be executed.
func TestWrongParameters(t *testing.T) {
	for _, test := range []struct{ cn, cp, want, why string }{
		{"1000", "OverTime=0;ReCount=3", "done 3", "OverTime is \"0\": want 1 to 99"},
		{"1000", "OverTime=99;ReCount=99", "done 3", "OverTime and ReCount are 2h45m0s together: 10m0s at most"},
		{"1062", "RtdInterval=29", "done 3", "RtdInterval is \"29\": want 30 to 3600"},
		{"1064", "MinInterval=5", "done 3", "figures are made of 10 minutes, by the site file"},
		{"1072", "NewPW=12345", "done 3", "the new password has 5 characters, or others than letters and digits: want 6"},
		{"1012", "SystemTime=2000", "done 3", ""},
		{"1012", "PolId=a34002;SystemTime=20000101000000", "refused 2", "refused: nothing here can do that"},
		{"1011", "PolId=a34002", "done 100", "the clock of an instrument is not known here"},
		{"1014", "SKCreateTime=20240601085857223;NewSK=0000000000000000", "done 3", "the new key is regular, which the standard forbids"},
		{"1014", "SKCreateTime=1;NewSK=k7fQ2mXs9bTz4LwE", "done 3", "SKCreateTime has 1 characters: want 17 digits"},
		{"2051", "BeginTime=20000102000000,EndTime=20000101000000", "done 3", "EndTime is before BeginTime"},
		{"2051", "", "done 3", ""},
		{"3019", "PolId=a99999", "done 100", "not known here: \"SN\""},
		{"3020", "PolId=a34002;InfoId=i99999", "done 100", "not known here: \"i99999\""},
	} {
		t.Run(test.cn+" "+test.cp, func(t *testing.T) {
			obey(t, hj212.Ed2025, nil, func(r *rig, b *boss, k *Keeper) {
				want(t, "answer", b.ask(test.cn, test.cp), test.want)
				if !strings.Contains(r.lastSaid(), test.why) {
					t.Errorf("said %q, want %q", r.lastSaid(), test.why)
				}
				want(t, "kept", k.Of("city").String(), "")
			})
		})
	}
}

// TestNotAllowed has a site that allows nothing but to read.
func TestNotAllowed(t *testing.T) {
	obey(t, hj212.Ed2017, func(o *Options) { o.Commands.Allow, o.Commands.SetClock = []string{AllowRead}, nil }, func(r *rig, b *boss, k *Keeper) {
		for _, cn := range []string{"1000", "1062", "1072", "1012", "2051"} {
			want(t, "answer to "+cn, b.ask(cn, "RtdInterval=60;OverTime=5;ReCount=3;NewPW=abcdef;SystemTime=20000101000000;BeginTime=20000101000000,EndTime=20000101000000"), "refused 2")
		}
		want(t, "a stop", b.ask("2012", ""), "taken 2012") // 9013 says that it was read
		want(t, "said", r.lastSaid(), "2012 > not obeyed: the site does not allow stop")
		want(t, "kept", k.Of("city").String(), "")
		want(t, "Denied", r.p.Stats().Commands.Denied, 6)
		if r.p.stopped(cnRealTime) {
			t.Error("real-time data are stopped")
		}
	})
}

// TestStrangers have another password, MN or ST; somebody hears of it, once.
func TestStrangers(t *testing.T) {
	for _, test := range []struct {
		name   string
		set    func(*hj212.Message)
		answer string
	}{
		{"password", func(m *hj212.Message) { m.PW = "000000" }, "refused 3"},
		{"MN", func(m *hj212.Message) { m.MN = "X" }, "refused 4"},
		{"ST", func(m *hj212.Message) { m.ST = "22" }, "refused 5"},
	} {
		t.Run(test.name, func(t *testing.T) {
			obey(t, hj212.Ed2017, nil, func(r *rig, b *boss, _ *Keeper) {
				b.lax = true
				m := hj212.Message{CN: "1061"}
				test.set(&m)
				for range 5 {
					b.asks <- m
					wait(5 * time.Second)
				}
				want(t, "answers", strings.Join(b.take(), ", "), strings.TrimSuffix(strings.Repeat(test.answer+", ", 5), ", "))
				want(t, "events", len(r.said()), 1)
				want(t, "said", r.lastSaid(), " > refused: 1 requests with another password, MN or ST, or unknown ones")
			})
		})
	}
}

// TestRate asks more than anybody needs.
func TestRate(t *testing.T) {
	obey(t, hj212.Ed2017, nil, func(r *rig, b *boss, _ *Keeper) {
		for range 50 { // one each 5 s
			want(t, "answer", b.ask("1061", ""), "data 1061 RtdInterval=30, done 1")
		}
		before, said := r.p.Stats().Commands, len(r.said())
		for range 50 {
			b.asks <- hj212.Message{CN: "1061"}
			wait(10 * time.Millisecond) // a hundred a second
		}
		s := r.p.Stats().Commands
		want(t, "Done", s.Done-before.Done, commandBurst)
		want(t, "Limited", s.Limited, 50-commandBurst)
		want(t, "events", len(r.said())-said, 2*commandBurst+1)
		wait(time.Hour)
		want(t, "answer when it is quiet", b.ask("1063", ""), "data 1063 MinInterval=10, done 1")
	})
}

// TestSetAndRestart sets all that can be, and starts anew: it is still so.
func TestSetAndRestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		keeper, err := OpenKeeper(filepath.Join(t.TempDir(), "kept"))
		if err != nil {
			t.Fatal(err)
		}
		b := newBoss(t, hj212.Ed2017, testPW)
		r := bossRig(t, b, hj212.Ed2017, keeper, nil, 0)
		wait(time.Second)
		for _, call := range [][3]string{
			{"1000", "OverTime=7;ReCount=2", "1000 10s, 3 retries>7s, 2 retries ExeRtn 1"},
			{"1062", "RtdInterval=60", "1062 30s>1m0s ExeRtn 1"},
			{"2022", "", "2022 on>off ExeRtn 1"},
			{"2012", "", "2012 on>off ExeRtn 1"},
			{"1072", "NewPW=n3wpw1", "1072 >changed ExeRtn 1"},
		} {
			if got := b.ask(call[0], call[1]); got != "done 1" && got != "taken "+call[0] {
				t.Errorf("%s: %s", call[0], got)
			}
			want(t, "said", r.lastSaid(), call[2])
		}
		want(t, "under the old password", b.ask("1061", ""), "refused 3")
		b.side.SetPW("n3wpw1")
		want(t, "under the new one", b.ask("1061", ""), "data 1061 RtdInterval=60, done 1")
		const kept = "real-time data each 60 s; time-out 7 s, 2 retries; no real-time data; no state of equipment; password changed"
		want(t, "kept", r.p.Stats().Kept, kept)
		for _, e := range r.said() {
			if strings.Contains(fmt.Sprint(e)+r.logged(), "n3wpw1") {
				t.Fatalf("the password is in an event or a log: %v", e)
			}
		}
		r.end()
		b.all.Wait()

		again, err := OpenKeeper(keeper.path)
		if err != nil {
			t.Fatal(err)
		}
		b = newBoss(t, hj212.Ed2017, "n3wpw1")
		r = bossRig(t, b, hj212.Ed2017, again, nil, 0)
		for range 10 {
			r.log.add("live", []envelope.Group{sample("aq1", time.Now(), "a34002=1")})
			wait(10 * time.Second)
		}
		want(t, "kept", r.p.Stats().Kept, kept)
		want(t, "real-time frames", r.p.Stats().RealTime, 0)
		want(t, "interval", b.ask("1061", ""), "data 1061 RtdInterval=60, done 1")
		want(t, "time-out", r.p.o.Timeout, 7*time.Second)
		want(t, "start", b.ask("2011", ""), "done 1")
		want(t, "real-time frames", r.p.Stats().RealTime, 1)
		r.end()
		b.all.Wait()
	})
}

// TestSealedFirst has a log that does not take events: nothing is executed.
func TestSealedFirst(t *testing.T) {
	obey(t, hj212.Ed2017, func(o *Options) {
		o.Commands.Seal = func(context.Context, envelope.Event) error { return errTest }
	}, func(r *rig, b *boss, k *Keeper) {
		want(t, "answer", b.ask("1062", "RtdInterval=60"), "done 6")
		want(t, "kept", k.Of("city").String()+r.p.Stats().Kept, "")
		want(t, "interval", r.p.o.RtdInterval, 30*time.Second)
	})
}

// TestInOrder has two that undo each other come at once, while the log is slow.
func TestInOrder(t *testing.T) {
	obey(t, hj212.Ed2017, func(o *Options) {
		n := time.Duration(4)
		o.Commands.Seal = func(context.Context, envelope.Event) error {
			n--
			time.Sleep(n * time.Second) // the first is the slowest
			return nil
		}
	}, func(r *rig, b *boss, k *Keeper) {
		b.asks <- hj212.Message{CN: "2012"}
		b.asks <- hj212.Message{CN: "2011"}
		wait(time.Minute)
		want(t, "kept", k.Of("city").String(), "")
	})
}

// TestNewKey changes the key twice, with a restart between: what is sent is encrypted
// under the newest.
func TestNewKey(t *testing.T) {
	obey(t, hj212.Ed2025, nil, func(r *rig, b *boss, k *Keeper) {
		for i, text := range []string{"k7fQ2mXs9bTz4LwE", "pR5vYc8hNe3GjUa6"} {
			created := fmt.Sprintf("2000010108000%d000", i)
			key, err := hj212.NewKey(created, []byte(text))
			if err != nil {
				t.Fatal(err)
			}
			b.keys.mu.Lock()
			b.keys.keys = b.keys.keys.Offer(key)
			b.keys.mu.Unlock()
			want(t, "answer", b.ask("1014", "SKCreateTime="+created+";NewSK="+text), "done 1")
			want(t, "said", r.lastSaid(), "1014 >changed ExeRtn 1")
			want(t, "kept", k.Of("city").String(), "key of "+created)
			b.keys.add(key)
			r.log.add("stat", minute(t0.Add(time.Duration(i)*time.Hour)))
			wait(time.Second)
			want(t, "records", r.p.Stats().Records, uint64(i+1))
		}
		if s := fmt.Sprintf("%v %+v %#v", k.Of("city"), k.Of("city"), k.Of("city")) + r.logged(); strings.Contains(s, "k7fQ") || strings.Contains(s, "pR5v") {
			t.Errorf("a key in %s", s)
		}
		if keys := k.Of("city").keysOf(); len(keys) != 2 || keys[0].Created != "20000101080001000" {
			t.Errorf("kept keys are %v", keys)
		}
		wait(86 * 24 * time.Hour)
		b.mu.Lock()
		defer b.mu.Unlock()
		if !slices.Contains(b.events, "notice 1014") {
			t.Error("no new key was asked for after 86 days")
		}
	})
}

func (k Kept) keysOf() hj212.Keys { return k.keys() }

// TestRegistration begins without an MN (HJ 212-2025, tables C.2 and C.3).
func TestRegistration(t *testing.T) {
	obey(t, hj212.Ed2025, func(o *Options) {
		o.MN = ""
		o.Commands.Registration = []hj212.Param{
			{Name: "i23005-Info", Value: "SJ1"},
			{Name: "i23006-Info", Value: "C"},
			{Name: "i23007-Info", Value: "M1"},
			{Name: "i23008-Info", Value: "M2"},
		}
	}, func(r *rig, b *boss, k *Keeper) {
		want(t, "answer", b.ask("1002", "i23005-Info=SJ1"), "done 1")
		want(t, "kept", k.Of("city").MN, testMN)
		want(t, "said", r.lastSaid(), "1002 >"+testMN+" ExeRtn 1")
		o := r.p.o
		o.MN, o.Commands.Kept = "", k.Of("city")
		p, err := New(r.log, r.log, o)
		if err != nil {
			t.Fatal(err)
		}
		want(t, "MN after a restart", p.side.MN(), testMN)
	})
}

// TestAskTime asks for the time while it is of no source: seldom, and more often while it
// cannot be right.
func TestAskTime(t *testing.T) {
	var known, needless atomic.Bool
	obey(t, hj212.Ed2017, func(o *Options) {
		o.Known = func() bool { return known.Load() }
		o.Commands.NeedsTime = func() bool { return !needless.Load() }
	}, func(r *rig, b *boss, _ *Keeper) {
		asked := func() (n int) {
			for _, e := range b.take() {
				if e == "notice 1013" {
					n++
				}
			}
			return n
		}
		want(t, "at once", asked(), 1)
		wait(time.Hour)
		want(t, "in an hour", asked(), 6)
		known.Store(true)
		wait(3 * 24 * time.Hour)
		want(t, "in three days of a time that may be right", asked(), 3)
		needless.Store(true)
		wait(3 * 24 * time.Hour)
		want(t, "of one that is", asked(), 0)
	})
}
