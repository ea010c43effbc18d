package e2e

import (
	"strings"
	"testing"
	"time"
)

// noLive is an access list that throws the gateway's live blocks away. mosquitto
// acknowledges them all the same.
var noLive = strings.Replace(everything, "pattern write envgate/%u/b/#\n",
	"pattern write envgate/%u/b/stat\npattern write envgate/%u/b/event\n", 1)

// What the broker acknowledges and throws away stays in the log: once the access list
// is mended, every live block comes, from the first one on; and an event says so.
func refused(t *testing.T, uplink, event string) {
	t.Parallel()
	r := newRig(t)
	r.six(time.Second)
	r.uplink = uplink
	r.startBroker(noLive)
	r.startCentre()
	r.startAgent()
	await(t, 60*time.Second, "an event says that blocks are thrown away", func() bool {
		for _, e := range r.events(event) {
			if strings.Contains(e.Subject+e.Why, "live") {
				return true
			}
		}
		return false
	})
	for _, e := range r.export() {
		if e.Stream == "live" {
			t.Fatal("a live block came through: the access list forbids nothing")
		}
	}
	time.Sleep(2 * sealing) // more blocks are acknowledged and thrown away

	r.broker.allow(everything)
	// The broker closes no connection for a new list; the agent need not reconnect.
	await(t, 90*time.Second, "live blocks arrive", func() bool {
		for _, e := range r.export() {
			if e.Stream == "live" && e.Seq == 1 {
				return true
			}
		}
		return false
	})
	r.hush()
	r.settled()
	r.agent.stop(10 * time.Second)
	r.centre.stop(10 * time.Second)
	r.audit()
}

func TestRefusedPublishReceipt(t *testing.T) {
	refused(t, "    receipt_timeout: 5s\n", "receipt.late")
}

func TestRefusedPublishPuback(t *testing.T) {
	refused(t, "    ack: puback\n", "echo.missing")
}
