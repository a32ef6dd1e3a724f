package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/xuri/excelize/v2"

	"batchinvite/pkg/sandbox"
)

// csvOf spells rows as CSV.
func csvOf(rows ...[]string) string {
	var b strings.Builder
	for _, row := range rows {
		for i, cell := range row {
			if i > 0 {
				b.WriteByte(',')
			}
			b.WriteString(`"` + strings.ReplaceAll(cell, `"`, `""`) + `"`)
		}
		b.WriteByte('\n')
	}
	return b.String()
}

// calledFor gives the name and address of everybody that the vendor was asked to invite, in order of the addresses.
func (w *world) calledFor() (who []string) {
	for _, c := range w.vendor.Log() {
		who = append(who, fmt.Sprintf("%s <%s>", c.Name, c.Email))
	}
	slices.Sort(who)
	return who
}

// A row that was refused because its cells stand under wrong columns is refused again, in whatever it comes back, until
// somebody mends it.
func TestRejects_ofTooManyCellsStayRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandbox.Config{APIKey: "k-1"})
	w.program = buildProgram(t)
	const bad = "Boss, Ann,ann@example.org,x"
	w.write("c.csv", "Name,Last name,Email\nCy,“Lee, Jr.”,c@example.org\n"+bad+"\nBob,B,bob@@example.org\n")
	w.write("split.csv", "Email,Name,Title\na@example.org,“Lee, Ann”\nb@example.org,Lee \"Bob, Dr.\" Smith\n")
	flags := []string{"--assessment-id", "1", "--format", "getlink", "--map", "first_name=Name", "--yes"}
	run := func(code int, args ...string) {
		t.Helper()
		w.mustRun(code, slices.Concat([]string{"run"}, args, flags)...)
	}
	for _, rejects := range []string{"bad.csv", "bad.xlsx"} {
		run(1, "c.csv", "--rejects", rejects)
		run(1, rejects, "--rejects", "again.csv")
		if got, want := column(w.read("again.csv"), "Name"), []string{"Cy", "Boss", "Bob"}; !slices.Equal(got, want) {
			t.Errorf("rejects of %s = %q, want %q", rejects, got, want)
		}
	}
	if got := w.calledFor(); len(got) > 0 {
		t.Fatalf("invited %q, want nobody", got)
	}
	for _, rejects := range []string{"torn.csv", "torn.xlsx"} {
		w.mustRun(1, slices.Concat([]string{"run", "split.csv", "--rejects", rejects}, flags[:4])...)
		w.mustRun(1, slices.Concat([]string{"run", rejects, "--rejects", "again-" + rejects}, flags[:4])...)
		w.mustRun(1, slices.Concat([]string{"run", "again-" + rejects}, flags[:4])...)
	}
	if got := w.calledFor(); len(got) > 0 {
		t.Fatalf("invited %q, want nobody", got)
	}
	// Who only takes the curly quotes away has a row with too many cells.
	text := string(w.bytes("again.csv"))
	w.write("curly.csv", strings.NewReplacer("“", "", "”", "").Replace(text))
	run(1, "curly.csv")
	if got := w.calledFor(); len(got) > 0 {
		t.Fatalf("invited %q, want nobody", got)
	}
	mended := [][]string{{"Name", "Last name", "Email", "", "invite_error"}, {"Cy", "Lee, Jr.", "c@example.org", "", "mended"}, {"Boss", "Ann", "ann@example.org", "", "so too"}}
	w.write("mended.csv", csvOf(mended...))
	run(0, "mended.csv")
	want := []string{"Boss Ann <ann@example.org>", "Cy Lee, Jr. <c@example.org>"}
	if diff := cmp.Diff(want, w.calledFor()); diff != "" {
		t.Errorf("invited (-want +got):\n%s", diff)
	}
}

