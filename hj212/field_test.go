package hj212_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"envgate/hj212"
)

// A machine is what both sides have in common.
type machine interface {
	Receive(hj212.Message, time.Time)
	Next(time.Time) (hj212.Message, bool)
	Event() (hj212.Event, bool)
	Wake() time.Time
	Reset(time.Time)
}

// A talk is a test with one machine, in the words of the wire.
type talk struct {
	t   *testing.T
	m   machine
	now time.Time
}

// t1 is the QN of the standards' examples less a millisecond.
var t1 = time.Date(2016, 8, 1, 0, 58, 57, 222e6, time.UTC)

// hears gives the machine a segment.
func (k *talk) hears(segment string) {
	k.t.Helper()
	m, _ := hj212.ParseMessage([]byte(segment))
	k.m.Receive(m, k.now)
}

// says checks all that the machine has to say now.
func (k *talk) says(want ...string) {
	k.t.Helper()
	var got []string
	for m, ok := k.m.Next(k.now); ok; m, ok = k.m.Next(k.now) {
		if got = append(got, string(m.Append(nil))); len(got) > 100 {
			k.t.Fatalf("Next gives more than 100 messages, the last is %s", got[100])
		}
	}
	if !slices.Equal(got, want) {
		k.t.Fatalf("says\n\t%s\nwant\n\t%s", strings.Join(got, "\n\t"), strings.Join(want, "\n\t"))
	}
}

// tells checks all events that there are: type, exchange, CN, and what else there is.
func (k *talk) tells(want ...string) {
	k.t.Helper()
	var got []string
	for e, ok := k.m.Event(); ok; e, ok = k.m.Event() {
		got = append(got, eventText(e))
	}
	if !slices.Equal(got, want) {
		k.t.Fatalf("tells\n\t%s\nwant\n\t%s", strings.Join(got, "\n\t"), strings.Join(want, "\n\t"))
	}
}

func eventText(e hj212.Event) string {
	s := fmt.Sprintf("%v %d %s", e.Type, e.Exchange, e.Message.CN)
	if e.Rtn != 0 {
		s += fmt.Sprintf(" rtn %d", e.Rtn)
	}
	if e.Again {
		s += " again"
	}
	if e.Err != nil {
		s += " " + strings.TrimPrefix(e.Err.Error(), "hj212: ")
	}
	return s
}

// after lets time pass, and checks that the machine wanted to be woken just then.
func (k *talk) after(d time.Duration) {
	k.t.Helper()
	if got := k.m.Wake(); !got.Equal(k.now.Add(d)) {
		k.t.Fatalf("Wake is in %v, want %v", got.Sub(k.now), d)
	}
	k.now = k.now.Add(d)
}

// sleeps checks that nothing is pending.
func (k *talk) sleeps() {
	k.t.Helper()
	if got := k.m.Wake(); !got.IsZero() {
		k.t.Fatalf("Wake is in %v, want nothing pending", got.Sub(k.now))
	}
}

func (k *talk) does(errs ...error) {
	k.t.Helper()
	for _, err := range errs {
		if err != nil {
			k.t.Fatal(err)
		}
	}
}

func only[T any](_ T, err error) error { return err }

func fieldTalk(t *testing.T, o hj212.FieldOptions) (*talk, *hj212.FieldSide) {
	t.Helper()
	if o.ST == "" {
		o.ST = "32"
	}
	if o.PW == "" {
		o.PW = "123456"
	}
	if o.MN == "" && o.Registration == nil {
		o.MN = standardMN
		if o.Edition == hj212.Ed2005 {
			o.MN = "88888880000001"
		}
	}
	f, err := hj212.NewFieldSide(o)
	if err != nil {
		t.Fatal(err)
	}
	return &talk{t, f, t1.Add(time.Millisecond)}, f
}

func area(pairs ...string) hj212.Area {
	var a hj212.Area
	for i := 0; i < len(pairs); i += 2 {
		a = append(a, hj212.Item{{Name: pairs[i], Value: pairs[i+1]}})
	}
	return a
}

const (
	head17 = "QN=20160801085857223;ST=32;CN="
	tail17 = ";PW=123456;MN=010000A8900016F000169DC0;Flag=5;CP=&&"
	ans17  = "QN=20160801085857223;ST=91;CN="
	tail4  = ";PW=123456;MN=010000A8900016F000169DC0;Flag=4;CP=&&"
)

func TestFieldRequest(t *testing.T) { // HJ 212-2017, C.1, and the same in 2025
	for _, row := range []struct {
		name       string
		asks, does string // Flag
	}{{"2017", "Flag=5", "Flag=4"}, {"2025", "Flag=9", "Flag=8"}} {
		t.Run(row.name, func(t *testing.T) {
			k, f := fieldTalk(t, hj212.FieldOptions{})
			flag := strings.NewReplacer("Flag=5", row.asks, "Flag=4", row.does).Replace
			request := flag(head17 + "1000" + tail17 + "OverTime=5;ReCount=3&&")
			will := flag(ans17 + "9011" + tail4 + "QnRtn=1&&")
			done := flag(ans17 + "9012" + tail4 + "ExeRtn=1&&")
			k.hears(request)
			k.says() // it is the caller's to say
			k.tells("request 1 1000")
			k.hears(request)
			k.says() // still
			k.does(f.Accept(1))
			k.says(will)
			k.hears(request) // the 9011 was lost
			k.says(will)
			k.does(f.SetTiming(5*time.Second, 1), f.Done(1, 1))
			k.says(done)
			k.tells("ended 1 1000 rtn 1")
			k.hears(request)
			k.says(will, done)
			k.tells()
			k.sleeps()
			if err := f.Done(1, 1); !errors.Is(err, hj212.ErrExchange) {
				t.Errorf("Done again: error %v, want ErrExchange", err)
			}
			if st := f.Stats(); st.Duplicates != 3 || st.Requests != 1 {
				t.Errorf("stats are %+v, want 3 duplicates of 1 request", st)
			}
			k.now = k.now.Add(11 * time.Minute)
			k.hears(request) // not a copy any more
			k.tells("request 2 1000")
		})
	}
}

