package main

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"time"

	"envgate/buffer"
	"envgate/envelope"
)

// flash measures what the choice of the sealing interval and of the block size costs: how
// many bytes the log writes for a reading, and for a byte of its blocks. It makes the log
// of some time as the agent does, one commit an interval with the writer's state and a
// cursor that moves, in seconds.
func flash(r *report) error {
	r.section("flash: sealing interval and block size")
	fmt.Printf("  %-10s %8s %8s %9s %9s %9s %9s %9s %8s %8s\n",
		"site", "sealed", "block ≤", "commits", "block B", "kept B", "log B", "process B", "log", "log")
	fmt.Printf("  %-10s %8s %8s %9s %9s %9s %9s %9s %8s %8s\n",
		"", "each s", "B", "an hour", "/reading", "/reading", "/reading", "/reading", "/block", "MB/day")
	typical := flashSite{"typical", 1, 12, 5 * time.Second, 2 * time.Hour}
	load := flashSite{"load", 32, 40, time.Second, 5 * time.Minute}
	at := map[string]flashCost{}
	for _, site := range []flashSite{typical, load} {
		for _, s := range []int{1, 2, 5, 10, 30, 60} {
			c, err := site.cost(time.Duration(s)*time.Second, envelope.MaxBlock)
			if err != nil {
				return err
			}
			c.print(site, s, envelope.MaxBlock)
			if s == 5 {
				at[site.name] = c
			}
		}
	}
	for _, size := range []int{1000, 1344, envelope.MaxBlock + 64, 4000, 8000} {
		c, err := load.cost(5*time.Second, size)
		if err != nil {
			return err
		}
		c.print(load, 5, size)
	}
	r.row("typical, sealed each 5 s: log a second", at["typical"].log/typical.over.Seconds()/1e3, 5, "kB")
	r.row("load, sealed each 5 s: log a second", at["load"].log/load.over.Seconds()/1e3, 20, "kB")
	return nil
}

// flashSite is a site of like instruments, looked at over some time.
type flashSite struct {
	name   string
	units  int
	points int
	every  time.Duration
	over   time.Duration
}

// flashCost is what a site's blocks came to.
type flashCost struct {
	readings, commits int
	// Bytes: of blocks, that the file grew by, written by transactions, and all that the
	// process had written to the disk.
	blocks, kept, log, written float64
}

func (c flashCost) print(s flashSite, seconds, size int) {
	n, over := float64(c.readings), s.over.Hours()
	fmt.Printf("  %-10s %8d %8d %9.0f %9.1f %9.1f %9.1f %9.1f %7.1f× %8.0f\n", s.name, seconds, size, float64(c.commits)/over,
		c.blocks/n, c.kept/n, c.log/n, c.written/n, c.log/c.blocks, c.log/1e6*24/over)
}

// cost makes the log of a site.
func (s flashSite) cost(interval time.Duration, size int) (c flashCost, err error) {
	dir, err := os.MkdirTemp("", "envgate-bench-")
	if err != nil {
		return c, err
	}
	defer os.RemoveAll(dir)
	f, err := newForge(filepath.Join(dir, "log.db"))
	if err != nil {
		return c, err
	}
	defer f.log.Close()
	before := f.log.Stats()
	disk, err := fields("/proc/self/io")
	if err != nil {
		return c, err
	}
	began := time.Now().Add(-s.over)
	for from := time.Duration(0); from < s.over; from += interval {
		n := int((from+interval+s.every-1)/s.every - (from+s.every-1)/s.every) // ticks in it
		if n == 0 {
			continue
		}
		if err := f.commit(began.Add(from), s, n, size); err != nil {
			return c, err
		}
		c.readings += n * s.units * s.points
		c.commits++
	}
	now, err := fields("/proc/self/io")
	after := f.log.Stats()
	c.blocks, c.kept, c.log = float64(f.bytes), float64(after.UsedBytes-before.UsedBytes), float64(after.Written-before.Written)
	c.written = float64(now["write_bytes:"] - disk["write_bytes:"])
	return c, err
}

