package main

import (
	"fmt"
	"strings"
)

// ends are frames that do not end with CR LF.
func ends() []vector {
	body := strings.TrimSuffix(good, "\r\n")
	var list []vector
	for _, r := range []struct {
		name, end, comment string
		at                 int
	}{
		{"no-cr", "\n", "LF alone", 111},
		{"no-lf", "\r", "CR alone, and the next frame follows", 111},
		{"no-cr-lf", "", "neither CR nor LF, and the next frame follows", 111},
	} {
		list = append(list, vector{
			name: "end-" + r.name, comment: r.comment, seen: true, violations: []string{fmt.Sprintf("frame:no-end@%d", r.at)},
			raw: body + r.end + next, rest: len(next), means: []string{base, other},
		})
	}
	for _, r := range []struct{ name, end, comment string }{
		{"blank", " \r\n", "a blank before CR LF"},
		{"nul", "\x00\r\n", "a NUL before CR LF"},
		{"digit", "0\r\n", "five digits of crc"},
		{"text", `\r\n`, "the four characters \\r\\n for the two bytes"},
		{"semicolon", ";\r\n", "a semicolon before CR LF"},
		{"cr-twice", "\r\r\n", "CR twice"},
		{"other", "\x03", "ETX for CR LF"},
	} {
		v := bad("end-"+r.name, "end@111", r.comment, body+r.end)
		list = append(list, v)
	}
	return append(
		list,
		vector{name: "end-turned", comment: "LF CR for CR LF: LF ends the frame, CR belongs to none", seen: true, violations: []string{"frame:no-end@111"}, raw: body + "\n\r" + next, rest: 1 + len(next), skipped: 1, means: []string{base, other}},
		vector{name: "end-one-mark", comment: "no CR LF, and one # alone follows: enough to end the frame, and belongs to none", seen: true, violations: []string{"frame:no-end@111"}, raw: body + "#" + next[6:], rest: len(next) - 5, skipped: len(next) - 5, means: []string{base}},
		vector{name: "end-twice", comment: "CR LF twice: the second belongs to no frame", raw: good + "\r\n" + next, rest: 2 + len(next), skipped: 2, means: []string{base, other}},
	)
}

// parts are frames of which the stream has only the beginning.
func parts() []vector {
	var list []vector
	for _, r := range []struct {
		name    string
		n       int
		comment string
	}{
		{"mark-1", 1, "half of the mark"},
		{"mark", 2, "the mark and no more"},
		{"length-2", 4, "half of the length"},
		{"head", 6, "mark and length and no more"},
		{"key", 8, "the first field's name begins"},
		{"data", 50, "half of the segment"},
		{"data-1", 106, "the segment but for its last byte"},
		{"crc-0", 107, "all before the crc"},
		{"crc-2", 109, "half of the crc"},
	} {
		list = append(list, vector{name: "short-" + r.name, expect: "short", comment: "the stream ends: " + r.comment, raw: good[:r.n], skipped: r.n, end: "cut"})
	}
	list = append(
		list,
		vector{name: "short-nothing", expect: "short", comment: "a stream without bytes"},
		vector{name: "short-second", comment: "the stream ends within the second frame", raw: good + next[:40], rest: 40, skipped: 40, end: "cut", means: []string{base}},
	)
	// As a frame at the first byte more may come; the end of the stream says that it does
	// not.
	for _, r := range []struct {
		name    string
		n       int
		comment string
	}{
		{"cr", 111, "behind the crc: CR and LF are left out"},
		{"lf", 112, "behind CR: LF is left out"},
	} {
		list = append(
			list,
			vector{name: "short-" + r.name, expect: "short", comment: "the stream ends " + r.comment, seen: true, violations: []string{"frame:no-end@111"}, raw: good[:r.n], means: []string{base}},
			vector{name: "short-" + r.name + "-crc", expect: "crc@107", comment: "the stream ends " + r.comment + "; and the crc is wrong", raw: swap(good[:r.n], "1C80", "1C81"), skipped: r.n},
		)
	}
	far := "##9999QN="
	list = append(list, vector{
		name: "short-cr-far", expect: "short", comment: "a head that states 9999 bytes, then a frame, and the stream ends behind its crc", seen: true, violations: []string{"frame:no-end@111"},
		raw: far + good[:111], skipped: len(far), means: []string{base},
	})
	for _, r := range []struct {
		name, expect, comment string
		n                     int
	}{
		{"mark", "length@2", "after the mark", 2},
		{"length", "length@4", "within the length", 4},
		{"data", "crc@107", "within the segment", 60},
		{"crc", "crc@107", "within the crc", 109},
	} {
		list = append(list, bad("break-"+r.name, r.expect, "a frame breaks off "+r.comment+", and the next follows at once", good[:r.n]))
	}
	return list
}