func TestField2005(t *testing.T) {
	k, f := fieldTalk(t, hj212.FieldOptions{Edition: hj212.Ed2005})
	// C.1: the answers have the password of the request, though it has changed.
	k.hears("QN=20040516010101001;ST=32;CN=1072;PW=123456;MN=88888880000001;Flag=3;CP=&&PW=654321&&")
	k.tells("request 1 1072")
	k.does(f.Accept(1))
	k.says("ST=91;CN=9011;PW=123456;MN=88888880000001;Flag=0;CP=&&QN=20040516010101001;QnRtn=1&&")
	k.does(f.SetPW("654321"))
	k.does(f.Done(1, 1))
	k.says("ST=91;CN=9012;PW=123456;MN=88888880000001;CP=&&QN=20040516010101001;ExeRtn=1&&")
	k.tells("ended 1 1072 rtn 1")
	k.does(f.SetPW("123456"))
	// C.2
	k.hears("QN=20040516010101002;ST=32;CN=1011;PW=123456;MN=88888880000001;Flag=3;CP=&&&&")
	k.tells("request 2 1011")
	k.does(f.Data(2, hj212.Message{CP: area("SystemTime", "20040516010102")}), f.Done(2, 1))
	k.says(
		"ST=91;CN=9011;PW=123456;MN=88888880000001;Flag=0;CP=&&QN=20040516010101002;QnRtn=1&&",
		"ST=32;CN=1011;PW=123456;MN=88888880000001;CP=&&QN=20040516010101002;SystemTime=20040516010102&&",
		"ST=91;CN=9012;PW=123456;MN=88888880000001;CP=&&QN=20040516010101002;ExeRtn=1&&")
	k.tells("ended 2 1011 rtn 1")
	// C.4: a stop repeats the QN of the start.
	k.hears("QN=20040516010101002;ST=32;CN=2012;PW=123456;MN=88888880000001;CP=&&&&")
	k.says("ST=91;CN=9013;PW=123456;MN=88888880000001;CP=&&QN=20040516010101002&&")
	k.tells("notice 0 2012")
	// C.6: data answered by QN and CN in the area, and the result, too.
	k.hears("QN=20040516010101003;ST=32;CN=2051;PW=123456;MN=88888880000001;Flag=3;CP=&&BeginTime=20040516021000;EndTime=20040516021000&&")
	k.tells("request 3 2051")
	k.does(f.Data(3, hj212.Message{CP: area("DataTime", "20040516021000", "B01-Cou", "200")}), f.Done(3, 1))
	data := "QN=20040516010101003;ST=32;CN=2051;PW=123456;MN=88888880000001;Flag=1;CP=&&DataTime=20040516021000;B01-Cou=200&&"
	result := "ST=91;CN=9012;PW=123456;MN=88888880000001;CP=&&QN=20040516010101003;ExeRtn=1&&"
	k.says("ST=91;CN=9011;PW=123456;MN=88888880000001;Flag=0;CP=&&QN=20040516010101003;QnRtn=1&&", data)
	k.after(10 * time.Second)
	k.says(data)
	k.hears("ST=91;CN=9014;CP=&&QN=20040516010101003;CN=2061&&") // another's
	k.says()
	k.hears("ST=91;CN=9014;CP=&&QN=20040516010101003;CN=2051&&")
	k.says(result)
	k.after(10 * time.Second)
	k.says(result)
	k.tells()
	k.hears("ST=91;CN=9014;CP=&&QN=20040516010101003;CN=9012&&")
	k.tells("ended 3 2051 rtn 1")
	k.says()
	// C.6: an upload of our own; C.10: an alarm.
	k.does(only(f.Upload(hj212.Message{CN: "2051", CP: area("DataTime", "20040516021000")}, k.now)),
		only(f.Notify(hj212.Message{CN: "2072", CP: area("AlarmTime", "20040516021000")}, k.now)))
	k.says("QN=20160801085917223;ST=32;CN=2072;PW=123456;MN=88888880000001;Flag=0;CP=&&AlarmTime=20040516021000&&",
		"QN=20160801085917224;ST=32;CN=2051;PW=123456;MN=88888880000001;Flag=1;CP=&&DataTime=20040516021000&&")
	k.hears("ST=91;CN=9014;CP=&&QN=20160801085917224;CN=2051&&")
	k.hears("ST=91;CN=9013;PW=123456;MN=88888880000001;CP=&&QN=20160801085917223&&")
	k.tells("taken 4 2051", "taken 5 2072")
	k.sleeps()
	// No QnRtn but 1 to 3, and no ExeRtn but 1, 2 and 100.
	k.hears("QN=20040516010101009;ST=32;CN=3011;PW=123456;MN=99999990000001;Flag=3;CP=&&PolID=101&&")
	k.says("ST=91;CN=9011;PW=123456;MN=99999990000001;Flag=0;CP=&&QN=20040516010101009;QnRtn=2&&")
	k.hears("QN=20040516010101010;ST=32;CN=3011;PW=123456;MN=88888880000001;Flag=3;CP=&&PolID=101&&")
	k.tells("request 6 3011")
	k.does(f.Accept(6), f.Done(6, 5))
	k.says("ST=91;CN=9011;PW=123456;MN=88888880000001;Flag=0;CP=&&QN=20040516010101010;QnRtn=1&&",
		"ST=91;CN=9012;PW=123456;MN=88888880000001;CP=&&QN=20040516010101010;ExeRtn=2&&")
	k.tells("ended 6 3011 rtn 2")
}

func TestField2005WithoutAnswers(t *testing.T) { // C.4
	k, f := fieldTalk(t, hj212.FieldOptions{Edition: hj212.Ed2005, NoAnswers: true})
	k.does(only(f.Upload(hj212.Message{CN: "2011", CP: area("DataTime", "20040516020111", "B01-Rtd", "100")}, k.now)))
	k.says("ST=32;CN=2011;PW=123456;MN=88888880000001;CP=&&DataTime=20040516020111;B01-Rtd=100&&")
	k.tells("taken 1 2011")
	k.sleeps()
	k.hears("QN=20040516010101003;ST=32;CN=2051;PW=123456;MN=88888880000001;Flag=3;CP=&&BeginTime=20040516021000;EndTime=20040516021000&&")
	k.tells("request 2 2051")
	k.does(f.Data(2, hj212.Message{CP: area("DataTime", "20040516021000")}), f.Done(2, 1))
	k.says("ST=91;CN=9011;PW=123456;MN=88888880000001;Flag=0;CP=&&QN=20040516010101003;QnRtn=1&&",
		"ST=32;CN=2051;PW=123456;MN=88888880000001;CP=&&DataTime=20040516021000&&",
		"ST=91;CN=9012;PW=123456;MN=88888880000001;CP=&&QN=20040516010101003;ExeRtn=1&&")
	k.tells("ended 2 2051 rtn 1")
}

func TestFieldRead(t *testing.T) { // HJ 212-2017, C.2
	k, f := fieldTalk(t, hj212.FieldOptions{})
	k.now = k.now.Add(time.Minute) // no QN of ours is that of the request by chance
	request := head17 + "1011" + tail17 + "PolId=w01018&&"
	answers := []string{
		ans17 + "9011" + tail4 + "QnRtn=1&&",
		head17 + "1011" + tail4 + "PolId=w01018;SystemTime=20160801085857&&",
		ans17 + "9012" + tail4 + "ExeRtn=1&&",
	}
	k.hears(request)
	k.tells("request 1 1011")
	// All of the exchange has the password that it began with.
	k.does(f.SetPW("654321"), f.Accept(1), f.Data(1, hj212.Message{CP: area("PolId", "w01018", "SystemTime", "20160801085857")}), f.Done(1, 1))
	k.says(answers...)
	k.tells("ended 1 1011 rtn 1")
	k.hears(request)
	k.says(answers...) // all of it was lost
	k.does(f.SetPW("123456"))
	k.hears(strings.Replace(request, "w01018", "w01019", 1))
	k.says(ans17 + "9011" + tail4 + "QnRtn=7&&") // the QN is another's
	k.tells()
	k.sleeps()
}

