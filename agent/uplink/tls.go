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

// TLS loads what a connection to a broker needs: the authorities that may have signed
// the broker's certificate (ca "" = those of the system), and our certificate with its
// key (both "" = none). The certificate's common name must be the gateway's id, for
// brokers hold topics to it. Times are judged at now, or at floor if that is later: a
// gateway without a battery clock starts in 1970, and floor is a time that has surely
// been, such as that of the build or of the last sealed block. At least TLS 1.2.
//
// The files are read once; a certificate that was renewed needs a new Config.
func TLS(ca, cert, key, gateway string, floor time.Time) (*tls.Config, error) {
	now := func() time.Time {
		if t := time.Now(); t.After(floor) {
			return t
		}
		return floor
	}
	cfg := &tls.Config{MinVersion: tls.VersionTLS12, Time: now}
	if ca != "" {
		pool, err := authorities(ca, now())
		if err != nil {
			return nil, fmt.Errorf("authorities %s: %w", ca, err)
		}
		cfg.RootCAs = pool
	}
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
	if err := checkLeaf(pair.Leaf, gateway, now()); err != nil {
		return nil, fmt.Errorf("certificate %s: %w", cert, err)
	}
	cfg.Certificates = []tls.Certificate{pair}
	return cfg, nil
}

func checkLeaf(leaf *x509.Certificate, gateway string, now time.Time) error {
	if cn := leaf.Subject.CommonName; cn != gateway {
		return fmt.Errorf("%w: common name is %.64q, the gateway is %q", ErrCertificateName, cn, gateway)
	}
	return checkTimes(leaf, now)
}

func checkTimes(c *x509.Certificate, now time.Time) error {
	const form = "2006-01-02 15:04:05 MST"
	switch {
	case now.After(c.NotAfter):
		return fmt.Errorf("%w: on %s, it is %s", ErrCertificateEnded, c.NotAfter.UTC().Format(form), now.UTC().Format(form))
	case now.Before(c.NotBefore):
		return fmt.Errorf("%w: from %s, it is %s", ErrCertificateEarly, c.NotBefore.UTC().Format(form), now.UTC().Format(form))
	}
	return nil
}

// authorities makes a pool of the certificates in a file, one of which at least must
// be in force.
func authorities(path string, now time.Time) (*x509.CertPool, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	all, err := certificates(b)
	if err != nil || len(all) == 0 {
		return nil, errors.Join(ErrCertificateForm, err)
	}
	pool := x509.NewCertPool()
	var dead error
	living := 0
	for _, c := range all {
		if err := checkTimes(c, now); err != nil {
			dead = err
			continue
		}
		living++
		pool.AddCert(c)
	}
	if living == 0 {
		return nil, dead
	}
	return pool, nil
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
