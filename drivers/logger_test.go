package drivers_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"envgate/drivers"
	"envgate/hj212"
)

const (
	stackMN = "010000A8900016F000169DC0"
	dustMN  = "88888880000001"
)

// sum212 is appendix A of HJ 212-2017, written from its text: the low byte of the
// register is thrown away at every step.
func sum212(b []byte) uint16 {
	reg := uint16(0xFFFF)
	for _, c := range b {
		reg = turn8(reg>>8 ^ uint16(c))
	}
	return reg
}

// sumModbus is CRC-16/MODBUS, which keeps all of the register.
func sumModbus(b []byte) uint16 {
	reg := uint16(0xFFFF)
	for _, c := range b {
		reg = turn8(reg ^ uint16(c))
	}
	return reg
}

func turn8(reg uint16) uint16 {
	for range 8 {
		low := reg & 1
		if reg >>= 1; low != 0 {
			reg ^= 0xA001
		}
	}
	return reg
}

func frame212(sum func([]byte) uint16, data string) string {
	return fmt.Sprintf("##%04d%s%04X\r\n", len(data), data, sum([]byte(data)))
}

// rtd is a data segment of real-time data with the QN and DataTime of that second.
func rtd(mn string, at time.Time, flag int, area string) string {
	at = at.In(hj212.Beijing)
	return fmt.Sprintf("QN=%s000;ST=31;CN=2011;PW=123456;MN=%s;Flag=%d;CP=&&DataTime=%s;%s&&",
		at.Format("20060102150405"), mn, flag, at.Format("20060102150405"), area)
}

// world is what a Logger sees and says. All its times are those of a synctest bubble.
type world struct {
	t       *testing.T
	l       *drivers.Logger
	dials   chan func() (drivers.Stream, error) // what Open is to do; empty: wait
	opened  []time.Time
	mu      sync.Mutex
	samples []drivers.Sample
	every   []time.Duration
	events  []drivers.LoggerEvent
}

func newWorld(t *testing.T, change func(*drivers.LoggerOptions)) *world {
	t.Helper()
	w := &world{t: t, dials: make(chan func() (drivers.Stream, error), 100)}
	o := drivers.LoggerOptions{
		Name: "port",
		Open: func(ctx context.Context) (drivers.Stream, error) {
			w.mu.Lock()
			w.opened = append(w.opened, time.Now())
			w.mu.Unlock()
			select {
			case f := <-w.dials:
				return f()
			case <-ctx.Done():
				return nil, ctx.Err()
			}
		},
		Devices: []drivers.LoggerDevice{
			{Name: "stack", MN: stackMN, Interval: 30 * time.Second, Factors: []drivers.LoggerFactor{
				{Code: "a21026", Point: "so2", Unit: "mg/m3"}, {Code: "a21026-ZsRtd", Point: "so2_zs", Unit: "mg/m3"},
			}},
			{Name: "dust", MN: dustMN, Interval: 5 * time.Second},
		},
		Sample: func(every time.Duration, s ...drivers.Sample) {
			w.mu.Lock()
			defer w.mu.Unlock()
			for range s {
				w.every = append(w.every, every)
			}
			w.samples = append(w.samples, s...)
		},
		Event: func(e drivers.LoggerEvent) {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.events = append(w.events, e)
		},
	}
	if change != nil {
		change(&o)
	}
	l, err := drivers.NewLogger(o)
	if err != nil {
		t.Fatal(err)
	}
	w.l = l
	return w
}

// run runs the Logger until stop is called.
func (w *world) run() (stop func()) {
	ctx, cancel := context.WithCancel(w.t.Context())
	done := make(chan error, 1)
	go func() { done <- w.l.Run(ctx) }()
	return func() {
		w.t.Helper()
		cancel()
		if err := <-done; err != nil {
			w.t.Errorf("Run: %v", err)
		}
	}
}

// peer is the instrument's end of a connection. heard is what was answered.
type peer struct {
	net.Conn
	mu    sync.Mutex
	heard []string
}

func newPeer(far net.Conn) *peer {
	p := &peer{Conn: far}
	go func() {
		lines := bufio.NewScanner(far)
		for lines.Scan() {
			p.mu.Lock()
			p.heard = append(p.heard, lines.Text())
			p.mu.Unlock()
		}
	}()
	return p
}

// connect is the next stream that Open returns.
func (w *world) connect() *peer {
	near, far := net.Pipe()
	w.dials <- func() (drivers.Stream, error) { return near, nil }
	return newPeer(far)
}

func (w *world) refuse(err error) {
	w.dials <- func() (drivers.Stream, error) { return nil, err }
}

// say writes, and waits until everything has been done about it.
func (p *peer) say(t *testing.T, s ...string) {
	t.Helper()
	if _, err := io.WriteString(p, strings.Join(s, "")); err != nil {
		t.Fatalf("write to the logger: %v", err)
	}
	synctest.Wait()
}

