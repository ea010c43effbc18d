package drivers

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// regs are points of function 3 from "address+count", bits of function 1 from
// "b address", and status points with an s before them.
func regs(spec string) []point {
	var points []point
	for i, s := range strings.Fields(spec) {
		p := point{code: fmt.Sprintf("a%d", i), function: 3, kind: kindUint, count: 1}
		if rest, ok := strings.CutPrefix(s, "s"); ok {
			p.code, s = "", rest
		}
		if rest, ok := strings.CutPrefix(s, "b"); ok {
			p.function, p.kind, s = 1, kindBit, rest
		}
		if _, err := fmt.Sscanf(s+"+1", "%d+%d", &p.address, &p.count); err != nil {
			panic(err)
		}
		points = append(points, p)
	}
	return points
}

func (l limits) without(n Number) limits {
	s, ok := parseSpan(n)
	if !ok {
		panic(n)
	}
	l.forbidden = append(l.forbidden, s)
	return l
}

func TestPlan(t *testing.T) {
	usual := limits{gap: 8, registers: 125, bits: 2000}
	for _, tt := range []struct {
		name, points string
		l            limits
		want         string // function:address+count[points]; | between groups
	}{
		{"one", "7+2", usual, "3:7+2[0]"},
		{"touching", "0+2 2+2", limits{gap: 0, registers: 125, bits: 2000}, "3:0+4[0 1]"},
		{"gap just allowed", "0 9", usual, "3:0+10[0 1]"},
		{"gap one too wide", "0 10", usual, "3:0+1[0] 3:10+1[1]"},
		{"no gap allowed", "0 2", limits{gap: 0, registers: 125, bits: 2000}, "3:0+1[0] 3:2+1[1]"},
		{"last register just within", "0 4+2", limits{gap: 8, registers: 6, bits: 2000}, "3:0+6[0 1]"},
		{"last register one behind", "0 5+2", limits{gap: 8, registers: 6, bits: 2000}, "3:0+1[0] 3:5+2[1]"},
		{"125 registers", "0+64 64+61", usual, "3:0+125[0 1]"},
		{"126 registers", "0+64 64+62", usual, "3:0+64[0] 3:64+62[1]"},
		{"the very last registers", "65534 65535", usual, "3:65534+2[0 1]"},
		{"first and last", "0 65535", usual, "3:0+1[0] 3:65535+1[1]"},
		{"same register twice", "5 5", usual, "3:5+1[0 1]"},
		{"one within another", "0+4 1 6", usual, "3:0+7[0 1 2]"},
		{"overlapping at the limit", "0+4 2+4 5+2", limits{gap: 8, registers: 6, bits: 2000}, "3:0+6[0 1] 3:5+2[2]"},
		{"order of the template", "20 0 21", usual, "3:20+2[0 2] 3:0+1[1]"},
		{"functions apart", "0 b0 1", usual, "3:0+2[0 2] 1:0+1[1]"},
		{"gap of bits", "b0 b129", usual, "1:0+130[0 1]"},
		{"gap of bits one too wide", "b0 b130", usual, "1:0+1[0] 1:130+1[1]"},
		{"bits at the limit", "b0 b15", limits{gap: 8, registers: 125, bits: 16}, "1:0+16[0 1]"},
		{"bits over the limit", "b0 b16", limits{gap: 8, registers: 125, bits: 16}, "1:0+1[0] 1:16+1[1]"},
		{"over a forbidden range", "0 5", usual.without("3"), "3:0+1[0] 3:5+1[1]"},
		{"beside a forbidden range", "0 2 5", usual.without("3-4"), "3:0+3[0 1] 3:5+1[2]"},
		{"forbidden for another function", "0 5 b0 b9", usual.without("1:3"), "3:0+6[0 1] 1:0+1[2] 1:9+1[3]"},
		{"status last", "s0 50 s51 99", usual, "3:50+2[1 2] 3:99+1[3] 3:0+1[0]"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			points := regs(tt.points)
			var got []string
			for _, g := range plan(points, tt.l) {
				for _, r := range g.reads {
					got = append(got, fmt.Sprintf("%d:%d+%d%v", r.function, r.address, r.count, r.points))
				}
			}
			if s := strings.Join(got, " "); s != tt.want {
				t.Errorf("plan of %s is %s, want %s", tt.points, s, tt.want)
			}
		})
	}
}

