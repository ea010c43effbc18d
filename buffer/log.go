package buffer

import (
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"maps"
	"math/bits"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"time"
)

// pressure says why the last Append found no room.
type pressure int

const (
	pressNone   pressure = iota
	pressDisk            // the disk is full
	pressBudget          // the file is
)

// Log is an open log. Make one with Open.
type Log struct {
	path string  // immutable
	o    Options // immutable
	log  *slog.Logger

	write  sync.Mutex // one Append, Flush, Rotate or Close at a time
	txid   uint64     // of the last good commit; guarded by write
	ruined error      // ErrDamaged, until Rotate; guarded by write

	mu       sync.RWMutex // guards all below; held for writing only with write held, but for cursors
	store    *store       // nil while in doubt, and when closed
	closed   bool
	epoch    string
	state    []byte
	former   *Former
	streams  map[string]*stream
	cursors  map[string]map[string]*position // name, stream
	known    map[string]map[string]intervals // cursors as the file had them at Open
	changed  chan struct{}
	pressed  pressure
	counters counters
}

// Open opens the log at path, or makes it. A file that cannot be trusted is
// renamed to path.aside-YYYYMMDDThhmmss (UTC; with .1, .2 … where that is
// taken), and a new one begins with a new epoch: see [Log.Former]. At most four
// such files are kept; the smallest are removed.
//
// Errors to branch on: ErrLocked, ErrPermission, ErrFull (the disk), ErrNoFolder
// and, for options out of range, ErrBudget and ErrOptions.
func Open(path string, o Options) (*Log, error) {
	if err := o.complete(bits.UintSize); err != nil {
		return nil, fmt.Errorf("buffer: open %q: %w", path, err)
	}
	if real, err := filepath.EvalSymlinks(path); err == nil {
		path = real // a new file must be made beside the old one
	}
	l := &Log{
		path: path, o: o, log: o.Logger,
		cursors: map[string]map[string]*position{},
		changed: make(chan struct{}),
	}
	if err := l.open(); err != nil {
		return nil, fmt.Errorf("buffer: open %q: %w", path, named(err))
	}
	return l, nil
}

func (l *Log) open() error {
	f, err := lockFile(l.path, 0, l.o.LockTimeout)
	if errors.Is(err, fs.ErrNotExist) {
		return l.openNew()
	}
	if errors.Is(err, syscall.EISDIR) {
		return l.begin(&content{}, "is a folder")
	}
	if err != nil {
		return err
	}
	info, err := f.Stat()
	if err != nil {
		f.Close()
		return err
	}
	c, m, err := l.load(f, info)
	if err != nil {
		defer f.Close() // and with it the lock, once the file has its new name
		if info.Mode().IsRegular() {
			c = salvage(f, info.Size())
		} else {
			c = &content{}
		}
		return l.begin(c, describe(err))
	}
	s, err := openStore(f, limitsFor(l.o.MaxBytes), l.o.NoSync)
	if errors.Is(err, ErrDamaged) {
		return l.begin(c, describe(err))
	}
	if err != nil {
		return err // such as no memory to map it: nothing is wrong with the file
	}
	l.use(s, c, m.txid)
	return nil
}

// load reads a whole file, and has the newest blocks verified.
func (l *Log) load(f *os.File, info fs.FileInfo) (*content, meta, error) {
	if !info.Mode().IsRegular() {
		return nil, meta{}, badf("not a file but %v", info.Mode().Type())
	}
	if info.Size() == 0 {
		return nil, meta{}, badf("empty file")
	}
	c, m, err := load(f, info.Size())
	if err != nil || l.o.Verify == nil {
		return c, m, err
	}
	for name, b := range c.newest {
		if err := l.o.Verify(b); err != nil {
			return nil, m, badf("stream %q: block %d: %v", name, c.streams[name].head, err)
		}
	}
	return c, m, nil
}

// openNew makes a log where there is none. A Rotate that was cut short may have
// left a whole one under the temporary name: that goes on, as it knows of the
// former.
func (l *Log) openNew() error {
	temp := l.path + ".new"
	f, err := lockFile(temp, 0, l.o.LockTimeout)
	if errors.Is(err, fs.ErrNotExist) {
		return l.begin(nil, "")
	}
	if err != nil {
		return err
	}
	info, err := f.Stat()
	if err != nil {
		f.Close()
		return err
	}
	c, m, err := l.load(f, info)
	if err != nil {
		f.Close()
		return l.begin(nil, "")
	}
	s, err := openStore(f, limitsFor(l.o.MaxBytes), l.o.NoSync)
	if err != nil {
		return err
	}
	if err := errors.Join(os.Rename(temp, l.path), syncFolder(l.path)); err != nil {
		s.close()
		return err
	}
	l.use(s, c, m.txid)
	return nil
}

// begin starts a new epoch in a new file, and sets aside what is at path. old is
// what is known of that, nil if this is the first log there.
func (l *Log) begin(old *content, reason string) error {
	var former *Former
	if old != nil {
		former = l.o.former(old)
		former.Reason = reason
		if _, err := os.Lstat(l.path); err == nil {
			former.Path = asideName(l.path, time.Now())
		}
	}
	s, c, err := l.make(former)
	if err != nil {
		return err
	}
	if err := l.place(former); err != nil {
		s.close()
		os.Remove(l.path + ".new")
		return err
	}
	l.use(s, c, s.txid)
	if former != nil {
		l.log.Warn("log set aside", "path", former.Path, "err", reason, "epoch", former.Epoch)
		for _, name := range thinAsides(l.path, former.Path) {
			l.log.Warn("old log set aside was removed", "path", name)
		}
	}
	return nil
}

