package hj212_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"envgate/hj212"
)

// A minute's frame of 12 factors: 756 bytes.
var minuteData = func() []byte {
	b := []byte("QN=20261101100000123;ST=31;CN=2051;PW=123456;MN=010000A8900016F000169DC0;Flag=5;CP=&&DataTime=20261101100000")
	for i := range 12 {
		b = fmt.Appendf(b, ";a210%02d-Min=1.1,a210%02d-Avg=2.2,a210%02d-Max=3.3,a210%02d-Flag=N", i, i, i, i)
	}
	return append(b, "&&"...)
}()

func BenchmarkCRC(b *testing.B) {
	for _, d := range []hj212.Dialect{hj212.Standard, hj212.Modbus} {
		b.Run(d.String(), func(b *testing.B) {
			b.SetBytes(int64(len(minuteData)))
			for b.Loop() {
				d.Sum(minuteData)
			}
		})
	}
}

func BenchmarkAppendFrame(b *testing.B) {
	buf := make([]byte, 0, 2048)
	b.SetBytes(int64(len(minuteData)))
	b.ReportAllocs()
	for b.Loop() {
		hj212.AppendFrame(buf, minuteData)
	}
}

const streamSize = 16 << 20

// again fills a stream with copies of piece.
func again(piece string) []byte {
	return bytes.Repeat([]byte(piece), streamSize/len(piece)+1)[:streamSize]
}

// nested is heads whose frames all end at one place, with a CRC that can be read.
func nested() string {
	var b strings.Builder
	for n := 9990; n > 100; n -= 9 {
		fmt.Fprintf(&b, "##%04dQN=", n-6)
	}
	b.WriteString(strings.Repeat(" ", 9990-b.Len()))
	return b.String() + "1234\r\n"
}

// rubbish is what a peer may send to make reading dear.
var rubbish = []struct {
	name   string
	stream func() []byte
}{
	{"marks", func() []byte { return again("#") }},
	{"half marks", func() []byte { return again("#a") }},
	{"marks and letters", func() []byte { return again("##a") }},
	{"heads that end in no CRC", func() []byte { return again("##9999QN=") }},
	{"heads that end in a CRC", func() []byte { return again("##9995QN=") }},
	{"heads that end at one place", func() []byte { return again(nested()) }},
	{"heads of short frames", func() []byte { return again("##0012QN=") }},
}

func readAll(tb testing.TB, r *hj212.Reader) (frames, errs int) {
	for {
		_, err := r.Next()
		if err == nil {
			frames++
			continue
		}
		if _, ok := errors.AsType[*hj212.FrameError](err); !ok {
			if err != io.EOF && err != io.ErrUnexpectedEOF {
				tb.Fatal(err)
			}
			return frames, errs
		}
		errs++
	}
}

func BenchmarkReaderClean(b *testing.B) {
	in := again(string(hj212.AppendFrame(nil, minuteData)))
	b.SetBytes(int64(len(in)))
	b.ReportAllocs()
	for b.Loop() {
		readAll(b, hj212.NewReader(bytes.NewReader(in)))
	}
}

// The ratios are to clean frames in the same run: those of BenchmarkReaderClean, short
// ones, and again those of BenchmarkReaderClean where each is parsed, too, which is the
// least that anybody does with a frame.
func BenchmarkReaderRubbish(b *testing.B) {
	once := func(in []byte, d hj212.Dialect) time.Duration {
		best := time.Hour
		for range 3 {
			r := hj212.NewReader(bytes.NewReader(in))
			r.Codec = &hj212.Codec{CRC: d}
			start := time.Now()
			readAll(b, r)
			best = min(best, time.Since(start))
		}
		return best
	}
	parsed := func(in []byte) time.Duration {
		best := time.Hour
		for range 3 {
			r := hj212.NewReader(bytes.NewReader(in))
			start := time.Now()
			for data, err := r.Next(); err == nil; data, err = r.Next() {
				hj212.ParseMessage(data)
			}
			best = min(best, time.Since(start))
		}
		return best
	}
	long := again(string(hj212.AppendFrame(nil, minuteData)))
	short := again(frame2025)
	for _, d := range []hj212.Dialect{hj212.Standard, hj212.Modbus} {
		for _, tt := range rubbish {
			b.Run(tt.name+"/"+d.String(), func(b *testing.B) {
				in := tt.stream()
				toLong, toShort, toParsed := once(long, hj212.Standard), once(short, hj212.Standard), parsed(long)
				b.SetBytes(int64(len(in)))
				b.ReportAllocs()
				for b.Loop() {
					r := hj212.NewReader(bytes.NewReader(in))
					r.Codec = &hj212.Codec{CRC: d}
					readAll(b, r)
				}
				each := b.Elapsed() / time.Duration(b.N)
				b.ReportMetric(float64(each)/float64(toLong), "x/756-byte-frames")
				b.ReportMetric(float64(each)/float64(toShort), "x/99-byte-frames")
				b.ReportMetric(float64(each)/float64(toParsed), "x/parsed-frames")
			})
		}
	}
}
