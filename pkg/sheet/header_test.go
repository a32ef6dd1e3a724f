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
			want: `name: "Full Name", e-mail address: "Mail", assessment id: 4711, invite format: getlink; not read: "First Name", "Last Name"`},
		{name: "mapped", header: "Who,Name,Kontakt,Email", want: `name: "Who", e-mail address: "Kontakt", assessment id: 4711, invite format: getlink; not read: "Name", "Email"`,
			change: func(o *Options) { o.Map = map[string]string{"name": "Who", "E-Mail": "kontakt"} }},
		{name: "mapped exactly before loosely", header: "E-mail,Email,Name",
			want:   `name: "Name", e-mail address: "Email", assessment id: 4711, invite format: getlink; not read: "E-mail"`,
			change: func(o *Options) { o.Map = map[string]string{"email": "Email"} }},
		{name: "mapped parts of a name", header: "Name,First,Email",
			want:   `name: "First" + "Name", e-mail address: "Email", assessment id: 4711, invite format: getlink`,
			change: func(o *Options) { o.Map = map[string]string{"first_name": "First", "last-name": "Name"} }},
		{name: "mapped part of a name beside a whole one", header: "Name,First,Last name,Email",
			want:   `name: "First" + "Last name", e-mail address: "Email", assessment id: 4711, invite format: getlink; not read: "Name"`,
			change: func(o *Options) { o.Map = map[string]string{"first_name": "First"} }},
		{name: "mapped name beside a part", header: "Name,First name,Email",
			want:   `name: "Name", e-mail address: "Email", assessment id: 4711, invite format: getlink; not read: "First name"`,
			change: func(o *Options) { o.Map = map[string]string{"name": "Name"} }},
		{name: "column taken from another field", header: "Name,Email,Mail",
			want:   `name: "Email", e-mail address: "Mail", assessment id: 4711, invite format: getlink; not read: "Name"`,
			change: func(o *Options) { o.Map = map[string]string{"name": "Email"} }},
		{name: "mapped to a long header", header: strings.Repeat("x", 60) + " name," + strings.Repeat("x", 60) + " mail",
			want: `name: "` + strings.Repeat("x", 60) + `…", e-mail address: "` + strings.Repeat("x", 60) + `…", assessment id: 4711, invite format: getlink`,
			change: func(o *Options) {
				o.Map = map[string]string{"name": strings.Repeat("x", 60) + " name", "email": strings.Repeat("x", 60) + " mail"}
			}},
		{name: "mapped by number", header: "Name,Kontakt,,Email",
			want:   `name: "Name", e-mail address: "Kontakt", assessment id: 4711, invite format: getlink, expiry date: column 3; not read: "Email"`,
			change: func(o *Options) { o.Map = map[string]string{"email": "2", "expires": " 3 "} }},
		{name: "a number that is a name", header: "Name,Email,3,Mail",
			want:   `name: "Name", e-mail address: "3", assessment id: 4711, invite format: getlink; not read: "Email", "Mail"`,
			change: func(o *Options) { o.Map = map[string]string{"email": "3"} }},
		{name: "accents", header: "\"Nom complet\",ADRESSE \u00c9LECTRONIQUE,Date d\u2019expiration",
			want: "name: \"Nom complet\", e-mail address: \"ADRESSE \u00c9LECTRONIQUE\", assessment id: 4711, invite format: getlink, expiry date: \"Date d\u2019expiration\""},
		{name: "accents that come apart", header: "Pre\u0301nom,NOM,Courriel",
			want: "name: \"Pre\u0301nom\" + \"NOM\", e-mail address: \"Courriel\", assessment id: 4711, invite format: getlink"},
		{name: "German", header: "Nachname,Vorname,E-Mail-Adresse,Test-ID,Gültig bis",
			want: `name: "Vorname" + "Nachname", e-mail address: "E-Mail-Adresse", assessment id: "Test-ID" or 4711, invite format: getlink, expiry date: "Gültig bis"`},
		{name: "French last name", header: "Nom,Pr\u00e9nom,Adresse e-mail,Date d'expiration",
			want: "name: \"Pr\u00e9nom\" + \"Nom\", e-mail address: \"Adresse e-mail\", assessment id: 4711, invite format: getlink, expiry date: \"Date d'expiration\""},
		{name: "French whole name", header: "Nom,Courriel", want: `name: "Nom", e-mail address: "Courriel", assessment id: 4711, invite format: getlink`},
		{name: "French whole name beside both parts", header: "Nom,Nom de famille,Pr\u00e9nom,Courriel",
			want: `name: "Nom", e-mail address: "Courriel", assessment id: 4711, invite format: getlink; not read: "Nom de famille", "Prénom"`},
		{name: "Spanish first name", header: "Nombre,Apellidos,Correo electr\u00f3nico,Fecha de vencimiento",
			want: "name: \"Nombre\" + \"Apellidos\", e-mail address: \"Correo electr\u00f3nico\", assessment id: 4711, invite format: getlink, expiry date: \"Fecha de vencimiento\""},
		{name: "Spanish whole name", header: "nombre,correo,Caducidad",
			want: `name: "nombre", e-mail address: "correo", assessment id: 4711, invite format: getlink, expiry date: "Caducidad"`},
		{name: "Spanish whole name beside both parts", header: "Nombre,Nombre completo,Apellidos,Correo",
			want: `name: "Nombre completo", e-mail address: "Correo", assessment id: 4711, invite format: getlink; not read: "Nombre", "Apellidos"`},
		{name: "two last names", header: "Primer apellido,2\u00ba apellido,Nombre,Correo",
			want: `name: "Nombre" + "Primer apellido" + "2º apellido", e-mail address: "Correo", assessment id: 4711, invite format: getlink`},
		{name: "a second last name alone", header: "Nombre,Segundo apellido,Correo", want: `name: "Nombre", e-mail address: "Correo", assessment id: 4711, invite format: getlink; not read: "Segundo apellido"`},
		{name: "remarks in brackets", header: "Name [required],Email*,Assessment ID (number),Format (getlink/sendlink),Expires (dd/mm/yyyy)",
			want: `name: "Name [required]", e-mail address: "Email*", assessment id: "Assessment ID (number)" or 4711, invite format: "Format (getlink/sendlink)" or getlink, expiry date: "Expires (dd/mm/yyyy)"`},
		{name: "remarks that say whose it is", header: "First name,Last name,Name (Recruiter),Email,Email (manager),Valid until (passport),Format (CV)",
			want: `name: "First name" + "Last name", e-mail address: "Email", assessment id: 4711, invite format: getlink; not read: "Name (Recruiter)", "Email (manager)", "Valid until (passport)", "Format (CV)"`},
		{name: "parts in brackets", header: "Name (First),Name (Last),Email [optional]",
			want: `name: "Name (First)" + "Name (Last)", e-mail address: "Email [optional]", assessment id: 4711, invite format: getlink`},
		{name: "patterns in brackets", header: "Name,Email,Expires (YYYY-MM-DD HH:MM UTC; e.g. 2031-12-31)",
			want: `name: "Name", e-mail address: "Email", assessment id: 4711, invite format: getlink, expiry date: "Expires (YYYY-MM-DD HH:MM UTC; e.g. 2031-12-31)"`},
		{name: "our own names", header: "first_name,last_name,second_last_name,email",
			want: `name: "first_name" + "last_name" + "second_last_name", e-mail address: "email", assessment id: 4711, invite format: getlink`},
		{name: "Portuguese", header: "Nome,Sobrenome,Correio eletr\u00f4nico,Data de validade",
			want: "name: \"Nome\" + \"Sobrenome\", e-mail address: \"Correio eletr\u00f4nico\", assessment id: 4711, invite format: getlink, expiry date: \"Data de validade\""},
		{name: "half of a name beside a mapped one", header: "Nom,Rufname,Mail",
			want:   `name: "Rufname" + "Nom", e-mail address: "Mail", assessment id: 4711, invite format: getlink`,
			change: func(o *Options) { o.Map = map[string]string{"first_name": "Rufname"} }},
		{name: "an address in a header that has names too", header: "Name,Email,hr@example.org",
			want: `name: "Name", e-mail address: "Email", assessment id: 4711, invite format: getlink; not read: "hr@example.org"`},
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
		{name: "a column of titles or of ids", content: "Name,Email,Assessment,Format\n", change: none,
			want: `candidates.csv: line 1: no column for the assessment id; the columns are "Name", "Email", "Assessment", "Format"`,
			hint: `(--assessment-id ID or --map assessment_id="Assessment")`},
		{name: "nothing", content: "A,,B\n", change: none,
			want: `candidates.csv: line 1: no column for the name and the e-mail address and the assessment id and the invite format; the columns are "A", "B"`,
			hint: "--map name=COLUMN --map email=COLUMN --assessment-id ID --format getlink|sendlink"},
		{name: "only a first name", content: "First name,Email\n",
			want: `candidates.csv: line 1: no column for the name; the columns are "First name", "Email"`, hint: "--map name=COLUMN"},
		{name: "many columns", content: "a,b,c,d,e,f,g,h,i,j,k,l,m,n,o,p,q,r,s,t,u,Name\n",
			want: `candidates.csv: line 1: no column for the e-mail address; the columns are "a", "b", "c", "d", "e", "f", "g", "h", "i", "j", ` +
				`"k", "l", "m", "n", "o", "p", "q", "r", "s", "t", and 2 more`,
			hint: "--map email=COLUMN"},
		{name: "two e-mails", content: "Name,E-mail,Candidate Email\n",
			want: `candidates.csv: line 1: there are 2 columns for the e-mail address: "E-mail", "Candidate Email"`,
			hint: `--map email="E-mail" or --map email="Candidate Email"`},
		{name: "two of one name", content: "Name,Email,Email\n",
			want: `candidates.csv: line 1: there are 2 columns for the e-mail address: "Email" (column 2), "Email" (column 3)`,
			hint: "--map email=2 or --map email=3"},
		{name: "two of one name where numbers are names", content: "2,Email,Email,Name\n",
			want: `candidates.csv: line 1: there are 2 columns for the e-mail address: "Email" (column 2), "Email" (column 3)`,
			hint: "--map email=3"},
		{name: "names that a shell would change", content: "Name,\"E-mail \"\"$HOME\"\"'s\",\"E\x1bmail\",E-mail\n",
			change: func(o *Options) { o.Map = map[string]string{"email": "Email"} },
			want:   `candidates.csv: line 1: --map email="Email": "E\x1bmail", "E-mail" are called that`,
			hint:   `--map email=3 or --map email="E-mail"`},
		{name: "a name that may be half of one", content: "First name,Name,Email\n",
			want: `candidates.csv: line 1: column "Name" may hold whole names or only the other part of "First name"`,
			hint: `--map name="Name" or --map last_name="Name"`},
		{name: "the same in German", content: "Name,Vorname,E-Mail-Adresse\n",
			want: `candidates.csv: line 1: column "Name" may hold whole names or only the other part of "Vorname"`,
			hint: `--map name="Name" or --map last_name="Name"`},
		{name: "the same from the other side", content: "Name,Apellidos,Correo\n",
			want: `candidates.csv: line 1: column "Name" may hold whole names or only the other part of "Apellidos"`,
			hint: `--map name="Name" or --map first_name="Name"`},
		{name: "two whole names", content: "Name,Nom,Courriel\n",
			want: `candidates.csv: line 1: there are 2 columns for the name: "Name", "Nom"`, hint: `--map name="Name" or --map name="Nom"`},
		{name: "two last names", content: "Nome,Sobrenome,Apelido,E-mail\n",
			want: `candidates.csv: line 1: there are 2 columns for the last name: "Sobrenome", "Apelido"`,
			hint: `--map last_name="Sobrenome" or --map last_name="Apelido"`},
		{name: "number of no column", content: "Name,Email\n", change: mapped("email", "3"),
			want: `candidates.csv: line 1: --map email="3": no column is called that; the columns are "Name", "Email"`},
		{name: "people in the first row", content: "\nAnn Lee, ann@example.org\nBob,bob@example.org\n",
			want: `candidates.csv: line 2: looks like data, not a header: "Ann Lee", "ann@example.org"`,
			hint: "--no-header --map name=1 --map email=2"},
		{name: "people in the first row, nothing else said", content: "Ann,Lee,17,<ann@example.org>\n", change: none,
			want: `candidates.csv: line 1: looks like data, not a header: "Ann", "Lee", "17", "<ann@example.org>"`,
			hint: "--no-header --map name=COLUMN --map email=4 --assessment-id ID --format getlink|sendlink"},
		{name: "people in the first row, columns by number", content: "Ann,ann@example.org\n",
			change: func(o *Options) { o.Map = map[string]string{"name": "1", "email": "2"} },
			want:   `candidates.csv: line 1: looks like data, not a header: "Ann", "ann@example.org"`, hint: "--no-header"},
		{name: "no header and no columns", content: "7,Zurich,Ann Lee,ann@example.org\n",
			change: func(o *Options) { o.NoHeader = true },
			want:   `candidates.csv: line 1: no column for the name and the e-mail address; the first row is 1: "7", 2: "Zurich", 3: "Ann Lee", 4: "ann@example.org"`,
			hint:   "--map name=3 --map email=4"},
		{name: "no header and a wrong number", content: "Ann,ann@example.org\n",
			change: func(o *Options) { o.NoHeader, o.Map = true, map[string]string{"name": "3"} },
			want:   `candidates.csv: line 1: --map name="3": there is no such column; the first row is 1: "Ann", 2: "ann@example.org"`},
		{name: "unknown column", content: "Name,Email\n", change: mapped("email", "Kontakt"),
			want: `candidates.csv: line 1: --map email="Kontakt": no column is called that; the columns are "Name", "Email"`},
		{name: "no column", content: "Name,Email,,\n", change: mapped("email", ""),
			want: `candidates.csv: line 1: --map email="": no column is called that; the columns are "Name", "Email"`},
		{name: "mapped to two", content: "Name,X,X,Email\n", change: mapped("email", "x"),
			want: `candidates.csv: line 1: --map email="x": "X" (column 2), "X" (column 3) are called that`,
			hint: "--map email=2 or --map email=3"},
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

