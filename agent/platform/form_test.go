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
					o.Factors = append(o.Factors, Factor{Device: "aq1", Point: p, Code: p})
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
		slices.Sort(marks[1:])                                                                                                        // the answer may come anywhere
		wantAll(t, "CN, Flag and RF", marks, []string{"2011 9 ", "2051 9 ", "2051 9 ", "2051 9 1", "2061 9 ", "2061 9 1", "9011 4 "}) // the request was one of 2017
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
		item, bad := f.item("a", nil)
		var text []string
		for _, p := range item {
			text = append(text, p.Name+"="+p.Value)
		}
		if got := strings.Join(text, ","); got != test.want || bad != test.bad {
			t.Errorf("%s: item %q with %d bad, want %q with %d", test.name, got, bad, test.want, test.bad)
		}
	}
}
