package main

import "strings"

// printed are the examples of the standards, misprints and all; where a standard
// prints an ellipsis it is left out. The tables of appendix C print segments: the
// frame around them is ours. Those of appendix A are printed whole.
func printed() []vector {
	list := []vector{
		{
			name: "printed-2017-a", standard: "HJ 212-2017 appendix A", comment: "the whole frame is printed; the text under it misprints the crc",
			raw: good, means: []string{base}, check: "2017 down",
		},
		{
			name: "printed-2025-a1", standard: "HJ 212-2025 A.1", comment: "the whole frame is printed",
			raw: next, means: []string{other}, check: "2025 down",
		},
		{
			name: "printed-2025-a2-1", standard: "HJ 212-2025 A.2 example 1", comment: "the whole frame is printed; two values have a digit more than their format",
			raw: "##0295" + plain1 + "2200\r\n", means: []string{plain1}, check: "2025 up",
			violations: []string{"check:value-form=a01014-Avg", "check:value-form=a01014-Max"}, seen: true,
		},
		{
			name: "printed-2025-a2-3", standard: "HJ 212-2025 A.2 example 3", comment: "the whole frame is printed",
			raw: "##0234" + plain3 + "B541\r\n", means: []string{plain3}, check: "2025 up",
		},
	}
	odd := deviations()
	for _, r := range examples {
		d := odd[r.name]
		delete(odd, r.name)
		v := vector{
			name: "printed-" + r.name, comment: "as printed, and right", check: r.name[:4] + " " + r.direction,
			raw: wrap(r.segment), means: []string{r.segment},
		}
		if strings.Contains(r.segment, "102-") {
			v.check = "" // a factor of 2005, whose tables we do not have
		}
		table := strings.TrimPrefix(r.name[6:8], "0")
		if v.standard = "HJ 212-2017 table C." + table; strings.HasPrefix(r.name, "2005") {
			v.standard = "HJ/T 212-2005 C." + table
		}
		if d.comment != "" {
			v.comment, v.seen = "as printed: "+d.comment, true
		}
		if d.means != nil {
			v.means = []string{d.means(r.segment)}
		}
		if d.joined != nil {
			v.joined = []string{d.joined(v.means[0])}
		}
		for _, w := range d.at {
			v.violations = append(v.violations, at(r.segment, w[0], w[1]))
		}
		v.violations = append(v.violations, d.check...)
		list = append(list, v)
	}
	if len(odd) > 0 {
		panic("frames: deviations without an example")
	}
	return list
}

// A deviation says how an example departs from the tables of its standard.
type deviation struct {
	comment string
	at      [][2]string // word and place
	check   []string
	means   func(segment string) string
	joined  func(means string) string
}

