package main

import (
	"strings"
	"testing"
	"time"
)

// Every line must fit a terminal of 80 columns, whatever a cause is called.
func TestViewFits(t *testing.T) {
	s, err := openSite(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	st := openStore("")
	st.resolved = true
	now := time.Now()
	for _, in := range s.instruments() {
		for _, c := range in.Channels() {
			p := place{in.Name(), c.Point}
			st.units[p], st.names[p] = "ug/m3", "一个很长很长的名字"
			st.latest[p] = reading{"", "B", "status-sample-temperature", now.Add(-time.Hour), now}
		}
	}
	v := &view{now: now, began: now.Add(-time.Hour), kills: 3, brokerUp: false, site: s, store: st, sent: 123456, empty: 7}
	text := strings.Join(v.lines(style{}), "\n")
	for _, l := range strings.Split(text, "\n") {
		if n := width(l); n > 80 {
			t.Errorf("%d columns: %q", n, l)
		}
	}
	for _, want := range []string{"BROKER AWAY", "killed 3 times", "B status-samp", "3600 s", "µg/m³", "sent 123456", "reason 7"} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is not in the view:\n%s", want, text)
		}
	}
	if strings.Contains(text, "\x1b") {
		t.Error("colours without a terminal")
	}
	if text := strings.Join(v.lines(style{on: true}), "\n"); !strings.Contains(text, "\x1b[31;1m") {
		t.Error("a value that could not be had is not marked")
	}
}
