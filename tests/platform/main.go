// Command platform is a government platform to try a field machine with: HJ/T 212-2005,
// HJ 212-2017 or HJ 212-2025 over TCP, strict or with the habits of real ones, on a good
// line or a bad one. It prints each message and what of it breaks the standard.
//
//	go run ./tests/platform -listen 127.0.0.1:9001 -edition 2017 -pw 123456
//
// Commands are typed: a code, and the data area where the one to try with does not do.
//
//	1061
//	1062 RtdInterval=60
//	2051 BeginTime=20260101000000;EndTime=20260101235959
//	list       the commands of this edition
//	all        sends each of them
//	records    what came, by kind
//	quit
package main

import (
	"bufio"
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"envgate/tests/platform/gov"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "platform:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, in io.Reader, out io.Writer) error {
	screen := &screen{w: out}
	o := gov.Options{Log: screen}
	var bad gov.Trouble
	f := flag.NewFlagSet("platform", flag.ContinueOnError)
	listen := f.String("listen", "127.0.0.1:9001", "host and port")
	f.IntVar(&o.Edition, "edition", 2017, "2005, 2017 or 2025")
	f.StringVar(&o.ST, "st", "32", "system code of requests")
	f.StringVar(&o.PW, "pw", "", "password that is let in; empty = any")
	f.StringVar(&o.MN, "mn", "", "MN that is let in; empty = any")
	f.StringVar(&o.Key, "key", "", "SM4 key of 16 characters (2025); empty = nothing is encrypted")
	f.StringVar(&o.NextKey, "next-key", "", "what a field machine gets that asks for a new key (1014)")
	f.StringVar(&o.Assign, "assign", "", "MN for a field machine that registers (1001)")
	f.BoolVar(&o.Braces, "braces", false, "send cipher text as {0x..,0x..}")
	f.BoolVar(&o.Habits.NoCRLF, "no-crlf", false, "leave out CR LF")
	f.BoolVar(&o.Habits.LowerCase, "lower", false, "sums in small letters")
	f.BoolVar(&o.Habits.Mute, "mute", false, "answer nothing")
	f.DurationVar(&o.Habits.Late, "late", 0, "wait before each word")
	f.IntVar(&o.Habits.WrongQN, "wrong-qn", 0, "so many answers name a wrong QN")
	f.IntVar(&o.Habits.CloseAfter, "close-after", 0, "close each connection after so many messages")
	f.IntVar(&bad.Twice, "twice", 0, "percent of frames that arrive two times")
	f.IntVar(&bad.Lost, "lost", 0, "percent of frames that are lost with their connection")
	f.IntVar(&bad.Swallowed, "swallowed", 0, "percent of frames that are lost alone")
	f.DurationVar(&bad.Delay, "delay", 0, "of each frame, each way")
	f.IntVar(&bad.Rate, "rate", 0, "bytes a second; 0 = no limit")
	f.Uint64Var(&bad.Seed, "seed", 1, "of what the line does by chance")
	if err := f.Parse(args); err != nil {
		return err
	}
	p, err := gov.New(o)
	if err != nil {
		return err
	}
	defer p.Close()
	direct := *listen
	isBad := bad != gov.Trouble{Seed: bad.Seed}
	if isBad {
		direct = "127.0.0.1:0"
	}
	address, err := p.Listen(direct)
	if err != nil {
		return err
	}
	if isBad {
		link, at, err := gov.OpenLink(*listen, address)
		if err != nil {
			return err
		}
		defer link.Close()
		link.Set(bad)
		address = at
	}
	fmt.Fprintf(screen, "listens on %s, edition %d\n", address, o.Edition)
	console(ctx, p, strconv.Itoa(o.Edition), in, screen)
	report(p, screen)
	return nil
}

// A screen is written by many at once.
type screen struct {
	mu sync.Mutex
	w  io.Writer
}

func (s *screen) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.w.Write(b)
}

// console does what is typed until quit, or until ctx ends. At the end of the input it
// goes on without.
func console(ctx context.Context, p *gov.Platform, edition string, in io.Reader, out io.Writer) {
	lines := make(chan string)
	go func() { // ends with the input, or the program
		defer close(lines)
		for s := bufio.NewScanner(in); s.Scan(); {
			select {
			case lines <- strings.TrimSpace(s.Text()):
			case <-ctx.Done():
				return
			}
		}
	}()
	for {
		select {
		case <-ctx.Done():
			return
		case line, ok := <-lines:
			if !ok {
				<-ctx.Done()
				return
			}
			if line == "quit" {
				return
			}
			obey(ctx, p, edition, line, out)
		}
	}
}

func obey(ctx context.Context, p *gov.Platform, edition, line string, out io.Writer) {
	word, area, _ := strings.Cut(line, " ")
	switch word {
	case "":
	case "list", "all":
		for _, c := range gov.Commands() {
			switch {
			case !c.In(edition):
			case word == "list":
				fmt.Fprintf(out, "%s  %-28s %s\n", c.CN, c.About, fill(c, edition))
			default:
				ask(ctx, p, c.CN, fill(c, edition), out)
			}
		}
	case "records":
		report(p, out)
	default:
		if area == "" {
			for _, c := range gov.Commands() {
				if c.CN == word {
					area = fill(c, edition)
				}
			}
		}
		ask(ctx, p, word, area, out)
	}
}

func fill(c gov.Command, edition string) string {
	now := time.Now()
	return c.Fill(edition, "a34004", gov.Stamp(now), gov.Stamp(now.Add(-time.Hour)), gov.Stamp(now))
}

func ask(ctx context.Context, p *gov.Platform, cn, area string, out io.Writer) {
	r, err := p.Ask(ctx, gov.Ask{CN: cn, Area: area})
	if err != nil {
		fmt.Fprintf(out, "%s: %v (%v)\n", cn, err, r)
		return
	}
	fmt.Fprintf(out, "%s: %v\n", cn, r)
}

func report(p *gov.Platform, out io.Writer) {
	kinds := map[string]int{}
	var order []string
	for _, r := range p.Records("") {
		if kinds[r.CN]++; kinds[r.CN] == 1 {
			order = append(order, r.CN)
		}
	}
	for _, cn := range order {
		fmt.Fprintf(out, "%s: %d records\n", cn, kinds[cn])
	}
	fmt.Fprintf(out, "%+v\n", p.Counts())
	for _, w := range p.Wrong() {
		fmt.Fprintln(out, "!", w)
	}
}
