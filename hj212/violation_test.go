package hj212_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"envgate/hj212"
)

// head is how most segments of these tests begin.
const head = "QN=20240601085857223;ST=32;CN=2011;PW=123456;MN=010000A8900016F000169DC0;Flag=5;"

const plainData = head + "CP=&&DataTime=20240601085857;w01018-Rtd=2.2,w01018-Flag=N&&"

// kindRows shows each kind: a segment that has this one violation and no other, and
// at which byte. Of the kinds of Check the segment has none that ParseMessage says.
var kindRows = []struct {
	kind   hj212.Kind
	data   string
	at     string // the violation is where this is first found; "$" is the end
	after  int    // and so many bytes on
	name   string
	got    string
	by     string // "check 2017 down" and the like; "" for ParseMessage
	others []hj212.Kind
}{
	{kind: hj212.NoArea, data: head[:len(head)-1], at: "$"},
	{kind: hj212.NoArea, data: head + "CP=DataTime=20240601085857&&", at: "CP="},
	{kind: hj212.OpenArea, data: head + "CP=&&VaseNo=1", at: "$"},
	{kind: hj212.AfterArea, data: head + "CP=&&VaseNo=1&&x", at: "x", got: "x"},
	{kind: hj212.AreaMark, data: head + "CP=&&VaseNo=1&&2&&", at: "&&2"},
	{kind: hj212.Blank, data: head + "CP=&& VaseNo=1&&", at: " ", name: "VaseNo"},
	{kind: hj212.Blank, data: head + "CP=&&VaseNo=1 &&", at: " &&", name: "VaseNo"},
	{kind: hj212.Blank, data: head + "CP=&&VaseNo = 1&&", at: " = 1", name: "VaseNo"},
	{kind: hj212.Blank, data: head + "CP=&& &&", at: " "},
	{kind: hj212.Blank, data: strings.Replace(plainData, ";Flag", "; Flag", 1), at: " Flag", name: "Flag"},
	{kind: hj212.Blank, data: head + "  CP=&&&&", at: "  CP"},
	{kind: hj212.CommaForSemicolon, data: strings.Replace(plainData, ";ST", ",ST", 1), at: ",ST", name: "ST"},
	{kind: hj212.CommaForSemicolon, data: head + "CP=&&BeginTime=20240601000000,EndTime=20240602000000&&", at: ",End", name: "EndTime"},
	{kind: hj212.NoSemicolon, data: head[:len(head)-1] + "CP=&&&&", at: "CP", name: "Flag"},
	{kind: hj212.TrailingSeparator, data: head + "CP=&&VaseNo=1;&&", at: ";&&"},
	{kind: hj212.EmptyItem, data: head + "CP=&&VaseNo=1;;Stime=1&&", at: ";;", after: 1},
	{kind: hj212.EmptyItem, data: head + ";CP=&&&&", at: ";;", after: 1},
	{kind: hj212.NoEquals, data: head + "CP=&&VaseNo&&", at: "VaseNo", name: "VaseNo"},
	{kind: hj212.NoName, data: head + "CP=&&=1&&", at: "=1&&", got: "1"},
	{kind: hj212.EqualsInValue, data: head + "CP=&&VaseNo=1Stime=2&&", at: "=2&&", name: "VaseNo", got: "1Stime=2"},
	{kind: hj212.ControlByte, data: head + "CP=&&VaseNo=1\x00&&", at: "\x00", name: "VaseNo", got: "\x00"},
	{kind: hj212.NotASCII, data: head + "CP=&&VaseNo=一&&", at: "一", name: "VaseNo", got: "一"},
	{kind: hj212.NotUTF8, data: head + "CP=&&i11001-Info=//\xc7\xe5\xcf\xb4//&&", at: "\xc7", name: "i11001-Info", got: "//\xc7\xe5\xcf\xb4//"},
	{kind: hj212.OpenLog, data: head + "CP=&&i11001-Info=//a;VaseNo=1&&", at: "//", name: "i11001-Info", got: "//a"},
	{kind: hj212.NameTwice, data: head + "CP=&&e01001-Rtd=1.1;e01001-Rtd=2.2&&", at: "e01001-Rtd=2", name: "e01001-Rtd", got: "2.2"},
	{kind: hj212.FieldTwice, data: head + "ST=31;CP=&&&&", at: "ST=31", name: "ST", got: "31"},
	{kind: hj212.UnknownField, data: head + "Site=7;CP=&&&&", at: "Site", name: "Site", got: "7"},
	{kind: hj212.FieldOrder, data: "QN=20240601085857223;ST=32;CN=2011;MN=010000A8900016F000169DC0;PW=123456;Flag=4;CP=&&&&", at: "PW"},
	{kind: hj212.MissingField, data: strings.Replace(plainData, "QN=20240601085857223;", "", 1), at: "CP=", name: "QN"},
	{kind: hj212.MissingField, data: strings.Replace(plainData, "ST=32;", "", 1), at: "CP=", name: "ST"},
	{kind: hj212.MissingField, data: strings.Replace(plainData, "CN=2011;", "", 1), at: "CP=", name: "CN"},
	{kind: hj212.MissingField, data: strings.Replace(plainData, "PW=123456;", "", 1), at: "CP=", name: "PW"},
	{kind: hj212.MissingField, data: strings.Replace(plainData, "MN=010000A8900016F000169DC0;", "", 1), at: "CP=", name: "MN"},
	{kind: hj212.EmptyField, data: strings.Replace(plainData, "PW=123456;", "PW=;", 1), at: "PW", name: "PW"},
	{kind: hj212.EmptyField, data: strings.Replace(plainData, "=010000A8900016F000169DC0;", "=;", 1), at: "MN", name: "MN"},
	{kind: hj212.QNForm, data: strings.Replace(plainData, "QN=2024060108", "QN=2024060132", 1), name: "QN", got: "20240601325857223"},
	{kind: hj212.QNEpoch, data: strings.Replace(plainData, "QN=20240601085857223", "QN=1717203537223", 1), name: "QN", got: "1717203537223"},
	{kind: hj212.STForm, data: strings.Replace(plainData, "ST=32", "ST=101", 1), at: "ST", name: "ST", got: "101"},
	{kind: hj212.CNForm, data: strings.Replace(plainData, "CN=2011", "CN=201A", 1), at: "CN", name: "CN", got: "201A"},
	{kind: hj212.PWForm, data: strings.Replace(plainData, "PW=123456", "PW=123456123456123456123456", 1), at: "PW", name: "PW", got: "24 bytes"},
	{kind: hj212.MNForm, data: strings.Replace(plainData, "MN=010000A8900016F000169DC0", "MN=site-7", 1), at: "MN", name: "MN", got: "site-7"},
	{kind: hj212.FlagForm, data: strings.Replace(plainData, "Flag=5", "Flag=05", 1), at: "Flag", name: "Flag", got: "05"},
	{kind: hj212.FlagForm, data: strings.Replace(plainData, "Flag=5", "Flag=13", 1), at: "Flag", name: "Flag", got: "13"},
	{kind: hj212.PacketForm, data: strings.Replace(plainData, "Flag=5", "Flag=5;PNUM=x", 1), at: "PNUM", name: "PNUM", got: "x"},
	{kind: hj212.HalfPacket, data: strings.Replace(plainData, "Flag=5", "Flag=7;PNUM=2", 1), at: "PNUM", name: "PNUM"},
	{kind: hj212.HalfPacket, data: strings.Replace(plainData, "Flag=5", "Flag=7;PNO=2", 1), at: "PNO", name: "PNO"},
	{kind: hj212.PacketNoFlag, data: strings.Replace(plainData, "Flag=5", "Flag=5;PNUM=2;PNO=1", 1), at: "PNUM", name: "PNUM"},
	{kind: hj212.FlagNoPacket, data: strings.Replace(plainData, "Flag=5", "Flag=7", 1), at: "Flag", name: "Flag"},
	{kind: hj212.RFForm, data: strings.Replace(plainData, "Flag=5", "Flag=9;RF=0", 1), at: "RF", name: "RF", got: "0"},
	{kind: hj212.TimeForm, data: head + "CP=&&DataTime=2024-06-01&&", at: "2024-", name: "DataTime", got: "2024-06-01"},
	{kind: hj212.TimeForm, data: head + "CP=&&SKCreateTime=20240601085857&&", at: "20240601085857&&", name: "SKCreateTime", got: "20240601085857"},
	{kind: hj212.TimeMillis, data: head + "CP=&&DataTime=20240601085857000&&", at: "20240601085857000&&", name: "DataTime", got: "20240601085857000"},

	{kind: hj212.OtherEdition, by: "check 2025 up", data: plainData, at: "Flag", name: "Flag", got: "5"},
	{kind: hj212.MissingField, by: "check 2017 up", data: strings.Replace(plainData, "Flag=5;", "", 1), at: "CP=", name: "Flag"},
	{kind: hj212.MissingField, by: "check 2017 up", data: strings.Replace(plainData[len("QN=20240601085857223;"):], "MN=010000A8900016F000169DC0;Flag=5", "MN=88888880000001;Flag=0", 1), name: "QN", others: []hj212.Kind{hj212.OtherEdition}},
	{kind: hj212.UnknownST, by: "check 2017 up", data: strings.Replace(plainData, "ST=32", "ST=99", 1), at: "ST", name: "ST", got: "99"},
	{kind: hj212.UnknownCN, by: "check 2017 up", data: strings.Replace(plainData, "CN=2011", "CN=9021", 1), at: "CN", name: "CN", got: "9021"},
	{kind: hj212.WrongDirection, by: "check 2017 down", data: head[:30] + "9011" + head[34:] + "CP=&&QnRtn=1&&", at: "CN", name: "CN", got: "9011"},
	{kind: hj212.MissingParam, by: "check 2017 up", data: head + "CP=&&DataTime=20240601085857&&", at: "DataTime", name: "*-Rtd"},
	{kind: hj212.UnknownParam, by: "check 2017 up", data: strings.Replace(plainData, "&&Data", "&&Colour=red;Data", 1), at: "Colour", name: "Colour", got: "red"},
	{kind: hj212.UnknownParam, by: "check 2017 up", data: strings.Replace(plainData, "-Flag=N", "-Flag=N,w01018-ValidNum=10", 1), at: "w01018-V", name: "w01018-ValidNum", got: "10"},
	{kind: hj212.UnknownParam, by: "check 2017 up", data: strings.Replace(plainData, "&&Data", "&&Rtd=1;Data", 1), at: "Rtd", name: "Rtd", got: "1"},
	{kind: hj212.UnknownFactor, by: "check 2017 up", data: strings.Replace(plainData, "-Flag=N", "-Flag=N;ele01-Rtd=1", 1), at: "ele01", name: "ele01"},
	{kind: hj212.NoPrefix, by: "check 2017 up", data: strings.Replace(plainData, "w01018-Rtd", "01018-Rtd", 1), at: "01018-R", name: "01018"},
	{kind: hj212.MixedItem, by: "check 2017 up", data: strings.Replace(plainData, "-Flag=N", "-Flag=N,w01001-Rtd=7.1", 1), at: "w01001", name: "w01001-Rtd"},
	{kind: hj212.ValueForm, by: "check 2017 up", data: strings.Replace(plainData, "Rtd=2.2", "Rtd=235.242599117822", 1), at: "235", name: "w01018-Rtd", got: "235.242599117822"},
	{kind: hj212.UnknownReturn, by: "check 2017 up", data: head[:30] + "9011" + head[34:] + "CP=&&QnRtn=12&&", at: "12&&", name: "QnRtn", got: "12"},
	{kind: hj212.UnknownReturn, by: "check 2017 up", data: head[:30] + "9012" + head[34:] + "CP=&&ExeRtn=12&&", at: "12&&", name: "ExeRtn", got: "12"},
	{kind: hj212.UnknownMark, by: "check 2017 up", data: strings.Replace(plainData, "-Flag=N", "-Flag=X", 1), at: "X&&", name: "w01018-Flag", got: "X"},
	{kind: hj212.Interval, by: "check 2017 down", data: head[:30] + "1064" + head[34:] + "CP=&&MinInterval=7&&", at: "7&&", name: "MinInterval", got: "7"},
	{kind: hj212.Interval, by: "check 2017 down", data: head[:30] + "1062" + head[34:] + "CP=&&RtdInterval=10&&", at: "10&&", name: "RtdInterval", got: "10"},
	{kind: hj212.LongArea, by: "check 2017 up", data: strings.Replace(plainData, "&&Data", "&&i11001-Info=//"+strings.Repeat("x", 900)+"//;Data", 1), at: "CP=&&", after: 5 + 943, name: "CP", got: "976 bytes", others: []hj212.Kind{hj212.LongData}},
	{kind: hj212.LongData, by: "check 2017 up", data: strings.Replace(plainData, "&&Data", "&&i11001-Info=//"+strings.Repeat("x", 900)+"//;Data", 1), after: 1024, got: "1056 bytes", others: []hj212.Kind{hj212.LongArea}},
	{kind: hj212.PacketOver, by: "check 2017 up", data: strings.Replace(plainData, "Flag=5", "Flag=7;PNUM=2;PNO=3", 1), at: "PNO", name: "PNO", got: "3"},
	{kind: hj212.PacketDigits, by: "check 2025 up", data: strings.Replace(plainData, "Flag=5", "Flag=11;PNUM=12;PNO=3", 1), at: "PNUM", name: "PNUM", got: "12"},
	{kind: hj212.EditionField, by: "check 2017 up", data: strings.Replace(plainData, "Flag=5", "Flag=5;RF=1", 1), at: "RF", name: "RF", got: "1"},
}

