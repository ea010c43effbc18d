package config

import (
	"fmt"
	"net"
	"slices"
	"strings"
	"time"
)

// platforms reads the HJ 212 platforms. s is what was read before them.
func (r *reader) platforms(places []*place, s *Site) []Platform {
	taken := names{}
	list := make([]Platform, len(places))
	for i, p := range places {
		r.platform(p, &list[i], s, taken)
	}
	return list
}

func (r *reader) platform(p *place, to *Platform, s *Site, taken names) {
	g, ok := r.group(p, "platforms[]", "name, address, st and password_file at least")
	if !ok {
		return
	}
	to.Edition, to.MN = 2017, s.Gateway.MN
	to.Timeout, to.Retries, to.RtdInterval = 10*time.Second, 3, 30*time.Second
	to.Digits, to.CRC, to.Cipher = "format", "standard", "raw"
	g.name(&to.Name, taken)
	const wantAddress = "want host and port, such as 10.1.2.3:9001"
	if g.need("address", wantAddress) {
		g.word("address", &to.Address, wantAddress, func(s string) bool {
			host, port, err := net.SplitHostPort(s)
			return err == nil && host != "" && !strings.ContainsAny(host, "/@ ") && validPort(port)
		}, func(text string) string {
			if _, rest, ok := strings.Cut(text, "://"); ok && !strings.Contains(rest, "@") {
				return "leave out what comes before the host: " + rest
			}
			return ""
		})
	}
	const wantEdition = "want 2005, 2017 or 2025"
	if g.number("edition", &to.Edition, 2005, 2025, wantEdition) && to.Edition != 2005 && to.Edition != 2017 && to.Edition != 2025 {
		r.bad(g.at("edition"), wantEdition, "")
	}
	const wantST = "want the system code of the standard in two digits, such as 39 for dust or 22 for ambient air"
	if g.need("st", wantST) {
		g.word("st", &to.ST, wantST, func(s string) bool { return len(s) == 2 && isDigits(s) })
	}
	const wantPW = "want the path of a file with the platform's 6 characters"
	if g.need("password_file", wantPW) {
		path := ""
		g.file("password_file", &path, wantPW)
		to.PW = SecretFile(path)
	}
	r.mn(g, &to.MN)
	r.platformCommands(g, to)
	if to.MN == "" && r.mnAt == nil && !r.torn && (to.Commands.Registration == nil || to.Edition != 2025) {
		g.need("mn", "a platform knows the gateway by its MN; give it here or under gateway")
	}
	r.sending(g, to)
	r.cipher(g, to)
	for _, p := range g.list("factors", "want a list of device, point and code, or no factors: at all, which means each point", maxKeys) {
		to.Factors = append(to.Factors, r.factor(p, s))
	}
}

// sending reads what goes out and how it is answered.
func (r *reader) sending(g *group, to *Platform) {
	to.Send = g.words("send", []string{"rtd", "minute", "hour", "day", "boot"})
	if len(to.Send) == 0 {
		to.Send = []string{"rtd", "minute", "hour", "day", "boot"}
	}
	g.duration("rtd_interval", &to.RtdInterval, 30*time.Second, time.Hour, "a real-time interval")
	ack := "each"
	g.choice("ack", &ack, []string{"each", "none"})
	to.NoAnswers = ack == "none"
	g.duration("timeout", &to.Timeout, time.Second, 99*time.Second, "a timeout")
	g.number("retries", &to.Retries, 1, 99, "want the attempts after the first, 1 to 99")
	if !g.duration("heartbeat", &to.Heartbeat, 0, time.Hour, "a heartbeat") {
		return
	}
	if to.Heartbeat > 0 && to.Heartbeat < 10*time.Second {
		r.bad(g.at("heartbeat"), "want 0s, which is none, or 10s to 1h", "")
	}
	g.choice("digits", &to.Digits, []string{"format", "instrument"})
	g.yes("mark_backfill", &to.MarkBackfill)
	g.choice("crc", &to.CRC, []string{"standard", "modbus", "modbus-swapped"})
}

