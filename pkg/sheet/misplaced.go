package sheet

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"batchinvite/pkg/invite"
)

// misplaced finds cells that stand under columns they do not belong to. column is where that begins, -1 if it is nowhere
// in particular.
func (h *header) misplaced(rec record, earlier *invite.Earlier) (column int, err error) {
	cells, refused := rec.cells, strings.Contains(h.reason(rec.cells), isSplit)
	// A workbook splits nothing, nor do quotes that the file has in order; but they show what was refused before.
	if !h.typed || refused {
		if column, err = tornApart(h.own(cells), h.delimiter, rec.inner || refused); err != nil {
			return column, err
		}
	}
	return -1, cmp.Or(h.overflow(cells, earlier), h.tooShort(cells))
}

// overflow finds filled cells that no column is for. Beside a worksheet's table they are remarks, elsewhere a missing
// quote. Results and rejects give such cells columns without a name: there a row that was refused for them stays so until
// they are empty, or else the next run would send what the first one refused.
func (h *header) overflow(cells []string, earlier *invite.Earlier) error {
	if err := h.tooWide(cells, h.width); err != nil && !h.typed {
		return err
	}
	if !h.rejects && (earlier == nil || earlier.Status != invite.StatusInvalid) {
		return nil
	}
	switch reason := h.reason(cells); {
	case strings.Contains(reason, tooMany), strings.Contains(reason, isSplit):
	case h.recognised && reason == "": // by somebody, and invite_status stands
	default:
		return nil
	}
	return h.tooWide(cells[:min(h.results, len(cells))], lastFilled(h.cells[:h.results])+1)
}

// By these words a reason is known again. A row that is split often has too many cells too.
const (
	tooMany    = "has more cells than the"
	isSplit    = "is split at its delimiter"
	isComputed = "is a formula whose value is not in the file"
)

// uncomputed refuses a row of which fields are formulas without their values. In results and rejects those are empty cells,
// which would mean something else, and the reason beside them.
func (c *checks) uncomputed(rec record) (Field, error) {
	reason := c.header.reason(rec.cells)
	if len(rec.uncomputed) == 0 && !strings.Contains(reason, isComputed) {
		return "", nil
	}
	var first Field
	var others []string
	for _, f := range fieldOrder {
		i, ok := c.header.columns[f]
		if !ok || c.options.Defaults[f].Override {
			continue
		}
		before := c.header.cell(rec.cells, f) == "" && wasUncomputed(reason, c.header.label(f))
		if !before && !slices.Contains(rec.uncomputed, c.header.place(i)) {
			continue
		}
		if first == "" {
			first = f
		} else {
			others = append(others, strconv.Quote(c.header.label(f)))
		}
	}
	if first == "" {
		return "", nil
	}
	text := isComputed
	if len(others) > 0 {
		text += ", and so is " + strings.Join(others, " and ")
	}
	return first, errors.New(text + "; open the input in a spreadsheet program, save it and run it again, or write the value here")
}

// wasUncomputed tells whether a reason is about a column: at its beginning, or among the others.
func wasUncomputed(reason, label string) bool {
	where, others, found := strings.Cut(reason, isComputed)
	return found && (strings.Contains(where, "column "+label+",") || strings.Contains(where, "column "+label+":") || strings.Contains(others, strconv.Quote(label)))
}

// tooShort: whoever writes results, and every spreadsheet that saves them, fills all columns. A row that lacks some was cut
// off, so that its last cell may be half a link.
func (h *header) tooShort(cells []string) error {
	if !h.sent || len(cells) >= h.end {
		return nil
	}
	return fmt.Errorf("has fewer cells than the %d of the header; was the file cut off here?", h.end)
}

func (h *header) tooWide(cells []string, width int) error {
	if len(cells) <= width {
		return nil
	}
	if lastFilled(cells) < width {
		return nil
	}
	like := "header"
	if h.bare {
		like = "first row"
	}
	if h.typed {
		return fmt.Errorf(tooMany+" %d of the %s; empty those beyond, or give them a header", width, like)
	}
	return fmt.Errorf(tooMany+" %d of the %s; does a value with a %s lack its quotes?", width, like, cmp.Or(delimiterNames[h.delimiter], string(h.delimiter)))
}
