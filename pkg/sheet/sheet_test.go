package sheet

import (
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"batchinvite/pkg/invite"
)

// same compares rows to the last unexported date.
var same = cmp.Comparer(func(a, b invite.Expiry) bool { return a == b })

func TestRows_areTheSameInEveryPassWhateverTheirNumber(t *testing.T) {
	for _, n := range []int{0, 1, chunkRows - 1, chunkRows, chunkRows + 1, 2 * chunkRows, 1000} {
		var b strings.Builder
		b.WriteString("Name,Email,Test ID,Expires\n")
		for i := range n {
			fmt.Fprintf(&b, "%d,p%d@example.org,%d,7d\n", i, i, i%3)
		}
		s := open(t, b.String(), options())
		first, err := read(s)
		if err != nil {
			t.Fatal(err)
		}
		second, err := read(s)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(first, second, same); diff != "" {
			t.Errorf("%d rows: passes differ:\n%s", n, diff)
		}
		if len(first) != n {
			t.Fatalf("got %d rows, want %d", len(first), n)
		}
		for i, row := range first {
			if row.Cells[0] != fmt.Sprint(i) || row.Origin.Line != i+2 || (row.Problem == nil) != (i%3 > 0) {
				t.Errorf("row %d = %+v", i, row)
			}
		}
	}
}

func TestRows_canBeLeftEarly(t *testing.T) {
	s := open(t, "Name,Email\nA,\nB,,,\n", options())
	for row := range s.Rows() {
		if row.Cells[0] == "A" {
			break
		}
	}
	if got := s.Width(); got != 2 {
		t.Errorf("width after half a pass = %d, want the header's 2", got)
	}
	if rows, err := read(s); len(rows) != 2 || err != nil {
		t.Errorf("then %d rows and error %v, want both", len(rows), err)
	}
}

func TestWidth_isThatOfTheLongestRow(t *testing.T) {
	s := open(t, "Name,Email,,\nA\nB,b,c,d,,\nC,c,c,c,c\n", options())
	rows, err := read(s)
	if err != nil {
		t.Fatal(err)
	}
	if got := s.Width(); got != 6 {
		t.Errorf("width = %d, want 6", got)
	}
	want := [][]string{{"A"}, {"B", "b", "c", "d", "", ""}, {"C", "c", "c", "c", "c"}}
	for i, row := range rows {
		if diff := cmp.Diff(want[i], row.Cells); diff != "" {
			t.Errorf("cells of row %d (-want +got):\n%s", i, diff)
		}
	}
}

func TestSheet_canBeUsedByManyAfterTheFirstPass(t *testing.T) {
	s := open(t, contradicting, defaults(true, false))
	if _, err := read(s); err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() { // for the race detector
			if rows, err := read(s); len(rows) != 5 || err != nil || s.Width() != 5 || len(s.Contradictions()) != 3 {
				t.Errorf("%d rows, error %v, width %d, contradictions %v", len(rows), err, s.Width(), s.Contradictions())
			}
		})
	}
	wg.Wait()
}

// contradicting has one row for each way to agree or not with 4711, sendlink and 2030-12-31.
const contradicting = "Name,Email,Test ID,Format,Expires\n" +
	"same,a@example.org,4711,SENDLINK,2030-12-31 23:59\n" +
	"blank,b@example.org,,,\n" +
	"other,c@example.org,12,getlink,7d\n" +
	"other,d@example.org,12,,\n" +
	"invalid,e@@example.org,12,getlink,7d\n"

func defaults(typed, override bool) Options {
	o := options()
	o.Defaults = map[Field]Default{
		AssessmentID: {"4711", typed, override}, Format: {"sendlink", typed, override}, Expires: {"2030-12-31", typed, override},
	}
	return o
}

func TestContradictions_countValidRowsThatDifferFromTypedFlags(t *testing.T) {
	tests := []struct {
		name  string
		o     Options
		want  map[Field]Contradiction
		third string
	}{
		{"typed", defaults(true, false), map[Field]Contradiction{AssessmentID: {2, 4, "12"}, Format: {1, 4, "getlink"}, Expires: {1, 4, "7d"}}, "12 getlink 7d"},
		{"not typed", defaults(false, false), map[Field]Contradiction{}, "12 getlink 7d"},
		{"override", defaults(true, true), map[Field]Contradiction{}, "4711 sendlink 2030-12-31"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s := open(t, contradicting, test.o)
			for range 2 {
				rows, err := read(s)
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(test.want, s.Contradictions()); diff != "" {
					t.Errorf("contradictions (-want +got):\n%s", diff)
				}
				blank, third := said(rows[1].Candidate), said(rows[2].Candidate)
				if blank != "4711 sendlink 2030-12-31" || third != test.third {
					t.Errorf("used for a blank and an own value: %s; %s, want the flags' and %s", blank, third, test.third)
				}
			}
		})
	}
}

