package platform

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"envgate/envelope"
)

const (
	testPW = "s3cr3t"
	testMN = "010000A8900016F000169DC0"
	cursor = "platform/city"
)

// t0 is when each synctest bubble begins, in the site's zone 08:00 on 1 January 2000.
var t0 = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)

// fakeLog is a log and its cursors in memory.
type fakeLog struct {
	mu      sync.Mutex
	epoch   string
	blocks  map[string][][]byte
	evicted map[string]uint64
	upto    map[string]uint64      // cursor/stream
	runs    map[string][][2]uint64 // beyond, in their order
	acks    []string
	changed chan struct{}
	sealer  *envelope.Sealer
	prev    map[string]string
	unknown bool // the cursor was not added
}

var gatewayKey = sync.OnceValue(func() *envelope.Key {
	k, err := envelope.NewKey("gw1")
	if err != nil {
		panic(err)
	}
	return k
})

func newLog() *fakeLog {
	l := &fakeLog{changed: make(chan struct{}), sealer: envelope.NewSealer(gatewayKey())}
	l.clear("e1")
	return l
}

func (l *fakeLog) clear(epoch string) {
	l.epoch, l.blocks, l.prev = epoch, map[string][][]byte{}, map[string]string{}
	l.evicted, l.upto, l.runs = map[string]uint64{}, map[string]uint64{}, map[string][][2]uint64{}
}

func (l *fakeLog) wake() {
	close(l.changed)
	l.changed = make(chan struct{})
}

func (l *fakeLog) rotate(epoch string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.clear(epoch)
	l.wake()
}

// add seals blocks of groups, whose times are Unix milliseconds, in one append.
func (l *fakeLog) add(stream string, blocks ...[]envelope.Group) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, groups := range blocks {
		b := envelope.Block{
			Gateway: "gw1", Stream: stream, Epoch: l.epoch, Seq: l.evicted[stream] + uint64(len(l.blocks[stream])) + 1,
			Prev: cmp.Or(l.prev[stream], envelope.Genesis), Boot: "b", Clock: envelope.Clock{State: envelope.ClockSync},
		}
		for _, g := range groups {
			if b.T0 == 0 {
				b.T0 = g.Times[0] - 500 // whatever, but not 0
			}
			g.Times = slices.Clone(g.Times)
			for i := range g.Times {
				g.Times[i] -= b.T0
			}
			b.Groups = append(b.Groups, g)
		}
		payload := b.AppendPayload(nil)
		l.prev[stream] = envelope.Hash(payload)
		m, err := l.sealer.Seal(envelope.TypeBlock, payload)
		if err != nil {
			panic(err)
		}
		l.blocks[stream] = append(l.blocks[stream], m)
	}
	l.wake()
}

func (l *fakeLog) Epoch() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.epoch
}

func (l *fakeLog) Bounds(stream string) (first, last uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.blocks[stream]) == 0 {
		return 0, 0
	}
	return l.evicted[stream] + 1, l.evicted[stream] + uint64(len(l.blocks[stream]))
}

func (l *fakeLog) Read(stream string, after uint64, n int) (uint64, [][]byte, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	from := max(after, l.evicted[stream])
	i := int(from - l.evicted[stream])
	if i >= len(l.blocks[stream]) {
		return 0, nil, nil
	}
	var out [][]byte
	for _, b := range l.blocks[stream][i:min(i+n, len(l.blocks[stream]))] {
		out = append(out, bytes.Clone(b))
	}
	return from + 1, out, nil
}

func (l *fakeLog) Changed() <-chan struct{} {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.changed
}

func (l *fakeLog) Acked(name, stream string) (uint64, [][2]uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.upto[name+"/"+stream], slices.Clone(l.runs[name+"/"+stream])
}

func (l *fakeLog) Ack(_, name, stream string, from, to uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.acks = append(l.acks, fmt.Sprintf("%s %s %d-%d", name, stream, from, to))
	if l.unknown {
		return
	}
	at := name + "/" + stream
	runs := append(l.runs[at], [2]uint64{from, to})
	slices.SortFunc(runs, func(a, b [2]uint64) int { return cmp.Compare(a[0], b[0]) })
	upto := max(l.upto[at], l.evicted[stream])
	var beyond [][2]uint64
	for _, r := range runs {
		switch n := len(beyond); {
		case r[0] <= upto+1:
			upto = max(upto, r[1])
		case n > 0 && r[0] <= beyond[n-1][1]+1:
			beyond[n-1][1] = max(beyond[n-1][1], r[1])
		default:
			beyond = append(beyond, r)
		}
	}
	l.upto[at], l.runs[at] = upto, beyond
}

