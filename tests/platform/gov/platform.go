package gov

import (
	"bufio"
	"crypto/cipher"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Options are what a platform knows of the field machines that connect. Zero values mean
// the default where one is named.
type Options struct {
	Edition int    // 2005, 2017 (the default) or 2025: of what it sends and expects
	ST      string // of requests that do not say, default 32
	PW, MN  string // that are let in and asked; "" = any, and requests have those of the newest connection
	// Key of SM4, 16 characters; "" = nothing is encrypted. Where there is one, what the
	// standard wants encrypted and comes in plain is noted as wrong.
	Key     string
	NextKey string // what a field machine gets that asks for a new key by 1014
	Assign  string // the MN that a field machine gets that registers by 1001
	Braces  bool   // cipher text is sent as {0x..,0x..} and not as raw bytes; both are read

	OverTime time.Duration // for the answer to a request, default 5 s
	ReCount  int           // attempts after the first, default 3
	ExecTime time.Duration // from an answer or data to the next data or the result, default 30 s

	Habits Habits
	Keep   int              // messages that are kept, default 10,000
	Now    func() time.Time // nil = time.Now
	Log    io.Writer        // a line for each message, in and out; nil = none
}

// Habits are those of platforms in the field. The zero value is by the standard.
type Habits struct {
	NoCRLF     bool          // answers end with the sum
	LowerCase  bool          // sums in a to f
	Late       time.Duration // before anything is said
	Mute       bool          // nothing is answered, and what comes is not taken
	WrongQN    int           // so many answers name a QN that nobody sent
	CloseAfter int           // messages on each connection, then it is closed; 0 = never
}

// A Platform listens for field machines. It is safe for use by many goroutines.
type Platform struct {
	o Options

	mu         sync.Mutex
	habits     Habits
	keys       []cipher.Block // the first sends
	pw, oldPW  string         // after a 1072 both are let in: what was on its way has the old one
	records    map[recordKey]*held
	messages   []Message
	complaints []string
	counts     Counts
	conns      []*conn // open, oldest first
	asks       map[string]*asking
	past       map[string]bool // QNs of requests that ended
	lastQN     int64
	changed    chan struct{} // closed when a connection comes
	closed     bool
	listeners  []net.Listener
	all        sync.WaitGroup
}

type conn struct {
	net.Conn
	n    int
	mn   string // "" until one came; guarded by the Platform
	pw   string
	out  chan []byte
	done chan struct{}
}

// New makes a platform that does not listen yet.
func New(o Options) (*Platform, error) {
	orElse(&o.Edition, 2017)
	orElse(&o.ST, "32")
	orElse(&o.OverTime, 5*time.Second)
	orElse(&o.ReCount, 3)
	orElse(&o.ExecTime, 30*time.Second)
	orElse(&o.Keep, 10_000)
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Edition != 2005 && o.Edition != 2017 && o.Edition != 2025 {
		return nil, fmt.Errorf("edition is %d: 2005, 2017 or 2025", o.Edition)
	}
	p := &Platform{
		o: o, habits: o.Habits, pw: o.PW, records: map[recordKey]*held{}, asks: map[string]*asking{}, past: map[string]bool{},
		changed: make(chan struct{}),
	}
	if o.Key != "" {
		k, err := newKey(o.Key)
		if err != nil {
			return nil, err
		}
		p.keys = []cipher.Block{k}
	}
	return p, nil
}

func orElse[T comparable](v *T, standard T) {
	var zero T
	if *v == zero {
		*v = standard
	}
}

// Listen takes connections at an address, such as 127.0.0.1:0, until Close. It returns
// where that is.
func (p *Platform) Listen(address string) (string, error) {
	l, err := net.Listen("tcp", address)
	if err != nil {
		return "", err
	}
	p.mu.Lock()
	p.listeners = append(p.listeners, l)
	p.mu.Unlock()
	p.all.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			p.Serve(c)
		}
	})
	return l.Addr().String(), nil
}

