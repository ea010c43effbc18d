package main

import (
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"strconv"
	"text/tabwriter"
	"time"

	"envgate/agent/rollup"
	"envgate/buffer"
	"envgate/config"
	"envgate/drivers"
	"envgate/envelope"
)

// retained are the options of a site's log that say how long what is kept.
func retained(s *config.Site) buffer.Options {
	r := s.Storage.Retention
	return buffer.Options{
		MaxBytes: s.Storage.Budget,
		Streams: []buffer.StreamOptions{
			{Name: live, MaxAge: r.Live, Share: 0.70},
			{Name: stat, MaxAge: r.Stat, Share: 0.25},
			{Name: event, MaxAge: r.Event, Share: 0.05},
		},
	}
}

// What a forecast assumes of events, as nobody knows how many there will be.
const (
	eventsADay = 40 // half of them devices that fall silent, half those that speak again
	aMonth     = 30 // days from one change of the site file to the next
)

const (
	dayReadings = 30_000 // that are sealed to measure their blocks
	daySeals    = 60     // sealings, if no device is asked more rarely
	dayValues   = 6      // of a point in a minute period; their number in the figures is the true one
)

// A synthetic is a day of a site that has not been yet: its own instruments, points and
// intervals, with values as plausible as can be, sealed by the agent's own press.
type synthetic struct {
	site   *config.Site
	press  *press
	voices []*voice
	rand   *rand.Rand
	zero   time.Time // a midnight at +08:00
}

// A voice is one device with what it says at each tick.
type voice struct {
	every   time.Duration
	samples []drivers.Sample
	points  map[string]drivers.Point
	at      map[string]int64 // last value by source and point, in units of the last digit
	raw     map[string]int   // bytes by source
}

// forecast reckons what the log will hold, from the blocks of a part of a day.
func forecast(site *config.Site, lines []*siteLine) ([]buffer.Forecast, int64, error) {
	s, docs, err := newSynthetic(site, lines)
	if err != nil {
		return nil, 0, err
	}
	loads, err := s.events(docs)
	if err != nil {
		return nil, 0, err
	}
	for _, part := range []func() (buffer.Load, error){s.stat, s.live} {
		l, err := part()
		if err != nil {
			return nil, 0, err
		}
		loads = append(loads, l)
	}
	out, needed := retained(site).Forecast(loads)
	return out, needed, nil
}

func newSynthetic(site *config.Site, lines []*siteLine) (*synthetic, documents, error) {
	key, err := envelope.NewKey(site.Gateway.ID) // its signatures are as long as any
	if err != nil {
		return nil, documents{}, err
	}
	docs := makeDocuments(site, key, lines)
	f := newAgent(site, false, slog.New(slog.DiscardHandler)).flow(key, docs)
	p := f.press
	p.epoch, p.heads, p.index = "0123456789abcdef", map[string]envelope.Head{}, map[string]uint64{}
	p.config, p.catalogue = envelope.Hash(docs.config), envelope.Hash(docs.catalogue)
	s := &synthetic{site: site, press: p, rand: rand.New(rand.NewPCG(1, 2)), zero: time.Date(2026, 3, 2, 0, 0, 0, 0, siteZone)}
	for _, l := range lines {
		for _, d := range l.devices {
			v := &voice{every: d.config.Interval, samples: d.device.Missing(s.zero, ""), raw: map[string]int{}}
			for source, q := range d.device.Evidence() {
				v.raw[source] = 2 * int(q.Quantity)
			}
			s.add(v, d.device.Points())
		}
	}
	for _, l := range site.Lines {
		for _, d := range l.Devices {
			if !pushes(l) {
				continue
			}
			said := drivers.Sample{Source: d.Name}
			for _, f := range d.Factors {
				said.Readings = append(said.Readings, drivers.Reading{Point: f.Point})
			}
			s.add(&voice{every: d.Interval, samples: []drivers.Sample{said}}, nil)
		}
	}
	for _, one := range calculationSources(site) { // a converted value takes as much room as a measured one
		said := drivers.Sample{Source: one.Source}
		for _, p := range one.Points {
			said.Readings = append(said.Readings, drivers.Reading{Point: p.Point})
			if p.converted {
				said.Readings = append(said.Readings, drivers.Reading{Point: p.Point + "z"})
			}
		}
		s.add(&voice{every: time.Duration(one.IntervalMs) * time.Millisecond, samples: []drivers.Sample{said}}, nil)
	}
	return s, docs, nil
}

//go:noinline
func (s *synthetic) add(v *voice, points []drivers.Point) {
	v.points, v.at = map[string]drivers.Point{}, map[string]int64{}
	for _, p := range points {
		v.points[p.Name] = p
	}
	s.voices = append(s.voices, v)
}

