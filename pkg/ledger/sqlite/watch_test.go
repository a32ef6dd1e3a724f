package sqlite

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	"batchinvite/pkg/invite"
	"batchinvite/pkg/ledger"
)

// attacks on a file that a run has open.
var attacks = map[string]func(path string) error{
	"deleted":  os.Remove,
	"moved":    func(path string) error { return os.Rename(path, path+".old") },
	"replaced": replace,
}

// replace puts a copy in the place of a file, as a restored backup does.
func replace(path string) error {
	content, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	return errors.Join(os.WriteFile(path+".copy", content, 0o600), os.Rename(path+".copy", path))
}

// Invariant 2: a claim in a file that nobody will find again is none.
func TestWatch_noClaimOnceAFileIsGone(t *testing.T) {
	for what, attack := range attacks {
		for _, side := range []string{"", "-wal", "-shm", ".lock"} {
			t.Run(what+" ledger.db"+side, func(t *testing.T) {
				path := newPath(t)
				l := mustOpen(t, path, Options{Mode: Create})
				run := mustClaim(t, l, 1)
				granted, err := l.Claim(t.Context(), run, candidate(1), "", invite.Policy{})
				if err != nil {
					t.Fatal(err)
				}
				if err := attack(path + side); err != nil {
					t.Fatal(err)
				}
				_, claim := l.Claim(t.Context(), run, candidate(2), "", invite.Policy{})
				_, record := l.Record(t.Context(), granted, invite.Outcome{State: invite.Invited})
				name := ""
				if side != "" {
					name = fmt.Sprintf("%q: ", path+side)
				}
				want := fmt.Sprintf("write to ledger %q: %sthe file was deleted or replaced while this run used it", path, name)
				for _, err := range []error{claim, record} {
					if !errors.Is(err, ledger.ErrReplaced) || err.Error() != want {
						t.Errorf("error %v, want %s", err, want)
					}
				}
				mustClose(t, l)
				if side == "" {
					return
				}
				// SQLite folds a write-ahead log that has lost its name into the file that has not.
				if open, err := mustOpen(t, path, Options{Mode: Write}).Open(t.Context()); err != nil || len(open) != 2 {
					t.Errorf("%d records, %v, want the two that were granted", len(open), err)
				}
			})
		}
	}
}

func TestWatch_putBackIsTooLate(t *testing.T) {
	path := newPath(t)
	l := mustOpen(t, path, Options{Mode: Create})
	run := mustClaim(t, l, 1)
	if err := os.Rename(path, path+".old"); err != nil {
		t.Fatal(err)
	}
	if _, err := l.Claim(t.Context(), run, candidate(1), "", invite.Policy{}); !errors.Is(err, ledger.ErrReplaced) {
		t.Fatalf("Claim = %v, want %v", err, ledger.ErrReplaced)
	}
	if err := os.Rename(path+".old", path); err != nil {
		t.Fatal(err)
	}
	if _, err := l.Claim(t.Context(), run, candidate(2), "", invite.Policy{}); !errors.Is(err, ledger.ErrReplaced) {
		t.Errorf("Claim = %v, want it refused for good: %v", err, ledger.ErrReplaced)
	}
	mustClose(t, l)
	if open, err := mustOpen(t, path, Options{Mode: Write}).Open(t.Context()); err != nil || len(open) != 1 {
		t.Errorf("%d records, %v, want the one that was granted", len(open), err)
	}
}

// The one that lost its name must leave the one that has it now alone: its write-ahead log, its lock, its holder's facts.
// (SQLite deletes no log of a file that was moved.)
func TestWatch_closingLeavesTheNextLedgerOfThatNameAlone(t *testing.T) {
	path := newPath(t)
	first := mustOpen(t, path, Options{Mode: Create, Command: "run first.csv"})
	mustClaim(t, first, 3)
	for _, side := range []string{"", "-wal", "-shm", ".lock", ".holder"} {
		if err := os.Rename(path+side, strings.Replace(path, "ledger.db", "moved.db", 1)+side); err != nil {
			t.Fatal(err)
		}
	}
	second := mustOpen(t, path, Options{Mode: Create, Command: "run second.csv"})
	run := mustClaim(t, second, 1)
	mustClose(t, first)
	if _, err := second.Claim(t.Context(), run, candidate(1), "", invite.Policy{}); err != nil {
		t.Errorf("Claim in the second ledger = %v, want nil", err)
	}
	if h := readHolder(path + ".holder"); h.Command != "run second.csv" {
		t.Errorf("holder %+v, want the second run", h)
	}
	mustClose(t, second)
	for path, want := range map[string]int{path: 2, strings.Replace(path, "ledger.db", "moved.db", 1): 3} {
		if open, err := mustOpen(t, path, Options{Mode: Write}).Open(t.Context()); err != nil || len(open) != want {
			t.Errorf("%s has %d claims, %v, want %d", path, len(open), err, want)
		}
	}
}

// Invariant 10: without the lock's file a second run gets a lock of its own, so the first must send nothing more.
func TestWatch_secondRunOnADeletedLockStopsTheFirst(t *testing.T) {
	path := newPath(t)
	first := mustOpen(t, path, Options{Mode: Create})
	run := mustClaim(t, first, 1)
	if err := os.Remove(path + ".lock"); err != nil {
		t.Fatal(err)
	}
	second := mustOpen(t, path, Options{Mode: Write})
	if _, err := first.Claim(t.Context(), run, candidate(1), "", invite.Policy{}); !errors.Is(err, ledger.ErrReplaced) {
		t.Errorf("Claim of the first run = %v, want %v", err, ledger.ErrReplaced)
	}
	mustClaim(t, second, 0)
}
