package invite

import (
	"errors"
	"testing"
	"time"
)

func location(t *testing.T, name string) *time.Location {
	t.Helper()
	loc, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return loc
}

func TestExpiry_whatIsSentForWhatIsWritten(t *testing.T) {
	berlin, kolkata := location(t, "Europe/Berlin"), location(t, "Asia/Kolkata")
	now := time.Date(2026, 11, 24, 9, 15, 59, 0, time.UTC)
	for _, tc := range []struct {
		text  string
		zones Zones
		want  string
	}{
		{"", AsWritten, ""},
		{" \t", AsWritten, ""},
		{"2026-12-31 18:30", AsWritten, "2026-12-31 18:30"},
		{" 2026-12-31 18:30 ", AsWritten, "2026-12-31 18:30"},
		{"2026-12-31", AsWritten, "2026-12-31 23:59"},
		{"2028-02-29", AsWritten, "2028-02-29 23:59"},
		{"7d", AsWritten, "2026-12-01 09:15"},
		{"7D", AsWritten, "2026-12-01 09:15"},
		{"36500d", AsWritten, "2126-10-31 09:15"},
		// Winter, summer, and the date alone that ends at the sheet's midnight, not the vendor's.
		{"2026-12-31 18:30", Zones{berlin, time.UTC}, "2026-12-31 17:30"},
		{"2027-07-01 18:30", Zones{berlin, time.UTC}, "2027-07-01 16:30"},
		{"2026-12-31", Zones{berlin, time.UTC}, "2026-12-31 22:59"},
		{"2026-12-31", Zones{time.UTC, kolkata}, "2027-01-01 05:29"},
		// Days are the vendor's days: the clock stays where it is when summer time begins.
		{"1d", Zones{time.UTC, kolkata}, "2026-11-25 14:45"},
		{"180d", Zones{berlin, berlin}, "2027-05-23 10:15"},
	} {
		e, err := ParseExpiry(tc.text, "Expiry Date", tc.zones)
		if err != nil {
			t.Errorf("ParseExpiry(%q) = %v", tc.text, err)
			continue
		}
		if got, err := e.Due(now); err != nil || got != tc.want {
			t.Errorf("Due of %q from %v to %v = %q, %v, want %q", tc.text, tc.zones.Sheet, tc.zones.Vendor, got, err, tc.want)
		}
	}
}

func TestParseExpiry_saysWhatIsWrong(t *testing.T) {
	date := " is not a date, use YYYY-MM-DD HH:MM, YYYY-MM-DD or 7d"
	days := " is not a number of days from 1d to 36500d"
	for text, want := range map[string]string{
		"tomorrow":         `"tomorrow"` + date,
		"2026-02-30":       `"2026-02-30"` + date,
		"2026-12-31 24:00": `"2026-12-31 24:00"` + date,
		"7":                `"7"` + date,
		"0d":               `"0d"` + days,
		"-7d":              `"-7d"` + days,
		"1.5d":             `"1.5d"` + days,
		"7 d":              `"7 d"` + days,
		"TBD":              `"TBD"` + date,
		"36501d":           `"36501d"` + days,
	} {
		if _, err := ParseExpiry(text, "Expiry Date", AsWritten); err == nil || err.Error() != want {
			t.Errorf("ParseExpiry(%q) = %v, want %s", text, err, want)
		}
	}
}

func TestDue_dateMustBeInTheFutureOfTheSheetsZone(t *testing.T) {
	kolkata := location(t, "Asia/Kolkata")
	at := time.Date(2026, 12, 31, 18, 30, 0, 0, time.UTC)
	for _, tc := range []struct {
		text  string
		zones Zones
		now   time.Time
		want  error
	}{
		{"2026-12-31 18:30", AsWritten, at.Add(-time.Nanosecond), nil},
		{"2026-12-31 18:30", AsWritten, at, ErrPast},
		{"2026-12-31 18:30", AsWritten, at.Add(time.Hour), ErrPast},
		{"2026-12-31 18:30", Zones{kolkata, time.UTC}, at.Add(-5*time.Hour - 30*time.Minute), ErrPast},
		{"2026-12-31", AsWritten, at, nil},
		{"1d", AsWritten, at, nil},
		{"", AsWritten, at, nil},
	} {
		e, err := ParseExpiry(tc.text, "Expiry Date", tc.zones)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := e.Due(tc.now); !errors.Is(err, tc.want) {
			t.Errorf("Due of %q at %v = %v, want %v", tc.text, tc.now, err, tc.want)
		}
	}
}

func TestDiffers_onlyAFixedDateCan(t *testing.T) {
	berlin := location(t, "Europe/Berlin")
	for _, tc := range []struct {
		text, sent string
		zones      Zones
		want       bool
	}{
		{"2026-12-31 18:30", "2026-12-31 18:30", AsWritten, false},
		{"2026-12-31 18:30", "2026-12-31 17:30", Zones{berlin, time.UTC}, false},
		{"2026-12-31", "2026-12-31 23:59", AsWritten, false},
		{"2026-12-31", "2026-12-30 23:59", AsWritten, true},
		{"2026-12-31", "", AsWritten, true},
		{"7d", "2026-12-31 23:59", AsWritten, false},
		{"", "2026-12-31 23:59", AsWritten, false},
	} {
		e, err := ParseExpiry(tc.text, "Expiry Date", tc.zones)
		if err != nil {
			t.Fatal(err)
		}
		if got := e.Differs(tc.sent); got != tc.want {
			t.Errorf("Differs of %q from %q = %v, want %v", tc.text, tc.sent, got, tc.want)
		}
	}
}

func TestOver_goesByTheVendorsZone(t *testing.T) {
	berlin := location(t, "Europe/Berlin")
	at := time.Date(2026, 12, 31, 18, 30, 0, 0, time.UTC)
	for _, tc := range []struct {
		sent   string
		vendor *time.Location
		want   bool
	}{
		{"2026-12-31 18:30", time.UTC, true},
		{"2026-12-31 18:31", time.UTC, false},
		{"2026-12-31 19:30", berlin, true},
		{"2026-12-31 19:31", berlin, false},
		{"", time.UTC, false},
	} {
		if got := Over(tc.sent, tc.vendor, at); got != tc.want {
			t.Errorf("Over(%q, %v) at %v = %v, want %v", tc.sent, tc.vendor, at, got, tc.want)
		}
	}
}
