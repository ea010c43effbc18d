package hj212_test

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"

	"envgate/hj212"
)

func TestParseMessage(t *testing.T) {
	for _, test := range []struct {
		name, data string
		want       hj212.Message
	}{
		{"whole", "QN=20160801085857534;ST=32;CN=2061;PW=123456;MN=010000A8900016F000169DC0;Flag=7;PNUM=2;PNO=1;CP=&&DataTime=20160801080000;w01001-Min=7.1,w01001-Flag=N&&", hj212.Message{
			QN: "20160801085857534", ST: "32", CN: "2061", PW: "123456", MN: "010000A8900016F000169DC0", Flag: 7, HasFlag: true, PNUM: 2, PNO: 1,
			CP: hj212.Area{{{"DataTime", "20160801080000"}}, {{"w01001-Min", "7.1"}, {"w01001-Flag", "N"}}},
		}},
		{"empty", "", hj212.Message{}},
		{"area alone", "CP=&&&&", hj212.Message{}},
		{"any order", "CN=2011;MN=7;QN=1;CP=&&&&", hj212.Message{QN: "1", CN: "2011", MN: "7"}},
		{"four digits", "PNO=0002;PNUM=0012;CP=&&&&", hj212.Message{PNUM: 12, PNO: 2}},
		{"out of range", "PNO=10000;PNUM=0;Flag=256;RF=0;CP=&&&&", hj212.Message{}},
		{"no Atoi", "PNO=+1;PNUM=-1;Flag=+5;CP=&&&&", hj212.Message{}},
		{"over 64 bits", "PNO=18446744073709551617;PNUM=18446744073709551617;Flag=18446744073709551621;CP=&&&&", hj212.Message{}},
		{"backfilled", "Flag=9;RF=1;CP=&&&&", hj212.Message{Flag: 9, HasFlag: true, RF: true}},
		{"Flag 0", "Flag=0;CP=&&&&", hj212.Message{HasFlag: true}},
		{"registration", "CN=1001;MN=;Flag=9;CP=&&&&", hj212.Message{CN: "1001", EmptyMN: true, Flag: 9, HasFlag: true}},
		{"unknown field", "ST=32;Site=7;CP=&&&&", hj212.Message{ST: "32", More: []hj212.Param{{"Site", "7"}}}},
		{"twice", "ST=32;ST=31;CP=&&&&", hj212.Message{ST: "32"}},
		{"names have cases", "st=32;CP=&&&&", hj212.Message{More: []hj212.Param{{"st", "32"}}}},
		{"comma in header", "QN=1,ST=32;CP=&&&&", hj212.Message{QN: "1", ST: "32"}},
		{"no semicolon before CP", "Flag=5CP=&&a=1&&", hj212.Message{Flag: 5, HasFlag: true, CP: hj212.Area{{{"a", "1"}}}}},
		{"blanks", " ST = 32 ; CP=&& a = 1 , b=2\t; c=x y &&", hj212.Message{ST: "32", CP: hj212.Area{{{"a", "1"}, {"b", "2"}}, {{"c", "x y"}}}}},
		{"blanks in CP", "ST=32; CP = && a=1&&", hj212.Message{ST: "32", CP: hj212.Area{{{"a", "1"}}}}},
		{"no && before", "ST=32;CP=a=1&&", hj212.Message{ST: "32", CP: hj212.Area{{{"a", "1"}}}}},
		{"no && after", "ST=32;CP=&&a=1", hj212.Message{ST: "32", CP: hj212.Area{{{"a", "1"}}}}},
		{"&& within", "CP=&&a=1&&b=2;c=3&&", hj212.Message{CP: hj212.Area{{{"a", "1&&b=2"}}, {{"c", "3"}}}}},
		{"after the area", "CP=&&a=1&&b=2", hj212.Message{CP: hj212.Area{{{"a", "1"}}}}},
		{"three &", "CP=&&&&&", hj212.Message{CP: hj212.Area{{{"&", ""}}}}},
		{"separators", "CP=&&;;a=1,,b=2;,;c=3;&&", hj212.Message{CP: hj212.Area{{{"a", "1"}, {"b", "2"}}, {{"c", "3"}}}}},
		{"no equals", "CP=&&a;=1;b=&&", hj212.Message{CP: hj212.Area{{{"a", ""}}, {{"", "1"}}, {{"b", ""}}}}},
		{"two equals", "CP=&&a=1=2&&", hj212.Message{CP: hj212.Area{{{"a", "1=2"}}}}},
		{"log", "CP=&&a=//清洗管路//;b=1&&", hj212.Message{CP: hj212.Area{{{"a", "//清洗管路//"}}, {{"b", "1"}}}}},
		{"log with form in it", "CP=&&a=//x;y=1,z//,b=1&&", hj212.Message{CP: hj212.Area{{{"a", "//x;y=1,z//"}, {"b", "1"}}}}},
		{"log with slashes", "CP=&&a=//see http://x;y//;b=1&&", hj212.Message{CP: hj212.Area{{{"a", "//see http://x;y//"}}, {{"b", "1"}}}}},
		{"empty log", "CP=&&a=////;b=1&&", hj212.Message{CP: hj212.Area{{{"a", "////"}}, {{"b", "1"}}}}},
		{"log after blanks", "CP=&&a= //x;y// ;b=1&&", hj212.Message{CP: hj212.Area{{{"a", "//x;y//"}}, {{"b", "1"}}}}},
		{"open logs", "CP=&&a=//x;b=//y;c=1&&", hj212.Message{CP: hj212.Area{{{"a", "//x"}}, {{"b", "//y"}}, {{"c", "1"}}}}},
		{"GBK", "CP=&&a=//\xc7\xe5\xcf\xb4//;b=\x81\x30\x84\x39&&", hj212.Message{CP: hj212.Area{{{"a", "//\xc7\xe5\xcf\xb4//"}}, {{"b", "\x81\x30\x84\x39"}}}}},
		{"control bytes", "CP=&&a=1\x00\r\n&&", hj212.Message{CP: hj212.Area{{{"a", "1\x00\r\n"}}}}},
	} {
		got, _ := hj212.ParseMessage([]byte(test.data))
		if !reflect.DeepEqual(got, test.want) {
			t.Errorf("%s: ParseMessage(%q) =\n%+v, want\n%+v", test.name, test.data, got, test.want)
		}
	}
}

