package platform

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"envgate/envelope"
)

var errTest = errors.New("not now")

// TestSplit has a minute of 60 factors, which does not fit one frame.
func TestSplit(t *testing.T) {
	for _, edition := range []int{2017, 2025} {
		t.Run(strconv.Itoa(edition), func(t *testing.T) {
			var points []string
			for i := range 60 {
				points = append(points, fmt.Sprintf("e%05d", 10101+100*(i/10)+i%10))
			}
			set := func(o *Options) {
				o.Edition = edition
				for _, p := range points {
					o.Factors = append(o.Factors, Factor{"aq1", p, p})
				}
			}
			run(t, set, func(r *rig) {
				r.f.set(func(n int, g got) []byte {
					if n == 3 { // each packet is answered by itself
						return nil
					}
					return taken(g.fields["QN"])
				})
				r.log.add("stat", []envelope.Group{window("aq1", envelope.GroupMinute, t0, points...)})
			}, func(r *rig) {
				want(t, "cursor", r.log.acked(), 0)
				want(t, "frames", len(r.f.got()), 3)
				wait(10 * time.Second)
				want(t, "cursor", r.log.acked(), 1)
				frames := r.f.got()
				want(t, "packet sent again", frames[3].raw, frames[2].raw)
				frames = slices.Delete(frames, 3, 4)

				flag := map[int]string{2017: "7", 2025: "11"}[edition]
				qns, items := map[string]bool{}, []string{}
				for i, g := range frames {
					want(t, "Flag", g.fields["Flag"], flag)
					want(t, "PNUM", g.fields["PNUM"], strconv.Itoa(len(frames)))
					want(t, "PNO", g.fields["PNO"], strconv.Itoa(i+1))
					qns[g.fields["QN"]] = true
					if len(g.cp) > 950 || len(g.data) > 1024 {
						t.Errorf("packet %d: data area of %d bytes, segment of %d: at most 950 and 1024", i+1, len(g.cp), len(g.data))
					}
					first, rest, _ := strings.Cut(g.cp, ";")
					want(t, "first item", first, "DataTime=20000101080000")
					items = append(items, strings.Split(rest, ";")...)
				}
				want(t, "QNs", len(qns), len(frames))
				want(t, "items", len(items), 60)
				for i, p := range points {
					want(t, "item", items[i], fmt.Sprintf("%[1]s-Min=7.1,%[1]s-Avg=7.5,%[1]s-Max=7.8,%[1]s-Flag=N", p))
				}
			})
		})
	}
}

// TestPackets fills packets to the brim.
func TestPackets(t *testing.T) {
	for _, mn := range []string{"1", testMN, strings.Repeat("A", 32)} {
		for _, edition := range []int{2017, 2025} {
			f := newForm(Options{ST: "39", PW: testPW, MN: mn, Edition: edition})
			most := map[int]int{2017: 9999, 2025: 9}[edition] // digits of PNUM
			for n := 0; n < 400; n += 1 + n/40 {
				var items []string
				for i := range n {
					items = append(items, strings.Repeat("x", i*n%7)+fmt.Sprintf("a%05d-Rtd=%d,a%05d-Flag=N", i, i*i*i, i))
				}
				packets := f.packets(cnMinute, t0, edition == 2025, items)
				var back []string
				for i, k := range packets {
					s := f.segment(strings.Repeat("0", qnLen), k)
					if len(k.area)+len("CP=&&&&") > 950 || len(s) > 1024 {
						t.Fatalf("%d items, MN of %d: packet with an area of %d bytes, segment of %d", n, len(mn), len(k.area), len(s))
					}
					if k.pnum > most || k.pnum > 0 && (k.pno < 1 || k.pno > k.pnum) || k.pnum == 0 && i < len(packets)-1 {
						t.Fatalf("%d items: packet %d is %d of %d", n, i, k.pno, k.pnum)
					}
					back = append(back, strings.Split(k.area, ";")[1:]...)
				}
				if !slices.Equal(back, items) {
					t.Fatalf("%d items: %q in packets, want %q", n, back, items)
				}
			}
		}
	}
}

// TestWidth lets the data area grow byte by byte past what one frame takes.
func TestWidth(t *testing.T) {
	f := newForm(Options{ST: "39", PW: testPW, MN: "1"})
	single := 0
	for n := range 100 {
		packets := f.packets(cnMinute, t0, false, []string{strings.Repeat("a", 860), strings.Repeat("b", 1+n)})
		if len(packets) == 1 {
			single = len(packets[0].area)
		}
	}
	want(t, "widest CP", len("CP=&&&&")+single, 950)
}

