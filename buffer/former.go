package buffer

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"syscall"
	"time"
)

// maxAside is how many files set aside are kept beside the log. A disk that
// ruins each new log must not be filled with ruins; the smallest, which holds
// least, goes first.
const maxAside = 4

// Former is what could be read of a log that was set aside. It stays in the
// new log until that has its first block, so that a crash in between does not
// lose it.
type Former struct {
	Path   string // where the file is now; "" if somebody had taken it away
	Reason string
	Epoch  string // "" if it could not be read

	// Heads are the newest blocks by stream, those that could be read.
	Heads map[string]Head

	// State is the writer's own state as of the last Append; nil if it could
	// not be read.
	State []byte
}

// Head is the newest block of a stream. Hash is what Options.Hash says of it,
// "" without that hook or if only the number could be read.
type Head struct {
	Seq  uint64
	Hash string
}

func (o *Options) former(c *content) *Former {
	f := &Former{Epoch: c.epoch, Heads: map[string]Head{}, State: c.state}
	for name, s := range c.streams {
		if s.head == 0 {
			continue
		}
		h := Head{Seq: s.head}
		if b := c.newest[name]; b != nil && o.Hash != nil {
			h.Hash = o.Hash(b)
		}
		f.Heads[name] = h
	}
	return f
}

// asideName returns a name that is not taken.
func asideName(path string, now time.Time) string {
	base := path + ".aside-" + now.UTC().Format("20060102T150405")
	name := base
	for n := 1; ; n++ {
		if _, err := os.Lstat(name); err != nil {
			return name
		}
		name = fmt.Sprintf("%s.%d", base, n)
	}
}

// thinAsides removes files set aside beyond maxAside, but not keep, and returns
// their names.
func thinAsides(path, keep string) (removed []string) {
	type aside struct {
		name string
		size int64
	}
	var asides []aside
	entries, err := os.ReadDir(filepath.Dir(path))
	if err != nil {
		return nil
	}
	prefix := filepath.Base(path) + ".aside-"
	for _, e := range entries {
		name := filepath.Join(filepath.Dir(path), e.Name())
		if !strings.HasPrefix(e.Name(), prefix) || name == keep || isBeside(name) {
			continue
		}
		if i, err := e.Info(); err == nil && i.Mode().IsRegular() {
			asides = append(asides, aside{name, i.Size()})
		}
	}
	sort.SliceStable(asides, func(i, j int) bool { return asides[i].size < asides[j].size })
	for _, a := range asides[:max(len(asides)+1-maxAside, 0)] {
		if os.Remove(a.name) == nil {
			removed = append(removed, a.name)
			for _, end := range Beside {
				os.Remove(a.name + end)
			}
		}
	}
	return removed
}

// Beside are the ends of the names of files that stand beside one set aside: what was
// salvaged of it. They go when it goes.
var Beside = []string{".blocks", ".report.json", ".report.txt", ".blocks.part", ".report.json.part", ".report.txt.part"}

func isBeside(name string) bool {
	for _, end := range Beside {
		if strings.HasSuffix(name, end) {
			return true
		}
	}
	return false
}

// Asides returns the files that were set aside for the log at path, oldest first.
func Asides(path string) ([]string, error) {
	if real, err := filepath.EvalSymlinks(path); err == nil {
		path = real
	}
	entries, err := os.ReadDir(filepath.Dir(path))
	if err != nil {
		return nil, err
	}
	var names []string
	for _, e := range entries { // in the order of their names, which is that of time
		if strings.HasPrefix(e.Name(), filepath.Base(path)+".aside-") && !isBeside(e.Name()) && e.Type().IsRegular() {
			names = append(names, filepath.Join(filepath.Dir(path), e.Name()))
		}
	}
	return names, nil
}

// lockFile opens path and takes the lock that bbolt would take, so that nothing
// is read of a file that somebody writes. The lock goes with the file's closing.
func lockFile(path string, flag int, timeout time.Duration) (*os.File, error) {
	end := time.Now().Add(timeout)
	for {
		f, err := os.OpenFile(path, os.O_RDWR|flag, 0o600)
		if err != nil {
			return nil, err
		}
		err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if err == nil && isAt(f, path) {
			return f, nil
		}
		f.Close() // locked by another, or renamed before we had the lock
		if err != nil && !errors.Is(err, syscall.EWOULDBLOCK) && !errors.Is(err, syscall.EINTR) {
			return nil, err
		}
		if !time.Now().Before(end) {
			return nil, ErrLocked
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// unlock closes a locked file. As long as the file is mapped, closing alone
// would not let go of the lock.
func unlock(f *os.File) error {
	_ = syscall.Flock(int(f.Fd()), syscall.LOCK_UN)
	return f.Close()
}

// isAt reports whether f is still the file at path.
func isAt(f *os.File, path string) bool {
	a, err := f.Stat()
	if err != nil {
		return false
	}
	b, err := os.Stat(path)
	return err == nil && os.SameFile(a, b)
}

func syncFolder(path string) error {
	d, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	defer d.Close()
	if err := d.Sync(); err != nil && !errors.Is(err, syscall.EINVAL) { // some file systems cannot
		return err
	}
	return nil
}

// fileAt is what bringing a file back takes of an *os.File.
type fileAt interface {
	io.ReaderAt
	io.WriterAt
	Stat() (fs.FileInfo, error)
	Sync() error
}

// rewind makes the commit txid the newest one again, after a later one failed,
// by copying its meta page over the other. It returns ErrDamaged if the file
// does not have that commit.
func rewind(f fileAt, txid uint64) error {
	for slot := range int64(2) {
		m, err := readMeta(f, slot)
		if err != nil || m.txid != txid {
			continue
		}
		if _, err := f.WriteAt(m.raw[:], (1-slot)*pageSize+pageHead); err != nil {
			return err
		}
		return f.Sync()
	}
	return fmt.Errorf("%w: commit %d is gone", ErrDamaged, txid)
}

// named adds the error that stands for a system's error.
func named(err error) error {
	switch {
	case errors.Is(err, ErrLocked):
		return err
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		return fmt.Errorf("%w: %w", ErrFull, err)
	case errors.Is(err, fs.ErrPermission), errors.Is(err, syscall.EROFS):
		return fmt.Errorf("%w: %w", ErrPermission, err)
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ENOTDIR):
		return fmt.Errorf("%w: %w", ErrNoFolder, err)
	}
	return err
}
