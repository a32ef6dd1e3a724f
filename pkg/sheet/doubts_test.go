package sheet

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"batchinvite/pkg/invite"
)

func TestRows_warnOfNamesThatAreHardlyOnes(t *testing.T) {
	for name, want := range map[string]error{
		"Jos\u00c3\u00a9": errGarbled, "M\u00c3\u00bcller Hans": errGarbled, "Stra\u00c3\u0178er": errGarbled, "O\u00e2\u20ac\u2122Neill": errGarbled,
		"M?ller": errLost, "N/A": errNoName, "null": errNoName, "-": errNoName, "?": errNoName, "12345": errNoName, "2031-03-01": errNoName, "TRUE": errNoName,
		"ann@example.org": errNoName, "Ann <ann@example.org>": errNoName,
		"Ann Lee": nil, "Na": nil, "\u00c3lvaro": nil, "Jo\u00c3o": nil, "\u00c2ngela": nil, "X \u00c6 A-12": nil, "\u738b\u4f1f": nil, "Ann (who?)": nil, "Ann?": nil,
		"Conan O'Brien": nil, "Dr. Ann 3rd": nil, "Nil Nada": nil, "Ana Lopez N/A": errNoName, "\u00c3 B": nil,
	} {
		row := one(t, "Name,Email\n"+name+",ann@example.org\n", options())
		var warnings []invite.Problem
		if want != nil {
			warnings = []invite.Problem{{Line: 2, Column: "Name", Value: name, Reason: want.Error()}}
		}
		if diff := cmp.Diff(warnings, row.Warnings); diff != "" || row.Problem != nil {
			t.Errorf("%q: problem %v, warnings (-want +got):\n%s", name, row.Problem, diff)
		}
	}
}

// A quote that is never closed ends at the next one: the rows between are in a cell, and the file is in order.
func TestRows_warnOfRowsInsideACell(t *testing.T) {
	rows, err := read(open(t, "Name,Email,Notes\nAnn,a@example.org,\"never closed\nBob,b@example.org,fine\nCy,c@example.org,closed\"\nDi,d@example.org,\"Hi,\nwrite to x@example.org, please\nCC: hr@example.org, boss@example.org, x@example.org\"\n", options()))
	if err != nil || len(rows) != 2 {
		t.Fatalf("%d rows, error %v, want 2", len(rows), err)
	}
	want := []invite.Problem{{Line: 2, Column: "Notes", Reason: "has what looks like rows of the table in it: does a quote in front of it lack its end?"}}
	if diff := cmp.Diff(want, rows[0].Warnings); diff != "" {
		t.Errorf("warnings (-want +got):\n%s", diff)
	}
	if rows[1].Warnings != nil {
		t.Errorf("warnings of a note with an address = %v, want none", rows[1].Warnings)
	}
}

func TestRows_takeSingleQuotesOffAWholeValue(t *testing.T) {
	for name, want := range map[string]string{"'Ann Lee'": "Ann Lee", "' Ann '": "Ann", "'t Hooft": "'t Hooft", "'t Hooft'": "t Hooft", "O'Brien'": "O'Brien'", "'O'Brien'": "'O'Brien'", "''": "''"} {
		if row := one(t, "Name,Email\n"+name+",ann@example.org\n", options()); row.Problem != nil || row.Candidate.Name != want {
			t.Errorf("%s: name %q, problem %v, want %q", name, row.Candidate.Name, row.Problem, want)
		}
	}
}
