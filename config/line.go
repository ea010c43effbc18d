package config

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"envgate/drivers"
)

// lineList reads the buses, and finds names and ports that come twice.
func (r *reader) lineList(places []*place) []Line {
	lines, devices, ports := names{}, names{}, names{}
	list := make([]Line, len(places))
	for i, p := range places {
		r.line(p, &list[i], lines, devices, ports)
	}
	return list
}

func (r *reader) line(p *place, to *Line, lines, devices, ports names) {
	if protocol, ok := r.protocol(p); !ok || protocol == protocolHJ212 {
		if ok {
			r.loggerLine(p, to, lines, devices, ports)
		}
		return
	}
	g, ok := r.group(p, "lines[]", "name, serial or url, and devices")
	if !ok {
		return
	}
	to.Timeout = time.Second
	g.name(&to.Name, lines)
	const wantBus = "want serial: with port, baud, parity and stop_bits, or url: such as tcp://10.0.0.5:502"
	switch serial, network := g.has("serial"), g.has("url"); {
	case serial && network:
		r.say(g.at("url"), "stands beside serial: a line is one of the two", "make two lines of it, each with its devices")
	case !serial && !network && !g.holes:
		r.add(Problem{Line: p.keyLine, Column: p.keyColumn, Path: p.path, Text: "has neither serial nor url: " + wantBus})
	}
	if g.has("serial") {
		to.Timeout = 500 * time.Millisecond
		to.Serial = &Serial{DataBits: 8}
		r.serial(g.at("serial"), to.Serial, ports)
	}
	if g.has("url") {
		r.endpoint(g, &to.URL, ports)
	}
	r.lineTLS(g, to)
	g.duration("timeout", &to.Timeout, 20*time.Millisecond, time.Minute, "a timeout")
	to.LateWindow = to.Timeout
	g.duration("late_window", &to.LateWindow, 20*time.Millisecond, time.Minute, "a late window")
	g.duration("pause", &to.Pause, 0, 10*time.Second, "a pause")
	const wantDevices = "want a list of at least one instrument"
	if !g.need("devices", wantDevices) {
		return
	}
	units := map[int]*place{}
	places := g.list("devices", wantDevices, 247)
	to.Devices = make([]Device, len(places))
	for i, p := range places {
		r.device(p, &to.Devices[i], to.Timeout, devices, units)
	}
}

// speeds are those that instruments have.
var speeds = []int{1200, 2400, 4800, 9600, 19200, 38400, 57600, 115200}

func (r *reader) serial(p *place, to *Serial, ports names) {
	g, ok := r.group(p, "lines[].serial", "port, baud, parity and stop_bits")
	if !ok {
		return
	}
	const wantPort = "want the port's device file, such as /dev/serial/by-id/usb-FTDI_FT232R_A1B2C3-if00-port0"
	if g.need("port", wantPort) && g.word("port", &to.Port, wantPort, func(s string) bool { return fileName(s) && filepath.IsAbs(s) }, hintPort) {
		to.Port = filepath.Clean(to.Port)
		r.port(g.at("port"), to.Port, ports)
	}
	wantBaud := "want " + or(strings.Fields(strings.Trim(fmt.Sprint(speeds), "[]")))
	if g.need("baud", wantBaud) {
		g.number("baud", &to.Baud, 1, 1e9, wantBaud)
		if to.Baud != 0 && !slices.Contains(speeds, to.Baud) {
			r.bad(g.at("baud"), wantBaud, hintBaud(to.Baud))
		}
	}
	g.number("data_bits", &to.DataBits, 8, 8, "Modbus RTU has 8 data bits", func(text string) string {
		if text == "7" {
			return "7 bits are Modbus ASCII, which envgate does not speak; set the instrument to RTU"
		}
		return ""
	})
	parities := []string{"none", "even", "odd"}
	if g.need("parity", "want none, even or odd, as the instrument is set; there is no safe default") {
		g.choice("parity", &to.Parity, parities, hintParity)
	}
	if g.need("stop_bits", "want 1 or 2, as the instrument is set; there is no safe default") {
		g.number("stop_bits", &to.StopBits, 1, 2, "want 1 or 2")
	}
	g.yes("echo", &to.Echo)
}

func hintBaud(n int) string {
	for _, s := range speeds {
		if n > s*9/10 && n < s*11/10 {
			return fmt.Sprintf("did you mean %d?", s)
		}
	}
	return ""
}

func hintParity(text string) string {
	switch strings.ToUpper(text) {
	case "N", "NO", "FALSE", "OFF", "8N1", "8N2", "无":
		return "write parity: none"
	case "E", "8E1", "偶":
		return "write parity: even"
	case "O", "8O1", "奇":
		return "write parity: odd"
	}
	return ""
}

