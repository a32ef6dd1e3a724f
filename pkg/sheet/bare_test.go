package sheet

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"batchinvite/pkg/invite"
)

func bare() Options {
	o := options()
	o.NoHeader, o.Map = true, map[string]string{"name": "1", "email": "3"}
	return o
}

func TestNoHeader_theFirstRowIsAPerson(t *testing.T) {
	s := open(t, "\nAnn Lee,x,ann@example.org\nBob,,b@@x\nCy,1,cy@example.org,4,\n", bare())
	rows, err := read(s)
	if err != nil || len(rows) != 3 {
		t.Fatalf("%d rows, error %v, want 3", len(rows), err)
	}
	if c := rows[0].Candidate; c.Name != "Ann Lee" || c.Email != "ann@example.org" || c.Origin.Line != 2 {
		t.Errorf("first candidate = %+v", c)
	}
	for i, want := range []string{
		"", `line 3, column 3: "b@@x" is not an e-mail address`,
		"line 4: has more cells than the 3 of the first row; does a value with a comma lack its quotes?",
	} {
		got := ""
		if p := rows[i].Problem; p != nil {
			got = p.String()
		}
		if got != want {
			t.Errorf("problem of row %d = %q, want %q", i, got, want)
		}
	}
	if got, want := s.Mapping(), `name: column 1, e-mail address: column 3, assessment id: 4711, invite format: getlink; not read: 2: "x"`; got != want {
		t.Errorf("mapping = %q, want %q", got, want)
	}
	if diff := cmp.Diff([]string{"name", "column 2", "email"}, s.Header()); diff != "" {
		t.Errorf("header of the results (-want +got):\n%s", diff)
	}
}

func TestNoHeader_joinsTheNumbersOfAName(t *testing.T) {
	o := bare()
	o.Map = map[string]string{"first_name": "1", "last_name": "2", "email": "3"}
	s := open(t, "Ann,Lee,ann@example.org\n,,bob@example.org\n", o)
	rows, err := read(s)
	if err != nil || rows[0].Candidate.Name != "Ann Lee" {
		t.Fatalf("candidate = %+v, error %v", rows[0].Candidate, err)
	}
	if got, want := rows[1].Problem.String(), "line 2, column 1 + 2: name is missing"; got != want {
		t.Errorf("problem = %q, want %q", got, want)
	}
	if got, want := s.Mapping(), "name: column 1 + column 2, e-mail address: column 3, assessment id: 4711, invite format: getlink"; got != want {
		t.Errorf("mapping = %q, want %q", got, want)
	}
}

// Our results have a header, whatever their source had: fed back they work with the same flags and without any.
func TestNoHeader_isNotSaidOfOurResults(t *testing.T) {
	content := "name,column 2,email," + resultHeader + "\nAnn Lee,x,ann@example.org," + outcome(invite.StatusInvited, "https://v.example/1") + "\n"
	for name, o := range map[string]Options{"the same flags": bare(), "no flags": options()} {
		s := open(t, content, o)
		rows, err := read(s)
		if err != nil || len(rows) != 1 || rows[0].Problem != nil || rows[0].Candidate.Name != "Ann Lee" || !s.Recognised() {
			t.Errorf("%s: rows %+v, error %v", name, rows, err)
		}
		if diff := cmp.Diff([]string{"name", "column 2", "email"}, s.Header()); diff != "" {
			t.Errorf("%s: header (-want +got):\n%s", name, diff)
		}
	}
}

// A person may be called what a column is, and have a wrong address.
func TestMap_byNumberLosesNoFirstRow(t *testing.T) {
	o := options()
	o.Map = map[string]string{"name": "1", "email": "2"}
	for _, first := range []string{"Name,ann@example.org", "Format,ann@@example.org", "Mail,Ann <ann@example.org>", "Ann,ann@example"} {
		_, err := Open(copyOf(t, first+"\nBob,bob@example.org\n"), o)
		if want := "candidates.csv: line 1: looks like data, not a header: "; err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%s: error = %v, want %s…", first, err, want)
		}
	}
	o.Map["email"] = "Who@Work"
	if _, err := Open(copyOf(t, "Name,Who@Work\nBob,bob@example.org\n"), o); err != nil {
		t.Error(err)
	}
	o.Map["email"] = "2"
	for _, header := range []string{"Who,E@mail", "Who,E-mail (you@home)", "Name,Mail @ work", "Who,Where"} {
		if _, err := Open(copyOf(t, header+"\nBob,bob@example.org\n"), o); err != nil {
			t.Errorf("%s: %v", header, err)
		}
	}
}

func TestMap_numbersAreOfTheFilesOwnColumns(t *testing.T) {
	o := options()
	o.Map = map[string]string{"email": "4"}
	_, err := Open(copyOf(t, "Name,Email,x,"+resultHeader+"\n"), o)
	want := `candidates.csv: line 1: --map email="4": no column is called that; the columns are "Name", "Email", "x"`
	if err == nil || err.Error() != want {
		t.Errorf("error = %v, want %s", err, want)
	}
}
