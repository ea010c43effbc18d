package hj212_test

import (
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"envgate/hj212"
)

func platformTalk(t *testing.T, o hj212.PlatformOptions) (*talk, *hj212.PlatformSide) {
	t.Helper()
	o.ST, o.PW, o.MN = "32", "123456", standardMN
	if o.Edition == hj212.Ed2005 {
		o.MN = "88888880000001"
	}
	p, err := hj212.NewPlatformSide(o)
	if err != nil {
		t.Fatal(err)
	}
	return &talk{t, p, t1.Add(time.Millisecond)}, p
}

func TestPlatformRequest(t *testing.T) { // HJ 212-2017, C.1, and the same in 2025
	for _, row := range []struct {
		e           hj212.Edition
		asks, flags string
	}{{hj212.Ed2017, "Flag=5", "Flag=4"}, {hj212.Ed2025, "Flag=9", "Flag=8"}} {
		t.Run(row.asks, func(t *testing.T) {
			flag := strings.NewReplacer("Flag=5", row.asks, "Flag=4", row.flags).Replace
			k, p := platformTalk(t, hj212.PlatformOptions{Edition: row.e})
			m := hj212.Message{CN: "1000", CP: area("OverTime", "5", "ReCount", "3")}
			k.does(only(p.Request(m, k.now)), only(p.Request(m, k.now)))
			request := flag(head17 + "1000" + tail17 + "OverTime=5;ReCount=3&&")
			second := strings.Replace(request, "857223", "917223", 1)
			k.says(request) // and not the second
			k.after(10 * time.Second)
			k.says(request)
			k.hears(flag(ans17 + "9011" + tail4 + "QnRtn=1&&"))
			k.tells("accepted 1 1000")
			k.hears(flag(ans17 + "9011" + tail4 + "QnRtn=1&&")) // to the other copy
			k.says()
			k.tells()
			k.now = k.now.Add(10 * time.Second)
			k.hears(flag(ans17 + "9012" + tail4 + "ExeRtn=1&&"))
			k.says(second)
			k.tells("done 1 9012 rtn 1")
			k.hears(flag(ans17 + "9012" + tail4 + "ExeRtn=1&&"))
			k.hears(strings.Replace(flag(ans17+"9011"+tail4+"QnRtn=3&&"), "857223", "917223", 1))
			k.tells("refused 2 9011 rtn 3")
			k.says()
			k.sleeps()
			want := hj212.PlatformStats{Sent: 3, Resent: 1, Requests: 2, Done: 1, Refused: 1, Duplicates: 1, Strays: 1}
			if got := p.Stats(); got != want {
				t.Errorf("stats are %+v, want %+v", got, want)
			}
		})
	}
}

func TestPlatformNoAnswer(t *testing.T) {
	request := head17 + "3012" + tail17 + "PolId=w01018&&"
	ask := func(o hj212.PlatformOptions) *talk {
		k, p := platformTalk(t, o)
		k.does(only(p.Request(hj212.Message{CN: "3012", CP: area("PolId", "w01018")}, k.now)))
		k.says(request)
		return k
	}
	k := ask(hj212.PlatformOptions{ReCount: 1})
	k.after(10 * time.Second)
	k.says(request)
	k.after(10 * time.Second)
	k.says()
	k.tells("failed 1 3012 no answer")
	k.hears(ans17 + "9011" + tail4 + "QnRtn=1&&")
	k.tells()
	k.sleeps()

	k = ask(hj212.PlatformOptions{ExecTime: time.Minute})
	k.hears(ans17 + "9011" + tail4 + "QnRtn=1&&")
	k.tells("accepted 1 3012")
	k.m.Reset(k.now) // what was accepted does not go again
	k.says()
	k.after(time.Minute)
	k.says()
	k.tells("failed 1 3012 no result")
	k.sleeps()

	k = ask(hj212.PlatformOptions{ReCount: 1})
	k.after(10 * time.Second)
	k.says(request)
	k.now = k.now.Add(time.Hour) // the caller was busy, and the answer in a buffer
	k.hears(ans17 + "9012" + tail4 + "ExeRtn=1&&")
	k.tells("done 1 9012 rtn 1")

	k = ask(hj212.PlatformOptions{})
	k.hears(ans17 + "9011" + tail4 + "&&")         // says nothing
	k.hears(ans17 + "9011" + tail4 + "QnRtn=-1&&") // nor does this
	k.hears(ans17 + "9012" + tail4 + "ExeRtn=x&&")
	k.hears(strings.Replace(ans17+"9011"+tail4+"QnRtn=1&&", "MN=01", "MN=02", 1)) // another's
	k.tells()
	k.now = k.now.Add(time.Second)
	k.m.Reset(k.now)
	k.says(request)
	k.hears(ans17 + "9012" + tail4 + "ExeRtn=2&&") // the 9011 was lost
	k.tells("done 1 9012 rtn 2")
}

