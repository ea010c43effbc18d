package main

import (
	"errors"
	"fmt"
	"slices"
	"sort"
	"strconv"
	"time"

	"envgate/agent/rollup"
	"envgate/buffer"
	"envgate/envelope"
)

// The three streams of every log.
const (
	live  = "live"
	stat  = "stat"
	event = "event"
)

var streams = []string{live, stat, event}

// press makes blocks: it knows the head of each stream, and packs rows and events so
// that each block is as full as its limit allows. One sequence number is sealed once:
// what press has made is stored, or tried again until it is, and never made anew.
type press struct {
	gateway, epoch, boot, firmware string
	config, catalogue              string // hashes

	heads map[string]envelope.Head
	index map[string]uint64 // next index of each source
	seal  *envelope.Sealer
	ratio map[string]float64 // bytes of message a cell, at the last block of the stream
	buf   []byte
	best  []byte // payload of the fullest block so far that fits
	parts parts
	cells []cell // of the rows of samples, see sampleRows
}

// row is what one source said at one time: a line across the columns of a group.
type row struct {
	source, kind string
	at           int64 // UTC milliseconds
	index        uint64
	cells        []cell
	raw          []byte
}

// cell is one value of a row. kind names its column: x, or avg, min, max, n.
type cell struct {
	point, kind, value, flag, cause string
}

// number gives each row the next index of its source.
func (p *press) number(rows []row) {
	for i := range rows {
		name := rows[i].source + "|" + rows[i].kind
		rows[i].index = p.index[name]
		p.index[name]++
	}
}

// rows seals rows into as few blocks as fit. With an error come the blocks made
// before it, which must be stored all the same.
func (p *press) rows(stream string, clk envelope.Clock, now time.Time, rows []row) ([]buffer.Record, error) {
	sort.SliceStable(rows, func(i, j int) bool {
		a, b := &rows[i], &rows[j]
		return a.source < b.source || a.source == b.source && a.kind < b.kind
	})
	var out []buffer.Record
	for len(rows) > 0 {
		for len(rows[0].cells) > maxCells {
			rows = halve(rows)
		}
		n := p.guess(stream, rows)
		var best []byte
		var bestN int
		for try := 0; ; try++ {
			b := p.block(stream, clk, rows[0].at)
			b.Groups = p.parts.groups(b, rows[:n])
			message, err := p.message(b)
			size := len(message)
			if errors.Is(err, envelope.ErrTooLarge) { // far from what the last block let expect
				size = envelope.MaxEvent
			} else if err != nil {
				return out, err
			}
			cells := count(rows[:n])
			p.ratio[stream] = float64(size) / float64(max(cells, 1))
			if size <= envelope.MaxBlock && n > bestN {
				best, bestN = message, n
				p.best = append(p.best[:0], p.buf...)
			}
			if size > envelope.MaxBlock {
				if bestN > 0 {
					break
				}
				if n == 1 {
					if rows = halve(rows); len(rows[0].cells) == 0 {
						return out, fmt.Errorf("seal %s: a single value of %s is %d bytes: a block holds %d", stream, rows[0].source, size, envelope.MaxBlock)
					}
					continue
				}
				n = max(1, min(n-1, n*envelope.MaxBlock*15/16/size))
				continue
			}
			// It fits. Once more with more rows, if a good part is empty.
			if more := p.guess(stream, rows); try < 2 && more > n+n/8 && size < envelope.MaxBlock*7/8 {
				n = more
				continue
			}
			break
		}
		out = append(out, p.accept(stream, now, p.best, best))
		rows = rows[bestN:]
	}
	return out, nil
}

// maxCells is the most columns of one kind that a group may have (envelope.Block.Check).
const maxCells = 512

// guess says how many rows will about fill a block, at least 1.
func (p *press) guess(stream string, rows []row) int {
	ratio := p.ratio[stream]
	if ratio == 0 {
		ratio = 12
	}
	budget := int(envelope.MaxBlock * 31 / 32 / ratio)
	for i := range rows {
		if budget -= len(rows[i].cells); budget < 0 || len(rows[i].cells) > maxCells {
			return max(1, i)
		}
	}
	return len(rows)
}

func count(rows []row) (cells int) {
	for i := range rows {
		cells += len(rows[i].cells)
	}
	return cells
}

