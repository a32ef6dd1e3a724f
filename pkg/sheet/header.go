package sheet

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

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
	columns    map[Field]int // places in cells, which are those in a record too
	width      int           // of the header's record
	recognised bool          // a results file of ours, whose result columns
	results    int           // begin here
	end        int           // and end before this place
	typed      bool          // the cells have types
	sent       bool          // they say what was really sent, and that counts
}

// sentColumns are the result columns that an import goes by, instead of columns of the file's own.
var sentColumns = map[Field]string{
	AssessmentID: "invite_assessment_id", Format: "invite_format", Link: "invite_link", InvitedAt: "invite_at",
}

func newHeader(file string, rec record, o Options) (*header, error) {
	h := &header{file: file, line: rec.line, columns: map[Field]int{}, width: len(rec.cells), typed: o.typed}
	h.recognise(rec.cells)
	h.sent = h.recognised && o.Import
	h.unguard(rec.cells)
	h.cells = h.own(rec.cells)
	for _, cell := range h.cells {
		h.labels = append(h.labels, strings.Join(strings.Fields(trim(cell)), " "))
	}
	if err := h.find(o); err != nil {
		return nil, err
	}
	if err := h.missing(o); err != nil {
		return nil, err
	}
	return h, nil
}

// recognise finds our own result columns. A spreadsheet may have put columns without a name behind them.
func (h *header) recognise(cells []string) {
	h.end = lastFilled(cells) + 1
	h.results = h.end - len(invite.ResultColumns)
	h.recognised = h.results >= 0 && slices.EqualFunc(cells[h.results:h.end], invite.ResultColumns,
		func(cell, name string) bool { return trim(cell) == name })
}

// unguard takes our guards off the cells of a results file of ours.
func (h *header) unguard(cells []string) {
	if !h.recognised || h.typed {
		return
	}
	for i, cell := range cells {
		cells[i] = invite.Unguard(cell)
	}
}

// own gives the cells without our result columns.
func (h *header) own(cells []string) []string { return ownOf(h, cells) }

func ownOf[T any](h *header, columns []T) []T {
	if !h.recognised || len(columns) <= h.results {
		return columns
	}
	return append(columns[:h.results:h.results], columns[min(h.end, len(columns)):]...)
}

// resultPlaces are the places of our result columns among themselves.
var resultPlaces = func() map[string]int {
	places := map[string]int{}
	for i, name := range invite.ResultColumns {
		places[name] = i
	}
	return places
}()

// result is a cell of our result columns.
func (h *header) result(cells []string, column string) string {
	if at := h.results + resultPlaces[column]; at < len(cells) {
		return trim(cells[at])
	}
	return ""
}

// earlier gives what a row says of an invitation that was made before, nil if it is not asked for and our results are
// not there to say it.
func (h *header) earlier(cells []string, asked bool) *invite.Earlier {
	switch {
	case h.recognised:
		r := func(column string) string { return h.result(cells, column) }
		return &invite.Earlier{
			Status: invite.Status(r("invite_status")), Link: r("invite_link"), Expires: r("invite_expires"),
			CandidateID: r("invite_candidate_id"), ReportID: r("invite_report_id"), At: r("invite_at"),
		}
	case asked:
		return &invite.Earlier{Link: h.cell(cells, Link), At: h.cell(cells, InvitedAt)}
	}
	return nil
}

// cell is a row's cell for a field, "" if there is none.
func (h *header) cell(cells []string, f Field) string {
	if i, ok := h.columns[f]; ok && i < len(cells) {
		return trim(cells[i])
	}
	return ""
}

// overflow finds filled cells that no column is for. Beside a worksheet's table they are remarks, elsewhere a missing quote. Results files give such cells columns without a name: there a row
// that was invalid stays so until they are empty, or a run over the results would send what the first run refused.
func (h *header) overflow(cells []string, earlier *invite.Earlier) error {
	if err := tooWide(cells, h.width); err != nil && !h.typed {
		return err
	}
	if earlier == nil || earlier.Status != invite.StatusInvalid {
		return nil
	}
	return tooWide(cells[:min(h.results, len(cells))], lastFilled(h.cells[:h.results])+1)
}

// tooShort: whoever writes results, and every spreadsheet that saves them, fills all columns. A row that lacks some was cut
// off, so that its last cell may be half a link.
func (h *header) tooShort(cells []string) error {
	if !h.sent || len(cells) >= h.end {
		return nil
	}
	return fmt.Errorf("has %d cells but the header has %d; was the file cut off here?", len(cells), h.end)
}

func tooWide(cells []string, width int) error {
	if len(cells) <= width {
		return nil
	}
	used := lastFilled(cells) + 1
	if used <= width {
		return nil
	}
	return fmt.Errorf("has %d cells but the header has %d; does a value with a comma lack its quotes?", used, width)
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
	for _, f := range guesses {
		if err := h.guess(f); err != nil {
			return err
		}
	}
	return h.findParts(mapped[Name] != "")
}

