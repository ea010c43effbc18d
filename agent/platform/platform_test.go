package platform

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"envgate/envelope"
	"envgate/hj212"
)

// run is a test in a bubble with a platform at work.
func run(t *testing.T, set func(*Options), prepare func(*rig), test func(*rig)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, set)
		if prepare != nil {
			prepare(r)
		}
		r.start()
		synctest.Wait()
		test(r)
		r.end()
	})
}

func wait(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

func TestFrames(t *testing.T) {
	run(t, nil, func(r *rig) {
		// 11:50 to 12:00 and the hour with it, sealed together over two blocks, as
		// the figures of two sources.
		m, h := t0.Add(3*time.Hour+50*time.Minute), t0.Add(3*time.Hour)
		missing := window("wx", envelope.GroupMinute, m, "a01001")
		for i := range missing.Columns {
			missing.Columns[i].Values[0] = ""
		}
		missing.Columns[0].Flags = []string{"B"}
		r.log.add("stat",
			[]envelope.Group{
				window("aq1", envelope.GroupHour, h, "a34002"), window("aq1", envelope.GroupMinute, m, "a34002", "local"),
			},
			[]envelope.Group{missing})
		r.log.add("stat", []envelope.Group{window("aq1", envelope.GroupDay, t0.Add(-8*time.Hour), "a34002")})
	}, func(r *rig) {
		frames := r.f.got()
		wantAll(t, "frames", areas(frames), []string{
			"2051 DataTime=20000101115000;a01001-Flag=B;a34002-Min=7.1,a34002-Avg=7.5,a34002-Max=7.8,a34002-Flag=N",
			"2061 DataTime=20000101110000;a34002-Min=7.1,a34002-Avg=7.5,a34002-Max=7.8,a34002-Flag=N",
			"2031 DataTime=20000101000000;a34002-Min=7.1,a34002-Avg=7.5,a34002-Max=7.8,a34002-Flag=N",
		})
		prefix := "QN=20000101080000000;ST=39;CN=2051;PW=s3cr3t;MN=" + testMN + ";Flag=5;CP=&&DataTime="
		if !strings.HasPrefix(frames[0].data, prefix) {
			t.Errorf("segment %q, want one that begins %q", frames[0].data, prefix)
		}
		want(t, "second QN", frames[1].fields["QN"], "20000101080000001") // of the same millisecond
		wantAll(t, "acks", r.log.acks, []string{"platform/city stat 1-2", "platform/city stat 3-3"})
		s := r.p.Stats()
		want(t, "Records", s.Records, 3)
		want(t, "Lag", s.Lag, 0)
	})
}

// TestHalvedRow has a row that was cut between a point's columns: only the first half
// carries the flag.
func TestHalvedRow(t *testing.T) {
	run(t, nil, func(r *rig) {
		a := window("aq1", envelope.GroupMinute, t0, "a34002")
		b := a
		a.Columns, b.Columns = a.Columns[:2], b.Columns[2:]
		a.Columns[0].Flags = []string{"D"}
		r.log.add("stat", []envelope.Group{a}, []envelope.Group{b})
		r.log.add("stat", minute(t0)) // the same period again, as after a clock was set back
	}, func(r *rig) {
		wantAll(t, "frames", areas(r.f.got()), []string{
			"2051 DataTime=20000101080000;a34002-Min=7.1,a34002-Avg=7.5,a34002-Max=7.8,a34002-Flag=D",
			"2051 DataTime=20000101080000;a34002-Min=7.1,a34002-Avg=7.5,a34002-Max=7.8,a34002-Flag=N",
		})
	})
}

// TestOneInFlight holds answers back: nothing else goes out, and the cursor stays.
func TestOneInFlight(t *testing.T) {
	run(t, nil, func(r *rig) {
		r.f.set(func(int, got) []byte { return nil })
		for i := range 3 {
			r.log.add("stat", minute(t0.Add(time.Duration(i)*10*time.Minute)))
		}
	}, func(r *rig) {
		wait(9 * time.Second)
		want(t, "frames", len(r.f.got()), 1)
		want(t, "cursor", r.log.acked(), 0)
		r.f.set(nil)
		r.f.say(taken(r.f.got()[0].fields["QN"]))
		synctest.Wait()
		want(t, "frames", len(r.f.got()), 3)
		want(t, "cursor", r.log.acked(), 3)
		want(t, "Resent", r.p.Stats().Resent, 0)
	})
}

func TestLostAnswer(t *testing.T) {
	run(t, nil, func(r *rig) {
		r.f.set(func(n int, g got) []byte {
			if n <= 2 {
				return nil
			}
			return taken(g.fields["QN"])
		})
		r.log.add("stat", minute(t0))
	}, func(r *rig) {
		wait(time.Minute)
		frames := r.f.got()
		want(t, "frames", len(frames), 3)
		for i, g := range frames {
			want(t, "frame", g.raw, frames[0].raw) // the QN with it
			want(t, "time", g.at.Sub(t0), time.Duration(i)*10*time.Second)
			want(t, "connection", g.conn, 1)
		}
		want(t, "cursor", r.log.acked(), 1)
		want(t, "Resent", r.p.Stats().Resent, 2)
	})
}

func TestWrongAnswer(t *testing.T) {
	run(t, nil, func(r *rig) {
		r.f.set(func(int, got) []byte { return taken("20000101080000999") })
		r.log.add("stat", minute(t0))
	}, func(r *rig) {
		wait(time.Second)
		want(t, "cursor", r.log.acked(), 0)
		want(t, "Strays", r.p.Stats().Strays, 1)
		wait(10 * time.Second)
		want(t, "frames", len(r.f.got()), 2)
	})
}

// TestSilence has a platform that answers nothing for a while: after the retries the
// connection is made anew, with a new frame.
func TestSilence(t *testing.T) {
	run(t, nil, func(r *rig) {
		r.f.set(func(int, got) []byte { return nil })
		r.log.add("stat", minute(t0), minute(t0.Add(10*time.Minute)))
	}, func(r *rig) {
		wait(39 * time.Second)
		want(t, "frames", len(r.f.got()), 4) // 3 retries
		want(t, "dials", r.f.count(), 1)
		wait(3 * time.Second)
		want(t, "dials", r.f.count(), 2)
		frames := r.f.got()
		want(t, "frames", len(frames), 5)
		if frames[4].conn != 2 || frames[4].fields["QN"] == frames[0].fields["QN"] || frames[4].cp != frames[0].cp {
			t.Errorf("after the reconnect %q over connection %d, want the record of %q under a new QN", frames[4].data, frames[4].conn, frames[0].data)
		}
		r.f.set(nil)
		wait(10 * time.Second)
		want(t, "cursor", r.log.acked(), 2)
		wantAll(t, "events", r.kinds(), []string{"uplink.down platform/city >down", "uplink.up platform/city down>up"})
		if n := strings.Count(r.logged(), "\n"); n != 2 || !strings.Contains(r.logged(), "no answer to 2051 of 20000101080000 after 4 attempts of 10s") {
			t.Errorf("log is %q, want two lines with what was not answered", r.logged())
		}
	})
}

// TestReconnect cuts the connection again and again: every record comes, none that was
// answered comes twice, and what was not comes again with its QN.
func TestReconnect(t *testing.T) {
	const n = 20
	run(t, nil, func(r *rig) {
		r.f.set(func(n int, g got) []byte {
			if n%3 == 0 {
				r.f.cut()
				return nil
			}
			return taken(g.fields["QN"])
		})
		for i := range n {
			r.log.add("stat", minute(t0.Add(time.Duration(i)*10*time.Minute)))
		}
	}, func(r *rig) {
		wait(10 * time.Minute)
		want(t, "cursor", r.log.acked(), n)
		qns, answered, next := map[string]bool{}, map[string]int{}, 0
		frames := r.f.got()
		for i, g := range frames {
			if i > 0 && i%3 == 0 {
				want(t, "over the next connection", g.raw, frames[i-1].raw)
			} else if qns[g.fields["QN"]] {
				t.Errorf("QN %s twice", g.fields["QN"])
			}
			qns[g.fields["QN"]] = true
			if wanted := hj212.Stamp(t0.Add(time.Duration(next) * 10 * time.Minute)); !strings.Contains(g.cp, wanted) {
				t.Errorf("frame %d is %v, want DataTime %s", i, g, wanted)
			}
			if (i+1)%3 != 0 {
				answered[g.cp]++
				next++
			}
		}
		want(t, "records", len(answered), n)
	})
}

// TestReconnectLate has an outage behind a frame that was not answered: by then the record
// is to be marked, so that it is another frame and has a QN of its own.
func TestReconnectLate(t *testing.T) {
	refuse := func(r *rig, err error) {
		r.f.mu.Lock()
		defer r.f.mu.Unlock()
		r.f.refuse = err
	}
	run(t, func(o *Options) { o.Edition, o.Send = 2025, []string{SendMinute} }, func(r *rig) {
		r.f.set(func(n int, g got) []byte {
			if n > 1 {
				return taken(g.fields["QN"])
			}
			refuse(r, errors.New("refused"))
			r.f.cut()
			return nil
		})
		r.log.add("stat", minute(t0.Add(-10*time.Minute)))
	}, func(r *rig) {
		wait(11 * time.Minute)
		refuse(r, nil)
		wait(time.Minute)
		frames := r.f.got()
		if len(frames) != 2 || frames[0].fields["RF"] != "" || frames[1].fields["RF"] != "1" || frames[0].fields["QN"] == frames[1].fields["QN"] {
			t.Errorf("frames are %q, want the record unmarked, and marked under another QN", frames)
		}
		want(t, "cursor", r.log.acked(), 1)
		want(t, "Backfilled", r.p.Stats().Backfilled, 1)
	})
}

// TestRestart begins a process anew on the log of another.
func TestRestart(t *testing.T) {
	run(t, nil, func(r *rig) {
		r.log.add("stat", minute(t0), minute(t0.Add(10*time.Minute)))
	}, func(r *rig) {
		wait(time.Second)
		p, err := New(r.log, r.log, r.p.o)
		if err != nil {
			t.Fatal(err)
		}
		r.end()
		r.p = p
		r.log.add("stat", minute(t0.Add(20*time.Minute)))
		r.start()
		wait(time.Second)
		frames := r.f.got()
		want(t, "frames", len(frames), 3)
		if !strings.Contains(frames[2].cp, "DataTime=20000101082000") {
			t.Errorf("after a restart %v, want the third record", frames[2])
		}
	})
}

func TestBackoff(t *testing.T) {
	run(t, func(o *Options) { o.ReconnectMax = 4 * time.Second }, func(r *rig) {
		r.f.refuse = errTest
	}, func(r *rig) {
		wait(10 * time.Minute)
		r.f.mu.Lock()
		dials := r.f.dials
		r.f.refuse = nil
		r.f.mu.Unlock()
		for i := 1; i < len(dials); i++ {
			if d := dials[i].Sub(dials[i-1]); d < 100*time.Millisecond || d > min(4*time.Second, time.Second<<min(i-1, 10)) {
				t.Errorf("pause %d is %v", i, d)
			}
		}
		if len(dials) < 150 || strings.Count(r.logged(), "\n") != 1 {
			t.Errorf("%d attempts in 10 minutes, log %q: want more than 150 and one line", len(dials), r.logged())
		}
		r.log.add("stat", minute(t0))
		wait(5 * time.Second)
		want(t, "cursor", r.log.acked(), 1)
	})
}

func TestEpoch(t *testing.T) {
	run(t, nil, func(r *rig) {
		r.f.set(func(int, got) []byte { return nil })
		r.log.add("stat", append(minute(t0), window("aq1", envelope.GroupHour, t0.Add(-time.Hour), "a34002")))
	}, func(r *rig) {
		r.log.rotate("e2")
		r.log.add("stat", minute(t0.Add(time.Hour)), minute(t0.Add(2*time.Hour)))
		r.f.set(nil)
		r.f.say(taken(r.f.got()[0].fields["QN"])) // of a block that was 1 in the old epoch
		synctest.Wait()
		want(t, "cursor", r.log.acked(), 2)
		wantAll(t, "acks", r.log.acks, []string{"platform/city stat 1-1", "platform/city stat 2-2"})
		frames := r.f.got()
		want(t, "frames", len(frames), 4) // two of the old epoch, which were sealed together
		for i, start := range []string{"20000101070000", "20000101080000", "20000101090000", "20000101100000"} {
			if !strings.Contains(frames[i].cp, "DataTime="+start) {
				t.Errorf("frame %d is %v, want DataTime %s", i, frames[i], start)
			}
		}
	})
}

// TestEvicted begins past blocks that are gone, and passes by those that are empty or
// cannot be read.
func TestEvicted(t *testing.T) {
	run(t, nil, func(r *rig) {
		r.log.add("stat", minute(t0), minute(t0.Add(10*time.Minute)), nil, minute(t0.Add(20*time.Minute)), nil)
		r.log.blocks["stat"] = r.log.blocks["stat"][1:]
		r.log.evicted["stat"] = 1
		r.log.blocks["stat"][0] = []byte("rubbish")
	}, func(r *rig) {
		wait(time.Second)
		want(t, "cursor", r.log.acked(), 5)
		want(t, "frames", len(r.f.got()), 1)
		want(t, "Unreadable", r.p.Stats().Unreadable, 1)
	})
}

// TestUnknownCursor has a log that leaves acknowledgements alone: the record must not
// go out for ever at full speed.
func TestUnknownCursor(t *testing.T) {
	run(t, nil, func(r *rig) {
		r.log.unknown = true
		r.log.add("stat", minute(t0))
	}, func(r *rig) {
		wait(10*time.Minute + time.Second)
		if n := len(r.f.got()); n > 11 {
			t.Errorf("%d frames in 10 minutes, want one a minute", n)
		}
	})
}

func TestRequests(t *testing.T) {
	const qn = "20000101080000123"
	answer := func(cn, pw, mn, cp string) string {
		return "QN=" + qn + ";ST=91;CN=" + cn + ";PW=" + pw + ";MN=" + mn + ";Flag=4;CP=&&" + cp + "&&"
	}
	const otherMN = "010000A8900016F000169DC1"
	tests := []struct {
		name   string
		frame  []byte
		answer string // "" = none
	}{
		{"refused", request("1062", testPW, testMN), answer("9011", testPW, testMN, "QnRtn=2")},
		{"unknown command", request("3999", testPW, testMN), answer("9011", testPW, testMN, "QnRtn=8")},
		{"notification", request("2012", testPW, testMN), answer("9013", testPW, testMN, "")},
		// The answer repeats the password that came, so that nobody learns ours.
		{"wrong password", request("1062", "000000", testMN), answer("9011", "000000", testMN, "QnRtn=3")},
		{"wrong MN", request("1062", testPW, otherMN), answer("9011", testPW, otherMN, "QnRtn=4")},
		{"a notification's answer", request("9013", testPW, testMN), ""},
		{"no number", request("+162", testPW, testMN), ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			run(t, nil, nil, func(r *rig) {
				r.f.say(test.frame)
				synctest.Wait()
				frames, s := r.f.got(), r.p.Stats()
				if test.answer == "" {
					want(t, "frames", len(frames), 0)
					want(t, "Strays and Others", s.Strays+s.Others, 1)
					return
				}
				want(t, "frames", len(frames), 1)
				want(t, "answer", frames[0].data, test.answer)
				if strings.Contains(test.answer, "9011") {
					want(t, "Refused and Rejected", s.Refused+s.Rejected, 1)
				}
			})
		})
	}
}

