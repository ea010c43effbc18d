package config_test

import (
	"bytes"
	"errors"
	"flag"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"envgate/config"
)

var update = flag.Bool("update", false, "write the golden files anew")

// small is the least that a site file can say.
const small = `gateway:
  id: gw-1
key: /etc/envgate/gateway.key
storage:
  path: /var/lib/envgate/log.db
lines:
  - name: dust
    serial:
      port: /dev/serial/by-id/a
      baud: 9600
      parity: none
      stop_bits: 1
    devices:
      - name: dust-1
        template: boling-dust
        unit: 1
uplinks:
  - name: centre
    broker: mqtts://mqtt.example.org:8883
    centre_keys: [/etc/envgate/centre.pub]
`

// text is what a person sees of an error of Parse.
func text(t *testing.T, err error) string {
	t.Helper()
	if err == nil {
		return ""
	}
	problems, ok := errors.AsType[config.Problems](err)
	if !ok {
		t.Fatalf("error is a %T, want Problems: %v", err, err)
	}
	var b strings.Builder
	if err := problems.WriteText(&b, "envgate"); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func mustParse(t *testing.T, file string) *config.Site {
	t.Helper()
	s, err := config.Parse("site.yaml", []byte(file))
	if err != nil {
		t.Fatalf("Parse: %v", err)
	}
	return s
}

func TestExample(t *testing.T) {
	s, err := config.Load("site.example.yaml")
	if err != nil {
		t.Fatal(text(t, err))
	}
	for _, w := range s.Warnings {
		t.Errorf("warning: %v", w)
	}
	devices := 0
	for _, l := range s.Lines {
		for _, d := range l.Devices {
			devices++
			if _, err := s.Template(d); err != nil {
				t.Errorf("Template(%s): %v", d.Name, err)
			}
		}
	}
	if len(s.Lines) != 3 || devices != 6 || len(s.Uplinks) != 1 {
		t.Errorf("%d lines, %d devices, %d uplinks, want 3, 6 and 1", len(s.Lines), devices, len(s.Uplinks))
	}
}

// TestExamplePlatforms takes the comment marks off the part that a site seldom
// has.
func TestExamplePlatforms(t *testing.T) {
	b, err := os.ReadFile("site.example.yaml")
	if err != nil {
		t.Fatal(err)
	}
	before, rest, ok := strings.Cut(string(b), "# platforms:\n")
	if !ok {
		t.Fatal("no platforms in the example")
	}
	part, after, _ := strings.Cut("# platforms:\n"+rest, "\n\n")
	s := mustParse(t, before+strings.ReplaceAll("\n"+part, "\n# ", "\n")+"\n\n"+after)
	if len(s.Platforms) != 1 || s.Platforms[0].ST != "39" || len(s.Platforms[0].Factors) != 1 {
		t.Errorf("platforms are %+v", s.Platforms)
	}
}

// TestExampleLogger does the same with the line of HJ 212.
func TestExampleLogger(t *testing.T) {
	b, err := os.ReadFile("site.example.yaml")
	if err != nil {
		t.Fatal(err)
	}
	before, rest, ok := strings.Cut(string(b), "  # - name: stack\n")
	if !ok {
		t.Fatal("no line of HJ 212 in the example")
	}
	part, after, _ := strings.Cut("  # - name: stack\n"+rest, "\n\n")
	s := mustParse(t, before+strings.ReplaceAll("\n"+part, "\n  # ", "\n  ")+"\n\n"+after)
	if len(s.Warnings) != 0 {
		t.Errorf("warnings: %v", s.Warnings)
	}
	want := config.Line{
		Name: "stack", Protocol: "hj212", Listen: "192.168.1.1:9001", CRC: "standard",
		Devices: []config.Device{{
			Name: "stack-1", MN: "010000A8900016F000169DC1", Interval: 30 * time.Second,
			Factors: []config.LoggerFactor{{Code: "a21026", Point: "a21026", Unit: "mg/m3"}, {Code: "a21026-ZsRtd", Point: "so2_converted", Unit: "mg/m3"}},
		}},
	}
	if got := s.Lines[len(s.Lines)-1]; !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

func TestDefaults(t *testing.T) {
	s := mustParse(t, small)
	day := 24 * time.Hour
	want := &config.Site{
		Gateway: config.Gateway{ID: "gw-1"},
		Key:     "/etc/envgate/gateway.key",
		Sealing: config.Sealing{Interval: 5 * time.Second},
		Storage: config.Storage{
			Path: "/var/lib/envgate/log.db", Budget: 512e6, Endurance: 2e12,
			Retention: config.Retention{Live: 14 * day, Stat: 400 * day, Event: 3 * 365 * day},
		},
		Rollup: config.Rollup{
			Minutes: 10, Rule: "share", HourMinutes: 45, DayHours: 20, Abnormal: "D",
			CountFlags: []string{"N"}, Night: config.Hours{From: 22 * 60, To: 6 * 60},
		},
		Lines: []config.Line{{
			Name:    "dust",
			Serial:  &config.Serial{Port: "/dev/serial/by-id/a", Baud: 9600, DataBits: 8, Parity: "none", StopBits: 1},
			Timeout: 500 * time.Millisecond, LateWindow: 500 * time.Millisecond,
			Devices: []config.Device{{
				Name: "dust-1", Template: "boling-dust", Unit: 1, Interval: 5 * time.Second, Timeout: 500 * time.Millisecond,
			}},
		}},
		Uplinks: []config.Uplink{{
			Name: "centre", Broker: "mqtts://mqtt.example.org:8883", ClientID: "gw-1-centre", Prefix: "envgate",
			Ack: "receipt", CentreKeys: []string{"/etc/envgate/centre.pub"}, Window: 256, BacklogShare: 0.5,
			ReconnectMax: 30 * time.Second, ReceiptTimeout: time.Minute, Streams: []string{"live", "stat", "event"},
		}},
		Log:         config.LogOptions{Level: "info"},
		Maintenance: config.Maintenance{Longest: 24 * time.Hour},
	}
	if ^uint(0)>>32 == 0 {
		want.Storage.Budget = 200e6
	}
	if !reflect.DeepEqual(s, want) {
		t.Errorf("got  %+v\nwant %+v", s, want)
	}
}

// TestBad holds the whole text of a file in which nearly everything is wrong.
func TestBad(t *testing.T) {
	b, err := os.ReadFile("testdata/bad.yaml")
	if err != nil {
		t.Fatal(err)
	}
	site, err := config.Parse("site.yaml", b)
	if site != nil {
		t.Error("a site came of it")
	}
	got := text(t, err)
	if strings.Contains(got, "hunter2") {
		t.Error("a password is printed")
	}
	golden(t, "testdata/bad.golden", []byte(got))
}

// golden compares got with a file, or writes it with -update.
func golden(t *testing.T, path string, got []byte) {
	t.Helper()
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("text is not that of %s:\n%s", path, got)
	}
}

func TestTemplate(t *testing.T) {
	s := mustParse(t, small)
	tmpl, err := s.Template(s.Lines[0].Devices[0])
	if err != nil || len(tmpl.Source()) == 0 {
		t.Fatalf("built-in template: %v", err)
	}
	// A file of one's own is read when it is asked for, and beside the site file.
	dir := t.TempDir()
	own := bytes.Replace(tmpl.Source(), []byte("name: boling-dust"), []byte("name: own"), 1)
	site := strings.Replace(small, "template: boling-dust", "template_file: own.yaml", 1)
	if err := os.WriteFile(filepath.Join(dir, "site.yaml"), []byte(site), 0o644); err != nil {
		t.Fatal(err)
	}
	if s, err = config.Load(filepath.Join(dir, "site.yaml")); err != nil {
		t.Fatal(text(t, err))
	}
	if _, err := s.Template(s.Lines[0].Devices[0]); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("template that is not there: %v", err)
	}
	if err := os.WriteFile(filepath.Join(dir, "own.yaml"), own, 0o644); err != nil {
		t.Fatal(err)
	}
	if tmpl, err := s.Template(s.Lines[0].Devices[0]); err != nil || !bytes.Equal(tmpl.Source(), own) {
		t.Errorf("template of one's own: %v", err)
	}
}

