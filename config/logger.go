package config

import (
	"fmt"
	"net"
	"strings"
	"time"
	"unicode/utf8"

	"envgate/drivers"
)

// protocolHJ212 is the protocol of lines whose instruments speak by themselves.
const protocolHJ212 = "hj212"

// The keys of such lines and devices: see sections.
const (
	loggerSection       = "lines[] with protocol: hj212"
	loggerDeviceSection = "lines[].devices[] with protocol: hj212"
)

// protocol looks which keys a line may have. ok is false where that cannot be said,
// which is reported.
func (r *reader) protocol(p *place) (protocol string, ok bool) {
	protocol = "modbus"
	if p.kind != mapping {
		return protocol, true
	}
	for _, e := range p.entries {
		if e.key == "protocol" {
			at := &place{node: e.value, path: join(p.path, e.key), keyLine: e.line, keyColumn: e.column}
			g := &group{r: r, place: p, values: map[string]*place{e.key: at}}
			ok := g.choice(e.key, &protocol, []string{"modbus", protocolHJ212}, hintProtocol)
			r.torn = r.torn || !ok // nobody knows what its devices are
			return protocol, ok
		}
	}
	return protocol, true
}

func hintProtocol(text string) string {
	plain := strings.NewReplacer("-", "", "_", "", "/", "", " ", "", ".", "").Replace(strings.ToLower(text))
	switch {
	case strings.HasPrefix(plain, "hj") || plain == "212":
		return "write protocol: hj212"
	case strings.HasPrefix(plain, "modbus"):
		return "write protocol: modbus, or leave it out; the url or serial: says which kind of Modbus it is"
	}
	return ""
}

// loggerLine reads a line on which HJ 212 frames come.
func (r *reader) loggerLine(p *place, to *Line, lines, devices, ports names) {
	g, ok := r.group(p, loggerSection, "name, serial, url or listen, and devices")
	if !ok {
		return
	}
	to.Protocol, to.CRC = protocolHJ212, "standard"
	g.name(&to.Name, lines)
	var found []string
	for _, key := range []string{"serial", "url", "listen"} {
		if g.has(key) {
			found = append(found, key)
		}
	}
	switch {
	case len(found) > 1:
		r.say(g.at(found[1]), "stands beside "+found[0]+": a line is one of serial, url and listen", "make two lines of it, each with its devices")
	case len(found) == 0 && !g.holes:
		r.add(Problem{
			Line: p.keyLine, Column: p.keyColumn, Path: p.path,
			Text: "has no serial, url or listen: want serial: with port, baud, parity and stop_bits, url: tcp://10.0.0.5:4001 to connect, or listen: 0.0.0.0:9001 to be connected to",
		})
	}
	if g.has("serial") {
		to.Serial = &Serial{DataBits: 8}
		r.serial(g.at("serial"), to.Serial, ports)
	}
	if g.has("url") {
		const want = "want tcp:// with host and port, such as tcp://10.0.0.5:4001"
		r.address(g, &to.URL, ports, want, "4001 on serial servers", "tcp")
	}
	if g.has("listen") {
		r.listen(g, &to.Listen, ports)
	}
	g.choice("crc", &to.CRC, []string{"standard", "modbus", "modbus-swapped"})
	const wantDevices = "want a list of at least one instrument"
	if !g.need("devices", wantDevices) {
		return
	}
	mns := names{}
	places := g.list("devices", wantDevices, 247)
	to.Devices = make([]Device, len(places))
	for i, p := range places {
		r.loggerDevice(p, &to.Devices[i], devices, mns)
	}
}

// listen reads an address of our own.
func (r *reader) listen(g *group, to *string, ports names) {
	const want = "want address and port, such as 0.0.0.0:9001 (any network) or 192.168.1.1:9001"
	good := g.word("listen", to, want, func(s string) bool {
		host, port, err := net.SplitHostPort(s)
		return err == nil && host != "" && !strings.ContainsAny(host, "/@ *") && validPort(port)
	}, func(text string) string {
		_, rest, scheme := strings.Cut(text, "://")
		port := strings.TrimPrefix(strings.TrimPrefix(text, "*"), ":")
		switch {
		case scheme && !strings.Contains(rest, "@"):
			return "leave out what comes before the address: " + rest
		case validPort(port):
			return "for any network write 0.0.0.0:" + port
		}
		return ""
	})
	if !good {
		return
	}
	p := g.at("listen")
	host, port, _ := net.SplitHostPort(*to)
	all := host == "0.0.0.0" || host == "::"
	if all {
		r.warn(p, "is "+*to+": that port is open to every network that the gateway is in, and frames are neither signed nor secret",
			"give the address of the network in which the instruments are")
	}
	for theirs, first := range ports {
		theirs, ours := strings.CutPrefix(theirs, "listen ")
		other, same, _ := net.SplitHostPort(theirs)
		if ours && same == port && (all || other == "0.0.0.0" || other == "::" || other == host) {
			r.say(p, fmt.Sprintf("is %s: %s has that port already (line %d)", *to, first.path, first.line),
				"one line takes the frames of many instruments, as its devices")
			return
		}
	}
	ports["listen "+*to] = p
}

