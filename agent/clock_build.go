//go:build !testclock

package main

// disguise is for tests of the whole program; see clock_testclock.go.
func disguise(*clock) {}