// make writes a new log under the temporary name.
func (l *Log) make(former *Former) (*store, *content, error) {
	temp := l.path + ".new"
	f, err := lockFile(temp, os.O_CREATE, l.o.LockTimeout)
	if err != nil {
		return nil, nil, err
	}
	if err := f.Truncate(0); err != nil {
		f.Close()
		return nil, nil, err
	}
	s, err := openStore(f, limitsFor(l.o.MaxBytes), l.o.NoSync)
	if err != nil {
		os.Remove(temp)
		return nil, nil, err
	}
	c := &content{epoch: newEpoch(), former: former, streams: map[string]*stream{}}
	ch := &change{meta: map[string][]byte{keyVersion: []byte(version), keyEpoch: []byte(c.epoch)}}
	if former != nil {
		if ch.meta[keyFormer], err = json.Marshal(former); err != nil {
			panic(err) // it has no value that JSON cannot say
		}
	}
	if _, err := s.commit(ch); err != nil {
		s.close()
		os.Remove(temp)
		return nil, nil, err
	}
	return s, c, nil
}

// place gives a new log its name, after the old one got another.
func (l *Log) place(former *Former) error {
	if former != nil && former.Path != "" {
		if err := os.Rename(l.path, former.Path); err != nil {
			return err
		}
	}
	if err := os.Rename(l.path+".new", l.path); err != nil {
		if former != nil && former.Path != "" {
			err = errors.Join(err, os.Rename(former.Path, l.path))
		}
		return err
	}
	return syncFolder(l.path)
}

func newEpoch() string {
	var b [8]byte
	rand.Read(b[:])
	return hex.EncodeToString(b[:])
}

// use makes s, whose content is c, the store of the log.
func (l *Log) use(s *store, c *content, txid uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	s.txid = txid
	l.txid = txid
	l.ruined = nil
	l.leave()
	l.store = s
	l.epoch, l.state, l.former, l.known = c.epoch, c.state, c.former, c.cursors
	l.streams = maps.Clone(c.streams)
	for _, o := range l.o.Streams {
		if l.streams[o.Name] == nil {
			l.streams[o.Name] = &stream{first: 1}
		}
	}
	l.pressed = pressNone
}

func (l *Log) fresh() bool {
	for _, s := range l.streams {
		if s.head > 0 {
			return false
		}
	}
	return true
}

// Former returns what is known of the log that was set aside for this one, nil
// if none was. It is told by every Open until the new log has its first block.
// The caller must not change it.
func (l *Log) Former() *Former {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return l.former
}

// Fresh reports whether no block was appended in this epoch yet.
func (l *Log) Fresh() bool {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return l.fresh()
}

// Epoch returns the name of this log's life, 16 random hex digits.
func (l *Log) Epoch() string {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return l.epoch
}

// Rotate sets the present file aside as Open does, and goes on with a new one
// in a new epoch: no blocks, no state, and cursors, which stay, have nothing.
// Former says what was. After an error the log goes on as it was.
//
// Readers and those who acknowledge must not carry sequence numbers of the old
// epoch over: see [Log.Ack].
func (l *Log) Rotate(reason string) error {
	l.write.Lock()
	defer l.write.Unlock()
	if err := l.rotate(reason); err != nil {
		return fmt.Errorf("buffer: rotate: %w", named(err))
	}
	return nil
}

func (l *Log) rotate(reason string) error {
	l.mu.RLock()
	closed, old := l.closed, l.store
	c := &content{epoch: l.epoch, state: l.state, streams: maps.Clone(l.streams), newest: map[string][]byte{}}
	l.mu.RUnlock()
	if closed {
		return ErrClosed
	}
	for name, s := range c.streams {
		if old == nil || s.head < s.first {
			continue
		}
		if b, err := old.read(name, s.head, s.head, 1, MaxRecord); err == nil && len(b) == 1 {
			c.newest[name] = b[0]
		}
	}
	if err := l.begin(c, reason); err != nil {
		return err
	}
	l.mu.Lock()
	for _, cursor := range l.cursors {
		for _, p := range cursor {
			*p = position{}
		}
	}
	close(l.changed)
	l.changed = make(chan struct{})
	l.mu.Unlock()
	if old != nil {
		if err := old.close(); err != nil {
			l.log.Warn("old log did not close", "err", err)
		}
	}
	return nil
}

// Close commits staged cursor moves and closes the file. Reads under way end
// first. A second Close does nothing.
func (l *Log) Close() error {
	l.write.Lock()
	defer l.write.Unlock()
	l.mu.RLock()
	s := l.store
	l.mu.RUnlock()
	var err error
	if s != nil {
		err = l.flush()
	}
	l.mu.Lock()
	s = l.store // flush may have changed it
	l.closed, l.store = true, nil
	l.mu.Unlock()
	if s != nil {
		err = errors.Join(err, s.close())
	}
	if err != nil {
		return fmt.Errorf("buffer: close: %w", err)
	}
	return nil
}
