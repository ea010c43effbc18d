package main

import (
	"context"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

func start(t *testing.T, script string) (c *child, log string) {
	t.Helper()
	log = filepath.Join(t.TempDir(), "log")
	c, err := startChild("child", log, "sh", "-c", script)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.kill)
	return c, log
}

// said waits until the log has a text in it.
func said(t *testing.T, log, text string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	for ctx.Err() == nil {
		if b, _ := os.ReadFile(log); strings.Contains(string(b), text) {
			return string(b)
		}
		time.Sleep(5 * time.Millisecond)
	}
	t.Fatalf("%q is not in the log", text)
	return ""
}

func TestChildStops(t *testing.T) {
	c, log := start(t, `trap 'echo bye; exit 0' TERM; echo ready; while :; do sleep 0.01; done`)
	said(t, log, "ready")
	if err := c.stop(20 * time.Second); err != nil {
		t.Error(err)
	}
	if got := tail(log, 1); got != "bye\n" {
		t.Errorf("last line %q, want bye", got)
	}
	c.kill() // must not wait for what has ended
}

func TestChildStopsBadly(t *testing.T) {
	c, log := start(t, `trap 'exit 3' TERM; echo ready; while :; do sleep 0.01; done`)
	said(t, log, "ready")
	if err := c.stop(20 * time.Second); err == nil || !strings.Contains(err.Error(), "exit status 3") {
		t.Errorf("stop = %v, want exit status 3", err)
	}
}

// A child that does not listen is killed, and what it started with it.
func TestChildIsKilledWithItsOwn(t *testing.T) {
	c, log := start(t, `trap '' TERM; sh -c 'trap "" TERM; echo ready $$; while :; do sleep 0.01; done'; :`)
	pid, err := strconv.Atoi(strings.Fields(said(t, log, "ready "))[1])
	if err != nil {
		t.Fatal(err)
	}
	if err := c.stop(50 * time.Millisecond); err == nil || !strings.Contains(err.Error(), "did not stop") {
		t.Errorf("stop = %v, want that it did not", err)
	}
	// Killed, it may stay a zombie where nobody waits for orphans.
	for i := 0; syscall.Kill(pid, 0) == nil && !zombie(pid); i++ {
		if i == 2000 {
			t.Fatalf("grandchild %d lives", pid)
		}
		time.Sleep(5 * time.Millisecond)
	}
}

func zombie(pid int) bool {
	b, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "stat"))
	return err == nil && strings.Contains(string(b), ") Z ")
}

func TestNoSuchProgram(t *testing.T) {
	if _, err := startChild("child", filepath.Join(t.TempDir(), "log"), "/no/such/program"); err == nil {
		t.Error("a program that is not there was started")
	}
}
