package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"strings"

	"envgate/envelope"
)

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
		if err := f.Parse(args); errors.Is(err, flag.ErrHelp) {
			var text strings.Builder
			f.SetOutput(&text)
			f.PrintDefaults()
			return nil, helpText(text.String())
		} else if err != nil {
			return nil, fmt.Errorf("%w: %w", errUsage, err)
		}
		if args = f.Args(); len(args) == 0 {
			return rest, nil
		}
		rest, args = append(rest, args[0]), args[1:]
	}
}

// helpText is what the flags of a command mean: -h asks for it.
type helpText string

func (h helpText) Error() string { return "help was asked for" }

func cmdKey(args []string, out, errs io.Writer) error {
	f := flags("key")
	gateway := f.String("gateway", "", "gateway id")
	file := f.String("out", "", "file to make")
	public := f.Bool("pem", false, "print the public key alone, in PEM")
	rest, err := parse(f, args)
	if err != nil {
		return err
	}
	switch {
	case len(rest) == 1 && rest[0] == "new":
		if *gateway == "" || *file == "" {
			return fmt.Errorf("%w: key new needs --gateway ID and --out FILE", errUsage)
		}
		k, err := envelope.NewKey(*gateway)
		if err != nil {
			return fmt.Errorf("key new: %w", err)
		}
		if err := envelope.WriteKey(*file, k); err != nil {
			return fmt.Errorf("key new: %w", err)
		}
		fmt.Fprintf(errs, "envgate: wrote %s; it never leaves this gateway\n", *file)
		return showKey(out, k, *public)
	case len(rest) == 2 && rest[0] == "show":
		k, err := envelope.LoadKey(rest[1])
		if err != nil {
			return fmt.Errorf("key show: %w", err)
		}
		return showKey(out, k, *public)
	}
	return fmt.Errorf("%w: key new --gateway ID --out FILE, or key show FILE [--pem]", errUsage)
}

func showKey(out io.Writer, k *envelope.Key, pemOnly bool) error {
	p := k.Public()
	if !pemOnly {
		fmt.Fprintf(out, "key         %s\nfingerprint %s\n", p.KeyID, p.Fingerprint())
	}
	_, err := out.Write(p.PEM())
	return err
}
