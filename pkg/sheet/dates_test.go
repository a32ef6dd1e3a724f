package sheet

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"batchinvite/pkg/invite"
)

// dated is a sheet of one date a row, from line 2 on.
func dated(dates ...string) string {
	var b strings.Builder
	b.WriteString("Name,Email,Expires\n")
	for i, date := range dates {
		fmt.Fprintf(&b, "Ann,p%d@example.org,\"%s\"\n", i, date)
	}
	return b.String()
}

// understood reads a sheet twice and gives its dates, and its notice.
func understood(t *testing.T, content string, o Options) (dates []string, notice string, err error) {
	t.Helper()
	s := open(t, content, o)
	rows, err := read(s)
	again, errAgain := read(s)
	if diff := cmp.Diff(rows, again, same); diff != "" || fmt.Sprint(err) != fmt.Sprint(errAgain) {
		t.Errorf("passes differ (errors %v, %v):\n%s", err, errAgain, diff)
	}
	for _, row := range rows {
		if row.Problem != nil {
			dates = append(dates, row.Problem.Text())
		} else {
			dates = append(dates, row.Candidate.Expiry.Understood())
		}
	}
	return dates, s.DateNotice(), err
}

func TestRows_decideTheOrderOfDatesOverTheWholeColumn(t *testing.T) {
	notDate := func(text string) string {
		return `"` + text + `" is not a date, use YYYY-MM-DD HH:MM, YYYY-MM-DD or 7d`
	}
	for _, tc := range []struct {
		name   string
		dates  []string
		order  invite.DateOrder
		want   []string
		notice string
	}{
		{"day first", []string{"3/4/2031", "2031-01-01", "31/12/2031 6:30 PM", "30-12-2031"}, "",
			[]string{"2031-04-03 23:59", "2031-01-01 23:59", "2031-12-31 18:30", "2031-12-30 23:59"}, "dates: day first (line 4: 31/12/2031 6:30 PM)"},
		{"month first", []string{"3/4/2031", "1.2.2031", "12/31/2031"}, "",
			[]string{"2031-03-04 23:59", "2031-02-01 23:59", "2031-12-31 23:59"}, "dates: month first (line 4: 12/31/2031)"},
		{"an impossible day tells the order all the same", []string{"3/4/2031", "31/4/2031"}, "",
			[]string{"2031-04-03 23:59", notDate("31/4/2031")}, "dates: day first (line 3: 31/4/2031)"},
		{"what is no date tells nothing", []string{"13/13/2031", "31/12/31", "5/5/2031"}, "",
			[]string{notDate("13/13/2031"), `"31/12/31" has a year of two digits, write all four`, "2031-05-05 23:59"}, ""},
		{"forced", []string{"3/4/2031", "12/31/2031"}, invite.DayFirst,
			[]string{"2031-04-03 23:59", notDate("12/31/2031")}, "dates: day first (--date-order)"},
		{"forced against the only date that tells", []string{"3/4/2031", "31/12/2031"}, invite.MonthFirst,
			[]string{"2031-03-04 23:59", notDate("31/12/2031")}, "dates: month first (--date-order)"},
		{"told by a date with invisible characters around it", []string{"3/4/2031", "\u200b31/12/2031\u00a0"}, "",
			[]string{"2031-04-03 23:59", "2031-12-31 23:59"}, "dates: day first (line 3: 31/12/2031)"},
		{"nothing to tell", []string{"2031-01-01", "31.12.2031", "7d", "", "5/5/2031"}, "",
			[]string{"2031-01-01 23:59", "2031-12-31 23:59", "", "", "2031-05-05 23:59"}, ""},
		{"other forms", []string{"47848.5", "2031-12-31T18:30:00+01:00", "47849", "2031-12-31T18:30:00Z"}, "",
			[]string{"2030-12-31 12:00", "2031-12-31 17:30", "2031-01-01 23:59", "2031-12-31 18:30"},
			"dates: those with an offset of their own are sent in UTC (line 3: 2031-12-31T18:30:00+01:00); serial numbers count days (line 2: 47848.5 is 2030-12-31 12:00)"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			o := options()
			o.DateOrder = tc.order
			got, notice, err := understood(t, dated(tc.dates...), o)
			if diff := cmp.Diff(tc.want, got); diff != "" || err != nil || notice != tc.notice {
				t.Errorf("error %v, notice %q, want %q; dates (-want +got):\n%s", err, notice, tc.notice, diff)
			}
		})
	}
}

