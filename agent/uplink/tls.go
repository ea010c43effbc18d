package uplink

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"time"
)

// Errors of [TLS]. That a file is not there is fs.ErrNotExist.
var (
	ErrCertificateForm  = errors.New("no certificate in the file")
	ErrCertificatePair  = errors.New("certificate and key do not belong together")
	ErrCertificateName  = errors.New("certificate is of another gateway")
	ErrCertificateEnded = errors.New("certificate has expired")
	ErrCertificateEarly = errors.New("certificate is not valid yet")
)

// TLS loads what a connection to a broker needs, whose address it has: the authorities that may have signed
// the broker's certificate (ca "" = those of the system), and our certificate with its
// key (both "" = none). The certificate's common name must be the gateway's id, for
// brokers hold topics to it. Times are judged by clock. At least TLS 1.2.
//
// The files are read once; a certificate that was renewed needs a new Config.
func TLS(broker, ca, cert, key, gateway string, clock Clock) (*tls.Config, error) {
	address, err := parseBroker(broker)
	if err != nil {
		return nil, err
	}
	cfg := &tls.Config{MinVersion: tls.VersionTLS12, ServerName: address.Hostname(), Time: func() time.Time {
		now, _ := clock()
		return now
	}}
	v := verifier{name: cfg.ServerName, clock: clock}
	if ca != "" {
		if v.roots, v.known, err = authorities(ca, clock); err != nil {
			return nil, fmt.Errorf("authorities %s: %w", ca, err)
		}
		cfg.RootCAs = v.roots
	}
	// The usual verification knows one time only; ours is the same otherwise.
	cfg.InsecureSkipVerify, cfg.VerifyConnection = true, v.verify
	if cert == "" && key == "" {
		return cfg, nil
	}
	if cert == "" || key == "" {
		return nil, fmt.Errorf("certificate %q, key %q: both are needed, or none", cert, key)
	}
	certPEM, err := os.ReadFile(cert)
	if err != nil {
		return nil, fmt.Errorf("certificate: %w", err)
	}
	keyPEM, err := os.ReadFile(key)
	if err != nil {
		return nil, fmt.Errorf("key: %w", err)
	}
	if leaf, err := certificates(certPEM); err != nil || len(leaf) == 0 {
		return nil, fmt.Errorf("certificate %s: %w", cert, errors.Join(ErrCertificateForm, err))
	}
	if b, _ := pem.Decode(keyPEM); b == nil {
		return nil, fmt.Errorf("key %s: no key in the file, in PEM form", key)
	}
	pair, err := tls.X509KeyPair(certPEM, keyPEM)
	if err != nil {
		return nil, fmt.Errorf("certificate %s, key %s: %w: %w", cert, key, ErrCertificatePair, err)
	}
	if err := checkLeaf(pair.Leaf, gateway, clock); err != nil {
		return nil, fmt.Errorf("certificate %s: %w", cert, err)
	}
	cfg.Certificates = []tls.Certificate{pair}
	return cfg, nil
}

// A Clock says what time it is, by which certificates are judged, and whether that is
// sure. If not, as on a gateway without a battery clock, which starts in 1970, it is a
// time that has surely been, such as that of the build or of the last sealed block; it
// may be much later. Then a certificate that begins later is none to be refused: the
// broker's may be younger than all that we know of, and we would never learn the time.
type Clock func() (now time.Time, sure bool)

// A verifier verifies the broker's certificate.
type verifier struct {
	name  string // of the broker; a connection's state has none that is an address
	clock Clock
	roots *x509.CertPool      // nil: those of the system
	known []*x509.Certificate // in roots, if they are ours
}

// maxBegins bounds how many times are tried.
const maxBegins = 8

// verify is at one time, or, where that may be later, also at those at which the
// certificates begin. A certificate that has ended by what we know is never taken.
func (v *verifier) verify(cs tls.ConnectionState) error {
	now, sure := v.clock()
	o := x509.VerifyOptions{Roots: v.roots, DNSName: v.name, Intermediates: x509.NewCertPool()}
	for _, c := range cs.PeerCertificates[1:] {
		o.Intermediates.AddCert(c)
	}
	times := []time.Time{now}
	if !sure {
		for _, c := range append(cs.PeerCertificates[:len(cs.PeerCertificates):len(cs.PeerCertificates)], v.known...) {
			if c.NotBefore.After(now) && len(times) < maxBegins {
				times = append(times, c.NotBefore)
			}
		}
	}
	var err error
	for _, o.CurrentTime = range times {
		if _, err = cs.PeerCertificates[0].Verify(o); err == nil {
			return nil
		}
	}
	return &tls.CertificateVerificationError{UnverifiedCertificates: cs.PeerCertificates, Err: err}
}

func checkLeaf(leaf *x509.Certificate, gateway string, clock Clock) error {
	if cn := leaf.Subject.CommonName; cn != gateway {
		return fmt.Errorf("%w: common name is %.64q, the gateway is %q", ErrCertificateName, cn, gateway)
	}
	return checkTimes(leaf, clock)
}

func checkTimes(c *x509.Certificate, clock Clock) error {
	now, sure := clock()
	const form = "2006-01-02 15:04:05 MST"
	switch {
	case now.After(c.NotAfter):
		return fmt.Errorf("%w: on %s, it is %s", ErrCertificateEnded, c.NotAfter.UTC().Format(form), now.UTC().Format(form))
	case sure && now.Before(c.NotBefore):
		return fmt.Errorf("%w: from %s, it is %s", ErrCertificateEarly, c.NotBefore.UTC().Format(form), now.UTC().Format(form))
	}
	return nil
}

// authorities makes a pool of the certificates in a file, one of which at least must
// be in force.
func authorities(path string, clock Clock) (*x509.CertPool, []*x509.Certificate, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, nil, err
	}
	all, err := certificates(b)
	if err != nil || len(all) == 0 {
		return nil, nil, errors.Join(ErrCertificateForm, err)
	}
	pool := x509.NewCertPool()
	var dead error
	living := 0
	for _, c := range all {
		if err := checkTimes(c, clock); err != nil {
			dead = err
			continue
		}
		living++
		pool.AddCert(c)
	}
	if living == 0 {
		return nil, nil, dead
	}
	return pool, all, nil
}

func certificates(b []byte) ([]*x509.Certificate, error) {
	var all []*x509.Certificate
	for {
		var block *pem.Block
		block, b = pem.Decode(b)
		if block == nil {
			return all, nil
		}
		if block.Type != "CERTIFICATE" {
			continue
		}
		c, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, err
		}
		all = append(all, c)
	}
}
