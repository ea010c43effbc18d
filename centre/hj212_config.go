package main

import (
	"fmt"
	"math/big"
	"net"
	"os"
	"strings"

	"envgate/hj212"
)

// An hj212Config is `hj212:` of centre.yaml.
type hj212Config struct {
	Listen   string
	Stations []*station // as they stand in the file
}

// A station is what sends HJ 212 under one MN.
type station struct {
	MN      string
	Gateway string // whose figures by MQTT are to be the same, "" = nobody's
	Points  map[string]pointEntry

	passwordFile string
	keyFiles     []string

	// Read by load.
	pw   string
	keys hj212.Keys
}

// The section as written.
type hj212File struct {
	Listen   string         `yaml:"listen"`
	Stations []stationEntry `yaml:"stations"`
}

type stationEntry struct {
	MN           string       `yaml:"mn"`
	Gateway      string       `yaml:"gateway"`
	PasswordFile string       `yaml:"password_file"`
	Keys         []string     `yaml:"keys"`
	Points       []pointEntry `yaml:"points"`
}

// A pointEntry says which figure by MQTT goes out under a code by HJ 212.
type pointEntry struct {
	Code   string `yaml:"code"`
	Point  string `yaml:"point"`  // default: the code
	Device string `yaml:"device"` // default: any
	Scale  string `yaml:"scale"`  // by which the value is multiplied on its way, default 1

	scale *big.Rat
}

func newHJ212(d *document, f *hj212File, reg *register) *hj212Config {
	if f == nil {
		return nil
	}
	c := &hj212Config{Listen: f.Listen}
	if _, _, err := net.SplitHostPort(f.Listen); err != nil {
		d.add("$.hj212.listen", "", "hj212.listen is %q: HOST:PORT or :PORT", f.Listen)
	}
	seen := map[string]bool{}
	for i, e := range f.Stations {
		where := fmt.Sprintf("hj212.stations[%d]", i)
		s := &station{MN: e.MN, Gateway: e.Gateway, passwordFile: beside(d.file, e.PasswordFile), Points: map[string]pointEntry{}}
		switch {
		case e.MN == "" || len(e.MN) > 32 || strings.ContainsAny(e.MN, ";,=& \t"):
			d.add("$."+where+".mn", "", "%s.mn is %q: 1 to 32 letters and digits, 24 by the standard", where, e.MN)
		case seen[e.MN]:
			d.add("$."+where+".mn", "", "%s.mn is %q: it stands further up already", where, e.MN)
		case e.PasswordFile == "":
			d.add("$."+where, "", "%s.password_file is missing: a file with the 6 characters", where)
		}
		seen[e.MN] = true
		if e.Gateway != "" && reg != nil && !reg.has(e.Gateway) {
			d.add("$."+where+".gateway", "", "%s.gateway is %q: it is not in the register", where, e.Gateway)
		}
		for _, k := range e.Keys {
			s.keyFiles = append(s.keyFiles, beside(d.file, k))
		}
		for j, p := range e.Points {
			s.addPoint(d, p, fmt.Sprintf("%s.points[%d]", where, j))
		}
		c.Stations = append(c.Stations, s)
	}
	return c
}

func (s *station) addPoint(d *document, p pointEntry, where string) {
	if p.Point == "" {
		p.Point = p.Code
	}
	p.scale = big.NewRat(1, 1)
	if p.Scale != "" {
		if _, ok := p.scale.SetString(p.Scale); !ok || p.scale.Sign() <= 0 || len(p.Scale) > 32 {
			d.add("$."+where+".scale", "", "%s.scale is %q: a number over 0, such as 1000 or 0.001", where, p.Scale)
			p.scale = big.NewRat(1, 1)
		}
	}
	if _, double := s.Points[p.Code]; p.Code == "" || double {
		d.add("$."+where+".code", "", "%s.code is %q: a code, and each once", where, p.Code)
	}
	s.Points[p.Code] = p
}

// load reads passwords and keys.
func (c *hj212Config) load() error {
	for _, s := range c.Stations {
		var err error
		if s.pw, err = readPassword(s.passwordFile); err != nil {
			return fmt.Errorf("hj212 station %s: %w", s.MN, err)
		}
		if s.pw == "" {
			return fmt.Errorf("hj212 station %s: %s is empty", s.MN, s.passwordFile)
		}
		for _, file := range s.keyFiles {
			b, err := os.ReadFile(file)
			if err != nil {
				return fmt.Errorf("hj212 station %s: keys: %w", s.MN, err)
			}
			key, err := hj212.NewKey("", []byte(strings.TrimRight(string(b), "\r\n")))
			if err != nil {
				return withHint(fmt.Errorf("hj212 station %s: %s: %w", s.MN, file, err), "the file holds the 16 characters of the key in one line")
			}
			s.keys = append(s.keys, key)
		}
	}
	return nil
}
