package sim

import (
	"errors"
	"fmt"
	"os"
	"syscall"
	"time"
	"unsafe"
)

// A pty is a pair of pseudo terminals in raw mode. Our own descriptor of the
// slave stays open, so that the master does not end when the last user of the
// slave leaves.
type pty struct {
	master    *os.File
	slave     *os.File
	slaveName string
}

// openPTY makes a pair.
func openPTY() (*pty, error) {
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		return nil, err
	}
	var number, locked int32
	err = errors.Join(
		ioctl(master, syscall.TIOCSPTLCK, unsafe.Pointer(&locked)),
		ioctl(master, syscall.TIOCGPTN, unsafe.Pointer(&number)),
	)
	if err != nil {
		master.Close()
		return nil, err
	}
	p := &pty{master: master, slaveName: fmt.Sprintf("/dev/pts/%d", number)}
	p.slave, err = os.OpenFile(p.slaveName, os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		master.Close()
		return nil, err
	}
	if err := raw(p.slave); err != nil {
		p.Close()
		return nil, err
	}
	return p, nil
}

// raw makes a terminal pass every byte as it is.
func raw(f *os.File) error {
	var t syscall.Termios
	if err := ioctl(f, syscall.TCGETS, unsafe.Pointer(&t)); err != nil {
		return err
	}
	t.Iflag = 0
	t.Oflag = 0
	t.Lflag = 0
	t.Cflag = syscall.CS8 | syscall.CREAD | syscall.CLOCAL | syscall.B9600
	t.Cc[syscall.VMIN], t.Cc[syscall.VTIME] = 1, 0
	return ioctl(f, syscall.TCSETS, unsafe.Pointer(&t))
}

// ioctl does one device request without taking the file from the poller.
func ioctl(f *os.File, request uintptr, arg unsafe.Pointer) error {
	c, err := f.SyscallConn()
	if err != nil {
		return err
	}
	var errno syscall.Errno
	err = c.Control(func(fd uintptr) {
		_, _, errno = syscall.Syscall(syscall.SYS_IOCTL, fd, request, uintptr(arg))
	})
	if err == nil && errno != 0 {
		err = fmt.Errorf("request %#x on %s: %w", request, f.Name(), errno)
	}
	return err
}

func (p *pty) Read(b []byte) (int, error)  { return p.master.Read(b) }
func (p *pty) Write(b []byte) (int, error) { return p.master.Write(b) }

func (p *pty) SetReadDeadline(t time.Time) error { return p.master.SetReadDeadline(t) }

// hold stops what is written to the slave, or lets it go on.
func (p *pty) hold(on bool) error {
	const tcxonc, tcooff, tcoon = 0x540A, 0, 1
	c, err := p.slave.SyscallConn()
	if err != nil {
		return err
	}
	action := uintptr(tcoon)
	if on {
		action = tcooff
	}
	var errno syscall.Errno
	err = c.Control(func(fd uintptr) {
		_, _, errno = syscall.Syscall(syscall.SYS_IOCTL, fd, tcxonc, action)
	})
	if err == nil && errno != 0 {
		err = fmt.Errorf("hold %s: %w", p.slaveName, errno)
	}
	return err
}

// Close hangs up on whoever has the slave open.
func (p *pty) Close() error {
	return errors.Join(p.slave.Close(), p.master.Close())
}
