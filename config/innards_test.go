package config

import (
	"os"
	"strings"
	"testing"
	"time"
)

// TestExampleShowsAllKeys: a key that the example does not show is a key that
// nobody finds.
func TestExampleShowsAllKeys(t *testing.T) {
	b, err := os.ReadFile("site.example.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for section, keys := range sections {
		for _, key := range keys {
			if (key == "is" || key == "not") && strings.Contains(string(b), key+": [..]") {
				continue
			}
			if section != "lines[].tls" && !strings.Contains(string(b), key+":") {
				t.Errorf("%s.%s is not in the example", section, key)
			}
		}
	}
}

func TestSectionsAreKnown(t *testing.T) {
	for key, words := range synonyms {
		if _, ok := home(key, ""); !ok {
			t.Errorf("synonyms lead to %s, which no group has", key)
		}
		for _, w := range words {
			if w != strings.ToLower(w) || strings.ContainsAny(w, "- ") {
				t.Errorf("synonym %q can never be found", w)
			}
		}
	}
}

// TestBudget32 has the limits of a system on which the whole log must fit into
// a small address space.
func TestBudget32(t *testing.T) {
	const file = "gateway: {id: a}\nkey: k\nstorage: {path: l%}\nlines: [{name: a, url: 'tcp://h:1', devices: [{name: a, unit: 1, template: boling-dust}]}]\n"
	tests := []struct {
		bits  int
		extra string
		want  int64
		err   string
	}{
		{64, "", 512e6, ""},
		{32, "", 200e6, ""},
		{32, ", budget: 256MB", 256e6, ""},
		{64, ", budget: 257MB", 257e6, ""},
		{32, ", budget: 257MB", 0, "site.yaml:3:28: storage.budget is 257MB: a log on a system of 32 bits has at most 256MB"},
		{32, ", budget: 256MiB", 0, "site.yaml:3:28: storage.budget is 256MiB: a log on a system of 32 bits has at most 256MB"},
	}
	for _, tt := range tests {
		s, err := parse("site.yaml", ".", []byte(strings.Replace(file, "%", tt.extra, 1)), tt.bits)
		switch {
		case tt.err == "" && err != nil, tt.err != "" && (err == nil || !strings.HasPrefix(err.Error(), "site.yaml:1:1: uplinks is missing") || !strings.HasSuffix(err.Error(), tt.err)):
			t.Errorf("%d bits%s: error %v, want %q", tt.bits, tt.extra, err, tt.err)
		case err == nil && s.Storage.Budget != tt.want:
			t.Errorf("%d bits%s: budget %d, want %d", tt.bits, tt.extra, s.Storage.Budget, tt.want)
		}
	}
}

func TestDurations(t *testing.T) {
	tests := []struct {
		text string
		want time.Duration // -1: refused
		hint string
	}{
		{"5s", 5 * time.Second, ""},
		{"5 s", 5 * time.Second, ""},
		{"500ms", 500 * time.Millisecond, ""},
		{"10m", 10 * time.Minute, ""},
		{"14d", 14 * day, ""},
		{"0.2s", 200 * time.Millisecond, ""},
		{"1.5h", 90 * time.Minute, ""},
		{"0.001s", time.Millisecond, ""},
		{"0s", 0, ""},
		{"5", -1, "5 of what? write 5d, 5h, 5m, 5s or 5ms"},
		{"0.5ms", -1, ""},
		{"0.0005s", -1, ""},
		{"-5s", -1, ""},
		{"+5s", -1, ""},
		{"5e3s", -1, ""},
		{".5s", -1, ""},
		{"5.s", -1, ""},
		{"s", -1, ""},
		{"", -1, ""},
		{"1h30m", -1, "write it in one unit: 90m"},
		{"5S", -1, "units are written in small letters: 5s"},
		{"5秒", -1, "write 5s"},
		{"10 分钟", -1, "write 10m"},
		{"2w", -1, "write 14d"},
		{"3 years", -1, "write 1095d"},
		{"3 月", -1, ""},
		{"106750d", 106750 * day, ""},
		{"106751d", -1, ""},
		{"99999999999999999999s", -1, ""},
		{"9223372036854775807ms", -1, ""},
	}
	for _, tt := range tests {
		got, hint, ok := parseDuration(tt.text, 0, 3660*day)
		if !ok {
			got = -1
		}
		if got != tt.want || hint != tt.hint {
			t.Errorf("parseDuration(%q) = %v, hint %q, want %v, %q", tt.text, got, hint, tt.want, tt.hint)
		}
		if ok {
			if again, _, ok := parseDuration(formatDuration(got), 0, 0); !ok || again != got {
				t.Errorf("formatDuration(%v) = %q, which reads back as %v", got, formatDuration(got), again)
			}
		}
	}
}

