package main

import (
	"errors"
	"fmt"
	"os"
	"sync/atomic"
	"syscall"
	"time"

	"envgate/tests/rig"
	"envgate/tests/sim"
)

// A fault is one way to break something, for a time from least to most. A part is
// broken in one way at a time.
type fault struct {
	name        string
	part        string
	least, most time.Duration
	rest        time.Duration // for the part, afterwards
	begin, end  func(b *bench) error
}

// trouble is a fault that holds now.
type trouble struct {
	*fault
	since, until time.Time
}

// menu is what breaks every few seconds. The agent's own ends come beside it.
var menu = []fault{
	{name: "broker killed", part: "broker", least: time.Second, most: 10 * time.Second, begin: func(b *bench) error {
		b.Broker.Kill()
		return nil
	}, end: func(b *bench) error { return b.StartBroker() }},
	{name: "broker restarted", part: "broker", begin: func(b *bench) error {
		return errors.Join(b.Broker.Stop(10*time.Second), b.StartBroker())
	}},
	{name: "centre killed", part: "centre", least: time.Second, most: 10 * time.Second, begin: func(b *bench) error {
		b.Center.Kill()
		return nil
	}, end: func(b *bench) error { return b.LaunchCentre() }},
	{name: "link held", part: "link", least: 2 * time.Second, most: 20 * time.Second, begin: func(b *bench) error {
		b.Link.Hold()
		return nil
	}, end: soundLink},
	{name: "link refused", part: "link", least: time.Second, most: 10 * time.Second, begin: func(b *bench) error {
		return b.Link.Refuse()
	}, end: soundLink},
	{name: "link slow", part: "link", least: 5 * time.Second, most: 20 * time.Second, begin: func(b *bench) error {
		b.Link.Delay(time.Duration(50+b.rng.IntN(250)) * time.Millisecond)
		return nil
	}, end: soundLink},
	{name: "acknowledgements lost", part: "link", least: 3 * time.Second, most: 10 * time.Second, begin: func(b *bench) error {
		var n atomic.Int64
		return judged(b, func(p []byte) sim.Verdict {
			if kind, _ := sim.PacketKind(p); kind == sim.PacketPuback && n.Add(1)%4 == 0 {
				return sim.HangUp
			}
			return sim.Through
		})
	}, end: soundLink},
	{name: "receipts lost", part: "link", least: 3 * time.Second, most: 15 * time.Second, begin: func(b *bench) error {
		return judged(b, func(p []byte) sim.Verdict {
			if kind, _ := sim.PacketKind(p); kind == sim.PacketPublish { // it hears nothing else
				return sim.LostOnWay
			}
			return sim.Through
		})
	}, end: soundLink},
	{name: "unit silent", part: "units", least: time.Second, most: 5 * time.Second, begin: func(b *bench) error {
		return ill(b, sim.Fault{Silent: true})
	}},
	{name: "unit late", part: "units", least: time.Second, most: 5 * time.Second, begin: func(b *bench) error {
		return ill(b, sim.Fault{Late: time.Duration(100+b.rng.IntN(400)) * time.Millisecond})
	}},
	{name: "unit refusing", part: "units", least: time.Second, most: 5 * time.Second, begin: func(b *bench) error {
		return ill(b, sim.Fault{Exception: 6})
	}},
	{name: "unit damaged", part: "units", least: time.Second, most: 5 * time.Second, begin: func(b *bench) error {
		return ill(b, sim.Fault{WrongCRC: true})
	}},
	{name: "unit torn", part: "units", least: time.Second, most: 5 * time.Second, begin: func(b *bench) error {
		return ill(b, sim.Fault{Truncate: 2})
	}},
	{name: "bus babbles", part: "bus", least: time.Second, most: 3 * time.Second, begin: func(b *bench) error {
		noise := make([]byte, 1+b.rng.IntN(300))
		for i := range noise {
			noise[i] = byte(b.rng.Uint32())
		}
		b.bus.Say(noise)
		return nil
	}},
	{name: "bus unplugged", part: "bus", least: time.Second, most: 10 * time.Second, begin: func(b *bench) error {
		return b.bus.Unplug()
	}, end: func(b *bench) error { return b.bus.Replug() }},
	{name: "pusher silent", part: "pusher", least: time.Second, most: 15 * time.Second, begin: pushes(pushSilent), end: pushes(pushWell)},
	{name: "pusher babbles", part: "pusher", least: time.Second, most: 5 * time.Second, begin: pushes(pushBabbles), end: pushes(pushWell)},
	{name: "pusher torn", part: "pusher", least: time.Second, most: 5 * time.Second, begin: pushes(pushTorn), end: pushes(pushWell)},
	// While the disk is full the sealing interval ends nowhere: the agent is not killed then.
	{name: "disk full", part: "agent", least: 3 * time.Second, most: 12 * time.Second, rest: 15 * time.Second, begin: fillDisk, end: func(b *bench) error {
		return os.Remove(b.filler)
	}},
}

