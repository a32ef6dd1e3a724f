package sheet

// Table reads a file of another kind than a Sheet: the same encodings, delimiters, line ends and workbooks, and no meaning. One
// goroutine may use it.
type Table struct {
	text    *text
	records *records
}

// OpenTable finds out how the file is written. known tells the headers that may be expected,
// to find the delimiter by. The error is an *Error where the file is to blame.
func OpenTable(s *Snapshot, known func(label string) bool) (*Table, error) {
	t, err := openAny(s, &Options{}, known)
	if err != nil {
		return nil, err
	}
	return &Table{t, t.records()}, nil
}

// Next gives the next record that is not blank, the header first, and the line on which it begins. The error is io.EOF at
// the end, or an *Error.
func (t *Table) Next() (cells []string, line int, err error) {
	rec, err := t.records.next()
	return rec.cells, rec.line, err
}

// Notices are like those of a Sheet, for what has been read so far.
func (t *Table) Notices() []string {
	return t.records.guessed.notices(t.text.snapshot.Name)
}
