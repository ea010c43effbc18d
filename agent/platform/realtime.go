package platform

import (
	"time"

	"envgate/envelope"
)

const (
	maxLive = 256 // newest live blocks that are looked at for one frame

	// sealing is how long a value may wait before its block is sealed.
	sealing = time.Minute
)

// realTime makes a record of the values sealed since the last one: of each factor the
// newest, and none twice. What is older than an interval is not real-time any more.
// It returns nil where nothing new is there. DataTime is that of the newest value.
func (p *Platform) realTime(now time.Time) *record {
	first, last := p.log.Bounds(envelope.StreamLive)
	if first > 0 {
		p.live = max(p.live, first-1)
	}
	if last > maxLive {
		p.live = max(p.live, last-maxLive)
	}
	newest := map[place]reading{}
	for p.live < last {
		first, blocks, err := p.log.Read(envelope.StreamLive, p.live, readAtOnce)
		if err == nil && (len(blocks) == 0 || first <= p.live) {
			err = errNothing
		}
		if err != nil {
			p.readFailed(envelope.StreamLive, p.live+1, err, now)
			return nil
		}
		p.readTrouble = false
		for i, m := range blocks {
			for _, g := range p.parse(envelope.StreamLive, first+uint64(i), m) {
				p.collect(newest, &g)
			}
		}
		p.live = first + uint64(len(blocks)) - 1
	}

	r := &record{cn: cnRealTime, figures: map[string]*figure{}}
	oldest := now.Add(-p.o.RtdInterval - sealing)
	for at, x := range newest {
		taken := time.UnixMilli(x.at)
		if taken.Before(oldest) || !p.owns(at.point, at.source) {
			continue
		}
		f := &figure{}
		f.add(suffixOf(envelope.ColumnLive), x.value, x.flag)
		if x.hasZs {
			f.add(suffixOf(envelope.ColumnZs), x.zs, "")
		}
		r.figures[at.point] = f
		if taken.After(r.start) {
			r.start = taken
		}
	}
	if len(r.figures) == 0 {
		return nil
	}
	parts := p.bySystem(r)
	p.more = parts[1:]
	return parts[0]
}

// reading is a value of the live stream.
type reading struct {
	at          int64 // Unix milliseconds
	value, flag string
	zs          string // converted, of the same time
	hasZs       bool
}

// collect keeps the newest reading of each code and source.
func (p *Platform) collect(newest map[place]reading, g *envelope.Group) {
	if g.Kind != envelope.GroupLive {
		return
	}
	for _, c := range g.Columns {
		code := p.codes.of(g.Source, c.Point)
		if code == "" || c.Kind != envelope.ColumnLive || !p.codes.ways[code].wants("Rtd") {
			continue
		}
		at := place{g.Source, code}
		for k, t := range g.Times {
			if old, ok := newest[at]; ok && t < old.at {
				continue
			}
			x := reading{at: t, value: c.Values[k]}
			if c.Flags != nil {
				x.flag = c.Flags[k]
			}
			x.zs, x.hasZs = zsOf(g, c.Point, k)
			newest[at] = x
		}
	}
}

// zsOf is the converted value beside the k-th one of a point.
func zsOf(g *envelope.Group, point string, k int) (zs string, ok bool) {
	for _, c := range g.Columns {
		if c.Point == point && c.Kind == envelope.ColumnZs {
			return c.Values[k], true
		}
	}
	return "", false
}