func TestFieldHistory(t *testing.T) { // HJ 212-2017, C.20 and C.48
	request := head17 + "2051" + tail17 + "BeginTime=20160801084000;EndTime=20160801085000&&"
	will := ans17 + "9011" + tail4 + "QnRtn=1&&"
	done := ans17 + "9012" + tail4 + "ExeRtn=1&&"
	first := "QN=20160801085857223;ST=32;CN=2051" + tail17 + "DataTime=20160801084000&&"
	second := "QN=20160801085857224;ST=32;CN=2051" + tail17 + "DataTime=20160801085000&&"
	ask := func(t *testing.T, o hj212.FieldOptions) (*talk, *hj212.FieldSide) {
		k, f := fieldTalk(t, o)
		k.hears(request)
		k.tells("request 1 2051")
		k.does(f.Accept(1))
		k.says(will)
		return k, f
	}
	give := func(k *talk, f *hj212.FieldSide) {
		k.does(f.Data(1, hj212.Message{CP: area("DataTime", "20160801084000")}),
			f.Data(1, hj212.Message{CP: area("DataTime", "20160801085000")}), f.Done(1, 1))
	}

	t.Run("answered", func(t *testing.T) {
		k, f := ask(t, hj212.FieldOptions{})
		give(k, f)
		k.says(first)
		k.hears(ans17 + "9014" + tail4 + "&&")
		k.says(second)
		k.hears(ans17 + "9014" + tail4 + "&&") // the first again
		k.says()
		k.after(10 * time.Second)
		k.says(second)
		k.hears("QN=20160801085857224;ST=91;CN=9014" + tail4 + "&&")
		k.says(done)
		k.tells("ended 1 2051 rtn 1")
		k.hears(request)
		k.says(will, done) // the data did arrive
		k.sleeps()
	})
	t.Run("not answered", func(t *testing.T) {
		k, f := ask(t, hj212.FieldOptions{})
		give(k, f)
		for range 4 {
			k.says(first)
			k.after(10 * time.Second)
		}
		k.says(ans17 + "9012" + tail4 + "ExeRtn=4&&")
		k.tells("ended 1 2051 rtn 4 no answer")
		k.sleeps()
	})
	t.Run("without answers", func(t *testing.T) {
		k, f := ask(t, hj212.FieldOptions{NoAnswers: true})
		give(k, f)
		first, second := strings.Replace(first, "Flag=5", "Flag=4", 1), strings.Replace(second, "Flag=5", "Flag=4", 1)
		k.says(first, second, done)
		k.tells("ended 1 2051 rtn 1")
		k.hears(request)
		k.says(will, first, second, done)
	})
	t.Run("without answers and much", func(t *testing.T) {
		k, f := ask(t, hj212.FieldOptions{NoAnswers: true})
		for range 60 {
			k.does(f.Data(1, hj212.Message{CP: area("DataTime", "20160801084000")}))
		}
		k.does(f.Done(1, 1))
		for range 61 {
			k.m.Next(k.now)
		}
		k.tells("ended 1 2051 rtn 1")
		k.hears(request)
		var last hj212.Message
		for m, ok := k.m.Next(k.now); ok; m, ok = k.m.Next(k.now) {
			last = m
		}
		if rtn, _ := last.CP.Get("ExeRtn"); rtn != "2" {
			t.Errorf("a copy of a request whose data are gone ends with ExeRtn %s, want 2: it must not look whole", rtn)
		}
	})
	t.Run("no data", func(t *testing.T) {
		k, f := ask(t, hj212.FieldOptions{})
		k.does(f.Done(1, 1))
		k.says(ans17 + "9012" + tail4 + "ExeRtn=100&&") // HJ 212-2017, table 6
		k.tells("ended 1 2051 rtn 100")
	})
	t.Run("full", func(t *testing.T) {
		k, f := ask(t, hj212.FieldOptions{})
		for i := range 64 {
			k.does(f.Data(1, hj212.Message{CP: area("DataTime", fmt.Sprint(20160801084000+i))}))
		}
		if err := f.Data(1, hj212.Message{}); !errors.Is(err, hj212.ErrBusy) {
			t.Fatalf("Data 65: error %v, want ErrBusy", err)
		}
		m, _ := k.m.Next(k.now)
		k.tells()
		k.hears("QN=" + m.QN + ";ST=91;CN=9014" + tail4 + "&&")
		k.tells("room 1 2051")
		k.does(f.Data(1, hj212.Message{}))
	})
	t.Run("caller is gone after data", func(t *testing.T) {
		k, f := ask(t, hj212.FieldOptions{ExecTime: time.Minute, NoAnswers: true})
		k.now = k.now.Add(30 * time.Second)
		k.says() // which tells it the time
		k.does(f.Data(1, hj212.Message{CP: area("DataTime", "20160801084000")}))
		k.m.Next(k.now)
		k.after(time.Minute)
		k.says(ans17 + "9012" + tail4 + "ExeRtn=2&&")
		k.tells("ended 1 2051 rtn 2 no result")
	})
	t.Run("caller is gone", func(t *testing.T) {
		k, f := ask(t, hj212.FieldOptions{ExecTime: time.Minute})
		k.now = k.now.Add(59 * time.Second)
		k.does(f.Data(1, hj212.Message{CP: area("DataTime", "20160801084000")}))
		k.says(strings.Replace(first, "857223", "956223", 1))
		k.hears("QN=20160801085956223;ST=91;CN=9014" + tail4 + "&&")
		k.after(time.Minute) // from the last data
		k.says(ans17 + "9012" + tail4 + "ExeRtn=2&&")
		k.tells("ended 1 2051 rtn 2 no result")
		k.sleeps()
	})
}

func TestFieldPowerHistory(t *testing.T) { // HJ 212-2025, C.39: 2011 is a start without a span
	k, f := fieldTalk(t, hj212.FieldOptions{Edition: hj212.Ed2025, Systems: []string{"44"}})
	k.hears("QN=1;ST=44;CN=2011;PW=123456;MN=010000A8900016F000169DC0;Flag=9;CP=&&BeginTime=20240601080000;EndTime=20240601080000&&")
	k.tells("request 1 2011")
	k.does(f.Done(1, 1))
	k.hears("QN=2;ST=44;CN=2011;PW=123456;MN=010000A8900016F000169DC0;Flag=9;CP=&&&&")
	k.tells("request 2 2011")
	k.does(f.Done(2, 1))
	var rtn []string
	for m, ok := k.m.Next(k.now); ok; m, ok = k.m.Next(k.now) {
		if s, ok := m.CP.Get("ExeRtn"); ok {
			rtn = append(rtn, s)
		}
	}
	if want := []string{"100", "1"}; !slices.Equal(rtn, want) {
		t.Errorf("ExeRtn are %v, want %v", rtn, want)
	}
}

// Nothing is executed before password and MN fit.
func TestFieldRefuses(t *testing.T) {
	const good = "QN=20160801085857223;ST=32;CN=3011;PW=123456;MN=010000A8900016F000169DC0;Flag=5;CP=&&PolId=w01018&&"
	for _, row := range []struct {
		name, old, new string
		rtn            int // 0 = reported
	}{
		{"fits", "", "", 0},
		{"ST of answers", "ST=32", "ST=91", 0},
		{"QN in Unix milliseconds", "QN=20160801085857223", "QN=1617957600465", 0},
		{"password", "PW=123456", "PW=123457", 3},
		{"no password", "PW=123456;", "", 3},
		{"password and MN", "PW=123456;MN=01", "PW=123457;MN=02", 3},
		{"MN", "MN=01", "MN=02", 4},
		{"no MN", "MN=010000A8900016F000169DC0;", "", 4},
		{"ST", "ST=32", "ST=31", 5},
		{"version", "Flag=5", "Flag=13", 6},
		{"packets", "Flag=5", "Flag=7;PNUM=2;PNO=1", 6},
		{"QN", "QN=20160801085857223", "QN=today", 7},
		{"QN of 18 digits", "QN=20160801085857223", "QN=201608010858572230", 7},
		{"no QN", "QN=20160801085857223;", "", 7},
		{"CN", "CN=3011", "CN=3099", 8},
		{"CN of an upload", "CN=3011", "CN=2081", 8},
		{"CN of 2005", "CN=3011", "CN=1021", 8},
		{"CN of 2025", "CN=3011", "CN=3024", 8},
	} {
		t.Run(row.name, func(t *testing.T) {
			k, f := fieldTalk(t, hj212.FieldOptions{})
			text := strings.Replace(good, row.old, row.new, 1)
			k.hears(text)
			if row.rtn == 0 {
				k.tells("request 1 3011")
				return
			}
			k.tells()
			m, ok := k.m.Next(k.now)
			if rtn, _ := m.CP.Get("QnRtn"); !ok || m.CN != "9011" || rtn != fmt.Sprint(row.rtn) {
				t.Errorf("%s is answered %s, want QnRtn %d", text, m.Append(nil), row.rtn)
			}
			sent, _ := hj212.ParseMessage([]byte(text))
			if m.PW != sent.PW || m.MN != sent.MN || m.QN != sent.QN {
				t.Errorf("answer %s has not PW, MN and QN of %s", m.Append(nil), text)
			}
			if f.Stats().Refused != 1 || f.Remembered() != 0 {
				t.Errorf("stats are %+v and %d are remembered, want 1 refused and 0", f.Stats(), f.Remembered())
			}
		})
	}
	t.Run("by the caller", func(t *testing.T) {
		k, f := fieldTalk(t, hj212.FieldOptions{})
		k.hears(good)
		k.tells("request 1 3011")
		if f.Refuse(1, 1) == nil || f.Refuse(2, 8) == nil {
			t.Error("Refuse with QnRtn 1, or of no exchange: no error")
		}
		k.does(f.Refuse(1, 8))
		k.says(ans17 + "9011" + tail4 + "QnRtn=8&&")
		k.tells("ended 1 3011")
		k.hears(good)
		k.says(ans17 + "9011" + tail4 + "QnRtn=8&&")
		k.tells()
	})
	t.Run("nobody says a word", func(t *testing.T) {
		k, f := fieldTalk(t, hj212.FieldOptions{})
		k.hears(good)
		k.tells("request 1 3011")
		k.after(5 * time.Minute)
		k.says(ans17 + "9011" + tail4 + "QnRtn=2&&")
		k.tells("ended 1 3011 no result")
		if err := f.Accept(1); !errors.Is(err, hj212.ErrExchange) {
			t.Errorf("Accept: error %v, want ErrExchange", err)
		}
		k.hears(strings.Replace(good, "223", "224", 1))
		k.now = k.now.Add(time.Hour) // and its event was not fetched
		k.m.Next(k.now)
		k.tells()
	})
	t.Run("too many", func(t *testing.T) {
		k, f := fieldTalk(t, hj212.FieldOptions{})
		for i := range 9 {
			k.hears(strings.Replace(good, "223", fmt.Sprint(300+i), 1))
		}
		no := strings.Replace(ans17+"9011"+tail4+"QnRtn=2&&", "223", "308", 1)
		k.says(no)
		k.does(f.Done(1, 1))
		k.m.Next(k.now)
		k.m.Next(k.now)
		k.hears(strings.Replace(good, "223", "308", 1))
		k.says(no) // what was refused is not executed later
		if n := f.Stats().Requests; n != 8 {
			t.Errorf("%d requests were reported, want 8", n)
		}
	})
	t.Run("notice", func(t *testing.T) {
		k, _ := fieldTalk(t, hj212.FieldOptions{})
		k.hears(strings.Replace(head17+"2012"+tail17+"&&", "123456", "123457", 1))
		k.says() // a notification cannot be refused
		k.tells()
		k.hears(head17 + "2012" + tail17 + "&&")
		k.hears(head17 + "2012" + tail17 + "&&")
		k.says(ans17+"9013"+tail4+"&&", ans17+"9013"+tail4+"&&")
		k.tells("notice 0 2012")
	})
}