// halve cuts the first row in two, which share their time and index. The figures of
// one point stay together, and raw bytes with the first part.
func halve(rows []row) []row {
	first := rows[0]
	half := len(first.cells) / 2
	for half > 0 && first.cells[half].point == first.cells[half-1].point {
		half--
	}
	a, b := first, first
	a.cells, b.cells, b.raw = first.cells[:half], first.cells[half:], nil
	return append([]row{a, b}, rows[1:]...)
}

// empty seals a block that holds nothing, to show that the stream's tail is whole.
func (p *press) empty(stream string, clk envelope.Clock, now time.Time) (buffer.Record, error) {
	b := p.block(stream, clk, now.UnixMilli())
	message, err := p.message(b)
	if err != nil {
		return buffer.Record{}, err
	}
	return p.accept(stream, now, p.buf, message), nil
}

// events seals events, several in a block, a large one (a birth, a configuration)
// alone. The At of each is UTC milliseconds. The error names those that no block can
// hold; the others are sealed.
func (p *press) events(clk envelope.Clock, now time.Time, events []envelope.Event) ([]buffer.Record, error) {
	var out []buffer.Record
	var failed error
	for len(events) > 0 {
		n := min(len(events), 32)
		for i, e := range events[:n] {
			if alone(e) {
				n = max(1, i)
				break
			}
		}
		for {
			b := p.block(event, clk, events[0].At)
			b.Events = slices.Clone(events[:n])
			for i := range b.Events {
				b.Events[i].At -= b.T0
			}
			if b.Events[0].Type == envelope.EventBirth {
				b.Heads = p.headsOf(live, stat)
			}
			message, err := p.message(b)
			if n > 1 && (err != nil || len(message) > envelope.MaxBlock) {
				n /= 2
				continue
			}
			if err != nil {
				failed = errors.Join(failed, fmt.Errorf("event %s of %s: %w", b.Events[0].Type, b.Events[0].Subject, err))
				break
			}
			out = append(out, p.accept(event, now, p.buf, message))
			break
		}
		events = events[n:]
	}
	return out, failed
}

// alone says whether an event has a block of its own: those that others refer to by
// hash, and those that are large.
func alone(e envelope.Event) bool {
	switch e.Type {
	case envelope.EventBirth, envelope.EventConfig, envelope.EventTemplate:
		return true
	}
	return len(e.Old)+len(e.New) > 4000
}

// block begins a block with everything but its content.
func (p *press) block(stream string, clk envelope.Clock, t0 int64) *envelope.Block {
	head := p.heads[stream]
	b := &envelope.Block{
		Gateway: p.gateway, Stream: stream, Epoch: p.epoch, Seq: head.Seq + 1, Prev: head.Hash,
		Boot: p.boot, T0: t0, Clock: clk, Config: p.config, Catalogue: p.catalogue, Firmware: p.firmware,
	}
	if head.Seq == 0 {
		b.Prev = envelope.Genesis
	}
	if stream == live {
		b.Heads = p.headsOf(stat, event)
	}
	return b
}

func (p *press) headsOf(streams ...string) map[string]envelope.Head {
	heads := map[string]envelope.Head{}
	for _, s := range streams {
		if h := p.heads[s]; h.Seq > 0 {
			heads[s] = h
		}
	}
	return heads
}

// message seals b. The payload stays in p.buf until the next call.
func (p *press) message(b *envelope.Block) ([]byte, error) {
	p.buf = b.AppendPayload(p.buf[:0])
	message, err := p.seal.Seal(envelope.TypeBlock, p.buf)
	if err != nil {
		return nil, fmt.Errorf("seal %s %d: %w", b.Stream, b.Seq, err)
	}
	return message, nil
}

// accept makes a sealed message the head of its stream.
func (p *press) accept(stream string, now time.Time, payload, message []byte) buffer.Record {
	head := envelope.Head{Seq: p.heads[stream].Seq + 1, Hash: envelope.Hash(payload)}
	p.heads[stream] = head
	return buffer.Record{Stream: stream, Seq: head.Seq, Time: now, Data: message}
}

// parts is the memory of the groups of one block. It is used again for the next one: at
// load that is most of what a press would leave to the garbage collector.
type parts struct {
	list    []envelope.Group
	columns []envelope.Column
	values  []string
	times   []int64
}

// groups puts rows, which are sorted by source, into columns. Rows of one source
// share a group as long as they have the same cells and follow each other. What it
// returns is good until the next call.
func (m *parts) groups(b *envelope.Block, rows []row) []envelope.Group {
	for _, r := range rows {
		b.T0 = min(b.T0, r.at)
	}
	m.list, m.columns, m.values, m.times = m.list[:0], m.columns[:0], m.values[:0], m.times[:0]
	for i := 0; i < len(rows); {
		j := i + 1
		for j < len(rows) && joins(rows[j-1], rows[j]) {
			j++
		}
		m.list = append(m.list, m.group(b.T0, rows[i:j]))
		i = j
	}
	return m.list
}

