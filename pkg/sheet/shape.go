package sheet

import (
	"bufio"
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"golang.org/x/text/encoding"
)

const sampleSize = 64 << 10

// Shape is how a text file is written, so that another one can be written alike.
type Shape struct {
	Encoding  string // its name in the WHATWG's list, such as utf-8 or windows-1252
	BOM       bool   // it begins with a byte order mark
	Delimiter rune   // between cells
	Sep       bool   // its first line is "sep=" and the delimiter, as Excel reads it
	CRLF      bool   // most of its first lines end in both
	Mixed     bool   // it is UTF-8 but for single cells, which Encoding was guessed of
	Lossy     bool   // some of its bytes are no characters of Encoding
}

// String names the kind of file for people.
func (s Shape) String() string {
	name, known := delimiterNames[s.Delimiter]
	if name += "s"; !known {
		name = strconv.Quote(string(s.Delimiter)) + " between cells"
	}
	return "CSV (" + name + ", " + cmp.Or(shownEncodings[s.Encoding], s.Encoding) + ")"
}

// text is a file of text, and how its bytes become records.
type text struct {
	snapshot *Snapshot
	shape    Shape
	decoder  encoding.Encoding // nil for UTF-8
	guess    bool              // cells that are not UTF-8 are Windows-1252
	notices  []string
}

// openText finds out how a file is written, from its start and by what the options force. known tells the headers that
// have a meaning. The error is an *Error unless the copy can't be read.
func openText(s *Snapshot, encoding string, delimiter rune, known func(label string) bool) (*text, error) {
	start, err := beginning(s.Reader())
	if err != nil {
		return nil, fmt.Errorf("read the copy of %s: %w", s.Name, err)
	}
	if err := refuseBinary(s, start); err != nil {
		return nil, err
	}
	t := &text{snapshot: s}
	if err := t.findEncoding(start, encoding); err != nil {
		return nil, err
	}
	if start, err = beginning(t.reader()); err != nil {
		return nil, fmt.Errorf("read the copy of %s: %w", s.Name, err)
	}
	if err := refuseMarkup(s.Name, start); err != nil {
		return nil, err
	}
	both := bytes.Count(start, []byte("\r\n"))
	t.shape.CRLF = 2*both > bytes.Count(start, []byte("\n"))
	var sep rune
	_, t.shape.BOM, sep = marks(start)
	t.shape.Sep = sep != 0
	t.shape.Delimiter = cmp.Or(delimiter, sep)
	if t.shape.Delimiter == 0 {
		t.shape.Delimiter = t.sniff(known)
	}
	return t, nil
}

// beginning gives the beginning of what r holds.
func beginning(r io.Reader) ([]byte, error) {
	start := make([]byte, sampleSize)
	n, err := io.ReadFull(r, start)
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		err = nil
	}
	return start[:n], err
}

// reader gives the text from its start, in UTF-8 as far as that is certain, with its marks.
func (t *text) reader() io.Reader {
	if t.decoder == nil {
		return t.snapshot.Reader()
	}
	return t.decoder.NewDecoder().Reader(bufio.NewReaderSize(t.snapshot.Reader(), readBuffer))
}

// records reads the text from its start.
func (t *text) records() *records {
	if table := t.snapshot.table; table != nil {
		return &records{file: t.snapshot.Name, table: table.reader(t.snapshot.Name)}
	}
	in := t.reader()
	inner := newInnerQuotes(in, t.shape.Delimiter)
	if inner != nil {
		in = inner
	}
	var lone *returns
	// Of another encoding the bytes that were counted may be halves of something else.
	if t.snapshot.loneReturns > 0 || t.decoder != nil {
		lone = &returns{in: bufio.NewReaderSize(in, readBuffer)}
		in = lone
	}
	r := newRecords(t.snapshot.Name, in, t.shape.Delimiter)
	r.inner, r.lone, r.guess = inner, lone, t.guess
	return r
}

// marks finds what stands before the first line of a table: a byte order mark, and a line such as sep=; that names the
// delimiter. n is their length in bytes.
func marks(start []byte) (n int, bom bool, sep rune) {
	rest, bom := bytes.CutPrefix(start, mark)
	n = len(start) - len(rest)
	line, _, _ := bytes.Cut(rest, []byte("\n"))
	line, _, _ = bytes.Cut(line, []byte("\r"))
	content := string(line)
	if len(content) == len(`"sep=;"`) && content[0] == '"' && content[6] == '"' {
		content = content[1:6]
	}
	name, c, ok := strings.Cut(content, "=")
	d, err := ParseDelimiter(c)
	if !ok || !strings.EqualFold(name, "sep") || len(c) != 1 || err != nil {
		return n, bom, 0
	}
	n += len(line)
	for _, end := range []string{"\r", "\n"} {
		if bytes.HasPrefix(start[n:], []byte(end)) {
			n++
		}
	}
	return n, bom, d
}
