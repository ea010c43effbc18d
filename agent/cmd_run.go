package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"envgate/agent/uplink"
	"envgate/buffer"
	"envgate/config"
	"envgate/envelope"
)

// How long each part of a clean stop may take. All of it ends within 10 s, whatever
// broker, port or instrument is dead.
const (
	stopPolls  = 1500 * time.Millisecond
	stopWriter = 2500 * time.Millisecond
	stopDrain  = 2 * time.Second
	stopUplink = 3 * time.Second
	stopLog    = 500 * time.Millisecond
	stopLines  = 2 * time.Second // beside the writer and the uplinks
)

func cmdRun(args []string, _, errs io.Writer) error {
	f := flags("run")
	path := f.String("c", "site.yaml", "site file")
	adopt := f.Bool("adopt", false, "take over the log of another machine")
	if rest, err := parse(f, args); err != nil {
		return err
	} else if len(rest) > 0 {
		return fmt.Errorf("%w: run takes no %q", errUsage, rest[0])
	}
	site, err := loadSite(*path, errs)
	if err != nil {
		return err
	}
	limitFiles()
	defer runtime.GOMAXPROCS(oneProcessor())

	ctx, cancel := context.WithCancelCause(context.Background())
	defer cancel(nil)
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	defer signal.Stop(signals)
	go func() {
		s, ok := <-signals
		if !ok {
			return
		}
		cancel(fmt.Errorf("signal %s", s))
		signal.Stop(signals) // a second one ends the program at once
	}()

	logger := slog.New(slog.NewTextHandler(errs, &slog.HandlerOptions{Level: logLevel(site.Log.Level)}))
	return newAgent(site, *adopt, logger).Run(ctx)
}

// loadSite loads a site file and writes down all that is wrong with it.
func loadSite(path string, errs io.Writer) (*config.Site, error) {
	return loadSiteFor(path, strconv.IntSize, errs)
}

// loadSiteFor does it for a gateway of 32 or 64 bits.
func loadSiteFor(path string, bits int, errs io.Writer) (*config.Site, error) {
	site, err := config.LoadFor(path, bits)
	var problems config.Problems
	if errors.As(err, &problems) {
		if err := problems.WriteText(errs, "envgate"); err != nil {
			return nil, err
		}
		n := 0
		for _, p := range problems {
			if !p.Warning {
				n++
			}
		}
		fmt.Fprintf(errs, "envgate: error: %s: %s\n", path, plural(n, "problem"))
		return nil, errSaid
	}
	if err != nil {
		return nil, hinted{err, "site.example.yaml shows a whole site file"}
	}
	return site, nil
}

func plural(n int, word string) string {
	if n == 1 {
		return "1 " + word
	}
	return fmt.Sprintf("%d %ss", n, word)
}

// limitFiles keeps file numbers below 1024, past which the serial library's select
// has no room.
func limitFiles() {
	var r syscall.Rlimit
	if syscall.Getrlimit(syscall.RLIMIT_NOFILE, &r) == nil && r.Cur > 1024 {
		r.Cur = 1024
		syscall.Setrlimit(syscall.RLIMIT_NOFILE, &r)
	}
}

// oneProcessor has the program's own code run on one processor, and returns how many it had,
// 0 for as many as now. Its work is small pieces, each waiting for the one before: with more
// processors others are woken for each piece, to find nothing left, which costs a fifth
// more. Calls into the system do not count, so a slow card holds nobody up but through the
// map of the log, see buffer/pages.go. GOMAXPROCS in the environment decides otherwise.
func oneProcessor() int {
	if os.Getenv("GOMAXPROCS") != "" {
		return 0
	}
	return runtime.GOMAXPROCS(1)
}

// agent is the running program: polls, the one writer, uplinks.
type agent struct {
	site   *config.Site
	adopt  bool
	logger *slog.Logger
	in     *inbox
	clock  *clock
	board  board
	does   map[string]deed         // that the data centre may give
	taken  func(*envelope.Command) // of an uplink; nil before the log is open
	modes  *modes
	orders platformOrders
	writer atomic.Pointer[flow] // nil before it runs
}

func newAgent(site *config.Site, adopt bool, logger *slog.Logger) *agent {
	c := newClock()
	c.least = newestTime()
	c.floor = c.least
	in := newInbox()
	in.eager = len(site.Checks) > 0
	return &agent{
		site: site, adopt: adopt, logger: logger, in: in, clock: c, modes: newModes(c, site, in.event),
	}
}

