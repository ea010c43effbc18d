package hj212_test

import (
	"slices"
	"strings"
	"testing"

	"envgate/hj212"
)

// The examples of the standards pass Check, but for what they slip in.
func TestCheckStandard(t *testing.T) {
	for _, test := range []struct {
		data string
		d    hj212.Direction
	}{
		{"QN=20160801085857223;ST=32;CN=1062;PW=100000;MN=010000A8900016F000169DC0;Flag=5;CP=&&RtdInterval=30&&", hj212.Down},
		{"QN=20160801085857223;ST=32;CN=1011;PW=123456;MN=010000A8900016F000169DC0;Flag=4;CP=&&PolId=w01018;SystemTime=20160801085857&&", hj212.Up},
		{"QN=20160801085857223;ST=32;CN=3020;PW=123456;MN=010000A8900016F000169DC0;Flag=5;CP=&&DataTime=20100301145000;PolId=w01018;i11001-Info=//清洗管路//&&", hj212.Up},
		{"QN=20160802000000001;ST=23;CN=2031;PW=123456;MN=010000A8900016F000169DC0;Flag=5;CP=&&DataTime=20160801000000;L5-Data=53.0;Ldn-Data=50.0;LMx-DayData=54.0;Ln-NightData=52.5&&", hj212.Up},
		{"QN=20160801085857223;ST=32;CN=2021;PW=123456;MN=010000A8900016F000169DC0;Flag=5;CP=&&DataTime=20160801085857;SB1-RS=1;SB2-RS=0&&", hj212.Up},
		{"QN=20160801085857223;ST=32;CN=1064;PW=123456;MN=010000A8900016F000169DC0;Flag=5;CP=&&MinInterval=10&&", hj212.Down},
		{"QN=20240520210700000;ST=31;CN=2051;PW=123456;MN=010000A8900016F000169DC0;Flag=9;CP=&&DataTime=20240520210600;a01011-Min=1.35,a01011-Avg=1.35,a01011-Max=1.35,a01011-Flag=N;a01014-Min=3.20,a01014-Avg=3.20,a01014-Max=3.20,a01014-Flag=N&&", hj212.Up},
		{"ST=91;CN=9011;PW=123456;MN=88888880000001;Flag=0;CP=&&QN=20040516010101001;QnRtn=1&&", hj212.Up},
		{"ST=91;CN=9014;CP=&&QN=20040516010101001;CN=2051&&", hj212.Down},
	} {
		m, _ := hj212.ParseMessage([]byte(test.data))
		if vs := m.Check(m.Edition(), test.d); vs != nil {
			t.Errorf("Check of %q: %v, want none", test.data, vs)
		}
	}
}

func TestCheckValues(t *testing.T) {
	for _, test := range []struct {
		param string
		ok    bool
	}{
		{"a21026-Rtd=1.2", true},
		{"a21026-Rtd=-1.2", true},
		{"a21026-Rtd=1", true},
		{"a21026-Rtd=99999.99", true}, // N5.2
		{"a21026-Rtd=100000", false},
		{"a21026-Rtd=1.234", false},
		{"a21026-Rtd=", false},
		{"a21026-Rtd=.5", false},
		{"a21026-Rtd=5.", false},
		{"a21026-Rtd=1e3", false},
		{"a21026-Rtd=1.2.3", false},
		{"a21026-Rtd=--1", false},
		{"a21026-Rtd=NaN", false},
		{"a21026-EFlag=A01", true},
		{"a21026-EFlag=A0123", false},
		{"RtdInterval=3600", true},
		{"RtdInterval=3601", false},
		{"MinInterval=30", true},
		{"MinInterval=31", false},
		{"MinInterval=x", false},
		{"QnRtn=1", true},
		{"QnRtn=x", false},
		{"ExeRtn=100", true},
		{"ExeRtn=x", false},
		{"PolId=w01018", true},
		{"PolId=01018", false},
		{"InfoId=x", false},
		{"OverTime=5", true},
		{"OverTime=500", false},
		{"SB1-RS=1", true},
		{"SB1-RS=9", false},
	} {
		m, _ := hj212.ParseMessage([]byte(strings.Replace(plainData, "&&Data", "&&"+test.param+";Data", 1)))
		vs := m.Check(hj212.Ed2017, hj212.Up)
		if ok := len(vs) == 0; ok != test.ok {
			t.Errorf("%s: %v, want fine: %v", test.param, vs, test.ok)
		}
	}
}

// A factor that is not known is said once for an item.
func TestCheckUnknownOnce(t *testing.T) {
	m, _ := hj212.ParseMessage([]byte(strings.Replace(plainData, "w01018", "x7", 2)))
	if vs := m.Check(hj212.Ed2017, hj212.Up); len(vs) != 1 || vs[0].Kind != hj212.UnknownFactor {
		t.Errorf("Check: %v, want %v once", vs, hj212.UnknownFactor)
	}
}

