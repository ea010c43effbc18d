package faults_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"envgate/tests/faults"
)

// The power of a whole machine is cut again and again while a victim writes, and the next
// machine looks at what is on the disk. One lane has a disk that keeps what it took; the
// other's loses what it was not told to flush.
func TestPowerCuts(t *testing.T) {
	powerCuts(t, "powercut", long(t, "FAULTS_CUTS", "make powercut"), false)
}

// The same with the agent: a block that it published must be on its disk.
func TestPowerCutsAgent(t *testing.T) {
	powerCuts(t, "powercut-agent", long(t, "FAULTS_AGENT_CUTS", "make powercut"), true)
}

func powerCuts(t *testing.T, name string, cuts int, agent bool) {
	need(t, "qemu-system-x86_64", "qemu-system-x86")
	m := newMachine(t, os.Getenv("FAULTS_KERNEL"))
	total := newTally(name)
	began := time.Now()
	lanes := []*disk{newDisk(t, m), newDisk(t, m)}
	lanes[1].cache = true
	for _, d := range lanes {
		d.orders.Agent = agent
	}
	t.Run("lane", func(t *testing.T) {
		for lane, d := range lanes {
			t.Run(fmt.Sprint(lane), func(t *testing.T) {
				t.Parallel()
				d.t = t
				for range (cuts + 1 - lane) / 2 {
					total.add(d.cut())
				}
				if d.cuts == 0 {
					return // one cut alone is the other lane's
				}
				r := d.look()
				total.add(r)
				if n := r.Starts["power cut or restart of the system"]; agent && n != d.cuts-1 {
					t.Errorf("start events %v, want %d that name a power cut", r.Starts, d.cuts-1)
				}
			})
		}
	})
	each := time.Since(began).Seconds() / float64(cuts)
	if t.Failed() {
		total.say(t, "FAILED")
		return
	}

	// Where no syncs are made, or they do not reach the disk, what was acknowledged must
	// be lost.
	noSync, noFlush := newDisk(t, m), newDisk(t, m)
	noSync.orders.NoSync = true
	noFlush.orders.NoFlush, noFlush.cache = true, true
	noFlush.orders.Agent = agent
	text := fmt.Sprintf("%d cuts, %d blocks acknowledged, %d writes lost by the cache of one disk, %.1f s a cut with two at a time; controls:",
		lanes[0].cuts+lanes[1].cuts, lanes[0].acked+lanes[1].acked, lanes[1].dropped, each)
	for i, d := range []*disk{noSync, noFlush} {
		if agent && d == noSync {
			continue // the agent cannot be told to
		}
		d.control = true
		lost := 0
		for d.cuts < 10 && lost == 0 {
			d.cut()
			lost = d.look().Lost
		}
		name := []string{"without syncs", "without flushes"}[i]
		text += fmt.Sprintf(" %s %d acknowledged blocks lost in %d cuts;", name, lost, d.cuts)
		if lost == 0 {
			t.Errorf("the control %s lost nothing in %d cuts: the harness proves nothing", name, d.cuts)
		}
	}
	total.say(t, strings.TrimSuffix(text, ";"))
	if total.rounds != cuts {
		t.Errorf("%d cuts were checked, want %d", total.rounds, cuts)
	}
}

// disk is one lane: a disk that lives from cut to cut, and what was acknowledged on it.
type disk struct {
	t       *testing.T
	m       *machine
	path    string
	cache   bool // the disk has a cache of its own, which the cut empties
	control bool // it has to lose
	orders  faults.Round

	last    faults.Ack
	cuts    int
	acked   int // blocks
	dropped int // writes in the disk's cache
}

func newDisk(t *testing.T, m *machine) *disk {
	t.Helper()
	d := &disk{t: t, m: m, path: filepath.Join(t.TempDir(), "disk.img")}
	if err := os.WriteFile(d.path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(d.path, diskBytes); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command(need(t, "mkfs.ext4", "e2fsprogs"), "-q", "-F", d.path).CombinedOutput(); err != nil {
		t.Fatalf("mkfs.ext4: %v\n%s", err, out)
	}
	return d
}

// cut gives power, has the guest look at the disk as the cut before left it, lets it
// write, and takes the power at some moment. The report is that of the cut before, nil
// where there was none.
func (d *disk) cut() *faults.Report {
	p, r := d.on()
	line, err := p.next(time.Minute, "ack ")
	if err != nil {
		p.cut()
		d.t.Fatalf("cut %d: %v; the guest's console:\n%s", d.cuts, err, d.m.console())
	}
	// Most cuts soon, where commits are; some late, when the guest's kernel writes of its
	// own accord.
	wait := 20*time.Millisecond + rand.N(800*time.Millisecond)
	if rand.N(5) == 0 {
		wait = 20*time.Millisecond + rand.N(3*time.Second)
	}
	if d.orders.Agent { // it commits once in a second
		wait = rand.N(2500 * time.Millisecond)
	}
	time.Sleep(wait)
	d.off(append([]string{line}, p.cut()...))
	d.cuts++
	return r
}

// look has the guest look at the disk, and nothing more.
func (d *disk) look() *faults.Report {
	p, r := d.on()
	d.off(p.cut())
	return r
}

// on gives power and returns what the oracle says of the cut before.
func (d *disk) on() (*powered, *faults.Report) {
	d.t.Helper()
	drive := d.path
	if d.cache {
		drive = d.volatile()
	}
	d.orders.Last, d.orders.Pause = d.last, time.Duration(rand.IntN(3))*5*time.Millisecond
	p, err := d.m.wake(drive, d.orders)
	if err != nil {
		d.t.Fatalf("cut %d: %v; the guest's console:\n%s", d.cuts, err, d.m.console())
	}
	line, err := p.next(time.Minute, "report ")
	if err != nil {
		p.cut()
		d.t.Fatalf("cut %d: %v; the guest's console:\n%s", d.cuts, err, d.m.console())
	}
	var r faults.Report
	if err := json.Unmarshal([]byte(strings.TrimPrefix(line, "report ")), &r); err != nil {
		d.t.Fatal(err)
	}
	if !d.control && !r.OK() {
		d.t.Errorf("cut %d: %s", d.cuts, strings.Join(r.Problems, "\n"))
	}
	d.last = r.Found
	if d.cuts == 0 {
		return p, nil
	}
	return p, &r
}

// off takes what the guest had acknowledged when the power went.
func (d *disk) off(lines []string) {
	d.t.Helper()
	before := d.last
	for _, line := range lines {
		if text, ok := strings.CutPrefix(line, "ack "); ok {
			var a faults.Ack
			if err := json.Unmarshal([]byte(text), &a); err != nil {
				d.t.Fatalf("%q: %v", line, err)
			}
			d.last = a
		}
	}
	for s, h := range d.last.Heads {
		d.acked += int(h.Seq - before.Heads[s].Seq)
	}
	if d.cache {
		n, err := d.settle()
		if err != nil {
			d.t.Fatal(err)
		}
		d.dropped += n
	}
}
