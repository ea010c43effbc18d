package main

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"strings"
	"time"

	"envgate/agent/uplink"
	"envgate/config"
	"envgate/drivers"
	"envgate/drivers/modbus"
	"envgate/envelope"
)

// siteLine and siteDevice are a site file's lines and devices, made ready.
type siteLine struct {
	config  config.Line
	line    *modbus.Line // nil where bus is broken
	bus     drivers.Bus
	gate    *gate // bus, for polls and guests
	devices []*siteDevice
}

type siteDevice struct {
	config   config.Device
	template *drivers.Template
	device   *drivers.Device
}

// silence is how long the line is lost to a question without an answer.
func (d *siteDevice) silence(l config.Line) time.Duration {
	timeout := d.config.Timeout
	for _, q := range d.device.Plan() {
		timeout = max(timeout, q.Timeout) // by its template
	}
	if timeout == 0 {
		timeout = l.Timeout
	}
	return timeout + l.LateWindow
}

// makeLines makes the lines of a site. It opens nothing: a line connects when it is
// first asked, so that a missing port keeps nothing from starting.
func makeLines(site *config.Site) ([]*siteLine, error) {
	var out []*siteLine
	for _, c := range site.Lines {
		if pushes(c) {
			continue // see makeLoggers
		}
		l := &siteLine{config: c}
		if err := l.open(); err != nil {
			return out, fmt.Errorf("line %s: %w", c.Name, err)
		}
		l.gate = newGate(l.bus, c.LateWindow)
		out = append(out, l)
		for _, d := range c.Devices {
			t, err := site.Template(d)
			if err != nil {
				return out, fmt.Errorf("line %s: device %s: %w", c.Name, d.Name, err)
			}
			device, err := drivers.NewDevice(drivers.DeviceOptions{
				Name: d.Name, Unit: byte(d.Unit), Template: t, Timeout: d.Timeout, Pause: d.Pause, Interval: d.Interval,
				LateWindow: c.LateWindow, Raw: d.Evidence == "raw",
			})
			if err != nil {
				return out, fmt.Errorf("line %s: %w", c.Name, err)
			}
			l.devices = append(l.devices, &siteDevice{d, t, device})
		}
	}
	return out, nil
}

// open makes the line's bus. A line whose certificates cannot be loaded is a bus that
// says so at each question: the other lines go on.
func (l *siteLine) open() (err error) {
	c := l.config
	o := modbus.Options{Timeout: c.Timeout, LateWindow: c.LateWindow, Pause: c.Pause}
	switch {
	case c.Serial != nil:
		l.line, err = modbus.NewSerial(serialOf(c.Serial), o)
	case c.TLS != nil:
		if o.Certificate, o.RootCAs, err = lineTLS(c.TLS); err != nil {
			l.bus = brokenBus{err}
			return nil
		}
		fallthrough
	default:
		l.line, err = modbus.NewNetwork(c.URL, o)
	}
	l.bus = l.line
	return err
}

func serialOf(c *config.Serial) modbus.Serial {
	return modbus.Serial{
		Port: c.Port, Baud: c.Baud, DataBits: c.DataBits, Parity: c.Parity, StopBits: c.StopBits, Echo: c.Echo,
	}
}

func lineTLS(c *config.TLS) (*tls.Certificate, *x509.CertPool, error) {
	pair, err := tls.LoadX509KeyPair(c.Certificate, c.Key)
	if err != nil {
		return nil, nil, err
	}
	pem, err := os.ReadFile(c.CA)
	if err != nil {
		return nil, nil, err
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) {
		return nil, nil, fmt.Errorf("%s: %w", c.CA, uplink.ErrCertificateForm)
	}
	return &pair, pool, nil
}

// brokenBus is a line that cannot be used until the site is mended.
type brokenBus struct{ err error }

func (b brokenBus) Read(context.Context, modbus.Read) ([]byte, error) {
	return nil, fmt.Errorf("%w: %w", modbus.ErrUnreachable, b.err)
}

// loadKey is the gateway's signing key, which must be this gateway's.
func loadKey(site *config.Site) (*envelope.Key, error) {
	key, err := envelope.LoadKey(site.Key)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, hinted{
			fmt.Errorf("signing key: %w", err),
			fmt.Sprintf("envgate key new --gateway %s --out %s", site.Gateway.ID, site.Key),
		}
	}
	if err != nil {
		return nil, fmt.Errorf("signing key: %w", err)
	}
	if owner, _, _ := strings.Cut(key.KeyID(), "/"); owner != site.Gateway.ID {
		return nil, hinted{
			fmt.Errorf("signing key: %s is the key of gateway %q, the site file is of %q", site.Key, owner, site.Gateway.ID),
			"one key a gateway: was a site file or a key copied from another?",
		}
	}
	return key, nil
}

// uplinkOptions makes ready what one uplink needs, files opened. Certificates are
// judged by clock.
func uplinkOptions(site *config.Site, u config.Uplink, clock uplink.Clock) (uplink.Options, error) {
	o := uplink.Options{
		Name: u.Name, Gateway: site.Gateway.ID, Prefix: u.Prefix, Broker: u.Broker, ClientID: u.ClientID,
		Username: u.Username, Ack: uplink.Mode(u.Ack), PubackUnverified: u.PubackUnverified,
		Streams: u.Streams, Window: u.Window, BacklogShare: u.BacklogShare,
		ReconnectMax: u.ReconnectMax, ReceiptTimeout: u.ReceiptTimeout, CentreKeys: envelope.KeySet{},
	}
	fail := func(err error) (uplink.Options, error) { return o, fmt.Errorf("uplink %s: %w", u.Name, err) }
	if u.Password.Path() != "" {
		password, err := u.Password.Read()
		if err != nil {
			return fail(err)
		}
		o.Password = password
	}
	if u.TLS != nil {
		t, err := uplink.TLS(u.Broker, u.TLS.CA, u.TLS.Certificate, u.TLS.Key, site.Gateway.ID, clock)
		if err != nil {
			return fail(err)
		}
		o.TLS = t
	}
	for _, path := range u.CentreKeys {
		b, err := os.ReadFile(path)
		if err != nil {
			return fail(fmt.Errorf("centre's key: %w", err))
		}
		k, err := envelope.ParsePublicKey(b)
		if err != nil {
			return fail(fmt.Errorf("centre's key: %s: %w", path, err))
		}
		o.CentreKeys[k.KeyID] = k
	}
	return o, nil
}

// logLevel is the level of a site file's word.
func logLevel(word string) slog.Level {
	var l slog.Level
	if err := l.UnmarshalText([]byte(word)); err != nil {
		return slog.LevelInfo
	}
	return l
}

// machine is a hash of the machine's id, so that a log can tell its own machine
// without telling others which it is.
func machine() string {
	id := machineID()
	if id == "" {
		return ""
	}
	sum := sha256.Sum256([]byte("envgate " + id))
	return hex.EncodeToString(sum[:8])
}
