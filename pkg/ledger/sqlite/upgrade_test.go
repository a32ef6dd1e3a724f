package sqlite

import (
	"errors"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"batchinvite/pkg/invite"
	"batchinvite/pkg/ledger"
)

// firstLayout makes a ledger as the first version left it when it was killed.
func firstLayout(t *testing.T) (path string) {
	t.Helper()
	path = newPath(t)
	script, err := migrations.ReadFile("migrations/001_ledger.sql")
	if err != nil {
		t.Fatal(err)
	}
	db := shell(t, path)
	execute(t, db, "PRAGMA journal_mode = WAL")
	execute(t, db, string(script))
	execute(t, db, `PRAGMA application_id = 0x62696e76; PRAGMA user_version = 1;
		INSERT INTO accounts VALUES (1, 'app.example/default', 1000);
		INSERT INTO campaigns VALUES (1, 'default');
		INSERT INTO runs (account, campaign, started, host, pid, files, settings) VALUES (1, 'default', 2000, 'h', 7, '[]', '');
		INSERT INTO records (account, assessment, email, campaign, format, name, address, fingerprint, state, prior, fence, run,
			claimed_at, attempts, file, line, link) VALUES
			(1, 4711, 'ann@example.org', 1, 2, 'Ann', NULL, x'00', 3, 1, 1, 1, 2000, 1, 0, 2, 'https://app.example/i/1'),
			(1, 4711, 'bob@example.org', 1, 2, 'Bob', NULL, x'00', 1, 0, 1, 1, 2000, 1, 0, 3, '')`)
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestUpgrade_keepsWhatTheFirstLayoutHad(t *testing.T) {
	for _, mode := range []Mode{Read, Write, Create} {
		l := mustOpen(t, firstLayout(t), Options{Mode: mode})
		var got []string
		if err := l.Records(t.Context(), ledger.Filter{}, func(r invite.Record) error {
			got = append(got, r.Name+" "+string(r.Outcome.State)+" "+r.Outcome.Link)
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]string{"Ann invited https://app.example/i/1", "Bob unknown "}, got); diff != "" {
			t.Errorf("mode %d: records (-want +got):\n%s", mode, diff)
		}
		runs, err := l.Runs(t.Context(), 0)
		if err != nil || len(runs) != 1 || runs[0].Command != "run" || runs[0].Alive || runs[0].Host != "h" || runs[0].PID != 7 {
			t.Errorf("mode %d: Runs = %+v, %v, want the one, and dead", mode, runs, err)
		}
		mustClose(t, l)
	}
}

func TestUpgrade_waitsForAnOlderProgram(t *testing.T) {
	path := firstLayout(t)
	lock, err := acquire(t.Context(), path, Options{Command: "run old.csv"})
	if err != nil {
		t.Fatal(err)
	}
	var heldErr *ledger.Held
	_, err = Open(t.Context(), path, account, Options{Mode: Read})
	if !errors.As(err, &heldErr) || heldErr.Holder.Command != "run old.csv" {
		t.Errorf("Open beside the older program = %v, want it held by run old.csv", err)
	}
	if err := lock.release(); err != nil {
		t.Fatal(err)
	}
	mustClose(t, mustOpen(t, path, Options{Mode: Read}))
	if _, ok := files(t, filepath.Dir(path))["ledger.db.holder"]; ok {
		t.Error("the upgrade still holds the lock")
	}
}

func TestRead_tellsRunsOfTheLivingFromThoseOfTheDead(t *testing.T) {
	path := newPath(t)
	l := mustOpen(t, path, Options{Mode: Create})
	mustClaim(t, l, 0)
	reader := mustOpen(t, path, Options{Mode: Read})
	check := func(when string, want ...bool) {
		t.Helper()
		runs, err := reader.Runs(t.Context(), 0)
		if err != nil {
			t.Fatal(err)
		}
		var alive []bool
		for _, r := range runs {
			alive = append(alive, r.Alive)
		}
		if diff := cmp.Diff(want, alive); diff != "" {
			t.Errorf("%s (-want +got):\n%s", when, diff)
		}
	}
	check("while it runs", true)
	mustClose(t, l)
	check("after it died", false)
	l = mustOpen(t, path, Options{Mode: Write}) // such as resolve, which makes no run
	check("while somebody else has the lock", false)
	mustClaim(t, l, 0)
	check("while the next one runs", true, false)
}
