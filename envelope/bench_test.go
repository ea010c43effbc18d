package envelope_test

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"math"
	"math/rand/v2"
	"strconv"
	"testing"

	"envgate/envelope"
)

// siteBlock is a block as a unit of columns points fills it in rows ticks of a
// second: values that wander, each with the digits of its instrument.
func siteBlock(columns, rows int) *envelope.Block {
	r := rand.New(rand.NewPCG(1, 2))
	b := &envelope.Block{
		Gateway: "hb-01", Stream: envelope.StreamLive, Epoch: "5e9d00a1c3f7b284",
		Seq: 17281, Prev: envelope.Hash([]byte("17280")),
		Boot: "7d1c0b52", T0: 1772323200417,
		Clock:  envelope.Clock{State: envelope.ClockSync, ErrMs: 12, MonoMs: 86_400_417},
		Config: envelope.Hash([]byte("configuration")), Catalogue: envelope.Hash([]byte("catalogue")), Firmware: "1.0.0",
		Heads: map[string]envelope.Head{
			envelope.StreamEvent: {Seq: 31, Hash: envelope.Hash([]byte("event"))},
			envelope.StreamStat:  {Seq: 812, Hash: envelope.Hash([]byte("stat"))},
		},
	}
	g := envelope.Group{Source: "unit-07", Index: 86_400}
	for i := range rows {
		g.Times = append(g.Times, int64(1000*i+r.IntN(9)))
	}
	for i := range columns {
		c := envelope.Column{Point: fmt.Sprintf("a%05d", 21001+7*i), Kind: envelope.ColumnLive}
		v := math.Exp(r.NormFloat64() + 3)
		for range rows {
			v *= 1 + 0.004*r.NormFloat64()
			c.Values = append(c.Values, strconv.FormatFloat(v, 'f', i%4, 64))
		}
		g.Columns = append(g.Columns, c)
	}
	b.Groups = []envelope.Group{g}
	return b
}

var sizes = []struct{ columns, rows int }{{12, 5}, {40, 5}, {12, 50}, {40, 15}, {40, 8}}

func BenchmarkAppendPayload(b *testing.B) {
	for _, s := range sizes {
		b.Run(fmt.Sprintf("%dx%d", s.columns, s.rows), func(b *testing.B) {
			block := siteBlock(s.columns, s.rows)
			buf := block.AppendPayload(nil)
			b.SetBytes(int64(len(buf)))
			b.ReportAllocs()
			for b.Loop() {
				buf = block.AppendPayload(buf[:0])
			}
			perReading(b, s.columns*s.rows)
		})
	}
}

// BenchmarkSeal is the whole way from a block to the bytes that are stored and
// sent.
func BenchmarkSeal(b *testing.B) {
	key, err := envelope.NewKey("hb-01")
	if err != nil {
		b.Fatal(err)
	}
	for _, s := range sizes {
		b.Run(fmt.Sprintf("%dx%d", s.columns, s.rows), func(b *testing.B) {
			block, sealer := siteBlock(s.columns, s.rows), envelope.NewSealer(key)
			var buf, message []byte
			b.ReportAllocs()
			for b.Loop() {
				buf = block.AppendPayload(buf[:0])
				if message, err = sealer.Seal(envelope.TypeBlock, buf); err != nil {
					b.Fatal(err)
				}
			}
			perReading(b, s.columns*s.rows)
			b.ReportMetric(float64(len(message)), "B/block")
			b.ReportMetric(float64(len(message))/float64(s.columns*s.rows), "B/reading")
		})
	}
}

func BenchmarkOpenBlock(b *testing.B) {
	key, err := envelope.NewKey("hb-01")
	if err != nil {
		b.Fatal(err)
	}
	keys := envelope.NewKeySet(key.Public())
	for _, s := range sizes {
		b.Run(fmt.Sprintf("%dx%d", s.columns, s.rows), func(b *testing.B) {
			message, err := envelope.NewSealer(key).Seal(envelope.TypeBlock, siteBlock(s.columns, s.rows).AppendPayload(nil))
			if err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			for b.Loop() {
				if _, _, err := envelope.OpenBlock(message, keys); err != nil {
					b.Fatal(err)
				}
			}
			perReading(b, s.columns*s.rows)
		})
	}
}

// BenchmarkLevel is where the level of the sealer's compressor comes from.
func BenchmarkLevel(b *testing.B) {
	for _, s := range sizes {
		payload := siteBlock(s.columns, s.rows).AppendPayload(nil)
		for level := gzip.HuffmanOnly; level <= gzip.BestCompression; level++ {
			b.Run(fmt.Sprintf("%dx%d/%d", s.columns, s.rows, level), func(b *testing.B) {
				var out bytes.Buffer
				w, err := gzip.NewWriterLevel(&out, level)
				if err != nil {
					b.Fatal(err)
				}
				for b.Loop() {
					out.Reset()
					w.Reset(&out)
					w.Write(payload)
					w.Close()
				}
				perReading(b, s.columns*s.rows)
				b.ReportMetric(float64(out.Len())/float64(s.columns*s.rows), "B/reading")
			})
		}
	}
}

func perReading(b *testing.B, n int) {
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*n), "ns/reading")
}
