package buffer

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

var errInjected = errors.New("injected")

// swap puts another file under the descriptor of the log's file, as if the disk
// had changed its mind, and returns how to undo that.
func swap(t *testing.T, l *Log, path string) (undo, forget func()) {
	t.Helper()
	fd := int(l.store.file.Fd())
	keep, err := syscall.Dup(fd) // the lock stays with it
	if err != nil {
		t.Fatal(err)
	}
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Skipf("no %s here: %v", path, err)
	}
	if err := syscall.Dup3(int(f.Fd()), fd, syscall.O_CLOEXEC); err != nil {
		t.Fatal(err)
	}
	f.Close()
	undo = func() {
		if err := syscall.Dup3(keep, fd, syscall.O_CLOEXEC); err != nil {
			t.Fatal(err)
		}
		syscall.Close(keep)
	}
	return undo, func() { syscall.Close(keep) }
}

// The meta page of a commit is in the file, but its sync failed: whoever maps
// the file sees the commit. It must not be built upon.
func TestFailedSyncAfterMeta(t *testing.T) {
	l, path := newLog(t)
	fill(t, l, "live", 1, 10, 500)
	if err := l.Append(Batch{State: []byte("ten")}); err != nil {
		t.Fatal(err)
	}
	before := map[uint64][]byte{}
	for k := uint64(1); k <= 10; k++ {
		before[k] = block("live", k, 500)
	}
	b := Batch{Records: []Record{record("live", 11, 500)}, State: []byte("eleven"), Evict: []Eviction{{Stream: "live", From: 1, To: 3}}}
	l.store.fault = func() error { return syscall.EIO }
	wantErr(t, l.Append(b), syscall.EIO)
	mustHold(t, l, "live", before)
	if string(l.State()) != "ten" {
		t.Errorf("state %q, want ten", l.State())
	}
	if s := l.Stats(); s.Restores != 1 || s.Failures != 1 {
		t.Errorf("stats %+v, want one failure and one restore", s)
	}

	// A process that starts now sees what this one says.
	l.Close()
	o := testOptions()
	l = mustOpen(t, path, o)
	mustHold(t, l, "live", before)

	// Other content under the same number is fine, as nobody saw the first; the
	// same batch again is too.
	l.store.fault = func() error { return syscall.EIO }
	wantErr(t, l.Append(b), syscall.EIO)
	for range 2 {
		if err := l.Append(b); err != nil {
			t.Fatal(err)
		}
	}
	mustBounds(t, l, "live", 4, 11)
}

// The disk stays away for a while: ErrSuspect until it is back.
func TestFailedSyncThenNoFile(t *testing.T) {
	l, path := newLog(t)
	fill(t, l, "live", 1, 10, 500)
	b := Batch{Records: []Record{record("live", 11, 500)}}
	l.store.fault = func() error { // and from now on nobody can open the file
		if err := errors.Join(os.Rename(path, path+".x"), os.Symlink(path, path)); err != nil {
			t.Error(err)
		}
		return syscall.EIO
	}
	err := l.Append(b)
	wantErr(t, err, syscall.EIO)
	wantErr(t, err, ErrSuspect)
	_, _, err = l.Read("live", 0, 1)
	wantErr(t, err, ErrSuspect)
	err = l.Append(b)
	wantErr(t, err, ErrSuspect)
	wantErr(t, err, syscall.ELOOP)
	mustBounds(t, l, "live", 1, 10)
	if err := os.Rename(path+".x", path); err != nil {
		t.Fatal(err)
	}
	if err := l.Append(b); err != nil {
		t.Fatal(err)
	}
	mustBounds(t, l, "live", 1, 11)
}

// failFile refuses to be written or synced.
type failFile struct {
	*os.File
	write, sync error
}

func (f failFile) WriteAt(b []byte, off int64) (int, error) {
	if f.write != nil {
		return 0, f.write
	}
	return f.File.WriteAt(b, off)
}

func (f failFile) Sync() error { return f.sync }