func TestFieldUpload(t *testing.T) { // HJ 212-2017, C.16 and C.48
	k, f := fieldTalk(t, hj212.FieldOptions{ReCount: 2, OverTime: 5 * time.Second, Window: 2, Queue: 3})
	for i := range 3 {
		x, err := f.Upload(hj212.Message{CN: "2051", CP: area("DataTime", fmt.Sprint(20160801084000+i))}, k.now)
		if x != hj212.Exchange(i+1) || err != nil {
			t.Fatalf("Upload %d = %d, %v", i+1, x, err)
		}
	}
	if _, err := f.Upload(hj212.Message{CN: "2051"}, k.now); !errors.Is(err, hj212.ErrBusy) {
		t.Errorf("Upload 4: error %v, want ErrBusy", err)
	}
	packet := func(i int) string {
		return fmt.Sprintf("QN=2016080108585722%d;ST=32;CN=2051%sDataTime=%d&&", 3+i, tail17, 20160801084000+i)
	}
	taken := func(i int) string { return fmt.Sprintf("QN=2016080108585722%d;ST=32;CN=9014%s&&", 3+i, tail17) }
	k.says(packet(0), packet(1))
	k.hears(taken(1)) // Seen in the field: ST and Flag of an answer as in an upload
	k.says(packet(2))
	if _, err := f.Upload(hj212.Message{CN: "2051"}, k.now); !errors.Is(err, hj212.ErrBusy) {
		t.Errorf("Upload with an event that was not fetched: error %v, want ErrBusy", err)
	}
	k.tells("taken 2 2051")
	k.after(5 * time.Second)
	k.says(packet(0), packet(2)) // the same, with the same QN
	k.m.Reset(k.now)
	k.says(packet(0), packet(2))
	for range 2 {
		k.after(5 * time.Second)
		k.says(packet(0), packet(2))
	}
	k.after(5 * time.Second)
	k.says()
	k.tells("failed 1 2051 no answer", "failed 3 2051 no answer")
	k.sleeps()
	k.hears(taken(0)) // too late
	k.says()
	if st := f.Stats(); st.Strays != 1 || st.Failed != 2 || st.Taken != 1 || st.Sent != 11 || st.Resent != 8 {
		t.Errorf("stats are %+v, want 1 stray, 2 failed, 1 taken, 11 sent, 8 of them again", st)
	}
}

// An answer repeats fields of the request, and has to fit a frame all the same.
func TestFieldLongFields(t *testing.T) {
	k, f := fieldTalk(t, hj212.FieldOptions{Edition: hj212.Ed2005})
	for _, name := range []string{"QN", "PW", "MN"} {
		text := "QN=20040516010101001;ST=32;CN=1011;PW=123456;MN=88888880000001;Flag=3;CP=&&&&"
		k.hears(strings.Replace(text, name+"=", name+"="+strings.Repeat("1", 40), 1))
		k.hears(strings.Replace(text, name+"=", name+"="+strings.Repeat("1", 1000), 1))
	}
	k.tells()
	if st := f.Stats(); st.Others != 3 || st.Refused != 3 {
		t.Errorf("stats are %+v, want 3 others and 3 refused", st)
	}
	k.hears("QN=20040516010101001;ST=32;CN=1011;PW=123456;MN=88888880000001;Flag=3;CP=&&&&")
	k.tells("request 1 1011")
	long := hj212.Message{CP: area("a", strings.Repeat("1", 500), "b", strings.Repeat("1", 455))}
	if f.Data(1, long) == nil {
		t.Error("Data of 960 bytes, to which a QN has to be added: no error")
	}
	long.CP = long.CP[:1]
	k.does(f.Data(1, long))
}

// An answer that came in time counts, though the caller was busy and hands it in late.
func TestFieldLateAnswer(t *testing.T) {
	k, f := fieldTalk(t, hj212.FieldOptions{})
	k.does(only(f.Upload(hj212.Message{CN: "2011"}, k.now)))
	for range 4 {
		k.says("QN=20160801085857223;ST=32;CN=2011" + tail17 + "&&")
		k.after(10 * time.Second)
	}
	k.now = k.now.Add(time.Hour)
	k.hears(ans17 + "9014" + tail4 + "&&")
	if got := k.m.Wake(); !got.Equal(k.now) {
		t.Errorf("Wake with an event not fetched is %v, want now, %v", got, k.now)
	}
	k.tells("taken 1 2011")
	k.says()
	k.tells()
}

func TestFieldCancel(t *testing.T) {
	k, f := fieldTalk(t, hj212.FieldOptions{})
	first := only(f.Upload(hj212.Message{CN: "2011"}, k.now))
	second := only(f.Upload(hj212.Message{CN: "2021"}, k.now))
	k.does(first, second)
	k.says("QN=20160801085857223;ST=32;CN=2011" + tail17 + "&&")
	f.Cancel(1) // in flight
	f.Cancel(0)
	f.Cancel(7)
	k.says("QN=20160801085857224;ST=32;CN=2021" + tail17 + "&&")
	k.hears(ans17 + "9014" + tail4 + "&&") // to the first
	k.tells()
	f.Cancel(2)
	k.says()
	if got := f.Stats().Strays; got != 1 {
		t.Errorf("%d strays, want the answer to what was cancelled", got)
	}
	if got := k.m.Wake(); !got.IsZero() {
		t.Errorf("Wake is %v, want nothing pending", got)
	}
}

