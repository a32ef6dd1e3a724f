// Package sheet reads candidate files: a private copy first, then row by row, each row checked.
//
// What it promises:
//
//   - Every pass over a sheet gives the very same rows, whatever becomes of the file meanwhile.
//   - One line of the input that is not blank is one row, with all its cells as they stand in the file and the physical
//     line on which it begins. A bad row is a row with a Problem; a bad file is one *Error.
//   - Memory does not grow with the file: at most a chunk of rows and one record are held.
//
// A results file of ours that comes back is recognised by its header: the result columns are taken off, and the guards
// of its cells too.
package sheet

import (
	"errors"
	"fmt"
	"io"
	"iter"
	"maps"
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/gocarina/gocsv"

	"batchinvite/pkg/invite"
)

// A chunk ends when it has this many rows or bytes: gocsv looks its struct up once a chunk, and long rows must not add
// up.
const (
	chunkRows  = 256
	chunkBytes = 1 << 20
)

// Error says what is wrong with an input as a whole.
type Error struct {
	File   string
	Line   int    // 0 if the file as a whole is meant
	Column string // the header's name of the column, "" if there is none to name
	Reason string // lower case, no full stop
	Hint   string // flags to type, "" if none help

	err error
}

func (e *Error) Error() string {
	where := e.File
	if e.Line > 0 {
		where += fmt.Sprintf(": line %d", e.Line)
	}
	if e.Column != "" {
		where += ", column " + e.Column
	}
	return where + ": " + e.Reason
}

// Unwrap gives the cause, if the system gave one.
func (e *Error) Unwrap() error { return e.err }

// Sheet is one input whose header has been understood. Once the first full pass of Rows has ended, all methods may be
// called from many goroutines; before, from one at a time.
type Sheet struct {
	snapshot *Snapshot
	checks   checks

	passed         bool // the first full pass has ended, and found:
	width          int
	contradictions map[Field]int
	dateNotice     string
}

// Open reads the header, which is the first line that is not blank. A file that can't be used is an *Error; an error in
// the options is one of Options.Check.
func Open(s *Snapshot, o Options) (*Sheet, error) {
	checks, err := newChecks(o)
	if err != nil {
		return nil, err
	}
	if s.lineFeeds == 0 && s.Lines > 1 {
		return nil, &Error{File: s.Name, Reason: "its lines end in carriage returns alone; save it with line feeds"}
	}
	rec, err := newRecords(s.Name, s.Reader()).next()
	if errors.Is(err, io.EOF) {
		err = &Error{File: s.Name, Reason: "has no header, every line is blank"}
	}
	if err == nil {
		checks.header, err = newHeader(s.Name, rec, o)
	}
	// A file in UTF-16 may even have a header that reads well once its zeros are passed over.
	if err != nil || strings.ContainsRune(strings.Join(rec.cells, ""), 0) {
		if isBinary(s) {
			err = &Error{File: s.Name, Reason: "is not a CSV file in UTF-8", Hint: `save it as "CSV UTF-8"`}
		}
		return nil, err
	}
	sheet := &Sheet{snapshot: s, checks: checks, width: len(checks.header.cells)}
	sheet.checks.dates.column = sync.OnceValues(sheet.scanDates)
	return sheet, nil
}

// records reads the file from its start.
func (s *Sheet) records() *records { return newRecords(s.snapshot.Name, s.snapshot.Reader()) }

// isBinary tells what no text in UTF-8 begins with. It is asked about files that can't be read only: a stray byte in
// a usable one is a row's affair.
func isBinary(s *Snapshot) bool {
	start := make([]byte, 512)
	n, _ := s.Reader().Read(start)
	for rest := start[:n]; len(rest) > 0; {
		r, size := utf8.DecodeRune(rest)
		if r == 0 || r == utf8.RuneError && size == 1 {
			return utf8.FullRune(rest) // or else it is the last one, cut
		}
		rest = rest[size:]
	}
	return false
}

