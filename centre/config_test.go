package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// The example holds every key, and each counts.
func TestExample(t *testing.T) {
	c, err := loadConfig("centre.example.yaml")
	if err != nil {
		t.Fatal(err)
	}
	got := fmt.Sprintln(c.Broker, c.ClientID, c.Prefix, *c.TLS, c.Username, c.PasswordFile, c.Key, c.Database,
		c.LiveRows, c.ReceiptInterval, c.ReconnectMax, c.WantAfter, c.Keep, c.KeepRejects, c.Level)
	want := fmt.Sprintln("tls://mqtt.example.org:8883", "centre", "envgate", tlsFiles{"tls/ca.crt", "tls/centre.crt", "tls/centre.key"},
		"centre", "secrets/mqtt-password", "centre.key", "centre.db",
		7*day, 500*time.Millisecond, 5*time.Second, 5*time.Second, limit{16, 256 << 10}, 30*day, "INFO")
	if got != want {
		t.Errorf("example is\n%s, want\n%s", got, want)
	}
	if len(c.Register.names) != 2 || len(c.Register.keys) != 2 || c.Register.names["gw-0001"] != "东区3号塔吊" {
		t.Errorf("register %+v", c.Register)
	}
	if h := c.HJ212; h == nil || h.Listen != ":9001" || len(h.Stations) != 1 || h.Stations[0].Gateway != "gw-0001" || len(h.Stations[0].keyFiles) != 1 ||
		h.Stations[0].passwordFile != "secrets/gw-0001-hj212" || h.Stations[0].Points["a34002"].Scale != "0.001" {
		t.Errorf("hj212 %+v", h)
	}
	text, err := os.ReadFile("centre.example.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{
		"broker", "client_id", "prefix", "tls", "ca", "certificate", "username", "password_file", "key", "database", "register",
		"gateways", "id", "name", "keys", "kid", "file", "pem", "live_rows", "receipt_interval", "reconnect_max", "want_after", "rejects", "per_hour", "bytes_per_hour", "keep", "log", "level",
		"hj212", "listen", "stations", "mn", "gateway", "points", "code", "point", "device", "scale",
	} {
		if !strings.Contains(string(text), key+":") {
			t.Errorf("the example does not show %s", key)
		}
	}
}

func TestDefaults(t *testing.T) {
	c, err := parseConfig("x/centre.yaml", []byte("broker: tcp://localhost:1883\nkey: k\ndatabase: /var/db\ngateways: []\n"))
	if err != nil {
		t.Fatal(err)
	}
	if c.Prefix != "envgate" || c.ClientID != "centre" || c.LiveRows != 0 || c.ReceiptInterval != 500*time.Millisecond || c.WantAfter != 5*time.Second {
		t.Errorf("defaults %+v", c)
	}
	if c.Key != filepath.Join("x", "k") || c.Database != "/var/db" {
		t.Errorf("key %q, database %q: paths are relative to the file", c.Key, c.Database)
	}
}

// Every text that a wrong file can give, as it is told.
func TestConfigProblems(t *testing.T) {
	const fine = "broker: tcp://localhost:1883\nkey: k\ndatabase: d\n"
	const pub = "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=\n-----END PUBLIC KEY-----\n"
	pem := func(s string) string { return strings.ReplaceAll(strings.TrimSpace(s), "\n", "\n          ") }
	var out strings.Builder
	for _, tt := range []struct{ name, text string }{
		{"empty", ""},
		{"not YAML", "broker: [\n"},
		{"unknown key", fine + "gateways: []\ndatabse: x\n"},
		{"key twice", fine + "key: again\ngateways: []\n"},
		{"wrong kind of value", fine + "gateways: []\ntls: yes please\n"},
		{"two documents", fine + "gateways: []\n---\nkey: x\n"},
		{"many at once", `broker: mqtt.example.org
prefix: a/+/
password_file: pw
tls: {certificate: c}
live_rows: a week
receipt_interval: 1ms
want_after: "-5s"
rejects: {per_hour: "-1", bytes_per_hour: 1TB, keep: 1s}
log: {level: loud}
`},
		{"password in the address", "broker: tcp://me:secret@localhost:1883\nkey: k\ndatabase: d\ngateways: []\n"},
		{"TLS without tls://", fine + "gateways: []\ntls: {ca: x}\n"},
		{"both registers", fine + "register: r.yaml\ngateways: []\n"},
		{"register file not there", fine + "register: none.yaml\n"},
		{"gateways", fine + `gateways:
  - id: gw/1
  - id: gw-1
  - id: gw-1
    keys: [{}]
  - id: gw-2
    keys:
      - file: none.pub
      - pem: junk
      - pem: |
          ` + pem(pub) + `
      - kid: gw-1/EdDSA/1
        pem: |
          ` + pem(pub) + `
      - kid: gw-2/EdDSA/1
        pem: |
          kid: gw-2/EdDSA/2
          ` + pem(pub) + `
      - kid: gw-2/EdDSA/1
        pem: |
          ` + pem(pub) + `
      - kid: gw-2/EdDSA/1
        pem: |
          ` + pem(pub) + `
      - pem: |
          ` + pem(strings.ReplaceAll(pub, "PUBLIC", "PRIVATE")) + `
`},
	} {
		_, err := parseConfig("centre.yaml", []byte(tt.text))
		fmt.Fprintf(&out, "# %s\n", tt.name)
		if err == nil {
			t.Errorf("%s: taken", tt.name)
			continue
		}
		tell(&out, err)
		out.WriteString("\n")
	}
	if strings.Contains(out.String(), "secret") {
		t.Error("a password stands in an error text")
	}
	golden(t, "config", out.String())
}

func FuzzParseConfig(f *testing.F) {
	b, err := os.ReadFile("centre.example.yaml")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b)
	f.Add([]byte("gateways: [{id: x, keys: [{pem: y}]}]"))
	f.Add([]byte("tls: {ca: *a}\nlive_rows: 99999999999d"))
	f.Fuzz(func(t *testing.T, b []byte) {
		c, err := parseConfig("x.yaml", b)
		if err == nil && (c.Register == nil || c.ReceiptInterval <= 0 || c.Broker == "") {
			t.Fatalf("took %q as %+v", b, c)
		}
	})
}
