package main

import (
	"os"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// kernelClock asks the kernel whether its clock follows a time source, and how far
// off it may be. It changes nothing and needs no rights.
func kernelClock() (synced bool, errMs int64) {
	var t unix.Timex
	state, err := unix.Adjtimex(&t)
	if err != nil {
		return false, 0
	}
	const timeError = 5 // TIME_ERROR of adjtimex(2): not synchronised
	return state != timeError && t.Status&unix.STA_UNSYNC == 0, int64(t.Maxerror) / 1000
}

// sinceBoot is the clock that no one sets, sleep included.
func sinceBoot() time.Duration {
	var t unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_BOOTTIME, &t); err != nil {
		return 0
	}
	return time.Duration(t.Nano())
}

// bootID names this run of the kernel, in short; machineID this machine. Either is
// empty where the system does not say.
func bootID() string { return firstLine("/proc/sys/kernel/random/boot_id", 8) }

func machineID() string { return firstLine("/etc/machine-id", 32) }

func firstLine(path string, most int) string {
	b, err := os.ReadFile(path)
	if err != nil {
		return ""
	}
	s := strings.TrimSpace(strings.SplitN(string(b), "\n", 2)[0])
	return s[:min(len(s), most)]
}
