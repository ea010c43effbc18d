package uplink

import (
	"errors"
	"fmt"

	"envgate/envelope"
)

var errNotOurCommand = errors.New("command to another gateway")

// command takes a message of the command topic. Only what the centre signed, to this
// gateway, is handed on; whether it was executed before is for the caller.
func (s *session) command(message []byte) {
	if s.u.o.Command == nil || len(message) == 0 { // a retained one was cleared
		return
	}
	c, err := envelope.OpenCommand(message, s.u.o.CentreKeys)
	if err == nil && c.Gateway != s.u.o.Gateway {
		err = fmt.Errorf("%w: %.64q", errNotOurCommand, c.Gateway)
	}
	if err != nil {
		s.u.count(func(st *Stats) { st.BadCommands++ })
		if !s.badCommand { // once a connection: somebody may send many
			s.badCommand = true
			s.u.o.Logger.Warn("command refused", "err", err, "hint", "does somebody but the data centre write to "+s.topic("cmd")+"?")
			s.u.o.Event(envelope.Event{Type: envelope.EventCommandBad, Subject: s.u.o.Name, Why: err.Error()})
		}
		return
	}
	s.u.count(func(st *Stats) { st.Commands++ })
	s.u.o.Command(c)
}
