package sheet

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/xuri/excelize/v2"
)

// grid reads the rows of a worksheet.
type grid struct {
	book   *workbook
	xml    *tokens
	row    int    // the last one's number
	cells  []cell // reused
	seen   int    // cells of the row, also empty ones
	hidden bool   // the row is
	size   int    // bytes of the row
}

// partError is what is wrong with a part of a workbook, by contrast with our own trouble.
type partError struct{ err error }

func (e *partError) Error() string { return e.err.Error() }
func (e *partError) Unwrap() error { return e.err }

func partFault(format string, args ...any) error { return &partError{fmt.Errorf(format, args...)} }

// tooEarly: the end of a part is an error in the middle of it.
func tooEarly(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

// next gives the number and the cells of the next row that is not blank, io.EOF after the last. The cells are good until
// the next call.
func (g *grid) next() (row int, cells []cell, err error) {
	for {
		token, err := g.xml.next()
		if err != nil {
			return 0, nil, &partError{tooEarly(err)}
		}
		switch t := token.(type) {
		case xml.StartElement:
			err = g.start(t)
		case xml.EndElement:
			if t.Name.Local == "sheetData" {
				return 0, nil, io.EOF
			}
			if t.Name.Local == "row" && slices.ContainsFunc(g.cells, func(c cell) bool { return trim(c.text) != "" || c.uncomputed }) {
				return g.row, g.cells, nil
			}
		}
		if err != nil {
			return 0, nil, err
		}
	}
}

func (g *grid) start(e xml.StartElement) error {
	switch e.Name.Local {
	case "row":
		row := g.row + 1
		if text := attr(e, "r"); text != "" {
			n, err := strconv.Atoi(text)
			if err != nil || n < row {
				return partFault("row %.20q comes after row %d", text, g.row)
			}
			row = n
		}
		if row > excelize.TotalRows {
			return partFault("it has more than %d rows", excelize.TotalRows)
		}
		g.row, g.cells, g.seen, g.size = row, g.cells[:0], 0, 0
		g.hidden = attr(e, "hidden") == "1" || attr(e, "hidden") == "true"
	case "c":
		return g.cell(e)
	}
	return nil
}

// cell reads one cell to its end. One without a reference stands right of the one before.
func (g *grid) cell(e xml.StartElement) error {
	column := g.seen
	if ref := attr(e, "r"); ref != "" {
		c, _, err := excelize.CellNameToCoordinates(ref)
		if err != nil || c <= g.seen {
			return partFault("cell %.20q of row %d is out of place", ref, g.row)
		}
		column = c - 1
	}
	if g.seen = column + 1; g.seen > excelize.MaxColumns {
		return partFault("row %d has more than %d columns", g.row, excelize.MaxColumns)
	}
	var c content
	for ended := false; !ended; {
		token, err := g.xml.next()
		if err == nil {
			ended, err = c.take(token, "c")
		}
		if err != nil {
			return &partError{tooEarly(err)}
		}
	}
	value, err := g.value(e, string(c.text))
	if err != nil {
		return err
	}
	// An empty text is a value, if it is said to be one: some libraries write the element and nothing in it.
	value.uncomputed = c.formula && len(c.text) == 0 && (!c.valued || attr(e, "t") != "str")
	if value.text == "" && !value.uncomputed {
		return nil
	}
	if g.size += len(value.text); g.size > maxRecord {
		return partFault("row %d is longer than 1 MiB", g.row)
	}
	for len(g.cells) < column {
		g.cells = append(g.cells, cell{})
	}
	g.cells = append(g.cells, value)
	return nil
}

// value makes of a cell's content what it shows.
func (g *grid) value(e xml.StartElement, text string) (cell, error) {
	if text == "" {
		return cell{}, nil
	}
	switch attr(e, "t") {
	case "s":
		n, err := strconv.Atoi(strings.TrimSpace(text))
		if err != nil {
			n = -1
		}
		shared, ok, err := g.book.strings.get(n)
		if err == nil && !ok {
			err = partFault("row %d has a cell whose text %.20q is nowhere", g.row, text)
		}
		return cell{text: shared}, err
	case "str", "inlineStr":
		return cell{text: unescape(text)}, nil
	case "e":
		return cell{text: text}, nil
	case "b":
		if strings.TrimSpace(text) == "0" {
			return cell{text: "FALSE"}, nil
		}
		return cell{text: "TRUE"}, nil
	case "d":
		return isoDate(text), nil
	}
	style, _ := strconv.Atoi(attr(e, "s"))
	return g.book.number(text, style), nil
}