// Whatever is left of a results file, and in whatever order: a ledger that has never heard of its people e-mails nobody.
func TestResults_ofALostLedgerStopTheRun(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandbox.Config{APIKey: "k-1"})
	w.program = buildProgram(t)
	w.write("c.csv", people(2, "sendlink")+"Person 0,P0@example.org,4711,sendlink\nPerson 2,p2@example.org,4711,sendlink\n")
	w.mustRun(0, "init", "--ledger", "lost.db")
	w.mustRun(0, "run", "c.csv", "--yes", "--ledger", "lost.db")
	w.mustRun(0, "revoke", "--email", "p2@example.org", "--yes", "--ledger", "lost.db")
	w.mustRun(1, "run", "c.csv", "--yes", "--ledger", "lost.db")
	w.realLinks("c.results.csv")
	rows := w.read("c.results.csv")
	if got, want := column(rows, "invite_status"), []string{"already_invited", "already_invited", "duplicate", "revoked"}; !slices.Equal(got, want) {
		t.Fatalf("statuses = %q, want %q", got, want)
	}
	calls := w.vendor.Calls()
	w.mustRun(0, "init", "--ledger", "new.db")
	if err := os.Mkdir(filepath.Join(w.dir, "out"), 0o700); err != nil {
		t.Fatal(err)
	}
	w.write("new.csv", "name,email,assessment_id,format\nPerson 0,p0@example.org,4711,sendlink\n")
	w.write("sorted.csv", csvOf(rows[0], rows[3], rows[1]))
	w.write("filtered.csv", csvOf(rows[0], rows[3]))
	w.write("revoked.csv", csvOf(rows[0], rows[4]))
	recased := slices.Clone(rows)
	recased[0] = slices.Clone(rows[0])
	for i, name := range recased[0] {
		recased[0][i] = strings.ToUpper(name)
	}
	w.write("recased.csv", csvOf(recased...))
	for files, line := range map[string]int{"new.csv c.results.csv": 2, "sorted.csv": 2, "filtered.csv": 2, "revoked.csv": 2, "recased.csv": 2} {
		_, said := w.mustRun(2, slices.Concat([]string{"run", "--yes", "--ledger", "new.db", "-o", "out"}, strings.Fields(files))...)
		wantSaid(t, said, fmt.Sprintf(`batchinvite: %s: line %d: the file says that this row was \w+ before, and this ledger has never heard of it .*`, strings.Fields(files)[len(strings.Fields(files))-1], line))
	}
	if got := w.vendor.Calls(); got != calls {
		t.Fatalf("%d calls, want none", got-calls)
	}
	_, said := w.mustRun(0, "run", "c.results.csv", "--sandbox", "--yes", "-o", "rehearsal.csv")
	wantSaid(t, said, "warning: of 4 rows the file says that they were invited before; a real run stops there unless its ledger knows them")
	// The hints lead on.
	_, said = w.mustRun(2, "run", "filtered.csv", "--yes", "--ledger", "new.db")
	wantSaid(t, said, "hint: import the results with the row that it is a duplicate of, or take it out")
	w.mustRun(0, "import", "c.results.csv", "--ledger", "new.db")
	w.mustRun(0, "run", "filtered.csv", "--yes", "--ledger", "new.db")
	w.mustRun(0, "run", "sorted.csv", "--yes", "--ledger", "new.db")
	w.mustRun(0, "run", "revoked.csv", "--yes", "--ledger", "new.db", "--reinvite-revoked")
	if got := w.vendor.Calls() - calls; got != 1 {
		t.Errorf("%d calls, want one, for who was revoked", got)
	}
}

func TestResults_withoutSomeOfTheirColumnsAreRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandbox.Config{APIKey: "k-1"})
	w.program = buildProgram(t)
	w.write("c.csv", people(1, "getlink"))
	w.mustRun(0, "run", "c.csv")
	rows := w.read("c.results.csv")
	at := slices.Index(rows[0], "invite_api_status")
	var fewer [][]string
	for _, row := range rows {
		fewer = append(fewer, slices.Delete(slices.Clone(row), at, at+1))
	}
	w.write("fewer.csv", csvOf(fewer...))
	swapped := [][]string{slices.Clone(rows[0]), slices.Clone(rows[1])}
	for _, row := range swapped {
		row[4], row[5] = row[5], row[4]
	}
	w.write("swapped.csv", csvOf(swapped...))
	w.write("status.csv", "name,email,assessment_id,format,invite_status\nAnn,a@example.org,1,getlink,x\n")
	const hint = `hint: use the results file as it was written, or give the column invite_(status|link) and its like other names if these people may be invited anew`
	for name, want := range map[string]string{
		"fewer.csv":   `batchinvite: fewer.csv: line 1: the columns of a results file are not all there, without invite_api_status`,
		"swapped.csv": `batchinvite: swapped.csv: line 1: the columns of a results file are not side by side in their order`,
		"status.csv":  `batchinvite: status.csv: line 1: the columns of a results file are not all there, without invite_link, invite_error, .*invite_attempts`,
	} {
		_, said := w.mustRun(2, "run", name)
		wantSaid(t, said, want, hint)
	}
}

