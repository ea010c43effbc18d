package rig

import (
	"io"
	"os/exec"
	"syscall"
	"testing"
)

// A program that ended took its thread with it once, and the kernel then killed all that
// others had started from that thread.
func TestEndOfAProgramHarmsNoOther(t *testing.T) {
	other := exec.Command("sleep", "60")
	other.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := other.Start(); err != nil {
		t.Fatal(err)
	}
	for range 100 {
		p, err := spawn(io.Discard, nil, "true")
		if err != nil {
			t.Fatal(err)
		}
		<-p.Done()
	}
	if err := other.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	err := other.Wait()
	if s := other.ProcessState.Sys().(syscall.WaitStatus); s.Signal() != syscall.SIGTERM {
		t.Errorf("it ended by %v (%v), before it was told to", s.Signal(), err)
	}
}
