package main

import (
	"bufio"
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"envgate/buffer"
	"envgate/config"
	"envgate/drivers/modbus"
)

// The local socket is how a technician's commands reach a line while the agent runs: the
// agent owns the ports, and asks on their behalf. It lies beside the log, for the agent's
// user alone.
//
// Both sides send JSON, an object a line. Each request has one reply; a tap has replies
// until the connection is closed. Nothing can be written to an instrument through it.
//
//	{"v":1,"do":"site"}
//	{"v":1,"do":"status"}
//	{"v":1,"do":"read","line":"dust","unit":1,"function":3,"address":0,"quantity":2,"timeout":500000000}
//	{"v":1,"do":"tap","line":"dust"}
//	{"v":1,"do":"log"}
//	{"v":1,"do":"platform-reset","line":"city"}
//	{"v":1,"do":"blocks","stream":"live","epoch":"5f1c…","after":120,"quantity":64}
//	{"v":1,"do":"maintain","device":"dust-1","flag":"M","for":7200000000000,"why":"filter changed"}
//	{"v":1,"do":"maintain-end","device":"dust-1"}
type localServer struct {
	site   *config.Site
	lines  map[string]*siteLine
	began  time.Time
	logger *slog.Logger
	seats  chan struct{}
	status func() *siteStatus
	reset  func(ctx context.Context, platform string) (was string, err error)
	log    func() *buffer.Log // nil until it is open
	modes  *modes
}

const (
	localVersion = 1
	localSeats   = 8                // connections at once
	localRequest = 4 << 10          // bytes of a request
	localReply   = 256 << 10        // bytes of a reply
	localIdle    = 10 * time.Minute // a connection may say nothing
	localWrite   = 5 * time.Second  // a reply may take
	localRetry   = 30 * time.Second // between two tries to open the socket
	localOpen    = 2 * time.Second  // the start waits for the disk at most
	localLongest = time.Minute      // time-out of a question
	tapRoom      = 512              // frames that wait for a slow reader
)

// request and reply are what goes over the socket.
type request struct {
	Version  int           `json:"v"`
	Do       string        `json:"do"`
	Line     string        `json:"line,omitempty"`
	Unit     byte          `json:"unit,omitempty"`
	Function byte          `json:"function,omitempty"`
	Address  uint16        `json:"address,omitempty"`
	Quantity uint16        `json:"quantity,omitempty"`
	Timeout  time.Duration `json:"timeout,omitempty"` // ns
	Pause    time.Duration `json:"pause,omitempty"`   // ns

	// Of the log, see local_log.go.
	Stream string `json:"stream,omitempty"`
	Epoch  string `json:"epoch,omitempty"`
	After  uint64 `json:"after,omitempty"`
	From   int64  `json:"from,omitempty"` // UTC ms
	To     int64  `json:"to,omitempty"`

	// Of maintenance, see local_maintain.go.
	Device string        `json:"device,omitempty"`
	Flag   string        `json:"flag,omitempty"`
	For    time.Duration `json:"for,omitempty"` // ns
	Why    string        `json:"why,omitempty"`
	Sudo   string        `json:"sudo,omitempty"` // who the caller says that it was before sudo
}

type reply struct {
	Version int           `json:"v"`
	Kind    string        `json:"kind,omitempty"` // of Error, see faults
	Error   string        `json:"error,omitempty"`
	Code    byte          `json:"code,omitempty"` // of an exception
	Data    string        `json:"data,omitempty"` // hexadecimal
	Took    time.Duration `json:"took,omitempty"` // on the line, ns
	Site    *siteInfo     `json:"site,omitempty"`
	Frame   *frameInfo    `json:"frame,omitempty"`
	Status  *siteStatus   `json:"status,omitempty"`
	Log     *buffer.Info  `json:"log,omitempty"`
	Runs    [][2]uint64   `json:"runs,omitempty"`
	First   uint64        `json:"first,omitempty"`
	Blocks  [][]byte      `json:"blocks,omitempty"`
	Hint    string        `json:"hint,omitempty"` // to Error
	Modes   []modeStatus  `json:"modes,omitempty"`
}

