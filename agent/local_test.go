package main

import (
	"bufio"
	"context"
	"errors"
	"io"
	"io/fs"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"envgate/config"
	"envgate/drivers"
	"envgate/drivers/modbus"
)

// localSite is an agent's socket with one line, lan, behind it.
func localSite(t *testing.T, bus drivers.Bus) (*config.Site, *siteLine) {
	t.Helper()
	site := &config.Site{Lines: []config.Line{{Name: "lan", URL: "tcp://10.0.0.5:502"}, {Name: "stack", Protocol: "hj212"}}}
	site.Gateway.ID = "gw-test"
	site.Storage.Path = filepath.Join(t.TempDir(), "log.db")
	l := &siteLine{config: site.Lines[0], bus: bus, gate: newGate(bus, 0)}
	a := newAgent(site, false, slog.New(slog.DiscardHandler))
	ctx, cancel := context.WithCancel(t.Context())
	var all sync.WaitGroup
	if err := a.startLocal(ctx, []*siteLine{l}, &all); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cancel()
		all.Wait()
		if _, err := os.Stat(localPath(site)); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("the socket is left behind: %v", err)
		}
	})
	return site, l
}

func dialled(t *testing.T, site *config.Site) *agentConn {
	t.Helper()
	a, err := dialAgent(site)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { a.Close() })
	return a
}

// failBus fails as unit says.
type failBus struct{}

func (failBus) Read(_ context.Context, r modbus.Read) ([]byte, error) {
	switch r.Unit {
	case 1:
		return []byte{byte(r.Address >> 8), byte(r.Address), 0xAB, 0xCD}, nil
	case 2:
		return nil, &modbus.Exception{Unit: 2, Function: r.Function, Address: r.Address, Quantity: r.Quantity, Code: 2}
	case 3:
		return nil, modbus.ErrPortMissing
	}
	return nil, modbus.ErrNoAnswer
}

// What comes through the socket is what the line says, errors with their meaning.
func TestLocalReadIsTheLinesOwn(t *testing.T) {
	site, _ := localSite(t, failBus{})
	bus := &remoteBus{agent: dialled(t, site), line: "lan"}
	for _, unit := range []byte{1, 2, 3, 4} {
		r := modbus.Read{Unit: unit, Function: 3, Address: 258, Quantity: 2}
		want, wantErr := failBus{}.Read(t.Context(), r)
		got, err := bus.Read(t.Context(), r)
		if string(got) != string(want) || (err == nil) != (wantErr == nil) {
			t.Errorf("unit %d: %X, %v, want %X, %v", unit, got, err, want, wantErr)
		}
		if err == nil {
			continue
		}
		if err.Error() != wantErr.Error() || hintFor(err) != hintFor(wantErr) || lineFault(err) != lineFault(wantErr) {
			t.Errorf("unit %d: error %q with hint %q, want %q with %q", unit, err, hintFor(err), wantErr, hintFor(wantErr))
		}
		if e, ok := errors.AsType[*modbus.Exception](err); ok != (unit == 2) || ok && e.Code != 2 {
			t.Errorf("unit %d: exception %v", unit, e)
		}
	}
	if _, err := (&remoteBus{agent: dialled(t, site), line: "stack"}).Read(t.Context(), modbus.Read{Unit: 1}); !errors.Is(err, errSpeaks) {
		t.Errorf("a line of HJ 212: error %v, want errSpeaks", err)
	}
	if _, err := (&remoteBus{agent: dialled(t, site), line: "what"}).Read(t.Context(), modbus.Read{Unit: 1}); !errors.Is(err, errNoLine) {
		t.Errorf("no such line: error %v, want errNoLine", err)
	}
}

func TestLocalSocketIsOurs(t *testing.T) {
	site, _ := localSite(t, failBus{})
	info, err := os.Stat(localPath(site))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v, want 0600", info.Mode().Perm(), err)
	}
	if _, err := listenLocal(localPath(site)); !errors.Is(err, errRuns) {
		t.Errorf("a second agent: error %v, want errRuns", err)
	}
	var all sync.WaitGroup
	err = newAgent(site, false, slog.New(slog.DiscardHandler)).startLocal(t.Context(), nil, &all)
	if !errors.Is(err, errRuns) || !strings.Contains(err.Error(), "process ") || !strings.Contains(hintFor(err), "kill") {
		t.Errorf("a second run: %v, hint %q", err, hintFor(err))
	}
	if _, err := dialled(t, site).site(); err != nil {
		t.Errorf("the first after that: %v", err)
	}
}

