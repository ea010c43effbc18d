package main

import (
	"fmt"
	"strings"

	"envgate/envelope"
)

// payloads are signed as they should be and wrong in themselves. Most are the
// first block with one text in the place of another.
func payloads() []vector {
	next := block(2, hash(first), nil)
	bare := block(1, envelope.Genesis, func(b *envelope.Block) { b.Groups = nil })
	minute := strings.TrimSuffix(bare, "}") + `,"g":[{"src":"stack","k":"min","t":[0],"i0":0,"avg":{"a21026":["12.4"]}}]}`
	a21026 := `"a21026":["12.40","12.38","12.41"]`
	rows := []struct{ name, expect, comment, base, old, text string }{
		{"seq-0", "seq", "number 0", first, `"seq":1,`, `"seq":0,`},
		{"seq-2-53", "seq", "number 2^53+1, which is 2^53 for whoever reads it as a float", next, `"seq":2,`, `"seq":9007199254740993,`},
		{"seq-2-64", "payload", "number 2^64", next, `"seq":2,`, `"seq":18446744073709551616,`},
		{"seq-negative", "payload", "number -1", first, `"seq":1,`, `"seq":-1,`},
		{"seq-fraction", "payload", "number 1.0", first, `"seq":1,`, `"seq":1.0,`},
		{"seq-exponent", "payload", "number 1e0", first, `"seq":1,`, `"seq":1e0,`},
		{"seq-zeros", "payload", "number 01", first, `"seq":1,`, `"seq":01,`},
		{"seq-text", "payload", "number as a string", first, `"seq":1,`, `"seq":"1",`},
		{"genesis-at-2", "genesis", "block 2 says GENESIS", next, hash(first), `GENESIS`},
		{"genesis-not", "genesis", "block 1 names a block before it", first, `GENESIS`, hash("before")},
		{"prev-short", "payload", "prev is no whole hash", next, hash(first), hash(first)[:42]},
		{"prev-spare-bits", "payload", "prev has spare bits that are not 0", next, hash(first), hash(first)[:42] + "_"},

		{"twice-seq", "payload", "member twice: seq", first, `"seq":1,`, `"seq":1,"seq":1,`},
		{"twice-escaped", "payload", "member twice, once with an escape", first, `"seq":1,`, `"seq":1,"s\u0065q":1,`},
		{"twice-g", "payload", "member twice: g", first, `,"g":[`, `,"g":[],"g":[`},
		{"twice-clk", "payload", "member twice within clk", first, `"st":"sync"`, `"st":"unsync","st":"sync"`},
		{"twice-head", "payload", "member twice within a head", first, `"event":{"seq":3,`, `"event":{"seq":2,"seq":3,`},
		{"twice-stream", "payload", "stream twice in heads", first, `"heads":{`, `"heads":{"event":{"seq":2,"hash":"` + hash("event 2") + `"},`},
		{"twice-point", "payload", "point twice within x", first, a21026, a21026 + "," + a21026},
		{"twice-x", "payload", "x twice within a group", first, `"x":{`, `"x":{},"x":{`},
		{"twice-f", "payload", "point twice within f", first, `"f":{`, `"f":{"a21002":["N","N","N"],`},
		{"trailing-lf", "payload", "a signed line end after the last brace", first, `]}}]}`, "]}}]}\n"},
		{"trailing-object", "payload", "a second object after the last brace", first, `]}}]}`, `]}}]}{"seq":2}`},
		{"trailing-nul", "payload", "a signed NUL after the last brace", first, `]}}]}`, "]}}]}\x00"},
		{"cut", "payload", "last brace missing", first, `]}}]}`, `]}}]`},

		{"v-2", "payload", "layout 2", first, `"v":1`, `"v":2`},
		{"v-none", "payload", "no v", first, `"v":1,`, ``},
		{"gw-none", "payload", "no gw", first, `"gw":"hb-01",`, ``},
		{"fw-none", "payload", "no fw", first, `,"fw":"1.0.0"`, ``},
		{"clk-mono-none", "payload", "no mono_ms in clk", first, `,"mono_ms":86405000`, ``},
		{"head-hash-none", "payload", "a head without a hash", first, `,"hash":"` + hash("event 3") + `"`, ``},
		{"i0-none", "payload", "a group without i0", first, `"i0":0,`, ``},
		{"event-t-none", "payload", "an event without a time", first, `]}}]}`, `]}}],"ev":[{"type":"start"}]}`},
		{"unknown", "payload", "a member that is not listed", first, `"seq":1,`, `"seq":1,"note":"",`},
		{"unknown-in-group", "payload", "a member of a group that is not listed", first, `"i0":0,`, `"i0":0,"u":{},`},
		{"case", "payload", "Seq for seq", first, `"seq":1,`, `"Seq":1,`},
		{"null", "payload", "fw is null", first, `"fw":"1.0.0"`, `"fw":null`},
		{"gw-wildcard", "payload", "a gateway that is no topic part", first, `"gw":"hb-01"`, `"gw":"+/hb-01"`},
		{"epoch-empty", "payload", "epoch is empty", first, `"epoch":"` + epoch + `"`, `"epoch":""`},
		{"clk-state", "payload", "state of the clock is none of the four", first, `"st":"sync"`, `"st":"good"`},
		{"clk-negative", "payload", "time since boot is negative", first, `"mono_ms":86405000`, `"mono_ms":-1`},
		{"t0-negative", "payload", "t0 before 1970", first, `"t0":1772323205000`, `"t0":-1`},
		{"head-hash", "payload", "a head without a whole hash", first, hash("event 3"), `GENESIS`},
		{"head-seq", "payload", "a head of block 0", first, `"event":{"seq":3`, `"event":{"seq":0`},

		{"value-number", "payload", "a value as a number, which loses the instrument's digits", first, `"12.40"`, `12.40`},
		{"value-empty", "payload", "a value that is an empty string", first, `"12.40"`, `""`},
		{"values-short", "payload", "two values for three times", first, `["12.40","12.38","12.41"]`, `["12.40","12.38"]`},
		{"values-long", "payload", "four values for three times", first, `["12.40","12.38","12.41"]`, `["12.40","12.38","12.41","12.41"]`},
		{"flags-short", "payload", "two flags for three times", first, `["N","B","B"]`, `["N","B"]`},
		{"flags-null", "payload", "a flag that is null", first, `["N","B","B"]`, `[null,"B","B"]`},
		{"flags-empty", "payload", "a flag that is an empty string", first, `["N","B","B"]`, `["","B","B"]`},
		{"flags-normal-short", "payload", "two flags for three times, all N", first, `"f":{`, `"f":{"a21026":["N","N"],`},
		{"flags-unknown", "payload", "flags of a point without values", first, `["N","B","B"]`, `["N","B","B"],"a34001":["B","B","B"]`},
		{"causes-short", "payload", "two causes for three times", first, `[null,"no-answer","no-answer"]`, `[null,"no-answer"]`},
		{"causes-normal", "payload", "a cause where the flag is N", first, `[null,"no-answer","no-answer"]`, `["no-answer","no-answer","no-answer"]`},
		{"causes-no-flags", "payload", "a cause of a point without flags", first, `"q":{`, `"q":{"a21026":["range",null,null],`},
		{"times-text", "payload", "a time as a string", first, `"t":[0,1000,2000]`, `"t":["0",1000,2000]`},
		{"times-none", "payload", "a group without times", minute, `"t":[0],"i0":0,"avg":{"a21026":["12.4"]}`, `"t":[],"i0":0,"avg":{"a21026":[]}`},
		{"raw-short", "payload", "two raw entries for three times", first, `"i0":0,`, `"i0":0,"raw":["QQ==","QQ=="],`},
		{"raw-null-short", "payload", "two raw entries for three times, all null", first, `"i0":0,`, `"i0":0,"raw":[null,null],`},
		{"raw-base64", "payload", "raw bytes that are no base64", first, `"i0":0,`, `"i0":0,"raw":["QQ","QQ==","QQ=="],`},
		{"raw-line-end", "payload", "base64 with a line end, which many decoders skip", first, `"i0":0,`, `"i0":0,"raw":["QQ=\u000a=","QQ==","QQ=="],`},
		{"raw-spare-bits", "payload", "base64 with spare bits that are not 0", first, `"i0":0,`, `"i0":0,"raw":["QR==","QQ==","QQ=="],`},
		{"group-empty", "payload", "neither values nor raw bytes", minute, `,"avg":{"a21026":["12.4"]}`, ``},
		{"group-kind", "payload", "figures of a period that does not exist", minute, `"k":"min"`, `"k":"week"`},
		{"group-kind-empty", "payload", "k is empty", first, `"src":"stack",`, `"src":"stack","k":"",`},
		{"group-mixed", "payload", "samples among figures of a minute", minute, `"avg":{"a21026"`, `"x":{"a21026"`},
		{"index-negative", "payload", "index -1", first, `"i0":0`, `"i0":-1`},
		{"event-no-type", "payload", "an event without a type", first, `]}}]}`, `]}}],"ev":[{"t":0}]}`},
		{"event-empty", "payload", "an event's text is empty, not left out", first, `]}}]}`, `]}}],"ev":[{"type":"start","t":0,"why":""}]}`},
		{"source-long", "payload", "an instrument's name of 65 bytes", first, `"src":"stack"`, `"src":"` + strings.Repeat("s", 65) + `"`},
		{"columns-many", "payload", "513 columns", minute, `{"a21026":["12.4"]}`, columns(513)},

		{"utf-8", "payload", "a byte that is no UTF-8", first, `"1.0.0"`, "\"1.0\xff\""},
		{"utf-8-escaped", "payload", "a byte that is no UTF-8, in a string with an escape", first, `"1.0.0"`, "\"\\n1.0\xff\""},
		{"control", "payload", "a tab in a string", first, `"1.0.0"`, "\"1.0\t\""},
		{"control-escaped", "payload", "a tab in a string, after an escape", first, `"1.0.0"`, "\"\\n1.0\t\""},
		{"surrogate", "payload", "half of a character", first, `"1.0.0"`, `"1.0\ud83d"`},
		{"surrogate-text", "payload", "half of a character, then text", first, `"1.0.0"`, `"1.0\ud83d and so on"`},
		{"surrogate-other", "payload", "half of a character, then another character", first, `"1.0.0"`, `"1.0\ud83d\u0041"`},
		{"surrogate-low", "payload", "the second half of a character before the first", first, `"1.0.0"`, `"1.0\udca7\ud83d"`},
		{"escape", "payload", "an escape that JSON does not have", first, `"1.0.0"`, `"1.0\x30"`},
		{"comma", "payload", "a comma after the last member", first, `]}}]}`, `]}}],}`},
	}
	var list []vector
	for _, r := range rows {
		v := vector{name: "payload-" + r.name, expect: r.expect, comment: r.comment, messages: sealed(swap(r.base, r.old, r.text))}
		if r.base == next {
			v.anchor = "1 " + hash(first)
		}
		list = append(list, v)
	}
	return list
}

func columns(n int) string {
	var s []string
	for i := range n {
		s = append(s, fmt.Sprintf(`"p%d":["1"]`, i))
	}
	return "{" + strings.Join(s, ",") + "}"
}