func TestPlatformRead(t *testing.T) { // HJ 212-2017, C.2
	k, p := platformTalk(t, hj212.PlatformOptions{})
	k.does(only(p.Request(hj212.Message{CN: "1011", CP: area("PolId", "w01018")}, k.now)))
	k.says(head17 + "1011" + tail17 + "PolId=w01018&&")
	// The 9011 is lost.
	k.hears(head17 + "1011" + tail4 + "PolId=w01018;SystemTime=20160801085857&&")
	k.tells("accepted 1 1011", "data 1 1011")
	k.says()
	k.hears(head17 + "1011" + tail4 + "PolId=w01018;SystemTime=20160801085857&&")
	k.tells("data 1 1011 again")
	k.hears(ans17 + "9012" + tail4 + "ExeRtn=1&&")
	k.tells("done 1 9012 rtn 1")
	k.sleeps()
}

func TestPlatformHistory(t *testing.T) { // HJ 212-2017, C.20 and C.48
	k, p := platformTalk(t, hj212.PlatformOptions{ExecTime: time.Minute})
	k.does(only(p.Request(hj212.Message{CN: "2051", CP: area("BeginTime", "20160801084000", "EndTime", "20160801085000")}, k.now)))
	k.says(head17 + "2051" + tail17 + "BeginTime=20160801084000;EndTime=20160801085000&&")
	k.hears(ans17 + "9011" + tail4 + "QnRtn=1&&")
	k.tells("accepted 1 2051")
	k.now = k.now.Add(50 * time.Second)
	data := "QN=20160801085857534;ST=32;CN=2051" + tail17 + "DataTime=20160801084000&&"
	taken := "QN=20160801085857534;ST=91;CN=9014" + tail4 + "&&"
	k.hears(data)
	k.says() // not before it was fetched
	k.tells("data 1 2051")
	k.says(taken)
	k.hears(data)
	k.tells("data 1 2051 again")
	k.says(taken)
	// Of another system, CN, MN, or time: it is not what was asked for.
	for i, s := range [][2]string{{"ST=32", "ST=31"}, {"CN=2051", "CN=2061"}, {"MN=01", "MN=02"}, {"DataTime=201608010840", "DataTime=201608010839"}, {"0840", "0851"}} {
		k.hears(strings.Replace(strings.Replace(data, s[0], s[1], 1), "534", fmt.Sprint(600+i), 1))
	}
	k.tells("upload 0 2051", "upload 0 2061", "upload 0 2051", "upload 0 2051", "upload 0 2051")
	for range 5 {
		k.m.Next(k.now)
	}
	k.after(time.Minute) // after the last data
	k.says()
	k.tells("failed 1 2051 no result")
	k.hears(strings.Replace(data, "QN=20160801085857534;", "", 1)) // too late, and it has no QN
	k.tells("upload 0 2051")
}