type siteInfo struct {
	Gateway string     `json:"gateway"`
	Version string     `json:"version"`
	Process int        `json:"process"`
	Since   time.Time  `json:"since"`
	Lines   []lineInfo `json:"lines"`
}

type lineInfo struct {
	Name    string        `json:"name"`
	Place   string        `json:"place"` // port or URL
	Timeout time.Duration `json:"timeout"`
	Late    time.Duration `json:"late"`
}

// line is the line of that name, nil if there is none.
func (s *siteInfo) line(name string) *lineInfo {
	for i := range s.Lines {
		if s.Lines[i].Name == name {
			return &s.Lines[i]
		}
	}
	return nil
}

type frameInfo struct {
	Time  time.Time `json:"time"`
	Kind  string    `json:"kind"`
	Bytes string    `json:"bytes"` // hexadecimal
	CRC   bool      `json:"crc,omitempty"`
	Lost  uint64    `json:"lost,omitempty"`
}

// faults are the errors that keep their meaning over the socket.
var faults = map[string]error{
	"no-answer": modbus.ErrNoAnswer, "crc": modbus.ErrCRC, "answer": modbus.ErrAnswer, "question": modbus.ErrQuestion,
	"raw": modbus.ErrRaw, "closed": modbus.ErrClosed, "port-missing": modbus.ErrPortMissing,
	"port-taken": modbus.ErrPortTaken, "port-stuck": modbus.ErrPortStuck, "unreachable": modbus.ErrUnreachable,
	"permission": fs.ErrPermission, "crowded": errCrowded, "no-line": errNoLine, "speaks": errSpeaks,
}

var (
	errRuns   = errors.New("an agent runs for this site already")
	errNoLine = errors.New("no such line")
)

// localPath is where the socket of a site is.
func localPath(site *config.Site) string { return site.Storage.Path + ".sock" }

// shortPath is a path of at most the 107 bytes that a socket's name may have, for path.
// close is to be called when it has been used.
func shortPath(path string) (short string, close func(), err error) {
	if len(path) < 108 {
		return path, func() {}, nil
	}
	dir, err := os.Open(filepath.Dir(path))
	if err != nil {
		return "", nil, err
	}
	return fmt.Sprintf("/proc/self/fd/%d/%s", dir.Fd(), filepath.Base(path)), func() { dir.Close() }, nil
}

// listenLocal opens the socket. What a killed agent has left is replaced; the error is
// errRuns where one lives.
func listenLocal(path string) (*net.UnixListener, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, err
	}
	// Two that start at once must not both find the other's remains.
	dir, err := os.Open(filepath.Dir(path))
	if err != nil {
		return nil, err
	}
	defer dir.Close()
	if err := syscall.Flock(int(dir.Fd()), syscall.LOCK_EX); err != nil {
		return nil, &fs.PathError{Op: "lock", Path: dir.Name(), Err: err}
	}
	short, done, err := shortPath(path)
	if err != nil {
		return nil, err
	}
	defer done()
	c, err := net.DialTimeout("unix", short, time.Second)
	if err == nil {
		c.Close()
		return nil, errRuns
	}
	if info, err := os.Lstat(path); err == nil {
		if info.Mode().Type() != fs.ModeSocket {
			return nil, fmt.Errorf("%s is in the way: it is no socket", path)
		}
		if err := os.Remove(path); err != nil {
			return nil, err
		}
	}
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: short, Net: "unix"})
	if err != nil {
		return nil, err
	}
	l.SetUnlinkOnClose(false) // the name may be short no more
	if err := os.Chmod(path, 0o600); err != nil {
		l.Close()
		return nil, err
	}
	return l, nil
}

