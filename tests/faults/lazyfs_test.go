package faults_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"envgate/tests/faults"
)

// LazyFS is a file system that forgets, when it is told to, all that was not synced: a
// power cut without a machine. It is no package; where it was built by hand and lies on
// PATH as lazyfs, it is used.
func TestLazyFS(t *testing.T) {
	t.Parallel()
	program, err := exec.LookPath("lazyfs")
	if err != nil {
		t.Skip("no lazyfs on PATH (github.com/dsrhaslab/lazyfs, built by hand): make powercut stands for it")
	}
	cuts := rounds(t, "FAULTS_LAZY", 10)
	total := newTally("lazyfs")
	lost := 0
	for _, control := range []bool{false, true} {
		z := mountLazy(t, program)
		s := newSubject(t, z.mnt)
		if control {
			s.args = append(s.args, "-nosync")
		}
		for n := 0; n < cuts && lost == 0; n++ {
			l := s.begin()
			l.await("ack", 20*time.Second)
			time.Sleep(rand.N(300 * time.Millisecond))
			l.kill()
			l.end()
			z.forget()
			if !control {
				r := s.sound()
				total.add(&r)
				continue
			}
			// Without syncs not even the file's name need be there.
			last := s.last
			r, err := faults.Check(s.path, last)
			if err != nil {
				t.Fatal(err)
			}
			lost += r.Lost
		}
	}
	total.say(t, fmt.Sprintf("control without syncs: %d acknowledged blocks lost", lost))
	if lost == 0 {
		t.Errorf("the control lost nothing in %d cuts: the harness proves nothing", cuts)
	}
}

// lazy is a mounted LazyFS.
type lazy struct {
	t                 *testing.T
	mnt, tell, answer string
}

func mountLazy(t *testing.T, program string) *lazy {
	t.Helper()
	dir := t.TempDir()
	z := &lazy{t: t, mnt: filepath.Join(dir, "mnt"), tell: filepath.Join(dir, "tell"), answer: filepath.Join(dir, "log")}
	root := filepath.Join(dir, "root")
	for _, d := range []string{z.mnt, root} {
		if err := os.Mkdir(d, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	config := filepath.Join(dir, "lfs.toml")
	text := fmt.Sprintf("[faults]\nfifo_path=%q\n[cache]\napply_eviction=false\n[cache.simple]\ncustom_size=\"128mb\"\nblocks_per_page=1\n[filesystem]\nlog_all_operations=false\nlogfile=%q\n", z.tell, z.answer)
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(program, z.mnt, "--config-path", config, "-o", "modules=subdir", "-o", "subdir="+root, "-f")
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	out, err := os.Create(filepath.Join(dir, "out"))
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	cmd.Stdout, cmd.Stderr = out, out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		exec.Command("umount", z.mnt).Run()
		cmd.Process.Kill()
		cmd.Wait()
	})
	waitFor(t, 10*time.Second, "lazyfs is mounted", func() bool {
		mounts, _ := os.ReadFile("/proc/self/mounts")
		return strings.Contains(string(mounts), z.mnt+" ")
	})
	return z
}

// forget tells it to, and waits until it has.
func (z *lazy) forget() {
	z.t.Helper()
	done := func() int {
		b, _ := os.ReadFile(z.answer)
		return strings.Count(string(b), "cache is cleared")
	}
	before := done()
	f, err := os.OpenFile(z.tell, os.O_WRONLY, 0)
	if err != nil {
		z.t.Fatal(err)
	}
	defer f.Close()
	if _, err := fmt.Fprintln(f, "lazyfs::clear-cache"); err != nil {
		z.t.Fatal(err)
	}
	waitFor(z.t, 10*time.Second, "lazyfs has forgotten", func() bool { return done() > before })
}
