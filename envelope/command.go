package envelope

import (
	"fmt"
	"strconv"
)

// A Command is what a data centre orders of one gateway, signed by it. It is told in
// the words of an [Event], as what comes of it is one.
//
// A gateway executes a command once: At of what it executes rises, and one that is not
// later than the last is refused. So a command may arrive any number of times.
type Command struct {
	Gateway string
	ID      string // names it in the events that answer it: 1 to 64 of A-Z a-z 0-9 _ -
	At      int64  // when it was given, Unix milliseconds UTC
	Until   int64  // and up to when it may be executed
	Do      string // what: 1 to 64 of a-z 0-9 . _ -
	Subject string // of what, as of an event; may be empty
	Value   string // the new one; may be empty
	Why     string // the reason that somebody gave
	Who     string // who that was, as the data centre knows him
}

const maxCommandText = 1024

// AppendPayload appends the payload of c to dst, in the same form as
// [Block.AppendPayload] does. The type of the message is [TypeCommand].
func (c *Command) AppendPayload(dst []byte) []byte {
	dst = appendMember(dst, `{"gw":`, c.Gateway)
	dst = appendMember(dst, `,"id":`, c.ID)
	dst = append(dst, `,"at":`...)
	dst = strconv.AppendInt(dst, c.At, 10)
	dst = append(dst, `,"until":`...)
	dst = strconv.AppendInt(dst, c.Until, 10)
	dst = appendMember(dst, `,"do":`, c.Do)
	dst = appendMember(dst, `,"subject":`, c.Subject)
	dst = appendMember(dst, `,"value":`, c.Value)
	dst = appendMember(dst, `,"why":`, c.Why)
	dst = appendMember(dst, `,"who":`, c.Who)
	return append(dst, '}')
}

// Check says whether c can stand as a payload: whether [ParseCommand] would take what
// [Command.AppendPayload] writes. The error wraps [ErrPayload].
func (c *Command) Check() error {
	if err := c.check(); err != nil {
		return fmt.Errorf("envelope: command: %w", err)
	}
	return nil
}

func (c *Command) check() error {
	switch {
	case !isName(c.Gateway, 32):
		return fmt.Errorf("%w: gw is %q: 1 to 32 of A-Z a-z 0-9 _ -", ErrPayload, c.Gateway)
	case !isName(c.ID, 64):
		return fmt.Errorf("%w: id is %q: 1 to 64 of A-Z a-z 0-9 _ -", ErrPayload, c.ID)
	case c.At < 0 || c.At > MaxSeq || c.Until < c.At || c.Until > MaxSeq:
		return fmt.Errorf("%w: at is %d and until %d: 0 to 2^53, and not the other way round", ErrPayload, c.At, c.Until)
	case !isDo(c.Do):
		return fmt.Errorf("%w: do is %q: 1 to 64 of a-z 0-9 . _ -", ErrPayload, c.Do)
	}
	for _, text := range [...]string{c.Subject, c.Value, c.Why, c.Who} {
		if len(text) > maxCommandText {
			return fmt.Errorf("%w: a text of %d bytes: at most %d", ErrPayload, len(text), maxCommandText)
		}
	}
	return nil
}

func isDo(s string) bool {
	for _, c := range []byte(s) {
		switch {
		case 'a' <= c && c <= 'z', '0' <= c && c <= '9', c == '.', c == '_', c == '-':
		default:
			return false
		}
	}
	return s != "" && len(s) <= 64
}

// OpenCommand opens a message of type [TypeCommand] with the centre's keys and parses
// its payload. Errors are those of [Open] and [ParseCommand].
func OpenCommand(message []byte, keys Keys) (*Command, error) {
	payload, err := Open(message, TypeCommand, keys)
	if err != nil {
		return nil, err
	}
	return ParseCommand(payload)
}

// ParseCommand reads the payload of a message of type [TypeCommand], as strictly as
// [ParsePayload] reads a block. The errors wrap [ErrPayload].
func ParseCommand(p []byte) (*Command, error) {
	c := new(Command)
	s := scanner{b: string(p)}
	s.command(c)
	if err := s.end(); err != nil {
		return nil, fmt.Errorf("envelope: command: %w: %w", ErrPayload, err)
	}
	if err := c.Check(); err != nil {
		return nil, err
	}
	return c, nil
}

var commandMembers = []string{"gw", "id", "at", "until", "do", "subject", "value", "why", "who"}

func (s *scanner) command(c *Command) {
	s.object(commandMembers, len(commandMembers), func(name string) {
		switch name {
		case "gw":
			c.Gateway = s.text()
		case "id":
			c.ID = s.text()
		case "at":
			c.At = s.integer()
		case "until":
			c.Until = s.integer()
		case "do":
			c.Do = s.text()
		case "subject":
			c.Subject = s.text()
		case "value":
			c.Value = s.text()
		case "why":
			c.Why = s.text()
		case "who":
			c.Who = s.text()
		}
	})
}
