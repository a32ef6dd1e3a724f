package invite

import (
	"errors"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestParseExpiry_readsWhatPeopleWrite(t *testing.T) {
	for text, want := range map[string]string{
		"2031-12-31 9:05":                     "2031-12-31 09:05",
		"2031-12-31 18:30:59":                 "2031-12-31 18:30",
		"2031-12-31T18:30":                    "2031-12-31 18:30",
		"2031-12-31t18:30:00.123":             "2031-12-31 18:30",
		"2031-12-31T18:30:00Z":                "2031-12-31 18:30",
		"2031-12-31T18:30+01:00":              "2031-12-31 17:30",
		"2031-12-31 18:30:00 -0530":           "2032-01-01 00:00",
		"2031-12-31 18:30 UTC":                "2031-12-31 18:30",
		"31 Dec 2031 18:30:00 +01":            "2031-12-31 17:30",
		"2031/12/31":                          "2031-12-31 23:59",
		"2031-1-5":                            "2031-01-05 23:59",
		"31.12.2031":                          "2031-12-31 23:59",
		"1.2.2031 18:30":                      "2031-02-01 18:30",
		"05/05/2031":                          "2031-05-05 23:59",
		"5-5-2031, 6:30:00\u202fPM":           "2031-05-05 18:30",
		"31 Dec 2031":                         "2031-12-31 23:59",
		"31. December 2031 6:30 a.m.":         "2031-12-31 06:30",
		"31-Dec-2031":                         "2031-12-31 23:59",
		"Dec 31, 2031":                        "2031-12-31 23:59",
		"Sept. 1st, 2031 12:00AM":             "2031-09-01 00:00",
		"Wednesday, December 31, 2031":        "2031-12-31 23:59",
		"wed\u00a031 dec 2031 12:30 pm":       "2031-12-31 12:30",
		"47848":                               "2030-12-31 23:59",
		"47848.0":                             "2030-12-31 23:59",
		"47848.770833":                        "2030-12-31 18:30",
		"47848.7708333334":                    "2030-12-31 18:30",
		"47848.99999999":                      "2031-01-01 00:00",
		"20000":                               "1954-10-03 23:59",
		"80000":                               "2119-01-11 23:59",
		"0001-01-01":                          "0001-01-01 23:59",
		"2031-12-31   18:30":                  "2031-12-31 18:30",
		"2031-12-31 12:00:00 AM":              "2031-12-31 00:00",
		strings.Repeat(" ", 60) + "31.1.2031": "2031-01-31 23:59",
	} {
		e, err := ParseExpiry(text, "Expires", AsWritten)
		if err != nil || e.Understood() != want {
			t.Errorf("ParseExpiry(%q) = %q, %v, want %s", text, e.Understood(), err, want)
		}
		if e.Text != strings.TrimSpace(text) {
			t.Errorf("text of %q = %q", text, e.Text)
		}
	}
}

func TestParseExpiry_guessesAtNothing(t *testing.T) {
	date := " is not a date, use YYYY-MM-DD HH:MM, YYYY-MM-DD or 7d"
	order := " may have the day or the month first, use YYYY-MM-DD"
	short := " has a year of two digits, write all four"
	for text, want := range map[string]string{
		"31/12/2031":                   order, // for the whole column to decide
		"12/31/2031 6:30 PM":           order,
		"3-4-2031":                     order,
		"32/12/2031":                   date,
		"13/13/2031":                   date,
		"13/31/2031":                   date,
		"0/1/2031":                     date,
		"31/12/31":                     short,
		"31.12.31":                     short,
		"31-Dec-31":                    short,
		"Dec 31, 31":                   short,
		"31/12":                        date,
		"31/12-2031":                   date,
		"12.31.2031":                   date,
		"30.2.2031":                    date,
		"29 Feb 2031":                  date,
		"31 Dez 2031":                  date,
		"32nd Dec 2031":                date,
		"Someday, December 31 2031":    date,
		"2031-12-31 25:00":             date,
		"2031-12-31 18:60":             date,
		"2031-12-31 18:30:60":          date,
		"2031-12-31 13:00 PM":          date,
		"2031-12-31 0:30 PM":           date,
		"2031-12-31 6 PM":              date,
		"2031-12-31 18:30+25:00":       date,
		"2031-12-31 18:30+1":           date,
		"2031-12-31+01:00":             date,
		"18:30":                        date,
		"1999":                         date,
		"19999":                        date,
		"80001":                        date,
		"20311231":                     date,
		"47848,5":                      date,
		"47848.5.1":                    date,
		"-":                            date,
		"..":                           date,
		":":                            date,
		"\u0663\u0661.12.2031":         date,
		strings.Repeat("1.1.2031 ", 9): date,
	} {
		text = strings.TrimSpace(text)
		if e, err := ParseExpiry(text, "Expires", AsWritten); err == nil || err.Error() != `"`+text+`"`+want {
			t.Errorf("ParseExpiry(%q) = %q, %v, want %s", text, e.Understood(), err, want)
		}
	}
	if _, err := ParseExpiry("3/4/2031", "", AsWritten); !errors.Is(err, ErrDateOrder) {
		t.Errorf("error = %v, want ErrDateOrder in it", err)
	}
}

func TestDateOrder_readsEveryDateOneWay(t *testing.T) {
	for _, tc := range []struct{ text, day, month string }{
		{"3/4/2031", "2031-04-03 23:59", "2031-03-04 23:59"},
		{"3-4-2031 6:30 PM", "2031-04-03 18:30", "2031-03-04 18:30"},
		{"31/12/2031", "2031-12-31 23:59", ""},
		{"12/31/2031", "", "2031-12-31 23:59"},
		{"5/5/2031", "2031-05-05 23:59", "2031-05-05 23:59"},
		{"3.4.2031", "2031-04-03 23:59", "2031-04-03 23:59"},
		{"2031/03/04", "2031-03-04 23:59", "2031-03-04 23:59"},
		{"31/4/2031", "", ""},
	} {
		for order, want := range map[DateOrder]string{DayFirst: tc.day, MonthFirst: tc.month} {
			e, err := order.ParseExpiry(tc.text, "", AsWritten)
			if (err == nil) != (want != "") || e.Understood() != want {
				t.Errorf("%s: ParseExpiry(%q) = %q, %v, want %q", order, tc.text, e.Understood(), err, want)
			}
		}
	}
}

func TestOrderOf_tellsWhatOneDateCanTell(t *testing.T) {
	type answer struct {
		order DateOrder
		ok    bool
	}
	for text, want := range map[string]answer{
		"31/12/2031":         {DayFirst, true},
		"13-1-2031 18:30":    {DayFirst, true},
		"12/13/2031 6:30 PM": {MonthFirst, true},
		"3/4/2031":           {Undecided, true},
		"31/4/2031":          {DayFirst, true}, // nobody has a 31st month
		"5/5/2031":           {},
		"13/13/2031":         {},
		"32/1/2031":          {},
		"31/12/31":           {},
		"31.12.2031":         {},
		"2031-12-31":         {},
		"31/12/2031 25:00":   {},
		"31/12/2031 tbc":     {},
		"7d":                 {},
		"":                   {},
	} {
		if order, ok := OrderOf(text); (answer{order, ok}) != want {
			t.Errorf("OrderOf(%q) = %s, %v, want %s, %v", text, order, ok, want.order, want.ok)
		}
	}
}

func TestForm_tellsWhatNeedsTelling(t *testing.T) {
	for text, want := range map[string]DateForm{
		"": FormPlain, "7d": FormPlain, "2031-12-31": FormPlain, "31.12.2031": FormPlain, "5/5/2031": FormPlain,
		"3/4/2031": FormOrdered, "31/12/2031": FormOrdered, "47848.5": FormSerial,
		"2031-12-31T18:30Z": FormOffset, "2031-12-31 18:30+01:00": FormOffset,
	} {
		if e, err := DayFirst.ParseExpiry(text, "", AsWritten); err != nil || e.Form() != want {
			t.Errorf("form of %q = %d, %v, want %d", text, e.Form(), err, want)
		}
	}
}

func TestDoubt_isOfTimesThatClocksSkipOrShowTwice(t *testing.T) {
	berlin, lordHowe := location(t, "Europe/Berlin"), location(t, "Australia/Lord_Howe")
	for _, tc := range []struct {
		text, want string
		zone       *time.Location
	}{
		{"2031-03-30 02:30", `does not exist in Europe/Berlin, where clocks go forward then: it counts as 03:30`, berlin},
		{"30.3.2031 2:00", `does not exist in Europe/Berlin, where clocks go forward then: it counts as 03:00`, berlin},
		{"2031-10-26 02:30", `comes twice in Europe/Berlin, where clocks go back then: it counts as 01:30 UTC`, berlin},
		{"2031-04-06 01:45", `comes twice in Australia/Lord_Howe, where clocks go back then: it counts as 15:15 UTC`, lordHowe},
		{"2031-04-06 01:15", "", lordHowe},
		{"2031-03-30 01:59", "", berlin},
		{"2031-03-30 03:00", "", berlin},
		{"2031-10-26 01:59", "", berlin},
		{"2031-10-26 03:00", "", berlin},
		{"2031-10-26 02:30+01:00", "", berlin},
		{"2031-03-30", "", berlin},
		{"2031-03-30 02:30", "", time.UTC},
		{"7d", "", berlin},
		{"", "", berlin},
	} {
		e, err := ParseExpiry(tc.text, "", Zones{tc.zone, time.UTC})
		if err != nil || e.Doubt() != tc.want {
			t.Errorf("doubt of %q = %q, %v, want %q", tc.text, e.Doubt(), err, tc.want)
		}
	}
}

func TestSame_goesByTheMoment(t *testing.T) {
	berlin := location(t, "Europe/Berlin")
	parse := func(text string) Expiry {
		e, err := ParseExpiry(text, text, Zones{berlin, time.UTC})
		if err != nil {
			t.Fatal(err)
		}
		return e
	}
	for _, texts := range [][2]string{
		{"2031-12-31", "31.12.2031 23:59"}, {"2031-12-31 18:30", "2031-12-31T17:30Z"}, {"7d", "7D"}, {"2031-03-30 02:30", "2031-03-30 03:30"},
	} {
		if !parse(texts[0]).Same(parse(texts[1])) {
			t.Errorf("%q and %q are not the same", texts[0], texts[1])
		}
	}
	if parse("7d").Same(parse("8d")) || parse("2031-12-31").Same(parse("2031-12-30")) || parse("7d").Same(parse("2031-12-31")) {
		t.Error("different dates are the same")
	}
}

// Whatever day it is, all its spellings mean it.
func TestParseExpiry_allSpellingsMeanOneDay(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		at := time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC).Add(time.Duration(rapid.IntRange(0, 50_000_000).Draw(rt, "minute")) * time.Minute)
		for order, layouts := range map[DateOrder][]string{
			Undecided: {
				"2006-01-02 15:04", "2006-01-02T15:04:05", "2006/1/2 3:04 PM", "2.1.2006 15:04", "2 Jan 2006 15:04", "January 2, 2006 3:04pm",
				"Monday, January 2, 2006 3:04 PM", time.RFC3339, "02-Jan-2006 15:04:05",
			},
			DayFirst:   {"02/01/2006 15:04", "2-1-2006 3:04 pm"},
			MonthFirst: {"01/02/2006 3:04 PM", "1-2-2006 15:04"},
		} {
			for _, layout := range layouts {
				text := at.Format(layout)
				if e, err := order.ParseExpiry(text, "", AsWritten); err != nil || e.Understood() != at.Format(WireTime) {
					rt.Fatalf("%s: ParseExpiry(%q) = %q, %v, want %s", order, text, e.Understood(), err, at.Format(WireTime))
				}
			}
		}
	})
}