// Serve speaks over a connection until it ends. It returns at once.
func (p *Platform) Serve(nc net.Conn) {
	c := &conn{Conn: nc, out: make(chan []byte, 256), done: make(chan struct{})}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		nc.Close()
		return
	}
	p.counts.Conns++
	c.n = p.counts.Conns
	p.conns = append(p.conns, c)
	p.all.Go(func() { p.write(c) })
	p.all.Go(func() {
		p.read(c)
		close(c.done)
		c.Close()
		p.mu.Lock()
		p.conns = slices.DeleteFunc(p.conns, func(other *conn) bool { return other == c })
		p.mu.Unlock()
	})
	close(p.changed)
	p.changed = make(chan struct{})
}

// Close ends all connections and waits for them.
func (p *Platform) Close() {
	p.mu.Lock()
	p.closed = true
	for _, l := range p.listeners {
		l.Close()
	}
	for _, c := range p.conns {
		c.Close()
	}
	p.mu.Unlock()
	p.all.Wait()
}

// SetHabits changes them.
func (p *Platform) SetHabits(h Habits) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.habits = h
}

// Cut ends all connections.
func (p *Platform) Cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range p.conns {
		c.Close()
	}
}

func (p *Platform) write(c *conn) {
	for {
		select {
		case b := <-c.out:
			p.mu.Lock()
			late := p.habits.Late
			p.mu.Unlock()
			if late > 0 {
				select {
				case <-time.After(late):
				case <-c.done:
					return
				}
			}
			if _, err := c.Write(b); err != nil {
				return
			}
		case <-c.done:
			return
		}
	}
}

func (p *Platform) read(c *conn) {
	in := bufio.NewReader(c)
	for n := 1; ; n++ {
		raw, err := readFrame(c, in)
		p.mu.Lock()
		again := p.receive(c, raw, err) && (p.habits.CloseAfter == 0 || n < p.habits.CloseAfter)
		p.mu.Unlock()
		if !again {
			return
		}
	}
}

// receive takes what was read, and reports whether the connection goes on.
func (p *Platform) receive(c *conn, raw []byte, err error) bool {
	if err != nil {
		if errors.Is(err, errFrame) {
			p.counts.Frames++
			p.counts.Bad++
			p.wrong("connection %d: %v", c.n, err)
		}
		return false
	}
	p.counts.Frames++
	data, encrypted, err := open(raw, p.keys)
	if err != nil {
		p.counts.Bad++
		p.wrong("connection %d: %v in %q", c.n, err, raw)
		return true // by the standard: it is not answered
	}
	m, err := parse(string(data))
	if err != nil {
		p.counts.Bad++
		p.wrong("connection %d: %v", c.n, err)
		return true
	}
	m.At, m.Conn, m.Encrypted = p.o.Now(), c.n, encrypted
	p.log("<", &m)
	if !p.admits(&m) {
		p.counts.Denied++
		return true
	}
	if m.CN != "9011" { // which repeats what was asked, be it wrong
		c.mn, c.pw = m.MN, m.PW
	}
	if p.habits.Mute {
		return true
	}
	p.check(raw, data, &m)
	if p.messages = append(p.messages, m); len(p.messages) > p.o.Keep {
		p.messages = slices.Delete(p.messages, 0, 1)
	}
	p.take(c, &m)
	return true
}

// admits says whether MN and PW are those that are let in. An answer has those of what it
// answers.
func (p *Platform) admits(m *Message) bool {
	if p.asks[m.Exchange()] != nil || m.CN == "1001" && m.MN == "" && p.o.Edition == 2025 {
		return true
	}
	return (p.o.MN == "" || m.MN == p.o.MN || m.MN == p.o.Assign) && (p.pw == "" || m.PW == p.pw || m.PW == p.oldPW && p.oldPW != "")
}

// take does what a message asks for.
func (p *Platform) take(c *conn, m *Message) {
	switch m.CN {
	case "9011", "9012", "9013", "9014":
		p.counts.Answers++
		p.answered(c, m)
	case "1001", "1013", "1014", "2072", "9015":
		p.counts.Notices++
		if p.wantsAnswer(m) || p.o.Edition == 2005 {
			p.say(c, p.answer("9013", m))
		}
		p.noticed(c, m)
	default:
		a := p.askedFor(m)
		p.file(m, a != nil)
		if a != nil {
			a.data(*m)
		}
		if p.wantsAnswer(m) || a != nil && p.o.Edition == 2005 && m.QN != "" {
			p.say(c, p.answer("9014", m))
		}
	}
}

