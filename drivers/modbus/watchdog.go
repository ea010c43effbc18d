package modbus

import "time"

// stuckAfter is how long a call into a port may take beyond its own time-out.
// Frames are short and flow control is off, so a healthy port needs none of it.
const stuckAfter = 2 * time.Second

// A watchdog calls bite when a call into a port does not come back. It is
// armed before the call and disarmed after it, by one goroutine.
type watchdog struct {
	bite  func()
	timer *time.Timer
}

func (w *watchdog) arm(d time.Duration) {
	if w.timer == nil {
		w.timer = time.AfterFunc(d, w.bite)
		return
	}
	w.timer.Reset(d)
}

func (w *watchdog) disarm() { w.timer.Stop() }
