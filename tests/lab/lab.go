package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"envgate/tests/sim"
)

// How long the parts may take.
const (
	startUp   = 20 * time.Second // until the first reading is at the centre
	agentStop = 12 * time.Second // it promises 10 s
	stopTime  = 10 * time.Second
	settle    = 30 * time.Second // until all that was sealed has arrived, also after an outage
)

// lab is one run.
type lab struct {
	o      options
	out    *os.File
	screen *screen
	dir    string

	site   *site
	broker *broker
	agent  *child
	centre *child
	store  *store

	began   time.Time
	silent  time.Time // when the instruments were told to be
	kills   []time.Time
	outages int
}

// Run builds everything up, shows it until ctx ends or the time is over, and
// takes it down in order. again is called when the end begins: from then on a
// signal ends the program at once, and the kernel its children.
func (l *lab) Run(ctx context.Context, again func()) (err error) {
	if l.dir, err = os.MkdirTemp("", "envgate-lab-"); err != nil {
		return err
	}
	defer func() {
		if err != nil {
			l.tails()
		}
		l.close()
		switch {
		case os.Remove(l.dir) == nil: // nothing in it yet
		case err != nil || l.o.keep:
			fmt.Fprintf(l.out, "keys, logs and databases are in %s\n", l.dir)
		default:
			os.RemoveAll(l.dir)
		}
	}()
	if err := l.start(ctx); err != nil {
		if ctx.Err() != nil {
			return errors.New("stopped before anything arrived")
		}
		return err
	}
	err = l.watch(ctx)
	again()
	if err != nil {
		return err
	}
	return l.finish()
}

// start starts every part.
func (l *lab) start(ctx context.Context) error {
	if err := l.programs(ctx); err != nil {
		return err
	}
	var err error
	if l.broker, err = startBroker(filepath.Join(l.dir, "broker.log")); err != nil {
		return fmt.Errorf("broker: %w", err)
	}
	if l.site, err = openSite(l.dir); err != nil {
		return fmt.Errorf("instruments: %w", err)
	}
	if err := l.writeFiles(ctx); err != nil {
		return err
	}
	if err := l.startCentre(); err != nil {
		return err
	}
	// What nobody has subscribed to yet a broker throws away. That heals by
	// itself, but a demo should not begin with it.
	for deadline := time.Now().Add(startUp); !l.broker.knows("centre"); time.Sleep(20 * time.Millisecond) {
		select {
		case <-l.centre.done:
			return fmt.Errorf("the centre ended by itself: %w", l.centre.err())
		case <-ctx.Done():
			return ctx.Err()
		default:
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("the centre did not come to the broker in %s", startUp)
		}
	}
	l.store = openStore(filepath.Join(l.dir, "centre.db"))
	l.began = time.Now()
	return l.startAgent()
}

// programs finds or builds agent and centre.
func (l *lab) programs(ctx context.Context) error {
	for _, p := range []struct {
		path *string
		name string
		pkg  string
	}{{&l.o.envgate, "envgate", "envgate/agent"}, {&l.o.centre, "centre", "envgate/centre"}} {
		if *p.path != "" {
			found, err := exec.LookPath(*p.path)
			if err == nil {
				*p.path, err = filepath.Abs(found)
			}
			if err != nil {
				return fmt.Errorf("find program: %w", err)
			}
			continue
		}
		fmt.Fprintf(l.out, "building %s\n", p.name)
		*p.path = filepath.Join(l.dir, p.name)
		c := exec.CommandContext(ctx, "go", "build", "-o", *p.path, p.pkg)
		c.Env = append(os.Environ(), "CGO_ENABLED=0")
		if text, err := c.CombinedOutput(); err != nil {
			return fmt.Errorf("build %s: %w\n%s", p.name, err, text)
		}
	}
	return nil
}

func (l *lab) startAgent() (err error) {
	l.agent, err = startChild("agent", filepath.Join(l.dir, "agent.log"), l.o.envgate, "run", "-c", l.file("site.yaml"))
	return err
}

func (l *lab) startCentre() (err error) {
	l.centre, err = startChild("centre", filepath.Join(l.dir, "centre.log"), l.o.centre, "run", "-c", l.file("centre.yaml"))
	return err
}

func (l *lab) file(name string) string { return filepath.Join(l.dir, name) }

