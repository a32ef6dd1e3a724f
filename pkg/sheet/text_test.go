package sheet

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/japanese"
	"golang.org/x/text/encoding/unicode"
)

// encoded gives text in an encoding.
func encoded(t *testing.T, e encoding.Encoding, text string) string {
	t.Helper()
	out, err := e.NewEncoder().String(text)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

var (
	utf16LE = unicode.UTF16(unicode.LittleEndian, unicode.IgnoreBOM)
	utf16BE = unicode.UTF16(unicode.BigEndian, unicode.IgnoreBOM)
)

// TestRows_areTheSameHoweverTheFileIsWritten goes through every encoding, delimiter and line end, with and without sep=.
func TestRows_areTheSameHoweverTheFileIsWritten(t *testing.T) {
	encodings := []struct {
		name, proper, start string
		encoding            encoding.Encoding
		bom                 bool
	}{
		{"UTF-8", "utf-8", "", unicode.UTF8, false},
		{"UTF-8 with a mark", "utf-8", "\ufeff", unicode.UTF8, true},
		{"UTF-16 LE", "utf-16le", "", utf16LE, false},
		{"UTF-16 LE with a mark", "utf-16le", "\ufeff", utf16LE, true},
		{"UTF-16 BE", "utf-16be", "", utf16BE, false},
		{"UTF-16 BE with a mark", "utf-16be", "\ufeff", utf16BE, true},
		{"Windows-1252", "windows-1252", "", charmap.Windows1252, false},
	}
	ends := map[string]string{"LF": "\n", "CRLF": "\r\n", "CR": "\r"}
	for _, e := range encodings {
		for _, d := range delimiters {
			for endName, end := range ends {
				for _, sep := range []bool{false, true} {
					t.Run(fmt.Sprint(e.name, " ", delimiterNames[d], " ", endName, " ", sep), func(t *testing.T) {
						lines := []string{
							"Name;Email;Score;Notes", "", "\"Müller; Jörg\";j@example.org;3,5;\"said \"\"no\"\"\nand – left\"", ";;;", "Zoë;z@example.org",
						}
						shift := 0
						if sep {
							lines, shift = append([]string{"sep=;"}, lines...), 1
						}
						text := strings.ReplaceAll(strings.Join(lines, "\n"), "\n", end)
						if d != ';' { // a comma is left inside a value then, which must be quoted
							text = strings.ReplaceAll(strings.ReplaceAll(text, "3,5", "\"3,5\""), ";", string(d))
						}
						s := open(t, encoded(t, e.encoding, e.start+text), options())
						rows, err := read(s)
						if err != nil {
							t.Fatal(err)
						}
						breaks := end
						if end == "\r\n" {
							breaks = "\n" // as the csv reader gives them
						}
						want := [][]string{{"Müller" + string(d) + " Jörg", "j@example.org", "3,5", "said \"no\"" + breaks + "and – left"}, {"Zoë", "z@example.org"}}
						var got [][]string
						for _, row := range rows {
							got = append(got, row.Cells)
						}
						if diff := cmp.Diff(want, got); diff != "" {
							t.Fatalf("cells (-want +got):\n%s", diff)
						}
						if a, b := rows[0].Origin.Line, rows[1].Origin.Line; a != 3+shift || b != 6+shift {
							t.Errorf("lines %d and %d, want %d and %d", a, b, 3+shift, 6+shift)
						}
						if diff := cmp.Diff(Shape{Encoding: e.proper, BOM: e.bom, Delimiter: d, Sep: sep, CRLF: end == "\r\n", Mixed: e.proper == windowsName}, s.Shape()); diff != "" {
							t.Errorf("shape (-want +got):\n%s", diff)
						}
						if n := s.text.snapshot.Rows; n < len(rows) {
							t.Errorf("about %d rows, want no less than there are", n)
						}
					})
				}
			}
		}
	}
}

func TestOpen_findsTheDelimiter(t *testing.T) {
	tests := []struct {
		name, content string
		o             Options
		want          rune
	}{
		{"addresses and decimal commas", "Name;Email;Address;Score\nAnn;a@example.org;1, High Street, York;3,5\n", options(), ';'},
		{"more commas than semicolons in the header", "Name;Email;City, street, house\nAnn;a@example.org;a, b, c\n", options(), ';'},
		{"a header alone with more commas", "Name;Email;a, b, c, d\n", options(), ';'},
		{"semicolons in a quoted header", "\"Name\",\"Email\",\"a;b;c;d\"\nAnn,a@example.org,\"1;2;3;4\"\n", options(), ','},
		{"headers nobody knows, a comma in each row", "Kandidat, ganz;Erreichbar\nDoe, Ann;a@example.org\n", mapOf("Kandidat, ganz", "Erreichbar"), ';'},
		{"no known header", "Kto, ja;Gdzie\nDoe, Ann;a@example.org\nRoe, Bob;b@example.org\n", mapOf("", ""), ';'},
		{"pipe with everything else in it", "Name|Email|Notes, all; of them\nAnn|a@example.org|x,y;z\n", options(), '|'},
		{"tab", "Name\tEmail\tNotes\nAnn\ta@example.org\tx,y;z\n", options(), '\t'},
		{"one column", "Email\nann@example.org\n", options(), ','},
		{"one column, then semicolons", "Email\na;b\n", options(), ','},
		{"forced", "Name,Email;x|y\n", Options{Delimiter: '|'}, '|'},
		{"forced against sep", "sep=;\nName|Email\n", Options{Delimiter: '|'}, '|'},
		{"a character of one's own", "Name^Email\n", Options{Delimiter: '^'}, '^'},
		{"sep in capitals with quotes and a mark", "\ufeff\"SEP=|\"\r\nName|Email,a,b\r\n", options(), '|'},
		{"sep with a tab", "sep=\t\nName\tEmail\n", options(), '\t'},
		{"sep without a delimiter is a header", "sep=,Name,Email\n", options(), ','},
		{"ours that came back", "a;b,Name,Email," + resultHeader + "\n1;2,Ann,a@example.org," + outcome("invited", "") + "\n", options(), ','},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got, err := openText(copyOf(t, test.content), "", test.o.Delimiter, test.o.knows)
			if err != nil {
				t.Fatal(err)
			}
			if got.shape.Delimiter != test.want {
				t.Errorf("delimiter %q, want %q", got.shape.Delimiter, test.want)
			}
		})
	}
}