func hintPort(text string) string {
	switch {
	case strings.HasPrefix(strings.ToUpper(text), "COM"):
		return "that is a name of Windows; ls -l /dev/serial/by-id shows the ports of this gateway"
	case strings.HasPrefix(text, "tty"):
		return "write /dev/" + text
	case strings.Contains(text, "://"):
		return "an address on the network is the line's url:, not a serial port"
	}
	return ""
}

// port finds a port that two lines use, also where one name is a link to the
// other, and warns of names that change.
func (r *reader) port(p *place, port string, ports names) {
	const together = "instruments on one bus stand under one line, as its devices"
	if first, ok := ports[port]; ok {
		r.say(p, fmt.Sprintf("is %s: %s is that port already (line %d)", quote(port, false), first.path, first.line), together)
		return
	}
	if real, err := filepath.EvalSymlinks(port); err == nil {
		for other, first := range ports {
			if theirs, err := filepath.EvalSymlinks(other); err == nil && theirs == real {
				r.say(p, fmt.Sprintf("is %s: that is the same device as %s (line %d)", quote(port, false), first.path, first.line),
					"both lead to "+quote(real, false)+"; "+together)
				break
			}
		}
	}
	ports[port] = p
	if strings.HasPrefix(port, "/dev/ttyUSB") || strings.HasPrefix(port, "/dev/ttyACM") {
		r.warn(p, "is "+quote(port, false)+": that name changes when adapters are plugged in or start in another order",
			"use the adapter's name in /dev/serial/by-id, or the socket's in /dev/serial/by-path")
	}
}

// endpoint reads a network line's URL.
func (r *reader) endpoint(g *group, to *string, ports names) {
	const want = "want tcp://, tcp+tls://, udp:// or rtuovertcp:// with host and port, such as tcp://10.0.0.5:502"
	r.address(g, to, ports, want, "502", "tcp", "tcp+tls", "udp", "rtuovertcp")
}

// address reads a URL that no other line may have.
func (r *reader) address(g *group, to *string, ports names, want, usual string, schemes ...string) {
	p := g.at("url")
	if p.kind != scalar {
		r.bad(p, want, "")
		return
	}
	u, hint := splitURL(p.text, usual, schemes...)
	if u == nil {
		r.bad(p, want, hint)
		return
	}
	*to = u.Scheme + "://" + u.Host
	// A converter takes one question at a time, whatever the scheme.
	if first, ok := ports[strings.ToLower(u.Host)]; ok {
		r.say(p, fmt.Sprintf("is %s: %s is that address already (line %d)", quote(*to, false), first.path, first.line),
			"instruments behind one address stand under one line, as its devices")
		return
	}
	ports[strings.ToLower(u.Host)] = p
}

// lineTLS reads the files of a tcp+tls line, which needs them all: with Modbus
// both ends show certificates.
func (r *reader) lineTLS(g *group, to *Line) {
	scheme, _, _ := strings.Cut(to.URL, ":")
	switch {
	case scheme == "tcp+tls":
		g.need("tls", "want ca, certificate and key, which tcp+tls needs")
	case !g.has("tls"):
	case scheme != "":
		r.say(g.at("tls"), "stands beside "+scheme+"://, which has no TLS", "write the url with tcp+tls://, or delete tls:")
	case g.has("serial"):
		r.say(g.at("tls"), "stands beside serial, which has no TLS", "")
	}
	if g.has("tls") {
		to.TLS = &TLS{}
		r.tls(g.at("tls"), "lines[].tls", to.TLS)
	}
}

// splitURL reads scheme://host:port. Without one, hint says why, if it can be
// told.
func splitURL(text, port string, schemes ...string) (u *url.URL, hint string) {
	if len(text) > 300 {
		return nil, ""
	}
	scheme, rest, found := strings.Cut(text, "://")
	if !found {
		if strings.HasPrefix(text, "/") {
			return nil, "a device file is the port of serial:"
		}
		if _, _, err := net.SplitHostPort(text); err == nil {
			return nil, "write what comes before the address, such as " + schemes[0] + "://"
		}
		return nil, ""
	}
	if !slices.Contains(schemes, scheme) {
		if near := nearest(strings.ToLower(scheme), schemes); near != "" {
			return nil, "did you mean " + near + "://?"
		}
		return nil, ""
	}
	u, err := url.Parse(text)
	switch {
	case err != nil:
		return nil, ""
	case u.User != nil:
		return nil, "give the name as username, and the password's file as password_file"
	case strings.Trim(rest, "/") != u.Host || u.Hostname() == "":
		return nil, "only host and port may follow"
	case u.Port() == "":
		return nil, "the port is missing, which usually is " + port
	}
	if !validPort(u.Port()) {
		return nil, "a port is 1 to 65535"
	}
	return u, ""
}

