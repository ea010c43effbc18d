package config

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
)

// ErrSecretMode is the error of [Secret.Read] for a file that everybody may
// read or write.
var ErrSecretMode = errors.New("other users may read or write it: want mode 0600")

// maxSecret bounds a password file, in bytes.
const maxSecret = 4 << 10

// A Secret is a password that stands in a file of its own. It knows the file's
// path and nothing else: the content is read anew by each [Secret.Read], so
// that no print, dump or log of a configuration can hold it. The zero Secret
// has no file.
type Secret struct {
	path string
}

// SecretFile returns the Secret in the file of that path.
func SecretFile(path string) Secret { return Secret{path} }

// Path is the file's path, empty for the zero Secret.
func (s Secret) Path() string { return s.path }

// Read returns the file's content without the line end, 1 to 4096 bytes in one
// line. The zero Secret reads as the empty string. Errors name the path, never
// the content: [ErrSecretMode], those of package fs, or prose.
func (s Secret) Read() (string, error) {
	if s.path == "" {
		return "", nil
	}
	f, err := os.Open(s.path)
	if err != nil {
		return "", fmt.Errorf("read password: %w", err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return "", fmt.Errorf("read password: %w", err)
	}
	if mode := info.Mode().Perm(); mode&0o007 != 0 {
		return "", fmt.Errorf("read password: %s has mode %04o: %w", s.path, mode, ErrSecretMode)
	}
	b, err := io.ReadAll(io.LimitReader(f, maxSecret+1))
	if err != nil {
		return "", fmt.Errorf("read password: %w", err)
	}
	text := strings.TrimSuffix(strings.TrimSuffix(string(b), "\n"), "\r")
	switch {
	case len(b) > maxSecret:
		return "", fmt.Errorf("read password: %s has more than %d bytes", s.path, maxSecret)
	case text == "":
		return "", fmt.Errorf("read password: %s is empty", s.path)
	case strings.ContainsAny(text, "\r\n\x00"):
		return "", fmt.Errorf("read password: %s has more than one line", s.path)
	}
	return text, nil
}

// String is the path. It is also what fmt, slog, JSON and YAML print.
func (s Secret) String() string { return s.path }

// GoString is what %#v prints.
func (s Secret) GoString() string { return fmt.Sprintf("config.SecretFile(%q)", s.path) }

// MarshalText returns the path.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.path), nil }