// ends are the two ways in which the agent's life ends.
var ends = []fault{
	{name: "agent killed", part: "agent", most: 3 * time.Second, rest: 10 * time.Second, begin: func(b *bench) error {
		b.KillAgent()
		return nil
	}, end: startAgent},
	{name: "agent stopped", part: "agent", most: 3 * time.Second, rest: 10 * time.Second, begin: func(b *bench) error {
		return b.StopAgent()
	}, end: startAgent},
}

func startAgent(b *bench) error {
	b.live()
	b.record.life++
	return b.StartAgent()
}

// soundLink ends all that a link suffers.
func soundLink(b *bench) error {
	b.Link.Release()
	b.Link.Delay(0)
	b.Link.Judge(nil)
	return b.Link.Accept()
}

// judged has packets judged from now on: of new connections.
func judged(b *bench, f func([]byte) sim.Verdict) error {
	b.Link.Judge(f)
	b.Link.Cut()
	return nil
}

// ill makes one unit ill, for some questions.
func ill(b *bench, f sim.Fault) error {
	in := b.Instruments[b.rng.IntN(len(b.Instruments))]
	f.Times = 1 + b.rng.IntN(5)
	b.Units[in.Name()].SetFault(f)
	return nil
}

func pushes(how pushMode) func(*bench) error {
	return func(b *bench) error {
		b.push.set(how)
		return nil
	}
}

// fillDisk takes what room there is on the log's disk.
func fillDisk(b *bench) error {
	f, err := os.Create(b.filler)
	if err != nil {
		return err
	}
	defer f.Close()
	for block := make([]byte, 64<<10); len(block) > 0; {
		if _, err = f.Write(block); err != nil {
			block = block[:len(block)/2]
		}
	}
	if !errors.Is(err, syscall.ENOSPC) {
		return fmt.Errorf("fill the log's disk: %w", err)
	}
	return nil
}

// step ends what is over, and breaks what is next.
func (b *bench) step(now time.Time) error {
	rest := b.active[:0]
	for _, t := range b.active {
		if now.Before(t.until) {
			rest = append(rest, t)
			continue
		}
		if err := b.over(t, now); err != nil {
			return err
		}
	}
	b.active = rest
	if err := b.alive(); err != nil {
		return err
	}
	if !b.endAt.IsZero() && now.After(b.endAt) && b.free("agent", now) {
		b.endAt = time.Time{}
		return b.spoil(&ends[b.rng.IntN(len(ends))], now)
	}
	if now.Before(b.nextAt) {
		return nil
	}
	b.nextAt = now.Add(time.Second + time.Duration(b.rng.Int64N(int64(4*time.Second))))
	f := &menu[b.rng.IntN(len(menu))]
	if !b.free(f.part, now) || f.name == "disk full" && b.disk == "" {
		return nil
	}
	return b.spoil(f, now)
}

// spoil begins a fault.
func (b *bench) spoil(f *fault, now time.Time) error {
	t := &trouble{fault: f, since: now, until: now.Add(f.least)}
	if f.most > f.least {
		t.until = t.until.Add(time.Duration(b.rng.Int64N(int64(f.most - f.least))))
	}
	b.active = append(b.active, t)
	b.count[f.name]++
	if err := f.begin(b); err != nil {
		return fmt.Errorf("%s: %w", f.name, err)
	}
	return nil
}

// over ends a fault.
func (b *bench) over(t *trouble, now time.Time) error {
	b.marks = append(b.marks, mark{t.name, t.since.Sub(b.began), now.Sub(b.began)})
	b.busy[t.part] = now.Add(t.rest)
	if t.end == nil {
		return nil
	}
	if err := t.end(b); err != nil {
		return fmt.Errorf("end of %s: %w", t.name, err)
	}
	return nil
}

// free says whether nothing is broken in a part, nor was just now.
func (b *bench) free(part string, now time.Time) bool {
	for _, t := range b.active {
		if t.part == part {
			return false
		}
	}
	return !now.Before(b.busy[part])
}

// alive is an error where a program ended that nobody ended.
func (b *bench) alive() error {
	for _, p := range []struct {
		part    string
		process *rig.Process
	}{{"broker", b.Broker}, {"centre", b.Center}, {"agent", b.Agent}} {
		broken := false
		for _, t := range b.active {
			broken = broken || t.part == p.part
		}
		if !broken && !p.process.Runs() {
			return fmt.Errorf("%s ended by itself; its log ends:\n%s", p.process.Name, rig.Tail(b.Path(p.part+".log"), 15))
		}
	}
	return nil
}
