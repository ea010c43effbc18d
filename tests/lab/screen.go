package main

import (
	"bytes"
	"fmt"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// plainEvery is the time between two lines on an output that is no terminal.
const plainEvery = 5 * time.Second

// screen shows views: on a terminal in place, elsewhere a line now and then.
type screen struct {
	out   *os.File
	tty   bool
	style style
	open  bool      // the terminal's second page is on
	last  time.Time // of the last plain line
}

func newScreen(out *os.File) *screen {
	_, err := unix.IoctlGetWinsize(int(out.Fd()), unix.TIOCGWINSZ)
	s := &screen{out: out, tty: err == nil && os.Getenv("TERM") != "dumb"}
	s.style.on = s.tty && os.Getenv("NO_COLOR") == ""
	return s
}

// show draws a view.
func (s *screen) show(v *view) {
	if !s.tty {
		if v.now.Sub(s.last) >= plainEvery {
			s.last = v.now
			fmt.Fprintln(s.out, v.brief())
		}
		return
	}
	rows, columns := 24, 80
	if size, err := unix.IoctlGetWinsize(int(s.out.Fd()), unix.TIOCGWINSZ); err == nil && size.Row > 0 && size.Col > 0 {
		rows, columns = int(size.Row), int(size.Col)
	}
	var b bytes.Buffer
	if !s.open {
		b.WriteString("\x1b[?1049h\x1b[?25l") // second page, no cursor
		s.open = true
	}
	b.WriteString("\x1b[H")
	lines := v.lines(s.style)
	for i, l := range lines[:min(len(lines), rows)] {
		if i > 0 {
			b.WriteString("\r\n")
		}
		b.WriteString(clip(l, columns))
		b.WriteString("\x1b[K")
	}
	b.WriteString("\x1b[J")
	s.out.Write(b.Bytes())
}

// final prints a view to stay.
func (s *screen) final(v *view) {
	s.close()
	for _, l := range v.lines(s.style) {
		fmt.Fprintln(s.out, l)
	}
}

// close gives the terminal back as it was.
func (s *screen) close() {
	if s.open {
		s.out.WriteString("\x1b[?25h\x1b[?1049l")
		s.open = false
	}
}

// clip cuts a line with marks to n columns.
func clip(l string, n int) string {
	at, mark := 0, false
	for i, r := range l {
		switch {
		case r == '\x1b':
			mark = true
		case mark:
			mark = r != 'm'
		default:
			if at += columns(r); at > n {
				return l[:i] + "\x1b[0m"
			}
		}
	}
	return l
}