func TestRows_refuseAColumnWhoseOrderNobodyCanTell(t *testing.T) {
	const both = "write them as YYYY-MM-DD, or leave those of one kind invalid: --date-order dmy|mdy"
	for _, tc := range []struct {
		name, content, want, hint string
	}{
		{"undecidable", dated("2031-01-01", "5/5/2031", "3/4/2031", "4/3/2031"),
			`candidates.csv: line 4, column Expires: "3/4/2031" may have the day or the month first, and no other date of the column tells`,
			"--date-order dmy|mdy"},
		{"both", dated("3/4/2031", "31/12/2031", "x", "12/31/2031"),
			`candidates.csv: line 5, column Expires: "12/31/2031" has the month first, and "31/12/2031" in line 3 the day`, both},
		{"both, the other way round", dated("12/31/2031", "31/12/2031"),
			`candidates.csv: line 3, column Expires: "31/12/2031" has the day first, and "12/31/2031" in line 2 the month`, both},
		{"told only by a row whose cells are out of place", dated("3/4/2031") + "Lee,Ann,31/12/2031,ann@example.org\n",
			`candidates.csv: line 2, column Expires: "3/4/2031" may have the day or the month first, and no other date of the column tells`,
			"--date-order dmy|mdy"},
	} {
		_, notice, err := understood(t, tc.content, options())
		e, ok := errors.AsType[*Error](err)
		if !ok || e.Error() != tc.want || e.Hint != tc.hint || notice != "" {
			t.Errorf("%s: error = %v, notice %q, want %s", tc.name, err, notice, tc.want)
		}
	}
}

// The look ahead meets what is wrong with the file before the rows do, and says the same.
func TestRows_lookingForTheOrderMeetABrokenFile(t *testing.T) {
	const broken = "Ann,\"open\n"
	_, _, want := understood(t, dated("2031-12-31")+broken, options())
	_, _, err := understood(t, dated("3/4/2031")+broken, options())
	if want == nil || err == nil || err.Error() != want.Error() {
		t.Errorf("error = %v, want %v", err, want)
	}
}

// Dates that nobody asks about decide nothing and stop nothing.
func TestRows_askForNoOrderWhereADateIsNotRead(t *testing.T) {
	o := options()
	o.Defaults[Expires] = Default{Value: "2031-12-31", Typed: true, Override: true}
	if got, notice, err := understood(t, dated("3/4/2031"), o); err != nil || notice != "" || got[0] != "2031-12-31 23:59" {
		t.Errorf("with --override: dates %v, notice %q, error %v", got, notice, err)
	}
	content := "Name,Email,Expires\n,ann@example.org,3/4/2031\n"
	if got, _, err := understood(t, content, options()); err != nil || got[0] != "name is missing" {
		t.Errorf("of an invalid row: %v, error %v", got, err)
	}
}

func TestOptionsCheck_readsAFlagByItself(t *testing.T) {
	for _, tc := range []struct {
		value string
		order invite.DateOrder
		want  string
	}{
		{"31/12/2031", "", ""},
		{"12/31/2031 6:30 PM", "", ""},
		{"3/4/2031", "", `--expires: "3/4/2031" may have the day or the month first, use YYYY-MM-DD`},
		{"3/4/2031", invite.DayFirst, ""},
		{"31/12/2031", invite.MonthFirst, `--expires: "31/12/2031" is not a date, use YYYY-MM-DD HH:MM, YYYY-MM-DD or 7d`},
		{"Dec 31, 2031", "", ""},
	} {
		o := options()
		o.Defaults[Expires], o.DateOrder = Default{Value: tc.value}, tc.order
		got := ""
		if err := o.Check(); err != nil {
			got = err.Error()
		}
		if got != tc.want {
			t.Errorf("--expires %q in order %q: %s, want %s", tc.value, tc.order, got, tc.want)
		}
	}
}

