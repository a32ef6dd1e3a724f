package sheet

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/xuri/excelize/v2"
	"golang.org/x/text/encoding/japanese"

	"batchinvite/pkg/invite"
)

// The hint has to lead on: for a line that is no header, columns to --map would lead astray.
func TestOpen_saysWhatStandsInPlaceOfAHeader(t *testing.T) {
	for name, test := range map[string]struct{ content, text, hint string }{
		"a title": {"Candidates of March;;;\n\nName;E-mail;Assessment ID;Format\nAnn;a@example.org;9999;sendlink\n",
			`candidates.csv: line 1: no column for the name and the e-mail address; the columns are "Candidates of March"`, "line 3 looks like the header: delete what stands above it"},
		"a title and a header in groups": {"List,Name,\nPerson,,Test\nFull name,Email,Assessment ID\n",
			`candidates.csv: line 1: no column for the e-mail address; the columns are "List", "Name"`, "line 3 looks like the header: delete what stands above it"},
		"a title above semicolons": {"Candidates\nName;E-mail;Format\nAnn;a@example.org;sendlink\n",
			`candidates.csv: line 1: no column for the name and the e-mail address; the columns are "Candidates"`, "line 2 looks like the header: delete what stands above it"},
		"accents": {"Pr\xe9nom;Ort\n", `candidates.csv: line 1: no column for the name and the e-mail address; the columns are "Prénom", "Ort"`,
			"--map name=COLUMN --map email=COLUMN, or if these names are garbled --encoding NAME, such as windows-1250, shift_jis or cp850"},
		"a remark":       {"Name,E-Mail (privat)\n", `candidates.csv: line 1: no column for the e-mail address; the columns are "Name", "E-Mail (privat)"`, `--map email="E-Mail (privat)"`},
		"remarks of two": {"Name,E-mail (work),E-mail (home)\n", `candidates.csv: line 1: no column for the e-mail address; the columns are "Name", "E-mail (work)", "E-mail (home)"`, "--map email=COLUMN"},
		"colons":         {"Name:Email\nAnn:a@example.org\n", `candidates.csv: line 1: no column for the name and the e-mail address; the columns are "Name:Email"`, `--delimiter ":"`},
		"another encoding": {encoded(t, japanese.ShiftJIS, "\u540d\u524d,\u30e1\u30fc\u30eb\n"), `candidates.csv: line 1: no column for the name and the e-mail address; the columns are "–¼‘O", "\x83\x81\x81[\x83\x8b"`,
			"--encoding NAME, such as windows-1250, shift_jis or cp850"},
		"addresses alone": {"Email\na@example.org\n", `candidates.csv: line 1: no column for the name; the columns are "Email"`, "add a column with the names"},
		"nothing known":   {"Wer,Wo\nAnn,a@example.org\n", `candidates.csv: line 1: no column for the name and the e-mail address; the columns are "Wer", "Wo"`, "--map name=COLUMN --map email=COLUMN"},
	} {
		_, err := Open(copyOf(t, test.content), options())
		e, ok := errors.AsType[*Error](err)
		if !ok {
			t.Errorf("%s: error = %v, want an *Error", name, err)
			continue
		}
		if diff := cmp.Diff([]string{test.text, test.hint}, []string{e.Error(), e.Hint}); diff != "" {
			t.Errorf("%s: text and hint (-want +got):\n%s", name, diff)
		}
	}
}

// Where only flags are lacking the header is right, whatever else there is.
func TestOpen_advisesNoOtherHeaderWhereOnlyFlagsAreLacking(t *testing.T) {
	_, err := Open(copyOf(t, "Pr\xe9nom;Nom;E-mail\nName;Email;Assessment ID\n"), Options{Zones: invite.AsWritten})
	if e, ok := errors.AsType[*Error](err); !ok || e.Hint != "--assessment-id ID --format getlink|sendlink" {
		t.Errorf("error = %v, hint %+v, want the flags", err, e)
	}
	_, err = Open(snapshotOf(t, book(t, func(f *excelize.File) {
		put(f, "Sheet1", []any{"Name", "E-mail"})
		_, err := f.NewSheet("Archive")
		must(err)
		put(f, "Archive", plainHeader)
	})), Options{Zones: invite.AsWritten})
	if e, ok := errors.AsType[*Error](err); !ok || e.Hint != "--assessment-id ID --format getlink|sendlink" {
		t.Errorf("error = %v, hint %+v, want the flags", err, e)
	}
}

func TestXLSX_theTableIsInAnotherWorksheet(t *testing.T) {
	_, err := Open(snapshotOf(t, book(t, func(f *excelize.File) {
		put(f, "Sheet1", []any{"How to fill in"}, []any{"One row a person"})
		for _, name := range []string{"Old", "Our $people"} {
			_, err := f.NewSheet(name)
			must(err)
		}
		put(f, "Old", []any{"x", "y"})
		put(f, "Our $people", plainHeader)
	})), Options{Zones: invite.AsWritten})
	e, ok := errors.AsType[*Error](err)
	if !ok || e.Hint != "--sheet 'Our $people'" {
		t.Errorf("error = %v, hint %+v, want --sheet", err, e)
	}
}
