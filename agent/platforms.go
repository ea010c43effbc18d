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
	"envgate/hj212"
)

// platformCursor is the name of a platform's cursor in the log.
func platformCursor(name string) string { return "platform/" + name }

// startPlatforms starts a session for each HJ 212 platform of the site. One that
// cannot be made (a password file that is not there) is said once, and tried again.
func (a *agent) startPlatforms(ctx context.Context, log *buffer.Log, all *sync.WaitGroup) {
	began := time.Now()
	for _, c := range a.site.Platforms {
		all.Go(func() {
			defer a.caught("platform " + c.Name)
			for try := 0; ; try++ {
				p, err := a.makePlatform(c, log, began)
				if err == nil {
					a.board.addPlatform(c.Name, p)
					if !a.runPlatform(ctx, c.Name, p) {
						return
					}
					try = -1
					continue
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

func (a *agent) makePlatform(c config.Platform, log *buffer.Log, began time.Time) (*platform.Platform, error) {
	password, err := c.PW.Read()
	if err != nil {
		return nil, fmt.Errorf("platform %s: %w", c.Name, err)
	}
	o := platform.Options{
		Name: c.Name, Address: c.Address, Edition: c.Edition, ST: c.ST, PW: password, MN: c.MN,
		Send: c.Send, RtdInterval: c.RtdInterval, NoAnswers: c.NoAnswers, Timeout: c.Timeout, Retries: c.Retries,
		Heartbeat: c.Heartbeat, AllDigits: c.Digits == "instrument", MarkBackfill: c.MarkBackfill, CRC: dialectOf(c.CRC),
		Braces: c.Cipher == "braces", Boot: began,
		Minutes: a.site.Rollup.Minutes, Logger: a.logger, Now: a.clock.wall, Known: a.clock.known,
		Event: func(e envelope.Event) {
			e.At = time.Now().UnixMilli()
			a.in.event(e)
		},
	}
	o.Commands = a.commandsOf(c, log)
	for _, f := range c.Factors {
		o.Factors = append(o.Factors, platform.Factor{
			Device: f.Device, Point: f.Point, Code: f.Code, ST: f.ST, Times: f.Times, Decimals: f.Decimals, Figures: f.Figures,
		})
	}
	if o.Keys, err = platformKeys(c); err != nil {
		return nil, err
	}
	return platform.New(log, log, o)
}

// platformKeys reads a platform's key: none where it has no file.
func platformKeys(c config.Platform) (hj212.Keys, error) {
	text, err := c.Key.Read()
	if text == "" && err == nil {
		return nil, nil
	}
	if err == nil && len(text) != 16 {
		err = fmt.Errorf("%s has %d characters: an SM4 key has 16", c.Key, len(text))
	}
	var key hj212.Key
	if err == nil {
		key, err = hj212.NewKey("", []byte(text))
	}
	if err != nil {
		return nil, fmt.Errorf("platform %s: key: %w", c.Name, err)
	}
	return hj212.Keys{key}, nil
}
