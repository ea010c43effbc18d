package modbus

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// A lock keeps a second line, in this program or another, off a serial device.
// The kernel's own exclusive mode does not hold root back, and a second open
// has changed the speed of the port before it is noticed.
//
// It is an flock on a file named after the device, so it ends with the process
// however that ends. The file is removed on release; a file left behind by a
// crash does no harm.
type lock struct{ f *os.File }

// lockDevice takes the lock of the device at path, which has no symbolic links
// in it. The error wraps ErrPortTaken when somebody has it.
func lockDevice(path string) (*lock, error) {
	name := "envgate" + strings.ReplaceAll(path, string(filepath.Separator), "-") + ".lock"
	var errs []error
	for _, dir := range []string{"/run/lock", "/var/lock", os.TempDir()} {
		l, err := lockFile(filepath.Join(dir, name))
		if err == nil || errors.Is(err, ErrPortTaken) {
			return l, err
		}
		errs = append(errs, err)
	}
	return nil, fmt.Errorf("lock device: %w", errors.Join(errs...))
}

func lockFile(path string) (*lock, error) {
	for range 8 {
		f, err := openLockFile(path)
		if err != nil {
			return nil, err
		}
		err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if err != nil {
			f.Close()
			if errors.Is(err, syscall.EWOULDBLOCK) {
				return nil, fmt.Errorf("%w: lock %s is held", ErrPortTaken, path)
			}
			return nil, &fs.PathError{Op: "flock", Path: path, Err: err}
		}
		if isAt(f, path) {
			return &lock{f}, nil
		}
		f.Close()
	}
	return nil, fmt.Errorf("%w: lock %s changes hands all the time", ErrPortTaken, path)
}

// isAt reports whether f is still the file at path. The holder of a lock before
// us may have removed it between our open and our lock; then our lock is on a
// file that nobody else will find.
func isAt(f *os.File, path string) bool {
	mine, err := f.Stat()
	if err != nil {
		return false
	}
	there, err := os.Lstat(path)
	return err == nil && os.SameFile(mine, there)
}

// openLockFile opens path, making it if need be. In a directory that everybody
// may write to the kernel refuses O_CREATE on the file of another user, so an
// existing one is opened without. Symbolic links are not followed.
func openLockFile(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NOFOLLOW, 0)
	if errors.Is(err, fs.ErrNotExist) {
		f, err = os.OpenFile(path, os.O_RDONLY|os.O_CREATE|os.O_EXCL|syscall.O_NOFOLLOW, 0o644)
		if errors.Is(err, fs.ErrExist) { // somebody was faster
			f, err = os.OpenFile(path, os.O_RDONLY|syscall.O_NOFOLLOW, 0)
		}
	}
	return f, err
}

func (l *lock) release() {
	os.Remove(l.f.Name())
	l.f.Close()
}