// newForge begins a log of its own.
func newForge(path string) (*forge, error) {
	key, err := envelope.NewKey("gw-bench")
	if err != nil {
		return nil, err
	}
	log, err := buffer.Open(path, buffer.Options{MaxBytes: logBudget, Streams: []buffer.StreamOptions{{Name: live}}})
	if err != nil {
		return nil, err
	}
	mark := envelope.Hash([]byte("mark"))
	f := &forge{
		log: log, sealer: envelope.NewSealer(key), random: rand.New(rand.NewPCG(1, 2)),
		heads: map[string]envelope.Head{}, index: map[string]uint64{},
		block: envelope.Block{
			Gateway: "gw-bench", Stream: live, Epoch: log.Epoch(), Boot: "7d1c0b52", Config: mark, Catalogue: mark,
			Firmware: "bench", Clock: envelope.Clock{State: envelope.ClockSync},
		},
	}
	return f, log.AddCursor("city", live)
}

// commit seals n samples of each unit and stores them, with all that goes along.
func (f *forge) commit(at time.Time, s flashSite, n, size int) error {
	var groups []envelope.Group
	for u := range s.units {
		groups = append(groups, f.samples(fmt.Sprintf("unit%d", u+1), s.points, n, s.every))
	}
	for len(groups) > 0 {
		var err error
		if groups, err = f.seal(at, groups, s.points, size); err != nil {
			return err
		}
	}
	state, err := json.Marshal(map[string]any{
		"machine": f.block.Config, "boot": f.block.Boot, "heads": f.heads, "index": f.index, "last": at.UnixMilli(),
		"cfg": f.block.Config, "cat": f.block.Catalogue, "birth": 1,
	})
	if err != nil {
		return err
	}
	err = f.log.Append(buffer.Batch{Records: f.batch, State: state})
	f.batch = f.batch[:0]
	f.log.Ack(f.log.Epoch(), "city", live, 1, f.heads[live].Seq)
	return err
}

// seal makes one block of as many samples as fit, and returns what is left.
func (f *forge) seal(at time.Time, groups []envelope.Group, points, size int) (rest []envelope.Group, err error) {
	if f.ratio == 0 {
		f.ratio = 8
	}
	n := max(1, int(float64(size)*31/32/f.ratio)/points)
	for {
		first, left, taken := cutSamples(groups, n)
		seq, message, err := f.make(at, first)
		if err != nil {
			return nil, err
		}
		f.ratio = float64(len(message)) / float64(taken*points)
		if len(message) > size && taken > 1 {
			n = taken - 1
			continue
		}
		f.heads[live] = envelope.Head{Seq: seq, Hash: envelope.Hash(f.payload)}
		f.bytes += len(message)
		f.batch = append(f.batch, buffer.Record{Stream: live, Seq: seq, Time: at, Data: message})
		return left, nil
	}
}

// cutSamples divides groups after n samples.
func cutSamples(groups []envelope.Group, n int) (first, rest []envelope.Group, taken int) {
	for i, g := range groups {
		if have := len(g.Times); taken+have <= n {
			first, taken = append(first, g), taken+have
			continue
		}
		if k := n - taken; k > 0 {
			a, b := g, g
			a.Times, b.Times, b.Index = g.Times[:k], g.Times[k:], g.Index+uint64(k)
			a.Columns, b.Columns = nil, nil
			for _, c := range g.Columns {
				a.Columns = append(a.Columns, envelope.Column{Point: c.Point, Kind: c.Kind, Values: c.Values[:k]})
				b.Columns = append(b.Columns, envelope.Column{Point: c.Point, Kind: c.Kind, Values: c.Values[k:]})
			}
			return append(first, a), append([]envelope.Group{b}, groups[i+1:]...), n
		}
		return first, groups[i:], taken
	}
	return first, nil, taken
}
