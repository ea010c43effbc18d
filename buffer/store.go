package buffer

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"runtime/debug"
	"strings"
	"sync/atomic"
	"syscall"

	bolt "go.etcd.io/bbolt"
	berrors "go.etcd.io/bbolt/errors"
)

// This is the one file that knows bbolt. The rest sees a store: changes go in
// whole or not at all, blocks come out as copies.

// store is an open bbolt file. Reads may run beside each other and beside one
// commit.
type store struct {
	db     *bolt.DB
	file   *os.File    // db's own; holds the lock
	reads  io.ReaderAt // file
	info   fs.FileInfo // of file, as it was when opened
	limits limits
	broken atomic.Bool // bbolt panicked while it wrote: its locks may be held for ever
	txid   uint64      // of the last good commit; owned by the committing goroutine

	commits atomic.Int64

	// Tests put a fault here; it is nil otherwise. It runs after a commit
	// reached the file and before it counts.
	fault func() error
}

// limits is the budget in pages.
type limits struct {
	size    int64 // of the file, bytes
	alloc   int64 // the file grows by that many bytes
	pages   int64 // highest number of pages that size lets bbolt have
	reserve int64 // of those kept for evictions and cursor moves
}

func limitsFor(size int64) limits {
	l := limits{size: size, alloc: min(max(size/128, 4*pageSize), 1<<20) &^ (pageSize - 1)}
	l.pages = (size-l.alloc)/pageSize - 2
	// Where an eviction leaves part of a page, up to four blocks are joined
	// again, and written: that must fit if they are of MaxRecord.
	l.reserve = max(4*MaxRecord/pageSize+32, l.pages/32)
	return l
}

// top is how many pages may be in use before evictions begin: somewhat below where Append
// refuses.
func (l limits) top() int64 { return l.pages - l.reserve - max(l.pages/64, 48) }

// openStore opens the locked file f, and owns it from then on, also when it
// fails. An empty f becomes an empty store.
func openStore(f *os.File, l limits, noSync bool) (*store, error) {
	s := &store{file: f, reads: f, limits: l}
	err := guard(func() (err error) {
		if s.info, err = f.Stat(); err != nil {
			return err
		}
		s.db, err = bolt.Open(f.Name(), 0o600, &bolt.Options{
			PageSize:       pageSize,
			NoFreelistSync: true,
			FreelistType:   bolt.FreelistMapType,
			MaxSize:        int(l.size),
			NoSync:         noSync,
			Timeout:        defaultLockTimeout, // f is locked already
			OpenFile:       func(string, int, os.FileMode) (*os.File, error) { return f, nil },
		})
		return err
	})
	if err != nil {
		unlock(f) // again, unless bbolt panicked
		if _, system := errors.AsType[syscall.Errno](err); !system && !errors.Is(err, ErrDamaged) {
			err = fmt.Errorf("%w: %w", ErrDamaged, err)
		}
		return nil, err
	}
	s.db.AllocSize = int(l.alloc)
	return s, nil
}

// guard runs fn and turns its panics, and faults in the mapped file, into
// ErrDamaged.
func guard(fn func() error) (err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("%w: %v", ErrDamaged, p)
		}
	}()
	return fn()
}

// change is what one commit does, in this order.
type change struct {
	evict map[string][2]uint64 // stream → first and last
	put   []Record
	meta  map[string][]byte // nil deletes
	index []indexChange
}

type indexChange struct {
	stream string
	mark   mark
	remove bool
}

func (c *change) empty() bool {
	return len(c.evict) == 0 && len(c.put) == 0 && len(c.meta) == 0
}

// commit applies c and returns how many bytes of blocks it evicted, by stream.
// After ErrFull the file is as before. After any other error it is in doubt.
func (s *store) commit(c *change) (freed map[string]int64, err error) {
	var tx *bolt.Tx
	err = guard(func() error {
		s.fetch(c)
		var err error
		if tx, err = s.db.Begin(true); err != nil {
			return err
		}
		id := uint64(tx.ID())
		if freed, err = s.apply(tx, c); err != nil {
			return errors.Join(err, tx.Rollback())
		}
		if err := tx.Commit(); err != nil {
			return s.failed(err)
		}
		if s.fault != nil {
			if err := s.fault(); err != nil {
				return err
			}
		}
		s.txid = id
		s.commits.Add(1)
		return nil
	})
	if errors.Is(err, ErrDamaged) {
		s.broken.Store(true)
	}
	return freed, err
}

