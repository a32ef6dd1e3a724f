package results

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"github.com/xuri/excelize/v2"
	"pgregory.net/rapid"

	"batchinvite/pkg/invite"
)

// commitBook writes a workbook of the rows and opens it with another reader than our own.
func commitBook(t testing.TB, kinds []invite.CellKind, header []string, rows ...invite.Result) (path string, book *excelize.File) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "x.results.xlsx")
	f, err := Create(path, header, Format{})
	if err != nil {
		t.Fatal(err)
	}
	f.Kinds = kinds
	for _, r := range rows {
		if err := f.Write(r); err != nil {
			t.Fatal(err)
		}
	}
	done, err := f.Commit("")
	if err != nil {
		t.Fatal(err)
	}
	if sum, err := fileHash(path); err != nil || sum != done.Hash {
		t.Errorf("Commit says the hash is %s, the file's is %s (%v)", done.Hash, sum, err)
	}
	if left, err := os.ReadDir(filepath.Dir(path)); err != nil || len(left) != 1 {
		t.Errorf("the folder has %v (%v), want the results alone", left, err)
	}
	if book, err = excelize.OpenFile(path); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { book.Close() })
	return path, book
}

func rawRows(t testing.TB, book *excelize.File) [][]string {
	t.Helper()
	rows, err := book.GetRows(sheetName, excelize.Options{RawCellValue: true})
	if err != nil {
		t.Fatal(err)
	}
	return rows
}

func TestXLSX_cellsHaveTheirTypes(t *testing.T) {
	kinds := []invite.CellKind{0, invite.NumberCells, invite.DateCells, invite.DateCells, 0, invite.NumberCells}
	_, book := commitBook(t, kinds, []string{"Name", "Id", "Day", "Minute", "Text", "Number"},
		invited("=cmd()", "4711", "2031-12-31", "2031-12-31 18:30", "00123", "0.1"),
		invited("'quoted", "007", "soon", "2031-12-31 00:00", "4711", "1e+21"))
	want := map[string]struct {
		kind  excelize.CellType
		value string // raw
	}{
		"A2": {excelize.CellTypeInlineString, "=cmd()"}, "A3": {excelize.CellTypeInlineString, "'quoted"},
		"B2": {excelize.CellTypeUnset, "4711"}, "B3": {excelize.CellTypeInlineString, "007"},
		"C2": {excelize.CellTypeUnset, "48213"}, "C3": {excelize.CellTypeInlineString, "soon"},
		"D2": {excelize.CellTypeUnset, "48213.770833333336"}, "D3": {excelize.CellTypeInlineString, "2031-12-31 00:00"},
		"E2": {excelize.CellTypeInlineString, "00123"}, "E3": {excelize.CellTypeInlineString, "4711"},
		"F2": {excelize.CellTypeUnset, "0.1"}, "F3": {excelize.CellTypeInlineString, "1e+21"},
		"G2": {excelize.CellTypeInlineString, "invited"},
		"J2": {excelize.CellTypeUnset, "4711"}, "L2": {excelize.CellTypeInlineString, "2026-12-31 23:59"},
		"M2": {excelize.CellTypeUnset, "11"}, "N2": {excelize.CellTypeUnset, "22"}, "Q2": {excelize.CellTypeUnset, "2"},
	}
	for ref, w := range want {
		kind, err := book.GetCellType(sheetName, ref)
		if err != nil {
			t.Fatal(err)
		}
		value, err := book.GetCellValue(sheetName, ref, excelize.Options{RawCellValue: true})
		if err != nil || kind != w.kind || value != w.value {
			t.Errorf("%s = %v %q (%v), want %v %q", ref, kind, value, err, w.kind, w.value)
		}
		if formula, err := book.GetCellFormula(sheetName, ref); formula != "" || err != nil {
			t.Errorf("%s has the formula %q (%v)", ref, formula, err)
		}
	}
	for ref, want := range map[string]string{"C2": "2031-12-31", "D2": "2031-12-31 18:30"} {
		if got, err := book.GetCellValue(sheetName, ref); got != want || err != nil {
			t.Errorf("%s shows %q (%v), want %q", ref, got, err, want)
		}
	}
}

