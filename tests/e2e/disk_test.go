package e2e

import (
	"os"
	"sync"
	"testing"
	"time"
)

// A disk measures how long this machine takes to put a byte on its disk, for as long as
// a test runs. A commit that is under way at a kill is lost with its block, and how long
// it was under way is the disk's doing: on a shared machine it may be seconds.
type disk struct {
	mu    sync.Mutex
	slow  []span // syncs that took longer than usual
	stop  chan struct{}
	ended chan struct{}
}

type span struct{ from, to time.Time }

const (
	diskPace = 100 * time.Millisecond
	diskSlow = 200 * time.Millisecond
)

// watchDisk begins to measure the disk that path is on.
func watchDisk(t *testing.T, path string) *disk {
	t.Helper()
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	d := &disk{stop: make(chan struct{}), ended: make(chan struct{})}
	go func() {
		defer close(d.ended)
		defer f.Close()
		for {
			from := time.Now()
			f.WriteAt([]byte{1}, 0)
			f.Sync()
			if to := time.Now(); to.Sub(from) > diskSlow {
				d.mu.Lock()
				d.slow = append(d.slow, span{from, to})
				d.mu.Unlock()
			}
			select {
			case <-d.stop:
				return
			case <-time.After(diskPace):
			}
		}
	}()
	t.Cleanup(func() {
		close(d.stop)
		<-d.ended
	})
	return d
}

// late is how long the disk was slow in the time in which a block that a kill took along
// could have been on its way.
func (d *disk) late(kill time.Time) (sum time.Duration) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, s := range d.slow {
		if s.to.After(kill.Add(-2*sealing)) && s.from.Before(kill) {
			sum += s.to.Sub(s.from)
		}
	}
	return sum
}
