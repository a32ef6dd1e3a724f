package main

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/xuri/excelize/v2"

	"batchinvite/pkg/sandbox"
)

// writeBook saves a workbook; strings are texts, numbers numbers, times dates.
func (w *world) writeBook(name string, rows ...[]any) {
	w.t.Helper()
	f := excelize.NewFile()
	defer f.Close()
	for i, row := range rows {
		cell, err := excelize.CoordinatesToCellName(1, i+1)
		if err == nil {
			err = f.SetSheetRow("Sheet1", cell, &row)
		}
		if err != nil {
			w.t.Fatal(err)
		}
	}
	if err := f.SaveAs(filepath.Join(w.dir, name)); err != nil {
		w.t.Fatal(err)
	}
}

// readBook gives what a person sees of a results workbook.
func (w *world) readBook(name string) [][]string {
	w.t.Helper()
	f, err := excelize.OpenFile(filepath.Join(w.dir, name))
	if err != nil {
		w.t.Fatal(err)
	}
	defer f.Close()
	rows, err := f.GetRows("Results")
	if err != nil {
		w.t.Fatal(err)
	}
	for _, cell := range []string{"C2", "E2"} {
		if kind, err := f.GetCellType("Results", cell); kind != excelize.CellTypeUnset && rows[0][2] == "Assessment ID" || err != nil {
			w.t.Errorf("%s of %s is of type %d (%v), want a number as in the input", cell, name, kind, err)
		}
	}
	for i := range rows { // trailing empty cells are not there
		for len(rows[i]) < len(rows[0]) {
			rows[i] = append(rows[i], "")
		}
	}
	return rows
}

func (w *world) bytes(name string) []byte {
	w.t.Helper()
	content, err := os.ReadFile(filepath.Join(w.dir, name))
	if err != nil {
		w.t.Fatal(err)
	}
	return content
}

func candidatesBook(w *world) {
	due := time.Date(2031, 12, 31, 18, 30, 0, 0, time.UTC)
	w.writeBook("people.xlsx",
		[]any{"Name", "E-mail", "Assessment ID", "Format", "Expires", "Note"},
		[]any{"Ann", "ann@example.org", 4711, "getlink", due, "00123"},
		[]any{},
		[]any{"Bob", "bob@example.org", 4711, "getlink", due.Truncate(24 * time.Hour), "=1+1"},
		[]any{"Cy", "cy", 4711, "getlink", "", "'=1"})
}

func TestXLSX_runExportAndAgain(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandbox.Config{APIKey: "k-1"})
	w.program = buildProgram(t)
	candidatesBook(w)
	_, said := w.mustRun(1, "run", "people.xlsx", "--yes")
	if want := `people.xlsx: XLSX, worksheet "Sheet1"; name: "Name", e-mail address: "E-mail"`; !strings.Contains(said, want) {
		t.Errorf("the plan lacks %s:\n%s", want, said)
	}
	table := w.readBook("people.results.xlsx")
	for name, want := range map[string][]string{
		"Name": {"Ann", "Bob", "Cy"}, "Assessment ID": {"4711", "4711", "4711"}, "Expires": {"2031-12-31 18:30", "2031-12-31", ""},
		"Note": {"00123", "=1+1", "'=1"}, "invite_status": {"invited", "invited", "invalid"},
		"invite_expires": {"2031-12-31 18:30", "2031-12-31 23:59", ""}, "invite_attempts": {"1", "1", ""},
	} {
		if diff := cmp.Diff(want, column(table, name)); diff != "" {
			t.Errorf("column %s (-want +got):\n%s", name, diff)
		}
	}
	first := w.bytes("people.results.xlsx")
	w.mustRun(0, "export", "people.xlsx")
	if !bytes.Equal(first, w.bytes("people.results.xlsx")) {
		t.Error("export gives another file than the run")
	}
	w.mustRun(1, "run", "people.xlsx", "--yes")
	if kept, err := filepath.Glob(filepath.Join(w.dir, "*Z.xlsx")); err != nil || len(kept) > 0 {
		t.Errorf("results that only the program wrote are kept: %v (%v)", kept, err)
	}
	if diff := cmp.Diff([]string{"already_invited", "already_invited", "invalid"}, column(w.readBook("people.results.xlsx"), "invite_status")); diff != "" {
		t.Errorf("statuses of the second run (-want +got):\n%s", diff)
	}
	if n := w.vendor.Invitations(); n != 2 {
		t.Errorf("%d invitations, want 2", n)
	}
}

