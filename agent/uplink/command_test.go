package uplink

import (
	"testing"
	"time"

	"envgate/envelope"
)

// Only what the centre signed, to this gateway and as a command, is handed on.
func TestCommand(t *testing.T) {
	order := envelope.Command{Gateway: "gw1", ID: "a1", At: 1, Until: 2, Do: "limit", Subject: "gas-1/a21026/high", Value: "50", Why: "permit"}
	seal := func(typ string, key *envelope.Key, c envelope.Command) []byte {
		m, err := envelope.NewSealer(key).Seal(typ, c.AppendPayload(nil))
		if err != nil {
			t.Fatal(err)
		}
		return m
	}
	foreign := order
	foreign.Gateway = "gw2"
	good := seal(envelope.TypeCommand, centreKey(), order)
	for _, tt := range []struct {
		name    string
		message []byte
		got     int
		bad     uint64
	}{
		{"good", good, 2, 0},
		{"cleared", nil, 0, 0},
		{"the gateway's own key", seal(envelope.TypeCommand, gatewayKey(), order), 0, 2},
		{"another type", seal(envelope.TypeReceipt, centreKey(), order), 0, 2},
		{"another gateway", seal(envelope.TypeCommand, centreKey(), foreign), 0, 2},
		{"a bit", append(append([]byte(nil), good[:len(good)-3]...), good[len(good)-3]^1, good[len(good)-2], good[len(good)-1]), 0, 2},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := 0
			bubble(t, func(o *Options) {
				o.Command = func(c *envelope.Command) {
					if *c != order {
						t.Errorf("command %+v, want %+v", *c, order)
					}
					got++
				}
			}, func(t *testing.T, r *rig) {
				r.start()
				pass(time.Second)
				for range 2 {
					r.b.send("env/gw1/cmd", tt.message)
					pass(time.Second)
				}
				events := []string{"uplink.up up"}
				if tt.bad > 0 {
					events = append(events, "command.bad") // said once
				}
				r.wantEvents(events...)
				if s := r.u.Stats(); got != tt.got || s.Commands != uint64(tt.got) || s.BadCommands != tt.bad {
					t.Errorf("%d handed on, stats %d and %d bad; want %d and %d", got, s.Commands, s.BadCommands, tt.got, tt.bad)
				}
			})
		})
	}
}

// A broker that does not let us listen for commands takes blocks all the same.
func TestCommandRefused(t *testing.T) {
	bubble(t, func(o *Options) { o.Command = func(*envelope.Command) {} }, func(t *testing.T, r *rig) {
		r.b.refuse["env/gw1/cmd"] = true
		r.log.add("live", 3)
		r.start()
		pass(2 * time.Second)
		if got := r.b.seqs("live"); len(got) != 3 {
			t.Errorf("sent %v, want 3 blocks", got)
		}
	})
}
