package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"envgate/buffer"
	"envgate/envelope"
)

// A deed does what the data centre commands, and returns what was before.
type deed func(subject, value string) (old string, err error)

// An executor does the data centre's commands, one after the other. Each is sealed as an
// event before anything is done, and its result as another.
type executor struct {
	a    *agent
	flow *flow
	log  *buffer.Log
	in   chan *envelope.Command

	newest string // id of the last one looked at: it comes again with each connection
}

const (
	ordersWait  = 8               // a broker that repeats itself fills no memory
	orderSealed = 5 * time.Minute // how long a log may take that cannot be written now
	orderClock  = 5 * time.Second // between looks at a clock that does not know the time
	orderAhead  = 24 * time.Hour  // a command from so far ahead would shut out all later ones
)

var (
	errOrderUnknown = errors.New("no such command")
	errOrderLate    = errors.New("command has expired")
	errOrderTime    = errors.New("command is of a time that cannot be executed now")
)

// startOrders lets the uplinks that start from now on bring commands.
func (a *agent) startOrders(ctx context.Context, log *buffer.Log, f *flow, all *sync.WaitGroup) {
	o := &executor{a: a, flow: f, log: log, in: make(chan *envelope.Command, ordersWait)}
	a.taken, a.does = o.take, map[string]deed{"limit": f.checks[1].command}
	all.Go(func() {
		defer a.caught("commands")
		o.run(ctx)
	})
}

// take hands a verified command in, from the loop of an uplink. What there is no room for
// comes again: the message is retained.
func (o *executor) take(c *envelope.Command) {
	select {
	case o.in <- c:
	default:
	}
}

func (o *executor) run(ctx context.Context) {
	for {
		select {
		case c := <-o.in:
			o.execute(ctx, c)
		case <-ctx.Done():
			return
		}
	}
}

// execute does what c says, once: a command whose time is not later than that of the last
// one was here before, or has been overtaken. It waits for a gateway that does not know
// the time yet, as it cannot say whether a command has expired.
func (o *executor) execute(ctx context.Context, c *envelope.Command) {
	if c.ID == o.newest {
		return
	}
	for !o.a.clock.known() {
		select {
		case <-ctx.Done():
			return
		case <-time.After(orderClock):
		}
	}
	o.newest = c.ID
	ahead := c.At > o.a.clock.wall().Add(orderAhead).UnixMilli()
	if last := o.flow.ordered.Load(); c.At < last || ahead {
		o.answer(c, "", fmt.Errorf("%w: given at %s, the last one at %s", errOrderTime, stampMs(c.At), stampMs(last)))
		return
	} else if c.At == last {
		return
	}
	ctx, cancel := context.WithTimeoutCause(ctx, orderSealed, errUnsealed)
	defer cancel()
	taken := envelope.Event{
		Type: envelope.EventCommand, At: time.Now().UnixMilli(), Subject: c.ID,
		New: strings.TrimSpace(c.Do + " " + c.Subject + " " + c.Value), Who: c.Who, Why: c.Why,
	}
	o.flow.ordered.Store(c.At) // goes to the disk with the event
	if err := o.a.sealed(ctx, o.log, taken); err != nil {
		o.a.logger.Error("command not executed, as it cannot be written down", "id", c.ID, "command", taken.New, "err", err)
		return
	}
	old, err := o.do(c)
	o.answer(c, old, err)
}

func (o *executor) answer(c *envelope.Command, old string, err error) {
	done := envelope.Event{
		Type: envelope.EventCommandDone, At: time.Now().UnixMilli(), Subject: c.ID, New: "ok", Old: old, Who: c.Who,
	}
	if err != nil {
		done.New, done.Why = "refused", err.Error()
	}
	o.a.in.event(done)
	o.a.logger.Info("command of the data centre", "id", c.ID, "command", c.Do, "subject", c.Subject, "who", c.Who, "result", done.New, "why", done.Why)
}

func (o *executor) do(c *envelope.Command) (old string, err error) {
	if o.a.clock.wall().UnixMilli() > c.Until {
		return "", fmt.Errorf("%w: at %s", errOrderLate, stampMs(c.Until))
	}
	do, ok := o.a.does[c.Do]
	if !ok {
		return "", fmt.Errorf("%w: %s", errOrderUnknown, c.Do)
	}
	return do(c.Subject, c.Value)
}
