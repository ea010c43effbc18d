package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"envgate/config"
	"envgate/drivers"
	"envgate/drivers/modbus"
	"envgate/envelope"
)

const loggerMN = "010000A8900016F000169DC0"

// loggerSite is a site of one line with one instrument that speaks by itself.
func loggerSite(t *testing.T, where string) *config.Site {
	t.Helper()
	path := filepath.Join(t.TempDir(), "site.yaml")
	text := fmt.Sprintf(`gateway: {id: gw-test}
key: gw.key
storage: {path: log.db}
lines:
  - name: stack
    protocol: hj212
    %s
    crc: modbus
    devices:
      - name: stack-1
        mn: %s
        interval: 7s
        factors:
          - {code: a21026, point: so2, unit: mg/m3}
          - {code: a21026-ZsRtd, point: so2_converted, unit: mg/m3}
          - {code: own}
`, where, loggerMN)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	site, err := config.Load(path)
	if err != nil {
		t.Fatal(err)
	}
	return site
}

// modbusFrame is a frame whose sum is that of Modbus, high byte first.
func modbusFrame(data string) string {
	reg := uint16(0xFFFF)
	for _, c := range []byte(data) {
		reg ^= uint16(c)
		for range 8 {
			low := reg & 1
			if reg >>= 1; low != 0 {
				reg ^= 0xA001
			}
		}
	}
	return fmt.Sprintf("##%04d%s%04X\r\n", len(data), data, reg)
}

// pseudoTerminal is a serial port, and the other end of its wire.
func pseudoTerminal(t *testing.T) (name string, far *os.File) {
	t.Helper()
	fd, err := unix.Open("/dev/ptmx", unix.O_RDWR|unix.O_NOCTTY|unix.O_CLOEXEC|unix.O_NONBLOCK, 0)
	if err != nil {
		t.Fatal(err)
	}
	far = os.NewFile(uintptr(fd), "/dev/ptmx")
	t.Cleanup(func() { far.Close() })
	if err := unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	n, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	return "/dev/pts/" + strconv.Itoa(n), far
}

// An instrument is heard on each of the three ways that a site file has, gets its
// answer, and its readings come to the inbox once, with the interval of the site file.
func TestLoggerLines(t *testing.T) {
	ask := modbusFrame("QN=20260101000000000;ST=31;CN=2011;PW=123456;MN=" + loggerMN + ";Flag=5;CP=&&DataTime=" +
		time.Now().In(siteZone).Format("20060102150405") + ";a21026-Rtd=1.50,a21026-ZsRtd=2,a21026-Flag=N;w01018-Rtd=3&&")
	stranger := strings.Replace(ask, loggerMN, "010000A8900016F000169DC1", 1) // with a false sum
	stranger = modbusFrame(stranger[6 : len(stranger)-6])
	for name, open := range map[string]func(t *testing.T) (where string, connect func() io.ReadWriter){
		"dial": func(t *testing.T) (string, func() io.ReadWriter) {
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { l.Close() })
			return "url: tcp://" + l.Addr().String(), func() io.ReadWriter {
				c, err := l.Accept()
				if err != nil {
					t.Fatal(err)
				}
				t.Cleanup(func() { c.Close() })
				return c
			}
		},
		"listen": func(t *testing.T) (string, func() io.ReadWriter) {
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			address := l.Addr().String()
			l.Close()
			return "listen: " + address, func() io.ReadWriter {
				for range 500 {
					if c, err := net.Dial("tcp", address); err == nil {
						t.Cleanup(func() { c.Close() })
						return c
					}
					time.Sleep(10 * time.Millisecond)
				}
				t.Fatal("nobody listens")
				return nil
			}
		},
		"serial": func(t *testing.T) (string, func() io.ReadWriter) {
			port, far := pseudoTerminal(t)
			return fmt.Sprintf("serial: {port: %s, baud: 9600, parity: none, stop_bits: 1}", port), func() io.ReadWriter {
				time.Sleep(300 * time.Millisecond) // what comes before the port is open is lost
				return far
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			where, connect := open(t)
			a := newAgent(loggerSite(t, where), false, slog.New(slog.DiscardHandler))
			loggers, err := a.makeLoggers()
			if err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithCancel(t.Context())
			var all sync.WaitGroup
			defer all.Wait()
			defer cancel()
			a.startLoggers(ctx, loggers, &all)
			far := connect()
			if _, err := io.WriteString(far, stranger+ask+ask); err != nil {
				t.Fatal(err)
			}
			var got []byte
			for b := make([]byte, 512); strings.Count(string(got), "CN=9014;") < 2; {
				n, err := far.Read(b)
				if err != nil && !errors.Is(err, unix.EIO) && !errors.Is(err, unix.EAGAIN) {
					t.Fatalf("%v after %q", err, got)
				}
				got = append(got, b[:n]...)
			}
			samples, _ := a.in.takeSamples()
			want := []drivers.Reading{
				{Point: "so2", Value: "1.50", Unit: "mg/m3", Flag: "N"},
				{Point: "so2_converted", Value: "2", Unit: "mg/m3", Flag: "N"},
				{Point: "w01018", Value: "3", Flag: "N"},
			}
			if len(samples) != 1 || samples[0].every != 7*time.Second || samples[0].Source != "stack-1" || fmt.Sprint(samples[0].Readings) != fmt.Sprint(want) {
				t.Errorf("samples %+v, want one with %+v", samples, want)
			}
			events, _ := a.in.takeEvents()
			if len(events) != 1 || events[0].Type != envelope.EventDeviceUnknown || events[0].New != "010000A8900016F000169DC1" || events[0].Subject != "stack" {
				t.Errorf("events %+v, want one of a stranger", events)
			}
		})
	}
}

