package sheet

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/xuri/excelize/v2"

	"batchinvite/pkg/invite"
)

// One date beside several people is merged over their rows: it is each one's.
func TestXLSX_mergedCellsCountForAllTheirRows(t *testing.T) {
	s := openBook(t, book(t, func(f *excelize.File) {
		put(f, "Sheet1", []any{"Name", "E-mail", "Assessment ID", "Format", "Expires"},
			[]any{"Ann", "a@example.org", 1, "getlink", "2031-01-01"}, []any{"Bob", "b@example.org", 1, "getlink"}, []any{"Cy", "c@example.org", "", "getlink"},
			[]any{"Di", "d@example.org", 1, "getlink"})
		for _, merged := range [][2]string{{"E2", "E4"}, {"C3", "C4"}, {"D4", "D4"}, {"A5", "A9"}, {"G2", "H3"}} {
			must(f.MergeCell("Sheet1", merged[0], merged[1]))
		}
	}), Options{})
	want := []string{
		"2 Ann|a@example.org|1|getlink|2031-01-01", "3 Bob|b@example.org|1|getlink|2031-01-01", "4 Cy|c@example.org|1|getlink|2031-01-01",
		"5 Di|d@example.org|1|getlink|",
	}
	for range 2 {
		if diff := cmp.Diff(want, rowLines(t, s)); diff != "" {
			t.Errorf("rows (-want +got):\n%s", diff)
		}
	}
	if got, want := s.Notices(), []string{"people.xlsx: 3 of its cells are merged with one above, and are read with the value of that"}; !slices.Equal(got, want) {
		t.Errorf("notices = %q, want %q", got, want)
	}
}

// "Name" over two columns holds the first and the last name: half of one is nobody's.
func TestXLSX_headerOverTwoFilledColumns(t *testing.T) {
	data := book(t, func(f *excelize.File) {
		put(f, "Sheet1", []any{"E-mail", "Name", "", "Assessment ID", "", "Format"}, []any{"a@example.org", "Ann", "Lee", 1, "", "getlink"})
		must(f.MergeCell("Sheet1", "B1", "C1"))
		must(f.MergeCell("Sheet1", "D1", "E1"))
	})
	_, err := Open(snapshotOf(t, data), Options{Zones: invite.AsWritten})
	e, ok := errors.AsType[*Error](err)
	if !ok {
		t.Fatalf("error = %v, want an *Error", err)
	}
	want := []string{`people.xlsx: line 1: the header "Name" spans columns 2 and 3, and both are filled`, "--map first_name=2 --map last_name=3"}
	if diff := cmp.Diff(want, []string{e.Error(), e.Hint}); diff != "" {
		t.Errorf("text and hint (-want +got):\n%s", diff)
	}
	for name, columns := range map[string]map[string]string{"Ann Lee": {"first_name": "2", "last_name": "3"}, "Ann": {"name": "Name"}} {
		s := openBook(t, data, Options{Map: columns})
		for row, err := range s.Rows() {
			if err != nil || row.Problem != nil || row.Candidate.Name != name {
				t.Errorf("--map %v: name %q, problem %v, error %v, want %q", columns, row.Candidate.Name, row.Problem, err, name)
			}
		}
	}
}

func TestXLSX_hiddenRowsAreReadAndTold(t *testing.T) {
	s := openBook(t, book(t, func(f *excelize.File) {
		put(f, "Sheet1", []any{"Name", "E-mail", "Assessment ID", "Format"}, []any{"Ann", "a@example.org", 1, "getlink"}, []any{"Bob", "b@example.org", 1, "getlink"})
		for _, row := range []int{1, 3, 4} { // the header and an empty one too
			must(f.SetRowVisible("Sheet1", row, false))
		}
	}), Options{})
	if diff := cmp.Diff([]string{"2 Ann|a@example.org|1|getlink", "3 Bob|b@example.org|1|getlink"}, rowLines(t, s)); diff != "" {
		t.Errorf("rows (-want +got):\n%s", diff)
	}
	if got, want := s.Notices(), []string{"people.xlsx: 1 of its rows are hidden, by a filter or by hand, and are read all the same"}; !slices.Equal(got, want) {
		t.Errorf("notices = %q, want %q", got, want)
	}
}

// What an American program makes of European dates.
func TestXLSX_datesThatMayBeSwapped(t *testing.T) {
	day := func(text string) time.Time {
		at, err := time.Parse(time.DateOnly, text)
		must(err)
		return at
	}
	for name, test := range map[string]struct {
		dates []any
		want  []string
	}{
		"swapped": {[]any{day("2031-01-04"), "14/4/2031", day("2031-12-04")}, []string{
			`people.xlsx: column "Expires" has texts such as "14/4/2031" beside real dates, and no real one has a day after the 12th: ` +
				`a program may have swapped day and month in those, compare them with the source`}},
		"a late real date": {[]any{day("2031-01-04"), "14/4/2031", day("2031-12-24")}, nil},
		"no text":          {[]any{day("2031-01-04"), day("2031-12-04")}, nil},
		"texts alone":      {[]any{"1/4/2031", "14/4/2031"}, nil},
		"texts in ISO":     {[]any{"2031-04-05", "14/4/2031"}, nil},
	} {
		s := openBook(t, book(t, func(f *excelize.File) {
			rows := [][]any{plainHeader}
			for i, date := range test.dates {
				rows = append(rows, []any{"Ann", fmt.Sprintf("a%d@example.org", i), 1, "getlink", date})
			}
			put(f, "Sheet1", rows...)
		}), Options{})
		rowLines(t, s)
		if diff := cmp.Diff(test.want, s.Notices()); diff != "" {
			t.Errorf("%s: notices (-want +got):\n%s", name, diff)
		}
	}
}

