package main

import (
	"errors"
	"fmt"
	"slices"
	"sort"
	"strconv"
	"strings"
	"time"

	"envgate/tests/rig"
)

// How long the end may take.
const (
	settles   = 4 * time.Minute
	agentStop = 12 * time.Second
	stopTime  = 10 * time.Second
)

// hiddenReading is which one of the first unit's readings a lie hides.
const hiddenReading = 5

// mend ends all faults, lets the instruments fall silent and waits until what was
// sealed is at the centre. Then it stops the programs in the order of a reading's way.
func (b *bench) mend() error {
	now := time.Now()
	for _, t := range b.active {
		if err := b.over(t, now); err != nil {
			return err
		}
	}
	b.active = nil
	fmt.Fprintf(b.out, "%8s  mended; waiting until all is at the centre\n", now.Sub(b.began).Round(time.Second))
	b.push.stop()
	time.Sleep(time.Second) // for answers that are on their way
	b.Hush()
	if err := b.Settle(settles); err != nil {
		_, gaps, _ := b.Gaps()
		return fmt.Errorf("%w\n%s", err, gaps)
	}
	if err := b.Agent.Stop(agentStop); err != nil {
		return err
	}
	if err := rig.Await(time.Minute, "the last words are at the centre", b.Whole); err != nil {
		return err
	}
	return b.Center.Stop(stopTime)
}

// verdict makes the account, prints it, and draws what was measured.
func (b *bench) verdict() error {
	files, err := b.record.write(b)
	if err != nil {
		return err
	}
	_, gaps, err := b.Gaps()
	if err != nil {
		return err
	}
	// A lie hides a reading that no kill excuses.
	seen := 0
	keep := func(row rig.Row) bool {
		if row.Value == nil || row.Source != "unit1" || row.Point != "c01" || b.excused(row.Time) {
			return true
		}
		seen++
		return !b.o.lie || seen != hiddenReading
	}
	account, err := b.Audit(keep)
	if err != nil {
		return err
	}
	pushed, err := b.auditPushed()
	if err != nil {
		return err
	}
	said, err := b.saidLost()
	if err != nil {
		return err
	}
	fmt.Fprintf(b.out, "\nfaults: %s\n", b.faults())
	fmt.Fprintf(b.out, "polled: %d readings given, %d at the centre, %d told as missing, %d in the sealing interval before %d kills or under way at %d stops\n",
		account.Sent(), account.Received(), account.Told(), account.Excused(), len(b.Kills), len(b.Absent))
	fmt.Fprintf(b.out, "        %d more out of answers with a fault; %d rows that say why there is no value\n", account.Extra(), account.Empty)
	fmt.Fprintf(b.out, "pushed: %d frames taken, %d at the centre, %d excused in the same way\n", pushed.taken, pushed.arrived, pushed.excused)
	fmt.Fprintf(b.out, "wire:   %d blocks, %d more came twice and were counted once\n", rig.Came(gaps, "block"), rig.Came(gaps, "duplicate"))
	fmt.Fprintf(b.out, "lost, by the agent's own events: %d\n", said)
	unaccounted := int(account.Unaccounted()) + pushed.bad - said
	fmt.Fprintf(b.out, "unaccounted = %d\n", max(0, unaccounted))

	var errs []error
	if unaccounted > 0 {
		errs = append(errs, fmt.Errorf("%d readings are unaccounted for: %w", unaccounted, errors.Join(account.Err(), pushed.err)))
	}
	if account.Received() == 0 || pushed.arrived == 0 {
		errs = append(errs, errors.New("nothing arrived: the account says nothing"))
	}
	if strings.Contains(gaps, "ANOMALY") {
		errs = append(errs, fmt.Errorf("the centre found contradictions:\n%s", gaps))
	}
	errs = append(errs, b.Verify(), b.record.growth(b))
	fmt.Fprintf(b.out, "figures: %s\n", strings.Join(files, ", "))
	return errors.Join(errs...)
}

// faults is how often each was.
func (b *bench) faults() string {
	var all []string
	for name, n := range b.count {
		all = append(all, fmt.Sprintf("%d %s", n, name))
	}
	sort.Slice(all, func(i, j int) bool { return all[i][strings.Index(all[i], " "):] < all[j][strings.Index(all[j], " "):] })
	return strings.Join(all, ", ")
}

// excused says whether a reading of a time need not be there.
func (b *bench) excused(at time.Time) bool {
	return slices.ContainsFunc(b.Excuses(), func(s rig.Span) bool {
		return !at.Before(s.From) && !at.After(s.To)
	})
}

// pushedAccount is what became of the frames that the agent answered.
type pushedAccount struct {
	taken, arrived, excused, bad int
	err                          error
}

func (b *bench) auditPushed() (a pushedAccount, err error) {
	came := map[int]int{}
	err = b.Export("live", func(row rig.Row) error {
		if row.Source != pushName || row.Point != "so2" || row.Value == nil {
			return nil
		}
		v, err := strconv.ParseFloat(*row.Value, 64)
		if err != nil {
			return err
		}
		came[int(v)]++
		return nil
	})
	if err != nil {
		return a, err
	}
	var errs []error
	for n, times := range came {
		if times > 1 || !b.push.sent[n] {
			a.bad++
			errs = append(errs, fmt.Errorf("pushed frame %d is at the centre %d times; sent: %v", n, times, b.push.sent[n]))
		}
	}
	for n, at := range b.push.answered {
		a.taken++
		switch {
		case came[n] > 0:
			a.arrived++
		// A QN has whole seconds.
		case b.excused(at) || b.excused(at.Add(time.Second)):
			a.excused++
		default:
			a.bad++
			errs = append(errs, fmt.Errorf("pushed frame %d of %s was taken and is not at the centre", n, at.Format(time.TimeOnly)))
		}
	}
	a.err = errors.Join(errs[:min(len(errs), 10)]...)
	return a, nil
}

// saidLost is how many readings the agent's own events call lost.
func (b *bench) saidLost() (n int, err error) {
	rows, err := b.Events("lost")
	for _, row := range rows {
		if row.Subject == "readings" {
			k, _ := strconv.Atoi(row.New)
			n += k
		}
	}
	chains, _, gapsErr := b.Gaps()
	for _, c := range chains {
		if c.Gone != "none" {
			gapsErr = errors.Join(gapsErr, fmt.Errorf("blocks %s of stream %s were evicted: the log is too small for this soak", c.Gone, c.Stream))
		}
	}
	return n, errors.Join(err, gapsErr)
}
