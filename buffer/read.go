package buffer

import (
	"bytes"
	"errors"
	"fmt"
)

// readBytes bounds what one Read returns, and with it how long its transaction
// keeps pages from being used again.
const readBytes = 1 << 20

// Bounds returns the first and last block of a stream; all between are there.
// last is the head: 0 if the stream never had a block. first is last+1 if all
// are evicted.
func (l *Log) Bounds(stream string) (first, last uint64) {
	l.mu.RLock()
	defer l.mu.RUnlock()
	s := l.streams[stream]
	if s == nil || s.head == 0 {
		return 0, 0
	}
	return s.first, s.head
}

// Read returns up to n blocks of a stream, beginning with the first whose seq
// is above after, and that seq. They follow without a hole, are 1 MiB together
// at most (but one at least) and are the caller's. With nothing above after,
// first is 0.
//
// Errors to branch on: ErrStream, ErrClosed, ErrSuspect (try later) and
// ErrDamaged.
func (l *Log) Read(stream string, after uint64, n int) (first uint64, blocks [][]byte, err error) {
	first, blocks, err = l.look(stream, after, n)
	if _, ok := errors.AsType[looked](err); ok {
		// A commit may be evicting what we look for, or the file is being opened
		// again. While nobody writes, what is not there is not there.
		l.write.Lock()
		defer l.write.Unlock()
		first, blocks, err = l.look(stream, after, n)
	}
	if err != nil {
		return 0, nil, fmt.Errorf("buffer: read %s after %d: %w", stream, after, err)
	}
	return first, blocks, nil
}

// looked is the error of a look that may end otherwise while nobody writes.
type looked struct{ error }

func (e looked) Unwrap() error { return e.error }

// look is a Read that can be misled by a commit beside it.
func (l *Log) look(stream string, after uint64, n int) (first uint64, blocks [][]byte, err error) {
	l.mu.RLock()
	closed, store, s := l.closed, l.store, l.streams[stream]
	var from, last uint64
	if s != nil {
		from, last = s.first, s.head
	}
	l.mu.RUnlock()
	switch {
	case closed:
		return 0, nil, ErrClosed
	case s == nil:
		return 0, nil, ErrStream
	case after >= last || n <= 0 || from > last:
		return 0, nil, nil
	case store == nil:
		return 0, nil, ErrSuspect
	}
	from = max(from, after+1)
	blocks, err = store.read(stream, from, last, n, readBytes)
	switch {
	case err != nil:
		return 0, nil, looked{err}
	case len(blocks) == 0:
		return 0, nil, looked{fmt.Errorf("%w: block is not there", ErrDamaged)}
	}
	return from, blocks, nil
}

// State returns a copy of the state the writer gave with its last Append, nil
// if it never gave any.
func (l *Log) State() []byte {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return bytes.Clone(l.state)
}

// Changed returns a channel that is closed by the next Append that brings
// blocks, and by Rotate. Take the channel, then read, then wait.
func (l *Log) Changed() <-chan struct{} {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return l.changed
}

// counters count since Open.
type counters struct {
	commits, failures, restores, evicted uint64

	appended int64 // bytes of blocks
	written  int64 // bytes, by stores that are closed
}

// leave lets go of the store, and keeps what it has counted. The log's mu is held.
func (l *Log) leave() {
	if l.store == nil {
		return
	}
	if l.store.broken.Load() {
		l.store = nil // its locks may be held for ever
		return
	}
	if u, err := l.store.usage(); err == nil {
		l.counters.written += u.written
	}
	l.store = nil
}

// Stats says how the log is doing. Counters count since Open.
type Stats struct {
	Budget    int64  // Options.MaxBytes
	FileBytes int64  // pages ever used; the file is about that long
	UsedBytes int64  // of those in use
	Commits   uint64 // transactions on disk
	Failures  uint64 // transactions that failed
	Restores  uint64 // times the file was opened again after a failed one
	Evicted   uint64 // blocks
	Appended  int64  // bytes of blocks
	Written   int64  // bytes, by transactions, the file system's own not counted
	Streams   map[string]StreamStats
}

// StreamStats says what a stream holds.
type StreamStats struct {
	First, Last uint64 // as of Bounds
	Blocks      uint64
	Bytes       int64 // of blocks
}

// Stats returns the present figures. FileBytes and UsedBytes are 0 while the
// log is closed or in doubt.
func (l *Log) Stats() Stats {
	l.mu.RLock()
	defer l.mu.RUnlock()
	s := Stats{
		Budget:   l.o.MaxBytes,
		Commits:  l.counters.commits,
		Failures: l.counters.failures,
		Restores: l.counters.restores,
		Evicted:  l.counters.evicted,
		Appended: l.counters.appended,
		Written:  l.counters.written,
		Streams:  map[string]StreamStats{},
	}
	for name, st := range l.streams {
		ss := StreamStats{Last: st.head, Blocks: st.blocks(), Bytes: st.bytes}
		if st.head > 0 {
			ss.First = st.first
		}
		s.Streams[name] = ss
	}
	if l.store == nil {
		return s
	}
	if u, err := l.store.usage(); err == nil {
		s.FileBytes = u.high * pageSize
		s.UsedBytes = (u.high - u.free) * pageSize
		s.Written += u.written
	}
	return s
}
