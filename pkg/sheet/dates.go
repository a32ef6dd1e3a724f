package sheet

import (
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"batchinvite/pkg/invite"
)

// dates read the expiry dates of one pass.
type dates struct {
	// column finds the order out of the whole column, once for all passes.
	column func() (columnOrder, error)

	line  int // of the row being read
	order invite.DateOrder
	found columnOrder // where the order comes from, if it is not a flag
	seen  [invite.DateForms]string
	err   error // of the file, so that no row can be read any more

	// Of a workbook: how many real dates have a day that could be a month, and how many have not; and the first text that has
	// not.
	typed       bool
	early, late int
	text        string
}

// columnOrder is an order and the first date that shows it.
type columnOrder struct {
	order invite.DateOrder
	line  int
	text  string
}

// parse makes a date of a row's cell. Of one column no two dates are read in different orders.
func (d *dates) parse(text, column string, z invite.Zones) (invite.Expiry, error) {
	e, err := d.order.ParseExpiry(text, column, z)
	if errors.Is(err, invite.ErrDateOrder) && d.err == nil {
		if d.found, d.err = d.column(); d.err != nil {
			return e, d.err
		}
		d.order = d.found.order
		e, err = d.order.ParseExpiry(text, column, z)
	}
	if d.typed && err == nil {
		d.weigh(e)
	}
	if form := e.Form(); form != invite.FormPlain && d.seen[form] == "" {
		d.seen[form] = d.tell(e)
	}
	return e, err
}

// weigh sorts the dates of a workbook's column: see swapped.
func (d *dates) weigh(e invite.Expiry) {
	switch e.Form() {
	case invite.FormPlain:
		if len(e.Text) < len(time.DateOnly) || e.Text[4] != '-' {
			return
		}
		if e.Text[8:10] <= "12" {
			d.early++
		} else {
			d.late++
		}
	case invite.FormOrdered:
		if order, ok := invite.OrderOf(e.Text); ok && order != invite.Undecided && d.text == "" {
			d.text = e.Text
		}
	}
}

// swapped says that a program may have taken the day for the month when it opened the file: it makes a date of 3/4/2031, in
// its own order, and leaves 14/4/2031 a text. "" if nothing points to that.
func (d *dates) swapped(h *header) string {
	if d.early == 0 || d.late > 0 || d.text == "" {
		return ""
	}
	return fmt.Sprintf("column %s has texts such as %q beside real dates, and no real one has a day after the 12th: a program may have swapped day and month in those, compare them with the source",
		strconv.Quote(h.label(Expires)), d.text)
}

// tell says how the first date of a form was understood.
func (d *dates) tell(e invite.Expiry) string {
	where := fmt.Sprintf("line %d: %s", d.line, e.Text)
	switch e.Form() {
	case invite.FormOrdered:
		if d.found.line == 0 {
			return d.order.String() + " (--date-order)"
		}
		return fmt.Sprintf("%s (line %d: %s)", d.order, d.found.line, d.found.text)
	case invite.FormOffset:
		return fmt.Sprintf("those with an offset of their own are sent in %s (%s)", e.Vendor(), where)
	case invite.FormSerial:
		return fmt.Sprintf("serial numbers count days (%s is %s)", where, e.Understood())
	}
	return ""
}

// notice joins what there is to tell, "" if it is nothing.
func (d *dates) notice() string {
	var all []string
	for _, text := range d.seen {
		if text != "" {
			all = append(all, text)
		}
	}
	if len(all) == 0 {
		return ""
	}
	return "dates: " + strings.Join(all, "; ")
}

// DateNotice tells how dates were understood that could be read in other ways, "" if there are none. It is complete after
// the first full pass.
func (s *Sheet) DateNotice() string { return s.dateNotice }

// DateOrder is how dates such as 3/4/2031 were read, Undecided if there were none. It is complete after the first full pass.
func (s *Sheet) DateOrder() invite.DateOrder { return s.dateOrder }

// scanDates goes through the whole file to find out whether its dates have the day or the month first.
func (s *Sheet) scanDates() (columnOrder, error) {
	h := s.checks.header
	at := h.place(h.columns[Expires])
	first := map[invite.DateOrder]columnOrder{}
	source := s.text.records()
	source.labels = h.labels
	err := h.skip(source)
	for err == nil {
		var rec record
		if rec, err = source.next(); err != nil {
			break
		}
		h.unguard(rec.cells)
		if _, err := h.misplaced(rec, h.earlier(rec.cells, false)); err != nil || at >= len(rec.cells) {
			continue
		}
		text, _ := clean(rec.cells[at]) // what is not clean is no date
		order, ok := invite.OrderOf(text)
		if _, known := first[order]; ok && !known {
			first[order] = columnOrder{order, rec.line, text}
		}
	}
	if !errors.Is(err, io.EOF) {
		return columnOrder{}, err
	}
	day, isDay := first[invite.DayFirst]
	month, isMonth := first[invite.MonthFirst]
	fail := func(at columnOrder, reason, hint string) (columnOrder, error) {
		return at, &Error{File: h.file, Line: at.line, Column: h.label(Expires), Reason: fmt.Sprintf("%q ", at.text) + reason, Hint: hint}
	}
	switch {
	case isDay && isMonth && day.line < month.line:
		return fail(month, fmt.Sprintf("has the month first, and %q in line %d the day", day.text, day.line), bothHint)
	case isDay && isMonth:
		return fail(day, fmt.Sprintf("has the day first, and %q in line %d the month", month.text, month.line), bothHint)
	case isDay:
		return day, nil
	case isMonth:
		return month, nil
	}
	return fail(first[invite.Undecided], "may have the day or the month first, and no other date of the column tells", "--date-order dmy|mdy")
}

const bothHint = "write them as YYYY-MM-DD, or leave those of one kind invalid: --date-order dmy|mdy"

// parseDate is how the cells of one pass are read, while flags stand alone.
func (c *checks) parseDate(text, column string) (invite.Expiry, error) {
	return c.dates.parse(cut(text), column, c.options.Zones)
}
