package e2e

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"envgate/tests/sim"
)

// government is a platform that speaks HJ 212-2017, written from the standard's text
// and from nothing of ours: it reads frames, checks their sums, and answers 9014.
type government struct {
	net.Listener
	mu     sync.Mutex
	frames []string
	bad    []string
}

// sum is appendix A of HJ 212-2017: the register's low byte is thrown away at every
// step.
func sum(b []byte) uint16 {
	reg := uint16(0xFFFF)
	for _, c := range b {
		reg = reg>>8 ^ uint16(c)
		for range 8 {
			low := reg & 1
			if reg >>= 1; low != 0 {
				reg ^= 0xA001
			}
		}
	}
	return reg
}

func newGovernment(t *testing.T) *government {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	g := &government{Listener: l}
	var all sync.WaitGroup
	all.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			all.Go(func() {
				defer c.Close()
				g.serve(c)
			})
		}
	})
	t.Cleanup(func() {
		l.Close()
		all.Wait()
	})
	return g
}

var qn = regexp.MustCompile(`QN=([0-9]{17});`)

func (g *government) serve(c net.Conn) {
	in := bufio.NewReader(c)
	for {
		head := make([]byte, 6)
		if _, err := io.ReadFull(in, head); err != nil {
			return
		}
		n, err := strconv.Atoi(string(head[2:]))
		rest := make([]byte, n+6)
		if err == nil {
			_, err = io.ReadFull(in, rest)
		}
		data := string(rest[:max(0, n)])
		g.mu.Lock()
		if err != nil || string(head[:2]) != "##" || string(rest[n:]) != fmt.Sprintf("%04X\r\n", sum(rest[:n])) {
			g.bad = append(g.bad, string(head)+string(rest))
		}
		g.frames = append(g.frames, data)
		g.mu.Unlock()
		m := qn.FindStringSubmatch(data)
		if err != nil || m == nil {
			return
		}
		answer := "QN=" + m[1] + ";ST=91;CN=9014;PW=123456;MN=010000A8900016F000169DC0;Flag=4;CP=&&&&"
		fmt.Fprintf(c, "##%04d%s%04X\r\n", len(answer), answer, sum([]byte(answer)))
	}
}

func (g *government) has(parts ...string) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, f := range g.frames {
		all := true
		for _, p := range parts {
			all = all && strings.Contains(f, p)
		}
		if all {
			return true
		}
	}
	return false
}

// A platform of the government gets real-time and minute data, beside the centre.
func TestGovernmentPlatform(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.network("net", time.Second, map[*sim.Instrument]string{sim.TeledyneT400("ozone"): "teledyne-t400"})
	g := newGovernment(t)
	write(t, r.path("pw"), "123456\n")
	r.startBroker(everything)
	r.startCentre()
	r.more = fmt.Sprintf(`platforms:
  - name: city
    address: %s
    st: "22"
    password_file: %s
    mn: 010000A8900016F000169DC0
`, g.Addr(), r.path("pw"))
	r.startAgent()
	await(t, 60*time.Second, "real-time data come", func() bool {
		return g.has("CN=2011", "PW=123456", "MN=010000A8900016F000169DC0", "a05024-Rtd=", "a05024-Flag=N")
	})
	await(t, 90*time.Second, "minute data come", func() bool {
		return g.has("CN=2051", "a05024-Min=", "a05024-Avg=", "a05024-Max=", "Flag=5")
	})
	r.agent.stop(10 * time.Second)
	r.centre.stop(10 * time.Second)
	if len(g.bad) > 0 {
		t.Errorf("frames that break the standard: %q", g.bad)
	}
	if strings.Contains(r.agent.logged(), "123456") {
		t.Error("the password is in the agent's log")
	}
}
