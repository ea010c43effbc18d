package main

import (
	"bufio"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"strings"
	"sync"
	"time"
)

// A pusher is an instrument that speaks HJ 212 by itself, a frame a second, and hears
// the answers. It makes its own frames. No frame is sent twice.
type pusher struct {
	address string
	quit    chan struct{}
	wg      sync.WaitGroup

	mu       sync.Mutex
	mode     pushMode
	n        int               // frames made
	sent     map[int]bool      // all that may arrive
	answered map[int]time.Time // those that the agent took, and when they were sent
}

type pushMode int

const (
	pushWell pushMode = iota
	pushSilent
	pushBabbles // bytes that are no frame before each one
	pushTorn    // frames end in the middle, and the connection with them
)

const (
	pushName  = "stack"
	pushMN    = "010000A8900016F000169DC0"
	pushEvery = time.Second
)

func newPusher() (*pusher, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	defer l.Close()
	return &pusher{
		address: l.Addr().String(), quit: make(chan struct{}),
		sent: map[int]bool{}, answered: map[int]time.Time{},
	}, nil
}

// site is the pusher's line of the site file.
func (p *pusher) site() string {
	return fmt.Sprintf(`  - name: push
    protocol: hj212
    listen: %s
    devices:
      - name: %s
        mn: %s
        interval: 5s
        factors: [{code: a21026, point: so2, unit: mg/m3}]
`, p.address, pushName, pushMN)
}

func (p *pusher) set(how pushMode) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.mode = how
}

func (p *pusher) start() error {
	p.wg.Go(p.run)
	return nil
}

// stop ends it; more than once is once.
func (p *pusher) stop() {
	p.mu.Lock()
	select {
	case <-p.quit:
	default:
		close(p.quit)
	}
	p.mu.Unlock()
	p.wg.Wait()
}

// run connects and speaks until stop.
func (p *pusher) run() {
	tick := time.NewTicker(pushEvery)
	defer tick.Stop()
	var c net.Conn
	hangUp := func() {
		if c != nil {
			c.Close()
			c = nil
		}
	}
	defer hangUp()
	for {
		select {
		case <-p.quit:
			return
		case <-tick.C:
		}
		p.mu.Lock()
		mode := p.mode
		p.mu.Unlock()
		if mode == pushSilent {
			continue
		}
		if c == nil {
			var err error
			if c, err = net.DialTimeout("tcp", p.address, time.Second); err != nil {
				c = nil
				continue // the agent is away
			}
			heard := c
			p.wg.Go(func() { p.hear(heard) })
		}
		if !p.speak(c, mode) || mode == pushTorn {
			hangUp()
		}
	}
}

// speak sends the next frame, as the mode wants it.
func (p *pusher) speak(c net.Conn, mode pushMode) bool {
	p.mu.Lock()
	p.n++
	n := p.n
	text := frame(n, time.Now())
	switch mode {
	case pushTorn:
		text = text[:len(text)/2]
	default:
		p.sent[n] = true
	}
	if mode == pushBabbles {
		noise := make([]byte, 1+rand.IntN(60))
		for i := range noise {
			noise[i] = byte(32 + rand.IntN(90))
		}
		text = strings.ReplaceAll(string(noise), "#", "?") + text
	}
	p.mu.Unlock()
	c.SetWriteDeadline(time.Now().Add(2 * time.Second))
	_, err := io.WriteString(c, text)
	return err == nil
}

// hear notes which frames were answered.
func (p *pusher) hear(c net.Conn) {
	for lines := bufio.NewScanner(c); lines.Scan(); {
		_, qn, _ := strings.Cut(lines.Text(), "QN=")
		qn, _, _ = strings.Cut(qn, ";")
		at, n, ok := readQN(qn)
		if !ok || !strings.Contains(lines.Text(), "CN=9014;") {
			continue
		}
		p.mu.Lock()
		for n < p.n-500 { // a QN has the number modulo 1000
			n += 1000
		}
		p.answered[n] = at
		p.mu.Unlock()
	}
}

var site = time.FixedZone("", 8*60*60)

const qnForm = "20060102150405"

func readQN(qn string) (at time.Time, n int, ok bool) {
	if len(qn) != len(qnForm)+3 {
		return at, 0, false
	}
	at, err := time.ParseInLocation(qnForm, qn[:len(qnForm)], site)
	if err != nil {
		return at, 0, false
	}
	_, err = fmt.Sscanf(qn[len(qnForm):], "%d", &n)
	return at, n, err == nil
}

// frame is one with a value that no other frame has.
func frame(n int, now time.Time) string {
	at := now.In(site).Format(qnForm)
	data := fmt.Sprintf("QN=%s%03d;ST=31;CN=2011;PW=123456;MN=%s;Flag=5;CP=&&DataTime=%s;a21026-Rtd=%d.50,a21026-Flag=N&&", at, n%1000, pushMN, at, n)
	return fmt.Sprintf("##%04d%s%04X\r\n", len(data), data, sum(data))
}

// sum is the check sum of HJ 212-2017, appendix A.
func sum(data string) uint16 {
	reg := uint16(0xFFFF)
	for i := range len(data) {
		reg = reg>>8 ^ uint16(data[i])
		for range 8 {
			low := reg & 1
			if reg >>= 1; low != 0 {
				reg ^= 0xA001
			}
		}
	}
	return reg
}
