package platform

import (
	"errors"
	"slices"
	"time"

	"envgate/envelope"
	"envgate/hj212"
)

// The history that a platform asks for: the records of one CN whose periods begin within
// a span, both ends included, oldest first (HJ 212-2017, C.20 to C.23). They are read out
// of the log some blocks at a time, in turn with all else, and handed to the field side,
// which has one of them in flight beside the uploads and not before them: what is fresh
// does not wait.
//
// It knows a record as history by request, and not as backfilled, which is what RF says
// (HJ 212-2025, 8.1.2); whether such frames are to have RF=1 is uncertain.

const (
	maxHistories = 2

	// sealedLate is how long after its end a period's block may have been sealed while the
	// gateway ran; and lateBlocks how many blocks further on those may stand that were open
	// while it did not.
	sealedLate = 24 * time.Hour
	lateBlocks = maxPage
)

type history struct {
	c          *command
	begin, end time.Time // of the labels
	epoch      string
	runs       [][2]uint64 // not looked at yet
	records    []*record   // of the page, not handed out yet
	full       bool        // the field side has all that it can keep
	over       bool        // all was handed out
	sent       int
}

func (p *Platform) planHistory(c *command) {
	begin, err1 := c.m.CP.Time("BeginTime")
	end, err2 := c.m.CP.Time("EndTime")
	switch {
	case err1 != nil || err2 != nil:
		c.fail(exeCondition, "%v", errors.Join(err1, err2))
		return
	case end.Before(begin):
		c.fail(exeCondition, "EndTime is before BeginTime")
	}
	c.new = hj212.Stamp(begin) + " to " + hj212.Stamp(end)
	c.do = func() {
		switch {
		case p.o.Commands.Find == nil:
			c.fail(exeNoData, "")
		case len(p.histories) >= maxHistories:
			c.fail(exeBusy, "%d requests for data are under way", maxHistories)
		default:
			c.later = true
			p.histories = append(p.histories, &history{
				c: c, begin: begin, end: end, epoch: p.log.Epoch(),
				runs: p.o.Commands.Find(envelope.StreamStat, begin, end.Add(sealedLate+24*time.Hour)),
			})
			p.countHistories()
		}
	}
}

// recount takes a step in each history, and reports whether there is more to do at once.
func (p *Platform) recount(now time.Time) (more bool) {
	for _, h := range p.histories {
		if h.full || h.over {
			continue
		}
		if len(h.records) == 0 {
			if rtn := p.leaf(h); rtn != 0 {
				h.over = true
				if p.side.Done(h.c.x, rtn) != nil {
					h.c.rtn = exeFailed
				}
				continue
			}
		}
		p.handOut(h, now)
		more = more || !h.full
	}
	return more
}

// leaf reads the next page of a history. The ExeRtn is 0 unless it was the last one.
func (p *Platform) leaf(h *history) (exeRtn int) {
	_, last := p.log.Bounds(envelope.StreamStat)
	switch {
	case p.log.Epoch() != h.epoch: // the numbers are of other blocks
		return exeFailed
	case len(h.runs) == 0 || h.runs[0][0] > last:
		return exeDone
	}
	run := &h.runs[0]
	g, err := p.readPage(run[0], last)
	if err != nil {
		p.o.Logger.Error("history cannot be read", "seq", run[0], "err", err)
		return exeFault
	}
	run[0] = max(g.last, run[0]) + 1
	if run[0] > run[1]+lateBlocks || len(h.runs) > 1 && run[0] >= h.runs[1][0] {
		if h.runs = h.runs[1:]; len(h.runs) > 0 {
			h.runs[0][0] = max(h.runs[0][0], run[0])
		}
	}
	h.records = slices.DeleteFunc(g.records, func(r *record) bool {
		return r.cn != h.c.m.CN || r.start.Before(h.begin) || r.start.After(h.end)
	})
	return 0
}

// handOut gives records to the field side until it takes no more.
func (p *Platform) handOut(h *history, now time.Time) {
	for len(h.records) > 0 {
		r := h.records[0]
		m := p.message(r, now)
		m.RF = false
		switch err := p.side.Data(h.c.x, m); {
		case errors.Is(err, hj212.ErrBusy):
			h.full = true
			return
		case errors.Is(err, hj212.ErrExchange): // its time ran out
			h.over = true
			return
		case err != nil:
			p.o.Logger.Error("record cannot be sent and is passed by", "record", r.String(), "err", err)
		default:
			h.sent++
			p.count(func(s *Stats) {
				s.Commands.HistoryRecords++
				s.Commands.HistoryAt = r.start
			})
		}
		h.records = h.records[1:]
	}
}

// room says that the field side takes data again.
func (p *Platform) room(x hj212.Exchange) {
	for _, h := range p.histories {
		if h.c.x == x {
			h.full = false
		}
	}
}

// ended forgets a history whose result was handed out.
func (p *Platform) ended(e hj212.Event) {
	for i, h := range p.histories {
		if h.c.x != e.Exchange {
			continue
		}
		p.histories = slices.Delete(p.histories, i, i+1)
		p.countHistories()
		h.c.rtn = e.Rtn
		switch {
		case e.Err != nil:
			h.c.why = e.Err.Error()
		case e.Rtn == exeDone:
			h.c.why = plural(h.sent, "record")
		}
		p.finish(h.c)
		return
	}
}

func (p *Platform) countHistories() {
	p.count(func(s *Stats) { s.Commands.Histories = len(p.histories) })
}
