package main

import (
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// A config is centre.yaml, with its defaults filled in and its paths made
// relative to the file. See centre.example.yaml for what each key means.
type config struct {
	Broker       string
	ClientID     string
	Prefix       string
	TLS          *tlsFiles
	Username     string
	PasswordFile string

	Key      string // private key of the receipts
	Database string
	Register *register
	regFile  string // where the register stands, "" = in this file
	file     string
	HJ212    *hj212Config // nil = none

	LiveRows        time.Duration // 0 = none
	ReceiptInterval time.Duration
	ReconnectMax    time.Duration // longest pause between two tries to reach the broker
	WantAfter       time.Duration
	Keep            limit
	KeepRejects     time.Duration
	Level           slog.Level
}

type tlsFiles struct {
	CA, Certificate, Key string
}

// configFile is the file as written. Quantities are texts here, so that a wrong
// one is told with the others.
type configFile struct {
	Broker       string `yaml:"broker"`
	ClientID     string `yaml:"client_id"`
	Prefix       string `yaml:"prefix"`
	Username     string `yaml:"username"`
	PasswordFile string `yaml:"password_file"`
	TLS          *struct {
		CA          string `yaml:"ca"`
		Certificate string `yaml:"certificate"`
		Key         string `yaml:"key"`
	} `yaml:"tls"`

	Key      string         `yaml:"key"`
	Database string         `yaml:"database"`
	Register string         `yaml:"register"`
	Gateways []gatewayEntry `yaml:"gateways"`
	HJ212    *hj212File     `yaml:"hj212"`

	LiveRows        string `yaml:"live_rows"`
	ReceiptInterval string `yaml:"receipt_interval"`
	ReconnectMax    string `yaml:"reconnect_max"`
	WantAfter       string `yaml:"want_after"`
	Rejects         *struct {
		PerHour string `yaml:"per_hour"`
		Bytes   string `yaml:"bytes_per_hour"`
		Keep    string `yaml:"keep"`
	} `yaml:"rejects"`
	Log *struct {
		Level string `yaml:"level"`
	} `yaml:"log"`
}

// loadConfig reads centre.yaml and the register that it names. The error is
// problems where the files could be read.
func loadConfig(path string) (*config, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, withHint(fmt.Errorf("configuration: %w", err), "say where it is with -c FILE; centre.example.yaml is one to start from")
	}
	return parseConfig(path, b)
}

func parseConfig(path string, b []byte) (*config, error) {
	var f configFile
	d := parseDocument(path, b, &f)
	if len(d.found) > 0 {
		return nil, d.err() // the rest would be told of values that were not read
	}
	c := &config{
		file:     path,
		Broker:   f.Broker,
		ClientID: f.ClientID,
		Prefix:   f.Prefix,
		Username: f.Username,
		Key:      beside(path, f.Key),
		Database: beside(path, f.Database),
		Keep:     limit{count: 16, bytes: 256 << 10},
	}
	c.PasswordFile = beside(path, f.PasswordFile)
	c.checkBroker(d, &f)
	for _, p := range []struct{ key, value string }{{"key", f.Key}, {"database", f.Database}} {
		if p.value == "" {
			d.add("$."+p.key, "", "%s is missing: the path of a file", p.key)
		}
	}
	c.LiveRows = d.duration("live_rows", f.LiveRows, 0, 0, 3650*day)
	c.ReceiptInterval = d.duration("receipt_interval", f.ReceiptInterval, 500*time.Millisecond, 50*time.Millisecond, time.Minute)
	c.ReconnectMax = d.duration("reconnect_max", f.ReconnectMax, 5*time.Second, time.Second, 10*time.Minute)
	c.WantAfter = d.duration("want_after", f.WantAfter, 5*time.Second, time.Second, time.Hour)
	c.KeepRejects = 30 * day
	if r := f.Rejects; r != nil {
		c.Keep.count = d.count("rejects.per_hour", r.PerHour, c.Keep.count, 0, 10000)
		c.Keep.bytes = d.size("rejects.bytes_per_hour", r.Bytes, c.Keep.bytes, 0, 64<<20)
		c.KeepRejects = d.duration("rejects.keep", r.Keep, c.KeepRejects, time.Hour, 3650*day)
	}
	if f.Log != nil && f.Log.Level != "" {
		if err := c.Level.UnmarshalText([]byte(f.Log.Level)); err != nil {
			d.add("$.log.level", "", "log.level is %q: debug, info, warn or error", f.Log.Level)
		}
	}
	c.findRegister(d, &f)
	c.HJ212 = newHJ212(d, f.HJ212, c.Register)
	return c, d.err()
}

