package uplink

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"syscall"
	"time"
)

// trouble is an error of a connection as a person should read it: what was got, and
// what may be done about it. Kind tells repetitions from news.
type trouble struct {
	kind, text, hint string
}

func (u *Uplink) explain(err error) trouble {
	t := u.diagnose(err)
	if t.text == "" {
		t.text = err.Error()
	}
	t.text = fmt.Sprintf("%s: %s", u.broker.Redacted(), t.text)
	return t
}

func (u *Uplink) diagnose(err error) trouble {
	if refused, ok := errors.AsType[*RefusedError](err); ok {
		return trouble{fmt.Sprint("refused ", refused.Code), refused.Error(), u.refusalHint(refused.Code)}
	}
	if invalid, ok := errors.AsType[x509.CertificateInvalidError](err); ok && invalid.Reason == x509.Expired {
		return trouble{
			"broker expired",
			fmt.Sprintf("the broker's certificate %q is valid from %s to %s, it is %s here", invalid.Cert.Subject.CommonName,
				invalid.Cert.NotBefore.UTC().Format(time.RFC3339), invalid.Cert.NotAfter.UTC().Format(time.RFC3339), u.now().UTC().Format(time.RFC3339)),
			"either the broker needs a new certificate, or this gateway's clock is wrong",
		}
	}
	if unknown, ok := errors.AsType[x509.UnknownAuthorityError](err); ok {
		t := trouble{"broker authority", "the broker's certificate is of an authority that we do not know", "is tls.ca the authority of this broker?"}
		if unknown.Cert != nil {
			t.text = fmt.Sprintf("the broker's certificate is signed by %q, an authority that we do not know", unknown.Cert.Issuer.String())
		}
		return t
	}
	if host, ok := errors.AsType[x509.HostnameError](err); ok {
		return trouble{"broker name", host.Error(), "write the broker's address as its certificate has it"}
	}
	if _, ok := errors.AsType[tls.RecordHeaderError](err); ok {
		return trouble{"no tls", "the answer is not TLS", "is this the broker's plain port? tls usually is 8883"}
	}
	if op, ok := errors.AsType[*net.OpError](err); ok && op.Op == "remote error" {
		return trouble{"alert " + op.Err.Error(), fmt.Sprintf("the broker refused our certificate (%s): %v", u.ourCertificate(), op.Err), u.alertHint(op.Err.Error())}
	}
	if _, ok := errors.AsType[*ProtocolError](err); ok {
		return trouble{"protocol", err.Error(), "is there something else than an MQTT broker at this address?"}
	}
	if dns, ok := errors.AsType[*net.DNSError](err); ok {
		return trouble{"dns", dns.Error(), "is the name right, and does this gateway have a name server?"}
	}
	switch {
	case errors.Is(err, syscall.ECONNREFUSED):
		return trouble{"connection refused", "nobody listens there: connection refused", "does the broker run, and is the port right?"}
	case errors.Is(err, syscall.ENETUNREACH), errors.Is(err, syscall.EHOSTUNREACH):
		return trouble{"unreachable", "", "is this gateway online?"}
	case errors.Is(err, errSlow):
		return trouble{"slow", "no answer to our connection in " + connectTimeout.String(), "is there an MQTT broker at this address, and no firewall before it?"}
	case errors.Is(err, os.ErrDeadlineExceeded), errors.Is(err, errNoAnswer), errors.Is(err, errStuck):
		return trouble{"stalled", "", "the link or the broker stalls"}
	case errors.Is(err, io.EOF), errors.Is(err, syscall.ECONNRESET):
		return trouble{"closed", "", u.closedHint()}
	}
	return trouble{kind: "other"}
}

func (u *Uplink) refusalHint(code byte) string {
	switch code {
	case 2:
		return fmt.Sprintf("the broker does not take client id %q", u.o.ClientID)
	case 3:
		return "the broker is up and not ready; it is asked again"
	case 4:
		return fmt.Sprintf("check user %q and its password file", u.o.Username)
	case 5:
		return fmt.Sprintf("does the broker know user %q, our certificate (%s) and client id %q?", u.o.Username, u.ourCertificate(), u.o.ClientID)
	}
	return "check the broker's version and its log"
}

func (u *Uplink) alertHint(text string) string {
	if leaf := u.leaf(); leaf != nil {
		if err := checkLeaf(leaf, u.o.Gateway, func() (time.Time, bool) { return u.now(), true }); err != nil {
			return err.Error()
		}
	}
	switch {
	case strings.Contains(text, "expired"):
		return "our certificate is in force by our clock: is the broker's clock right?"
	case u.leaf() == nil:
		return "give this uplink a certificate and a key"
	case strings.Contains(text, "certificate required"), // ours is of no authority that the broker names, so it was not sent
		strings.Contains(text, "unknown certificate authority"), strings.Contains(text, "bad certificate"):
		return "was our certificate signed by the authority that the broker knows, and not revoked?"
	}
	return "the broker's log says more"
}

func (u *Uplink) closedHint() string {
	return fmt.Sprintf("the broker closed the connection; does another client use id %q, does the broker forbid our topics, or a message of 64 KB?", u.o.ClientID)
}

func (u *Uplink) leaf() *x509.Certificate {
	if u.o.TLS == nil || len(u.o.TLS.Certificates) == 0 {
		return nil
	}
	return u.o.TLS.Certificates[0].Leaf
}

func (u *Uplink) ourCertificate() string {
	leaf := u.leaf()
	if leaf == nil {
		return "none"
	}
	return fmt.Sprintf("%q by %q until %s", leaf.Subject.CommonName, leaf.Issuer.CommonName, leaf.NotAfter.UTC().Format("2006-01-02"))
}

func (u *Uplink) now() time.Time {
	if u.o.TLS != nil && u.o.TLS.Time != nil {
		return u.o.TLS.Time()
	}
	return time.Now()
}