// answers are what was answered since the last call.
func (p *peer) answers() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	defer func() { p.heard = nil }()
	return p.heard
}

func (w *world) take() (samples []drivers.Sample, events []drivers.LoggerEvent) {
	w.mu.Lock()
	defer w.mu.Unlock()
	samples, events = w.samples, w.events
	w.samples, w.events, w.every = nil, nil, nil
	return samples, events
}

func TestLoggerReadings(t *testing.T) {
	type readings = []drivers.Reading
	tests := []struct {
		name, area string
		want       readings
	}{
		{"mapped, and its own digits", "a21026-Rtd=12.50,a21026-Flag=N", readings{{"so2", "12.50", "mg/m3", "N", ""}}},
		{"no flag", "a21026-Rtd=-0.3", readings{{"so2", "-0.3", "mg/m3", "N", ""}}},
		{"unknown factor", "a99999-Rtd=7,a99999-Flag=N", readings{{"a99999", "7", "", "N", ""}}},
		{"factor of 2005", "B01-Rtd=36;011-Rtd=4", readings{{"B01", "36", "", "N", ""}, {"011", "4", "", "N", ""}}},
		{"converted value", "a21026-Rtd=1,a21026-ZsRtd=2,a21026-Flag=N;a34013-ZsRtd=3", readings{{"so2", "1", "mg/m3", "N", ""}, {"so2_zs", "2", "mg/m3", "N", ""}, {"a34013_ZsRtd", "3", "", "N", ""}}},
		{"flag in an item of its own", "a21026-Rtd=1;a21026-Flag=C", readings{{"so2", "1", "mg/m3", "C", "instrument"}}},
		{"flag without a value", "a21026-Rtd=,a21026-Flag=D", readings{{"so2", "", "mg/m3", "D", "instrument"}}},
		{"no value", "a21026-Rtd=,a21026-Flag=N", readings{{"so2", "", "mg/m3", "D", "unreadable"}}},
		{"no number", "a21026-Rtd=--,a21026-Flag=M", readings{{"so2", "", "mg/m3", "M", "unreadable"}}},
		{"an exponent", "a21026-Rtd=1E5", readings{{"so2", "", "mg/m3", "D", "unreadable"}}},
		{"no end of digits", "a21026-Rtd=" + strings.Repeat("9", 25), readings{{"so2", "", "mg/m3", "D", "unreadable"}}},
		{"flag that cannot be one", "a21026-Rtd=5,a21026-Flag=\x01\xff", readings{{"so2", "", "mg/m3", "D", "unreadable"}}},
		{"factor that comes twice", "a21026-Rtd=1;a21026-Rtd=2", readings{{"so2", "1", "mg/m3", "N", ""}}},
		{"factor under another's point", "so2-Rtd=9;a21026-Rtd=1", readings{{"so2", "1", "mg/m3", "N", ""}}},
		{"factor with a strange name", "a 1\xfe-Rtd=9;-Rtd=3;a21026-Rtd=1", readings{{"so2", "1", "mg/m3", "N", ""}}},
		{"what is no value", "a21026-Rtd=1,a21026-SampleTime=20260101000000,a21026-EFlag=A01;SB1-RS=1", readings{{"so2", "1", "mg/m3", "N", ""}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, nil)
				defer w.run()()
				p := w.connect()
				defer p.Close()
				p.say(t, frame212(sum212, rtd(stackMN, time.Now(), 5, tt.area)))
				samples, events := w.take()
				if len(samples) != 1 || len(events) != 0 {
					t.Fatalf("%d samples and events %+v, want 1 and none", len(samples), events)
				}
				if s := samples[0]; s.Source != "stack" || s.Device != "stack" || !s.Time.Equal(time.Now()) {
					t.Errorf("sample of %s, %s at %v", s.Source, s.Device, s.Time)
				}
				if got := samples[0].Readings; !slices.Equal(got, tt.want) {
					t.Errorf("readings %+v, want %+v", got, tt.want)
				}
				if got := p.answers(); len(got) != 1 || !strings.Contains(got[0], "CN=9014;") {
					t.Errorf("answers %q, want one 9014", got)
				}
			})
		})
	}
}