func TestKinds(t *testing.T) {
	shown := map[hj212.Kind]bool{hj212.LowerCRC: true, hj212.NoEnd: true, hj212.BreaksForm: true, hj212.MoreLeft: true} // in other tests
	for _, row := range kindRows {
		shown[row.kind] = true
		m, vs := hj212.ParseMessage([]byte(row.data))
		if row.by != "" {
			if len(vs) > 0 && row.kind != hj212.MissingField { // which both say
				t.Errorf("ParseMessage(%q) = %v, want none", row.data, vs)
			}
			e, d := hj212.Ed2017, hj212.Up
			if strings.Contains(row.by, "2025") {
				e = hj212.Ed2025
			}
			if strings.Contains(row.by, "down") {
				d = hj212.Down
			}
			vs = m.Check(e, d)
		}
		at := strings.Index(row.data, row.at) + row.after
		if row.at == "$" {
			at = len(row.data)
		}
		var found bool
		var others []hj212.Kind
		for _, v := range vs {
			if v.Kind == row.kind && !found {
				found = true
				if v.Offset != at || v.Name != row.name || v.Got != row.got {
					t.Errorf("%v of %q at %d, %q=%q, want at %d, %q=%q", v.Kind, row.data, v.Offset, v.Name, v.Got, at, row.name, row.got)
				}
			} else {
				others = append(others, v.Kind)
			}
		}
		if !found || !slices.Equal(others, row.others) {
			t.Errorf("%q %s: violations %v, want %v", row.data, row.by, vs, row.kind)
		}
	}
	for _, k := range hj212.Kinds() {
		if !shown[k] {
			t.Errorf("no row shows %v", k)
		}
	}
}

