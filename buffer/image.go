package buffer

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
)

// This file reads a bbolt file (format 2) with plain reads, and believes
// nothing it finds there. bbolt maps the file and follows its pointers, so a
// damaged file makes it panic, in part on goroutines of its own where nobody
// can recover, and a truncated one ends in a fault. What passed here it can open.
//
// Numbers are in the byte order of the machine, as bbolt writes them.
//
//	page    id 8 | flags 2 | count 2 | overflow 4 | elements | keys and values
//	branch  pos 4 | key size 4 | page 8
//	leaf    flags 4 | pos 4 | key size 4 | value size 4
//	bucket  root page 8 | sequence 8 | (root page 0: a whole leaf page)
//	meta    magic 4 | version 4 | page size 4 | flags 4 | bucket 16 |
//	        freelist 8 | high water 8 | txid 8 | checksum 8
const (
	pageSize   = 4096 // ours on every system, so that a card can change machines
	pageHead   = 16
	elemSize   = 16
	bucketHead = 16
	metaLen    = 64

	flagBranch = 0x01
	flagLeaf   = 0x02
	flagBucket = 0x01 // of a leaf element

	metaMagic   = 0xED0CDAED
	metaVersion = 2
	noFreelist  = 1<<64 - 1

	maxDepth    = 24
	maxOverflow = (4*(MaxRecord+64) + MaxState) / pageSize
)

var order = binary.NativeEndian

// errImage is what is wrong with a file; the text says what.
var errImage = errors.New("bad file")

// errPageSize is for a meta page that bbolt would believe, but we do not.
var errPageSize = fmt.Errorf("%w: page size", errImage)

func badf(format string, args ...any) error {
	return fmt.Errorf("%w: %s", errImage, fmt.Sprintf(format, args...))
}

// meta is one of the two meta pages.
type meta struct {
	slot     int64
	root     uint64
	freelist uint64
	high     uint64 // first page never used
	txid     uint64
	raw      [metaLen]byte
}

func readMeta(r io.ReaderAt, slot int64) (meta, error) {
	m := meta{slot: slot}
	if _, err := r.ReadAt(m.raw[:], slot*pageSize+pageHead); err != nil {
		return m, badf("meta page %d: %v", slot, err)
	}
	b := m.raw[:]
	m.root = order.Uint64(b[16:])
	m.freelist = order.Uint64(b[32:])
	m.high = order.Uint64(b[40:])
	m.txid = order.Uint64(b[48:])
	sum := fnv.New64a()
	sum.Write(b[:56])
	switch {
	case order.Uint32(b) != metaMagic:
		return m, badf("meta page %d: not a log", slot)
	case order.Uint32(b[4:]) != metaVersion:
		return m, badf("meta page %d: version %d, want %d", slot, order.Uint32(b[4:]), metaVersion)
	case order.Uint64(b[56:]) != sum.Sum64():
		return m, badf("meta page %d: checksum does not match", slot)
	case order.Uint32(b[8:]) != pageSize:
		return m, fmt.Errorf("%w: %d, want %d", errPageSize, order.Uint32(b[8:]), pageSize)
	}
	return m, nil
}

// newestMeta returns the meta page of the last commit. It refuses when that one
// may be the unreadable one of the two: bbolt would quietly go on from the
// commit before, and sequence numbers that were given out would come again.
func newestMeta(r io.ReaderAt) (meta, error) {
	m0, err0 := readMeta(r, 0)
	m1, err1 := readMeta(r, 1)
	switch {
	case errors.Is(err0, errPageSize) || err0 != nil && err1 != nil:
		return m0, err0
	case errors.Is(err1, errPageSize):
		return m1, err1
	case err0 != nil && m0.txid+1 != m1.txid:
		return m1, fmt.Errorf("newest commit: %w", err0)
	case err1 != nil && m1.txid+1 != m0.txid:
		return m0, fmt.Errorf("newest commit: %w", err1)
	case err0 != nil || err1 == nil && m1.txid > m0.txid:
		return m1, nil
	}
	return m0, nil
}

