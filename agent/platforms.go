package main

import (
	"context"
	"fmt"
	"sync"
	"time"

	"envgate/agent/platform"
	"envgate/buffer"
	"envgate/config"
	"envgate/envelope"
)

// platformCursor is the name of a platform's cursor in the log.
func platformCursor(name string) string { return "platform/" + name }

// startPlatforms starts a session for each HJ 212 platform of the site. One that
// cannot be made (a password file that is not there) is said once, and tried again.
func (a *agent) startPlatforms(ctx context.Context, log *buffer.Log, all *sync.WaitGroup) {
	for _, c := range a.site.Platforms {
		all.Go(func() {
			defer a.caught("platform " + c.Name)
			for try := 0; ; try++ {
				p, err := a.makePlatform(c, log)
				if err == nil {
					a.board.addPlatform(c.Name, p)
					p.Run(ctx)
					return
				}
				if try == 0 {
					a.logger.Error("platform cannot start; its figures stay in the log", "platform", c.Name, "err", err, "hint", hintFor(err))
					a.in.event(envelope.Event{Type: envelope.EventUplinkDown, At: time.Now().UnixMilli(), Subject: platformCursor(c.Name), Why: err.Error()})
				}
				select {
				case <-ctx.Done():
					return
				case <-time.After(uplinkRetry):
				}
			}
		})
	}
}

func (a *agent) makePlatform(c config.Platform, log *buffer.Log) (*platform.Platform, error) {
	password, err := c.PW.Read()
	if err != nil {
		return nil, fmt.Errorf("platform %s: %w", c.Name, err)
	}
	o := platform.Options{
		Name: c.Name, Address: c.Address, Edition: c.Edition, ST: c.ST, PW: password, MN: c.MN,
		Minutes: a.site.Rollup.Minutes, Logger: a.logger, Now: a.clock.wall, Known: a.clock.known,
		Event: func(e envelope.Event) {
			e.At = time.Now().UnixMilli()
			a.in.event(e)
		},
	}
	for _, f := range c.Factors {
		o.Factors = append(o.Factors, platform.Factor{Device: f.Device, Point: f.Point, Code: f.Code})
	}
	return platform.New(log, log, o)
}