func deviations() map[string]deviation {
	blank := func(place, text string) deviation {
		return deviation{comment: "a blank " + place, at: [][2]string{{"blank", text}}, means: noBlanks}
	}
	split := deviation{comment: "Flag says that there are PNUM and PNO", at: [][2]string{{"flag-no-packet", "Flag=3"}}}
	return map[string]deviation{
		"2017-c02-1011-2": blank("behind &&", " PolId"),
		"2017-c03-9012":   blank("behind &&", " ExeRtn"),
		"2017-c04-1013":   blank("behind &&", " PolId"),
		"2017-c04-9013":   blank("in an area that is empty", " &&"),
		"2017-c14-2011":   {comment: "01018 for w01018", check: []string{"check:no-prefix=01018"}},
		"2017-c19-2041": {
			comment: "no semicolon before CP", at: [][2]string{{"no-semicolon", "CP=&&"}},
			means: func(s string) string { return swap(s, "Flag=5CP", "Flag=5;CP") },
		},
		"2017-c22-2031-2": {
			comment: "a comma behind QN", at: [][2]string{{"comma-for-semicolon", ",ST="}},
			means: func(s string) string { return swap(s, ",ST=", ";ST=") },
		},
		"2017-c23-2041": {comment: "a comma between BeginTime and EndTime", at: [][2]string{{"comma-for-semicolon", ",EndTime"}}},
		"2017-c25-2011": blank("behind a semicolon", " LA-Rtd"),
		"2017-c28-2031": blank("behind a semicolon", " LMn-NightData"),
		"2017-c29-2011": {
			comment: "e01001-Rtd twice; no table of the standard has e01001",
			at:      [][2]string{{"name-twice", "e01001-Rtd=2.2"}},
			check:   []string{"check:unknown-factor=e01001"},
		},
		"2017-c34-3015-2": {
			comment: "blanks at both ends of the area", at: [][2]string{{"blank", " DataTime"}, {"blank", " &&"}}, means: noBlanks,
		},
		"2017-c41-3020":   {comment: "a comma between BeginTime and EndTime", at: [][2]string{{"comma-for-semicolon", ",EndTime"}}},
		"2017-c42-3020":   blank("before =", " =0"),
		"2017-c43-3020":   blank("before Flag", " Flag"),
		"2017-c44-3020":   blank("behind a semicolon, and one before =", " i13005"),
		"2017-c45-3020-2": blank("before the last &&", " &&"),
		"2017-c48-2061": {
			comment: "a comma behind QN", at: [][2]string{{"comma-for-semicolon", ",ST="}},
			means: func(s string) string { return swap(s, ",ST=", ";ST=") },
		},
		"2005-c01-1072": split,
		"2005-c03-1012": split,
		"2005-c04-2011": split,
		"2005-c06-2051": {
			comment: "PNUM and PNO, and no Flag to say so", at: [][2]string{{"packet-no-flag", "PNUM="}},
			means: func(s string) string {
				return "QN=20040516010101001;" + swap(swap(s, "QN=20040516010101001;", ""), "PNO=1;PNUM=1;", "PNUM=1;PNO=1;")
			},
			joined: func(means string) string { return swap(means, "PNUM=1;PNO=1;", "") },
		},
		"2005-c06-9014-2": {
			comment: "a semicolon before the last &&", at: [][2]string{{"trailing-separator", "=1<;&&"}},
			means: func(s string) string { return swap(s, ";&&", "&&") },
		},
		"2005-c10-2072": blank("behind a comma, and one before =", " AlarmType"),
		"2005-c11-1022": split,
		"2005-c21-1001": split,
		"2005-c23-3014": split,
	}
}

func noBlanks(s string) string { return strings.ReplaceAll(s, " ", "") }

// The plain segments of HJ 212-2025, A.2.
const (
	plain1 = "QN=20240520210700000;ST=31;CN=2051;PW=123456;MN=010000A8900016F000169DC0;Flag=9;CP=&&DataTime=20240520210600;a01011-Min=1.35,a01011-Avg=1.35,a01011-Max=1.35,a01011-Flag=N;a01012-Min=9.3,a01012-Avg=9.3,a01012-Max=9.3,a01012-Flag=N;a01014-Min=3.20,a01014-Avg=3.211,a01014-Max=3.212,a01014-Flag=N&&"
	plain3 = "QN=20240520210700000;ST=31;CN=2051;PW=123456;MN=010000A8900016F000169DC0;Flag=9;CP=&&DataTime=20240520210600;a01011-Min=1.35,a01011-Avg=1.35,a01011-Max=1.35,a01011-Flag=N;a01014-Min=3.20,a01014-Avg=3.20,a01014-Max=3.20,a01014-Flag=N&&"
)