func TestBack(t *testing.T) {
	l, path := newLog(t)
	fill(t, l, "live", 1, 10, 500)
	l.Close()
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	good, epoch := l.txid, l.epoch

	// As it is.
	if _, err := l.back(failFile{f, errInjected, errInjected}); err != nil {
		t.Errorf("nothing to undo: %v", err)
	}
	// One commit more than was acknowledged, and a disk that still refuses.
	l.txid = good - 1
	for _, ff := range []failFile{{f, errInjected, nil}, {f, nil, errInjected}} {
		m0, _ := readMeta(f, 0)
		m1, _ := readMeta(f, 1)
		_, err = l.back(ff)
		wantErr(t, err, errInjected)
		f.WriteAt(m0.raw[:], pageHead)
		f.WriteAt(m1.raw[:], pageSize+pageHead)
	}
	// One commit less than was acknowledged: the disk lied.
	l.txid = good + 1
	_, err = l.back(f)
	wantErr(t, err, ErrDamaged)
	// The right commit of another log.
	l.txid = good
	l.epoch = "another"
	_, err = l.back(f)
	wantErr(t, err, ErrDamaged)
	// The right one, with other bounds.
	_, m, err := load(f, 1<<40)
	if err != nil || m.txid != good {
		t.Fatalf("commit %d, %v, want %d", m.txid, err, good)
	}
	l.epoch = epoch
	l.streams["live"].head++
	_, err = l.back(f)
	wantErr(t, err, ErrDamaged)
}

// The first sync fails and the data pages are gone with it.
func TestFailedSyncOfData(t *testing.T) {
	l, _ := newLog(t)
	fill(t, l, "live", 1, 10, 500)
	b := Batch{Records: []Record{record("live", 11, 500)}}
	_, forget := swap(t, l, "/dev/null") // takes all, and cannot be synced
	forget()
	err := l.Append(b)
	if l.store == nil || l.Stats().Restores != 1 {
		t.Fatalf("error %v, stats %+v, want one restore", err, l.Stats())
	}
	wantErr(t, err, ErrSuspect)
	mustBounds(t, l, "live", 1, 10)
	if err := l.Append(b); err != nil {
		t.Fatal(err)
	}
	mustBounds(t, l, "live", 1, 11)
}

// A full disk: the append says so and nothing else happens; it works again in
// the same process once there is room.
func TestDiskFull(t *testing.T) {
	l, _ := newLog(t)
	if err := l.AddCursor("up", "live"); err != nil {
		t.Fatal(err)
	}
	// Some free pages, so that the file need not grow: /dev/full has no size.
	fill(t, l, "live", 1, 50, 2000)
	for k := uint64(10); k <= 40; k += 10 {
		if err := l.Append(Batch{Evict: []Eviction{{Stream: "live", From: 1, To: k}}}); err != nil {
			t.Fatal(err)
		}
	}
	b := Batch{Records: []Record{record("live", 51, 500)}}
	reads, err := os.Open(l.path) // /dev/full would read as zeros
	if err != nil {
		t.Fatal(err)
	}
	defer reads.Close()
	l.store.reads = reads
	undo, _ := swap(t, l, "/dev/full")
	for range 3 {
		err := l.Append(b)
		wantErr(t, err, ErrFull)
		wantErr(t, err, syscall.ENOSPC)
		mustBounds(t, l, "live", 41, 50)
		if _, err := readAll(l, "live"); err != nil {
			t.Errorf("read while the disk is full: %v", err)
		}
	}
	if due := l.Due(t0); due != nil {
		t.Errorf("Due = %v: a full disk is no reason to drop what was not delivered", due)
	}
	l.Ack(l.Epoch(), "up", "live", 1, 50)
	if due := l.Due(t0); len(due) != 1 || !due[0].Acked {
		t.Errorf("Due = %v, want what was delivered", due)
	}
	undo()
	if err := l.Append(b); err != nil {
		t.Fatal(err)
	}
	mustBounds(t, l, "live", 41, 51)
}

