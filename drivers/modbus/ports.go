package modbus

import (
	"cmp"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sort"
	"strings"
)

// A PortInfo is a serial port that is there.
type PortInfo struct {
	Path   string // its name now, such as /dev/ttyUSB0; another one after a replug
	Stable string // the name for a site file: it comes back with the adapter; Path where there is none
	Driver string // of the kernel, such as ftdi_sio; empty where it is not told
	USB    string // vendor and product number, maker, product and serial number; empty unless on USB
}

// Ports lists the serial ports of this machine, whoever uses them. It looks at
// their names only: opening a port would change its speed under the program
// that has it, and pull at its control lines.
func Ports() ([]PortInfo, error) { return portsBelow("/") }

// portsBelow is Ports of the system whose /dev and /sys are below root.
func portsBelow(root string) ([]PortInfo, error) {
	class := filepath.Join(root, "sys/class/tty")
	entries, err := os.ReadDir(class)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil // no kernel that has them
	}
	if err != nil {
		return nil, err
	}
	byID := portLinks(filepath.Join(root, "dev/serial/by-id"))
	byPath := portLinks(filepath.Join(root, "dev/serial/by-path"))
	var ports []PortInfo
	for _, e := range entries {
		name := e.Name()
		device, err := filepath.EvalSymlinks(filepath.Join(class, name, "device"))
		if err != nil {
			continue // a console or a pseudo terminal: nothing is behind it
		}
		if attribute(filepath.Join(class, name), "type") == "0" {
			continue // a place for a UART, and none in it
		}
		if _, err := os.Lstat(filepath.Join(root, "dev", name)); err != nil {
			continue
		}
		p := PortInfo{Path: "/dev/" + name}
		serial := p.describe(root, device)
		p.Stable = p.Path
		switch id, path := byID[name], byPath[name]; {
		// Without a serial number, two adapters of one make have one by-id name
		// between them, and it goes to whichever came last.
		case id != "" && (serial || path == ""):
			p.Stable = "/dev/serial/by-id/" + id
		case path != "":
			p.Stable = "/dev/serial/by-path/" + path
		}
		ports = append(ports, p)
	}
	sort.Slice(ports, func(i, j int) bool {
		a, b := ports[i].Path, ports[j].Path
		return cmp.Or(
			cmp.Compare(strings.TrimRight(a, "0123456789"), strings.TrimRight(b, "0123456789")),
			cmp.Compare(len(a), len(b)), // 2 before 10
			cmp.Compare(a, b)) < 0
	})
	return ports, nil
}

// portLinks are the links of a folder by the port that they lead to. Of several
// it is the first: newer systems have a second one with the USB version in it.
func portLinks(dir string) map[string]string {
	entries, _ := os.ReadDir(dir) // sorted; not there without adapters
	links := make(map[string]string)
	for _, e := range entries {
		target, err := os.Readlink(filepath.Join(dir, e.Name()))
		if err != nil {
			continue
		}
		if port := filepath.Base(target); links[port] == "" {
			links[port] = e.Name()
		}
	}
	return links
}

// describe fills in driver and USB device from the folder of the port's device
// and those above it, and says whether there is a serial number.
func (p *PortInfo) describe(root, device string) (serial bool) {
	for dir := device; len(dir) > len(filepath.Join(root, "sys")); dir = filepath.Dir(dir) {
		if p.Driver == "" {
			// The kernel's own "port" and "ctrl" stand between a UART and its driver.
			d, err := os.Readlink(filepath.Join(dir, "driver"))
			if d = filepath.Base(d); err == nil && d != "port" && d != "ctrl" {
				p.Driver = d
			}
		}
		vendor := attribute(dir, "idVendor")
		if vendor == "" {
			continue
		}
		number := attribute(dir, "serial")
		words := []string{vendor + ":" + attribute(dir, "idProduct"), attribute(dir, "manufacturer"), attribute(dir, "product"), number}
		p.USB = strings.Join(slices.DeleteFunc(words, func(s string) bool { return s == "" }), " ")
		return number != ""
	}
	return false
}

// attribute is the text of a small file of the kernel, empty if it is not there.
func attribute(dir, name string) string {
	b, _ := os.ReadFile(filepath.Join(dir, name))
	return strings.TrimSpace(strings.ToValidUTF8(string(b), "?"))
}
