package sheet

import (
	"fmt"
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

// sheetNotices tell what is read of a worksheet though a person may not see it there.
func (s *Sheet) sheetNotices() (all []string) {
	t := s.text.snapshot.table
	if t == nil {
		return nil
	}
	if t.hidden > 0 {
		all = append(all, fmt.Sprintf("%s: %d of its rows are hidden, by a filter or by hand, and are read all the same", s.text.snapshot.Name, t.hidden))
	}
	if n := s.extent.merged; n > 0 {
		all = append(all, fmt.Sprintf("%s: %d of its cells are merged with one above, and are read with the value of that", s.text.snapshot.Name, n))
	}
	return all
}

// Sources gives Source for every field that has a value anywhere.
func (s *Sheet) Sources() map[Field]string {
	all := map[Field]string{}
	for _, f := range fieldOrder {
		if from := s.Source(f); from != "" {
			all[f] = from
		}
	}
	return all
}

// Mapping tells the same in one line.
func (s *Sheet) Mapping() string {
	var parts []string
	for _, f := range fieldOrder {
		if from := s.Source(f); from != "" && f != FirstName && f != LastName {
			parts = append(parts, words[f]+": "+from)
		}
	}
	return strings.Join(parts, ", ")
}

// Source tells where a field comes from, "" if it has no value anywhere: a column in quotes, or what a flag says.
func (s *Sheet) Source(f Field) string {
	h, d := s.checks.header, s.checks.options.Defaults[f]
	column := h.named(f)
	if _, ok := h.columns[f]; f == Name && !ok {
		column = h.named(FirstName) + " + " + h.named(LastName)
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
