package sheet

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"batchinvite/pkg/invite"
	"batchinvite/pkg/results"
)

// TestRows_bringBackTheResultsOfAnyTable writes results in every format, and reads them as somebody does who feeds them
// back without a flag.
func TestRows_bringBackTheResultsOfAnyTable(t *testing.T) {
	cell := rapid.OneOf(rapid.StringOf(rapid.Rune().Filter(func(r rune) bool { return r != 0 })),
		rapid.StringOfN(rapid.RuneFrom([]rune("a\",;|\t\r\n '=+-@“”\u00a0\ufeff")), 0, 6, -1))
	rapid.Check(t, func(rt *rapid.T) {
		format := results.Format{
			BOM: rapid.Bool().Draw(rt, "BOM"), Sep: rapid.Bool().Draw(rt, "sep"), CRLF: rapid.Bool().Draw(rt, "CRLF"),
			Delimiter: rapid.SampledFrom(delimiters).Draw(rt, "delimiter"),
		}
		header := slices.Concat([]string{"Name", "Email"}, rapid.SliceOfN(cell, 0, 4).Draw(rt, "header"))
		table := rapid.SliceOfN(rapid.SliceOfN(cell, 0, len(header)), 0, 12).Draw(rt, "table")
		var file bytes.Buffer
		w, err := results.Stream(&file, header, format)
		if err != nil {
			rt.Fatal(err)
		}
		for _, cells := range table {
			if err := w.Write(invite.Result{Row: invite.Row{Cells: cells}, Status: invite.StatusNotSent}); err != nil {
				rt.Fatal(err)
			}
		}
		if err := w.Flush(); err != nil {
			rt.Fatal(err)
		}
		o := options()
		o.Map = map[string]string{"name": "Name", "email": "Email"}
		s := open(t, file.String(), o)
		rows, err := read(s)
		if err != nil || !s.Recognised() {
			rt.Fatalf("recognised: %v, error %v", s.Recognised(), err)
		}
		if diff := cmp.Diff(Shape{"utf-8", format.BOM, format.Delimiter, format.Sep, format.CRLF}, s.Shape()); diff != "" {
			rt.Errorf("shape (-want +got):\n%s", diff)
		}
		var want, got [][]string
		for _, cells := range append([][]string{header}, table...) {
			want = append(want, unbroken(cells, len(header)))
		}
		got = append(got, s.Header())
		for _, row := range rows {
			got = append(got, row.Cells)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			rt.Fatalf("header and cells (-want +got):\n%s", diff)
		}
	})
}

// unbroken gives cells with the line breaks that results have, filled up to a width.
func unbroken(cells []string, width int) []string {
	out := make([]string, width)
	for i, c := range cells {
		out[i] = strings.ReplaceAll(strings.ReplaceAll(c, "\r\n", "\n"), "\r", "\n")
	}
	return out
}