// TestNoEnd has a platform whose frames end with their CRC: an answer counts when nothing
// comes behind it, and is not waited for in vain.
func TestNoEnd(t *testing.T) {
	run(t, nil, func(r *rig) {
		r.f.set(func(_ int, g got) []byte { return bytes.TrimRight(taken(g.fields["QN"]), "\r\n") })
		r.log.add("stat", minute(t0))
	}, func(r *rig) {
		wait(3 * time.Second)
		want(t, "cursor", r.log.acked(), 1)
		want(t, "Resent", r.p.Stats().Resent, 0)
	})
}

// TestRubbish has bad frames before the answer.
func TestRubbish(t *testing.T) {
	run(t, nil, func(r *rig) {
		r.f.set(func(_ int, g got) []byte {
			good := taken(g.fields["QN"])
			bad := append([]byte{}, good...)
			bad[40] ^= 1
			return append(append([]byte("\x00##9999##"), bad...), good...)
		})
		r.log.add("stat", minute(t0))
	}, func(r *rig) {
		want(t, "cursor", r.log.acked(), 1)
		s := r.p.Stats()
		want(t, "BadFrames", s.BadFrames, 1)
		if s.SkippedBytes == 0 {
			t.Error("no bytes were skipped")
		}
	})
}

// TestPassword does all that makes lines, and looks for the password in them.
func TestPassword(t *testing.T) {
	run(t, nil, func(r *rig) {
		r.f.set(func(n int, g got) []byte {
			switch {
			case n <= 4: // silence
				return nil
			case n == 5:
				return []byte("##0010QN=" + testPW + "1\r\n")
			case n == 6:
				r.f.cut()
				return nil
			}
			return taken(g.fields["QN"])
		})
		r.log.add("stat", minute(t0), minute(t0.Add(10*time.Minute)))
	}, func(r *rig) {
		r.f.say(request("1072", testPW, testMN))
		wait(5 * time.Minute)
		r.f.say(request("1072", testPW, testMN))
		synctest.Wait()
		text := r.logged() + fmt.Sprint(r.p.Stats(), r.events)
		if !strings.Contains(text, "request refused") || !strings.Contains(text, "platform down") || !strings.Contains(text, "platform takes data") {
			t.Fatalf("log is %q, want more in it", text)
		}
		if strings.Contains(text, testPW) {
			t.Errorf("password in %q", text)
		}
	})
	_, err := New(newLog(), newLog(), Options{Name: "city", Address: "a:1", ST: "39", PW: testPW + ";", MN: testMN})
	if err == nil || strings.Contains(err.Error(), testPW) {
		t.Errorf("New with a bad password: %v", err)
	}
}