func mapOf(name, email string) Options {
	return Options{Map: map[string]string{"name": name, "email": email}}
}

func TestShape_isNamedForPeople(t *testing.T) {
	for shape, want := range map[Shape]string{
		{Encoding: "utf-8", Delimiter: ',', BOM: true, CRLF: true}: "CSV (commas, UTF-8)",
		{Encoding: "windows-1252", Delimiter: ';'}:                 "CSV (semicolons, Windows-1252)",
		{Encoding: "utf-16be", Delimiter: '\t'}:                    "CSV (tabs, UTF-16)",
		{Encoding: "shift_jis", Delimiter: '|'}:                    "CSV (pipes, shift_jis)",
		{Encoding: "utf-8", Delimiter: '^'}:                        `CSV ("^" between cells, UTF-8)`,
	} {
		if got := shape.String(); got != want {
			t.Errorf("%+v = %q, want %q", shape, got, want)
		}
	}
}

func TestNotices_tellOfGuessedCells(t *testing.T) {
	const rest = ` read as Windows-1252, the first on line 3: "Zoë"; if that looks wrong, name the encoding with --encoding`
	tests := []struct {
		name, content string
		want          []string
		encoding      string
	}{
		{"none", "Name,Email\nAnn,a@example.org\nZoë,\n", nil, "utf-8"},
		{"one", "Name,Email\nAnn,a@example.org\nZo\xeb,\n", []string{"candidates.csv: 1 cell is not UTF-8 and was" + rest}, "windows-1252"},
		{"some beside UTF-8", "Name,Email\nZoë,\nZo\xeb,\nM\xfcller,\n", []string{"candidates.csv: 2 cells are not UTF-8 and were" + rest}, "windows-1252"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s := open(t, test.content, options())
			for range 2 {
				if _, err := read(s); err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(test.want, s.Notices()); diff != "" {
					t.Errorf("notices (-want +got):\n%s", diff)
				}
				if got := s.Shape().Encoding; got != test.encoding {
					t.Errorf("encoding %s, want %s", got, test.encoding)
				}
			}
		})
	}
}