// watch shows what arrives until ctx ends or the time is over.
func (l *lab) watch(ctx context.Context) error {
	defer l.screen.close()
	trouble := newTrouble(l.o, l.began)
	look := time.NewTicker(500 * time.Millisecond)
	defer look.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-l.agent.done:
			return fmt.Errorf("the agent ended by itself: %w", l.agent.err())
		case <-l.centre.done:
			return fmt.Errorf("the centre ended by itself: %w", l.centre.err())
		case now := <-look.C:
			if l.o.run > 0 && now.Sub(l.began) >= l.o.run {
				return nil
			}
			if err := trouble.make(l, now); err != nil {
				return err
			}
			v, err := l.look(now)
			if err != nil {
				return err
			}
			if v.arrived == 0 && now.Sub(l.began) > startUp {
				return fmt.Errorf("nothing arrived at the centre in %s", startUp)
			}
			l.screen.show(v)
		}
	}
}

// look takes a picture of all parts.
func (l *lab) look(now time.Time) (*view, error) {
	if err := l.store.read(); err != nil {
		return nil, fmt.Errorf("read the centre's database: %w", err)
	}
	v := &view{
		now: now, began: l.began, run: l.o.run,
		kills: len(l.kills), outages: l.outages, brokerUp: l.broker.up(), faults: l.o.faults,
		store: l.store, traffic: l.broker.traffic(), site: l.site,
	}
	for _, in := range l.site.instruments() {
		v.sent += in.Sent()
	}
	v.arrived, v.empty = l.store.arrived, l.store.empty
	return v, nil
}

// finish stops the parts in the order of a reading's way, so that each may
// hand on what it has, and then counts.
func (l *lab) finish() error {
	last, err := l.look(time.Now())
	if err != nil {
		return err
	}
	l.screen.final(last)
	fmt.Fprintln(l.out, "stopping: instruments, agent, centre, broker")
	if !l.broker.up() {
		if err := l.broker.start(); err != nil {
			return err
		}
	}
	// An answer on its way to an agent that is told to stop would be nobody's:
	// the instruments fall silent first. What the agent says of them afterwards
	// shows that all before has arrived.
	for _, u := range l.site.units {
		u.SetFault(sim.Fault{Silent: true})
	}
	l.silent = time.Now()
	if err := l.await(l.o.interval+l.o.sealing+settle, func() bool { return l.store.complete(l.silent, l.site) }); err != nil {
		return err
	}
	if err := l.agent.stop(agentStop); err != nil {
		return err
	}
	if err := l.await(settle, func() bool { return l.store.gaps() == 0 }); err != nil {
		return err
	}
	if err := l.centre.stop(stopTime); err != nil {
		return err
	}
	return l.verdict()
}

// await waits until the centre's database is as it should be, for most at
// most: what is missing then, the verdict says.
func (l *lab) await(most time.Duration, done func() bool) error {
	for deadline := time.Now().Add(most); ; time.Sleep(200 * time.Millisecond) {
		if err := l.store.read(); err != nil {
			return fmt.Errorf("read the centre's database: %w", err)
		}
		if done() || time.Now().After(deadline) {
			return nil
		}
	}
}

// verdict holds every reading at the centre against the journals.
func (l *lab) verdict() error {
	a := sim.NewAudit(l.site.instruments()...)
	for _, k := range l.kills { // with a little time for the question that was on its way
		a.Excuse(k.Add(-l.o.sealing-500*time.Millisecond), k.Add(250*time.Millisecond))
	}
	heard, lines := map[string]bool{}, map[string]bool{}
	empty := 0
	err := l.store.rows(func(r sim.Row) {
		a.Add(r)
		switch {
		case r.Value != "":
			heard[r.Instrument] = true
			lines[l.site.lineOf(r.Instrument)] = true
		case r.Time.Before(l.silent):
			empty++
		}
	})
	if err != nil {
		return fmt.Errorf("read the centre's database: %w", err)
	}
	r := a.Report()
	summary(l.out, &r, l.store, account{len(heard), len(lines), len(l.kills), empty})

	errs := []error{r.Err()}
	if n := len(l.site.units); len(heard) < n {
		errs = append(errs, fmt.Errorf("only %d of %d instruments arrived", len(heard), n))
	}
	if n := len(l.site.lines); len(lines) < n {
		errs = append(errs, fmt.Errorf("only %d of %d lines arrived", len(lines), n))
	}
	return errors.Join(append(errs, l.store.complaint())...)
}

// tails shows the last words of the children, for a run that went wrong.
func (l *lab) tails() {
	for _, name := range []string{"agent.log", "centre.log"} {
		if text := tail(l.file(name), 15); text != "" {
			fmt.Fprintf(l.out, "--- end of %s\n%s", name, text)
		}
	}
}

// close ends whatever still runs, in a run that went well nothing but broker
// and instruments.
func (l *lab) close() {
	l.screen.close()
	for _, c := range []*child{l.agent, l.centre} {
		if c != nil {
			c.kill()
		}
	}
	if l.store != nil {
		l.store.Close()
	}
	if l.broker != nil {
		l.broker.Close()
	}
	if l.site != nil {
		l.site.Close()
	}
}