// Messages do not change with the bytes they were read from.
func TestParseMessageCopies(t *testing.T) {
	data := []byte(plainData)
	m, _ := hj212.ParseMessage(data)
	clear(data)
	if got := string(m.Append(nil)); got != plainData {
		t.Errorf("after the bytes changed: %q, want %q", got, plainData)
	}
	// Nor does an item reach into the next.
	m.CP[0] = append(m.CP[0], hj212.Param{Name: "x", Value: "1"})
	if got, _ := m.CP.Get("w01018-Rtd"); got != "2.2" {
		t.Errorf("w01018-Rtd is %q after another item grew, want 2.2", got)
	}
}

// standardSegments are printed in the standards: in the normative order, and without
// a slip of the pen.
var standardSegments = []string{
	"QN=20160801085857223;ST=32;CN=1062;PW=100000;MN=010000A8900016F000169DC0;Flag=5;CP=&&RtdInterval=30&&",
	"QN=20160801085857534;ST=32;CN=2061;PW=123456;MN=010000A8900016F000169DC0;Flag=6;PNUM=2;PNO=1;CP=&&DataTime=20160801080000;w00000-Cou=63.0,w00000-Min=16.4,w00000-Avg=17.5,w00000-Max=20.1,w00000-Flag=N;w01001-Min=7.1,w01001-Avg=7.5,w01001-Max=7.8,w01001-Flag=N&&",
	"QN=20160801085857223;ST=91;CN=9014;PW=123456;MN=010000A8900016F000169DC0;Flag=4;CP=&&&&",
	"QN=20160801085857223;ST=32;CN=3020;PW=123456;MN=010000A8900016F000169DC0;Flag=5;CP=&&DataTime=20100301145000;PolId=w01018;i11001-Info=//清洗管路//&&",
	"QN=20240601085857223;ST=32;CN=1011;PW=123456;MN=010000A8900016F000169DC0;Flag=9;CP=&&&&",
	"QN=20240520210700000;ST=31;CN=2051;PW=123456;MN=010000A8900016F000169DC0;Flag=9;CP=&&DataTime=20240520210600;a01011-Min=1.35,a01011-Avg=1.35,a01011-Max=1.35,a01011-Flag=N;a01014-Min=3.20,a01014-Avg=3.20,a01014-Max=3.20,a01014-Flag=N&&",
	"ST=91;CN=9011;PW=123456;MN=88888880000001;Flag=0;CP=&&QN=20040516010101001;QnRtn=1&&",
	"ST=91;CN=9012;PW=123456;MN=88888880000001;CP=&&QN=20040516010101001;ExeRtn=1&&",
	"ST=32;CN=2011;PW=123456;MN=88888880000001;CP=&&DataTime=20040516020111;B01-Rtd=100;101-Rtd=1.1,101-Flag=N;102-Rtd=2.2,102-Flag=N&&",
	"ST=91;CN=9014;CP=&&QN=20040516010101001;CN=2051&&",
	"QN=20240601085857223;ST=31;CN=1001;PW=123456;MN=;Flag=9;CP=&&i23005-Info=6970000000001ABCDEFG1234&&",
	"QN=20240601085857223;ST=31;CN=2061;PW=123456;MN=010000A8900016F000169DC0;Flag=11;PNUM=2;PNO=1;RF=1;CP=&&DataTime=20240601080000;a21026-Avg=19.20&&",
}

