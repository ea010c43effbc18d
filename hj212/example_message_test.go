package hj212_test

import (
	"fmt"
	"time"

	"golang.org/x/text/encoding/simplifiedchinese"

	"envgate/hj212"
)

// A frame of a minute's data is read: what is in it, and what is not as it should
// be.
func ExampleParseMessage() {
	data := []byte("QN=20240601090000001;ST=31;CN=2051;PW=123456;MN=010000A8900016F000169DC0;Flag=5;" +
		"CP=&& DataTime=20240601085000;a21026-Avg=18.5,a21026-Flag=N;&&")
	m, violations := hj212.ParseMessage(data)
	fmt.Println(m.Edition(), m.CN)
	at, err := m.CP.Time("DataTime")
	fmt.Println(at, err)
	for _, item := range m.CP {
		for _, p := range item {
			if code, kind := p.Cut(); kind == "Avg" {
				flag, _ := item.Get(code + "-Flag")
				fmt.Println(code, p.Value, flag)
			}
		}
	}
	for _, v := range violations {
		fmt.Println(v, "- seen in the field:", v.Kind.Seen())
	}
	// Output:
	// HJ 212-2017 2051
	// 2024-06-01 08:50:00 +0800 UTC+8 <nil>
	// a21026 18.5 N
	// byte 85: blank around a name, a value or a separator: DataTime - seen in the field: true
	// byte 139: separator at the end of the data area - seen in the field: true
}

// Pairs is for those who want a few values of many frames: nothing is copied.
func ExamplePairs() {
	data := []byte("ST=31;CN=2011;CP=&&DataTime=20240601085857;a21026-Rtd=18.5,a21026-Flag=N&&")
	for p := range hj212.Pairs(data) {
		fmt.Printf("byte %2d, item %2d: %s is %s\n", p.Offset, p.Item, p.Name, p.Value)
	}
	// Output:
	// byte  0, item -1: ST is 31
	// byte  6, item -1: CN is 2011
	// byte 19, item  0: DataTime is 20240601085857
	// byte 43, item  1: a21026-Rtd is 18.5
	// byte 59, item  1: a21026-Flag is N
}

// A message is made, looked over, and written.
func ExampleMessage_Append() {
	at := time.Date(2024, 6, 1, 8, 58, 57, 223e6, hj212.Beijing)
	m := hj212.Message{
		QN: hj212.StampMillis(at), ST: "31", CN: "2011", PW: "123456", MN: "010000A8900016F000169DC0",
		Flag: hj212.NewFlag(hj212.Ed2025, hj212.WantAnswer),
		CP: hj212.Area{
			{{"DataTime", hj212.Stamp(at)}},
			{{"a21026-Rtd", "18.50"}, {"a21026-Flag", hj212.FlagNormal}},
		},
	}
	fmt.Println(m.Strict(hj212.Ed2025))
	fmt.Printf("%s\n", m.Append(nil))
	// Output:
	// []
	// QN=20240601085857223;ST=31;CN=2011;PW=123456;MN=010000A8900016F000169DC0;Flag=9;CP=&&DataTime=20240601085857;a21026-Rtd=18.50,a21026-Flag=N&&
}

// Strict keeps bytes of others from being read as form.
func ExampleMessage_Strict() {
	m := hj212.Message{
		QN: "20240601085857223", ST: "91", CN: "9011", PW: "123456", MN: "010000A8900016F000169DC0", Flag: 4,
		CP: hj212.Area{{{"QnRtn", "1;ExeRtn=1"}}},
	}
	for _, v := range m.Strict(hj212.Ed2017) {
		fmt.Println(v)
	}
	// Output:
	// byte 85: bytes that would be read as form: QnRtn="1;ExeRtn=1"
}

// Check compares a message with the standard's lists. It is advice: a platform takes
// the message all the same.
func ExampleMessage_Check() {
	m, _ := hj212.ParseMessage([]byte("QN=20160801085857223;ST=32;CN=2011;PW=123456;MN=010000A8900016F000169DC0;Flag=5;" +
		"CP=&&DataTime=20160801085857;01018-Rtd=2.25,w01018-Flag=N&&"))
	for _, v := range m.Check(hj212.Ed2017, hj212.Up) {
		fmt.Println(v)
	}
	// Output:
	// byte 109: factor code without its letter: 01018, want w01018
}

// Split makes packets of a long message, and Joiner makes the message of the packets
// again.
func ExampleSplit() {
	m := hj212.Message{
		ST: "31", CN: "2061", PW: "123456", MN: "010000A8900016F000169DC0", Flag: hj212.NewFlag(hj212.Ed2017, hj212.WantAnswer),
		CP: hj212.Area{{{"DataTime", "20240601080000"}}},
	}
	for i := range 40 {
		code := fmt.Sprintf("a%05d", 24000+i)
		m.CP = append(m.CP, hj212.Item{{code + "-Avg", "18.5"}, {code + "-Flag", "N"}})
	}
	packets, err := hj212.Split(m, hj212.Ed2017)
	if err != nil {
		fmt.Println(err)
		return
	}
	joiner := hj212.NewJoiner(hj212.JoinOptions{})
	now := time.Date(2024, 6, 1, 9, 0, 0, 0, hj212.Beijing)
	for i, p := range packets {
		p.QN = hj212.StampMillis(now.Add(time.Duration(i) * time.Millisecond)) // each its own
		fmt.Printf("packet %d of %d, Flag %d, QN %s, %d items\n", p.PNO, p.PNUM, p.Flag, p.QN, len(p.CP))
		if whole, ok, err := joiner.Add(p, now); ok || err != nil {
			fmt.Printf("whole, Flag %d, QN %s, %d items, %v\n", whole.Flag, whole.QN, len(whole.CP), err)
		}
	}
	// Output:
	// packet 1 of 2, Flag 7, QN 20240601090000000, 30 items
	// packet 2 of 2, Flag 7, QN 20240601090000001, 12 items
	// whole, Flag 5, QN 20240601090000000, 41 items, <nil>
}

// Logs of loggers are often in GBK. A decoder is for the caller to choose; this one
// is of golang.org/x/text.
func ExampleText() {
	decoder := simplifiedchinese.GB18030.NewDecoder()
	for _, value := range []string{"//清洗管路//", "//\xc7\xe5\xcf\xb4\xb9\xdc\xc2\xb7//"} {
		text, err := hj212.Text(value, decoder.String)
		fmt.Println(text, err)
	}
	// Output:
	// //清洗管路// <nil>
	// //清洗管路// <nil>
}
