package e2e

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"envgate/tests/platform/gov"
)

// pusher is an instrument that speaks by itself, written from the standard's text: it
// makes its own frames, and hears the answers.
type pusher struct {
	t       *testing.T
	address string
	mn      string
	n       int // frames made
	c       net.Conn
	answers chan string
	sent    map[string]map[string]bool // point to the values that have to arrive
}

func (p *pusher) connect() {
	p.t.Helper()
	await(p.t, 20*time.Second, "the agent takes connections", func() bool {
		c, err := net.Dial("tcp", p.address)
		p.c = c
		return err == nil
	})
	answers := make(chan string, 100)
	p.answers = answers
	go func(c net.Conn) {
		defer close(answers)
		for lines := bufio.NewScanner(c); lines.Scan(); {
			answers <- lines.Text()
		}
	}(p.c)
	p.t.Cleanup(func() { p.c.Close() })
}

// frame is the next one: a value that no other frame has, under a point that the site
// file names and one that it does not.
func (p *pusher) frame() (text, qn string) {
	p.n++
	now := time.Now().UTC().Add(8 * time.Hour).Format("20060102150405")
	qn = fmt.Sprintf("%s%03d", now, p.n%1000)
	data := fmt.Sprintf("QN=%s;ST=31;CN=2011;PW=123456;MN=%s;Flag=5;CP=&&DataTime=%s;a21026-Rtd=%d.50,a21026-Flag=N;zz9-Rtd=%d&&", qn, p.mn, now, p.n, 1000+p.n)
	return string(gov.Frame([]byte(data))), qn
}

// sumModbus is CRC-16/MODBUS.
func sumModbus(b []byte) uint16 {
	reg := uint16(0xFFFF)
	for _, c := range b {
		reg ^= uint16(c)
		for range 8 {
			low := reg & 1
			if reg >>= 1; low != 0 {
				reg ^= 0xA001
			}
		}
	}
	return reg
}

// mine notes that the newest frame has to arrive.
func (p *pusher) mine() {
	if p.sent == nil {
		p.sent = map[string]map[string]bool{"so2": {}, "zz9": {}}
	}
	p.sent["so2"][fmt.Sprintf("%d.50", p.n)] = true
	p.sent["zz9"][fmt.Sprint(1000+p.n)] = true
}

func (p *pusher) write(s string) {
	p.t.Helper()
	p.c.SetWriteDeadline(time.Now().Add(10 * time.Second))
	if _, err := io.WriteString(p.c, s); err != nil {
		p.t.Fatalf("write to the agent: %v", err)
	}
}

// answered waits for the answer to a frame.
func (p *pusher) answered(qn string) {
	p.t.Helper()
	select {
	case a := <-p.answers:
		if !strings.Contains(a, "QN="+qn+";") || !strings.Contains(a, "CN=9014;") {
			p.t.Errorf("answer to %s is %q", qn, a)
		}
	case <-time.After(20 * time.Second):
		p.t.Errorf("no answer to %s", qn)
	}
}

// push sends a good frame and waits for the answer.
func (p *pusher) push() {
	p.t.Helper()
	f, qn := p.frame()
	p.mine()
	p.write(f)
	p.answered(qn)
}

// Instruments push frames to the agent's port, good and bad ones. Each good value is at
// the centre once, under its own point, and nothing else is.
func TestPushedFrames(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := l.Addr().String()
	l.Close()
	const mn, other = "010000A8900016F000169DC0", "88888880000001"
	r.lines = append(r.lines, fmt.Sprintf(`  - name: push
    protocol: hj212
    listen: %s
    devices:
      - name: stack
        mn: %s
        interval: 5s
        factors: [{code: a21026, point: so2, unit: mg/m3}]
      - name: second
        mn: %q
        interval: 5s
        factors: [{code: a21026, point: so2, unit: mg/m3}]
`, address, mn, other))
	r.startBroker(everything)
	r.startCentre()
	r.startAgent()

	stack := &pusher{t: t, address: address, mn: mn}
	second := &pusher{t: t, address: address, mn: other}
	stranger := &pusher{t: t, address: address, mn: "010000A8900016F000169DC1"}
	damaged := &pusher{t: t, address: address, mn: mn, n: 500} // its values are of no other frame
	for _, p := range []*pusher{stack, second, stranger, damaged} {
		p.connect()
	}
	for range 20 {
		stack.push()
		second.push()
		f, _ := stranger.frame()
		stranger.write(f)
		f, _ = damaged.frame()
		damaged.write(strings.Replace(f, ".50,", ".5O,", 1)) // a byte is wrong, the sum is not
		f, _ = damaged.frame()
		at := len(f) - len("0000\r\n")
		damaged.write(fmt.Sprintf("%s%04X\r\n", f[:at], sumModbus([]byte(f[6:at])))) // the sum of others
	}

	// A copy over another connection is answered, and is no second reading.
	f, qn := stack.frame()
	stack.mine()
	stack.write(f)
	stack.answered(qn)
	stack.c.Close()
	stack.connect()
	stack.write(f)
	stack.answered(qn)

	// Half a frame, and good ones behind it.
	stack.write("##9999QN=2026")
	var qns []string
	for range 3 {
		f, qn := stack.frame()
		stack.mine()
		stack.write(f)
		qns = append(qns, qn)
	}
	for _, qn := range qns {
		stack.answered(qn)
	}

	// A connection that breaks within a frame, which then comes whole.
	f, qn = stack.frame()
	stack.mine()
	stack.write(f[:len(f)/2])
	stack.c.Close()
	stack.connect()
	stack.write(f)
	stack.answered(qn)

	await(t, 90*time.Second, "the silence is said", func() bool { return len(r.events("device.offline")) == 2 })
	stack.push()
	second.push()
	for _, p := range []*pusher{stranger, damaged} {
		select {
		case a := <-p.answers:
			t.Errorf("%s was answered: %q", p.mn, a)
		default:
		}
	}
	r.settled()
	r.agent.stop(10 * time.Second)
	r.settled()
	r.centre.stop(10 * time.Second)

	got := map[string]int{}
	silent := 0
	for _, e := range r.export() {
		switch {
		case e.Stream != "live" || e.Point == "":
		case e.Value != nil && e.Flag == "N":
			got[e.Source+" "+e.Point+" "+*e.Value]++
		case e.Value == nil && e.Flag == "B" && e.Cause == "silent" && e.Point == "so2":
			silent++
		default:
			t.Errorf("reading %+v", e)
		}
	}
	for name, p := range map[string]*pusher{"stack": stack, "second": second} {
		for point, values := range p.sent {
			for v := range values {
				key := name + " " + point + " " + v
				if got[key] != 1 {
					t.Errorf("%s arrived %d times", key, got[key])
				}
				delete(got, key)
			}
		}
	}
	if len(got) > 0 {
		t.Errorf("readings that nobody sent: %v", got)
	}
	if silent < 2 {
		t.Errorf("%d missing readings, want some of each instrument", silent)
	}
	for kind, n := range map[string]int{"device.unknown": 1, "device.offline": 2, "device.online": 2, "line.crc": 1, "line.down": 0, "fault": 0} {
		if got := r.events(kind); len(got) != n {
			t.Errorf("%d events %s, want %d: %+v", len(got), kind, n, got)
		}
	}
}