func TestPlatform2005(t *testing.T) {
	k, p := platformTalk(t, hj212.PlatformOptions{Edition: hj212.Ed2005})
	ask := func(cn string, cp hj212.Area) { k.does(only(p.Request(hj212.Message{CN: cn, CP: cp}, k.now))) }
	// C.1
	ask("1072", area("PW", "654321"))
	k.says("QN=20160801085857223;ST=32;CN=1072;PW=123456;MN=88888880000001;Flag=1;CP=&&PW=654321&&")
	k.hears("ST=91;CN=9011;PW=123456;MN=88888880000001;Flag=0;CP=&&QN=20160801085857223;QnRtn=1&&")
	k.hears("ST=91;CN=9012;PW=123456;MN=88888880000001;CP=&&QN=20160801085857223;ExeRtn=1&&")
	k.tells("accepted 1 1072", "done 1 9012 rtn 1")
	k.says()
	// C.4: the stop has the QN of the start.
	ask("2011", nil)
	k.says("QN=20160801085857224;ST=32;CN=2011;PW=123456;MN=88888880000001;Flag=1;CP=&&&&")
	k.hears("ST=91;CN=9012;PW=123456;MN=88888880000001;CP=&&QN=20160801085857224;ExeRtn=1&&")
	k.tells("done 2 9012 rtn 1")
	k.hears("ST=32;CN=2011;PW=123456;MN=88888880000001;CP=&&DataTime=20040516020111;B01-Rtd=100&&")
	k.hears("ST=32;CN=2011;PW=123456;MN=88888880000001;CP=&&DataTime=20040516020111;B01-Rtd=100&&")
	k.hears("ST=32;CN=2011;PW=123456;MN=88888880000001;CP=&&DataTime=20040516020111;101-Rtd=1.1&&") // of the same second
	k.tells("upload 0 2011", "upload 0 2011")                                                       // the copy came while the first was not fetched
	k.hears("ST=32;CN=2011;PW=123456;MN=88888880000001;CP=&&DataTime=20040516020111;B01-Rtd=100&&")
	k.tells("upload 0 2011 again")
	k.says()
	ask("2012", nil)
	k.says("QN=20160801085857224;ST=32;CN=2012;PW=123456;MN=88888880000001;Flag=1;CP=&&&&")
	k.hears("ST=91;CN=9013;PW=123456;MN=88888880000001;CP=&&QN=20160801085857224&&")
	k.tells("taken 3 2012")
	// C.6: data with a QN and without a Flag, of a request that wanted answers.
	ask("2051", area("BeginTime", "20040516020000", "EndTime", "20040516030000"))
	k.says("QN=20160801085857225;ST=32;CN=2051;PW=123456;MN=88888880000001;Flag=1;CP=&&BeginTime=20040516020000;EndTime=20040516030000&&")
	k.hears("ST=91;CN=9011;PW=123456;MN=88888880000001;Flag=0;CP=&&QN=20160801085857225;QnRtn=1&&")
	k.hears("ST=32;CN=2051;QN=20040516010101001;PW=123456;MN=88888880000001;PNO=1;PNUM=1;CP=&&DataTime=20040516021000;B01-Cou=200&&")
	k.tells("accepted 4 2051", "data 4 2051")
	k.says("ST=91;CN=9014;CP=&&QN=20040516010101001;CN=2051;PNO=1;PNUM=1&&")
	result := "ST=91;CN=9012;PW=123456;MN=88888880000001;CP=&&QN=20160801085857225;ExeRtn=1&&"
	k.hears(result)
	k.says("ST=91;CN=9014;CP=&&QN=20160801085857225;CN=9012&&")
	k.tells("done 4 9012 rtn 1")
	k.hears(result) // its answer was lost
	k.says("ST=91;CN=9014;CP=&&QN=20160801085857225;CN=9012&&")
	k.tells()
	// The data with the QN of the request, as C.6 prints them, which say what a 9011 would.
	ask("2051", area("BeginTime", "20040516020000", "EndTime", "20040516030000"))
	k.says("QN=20160801085857226;ST=32;CN=2051;PW=123456;MN=88888880000001;Flag=1;CP=&&BeginTime=20040516020000;EndTime=20040516030000&&")
	for _, minute := range []string{"10", "20"} {
		k.hears("ST=32;CN=2051;QN=20160801085857226;PW=123456;MN=88888880000001;PNO=1;PNUM=1;CP=&&DataTime=200405160210" + minute + ";B01-Cou=200&&")
	}
	k.tells("accepted 5 2051", "data 5 2051", "data 5 2051")
	taken := "ST=91;CN=9014;CP=&&QN=20160801085857226;CN=2051;PNO=1;PNUM=1&&"
	k.says(taken, taken)
	k.hears(strings.Replace(result, "225", "226", 1))
	k.tells("done 5 9012 rtn 1")
	k.says("ST=91;CN=9014;CP=&&QN=20160801085857226;CN=9012&&")
	// C.10: an alarm, answered though its Flag is 0.
	k.hears("QN=20040516010101001;ST=32;CN=2072;PW=123456;MN=88888880000001;Flag=0;CP=&&AlarmTime=20040516010101;101-Ala=1.1,AlarmType=1&&")
	k.tells("notice 0 2072")
	k.says("ST=91;CN=9013;PW=123456;MN=88888880000001;CP=&&QN=20040516010101001&&")
	k.sleeps()
}