func TestXLSX_looksLikeATable(t *testing.T) {
	_, book := commitBook(t, nil, []string{"Name"}, invited("Ann"), local(invite.StatusInvalid, "no address", "Bob"))
	if ok, link, err := book.GetCellHyperLink(sheetName, "C2"); !ok || link != "https://x.invalid/1" || err != nil {
		t.Errorf("C2 leads to %q, %v (%v), want its link", link, ok, err)
	}
	panes, err := book.GetPanes(sheetName)
	if err != nil || !panes.Freeze || panes.YSplit != 1 {
		t.Errorf("panes are %+v (%v), want the header frozen", panes, err)
	}
	style := func(ref string) *excelize.Style {
		id, err := book.GetCellStyle(sheetName, ref)
		must(err)
		s, err := book.GetStyle(id)
		must(err)
		return s
	}
	if s := style("B1"); s.Font == nil || !s.Font.Bold {
		t.Errorf("the header is not bold: %+v", s.Font)
	}
	for ref, status := range map[string]invite.Status{"B2": invite.StatusInvited, "B3": invite.StatusInvalid} {
		if got := style(ref).Fill.Color; len(got) != 1 || got[0] != fills[status] {
			t.Errorf("%s has the colour %v, want %s", ref, got, fills[status])
		}
	}
	if width, err := book.GetColWidth(sheetName, "C"); width != 21 || err != nil {
		t.Errorf("the links' column is %v wide (%v), want 21", width, err)
	}
	if names := book.GetDefinedName(); len(names) != 2 || names[0].RefersTo != "'Results'!$A$1:$L$3" || names[1].Name != invite.WorkbookMark {
		t.Errorf("defined names are %+v, want the filter over A1:L3 and our mark", names)
	}
	if ref, err := book.GetSheetDimension(sheetName); ref != "A1:L3" || err != nil {
		t.Errorf("dimension = %s (%v), want A1:L3", ref, err)
	}
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}

func TestFills_everyStatusHasOne(t *testing.T) {
	for _, s := range invite.Statuses {
		if fills[s] == "" {
			t.Errorf("status %s has no colour", s)
		}
	}
}

// Every text that UTF-8 can hold must come back as it was, whatever the column's cells were.
func TestXLSX_anyTableComesBack(t *testing.T) {
	escapes := rapid.StringOfN(rapid.RuneFrom([]rune("_x005FfD8\x00\x01\ufffe\uffff😀 \n\t<&>\"'=")), 0, 12, -1)
	rapid.Check(t, func(rt *rapid.T) {
		texts := rapid.OneOf(cellTexts(), escapes, rapid.StringMatching(`-?[0-9]{1,25}(\.[0-9]{1,20})?`),
			rapid.StringMatching(`(19|20)[0-9]{2}-[01][0-9]-[0-3][0-9]( [0-2][0-9]:[0-5][0-9])?`))
		header := rapid.SliceOfN(texts, 1, 4).Draw(rt, "header")
		table := rapid.SliceOfN(rapid.SliceOfN(texts, 0, len(header)), 0, 6).Draw(rt, "table")
		kinds := rapid.SliceOfN(rapid.SampledFrom([]invite.CellKind{0, invite.NumberCells}), 0, len(header)).Draw(rt, "kinds")
		var rows []invite.Result
		want := [][]string{append(oneLineBreak(header), invite.ResultColumns...)}
		for _, cells := range table {
			rows = append(rows, local(invite.StatusRejected, "why", cells...))
			line := make([]string, len(header)+3)
			copy(line, oneLineBreak(cells))
			line[len(header)], line[len(header)+2] = "rejected", "why"
			want = append(want, line)
		}
		for _, line := range want {
			for i, cell := range line {
				if !utf8.ValidString(cell) {
					line[i] = strings.Map(func(r rune) rune { return r }, cell)
				}
			}
		}
		_, book := commitBook(t, kinds, header, rows...)
		if diff := cmp.Diff(want, rawRows(t, book)); diff != "" {
			rt.Fatalf("read back (-want +got):\n%s", diff)
		}
	})
}

func TestXLSX_sameRowsSameBytes(t *testing.T) {
	a, _ := commitBook(t, []invite.CellKind{invite.DateCells}, []string{"Due", "Name"}, invited("2031-12-31", "Ann"), invited("2031-12-31 18:30", "Bob"))
	b, _ := commitBook(t, []invite.CellKind{invite.DateCells}, []string{"Due", "Name"}, invited("2031-12-31", "Ann"), invited("2031-12-31 18:30", "Bob"))
	one, err := os.ReadFile(a)
	must(err)
	other, err := os.ReadFile(b)
	must(err)
	if !bytes.Equal(one, other) {
		t.Error("two workbooks of the same rows differ")
	}
}

