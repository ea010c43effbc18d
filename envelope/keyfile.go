package envelope

import (
	"crypto/ed25519"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// maxKeyFile bounds what LoadKey reads. A key file is about 150 bytes.
const maxKeyFile = 16 << 10

// WriteKey writes k to path: PKCS#8 in PEM, mode 0600, with the key id in a line
// before it, which openssl skips. The file appears whole or not at all, and
// never in the place of another: that is fs.ErrExist.
func WriteKey(path string, k *Key) error {
	if err := writeKey(path, k); err != nil {
		return fmt.Errorf("envelope: write key: %w", err)
	}
	return nil
}

func writeKey(path string, k *Key) (err error) {
	if _, err := os.Lstat(path); err == nil { // tell before a file is made; the link below decides
		return &fs.PathError{Op: "create", Path: path, Err: fs.ErrExist}
	}
	der, err := x509.MarshalPKCS8PrivateKey(k.private())
	if err != nil {
		return err
	}
	folder := filepath.Dir(path)
	f, err := os.CreateTemp(folder, ".key-*") // mode 0600
	if err != nil {
		return err
	}
	defer func() {
		err = errors.Join(err, os.Remove(f.Name()))
	}()
	_, err = f.Write(appendPEM("PRIVATE KEY", k.kid, der))
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	// A link, unlike a rename, fails where the name is taken.
	if err := os.Link(f.Name(), path); err != nil {
		if !errors.Is(err, fs.ErrExist) {
			return err
		}
		return &fs.PathError{Op: "create", Path: path, Err: fs.ErrExist}
	}
	return syncFolder(folder)
}

func syncFolder(path string) error {
	d, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// LoadKey reads a key that [WriteKey] wrote. The file must belong to the user
// who runs the program, and nobody else may have any right to it. Errors to
// branch on: fs.ErrNotExist, ErrKeyMode, ErrKeyOwner, ErrKeyForm. None holds
// anything of the file's content.
func LoadKey(path string) (*Key, error) {
	k, err := loadKey(path)
	if err != nil {
		return nil, fmt.Errorf("envelope: load key: %w", err)
	}
	return k, nil
}

func loadKey(path string) (*Key, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0) // a pipe in its place must not hold us
	if errors.Is(err, fs.ErrPermission) {
		if info, statErr := os.Stat(path); statErr == nil {
			return nil, errors.Join(checkOwner(path, info), err)
		}
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat() // of what was opened, not of what the name may mean by now
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() || info.Size() > maxKeyFile {
		return nil, fmt.Errorf("%w: %s is no file of up to %d bytes", ErrKeyForm, path, maxKeyFile)
	}
	if err := checkOwner(path, info); err != nil {
		return nil, err
	}
	if mode := info.Mode().Perm(); mode&0o077 != 0 {
		return nil, fmt.Errorf("%w: %s has mode %04o: 0600", ErrKeyMode, path, mode)
	}
	b, err := io.ReadAll(io.LimitReader(f, maxKeyFile))
	if err != nil {
		return nil, err
	}
	k, err := parseKey(b)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return k, nil
}

func checkOwner(path string, info fs.FileInfo) error {
	stat, ok := info.Sys().(*syscall.Stat_t)
	if us := os.Geteuid(); ok && int(stat.Uid) != us {
		return fmt.Errorf("%w: %s belongs to user %d, the program runs as user %d", ErrKeyOwner, path, stat.Uid, us)
	}
	return nil
}

func parseKey(b []byte) (*Key, error) {
	kid, der, err := cutPEM("PRIVATE KEY", b)
	if err != nil {
		return nil, err
	}
	any, err := x509.ParsePKCS8PrivateKey(der)
	if err != nil {
		return nil, fmt.Errorf("%w: no PKCS#8 key", ErrKeyForm) // x509's text might quote it
	}
	private, ok := any.(ed25519.PrivateKey)
	if !ok {
		return nil, fmt.Errorf("%w: it is a %T: Ed25519", ErrKeyForm, any)
	}
	return newKey(kid, private)
}
