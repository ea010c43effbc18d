package hj212_test

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"envgate/hj212"
)

// longMessage has a DataTime and n items of 41 bytes.
func longMessage(n int, flag hj212.Flag) hj212.Message {
	m := hj212.Message{
		QN: "20240601090000001", ST: "31", CN: "2061", PW: "123456", MN: "010000A8900016F000169DC0", Flag: flag, HasFlag: true,
		CP: hj212.Area{{{"DataTime", "20240601080000"}}},
	}
	for i := range n {
		m.CP = append(m.CP, hj212.Item{{fmt.Sprintf("a%05d-Avg", i), strings.Repeat("1", 16)}, {fmt.Sprintf("a%05d-Flag", i), "N"}})
	}
	return m
}

// checkSplit holds for all that Split returns: each packet within the limits, with
// DataTime first, and the items are those of the message.
func checkSplit(t *testing.T, m hj212.Message, packets []hj212.Message, e hj212.Edition) {
	t.Helper()
	most := 950
	if e == hj212.Ed2005 {
		most = 960
	}
	stamp, hasTime := m.CP.Get("DataTime")
	var items []hj212.Item
	for i, p := range packets {
		if len(packets) > 1 {
			if p.QN != "" {
				t.Errorf("packet %d has QN %q, want none", i+1, p.QN)
			}
		}
		if p.QN == "" {
			p.QN = "20240601090000001" // as the caller does
		}
		size := len(p.Append(nil))
		empty := p
		empty.CP = nil
		if area := size - len(empty.Append(nil)) + len("CP=&&&&"); size > 1024 || area > most {
			t.Errorf("packet %d of %d has %d bytes, area %d, want up to 1024 and %d", i+1, len(packets), size, area, most)
		}
		if split := p.Flag&hj212.IsSplit != 0; split != (p.PNUM > 0) || split != (p.PNO > 0) || p.PNO > p.PNUM || p.PNUM > hj212.MostPackets(e) {
			t.Errorf("packet %d of %d: PNUM %d, PNO %d, Flag %d", i+1, len(packets), p.PNUM, p.PNO, p.Flag)
		}
		area := p.CP
		if hasTime && len(packets) > 1 {
			if !reflect.DeepEqual(area[0], hj212.Item{{Name: "DataTime", Value: stamp}}) {
				t.Errorf("packet %d begins with %v, want DataTime=%s", i+1, area[0], stamp)
			}
			area = area[1:]
		}
		items = append(items, area...)
	}
	var got, want []hj212.Param
	for _, item := range items {
		got = append(got, item...)
	}
	for _, item := range m.CP {
		want = append(want, item...)
	}
	// DataTime may have moved to the front, even of a packet that is alone, as where the
	// message did not fit for a QN that is none.
	withoutTime := func(params []hj212.Param) []hj212.Param {
		i := slices.IndexFunc(params, func(p hj212.Param) bool { return p.Name == "DataTime" })
		if i < 0 {
			return params
		}
		return append(params[:i:i], params[i+1:]...)
	}
	if want = withoutTime(want); len(packets) == 1 {
		got = withoutTime(got)
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("packets have parameters\n%v, want\n%v", got, want)
	}
}

func TestSplit(t *testing.T) {
	for _, test := range []struct {
		name  string
		m     hj212.Message
		e     hj212.Edition
		pnums []int
	}{
		{"fits", longMessage(20, 5), hj212.Ed2017, []int{0}},
		{"is full", longMessage(21, 5), hj212.Ed2017, []int{0}},
		{"one item over", longMessage(22, 5), hj212.Ed2017, []int{2, 2}},
		{"three", longMessage(60, 5), hj212.Ed2017, []int{3, 3, 3}},
		{"2005", longMessage(22, 1), hj212.Ed2005, []int{2, 2}},
		{"2025, nine", longMessage(9*21, 9), hj212.Ed2025, []int{9, 9, 9, 9, 9, 9, 9, 9, 9}},
		{"2025, two series", longMessage(11*21, 9), hj212.Ed2025, []int{9, 9, 9, 9, 9, 9, 9, 9, 9, 2, 2}},
		{"2025, one left", longMessage(9*21+1, 9), hj212.Ed2025, []int{9, 9, 9, 9, 9, 9, 9, 9, 9, 0}},
	} {
		packets, err := hj212.Split(test.m, test.e)
		if err != nil {
			t.Errorf("%s: Split: %v", test.name, err)
			continue
		}
		var pnums []int
		for _, p := range packets {
			pnums = append(pnums, p.PNUM)
			if p.Flag&hj212.WantAnswer == 0 {
				t.Errorf("%s: Flag %d does not want an answer", test.name, p.Flag)
			}
		}
		if !reflect.DeepEqual(pnums, test.pnums) {
			t.Errorf("%s: PNUM %v, want %v", test.name, pnums, test.pnums)
		}
		checkSplit(t, test.m, packets, test.e)
	}
}

