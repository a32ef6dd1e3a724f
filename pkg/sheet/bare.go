package sheet

import (
	"slices"
	"strconv"
	"strings"
	"unicode"
)

// isData tells whether what was taken for a header is a row of people: what may be an address is where the user says
// that addresses are, by anything but this very header, or it has an address anywhere and no column's name.
func (h *header) isData(email string) bool {
	if h.bare || h.recognised {
		return false
	}
	if i, ok := h.columns[Email]; ok && strings.Contains(h.labels[i], "@") {
		label := h.labels[i]
		if isAddress(label) || !isAlias(word(label)) && !strings.ContainsAny(label, " ()<>") && label != email {
			return true
		}
	}
	address := false
	for _, label := range h.labels {
		if isAlias(word(label)) {
			return false
		}
		address = address || isAddress(label)
	}
	return address
}

func isAlias(squashed string) bool {
	for _, known := range aliases {
		if slices.Contains(known, squashed) {
			return true
		}
	}
	return false
}

// likelySettings tells by the first row which columns hold the assessment and the format, 0 where none does or several may. A
// number beside no format may be anything.
func (h *header) likelySettings() (assessment, format int) {
	numbers := 0
	for i, cell := range h.first {
		cell = trim(cell)
		if _, err := parseFormat(cell, ""); err == nil {
			format = i + 1
		}
		if _, err := parseAssessment(cell, ""); err == nil {
			assessment = i + 1
			numbers++
		}
	}
	if numbers > 1 || format == 0 {
		assessment = 0
	}
	return assessment, format
}

// likely tells by the first row which column holds names and which addresses, "COLUMN" where it can't.
func (h *header) likely() (name, email string) {
	name, email = "COLUMN", "COLUMN"
	var words, several []int // columns of letters, and of several words
	for i, cell := range h.first {
		cell = trim(cell)
		switch {
		case email == "COLUMN" && isAddress(cell):
			email = strconv.Itoa(i + 1)
		case strings.ContainsFunc(cell, unicode.IsLetter) && !strings.ContainsFunc(cell, isNoPartOfAName):
			if words = append(words, i); strings.Contains(cell, " ") {
				several = append(several, i)
			}
		}
	}
	if len(several) > 0 {
		words = several[:1]
	}
	if len(words) == 1 { // of two it might be half a name
		name = strconv.Itoa(words[0] + 1)
	}
	return name, email
}

func isNoPartOfAName(r rune) bool { return unicode.IsDigit(r) || strings.ContainsRune("@/:_", r) }

// made gives names to the columns of a file without a header: the fields' own, so that its results can be fed back as they
// are, and "column 3".
func (h *header) made() []string {
	names := make([]string, len(h.first))
	for i := range names {
		names[i] = "column " + strconv.Itoa(i+1)
	}
	for f, i := range h.columns {
		names[i] = string(f)
	}
	return names
}

// skip reads past the header.
func (h *header) skip(source *records) error {
	if h.bare {
		return nil
	}
	_, err := source.next()
	return err
}