// A visitor is told what walk finds. The slices are good during the call.
type visitor interface {
	bucket(name string, sequence uint64) error
	entry(key, value []byte) error
}

// image is a bbolt file at one meta page.
type image struct {
	r    io.ReaderAt
	meta meta
	seen []uint64 // a bit for each page
	bufs [][]byte // one for each depth
}

func newImage(r io.ReaderAt, size int64, m meta) (*image, error) {
	switch {
	case m.high > uint64(size)/pageSize:
		return nil, badf("%d bytes long, %d pages of %d needed", size, m.high, pageSize)
	case m.root < 2 || m.root >= m.high:
		return nil, badf("root page %d out of range", m.root)
	case m.freelist != noFreelist:
		return nil, badf("freelist page %d, want none", m.freelist)
	}
	return &image{r: r, meta: m, seen: make([]uint64, m.high/64+1), bufs: make([][]byte, maxDepth)}, nil
}

// walk goes through all buckets in order, and checks every page on the way:
// its identity, that it is used once, that keys ascend and lie where the pages
// above say.
func (im *image) walk(v visitor) error {
	return im.tree(im.meta.root, 0, func(flags uint32, name, value []byte, depth int) error {
		if flags != flagBucket {
			return badf("entry %q outside a bucket", name)
		}
		return im.bucket(name, value, depth, v)
	})
}

func (im *image) bucket(name, value []byte, depth int, v visitor) error {
	if len(value) < bucketHead {
		return badf("bucket %q of %d bytes", name, len(value))
	}
	root, sequence := order.Uint64(value), order.Uint64(value[8:])
	if err := v.bucket(string(name), sequence); err != nil {
		return err
	}
	entry := func(flags uint32, key, value []byte, _ int) error {
		if flags != 0 {
			return badf("bucket %q: entry with flags %#x", name, flags)
		}
		return v.entry(key, value)
	}
	var err error
	if root == 0 {
		err = im.leaf(value[bucketHead:], depth, &span{}, entry)
	} else {
		err = im.tree(root, depth+1, entry)
	}
	if err != nil {
		return fmt.Errorf("bucket %q: %w", name, err)
	}
	return nil
}

// entryFunc gets an entry of a leaf and the depth of that leaf.
type entryFunc func(flags uint32, key, value []byte, depth int) error

// span says which keys a page may hold: more than after (nil: any), from low on,
// below high (nil: any).
type span struct {
	low, high []byte
	after     []byte
	started   bool
}

func (s *span) next(key []byte) error {
	switch {
	case len(key) == 0:
		return badf("empty key")
	case bytes.Compare(key, s.low) < 0, s.high != nil && bytes.Compare(key, s.high) >= 0:
		return badf("key %x outside its page", key)
	case s.started && bytes.Compare(key, s.after) <= 0:
		return badf("key %x not in order", key)
	}
	s.after, s.started = append(s.after[:0], key...), true
	return nil
}

func (im *image) tree(id uint64, depth int, fn entryFunc) error {
	return im.node(id, depth, &span{}, fn)
}

func (im *image) node(id uint64, depth int, s *span, fn entryFunc) error {
	p, err := im.page(id, depth)
	if err != nil {
		return err
	}
	if order.Uint16(p[8:]) == flagLeaf {
		return im.leaf(p, depth, s, fn)
	}
	n := int(order.Uint16(p[10:]))
	if n == 0 || pageHead+n*elemSize > len(p) {
		return badf("page %d: %d branches", id, n)
	}
	key, err := branchKey(p, 0)
	for i := range n {
		if err != nil {
			return fmt.Errorf("page %d: %w", id, err)
		}
		child := order.Uint64(p[pageHead+i*elemSize+8:])
		low, high := key, s.high
		if i+1 < n {
			if key, err = branchKey(p, i+1); err != nil {
				return fmt.Errorf("page %d: %w", id, err)
			}
			high = key
		}
		if bytes.Compare(low, s.low) < 0 || high != nil && bytes.Compare(low, high) >= 0 {
			return badf("page %d: branch %d not in order", id, i)
		}
		outer := *s
		s.low, s.high = low, high
		err := im.node(child, depth+1, s, fn)
		s.low, s.high = outer.low, outer.high
		if err != nil {
			return err
		}
	}
	return nil
}

