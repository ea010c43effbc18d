package main

import (
	"fmt"
	"strings"
)

// One good segment of each edition. Those below are one of these with one thing
// changed.
const (
	seg2005 = "ST=32;CN=2011;PW=123456;MN=88888880000001;CP=&&DataTime=20040516020111;B01-Rtd=100;101-Rtd=1.1,101-Flag=N&&"
	seg2017 = "QN=20160801085857223;ST=32;CN=2011;PW=123456;MN=010000A8900016F000169DC0;Flag=5;CP=&&DataTime=20160801085857;w01001-Rtd=7.1,w01001-Flag=N;w01018-Rtd=2.2,w01018-Flag=N&&"
	seg2025 = "QN=20240601085857223;ST=31;CN=2011;PW=123456;MN=010000A8900016F000169DC0;Flag=9;CP=&&DataTime=20240601085857;a21002-Rtd=31.2,a21002-Flag=N;a21026-Rtd=17.4,a21026-Flag=N&&"
	segLog  = "QN=20160801085857223;ST=32;CN=3020;PW=123456;MN=010000A8900016F000169DC0;Flag=5;CP=&&DataTime=20160801085857;PolId=w01018;i11001-Info=//clean//&&"

	qn = "QN=20160801085857223;"
	pw = "PW=123456;"
	mn = "MN=010000A8900016F000169DC0;"
)

// A row is a segment with one thing changed.
type row struct {
	name, comment string
	base          string
	old, text     string   // what is changed, into what
	means         string   // what is meant, for old: old itself where empty, text where "=", nothing where "-"
	seen          bool     // the violations are seen in the field
	at            []string // word and place of each violation of the segment, with a blank between
}

func rows(list []row) []vector {
	var out []vector
	for _, r := range list {
		segment, means := swap(r.base, r.old, r.text), r.base
		switch r.means {
		case "":
		case "=":
			means = segment
		case "-":
			means = swap(r.base, r.old, "")
		default:
			means = swap(r.base, r.old, r.means)
		}
		v := alone(r.name, r.comment, wrap(segment), means)
		v.seen = r.seen
		for _, s := range r.at {
			word, place, _ := strings.Cut(s, " ")
			if place == "$" {
				v.violations = append(v.violations, fmt.Sprintf("segment:%s@%d", word, len(segment)))
				continue
			}
			v.violations = append(v.violations, at(segment, word, place))
		}
		out = append(out, v)
	}
	return out
}