func TestLoad(t *testing.T) {
	dir := t.TempDir()
	_, err := config.Load(filepath.Join(dir, "none.yaml"))
	if !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a missing file: %v, want fs.ErrNotExist in it", err)
	}
	want := "envgate: error: " + dir + "/none.yaml: cannot be read: no such file or directory\n" +
		"envgate: hint: site.example.yaml is a complete one; copy it and change it\n"
	if got := text(t, err); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
	if _, err := config.Load(dir); !strings.HasSuffix(text(t, err), "cannot be read: is a directory\n") {
		t.Errorf("a folder: %v", err)
	}
	// Relative paths begin at the file's folder, wherever the agent was started.
	path := filepath.Join(dir, "site.yaml")
	file := strings.ReplaceAll(strings.Replace(small, "/etc/envgate/gateway.key", "gateway.key", 1), "/etc/envgate/centre.pub", "../centre.pub")
	if err := os.WriteFile(path, []byte(file), 0o600); err != nil {
		t.Fatal(err)
	}
	s, err := config.Load(path)
	if err != nil {
		t.Fatal(err)
	}
	if s.Key != filepath.Join(dir, "gateway.key") || s.Uplinks[0].CentreKeys[0] != filepath.Join(filepath.Dir(dir), "centre.pub") {
		t.Errorf("paths are %s and %s", s.Key, s.Uplinks[0].CentreKeys[0])
	}
}
