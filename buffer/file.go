package buffer

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"sort"
	"syscall"
	"time"
)

// Info is what a log holds.
type Info struct {
	Epoch     string
	FileBytes int64 // pages ever used
	UsedBytes int64 // of those in use
	Streams   map[string]StreamStats
	Cursors   []CursorInfo // by name and stream
	Former    *Former      // as of Log.Former
	State     []byte
}

// CursorInfo is where a cursor stands in a stream.
type CursorInfo struct {
	Name, Stream string
	UpTo         uint64 // has all of it up to here
	Lacks        uint64 // blocks, of those the log holds
}

// Info returns what the log holds. It holds a cursor too that was not added.
func (l *Log) Info() Info {
	stats := l.Stats()
	l.mu.RLock()
	defer l.mu.RUnlock()
	c := content{epoch: l.epoch, state: l.state, former: l.former, streams: l.streams, cursors: map[string]map[string]intervals{}}
	for name, streams := range l.known {
		c.cursors[name] = streams
	}
	for name, streams := range l.cursors {
		c.cursors[name] = map[string]intervals{}
		for stream, p := range streams {
			c.cursors[name][stream] = p.set
		}
	}
	i := c.info()
	i.FileBytes, i.UsedBytes = stats.FileBytes, stats.UsedBytes
	return i
}

func (c *content) info() Info {
	i := Info{Epoch: c.epoch, Streams: map[string]StreamStats{}, Former: c.former, State: bytes.Clone(c.state)}
	for name, s := range c.streams {
		i.Streams[name] = StreamStats{First: s.first, Last: s.head, Blocks: s.blocks(), Bytes: s.bytes}
	}
	for name, streams := range c.cursors {
		for stream, set := range streams {
			if s := c.streams[stream]; s != nil {
				ci := CursorInfo{Name: name, Stream: stream, UpTo: min(max(set.upto(), s.first-1), s.head)}
				ci.Lacks = s.head - ci.UpTo
				for _, r := range set.beyond() {
					if r[1] > ci.UpTo && r[0] <= s.head {
						ci.Lacks -= min(r[1], s.head) - max(r[0], ci.UpTo+1) + 1
					}
				}
				i.Cursors = append(i.Cursors, ci)
			}
		}
	}
	sort.Slice(i.Cursors, func(a, b int) bool {
		x, y := i.Cursors[a], i.Cursors[b]
		return x.Name < y.Name || x.Name == y.Name && x.Stream < y.Stream
	})
	return i
}

// A File is a log that nobody has open, to be looked at: nothing of it is changed,
// not even where it is damaged, and nothing it says is believed.
//
// The file is locked while it is read, and not in between, so that an agent that is
// started meanwhile gets its log. From then on the error is ErrLocked.
type File struct {
	path    string
	content *content
	info    Info
	bad     error
}