func TestKindTexts(t *testing.T) {
	words := map[string]hj212.Kind{}
	for _, k := range hj212.Kinds() {
		word := k.String()
		if other, ok := words[word]; ok {
			t.Errorf("%d and %d are both %q", other, k, word)
		}
		words[word] = k
		if word == "" || strings.Trim(word, "abcdefghijklmnopqrstuvwxyz0123456789-") != "" {
			t.Errorf("Kind(%d).String() = %q, want small letters and hyphens", k, word)
		}
		if k.English() == "" || !utf8.ValidString(k.Chinese()) || len(k.Chinese()) == utf8.RuneCountInString(k.Chinese()) {
			t.Errorf("%v: English %q, Chinese %q", k, k.English(), k.Chinese())
		}
		if k != hj212.MoreLeft && !strings.HasPrefix(k.Clause(), "HJ 212-20") {
			t.Errorf("%v.Clause() = %q, want one with its edition", k, k.Clause())
		}
	}
	for _, k := range []hj212.Kind{0, 255} {
		if got := k.String(); !strings.HasPrefix(got, "kind-") || k.Clause() != "" || k.Seen() {
			t.Errorf("Kind(%d): %q, clause %q, seen %v", k, got, k.Clause(), k.Seen())
		}
	}
}

// The list is bounded, and says so.
func TestMoreLeft(t *testing.T) {
	_, vs := hj212.ParseMessage([]byte(strings.Repeat(";", 1024)))
	if len(vs) != 64 || vs[63].Kind != hj212.MoreLeft {
		t.Errorf("%d violations, the last %v, want 64 and %v", len(vs), vs[len(vs)-1], hj212.MoreLeft)
	}
}

