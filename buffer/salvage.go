package buffer

import (
	"context"
	"fmt"
	"io"
	"os"
)

// A Scrap is what may be a block, wherever in a file it was found. Nothing says
// that it is one, or that it ever was in the log: pages keep what was in them when
// they were freed, and a commit that was cut short leaves pages that never counted.
// Whoever takes it has it prove itself.
type Scrap struct {
	Offset int64  // in the file
	Data   []byte // good during the call
}

// Scraps gives fn what may be a block on any page of the file at path, in the order
// of the file, whatever its trees say: all that stands under keys as streams have
// them, each by itself, so that what is damaged costs its neighbours nothing. step,
// if set, is called now and then with how much of the file was gone through.
//
// The file is locked meanwhile. Errors are those of Inspect, ctx's and fn's.
func Scraps(ctx context.Context, path string, step func(at, size int64), fn func(Scrap) error) error {
	f := &File{path: path}
	err := f.locked(func(file *os.File, size int64) error { return scan(ctx, file, size, step, fn) })
	if err != nil {
		return fmt.Errorf("buffer: scraps of %q: %w", path, err)
	}
	return nil
}

// scrapStep is after how many pages step is called.
const scrapStep = 64

func scan(ctx context.Context, r io.ReaderAt, size int64, step func(at, size int64), fn func(Scrap) error) error {
	var buf []byte
	for id := int64(0); id*pageSize < size; id++ {
		if id%scrapStep == 0 {
			if err := ctx.Err(); err != nil {
				return err
			}
			if step != nil {
				step(id*pageSize, size)
			}
		}
		var head [pageHead]byte
		if n, _ := r.ReadAt(head[:], id*pageSize); n < pageHead {
			continue // a part of the disk that cannot be read is no end
		}
		if order.Uint16(head[8:]) != flagLeaf || order.Uint16(head[10:]) == 0 {
			continue
		}
		long := (min(int64(order.Uint32(head[12:])), maxOverflow) + 1) * pageSize
		long = min(long, size-id*pageSize)
		if int64(cap(buf)) < long {
			buf = make([]byte, long)
		}
		n, _ := r.ReadAt(buf[:long], id*pageSize)
		if err := scrapsOf(buf[:n], id*pageSize, true, fn); err != nil {
			return err
		}
	}
	if step != nil {
		step(size, size)
	}
	return nil
}

// scrapsOf takes the entries of a leaf, and of small buckets within it. An entry
// that cannot be is left out by itself.
func scrapsOf(p []byte, at int64, buckets bool, fn func(Scrap) error) error {
	if len(p) < pageHead {
		return nil
	}
	for i := range int(order.Uint16(p[10:])) {
		e := pageHead + i*elemSize
		if e+elemSize > len(p) {
			return nil
		}
		flags, pos := order.Uint32(p[e:]), uint64(order.Uint32(p[e+4:]))
		k, v := uint64(order.Uint32(p[e+8:])), uint64(order.Uint32(p[e+12:]))
		kv, err := part(p, e, pos, k+v)
		if err != nil || v == 0 {
			continue
		}
		value, where := kv[k:], at+int64(e)+int64(pos+k)
		switch {
		case flags == flagBucket && buckets && v > bucketHead+pageHead:
			err = scrapsOf(value[bucketHead:], where+bucketHead, false, fn)
		case flags == 0 && k == 8 && v <= MaxRecord:
			err = fn(Scrap{where, value})
		default:
			err = nil
		}
		if err != nil {
			return err
		}
	}
	return nil
}
