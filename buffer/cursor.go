package buffer

import (
	"fmt"
)

// maxCursors bounds the cursors of a log.
const maxCursors = 32

// position is where a cursor stands in one stream.
type position struct {
	set     intervals
	changed uint64 // counts moves
	saved   uint64 // changed as of the last commit
}

// AddCursor says that name takes the given streams: what it has not
// acknowledged counts as unacknowledged from now on. A cursor that the file
// knows stands where it stood; a new one has nothing. A cursor that was in use
// once and is not added again is kept in the file and holds nothing back.
//
// The name is 1 to 64 bytes without NUL; the error is ErrOptions for others and
// beyond 32 cursors, ErrStream for a stream that the log does not have.
func (l *Log) AddCursor(name string, streams ...string) error {
	if !validName(name) {
		return fmt.Errorf("buffer: cursor %q: %w", name, ErrOptions)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, s := range streams {
		if l.streams[s] == nil {
			return fmt.Errorf("buffer: cursor %q: %w: %q", name, ErrStream, s)
		}
	}
	c := l.cursors[name]
	if c == nil {
		if len(l.cursors) == maxCursors {
			return fmt.Errorf("buffer: cursor %q: %w: more than %d cursors", name, ErrOptions, maxCursors)
		}
		c = map[string]*position{}
		l.cursors[name] = c
	}
	for _, s := range streams {
		if c[s] == nil {
			p := &position{set: l.known[name][s]}
			p.set.cut(l.streams[s].head)
			p.set.add(1, l.streams[s].first-1)
			c[s] = p
		}
	}
	return nil
}

// Acked returns up to which seq the cursor has the stream without a hole, and
// the runs (first and last) it has beyond. Evicted blocks count as had. A
// cursor that was not added has nothing.
func (l *Log) Acked(cursor, stream string) (upto uint64, runs [][2]uint64) {
	l.mu.RLock()
	defer l.mu.RUnlock()
	p := l.cursors[cursor][stream]
	if p == nil {
		return 0, nil
	}
	return p.set.upto(), p.set.beyond()
}

// Ack says that the cursor has from to to (both within) of the stream: at once
// in memory, and on disk with the next Append or Flush. What the log does not
// hold yet, and cursors that were not added, are left alone. With more than 256
// holes some acknowledgements are forgotten, so that blocks may be sent twice,
// never dropped.
//
// Numbers belong to an epoch: an acknowledgement of another one than the log's
// is left alone too.
func (l *Log) Ack(epoch, cursor, stream string, from, to uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	p := l.cursors[cursor][stream]
	if p == nil || epoch != l.epoch {
		return
	}
	if p.set.add(from, min(to, l.streams[stream].head)) {
		p.changed++
	}
}

// moves puts staged cursor moves into a change. It returns what to call once
// they are on disk. The log's mu is held; it is held again when saved is called.
func (l *Log) moves(into map[string][]byte) (saved func()) {
	counts := map[*position]uint64{}
	for cursor, c := range l.cursors {
		for name, p := range c {
			if p.changed != p.saved {
				into[keyCursor+cursor+"\x00"+name] = p.set.append([]byte{})
				counts[p] = p.changed
			}
		}
	}
	return func() {
		for p, n := range counts {
			p.saved = n
		}
	}
}
