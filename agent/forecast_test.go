package main

import (
	"bytes"
	"fmt"
	"log/slog"
	"math"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"envgate/buffer"
	"envgate/config"
	"envgate/drivers"
)

// smallSite has three instruments, and a log that they fill within a day.
func smallSite(interval, sealing time.Duration, minutes int, budget int64, r config.Retention) *config.Site {
	site := &config.Site{
		Gateway: config.Gateway{ID: "gw-test"}, Sealing: config.Sealing{Interval: sealing}, Rollup: config.Rollup{Minutes: minutes},
		Storage: config.Storage{Budget: budget, Retention: r, Endurance: 2e12},
	}
	l := config.Line{Name: "lan", URL: "tcp://127.0.0.1:502", Timeout: time.Second, LateWindow: time.Second}
	for i, template := range []string{"boling-dust", "sonbest-sm7901b", "teledyne-t101"} {
		l.Devices = append(l.Devices, config.Device{Name: fmt.Sprint("device-", i), Template: template, Unit: i + 1, Interval: interval, Timeout: time.Second})
	}
	site.Lines = []config.Line{l}
	return site
}

// What check says is held is what the agent's own writer holds, when it has run for long
// on a log that is too small: within 15 %. The values are others than those of check.
func TestForecastIsWhatTheWriterDoes(t *testing.T) {
	const hour = time.Hour
	for _, c := range []struct {
		name   string
		site   *config.Site
		run    time.Duration
		stream string
	}{
		{"samples", smallSite(5*time.Second, 5*time.Second, 10, 3e6, config.Retention{Live: 100 * hour, Stat: 6 * hour, Event: 6 * hour}), 7 * hour / 2, live},
		{"figures", smallSite(time.Minute, time.Minute, 1, 2.2e6, config.Retention{Live: hour, Stat: 1000 * hour, Event: 6 * hour}), 25 * hour, stat},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			lines, err := makeLines(c.site)
			if err != nil {
				t.Fatal(err)
			}
			defer closeLines(lines)
			says, _, err := forecast(c.site, lines)
			if err != nil {
				t.Fatal(err)
			}
			log := runLong(t, c.site, lines, c.run)
			for _, f := range says {
				if f.Stream != c.stream {
					continue
				}
				first, last := log.Bounds(f.Stream)
				held := timeOf(log, f.Stream, last).Sub(timeOf(log, f.Stream, first))
				t.Logf("%s: %s held, %s forecast, %s wanted", f.Stream, held.Round(time.Minute), f.Held.Round(time.Minute), f.Wanted)
				if first == 1 || f.Held >= f.Wanted {
					t.Fatal("nothing was evicted: the test tested nothing")
				}
				if math.Abs(f.Held.Hours()/held.Hours()-1) > 0.15 {
					t.Errorf("%s: %s held, the forecast says %s", f.Stream, held, f.Held)
				}
			}
		})
	}
}

// runLong is the site's log after its writer has had samples for so long, on a clock that
// runs as fast as it can.
func runLong(t *testing.T, site *config.Site, lines []*siteLine, long time.Duration) *buffer.Log {
	key := testKey(t)
	a := newAgent(site, false, slog.New(slog.DiscardHandler))
	f := a.flow(key, makeDocuments(site, key, lines))
	path := filepath.Join(t.TempDir(), "log.db")
	f.open = func() (*buffer.Log, error) {
		o := retained(site)
		o.NoSync = true
		return buffer.Open(path, o)
	}
	begin := time.Date(2026, 5, 4, 3, 2, 1, 0, time.UTC)
	now := begin
	f.clock.now = func() time.Time { return now }
	f.clock.stamps = f.clock.now
	f.clock.mono = func() time.Duration { return now.Sub(begin) + time.Hour }
	if err := f.begin(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.log.Close() })
	r := rand.New(rand.NewPCG(7, 7))
	for now.Sub(begin) < long {
		for end := now.Add(f.every); now.Before(end); now = now.Add(time.Second) {
			for _, l := range lines {
				for _, d := range l.devices {
					if now.Unix()%int64(d.config.Interval/time.Second) == 0 {
						f.in.add(d.config.Interval, dayOf(d.device, now, r)...)
					}
				}
			}
		}
		f.commit(true, true)
		if f.parked != nil {
			t.Fatal("a batch waits")
		}
	}
	return f.log
}

// dayOf is a sample whose values follow the hour, with some noise.
func dayOf(d *drivers.Device, now time.Time, r *rand.Rand) []drivers.Sample {
	samples := d.Missing(now.Add(time.Duration(r.IntN(30))*time.Millisecond), "")
	for _, s := range samples {
		for i := range s.Readings {
			wave := 40 + 20*math.Sin(float64(now.Unix()+int64(i)*1000)/4000) + r.Float64()
			s.Readings[i].Value, s.Readings[i].Flag = fmt.Sprintf("%.1f", wave), "N"
		}
	}
	return samples
}

func TestPrintForecast(t *testing.T) {
	site := smallSite(5*time.Second, 5*time.Second, 10, 8e6, config.Retention{Live: 14 * 24 * time.Hour, Stat: 24 * time.Hour, Event: 24 * time.Hour})
	lines, err := makeLines(site)
	if err != nil {
		t.Fatal(err)
	}
	defer closeLines(lines)
	var out, errs bytes.Buffer
	if err := printForecast(&out, &errs, site, lines, 32); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"live    14 d    ", "budget 8.00 MB", "40 events a day are assumed"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q in\n%s", want, &out)
		}
	}
	for _, want := range []string{"storage: live: 14 d wanted, ", " held; all streams need ", "or retention.live to "} {
		if !strings.Contains(errs.String(), want) {
			t.Errorf("no %q in\n%s", want, &errs)
		}
	}
	if strings.Contains(errs.String(), "stat:") {
		t.Errorf("a stream that fits is warned of:\n%s", &errs)
	}
	errs.Reset()
	site.Storage.Budget = 500e6
	out.Reset()
	if err := printForecast(&out, &errs, site, lines, 64); err != nil || errs.Len() > 0 || !strings.Contains(out.String(), "check -32") {
		t.Errorf("%v\n%s%s", err, &errs, &out)
	}
}
