package sheet

import (
	"strings"
	"unicode/utf8"
)

// curly are the quotes that word processors put in place of straight ones: what opens, and all that may close it.
var curly = map[string]string{"“": "”", "„": "“”", "‟": "”", "‘": "’", "‚": "‘’", "‛": "’"}

// uncurl takes curly quotes away that stand around a whole value.
func uncurl(value string) string {
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

// tornApart finds a value in curly quotes that the delimiter inside it has split: they quote nothing in CSV. column is the
// place where it begins, -1 if there is none.
func tornApart(cells []string, delimiter rune) (column int, err error) {
	for i, cell := range cells {
		if cell == "" || isPlain(cell[0]) {
			continue
		}
		value := trim(cell)
		closers, n := opens(value)
		// Single ones begin names: ‘t Hooft.
		if n == 0 || strings.ContainsAny(value[:n], "‘‚‛") || strings.ContainsAny(value[n:], closers) {
			continue
		}
		for j, later := range cells[i+1:] {
			last, _ := utf8.DecodeLastRuneInString(trim(later))
			if strings.ContainsRune(closers, last) && last != utf8.RuneError {
				whole := strings.Join(cells[i:i+j+2], string(delimiter))
				return i, fault(trim(whole), isSplit+", as curly quotes hold nothing together; write straight quotes around it")
			}
			if strings.ContainsAny(later, closers) {
				break
			}
		}
	}
	return -1, nil
}
