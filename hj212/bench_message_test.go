package hj212_test

import (
	"bytes"
	"fmt"
	"testing"

	"envgate/hj212"
)

// siteSegment is the data segment of a minute frame as a site with twelve factors
// sends it: with the frame around it about 756 bytes.
func siteSegment(tb testing.TB) []byte {
	tb.Helper()
	m := hj212.Message{
		QN: "20240601085100001", ST: "31", CN: "2051", PW: "123456", MN: "010000A8900016F000169DC0",
		Flag: hj212.NewFlag(hj212.Ed2017, hj212.WantAnswer), HasFlag: true,
		CP: hj212.Area{{{"DataTime", "20240601085000"}}},
	}
	for i := range 12 {
		code := fmt.Sprintf("a%05d", 21001+i)
		m.CP = append(m.CP, hj212.Item{
			{code + "-Min", "1"},
			{code + "-Avg", "3"},
			{code + "-Max", "5"},
			{code + "-Flag", "N"},
		})
	}
	return m.Append(nil)
}

func BenchmarkPairs(b *testing.B) {
	data := siteSegment(b)
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	n := 0
	for b.Loop() {
		for p := range hj212.Pairs(data) {
			n += len(p.Value)
		}
	}
	if n == 0 {
		b.Fatal("no pairs")
	}
}

// BenchmarkCutPairs is what a gateway pays that only looks at a frame.
func BenchmarkCutPairs(b *testing.B) {
	frame := hj212.AppendFrame(nil, siteSegment(b))
	b.SetBytes(int64(len(frame)))
	b.ReportAllocs()
	n := 0
	for b.Loop() {
		data, _, err := hj212.Cut(frame)
		if err != nil {
			b.Fatal(err)
		}
		for p := range hj212.Pairs(data) {
			n += len(p.Value)
		}
	}
	if n == 0 {
		b.Fatal("no pairs")
	}
}

func BenchmarkParseMessage(b *testing.B) {
	data := siteSegment(b)
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		if _, vs := hj212.ParseMessage(data); vs != nil {
			b.Fatal(vs)
		}
	}
}

func BenchmarkMessageAppend(b *testing.B) {
	m, _ := hj212.ParseMessage(siteSegment(b))
	buf := make([]byte, 0, 1024)
	b.SetBytes(int64(len(m.Append(nil))))
	b.ReportAllocs()
	for b.Loop() {
		buf = m.Append(buf[:0])
	}
}

// BenchmarkOpenLogs has one log after the other begin, and none end: each must not
// look for its end again.
func BenchmarkOpenLogs(b *testing.B) {
	data := append([]byte("CP=&&"), bytes.Repeat([]byte("a=//x;"), hj212.MaxLength/6-1)...)
	b.SetBytes(int64(len(data)))
	for b.Loop() {
		for range hj212.Pairs(data) {
		}
	}
}
