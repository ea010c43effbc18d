package main

import (
	"fmt"
	"strings"
)

// splits are messages that come in several packets, as a stream of frames.
func splits() []vector {
	const (
		fields = "ST=32;CN=2061;PW=123456;MN=010000A8900016F000169DC0;Flag=%s;PNUM=%s;PNO=%s;CP=&&DataTime=20160801080000;%s&&"
		one    = "w00000-Cou=63.0,w00000-Avg=17.5,w00000-Flag=N;w01001-Avg=7.5,w01001-Flag=N"
		two    = "w01018-Cou=63.0,w01018-Avg=40.1,w01018-Flag=N"
		three  = "w21003-Cou=6.3,w21003-Avg=1.2,w21003-Flag=N"
	)
	packet := func(qn, flag, pnum, pno, items string) string {
		return fmt.Sprintf("QN=%s;"+fields, qn, flag, pnum, pno, items)
	}
	stream := func(v vector, segments ...string) vector {
		for _, s := range segments {
			v.raw += wrap(s)
			v.means = append(v.means, strings.NewReplacer("=0001;", "=1;", "=0002;", "=2;").Replace(s))
		}
		v.rest = len(v.raw) - len(wrap(segments[0]))
		return v
	}
	// whole is what packets make: the first one's fields but PNUM, PNO and the bit of
	// Flag, DataTime once.
	whole := func(qn, flag string, items ...string) []string {
		s := fmt.Sprintf("QN=%s;"+fields, qn, flag, "", "", strings.Join(items, ";"))
		return []string{strings.Replace(s, "PNUM=;PNO=;", "", 1)}
	}
	device := func(s string) string { return swap(s, "0169DC0", "0169DC1") }
	hour := func(s string) string { return swap(s, "DataTime=2016080108", "DataTime=2016080109") }
	a, b, c := "20160801085857534", "20160801085857535", "20160801085857536"
	return []vector{
		stream(vector{name: "split-two", comment: "two packets, each with a QN of its own", joined: whole(a, "4", one, two)},
			packet(a, "6", "2", "1", one), packet(b, "6", "2", "2", two)),
		stream(vector{name: "split-two-answer", comment: "two packets that each want an answer", joined: whole(a, "5", one, two)},
			packet(a, "7", "2", "1", one), packet(b, "7", "2", "2", two)),
		stream(vector{name: "split-three", comment: "three packets", joined: whole(a, "4", one, two, three)},
			packet(a, "6", "3", "1", one), packet(b, "6", "3", "2", two), packet(c, "6", "3", "3", three)),
		stream(vector{name: "split-one", comment: "one packet of one", joined: whole(a, "4", one)},
			packet(a, "6", "1", "1", one)),
		stream(vector{name: "split-order", comment: "the second packet comes first", joined: whole(a, "4", one, two)},
			packet(b, "6", "2", "2", two), packet(a, "6", "2", "1", one)),
		stream(vector{name: "split-again", comment: "the first packet comes twice, as after an answer that was lost", joined: whole(a, "5", one, two)},
			packet(a, "7", "2", "1", one), packet(a, "7", "2", "1", one), packet(b, "7", "2", "2", two)),
		stream(vector{name: "split-digits", comment: "PNUM and PNO of four digits", joined: whole(a, "4", one, two)},
			packet(a, "6", "0002", "0001", one), packet(b, "6", "0002", "0002", two)),
		stream(vector{name: "split-conflict", comment: "the first packet comes again with other content: the first one stays", joined: whole(a, "4", one, two)},
			packet(a, "6", "2", "1", one), packet(a, "6", "2", "1", three), packet(b, "6", "2", "2", two)),
		stream(vector{name: "split-devices", comment: "the packets of two devices, mixed", joined: append(whole(a, "4", one, two), device(whole(a, "4", one, three)[0]))},
			packet(a, "6", "2", "1", one), device(packet(a, "6", "2", "1", one)), packet(b, "6", "2", "2", two), device(packet(b, "6", "2", "2", three))),
		stream(vector{name: "split-times", comment: "the packets of two hours, mixed", joined: append(whole(a, "4", one, two), hour(whole(c, "4", two, three)[0]))},
			packet(a, "6", "2", "1", one), hour(packet(c, "6", "2", "1", two)), packet(b, "6", "2", "2", two), hour(packet(c, "6", "2", "2", three))),
		stream(vector{name: "split-missing", comment: "the second of three packets is missing"},
			packet(a, "6", "3", "1", one), packet(c, "6", "3", "3", three)),
		stream(vector{name: "split-same-qn", comment: "two packets with the same QN", joined: whole(a, "4", one, two)},
			packet(a, "6", "2", "1", one), packet(a, "6", "2", "2", two)),
	}
}
