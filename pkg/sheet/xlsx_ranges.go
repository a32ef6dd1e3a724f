package sheet

import (
	"cmp"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/xuri/excelize/v2"
)

// maxRanges is Excel's own limit of links, and more merged cells than anybody makes. What follows is left out; a row that
// needs it is invalid.
const maxRanges = 65530

// area is some cells that make a rectangle: rows from 1, columns from 0.
type area struct{ left, right, top, bottom int }

// areaOf reads a reference such as B2:B5.
func areaOf(ref string) (a area, err error) {
	first, last, ok := strings.Cut(ref, ":")
	if !ok {
		last = first
	}
	left, top, err1 := excelize.CellNameToCoordinates(first)
	right, bottom, err2 := excelize.CellNameToCoordinates(last)
	return area{left - 1, right - 1, top, bottom}, errors.Join(err1, err2)
}

// ranges reads what follows the rows, to the end: the cells that lead to an e-mail address, and those that are merged.
func (g *grid) ranges(targets map[string]string) (links map[place]string, merged []area, err error) {
	links = map[place]string{}
	for ended := false; ; {
		token, err := g.xml.next()
		if errors.Is(err, io.EOF) && ended {
			slices.SortFunc(merged, func(a, b area) int { return cmp.Compare(a.top, b.top) })
			return links, merged, nil
		}
		if err != nil {
			return nil, nil, &partError{tooEarly(err)}
		}
		switch t := token.(type) {
		case xml.EndElement:
			ended = ended || t.Name.Local == "worksheet"
		case xml.StartElement:
			address := targets[attr(t, "id")]
			isLink := t.Name.Local == "hyperlink" && address != ""
			if !isLink && t.Name.Local != "mergeCell" {
				continue
			}
			a, err := areaOf(attr(t, "ref"))
			switch {
			case err != nil && isLink:
				return nil, nil, partFault("a link belongs to %.20q, which is no cell", attr(t, "ref"))
			case err != nil:
				return nil, nil, partFault("%.20q is merged, which is no cell", attr(t, "ref"))
			case isLink:
				spread(links, a, address)
			case len(merged) < maxRanges:
				merged = append(merged, a)
			}
		}
	}
}

// spread gives an address to all cells of an area.
func spread(links map[place]string, a area, address string) {
	for row := a.top; row <= a.bottom && len(links) < maxRanges; row++ {
		for column := a.left; column <= a.right && len(links) < maxRanges; column++ {
			links[place{row, column}] = address
		}
	}
}

// mergedCells gives the rows below the first of some merged cells the value that they show, row by row.
type mergedCells struct {
	areas  []area // to come, by their first row
	open   []mergedCell
	filled int
}

type mergedCell struct {
	area
	text string
}

// fill takes the rows of a table in order, but for the header.
func (m *mergedCells) fill(row int, cells []string) {
	for len(m.areas) > 0 && m.areas[0].top <= row {
		a := m.areas[0]
		m.areas = m.areas[1:]
		if a.top == row && a.bottom > row && a.left < len(cells) && cells[a.left] != "" {
			m.open = append(m.open, mergedCell{a, cells[a.left]})
		}
	}
	if len(m.open) == 0 {
		return
	}
	m.open = slices.DeleteFunc(m.open, func(c mergedCell) bool { return c.bottom < row })
	for _, c := range m.open {
		if c.top < row && c.left < len(cells) && cells[c.left] == "" {
			cells[c.left] = c.text
			m.filled++
		}
	}
}

// span refuses a column that was found by a header over several columns which are all filled: the name may stand in two.
func (h *header) span(t *table, o Options) error {
	chosen, err := o.columns()
	if err != nil || t == nil {
		return err
	}
	for _, f := range fieldOrder {
		i, ok := h.columns[f]
		if _, typed := chosen[f]; !ok || typed {
			continue
		}
		i = h.place(i)
		for _, a := range t.merged {
			if a.top > h.line || a.bottom < h.line || a.left != i {
				continue
			}
			for next := i + 1; next <= a.right && next < len(t.kinds); next++ {
				if t.kinds[next] == 0 {
					continue
				}
				hint := fmt.Sprintf("--map %s=%d or --map %s=%d", f, i+1, f, next+1)
				if f == Name {
					hint = fmt.Sprintf("--map first_name=%d --map last_name=%d", i+1, next+1)
				}
				return h.fail(hint, "the header %q spans columns %d and %d, and both are filled", cut(h.labels[h.columns[f]]), i+1, next+1)
			}
		}
	}
	return nil
}