// segments are about the fields before CP.
func segments() []vector {
	packet := swap(seg2017, "Flag=5;", "Flag=7;PNUM=2;PNO=1;")
	backfill := swap(seg2025, "Flag=9;", "Flag=9;RF=1;")
	list := rows([]row{
		{"field-order-mn", "MN before PW", seg2017, pw + mn, mn + pw, "", true, []string{"field-order PW="}},
		{"field-order-st", "ST before QN", seg2017, qn + "ST=32;", "ST=32;" + qn, "", true, []string{"field-order QN="}},
		{"field-order-flag", "Flag first", seg2017, qn + "ST=32;CN=2011;" + pw + mn + "Flag=5;", "Flag=5;" + qn + "ST=32;CN=2011;" + pw + mn, "", true, []string{"field-order QN="}},
		{"field-order-pno", "PNO before PNUM", packet, "PNUM=2;PNO=1;", "PNO=1;PNUM=2;", "", true, []string{"field-order PNUM="}},
		{"field-order-rf", "RF before Flag", backfill, "Flag=9;RF=1;", "RF=1;Flag=9;", "", true, []string{"field-order Flag=9"}},

		{"missing-qn", "no QN", seg2017, qn, "", "=", true, []string{"missing-field CP="}},
		{"missing-st", "no ST", seg2017, "ST=32;", "", "=", true, []string{"missing-field CP="}},
		{"missing-cn", "no CN", seg2017, "CN=2011;", "", "=", true, []string{"missing-field CP="}},
		{"missing-pw", "no PW", seg2017, pw, "", "=", true, []string{"missing-field CP="}},
		{"missing-mn", "no MN", seg2017, mn, "", "=", true, []string{"missing-field CP="}},
		{"missing-flag", "no Flag, and an MN that 2005 does not have", seg2017, "Flag=5;", "", "=", true, []string{"missing-field CP="}},
		{"missing-mn-2005", "no MN, 2005", seg2005, "MN=88888880000001;", "", "=", true, []string{"missing-field CP="}},
		{"ok-2005-no-qn", "neither QN nor Flag: 2005 asks for none of them", seg2005, "ST=32;", "ST=32;", "", false, nil},

		{"empty-qn", "QN is empty", seg2017, qn, "QN=;", "-", false, []string{"empty-field QN="}},
		{"empty-st", "ST is empty", seg2017, "ST=32;", "ST=;", "-", false, []string{"empty-field ST="}},
		{"empty-cn", "CN is empty", seg2017, "CN=2011;", "CN=;", "-", false, []string{"empty-field CN="}},
		{"empty-pw", "PW is empty", seg2017, pw, "PW=;", "-", false, []string{"empty-field PW="}},
		{"empty-mn", "MN is empty", seg2017, mn, "MN=;", "-", false, []string{"empty-field MN="}},

		{"qn-short", "QN of 16 digits", seg2017, qn, "QN=2016080108585722;", "=", false, []string{"qn-form QN="}},
		{"qn-long", "QN of 18 digits", seg2017, qn, "QN=201608010858572230;", "=", false, []string{"qn-form QN="}},
		{"qn-seconds", "QN of 14 digits, without milliseconds", seg2017, qn, "QN=20160801085857;", "=", false, []string{"qn-form QN="}},
		{"qn-letter", "the letter O for a digit of QN", seg2017, qn, "QN=2O160801085857223;", "=", false, []string{"qn-form QN="}},
		{"qn-month", "month 13 in QN", seg2017, qn, "QN=20161301085857223;", "=", false, []string{"qn-form QN="}},
		{"qn-day", "30 February in QN", seg2017, qn, "QN=20160230085857223;", "=", false, []string{"qn-form QN="}},
		{"qn-hour", "hour 24 in QN", seg2017, qn, "QN=20160801240000000;", "=", false, []string{"qn-form QN="}},
		{"qn-epoch", "QN is the milliseconds since 1970", seg2017, qn, "QN=1470013137223;", "=", true, []string{"qn-epoch QN="}},

		{"st-one", "ST of one digit", seg2017, "ST=32;", "ST=3;", "=", true, []string{"st-form ST="}},
		{"st-three", "ST of three digits", seg2017, "ST=32;", "ST=101;", "=", true, []string{"st-form ST="}},
		{"ok-st-a0", "ST of the range for extensions", seg2017, "ST=32;", "ST=A0;", "=", false, nil},
		{"cn-three", "CN of three digits", seg2017, "CN=2011;", "CN=211;", "=", false, []string{"cn-form CN="}},
		{"cn-five", "CN of five digits", seg2017, "CN=2011;", "CN=02011;", "=", false, []string{"cn-form CN="}},
		{"cn-letter", "a letter in CN", seg2017, "CN=2011;", "CN=2O11;", "=", false, []string{"cn-form CN="}},
		{"pw-five", "PW of five characters", seg2017, pw, "PW=12345;", "=", true, []string{"pw-form PW="}},
		{"pw-long", "PW of 24 characters", seg2017, pw, "PW=123456123456123456123456;", "=", true, []string{"pw-form PW="}},
		{"pw-other", "a hyphen in PW", seg2017, pw, "PW=123-56;", "=", true, []string{"pw-form PW="}},
		{"ok-pw-letters", "letters in PW", seg2017, pw, "PW=aZ09bY;", "=", false, nil},
		{"mn-2005-in-2017", "the MN of 2005, of 14 digits", seg2017, mn, "MN=88888880000001;", "=", true, []string{"mn-form MN="}},
		{"mn-lower", "lower-case letters in MN", seg2017, mn, "MN=010000a8900016f000169dc0;", "=", true, []string{"mn-form MN="}},
		{"mn-letter-g", "a letter in MN that is no hexadecimal digit", seg2017, mn, "MN=010000A8900016G000169DC0;", "=", true, []string{"mn-form MN="}},
		{"mn-long", "MN of 25 digits", seg2017, mn, "MN=010000A8900016F000169DC00;", "=", true, []string{"mn-form MN="}},
		{"mn-name", "a name for an MN", seg2017, mn, "MN=outlet_east-01;", "=", true, []string{"mn-form MN="}},
		{"mn-2017-in-2005", "the MN of 2017 in a message of 2005", seg2005, "MN=88888880000001;", mn + "Flag=1;", "=", true, []string{"mn-form MN="}},
		{"mn-letters-2005", "letters in the MN of 2005", seg2005, "MN=88888880000001;", "MN=8888888000000A;", "=", true, []string{"mn-form MN="}},

		{"flag-256", "Flag 256", seg2005, "CP=", "Flag=256;CP=", "CP=", false, []string{"flag-form Flag=256"}},
		{"flag-negative", "Flag -1", seg2005, "CP=", "Flag=-1;CP=", "CP=", false, []string{"flag-form Flag=-1"}},
		{"flag-letter", "Flag is a letter", seg2005, "CP=", "Flag=N;CP=", "CP=", false, []string{"flag-form Flag=N;"}},
		{"flag-point", "Flag with a point", seg2005, "CP=", "Flag=1.0;CP=", "CP=", false, []string{"flag-form Flag=1.0"}},
		{"flag-empty", "Flag is empty", seg2005, "CP=", "Flag=;CP=", "CP=", false, []string{"empty-field Flag=;"}},
		{"flag-version-3", "Flag of a version that no edition has", seg2025, "Flag=9;", "Flag=13;", "=", false, []string{"flag-form Flag=13"}},
		{"ok-flag-0", "Flag 0 is 2005", seg2005, "CP=", "Flag=0;CP=", "=", false, nil},
		{"ok-flag-1", "Flag 1 is 2005 and wants an answer", seg2005, "CP=", "Flag=1;CP=", "=", false, nil},
		{"ok-flag-4", "Flag 4 is 2017 and wants no answer", seg2017, "Flag=5;", "Flag=4;", "=", false, nil},
		{"ok-flag-8", "Flag 8 is 2025 and wants no answer", seg2025, "Flag=9;", "Flag=8;", "=", false, nil},
		{"ok-flag-11", "Flag 11 is 2025, one of several packets, and wants an answer", seg2025, "Flag=9;", "Flag=11;PNUM=3;PNO=2;", "=", false, nil},

		{"pnum-zero", "PNUM 0", packet, "PNUM=2;", "PNUM=0;", "-", false, []string{"packet-form PNUM="}},
		{"pnum-10000", "PNUM of five digits", packet, "PNUM=2;", "PNUM=10000;", "-", false, []string{"packet-form PNUM="}},
		{"pnum-negative", "PNUM is negative", packet, "PNUM=2;", "PNUM=-2;", "-", false, []string{"packet-form PNUM="}},
		{"pno-zero", "PNO 0", packet, "PNO=1;", "PNO=0;", "-", false, []string{"packet-form PNO="}},
		{"pno-letter", "PNO is a letter", packet, "PNO=1;", "PNO=A;", "-", false, []string{"packet-form PNO="}},
		{"ok-pnum-digits", "PNUM and PNO of four digits", packet, "PNUM=2;PNO=1;", "PNUM=0002;PNO=0001;", "", false, nil},
		{"pno-missing", "PNUM without PNO", packet, "PNO=1;", "", "=", false, []string{"half-packet PNUM="}},
		{"pnum-missing", "PNO without PNUM", packet, "PNUM=2;", "", "=", false, []string{"half-packet PNO="}},
		{"packet-no-flag", "PNUM and PNO, and Flag does not say so", packet, "Flag=7;", "Flag=5;", "=", true, []string{"packet-no-flag PNUM="}},
		{"flag-no-packet", "Flag says PNUM and PNO, and there are none", packet, "PNUM=2;PNO=1;", "", "=", true, []string{"flag-no-packet Flag=7"}},

		{"ok-rf", "sent after the event", seg2025, "Flag=9;", "Flag=9;RF=1;", "=", false, nil},
		{"rf-zero", "RF=0, which there is not", seg2025, "Flag=9;", "Flag=9;RF=0;", "Flag=9;", false, []string{"rf-form RF="}},
		{"rf-letter", "RF=Y", seg2025, "Flag=9;", "Flag=9;RF=Y;", "Flag=9;", false, []string{"rf-form RF="}},

		{"unknown-field", "a field that no edition has", seg2017, "Flag=5;", "Flag=5;Ver=1;", "=", false, []string{"unknown-field Ver="}},
		{"field-twice", "ST twice", seg2017, "ST=32;", "ST=32;ST=22;", "", false, []string{"field-twice ST=22"}},
		{"field-twice-same", "MN twice, the same", seg2017, mn, mn + mn, "", false, []string{"field-twice ;<" + mn + "Flag"}},
		{"field-case", "flag for Flag: letters are to be as they are in the table; so it is of 2005", seg2005, "CP=", "flag=1;CP=", "=", false, []string{"unknown-field flag="}},
		{"field-comma", "a comma behind PW", seg2017, pw, "PW=123456,", "", true, []string{"comma-for-semicolon 6<,MN"}},
		{"field-semicolon-twice", "two semicolons behind PW", seg2017, pw, "PW=123456;;", "", false, []string{"empty-item ;<;"}},
		{"field-no-equals", "a field without =", seg2017, "Flag=5;", "Flag=5;RF;", "Flag=5;", false, []string{"empty-field RF;", "no-equals RF;"}},
		{"field-no-name", "a field without a name", seg2017, "Flag=5;", "Flag=5;=1;", "=", false, []string{"no-name ;<=1;CP"}},
		{"field-run-on", "no semicolon between MN and Flag: so it is of 2005, and has an odd MN", seg2017, "DC0;Flag", "DC0Flag", "=", false, []string{"equals-in-value Flag<=5", "mn-form MN="}},
		{"field-blank-before", "a blank before MN", seg2017, mn, " " + mn, "", true, []string{"blank  MN"}},
		{"field-blank-behind", "a blank behind the value of ST", seg2017, "ST=32;", "ST=32 ;", "", true, []string{"blank 32< ;"}},
		{"field-blank-name", "a blank behind the name ST", seg2017, "ST=32;", "ST =32;", "", true, []string{"blank  =32"}},
		{"field-blank-value", "a blank before the value of ST", seg2017, "ST=32;", "ST= 32;", "", true, []string{"blank  32"}},
		{"field-control", "a NUL in PW", seg2017, pw, "PW=12345\x00;", "=", false, []string{"control-byte \x00", "pw-form PW="}},
	})
	return list
}

