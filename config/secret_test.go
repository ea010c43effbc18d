package config_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"

	"envgate/config"
)

// TestSecret prints a secret in every way there is.
func TestSecret(t *testing.T) {
	path := filepath.Join(t.TempDir(), "mqtt.password")
	if err := os.WriteFile(path, []byte("hunter2\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	file := strings.Replace(small, "    broker", "    username: gw\n    password_file: "+path+"\n    broker", 1)
	s := mustParse(t, file)
	secret := s.Uplinks[0].Password
	got, err := secret.Read()
	if got != "hunter2" || err != nil {
		t.Fatalf("Read() = %q, %v", got, err)
	}
	var out strings.Builder
	for _, v := range []any{secret, &secret, s, *s, s.Uplinks, s.Uplinks[0]} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
			fmt.Fprintf(&out, verb+"\n", v)
		}
		for _, marshal := range []func(any) ([]byte, error){json.Marshal, yaml.Marshal} {
			b, err := marshal(v)
			if err != nil {
				t.Errorf("marshal %T: %v", v, err)
			}
			out.Write(b)
		}
		slog.New(slog.NewTextHandler(&out, nil)).Info("site", "v", v)
		slog.New(slog.NewJSONHandler(&out, nil)).Info("site", "v", v)
	}
	out.Write(s.Canonical())
	for _, leak := range []string{"hunter2", "68756e74657232", "aHVudGVyM"} { // as it is, in hex, in base64
		if strings.Contains(out.String(), leak) {
			t.Errorf("%q is printed", leak)
		}
	}
	if !strings.Contains(out.String(), path) {
		t.Error("the path is not printed")
	}
}

func TestSecretRead(t *testing.T) {
	dir := t.TempDir()
	tests := []struct {
		name, content string
		mode          os.FileMode
		want          string // in the error; empty for none
	}{
		{"good", "hunter2", 0o600, ""},
		{"group", "hunter2\r\n", 0o640, ""},
		{"loose", "hunter2", 0o644, "has mode 0644"},
		{"writable", "hunter2", 0o602, "has mode 0602"},
		{"empty", "\n", 0o600, "is empty"},
		{"two", "hunter2\nhunter2\n", 0o600, "more than one line"},
		{"large", strings.Repeat("hunter2", 1000), 0o600, "more than 4096 bytes"},
	}
	for _, tt := range tests {
		path := filepath.Join(dir, tt.name)
		if err := os.WriteFile(path, []byte(tt.content), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(path, tt.mode); err != nil {
			t.Fatal(err)
		}
		got, err := config.SecretFile(path).Read()
		switch {
		case tt.want == "" && (err != nil || got != "hunter2"):
			t.Errorf("%s: Read() = %q, %v", tt.name, got, err)
		case tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "hunter2") || got != ""):
			t.Errorf("%s: Read() = %q, %v, want %q", tt.name, got, err, tt.want)
		}
	}
	if _, err := config.SecretFile(filepath.Join(dir, "loose")).Read(); !errors.Is(err, config.ErrSecretMode) {
		t.Errorf("loose mode: %v, want ErrSecretMode", err)
	}
	if _, err := config.SecretFile(filepath.Join(dir, "none")).Read(); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no file: %v, want fs.ErrNotExist", err)
	}
	if got, err := (config.Secret{}).Read(); got != "" || err != nil {
		t.Errorf("zero Secret: %q, %v", got, err)
	}
}
