package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"envgate/agent/platform"
	"envgate/buffer"
	"envgate/envelope"
	"envgate/tests/platform/gov"
)

// A station is a gateway without instruments: a real log into which figures are sealed at
// the end of each period, and the agent's own sessions to platforms, in a time of their
// own (testing/synctest), which passes as fast as the work is done.
type station struct {
	t       *testing.T
	path    string
	log     *buffer.Log
	sealer  *envelope.Sealer
	minutes int
	prev    string
	seq     uint64
	towns   []*town

	stop context.CancelFunc // of the sessions
	done []chan struct{}

	sealed map[figureKey]time.Time // when
	values map[figureKey]string
	order  []figureKey
}

// A figureKey is what a platform knows a record by.
type figureKey struct{ cn, dataTime string }

// A town is a platform, the line to it, and what the agent knows of it.
type town struct {
	gov  *gov.Platform
	link *gov.Link
	o    platform.Options
}

const (
	mn       = "010000A8900016F000169DC0"
	password = "123456"
	factor   = "a34002"
)

// beijing is the time of the site.
var beijing = time.FixedZone("UTC+8", 8*60*60)

// midnight is when the tests begin.
var midnight = time.Date(2026, 3, 2, 0, 0, 0, 0, beijing)

func newStation(t *testing.T, minutes int) *station {
	t.Helper()
	key, err := envelope.NewKey("gw1")
	if err != nil {
		t.Fatal(err)
	}
	time.Sleep(time.Until(midnight))
	return &station{
		t: t, path: filepath.Join(t.TempDir(), "log.db"), sealer: envelope.NewSealer(key), minutes: minutes, prev: envelope.Genesis,
		sealed: map[figureKey]time.Time{}, values: map[figureKey]string{},
	}
}

// town adds a platform. What is set in p counts; the rest is as for all of them.
func (s *station) town(o gov.Options, p platform.Options) *town {
	s.t.Helper()
	o.MN, o.PW = cmp.Or(o.MN, mn), cmp.Or(o.PW, password)
	o.Edition = cmp.Or(o.Edition, 2017)
	g, err := gov.New(o)
	if err != nil {
		s.t.Fatal(err)
	}
	w := &town{gov: g, o: p}
	w.link = gov.NewLink(func() (net.Conn, error) {
		near, far := net.Pipe()
		g.Serve(far)
		return near, nil
	})
	w.o.Name, w.o.Edition = fmt.Sprintf("town%d", len(s.towns)+1), o.Edition
	w.o.ST, w.o.PW, w.o.MN, w.o.Minutes = "22", password, mn, s.minutes
	w.o.Factors = []platform.Factor{{Device: "aq1", Point: factor}}
	if w.o.Dial == nil {
		w.o.Dial = func(context.Context) (net.Conn, error) {
			near, far := net.Pipe()
			w.link.Carry(far)
			return near, nil
		}
	}
	s.towns = append(s.towns, w)
	return w
}

// start opens the log and begins all sessions, as a start of the agent does.
func (s *station) start() {
	s.t.Helper()
	log, err := buffer.Open(s.path, buffer.Options{Streams: []buffer.StreamOptions{{Name: envelope.StreamLive}, {Name: envelope.StreamStat}}})
	if err != nil {
		s.t.Fatal(err)
	}
	s.log = log
	var ctx context.Context
	ctx, s.stop = context.WithCancel(context.Background())
	for _, w := range s.towns {
		if err := log.AddCursor("platform/"+w.o.Name, envelope.StreamStat); err != nil {
			s.t.Fatal(err)
		}
		p, err := platform.New(log, log, w.o)
		if err != nil {
			s.t.Fatal(err)
		}
		done := make(chan struct{})
		s.done = append(s.done, done)
		go func() {
			defer close(done)
			p.Run(ctx)
		}()
	}
}

// end stops the sessions and closes the log.
func (s *station) end() {
	s.stop()
	for _, d := range s.done {
		<-d
	}
	s.done = nil
	if err := s.log.Close(); err != nil {
		s.t.Error(err)
	}
}