func TestStrict(t *testing.T) {
	fine, vs := hj212.ParseMessage([]byte(plainData))
	if vs != nil {
		t.Fatal(vs)
	}
	for _, test := range []struct {
		name   string
		change func(m *hj212.Message)
		kind   hj212.Kind // 0: all is fine
	}{
		{"fine", func(*hj212.Message) {}, 0},
		{"log", func(m *hj212.Message) { m.CP[0][0] = hj212.Param{Name: "i11001-Info", Value: "//a;b,c=d//"} }, 0},
		{"log, open", func(m *hj212.Message) { m.CP[0][0] = hj212.Param{Name: "i11001-Info", Value: "//a;b"} }, hj212.BreaksForm},
		{"log, goes on", func(m *hj212.Message) { m.CP[0][0] = hj212.Param{Name: "i11001-Info", Value: "//a//;b//"} }, hj212.BreaksForm},
		{"semicolon", func(m *hj212.Message) { m.CP[1][0].Value = "1;x=2" }, hj212.BreaksForm},
		{"comma", func(m *hj212.Message) { m.CP[1][0].Value = "1,x=2" }, hj212.BreaksForm},
		{"&&", func(m *hj212.Message) { m.CP[1][0].Value = "1&&" }, hj212.BreaksForm},
		{"line", func(m *hj212.Message) { m.CP[1][0].Value = "1\r\n" }, hj212.BreaksForm},
		{"= in a name", func(m *hj212.Message) { m.CP[1][0].Name = "a=b" }, hj212.BreaksForm},
		{"; in a name", func(m *hj212.Message) { m.CP[1][0].Name = "a;b" }, hj212.BreaksForm},
		{"in a field", func(m *hj212.Message) { m.PW = "1;ST=31" }, hj212.BreaksForm},
		{"field as another", func(m *hj212.Message) { m.More = []hj212.Param{{Name: "ST", Value: "31"}} }, hj212.BreaksForm},
		{"field as CP", func(m *hj212.Message) { m.More = []hj212.Param{{Name: "CP", Value: "x"}} }, hj212.BreaksForm},
		{"PNUM", func(m *hj212.Message) { m.PNUM, m.PNO, m.Flag = -1, 1, 7 }, hj212.BreaksForm},
		{"control", func(m *hj212.Message) { m.CP[1][0].Value = "\x1b" }, hj212.ControlByte},
		{"blank", func(m *hj212.Message) { m.CP[1][0].Value = " 1" }, hj212.Blank},
		{"no name", func(m *hj212.Message) { m.CP[1][0].Name = "" }, hj212.NoName},
		{"no QN", func(m *hj212.Message) { m.QN = "" }, hj212.MissingField},
		{"ST", func(m *hj212.Message) { m.ST = "101" }, hj212.STForm},
		{"no Flag", func(m *hj212.Message) { m.Flag, m.HasFlag = 0, false }, hj212.MissingField},
		{"edition", func(m *hj212.Message) { m.Flag = 9 }, hj212.OtherEdition},
		{"long", func(m *hj212.Message) { m.CP[1][0].Value = strings.Repeat("1", 1000) }, hj212.LongData},
		{"long area", func(m *hj212.Message) { m.QN, m.CP[1][0].Value = "", strings.Repeat("1", 910) }, hj212.LongArea},
	} {
		m := fine
		m.CP = hj212.Area{slices.Clone(fine.CP[0]), slices.Clone(fine.CP[1])}
		test.change(&m)
		vs := m.Strict(hj212.Ed2017)
		if test.kind == 0 && vs != nil || test.kind != 0 && !slices.ContainsFunc(vs, func(v hj212.Violation) bool { return v.Kind == test.kind }) {
			t.Errorf("%s: Strict of %q: %v, want %v", test.name, m.Append(nil), vs, test.kind)
		}
		for _, v := range vs {
			if v.Offset < 0 || v.Offset > len(m.Append(nil)) {
				t.Errorf("%s: %v is outside", test.name, v)
			}
		}
	}
}

func TestStrictOffsets(t *testing.T) {
	m, _ := hj212.ParseMessage([]byte(plainData))
	m.More = []hj212.Param{{Name: "Site", Value: "7"}, {Name: "Bad", Value: "1;2"}, {Name: "Last", Value: "3"}}
	m.CP[1][1].Value = "N,x=1"
	data := string(m.Append(nil))
	want := []int{strings.Index(data, "Bad"), strings.Index(data, "w01018-Flag")}
	var got []int
	for _, v := range m.Strict(hj212.Ed2017) {
		if v.Kind == hj212.BreaksForm {
			got = append(got, v.Offset)
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("Strict of %q: %v at %v, want at %v", data, hj212.BreaksForm, got, want)
	}
}
