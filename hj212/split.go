package hj212

import (
	"errors"
	"fmt"
	"strconv"
)

// ErrLongItem is returned by [Split] for an item that is too long for a packet of
// its own.
var ErrLongItem = errors.New("item is longer than a packet")

// MostPackets is the highest PNUM an edition allows: four digits in 2005 and 2017,
// one in 2025 (HJ 212-2017, table 3; HJ 212-2025, table 3).
func MostPackets(e Edition) int {
	if e == Ed2025 {
		return 9
	}
	return 9999
}

// Split makes packets of a message that is too long for one, by the limits of an
// edition: 1024 bytes of the data segment, 960 (2005) or 950 of them the field CP, with
// its name and the && on both sides. It splits between items, never within one, and in
// their order; each packet begins with DataTime where the message has it (HJ 212-2017,
// tables C.49 and C.50). The packets have PNUM and PNO, and the bit for them in Flag.
// Their QN is empty: each needs one of its own, and they are sent and answered one by
// one.
//
// A message that fits is returned alone, with its QN, and without PNUM and PNO. Where
// it has no QN, room is kept for one: the caller may set 17 digits in all that Split
// returns. All other fields have to be there already, as long as they will be.
//
// Where more packets are needed than PNUM can count ([MostPackets]), there are
// several series one after the other, each a message of its own for the receiver,
// with the same DataTime.
//
// The packets share memory with m. The error is [ErrLongItem], with the item's name.
func Split(m Message, e Edition) ([]Message, error) {
	m.PNUM, m.PNO, m.Flag = 0, 0, m.Flag&^IsSplit
	const qn = "00000000000000000"
	_, head := m.offsets()
	if m.QN == "" {
		head += len("QN=;") + len(qn)
	}
	frame := len(areaBegin) + len(areaEnd)
	if area := m.CP.size(); area <= areaLimit(e) && head+frame+area <= MaxData {
		return []Message{m}, nil
	}

	// What is left for the area, with the longest header: a QN, and the highest PNUM.
	m.QN, m.Flag = qn, m.Flag|IsSplit
	m.PNUM, m.PNO = MostPackets(e), MostPackets(e)
	_, head = m.offsets()
	m.QN, m.PNUM, m.PNO = "", 0, 0
	room := min(areaLimit(e), MaxData-head-frame)

	lead, items := m.CP.lead()
	leadSize := lead.size()
	if leadSize > 0 {
		leadSize++ // the semicolon
	}
	var areas []Area
	size := 0
	for n, item := range items {
		own := item.size()
		if leadSize+own > room {
			return nil, fmt.Errorf("hj212: split %s: item %d of %d, %s, has %d bytes, and a packet has room for %d: %w",
				printable(shorten(m.CN)), n+1, len(items), printable(shorten(hideName(item.name()))), own, max(0, room-leadSize), ErrLongItem)
		}
		if len(areas) == 0 || size+1+own > room {
			areas = append(areas, nil)
			size = leadSize - 1
			if leadSize > 0 {
				areas[len(areas)-1] = Area{lead}
			}
		}
		last := &areas[len(areas)-1]
		*last = append(*last, item)
		size += 1 + own
	}
	if len(areas) == 0 { // nothing but a DataTime, and even that is too long
		return nil, fmt.Errorf("hj212: split %s: fields and %s have %d bytes, want up to %d: %w",
			printable(shorten(m.CN)), strconv.Quote(shorten(hideName(lead.name()))), head+frame+leadSize, MaxData, ErrLongItem)
	}

	packets := make([]Message, len(areas))
	for begin := 0; begin < len(areas); begin += MostPackets(e) {
		series := areas[begin:min(begin+MostPackets(e), len(areas))]
		for i, area := range series {
			p := &packets[begin+i]
			*p = m
			p.CP = area
			if p.PNUM, p.PNO = len(series), i+1; len(series) == 1 {
				p.PNUM, p.PNO, p.Flag = 0, 0, p.Flag&^IsSplit
			}
		}
	}
	return packets, nil
}

// lead takes DataTime out of an area, which each packet repeats: nil where there is
// none. Items are those that are not empty.
func (a Area) lead() (lead Item, items []Item) {
	for _, item := range a {
		for i := range item {
			if lead == nil && item[i].Name == "DataTime" {
				lead = item[i : i+1 : i+1]
				item = append(item[:i:i], item[i+1:]...)
				break
			}
		}
		if len(item) > 0 {
			items = append(items, item)
		}
	}
	return lead, items
}

// name is what an item is called in messages: the name of its first parameter.
func (it Item) name() string {
	if len(it) == 0 {
		return ""
	}
	return it[0].Name
}
