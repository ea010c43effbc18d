package buffer

import "errors"

// Open refuses for these reasons only, and for what the system says of itself
// (no file descriptors left, for one).
var (
	// ErrLocked says that another process has the log open.
	ErrLocked = errors.New("another process has the log open")

	// ErrNoFolder says that the folder of the log is not there.
	ErrNoFolder = errors.New("folder is missing")

	// ErrPermission says that the file or its folder may not be written, or
	// that the file system is mounted read-only.
	ErrPermission = errors.New("no permission to write")

	// ErrFull says that the log has no room: its budget is used up or the disk
	// is full. Readers go on. Append works again after evictions, or when the
	// disk has room.
	ErrFull = errors.New("no space left")

	// ErrBudget says that Options.MaxBytes is out of range: less than MinBytes,
	// or more than a 32-bit system can map.
	ErrBudget = errors.New("budget out of range")

	// ErrOptions says that the options make no sense, such as a stream without
	// a name.
	ErrOptions = errors.New("options out of range")
)

// These come from an open log.
var (
	// ErrClosed says that the log was closed.
	ErrClosed = errors.New("log is closed")

	// ErrSeq says that a record does not follow its stream's head, or names a
	// seq that is on disk with other content.
	ErrSeq = errors.New("sequence does not follow")

	// ErrStream says that the log has no such stream.
	ErrStream = errors.New("unknown stream")

	// ErrSize says that a record is empty or longer than MaxRecord, or that the
	// writer's state is longer than MaxState.
	ErrSize = errors.New("size out of range")

	// ErrRange says that an eviction would leave a hole or take blocks that are
	// not there yet.
	ErrRange = errors.New("eviction out of range")

	// ErrSuspect says that a commit failed in a way that leaves the file in
	// doubt, and that the file could not be brought back yet. The next Append
	// tries again.
	ErrSuspect = errors.New("log is in doubt after a failed write")

	// ErrDamaged says that the file no longer is what was written. Rotate sets
	// it aside and goes on.
	ErrDamaged = errors.New("log is damaged")
)
