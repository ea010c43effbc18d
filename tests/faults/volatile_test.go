package faults_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
)

// A disk with a cache of its own may lose all that it was not told to flush, in any
// order. QEMU's driver blklogwrites notes each write and flush of a round; the disk that
// the next round finds is the one before it with all writes up to the newest flush, and
// of those behind it whatever luck lets through.

// volatile is the drive of one such round: the machine writes to a copy.
func (d *disk) volatile() (drive string) {
	d.t.Helper()
	whole, err := os.ReadFile(d.path)
	if err != nil {
		d.t.Fatal(err)
	}
	copied, log := d.path+".copy", d.path+".log"
	for path, data := range map[string][]byte{copied: whole, log: nil} {
		if err := os.WriteFile(path, data, 0o600); err != nil {
			d.t.Fatal(err)
		}
	}
	return fmt.Sprintf("driver=blklogwrites,node-name=d,file.driver=file,file.filename=%s,log.driver=file,log.filename=%s", copied, log)
}

// settle writes to the disk what its cache did not lose, and returns how many writes
// were lost.
func (d *disk) settle() (lost int, err error) {
	log, err := os.ReadFile(d.path + ".log")
	if err != nil {
		return 0, err
	}
	writes, err := parseLog(log)
	if err != nil {
		return 0, err
	}
	f, err := os.OpenFile(d.path, os.O_RDWR, 0)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	keep := rand.Float64() // of the disk's cache
	if d.control {
		keep = 0 // a file system without flushes would be rubble
	}
	for i, w := range writes {
		// The newest write may be half in the log itself.
		if !w.durable && (rand.Float64() >= keep || i == len(writes)-1) {
			lost++
			continue
		}
		if _, err := f.WriteAt(w.data, w.at); err != nil {
			return lost, err
		}
	}
	for _, suffix := range []string{".copy", ".log"} {
		if err := os.Remove(d.path + suffix); err != nil {
			return lost, err
		}
	}
	return lost, nil
}

// write is one entry of the log.
type write struct {
	at      int64
	data    []byte
	durable bool // a flush came after it, or it had to go past the cache
}

const (
	logMagic             = 0x6a736677736872
	logFlush, logFUA     = 1, 2
	logSector, logHeader = 512, 32
)

// parseLog reads a log in the form of the kernel's dm-log-writes: a sector that says what
// it is, then for each entry a sector and its data. The count in the first sector is
// behind when the machine was killed; the log ends where there is no entry.
func parseLog(log []byte) (writes []write, err error) {
	at := binary.LittleEndian
	if len(log) < logSector {
		return nil, nil // cut before the first write
	}
	// The first sector is written with the first flush.
	if magic := at.Uint64(log); magic != 0 && (magic != logMagic || at.Uint32(log[24:]) != logSector) {
		return nil, fmt.Errorf("log of writes: no log, or another sector size: %x", log[:min(len(log), logHeader)])
	}
	flushed := 0
	for r := bytes.NewReader(log[logSector:]); ; {
		var head [logSector]byte
		if _, err := io.ReadFull(r, head[:]); err != nil {
			break
		}
		sector, n, flags := at.Uint64(head[:]), at.Uint64(head[8:]), at.Uint64(head[16:])
		if n == 0 && flags == 0 {
			break
		}
		if flags&^(logFlush|logFUA) != 0 {
			return nil, fmt.Errorf("log of writes: flags %#x: only writes and flushes are known here", flags)
		}
		if flags&logFlush != 0 {
			for ; flushed < len(writes); flushed++ {
				writes[flushed].durable = true
			}
		}
		if n == 0 {
			continue
		}
		w := write{at: int64(sector) * logSector, data: make([]byte, n*logSector), durable: flags&logFUA != 0}
		if _, err := io.ReadFull(r, w.data); err != nil {
			break
		}
		writes = append(writes, w)
	}
	return writes, nil
}
