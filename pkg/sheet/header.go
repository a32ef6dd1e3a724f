package sheet

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/xuri/excelize/v2"

	"batchinvite/pkg/invite"
)

// maxListed is how many columns a message lists.
const maxListed = 20

// header says which column holds what.
type header struct {
	file       string
	line       int
	cells      []string      // the file's own columns
	labels     []string      // the same on one line each, trimmed
	columns    map[Field]int // places in cells; see place
	width      int           // of the header's record
	recognised bool          // a results file of ours, whose result columns
	rejects    bool          // or one of rejects, whose only one is the reason
	results    int           // begin here
	end        int           // and end before this place
	delimiter  rune          // between cells
	typed      bool          // the cells have types
	marked     bool          // in a workbook that this program wrote
	sent       bool          // they say what was really sent, and that counts
	bare       bool          // there is no header: the labels are numbers
	first      []string      // the first row then
	halved     map[int]Field // columns of halves that are a part of a name here
}

// sentColumns are the result columns that an import goes by, instead of columns of the file's own.
var sentColumns = map[Field]string{
	AssessmentID: "invite_assessment_id", Format: "invite_format", Link: "invite_link", InvitedAt: "invite_at",
}

func newHeader(file string, rec record, o Options) (*header, error) {
	h := &header{file: file, line: rec.line, columns: map[Field]int{}, width: len(rec.cells), typed: o.typed, marked: o.marked}
	if err := h.recognise(rec.cells); err != nil {
		return nil, err
	}
	h.sent = h.recognised && o.Import
	h.unguard(rec.cells)
	h.cells = h.own(rec.cells)
	h.bare = o.NoHeader && !h.isOurs()
	h.first = h.cells
	for i, cell := range h.cells {
		label := strings.Join(strings.Fields(trim(cell)), " ")
		if h.bare {
			label = strconv.Itoa(i + 1)
		}
		h.labels = append(h.labels, label)
	}
	err := h.find(o)
	if err == nil {
		err = h.missing(o)
	}
	if mapped, _ := o.columns(); h.isData(mapped[Email]) { // also where the user gave columns by number: the first row would be lost
		err = h.fail(strings.TrimSpace("--no-header "+h.needed(o, true)), "looks like data, not a header: %s", h.list())
	}
	if err != nil {
		return nil, err
	}
	if h.bare {
		h.cells = h.made()
	}
	return h, nil
}

// cell is a row's cell for a field, "" if there is none.
func (h *header) cell(cells []string, f Field) string {
	if i, ok := h.columns[f]; ok && h.place(i) < len(cells) {
		return trim(cells[h.place(i)])
	}
	return ""
}

// find places the fields in columns: first as the user says, then by what the columns are called.
func (h *header) find(o Options) error {
	mapped, err := o.columns()
	if err != nil {
		return err
	}
	for _, f := range fieldOrder {
		if column, ok := mapped[f]; ok {
			if err := h.assign(f, column); err != nil {
				return err
			}
		}
	}
	guesses := []Field{Name, Email, AssessmentID, Format, Expires}
	switch {
	case h.sent:
		guesses = guesses[:4]
	case o.Import: // when an invitation ends is taken from our own results alone
		guesses = append(guesses[:4], Link, InvitedAt)
	}
	if mapped[FirstName] != "" || mapped[LastName] != "" {
		guesses = guesses[1:]
	}
	h.halve()
	for _, f := range guesses {
		if err := h.guess(f); err != nil {
			return err
		}
	}
	return h.findParts(mapped[Name] != "")
}

// assign gives a field the column that the user named: by its exact header, by its number, or else by its letters and
// digits.
func (h *header) assign(f Field, column string) error {
	found := h.places(func(label string) bool { return label == trim(column) })
	if n, err := strconv.Atoi(trim(column)); err == nil && len(found) == 0 && h.isOwn(n-1) {
		found = []int{n - 1}
	}
	if len(found) == 0 && squash(column) != "" {
		found = h.places(func(label string) bool { return squash(label) == squash(column) })
	}
	arg := assign(string(f), column)
	switch {
	case len(found) == 0 && h.bare:
		return h.fail("", "--map %s: there is no such column; %s", arg, h.seen())
	case len(found) == 0:
		return h.fail("", "--map %s: no column is called that; %s", arg, h.seen())
	case len(found) > 1:
		return h.fail(h.choose(f, found), "--map %s: %s are called that", arg, h.list(found...))
	}
	for other, i := range h.columns {
		if i == found[0] {
			return h.fail("", "--map %s: this column is the %s already", arg, words[other])
		}
	}
	h.columns[f] = found[0]
	return nil
}

// isOwn tells whether there is such a column of the file's own, with a name or without.
func (h *header) isOwn(i int) bool { return i >= 0 && i < len(h.cells) }

// guess gives a field the column that has one of its aliases.
func (h *header) guess(f Field) error {
	if _, ok := h.columns[f]; ok {
		return nil
	}
	found := h.candidates(f)
	if len(found) > 1 {
		return h.ambiguous(f, found)
	}
	if len(found) == 1 {
		h.columns[f] = found[0]
	}
	return nil
}

