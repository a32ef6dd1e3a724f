package main

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/xuri/excelize/v2"

	"batchinvite/pkg/sandbox"
)

// Of every status, only the rows that nothing can have happened to are there, in order, and running them again touches
// nobody else.
func TestRejects_areWhatAPersonMayMend(t *testing.T) {
	t.Parallel()
	faults := map[string]sandbox.Kind{"p3@example.org": "422", "p4@example.org": sandbox.ResetAfter}
	w := newWorld(t, sandbox.Config{APIKey: "k-1", Script: func(k sandbox.Key, attempt int) sandbox.Fault {
		return sandbox.Fault{Kind: faults[k.Email]}
	}})
	w.program = buildProgram(t)
	w.write("c.csv", people(6, "sendlink")+"Again,p0@example.org,4711,sendlink\nNobody,no,4711,sendlink\n")
	w.mustRun(0, "init")
	w.mustRun(4, "run", "c.csv", "--yes", "--workers", "1", "--limit", "5", "--rejects", "bad.csv", "--max-failures", "100%")
	table := w.read("c.results.csv")
	want := []string{"invited", "invited", "invited", "rejected", "unknown", "not_sent", "duplicate", "invalid"}
	if diff := cmp.Diff(want, column(table, "invite_status")); diff != "" {
		t.Fatalf("statuses (-want +got):\n%s", diff)
	}
	rejects := w.read("bad.csv")
	if diff := cmp.Diff([]string{"p3@example.org", "p5@example.org", "no"}, column(rejects, "email")); diff != "" {
		t.Errorf("rejects (-want +got):\n%s", diff)
	}
	for i, line := range []int{4, 6, 8} {
		if got, want := column(rejects, "invite_error")[i], column(table, "invite_error")[line-1]; got != want || got == "" {
			t.Errorf("reason of line %d is %q, want that of the results, %q", line, got, want)
		}
	}
	before := w.vendor.Calls()
	mended := strings.NewReplacer("Person 3,p3@", "Person Three,p33@", "Nobody,no", "Somebody,s@example.org").Replace(string(w.bytes("bad.csv")))
	w.write("bad.csv", mended)
	w.mustRun(0, "run", "bad.csv", "--yes")
	if n := w.vendor.Calls() - before; n != 3 {
		t.Errorf("%d calls for the mended rows, want 3", n)
	}
}

func TestRejects_ofAWorkbookAreAWorkbook(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandbox.Config{APIKey: "k-1"})
	w.program = buildProgram(t)
	candidatesBook(w)
	w.mustRun(1, "run", "people.xlsx", "--yes", "--rejects", "bad.xlsx")
	f, err := excelize.OpenFile(filepath.Join(w.dir, "bad.xlsx"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	rows, err := f.GetRows("Results")
	want := [][]string{{"Name", "E-mail", "Assessment ID", "Format", "Expires", "Note", "invite_error"},
		{"Cy", "cy", "4711", "getlink", "", "'=1", `line 5, column E-mail, cell B5: "cy" is not an e-mail address`}}
	if diff := cmp.Diff(want, rows); diff != "" || err != nil {
		t.Errorf("rejects, %v (-want +got):\n%s", err, diff)
	}
	if err := f.SetCellValue("Results", "B2", "cy@example.org"); err != nil {
		t.Fatal(err)
	}
	if err := f.Save(); err != nil {
		t.Fatal(err)
	}
	w.mustRun(0, "run", "bad.xlsx", "--yes", "--rejects", "left.csv")
	if got := column(w.readBook("bad.results.xlsx"), "Note"); !slices.Equal(got, []string{"'=1"}) {
		t.Errorf("the note came out as %q", got)
	}
	if got, want := string(w.bytes("left.csv")), "\ufeffName,E-mail,Assessment ID,Format,Expires,Note,invite_error\n"; got != want {
		t.Errorf("rejects as text = %q, want %q", got, want)
	}
}

// Excel in most of Europe: what it shows of the input it shows of the rejects.
func TestRejects_haveTheInputsShape(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandbox.Config{APIKey: "k-1"})
	w.program = buildProgram(t)
	const header, row = "Name;E-mail;Test ID;Format", "J\xfcrg \x80;x@@y;1;getlink"
	reason := `;"line 2, column E-mail: ""x@@y"" is not an e-mail address"`
	utf16 := func(text string) string {
		var b strings.Builder
		b.WriteString("\xff\xfe")
		for _, r := range text {
			fmt.Fprintf(&b, "%c\x00", r)
		}
		return b.String()
	}
	for name, content := range map[string][2]string{
		"guessed.csv": {header + "\r\n" + row + "\r\n", header + ";invite_error\r\n" + row + reason + "\r\n"},
		"mixed.csv":   {header + "\n" + row + "\nł;x@@y;1;getlink\n", header + ";invite_error\n" + row + reason + "\nł;x@@y;1;getlink" + strings.Replace(reason, "2", "3", 1) + "\n"},
		"sep.csv":     {"sep=;\n" + header + "\nAnn;x@@y;1;getlink\n", "sep=;\n" + header + ";invite_error\nAnn;x@@y;1;getlink" + strings.Replace(reason, "2", "3", 1) + "\n"},
		"wide.csv":    {utf16(header + "\nAnn;x@@y;1;getlink\n"), utf16(header + ";invite_error\nAnn;x@@y;1;getlink" + reason + "\n")},
	} {
		w.write(name, content[0])
		w.mustRun(1, "run", name, "--rejects", "r.csv", "--yes")
		if got := string(w.bytes("r.csv")); got != content[1] {
			t.Errorf("rejects of %s:\n%q, want\n%q", name, got, content[1])
		}
	}
	plain := strings.Replace(row, " \x80", "", 1)
	w.write("forced.csv", header+"\n"+plain+"\n")
	w.mustRun(1, "run", "forced.csv", "--rejects", "r.csv", "--yes", "--encoding", "iso-8859-2")
	if got, want := string(w.bytes("r.csv")), header+";invite_error\n"+plain+reason+"\n"; got != want {
		t.Errorf("rejects in a forced encoding:\n%q, want\n%q", got, want)
	}
	const msdos = header + "\nJ\x81rg;x@@y;1;getlink\nZo\x89;z@example.org;1;getlink\n"
	w.write("msdos.csv", msdos)
	w.mustRun(1, "run", "msdos.csv", "--rejects", "r.csv", "--yes", "--encoding", "cp850")
	if got, want := string(w.bytes("r.csv")), header+";invite_error\nJ\x81rg;x@@y;1;getlink"+reason+"\n"; got != want {
		t.Errorf("rejects of a file of MS-DOS:\n%q, want\n%q", got, want)
	}
	if got := column(w.read("msdos.results.csv"), "Name")[1]; got != "Zo\u00eb" {
		t.Errorf("the name came out as %q", got)
	}
}

