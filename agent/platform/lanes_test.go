package platform

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
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

// seal adds the minute of ten minutes that ends now, over two blocks as of two sources.
func (r *rig) seal(start time.Time) {
	r.log.add("stat",
		[]envelope.Group{window("aq1", envelope.GroupMinute, start, "a34002")},
		[]envelope.Group{window("wx", envelope.GroupMinute, start, "a01001")})
}

const wholeMinute = ";a01001-Min=7.1,a01001-Avg=7.5,a01001-Max=7.8,a01001-Flag=N;a34002-Min=7.1,a34002-Avg=7.5,a34002-Max=7.8,a34002-Flag=N"

// TestFreshFirst comes back after an outage: the newest period goes first, without RF,
// the backlog behind it from the oldest on, and what is sealed meanwhile before it.
func TestFreshFirst(t *testing.T) {
	run(t, func(o *Options) { o.Edition = 2025 }, func(r *rig) {
		for i := range 6 {
			r.seal(t0.Add(time.Duration(i-6) * 10 * time.Minute))
		}
		r.f.set(func(n int, g got) []byte {
			if n == 3 {
				r.seal(t0)
			}
			return taken(g.fields["QN"])
		})
	}, func(r *rig) {
		wait(time.Minute)
		var order []string
		for _, g := range r.f.got() {
			order = append(order, strings.TrimPrefix(g.cp, "DataTime=20000101")[:4]+" "+g.fields["RF"])
			want(t, "record", g.cp[len("DataTime=20000101000000"):], wholeMinute)
		}
		wantAll(t, "DataTime and RF", order, []string{"0750 ", "0700 1", "0710 1", "0800 ", "0720 1", "0730 1", "0740 "})
		want(t, "cursor", r.log.acked(), 14)
		s := r.p.Stats()
		want(t, "Backfilled", s.Backfilled, 4)
		want(t, "Lag", s.Lag, 0)
	})
}

// TestLanesOverRestarts has a platform that is cut, silent and doubled at random, a
// process that is begun anew, and periods that are sealed meanwhile: in the end each
// record came whole, and never with another content.
func TestLanesOverRestarts(t *testing.T) {
	for seed := range uint64(12) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			var mu sync.Mutex // connections overlap
			dice := rand.New(rand.NewPCG(seed, 1))
			roll := func(n int) int {
				mu.Lock()
				defer mu.Unlock()
				return dice.IntN(n)
			}
			run(t, func(o *Options) { o.Edition, o.ReconnectMax = 2025, 2*time.Second }, func(g *rig) {
				g.f.set(func(_ int, x got) []byte {
					switch roll(6) {
					case 0:
						g.f.cut()
						return nil
					case 1:
						return nil
					case 2:
						return append(taken(x.fields["QN"]), taken(x.fields["QN"])...)
					}
					return taken(x.fields["QN"])
				})
			}, func(g *rig) {
				const n = 60
				for i := range n {
					g.seal(t0.Add(time.Duration(i) * 10 * time.Minute))
					if i%20 == 5 { // an outage of some periods
						g.f.mu.Lock()
						g.f.refuse = errTest
						g.f.mu.Unlock()
						g.f.cut()
					}
					if i%20 == 12 {
						g.f.mu.Lock()
						g.f.refuse = nil
						g.f.mu.Unlock()
					}
					if i%20 == 13 {
						wait(time.Duration(roll(5000)) * time.Millisecond)
						g.end()
						p, err := New(g.log, g.log, g.p.o)
						if err != nil {
							t.Fatal(err)
						}
						g.p = p
						g.start()
					}
					time.Sleep(time.Until(t0.Add(time.Duration(i+1) * 10 * time.Minute)))
					synctest.Wait()
				}
				wait(time.Hour)
				want(t, "cursor", g.log.acked(), 2*n)
				records := map[string]bool{}
				for _, x := range g.f.got() {
					records[x.cp] = true
					if !strings.HasSuffix(x.cp, wholeMinute) {
						t.Errorf("record %q is not whole", x.cp)
					}
				}
				want(t, "records", len(records), n)
			})
		})
	}
}

