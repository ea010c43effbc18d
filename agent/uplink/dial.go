package uplink

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/url"
	"time"
)

// connectTimeout bounds name, TCP, TLS and CONNACK together.
const connectTimeout = 20 * time.Second

var errSlow = errors.New("no answer in " + connectTimeout.String())

// parseBroker reads the address of a broker. Its scheme becomes tcp or tls, its host
// has a port.
func parseBroker(s string) (*url.URL, error) {
	u, err := url.Parse(s)
	if err != nil || u.Host == "" {
		return nil, fmt.Errorf("broker is %q: tcp://host:port or tls://host:port", s)
	}
	out := &url.URL{}
	port := "1883"
	switch u.Scheme {
	case "tcp", "mqtt":
		out.Scheme = "tcp"
	case "tls", "mqtts", "ssl":
		out.Scheme, port = "tls", "8883"
	default:
		return nil, fmt.Errorf("broker %q: scheme is %q: tcp or tls", u.Redacted(), u.Scheme)
	}
	if u.User != nil {
		return nil, fmt.Errorf("broker %q has a user: user and password have their own places", u.Redacted())
	}
	if u.Path != "" && u.Path != "/" || u.RawQuery != "" || u.Fragment != "" {
		return nil, fmt.Errorf("broker is %q: nothing may follow the port", s)
	}
	if u.Hostname() == "" {
		return nil, fmt.Errorf("broker is %q: it has no host", s)
	}
	if u.Port() != "" {
		port = u.Port()
	}
	out.Host = net.JoinHostPort(u.Hostname(), port)
	return out, nil
}

// dial opens a connection to the broker, and TLS on it.
func (u *Uplink) dial(ctx context.Context) (net.Conn, error) {
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", u.broker.Host)
	if err != nil {
		return nil, err
	}
	u.traffic.metered.Add(connectBytes)
	if u.broker.Scheme != "tls" {
		return conn, nil
	}
	cfg := &tls.Config{MinVersion: tls.VersionTLS12}
	if u.o.TLS != nil {
		cfg = u.o.TLS.Clone()
	}
	cfg.DynamicRecordSizingDisabled = true // a batch is one record
	if cfg.ServerName == "" {
		cfg.ServerName = u.broker.Hostname()
	}
	sealed := tls.Client(conn, cfg)
	if err := sealed.HandshakeContext(ctx); err != nil {
		conn.Close()
		return nil, err
	}
	return sealed, nil
}

// dialMQTT makes a connection that the broker has accepted.
func (u *Uplink) dialMQTT(ctx context.Context, will []byte, e *ears) (client, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, connectTimeout, errSlow)
	defer cancel()
	conn, err := u.dial(ctx)
	if err == nil {
		var c client
		w := newWire(conn, e)
		stop := context.AfterFunc(ctx, func() { w.Close() })
		c, err = connectMQTT(w, &u.o, u.o.Prefix+"/"+u.o.Gateway+"/state", will, e)
		if err == nil && stop() {
			return c, nil
		}
		if err == nil { // just too late
			c.Close(false)
		}
		stop()
		w.Close()
	}
	if cause := context.Cause(ctx); cause != nil {
		err = cause
	}
	return nil, err
}
