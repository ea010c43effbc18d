package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"envgate/tests/sim"
)

// The largest site that one gateway is for: all its serial ports in use, and a rack of
// instruments on the network.
const (
	manyBuses     = 8
	manyBusUnits  = 4 // on each bus
	manyHosts     = 32
	manyRegisters = 20 // of each instrument, float32 two by two
	manyEvery     = time.Second
)

// Budgets of many. A line may have three goroutines: its schedule, its owner, and one for
// a call that may hang; all the rest of the program has thirty. A goroutine in a serial
// driver's call has a thread to itself, all others share one for each processor. A bus has
// its port, the lock of it and a pipe that wakes whoever waits, and a host its connection.
const (
	manyProcessor  = 5 // % of one
	manyGoroutines = 3*(manyBuses+manyHosts) + 30
	manyThreads    = manyBuses + 16
	manyFiles      = 4*manyBuses + manyHosts + 16
	manyMemory     = 20 // MB
)

// many measures the agent on many lines at once, none of them in trouble.
func many(r *report, span time.Duration) error {
	r.section(fmt.Sprintf("%d serial lines × %d units and %d TCP instruments × %d registers, each %s",
		manyBuses, manyBusUnits, manyHosts, manyRegisters, manyEvery))
	w, err := manyWorld()
	if err != nil {
		return err
	}
	defer w.close()
	d, after, err := w.steady(span)
	if err != nil {
		return err
	}
	threads, files, err := w.crowd()
	if err != nil {
		return err
	}
	goroutines, err := w.goroutines()
	if err != nil {
		return err
	}
	due := float64(len(w.units)*w.points) * d.at.Seconds() / manyEvery.Seconds()
	r.least("readings of those due", min(100, 100*float64(d.readings)/due), 99, "%")
	r.row("readings a second", float64(d.readings)/d.at.Seconds(), 0, "")
	r.row("processor, of one", 100*d.cpu.Seconds()/d.at.Seconds(), manyProcessor, "%")
	r.row("processor time a question", d.cpu.Seconds()*1e6*float64(w.points)/float64(d.readings), 0, "µs")
	r.row("goroutines", float64(goroutines), manyGoroutines, "")
	r.row("threads", float64(threads), manyThreads, "")
	r.row("open files", float64(files), manyFiles, "")
	r.row("memory, RssAnon", float64(after.anon)/1e6, manyMemory, "MB")
	r.row("memory, VmRSS", float64(after.rss)/1e6, 0, "MB")
	return nil
}

// manyWorld is a world of many lines. All instruments are alike.
func manyWorld() (*world, error) {
	w, err := emptyWorld()
	if err != nil {
		return nil, err
	}
	w.points = manyRegisters / 2
	var lines strings.Builder
	line := func(name, where string, units int, attach func(byte, *sim.Instrument) *sim.Unit) {
		fmt.Fprintf(&lines, "  - name: %s\n    %s\n    devices:\n", name, where)
		for u := 1; u <= units; u++ {
			in := sim.Block(fmt.Sprintf("%s-%d", name, u), w.points)
			w.units = append(w.units, in)
			attach(byte(u), in)
			fmt.Fprintf(&lines, "      - name: %s\n        unit: %d\n        interval: %s\n        registers:\n", in.Name(), u, manyEvery)
			for p := range w.points {
				fmt.Fprintf(&lines, "          - {point: c%02d, address: %d, type: float32, unit: \"1\"}\n", p+1, 2*p)
			}
		}
	}
	for i := range manyBuses {
		name := fmt.Sprintf("bus%d", i+1)
		path := filepath.Join(w.dir, name)
		bus, err := sim.OpenBus(sim.BusOptions{Name: path, Baud: 9600, Think: busThink})
		if err != nil {
			return nil, err
		}
		w.more = append(w.more, bus)
		line(name, fmt.Sprintf("serial: {port: %s, baud: 9600, parity: none, stop_bits: 1}", path), manyBusUnits, bus.Attach)
	}
	for i := range manyHosts {
		server, err := sim.Listen(sim.ServerOptions{})
		if err != nil {
			return nil, err
		}
		w.more = append(w.more, server)
		line(fmt.Sprintf("host%d", i+1), "url: "+server.URL(), 1, server.Attach)
	}
	return w, w.files(lines.String())
}

// goroutines ends the agent with the signal that makes a Go program say what all its
// goroutines are at, and counts them.
func (w *world) goroutines() (n int, err error) {
	if err := w.agent.Process.Signal(syscall.SIGQUIT); err != nil {
		return 0, err
	}
	w.agent.Wait() // with an error, as it did not end by itself
	w.agent = nil
	b, err := os.ReadFile(filepath.Join(w.dir, "agent.log"))
	if err != nil {
		return 0, err
	}
	for line := range bytes.Lines(b) {
		if bytes.HasPrefix(line, []byte("goroutine ")) {
			n++
		}
	}
	return n, nil
}

// crowd counts the agent's threads and open files.
func (w *world) crowd() (threads uint64, files int, err error) {
	proc := filepath.Join("/proc", strconv.Itoa(w.agent.Process.Pid))
	status, err := fields(filepath.Join(proc, "status"))
	if err != nil {
		return 0, 0, fmt.Errorf("the agent ended: see %s/agent.log: %w", w.dir, err)
	}
	open, err := os.ReadDir(filepath.Join(proc, "fd"))
	return status["Threads:"], len(open), err
}
