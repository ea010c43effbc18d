package buffer

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"syscall"
	"time"
)

// Record is a block on its way into the log.
type Record struct {
	Stream string
	Seq    uint64 // the stream's head plus one

	// Time is when the block was sealed, for retention by age. The zero Time
	// and times before 2020 mean that the clock was not to be trusted.
	Time time.Time

	Data []byte // 1 to MaxRecord bytes; kept only during Append
}

// Batch is what one Append does, all of it or nothing.
type Batch struct {
	Records []Record
	State   []byte     // the writer's own state; nil leaves what is there
	Evict   []Eviction // from Due
}

// Append writes the batch and all staged cursor moves in one transaction, and
// returns when they are on disk. After an error nothing of the batch can be
// seen and the same batch may be tried again.
//
// A record whose seq is on disk already counts as written if its bytes are the
// same, and as an eviction whose blocks are gone: so a batch whose fate is not
// known may be tried again too.
//
// Errors to branch on: ErrFull (make room, or wait for the disk), ErrSuspect
// (a write failed in a way that puts the file in doubt; try again), ErrDamaged
// (Rotate), ErrClosed; and ErrSeq, ErrStream, ErrSize, ErrRange, which are the
// caller's mistakes.
func (l *Log) Append(b Batch) error {
	l.write.Lock()
	defer l.write.Unlock()
	if err := l.ready(); err != nil {
		return fmt.Errorf("buffer: append: %w", err)
	}
	p, err := l.plan(b)
	if err == nil {
		err = l.commit(p)
	}
	if err != nil {
		return fmt.Errorf("buffer: append: %w", err)
	}
	return nil
}

// Flush commits staged cursor moves, if there are any, in a transaction of
// their own. Errors are those of Append.
func (l *Log) Flush() error {
	l.write.Lock()
	defer l.write.Unlock()
	if err := l.ready(); err != nil {
		return fmt.Errorf("buffer: flush: %w", err)
	}
	if err := l.flush(); err != nil {
		return fmt.Errorf("buffer: flush: %w", err)
	}
	return nil
}

func (l *Log) flush() error {
	p, err := l.plan(Batch{})
	if err != nil {
		return err
	}
	return l.commit(p)
}

// plan is a change, and what the log is after it.
type plan struct {
	change
	after map[string]*stream // those that change
	state []byte
	moved func() // see moves
}

func (p *plan) stream(l *Log, name string) (*stream, error) {
	if s := p.after[name]; s != nil {
		return s, nil
	}
	s := l.streams[name]
	if s == nil {
		return nil, fmt.Errorf("%w: %q", ErrStream, name)
	}
	c := *s
	c.marks = slices.Clone(s.marks)
	p.after[name] = &c
	return &c, nil
}

// plan checks the batch and turns it into a change.
func (l *Log) plan(b Batch) (*plan, error) {
	l.mu.RLock()
	defer l.mu.RUnlock()
	p := &plan{after: map[string]*stream{}}
	p.meta = map[string][]byte{}
	for _, e := range b.Evict {
		if err := p.evictOne(l, e); err != nil {
			return nil, err
		}
	}
	for _, r := range b.Records {
		if err := p.putOne(l, r); err != nil {
			return nil, err
		}
	}
	if len(b.State) > MaxState {
		return nil, fmt.Errorf("%w: state of %d bytes, at most %d", ErrSize, len(b.State), MaxState)
	}
	if b.State != nil {
		p.state = bytes.Clone(b.State)
		p.meta[keyState] = p.state
	}
	if len(p.put) > 0 && l.former != nil && l.fresh() {
		p.meta[keyFormer] = nil
	}
	p.moved = l.moves(p.meta)
	return p, nil
}

func (p *plan) evictOne(l *Log, e Eviction) error {
	s, err := p.stream(l, e.Stream)
	if err != nil {
		return err
	}
	if e.To < s.first && e.From <= e.To {
		return nil // gone already
	}
	if e.From > s.first || e.From > e.To || e.To > s.head {
		return fmt.Errorf("%w: %s %d to %d, holding %d to %d", ErrRange, e.Stream, e.From, e.To, s.first, s.head)
	}
	if p.evict == nil {
		p.evict = map[string][2]uint64{}
	}
	p.evict[e.Stream] = [2]uint64{l.streams[e.Stream].first, e.To}
	s.first = e.To + 1
	for len(s.marks) > 1 && s.marks[0].seq <= s.first { // says nothing of blocks that are left
		p.index = append(p.index, indexChange{stream: e.Stream, mark: s.marks[0], remove: true})
		s.marks = s.marks[1:]
	}
	return nil
}

func (p *plan) putOne(l *Log, r Record) error {
	s, err := p.stream(l, r.Stream)
	if err != nil {
		return err
	}
	switch {
	case len(r.Data) == 0 || len(r.Data) > MaxRecord:
		return fmt.Errorf("%w: %s %d has %d bytes, want 1 to %d", ErrSize, r.Stream, r.Seq, len(r.Data), MaxRecord)
	case r.Seq <= l.streams[r.Stream].head:
		return l.isThere(r)
	case r.Seq != s.head+1 || r.Seq > maxSeq:
		return fmt.Errorf("%w: %s %d, want %d", ErrSeq, r.Stream, r.Seq, s.head+1)
	}
	s.head = r.Seq
	s.bytes += int64(len(r.Data))
	p.put = append(p.put, r)

	var last *mark
	if n := len(s.marks); n > 0 {
		last = &s.marks[n-1]
	}
	if at := r.Time.UnixMilli(); wantsMark(last, r.Seq, at, l.maxAge(r.Stream)) {
		m := mark{r.Seq, at}
		p.index = append(p.index, indexChange{stream: r.Stream, mark: m})
		s.marks = append(s.marks, m)
	}
	return nil
}