// What asks for an answer gets one, a copy too; a copy is no sample, over whichever
// connection it comes.
func TestLoggerAnswersAndCopies(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, nil)
		defer w.run()()
		p := w.connect()
		ask := frame212(sum212, rtd(stackMN, time.Now(), 5, "a21026-Rtd=1"))
		p.say(t, ask, frame212(sum212, rtd(dustMN, time.Now(), 4, "a34004-Rtd=2")))
		if got := p.answers(); len(got) != 1 || !strings.Contains(got[0], "MN="+stackMN) {
			t.Errorf("answers %q, want one to the message that asks for it", got)
		}
		if !slices.Equal(w.every, []time.Duration{30 * time.Second, 5 * time.Second}) {
			t.Errorf("intervals %v, want those of the devices", w.every)
		}
		p.say(t, ask)
		p.Close()
		p = w.connect()
		defer p.Close()
		time.Sleep(2 * time.Second)
		p.say(t, ask)
		if got := p.answers(); len(got) != 1 {
			t.Errorf("answers to a copy over a new connection: %q, want one", got)
		}
		if samples, _ := w.take(); len(samples) != 2 {
			t.Errorf("%d samples, want 2", len(samples))
		}
		// The last attempt may say that it wants no answer any more.
		p.say(t, frame212(sum212, rtd(dustMN, time.Now(), 5, "a34004-Rtd=3")), frame212(sum212, rtd(dustMN, time.Now(), 4, "a34004-Rtd=3")))
		if samples, _ := w.take(); len(samples) != 1 || len(p.answers()) != 1 {
			t.Errorf("%d samples of a message and its copy with another Flag, want 1", len(samples))
		}
		// A heartbeat and figures are answered, and are no samples.
		p.say(t, frame212(sum212, "QN=20260101000000000;ST=31;CN=9015;PW=123456;MN="+dustMN+";Flag=9;CP=&&&&"),
			frame212(sum212, "QN=20260101000000001;ST=31;CN=2051;PW=123456;MN="+dustMN+";Flag=5;CP=&&DataTime=20260101000000;a34004-Avg=1&&"))
		if got := strings.Join(p.answers(), ""); !strings.Contains(got, "CN=9013;") || !strings.Contains(got, "CN=9014;") {
			t.Errorf("answers %q, want 9013 and 9014", got)
		}
		samples, _ := w.take()
		if got := w.l.Stats(); len(samples) != 0 || got.Copies != 3 || got.Periods != 1 || got.Others != 1 || got.Samples != 3 || got.Frames != 8 || got.Connections != 2 {
			t.Errorf("%d samples, stats %+v", len(samples), got)
		}
	})
}

// Without QN and DataTime nothing tells a copy from a value that stays as it is.
func TestLoggerWithoutTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, nil)
		defer w.run()()
		p := w.connect()
		defer p.Close()
		for range 15 {
			p.say(t, frame212(sum212, "ST=39;CN=2011;PW=1;MN="+dustMN+";CP=&&a34004-Rtd=2&&"))
			time.Sleep(5 * time.Second)
		}
		if samples, events := w.take(); len(samples) != 15 || len(events) != 0 {
			t.Errorf("%d samples, events %+v, want 15 and none", len(samples), events)
		}
	})
}

func TestLoggerUnknownMN(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, nil)
		defer w.run()()
		p := w.connect()
		defer p.Close()
		for i := range 300 {
			p.say(t, frame212(sum212, rtd("STRANGER", time.Now(), 5, fmt.Sprintf("a21026-Rtd=%d", i))))
		}
		p.say(t, frame212(sum212, rtd("x\x01\xff", time.Now(), 5, "a21026-Rtd=1")), frame212(sum212, rtd("", time.Now(), 5, "a21026-Rtd=1")))
		for i := range 100 {
			p.say(t, frame212(sum212, rtd(fmt.Sprint("M", i), time.Now(), 5, "a21026-Rtd=1")))
		}
		samples, events := w.take()
		if len(samples) != 0 || len(p.answers()) != 0 {
			t.Errorf("%d samples of strangers, answers %q", len(samples), p.answers())
		}
		if len(events) != 64 || events[0].Type != drivers.LoggerUnknown || events[0].New != "STRANGER" ||
			events[1].New != `"x\x01\xff"` || events[2].New != "none" {
			t.Errorf("%d events, of them %+v, want 64, each MN once", len(events), events[:min(3, len(events))])
		}
		if got := w.l.Stats().Unknown; got != 402 {
			t.Errorf("%d unknown, want 402", got)
		}
	})
}

func TestLoggerDialect(t *testing.T) {
	swapped := func(b []byte) uint16 { s := sumModbus(b); return s<<8 | s>>8 }
	sums := map[hj212.Dialect]func([]byte) uint16{hj212.Standard: sum212, hj212.Modbus: sumModbus, hj212.ModbusSwapped: swapped}
	for ours, right := range sums {
		for theirs, sum := range sums {
			t.Run(fmt.Sprint(ours, " hears ", theirs), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					w := newWorld(t, func(o *drivers.LoggerOptions) { o.Dialect = ours })
					defer w.run()()
					p := w.connect()
					defer p.Close()
					for i := range 10 {
						p.say(t, frame212(sum, rtd(stackMN, time.Now(), 5, fmt.Sprintf("a21026-Rtd=%d", i))))
					}
					samples, events := w.take()
					if ours == theirs {
						answers := p.answers()
						if len(samples) != 10 || len(events) != 0 || len(answers) != 10 {
							t.Fatalf("%d samples, %d answers, events %+v, want 10, 10 and none", len(samples), len(answers), events)
						}
						data := answers[0][6 : len(answers[0])-4]
						if want := strings.TrimSpace(frame212(right, data)); answers[0] != want {
							t.Errorf("answer %q, want %q", answers[0], want)
						}
						return
					}
					if len(samples) != 0 || len(events) != 1 || events[0].Type != drivers.LoggerDialect || events[0].Old != ours.String() || events[0].New != theirs.String() {
						t.Errorf("%d samples, events %+v, want none and one that names the other sum", len(samples), events)
					}
				})
			})
		}
	}
}

