package modbus

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"syscall"
	"time"

	"go.bug.st/serial"
)

// This is the one file that imports the serial library. What it knows of it:
// Read returns (0, nil) after its time-out and panics on a descriptor of 1024
// or more; Write knows no time-out and is not woken by Close; listing ports
// opens and re-programmes them, so nothing here lists.

// A serialPort is an open port and the lock that keeps others off it.
type serialPort struct {
	serial.Port
	name string
	lock *lock
}

// openSerial opens the port of s, with the lock of the real device taken
// first: opening alone would already change the speed of a port in use.
func openSerial(s Serial) (port, error) {
	real, err := filepath.EvalSymlinks(s.Port)
	if err != nil {
		return nil, openError(s.Port, err)
	}
	l, err := lockDevice(real)
	if err != nil {
		return nil, fmt.Errorf("port %s: %w", s.Port, err)
	}
	p, err := serial.Open(real, serialMode(s))
	if err != nil {
		l.release()
		return nil, openError(s.Port, err)
	}
	return &serialPort{Port: p, name: s.Port, lock: l}, nil
}

func serialMode(s Serial) *serial.Mode {
	mode := &serial.Mode{BaudRate: s.Baud, DataBits: 8, StopBits: serial.OneStopBit}
	if s.StopBits == 2 {
		mode.StopBits = serial.TwoStopBits
	}
	switch s.Parity {
	case "even":
		mode.Parity = serial.EvenParity
	case "odd":
		mode.Parity = serial.OddParity
	}
	return mode
}

// openError gives the library's error the sentinel that callers ask for.
func openError(name string, err error) error {
	var pe *serial.PortError
	switch {
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ENXIO), errors.Is(err, syscall.ENODEV):
		return fmt.Errorf("port %s: %w: %w", name, ErrPortMissing, err)
	case errors.As(err, &pe) && pe.Code() == serial.PortBusy:
		return fmt.Errorf("port %s: %w by another program", name, ErrPortTaken)
	case errors.As(err, &pe) && pe.Code() == serial.PermissionDenied:
		return fmt.Errorf("port %s: %w", name, fs.ErrPermission)
	}
	return fmt.Errorf("open port %s: %w", name, err)
}

func (p *serialPort) SetReadTimeout(d time.Duration) error {
	// The library hands its time-out to select in microseconds.
	if d > 0 && d < time.Microsecond {
		d = time.Microsecond
	}
	return p.Port.SetReadTimeout(d)
}

func (p *serialPort) Read(b []byte) (n int, err error) {
	defer func() {
		if r := recover(); r != nil {
			n, err = 0, fmt.Errorf("port %s: more than 1000 files are open, the serial library cannot count so far: %v", p.name, r)
		}
	}()
	n, err = p.Port.Read(b)
	return n, p.lost(err)
}

func (p *serialPort) Write(b []byte) (int, error) {
	n, err := p.Port.Write(b)
	return n, p.lost(err)
}

// lost is what any error of an open port comes to: the adapter was pulled out,
// which Read sees as a closed port and Write as EIO.
func (p *serialPort) lost(err error) error {
	if err == nil || errors.Is(err, syscall.EINTR) {
		return err
	}
	return fmt.Errorf("port %s: %w: %w", p.name, ErrPortMissing, err)
}

func (p *serialPort) Close() error {
	defer p.lock.release()
	p.Port.ResetOutputBuffer() // or the kernel waits up to 30 s for it to go out
	return p.Port.Close()
}
