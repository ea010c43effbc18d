package uplink

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"testing"
	"time"
)

func sureClock() (time.Time, bool) { return time.Now(), true }

// A gateway that does not know the time takes a broker whose certificate is younger than
// all it knows, and none that is of others, of another name, or over.
func TestVerifyWithoutAClock(t *testing.T) {
	const day = 24 * time.Hour
	a, b := newAuthority(t, "city"), newAuthority(t, "others")
	past, now := time.Now().Add(-30*time.Minute), time.Now()
	for _, c := range []struct {
		name   string
		broker *tls.Config
		server string
		at     time.Time
		sure   bool
		want   any // the type of the error; nil is none
	}{
		{"in force", a.server("broker", -time.Hour, day), "127.0.0.1", now, true, nil},
		{"younger than the clock", a.server("broker", -time.Minute, day), "127.0.0.1", past, false, nil},
		{"begins later, the clock is sure", a.server("broker", -time.Minute, day), "127.0.0.1", past, true, new(x509.CertificateInvalidError)},
		{"ended", a.server("broker", -2*day, -day), "127.0.0.1", past, false, new(x509.CertificateInvalidError)},
		{"of others", b.server("broker", -time.Minute, day), "127.0.0.1", past, false, new(x509.UnknownAuthorityError)},
		{"of another name", a.server("broker", -time.Minute, day), "127.0.0.2", past, false, new(x509.HostnameError)},
	} {
		t.Run(c.name, func(t *testing.T) {
			cert, key := a.issue("gw1", -time.Hour, day)
			cfg, err := TLS("tls://"+c.server, a.file, cert, key, "gw1", func() (time.Time, bool) { return c.at, c.sure })
			if err != nil {
				t.Fatal(err)
			}
			l, err := tls.Listen("tcp", "127.0.0.1:0", c.broker)
			if err != nil {
				t.Fatal(err)
			}
			defer l.Close()
			go func() {
				if s, err := l.Accept(); err == nil {
					s.(*tls.Conn).Handshake()
					s.Close()
				}
			}()
			near, err := net.Dial("tcp", l.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			defer near.Close()
			near.SetDeadline(time.Now().Add(20 * time.Second))
			err = tls.Client(near, cfg).Handshake()
			if c.want == nil && err != nil || c.want != nil && !errors.As(err, c.want) {
				t.Errorf("handshake: %v, want %T", err, c.want)
			}
			if c.want != nil {
				if _, ok := errors.AsType[*tls.CertificateVerificationError](err); !ok {
					t.Errorf("%T is no error of a certificate", err)
				}
			}
		})
	}
}