// A damaged frame may fit another sum by chance; with good ones between them that means
// nothing.
func TestLoggerDamaged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, nil)
		defer w.run()()
		p := w.connect()
		defer p.Close()
		for i := range 12 {
			sum := sumModbus
			if i%3 == 2 {
				sum = sum212
			}
			p.say(t, frame212(sum, rtd(stackMN, time.Now(), 5, fmt.Sprintf("a21026-Rtd=%d", i))))
		}
		samples, events := w.take()
		if got := w.l.Stats(); len(samples) != 4 || len(events) != 0 || got.BadFrames != 8 {
			t.Errorf("%d samples, events %+v, stats %+v, want 4, none and 8 bad frames", len(samples), events, got)
		}
	})
}

// A device that falls silent has missing readings at each interval until it speaks.
func TestLoggerSilence(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, nil)
		defer w.run()()
		p := w.connect()
		defer p.Close()
		began := time.Now()
		p.say(t, frame212(sum212, rtd(stackMN, time.Now(), 4, "a21026-Rtd=1")))
		time.Sleep(29 * time.Second)
		synctest.Wait()
		if _, events := w.take(); len(events) != 0 {
			t.Errorf("events %+v after 29 s", events)
		}
		time.Sleep(60 * time.Second)
		synctest.Wait()
		_, events := w.take()
		if len(events) != 1 || events[0].Type != drivers.LoggerDeviceOffline || events[0].Subject != "dust" {
			t.Fatalf("events %+v after 89 s, want dust offline, as it never spoke", events)
		}
		time.Sleep(92 * time.Second)
		synctest.Wait()
		samples, events := w.take()
		want := []drivers.Reading{{"so2", "", "mg/m3", "B", "silent"}, {"so2_zs", "", "mg/m3", "B", "silent"}}
		if len(samples) != 4 || len(events) != 1 || events[0].Type != drivers.LoggerDeviceOffline || events[0].Subject != "stack" {
			t.Fatalf("%d samples, events %+v, want 4 (90, 120, 150, 180 s) and stack offline", len(samples), events)
		}
		for i, s := range samples {
			if at := s.Time.Sub(began); at != time.Duration(90+30*i)*time.Second || s.Source != "stack" || !slices.Equal(s.Readings, want) {
				t.Errorf("at %v: %+v", at, s)
			}
		}
		p.say(t, frame212(sum212, rtd(stackMN, time.Now(), 4, "a21026-Rtd=1")))
		samples, events = w.take()
		if len(samples) != 1 || len(events) != 1 || events[0].Type != drivers.LoggerDeviceOnline || events[0].Why != "after 3m1s" {
			t.Errorf("%d samples, events %+v, want one sample and stack online", len(samples), events)
		}
		// Frames that say the same as before are no news of now.
		same := frame212(sum212, rtd(stackMN, time.Now(), 4, "a21026-Rtd=1"))
		for range 10 {
			time.Sleep(29 * time.Second)
			p.say(t, same)
		}
		samples, events = w.take()
		if len(events) != 1 || events[0].Type != drivers.LoggerDeviceOffline || !strings.HasSuffix(events[0].Why, ": stale") {
			t.Errorf("events %+v, want stack offline again", events)
		}
		if len(samples) < 6 || samples[len(samples)-1].Readings[0].Cause != drivers.CauseStale {
			t.Errorf("samples %+v, want missing ones that are stale", samples)
		}
	})
}

// A port that is down is no fault of its devices. Tries come ever more rarely.
func TestLoggerLineDown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, nil)
		defer w.run()()
		broken := errors.New("no such port")
		for range 9 {
			w.refuse(broken)
		}
		time.Sleep(3 * time.Minute)
		synctest.Wait()
		samples, events := w.take()
		if len(events) != 1 || events[0].Type != drivers.LoggerLineDown || events[0].Err != broken {
			t.Errorf("events %+v, want line down, once", events)
		}
		if len(samples) != 4 || samples[0].Readings[0].Cause != drivers.CauseLine {
			t.Errorf("%d samples %+v, want 4 missing for the line", len(samples), samples)
		}
		var waits []time.Duration
		for i := range w.opened[1:] {
			waits = append(waits, w.opened[i+1].Sub(w.opened[i]))
		}
		s := time.Second
		if want := []time.Duration{s, 2 * s, 4 * s, 8 * s, 16 * s, 30 * s, 30 * s, 30 * s, 30 * s}; !slices.Equal(waits, want) {
			t.Errorf("opened after %v, want %v", waits, want)
		}
		p := w.connect()
		p.say(t, frame212(sum212, rtd(stackMN, time.Now(), 4, "a21026-Rtd=1")))
		if _, events = w.take(); len(events) != 1 || events[0].Type != drivers.LoggerLineUp {
			t.Errorf("events %+v, want line up", events)
		}
		p.Close() // a connection that brought something is made anew at once
		synctest.Wait()
		ended := time.Now()
		time.Sleep(time.Minute)
		synctest.Wait()
		if last := w.opened[len(w.opened)-1]; last.Sub(ended) != s {
			t.Errorf("opened anew after %v, want 1s", last.Sub(ended))
		}
	})
}

