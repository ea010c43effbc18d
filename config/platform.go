package config

import (
	"fmt"
	"net"
	"strings"
)

// platforms reads the HJ 212 platforms. s is what was read before them.
func (r *reader) platforms(places []place, s *Site) []Platform {
	taken := names{}
	list := make([]Platform, len(places))
	for i, p := range places {
		r.platform(p, &list[i], s, taken)
	}
	return list
}

func (r *reader) platform(p place, to *Platform, s *Site, taken names) {
	g, ok := r.group(p, "platforms[]", "name, address, st and password_file at least")
	if !ok {
		return
	}
	to.Edition, to.MN = 2017, s.Gateway.MN
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
	const wantEdition = "want 2017 or 2025"
	if g.number("edition", &to.Edition, 2017, 2025, wantEdition) && to.Edition != 2017 && to.Edition != 2025 {
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
	if to.MN == "" && r.mnAt.node == nil && !r.torn {
		g.need("mn", "a platform knows the gateway by its MN; give it here or under gateway")
	}
	for _, p := range g.list("factors", "want a list of device, point and code, or no factors: at all, which means each point", maxKeys) {
		to.Factors = append(to.Factors, r.factor(p, s))
	}
}

func isDigits(s string) bool { return s != "" && strings.Trim(s, "0123456789") == "" }

func (r *reader) factor(p place, s *Site) (to FactorMap) {
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
	return to
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
