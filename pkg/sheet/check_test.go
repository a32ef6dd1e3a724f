package sheet

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"batchinvite/pkg/invite"
)

// one reads a sheet of one row.
func one(t *testing.T, content string, o Options) invite.Row {
	t.Helper()
	rows, err := read(open(t, content, o))
	if err != nil || len(rows) != 1 {
		t.Fatalf("got %d rows and error %v, want one row", len(rows), err)
	}
	return rows[0]
}

func TestRows_giveTheCandidate(t *testing.T) {
	row := one(t, "E-mail,Full name,Test ID,Format,Deadline,Phone\n"+
		" Ann.Example@B\u00fccher.EXAMPLE \u200b,\u00a0 Ann  Example\u00a0,4711 , SendLink,\u200f7d,'+41\n",
		Options{Campaign: "spring", File: 2, Zones: invite.AsWritten})
	if row.Problem != nil {
		t.Fatalf("problem = %s", row.Problem)
	}
	expiry, err := invite.ParseExpiry("7d", "Deadline", invite.AsWritten)
	if err != nil {
		t.Fatal(err)
	}
	origin := invite.Origin{File: 2, Line: 2}
	want := invite.Candidate{
		Key:    invite.Key{Campaign: "spring", Assessment: 4711, Email: "ann.example@xn--bcher-kva.example"},
		Name:   "Ann  Example",
		Email:  "Ann.Example@B\u00fccher.EXAMPLE",
		Format: invite.SendLink,
		Expiry: expiry,
		Origin: origin,
	}
	if row.Candidate != want {
		t.Errorf("candidate = %+v\nwant %+v", row.Candidate, want)
	}
	cells := []string{" Ann.Example@B\u00fccher.EXAMPLE \u200b", "\u00a0 Ann  Example\u00a0", "4711 ", " SendLink", "\u200f7d", "'+41"}
	if diff := cmp.Diff(cells, row.Cells); diff != "" {
		t.Errorf("cells are not as they stand in the file (-want +got):\n%s", diff)
	}
	if row.Origin != origin {
		t.Errorf("origin = %+v, want %+v", row.Origin, origin)
	}
}

func TestRows_joinFirstAndLastName(t *testing.T) {
	for cells, want := range map[string]string{" Ann , Example ": "Ann Example", "Ann,": "Ann", ",Example": "Example"} {
		row := one(t, "First name,Surname,Email\n"+cells+",ann@example.org\n", options())
		if row.Problem != nil || row.Candidate.Name != want {
			t.Errorf("name of %q = %q (problem %v), want %q", cells, row.Candidate.Name, row.Problem, want)
		}
	}
	row := one(t, "First name,Surname,Email\n,,ann@example.org\n", options())
	if got, want := row.Problem.String(), "line 2, column First name + Surname: name is missing"; got != want {
		t.Errorf("problem = %q, want %q", got, want)
	}
}

func TestRows_refuseANameOfWhichAPartIsWrong(t *testing.T) {
	for _, cells := range []string{"Ann,#N/A", "#REF!,Lee", "Cy,Err:502", "J\ufffdrg,Lee"} {
		if row := one(t, "First name,Surname,Email\n"+cells+",ann@example.org\n", options()); row.Problem == nil || row.Problem.Column != "First name + Surname" {
			t.Errorf("problem of %s = %v, want one of the name", cells, row.Problem)
		}
	}
}

func TestRows_sendANameOnOneLine(t *testing.T) {
	for cell, want := range map[string]string{
		"Ann\nLee": "Ann Lee", "Ann \r\n\t Lee\n": "Ann Lee", "Ann\u2028Mary  Lee": "Ann Mary  Lee", "\n\u200b\nAnn\n\u200b\n": "Ann", "Ann\u00a0Lee": "Ann\u00a0Lee",
	} {
		row := one(t, "Name,Email\n\""+cell+"\",ann@example.org\n", options())
		if row.Problem != nil || row.Candidate.Name != want {
			t.Errorf("name of %q = %q (problem %v), want %q", cell, row.Candidate.Name, row.Problem, want)
		}
	}
}

