package main

import (
	"fmt"
	"strings"
)

// bad is a frame that is refused, with a good one behind it, to be found.
func bad(name, expect, comment, frame string) vector {
	return vector{name: name, expect: expect, comment: comment, raw: frame + next, skipped: len(frame), means: []string{other}}
}

// alone is a frame that is taken.
func alone(name, comment, frame, means string) vector {
	return vector{name: name, comment: comment, raw: frame, means: []string{means}}
}

// marks are frames whose first two bytes are not as they must be.
func marks() []vector {
	tail := strings.TrimPrefix(good, "##")
	utf16 := strings.Join(strings.Split(good, ""), "\x00") + "\x00"
	return []vector{
		bad("mark-none", "mark@0", "no mark: length and segment alone", tail),
		bad("mark-one", "mark@1", "one # for two", "#"+tail),
		bad("mark-other", "mark@0", "@@ for ##", "@@"+tail),
		bad("mark-second", "mark@1", "#$ for ##", "#$"+tail),
		bad("mark-blank", "mark@1", "a blank within the mark", "# #"+tail),
		bad("mark-wide", "mark@0", "full-width number signs (UTF-8)", "＃＃"+tail),
		{name: "mark-three", expect: "length@2", comment: "### for ##: the frame begins at the second", raw: "#" + good, skipped: 1, means: []string{base}},
		{name: "mark-utf-16", expect: "mark@1", comment: "each byte is followed by a NUL", raw: utf16, skipped: len(utf16)},
		{name: "mark-hex", expect: "mark@0", comment: "the frame as hexadecimal text", raw: fmt.Sprintf("% X\r\n", good), skipped: 3*len(good) + 1},
	}
}

// lengths are frames whose length is not four digits, or not the right ones.
func lengths() []vector {
	of := func(digits string) string { return "##" + digits + strings.TrimPrefix(good, "##0101") }
	var list []vector
	for _, r := range []struct{ name, expect, digits, comment string }{
		{"sign-plus", "length@2", "+101", "a plus sign for the first digit"},
		{"sign-minus", "length@2", "-101", "a minus sign for the first digit"},
		{"blank-first", "length@2", " 101", "padded with a blank before"},
		{"blank-last", "length@5", "101 ", "padded with a blank behind"},
		{"letter", "length@2", "O101", "the letter O for the digit 0"},
		{"hex", "length@3", "0x65", "a hexadecimal number with 0x"},
		{"hex-plain", "length@4", "00A1", "a hexadecimal digit"},
		{"point", "length@3", "1.01", "a point among the digits"},
		{"nul", "length@2", "\x00101", "a NUL for the first digit"},
		{"wide", "length@2", "０101", "a full-width digit (UTF-8)"},
		{"three", "length@5", "101", "three digits"},
		{"none", "length@2", "", "no length"},
		{"zero", "length@2", "0000", "length 0"},
		{"five", "crc@16", "00101", "five digits: the first four say 10"},
		{"one-less", "crc@106", "0100", "one less than there is"},
		{"one-more", "crc@108", "0102", "one more than there is"},
		{"with-head", "crc@113", "0107", "counts mark and length too"},
		{"with-crc", "crc@111", "0105", "counts the crc too"},
		{"with-all", "crc@119", "0113", "counts the whole frame"},
		{"without-cp", "crc@95", "0089", "leaves what stands behind CP=&& out, and a crc would stand at RtdI"},
	} {
		list = append(list, bad("length-"+r.name, r.expect, r.comment, of(r.digits)))
	}
	// A length that reaches beyond the stream hides what follows until no more can come.
	list = append(
		list,
		vector{name: "length-far", expect: "short", comment: "9101 for 0101: states more than comes, and a good frame follows", raw: of("9101") + next, skipped: len(good), means: []string{other}},
		bad("length-unpadded", "length@4", "87 for 0087: two digits", "##87"+strings.TrimPrefix(next, "##0087")),
	)

	const log = "QN=20160801085857223;ST=32;CN=3020;PW=123456;MN=010000A8900016F000169DC0;Flag=5;CP=&&DataTime=20100301145000;PolId=w01018;i11001-Info=//%s//&&"
	chinese := fmt.Sprintf(log, "清洗管路")
	frame := wrap(chinese)
	list = append(list, bad("length-characters", fmt.Sprintf("crc@%d", 6+len(chinese)-8), "counts the four Chinese characters as one byte each, for three",
		swap(frame, fmt.Sprintf("##%04d", len(chinese)), fmt.Sprintf("##%04d", len(chinese)-8))))

	return append(list, longs()...)
}

// longs are frames about the limits of a length.
func longs() []vector {
	segment := func(n int) string {
		s := fmt.Sprintf(head, "2011") + "DataTime=20160801085857"
		for i := 1; len(s) < n-40; i++ {
			s += fmt.Sprintf(";SB%d-RS=1", i)
		}
		s += ";w01018-Rtd=2.2,w01018-EFlag="
		return s + strings.Repeat("A", n-len(s)-len("&&")) + "&&"
	}
	var list []vector
	for _, r := range []struct {
		name    string
		n       int
		comment string
	}{
		{"length-1024", 1024, "the longest segment there may be"},
		{"length-1025", 1025, "one byte over the limit of 1024"},
		{"length-1623", 1623, "over the limit of 1024, as some platforms write"},
		{"length-9999", 9999, "the longest segment that four digits can state"},
	} {
		s := segment(r.n)
		v := alone(r.name, r.comment, wrap(s), s)
		if r.n > 1024 {
			v.seen, v.violations = true, []string{"frame:long-data@2"}
		}
		list = append(list, v)
	}
	return list
}

