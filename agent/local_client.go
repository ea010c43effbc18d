package main

import (
	"bufio"
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"syscall"
	"time"

	"envgate/config"
	"envgate/drivers/modbus"
)

var (
	errNoAgent = errors.New("no agent runs for this site")
	errHungUp  = errors.New("the running agent hung up: it was stopped, or is of another version")
)

// An agentConn is a connection to the agent that runs for a site.
type agentConn struct {
	c  net.Conn
	in *bufio.Scanner
}

// dialAgent connects to the agent that runs for a site; errNoAgent if there is none.
func dialAgent(site *config.Site) (*agentConn, error) {
	path := localPath(site)
	short, done, err := shortPath(path)
	if err == nil {
		defer done()
		var c net.Conn
		if c, err = net.DialTimeout("unix", short, 2*time.Second); err == nil {
			a := &agentConn{c: c, in: bufio.NewScanner(c)}
			a.in.Buffer(nil, localReply)
			return a, nil
		}
	}
	switch {
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ENOTDIR), errors.Is(err, syscall.ECONNREFUSED):
		return nil, fmt.Errorf("%w (%s)", errNoAgent, path)
	case errors.Is(err, fs.ErrPermission):
		return nil, hinted{
			fmt.Errorf("the running agent's socket: %w", err),
			"run the command as the user that runs envgate: sudo, or sudo -u envgate",
		}
	}
	return nil, fmt.Errorf("the running agent's socket: %w", err)
}

func (a *agentConn) Close() error { return a.c.Close() }

// ask sends a request and waits for its reply, until ctx ends. With an error too there
// is a reply, perhaps an empty one.
func (a *agentConn) ask(ctx context.Context, q *request) (*reply, error) {
	defer context.AfterFunc(ctx, func() { a.c.Close() })()
	q.Version = localVersion
	b, err := json.Marshal(q)
	if err != nil {
		return new(reply), err
	}
	a.c.SetWriteDeadline(time.Now().Add(localWrite))
	if _, err := a.c.Write(append(b, '\n')); err != nil && ctx.Err() == nil {
		// The agent may have said why it hung up.
		if r, e := a.next(ctx); e != nil {
			return r, e
		}
		return new(reply), errHungUp
	}
	return a.next(ctx)
}

// next is the next reply, or the error that it brings.
func (a *agentConn) next(ctx context.Context) (*reply, error) {
	r := new(reply)
	if !a.in.Scan() {
		if ctx.Err() != nil {
			return r, ctx.Err()
		}
		return r, errHungUp
	}
	if err := json.Unmarshal(a.in.Bytes(), r); err != nil {
		return r, fmt.Errorf("the running agent's reply: %w", err)
	}
	if r.Error != "" && r.Hint != "" {
		return r, hinted{remoteError{r.Error, faults[r.Kind]}, r.Hint}
	}
	if r.Error != "" {
		return r, remoteError{r.Error, faults[r.Kind]}
	}
	return r, nil
}

// site asks what the agent has.
func (a *agentConn) site() (*siteInfo, error) {
	ctx, cancel := context.WithTimeout(context.Background(), localWrite)
	defer cancel()
	r, err := a.ask(ctx, &request{Do: "site"})
	if err != nil {
		return nil, err
	}
	if r.Site == nil {
		return nil, errors.New("the running agent did not say what it has")
	}
	return r.Site, nil
}

// A remoteError is an error of the running agent, which keeps its meaning.
type remoteError struct {
	text string
	is   error // nil for one without a meaning of its own
}

func (e remoteError) Error() string { return e.text }
func (e remoteError) Unwrap() error { return e.is }

// A remoteBus is a line of the running agent.
type remoteBus struct {
	agent *agentConn
	line  string
	took  time.Duration // of the last question, on the line
}

func (b *remoteBus) Read(ctx context.Context, r modbus.Read) ([]byte, error) {
	a, err := b.agent.ask(ctx, &request{
		Do: "read", Line: b.line, Unit: r.Unit, Function: r.Function, Address: r.Address, Quantity: r.Quantity,
		Timeout: r.Timeout, Pause: r.Pause,
	})
	b.took = a.Took
	if a.Kind == "exception" {
		return nil, &modbus.Exception{Unit: r.Unit, Function: r.Function, Address: r.Address, Quantity: r.Quantity, Code: a.Code}
	}
	if err != nil {
		return nil, err
	}
	return hex.DecodeString(a.Data)
}