// findParts looks for first and last names where there is no column for whole names. "Name" beside only one of them
// is the other one in some sheets: then it asks.
func (h *header) findParts(certain bool) error {
	name, whole := h.columns[Name]
	if whole && (certain || (len(h.candidates(FirstName)) == 0) == (len(h.candidates(LastName)) == 0)) {
		return nil
	}
	if whole {
		part, other := h.candidates(FirstName), LastName
		if len(part) == 0 {
			part, other = h.candidates(LastName), FirstName
		}
		hint := h.choose(Name, []int{name}) + " or " + h.choose(other, []int{name})
		return h.fail(hint, "column %q may hold whole names or only the other part of %q", cut(h.labels[name]), cut(h.labels[part[0]]))
	}
	for _, f := range nameParts {
		if err := h.guess(f); err != nil {
			return err
		}
	}
	if _, ok := h.columns[LastName]; !ok {
		delete(h.columns, SecondName)
	}
	return nil
}

// missing names every field that has to have a column and has none.
func (h *header) missing(o Options) error {
	var fields []string
	for _, f := range h.lacking(o) {
		fields = append(fields, "the "+words[f])
	}
	if len(fields) == 0 {
		return nil
	}
	if h.inOne(o) {
		switch {
		case h.typed:
			return h.fail("take the text file that this was made from, or split the column in a spreadsheet program (Text to Columns)", "all columns are in one: %s", h.list())
		case o.sep:
			return h.fail("take that line away", "the line sep= above does not separate the columns: %s", h.list())
		case o.Delimiter == 0:
			return h.fail("take the quotes around whole lines away, and halve those that are doubled then", "all columns are in one, since quotes hold the whole line together: %s", h.list())
		default:
			return h.fail("leave --delimiter out", "--delimiter %s does not separate the columns: %s", DelimiterName(o.Delimiter), h.list())
		}
	}
	hint := h.needed(o, h.bare)
	if !h.has(Name) && !h.has(FirstName) && !h.has(LastName) && !o.Import && len(h.unread()) == 0 {
		hint = "add a column with the names"
	}
	err := h.fail(hint, "no column for %s; %s", strings.Join(fields, " and "), h.seen())
	err.lacking = !h.has(Name) && !o.Import || !h.has(Email)
	return err
}

// inOne tells whether the only column comes apart into several that have a meaning.
func (h *header) inOne(o Options) bool {
	return len(h.cells) == 1 && slices.ContainsFunc(delimiters, func(d rune) bool {
		return len(slices.DeleteFunc(strings.Split(h.cells[0], string(d)), func(label string) bool { return !o.knows(label) })) > 1
	})
}

// has tells whether a field has its column; a name may have two.
func (h *header) has(f Field) bool {
	if _, ok := h.columns[f]; ok || f != Name {
		return ok
	}
	return h.has(FirstName) && h.has(LastName)
}

// follow puts the address of a link in the place of what its cell shows, such as "write to Ann".
func (h *header) follow(rec record, links map[place]string) {
	i, ok := h.columns[Email]
	i = h.place(i)
	if !ok || i >= len(rec.cells) || strings.Contains(rec.cells[i], "@") {
		return
	}
	if address := links[place{rec.line, i}]; address != "" {
		rec.cells[i] = address
	}
}

func (h *header) places(match func(label string) bool) []int {
	var found []int
	for i, label := range h.labels {
		if label != "" && match(label) {
			found = append(found, i)
		}
	}
	return found
}

func (h *header) fail(hint, format string, args ...any) *Error {
	return &Error{File: h.file, Line: h.line, Reason: fmt.Sprintf(format, args...), Hint: hint}
}

// label is what a field's column is called in messages, "" if it has none.
func (h *header) label(f Field) string {
	if _, ok := h.columns[f]; !ok && f == Name {
		return h.parts(h.label)
	}
	return cut(h.whole(f))
}

// whole is the header of a field's own column, or its number, "" if it has none.
func (h *header) whole(f Field) string {
	if column := sentColumns[f]; column != "" && h.sent {
		return column
	}
	if i, ok := h.columns[f]; ok {
		return cmp.Or(h.labels[i], strconv.Itoa(i+1))
	}
	return ""
}

// parts are the columns that make up a name, each as it is called.
func (h *header) parts(called func(Field) string) string {
	name := called(FirstName) + " + " + called(LastName)
	if _, ok := h.columns[SecondName]; ok {
		name += " + " + called(SecondName)
	}
	return name
}

// problem tells what is wrong with a field of a row.
func (h *header) problem(line int, f Field, err error) invite.Problem {
	return invite.NewProblem(line, h.label(f), h.ref(line, f), err)
}

// ref is the cell of a field in a workbook's row, such as C7; "" elsewhere.
func (h *header) ref(line int, f Field) string {
	i, ok := h.columns[f]
	if f == Name && !ok {
		i, ok = h.columns[FirstName]
	}
	if !h.typed || !ok || h.sent && sentColumns[f] != "" {
		return ""
	}
	ref, _ := excelize.CoordinatesToCellName(h.place(i)+1, line) // which a worksheet has
	return ref
}

// tags names the columns for gocsv: by their field, or by nothing that a field is tagged with. Of two columns with one
// name it would take the last, so none is named twice.
func (h *header) tags() []string {
	tags := make([]string, h.width)
	for f, i := range h.columns {
		tags[h.place(i)] = string(f)
	}
	return tags
}