// What a killed agent left is replaced; what is no socket is not touched. A name that is
// too long for a socket works as well.
func TestLocalSocketOfAKilledAgent(t *testing.T) {
	dir := filepath.Join(t.TempDir(), strings.Repeat("long-", 30))
	path := filepath.Join(dir, "log.db.sock")
	for range 2 {
		l, err := listenLocal(path)
		if err != nil {
			t.Fatal(err)
		}
		l.Close() // as kill -9 does: the file stays
		if _, err := os.Lstat(path); err != nil {
			t.Fatal(err)
		}
	}
	site := &config.Site{}
	site.Storage.Path = filepath.Join(dir, "log.db")
	if _, err := dialAgent(site); !errors.Is(err, errNoAgent) {
		t.Errorf("dial what a killed agent left: %v, want errNoAgent", err)
	}
	os.Remove(path)
	if err := os.WriteFile(path, []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := listenLocal(path); err == nil || errors.Is(err, errRuns) {
		t.Errorf("a file in the way: %v", err)
	}
	if b, _ := os.ReadFile(path); string(b) != "mine" {
		t.Errorf("the file in the way is %q now", b)
	}
}

func TestLocalSocketIsBounded(t *testing.T) {
	site, _ := localSite(t, failBus{})
	reply := func(request string) string {
		c, err := net.Dial("unix", localPath(site))
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		c.SetDeadline(time.Now().Add(5 * time.Second))
		io.WriteString(c, request)
		line, _ := bufio.NewReader(c).ReadString('\n')
		return line
	}
	for request, want := range map[string]string{
		`{"v":1,"do":"site"}` + "\n":  `"gateway":"gw-test"`,
		`{"v":9,"do":"site"}` + "\n":  "version 9",
		`{"v":1,"do":"write"}` + "\n": "unknown request",
		"rubbish\n":                   "not a request",
		`{"v":1,"do":"read","line":"lan","unit":1,"function":3,"quantity":1,"timeout":9000000000000}` + "\n": "time-out",
	} {
		if got := reply(request); !strings.Contains(got, want) {
			t.Errorf("%q: reply %q, want %q in it", request, got, want)
		}
	}
	if got := reply(strings.Repeat("x", 2*localRequest)); got != "" {
		t.Errorf("a request without end: reply %q, want the end of the connection", got)
	}
	var seats []*agentConn
	for range localSeats {
		seats = append(seats, seated(t, site))
	}
	if _, err := dialled(t, site).site(); !errors.Is(err, errCrowded) {
		t.Errorf("connection %d: error %v, want errCrowded", localSeats+1, err)
	}
	seats[0].Close()
	seated(t, site)
}

// seated is a connection that is served, once there is a seat: who leaves one gives it
// free a moment later.
func seated(t *testing.T, site *config.Site) *agentConn {
	t.Helper()
	for deadline := time.Now().Add(5 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		a := dialled(t, site)
		_, err := a.site()
		if err == nil {
			return a
		}
		if a.Close(); !errors.Is(err, errCrowded) || time.Now().After(deadline) {
			t.Fatalf("no seat is free again: %v", err)
		}
	}
}

// A command that goes away takes its question along.
func TestLocalQuestionEndsWithItsCommand(t *testing.T) {
	bus := &hangingBus{asked: make(chan struct{}), ended: make(chan struct{})}
	site, _ := localSite(t, bus)
	a := dialled(t, site)
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		<-bus.asked
		cancel()
	}()
	if _, err := (&remoteBus{agent: a, line: "lan"}).Read(ctx, modbus.Read{Unit: 1, Quantity: 1}); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want Canceled", err)
	}
	select {
	case <-bus.ended:
	case <-time.After(5 * time.Second):
		t.Error("the question goes on")
	}
}

// hangingBus answers nothing until nobody waits any more.
type hangingBus struct{ asked, ended chan struct{} }

func (b *hangingBus) Read(ctx context.Context, r modbus.Read) ([]byte, error) {
	close(b.asked)
	<-ctx.Done()
	close(b.ended)
	return nil, ctx.Err()
}