func TestRows_sayWhatIsWrong(t *testing.T) {
	long := strings.Repeat("\u00fc", 256)
	tests := []struct {
		cells, want string
	}{
		{" ,ann@example.org,1,getlink,", "line 2, column Full Name: name is missing"},
		{long + ",ann@example.org,1,getlink,", `line 2, column Full Name: "` + long[:2*60] + `…" is longer than 255 characters`},
		{"Ann\x81,ann@example.org,1,getlink,", `line 2, column Full Name: "Ann\x81" is not valid UTF-8`},
		{"A\x00nn,ann@example.org,1,getlink,", `line 2, column Full Name: "A\x00nn" has a NUL byte in it`},
		{"#REF!,ann@example.org,1,getlink,", `line 2, column Full Name: "#REF!" is what a spreadsheet shows in place of a value; mend the cell, or write the value`},
		{"Ann,#N/A,1,getlink,", `line 2, column E-mail: "#N/A" is what a spreadsheet shows in place of a value; mend the cell, or write the value`},
		{"Ann,ann@example.org,1,getlink,########", `line 2, column Expires: "########" is what a spreadsheet shows in place of a value; mend the cell, or write the value`},
		{"#¿NOMBRE?,ann@example.org,1,getlink,", `line 2, column Full Name: "#¿NOMBRE?" is what a spreadsheet shows in place of a value; mend the cell, or write the value`},
		{"Err:502,ann@example.org,1,getlink,", `line 2, column Full Name: "Err:502" is what a spreadsheet shows in place of a value; mend the cell, or write the value`},
		{"Ann,,1,getlink,", "line 2, column E-mail: e-mail address is missing"},
		{"Ann,ann@@x,1,getlink,", `line 2, column E-mail: "ann@@x" is not an e-mail address`},
		{"Ann,ann@example.org (home),1,getlink,", `line 2, column E-mail: "ann@example.org (home)" has more in it than one plain e-mail address`},
		{"Ann,ann@example.org\x00,1,getlink,", `line 2, column E-mail: "ann@example.org\x00" has a NUL byte in it`},
		{"Ann," + strings.Repeat("x", 70) + ",1,getlink,", `line 2, column E-mail: "` + strings.Repeat("x", 60) + `…" is not an e-mail address`},
		{"Ann,ann@example.org,,getlink,", "line 2, column ID No.: assessment id is missing"},
		{"Ann,ann@example.org,12.5,getlink,", `line 2, column ID No.: "12.5" is not a positive whole number`},
		{"Ann,ann@example.org,12.,getlink,", `line 2, column ID No.: "12." is not a positive whole number`},
		{"Ann,ann@example.org,.0,getlink,", `line 2, column ID No.: ".0" is not a positive whole number`},
		{"Ann,ann@example.org,0.0,getlink,", `line 2, column ID No.: "0.0" is not a positive whole number`},
		{"Ann,ann@example.org,010.0,getlink,", `line 2, column ID No.: "010.0" begins with a zero, write 10`},
		{"Ann,ann@example.org,\"4,711\",getlink,", `line 2, column ID No.: "4,711" is not plain digits, write 4711 if that is the assessment`},
		{"Ann,ann@example.org,4.711,getlink,", `line 2, column ID No.: "4.711" is not plain digits, write 4711 if that is the assessment`},
		{"Ann,ann@example.org,4.000,getlink,", `line 2, column ID No.: "4.000" is not plain digits, write 4000 if that is the assessment`},
		{"Ann,ann@example.org,1.234.567,getlink,", `line 2, column ID No.: "1.234.567" is not plain digits, write 1234567 if that is the assessment`},
		{"Ann,ann@example.org,\"4711,0\",getlink,", `line 2, column ID No.: "4711,0" is not a positive whole number`},
		{"Ann,ann@example.org,\uff14\uff17,getlink,", `line 2, column ID No.: "４７" is not a positive whole number`},
		{"Ann,ann@example.org,1e3,getlink,", `line 2, column ID No.: "1e3" is not a positive whole number`},
		{"Ann,ann@example.org,+5,getlink,", `line 2, column ID No.: "+5" is not a positive whole number`},
		{"Ann,ann@example.org,-5,getlink,", `line 2, column ID No.: "-5" is not a positive whole number`},
		{"Ann,ann@example.org,1_0,getlink,", `line 2, column ID No.: "1_0" is not a positive whole number`},
		{"Ann,ann@example.org,0,getlink,", `line 2, column ID No.: "0" is not a positive whole number`},
		{"Ann,ann@example.org,\u0664\u0662,getlink,", `line 2, column ID No.: "٤٢" is not a positive whole number`},
		{"Ann,ann@example.org, 010,getlink,", `line 2, column ID No.: "010" begins with a zero, write 10`},
		{"Ann,ann@example.org,9223372036854775808,getlink,", `line 2, column ID No.: "9223372036854775808" is too large for an assessment id`},
		{"Ann,ann@example.org,1\x81,getlink,", `line 2, column ID No.: "1\x81" is not valid UTF-8`},
		{"Ann,ann@example.org,1,,", "line 2, column Format: invite format is missing"},
		{"Ann,ann@example.org,1,Mail,", `line 2, column Format: "Mail" is not an invite format, use getlink or sendlink`},
		{"Ann,ann@example.org,1,getlink,31.12.30", `line 2, column Expires: "31.12.30" has a year of two digits, write all four`},
		{"Ann,ann@example.org,1,getlink,30.2.2030", `line 2, column Expires: "30.2.2030" is not a date, use YYYY-MM-DD HH:MM, YYYY-MM-DD or 7d`},
		{"Ann,ann@example.org,1,getlink,0d", `line 2, column Expires: "0d" is not a number of days from 1d to 36500d`},
		{"Ann,ann@example.org,1,getlink," + strings.Repeat("1", 70) + "d",
			`line 2, column Expires: "` + strings.Repeat("1", 60) + `…" is not a date, use YYYY-MM-DD HH:MM, YYYY-MM-DD or 7d`},
		{"Ann,ann@example.org", "line 2, column ID No.: assessment id is missing"},
		{"Smith,Ann,ann@example.org,1,getlink,,x,", "line 2: has more cells than the 5 of the header; does a value with a comma lack its quotes?"},
		{",ann,x,Mail,", "line 2, column Full Name: name is missing"}, // the first of several
	}
	for _, test := range tests {
		row := one(t, "Full Name,E-mail,ID No.,Format,Expires\n"+test.cells+"\n", Options{
			Zones: invite.AsWritten, Map: map[string]string{"assessment_id": "ID No."},
		})
		if row.Problem == nil {
			t.Errorf("%q is valid, want %s", test.cells, test.want)
			continue
		}
		if diff := cmp.Diff(test.want, row.Problem.String()); diff != "" {
			t.Errorf("problem of %q (-want +got):\n%s", test.cells, diff)
		}
	}
}