func FuzzExpiry(f *testing.F) {
	for _, seed := range []string{
		"2031-12-31 18:30", "2031-12-31T18:30:00+01:00", "31/12/2031 6:30 PM", "3-4-2031", "31.12.2031", "Dec 31, 2031", "47848.770833", "7d",
		"Wednesday, 31st December 2031 12:00 a.m.", "\u0663\u0661/12/2031", ":", "t1t1", "1/1/1 +", "9d\u00a0",
	} {
		f.Add(seed)
	}
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		f.Fatal(err)
	}
	zones := Zones{berlin, time.UTC}
	f.Fuzz(func(t *testing.T, text string) {
		strict, strictErr := ParseExpiry(text, "Expires", zones)
		_, ordered := OrderOf(text)
		if ordered != errors.Is(strictErr, ErrDateOrder) {
			t.Errorf("%q: order matters %v, error %v", text, ordered, strictErr)
		}
		for _, order := range []DateOrder{DayFirst, MonthFirst} {
			e, err := order.ParseExpiry(text, "Expires", zones)
			if err == nil && text != "" && e.Text != strings.TrimSpace(text) {
				t.Errorf("%q: text = %q", text, e.Text)
			}
			if !ordered && (e != strict && !e.Same(strict) || (err == nil) != (strictErr == nil)) {
				t.Errorf("%q: %s = %q, %v, else %q, %v", text, order, e.Understood(), err, strict.Understood(), strictErr)
			}
			// What is sent is a date that reads as itself.
			if sent := e.Understood(); err == nil && sent != "" && e.hand == handSure && e.at.Year() <= 9999 {
				again, err := ParseExpiry(sent, "", zones)
				if err != nil || again.Understood() != sent {
					t.Errorf("%q means %q, which means %q, %v", text, sent, again.Understood(), err)
				}
			}
		}
	})
}
