package sheet

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// curly are the quotes that word processors put in place of straight ones: what opens, and all that may close it.
var curly = map[string]string{"“": "”", "„": "“”", "‟": "”", "‘": "’", "‚": "‘’", "‛": "’"}

// uncurl takes curly quotes away that stand around a whole value, and single straight ones.
func uncurl(value string) string {
	if inner, ok := strings.CutPrefix(value, "'"); ok && len(inner) > 1 && strings.IndexByte(inner, '\'') == len(inner)-1 {
		return trim(inner[:len(inner)-1])
	}
	closers, n := opens(value)
	if n == 0 {
		return value
	}
	last, size := utf8.DecodeLastRuneInString(value)
	if !strings.ContainsRune(closers, last) || len(value) < n+size {
		return value
	}
	inner := value[n : len(value)-size]
	if strings.ContainsAny(inner, "“”„‟‛‚") || strings.ContainsRune(inner, '‘') {
		return value // “Ann” and “Bob”
	}
	return trim(inner)
}

// opens gives what may close the curly quote that a value begins with, and that quote's length in bytes.
func opens(value string) (closers string, n int) {
	if value == "" || value[0] < utf8.RuneSelf {
		return "", 0
	}
	_, n = utf8.DecodeRuneInString(value)
	if closers = curly[value[:n]]; closers == "" {
		return "", 0
	}
	return closers, n
}

// maxTorn is into how many cells a value may be split.
const maxTorn = 30

// tornApart finds a value that the delimiter inside its quotes has split: curly ones quote nothing in CSV, and straight ones
// only around a whole value. column is the place where it begins, -1 if there is none.
// Straight ones are looked for only if they can stand in such a value.
func tornApart(cells []string, delimiter rune, straight bool) (column int, err error) {
	for i, cell := range cells {
		if cell == "" || isPlain(cell[0]) && !straight { // mostly
			continue
		}
		closers, advice := leftOpen(cell, straight)
		if closers == "" {
			continue
		}
		for j, later := range cells[i+1 : min(i+1+maxTorn, len(cells))] {
			at := strings.IndexAny(later, closers)
			if at < 0 {
				continue
			}
			if closes(later, at) {
				whole := strings.Join(cells[i:i+j+2], string(delimiter))
				return i, fault(trim(whole), isSplit+advice)
			}
			break
		}
	}
	return -1, nil
}

// leftOpen gives what may close a quote that opens in a cell and does not close there, "" if there is none.
func leftOpen(cell string, straight bool) (closers, advice string) {
	if at := strings.LastIndexByte(cell, '"'); straight && at > 0 && at+1 < len(cell) && (cell[at-1] == ' ' || cell[at-1] == '(') && cell[at+1] != ' ' {
		return `"`, "; write quotes around the whole value, and double those inside it"
	}
	value := trim(cell)
	closers, n := opens(value)
	// Single ones begin names: ‘t Hooft.
	if n == 0 || strings.ContainsAny(value[:n], "‘‚‛") || strings.ContainsAny(value[n:], closers) {
		return "", ""
	}
	return closers, ", as curly quotes hold nothing together; write straight quotes around it"
}

// closes tells whether the quote at a place in a cell ends something: a word is before it, and none begins behind it. A
// curly one has to end the cell.
func closes(cell string, at int) bool {
	before, after := cell[:at], cell[at+1:]
	if cell[at] != '"' {
		_, size := utf8.DecodeRuneInString(cell[at:])
		return trim(cell[at+size:]) == ""
	}
	last, _ := utf8.DecodeLastRuneInString(before)
	next, _ := utf8.DecodeRuneInString(after)
	return before != "" && !unicode.IsSpace(last) && (after == "" || !unicode.IsLetter(next) && !unicode.IsDigit(next))
}
