package sheet

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"batchinvite/pkg/invite"
)

// flags fill all that a sheet of names and addresses leaves open.
func flags() map[Field]Default {
	return map[Field]Default{AssessmentID: {Value: "4711"}, Format: {Value: "getlink"}}
}

func options() Options {
	return Options{Campaign: "default", Zones: invite.AsWritten, Defaults: flags()}
}

func open(t *testing.T, content string, o Options) *Sheet {
	t.Helper()
	s, err := Open(copyOf(t, content), o)
	if err != nil {
		t.Fatalf("open: %v", err)
	}
	return s
}

func TestOpen_findsColumns(t *testing.T) {
	tests := []struct {
		name, header, want string
		change             func(o *Options)
	}{
		{name: "plain", header: "name,email,assessment_id,format,expires",
			want: `name: "name", e-mail address: "email", assessment id: "assessment_id" or 4711, invite format: "format" or getlink, expiry date: "expires"`},
		{name: "any case, spaces, dashes", header: "FULL NAME,E-Mail,Test ID,Invite-Format,Expiry Date",
			want: `name: "FULL NAME", e-mail address: "E-Mail", assessment id: "Test ID" or 4711, invite format: "Invite-Format" or getlink, expiry date: "Expiry Date"`},
		{name: "candidate_*", header: "candidate_name,Candidate Email,Deadline",
			want: `name: "candidate_name", e-mail address: "Candidate Email", assessment id: 4711, invite format: getlink, expiry date: "Deadline"`},
		{name: "invisible characters", header: "\u00a0Name\u200b,Email*",
			want: `name: "Name", e-mail address: "Email*", assessment id: 4711, invite format: getlink`},
		{name: "line break in a header", header: "\"Full\nname\",email",
			want: `name: "Full name", e-mail address: "email", assessment id: 4711, invite format: getlink`},
		{name: "first and last", header: "Surname,First Name,Mail",
			want: `name: "First Name" + "Surname", e-mail address: "Mail", assessment id: 4711, invite format: getlink`},
		{name: "whole name beside both parts", header: "First Name,Last Name,Full Name,Mail",
			want: `name: "Full Name", e-mail address: "Mail", assessment id: 4711, invite format: getlink`},
		{name: "mapped", header: "Who,Name,Kontakt,Email", want: `name: "Who", e-mail address: "Kontakt", assessment id: 4711, invite format: getlink`,
			change: func(o *Options) { o.Map = map[string]string{"name": "Who", "E-Mail": "kontakt"} }},
		{name: "mapped exactly before loosely", header: "E-mail,Email,Name",
			want:   `name: "Name", e-mail address: "Email", assessment id: 4711, invite format: getlink`,
			change: func(o *Options) { o.Map = map[string]string{"email": "Email"} }},
		{name: "mapped parts of a name", header: "Name,First,Email",
			want:   `name: "First" + "Name", e-mail address: "Email", assessment id: 4711, invite format: getlink`,
			change: func(o *Options) { o.Map = map[string]string{"first_name": "First", "last-name": "Name"} }},
		{name: "mapped part of a name beside a whole one", header: "Name,First,Last name,Email",
			want:   `name: "First" + "Last name", e-mail address: "Email", assessment id: 4711, invite format: getlink`,
			change: func(o *Options) { o.Map = map[string]string{"first_name": "First"} }},
		{name: "mapped name beside a part", header: "Name,First name,Email",
			want:   `name: "Name", e-mail address: "Email", assessment id: 4711, invite format: getlink`,
			change: func(o *Options) { o.Map = map[string]string{"name": "Name"} }},
		{name: "column taken from another field", header: "Name,Email,Mail",
			want:   `name: "Email", e-mail address: "Mail", assessment id: 4711, invite format: getlink`,
			change: func(o *Options) { o.Map = map[string]string{"name": "Email"} }},
		{name: "mapped to a long header", header: strings.Repeat("x", 60) + " name," + strings.Repeat("x", 60) + " mail",
			want: `name: "` + strings.Repeat("x", 60) + `…", e-mail address: "` + strings.Repeat("x", 60) + `…", assessment id: 4711, invite format: getlink`,
			change: func(o *Options) {
				o.Map = map[string]string{"name": strings.Repeat("x", 60) + " name", "email": strings.Repeat("x", 60) + " mail"}
			}},
		{name: "override", header: "Name,Email,Format",
			want:   `name: "Name", e-mail address: "Email", assessment id: 4711, invite format: sendlink instead of "Format"`,
			change: func(o *Options) { o.Defaults[Format] = Default{Value: "sendlink", Typed: true, Override: true} }},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			o := options()
			if test.change != nil {
				test.change(&o)
			}
			if diff := cmp.Diff(test.want, open(t, test.header+"\n", o).Mapping()); diff != "" {
				t.Errorf("mapping (-want +got):\n%s", diff)
			}
		})
	}
}

