package buffer

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"testing"
	"time"

	bolt "go.etcd.io/bbolt"
)

var t0 = time.Date(2026, 3, 1, 8, 0, 0, 0, time.UTC)

func testOptions() Options {
	return Options{
		MaxBytes: MinBytes,
		Streams: []StreamOptions{
			{Name: "live", MaxAge: time.Hour, Share: 0.6},
			{Name: "stat", MaxAge: 24 * time.Hour, Share: 0.2},
			{Name: "event"},
		},
		LockTimeout: 100 * time.Millisecond,
	}
}

// newLog opens a log in a new folder. When the test ends the log is closed,
// opened again and audited, whatever the test was about.
func newLog(t testing.TB, change ...func(*Options)) (*Log, string) {
	t.Helper()
	o := testOptions()
	for _, c := range change {
		c(&o)
	}
	path := filepath.Join(t.TempDir(), "log.db")
	return mustOpen(t, path, o), path
}

// mustOpen opens a log that is closed and audited when the test ends.
func mustOpen(t testing.TB, path string, o Options) *Log {
	t.Helper()
	l, err := Open(path, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
		if err := audit(path, o); err != nil {
			t.Errorf("audit: %v", err)
		}
	})
	return l
}

// audit opens a log and checks that the file is whole, that bbolt agrees, and
// that each stream holds its blocks without a hole.
func audit(path string, o Options) error {
	l, err := Open(path, o)
	if err != nil {
		return err
	}
	defer l.Close()
	if f := l.Former(); f != nil && f.Path != "" && f.Reason != "test" {
		return fmt.Errorf("log was set aside: %s", f.Reason)
	}
	err = l.store.db.View(func(tx *bolt.Tx) error {
		var errs []error
		for err := range tx.Check() {
			errs = append(errs, err)
		}
		return errors.Join(errs...)
	})
	if err != nil {
		return err
	}
	for name, s := range l.Stats().Streams {
		blocks, err := readAll(l, name)
		if err != nil {
			return err
		}
		var n int64
		for _, b := range blocks {
			n += int64(len(b))
		}
		if uint64(len(blocks)) != s.Blocks || n != s.Bytes {
			return fmt.Errorf("%s: %d blocks of %d bytes, stats say %+v", name, len(blocks), n, s)
		}
	}
	return nil
}

// readAll reads a stream in uneven pieces.
func readAll(l *Log, stream string) (map[uint64][]byte, error) {
	blocks := map[uint64][]byte{}
	first, last := l.Bounds(stream)
	next := first
	for after := uint64(0); ; {
		from, some, err := l.Read(stream, after, 1+int(after%7))
		if err != nil {
			return nil, err
		}
		if from == 0 {
			break
		}
		if from != next {
			return nil, fmt.Errorf("%s: read after %d began at %d, want %d", stream, after, from, next)
		}
		for _, b := range some {
			blocks[next] = b
			next++
		}
		after = next - 1
	}
	if last > 0 && next != last+1 {
		return nil, fmt.Errorf("%s: read ended at %d, head is %d", stream, next-1, last)
	}
	return blocks, nil
}

// block makes the block of a seq, the same each time.
func block(stream string, seq uint64, size int) []byte {
	head := fmt.Sprintf("%s %d ", stream, seq)
	b := append([]byte(head), bytes.Repeat([]byte{byte(seq*7 + uint64(len(stream)))}, size)...)
	return b[:max(size, len(head))]
}

func record(stream string, seq uint64, size int) Record {
	return Record{Stream: stream, Seq: seq, Time: t0.Add(time.Duration(seq) * 5 * time.Second), Data: block(stream, seq, size)}
}

// fill appends records from..to, some to a commit.
func fill(t testing.TB, l *Log, stream string, from, to uint64, size int) {
	t.Helper()
	for from <= to {
		var b Batch
		for ; from <= to && len(b.Records) < 20; from++ {
			b.Records = append(b.Records, record(stream, from, size))
		}
		if err := l.Append(b); err != nil {
			t.Fatalf("append %s to %d: %v", stream, from-1, err)
		}
	}
}

func mustBounds(t testing.TB, l *Log, stream string, first, last uint64) {
	t.Helper()
	if f, h := l.Bounds(stream); f != first || h != last {
		t.Errorf("Bounds(%s) = %d, %d, want %d, %d", stream, f, h, first, last)
	}
}

func mustHold(t testing.TB, l *Log, stream string, want map[uint64][]byte) {
	t.Helper()
	got, err := readAll(l, stream)
	if err != nil {
		t.Fatal(err)
	}
	if !maps.EqualFunc(got, want, bytes.Equal) {
		t.Errorf("%s holds %v, want %v", stream, slices.Sorted(maps.Keys(got)), slices.Sorted(maps.Keys(want)))
	}
}

func wantErr(t testing.TB, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Fatalf("error %v, want %v", err, want)
	}
}
