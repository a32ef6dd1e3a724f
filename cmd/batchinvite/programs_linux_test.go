package main

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"batchinvite/pkg/sandbox"
)

// libreOffice converts files of the world's folder and gives them the ending of the type, which may have a filter and its
// options behind it.
func (w *world) libreOffice(kind, folder string, args ...string) {
	w.t.Helper()
	program, err := exec.LookPath("soffice")
	if err != nil {
		w.t.Fatal("soffice is missing, install libreoffice-calc-nogui")
	}
	profile := "-env:UserInstallation=file://" + filepath.Join(w.dir, "profile")
	cmd := exec.CommandContext(w.t.Context(), program, append([]string{profile, "--headless", "--convert-to", kind, "--outdir", folder}, args...)...)
	cmd.Dir = w.dir
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) } // its launcher is not it
	defer time.AfterFunc(2*time.Minute, func() { _ = cmd.Cancel() }).Stop()
	if out, err := cmd.CombinedOutput(); err != nil {
		w.t.Fatalf("soffice --convert-to %s: %v\n%s", kind, err, out)
	}
}

// node runs a script of testdata/spreadsheets.
func (w *world) node(script string, args ...string) {
	w.t.Helper()
	cmd := exec.Command("node", append([]string{filepath.Join(spreadsheets(w.t), script)}, args...)...)
	cmd.Dir = w.dir
	if out, err := cmd.CombinedOutput(); err != nil {
		w.t.Fatalf("%s: %v\n%s", script, err, out)
	}
}

func spreadsheets(t *testing.T) (dir string) {
	t.Helper()
	dir, err := spreadsheetsInstalled()
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

var spreadsheetsInstalled = sync.OnceValues(func() (string, error) { return npmInstalled("spreadsheets") })

// Text as it is shown, which is what these programs save as CSV.
const asShown = "Text - txt - csv (StarCalc)"

// TestPrograms is TestMessy for files that LibreOffice, exceljs and SheetJS write.
func TestPrograms(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandbox.Config{APIKey: "k-1"})
	w.program = buildProgram(t)
	source, err := filepath.Abs(filepath.Join(messy, "people.fods"))
	if err != nil {
		t.Fatal(err)
	}
	for _, kind := range []string{"xlsx", "xls", "ods", "html", "csv:" + asShown + ":59,34,1", "txt:" + asShown + ":9,34,65535"} {
		w.libreOffice(kind, "libreoffice", source)
	}
	w.node("write.mjs", ".")
	w.rehearse("programs.txt")
}