// When the port works again its devices have their time to speak, and are not offline
// before: what is missing meanwhile is so for the line.
func TestLoggerAfterLineDown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, nil)
		defer w.run()()
		for range 9 {
			w.refuse(errors.New("no such port"))
		}
		time.Sleep(150 * time.Second) // the tenth try comes at 151 s
		synctest.Wait()
		w.take()
		p := w.connect()
		defer p.Close()
		time.Sleep(65 * time.Second) // not with a tick
		p.say(t, frame212(sum212, rtd(stackMN, time.Now(), 4, "a21026-Rtd=1")))
		samples, events := w.take()
		for _, e := range events {
			if e.Subject == "stack" {
				t.Errorf("event %+v: stack spoke in time", e)
			}
		}
		if n := len(samples); n != 3 || samples[0].Readings[0].Cause != drivers.CauseLine || samples[n-1].Readings[0].Value != "1" {
			t.Errorf("samples %+v, want two missing for the line, and what it said", samples)
		}
	})
}

// A connection on which nothing comes is dead, and is made anew.
func TestLoggerIdleConnection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, nil)
		defer w.run()()
		p := w.connect()
		defer p.Close()
		time.Sleep(5*time.Minute + 2*time.Second)
		synctest.Wait()
		w.mu.Lock()
		defer w.mu.Unlock()
		if len(w.opened) != 2 || w.opened[1].Sub(w.opened[0]) != 5*time.Minute+time.Second {
			t.Errorf("opened at %v, want anew after 5 minutes", w.opened)
		}
	})
}

// Half a frame holds back what comes after it for 5 s, and loses none of it.
func TestLoggerHalfFrame(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, nil)
		defer w.run()()
		p := w.connect()
		defer p.Close()
		p.say(t, "##9999QN=2026010100")
		for i := range 4 {
			p.say(t, frame212(sum212, rtd(stackMN, time.Now(), 5, fmt.Sprintf("a21026-Rtd=%d", i))))
			time.Sleep(time.Second)
		}
		if samples, _ := w.take(); len(samples) != 0 {
			t.Errorf("%d samples before the frame was given up", len(samples))
		}
		time.Sleep(1100 * time.Millisecond)
		synctest.Wait()
		samples, _ := w.take()
		if len(samples) != 4 || len(p.answers()) != 4 {
			t.Fatalf("%d samples, want 4", len(samples))
		}
		for i, s := range samples {
			if s.Readings[0].Value != fmt.Sprint(i) {
				t.Errorf("sample %d is %+v", i, s.Readings)
			}
		}
	})
}

// pipes is a listener whose connections are pipes.
type pipes struct {
	c    chan net.Conn
	done chan struct{}
	once sync.Once
}

func newPipes() *pipes { return &pipes{c: make(chan net.Conn), done: make(chan struct{})} }

func (l *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-l.c:
		return c, nil
	case <-l.done:
		return nil, net.ErrClosed
	}
}

func (l *pipes) Close() error {
	l.once.Do(func() { close(l.done) })
	return nil
}

func (l *pipes) Addr() net.Addr { return &net.TCPAddr{} }

func (l *pipes) dial() *peer {
	near, far := net.Pipe()
	l.c <- near
	synctest.Wait()
	return newPeer(far)
}

// Of nine connections the one goes that brought nothing for the longest time.
func TestLoggerListen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		from := newPipes()
		w := newWorld(t, func(o *drivers.LoggerOptions) {
			o.Open = nil
			o.Listen = func(context.Context) (net.Listener, error) { return from, nil }
		})
		stop := w.run()
		var all []*peer
		for i := range 8 {
			p := from.dial()
			all = append(all, p)
			if i != 3 {
				p.say(t, frame212(sum212, rtd(stackMN, time.Now(), 5, fmt.Sprintf("a21026-Rtd=%d", i))))
			}
			time.Sleep(time.Second)
		}
		ninth := from.dial()
		all = append(all, ninth)
		ninth.say(t, frame212(sum212, rtd(dustMN, time.Now(), 5, "a34004-Rtd=9")))
		for i, p := range all {
			p.SetWriteDeadline(time.Now().Add(time.Second))
			_, err := io.WriteString(p, "noise")
			if closed := err != nil; closed != (i == 3) {
				t.Errorf("connection %d: %v; want the silent one closed and no other", i, err)
			}
		}
		samples, _ := w.take()
		if len(samples) != 8 || w.l.Stats().Evicted != 1 {
			t.Errorf("%d samples, %d evicted, want 8 and 1", len(samples), w.l.Stats().Evicted)
		}
		for i, p := range all {
			if got := len(p.answers()); got != 1 && i != 3 {
				t.Errorf("connection %d got %d answers, want 1", i, got)
			}
		}
		stop()
		for i, p := range all {
			p.SetWriteDeadline(time.Now().Add(time.Second))
			if _, err := io.WriteString(p, "x"); err == nil {
				t.Errorf("connection %d is open after the stop", i)
			}
		}
	})
}