// What is as the standard has it has no violations, and is written as it was.
func TestStandardSegments(t *testing.T) {
	for _, data := range standardSegments {
		m, vs := hj212.ParseMessage([]byte(data))
		if vs != nil {
			t.Errorf("ParseMessage(%q): %v, want no violations", data, vs)
		}
		if got := string(m.Append(nil)); got != data {
			t.Errorf("Append gave %q, want %q", got, data)
		}
		if vs := m.Strict(m.Edition()); vs != nil {
			t.Errorf("Strict of %q: %v, want none", data, vs)
		}
	}
}

func TestAppend(t *testing.T) {
	m := hj212.Message{CN: "2011", Flag: 5, RF: true, More: []hj212.Param{{"Site", "7"}}, CP: hj212.Area{nil, {{"a", "1"}}, {}, {{"b", ""}}}}
	const want = "xCN=2011;Flag=5;RF=1;Site=7;CP=&&a=1;b=&&"
	if got := string(m.Append([]byte("x"))); got != want {
		t.Errorf("%+v.Append = %q, want %q", m, got, want)
	}
	if got := string((&hj212.Message{MN: "7", EmptyMN: true}).Append(nil)); got != "MN=7;CP=&&&&" {
		t.Errorf("EmptyMN beside an MN: %q", got)
	}
}

func TestEdition(t *testing.T) {
	for _, test := range []struct {
		data          string
		want          hj212.Edition
		answers, tocn string
	}{
		{"QN=1;CP=&&&&", hj212.Ed2005, "1", ""},
		{"QN=1;Flag=3;CP=&&&&", hj212.Ed2005, "1", ""},
		{"QN=1;Flag=4;CP=&&&&", hj212.Ed2017, "1", ""},
		{"QN=1;Flag=7;CP=&&CN=2051&&", hj212.Ed2017, "1", ""},
		{"QN=1;Flag=8;CP=&&&&", hj212.Ed2025, "1", ""},
		{"QN=1;Flag=255;CP=&&&&", hj212.Ed2025, "1", ""},
		{"Flag=4;CP=&&QN=2;QnRtn=1&&", hj212.Ed2005, "2", ""},
		{"ST=91;CN=9014;CP=&&QN=2;CN=2051&&", hj212.Ed2005, "2", "2051"},
		{"CP=&&&&", hj212.Ed2005, "", ""},
	} {
		m, _ := hj212.ParseMessage([]byte(test.data))
		if got := m.Edition(); got != test.want {
			t.Errorf("%q: edition %v, want %v", test.data, got, test.want)
		}
		if got := m.Answers(); got != test.answers {
			t.Errorf("%q: answers %q, want %q", test.data, got, test.answers)
		}
		if got := m.AnswersCN(); got != test.tocn {
			t.Errorf("%q: answers CN %q, want %q", test.data, got, test.tocn)
		}
	}
}

