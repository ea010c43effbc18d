package buffer

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
)

// The buckets of the file. A stream's sequence (kept by bbolt in the bucket's
// header) is its head, so that the head outlives the eviction of its block.
const (
	bucketIndex  = "index" // stream, 0, seq → time: see mark
	bucketMeta   = "meta"  // small, so that it lies within the root page
	bucketStream = "s:"    // and the stream's name: seq → block

	keyVersion = "version"
	keyEpoch   = "epoch"
	keyFormer  = "former"
	keyState   = "state"
	keyCursor  = "c:" // and cursor, 0, stream → intervals

	version = "1"
)

// stream is what is known of a stream without reading its blocks.
type stream struct {
	head  uint64 // highest seq given out, 0 for none
	first uint64 // lowest seq held; head+1 for none
	bytes int64  // of the blocks held
	marks []mark
}

// blocks returns how many blocks the stream holds.
func (s *stream) blocks() uint64 { return s.head + 1 - s.first }

// content is all a log knows of its file but the blocks.
type content struct {
	epoch   string
	state   []byte
	former  *Former
	cursors map[string]map[string]intervals // cursor, stream
	streams map[string]*stream
	newest  map[string][]byte // stream → its newest block
}

// loader fills a content from a walk, and refuses what a log never writes.
type loader struct {
	content
	name string  // of the bucket
	cur  *stream // nil but in a stream's bucket
	seq  uint64  // of the last block
}

func load(r io.ReaderAt, size int64) (*content, meta, error) {
	m, err := newestMeta(r)
	if err != nil {
		return nil, m, err
	}
	im, err := newImage(r, size, m)
	if err != nil {
		return nil, m, err
	}
	l := &loader{content: content{
		cursors: map[string]map[string]intervals{},
		streams: map[string]*stream{},
		newest:  map[string][]byte{},
	}}
	if err := im.walk(l); err != nil {
		return nil, m, err
	}
	if err := l.done(); err != nil {
		return nil, m, err
	}
	if l.epoch == "" {
		return nil, m, badf("no epoch")
	}
	return &l.content, m, nil
}

func (l *loader) bucket(name string, sequence uint64) error {
	if err := l.done(); err != nil {
		return err
	}
	l.name = name
	switch s, ok := strings.CutPrefix(name, bucketStream); {
	case ok:
		if sequence > maxSeq {
			return badf("stream %q: head %d", s, sequence)
		}
		l.cur = l.stream(s)
		l.cur.head, l.cur.first = sequence, sequence+1
	case name != bucketIndex && name != bucketMeta:
		return badf("unknown bucket %q", name)
	}
	return nil
}

func (l *loader) stream(name string) *stream {
	s := l.streams[name]
	if s == nil {
		s = &stream{first: 1}
		l.streams[name] = s
	}
	return s
}

// done ends a bucket.
func (l *loader) done() error {
	if l.cur != nil && l.cur.first <= l.cur.head && l.seq != l.cur.head {
		return badf("bucket %q ends at %d, head is %d", l.name, l.seq, l.cur.head)
	}
	l.cur = nil
	return nil
}

func (l *loader) entry(key, value []byte) error {
	switch l.name {
	case bucketMeta:
		return l.metaEntry(string(key), value)
	case bucketIndex:
		name, m, ok := parseMark(key, value)
		if !ok {
			return badf("index entry %x", key)
		}
		s := l.stream(name)
		s.marks = append(s.marks, m)
		return nil
	}
	if len(key) != 8 {
		return badf("key %x", key)
	}
	seq := binary.BigEndian.Uint64(key)
	switch {
	case l.cur.first > l.cur.head && seq <= l.cur.head:
		l.cur.first = seq
	case l.cur.first > l.cur.head || seq != l.seq+1:
		return badf("seq %d after %d, head %d", seq, l.seq, l.cur.head)
	}
	l.seq = seq
	l.cur.bytes += int64(len(value))
	if seq == l.cur.head {
		l.newest[l.name[len(bucketStream):]] = bytes.Clone(value)
	}
	return nil
}

func (l *loader) metaEntry(key string, value []byte) error {
	switch {
	case key == keyVersion:
		if string(value) != version {
			return badf("log version %q, want %q", value, version)
		}
	case key == keyEpoch:
		l.epoch = string(value)
	case key == keyState:
		l.state = bytes.Clone(value)
	case key == keyFormer:
		l.former = new(Former)
		if err := json.Unmarshal(value, l.former); err != nil {
			return badf("former log: %v", err)
		}
	case strings.HasPrefix(key, keyCursor):
		cursor, name, _ := strings.Cut(key[len(keyCursor):], "\x00")
		set, err := parseIntervals(value)
		if err != nil {
			return badf("cursor %q: %v", cursor, err)
		}
		if l.cursors[cursor] == nil {
			l.cursors[cursor] = map[string]intervals{}
		}
		l.cursors[cursor][name] = set
	}
	return nil // a key of a later version is left alone
}

