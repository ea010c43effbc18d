package modbus

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"testing"
)

// A fakeSystem is a /dev and a /sys with what udev and the kernel put there.
type fakeSystem struct {
	t    *testing.T
	root string
}

func (s fakeSystem) file(path, text string) {
	s.t.Helper()
	path = filepath.Join(s.root, path)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		s.t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		s.t.Fatal(err)
	}
}

// link makes a link at path to a place of this system.
func (s fakeSystem) link(path, to string) {
	s.t.Helper()
	path = filepath.Join(s.root, path)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		s.t.Fatal(err)
	}
	relative, err := filepath.Rel(filepath.Dir(path), filepath.Join(s.root, to))
	if err != nil {
		s.t.Fatal(err)
	}
	if err := os.Symlink(relative, path); err != nil {
		s.t.Fatal(err)
	}
}

// port makes a port of a device, and its node.
func (s fakeSystem) port(name, device, driver string) {
	s.t.Helper()
	at := filepath.Join("sys/devices", device)
	s.file(filepath.Join(at, "tty", name, "dev"), "188:0\n")
	s.link(filepath.Join("sys/class/tty", name), filepath.Join(at, "tty", name))
	s.link(filepath.Join(at, "tty", name, "device"), at)
	s.link(filepath.Join(at, "driver"), filepath.Join("sys/bus/drivers", driver))
	s.file(filepath.Join("sys/bus/drivers", driver, "bind"), "")
	// A pipe, so that whoever opens it waits for ever.
	node := filepath.Join(s.root, "dev", name)
	if err := errors.Join(os.MkdirAll(filepath.Dir(node), 0o755), syscall.Mkfifo(node, 0o600)); err != nil {
		s.t.Fatal(err)
	}
}

// usb makes the USB device that ports stand on.
func (s fakeSystem) usb(device, vendor, product, maker, name, serial string) {
	s.t.Helper()
	at := filepath.Join("sys/devices", device)
	for file, text := range map[string]string{
		"idVendor": vendor, "idProduct": product, "manufacturer": maker, "product": name, "serial": serial,
	} {
		if text != "" {
			s.file(filepath.Join(at, file), text+"\n")
		}
	}
}

func TestPorts(t *testing.T) {
	s := fakeSystem{t, t.TempDir()}
	// An adapter with a serial number, and one of four ports.
	s.usb("usb1/1-1", "0403", "6001", "FTDI", "FT232R USB UART", "A50285BI")
	s.port("ttyUSB0", "usb1/1-1/1-1:1.0/ttyUSB0", "ftdi_sio")
	s.link("dev/serial/by-id/usb-FTDI_FT232R_USB_UART_A50285BI-if00-port0", "dev/ttyUSB0")
	s.link("dev/serial/by-path/pci-0000:00:14.0-usb-0:1:1.0-port0", "dev/ttyUSB0")
	s.link("dev/serial/by-path/pci-0000:00:14.0-usbv2-0:1:1.0-port0", "dev/ttyUSB0")
	s.usb("usb1/1-4", "0403", "6011", "FTDI", "Quad RS485", "FT4X")
	s.port("ttyUSB10", "usb1/1-4/1-4:1.3/ttyUSB10", "ftdi_sio")
	s.link("dev/serial/by-id/usb-FTDI_Quad_RS485_FT4X-if03-port0", "dev/ttyUSB10")
	// Two of one make without a serial number: one name between them.
	for name, at := range map[string]string{"ttyUSB1": "1-2", "ttyUSB2": "1-3"} {
		s.usb("usb1/"+at, "1a86", "7523", "", "USB Serial", "")
		s.port(name, "usb1/"+at+"/"+at+":1.0/"+name, "ch341-uart")
		s.link("dev/serial/by-path/platform-usb-0:"+at[2:]+":1.0-port0", "dev/"+name)
	}
	s.link("dev/serial/by-id/usb-1a86_USB_Serial-if00-port0", "dev/ttyUSB2")
	// An instrument that is a USB device itself, on a system without by-path.
	s.usb("usb1/1-5", "2341", "0043", "Arduino", "", "")
	s.port("ttyACM0", "usb1/1-5/1-5:1.0", "cdc_acm")
	s.link("dev/serial/by-id/usb-Arduino-if00", "dev/ttyACM0")
	// UARTs of the board: one soldered, one place without, one behind the kernel's own names.
	s.port("ttyS0", "platform/serial8250/serial8250:0/serial8250:0.0", "port")
	s.link("sys/devices/platform/serial8250/driver", "sys/bus/drivers/serial8250")
	s.file("sys/bus/drivers/serial8250/bind", "")
	s.file("sys/devices/platform/serial8250/serial8250:0/serial8250:0.0/tty/ttyS0/type", "4\n")
	s.port("ttyS1", "platform/empty/empty:0.1", "port")
	s.file("sys/devices/platform/empty/empty:0.1/tty/ttyS1/type", "0\n")
	s.port("ttySC0", "platform/spi/spi0.0", "sc16is7xx")
	// No ports: a virtual terminal, and one whose node is gone.
	s.file("sys/devices/virtual/tty/tty1/dev", "4:1\n")
	s.link("sys/class/tty/tty1", "sys/devices/virtual/tty/tty1")
	s.file("dev/tty1", "")
	s.port("ttyUSB3", "usb1/1-9/1-9:1.0/ttyUSB3", "pl2303")
	if err := os.Remove(filepath.Join(s.root, "dev/ttyUSB3")); err != nil {
		t.Fatal(err)
	}

	want := []PortInfo{
		{"/dev/ttyACM0", "/dev/serial/by-id/usb-Arduino-if00", "cdc_acm", "2341:0043 Arduino"},
		{"/dev/ttyS0", "/dev/ttyS0", "serial8250", ""},
		{"/dev/ttySC0", "/dev/ttySC0", "sc16is7xx", ""},
		{"/dev/ttyUSB0", "/dev/serial/by-id/usb-FTDI_FT232R_USB_UART_A50285BI-if00-port0", "ftdi_sio", "0403:6001 FTDI FT232R USB UART A50285BI"},
		{"/dev/ttyUSB1", "/dev/serial/by-path/platform-usb-0:2:1.0-port0", "ch341-uart", "1a86:7523 USB Serial"},
		{"/dev/ttyUSB2", "/dev/serial/by-path/platform-usb-0:3:1.0-port0", "ch341-uart", "1a86:7523 USB Serial"},
		{"/dev/ttyUSB10", "/dev/serial/by-id/usb-FTDI_Quad_RS485_FT4X-if03-port0", "ftdi_sio", "0403:6011 FTDI Quad RS485 FT4X"},
	}
	got, err := portsBelow(s.root)
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("portsBelow = %v", err)
		for _, p := range got {
			t.Errorf("got  %+v", p)
		}
		for _, p := range want {
			t.Errorf("want %+v", p)
		}
	}
}

func TestNoPorts(t *testing.T) {
	if got, err := portsBelow(t.TempDir()); err != nil || len(got) != 0 {
		t.Errorf("portsBelow an empty folder = %v, %v", got, err)
	}
	if _, err := Ports(); err != nil {
		t.Errorf("Ports = %v", err)
	}
}