// areas are about the data area.
func areas() []vector {
	return rows([]row{
		{"area-none", "no CP", seg2017, ";CP=&&DataTime=20160801085857;w01001-Rtd=7.1,w01001-Flag=N;w01018-Rtd=2.2,w01018-Flag=N&&", "", ";CP=&&&&", false, []string{"no-area $"}},
		{"area-no-mark", "no && behind CP=", seg2017, "CP=&&", "CP=", "", false, []string{"no-area CP="}},
		{"area-one-mark", "one & behind CP=", seg2017, "CP=&&", "CP=&", "CP=&&&", false, []string{"no-area CP="}},
		{"area-blank", "a blank between CP= and &&", seg2017, "CP=&&", "CP= &&", "", true, []string{"blank  &&"}},
		{"area-open", "no && at the end", seg2017, "w01018-Flag=N&&", "w01018-Flag=N", "", false, []string{"open-area $"}},
		{"area-behind", "a semicolon behind the last &&", seg2017, "w01018-Flag=N&&", "w01018-Flag=N&&;", "", false, []string{"after-area &&<;"}},
		{"area-behind-field", "a field behind the data area", seg2017, "w01018-Flag=N&&", "w01018-Flag=N&&;Ver=1", "", false, []string{"after-area &&<;Ver"}},
		{"area-mark-inside", "&& within the area: the last one ends it", seg2017, "w01001-Flag=N;", "w01001-Flag=N&&;", "=", false, []string{"area-mark N<&&;"}},
		{"ok-area-empty", "an area with nothing in it", seg2017, "DataTime=20160801085857;w01001-Rtd=7.1,w01001-Flag=N;w01018-Rtd=2.2,w01018-Flag=N", "", "=", false, nil},

		{"blank-front", "a blank behind &&", seg2017, "&&DataTime", "&& DataTime", "", true, []string{"blank  DataTime"}},
		{"blank-end", "a blank before the last &&", seg2017, "N&&", "N &&", "", true, []string{"blank  &&"}},
		{"blank-semicolon", "a blank behind a semicolon", seg2017, ";w01018", "; w01018", "", true, []string{"blank  w01018"}},
		{"blank-before-semicolon", "a blank before a semicolon", seg2017, ";w01018", " ;w01018", "", true, []string{"blank  ;"}},
		{"blank-comma", "a blank behind a comma", seg2017, ",w01018", ", w01018", "", true, []string{"blank  w01018"}},
		{"blank-name", "a blank before =", seg2017, "w01018-Rtd=", "w01018-Rtd =", "", true, []string{"blank  =2.2"}},
		{"blank-value", "a blank behind =", seg2017, "w01018-Rtd=", "w01018-Rtd= ", "", true, []string{"blank  2.2"}},
		{"blank-three", "three blanks behind a semicolon: one violation", seg2017, ";w01018", ";   w01018", "", true, []string{"blank ;<   w01018"}},
		{"blank-tab", "a tab behind a semicolon", seg2017, ";w01018", ";\tw01018", "", true, []string{"blank \t"}},
		{"ok-blank-inside", "a blank within a value is no violation of the form", seg2017, "w01018-Rtd=2.2,", "w01018-Rtd=2.2,w01018-EFlag=A 1,", "=", false, nil},
		{"blank-only", "nothing but a blank between two semicolons", seg2017, ";w01018", "; ;w01018", "", true, []string{"blank  ;"}},

		{"semicolon-end", "a semicolon before the last &&", seg2017, "N&&", "N;&&", "", true, []string{"trailing-separator ;&&"}},
		{"comma-end", "a comma before the last &&", seg2017, "N&&", "N,&&", "", true, []string{"trailing-separator ,&&"}},
		{"semicolon-twice", "two semicolons", seg2017, ";w01018", ";;w01018", "", false, []string{"empty-item ;<;w01018"}},
		{"comma-twice", "two commas", seg2017, ",w01018", ",,w01018", "", false, []string{"empty-item ,<,w01018"}},
		{"semicolon-front", "a semicolon behind &&", seg2017, "&&DataTime", "&&;DataTime", "", false, []string{"empty-item ;DataTime"}},
		{"ok-semicolon-parts", "semicolons between the parts of one item: they are items then", seg2017, "2.2,w01018", "2.2;w01018", "=", false, nil},
		{"no-equals", "a name without =", seg2017, "w01001-Rtd=7.1,", "w01001-Rtd,", "w01001-Rtd=,", false, []string{"no-equals w01001-Rtd,"}},
		{"no-name", "a value without a name", seg2017, "w01001-Rtd=7.1,", "=7.1,", "=", false, []string{"no-name =7.1"}},
		{"equals-twice", "= twice", seg2017, "w01001-Rtd=7.1,", "w01001-Rtd==7.1,", "=", false, []string{"equals-in-value =<=7.1"}},
		{"run-on", "no separator between two parameters", seg2017, "7.1,w01001-Flag", "7.1w01001-Flag", "=", false, []string{"equals-in-value w01001-Flag<=N"}},
		{"run-on-time", "no semicolon behind DataTime", seg2017, "857;w01001", "857w01001", "=", false, []string{"equals-in-value w01001-Rtd<=7.1", "time-form 20160801085857w"}},
		{"twice", "w01018-Rtd twice in one item", seg2017, "w01018-Rtd=2.2,", "w01018-Rtd=2.2,w01018-Rtd=2.3,", "=", true, []string{"name-twice w01018-Rtd=2.3"}},
		{"twice-items", "w01001-Rtd in two items", seg2017, "w01018-Rtd=2.2,w01018-Flag=N", "w01001-Rtd=2.2,w01018-Flag=N", "=", true, []string{"name-twice w01001-Rtd=2.2"}},
		{"twice-datatime", "DataTime twice", seg2017, ";w01018", ";DataTime=20160801085858;w01018", "=", true, []string{"name-twice DataTime=20160801085858"}},

		{"control-nul", "a NUL in a value", seg2017, "7.1,", "7.1\x00,", "=", false, []string{"control-byte \x00"}},
		{"control-cr-lf", "CR LF in a value", seg2017, "7.1,", "7.1\r\n,", "=", false, []string{"control-byte \r\n"}},
		{"control-del", "DEL in a name", seg2017, "w01018-Rtd=", "w01018\x7f-Rtd=", "=", false, []string{"control-byte \x7f"}},
		{"ok-marks-in-value", "a mark and digits in a value", seg2017, "w01018-Rtd=2.2,", "w01018-Rtd=2.2,w01018-EFlag=##01,", "=", false, nil},

		{"time-13", "DataTime of 13 digits", seg2017, "20160801085857;w", "2016080108585;w", "=", false, []string{"time-form 2016080108585;"}},
		{"time-12", "DataTime without seconds", seg2017, "20160801085857;w", "201608010858;w", "=", false, []string{"time-form 201608010858;"}},
		{"time-month", "DataTime in month 13", seg2017, "20160801085857;w", "20161301085857;w", "=", false, []string{"time-form 20161301085857;"}},
		{"time-day", "DataTime on 31 April", seg2017, "20160801085857;w", "20160431085857;w", "=", false, []string{"time-form 20160431085857;"}},
		{"time-hour", "DataTime at 24:00:00", seg2017, "20160801085857;w", "20160801240000;w", "=", false, []string{"time-form 20160801240000;"}},
		{"time-iso", "DataTime with hyphens and colons", seg2017, "20160801085857;w", "2016-08-01T08:58:57;w", "=", false, []string{"time-form 2016-08"}},
		{"time-empty", "DataTime is empty", seg2017, "=20160801085857;w", "=;w", "=", false, []string{"time-form DataTime=<;"}},
		{"time-millis", "DataTime with milliseconds", seg2017, "20160801085857;w", "20160801085857000;w", "=", true, []string{"time-millis 20160801085857000"}},
		{"ok-time-leap", "DataTime on 29 February of a leap year", seg2017, "20160801085857;w", "20160229085857;w", "=", false, nil},
		{"time-no-leap", "DataTime on 29 February of another year", seg2017, "20160801085857;w", "20170229085857;w", "=", false, []string{"time-form 20170229085857;"}},
	})
}

