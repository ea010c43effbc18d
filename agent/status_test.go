package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"envgate/config"
	"envgate/drivers/modbus"
)

func TestStatusOfNoAgent(t *testing.T) {
	path := filepath.Join(t.TempDir(), "site.yaml")
	const site = "gateway: {id: gw-1}\nkey: k\nstorage: {path: l.db, budget: 9MB}\nlines: [{name: a, url: 'tcp://127.0.0.1:1', devices: [{name: a, unit: 1, template: boling-dust}]}]\n"
	if err := os.WriteFile(path, []byte(site), 0o600); err != nil {
		t.Fatal(err)
	}
	var out, errs bytes.Buffer
	if code := program([]string{"status", "-c", path}, &out, &errs); code != 3 {
		t.Errorf("exit code %d, want 3", code)
	}
	for _, want := range []string{"gw-1", "none runs", "of 9.00 MB", "400 d"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q in\n%s", want, &out)
		}
	}
	if !strings.Contains(errs.String(), "no agent runs for this site") || !strings.Contains(errs.String(), "hint: ") {
		t.Errorf("said: %s", &errs)
	}
	out.Reset()
	var s siteStatus
	if code := program([]string{"status", "-json", "-c", path}, &out, &errs); code != 3 || json.Unmarshal(out.Bytes(), &s) != nil || s.Running || s.Log.Budget != 9e6 {
		t.Errorf("exit code %d, JSON %s", code, &out)
	}
}

// The socket says what the line and the log say, and it fits 80 columns.
func TestStatusOfAnAgent(t *testing.T) {
	site, l := localSite(t, failBus{})
	l.gate.Read(t.Context(), modbus.Read{Unit: 1, Function: 3, Quantity: 2})
	l.gate.Read(t.Context(), modbus.Read{Unit: 9, Function: 3, Quantity: 2})
	l.gate.health.unit("dust-1", false, strings.Repeat("no answer ", 50))
	r, err := dialled(t, site).ask(t.Context(), &request{Do: "status"})
	if err != nil || r.Status == nil {
		t.Fatal(r, err)
	}
	s := r.Status
	if !s.Running || s.Gateway != "gw-test" || len(s.Lines) != 2 || s.Wear != nil {
		t.Errorf("status %+v", s)
	}
	if got := s.Lines[0]; got.Asked != 2 || got.Failed != 1 || got.Silent != 1 || got.Offline[0].Device != "dust-1" || got.Error != modbus.ErrNoAnswer.Error() {
		t.Errorf("line %+v", got)
	}
	var b bytes.Buffer
	s.write(&b)
	for line := range strings.Lines(b.String()) {
		if len(line) > 81 && !strings.HasPrefix(line, "log ") {
			t.Errorf("%d columns: %s", len(line)-1, line)
		}
	}
}

// Wear is reckoned from what the log has written.
func TestStatusOfTheLog(t *testing.T) {
	f := beginFlow(t, t.TempDir(), testKey(t))
	f.in.add(time.Second, samplesOf("noise", 0, 5)...)
	f.commit(true, true)
	site := smallSite(time.Second, time.Second, 0, 64<<20, config.Retention{Live: time.Hour, Stat: time.Hour, Event: time.Hour})
	l := siteLog(site)
	w := l.fill(f.log, site, time.Now().Add(-time.Hour))
	if w.BlockBytes == 0 || w.WrittenBytes < w.BlockBytes || w.Amplification < 1 || w.PerDay < 23*w.WrittenBytes || w.Years == 0 {
		t.Errorf("wear %+v", w)
	}
	if st := l.Streams[0]; st.Stream != live || st.Blocks != 1 || time.Since(st.Newest) > time.Minute || st.WantS == 0 {
		t.Errorf("live %+v", st)
	}
	if early := l.fill(f.log, site, time.Now()); early.PerDay != 0 || early.Years != 0 {
		t.Errorf("wear of no time at all: %+v", early)
	}
}

// What cannot be written is seen until it can.
func TestStatusSaysThatTheLogIsStuck(t *testing.T) {
	f := beginFlow(t, t.TempDir(), testKey(t))
	f.board = &board{}
	f.failed(errors.New("no space left"))
	if f.board.trouble == "" {
		t.Error("no trouble")
	}
	f.recovered()
	if f.board.trouble != "" {
		t.Errorf("trouble %q after it is over", f.board.trouble)
	}
}
