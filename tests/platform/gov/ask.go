package gov

import (
	"cmp"
	"context"
	"crypto/cipher"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// An Ask is a request or a stop. ST, PW and MN are those of the options, or of the
// newest connection, where they are "".
type Ask struct {
	CN, ST, PW, MN string
	Area           string // what stands in the data area, such as "RtdInterval=30"
	Flag           string // "" = of the edition, with a call for an answer
	QN             string // "" = a new one
	Via            string // MN of the connection, where that is not MN
}

// A Result is what came of an Ask.
type Result struct {
	QN     string
	QnRtn  int       // of the 9011, 0 = none came
	ExeRtn int       // of the 9012, 0 = none came
	Noted  bool      // a 9013 came
	Data   []Message // in the order in which they came, without those that came again
	Sent   int       // attempts
}

func (r Result) String() string {
	return fmt.Sprintf("QnRtn=%d ExeRtn=%d noted=%t data=%d sent=%d", r.QnRtn, r.ExeRtn, r.Noted, len(r.Data), r.Sent)
}

// Errors of Ask.
var (
	ErrNoAnswer = errors.New("no answer to all attempts")
	ErrNoResult = errors.New("no result in time")
)

// asking is an Ask on its way; guarded by the Platform.
type asking struct {
	Ask
	Result
	stop  bool          // 2012, 2022: a notification
	moved chan struct{} // gets something when something came
	ended bool
}

func (a *asking) move() {
	select {
	case a.moved <- struct{}{}:
	default:
	}
}

func (a *asking) data(m Message) {
	if !slices.ContainsFunc(a.Data, func(d Message) bool { return d.Area == m.Area && d.PNO == m.PNO }) {
		a.Data = append(a.Data, m)
	}
	a.move()
}

// Ask sends a request and waits until it has ended: refused, executed, noted, or given
// up. It is repeated, the same bytes, as the standard has it, over the connection that is
// the newest then.
func (p *Platform) Ask(ctx context.Context, ask Ask) (Result, error) {
	p.mu.Lock()
	a := p.newAsking(ask)
	p.mu.Unlock()
	err := p.follow(ctx, a)
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.asks, a.Result.QN)
	p.past[a.Result.QN] = true
	if err == nil && a.ExeRtn == 1 {
		p.done(a)
	}
	return a.Result, err
}

// begin asks without waiting for the end, and over one connection.
func (p *Platform) begin(c *conn, ask Ask) {
	if ask.MN == "" {
		ask.MN = c.mn
	}
	if ask.PW == "" {
		ask.PW = c.pw
	}
	a := p.newAsking(ask)
	p.all.Go(func() {
		ctx, cancel := context.WithCancel(context.Background())
		defer cancel()
		p.all.Go(func() {
			select {
			case <-c.done:
				cancel()
			case <-ctx.Done():
			}
		})
		err := p.follow(ctx, a)
		p.mu.Lock()
		defer p.mu.Unlock()
		delete(p.asks, a.Result.QN)
		p.past[a.Result.QN] = true
		if err == nil && a.ExeRtn == 1 {
			p.done(a)
		}
	})
}

func (p *Platform) newAsking(ask Ask) *asking {
	orElse(&ask.ST, p.o.ST)
	orElse(&ask.MN, p.o.MN)
	orElse(&ask.PW, p.pw)
	orElse(&ask.Flag, p.flag(true))
	if ask.QN == "" {
		ask.QN = p.qn()
	}
	a := &asking{Ask: ask, stop: ask.CN == "2012" || ask.CN == "2022", moved: make(chan struct{}, 1)}
	a.Result.QN = ask.QN
	p.asks[ask.QN] = a
	return a
}

// done takes what the field machine has executed into use here.
func (p *Platform) done(a *asking) {
	m := Message{Area: a.Area}
	switch a.CN {
	case "1072":
		for _, name := range []string{"NewPW", "PW"} { // 2005 has PW
			if pw := m.Get(name); pw != "" {
				p.pw, p.oldPW = pw, p.pw
			}
		}
	case "1014":
		if k, err := newKey(m.Get("NewSK")); err == nil {
			p.keys = append([]cipher.Block{k}, p.keys...)
		}
	}
}