// texts are about characters that are not ASCII.
func texts() []vector {
	list := rows([]row{
		{"ok-log-utf-8", "a log in Chinese, UTF-8", segLog, "clean", "更换试剂", "=", false, nil},
		{"ok-log-utf-8-four", "a character of four bytes in a log", segLog, "clean", "阀𠀀", "=", false, nil},
		{"ok-log-blanks", "blanks in a log", segLog, "clean", "clean the pipe", "=", false, nil},
		{"ok-log-empty", "a log of no characters", segLog, "clean", "", "=", false, nil},
		{"ok-log-slash", "a single stroke in a log", segLog, "clean", "5 mg/L", "=", false, nil},
		{"log-gbk", "a log in GBK", segLog, "clean", "\xc7\xe5\xcf\xb4", "=", false, []string{"not-utf8 \xc7"}},
		{"log-gb18030", "a log with a character of four bytes in GB 18030", segLog, "clean", "ok \x95\x32\x82\x36", "=", false, []string{"not-utf8 \x95"}},
		{"log-utf-8-cut", "a log that ends within a character", segLog, "clean", "清洗"[:5], "=", false, []string{"not-utf8 \xe6\xb4"}},
		{"log-latin-1", "a log in Latin 1", segLog, "clean", "25 \xb0C", "=", false, []string{"not-utf8 \xb0"}},
		{"log-open", "a log without // at its end", segLog, "//clean//", "//clean", "=", false, []string{"open-log //clean"}},
		{"value-chinese", "a Chinese value that is no log", seg2017, "w01018-Flag=N", "w01018-Flag=正常", "=", false, []string{"not-ascii 正"}},
		{"value-wide-comma", "a full-width comma between two parameters", seg2017, "7.1,w01001-Flag", "7.1，w01001-Flag", "=", false, []string{"equals-in-value w01001-Flag<=N", "not-ascii ，"}},
		{"value-wide-digit", "a full-width digit", seg2017, "w01018-Rtd=2.2", "w01018-Rtd=２.2", "=", false, []string{"not-ascii ２"}},
		{"value-degree", "a unit in UTF-8 behind a value", seg2017, "w01018-Rtd=2.2", "w01018-Rtd=2.2℃", "=", false, []string{"not-ascii ℃"}},
		{"name-chinese", "a Chinese name", seg2017, "w01018-Rtd=2.2", "化学需氧量-Rtd=2.2", "=", false, []string{"not-ascii 化"}},
		{"field-gbk", "GBK in a field before CP", seg2017, "Flag=5;", "Flag=5;Site=\xb6\xab;", "=", false, []string{"not-utf8 \xb6", "unknown-field Site="}},
	})
	// Separators within // and // belong to the text, which fields cannot split.
	for _, r := range []struct{ name, comment, text string }{
		{"ok-log-separators", "separators in a log are text", "pump 1, pump 2; k=1"},
		{"ok-log-strokes", "// in a log is text where no separator follows", "see a//b"},
	} {
		v := alone(r.name, r.comment, wrap(swap(segLog, "clean", r.text)), segLog)
		v.logs = []string{"clean", r.text}
		list = append(list, v)
	}
	return list
}
