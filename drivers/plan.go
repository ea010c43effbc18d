package drivers

import (
	"slices"
	"sort"
	"strings"
)

// limits bound one question.
type limits struct {
	gap       int // registers that may be read along
	registers int
	bits      int
	forbidden []span // that no question may touch
}

// allow reports whether a question of a function may run from an address to before end.
func (l *limits) allow(function byte, address, end int) bool {
	return !slices.ContainsFunc(l.forbidden, func(s span) bool {
		return (s.function == 0 || s.function == function) && s.first < end && s.last >= address
	})
}

// A span is a run of addresses of a function; 0 stands for all functions.
type span struct {
	function    byte
	first, last int
}

// parseSpan reads 100, 100-199, and with a function before them 4:100-199.
func parseSpan(n Number) (s span, ok bool) {
	text := string(n)
	if f, rest, found := strings.Cut(text, ":"); found {
		v, err := parseWhole(f)
		if err != nil || v < 1 || v > 127 {
			return span{}, false
		}
		s.function, text = byte(v), rest
	}
	first, last, found := strings.Cut(text, "-")
	if !found {
		last = first
	}
	var err1, err2 error
	s.first, err1 = parseWhole(first)
	s.last, err2 = parseWhole(last)
	return s, err1 == nil && err2 == nil && s.first >= 0 && s.first <= s.last && s.last <= 65535
}

// A read is one question: a run of registers or bits, and the points in it.
type read struct {
	function byte
	address  int
	count    int
	points   []int // indexes, ascending
	refused  uint  // how often in a row it was refused for its address
}

// end is the address behind the last register.
func (r *read) end() int { return r.address + r.count }

// A group is one question as it was planned. Where the instrument refuses it,
// it becomes several, which go on sharing a sample.
type group struct {
	reads  []read
	yields bool // some of its points give readings
	retry
}

// plan joins points into the fewest reads. Those that yield readings come
// first, in the order of the first point they hold, so that a template's first
// point is always in its device's first sample.
//
// Taking the points by address and extending a read for as long as the limits
// and the forbidden ranges allow gives the fewest: any plan must cover the lowest point, and none can
// reach further from there.
func plan(points []point, l limits) []group {
	order := make([]int, len(points))
	for i := range order {
		order[i] = i
	}
	sort.SliceStable(order, func(i, j int) bool {
		p, q := &points[order[i]], &points[order[j]]
		return p.function < q.function || p.function == q.function && p.address < q.address
	})
	var reads []read
	for _, i := range order {
		p := &points[i]
		gap, most := l.gap, l.registers
		if p.kind == kindBit {
			gap, most = 16*l.gap, l.bits
		}
		if n := len(reads); n > 0 {
			r := &reads[n-1]
			end := max(r.end(), p.address+p.count)
			if r.function == p.function && p.address-r.end() <= gap && end-r.address <= most && l.allow(r.function, r.address, end) {
				r.count = end - r.address
				r.points = append(r.points, i)
				continue
			}
		}
		reads = append(reads, read{function: p.function, address: p.address, count: p.count, points: []int{i}})
	}
	groups := make([]group, len(reads))
	for i, r := range reads {
		slices.Sort(r.points)
		groups[i] = group{
			reads:  []read{r},
			yields: slices.ContainsFunc(r.points, func(i int) bool { return points[i].code != "" }),
		}
	}
	sort.Slice(groups, func(i, j int) bool {
		a, b := &groups[i], &groups[j]
		if a.yields != b.yields {
			return a.yields
		}
		return a.reads[0].points[0] < b.reads[0].points[0]
	})
	return groups
}

// split makes two reads of one that the instrument refused: at the widest gap
// between points, or in the middle if there is none. It returns nil if all of
// the points lie over one another.
func split(r read, points []point) []read {
	order := slices.Clone(r.points)
	sort.SliceStable(order, func(i, j int) bool { return points[order[i]].address < points[order[j]].address })
	at, widest, middle := 0, 0, 0
	end := 0
	for k, i := range order {
		p := &points[i]
		if k > 0 && p.address >= end {
			// The first place, one with a wider gap, or one as wide and nearer
			// to the middle.
			gap, off := p.address-end, max(p.address-r.address, r.end()-p.address)
			if at == 0 || gap > widest || gap == widest && off < middle {
				at, widest, middle = k, gap, off
			}
		}
		end = max(end, p.address+p.count)
	}
	if at == 0 {
		return nil
	}
	var out []read
	for _, part := range [][]int{order[:at], order[at:]} {
		part = slices.Clone(part)
		half := read{function: r.function, address: points[part[0]].address}
		for _, i := range part {
			half.count = max(half.count, points[i].address+points[i].count-half.address)
		}
		slices.Sort(part)
		half.points = part
		out = append(out, half)
	}
	return out
}
