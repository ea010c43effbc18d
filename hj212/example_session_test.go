package hj212_test

import (
	"fmt"
	"strings"
	"time"

	"envgate/hj212"
)

// A platform asks for an hour of minute data, and the field machine gives it two
// records. Neither side knows of a connection or a clock: a loop carries what one says
// to the other.
func Example_session() {
	field, err := hj212.NewFieldSide(hj212.FieldOptions{
		Edition: hj212.Ed2017, ST: "32", PW: "123456", MN: "010000A8900016F000169DC0",
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	platform, err := hj212.NewPlatformSide(hj212.PlatformOptions{
		Edition: hj212.Ed2017, ST: "32", PW: "123456", MN: "010000A8900016F000169DC0",
	})
	if err != nil {
		fmt.Println(err)
		return
	}

	now := time.Date(2016, 8, 1, 8, 58, 57, 223e6, hj212.Beijing)
	param := func(name, value string) hj212.Item { return hj212.Item{{Name: name, Value: value}} }
	short := func(m hj212.Message) string { // the end of QN, CN and the data area
		text := string(m.Append(nil))
		return m.QN[14:] + " CN=" + m.CN + " " + text[strings.Index(text, "CP="):]
	}
	_, err = platform.Request(hj212.Message{
		CN: "2051",
		CP: hj212.Area{param("BeginTime", "20160801080000"), param("EndTime", "20160801085900")},
	}, now)
	if err != nil {
		fmt.Println(err)
		return
	}

	for busy := true; busy; {
		busy = false
		for m, ok := platform.Next(now); ok; m, ok = platform.Next(now) {
			busy = true
			fmt.Println("platform:", short(m))
			field.Receive(m, now)
		}
		for e, ok := field.Event(); ok; e, ok = field.Event() {
			busy = true
			fmt.Printf("          the field machine is told: %v\n", e.Type)
			if e.Type == hj212.EventRequest {
				x := e.Exchange
				_ = field.Accept(x)
				_ = field.Data(x, hj212.Message{CP: hj212.Area{param("DataTime", "20160801084000"), param("w01001-Avg", "7.5")}})
				_ = field.Data(x, hj212.Message{CP: hj212.Area{param("DataTime", "20160801085000"), param("w01001-Avg", "7.6")}})
				_ = field.Done(x, 1)
			}
		}
		for m, ok := field.Next(now); ok; m, ok = field.Next(now) {
			busy = true
			fmt.Println("field:   ", short(m))
			platform.Receive(m, now)
		}
		for e, ok := platform.Event(); ok; e, ok = platform.Event() {
			busy = true
			fmt.Printf("          the platform is told: %v\n", e.Type)
		}
		now = now.Add(100 * time.Millisecond)
	}

	// Output:
	// platform: 223 CN=2051 CP=&&BeginTime=20160801080000;EndTime=20160801085900&&
	//           the field machine is told: request
	// field:    223 CN=9011 CP=&&QnRtn=1&&
	// field:    223 CN=2051 CP=&&DataTime=20160801084000;w01001-Avg=7.5&&
	//           the platform is told: accepted
	//           the platform is told: data
	// platform: 223 CN=9014 CP=&&&&
	// field:    323 CN=2051 CP=&&DataTime=20160801085000;w01001-Avg=7.6&&
	//           the platform is told: data
	// platform: 323 CN=9014 CP=&&&&
	// field:    223 CN=9012 CP=&&ExeRtn=1&&
	//           the platform is told: done
	//           the field machine is told: ended
}

// A logger comes from the factory without an MN. The platform knows its serial number,
// and gives it one; what the logger had to send waits until then (HJ 212-2025, C.2 and
// C.3).
func Example_registration() {
	field, err := hj212.NewFieldSide(hj212.FieldOptions{
		Edition: hj212.Ed2025, ST: "32", PW: "123456",
		Registration: []hj212.Param{{Name: "i23005-Info", Value: "6970000000001ABCDEFG1234"}},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	platform, err := hj212.NewPlatformSide(hj212.PlatformOptions{Edition: hj212.Ed2025, ST: "32", PW: "123456"})
	if err != nil {
		fmt.Println(err)
		return
	}
	known := map[string]string{"6970000000001ABCDEFG1234": "010000A8900016F000169DC0"}

	now := time.Date(2026, 1, 1, 8, 0, 0, 0, hj212.Beijing)
	_, err = field.Upload(hj212.Message{CN: "2011", CP: hj212.Area{{{Name: "DataTime", Value: "20260101080000"}}}}, now)
	if err != nil {
		fmt.Println(err)
		return
	}
	for busy := true; busy; {
		busy = false
		for m, ok := field.Next(now); ok; m, ok = field.Next(now) {
			busy = true
			fmt.Printf("field:    CN=%s MN=%s\n", m.CN, m.MN)
			platform.Receive(m, now)
		}
		for e, ok := platform.Event(); ok; e, ok = platform.Event() {
			busy = true
			if e.Type == hj212.EventNotice && e.Message.CN == "1001" {
				serial, _ := e.Message.CP.Get("i23005-Info")
				if mn, ok := known[serial]; ok {
					_, _ = platform.Request(hj212.Message{CN: "1002", MN: mn, CP: hj212.Area{{{Name: "i23005-Info", Value: serial}}}}, now)
				}
			}
		}
		for m, ok := platform.Next(now); ok; m, ok = platform.Next(now) {
			busy = true
			fmt.Printf("platform: CN=%s MN=%s\n", m.CN, m.MN)
			field.Receive(m, now)
		}
		for e, ok := field.Event(); ok; e, ok = field.Event() {
			busy = true
			if e.Type == hj212.EventRegistered {
				fmt.Println("          the field machine keeps", field.MN()) // over a restart, too
			}
		}
	}

	// Output:
	// field:    CN=1001 MN=
	// platform: CN=9013 MN=
	// platform: CN=1002 MN=010000A8900016F000169DC0
	//           the field machine keeps 010000A8900016F000169DC0
	// field:    CN=9011 MN=010000A8900016F000169DC0
	// field:    CN=9012 MN=010000A8900016F000169DC0
	// field:    CN=2011 MN=010000A8900016F000169DC0
	// platform: CN=9014 MN=010000A8900016F000169DC0
}