// Inspect reads all of the log at path once. A file that [Open] would set aside is
// no error: [File.Bad] says why. Errors to branch on: ErrLocked, ErrPermission,
// fs.ErrNotExist.
func Inspect(path string) (*File, error) {
	f := &File{path: path}
	err := f.locked(func(file *os.File, size int64) error {
		c, m, err := load(file, size)
		if err == nil {
			f.content = c
			f.info = c.info()
			f.info.FileBytes = int64(m.high) * pageSize
			return nil
		}
		f.bad = errors.New(describe(err))
		f.content = salvage(file, size)
		f.info = f.content.info()
		f.info.FileBytes = size
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("buffer: inspect %q: %w", path, err)
	}
	return f, nil
}

// Bad says why Open would set the file aside; nil if it would not.
func (f *File) Bad() error { return f.bad }

// Info returns what the file held when it was inspected. Of a bad one it is what
// could be read: heads, as a rule.
func (f *File) Info() Info { return f.info }

// Find is as [Log.Find].
func (f *File) Find(stream string, from, to time.Time) [][2]uint64 {
	return f.content.streams[stream].find(from, to)
}

// Read is as [Log.Read]; pages are the pages of the file, of 4096 bytes each, on
// which the blocks begin. Errors to branch on: ErrStream, ErrLocked, ErrRotated
// where the file is of another epoch than it was, and ErrDamaged.
func (f *File) Read(stream string, after uint64, n int) (first uint64, blocks [][]byte, pages []uint64, err error) {
	if f.bad != nil {
		return 0, nil, nil, fmt.Errorf("buffer: read %s: %w: %w", stream, ErrDamaged, f.bad)
	}
	err = f.locked(func(file *os.File, size int64) error {
		first, blocks, pages, err = f.read(file, size, stream, after, n)
		return err
	})
	if err != nil {
		return 0, nil, nil, fmt.Errorf("buffer: read %s after %d: %w", stream, after, err)
	}
	return first, blocks, pages, nil
}

var errEnough = errors.New("enough")

func (f *File) read(file *os.File, size int64, stream string, after uint64, n int) (first uint64, blocks [][]byte, pages []uint64, err error) {
	m, err := newestMeta(file)
	if err != nil {
		return 0, nil, nil, fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	im, err := newImage(file, size, m)
	if err != nil {
		return 0, nil, nil, fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	// The buckets first: below, their page's buffer is used again.
	buckets := map[string][]byte{}
	err = im.tree(m.root, 0, func(_ uint32, name, value []byte, _ int) error {
		buckets[string(name)] = bytes.Clone(value)
		return nil
	})
	if err == nil {
		err = f.sameEpoch(im, buckets[bucketMeta])
	}
	if err != nil {
		return 0, nil, nil, err
	}
	bucket := buckets[bucketStream+stream]
	if bucket == nil {
		return 0, nil, nil, fmt.Errorf("%w: %q", ErrStream, stream)
	}
	left := readBytes
	err = im.from(bucket, m.root, seqKey(after+1), func(page uint64, key, value []byte) error {
		if len(key) != 8 || len(blocks) == n || len(blocks) > 0 && left < len(value) {
			return errEnough
		}
		if seq := binary.BigEndian.Uint64(key); len(blocks) == 0 {
			first = seq
		} else if seq != first+uint64(len(blocks)) {
			return errEnough
		}
		left -= len(value)
		blocks, pages = append(blocks, bytes.Clone(value)), append(pages, page)
		return nil
	})
	if err != nil && !errors.Is(err, errEnough) {
		return 0, nil, nil, fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	return first, blocks, pages, nil
}

func (f *File) sameEpoch(im *image, bucket []byte) error {
	var epoch string
	err := im.from(bucket, 0, nil, func(_ uint64, key, value []byte) error {
		if string(key) == keyEpoch {
			epoch = string(value)
		}
		return nil
	})
	if err == nil && epoch != f.info.Epoch {
		err = ErrRotated
	}
	return err
}

// from goes through the entries of a bucket from key on. page is where they lie, or
// within for those that lie in the bucket's own entry.
func (im *image) from(bucket []byte, within uint64, key []byte, fn func(page uint64, key, value []byte) error) error {
	if len(bucket) < bucketHead {
		return badf("bucket of %d bytes", len(bucket))
	}
	root := order.Uint64(bucket)
	if root == 0 {
		return im.leafFrom(bucket[bucketHead:], within, key, fn)
	}
	return im.nodeFrom(root, 1, key, fn)
}

func (im *image) nodeFrom(id uint64, depth int, key []byte, fn func(uint64, []byte, []byte) error) error {
	p, err := im.page(id, depth)
	if err != nil {
		return err
	}
	if order.Uint16(p[8:]) == flagLeaf {
		return im.leafFrom(p, id, key, fn)
	}
	n := int(order.Uint16(p[10:]))
	if n == 0 || pageHead+n*elemSize > len(p) {
		return badf("page %d: %d branches", id, n)
	}
	for i := range n {
		if i+1 < n {
			next, err := branchKey(p, i+1)
			if err != nil {
				return err
			}
			if bytes.Compare(next, key) <= 0 {
				continue // all of this child is before key
			}
		}
		if err := im.nodeFrom(order.Uint64(p[pageHead+i*elemSize+8:]), depth+1, key, fn); err != nil {
			return err
		}
	}
	return nil
}

func (im *image) leafFrom(p []byte, id uint64, from []byte, fn func(uint64, []byte, []byte) error) error {
	return im.leaf(p, 0, &span{}, func(_ uint32, key, value []byte, _ int) error {
		if bytes.Compare(key, from) < 0 {
			return nil
		}
		return fn(id, key, value)
	})
}

// locked calls fn with the file, which nobody writes meanwhile.
func (f *File) locked(fn func(file *os.File, size int64) error) error {
	end := time.Now().Add(defaultLockTimeout)
	for {
		file, err := os.Open(f.path)
		if errors.Is(err, fs.ErrNotExist) {
			return err // of a new log it would be the folder that is missing
		}
		if err != nil {
			return named(err)
		}
		err = syscall.Flock(int(file.Fd()), syscall.LOCK_SH|syscall.LOCK_NB)
		if err == nil {
			defer file.Close()
			info, err := file.Stat()
			if err != nil {
				return err
			}
			if !info.Mode().IsRegular() {
				return fmt.Errorf("not a file but %v", info.Mode().Type())
			}
			return fn(file, info.Size())
		}
		file.Close()
		if !errors.Is(err, syscall.EWOULDBLOCK) && !errors.Is(err, syscall.EINTR) {
			return err
		}
		if !time.Now().Before(end) {
			return ErrLocked
		}
		time.Sleep(20 * time.Millisecond)
	}
}
