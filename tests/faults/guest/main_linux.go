// Command guest is the first and only process of the virtual machine whose power is cut.
// It loads the drivers, says "ready" until it gets its orders as a line of JSON, mounts
// the disk, lets the oracle look at what the last cut left there, and goes on writing: as
// a victim, or by running the agent.
//
// The disk's own driver is loaded after the orders have come. So a machine that was saved
// while it said "ready" knows nothing of any disk, and can be woken with each.
package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"envgate/envelope"
	"envgate/tests/faults"
)

func main() {
	serial, err := open()
	if err == nil {
		err = serve(serial)
	}
	if err != nil {
		fmt.Fprintln(serial, "failed", err)
	}
	fmt.Fprintln(serial, "end")
	time.Sleep(time.Hour) // the host cuts the power; a first process that ends is a panic
}

// open mounts what a program needs and returns the line to the host.
func open() (*os.File, error) {
	if err := unix.Mount("dev", "/dev", "devtmpfs", 0, ""); err != nil && !errors.Is(err, unix.EBUSY) {
		return os.Stdout, fmt.Errorf("mount /dev: %w", err)
	}
	serial, err := os.OpenFile("/dev/ttyS0", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		return os.Stdout, err
	}
	t, err := unix.IoctlGetTermios(int(serial.Fd()), unix.TCGETS)
	if err != nil {
		return serial, err
	}
	t.Iflag, t.Oflag, t.Lflag = 0, 0, 0 // bytes as they are
	return serial, unix.IoctlSetTermios(int(serial.Fd()), unix.TCSETS, t)
}

func serve(serial *os.File) error {
	for _, name := range []string{"virtio_ring", "virtio", "virtio_pci_modern_dev", "virtio_pci_legacy_dev", "virtio_pci"} {
		if err := load(name); err != nil {
			return err
		}
	}
	line, err := orders(serial)
	if err != nil {
		return err
	}
	var o faults.Round
	if err := json.Unmarshal(line, &o); err != nil {
		return fmt.Errorf("orders %q: %w", line, err)
	}
	// A woken machine has the time and the random numbers of the one that was saved.
	now := unix.NsecToTimespec(o.Now)
	if err := unix.ClockSettime(unix.CLOCK_REALTIME, &now); err != nil {
		return err
	}
	if err := stir(line); err != nil {
		return err
	}
	if err := mount(o.NoFlush); err != nil {
		return err
	}
	o.Path = "/disk/log.db"
	var r faults.Report
	if o.Agent {
		var public envelope.PublicKey
		if public, err = publicKey(); err != nil {
			return err
		}
		r, err = faults.CheckAs(o.Path, "gw-guest", envelope.NewKeySet(public), o.Last)
	} else {
		r, err = faults.Check(o.Path, o.Last)
	}
	if err != nil {
		return err
	}
	text, err := json.Marshal(r)
	if err != nil {
		return err
	}
	fmt.Fprintf(serial, "report %s\n", text)
	if o.Agent {
		return runAgent(serial)
	}
	return faults.Work(o.Orders, serial)
}

// stir makes the kernel's random numbers others than those of the machine that was saved.
func stir(seed []byte) error {
	f, err := os.OpenFile("/dev/urandom", os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	defer f.Close()
	if _, err := f.Write(seed); err != nil {
		return err
	}
	const rndReseed = 0x5207 // RNDRESEEDCRNG
	return unix.IoctlSetInt(int(f.Fd()), rndReseed, 0)
}

// load loads a driver of the kernel's package.
func load(name string) error {
	f, err := os.Open("/" + name + ".ko")
	if err != nil {
		return err
	}
	defer f.Close()
	if err := unix.FinitModule(int(f.Fd()), "", 0); err != nil {
		return fmt.Errorf("load %s: %w", name, err)
	}
	return nil
}

// orders says that the machine is ready until a line comes.
func orders(serial *os.File) ([]byte, error) {
	var once sync.WaitGroup
	stop := make(chan struct{})
	once.Go(func() {
		for {
			select {
			case <-stop:
				return
			case <-time.After(20 * time.Millisecond):
				fmt.Fprintln(serial, "ready")
			}
		}
	})
	in := bufio.NewReader(serial)
	first, err := in.ReadByte()
	close(stop)
	once.Wait()
	if err != nil {
		return nil, err
	}
	rest, err := in.ReadBytes('\n')
	return append([]byte{first}, rest...), err
}

func mount(noFlush bool) error {
	if err := load("virtio_blk"); err != nil {
		return err
	}
	if err := os.Mkdir("/disk", 0o700); err != nil {
		return err
	}
	options := ""
	if noFlush {
		options = "barrier=0"
	}
	var err error
	for range 500 { // until the driver has found it
		if err = unix.Mount("/dev/vda", "/disk", "ext4", 0, options); !errors.Is(err, unix.ENOENT) {
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	if err != nil {
		return fmt.Errorf("mount the disk: %w", err)
	}
	return nil
}