// A listener that breaks is made anew; it is a line that is down until then.
func TestLoggerListenAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		listeners := []*pipes{newPipes(), newPipes()}
		n := 0
		w := newWorld(t, func(o *drivers.LoggerOptions) {
			o.Open = nil
			o.Listen = func(context.Context) (net.Listener, error) { n++; return listeners[n-1], nil }
		})
		defer w.run()()
		p := listeners[0].dial()
		defer p.Close()
		listeners[0].Close()
		time.Sleep(2 * time.Second)
		p.say(t, frame212(sum212, rtd(dustMN, time.Now(), 5, "a34004-Rtd=9")))
		q := listeners[1].dial()
		defer q.Close()
		q.say(t, frame212(sum212, rtd(dustMN, time.Now(), 5, "a34004-Rtd=10")))
		samples, events := w.take()
		if len(samples) != 2 || len(events) != 2 || events[0].Type != drivers.LoggerLineDown || events[1].Type != drivers.LoggerLineUp {
			t.Errorf("%d samples, events %+v, want 2, line down and up", len(samples), events)
		}
	})
}

func TestLoggerClock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, nil)
		defer w.run()()
		n := 0
		for _, step := range []struct {
			off, wait time.Duration
			old, want string
		}{
			{-36 * time.Second, 5 * time.Second, "", ""},
			{-37 * time.Second, 5 * time.Second, "", "-37s"},
			{-38 * time.Second, 5 * time.Second, "", ""},
			{2 * time.Hour, 5 * time.Second, "", ""}, // within the hour
			{2 * time.Hour, time.Hour, "", ""},
			{2 * time.Hour, 5 * time.Second, "-37s", "2h0m0s"},
			{0, time.Hour, "", ""},
			{0, 5 * time.Second, "2h0m0s", "0s"},
		} {
			n++
			time.Sleep(2 * time.Second)
			p := w.connect()
			p.say(t, frame212(sum212, rtd(dustMN, time.Now().Add(step.off), 4, fmt.Sprintf("a34004-Rtd=%d", n))))
			samples, events := w.take()
			if last := samples[len(samples)-1]; !last.Time.Equal(time.Now()) || last.Readings[0].Flag != "N" {
				t.Errorf("%v off: sample %+v, want our time and flag N", step.off, last)
			}
			got, old := "", ""
			for _, e := range events {
				if e.Type == drivers.LoggerClock {
					got, old = e.New, e.Old
				}
			}
			if got != step.want || old != step.old {
				t.Errorf("step %d, %v off: event %q after %q, want %q after %q", n, step.off, got, old, step.want, step.old)
			}
			p.Close()
			time.Sleep(step.wait)
		}
	})
}

// While our own clock is not set it says nothing about another.
func TestLoggerClockNotSet(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		set := false
		w := newWorld(t, func(o *drivers.LoggerOptions) { o.ClockSet = func() bool { return set } })
		defer w.run()()
		p := w.connect()
		defer p.Close()
		for range 2 {
			p.say(t, frame212(sum212, rtd(dustMN, time.Now().Add(20*365*24*time.Hour), 4, "a34004-Rtd=1")))
			if _, events := w.take(); len(events) != map[bool]int{true: 1}[set] {
				t.Errorf("clock set %v: events %+v", set, events)
			}
			time.Sleep(time.Second)
			set = true
		}
	})
}

// What was sent after the event is no value of now.
func TestLoggerLate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, nil)
		defer w.run()()
		p := w.connect()
		defer p.Close()
		p.say(t, frame212(sum212, strings.Replace(rtd(dustMN, time.Now().Add(-time.Hour), 9, "a34004-Rtd=3,a34004-Flag=N"), "CP=", "RF=1;CP=", 1)))
		samples, events := w.take()
		if len(samples) != 1 || len(events) != 0 || samples[0].Readings[0] != (drivers.Reading{"a34004", "3", "", "B", "late"}) {
			t.Errorf("samples %+v, events %+v, want one late value", samples, events)
		}
	})
}

