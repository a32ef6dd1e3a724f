package sheet

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"batchinvite/pkg/invite"
)

// sniffed is how many records the delimiter is chosen by.
const sniffed = 20

// delimiters are those that are found without being told, the likelier first.
var delimiters = []rune{',', ';', '\t', '|'}

var delimiterNames = map[rune]string{',': "comma", ';': "semicolon", '\t': "tab", '|': "pipe"}

// ParseDelimiter takes a name or the character itself.
func ParseDelimiter(name string) (rune, error) {
	for d, known := range delimiterNames {
		if strings.EqualFold(name, known) {
			return d, nil
		}
	}
	if name == `\t` {
		return '\t', nil
	}
	d, size := utf8.DecodeRuneInString(name)
	if size == 0 || size < len(name) || d == utf8.RuneError || d == '"' || d != '\t' && !unicode.IsPrint(d) ||
		unicode.IsLetter(d) || unicode.IsDigit(d) {
		return 0, fmt.Errorf("%q is not a delimiter, use comma, semicolon, tab, pipe or one character that is no letter or digit", name)
	}
	return d, nil
}

// DelimiterName is what ParseDelimiter takes for d.
func DelimiterName(d rune) string {
	if name, known := delimiterNames[d]; known {
		return name
	}
	return string(d)
}

// sniff chooses the delimiter under which the first records look most like a table, comma if none does.
func (t *text) sniff(known func(label string) bool) rune {
	best, most := ',', []int(nil)
	for _, d := range delimiters {
		t.shape.Delimiter = d
		if likeness := t.likeness(known); slices.Compare(likeness, most) > 0 {
			best, most = d, likeness
		}
	}
	return best
}

// likeness is the number of headers that mean something, then of cells that are addresses and nothing else, then of
// records as wide as the header, then of columns. Widths alone would take decimal commas for a delimiter. It is nil if
// there is one column only, or none can be read.
func (t *text) likeness(known func(label string) bool) []int {
	source := t.records()
	header, err := source.next()
	switch {
	case errors.Is(err, io.EOF):
		return []int{0} // all lines are blank: little, but better than a header of delimiters
	case err != nil || len(header.cells) < 2:
		return nil
	}
	var headers, addresses, regular int
	for _, label := range header.cells {
		if known(label) {
			headers++
		}
	}
	// What can't be read ends it: it may be the wrong delimiter's fault, or else is told when the rows are read.
	read := 0
	for rec := header; err == nil && read < sniffed; rec, err = source.next() {
		read++
		for _, cell := range rec.cells {
			if looksLikeAddress(trim(cell)) {
				addresses++
			}
		}
		if len(rec.cells) == len(header.cells) {
			regular++
		}
	}
	return []int{headers, addresses, regular, len(header.cells)}
}

func looksLikeAddress(cell string) bool {
	return strings.Count(cell, "@") == 1 && !strings.ContainsAny(cell, ",;\t| ")
}

// knows tells whether a header has a meaning: for us, for the user, or as a column of our results.
func (o Options) knows(label string) bool {
	plain := word(label)
	if plain == "" {
		return false
	}
	for _, known := range aliases {
		if slices.Contains(known, plain) {
			return true
		}
	}
	for _, column := range o.Map {
		if squash(label) == squash(column) {
			return true
		}
	}
	return slices.Contains(invite.ResultColumns, trim(label))
}