// Passwords and keys do not come into logs by way of violations.
func TestViolationSecrets(t *testing.T) {
	const secret = "s3cr;et"
	m := hj212.Message{QN: "x", PW: secret, CP: hj212.Area{{{"NewPW", secret}, {"NewSK", secret}, {"a", "1PW=" + secret}}}}
	got := fmt.Sprint(m.Strict(hj212.Ed2017), m.Check(hj212.Ed2025, hj212.Down))
	mixed := hj212.Message{CP: hj212.Area{{{"PW s3cr-Rtd", "1"}, {"a21026-Rtd", "2"}}}}
	got += fmt.Sprint(mixed.Strict(hj212.Ed2017), mixed.Check(hj212.Ed2017, hj212.Up))
	for _, data := range []string{
		"PW=s3cr=;PW=s3cr;CP=&&&&",
		"MN=1PW=s3cr;CP=&&&&",
		"CP=&&PW=s3cr\xff&&",
		"CP=&&NewSK=s3cr\x00;NewSK=s3cr\x00&&",
		"CP=&&&&PW=s3cr;",
		"MN=1pw=s3cr;CP=&&&&",
		"newpw=s3cr\xff;CP=&&&&",
		"CP=&&pw=s3cré;Newsk=s3cré;x-NewSK=s3cré&&",
		"CP=&&PW:s3cr&&",
		"CP=&&PW s3cr;newsk\ts3cr&&",
		"CP=&&a=1,pW: s3cré&&",
		"Pw:s3cr;CP=&&a=1PW =s3cr&&",
		"CP=&&&&NewPw: s3cr",
	} {
		_, vs := hj212.ParseMessage([]byte(data))
		got += fmt.Sprint(vs)
		if len(vs) == 0 {
			t.Errorf("%q has no violations", data)
		}
	}
	if strings.Contains(got, "s3cr") {
		t.Errorf("violations tell the secret: %s", got)
	}
}