func validPort(s string) bool {
	n, err := strconv.ParseUint(s, 10, 16)
	return err == nil && n > 0
}

func (r *reader) device(p *place, to *Device, timeout time.Duration, devices names, units map[int]*place) {
	g, ok := r.group(p, "lines[].devices[]", "name, template or registers, and unit")
	if !ok {
		return
	}
	to.Interval, to.Timeout = 5*time.Second, timeout
	g.name(&to.Name, devices)
	const wantUnit = "a Modbus unit is 1 to 247"
	if g.need("unit", wantUnit) && g.number("unit", &to.Unit, 1, 247, wantUnit, hintUnit) {
		p := g.at("unit")
		if first, ok := units[to.Unit]; ok {
			r.say(p, fmt.Sprintf("is %d: %s is that unit already (line %d)", to.Unit, first.path, first.line),
				"two instruments on one bus need two units; set one of them anew")
		} else {
			units[to.Unit] = p
		}
	}
	g.duration("interval", &to.Interval, 200*time.Millisecond, time.Hour, "an interval")
	g.duration("timeout", &to.Timeout, 20*time.Millisecond, time.Minute, "a timeout")
	g.duration("pause", &to.Pause, 0, 10*time.Second, "a pause")
	priority := "normal"
	if g.choice("priority", &priority, []string{"normal", "alarm"}); priority == "alarm" {
		to.Priority = priority
	}
	evidence := "none"
	g.choice("evidence", &evidence, []string{"none", "raw"})
	if evidence == "raw" {
		to.Evidence = evidence
	}
	r.source(g, to)
	r.inputs(g, to)
}

func hintUnit(text string) string {
	n, err := strconv.Atoi(text)
	switch {
	case strings.HasPrefix(text, "0x"):
		return "write the unit in decimal"
	case err != nil:
		return ""
	case n == 0:
		return "0 means all units at once, and none answers"
	case n > 255:
		return text + " looks like a register address; did unit and address change places?"
	case n > 247:
		return "some instruments with a network socket say " + text + "; they answer 1 as well, as a rule"
	}
	return ""
}

// source reads what a device's registers are.
func (r *reader) source(g *group, to *Device) {
	const want = "want template: with a name, template_file: or registers:"
	var found []string
	for _, key := range []string{"template", "template_file", "registers"} {
		if g.has(key) {
			found = append(found, key)
		}
	}
	switch {
	case len(found) == 0 && !g.holes:
		r.add(Problem{Line: g.keyLine, Column: g.keyColumn, Path: g.path, Text: "has no template and no registers: " + want})
	case len(found) > 1:
		r.say(g.at(found[1]), "stands beside "+found[0]+": a device has one of template, template_file and registers", "")
	}
	if g.has("template") {
		known := drivers.Builtin()
		g.word("template", &to.Template, "want the name of a built-in template: envgate template list shows them",
			func(s string) bool { return slices.Contains(known, s) },
			func(text string) string {
				if near := nearest(strings.ToLower(text), known); near != "" {
					return "did you mean " + near + "?"
				}
				if strings.HasSuffix(text, ".yaml") || strings.Contains(text, "/") {
					return "a template of your own is named with template_file:"
				}
				return "for another instrument give its registers in place; site.example.yaml shows how"
			})
	}
	g.file("template_file", &to.TemplateFile, "want the path of a template's YAML")
	if g.has("registers") {
		to.Registers = r.points(g.list("registers", "want a list of at least one register", maxKeys), to.Name)
	}
}

// points reads registers in place. What their fields may be is the business of
// package drivers, whose errors know point and field.
func (r *reader) points(places []*place, device string) []drivers.PointSpec {
	if places == nil {
		return nil
	}
	specs := make([]drivers.PointSpec, len(places))
	said := make([]bool, len(places))
	for i, p := range places {
		before := len(r.list) + r.left
		r.spec(p, &specs[i], "lines[].devices[].registers")
		said[i] = p.kind == broken || len(r.list)+r.left > before
	}
	_, err := drivers.NewTemplate(device, specs)
	var wrong drivers.SpecErrors
	switch {
	case err == nil:
	case errors.As(err, &wrong):
		for _, e := range wrong {
			at := places[0]
			if e.Point >= 0 && e.Point < len(places) {
				if said[e.Point] || strings.Contains(e.Field, "points") && slices.Contains(said, true) {
					continue // a misspelt key would be missing besides, and its point wherever it is named
				}
				at = places[e.Point].find(e.Field)
			}
			r.say(at, e.Text, "")
		}
	default:
		r.say(places[0], "cannot be used: "+err.Error(), "")
	}
	return specs
}
