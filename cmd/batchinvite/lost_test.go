package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"batchinvite/pkg/sandbox"
)

// The ledger is lost, and nobody looks on. The hint of that may not be the way to e-mail everybody twice.
func TestRun_withoutItsLedgerLooksAtItsResults(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandbox.Config{APIKey: "k-1"})
	w.program = buildProgram(t)
	w.write("a.csv", people(2, "sendlink"))
	w.write("b.csv", "name,email,assessment_id,format\nBob,bob@example.org,4711,sendlink\n")
	w.mustRun(0, "init")
	w.mustRun(0, "run", "a.csv", "b.csv", "--yes")
	lose := func() {
		t.Helper()
		if err := os.RemoveAll(filepath.Join(w.dir, "state")); err != nil {
			t.Fatal(err)
		}
	}
	w.realLinks("a.results.csv")
	w.realLinks("b.results.csv")
	w.write("b.results.csv.partial", string(w.bytes("b.results.csv"))+"Cut,cut@exam")
	lose()
	const says = ` says \S+ \S+ \S+, and ledger ".*" has never heard of it`
	for _, step := range []string{"lost", "begun anew"} {
		_, said := w.mustRun(2, "run", "a.csv", "b.csv", "--yes")
		wantSaid(t, said, `batchinvite: a.csv: line 2 was e-mailed before \(3 rows like it\),`+says,
			"hint: batchinvite import a.results.csv b.results.csv b.results.csv.partial --base-url "+w.url, "hint: or if these people may be invited again, move it away")
		if step == "lost" {
			w.mustRun(0, "init")
		}
	}
	w.mustRun(0, "import", "a.results.csv")
	w.mustRun(2, "run", "a.csv", "b.csv", "--yes")
	w.mustRun(0, "import", "b.results.csv")
	w.mustRun(0, "run", "a.csv", "b.csv", "--yes")
	if n := w.vendor.Calls(); n != 3 {
		t.Fatalf("%d calls after the import, want the first 3", n)
	}
	// Others than those in the results, and whom only a link was made for, may be e-mailed; and whoever moves the results away
	// knows what that means.
	lose()
	w.mustRun(0, "init")
	w.mustRun(0, "run", "b.csv", "--yes", "-o", "a.results.csv")
	w.write("links.csv", people(2, "getlink"))
	w.mustRun(0, "run", "links.csv")
	w.realLinks("links.results.csv")
	lose()
	w.mustRun(0, "init")
	w.mustRun(0, "run", "a.csv", "--yes", "-o", "links.results.csv")
	if n := len(w.vendor.Duplicates("sendlink")); n != 3 {
		t.Errorf("%d people have two e-mails, want the 3 whose results were elsewhere", n)
	}
}

// Whatever somebody did to the results, and whatever the ledger has forgotten: nobody is e-mailed twice without a word.
func TestRun_readsResultsThatItsLedgerDoesNotKnow(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandbox.Config{APIKey: "k-1"})
	w.program = buildProgram(t)
	w.write("p.csv", "Name,Email,Assessment ID,Format\nZed,zed@example.org,1,sendlink\n")
	w.mustRun(0, "init")
	w.mustRun(0, "run", "p.csv", "--yes")
	backup := w.bytes("state/batchinvite/ledger.db")
	w.write("p.csv", "Name,Email,Assessment ID,Format\nAnn,a@example.org,1,sendlink\nBob,b@example.org,1,sendlink\n")
	w.mustRun(0, "run", "p.csv", "--yes")
	w.realLinks("p.results.csv")
	if err := os.RemoveAll(filepath.Join(w.dir, "state/batchinvite")); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(w.dir, "state/batchinvite"), 0o700); err != nil {
		t.Fatal(err)
	}
	w.write("state/batchinvite/ledger.db", string(backup))
	calls := w.vendor.Calls()
	refused := func(want string, args ...string) {
		t.Helper()
		_, said := w.mustRun(2, slices.Concat([]string{"run", "--yes"}, args)...)
		wantSaid(t, said, want)
		if n := w.vendor.Calls(); n != calls {
			t.Fatalf("%d calls for %q, want none", n-calls, args)
		}
	}
	const who = `batchinvite: p.csv: line 2 was e-mailed before \(2 rows like it\), says .*`
	refused(who, "p.csv") // the ledger is from a backup
	rows := w.read("p.results.csv")
	w.write("p.csv", "Contact,Name,Assessment ID,Format\na@example.org,Ann,1,sendlink\nb@example.org,Bob,1,sendlink\n")
	refused(who, "p.csv", "--map", "email=Contact")
	refused(who, "p.csv", "--map", "email=1", "--map", "name=2")
	w.mustRun(0, "init", "--ledger", "new.db")
	const obscure = `batchinvite: p.results.csv says that people were e-mailed before, and not readably whom`
	for i := range rows {
		rows[i] = rows[i][:len(rows[i])-1]
	}
	w.write("p.results.csv", csvOf(rows...))
	refused(obscure, "p.csv", "--map", "email=Contact", "--ledger", "new.db")
	w.write("p.results.csv", "Name,Email,"+strings.Join(rows[0][4:], ",")+",invite_attempts\nAnn,a@example.org,"+strings.Join(rows[1][4:], ",")+",1,a remark\n")
	refused(obscure, "p.csv", "--map", "email=Contact", "--ledger", "new.db")
	// A duplicate's own row may be in other results.
	w.write("e.csv", "Name,Email,Assessment ID,Format\nEve,e@example.org,1,sendlink\nEve,E@example.org,1,sendlink\n")
	w.mustRun(0, "run", "e.csv", "--yes")
	w.realLinks("e.results.csv")
	calls = w.vendor.Calls()
	refused(`hint: with the results that have the rows which the duplicates there are of`, "e.csv", "--ledger", "new.db")
	w.mustRun(0, "import", "e.results.csv", "--ledger", "new.db")
	w.mustRun(0, "run", "e.csv", "--yes", "--ledger", "new.db")
	// Of its own file, on which somebody has worked, the ledger knows everybody.
	w.write("q.csv", "Name,Email,Assessment ID,Format\nCy,c@example.org,1,sendlink\n")
	w.mustRun(0, "run", "q.csv", "--yes")
	w.realLinks("q.results.csv")
	w.write("q.results.csv", strings.Replace(string(w.bytes("q.results.csv")), "invite_attempts", "tries", 1))
	w.write("q.csv", string(w.bytes("q.csv"))+"Di,d@example.org,1,sendlink\n")
	w.mustRun(0, "run", "q.csv", "--yes")
}