// TestMany has eight platforms on one log: one cannot be had, one answers each frame
// after nine seconds, one has another key. The others have each minute when it is sealed.
func TestMany(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := newLog()
		ctx, stop := context.WithCancel(context.Background())
		var all sync.WaitGroup
		var fakes []*fakePlatform
		var tries atomic.Int64
		for i := range 8 {
			f := &fakePlatform{t: t}
			o := Options{Name: fmt.Sprint("p", i), Edition: 2025, ST: "39", PW: testPW, MN: testMN, Dial: f.dial}
			switch i {
			case 0:
				f.refuse = errTest
			case 1:
				f.answer = func(_ int, g got) []byte {
					time.Sleep(9 * time.Second)
					return taken(g.fields["QN"])
				}
			case 2:
				o.Keys = testKeys(t)
				o.Dial = func(context.Context) (net.Conn, error) { // and reads no frame
					near, far := net.Pipe()
					tries.Add(1)
					go io.Copy(io.Discard, far)
					return near, nil
				}
			}
			p, err := New(log, log, o)
			if err != nil {
				t.Fatal(err)
			}
			fakes = append(fakes, f)
			all.Go(func() { p.Run(ctx) })
		}
		for i := range 30 {
			wait(time.Until(t0.Add(time.Duration(i+1) * 10 * time.Minute)))
			log.add("stat", minute(t0.Add(time.Duration(i)*10*time.Minute)))
			synctest.Wait() // no time passes
			for k, f := range fakes[3:] {
				frames := f.got()
				want(t, "frames of "+fmt.Sprint(k+3), len(frames), i+1)
				if len(frames) > 0 {
					want(t, "time", time.Since(frames[len(frames)-1].at), 0)
				}
			}
		}
		if n := tries.Load(); n < 10 {
			t.Errorf("the platform with the wrong key was tried %d times", n)
		}
		want(t, "cursor of the dead", log.upto["platform/p0/stat"], 0)
		stop()
		all.Wait()
		for _, f := range fakes {
			for _, c := range f.conns {
				c.Close()
			}
			f.all.Wait()
		}
	})
}

func testKeys(t *testing.T) hj212.Keys {
	k, err := hj212.NewKey("", []byte("k3y-of-the-test!"))
	if err != nil {
		t.Fatal(err)
	}
	return hj212.Keys{k}
}

// TestEncrypted reads what goes out under a key by a codec of the other side.
func TestEncrypted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		near, far := net.Pipe()
		log := newLog()
		log.add("stat", minute(t0))
		p, err := New(log, log, Options{
			Name: "city", Edition: 2025, ST: "39", PW: testPW, MN: testMN, Keys: testKeys(t),
			Dial: func(context.Context) (net.Conn, error) { return near, nil },
		})
		if err != nil {
			t.Fatal(err)
		}
		ctx, stop := context.WithCancel(context.Background())
		var all sync.WaitGroup
		all.Go(func() { p.Run(ctx) })
		r := hj212.NewReader(far)
		r.Codec = &hj212.Codec{Keys: func(string) hj212.Keys { return testKeys(t) }}
		data, err := r.Next()
		if err != nil || !r.Frame().Encrypted || !strings.Contains(string(data), "a34002-Avg=7.5") {
			t.Errorf("frame %q, %v, encrypted %t", data, err, r.Frame().Encrypted)
		}
		want(t, "Encrypted", p.Stats().Encrypted, true)
		stop()
		all.Wait()
	})
}

// TestBoot tells the start once, and gives up on a platform that does not know it.
func TestBoot(t *testing.T) {
	for _, knows := range []bool{true, false} {
		run(t, func(o *Options) { o.Boot = t0.Add(-time.Minute) }, func(r *rig) {
			r.f.set(func(_ int, g got) []byte {
				if g.fields["CN"] == cnBoot && !knows {
					return nil
				}
				return taken(g.fields["QN"])
			})
			r.log.add("stat", minute(t0))
		}, func(r *rig) {
			want(t, "first", r.f.got()[0].String(), "2081 DataTime=20000101080000;RestartTime=20000101075900")
			r.f.cut()
			wait(5 * time.Minute)
			want(t, "cursor", r.log.acked(), 1)
			n := 0
			for _, g := range r.f.got() {
				if g.fields["CN"] == cnBoot {
					n++
				}
			}
			if knows && n != 1 || n > 1+4*bootTries {
				t.Errorf("the start was told %d times", n)
			}
		})
	}
}

// TestNoAnswers has a platform that answers nothing, as was agreed.
func TestNoAnswers(t *testing.T) {
	run(t, func(o *Options) { o.NoAnswers = true }, func(r *rig) {
		r.f.set(func(int, got) []byte { return nil })
		r.log.add("stat", minute(t0), minute(t0.Add(10*time.Minute)))
	}, func(r *rig) {
		want(t, "frames", len(r.f.got()), 2)
		want(t, "Flag", r.f.got()[0].fields["Flag"], "4")
		want(t, "cursor", r.log.acked(), 2)
	})
}

// TestHeartbeat keeps an idle connection, and gives one up that is dead.
func TestHeartbeat(t *testing.T) {
	run(t, func(o *Options) { o.Heartbeat = time.Minute }, func(r *rig) {
		r.f.set(func(_ int, g got) []byte {
			return frame("QN=" + g.fields["QN"] + ";ST=91;CN=9013;PW=" + testPW + ";MN=" + testMN + ";Flag=4;CP=&&&&")
		})
	}, func(r *rig) {
		wait(10*time.Minute + time.Second)
		want(t, "dials", r.f.count(), 1)
		if n := len(r.f.got()); n != 10 || r.f.got()[0].fields["CN"] != "9015" {
			t.Errorf("%d frames, want 10 heartbeats", n)
		}
		r.f.set(func(int, got) []byte { return nil })
		wait(2 * time.Minute)
		if r.f.count() < 2 {
			t.Error("the dead connection was kept")
		}
	})
}

