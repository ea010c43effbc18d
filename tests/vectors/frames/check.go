package main

import (
	"fmt"
	"strings"
)

// checks are right as frames and as segments, and one thing in them is not as the
// tables of the edition have it.
func checks() []vector {
	// of is all before the data area.
	of := func(edition, cn string) string {
		switch edition {
		case "2005":
			return "ST=32;CN=" + cn + ";PW=123456;MN=88888880000001;CP=&&"
		case "2025":
			return swap(fmt.Sprintf(head, cn), "Flag=5", "Flag=9")
		}
		return fmt.Sprintf(head, cn)
	}
	const data = "DataTime=20160801085857;"
	minute := "DataTime=20160801084000;w01018-Cou=10.5,w01018-Min=40.1,w01018-Avg=40.1,w01018-Max=40.1,w01018-Flag=N"
	var list []vector
	for _, r := range []struct{ name, check, cn, area, want, comment string }{
		{"unknown-cn", "2017 up", "2099", data + "w01018-Rtd=2.2,w01018-Flag=N", "unknown-cn=CN", "a CN that no edition has"},
		{"unknown-cn-9021", "2017 up", "9021", "", "unknown-cn=CN", "login, which some platforms ask for and no edition has"},
		{"unknown-cn-2005", "2005 down", "1063", "", "unknown-cn=CN", "a command of 2017 in 2005"},
		{"unknown-cn-2017", "2017 up", "2071", "DataTime=20160801085857", "unknown-cn=CN", "a command of 2005 that 2017 has dropped"},
		{"unknown-cn-9015", "2017 up", "9015", "", "unknown-cn=CN", "the heartbeat of 2025 in 2017"},

		{"direction-1013", "2017 down", "1013", "PolId=w01018", "wrong-direction=CN", "the field machine's question for the time comes from the platform"},
		{"direction-2081", "2017 down", "2081", "DataTime=20160801085857;RestartTime=20160801085624", "wrong-direction=CN", "the start of the field machine comes from the platform"},
		{"direction-9011", "2017 down", "9011", "QnRtn=1", "wrong-direction=CN", "the answer to a request comes from the platform"},
		{"direction-1012", "2017 up", "1012", "SystemTime=20160801085857", "wrong-direction=CN", "the field machine sets the platform's time"},
		{"direction-1072", "2017 up", "1072", "NewPW=654321", "wrong-direction=CN", "the field machine sets the platform's password"},
		{"direction-2012", "2017 up", "2012", "", "wrong-direction=CN", "the field machine stops the platform's data"},

		{"missing-recount", "2017 down", "1000", "OverTime=5", "missing-param=ReCount", "no ReCount"},
		{"missing-overtime", "2017 down", "1000", "ReCount=3", "missing-param=OverTime", "no OverTime"},
		{"missing-systemtime", "2017 down", "1012", "PolId=w01018", "missing-param=SystemTime", "no SystemTime"},
		{"missing-rtdinterval", "2017 down", "1062", "", "missing-param=RtdInterval", "no RtdInterval"},
		{"missing-mininterval", "2017 down", "1064", "", "missing-param=MinInterval", "no MinInterval"},
		{"missing-newpw", "2017 down", "1072", "", "missing-param=NewPW", "no NewPW"},
		{"missing-newpw-name", "2005 down", "1072", "", "missing-param=PW", "no PW, which 2017 calls NewPW"},
		{"missing-endtime", "2017 down", "2061", "BeginTime=20160801080000", "missing-param=EndTime", "no EndTime"},
		{"missing-begintime", "2017 down", "2031", "EndTime=20160801000000", "missing-param=BeginTime", "no BeginTime"},
		{"missing-datatime", "2017 up", "2011", "w01018-Rtd=2.2,w01018-Flag=N", "missing-param=DataTime", "no DataTime"},
		{"missing-restarttime", "2017 up", "2081", "DataTime=20160801085857", "missing-param=RestartTime", "no RestartTime"},
		{"missing-qnrtn", "2017 up", "9011", "", "missing-param=QnRtn", "no QnRtn"},
		{"missing-exertn", "2017 up", "9012", "", "missing-param=ExeRtn", "no ExeRtn"},
		{"missing-polid", "2017 down", "3011", "", "missing-param=PolId", "no PolId"},
		{"missing-key-time", "2025 up", "1014", "", "missing-param=SKCreateTime", "no SKCreateTime"},
		{"missing-warntime", "2005 down", "1001", "", "missing-param=WarnTime", "no WarnTime"},

		{"interval-29", "2017 down", "1062", "RtdInterval=29", "interval=RtdInterval", "29 s: 30 to 3600 are allowed"},
		{"interval-3601", "2017 down", "1062", "RtdInterval=3601", "interval=RtdInterval", "3601 s: 30 to 3600 are allowed"},
		{"ok-interval-30", "2017 down", "1062", "RtdInterval=30", "", "30 s, the shortest interval"},
		{"ok-interval-3600", "2017 down", "1062", "RtdInterval=3600", "", "3600 s, the longest interval"},
		{"interval-7", "2017 down", "1064", "MinInterval=7", "interval=MinInterval", "7 minutes do not divide the hour"},
		{"interval-60", "2017 down", "1064", "MinInterval=60", "interval=MinInterval", "60 minutes: 30 are the most"},
		{"ok-interval-1", "2017 down", "1064", "MinInterval=1", "", "1 minute"},
		{"ok-interval-12", "2017 down", "1064", "MinInterval=12", "", "12 minutes"},

		{"value-letters", "2017 down", "1062", "RtdInterval=abc", "value-form=RtdInterval", "letters for a number"},
		{"value-wide", "2017 up", "2011", data + "w01018-Rtd=123456.7,w01018-Flag=N", "value-form=w01018-Rtd", "six digits before the point: N5.1"},
		{"value-decimals", "2017 up", "2011", data + "w01018-Rtd=2.22,w01018-Flag=N", "value-form=w01018-Rtd", "two digits behind the point: N5.1"},
		{"value-exponent", "2017 up", "2011", data + "w01018-Rtd=2e1,w01018-Flag=N", "value-form=w01018-Rtd", "a number with an exponent"},
		{"value-nan", "2017 up", "2011", data + "w01018-Rtd=NaN,w01018-Flag=N", "value-form=w01018-Rtd", "NaN for a number"},
		{"value-empty", "2017 up", "2011", data + "w01018-Rtd=,w01018-Flag=N", "value-form=w01018-Rtd", "no value"},
		{"value-hyphens", "2017 up", "2011", data + "w01018-Rtd=--,w01018-Flag=B", "value-form=w01018-Rtd", "hyphens for a value that there is none of"},
		{"value-points", "2017 up", "2011", data + "w01018-Rtd=2.2.2,w01018-Flag=N", "value-form=w01018-Rtd", "two points"},
		{"ok-value-negative", "2017 up", "2011", data + "w01010-Rtd=-0.5,w01010-Flag=N", "", "a temperature below zero"},
		{"ok-value-widest", "2017 up", "2011", data + "w01018-Rtd=99999.9,w01018-Flag=N", "", "all digits of N5.1"},
		{"ok-value-whole", "2017 up", "2011", data + "w01018-Rtd=2,w01018-Flag=N", "", "a number without a point"},
		{"value-password", "2017 down", "1072", "NewPW=6543210", "value-form=NewPW", "seven characters: C6"},
		{"value-state", "2017 up", "2021", data + "SB1-RS=12", "value-form=SB1-RS", "two digits: N1"},
		{"value-bottle", "2017 up", "3015", data + "VaseNo=100", "value-form=VaseNo", "three digits: N2"},
		{"value-eflag", "2017 up", "2011", data + "w01018-Rtd=2.2,w01018-Flag=N,w01018-EFlag=ABCDE", "value-form=w01018-EFlag", "five characters: C4"},

		{"return-qn", "2017 up", "9011", "QnRtn=11", "unknown-return=QnRtn", "a return code that there is not"},
		{"return-exe", "2017 up", "9012", "ExeRtn=7", "unknown-return=ExeRtn", "a return code that there is not"},
		{"return-exe-2005", "2005 up", "9012", "QN=20040516010101001;ExeRtn=5", "unknown-return=ExeRtn", "busy, which 2017 has and 2005 has not"},
		{"ok-return-9", "2017 up", "9011", "QnRtn=9", "", "the crc of the request was wrong"},
		{"ok-return-100", "2017 up", "9012", "ExeRtn=100", "", "no data"},

		{"flag-unknown", "2017 up", "2011", data + "w01018-Rtd=2.2,w01018-Flag=X", "unknown-mark=w01018-Flag", "a data flag that there is not"},
		{"flag-lower", "2017 up", "2011", data + "w01018-Rtd=2.2,w01018-Flag=n", "unknown-mark=w01018-Flag", "a data flag in lower case"},
		{"ok-flags", "2017 up", "2011", data + "w01001-Rtd=7.1,w01001-Flag=N;w01018-Rtd=2.2,w01018-Flag=F;w21003-Rtd=1.1,w21003-Flag=M;w21011-Rtd=1.1,w21011-Flag=S;w01010-Rtd=1.1,w01010-Flag=D;w01009-Rtd=1.1,w01009-Flag=C;w01019-Rtd=1.1,w01019-Flag=T;w01020-Rtd=1.1,w01020-Flag=B", "", "each data flag of 2017"},

		{"factor-unknown", "2017 up", "2011", data + "w99999-Rtd=2.2,w99999-Flag=N", "unknown-factor=w99999", "a factor that there is not"},
		{"factor-2005", "2017 up", "2011", data + "B01-Rtd=2.2,B01-Flag=N", "unknown-factor=B01", "the code of 2005 for w00000"},
		{"factor-capital", "2017 up", "2011", data + "W01018-Rtd=2.2,W01018-Flag=N", "unknown-factor=W01018", "a capital for the letter of a factor"},
		{"factor-no-prefix", "2017 up", "2011", data + "01018-Rtd=2.2,w01018-Flag=N", "no-prefix=01018", "01018 for w01018"},
		{"param-unknown", "2017 up", "2011", data + "w01018-Rtd=2.2,w01018-Flag=N;Site=7", "unknown-param=Site", "a parameter that there is not"},
		{"param-kind", "2017 up", "2011", data + "w01018-Rtd=2.2,w01018-Foo=1,w01018-Flag=N", "unknown-param=w01018-Foo", "something of a factor that there is not"},
		{"param-case", "2017 down", "3011", "PolId=w01018;PolID=w01018", "unknown-param=PolID", "PolID for PolId"},
		{"mixed-item", "2017 up", "2011", data + "w01001-Rtd=7.1,w01001-Flag=N,w01018-Rtd=2.2,w01018-Flag=N", "mixed-item=w01018-Rtd", "two factors in one item"},

		{"ok-2017-minute", "2017 up", "2051", minute, "", "minute data"},
		{"ok-2017-sample", "2017 down", "3012", "PolId=w01018", "", "sample now"},
		{"ok-2025-heartbeat", "2025 up", "9015", "", "", "a heartbeat that wants an answer"},
		{"ok-2025-key", "2025 down", "1014", "SKCreateTime=20240601085857223,NewSK=Xk29bTq7LmZ04wPe", "", "a new key"},
		{"ok-2025-key-wish", "2025 up", "1014", "SKCreateTime=20240601085857223", "", "the field machine asks for a new key"},
		{"ok-2025-furnace", "2025 up", "2111", "DataTime=20240601011000;a01901-Avg=871", "", "temperature of a furnace"},
	} {
		edition := r.check[:4]
		segment := of(edition, r.cn) + r.area + "&&"
		v := alone("check-"+r.name, r.comment, wrap(segment), segment)
		v.check = r.check
		v.found(r.want)
		list = append(list, v)
	}

	// whole is a message of its own.
	whole := func(name, check, comment, segment, want string) {
		v := alone("check-"+name, comment, wrap(segment), segment)
		v.check = check
		v.found(want)
		list = append(list, v)
	}
	packet := "Flag=7;PNUM=2;PNO=3;"
	whole("packet-over", "2017 up", "packet 3 of 2", swap(seg2017, "Flag=5;", packet), "packet-over=PNO")
	whole("packet-digits", "2025 up", "12 packets: 2025 has one digit for them", swap(seg2025, "Flag=9;", "Flag=11;PNUM=12;PNO=3;"), "packet-digits=PNUM")
	whole("rf-2017", "2017 up", "RF, which only 2025 has", swap(seg2017, "Flag=5;", "Flag=5;RF=1;"), "edition-field=RF")
	whole("ok-rf-2025", "2025 up", "RF in 2025", swap(seg2025, "Flag=9;", "Flag=9;RF=1;"), "")
	whole("st-unknown", "2017 up", "a system code that there is not", swap(seg2017, "ST=32;", "ST=19;"), "unknown-st=ST")
	whole("st-2025-in-2017", "2017 up", "the system code of 2025 for power", swap(seg2017, "ST=32;", "ST=44;"), "unknown-st=ST")
	whole("edition-other", "2025 up", "a message of 2017, and 2025 is asked for", seg2017, "other-edition=Flag")
	whole("ok-2005", "2005 up", "a message of 2005", seg2005, "")
	whole("ok-2017", "2017 up", "a message of 2017", seg2017, "")
	whole("ok-2025", "2025 up", "a message of 2025", seg2025, "")

	register := "QN=20240601085857223;ST=31;CN=1001;PW=123456;MN=;Flag=9;CP=&&i23005-Info=SN-0001;i23006-Info=CPU-0001;i23007-Info=020000000001;i23008-Info=020000000002&&"
	v := alone("check-ok-2025-register", "a field machine registers, and has no MN yet", wrap(register), swap(register, "MN=;", ""))
	v.check = "2025 up"
	list = append(list, v)

	// Only 2005, whose header may be short, has room for an area over its limit in a
	// segment that is not.
	states := func(ones, tens, hundreds int) string {
		s := "DataTime=20040516020111"
		for _, r := range []struct{ from, n int }{{1, ones}, {10, tens}, {100, hundreds}} {
			for i := range r.n {
				s += fmt.Sprintf(";SB%d-RS=1", r.from+i)
			}
		}
		return s
	}
	for _, r := range []struct {
		name, area, want, comment string
		size                      int
	}{
		{"area-long", states(9, 85, 0), "long-area=CP", "one byte over the limit", 961},
		{"ok-area-full", states(9, 75, 9), "", "the most there may be", 960},
	} {
		if n := len("CP=&&" + r.area + "&&"); n != r.size {
			panic(fmt.Sprintf("frames: %s has %d bytes", r.name, n))
		}
		whole(r.name, "2005 up", fmt.Sprintf("a data area of %d bytes with CP=&& and &&: %s", r.size, r.comment), of("2005", "2021")+r.area+"&&", r.want)
	}
	return list
}

// found notes what a check finds, nothing where want is empty. Codes and values that
// the tables do not have are found in the field: authorities and makers have their
// own.
func (v *vector) found(want string) {
	if want == "" {
		return
	}
	v.violations = []string{"check:" + want}
	word, _, _ := strings.Cut(want, "=")
	switch word {
	case "unknown-st", "unknown-cn", "unknown-param", "unknown-factor", "unknown-mark", "no-prefix", "value-form":
		v.seen = true
	}
}
