package faults

import (
	"database/sql"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	_ "modernc.org/sqlite" // the driver "sqlite"

	"envgate/tests/rig"
	"envgate/tests/sim"
)

// TestNet breaks what is between a gateway and its centre, each time in another way,
// with all programs as they are shipped. After each the account is made of every
// reading, and a control in which a block is hidden has to fail.
func TestNet(t *testing.T) {
	t.Parallel()
	envgate, centre := netPrograms(t)
	tests := map[string]func(*testing.T){}
	for name, test := range map[string]func(r *netRig){
		"broker refuses":          brokerRefuses,
		"broker says nothing":     brokerSaysNothing,
		"broker dies before acks": brokerDiesBeforeAcks,
		"centre dead":             centreDead,
		"centre forgets":          centreForgets,
		"receipts lost":           receiptsLost,
		"slow and lossy":          slowAndLossy,
		"far away":                farAway,
		"outage with a kill":      shortOutage,
	} {
		tests[name] = func(t *testing.T) { test(newNetRig(t, envgate, centre)) }
	}
	together(t, tests)
}

// Nobody listens; then a broker that does not know us; then the right one.
func brokerRefuses(r *netRig) {
	r.User = "gateway"
	r.network(2, 5)
	r.ok(r.Link.Refuse())
	r.ok(r.StartAgent())
	r.await(30*time.Second, "the agent says that nobody listens", r.says("connection refused"))
	r.ok(r.StartStrangeBroker())
	r.ok(r.Link.Accept())
	r.await(30*time.Second, "the agent says that it is not known", r.says("check user", "authoris"))
	r.ok(r.Broker.Stop(10 * time.Second))
	r.ok(r.StartBroker())
	r.ok(r.StartCentre())
	r.arrived()
	r.event("uplink.down", "refused")
	r.event("uplink.up", "up")
	r.finish()
}

// says is whether the agent's log has one of the words.
func (r *netRig) says(words ...string) func() bool {
	return func() bool {
		b, _ := os.ReadFile(r.Path("agent.log"))
		return slices.ContainsFunc(words, func(w string) bool { return strings.Contains(string(b), w) })
	}
}

// The connection stays open and nothing comes, also on a new one.
func brokerSaysNothing(r *netRig) {
	r.network(2, 5)
	r.run()
	r.Link.Hold()
	time.Sleep(6 * time.Second)
	r.Link.Cut()
	time.Sleep(6 * time.Second)
	r.Link.Release()
	r.finish()
}

// The broker takes blocks and dies before it says so: they are sent again, and counted
// once.
func brokerDiesBeforeAcks(r *netRig) {
	r.network(4, 10)
	r.run()
	var n atomic.Int64
	r.Link.Judge(func(p []byte) sim.Verdict {
		if kind, _ := sim.PacketKind(p); kind == sim.PacketPuback && n.Add(1)%3 == 0 {
			return sim.HangUp
		}
		return sim.Through
	})
	r.Link.Cut()
	time.Sleep(8 * time.Second)
	r.Link.Judge(nil)
	for range 2 {
		r.Broker.Kill()
		time.Sleep(2 * time.Second)
		r.ok(r.StartBroker())
		time.Sleep(3 * time.Second)
	}
	r.finish()
	if n.Load() < 3 {
		r.t.Errorf("%d acknowledgements seen: none was kept from the agent", n.Load())
	}
}

// The broker lives and nobody stores: what it takes is kept by the gateway.
func centreDead(r *netRig) {
	r.network(2, 5)
	r.run()
	r.Center.Kill()
	time.Sleep(8 * time.Second)
	r.ok(r.StartCentre())
	r.finish()
}

// A centre that lost its whole store asks for it, and gets again what the gateway has.
func centreForgets(r *netRig) {
	r.network(2, 5)
	r.run()
	time.Sleep(5 * time.Second)
	r.Center.Kill()
	for _, name := range []string{"", "-wal", "-shm"} {
		if err := os.Remove(r.Path("centre.db" + name)); err != nil && !os.IsNotExist(err) {
			r.t.Fatal(err)
		}
	}
	r.ok(r.StartCentre())
	r.arrived()
	r.finish()
}

// Receipts do not arrive: blocks are sent again, within bounds, and counted once.
func receiptsLost(r *netRig) {
	r.network(2, 5)
	r.run()
	r.Link.Judge(func(p []byte) sim.Verdict {
		if kind, topic := sim.PacketKind(p); kind == sim.PacketPublish && strings.Contains(topic, "/receipt/") {
			return sim.LostOnWay
		}
		return sim.Through
	})
	r.Link.Cut()
	time.Sleep(12 * time.Second)
	r.Link.Judge(nil)
	r.Link.Cut()
	r.event("receipt.late", "live")
	if r.finish() == 0 {
		r.t.Error("no block came twice: the receipts were not lost")
	}
}