func TestSplitWithoutTime(t *testing.T) {
	m := longMessage(40, 5)
	m.CP = m.CP[1:]
	packets, err := hj212.Split(m, hj212.Ed2017)
	if err != nil || len(packets) != 2 {
		t.Fatalf("Split gave %d packets, error %v, want 2", len(packets), err)
	}
	checkSplit(t, m, packets, hj212.Ed2017)
}

// A packet is filled to the last byte, and not over it.
func TestSplitToTheByte(t *testing.T) {
	for _, size := range []int{471, 472} {
		m := hj212.Message{ST: "32", CN: "3020", Flag: 5}
		for _, name := range []string{"a", "b", "c"} {
			m.CP = append(m.CP, hj212.Item{{name, strings.Repeat("1", size-2)}})
		}
		packets, err := hj212.Split(m, hj212.Ed2017)
		if want := size - 471 + 2; err != nil || len(packets) != want {
			t.Errorf("items of %d bytes: %d packets, %v, want %d", size, len(packets), err, want)
		}
		checkSplit(t, m, packets, hj212.Ed2017)
	}
}

// What fits without a QN need not fit with one, which the caller sets: room is kept.
func TestSplitRoomForQN(t *testing.T) {
	for size := 990; size <= 1024; size++ {
		m := hj212.Message{
			ST: "31", CN: "2061", PW: "123456", MN: "010000A8900016F000169DC0", Flag: 5,
			More: []hj212.Param{{Name: "Site", Value: strings.Repeat("7", 100)}},
			CP:   hj212.Area{{{"DataTime", "20240601080000"}}, {{"a21026-Info", strings.Repeat("1", 300)}}, {{"a21001-Info", ""}}},
		}
		last := &m.CP[2][0].Value
		*last = strings.Repeat("1", size-len(m.Append(nil)))
		packets, err := hj212.Split(m, hj212.Ed2017)
		if err != nil {
			t.Fatalf("segment of %d bytes: %v", size, err)
		}
		want := 1
		if size+len("QN=20240601090000001;") > 1024 {
			want = 2
		}
		if len(packets) != want {
			t.Errorf("segment of %d bytes: %d packets, want %d", size, len(packets), want)
		}
		for i := range packets {
			packets[i].QN = "20240601090000001"
			(*hj212.Codec)(nil).AppendMessage(nil, &packets[i]) // panics where it is too long
		}
	}
}

// The data area counts with its name and the && on both sides, the narrowest that the
// tables can be read.
func TestAreaLimit(t *testing.T) {
	for _, test := range []struct {
		e    hj212.Edition
		most int
	}{{hj212.Ed2005, 960}, {hj212.Ed2017, 950}, {hj212.Ed2025, 950}} {
		for over := range 2 {
			m := hj212.Message{ST: "31", CN: "2011", CP: hj212.Area{{{"DataTime", "20240601080000"}}, {{"a", ""}}}}
			m.CP[1][0].Value = strings.Repeat("1", test.most+over-len("CP=&&DataTime=20240601080000;a=&&"))
			_, err := hj212.Split(m, test.e)
			long := slices.ContainsFunc(m.Strict(test.e), func(v hj212.Violation) bool { return v.Kind == hj212.LongArea })
			if tooLong := over > 0; long != tooLong || errors.Is(err, hj212.ErrLongItem) != tooLong {
				t.Errorf("%v, field CP of %d bytes: Strict says too long: %v; Split: %v", test.e, test.most+over, long, err)
			}
		}
	}
}

func TestSplitLongItem(t *testing.T) {
	m := longMessage(2, 5)
	m.CP = append(m.CP, hj212.Item{{"i11001-Info", "//" + strings.Repeat("x", 950) + "//"}})
	_, err := hj212.Split(m, hj212.Ed2017)
	if !errors.Is(err, hj212.ErrLongItem) || !strings.Contains(err.Error(), "i11001-Info") {
		t.Errorf("Split: error %v, want %v that names i11001-Info", err, hj212.ErrLongItem)
	}
	m = hj212.Message{MN: strings.Repeat("1", 2000)}
	if _, err := hj212.Split(m, hj212.Ed2017); !errors.Is(err, hj212.ErrLongItem) {
		t.Errorf("Split of long fields: error %v, want %v", err, hj212.ErrLongItem)
	}
}