// cipher reads what keeps the values secret (HJ 212-2025, 6.4: over the Internet data
// are encrypted).
func (r *reader) cipher(g *group, to *Platform) {
	path := ""
	g.file("key_file", &path, "want the path of a file with the 16 characters of the key")
	to.Key = SecretFile(path)
	g.choice("cipher", &to.Cipher, []string{"raw", "braces"})
	g.yes("private_network", &to.PrivateNetwork)
	switch {
	case g.has("key_file") && to.Edition != 2025:
		r.say(g.at("key_file"), fmt.Sprintf("is there, but edition %d has no encryption", to.Edition), "set edition: 2025, or leave the key out")
	case to.Edition == 2025 && !g.has("key_file") && !to.PrivateNetwork:
		r.warn(g.at("edition"), "is 2025 without a key_file: figures go out in plain text, which the standard allows in private networks only",
			"give key_file, or private_network: true where that is one")
	}
}

// words is a list of some of a few words, each once.
func (g *group) words(key string, all []string) (out []string) {
	for _, p := range g.list(key, "want a list of "+or(all)+", or no "+key+": at all, which means all of them", len(all)) {
		if p.kind != scalar || !slices.Contains(all, p.text) || slices.Contains(out, p.text) {
			hint := ""
			if p.kind == scalar {
				if near := nearest(strings.ToLower(p.text), all); near != "" && near != p.text {
					hint = "did you mean " + near + "?"
				}
			}
			g.r.bad(p, "want "+or(all)+", each once", hint)
			continue
		}
		out = append(out, p.text)
	}
	return out
}

func isDigits(s string) bool { return s != "" && strings.Trim(s, "0123456789") == "" }

func (r *reader) factor(p *place, s *Site) (to FactorMap) {
	g, ok := r.group(p, "platforms[].factors[]", "device, point and code")
	if !ok {
		return to
	}
	const wantPoint = "want the code of a point, such as a34004"
	isPoint := func(s string) bool { return isWord(s, 32, "_") }
	if g.need("device", "want the name of one of the devices above") {
		var known []string
		for _, l := range s.Lines {
			for _, d := range l.Devices {
				known = append(known, d.Name)
			}
		}
		if g.word("device", &to.Device, wantName, isName, hintName) && s.device(to.Device) == nil && !s.calculated(to.Device) && !r.torn {
			hint := ""
			if near := nearest(to.Device, known); near != "" {
				hint = "did you mean " + near + "?"
			}
			r.say(g.at("device"), fmt.Sprintf("is %s: no device above has that name", to.Device), hint)
		}
	}
	if g.need("point", wantPoint) {
		g.word("point", &to.Point, wantPoint, isPoint)
	}
	to.Code = to.Point
	g.word("code", &to.Code, "want the code that the platform knows, such as a34004", isPoint)
	g.word("st", &to.ST, "want the system code of the frames that carry it, such as 44 for power", func(s string) bool { return len(s) == 2 && isDigits(s) })
	g.word("times", &to.Times, "want the unit factor as a decimal above 0, such as 0.001 or 1000", isTimes, func(text string) string {
		if strings.Contains(text, ",") {
			return "the decimal point is a point"
		}
		return ""
	})
	g.word("unit", &to.Unit, "want a unit of up to 16 letters, such as mg/m3", func(s string) bool { return s != "" && len(s) <= 16 })
	if decimals := 0; g.has("decimals") && g.number("decimals", &decimals, 0, 9, "want the digits behind the point, 0 to 9") {
		to.Decimals = &decimals
	}
	to.Figures = g.words("figures", []string{"cou", "min", "avg", "max", "rtd", "zs"})
	return to
}

// isTimes says whether s is a decimal above 0 of up to 12 characters.
func isTimes(s string) bool {
	whole, part, point := strings.Cut(s, ".")
	return len(s) <= 12 && isDigits(whole) && (!point || isDigits(part)) && strings.Trim(s, "0.") != ""
}

// device finds a device by its name; nil if there is none.
func (s *Site) device(name string) *Device {
	for i := range s.Lines {
		for j := range s.Lines[i].Devices {
			if d := &s.Lines[i].Devices[j]; d.Name == name {
				return d
			}
		}
	}
	return nil
}
