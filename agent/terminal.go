package main

import (
	"context"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// terminalWidth is how many columns the terminal behind w has; 0 if it is none.
func terminalWidth(w io.Writer) int {
	f, ok := w.(*os.File)
	if !ok {
		return 0
	}
	size, err := unix.IoctlGetWinsize(int(f.Fd()), unix.TIOCGWINSZ)
	if err != nil {
		return 0
	}
	if size.Col == 0 {
		return 80
	}
	return int(size.Col)
}

// untilStopped ends with Ctrl-C or a stop by the system. A second one ends the program.
func untilStopped() (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(context.Background())
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	go func() {
		select {
		case <-signals:
			cancel()
		case <-ctx.Done():
		}
		signal.Stop(signals)
	}()
	return ctx, cancel
}

// cutTo shortens a line to n columns; Chinese letters take two.
func cutTo(s string, n int) string {
	for i, r := range s {
		if n--; r >= 0x1100 { // all that is wide lies beyond, and little else
			n--
		}
		if n < 0 {
			return s[:i]
		}
	}
	return s
}

// redraw writes text over what stood on the terminal before.
func redraw(w io.Writer, text string, width int) {
	var b strings.Builder
	b.WriteString("\x1b[H")
	for _, line := range strings.Split(strings.TrimSuffix(text, "\n"), "\n") {
		b.WriteString(cutTo(line, width) + "\x1b[K\n")
	}
	io.WriteString(w, b.String()+"\x1b[J")
}