func TestEdition2025(t *testing.T) {
	run(t, func(o *Options) { o.Edition = 2025 }, func(r *rig) {
		r.log.add("stat", minute(t0.Add(-21*time.Minute)), minute(t0.Add(-20*time.Minute)), minute(t0.Add(-10*time.Minute)),
			[]envelope.Group{window("aq1", envelope.GroupHour, t0.Add(-2*time.Hour), "a34002")},
			[]envelope.Group{window("aq1", envelope.GroupHour, t0.Add(-2*time.Hour-time.Minute), "a34002")})
		r.log.add("live", []envelope.Group{sample("aq1", t0, "a34002=1")})
	}, func(r *rig) {
		r.f.say(request("1062", testPW, testMN))
		wait(time.Second)
		var marks []string
		for _, g := range r.f.got() {
			marks = append(marks, g.fields["CN"]+" "+g.fields["Flag"]+" "+g.fields["RF"])
			if g.fields["RF"] != "" && !strings.Contains(g.data, ";Flag=9;RF=1;CP=&&") {
				t.Errorf("segment %q, want RF between Flag and CP", g.data)
			}
		}
		slices.Sort(marks[1:]) // the answer may come anywhere
		wantAll(t, "CN, Flag and RF", marks, []string{"2011 9 ", "2051 9 ", "2051 9 ", "2051 9 1", "2061 9 ", "2061 9 1", "9011 8 "})
	})
}

func TestItem(t *testing.T) {
	tests := []struct {
		name, avg, min, max, flag string
		want                      string
		bad                       int
	}{
		{"whole", "7.5", "-7", "8.00", "", "a-Min=-7,a-Avg=7.5,a-Max=8.00,a-Flag=N", 0},
		{"flagged", "7.5", "7", "8", "D", "a-Min=7,a-Avg=7.5,a-Max=8,a-Flag=D", 0},
		{"nothing", "", "", "", "B", "a-Flag=B", 0},
		{"nothing and normal", "", "", "", "N", "a-Flag=D", 0},
		{"long mark", "1", "", "", "Td", "a-Avg=1,a-Flag=Td", 0},
		{"flag that breaks the frame", "1", "", "", "N;b", "a-Avg=1,a-Flag=D", 1},
		{"value that breaks the frame", "1&&", "1,b=2", "1;", "", "a-Flag=D", 3},
		{"no number", "1e5", "NaN", "+1", "", "a-Flag=D", 3},
		{"half numbers", ".5", "5.", "-", "", "a-Flag=D", 3},
		{"too long", strings.Repeat("9", 25), "", "", "", "a-Flag=D", 1},
	}
	for _, test := range tests {
		f := &figure{}
		f.add(suffixOf(envelope.ColumnAvg), test.avg, test.flag)
		f.add(suffixOf(envelope.ColumnMin), test.min, "")
		f.add(suffixOf(envelope.ColumnMax), test.max, "")
		if text, bad := f.item("a"); text != test.want || bad != test.bad {
			t.Errorf("%s: item %q with %d bad, want %q with %d", test.name, text, bad, test.want, test.bad)
		}
	}
}

func TestParseMessage(t *testing.T) {
	whole := message{"20160801085857223", "9014", "123456", testMN}
	tests := []struct {
		name, data string
		want       message
	}{
		{"printed", "QN=20160801085857223;ST=91;CN=9014;PW=123456;MN=" + testMN + ";Flag=4;CP=&&&&", whole},
		{"other order and blanks", "ST=91; CN=9014;MN=" + testMN + "; PW=123456 ;QN=20160801085857223;CP=&&&&", whole},
		{"comma", "QN=20160801085857223,ST=91;CN=9014;PW=123456;MN=" + testMN + ";CP=&&&&", whole},
		{"CP without a semicolon", "QN=20160801085857223;CN=9014;PW=123456;MN=" + testMN + ";Flag=4CP=&&QN=1;CN=2&&", whole},
		{"only what stands before CP", "CN=9014;CP=&&QN=20160801085857223&&", message{cn: "9014"}},
		{"nothing", "", message{}},
	}
	for _, test := range tests {
		if got := parseMessage([]byte(test.data)); got != test.want {
			t.Errorf("%s: parseMessage(%q) = %+v, want %+v", test.name, test.data, got, test.want)
		}
	}
}

func FuzzParseMessage(f *testing.F) {
	f.Add([]byte("QN=20160801085857223;ST=91;CN=9014;PW=123456;MN=1;Flag=4;CP=&&&&"))
	f.Add([]byte(";;==,CP=CP="))
	f.Fuzz(func(t *testing.T, data []byte) {
		m := parseMessage(data)
		for _, s := range []string{m.qn, m.cn, m.pw, m.mn} {
			if len(s) > maxField {
				t.Fatalf("field of %d bytes", len(s))
			}
		}
		if m.isRequest() && (len(m.qn) != qnLen || len(m.cn) != 4) {
			t.Fatalf("request %+v", m)
		}
	})
}

func TestQN(t *testing.T) {
	p := &Platform{}
	now := time.Date(2026, 3, 1, 23, 59, 59, 999e6, time.UTC)
	want(t, "QN", p.nextQN(now), "20260302075959999")
	want(t, "QN of the same millisecond", p.nextQN(now), "20260302080000000")
	want(t, "QN after the clock was set back", p.nextQN(now.Add(-time.Hour)), "20260302080000001")
	want(t, "QN later", p.nextQN(now.Add(time.Second)), "20260302080000999")
}
