package faults

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"envgate/buffer"
	"envgate/envelope"
)

// An Ack is what a victim says once a commit is on disk. The hash of a stream's newest
// block stands for the whole chain behind it.
type Ack struct {
	Epoch  string                   `json:"epoch"`
	Commit uint64                   `json:"commit"` // counts up in each epoch
	Heads  map[string]envelope.Head `json:"heads"`  // newest block of each stream
	Gone   map[string]envelope.Head `json:"gone"`   // newest evicted block of each stream
}

// A Report is what the oracle found. The counts are zero but for Blocks, and Problems
// is empty, where nothing was lost.
type Report struct {
	Blocks     int // in the log, all of them verified
	Lost       int // acknowledged and not there
	Duplicates int // identities with more than one block
	Broken     int // chains that do not hold, or hold another block than was acknowledged
	Extra      int // batches beyond the one that may be there unacknowledged
	Problems   []string

	// Starts are an agent's start events, by what they say of the life before.
	Starts map[string]int

	Found Ack // what the next check has to find, where no more is acknowledged
}

// OK says whether nothing is wrong.
func (r *Report) OK() bool { return len(r.Problems) == 0 }

// Add sums up reports.
func (r *Report) Add(o Report) {
	r.Blocks += o.Blocks
	r.Lost += o.Lost
	r.Duplicates += o.Duplicates
	r.Broken += o.Broken
	r.Extra += o.Extra
	r.Problems = append(r.Problems, o.Problems...)
}

func (r *Report) problem(count *int, n int, format string, args ...any) {
	*count += n
	r.Problems = append(r.Problems, fmt.Sprintf(format, args...))
}

// Check opens the victim's log at path as an agent would, reads all of it, and holds it
// against the newest acknowledgement; a zero one says that there was none. The error is
// that of a log which does not open.
func Check(path string, last Ack) (Report, error) {
	return CheckAs(path, Gateway, envelope.NewKeySet(key().Public()), last)
}

// CheckAs is Check for the log of any gateway, an agent's too: its state names the heads
// in the same way. It does not say what was evicted, so what its first block follows is
// taken from that block.
func CheckAs(path, gateway string, keys envelope.Keys, last Ack) (Report, error) {
	var r Report
	l, err := buffer.Open(path, Options(false))
	if err != nil {
		return r, err
	}
	defer l.Close()
	r.Found.Epoch = l.Epoch()
	if text := l.State(); text != nil {
		if err := json.Unmarshal(text, &r.Found); err != nil {
			r.problem(&r.Broken, 1, "state beside the log: %v", err)
		}
	}
	if last.Epoch != "" && last.Epoch != l.Epoch() {
		why := "no file is set aside"
		if f := l.Former(); f != nil {
			why = f.Reason
		}
		r.problem(&r.Lost, last.blocks(), "epoch %s was acknowledged up to commit %d, the log begins epoch %s: %s", last.Epoch, last.Commit, l.Epoch(), why)
		last = Ack{}
	}
	if last.Commit > 0 && r.Found.Commit > last.Commit+1 {
		r.problem(&r.Extra, int(r.Found.Commit-last.Commit-1), "commit %d is there, %d was acknowledged", r.Found.Commit, last.Commit)
	}
	if last.Commit > 0 && r.Found.Commit < last.Commit {
		r.Problems = append(r.Problems, fmt.Sprintf("commit %d is the newest, %d was acknowledged", r.Found.Commit, last.Commit))
	}
	seen := map[string]bool{}
	for _, stream := range Streams {
		r.stream(l, envelope.NewChain(gateway, stream, l.Epoch()), stream, keys, last, seen)
	}
	return r, nil
}

// blocks is how many blocks an acknowledgement stands for.
func (a Ack) blocks() (n int) {
	for s, h := range a.Heads {
		n += int(h.Seq - a.Gone[s].Seq)
	}
	return n
}

