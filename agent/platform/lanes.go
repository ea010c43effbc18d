package platform

import (
	"slices"
	"time"

	"envgate/envelope"
	"envgate/hj212"
)

// bootTries is how often the start is told to a platform that does not answer it: one
// that does not know CN 2081 must not be kept from data.
const bootTries = 2

// chooseOther takes what waits for nothing: the start of the program, once the time is
// known, and the frames of other systems that go with a real-time one.
func (p *Platform) chooseOther(now time.Time) *job {
	if len(p.more) > 0 {
		r := p.more[0]
		p.more = p.more[1:]
		return &job{record: r}
	}
	if p.boots == 0 || !p.o.Known() {
		return nil
	}
	return &job{record: &record{cn: cnBoot, start: now, end: now, area: hj212.Area{
		{{Name: "DataTime", Value: hj212.Stamp(now)}}, {{Name: "RestartTime", Value: hj212.Stamp(now.Add(-time.Since(p.o.Boot)))}},
	}}}
}

// turnPage fills the two lanes. It returns false where both are empty.
func (p *Platform) turnPage(now time.Time) bool {
	if p.fresh == nil {
		p.fresh = p.turnFresh(now)
	}
	if p.fresh == nil && p.page == nil && !now.Before(p.readAfter) {
		p.page = p.turn(now, p.next, func() uint64 { return p.before(p.next()) })
	}
	return p.fresh != nil || p.page != nil
}

// turn reads the next page with figures from a block on, up to another.
func (p *Platform) turn(now time.Time, from, to func() uint64) *page {
	for {
		next, last := from(), to()
		if next > last {
			return nil
		}
		g, err := p.readPage(next, last)
		if err != nil {
			p.readFailed(envelope.StreamStat, next, err, now)
			return nil
		}
		if len(g.records) > 0 {
			p.readTrouble = false
			return g
		}
		if !p.settle(g, now) { // nothing to wait for
			return nil
		}
	}
}

// turnFresh reads the page behind all that the platform has if its figures are of periods
// that just ended, or where it has a backlog the newest page if its are. It returns nil
// where there are none: then all goes in its turn.
func (p *Platform) turnFresh(now time.Time) *page {
	_, last := p.log.Bounds(envelope.StreamStat)
	if p.stale == last || now.Before(p.readAfter) {
		return nil
	}
	if g := p.page; g != nil && (g.epoch != p.log.Epoch() || !g.late(now)) {
		return nil // which is on its way and no backlog
	}
	for {
		from := p.newer()
		if p.page != nil {
			from = max(from, p.page.last+1)
		}
		if from > last {
			return nil
		}
		g, err := p.readPage(from, last)
		if err == nil && len(g.records) == 0 {
			if !p.settle(g, now) {
				return nil
			}
			continue
		}
		if err == nil && g.late(now) {
			start, ok := p.startOf(from, last)
			if !ok {
				break
			}
			g, err = p.readPage(start, last)
		}
		if err != nil {
			return nil // as the other lane will say
		}
		if g.last == last && len(g.records) > 0 && !g.late(now) || g.first == from && !g.late(now) {
			p.readTrouble = false
			return g
		}
		break
	}
	p.stale = last
	return nil
}

func (g *page) late(now time.Time) bool {
	return slices.ContainsFunc(g.records, func(r *record) bool { return r.late(now) })
}

// startOf finds the first block of the page that ends with last: the one whose periods
// the block before it does not have. It is not ok where there is none from first on.
func (p *Platform) startOf(first, last uint64) (start uint64, ok bool) {
	low := first
	if last-first >= maxPage {
		low = last - maxPage + 1
	}
	var groups [][]envelope.Group
	for after := low - 1; after < last; {
		at, blocks, err := p.log.Read(envelope.StreamStat, after, readAtOnce)
		if err != nil || len(blocks) == 0 || at != after+1 {
			return 0, false
		}
		for i, m := range blocks {
			groups = append(groups, p.parse(envelope.StreamStat, at+uint64(i), m))
		}
		after += uint64(len(blocks))
	}
	groups = groups[:last-low+1]
	b := builder{p: p, newest: map[period]*record{}}
	for i := len(groups) - 1; i >= 0; i-- {
		if !b.belongs(groups[i]) {
			return low + uint64(i) + 1, true
		}
		b.add(groups[i])
	}
	return first, low == first
}

// next is the first block that the platform does not have.
func (p *Platform) next() uint64 {
	first, _ := p.log.Bounds(envelope.StreamStat)
	upto, _ := p.cur.Acked(p.cursor, envelope.StreamStat)
	return max(upto+1, first)
}

// newer is the block behind the last that the platform has.
func (p *Platform) newer() uint64 {
	_, runs := p.cur.Acked(p.cursor, envelope.StreamStat)
	if len(runs) == 0 {
		return p.next()
	}
	return runs[len(runs)-1][1] + 1
}

// before is the last block before the next that the platform has, or that is in the
// first lane.
func (p *Platform) before(next uint64) uint64 {
	_, last := p.log.Bounds(envelope.StreamStat)
	_, runs := p.cur.Acked(p.cursor, envelope.StreamStat)
	for _, r := range runs {
		if r[0] > next {
			return r[0] - 1
		}
	}
	return last
}

// settle moves the cursor past a page. It returns false where that cannot be done: in
// another epoch, and by a cursor that the log does not know, which would have the page
// sent for ever at full speed.
func (p *Platform) settle(g *page, now time.Time) bool {
	if p.log.Epoch() != g.epoch {
		return false
	}
	p.cur.Ack(g.epoch, p.cursor, envelope.StreamStat, g.first, g.last)
	upto, runs := p.cur.Acked(p.cursor, envelope.StreamStat)
	if upto >= g.last {
		return true
	}
	for _, r := range runs {
		if r[0] <= g.last && g.last <= r[1] {
			return true
		}
	}
	if p.next() > g.last { // evicted meanwhile
		return true
	}
	p.readFailed(envelope.StreamStat, g.last, errCursor, now)
	p.readAfter = now.Add(idle)
	return false
}
