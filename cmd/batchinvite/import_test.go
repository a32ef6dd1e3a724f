package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"batchinvite/pkg/ledger/sqlite"
	"batchinvite/pkg/sandbox"
)

// realLinks are those that a vendor would have given: the stand-in's are a rehearsal's to import.
func (w *world) realLinks(name string) {
	w.t.Helper()
	text, err := os.ReadFile(filepath.Join(w.dir, name))
	if err != nil {
		w.t.Fatal(err)
	}
	w.write(name, strings.ReplaceAll(string(text), ".sandbox.invalid", ".vendor.example"))
}

// Invariant 1, over the loss of a ledger in the middle of a run: who follows the hints e-mails nobody twice.
func TestImport_goesOnAfterALostLedger(t *testing.T) {
	const rows, before = 60, 25
	g := newGate()
	var calls atomic.Int32
	w := newWorld(t, sandbox.Config{APIKey: "k-1", Script: func(k sandbox.Key, attempt int) sandbox.Fault {
		if calls.Add(1) > before {
			return g.script(k, attempt)
		}
		return sandbox.Fault{}
	}})
	w.write("c.csv", people(rows, "sendlink"))
	w.mustRun(0, "init", "--ledger", "state/l.db")
	r := w.start("run", "c.csv", "--yes", "--workers", "4", "--ledger", "state/l.db")
	g.wait(t)
	if err := os.RemoveAll(filepath.Join(w.dir, "state")); err != nil {
		t.Fatal(err)
	}
	close(g.open)
	r.wantExit(t, 5)
	wantSaid(t, r.text(), "hint: if it is lost, tell the next one whom this run invited: batchinvite import RESULTS")

	const partial = "c.results.csv.partial"
	w.realLinks(partial)
	w.mustRun(0, "init", "--ledger", "state/l.db")
	called := w.vendor.Calls()
	_, said := w.mustRun(0, "import", partial, "--ledger", "state/l.db")
	wantSaid(t, said, `warning: c.results.csv.partial is of a run that did not end: .*`)
	if got := w.vendor.Calls(); got != called {
		t.Errorf("import made %d calls, want none", got-called)
	}
	if code, _, said := w.run("run", "c.csv", "--yes", "--ledger", "state/l.db"); code != 0 && code != 4 {
		t.Errorf("exit code %d, want 0, or 4 for those who were in flight\n%s", code, said)
	}
	w.wantHonest("c.results.csv")
	mails, twice := w.vendor.Invitations(), w.vendor.Duplicates("sendlink")
	t.Logf("%d people: %d calls before the ledger was lost, %d in all, %d e-mailed", rows, called, w.vendor.Calls(), mails)
	if len(twice) > 0 || mails != rows {
		t.Errorf("%d of %d people e-mailed, twice: %v", mails, rows, twice)
	}
}

// What comes in many chunks is counted once each, and what contradicts is listed as far as a person reads.
func TestImport_manyPeople(t *testing.T) {
	const rows = 700
	w := newWorld(t, sandbox.Config{APIKey: "k-1"})
	list := func(link string, n int) string {
		text := "email,assessment_id,format,link,date\n"
		for i := range n {
			text += fmt.Sprintf("p%d@example.org,4711,sendlink,%s/%d,2026-01-02 03:04\n", i, link, i)
		}
		return text
	}
	w.write("old.csv", list("https://vendor.example", rows))
	w.write("other.csv", list("https://vendor.example/other", 23)+"q@example.org,4711,sendlink,,\n")
	out, _ := w.mustRun(0, "import", "old.csv", "--ledger", "l.db")
	wantSaid(t, out, "700 invitations in old.csv:", " +700  new")
	out, _ = w.mustRun(0, "import", "old.csv", "--ledger", "l.db")
	wantSaid(t, out, " +0  new", " +700  known already")
	out, _ = w.mustRun(1, "import", "other.csv", "--ledger", "l.db")
	wantSaid(t, out, " +1  new", " +23  contradictory, and left as the ledger has them",
		`other.csv: line 21, p\*\*\*@example.org: the ledger says invited with https://vendor.example/19, the file invited with https://vendor.example/other/19`,
		"and 3 more")
	if strings.Contains(out, "line 22") {
		t.Errorf("more than 20 are listed:\n%s", out)
	}
	w.write("c.csv", people(rows, "sendlink"))
	w.mustRun(0, "run", "c.csv", "--yes", "--ledger", "l.db")
	if got := w.vendor.Calls(); got != 0 {
		t.Errorf("%d calls for people who were imported, want none", got)
	}
	table := w.read("c.results.csv")
	links, dates, status := column(table, "invite_link"), column(table, "invite_at"), column(table, "invite_status")
	for i := range rows {
		if want := fmt.Sprintf("https://vendor.example/%d", i); links[i] != want || dates[i] != "2026-01-02T03:04:00Z" || status[i] != "already_invited" {
			t.Fatalf("row %d is %s with %s of %s, want already_invited with %s", i, status[i], links[i], dates[i], want)
		}
	}
}

// Invariant 10.
func TestImport_waitsForItsTurn(t *testing.T) {
	w := newWorld(t, sandbox.Config{APIKey: "k-1"})
	w.write("old.csv", "email,assessment_id,format\nann@example.org,4711,sendlink\n")
	account := strings.TrimSuffix(strings.TrimPrefix(w.url, "http://"), "/api/v2") + "/default"
	led, err := sqlite.Open(t.Context(), filepath.Join(w.dir, "l.db"), account, sqlite.Options{Mode: sqlite.Create, Command: "run c.csv"})
	if err != nil {
		t.Fatal(err)
	}
	_, said := w.mustRun(6, "import", "old.csv", "--ledger", "l.db")
	wantSaid(t, said, `batchinvite: open ledger ".*/l.db": held by "run c.csv", .*`, "hint: wait for it with --wait 10m, or run again later")
	if err := led.Close(); err != nil {
		t.Fatal(err)
	}
	w.mustRun(0, "import", "old.csv", "--ledger", "l.db")
}