// Seen in the field: requests without Flag from platforms that are not of 2005.
func TestFieldRequestWithoutFlag(t *testing.T) {
	k, f := fieldTalk(t, hj212.FieldOptions{})
	k.hears("QN=20160801085857223;ST=32;CN=1063;PW=123456;MN=010000A8900016F000169DC0;CP=&&&&")
	k.tells("request 1 1063")
	k.does(f.Data(1, hj212.Message{CP: area("MinInterval", "10")}), f.Done(1, 1))
	k.says("ST=91;CN=9011;PW=123456;MN=010000A8900016F000169DC0;Flag=0;CP=&&QN=20160801085857223;QnRtn=1&&",
		"ST=32;CN=1063;PW=123456;MN=010000A8900016F000169DC0;CP=&&QN=20160801085857223;MinInterval=10&&",
		"ST=91;CN=9012;PW=123456;MN=010000A8900016F000169DC0;CP=&&QN=20160801085857223;ExeRtn=1&&")
}

// What fits a frame fits one with a longer password, too.
func TestFieldPasswordWidth(t *testing.T) {
	taken := 0
	for size := 900; size < 960; size++ {
		k, f := fieldTalk(t, hj212.FieldOptions{PW: "123"})
		if _, err := f.Upload(hj212.Message{CN: "2061", CP: area("a", strings.Repeat("1", size))}, k.now); err != nil {
			continue
		}
		taken++
		k.does(f.SetPW("123456"))
		m, ok := k.m.Next(k.now)
		if n := len(m.Append(nil)); !ok || n > hj212.MaxData {
			t.Errorf("an item of %d bytes makes a message of %d, want 1 to %d", size, n, hj212.MaxData)
		}
	}
	if taken == 0 || taken == 60 {
		t.Errorf("%d of 60 sizes were taken, want some", taken)
	}
}

// Nothing that is handed out is too long for a frame, whatever the request's QN is.
func TestFieldLongest(t *testing.T) {
	taken := 0
	for i, qn := range []string{"1617957600465", "20160801085857223", "20160801085857223000"} {
		for size := 840; size < 960; size++ {
			e, flag := hj212.Ed2017, "5"
			if i == 1 {
				e, flag = hj212.Ed2025, "9" // 11 has a digit more
			}
			k, f := fieldTalk(t, hj212.FieldOptions{Edition: e, PW: "123456789012345678901234567890"})
			k.hears("QN=" + qn + ";ST=32;CN=1011;PW=123456789012345678901234567890;MN=010000A8900016F000169DC0;Flag=" + flag + ";CP=&&&&")
			for _, m := range []hj212.Message{{CP: area("a", strings.Repeat("1", size))}, {PNUM: 2, PNO: 1, CP: area("a", strings.Repeat("1", size))}} {
				if f.Data(1, m) == nil {
					taken++
				}
				m.CN = "2051"
				_, _ = f.Upload(m, k.now)
			}
			for m, ok := k.m.Next(k.now); ok; m, ok = k.m.Next(k.now) {
				if n := len(m.Append(nil)); n > hj212.MaxData {
					t.Errorf("QN %s, an item of %d bytes: message of %d, want up to %d: %s", qn, size, n, hj212.MaxData, m.Append(nil))
				}
				k.hears("QN=" + m.QN + ";ST=91;CN=9014;CP=&&&&")
			}
		}
	}
	if taken < 100 || taken == 4*120 {
		t.Errorf("Data took %d messages, want some", taken)
	}
}

// A clock that was wrong once does not leave QNs in the future.
func TestFieldClockRepaired(t *testing.T) {
	k, f := fieldTalk(t, hj212.FieldOptions{NoAnswers: true})
	put := func(want string) {
		t.Helper()
		k.does(only(f.Upload(hj212.Message{CN: "2011"}, k.now)))
		if m, _ := k.m.Next(k.now); m.QN != want {
			t.Errorf("QN is %s at %v, want %s", m.QN, k.now, want)
		}
	}
	put("20160801085857223")
	k.now = k.now.Add(20 * 365 * 24 * time.Hour)
	put("20360727085857223")
	k.now = k.now.Add(-time.Hour)
	put("20360727085857224") // which may be daylight
	k.now = t1.Add(time.Second)
	put("20160801085858222")
	put("20160801085858223")
}

// Commands that the tables have not, or have otherwise.
func TestFieldPattern(t *testing.T) {
	var asked []string
	o := hj212.FieldOptions{Pattern: func(m *hj212.Message) hj212.Pattern {
		asked = append(asked, m.CN)
		switch m.CN {
		case "3099":
			return hj212.RequestData
		case "9021":
			return hj212.Request
		case "7001":
			return hj212.Notification
		case "3012":
			return hj212.Answer
		}
		return hj212.NoPattern
	}}
	k, f := fieldTalk(t, o)
	ask := func(n int, cn string) { k.hears(fmt.Sprintf("QN=%d;ST=32;CN=%s%s&&", n, cn, tail17)) }
	says := func(n int, st, cn, cp string) string {
		return fmt.Sprintf("QN=%d;ST=%s;CN=%s%s%s&&", n, st, cn, tail4, cp)
	}
	ask(1, "3099")
	k.tells("request 1 3099")
	k.does(f.Done(1, 1))
	k.says(says(1, "91", "9011", "QnRtn=1"), says(1, "91", "9012", "ExeRtn=100"))
	k.tells("ended 1 3099 rtn 100")
	ask(2, "9021")
	k.tells("request 2 9021")
	k.does(f.Done(2, 1))
	k.says(says(2, "91", "9011", "QnRtn=1"), says(2, "91", "9012", "ExeRtn=1"))
	k.tells("ended 2 9021 rtn 1")
	ask(3, "7001")
	k.tells("notice 0 7001")
	k.says(says(3, "91", "9013", ""))
	ask(4, "3012")
	ask(5, "3013") // by the tables
	k.says(says(4, "91", "9011", "QnRtn=8"))
	k.tells("request 3 3013")
	ask(6, "9022") // unknown to both
	k.says()
	k.hears(strings.Replace(head17+"3099"+tail17+"&&", "123456", "1", 1)) // a stranger
	k.says(strings.Replace(ans17+"9011"+tail4+"QnRtn=3&&", "123456", "1", 1))
	k.tells()
	if len(asked) == 0 || f.Stats().Others != 1 {
		t.Errorf("Pattern was asked of %v, stats are %+v, want 1 other", asked, f.Stats())
	}

	k, f = fieldTalk(t, hj212.FieldOptions{})
	login := func(ms int) string {
		return strings.Replace(head17+"9021"+tail17+"&&", "223", fmt.Sprint(ms), 1)
	}
	k.does(only(f.Upload(hj212.Message{CN: "9021"}, k.now)), only(f.Notify(hj212.Message{CN: "9021"}, k.now)))
	k.says(login(223), login(224))
	k.hears(ans17 + "9013" + tail4 + "&&")
	k.hears(strings.Replace(ans17+"9014"+tail4+"&&", "223", "224", 1))
	k.tells("taken 2 9021", "taken 1 9021")
	for _, cn := range []string{"9011", "9012", "9013", "9014", "902", "90211", "902x"} {
		if _, err := f.Upload(hj212.Message{CN: cn}, k.now); err == nil {
			t.Errorf("Upload of a %s: no error", cn)
		}
		if _, err := f.Notify(hj212.Message{CN: cn}, k.now); err == nil {
			t.Errorf("Notify of a %s: no error", cn)
		}
	}
}

