package sheet

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Kind says what sort of file the input is and, of a workbook, which worksheet is read and which ones with rows are not.
func (s *Sheet) Kind() string {
	if t := s.text.snapshot.table; t != nil {
		return "XLSX, " + t.choice()
	}
	return s.Shape().String()
}

// choice says which worksheet was taken, which ones were not, and how to take another one.
func (t *table) choice() string {
	sheet := "worksheet " + strconv.Quote(cut(t.sheet))
	if len(t.others) == 0 {
		return sheet
	}
	var others []string
	for _, name := range t.others[:min(len(t.others), maxListed)] {
		others = append(others, strconv.Quote(cut(name)))
	}
	if more := len(t.others) - maxListed; more > 0 {
		others = append(others, fmt.Sprintf("and %d more", more))
	}
	return sheet + ", not " + strings.Join(others, ", ") + " (--sheet)"
}

// Worksheet is the name of the worksheet that is read, "" if the input is no workbook.
func (s *Sheet) Worksheet() string {
	if t := s.text.snapshot.table; t != nil {
		return t.sheet
	}
	return ""
}

// sheetNotices tell what is read though a person may not see it in the worksheet, and what is not.
func (s *Sheet) sheetNotices() (all []string) {
	if t := s.text.snapshot.table; t != nil && t.hidden > 0 {
		all = append(all, fmt.Sprintf("%d of its rows are hidden, by a filter or by hand, and are read all the same", t.hidden))
	}
	if t := s.text.snapshot.table; t != nil && t.uncomputed > 0 {
		all = append(all, fmt.Sprintf("%d of its cells are formulas whose values are not in the file, and are empty in the results; a spreadsheet program computes them when it saves the file", t.uncomputed))
	}
	if n := s.extent.merged; n > 0 {
		all = append(all, fmt.Sprintf("%d of its cells are merged with one above, and are read with the value of that", n))
	}
	all = append(all, s.doubts...)
	for i := range all {
		all[i] = s.text.snapshot.Name + ": " + all[i]
	}
	return all
}

// Taken tells where a field comes from: the columns of its own, mostly one, and the flag's value.
type Taken struct {
	Columns  []string // headers; numbers where a column has none
	Default  string   // for rows without a value
	Override bool     // it wins over the rows
}

// Taken gives every field that has a value anywhere.
func (s *Sheet) Taken() map[Field]Taken {
	h, all := s.checks.header, map[Field]Taken{}
	for _, f := range fieldOrder {
		d := s.checks.options.Defaults[f]
		t := Taken{Default: d.Value, Override: d.Override}
		own := []Field{f}
		if _, whole := h.columns[Name]; f == Name && !whole {
			own = nameParts
		}
		for _, part := range own {
			if column := h.whole(part); column != "" && h.has(f) {
				t.Columns = append(t.Columns, column)
			}
		}
		if isPart := slices.Contains(nameParts, f); !isPart && (len(t.Columns) > 0 || t.Default != "") {
			all[f] = t
		}
	}
	return all
}

// nameParts are the fields that make up a name.
var nameParts = []Field{FirstName, LastName, SecondName}

// Mapping tells the same in one line, and which columns are not read: one of them may have been meant to be.
func (s *Sheet) Mapping() string {
	var parts []string
	for _, f := range fieldOrder {
		if from := s.Source(f); from != "" && !slices.Contains(nameParts, f) {
			parts = append(parts, words[f]+": "+from)
		}
	}
	text := strings.Join(parts, ", ")
	if unread := s.checks.header.unread(); len(unread) > 0 {
		text += "; not read: " + s.checks.header.list(unread...)
	}
	return text
}

// Unread are the headers of the file's own columns that no field is taken from; numbers where it has none.
func (s *Sheet) Unread() []string {
	columns := []string{}
	for _, i := range s.checks.header.unread() {
		columns = append(columns, s.checks.header.labels[i])
	}
	return columns
}

// reads tells whether any of some places in a record is of a field.
func (h *header) reads(places []int) bool {
	for _, i := range h.columns {
		if slices.Contains(places, h.place(i)) {
			return true
		}
	}
	return false
}

func (h *header) unread() (places []int) {
	used := map[int]bool{}
	for _, i := range h.columns {
		used[i] = true
	}
	for i, label := range h.labels {
		if !used[i] && label != "" {
			places = append(places, i)
		}
	}
	return places
}

// Source tells where a field comes from, "" if it has no value anywhere: a column in quotes, or what a flag says.
func (s *Sheet) Source(f Field) string {
	h, d := s.checks.header, s.checks.options.Defaults[f]
	column := h.named(f)
	if _, ok := h.columns[f]; f == Name && !ok {
		column = h.parts(h.named)
	}
	sent := h.sent && sentColumns[f] != ""
	switch {
	case !sent && !h.has(f):
		return d.Value
	case d.Override:
		return d.Value + " instead of " + column
	case d.Value != "":
		return column + " or " + d.Value
	}
	return column
}