// startLocal opens the socket and serves it until ctx ends. A socket that cannot be
// opened is said once and tried again: the polls need none. The error is errRuns where
// another agent has the site.
func (a *agent) startLocal(ctx context.Context, lines []*siteLine, all *sync.WaitGroup) error {
	s := &localServer{
		site: a.site, lines: map[string]*siteLine{}, began: time.Now(), logger: a.logger, seats: make(chan struct{}, localSeats), log: a.board.openLog,
		modes: a.modes,
	}
	for _, l := range lines {
		s.lines[l.config.Name] = l
	}
	s.status = func() *siteStatus { return a.status(s) }
	s.reset = a.resetPlatform
	path := localPath(a.site)
	first := make(chan error, 1)
	all.Go(func() {
		defer a.caught("local socket")
		for try := 0; ; try++ {
			l, err := listenLocal(path)
			if try == 0 {
				first <- err
			}
			if err == nil {
				s.serve(ctx, l, func() { os.Remove(path) })
				return
			}
			if try == 0 && !errors.Is(err, errRuns) {
				a.logger.Warn("no local socket: commands cannot ask through this agent", "path", path, "err", err)
			}
			select {
			case <-ctx.Done():
				return
			case <-time.After(localRetry):
			}
		}
	})
	select {
	case err := <-first:
		if errors.Is(err, errRuns) {
			return a.alreadyRuns(err)
		}
	case <-time.After(localOpen): // a disk that hangs keeps no poll waiting
	}
	return nil
}

// alreadyRuns says who has the site.
func (a *agent) alreadyRuns(err error) error {
	const hint = "one agent a site. To look at its lines beside it: envgate read, poke, tap, scan; to stop it: systemctl stop envgate, or kill"
	if c, e := dialAgent(a.site); e == nil {
		defer c.Close()
		if info, e := c.site(); e == nil {
			return hinted{fmt.Errorf("%w: process %d, since %s", err, info.Process, info.Since.In(siteZone).Format("2006-01-02 15:04:05")), fmt.Sprintf("%s %d", hint, info.Process)}
		}
	}
	return hinted{err, hint + " its process"}
}

// serve takes connections until ctx ends, and waits for those that there are. It calls
// remove while it still listens: what is at the path later may be the next agent's.
func (s *localServer) serve(ctx context.Context, l *net.UnixListener, remove func()) {
	end := func() {
		remove()
		l.Close()
	}
	attend(ctx, l, end, s.seats, func(c net.Conn) { s.talk(ctx, c) }, func(c net.Conn) {
		send(c, &reply{Kind: "crowded", Error: fmt.Sprintf("%d commands are connected already", localSeats)})
	})
}

// attend has each connection of l served beside the others until ctx ends, when it calls
// end to close l, and waits for those that there are. Who finds no seat is turned away and
// closed.
func attend(ctx context.Context, l net.Listener, end func(), seats chan struct{}, serve, turnAway func(net.Conn)) {
	var all sync.WaitGroup
	defer all.Wait()
	defer context.AfterFunc(ctx, end)()
	for ctx.Err() == nil {
		c, err := l.Accept()
		if err != nil {
			select { // out of descriptors, as a rule
			case <-ctx.Done():
			case <-time.After(time.Second):
			}
			continue
		}
		select {
		case seats <- struct{}{}:
			all.Go(func() {
				defer func() { <-seats }()
				serve(c)
			})
		default:
			turnAway(c)
			c.Close()
		}
	}
}

// talk serves one connection. Its end breaks off the question that is under way for it.
func (s *localServer) talk(ctx context.Context, c net.Conn) {
	ctx, cancel := context.WithCancel(ctx)
	var hearing sync.WaitGroup
	defer hearing.Wait()
	defer cancel()
	defer context.AfterFunc(ctx, func() { c.Close() })() // the reader ends then
	defer c.Close()
	requests := make(chan []byte)
	hearing.Go(func() {
		defer cancel()
		in := bufio.NewScanner(c)
		in.Buffer(make([]byte, localRequest), localRequest)
		for in.Scan() {
			select {
			case requests <- append([]byte(nil), in.Bytes()...):
			case <-ctx.Done():
				return
			}
		}
	})
	idle := time.NewTimer(localIdle)
	defer idle.Stop()
	for {
		select {
		case b := <-requests:
			var q request
			if err := json.Unmarshal(b, &q); err != nil {
				send(c, &reply{Error: "not a request: " + err.Error()})
				return
			}
			if !s.answer(ctx, c, &q) {
				return
			}
			idle.Reset(localIdle)
		case <-idle.C:
			return
		case <-ctx.Done():
			return
		}
	}
}

