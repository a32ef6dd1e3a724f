package sheet

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// A header that lacks columns may be no header: what follows finds out what the file is instead, and replaces the hint.

// maxPreface is how many lines above a header are looked past.
const maxPreface = 20

// advise gives a better hint to an error about columns that are missing. guessed tells that the header was read in an
// encoding that may be another.
func (t *text) advise(err error, head record, o Options, guessed bool) error {
	e, ok := errors.AsType[*Error](err)
	if !ok || !e.lacking {
		return err
	}
	const encodings = "--encoding NAME, such as windows-1250, shift_jis or cp850"
	switch hint := t.betterHint(head, o); {
	case hint != "":
		e.Hint = hint
	case slices.ContainsFunc(head.cells, func(cell string) bool { return !utf8.ValidString(cell) }):
		e.Hint = encodings
	case guessed && !o.NoHeader:
		e.Hint += ", or if these names are garbled " + encodings
	}
	return err
}

func (t *text) betterHint(head record, o Options) string {
	if len(o.Map) == 0 {
		if line := t.headerBelow(head, o); line > 0 {
			return fmt.Sprintf("line %d looks like the header: delete what stands above it", line)
		}
		if table := t.snapshot.table; table != nil {
			for i, cells := range table.heads {
				if o.known(cells) > max(1, o.known(head.cells)) {
					return "--sheet " + shellQuoted(table.others[i])
				}
			}
		}
	}
	if len(head.cells) == 1 {
		for _, d := range []string{":", "^", "~", "#", "!"} {
			if o.known(strings.Split(head.cells[0], d)) > 1 {
				return "--delimiter " + shellQuoted(d)
			}
		}
	}
	return ""
}

// headerBelow gives the line of a record that has more headers that mean something, 0 if there is none.
func (t *text) headerBelow(head record, o Options) int {
	found := t.shape.Delimiter
	defer func() { t.shape.Delimiter = found }()
	possible := []rune{found}
	if len(head.cells) == 1 && o.Delimiter == 0 { // which says nothing of what stands between the others
		possible = delimiters
	}
	for _, t.shape.Delimiter = range possible {
		source := t.records()
		for range maxPreface {
			rec, err := source.next()
			if err != nil {
				break
			}
			if rec.line > head.line && o.known(rec.cells) > max(1, o.known(head.cells)) {
				return rec.line
			}
		}
	}
	return 0
}

// known counts the headers that have a meaning.
func (o Options) known(cells []string) (n int) {
	for _, cell := range cells {
		if o.knows(cell) {
			n++
		}
	}
	return n
}
