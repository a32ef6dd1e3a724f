package sheet

import (
	"bytes"
	"encoding/csv"
	"errors"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestAliases_areSquashedAndOfOneFieldEach(t *testing.T) {
	owner := map[string]Field{}
	for f, known := range aliases {
		for _, alias := range known {
			if squash(alias) != alias {
				t.Errorf("%s: alias %q is not squashed, want %q", f, alias, squash(alias))
			}
			if other, twice := owner[alias]; twice {
				t.Errorf("alias %q is one of %s and of %s", alias, other, f)
			}
			owner[alias] = f
		}
	}
	for half := range halves {
		if owner[half] != Name {
			t.Errorf("half %q is an alias of %q, want name", half, owner[half])
		}
	}
}

func TestSquash_leavesLettersWithoutAccents(t *testing.T) {
	for in, want := range map[string]string{
		"E-Mail-Adresse *":                "emailadresse",
		"pre\u0301nom / PR\u00c9NOM":      "prenomprenom",
		"Stra\u00dfe \u00c6\u0152 \u0141": "strasseaeoel",
		"\uff25\uff4d\uff41il\u00a0ID":    "emailid",
		"Se\u00f1or_\u00c7\u00e3o":        "senorcao",
		" \u200b-":                        "",
	} {
		if got := squash(in); got != want {
			t.Errorf("squash(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestWord_isAHeaderWithoutWhatSaysNothing(t *testing.T) {
	for label, want := range map[string]string{
		"Expires (UTC)": "expires", "Expires (dd/mm/yyyy)": "expires", "Expires (TT.MM.JJJJ HH:mm)": "expires", "Deadline (dd/mm/yyyy hh:mm AM/PM)": "deadline",
		"Expires (UTC, optional)": "expires", "Expires (YYYY-MM-DD HH:MM UTC)": "expires", "Expires (e.g. 2031-12-31)": "expires", "Email [required]": "email",
		"Format (getlink or sendlink)": "format", "Nombre(s)": "nombres", "(Name)": "name", "Name ()": "name",
		"Expires (UTC+2)": "expiresutc2", "Expires (GMT-5)": "expiresgmt5", "Expires (UTC +1)": "expiresutc1", "Expires (CET)": "expirescet", "Expires (9 am)": "expires9am",
		"Email (M)": "emailm", "E-mail (2)": "email2", "Email (manager)": "emailmanager", "Name (Recruiter)": "namerecruiter", "Name (ID)": "nameid",
	} {
		if got := word(label); got != want {
			t.Errorf("word(%q) = %q, want %q", label, got, want)
		}
	}
}

// spellings are ways to write a header that mean the same.
func spellings(header string) *rapid.Generator[string] {
	return rapid.Custom(func(rt *rapid.T) string {
		gap := rapid.SampledFrom([]string{" ", "_", "-", "", "  ", "\n"}).Draw(rt, "gap")
		h := strings.ReplaceAll(header, " ", gap)
		h = rapid.SampledFrom([]func(string) string{strings.ToUpper, strings.ToLower, func(s string) string { return s }}).Draw(rt, "case")(h)
		return rapid.SampledFrom([]string{"", " ", "\u00a0", "\u200b"}).Draw(rt, "start") + h + rapid.SampledFrom([]string{"", " ", "*", ":"}).Draw(rt, "end")
	})
}

// In whatever order and spelling the columns come, each field gets the cell that is its own.
func TestOpen_anyOrderOfColumnsMapsToTheSameFields(t *testing.T) {
	type column struct{ header, cell string }
	sets := [][]column{
		{{"Full Name", "Ann Lee"}, {"E mail", "ann@example.org"}, {"Assessment ID", "17"}, {"Invite Format", "sendlink"}, {"Expiry Date", "9d"}, {"Phone", "1"}},
		{{"Vorname", "Ann"}, {"Nachname", "Lee"}, {"E Mail Adresse", "ann@example.org"}, {"Test ID", "17"}, {"Format", "sendlink"}, {"G\u00fcltig bis", "9d"}, {"Ort", "x"}},
		{{"Nom", "Lee"}, {"Pr\u00e9nom", "Ann"}, {"Courriel", "ann@example.org"}, {"ID du test", "17"}, {"Format", "sendlink"}, {"Date d expiration", "9d"}, {"Ville", "x"}},
		{{"Nombre", "Ann"}, {"Apellidos", "Lee"}, {"Correo electr\u00f3nico", "ann@example.org"}, {"ID de la prueba", "17"}, {"Formato", "sendlink"}, {"Fecha de caducidad", "9d"}},
		{{"Nome", "Ann"}, {"Sobrenome", "Lee"}, {"Correio eletr\u00f4nico", "ann@example.org"}, {"ID do teste", "17"}, {"Formato", "sendlink"}, {"Data de validade", "9d"}, {"Cidade", "x"}},
	}
	rapid.Check(t, func(rt *rapid.T) {
		columns := rapid.Permutation(rapid.SampledFrom(sets).Draw(rt, "columns")).Draw(rt, "order")
		var header, cells []string
		for _, c := range columns {
			header, cells = append(header, spellings(c.header).Draw(rt, "header")), append(cells, c.cell)
		}
		var file bytes.Buffer
		if err := csv.NewWriter(&file).WriteAll([][]string{header, cells}); err != nil {
			rt.Fatal(err)
		}
		o := options()
		o.Defaults = nil
		row := one(t, file.String(), o)
		if row.Problem != nil {
			rt.Fatalf("%q: %s", header, row.Problem)
		}
		got := []string{row.Candidate.Name, row.Candidate.Email, string(row.Candidate.Format), row.Candidate.Expiry.Text}
		if want := []string{"Ann Lee", "ann@example.org", "sendlink", "9d"}; !slices.Equal(got, want) || row.Candidate.Key.Assessment != 17 {
			rt.Fatalf("%q: %q and assessment %d, want %q and 17", header, got, row.Candidate.Key.Assessment, want)
		}
	})
}

func FuzzHeader(f *testing.F) {
	for _, seed := range []string{
		"name,email", "Nom,Pr\u00e9nom,Courriel", "Nombre,Apellidos,Correo", "Email,Email,name", "1,2,Email,E-mail,name", "ann@example.org,Ann Lee",
		"\"a\nb\",\"$(x)\",mail,email", "\ufeffName,E\u0301mail,\x1b,", "first name,name,email", "name,invite_status", ",,", "\u0130d,na\u0307me,\ufb01rst name,mail",
	} {
		f.Add(seed, "email", "2", false)
		f.Add(seed, "name", "name", true)
	}
	f.Fuzz(func(t *testing.T, line, field, column string, bare bool) {
		cells, err := csv.NewReader(strings.NewReader(line)).Read()
		if err != nil {
			return
		}
		o := options()
		o.NoHeader = bare
		if field != "" {
			o.Map = map[string]string{field: column}
		}
		if o.Check() != nil {
			return
		}
		h, err := newHeader("fuzz.csv", record{cells: slices.Clone(cells), line: 1}, o)
		if err != nil {
			checkHint(t, err, cells, o)
			return
		}
		if !h.has(Name) || !h.has(Email) || len(h.cells) != len(cells) && !h.recognised {
			t.Errorf("header %q has columns %v of %d", cells, h.columns, len(h.cells))
		}
		owners := map[int]Field{}
		for f, i := range h.columns {
			if other, twice := owners[i]; twice || i < 0 || i >= len(h.cells) {
				t.Errorf("column %d of %q is %s and %s", i, cells, f, other)
			}
			owners[i] = f
		}
	})
}

// checkHint types the flags that an error offers: they must choose what they say.
func checkHint(t *testing.T, err error, cells []string, o Options) {
	t.Helper()
	e, ok := errors.AsType[*Error](err)
	if !ok || e.Reason == "" || e.Line != 1 {
		t.Fatalf("error = %v, want an *Error of line 1", err)
	}
	first, _, _ := strings.Cut(e.Hint, " or ")
	arg, ok := strings.CutPrefix(first, "--map ")
	if !ok || strings.Contains(arg, "COLUMN") || strings.Contains(arg, " --") {
		return
	}
	field, column, _ := strings.Cut(arg, "=")
	switch {
	case strings.HasPrefix(column, `"`):
		column = strings.Trim(column, `"`)
	case strings.HasPrefix(column, "'"):
		column = strings.ReplaceAll(column[1:len(column)-1], `'\''`, "'")
	}
	o.Map = map[string]string{field: column}
	_, again := newHeader("fuzz.csv", record{cells: slices.Clone(cells), line: 1}, o)
	if again != nil && strings.Contains(again.Error(), "--map "+field) {
		t.Errorf("%v: its hint %s leads to %v", err, e.Hint, again)
	}
}
