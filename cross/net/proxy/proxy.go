// Package proxy stands in for golang.org/x/net/proxy, the one package of its module that
// anything here asks for (replace in go.mod): the MQTT library would obey ALL_PROXY. The
// agent opens its connections itself, without a proxy, and so does the centre now. The
// linker cannot know that: it would keep a SOCKS client, 50 KB of the agent.
package proxy

import "net"

// A Dialer opens connections.
type Dialer interface {
	Dial(network, addr string) (net.Conn, error)
}

// FromEnvironment would follow ALL_PROXY.
func FromEnvironment() Dialer { return new(net.Dialer) }

// FromEnvironmentUsing would follow ALL_PROXY, or else dial with forward.
func FromEnvironmentUsing(forward Dialer) Dialer { return forward }
