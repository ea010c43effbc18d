package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"envgate/agent/platform"
	"envgate/buffer"
	"envgate/config"
	"envgate/envelope"
	"envgate/hj212"
)

// What platforms may command, and what they have set. The latter is kept in a file beside
// the log: a platform that changed the password knows no other, also after a power cut.

const (
	sealWait = 10 * time.Second // for the event of a command, before it is given up
	sealRead = 8                // event blocks that are looked at at once
)

// keptPath is where a site keeps what platforms have set.
func keptPath(site *config.Site) string { return site.Storage.Path + ".platforms" }

// platformOrders are what a running agent has for platforms' commands. The zero value is ready.
type platformOrders struct {
	once   sync.Once
	keeper *platform.Keeper

	mu   sync.Mutex
	stop map[string]context.CancelFunc // of the platforms that run; guarded by mu
	sets map[string]set                // what is set in devices, as last surveyed; guarded by mu
}

// kept opens the file at the first call. One that is damaged is said, and the platforms
// begin with the site file's values.
func (a *agent) kept() *platform.Keeper {
	a.orders.once.Do(func() {
		k, err := platform.OpenKeeper(keptPath(a.site))
		if err != nil {
			a.logger.Error("what the platforms have set cannot be read; the site file counts", "err", err)
			a.in.event(envelope.Event{Type: envelope.EventFault, At: time.Now().UnixMilli(), Subject: "platforms", New: err.Error()})
		}
		a.orders.keeper = k
	})
	return a.orders.keeper
}

// runPlatform runs a platform until ctx ends (false), or until it has to be made anew, as
// what it had set was taken back.
func (a *agent) runPlatform(ctx context.Context, name string, p *platform.Platform) (again bool) {
	run, cancel := context.WithCancel(ctx)
	defer cancel()
	a.orders.mu.Lock()
	if a.orders.stop == nil {
		a.orders.stop = map[string]context.CancelFunc{}
	}
	a.orders.stop[name] = cancel
	a.orders.mu.Unlock()
	p.Run(run)
	return ctx.Err() == nil
}

// commandsOf is what a platform may command.
func (a *agent) commandsOf(c config.Platform, log *buffer.Log) platform.Commands {
	keeper := a.kept()
	o := platform.Commands{
		Allow: c.Commands.Allow, Find: log.Find, Kept: keeper.Of(c.Name),
		Seal: func(ctx context.Context, e envelope.Event) error {
			return a.sealedSoon(ctx, log, e)
		},
		Keep: func(change func(*platform.Kept)) error { return keeper.Change(c.Name, change) },
		Info: func(polID, infoID string) (string, bool) { return a.info(c, polID, infoID) },
	}
	if most := c.Commands.ClockStep; most > 0 {
		o.SetClock = func(ctx context.Context, at time.Time) (int, string) {
			return a.clock.command(ctx, c.Name, at, most, a.in.nudge)
		}
		o.NeedsTime = func() bool { return !a.clock.sure.Load() }
	}
	for i, value := range c.Commands.Registration {
		o.Registration = append(o.Registration, hj212.Param{Name: registrationCodes[i] + "-Info", Value: value})
	}
	if was := o.Kept.Reset; was != "" { // while no agent ran
		a.in.event(resetEvent(c.Name, was))
		if err := keeper.Change(c.Name, func(k *platform.Kept) { k.Reset = "" }); err != nil {
			a.logger.Error("platform", "platform", c.Name, "err", err)
		}
	}
	return o
}

// sealedSoon is sealed, within sealWait.
func (a *agent) sealedSoon(ctx context.Context, log *buffer.Log, e envelope.Event) error {
	ctx, cancel := context.WithTimeoutCause(ctx, sealWait, errUnsealed)
	defer cancel()
	return a.sealed(ctx, log, e)
}

// infoCodes are parameters of templates under the standard's codes (HJ 212-2017, table
// B.10; i13108 of 2025, second hand). The names of templates go on with - and more where
// an instrument has several of a kind.
var infoCodes = []struct{ code, parameter string }{
	{"i13001", "range-high"}, {"i13007", "zero"}, {"i13008", "slope"}, {"i13108", "reference-oxygen"},
}

// registrationCodes name what a gateway without an MN says of itself (HJ 212-2025, table
// C.2).
var registrationCodes = [...]string{"i23005", "i23006", "i23007", "i23008"}

// info is what is known of the instrument of a factor, or of the gateway.
func (a *agent) info(c config.Platform, polID, infoID string) (string, bool) {
	if polID == "" {
		for i, value := range c.Commands.Registration {
			if registrationCodes[i] == infoID {
				return value, true
			}
		}
		return "", false
	}
	device, point := "", polID
	for _, f := range c.Factors {
		if f.Code == polID {
			device, point = f.Device, f.Point
		}
	}
	if infoID == "SN" {
		for _, one := range c.Commands.Identities {
			if code, sn, _ := strings.Cut(one, "="); code == polID {
				return sn, true
			}
		}
		return "", false
	}
	a.orders.mu.Lock()
	defer a.orders.mu.Unlock()
	for _, known := range infoCodes {
		if known.code != infoID {
			continue
		}
		for name, s := range a.orders.sets {
			if device != "" && name != device {
				continue
			}
			for parameter, one := range s {
				if one.Of == point && (parameter == known.parameter || strings.HasPrefix(parameter, known.parameter+"-")) {
					return one.Value, true
				}
			}
		}
	}
	return "", false
}

// setIn takes over what is set in a device, which nobody changes any more.
func (o *platformOrders) setIn(device string, s set) {
	if o == nil {
		return
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.sets == nil {
		o.sets = map[string]set{}
	}
	o.sets[device] = s
}

func resetEvent(name, was string) envelope.Event {
	return envelope.Event{
		Type: envelope.EventCommandDone, At: time.Now().UnixMilli(), Subject: "reset", Who: "local", Old: cmp.Or(was, "nothing set"),
		Why: "what platform " + name + " had set was taken back",
	}
}

// resetPlatform takes back what a platform has set, in the running agent. The event is in
// the log before.
func (a *agent) resetPlatform(ctx context.Context, name string) (was string, err error) {
	if !knowsPlatform(a.site, name) {
		return "", noPlatform(a.site, name)
	}
	keeper := a.kept()
	was = keeper.Of(name).String()
	log := a.board.openLog()
	if log == nil {
		return "", errors.New("the log is not open yet; try again in a moment")
	}
	if err := a.sealedSoon(ctx, log, resetEvent(name, was)); err != nil {
		return "", err
	}
	if err := keeper.Change(name, func(k *platform.Kept) { *k = platform.Kept{} }); err != nil {
		return "", err
	}
	a.orders.mu.Lock()
	defer a.orders.mu.Unlock()
	if stop := a.orders.stop[name]; stop != nil {
		stop()
	}
	return was, nil
}

func knowsPlatform(site *config.Site, name string) bool {
	for _, p := range site.Platforms {
		if p.Name == name {
			return true
		}
	}
	return false
}

func noPlatform(site *config.Site, name string) error {
	names := []string{}
	for _, p := range site.Platforms {
		names = append(names, p.Name)
	}
	return hinted{fmt.Errorf("no platform %q", name), "the site file has: " + cmp.Or(strings.Join(names, ", "), "none")}
}