// A peer that floods is read no faster than 16 KB/s, and loses nothing by it.
func TestLoggerFlood(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, nil)
		defer w.run()()
		p := w.connect()
		defer p.Close()
		began := time.Now()
		size, frames := 0, 0
		for size < 1<<20 {
			f := frame212(sum212, rtd(dustMN, began, 4, fmt.Sprintf("a34004-Rtd=%d", frames)))
			size, frames = size+len(f), frames+1
			io.WriteString(p, f)
		}
		synctest.Wait()
		least := time.Duration(size-inputBurst) * time.Second / inputRate
		if took := time.Since(began); took < least-time.Second || took > least+5*time.Second {
			t.Errorf("%d bytes took %v, want %v", size, took, least)
		}
		time.Sleep(time.Second)
		if samples, _ := w.take(); len(samples) < frames {
			t.Errorf("%d samples of %d frames", len(samples), frames)
		}
	})
}

const inputBurst, inputRate = 128 << 10, 16 << 10

// A device with no end of factors keeps its mapped ones and 128 others.
func TestLoggerManyPoints(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, nil)
		defer w.run()()
		p := w.connect()
		defer p.Close()
		for i := range 10 {
			var area []string
			for k := range 40 {
				area = append(area, fmt.Sprintf("x%d-Rtd=1", 40*i+k))
			}
			p.say(t, frame212(sum212, rtd(stackMN, time.Now(), 4, strings.Join(append(area, "a21026-Rtd=1"), ";"))))
			time.Sleep(time.Second)
		}
		samples, events := w.take()
		points := map[string]bool{}
		for _, s := range samples {
			for _, r := range s.Readings {
				points[r.Point] = true
			}
		}
		if len(samples) != 10 || len(points) != 129 || len(events) != 1 || events[0].Type != drivers.LoggerPoints || events[0].New != "x128" {
			t.Errorf("%d samples, %d points, events %+v, want 10, 129 and one that names x128", len(samples), len(points), events)
		}
		if got := w.l.Stats().Unread; got != 400-128 {
			t.Errorf("%d unread, want %d", got, 400-128)
		}
	})
}

// A fault of our own ends one connection, is said once, and leaves the others alone.
func TestLoggerFault(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		samples := 0
		w := newWorld(t, func(o *drivers.LoggerOptions) {
			o.Sample = func(_ time.Duration, s ...drivers.Sample) {
				if s[0].Readings[0].Value == "13" {
					panic("index out of range")
				}
				samples++
			}
		})
		defer w.run()()
		for i := range 3 {
			p := w.connect()
			time.Sleep(5 * time.Second)
			p.say(t, frame212(sum212, rtd(dustMN, time.Now(), 4, "a34004-Rtd=1")))
			p.say(t, frame212(sum212, rtd(dustMN, time.Now(), 4, fmt.Sprintf("a34004-Rtd=%d", 12+min(i, 1)))))
			p.Close()
		}
		_, events := w.take()
		if samples != 4 || len(events) != 1 || events[0].Type != drivers.LoggerFault {
			t.Errorf("%d samples, events %+v, want 4 and one fault", samples, events)
		}
	})
}

func TestNewLogger(t *testing.T) {
	good := func() drivers.LoggerOptions {
		return drivers.LoggerOptions{
			Name: "a", Open: func(context.Context) (drivers.Stream, error) { return nil, io.EOF },
			Devices: []drivers.LoggerDevice{{Name: "d", MN: "1", Interval: time.Second, Factors: []drivers.LoggerFactor{{Code: "a34004-Rtd"}, {Code: "a34002", Point: "x"}}}},
		}
	}
	if _, err := drivers.NewLogger(good()); err != nil {
		t.Fatal(err)
	}
	d := func(o *drivers.LoggerOptions) *drivers.LoggerDevice { return &o.Devices[0] }
	for name, spoil := range map[string]func(*drivers.LoggerOptions){
		"no name": func(o *drivers.LoggerOptions) { o.Name = "" },
		"neither": func(o *drivers.LoggerOptions) { o.Open = nil },
		"both": func(o *drivers.LoggerOptions) {
			o.Listen = func(context.Context) (net.Listener, error) { return nil, nil }
		},
		"dialect":             func(o *drivers.LoggerOptions) { o.Dialect = 3 },
		"frame time":          func(o *drivers.LoggerOptions) { o.FrameTime = -1 },
		"no devices":          func(o *drivers.LoggerOptions) { o.Devices = nil },
		"device without name": func(o *drivers.LoggerOptions) { d(o).Name = "" },
		"device without MN":   func(o *drivers.LoggerOptions) { d(o).MN = "" },
		"device twice": func(o *drivers.LoggerOptions) {
			o.Devices = append(o.Devices, drivers.LoggerDevice{Name: "d", MN: "2", Interval: 1})
		},
		"MN twice": func(o *drivers.LoggerOptions) {
			o.Devices = append(o.Devices, drivers.LoggerDevice{Name: "e", MN: "1", Interval: 1})
		},
		"interval":    func(o *drivers.LoggerOptions) { d(o).Interval = 0 },
		"code":        func(o *drivers.LoggerOptions) { d(o).Factors[0].Code = "a 1" },
		"kind":        func(o *drivers.LoggerOptions) { d(o).Factors[0].Code = "a1-Avg" },
		"code twice":  func(o *drivers.LoggerOptions) { d(o).Factors[1].Code = "a34004" },
		"point twice": func(o *drivers.LoggerOptions) { d(o).Factors[1].Point = "a34004" },
		"point":       func(o *drivers.LoggerOptions) { d(o).Factors[1].Point = "a-b" },
	} {
		o := good()
		spoil(&o)
		if _, err := drivers.NewLogger(o); err == nil {
			t.Errorf("%s: NewLogger takes it", name)
		}
	}
}

