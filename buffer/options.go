package buffer

import (
	"fmt"
	"log/slog"
	"strings"
	"time"
)

const (
	// MaxRecord is the longest block the log takes, in bytes.
	MaxRecord = 64 << 10

	// PackedSize is the longest block of which two fill one page.
	PackedSize = 2016

	// MaxState is the longest state the log keeps for its writer, in bytes. Up
	// to about 500 bytes it costs nothing, as it lies in a page that each commit
	// writes anyway.
	MaxState = 64 << 10

	// MinBytes is the smallest budget.
	MinBytes = 2 << 20

	// maxBytes32 is the highest budget where pointers have 32 bits: the file is
	// mapped, and its map doubles.
	maxBytes32 = 256 << 20

	defaultBytes       = 512 << 20
	defaultBytes32     = 200 << 20
	defaultLockTimeout = 2 * time.Second

	maxStreams = 32
)

// Options say how a log is kept.
type Options struct {
	// MaxBytes is the top size of the file, MinBytes at least. Evictions begin
	// somewhat below. 0 means 512 MiB, 200 MiB where pointers have 32 bits;
	// there, more than 256 MiB is refused with ErrBudget.
	MaxBytes int64

	// Streams are those that can be written, 1 to 32. Streams the file has
	// beside them can be read and are the first to go when room is needed.
	Streams []StreamOptions

	// LockTimeout is how long Open waits for another process to let go of the
	// file; 0 means 2 s.
	LockTimeout time.Duration

	// NoSync leaves out all syncs. It is there so that tests of power cuts can
	// show that they would see a loss. Never set it otherwise.
	NoSync bool

	// Verify, if set, is asked about the newest block of each stream when the
	// log is opened. An error sets the file aside.
	Verify func(block []byte) error

	// Hash, if set, names the newest blocks of a log that is set aside, for
	// Former. It must bear any bytes.
	Hash func(block []byte) string

	// Logger is told when a file is set aside and when the log comes back
	// after a failed write; nil means nobody.
	Logger *slog.Logger
}

// StreamOptions are those of one stream.
type StreamOptions struct {
	Name   string        // 1 to 64 bytes without NUL
	MaxAge time.Duration // blocks older than that are due once acknowledged; 0: none
	Share  float64       // of the budget, 0 to 1; 0: an equal part of what others leave
}

// complete fills in defaults and checks. word is the size of a pointer in bits.
func (o *Options) complete(word int) error {
	if o.MaxBytes == 0 {
		o.MaxBytes = defaultBytes
		if word == 32 {
			o.MaxBytes = defaultBytes32
		}
	}
	if o.MaxBytes < MinBytes {
		return fmt.Errorf("%w: %d bytes, at least %d", ErrBudget, o.MaxBytes, MinBytes)
	}
	if word == 32 && o.MaxBytes > maxBytes32 {
		return fmt.Errorf("%w: %d bytes, at most %d on a 32-bit system", ErrBudget, o.MaxBytes, maxBytes32)
	}
	if o.LockTimeout == 0 {
		o.LockTimeout = defaultLockTimeout
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if n := len(o.Streams); n == 0 || n > maxStreams {
		return fmt.Errorf("%w: %d streams, want 1 to %d", ErrOptions, n, maxStreams)
	}
	seen := map[string]bool{}
	for _, s := range o.Streams {
		switch {
		case !validName(s.Name):
			return fmt.Errorf("%w: stream %q", ErrOptions, s.Name)
		case seen[s.Name]:
			return fmt.Errorf("%w: stream %q twice", ErrOptions, s.Name)
		case s.MaxAge < 0, !(s.Share >= 0 && s.Share <= 1):
			return fmt.Errorf("%w: stream %q: age %v, share %v", ErrOptions, s.Name, s.MaxAge, s.Share)
		}
		seen[s.Name] = true
	}
	return nil
}

func validName(s string) bool {
	return len(s) > 0 && len(s) <= 64 && !strings.Contains(s, "\x00")
}
