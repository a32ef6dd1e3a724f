package sqlite

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"batchinvite/pkg/invite"
	"batchinvite/pkg/ledger"
)

// victimEnv makes the test binary a process that works on the ledger of that path until somebody kills it.
const (
	victimEnv     = "BATCHINVITE_TEST_VICTIM"
	victimWorkers = 16
)

// beVictim claims and records without end, and prints the e-mail address of each outcome that the ledger has taken. It
// ends by itself when its standard input does, so that it does not outlive a test that is stopped.
func beVictim(path string) {
	go func() {
		io.Copy(io.Discard, os.Stdin)
		os.Exit(1)
	}()
	ctx := context.Background()
	fail := func(err error) {
		fmt.Println("error", err)
		os.Exit(1)
	}
	l, err := Open(ctx, path, account, Options{Mode: Create, Command: "victim"})
	if err != nil {
		fail(err)
	}
	run, err := l.Start(ctx, ledger.Run{})
	if err != nil {
		fail(err)
	}
	var next atomic.Int64
	for range victimWorkers {
		go func() {
			for {
				c := candidate(int(next.Add(1)))
				claim, err := l.Claim(ctx, run, c, "", invite.Policy{})
				if err == nil {
					_, err = l.Record(ctx, claim, invite.Outcome{State: invite.Invited, Link: "https://app.example/" + c.Key.Email})
				}
				if err != nil {
					fail(err)
				}
				fmt.Println(c.Key.Email)
			}
		}()
	}
	select {}
}

// killVictim lets a victim record some outcomes, kills it as a power cut would, and gives the outcomes it told of.
func killVictim(t *testing.T, path string, outcomes int) (recorded []string) {
	t.Helper()
	victim := exec.Command(os.Args[0])
	victim.Env = append(os.Environ(), victimEnv+"="+path)
	stdin, err := victim.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	defer stdin.Close()
	stdout, err := victim.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := victim.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(stdout)
	for lines.Scan() {
		if strings.HasPrefix(lines.Text(), "error") {
			t.Error(lines.Text())
		}
		if recorded = append(recorded, lines.Text()); len(recorded) == outcomes {
			// While it lives nobody else gets in.
			var heldErr *ledger.Held
			if _, err := Open(t.Context(), path, account, Options{Mode: Write}); !errors.As(err, &heldErr) || heldErr.Holder.PID != victim.Process.Pid {
				t.Errorf("Open beside the living = %v, want it held by process %d", err, victim.Process.Pid)
			}
			victim.Process.Kill()
		}
	}
	victim.Wait()
	return recorded[:len(recorded)-1] // the last line may be torn
}

// Invariant 5.
func TestCrash_losesNoOutcomeAndLeavesFewUnknown(t *testing.T) {
	path := newPath(t)
	recorded := killVictim(t, path, 100)
	l := mustOpen(t, path, Options{Mode: Write}) // the lock went with the process
	keys := make([]invite.Key, len(recorded))
	for i, email := range recorded {
		keys[i] = candidate(0).Key
		keys[i].Email = email
	}
	histories, err := l.Lookup(t.Context(), keys)
	if err != nil {
		t.Fatal(err)
	}
	for i, h := range histories {
		if len(h.Records) != 1 || h.Records[0].Outcome.State != invite.Invited || h.Records[0].Outcome.Link == "" {
			t.Errorf("%s was recorded and is %+v", recorded[i], h)
		}
	}
	open, err := l.Open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if len(open) > victimWorkers {
		t.Errorf("%d records are open, want at most %d", len(open), victimWorkers)
	}
	for _, r := range open {
		if r.Outcome.State != invite.Unknown || r.Outcome.Error != ledger.DeadRun {
			t.Errorf("%s is %+v, want unknown", r.Key.Email, r.Outcome)
		}
	}
}