// bytesStream gives bytes in pieces, with time-outs between them, and then ends.
type bytesStream struct {
	rest    []byte
	piece   int
	n       int
	written bytes.Buffer
}

func (s *bytesStream) Read(b []byte) (int, error) {
	if s.n++; s.n%7 == 0 && len(s.rest) > 0 {
		return 0, context.DeadlineExceeded // its Timeout is true
	}
	if len(s.rest) == 0 {
		return 0, io.EOF
	}
	n := copy(b, s.rest[:min(len(s.rest), s.piece)])
	s.rest = s.rest[n:]
	return n, nil
}

func (s *bytesStream) Write(b []byte) (int, error)      { return s.written.Write(b) }
func (s *bytesStream) Close() error                     { return nil }
func (s *bytesStream) SetReadDeadline(time.Time) error  { return nil }
func (s *bytesStream) SetWriteDeadline(time.Time) error { return nil }

func FuzzLogger(f *testing.F) {
	at := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	f.Add([]byte(frame212(sum212, rtd(stackMN, at, 5, "a21026-Rtd=1.5,a21026-Flag=N;b-Rtd=x"))), byte(3), false)
	f.Add([]byte("##9999QN=2026"+frame212(sum212, rtd(dustMN, at, 7, "a-ZsRtd=1,a-Rtd=2"))+frame212(sum212, rtd("x", at, 5, ""))), byte(200), false)
	f.Add([]byte(frame212(sum212, "QN=1;ST=31;CN=2011;MN="+stackMN+";Flag=9;RF=1;CP=&&a21026-Rtd=,a21026-Flag=\xff&&")), byte(1), false)
	f.Add([]byte(frame212(sum212, "CN=9015;Flag=1;MN="+dustMN+";CP=&&&&")+frame212(sumModbus, "CN=2051;Flag=1;MN="+dustMN+";CP=&&&&")), byte(9), false)
	f.Add([]byte("DataTime=20260101000000;a21026-Rtd=1.5,a21026-Flag=N;b-Rtd=x"), byte(255), true)
	f.Fuzz(func(t *testing.T, b []byte, piece byte, framed bool) {
		b = b[:min(len(b), 64<<10)]
		if framed { // as sums that fit are not found by chance
			b = []byte(frame212(sum212, "ST=31;CN=2011;MN="+stackMN+";Flag=9;CP=&&"+string(b[:min(len(b), 9000)])+"&&"))
		}
		readings := 0
		events := 0
		l, err := drivers.NewLogger(drivers.LoggerOptions{
			Name: "port", Open: func(context.Context) (drivers.Stream, error) { return nil, io.EOF },
			Devices: []drivers.LoggerDevice{
				{Name: "stack", MN: stackMN, Interval: time.Minute, Factors: []drivers.LoggerFactor{{Code: "a21026", Point: "so2", Unit: "mg/m3"}}},
				{Name: "dust", MN: dustMN, Interval: time.Minute},
			},
			Event: func(e drivers.LoggerEvent) {
				if events++; e.Type == drivers.LoggerFault {
					t.Errorf("fault: %+v", e)
				}
			},
			Sample: func(_ time.Duration, samples ...drivers.Sample) {
				for _, s := range samples {
					points := map[string]bool{}
					if s.Source != "stack" && s.Source != "dust" || len(s.Readings) == 0 {
						t.Errorf("sample %+v", s)
					}
					for _, r := range s.Readings {
						readings++
						good := r.Flag == "N"
						if points[r.Point] || r.Point == "" || len(r.Point) > 32 || r.Flag == "" || len(r.Flag) > 4 || len(r.Value) > 25 ||
							good && (r.Value == "" || r.Cause != "") || !good && r.Cause == "" {
							t.Errorf("reading %+v", r)
						}
						points[r.Point] = true
					}
					if len(points) > 129 {
						t.Errorf("%d points", len(points))
					}
				}
			},
		})
		if err != nil {
			t.Fatal(err)
		}
		s := &bytesStream{rest: b, piece: int(piece) + 1}
		if err := l.Serve(s); err == nil {
			t.Error("Serve ended without an error")
		}
		if most := len(b)/6 + 1; readings > most || events > 80 || s.written.Len() > 4*len(b)+200 {
			t.Errorf("%d readings, %d events, %d bytes of answers to %d bytes", readings, events, s.written.Len(), len(b))
		}
	})
}
