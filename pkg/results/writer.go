// Package results turns outcomes into a results file: the input's columns, untouched and in order, then
// invite.ResultColumns.
//
// One Write is one row. Every cell and header has its line breaks as LF and goes through invite.Guard, so that no
// spreadsheet program runs what a stranger wrote, and invite.Unguard gives every text back.
//
// A file whose name ends in .xlsx is a workbook: it is written as CSV and converted at the end, so that the rows are on
// disk all the while. Its cells have types, so no text in them is guarded, and none is a formula. Of the links the first
// 65,530 can be clicked, which is all that a worksheet holds; the others are texts.
//
// The file is whole or absent under its final name (invariant 7): a File writes to NAME.partial beside it, and only
// Commit or Overwrite gives it the name. What somebody else made of an earlier file is kept, never lost.
//
// Nothing here is safe for concurrent use: one goroutine writes the results.
package results

import (
	"cmp"
	"encoding/csv"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/gocarina/gocsv"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/htmlindex"
	"golang.org/x/text/encoding/ianaindex"
	"golang.org/x/text/runes"
	"golang.org/x/text/transform"

	"batchinvite/pkg/invite"
)

// A batch pays the fixed cost of gocsv's reflection once. Its bytes are bounded too, so that rows with huge cells
// cannot pile up in it.
const (
	batchRows  = 256
	batchBytes = 1 << 20
)

// columns are the result columns of one row; a test holds the tags to invite.ResultColumns. All fields are texts, so
// gocsv has nothing to convert or to refuse.
type columns struct {
	Status      string `csv:"invite_status"`
	Link        string `csv:"invite_link"`
	Error       string `csv:"invite_error"`
	Assessment  string `csv:"invite_assessment_id"`
	Format      string `csv:"invite_format"`
	Expires     string `csv:"invite_expires"`
	CandidateID string `csv:"invite_candidate_id"`
	ReportID    string `csv:"invite_report_id"`
	APIStatus   string `csv:"invite_api_status"`
	At          string `csv:"invite_at"`
	Attempts    string `csv:"invite_attempts"`
}

// Format is how a results file is written, so that it opens where the input did. The zero value is plain CSV.
type Format struct {
	BOM       bool
	Delimiter rune // 0 for a comma
	Sep       bool // a first line "sep=" and the delimiter
	CRLF      bool
	// Rejects are rows to be mended and fed back: of the result columns they have invite_error alone, and they are written
	// in Encoding, a name in the WHATWG's list or IANA's, "" for UTF-8. Characters that it lacks become question marks.
	Rejects  bool
	Encoding string
	// Mixed is for a file of which single cells were found to be Windows-1252: cell by cell it is that again where it can be,
	// and UTF-8 elsewhere.
	Mixed bool
}

// reason is the only result column of rejects.
const reason = "invite_error"

// added are the columns behind the input's.
func (f Format) added() []string {
	if f.Rejects {
		return []string{reason}
	}
	return invite.ResultColumns
}

// begin writes what stands before the header, and gives the writer of all that follows.
func (f Format) begin(w io.Writer) (*csv.Writer, error) {
	w, err := f.encode(w)
	if err != nil {
		return nil, err
	}
	out := csv.NewWriter(w)
	out.Comma, out.UseCRLF = cmp.Or(f.Delimiter, ','), f.CRLF
	start := ""
	if f.BOM {
		start = "\ufeff"
	}
	if f.Sep {
		start += "sep=" + string(out.Comma) + "\n"
	}
	if f.CRLF {
		start = strings.ReplaceAll(start, "\n", "\r\n")
	}
	_, err = io.WriteString(w, start)
	return out, err
}

// encode gives a writer that takes UTF-8.
func (f Format) encode(w io.Writer) (io.Writer, error) {
	if !f.Rejects || f.Encoding == "" || f.Mixed {
		return w, nil
	}
	e, err := htmlindex.Get(f.Encoding)
	if err != nil {
		e, err = ianaindex.IANA.Encoding(f.Encoding)
	}
	if err != nil {
		return nil, fmt.Errorf("write %s: %w", f.Encoding, err)
	}
	one := e.NewEncoder()
	known := runes.Map(func(r rune) rune {
		if r < utf8.RuneSelf {
			return r
		}
		if _, err := one.String(string(r)); err != nil {
			return '?'
		}
		return r
	})
	return transform.NewWriter(w, transform.Chain(known, e.NewEncoder())), nil
}

