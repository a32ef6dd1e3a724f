// Package sheet reads candidate files: a private copy first, then row by row, each row checked.
//
// What it promises:
//
//   - Every pass over a sheet gives the very same rows, whatever becomes of the file meanwhile.
//   - One line of the input that is not blank is one row, with all its cells as they stand in the file and the physical
//     line on which it begins. A bad row is a row with a Problem; a bad file is one *Error.
//   - Memory does not grow with the file: at most a chunk of rows and one record are held.
//
// Of an XLSX one worksheet is read. It is converted once, on disk as well, to what its cells show: dates as YYYY-MM-DD or
// YYYY-MM-DD HH:MM whatever their format, numbers without an exponent, texts as they are, the last results of formulas. Its
// rows keep their numbers.
//
// A results file of ours that comes back is recognised by its header: the result columns are taken off, and the guards
// of its cells too.
package sheet

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"iter"
	"maps"
	"slices"
	"strings"
	"sync"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/gocarina/gocsv"
	"github.com/xuri/excelize/v2"

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

	err     error
	lacking bool // columns
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
	text   *text
	checks checks

	passed         bool // the first full pass has ended, and found:
	extent         extent
	guessed        guessed
	contradictions map[Field]Contradiction
	dateNotice     string
	doubts         []string
	dateOrder      invite.DateOrder
}

// extent is how much there is of a sheet.
type extent struct {
	rows  int // without the header
	width int // cells of the widest row
	huge  int // the line of the first row with a cell that a workbook can't hold, 0 if there is none

	merged int // cells that show what a merged one above them has

	decoded bool // from another encoding than UTF-8
	lossy   bool // with bytes that are no characters there
}

func (e *extent) add(row invite.Row) {
	e.rows++
	e.width = max(e.width, len(row.Cells))
	for _, cell := range row.Cells {
		if e.huge == 0 && len(cell) > excelize.TotalCellChars && len(utf16.Encode([]rune(cell))) > excelize.TotalCellChars {
			e.huge = row.Origin.Line
		}
		e.lossy = e.lossy || e.decoded && strings.ContainsRune(cell, utf8.RuneError)
	}
}

// Open reads the header, which is the first line that is not blank. A file that can't be used is an *Error; an error in
// the options is one of Options.Check.
func Open(s *Snapshot, o Options) (*Sheet, error) {
	checks, err := newChecks(o)
	if err != nil {
		return nil, err
	}
	t, err := openAny(s, &o, o.knows)
	if err != nil {
		return nil, err
	}
	if o.typed { // zeros before a number come from how it is shown
		checks.assessment.parse = func(text, column string) (int64, error) {
			return parseAssessment(cmp.Or(strings.TrimLeft(text, "0"), text), column)
		}
	}
	source := t.records()
	rec, err := source.next()
	if errors.Is(err, io.EOF) {
		err = &Error{File: s.Name, Reason: "has no header, every line is blank"}
	}
	if err == nil {
		checks.header, err = newHeader(s.label(), rec, o)
		err = t.advise(err, rec, o, source.guessed.cells > 0)
	}
	// The header may even read well once zeros are passed over.
	if err != nil || strings.ContainsRune(strings.Join(rec.cells, ""), 0) {
		if start, _ := beginning(t.reader()); s.table == nil && isBinary(start) {
			err = &Error{File: s.Name, Reason: "is not a text file", Hint: saveAs}
		}
	}
	if err != nil {
		return nil, err
	}
	checks.dates.typed = s.table.hasDates(checks.header)
	checks.header.delimiter, checks.titled = t.shape.Delimiter, checks.header.titledColumn()
	if err := checks.header.span(s.table, o); err != nil {
		return nil, err
	}
	sheet := &Sheet{text: t, checks: checks, extent: extent{width: len(checks.header.cells)}}
	sheet.checks.dates.column = sync.OnceValues(sheet.scanDates)
	return sheet, nil
}

// openAny finds out what kind of file it is. known is for openText.
func openAny(s *Snapshot, o *Options, known func(label string) bool) (*text, error) {
	if isZip(s) {
		if err := s.convert(o.Sheet); err != nil {
			return nil, err
		}
		o.typed, o.marked = true, s.table.marked
		// As text it would be what every spreadsheet program opens right by itself.
		return &text{snapshot: s, shape: Shape{Encoding: utf8Name, BOM: true, Delimiter: ','}}, nil
	}
	if o.Sheet != "" {
		return nil, &Error{File: s.Name, Reason: "--sheet is for workbooks, and this is none"}
	}
	t, err := openText(s, o.Encoding, o.Delimiter, known)
	if err == nil {
		o.sep = t.shape.Sep && o.Delimiter == 0
	}
	return t, err
}

