package uplink

import (
	"net"
	"net/url"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"
)

// This file alone imports the MQTT client. Rules for its use:
//
//   - A new client for each connection; its own reconnecting is off, for while it
//     reconnects it says that it is connected, and keeps what is published.
//   - No message waits in it: the window of the session is the bound, its store is in
//     memory and ends with it.
//   - Publish blocks on a stalled link, and tokens may never be done after a loss. So
//     the post calls it, and nobody waits for a token without a time-out.
//   - Handlers run in goroutines of their own and only post.
//   - The connection is ours ([wire]): the client neither dials nor does TLS.

// How long a connection may be silent. What is paid by the byte is pinged less often: 30 s
// would come to half a megabyte a day.
const (
	keepAlive        = 30 * time.Second
	keepAliveMetered = 2 * time.Minute
)

type pahoClient struct {
	c mqtt.Client
	w *wire
	n uint64 // of the last message
}

// connectMQTT sends CONNECT on w and waits for the answer. Closing w ends it.
func connectMQTT(w *wire, o *Options, willTopic string, will []byte, e *ears) (client, error) {
	alive := keepAlive
	if o.Metered != nil {
		alive = keepAliveMetered
	}
	opts := mqtt.NewClientOptions().
		AddBroker("tcp://wire"). // a name is needed; it is never dialled
		SetCustomOpenConnectionFn(func(*url.URL, mqtt.ClientOptions) (net.Conn, error) { return w, nil }).
		SetProtocolVersion(4).
		SetClientID(o.ClientID).
		SetUsername(o.Username).
		SetPassword(o.Password).
		SetCleanSession(true).
		SetStore(mqtt.NewMemoryStore()).
		SetAutoReconnect(false).
		SetConnectRetry(false).
		SetConnectTimeout(connectTimeout).
		SetWriteTimeout(writeTimeout).
		SetKeepAlive(alive).
		SetPingTimeout(10*time.Second).
		SetOrderMatters(false).
		SetBinaryWill(willTopic, will, 1, true).
		SetConnectionLostHandler(func(_ mqtt.Client, err error) { e.lose(err) }).
		SetDefaultPublishHandler(func(_ mqtt.Client, m mqtt.Message) { e.hear(m.Topic(), m.Payload()) })
	c := mqtt.NewClient(opts)
	t := c.Connect()
	<-t.Done() // the caller's deadline closes w
	if err := t.Error(); err != nil {
		if ct, ok := t.(*mqtt.ConnectToken); ok && ct.ReturnCode() >= 1 && ct.ReturnCode() <= 5 {
			return nil, &RefusedError{ct.ReturnCode()}
		}
		return nil, err
	}
	return &pahoClient{c: c, w: w}, nil
}

// Publish is called by the post alone. The client writes messages in their order, each
// with one write, somewhat later; so the wire is told with which one a batch ends.
func (p *pahoClient) Publish(topic string, retained bool, payload []byte, more bool) token {
	p.n++
	if !more {
		p.w.last.Store(p.n)
	}
	return p.c.Publish(topic, 1, retained, payload)
}

func (p *pahoClient) Listen(topic string, on bool) token {
	if !on {
		return p.c.Unsubscribe(topic)
	}
	return subscription{p.c.Subscribe(topic, 1, nil), topic}
}

func (p *pahoClient) Close(orderly bool) {
	quiesce := closeTimeout
	if !orderly {
		p.w.Close()
		quiesce = 0
	}
	p.c.Disconnect(uint(quiesce / time.Millisecond))
	p.w.Close()
}

type subscription struct {
	mqtt.Token
	topic string
}

func (s subscription) Error() error {
	if err := s.Token.Error(); err != nil {
		return err
	}
	// 0x80 is a failure (MQTT 3.1.1, 3.9.3); the client does not call it one.
	if t, ok := s.Token.(*mqtt.SubscribeToken); ok && t.Result()[s.topic] >= 0x80 {
		return errSubscription
	}
	return nil
}