// A byte that is no character in the file's encoding is not taken for a question mark that somebody wrote.
func TestRejects_keepLostCharactersLost(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandbox.Config{APIKey: "k-1"})
	w.program = buildProgram(t)
	const header = "Name,Email,Test ID,Format"
	w.write("c.csv", header+"\nJ\xffrg \x83A,j@example.org,1,getlink\n\x83A,x@@y,1,getlink\n")
	w.mustRun(1, "run", "c.csv", "--encoding", "shift_jis", "--rejects", "bad.csv")
	want := "\ufeff" + header + ",invite_error\nJ\ufffdrg \u30a2,j@example.org,1,getlink,\"line 2, column Name: \"\"J\ufffdrg \u30a2\"\" has a character that was lost when the file was saved or read\"\n" +
		"\u30a2,x@@y,1,getlink,\"line 3, column Email: \"\"x@@y\"\" is not an e-mail address\"\n"
	if diff := cmp.Diff(want, string(w.bytes("bad.csv"))); diff != "" {
		t.Errorf("rejects (-want +got):\n%s", diff)
	}
	w.mustRun(1, "run", "bad.csv", "--encoding", "shift_jis")
	if n := w.vendor.Calls(); n != 0 {
		t.Errorf("%d calls, want none", n)
	}
}

// A person sorts the results and writes columns of their own behind ours: that changes nobody's fate, and such a column
// counts as any other does.
func TestResults_annotatedBehind(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandbox.Config{APIKey: "k-1"})
	w.program = buildProgram(t)
	w.write("c.csv", "Name,Email,Assessment ID,Format,Note\nAnn,a@example.org,1,getlink,=1\nBob,b@example.org,1,getlink,\nCy,c,1,getlink,\n")
	w.mustRun(1, "run", "c.csv")
	table := w.read("c.results.csv")
	for i, more := range [][]string{{"Comment", "Deadline"}, {"called", "2091-01-01"}, {"=2", ""}, {"x", "soon"}} {
		if table[i][1] == "c" {
			table[i][1] = "c@example.org"
		}
		table[i] = append(table[i], more...)
	}
	w.write("mended.csv", csvOf(table...))
	_, said := w.mustRun(1, "run", "mended.csv", "-o", "again.csv")
	for _, want := range []string{`expiry date: "Deadline"`, `column Deadline: is not a date, use YYYY-MM-DD HH:MM, YYYY-MM-DD or 7d, first line 4: "soon"`} {
		if !strings.Contains(said, want) {
			t.Errorf("stderr lacks %s:\n%s", want, said)
		}
	}
	again := w.read("again.csv")
	for name, want := range map[string][]string{
		"Name": {"Ann", "Bob", "Cy"}, "Note": {"'=1", "", ""}, "Comment": {"called", "'=2", "x"}, "Deadline": {"2091-01-01", "", "soon"},
		"invite_status": {"already_invited", "already_invited", "invalid"},
	} {
		if diff := cmp.Diff(want, column(again, name)); diff != "" {
			t.Errorf("column %s (-want +got):\n%s", name, diff)
		}
	}
	if len(again[0]) != 5+2+11 {
		t.Errorf("the header is %q, want the result columns once", again[0])
	}
	if n := w.vendor.Calls(); n != 2 {
		t.Errorf("%d calls, want 2", n)
	}
}