// streams have other bytes around frames.
func streams() []vector {
	var list []vector
	// What the reader of a stream skips is refused as a frame.
	before := func(name, expect, comment, rubbish string) {
		list = append(list, vector{name: name, expect: expect, comment: comment, raw: rubbish + good, skipped: len(rubbish), means: []string{base}})
	}
	before("before-modem", "mark@0", "a modem's words before the frame", "OK\r\nCONNECT 9600\r\n")
	before("before-nul", "mark@0", "NULs before the frame", "\x00\x00\x00\x00")
	before("before-ff", "mark@0", "bytes of a line that floats before the frame", "\xff\xfe\xff\xff")
	before("before-bom", "mark@0", "a byte order mark before the frame", "\ufeff")
	before("before-telnet", "mark@0", "telnet options before the frame", "\xff\xfb\x01\xff\xfb\x03\xff\xfd\x18")
	before("before-line", "mark@0", "an empty line before the frame", "\r\n")
	before("before-modbus", "mark@0", "an answer of Modbus RTU before the frame", "\x01\x03\x04\x23\x23\x30\x31\xf1\x02")
	before("before-long", "mark@0", "5000 bytes of text before the frame", strings.Repeat("no frame. ", 500))
	before("before-mark-in-text", "length@2", "text with marks and digits before the frame", "##a #1 ##12 ##12345 # ##\r\n")
	before("before-marks", "length@2", "eight # before the frame", "########")
	before("before-many-marks", "length@2", "3001 # before the frame", strings.Repeat("#", 3001))
	before("before-head-no-field", "crc@18", "mark and length before text that is no segment", "##0012ABCDEF")
	before("before-head-cut", "length@4", "half a head before the frame", "##01")
	before("before-head-twice", "crc@107", "the head twice", "##0101")
	before("before-head-zero", "length@2", "a head of length 0", "##0000")
	before("before-head-far", "short", "a head that states 9999 bytes, before the frame", "##9999")
	before("before-head-far-field", "short", "a head that states 9999 bytes and a first field, before the frame", "##9999QN=")
	before("before-heads-far", "short", "100 heads that state 9999 bytes and a first field, before the frame", strings.Repeat("##9999QN=", 100))
	before("before-heads-nested", "crc@106", "ten heads that each state 100 bytes and a first field, before the frame", strings.Repeat("##0100QN=", 10))
	before("before-heads-1024", "crc@1030", "300 heads that each state 1024 bytes and a first field, before the frame", strings.Repeat("##1024QN=", 300))
	before("before-end-of-frame", "mark@0", "the second half of a frame, as after a reconnect", next[40:])

	list = append(
		list,
		vector{
			name: "set-modbus-heads", expect: "crc@106", comment: "CRC-16/MODBUS, the reader is set to it, and ten heads that each state 100 bytes stand before the frame",
			crc: "modbus", raw: strings.Repeat("##0100QN=", 10) + swap(good, "1C80", hex(modbus(base))), skipped: 90, means: []string{base},
		},
		vector{
			name: "set-modbus-swapped-heads", expect: "crc@106", comment: "CRC-16/MODBUS, low byte first, the reader is set to it, and ten heads that each state 100 bytes stand before the frame",
			crc: "modbus-swapped", raw: strings.Repeat("##0100QN=", 10) + swap(good, "1C80", hex(swapped(modbus(base)))), skipped: 90, means: []string{base},
		},
		vector{name: "after-nul", comment: "NULs behind the frame", raw: good + "\x00\x00", rest: 2, skipped: 2, means: []string{base}},
		vector{name: "after-mark", comment: "a mark behind the last frame", raw: good + "##", rest: 2, skipped: 2, end: "cut", means: []string{base}},
		vector{name: "between-text", comment: "text between two frames", raw: good + "+++ATH\r\n" + next, rest: 8 + len(next), skipped: 8, means: []string{base, other}},
		vector{name: "between-bad", comment: "a frame with a wrong crc between two good ones", raw: good + swap(good, "1C80", "1C81") + next, rest: len(good) + len(next), skipped: len(good), means: []string{base, other}},
		vector{name: "two", comment: "two frames, one behind the other", raw: good + next, rest: len(next), means: []string{base, other}},
		vector{name: "same-twice", comment: "the same frame twice: to the frame layer these are two", raw: good + good, rest: len(good), means: []string{base, base}},
		vector{name: "only-text", expect: "mark@0", comment: "no frame at all", raw: "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", skipped: 35},
	)

	// A frame within a frame: only the outer one is there, while it is good.
	const log = "QN=20160801085857223;ST=32;CN=3020;PW=123456;MN=010000A8900016F000169DC0;Flag=5;CP=&&DataTime=20100301145000;PolId=w01018;i11001-Info=//%s//&&"
	inner := fmt.Sprintf(log, "##0007CN=2011"+hex(sum("CN=2011")))
	list = append(list, alone("inside-good", "a good frame within the log value of another: it is text", wrap(inner), inner))
	outer := fmt.Sprintf("##%04dQN=20160801085857223;CP=&&%s&&0000\r\n", 27+len(good)+2, good)
	list = append(list, vector{
		name: "inside-bad", expect: fmt.Sprintf("crc@%d", 6+27+len(good)+2), comment: "a good frame within one whose crc is wrong",
		raw: outer, skipped: len(outer) - len(good), means: []string{base},
	})
	return list
}