// answer replies to one request; false ends the connection.
func (s *localServer) answer(ctx context.Context, c net.Conn, q *request) bool {
	if q.Version != localVersion {
		return send(c, &reply{Error: fmt.Sprintf("the command speaks version %d of the local protocol, the running agent (%s) version %d: restart the agent", q.Version, version, localVersion)})
	}
	switch q.Do {
	case "site":
		return send(c, &reply{Site: s.info()})
	case "status":
		return send(c, &reply{Status: s.status()})
	case "read":
		return send(c, s.read(ctx, q))
	case "tap":
		l, err := s.line(q.Line)
		if err == nil && l.line == nil {
			_, err = l.bus.Read(ctx, modbus.Read{}) // says why it cannot be used
		}
		if err != nil {
			return send(c, refusal(err))
		}
		return tapTo(ctx, c, l.line)
	case "log":
		return send(c, s.logInfo(q))
	case "blocks":
		return send(c, s.blocks(q))
	case "maintain", "maintain-end", "maintained":
		return send(c, s.maintain(c, q))
	case "platform-reset":
		was, err := s.reset(ctx, q.Line)
		if err != nil {
			return send(c, refusal(err))
		}
		return send(c, &reply{Data: was})
	}
	return send(c, &reply{Error: fmt.Sprintf("unknown request %q", q.Do)})
}

func (s *localServer) info() *siteInfo {
	info := &siteInfo{Gateway: s.site.Gateway.ID, Version: version, Process: os.Getpid(), Since: s.began}
	for i := range s.site.Lines {
		c := &s.site.Lines[i]
		info.Lines = append(info.Lines, lineInfo{c.Name, placeOf(c), c.Timeout, c.LateWindow})
	}
	return info
}

// placeOf is the port or address of a line.
func placeOf(c *config.Line) string {
	switch {
	case c.Serial != nil:
		return c.Serial.Port
	case c.URL != "":
		return c.URL
	}
	return c.Listen
}

func (s *localServer) line(name string) (*siteLine, error) {
	if l := s.lines[name]; l != nil {
		return l, nil
	}
	for i := range s.site.Lines {
		if s.site.Lines[i].Name == name {
			return nil, fmt.Errorf("line %s: %w", name, errSpeaks)
		}
	}
	return nil, fmt.Errorf("%w: the running agent has no %q", errNoLine, name)
}

// read puts a question to a line. Only functions that read get past the line's own check.
func (s *localServer) read(ctx context.Context, q *request) *reply {
	l, err := s.line(q.Line)
	if err != nil {
		return refusal(err)
	}
	if q.Timeout < 0 || q.Timeout > localLongest || q.Pause < 0 || q.Pause > localLongest {
		return refusal(fmt.Errorf("%w: time-out and pause are %s at most", modbus.ErrQuestion, localLongest))
	}
	b, took, err := l.gate.guest(ctx, modbus.Read{
		Unit: q.Unit, Function: q.Function, Address: q.Address, Quantity: q.Quantity, Timeout: q.Timeout, Pause: q.Pause,
	})
	if err != nil {
		r := refusal(err)
		r.Took = took
		return r
	}
	return &reply{Data: hex.EncodeToString(b), Took: took}
}

func refusal(err error) *reply {
	r := &reply{Error: err.Error()}
	if e, ok := errors.AsType[*modbus.Exception](err); ok {
		r.Kind, r.Code = "exception", e.Code
		return r
	}
	for kind, known := range faults {
		if errors.Is(err, known) {
			r.Kind = kind
		}
	}
	return r
}

// tapTo hands a line's frames on until the connection or ctx ends.
func tapTo(ctx context.Context, c net.Conn, line *modbus.Line) bool {
	t := line.Tap(tapRoom)
	defer t.Close()
	if !send(c, &reply{}) { // from now on nothing is missed
		return false
	}
	for {
		select {
		case f := <-t.C:
			if !send(c, &reply{Frame: &frameInfo{f.Time, f.Kind.String(), hex.EncodeToString(f.Bytes), f.CRC, f.Lost}}) {
				return false
			}
		case <-ctx.Done():
			return false
		}
	}
}

// send writes one reply, and says whether it went out.
func send(c net.Conn, r *reply) bool {
	r.Version = localVersion
	b, err := json.Marshal(r)
	if err != nil {
		return false
	}
	c.SetWriteDeadline(time.Now().Add(localWrite))
	_, err = c.Write(append(b, '\n'))
	return err == nil
}