// A person sorts the results, adds a column and mends the row that was invalid.
func TestXLSX_resultsFedBack(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandbox.Config{APIKey: "k-1"})
	w.program = buildProgram(t)
	candidatesBook(w)
	w.mustRun(1, "run", "people.xlsx", "--yes")
	f, err := excelize.OpenFile(filepath.Join(w.dir, "people.results.xlsx"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	mend := func(err error) {
		if err != nil {
			t.Fatal(err)
		}
	}
	mend(f.DuplicateRowTo("Results", 2, 5)) // Ann goes last
	mend(f.RemoveRow("Results", 2))
	mend(f.SetCellValue("Results", "B3", "cy@example.org"))
	mend(f.InsertCols("Results", "C", 1))
	mend(f.SetCellValue("Results", "C1", "Called"))
	mend(f.SetCellValue("Results", "C2", "yes"))
	mend(f.SaveAs(filepath.Join(w.dir, "mended.xlsx")))
	w.mustRun(0, "run", "mended.xlsx", "--yes", "-o", "again.csv")
	table := w.read("again.csv")
	for name, want := range map[string][]string{
		"Name": {"Bob", "Cy", "Ann"}, "Called": {"yes", "", ""}, "Note": {"'=1+1", "''=1", "00123"}, "invite_status": {"already_invited", "invited", "already_invited"},
	} {
		if diff := cmp.Diff(want, column(table, name)); diff != "" {
			t.Errorf("column %s (-want +got):\n%s", name, diff)
		}
	}
	if n := slices.Index(table[0], "invite_status"); n != 7 || len(table[0]) != 18 {
		t.Errorf("the header is %q, want the result columns once and last", table[0])
	}
}

func TestXLSX_anyInputToAnyOutput(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandbox.Config{APIKey: "k-1"})
	w.program = buildProgram(t)
	candidatesBook(w)
	stdout, _ := w.mustRun(1, "run", "people.xlsx", "--yes", "-o", "-")
	if got := column(parse(stdout), "Note"); !slices.Equal(got, []string{"00123", "'=1+1", "''=1"}) {
		t.Errorf("the CSV on stdout has the notes %q, want them guarded", got)
	}
	w.write("people.csv", "name,email,assessment_id,format,note\nAnn,ann@example.org,4711,getlink,00123\n")
	w.mustRun(0, "run", "people.csv", "--yes", "-o", "out.XLSX")
	if got := column(w.readBook("out.XLSX"), "note"); !slices.Equal(got, []string{"00123"}) {
		t.Errorf("the workbook has the notes %q, want 00123", got)
	}
	w.mustRun(1, "run", "people.xlsx", "--sandbox", "--yes")
	if got := column(w.readBook("people.rehearsal.xlsx"), "invite_status"); !slices.Equal(got, []string{"invited", "invited", "invalid"}) {
		t.Errorf("the rehearsal says %q", got)
	}
	_, said := w.mustRun(1, "check", "people.xlsx", "people.rehearsal.xlsx")
	if want := "people.rehearsal.xlsx is left out: it holds results of a file that is here too"; !strings.Contains(said, want) {
		t.Errorf("check lacks %q:\n%s", want, said)
	}
}

// What no worksheet can hold is refused before anything is sent.
func TestXLSX_tooLargeForAWorksheet(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandbox.Config{APIKey: "k-1"})
	w.program = buildProgram(t)
	w.program = buildProgram(t)
	w.write("long.csv", "name,email,assessment_id,format,note\nAnn,ann@example.org,4711,getlink,"+strings.Repeat("x", 32768)+"\n")
	w.write("many.csv", people(1, "getlink")+strings.Repeat(",,,getlink\n", 1<<20-1))
	for input, want := range map[string]string{
		"long.csv": "batchinvite: results of long.csv can't go to r.xlsx: line 2 has a cell of more than the 32767 characters of a worksheet's\n",
		"many.csv": "batchinvite: results of many.csv can't go to r.xlsx: 1048576 rows are more than the 1048575 of a worksheet\n",
	} {
		for _, command := range []string{"run", "check"} {
			_, said := w.mustRun(2, command, input, "--yes", "-o", "r.xlsx")
			if want := want + "hint: --output r.csv\n"; !strings.HasSuffix(said, want) {
				t.Errorf("%s %s says\n%s\nwant at its end\n%s", command, input, said, want)
			}
		}
	}
	if n := w.vendor.Invitations(); n != 0 {
		t.Errorf("%d invitations, want none", n)
	}
}