// scraps reads what it can of a file that load refused.
type scraps struct {
	loader
	best uint64 // sum of heads of the root page the state is from
}

func (s *scraps) bucket(name string, sequence uint64) error {
	s.name = name
	return nil
}

func (s *scraps) entry(key, value []byte) error {
	if s.name == bucketMeta {
		_ = s.metaEntry(string(key), value) // what cannot be read is left out
	}
	return nil
}

// salvage finds the heads of a damaged file, its epoch, the writer's state and
// the newest blocks, as far as they can be read. Each commit writes a root page
// with all heads, and freed pages keep what was in them; so where the tree is
// broken at the top, the highest heads of all root pages in the file are taken.
// They may then be those of a commit that was cut short.
func salvage(r io.ReaderAt, size int64) *content {
	s := &scraps{loader: loader{content: content{
		cursors: map[string]map[string]intervals{},
		streams: map[string]*stream{},
		newest:  map[string][]byte{},
	}}}
	m, err := newestMeta(r)
	if err != nil || !s.root(r, size, m.root) {
		for id := uint64(2); id < uint64(size)/pageSize; id++ {
			s.root(r, size, id)
		}
	}
	return &s.content
}

// root takes heads from page id if that looks like a root page.
func (s *scraps) root(r io.ReaderAt, size int64, id uint64) bool {
	pages := uint64(size) / pageSize
	fresh := func() *image {
		return &image{r: r, meta: meta{high: pages}, seen: make([]uint64, pages/64+1), bufs: make([][]byte, maxDepth)}
	}
	var head [pageHead]byte // most pages are no root pages: look before reading
	if _, err := r.ReadAt(head[:], int64(id)*pageSize); err != nil || order.Uint64(head[:]) != id ||
		order.Uint16(head[8:]) != flagLeaf || order.Uint16(head[10:]) > 4*maxStreams {
		return false
	}
	im := fresh()
	p, err := im.page(id, 0)
	if err != nil {
		return false
	}
	heads := map[string]uint64{}
	roots := map[string]uint64{}
	var metaBucket []byte
	err = im.leaf(p, 0, &span{}, func(flags uint32, name, value []byte, _ int) error {
		if flags != flagBucket || len(value) < bucketHead {
			return errImage
		}
		if string(name) == bucketMeta {
			metaBucket = value
		}
		if n, ok := strings.CutPrefix(string(name), bucketStream); ok {
			heads[n] = order.Uint64(value[8:])
			roots[n] = order.Uint64(value)
		}
		return nil
	})
	if err != nil || metaBucket == nil {
		return false
	}
	var sum uint64
	for name, h := range heads {
		if h > maxSeq {
			return false
		}
		sum += h
		if st := s.stream(name); h > st.head {
			st.head, st.first = h, h+1
			delete(s.newest, name)
		}
	}
	if sum < s.best {
		return true
	}
	s.best = sum
	_ = fresh().bucket([]byte(bucketMeta), metaBucket, 1, s)
	// The values lie in p, which the images made by fresh do not touch.
	_ = im.leaf(p, 0, &span{}, func(_ uint32, name, value []byte, _ int) error {
		n, ok := strings.CutPrefix(string(name), bucketStream)
		if !ok || heads[n] == 0 {
			return nil
		}
		if b, ok := fresh().lookup(value, heads[n]); ok {
			s.newest[n] = b
		}
		return nil
	})
	return true
}

var errFound = errors.New("found")

// lookup finds the block of a seq in a bucket, going down along the right edge.
func (im *image) lookup(bucket []byte, seq uint64) (block []byte, ok bool) {
	id := order.Uint64(bucket)
	p := bucket[bucketHead:]
	for depth := 1; id != 0; depth++ {
		var err error
		if p, err = im.page(id, depth); err != nil {
			return nil, false
		}
		n := int(order.Uint16(p[10:]))
		if order.Uint16(p[8:]) == flagLeaf {
			break
		}
		if n == 0 || pageHead+n*elemSize > len(p) {
			return nil, false
		}
		if id = order.Uint64(p[pageHead+(n-1)*elemSize+8:]); id == 0 {
			return nil, false
		}
	}
	err := im.leaf(p, 0, &span{}, func(_ uint32, key, value []byte, _ int) error {
		if len(key) == 8 && binary.BigEndian.Uint64(key) == seq {
			block = bytes.Clone(value)
			return errFound
		}
		return nil
	})
	return block, errors.Is(err, errFound)
}

// describe is the short reason for setting a file aside.
func describe(err error) string {
	return strings.TrimPrefix(fmt.Sprint(err), errImage.Error()+": ")
}
