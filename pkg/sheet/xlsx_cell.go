package sheet

import (
	"math"
	"strconv"
	"strings"
	"time"
	"unicode/utf16"

	"github.com/xuri/excelize/v2"

	"batchinvite/pkg/invite"
)

// lastSerial is the day after 9999-12-31, in days of Excel's 1900 system. The other one begins days1904 later.
const (
	lastSerial = 2958466
	days1904   = 1462
)

// number makes of a number what its cell shows: a date where the number format is one of a date, and else the number
// without an exponent where that is readable.
func (b *workbook) number(text string, style int) cell {
	text = strings.TrimSpace(text)
	f, err := strconv.ParseFloat(text, 64)
	if err != nil || strings.Trim(text, "+-.0123456789eE") != "" {
		return cell{text: text}
	}
	var format numberFormat
	if style >= 0 && style < len(b.formats) {
		format = b.formats[style]
	}
	if format.date {
		if date := serialDate(f, b.date1904); date != "" {
			return cell{text: date, kind: invite.DateCells}
		}
	}
	shown := numberText(text, f)
	if n := len(shown); n < format.digits && strings.Trim(shown, "0123456789") == "" {
		shown = strings.Repeat("0", format.digits-n) + shown
	}
	return cell{text: shown, kind: invite.NumberCells}
}

// numberFormat is what counts of how a number is shown.
type numberFormat struct {
	date   bool
	digits int // no less than these, as of a postal code: 00000
}

// maxDigits is more than any number is formatted with that is one.
const maxDigits = 32

func formatOf(code string) numberFormat {
	f := numberFormat{date: isDateFormat(code)}
	if first, _, _ := strings.Cut(code, ";"); len(first) <= maxDigits && strings.Trim(first, "0") == "" {
		f.digits = len(first)
	}
	return f
}

// numberText keeps plain digits as they are, as they may be more than a float holds.
func numberText(text string, f float64) string {
	if digits := strings.TrimPrefix(text, "-"); digits == "0" || digits != "" && digits[0] != '0' && strings.Trim(digits, "0123456789") == "" {
		return text
	}
	if size := math.Abs(f); size != 0 && (size < 1e-9 || size >= 1e21) {
		return strconv.FormatFloat(f, 'g', -1, 64)
	}
	return strconv.FormatFloat(f, 'f', -1, 64)
}

// serialDate is "" for what is no date: a clock's time alone is one, and the zero that stands for an empty date is none.
func serialDate(serial float64, date1904 bool) string {
	if serial <= 0 || serial >= lastSerial-days1904 {
		return ""
	}
	// It goes to the nearest second: a minute is no whole number of a day's binary fractions.
	t, err := excelize.ExcelDateToTime(serial, date1904)
	if err != nil {
		return ""
	}
	if serial < 1 {
		return t.Format("15:04")
	}
	return dateText(t)
}

// dateText leaves a time of 0:00 out: most programs store a date alone so, and many show a time with it.
func dateText(t time.Time) string {
	if t.Hour() == 0 && t.Minute() == 0 {
		return t.Format(time.DateOnly)
	}
	return t.Format(invite.WireTime)
}

// isoDate reads the dates that some programs write as texts of their own type.
func isoDate(text string) cell {
	for _, layout := range []string{"2006-01-02T15:04:05.999999999Z07:00", "2006-01-02T15:04:05.999999999", "2006-01-02T15:04", time.DateOnly} {
		if t, err := time.Parse(layout, strings.TrimSpace(text)); err == nil {
			return cell{text: dateText(t), kind: invite.DateCells}
		}
	}
	return cell{text: text}
}

// isBuiltInDate knows the number formats that have a number instead of a code. Some are dates in some languages only.
func isBuiltInDate(id int) bool {
	return id >= 14 && id <= 22 || id >= 27 && id <= 36 || id == 45 || id == 47 || id >= 50 && id <= 58 || id >= 71 && id <= 78 || id >= 80 && id <= 81
}

// isDateFormat tells whether a number format shows a date or a time of day. Elapsed time, [h]:mm, is a number.
func isDateFormat(code string) bool {
	if strings.EqualFold(code, "standard") { // "General", as a program wrote it that translates it
		return false
	}
	found := false
	for i := 0; i < len(code) && code[i] != ';'; i++ {
		switch c := code[i]; c {
		case '"':
			end := strings.IndexByte(code[i+1:], '"')
			if end < 0 {
				return found
			}
			i += end + 1
		case '\\', '_', '*': // and the sign that it shows, leaves room for or repeats
			i++
		case '[': // a colour, a condition, a language, or elapsed time
			end := strings.IndexByte(code[i:], ']')
			if end < 0 {
				return found
			}
			if isElapsed(strings.ToLower(code[i+1 : i+end])) {
				return false
			}
			i += end
		case '#', '?', '%', '@':
			return false
		case 'y', 'Y', 'm', 'M', 'd', 'D', 'h', 'H', 's', 'S':
			found = true
		}
	}
	return found
}

func isElapsed(inside string) bool {
	return inside != "" && (strings.Trim(inside, "h") == "" || strings.Trim(inside, "m") == "" || strings.Trim(inside, "s") == "")
}

// unescape gives back the characters that XML can't hold: _xHHHH_ is one of them, in UTF-16.
func unescape(text string) string {
	if !strings.Contains(text, "_x") {
		return text
	}
	var out strings.Builder
	for text != "" {
		unit, ok := escaped(text)
		if !ok {
			out.WriteByte(text[0])
			text = text[1:]
			continue
		}
		text = text[len("_xHHHH_"):]
		if low, ok := escaped(text); ok && utf16.IsSurrogate(unit) {
			if r := utf16.DecodeRune(unit, low); r != '\ufffd' {
				unit, text = r, text[len("_xHHHH_"):]
			}
		}
		out.WriteRune(unit)
	}
	return out.String()
}

// escaped reads an escape at the beginning of text.
func escaped(text string) (rune, bool) {
	if len(text) < 7 || text[:2] != "_x" || text[6] != '_' {
		return 0, false
	}
	n, err := strconv.ParseUint(text[2:6], 16, 16)
	return rune(n), err == nil && !strings.ContainsAny(text[2:6], "_+-")
}
