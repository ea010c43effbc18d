package platform

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"envgate/hj212"
)

// A peer is the platform's side by the library that the field side comes from, and
// which must agree with it: bytes of one connection at a time around a PlatformSide.
type peer struct {
	t    *testing.T
	side *hj212.PlatformSide // owned by the goroutine of the connection
	lose func(n int) bool    // whether the n-th frame that comes is lost

	mu     sync.Mutex
	n      int
	events []string
	ask    []hj212.Message
	all    sync.WaitGroup
}

func (p *peer) dial(context.Context) (net.Conn, error) {
	near, far := net.Pipe()
	out := make(chan []byte, 100)
	p.all.Go(func() { // a pipe holds no bytes
		for b := range out {
			far.Write(b)
		}
	})
	p.all.Go(func() {
		defer close(out)
		p.serve(far, out)
	})
	return near, nil
}

func (p *peer) serve(c net.Conn, out chan<- []byte) {
	defer c.Close()
	codec := hj212.Codec{Sends: hj212.Down}
	p.side.Reset(time.Now())
	r := hj212.NewReader(c)
	for {
		p.mu.Lock()
		for _, m := range p.ask {
			if _, err := p.side.Request(m, time.Now()); err != nil {
				p.t.Errorf("Request: %v", err)
			}
		}
		p.ask = nil
		p.mu.Unlock()
		for {
			e, ok := p.side.Event()
			if !ok {
				break
			}
			at, _ := e.Message.CP.Get("DataTime")
			p.mu.Lock()
			p.events = append(p.events, fmt.Sprintf("%v %s %s %d %t", e.Type, e.Message.CN, at, e.Rtn, e.Again))
			p.mu.Unlock()
		}
		for {
			m, ok := p.side.Next(time.Now())
			if !ok {
				break
			}
			out <- codec.AppendMessage(nil, &m)
		}
		data, err := r.Next()
		if err != nil {
			if _, bad := errors.AsType[*hj212.FrameError](err); bad {
				p.t.Errorf("frame: %v", err)
			}
			return
		}
		m, wrong := hj212.ParseMessage(data)
		for _, v := range append(wrong, m.Check(m.Edition(), hj212.Up)...) {
			p.t.Errorf("%q: %v", data, v)
		}
		p.mu.Lock()
		p.n++
		lost := p.lose != nil && p.lose(p.n)
		p.mu.Unlock()
		if !lost {
			p.side.Receive(m, time.Now())
		}
	}
}

func (p *peer) heard() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.events)
}

// TestPeer has both sides of the library talk over a link that loses every third frame:
// each record comes once as new, a request is refused, and all frames are as their
// edition has them.
func TestPeer(t *testing.T) {
	for _, edition := range []int{2005, 2017, 2025} {
		t.Run(fmt.Sprint(edition), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				mn, st := testMN, "39"
				if edition == 2005 {
					mn, st = "88888880000001", "31"
				}
				side, err := hj212.NewPlatformSide(hj212.PlatformOptions{Edition: hj212.Edition(edition), PW: testPW, MN: mn})
				if err != nil {
					t.Fatal(err)
				}
				far := &peer{t: t, side: side, lose: func(n int) bool { return n%3 == 0 }}
				far.ask = []hj212.Message{{ST: st, CN: "1062", CP: hj212.Area{{{Name: "RtdInterval", Value: "30"}}}}}
				r := newRig(t, func(o *Options) { o.Edition, o.Dial, o.MN, o.ST = edition, far.dial, mn, st })
				const n = 12
				var wanted []string
				for i := range n {
					start := t0.Add(time.Duration(i) * 10 * time.Minute)
					r.log.add("stat", minute(start))
					wanted = append(wanted, fmt.Sprintf("upload 2051 %s 0 false", hj212.Stamp(start)))
				}
				r.start()
				wait(20 * time.Minute)
				got := far.heard()
				refused := slices.DeleteFunc(slices.Clone(got), func(s string) bool { return s[0] == 'u' })
				wantAll(t, "uploads", slices.DeleteFunc(got, func(s string) bool { return s[0] != 'u' }), wanted)
				wantAll(t, "others", refused, []string{"refused 9011  2 false"})
				want(t, "cursor", r.log.acked(), n)
				r.end()
				far.all.Wait()
			})
		})
	}
}