// say is what a voice says at a time. A value walks by up to 1 % each time, as what is in
// the air does; a state stays as it is.
func (s *synthetic) say(v *voice, at time.Time) (out []polled) {
	for _, shape := range v.samples {
		sample := drivers.Sample{Source: shape.Source, Device: shape.Device, Time: at.Add(time.Duration(s.rand.IntN(40)) * time.Millisecond)}
		for _, x := range shape.Readings {
			sample.Readings = append(sample.Readings, drivers.Reading{Point: x.Point, Unit: x.Unit, Flag: "N", Value: s.value(v, shape.Source, x.Point)})
		}
		for range v.raw[shape.Source] / 2 { // of each register the low byte moves
			sample.Raw = append(sample.Raw, byte(len(sample.Raw)), byte(s.rand.IntN(256)))
		}
		out = append(out, polled{Sample: sample, every: v.every})
	}
	return out
}

func (s *synthetic) value(v *voice, source, point string) string {
	p, known := v.points[point]
	if p.States[0] != "" {
		return "0"
	}
	decimals := 1
	if known && p.Decimals >= 0 {
		decimals = p.Decimals
	}
	name := source + "|" + point
	now, begun := v.at[name]
	if !begun {
		now = 100 + s.rand.Int64N(900)
	}
	step := max(now/100, 1)
	now = max(now+s.rand.Int64N(2*step+1)-step, 1)
	v.at[name] = now
	unit := int64(1)
	for range decimals {
		unit *= 10
	}
	if unit == 1 {
		return strconv.FormatInt(now, 10)
	}
	return fmt.Sprintf("%d.%0*d", now/unit, decimals, now%unit)
}

// live seals what comes in some minutes, as often as the agent does.
func (s *synthetic) live() (buffer.Load, error) {
	every := s.site.Sealing.Interval
	span := daySeals * every
	for _, v := range s.voices {
		span = max(span, v.every)
	}
	l := buffer.Load{Stream: live}
	at, readings := s.zero, 0
	for ; at.Sub(s.zero) < span && readings < dayReadings; at = at.Add(every) {
		var rows []row
		for _, v := range s.voices {
			for tick := at.Truncate(v.every); tick.Before(at.Add(every)); tick = tick.Add(v.every) {
				if tick.Before(at) || tick.Equal(s.zero) && v.every > every { // at that moment all come at once
					continue
				}
				said := s.say(v, tick)
				rows = s.press.sampleRows(rows, said)
				for _, x := range said {
					readings += len(x.Readings)
				}
			}
		}
		if err := s.seal(&l, at.Add(every), rows); err != nil {
			return l, err
		}
	}
	l.PerDay = float64(len(l.Commits)) * float64(24*time.Hour) / float64(at.Sub(s.zero))
	return l, nil
}

// stat seals the figures of two hours, the second of which ends the day, and makes a day
// of them.
func (s *synthetic) stat() (buffer.Load, error) {
	day := buffer.Load{Stream: stat}
	if s.site.Rollup.Minutes == 0 {
		return day, nil
	}
	r := newRollup(s.site, nil)
	period := time.Duration(s.site.Rollup.Minutes) * time.Minute
	every := map[string]time.Duration{}
	var hours [2][][]int
	for i := range hours {
		hour := buffer.Load{Stream: stat}
		for at := s.zero.Add(time.Duration(i-2) * time.Hour); at.Before(s.zero.Add(time.Duration(i-1) * time.Hour)); at = at.Add(period) {
			for n := range dayValues {
				for _, v := range s.voices {
					for _, said := range s.say(v, at.Add(time.Duration(n)*period/dayValues)) {
						every[said.Source] = v.every
						for _, x := range said.Readings {
							r.Add(rollup.Value{Source: said.Source, Point: x.Point, Text: x.Value, Flag: x.Flag, At: said.Time, Interval: period / dayValues})
						}
					}
				}
			}
			var rows []row
			for _, w := range r.Close(at.Add(period)) {
				length := map[string]time.Duration{rollup.Minute: period, rollup.Hour: time.Hour, rollup.Day: 24 * time.Hour}[w.Kind]
				for k := range w.Figures {
					w.Figures[k].N = int(length / every[w.Source])
				}
				rows = append(rows, windowRow(w))
			}
			if err := s.seal(&hour, at.Add(period), rows); err != nil {
				return day, err
			}
		}
		hours[i] = hour.Commits
	}
	for range 23 {
		day.Commits = append(day.Commits, hours[0]...)
	}
	day.Commits = append(day.Commits, hours[1]...)
	day.PerDay = float64(len(day.Commits))
	return day, nil
}

func (s *synthetic) seal(to *buffer.Load, at time.Time, rows []row) error {
	s.press.number(rows)
	records, err := s.press.rows(to.Stream, s.clock(at), at, rows)
	addTo(to, records)
	return err
}