func said(c invite.Candidate) string {
	return fmt.Sprint(c.Key.Assessment, " ", c.Format, " ", c.Expiry.Text)
}

func TestRows_nameTheFlagThatADateCameFrom(t *testing.T) {
	s := open(t, contradicting, defaults(true, false))
	rows, err := read(s)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := rows[1].Candidate.Expiry.Column, "--expires"; got != want {
		t.Errorf("column of a date from a flag = %q, want %q", got, want)
	}
	if got, want := rows[2].Candidate.Expiry.Column, "Expires"; got != want {
		t.Errorf("column of a row's own date = %q, want %q", got, want)
	}
}

func TestRows_doNotCheckWhatAnOverrideReplaces(t *testing.T) {
	row := one(t, "Name,Email,Format\nAnn,ann@example.org,\xff\n", Options{Zones: invite.AsWritten, Defaults: map[Field]Default{
		AssessmentID: {Value: "1"}, Format: {Value: "getlink", Override: true},
	}})
	if row.Problem != nil || row.Candidate.Format != invite.GetLink {
		t.Errorf("format = %q, problem %v, want getlink", row.Candidate.Format, row.Problem)
	}
}

var resultHeader = strings.Join(invite.ResultColumns, ",")

// outcome is a row's part of a results file.
func outcome(status invite.Status, link string) string {
	return fmt.Sprintf("%s,%s,,4711,sendlink,,,,,,1", status, link)
}

func TestRows_takeAResultsFileBack(t *testing.T) {
	tests := []struct {
		name, content string
		header        []string
		cells         []string
		problem       string
	}{
		{name: "plain", content: "Name,Email,'=Notes," + resultHeader + "\n'-Ann,ann@example.org,''x," + outcome("invited", "https://x.invalid/1"),
			header: []string{"Name", "Email", "=Notes"}, cells: []string{"-Ann", "ann@example.org", "'x"}},
		{name: "columns without a name before ours", content: "Name,Email,,," + resultHeader + "\nAnn,ann@example.org,,," + outcome("invited", "https://x.invalid/1"),
			header: []string{"Name", "Email", "", ""}, cells: []string{"Ann", "ann@example.org", "", ""}},
		{name: "columns without a name behind ours", content: "Name,Email," + resultHeader + ",,\nAnn,ann@example.org," + outcome("invited", "https://x.invalid/1") + ",seen,",
			header: []string{"Name", "Email", "", ""}, cells: []string{"Ann", "ann@example.org", "seen", ""}},
		{name: "cells beyond all columns", content: "Name,Email," + resultHeader + "\nAnn,ann@example.org," + outcome("invited", "https://x.invalid/1") + ",seen",
			header: []string{"Name", "Email"}, cells: []string{"Ann", "ann@example.org", "seen"},
			problem: "line 2: has more cells than the 13 of the header; does a value with a comma lack its quotes?"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s := open(t, test.content+"\n", options())
			if diff := cmp.Diff(test.header, s.Header()); diff != "" || !s.Recognised() {
				t.Errorf("recognised: %t, header (-want +got):\n%s", s.Recognised(), diff)
			}
			rows, err := read(s)
			if err != nil {
				t.Fatal(err)
			}
			row := rows[0]
			if diff := cmp.Diff(test.cells, row.Cells); diff != "" {
				t.Errorf("cells (-want +got):\n%s", diff)
			}
			if row.Earlier.Status != invite.StatusInvited || row.Earlier.Link != "https://x.invalid/1" {
				t.Errorf("earlier = %q %q, want invited and its link", row.Earlier.Status, row.Earlier.Link)
			}
			if row.Problem == nil && test.problem != "" || row.Problem != nil && row.Problem.String() != test.problem {
				t.Errorf("problem = %v, want %q", row.Problem, test.problem)
			}
			if row.Problem == nil && row.Candidate.Format != invite.GetLink {
				t.Errorf("format = %s, want the flag's, not that of invite_format", row.Candidate.Format)
			}
		})
	}
}

