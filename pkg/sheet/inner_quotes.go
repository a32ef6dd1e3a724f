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
	for rest := p[:n]; len(rest) > 0; {
		i := bytes.IndexByte(rest, '"')
		if i < 0 {
			q.pass(rest)
			break
		}
		q.pass(rest[:i])
		switch q.at {
		case fieldStart, afterQuote:
			q.at = inQuotes
		case inQuotes:
			q.at = afterQuote
		case inPlain:
			rest[i] = standIn
			q.replaced = append(q.replaced, q.bytes)
			q.bytes++
		}
		q.given++
		rest = rest[i+1:]
	}
	return n, err
}

// pass takes bytes without a quote.
func (q *innerQuotes) pass(p []byte) {
	if len(p) == 0 {
		return
	}
	q.bytes += bytes.Count(p, []byte{standIn})
	if q.at != inQuotes {
		from := len(p)
		for from > 0 && p[from-1] != q.delimiter && p[from-1] != '\n' && p[from-1] != '\r' {
			from--
		}
		switch {
		case from > 0:
			q.at = fieldStart
		case q.at == afterQuote:
			q.at = inPlain
		}
		if q.at == fieldStart && !q.isBlank(p[from:], q.given+int64(from)) {
			q.at = inPlain
		}
	}
	q.given += int64(len(p))
}

// isBlank tells whether bytes at an offset are blanks, or a byte order mark.
func (q *innerQuotes) isBlank(p []byte, offset int64) bool {
	if offset == 0 {
		p = bytes.TrimPrefix(p, mark)
	}
	return len(bytes.Trim(p, " \t")) == 0
}

// restore puts the quotes back into a record's cells, and tells whether there were any. It has to see every record, in order.
func (q *innerQuotes) restore(cells []string) (found bool) {
	if q == nil || q.bytes == q.returned {
		return false
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
				whole[j], found = '"', true
				q.replaced = q.replaced[1:]
			}
			q.returned++
		}
		cells[i] = string(whole)
	}
	return found
}