// assign gives a field the column that the user named, by its exact header or else by its letters and digits.
func (h *header) assign(f Field, column string) error {
	found := h.places(func(label string) bool { return label == trim(column) })
	if len(found) == 0 && squash(column) != "" {
		found = h.places(func(label string) bool { return squash(label) == squash(column) })
	}
	arg := assign(string(f), column)
	switch {
	case len(found) == 0:
		return h.fail("", "--map %s: no column is called that; the columns are %s", arg, h.list())
	case len(found) > 1:
		return h.fail("", "--map %s: %s are called that, rename one", arg, h.list(found...))
	}
	for other, i := range h.columns {
		if i == found[0] {
			return h.fail("", "--map %s: this column is the %s already", arg, words[other])
		}
	}
	h.columns[f] = found[0]
	return nil
}

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

// candidates gives the columns that have an alias of a field and that the user has not given to another one.
func (h *header) candidates(f Field) []int {
	taken := map[int]bool{}
	for other, i := range h.columns {
		taken[i] = other != f
	}
	found := h.places(func(label string) bool { return slices.Contains(aliases[f], squash(label)) })
	return slices.DeleteFunc(found, func(i int) bool { return taken[i] })
}

// findParts looks for first and last names where there is no column for whole names. "Name" beside only one of them
// is the other one in some sheets: then it asks.
func (h *header) findParts(certain bool) error {
	name, whole := h.columns[Name]
	if whole && (certain || (len(h.candidates(FirstName)) == 0) == (len(h.candidates(LastName)) == 0)) {
		return nil
	}
	if whole {
		part := append(h.candidates(FirstName), h.candidates(LastName)...)[0]
		return h.fail("--map "+assign("name", h.labels[name]), "column %q may hold whole names or only the other part of %q",
			cut(h.labels[name]), cut(h.labels[part]))
	}
	for _, f := range []Field{FirstName, LastName} {
		if err := h.guess(f); err != nil {
			return err
		}
	}
	return nil
}

func (h *header) ambiguous(f Field, found []int) error {
	hint := "--map " + assign(string(f), h.labels[found[0]])
	if h.labels[found[0]] == h.labels[found[1]] {
		return h.fail("", "there are two columns for the %s: %s, rename one", words[f], h.list(found...))
	}
	return h.fail(hint, "there are %d columns for the %s: %s", len(found), words[f], h.list(found...))
}

// missing names every field that has to have a column and has none.
func (h *header) missing(o Options) error {
	var fields, hints []string
	// Of people who were invited before no name is needed, and our own results say what was sent.
	spare := map[Field]bool{Name: o.Import, AssessmentID: h.sent, Format: h.sent}
	require := func(f Field, hint string) {
		if !h.has(f) && o.Defaults[f].Value == "" && !spare[f] {
			fields, hints = append(fields, "the "+words[f]), append(hints, hint)
		}
	}
	require(Name, "--map name=COLUMN")
	require(Email, "--map email=COLUMN")
	require(AssessmentID, "--assessment-id ID")
	require(Format, fmt.Sprintf("--format %s|%s", invite.GetLink, invite.SendLink))
	if len(fields) == 0 {
		return nil
	}
	if len(h.cells) == 1 && strings.ContainsAny(h.cells[0], ";\t|") {
		return h.fail("leave --delimiter out", "the columns do not seem to be separated by commas: %s", h.list())
	}
	return h.fail(strings.Join(hints, " "), "no column for %s; the columns are %s", strings.Join(fields, " and "), h.list())
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

// list quotes the names of some columns, or of all.
func (h *header) list(places ...int) string {
	if len(places) == 0 {
		places = h.places(func(string) bool { return true })
	}
	var names []string
	for _, i := range places[:min(len(places), maxListed)] {
		names = append(names, strconv.Quote(cut(h.labels[i])))
	}
	if more := len(places) - maxListed; more > 0 {
		names = append(names, fmt.Sprintf("and %d more", more))
	}
	return strings.Join(names, ", ")
}

func (h *header) fail(hint, format string, args ...any) error {
	return &Error{File: h.file, Line: h.line, Reason: fmt.Sprintf(format, args...), Hint: hint}
}

// label is what a field's column is called in messages, "" if it has none.
func (h *header) label(f Field) string {
	if column := sentColumns[f]; column != "" && h.sent {
		return column
	}
	if i, ok := h.columns[f]; ok {
		return cut(h.labels[i])
	}
	if f == Name {
		return h.label(FirstName) + " + " + h.label(LastName)
	}
	return ""
}

// tags names the columns for gocsv: by their field, or by nothing that a field is tagged with. Of two columns with one
// name it would take the last, so none is named twice.
func (h *header) tags() []string {
	tags := make([]string, h.width)
	for f, i := range h.columns {
		tags[i] = string(f)
	}
	return tags
}
