package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"text/tabwriter"

	"envgate/envelope"
)

// cmdVerify verifies files of one message each, folders of them, or databases,
// with the public keys of a configuration's register or those named by -k.
// Without a file it verifies the configuration's database.
func cmdVerify(ctx context.Context, args []string, out, _ io.Writer) error {
	f := flags("verify")
	configPath := f.String("c", "", "configuration")
	reg := &register{names: make(map[string]string), keys: make(envelope.KeySet)}
	f.Func("k", "public key file, PEM; may be given again", func(path string) error {
		b, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		k, err := envelope.ParsePublicKey(b)
		if err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
		if k.KeyID == "" {
			return fmt.Errorf("%s: the key does not say its id: add the line kid: GATEWAY/EdDSA/1", path)
		}
		reg.keys[k.KeyID] = k
		return nil
	})
	files, err := parse(f, args)
	if err != nil {
		return err
	}
	if *configPath != "" {
		c, err := loadConfig(*configPath)
		if err != nil {
			return err
		}
		for kid, k := range c.Register.keys {
			reg.keys[kid] = k
		}
		if len(files) == 0 {
			files = []string{c.Database}
		}
	}
	if len(reg.keys) == 0 || len(files) == 0 {
		return fmt.Errorf("%w: verify needs keys (-k or -c) and something to verify", errUsage)
	}
	a, err := newAudit(ctx, reg)
	if err != nil {
		return err
	}
	var messages, notes []string
	for _, path := range files {
		isStore, err := sniff(path)
		if err != nil {
			return err
		}
		if !isStore {
			messages = append(messages, path)
			continue
		}
		if len(files) > 1 {
			return fmt.Errorf("%w: %s is a database: one, and nothing beside it", errUsage, path)
		}
		s, err := openReader(ctx, path)
		if err != nil {
			return err
		}
		defer s.Close()
		if err := a.auditStore(ctx, s); err != nil {
			return fmt.Errorf("verify %s: %w", path, err)
		}
	}
	if len(messages) > 0 {
		if notes, err = a.auditFiles(ctx, messages); err != nil {
			return fmt.Errorf("verify: %w", err)
		}
	}
	if err := a.report(out, notes); err != nil {
		return err
	}
	if n := len(a.findings); n > 0 {
		return withHint(fmt.Errorf("verify: %s in %s", plural(n, "finding"), plural(a.blocks, "block")), "keep everything as it is: what is wrong is evidence too")
	}
	return nil
}

// sniff reports whether a file is a database.
func sniff(path string) (bool, error) {
	info, err := os.Stat(path)
	if err != nil || info.IsDir() {
		return false, err
	}
	f, err := os.Open(path)
	if err != nil {
		return false, err
	}
	defer f.Close()
	head := make([]byte, 16)
	n, _ := io.ReadFull(f, head) // a file may be shorter than that
	return isSQLite(head[:n]), nil
}

// report prints a table for people: the chains, then the findings.
func (a *audit) report(out io.Writer, notes []string) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "GATEWAY\tSTREAM\tEPOCH\tFIRST\tLAST\tPROVEN TO\tSTATE")
	bad := make(map[chainID]int)
	for _, f := range a.findings {
		bad[f.id]++
	}
	for _, c := range sorted(a.ledger.chains) {
		state := "whole"
		if n := bad[c.chainID]; n > 0 {
			state = plural(n, "finding")
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%d\t%d\t%d\t%s\n", c.Gateway, c.Stream, c.Epoch, c.first, c.last, c.head.Seq, state)
	}
	fmt.Fprintf(w, "\n%s, %s, %s evicted, %s\n", plural(a.blocks, "block"), plural(a.readings, "value"), plural(a.evicted, "range"), plural(len(a.findings), "finding"))
	for _, n := range notes {
		fmt.Fprintf(w, "note: %s\n", n)
	}
	if len(a.findings) > 0 {
		fmt.Fprintln(w, "\nFINDING\tGATEWAY\tSTREAM\tEPOCH\tBLOCK\tWHAT")
	}
	for _, f := range a.findings {
		block := "-"
		if f.seq > 0 {
			block = fmt.Sprint(f.seq)
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\n", f.kind, dash(f.id.Gateway), dash(f.id.Stream), dash(f.id.Epoch), block, f.text)
	}
	return w.Flush()
}

func dash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