func TestXLSX_whatNoWorksheetHoldsStaysInThePartialFile(t *testing.T) {
	long := strings.Repeat("😀", MaxCell/2+1)
	path := filepath.Join(t.TempDir(), "x.xlsx")
	f, err := Create(path, []string{"Name", "Note"}, Format{})
	must(err)
	must(f.Write(invited("Ann", long)))
	_, err = f.Commit("")
	want := "row 2, column Note has 32768 characters, a cell of a workbook holds 32767"
	if err == nil || err.Error() != want {
		t.Errorf("Commit = %v, want %s", err, want)
	}
	rows, err := os.ReadFile(Partial(path))
	if err != nil || !strings.Contains(string(rows), long) {
		t.Errorf("the rows are not in the partial file: %v", err)
	}
	for _, gone := range []string{path, converted(path)} {
		if _, err := os.Stat(gone); !os.IsNotExist(err) {
			t.Errorf("%s is there (%v), want it not to be", gone, err)
		}
	}
	if _, err := Create(path, []string{"Name"}, Format{}); err != nil {
		t.Errorf("Create after a run that failed = %v", err)
	}
}

// A folder where the file should go: the rows are complete, and CSV, and must be called that.
func TestXLSX_rowsAreRescuedAsCSV(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "x.xlsx")
	f, err := Create(path, []string{"Name"}, Format{})
	must(err)
	must(f.Write(invited("Ann")))
	must(os.Mkdir(path, 0o700))
	must(os.WriteFile(filepath.Join(path, "full"), nil, 0o600))
	_, err = f.Commit("")
	if err == nil || !strings.Contains(err.Error(), "; the results are in "+filepath.Join(dir, "x.2")) || !strings.HasSuffix(err.Error(), "Z.csv") {
		t.Fatalf("Commit = %v, want where the results are", err)
	}
	_, name, _ := strings.Cut(err.Error(), "; the results are in ")
	if rows, err := os.ReadFile(name); err != nil || !strings.Contains(string(rows), "Ann,invited,") {
		t.Errorf("%s has %q (%v), want the rows", name, rows, err)
	}
}

// Beyond what a worksheet can link, links are texts.
func TestXLSX_linksUpToTheLimit(t *testing.T) {
	var csv bytes.Buffer
	w, err := Stream(&csv, []string{"Name"}, Format{})
	must(err)
	for range maxLinks + 2 {
		must(w.Write(invited("Ann")))
	}
	must(w.Flush())
	b := &workbook{open: func() io.Reader { return bytes.NewReader(csv.Bytes()) }, added: invite.ResultColumns}
	f := excelize.NewFile()
	defer f.Close()
	must(b.measure())
	must(b.frame(f))
	var sheet bytes.Buffer
	r := &rowsInside{&sheet, b}
	_, err = r.Write([]byte("<worksheet><sheetData></sheetData><autoFilter></autoFilter></worksheet>"))
	must(err)
	if got := strings.Count(sheet.String(), "<hyperlink "); got != maxLinks {
		t.Errorf("%d links, want %d", got, maxLinks)
	}
	if got := strings.Count(sheet.String(), ">https://x.invalid/1<"); got != maxLinks+2 {
		t.Errorf("%d texts of links, want all %d", got, maxLinks+2)
	}
}

func TestMeasure_tooManyRows(t *testing.T) {
	b := &workbook{open: func() io.Reader {
		return io.MultiReader(strings.NewReader("name\n"), strings.NewReader(strings.Repeat("x\n", MaxRows+1)))
	}}
	err := b.measure()
	if want := fmt.Sprintf("%d rows are more than the %d that a worksheet holds", MaxRows+1, MaxRows); err == nil || err.Error() != want {
		t.Errorf("measure = %v, want %s", err, want)
	}
}

func BenchmarkXLSX(b *testing.B) {
	const rows = 100_000
	var csv bytes.Buffer
	w, err := Stream(&csv, []string{"Full Name", "E-mail", "Assessment ID", "Format", "Expiry Date", "Team", "Notes"}, Format{})
	must(err)
	for range rows {
		must(w.Write(invited("Zoë Müller", "zoe.mueller@example.org", "4711", "sendlink", "14d", "Platform", "met at the fair, speaks \"C\"")))
	}
	must(w.Flush())
	for b.Loop() {
		must(convert(io.Discard, func() io.Reader { return bytes.NewReader(csv.Bytes()) }, invite.ResultColumns, nil))
	}
	b.ReportMetric(rows*float64(b.N)/b.Elapsed().Seconds(), "rows/s")
}
