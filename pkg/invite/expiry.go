package invite

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// WireTime is how the vendor wants and gives a date.
const WireTime = "2006-01-02 15:04"

// maxDays bounds "7d": a century is a typing error.
const maxDays = 36500

var errDays = fmt.Errorf("is not a number of days from 1d to %dd", maxDays)

// Expiry is when an invitation ends, as the sheet says it. The zero value is "no date": nothing is sent.
type Expiry struct {
	Text   string // as written, trimmed
	Column string // where it came from, for messages: the file's header or the flag
	Cell   string // and of a workbook its cell

	at   time.Time      // absolute, or
	days int            // counted from the moment of sending
	zone *time.Location // the vendor's
	form DateForm
	hand clockHand
}

// clockHand tells of a local time that a change of the clocks makes doubtful.
type clockHand uint8

const (
	handSure    clockHand = iota
	handSkipped           // clocks go forward over it
	handTwice             // clocks go back over it
)

// Zones says where a sheet's dates are at home and in which zone the vendor reads them.
type Zones struct {
	Sheet, Vendor *time.Location
}

// AsWritten sends dates as they stand and checks them as UTC.
var AsWritten = Zones{Sheet: time.UTC, Vendor: time.UTC}

// ParseExpiry reads "YYYY-MM-DD HH:MM", a date alone (23:59 of that day), "7d", and what else people write that can mean
// one date only; seconds are cut off. A date with an offset of its own is absolute; the others are at home in z.Sheet. The
// error of 31/12/2031 wraps ErrDateOrder: a DateOrder reads it. Whether the date is in the future is for the moment of
// sending: see Due.
func ParseExpiry(text, column string, z Zones) (Expiry, error) {
	return Undecided.ParseExpiry(text, column, z)
}

// ParseExpiry is like the function, and knows which part of 3/4/2031 is the day.
func (o DateOrder) ParseExpiry(text, column string, z Zones) (Expiry, error) {
	text = strings.TrimSpace(text)
	if text == "" {
		return Expiry{zone: z.Vendor}, nil
	}
	e := Expiry{Text: text, Column: column, zone: z.Vendor}
	if at, err := time.Parse(WireTime, text); err == nil { // what most sheets have
		e.place(at, z.Sheet)
		return e, nil
	}
	if n, ok := strings.CutSuffix(strings.ToLower(text), "d"); ok && strings.ContainsAny(n, "0123456789") {
		days, err := strconv.ParseUint(n, 10, 32) // Atoi would take "+7"
		if err != nil || days < 1 || days > maxDays {
			return Expiry{}, &Fault{Value: text, Reason: errDays}
		}
		e.days = int(days)
		return e, nil
	}
	w, err := o.read(text)
	if err != nil {
		return Expiry{}, &Fault{Value: text, Reason: err}
	}
	at := w.day.Add(time.Duration(w.minutes) * time.Minute)
	if e.form = w.form; w.own == nil {
		e.place(at, z.Sheet)
	} else {
		_, offset := at.In(w.own).Zone()
		e.at = at.Add(-time.Duration(offset) * time.Second).In(z.Sheet)
	}
	return e, nil
}

// place makes a moment of what a clock in a zone shows.
func (e *Expiry) place(wall time.Time, zone *time.Location) {
	if zone == time.UTC {
		e.at = wall
		return
	}
	e.at = time.Date(wall.Year(), wall.Month(), wall.Day(), wall.Hour(), wall.Minute(), 0, 0, zone)
	if e.at.Day() != wall.Day() || e.at.Hour() != wall.Hour() || e.at.Minute() != wall.Minute() {
		e.hand = handSkipped
		return
	}
	_, offset := e.at.Zone()
	for _, day := range []time.Duration{-24 * time.Hour, 24 * time.Hour} {
		_, other := e.at.Add(day).Zone()
		again := e.at.Add(time.Duration(offset-other) * time.Second)
		if other != offset && again.Hour() == wall.Hour() && again.Minute() == wall.Minute() {
			e.hand = handTwice
		}
	}
}

// Form tells how the date was written.
func (e Expiry) Form() DateForm { return e.form }

// Understood is the date as it was read, in the sheet's zone; "" for a number of days and for no date.
func (e Expiry) Understood() string {
	if e.at.IsZero() {
		return ""
	}
	return e.at.Format(WireTime)
}

// Doubt says of the text what a person should look at, "" if nothing: a local time that no clock shows, or that clocks show
// twice.
func (e Expiry) Doubt() string {
	switch e.hand {
	case handSkipped:
		return fmt.Sprintf("does not exist in %s, where clocks go forward then: it counts as %s", e.at.Location(), e.at.Format("15:04"))
	case handTwice:
		return fmt.Sprintf("comes twice in %s, where clocks go back then: it counts as %s UTC", e.at.Location(), e.at.UTC().Format("15:04"))
	}
	return ""
}

// Same tells whether both mean the same date or number of days, however they are written.
func (e Expiry) Same(other Expiry) bool { return e.days == other.days && e.at.Equal(other.at) }

// ErrPast is the reason of a row whose date is over.
var ErrPast = errors.New("is in the past")

// Due gives the date to send, in the vendor's zone, for a call made now; "" if there is none. A date that is not in the
// future is ErrPast.
func (e Expiry) Due(now time.Time) (string, error) {
	switch {
	case e.Text == "":
		return "", nil
	case e.days > 0:
		return now.In(e.Vendor()).AddDate(0, 0, e.days).Format(WireTime), nil
	case !e.at.After(now):
		return "", ErrPast
	}
	return e.at.In(e.Vendor()).Format(WireTime), nil
}

// Vendor is the zone in which the vendor reads dates.
func (e Expiry) Vendor() *time.Location {
	if e.zone == nil {
		return time.UTC
	}
	return e.zone
}

// Differs tells whether the sheet names a fixed date that is not the one sent before. Relative dates move by nature, and
// a sheet without a date says nothing.
func (e Expiry) Differs(sent string) bool {
	return e.Text != "" && e.days == 0 && e.at.In(e.Vendor()).Format(WireTime) != sent
}

// Over tells whether a date that was sent, in the vendor's zone, has passed.
func Over(sent string, vendor *time.Location, now time.Time) bool {
	at, err := time.ParseInLocation(WireTime, sent, vendor)
	return err == nil && !at.After(now)
}