func TestRows_leaveWhatIsNoWindows1252Either(t *testing.T) {
	row := one(t, "Name,Email\nAnn\x81\xe9,a@example.org\n", options())
	if want := `"Ann\x81\xe9" is not valid UTF-8`; row.Problem == nil || row.Problem.Text() != want {
		t.Errorf("problem = %v, want %s", row.Problem, want)
	}
}

func TestOpen_takesTheForcedEncodingUnlessAMarkSaysOtherwise(t *testing.T) {
	tests := []struct {
		name, forced, content, want, notice string
	}{
		{"Shift JIS", "shift_jis", encoded(t, japanese.ShiftJIS, "Name,Email\n山田,y@example.org\n"), "山田", ""},
		{"a whole that happens to be UTF-8", "windows-1252", "Name,Email\nZoë,\n", "ZoÃ«", ""},
		{"UTF-8 is not guessed at", "utf-8", "Name,Email\nZo\xeb,\n", "Zo\xeb", ""},
		{"Cyrillic", "windows-1251", encoded(t, charmap.Windows1251, "Name,Email\nЮлия,y@example.org\n"), "Юлия", ""},
		{"with the mark", "utf-16be", encoded(t, utf16BE, "\ufeffName,Email\nZoë,\n"), "Zoë", ""},
		{"against the mark", "utf-16be", encoded(t, utf16LE, "\ufeffName,Email\nZoë,\n"), "Zoë",
			"candidates.csv: is read as utf-16le, as the mark at its start says, and not as --encoding utf-16be"},
		{"against the mark of UTF-8", "windows-1252", "\ufeffName,Email\nZoë,\n", "Zoë",
			"candidates.csv: is read as utf-8, as the mark at its start says, and not as --encoding windows-1252"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			o := options()
			o.Encoding = test.forced
			s := open(t, test.content, o)
			rows, err := read(s)
			if err != nil || len(rows) != 1 || rows[0].Cells[0] != test.want {
				t.Errorf("rows %+v, error %v, want one of %q", rows, err, test.want)
			}
			if got := strings.Join(s.Notices(), "\n"); got != test.notice {
				t.Errorf("notices = %q, want %q", got, test.notice)
			}
		})
	}
}

func TestRows_refuseWhatWasLostInConversion(t *testing.T) {
	for _, content := range []string{
		"Name,Email\nZo\ufffd,z@example.org\n",
		encoded(t, utf16LE, "\ufeffName,Email\n") + "Z\x00\x00\xd8" + encoded(t, utf16LE, ",z@example.org\n"), // half a pair
	} {
		row := one(t, content, options())
		if row.Problem == nil || row.Problem.Column != "Name" || !strings.HasSuffix(row.Problem.Reason, "has a character that was lost when the file was saved or read") {
			t.Errorf("problem = %v", row.Problem)
		}
	}
}

func TestParseEncoding_takesTheNamesOfTheList(t *testing.T) {
	for name, want := range map[string]string{"UTF8": "utf-8", " latin1 ": "windows-1252", "utf-16": "utf-16le", "Shift-JIS": "shift_jis", "cp1251": "windows-1251", "cp850": "IBM850", "437": "IBM437"} {
		if got, err := ParseEncoding(name); got != want || err != nil {
			t.Errorf("%q = %q, %v, want %s", name, got, err, want)
		}
	}
	for _, name := range []string{"", "excel", "replacement", "x-user-defined"} {
		want := fmt.Sprintf("%q is not an encoding, use utf-8, windows-1252, iso-8859-2, utf-16le, shift_jis, gb18030 or the like", name)
		if _, err := ParseEncoding(name); err == nil || err.Error() != want {
			t.Errorf("%q: error = %v, want %s", name, err, want)
		}
	}
}

func TestParseDelimiter_takesNamesAndCharacters(t *testing.T) {
	for name, want := range map[string]rune{"comma": ',', "Semicolon": ';', "TAB": '\t', `\t`: '\t', "\t": '\t', "pipe": '|', ";": ';', "^": '^', "§": '§', " ": ' '} {
		got, err := ParseDelimiter(name)
		if got != want || err != nil {
			t.Errorf("%q = %q, %v, want %q", name, got, err, want)
		}
		if again, err := ParseDelimiter(DelimiterName(got)); again != got || err != nil {
			t.Errorf("its name %q = %q, %v", DelimiterName(got), again, err)
		}
	}
	for _, name := range []string{"", "x", "7", "\"", "\n", "\r", ",,", "colon", "\xff", "\x00", "\ufeff"} {
		want := fmt.Sprintf("%q is not a delimiter, use comma, semicolon, tab, pipe or one character that is no letter or digit", name)
		if _, err := ParseDelimiter(name); err == nil || err.Error() != want {
			t.Errorf("%q: error = %v, want %s", name, err, want)
		}
	}
}