func branchKey(p []byte, i int) ([]byte, error) {
	e := pageHead + i*elemSize
	return part(p, e, uint64(order.Uint32(p[e:])), uint64(order.Uint32(p[e+4:])))
}

// part returns n bytes of p at at+pos.
func part(p []byte, at int, pos, n uint64) ([]byte, error) {
	from := uint64(at) + pos
	if from+n > uint64(len(p)) {
		return nil, badf("%d bytes at %d of %d", n, from, len(p))
	}
	return p[from : from+n : from+n], nil
}

// leaf goes through a leaf page or an inline bucket. s may be &span{}.
func (im *image) leaf(p []byte, depth int, s *span, fn entryFunc) error {
	if len(p) < pageHead || order.Uint16(p[8:]) != flagLeaf {
		return badf("not a leaf")
	}
	n := int(order.Uint16(p[10:]))
	if pageHead+n*elemSize > len(p) {
		return badf("%d entries in %d bytes", n, len(p))
	}
	for i := range n {
		e := pageHead + i*elemSize
		pos, k, v := uint64(order.Uint32(p[e+4:])), uint64(order.Uint32(p[e+8:])), uint64(order.Uint32(p[e+12:]))
		kv, err := part(p, e, pos, k+v)
		if err != nil {
			return err
		}
		if err := s.next(kv[:k]); err != nil {
			return err
		}
		if err := fn(order.Uint32(p[e:]), kv[:k:k], kv[k:], depth); err != nil {
			return err
		}
	}
	return nil
}

// overflow is how many pages page id goes on over; b is its first one, and high the first
// page never used. The error says why it is no page of a tree.
func overflow(b []byte, id, high uint64) (uint64, error) {
	flags, over := order.Uint16(b[8:]), uint64(order.Uint32(b[12:]))
	switch {
	case order.Uint64(b) != id:
		return 0, badf("page %d says it is page %d", id, order.Uint64(b))
	case flags != flagLeaf && flags != flagBranch:
		return 0, badf("page %d: flags %#x", id, flags)
	case over > maxOverflow || id+over >= high:
		return 0, badf("page %d: %d pages long", id, over+1)
	}
	return over, nil
}

// page reads a page with its overflow into the buffer of its depth.
func (im *image) page(id uint64, depth int) ([]byte, error) {
	if depth >= maxDepth {
		return nil, badf("page %d: deeper than %d", id, maxDepth)
	}
	if id < 2 || id >= im.meta.high {
		return nil, badf("page %d out of range", id)
	}
	b := im.bufs[depth]
	if cap(b) < pageSize {
		b = make([]byte, pageSize)
	}
	b = b[:pageSize]
	im.bufs[depth] = b
	if _, err := im.r.ReadAt(b, int64(id)*pageSize); err != nil {
		return nil, badf("page %d: %v", id, err)
	}
	over, err := overflow(b, id, im.meta.high)
	if err != nil {
		return nil, err
	}
	for k := id; k <= id+over; k++ {
		if im.seen[k/64]&(1<<(k%64)) != 0 {
			return nil, badf("page %d is used twice", k)
		}
		im.seen[k/64] |= 1 << (k % 64)
	}
	if over == 0 {
		return b, nil
	}
	whole := int(over+1) * pageSize
	if cap(b) < whole {
		b = append(make([]byte, 0, whole), b...)
	}
	b = b[:whole]
	im.bufs[depth] = b
	if _, err := im.r.ReadAt(b[pageSize:], int64(id+1)*pageSize); err != nil {
		return nil, badf("page %d: %v", id, err)
	}
	return b, nil
}