// Somebody opens the results in a spreadsheet program and saves them as a workbook: our guards are texts there. In a workbook
// of ours there are none.
func TestResults_savedAsAWorkbook(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandbox.Config{APIKey: "k-1"})
	w.program = buildProgram(t)
	w.write("c.csv", "Name,Email,Note\n'T Hooft,-ann@example.org,=1\n")
	flags := []string{"--assessment-id", "1", "--format", "getlink", "--ledger"}
	run := func(name, ledger string) {
		t.Helper()
		w.mustRun(0, slices.Concat([]string{"run", name, "-o", name + ".out.csv"}, flags, []string{ledger})...)
	}
	run("c.csv", "a.db")
	var cells [][]any
	for _, row := range w.read("c.csv.out.csv") {
		var texts []any
		for _, cell := range row {
			texts = append(texts, cell)
		}
		cells = append(cells, texts)
	}
	w.writeBook("saved.xlsx", cells...)
	run("saved.xlsx", "b.db")
	w.mustRun(0, slices.Concat([]string{"run", "c.csv", "-o", "ours.xlsx"}, flags, []string{"c.db"})...)
	w.mustRun(0, slices.Concat([]string{"run", "ours.xlsx", "--sheet", "Candidates", "-o", "ours.xlsx.out.csv"}, flags, []string{"d.db"})...)
	const who = "'T Hooft <-ann@example.org>"
	if diff := cmp.Diff([]string{who, who, who, who}, w.calledFor()); diff != "" {
		t.Errorf("invited (-want +got):\n%s", diff)
	}
	for _, name := range []string{"saved.xlsx", "ours.xlsx"} {
		if got, want := w.read(name + ".out.csv")[1][:3], []string{"''T Hooft", "'-ann@example.org", "'=1"}; !slices.Equal(got, want) {
			t.Errorf("results of %s = %q, want %q", name, got, want)
		}
	}
}

// A formula without its value was refused, and is an empty cell in what comes of it: that means no date, or the flag's
// assessment, and is refused again.
func TestRejects_ofFormulasStayRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandbox.Config{APIKey: "k-1"})
	w.program = buildProgram(t)
	f := excelize.NewFile()
	defer f.Close()
	for cell, value := range map[string]any{"A1": "First name", "B1": "Last name", "C1": "Email", "D1": "Assessment ID", "E1": "Expires", "F1": "Note",
		"A2": "Ann", "B2": "Lee", "C2": "a@example.org", "D2": 1, "A3": "Bob", "B3": "Ray", "C3": "b@example.org", "A4": "Cy", "C4": "c@example.org", "D4": 1} {
		if err := f.SetCellValue("Sheet1", cell, value); err != nil {
			t.Fatal(err)
		}
	}
	for cell, formula := range map[string]string{"E2": "TODAY()+7", "D3": "6+1", "B4": "B2", "F2": "1+1"} {
		if err := f.SetCellFormula("Sheet1", cell, formula); err != nil {
			t.Fatal(err)
		}
	}
	if err := f.SaveAs(filepath.Join(w.dir, "c.xlsx")); err != nil {
		t.Fatal(err)
	}
	run := func(code int, args ...string) {
		t.Helper()
		w.mustRun(code, slices.Concat([]string{"run"}, args, []string{"--format", "getlink", "--yes"})...)
	}
	for _, end := range []string{".csv", ".xlsx"} {
		run(1, "c.xlsx", "-o", "out"+end, "--rejects", "bad"+end)
		for _, name := range []string{"out" + end, "bad" + end} {
			run(1, name, "-o", "again.csv", "--rejects", "left.csv")
			run(1, "left.csv", "-o", "again.csv")
			if got, want := column(w.read("again.csv"), "invite_status"), []string{"invalid", "invalid", "invalid"}; !slices.Equal(got, want) {
				t.Errorf("statuses of %s = %q, want %q", name, got, want)
			}
		}
	}
	if got := w.calledFor(); len(got) > 0 {
		t.Fatalf("invited %q, want nobody", got)
	}
	run(1, "c.xlsx", "--assessment-id", "9", "--expires", "7d", "--override", "assessment-id,expires")
	if diff := cmp.Diff([]string{"Ann Lee <a@example.org>", "Bob Ray <b@example.org>"}, w.calledFor()); diff != "" {
		t.Errorf("invited with flags that win (-want +got):\n%s", diff)
	}
}