func TestContradictions_goByTheMoment(t *testing.T) {
	o := options()
	o.Defaults[Expires] = Default{Value: "2031-12-31 18:30", Typed: true}
	s := open(t, dated("31.12.2031 18:30", "2031-12-31T19:30+01:00", "31/12/2031 6:30 PM", "2031-12-31"), o)
	if _, err := read(s); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[Field]Contradiction{Expires: {Rows: 1, Line: 5, Value: "2031-12-31"}}, s.Contradictions()); diff != "" {
		t.Errorf("contradictions (-want +got):\n%s", diff)
	}
}

func TestRows_warnOfTimesThatClocksSkipOrShowTwice(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	o := options()
	o.Zones.Sheet = berlin
	rows, err := read(open(t, dated("2031-03-30 02:30", "2031-10-26 02:30", "2031-10-26 03:30"), o))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, row := range rows {
		for _, w := range row.Warnings {
			got = append(got, w.String())
		}
	}
	want := []string{
		`line 2, column Expires: "2031-03-30 02:30" does not exist in Europe/Berlin, where clocks go forward then: it counts as 03:30`,
		`line 3, column Expires: "2031-10-26 02:30" comes twice in Europe/Berlin, where clocks go back then: it counts as 01:30 UTC`,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("warnings (-want +got):\n%s", diff)
	}
	o.Defaults[Expires] = Default{Value: "2031-03-30 02:30"}
	if row := one(t, dated(""), o); row.Warnings != nil {
		t.Errorf("warnings of a row that says nothing = %v", row.Warnings)
	}
}

func TestDateNotice_canBeAskedByManyAfterTheFirstPass(t *testing.T) {
	s := open(t, dated("3/4/2031", "31/12/2031"), options())
	if _, err := read(s); err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() { // for the race detector
			rows, err := read(s)
			if err != nil || len(rows) != 2 || s.DateNotice() != "dates: day first (line 3: 31/12/2031)" {
				t.Errorf("%d rows, error %v, notice %q", len(rows), err, s.DateNotice())
			}
		})
	}
	wg.Wait()
}

// However the rows are ordered, all their dates are read one way or none is.
func TestRows_readTheDatesOfOneColumnInOneOrder(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		part := rapid.IntRange(1, 14)
		var dates []string
		day, month, open := false, false, false
		for range rapid.IntRange(1, 8).Draw(rt, "rows") {
			a, b := part.Draw(rt, "first"), part.Draw(rt, "second")
			dates = append(dates, fmt.Sprintf("%d/%d/2031", a, b))
			day, month, open = day || a > 12 && b <= 12, month || b > 12 && a <= 12, open || a != b && a <= 12 && b <= 12
		}
		got, _, err := understood(t, dated(dates...), options())
		if wantErr := day && month || open && !day && !month; (err != nil) != wantErr {
			rt.Fatalf("%v: error %v, want one: %v", dates, err, wantErr)
		}
		for i, date := range dates {
			var a, b int
			if _, scanErr := fmt.Sscanf(date, "%d/%d/2031", &a, &b); scanErr != nil || err != nil {
				continue
			}
			if month {
				a, b = b, a
			}
			if want := fmt.Sprintf("2031-%02d-%02d 23:59", b, a); b <= 12 && got[i] != want {
				rt.Fatalf("%v: %s is read as %s, want %s", dates, date, got[i], want)
			}
		}
	})
}