// Each event of a logger has a type of its own, and goes on as it is.
func TestLoggerEvents(t *testing.T) {
	a := newAgent(loggerSite(t, "listen: 127.0.0.1:1"), false, slog.New(slog.DiscardHandler))
	types := map[string]bool{}
	last := drivers.LoggerFault
	for e := drivers.LoggerLineDown; e <= last; e++ {
		a.heard("stack", drivers.LoggerEvent{Type: e, Subject: "s", Old: "o", New: "n", Why: "w\xff", Err: modbus.ErrPortMissing})
		events, _ := a.in.takeEvents()
		if len(events) != 1 || events[0].Subject != "s" || events[0].Old != "o" || events[0].New != "n" || events[0].Why != "w?" || events[0].At == 0 {
			t.Fatalf("event %d came as %+v", e, events)
		}
		types[events[0].Type] = true
	}
	if len(types) != int(last) {
		t.Errorf("%d types of %d events: %v", len(types), last, types)
	}
}

func TestLoggerCatalogue(t *testing.T) {
	site := loggerSite(t, "listen: 127.0.0.1:1")
	lines, err := makeLines(site)
	if err != nil || len(lines) != 0 {
		t.Fatalf("makeLines = %d lines, %v, want none", len(lines), err)
	}
	var c catalogue
	if err := json.Unmarshal(makeDocuments(site, testKey(t), lines).catalogue, &c); err != nil {
		t.Fatal(err)
	}
	got, _ := json.Marshal(c.Sources)
	want := `[{"src":"stack-1","device":"stack-1","line":"stack","protocol":"hj212","mn":"` + loggerMN + `","interval_ms":7000,"points":[` +
		`{"point":"so2","zh":"二氧化硫","en":"sulfur dioxide (SO2)","unit":"mg/m3","decimals":-1},` +
		`{"point":"so2_converted","zh":"二氧化硫（折算）","en":"sulfur dioxide (SO2), converted","unit":"mg/m3","decimals":-1},` +
		`{"point":"own","unit":"","decimals":-1}]}]`
	if string(got) != want {
		t.Errorf("sources\n%s\nwant\n%s", got, want)
	}
}

// A port that somebody else has is said with what to do about it, and is no reason for
// the program to end.
func TestLoggerPortTaken(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, err = listenLogger(t.Context(), l.Addr().String())
	if err == nil || !strings.Contains(hintFor(err), "another program") {
		t.Errorf("error %v, hint %q", err, hintFor(err))
	}
	if _, err = dialLogger(t.Context(), "tcp://127.0.0.1:1"); !errors.Is(err, modbus.ErrUnreachable) {
		t.Errorf("dial: %v, want ErrUnreachable", err)
	}
}
