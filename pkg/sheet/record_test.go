package sheet

import (
	"errors"
	"fmt"
	"io"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"batchinvite/pkg/invite"
)

// read gives all rows, and the error that ended them.
func read(s *Sheet) (rows []invite.Row, last error) {
	for row, err := range s.Rows() {
		if err != nil {
			return rows, err
		}
		rows = append(rows, row)
	}
	return rows, nil
}

// places gives "line first-cell" of each row.
func places(rows []invite.Row) []string {
	var got []string
	for _, row := range rows {
		got = append(got, fmt.Sprint(row.Origin.Line, " ", row.Cells[0]))
	}
	return got
}

func TestRows_knowPhysicalLines(t *testing.T) {
	tests := []struct {
		name, content string
		want          []string
	}{
		{"plain", "Name,Email\nA,\nB,\n", []string{"2 A", "3 B"}},
		{"no line end at the end", "Name,Email\nA,\nB,", []string{"2 A", "3 B"}},
		{"CRLF", "Name,Email\r\nA,\r\n\r\nB,\r\n", []string{"2 A", "4 B"}},
		{"blank lines before the header", "\n,\nName,Email\nA,\n", []string{"4 A"}},
		{"blank lines of every kind", "Name,Email\n\n,\n \t\n\"\",\"\u00a0\"\nA,\n\n", []string{"6 A"}},
		{"line breaks in cells", "Name,Email,Notes\nA,,\"one\ntwo\n\nfour\"\nB,,\"x\r\ny\"\nC,,\n", []string{"2 A", "6 B", "8 C"}},
		{"line break in the header", "Name,Email,\"No\ntes\"\nA,,\n", []string{"3 A"}},
		{"byte order mark", "\ufeffName,Email\nA,\n", []string{"2 A"}},
		{"byte order mark before a quote", "\ufeff\"Name\",\"Email\"\nA,\n", []string{"2 A"}},
		{"header alone", "Name,Email\n", nil},
		{"header alone without a line end", "Name,Email", nil},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			rows, err := read(open(t, test.content, options()))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, places(rows)); diff != "" {
				t.Errorf("rows (-want +got):\n%s", diff)
			}
		})
	}
}

func TestOpen_takesTheMarkOffTheHeader(t *testing.T) {
	got := open(t, "\ufeffName,Email\n", options()).Header()
	if want := []string{"Name", "Email"}; !cmp.Equal(got, want) {
		t.Errorf("header = %q, want %q", got, want)
	}
}

func TestRows_endWithOneErrorWhereTheFileIsBroken(t *testing.T) {
	const header = "Name,Email,Notes\nA,,\n"
	megabyte := strings.Repeat("x", maxRecord+2*readBuffer)
	tests := []struct {
		name, content, want string
	}{
		{"open quote", header + "\nB,\"b@example.org,\nC,,\n",
			"candidates.csv: line 4, column Email: the quote that opens here is not closed properly by line 5, byte 5"},
		{"open quote after line breaks in its row", header + "\"B\nB\",,\"open\nC,,\n",
			"candidates.csv: line 4, column Notes: the quote that opens here is not closed properly by line 5, byte 5"},
		{"open quote that ends at the next one", header + "B,,\"open\nC,,\"quoted\"\n",
			"candidates.csv: line 3, column Notes: the quote that opens here is not closed properly by line 4, byte 4"},
		{"quotes that are not doubled", header + "\"B \"The\" B\",,\n",
			"candidates.csv: line 3, column Name: the quote that opens here is not closed properly by line 3, byte 4"},
		{"quote behind blanks", header + "B, \t\"x\"@example.org,\n",
			"candidates.csv: line 3, column Email: byte 5 of the line is a quote with blanks before it; delete them if it opens the value, else quote the whole value and double the quotes inside it"},
		{"quote behind blanks beyond the header", header + "B,\u00fc\",,, \"\n",
			"candidates.csv: line 3: byte 10 of the line is a quote with blanks before it; delete them if it opens the value, else quote the whole value and double the quotes inside it"},
		{"open quote that swallows too much", header + "\n\n\"B,,\n" + strings.Repeat("C,,\n", len(megabyte)/4) + "D,,\"\"\n",
			"candidates.csv: line 5, column Name: the quote that opens here is not closed within 1 MiB"},
		{"row that is too long", header + "\nB,," + megabyte + "\n",
			"candidates.csv: line 4: the row that begins here is longer than 1 MiB"},
		{"quote behind blanks in a row that is too long", header + "B,,  \"" + megabyte + "\n",
			"candidates.csv: line 3, column Notes: byte 6 of the line is a quote with blanks before it; delete them if it opens the value, else quote the whole value and double the quotes inside it"},
		{"open quote before line ends alone", header + "\"B" + strings.Repeat("\n", len(megabyte)),
			"candidates.csv: line 3, column Name: the quote that opens here is not closed within 1 MiB"},
		{"row that is too long after carriage returns alone", header + strings.Repeat("\r", len(megabyte)) + "B,," + megabyte + "\n",
			fmt.Sprintf("candidates.csv: line %d: the row that begins here is longer than 1 MiB", 3+len(megabyte))},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s := open(t, test.content, options())
			for range 2 {
				rows, err := read(s)
				if _, ok := errors.AsType[*Error](err); !ok || err.Error() != test.want {
					t.Errorf("error = %v, want %s", err, test.want)
				}
				if got, want := places(rows), []string{"2 A"}; !cmp.Equal(got, want) {
					t.Errorf("rows before it = %q, want %q", got, want)
				}
			}
		})
	}
}

