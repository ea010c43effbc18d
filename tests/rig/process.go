package rig

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"time"
)

// A Process is a program that runs.
type Process struct {
	Name string
	cmd  *exec.Cmd
	done chan struct{} // closed when it has ended
	end  error         // what Wait said; read it after done
}

// spawn starts a program in a process group of its own, so that Ctrl-C reaches it
// through us. What it says goes to out.
func spawn(out io.Writer, env []string, program string, args ...string) (*Process, error) {
	p := &Process{Name: filepath.Base(program), cmd: exec.Command(program, args...), done: make(chan struct{})}
	p.cmd.Stdout, p.cmd.Stderr = out, out
	p.cmd.Env = append(os.Environ(), env...)
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	started := make(chan error)
	go func() {
		// The kernel ends the child with the thread that started it, so the thread
		// must live as long.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread() // a thread that a goroutine leaves locked ends, and what others started from it
		err := p.cmd.Start()
		started <- err
		if err == nil {
			p.end = p.cmd.Wait()
		}
		close(p.done)
	}()
	if err := <-started; err != nil {
		return nil, fmt.Errorf("start %s: %w", p.Name, err)
	}
	return p, nil
}

// Done is closed when it has ended.
func (p *Process) Done() <-chan struct{} { return p.done }

// Pid is its number.
func (p *Process) Pid() int { return p.cmd.Process.Pid }

// Runs says whether it still runs.
func (p *Process) Runs() bool {
	if p == nil {
		return false
	}
	select {
	case <-p.done:
		return false
	default:
		return true
	}
}

// Kill ends it at once, as a cut of the power does to it.
func (p *Process) Kill() {
	if !p.Runs() { // its number may be somebody else's by now
		return
	}
	syscall.Kill(-p.Pid(), syscall.SIGKILL)
	<-p.done
}

// Stop asks it to end in order, and ends it after most.
func (p *Process) Stop(most time.Duration) error {
	if !p.Runs() {
		return nil
	}
	p.cmd.Process.Signal(syscall.SIGTERM)
	timer := time.NewTimer(most)
	defer timer.Stop()
	select {
	case <-p.done:
	case <-timer.C:
		p.Kill()
		return fmt.Errorf("%s did not stop in %s", p.Name, most)
	}
	if e, ok := errors.AsType[*exec.ExitError](p.end); ok {
		return fmt.Errorf("%s stopped with %w", p.Name, e)
	}
	return nil
}

// Tail is the last lines of a file, "" where there is none.
func Tail(path string, lines int) string {
	b, _ := os.ReadFile(path)
	all := strings.Split(strings.TrimRight(string(b), "\n"), "\n")
	return strings.Join(all[max(0, len(all)-lines):], "\n")
}

// output runs a program to its end, and returns what it printed.
func output(program string, args ...string) ([]byte, error) {
	c := exec.Command(program, args...)
	var said bytes.Buffer
	c.Stderr = &said
	out, err := c.Output()
	if err != nil {
		return nil, fmt.Errorf("%s %s: %w\n%s", filepath.Base(program), strings.Join(args, " "), err, said.Bytes())
	}
	return out, nil
}

// Look finds a program of a package; the error says which package.
func Look(program, pkg string) (string, error) {
	for _, p := range []string{program, "/usr/sbin/" + program, "/sbin/" + program} {
		if path, err := exec.LookPath(p); err == nil {
			return path, nil
		}
	}
	return "", fmt.Errorf("%s is missing: apt-get install -y %s", program, pkg)
}
