package main

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// A vector is one file. See tests/vectors/README.md for its form. What is zero
// or nil here is not written, or as the field's comment says.
type vector struct {
	name       string
	raw        string // all bytes
	expect     string // of the first frame: "ok" where empty, or word@offset
	fits       string // of a wrong check sum: whose it is
	comment    string
	standard   string   // where it is printed, "own" where empty
	seen       bool     // a deviation that is seen in the field and is taken
	violations []string // layer:word@offset, check:word=name
	crc        string   // check sum that the reader is set to, the standard's where empty
	keys       []string // of the device, newest first
	encrypted  bool
	check      string // edition and direction, no check where empty

	means   []string // segments of the frames that come, as the standard would write them
	logs    []string // what stands for a text with separators in means, and the text
	joined  []string // segments of the messages that the packets make
	skipped int      // bytes of the stream in no frame
	rest    int      // bytes behind the first frame, where that is taken
	end     string   // of the stream: "eof" where empty, or "cut"
}

// What other frames are made of: the head of a request as HJ 212-2017, appendix C
// prints it, and two segments that are printed with their frames.
const (
	head  = "QN=20160801085857223;ST=32;CN=%s;PW=123456;MN=010000A8900016F000169DC0;Flag=5;CP=&&"
	base  = "QN=20160801085857223;ST=32;CN=1062;PW=100000;MN=010000A8900016F000169DC0;Flag=5;CP=&&RtdInterval=30&&"
	other = "QN=20240601085857223;ST=32;CN=1011;PW=123456;MN=010000A8900016F000169DC0;Flag=9;CP=&&&&"
)

var (
	good = "##0101" + base + "1C80\r\n"  // HJ 212-2017, appendix A
	next = "##0087" + other + "2200\r\n" // HJ 212-2025, A.1: follows a bad frame, to be found
)

// wrap puts a frame around a segment.
func wrap(segment string) string {
	return fmt.Sprintf("##%04d%s%s\r\n", len(segment), segment, hex(sum(segment)))
}

// swap puts another text in the place of one that must stand there exactly once.
func swap(s, old, text string) string {
	if strings.Count(s, old) != 1 {
		panic(fmt.Sprintf("frames: %q stands %d times in %q", old, strings.Count(s, old), s))
	}
	return strings.Replace(s, old, text, 1)
}

// at is a violation of the segment s, at the text that must stand in it exactly
// once. "<" in the text is the place itself, its beginning otherwise.
func at(s, word, text string) string {
	before, after, ok := strings.Cut(text, "<")
	if !ok {
		before, after = "", text
	}
	if strings.Count(s, before+after) != 1 {
		panic(fmt.Sprintf("frames: %q stands %d times in %q", before+after, strings.Count(s, before+after), s))
	}
	return fmt.Sprintf("segment:%s@%d", word, strings.Index(s, before+after)+len(before))
}

func (v vector) append(b []byte) []byte {
	line := func(name, text string) {
		if strings.ContainsAny(text, "\r\n") {
			panic("frames: " + v.name + ": line end in a header")
		}
		b = fmt.Appendf(b, "%s: %s\n", name, text)
	}
	some := func(name, text string) {
		if text != "" {
			line(name, text)
		}
	}
	or := func(text, instead string) string {
		if text == "" {
			return instead
		}
		return text
	}
	line("expect", or(v.expect, "ok"))
	some("fits", v.fits)
	slices.Sort(v.violations)
	some("violations", strings.Join(v.violations, " "))
	line("standard", or(v.standard, "own"))
	if v.seen {
		line("seen", "yes")
	}
	line("comment", v.comment)
	some("crc", v.crc)
	for _, k := range v.keys {
		line("key", k)
	}
	if v.encrypted {
		line("encrypted", "yes")
	}
	some("check", v.check)
	for _, m := range v.means {
		f := fields(m)
		if v.logs != nil {
			f = swap(f, v.logs[0], escape(v.logs[1]))
		}
		line("fields", f)
	}
	for _, m := range v.joined {
		line("joined", fields(m))
	}
	if v.expect == "" {
		line("rest", fmt.Sprint(v.rest))
	}
	line("skipped", fmt.Sprint(v.skipped))
	line("end", or(v.end, "eof"))
	return append(append(b, '\n'), v.raw...)
}

// fields writes a segment that is right in all as the header's line fields: the
// fields before CP, then those of CP, each with the number of its item.
func fields(segment string) string {
	var out []string
	before, area, ok := strings.Cut(segment, "CP=&&")
	if ok {
		area, ok = strings.CutSuffix(area, "&&")
	}
	if !ok {
		panic(fmt.Sprintf("frames: no area in %q", segment))
	}
	for field := range strings.SplitSeq(strings.TrimSuffix(before, ";"), ";") {
		if field != "" {
			out = append(out, escape(field))
		}
	}
	if area != "" {
		for i, item := range strings.Split(area, ";") {
			for param := range strings.SplitSeq(item, ",") {
				out = append(out, fmt.Sprintf("%d.%s", i, escape(param)))
			}
		}
	}
	return strings.Join(out, " ")
}

// escape writes blanks, control bytes, percent signs, and bytes that are no UTF-8
// as %XX.
func escape(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); {
		r, n := utf8.DecodeRuneInString(s[i:])
		if r == utf8.RuneError && n == 1 || r <= ' ' || r == '%' || r == 0x7F {
			fmt.Fprintf(&b, "%%%02X", s[i])
		} else {
			b.WriteString(s[i : i+n])
		}
		i += n
	}
	return b.String()
}