// mixed is what a reader that finds Windows-1252 cell by cell takes for the text.
func mixed(cell string) string {
	bytes, err := charmap.Windows1252.NewEncoder().String(cell)
	if err != nil || utf8.ValidString(bytes) { // plain ASCII, or what would be taken for UTF-8
		return cell
	}
	for _, undefined := range []byte{0x81, 0x8d, 0x8f, 0x90, 0x9d} { // which no reader takes for Windows-1252
		if strings.IndexByte(bytes, undefined) >= 0 {
			return cell
		}
	}
	return bytes
}

// Writer writes result rows as CSV.
type Writer struct {
	out    *csv.Writer
	format Format
	width  int // cells of the input's header

	cells  [][]string // of the rows not marshalled yet, as in the input
	batch  []columns  // of the same rows
	size   int        // bytes of cells
	record []string   // reused for every row
}

// Stream writes results to w, beginning with the header, whose first cells are the input's.
func Stream(w io.Writer, header []string, f Format) (*Writer, error) {
	out, err := f.begin(w)
	if err != nil {
		return nil, err
	}
	s := &Writer{out: out, format: f, width: len(header)}
	s.record = s.clean(nil, slices.Concat(header, f.added()))
	if err := s.out.Write(s.record); err != nil {
		return nil, err
	}
	return s, s.Flush()
}

// Write adds one row. Cells that the row lacks are empty. It is an error if there are more of them than in the header,
// because the result columns would stand under the wrong names. Rows wait in a batch, so an error may be an earlier
// row's, and r.Row.Cells may not change before the next Flush.
func (w *Writer) Write(r invite.Result) error {
	if len(r.Row.Cells) > w.width {
		return fmt.Errorf("write result of line %d: the row has %d cells, the header %d",
			r.Row.Origin.Line, len(r.Row.Cells), w.width)
	}
	w.cells = append(w.cells, r.Row.Cells)
	w.batch = append(w.batch, columnsOf(r))
	for _, cell := range r.Row.Cells {
		w.size += len(cell)
	}
	if len(w.batch) < batchRows && w.size < batchBytes {
		return nil
	}
	return w.marshal()
}

// Flush hands everything written so far to the system.
func (w *Writer) Flush() error {
	if err := w.marshal(); err != nil {
		return err
	}
	w.out.Flush()
	return w.out.Error()
}

func (w *Writer) marshal() error {
	err := gocsv.MarshalCSVWithoutHeaders(w.batch, &joiner{Writer: w})
	clear(w.cells)
	w.cells, w.batch, w.size = w.cells[:0], w.batch[:0], 0
	return err
}

// joiner is the gocsv.CSVWriter that puts the input's cells before the columns that gocsv knows.
type joiner struct {
	*Writer
	next int // index of the row that gocsv is about to write
}

func (j *joiner) Write(added []string) error {
	j.record = j.clean(j.record[:0], j.cells[j.next])
	for len(j.record) < j.width {
		j.record = append(j.record, "")
	}
	if j.format.Rejects {
		at := slices.Index(invite.ResultColumns, reason)
		added = added[at : at+1]
	}
	j.record = j.clean(j.record, added)
	j.next++
	return j.out.Write(j.record)
}

// Flush does nothing: gocsv calls it after every batch, while when to flush is for the owner of the Writer to say.
func (j *joiner) Flush() {}

func (j *joiner) Error() error { return j.out.Error() }

// clean appends cells the way they stand in the file. The line breaks come first: a CR that is guarded and becomes LF
// afterwards would be a text that Unguard does not recognise.
func (w *Writer) clean(record, cells []string) []string {
	for _, cell := range cells {
		if strings.Contains(cell, "\r") {
			cell = strings.ReplaceAll(strings.ReplaceAll(cell, "\r\n", "\n"), "\r", "\n")
		}
		if cell = invite.Guard(cell); w.format.Mixed {
			cell = mixed(cell)
		}
		record = append(record, cell)
	}
	return record
}

func columnsOf(r invite.Result) columns {
	o := r.Outcome
	c := columns{
		Status:      string(r.Status),
		Link:        o.Link,
		Error:       o.Error,
		CandidateID: o.CandidateID,
		ReportID:    o.ReportID,
		APIStatus:   o.APIStatus,
	}
	if r.Format != "" {
		c.Assessment = strconv.FormatInt(r.Row.Candidate.Key.Assessment, 10)
		c.Format = string(r.Format)
		c.Expires = o.Expires
	}
	if !o.At.IsZero() {
		c.At = o.At.UTC().Format(time.RFC3339)
	}
	if o.Attempts > 0 {
		c.Attempts = strconv.Itoa(o.Attempts)
	}
	return c
}
