package main

import (
	"context"
	"strconv"
	"testing"
	"time"

	"envgate/envelope"
)

// fullBlock is a live block as a site of 12 factors seals it each 60 s: about as
// long as a stored block may be.
func (p *plant) fullBlock() sealed {
	return p.seal(envelope.StreamLive, func(b *envelope.Block) {
		g := envelope.Group{Source: "station", Index: p.index}
		for t := range 12 {
			g.Times = append(g.Times, int64(t)*5000)
		}
		p.index += 12
		for f := range 12 {
			c := envelope.Column{Point: "a340" + strconv.Itoa(10+f), Kind: envelope.ColumnLive}
			for t := range 12 {
				c.Values = append(c.Values, strconv.FormatFloat(float64((int(p.index)*7+f*31+t*13)%1000)/10, 'f', 2, 64))
			}
			g.Columns = append(g.Columns, c)
		}
		b.Groups = []envelope.Group{g}
	})
}

// BenchmarkIngest is the whole way of a block behind the broker: signature,
// account, commit with fsync, in batches as they come under load.
func BenchmarkIngest(b *testing.B) {
	for _, rows := range []bool{false, true} {
		for _, size := range []int{1, 20, 256} {
			name := "batch=" + strconv.Itoa(size)
			if rows {
				name += "/rows"
			}
			b.Run(name, func(b *testing.B) {
				p := newPlant(b, "gw-1")
				d := newDesk(b, p)
				d.ledger.liveRows = rows
				d.ledger.begin()
				ctx := context.Background()
				b.ReportAllocs()
				blocks := 0
				for b.Loop() {
					b.StopTimer()
					all := make([]arrival, size)
					for i := range all {
						s := p.fullBlock()
						all[i] = arrival{topic: s.topic, message: s.message, at: time.Now()}
						b.SetBytes(int64(size * len(s.message)))
					}
					b.StartTimer()
					for _, v := range judgeAll(d.reg, "envgate", all) {
						if err := d.ledger.take(ctx, v); err != nil {
							b.Fatal(err)
						}
					}
					if _, err := d.ledger.commit(ctx, time.Now()); err != nil {
						b.Fatal(err)
					}
					blocks += size
				}
				b.ReportMetric(float64(blocks)/b.Elapsed().Seconds(), "blocks/s")
				if n := d.chain("gw-1", "live", "epoch1").head.Seq; n != uint64(blocks) {
					b.Fatalf("head %d after %d blocks", n, blocks)
				}
			})
		}
	}
}
