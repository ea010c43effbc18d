package gov

import (
	"maps"
	"slices"
	"strings"
	"time"
)

// A Record is all that came under one MN, ST, CN and DataTime, its packets put together.
type Record struct {
	MN, ST, CN, DataTime string

	RF    bool // of the first message of it
	At    time.Time
	Flag  string
	Asked bool // it came first as part of the answer to a request

	// Factors have the values by code and kind: Factors["a34004"]["Avg"]. What has no
	// code (RestartTime) is under "".
	Factors map[string]map[string]string

	Missing int // packets that did not come
	Again   int // messages with a QN that was there already
	Doubled int // messages with the same content under another QN
	Differs int // messages with other content
}

// Counts are over all records.
type Counts struct {
	Frames   int // that came, bad ones and answers too
	Bad      int // of them, those that are no frame, or whose sum is wrong
	Denied   int // with a wrong MN or PW; not answered
	Records  int // different MN, ST, CN, DataTime
	Backfill int // of them, those with RF=1
	Again    int // messages with a QN that was there already: an answer was lost
	Doubled  int // messages of a record that was there, under another QN
	Differs  int // of a record that was there, with other content
	Missing  int // packets of records of several that did not come
	Notices  int // notifications: 1001, 1013, 1014, 2072, 9015
	Answers  int // 9011, 9012, 9013, 9014
	Conns    int // connections so far
}

type recordKey struct{ mn, st, cn, at string }

// held is a record with what is needed to compare.
type held struct {
	Record
	pnum    int
	packets map[string]*packet // by PNO, "" where it is not split
}

type packet struct {
	qns  []string
	area string
}

// file puts a message with data where it belongs. asked says that it belongs to a
// request: then it may be of a record that is there without being doubled.
func (p *Platform) file(m *Message, asked bool) {
	at := m.Get("DataTime")
	if at == "" {
		at = "QN " + m.Exchange() // single reads have no DataTime
	}
	k := recordKey{m.MN, m.ST, m.CN, at}
	h := p.records[k]
	if h == nil {
		h = &held{packets: map[string]*packet{}, Record: Record{
			MN: m.MN, ST: m.ST, CN: m.CN, DataTime: m.Get("DataTime"), RF: m.RF == "1", At: m.At, Flag: m.Flag, Asked: asked,
			Factors: map[string]map[string]string{},
		}}
		p.records[k] = h
	}
	one := h.packets[m.PNO]
	switch {
	case one == nil:
		h.packets[m.PNO] = &packet{[]string{m.QN}, m.Area}
		if n, ok := digits([]byte(m.PNUM)); ok {
			h.pnum = n
		}
		h.take(m)
	case one.area != m.Area:
		h.Differs++
		p.wrong("%s of %s: other content than before: %s, before: %s", m.CN, at, m.Area, one.area)
	case m.QN != "" && slices.Contains(one.qns, m.QN):
		h.Again++
	default:
		one.qns = append(one.qns, m.QN)
		if !asked {
			h.Doubled++
		}
	}
}

func (h *held) take(m *Message) {
	for f := range m.params() {
		if f.name == "DataTime" {
			continue
		}
		code, kind, ok := strings.Cut(f.name, "-")
		if !ok {
			code, kind = "", f.name
		}
		if h.Factors[code] == nil {
			h.Factors[code] = map[string]string{}
		}
		h.Factors[code][kind] = f.value
	}
}

func (h *held) record() Record {
	r := h.Record
	r.Missing = max(h.pnum-len(h.packets), 0)
	if h.pnum > 0 && h.packets[""] != nil { // once split, once not
		r.Missing = 0
	}
	r.Factors = make(map[string]map[string]string, len(h.Factors))
	for code, kinds := range h.Factors {
		r.Factors[code] = maps.Clone(kinds)
	}
	return r
}

// Records are those of a CN, "" of all, by DataTime.
func (p *Platform) Records(cn string) []Record {
	p.mu.Lock()
	defer p.mu.Unlock()
	var out []Record
	for _, h := range p.records {
		if cn == "" || h.CN == cn {
			out = append(out, h.record())
		}
	}
	slices.SortFunc(out, func(a, b Record) int {
		if c := strings.Compare(a.DataTime, b.DataTime); c != 0 {
			return c
		}
		return strings.Compare(a.CN+a.ST+a.MN, b.CN+b.ST+b.MN)
	})
	return out
}

// Counts are the counters so far.
func (p *Platform) Counts() Counts {
	p.mu.Lock()
	c := p.counts
	p.mu.Unlock()
	for _, r := range p.Records("") {
		c.Records++
		c.Again += r.Again
		c.Doubled += r.Doubled
		c.Differs += r.Differs
		c.Missing += r.Missing
		if r.RF {
			c.Backfill++
		}
	}
	return c
}

// Messages are those that came, newest last; of many, the last ones ([Options].Keep).
func (p *Platform) Messages() []Message {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.messages)
}

// Has reports whether a message came in whose data segment all the parts stand.
func (p *Platform) Has(parts ...string) bool {
	return slices.ContainsFunc(p.Messages(), func(m Message) bool {
		data := string(m.data())
		for _, part := range parts {
			if !strings.Contains(data, part) {
				return false
			}
		}
		return true
	})
}

// Wrong is what broke the standard, in words; the first hundred.
func (p *Platform) Wrong() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.complaints)
}
