package sheet

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// convert makes a table of the worksheet that is wanted, by name or number, "" for the first that has rows.
func (s *Snapshot) convert(wanted string) (err error) {
	b, err := openWorkbook(s)
	if err != nil {
		return err
	}
	if b.strings, err = b.readStrings(); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, b.strings.close()) }()
	chosen, others, heads, err := b.choose(wanted)
	if err != nil {
		return err
	}
	t, err := b.table(chosen)
	if err != nil {
		return err
	}
	t.others, t.heads = others, heads
	if s.table != nil {
		err = s.table.close()
	}
	s.table, s.Rows = t, t.rows
	return err
}

// choose gives the worksheet that is wanted, and of the other ones that have rows the names and the first rows.
func (b *workbook) choose(wanted string) (chosen worksheet, others []string, heads [][]string, err error) {
	if len(b.visible) == 0 {
		return chosen, nil, nil, &Error{File: b.file, Reason: "has no worksheet that is visible"}
	}
	if b.marked && len(b.visible) == 1 { // our results, fed back with the flags of their input
		wanted = ""
	}
	var filled []worksheet
	first := map[string][]string{}
	for _, w := range b.visible {
		head, err := b.firstRow(w)
		if err != nil {
			return chosen, nil, nil, err
		}
		if head != nil {
			filled, first[w.name] = append(filled, w), head
		}
	}
	switch at := b.find(wanted); {
	case wanted != "" && at < 0:
		missing := "there is no such worksheet"
		if slices.ContainsFunc(b.hidden, func(name string) bool { return strings.EqualFold(trim(name), trim(wanted)) }) {
			missing = "this worksheet is hidden; unhide it in a spreadsheet program"
		}
		return chosen, nil, nil, &Error{File: b.file, Reason: fmt.Sprintf("--sheet %s: %s; the visible ones are %s", strconv.Quote(cut(wanted)), missing, b.list())}
	case wanted != "":
		chosen = b.visible[at]
	case len(filled) > 0:
		chosen = filled[0]
	}
	if !slices.Contains(filled, chosen) {
		reason := "has no rows: every visible worksheet is empty"
		if wanted != "" {
			reason = fmt.Sprintf("--sheet %s: this worksheet is empty", strconv.Quote(cut(wanted)))
		}
		return chosen, nil, nil, &Error{File: b.file, Reason: reason}
	}
	for _, w := range filled {
		if w != chosen {
			others, heads = append(others, w.name), append(heads, first[w.name])
		}
	}
	return chosen, others, heads, nil
}

// find gives the place of a worksheet among the visible ones: by its name, in any case, or by its number from 1.
func (b *workbook) find(wanted string) int {
	at := slices.IndexFunc(b.visible, func(w worksheet) bool { return strings.EqualFold(trim(w.name), trim(wanted)) })
	if n, err := strconv.Atoi(wanted); at < 0 && err == nil && n >= 1 && n <= len(b.visible) {
		return n - 1
	}
	return at
}

func (b *workbook) list() string {
	var names []string
	for i, w := range b.visible[:min(len(b.visible), maxListed)] {
		names = append(names, fmt.Sprintf("%d %q", i+1, cut(w.name)))
	}
	if more := len(b.visible) - maxListed; more > 0 {
		names = append(names, fmt.Sprintf("and %d more", more))
	}
	return strings.Join(names, ", ")
}

// firstRow gives the first row of a worksheet, nil if it has none.
func (b *workbook) firstRow(w worksheet) ([]string, error) {
	t, c, err := b.open(w.part, maxPart)
	if err != nil {
		return nil, err
	}
	defer c.Close()
	g := grid{book: b, xml: t}
	_, cells, err := g.next()
	if errors.Is(err, io.EOF) {
		return nil, nil
	}
	texts := make([]string, len(cells))
	for i, cell := range cells {
		texts[i] = cell.text
	}
	return texts, b.fault(w.part, err)
}

// table converts a worksheet.
func (b *workbook) table(w worksheet) (t *table, err error) {
	addresses, err := b.mailLinks(w)
	if err != nil {
		return nil, err
	}
	in, c, err := b.open(w.part, maxPart)
	if err != nil {
		return nil, err
	}
	defer c.Close()
	t = &table{sheet: w.name, marked: b.marked}
	if t.file, t.path, err = privateFile(); err != nil {
		return nil, fmt.Errorf("copy %s: %w", b.file, err)
	}
	out := tableWriter{table: t, out: bufio.NewWriterSize(t.file, copyBuffer)}
	g := grid{book: b, xml: in}
	for err == nil {
		var row int
		var cells []cell
		if row, cells, err = g.next(); err == nil {
			if g.hidden && t.rows > 0 { // the header's row is none of them
				t.hidden++
			}
			err = out.add(row, cells)
		}
	}
	if errors.Is(err, io.EOF) {
		t.links, t.merged, err = g.ranges(addresses)
	}
	if err = errors.Join(b.fault(w.part, err), out.out.Flush()); err != nil {
		return nil, errors.Join(err, t.close())
	}
	return t, nil
}

// mailLinks are the addresses that links of a worksheet lead to, by the id of their relation.
func (b *workbook) mailLinks(w worksheet) (map[string]string, error) {
	relations, err := b.relations(w.part)
	addresses := map[string]string{}
	for id, r := range relations {
		link, parseErr := url.Parse(r.target)
		if parseErr != nil || link.Scheme != "mailto" {
			continue
		}
		if address, parseErr := url.PathUnescape(link.Opaque); parseErr == nil {
			addresses[id] = address
		}
	}
	return addresses, err
}

// label names the input in errors about its header: of a workbook with the worksheet, as there may be a better one.
func (s *Snapshot) label() string {
	if s.table == nil || len(s.table.others) == 0 {
		return s.Name
	}
	return s.Name + ", " + s.table.choice()
}
