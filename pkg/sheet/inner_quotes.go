package sheet

import (
	"bytes"
	"io"
	"strings"
	"unicode/utf8"
)

// standIn takes the place of a quote for as long as the csv reader looks at it. No UTF-8 has this byte; where a text of
// another encoding has it, the count tells the two apart.
const standIn = 0xff

// innerQuotes lets quotes stand inside values that are not quoted, as in 5" or 37°2'17.9"W: they can open nothing there. The
// csv reader can be told to take them, but then it takes an open quote too, which swallows the rest. A quote that has
// only blanks before it is left to it: it may be meant to open.
type innerQuotes struct {
	in        io.Reader
	delimiter byte
	given     int64 // bytes
	at        quoteState

	bytes    int   // standIn in what was given so far
	replaced []int // which of them are quotes, of those that have not come back
	returned int   // standIn in what has come back
}

// quoteState is where in a record a byte stands.
type quoteState uint8

const (
	fieldStart quoteState = iota
	inPlain               // in a value that is not quoted
	inQuotes
	afterQuote // in quotes, a quote came: it ends the value or is half of a doubled one
)

// newInnerQuotes gives nil for delimiters that are no single byte, which nobody uses.
func newInnerQuotes(in io.Reader, delimiter rune) *innerQuotes {
	if delimiter >= utf8.RuneSelf {
		return nil
	}
	return &innerQuotes{in: in, delimiter: byte(delimiter)}
}

func (q *innerQuotes) Read(p []byte) (int, error) {
	n, err := q.in.Read(p)
	if bytes.IndexByte(p[:n], '"') < 0 && q.at < inQuotes {
		q.pass(p[:n])
	} else {
		for i, b := range p[:n] {
			if b == '"' && q.at == inPlain {
				p[i] = standIn
				q.replaced = append(q.replaced, q.bytes)
			}
			if p[i] == standIn {
				q.bytes++
			}
			q.at = q.after(b, q.given+int64(i))
		}
	}
	q.given += int64(n)
	return n, err
}

// pass takes bytes without any quote, outside quotes: only those since the last end of a value count.
func (q *innerQuotes) pass(p []byte) {
	q.bytes += bytes.Count(p, []byte{standIn})
	from := len(p)
	for from > 0 && !q.ends(p[from-1]) {
		from--
	}
	if from > 0 {
		q.at = fieldStart
	}
	for i, b := range p[from:] {
		q.at = q.after(b, q.given+int64(from+i))
	}
}

func (q *innerQuotes) ends(b byte) bool { return b == q.delimiter || b == '\n' || b == '\r' }

// after is the state behind a byte at an offset.
func (q *innerQuotes) after(b byte, offset int64) quoteState {
	switch {
	case q.at == inQuotes && b == '"':
		return afterQuote
	case q.at == inQuotes, q.at == afterQuote && b == '"':
		return inQuotes
	case q.ends(b):
		return fieldStart
	case q.at == fieldStart && b == '"':
		return inQuotes
	case q.at == fieldStart && (b == ' ' || b == '\t' || offset < maxMarks && bytes.IndexByte(mark, b) >= 0):
		return fieldStart
	}
	return inPlain
}

// restore puts the quotes back into a record's cells. It has to see every record, in order.
func (q *innerQuotes) restore(cells []string) {
	if q == nil || q.bytes == q.returned {
		return
	}
	for i, cell := range cells {
		if strings.IndexByte(cell, standIn) < 0 {
			continue
		}
		whole := []byte(cell)
		for j, b := range whole {
			if b != standIn {
				continue
			}
			if len(q.replaced) > 0 && q.replaced[0] == q.returned {
				whole[j] = '"'
				q.replaced = q.replaced[1:]
			}
			q.returned++
		}
		cells[i] = string(whole)
	}
}
