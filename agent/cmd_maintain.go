package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"envgate/config"
	"envgate/hj212"
)

// cmdMaintain sets a device of the running agent to maintenance or calibration, ends
// that, or lists what is in force.
func cmdMaintain(args []string, out, errs io.Writer) error {
	f := flags("maintain")
	path := f.String("c", "site.yaml", "site file")
	length := f.Duration("for", 0, "how long, such as 2h or 30m; it ends by itself")
	why := f.String("why", "", "what is done; it goes into the signed log")
	calibration := f.Bool("calibration", false, "it is a calibration: flag C in place of M")
	end := f.Bool("end", false, "it is over")
	lang := f.String("lang", language(), "zh or en")
	rest, err := parse(f, args)
	if err != nil {
		return err
	}
	q := &request{Do: "maintained", For: *length, Why: *why, Sudo: os.Getenv("SUDO_USER"), Flag: hj212.FlagMaintenance}
	if *calibration {
		q.Flag = hj212.FlagCalibration
	}
	switch {
	case len(rest) > 1:
		return fmt.Errorf("%w: maintain takes one device, not %q", errUsage, rest)
	case *lang != "zh" && *lang != "en":
		return fmt.Errorf("%w: -lang is zh or en, not %q", errUsage, *lang)
	case len(rest) == 0 && (*end || *length != 0 || *why != "" || *calibration):
		return fmt.Errorf("%w: which device?", errUsage)
	case len(rest) == 1 && *end:
		if *length != 0 || *why != "" || *calibration {
			return fmt.Errorf("%w: -end stands alone", errUsage)
		}
		q.Do, q.Flag, q.Device = "maintain-end", "", rest[0]
	case len(rest) == 1:
		q.Do, q.Device = "maintain", rest[0]
		if *length == 0 || *why == "" {
			return fmt.Errorf("%w: maintain %s needs -for, such as -for 2h, and -why, such as -why \"filter changed\"", errUsage, rest[0])
		}
	}
	site, err := loadSite(*path, errs)
	if err != nil {
		return err
	}
	list, err := askModes(site, q)
	if err != nil {
		return err
	}
	writeModes(out, list, q, *lang == "zh")
	return nil
}

func askModes(site *config.Site, q *request) ([]modeStatus, error) {
	a, err := dialAgent(site)
	if errors.Is(err, errNoAgent) {
		return nil, hinted{err, "readings get their flag from the running agent: start it first, systemctl start envgate"}
	}
	if err != nil {
		return nil, err
	}
	defer a.Close()
	ctx, cancel := context.WithTimeout(context.Background(), localWrite)
	defer cancel()
	r, err := a.ask(ctx, q)
	return r.Modes, err
}

// writeModes says what was done and what is in force.
func writeModes(out io.Writer, list []modeStatus, q *request, zh bool) {
	x := explainer{zh: zh}
	if q.Do == "maintain-end" {
		fmt.Fprintf(out, x.say("%s: ended; its readings count again\n", "%s：已结束，数据恢复正常标记\n"), q.Device)
	}
	if len(list) == 0 {
		fmt.Fprintln(out, x.say("no device is in maintenance", "没有设备处于维护或校准状态"))
		return
	}
	w := columns(out)
	fmt.Fprintln(w, x.say("DEVICE\tFLAG\tSINCE\tUNTIL\tLEFT\tWHO\tWHY", "设备\t标记\t开始\t结束\t剩余\t操作人\t原因"))
	for _, m := range list {
		what := x.say("maintenance", "维护")
		if m.Flag == hj212.FlagCalibration {
			what = x.say("calibration", "校准")
		}
		fmt.Fprintf(w, "%s\t%s %s\t%s\t%s\t%s\t%s\t%s\n", m.Device, m.Flag, what, when(m.Since), when(m.Until),
			time.Duration(m.Left)*time.Second, m.Who, m.Why)
	}
	w.Flush()
}
