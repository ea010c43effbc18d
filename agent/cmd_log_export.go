package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
)

// logExport copies a log to a folder, as a rule a USB stick: signed blocks for the data
// centre, and tables for people.
func logExport(args []string, out, errs io.Writer) error {
	f := flags("log export")
	var l logFlags
	l.add(f)
	e := exporter{out: out, errs: errs}
	to := f.String("to", "", "folder, such as the mounted stick")
	f.Func("from", "site time, such as 2026-03-01 or 2026-03-01T08:00", func(s string) (err error) { e.from, err = siteTime(s); return err })
	f.Func("until", "site time, not included", func(s string) (err error) { e.until, err = siteTime(s); return err })
	only := f.String("stream", strings.Join(streams, ","), "which, with commas between them")
	asCSV := f.Bool("csv", false, "tables alone")
	asBlocks := f.Bool("blocks", false, "signed blocks alone")
	rest, err := parse(f, args)
	if err != nil {
		return err
	}
	if *to == "" {
		return fmt.Errorf("%w: log export needs -to DIR", errUsage)
	}
	e.csv, e.blocks = *asCSV || !*asBlocks, *asBlocks || !*asCSV
	e.streams = strings.Split(*only, ",")
	path, site, err := l.path(rest, errs)
	if err != nil {
		return err
	}
	e.keys = l.keys
	if len(e.keys) == 0 {
		return fmt.Errorf("%w: log export needs the gateway's public key, to hold each block against it: -k PUBLIC, or -c SITE", errUsage)
	}
	ctx, stop := untilStopped()
	defer stop()
	if e.view, err = viewLog(ctx, path, site); err != nil {
		return fmt.Errorf("log export: %w", err)
	}
	defer e.view.Close()
	if bad := e.view.file; bad != nil && bad.Bad() != nil {
		return hinted{fmt.Errorf("log export: %s: %w", path, bad.Bad()), "envgate log repair takes out all that is whole"}
	}
	for _, s := range e.streams {
		// One of ours that never had a block may not be there yet.
		if _, ok := e.view.info.Streams[s]; !ok && !slices.Contains(streams, s) {
			return fmt.Errorf("%w: the log has no stream %q", errUsage, s)
		}
	}
	if err := e.target(*to); err != nil {
		return stickError(err, *to)
	}
	return stickError(e.run(ctx), *to)
}

// siteTime reads a time as people write it, at the site's zone.
func siteTime(s string) (time.Time, error) {
	for _, form := range []string{time.RFC3339Nano, "2006-01-02T15:04:05", "2006-01-02T15:04", "2006-01-02 15:04:05", "2006-01-02 15:04", "2006-01-02"} {
		if t, err := time.ParseInLocation(form, s, siteZone); err == nil {
			return t, nil
		}
	}
	return time.Time{}, fmt.Errorf("%q: a time such as 2026-03-01 or 2026-03-01T08:00", s)
}

// target checks the folder and makes the gateway's own in it.
func (e *exporter) target(dir string) error {
	info, err := os.Stat(dir)
	if err != nil {
		return err
	}
	if !info.IsDir() {
		return fmt.Errorf("%s is no folder", dir)
	}
	var bytes int64
	for _, s := range e.view.info.Streams {
		bytes += s.Bytes
	}
	if sameDisk(dir, e.view.path) {
		fmt.Fprintf(e.errs, "envgate: warning: %s is on the disk of the log itself: is the stick mounted? 存储盘是否已挂载？\n", dir)
		if free := freeBytes(dir); free < 4*bytes+asideSpare {
			return hinted{
				fmt.Errorf("%s is on the disk of the log, which has %s free: an export could leave the log no room", dir, megabytes(free)),
				"mount the stick, or take less: -from, -blocks 请先挂载存储盘",
			}
		}
	}
	gateway := ""
	for _, s := range e.view.streams() {
		if gateway == "" {
			gateway, _, _ = e.view.times(context.Background(), s)
		}
	}
	if gateway == "" {
		return errors.New("the log has no blocks")
	}
	e.gateway, e.dir = gateway, filepath.Join(dir, "envgate-"+gateway)
	if err := os.Mkdir(e.dir, 0o755); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return e.readManifest()
}

// sameDisk says whether two paths are on one file system.
func sameDisk(a, b string) bool {
	var x, y syscall.Stat_t
	return syscall.Stat(a, &x) == nil && syscall.Stat(b, &y) == nil && x.Dev == y.Dev
}

// stickError says what to do about a stick that is full, gone or locked.
func stickError(err error, dir string) error {
	if err == nil {
		return nil
	}
	wrapped := fmt.Errorf("log export: %w", err)
	hint := ""
	switch {
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EFBIG), errors.Is(err, syscall.EDQUOT):
		hint = "the stick is full: make room or take a larger one. What is complete on it is good; the same command goes on where it stopped 存储盘已满，腾出空间后再运行同一命令即可续传"
	case errors.Is(err, syscall.EROFS):
		hint = "the stick is write-protected, or its file system is damaged: try another one 存储盘写保护或已损坏"
	case errors.Is(err, syscall.EIO), errors.Is(err, syscall.ENODEV), errors.Is(err, syscall.ENXIO), errors.Is(err, fs.ErrNotExist):
		hint = "is " + dir + " there, was the stick pulled, or is it failing? Put it in again, mount it, run the same command: it goes on where it stopped 存储盘未挂载或被拔出，重新插入后再运行同一命令即可续传"
	case errors.Is(err, context.Canceled):
		return hinted{errors.New("log export: stopped"), "what is complete is good; the same command goes on where it stopped 再运行同一命令即可续传"}
	default:
		return wrapped
	}
	return hinted{wrapped, hint}
}
