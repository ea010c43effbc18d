package faults_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"envgate/tests/faults"
)

// The disk refuses writes, syncs and growth now and then: the writer goes on, and
// nothing that it acknowledged is missing, neither for it nor for whoever opens the log
// after it.
func TestDiskErrors(t *testing.T) {
	t.Parallel()
	total := newTally("disk-errors")
	for _, c := range []struct{ calls, what string }{
		{"fdatasync", "error=EIO:when=6+9"},
		{"fdatasync", "error=EIO:when=7+10"},
		{"pwrite64", "error=EIO:when=12+23"},
		{"pwrite64", "error=ENOSPC:when=12+23"},
		{"ftruncate", "error=ENOSPC:when=2+2"},
		{"fdatasync", "error=ENOSPC:when=8+9"},
	} {
		name := c.calls + " " + c.what
		s := newSubject(t, t.TempDir(), "-commits", "120")
		s.live(time.Minute, inject(t, c.calls, c.what)...)
		if s.acks < 60 || s.again == 0 {
			t.Errorf("%s: %d commits, %d tried again: want it to fail, and to go on", name, s.acks, s.again)
		}
		r := s.sound()
		total.add(&r)
		s.live(time.Minute) // and the next one, where all is well again
		r = s.sound()
		total.add(&r)
		if t.Failed() {
			t.Fatal(name)
		}
	}

	// All syncs fail from the sixth on, and it says that it has what it does not.
	control := newSubject(t, t.TempDir(), "-early")
	control.live(500*time.Millisecond, inject(t, "fdatasync", "error=EIO:when=6+")...)
	lost := control.check()
	total.say(t, fmt.Sprintf("control that acknowledges too early: %d blocks lost", lost.Lost))
	if lost.Lost == 0 {
		t.Error("the control lost nothing: the harness proves nothing")
	}
}

// The disk stalls for two seconds at some syncs, as SD cards do.
func TestSlowSync(t *testing.T) {
	t.Parallel()
	rule := inject(t, "fdatasync", "delay_exit=2000000:when=10+25")
	s := newSubject(t, t.TempDir())
	l := s.begin(rule...)
	l.await("ack", 20*time.Second)
	stalls := 0
	for end := time.Now().Add(7 * time.Second); time.Now().Before(end); {
		before := s.acks
		time.Sleep(time.Second)
		l.drain()
		if s.acks == before {
			stalls++
		}
	}
	l.kill()
	l.end()
	r := s.sound()
	if s.acks < 10 || stalls == 0 {
		t.Errorf("%d commits, %d seconds without one: want some of both", s.acks, stalls)
	}

	// Killed within a stall. Where that is the second sync of a commit, the write that
	// counts was made, and nothing is lost: it takes some tries to hit a first one.
	var lost faults.Report
	for i := 4; i < 16 && lost.Lost == 0; i++ {
		control := newSubject(t, t.TempDir(), "-early")
		l = control.begin(inject(t, "fdatasync", fmt.Sprintf("delay_enter=5000000:when=%d+1", i))...)
		l.await("ack", 20*time.Second)
		for before := -1; control.acks != before; { // until it stalls
			before = control.acks
			time.Sleep(500 * time.Millisecond)
			l.drain()
		}
		l.kill()
		l.end()
		lost.Add(control.check())
	}
	t.Logf("%d blocks verified, %d lost; control that acknowledges too early: %d lost", r.Blocks, r.Lost, lost.Lost)
	if lost.Lost == 0 {
		t.Error("the control lost nothing: the harness proves nothing")
	}
}

