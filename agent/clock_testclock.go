//go:build testclock

package main

import (
	"os"
	"strings"
	"time"
)

// disguise lets tests of the whole program set its clock: Go reads the time without a
// call that anybody could stand in for. It is in no program that is shipped, only in one
// built with
//
//	go build -tags nethttpomithttp2,testclock ./agent
//
// There the environment variable ENVGATE_TEST_CLOCK names a file, read at each look
// (at least every sealing interval), with one line: by how much the clock is wrong, and
// what the kernel says of it, sync or unsync.
//
//	-490000h unsync
//
// A file that is not there is a clock that is right and not synchronised. Write it anew
// and rename it, so that it is never read half. The boot clock runs on as it is, so a
// change of the file is a step.
func disguise(c *clock) {
	path := os.Getenv("ENVGATE_TEST_CLOCK")
	if path == "" {
		return
	}
	read := func() (wrong time.Duration, synced bool) {
		b, err := os.ReadFile(path)
		if err != nil {
			return 0, false
		}
		f := strings.Fields(string(b))
		if len(f) != 2 {
			return 0, false
		}
		wrong, _ = time.ParseDuration(f[0])
		return wrong, f[1] == "sync"
	}
	c.now = func() time.Time {
		wrong, _ := read()
		return time.Now().Add(wrong).Round(0)
	}
	c.kernel = func() (bool, int64) {
		_, synced := read()
		return synced, 1
	}
}
