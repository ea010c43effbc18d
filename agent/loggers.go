package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"sync"
	"syscall"
	"text/tabwriter"
	"time"

	"envgate/config"
	"envgate/drivers"
	"envgate/drivers/modbus"
	"envgate/envelope"
	"envgate/hj212"
)

// siteLogger is a line of a site file on which instruments speak by themselves.
type siteLogger struct {
	config config.Line
	logger *drivers.Logger
}

const (
	dialTime  = 10 * time.Second
	frameBits = 24_000 // of a long frame (1 KB and its head) on a serial line, twice over
)

var errSpeaks = errors.New("it speaks by itself (HJ 212) and cannot be asked")

// pushes says whether the instruments of a line speak by themselves.
func pushes(c config.Line) bool { return c.Protocol != "" }

// makeLoggers makes the lines of a site on which HJ 212 frames come. It opens nothing.
func (a *agent) makeLoggers() ([]*siteLogger, error) {
	var out []*siteLogger
	for _, c := range a.site.Lines {
		if !pushes(c) {
			continue
		}
		o := drivers.LoggerOptions{
			Name: c.Name, Dialect: dialectOf(c.CRC),
			Sample: a.in.add, ClockSet: a.clock.set.Load,
			Event: func(e drivers.LoggerEvent) { a.heard(c.Name, e) },
		}
		for _, d := range c.Devices {
			o.Devices = append(o.Devices, d.Logger())
		}
		switch {
		case c.Serial != nil:
			o.FrameTime = max(5*time.Second, frameBits*time.Second/time.Duration(c.Serial.Baud))
			o.Open = func(context.Context) (drivers.Stream, error) { return modbus.OpenPort(serialOf(c.Serial)) }
		case c.URL != "":
			o.Open = func(ctx context.Context) (drivers.Stream, error) { return dialLogger(ctx, c.URL) }
		default:
			o.Listen = func(ctx context.Context) (net.Listener, error) { return listenLogger(ctx, c.Listen) }
		}
		l, err := drivers.NewLogger(o)
		if err != nil {
			return nil, fmt.Errorf("line %s: %w", c.Name, err)
		}
		out = append(out, &siteLogger{c, l})
	}
	return out, nil
}

func dialectOf(crc string) hj212.Dialect {
	for _, d := range []hj212.Dialect{hj212.Modbus, hj212.ModbusSwapped} {
		if crc == d.String() {
			return d
		}
	}
	return hj212.Standard
}

func dialLogger(ctx context.Context, url string) (drivers.Stream, error) {
	d := net.Dialer{Timeout: dialTime}
	c, err := d.DialContext(ctx, "tcp", strings.TrimPrefix(url, "tcp://"))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", modbus.ErrUnreachable, err)
	}
	return c, nil
}

func listenLogger(ctx context.Context, address string) (net.Listener, error) {
	var c net.ListenConfig
	l, err := c.Listen(ctx, "tcp", address)
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return nil, hinted{err, "another program listens there; ss -ltnp names it"}
	case errors.Is(err, syscall.EADDRNOTAVAIL):
		return nil, hinted{err, "that address is none of this gateway's; ip address shows them"}
	}
	return l, err
}

// startLoggers starts the lines on which instruments speak by themselves. Each depends
// on nothing but itself (promise P1).
func (a *agent) startLoggers(ctx context.Context, loggers []*siteLogger, all *sync.WaitGroup) {
	for _, l := range loggers {
		all.Go(func() {
			defer a.caught("line " + l.config.Name)
			l.logger.Run(ctx)
			s := l.logger.Stats()
			a.logger.Info("line ends", "line", l.config.Name, "connections", s.Connections, "evicted", s.Evicted,
				"frames", s.Frames, "bad", s.BadFrames, "skipped", s.Skipped, "samples", s.Samples, "late", s.Late, "copies", s.Copies,
				"periods", s.Periods, "others", s.Others, "unknown", s.Unknown, "unread", s.Unread)
		})
	}
}