// TestSystems has factors of power monitoring beside those of the site: each system has
// its own frames, real-time ones too.
func TestSystems(t *testing.T) {
	set := func(o *Options) {
		o.Edition, o.ST = 2025, "31"
		o.Factors = []Factor{{Device: "aq1", Point: "a34002"}, {Device: "m1", Point: "p", Code: "d20101", ST: "44"}}
	}
	run(t, set, func(r *rig) {
		r.log.add("stat", []envelope.Group{
			window("aq1", envelope.GroupMinute, t0, "a34002"), window("m1", envelope.GroupMinute, t0, "p"),
		})
		r.log.add("live", []envelope.Group{sample("aq1", t0, "a34002=1"), sample("m1", t0, "p=2")})
	}, func(r *rig) {
		var heads []string
		for _, g := range r.f.got() {
			heads = append(heads, g.fields["ST"]+" "+g.fields["CN"]+" "+g.cp[:strings.Index(g.cp, "-")])
		}
		slices.Sort(heads)
		wantAll(t, "frames", heads, []string{
			"31 2011 DataTime=20000101080000;a34002", "31 2051 DataTime=20000101080000;a34002",
			"44 2011 DataTime=20000101080000;d20101", "44 2051 DataTime=20000101080000;d20101",
		})
		want(t, "cursor", r.log.acked(), 1)
	})
}

// TestPrinted makes the data areas that HJ 212-2017 prints for noise (C.25 to C.27).
func TestPrinted(t *testing.T) {
	run(t, func(o *Options) { o.ST = "23" }, func(r *rig) {
		g := envelope.Group{Source: "n1", Kind: envelope.GroupHour, Times: []int64{t0.UnixMilli()}}
		for _, v := range []string{"L5=53.0", "Leq=50.0", "LMn=42.0"} {
			point, value, _ := strings.Cut(v, "=")
			for _, kind := range []string{envelope.ColumnAvg, envelope.ColumnMin, envelope.ColumnMax} {
				g.Columns = append(g.Columns, envelope.Column{Point: point, Kind: kind, Values: []string{value}})
			}
		}
		r.log.add("stat", []envelope.Group{g})
		r.log.add("live", []envelope.Group{sample("n1", t0, "LA=50.1")})
	}, func(r *rig) {
		wantAll(t, "frames", areas(r.f.got()), []string{
			"2011 DataTime=20000101080000;LA-Rtd=50.1",
			"2061 DataTime=20000101080000;L5-Data=53.0;LMn-Data=42.0;Leq-Data=50.0",
		})
	})
}

// TestConverted sends converted values, and in 2025 what stands for one that cannot be
// computed.
func TestConverted(t *testing.T) {
	for edition, missing := range map[int]string{2005: "", 2017: "", 2025: "a21026-ZsRtd=99999.99,"} {
		code := map[bool]string{true: "02", false: "a21026"}[edition == 2005]
		run(t, func(o *Options) { o.Edition = edition }, nil, func(r *rig) {
			for _, zs := range []string{"12.345", ""} {
				g := sample("c1", time.Now(), "a21026=10.125")
				g.Columns = append(g.Columns, envelope.Column{Point: "a21026", Kind: envelope.ColumnZs, Values: []string{zs}})
				r.log.add("live", []envelope.Group{g})
				wait(30 * time.Second)
			}
			wantAll(t, fmt.Sprint(edition), areas(r.f.got()), []string{
				"2011 DataTime=20000101080000;" + code + "-Rtd=10.12," + code + "-ZsRtd=12.34," + code + "-Flag=N",
				"2011 DataTime=20000101080030;" + code + "-Rtd=10.12," + missing + code + "-Flag=N",
			})
		})
	}
}

func TestWrite(t *testing.T) {
	tests := []struct {
		times, value, suffix string
		most                 int
		want                 string
	}{
		{"1", "7.50", "Avg", -1, "7.50"},
		{"1", "7.125", "Avg", 2, "7.12"},
		{"1", "7.135", "Avg", 2, "7.14"},
		{"1", "-7.125", "Avg", 2, "-7.12"},
		{"1", "-7.1251", "Avg", 2, "-7.13"},
		{"1", "-0.001", "Avg", 2, "0.00"},
		{"1", "0.5", "Rtd", 0, "0"},
		{"1", "1.5", "Rtd", 0, "2"},
		{"1", "9.999", "Max", 2, "10.00"},
		{"0.001", "75.5", "Avg", 3, "0.076"},
		{"0.001", "74.5", "Avg", 3, "0.074"},
		{"1000", "0.0755", "Avg", -1, "75.5000"},
		{"1000", "0.0755", "Cou", 0, "0.0755"},
		{"1.963", "10", "Avg", 1, "19.6"},
	}
	for _, test := range tests {
		o := Options{Edition: 2017}
		f := Factor{Code: "local", Times: test.times}
		if test.most >= 0 {
			f.Decimals = &test.most
		}
		w, err := o.way(f)
		if err != nil {
			t.Fatal(err)
		}
		want(t, test.value+" × "+test.times, w.write(test.value, test.suffix), test.want)
	}
}
