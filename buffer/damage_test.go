package buffer

import (
	"bytes"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	bolt "go.etcd.io/bbolt"
)

// good makes a log with something of everything in it, closes it, and returns
// its bytes and epoch. The trees have branches, and the newest blocks are at
// live 260, stat 30, event 3.
func good(t testing.TB, path string, o Options) (file []byte, epoch string) {
	t.Helper()
	o.NoSync = true
	l, err := Open(path, o)
	if err != nil {
		t.Fatal(err)
	}
	if err := l.AddCursor("up", "live"); err != nil {
		t.Fatal(err)
	}
	fill(t, l, "live", 1, 259, 1500)
	fill(t, l, "stat", 1, 30, 400)
	fill(t, l, "event", 1, 3, 60)
	l.Ack(l.Epoch(), "up", "live", 1, 100)
	b := Batch{
		Records: []Record{record("live", 260, 1500)}, State: []byte("heads at 260"),
		Evict: []Eviction{{Stream: "live", From: 1, To: 40}},
	}
	if err := l.Append(b); err != nil {
		t.Fatal(err)
	}
	epoch = l.Epoch()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if file, err = os.ReadFile(path); err != nil {
		t.Fatal(err)
	}
	return file, epoch
}

func verifyBlock(b []byte) error {
	if len(b) < 5 || bytes.ContainsAny(b[:5], "\xff") {
		return errors.New("hash does not match")
	}
	return nil
}

// pagesOf returns the pages of the newest commit by their flags, in tree order;
// the root page is the first leaf.
func pagesOf(t testing.TB, file []byte) (branches, leaves []uint64) {
	t.Helper()
	m, err := newestMeta(bytes.NewReader(file))
	if err != nil {
		t.Fatal(err)
	}
	im, err := newImage(bytes.NewReader(file), int64(len(file)), m)
	if err != nil {
		t.Fatal(err)
	}
	if err := im.walk(ignore{}); err != nil {
		t.Fatal(err)
	}
	leaves = []uint64{m.root}
	for id := uint64(2); id < m.high; id++ {
		if im.seen[id/64]&(1<<(id%64)) == 0 || id == m.root {
			continue
		}
		switch order.Uint16(file[id*pageSize+8:]) {
		case flagBranch:
			branches = append(branches, id)
		case flagLeaf:
			leaves = append(leaves, id)
		}
	}
	if len(branches) == 0 || len(leaves) < 10 {
		t.Fatalf("%d branches and %d leaves: too simple a file", len(branches), len(leaves))
	}
	return branches, leaves
}

type ignore struct{}

func (ignore) bucket(string, uint64) error { return nil }
func (ignore) entry(_, _ []byte) error     { return nil }