// stream verifies one stream from the log's first block to its last.
func (r *Report) stream(l *buffer.Log, chain *envelope.Chain, stream string, keys envelope.Keys, last Ack, seen map[string]bool) {
	if gone := r.Found.Gone[stream]; gone.Seq > 0 {
		if err := chain.Anchor(gone.Seq, gone.Hash); err != nil {
			r.problem(&r.Broken, 1, "%s: anchor at %d: %v", stream, gone.Seq, err)
		}
	}
	had := map[uint64]bool{}
	for after := uint64(0); ; {
		first, blocks, err := l.Read(stream, after, 64)
		if err != nil {
			r.problem(&r.Broken, 1, "%s after %d: %v", stream, after, err)
			break
		}
		if len(blocks) == 0 {
			break
		}
		for i, message := range blocks {
			r.Blocks++
			r.block(chain, message, first+uint64(i), last.Heads[stream], keys, seen)
			had[first+uint64(i)] = true
		}
		after = first + uint64(len(blocks)) - 1
	}
	head, _ := chain.Head()
	if _, end := l.Bounds(stream); end != head || end != r.Found.Heads[stream].Seq {
		r.problem(&r.Broken, 1, "%s: bounds end at %d, state at %d, chain at %d", stream, end, r.Found.Heads[stream].Seq, head)
	}
	lost, from := 0, max(last.Gone[stream].Seq, r.Found.Gone[stream].Seq)+1
	for seq := from; seq <= last.Heads[stream].Seq; seq++ {
		if !had[seq] {
			lost++
		}
	}
	if lost > 0 {
		r.problem(&r.Lost, lost, "%s: %d blocks of %d to %d were acknowledged and are not there", stream, lost, from, last.Heads[stream].Seq)
	}
}

// block verifies one block by itself, and as the next one of its chain.
func (r *Report) block(chain *envelope.Chain, message []byte, seq uint64, acked envelope.Head, keys envelope.Keys, seen map[string]bool) {
	b, hash, err := envelope.OpenBlock(message, keys)
	if err != nil {
		r.problem(&r.Broken, 1, "block %d: %v", seq, err)
		return
	}
	id := fmt.Sprintf("%s %s %s %d", b.Gateway, b.Stream, b.Epoch, b.Seq)
	if seen[id] {
		r.problem(&r.Duplicates, 1, "%s is there twice", id)
	}
	seen[id] = true
	if b.Seq != seq {
		r.problem(&r.Broken, 1, "%s lies under number %d", id, seq)
	}
	if seq == acked.Seq && hash != acked.Hash {
		r.problem(&r.Broken, 1, "%s has hash %s, %s was acknowledged", id, hash, acked.Hash)
	}
	for _, e := range b.Events {
		if e.Type == envelope.EventStart {
			if r.Starts == nil {
				r.Starts = map[string]int{}
			}
			r.Starts[e.Why]++
		}
	}
	if head, _ := chain.Head(); head == 0 && seq > 1 && r.Found.Gone == nil {
		chain.Anchor(seq-1, b.Prev)
	}
	if err := chain.Next(b, hash); err != nil {
		r.problem(&r.Broken, 1, "%s: %v", id, err)
		chain.Anchor(seq, hash) // each break is counted once
	}
}

// CheckSuccessor says whether the log at path began a new epoch behind a damaged one and
// names it: the first event of the new epoch holds the former's name, and the head of
// each stream, or says "lost" where nothing could be read of it. It returns that event.
func CheckSuccessor(path string, former Ack) (e envelope.Event, err error) {
	l, err := buffer.Open(path, Options(false))
	if err != nil {
		return e, err
	}
	defer l.Close()
	if l.Epoch() == former.Epoch {
		return e, errors.New("the log goes on in its epoch, though the file was damaged")
	}
	first, blocks, err := l.Read(envelope.StreamEvent, 0, 1)
	if err != nil || len(blocks) == 0 || first != 1 {
		return e, fmt.Errorf("first event of the new epoch: number %d, %v", first, err)
	}
	b, _, err := envelope.OpenBlock(blocks[0], envelope.NewKeySet(key().Public()))
	if err != nil {
		return e, err
	}
	if len(b.Events) == 0 || b.Events[0].Type != envelope.EventEpoch || b.Events[0].Why == "" {
		return e, fmt.Errorf("the first event of the new epoch is %+v, want one that says why", b.Events)
	}
	e = b.Events[0]
	if e.New != "lost" && !strings.Contains(e.New, former.Epoch) {
		return e, fmt.Errorf("the new epoch names %q, want %s", e.New, former.Epoch)
	}
	return e, nil
}
