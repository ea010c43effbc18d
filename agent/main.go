// Command envgate is the program on a gateway: it reads instruments, seals what they
// say, keeps it, and forwards it to the city's data centre.
package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
)

// version is set by the linker.
var version = "dev"

func main() {
	os.Exit(program(os.Args[1:], os.Stdout, os.Stderr))
}

// command is one word of the command line.
type command struct {
	name, args, about string
	run               func(args []string, out, errs io.Writer) error
}

func commands() []command {
	return []command{
		{"run", "-c SITE", "read the site's instruments, seal, store, forward, until stopped", cmdRun},
		{"check", "-c SITE", "say all that is wrong with a site file, and what each line will carry", cmdCheck},
		{"status", "-c SITE", "how the running agent does: lines, log, wear, uplinks; -json, -watch", cmdStatus},
		{"maintain", "[DEVICE]", "set a device to maintenance or calibration: -for 2h -why TEXT; -end; or list", cmdMaintain},
		{"read", "-c SITE DEVICE", "ask one instrument and show what it says; -raw bytes, -watch again", cmdRead},
		{"poke", "LINE UNIT FC ADDR N", "one question by hand: bytes out and in, and all they may mean", cmdPoke},
		{"scan", "[PORT|LINE|URL]", "list serial ports; find out who is on one and how it is set", cmdScan},
		{"tap", "-c SITE LINE", "live frames on a line of the running agent", cmdTap},
		{"template", "list|show|test", "what instruments are known; try a template of your own", cmdTemplate},
		{"key", "new|show ...", "make the gateway's signing key, or show its public half", cmdKey},
		{"platform", "reset NAME", "take back what an HJ 212 platform has set by its commands", cmdPlatform},
		{"frame", "FRAME... | make", "explain HJ 212 frames field by field, or make one", cmdFrame},
		{"log", "stat|check|repair|...", "what a log holds; prove it; salvage a bad one; export to a stick", cmdLog},
		{"verify", "-k PUBLIC FILE...", "check signatures and chain of blocks in files", cmdVerify},
		{"version", "", "print the version", cmdVersion},
	}
}

// program runs one command, and gives its exit code: 0 well, 1 not, 2 not understood, 3
// no agent runs that could have been asked.
func program(args []string, out, errs io.Writer) int {
	chinese = language() == "zh"
	if len(args) > 0 {
		if l, ok := strings.CutPrefix(strings.TrimLeft(args[0], "-"), "lang="); ok {
			chinese, args = l == "zh", args[1:]
		}
	}
	if len(args) == 0 {
		usage(errs)
		return 2
	}
	for _, c := range commands() {
		if c.name != args[0] {
			continue
		}
		err := c.run(args[1:], out, errs)
		if help, ok := errors.AsType[helpText](err); ok {
			fmt.Fprintf(out, "envgate %s %s\n  %s\n%s", c.name, c.args, say(c.about), string(help))
			return 0
		}
		return report(errs, c, err)
	}
	switch args[0] {
	case "help", "-h", "-help", "--help":
		usage(out)
		return 0
	}
	tell(errs, hinted{failure("%q is no command", args[0]), say("envgate help lists them")})
	return 2
}

// report writes an error the way all are written: one line, lower case, no full
// stop, and what to do about it as a line of its own.
func report(errs io.Writer, c command, err error) int {
	switch {
	case err == nil:
		return 0
	case errors.Is(err, errUsage):
		tell(errs, hinted{err, "envgate " + c.name + " " + c.args})
		return 2
	default:
		tell(errs, err)
	}
	if errors.Is(err, errNoAgent) {
		return 3
	}
	return 1
}

func tell(errs io.Writer, err error) {
	if errors.Is(err, errSaid) {
		return
	}
	io.WriteString(errs, say("envgate: error: %s\n", strings.ReplaceAll(err.Error(), "\n", "; ")))
	if hint := hintFor(err); hint != "" {
		io.WriteString(errs, say("envgate: hint: %s\n", hint))
	}
}

var (
	errUsage = errors.New("not understood") // wrapped: the command line is wrong
	errSaid  = errors.New("said already")   // the error has been written where it arose
)

func usage(w io.Writer) {
	io.WriteString(w, say("envgate %s: from the instrument to the data centre, sealed\n\n", version))
	for _, c := range commands() {
		fmt.Fprintf(w, "  envgate %-8s %-21s %s\n", c.name, c.args, say(c.about))
	}
}

func cmdVersion(args []string, out, _ io.Writer) error {
	fmt.Fprintf(out, "envgate %s\n", version)
	return nil
}