func TestNewFlag(t *testing.T) {
	for _, test := range []struct {
		e    hj212.Edition
		bits hj212.Flag
		want hj212.Flag
	}{
		{hj212.Ed2005, hj212.WantAnswer | hj212.IsSplit, 3},
		{hj212.Ed2017, 0, 4},
		{hj212.Ed2017, hj212.WantAnswer, 5},
		{hj212.Ed2025, hj212.WantAnswer, 9},
		{hj212.Ed2025, 255, 11},
	} {
		if got := hj212.NewFlag(test.e, test.bits); got != test.want {
			t.Errorf("NewFlag(%v, %d) = %d, want %d", test.e, test.bits, got, test.want)
		}
	}
}

func TestParamCut(t *testing.T) {
	for _, test := range []struct{ name, code, kind string }{
		{"a21026-Rtd", "a21026", "Rtd"},
		{"DataTime", "DataTime", ""},
		{"a-b-Rtd", "a-b", "Rtd"},
		{"a-", "a", ""},
		{"", "", ""},
	} {
		if code, kind := (hj212.Param{Name: test.name}).Cut(); code != test.code || kind != test.kind {
			t.Errorf("Cut of %q = %q, %q, want %q, %q", test.name, code, kind, test.code, test.kind)
		}
	}
}

// Many names, with one twice, at the place where the set of names grows.
func TestNameTwiceAmongMany(t *testing.T) {
	for _, n := range []int{1, 100, 127, 128, 129, 600} {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, "n%d=1;", i)
		}
		data := "CP=&&" + b.String() + fmt.Sprintf("n%d=2&&", n-1)
		_, vs := hj212.ParseMessage([]byte(data))
		count := 0
		for _, v := range vs {
			if v.Kind == hj212.NameTwice {
				count++
				if want := len(data) - len(fmt.Sprintf("n%d=2&&", n-1)); v.Offset != want {
					t.Errorf("%d names: twice at %d, want %d", n, v.Offset, want)
				}
			}
		}
		if count != 1 {
			t.Errorf("%d names and one again: %d violations, want 1", n, count)
		}
	}
}

func TestMessageLogValue(t *testing.T) {
	m, _ := hj212.ParseMessage([]byte(plainData))
	got := m.LogValue().String()
	if strings.Contains(got, m.PW) || !strings.Contains(got, m.MN) || !strings.Contains(got, "2011") {
		t.Errorf("LogValue = %s, want MN and CN without PW", got)
	}
}

// A semicolon that is missing puts the password into the field before it.
func TestMessageLogValueSecret(t *testing.T) {
	for _, data := range []string{"MN=1PW=s3cr;CP=&&&&", "CN=2011PW=s3cr;CP=&&&&", "CP=&&QN=1pw:s3cr&&"} {
		m, _ := hj212.ParseMessage([]byte(data))
		if got := m.LogValue().String(); strings.Contains(got, "s3cr") {
			t.Errorf("%q is logged as %s", data, got)
		}
	}
}

func TestPairs(t *testing.T) {
	for _, test := range []struct{ data, want string }{
		{"", ""},
		{"CP=&&&&", ""},
		{"ST=32;CN=2011;CP=&&DataTime=1;a-Rtd=2,a-Flag=N;b&&", "0/-1 ST=32|6/-1 CN=2011|19/0 DataTime=1|30/1 a-Rtd=2|38/1 a-Flag=N|47/2 b"},
		{"Flag=5CP=&&;;a=1;&&x=1", "0/-1 Flag=5|13/0 a=1"},
		{"x, y = 1", "0/-1 x|3/-1 y=1"},
		{"CP=&&a= //x;y=1// ,b=//z&&", "5/0 a=//x;y=1//|19/0 b=//z"},
	} {
		var got []string
		for p := range hj212.Pairs([]byte(test.data)) {
			s := fmt.Sprintf("%d/%d %s", p.Offset, p.Item, p.Name)
			if p.Value != nil {
				s += "=" + string(p.Value)
			}
			got = append(got, s)
		}
		if got := strings.Join(got, "|"); got != test.want {
			t.Errorf("Pairs(%q) = %s, want %s", test.data, got, test.want)
		}
	}
}

