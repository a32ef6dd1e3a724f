package sqlite

import (
	"errors"
	"fmt"
	"testing"

	driver "modernc.org/sqlite"
	codes "modernc.org/sqlite/lib"

	"batchinvite/pkg/invite"
	"batchinvite/pkg/ledger"
)

// pragma runs on the writer's own connection. The test sees to it that the committer is idle.
func pragma(t *testing.T, l *Ledger, setting string) {
	t.Helper()
	if _, err := l.writer.conn.ExecContext(t.Context(), "PRAGMA "+setting); err != nil {
		t.Fatal(err)
	}
}

func wantCode(t *testing.T, what string, err error, code int) {
	t.Helper()
	var sqliteErr *driver.Error
	if !errors.As(err, &sqliteErr) || sqliteErr.Code() != code {
		t.Errorf("%s = %v, want SQLite's error %d", what, err, code)
	}
}

// Invariant 11, and what was granted before stays.
func TestFailure_fullDiskRefusesEveryLaterClaim(t *testing.T) {
	path := newPath(t)
	l := mustOpen(t, path, Options{Mode: Create})
	run := mustClaim(t, l, 1)
	pragma(t, l, "max_page_count = 1") // becomes the present size
	granted := 1
	var full error
	var inFlight invite.Claim
	for full == nil {
		var claim invite.Claim
		if claim, full = l.Claim(t.Context(), run, candidate(granted), "", invite.Policy{}); full == nil {
			inFlight = claim
			granted++
		}
	}
	wantCode(t, "Claim", full, codes.SQLITE_FULL)
	if want := fmt.Sprintf("write to ledger %q: the disk is full", path); !errors.Is(full, ledger.ErrFull) || full.Error() != want {
		t.Errorf("Claim = %v, want %s", full, want)
	}
	pragma(t, l, "max_page_count = 100000")

	_, err := l.Claim(t.Context(), run, candidate(granted+1), "", invite.Policy{})
	if !errors.Is(err, full) {
		t.Errorf("Claim after the disk has room again = %v, want the first error %v", err, full)
	}
	if _, err := l.Record(t.Context(), inFlight, invite.Outcome{State: invite.Invited}); err != nil {
		t.Errorf("Record of a call in flight = %v, want it recorded now that there is room", err)
	}
	mustClose(t, l)
	open, err := mustOpen(t, path, Options{Mode: Read}).Open(t.Context())
	if err != nil || len(open) != granted-1 {
		t.Errorf("%d records are open, %v, want the %d that were granted and have no outcome", len(open), err, granted-1)
	}
}

// A campaign's number that was rolled back must not be given to the outcomes that come afterwards.
func TestFailure_forgetsWhatARolledBackTransactionKnew(t *testing.T) {
	l := mustOpen(t, newPath(t), Options{Mode: Create})
	failed := l.writer.commit([]write{
		func(w *writer) error { _, err := w.campaign("new"); w.calls[1]++; return err },
		func(*writer) error { return ledger.ErrFull },
	})
	if len(l.writer.campaigns) != 0 || len(l.writer.calls) != 0 || !errors.Is(failed, ledger.ErrFull) {
		t.Errorf("after %v: campaigns %v, usage %v, want nothing of either", failed, l.writer.campaigns, l.writer.calls)
	}
}

func TestFailure_failedCommitRefusesEveryLaterClaim(t *testing.T) {
	l := mustOpen(t, newPath(t), Options{Mode: Create})
	run := mustClaim(t, l, 1)
	fails := int32(1)
	if err := l.writer.conn.Raw(func(c any) error {
		c.(driver.HookRegisterer).RegisterCommitHook(func() int32 { return fails })
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	_, first := l.Claim(t.Context(), run, candidate(1), "", invite.Policy{})
	wantCode(t, "Claim", first, codes.SQLITE_CONSTRAINT_COMMITHOOK)
	fails = 0
	if _, err := l.Claim(t.Context(), run, candidate(2), "", invite.Policy{}); !errors.Is(err, first) {
		t.Errorf("Claim after commits work again = %v, want the first error %v", err, first)
	}
	if _, err := l.Record(t.Context(), invite.Claim{Format: invite.SendLink}, invite.Outcome{State: invite.Invited}); !errors.Is(err, first) {
		t.Errorf("Record = %v, want the first error %v", err, first)
	}
}
