package main

import (
	"errors"
	"fmt"
	"log/slog"
	"testing"
	"time"

	"envgate/buffer"
	"envgate/config"
)

// A site that cannot be described in blocks, or whose sources have no room beside the log,
// is refused before it runs; a large one that can be is not, and its state has room.
func TestFits(t *testing.T) {
	for _, c := range []struct {
		devices  int
		template string
		good     bool
	}{
		{1, "teledyne-t101", true},
		{200, "sonbest-sm7901b", true},
		{2000, "sonbest-sm7901b", false}, // beside the log
		{600, "teledyne-t101", false},    // its catalogue
	} {
		site := &config.Site{Gateway: config.Gateway{ID: "gw"}, Sealing: config.Sealing{Interval: 5 * time.Second}, Rollup: config.Rollup{Minutes: 1}}
		for i := range c.devices {
			if i%200 == 0 {
				site.Lines = append(site.Lines, config.Line{Name: fmt.Sprintf("line%d", i), URL: "tcp://127.0.0.1:502", Timeout: time.Second, LateWindow: time.Second})
			}
			l := &site.Lines[len(site.Lines)-1]
			l.Devices = append(l.Devices, config.Device{
				Name: fmt.Sprintf("device-%04d", i), Template: c.template, Unit: i%200 + 1, Interval: time.Minute, Timeout: time.Second,
			})
		}
		lines, err := makeLines(site)
		defer closeLines(lines)
		if err != nil {
			t.Fatal(err)
		}
		key := testKey(t)
		f := newAgent(site, false, slog.New(slog.DiscardHandler)).flow(key, makeDocuments(site, key, lines))
		err = f.fits(time.Now())
		if (err == nil) != c.good || err != nil && !errors.Is(err, errTooMany) {
			t.Errorf("%d of %s: %v, want it to fit: %v", c.devices, c.template, err, c.good)
		}
		if err == nil {
			s := state{Index: map[string]uint64{}}
			for i := range c.devices {
				for _, kind := range []string{"", "minute", "hour", "day"} {
					s.Index[fmt.Sprintf("device-%04d|%s", i, kind)] = 1 << 31
				}
			}
			if n := len(s.text()); n > buffer.MaxState {
				t.Errorf("%d devices fit, and their state has %d bytes", c.devices, n)
			}
		}
	}
}