// A power cut in the first transaction leaves a half-written page and a journal that says that the file was empty.
func TestOpen_beginsAgainWhereTheBeginningWasCutOff(t *testing.T) {
	path := newPath(t)
	journal := append([]byte("\xd9\xd5\x05\xf9\x20\xa1\x63\xd7"), // what a journal begins with
		0, 0, 0, 0, // pages in it
		1, 2, 3, 4,
		0, 0, 0, 0, // pages of the file before
		0, 0, 2, 0, // a sector
		0, 0, 16, 0) // a page
	for name, content := range map[string][]byte{path: bytes.Repeat([]byte("x"), 4096), path + "-journal": append(journal, make([]byte, 512-28)...)} {
		if err := os.WriteFile(name, content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, mode := range []Mode{Read, Write} {
		if _, err := Open(t.Context(), path, account, Options{Mode: mode}); !errors.Is(err, ledger.ErrNoLedger) {
			t.Errorf("Open in mode %d = %v, want %v", mode, err, ledger.ErrNoLedger)
		}
	}
	mustClaim(t, mustOpen(t, path, Options{Mode: Init}), 1)
}

func TestRead_seesClaimsInFlightWhileTheirRunLives(t *testing.T) {
	path := newPath(t)
	l := mustOpen(t, path, Options{Mode: Create})
	mustClaim(t, l, 3)
	reader := mustOpen(t, path, Options{Mode: Read})
	check := func(want invite.State, text string) {
		t.Helper()
		facts, err := reader.Facts(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(map[invite.State]int{want: 3}, facts.States); diff != "" {
			t.Errorf("States (-want +got):\n%s", diff)
		}
		open, err := reader.Open(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		histories, err := reader.Lookup(t.Context(), []invite.Key{candidate(0).Key})
		if err != nil {
			t.Fatal(err)
		}
		if len(open) != 3 || len(histories[0].Records) != 1 {
			t.Fatalf("Open gave %d records and Lookup %d, want 3 and 1", len(open), len(histories[0].Records))
		}
		if err := reader.Records(t.Context(), ledger.Filter{States: []invite.State{want}}, func(r invite.Record) error {
			open = append(open, r)
			return nil
		}); err != nil || len(open) != 6 {
			t.Errorf("Records gave %d records, %v, want 3", len(open)-3, err)
		}
		for _, r := range append(open, histories[0].Records...) {
			if r.Outcome.State != want || r.Outcome.Error != text {
				t.Errorf("%s is %+v, want %s with error %q", r.Key.Email, r.Outcome, want, text)
			}
		}
	}
	check(invite.Claimed, "")
	mustClose(t, l)
	check(invite.Unknown, ledger.DeadRun)
}

func TestRead_changesNothingOfADeadRun(t *testing.T) {
	path := newPath(t)
	recorded := killVictim(t, path, 20)
	before := files(t, filepath.Dir(path))
	reader := mustOpen(t, path, Options{Mode: Read})
	facts, err := reader.Facts(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if facts.States[invite.Invited] < len(recorded) || facts.States[invite.Claimed] != 0 {
		t.Errorf("States = %v, want at least %d invited and none claimed", facts.States, len(recorded))
	}
	mustClose(t, reader)
	after := files(t, filepath.Dir(path))
	delete(before, "ledger.db-shm") // an index of the log, made anew by whoever comes first
	delete(after, "ledger.db-shm")
	for name := range after {
		if after[name] != before[name] {
			t.Errorf("reading changed %s", name)
		}
	}
	if len(after) != len(before) {
		t.Errorf("%d files after reading, want %d", len(after), len(before))
	}
}

func TestRead_makesNoLock(t *testing.T) {
	path := newPath(t)
	mustClose(t, mustOpen(t, path, Options{Mode: Create}))
	if err := os.Remove(path + ".lock"); err != nil {
		t.Fatal(err)
	}
	if _, err := mustOpen(t, path, Options{Mode: Read}).Facts(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(path + ".lock"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the lock file is there: %v", err)
	}
}

// A claim that Close comes upon is either made or refused, never in doubt.
func TestClose_answersEveryClaim(t *testing.T) {
	path := newPath(t)
	l := mustOpen(t, path, Options{Mode: Create})
	run := mustClaim(t, l, 0)
	var next, granted atomic.Int64
	underWay := make(chan struct{}) // closed by the claim that makes it 50
	var workers sync.WaitGroup
	for range 16 {
		workers.Go(func() {
			for {
				_, err := l.Claim(t.Context(), run, candidate(int(next.Add(1))), "", invite.Policy{})
				switch {
				case errors.Is(err, ledger.ErrClosed):
					return
				case err != nil:
					t.Errorf("Claim = %v, want nil or %v", err, ledger.ErrClosed)
					return
				}
				if granted.Add(1) == 50 {
					close(underWay)
				}
			}
		})
	}
	<-underWay
	mustClose(t, l)
	workers.Wait()
	open, err := mustOpen(t, path, Options{Mode: Read}).Open(t.Context())
	if err != nil || len(open) != int(granted.Load()) {
		t.Errorf("%d records are there, %v, want the %d that were granted", len(open), err, granted.Load())
	}
}