func TestRows_acceptWhatIsOddButClear(t *testing.T) {
	for _, cells := range []string{
		"Ann,ann@example.org,9223372036854775807,GETLINK,2030-01-31",
		"#1 Ann!,ann@example.org,1,getlink",
		"Erik,ann@example.org,1,getlink",
		"Ann,ann@example.org,4711.0,getlink,31.12.2031 18:30",         // a float of pandas
		"Ann,ann@example.org,4711.000,getlink,05/05/2031",             // too many digits for thousands
		"Ann,ann@example.org,1,getlink",                               // short, but all that is needed is there
		"Ann,ann@example.org,1,getlink,,, \u00a0,",                    // only blank cells too many
		"Ann,ann@example.org,1,sendlink,2001-01-01 00:00",             // past dates are judged when they are sent
		strings.Repeat("\u00fc", 255) + ",ann@example.org,1,getlink,", // characters, not bytes
	} {
		row := one(t, "Name,Email,Test ID,Format,Expires,Notes\n"+cells+"\n", Options{Zones: invite.AsWritten})
		if row.Problem != nil {
			t.Errorf("problem of %q = %s, want none", cells, row.Problem)
		}
	}
}

func TestRows_withoutADateKnowTheVendorsZone(t *testing.T) {
	o := options()
	o.Zones.Vendor = time.FixedZone("vendor", 3600)
	for _, cells := range []string{"Ann,ann@example.org,", "Ann,ann@example.org"} {
		row := one(t, "Name,Email,Expires\n"+cells+"\n", o)
		if got := row.Candidate.Expiry; got.Text != "" || got.Vendor() != o.Zones.Vendor {
			t.Errorf("expiry = %q in %v, want none in the vendor's zone", got.Text, got.Vendor())
		}
	}
}

func TestRows_lookOnlyAtColumnsThatAreUsed(t *testing.T) {
	row := one(t, "Name,Email,Notes,Notes\nAnn,ann@example.org,\x81\x00,b\n", options())
	if row.Problem != nil {
		t.Errorf("problem = %s, want none", row.Problem)
	}
	if want := []string{"Ann", "ann@example.org", "\x81\x00", "b"}; !cmp.Equal(row.Cells, want) {
		t.Errorf("cells = %q, want %q", row.Cells, want)
	}
}
