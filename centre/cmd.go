package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"syscall"

	"envgate/envelope"
)

// A command is one word of the command line.
type command struct {
	name, args, about string
	run               func(ctx context.Context, args []string, out, errs io.Writer) error
}

func commands() []command {
	return []command{
		{"run", "-c FILE", "receive, verify, store and receipt until stopped", cmdRun},
		{"import", "-c FILE FILE...", "take blocks from files: a stick, or what was salvaged of a damaged log", cmdImport},
		{"verify", "-c FILE | -k PUBLIC [FILE...]", "verify blocks in files, or a whole database, offline", cmdVerify},
		{"gaps", "-c FILE | DATABASE", "say for each stream what is there and what is missing", cmdGaps},
		{"export", "-c FILE | DATABASE --csv|--ndjson|--raw", "readings, figures and events out of the stored blocks", cmdExport},
		{"command", "-c FILE --why TEXT GATEWAY DO ...", "sign an order to a gateway, and wait for what comes of it", cmdCommand},
		{"hj212", "list|export|compare -c FILE", "what came by HJ 212, as a table, or held against MQTT", cmdHJ212},
		{"key", "new --out FILE | show FILE", "make the key that signs receipts, or show its public half", cmdKey},
		{"version", "", "print the version", cmdVersion},
	}
}

var errUsage = errors.New("not understood") // wrapped: the command line is wrong

// program runs one command and gives its exit code: 0 well, 1 not, 2 not
// understood.
func program(ctx context.Context, args []string, out, errs io.Writer) int {
	if len(args) == 0 {
		usage(errs)
		return 2
	}
	for _, c := range commands() {
		if c.name != args[0] {
			continue
		}
		err := c.run(ctx, args[1:], out, errs)
		switch {
		case err == nil:
			return 0
		case errors.Is(err, errUsage):
			tell(errs, withHint(err, "centre %s %s", c.name, c.args))
			return 2
		}
		tell(errs, addHint(err))
		return 1
	}
	switch args[0] {
	case "help", "-h", "-help", "--help":
		usage(out)
		return 0
	}
	tell(errs, withHint(fmt.Errorf("%q is no command", args[0]), "centre help lists them"))
	return 2
}

func usage(w io.Writer) {
	fmt.Fprintf(w, "centre %s: receives what gateways sealed, and accounts for every block\n\n", version)
	for _, c := range commands() {
		fmt.Fprintf(w, "  centre %-7s %-41s %s\n", c.name, c.args, c.about)
	}
}

// hints are what to do about errors that can come from anywhere.
var hints = []struct {
	err  error
	hint string
}{
	{envelope.ErrKeyMode, "chmod 600 the key; one that others may have read should be replaced"},
	{envelope.ErrKeyOwner, "chown the key to the user that runs centre"},
	{envelope.ErrKeyForm, "`centre key new` makes one, `centre key show` shows its public half"},
	{errInUse, "stop the other one first: two would count every block twice"},
	{errLayout, "another program made the file, or a newer centre"},
	{errNoStore, "`centre run` makes it"},
	{errReadStore, "the file may be damaged: keep it, and put a copy from the backup in its place"},
	{syscall.ENOSPC, "make room on the disk"},
	{syscall.EROFS, "the disk is mounted read-only"},
	{fs.ErrExist, "choose another name: no key is ever written over"},
	{fs.ErrPermission, "run as the user that owns it"},
}

// addHint adds what to do about an error, where it does not say it itself.
func addHint(err error) error {
	if _, ok := errors.AsType[hinted](err); ok {
		return err
	}
	for _, h := range hints {
		if errors.Is(err, h.err) {
			return withHint(err, "%s", h.hint)
		}
	}
	return err
}

// flags makes a flag set that says nothing by itself: errors come back.
func flags(name string) *flag.FlagSet {
	f := flag.NewFlagSet(name, flag.ContinueOnError)
	f.SetOutput(io.Discard)
	return f
}

// parse reads flags that may stand before, between and after the arguments.
func parse(f *flag.FlagSet, args []string) ([]string, error) {
	var rest []string
	for {
		if err := f.Parse(args); err != nil {
			return nil, fmt.Errorf("%w: %w", errUsage, err)
		}
		if args = f.Args(); len(args) == 0 {
			return rest, nil
		}
		rest, args = append(rest, args[0]), args[1:]
	}
}

// openNamed opens the database that a command was given, to read.
func openNamed(ctx context.Context, rest []string, configPath string) (*sqlStore, error) {
	path, err := database(rest, configPath)
	if err != nil {
		return nil, err
	}
	return openReader(ctx, path)
}

// database is the path that a command was given: by name, or by a configuration.
func database(rest []string, configPath string) (string, error) {
	switch {
	case len(rest) == 1 && configPath == "":
		return rest[0], nil
	case len(rest) == 0 && configPath != "":
		c, err := loadConfig(configPath)
		if err != nil {
			return "", err
		}
		return c.Database, nil
	}
	return "", fmt.Errorf("%w: a database, or -c with a configuration", errUsage)
}
