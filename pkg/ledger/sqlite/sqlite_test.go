package sqlite

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"
	driver "modernc.org/sqlite"
	codes "modernc.org/sqlite/lib"

	"batchinvite/pkg/invite"
	"batchinvite/pkg/ledger"
)

const account = "app.example/default"

func TestMain(m *testing.M) {
	if path := os.Getenv(victimEnv); path != "" {
		beVictim(path)
	}
	goleak.VerifyTestMain(m)
}

func newPath(t testing.TB) string {
	t.Helper()
	return filepath.Join(t.TempDir(), "ledger.db")
}

// mustOpen opens the ledger and closes it at the end of the test, if the test does not.
func mustOpen(t testing.TB, path string, o Options) *Ledger {
	t.Helper()
	l, err := Open(t.Context(), path, account, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l
}

func mustClose(t testing.TB, l *Ledger) {
	t.Helper()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
}

// mustClaim starts a run and claims candidates 0 to n-1.
func mustClaim(t testing.TB, l *Ledger, n int) (run int64) {
	t.Helper()
	run, err := l.Start(t.Context(), ledger.Run{})
	if err != nil {
		t.Fatal(err)
	}
	for i := range n {
		if _, err := l.Claim(t.Context(), run, candidate(i), "", invite.Policy{}); err != nil {
			t.Fatal(err)
		}
	}
	return run
}

func refuses(t *testing.T, path string, mode Mode, want error) {
	t.Helper()
	l, err := Open(t.Context(), path, account, Options{Mode: mode})
	if err == nil {
		l.Close()
	}
	if text := fmt.Sprintf("open ledger %q: %v", path, want); !errors.Is(err, want) || err.Error() != text {
		t.Errorf("Open in mode %d = %v, want %s", mode, err, text)
	}
}

// files gives the content of each file in a folder.
func files(t *testing.T, dir string) map[string]string {
	t.Helper()
	content := map[string]string{}
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		b, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		content[e.Name()] = string(b)
	}
	return content
}

func TestOpen_commitsAreDurable(t *testing.T) {
	l := mustOpen(t, newPath(t), Options{Mode: Create})
	for pragma, want := range map[string]string{"journal_mode": "wal", "synchronous": "2", "busy_timeout": "10000"} {
		var got string
		if err := l.writer.conn.QueryRowContext(t.Context(), "PRAGMA "+pragma).Scan(&got); err != nil || got != want {
			t.Errorf("PRAGMA %s = %q, %v, want %q", pragma, got, err, want)
		}
	}
}

func TestOpen_refusesSettingsThatAreNotDurable(t *testing.T) {
	for setting, want := range map[string]string{
		"journal_mode = DELETE": "journal mode is delete and synchronous 2, want wal and 2: the file system cannot keep a ledger",
		"synchronous = NORMAL":  "journal mode is wal and synchronous 1, want wal and 2: the file system cannot keep a ledger",
	} {
		path := newPath(t)
		mustClose(t, mustOpen(t, path, Options{Mode: Create}))
		w, err := newWriter(t.Context(), path)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.conn.ExecContext(t.Context(), "PRAGMA "+setting); err != nil {
			t.Fatal(err)
		}
		if err := w.prepare(t.Context(), account, Write, time.Now()); err == nil || err.Error() != want {
			t.Errorf("with %s: prepare = %v, want %s", setting, err, want)
		}
		if err := w.close(); err != nil {
			t.Error(err)
		}
	}
}

func TestOpen_onlyTheOwnerMayRead(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "state", "batchinvite")
	l := mustOpen(t, filepath.Join(dir, "ledger.db"), Options{Mode: Create})
	mustClaim(t, l, 1)
	got := map[string]fs.FileMode{}
	for _, name := range []string{"..", ".", "ledger.db", "ledger.db-wal", "ledger.db-shm", "ledger.db.lock", "ledger.db.holder"} {
		info, err := os.Stat(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		got[name] = info.Mode().Perm()
	}
	want := map[string]fs.FileMode{"..": 0o700, ".": 0o700, "ledger.db": 0o600, "ledger.db-wal": 0o600, "ledger.db-shm": 0o600,
		"ledger.db.lock": 0o600, "ledger.db.holder": 0o600}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("permissions (-want +got):\n%s", diff)
	}
}

