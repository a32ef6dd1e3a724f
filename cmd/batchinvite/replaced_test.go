package main

import (
	"database/sql"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"batchinvite/pkg/sandbox"
)

// Invariants 2 and 11 when somebody tidies up: a run whose ledger, or the lock of it, is not there any more calls nobody.
func TestReplaced_ledgerOfARun(t *testing.T) {
	t.Parallel()
	remove := func(name string) func(dir string) error {
		return func(dir string) error { return os.Remove(filepath.Join(dir, name)) }
	}
	for name, tt := range map[string]struct {
		attack func(dir string) error
		named  string // in the error, besides the ledger
	}{
		"ledger deleted": {remove("l.db"), ""},
		"ledger moved": {func(dir string) error {
			return os.Rename(filepath.Join(dir, "l.db"), filepath.Join(dir, "old.db"))
		}, ""},
		"an older copy put there": {func(dir string) error {
			return os.Rename(filepath.Join(dir, "backup.db"), filepath.Join(dir, "l.db"))
		}, ""},
		"folder moved": {func(dir string) error { return os.Rename(dir, dir+".old") }, ""},
		"log deleted":  {remove("l.db-wal"), `".*/state/l.db-wal": `},
		"lock deleted": {remove("l.db.lock"), `".*/state/l.db.lock": `},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := newGate()
			w := newWorld(t, sandbox.Config{APIKey: "k-1", Script: g.script})
			w.write("c.csv", people(20, "sendlink"))
			w.mustRun(0, "init", "--ledger", "state/l.db")
			dir := filepath.Join(w.dir, "state")
			content, err := os.ReadFile(filepath.Join(dir, "l.db"))
			if err != nil {
				t.Fatal(err)
			}
			w.write("state/backup.db", string(content))
			r := w.start("run", "c.csv", "--yes", "--workers", "1", "--ledger", "state/l.db")
			g.wait(t)
			if err := tt.attack(dir); err != nil {
				t.Fatal(err)
			}
			close(g.open)
			r.wantExit(t, 5)
			text := `write to ledger ".*/state/l.db": ` + tt.named + `the file was deleted or replaced while this run used it`
			wantSaid(t, r.text(), "batchinvite: .*"+text, "hint: put the ledger back with the files beside it, then run again",
				"hint: if it is lost, tell the next one whom this run invited: batchinvite import RESULTS")
			if n := strings.Count(lastError(r.text()), "while this run used it"); n != 1 || strings.Contains(r.text(), "the ledger knows what was done") {
				t.Errorf("want the reason once, and no word of what the ledger knows:\n%s", r.text())
			}
			if got := w.vendor.Calls(); got != 1 {
				t.Errorf("%d calls, want only the one that was in flight", got)
			}
		})
	}
}

// The ledger is put back: the call that was in flight is unknown, and everybody else is called once.
func TestReplaced_ledgerPutBack(t *testing.T) {
	g := newGate()
	w := newWorld(t, sandbox.Config{APIKey: "k-1", Script: g.script})
	w.write("c.csv", people(20, "sendlink"))
	w.mustRun(0, "init", "--ledger", "state/l.db")
	r := w.start("run", "c.csv", "--yes", "--workers", "1", "--ledger", "state/l.db")
	g.wait(t)
	dir := filepath.Join(w.dir, "state")
	if err := os.Rename(dir, dir+".old"); err != nil {
		t.Fatal(err)
	}
	close(g.open)
	r.wantExit(t, 5)
	if err := os.Rename(dir+".old", dir); err != nil {
		t.Fatal(err)
	}
	if lost := w.goOn(20, "run", "c.csv", "--yes", "--ledger", "state/l.db"); lost != 1 {
		t.Errorf("%d rows are unknown, want the one that was in flight", lost)
	}
}

func TestReplaced_resultsFolderRemoved(t *testing.T) {
	t.Parallel()
	const rows = 1500
	called := make(chan string, rows)
	w := newWorld(t, sandbox.Config{APIKey: "k-1", CountsOnly: true, Script: func(k sandbox.Key, _ int) sandbox.Fault {
		called <- k.Email
		return sandbox.Fault{}
	}})
	w.write("c.csv", people(rows, "getlink"))
	if err := os.Mkdir(filepath.Join(w.dir, "out"), 0o700); err != nil {
		t.Fatal(err)
	}
	r := w.start("run", "c.csv", "--output", "out", "--ledger", "l.db", "--rate", "50/s")
	select {
	case <-called:
	case <-r.done: // what it said is compared below
	}
	if err := os.RemoveAll(filepath.Join(w.dir, "out")); err != nil {
		t.Fatal(err)
	}
	r.wantExit(t, 5)
	wantSaid(t, r.text(), `batchinvite: write results of c.csv: the folder "out" was removed while results were written to it`,
		"hint: the ledger knows what was done: run again to go on",
		"hint: or make the results of what was done: batchinvite export c.csv --base-url .* --ledger l.db")
	if got := w.vendor.Calls(); got > rows/2 {
		t.Errorf("%d calls of half a minute's %d, want the run to stop within seconds", got, rows)
	}
	if _, err := os.Stat(filepath.Join(w.dir, "out")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the folder is back: %v", err)
	}
	w.mustRun(0, "run", "c.csv", "--ledger", "l.db")
	if got := w.vendor.Calls(); got != rows {
		t.Errorf("%d calls after the second run, want %d: nobody twice", got, rows)
	}
}

