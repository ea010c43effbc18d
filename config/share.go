package config

import (
	"fmt"
	"net"
	"strconv"
	"strings"
)

// A Share lets other programs of the gateway read instruments that the agent has, by
// Modbus TCP.
type Share struct {
	// Listen is a loopback address and port.
	Listen string

	// Allow is what may be read, at least one; nothing else is.
	Allow []ShareRule
}

// A ShareRule opens a run of registers, or of bits, of one device.
type ShareRule struct {
	Device      string
	Unit        int // under which clients ask, by default the device's own
	Function    int // 1 to 4, by default 3
	First, Last int // addresses
}

// Registers is the run as a site file has it: 0-17, or 5.
func (s ShareRule) Registers() string {
	if s.First == s.Last {
		return strconv.Itoa(s.First)
	}
	return fmt.Sprintf("%d-%d", s.First, s.Last)
}

// sharing reads what other programs may read. s is what was read before it.
func (r *reader) sharing(p *place, s *Site) *Share {
	g, ok := r.group(p, "share", "listen and allow")
	if !ok {
		return nil
	}
	to := &Share{}
	const wantListen = "want a loopback address and port, such as 127.0.0.1:1502"
	if g.need("listen", wantListen) {
		g.word("listen", &to.Listen, wantListen, func(s string) bool {
			host, port, err := net.SplitHostPort(s)
			ip := net.ParseIP(host)
			return err == nil && ip != nil && ip.IsLoopback() && validPort(port)
		}, func(text string) string {
			if host, port, err := net.SplitHostPort(text); err == nil && validPort(port) {
				if host == "localhost" || host == "" {
					return "write 127.0.0.1:" + port
				}
				return "Modbus knows no passwords: it is for programs on this gateway alone; others may come by an SSH tunnel"
			}
			return ""
		})
	}
	const wantAllow = "want a list of device, function and registers that may be read"
	if g.need("allow", wantAllow) {
		units := map[int]string{}
		for _, p := range g.list("allow", wantAllow, 250) {
			to.Allow = append(to.Allow, r.shareRule(p, s, units))
		}
	}
	return to
}

// shareRule reads one rule. units are those that are taken, and by which device.
func (r *reader) shareRule(p *place, s *Site, units map[int]string) (to ShareRule) {
	g, ok := r.group(p, "share.allow[]", "device and registers")
	if !ok {
		return to
	}
	to.Function = 3
	if g.need("device", "want the name of one of the devices above") && g.word("device", &to.Device, wantName, isName, hintName) && !r.torn {
		switch d := s.device(to.Device); {
		case d == nil:
			r.say(g.at("device"), fmt.Sprintf("is %s: no device above has that name", to.Device), "")
		case d.MN != "":
			r.say(g.at("device"), fmt.Sprintf("is %s: it speaks by itself (HJ 212) and cannot be asked", to.Device), "")
		default:
			to.Unit = d.Unit
		}
	}
	g.number("as_unit", &to.Unit, 1, 247, "a Modbus unit is 1 to 247", hintUnit)
	if other, ok := units[to.Unit]; ok && other != to.Device && to.Unit != 0 {
		r.say(g.at("device"), fmt.Sprintf("is %s: clients already reach %s as unit %d", to.Device, other, to.Unit), "give one of them another as_unit here; it need not be that of the bus")
	} else {
		units[to.Unit] = to.Device
	}
	g.number("function", &to.Function, 1, 4, "want 1 coils, 2 discrete inputs, 3 holding or 4 input registers: sharing only reads")
	const wantRegisters = "want addresses from 0 to 65535, such as 0-17, or 5"
	if g.need("registers", wantRegisters) {
		text := ""
		if g.word("registers", &text, wantRegisters, func(s string) bool {
			_, _, ok := parseRun(s)
			return ok
		}) {
			to.First, to.Last, _ = parseRun(text)
		}
	}
	return to
}

// parseRun reads 0-17, or 5.
func parseRun(s string) (first, last int, ok bool) {
	from, to, span := strings.Cut(s, "-")
	if !span {
		to = from
	}
	a, err1 := strconv.ParseUint(from, 10, 16)
	b, err2 := strconv.ParseUint(to, 10, 16)
	return int(a), int(b), err1 == nil && err2 == nil && a <= b
}

func canonicalShare(s *Share) object {
	if s == nil {
		return nil
	}
	return object{
		{"listen", s.Listen},
		{"allow", each(s.Allow, func(a *ShareRule) object {
			return object{{"device", a.Device}, {"as_unit", a.Unit}, {"function", a.Function}, {"registers", a.Registers()}}
		})},
	}
}
