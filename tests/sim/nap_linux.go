package sim

import (
	"syscall"
	"time"
)

// nap sleeps for a short time, exactly.
func nap(d time.Duration) {
	if d <= 0 {
		return
	}
	t := syscall.NsecToTimespec(int64(d))
	syscall.Nanosleep(&t, nil)
}