// failed sorts the errors of a commit.
func (s *store) failed(err error) error {
	// bbolt passes some errors on as text only.
	if text, ok := strings.CutSuffix(err.Error(), syscall.ENOSPC.Error()); ok && !errors.Is(err, syscall.ENOSPC) {
		err = fmt.Errorf("%s%w", text, syscall.ENOSPC)
	}
	switch {
	case errors.Is(err, berrors.ErrMaxSizeReached):
		return fmt.Errorf("%w: at the budget of %d bytes", ErrFull, s.limits.size)
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		// If the meta page was not reached, the commit before is still the
		// newest, and nothing points to what was written.
		if s.newest() == s.txid {
			return fmt.Errorf("%w: %w", ErrFull, err)
		}
		return fmt.Errorf("%w: %w: %w", ErrSuspect, ErrFull, err)
	}
	return fmt.Errorf("%w: %w", ErrSuspect, err)
}

// newest returns the commit that a reader would see now.
func (s *store) newest() (txid uint64) {
	_ = s.db.View(func(tx *bolt.Tx) error {
		txid = uint64(tx.ID())
		return nil
	})
	return txid
}

func (s *store) apply(tx *bolt.Tx, c *change) (freed map[string]int64, err error) {
	if len(c.put) > 0 {
		if err := s.room(tx, c); err != nil {
			return nil, err
		}
	}
	freed = map[string]int64{}
	for name, r := range c.evict {
		b, err := bucket(tx, bucketStream+name)
		if err != nil {
			return nil, err
		}
		for seq := r[0]; seq <= r[1]; seq++ {
			key := seqKey(seq)
			freed[name] += int64(len(b.Get(key)))
			if err := b.Delete(key); err != nil {
				return nil, err
			}
		}
	}
	for _, r := range c.put {
		b, err := bucket(tx, bucketStream+r.Stream)
		if err != nil {
			return nil, err
		}
		if err := b.Put(seqKey(r.Seq), r.Data); err != nil {
			return nil, err
		}
		if err := b.SetSequence(r.Seq); err != nil {
			return nil, err
		}
	}
	if err := applyMeta(tx, c); err != nil {
		return nil, err
	}
	return freed, nil
}