func TestOpenDamaged(t *testing.T) {
	o := testOptions()
	o.Verify = verifyBlock
	o.Hash = func(b []byte) string { return string(b[:min(len(b), 6)]) }
	file, epoch := good(t, filepath.Join(t.TempDir(), "log.db"), o)
	branches, leaves := pagesOf(t, file)
	m, _ := newestMeta(bytes.NewReader(file))

	at := func(page uint64, off int) int { return int(page)*pageSize + off }
	flip := func(off int) func([]byte) []byte {
		return func(b []byte) []byte { b[off] ^= 0xff; return b }
	}
	cut := func(n int) func([]byte) []byte {
		return func(b []byte) []byte { return b[:n] }
	}
	all := map[string]uint64{"live": 260, "stat": 30, "event": 3}
	newest := []byte("live 260 ")
	for _, c := range []struct {
		name   string
		damage func([]byte) []byte
		reason string            // part of it
		heads  map[string]uint64 // at least what can be told; nil: nothing
		hash   string            // of the newest live block
	}{
		{"empty", cut(0), "empty file", nil, ""},
		{"100 bytes", cut(100), "meta page", nil, ""},
		{"4096 bytes", cut(4096), "meta page", nil, ""},
		{"8192 bytes", cut(8192), "pages of 4096 needed", nil, ""},
		{"12288 bytes", cut(12288), "pages of 4096 needed", nil, ""},
		{"half", cut(len(file) / 2), "pages of 4096 needed", nil, ""},
		{"a page short", cut(int(m.high-1) * pageSize), "pages of 4096 needed", nil, ""},
		{"text", func([]byte) []byte { return bytes.Repeat([]byte("no log at all\n"), 5000) }, "not a log", nil, ""},
		{"zeros", func(b []byte) []byte { clear(b); return b }, "not a log", nil, ""},
		{"both metas", func(b []byte) []byte { b[pageHead+40] ^= 1; b[pageSize+pageHead+40] ^= 1; return b }, "checksum", all, "live 2"},
		{"newest meta", flip(int(m.slot)*pageSize + pageHead + 17), "newest commit", all, "live 2"},
		{"newest meta, its commit number", flip(int(m.slot)*pageSize + pageHead + 48), "newest commit", all, "live 2"},
		{"root page, number", flip(at(m.root, 0)), "says it is page", nil, ""},
		{"root page, flags", flip(at(m.root, 8)), "flags", nil, ""},
		{"root page, count", flip(at(m.root, 10)), "", nil, ""},
		{"branch, number", flip(at(branches[0], 1)), "says it is page", all, ""},
		{"branch, flags", flip(at(branches[0], 8)), "flags", all, ""},
		{"branch, count", flip(at(branches[0], 11)), "", all, ""},
		{"branch, child", flip(at(branches[0], pageHead+8+2)), "out of range", all, ""},
		{"branch, child used twice", func(b []byte) []byte {
			copy(b[at(branches[0], pageHead+elemSize+8):][:8], b[at(branches[0], pageHead+8):])
			return b
		}, "used twice", all, ""},
		{"leaf, number", flip(at(leaves[5], 0)), "says it is page", all, "live 2"},
		{"leaf, flags", flip(at(leaves[5], 9)), "flags", all, "live 2"},
		{"leaf, overflow", flip(at(leaves[5], 14)), "pages long", all, "live 2"},
		{"leaf, key", func(b []byte) []byte {
			e := at(leaves[5], pageHead)
			b[e+int(order.Uint32(b[e+4:]))+7] ^= 0x40
			return b
		}, "", all, "live 2"},
		{"leaf, position", flip(at(leaves[5], pageHead+5)), "", all, "live 2"},
		{"leaf, value size", flip(at(leaves[5], pageHead+13)), "", all, "live 2"},
		{"newest block", func(b []byte) []byte {
			for i := range b { // its copies in freed pages too
				if bytes.HasPrefix(b[i:], newest) {
					b[i] ^= 0xff
				}
			}
			return b
		}, "hash does not match", all, "\x93ive 2"},
		{"another program's file", func(b []byte) []byte {
			for _, s := range []int{0, 1} {
				order.PutUint32(b[s*pageSize+pageHead+4:], 3)
			}
			return b
		}, "version 3", all, "live 2"},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "log.db")
			if err := os.WriteFile(path, c.damage(bytes.Clone(file)), 0o600); err != nil {
				t.Fatal(err)
			}
			l, err := Open(path, o)
			if err != nil {
				t.Fatal(err)
			}
			defer l.Close()
			f := l.Former()
			if f == nil || !l.Fresh() || l.Epoch() == epoch || len(l.Epoch()) != 16 {
				t.Fatalf("former %v, fresh %v, epoch %s: want a new log", f, l.Fresh(), l.Epoch())
			}
			if !strings.Contains(f.Reason, c.reason) {
				t.Errorf("reason %q, want %q in it", f.Reason, c.reason)
			}
			if i, err := os.Stat(f.Path); err != nil || filepath.Dir(f.Path) != filepath.Dir(path) {
				t.Errorf("file set aside: %v, %v", i, err)
			}
			if c.heads != nil {
				got := map[string]uint64{}
				for name, h := range f.Heads {
					got[name] = h.Seq
				}
				if !maps.Equal(got, c.heads) || f.Epoch != epoch || string(f.State) != "heads at 260" {
					t.Errorf("former %+v, want heads %v of epoch %s", f, c.heads, epoch)
				}
				if h := f.Heads["live"].Hash; c.hash != "" && h != c.hash {
					t.Errorf("hash of live 260 %q, want %q", h, c.hash)
				}
			}
			fill(t, l, "live", 1, 3, 100)
			l.Close()
			if err := audit(path, o); err != nil {
				t.Error(err)
			}
		})
	}
}

// The meta pages, with the newest commit in either.
func TestNewestMeta(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log.db")
	o := testOptions()
	good(t, path, o)
	for round := range 2 {
		l := mustOpen(t, path, o)
		if err := l.Append(Batch{State: []byte{byte(round)}}); err != nil {
			t.Fatal(err)
		}
		l.Close()
		file, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		m, err := newestMeta(bytes.NewReader(file))
		if err != nil || m.txid != l.txid {
			t.Fatalf("commit %d, error %v, want %d", m.txid, err, l.txid)
		}
		damaged := func(slot int64, off int, v uint32, right bool) error {
			b := bytes.Clone(file)
			p := b[slot*pageSize+pageHead:]
			order.PutUint32(p[off:], v)
			if right {
				order.PutUint64(p[56:], sum(p[:56]))
			}
			got, err := newestMeta(bytes.NewReader(b))
			if err == nil && got.txid != m.txid {
				t.Errorf("round %d: went back to commit %d from %d", round, got.txid, m.txid)
			}
			return err
		}
		older := 1 - m.slot
		if err := damaged(older, 16, 99, false); err != nil {
			t.Errorf("round %d: the older page matters: %v", round, err)
		}
		for name, err := range map[string]error{
			"newest, root":      damaged(m.slot, 16, 99, false),
			"newest, magic":     damaged(m.slot, 0, 99, false),
			"newest, page size": damaged(m.slot, 8, 8192, true),
			"older, page size":  damaged(older, 8, 8192, true), // bbolt would believe it
		} {
			if err == nil {
				t.Errorf("round %d: %s: no error", round, name)
			}
		}
	}
}

