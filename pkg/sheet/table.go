package sheet

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"batchinvite/pkg/invite"
)

// table is a worksheet in a form of our own, in a second private file: unpacking a workbook for each pass would be slow,
// and reading rows of this form is not.
type table struct {
	sheet      string     // the worksheet's name
	others     []string   // of the visible worksheets that have rows too
	heads      [][]string // their first rows
	rows       int        // the header is one
	marked     bool       // the workbook has invite.WorkbookMark
	hidden     int        // rows
	uncomputed int        // cells
	links      map[place]string
	merged     []area // by their first row

	file  *os.File
	path  string // "" once it is gone from its folder
	size  int64
	kinds []kindSet
}

// place is a cell: the sheet's own row, from 1, and the column, from 0.
type place struct{ row, column int }

// kindSet is the kinds that the cells of a column have, a bit each.
type kindSet uint8

// cell is what a worksheet's cell comes to.
type cell struct {
	text string
	kind invite.CellKind

	uncomputed bool // a formula whose value is not there
}

// privateFile makes a file of mode 0600 in the system's temporary folder, from which it is gone at once where the system
// lets an open file go, so that a killed run leaves nothing. Elsewhere path is what its owner removes, or removeLeftovers.
func privateFile() (file *os.File, path string, err error) {
	if file, err = os.CreateTemp("", snapshotName+"*"); err != nil {
		return nil, "", err
	}
	path = file.Name()
	if err := os.Remove(path); err == nil || errors.Is(err, fs.ErrNotExist) {
		path = ""
	}
	return file, path, nil
}

// closePrivate gives up what privateFile made.
func closePrivate(file *os.File, path string) error {
	err := file.Close()
	if path != "" {
		err = errors.Join(err, os.Remove(path))
	}
	return err
}

func (t *table) close() error { return closePrivate(t.file, t.path) }

// columnKinds gives the kind of each column below the header. Beside texts the others count: what is written of it is of that
// kind wherever the same text comes back.
func (t *table) columnKinds() []invite.CellKind {
	kinds := make([]invite.CellKind, len(t.kinds))
	for i, set := range t.kinds {
		for _, kind := range []invite.CellKind{invite.NumberCells, invite.DateCells} {
			if set &^= 1 << invite.TextCells; set == 1<<kind {
				kinds[i] = kind
			}
		}
	}
	return kinds
}

// hasDates tells whether any expiry date is a date and no text. There may be no table.
func (t *table) hasDates(h *header) bool {
	i, ok := h.columns[Expires]
	i = h.place(i)
	return t != nil && ok && i < len(t.kinds) && t.kinds[i]&(1<<invite.DateCells) != 0
}

// tableWriter fills a table.
type tableWriter struct {
	*table
	out *bufio.Writer
	row []byte // reused
}

// add writes one row: its length in bytes, its number, how many cells it has, and each cell with twice its length, or 1 if
// it is uncomputed.
func (w *tableWriter) add(number int, cells []cell) error {
	w.row = binary.AppendUvarint(w.row[:0], uint64(number))
	w.row = binary.AppendUvarint(w.row, uint64(len(cells)))
	for i, c := range cells {
		if c.uncomputed {
			c.text, w.row = "", append(w.row, 1)
			w.uncomputed++
		} else {
			w.row = binary.AppendUvarint(w.row, 2*uint64(len(c.text)))
		}
		w.row = append(w.row, c.text...)
		if i == len(w.kinds) {
			w.kinds = append(w.kinds, 0)
		}
		if w.rows > 0 && c.text != "" {
			w.kinds[i] |= 1 << c.kind
		}
	}
	w.rows++
	length := binary.AppendUvarint(nil, uint64(len(w.row)))
	w.size += int64(len(length) + len(w.row))
	if _, err := w.out.Write(length); err != nil {
		return err
	}
	_, err := w.out.Write(w.row)
	return err
}

// tableReader gives the rows of a table. Rows that are shorter than the header get empty cells: a worksheet does not keep
// those.
type tableReader struct {
	file  string // the input's name, for errors
	in    *bufio.Reader
	row   []byte
	read  int64
	width int // of the header

	merged mergedCells
}

func (t *table) reader(file string) *tableReader {
	return &tableReader{file: file, merged: mergedCells{areas: t.merged}, in: bufio.NewReaderSize(io.NewSectionReader(t.file, 0, t.size), readBuffer)}
}

func (r *tableReader) next() (record, error) {
	length, err := binary.ReadUvarint(r.in)
	if errors.Is(err, io.EOF) {
		return record{}, io.EOF
	}
	if err == nil {
		if uint64(cap(r.row)) < length {
			r.row = make([]byte, length)
		}
		r.row = r.row[:length]
		_, err = io.ReadFull(r.in, r.row)
	}
	if err != nil {
		return record{}, fmt.Errorf("read the copy of %s: %w", r.file, err)
	}
	r.read += int64(length)
	return r.decode(), nil
}

// decode makes one string of the row, of which the cells are parts.
func (r *tableReader) decode() record {
	at := 0
	number := func() int {
		n, size := binary.Uvarint(r.row[at:])
		at += size
		return int(n)
	}
	line, n := number(), number()
	header := r.width == 0
	if header {
		r.width = n
	}
	text, rec := string(r.row), record{line: line, cells: make([]string, max(n, r.width))}
	for i := range n {
		length := number()
		if length == 1 {
			rec.uncomputed = append(rec.uncomputed, i)
		}
		rec.cells[i] = text[at : at+length/2]
		at += length / 2
	}
	if !header {
		r.merged.fill(line, rec.cells)
	}
	return rec
}
