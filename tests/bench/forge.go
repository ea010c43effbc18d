package main

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"golang.org/x/sys/unix"

	"envgate/buffer"
	"envgate/envelope"
)

const (
	live      = envelope.StreamLive
	logBudget = 1 << 30 // of a forged log: no block has to go
)

// A forge puts blocks into a log as the gateway itself would have made them, signed and
// chained, and needs seconds for days. The log is one that the agent began.
type forge struct {
	log     *buffer.Log
	sealer  *envelope.Sealer
	state   map[string]json.RawMessage // the agent's own, beside the blocks
	block   envelope.Block             // what does not change
	heads   map[string]envelope.Head
	index   map[string]uint64 // next of each source
	random  *rand.Rand
	payload []byte
	batch   []buffer.Record
	bytes   int     // of the blocks added
	ratio   float64 // bytes a reading of the last block that seal made
}

// begin lets the agent make its log, without a broker, and stops it.
func (w *world) begin() error {
	if err := w.startAgent(); err != nil {
		return err
	}
	if err := w.await("log open", 20*time.Second); err != nil {
		return err
	}
	time.Sleep(time.Second)
	w.stopAgent()
	return nil
}

// openForge opens the log that begin left.
func (w *world) openForge() (*forge, error) {
	key, err := envelope.LoadKey(filepath.Join(w.dir, "gw.key"))
	if err != nil {
		return nil, err
	}
	log, err := buffer.Open(filepath.Join(w.dir, "log.db"), buffer.Options{
		MaxBytes: logBudget, NoSync: true,
		Streams: []buffer.StreamOptions{{Name: live, Share: 0.9}, {Name: envelope.StreamStat}, {Name: envelope.StreamEvent}},
	})
	if err != nil {
		return nil, err
	}
	f := &forge{log: log, sealer: envelope.NewSealer(key), random: rand.New(rand.NewPCG(1, 2))}
	if err := f.read(); err != nil {
		return nil, errors.Join(err, log.Close())
	}
	return f, nil
}

// read takes from the agent's state what its next block would say.
func (f *forge) read() error {
	if err := json.Unmarshal(f.log.State(), &f.state); err != nil {
		return fmt.Errorf("state beside the log: %w", err)
	}
	var boot, config, catalogue string
	for name, to := range map[string]any{
		"boot": &boot, "cfg": &config, "cat": &catalogue, "heads": &f.heads, "index": &f.index,
	} {
		if err := json.Unmarshal(f.state[name], to); err != nil {
			return fmt.Errorf("state beside the log: %s: %w", name, err)
		}
	}
	if f.index == nil {
		f.index = map[string]uint64{}
	}
	f.block = envelope.Block{
		Gateway: "gw-bench", Stream: live, Epoch: f.log.Epoch(), Boot: boot, Config: config, Catalogue: catalogue,
		Firmware: "bench", Clock: envelope.Clock{State: envelope.ClockSync},
	}
	return nil
}

// add seals a block of the samples that a unit of so many points gave from a time on.
func (f *forge) add(source string, at time.Time, points, samples int, every time.Duration) error {
	seq, message, err := f.make(at, []envelope.Group{f.samples(source, points, samples, every)})
	if err != nil {
		return err
	}
	if len(message) > envelope.MaxBlock {
		return fmt.Errorf("a block of %d × %d readings is %d bytes: at most %d", points, samples, len(message), envelope.MaxBlock)
	}
	f.heads[live] = envelope.Head{Seq: seq, Hash: envelope.Hash(f.payload)}
	return f.put(seq, at, message)
}

// make seals the next block of the chain, which is not stored and may be made anew. Its
// payload is f.payload until then.
func (f *forge) make(at time.Time, groups []envelope.Group) (seq uint64, message []byte, err error) {
	b := f.block
	head := f.heads[live]
	b.Seq, b.Prev, b.T0, b.Groups = head.Seq+1, head.Hash, at.UnixMilli(), groups
	if head.Seq == 0 {
		b.Prev = envelope.Genesis
	}
	f.payload = b.AppendPayload(f.payload[:0])
	message, err = f.sealer.Seal(envelope.TypeBlock, f.payload)
	return b.Seq, message, err
}

// samples are values that wander, as the simulated instruments' do.
func (f *forge) samples(source string, points, n int, every time.Duration) envelope.Group {
	key := source + "|"
	g := envelope.Group{Source: source, Index: f.index[key]}
	f.index[key] += uint64(n)
	for i := range n {
		g.Times = append(g.Times, int64(i)*every.Milliseconds())
	}
	for p := range points {
		c := envelope.Column{Point: fmt.Sprintf("c%02d", p+1), Kind: envelope.ColumnLive}
		for range n {
			v := 40 + 10*float64(p) + 0.8*f.random.NormFloat64()
			c.Values = append(c.Values, strconv.FormatFloat(math.Round(100*v)/100, 'f', -1, 64))
		}
		g.Columns = append(g.Columns, c)
	}
	return g
}

// put stores a block, many in one transaction.
func (f *forge) put(seq uint64, at time.Time, message []byte) error {
	f.bytes += len(message)
	f.batch = append(f.batch, buffer.Record{Stream: live, Seq: seq, Time: at, Data: message})
	if len(f.batch) < 500 {
		return nil
	}
	return f.store()
}

func (f *forge) store() error {
	err := f.log.Append(buffer.Batch{Records: f.batch})
	f.batch = f.batch[:0]
	return err
}

// close writes the state that fits the new blocks, and closes the log. last is the
// newest block.
func (f *forge) close() (last uint64, err error) {
	for name, v := range map[string]any{"heads": f.heads, "index": f.index} {
		if f.state[name], err = json.Marshal(v); err != nil {
			return 0, err
		}
	}
	state, err := json.Marshal(f.state)
	if err == nil {
		err = f.log.Append(buffer.Batch{Records: f.batch, State: state})
	}
	return f.heads[live].Seq, errors.Join(err, f.log.Close())
}

// stuff makes the log so large with blocks that hold nothing, and one good one at the end,
// by which the log is judged when it is opened.
func (f *forge) stuff(size int) error {
	const packed = 2000
	junk := make([]byte, packed)
	at := time.Now()
	seq := f.heads[live].Seq
	for f.bytes < size {
		for i := 0; i < packed; i += 8 {
			binary.LittleEndian.PutUint64(junk[i:], f.random.Uint64())
		}
		seq++
		if err := f.put(seq, at, bytes.Clone(junk)); err != nil {
			return err
		}
	}
	f.heads[live] = envelope.Head{Seq: seq, Hash: envelope.Hash(junk)}
	return f.add("unit1", at, 12, 1, time.Second)
}

// intoCache reads a file, so that it is in memory.
func intoCache(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	_, err = io.Copy(io.Discard, f)
	return err
}

// dropCache puts a file on the disk, and out of memory.
func dropCache(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	if err := f.Sync(); err != nil {
		return err
	}
	return unix.Fadvise(int(f.Fd()), 0, 0, unix.FADV_DONTNEED)
}