func TestPlatformUpload(t *testing.T) {
	k, p := platformTalk(t, hj212.PlatformOptions{Allow: func(m *hj212.Message) bool { return m.PW == "123456" }})
	upload := "QN=20160801085857534;ST=32;CN=2061;PW=123456;MN=010000A8900016F000169DC0;Flag=7;PNUM=2;PNO=1;CP=&&DataTime=20160801080000&&"
	taken := "QN=20160801085857534;ST=91;CN=9014" + tail4 + "&&"
	k.hears(upload)
	k.tells("upload 0 2061")
	p.Withhold() // the disk is full
	k.says()
	k.hears(upload)
	k.hears(upload)
	k.tells("upload 0 2061") // new again, and once
	k.says(taken)
	p.Withhold() // too late
	k.hears(upload)
	k.tells("upload 0 2061 again")
	k.says(taken)
	k.hears(strings.Replace(upload, "PNO=1", "PNO=2", 1)) // Seen in the field: packets with one QN
	k.tells("upload 0 2061")
	k.says(taken)
	k.now = k.now.Add(11 * time.Minute)
	k.hears(upload)
	k.tells("upload 0 2061") // not a copy any more
	k.says(taken)
	k.hears(strings.Replace(strings.Replace(upload, "534", "535", 1), "Flag=7", "Flag=6", 1))
	k.tells("upload 0 2061")
	k.says() // nobody asked for an answer
	k.hears(strings.Replace(upload, "PW=123456", "PW=1", 1))
	k.tells()
	k.says()
	k.hears(strings.Replace(upload, "CN=2061", "CN=4711", 1)) // what is not known is taken
	k.tells("upload 0 4711")
	k.says(taken)
	if st := p.Stats(); st.Denied != 1 || st.Duplicates != 2 {
		t.Errorf("stats are %+v, want 1 denied and 2 duplicates", st)
	}
	k.sleeps()
}

func TestPlatformNotices(t *testing.T) {
	k, _ := platformTalk(t, hj212.PlatformOptions{})
	k.hears(head17 + "1013" + tail17 + "&&")
	k.hears("QN=20240601085857223;ST=31;CN=9015;PW=123456;MN=010000A8900016F000169DC0;Flag=9;CP=&&&&")
	k.hears("QN=20240601085857224;ST=31;CN=9015;PW=123456;MN=010000A8900016F000169DC0;Flag=8;CP=&&&&")
	k.hears("QN=20240601085857223;ST=31;CN=1001;PW=123456;MN=;Flag=9;CP=&&i23005-Info=6970000000001ABCDEFG1234&&")
	k.tells("notice 0 1013", "notice 0 9015", "notice 0 9015", "notice 0 1001")
	k.says(ans17+"9013"+tail4+"&&", "QN=20240601085857223;ST=91;CN=9013;PW=123456;MN=010000A8900016F000169DC0;Flag=8;CP=&&&&",
		"QN=20240601085857223;ST=91;CN=9013;PW=123456;MN=;Flag=8;CP=&&&&")
	k.hears(head17 + "1013" + tail17 + "&&")
	k.tells("notice 0 1013 again")
	k.says(ans17 + "9013" + tail4 + "&&")
	k.hears(ans17 + "9014" + tail4 + "&&")
	k.hears(ans17 + "9013" + tail4 + "&&")
	k.hears("rubbish")
	k.tells()
	k.says()
	k.sleeps()
}

