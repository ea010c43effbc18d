// Package buffer keeps the sealed blocks of a gateway: a log on disk, with one
// sequence for each stream and named cursors that say what was delivered.
//
// It knows bytes, not pollutants. [Open] never refuses for a bad file: it sets
// the file aside, says what could be read of it ([Log.Former]) and begins a new
// epoch. [Log.Append] writes blocks, the writer's own state, cursor moves and
// evictions in one transaction and returns when they are on the disk.
// [Log.Read] copies blocks out. [Log.Due] says what retention would delete; the
// caller hands that back to Append, together with the event that tells of it.
//
// What it promises: after Append returned nil the blocks survive kill -9 and
// power cuts, on a disk that keeps what it acknowledged. After Append returned
// an error nothing of the batch can be seen, and the same batch may be tried
// again. A sequence number never names two contents within an epoch.
//
// The unpleasant part:
//
//   - A commit writes about 20 KB and syncs twice, whatever it holds. Gather
//     blocks; do not append one by one.
//   - Two blocks of at most [PackedSize] bytes fill one page. One byte more
//     nearly doubles what is written and stored.
//   - The file never shrinks. [Options.MaxBytes] is its top size; a smaller
//     budget for an old file bounds only its growth.
//   - Open reads the whole file once, to trust none of it: expect the time the
//     disk needs for that. What is read later is not checked again by the log;
//     blocks carry their own hashes.
//   - A disk error that strikes while another one is being undone (the rescan
//     within the storage library, on a goroutine of its own) can end the
//     process. The next Open sets the file aside.
//
// # After a failed sync
//
// A sync that fails may have left pages in the memory of the kernel that are
// not on the disk, and says nothing of which. So a failed commit makes the log
// suspect. Before anything else is written, the file is closed, the failed
// commit's meta page is overwritten with the one before it and synced, the
// whole file is read again, and heads and first blocks are compared with those
// in memory. Only then does the log go on, and pages of the failed commit are
// written anew. While that cannot be done, Append returns [ErrSuspect]. If the
// file has lost a commit that was acknowledged, the answer is [ErrDamaged], and
// the caller goes on with [Log.Rotate].
//
// # Concurrency
//
// All methods may be called from several goroutines, and Read from many at
// once. Append, Flush, Rotate and Close take turns. The order of sequence
// numbers is the writer's business, so there should be one writer.
package buffer
