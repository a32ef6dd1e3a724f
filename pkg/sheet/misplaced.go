package sheet

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
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

var errUncomputed = errors.New(isComputed + "; open the input in a spreadsheet program, save it and run it again, or write the value here")

// uncomputed refuses a row of which a field is a formula without its value. In results and rejects that is an empty cell,
// which would mean something else, and the reason beside it.
func (c *checks) uncomputed(rec record) (Field, error) {
	h := c.header
	reason := h.reason(rec.cells)
	if len(rec.uncomputed) == 0 && !strings.Contains(reason, isComputed) {
		return "", nil
	}
	for _, f := range fieldOrder {
		i, ok := h.columns[f]
		if !ok || c.options.Defaults[f].Override {
			continue
		}
		before := strings.Contains(reason, "column "+h.label(f)) && strings.Contains(reason, isComputed) && h.cell(rec.cells, f) == ""
		if slices.Contains(rec.uncomputed, h.place(i)) || before {
			return f, errUncomputed
		}
	}
	return "", nil
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
