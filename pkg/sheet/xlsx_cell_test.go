package sheet

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/xuri/excelize/v2"
	"pgregory.net/rapid"

	"batchinvite/pkg/invite"
)

func TestXLSX_cellsAreWhatTheyShow(t *testing.T) {
	due := time.Date(2031, 12, 31, 18, 30, 0, 0, time.UTC)
	day := due.Truncate(24 * time.Hour)
	for _, tc := range []struct {
		name   string
		value  any
		format string // custom, "" for none
		id     int    // built in
		want   string
		kind   invite.CellKind
	}{
		{"text", "Zoë", "", 0, "Zoë", 0},
		{"spaces", "  x ", "", 0, "  x ", 0},
		{"line break", "a\nb", "", 0, "a\nb", 0},
		{"leading zeros", "00123", "", 0, "00123", 0},
		{"no formula", "=1+1", "", 0, "=1+1", 0},
		{"apostrophe", "'=1", "", 0, "'=1", 0},
		{"whole number", 4711, "", 0, "4711", 1},
		{"whole float", 4711.0, "", 0, "4711", 1},
		{"large", int64(9007199254740992), "", 0, "9007199254740992", 1},
		{"fraction", 0.1, "", 0, "0.1", 1},
		{"postal code", 123, "00000", 0, "00123", 1},
		{"postal code, negative", -123, "00000", 0, "-123", 1},
		{"postal code, full", 1234567, "00000;@", 0, "1234567", 1},
		{"tiny", 1e-10, "", 0, "1e-10", 1},
		{"negative", -5, "", 0, "-5", 1},
		{"percent", 0.25, "0%", 0, "0.25", 1},
		{"money", 12.5, `#,##0.00 "d"`, 0, "12.5", 1},
		{"elapsed", 1.5, "[h]:mm:ss", 0, "1.5", 1},
		{"elapsed, built in", 1.5, "", 46, "1.5", 1},
		{"scientific", 1234.0, "0.00E+00", 0, "1234", 1},
		{"true", true, "", 0, "TRUE", 0},
		{"false", false, "", 0, "FALSE", 0},
		{"date and time", due, "", 22, "2031-12-31 18:30", 2},
		{"date, built in", day, "", 14, "2031-12-31", 2},
		{"German", due, `dd/mm/yyyy\ hh:mm`, 0, "2031-12-31 18:30", 2},
		{"with a language", due, `[$-F800]dddd\,\ mmmm\ dd\,\ yyyy`, 0, "2031-12-31 18:30", 2},
		{"with a colour", due, `[Red]d.m.yy;@`, 0, "2031-12-31 18:30", 2},
		{"Chinese, built in", day, "", 31, "2031-12-31", 2},
		{"time of day", 0.5, "", 20, "12:00", 2},
		{"zero as a date", 0, "", 14, "0", 1},
		{"no day at all", 1e300, "", 14, "1" + strings.Repeat("0", 300), 1},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := openBook(t, book(t, func(f *excelize.File) {
				put(f, "Sheet1", []any{"name", "email", "assessment id", "format", "X"}, []any{"Ann", "a@example.org", 1, "getlink"})
				style := &excelize.Style{NumFmt: tc.id}
				if tc.format != "" {
					style.CustomNumFmt = &tc.format
				}
				id, err := f.NewStyle(style)
				must(err)
				must(f.SetCellValue("Sheet1", "E2", tc.value))
				must(f.SetCellStyle("Sheet1", "E2", "E2", id))
			}), Options{})
			for row := range s.Rows() {
				if got := row.Cells[4]; got != tc.want {
					t.Errorf("cell = %q, want %q", got, tc.want)
				}
			}
			if got := s.Kinds()[4]; got != tc.kind {
				t.Errorf("kind = %d, want %d", got, tc.kind)
			}
		})
	}
}

// Every minute must come out as it was typed: a minute is no whole number of a day's binary fractions.
func TestXLSX_everyMinuteIsExact(t *testing.T) {
	for _, date1904 := range []bool{false, true} {
		rapid.Check(t, func(rt *rapid.T) {
			minutes := rapid.Int64Range(5000*1440, 70000*1440).Draw(rt, "minutes")
			epoch := time.Date(1899, 12, 30, 0, 0, 0, 0, time.UTC)
			if date1904 {
				epoch = time.Date(1904, 1, 1, 0, 0, 0, 0, time.UTC)
			}
			at := epoch.AddDate(0, 0, int(minutes/1440)).Add(time.Duration(minutes%1440) * time.Minute)
			if got, want := serialDate(float64(minutes)/1440, date1904), dateText(at); got != want {
				rt.Fatalf("serial %v = %q, want %q", float64(minutes)/1440, got, want)
			}
		})
	}
}

func TestXLSX_date1904(t *testing.T) {
	yes := true
	s := openBook(t, book(t, func(f *excelize.File) {
		must(f.SetWorkbookProps(&excelize.WorkbookPropsOptions{Date1904: &yes}))
		put(f, "Sheet1", plainHeader, []any{"Ann", "a@example.org", 1, "getlink", time.Date(2031, 12, 31, 18, 30, 0, 0, time.UTC)})
	}), Options{})
	if diff := cmp.Diff([]string{"2 Ann|a@example.org|1|getlink|2031-12-31 18:30"}, rowLines(t, s)); diff != "" {
		t.Errorf("rows (-want +got):\n%s", diff)
	}
}

func TestUnescape_isWhatExcelEscapes(t *testing.T) {
	for in, want := range map[string]string{
		"_x0041_": "A", "_x005F_x0041_": "_x0041_", "a_x000d_\n": "a\r\n", "_x00": "_x00", "_x_041_": "_x_041_", "_xD83D_": "\ufffd",
		"__x0041_": "_A", "_xD83D__xDE00_": "😀", "_x+041_": "_x+041_",
	} {
		if got := unescape(in); got != want {
			t.Errorf("unescape(%q) = %q, want %q", in, got, want)
		}
	}
}
