package e2e

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"

	"envgate/envelope"
)

// watcher hears everything at the broker, with the time at which it came.
type watcher struct {
	mu   sync.Mutex
	seen []sighting
}

type sighting struct {
	at    time.Time
	topic string
	block *envelope.Block
}

func (r *rig) watch() *watcher {
	r.t.Helper()
	w := &watcher{}
	pair, err := tls.LoadX509KeyPair(r.path("watcher.pem"), r.path("watcher.key"))
	if err != nil {
		r.t.Fatal(err)
	}
	pem, err := os.ReadFile(r.path("ca.pem"))
	if err != nil {
		r.t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(pem)
	o := mqtt.NewClientOptions().AddBroker(fmt.Sprintf("tls://127.0.0.1:%d", r.broker.port)).SetClientID("watcher").
		SetTLSConfig(&tls.Config{RootCAs: roots, Certificates: []tls.Certificate{pair}}).
		SetConnectRetry(true).SetConnectRetryInterval(200 * time.Millisecond).SetMaxReconnectInterval(200 * time.Millisecond).
		SetOrderMatters(false)
	o.SetOnConnectHandler(func(c mqtt.Client) {
		c.Subscribe("envgate/#", 1, func(_ mqtt.Client, m mqtt.Message) {
			s := sighting{at: time.Now(), topic: m.Topic()}
			if strings.Contains(m.Topic(), "/b/") {
				if payload, err := envelope.Peek(m.Payload()); err == nil {
					s.block, _ = envelope.ParsePayload(payload)
				}
			}
			w.mu.Lock()
			w.seen = append(w.seen, s)
			w.mu.Unlock()
		})
	})
	c := mqtt.NewClient(o)
	c.Connect().WaitTimeout(5 * time.Second)
	r.t.Cleanup(func() { c.Disconnect(100) })
	return w
}

// freshAfter is when the first live block came that was sealed at or after since.
func (w *watcher) freshAfter(since time.Time) time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, s := range w.seen {
		if s.block == nil || s.block.Stream != "live" || s.at.Before(since) {
			continue
		}
		newest := s.block.T0
		for _, g := range s.block.Groups {
			for _, t := range g.Times {
				newest = max(newest, s.block.T0+t)
			}
		}
		if newest > since.Add(-sealing-time.Second).UnixMilli() {
			return s.at
		}
	}
	return time.Time{}
}

// The broker is away for a minute under load, and the agent is killed five times
// meanwhile. Every sealed block arrives, once by identity; at most one sealing
// interval of samples is missing for each kill; fresh blocks flow at once when the
// broker is back.
func TestOutageAndKills(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.six(time.Second)
	r.load(8, 40, time.Second)
	r.startBroker(everything)
	w := r.watch()
	r.startCentre()
	r.startAgent()
	r.arrived()

	r.broker.stop(10 * time.Second)
	away := time.Now()
	var kills []time.Time
	for range 5 {
		time.Sleep(10 * time.Second)
		kills = append(kills, time.Now())
		r.agent.kill()
		r.startAgent()
	}
	time.Sleep(time.Until(away.Add(60 * time.Second)))
	r.broker.start()
	back := time.Now()
	await(t, 30*time.Second, "a fresh block arrives", func() bool { return !w.freshAfter(back).IsZero() })
	if took := w.freshAfter(back).Sub(back); took > 5*time.Second {
		t.Errorf("first fresh block %s after the broker's return, want 5 s at most", took.Round(time.Millisecond))
	} else {
		t.Logf("first fresh block %s after the broker's return", took.Round(time.Millisecond))
	}

	r.hush()
	r.settled()
	r.agent.stop(10 * time.Second)
	r.centre.stop(10 * time.Second)
	r.audit(kills...)
	r.verified()
	if g := r.gaps(); !r.whole() || strings.Contains(g, "ANOMALY") {
		t.Errorf("gaps at the centre:\n%s", g)
	}

	starts := r.events("start")
	killed := 0
	for _, e := range starts {
		if e.Why == "killed" {
			killed++
		}
	}
	if len(starts) != 6 || killed != 5 {
		t.Errorf("%d start events, %d of them after a kill; want 6 and 5", len(starts), killed)
	}
}