// TestStop ends while the platform takes no bytes, answers nothing, and cannot be had.
func TestStop(t *testing.T) {
	tests := []struct {
		name string
		dial func(context.Context) (net.Conn, error) // nil = the fake's
	}{
		{"no answer", nil},
		{"no bytes taken", func(context.Context) (net.Conn, error) {
			near, _ := net.Pipe()
			return near, nil
		}},
		{"pause", func(context.Context) (net.Conn, error) { return nil, errTest }},
		{"dial", func(ctx context.Context) (net.Conn, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			set := func(o *Options) {
				if test.dial != nil {
					o.Dial = test.dial
				}
			}
			run(t, set, func(r *rig) {
				r.f.set(func(int, got) []byte { return nil })
				r.log.add("stat", minute(t0))
			}, func(r *rig) {
				wait(5 * time.Second)
				began := time.Now()
				r.stop()
				<-r.done
				want(t, "stop took", time.Since(began), 0)
				want(t, "cursor", r.log.acked(), 0)
			})
		})
	}
}

func TestOptions(t *testing.T) {
	good := Options{Name: "city", Address: "10.1.2.3:9001", ST: "39", PW: testPW, MN: testMN}
	if _, err := New(newLog(), newLog(), good); err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		set  func(*Options)
		want string
	}{
		{func(o *Options) { o.Name = "" }, `platform "": name is empty`},
		{func(o *Options) { o.Address = "" }, `platform "city": address is empty: host:port`},
		{func(o *Options) { o.Edition = 2007 }, `platform "city": edition is 2007: 2005, 2017 or 2025`},
		{func(o *Options) { o.Keys = make(hj212.Keys, 1) }, `platform "city": edition 2017 has no encryption: 2025 has`},
		{func(o *Options) { o.Heartbeat = 1 }, `platform "city": heartbeat is 1ns: 0, or 10s to 1h`},
		{func(o *Options) { o.Factors = []Factor{{Device: "a", Point: "b", Times: "-1"}} }, `platform "city": factor "b" of device "a": times is "-1": a decimal number above 0`},
		{func(o *Options) { o.Factors = []Factor{{Device: "a", Point: "b", Decimals: new(10)}} }, `platform "city": factor "b" of device "a": decimals are 10: 0 to 9`},
		{func(o *Options) { o.Factors = []Factor{{Device: "a", Point: "b", Figures: []string{"n"}}} }, `platform "city": factor "b" of device "a": figure "n": one of cou, min, avg, max, rtd, zs, and each once`},
		{func(o *Options) { o.Factors = []Factor{{Device: "a", Point: "b", ST: "4"}} }, `platform "city": factor "b" of device "a": st is "4": two letters or digits`},
		{func(o *Options) { o.ST = "3" }, `platform "city": st is "3": two letters or digits`},
		{func(o *Options) { o.PW = "a&b" }, `platform "city": pw has 3 characters: 1 to 24 letters or digits`},
		{func(o *Options) { o.MN = "" }, `platform "city": mn is "": 1 to 32 letters, digits, _ or -`},
		{func(o *Options) { o.Timeout = time.Millisecond }, `platform "city": time-out is 1ms: 1s to 99s`},
		{func(o *Options) { o.Retries = -1 }, `platform "city": retries are -1: 1 to 99`},
		{func(o *Options) { o.ReconnectMax = 1 }, `platform "city": longest pause is 1ns: 1s or more`},
		{func(o *Options) { o.RtdInterval = time.Second }, `platform "city": real-time interval is 1s: 30s to 1h`},
		{func(o *Options) { o.Minutes = 31 }, `platform "city": minute period is 31: 1 to 30`},
		{func(o *Options) { o.Send = []string{"event"} }, `platform "city": send "event": one of rtd, minute, hour, day, boot, and each once`},
		{func(o *Options) { o.Factors = []Factor{{Device: "aq1", Point: "pm", Code: "a;b"}} }, `platform "city": factor "pm" of device "aq1" with code "a;b": all three, and a code is letters, digits, _ or -`},
		{func(o *Options) {
			o.Factors = []Factor{{Device: "aq1", Point: "pm", Code: ""}, {Device: "aq2", Point: "pm", Code: ""}}
		}, `platform "city": factor "pm" of device "aq2" with code "pm": point and code are there already`},
	}
	for _, test := range tests {
		o := good
		o.Logger = slog.New(slog.DiscardHandler)
		test.set(&o)
		if _, err := New(newLog(), newLog(), o); err == nil || err.Error() != test.want {
			t.Errorf("New: %v, want %s", err, test.want)
		}
	}
}
