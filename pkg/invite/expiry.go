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

// Expiry is when an invitation ends, as the sheet says it. The zero value is "no date": nothing is sent.
type Expiry struct {
	Text   string // as written, trimmed
	Column string // where it came from, for messages: the file's header or the flag

	at   time.Time      // absolute, or
	days int            // counted from the moment of sending
	zone *time.Location // the vendor's
}

// Zones says where a sheet's dates are at home and in which zone the vendor reads them.
type Zones struct {
	Sheet, Vendor *time.Location
}

// AsWritten sends dates as they stand and checks them as UTC.
var AsWritten = Zones{Sheet: time.UTC, Vendor: time.UTC}

// ParseExpiry reads "YYYY-MM-DD HH:MM", a date alone (23:59 of that day), or "7d". Whether the date is in the future is
// for the moment of sending: see Due.
func ParseExpiry(text, column string, z Zones) (Expiry, error) {
	text = strings.TrimSpace(text)
	if text == "" {
		return Expiry{zone: z.Vendor}, nil
	}
	e := Expiry{Text: text, Column: column, zone: z.Vendor}
	if n, ok := strings.CutSuffix(strings.ToLower(text), "d"); ok {
		days, err := strconv.ParseUint(n, 10, 32) // Atoi would take "+7"
		if err != nil || days < 1 || days > maxDays {
			return Expiry{}, fmt.Errorf("%q is not a number of days from 1d to %dd", text, maxDays)
		}
		e.days = int(days)
		return e, nil
	}
	at, err := time.ParseInLocation(WireTime, text, z.Sheet)
	if err != nil {
		day, dayErr := time.ParseInLocation(time.DateOnly, text, z.Sheet)
		if dayErr != nil {
			return Expiry{}, fmt.Errorf("%q is not a date, use YYYY-MM-DD HH:MM, YYYY-MM-DD or 7d", text)
		}
		at = time.Date(day.Year(), day.Month(), day.Day(), 23, 59, 0, 0, z.Sheet)
	}
	e.at = at
	return e, nil
}

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
