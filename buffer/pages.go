package buffer

import (
	"bytes"
	"fmt"
	"io"
	"sort"
)

// Blocks are read by plain reads and not through bbolt's map of the file. A page of the
// map that is not in memory is fetched by a fault, and while that waits for a slow card,
// the processor that it happened on runs nothing else of this program: where there is only
// one, no instrument is asked meanwhile. A plain read gives the processor away.

// pages reads pages of the file. What it returns is good until the next page of that depth.
// It belongs to a transaction: as long as that is open, no page that it can reach changes.
type pages struct {
	file io.ReaderAt
	high uint64 // first page never used
	bufs [][]byte
}

// newPages reads a file of size bytes in a transaction.
func newPages(file io.ReaderAt, size int64) *pages {
	return &pages{file: file, high: uint64(size / pageSize)}
}

// get returns the value of a key below the page root, nil if there is none.
func (p *pages) get(root uint64, key []byte) ([]byte, error) {
	for id, depth := root, 0; ; depth++ {
		page, err := p.page(id, depth)
		if err != nil {
			return nil, err
		}
		n := int(order.Uint16(page[10:]))
		if n == 0 || pageHead+n*elemSize > len(page) {
			return nil, badf("page %d: %d entries", id, n)
		}
		if order.Uint16(page[8:]) == flagLeaf {
			return leafValue(page, n, key)
		}
		i := sort.Search(n-1, func(i int) bool { // the first whose successor is beyond the key
			next, e := branchKey(page, i+1)
			err = firstOf(err, e)
			return bytes.Compare(next, key) > 0
		})
		if err != nil {
			return nil, fmt.Errorf("page %d: %w", id, err)
		}
		id = order.Uint64(page[pageHead+i*elemSize+8:])
	}
}

func leafValue(page []byte, n int, key []byte) (value []byte, err error) {
	entry := func(i int) (k, v []byte) {
		e := pageHead + i*elemSize
		size := order.Uint32(page[e+8:])
		kv, bad := part(page, e, uint64(order.Uint32(page[e+4:])), uint64(size)+uint64(order.Uint32(page[e+12:])))
		if bad != nil {
			err = firstOf(err, bad)
			return nil, nil
		}
		return kv[:size], kv[size:]
	}
	i := sort.Search(n, func(i int) bool {
		k, _ := entry(i)
		return bytes.Compare(k, key) >= 0
	})
	if i < n {
		if k, v := entry(i); bytes.Equal(k, key) {
			value = v
		}
	}
	return value, err
}

func firstOf(a, b error) error {
	if a != nil {
		return a
	}
	return b
}

// page reads a page with its overflow, unless it was the last one read at that depth.
func (p *pages) page(id uint64, depth int) ([]byte, error) {
	if depth >= maxDepth {
		return nil, badf("page %d: deeper than %d", id, maxDepth)
	}
	if id < 2 || id >= p.high {
		return nil, badf("page %d out of range", id)
	}
	if depth == len(p.bufs) {
		p.bufs = append(p.bufs, make([]byte, pageSize))
	} else if b := p.bufs[depth]; order.Uint64(b) == id {
		return b, nil
	}
	b := p.bufs[depth][:pageSize]
	clear(b[:8]) // it is no page until all of it is here
	if _, err := p.file.ReadAt(b, int64(id)*pageSize); err != nil {
		return nil, badf("page %d: %v", id, err)
	}
	over, err := overflow(b, id, p.high)
	if err != nil {
		return nil, err
	}
	if over > 0 {
		b = append(make([]byte, 0, (over+1)*pageSize), b...)[:(over+1)*pageSize]
		if _, err := p.file.ReadAt(b[pageSize:], int64(id+1)*pageSize); err != nil {
			return nil, badf("page %d: %v", id, err)
		}
	}
	p.bufs[depth] = b
	return b, nil
}
