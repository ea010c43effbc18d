package platform

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"sort"
	"strings"
	"time"

	"envgate/envelope"
	"envgate/hj212"
)

// suffixes of a period's fields, in the order in which they are written (HJ 212-2017,
// C.14 to C.18). Other columns do not go out.
var suffixes = [...]struct{ column, suffix string }{
	{envelope.ColumnCou, "Cou"},
	{envelope.ColumnMin, "Min"},
	{envelope.ColumnAvg, "Avg"},
	{envelope.ColumnMax, "Max"},
	{envelope.ColumnZsMin, "ZsMin"},
	{envelope.ColumnZsAvg, "ZsAvg"},
	{envelope.ColumnZsMax, "ZsMax"},
	{envelope.ColumnLive, "Rtd"},
	{envelope.ColumnZs, "ZsRtd"},
}

func suffixOf(column string) int {
	for i, s := range suffixes {
		if s.column == column {
			return i
		}
	}
	return -1
}

// A record is all that goes out under one CN, ST and DataTime.
type record struct {
	cn    string
	st    string // "" = the platform's
	start time.Time
	end   time.Time // of the period, and how long it is
	long  time.Duration

	figures map[string]*figure // by code
	area    hj212.Area         // instead of figures, nil = none
	marked  bool               // goes out with RF=1
}

// A figure is what a record says of one factor.
type figure struct {
	has    [len(suffixes)]bool
	values [len(suffixes)]string // "" = could not be had
	flag   string                // "" = N
}

func (f *figure) add(suffix int, value, flag string) {
	f.has[suffix], f.values[suffix] = true, value
	// Of the columns of a point one carries the flag; those of the others are N.
	if flag != "" && flag != hj212.FlagNormal {
		f.flag = flag
	}
}

// item writes a figure by the way of its code. A value that could not be had is left
// out, and the flag says why; where there is none at all, the flag stands alone.
func (f *figure) item(code string, w *way) (item hj212.Item, bad int) {
	flag := cmp.Or(f.flag, hj212.FlagNormal)
	if !isFlag(flag) {
		flag = hj212.FlagFault
		bad++
	}
	for i, v := range f.values {
		suffix := suffixes[i].suffix
		if v == "" {
			v = f.highest(i, w)
		}
		if v == "" || !w.wants(suffix) || w != nil && w.noise && suffix != "Avg" && suffix != "Rtd" {
			continue
		}
		if isNumber(v) {
			v = w.write(v, suffix)
		}
		if !isNumber(v) {
			bad++
			continue
		}
		if w != nil && w.noise && suffix == "Avg" {
			suffix = "Data"
		}
		item = append(item, hj212.Param{Name: code + "-" + suffix, Value: v})
	}
	if len(item) == 0 && flag == hj212.FlagNormal {
		flag = hj212.FlagFault // nothing is not normal
	}
	if w != nil && w.noise && flag == hj212.FlagNormal {
		return item, bad
	}
	return append(item, hj212.Param{Name: code + "-Flag", Value: flag}), bad
}

// highest is what stands for a converted value that cannot be computed from the measured
// one that is there (HJ 212-2025, 8.1.1 d); "" where nothing does.
func (f *figure) highest(i int, w *way) string {
	measured, zs := strings.CutPrefix(suffixes[i].suffix, "Zs")
	if !zs || !f.has[i] || w == nil {
		return ""
	}
	for k, s := range suffixes {
		if s.suffix == measured && f.values[k] != "" {
			return w.highest
		}
	}
	return ""
}

// message is the upload of a record: its DataTime, then the factors by code.
func (p *Platform) message(r *record, now time.Time) hj212.Message {
	r.marked = p.backfilled(r, now)
	m := hj212.Message{CN: r.cn, ST: r.st, RF: r.marked, CP: hj212.Area{{{Name: "DataTime", Value: hj212.Stamp(r.start)}}}}
	if r.area != nil {
		m.CP = r.area
	}
	for _, code := range slices.Sorted(maps.Keys(r.figures)) {
		item, bad := r.figures[code].item(code, p.codes.ways[code])
		if bad > 0 {
			p.count(func(s *Stats) { s.BadValues += uint64(bad) })
		}
		m.CP = append(m.CP, item)
	}
	return m
}

// backfilled says whether r is marked as such (HJ 212-2025, 8.1.2).
func (p *Platform) backfilled(r *record, now time.Time) bool {
	return (p.o.Edition == 2025 || p.o.MarkBackfill) && r.late(now)
}

// late says whether r is of a period whose next one is over as well.
func (r *record) late(now time.Time) bool { return r.long > 0 && now.Sub(r.end) > r.long }

// A page is blocks of the stat stream that were sealed together, and the records in
// them: a source's figures of a period may stand in one block, and those of another
// source in the next.
type page struct {
	epoch       string
	first, last uint64
	records     []*record // not answered yet, oldest first
}

const (
	readAtOnce = 8
	maxPage    = 64 // blocks
)

// readPage reads the page that begins at a block, no further than last.
func (p *Platform) readPage(next, last uint64) (*page, error) {
	g := &page{epoch: p.log.Epoch(), first: next, last: next - 1}
	b := builder{p: p, newest: map[period]*record{}}
	for b.blocks < maxPage {
		first, blocks, err := p.log.Read(envelope.StreamStat, g.last, readAtOnce)
		if err == nil && len(blocks) == 0 && g.last < next {
			err = errNothing
		}
		if err != nil {
			return nil, err
		}
		if len(blocks) == 0 || first > g.last+1 && g.last >= next { // the end, or an eviction within
			break
		}
		for i, m := range blocks {
			groups := p.parse(envelope.StreamStat, first+uint64(i), m)
			if !b.belongs(groups) || b.blocks == maxPage || g.last == last {
				return b.finish(g), nil
			}
			b.add(groups)
			g.last = first + uint64(i)
		}
	}
	return b.finish(g), nil
}

