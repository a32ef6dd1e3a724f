package sheet

import (
	"bufio"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"strings"
)

const (
	// maxRecord bounds what one open quote can swallow, in bytes. Up to a read buffer more may pass.
	maxRecord  = 1 << 20
	readBuffer = 64 << 10
	// maxMarks is what a mark, a line such as "sep=;" and its end take at most.
	maxMarks = 12
)

// record is one line of a table as it stands in the file, or several where a cell has line breaks in it.
type record struct {
	cells []string
	line  int // the physical line it begins on, from 1

	inner      bool  // a value that is not quoted has a quote in it
	uncomputed []int // places of formulas whose values are not there
}

// records reads a table record by record. What kind of file it is ends here: nothing above knows of commas or quotes.
type records struct {
	file   string
	labels []string // the header's, once known, for errors
	in     *capped
	buf    *bufio.Reader
	csv    *csv.Reader

	inner   *innerQuotes // nil if there can't be any
	lone    *returns     // nil if no return stands alone
	guess   bool         // cells that are not UTF-8 are Windows-1252
	guessed guessed
	marks   int64        // bytes passed over before
	skipped int          // lines
	table   *tableReader // instead of all that is above, but for file, where the input is a workbook
}

func newRecords(file string, r io.Reader, delimiter rune) *records {
	in := &capped{r: r, blank: true}
	buf := bufio.NewReaderSize(in, readBuffer)
	s := &records{file: file, in: in, buf: buf}
	// Before a quoted header the csv reader would take a byte order mark for a bare quote's beginning.
	start, _ := buf.Peek(maxMarks)
	n, _, sep := marks(start)
	n, _ = buf.Discard(n)
	if s.marks = int64(n); sep != 0 {
		s.skipped = 1
	}
	in.read -= s.marks         // the csv reader counts from here
	s.csv = csv.NewReader(buf) // takes buf as it is, since it is large enough
	s.csv.FieldsPerRecord = -1
	s.csv.Comma = delimiter
	return s
}

// next gives the next record that is not blank, io.EOF after the last, or an *Error.
func (s *records) next() (record, error) {
	if s.table != nil {
		return s.table.next()
	}
	for {
		before := s.skipped + s.uncounted()
		cells, err := s.csv.Read()
		if s.in.tripped || err != nil && err != io.EOF {
			return record{}, s.fail(cells, err, before)
		}
		if err != nil {
			return record{}, err
		}
		s.in.mark(s.offset(), s.buf)
		line, _ := s.csv.FieldPos(0)
		line += before
		inner := s.inner.restore(cells)
		if s.guess {
			s.guessed.decode(cells, line)
		}
		if !isBlank(cells) {
			return record{cells: cells, line: line, inner: inner}, nil
		}
	}
}

// uncounted are the line ends up to here that the csv reader did not take for any.
func (s *records) uncounted() int {
	if s.lone == nil {
		return 0
	}
	return s.lone.before(s.offset() + s.marks - 1) // a return at the very end has no line behind it
}

// offset is the number of bytes up to the end of the last record.
func (s *records) offset() int64 {
	if s.table != nil {
		return s.table.read
	}
	return s.csv.InputOffset()
}

// fail explains err, given the cells before the one that went wrong, and the lines before its record that the csv reader
// does not know of.
func (s *records) fail(cells []string, err error, before int) error {
	e := &Error{File: s.file}
	if err == nil { // tripped by a line without quotes
		e.Line, _ = s.csv.FieldPos(0)
		e.Line += before
		e.Reason = "the row that begins here is longer than 1 MiB"
		return e
	}
	parse, ok := errors.AsType[*csv.ParseError](err)
	if !ok {
		return fmt.Errorf("read the copy of %s: %w", s.file, err)
	}
	if errors.Is(err, csv.ErrBareQuote) {
		e.Line = parse.Line + s.skipped + s.uncounted()
		e.Reason = fmt.Sprintf("byte %d of the line is a quote with blanks before it; delete them if it opens the value, else quote the whole value and double the quotes inside it", parse.Column)
		if s.inner == nil {
			e.Reason = fmt.Sprintf("byte %d of the line is a quote in a value that is not quoted; quote the whole value and double the quotes inside it", parse.Column)
		}
	} else {
		// An open quote swallows rows until the next quote: where it opens is the place to mend.
		text := strings.Join(cells, "")
		e.Line = parse.StartLine + before + strings.Count(text, "\n") + strings.Count(text, "\r")
		e.Reason = fmt.Sprintf("the quote that opens here is not closed properly by line %d", parse.Line+s.skipped+s.uncounted())
		if s.lone == nil { // or else it is not the line that the csv reader counts in
			e.Reason += fmt.Sprintf(", byte %d", parse.Column)
		}
		e.Hint = "close it, or double it if it belongs to the value"
		if s.in.tripped {
			e.Reason = "the quote that opens here is not closed within 1 MiB"
		}
	}
	if len(cells) < len(s.labels) {
		e.Column = cut(s.labels[len(cells)])
	}
	return e
}

// capped ends the input when a record grows too long, so that the csv reader stops gathering it and tells where it
// began.
type capped struct {
	r       io.Reader
	read    int64 // bytes given out
	start   int64 // where the record being read begins
	blank   bool  // it has nothing but line ends yet, which the csv reader skips without gathering them
	tripped bool
}

func (c *capped) Read(p []byte) (int, error) {
	// The csv reader asks for more only in the middle of a line: all that was given out belongs to this record.
	if c.read-c.start > maxRecord {
		c.tripped = true
		return 0, io.EOF
	}
	n, err := c.r.Read(p)
	c.read += int64(n)
	if c.blank = c.blank && isLineEnds(p[:n]); c.blank {
		c.start = c.read
	}
	return n, err
}

// mark tells that a record has ended at an offset, and what is buffered beyond it.
func (c *capped) mark(end int64, buf *bufio.Reader) {
	ahead, _ := buf.Peek(buf.Buffered())
	c.start, c.blank = end, isLineEnds(ahead)
}

// isLineEnds is false for returns alone: they end no line here, and the csv reader gathers them.
func isLineEnds(b []byte) bool {
	for i, c := range b {
		if c != '\n' && (c != '\r' || i+1 < len(b) && b[i+1] != '\n') {
			return false
		}
	}
	return true
}

func isBlank(cells []string) bool {
	return lastFilled(cells) < 0
}

// lastFilled gives the place of the last cell that is not blank, -1 if there is none.
func lastFilled(cells []string) int {
	for i := len(cells) - 1; i >= 0; i-- {
		if trim(cells[i]) != "" {
			return i
		}
	}
	return -1
}