// The disk is full, and has room again later: in the same process, writing resumes and
// nothing acknowledged is missing. On a small tmpfs and on a small ext4.
func TestFullDisk(t *testing.T) {
	t.Parallel()
	for _, system := range []string{"tmpfs", "ext4"} {
		t.Run(system, func(t *testing.T) {
			t.Parallel()
			dir := smallDisk(t, system, 4<<20)
			fillUp(t, filepath.Join(dir, "filler"), 1<<20)
			for _, control := range []bool{false, true} {
				if err := os.MkdirAll(filepath.Join(dir, fmt.Sprint(control)), 0o700); err != nil {
					t.Fatal(err)
				}
				s := newSubject(t, filepath.Join(dir, fmt.Sprint(control)), "-pause", "2ms")
				if control {
					s.args = append(s.args, "-early")
				}
				l := s.begin()
				l.await("ack", 20*time.Second)
				fillUp(t, filepath.Join(dir, "rest"), 0)
				l.await("again", 20*time.Second)
				if control {
					l.kill()
					l.end()
					if lost := s.check(); lost.Lost == 0 {
						t.Error("the control that acknowledges too early lost nothing: the harness proves nothing")
					}
					return
				}
				before := s.acks
				time.Sleep(200 * time.Millisecond)
				l.drain()
				stuck := s.acks
				if err := os.Remove(filepath.Join(dir, "rest")); err != nil {
					t.Fatal(err)
				}
				l.await("ack", 20*time.Second)
				l.await("ack", 20*time.Second)
				l.kill()
				l.end()
				r := s.sound()
				t.Logf("%d commits before, %d while full, %d in all, %d tries; %d blocks verified, %d lost", before, stuck-before, s.acks, s.again, r.Blocks, r.Lost)
				if err := os.Remove(s.path); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}

// The kernel finds the file system damaged and makes it read-only, as it does with cards
// that fail. The writer says so and stays; when the file system was mended and mounted
// anew, all that was acknowledged is there.
func TestReadOnlyDisk(t *testing.T) {
	t.Parallel()
	for _, control := range []bool{false, true} {
		dir := smallDisk(t, "ext4", 8<<20)
		s := newSubject(t, dir)
		if control {
			s.args = append(s.args, "-early")
		}
		l := s.begin()
		l.await("ack", 20*time.Second)
		device := findmnt(t, dir)
		trigger := filepath.Join("/sys/fs/ext4", filepath.Base(device), "trigger_fs_error")
		if err := os.WriteFile(trigger, []byte("1"), 0); err != nil {
			l.kill()
			l.end()
			t.Skipf("this kernel offers no way to break an ext4: %v", err)
		}
		l.await("again", 20*time.Second)
		time.Sleep(100 * time.Millisecond)
		l.kill()
		l.end()
		image := dir + ".img"
		for _, command := range [][]string{
			{"umount", dir},
			{need(t, "e2fsck", "e2fsprogs"), "-fy", image}, // 1: errors were mended
			{"mount", "-o", "loop", image, dir},
		} {
			out, err := exec.Command(command[0], command[1:]...).CombinedOutput()
			if e, ok := err.(*exec.ExitError); err != nil && (!ok || e.ExitCode() != 1 || command[1] != "-fy") {
				t.Fatalf("%v: %v\n%s", command, err, out)
			}
		}
		if control {
			if lost := s.check(); lost.Lost == 0 {
				t.Error("the control that acknowledges too early lost nothing: the harness proves nothing")
			}
			continue
		}
		s.sound()
		before := s.acks
		s.args = append(s.args, "-commits", "5")
		s.live(time.Minute)
		r := s.sound()
		t.Logf("%d commits before, %d after; %d blocks verified, %d lost", before, s.acks-before, r.Blocks, r.Lost)
		if s.acks != before+5 {
			t.Errorf("%d commits on the mended disk, want 5", s.acks-before)
		}
	}
}

// findmnt is the device of a mount.
func findmnt(t *testing.T, dir string) string {
	t.Helper()
	mounts, err := os.ReadFile("/proc/self/mounts")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(mounts)) {
		if f := strings.Fields(line); len(f) > 1 && f[1] == dir {
			return f[0]
		}
	}
	t.Fatalf("nothing is mounted at %s", dir)
	return ""
}

// smallDisk mounts one, or skips the test where the system lets nobody mount.
func smallDisk(t *testing.T, system string, size int64) (dir string) {
	t.Helper()
	dir = filepath.Join(t.TempDir(), "disk")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	args := []string{"-t", "tmpfs", "-o", fmt.Sprintf("size=%d", size), "tmpfs", dir}
	if system == "ext4" {
		image := dir + ".img"
		if err := os.WriteFile(image, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Truncate(image, size+2<<20); err != nil { // ext4's own tables and journal
			t.Fatal(err)
		}
		if out, err := exec.Command(need(t, "mkfs.ext4", "e2fsprogs"), "-q", "-F", "-m", "0", image).CombinedOutput(); err != nil {
			t.Fatalf("mkfs.ext4: %v\n%s", err, out)
		}
		args = []string{"-o", "loop,errors=remount-ro", image, dir}
	}
	if out, err := exec.Command("mount", args...).CombinedOutput(); err != nil {
		if os.Getuid() != 0 || strings.Contains(string(out), "loop") || strings.Contains(string(out), "permi") {
			t.Skipf("no small %s disk can be mounted here (root and loop devices are needed): %v: %s", system, err, out)
		}
		t.Fatalf("mount: %v\n%s", err, out)
	}
	t.Cleanup(func() {
		if out, err := exec.Command("umount", dir).CombinedOutput(); err != nil {
			t.Errorf("umount: %v\n%s", err, out)
			exec.Command("umount", "-l", dir).Run()
		}
	})
	return dir
}

// fillUp writes a file of so many bytes, or, with none given, until the disk is full.
func fillUp(t *testing.T, path string, size int) {
	t.Helper()
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	block := make([]byte, 4096)
	for n := 0; size == 0 || n < size; n += len(block) {
		if _, err := f.Write(block); err != nil {
			if size > 0 {
				t.Fatal(err)
			}
			break
		}
	}
	f.Sync() // ext4 gives blocks out late
}
