package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"batchinvite/pkg/invite"
	"batchinvite/pkg/ledger"
	"batchinvite/pkg/ledger/sqlite"
	"batchinvite/pkg/sandbox"
)

// TestDiskFull gives the ledger of the real program a disk with some room, from none at all to almost enough, and holds
// invariants 1, 2, 3, 5 and 11 when it is full and when there is room again.
func TestDiskFull(t *testing.T) {
	t.Parallel()
	offsets := 40
	if os.Getenv("BATCHINVITE_SOAK") != "" {
		offsets = 500
	}
	for _, v := range diskFullViolations(t, buildProgram(t), offsets) {
		t.Error(v)
	}
}

const (
	fullRows    = 300
	fullWorkers = 16
)

// diskFullViolations runs a program with so many amounts of room, in one format and the other by turns, and says what
// went wrong. Every fourth run of either is traced besides.
func diskFullViolations(t *testing.T, program string, offsets int) (violations []string) {
	tracing := canTrace()
	if tracing != nil {
		t.Logf("no run is traced: %v", tracing)
	}
	most := roomNeeded(t, program)
	ended := map[int]int{} // by exit code
	kind := ""
	var mu sync.Mutex // of what the runs have come to
	t.Run("rooms", func(t *testing.T) {
		for i := range offsets {
			t.Run(fmt.Sprint(i), func(t *testing.T) {
				t.Parallel() // a program with a full disk waits for most of its time
				format := []invite.Format{invite.GetLink, invite.SendLink}[i%2]
				f := newFullDisk(t, program, format, most*int64(i)/int64(offsets), func() {})
				f.fill(tracing == nil && i%8 < 2)
				f.makeRoom()
				f.compare()
				f.goOn()
				f.remove()
				mu.Lock()
				defer mu.Unlock()
				for _, what := range f.wrong {
					violations = append(violations, fmt.Sprintf("%s, room for %d bytes, exit code %d: %s", format, f.room, f.code, what))
				}
				ended[f.code]++
				kind = f.kind
			})
		}
	})
	t.Logf("%d runs with room for 0 to %d bytes (%s), by exit code: %v", offsets, most, kind, ended)
	if ended[exitInternal] < offsets/4 {
		violations = append(violations, "most runs had room enough, which proves nothing")
	}
	return violations
}

// roomNeeded is how large a ledger's files are together at the last call of a run that nothing hinders.
func roomNeeded(t *testing.T, program string) (bytes int64) {
	var f *fullDisk
	var calls atomic.Int64
	f = newFullDisk(t, program, invite.GetLink, 1<<30, func() {
		if calls.Add(-1) == 0 {
			bytes = f.used()
		}
	})
	defer f.remove()
	calls.Store(fullRows)
	f.mustRun(0, f.args("run", "c.csv")...)
	calls.Load()
	return bytes
}

// used sums up the ledger's files.
func (f *fullDisk) used() (bytes int64) {
	files, _ := filepath.Glob(f.ledger + "*")
	for _, file := range files {
		if info, err := os.Stat(file); err == nil {
			bytes += info.Size()
		}
	}
	return bytes
}

// fullDisk is a world whose ledger is in a place with little room.
type fullDisk struct {
	*world
	format invite.Format
	room   int64
	ledger string

	kind             string // how the room is limited
	makeRoom, remove func()

	begun bool // init said so
	code  int  // of the run that had little room
	wrong []string
}