// sums are frames whose check sum is not the standard's, or not written so.
func sums() []vector {
	of := func(digits string) string { return strings.TrimSuffix(good, "1C80\r\n") + digits + "\r\n" }
	full := strings.TrimSuffix(good, "1C80\r\n")
	var list []vector
	for _, r := range []struct{ name, digits, comment string }{
		{"last", "1C81", "the last digit is another"},
		{"misprint", "1C08", "as the text under the standard's example misprints it"},
		{"swapped", "801C", "low byte first"},
		{"turned", "08C1", "the digits from behind"},
		{"zero", "0000", "all zero"},
		{"complement", hex(^sum(base)), "all bits turned"},
		{"decimal", fmt.Sprintf("%04d", sum(base)), "as a decimal number"},
		{"letter-g", "1C8G", "a letter that is no digit"},
		{"letter-o", "1C8O", "the letter O for the digit 0"},
		{"sign", "+C80", "a sign for the first digit"},
		{"blank", " C80", "a blank for the first digit"},
		{"0x", "0x1C80", "0x before the digits"},
		{"three", "C80", "three digits"},
		{"none", "", "no crc"},
		{"arc", hex(reflected(0, base)), "CRC-16/ARC"},
		{"ccitt", hex(ccitt(0xFFFF, base)), "CRC-16/CCITT-FALSE"},
		{"xmodem", hex(ccitt(0, base)), "CRC-16/XMODEM"},
		{"start-0", hex(from0(base)), "the standard's, but begun with 0000 for FFFF"},
		{"with-mark", hex(sum(full)), "over mark and length too"},
		{"with-length", hex(sum(full[2:])), "over the length too"},
		{"without-end", hex(sum(strings.TrimSuffix(base, "&&"))), "over the segment without its last &&"},
		{"area-only", hex(sum("RtdInterval=30")), "over the data area only"},
	} {
		list = append(list, bad("crc-"+r.name, "crc@107", r.comment, of(r.digits)))
	}

	// A reader says whose sum would fit, and does not take it unless it is set to.
	dialects := bad("crc-modbus", "crc@107", "CRC-16/MODBUS for the standard's", of(hex(modbus(base))))
	dialects.fits = "modbus"
	turned := bad("crc-modbus-swapped", "crc@107", "CRC-16/MODBUS, low byte first, for the standard's", of(hex(swapped(modbus(base)))))
	turned.fits = "modbus-swapped"
	set := alone("crc-set-modbus", "CRC-16/MODBUS, and the reader is set to it", of(hex(modbus(base))), base)
	set.crc = "modbus"
	setTurned := alone("crc-set-modbus-swapped", "CRC-16/MODBUS, low byte first, and the reader is set to it", of(hex(swapped(modbus(base)))), base)
	setTurned.crc = "modbus-swapped"
	wrong := vector{
		name: "crc-set-standard", expect: "crc@107", fits: "standard", comment: "the standard's crc, and the reader is set to that of Modbus",
		crc: "modbus", raw: good, skipped: len(good),
	}

	lower := alone("crc-lower", "digits in lower case", of("1c80"), base)
	lower.seen, lower.violations = true, []string{"frame:lower-crc@107"}
	overtime := fmt.Sprintf(head, "1000") + "OverTime=5;ReCount=3&&"
	mixed := alone("crc-mixed", "one letter of the digits in lower case", swap(wrap(overtime), "CAC1", "CaC1"), overtime)
	mixed.seen, mixed.violations = true, []string{"frame:lower-crc@113"}
	list = append(list, dialects, turned, set, setTurned, wrong, lower, mixed)

	answer := "QN=20160801085857223;ST=91;CN=9011;PW=123456;MN=010000A8900016F000169DC0;Flag=4;CP=&&QnRtn=1&&"
	list = append(
		list,
		bad("crc-letter-carry", "crc@100", "g for a digit, which read as 16 would give the right sum", swap(wrap(answer), "1B00", "1Bg0")),
		bad("crc-letter-carry-capital", "crc@100", "G for a digit, which read as 16 would give the right sum", swap(wrap(answer), "1B00", "1BG0")),
		bad("crc-one-bit", "crc@107", "one bit of MN is turned: 0 is 1", swap(good, "8900016F", "8900116F")),
		bad("crc-digit", "crc@107", "one digit of the data is another", swap(good, "RtdInterval=30", "RtdInterval=31")),
		bad("crc-swap-next", "crc@107", "two neighbouring digits of QN have changed places", swap(good, "085857223", "085875223")),
		bad("crc-lost", "crc@107", "a byte of the segment is lost, and one of the frame behind it is read for it", swap(good, "RtdInterval=30", "RtdInterval=3")),
	)

	// The register is one byte, and eight steps of it are the identity: what is done
	// to two bytes eight apart cannot be seen. Such frames are to be taken.
	for _, r := range []struct{ name, comment, segment string }{
		{"crc-blind-swap", "two digits of QN eight apart have changed places, day 01 is 21: no check sum of the standard sees it", swap(base, "20160801085857223", "20160821085857023")},
		{"crc-blind-bits", "the same bit of two digits of QN eight apart is turned: no check sum of the standard sees it", swap(base, "20160801085857223", "20160803085857203")},
	} {
		list = append(list, alone(r.name, r.comment, "##0101"+r.segment+"1C80\r\n", r.segment))
	}
	return list
}

func from0(data string) uint16 {
	var reg uint16
	for i := range len(data) {
		reg = shift(reg>>8 ^ uint16(data[i]))
	}
	return reg
}