// follow sends a, again and again, until it has ended.
func (p *Platform) follow(ctx context.Context, a *asking) error {
	for range p.o.ReCount + 1 {
		if err := p.send(ctx, a); err != nil {
			return err
		}
		p.wait(ctx, a, p.o.OverTime, func() bool { return a.QnRtn != 0 || a.ended || len(a.Data) > 0 })
		p.mu.Lock()
		answered := a.QnRtn != 0 || a.ended || len(a.Data) > 0
		p.mu.Unlock()
		if err := ctx.Err(); err != nil {
			return err
		}
		if answered {
			return p.result(ctx, a)
		}
	}
	return fmt.Errorf("%s: %w", a.CN, ErrNoAnswer)
}

func (p *Platform) result(ctx context.Context, a *asking) error {
	for {
		p.mu.Lock()
		n := len(a.Data)
		p.mu.Unlock()
		p.wait(ctx, a, p.o.ExecTime, func() bool { return a.ended || len(a.Data) > n })
		p.mu.Lock()
		ended, some := a.ended, len(a.Data) > n
		p.mu.Unlock()
		switch {
		case ended:
			return nil
		case ctx.Err() != nil:
			return ctx.Err()
		case !some:
			return fmt.Errorf("%s: %w", a.CN, ErrNoResult)
		}
	}
}

// wait waits until is, for a while at most.
func (p *Platform) wait(ctx context.Context, a *asking, most time.Duration, is func() bool) {
	timer := time.NewTimer(most)
	defer timer.Stop()
	for {
		p.mu.Lock()
		now := is()
		p.mu.Unlock()
		if now {
			return
		}
		select {
		case <-a.moved:
		case <-timer.C:
			return
		case <-ctx.Done():
			return
		}
	}
}

// send writes a once, over the newest connection of its MN; it waits for one.
func (p *Platform) send(ctx context.Context, a *asking) error {
	for {
		p.mu.Lock()
		changed := p.changed
		for _, c := range slices.Backward(p.conns) {
			if via := cmp.Or(a.Via, a.MN); via != "" && c.mn != "" && c.mn != via && a.CN != "1002" {
				continue
			}
			orElse(&a.MN, c.mn)
			orElse(&a.PW, c.pw)
			a.Sent++
			p.say(c, Message{QN: a.Result.QN, ST: a.ST, CN: a.CN, PW: a.PW, MN: a.MN, Flag: a.Flag, Area: a.Area})
			p.mu.Unlock()
			return nil
		}
		p.mu.Unlock()
		select {
		case <-changed:
		case <-ctx.Done():
			return fmt.Errorf("%s: no connection: %w", a.CN, ctx.Err())
		}
	}
}

// answered takes a 9011, 9012, 9013 or 9014.
func (p *Platform) answered(c *conn, m *Message) {
	qn := m.Exchange()
	a := p.asks[qn]
	if a == nil {
		if !p.past[qn] {
			p.wrong("%s %s: an answer to nothing", m.CN, qn)
		}
	}
	switch m.CN {
	case "9011":
		if a == nil {
			return
		}
		a.QnRtn = rtn(m, "QnRtn")
		if a.QnRtn != 1 {
			a.ended = true
		}
	case "9012":
		if p.o.Edition == 2005 && (a == nil || strings.Contains(a.Area, "BeginTime=")) { // HJ/T 212-2005, C.6
			p.say(c, p.answer("9014", m))
		}
		if a == nil {
			return
		}
		a.ExeRtn, a.ended = rtn(m, "ExeRtn"), true
	case "9013":
		if a == nil {
			return
		}
		if !a.stop {
			p.wrong("9013 to %s, which is a request", a.CN)
		}
		a.Noted, a.ended = true, true
	}
	if a != nil {
		a.move()
	}
}

func rtn(m *Message, name string) int {
	n, err := strconv.Atoi(m.Get(name))
	if err != nil {
		return -1
	}
	return n
}

// askedFor is the request that data belong to: it has their QN, or their DataTime is in
// its span. An upload that comes by itself meanwhile looks the same.
func (p *Platform) askedFor(m *Message) *asking {
	at := m.Get("DataTime")
	for _, a := range p.asks {
		if a.CN != m.CN || a.MN != m.MN {
			continue
		}
		if m.Exchange() == a.Result.QN {
			return a
		}
		span := Message{Area: a.Area}
		if from, to := span.Get("BeginTime"), span.Get("EndTime"); at != "" && from != "" && from <= at && at[:min(len(at), len(to))] <= to {
			return a
		}
	}
	return nil
}
