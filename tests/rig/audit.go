package rig

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"time"

	"envgate/tests/sim"
)

// siteZone is that of times for people.
var siteZone = time.FixedZone("+08:00", 8*60*60)

// A Row is one line of the centre's export: a reading, a figure or an event.
type Row struct {
	Stream, Epoch       string
	Seq, Index          uint64
	Time                time.Time
	Source, Point, Flag string
	Value               *string
	Period, Cause       string

	Type, Subject, Old, New, Why string // of an event
}

// Export calls each with all rows of a stream that the centre has.
func (r *Rig) Export(stream string, each func(Row) error) error {
	return r.export(stream, time.Time{}, each)
}

// export is Export of what is not older than from, to the second.
func (r *Rig) export(stream string, from time.Time, each func(Row) error) error {
	args := []string{"export", "--ndjson", "--stream", stream}
	if !from.IsZero() {
		args = append(args, "--from", from.In(siteZone).Format("2006-01-02T15:04:05"))
	}
	cmd := exec.Command(r.Centre, append(args, r.Path("centre.db"))...)
	var said bytes.Buffer
	cmd.Stderr = &said
	out, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	err = readRows(out, each)
	if err != nil {
		cmd.Process.Kill()
	}
	if ended := cmd.Wait(); err == nil && ended != nil {
		err = fmt.Errorf("centre export: %w\n%s", ended, said.Bytes())
	}
	return err
}

func readRows(from io.Reader, each func(Row) error) error {
	lines := bufio.NewScanner(from)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var row Row
		if err := json.Unmarshal(lines.Bytes(), &row); err != nil {
			return fmt.Errorf("export line %q: %w", lines.Bytes(), err)
		}
		if err := each(row); err != nil {
			return err
		}
	}
	return lines.Err()
}

// Events are those of one type at the centre.
func (r *Rig) Events(kind string) (found []Row, err error) {
	err = r.Export("event", func(row Row) error {
		if row.Type == kind {
			found = append(found, row)
		}
		return nil
	})
	return found, err
}

// A Chain is the centre's account of one stream of one epoch.
type Chain struct {
	Stream, Epoch string
	First, Last   uint64
	Receipt       uint64
	Missing, Gone string    // ranges, or none
	Newest        time.Time // arrival of the newest block
}

// Gaps is what the centre says is missing, also as it says it.
func (r *Rig) Gaps() (chains []Chain, text string, err error) {
	b, err := output(r.Centre, "gaps", r.Path("centre.db"))
	if err != nil {
		return nil, "", err
	}
	text = string(b)
	table, _, _ := strings.Cut(text, "\n\n")
	for line := range strings.Lines(table) {
		f := strings.Fields(line) // gateway stream epoch first last receipt missing evicted gone newest
		if len(f) < 10 || f[0] != Gateway {
			continue
		}
		c := Chain{Stream: f[1], Epoch: f[2], Missing: f[6], Gone: f[7]}
		for i, p := range []*uint64{&c.First, &c.Last, &c.Receipt} {
			if *p, err = strconv.ParseUint(f[3+i], 10, 64); err != nil {
				return nil, text, fmt.Errorf("centre gaps: line %q: %w", line, err)
			}
		}
		if c.Newest, err = time.Parse(time.RFC3339, f[len(f)-1]); err != nil {
			return nil, text, fmt.Errorf("centre gaps: line %q: %w", line, err)
		}
		chains = append(chains, c)
	}
	return chains, text, nil
}

// Came is how many messages of a kind came to the centre: block, duplicate, fork and
// so on.
func Came(gaps, kind string) (n int) {
	_, tallies, _ := strings.Cut(gaps, "CAME\n")
	for line := range strings.Lines(tallies) {
		f := strings.Fields(strings.ReplaceAll(line, ",", ""))
		for i := 1; i < len(f); i++ {
			if f[i] == kind {
				k, _ := strconv.Atoi(f[i-1])
				n += k
			}
		}
	}
	return n
}

// Whole says whether the centre has every stream without a gap, up to its newest block.
func (r *Rig) Whole() bool {
	chains, _, err := r.Gaps()
	return err == nil && whole(chains)
}

func whole(chains []Chain) bool {
	return len(chains) > 0 && !slices.ContainsFunc(chains, func(c Chain) bool {
		return c.Missing != "none" || c.Last != c.Receipt
	})
}

// Settle waits until everything that was read before now is at the centre. The
// instruments must have been hushed: what the agent says of each one's silence shows
// that all before has arrived, where no block before it is missing.
func (r *Rig) Settle(most time.Duration) error {
	since := time.Now()
	return Await(most, "all blocks are at the centre", func() bool {
		heard := map[string]bool{}
		err := r.export("live", since, func(row Row) error {
			if source, _, _ := strings.Cut(row.Source, "/"); row.Time.After(since) {
				heard[source] = true
			}
			return nil
		})
		return err == nil && !slices.ContainsFunc(r.Instruments, func(i *sim.Instrument) bool { return !heard[i.Name()] }) && r.Whole()
	})
}

// Verify has the centre verify its whole database anew, from the stored bytes.
func (r *Rig) Verify() error {
	_, err := output(r.Centre, "verify", "-c", r.Path("centre.yaml"))
	return err
}

// An Account is what became of the readings.
type Account struct {
	sim.Report
	Rows  int // readings with a value at the centre
	Empty int // readings that could not be had, each with its reason
}

// CommitTime is how long a block may take to reach the disk, on a busy machine.
const CommitTime = 700 * time.Millisecond

const underWay = 300 * time.Millisecond // a question, at most: the time-out

// Excuses are the times of which readings need not arrive: of the sealing interval
// before each kill, and of questions that were under way at an orderly stop.
func (r *Rig) Excuses() (all []Span) {
	for _, k := range r.Kills {
		all = append(all, Span{k.Add(-r.Sealing - CommitTime), k.Add(underWay)})
	}
	for _, s := range r.Absent {
		all = append(all, Span{s.From.Add(-underWay), s.To})
	}
	return all
}

// Audit holds every reading that the instruments gave against what the centre has.
// keep tells which rows it is shown; nil: all. See Excuses for what need not be there.
func (r *Rig) Audit(keep func(Row) bool) (*Account, error) {
	a := sim.NewAudit(r.Instruments...)
	for _, s := range r.Excuses() {
		a.Excuse(s.From, s.To)
	}
	acc := &Account{}
	ours := map[string]bool{}
	for _, i := range r.Instruments {
		ours[i.Name()] = true
	}
	err := r.Export("live", func(row Row) error {
		source, _, _ := strings.Cut(row.Source, "/")
		if row.Point == "" || !ours[source] || keep != nil && !keep(row) {
			return nil
		}
		s := sim.Row{Instrument: source, Point: row.Point, Epoch: row.Epoch, Index: row.Index, Time: row.Time, Flag: row.Flag}
		if row.Value != nil {
			s.Value = *row.Value
			acc.Rows++
		} else {
			acc.Empty++
		}
		a.Add(s)
		return nil
	})
	if err != nil {
		return nil, err
	}
	acc.Report = a.Report()
	return acc, nil
}
