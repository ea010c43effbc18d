package main

import (
	"fmt"
	"io"
	"strings"
	"time"

	"envgate/tests/sim"
)

// view is a picture of the whole at one time.
type view struct {
	now, began time.Time
	run        time.Duration
	kills      int
	outages    int
	brokerUp   bool
	faults     bool

	sent, arrived, empty uint64

	site    *site
	store   *store
	traffic map[string]traffic
}

// short are the English names of points, for a narrow table. The Chinese ones
// and the units come from the gateway's own catalogue.
var short = map[string]string{
	"a34001": "TSP", "a34002": "PM10", "a34004": "PM2.5", "a01001": "temp", "a01002": "humidity",
	"a01006": "pressure", "a01007": "wind", "a01008": "from", "a05024": "O3", "LA": "noise",
}

// signs are the units of catalogues, as people write them.
var signs = strings.NewReplacer("ug/m3", "µg/m³", "mg/m3", "mg/m³", "degC", "°C", "deg", "°")

// streamOrder is the order of streams in the table.
var streamOrder = []string{"live", "stat", "event"}

// style marks text for a terminal that can show it; the zero style marks
// nothing.
type style struct{ on bool }

func (s style) bad(text string) string  { return s.wrap("31;1", text) }
func (s style) dim(text string) string  { return s.wrap("2", text) }
func (s style) head(text string) string { return s.wrap("1", text) }

func (s style) wrap(code, text string) string {
	if !s.on {
		return text
	}
	return "\x1b[" + code + "m" + text + "\x1b[0m"
}

// lines draws the view.
func (v *view) lines(s style) []string {
	out := []string{s.head(v.title()), ""}
	out = append(out, s.dim(row("line", "instrument", "at the centre", "value", "unit", "flag", "age", "lag")))
	for _, l := range v.site.lines {
		name := l.name
		for _, d := range l.devices {
			for _, r := range v.rows(d, name, s) {
				out = append(out, r)
				name = ""
			}
		}
	}
	out = append(out, "", s.dim(left("stream", 11)+right("blocks", 8)+right("head", 8)+right("gaps", 6)+right("again", 7)+right("bytes", 9)+"   receipts"))
	for _, name := range streamOrder {
		out = append(out, v.stream(name, s))
	}
	return append(append(out, ""), v.totals(s)...)
}

// title is the first line.
func (v *view) title() string {
	t := "envgate demo · gateway " + gateway + " · " + clock(v.now.Sub(v.began))
	if v.run > 0 {
		t += " of " + clock(v.run)
	}
	if v.kills > 0 {
		t += fmt.Sprintf(" · agent killed %d times", v.kills)
	}
	if v.outages > 0 {
		t += fmt.Sprintf(" · broker outages %d", v.outages)
	}
	if !v.brokerUp {
		t += " · BROKER AWAY"
	}
	return t
}

// clock is a time as minutes and seconds.
func clock(d time.Duration) string {
	s := int(d.Round(time.Second).Seconds())
	return fmt.Sprintf("%d:%02d", s/60, s%60)
}

// row joins the columns of the first table.
func row(line, instrument, name, value, unit, flag, age, lag string) string {
	return left(line, 9) + left(instrument, 11) + left(name, 17) + right(value, 8) + " " + left(unit, 6) + " " +
		left(flag, 14) + right(age, 6) + right(lag, 7)
}

// rows are the values of one instrument.
func (v *view) rows(d siteDevice, line string, s style) []string {
	var out []string
	name := d.name
	for i, c := range d.instrument.Channels() {
		p := place{d.name, c.Point}
		r, there := v.store.latest[p]
		if !there && i > 0 && v.store.units[p] == "" {
			continue // the template does not ask for it
		}
		label := v.store.names[p]
		if !strings.Contains(label, short[c.Point]) {
			label = strings.TrimSpace(label + " " + short[c.Point])
		}
		if label == "" {
			label = c.Point
		}
		if !there {
			out = append(out, row(line, name, label, "", "", "", "", ""))
			line, name = "", ""
			continue
		}
		value, flag := r.value, r.flag
		if value == "" {
			value = "-"
		}
		if r.cause != "" {
			flag += " " + r.cause
		}
		text := row(line, name, label, value, signs.Replace(v.store.units[p]), flag, seconds(v.now.Sub(r.time)), seconds(r.received.Sub(r.time)))
		if r.flag != "N" {
			text = s.bad(text)
		}
		out = append(out, text)
		line, name = "", ""
	}
	return out
}

