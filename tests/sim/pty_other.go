//go:build !linux

package sim

import "errors"

// A pty is a pair of pseudo terminals.
type pty struct {
	link
	slaveName string
}

// openPTY fails: only Linux has the requests it needs.
func openPTY() (*pty, error) {
	return nil, errors.New("serial buses are simulated on Linux only")
}
