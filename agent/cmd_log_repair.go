package main

import (
	"errors"
	"fmt"
	"io"
	"syscall"

	"envgate/buffer"
)

// logRepair takes all signed blocks out of a file that nobody has open. The file itself
// stays as it is.
func logRepair(args []string, out, errs io.Writer) error {
	f := flags("log repair")
	var l logFlags
	l.add(f)
	path, site, err := l.parse(f, args, errs)
	if err != nil {
		return err
	}
	if len(l.keys) == 0 {
		return fmt.Errorf("%w: log repair needs the gateway's public key: -k PUBLIC (envgate key show KEY --pem prints it), or -c SITE; nothing unsigned is taken", errUsage)
	}
	ctx, stop := untilStopped()
	defer stop()
	bar := newProgress(errs, "repair", 0)
	s := &salvage{path: path, keys: l.keys, step: func(at, total int64) {
		bar.total = total
		bar.set(at)
	}}
	if site != nil {
		s.gateway = site.Gateway.ID
	}
	r, err := s.run(ctx)
	bar.clear()
	switch {
	case errors.Is(err, buffer.ErrLocked):
		return hinted{
			fmt.Errorf("log repair: %s: %w", path, err),
			"a running agent repairs by itself: what it has set aside (" + path + ".aside-…) it salvages beside its work. To repair this file, stop the agent first",
		}
	case errors.Is(err, syscall.ENOSPC):
		return hinted{fmt.Errorf("log repair: %w", err), "copy the file to a machine with more room, and repair it there with -k PUBLIC"}
	case err != nil:
		return fmt.Errorf("log repair: %w", err)
	}
	fmt.Fprint(out, r.text())
	fmt.Fprintf(out, "\nreport   %s.report.txt and .json\n", path)
	fmt.Fprintf(out, "next     at the data centre: centre import -c CENTRE %s 交给数据中心导入\n", r.Output)
	return nil
}