func TestPlatformWindow(t *testing.T) {
	k, p := platformTalk(t, hj212.PlatformOptions{Window: 2, Queue: 3})
	for range 3 {
		k.does(only(p.Request(hj212.Message{CN: "3012"}, k.now)))
	}
	if _, err := p.Request(hj212.Message{CN: "3012"}, k.now); !errors.Is(err, hj212.ErrBusy) {
		t.Errorf("Request 4: error %v, want ErrBusy", err)
	}
	request := func(i int) string { return fmt.Sprintf("QN=2016080108585722%d;ST=32;CN=3012%s&&", 2+i, tail17) }
	k.says(request(1), request(2))
	k.hears("QN=20160801085857224;ST=91;CN=9012" + tail4 + "ExeRtn=1&&")
	k.says(request(3))
	if _, err := p.Request(hj212.Message{CN: "3012"}, k.now); !errors.Is(err, hj212.ErrBusy) {
		t.Errorf("Request with an event that was not fetched: error %v, want ErrBusy", err)
	}
	k.tells("done 2 9012 rtn 1")
	if _, err := p.Request(hj212.Message{CN: "9011"}, k.now); err == nil {
		t.Error("Request of a 9011: no error")
	}
	for _, m := range []hj212.Message{
		{CN: "3012", ST: "32;31"},
		{CN: "3012", PW: "1&&2"},
		{CN: "3012", MN: "1;PW=2"},
		{CN: "1072", CP: area("NewPW", "1;2")},
		{CN: "1072", CP: area("New=PW", "1")},
	} {
		if _, err := p.Request(m, k.now); err == nil || strings.Contains(err.Error(), "1;") || strings.Contains(err.Error(), "1&&") {
			t.Errorf("Request of %s: error %v, want one without values", m.Append(nil), err)
		}
	}
	if _, err := p.Request(hj212.Message{CN: "3021", PW: strings.Repeat("1", 1000)}, k.now); err == nil {
		t.Error("Request of 1000 bytes: no error")
	}
	if _, err := hj212.NewPlatformSide(hj212.PlatformOptions{Edition: 1}); err == nil {
		t.Error("NewPlatformSide with edition 1: no error")
	}
	if _, err := hj212.NewPlatformSide(hj212.PlatformOptions{ReCount: -1}); err == nil {
		t.Error("NewPlatformSide with ReCount -1: no error")
	}
	if p.SetTiming(time.Second, 0) == nil {
		t.Error("SetTiming with 0 attempts: no error")
	}
	k.does(p.SetTiming(time.Second, 1))
	p.SetPW("")
	if _, err := p.Request(hj212.Message{CN: "3012"}, k.now); err == nil {
		t.Error("Request without PW: no error")
	}
	p.SetPW("654321")
	k.does(only(p.Request(hj212.Message{CN: "3012"}, k.now)))
	k.hears("QN=20160801085857223;ST=91;CN=9011" + tail4 + "QnRtn=2&&")
	k.says(strings.Replace(request(4), "123456", "654321", 1))
	k.tells("refused 1 9011 rtn 2")
	k.after(time.Second)
}

// What nobody fetches is passed by, and not answered.
func TestPlatformFull(t *testing.T) {
	k, p := platformTalk(t, hj212.PlatformOptions{})
	for i := range 5000 {
		k.hears(fmt.Sprintf("QN=%d;ST=32;CN=2011%s&&", i, tail17))
	}
	if n := p.Held(); n > 300 {
		t.Errorf("%d things are held", n)
	}
	for i := range 5000 {
		k.hears(fmt.Sprintf("QN=%d;ST=32;CN=2011%s&&", i, tail17))
		k.m.Event()
	}
	if n := p.Held(); n > 400 {
		t.Errorf("%d things are held", n)
	}
	if n := p.Remembered(); n > 1024 {
		t.Errorf("%d uploads are remembered", n)
	}
	for i := range 5000 {
		k.hears(fmt.Sprintf("QN=%d;ST=32;CN=2011%s&&", i, tail17))
		k.m.Event()
		k.m.Next(k.now)
	}
	if n := p.Remembered(); n != 1024 {
		t.Errorf("%d uploads are remembered, want 1024", n)
	}
	if p.Stats().Dropped == 0 {
		t.Error("nothing was dropped")
	}
}