// Header gives the file's own columns as they stand in it.
func (s *Sheet) Header() []string { return s.checks.header.cells }

// Kinds gives the type that the cells of each column have, nil where a file has no types.
func (s *Sheet) Kinds() []invite.CellKind {
	table := s.text.snapshot.table
	if table == nil {
		return nil
	}
	return ownOf(s.checks.header, table.columnKinds())
}

// Recognised tells that the input is a results file of ours.
func (s *Sheet) Recognised() bool { return s.checks.header.recognised }

// Column is what problems call the column of a field, "" if it has none.
func (s *Sheet) Column(f Field) string { return s.checks.header.label(f) }

// Shape tells how the file is written. Whether it is so throughout is known after the first full pass.
func (s *Sheet) Shape() Shape {
	shape := s.text.shape
	if s.guessed.cells > 0 {
		shape.Encoding, shape.Mixed = windowsName, true
	}
	shape.Lossy = s.extent.lossy
	return shape
}

// Notices tell in a sentence each, which begins with the file's name, what a person should look at. They are complete
// after the first full pass.
func (s *Sheet) Notices() []string {
	return slices.Concat(s.text.notices, s.guessed.notices(s.text.snapshot.Name), s.sheetNotices())
}

// Width is the largest number of cells that a row or the header has. It is complete after the first full pass.
func (s *Sheet) Width() int { return s.extent.width }

// Count is the number of rows. It is complete after the first full pass, and so is Huge.
func (s *Sheet) Count() int { return s.extent.rows }

// Huge is the line of the first row that has a cell with more characters than one of a workbook holds, 0 if none has.
func (s *Sheet) Huge() int { return s.extent.huge }

// Contradiction tells how many valid rows say something else than a flag typed on the command line, and what the first says.
type Contradiction struct {
	Rows, Line int
	Value      string
}

// Contradictions tells, by field, of the rows that contradict a flag. It is
// nil until the first full pass has ended.
func (s *Sheet) Contradictions() map[Field]Contradiction { return maps.Clone(s.contradictions) }

// Rows gives every row, in the file's order. After an error, an *Error save where the copy itself can't be read, there
// are no more.
func (s *Sheet) Rows() iter.Seq2[invite.Row, error] {
	return func(yield func(invite.Row, error) bool) {
		checks, found := s.checks, extent{width: s.extent.width, decoded: s.text.decoder != nil}
		checks.expires.parse = checks.parseDate
		source := s.text.records()
		source.labels = checks.header.labels
		c := chunk{header: checks.header}
		if table := s.text.snapshot.table; table != nil {
			c.links = table.links
		}
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
				found.add(row)
				if !yield(row, nil) {
					return
				}
			}
		}
		if !errors.Is(err, io.EOF) {
			yield(invite.Row{}, err)
			return
		}
		if source.table != nil {
			found.merged = source.table.merged.filled
		}
		s.pass(found, source.guessed, &checks)
	}
}

// pass keeps what the first full pass found. Later ones find the same, and must not write under readers' eyes.
func (s *Sheet) pass(found extent, g guessed, c *checks) {
	if s.passed {
		return
	}
	s.passed, s.extent, s.guessed = true, found, g
	s.dateNotice = c.dates.notice()
	s.doubts = append(c.header.remarked(c.header.sent), c.titled.notice(c.header), c.dates.swapped(c.header))
	s.doubts = slices.DeleteFunc(s.doubts, func(text string) bool { return text == "" })
	if c.dates.seen[invite.FormOrdered] != "" {
		s.dateOrder = c.dates.order
	}
	s.contradictions = map[Field]Contradiction{}
	for f, found := range map[Field]Contradiction{
		AssessmentID: c.assessment.contradictions,
		Format:       c.format.contradictions,
		Expires:      c.expires.contradictions,
	} {
		if found.Rows > 0 {
			s.contradictions[f] = found
		}
	}
}

// chunk hands some records to gocsv, and keeps them as they stand beside what it makes of them.
type chunk struct {
	header  *header
	records []record
	links   map[place]string
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
		if len(rec.uncomputed) > 0 && isBlank(rec.cells) && !c.header.reads(rec.uncomputed) {
			continue // such as numbers that go on below the people
		}
		c.header.unguard(rec.cells)
		c.header.follow(rec, c.links)
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