func TestSizes(t *testing.T) {
	tests := []struct {
		text   string
		want   int64 // -1: refused
		hint   string
		format string
	}{
		{"512MB", 512e6, "", "512MB"},
		{"512 MB", 512e6, "", "512MB"},
		{"1GB", 1e9, "", "1GB"},
		{"0.5GB", 5e8, "", "500MB"},
		{"256MiB", 256 << 20, "", "256MiB"},
		{"1000MB", 1e9, "", "1GB"},
		{"8388609B", 8388609, "", "8388609B"},
		{"512", -1, "512 of what? write 512MB for instance", ""},
		{"512mb", -1, "write 512MB", ""},
		{"512M", -1, "write 512MB", ""},
		{"1g", -1, "write 1GB", ""},
		{"half", -1, "", ""},
		{"-1MB", -1, "", ""},
		{"0.0001MB", -1, "", ""},
		{"9999999999GB", -1, "", ""},
	}
	for _, tt := range tests {
		got, hint, ok := parseSize(tt.text)
		if !ok {
			got = -1
		}
		if got != tt.want || hint != tt.hint {
			t.Errorf("parseSize(%q) = %d, hint %q, want %d, %q", tt.text, got, hint, tt.want, tt.hint)
		}
		if ok && formatSize(got) != tt.format {
			t.Errorf("formatSize(%d) = %q, want %q", got, formatSize(got), tt.format)
		}
	}
}

func TestPercents(t *testing.T) {
	tests := []struct {
		text, hint string
		want       float64 // -1: refused
	}{
		{"50%", "", 0.5},
		{"50 %", "", 0.5},
		{"29%", "", 0.29},
		{"0.5", "0.5 looks like a fraction: write 50%", -1},
		{"50", "write 50%", -1},
		{"12.5%", "", -1},
		{"%", "", -1},
	}
	for _, tt := range tests {
		got, hint, ok := parsePercent(tt.text)
		if !ok {
			got = -1
		}
		if got != tt.want || hint != tt.hint {
			t.Errorf("parsePercent(%q) = %v, hint %q, want %v, %q", tt.text, got, hint, tt.want, tt.hint)
		}
	}
	for n := range 101 {
		text := formatPercent(float64(n) / 100)
		if got, _, ok := parsePercent(text); !ok || got != float64(n)/100 {
			t.Errorf("%d %% is written %q and read %v", n, text, got)
		}
	}
}

func TestNearest(t *testing.T) {
	words := []string{"name", "unit", "interval", "timeout", "template"}
	for text, want := range map[string]string{
		"nmae": "name", "uint": "unit", "intervall": "interval", "intreval": "interval", "tiemout": "timeout",
		"templates": "template", "x": "", "gateway": "", "": "", "nam": "name", "n": "",
		strings.Repeat("name", 1000): "",
	} {
		if got := nearest(text, words); got != want {
			t.Errorf("nearest(%.20q) = %q, want %q", text, got, want)
		}
	}
	if d := distance("ca", "abc"); d != 3 {
		t.Errorf("distance(ca, abc) = %d, want 3", d)
	}
}

func TestHintsOfUnknownKeys(t *testing.T) {
	tests := []struct{ key, section, want string }{
		{"nmae", "gateway", "did you mean name?"},
		{"Name", "gateway", "did you mean name? keys are small letters and _"},
		{"stop-bits", "lines[].serial", "did you mean stop_bits? keys are small letters and _"},
		{"baudrate", "lines[].serial", "did you mean baud?"},
		{"slave_id", "lines[].devices[]", "did you mean unit?"},
		{"address", "lines[].devices[]", "did you mean unit?"},
		{"password", "uplinks[]", "a password stands in a file of its own, readable by the agent only: give its path as password_file"},
		{"Password", "uplinks[]", "a password stands in a file of its own, readable by the agent only: give its path as password_file"},
		{"template", "lines[]", "template belongs under lines[].devices[]: is the line indented as it should be?"},
		{"storage", "gateway", "storage belongs to the left margin of the file: is the line indented as it should be?"},
		{"zzzzzz", "gateway", ""},
	}
	for _, tt := range tests {
		if got := hintUnknown(tt.key, tt.section); got != tt.want {
			t.Errorf("hintUnknown(%q, %q) = %q, want %q", tt.key, tt.section, got, tt.want)
		}
	}
}