func (l *fakeLog) acked() uint64 {
	n, _ := l.Acked(cursor, envelope.StreamStat)
	return n
}

// window is a group of one source and period, with avg, min, max and n of each point.
func window(source, kind string, start time.Time, points ...string) envelope.Group {
	g := envelope.Group{Source: source, Kind: kind, Times: []int64{start.UnixMilli()}}
	for _, p := range points {
		for i, k := range []string{envelope.ColumnAvg, envelope.ColumnMin, envelope.ColumnMax, envelope.ColumnN} {
			g.Columns = append(g.Columns, envelope.Column{Point: p, Kind: k, Values: []string{[]string{"7.5", "7.1", "7.8", "60"}[i]}})
		}
	}
	return g
}

// minute is a block of one minute window of PM10.
func minute(start time.Time) []envelope.Group {
	return []envelope.Group{window("aq1", envelope.GroupMinute, start, "a34002")}
}

// sample is a group of live values of one source: point=value or point=value/flag.
func sample(source string, at time.Time, readings ...string) envelope.Group {
	g := envelope.Group{Source: source, Times: []int64{at.UnixMilli()}}
	for _, r := range readings {
		point, value, _ := strings.Cut(r, "=")
		value, flag, _ := strings.Cut(value, "/")
		c := envelope.Column{Point: point, Kind: envelope.ColumnLive, Values: []string{value}}
		if flag != "" {
			c.Flags = []string{flag}
		}
		g.Columns = append(g.Columns, c)
	}
	return g
}

// got is a frame as the fake platform read it.
type got struct {
	at     time.Time
	conn   int
	raw    string
	data   string            // segment
	fields map[string]string // before CP
	cp     string
}

func (g got) String() string { return g.fields["CN"] + " " + g.cp }

// fakePlatform reads and writes frames by itself, so that one mistake cannot cancel
// another.
type fakePlatform struct {
	t *testing.T

	mu     sync.Mutex
	frames []got
	dials  []time.Time
	conns  []net.Conn
	answer func(n int, g got) []byte // n counts frames from 1; default: taken
	refuse error
	all    sync.WaitGroup
}

// crc is appendix A of HJ 212-2017, bit by bit.
func crc(data string) string {
	reg := uint16(0xFFFF)
	for _, b := range []byte(data) {
		reg = reg>>8 ^ uint16(b)
		for range 8 {
			low := reg & 1
			reg >>= 1
			if low == 1 {
				reg ^= 0xA001
			}
		}
	}
	return fmt.Sprintf("%04X", reg)
}

func frame(data string) []byte {
	return fmt.Appendf(nil, "##%04d%s%s\r\n", len(data), data, crc(data))
}

// taken is a 9014 to a frame.
func taken(qn string) []byte {
	return frame("QN=" + qn + ";ST=91;CN=9014;PW=" + testPW + ";MN=" + testMN + ";Flag=4;CP=&&&&")
}

func request(cn, pw, mn string) []byte {
	return frame("QN=20000101080000123;ST=39;CN=" + cn + ";PW=" + pw + ";MN=" + mn + ";Flag=5;CP=&&&&")
}

func readFrame(r *bufio.Reader) (g got, err error) {
	head := make([]byte, 6)
	if _, err := io.ReadFull(r, head); err != nil {
		return g, err
	}
	n, err := strconv.Atoi(string(head[2:]))
	if err != nil || string(head[:2]) != "##" || head[2] == '+' || head[2] == '-' {
		return g, fmt.Errorf("head %q", head)
	}
	rest := make([]byte, n+6)
	if _, err := io.ReadFull(r, rest); err != nil {
		return g, err
	}
	g.data = string(rest[:n])
	g.raw = string(head) + string(rest)
	if tail := string(rest[n:]); tail != crc(g.data)+"\r\n" {
		return g, fmt.Errorf("tail %q of %q", tail, g.data)
	}
	before, after, begins := strings.Cut(g.data, ";CP=&&")
	cp, ends := strings.CutSuffix(after, "&&")
	if g.cp = cp; !begins || !ends {
		return g, fmt.Errorf("no data area in %q", g.data)
	}
	g.fields = map[string]string{}
	for _, f := range strings.Split(before, ";") {
		name, value, _ := strings.Cut(f, "=")
		g.fields[name] = value
	}
	return g, nil
}