// All data of a history of 2005 have the QN of the request (HJ/T 212-2005, C.6): answers
// to copies of one are not taken for answers to the next.
func TestField2005History(t *testing.T) {
	k, f := fieldTalk(t, hj212.FieldOptions{Edition: hj212.Ed2005})
	k.hears("QN=20040516010101001;ST=32;CN=2051;PW=123456;MN=88888880000001;Flag=3;CP=&&BeginTime=20040516021000;EndTime=20040516023000&&")
	k.tells("request 1 2051")
	k.does(f.Accept(1))
	k.says("ST=91;CN=9011;PW=123456;MN=88888880000001;Flag=0;CP=&&QN=20040516010101001;QnRtn=1&&")
	data := func(minute string) string {
		return "QN=20040516010101001;ST=32;CN=2051;PW=123456;MN=88888880000001;Flag=1;CP=&&DataTime=2004051602" + minute + "00;B01-Cou=200&&"
	}
	for _, minute := range []string{"10", "20", "30"} {
		k.does(f.Data(1, hj212.Message{CP: area("DataTime", "2004051602"+minute+"00", "B01-Cou", "200")}))
	}
	const taken = "ST=91;CN=9014;CP=&&QN=20040516010101001;CN=2051&&"
	k.does(f.Done(1, 1))
	k.says(data("10"))
	k.after(10 * time.Second)
	k.says(data("10")) // the answer is late
	k.hears(taken)
	k.says(data("20"))
	k.hears(taken) // to the copy
	k.says()
	k.after(10 * time.Second)
	k.m.Reset(k.now) // with what was on its way
	k.says(data("20"))
	k.hears(taken)
	k.says(data("30"))
	k.after(10 * time.Second)
	k.says(data("30"))
	k.hears("ST=91;CN=9014;CP=&&QN=20040516010101001&&")
	result := "ST=91;CN=9012;PW=123456;MN=88888880000001;CP=&&QN=20040516010101001;ExeRtn=1&&"
	k.says(result)
	k.hears("ST=91;CN=9014;CP=&&QN=20040516010101001&&") // to the copy
	k.tells()
	k.hears("ST=91;CN=9014;CP=&&QN=20040516010101001&&")
	k.tells("ended 1 2051 rtn 1")
	k.sleeps()

	// Of packets, PNO says which.
	k.hears("QN=20040516010101002;ST=32;CN=2051;PW=123456;MN=88888880000001;Flag=3;CP=&&BeginTime=20040516021000;EndTime=20040516023000&&")
	k.tells("request 2 2051")
	long := area("DataTime", "20040516021000")
	for i := range 12 {
		long = append(long, hj212.Item{{Name: fmt.Sprintf("%03d-Avg", i), Value: strings.Repeat("1", 100)}})
	}
	k.does(f.Data(2, hj212.Message{CP: long}), f.Done(2, 1))
	k.m.Next(k.now) // 9011
	for try := range 2 {
		k.now = k.now.Add(time.Duration(try) * 10 * time.Second)
		if m, _ := k.m.Next(k.now); m.PNO != 1 || m.PNUM != 2 || m.QN != "20040516010101002" {
			t.Errorf("packet is %s, want the first of two with the QN of the request", m.Append(nil))
		}
	}
	k.hears("ST=91;CN=9014;CP=&&QN=20040516010101002;CN=2051;PNO=2;PNUM=2&&")
	k.says()
	k.hears("ST=91;CN=9014;CP=&&QN=20040516010101002;CN=2051;PNO=1;PNUM=2&&")
	for range 2 {
		if m, _ := k.m.Next(k.now); m.PNO != 2 {
			t.Errorf("packet is %s, want the second", m.Append(nil))
		}
		k.m.Reset(k.now) // no answer to a copy of the first comes any more
	}
	k.m.Next(k.now)
	k.hears("ST=91;CN=9014;CP=&&QN=20040516010101002;CN=2051;PNO=2;PNUM=2&&")
	k.says(strings.Replace(result, "001;ExeRtn", "002;ExeRtn", 1))
}

// What was executed and had to make room is not executed a second time.
func TestFieldForgotten(t *testing.T) {
	k, f := fieldTalk(t, hj212.FieldOptions{})
	request := func(n int) string { return fmt.Sprintf("QN=201608010858%05d;ST=32;CN=3012%sPolId=w01018&&", n, tail17) }
	no := func(n int) string { return fmt.Sprintf("QN=201608010858%05d;ST=91;CN=9011%sQnRtn=7&&", n, tail4) }
	run := 0
	hear := func(text string) {
		k.hears(text)
		for e, ok := k.m.Event(); ok; e, ok = k.m.Event() {
			if e.Type == hj212.EventRequest {
				run++
				k.does(f.Done(e.Exchange, 1))
			}
			k.m.Next(k.now)
			k.m.Next(k.now)
		}
	}
	for n := range 40 {
		hear(request(100 + n))
	}
	if run != 40 {
		t.Fatalf("%d requests were executed, want 40", run)
	}
	for n := range 8 {
		k.hears(request(100 + n))
		k.says(no(100 + n))
	}
	k.hears(request(50)) // and what is older than those
	k.says(no(50))
	hear(request(120)) // a copy that is known
	hear("QN=20160801085800050;ST=32;CN=2012" + tail17 + "&&")
	hear("QN=1617957600465;ST=32;CN=3012" + tail17 + "PolId=w01018&&") // QNs of another kind
	hear(request(200))
	if run != 42 {
		t.Errorf("%d requests were executed, want 42: two that are new", run)
	}
	k.now = k.now.Add(11 * time.Minute)
	hear(request(50)) // nothing is known of any now
	if run != 43 {
		t.Errorf("%d requests were executed, want 43", run)
	}
}

func TestFieldHeartbeatNoAnswers(t *testing.T) {
	k, f := fieldTalk(t, hj212.FieldOptions{Edition: hj212.Ed2025, Heartbeat: time.Minute, NoAnswers: true})
	k.says()
	for _, minute := range []string{"0859", "0900", "0901"} {
		k.after(time.Minute)
		k.says("QN=20160801" + minute + "57223;ST=32;CN=9015;PW=123456;MN=010000A8900016F000169DC0;Flag=8;CP=&&&&")
	}
	k.does(only(f.Notify(hj212.Message{CN: "9015"}, k.now)))
	k.m.Next(k.now)
	k.tells("taken 1 9015")
	k.after(time.Minute)
	if st := f.Stats(); st.Taken != 4 || st.Resent != 0 {
		t.Errorf("stats are %+v, want 4 taken, none sent again", st)
	}
}

// Over a new connection a logger without an MN registers at once.
func TestFieldRegistrationReset(t *testing.T) {
	k, f := fieldTalk(t, hj212.FieldOptions{Edition: hj212.Ed2025, ReCount: 1, Registration: []hj212.Param{{Name: "i23005-Info", Value: "1"}}})
	hello := func(qn string) string {
		return "QN=" + qn + ";ST=32;CN=1001;PW=123456;MN=;Flag=9;CP=&&i23005-Info=1&&"
	}
	k.says(hello("20160801085857223"))
	k.after(10 * time.Second)
	k.m.Reset(k.now)
	k.says(hello("20160801085857223"))
	k.after(10 * time.Second)
	k.says(hello("20160801085857223"))
	k.after(10 * time.Second)
	k.says()
	k.tells("failed 0 1001 no answer")
	k.m.Reset(k.now)
	k.says(hello("20160801085927223"))
	k.hears("QN=20160801085927223;ST=91;CN=9013;PW=123456;Flag=8;CP=&&&&")
	k.after(5 * time.Minute)
	for _, mn := range []string{"02 03", "02-03", "站点", "02\x00"} {
		k.m.Receive(hj212.Message{QN: "1", ST: "32", CN: "1002", PW: "123456", MN: mn, Flag: 9, CP: area("i23005-Info", "1")}, k.now)
	}
	k.tells()
	if f.MN() != "" {
		t.Errorf("MN is %q, want none", f.MN())
	}
}

func TestFieldHeartbeat(t *testing.T) {
	k, _ := fieldTalk(t, hj212.FieldOptions{Heartbeat: 4 * time.Second})
	k.says()
	beat := "QN=20160801085901223;ST=32;CN=9015" + tail17 + "&&"
	k.after(4 * time.Second)
	k.says(beat)
	k.after(4 * time.Second)
	k.says() // one is on its way
	k.after(4 * time.Second)
	k.says()
	k.after(2 * time.Second)
	k.says(beat)
}