func TestNotices_nameNumbersUnderATitle(t *testing.T) {
	for content, want := range map[string]string{
		"Name,Email,Assessment\nAnn,a@example.org,9999\nBob,b@example.org,\n":        `candidates.csv: column "Assessment" has whole numbers and is not read; if they are ids: --map assessment_id="Assessment"`,
		"Name,Email,Assessment\nAnn,a@example.org,9999\nBob,b@example.org,Go\n":      "",
		"Name,Email,Assessment\nAnn,a@example.org,\n":                                "",
		"Name,Email,Assessment,Assessment ID\nAnn,a@example.org,1,4711\n":            "",
		"Name,Email,Expires (CET)\nAnn,a@example.org,2031-01-01\n":                   `candidates.csv: column "Expires (CET)" is not read; if it is the expiry date: --map expires="Expires (CET)"`,
		"Name,Email,Expires,Valid until (passport)\nAnn,a@example.org,,2031-01-01\n": "",
		"Name,Email,Team\nAnn,a@example.org,1\n":                                     "",
	} {
		s := open(t, content, options())
		if _, err := read(s); err != nil {
			t.Fatal(err)
		}
		if got := strings.Join(s.Notices(), ""); got != want {
			t.Errorf("%q: notices = %q, want %q", content, got, want)
		}
	}
	s := open(t, "Name,Team,Email,,Notes (long)\n", options())
	if diff := cmp.Diff([]string{"Team", "Notes (long)"}, s.Unread()); diff != "" {
		t.Errorf("unread columns (-want +got):\n%s", diff)
	}
}

func TestOptionsCheck_namesTheFlag(t *testing.T) {
	tests := []struct {
		o    Options
		want string
	}{
		{Options{Defaults: map[Field]Default{AssessmentID: {Value: "12.5"}}}, `--assessment-id: "12.5" is not a positive whole number`},
		{Options{Defaults: map[Field]Default{Format: {Value: "mail"}}}, `--format: "mail" is not an invite format, use getlink or sendlink`},
		{Options{Defaults: map[Field]Default{Expires: {Value: "foo"}}}, `--expires: "foo" is not a date, use YYYY-MM-DD HH:MM, YYYY-MM-DD or 7d`},
		{Options{Defaults: map[Field]Default{AssessmentID: {Override: true}}}, `--override assessment-id: there is no --assessment-id`},
		{Options{Map: map[string]string{"phone": "Tel."}},
			`--map phone="Tel.": there is no such field, the fields are name, first_name, last_name, second_last_name, email, assessment_id, format, expires`},
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
