package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"envgate/buffer"
	"envgate/envelope"
)

const (
	asideEvery  = 10 * time.Minute // a look for files set aside
	asideMost   = 1 << 18          // blocks salvaged of one, which takes 12 MB of memory
	asideSpare  = 16 << 20         // bytes that stay free on the disk beside what the log may grow
	asideRest   = 4                // times as long as it worked it rests
	asideRanges = 64               // missing ranges that the event names for each stream
)

// startSalvage salvages what was set aside for the log, beside the agent's work and
// slowly. What is done has a report beside it; one that a kill cut short is done again.
func (a *agent) startSalvage(ctx context.Context, log *buffer.Log, key *envelope.Key, all *sync.WaitGroup) {
	all.Go(func() {
		defer a.caught("salvage")
		refused := map[string]bool{}
		for {
			names, err := buffer.Asides(a.site.Storage.Path)
			if err != nil {
				names = nil
			}
			for _, name := range names {
				if _, err := os.Stat(name + ".report.json"); err == nil || refused[name] || ctx.Err() != nil {
					continue
				}
				if err := a.salvageAside(ctx, log, key, name); err != nil && ctx.Err() == nil {
					refused[name] = true // until the next start
					a.logger.Warn("a log set aside was not salvaged", "path", name, "err", err, "hint", "envgate log repair "+name)
				}
			}
			select {
			case <-ctx.Done():
				return
			case <-time.After(asideEvery):
			}
		}
	})
}

// salvageAside salvages one file, and has the event sealed before the report gets its
// name.
func (a *agent) salvageAside(ctx context.Context, log *buffer.Log, key *envelope.Key, path string) error {
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	stats := log.Stats()
	if free, need := freeBytes(path), info.Size()+max(stats.Budget-stats.FileBytes, 0)+asideSpare; free < need {
		return fmt.Errorf("the disk has %s free, %s are wanted", megabytes(free), megabytes(need))
	}
	last := time.Now()
	s := &salvage{
		path: path, gateway: a.site.Gateway.ID, keys: envelope.NewKeySet(key.Public()), most: asideMost,
		step: func(int64, int64) {
			select {
			case <-ctx.Done():
			case <-time.After(min(asideRest*time.Since(last), time.Second)):
			}
			last = time.Now()
		},
		told: func(r *salvageReport) error { return a.tellSalvaged(ctx, log, r) },
	}
	r, err := s.run(ctx)
	if err != nil {
		return err
	}
	a.logger.Info("a log set aside was salvaged", "path", path, "blocks", r.Blocks, "output", r.Output)
	return nil
}

// tellSalvaged has the event of a salvage sealed, and waits until it is.
func (a *agent) tellSalvaged(ctx context.Context, log *buffer.Log, r *salvageReport) error {
	e := envelope.Event{
		Type: envelope.EventLogSalvaged, At: time.Now().UnixMilli(), Subject: r.Epoch, New: string(mustJSON(r.event())), Why: r.Reason,
	}
	if e.Subject == "" {
		e.Subject = "unknown"
	}
	return a.sealed(ctx, log, e)
}

// salvagedEvent is the text of the event: what the centre may expect from the stick.
type salvagedEvent struct {
	File    string          `json:"file"`
	Blocks  int             `json:"blocks"`
	SHA256  string          `json:"sha256"` // of the file with the blocks
	Streams []salvagedRange `json:"streams"`
}

type salvagedRange struct {
	Stream  string      `json:"stream"`
	Epoch   string      `json:"epoch"`
	Blocks  int         `json:"blocks"`
	First   uint64      `json:"first"`
	Last    uint64      `json:"last"`
	Missing [][2]uint64 `json:"missing"`
	More    int         `json:"more,omitempty"` // ranges that have no room here
}

func (r *salvageReport) event() salvagedEvent {
	e := salvagedEvent{File: filepath.Base(r.Output), Blocks: r.Blocks, SHA256: r.SHA256, Streams: []salvagedRange{}}
	for _, p := range r.Streams[:min(len(r.Streams), 16)] {
		x := salvagedRange{Stream: p.Stream, Epoch: p.Epoch, Blocks: p.Blocks, Missing: [][2]uint64{}}
		if n := len(p.Runs); n > 0 {
			x.First, x.Last = p.Runs[0].From, p.Runs[n-1].To
		}
		for _, m := range p.Missing {
			if len(x.Missing) == asideRanges {
				x.More = len(p.Missing) - asideRanges
				break
			}
			x.Missing = append(x.Missing, [2]uint64{m.From, m.To})
		}
		e.Streams = append(e.Streams, x)
	}
	return e
}

// freeBytes is the room on the disk of a path.
func freeBytes(path string) int64 {
	var s syscall.Statfs_t
	if syscall.Statfs(path, &s) != nil {
		return 0
	}
	return int64(s.Bavail) * int64(s.Bsize)
}