func (f *fakePlatform) dial(context.Context) (net.Conn, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.dials = append(f.dials, time.Now())
	if f.refuse != nil {
		return nil, f.refuse
	}
	near, far := net.Pipe()
	f.conns = append(f.conns, far)
	out := make(chan []byte, 100)
	n := len(f.conns)
	f.all.Go(func() {
		defer close(out)
		f.hear(far, n, out)
	})
	f.all.Go(func() { // a pipe holds no bytes
		for b := range out {
			far.Write(b)
		}
	})
	return near, nil
}

func (f *fakePlatform) hear(c net.Conn, conn int, out chan<- []byte) {
	r := bufio.NewReader(c)
	for {
		g, err := readFrame(r)
		if err != nil {
			if !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrClosedPipe) && !errors.Is(err, io.ErrUnexpectedEOF) {
				f.t.Errorf("platform read: %v", err)
			}
			return
		}
		g.at, g.conn = time.Now(), conn
		f.mu.Lock()
		f.frames = append(f.frames, g)
		answer, n := f.answer, len(f.frames)
		f.mu.Unlock()
		b := taken(g.fields["QN"])
		if answer != nil {
			b = answer(n, g)
		}
		if b != nil && g.fields["CN"] != "9011" {
			out <- b
		}
	}
}

func (f *fakePlatform) got() []got {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.frames)
}

// count is how often it was dialled.
func (f *fakePlatform) count() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.dials)
}

func (f *fakePlatform) set(answer func(n int, g got) []byte) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.answer = answer
}

// say sends bytes over the newest connection.
func (f *fakePlatform) say(b []byte) {
	f.mu.Lock()
	c := f.conns[len(f.conns)-1]
	f.mu.Unlock()
	c.Write(b)
}

// cut ends the newest connection.
func (f *fakePlatform) cut() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.conns[len(f.conns)-1].Close()
}

// rig is a platform at work on a fake log.
type rig struct {
	t   *testing.T
	log *fakeLog
	f   *fakePlatform
	p   *Platform

	mu     sync.Mutex
	text   bytes.Buffer // of the logger
	events []envelope.Event
	stop   context.CancelFunc
	done   chan struct{}
}

func (r *rig) Write(p []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.text.Write(p)
}

func (r *rig) logged() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.text.String()
}

func newRig(t *testing.T, set func(*Options)) *rig {
	t.Helper()
	r := &rig{t: t, log: newLog(), f: &fakePlatform{t: t}}
	o := Options{
		Name: "city", Address: "platform.test:9001", ST: "39", PW: testPW, MN: testMN, Dial: r.f.dial,
		Logger: slog.New(slog.NewTextHandler(r, &slog.HandlerOptions{Level: slog.LevelDebug})),
		Event: func(e envelope.Event) {
			r.mu.Lock()
			defer r.mu.Unlock()
			r.events = append(r.events, e)
		},
	}
	if set != nil {
		set(&o)
	}
	p, err := New(r.log, r.log, o)
	if err != nil {
		t.Fatal(err)
	}
	r.p = p
	return r
}

func (r *rig) start() {
	var ctx context.Context
	ctx, r.stop = context.WithCancel(context.Background())
	r.done = make(chan struct{})
	done := r.done
	go func() {
		defer close(done)
		if err := r.p.Run(ctx); err != nil {
			r.t.Errorf("Run: %v", err)
		}
	}()
}

func (r *rig) end() {
	r.stop()
	<-r.done
	r.f.mu.Lock()
	for _, c := range r.f.conns {
		c.Close()
	}
	r.f.mu.Unlock()
	r.f.all.Wait()
}

func (r *rig) kinds() (out []string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, e := range r.events {
		out = append(out, e.Type+" "+e.Subject+" "+e.Old+">"+e.New)
	}
	return out
}

// areas are CN and data area of all frames, in their order.
func areas(frames []got) (out []string) {
	for _, g := range frames {
		out = append(out, g.String())
	}
	return out
}

func want[T comparable](t *testing.T, what string, got, want T) {
	t.Helper()
	if got != want {
		t.Errorf("%s is %v, want %v", what, got, want)
	}
}

func wantAll(t *testing.T, what string, got, want []string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("%s are\n\t%s\nwant\n\t%s", what, strings.Join(got, "\n\t"), strings.Join(want, "\n\t"))
	}
}