// Against all ways to share out a few points: the plan keeps the limits, has
// each point once, and no way has fewer reads.
func TestPlanFewest(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for range 2000 {
		l := limits{gap: rng.IntN(4), registers: 3 + rng.IntN(6), bits: 2000}
		if at := rng.IntN(30); at < 20 {
			l.forbidden = []span{{first: at, last: at + rng.IntN(3)}}
		}
		var points []point
		for i := range 1 + rng.IntN(6) {
			p := point{
				code: fmt.Sprint("a", i), function: 3, kind: kindUint,
				address: rng.IntN(20), count: 1 + rng.IntN(3),
			}
			if l.allow(3, p.address, p.address+p.count) {
				points = append(points, p)
			}
		}
		if len(points) == 0 {
			continue
		}
		groups := plan(points, l)
		seen := make([]int, len(points))
		for _, g := range groups {
			if len(g.reads) != 1 || !g.yields {
				t.Fatalf("group %+v", g)
			}
			r := g.reads[0]
			if !allowed(points, r.points, l) || !slices.IsSorted(r.points) {
				t.Fatalf("plan of %+v has read %+v beyond %+v", points, r, l)
			}
			for _, i := range r.points {
				seen[i]++
				if p := points[i]; p.address < r.address || p.address+p.count > r.end() {
					t.Fatalf("point %+v is not in its read %+v", p, r)
				}
			}
		}
		if slices.Max(seen) != 1 || slices.Min(seen) != 1 {
			t.Fatalf("points are read %v times", seen)
		}
		if best := fewest(points, l, nil, 0); len(groups) != best {
			t.Fatalf("plan of %+v with %+v has %d reads, %d would do", points, l, len(groups), best)
		}
	}
}

// allowed reports whether one read may have these points.
func allowed(points []point, of []int, l limits) bool {
	of = slices.Clone(of)
	slices.SortFunc(of, func(a, b int) int { return points[a].address - points[b].address })
	start, end := points[of[0]].address, 0
	for k, i := range of {
		if k > 0 && points[i].address-end > l.gap {
			return false
		}
		end = max(end, points[i].address+points[i].count)
	}
	for _, s := range l.forbidden {
		for at := s.first; at <= s.last; at++ {
			if at >= start && at < end {
				return false
			}
		}
	}
	return end-start <= l.registers
}

func TestParseSpan(t *testing.T) {
	for n, want := range map[Number]span{
		"7":           {0, 7, 7},
		"0-65535":     {0, 0, 65535},
		"4:100-0x6F":  {4, 100, 111},
		"100:5":       {100, 5, 5},
		"":            {},
		"9-8":         {},
		"0-65536":     {},
		"0:1":         {},
		"128:1":       {},
		"3:":          {},
		"1-2-3":       {},
		"-1":          {},
		"4:100-199 x": {},
	} {
		got, ok := parseSpan(n)
		if !ok {
			got = span{}
		}
		if got != want || ok != (want != span{}) {
			t.Errorf("parseSpan(%q) = %+v, %t, want %+v", n, got, ok, want)
		}
	}
}

// fewest tries every way to put the points from next on into parts.
func fewest(points []point, l limits, parts [][]int, next int) int {
	if next == len(points) {
		for _, part := range parts {
			if !allowed(points, part, l) {
				return len(points) + 1
			}
		}
		return len(parts)
	}
	best := fewest(points, l, append(slices.Clone(parts), []int{next}), next+1)
	for i := range parts {
		more := slices.Clone(parts)
		more[i] = append(slices.Clone(more[i]), next)
		best = min(best, fewest(points, l, more, next+1))
	}
	return best
}

func TestSplit(t *testing.T) {
	for _, tt := range []struct{ name, points, want string }{
		{"at the widest gap", "0 1 5 7", "0+2[0 1] 5+3[2 3]"},
		{"in the middle without one", "0 1 2 3", "0+2[0 1] 2+2[2 3]"},
		{"two", "0+2 2+2", "0+2[0] 2+2[1]"},
		{"never within a point", "0+4 2 4", "0+4[0 1] 4+1[2]"},
		{"one over another", "0+4 1+4", ""},
		{"one alone", "0+4", ""},
		{"order of the template", "5 0", "0+1[1] 5+1[0]"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			points := regs(tt.points)
			groups := plan(points, limits{gap: 100, registers: 125})
			if len(groups) != 1 {
				t.Fatalf("%d groups", len(groups))
			}
			var got []string
			for _, r := range split(groups[0].reads[0], points) {
				got = append(got, fmt.Sprintf("%d+%d%v", r.address, r.count, r.points))
			}
			if s := strings.Join(got, " "); s != tt.want {
				t.Errorf("split of %s is %q, want %q", tt.points, s, tt.want)
			}
		})
	}
}

// A template's forbidden ranges part its questions, and a point in one is an error.
func TestForbidden(t *testing.T) {
	const head = "name: x\ntitle: {zh: 某, en: x}\nmanual: none\nconfidence: uncertain\n"
	const points = "points: [{point: a, address: 0, type: uint16, unit: m}, {point: b, address: 5, type: uint16, unit: m}]\n"
	tmpl, err := ParseTemplate("x", []byte(head+"forbidden: [2, 3:3-4]\n"+points))
	if err != nil || len(tmpl.plan) != 2 {
		t.Errorf("plan %+v, error %v, want two questions", tmpl, err)
	}
	for forbidden, want := range map[string]string{
		"3:5-6": "points[1].address is 5: that is in a range the template forbids",
		"9-8":   "forbidden[0] is 9-8: want addresses such as 100, 100-199 or 4:100-199",
	} {
		_, err := ParseTemplate("x", []byte(head+"forbidden: ['"+forbidden+"']\n"+points))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("forbidden %s: error %v, want %s", forbidden, err, want)
		}
	}
}