// ledgerSays changes the ledger as another version or another machine would have left it.
func (w *world) ledgerSays(statement string) {
	w.t.Helper()
	db, err := sql.Open("sqlite", filepath.Join(w.dir, "l.db"))
	if err != nil {
		w.t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.ExecContext(w.t.Context(), statement); err != nil {
		w.t.Fatal(err)
	}
}

func TestLedger_ofANewerVersion(t *testing.T) {
	w := newWorld(t, sandbox.Config{APIKey: "k-1"})
	w.write("c.csv", people(2, "getlink"))
	w.mustRun(0, "init", "--ledger", "l.db")
	w.ledgerSays("PRAGMA user_version = 99")
	for _, args := range [][]string{{"run", "c.csv"}, {"check", "c.csv"}, {"init"}, {"status"},
		{"resolve", "p1@example.org", "--sent", "--why", "seen"}} {
		_, said := w.mustRun(5, append(args, "--ledger", "l.db")...)
		wantSaid(t, said, `batchinvite: open ledger ".*/l.db": made by a newer version of batchinvite`,
			"hint: install that version here too; the one here: batchinvite version")
	}
	if got := w.vendor.Calls(); got != 0 {
		t.Errorf("%d calls, want none", got)
	}
}

func TestLedger_ofAnotherMachine(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandbox.Config{APIKey: "k-1"})
	w.write("c.csv", people(2, "getlink"))
	_, said := w.mustRun(0, "run", "c.csv", "--ledger", "l.db")
	_, again := w.mustRun(0, "run", "c.csv", "--ledger", "l.db")
	if strings.Contains(said+again, "warning") {
		t.Errorf("a warning on the ledger's own machine:\n%s%s", said, again)
	}
	w.ledgerSays("UPDATE runs SET host = 'laptop' WHERE id = 2")
	host, err := os.Hostname()
	if err != nil {
		t.Fatal(err)
	}
	warning := `warning: the last run of this ledger was on host "laptop", this is "` + host +
		`": if that machine still has a copy of its own, people may be invited twice`
	_, said = w.mustRun(0, "check", "c.csv", "--ledger", "l.db")
	wantSaid(t, said, warning)
	_, said = w.mustRun(0, "run", "c.csv", "--ledger", "l.db")
	wantSaid(t, said, warning)
	if _, said = w.mustRun(0, "run", "c.csv", "--ledger", "l.db"); strings.Contains(said, "warning") {
		t.Errorf("the warning is not over after a run here:\n%s", said)
	}
}

// wantSaid wants one line of what the program said to match.
func wantSaid(t *testing.T, said string, patterns ...string) {
	t.Helper()
	for _, p := range patterns {
		if !regexp.MustCompile("(?m)^" + p + "$").MatchString(said) {
			t.Errorf("nothing said matches %q:\n%s", p, said)
		}
	}
}

// lastError is what the program said when it ended.
func lastError(said string) (line string) {
	for l := range strings.Lines(said) {
		if strings.HasPrefix(l, "batchinvite: ") {
			line = l
		}
	}
	return line
}

// goOn runs the program to the end of a file of so many people after a run that failed, and counts the rows that remain
// unknown.
func (w *world) goOn(rows int, args ...string) (unknown int) {
	w.t.Helper()
	if code, _, said := w.run(args...); code != 0 && code != 4 {
		w.t.Errorf("exit code %d of the second run, want 0 or 4\n%s", code, said)
	}
	w.wantHonest("c.results.csv")
	for _, status := range column(w.read("c.results.csv"), "invite_status") {
		if status == "unknown" {
			unknown++
		}
	}
	if calls, twice := w.vendor.Calls(), w.vendor.Duplicates("sendlink"); calls > rows || len(twice) > 0 {
		w.t.Errorf("%d calls for %d people, %d of them e-mailed twice", calls, rows, len(twice))
	}
	return unknown
}
