package sheet

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"batchinvite/pkg/invite"
)

// What follows says which columns there are, and what to type to choose one.

func (h *header) ambiguous(f Field, found []int) error {
	return h.fail(h.choose(f, found), "there are %d columns for the %s: %s", len(found), words[f], h.list(found...))
}

// choose gives the flags that choose one of some columns: by its name if it has one of its own that can be typed, else by
// its number.
func (h *header) choose(f Field, found []int) string {
	var flags []string
	for _, i := range found[:min(len(found), maxListed)] {
		number := strconv.Itoa(i + 1)
		switch {
		case h.isPlain(h.labels[i]):
			flags = append(flags, "--map "+assign(string(f), h.labels[i]))
		case !slices.Contains(h.labels, number):
			flags = append(flags, "--map "+string(f)+"="+number)
		}
	}
	return strings.Join(flags, " or ")
}

// isPlain tells whether one column alone has this label, and it can be typed.
func (h *header) isPlain(label string) bool {
	return len(h.places(func(other string) bool { return other == label })) == 1 &&
		!strings.ContainsFunc(label, func(r rune) bool { return !strconv.IsPrint(r) || r == utf8.RuneError })
}

// lacking gives the fields that need a column or a flag and have none.
func (h *header) lacking(o Options) (fields []Field) {
	// Of people who were invited before no name is needed, and our own results say what was sent.
	spare := map[Field]bool{Name: o.Import, AssessmentID: h.sent, Format: h.sent}
	for _, f := range []Field{Name, Email, AssessmentID, Format} {
		if !h.has(f) && o.Defaults[f].Value == "" && !spare[f] {
			fields = append(fields, f)
		}
	}
	return fields
}

// needed gives the flags that would fill what is lacking. Where the first row is data it tells which column is which.
func (h *header) needed(o Options, data bool) string {
	name, email := "COLUMN", "COLUMN"
	if data {
		name, email = h.likely()
	}
	hints := map[Field]string{
		Name: "--map name=" + name, Email: "--map email=" + email, AssessmentID: "--assessment-id ID",
		Format: fmt.Sprintf("--format %s|%s", invite.GetLink, invite.SendLink),
	}
	if assessment, format := h.likelySettings(); data {
		if assessment > 0 {
			hints[AssessmentID] = "--map assessment_id=" + strconv.Itoa(assessment)
		}
		if format > 0 {
			hints[Format] = "--map format=" + strconv.Itoa(format)
		}
	}
	for f := range hints {
		if found := h.doubtful(f); len(found) == 1 && !data {
			hints[f] = h.choose(f, found)
		}
	}
	title := h.places(func(label string) bool { return slices.Contains(titles, word(label)) })
	if either := h.choose(AssessmentID, title); either != "" && !data {
		hints[AssessmentID] = "(--assessment-id ID or " + either + ")"
	}
	var flags []string
	for _, f := range h.lacking(o) {
		flags = append(flags, hints[f])
	}
	return strings.Join(flags, " ")
}

// seen says what there is to choose from.
func (h *header) seen() string {
	if h.bare {
		return "the first row is " + h.list()
	}
	return "the columns are " + h.list()
}

// list quotes the names of some columns, or of all. With no header the first row's values stand for them.
func (h *header) list(places ...int) string {
	if len(places) == 0 {
		places = h.places(func(string) bool { return true })
	}
	var names []string
	for _, i := range places[:min(len(places), maxListed)] {
		name := strconv.Quote(cut(h.labels[i]))
		switch {
		case h.bare:
			name = h.labels[i] + ": " + strconv.Quote(cut(trim(h.first[i])))
		case len(h.places(func(other string) bool { return other == h.labels[i] })) > 1:
			name += fmt.Sprintf(" (column %d)", i+1)
		}
		names = append(names, name)
	}
	if more := len(places) - maxListed; more > 0 {
		names = append(names, fmt.Sprintf("and %d more", more))
	}
	return strings.Join(names, ", ")
}

// named is what a field's column is called beside other words.
func (h *header) named(f Field) string {
	if i, ok := h.columns[f]; ok && (h.bare || h.labels[i] == "") {
		return "column " + strconv.Itoa(i+1)
	}
	return strconv.Quote(h.label(f))
}