func TestRows_takeInvisibleCharactersAndCurlyQuotesAwayFromValues(t *testing.T) {
	var around strings.Builder
	for _, from := range [][2]rune{{0x200b, 0x200f}, {0x202a, 0x202e}, {0x2066, 0x2069}, {0xfeff, 0xfeff}, {0xad, 0xad}, {0xa0, 0xa0}, {' ', ' '}} {
		for r := from[0]; r <= from[1]; r++ {
			around.WriteRune(r)
		}
	}
	all := around.String()
	tests := []struct{ name, want string }{
		{all + "Ann Lee" + all, "Ann Lee"},
		{"“Ann Lee”", "Ann Lee"},
		{all + "„ Ann Lee“" + all, "Ann Lee"},
		{"‘Ann Lee’", "Ann Lee"},
		{"‘t Hooft", "‘t Hooft"},
		{"Conan O’Brien", "Conan O’Brien"},
		{"‘Conan O’Brien’", "Conan O’Brien"},
		{"“Ann” and “Bob”", "“Ann” and “Bob”"},
		{"Ann “Annie” Lee", "Ann “Annie” Lee"},
	}
	for _, test := range tests {
		row := one(t, "“Name”,Email\n"+test.name+",“a@example.org”\n", options())
		if row.Problem != nil || row.Candidate.Name != test.want || row.Candidate.Email != "a@example.org" {
			t.Errorf("%q: name %q, e-mail %q, problem %v, want %q", test.name, row.Candidate.Name, row.Candidate.Email, row.Problem, test.want)
		}
		if row.Cells[0] != test.name && !strings.HasPrefix(test.name, " ") {
			t.Errorf("cell = %q, want %q as it stands", row.Cells[0], test.name)
		}
	}
}

// What stands under other columns says nothing of how a column's dates are written.
func TestRows_takeNoDateOrderFromRowsThatAreSplit(t *testing.T) {
	_, err := read(open(t, "Name,Expires,Email,More\nAnn,3/4/2031,a@example.org\n“Lee, 13/4/2031,Jr.”,b@example.org\n", options()))
	if want := `candidates.csv: line 2, column Expires: "3/4/2031" may have the day or the month first, and no other date of the column tells`; err == nil || err.Error() != want {
		t.Errorf("error = %v, want %s", err, want)
	}
}

func TestRows_countReturnsInsideQuotesAsLines(t *testing.T) {
	long := strings.Repeat("\"a\rb\",\r\r", 20_000) // more than any buffer
	s := open(t, "Name,Email\rA,\"x\ry\r\nz\"\r"+long+"B,\n", options())
	rows, err := read(s)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := places(rows[:3]), []string{"2 A", "5 a\rb", "8 a\rb"}; !cmp.Equal(got, want) {
		t.Errorf("rows = %q, want %q", got, want)
	}
	if diff := cmp.Diff(places(rows[20_001:]), []string{"60005 B"}); diff != "" || len(rows) != 20_002 {
		t.Errorf("the last of %d rows (-got +want):\n%s", len(rows), diff)
	}
	if got, want := rows[0].Cells[1], "x\ry\nz"; got != want {
		t.Errorf("cell = %q, want %q", got, want)
	}
	rows, err = read(open(t, "\ufeffsep=,\rName,Email\rA,\"\r\"\rB,\"\r\"\rC,\r", options()))
	if got, want := places(rows), []string{"3 A", "5 B", "7 C"}; err != nil || !cmp.Equal(got, want) {
		t.Errorf("behind marks: rows = %q, error %v, want %q", got, err, want)
	}
	_, err = read(open(t, "Name,Email\rA,\"x\ry\"\rB,\"o\rpen\rC,\r", options()))
	want := "candidates.csv: line 4, column Email: the quote that opens here is not closed properly by line 6"
	if err == nil || err.Error() != want {
		t.Errorf("error = %v, want %s", err, want)
	}
}
