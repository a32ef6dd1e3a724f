package sqlite

import (
	"errors"
	"testing"

	driver "modernc.org/sqlite"
	codes "modernc.org/sqlite/lib"

	"batchinvite/pkg/invite"
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
	for full == nil {
		if _, full = l.Claim(t.Context(), run, candidate(granted), "", invite.Policy{}); full == nil {
			granted++
		}
	}
	wantCode(t, "Claim", full, codes.SQLITE_FULL)
	pragma(t, l, "max_page_count = 100000")

	_, err := l.Claim(t.Context(), run, candidate(granted+1), "", invite.Policy{})
	if !errors.Is(err, full) {
		t.Errorf("Claim after the disk has room again = %v, want the first error %v", err, full)
	}
	if _, err := l.Record(t.Context(), invite.Claim{Format: invite.SendLink}, invite.Outcome{State: invite.Invited}); !errors.Is(err, full) {
		t.Errorf("Record = %v, want the first error %v", err, full)
	}
	mustClose(t, l)
	open, err := mustOpen(t, path, Options{Mode: Read}).Open(t.Context())
	if err != nil || len(open) != granted {
		t.Errorf("%d records are there, %v, want the %d that were granted", len(open), err, granted)
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
}