// Header gives the file's own columns as they stand in it.
func (s *Sheet) Header() []string { return s.checks.header.cells }

// Recognised tells that the input is a results file of ours.
func (s *Sheet) Recognised() bool { return s.checks.header.recognised }

// Column is what problems call the column of a field, "" if it has none.
func (s *Sheet) Column(f Field) string { return s.checks.header.label(f) }

// Width is the largest number of cells that a row or the header has. It is complete after the first full pass.
func (s *Sheet) Width() int { return s.width }

// Contradictions counts, by field, the valid rows that say something else than a flag typed on the command line. It is
// nil until the first full pass has ended.
func (s *Sheet) Contradictions() map[Field]int { return maps.Clone(s.contradictions) }

// Rows gives every row, in the file's order. After an error, an *Error save where the copy itself can't be read, there
// are no more.
func (s *Sheet) Rows() iter.Seq2[invite.Row, error] {
	return func(yield func(invite.Row, error) bool) {
		checks, width := s.checks, s.width
		checks.expires.parse = checks.parseDate
		source := s.records()
		source.labels = checks.header.labels
		c := chunk{header: checks.header}
		err := checks.header.skip(source)
		for err == nil {
			var rows []values
			rows, err = c.read(source)
			for i := range rows {
				row := checks.row(c.records[i], &rows[i])
				if checks.dates.err != nil {
					yield(invite.Row{}, checks.dates.err)
					return
				}
				width = max(width, len(row.Cells))
				if !yield(row, nil) {
					return
				}
			}
		}
		if !errors.Is(err, io.EOF) {
			yield(invite.Row{}, err)
			return
		}
		s.pass(width, &checks)
	}
}

// pass keeps what the first full pass found. Later ones find the same, and must not write under readers' eyes.
func (s *Sheet) pass(width int, c *checks) {
	if s.passed {
		return
	}
	s.passed, s.width = true, width
	s.dateNotice = c.dates.notice()
	s.contradictions = map[Field]int{}
	for f, n := range map[Field]int{
		AssessmentID: c.assessment.contradictions,
		Format:       c.format.contradictions,
		Expires:      c.expires.contradictions,
	} {
		if n > 0 {
			s.contradictions[f] = n
		}
	}
}

// chunk hands some records to gocsv, and keeps them as they stand beside what it makes of them.
type chunk struct {
	header  *header
	records []record
}

// read fills the chunk and maps it. With an error, io.EOF at the end, come the rows before it.
func (c *chunk) read(source *records) ([]values, error) {
	c.records = c.records[:0]
	var err error
	for end := source.offset() + chunkBytes; len(c.records) < chunkRows && source.offset() < end; {
		var rec record
		if rec, err = source.next(); err != nil {
			break
		}
		c.header.unguard(rec.cells)
		c.records = append(c.records, rec)
	}
	var rows []values
	if mapErr := gocsv.UnmarshalCSV(c, &rows); mapErr != nil {
		return nil, fmt.Errorf("map the columns of %s: %w", source.file, mapErr)
	}
	return rows, err
}

// Read is never called: gocsv wants the whole chunk.
func (c *chunk) Read() ([]string, error) { return nil, io.EOF }

// ReadAll gives the header and the records, as gocsv wants them.
func (c *chunk) ReadAll() ([][]string, error) {
	all := make([][]string, 0, len(c.records)+1)
	all = append(all, c.header.tags())
	for _, rec := range c.records {
		all = append(all, rec.cells)
	}
	return all, nil
}

// Mapping tells in one line where each field comes from.
func (s *Sheet) Mapping() string {
	var parts []string
	for _, f := range []Field{Name, Email, AssessmentID, Format, Expires, Link, InvitedAt} {
		if from := s.source(f); from != "" {
			parts = append(parts, words[f]+": "+from)
		}
	}
	return strings.Join(parts, ", ")
}

func (s *Sheet) source(f Field) string {
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