func TestPairsStops(t *testing.T) {
	for stop := 1; stop <= 9; stop++ {
		n := 0
		for range hj212.Pairs([]byte(plainData)) {
			if n++; n == stop {
				break
			}
		}
		if n != stop {
			t.Errorf("%d pairs before the break, want %d", n, stop)
		}
	}
}

func TestAllocations(t *testing.T) {
	data := siteSegment(t)
	n := 0
	if got := testing.AllocsPerRun(100, func() {
		for p := range hj212.Pairs(data) {
			n += len(p.Name)
		}
	}); got != 0 {
		t.Errorf("Pairs allocates %v times, want 0", got)
	}
	m, _ := hj212.ParseMessage(data)
	buf := make([]byte, 0, 1024)
	if got := testing.AllocsPerRun(100, func() { buf = m.Append(buf[:0]) }); got != 0 {
		t.Errorf("Append allocates %v times, want 0", got)
	}
	// The text, the parameters, the items and where they begin.
	if got := testing.AllocsPerRun(100, func() { hj212.ParseMessage(data) }); got > 4 {
		t.Errorf("ParseMessage allocates %v times, want up to 4", got)
	}
}

// FuzzParseMessage holds for any bytes: nothing panics; offsets are within the
// bytes; Pairs sees what ParseMessage sees; and what was read is the same after it
// was written and read again.
func TestAreaHas(t *testing.T) {
	a := hj212.Area{{{"DataTime", "1"}}, {{"w01018-Rtd", "1"}, {"w01018-Flag", "N"}}}
	for name, want := range map[string]bool{
		"DataTime": true, "w01018-Rtd": true, "*-Rtd": true, "*-Flag": true,
		"*-Avg": false, "Rtd": false, "w01018": false, "*": false, "*-": true, "": false,
	} {
		if got := a.Has(name); got != want {
			t.Errorf("Has(%q) = %v, want %v", name, got, want)
		}
	}
}

// A comma for a semicolon is told once for a parameter, however many are before it:
// a segment of nothing else would take time by the square of its length.
func TestTimesInOneItem(t *testing.T) {
	const time = "20240601000000"
	for _, n := range []int{1, 2, 30} {
		data := head + "CP=&&" + strings.Repeat("BeginTime="+time+",", n) + "EndTime=" + time + ";EndTime=" + time + "&&"
		_, vs := hj212.ParseMessage([]byte(data))
		commas := 0
		for _, v := range vs {
			if v.Kind == hj212.CommaForSemicolon {
				commas++
			}
		}
		if commas != 1 {
			t.Errorf("%d BeginTime and an EndTime: %d commas for semicolons, want 1: %v", n, commas, vs)
		}
	}
}

// The same for values of all that has a meaning.
func TestStrictReadAgain(t *testing.T) {
	pieces := []string{"//", "/", "//", "/", ";", ",", "=", "&", "&&", "CP=", "a", "1", "清", " ", "x="}
	rnd := rand.New(rand.NewPCG(1, 212))
	some := func(n int) (s string) {
		for range n {
			s += pieces[rnd.IntN(len(pieces))]
		}
		return s
	}
	clean, logs := 0, 0
	for range 30_000 {
		m := hj212.Message{
			QN: "20240601090000001", ST: "31", CN: "2061", PW: "123456", MN: testMN, Flag: 5, HasFlag: true,
			CP: hj212.Area{{{"a", some(rnd.IntN(6))}, {"b", "//" + some(rnd.IntN(5))}}, {{"c" + some(rnd.IntN(2)), some(rnd.IntN(4)) + "//"}}},
		}
		if len(m.Strict(hj212.Ed2017)) > 0 {
			continue
		}
		clean++
		if strings.ContainsAny(m.CP[0][1].Value, ";,") {
			logs++
		}
		data := m.Append(nil)
		if again, vs := hj212.ParseMessage(data); !reflect.DeepEqual(again, m) || len(vs) > 0 {
			t.Fatalf("%q is read as\n%+v (%v), want\n%+v", data, again, vs, m)
		}
	}
	if clean < 100 || logs < 10 {
		t.Errorf("%d messages that Strict says nothing of, %d of them with separators in a log", clean, logs)
	}
}