// What the field machine sends by itself within the span of a history says nothing of
// the request for it.
func TestPlatformUploadInSpan(t *testing.T) {
	request := head17 + "2051" + tail17 + "BeginTime=20160801080000;EndTime=20160801090000&&"
	upload := "QN=20160801082100000;ST=32;CN=2051" + tail17 + "DataTime=20160801082000&&"
	taken := "QN=20160801082100000;ST=91;CN=9014" + tail4 + "&&"
	ask := func() *talk {
		k, p := platformTalk(t, hj212.PlatformOptions{})
		k.does(only(p.Request(hj212.Message{CN: "2051", CP: area("BeginTime", "20160801080000", "EndTime", "20160801090000")}, k.now)))
		k.says(request) // and it is lost
		k.hears(upload)
		k.tells("upload 0 2051")
		k.says(taken)
		return k
	}
	k := ask()
	k.after(10 * time.Second)
	k.says(request)
	k.hears(ans17 + "9011" + tail4 + "QnRtn=1&&")
	k.tells("accepted 1 2051")
	k.hears(strings.ReplaceAll(upload, "0821", "0822"))
	k.tells("data 1 2051")
	k.hears(ans17 + "9011" + tail4 + "QnRtn=2&&") // to the copy, as it is busy with the first
	k.tells()
	k = ask()
	k.hears(ans17 + "9011" + tail4 + "QnRtn=2&&")
	k.tells("refused 1 9011 rtn 2")
	k = ask()
	k.hears(head17 + "2051" + tail4 + "DataTime=20160801082000&&") // with the QN of the request
	k.tells("accepted 1 2051", "data 1 2051")
	k.hears(ans17 + "9011" + tail4 + "QnRtn=2&&") // wins all the same
	k.tells("refused 1 9011 rtn 2")
	k.hears(ans17 + "9011" + tail4 + "QnRtn=2&&")
	k.says()
	k.tells()
	k.sleeps()
}

// A machine may answer a stop as if it were a request.
func TestPlatformNotifiedByRequestAnswers(t *testing.T) {
	stop := head17 + "2012" + tail17 + "&&"
	will, done := ans17+"9011"+tail4+"QnRtn=1&&", ans17+"9012"+tail4+"ExeRtn=1&&"
	for _, row := range []struct {
		name    string
		answers []string
		tells   string
		strays  uint64
	}{
		{"9011 and 9012", []string{will, done}, "taken 1 2012", 0},
		{"9011, twice", []string{will, will}, "taken 1 2012", 0},
		{"9012 alone", []string{done}, "taken 1 2012", 0},
		{"refused", []string{ans17 + "9011" + tail4 + "QnRtn=8&&"}, "refused 1 9011 rtn 8", 0},
		{"9013 and 9013", []string{ans17 + "9013" + tail4 + "&&", ans17 + "9013" + tail4 + "&&"}, "taken 1 2012", 1},
	} {
		t.Run(row.name, func(t *testing.T) {
			k, p := platformTalk(t, hj212.PlatformOptions{})
			k.does(only(p.Request(hj212.Message{CN: "2012"}, k.now)))
			k.says(stop)
			for _, a := range row.answers {
				k.hears(a)
			}
			k.tells(row.tells)
			k.says()
			k.sleeps()
			if st := p.Stats(); st.Strays != row.strays || st.Done+st.Refused != 1 {
				t.Errorf("stats are %+v, want %d strays, and one done or refused", st, row.strays)
			}
		})
	}
	// In 2005 the stop has the QN of the start, and a late answer to that is none to the stop.
	k, p := platformTalk(t, hj212.PlatformOptions{Edition: hj212.Ed2005})
	k.does(only(p.Request(hj212.Message{CN: "2011"}, k.now)))
	k.m.Next(k.now)
	result := "ST=91;CN=9012;PW=123456;MN=88888880000001;CP=&&QN=20160801085857223;ExeRtn=1&&"
	k.hears(result)
	k.tells("done 1 9012 rtn 1")
	k.does(only(p.Request(hj212.Message{CN: "2012"}, k.now)))
	k.m.Next(k.now)
	k.hears(result)
	k.hears("ST=91;CN=9011;PW=123456;MN=88888880000001;Flag=0;CP=&&QN=20160801085857223;QnRtn=1&&")
	k.tells()
}

// A log of events tells no password.
func TestEventLog(t *testing.T) {
	var b strings.Builder
	log := slog.New(slog.NewTextHandler(&b, &slog.HandlerOptions{ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey {
			return slog.Attr{}
		}
		return a
	}}))
	log.Info("event", "e", hj212.Event{
		Type: hj212.EventFailed, Exchange: 7, Again: true, Rtn: 3, Err: hj212.ErrNoAnswer,
		Message: hj212.Message{QN: "1", CN: "1014", PW: "secret", MN: "2", CP: area("NewSK", "secret")},
	})
	want := `level=INFO msg=event e.type=failed e.exchange=7 e.message.mn=2 e.message.cn=1014 e.message.qn=1 e.message.flag=0 ` +
		`e.message.pnum=0 e.message.pno=0 e.message.items=1 e.again=true e.rtn=3 e.err="hj212: no answer"` + "\n"
	if got := b.String(); got != want {
		t.Errorf("log is %q, want %q", got, want)
	}
}
