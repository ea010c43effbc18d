// Package websocket stands in for github.com/gorilla/websocket, which the MQTT
// libraries ask for (replace in go.mod). Agent and centre speak MQTT over TCP
// and TLS alone, and refuse an address that begins with ws. The linker cannot
// know that: it would keep websockets and most of an HTTP client, 160 KB of the
// agent. What a library would call is here by its name, and fails.
package websocket

import (
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"time"
)

var errLeftOut = errors.New("websockets are left out of this program")

// BinaryMessage is the kind of message that MQTT has.
const BinaryMessage = 2

// A Dialer would open a connection.
type Dialer struct {
	Proxy                           func(*http.Request) (*url.URL, error)
	HandshakeTimeout                time.Duration
	EnableCompression               bool
	TLSClientConfig                 *tls.Config
	Subprotocols                    []string
	ReadBufferSize, WriteBufferSize int
}

func (*Dialer) Dial(string, http.Header) (*Conn, *http.Response, error) {
	return nil, nil, errLeftOut
}

// An Upgrader would take one.
type Upgrader struct {
	Subprotocols []string
	CheckOrigin  func(*http.Request) bool
}

func (*Upgrader) Upgrade(http.ResponseWriter, *http.Request, http.Header) (*Conn, error) {
	return nil, errLeftOut
}

// A Conn is never made.
type Conn struct{ net.Conn }

func (*Conn) NextReader() (int, io.Reader, error) { return 0, nil, errLeftOut }

func (*Conn) WriteMessage(int, []byte) error { return errLeftOut }

func (c *Conn) UnderlyingConn() net.Conn { return c.Conn }