func (s *synthetic) clock(at time.Time) envelope.Clock {
	return envelope.Clock{State: "sync", ErrMs: 20, MonoMs: at.UnixMilli() % 1e9}
}

// events seals those that are assumed, and the documents of the site.
func (s *synthetic) events(docs documents) ([]buffer.Load, error) {
	f := &flow{press: s.press, documents: docs}
	now := s.zero
	single, whole := buffer.Load{Stream: event, PerDay: eventsADay}, buffer.Load{Stream: event}
	records, err := s.press.events(s.clock(now), now, f.documentEvents(now, state{}))
	if err != nil {
		return nil, err
	}
	addTo(&whole, records)
	whole.PerDay = 1.0 / aMonth
	for i := range eventsADay {
		e := envelope.Event{Type: envelope.EventDeviceOffline, At: now.UnixMilli(), Subject: "device-1", Old: "online", New: "offline", Why: "read unit 7 holding 40 to 51: no answer in 300ms"}
		if i%2 == 1 {
			e.Type, e.Old, e.New, e.Why = envelope.EventDeviceOnline, e.New, e.Old, fmt.Sprintf("after %ds", 10*i)
		}
		now = now.Add(24 * time.Hour / eventsADay)
		records, err := s.press.events(s.clock(now), now, []envelope.Event{e})
		if err != nil {
			return nil, err
		}
		addTo(&single, records)
	}
	return []buffer.Load{single, whole}, nil
}

// addTo takes in the blocks of one commit.
func addTo(l *buffer.Load, records []buffer.Record) {
	var sizes []int
	for _, r := range records {
		sizes = append(sizes, len(r.Data))
	}
	l.Commits = append(l.Commits, sizes)
}

// printForecast shows what the log will hold, and warns where that is less than wanted.
func printForecast(out, errs io.Writer, site *config.Site, lines []*siteLine, bits int) error {
	streams, needed, err := forecast(site, lines)
	if err != nil {
		return fmt.Errorf("forecast of the log: %w", err)
	}
	fmt.Fprintln(out)
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "STREAM\tWANTED\tHELD\tA DAY\tSHARE")
	short := false
	for _, s := range streams {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%.0f %%\n", s.Stream, days(s.Wanted), days(s.Held), bytesText(s.PerDay), 100*s.Share)
		short = short || s.Held < s.Wanted
	}
	w.Flush()
	fmt.Fprintf(out, "budget %s; to hold all that is wanted takes %s; %d events a day are assumed\n", bytesText(site.Storage.Budget), bytesText(needed), eventsADay)
	if short {
		warnShort(errs, streams, needed, bits)
	}
	if bits == 64 && (site.Storage.Budget > config.MaxBudget32) {
		fmt.Fprintf(out, "for a gateway of 64 bits; one of 32 takes %s at most: envgate check -32\n", bytesText(config.MaxBudget32))
	}
	return nil
}

// warnShort says what to set.
func warnShort(errs io.Writer, streams []buffer.Forecast, needed int64, bits int) {
	const slack = 20 // parts of the need, added
	budget := (needed + needed/slack + 1e6 - 1) / 1e6
	hint := fmt.Sprintf("set storage.budget to %dMB", budget)
	if bits == 32 && budget*1e6 > config.MaxBudget32 || budget*1e6 > config.MaxBudget {
		hint = "no log may be so large: want less under storage.retention, or ask more rarely"
	}
	for _, s := range streams {
		if s.Held < s.Wanted {
			fmt.Fprintf(errs, "envgate: warning: storage: %s: %s wanted, %s held; all streams need %s\n", s.Stream, days(s.Wanted), days(s.Held), bytesText(needed))
			hint += fmt.Sprintf(", or retention.%s to %.0fh", s.Stream, s.Held.Truncate(time.Hour).Hours())
		}
	}
	fmt.Fprintf(errs, "envgate: hint: %s\n", hint)
}

// days writes a time as people speak of how long something is kept.
func days(d time.Duration) string {
	n := d.Hours() / 24
	if n >= 100 || n == float64(int64(n)) {
		return fmt.Sprintf("%.0f d", n)
	}
	return fmt.Sprintf("%.1f d", n)
}

// bytesText writes a number of bytes with three digits, decimal as in the site file.
func bytesText(n int64) string {
	units := []string{"B", "kB", "MB", "GB", "TB"}
	x, i := float64(n), 0
	for x >= 999.5 && i < len(units)-1 {
		x, i = x/1000, i+1
	}
	switch {
	case i == 0 || x >= 99.95:
		return fmt.Sprintf("%.0f %s", x, units[i])
	case x >= 9.995:
		return fmt.Sprintf("%.1f %s", x, units[i])
	}
	return fmt.Sprintf("%.2f %s", x, units[i])
}