// newFullDisk lets the vendor call called at each call.
func newFullDisk(t *testing.T, program string, format invite.Format, room int64, called func()) *fullDisk {
	f := &fullDisk{format: format, room: room}
	f.world = newWorld(t, sandbox.Config{APIKey: "k-1", CountsOnly: true, Script: func(key sandbox.Key, _ int) sandbox.Fault {
		called()
		return sandbox.Fault{Latency: time.Duration(len(key.Email)) % 4 * time.Millisecond}
	}})
	f.program = program
	f.write("c.csv", people(fullRows, string(format)))
	folder := filepath.Join(f.dir, "small")
	if err := os.Mkdir(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	f.ledger = filepath.Join(folder, "ledger.db")
	if err := f.mount(folder); err != nil {
		f.limit(err)
	}
	return f
}

// mount makes folder a disk of its own. A disk of no size would have no limit, so there is a page on it already.
func (f *fullDisk) mount(folder string) error {
	const page = 4096
	if err := syscall.Mount("batchinvite", folder, "tmpfs", 0, fmt.Sprintf("mode=700,size=%d", page+f.room/page*page)); err != nil {
		return err
	}
	f.kind = "tmpfs"
	f.remove = func() { syscall.Unmount(folder, 0) }
	f.t.Cleanup(f.remove)
	f.makeRoom = func() {
		if err := syscall.Mount("", folder, "", syscall.MS_REMOUNT, "size=1g"); err != nil {
			f.t.Fatal(err)
		}
	}
	return os.WriteFile(filepath.Join(folder, "full"), make([]byte, page), 0o600)
}

// limit is for where nothing may be mounted: no file of the program grows beyond the room.
func (f *fullDisk) limit(why error) {
	const block = 512 // of POSIX's ulimit
	script := fmt.Sprintf("#!/bin/sh\nulimit -f %d\nexec '%s' \"$@\"\n", f.room/block, f.program)
	path := filepath.Join(f.dir, "limited")
	if err := os.WriteFile(path, []byte(script), 0o700); err != nil {
		f.t.Fatal(err)
	}
	plain := f.program
	f.program = path
	f.kind = fmt.Sprintf("ulimit, because of a tmpfs: %v", why)
	f.makeRoom = func() { f.program = plain }
	f.remove = func() {}
}

func (f *fullDisk) args(command ...string) []string {
	command = append(command, "--ledger", f.ledger)
	if command[0] == "run" {
		command = append(command, "--yes", "--workers", strconv.Itoa(fullWorkers))
	}
	return command
}

func (f *fullDisk) failf(format string, args ...any) {
	f.wrong = append(f.wrong, fmt.Sprintf(format, args...))
}

// fill runs the program until the disk is full.
func (f *fullDisk) fill(traced bool) {
	f.begun = true
	if f.format == invite.SendLink {
		code, _, stderr := f.run(f.args("init")...)
		f.begun = code == exitDone
		if code != exitDone && code != exitInternal {
			f.failf("init ended with exit code %d\n%s", code, stderr)
		}
	}
	var stderr string
	if traced {
		var trace []moment
		f.code, trace = f.trace("trace", f.args("run", "c.csv")...)
		f.wrong = append(f.wrong, sentAfterFailure(trace)...)
	} else {
		f.code, _, stderr = f.run(f.args("run", "c.csv")...)
	}
	switch {
	case f.code == exitDone, f.code == exitInternal:
	case f.code == exitUsage && (!f.begun || f.kind != "tmpfs"): // no ledger, or no room for the copy of the input
	default:
		f.failf("want exit code 0 or 5\n%s", stderr)
	}
}

// sentAfterFailure finds requests that go by claims made after the write-ahead log could not be written for the first
// time.
func sentAfterFailure(trace []moment) []string {
	failed := false
	for _, m := range trace {
		if strings.HasSuffix(m.on, "-wal") && m.end && !m.ok() {
			failed = true
		}
		if failed && m.name == "fsync" {
			m.result = "-1 too late"
		}
	}
	_, wrong := checkOrder(trace)
	return wrong
}

func TestSentAfterFailure_isSeen(t *testing.T) {
	full := strings.Replace(frameStart(9), "= 24", "= -1 ENOSPC (No space left on device)", 1)
	for name, tt := range map[string]struct {
		trace string
		wrong int
	}{
		"the disk is never full":      {claimWhole + synced + requestSent, 0},
		"claimed, full, then sent":    {claimWhole + synced + full + requestSent, 0},
		"full, then claimed and sent": {full + claimWhole + synced + requestSent, 1},
		"full in the fsync's way":     {claimWhole + full + synced + requestSent, 1},
	} {
		trace, err := parseTrace(strings.NewReader(tt.trace))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if wrong := sentAfterFailure(trace); len(wrong) != tt.wrong {
			t.Errorf("%s: %q wrong, want %d", name, wrong, tt.wrong)
		}
	}
}

// compare holds the ledger against the vendor's count, now that it can be opened in any case.
func (f *fullDisk) compare() {
	host, _, _ := strings.Cut(strings.TrimPrefix(f.url, "http://"), "/")
	led, err := sqlite.Open(f.t.Context(), f.ledger, host+"/default", sqlite.Options{Mode: sqlite.Read})
	if errors.Is(err, ledger.ErrNoLedger) || errors.Is(err, ledger.ErrNoAccount) {
		if calls := f.vendor.Calls(); calls > 0 {
			f.failf("%d requests, and there is no ledger", calls)
		}
		return
	}
	if err != nil {
		f.failf("%v", err)
		return
	}
	defer led.Close()
	var keys []invite.Key
	var tallies []sandbox.Tally
	for key, tally := range f.vendor.Tallies() {
		keys = append(keys, invite.Key{Campaign: "default", Assessment: key.Assessment, Email: key.Email})
		tallies = append(tallies, tally)
	}
	histories, err := led.Lookup(f.t.Context(), keys)
	if err != nil {
		f.failf("%v", err)
	}
	open := 0
	for i, h := range histories {
		rec := h.Of(f.format)
		if rec == nil || rec.Outcome.Attempts < int(tallies[i].Attempts) {
			f.failf("%s: %d requests, the ledger has %+v", keys[i].Email, tallies[i].Attempts, rec)
		} else if rec.Outcome.State != invite.Invited {
			open++
		}
	}
	if open > fullWorkers {
		f.failf("%d people who were called have no outcome, want at most %d", open, fullWorkers)
	}
}

// goOn runs the program again, with as much room as it likes.
func (f *fullDisk) goOn() {
	if !f.begun {
		// It can have failed so late that the account is there.
		if code, _, stderr := f.run(f.args("init")...); code != exitDone && code != exitUsage {
			f.failf("init with room ended with exit code %d\n%s", code, stderr)
		}
	}
	code, _, stderr := f.run(f.args("run", "c.csv")...)
	if code != exitDone && (code != exitUnknown || f.format == invite.GetLink) {
		f.failf("the run with room ended with exit code %d\n%s", code, stderr)
		return
	}
	table := f.read("c.results.csv")
	if rows := len(table) - 1; rows != fullRows {
		f.failf("%d result rows, want %d", rows, fullRows)
	}
	f.wrong = append(f.wrong, lies(table, f.vendor.Tallies())...)
	if twice := f.vendor.Duplicates("sendlink"); len(twice) > 0 {
		f.failf("%d people were e-mailed twice", len(twice))
	}
	if got := f.vendor.Invitations(); code == exitDone && got < fullRows {
		f.failf("%d invitations, want at least %d", got, fullRows)
	}
}