// isThere returns nil if the log holds just that record.
func (l *Log) isThere(r Record) error {
	if r.Seq >= l.streams[r.Stream].first {
		b, err := l.store.read(r.Stream, r.Seq, r.Seq, 1, MaxRecord)
		if err != nil {
			return err
		}
		if len(b) == 1 && bytes.Equal(b[0], r.Data) {
			return nil
		}
	}
	return fmt.Errorf("%w: %s %d was given out, with other content", ErrSeq, r.Stream, r.Seq)
}

func (l *Log) maxAge(name string) time.Duration {
	for _, o := range l.o.Streams {
		if o.Name == name {
			return o.MaxAge
		}
	}
	return 0
}

// commit carries out a plan. write is held, and the store is there.
func (l *Log) commit(p *plan) error {
	if p.empty() {
		return nil
	}
	freed, err := l.store.commit(&p.change)
	if err != nil {
		return l.failed(err, len(p.put) > 0)
	}
	l.txid = l.store.txid

	l.mu.Lock()
	defer l.mu.Unlock()
	for name, n := range freed {
		p.after[name].bytes -= n
		l.counters.evicted += p.evict[name][1] - p.evict[name][0] + 1
	}
	maps.Copy(l.streams, p.after)
	for name := range p.evict {
		for _, c := range l.cursors {
			if s := c[name]; s != nil {
				s.set.add(1, l.streams[name].first-1)
			}
		}
	}
	if p.state != nil {
		l.state = p.state
	}
	p.moved()
	for _, r := range p.put {
		l.counters.appended += int64(len(r.Data))
	}
	l.counters.commits++
	if len(p.put) > 0 {
		l.pressed = pressNone
		close(l.changed)
		l.changed = make(chan struct{})
	}
	return nil
}

// failed takes note of a failed commit, and brings a file that is in doubt
// back if that can be done at once.
func (l *Log) failed(err error, blocks bool) error {
	l.mu.Lock()
	l.counters.failures++
	if errors.Is(err, ErrFull) && blocks {
		l.pressed = pressBudget
		if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) {
			l.pressed = pressDisk
		}
	}
	if errors.Is(err, ErrFull) && !errors.Is(err, ErrSuspect) {
		l.mu.Unlock()
		return err
	}
	s := l.store
	l.leave()
	l.mu.Unlock()

	l.log.Warn("log is in doubt after a failed write", "err", err)
	if cerr := s.close(); cerr != nil {
		l.log.Warn("log did not close", "err", cerr)
	}
	if rerr := l.restore(); rerr != nil {
		return fmt.Errorf("%w: %w", err, rerr)
	}
	return err
}

// ready returns nil when the log can be written to.
func (l *Log) ready() error {
	l.mu.RLock()
	closed, s := l.closed, l.store
	l.mu.RUnlock()
	switch {
	case closed:
		return ErrClosed
	case l.ruined != nil:
		return l.ruined
	case s == nil:
		return l.restore()
	case !s.isAt(l.path):
		return fmt.Errorf("%w: its file is no longer at %q", ErrDamaged, l.path)
	}
	return nil
}

// restore opens the file again after a failed commit, as the package comment
// tells. The error is ErrSuspect, or ErrDamaged for good.
func (l *Log) restore() error {
	f, err := lockFile(l.path, 0, l.o.LockTimeout)
	if errors.Is(err, fs.ErrNotExist) {
		l.ruined = fmt.Errorf("%w: its file is no longer at %q", ErrDamaged, l.path)
		return l.ruined
	}
	if err != nil {
		return fmt.Errorf("%w: %w", ErrSuspect, err)
	}
	c, err := l.back(f)
	var s *store
	if err != nil {
		f.Close()
	} else {
		s, err = openStore(f, limitsFor(l.o.MaxBytes), l.o.NoSync)
	}
	switch {
	case errors.Is(err, ErrDamaged):
		l.ruined = err
		return err
	case err != nil:
		return fmt.Errorf("%w: %w", ErrSuspect, err)
	}
	s.txid = l.txid
	l.mu.Lock()
	l.store = s
	l.counters.restores++
	for name, is := range c.streams {
		l.streams[name].bytes = is.bytes
	}
	l.mu.Unlock()
	l.log.Info("log is back after a failed write")
	return nil
}

// back brings the file to the last good commit and compares it with what the
// log knows.
func (l *Log) back(f fileAt) (*content, error) {
	if m, err := newestMeta(f); err != nil || m.txid != l.txid {
		if err := rewind(f, l.txid); err != nil {
			return nil, err
		}
	}
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	c, m, err := load(f, info.Size())
	switch {
	case err != nil:
		return nil, fmt.Errorf("%w: %w", ErrDamaged, err)
	case m.txid != l.txid || c.epoch != l.epoch:
		return nil, fmt.Errorf("%w: commit %d of epoch %s, want %d of %s", ErrDamaged, m.txid, c.epoch, l.txid, l.epoch)
	}
	for name, want := range l.streams {
		is := c.streams[name]
		if is == nil {
			is = &stream{first: 1}
		}
		if is.head != want.head || is.first != want.first {
			return nil, fmt.Errorf("%w: %s holds %d to %d, want %d to %d",
				ErrDamaged, name, is.first, is.head, want.first, want.head)
		}
	}
	return c, nil
}