func TestFieldStats(t *testing.T) {
	k, f := fieldTalk(t, hj212.FieldOptions{})
	k.hears(ans17 + "9014" + tail4 + "&&")
	k.hears(ans17 + "9013" + tail4 + "&&")
	k.hears(ans17 + "9011" + tail4 + "QnRtn=1&&")
	k.hears(ans17 + "9099" + tail4 + "&&")
	k.hears("CN=1")
	k.hears("rubbish")
	k.says()
	k.tells()
	if st := f.Stats(); st != (hj212.FieldStats{Strays: 2, Others: 4}) {
		t.Errorf("stats are %+v, want 2 strays and 4 others", st)
	}
}

func TestFieldNoAnswers(t *testing.T) {
	k, f := fieldTalk(t, hj212.FieldOptions{Edition: hj212.Ed2025, NoAnswers: true})
	k.does(only(f.Upload(hj212.Message{CN: "2061", ST: "31", RF: true, CP: area("DataTime", "20160801080000")}, k.now)))
	k.does(only(f.Notify(hj212.Message{CN: "1013"}, k.now)))
	k.says("QN=20160801085857223;ST=32;CN=1013;PW=123456;MN=010000A8900016F000169DC0;Flag=9;CP=&&&&",
		"QN=20160801085857224;ST=31;CN=2061;PW=123456;MN=010000A8900016F000169DC0;Flag=8;RF=1;CP=&&DataTime=20160801080000&&")
	k.tells("taken 1 2061")
	k.hears("QN=20160801085857223;ST=91;CN=9013;PW=123456;MN=010000A8900016F000169DC0;Flag=8;CP=&&&&")
	k.tells("taken 2 1013")
	k.sleeps()
}

// Packets go one after another, each with its own QN (HJ 212-2017, C.50).
func TestFieldPackets(t *testing.T) {
	k, f := fieldTalk(t, hj212.FieldOptions{})
	long := area("DataTime", "20160801080000")
	for i := range 12 {
		long = append(long, hj212.Item{{Name: fmt.Sprintf("w%05d-Avg", i), Value: strings.Repeat("1", 80)}})
	}
	k.does(only(f.Upload(hj212.Message{CN: "2061", CP: long}, k.now)))
	first := hj212.Message{QN: "20160801085857223", ST: "32", CN: "2061", PW: "123456", MN: standardMN, Flag: 7, PNUM: 2, PNO: 1, CP: long[:10]}
	second := first
	second.QN, second.PNO, second.CP = "20160801085857224", 2, append(long[:1:1], long[10:]...)
	k.says(string(first.Append(nil)))
	k.hears(ans17 + "9014" + tail4 + "&&")
	k.says(string(second.Append(nil)))
	k.tells()
	k.hears("QN=20160801085857224;ST=91;CN=9014" + tail4 + "&&")
	k.tells("taken 1 2061")
	k.does(only(f.Upload(hj212.Message{CN: "2061", PNUM: 9, PNO: 3, CP: area("a", "1")}, k.now))) // cut by the caller
	k.says("QN=20160801085857225;ST=32;CN=2061;PW=123456;MN=010000A8900016F000169DC0;Flag=7;PNUM=9;PNO=3;CP=&&a=1&&")
	if _, err := f.Upload(hj212.Message{CN: "2061", CP: area("a", strings.Repeat("1", 2000))}, k.now); !errors.Is(err, hj212.ErrLongItem) {
		t.Errorf("Upload of an item of 2000 bytes: error %v, want ErrLongItem", err)
	}
}

func TestFieldRegistration(t *testing.T) { // HJ 212-2025, C.2 and C.3
	k, f := fieldTalk(t, hj212.FieldOptions{
		Edition: hj212.Ed2025, Heartbeat: time.Minute, OverTime: 10 * time.Second, ReCount: 1, RegisterEvery: 2 * time.Minute,
		Registration: []hj212.Param{{Name: "i23005-Info", Value: "6970000000001ABCDEFG1234"}, {Name: "i23006-Info", Value: "A800200A8C6D"}},
	})
	hello := func(qn string) string {
		m := hj212.Message{
			QN: qn, ST: "32", CN: "1001", PW: "123456", EmptyMN: true, Flag: 9, HasFlag: true,
			CP: area("i23005-Info", "6970000000001ABCDEFG1234", "i23006-Info", "A800200A8C6D"),
		}
		return string(m.Append(nil))
	}
	const tail = ";PW=123456;MN=010000A8900016F000169DC0;Flag=9;CP=&&"
	const tail8 = ";PW=123456;MN=010000A8900016F000169DC0;Flag=8;CP=&&"
	k.does(only(f.Upload(hj212.Message{CN: "2011", CP: area("DataTime", "20160801085800")}, k.now)))
	k.says(hello("20160801085857223")) // and no upload
	k.after(10 * time.Second)
	k.says(hello("20160801085857223"))
	k.after(10 * time.Second)
	k.says()
	k.tells("failed 0 1001 no answer")
	k.after(100 * time.Second)
	k.says(hello("20160801090057223"))
	k.hears("QN=20160801090057223;ST=91;CN=9013;PW=123456;Flag=8;CP=&&&&")
	k.says()
	k.tells()
	// For another logger, or from who has not the password, or before an MN was given.
	k.hears("QN=1;ST=32;CN=1002" + tail + "i23005-Info=1&&")
	k.hears("QN=2;ST=32;CN=1002;PW=1;MN=010000A8900016F000169DC0;Flag=9;CP=&&i23005-Info=6970000000001ABCDEFG1234&&")
	k.hears("QN=3;ST=32;CN=1062;PW=123456;Flag=9;CP=&&RtdInterval=30&&")
	k.hears("QN=3;ST=32;CN=1002;PW=123456;MN=010000A8900016F000169DC0A;Flag=9;CP=&&i23005-Info=6970000000001ABCDEFG1234&&") // too long
	k.says("QN=1;ST=91;CN=9011"+tail8+"QnRtn=4&&", "QN=2;ST=91;CN=9011;PW=1;MN=010000A8900016F000169DC0;Flag=8;CP=&&QnRtn=3&&",
		"QN=3;ST=91;CN=9011;PW=123456;Flag=8;CP=&&QnRtn=4&&", "QN=3;ST=91;CN=9011;PW=123456;MN=010000A8900016F000169DC0A;Flag=8;CP=&&QnRtn=4&&")
	k.tells()
	if f.MN() != "" {
		t.Errorf("MN is %q, want none", f.MN())
	}
	assign := "QN=4;ST=32;CN=1002" + tail + "i23005-Info=6970000000001ABCDEFG1234&&"
	k.hears(assign)
	k.says("QN=4;ST=91;CN=9011"+tail8+"QnRtn=1&&", "QN=4;ST=91;CN=9012"+tail8+"ExeRtn=1&&",
		"QN=20160801090057224;ST=32;CN=2011"+tail+"DataTime=20160801085800&&")
	k.tells("registered 0 1002")
	if f.MN() != standardMN {
		t.Errorf("MN is %q, want %q", f.MN(), standardMN)
	}
	k.hears(assign)
	k.hears(strings.Replace(assign, "QN=4", "QN=5", 1))
	k.says("QN=4;ST=91;CN=9011"+tail8+"QnRtn=1&&", "QN=4;ST=91;CN=9012"+tail8+"ExeRtn=1&&",
		"QN=5;ST=91;CN=9011"+tail8+"QnRtn=1&&", "QN=5;ST=91;CN=9012"+tail8+"ExeRtn=1&&")
	k.tells()
	k.hears("QN=6;ST=32;CN=1002;PW=123456;MN=02;Flag=9;CP=&&i23005-Info=6970000000001ABCDEFG1234&&")
	k.says("QN=6;ST=91;CN=9011;PW=123456;MN=02;Flag=8;CP=&&QnRtn=4&&")
	k.hears("QN=20160801090057224;ST=91;CN=9014" + tail8 + "&&")
	k.tells("taken 1 2011")
	// Heartbeats (HJ 212-2025, C.54), one at a time, and one event however often they fail.
	for i := range 3 {
		k.now = time.Date(2016, 8, 1, 1, 1+i, 57, 223e6, time.UTC)
		beat := fmt.Sprintf("QN=2016080109%02d57223;ST=32;CN=9015%s&&", 1+i, tail)
		k.says(beat)
		k.now = k.now.Add(10 * time.Second)
		k.says(beat)
		k.now = k.now.Add(10 * time.Second)
		k.says()
	}
	k.tells("failed 0 9015 no answer")
	k.after(40 * time.Second)
	k.says("QN=20160801090457223;ST=32;CN=9015" + tail + "&&")
	k.hears("QN=20160801090457223;ST=91;CN=9013" + tail8 + "&&")
	k.says()
	k.tells()
	k.after(time.Minute)
}

