package sheet

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"batchinvite/pkg/invite"
)

func TestRows_sayThatCurlyQuotesQuoteNothing(t *testing.T) {
	tests := []struct{ content, column, value string }{
		{"Name,Email,a,b\n“Doe, Ann”,a@example.org,\n", "Name", "“Doe, Ann”"},
		{"Name;Email\n„Doe; A; B“;a@example.org\n", "Name", "„Doe; A; B“"},
		{"Name,Email,Notes\nAnn,a@example.org,\x93x, y\x94\n", "Notes", "“x, y”"},
	}
	for _, test := range tests {
		row := one(t, test.content, options())
		want := &invite.Problem{Line: 2, Column: test.column, Value: test.value,
			Reason: "is split at its delimiter, as curly quotes hold nothing together; write straight quotes around it"}
		if diff := cmp.Diff(want, row.Problem); diff != "" {
			t.Errorf("%q: problem (-want +got):\n%s", test.content, diff)
		}
	}
	row := one(t, "Name,Email,Notes,More\n“Ann”,a@example.org,“x,y\n", options())
	if row.Problem != nil {
		t.Errorf("an opening quote alone: %v", row.Problem)
	}
}

func TestRows_sayThatAQuoteInsideAValueQuotesNothing(t *testing.T) {
	const header = "Email,Notes,Name,More,Yet more\n"
	for cells, value := range map[string]string{
		`Ann "The Boss, CEO" Lee`: `Ann "The Boss, CEO" Lee`, `Ann ("A, B, C")`: `Ann ("A, B, C")`, `Ann "Lee, Jr."`: `Ann "Lee, Jr."`,
		`Ann "Annie" ("A, B"), x`: `Ann "Annie" ("A, B")`,
	} {
		row := one(t, header+"a@example.org,5\" disk,"+cells+"\n", options())
		want := &invite.Problem{Line: 2, Column: "Name", Value: value,
			Reason: "is split at its delimiter; write quotes around the whole value, and double those inside it"}
		if diff := cmp.Diff(want, row.Problem); diff != "" {
			t.Errorf("problem of %s (-want +got):\n%s", cells, diff)
		}
	}
	for _, cells := range []string{
		`"Ann ""The Boss","CEO"" Lee"`, `Ann "Annie" Lee,a "b" c`, `Ann "Annie,x`, `Ann "Annie,"x, y"`, `Ann "Annie,5 "x" y`, `19" rack,5" disk`, `Ann,3 " x,y " z`,
	} {
		if row := one(t, header+"a@example.org,,"+cells+"\n", options()); row.Problem != nil {
			t.Errorf("problem of %s = %s, want none", cells, row.Problem)
		}
	}
}
