package main

import (
	"errors"
	"fmt"
	"time"

	"envgate/buffer"
)

const (
	localBlocks = 96 << 10 // bytes of blocks in a reply, but one block at least
	blocksAtAll = 64       // blocks in a reply
)

// logInfo says what the log holds, or in which runs of a stream the blocks of a time
// range are.
func (s *localServer) logInfo(q *request) *reply {
	log := s.log()
	if log == nil {
		return &reply{Error: "the running agent has not opened its log yet"}
	}
	if q.Stream == "" {
		info := log.Info()
		info.State, info.Former = nil, withoutState(info.Former)
		return &reply{Log: &info}
	}
	var from, to time.Time
	if q.From != 0 {
		from = time.UnixMilli(q.From)
	}
	if q.To != 0 {
		to = time.UnixMilli(q.To)
	}
	return &reply{Runs: log.Find(q.Stream, from, to)}
}

// withoutState leaves out what has no room in a reply.
func withoutState(f *buffer.Former) *buffer.Former {
	if f == nil {
		return nil
	}
	c := *f
	c.State = nil
	return &c
}

// blocks gives some blocks of the log, in a transaction that has ended before they go
// out: a slow reader holds no pages.
func (s *localServer) blocks(q *request) *reply {
	log := s.log()
	if log == nil {
		return &reply{Error: "the running agent has not opened its log yet"}
	}
	first, blocks, err := log.Read(q.Stream, q.After, min(int(q.Quantity), blocksAtAll))
	if err == nil && q.Epoch != "" && log.Epoch() != q.Epoch {
		err = fmt.Errorf("%w: run the command again", buffer.ErrRotated)
	}
	if errors.Is(err, buffer.ErrSuspect) {
		err = fmt.Errorf("%w: its disk refuses writes; try again", err)
	}
	if err != nil {
		return refusal(err)
	}
	n, bytes := 0, 0
	for ; n < len(blocks); n++ {
		if bytes += len(blocks[n]); n > 0 && bytes > localBlocks {
			break
		}
	}
	return &reply{First: first, Blocks: blocks[:n]}
}
