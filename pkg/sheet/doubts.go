package sheet

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"batchinvite/pkg/invite"
)

// What follows is about rows that are valid and look wrong all the same: they are sent, and a person is told.

var (
	errApostrophe = errors.New("begins with an apostrophe")
	errGarbled    = errors.New("looks garbled: was it saved or read in another encoding?")
	errLost       = errors.New("has a question mark where a letter may be lost")
	errNoName     = errors.New("is hardly a name")
	errSwallowed  = errors.New("has what looks like rows of the table in it: does a quote in front of it lack its end?")
)

// warnings tell what a person should look at in a row that is valid, nil if there is nothing.
func (c *checks) warnings(who *invite.Candidate, cells []string) (all []invite.Problem) {
	warn := func(f Field, err error) { all = append(all, c.header.problem(who.Origin.Line, f, err)) }
	if err := doubtfulName(who.Name); err != nil && !c.options.Import {
		warn(Name, &invite.Fault{Value: cut(who.Name), Reason: err})
	}
	if domain := who.Key.Email[strings.LastIndexByte(who.Key.Email, '@')+1:]; domain != c.domain { // mostly the same again
		c.domain, c.better = domain, likelyDomain(domain)
	}
	if c.better != "" {
		warn(Email, fmt.Errorf("%s: did you mean %s?", c.domain, c.better))
	}
	if plain, ok := strings.CutPrefix(who.Email, "'"); ok { // which an address may, and none does
		warn(Email, &invite.Fault{Value: cut(who.Email), Reason: errApostrophe, Advice: "did you mean " + cut(plain) + "?"})
	}
	if doubt := who.Expiry.Doubt(); doubt != "" && who.Expiry.Column != Expires.flag() {
		warn(Expires, fault(who.Expiry.Text, doubt))
	}
	if i := c.header.swallowed(cells); i >= 0 {
		all = append(all, invite.NewProblem(who.Origin.Line, cut(c.header.labels[i]), "", errSwallowed))
	}
	return all
}

// noNames stand in cells that should be empty.
var noNames = []string{"n/a", "na", "n.a.", "null", "none", "nil", "nan", "tbd", "unknown", "unbekannt", "true", "false", "no name", "undefined"}

// hasFiller finds words that are no part of a name either, as where a first name was not known.
func hasFiller(name string) bool {
	for word := range strings.FieldsSeq(name) {
		if strings.EqualFold(word, "n/a") || strings.EqualFold(word, "null") || strings.EqualFold(word, "nan") || strings.EqualFold(word, "undefined") {
			return true
		}
	}
	return false
}

// lostLetter is a question mark inside a word.
var lostLetter = regexp.MustCompile(`\pL\?\pL`)

// doubtfulName says what is odd about a name, nil if nothing is.
func doubtfulName(name string) error {
	letters, odd := false, false
	for i := range len(name) {
		b := name[i]
		letters = letters || 'a' <= b|0x20 && b|0x20 <= 'z'
		odd = odd || b >= utf8.RuneSelf || b == '?'
	}
	switch {
	case !letters && !strings.ContainsFunc(name, unicode.IsLetter), isAddress(name):
		return errNoName
	case name != "Na" && slices.ContainsFunc(noNames, func(no string) bool { return strings.EqualFold(no, name) }):
		return errNoName
	case hasFiller(name):
		return errNoName
	case odd && isGarbled(name):
		return errGarbled
	case odd && lostLetter.MatchString(name):
		return errLost
	}
	return nil
}

// isGarbled recognises UTF-8 that was taken for Windows-1252: what two bytes of a letter or three of a sign become.
func isGarbled(name string) bool {
	if strings.Contains(name, "â€") {
		return true
	}
	before := rune(0)
	for _, r := range name {
		if (before == 'Ã' || before == 'Â') && (r >= 0x80 && r <= 0xbf || strings.ContainsRune("€‚ƒ„…†‡ˆ‰Š‹ŒŽ‘’“”•–—˜™š›œžŸ", r)) {
			return true
		}
		before = r
	}
	return false
}

// swallowed finds a cell of several lines of which a later one has all the columns of the table with an address in its
// place, -1 if there is none: an open quote has taken these rows in, up to the next quote.
func (h *header) swallowed(cells []string) int {
	at, ok := h.columns[Email]
	if at = h.place(at); h.typed || !ok || h.width < 2 {
		return -1
	}
	for i, cell := range cells[:min(len(cells), len(h.labels))] {
		if strings.IndexByte(cell, '\n') < 0 {
			continue
		}
		for _, line := range strings.Split(cell, "\n")[1:] {
			if fields := strings.Split(line, string(h.delimiter)); len(fields) == h.width && isAddress(fields[at]) && strings.Count(line, "@") == 1 {
				return i
			}
		}
	}
	return -1
}
