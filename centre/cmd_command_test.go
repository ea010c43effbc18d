package main

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	mochi "github.com/mochi-mqtt/server/v2"
	"github.com/mochi-mqtt/server/v2/packets"

	"envgate/envelope"
)

// A gateway that takes an order answers by two events, and the order leaves the broker;
// one that refuses makes the command fail with its reason.
func TestCommand(t *testing.T) {
	for _, tt := range []struct {
		name, result, why, text string
		want                    error
	}{
		{"done", "ok", "", "before: 35", nil},
		{"refused", "refused", "no such limit", "", errNotDone},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := newPlant(t, "gw-1")
			post := newPost(t, "127.0.0.1:0")
			site := newSite(t, post.addr, p)
			cleared := make(chan bool, 1)
			err := post.server.Subscribe("envgate/gw-1/cmd", 99, func(_ *mochi.Client, _ packets.Subscription, pk packets.Packet) {
				if len(pk.Payload) == 0 {
					cleared <- true
					return
				}
				c, err := envelope.OpenCommand(pk.Payload, site.keys)
				if err != nil || c.Do != "limit" || c.Subject != "gas-1/a21026/high" || c.Value != "50" || c.Why != "permit 7" || c.Who != "li" {
					t.Errorf("command %+v, %v", c, err)
					return
				}
				post.publish(p.seal("event", func(b *envelope.Block) {
					b.Events = []envelope.Event{
						{Type: envelope.EventCommandDone, Subject: "another", New: "ok"},
						{Type: envelope.EventCommand, Subject: c.ID, New: "limit"},
						{Type: envelope.EventCommandDone, Subject: c.ID, New: tt.result, Old: "35", Why: tt.why},
					}
				}))
			})
			if err != nil {
				t.Fatal(err)
			}
			var out bytes.Buffer
			args := []string{"-c", site.config, "--why", "permit 7", "--who", "li", "--wait", "20s", "gw-1", "limit", "gas-1/a21026/high", "50"}
			err = cmdCommand(context.Background(), args, &out, &out)
			if !errors.Is(err, tt.want) || tt.why != "" && !strings.Contains(err.Error(), tt.why) {
				t.Fatalf("command: %v, want %v\n%s", err, tt.want, &out)
			}
			if !strings.Contains(out.String(), tt.text) {
				t.Errorf("output lacks %q:\n%s", tt.text, &out)
			}
			select {
			case <-cleared:
			case <-time.After(5 * time.Second):
				t.Error("the order was left at the broker")
			}
		})
	}
}

// Without an answer the order stays at the broker, and that is said.
func TestCommandUnanswered(t *testing.T) {
	p := newPlant(t, "gw-1")
	post := newPost(t, "127.0.0.1:0")
	site := newSite(t, post.addr, p)
	var out bytes.Buffer
	err := cmdCommand(context.Background(), []string{"-c", site.config, "--why", "x", "--wait", "1s", "gw-1", "limit"}, &out, &out)
	if !errors.Is(err, errUnanswered) {
		t.Fatalf("command: %v", err)
	}
	if got := post.server.Topics.Messages("envgate/gw-1/cmd"); len(got) != 1 {
		t.Errorf("%d orders retained, want 1", len(got))
	}
	for _, args := range [][]string{
		{"-c", site.config, "gw-1", "limit"},
		{"-c", site.config, "--why", "x", "gw-1"},
	} {
		if err := cmdCommand(context.Background(), args, &out, &out); !errors.Is(err, errUsage) {
			t.Errorf("command %v: %v, want a usage error", args, err)
		}
	}
	if err := cmdCommand(context.Background(), []string{"-c", site.config, "--why", "x", "gw-2", "limit"}, &out, &out); err == nil {
		t.Error("an order to a gateway that nobody knows was given")
	}
}