func TestFieldClock(t *testing.T) {
	k, f := fieldTalk(t, hj212.FieldOptions{Window: 9})
	put := func() { k.does(only(f.Upload(hj212.Message{CN: "2011"}, k.now))) }
	qn := func(n int) string { return fmt.Sprintf("QN=%d;ST=32;CN=2011%s&&", n, tail17) }
	put()
	put()
	k.says(qn(20160801085857223), qn(20160801085857224))
	k.now = k.now.Add(-time.Hour + time.Second) // it was set back
	put()
	k.says(qn(20160801085857225))
	k.after(10 * time.Second) // and that stops no time-out
	k.says(qn(20160801085857223), qn(20160801085857224), qn(20160801085857225))
	k.now = time.Date(12026, 1, 1, 0, 0, 0, 0, time.UTC)
	put()
	for m, ok := k.m.Next(k.now); ok; m, ok = k.m.Next(k.now) {
		if len(m.QN) != 17 {
			t.Errorf("QN is %q, want 17 digits", m.QN)
		}
	}
}

// What nobody fetches is passed by, and comes again.
func TestFieldFull(t *testing.T) {
	k, f := fieldTalk(t, hj212.FieldOptions{})
	for i := range 1000 {
		k.hears(fmt.Sprintf("QN=%d;ST=32;CN=3011%s&&", i, tail17))
		k.hears(fmt.Sprintf("QN=%d;ST=32;CN=2012%s&&", i, tail17))
	}
	for i := range 40 {
		x := hj212.Exchange(i + 1)
		_ = f.Done(x, 1)
		for _, ok := k.m.Next(k.now); ok; _, ok = k.m.Next(k.now) {
		}
		for _, ok := k.m.Event(); ok; _, ok = k.m.Event() {
		}
		k.hears(fmt.Sprintf("QN=%d;ST=32;CN=3011%s&&", 2000+i, tail17))
	}
	if n := f.Remembered(); n != 32 {
		t.Errorf("%d requests are remembered, want 32", n)
	}
	if n := f.Held(); n > 200 {
		t.Errorf("%d things are held", n)
	}
	for range 1000 {
		for i := range 50 {
			k.hears(fmt.Sprintf("QN=%d;ST=32;CN=2012%s&&", k.now.Unix()*100+int64(i), tail17))
		}
		for _, ok := k.m.Next(k.now); ok; _, ok = k.m.Next(k.now) {
		}
		k.now = k.now.Add(time.Minute)
	}
	if n := f.Held(); n > 300 {
		t.Errorf("%d things are held", n)
	}
	if f.Stats().Dropped == 0 {
		t.Error("nothing was dropped")
	}
}

func TestNewFieldSide(t *testing.T) {
	good := hj212.FieldOptions{ST: "32", PW: "123456", MN: standardMN}
	for _, row := range []struct {
		name string
		set  func(*hj212.FieldOptions)
		want string
	}{
		{"good", func(*hj212.FieldOptions) {}, ""},
		{"edition", func(o *hj212.FieldOptions) { o.Edition = 2 }, "hj212: edition is 2: 2005, 2017 or 2025"},
		{"ST", func(o *hj212.FieldOptions) { o.ST = "" }, "hj212: ST is empty"},
		{"PW", func(o *hj212.FieldOptions) { o.PW = "" }, "hj212: PW is empty"},
		{"PW breaks", func(o *hj212.FieldOptions) { o.PW = "12;MN=" }, "hj212: message 1001: PW: bytes that would be read as form"},
		{"MN breaks", func(o *hj212.FieldOptions) { o.MN = "12&&" }, "hj212: message 1001: MN: bytes that would be read as form"},
		{"long registration", func(o *hj212.FieldOptions) {
			o.Registration = []hj212.Param{{Name: "i23005-Info", Value: strings.Repeat("1", 1000)}}
		}, "hj212: message 1001 has 1099 bytes: a frame holds 1024"},
		{"registration breaks", func(o *hj212.FieldOptions) {
			o.Registration = []hj212.Param{{Name: "i23005-Info", Value: "1;2"}}
		}, "hj212: message 1001: i23005-Info: bytes that would be read as form"},
		{"MN", func(o *hj212.FieldOptions) { o.MN = "" }, "hj212: MN is empty: only 2025 assigns one, to a Registration with i23005-Info"},
		{"OverTime", func(o *hj212.FieldOptions) { o.OverTime = -1 }, "hj212: OverTime is -1ns: more than 0, 24h at most"},
		{"ReCount", func(o *hj212.FieldOptions) { o.ReCount = 100 }, "hj212: ReCount is 100: 1 to 99"},
		{"Heartbeat", func(o *hj212.FieldOptions) { o.Heartbeat = 25 * time.Hour }, "hj212: Heartbeat is 25h0m0s: more than 0, 24h at most"},
		{"two", func(o *hj212.FieldOptions) { o.Window, o.Queue = -1, 5000 }, "hj212: Window is -1: 1 to 64\nhj212: Queue is 5000: 1 to 1024"},
	} {
		o := good
		row.set(&o)
		_, err := hj212.NewFieldSide(o)
		if got := fmt.Sprint(err); err == nil && row.want != "" || err != nil && got != row.want {
			t.Errorf("%s: NewFieldSide: error %v, want %q", row.name, err, row.want)
		}
	}
	f, _ := hj212.NewFieldSide(good)
	if _, err := f.Upload(hj212.Message{CN: "9014"}, t1); err == nil {
		t.Error("Upload of a 9014: no error")
	}
	if _, err := f.Notify(hj212.Message{CN: "1013", CP: area("a", strings.Repeat("1", 1000))}, t1); err == nil {
		t.Error("Notify of 1000 bytes: no error")
	}
	if _, err := f.Upload(hj212.Message{CN: "2051", PNUM: 1, PNO: 1, CP: area("a", strings.Repeat("1", 1000))}, t1); err == nil {
		t.Error("Upload of a packet of 1000 bytes: no error")
	}
	if _, err := f.Notify(hj212.Message{CN: ""}, t1); err == nil {
		t.Error("Notify without CN: no error")
	}
	for _, m := range []hj212.Message{
		{CN: "2011", ST: "32;"},
		{CN: "2011", CP: area("a", "1;b=2")},
		{CN: "2011", CP: area("a=b", "1")},
		{CN: "2011", PNUM: 2, PNO: 1, CP: area("a", "1&&")},
		{CN: "2011", More: []hj212.Param{{Name: "CP", Value: "1"}}},
	} {
		if _, err := f.Upload(m, t1); err == nil {
			t.Errorf("Upload of %s: no error", m.Append(nil))
		}
		if _, err := f.Notify(m, t1); err == nil {
			t.Errorf("Notify of %s: no error", m.Append(nil))
		}
	}
	if f.SetPW("") == nil || f.SetPW("1;2") == nil {
		t.Error("SetPW of nothing, or of what breaks the form: no error")
	}
	if f.SetPW("1234567") == nil {
		t.Error("SetPW of 7 characters: no error")
	}
	if f.Done(1, 0) == nil || f.SetTiming(0, 1) == nil {
		t.Error("Done with 0, SetTiming with 0: no error")
	}
}