// Whole files that no log would write.
func TestOpenWrongContent(t *testing.T) {
	o := testOptions()
	base := filepath.Join(t.TempDir(), "log.db")
	whole, _ := good(t, base, o)
	live := func(tx *bolt.Tx) *bolt.Bucket { return tx.Bucket([]byte("s:live")) }
	meta := func(tx *bolt.Tx) *bolt.Bucket { return tx.Bucket([]byte("meta")) }
	for _, c := range []struct {
		name   string
		edit   func(tx *bolt.Tx) error
		reason string
	}{
		{"nothing", func(tx *bolt.Tx) error { return nil }, ""},
		{"a hole", func(tx *bolt.Tx) error { return live(tx).Delete(seqKey(100)) }, "seq 101 after 99"},
		{"no newest block", func(tx *bolt.Tx) error { return live(tx).Delete(seqKey(260)) }, "ends at 259"},
		{"head behind", func(tx *bolt.Tx) error { return live(tx).SetSequence(250) }, "ends at 260"},
		{"head ahead", func(tx *bolt.Tx) error { return live(tx).SetSequence(270) }, "ends at 260"},
		{"head beyond all", func(tx *bolt.Tx) error { return live(tx).SetSequence(1 << 60) }, "head"},
		{"odd key", func(tx *bolt.Tx) error { return live(tx).Put([]byte("odd"), []byte("x")) }, "key 6f6464"},
		{"odd bucket", func(tx *bolt.Tx) error { _, err := tx.CreateBucket([]byte("odd")); return err }, "unknown bucket"},
		{"bucket within", func(tx *bolt.Tx) error { _, err := live(tx).CreateBucket([]byte("odd")); return err }, "flags"},
		{"no epoch", func(tx *bolt.Tx) error { return meta(tx).Delete([]byte(keyEpoch)) }, "no epoch"},
		{"later version", func(tx *bolt.Tx) error { return meta(tx).Put([]byte(keyVersion), []byte("2")) }, "version"},
		{"cursor", func(tx *bolt.Tx) error { return meta(tx).Put([]byte(keyCursor+"up\x00live"), []byte{0}) }, "cursor"},
		{"index", func(tx *bolt.Tx) error { return tx.Bucket([]byte("index")).Put([]byte("x"), nil) }, "index entry"},
	} {
		path := filepath.Join(t.TempDir(), "log.db")
		if err := os.WriteFile(path, whole, 0o600); err != nil {
			t.Fatal(err)
		}
		db, err := bolt.Open(path, 0o600, &bolt.Options{NoFreelistSync: true, NoSync: true})
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(db.Update(c.edit), db.Close()); err != nil {
			t.Fatal(err)
		}
		l, err := Open(path, o)
		if err != nil {
			t.Fatal(err)
		}
		l.Close()
		switch f := l.Former(); {
		case c.reason == "" && f != nil:
			t.Errorf("%s: set aside: %s", c.name, f.Reason)
		case c.reason != "" && (f == nil || !strings.Contains(f.Reason, c.reason)):
			t.Errorf("%s: former %+v, want %q in the reason", c.name, f, c.reason)
		}
	}
}

func TestSpan(t *testing.T) {
	for _, c := range []struct {
		name string
		s    span
		keys []string
		ok   bool
	}{
		{"ascending", span{}, []string{"a", "b", "ba", "c"}, true},
		{"twice", span{}, []string{"a", "a"}, false},
		{"back", span{}, []string{"b", "a"}, false},
		{"empty", span{}, []string{""}, false},
		{"at the edges", span{low: []byte("b"), high: []byte("d")}, []string{"b", "c"}, true},
		{"below", span{low: []byte("b"), high: []byte("d")}, []string{"a"}, false},
		{"above", span{low: []byte("b"), high: []byte("d")}, []string{"d"}, false},
	} {
		var err error
		for _, k := range c.keys {
			err = errors.Join(err, c.s.next([]byte(k)))
		}
		if (err == nil) != c.ok {
			t.Errorf("%s: %v, want ok %v", c.name, err, c.ok)
		}
	}
}

