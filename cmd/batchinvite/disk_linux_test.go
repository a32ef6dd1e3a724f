package main

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"batchinvite/pkg/sandbox"
)

// privately runs the calling test once more in a process with mounts of its own, which go when it ends, however it ends.
// It is true in that process, where the test does its work.
func privately(t *testing.T) bool {
	t.Helper()
	const marker = "TEST_HAS_ITS_OWN_MOUNTS"
	if os.Getenv(marker) == t.Name() {
		return true
	}
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.v", "-test.parallel=8", "-test.run=^"+t.Name()+"$")
	cmd.Env = append(os.Environ(), marker+"="+t.Name())
	cmd.SysProcAttr = &syscall.SysProcAttr{Unshareflags: syscall.CLONE_NEWNS, Pdeathsig: syscall.SIGKILL}
	if id := os.Geteuid(); id != 0 {
		cmd.SysProcAttr.Unshareflags |= syscall.CLONE_NEWUSER
		cmd.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{HostID: id, Size: 1}}
		cmd.SysProcAttr.GidMappings = []syscall.SysProcIDMap{{HostID: os.Getegid(), Size: 1}}
	}
	out, err := cmd.CombinedOutput()
	t.Logf("%s", out)
	if err != nil {
		t.Fatal(err)
	}
	return false
}

// mount gives the world a disk of its own.
func (w *world) mount(name, size string) (dir string) {
	w.t.Helper()
	dir = filepath.Join(w.dir, name)
	if err := os.Mkdir(dir, 0o700); err != nil {
		w.t.Fatal(err)
	}
	if err := unix.Mount("disk", dir, "tmpfs", 0, "size="+size); err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { _ = unix.Unmount(dir, unix.MNT_DETACH) }) // or the folder can't be removed
	return dir
}

func (w *world) remount(dir string, flags uintptr, options string) {
	w.t.Helper()
	if err := unix.Mount("disk", dir, "tmpfs", unix.MS_REMOUNT|flags, options); err != nil {
		w.t.Fatal(err)
	}
}

// fill leaves no block of a disk free.
func (w *world) fill(dir string) (ballast string) {
	w.t.Helper()
	ballast = filepath.Join(dir, "ballast")
	f, err := os.Create(ballast)
	if err != nil {
		w.t.Fatal(err)
	}
	defer f.Close()
	for err == nil {
		_, err = f.Write(make([]byte, 4096))
	}
	if !errors.Is(err, syscall.ENOSPC) {
		w.t.Fatal(err)
	}
	return ballast
}

// Invariant 11 on a disk that stays full: the call in flight can't be recorded, which makes it unknown and no more.
func TestDisk_fullDuringACall(t *testing.T) {
	t.Parallel()
	if !privately(t) {
		return
	}
	g := newGate()
	w := newWorld(t, sandbox.Config{APIKey: "k-1", Script: g.script})
	disk := w.mount("disk", "1m")
	w.write("c.csv", people(20, "sendlink"))
	w.mustRun(0, "init", "--ledger", "disk/l.db")
	r := w.start("run", "c.csv", "--yes", "--workers", "1", "--ledger", "disk/l.db")
	g.wait(t)
	ballast := w.fill(disk)
	close(g.open)
	r.wantExit(t, 5)
	wantSaid(t, r.text(), `batchinvite: .*write to ledger ".*/disk/l.db": the disk is full`,
		"hint: make room on the disk that holds the ledger", "hint: the ledger knows what was done: run again to go on")
	// What nobody else knows any more is said, and stands in the partial results, which have all rows up to the end.
	wantSaid(t, r.text(), `\{"level":"error","line":2,"email":"p\*\*\*@example.org",.*"outcome":"invited","link":"https://[^"]+",.*"message":"outcome not recorded"\}`)
	if got := column(w.read("c.results.csv.partial"), "invite_status"); len(got) == 0 || got[0] != "unknown" {
		t.Errorf("the partial results say %v, want the call in flight unknown", got)
	}
	if n := strings.Count(lastError(r.text()), "the disk is full"); n != 1 {
		t.Errorf("the error says %d times that the disk is full:\n%s", n, r.text())
	}
	if got := w.vendor.Calls(); got != 1 {
		t.Errorf("%d calls, want only the one that was in flight", got)
	}
	if err := os.Remove(ballast); err != nil {
		t.Fatal(err)
	}
	w.mustRun(4, "run", "c.csv", "--yes", "--ledger", "disk/l.db")
	if got := w.counts("--ledger", "disk/l.db"); got["invited"] != 19 || got["unknown"] != 1 || w.vendor.Calls() != 20 {
		t.Errorf("%v after %d calls, want 19 invited, 1 unknown and nobody called twice", got, w.vendor.Calls())
	}
}

