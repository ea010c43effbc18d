package modbus

import (
	"errors"
	"fmt"
	"sync"
	"time"
)

// Back-off between tries to open, doubled from one to the other.
const (
	minBackoff = time.Second
	maxBackoff = 30 * time.Second
)

// A bus is a transport under a line. All calls come from the goroutine that
// owns the line.
type bus interface {
	attach(*counters, *watchdog, <-chan struct{})
	// open makes the bus ready on behalf of a question.
	open(*question) error
	// ask returns the PDU that answers, good until the next call. After an
	// error that is not of an answer or its absence the bus is closed.
	ask(*question) ([]byte, error)
	close() error
}

// An owner is the goroutine that has the bus to itself.
type owner struct {
	jobs chan job
	left chan struct{} // closed when the owner is given up as stuck
	done chan struct{} // closed when the goroutine has ended
	once sync.Once     // of left
}

func (o *owner) leave() { o.once.Do(func() { close(o.left) }) }

type job struct {
	q      *question
	answer chan<- result // room for one
}

type result struct {
	pdu []byte // the receiver's
	err error
}

// current returns the owner, a new one if there is none. One that is stuck is
// not replaced before it has ended: two would use one port.
func (l *Line) current() (*owner, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return nil, ErrClosed
	}
	if o := l.owner; o != nil {
		select {
		case <-o.left:
		default:
			return o, nil
		}
		select {
		case <-o.done:
		default:
			return nil, fmt.Errorf("%s: %w", l.name, ErrPortStuck)
		}
	}
	o := &owner{
		jobs: make(chan job),
		left: make(chan struct{}),
		done: make(chan struct{}),
	}
	l.owner = o
	go l.own(o)
	return o, nil
}

// own is the goroutine that has the bus to itself, until Close or until it is
// given up as stuck; then it ends when the call it is stuck in does.
func (l *Line) own(o *owner) {
	defer close(o.done)
	w := &watchdog{bite: func() {
		l.o.Logger.Warn("line stuck", "line", l.name)
		o.leave()
	}}
	l.bus.attach(&l.count, w, l.stop)
	for {
		select {
		case <-l.stop:
			l.hangUp()
			return
		case <-o.left:
			if l.up {
				l.broke(ErrPortStuck)
			}
			return
		case j := <-o.jobs:
			pdu, err := l.serve(j.q)
			j.answer <- result{append([]byte(nil), pdu...), err}
		}
	}
}

// serve answers one question, opening the bus if need be.
func (l *Line) serve(q *question) ([]byte, error) {
	if err := q.cancelled(l.stop); err != nil {
		return nil, err
	}
	if !l.up {
		if time.Now().Before(l.retry) {
			return nil, l.down
		}
		if err := l.guard(func() error { return l.bus.open(q) }); err != nil {
			if !q.ended(err) {
				l.broke(err)
			}
			return nil, err
		}
		l.count.opens.Add(1)
		l.opened()
	}
	if err := q.sleep(l.stop, time.Until(l.ends[q.unit].Add(q.pause))); err != nil {
		return nil, err
	}
	var pdu []byte
	err := l.guard(func() (err error) {
		pdu, err = l.bus.ask(q)
		return err
	})
	l.ends[q.unit] = time.Now()
	_, refused := errors.AsType[*Exception](err)
	switch {
	case err == nil:
		l.count.answers.Add(1)
	case refused:
		l.count.exceptions.Add(1)
	case errors.Is(err, ErrNoAnswer):
		l.count.noAnswer.Add(1)
		return nil, err
	case errors.Is(err, ErrCRC):
		l.count.crc.Add(1)
		return nil, err
	case errors.Is(err, ErrAnswer):
		l.count.misfits.Add(1)
		return nil, err
	case q.ended(err), errors.Is(err, ErrRaw):
		return nil, err
	default:
		l.broke(err)
		return nil, err
	}
	l.delay = minBackoff // the bus works
	return pdu, err
}

// guard turns a panic in a transport into an error: one port's library must
// not end the program.
func (l *Line) guard(call func() error) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("%s: panic: %v", l.name, r)
		}
	}()
	return call()
}

// opened notes that the bus is open. Whether it works is seen later.
func (l *Line) opened() {
	now := time.Now()
	if l.down != nil {
		l.o.Logger.Info("line up", "line", l.name, "down_for", now.Sub(l.since))
	} else {
		l.o.Logger.Info("line up", "line", l.name)
	}
	l.up, l.down, l.since = true, nil, now
}

// broke closes the bus and begins the next wait of the back-off.
func (l *Line) broke(err error) {
	l.count.failures.Add(1)
	l.hangUp()
	now := time.Now()
	if l.up || l.down == nil {
		l.o.Logger.Warn("line down", "line", l.name, "err", err)
		l.since = now
	}
	l.up, l.down = false, err
	l.retry = now.Add(l.delay)
	l.delay = min(2*l.delay, maxBackoff)
}

func (l *Line) hangUp() {
	if err := l.guard(l.bus.close); err != nil {
		l.o.Logger.Debug("close line", "line", l.name, "err", err)
	}
}
