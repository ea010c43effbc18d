package main

import (
	"fmt"
	"io"
	"strings"
	"time"
)

// A progress is a bar on a terminal for work that takes long; nothing elsewhere.
type progress struct {
	w       io.Writer
	width   int // 0: no terminal
	what    string
	total   int64
	done    int64
	began   time.Time
	drawn   time.Time
	written bool
}

func newProgress(w io.Writer, what string, total int64) *progress {
	return &progress{w: w, width: terminalWidth(w), what: what, total: total, began: time.Now()}
}

// add moves it on by n bytes.
func (p *progress) add(n int64) { p.set(p.done + n) }

// set says how much is done. Nothing is drawn in the first second.
func (p *progress) set(done int64) {
	p.done = done
	now := time.Now()
	if p.width == 0 || now.Sub(p.began) < time.Second || now.Sub(p.drawn) < 200*time.Millisecond {
		return
	}
	p.drawn, p.written = now, true
	fmt.Fprintf(p.w, "\r%s\x1b[K", cutTo(p.line(now), p.width-1))
}

func (p *progress) line(now time.Time) string {
	const cells = 30
	share := min(float64(p.done)/float64(max(p.total, 1)), 1)
	n := int(share * cells)
	left := ""
	if share > 0.01 && share < 1 {
		d := time.Duration(float64(now.Sub(p.began)) * (1 - share) / share).Round(time.Second)
		left = ", " + d.String() + " left"
	}
	return fmt.Sprintf("%s [%s%s] %3.0f %%  %s of %s%s", p.what, strings.Repeat("#", n), strings.Repeat(".", cells-n),
		100*share, megabytes(p.done), megabytes(p.total), left)
}

// clear takes the bar away, before anything else is written.
func (p *progress) clear() {
	if p.written {
		fmt.Fprint(p.w, "\r\x1b[K")
		p.written = false
	}
}