func applyMeta(tx *bolt.Tx, c *change) error {
	for _, i := range c.index {
		b, err := bucket(tx, bucketIndex)
		if err != nil {
			return err
		}
		key, value := i.mark.entry(i.stream)
		if i.remove {
			err = b.Delete(key)
		} else {
			err = b.Put(key, value)
		}
		if err != nil {
			return err
		}
	}
	b, err := bucket(tx, bucketMeta)
	if err != nil {
		return err
	}
	for key, value := range c.meta {
		if value == nil {
			err = b.Delete([]byte(key))
		} else {
			err = b.Put([]byte(key), value)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// bucket gets or makes a bucket. Sequences grow, so pages are filled whole:
// that is set on the handle and does not last longer than the transaction.
func bucket(tx *bolt.Tx, name string) (*bolt.Bucket, error) {
	b := tx.Bucket([]byte(name))
	if b == nil {
		var err error
		if b, err = tx.CreateBucket([]byte(name)); err != nil {
			return nil, fmt.Errorf("make bucket %q: %w", name, err)
		}
	}
	b.FillPercent = 1
	return b, nil
}

// room refuses records that would eat into the reserve. To find out from bbolt's own error
// costs a scan of the whole file, and leaves evictions no page to be written to. The need
// is rounded up.
//
// It counts pages, and not whether they lie side by side: bbolt writes up to four blocks
// in one piece, and a block of 64 KB may find none that is long enough in a small file
// that is nearly full. bbolt's error tells then. With blocks of PackedSize it does not come
// to that, but while somebody reads: what was freed meanwhile cannot be used yet.
func (s *store) room(tx *bolt.Tx, c *change) error {
	need := s.need(tx, c)
	st := s.db.Stats()
	free := max(s.limits.pages-tx.Size()/pageSize, 0) + int64(st.FreePageN+st.PendingPageN)
	if need > free-s.limits.reserve {
		return fmt.Errorf("%w: %d of %d pages free, %d kept for evictions, %d needed",
			ErrFull, free, s.limits.pages, s.limits.reserve, need)
	}
	return nil
}

// need is about the pages that a commit writes: the new blocks, those that share a node with
// them or with evicted ones, what lies beside the blocks, and the way to the root.
func (s *store) need(tx *bolt.Tx, c *change) (pages int64) {
	sizes := map[string][]int{}
	for _, r := range c.put {
		if sizes[r.Stream] == nil {
			sizes[r.Stream] = tail(tx, r.Stream)
		}
		sizes[r.Stream] = append(sizes[r.Stream], len(r.Data))
	}
	for _, of := range sizes {
		pages += pagesFor(of)
	}
	for name, r := range c.evict {
		pages += pagesFor(ahead(tx, name, r[1]+1))
	}
	var meta []int
	for key, value := range c.meta {
		meta = append(meta, len(key)+len(value))
	}
	marks := map[string]int64{}
	for _, x := range c.index {
		marks[x.stream]++
	}
	for name, n := range marks { // side by side, in nodes that may be half empty
		pages += wholePages(2*n*int64(len(name)+itemSize+9)) + toRoot
	}
	return pages + pagesFor(meta) + toRoot
}

// tail returns the sizes of a stream's newest blocks, which share a node with the next.
func tail(tx *bolt.Tx, stream string) []int {
	sizes := make([]int, 0, 2*inNode)
	if b := tx.Bucket([]byte(bucketStream + stream)); b != nil {
		c := b.Cursor()
		for k, v := c.Last(); k != nil && len(sizes) < inNode; k, v = c.Prev() {
			sizes = append(sizes, len(v))
		}
	}
	return sizes
}

// ahead returns the sizes of the blocks from seq on, as far as they may be written anew
// when those before them go.
func ahead(tx *bolt.Tx, stream string, seq uint64) (sizes []int) {
	if b := tx.Bucket([]byte(bucketStream + stream)); b != nil {
		c := b.Cursor()
		for k, v := c.Seek(seqKey(seq)); k != nil && len(sizes) < joined; k, v = c.Next() {
			sizes = append(sizes, len(v))
		}
	}
	return sizes
}

// read copies up to n blocks from seq on, maxBytes at most but at least one.
// It stops at last and at the first seq that is missing.
func (s *store) read(name string, seq, last uint64, n, maxBytes int) (blocks [][]byte, err error) {
	err = guard(func() error {
		return s.db.View(func(tx *bolt.Tx) error {
			b := tx.Bucket([]byte(bucketStream + name))
			if b == nil {
				return nil
			}
			get, key := s.getter(tx, b), seqKey(seq)
			for ; seq <= last && len(blocks) < n; seq++ {
				key = binary.BigEndian.AppendUint64(key[:0], seq)
				v, err := get(key)
				if err != nil {
					return fmt.Errorf("%w: %w", ErrDamaged, err)
				}
				if maxBytes -= len(v); v == nil || maxBytes < 0 && len(blocks) > 0 {
					return nil
				}
				blocks = append(blocks, bytes.Clone(v))
			}
			return nil
		})
	})
	return blocks, err
}

// fetch brings the pages of blocks that c evicts into memory, see pages: they are the oldest
// of the log. What else bbolt looks at to commit was written not long ago. A page that
// cannot be read is no matter here: of a long block bbolt frees all but the first unread,
// and a card's bad spot in what is going to be deleted must not cost the whole log.
func (s *store) fetch(c *change) {
	if len(c.evict) == 0 {
		return
	}
	s.db.View(func(tx *bolt.Tx) error {
		for name, r := range c.evict {
			b := tx.Bucket([]byte(bucketStream + name))
			if b == nil {
				continue
			}
			get := s.getter(tx, b)
			for seq := r[0]; seq <= r[1]+joined; seq++ {
				get(seqKey(seq))
			}
		}
		return nil
	})
}

// getter returns what finds the values of a bucket.
func (s *store) getter(tx *bolt.Tx, b *bolt.Bucket) func(key []byte) ([]byte, error) {
	root := uint64(b.Root())
	if root == 0 { // a small bucket lies in the page that b came from
		return func(key []byte) ([]byte, error) { return b.Get(key), nil }
	}
	p := newPages(s.reads, tx.Size())
	return func(key []byte) ([]byte, error) { return p.get(root, key) }
}

// usage is how the pages of a store are used.
type usage struct {
	high    int64 // pages ever used
	free    int64 // of those not in use
	written int64 // bytes, since the store was opened
}

func (s *store) usage() (u usage, err error) {
	err = guard(func() error {
		return s.db.View(func(tx *bolt.Tx) error {
			st := s.db.Stats()
			u.high = tx.Size() / pageSize
			u.free = int64(st.FreePageN + st.PendingPageN)
			u.written = st.TxStats.GetPageAlloc() + s.commits.Load()*pageSize // each writes a meta page
			return nil
		})
	})
	return u, err
}

// isAt reports whether the store's file is still the one at path.
func (s *store) isAt(path string) bool {
	i, err := os.Stat(path)
	return err == nil && os.SameFile(i, s.info)
}

// close frees what can be freed. A broken store is left mapped: bbolt would
// wait for ever for a lock that its panic left behind.
func (s *store) close() error {
	if s.broken.Load() {
		return unlock(s.file)
	}
	return guard(s.db.Close)
}

func seqKey(seq uint64) []byte {
	return binary.BigEndian.AppendUint64(make([]byte, 0, 8), seq)
}
