package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"syscall"
	"time"
)

// child is a program that runs in a process group of its own, so that Ctrl-C
// reaches it through us, and in the order that we choose.
type child struct {
	name string
	cmd  *exec.Cmd
	done chan struct{} // closed when it has ended
	end  error         // what Wait said; read it after done
}

// startChild starts a program; what it says is appended to the file logPath.
func startChild(name, logPath, program string, args ...string) (*child, error) {
	log, err := os.OpenFile(logPath, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o644)
	if err != nil {
		return nil, err
	}
	c := &child{name: name, cmd: exec.Command(program, args...), done: make(chan struct{})}
	c.cmd.Stdout, c.cmd.Stderr = log, log
	c.cmd.SysProcAttr = attributes()
	started := make(chan error)
	go func() {
		// The kernel ends the child with the thread that started it, so the
		// thread must live as long.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread() // a thread that a goroutine leaves locked ends, and what others started from it
		defer log.Close()
		err := c.cmd.Start()
		started <- err
		if err == nil {
			c.end = c.cmd.Wait()
		}
		close(c.done)
	}()
	if err := <-started; err != nil {
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	return c, nil
}

// err is how it ended, never nil.
func (c *child) err() error {
	if c.end == nil {
		return errors.New("exit status 0")
	}
	return c.end
}

// stop asks it to end in order, and ends it after most.
func (c *child) stop(most time.Duration) error {
	c.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-c.done:
	case <-time.After(most):
		c.kill()
		return fmt.Errorf("the %s did not stop in %s", c.name, most)
	}
	if c.end != nil {
		return fmt.Errorf("the %s stopped with %w", c.name, c.end)
	}
	return nil
}

// kill ends it and all that it started, at once.
func (c *child) kill() {
	select {
	case <-c.done: // its number may be somebody else's by now
		return
	default:
	}
	syscall.Kill(-c.cmd.Process.Pid, syscall.SIGKILL)
	<-c.done
}

// tail is the last lines of a file, "" where there is none.
func tail(path string, lines int) string {
	b, err := os.ReadFile(path)
	if err != nil || len(b) == 0 {
		return ""
	}
	all := bytes.Split(bytes.TrimRight(b, "\n"), []byte("\n"))
	all = all[max(0, len(all)-lines):]
	var s strings.Builder
	for _, l := range all {
		s.Write(l)
		s.WriteByte('\n')
	}
	return s.String()
}