func TestXLSX_mergedNowhereIsAnError(t *testing.T) {
	_, err := Open(snapshotOf(t, raw(t, rawHeader+`</sheetData><mergeCells><mergeCell ref="A0:B"/></mergeCells></worksheet>`)), Options{Zones: invite.AsWritten})
	want := `people.xlsx: is a broken XLSX file, in xl/sheet.xml: "A0:B" is merged, which is no cell; open it in a spreadsheet program and save it again`
	if err == nil || err.Error() != want {
		t.Errorf("error = %v, want %s", err, want)
	}
}

// A text among dates makes no texts of the others in the results.
func TestXLSX_kindsOfMixedColumns(t *testing.T) {
	day := time.Date(2031, 12, 31, 0, 0, 0, 0, time.UTC)
	s := openBook(t, book(t, func(f *excelize.File) {
		put(f, "Sheet1", []any{"Name", "E-mail", "Expires", "Score", "Both"}, []any{"Ann", "a@example.org", day, 1, day}, []any{"Bob", "b@example.org", "7d", "none", 1})
	}), Options{Defaults: flags()})
	want := []invite.CellKind{invite.TextCells, invite.TextCells, invite.DateCells, invite.NumberCells, invite.TextCells}
	if diff := cmp.Diff(want, s.Kinds()); diff != "" {
		t.Errorf("kinds (-want +got):\n%s", diff)
	}
}

func TestXLSX_assessmentsShownWithZeros(t *testing.T) {
	s := openBook(t, book(t, func(f *excelize.File) {
		put(f, "Sheet1", []any{"Name", "E-mail", "Assessment ID", "Format"}, []any{"Ann", "a@example.org", 42, "getlink"}, []any{"Bob", "b@example.org", "000", "getlink"})
		zeros := "00000"
		style, err := f.NewStyle(&excelize.Style{CustomNumFmt: &zeros})
		must(err)
		must(f.SetCellStyle("Sheet1", "C2", "C2", style))
	}), Options{})
	if diff := cmp.Diff([]string{"2 Ann|a@example.org|00042|getlink", `3 Bob|b@example.org|000|getlink ! line 3, column Assessment ID, cell C3: "000" is not a positive whole number`}, rowLines(t, s)); diff != "" {
		t.Errorf("rows (-want +got):\n%s", diff)
	}
}

// Libraries write formulas without their values. An empty cell would mean something else.
func TestXLSX_formulasWithoutValuesAreNotEmpty(t *testing.T) {
	s := openBook(t, raw(t, `<worksheet><sheetData><row><c t="str"><v>name</v></c><c t="str"><v>email</v></c><c t="str"><v>expires</v></c><c t="str"><v>note</v></c></row>`+
		`<row><c t="str"><v>Ann</v></c><c t="str"><v>a@example.org</v></c><c><f>TODAY()+7</f></c></row>`+
		`<row><c t="str"><v>Bob</v></c><c t="str"><v>b@example.org</v></c><c t="str"><f>""</f><v></v></c><c><f>1+1</f></c></row>`+
		`<row><c><f>A2</f></c></row>`+
		`<row><c t="str"><v>Di</v></c><c t="str"><v>d@example.org</v></c><c><f>TODAY()+7</f><v></v></c></row>`+
		`<row><c r="D6"><f>ROW()</f></c></row><row><c r="B7"><f>A1</f></c><c r="C7"><f>A1</f></c></row></sheetData></worksheet>`), Options{Defaults: flags()})
	const reason = "is a formula whose value is not in the file; open the input in a spreadsheet program, save it and run it again, or write the value here"
	want := []string{
		"2 Ann|a@example.org|| ! line 2, column expires, cell C2: " + reason,
		"3 Bob|b@example.org||",
		"4 ||| ! line 4, column name, cell A4: " + reason,
		"5 Di|d@example.org|| ! line 5, column expires, cell C5: " + reason,
		`7 ||| ! line 7, column email, cell B7: is a formula whose value is not in the file, and so is "expires"; open the input in a spreadsheet program, save it and run it again, or write the value here`,
	}
	if diff := cmp.Diff(want, rowLines(t, s)); diff != "" {
		t.Errorf("rows (-want +got):\n%s", diff)
	}
	if got, want := s.Notices(), []string{"people.xlsx: 7 of its cells are formulas whose values are not in the file, and are empty in the results; a spreadsheet program computes them when it saves the file"}; !slices.Equal(got, want) {
		t.Errorf("notices = %q, want %q", got, want)
	}
}