// seconds is a time with a tenth of a second, or none where it is long.
func seconds(d time.Duration) string {
	if d >= 100*time.Second {
		return fmt.Sprintf("%.0f s", d.Seconds())
	}
	return fmt.Sprintf("%.1f s", max(0, d).Seconds())
}

// stream is the account of one stream.
func (v *view) stream(name string, s style) string {
	st, t := v.store.streams[name], v.traffic[name]
	gaps := right(fmt.Sprint(st.gaps), 6)
	if st.gaps > 0 {
		gaps = s.bad(gaps)
	}
	again := uint64(0)
	if blocks := uint64(st.blocks); t.blocks > blocks {
		again = t.blocks - blocks
	}
	text := left(name, 11) + right(fmt.Sprint(st.blocks), 8) + right(fmt.Sprint(st.head), 8) + gaps +
		right(fmt.Sprint(again), 7) + right(fmt.Sprint(t.bytes), 9) + "   "
	if t.receipts == 0 {
		return text + "none yet"
	}
	return text + fmt.Sprintf("%d, up to block %d", t.receipts, t.upto)
}

// totals are the last lines.
func (v *view) totals(s style) []string {
	out := []string{fmt.Sprintf("readings   sent %d   arrived and verified %d   under way %d", v.sent, v.arrived, v.underWay())}
	if v.faults {
		out[0] = fmt.Sprintf("readings   sent without fault %d   arrived and verified %d", v.sent, v.arrived)
	}
	if v.empty > 0 {
		out = append(out, fmt.Sprintf("           not to be had, each with its reason %d", v.empty))
	}
	if n := v.store.refused(); n > 0 {
		out = append(out, s.bad(fmt.Sprintf("messages   refused by the centre %d", n)))
	}
	return out
}

// underWay is the number of readings that were sent and are not at the centre.
func (v *view) underWay() uint64 {
	if v.arrived > v.sent {
		return 0
	}
	return v.sent - v.arrived
}

// brief is the view in one line, for an output that is no terminal.
func (v *view) brief() string {
	blocks, gaps := v.store.blocks(), v.store.gaps()
	heard := map[string]bool{}
	for p := range v.store.latest {
		heard[p.instrument] = true
	}
	text := fmt.Sprintf("%s  instruments %d/%d  sent %d  arrived %d  under way %d  blocks %d  gaps %d",
		clock(v.now.Sub(v.began)), len(heard), len(v.site.units), v.sent, v.arrived, v.underWay(), blocks, gaps)
	if v.kills > 0 {
		text += fmt.Sprintf("  kills %d", v.kills)
	}
	if !v.brokerUp {
		text += "  broker away"
	}
	return text
}

// account is what a summary needs beside the audit's report.
type account struct {
	instruments, lines int // that were heard
	kills              int
	empty              int // rows without a value, before the instruments were silenced
}

// summary writes the account of a run.
func summary(w io.Writer, r *sim.Report, st *store, a account) {
	fmt.Fprintf(w, "%d instruments on %d lines; %d blocks verified, %d gaps, %d duplicates, %d refused\n",
		a.instruments, a.lines, st.blocks(), st.gaps(), st.tallies["duplicate"], st.refused())
	fmt.Fprintf(w, "%d readings sent, %d arrived verified\n", r.Sent(), r.Received())
	for _, part := range []struct {
		n    uint64
		text string
	}{
		{r.Told(), fmt.Sprintf("not taken in time: the row says no answer (answered within %s)", r.ToldAfter().Round(time.Millisecond))},
		{r.Excused(), fmt.Sprintf("lost in the sealing interval before one of %d kills", a.kills)},
		{r.Extra(), "more arrived out of answers with a fault"},
		{uint64(a.empty), "could not be had: rows without a value, with the reason"},
	} {
		if part.n > 0 {
			fmt.Fprintf(w, "%8d %s\n", part.n, part.text)
		}
	}
	fmt.Fprintf(w, "%d unaccounted\n", r.Unaccounted())
}
