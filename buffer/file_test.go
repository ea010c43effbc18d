package buffer

import (
	"bytes"
	"context"
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// A file that nobody has open gives the same blocks as the log did, is not changed by
// that, and keeps nobody from opening the log between two reads.
func TestFile(t *testing.T) {
	o := testOptions()
	path := filepath.Join(t.TempDir(), "log.db")
	before, epoch := good(t, path, o)
	f, err := Inspect(path)
	if err != nil || f.Bad() != nil {
		t.Fatal(err, f.Bad())
	}
	if i := f.Info(); i.Epoch != epoch || i.Streams["live"] != (StreamStats{41, 260, 220, i.Streams["live"].Bytes}) ||
		len(i.Cursors) != 1 || i.Cursors[0] != (CursorInfo{"up", "live", 100, 160}) {
		t.Errorf("info %+v", i)
	}
	o.NoSync = true
	l, err := Open(path, o)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string][][]byte{}
	for _, name := range []string{"live", "stat", "event"} {
		if _, want[name], err = l.Read(name, 0, 1000); err != nil {
			t.Fatal(err)
		}
	}
	if i, j := l.Info(), f.Info(); i.Epoch != j.Epoch || i.Streams["live"] != j.Streams["live"] || len(i.Cursors) != 1 || i.Cursors[0] != j.Cursors[0] {
		t.Errorf("info %+v of the log, %+v of the file", i, j)
	}
	if _, _, _, err := f.Read("live", 0, 10); !errors.Is(err, ErrLocked) {
		t.Errorf("read of an open log: %v, want %v", err, ErrLocked)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	for name, blocks := range want {
		var after uint64
		for n := 0; n < len(blocks); {
			first, got, pages, err := f.Read(name, after, 7)
			if err != nil || len(got) == 0 || len(pages) != len(got) {
				t.Fatalf("%s after %d: %d blocks, %d pages, %v", name, after, len(got), len(pages), err)
			}
			for _, b := range got {
				if !bytes.Equal(b, blocks[n]) {
					t.Fatalf("%s %d is another block", name, first)
				}
				n++
			}
			after = first + uint64(len(got)) - 1
		}
		if first, got, _, err := f.Read(name, after, 7); first != 0 || len(got) > 0 || err != nil {
			t.Errorf("%s behind its end: %d, %d blocks, %v", name, first, len(got), err)
		}
	}
	if runs := f.Find("live", time.Time{}, time.Time{}); len(runs) != 1 || runs[0] != [2]uint64{41, 260} {
		t.Errorf("find: %v", runs)
	}
	if _, _, _, err := f.Read("none", 0, 1); !errors.Is(err, ErrStream) {
		t.Errorf("unknown stream: %v", err)
	}
	if after, _ := os.ReadFile(path); !bytes.Equal(after, before) && len(after) != len(before) {
		t.Error("the file was changed")
	}
	os.Remove(path)
	good(t, path, o)
	if _, _, _, err := f.Read("live", 0, 1); !errors.Is(err, ErrRotated) {
		t.Errorf("another file in its place: %v, want %v", err, ErrRotated)
	}
}

// blocksOn are the blocks of the newest commit that lie on pages which damage left as
// they were, by content.
func blocksOn(t *testing.T, file, damaged []byte) map[string]bool {
	t.Helper()
	m, err := newestMeta(bytes.NewReader(file))
	if err != nil {
		t.Fatal(err)
	}
	whole := map[string]bool{}
	_, leaves := pagesOf(t, file)
	for _, id := range leaves {
		at := int64(id) * pageSize
		end := at + (int64(order.Uint32(file[at+12:]))+1)*pageSize
		if end > int64(len(damaged)) || !bytes.Equal(file[at:end], damaged[at:end]) {
			continue
		}
		_ = scrapsOf(file[at:end], at, true, func(s Scrap) error {
			if bytes.Contains([]byte("livestatevent"), s.Data[:min(4, len(s.Data))]) {
				whole[string(s.Data)] = true
			}
			return nil
		})
	}
	if m.root == 0 || len(leaves) == 0 {
		t.Fatal("no pages")
	}
	return whole
}

// Whatever happens to a file, each block whose page is as it was is found: pages zeroed,
// overwritten, swapped, single bits flipped, the end cut off, meta pages gone.
func TestScrapsFindAllThatIsWhole(t *testing.T) {
	o := testOptions()
	file, _ := good(t, filepath.Join(t.TempDir(), "log.db"), o)
	if n := len(blocksOn(t, file, file)); n < 220+30+3 {
		t.Fatalf("%d blocks in a whole file", n)
	}
	for seed := range uint64(150) {
		r := rand.New(rand.NewPCG(seed, 7))
		b := bytes.Clone(file)
		pages := len(b) / pageSize
		for range 1 + r.IntN(12) {
			p := b[r.IntN(pages)*pageSize:][:pageSize]
			switch r.IntN(5) {
			case 0:
				clear(p)
			case 1:
				for i := range p {
					p[i] = byte(r.Uint32())
				}
			case 2:
				copy(p, b[r.IntN(pages)*pageSize:][:pageSize])
			default:
				p[r.IntN(pageSize)] ^= 1 << r.IntN(8)
			}
		}
		if r.IntN(4) == 0 {
			b = b[:r.IntN(len(b))]
		}
		if r.IntN(3) == 0 && len(b) > 2*pageSize {
			clear(b[:2*pageSize])
		}
		path := filepath.Join(t.TempDir(), "bad.db")
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
		found := map[string]bool{}
		err := Scraps(context.Background(), path, nil, func(s Scrap) error {
			if !bytes.Equal(b[s.Offset:][:len(s.Data)], s.Data) {
				t.Fatalf("seed %d: a scrap is not at byte %d", seed, s.Offset)
			}
			found[string(s.Data)] = true
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		lost := 0
		for block := range blocksOn(t, file, b) {
			if !found[block] {
				lost++
			}
		}
		if lost > 0 {
			t.Errorf("seed %d: %d blocks on whole pages were not found", seed, lost)
		}
		if f, err := Inspect(path); err != nil { // never more than an error
			t.Errorf("seed %d: %v", seed, err)
		} else if f.Bad() == nil {
			for name := range f.Info().Streams {
				if _, _, _, err := f.Read(name, 0, 5); err != nil {
					t.Errorf("seed %d: %v", seed, err)
				}
			}
		}
		if now, _ := os.ReadFile(path); !bytes.Equal(now, b) {
			t.Fatalf("seed %d: the file was changed", seed)
		}
	}
}

// Files beside one set aside go with it, and are no files set aside themselves.
func TestAsidesAndWhatIsBeside(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log.db")
	var names []string
	for i := range maxAside + 1 {
		name := path + ".aside-2026030" + string(rune('1'+i)) + "T000000"
		names = append(names, name)
		for _, end := range append([]string{""}, Beside...) {
			if err := os.WriteFile(name+end, make([]byte, 100*(i+1)), 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	got, err := Asides(path)
	if err != nil || len(got) != len(names) || got[0] != names[0] {
		t.Fatalf("%v, %v", got, err)
	}
	thinAsides(path, names[len(names)-1])
	if got, _ := Asides(path); len(got) != maxAside || got[0] != names[1] {
		t.Errorf("left: %v", got)
	}
	if left, _ := filepath.Glob(names[0] + "*"); len(left) > 0 {
		t.Errorf("left of the one removed: %v", left)
	}
	if left, _ := filepath.Glob(names[1] + "*"); len(left) != 1+len(Beside) {
		t.Errorf("left of another: %v", left)
	}
}