func flagOf(m *Message) int {
	n, _ := strconv.Atoi(m.Flag)
	return n
}

func (p *Platform) wantsAnswer(m *Message) bool { return flagOf(m)&1 != 0 && m.QN != "" }

func (p *Platform) version() int { return map[int]int{2005: 0, 2017: 1, 2025: 2}[p.o.Edition] }

// flag is a Flag of ours.
func (p *Platform) flag(answer bool) string {
	n := p.version() << 2
	if answer {
		n |= 1
	}
	return strconv.Itoa(n)
}

// answer makes a 9013 or 9014. In 2005 the exchange is named in the data area (HJ/T
// 212-2005, C.6 and C.10).
func (p *Platform) answer(cn string, m *Message) Message {
	qn := m.Exchange()
	if p.habits.WrongQN > 0 {
		p.habits.WrongQN--
		qn = "19990101000000000"
	}
	if p.o.Edition == 2005 {
		a := Message{ST: "91", CN: cn, Area: "QN=" + qn}
		if cn == "9014" {
			a.Area += ";CN=" + m.CN
			if m.PNO != "" {
				a.Area += ";PNO=" + m.PNO + ";PNUM=" + m.PNUM
			}
			return a
		}
		a.PW, a.MN, a.Flag = m.PW, m.MN, "0"
		return a
	}
	return Message{QN: qn, ST: "91", CN: cn, PW: m.PW, MN: m.MN, Flag: p.flag(false)}
}

// noticed goes on where a notification asks for more.
func (p *Platform) noticed(c *conn, m *Message) {
	switch {
	case m.CN == "1013":
		p.begin(c, Ask{CN: "1012", ST: m.ST, Area: join(withPolId(m.Get("PolId")), "SystemTime="+Stamp(p.o.Now()))})
	case m.CN == "1014" && p.o.NextKey != "":
		p.begin(c, Ask{CN: "1014", ST: m.ST, Area: "SKCreateTime=" + p.qn() + ",NewSK=" + p.o.NextKey})
	case m.CN == "1001" && p.o.Assign != "":
		p.begin(c, Ask{CN: "1002", ST: m.ST, MN: p.o.Assign, Area: "i23005-Info=" + m.Get("i23005-Info")})
	}
}

func withPolId(id string) string {
	if id == "" {
		return ""
	}
	return "PolId=" + id
}

// join puts items of a data area together, without those that are empty.
func join(items ...string) string {
	return strings.Join(slices.DeleteFunc(items, func(s string) bool { return s == "" }), ";")
}

// frame makes the bytes of a message.
func (p *Platform) frame(m *Message) []byte {
	data := m.data()
	b := Frame(data)
	if len(p.keys) > 0 && isSecret(m.CN, false) {
		b = seal(data, p.keys[0], p.o.Braces)
	}
	tail := len(b) - sumSize - 2
	if p.habits.LowerCase {
		copy(b[tail:], strings.ToLower(string(b[tail:])))
	}
	if p.habits.NoCRLF {
		b = b[:len(b)-2]
	}
	return b
}

// say sends a message over a connection. One that takes nothing loses it.
func (p *Platform) say(c *conn, m Message) {
	p.log(">", &m)
	select {
	case c.out <- p.frame(&m):
	default:
	}
}

// qn is a QN that was never used.
func (p *Platform) qn() string {
	ms := max(p.o.Now().UnixMilli(), p.lastQN+1)
	p.lastQN = ms
	t := time.UnixMilli(ms)
	return fmt.Sprintf("%s%03d", Stamp(t), ms%1000)
}

func (p *Platform) log(way string, m *Message) {
	if p.o.Log != nil {
		fmt.Fprintf(p.o.Log, "%s %s %v\n", p.o.Now().In(beijing).Format("15:04:05.000"), way, m)
	}
}

const manyComplaints = 100

func (p *Platform) wrong(format string, args ...any) {
	if len(p.complaints) < manyComplaints {
		p.complaints = append(p.complaints, fmt.Sprintf(format, args...))
	}
	if p.o.Log != nil {
		fmt.Fprintf(p.o.Log, "! "+format+"\n", args...)
	}
}
