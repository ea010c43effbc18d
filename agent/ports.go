package main

import (
	"cmp"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"envgate/drivers/modbus"
)

// holders are the processes that have a serial device open, by device, below root, which
// is / but in tests. Those of other users are seen by root alone.
func holders(root string) map[string][]string {
	out := map[string][]string{}
	files, _ := filepath.Glob(filepath.Join(root, "proc/[0-9]*/fd/*"))
	for _, f := range files {
		node, err := os.Readlink(f)
		if err != nil || !strings.HasPrefix(node, "/dev/tty") {
			continue
		}
		dir := filepath.Dir(filepath.Dir(f))
		name, _ := os.ReadFile(filepath.Join(dir, "comm"))
		by := fmt.Sprintf("%s (process %s)", strings.TrimSpace(string(name)), filepath.Base(dir))
		if !slices.Contains(out[node], by) {
			out[node] = append(out[node], by)
		}
	}
	return out
}

// stable is the name of a port that outlives a replug, if there is one, else the port.
func stable(ports []modbus.PortInfo, port string) string {
	if real, err := filepath.EvalSymlinks(port); err == nil && !strings.HasPrefix(port, "/dev/serial/") {
		for _, p := range ports {
			if p.Path == real {
				return p.Stable
			}
		}
	}
	return port
}

// withPort is ports with one more, if it is not among them.
func withPort(ports []modbus.PortInfo, path, stable string) []modbus.PortInfo {
	for i := range ports {
		if ports[i].Path == path {
			return ports
		}
	}
	return append(ports, modbus.PortInfo{Path: path, Stable: stable})
}

// printPorts shows all ports, who has them open, and which lines of the running agent
// they are.
func printPorts(out io.Writer, ports []modbus.PortInfo, by map[string][]string, info *siteInfo) {
	lines := map[string]string{} // by device
	if info != nil {
		for _, l := range info.Lines {
			if real, err := filepath.EvalSymlinks(l.Place); err == nil {
				lines[real] = l.Name
				ports = withPort(ports, real, l.Place)
			}
		}
	}
	if len(ports) == 0 {
		fmt.Fprintln(out, "no serial port: is the adapter plugged in? dmesg says what the system thinks of it\n没有找到串口：检查转换器是否插好，dmesg 可查看系统信息")
	}
	for _, p := range ports {
		use := "free"
		if len(by[p.Path]) > 0 {
			use = "in use by " + strings.Join(by[p.Path], ", ")
		}
		if name, ok := lines[p.Path]; ok {
			use = fmt.Sprintf("line %s of the running agent, process %d", name, info.Process)
		}
		fmt.Fprintf(out, "%-14s %s\n", p.Path, use)
		if what := cmp.Or(p.USB, p.Driver); what != "" {
			fmt.Fprintf(out, "    %s\n", what)
		}
		if p.Stable != p.Path {
			fmt.Fprintf(out, "    %s\n", p.Stable)
		}
	}
}