// The same on a real small disk, where that can be mounted.
func TestDiskFullMounted(t *testing.T) {
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=512k"); err != nil {
		t.Skipf("cannot mount a small disk (%v); TestDiskFull and TestBudget stand for it", err)
	}
	mounted := true
	defer func() {
		if mounted {
			syscall.Unmount(dir, 0)
		}
	}()
	o := testOptions()
	l, err := Open(filepath.Join(dir, "log.db"), o)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	var seq uint64
	for {
		if err = l.Append(Batch{Records: []Record{record("live", seq+1, 2000)}}); err != nil {
			break
		}
		seq++
	}
	wantErr(t, err, ErrFull)
	mustBounds(t, l, "live", 1, seq)
	for range 3 {
		wantErr(t, l.Append(Batch{Records: []Record{record("live", seq+1, 2000)}}), ErrFull)
	}
	if _, err := readAll(l, "live"); err != nil {
		t.Errorf("read on a full disk: %v", err)
	}
	if err := syscall.Mount("tmpfs", dir, "tmpfs", syscall.MS_REMOUNT, "size=4m"); err != nil {
		t.Fatal(err)
	}
	fill(t, l, "live", seq+1, seq+20, 2000)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if err := audit(filepath.Join(dir, "log.db"), o); err != nil {
		t.Error(err)
	}

	// No room for a new log at all.
	if err := syscall.Unmount(dir, 0); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=4k"); err != nil {
		t.Fatal(err)
	}
	_, err = Open(filepath.Join(dir, "log.db"), o)
	wantErr(t, err, ErrFull)
	if err := syscall.Unmount(dir, 0); err != nil {
		t.Fatal(err)
	}

	// Mounted read-only.
	if err := syscall.Mount("tmpfs", dir, "tmpfs", syscall.MS_RDONLY, "size=1m"); err != nil {
		t.Fatal(err)
	}
	_, err = Open(filepath.Join(dir, "log.db"), o)
	wantErr(t, err, ErrPermission)
	mounted = syscall.Unmount(dir, 0) != nil
}

func TestOpenRefuses(t *testing.T) {
	o := testOptions()
	dir := t.TempDir()
	_, err := Open(filepath.Join(dir, "none", "log.db"), o)
	wantErr(t, err, ErrNoFolder)
	wantErr(t, err, fs.ErrNotExist)
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	_, err = Open(filepath.Join(file, "log.db"), o)
	wantErr(t, err, ErrNoFolder)

	l, path := newLog(t)
	_, err = Open(path, o) // flock is per open file: one process is enough to try
	wantErr(t, err, ErrLocked)
	if !strings.HasPrefix(err.Error(), "buffer: open ") {
		t.Errorf("error %q does not say what and where", err)
	}
	l.Close()

	if os.Getuid() == 0 {
		return // root may do anything; TestDiskFullMounted has a read-only disk
	}
	if err := os.Chmod(path, 0o400); err != nil {
		t.Fatal(err)
	}
	_, err = Open(path, o)
	wantErr(t, err, ErrPermission)
	os.Chmod(path, 0o600)
}

// Somebody shortens the file while it is mapped: a fault in the map is an
// error, not the end of the program.
func TestFaultInMap(t *testing.T) {
	l, path := newLog(t)
	fill(t, l, "live", 1, 100, 2000)
	if err := os.Truncate(path, 2*pageSize); err != nil {
		t.Fatal(err)
	}
	_, _, err := l.Read("live", 0, 100)
	wantErr(t, err, ErrDamaged)
	b := Batch{Records: []Record{record("live", 101, 10)}}
	wantErr(t, l.Append(b), ErrDamaged)
	wantErr(t, l.Append(b), ErrDamaged)
	if err := l.Rotate("test"); err != nil {
		t.Fatal(err)
	}
	if f := l.Former(); f.Heads["live"].Seq != 100 {
		t.Errorf("former %+v, want the head from memory", f)
	}
	fill(t, l, "live", 1, 3, 10)
}

