package faults_test

import (
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// The whole agent is killed at any moment, while it opens its log too. All that it sealed
// arrives, once; each life that got as far says in a start event that the one before was
// killed.
func TestAgentKills(t *testing.T) {
	t.Parallel()
	kills := rounds(t, "FAULTS_AGENT_KILLS", 4)
	o := newOutpost(t, "", 10)
	o.startAgent()
	o.opened()
	o.values(1)
	born := 0 // lives that must have said that the one before was killed
	for range kills {
		if rand.N(4) > 0 {
			o.opened()
			time.Sleep(rand.N(4 * sealing))
		} else {
			time.Sleep(rand.N(300 * time.Millisecond))
		}
		o.killAgent()
		o.startAgent()
		if rand.N(2) == 0 {
			o.opened()
			born++
		}
	}
	o.opened()
	o.values(40)
	o.finish()
	record(t, "agent-kills", o.audit())
	killed := 0
	for _, e := range o.events("start") {
		if e.Why == "killed" {
			killed++
		}
	}
	if killed < max(1, born) || killed > kills {
		t.Errorf("%d start events after a kill, want %d to %d", killed, max(1, born), kills)
	}
	if n := len(o.events("epoch")); n != 1 {
		t.Errorf("%d epochs, want 1", n)
	}
}

// The agent's disk refuses syncs, writes or growth for a while: it stays up, goes on
// asking the instruments, keeps what it read, says what happened in an event, and loses
// nothing.
func TestAgentDiskErrors(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, calls, what string }{
		{"sync", "fdatasync", "error=EIO:when=12+9"},
		{"write", "pwrite64", "error=EIO:when=6+7"},
		{"room", "pwrite64", "error=ENOSPC:when=6+7"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			o := newOutpost(t, "", 10)
			// strace counts for each thread: few threads reach a count soon.
			o.startAgent(append(inject(t, c.calls, c.what), "env", "GOMAXPROCS=1")...)
			waitFor(t, time.Minute, "the agent says that the log can be written again", func() bool {
				return strings.Contains(o.agent.logged(), "the log can be written again")
			})
			o.values(100)
			if o.agent.ended() {
				t.Fatal("the agent ended")
			}
			o.agent.calm() // so that all can arrive
			o.values(40)
			o.finish()
			t.Log(o.audit())
			if len(o.events("log.full")) == 0 {
				t.Error("no event says that the log could not be written")
			}
		})
	}
}

// The agent's disk stalls for two seconds at each sync: polls keep their ticks.
func TestAgentSlowSync(t *testing.T) {
	t.Parallel()
	o := newOutpost(t, "", 10)
	o.startAgent(inject(t, "fdatasync", "delay_exit=2000000:when=9+1")...)
	o.opened()
	o.values(1)
	const span = 12 * time.Second
	before := o.asked()
	time.Sleep(span)
	asked, due := o.asked()-before, uint64(len(o.instruments))*uint64(span/interval)
	if asked < due*6/10 { // with polls that waited for the disk it would be a fifth
		t.Errorf("%d questions in %s, %d were due: polls wait for the disk", asked, span, due)
	}
	o.agent.calm() // two syncs and a last commit do not fit into the time of a stop
	o.finish()
	t.Log(o.audit())
	t.Logf("%d questions asked of %d due, with a disk that stalls 2 s at each sync", asked, due)
}

// asked is how many questions the instruments answered.
func (o *outpost) asked() (n uint64) {
	for _, in := range o.instruments {
		n += in.Sent()
	}
	return n
}

// The agent's disk, a small ext4, is full and has room again, without a restart.
func TestAgentFullDisk(t *testing.T) {
	t.Parallel()
	disk := smallDisk(t, "ext4", 6<<20)
	o := newOutpost(t, disk, 60)
	o.startAgent()
	o.opened()
	o.values(1)
	filler := filepath.Join(disk, "filler")
	fillUp(t, filler, 0)
	waitFor(t, time.Minute, "the agent says that the log cannot be written", func() bool {
		return strings.Contains(o.agent.logged(), "the log cannot be written")
	})
	before := o.asked()
	time.Sleep(3 * sealing)
	if o.asked() == before {
		t.Error("no questions while the disk is full")
	}
	if err := os.Remove(filler); err != nil {
		t.Fatal(err)
	}
	waitFor(t, time.Minute, "the agent says that the log can be written again", func() bool {
		return strings.Contains(o.agent.logged(), "the log can be written again")
	})
	o.values(100)
	o.finish()
	t.Log(o.audit())
	if len(o.events("log.full")) == 0 {
		t.Error("no event says that the log could not be written")
	}
	o.agent.end(9, time.Second) // before its disk goes
}

// The file is damaged while the agent is off: a new epoch that says why and names the
// former one, and the centre has both, each whole.
func TestAgentDamagedLog(t *testing.T) {
	t.Parallel()
	o := newOutpost(t, "", 10)
	o.startAgent()
	o.opened()
	o.values(100)
	o.agent.end(15, 20*time.Second)
	file, err := os.ReadFile(o.log)
	if err != nil {
		t.Fatal(err)
	}
	former := o.events("epoch")
	if len(former) != 1 {
		t.Fatalf("%d epochs, want 1", len(former))
	}
	file[16+40] ^= 1 // the sums of both pages that say where the tree begins
	file[4096+16+40] ^= 1
	if err := os.WriteFile(o.log, file, 0o600); err != nil {
		t.Fatal(err)
	}
	o.startAgent()
	o.opened()
	o.values(100)
	o.finish()
	t.Log(o.audit())
	epochs := o.events("epoch")
	if len(epochs) != 2 {
		t.Fatalf("%d epochs, want 2", len(epochs))
	}
	for _, e := range epochs {
		if e.Epoch != former[0].Epoch && (!strings.Contains(e.New, former[0].Epoch) || !strings.Contains(e.Why, "checksum")) {
			t.Errorf("the new epoch says %q, why %q; want the name of %s, and the check sum", e.New, e.Why, former[0].Epoch)
		}
	}
}
