package sheet

import (
	"bytes"
	"encoding/csv"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"batchinvite/pkg/invite"
)

func TestRows_bringBackEveryCellOfAnyTable(t *testing.T) {
	cell := rapid.OneOf(rapid.String(), rapid.StringOfN(rapid.RuneFrom([]rune("a\",\r\n '=\u00a0\ufeff;")), 0, 6, -1))
	rapid.Check(t, func(rt *rapid.T) {
		table := rapid.SliceOfN(rapid.SliceOfN(cell, 1, 6), 0, 20).Draw(rt, "table")
		var file bytes.Buffer
		w := csv.NewWriter(&file)
		w.UseCRLF = rapid.Bool().Draw(rt, "CRLF")
		if err := w.WriteAll(append([][]string{{"Name", "Email", "Name of pet"}}, table...)); err != nil {
			rt.Fatal(err)
		}
		var want, got [][]string
		for _, cells := range table {
			if isBlank(cells) {
				continue
			}
			var row []string
			for _, c := range cells {
				// The csv writer makes CRLF of a line feed, and of a return before one nothing, if asked for CRLF.
				if w.UseCRLF {
					c = strings.ReplaceAll(c, "\r", "")
				}
				row = append(row, strings.ReplaceAll(c, "\r\n", "\n"))
			}
			want = append(want, row)
		}
		rows, err := read(open(t, file.String(), options()))
		if err != nil {
			rt.Fatal(err)
		}
		for _, row := range rows {
			got = append(got, row.Cells)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			rt.Fatalf("cells (-want +got):\n%s", diff)
		}
	})
}

func FuzzRows(f *testing.F) {
	for _, seed := range []string{
		sample,
		"\ufeff\"Name\",\"E-mail\",Test ID\r\n\r\nAnn,ann@example.org,\"4711\"\r\n",
		contradicting,
		"Name,Email," + resultHeader + "\n'=x,ann@example.org," + outcome("invited", "https://x.invalid/1") + ",,\n",
		"Name,Email\nAnn,\"open\n",
		"Name,Email\nA\"nn,\n",
		"Name;Email\n", "\x00", "\xff\xfe", "\r", ",\n\n",
		"\ufeffsep=|\rName|Email\rZo\xeb|\"a\rb\"\r\r\n|x",
		"\xff\xfeN\x00a\x00m\x00e\x00\t\x00E\x00m\x00a\x00i\x00l\x00\r\x00\n\x00\r\x00",
		"N\x00a\x00m\x00e\x00,\x00m\x00a\x00i\x00l\x00\n\x00\r\x00\n\x0a\r\x0d",
		"Name,Email,Notes\n“Doe, A”,‘a@example.org’,„x“\n",
		"First name,Surname,Mail,,\n\u00a0,\u200b,x,,y\n",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, content []byte) {
		snapshot, err := Copy(t.Context(), "fuzz.csv", bytes.NewReader(content))
		if err != nil {
			checkError(t, err)
			return
		}
		defer snapshot.Close()
		s, err := Open(snapshot, options())
		if err != nil {
			checkError(t, err)
			return
		}
		rows, err := read(s)
		if err != nil {
			checkError(t, err)
		}
		checkRows(t, rows, bytes.Count(content, []byte("\n"))+bytes.Count(content, []byte("\r"))+1)
		again, errAgain := read(s)
		if diff := cmp.Diff(rows, again, same); diff != "" || (err == nil) != (errAgain == nil) {
			t.Errorf("passes differ (errors %v, %v):\n%s", err, errAgain, diff)
		}
	})
}

func checkError(t *testing.T, err error) {
	t.Helper()
	if e, ok := errors.AsType[*Error](err); !ok || e.Reason == "" || !strings.HasPrefix(err.Error(), "fuzz.csv: ") {
		t.Errorf("error = %v, want an *Error that names the file", err)
	}
}

func checkRows(t *testing.T, rows []invite.Row, lines int) {
	t.Helper()
	last := 1
	for _, row := range rows {
		if row.Origin.Line <= last || row.Origin.Line > lines {
			t.Errorf("line %d after line %d of %d", row.Origin.Line, last, lines)
		}
		last = row.Origin.Line
		c := row.Candidate
		if row.Problem != nil {
			if row.Problem.Reason == "" || row.Problem.Line != last || c != (invite.Candidate{}) {
				t.Errorf("problem %+v of candidate %+v", row.Problem, c)
			}
			continue
		}
		if c.Name == "" || c.Key.Assessment <= 0 || c.Key.Email == "" || c.Format == "" || c.Origin != row.Origin {
			t.Errorf("candidate %+v passed", c)
		}
	}
}
