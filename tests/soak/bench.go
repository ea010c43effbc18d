package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"envgate/tests/rig"
	"envgate/tests/sim"
)

// The load: as many units on a network line, and two on a serial one.
const (
	units    = 8
	points   = 20
	interval = time.Second
)

// A bench is the gateway under test with all that is done to it.
type bench struct {
	*rig.Rig
	o     options
	out   io.Writer
	rng   *rand.Rand
	most  time.Duration
	began time.Time

	bus    *sim.Bus
	push   *pusher
	trace  *trace
	disk   string // where the log's small disk is; "": it has none
	filler string
	save   bool // the log outlives its disk

	active []*trouble           // what is broken now
	busy   map[string]time.Time // parts that are not to be broken before
	nextAt time.Time            // of the next fault
	endAt  time.Time            // of the agent's life
	count  map[string]int       // faults so far, by name
	marks  []mark
	record record
}

// mark is a fault in the plot.
type mark struct {
	name     string
	from, to time.Duration
}

func newBench(dir string, o options, out io.Writer) (*bench, error) {
	r, err := rig.New(dir, o.envgate, o.centre)
	if err != nil {
		return nil, err
	}
	b := &bench{
		Rig: r, o: o, out: out, rng: rand.New(rand.NewPCG(o.seed, 0)), most: time.Duration(o.hours * float64(time.Hour)),
		busy: map[string]time.Time{}, count: map[string]int{},
	}
	if err := b.prepare(); err != nil {
		return nil, errors.Join(err, b.close())
	}
	return b, nil
}

// prepare opens the instruments and the log's disk.
func (b *bench) prepare() (err error) {
	if b.trace, err = newTrace(b.Path("agent.log")); err != nil {
		return err
	}
	b.AgentTo, b.Env = b.trace, []string{traceSetting}
	var in []*sim.Instrument
	for u := range units {
		in = append(in, rig.Numbered(fmt.Sprintf("unit%d", u+1), points))
	}
	if _, err := b.Network("net", interval, in...); err != nil {
		return err
	}
	if b.bus, err = b.Serial("bus", interval, rig.Numbered("old1", 5), rig.Numbered("old2", 5)); err != nil {
		return err
	}
	if b.push, err = newPusher(); err != nil {
		return err
	}
	b.Site(b.push.site())
	return b.mount()
}

// mount gives the log a small disk of its own, where we may.
func (b *bench) mount() error {
	if os.Getuid() != 0 {
		fmt.Fprintln(b.out, "not root: the log's disk will not be filled")
		return nil
	}
	dir := b.Path("disk")
	if err := os.Mkdir(dir, 0o700); err != nil {
		return err
	}
	if text, err := exec.Command("mount", "-t", "tmpfs", "-o", "size=96m", "tmpfs", dir).CombinedOutput(); err != nil {
		fmt.Fprintf(b.out, "the log's disk will not be filled: mount: %v %s\n", err, text)
		return nil
	}
	b.disk = dir
	b.Log = filepath.Join(dir, "log.db")
	b.filler = filepath.Join(dir, "filler")
	return nil
}

// start starts the programs, and waits until the first readings are at the centre.
func (b *bench) start() error {
	for _, f := range []func() error{b.StartBroker, b.StartCentre, b.StartAgent, b.push.start} {
		if err := f(); err != nil {
			return err
		}
	}
	err := rig.Await(time.Minute, "the first blocks are at the centre", b.Whole)
	b.began = time.Now()
	b.record.began = b.began
	b.nextAt = b.began.Add(5 * time.Second)
	b.live()
	return err
}

// live says when the agent's life will end.
func (b *bench) live() {
	if b.o.life > 0 {
		b.endAt = time.Now().Add(time.Duration((0.4 + 1.2*b.rng.Float64()) * float64(b.o.life)))
	}
}

// load breaks things until the time is over, or ctx ends.
func (b *bench) load(ctx context.Context) error {
	look := time.NewTicker(100 * time.Millisecond)
	defer look.Stop()
	every := max(time.Second, b.most/900)
	var sampled, told time.Time
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-look.C:
		}
		now := time.Now()
		if now.Sub(b.began) >= b.most {
			return nil
		}
		if err := b.step(now); err != nil {
			return fmt.Errorf("%s after the start: %w", now.Sub(b.began).Round(time.Second), err)
		}
		if now.Sub(sampled) >= every {
			sampled = now
			b.record.sample(b, now)
		}
		if now.Sub(told) >= time.Minute {
			told = now
			b.tell(now)
		}
	}
}

// tell prints one line of progress.
func (b *bench) tell(now time.Time) {
	n, faults := uint64(0), 0
	for _, i := range b.Instruments {
		n += i.Sent()
	}
	for _, k := range b.count {
		faults += k
	}
	s := b.record.last()
	fmt.Fprintf(b.out, "%8s  %9d readings given  %5d faults  %3d kills  RssAnon %5.1f MB  %3d goroutines  %3d descriptors  log %5.1f MB\n",
		now.Sub(b.began).Round(time.Second), n, faults, len(b.Kills), float64(s.anon)/1e6, s.goroutines, s.descriptors, float64(s.file)/1e6)
}

// close ends everything that still runs.
func (b *bench) close() error {
	if b.push != nil {
		b.push.stop()
	}
	err := b.Close()
	if b.disk != "" {
		if b.save {
			err = errors.Join(err, copyFile(b.Path("log.db"), b.Log))
		}
		if text, e := exec.Command("umount", "-l", b.disk).CombinedOutput(); e != nil {
			err = errors.Join(err, fmt.Errorf("umount %s: %w %s", b.disk, e, text))
		}
		b.disk = ""
	}
	if b.trace != nil {
		err = errors.Join(err, b.trace.close())
	}
	return err
}

func copyFile(to, from string) error {
	b, err := os.ReadFile(from)
	if errors.Is(err, fs.ErrNotExist) { // nothing was started yet
		return nil
	} else if err != nil {
		return err
	}
	return os.WriteFile(to, b, 0o600)
}