// heard says what happened on a line, in the log and in the event stream.
func (a *agent) heard(line string, e drivers.LoggerEvent) {
	var kind string
	log := a.logger.With("line", line)
	health := a.board.logger(line)
	switch e.Type {
	case drivers.LoggerLineDown:
		kind = envelope.EventLineDown
		health.fell(e.Err.Error())
		log.Error("line down", "err", e.Err, "hint", hintFor(e.Err))
	case drivers.LoggerLineUp:
		kind = envelope.EventLineUp
		health.rose()
		log.Info("line up", "why", e.Why)
	case drivers.LoggerDeviceOffline:
		kind = envelope.EventDeviceOffline
		health.unit(e.Subject, false, e.Why)
		log.Warn("device offline", "device", e.Subject, "why", e.Why)
	case drivers.LoggerDeviceOnline:
		kind = envelope.EventDeviceOnline
		health.unit(e.Subject, true, "")
		log.Info("device speaks again", "device", e.Subject, "why", e.Why)
	case drivers.LoggerUnknown:
		kind = envelope.EventDeviceUnknown
		log.Warn("frames of an unknown device", "mn", e.New, "hint", "if it is one of yours, its mn: belongs under this line's devices")
	case drivers.LoggerClock:
		kind = envelope.EventDeviceClock
		log.Warn("the clock of a device", "device", e.Subject, "off", e.New, "before", e.Old)
	case drivers.LoggerDialect:
		kind = envelope.EventLineCRC
		log.Warn("frames have another check sum", "ours", e.Old, "theirs", e.New, "hint", "write crc: "+e.New+" for this line")
	case drivers.LoggerPoints:
		kind = envelope.EventDevicePoints
		log.Warn("a device has too many points", "device", e.Subject, "point", e.New)
	default:
		kind = envelope.EventFault
		log.Error("a connection was ended by a fault", "err", e.Why)
	}
	a.in.event(envelope.Event{
		Type: kind, At: time.Now().UnixMilli(), Subject: e.Subject, Old: e.Old, New: e.New, Why: strings.ToValidUTF8(e.Why, "?"),
	})
}

// loggerSources are the catalogue's sources of devices that speak by themselves, with
// the points that they are known to have. Others come as they come.
func loggerSources(site *config.Site) []source {
	var out []source
	for _, l := range site.Lines {
		if !pushes(l) {
			continue
		}
		for _, d := range l.Devices {
			s := source{Source: d.Name, Device: d.Name, Line: l.Name, Protocol: l.Protocol, MN: d.MN, IntervalMs: d.Interval.Milliseconds(), Points: []point{}}
			for _, f := range d.Factors {
				p := point{Point: f.Point, Unit: f.Unit, Decimals: -1}
				code, converted := strings.CutSuffix(f.Code, "-ZsRtd")
				if known, ok := hj212.LookupFactor(hj212.Ed2017, code); ok {
					p.Chinese, p.English = known.Chinese, known.English
					if converted {
						p.Chinese, p.English = p.Chinese+"（折算）", p.English+", converted"
					}
				}
				s.Points = append(s.Points, p)
			}
			out = append(out, s)
		}
	}
	return out
}

// loggerFiles are what is missing for the lines on which HJ 212 frames come.
func loggerFiles(site *config.Site) (missing []error) {
	for _, l := range site.Lines {
		if pushes(l) && l.Serial != nil {
			if _, err := os.Stat(l.Serial.Port); err != nil {
				missing = append(missing, hinted{fmt.Errorf("line %s: %w", l.Name, err), hintFor(modbus.ErrPortMissing)})
			}
		}
	}
	return missing
}

// printLoggers shows who speaks by itself, and where. That loads no bus.
func printLoggers(out io.Writer, site *config.Site) {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	begun, asked := false, false
	for _, l := range site.Lines {
		asked = asked || !pushes(l)
	}
	for _, l := range site.Lines {
		if !pushes(l) {
			continue
		}
		if !begun && asked {
			fmt.Fprintln(out)
		}
		if !begun {
			fmt.Fprintln(w, "LINE\tDEVICE\tMN\tEVERY\tPOINTS\tSPEAKS BY ITSELF")
			begun = true
		}
		where := "from " + l.URL
		switch {
		case l.Serial != nil:
			where = fmt.Sprintf("on %s, %d baud", l.Serial.Port, l.Serial.Baud)
		case l.Listen != "":
			where = "to " + l.Listen
		}
		for _, d := range l.Devices {
			fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%d\t%s, crc %s\n", l.Name, d.Name, d.MN, d.Interval, len(d.Factors), where, l.CRC)
		}
	}
	w.Flush()
}

// speaks is the error of asking a device that speaks by itself; nil for others.
func speaks(site *config.Site, device string) error {
	for _, l := range site.Lines {
		for _, d := range l.Devices {
			if pushes(l) && d.Name == device {
				return hinted{fmt.Errorf("read %s: %w", device, errSpeaks), "envgate run takes what it sends, about every " + d.Interval.String()}
			}
		}
	}
	return nil
}