// A link of 128 kbit/s that loses a fifth of its packets each way, and for a time all
// of those to the broker.
func slowAndLossy(r *netRig) {
	r.t.Helper()
	if os.Getuid() != 0 {
		r.t.Skip("a network of its own needs root")
	}
	for program, pkg := range map[string]string{"ip": "iproute2", "tc": "iproute2", "nft": "nftables", "bash": "bash"} {
		if _, err := rig.Look(program, pkg); err != nil {
			r.t.Skip(err)
		}
	}
	space := fmt.Sprintf("envgate-%d", os.Getpid())
	in := func(args ...string) {
		r.t.Helper()
		args = append([]string{"netns", "exec", space}, args...)
		if text, err := exec.Command("ip", args...).CombinedOutput(); err != nil {
			r.t.Fatalf("ip %s: %v\n%s", strings.Join(args, " "), err, text)
		}
	}
	if text, err := exec.Command("ip", "netns", "add", space).CombinedOutput(); err != nil {
		r.t.Skipf("no network of its own here: %v %s", err, text)
	}
	r.t.Cleanup(func() {
		r.ok(r.Close()) // before its network goes
		exec.Command("ip", "netns", "del", space).Run()
	})
	in("ip", "link", "set", "lo", "up")
	in("nft", "add", "table", "inet", "t")
	in("nft", "add", "chain", "inet", "t", "i", "{ type filter hook input priority 0; }")
	r.Enter = []string{"ip", "netns", "exec", space}
	_, err := r.Serial("bus", time.Second, rig.Numbered("unita", 5), rig.Numbered("unitb", 5))
	r.ok(err)
	r.run()

	in("tc", "qdisc", "add", "dev", "lo", "root", "tbf", "rate", "128kbit", "burst", "8kb", "latency", "2s")
	in("nft", "add", "rule", "inet", "t", "i", "numgen", "random", "mod", "100", "<", "20", "drop")
	time.Sleep(10 * time.Second)
	in("nft", "add", "rule", "inet", "t", "i", "tcp", "dport", fmt.Sprint(r.Port()), "drop")
	time.Sleep(5 * time.Second)
	in("nft", "flush", "chain", "inet", "t", "i")
	time.Sleep(4 * time.Second)
	r.finish()
}

// A link of 600 ms there and back. After an outage the newest block comes first, and
// then what waited.
func farAway(r *netRig) {
	r.network(2, 5)
	r.Link.Delay(300 * time.Millisecond)
	r.run()
	r.ok(r.Link.Refuse())
	time.Sleep(3 * time.Second) // for what was on its way to the centre
	before := len(r.arrivals())
	time.Sleep(10 * time.Second)
	r.ok(r.Link.Accept())
	r.finish()

	after := r.arrivals()[before:]
	if err := freshFirst(after); err != nil {
		r.t.Errorf("%v: %v", err, after)
	}
	if freshFirst(slices.Sorted(slices.Values(after))) == nil {
		r.t.Error("control: blocks in the order in which they were sealed pass for fresh ones first")
	}
}

// freshFirst is an error where the first of the blocks that came is not newer than a
// backlog that came after it.
func freshFirst(seqs []uint64) error {
	waited := 0
	for _, seq := range seqs {
		if seq < seqs[0] {
			waited++
		}
	}
	if waited < 6 {
		return fmt.Errorf("%d blocks waited while the first fresh one passed, want 6 at least", waited)
	}
	return nil
}

// arrivals are the numbers of the live blocks in the order in which the centre took
// them.
func (r *netRig) arrivals() (seqs []uint64) {
	r.t.Helper()
	db, err := sql.Open("sqlite", "file:"+filepath.ToSlash(r.Path("centre.db"))+"?mode=ro&_pragma=busy_timeout(5000)")
	r.ok(err)
	defer db.Close()
	rows, err := db.Query(`SELECT b.seq FROM block b JOIN chain c ON c.chain = b.chain WHERE c.stream = 'live' ORDER BY b.arrival`)
	r.ok(err)
	defer rows.Close()
	for rows.Next() {
		var seq uint64
		r.ok(rows.Scan(&seq))
		seqs = append(seqs, seq)
	}
	r.ok(rows.Err())
	return seqs
}
