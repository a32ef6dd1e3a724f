package sheet

import (
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxQuoted is how much of a value a reason quotes, in characters.
const maxQuoted = 60

// clean gives the text of a cell that is used.
func clean(cell string) (string, error) {
	if !utf8.ValidString(cell) {
		return "", fault(cell, "is not valid UTF-8")
	}
	if strings.IndexByte(cell, 0) >= 0 {
		return "", fault(cell, "has a NUL byte in it")
	}
	if strings.Contains(cell, "\ufffd") {
		return "", fault(cell, "has a character that was lost when the file was saved or read")
	}
	text := uncurl(trim(cell))
	if text != "" && (text[0] == '#' || text[0] == 'E') && formulaError.MatchString(text) {
		return "", fault(text, "is what a spreadsheet shows in place of a value; mend the cell, or write the value")
	}
	return text, nil
}

// formulaError: #N/A, #REF!, #NAME?, in German #BEZUG! and #NV, in Spanish #¡VALOR!, Err:502 in LibreOffice, and ##### where a
// column was too narrow for a date when it was saved as CSV.
var formulaError = regexp.MustCompile(`^(#[¡¿]?[\p{Lu}\d/]+[!?]|#N/A|#N/D|#NV|#ND|#GETTING_DATA|#{3,}|Err:\d{3})$`)

// trim takes away white space of every kind, and the invisible characters that come with what is copied from web pages.
func trim(s string) string {
	if s == "" || isPlain(s[0]) && isPlain(s[len(s)-1]) {
		return s
	}
	return strings.TrimFunc(s, func(r rune) bool { return unicode.IsSpace(r) || unicode.Is(unicode.Cf, r) })
}

func isPlain(b byte) bool { return b > ' ' && b < utf8.RuneSelf }

// cut shortens a value to what a message can hold.
func cut(s string) string {
	n := 0
	for i := range s {
		if n == maxQuoted {
			return s[:i] + "…"
		}
		n++
	}
	return s
}
