package main

import (
	"context"
	"crypto/subtle"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"time"

	"envgate/hj212"
)

// An hj212Receiver is the platform's end of HJ 212: it takes what stations send, stores
// it, and answers only then. It asks nothing of them.
type hj212Receiver struct {
	store    *sqlStore
	stations map[string]*station
	log      *slog.Logger
	listener net.Listener

	mu     sync.Mutex
	counts map[hjTally]int64 // guarded by mu: not in the database yet
	open   map[net.Conn]bool // guarded by mu: whether a station has spoken over it
}

// Bounds of what strangers may take.
const (
	hjConnections = 256
	hjIdle        = 30 * time.Minute // without a frame; 2025 has heartbeats, others send each minute
	hjRest        = 5 * time.Second  // for the rest of a frame that has begun
	hjWrite       = 10 * time.Second
	hjPatience    = 20 // frames of a connection that are bad or denied, and none that is right
	hjFlush       = 5 * time.Second
)

// listenHJ212 opens the port, so that a wrong one is told at the start.
func listenHJ212(ctx context.Context, c *hj212Config, store *sqlStore, log *slog.Logger) (*hj212Receiver, error) {
	if err := c.load(); err != nil {
		return nil, err
	}
	if err := store.openHJ212(ctx); err != nil {
		return nil, err
	}
	r := &hj212Receiver{store: store, stations: map[string]*station{}, log: log, counts: map[hjTally]int64{}, open: map[net.Conn]bool{}}
	for _, s := range c.Stations {
		r.stations[s.MN] = s
	}
	var err error
	if r.listener, err = net.Listen("tcp", c.Listen); err != nil {
		return nil, fmt.Errorf("hj212: %w", err)
	}
	log.Info("hj212 listens", "address", r.listener.Addr().String(), "stations", len(r.stations))
	return r, nil
}

// run serves until ctx ends, and has stored all that it answered then.
func (r *hj212Receiver) run(ctx context.Context) {
	unhook := context.AfterFunc(ctx, func() {
		r.listener.Close()
		r.mu.Lock()
		defer r.mu.Unlock()
		for c := range r.open {
			c.Close()
		}
	})
	defer unhook()
	var all sync.WaitGroup
	all.Go(func() {
		for pause(ctx, hjFlush) {
			r.flush(ctx)
		}
	})
	for {
		c, err := r.listener.Accept()
		if errors.Is(err, net.ErrClosed) {
			break
		}
		if err != nil { // too many files, for one
			r.log.Error("hj212 takes no connection", "err", err)
			pause(ctx, time.Second)
			continue
		}
		if !r.admit(ctx, c) {
			c.Close()
			continue
		}
		all.Go(func() {
			err := r.serve(ctx, c)
			c.Close()
			r.mu.Lock()
			delete(r.open, c)
			r.mu.Unlock()
			if ctx.Err() == nil {
				r.log.Info("hj212 connection ended", "from", c.RemoteAddr().String(), "err", err)
			}
		})
	}
	all.Wait()
	r.flush(context.WithoutCancel(ctx))
}

// admit takes a connection in. Where all places are taken, one over which no station has
// spoken yet makes room: strangers who say nothing must not keep the stations out.
func (r *hj212Receiver) admit(ctx context.Context, c net.Conn) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if ctx.Err() != nil {
		return false
	}
	if len(r.open) >= hjConnections {
		for other, known := range r.open {
			if !known {
				other.Close()
				delete(r.open, other)
				break
			}
		}
	}
	if len(r.open) >= hjConnections {
		return false
	}
	r.open[c] = false
	return true
}

// known says that a station has spoken over a connection.
func (r *hj212Receiver) known(c net.Conn) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if _, open := r.open[c]; open {
		r.open[c] = true
	}
}