func TestOpen_refusesAFileItCannotUse(t *testing.T) {
	none := func(o *Options) { o.Defaults = nil }
	mapped := func(field, column string) func(o *Options) {
		return func(o *Options) { o.Map = map[string]string{field: column} }
	}
	tests := []struct {
		name, content, want, hint string
		change                    func(o *Options)
	}{
		{name: "no e-mail", content: "\nName,B\n",
			want: `candidates.csv: line 2: no column for the e-mail address; the columns are "Name", "B"`, hint: "--map email=COLUMN"},
		{name: "nothing", content: "A,,B\n", change: none,
			want: `candidates.csv: line 1: no column for the name and the e-mail address and the assessment id and the invite format; the columns are "A", "B"`,
			hint: "--map name=COLUMN --map email=COLUMN --assessment-id ID --format getlink|sendlink"},
		{name: "only a first name", content: "First name,Email\n",
			want: `candidates.csv: line 1: no column for the name; the columns are "First name", "Email"`, hint: "--map name=COLUMN"},
		{name: "many columns", content: strings.Repeat("x,", 21) + "Name\n",
			want: `candidates.csv: line 1: no column for the e-mail address; the columns are ` + strings.Repeat(`"x", `, 20) + `and 2 more`,
			hint: "--map email=COLUMN"},
		{name: "two e-mails", content: "Name,E-mail,Candidate Email\n",
			want: `candidates.csv: line 1: there are 2 columns for the e-mail address: "E-mail", "Candidate Email"`, hint: `--map email="E-mail"`},
		{name: "two of one name", content: "Name,Email,Email\n",
			want: `candidates.csv: line 1: there are two columns for the e-mail address: "Email", "Email", rename one`},
		{name: "a name that may be half of one", content: "First name,Name,Email\n",
			want: `candidates.csv: line 1: column "Name" may hold whole names or only the other part of "First name"`, hint: `--map name="Name"`},
		{name: "unknown column", content: "Name,Email\n", change: mapped("email", "Kontakt"),
			want: `candidates.csv: line 1: --map email="Kontakt": no column is called that; the columns are "Name", "Email"`},
		{name: "no column", content: "Name,Email,,\n", change: mapped("email", ""),
			want: `candidates.csv: line 1: --map email="": no column is called that; the columns are "Name", "Email"`},
		{name: "mapped to two", content: "Name,X,X,Email\n", change: mapped("email", "x"),
			want: `candidates.csv: line 1: --map email="x": "X", "X" are called that, rename one`},
		{name: "blank lines only", content: "\n , \u00a0\n\n", want: "candidates.csv: has no header, every line is blank"},
		{name: "mark only", content: "\ufeff", want: "candidates.csv: has no header, every line is blank"},
		{name: "cut workbook", content: "PK\x03\x04\x14\x00\x06\x00\"\n",
			want: "candidates.csv: is a broken or incomplete XLSX file; copy it again, or open it in a spreadsheet program and save it again"},
		{name: "long header in UTF-8", content: "N" + strings.Repeat("ü", 600) + ",Name\n",
			want: `candidates.csv: line 1: no column for the e-mail address; the columns are "N` + strings.Repeat("ü", 59) + `…", "Name"`,
			hint: "--map email=COLUMN"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			o := options()
			if test.change != nil {
				test.change(&o)
			}
			_, err := Open(copyOf(t, test.content), o)
			e, ok := errors.AsType[*Error](err)
			if !ok {
				t.Fatalf("error = %v, want an *Error", err)
			}
			if diff := cmp.Diff([]string{test.want, test.hint}, []string{e.Error(), e.Hint}); diff != "" {
				t.Errorf("text and hint (-want +got):\n%s", diff)
			}
		})
	}
}

func TestOpen_refusesOneColumnForTwoFields(t *testing.T) {
	o := options()
	o.Map = map[string]string{"name": "Email", "email": "Email"}
	_, err := Open(copyOf(t, "Email\n"), o)
	want := `candidates.csv: line 1: --map email="Email": this column is the name already`
	if err == nil || err.Error() != want {
		t.Errorf("error = %v, want %s", err, want)
	}
}

func TestOptionsCheck_namesTheFlag(t *testing.T) {
	tests := []struct {
		o    Options
		want string
	}{
		{Options{Defaults: map[Field]Default{AssessmentID: {Value: "12.0"}}}, `--assessment-id: "12.0" is not a positive whole number`},
		{Options{Defaults: map[Field]Default{Format: {Value: "mail"}}}, `--format: "mail" is not an invite format, use getlink or sendlink`},
		{Options{Defaults: map[Field]Default{Expires: {Value: "foo"}}}, `--expires: "foo" is not a date, use YYYY-MM-DD HH:MM, YYYY-MM-DD or 7d`},
		{Options{Defaults: map[Field]Default{AssessmentID: {Override: true}}}, `--override assessment-id: there is no --assessment-id`},
		{Options{Map: map[string]string{"phone": "Tel."}},
			`--map phone="Tel.": there is no such field, the fields are name, first_name, last_name, email, assessment_id, format, expires`},
		{Options{Map: map[string]string{"email": "A", "e-mail": "B"}}, `--map email="A": this field is given twice`},
	}
	for _, test := range tests {
		test.o.Zones = invite.AsWritten
		err := test.o.Check()
		if err == nil || err.Error() != test.want {
			t.Errorf("check = %v, want %s", err, test.want)
		}
		if _, openErr := Open(copyOf(t, sample), test.o); openErr == nil || openErr.Error() != test.want {
			t.Errorf("open = %v, want %s", openErr, test.want)
		}
	}
	if err := options().Check(); err != nil {
		t.Errorf("check of good options = %v", err)
	}
}
