package platform

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
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

// A record is all that goes out under one CN and DataTime.
type record struct {
	cn    string
	start time.Time
	end   time.Time // of the period, and how long it is
	long  time.Duration

	figures map[string]*figure // by code
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

// item writes a figure. A value that could not be had is left out, and the flag says
// why; where there is none at all, the flag stands alone.
func (f *figure) item(code string) (item hj212.Item, bad int) {
	flag := cmp.Or(f.flag, hj212.FlagNormal)
	if !isFlag(flag) {
		flag = hj212.FlagFault
		bad++
	}
	for i, v := range f.values {
		switch {
		case v == "":
		case !isNumber(v):
			bad++
		default:
			item = append(item, hj212.Param{Name: code + "-" + suffixes[i].suffix, Value: v})
		}
	}
	if len(item) == 0 && flag == hj212.FlagNormal {
		flag = hj212.FlagFault // nothing is not normal
	}
	return append(item, hj212.Param{Name: code + "-Flag", Value: flag}), bad
}

// message is the upload of a record: its DataTime, then the factors by code.
func (p *Platform) message(r *record, now time.Time) hj212.Message {
	m := hj212.Message{CN: r.cn, RF: p.backfilled(r, now), CP: hj212.Area{{{Name: "DataTime", Value: hj212.Stamp(r.start)}}}}
	for _, code := range slices.Sorted(maps.Keys(r.figures)) {
		item, bad := r.figures[code].item(code)
		if bad > 0 {
			p.count(func(s *Stats) { s.BadValues += uint64(bad) })
		}
		m.CP = append(m.CP, item)
	}
	return m
}

// backfilled says whether r is marked as such (HJ 212-2025, 8.1.2): its next period is
// over as well.
func (p *Platform) backfilled(r *record, now time.Time) bool {
	return p.o.Edition == 2025 && r.cn != cnRealTime && now.Sub(r.end) > r.long
}

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

// turnPage reads the next page. It returns false where there is none.
func (p *Platform) turnPage(now time.Time) bool {
	for p.page == nil {
		next := p.next()
		if _, last := p.log.Bounds(envelope.StreamStat); next > last {
			return false
		}
		g, err := p.readPage(next)
		if err != nil {
			p.readFailed(envelope.StreamStat, next, err, now)
			return false
		}
		if len(g.records) == 0 { // nothing to wait for
			if !p.settle(g, now) {
				return false
			}
			continue
		}
		p.page, p.readTrouble = g, false
	}
	return true
}

// next is the first block that the platform does not have.
func (p *Platform) next() uint64 {
	first, _ := p.log.Bounds(envelope.StreamStat)
	upto, _ := p.cur.Acked(p.cursor, envelope.StreamStat)
	return max(upto+1, first)
}

// settle moves the cursor past a page. It returns false where that cannot be done: in
// another epoch, and by a cursor that the log does not know, which would have the page
// sent for ever at full speed.
func (p *Platform) settle(g *page, now time.Time) bool {
	if p.log.Epoch() != g.epoch {
		return false
	}
	p.cur.Ack(g.epoch, p.cursor, envelope.StreamStat, g.first, g.last)
	if p.next() > g.last {
		return true
	}
	p.readFailed(envelope.StreamStat, g.last, errCursor, now)
	p.readAfter = now.Add(idle)
	return false
}

func (p *Platform) readPage(next uint64) (*page, error) {
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
			if !b.belongs(groups) || b.blocks == maxPage {
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
	slices.SortStableFunc(b.records, func(x, y *record) int {
		return cmp.Or(x.end.Compare(y.end), cmp.Compare(x.long, y.long), x.start.Compare(y.start))
	})
	g.records = b.records
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
		if suffix < 0 || code == "" || !b.p.owns(code, g.Source) {
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
	switch at.kind {
	case envelope.GroupMinute:
		r.cn, r.long = cnMinute, time.Duration(p.o.Minutes)*time.Minute
	case envelope.GroupHour:
		r.cn, r.long = cnHour, time.Hour
	case envelope.GroupDay:
		r.cn, r.long = cnDay, 24*time.Hour
	default:
		return nil
	}
	r.end = r.start.Add(r.long)
	return r
}

func (r *record) String() string { return fmt.Sprintf("%s of %s", r.cn, hj212.Stamp(r.start)) }