// The file goes away under the log: blocks would go nowhere.
func TestFileGone(t *testing.T) {
	l, path := newLog(t)
	fill(t, l, "live", 1, 3, 10)
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	wantErr(t, l.Append(Batch{Records: []Record{record("live", 4, 10)}}), ErrDamaged)
	if err := l.Rotate("test"); err != nil {
		t.Fatal(err)
	}
	if f := l.Former(); f == nil || f.Path != "" || f.Heads["live"].Seq != 3 {
		t.Errorf("former %+v, want no path and head 3", f)
	}
	fill(t, l, "live", 1, 3, 10)
}

// The budget is hard. At the limit evictions still commit, and then appends.
func TestBudget(t *testing.T) {
	for _, size := range []int{300, PackedSize, 6000, MaxRecord} {
		const budget = 3 << 20 // no power of two: the map is longer than the file
		l, path := newLog(t, func(o *Options) { o.NoSync, o.MaxBytes = true, budget })
		if err := l.AddCursor("up", "live"); err != nil {
			t.Fatal(err)
		}
		var seq uint64
		for round := range 6 {
			var err error
			for {
				var b Batch
				for len(b.Records) < max(1, 16000/size) {
					b.Records = append(b.Records, record("live", seq+1+uint64(len(b.Records)), size))
				}
				if err = l.Append(b); err != nil {
					break
				}
				seq += uint64(len(b.Records))
			}
			for err = nil; err == nil; seq++ { // and the last bit of room
				err = l.Append(Batch{Records: []Record{record("live", seq+1, size)}})
			}
			seq--
			wantErr(t, err, ErrFull)
			wantErr(t, l.Append(Batch{Records: []Record{record("live", seq+1, size)}}), ErrFull)
			if round%2 == 0 {
				first, _ := l.Bounds("live")
				l.Ack(l.Epoch(), "up", "live", 1, first+(seq-first)/2)
			}
			for tries := 0; ; tries++ {
				if tries == 100 {
					t.Fatalf("size %d: no room after %d evictions; %+v", size, tries, l.Stats())
				}
				due := l.Due(t0)
				if len(due) == 0 {
					t.Fatalf("size %d: full, and nothing due; %+v", size, l.Stats())
				}
				if err := l.Append(Batch{Evict: due}); err != nil {
					t.Fatalf("size %d: evicting at the limit: %v", size, err)
				}
				if err = l.Append(Batch{Records: []Record{record("live", seq+1, size)}}); err == nil {
					seq++
					break
				}
				wantErr(t, err, ErrFull)
			}
			if i, err := os.Stat(path); err != nil || i.Size() > budget {
				t.Fatalf("size %d: file of %d bytes, budget %d (error %v)", size, i.Size(), budget, err)
			}
		}
		first, last := l.Bounds("live")
		if held := (last - first + 1) * uint64(size); held < budget/3 {
			t.Errorf("size %d: only %d bytes held in a budget of %d", size, held, budget)
		}
		if _, err := readAll(l, "live"); err != nil {
			t.Error(err)
		}
	}
}

// As the agent does it: what is due goes with the next batch, and nothing is
// ever refused.
func TestBudgetSteady(t *testing.T) {
	l, _ := newLog(t, func(o *Options) { o.NoSync = true })
	if err := l.AddCursor("up", "live", "event"); err != nil {
		t.Fatal(err)
	}
	lost := 0
	for seq := uint64(1); seq <= 2000; seq++ {
		b := Batch{Evict: l.Due(t0), Records: []Record{record("live", seq, PackedSize)}}
		for _, e := range b.Evict {
			if !e.Acked {
				lost += int(e.To - e.From + 1)
			}
		}
		if err := l.Append(b); err != nil {
			t.Fatalf("block %d: %v; %+v", seq, err, l.Stats())
		}
		if seq < 1000 {
			l.Ack(l.Epoch(), "up", "live", 1, seq) // then the uplink goes away
		}
		if seq == 1200 && lost > 0 {
			t.Errorf("%d blocks lost while delivered ones were there", lost)
		}
	}
	if lost == 0 {
		t.Error("nothing was lost to a budget far too small: what is this test testing?")
	}
	if got := l.Stats(); got.Commits > 2000 {
		t.Errorf("%d commits for 2000 batches", got.Commits)
	}
}
