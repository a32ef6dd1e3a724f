package sheet

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/text/encoding/charmap"
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
		if diff := cmp.Diff(Shape{Encoding: "utf-8", BOM: format.BOM, Delimiter: format.Delimiter, Sep: format.Sep, CRLF: format.CRLF}, s.Shape()); diff != "" {
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

// FuzzResults writes cells as results or rejects in any shape, and reads them as somebody does who feeds them back.
func FuzzResults(f *testing.F) {
	for shape := range uint16(512) {
		if shape%7 == 0 {
			f.Add("Zo\u00eb\x1f=1+1\x1f'a\x1f\u0142, \u00c3\u00a9\x1f\u0081\x1fa\r\nb\x1f\"\x1f;|\t", shape)
		}
	}
	f.Fuzz(func(t *testing.T, text string, shape uint16) {
		o := options()
		o.Map = map[string]string{"name": "Name", "email": "Email"}
		format := results.Format{BOM: shape&1 > 0, Sep: shape&2 > 0, CRLF: shape&4 > 0, Rejects: shape&8 > 0, Delimiter: delimiters[shape>>4%4]}
		text = strings.ReplaceAll(strings.ToValidUTF8(text, "?"), "\x00", "")
		if format.Rejects {
			switch shape >> 6 % 4 {
			case 1:
				format.BOM, format.Encoding = true, utf16LEName
			case 2:
				format.Encoding, o.Encoding = windowsName, windowsName
				encoded, err := charmap.Windows1252.NewEncoder().String(text)
				if err != nil || slices.ContainsFunc([]byte(encoded), isUndefined) {
					return
				}
				format.BOM = false
			case 3:
				format.Encoding, format.Mixed = windowsName, true
			}
		}
		var table [][]string
		for cells := range slices.Chunk(strings.Split(text, "\x1f"), 3) {
			if !isBlank(cells) {
				table = append(table, cells)
			}
		}
		header := []string{"Name", "Email", "x"}
		var file bytes.Buffer
		w, err := results.Stream(&file, header, format)
		for _, cells := range table {
			if err == nil {
				err = w.Write(invite.Result{Row: invite.Row{Cells: cells}, Status: invite.StatusNotSent})
			}
		}
		if err != nil || w.Flush() != nil {
			t.Fatal(err)
		}
		s := open(t, file.String(), o)
		rows, err := read(s)
		if err != nil || s.Recognised() == format.Rejects {
			t.Fatalf("recognised: %v, error %v", s.Recognised(), err)
		}
		want, got := [][]string{header}, [][]string{s.Header()}
		for _, cells := range table {
			want = append(want, unbroken(cells, len(header)))
		}
		for _, row := range rows {
			got = append(got, row.Cells)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("header and cells of %+v (-want +got):\n%s", format, diff)
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