// Damage that costs nothing is none: what the log does not use, and the meta
// page before the newest.
func TestOpenHarmless(t *testing.T) {
	o := testOptions()
	file, epoch := good(t, filepath.Join(t.TempDir(), "log.db"), o)
	m, _ := newestMeta(bytes.NewReader(file))
	for name, off := range map[string]int{
		"older meta":       int(1-m.slot)*pageSize + pageHead + 17,
		"past high water":  int(m.high)*pageSize + 1,
		"rest of the meta": 2000,
	} {
		b := append(bytes.Clone(file), 0, 0, 0)
		b[off] ^= 0xff
		path := filepath.Join(t.TempDir(), "log.db")
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
		l := mustOpen(t, path, o)
		if l.Epoch() != epoch {
			t.Errorf("%s: set aside: %+v", name, l.Former())
		}
		mustBounds(t, l, "live", 41, 260)
	}
}

// A folder, a pipe and a link where the log should be.
func TestOpenNoFile(t *testing.T) {
	o := testOptions()
	dir := t.TempDir()
	path := filepath.Join(dir, "folder")
	if err := os.Mkdir(path, 0o700); err != nil {
		t.Fatal(err)
	}
	l := mustOpen(t, path, o)
	if f := l.Former(); f == nil || f.Reason != "is a folder" {
		t.Errorf("former %+v, want one that is a folder", f)
	}
	fill(t, l, "live", 1, 2, 10)

	link := filepath.Join(dir, "link")
	real := filepath.Join(t.TempDir(), "real.db")
	if err := os.Symlink(real, link); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(real, []byte("rubbish"), 0o600); err != nil {
		t.Fatal(err)
	}
	l = mustOpen(t, link, o)
	if f := l.Former(); f == nil || filepath.Dir(f.Path) != filepath.Dir(real) {
		t.Errorf("former %+v, want it beside %s", f, real)
	}
	fill(t, l, "live", 1, 2, 10)
}

// A half made log under the temporary name does not matter.
func TestOpenHalfMade(t *testing.T) {
	for _, rest := range []string{"", "rubbish", strings.Repeat("rubbish", 5000)} {
		path := filepath.Join(t.TempDir(), "log.db")
		if err := os.WriteFile(path+".new", []byte(rest), 0o600); err != nil {
			t.Fatal(err)
		}
		l := mustOpen(t, path, testOptions())
		if !l.Fresh() || l.Former() != nil {
			t.Errorf("fresh %v, former %+v, want a first log", l.Fresh(), l.Former())
		}
		fill(t, l, "live", 1, 2, 10)
		if _, err := os.Stat(path + ".new"); err == nil {
			t.Error("the temporary file is still there")
		}
	}
}

// No damage makes load or salvage panic, and what load lets through bbolt can
// open, check and write to.
func FuzzOpen(f *testing.F) {
	o := testOptions()
	o.NoSync = true
	file, _ := good(f, filepath.Join(f.TempDir(), "log.db"), o)
	branches, leaves := pagesOf(f, file)
	m, _ := newestMeta(bytes.NewReader(file))
	f.Add(uint32(0), []byte{}, uint32(8192))
	for _, page := range []uint64{0, 1, m.root, branches[0], leaves[3], leaves[len(leaves)-1]} {
		for _, off := range []uint32{0, 8, 10, 12, 16, 20, 24, 28, 32, 40, 64, 200} {
			f.Add(uint32(page)*pageSize+off, []byte{0xff, 1}, uint32(1<<31))
		}
	}
	f.Fuzz(func(t *testing.T, off uint32, patch []byte, cut uint32) {
		b := bytes.Clone(file)
		if int(off) < len(b) {
			copy(b[off:], patch)
		}
		// Meta pages with a right checksum, so that the rest of them is tried too;
		// their heads nobody reads but bbolt's check.
		for slot := range int64(2) {
			copy(b[slot*pageSize:], file[slot*pageSize:][:pageHead])
			p := b[slot*pageSize+pageHead:]
			if order.Uint32(p) == metaMagic {
				order.PutUint64(p[56:], sum(p[:56]))
			}
		}
		b = b[:min(len(b), int(cut))]
		r := bytes.NewReader(b)
		salvage(r, int64(len(b)))
		if _, _, err := load(r, int64(len(b))); err != nil {
			return
		}
		path := filepath.Join(t.TempDir(), "log.db")
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
		l, err := Open(path, o)
		if err != nil || l.Former() != nil {
			t.Fatalf("load let it through, Open did not: %v, %+v", err, l.Former())
		}
		_, head := l.Bounds("live")
		if err := l.Append(Batch{Records: []Record{record("live", head+1, 100)}}); err != nil {
			t.Fatal(err)
		}
		l.Close()
		if err := audit(path, o); err != nil {
			t.Fatal(err)
		}
	})
}

func sum(b []byte) uint64 {
	h := uint64(14695981039346656037)
	for _, c := range b {
		h = (h ^ uint64(c)) * 1099511628211
	}
	return h
}
