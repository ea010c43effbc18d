package buffer

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	bolt "go.etcd.io/bbolt"
)

// The victim is this test binary, started again with the path of a log in this
// variable. It prints "ack N" once commit N is on disk.
const victimEnv = "BUFFER_TEST_VICTIM"

func TestMain(m *testing.M) {
	if path := os.Getenv(victimEnv); path != "" {
		if err := victim(path); err != nil {
			fmt.Println("victim:", err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func victimOptions() Options {
	o := testOptions()
	o.LockTimeout = 2 * time.Second
	return o
}

// victimBatch is commit n: two live blocks, and a stat block with each third.
// All of it follows from n, so that the checker knows what must be there.
func victimBatch(n uint64) Batch {
	b := Batch{
		Records: []Record{record("live", 2*n-1, int(n*37%2000)), record("live", 2*n, int(n*91%2000))},
		State:   binary.BigEndian.AppendUint64(nil, n),
	}
	if n%3 == 0 {
		b.Records = append(b.Records, record("stat", n/3, 700))
	}
	return b
}

// victim appends for ever, evicts, and moves a cursor that follows closely.
func victim(path string) error {
	l, err := Open(path, victimOptions())
	if err != nil {
		return err
	}
	if l.Former() != nil {
		return fmt.Errorf("log was set aside: %s", l.Former().Reason)
	}
	if err := l.AddCursor("up", "live"); err != nil {
		return err
	}
	var n uint64
	if s := l.State(); s != nil {
		n = binary.BigEndian.Uint64(s)
		l.Ack(l.Epoch(), "up", "live", 1, 2*n-1) // this move went down with the last life
	}
	for {
		n++
		b := victimBatch(n)
		b.Evict = l.Due(t0)
		for err = l.Append(b); err != nil; err = l.Append(b) {
			if !errors.Is(err, ErrFull) && !errors.Is(err, ErrSuspect) {
				return err
			}
			fmt.Println("again", n, err)
		}
		l.Ack(l.Epoch(), "up", "live", 1, 2*n-1)
		fmt.Println("ack", n)
		if n == 5000 {
			return l.Close()
		}
	}
}

// checkVictim is the oracle: the log is whole, all that was acknowledged is
// there with the right content, and one commit more at most.
func checkVictim(path string, acked uint64) error {
	o := victimOptions()
	if err := audit(path, o); err != nil {
		return err
	}
	l, err := Open(path, o)
	if err != nil {
		return err
	}
	defer l.Close()
	if err := l.AddCursor("up", "live"); err != nil {
		return err
	}
	if l.State() == nil {
		if acked > 0 {
			return fmt.Errorf("%d commits acknowledged, none there", acked)
		}
		return nil
	}
	n := binary.BigEndian.Uint64(l.State())
	if n < acked || n > acked+1 {
		return fmt.Errorf("commit %d is the newest, %d were acknowledged", n, acked)
	}
	if _, head := l.Bounds("live"); head != 2*n {
		return fmt.Errorf("live ends at %d in commit %d", head, n)
	}
	if _, head := l.Bounds("stat"); head != n/3 {
		return fmt.Errorf("stat ends at %d in commit %d", head, n)
	}
	// A move rides with the next commit.
	if upto, _ := l.Acked("up", "live"); n > 1 && upto < 2*n-3 {
		return fmt.Errorf("cursor has up to %d in commit %d", upto, n)
	}
	for _, stream := range []string{"live", "stat"} {
		blocks, err := readAll(l, stream)
		if err != nil {
			return err
		}
		for seq, b := range blocks {
			k := (seq + 1) / 2
			if stream == "stat" {
				k = seq * 3
			}
			found := false
			for _, r := range victimBatch(k).Records {
				found = found || r.Stream == stream && r.Seq == seq && bytes.Equal(r.Data, b)
			}
			if !found {
				return fmt.Errorf("%s %d is not what was written", stream, seq)
			}
		}
	}
	return nil
}

// run starts the victim, by way of a program before it if one is given, kills
// it after a while, and returns the last commit it acknowledged and how often one
// had to be tried again.
func run(t *testing.T, path string, acked uint64, after time.Duration, before ...string) (newest uint64, again int) {
	t.Helper()
	args := append(before, os.Args[0])
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Env = append(os.Environ(), victimEnv+"="+path, "GOMAXPROCS=1")
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // so that all of it can be killed
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	kill := time.AfterFunc(after, func() { syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) })
	lines := bufio.NewReader(out)
	for {
		line, err := lines.ReadString('\n')
		if err != nil { // a last line that is cut short does not count
			break
		}
		if n, ok := strings.CutPrefix(line, "ack "); ok {
			if acked, err = strconv.ParseUint(strings.TrimSpace(n), 10, 64); err != nil {
				t.Fatal(err)
			}
		} else if strings.HasPrefix(line, "again ") {
			again++
		} else {
			t.Errorf("victim says %q", line)
		}
	}
	cmd.Wait()
	kill.Stop()
	syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) // whatever it left behind
	return acked, again
}

// After kill -9 at any moment, in a log that lives on from round to round.
func TestKill(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log.db")
	var acked uint64
	for round := range 10 {
		acked, _ = run(t, path, acked, 60*time.Millisecond+rand.N(80*time.Millisecond))
		if err := checkVictim(path, acked); err != nil {
			t.Fatalf("round %d, %d acknowledged: %v", round, acked, err)
		}
		acked = newestCommit(t, path) // one that was not acknowledged may be there
	}
	if acked < 20 {
		t.Errorf("only %d commits in all rounds: too few to say anything", acked)
	}
	t.Logf("%d commits", acked)
}

func newestCommit(t *testing.T, path string) uint64 {
	t.Helper()
	l, err := Open(path, victimOptions())
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if s := l.State(); s != nil {
		return binary.BigEndian.Uint64(s)
	}
	return 0
}

// The oracle itself: it must see each of these.
func TestKillOracle(t *testing.T) {
	base := filepath.Join(t.TempDir(), "log.db")
	l, err := Open(base, victimOptions())
	if err != nil {
		t.Fatal(err)
	}
	if err := l.AddCursor("up", "live"); err != nil {
		t.Fatal(err)
	}
	for n := uint64(1); n <= 30; n++ {
		l.Ack(l.Epoch(), "up", "live", 1, 2*n-2)
		if err := l.Append(victimBatch(n)); err != nil {
			t.Fatal(err)
		}
	}
	l.Close()
	whole, err := os.ReadFile(base)
	if err != nil {
		t.Fatal(err)
	}
	edit := func(fn func(tx *bolt.Tx) error) func(string) error {
		return func(path string) error {
			db, err := bolt.Open(path, 0o600, nil)
			if err != nil {
				return err
			}
			db.NoFreelistSync = true
			return errors.Join(db.Update(fn), db.Close())
		}
	}
	live := []byte(bucketStream + "live")
	for _, c := range []struct {
		name   string
		acked  uint64
		damage func(path string) error
		ok     bool
	}{
		{"whole", 30, func(string) error { return nil }, true},
		{"one more than acknowledged", 29, func(string) error { return nil }, true},
		{"two more than acknowledged", 28, func(string) error { return nil }, false},
		{"one acknowledged is missing", 31, func(string) error { return nil }, false},
		{"no file", 30, os.Remove, false},
		{"a block is gone", 30, edit(func(tx *bolt.Tx) error { return tx.Bucket(live).Delete(seqKey(17)) }), false},
		{"the newest block is gone", 30, edit(func(tx *bolt.Tx) error { return tx.Bucket(live).Delete(seqKey(60)) }), false},
		{"the newest block and head are gone", 30, edit(func(tx *bolt.Tx) error {
			return errors.Join(tx.Bucket(live).Delete(seqKey(60)), tx.Bucket(live).SetSequence(59))
		}), false},
		{"a block has other content", 30, edit(func(tx *bolt.Tx) error { return tx.Bucket(live).Put(seqKey(17), []byte("live 17 ?")) }), false},
		{"the state is old", 30, edit(func(tx *bolt.Tx) error {
			return tx.Bucket([]byte(bucketMeta)).Put([]byte(keyState), binary.BigEndian.AppendUint64(nil, 29))
		}), false},
		{"the cursor is gone", 30, edit(func(tx *bolt.Tx) error {
			return tx.Bucket([]byte(bucketMeta)).Delete([]byte(keyCursor + "up\x00live"))
		}), false},
	} {
		path := filepath.Join(t.TempDir(), "log.db")
		if err := os.WriteFile(path, whole, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := c.damage(path); err != nil {
			t.Fatal(err)
		}
		if err := checkVictim(path, c.acked); (err == nil) != c.ok {
			t.Errorf("%s: oracle says %v, want ok %v", c.name, err, c.ok)
		}
	}
}

// With strace: the victim dies within the writes and syncs of a commit, and its
// disk fails them.
func TestKillAtSyscall(t *testing.T) {
	if testing.Short() {
		t.Skip("short")
	}
	strace, err := exec.LookPath("strace")
	if err != nil {
		t.Skip("no strace here; TestKill and TestFailedSync… stand for it")
	}
	if err := exec.Command(strace, "-o", "/dev/null", "true").Run(); err != nil {
		t.Skipf("strace may not trace here: %v", err)
	}
	inject := func(calls, what string) []string {
		return []string{strace, "-f", "-qq", "-o", "/dev/null", "-e", "trace=" + calls, "-e", "inject=" + calls + ":" + what}
	}
	var rules [][]string
	for i := 1; i <= 10; i++ {
		rules = append(rules, inject("pwrite64,fdatasync,rename,renameat,renameat2", fmt.Sprintf("signal=KILL:when=%d", i*3)))
	}
	rules = append(rules,
		inject("fdatasync", "error=EIO:when=6+9"),
		inject("fdatasync", "error=EIO:when=7+9"),
		inject("pwrite64", "error=EIO:when=12+11"),
		inject("pwrite64", "error=ENOSPC:when=12+11"),
	)
	for _, rule := range rules {
		name := rule[len(rule)-1]
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "log.db")
			acked, again := run(t, path, 0, 400*time.Millisecond, rule...)
			if _, err := os.Stat(path); err != nil && acked == 0 {
				return // killed before the log had its name
			}
			if err := checkVictim(path, acked); err != nil {
				t.Errorf("%d acknowledged: %v", acked, err)
			}
			if strings.Contains(name, "error=") && (acked < 5 || again < 2) {
				t.Errorf("%d commits, %d tries again: want it to fail, and to go on", acked, again)
			}
		})
	}
}

// Two processes: the second is refused while the first lives, and not longer.
func TestTwoProcesses(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log.db")
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), victimEnv+"="+path)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if _, err := bufio.NewReader(out).ReadString('\n'); err != nil {
		t.Fatal(err)
	}
	o := testOptions()
	_, err = Open(path, o)
	wantErr(t, err, ErrLocked)
	cmd.Process.Kill()
	cmd.Wait()
	l := mustOpen(t, path, o)
	if l.Former() != nil || l.Fresh() {
		t.Errorf("former %+v, fresh %v, want the victim's log", l.Former(), l.Fresh())
	}
}