// parse reads a block of our own log. One that cannot be read is passed by: it would
// hold up all that come after it.
func (p *Platform) parse(stream string, seq uint64, m []byte) []envelope.Group {
	b, err := envelope.PeekBlock(m)
	if err != nil {
		p.count(func(s *Stats) { s.Unreadable++ })
		p.o.Logger.Error("a block cannot be read and is passed by", "stream", stream, "seq", seq, "err", err)
		return nil
	}
	for i := range b.Groups {
		for k := range b.Groups[i].Times {
			b.Groups[i].Times[k] += b.T0
		}
	}
	return b.Groups
}

func (p *Platform) readFailed(stream string, seq uint64, err error, now time.Time) {
	p.readAfter = now.Add(time.Second)
	if !p.readTrouble {
		p.readTrouble = true
		p.o.Logger.Error("log cannot be read", "stream", stream, "seq", seq, "err", err)
	}
}

// A builder puts the rows of groups into records.
type builder struct {
	p       *Platform
	blocks  int
	groups  []envelope.Group
	newest  map[period]*record // of a page, nil until finish
	records []*record
}

type period struct {
	kind  string
	start int64
}

// belongs says whether a block has a part of a period that is on the page. The first
// block does, and one without figures.
func (b *builder) belongs(groups []envelope.Group) bool {
	some := false
	for _, g := range groups {
		for _, t := range g.Times {
			if _, ok := b.newest[period{g.Kind, t}]; ok {
				return true
			}
			some = true
		}
	}
	return !some || len(b.newest) == 0
}

func (b *builder) add(groups []envelope.Group) {
	b.blocks++
	b.groups = append(b.groups, groups...)
	for _, g := range groups {
		for _, t := range g.Times {
			b.newest[period{g.Kind, t}] = nil
		}
		for _, c := range g.Columns {
			b.p.codes.of(g.Source, c.Point)
		}
	}
}

func (b *builder) finish(g *page) *page {
	for i := range b.groups {
		for k := range b.groups[i].Times {
			b.row(&b.groups[i], k)
		}
	}
	sort.SliceStable(b.records, func(i, j int) bool {
		x, y := b.records[i], b.records[j]
		return cmp.Or(x.end.Compare(y.end), cmp.Compare(x.long, y.long), x.start.Compare(y.start)) < 0
	})
	for _, r := range b.records {
		g.records = append(g.records, b.p.bySystem(r)...)
	}
	return g
}

// CauseNoClock is the cause of figures whose time cannot be: the gateway did not know the
// time yet. They are in the log, and at the data centre; a platform, which goes by
// DataTime alone, would take them for measured in 1970. So they do not go out.
const CauseNoClock = "no-clock"

// row puts what a group says of one period into its record. Where that is there
// already, as after a clock was set back, it is a record of its own.
func (b *builder) row(g *envelope.Group, k int) {
	at := period{g.Kind, g.Times[k]}
	r := b.newest[at]
	if r == nil || b.taken(r, g) {
		if r = b.p.newRecord(at); r == nil {
			return
		}
	}
	for _, c := range g.Columns {
		suffix, code := suffixOf(c.Kind), b.p.codes.of(g.Source, c.Point)
		if suffix < 0 || code == "" || !b.p.codes.ways[code].wants(suffixes[suffix].suffix) || !b.p.owns(code, g.Source) {
			continue
		}
		if c.Causes != nil && c.Causes[k] == CauseNoClock {
			return
		}
		if len(r.figures) == 0 {
			b.newest[at] = r
			b.records = append(b.records, r)
		}
		if r.figures[code] == nil {
			r.figures[code] = &figure{}
		}
		flag := ""
		if c.Flags != nil {
			flag = c.Flags[k]
		}
		r.figures[code].add(suffix, c.Values[k], flag)
	}
}

func (b *builder) taken(r *record, g *envelope.Group) bool {
	for _, c := range g.Columns {
		suffix, code := suffixOf(c.Kind), b.p.codes.of(g.Source, c.Point)
		if f := r.figures[code]; suffix >= 0 && f != nil && f.has[suffix] && b.p.codes.owners[code] == g.Source {
			return true
		}
	}
	return false
}

// newRecord makes a record without figures; nil for a kind of period that does not go
// out.
func (p *Platform) newRecord(at period) *record {
	r := &record{start: time.UnixMilli(at.start), figures: map[string]*figure{}}
	what := ""
	switch at.kind {
	case envelope.GroupMinute:
		what, r.cn, r.long = SendMinute, cnMinute, time.Duration(p.o.Minutes)*time.Minute
	case envelope.GroupHour:
		what, r.cn, r.long = SendHour, cnHour, time.Hour
	case envelope.GroupDay:
		what, r.cn, r.long = SendDay, cnDay, 24*time.Hour
	}
	if !p.sends(what) {
		return nil
	}
	r.end = r.start.Add(r.long)
	return r
}

func (r *record) String() string { return fmt.Sprintf("%s of %s", r.cn, hj212.Stamp(r.start)) }

// bySystem parts a record by the ST of its factors.
func (p *Platform) bySystem(r *record) []*record {
	parts := map[string]*record{}
	for code, f := range r.figures {
		st := ""
		if w := p.codes.ways[code]; w != nil {
			st = w.st
		}
		if parts[st] == nil {
			part := *r
			part.st, part.figures = st, map[string]*figure{}
			parts[st] = &part
		}
		parts[st].figures[code] = f
	}
	var out []*record
	for _, st := range slices.Sorted(maps.Keys(parts)) {
		out = append(out, parts[st])
	}
	return out
}