// examples are the segments of appendix C: edition, table and command, the way they
// go, and what is printed.
var examples = []struct{ name, direction, segment string }{
	{"2017-c01-1000", "down", "QN=20160801085857223;ST=32;CN=1000;PW=123456;MN=010000A8900016F000169DC0;Flag=5;CP=&&OverTime=5;ReCount=3&&"},
	{"2017-c01-9011", "up", "QN=20160801085857223;ST=91;CN=9011;PW=123456;MN=010000A8900016F000169DC0;Flag=4;CP=&&QnRtn=1&&"},
	{"2017-c01-9012", "up", "QN=20160801085857223;ST=91;CN=9012;PW=123456;MN=010000A8900016F000169DC0;Flag=4;CP=&&ExeRtn=1&&"},
	{"2017-c02-1011", "down", "QN=20160801085857223;ST=32;CN=1011;PW=123456;MN=010000A8900016F000169DC0;Flag=5;CP=&&PolId=w01018&&"},
	{"2017-c02-1011-2", "up", "QN=20160801085857223;ST=32;CN=1011;PW=123456;MN=010000A8900016F000169DC0;Flag=4;CP=&& PolId=w01018;SystemTime=20160801085857&&"},
	{"2017-c03-1012", "down", "QN=20160801085857223;ST=32;CN=1012;PW=123456;MN=010000A8900016F000169DC0;Flag=5;CP=&&PolId=w01018;SystemTime=20160801085857&&"},
	{"2017-c03-9012", "up", "QN=20160801085857223;ST=91;CN=9012;PW=123456;MN=010000A8900016F000169DC0;Flag=4;CP=&& ExeRtn=1&&"},
	{"2017-c04-1013", "up", "QN=20160801085857223;ST=32;CN=1013;PW=123456;MN=010000A8900016F000169DC0;Flag=5;CP=&& PolId=w01018&&"},
	{"2017-c04-9013", "down", "QN=20160801085857223;ST=91;CN=9013;PW=123456;MN=010000A8900016F000169DC0;Flag=4;CP=&& &&"},
	{"2017-c05-1061", "down", "QN=20160801085857223;ST=32;CN=1061;PW=123456;MN=010000A8900016F000169DC0;Flag=5;CP=&&&&"},
	{"2017-c05-1061-2", "up", "QN=20160801085857223;ST=32;CN=1061;PW=123456;MN=010000A8900016F000169DC0;Flag=4;CP=&&RtdInterval=30&&"},
	{"2017-c06-1062", "down", "QN=20160801085857223;ST=32;CN=1062;PW=123456;MN=010000A8900016F000169DC0;Flag=5;CP=&&RtdInterval=30&&"},
	{"2017-c07-1063", "down", "QN=20160801085857223;ST=32;CN=1063;PW=123456;MN=010000A8900016F000169DC0;Flag=5;CP=&&&&"},
	{"2017-c07-1063-2", "up", "QN=20160801085857223;ST=32;CN=1063;PW=123456;MN=010000A8900016F000169DC0;Flag=4;CP=&&MinInterval=10&&"},
	{"2017-c08-1064", "down", "QN=20160801085857223;ST=32;CN=1064;PW=123456;MN=010000A8900016F000169DC0;Flag=5;CP=&&MinInterval=10&&"},
	{"2017-c09-1072", "down", "QN=20160801085857223;ST=32;CN=1072;PW=123456;MN=010000A8900016F000169DC0;Flag=5;CP=&&NewPW=654321&&"},
	{"2017-c10-2011", "down", "QN=20160801085857223;ST=32;CN=2011;PW=123456;MN=010000A8900016F000169DC0;Flag=5;CP=&&&&"},
	{"2017-c11-2012", "down", "QN=20160801085857223;ST=32;CN=2012;PW=123456;MN=010000A8900016F000169DC0;Flag=5;CP=&&&&"},
	{"2017-c11-9013", "up", "QN=20160801085857223;ST=91;CN=9013;PW=123456;MN=010000A8900016F000169DC0;Flag=4;CP=&&&&"},
	{"2017-c12-2021", "down", "QN=20160801085857223;ST=32;CN=2021;PW=123456;MN=010000A8900016F000169DC0;Flag=5;CP=&&&&"},
	{"2017-c13-2022", "down", "QN=20160801085857223;ST=32;CN=2022;PW=123456;MN=010000A8900016F000169DC0;Flag=5;CP=&&&&"},
	{"2017-c14-2011", "up", "QN=20160801085857223;ST=32;CN=2011;PW=123456;MN=010000A8900016F000169DC0;Flag=5;CP=&&DataTime=20160801085857;w01001-Rtd=7.1,w01001-Flag=N;w01018-SampleTime=20160801070000,01018-Rtd=2.2,w01018-Flag=N,w01018-EFlag=A01&&"},
	{"2017-c14-9014", "down", "QN=20160801085857223;ST=91;CN=9014;PW=123456;MN=010000A8900016F000169DC0;Flag=4;CP=&&&&"},
	{"2017-c15-2021", "up", "QN=20160801085857223;ST=32;CN=2021;PW=123456;MN=010000A8900016F000169DC0;Flag=5;CP=&&DataTime=20160801085857;SB1-RS=1;SB2-RS=0&&"},
	{"2017-c16-2051", "up", "QN=20160801085000001;ST=32;CN=2051;PW=123456;MN=010000A8900016F000169DC0;Flag=5;CP=&&DataTime=20160801084000;w00000-Cou=10.5,w00000-Min=16.4,w00000-Avg=17.5,w00000-Max=20.1,w00000-Flag=N;w01001-Min=7.1,w01001-Avg=7.5,w01001-Max=7.8,w01001-Flag=N;w01018-Cou=10.5,w01018-Min=40.1,w01018-Avg=40.1,w01018-Max=40.1,w01018-Flag=N&&"},
	{"2017-c16-9014", "down", "QN=20160801085000001;ST=91;CN=9014;PW=123456;MN=010000A8900016F000169DC0;Flag=4;CP=&&&&"},
	{"2017-c17-2061", "up", "QN=20160801090000001;ST=32;CN=2061;PW=123456;MN=010000A8900016F000169DC0;Flag=5;CP=&&DataTime=20160801080000;w00000-Cou=63.0,w00000-Min=16.4,w00000-Avg=17.5,w00000-Max=20.1,w00000-Flag=N;w01001-Min=7.1,w01001-Avg=7.5,w01001-Max=7.8,w01001-Flag=N;w01018-Cou=63.0,w01018-Min=40.1,w01018-Avg=40.1,w01018-Max=40.1,w01018-Flag=N&&"},
	{"2017-c17-9014", "down", "QN=20160801090000001;ST=91;CN=9014;PW=123456;MN=010000A8900016F000169DC0;Flag=4;CP=&&&&"},
	{"2017-c18-2031", "up", "QN=20160802000000001;ST=32;CN=2031;PW=123456;MN=010000A8900016F000169DC0;Flag=5;CP=&&DataTime=20160801000000;w00000-Cou=1512.0,w00000-Min=16.4,w00000-Avg=17.5,w00000-Max=20.1,w00000-Flag=N;w01001-Min=7.1,w01001-Avg=7.5,w01001-Max=7.8,w01001-Flag=N;w01018-Cou=2142.0,w01018-Min=40.1,w01018-Avg=40.1,w01018-Max=40.1,w01018-Flag=N&&"},
	{"2017-c18-9014", "down", "QN=20160802000000001;ST=91;CN=9014;PW=123456;MN=010000A8900016F000169DC0;Flag=4;CP=&&&&"},
	{"2017-c19-2041", "up", "QN=20160802000000001;ST=32;CN=2041;PW=123456;MN=010000A8900016F000169DC0;Flag=5CP=&&DataTime=20160801000000;SB1-RT=1.1;SB2-RT=2.1&&"},
	{"2017-c20-2051", "down", "QN=20160801085857223;ST=32;CN=2051;PW=123456;MN=010000A8900016F000169DC0;Flag=5;CP=&&BeginTime=20160801084000;EndTime=20160801084000&&"},
	{"2017-c20-2051-2", "up", "QN=20160801085857534;ST=32;CN=2051;PW=123456;MN=010000A8900016F000169DC0;Flag=4;CP=&&DataTime=20160801084000;w00000-Cou=10.5,w00000-Min=16.4,w00000-Avg=17.5,w00000-Max=20.1,w00000-Flag=N;w01001-Min=7.1,w01001-Avg=7.5,w01001-Max=7.8,w01001-Flag=N;w01018-Cou=10.5,w01018-Min=40.1,w01018-Avg=40.1,w01018-Max=40.1,w01018-Flag=N&&"},
	{"2017-c21-2061", "down", "QN=20160801085857223;ST=32;CN=2061;PW=123456;MN=010000A8900016F000169DC0;Flag=5;CP=&&BeginTime=20160801080000;EndTime=20160801080000&&"},
	{"2017-c21-2061-2", "up", "QN=20160801085857534;ST=32;CN=2061;PW=123456;MN=010000A8900016F000169DC0;Flag=4;CP=&&DataTime=20160801080000;w00000-Cou=63.0,w00000-Min=16.4,w00000-Avg=17.5,w00000-Max=20.1,w00000-Flag=N;w01001-Min=7.1,w01001-Avg=7.5,w01001-Max=7.8,w01001-Flag=N;w01018-Cou=63.0,w01018-Min=40.1,w01018-Avg=40.1,w01018-Max=40.1,w01018-Flag=N&&"},
	{"2017-c22-2031", "down", "QN=20160801085857223;ST=32;CN=2031;PW=123456;MN=010000A8900016F000169DC0;Flag=5;CP=&&BeginTime=20160801000000;EndTime=20160801000000&&"},
	{"2017-c22-2031-2", "up", "QN=20160801085857534,ST=32;CN=2031;PW=123456;MN=010000A8900016F000169DC0;Flag=5;CP=&&DataTime=20160801000000;w00000-Cou=1512.0,w00000-Min=16.4,w00000-Avg=17.5,w00000-Max=20.1,w00000-Flag=N;w01001-Min=7.1,w01001-Avg=7.5,w01001-Max=7.8,w01001-Flag=N;w01018-Cou=2142.0,w01018-Min=40.1,w01018-Avg=40.1,w01018-Max=40.1,w01018-Flag=N&&"},
	{"2017-c23-2041", "down", "QN=20160801085857223;ST=32;CN=2041;PW=123456;MN=010000A8900016F000169DC0;Flag=5;CP=&&BeginTime=20160801000000,EndTime=20160801000000&&"},
	{"2017-c23-2041-2", "up", "QN=20160801085857534;ST=32;CN=2041;PW=123456;MN=010000A8900016F000169DC0;Flag=4;CP=&&DataTime=20160801000000;SB1-RT=1.1;SB2-RT=2.1&&"},
	{"2017-c24-2081", "up", "QN=20160801085857223;ST=32;CN=2081;PW=123456;MN=010000A8900016F000169DC0;Flag=5;CP=&&DataTime=20160801085857;RestartTime=20160801085624&&"},
	{"2017-c25-2011", "up", "QN=20160801085857223;ST=23;CN=2011;PW=123456;MN=010000A8900016F000169DC0;Flag=5;CP=&&DataTime=20160801085857; LA-Rtd=50.1&&"},
	{"2017-c26-2051", "up", "QN=20160801085000001;ST=23;CN=2051;PW=123456;MN=010000A8900016F000169DC0;Flag=5;CP=&&DataTime=20160801084000;L5-Data=53.0;L10-Data=53.0;L50-Data=49.0;L90-Data=45.0;L95-Data=43.0;Leq-Data=50.0;LMx-Data=54.0;LMn-Data=42.0&&"},
	{"2017-c27-2061", "up", "QN=20160801090000001;ST=23;CN=2061;PW=123456;MN=010000A8900016F000169DC0;Flag=5;CP=&&DataTime=20160801080000;L5-Data=53.0;L10-Data=53.0;L50-Data=49.0;L90-Data=45.0;L95-Data=43.0;Leq-Data=50.0;LMx-Data=54.0;LMn-Data=42.0&&"},
	{"2017-c28-2031", "up", "QN=20160802000000001;ST=23;CN=2031;PW=123456;MN=010000A8900016F000169DC0;Flag=5;CP=&&DataTime=20160801000000;L5-Data=53.0;L10-Data=53.0;L50-Data=49.0;L90-Data=45.0;L95-Data=43.0;Ldn-Data=50.0;LMx-Data=54.0;LMn-Data=42.0;L5-DayData=53.0;L10-DayData=53.0;L50-DayData=52.0;L90-DayData=51.0;L95-DayData=50.0;Ld-DayData=52.5;LMx-DayData=54.0;LMn-DayData=45.0;L5-NightData=53.0;L10-NightData=53.0;L50-NightData=52.0;L90-NightData=51.0;L95-NightData=49.0;Ln-NightData=52.5;LMx-NightData=54.0; LMn-NightData=42.0&&"},
	{"2017-c29-2011", "up", "QN=20160801085857223;ST=52;CN=2011;PW=123456;MN=010000A8900016F000169DC0;Flag=5;CP=&&DataTime=20160801085857;e01001-Rtd=1.1;e01001-Rtd=2.2&&"},
	{"2017-c30-3011", "down", "QN=20160801085857223;ST=32;CN=3011;PW=123456;MN=010000A8900016F000169DC0;Flag=5;CP=&&PolId=w01018&&"},
	{"2017-c31-3012", "down", "QN=20160801085857223;ST=32;CN=3012;PW=123456;MN=010000A8900016F000169DC0;Flag=5;CP=&&PolId=w01018&&"},
	{"2017-c32-3013", "down", "QN=20160801085857223;ST=32;CN=3013;PW=123456;MN=010000A8900016F000169DC0;Flag=5;CP=&&PolId=w01018&&"},
	{"2017-c33-3014", "down", "QN=20160801085857223;ST=32;CN=3014;PW=123456;MN=010000A8900016F000169DC0;Flag=5;CP=&&PolId=w01018&&"},
	{"2017-c34-3015", "down", "QN=20160801085857223;ST=32;CN=3015;PW=123456;MN=010000A8900016F000169DC0;Flag=5;CP=&&&&"},
	{"2017-c34-3015-2", "up", "QN=20160801085857223;ST=32;CN=3015;PW=123456;MN=010000A8900016F000169DC0;Flag=5;CP=&& DataTime=20160801085857;VaseNo=1 &&"},
	{"2017-c35-3016", "down", "QN=20160801085857223;ST=32;CN=3016;PW=123456;MN=010000A8900016F000169DC0;Flag=5;CP=&&PolId=w01018;CstartTime=000000;CTime=2&&"},
	{"2017-c36-3017", "down", "QN=20160801085857223;ST=32;CN=3017;PW=123456;MN=010000A8900016F000169DC0;Flag=5;CP=&&PolId=w01018&&"},
	{"2017-c36-3017-2", "up", "QN=20160801085857223;ST=32;CN=3017;PW=123456;MN=010000A8900016F000169DC0;Flag=4;CP=&&PolId=w01018;CstartTime=000000;CTime=2&&"},
	{"2017-c37-3018", "down", "QN=20160801085857223;ST=32;CN=3018;PW=123456;MN=010000A8900016F000169DC0;Flag=5;CP=&&PolId=w01018&&"},
	{"2017-c37-3018-2", "up", "QN=20160801085857223;ST=32;CN=3018;PW=123456;MN=010000A8900016F000169DC0;Flag=4;CP=&&PolId=w01018;Stime=40&&"},
	{"2017-c38-3019", "down", "QN=20160801085857223;ST=32;CN=3019;PW=123456;MN=010000A8900016F000169DC0;Flag=5;CP=&&PolId=w01018&&"},
	{"2017-c38-3019-2", "up", "QN=20160801085857223;ST=32;CN=3019;PW=123456;MN=010000A8900016F000169DC0;Flag=4;CP=&&PolId=w01018;w01018-SN=010000A8900016F000169DC1&&"},
	{"2017-c39-3019", "up", "QN=20160801085857223;ST=32;CN=3019;PW=123456;MN=010000A8900016F000169DC0;Flag=5;CP=&&DataTime=20160801085857;PolId=w01018;w01018-SN=010000A8900016F000169DC1&&"},
	{"2017-c40-3020", "up", "QN=20160801085857223;ST=32;CN=3020;PW=123456;MN=010000A8900016F000169DC0;Flag=5;CP=&&DataTime=20100301145000;PolId=w01018;i11001-Info=//清洗管路//&&"},
	{"2017-c41-3020", "down", "QN=20160801085857223;ST=32;CN=3020;PW=123456;MN=010000A8900016F000169DC0;Flag=5;CP=&&PolId=w01018;InfoId=i11001;BeginTime=20160801010522,EndTime=20160801085857&&"},
	{"2017-c41-3020-2", "up", "QN=20160801085857334;ST=32;CN=3020;PW=123456;MN=010000A8900016F000169DC0;Flag=4;CP=&&DataTime=20160801062035;PolId=w01018;i11001-Info=//清洗管路//&&"},
	{"2017-c41-3020-3", "up", "QN=20160801085857335;ST=32;CN=3020;PW=123456;MN=010000A8900016F000169DC0;Flag=4;CP=&&DataTime=20160801082857;PolId=w01018;i11001-Info=//时间校准//&&"},
	{"2017-c42-3020", "up", "QN=20160801085857223;ST=32;CN=3020;PW=123456;MN=010000A8900016F000169DC0;Flag=5;CP=&&DataTime=20100301145000;PolId=w01018;i12001-Info=1;i12003-Info =0&&"},
	{"2017-c43-3020", "down", "QN=20160801085857223;ST=32;CN=3020;PW=123456;MN=010000A8900016F000169DC0; Flag=5;CP=&&PolId=w01018;InfoId=i12001&&"},
	{"2017-c43-9011", "up", "QN=20101110010101001;ST=91;CN=9011;PW=123456;MN=010000A8900016F000169DC0;Flag=4;CP=&&QnRtn=1&&"},
	{"2017-c43-3020-2", "up", "QN=20160801085857223;ST=32;CN=3020;PW=123456;MN=010000A8900016F000169DC0;Flag=4;CP=&&DataTime=20100301145000;PolId=w01018;i12001-Info=1&&"},
	{"2017-c44-3020", "up", "QN=20160801085857223;ST=32;CN=3020;PW=123456;MN=010000A8900016F000169DC0;Flag=5;CP=&&DataTime=20160801085857;PolId=w01018;i13004-Info=168.0; i13005-Info =40&&"},
	{"2017-c45-3020", "down", "QN=20160801085857223;ST=32;CN=3020;PW=123456;MN=010000A8900016F000169DC0;Flag=5;CP=&&PolId=w01018;InfoId=i13004&&"},
	{"2017-c45-3020-2", "up", "QN=20160801085857223;ST=32;CN=3020;PW=123456;MN=010000A8900016F000169DC0;Flag=4;CP=&&DataTime=20160801085857;PolId=w01018;i13004-Info=168.0 &&"},
	{"2017-c46-3021", "down", "QN=20160801085857223;ST=32;CN=3021;PW=123456;MN=010000A8900016F000169DC0;Flag=5;CP=&&PolId=w01018;InfoId=i13004;i13004-Info=168.0&&"},
	{"2017-c48-2061", "up", "QN=20160801085857534,ST=32;CN=2061;PW=123456;MN=010000A8900016F000169DC0;Flag=5;CP=&&DataTime=20160801080000;w00000-Cou=63.0,w00000-Min=16.4,w00000-Avg=17.5,w00000-Max=20.1,w00000-Flag=N;w01001-Min=7.1,w01001-Avg=7.5,w01001-Max=7.8,w01001-Flag=N;w01018-Cou=63.0,w01018-Min=40.1,w01018-Avg=40.1,w01018-Max=40.1,w01018-Flag=N&&"},
	{"2017-c48-9014", "down", "QN=20160801085857534;ST=91;CN=9014;PW=123456;MN=010000A8900016F000169DC0;Flag=4;CP=&&&&"},
	{"2017-c49-2061", "up", "QN=20160801085857534;ST=32;CN=2061;PW=123456;MN=010000A8900016F000169DC0;Flag=6;PNUM=2;PNO=1;CP=&&DataTime=20160801080000;w00000-Cou=63.0,w00000-Min=16.4,w00000-Avg=17.5,w00000-Max=20.1,w00000-Flag=N;w01001-Min=7.1,w01001-Avg=7.5,w01001-Max=7.8,w01001-Flag=N&&"},
	{"2017-c49-2061-2", "up", "QN=20160801085857535;ST=32;CN=2061;PW=123456;MN=010000A8900016F000169DC0;Flag=6;PNUM=2;PNO=2;CP=&&DataTime=20160801080000;w01018-Cou=63.0,w01018-Min=40.1,w01018-Avg=40.1,w01018-Max=40.1,w01018-Flag=N&&"},
	{"2017-c50-2061", "up", "QN=20160801085857534;ST=32;CN=2061;PW=123456;MN=010000A8900016F000169DC0;Flag=7;PNUM=2;PNO=1;CP=&&DataTime=20160801080000;w00000-Cou=63.0,w00000-Min=16.4,w00000-Avg=17.5,w00000-Max=20.1,w00000-Flag=N;w01001-Min=7.1,w01001-Avg=7.5,w01001-Max=7.8,w01001-Flag=N&&"},
	{"2017-c50-2061-2", "up", "QN=20160801085857535;ST=32;CN=2061;PW=123456;MN=010000A8900016F000169DC0;Flag=7;PNUM=2;PNO=2;CP=&&DataTime=20160801080000;w01018-Cou=63.0,w01018-Min=40.1,w01018-Avg=40.1,w01018-Max=40.1,w01018-Flag=N&&"},
	{"2017-c50-9014", "down", "QN=20160801085857535;ST=91;CN=9014;PW=123456;MN=010000A8900016F000169DC0;Flag=4;CP=&&&&"},
	{"2005-c01-1072", "down", "QN=20040516010101001;ST=32;CN=1072;PW=123456;MN=88888880000001;Flag=3;CP=&&PW=654321&&"},
	{"2005-c01-9011", "up", "ST=91;CN=9011;PW=123456;MN=88888880000001;Flag=0;CP=&&QN=20040516010101001;QnRtn=1&&"},
	{"2005-c01-9012", "up", "ST=91;CN=9012;PW=123456;MN=88888880000001;CP=&&QN=20040516010101001;ExeRtn=1&&"},
	{"2005-c02-1011", "up", "ST=32;CN=1011;PW=123456;MN=88888880000001;CP=&&QN=20040516010101001;SystemTime=20040516010102&&"},
	{"2005-c03-1012", "down", "QN=20040516010101001;ST=32;CN=1012;PW=123456;MN=88888880000001;Flag=3;CP=&&SystemTime=20040516010101&&"},
	{"2005-c04-2011", "down", "QN=20040516010101001;ST=32;CN=2011;PW=123456;MN=88888880000001;Flag=3;CP=&&&&"},
	{"2005-c04-2011-2", "up", "ST=32;CN=2011;PW=123456;MN=88888880000001;CP=&&DataTime=20040516020111;B01-Rtd=100;101-Rtd=1.1,101-Flag=N;102-Rtd=2.2,102-Flag=N&&"},
	{"2005-c04-2012", "down", "QN=20040516010101001;ST=32;CN=2012;PW=123456;MN=88888880000001;CP=&&&&"},
	{"2005-c04-9013", "up", "ST=91;CN=9013;PW=123456;MN=88888880000001;CP=&&QN=20040516010101001&&"},
	{"2005-c05-2021", "up", "ST=32;CN=2021;PW=123456;MN=88888880000001;CP=&&DataTime=20040516020111;SB1-RS=1;SB2-RS=0&&"},
	{"2005-c06-2051", "up", "ST=32;CN=2051;QN=20040516010101001;PW=123456;MN=88888880000001;PNO=1;PNUM=1;CP=&&DataTime=20040516021000;B01-Cou=200;101-Cou=2.5,101-Min=1.1,101-Avg=1.1,101-Max=1.1;102-Cou=2.5,102-Min=2.1,102-Avg=2.1,102-Max=2.1&&"},
	{"2005-c06-9014", "down", "ST=91;CN=9014;CP=&&QN=20040516010101001;CN=2051&&"},
	{"2005-c06-9014-2", "down", "ST=91;CN=9014;CP=&&QN=20040516010101001;CN=2051;PNO=1;PNUM=1;&&"},
	{"2005-c08-2041", "up", "ST=32;CN=2041;PW=123456;MN=88888880000001;CP=&&DataTime=20040506000000;SB1-RT=1.1;SB2-RT=2.1&&"},
	{"2005-c09-2071", "up", "ST=32;CN=2071;PW=123456;MN=88888880000001;CP=&&DataTime=20040506010101;101-Ala=1.1&&"},
	{"2005-c10-2072", "up", "QN=20040516010101001;ST=32;CN=2072;PW=123456;MN=88888880000001;Flag=0;CP=&&AlarmTime=20040506010101;101-Ala=1.1, AlarmType =1&&"},
	{"2005-c11-1022", "down", "QN=20040516010101001;ST=32;CN=1022;PW=123456;MN=88888880000001;Flag=3;CP=&&101-LowValue=1.1,101-UpValue=9.9;102-LowValue=1.1,102-UpValue=9.9&&"},
	{"2005-c21-1001", "down", "QN=20040516010101001;ST=32;CN=1001;PW=123456;MN=88888880000001;Flag=3;CP=&&WarnTime=5&&"},
	{"2005-c23-3014", "down", "QN=20040516010101001;ST=32;CN=3014;PW=123456;MN=88888880000001;Flag=3;CP=&&PolID=101,CTime=04,CTime=10,CTime=14,CTime=16&&"},
}