func TestOpen_createsNothingUnasked(t *testing.T) {
	for _, mode := range []Mode{Read, Write} {
		dir := t.TempDir()
		refuses(t, filepath.Join(dir, "none", "ledger.db"), mode, ledger.ErrNoLedger)
		refuses(t, filepath.Join(dir, "ledger.db"), mode, ledger.ErrNoLedger)
		if got := files(t, dir); len(got) != 0 {
			t.Errorf("mode %d made %v", mode, got)
		}
		empty := filepath.Join(t.TempDir(), "ledger.db")
		if err := os.WriteFile(empty, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		refuses(t, empty, mode, ledger.ErrNoLedger)
	}
}

func TestOpen_tellsAnAccountThatIsNotThere(t *testing.T) {
	path := newPath(t)
	other, err := Open(t.Context(), path, "app.example/other", Options{Mode: Create})
	if err != nil {
		t.Fatal(err)
	}
	mustClose(t, other)
	refuses(t, path, Read, ledger.ErrNoAccount)
	refuses(t, path, Write, ledger.ErrNoAccount)
	mustClose(t, mustOpen(t, path, Options{Mode: Init}))
	refuses(t, path, Init, ledger.ErrExists)
	for _, mode := range []Mode{Read, Write, Create} {
		mustClose(t, mustOpen(t, path, Options{Mode: mode}))
	}
}

func TestOpen_refusesANewerLedger(t *testing.T) {
	path := newPath(t)
	mustClose(t, mustOpen(t, path, Options{Mode: Create}))
	execute(t, shell(t, path), "PRAGMA user_version = 99")
	for _, mode := range []Mode{Read, Write, Create, Init} {
		refuses(t, path, mode, ledger.ErrNewer)
	}
}

func TestOpen_leavesAnotherProgramsDatabaseAlone(t *testing.T) {
	path := newPath(t)
	db := shell(t, path)
	execute(t, db, "CREATE TABLE theirs (x)")
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	before := files(t, filepath.Dir(path))
	for _, mode := range []Mode{Read, Write, Create, Init} {
		_, err := Open(t.Context(), path, account, Options{Mode: mode})
		if want := fmt.Sprintf("open ledger %q: is a database of another program", path); err == nil || err.Error() != want {
			t.Errorf("Open in mode %d = %v, want %s", mode, err, want)
		}
	}
	before["ledger.db.lock"] = ""
	if diff := cmp.Diff(before, files(t, filepath.Dir(path))); diff != "" {
		t.Errorf("files (-before +after):\n%s", diff)
	}
}

func TestOpen_namesTheFileThatIsDamaged(t *testing.T) {
	for code, damage := range map[int]func(content []byte) []byte{
		codes.SQLITE_NOTADB:  func([]byte) []byte { return []byte("name,email\nAnn,ann@example.org\n") },
		codes.SQLITE_CORRUPT: func(content []byte) []byte { return content[:len(content)/3] },
	} {
		path := newPath(t)
		mustClose(t, mustOpen(t, path, Options{Mode: Create}))
		content, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, damage(content), 0o600); err != nil {
			t.Fatal(err)
		}
		for _, mode := range []Mode{Read, Write, Create} {
			_, err := Open(t.Context(), path, account, Options{Mode: mode})
			var sqliteErr *driver.Error
			if !errors.As(err, &sqliteErr) || sqliteErr.Code() != code {
				t.Fatalf("Open in mode %d = %v, want SQLite's error %d", mode, err, code)
			}
			if want := fmt.Sprintf("open ledger %q: %v", path, sqliteErr); err.Error() != want {
				t.Errorf("Open in mode %d = %v, want %s", mode, err, want)
			}
		}
	}
}

func TestOpen_takesAnyFileName(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "100% ?mode=ro#é & more")
	l := mustOpen(t, filepath.Join(dir, "a ledger.db"), Options{Mode: Create})
	mustClaim(t, l, 1)
	mustClose(t, l)
	got := files(t, dir)
	if _, ok := got["a ledger.db"]; !ok || len(got) != 2 {
		t.Errorf("the folder has %d files, want the ledger and its lock", len(got))
	}
}

func TestRead_refusesToWrite(t *testing.T) {
	path := newPath(t)
	mustClose(t, mustOpen(t, path, Options{Mode: Create}))
	l := mustOpen(t, path, Options{Mode: Read})
	_, err := l.Start(t.Context(), ledger.Run{})
	if want := fmt.Sprintf("write to ledger %q: ledger is open for reading only", path); !errors.Is(err, ledger.ErrReadOnly) || err.Error() != want {
		t.Errorf("Start = %v, want %s", err, want)
	}
	if _, err := l.read.ExecContext(t.Context(), "DELETE FROM accounts"); err == nil {
		t.Error("a reading connection deleted the accounts")
	}
}
