package hj212

import "fmt"

// An Edition is one of the three editions of the standard, named by its year.
type Edition int

// The editions. The year is what people say; frames carry the number that
// [Flag.Version] gives.
const (
	Ed2005 Edition = 2005 // HJ/T 212-2005
	Ed2017 Edition = 2017 // HJ 212-2017
	Ed2025 Edition = 2025 // HJ 212-2025
)

func (e Edition) String() string {
	switch e {
	case Ed2005:
		return "HJ/T 212-2005"
	case Ed2017, Ed2025:
		return fmt.Sprintf("HJ 212-%d", int(e))
	}
	return fmt.Sprintf("Edition(%d)", int(e))
}

// A Direction is the way a frame goes.
type Direction uint8

// The two directions. Up is the zero value.
const (
	Up   Direction = iota // from the field machine (现场机) to the platform
	Down                  // from the platform (上位机) to the field machine
)

func (d Direction) String() string {
	if d == Down {
		return "down"
	}
	return "up"
}
