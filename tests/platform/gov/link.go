package gov

import (
	"bufio"
	"math/rand/v2"
	"net"
	"slices"
	"sync"
	"time"
)

// A Fate is what becomes of a frame on a bad line.
type Fate int

// The fates. TCP loses no frame without losing the connection, so Lost cuts it. Swallowed
// is what a proxy or a platform behind one does: the frame is gone and the connection
// stays.
const (
	Through   Fate = iota
	Twice          // it arrives two times
	Lost           // it does not arrive, and the connection is cut
	CutAfter       // it arrives, and the connection is cut: whoever sent it does not know
	Swallowed      // it does not arrive
)

// Trouble is how bad a line is: how many of a hundred frames, and how slow.
type Trouble struct {
	Twice, Lost, CutAfter, Swallowed int           // percent
	Delay                            time.Duration // of each frame, each way
	Rate                             int           // bytes a second, 0 = no limit
	Seed                             uint64
}

// Judge gives fates by chance: the same ones for the same seed.
func (t Trouble) Judge() func(up bool, frame []byte) Fate {
	r := rand.New(rand.NewPCG(t.Seed, 212))
	var mu sync.Mutex
	return func(bool, []byte) Fate {
		mu.Lock()
		n := r.IntN(100)
		mu.Unlock()
		for _, f := range []struct {
			percent int
			fate    Fate
		}{{t.Twice, Twice}, {t.Lost, Lost}, {t.CutAfter, CutAfter}, {t.Swallowed, Swallowed}} {
			if n < f.percent {
				return f.fate
			}
			n -= f.percent
		}
		return Through
	}
}

// A Link is a bad line in front of a platform. It knows where frames end.
type Link struct {
	dial func() (net.Conn, error)

	mu       sync.Mutex
	judge    func(up bool, frame []byte) Fate
	delay    time.Duration
	rate     int
	refuse   bool
	hold     bool
	live     []net.Conn
	cuts     int
	twice    int
	listener net.Listener
	all      sync.WaitGroup
}

// NewLink makes a line to what dial connects to.
func NewLink(dial func() (net.Conn, error)) *Link { return &Link{dial: dial} }

// OpenLink makes a line from an address, such as 127.0.0.1:0, to another, and listens. It
// returns where.
func OpenLink(at, to string) (*Link, string, error) {
	listener, err := net.Listen("tcp", at)
	if err != nil {
		return nil, "", err
	}
	l := NewLink(func() (net.Conn, error) { return net.Dial("tcp", to) })
	l.listener = listener
	l.all.Go(func() {
		for {
			c, err := listener.Accept()
			if err != nil {
				return
			}
			l.Carry(c)
		}
	})
	return l, listener.Addr().String(), nil
}

// Set makes the line as bad as t says. The zero Trouble is a good line.
func (l *Link) Set(t Trouble) {
	l.SetJudge(t.Judge())
	l.mu.Lock()
	defer l.mu.Unlock()
	l.delay, l.rate = t.Delay, t.Rate
}

// SetJudge gives frames their fates; up is from the field to the platform. It is called
// by several goroutines.
func (l *Link) SetJudge(judge func(up bool, frame []byte) Fate) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.judge = judge
}

// Refuse ends all connections and takes no new ones; they are closed as soon as they are
// made.
func (l *Link) Refuse(on bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.refuse = on; on {
		l.cut()
	}
}

// Hold is a black hole: connections stay and are taken, and nothing goes through. What
// comes in while it is on is lost.
func (l *Link) Hold(on bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.hold = on
}

// Cut ends all connections.
func (l *Link) Cut() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.cut()
}

func (l *Link) cut() {
	for _, c := range l.live {
		c.Close()
	}
	l.live = nil
	l.cuts++
}

// Cuts is how often connections were cut, and Doubled how many frames came twice.
func (l *Link) Cuts() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.cuts
}

// Doubled is how many frames were sent two times.
func (l *Link) Doubled() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.twice
}

// Close ends the line and waits.
func (l *Link) Close() {
	l.mu.Lock()
	if l.refuse = true; l.listener != nil {
		l.listener.Close()
	}
	l.cut()
	l.mu.Unlock()
	l.all.Wait()
}

// Carry takes a connection of a field machine.
func (l *Link) Carry(field net.Conn) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.refuse {
		field.Close()
		return
	}
	l.all.Go(func() {
		platform, err := l.dial()
		if err != nil {
			field.Close()
			return
		}
		l.mu.Lock()
		if l.refuse {
			field.Close()
			platform.Close()
		}
		l.live = append(l.live, field, platform)
		l.mu.Unlock()
		l.all.Go(func() { l.pump(field, platform, true) })
		l.pump(platform, field, false)
	})
}

func (l *Link) pump(from, to net.Conn, up bool) {
	defer func() {
		from.Close()
		to.Close()
		l.mu.Lock()
		l.live = slices.DeleteFunc(l.live, func(c net.Conn) bool { return c == from || c == to })
		l.mu.Unlock()
	}()
	in := bufio.NewReader(from)
	for {
		frame, err := readFrame(from, in)
		if err != nil {
			return
		}
		l.mu.Lock()
		fate := Through
		if l.judge != nil {
			fate = l.judge(up, frame)
		}
		switch {
		case l.hold:
			fate = Swallowed
		case fate == Twice:
			l.twice++
		case fate == Lost || fate == CutAfter:
			l.cuts++
		}
		wait := l.delay
		if l.rate > 0 {
			wait += time.Duration(len(frame)) * time.Second / time.Duration(l.rate)
		}
		l.mu.Unlock()
		time.Sleep(wait)
		for range map[Fate]int{Through: 1, Twice: 2, CutAfter: 1}[fate] {
			if _, err := to.Write(frame); err != nil {
				return
			}
		}
		if fate == Lost || fate == CutAfter {
			return
		}
	}
}