// FuzzStrict holds what Strict promises: where it says nothing, what is written is read
// as what it was.
func FuzzStrict(f *testing.F) {
	f.Add("DataTime", "20240601080000", "i11001-Info", "//open", "i11002-Info", "x//", byte(0))
	f.Add("i11001-Info", "//a//;b//", "a", "1", "b", "//", byte(1))
	f.Add("a", "//a//b//", "b", "////", "c", "///", byte(2))
	f.Add("a", "//a,b;c=d//", "b", "&", "&c", "CP=", byte(7))
	f.Fuzz(func(t *testing.T, n1, v1, n2, v2, n3, v3 string, how byte) {
		area := hj212.Area{{{n1, v1}}, {{n2, v2}}, {{n3, v3}}}
		if how&1 != 0 {
			area = hj212.Area{{{n1, v1}, {n2, v2}}, {{n3, v3}}}
		}
		if how&2 != 0 {
			area = area[:1]
		}
		m := hj212.Message{
			QN: "20240601090000001", ST: "31", CN: "2061", PW: "123456", MN: "010000A8900016F000169DC0",
			Flag: 5, HasFlag: true, CP: area,
		}
		if how&4 != 0 {
			m.PW = v3
		}
		if len(m.Strict(hj212.Ed2017)) > 0 {
			return
		}
		data := m.Append(nil)
		again, vs := hj212.ParseMessage(data)
		if !reflect.DeepEqual(again, m) || len(vs) > 0 {
			t.Errorf("%q is read as\n%+v (%v), want\n%+v", data, again, vs, m)
		}
	})
}

func FuzzParseMessage(f *testing.F) {
	for _, data := range standardSegments {
		f.Add([]byte(data))
	}
	for _, row := range kindRows {
		f.Add([]byte(row.data))
	}
	f.Add([]byte("CP=&&a=//x;b=//;c=////y//&&&"))
	f.Fuzz(func(t *testing.T, data []byte) {
		m, vs := hj212.ParseMessage(data)
		if len(vs) > 64 {
			t.Fatalf("%d violations of %q, want up to 64", len(vs), data)
		}
		for i, v := range vs {
			if v.Offset < 0 || v.Offset > len(data) {
				t.Fatalf("%v of %q is outside", v, data)
			}
			if i > 0 && v.Offset < vs[i-1].Offset && v.Kind != hj212.MoreLeft {
				t.Fatalf("%q: %v comes after %v", data, v, vs[i-1])
			}
			_ = v.String()
		}

		params := 0
		for p := range hj212.Pairs(data) {
			if string(data[p.Offset:p.Offset+len(p.Name)]) != string(p.Name) {
				t.Fatalf("Pairs(%q): %q is not at %d", data, p.Name, p.Offset)
			}
			if p.Item < 0 {
				continue
			}
			at, n := params, p.Item
			for i := range n {
				at -= len(m.CP[i])
			}
			if got := m.CP[n][at]; got.Name != string(p.Name) || got.Value != string(p.Value) {
				t.Fatalf("Pairs(%q): item %d has %q=%q, ParseMessage %q", data, n, p.Name, p.Value, got)
			}
			params++
		}
		for _, item := range m.CP {
			params -= len(item)
		}
		if params != 0 {
			t.Fatalf("%q: Pairs and ParseMessage differ by %d parameters", data, params)
		}

		written := m.Append(nil)
		again, vs2 := hj212.ParseMessage(written)
		if !reflect.DeepEqual(again, m) {
			t.Fatalf("%q\nwas read as %+v,\nwritten as %q,\nread as %+v", data, m, written, again)
		}
		if vs == nil && vs2 != nil {
			t.Fatalf("%q has no violations, written as %q it has %v", data, written, vs2)
		}
		for _, e := range []hj212.Edition{hj212.Ed2005, hj212.Ed2017, hj212.Ed2025} {
			m.Check(e, hj212.Up)
			m.Check(e, hj212.Down)
			if strict := m.Strict(e); vs2 != nil && strict == nil {
				t.Fatalf("%q: Strict finds nothing, the reader %v", written, vs2)
			}
			if packets, err := hj212.Split(m, e); err == nil {
				checkSplit(t, m, packets, e)
			}
		}
	})
}
