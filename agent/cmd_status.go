package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"envgate/config"
)

const statusPace = 2 * time.Second // of -watch

// cmdStatus shows how the running agent does.
func cmdStatus(args []string, out, errs io.Writer) error {
	f := flags("status")
	path := f.String("c", "site.yaml", "site file")
	asJSON := f.Bool("json", false, "all of it as JSON; with -watch an object a line")
	watch := f.Bool("watch", false, "again every 2 s, until Ctrl-C")
	if rest, err := parse(f, args); err != nil {
		return err
	} else if len(rest) > 0 {
		return fmt.Errorf("%w: status takes no %q", errUsage, rest[0])
	}
	site, err := loadSite(*path, errs)
	if err != nil {
		return err
	}
	ctx, cancel := untilStopped()
	defer cancel()
	for {
		s, err := askStatus(ctx, site)
		if ctx.Err() != nil {
			return nil
		}
		if s != nil {
			if err := showStatus(out, s, *asJSON, *watch); err != nil {
				return err
			}
		}
		if !*watch {
			return err
		}
		if err != nil && !errors.Is(err, errNoAgent) {
			tell(errs, err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(statusPace):
		}
	}
}

// askStatus asks the running agent. Where none runs it says so, and gives what is known
// without one.
func askStatus(ctx context.Context, site *config.Site) (*siteStatus, error) {
	a, err := dialAgent(site)
	if errors.Is(err, errNoAgent) {
		s := &siteStatus{Gateway: site.Gateway.ID, Name: site.Gateway.Name, Now: time.Now(), Log: siteLog(site)}
		return s, hinted{err, "systemctl status envgate, journalctl -u envgate; envgate run -c SITE starts one"}
	}
	if err != nil {
		return nil, err
	}
	defer a.Close()
	ctx, cancel := context.WithTimeout(ctx, localWrite)
	defer cancel()
	r, err := a.ask(ctx, &request{Do: "status"})
	if err != nil {
		return nil, err
	}
	if r.Status == nil {
		return nil, hinted{errors.New("the running agent does not know status"), "it is older than this command: restart it"}
	}
	return r.Status, nil
}

func showStatus(out io.Writer, s *siteStatus, asJSON, watch bool) error {
	if asJSON {
		e := json.NewEncoder(out)
		if !watch {
			e.SetIndent("", "  ")
		}
		return e.Encode(s)
	}
	var b bytes.Buffer
	s.write(&b)
	if width := terminalWidth(out); watch && width > 0 {
		redraw(out, b.String(), width)
		return nil
	}
	if watch {
		b.WriteByte('\n')
	}
	_, err := out.Write(b.Bytes())
	return err
}

// write shows it in 80 columns, for a person.
func (s *siteStatus) write(out io.Writer) {
	fmt.Fprintf(out, "gateway  %s\n", strings.TrimSpace(s.Gateway+" "+s.Name))
	if s.Running {
		fmt.Fprintf(out, "agent    envgate %s, process %d, since %s (%s)\n", s.Version, s.Process, when(s.Since), span(s.Now.Sub(s.Since)))
	} else {
		fmt.Fprintln(out, "agent    none runs; this is what the site file and the disk say")
	}
	clock := when(s.Now)
	if s.Clock != nil {
		clock += fmt.Sprintf(", %s, good to %d ms, says the %s", s.Clock.State, s.Clock.ErrMs, s.Clock.Source)
	}
	fmt.Fprintf(out, "clock    %s\n", clock)
	if len(s.Lines) > 0 {
		s.writeLines(out)
	}
	for _, m := range s.Maintenance {
		remark(out, m.Device, "%s until %s: %s (%s)", m.Flag, when(m.Until), m.Why, m.Who)
	}
	s.writeWatched(out)
	s.writeLog(out)
	if s.Wear != nil {
		s.Wear.write(out)
	}
	s.writeUplinks(out)
	if s.Lost != nil {
		fmt.Fprintf(out, "\nlost     %d readings, %d events; %d readings wait in memory\n", s.Lost.Readings, s.Lost.Events, s.Lost.Waiting)
	}
}

func columns(out io.Writer) *tabwriter.Writer { return tabwriter.NewWriter(out, 0, 0, 2, ' ', 0) }

func (s *siteStatus) writeLines(out io.Writer) {
	fmt.Fprintln(out)
	w := columns(out)
	fmt.Fprintln(w, "LINE\tSTATE\tUNITS\tOFFLINE\tLOAD\tASKED\tFAILED\tPLACE")
	for _, l := range s.Lines {
		state, load, asked, failed := "up", percent(l.Load), fmt.Sprint(l.Asked), fmt.Sprint(l.Failed)
		if l.Protocol != "" {
			load, asked, failed = "-", "-", "-"
		}
		if l.Down != "" {
			state = "down"
		}
		fmt.Fprintf(w, "%s\t%s\t%d\t%d\t%s\t%s\t%s\t%s\n", cutTo(l.Line, 12), state, l.Units, l.Silent, load, asked, failed, endOf(l.Place, 24))
	}
	w.Flush()
	for _, l := range s.Lines {
		if l.Down != "" {
			remark(out, l.Line, "down since %s: %s", when(l.DownAt), l.Down)
		} else if l.Error != "" {
			remark(out, l.Line, "last error %s: %s", when(l.ErrorAt), l.Error)
		}
		for _, u := range l.Offline {
			remark(out, l.Line+"/"+u.Device, "offline since %s: %s", when(u.Since), u.Why)
		}
	}
}

// remark writes a line below a table, cut to 80 columns.
func remark(out io.Writer, subject, format string, args ...any) {
	fmt.Fprintln(out, cutTo("  "+subject+": "+fmt.Sprintf(format, args...), 80))
}

func (s *siteStatus) writeLog(out io.Writer) {
	l := &s.Log
	fmt.Fprintf(out, "\nlog      %s\n", l.Path)
	fmt.Fprintf(out, "         file %s of %s", bytesText(l.FileBytes), bytesText(l.Budget))
	if l.Epoch != "" {
		fmt.Fprintf(out, ", %s of it in use, epoch %s", bytesText(l.UsedBytes), l.Epoch)
		fmt.Fprintf(out, "\n         %d commits, %d failed, %d reopened, %d blocks evicted", l.Commits, l.Failures, l.Restores, l.Evicted)
	}
	fmt.Fprintln(out)
	if l.Trouble != "" {
		remark(out, "cannot be written", "since %s: %s", when(l.TroubleAt), l.Trouble)
	}
	w := columns(out)
	fmt.Fprintln(w, "STREAM\tBLOCKS\tFIRST\tLAST\tBYTES\tSHARE\tHELD\tWANTED\tOLDEST")
	for _, st := range l.Streams {
		fmt.Fprintf(w, "%s\t%d\t%d\t%d\t%s\t%.0f %%\t%s\t%s\t%s\n", st.Stream, st.Blocks, st.First, st.Last, bytesText(st.Bytes), 100*st.Share,
			days(time.Duration(st.HeldS)*time.Second), days(time.Duration(st.WantS)*time.Second), when(st.Oldest))
	}
	w.Flush()
}

func (w *wearStatus) write(out io.Writer) {
	fmt.Fprintf(out, "\nwear     %s of blocks took %s of writing (%.1f times) since %s\n",
		bytesText(w.BlockBytes), bytesText(w.WrittenBytes), w.Amplification, when(w.Since))
	if w.PerDay == 0 {
		fmt.Fprintln(out, "         too early to say how much that is a day")
		return
	}
	fmt.Fprintf(out, "         %s a day; %s, the card's endurance in the site file or by default,\n         would last %.1f years (the file system's own writing not counted)\n",
		bytesText(w.PerDay), bytesText(w.Endurance), w.Years)
}

func ofLimit(perDay int64) string {
	if perDay == 0 {
		return ""
	}
	return " of " + bytesText(perDay)
}

func (s *siteStatus) writeUplinks(out io.Writer) {
	if len(s.Uplinks) > 0 {
		fmt.Fprintln(out)
		w := columns(out)
		fmt.Fprintln(w, "UPLINK\tSTATE\tLAG\tWINDOW\tRTT\tACKED\tRESENT\tOUT\tIN\tLAST RECEIPT")
		for _, u := range s.Uplinks {
			fmt.Fprintf(w, "%s\t%s\t%d\t%s\t%d ms\t%d\t%d\t%s\t%s\t%s\n", cutTo(u.Uplink, 12), u.State, u.Lag, bytesText(int64(u.Window)),
				u.RTTMs, u.Acked, u.Resent, bytesText(int64(u.BytesOut)), bytesText(int64(u.BytesIn)), hour(u.LastReceipt, s.Now))
		}
		w.Flush()
	}
	for _, u := range s.Uplinks {
		if u.Trouble != "" {
			remark(out, u.Uplink, "%s", u.Trouble)
		}
		if m := u.Metered; m != nil {
			if m.Hold != "" {
				remark(out, u.Uplink, "%s waits until %s: %s", m.Hold, when(m.Until), m.Why)
			}
			remark(out, u.Uplink, "metered: %s used today%s", bytesText(m.Used), ofLimit(m.PerDay))
		}
		for _, st := range u.Streams {
			if !st.Oldest.IsZero() && s.Now.Sub(st.Oldest) > time.Minute {
				remark(out, u.Uplink+" "+st.Stream, "%d blocks wait, the oldest of %s", st.Lag, when(st.Oldest))
			}
			for _, x := range []struct {
				is   bool
				text string
			}{
				{st.Late, "receipts do not come"},
				{st.Forked, "the centre has another block under one of our numbers"},
				{st.NoEcho, "published blocks do not come back from the broker"},
			} {
				if x.is {
					remark(out, u.Uplink+" "+st.Stream, "%s", x.text)
				}
			}
		}
	}
	if len(s.Platforms) > 0 {
		fmt.Fprintln(out)
		w := columns(out)
		fmt.Fprintln(w, "PLATFORM\tSTATE\tLAG\tSENT\tTAKEN\tRESENT\tREFUSED\tRF\tCIPHER\tLAST ANSWER\tADDRESS")
		for _, p := range s.Platforms {
			cipher := "no"
			if p.Encrypted {
				cipher = "yes"
			}
			fmt.Fprintf(w, "%s\t%s\t%d\t%d\t%d\t%d\t%d\t%d\t%s\t%s\t%s\n", cutTo(p.Platform, 12), p.State, p.Lag, p.Sent, p.Taken, p.Resent, p.Refused,
				p.Backfilled, cipher, hour(p.LastTaken, s.Now), endOf(p.Address, 24))
		}
		w.Flush()
	}
	for _, p := range s.Platforms {
		if p.Trouble != "" {
			remark(out, p.Platform, "%s", p.Trouble)
		}
		if p.Set != "" {
			remark(out, p.Platform, "set by the platform: %s", p.Set)
		}
		if c := p.Commands; c != nil && c.Done+c.Failed+c.Denied+c.Limited > 0 {
			remark(out, p.Platform, "commands: %d done, %d failed, %d not allowed, %d too many", c.Done, c.Failed, c.Denied, c.Limited)
		}
		if c := p.Commands; c != nil && c.Histories > 0 {
			remark(out, p.Platform, "history: %d records handed out, now at %s", c.HistoryRecords, when(c.HistoryAt))
		}
	}
}

// endOf is a text's end where it is too long: names in by-id differ there.
func endOf(s string, n int) string {
	if len(s) <= n {
		return s
	}
	return "..." + s[len(s)-n+3:]
}

func when(t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	return t.In(siteZone).Format("2006-01-02 15:04:05")
}

// hour leaves the day out where it is today.
func hour(t, now time.Time) string {
	if !t.IsZero() && now.Sub(t).Abs() < 20*time.Hour {
		return t.In(siteZone).Format("15:04:05")
	}
	return when(t)
}

// span writes how long something has been so.
func span(d time.Duration) string {
	if d >= 48*time.Hour {
		return days(d)
	}
	return d.Round(time.Second).String()
}
