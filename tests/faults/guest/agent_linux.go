package main

import (
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"strings"
	"sync"

	mqtt "github.com/mochi-mqtt/server/v2"
	"github.com/mochi-mqtt/server/v2/listeners"
	"github.com/mochi-mqtt/server/v2/packets"
	"golang.org/x/sys/unix"

	"envgate/envelope"
	"envgate/tests/faults"
	"envgate/tests/sim"
)

// site is the agent's. Its key is in the machine's own memory, its log on the disk.
const site = `gateway: {id: gw-guest}
key: /gw.sign
sealing: {interval: 1s}
storage: {path: /disk/log.db, budget: 16MB}
lines:
  - name: net
    url: tcp://127.0.0.1:5020
    devices:
      - name: unit1
        unit: 1
        interval: 200ms
        registers:
%suplinks:
  - name: here
    broker: mqtt://127.0.0.1:1883
    ack: puback
`

// publicKey is that of the agent, as the host put it here.
func publicKey() (envelope.PublicKey, error) {
	pem, err := os.ReadFile("/gw.pub")
	if err != nil {
		return envelope.PublicKey{}, err
	}
	return envelope.ParsePublicKey(pem)
}

// runAgent runs the agent with an instrument and a broker. What it publishes it has
// stored before: each block that arrives is an acknowledgement.
func runAgent(serial io.Writer) error {
	if err := loopback(); err != nil {
		return err
	}
	if err := os.Mkdir("/proc", 0o555); err != nil {
		return err
	}
	if err := unix.Mount("proc", "/proc", "proc", 0, ""); err != nil {
		return fmt.Errorf("mount /proc: %w", err)
	}
	server, err := sim.Listen(sim.ServerOptions{Address: "127.0.0.1:5020"})
	if err != nil {
		return err
	}
	unit := sim.Block("unit1", 30)
	server.Attach(1, unit)
	if err := listen(&hearer{out: serial}); err != nil {
		return err
	}
	var registers strings.Builder
	for _, c := range unit.Channels() {
		fmt.Fprintf(&registers, "          - {point: %s, address: %d, type: float32, unit: \"1\"}\n", c.Point, c.Address)
	}
	if err := os.WriteFile("/site.yaml", fmt.Appendf(nil, site, registers.String()), 0o600); err != nil {
		return err
	}
	agent := exec.Command("/envgate", "run", "-c", "/site.yaml")
	agent.Stdout, agent.Stderr = os.Stdout, os.Stdout // the kernel's console
	return agent.Run()
}

// loopback brings up the machine's one interface.
func loopback() error {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	lo, err := unix.NewIfreq("lo")
	if err != nil {
		return err
	}
	lo.SetUint16(unix.IFF_UP | unix.IFF_RUNNING)
	if err := unix.IoctlIfreq(fd, unix.SIOCSIFFLAGS, lo); err != nil {
		return fmt.Errorf("bring up lo: %w", err)
	}
	return nil
}

// anyone lets everyone in: nobody else is here.
type anyone struct{ mqtt.HookBase }

func (*anyone) ID() string { return "anyone" }

func (*anyone) Provides(b byte) bool {
	return b == mqtt.OnConnectAuthenticate || b == mqtt.OnACLCheck
}

func (*anyone) OnConnectAuthenticate(*mqtt.Client, packets.Packet) bool { return true }

func (*anyone) OnACLCheck(*mqtt.Client, string, bool) bool { return true }

// listen starts a broker and has each block heard.
func listen(h *hearer) error {
	l, err := net.Listen("tcp", "127.0.0.1:1883")
	if err != nil {
		return err
	}
	s := mqtt.New(&mqtt.Options{InlineClient: true, Logger: slog.New(slog.DiscardHandler)})
	if err := s.AddHook(new(anyone), nil); err != nil {
		return err
	}
	if err := s.AddListener(listeners.NewNet("guest", l)); err != nil {
		return err
	}
	if err := s.Subscribe("envgate/gw-guest/b/+", 1, func(_ *mqtt.Client, _ packets.Subscription, p packets.Packet) {
		h.block(p.Payload)
	}); err != nil {
		return err
	}
	return s.Serve()
}

// hearer knows the newest block of each stream that was published.
type hearer struct {
	out io.Writer

	mu  sync.Mutex
	ack faults.Ack
}

func (h *hearer) block(message []byte) {
	h.mu.Lock()
	defer h.mu.Unlock()
	payload, err := envelope.Peek(message)
	if err != nil {
		fmt.Fprintln(h.out, "failed", err)
		return
	}
	b, err := envelope.ParsePayload(payload)
	if err != nil {
		fmt.Fprintln(h.out, "failed", err)
		return
	}
	if h.ack.Epoch != b.Epoch {
		h.ack = faults.Ack{Epoch: b.Epoch, Heads: map[string]envelope.Head{}}
	}
	if b.Seq <= h.ack.Heads[b.Stream].Seq {
		return // sent again
	}
	h.ack.Heads[b.Stream] = envelope.Head{Seq: b.Seq, Hash: envelope.Hash(payload)}
	text, err := json.Marshal(h.ack)
	if err != nil {
		panic(err) // our own plain struct
	}
	fmt.Fprintf(h.out, "ack %s\n", text)
}
