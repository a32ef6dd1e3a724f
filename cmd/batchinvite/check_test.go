package main

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"batchinvite/pkg/invite"
	"batchinvite/pkg/sandbox"
)

func TestCheck_asJSON(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandbox.Config{APIKey: "k-1"})
	w.writeBook("people.xlsx",
		[]any{"Name", "E-mail", "Assessment ID", "Format", "Expires", "Phone"},
		[]any{"Ann", "ann@gmial.com", 4711, "getlink", "7d"},
		[]any{},
		[]any{"Bob", "bob@@example.org", 4711, "getlink", ""},
		[]any{"Cy", "cy@example.org", "4,711", "getlink", ""},
		[]any{"Di", "di@example.org", 4711, "getlink", "2001-01-01"},
		[]any{"Anne", "ann@gmial.com", 4711, "getlink", ""})
	w.write("more.csv", "First name;Surname;E-mail\r\nEve;;eve@example.org\r\nFay;;\xe9\r\n")
	out, said := w.mustRun(1, "check", "people.xlsx", "more.csv", "--json", "--assessment-id", "4712", "--override", "assessment-id", "--format", "getlink",
		"--rate", "1/s", "--rate", "60/m")
	if said != "" {
		t.Errorf("stderr = %q, want nothing", said)
	}
	var got map[string]any
	if err := json.Unmarshal([]byte(out), &got); err != nil {
		t.Fatalf("%v in %s", err, out)
	}
	var want map[string]any
	if err := json.Unmarshal([]byte(`{"ledger": "", "account": "", "campaign": "default",
	"files": [
		{"name": "people.xlsx", "kind": "xlsx", "worksheet": "Sheet1", "columns": {"name": {"columns": ["Name"]}, "email": {"columns": ["E-mail"]},
			"assessment_id": {"columns": ["Assessment ID"], "default": "4712", "override": true}, "format": {"columns": ["Format"], "default": "getlink"},
			"expires": {"columns": ["Expires"]}}, "not_read": ["Phone"], "notices": []},
		{"name": "more.csv", "kind": "csv", "encoding": "windows-1252", "delimiter": ";", "columns": {"name": {"columns": ["First name", "Surname"]}, "email": {"columns": ["E-mail"]},
			"assessment_id": {"default": "4712", "override": true}, "format": {"default": "getlink"}}, "not_read": [],
			"notices": ["more.csv: 1 cell is not UTF-8 and was read as Windows-1252, the first on line 3: \"é\"; if that looks wrong, name the encoding with --encoding"]}],
	"vendor_timezone": "UTC", "rows": 7, "valid": 3, "invalid": 3, "duplicates": 1, "warnings": 1,
	"problems": [
		{"file": "people.xlsx", "kind": "invalid", "column": "E-mail", "reason": "is not an e-mail address", "rows": 1, "first": [{"line": 4, "cell": "B4", "value": "bob@@example.org"}]},
		{"file": "people.xlsx", "kind": "invalid", "column": "Expires", "reason": "is in the past", "rows": 1, "first": [{"line": 6, "cell": "E6", "value": "2001-01-01"}]},
		{"file": "people.xlsx", "kind": "duplicate_differs", "reason": "same person as an earlier row, but another name", "rows": 1,
			"first": [{"line": 7, "advice": "the first is line 2: \"Ann\" there, \"Anne\" here"}]},
		{"file": "people.xlsx", "kind": "warning", "column": "E-mail", "reason": "gmial.com: did you mean gmail.com?", "rows": 1, "first": [{"line": 2, "cell": "B2"}]},
		{"file": "more.csv", "kind": "invalid", "column": "E-mail", "reason": "is not an e-mail address", "rows": 1, "first": [{"line": 3, "value": "é"}]}],
	"already_invited": 0, "expired_links": 0, "linked": 0, "unknown": 0, "rejected": 0, "revoked": 0, "in_flight": 0, "foreign": 0,
	"to_send": 3, "emails": 0, "calls": 3, "elsewhere": {}, "rates": ["1/s", "60/m"], "seconds": 2.06, "fit": 3,
	"groups": [{"assessment_id": 4712, "format": "getlink", "rows": 2, "new": true}, {"assessment_id": 4712, "format": "getlink", "expires": "7d", "rows": 1, "new": true}]}`), &want); err != nil {
		t.Fatal(err)
	}
	for _, place := range []string{"ledger", "account"} {
		if got[place] == "" || got[place] == nil {
			t.Errorf("%s is not told", place)
		}
		got[place] = ""
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("check --json (-want +got):\n%s", diff)
	}
	if n := w.vendor.Calls(); n != 0 {
		t.Errorf("%d calls, want none", n)
	}
}

func TestCheck_countsWhatItDoesNotShow(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandbox.Config{APIKey: "k-1"})
	var text strings.Builder
	text.WriteString("Name,Email,Assessment ID,Format\n")
	for i := range 25 {
		fmt.Fprintf(&text, "Ann,%d,1,getlink\n", i)
	}
	w.write("c.csv", text.String())
	out, said := w.mustRun(1, "check", "c.csv")
	for _, want := range []string{
		"\n    line 21: \"19\"\n    and 5 more\n",
		"\nevery invalid row with its reason, sending nothing: batchinvite run c.csv --sandbox --yes --rejects FILE\n",
	} {
		if !strings.Contains(out, want) {
			t.Errorf("stdout lacks %q:\n%s", want, out)
		}
	}
	if !strings.Contains(said, ": 0 valid, 25 invalid, 0 duplicates\n") {
		t.Errorf("stderr = %s", said)
	}
}

// Memory does not grow with the file, whatever is wrong with it, and everything is counted.
func TestFindings_keepNoMoreThanTheyShould(t *testing.T) {
	const rowsEach = 150
	f := newFindings()
	f.add(kindWarning, 0, invite.Problem{Line: 1, Reason: "first"})
	for group := range 2 * maxFound {
		for line := range rowsEach {
			f.add(kindInvalid, 0, invite.Problem{Line: line, Reason: fmt.Sprint("reason ", group)})
		}
	}
	groups, others := f.of(where{0, kindInvalid})
	kept, rows := 0, others
	for _, g := range groups {
		kept, rows = kept+len(g.first), rows+g.count
	}
	if len(groups) != maxFound || kept > maxKept+maxFound || kept < maxKept || rows != 2*maxFound*rowsEach || others != rows/2 {
		t.Errorf("%d groups keep %d of %d rows, %d are others", len(groups), kept, rows, others)
	}
	if first := groups[maxFound-1].first; len(first) == 0 {
		t.Error("a late group has no row to show")
	}
	f.add(kindWarning, 0, invite.Problem{Line: 1, Reason: "second"})
	if groups, others := f.of(where{0, kindWarning}); len(groups) != 2 || others != 0 {
		t.Errorf("%d groups of warnings and %d others, want those 2: one kind takes no room from the next", len(groups), others)
	}
	all := checkedProblems(f, batch{{name: "c.csv"}})
	want := checkedGroup{File: "c.csv", Kind: kindInvalid, Reason: "other reasons", Rows: others, First: []checkedRow{}}
	if diff := cmp.Diff(want, all[maxFound]); diff != "" || len(all) != maxFound+3 {
		t.Errorf("the last of %d groups in JSON (-want +got):\n%s", len(all), diff)
	}
}