// grown returns n more entries at the end of list, which hold anything, and the longer list.
func grown[T any](list []T, n int) (more, longer []T) {
	longer = slices.Grow(list, n)[:len(list)+n]
	return longer[len(list):len(longer):len(longer)], longer
}

func joins(a, b row) bool {
	return a.source == b.source && a.kind == b.kind && b.index == a.index+1 &&
		slices.EqualFunc(a.cells, b.cells, func(c, d cell) bool { return c.point == d.point && c.kind == d.kind })
}

func (m *parts) group(t0 int64, rows []row) envelope.Group {
	first := rows[0]
	g := envelope.Group{Source: first.source, Kind: first.kind, Index: first.index}
	g.Times, m.times = grown(m.times, len(rows))
	for i, r := range rows {
		g.Times[i] = r.at - t0
		if r.raw != nil && g.Raw == nil {
			g.Raw = make([][]byte, len(rows))
		}
	}
	for i, r := range rows {
		if g.Raw != nil {
			g.Raw[i] = r.raw
		}
	}
	g.Columns, m.columns = grown(m.columns, len(first.cells))
	for c, head := range first.cells {
		col := envelope.Column{Point: head.point, Kind: head.kind}
		col.Values, m.values = grown(m.values, len(rows))
		for i := range rows {
			x := &rows[i].cells[c]
			col.Values[i] = x.value
			if x.flag != "N" && x.flag != "" && col.Flags == nil {
				col.Flags = make([]string, len(rows))
				for k := range col.Flags {
					col.Flags[k] = "N"
				}
			}
			if col.Flags != nil && x.flag != "" {
				col.Flags[i] = x.flag
			}
			if x.cause != "" && col.Causes == nil {
				col.Causes = make([]string, len(rows))
			}
			if col.Causes != nil {
				col.Causes[i] = x.cause
			}
		}
		g.Columns[c] = col
	}
	return g
}

// keptCells is how many cells of samples a press keeps the memory of: 1.3 MB.
const keptCells = 16 << 10

// sampleRows appends the rows of samples. Where rows is empty, all rows that it made
// before must be done with: it takes their memory again.
func (p *press) sampleRows(rows []row, samples []polled) []row {
	n := 0
	for _, s := range samples {
		n += len(s.Readings) + len(s.zs)
	}
	cells := p.cells[:0]
	if len(rows) > 0 || cap(cells) < n {
		cells = make([]cell, 0, n)
	}
	rows = slices.Grow(rows, len(samples))
	for _, s := range samples {
		from := len(cells)
		for _, x := range s.Readings {
			cells = append(cells, cell{x.Point, "x", x.Value, x.Flag, string(x.Cause)})
		}
		for i, zs := range s.zs {
			if zs == noZs {
				cells = append(cells, cell{s.Readings[i].Point, "zs", "", "", ""})
			} else if zs != "" {
				cells = append(cells, cell{s.Readings[i].Point, "zs", zs, "", ""})
			}
		}
		rows = append(rows, row{source: s.Source, at: s.Time.UnixMilli(), raw: s.Raw, cells: cells[from:len(cells):len(cells)]})
	}
	if p.cells = cells; cap(cells) > keptCells {
		p.cells = nil
	}
	return rows
}

// windowRow is the row of a closed period.
func windowRow(w rollup.Window) row {
	r := row{source: w.Source, kind: w.Kind, at: w.Start.UnixMilli(), cells: make([]cell, 0, 4*len(w.Figures))}
	for _, f := range w.Figures {
		r.cells = append(r.cells,
			cell{f.Point, "avg", f.Avg, f.Flag, f.Cause},
			cell{f.Point, "min", f.Min, "", ""},
			cell{f.Point, "max", f.Max, "", ""},
			cell{f.Point, "n", strconv.Itoa(f.N), "", ""})
		for _, more := range [...]struct{ kind, value string }{
			{"cou", f.Cou}, {"zsavg", f.ZsAvg}, {"zsmin", f.ZsMin}, {"zsmax", f.ZsMax},
		} {
			if more.value != "" {
				r.cells = append(r.cells, cell{f.Point, more.kind, more.value, "", ""})
			}
		}
	}
	return r
}