// A disk that has room again in time keeps the outcome, and still no claim is made.
func TestDisk_fullForAMomentLosesNoOutcome(t *testing.T) {
	if !privately(t) {
		return
	}
	for range 10 {
		g := newGate()
		w := newWorld(t, sandbox.Config{APIKey: "k-1", Script: g.script})
		disk := w.mount("disk", "1m")
		w.write("c.csv", people(20, "sendlink"))
		w.mustRun(0, "init", "--ledger", "disk/l.db")
		r := w.start("run", "c.csv", "--yes", "--workers", "1", "--ledger", "disk/l.db")
		g.wait(t)
		ballast := w.fill(disk)
		tried := watchWrites(t, filepath.Join(disk, "l.db-wal"))
		close(g.open)
		tried()
		if err := os.Remove(ballast); err != nil {
			t.Fatal(err)
		}
		<-r.done
		if r.ProcessState.ExitCode() == 0 {
			continue // there was room before the first try had failed
		}
		r.wantExit(t, 5)
		wantSaid(t, r.text(), `batchinvite: claim p\*\*\*@example.org in the ledger: write to ledger ".*/disk/l.db": the disk is full`)
		if got := w.counts("--ledger", "disk/l.db"); got["invited"] != 1 || got["unknown"] != 0 || w.vendor.Calls() != 1 {
			t.Errorf("%v after %d calls, want the one call recorded as invited", got, w.vendor.Calls())
		}
		return
	}
	t.Error("ten runs noticed nothing of a disk that was full: outcomes are not what is tried again, or claims are made afterwards")
}

// watchWrites gives a function that waits until something was written to a file and nothing more comes: a part of what a
// full disk has no room for.
func watchWrites(t *testing.T, path string) (wait func()) {
	t.Helper()
	fd, err := unix.InotifyInit1(unix.IN_CLOEXEC)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = unix.Close(fd) })
	if _, err := unix.InotifyAddWatch(fd, path, unix.IN_MODIFY); err != nil {
		t.Fatal(err)
	}
	next := func(patience time.Duration) bool {
		n, err := -1, error(unix.EINTR)
		for errors.Is(err, unix.EINTR) { // by Go's own signals
			n, err = unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, int(patience.Milliseconds()))
		}
		if n == 1 {
			_, _ = unix.Read(fd, make([]byte, 4096))
		}
		return n == 1
	}
	return func() {
		t.Helper()
		if !next(time.Minute) {
			t.Fatalf("nothing was written to %s in a minute", path)
		}
		for next(100 * time.Millisecond) { // two tries of an outcome are 250 ms apart
		}
	}
}

// TestDisk_fullAnywhere lets the disk be full at many places of a run with many workers: nothing is sent without a claim on
// the disk, and with room again the next run goes on without calling anybody twice.
func TestDisk_fullAnywhere(t *testing.T) {
	if !privately(t) {
		return
	}
	const rows, workers = 600, 8
	rounds := 8
	if os.Getenv("BATCHINVITE_SOAK") == "1" {
		rounds = 200
	}
	program := buildProgram(t)
	var calls, unknown atomic.Int64
	t.Run("group", func(t *testing.T) {
		for round := range rounds {
			kilobytes := 300 + rand.IntN(700)
			t.Run(fmt.Sprintf("%d of %d kB", round, kilobytes), func(t *testing.T) {
				t.Parallel()
				w := newWorld(t, sandbox.Config{APIKey: "k-1", Script: func(k sandbox.Key, _ int) sandbox.Fault {
					return sandbox.Fault{Latency: time.Duration(len(k.Email)+round) % 7 * time.Millisecond}
				}})
				w.program = program
				disk := w.mount("disk", "8m")
				w.write("c.csv", people(rows, "sendlink"))
				w.mustRun(0, "init", "--ledger", "disk/l.db")
				w.remount(disk, 0, fmt.Sprintf("size=%dk", kilobytes))
				_, said := w.mustRun(5, "run", "c.csv", "--yes", "--workers", fmt.Sprint(workers), "--ledger", "disk/l.db")
				wantSaid(t, said, `batchinvite: .*(the disk is full|no space left on device|disk I/O error.*)`)
				calls.Add(int64(w.vendor.Calls()))
				w.remount(disk, 0, "size=8m")
				lost := w.goOn(rows, "run", "c.csv", "--yes", "--ledger", "disk/l.db")
				if lost > workers {
					t.Errorf("%d rows are unknown, want at most as many as there are workers, %d", lost, workers)
				}
				unknown.Add(int64(lost))
			})
		}
	})
	t.Logf("%d disks full after %d calls in all, %d people unknown, nobody e-mailed twice", rounds, calls.Load(), unknown.Load())
}