func (r *hj212Receiver) count(mn, kind string) {
	if r.stations[mn] == nil {
		mn = ""
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.counts[hjTally{mn, kind}]++
}

// flush brings the counters into the database. Where that fails they stay.
func (r *hj212Receiver) flush(ctx context.Context) {
	r.mu.Lock()
	counts := r.counts
	r.counts = map[hjTally]int64{}
	r.mu.Unlock()
	if len(counts) == 0 {
		return
	}
	err := r.store.countHJ212(ctx, counts, time.Now().UnixMilli())
	if err == nil {
		return
	}
	r.log.Error("hj212 counters not stored", "err", err)
	r.mu.Lock()
	defer r.mu.Unlock()
	for t, n := range counts {
		r.counts[t] += n
	}
}

// allow says whether a message is of a station and has its password.
func (r *hj212Receiver) allow(m *hj212.Message) bool {
	s := r.stations[m.MN]
	return s != nil && subtle.ConstantTimeCompare([]byte(m.PW), []byte(s.pw)) == 1
}

// serve speaks over one connection, which may be of several stations.
func (r *hj212Receiver) serve(ctx context.Context, c net.Conn) error {
	strikes := 0
	side, err := hj212.NewPlatformSide(hj212.PlatformOptions{Allow: func(m *hj212.Message) bool {
		if r.allow(m) {
			strikes = 0
			r.known(c)
			return true
		}
		r.count(m.MN, hjDenied)
		if strikes++; strikes == 1 {
			r.log.Warn("hj212 message denied", "from", c.RemoteAddr().String(), "mn", m.MN, "known", r.stations[m.MN] != nil,
				"hint", "is mn in hj212.stations, and the password that of its file?")
		}
		return false
	}})
	if err != nil {
		return err
	}
	codec := &hj212.Codec{Sends: hj212.Down, Keys: func(mn string) hj212.Keys {
		if s := r.stations[mn]; s != nil {
			return s.keys
		}
		return nil
	}}
	in := hj212.NewReader(c)
	in.Codec = codec
	in.Begun = func(begun bool) {
		wait := hjIdle
		if begun {
			wait = hjRest
		}
		c.SetReadDeadline(time.Now().Add(wait))
	}
	side.Reset(time.Now())
	for strikes < hjPatience {
		data, err := in.Next()
		if bad, ok := errors.AsType[*hj212.FrameError](err); ok {
			r.count("", hjBad)
			if strikes++; strikes == 1 {
				r.log.Warn("hj212 frame refused", "from", c.RemoteAddr().String(), "err", bad)
			}
			continue
		}
		if err != nil {
			return err
		}
		m, _ := hj212.ParseMessage(data)
		side.Receive(m, time.Now())
		if err := r.happened(ctx, side); err != nil {
			return err
		}
		if err := answers(c, codec, side); err != nil {
			return err
		}
	}
	return fmt.Errorf("%d frames that are bad or denied, one after the other", strikes)
}

func answers(c net.Conn, codec *hj212.Codec, side *hj212.PlatformSide) error {
	for {
		m, ok := side.Next(time.Now())
		if !ok {
			return nil
		}
		c.SetWriteDeadline(time.Now().Add(hjWrite))
		if _, err := c.Write(codec.AppendMessage(nil, &m)); err != nil {
			return fmt.Errorf("write: %w", err)
		}
	}
}

// happened stores what came. What cannot be stored is not answered: the station sends it
// again over its next connection.
func (r *hj212Receiver) happened(ctx context.Context, side *hj212.PlatformSide) error {
	for {
		e, ok := side.Event()
		if !ok {
			return nil
		}
		m := &e.Message
		switch {
		case e.Type == hj212.EventNotice:
			r.count(m.MN, hjNotice)
		case e.Type != hj212.EventUpload && e.Type != hj212.EventData:
		case e.Again:
			r.count(m.MN, hjAgain)
		default:
			rows := rowsOf(m, time.Now())
			if len(rows) == 0 {
				r.count(m.MN, hjOdd)
				continue
			}
			kind, err := r.store.putHJ212(ctx, rows)
			if err != nil {
				side.Withhold()
				return fmt.Errorf("store %s of %s: %w", m.CN, m.MN, err)
			}
			r.count(m.MN, kind)
			if kind == hjDiffers {
				at, _ := m.CP.Get("DataTime")
				r.log.Warn("hj212 record came again with other content; the first stays", "mn", m.MN, "cn", m.CN, "time", at, "qn", m.QN)
			}
		}
	}
}

// rowsOf are the values of a message; none where it has no time.
func rowsOf(m *hj212.Message, now time.Time) (rows []hj212Row) {
	at, err := m.CP.Time("DataTime")
	if err != nil {
		return nil
	}
	one := hj212Row{MN: m.MN, ST: m.ST, CN: m.CN, Time: at.UnixMilli(), RF: m.RF, QN: m.QN, Received: now.UnixMilli()}
	for _, item := range m.CP {
		flags, values := map[string]string{}, map[string]bool{}
		for i := range item {
			if code, kind := item[i].Cut(); kind == "Flag" {
				flags[code] = item[i].Value
			}
		}
		for i := range item {
			code, kind := item[i].Cut()
			if kind == "Flag" || item[i].Name == "DataTime" {
				continue
			}
			if kind == "" {
				code, kind = "", item[i].Name
			}
			r := one
			r.Factor, r.Kind, r.Value, r.Flag = code, kind, item[i].Value, flags[code]
			values[code] = true
			rows = append(rows, r)
		}
		for code, flag := range flags {
			if !values[code] {
				r := one
				r.Factor, r.Flag = code, flag
				rows = append(rows, r)
			}
		}
	}
	return rows
}