func (c *config) checkBroker(d *document, f *configFile) {
	u, err := url.Parse(f.Broker)
	switch {
	case f.Broker == "":
		d.add("$.broker", "", "broker is missing: tcp://HOST:1883 or tls://HOST:8883")
	case err != nil || u.Host == "" || u.Port() == "" || (u.Scheme != "tcp" && u.Scheme != "tls"):
		d.add("$.broker", "", "broker is %q: tcp://HOST:PORT or tls://HOST:PORT", f.Broker)
	case u.User != nil:
		d.add("$.broker", "the password goes into a file of its own: password_file", "broker holds a user: username and password_file")
		c.Broker = ""
	case u.Scheme == "tcp" && f.TLS != nil:
		d.add("$.broker", "", "broker is %q and tls is given: tls://%s", f.Broker, u.Host)
	}
	if c.ClientID == "" {
		c.ClientID = "centre"
	}
	if c.Prefix == "" {
		c.Prefix = "envgate"
	}
	if strings.ContainsAny(c.Prefix, "+#\x00") || strings.HasPrefix(c.Prefix, "/") || strings.HasSuffix(c.Prefix, "/") || strings.HasPrefix(c.Prefix, "$") {
		d.add("$.prefix", "", "prefix is %q: a topic without + and #, not beginning with $ or /, not ending in /", c.Prefix)
	}
	if f.PasswordFile != "" && f.Username == "" {
		d.add("$.password_file", "", "password_file without username")
	}
	if t := f.TLS; t != nil {
		c.TLS = &tlsFiles{CA: beside(d.file, t.CA), Certificate: beside(d.file, t.Certificate), Key: beside(d.file, t.Key)}
		if (t.Certificate == "") != (t.Key == "") {
			d.add("$.tls", "", "tls has one of certificate and key: both, or neither")
		}
	}
}

func (c *config) findRegister(d *document, f *configFile) {
	switch {
	case f.Register != "" && f.Gateways != nil:
		d.add("$.gateways", "", "register and gateways are both given: one of them")
	case f.Register == "" && f.Gateways == nil:
		d.add("$.register", "gateways: [] if there is none yet", "register is missing: a file with gateways and their keys, or gateways in place")
	case f.Gateways != nil:
		c.Register = newRegister(d, f.Gateways)
	default:
		c.regFile = beside(d.file, f.Register)
		var err error
		c.Register, err = loadRegister(c.regFile)
		if ps, ok := err.(problems); ok { //nolint:errorlint // loadRegister returns it as it is
			d.found = append(d.found, ps...)
		} else if err != nil {
			d.add("$.register", "", "register: %v", withoutOp(unwrapOne(err), c.regFile))
		}
	}
}

// reload reads the register again, where it stands.
func (c *config) reload() (*register, error) {
	if c.regFile != "" {
		return loadRegister(c.regFile)
	}
	again, err := loadConfig(c.file)
	if err != nil {
		return nil, err
	}
	return again.Register, nil
}

const day = 24 * time.Hour

var daysForm = regexp.MustCompile(`^([0-9]{1,4})d$`)

// duration reads "500ms", "5s", "30d".
func (d *document) duration(key, text string, fallback, least, most time.Duration) time.Duration {
	if text == "" {
		return fallback
	}
	var v time.Duration
	var err error
	if m := daysForm.FindStringSubmatch(text); m != nil {
		n, _ := strconv.Atoi(m[1])
		v = time.Duration(n) * day
	} else if text != "0" {
		v, err = time.ParseDuration(text)
	}
	if err != nil || v < least || v > most {
		d.add("$."+key, "", "%s is %q: %s to %s, such as 500ms, 5s, 12h or 30d", key, text, words(least), words(most))
		return fallback
	}
	return v
}

func words(v time.Duration) string {
	if v > 0 && v%day == 0 {
		return strconv.Itoa(int(v/day)) + "d"
	}
	if v == 0 {
		return "0"
	}
	text := v.String()
	for _, zero := range []string{"m0s", "h0m"} {
		if strings.HasSuffix(text, zero) {
			text = text[:len(text)-2]
		}
	}
	return text
}

func (d *document) count(key, text string, fallback, least, most int) int {
	if text == "" {
		return fallback
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < least || n > most {
		d.add("$."+key, "", "%s is %q: %d to %d", key, text, least, most)
		return fallback
	}
	return n
}

// size reads bytes: "256KB", "1MB", "4096". KB is 1024 bytes.
func (d *document) size(key, text string, fallback, least, most int) int {
	if text == "" {
		return fallback
	}
	number, factor := text, 1
	for _, u := range []struct {
		suffix string
		factor int
	}{{"KB", 1 << 10}, {"MB", 1 << 20}} {
		if s, ok := strings.CutSuffix(text, u.suffix); ok {
			number, factor = s, u.factor
		}
	}
	n, err := strconv.Atoi(number)
	if err != nil || n < 0 || n > most/factor || n*factor < least {
		d.add("$."+key, "", "%s is %q: %d to %dMB, such as 4096, 256KB or 1MB", key, text, least, most>>20)
		return fallback
	}
	return n * factor
}

func unwrapOne(err error) error {
	if u, ok := err.(interface{ Unwrap() error }); ok && u.Unwrap() != nil {
		return u.Unwrap()
	}
	return err
}