// TestPrograms_resultsComeBack opens results in LibreOffice as a double click would, saves them, works on a workbook with exceljs, and
// feeds all that back: it comes out as the untouched results do, and nobody is invited again.
func TestPrograms_resultsComeBack(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandbox.Config{APIKey: "k-1"})
	w.program = buildProgram(t)
	if err := os.CopyFS(w.dir, os.DirFS(messy)); err != nil {
		t.Fatal(err)
	}
	w.node("write.mjs", ".")
	w.mustRun(0, "init")
	w.mustRun(0, "run", "excel-csv-utf8-mark.csv", "--yes", "-o", "commas.csv")
	w.mustRun(1, "run", "excel-de-semicolon-1252.csv", "--yes", "--max-failures", "100%", "-o", "semicolons.csv")
	w.mustRun(1, "run", "exceljs.xlsx", "--yes", "--campaign", "book", "-o", "book.xlsx")
	// A text that looks like one of our guards, which a workbook of ours has not.
	w.write("apostrophes.csv", "Name,Email,Assessment ID,Format,Note\nAnn,quotes@example.org,1,getlink,'=1\n")
	w.mustRun(0, "run", "apostrophes.csv", "--yes", "-o", "apostrophes.xlsx")
	invitations := w.vendor.Invitations()
	w.libreOffice("xlsx", "saved", "--infilter=CSV:44,34,76", "commas.csv")
	w.libreOffice("xlsx", "saved", "--infilter=CSV:59,34,76", "semicolons.csv")
	w.libreOffice("xlsx", "saved", "book.xlsx", "apostrophes.xlsx")
	w.node("annotate.mjs", "book.xlsx", "saved/annotated.xlsx")
	w.node("annotate.mjs", "apostrophes.xlsx", "saved/with-notes.xlsx")
	for _, tc := range []struct {
		results, saved string
		code, added    int
	}{
		{"commas.csv", "commas.xlsx", 0, 0}, {"semicolons.csv", "semicolons.xlsx", 1, 0}, {"book.xlsx", "book.xlsx", 1, 0}, {"book.xlsx", "annotated.xlsx", 1, 1},
		{"apostrophes.xlsx", "apostrophes.xlsx", 0, 0}, {"apostrophes.xlsx", "with-notes.xlsx", 0, 1},
	} {
		var flags []string
		if tc.results == "book.xlsx" {
			flags = []string{"--campaign", "book"}
		}
		w.mustRun(tc.code, append([]string{"run", tc.results, "--yes", "--max-failures", "100%", "-o", "untouched.csv"}, flags...)...)
		w.mustRun(tc.code, append([]string{"run", "saved/" + tc.saved, "--yes", "--max-failures", "100%", "-o", "again.csv"}, flags...)...)
		want, got := w.read("untouched.csv"), w.read("again.csv")
		for i := range got {
			got[i] = got[i][tc.added:]
		}
		if diff := cmp.Diff(sorted(want), sorted(got)); diff != "" {
			t.Errorf("%s, saved as %s (-untouched +saved):\n%s", tc.results, tc.saved, diff)
		}
	}
	if n := w.vendor.Invitations() - invitations; n != 0 {
		t.Errorf("%d people were invited again", n)
	}
}

// sorted puts the rows of results in order, without what depends on where they stood, and on whether a program saw dates in texts.
func sorted(table [][]string) (rows []string) {
	for _, row := range table {
		text := regexp.MustCompile(`line \d+|, cell [A-Z]+\d+`).ReplaceAllString(strings.Join(row, "|"), "")
		rows = append(rows, strings.ReplaceAll(text, "12/31/2091", "2091-12-31"))
	}
	slices.Sort(rows)
	return rows
}

// csv-spectrum is what its authors say of CSV files that are hard to read. They have no addresses, so all rows come out as
// invalid, with all their cells.
func TestPrograms_csvSpectrum(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandbox.Config{APIKey: "k-1"})
	w.program = buildProgram(t)
	folder := filepath.Join(spreadsheets(t), "node_modules", "csv-spectrum")
	files, err := filepath.Glob(filepath.Join(folder, "csvs", "*.csv"))
	if err != nil || len(files) < 10 {
		t.Fatalf("%d files (%v)", len(files), err)
	}
	// Line breaks in cells come out as line feeds. Of one file the authors' text has another number than their table.
	as := strings.NewReplacer(`\r\n`, `\n`, "1234567890", "2095257564")
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".csv")
		text, err := os.ReadFile(filepath.Join(folder, "json", name+".json"))
		if err != nil {
			t.Fatal(err)
		}
		if text[0] == '{' { // of a file with one row
			text = slices.Concat([]byte("["), text, []byte("]"))
		}
		var want []map[string]string
		if err := json.Unmarshal([]byte(as.Replace(string(text))), &want); err != nil {
			t.Fatal(err)
		}
		out, _ := w.mustRun(1, "run", file, "--sandbox", "--yes", "--map", "name=1", "--map", "email=2", "--assessment-id", "1", "--format", "getlink",
			"--max-failures", "100%", "--log-level", "error", "-o", "-")
		table := parse(out)
		var got []map[string]string
		for _, row := range table[1:] {
			cells := map[string]string{}
			for i, label := range table[0][:slices.Index(table[0], "invite_status")] {
				cells[label] = row[i]
			}
			got = append(got, cells)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}