// A value with a comma that lacks its quotes makes a row too long. In the results the header is padded for it, and the
// row would look whole.
func TestRows_ofAResultsFileStayInvalidUntilTheirOverflowIsGone(t *testing.T) {
	header := "Name,Email,Test ID,Notes,," + resultHeader + "\n"
	row := one(t, header+"Ann,ann@example.org,12,500,x,"+outcome("invalid", "")+"\n", options())
	if got, want := fmt.Sprint(row.Problem), "line 2: has more cells than the 4 of the header; does a value with a comma lack its quotes?"; got != want {
		t.Errorf("problem = %s, want %s", got, want)
	}
	row = one(t, header+"Ann,ann@example.org,12500,x,,"+outcome("invalid", "")+",more\n", options())
	if got, want := fmt.Sprint(row.Problem), "line 2: has more cells than the 16 of the header; does a value with a comma lack its quotes?"; got != want {
		t.Errorf("problem = %s, want %s", got, want)
	}
	for _, cells := range []string{
		"Ann,ann@example.org,12500,x,," + outcome("invalid", ""), // mended
		"Ann,ann@example.org,12,500,x," + outcome("invited", ""), // was fine: x stood under a header without a name
	} {
		if row := one(t, header+cells+"\n", options()); row.Problem != nil {
			t.Errorf("problem of %s = %s, want none", cells, row.Problem)
		}
	}
}

// Rejects have only the reason to say so.
func TestRows_ofRejectsStayInvalidUntilTheyAreMended(t *testing.T) {
	const header = "Name,Email,invite_format,,invite_error\n"
	for _, test := range []struct{ cells, want string }{
		{`'=Ann,a@example.org,getlink,x,"line 2: has more cells than the 3 of the header"`, "line 2: has more cells than the 3 of the header; does a value with a comma lack its quotes?"},
		{`'=Ann,a@example.org,getlink,,"line 2: has more cells than the 3 of the header"`, ""},
		{`'=Ann,a@example.org,getlink,x,"line 2: ""a@@x"" is not an e-mail address"`, ""}, // x was no trouble
		{`'=Ann,a@example.org,getlink,x,`, ""},
		{`“Ann,Lee”,getlink,,"line 2: ""“Ann, Lee”"" is split at its delimiter"`, `line 2, column Name: "“Ann,Lee”" is split`},
		{`"Ann ""The Boss","CEO"" a@example.org",getlink,,"line 2: x is split at its delimiter"`, `line 2, column Name: "Ann \"The Boss,CEO\" a@example.org" is split at its delimiter; write quotes around the whole value, and double those inside it`},
	} {
		row := one(t, header+test.cells+"\n", options())
		if got := fmt.Sprint(row.Problem); row.Problem == nil != (test.want == "") || !strings.HasPrefix(got, test.want) && test.want != "" {
			t.Errorf("problem of %s = %s, want %q", test.cells, got, test.want)
		}
		if row.Problem == nil && row.Candidate.Name != "=Ann" {
			t.Errorf("name = %q, want it without the guard", row.Candidate.Name)
		}
	}
}

// Who writes one of two values has left the other one out.
func TestRows_ofRejectsNeedEveryValueOfAFormula(t *testing.T) {
	const reason = `"line 3, column Test ID, cell C3: is a formula whose value is not in the file, and so is ""Expires""; x"`
	for cells, want := range map[string]string{
		"9,":           "line 2, column Expires: is a formula whose value is not in the file; open the input",
		",2031-01-01":  "line 2, column Test ID: is a formula whose value is not in the file; open the input",
		",":            `line 2, column Test ID: is a formula whose value is not in the file, and so is "Expires"; open the input`,
		"9,2031-01-01": "<nil>",
	} {
		row := one(t, "Name,Email,Test ID,Expires,Expires note,invite_error\nAnn,a@example.org,"+cells+",,"+reason+"\n", options())
		if got := fmt.Sprint(row.Problem); !strings.HasPrefix(got, want) {
			t.Errorf("problem of %s = %s, want %s", cells, got, want)
		}
	}
	row := one(t, "Name,Email,Expires,Expires note,invite_error\nAnn,a@example.org,,,\"line 3, column Expires note: is a formula whose value is not in the file; x\"\n", options())
	if row.Problem != nil {
		t.Errorf("problem = %v, want none: it was another column", row.Problem)
	}
}

func TestOpen_takesOnlyTheWholeSetForOurs(t *testing.T) {
	s := open(t, "Name,Email,invite_assessment_id,invite_format,invite_expires,invite_link,invite_at,invite_attempts\n'-Ann,ann@example.org,12,sendlink\n", options())
	if s.Recognised() {
		t.Error("recognised without invite_status")
	}
	rows, err := read(s)
	if err != nil {
		t.Fatal(err)
	}
	if c := rows[0].Candidate; c.Name != "'-Ann" || c.Format != invite.SendLink || c.Key.Assessment != 12 {
		t.Errorf("candidate = %+v, want the apostrophe kept and invite_format as an alias", c)
	}
	_, err = Open(copyOf(t, "Name,Email,"+strings.Join(invite.ResultColumns[1:], ",")+"\n"), options())
	if want := "candidates.csv: line 1: the columns of a results file are not all there, without invite_status"; err == nil || err.Error() != want {
		t.Errorf("Open without invite_status: %v, want %s", err, want)
	}
}
