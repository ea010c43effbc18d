package main

import (
	"bufio"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"hash/fnv"
	"io"
	"os"
	"sort"
	"strings"
	"time"

	"envgate/buffer"
	"envgate/envelope"
)

// A salvage takes the blocks out of a log file that is damaged. It goes by nothing but
// the blocks: each says who it is, and its signature proves it. What is not signed is
// not taken.
//
// Pages may hold blocks that never were in the log: a commit that a power cut ended
// leaves them, and their numbers were given to others later. So of several under one
// number that one is taken which the block after it names, and none where nothing
// tells.
type salvage struct {
	path    string
	gateway string // "": any whose key there is
	keys    envelope.Keys
	most    int                   // blocks that are looked at; 0: as many as there are
	step    func(at, total int64) // is called now and then; may wait

	// told, if set, is called before the report gets its name, by which a salvage counts
	// as done.
	told func(*salvageReport) error

	epoch string                // of the file, as far as it can be read
	heads map[string]uint64     // by stream
	first map[string]uint64     // likewise, where the file is whole
	whole bool                  // heads are certain
	found map[chainName][]relic // by stream and epoch
	n     int
	size  int64 // of the file
}

// scrapRest is after how many blocks that were written step is called.
const scrapRest = 64

type chainName struct{ stream, epoch string }

// relic is a block in the file. Of hashes half a dozen bytes are enough to tell one's
// own blocks apart.
type relic struct {
	seq, hash, prev uint64
	at              int64
	size            int
}

var errManyBlocks = errors.New("more blocks than are salvaged beside a running agent")

// salvageReport is the proof of what is there and what is not.
type salvageReport struct {
	Version int            `json:"v"`
	File    string         `json:"file"`
	Gateway string         `json:"gateway,omitempty"`
	Reason  string         `json:"reason"` // why it cannot be opened, "" if it can
	Epoch   string         `json:"epoch"`  // of the file, "" if it could not be read
	Made    string         `json:"made"`
	Agent   string         `json:"agent"`
	Streams []salvagedPart `json:"streams"`
	Refused int            `json:"refused"` // what looked like a block and proved nothing
	Blocks  int            `json:"blocks"`
	Bytes   int64          `json:"bytes"`
	Output  string         `json:"output"`
	SHA256  string         `json:"sha256"`
}

// salvagedPart is one stream of one epoch.
type salvagedPart struct {
	Stream  string        `json:"stream"`
	Epoch   string        `json:"epoch"`
	Blocks  int           `json:"blocks"`
	Head    uint64        `json:"head,omitempty"` // of the stream, as the file says; 0: not known
	Runs    []salvagedRun `json:"runs"`
	Missing []missingRun  `json:"missing"`
	LeftOut []leftOut     `json:"left_out,omitempty"`
}

// salvagedRun is a run of blocks that follow each other.
type salvagedRun struct {
	From uint64 `json:"from"`
	To   uint64 `json:"to"`
	Prev string `json:"prev"` // hash that the first one names
	Hash string `json:"hash"` // of the last one
}

// missingRun lies between two runs, before the first or behind the last one. One that
// begins at 1 may have been evicted: its event, if that was not delivered, says so.
type missingRun struct {
	From   uint64 `json:"from"`
	To     uint64 `json:"to"`
	After  string `json:"after,omitempty"`  // hash of the block before
	Before string `json:"before,omitempty"` // hash of the last one missing, as the block after it says
}

type leftOut struct {
	Seq uint64 `json:"seq"`
	Why string `json:"why"`
}

// maxLeftOut bounds that list of a report.
const maxLeftOut = 256

// run looks through the file, writes what it found to path.blocks, and the report
// beside it. Files appear whole or not at all.
func (s *salvage) run(ctx context.Context) (*salvageReport, error) {
	file, err := buffer.Inspect(s.path)
	if err != nil {
		return nil, err
	}
	r := &salvageReport{Version: 1, File: s.path, Made: stamp(time.Now()), Agent: version, Gateway: s.gateway}
	info := file.Info()
	s.epoch, s.whole, s.found = info.Epoch, file.Bad() == nil, map[chainName][]relic{}
	s.heads, s.first = map[string]uint64{}, map[string]uint64{}
	for name, st := range info.Streams {
		s.heads[name] = st.Last
		s.first[name] = st.First
	}
	r.Epoch = s.epoch
	if file.Bad() != nil {
		r.Reason = file.Bad().Error()
	}
	if err := buffer.Scraps(ctx, s.path, s.step, func(p buffer.Scrap) error { return s.look(p, r) }); err != nil {
		return nil, err
	}
	if err := s.write(ctx, r); err != nil {
		return nil, err
	}
	return r, nil
}