// Run works until ctx ends, and then stops in order: polls first, so that nothing new
// comes; then the writer, which seals what is left; then the uplinks, which get a
// little time to send it; the log last.
func (a *agent) Run(ctx context.Context) error {
	key, err := loadKey(a.site)
	if err != nil {
		return err
	}
	lines, err := makeLines(a.site)
	closePorts := sync.OnceFunc(func() { closeLines(lines) })
	defer closePorts()
	if err != nil {
		return err
	}
	loggers, err := a.makeLoggers()
	if err != nil {
		return err
	}
	documents := makeDocuments(a.site, key, lines)
	if err := a.flow(key, documents).fits(time.Now()); err != nil {
		return err
	}

	localCtx, stopLocal := context.WithCancel(ctx)
	var locals sync.WaitGroup
	defer waitFor(locals.Wait, time.Second)
	defer stopLocal()
	if err := a.startLocal(localCtx, lines, &locals); err != nil {
		return err
	}

	// Polls begin before the log is open and before any uplink (promise P1).
	pollCtx, stopPolling := context.WithCancel(ctx)
	defer stopPolling()
	var polls sync.WaitGroup
	for _, l := range lines {
		r := a.runner(l)
		polls.Go(func() {
			defer a.caught("line " + l.config.Name)
			r.Run(pollCtx)
		})
	}

	a.startLoggers(pollCtx, loggers, &polls)
	a.startShare(localCtx, lines, &locals)

	fl := a.flow(key, documents)
	a.writer.Store(fl)
	flowCtx, stopFlow := context.WithCancel(context.WithoutCancel(ctx))
	defer stopFlow()
	flowDone := make(chan error, 1)
	go func() { flowDone <- fl.Run(flowCtx) }()

	upCtx, stopUp := context.WithCancel(context.WithoutCancel(ctx))
	defer stopUp()
	up := &uplinks{}
	var log *buffer.Log
	notify("READY=1")
	a.logger.Info("envgate runs", "version", version, "gateway", a.site.Gateway.ID, "lines", len(a.site.Lines))

	watch := watchdogEvery()
	tick := time.NewTicker(max(min(watch, 10*time.Second), time.Second))
	defer tick.Stop()
	opened := fl.opened
running:
	for {
		select {
		case log = <-opened:
			a.board.setLog(log)
			a.startSalvage(localCtx, log, key, &locals)
			a.startOrders(localCtx, log, fl, &locals)
			up, opened = a.startUplinks(upCtx, log, fl), nil
			a.startPlatforms(upCtx, log, &up.all)
		case err = <-flowDone: // before its time: a log that is not ours
			stopPolling()
			waitFor(polls.Wait, stopPolls)
			return err
		case <-tick.C:
			if watch > 0 && fl.alive(2*watch+30*time.Second) {
				notify("WATCHDOG=1")
			}
		case <-ctx.Done():
			break running
		}
	}

	notify("STOPPING=1")
	began := time.Now()
	fl.reason = context.Cause(ctx).Error()
	a.logger.Info("stopping", "why", fl.reason)
	stopPolling()
	waitFor(polls.Wait, stopPolls)
	go closePorts()
	stopFlow()
	err = within(stopWriter, func() error { return <-flowDone })
	hangs := errors.Is(err, errHangs)
	if log == nil {
		select {
		case log = <-fl.opened: // opened while we stopped
		default:
		}
	}
	if !hangs {
		last, cancel := context.WithTimeout(upCtx, stopDrain)
		up.drain(last)
		cancel()
	}
	stopUp()
	waitFor(up.all.Wait, stopUplink)
	if log != nil && !hangs {
		err = errors.Join(err, within(stopLog, log.Close))
	}
	a.logger.Info("stopped", "after", time.Since(began).Round(time.Millisecond))
	return err
}

func (a *agent) runner(l *siteLine) *lineRunner {
	r := &lineRunner{
		name: l.config.Name, bus: l.gate, in: a.in, logger: a.logger, health: &l.gate.health,
	}
	for _, d := range l.devices {
		r.devices = append(r.devices, &pollee{Device: d.device, name: d.config.Name, task: task{
			every: d.config.Interval, alarm: d.config.Priority == "alarm", price: d.silence(l.config),
		}})
	}
	return r
}

// caught keeps a fault in one part from ending the program (promise P7): it is said,
// with its place, and the other parts go on.
func (a *agent) caught(part string) {
	if r := recover(); r != nil {
		a.logger.Error("a part of the program failed and rests until the next start", "part", part, "err", fmt.Sprint(r))
		a.in.event(envelope.Event{Type: envelope.EventFault, At: time.Now().UnixMilli(), Subject: part, New: fmt.Sprint(r)})
	}
}