func (r *reader) loggerDevice(p *place, to *Device, devices, mns names) {
	g, ok := r.group(p, loggerDeviceSection, "name and mn")
	if !ok {
		return
	}
	to.Interval = 30 * time.Second
	g.name(&to.Name, devices)
	if g.need("mn", "want the MN that stands in the instrument's frames") {
		if r.mn(g, &to.MN); to.MN != "" {
			p := g.at("mn")
			if first, ok := mns[to.MN]; ok {
				r.say(p, fmt.Sprintf("is %s: %s is that MN already (line %d)", to.MN, first.path, first.line), "each instrument has an MN of its own; set one of them anew")
			} else {
				mns[to.MN] = p
			}
		}
	}
	g.duration("interval", &to.Interval, 200*time.Millisecond, time.Hour, "an interval")
	places := g.list("factors", "want a list of code, point and unit, or no factors: at all, which keeps each under its own code", 200)
	if places == nil {
		return
	}
	codes, points := names{}, names{}
	to.Factors = make([]LoggerFactor, len(places))
	for i, p := range places {
		r.loggerFactor(p, &to.Factors[i], codes, points)
	}
}

func (r *reader) loggerFactor(p *place, to *LoggerFactor, codes, points names) {
	g, ok := r.group(p, "lines[].devices[].factors[]", "code, and point and unit as you like")
	if !ok {
		return
	}
	const wantCode = "want the factor as it stands in frames, such as a34004, or a21026-ZsRtd for the converted value"
	code := func(s string) bool {
		if s, ok := strings.CutSuffix(s, "-ZsRtd"); ok {
			return isWord(s, 26, "_") // so that the point has room for the rest
		}
		return isWord(s, 32, "_")
	}
	if !g.need("code", wantCode) || !g.word("code", &to.Code, wantCode, code, hintFactor) {
		return
	}
	to.Point = strings.ReplaceAll(to.Code, "-", "_")
	if !g.word("point", &to.Point, "want a factor code of HJ 212, or a name of your own: up to 32 letters, digits or _", func(s string) bool { return isWord(s, 32, "_") }) {
		return
	}
	g.word("unit", &to.Unit, "want the unit of the values in frames, such as mg/m3", func(s string) bool { return isTitle(s) && utf8.RuneCountInString(s) <= 16 })
	for _, c := range []struct {
		key, text string
		taken     names
	}{{"code", to.Code, codes}, {"point", to.Point, points}} {
		at := g.at(c.key)
		if first, ok := c.taken[c.text]; ok {
			r.say(at, fmt.Sprintf("is %s: %s has that %s already (line %d)", c.text, first.path, c.key, first.line), "")
			return
		}
		c.taken[c.text] = at
	}
}

func hintFactor(text string) string {
	if code, kind, ok := strings.Cut(text, "-"); ok && kind != "ZsRtd" && isWord(code, 32, "_") {
		if strings.EqualFold(kind, "Rtd") {
			return "leave out -" + kind + ": it is what is meant"
		}
		return "of real-time data Rtd and ZsRtd are taken; minute and hour data are made here"
	}
	return ""
}

func canonicalLogger(l *Line) object {
	return object{
		{"name", l.Name},
		{"protocol", l.Protocol},
		{"serial", canonicalSerial(l.Serial)},
		{"url", l.URL},
		{"listen", l.Listen},
		{"crc", l.CRC},
		{"devices", each(l.Devices, func(d *Device) object {
			return object{
				{"name", d.Name},
				{"mn", d.MN},
				{"interval", formatDuration(d.Interval)},
				{"factors", each(d.Factors, func(f *LoggerFactor) object {
					return object{{"code", f.Code}, {"point", f.Point}, {"unit", f.Unit}}
				})},
			}
		})},
	}
}

// Logger is a device of hj212 as package drivers takes it.
func (d *Device) Logger() drivers.LoggerDevice {
	to := drivers.LoggerDevice{Name: d.Name, MN: d.MN, Interval: d.Interval}
	for _, f := range d.Factors {
		to.Factors = append(to.Factors, drivers.LoggerFactor{Code: f.Code, Point: f.Point, Unit: f.Unit})
	}
	return to
}