// A write that fails for any other reason leaves everything unclear, so nothing is tried again. The limit on the size of
// files does it: SQLite's error is that of a disk that is broken.
func TestDisk_writeErrorDuringACall(t *testing.T) {
	t.Parallel()
	g := newGate()
	w := newWorld(t, sandbox.Config{APIKey: "k-1", Script: g.script})
	w.write("c.csv", people(20, "sendlink"))
	w.mustRun(0, "init", "--ledger", "l.db")
	r := w.start("run", "c.csv", "--yes", "--workers", "1", "--ledger", "l.db")
	g.wait(t)
	info, err := os.Stat(filepath.Join(w.dir, "l.db-wal"))
	if err != nil {
		t.Fatal(err)
	}
	limit := unix.Rlimit{Cur: uint64(info.Size()), Max: uint64(info.Size())}
	if err := unix.Prlimit(r.Process.Pid, unix.RLIMIT_FSIZE, &limit, nil); err != nil {
		t.Fatal(err)
	}
	close(g.open)
	r.wantExit(t, 5)
	wantSaid(t, r.text(), `batchinvite: .*write to ledger ".*/l.db": disk I/O error.*`)
	if n := strings.Count(lastError(r.text()), "I/O error"); n != 1 {
		t.Errorf("the error says %d times what is wrong:\n%s", n, r.text())
	}
	if got := w.vendor.Calls(); got != 1 {
		t.Errorf("%d calls, want only the one that was in flight", got)
	}
	w.mustRun(4, "run", "c.csv", "--yes", "--ledger", "l.db")
	if got := w.counts("--ledger", "l.db"); got["invited"] != 19 || got["unknown"] != 1 || w.vendor.Calls() != 20 {
		t.Errorf("%v after %d calls, want 19 invited, 1 unknown and nobody called twice", got, w.vendor.Calls())
	}
}

func TestDisk_readOnly(t *testing.T) {
	t.Parallel()
	if !privately(t) {
		return
	}
	w := newWorld(t, sandbox.Config{APIKey: "k-1"})
	disk := w.mount("disk", "2m")
	w.write("c.csv", people(2, "getlink"))
	w.mustRun(0, "init", "--ledger", "disk/l.db")
	w.remount(disk, unix.MS_RDONLY, "size=2m")
	for _, args := range [][]string{
		{"run", "c.csv", "--ledger", "disk/l.db"},
		{"run", "c.csv", "--ledger", "disk/none.db"},
		{"run", "c.csv", "--ledger", "disk/new/l.db"},
		{"init", "--ledger", "disk/none.db"},
		{"resolve", "p1@example.org", "--sent", "--why", "seen", "--ledger", "disk/l.db"},
	} {
		_, said := w.mustRun(5, args...)
		ledger := args[len(args)-1]
		wantSaid(t, said, `batchinvite: open ledger ".*/`+ledger+`": [a-z]+ .*/disk/.*: read-only file system`,
			"hint: let this user write to the ledger and to its folder")
		if n := strings.Count(lastError(said), "read-only"); n != 1 {
			t.Errorf("the error says %d times what is wrong:\n%s", n, said)
		}
	}
	if got := w.vendor.Calls(); got != 0 {
		t.Errorf("%d calls without a ledger", got)
	}
	if exists(filepath.Join(w.dir, "c.results.csv")) || exists(filepath.Join(w.dir, "c.results.csv.partial")) {
		t.Error("results of a run that never began")
	}
}

// Results that can't be written stop the run: the ledger has what was done.
func TestDisk_fullOfResults(t *testing.T) {
	t.Parallel()
	if !privately(t) {
		return
	}
	const rows = 1500
	w := newWorld(t, sandbox.Config{APIKey: "k-1", CountsOnly: true})
	w.mount("disk", "64k")
	w.write("c.csv", people(rows, "getlink"))
	_, said := w.mustRun(5, "run", "c.csv", "--output", "disk/r.csv", "--ledger", "l.db", "--rate", "500/s")
	wantSaid(t, said, `batchinvite: write results of c.csv: write disk/r.csv.partial: no space left on device`,
		"hint: the ledger knows what was done: run again to go on",
		"hint: the rows written so far are in disk/r.csv.partial",
		"hint: or make the results of what was done: batchinvite export c.csv --base-url .* --ledger l.db")
	calls := w.vendor.Calls()
	if calls == 0 || calls == rows {
		t.Errorf("%d calls, want the run to have stopped on its way", calls)
	}
	w.mustRun(0, "run", "c.csv", "--ledger", "l.db")
	if got := w.vendor.Calls(); got != rows {
		t.Errorf("%d calls after the second run, want %d: nobody twice", got, rows)
	}
}
