package main

import (
	"context"
	"fmt"
	"io"

	"envgate/envelope"
)

func cmdKey(_ context.Context, args []string, out, errs io.Writer) error {
	f := flags("key")
	name := f.String("name", "centre", "name of the centre in the key's id")
	file := f.String("out", "", "file to make")
	public := f.Bool("pem", false, "print the public key alone, in PEM")
	rest, err := parse(f, args)
	if err != nil {
		return err
	}
	switch {
	case len(rest) == 1 && rest[0] == "new":
		if *file == "" || !isName(*name) {
			return fmt.Errorf("%w: key new needs --out FILE; --name is letters, digits, - and _", errUsage)
		}
		k, err := envelope.NewKey(*name)
		if err != nil {
			return fmt.Errorf("key new: %w", err)
		}
		if err := envelope.WriteKey(*file, k); err != nil {
			return fmt.Errorf("key new: %w", err)
		}
		fmt.Fprintf(errs, "centre: wrote %s; what is printed goes to every gateway, as one of its centre_keys\n", *file)
		return showKey(out, k, *public)
	case len(rest) == 2 && rest[0] == "show":
		k, err := envelope.LoadKey(rest[1])
		if err != nil {
			return fmt.Errorf("key show: %w", err)
		}
		return showKey(out, k, *public)
	}
	return fmt.Errorf("%w: key new --out FILE [--name NAME] [--pem], or key show FILE [--pem]", errUsage)
}

// showKey prints a key's public half.
func showKey(out io.Writer, k *envelope.Key, pemOnly bool) error {
	p := k.Public()
	if !pemOnly {
		fmt.Fprintf(out, "key         %s\nfingerprint %s\n", p.KeyID, p.Fingerprint())
	}
	_, err := out.Write(p.PEM())
	return err
}
