package sheet

import (
	"archive/zip"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/xuri/excelize/v2"

	"batchinvite/pkg/invite"
)

// book makes an XLSX of what fill does to a new workbook, whose first worksheet is Sheet1.
func book(t testing.TB, fill func(f *excelize.File)) []byte {
	t.Helper()
	f := excelize.NewFile()
	defer f.Close()
	fill(f)
	out, err := f.WriteToBuffer()
	if err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// must is for calls that can't go wrong.
func must(err error) {
	if err != nil {
		panic(err)
	}
}

// put fills a worksheet from A1; strings are texts, numbers numbers, times dates.
func put(f *excelize.File, sheet string, rows ...[]any) {
	for i, row := range rows {
		must(f.SetSheetRow(sheet, fmt.Sprintf("A%d", i+1), &row))
	}
}

var plainHeader = []any{"Name", "E-mail", "Assessment ID", "Format", "Expires"}

func snapshotOf(t testing.TB, data []byte) *Snapshot {
	t.Helper()
	s, err := Copy(context.Background(), "people.xlsx", bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func openBook(t testing.TB, data []byte, o Options) *Sheet {
	t.Helper()
	o.Zones = invite.AsWritten
	s, err := Open(snapshotOf(t, data), o)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// rowLines gives each row's line, its cells, and its problem if it has one.
func rowLines(t testing.TB, s *Sheet) (lines []string) {
	t.Helper()
	for row, err := range s.Rows() {
		if err != nil {
			t.Fatal(err)
		}
		text := fmt.Sprintf("%d %s", row.Origin.Line, strings.Join(row.Cells, "|"))
		if row.Problem != nil {
			text += " ! " + row.Problem.String()
		}
		lines = append(lines, text)
	}
	return lines
}

func TestXLSX_rowsAreTheSheetsOwnAndBothPassesTheSame(t *testing.T) {
	s := openBook(t, book(t, func(f *excelize.File) {
		must(f.SetSheetRow("Sheet1", "A3", &plainHeader))
		must(f.SetSheetRow("Sheet1", "A4", &[]any{"Ann", "ann@example.org", 4711, "getlink"}))
		must(f.SetSheetRow("Sheet1", "A5", &[]any{" ", "\u00a0"}))
		must(f.SetSheetRow("Sheet1", "A9", &[]any{"Bob", "bob", 4711, "getlink", "", "", "a remark"}))
	}), Options{})
	want := []string{
		"4 Ann|ann@example.org|4711|getlink|",
		`9 Bob|bob|4711|getlink|||a remark ! line 9, column E-mail, cell B9: "bob" is not an e-mail address`,
	}
	for pass := range 2 {
		got := rowLines(t, s)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("pass %d (-want +got):\n%s", pass+1, diff)
		}
	}
	if s.Width() != 7 {
		t.Errorf("Width = %d, want 7", s.Width())
	}
}

func TestXLSX_linksFormulasMergesAndRichText(t *testing.T) {
	s := openBook(t, book(t, func(f *excelize.File) {
		put(f, "Sheet1", []any{"Name", "E-mail", "Assessment ID", "Format", "Note"},
			[]any{"", "write to Ann", 1, "getlink"}, []any{"Bob", "bob@example.org", 1, "getlink"}, []any{"Cy", "cy@example.org", 1, "getlink"})
		must(f.MergeCell("Sheet1", "E1", "F1"))
		must(f.SetCellRichText("Sheet1", "A2", []excelize.RichTextRun{{Text: "Ann "}, {Text: "Lee", Font: &excelize.Font{Bold: true}}}))
		must(f.SetCellHyperLink("Sheet1", "A2", "mailto:nobody@example.org", "External"))
		must(f.SetCellHyperLink("Sheet1", "B2", "mailto:ann%2Bx@example.org?subject=Hi", "External"))
		must(f.SetCellHyperLink("Sheet1", "B3", "mailto:other@example.org", "External"))
		must(f.SetCellHyperLink("Sheet1", "B4", "https://example.org", "External"))
		must(f.SetCellFormula("Sheet1", "E2", "A3"))
		must(f.SetCellValue("Sheet1", "F3", "under the merged header"))
	}), Options{})
	want := []string{
		"2 Ann Lee|ann+x@example.org|1|getlink|",
		"3 Bob|bob@example.org|1|getlink||under the merged header",
		"4 Cy|cy@example.org|1|getlink|",
	}
	if diff := cmp.Diff(want, rowLines(t, s)); diff != "" {
		t.Errorf("rows (-want +got):\n%s", diff)
	}
}

// raw makes an XLSX by hand around the content of its only worksheet.
func raw(t testing.TB, sheet string, more ...string) []byte {
	t.Helper()
	parts := append([]string{
		"[Content_Types].xml", "<Types/>",
		"_rels/.rels", `<Relationships><Relationship Id="r" Type="x/officeDocument" Target="/xl/workbook.xml"/></Relationships>`,
		"xl/workbook.xml", `<workbook><sheets><sheet name="Only" r:id="r1"/></sheets></workbook>`,
		"xl/_rels/workbook.xml.rels", `<Relationships><Relationship Id="r1" Type="x/worksheet" Target="sheet.xml"/>` +
			`<Relationship Id="r2" Type="x/sharedStrings" Target="strings.xml"/></Relationships>`,
		"xl/strings.xml", "<sst><si><t>shared</t></si><si><r><t>two </t></r><rPh><t>read out</t></rPh><r><t>runs_x000D__xD83D__xDE00_</t></r></si><si/></sst>",
		"xl/sheet.xml", sheet,
	}, more...)
	return archive(t, parts...)
}

func archive(t testing.TB, parts ...string) []byte {
	t.Helper()
	var out bytes.Buffer
	z := zip.NewWriter(&out)
	for i := 0; i < len(parts); i += 2 {
		w, err := z.Create(parts[i])
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(w, parts[i+1]); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

const rawHeader = `<worksheet><sheetData><row><c t="str"><v>name</v></c><c t="inlineStr"><is><t>email</t></is></c><c t="str"><v>assessment_id</v></c><c t="str"><v>format</v></c></row>`

func TestXLSX_whatOtherProgramsWrite(t *testing.T) {
	s := openBook(t, raw(t, rawHeader+
		`<row r="7"><c r="A7" t="s"><v>1</v></c><c r="B7" t="str"><f>X1</f><v>a@example.org</v></c><c r="C7"><v>4.711E3</v></c><c r="D7" t="str"><v>getlink</v></c>`+
		`<c r="F7" t="e"><f>1/0</f><v>#DIV/0!</v></c><c r="G7"><f>1+1</f></c><c r="H7" t="d"><v>2031-12-31T18:30:00Z</v></c><c r="I7" t="s"><v>2</v></c><c r="J7"><v>12345678901234567890</v></c></row>`+
		`</sheetData></worksheet>`), Options{})
	want := []string{"7 two runs\r😀|a@example.org|4711|getlink||#DIV/0!||2031-12-31 18:30||12345678901234567890"}
	if diff := cmp.Diff(want, rowLines(t, s)); diff != "" {
		t.Errorf("rows (-want +got):\n%s", diff)
	}
}

func manySheets(t testing.TB) []byte {
	return book(t, func(f *excelize.File) {
		for _, name := range []string{"Hidden", "Buried", "Old", "Empty", "Notes"} {
			_, err := f.NewSheet(name)
			must(err)
		}
		for _, name := range []string{"Hidden", "Buried", "Old", "Notes"} {
			put(f, name, plainHeader, []any{name, "a@example.org", 1, "getlink"})
		}
		must(f.SetSheetVisible("Hidden", false))
		must(f.SetSheetVisible("Buried", false, true))
	})
}

func TestXLSX_sheetIsChosen(t *testing.T) {
	data := manySheets(t)
	for _, tc := range []struct{ wanted, name, kind string }{
		{"", "Old", `XLSX, worksheet "Old", not "Notes" (--sheet)`},
		{"notes", "Notes", `XLSX, worksheet "Notes", not "Old" (--sheet)`},
		{"4", "Notes", `XLSX, worksheet "Notes", not "Old" (--sheet)`},
		{"2", "Old", `XLSX, worksheet "Old", not "Notes" (--sheet)`},
	} {
		s := openBook(t, data, Options{Sheet: tc.wanted})
		if diff := cmp.Diff([]string{"2 " + tc.name + "|a@example.org|1|getlink|"}, rowLines(t, s)); diff != "" {
			t.Errorf("--sheet %q (-want +got):\n%s", tc.wanted, diff)
		}
		if got := s.Kind(); got != tc.kind {
			t.Errorf("--sheet %q: Kind = %s, want %s", tc.wanted, got, tc.kind)
		}
	}
}

func TestXLSX_errors(t *testing.T) {
	whole := book(t, func(f *excelize.File) { put(f, "Sheet1", plainHeader, []any{"Ann", "a@example.org", 1, "getlink"}) })
	flipped := bytes.Clone(whole)
	at := bytes.Index(flipped, []byte("xl/worksheets/sheet1.xml")) + 60
	flipped[at] ^= 0xff
	row := `<row r="2"><c r="A2" t="str"><v>Ann</v></c></row>`
	broken := func(why string) string {
		return "people.xlsx: is a broken XLSX file, in xl/sheet.xml: " + why + "; open it in a spreadsheet program and save it again"
	}
	for _, tc := range []struct {
		name  string
		data  []byte
		sheet string
		want  string
	}{
		{"cut", whole[:len(whole)/2], "", "people.xlsx: is a broken or incomplete XLSX file; copy it again, or open it in a spreadsheet program and save it again"},
		{"no such sheet", manySheets(t), "Hidden", `people.xlsx: --sheet "Hidden": this worksheet is hidden; unhide it in a spreadsheet program; the visible ones are 1 "Sheet1", 2 "Old", 3 "Empty", 4 "Notes"`},
		{"empty sheet", manySheets(t), "empty", `people.xlsx: --sheet "empty": this worksheet is empty`},
		{"all empty", book(t, func(*excelize.File) {}), "", "people.xlsx: has no rows: every visible worksheet is empty"},
		{"a title", book(t, func(f *excelize.File) { must(f.SetCellValue("Sheet1", "B2", "Candidates 2031")) }), "",
			`people.xlsx: line 2: no column for the name and the e-mail address and the assessment id and the invite format; the columns are "Candidates 2031"`},
		{"the wrong one of two", book(t, func(f *excelize.File) {
			_, err := f.NewSheet("People")
			must(err)
			put(f, "Sheet1", []any{"name", "assessment id", "format"})
			put(f, "People", plainHeader)
		}), "", `people.xlsx, worksheet "Sheet1", not "People" (--sheet): line 1: no column for the e-mail address; the columns are "name", "assessment id", "format"`},
		{"a text file that was opened with another delimiter", book(t, func(f *excelize.File) { put(f, "Sheet1", []any{"Name;Email"}, []any{"Ann;ann@example.org"}) }), "",
			`people.xlsx: line 1: all columns are in one: "Name;Email"`},
		{"binary workbook", archive(t, "xl/workbook.bin", ""), "", "people.xlsx: is a binary workbook (.xlsb); save it as XLSX"},
		{"Word", archive(t, "word/document.xml", "<d/>", "_rels/.rels", `<Relationships><Relationship Id="r" Type="x/officeDocument" Target="word/document.xml"/></Relationships>`), "",
			"people.xlsx: is a Word document and no workbook; save its table as CSV"},
		{"OpenDocument", archive(t, "mimetype", "application/vnd.oasis.opendocument.spreadsheet", "content.xml", "<d/>"), "", "people.xlsx: is an OpenDocument file; save it as XLSX or CSV"},
		{"zipped CSV", archive(t, "people.csv", "name,email\n"), "", "people.xlsx: is a zip archive and no workbook; unpack it and name the file in it"},
		{"empty zip", archive(t), "", "people.xlsx: is a zip archive and no workbook; unpack it and name the file in it"},
		{"cut in a row", raw(t, rawHeader+row), "", broken("unexpected EOF")},
		{"cut after the rows", raw(t, rawHeader+row+"</sheetData>"), "", broken("unexpected EOF")},
		{"no XML", raw(t, rawHeader+"<row r=2></row></sheetData></worksheet>"), "", broken("XML syntax error on line 1: unquoted or missing attribute value in element")},
		{"rows out of order", raw(t, rawHeader+`<row r="7"/><row r="7"/></sheetData></worksheet>`), "", broken(`row "7" comes after row 7`)},
		{"too many rows", raw(t, rawHeader+`<row r="1048577"/></sheetData></worksheet>`), "", broken("it has more than 1048576 rows")},
		{"no cell", raw(t, rawHeader+`<row><c r="7"/></row></sheetData></worksheet>`), "", broken(`cell "7" of row 2 is out of place`)},
		{"a text that is nowhere", raw(t, rawHeader+`<row><c t="s"><v>3</v></c></row></sheetData></worksheet>`), "", broken(`row 2 has a cell whose text "3" is nowhere`)},
		{"a huge cell", raw(t, rawHeader+"<row><c t='str'><v>"+strings.Repeat("x", 1<<20+100_000)), "", broken("something in it is longer than 1 MiB")},
		{"a huge comment", raw(t, rawHeader+"<!--"+strings.Repeat("x", 1<<20+100_000)+"--></sheetData></worksheet>"), "", broken("something in it is longer than 1 MiB")},
		{"a huge row", raw(t, rawHeader+"<row>"+strings.Repeat("<c t='str'><v>"+strings.Repeat("x", 700_000)+"</v></c>", 2)), "", broken("row 2 is longer than 1 MiB")},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, err := Open(snapshotOf(t, tc.data), Options{Zones: invite.AsWritten, Sheet: tc.sheet})
			if _, ok := errors.AsType[*Error](err); !ok || err.Error() != tc.want {
				t.Errorf("Open = %T %v,\nwant *Error %s", err, err, tc.want)
			}
		})
	}
	if _, err := Open(snapshotOf(t, flipped), Options{Zones: invite.AsWritten}); err == nil || !strings.Contains(err.Error(), "is a broken XLSX file, in xl/worksheets/sheet1.xml: ") {
		t.Errorf("Open of a file with a changed byte = %v, want an error that names the part", err)
	}
}

// What says that it unpacks to more than any program writes is not unpacked.
func TestXLSX_bombIsRefused(t *testing.T) {
	var out bytes.Buffer
	z := zip.NewWriter(&out)
	w, err := z.CreateRaw(&zip.FileHeader{Name: "xl/workbook.xml", UncompressedSize64: 1 << 40, Method: zip.Deflate})
	must(err)
	_, err = w.Write([]byte{3, 0})
	must(err)
	must(z.Close())
	_, err = Open(snapshotOf(t, out.Bytes()), Options{Zones: invite.AsWritten})
	want := "people.xlsx: unpacks to 1048576 MiB in xl/workbook.xml, more than the 32 MiB that are read; save the rows alone as CSV"
	if err == nil || err.Error() != want {
		t.Errorf("Open = %v, want %s", err, want)
	}
}

func TestXLSX_sheetOfACSVIsAnError(t *testing.T) {
	s, err := Copy(context.Background(), "people.csv", strings.NewReader("name,email\n"))
	must(err)
	defer s.Close()
	_, err = Open(s, Options{Zones: invite.AsWritten, Sheet: "2"})
	if want := "people.csv: --sheet is for workbooks, and this is none"; err == nil || err.Error() != want {
		t.Errorf("Open = %v, want %s", err, want)
	}
}

// More texts than fit into the pages in memory, referred to forwards and backwards.
func TestXLSX_sharedStringsFromDisk(t *testing.T) {
	const texts = 60_000
	var in strings.Builder
	for i := range texts {
		fmt.Fprintf(&in, "<si><t>%0*d</t></si>", 1+i%90, i)
	}
	s, err := readStrings(newTokens(strings.NewReader(in.String())))
	must(err)
	defer s.close()
	for i := 0; i < texts; i += 7 {
		for _, n := range []int{i, texts - 1 - i, 0} {
			got, ok, err := s.get(n)
			if want := fmt.Sprintf("%0*d", 1+n%90, n); !ok || err != nil || got != want {
				t.Fatalf("text %d = %q, %v, %v, want %q", n, got, ok, err, want)
			}
		}
	}
	if _, ok, err := s.get(texts); ok || err != nil {
		t.Errorf("text %d is there (%v), want none", texts, err)
	}
}