func TestRows_keepQuotesInsideValuesThatAreNotQuoted(t *testing.T) {
	const header = "\ufeffName \"or\" so,Email,Notes\n"
	for _, test := range []struct{ name, content, want string }{
		{"inches", "5\" disk,a@example.org,3.5\" disk\n", `5" disk|a@example.org|3.5" disk`},
		{"at the end", "Ann\",a@example.org,x\"", `Ann"|a@example.org|x"`},
		{"two in a row", "A\"\"nn,a@example.org,\"x\"\"y\"\r\n", `A""nn|a@example.org|x"y`},
		{"an odd one before line breaks in quotes", "A\"nn,a@example.org,\"x\n\"\"\r\ny\"\n", "A\"nn|a@example.org|x\n\"\ny"},
		{"beside the byte that stands in for them", "A\xff\"\xff,a@example.org,\xff\n", `Aÿ"ÿ|a@example.org|ÿ`},
		{"blank lines", "\n ,\u00a0,\n\n5\",a@example.org,\xff\n", `5"|a@example.org|ÿ`},
		{"between returns alone", "A\"nn,a@example.org,x\rB\"ob,b@example.org,\"\r\"\rC\"y,c@example.org,\r", "A\"nn|a@example.org|x\nB\"ob|b@example.org|\r\nC\"y|c@example.org|"},
		{"far apart", "5\",a@example.org," + strings.Repeat("x", 3*readBuffer) + "\"y\n", `5"|a@example.org|` + strings.Repeat("x", 3*readBuffer) + `"y`},
	} {
		o := options()
		o.Map = map[string]string{"name": "1"}
		rows, err := read(open(t, header+test.content, o))
		if err != nil {
			t.Errorf("%s: %v", test.name, err)
			continue
		}
		var got []string
		for _, row := range rows {
			got = append(got, strings.Join(row.Cells, "|"))
		}
		if diff := cmp.Diff(test.want, strings.Join(got, "\n")); diff != "" {
			t.Errorf("%s (-want +got):\n%s", test.name, diff)
		}
	}
}

func TestRows_sayWhatAQuoteIsBetweenDelimitersOfSeveralBytes(t *testing.T) {
	o := options()
	o.Delimiter = '§'
	_, err := read(open(t, "Name§Email\nA§a@example.org\nB§5\" disk\n", o))
	want := "candidates.csv: line 3, column Email: byte 5 of the line is a quote in a value that is not quoted; quote the whole value and double the quotes inside it"
	if err == nil || err.Error() != want {
		t.Errorf("error = %v, want %s", err, want)
	}
}

