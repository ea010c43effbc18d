package hj212_test

import (
	"errors"
	"fmt"
	"net"
	"time"

	"envgate/hj212"
)

// A side is what FieldSide and PlatformSide have in common.
type side interface {
	Receive(hj212.Message, time.Time)
	Next(time.Time) (hj212.Message, bool)
	Event() (hj212.Event, bool)
	Wake() time.Time
	Reset(time.Time)
}

var errLost = errors.New("connection lost")

// serve speaks for s over one connection, until that is lost or told returns true. The
// side outlives it: what was in flight goes again over the next one.
func serve(conn net.Conn, s side, told func(hj212.Event) (enough bool)) error {
	heard, over := make(chan hj212.Message, 16), make(chan struct{})
	defer close(over)
	defer conn.Close()
	go func() { // ends with the connection
		defer close(heard)
		for r := hj212.NewReader(conn); ; {
			data, err := r.Next()
			if _, bad := errors.AsType[*hj212.FrameError](err); bad {
				continue // it is not answered, and comes again
			}
			if err != nil {
				return
			}
			m, _ := hj212.ParseMessage(data)
			select {
			case heard <- m:
			case <-over:
				return
			}
		}
	}()

	var codec hj212.Codec
	s.Reset(time.Now())
	for {
		for idle := false; !idle; {
			idle = true
			for m, ok := s.Next(time.Now()); ok; m, ok = s.Next(time.Now()) {
				idle = false
				conn.SetWriteDeadline(time.Now().Add(10 * time.Second))
				if _, err := conn.Write(codec.AppendMessage(nil, &m)); err != nil {
					return err
				}
			}
			for e, ok := s.Event(); ok; e, ok = s.Event() {
				idle = false
				if told(e) {
					return nil
				}
			}
		}
		var wake <-chan time.Time // never, where nothing is pending
		if t := s.Wake(); !t.IsZero() {
			wake = time.After(time.Until(t))
		}
		select {
		case m, ok := <-heard:
			if !ok {
				return errLost
			}
			s.Receive(m, time.Now())
		case <-wake:
		}
	}
}

// A field machine uploads a record over a connection. The platform cannot store it at
// first, and withholds its answer: so the record comes again, and is not lost.
func Example_connection() {
	field, err := hj212.NewFieldSide(hj212.FieldOptions{
		Edition: hj212.Ed2017, ST: "32", PW: "123456", MN: "010000A8900016F000169DC0", OverTime: 100 * time.Millisecond, ReCount: 99,
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	platform, err := hj212.NewPlatformSide(hj212.PlatformOptions{
		Allow: func(m *hj212.Message) bool { return m.MN == "010000A8900016F000169DC0" && m.PW == "123456" },
	})
	if err != nil {
		fmt.Println(err)
		return
	}

	tries := 0
	store := func(m hj212.Message) error {
		if tries++; tries == 1 {
			return errors.New("disk is full")
		}
		at, _ := m.CP.Get("DataTime")
		fmt.Println("platform: stored", m.CN, "of", at)
		return nil
	}
	near, far := net.Pipe()
	ended := make(chan error)
	go func() {
		ended <- serve(far, platform, func(e hj212.Event) bool {
			// Before the next call of the side, which may give the answer away.
			if e.Type == hj212.EventUpload && !e.Again {
				if err := store(e.Message); err != nil {
					fmt.Println("platform:", err)
					platform.Withhold()
				}
			}
			return false
		})
	}()

	_, err = field.Upload(hj212.Message{
		CN: "2051", CP: hj212.Area{{{Name: "DataTime", Value: "20160801084000"}}, {{Name: "w01001-Avg", Value: "7.5"}, {Name: "w01001-Flag", Value: "N"}}},
	}, time.Now())
	if err != nil {
		fmt.Println(err)
		return
	}
	var last hj212.Event
	err = serve(near, field, func(e hj212.Event) bool {
		last = e // EventTaken: the record may be forgotten
		return e.Type == hj212.EventTaken || e.Type == hj212.EventFailed
	})
	<-ended
	fmt.Println("field machine:", last.Type, err)

	// Output:
	// platform: disk is full
	// platform: stored 2051 of 20160801084000
	// field machine: taken <nil>
}