func (a *agent) flow(key *envelope.Key, documents documents) *flow {
	s := a.site
	f := &flow{
		in: a.in, clock: a.clock, every: s.Sealing.Interval, opened: make(chan *buffer.Log, 1),
		documents: documents, adopt: a.adopt, logger: a.logger, rotate: make(chan ending, 1),
		machine: machine(), retry: openRetry, board: &a.board, orders: &a.orders, meters: makeMeters(s),
		press: &press{
			gateway: s.Gateway.ID, boot: bootID(), firmware: version,
			seal: envelope.NewSealer(key), ratio: map[string]float64{},
		},
	}
	f.rollup, f.polls, f.lookBack = newRollup(s, documents.states), polls(s), lookBack(s)
	f.devices = []string{}
	for _, l := range s.Lines {
		for _, d := range l.Devices {
			f.devices = append(f.devices, d.Name)
		}
	}
	f.watch(s, a.modes)
	for _, u := range s.Uplinks {
		f.cursors = append(f.cursors, cursor{u.Name, u.Streams})
	}
	for _, p := range s.Platforms {
		f.cursors = append(f.cursors, cursor{platformCursor(p.Name), []string{stat}})
	}
	f.open = func() (*buffer.Log, error) {
		if err := os.MkdirAll(filepath.Dir(s.Storage.Path), 0o700); err != nil {
			return nil, err
		}
		o := retained(s)
		o.Verify = func(block []byte) error {
			_, err := envelope.Peek(block)
			return err
		}
		o.Hash = func(block []byte) string {
			payload, err := envelope.Peek(block)
			if err != nil {
				return ""
			}
			return envelope.Hash(payload)
		}
		o.Logger = a.logger
		return buffer.Open(s.Storage.Path, o)
	}
	return f
}

// uplinks are the ones that run.
type uplinks struct {
	all sync.WaitGroup

	mu      sync.Mutex
	running []*uplink.Uplink // guarded by mu
}

// uplinkRetry is the pause before an uplink that could not be made is tried again.
const uplinkRetry = 30 * time.Second

// startUplinks starts each uplink. One that cannot be made (a certificate of another
// gateway, a file that is not there) is said once, and tried again: the others and
// the polls go on, and the log keeps what it would have sent.
func (a *agent) startUplinks(ctx context.Context, log *buffer.Log, f *flow) *uplinks {
	up := &uplinks{}
	for _, c := range a.site.Uplinks {
		up.all.Go(func() {
			defer a.caught("uplink " + c.Name)
			for try := 0; ; try++ {
				u, err := a.makeUplink(c, log, f)
				if err == nil {
					up.add(u)
					a.board.addUplink(c.Name, u)
					u.Run(ctx)
					return
				}
				if try == 0 {
					a.logger.Error("uplink cannot start; what it would send stays in the log", "uplink", c.Name, "err", err, "hint", hintFor(err))
					a.in.event(envelope.Event{Type: envelope.EventUplinkDown, At: time.Now().UnixMilli(), Subject: c.Name, Why: err.Error()})
				}
				select {
				case <-ctx.Done():
					return
				case <-time.After(uplinkRetry):
				}
			}
		})
	}
	return up
}

func (a *agent) makeUplink(c config.Uplink, log *buffer.Log, f *flow) (*uplink.Uplink, error) {
	o, err := uplinkOptions(a.site, c, a.clock.judge)
	if err != nil {
		return nil, err
	}
	o.Logger, o.Version, o.Now = a.logger, version, a.clock.wall
	o.Birth = func() []byte { return birth(log) }
	o.Event = func(e envelope.Event) {
		e.At = time.Now().UnixMilli()
		a.in.event(e)
	}
	o.Receipt = func(stream string, seq uint64, at time.Time) {
		a.clock.witness(log, "receipt of "+c.Name, stream, seq, at)
	}
	o.Ahead = func(stream string, upto uint64) {
		select {
		case f.rotate <- ending{log.Epoch(), fmt.Sprintf("a receipt for %s %d is past the head: the disk lied, or an old image was put back", stream, upto)}:
		default:
		}
	}
	if len(o.CentreKeys) > 0 {
		o.Command = a.taken
	}
	o.Metered = f.meters[c.Name]
	return uplink.New(log, log, o)
}

func (u *uplinks) add(one *uplink.Uplink) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.running = append(u.running, one)
}

// drain waits until every uplink has sent all there is, or ctx ends.
func (u *uplinks) drain(ctx context.Context) {
	u.mu.Lock()
	running := slices.Clone(u.running)
	u.mu.Unlock()
	var all sync.WaitGroup
	for _, one := range running {
		all.Go(func() { one.Drain(ctx) })
	}
	all.Wait()
}

// closeLines closes all ports at once, each of which may take its time.
func closeLines(lines []*siteLine) {
	waitFor(func() {
		var all sync.WaitGroup
		for _, l := range lines {
			if l.line != nil {
				all.Go(func() { l.line.Close() })
			}
		}
		all.Wait()
	}, stopLines)
}

// waitFor waits for f to return, but not for ever: what hangs in a driver's call is
// left behind when the program ends.
func waitFor(f func(), most time.Duration) {
	within(most, func() error {
		f()
		return nil
	})
}

// errHangs says that the log is stuck in a call to the system: what is sealed is safe,
// what is not is lost.
var errHangs = errors.New("the disk of the log does not answer; stopped without the last readings")

// within is the error of f, or errHangs if f takes longer than most.
func within(most time.Duration, f func() error) error {
	done := make(chan error, 1)
	go func() { done <- f() }()
	select {
	case err := <-done:
		return err
	case <-time.After(most):
		return errHangs
	}
}