// look takes note of a scrap that is a block.
func (s *salvage) look(p buffer.Scrap, r *salvageReport) error {
	b, hash, err := envelope.OpenBlock(p.Data, s.keys)
	if err != nil || s.gateway != "" && b.Gateway != s.gateway {
		r.Refused++
		return nil
	}
	if s.n++; s.most > 0 && s.n > s.most {
		return errManyBlocks
	}
	name := chainName{b.Stream, b.Epoch}
	s.found[name] = append(s.found[name], relic{b.Seq, brief(hash), brief(b.Prev), p.Offset, len(p.Data)})
	return nil
}

// brief is a number for a hash.
func brief(hash string) uint64 {
	h := fnv.New64a()
	io.WriteString(h, hash)
	return h.Sum64()
}

// choose keeps one block for each number, in ascending order, and says of which ones it
// keeps none. head is the highest number that can have been in the log, 0 if that is
// not known.
func choose(all []relic, head uint64) (kept []relic, out []leftOut) {
	sort.Slice(all, func(i, j int) bool {
		return all[i].seq > all[j].seq || all[i].seq == all[j].seq && all[i].hash < all[j].hash
	})
	var want uint64 // hash of the next one below, where above is the seq above it
	var above uint64
	for i := 0; i < len(all); {
		same := all[i:]
		for n := range same {
			if same[n].seq != all[i].seq {
				same = same[:n]
				break
			}
		}
		i += len(same)
		seq := same[0].seq
		var pick *relic
		alone := true
		for n := range same {
			alone = alone && same[n].hash == same[0].hash
			if seq+1 == above && same[n].hash == want {
				pick = &same[n]
			}
		}
		why := ""
		switch {
		case head > 0 && seq > head:
			pick, why = nil, "never in the log: a commit that was cut short"
		case seq+1 == above && pick == nil:
			why = fmt.Sprintf("not the one that block %d names: a commit that was cut short", above)
		case pick == nil && alone:
			pick = &same[0]
		case pick == nil:
			why = "several blocks have this number, and the one after it is missing"
		}
		if pick == nil {
			out = append(out, leftOut{seq, why})
			continue
		}
		kept = append(kept, *pick)
		above, want = seq, pick.prev
	}
	for i, j := 0, len(kept)-1; i < j; i, j = i+1, j-1 {
		kept[i], kept[j] = kept[j], kept[i]
	}
	return kept, out
}

// write writes the blocks and the report.
func (s *salvage) write(ctx context.Context, r *salvageReport) error {
	in, err := os.Open(s.path)
	if err != nil {
		return err
	}
	defer in.Close()
	if info, err := in.Stat(); err == nil {
		s.size = info.Size()
	}
	names := make([]chainName, 0, len(s.found))
	for name := range s.found {
		names = append(names, name)
	}
	for stream := range s.heads { // one of which nothing is left is told too
		if name := (chainName{stream, s.epoch}); s.heads[stream] > 0 && s.found[name] == nil {
			names = append(names, name)
		}
	}
	sort.Slice(names, func(i, j int) bool {
		return cmp.Or(strings.Compare(names[i].epoch, names[j].epoch), strings.Compare(names[i].stream, names[j].stream)) < 0
	})
	r.Output = s.path + ".blocks"
	w, err := newWhole(r.Output)
	if err != nil {
		return err
	}
	defer w.drop()
	if _, err := io.WriteString(w, envelope.FileHead); err != nil {
		return err
	}
	for _, name := range names {
		part, err := s.part(ctx, in, w, name)
		if err != nil {
			return err
		}
		r.Streams = append(r.Streams, part)
		r.Blocks += part.Blocks
	}
	if r.Bytes, r.SHA256, err = w.finish(); err != nil {
		return err
	}
	text := r.text()
	if err := writeWhole(s.path+".report.txt", []byte(text)); err != nil {
		return err
	}
	b, err := json.MarshalIndent(r, "", "  ")
	if err == nil && s.told != nil {
		err = s.told(r)
	}
	if err != nil {
		return err
	}
	return writeWhole(s.path+".report.json", append(b, '\n'))
}

