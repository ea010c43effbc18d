package buffer

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"syscall"
	"testing"

	bolt "go.etcd.io/bbolt"
)

// Plain reads find what bbolt's own cursor finds, in trees of one page, of many, and with
// values longer than a page, and nothing beside it.
func TestPagesAgreeWithBolt(t *testing.T) {
	for _, c := range []struct {
		blocks uint64
		size   int
	}{{1, 3000}, {3, 2000}, {700, 500}, {4000, 20}, {40, 9000}} {
		t.Run(fmt.Sprintf("%dx%d", c.blocks, c.size), func(t *testing.T) {
			l, _ := newLog(t, noSync)
			fill(t, l, "live", 1, c.blocks, c.size)
			if c.blocks > 1 {
				if err := l.Append(Batch{Evict: []Eviction{{Stream: "live", From: 1, To: c.blocks / 3}}}); err != nil {
					t.Fatal(err)
				}
			}
			err := l.store.db.View(func(tx *bolt.Tx) error {
				b := tx.Bucket([]byte(bucketStream + "live"))
				if b.Root() == 0 {
					t.Fatal("the bucket has no page of its own: nothing is tested")
				}
				p := newPages(l.store.file, tx.Size())
				for seq := range c.blocks + 3 {
					got, err := p.get(uint64(b.Root()), seqKey(seq))
					if want := b.Get(seqKey(seq)); err != nil || !bytes.Equal(got, want) {
						t.Errorf("block %d: %d bytes, %v, want %d", seq, len(got), err, len(want))
					}
				}
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
		})
	}
}

// A page that is not what the one above says is damage, and no other page's content.
func TestPagesDamaged(t *testing.T) {
	l, path := newLog(t, noSync)
	fill(t, l, "live", 1, 100, 500)
	var root int64
	if err := l.store.db.View(func(tx *bolt.Tx) error {
		root = int64(tx.Bucket([]byte(bucketStream + "live")).Root())
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		what string
		at   int64
		with []byte
	}{
		{"number", 0, []byte{1, 2, 3, 4, 5, 6, 7, 8}},
		{"kind", 8, []byte{0x10, 0x10}},
		{"count", 10, []byte{0xFF, 0xFF}},
		{"length", 12, []byte{0xFF, 0xFF, 0xFF, 0xFF}},
		{"child", pageHead + 8, []byte{0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF}},
		{"place of a key", pageHead + elemSize, []byte{0xFF, 0xFF, 0xFF, 0xFF}},
	} {
		t.Run(c.what, func(t *testing.T) {
			undo := overwrite(t, path, root*pageSize+c.at, c.with)
			defer undo()
			if _, _, err := l.Read("live", 0, 1); !errors.Is(err, ErrDamaged) {
				t.Errorf("error is %v, want ErrDamaged", err)
			}
		})
	}
	if _, b, err := l.Read("live", 0, 100); err != nil || len(b) != 100 {
		t.Errorf("mended: %d blocks, %v", len(b), err)
	}
}

// What is evicted is fetched by plain reads before bbolt's map of the file is touched.
func TestEvictionFetches(t *testing.T) {
	l, _ := newLog(t, noSync)
	fill(t, l, "live", 1, 100, 500)
	n := &counted{ReaderAt: l.store.reads}
	l.store.reads = n
	if err := l.Append(Batch{Evict: []Eviction{{Stream: "live", From: 1, To: 50}}}); err != nil {
		t.Fatal(err)
	}
	if n.reads < 50*500/pageSize {
		t.Errorf("%d pages fetched for 50 blocks of 500 bytes", n.reads)
	}
}

// A spot of the card that cannot be read, in a long block that is evicted, ends no log.
func TestEvictionOfUnreadable(t *testing.T) {
	l, _ := newLog(t, noSync)
	fill(t, l, "live", 1, 40, 9000)
	l.store.reads = unreadable{}
	if err := l.Append(Batch{Evict: []Eviction{{Stream: "live", From: 1, To: 20}}}); err != nil {
		t.Fatal(err)
	}
	l.store.reads = l.store.file
	if first, b, err := l.Read("live", 20, 100); err != nil || first != 21 || len(b) != 20 {
		t.Errorf("from %d: %d blocks, %v", first, len(b), err)
	}
}

type unreadable struct{}

func (unreadable) ReadAt([]byte, int64) (int, error) { return 0, syscall.EIO }

type counted struct {
	io.ReaderAt
	reads int
}

func (c *counted) ReadAt(b []byte, at int64) (int, error) {
	c.reads++
	return c.ReaderAt.ReadAt(b, at)
}

// overwrite changes bytes of a file, and returns what puts the former back.
func overwrite(t *testing.T, path string, at int64, with []byte) (undo func()) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	was := make([]byte, len(with))
	if _, err := f.ReadAt(was, at); err != nil {
		t.Fatal(err)
	}
	write := func(b []byte) {
		if _, err := f.WriteAt(b, at); err != nil {
			t.Error(err)
		}
	}
	write(with)
	return func() {
		write(was)
		f.Close()
	}
}
