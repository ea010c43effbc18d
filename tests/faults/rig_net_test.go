package faults

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"envgate/tests/rig"
	"envgate/tests/sim"
)

// netLong skips a test that takes minutes where nobody asked for it.
func netLong(t *testing.T) {
	t.Helper()
	if os.Getenv("FAULTS_OUTAGE") == "" {
		t.Skip("long tier: make outage")
	}
}

// netPrograms builds agent and centre as they are shipped, for the tests below t.
func netPrograms(t *testing.T) (envgate, centre string) {
	t.Helper()
	if _, err := rig.Look("mosquitto", "mosquitto"); err != nil {
		t.Skip(err)
	}
	dir := t.TempDir()
	envgate, centre = filepath.Join(dir, "envgate"), filepath.Join(dir, "centre")
	var wg sync.WaitGroup
	for out, pkg := range map[string]string{envgate: "envgate/agent", centre: "envgate/centre"} {
		wg.Go(func() {
			cmd := exec.Command("go", "build", "-trimpath", "-tags", "nethttpomithttp2", "-ldflags", "-s -w", "-o", out, pkg)
			cmd.Env = append(cmd.Environ(), "CGO_ENABLED=0")
			if text, err := cmd.CombinedOutput(); err != nil {
				t.Errorf("build %s: %v\n%s", pkg, err, text)
			}
		})
	}
	if wg.Wait(); t.Failed() {
		t.FailNow()
	}
	return envgate, centre
}

// together runs tests at the same time, however many processors there are: they wait far
// more than they work.
func together(t *testing.T, tests map[string]func(*testing.T)) {
	t.Helper()
	var wg sync.WaitGroup
	for name, test := range tests {
		wg.Go(func() { t.Run(name, test) })
	}
	wg.Wait()
}

// netRig is a rig that ends with its test.
type netRig struct {
	*rig.Rig
	t *testing.T
}

func newNetRig(t *testing.T, envgate, centre string) *netRig {
	t.Helper()
	r, err := rig.New(t.TempDir(), envgate, centre)
	if err != nil {
		t.Fatal(err)
	}
	r.Sealing = time.Second // the least, so that tests are short
	t.Cleanup(func() {
		if err := r.Close(); err != nil {
			t.Error(err)
		}
		if t.Failed() {
			for _, name := range []string{"agent.log", "centre.log", "mosquitto.log"} {
				t.Logf("%s ends:\n%s", name, rig.Tail(r.Path(name), 20))
			}
		}
	})
	return &netRig{r, t}
}

// ok ends the test where something went wrong.
func (r *netRig) ok(err error) {
	r.t.Helper()
	if err != nil {
		r.t.Fatal(err)
	}
}

// network adds a line with units.
func (r *netRig) network(units, points int) {
	r.t.Helper()
	var in []*sim.Instrument
	for range units {
		in = append(in, rig.Numbered("unit"+string(rune('a'+len(in))), points))
	}
	_, err := r.Network("net", time.Second, in...)
	r.ok(err)
}

// run starts everything, and waits until the first blocks are at the centre.
func (r *netRig) run() {
	r.t.Helper()
	r.ok(r.StartBroker())
	r.ok(r.StartCentre())
	r.ok(r.StartAgent())
	r.arrived()
}

func (r *netRig) arrived() {
	r.t.Helper()
	r.await(60*time.Second, "the first readings are at the centre", func() bool { return r.blocks("live") > 0 })
}

func (r *netRig) await(most time.Duration, what string, is func() bool) {
	r.t.Helper()
	r.ok(rig.Await(most, what, is))
}

// blocks is the number of the newest block of a stream at the centre.
func (r *netRig) blocks(stream string) (last uint64) {
	chains, _, err := r.Gaps()
	if err != nil {
		return 0
	}
	for _, c := range chains {
		if c.Stream == stream {
			last = max(last, c.Last)
		}
	}
	return last
}

// finish lets everything arrive and makes the account: nothing lost, nothing counted
// twice, nothing that contradicts itself. Then it makes the account again with one
// block hidden, which has to fail: else the account proves nothing.
func (r *netRig) finish() (duplicates int) {
	r.t.Helper()
	r.Hush()
	r.ok(r.Settle(2 * time.Minute))
	r.ok(r.Agent.Stop(12 * time.Second))
	r.await(30*time.Second, "the last words are at the centre", r.Whole)
	r.ok(r.Center.Stop(10 * time.Second))
	r.ok(r.Verify())
	_, gaps, err := r.Gaps()
	r.ok(err)
	if strings.Contains(gaps, "ANOMALY") {
		r.t.Errorf("the centre found contradictions:\n%s", gaps)
	}
	account, err := r.Audit(nil)
	r.ok(err)
	if err := account.Err(); err != nil {
		r.t.Errorf("audit: %v", err)
	}
	if account.Received() == 0 {
		r.t.Error("no reading arrived: the audit says nothing")
	}
	duplicates = rig.Came(gaps, "duplicate")
	r.t.Logf("%d readings given, %d at the centre, %d excused by %d kills, %d told as missing; %d blocks came twice",
		account.Sent(), account.Received(), account.Excused(), len(r.Kills), account.Told(), duplicates)

	hidden := r.middleBlock()
	lie, err := r.Audit(func(row rig.Row) bool { return row.Seq != hidden })
	r.ok(err)
	if lie.Err() == nil {
		r.t.Errorf("control: the audit does not miss block %d of stream live", hidden)
	}
	return duplicates
}

// middleBlock is a block of live readings none of which is excused.
func (r *netRig) middleBlock() uint64 {
	r.t.Helper()
	excuses := r.Excuses()
	var good []uint64
	r.ok(r.Export("live", func(row rig.Row) error {
		excused := slices.ContainsFunc(excuses, func(s rig.Span) bool { return !row.Time.Before(s.From) && !row.Time.After(s.To) })
		if row.Value != nil && !excused {
			good = append(good, row.Seq)
		}
		return nil
	}))
	if len(good) == 0 {
		r.t.Fatal("no block to hide")
	}
	return good[len(good)/2]
}

// event waits until the centre has a signed event of a type whose text has the words.
func (r *netRig) event(kind, words string) {
	r.t.Helper()
	r.await(60*time.Second, "an event "+kind+" says "+words, func() bool {
		found, err := r.Events(kind)
		return err == nil && slices.ContainsFunc(found, func(e rig.Row) bool {
			return strings.Contains(e.Subject+" "+e.Old+" "+e.New+" "+e.Why, words)
		})
	})
}