// part writes the blocks of one stream and epoch.
func (s *salvage) part(ctx context.Context, in io.ReaderAt, w io.Writer, name chainName) (salvagedPart, error) {
	p := salvagedPart{Stream: name.stream, Epoch: name.epoch, Runs: []salvagedRun{}, Missing: []missingRun{}}
	var head uint64
	if name.epoch == s.epoch {
		p.Head = s.heads[name.stream]
		if s.whole {
			head = p.Head
		}
	}
	kept, out := choose(s.found[name], head)
	p.LeftOut = out[:min(len(out), maxLeftOut)]
	var line, message []byte
	for i, f := range kept {
		if i%scrapRest == 0 {
			if s.step != nil {
				s.step(s.size, s.size)
			}
			if err := ctx.Err(); err != nil {
				return p, err
			}
		}
		message = append(message[:0], make([]byte, f.size)...)
		if _, err := in.ReadAt(message, f.at); err != nil {
			return p, err
		}
		b, hash, err := openMessage(message, nil)
		if err != nil || brief(hash) != f.hash {
			return p, fmt.Errorf("%s at byte %d is another than it was: the disk does not read the same twice", s.path, f.at)
		}
		line = envelope.AppendToFile(line[:0], message)
		if _, err := w.Write(line); err != nil {
			return p, err
		}
		p.Blocks++
		n := len(p.Runs)
		if n > 0 && p.Runs[n-1].To+1 == f.seq && p.Runs[n-1].Hash == b.Prev {
			p.Runs[n-1].To, p.Runs[n-1].Hash = f.seq, hash
			continue
		}
		if first := s.firstOf(name); n == 0 && first < f.seq {
			p.Missing = append(p.Missing, missingRun{first, f.seq - 1, "", b.Prev})
		}
		if n > 0 && p.Runs[n-1].To+1 < f.seq {
			p.Missing = append(p.Missing, missingRun{p.Runs[n-1].To + 1, f.seq - 1, p.Runs[n-1].Hash, b.Prev})
		}
		p.Runs = append(p.Runs, salvagedRun{f.seq, f.seq, b.Prev, hash})
	}
	var last salvagedRun
	if n := len(p.Runs); n > 0 {
		last = p.Runs[n-1]
	}
	if last.To < p.Head {
		p.Missing = append(p.Missing, missingRun{last.To + 1, p.Head, last.Hash, ""})
	}
	return p, nil
}

// firstOf is the first block that there should be. A damaged file does not say what was
// evicted: then it is 1.
func (s *salvage) firstOf(name chainName) uint64 {
	if s.whole && name.epoch == s.epoch {
		return s.first[name.stream]
	}
	return 1
}

// text is the report for people.
func (r *salvageReport) text() string {
	var t strings.Builder
	fmt.Fprintf(&t, "file     %s\n", r.File)
	if r.Gateway != "" {
		fmt.Fprintf(&t, "gateway  %s\n", r.Gateway)
	}
	reason := r.Reason
	if reason == "" {
		reason = "its pages are whole"
	}
	fmt.Fprintf(&t, "state    %s\ntaken    %s, %s, to %s\n", reason, plural(r.Blocks, "signed block"), megabytes(r.Bytes), r.Output)
	fmt.Fprintf(&t, "sha256   %s\n", r.SHA256)
	for _, p := range r.Streams {
		fmt.Fprintf(&t, "\n%s, epoch %s: %s", p.Stream, p.Epoch, plural(p.Blocks, "block"))
		if p.Head > 0 {
			fmt.Fprintf(&t, ", the file says that it ended at %d", p.Head)
		}
		fmt.Fprintln(&t)
		for i, run := range p.Runs {
			fmt.Fprintf(&t, "  found    %d to %d, the last one is %s\n", run.From, run.To, run.Hash)
			if i+1 == maxLeftOut {
				fmt.Fprintf(&t, "  and %d runs more: the JSON beside this has them all\n", len(p.Runs)-maxLeftOut)
				break
			}
		}
		for _, m := range p.Missing[:min(len(p.Missing), maxLeftOut)] {
			fmt.Fprintf(&t, "  missing  %d to %d", m.From, m.To)
			if m.Before != "" {
				fmt.Fprintf(&t, ", the last of which is %s", m.Before)
			}
			if m.From == 1 {
				fmt.Fprint(&t, " (or evicted before)")
			}
			fmt.Fprintln(&t)
		}
		for _, o := range p.LeftOut {
			fmt.Fprintf(&t, "  left out %d: %s\n", o.Seq, o.Why)
		}
	}
	return t.String()
}

// A whole is a file that appears under its name when it is complete and on the disk.
type whole struct {
	path string
	f    *os.File
	w    *bufio.Writer
	sum  hash.Hash
	size int64
}

func newWhole(path string) (*whole, error) {
	f, err := os.OpenFile(path+".part", os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o644)
	if err != nil {
		return nil, err
	}
	return &whole{path: path, f: f, w: bufio.NewWriterSize(f, 64<<10), sum: sha256.New()}, nil
}

func (w *whole) Write(b []byte) (int, error) {
	n, err := w.w.Write(b)
	w.sum.Write(b[:n])
	w.size += int64(n)
	return n, err
}

// finish gives the file its name, and says what is in it.
func (w *whole) finish() (size int64, sum string, err error) {
	f := w.f
	w.f = nil
	err = errors.Join(w.w.Flush(), f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(w.path+".part", w.path)
	}
	if err != nil {
		os.Remove(w.path + ".part")
	}
	return w.size, hex.EncodeToString(w.sum.Sum(nil)), err
}

// drop leaves nothing of a file that was not finished.
func (w *whole) drop() {
	if w.f != nil {
		w.f.Close()
		os.Remove(w.path + ".part")
	}
}

func writeWhole(path string, b []byte) error {
	w, err := newWhole(path)
	if err != nil {
		return err
	}
	if _, err := w.Write(b); err != nil {
		w.drop()
		return err
	}
	_, _, err = w.finish()
	return err
}
