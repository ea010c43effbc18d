package uplink

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"io/fs"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// authority makes certificates in a folder.
type authority struct {
	t    *testing.T
	dir  string
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	file string
}

func newAuthority(t *testing.T, name string) *authority {
	t.Helper()
	a := &authority{t: t, dir: t.TempDir()}
	a.key, a.cert = a.sign(name, true, time.Now().Add(-time.Hour), time.Now().Add(24*time.Hour))
	a.file = a.write(name+".crt", "CERTIFICATE", a.cert.Raw)
	return a
}

func (a *authority) sign(cn string, ca bool, from, to time.Time) (*ecdsa.PrivateKey, *x509.Certificate) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		a.t.Fatal(err)
	}
	c := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: cn},
		NotBefore: from, NotAfter: to, IsCA: ca, BasicConstraintsValid: true,
		KeyUsage:    x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth, x509.ExtKeyUsageServerAuth},
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	parent, signer := a.cert, a.key
	if parent == nil {
		parent, signer = c, key
	}
	der, err := x509.CreateCertificate(rand.Reader, c, parent, &key.PublicKey, signer)
	if err != nil {
		a.t.Fatal(err)
	}
	out, err := x509.ParseCertificate(der)
	if err != nil {
		a.t.Fatal(err)
	}
	return key, out
}

func (a *authority) write(name, kind string, der []byte) string {
	path := filepath.Join(a.dir, name)
	if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
		a.t.Fatal(err)
	}
	return path
}

// issue writes a certificate and its key.
func (a *authority) issue(cn string, from, to time.Duration) (cert, key string) {
	k, c := a.sign(cn, false, time.Now().Add(from), time.Now().Add(to))
	der, err := x509.MarshalPKCS8PrivateKey(k)
	if err != nil {
		a.t.Fatal(err)
	}
	name := strings.ReplaceAll(cn, " ", "-") + "-" + to.String()
	return a.write(name+".crt", "CERTIFICATE", c.Raw), a.write(name+".key", "PRIVATE KEY", der)
}

// server is the TLS side of a broker that wants certificates of this authority.
func (a *authority) server(cn string, from, to time.Duration) *tls.Config {
	cert, key := a.issue(cn, from, to)
	pair, err := tls.LoadX509KeyPair(cert, key)
	if err != nil {
		a.t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(a.cert)
	return &tls.Config{Certificates: []tls.Certificate{pair}, ClientCAs: pool, ClientAuth: tls.RequireAndVerifyClientCert}
}

func TestTLS(t *testing.T) {
	const day = 24 * time.Hour
	a := newAuthority(t, "city")
	cert, key := a.issue("gw1", -time.Hour, day)
	cert2, key2 := a.issue("gw2", -time.Hour, day)
	oldCert, oldKey := a.issue("gw1", -2*day, -day)
	newCert, newKey := a.issue("gw1", day, 2*day)
	empty := filepath.Join(a.dir, "empty")
	if err := os.WriteFile(empty, []byte("nothing\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	missing := filepath.Join(a.dir, "missing")
	broken := a.write("broken.crt", "CERTIFICATE", []byte("no certificate"))

	tests := []struct {
		name          string
		ca, cert, key string
		floor         time.Time // later than the clock
		early         bool      // the time may be later
		want          error     // errors.Is
		text          string    // and this in it
	}{
		{name: "good", ca: a.file, cert: cert, key: key},
		{name: "no certificate of ours", ca: a.file},
		{name: "nothing at all"},
		{name: "not a pair of names", cert: cert, text: "both are needed"},
		{name: "no ca file", ca: missing, cert: cert, key: key, want: fs.ErrNotExist, text: missing},
		{name: "no cert file", ca: a.file, cert: missing, key: key, want: fs.ErrNotExist, text: "certificate: open " + missing},
		{name: "no key file", ca: a.file, cert: cert, key: missing, want: fs.ErrNotExist, text: "key: open " + missing},
		{name: "ca without a certificate", ca: empty, want: ErrCertificateForm, text: "authorities " + empty},
		{name: "broken ca", ca: broken, want: ErrCertificateForm},
		{name: "cert without a certificate", cert: empty, key: key, want: ErrCertificateForm, text: empty},
		{name: "key without a key", cert: cert, key: empty, text: "no key in the file"},
		{name: "key of another", cert: cert, key: key2, want: ErrCertificatePair, text: key2},
		{name: "another gateway", cert: cert2, key: key2, want: ErrCertificateName, text: `common name is "gw2", the gateway is "gw1"`},
		{name: "expired", cert: oldCert, key: oldKey, want: ErrCertificateEnded, text: "has expired: on "},
		{name: "not yet", cert: newCert, key: newKey, want: ErrCertificateEarly, text: "not valid yet: from "},
		{name: "the floor is later than the clock", cert: newCert, key: newKey, floor: time.Now().Add(36 * time.Hour)},
		{name: "the clock may be behind", cert: newCert, key: newKey, floor: time.Now().Add(time.Minute), early: true},
		{name: "ended, though the clock may be behind", cert: cert, key: key, floor: time.Now().Add(36 * time.Hour), early: true, want: ErrCertificateEnded},
		{name: "expired at the floor", cert: cert, key: key, floor: time.Now().Add(36 * time.Hour), want: ErrCertificateEnded},
		{name: "authority expired at the floor", ca: a.file, floor: time.Now().Add(36 * time.Hour), want: ErrCertificateEnded, text: "authorities"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			cfg, err := TLS("tls://127.0.0.1", tt.ca, tt.cert, tt.key, "gw1", func() (time.Time, bool) {
				if now := time.Now(); now.After(tt.floor) {
					return now, true
				}
				return tt.floor, !tt.early
			})
			if tt.want == nil && tt.text == "" {
				if err != nil {
					t.Fatal(err)
				}
				if cfg.MinVersion != tls.VersionTLS12 || (tt.cert != "") != (len(cfg.Certificates) == 1) || (tt.ca != "") != (cfg.RootCAs != nil) {
					t.Errorf("config %+v", cfg)
				}
				if now := cfg.Time(); now.Before(tt.floor) || now.Before(time.Now().Add(-time.Minute)) {
					t.Errorf("it is %v, floor %v", now, tt.floor)
				}
				return
			}
			if err == nil || tt.want != nil && !errors.Is(err, tt.want) || !strings.Contains(err.Error(), tt.text) {
				t.Errorf("TLS = %v, want %v with %q", err, tt.want, tt.text)
			}
		})
	}
}
