package main

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/pflag"

	"batchinvite/pkg/pace"
	"batchinvite/pkg/sheet"
)

// The types below are pflag.Values: a flag, the environment and the settings file are read by the same code, and what is
// wrong is refused before anything is opened.

// notA says what is wrong with a flag's value: for the library's own types, whose errors are Go's, in place of err.
func notA(f *pflag.Flag, text string, err error) error {
	if errors.Is(err, strconv.ErrRange) {
		return fmt.Errorf("%q is too large or too small", text)
	}
	switch f.Value.Type() {
	case "int", "int64", "uint64":
		return fmt.Errorf("%q is not a whole number", text)
	case "duration":
		return fmt.Errorf("%q is not a time such as 30s, 15m or 2h", text)
	case "bool":
		return fmt.Errorf("%q is neither true nor false", text)
	}
	return err
}

// rateList collects --rate; in the environment several stand in one word, with commas or spaces between them. The first
// Set replaces the default.
type rateList struct {
	values []pace.Rate
	set    bool
}

func (r *rateList) Set(text string) error {
	words := strings.FieldsFunc(text, func(c rune) bool { return c == ',' || c == ' ' })
	if len(words) == 0 {
		words = []string{text} // which ParseRate refuses
	}
	for _, word := range words {
		rate, err := pace.ParseRate(word)
		if err != nil {
			return err
		}
		if !r.set {
			r.values, r.set = nil, true
		}
		r.values = append(r.values, rate)
	}
	return nil
}

func (r *rateList) String() string {
	var parts []string
	for _, rate := range r.values {
		parts = append(parts, rate.String())
	}
	return strings.Join(parts, " ")
}

func (r *rateList) Type() string { return "N/time" }

// columnMap collects --map field=Column.
type columnMap map[string]string

func (m *columnMap) Set(text string) error {
	field, column, ok := strings.Cut(text, "=")
	field, column = strings.TrimSpace(field), strings.TrimSpace(column)
	if !ok || field == "" || column == "" {
		return fmt.Errorf("%q is not field=Column", text)
	}
	if other, twice := (*m)[field]; twice && other != column {
		return fmt.Errorf("%s is given twice, as %q and as %q", field, other, column)
	}
	if *m == nil {
		*m = columnMap{}
	}
	(*m)[field] = column
	return nil
}

func (m *columnMap) String() string { return strings.Join(m.list(), ",") }

func (m *columnMap) list() (parts []string) {
	for field, column := range *m {
		parts = append(parts, field+"="+column)
	}
	slices.Sort(parts)
	return parts
}

func (m *columnMap) clear() { *m = nil }

func (m *columnMap) Type() string { return "field=Column" }

// encodingName is --encoding, "" if it is to be found out.
type encodingName string

func (e *encodingName) Set(text string) error {
	name, err := sheet.ParseEncoding(text)
	if err == nil {
		*e = encodingName(name)
	}
	return err
}

func (e *encodingName) String() string { return string(*e) }
func (e *encodingName) Type() string   { return "name" }
func (e *encodingName) clear()         { *e = "" }

// delimiter is --delimiter, 0 if it is to be found out.
type delimiter rune

func (d *delimiter) Set(text string) error {
	c, err := sheet.ParseDelimiter(text)
	if err == nil {
		*d = delimiter(c)
	}
	return err
}

func (d *delimiter) String() string {
	if *d == 0 {
		return ""
	}
	return sheet.DelimiterName(rune(*d))
}

func (d *delimiter) Type() string { return "character" }
func (d *delimiter) clear()       { *d = 0 }

// fieldList is --override.
type fieldList []string

func (l *fieldList) Set(text string) error {
	for field := range strings.SplitSeq(text, ",") {
		switch field = strings.TrimSpace(field); field {
		case "assessment-id", "format", "expires":
			*l = append(*l, field)
		default:
			return fmt.Errorf("%q is not one of assessment-id, format, expires", field)
		}
	}
	return nil
}

func (l *fieldList) String() string { return strings.Join(*l, ",") }
func (l *fieldList) Type() string   { return "fields" }
func (l *fieldList) clear()         { *l = nil }

// threshold is N or N%. The zero value is no threshold.
type threshold struct {
	n       float64
	percent bool
	set     bool
}

func (t *threshold) Set(text string) error {
	number, percent := strings.CutSuffix(strings.TrimSpace(text), "%")
	n, err := strconv.ParseFloat(number, 64)
	if err != nil || !(n >= 0) || (percent && n > 100) || (!percent && n != float64(int(n))) {
		return fmt.Errorf("%q is not a number of rows or a percentage such as 5%%", text)
	}
	*t = threshold{n: n, percent: percent, set: true}
	return nil
}

func (t *threshold) String() string {
	switch {
	case !t.set:
		return ""
	case t.percent:
		return strconv.FormatFloat(t.n, 'f', -1, 64) + "%"
	}
	return strconv.Itoa(int(t.n))
}

func (t *threshold) Type() string { return "N|N%" }

// exceeded tells whether n of all is more than the threshold allows.
func (t *threshold) exceeded(n, all int) bool {
	switch {
	case !t.set:
		return false
	case t.percent:
		return float64(n)*100 > t.n*float64(all)
	}
	return n > int(t.n)
}

// number is a count that may be left out: 0 is a strict 0.
type number struct {
	n   int
	set bool
}

func (c *number) Set(text string) error {
	n, err := strconv.Atoi(strings.TrimSpace(text))
	if err != nil || n < 0 {
		return fmt.Errorf("%q is not a whole number", text)
	}
	*c = number{n: n, set: true}
	return nil
}

func (c *number) String() string {
	if !c.set {
		return ""
	}
	return strconv.Itoa(c.n)
}

func (c *number) Type() string { return "N" }
func (c *number) clear()       { *c = number{} }

// choice is one word of a few.
type choice struct {
	value string
	of    []string
}

func (c *choice) Set(text string) error {
	if !slices.Contains(c.of, text) {
		return fmt.Errorf("%q is not one of %s", text, strings.Join(c.of, ", "))
	}
	c.value = text
	return nil
}

func (c *choice) String() string { return c.value }
func (c *choice) Type() string   { return "word" }

// clear is for those that shape results: none of them has a default.
func (c *choice) clear() { c.value = "" }