func (s *station) close() {
	s.end()
	for _, w := range s.towns {
		w.link.Close()
		w.gov.Close()
	}
}

// sealing is how long after the end of a period its figures are sealed: the agent's
// longest.
const sealing = 2 * time.Second

// live lets time pass until then, and seals the figures of each period that closes.
func (s *station) live(until time.Time) {
	step := time.Duration(s.minutes) * time.Minute
	for {
		next := time.Now().Truncate(step).Add(step)
		if next.After(until) {
			time.Sleep(time.Until(until))
			return
		}
		time.Sleep(time.Until(next.Add(sealing)))
		s.seal(next)
		synctest.Wait()
	}
}

// seal appends the figures of all periods that end then, in one block.
func (s *station) seal(end time.Time) {
	s.t.Helper()
	s.seq++
	b := envelope.Block{
		Gateway: "gw1", Stream: envelope.StreamStat, Epoch: s.log.Epoch(), Seq: s.seq, Prev: s.prev, Boot: "b", T0: end.UnixMilli(),
		Clock: envelope.Clock{State: envelope.ClockSync},
	}
	add := func(kind, cn string, long time.Duration) {
		start := end.Add(-long)
		value := fmt.Sprintf("%d.%d", start.Unix()/60%1000, len(cn)+int(long.Hours()))
		g := envelope.Group{Source: "aq1", Kind: kind, Times: []int64{start.UnixMilli() - b.T0}}
		for _, column := range []string{envelope.ColumnAvg, envelope.ColumnMin, envelope.ColumnMax} {
			g.Columns = append(g.Columns, envelope.Column{Point: factor, Kind: column, Values: []string{value}})
		}
		b.Groups = append(b.Groups, g)
		k := figureKey{cn, gov.Stamp(start)}
		s.sealed[k], s.values[k] = time.Now(), value
		s.order = append(s.order, k)
	}
	add(envelope.GroupMinute, "2051", time.Duration(s.minutes)*time.Minute)
	if local := end.In(beijing); local.Minute() == 0 {
		add(envelope.GroupHour, "2061", time.Hour)
		if local.Hour() == 0 {
			add(envelope.GroupDay, "2031", 24*time.Hour)
		}
	}
	payload := b.AppendPayload(nil)
	s.prev = envelope.Hash(payload)
	m, err := s.sealer.Seal(envelope.TypeBlock, payload)
	if err == nil {
		err = s.log.Append(buffer.Batch{Records: []buffer.Record{{Stream: envelope.StreamStat, Seq: s.seq, Time: time.Now(), Data: m}}})
	}
	if err != nil {
		s.t.Fatal(err)
	}
}

// lag is how long after its sealing a figure was at a platform.
func (s *station) lag(r gov.Record) (time.Duration, error) {
	at, ok := s.sealed[figureKey{r.CN, r.DataTime}]
	if !ok {
		return 0, errors.New("it was never sealed")
	}
	return r.At.Sub(at), nil
}

// whole holds what a platform has against what was sealed: nothing is missing, nothing is
// there that was not sealed, nothing differs.
func (s *station) whole(w *town) {
	s.t.Helper()
	got := map[figureKey]gov.Record{}
	for _, r := range w.gov.Records("") {
		if r.CN == "2051" || r.CN == "2061" || r.CN == "2031" {
			got[figureKey{r.CN, r.DataTime}] = r
		}
	}
	missing := 0
	for _, k := range s.order {
		r, ok := got[k]
		delete(got, k)
		switch {
		case !ok:
			missing++
		case r.Factors[factor]["Avg"] != s.values[k] || r.Factors[factor]["Flag"] != "N" || r.Missing > 0 || r.Differs > 0:
			s.t.Errorf("%s: %v is %+v, want avg %s", w.o.Name, k, r, s.values[k])
		}
	}
	if missing > 0 {
		s.t.Errorf("%s: %d of %d records are missing", w.o.Name, missing, len(s.order))
	}
	for k := range got {
		s.t.Errorf("%s: %v was never sealed", w.o.Name, k)
	}
	for _, text := range w.gov.Wrong() {
		s.t.Errorf("%s: %s", w.o.Name, text)
	}
}