// Any cells come back, quoted or not, if only those are left unquoted that need no quotes. A line break of two bytes is
// one of one byte then.
func TestRows_bringBackCellsWithFewQuotesRoundThem(t *testing.T) {
	cell := rapid.OneOf(rapid.StringOfN(rapid.RuneFrom([]rune("a\",;\n\r \t")), 0, 8, -1), rapid.SampledFrom([]string{`5"`, `"`, ` "`, `""a`}))
	rapid.Check(t, func(rt *rapid.T) {
		table := rapid.SliceOfN(rapid.SliceOfN(cell, 3, 3), 1, 6).Draw(rt, "table")
		var file strings.Builder
		file.WriteString("Name,Email,Notes\n")
		var want, got [][]string
		for _, cells := range table {
			for i, cell := range cells {
				if rapid.Bool().Draw(rt, "quoted") || strings.ContainsAny(cell, ",\n\r") || strings.HasPrefix(strings.TrimLeft(cell, " \t"), `"`) {
					cell = `"` + strings.ReplaceAll(cell, `"`, `""`) + `"`
				}
				file.WriteString([]string{"", ",", ","}[i] + cell)
			}
			file.WriteString("\n")
			if !isBlank(cells) {
				for i, cell := range cells {
					cells[i] = strings.ReplaceAll(cell, "\r\n", "\n")
				}
				want = append(want, cells)
			}
		}
		o := options()
		o.Delimiter = ','
		rows, err := read(open(t, file.String(), o))
		if err != nil {
			rt.Fatal(err)
		}
		for _, row := range rows {
			got = append(got, row.Cells)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			rt.Errorf("%q (-want +got):\n%s", file.String(), diff)
		}
	})
}

func TestOpen_refusesAHeaderThatNeverEnds(t *testing.T) {
	_, err := Open(copyOf(t, "\"Name,Email\n"+strings.Repeat("A,\n", maxRecord)), options())
	want := "candidates.csv: line 1: the quote that opens here is not closed within 1 MiB"
	if err == nil || err.Error() != want {
		t.Errorf("error = %v, want %s", err, want)
	}
}

func TestRows_letRecordsOfTheLimitAndAnyNumberOfBlankLinesPass(t *testing.T) {
	long := strings.Repeat("x", maxRecord-len("A,,\n"))
	blank := strings.Repeat("\r\n", maxRecord)
	rows, err := read(open(t, "\ufeffName,Email,Notes\nA,,"+long+"\n"+blank+"B,,"+long+"\n"+blank, options()))
	if err != nil {
		t.Fatal(err)
	}
	if got, want := places(rows), []string{"2 A", fmt.Sprint(3+maxRecord, " B")}; !cmp.Equal(got, want) {
		t.Errorf("rows = %q, want %q", got, want)
	}
}

// zeros is a file that never ends, behind an open quote.
type zeros struct{ given int }

func (z *zeros) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = '0'
	}
	if z.given == 0 {
		p[0] = '"'
	}
	z.given += len(p)
	return len(p), nil
}

func TestRecords_readNoMoreThanTheLimit(t *testing.T) {
	in := &zeros{}
	_, err := newRecords("-", in, ',').next()
	if err == nil || errors.Is(err, io.EOF) {
		t.Errorf("error = %v, want one about the quote", err)
	}
	if limit := maxRecord + 2*readBuffer; in.given > limit {
		t.Errorf("read %d bytes, want at most %d", in.given, limit)
	}
}

func TestRows_holdNoMoreThanAChunkOfLongRows(t *testing.T) {
	const rows = 64
	s := open(t, "Name,Email,Notes\n"+strings.Repeat("A,,"+strings.Repeat("x", maxRecord/2)+"\n", rows), options())
	var before, now runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	seen := 0
	for _, err := range s.Rows() {
		if err != nil {
			t.Fatal(err)
		}
		if seen++; seen == rows/2 {
			runtime.GC()
			runtime.ReadMemStats(&now)
			if grown := int64(now.HeapAlloc) - int64(before.HeapAlloc); grown > 8*maxRecord {
				t.Errorf("heap has grown by %d bytes in the middle of %d bytes", grown, rows*maxRecord/2)
			}
		}
	}
}