// Words that only look like a password's tell what is there.
func TestViolationNoSecret(t *testing.T) {
	for _, value := range []string{"PW", "newpwd=1", "1PWx:2", "sk=1", "W=1"} {
		_, vs := hj212.ParseMessage([]byte(head + "CP=&&a=" + value + "é&&"))
		if got := fmt.Sprint(vs); !strings.Contains(got, value) {
			t.Errorf("violations of %q: %s", value, got)
		}
	}
}

// What is wanted may come from the peer, and may be the end of a line.
func TestViolationWant(t *testing.T) {
	long := strings.Repeat("é\n", 100)
	m := hj212.Message{CP: hj212.Area{{{long + "-Rtd", "1"}, {"a21026-Rtd", "2"}}}}
	all := m.Check(hj212.Ed2017, hj212.Up)
	f := hj212.Frame{Raw: []byte(frame2017[:111])}
	all = append(all, f.Violations()...)
	shown := 0
	for _, v := range all {
		if v.Kind == hj212.MixedItem || v.Kind == hj212.NoEnd {
			shown++
		}
		if s := v.String(); len(s) > 400 || strings.ContainsAny(s, "\r\n") {
			t.Errorf("violation %q has foreign bytes in it", s)
		}
	}
	if shown != 2 {
		t.Errorf("violations %v, want a mixed item and no end", all)
	}
}

func TestViolationString(t *testing.T) {
	for _, test := range []struct {
		v    hj212.Violation
		want string
	}{
		{hj212.Violation{Offset: 41, Kind: hj212.STForm, Name: "ST", Got: "101", Want: "2 digits"}, `byte 41: ST is not two characters: ST="101", want 2 digits`},
		{hj212.Violation{Offset: 7, Kind: hj212.NoName, Got: "\x00é"}, `byte 7: value without a name: ="\x00é"`},
		{hj212.Violation{Kind: hj212.OpenArea}, `byte 0: no && at the end of the data area`},
		{hj212.Violation{Kind: hj212.NoEquals, Name: "a\nb"}, `byte 0: name without =: "a\nb"`},
	} {
		if got := test.v.String(); got != test.want {
			t.Errorf("%#v.String() = %s, want %s", test.v, got, test.want)
		}
	}
}
