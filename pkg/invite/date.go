package invite

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

// DateOrder says what comes first in a date such as 3/4/2031. One date alone may not tell, and two of a column must not be
// read in two ways.
type DateOrder string

// The orders, as they are typed.
const (
	Undecided  DateOrder = ""
	DayFirst   DateOrder = "dmy"
	MonthFirst DateOrder = "mdy"
)

func (o DateOrder) String() string {
	switch o {
	case DayFirst:
		return "day first"
	case MonthFirst:
		return "month first"
	}
	return "undecided"
}

// ErrDateOrder is why a date such as 31/12/2031 is not read while it is undecided which part is the day.
var ErrDateOrder = errors.New("may have the day or the month first, use YYYY-MM-DD")

// DateForm tells of a date that a person may want to hear how it was understood.
type DateForm uint8

// The forms. A plain date is understood by everybody alike.
const (
	FormPlain   DateForm = iota
	FormOrdered          // 3/4/2031, read by a DateOrder
	FormOffset           // with an offset from UTC of its own, so that the sheet's zone does not count
	FormSerial           // the number of days that a spreadsheet counts
	DateForms            // how many there are
)

// A spreadsheet counts the days since the end of 1899, save for files of very old Macs. The bounds are in 1954 and 2119:
// other numbers are no dates.
const (
	firstSerial, lastSerial = 20000, 80000
	minutesADay             = 24 * 60
)

var serialStart = time.Date(1899, 12, 30, 0, 0, 0, 0, time.UTC)

var (
	errNoDate    = fmt.Errorf("is not a date, use %s, %s or 7d", "YYYY-MM-DD HH:MM", "YYYY-MM-DD")
	errShortYear = errors.New("has a year of two digits, write all four")
)

// written is what a text says, before any zone counts.
type written struct {
	day     time.Time // midnight, in UTC
	minutes int       // since midnight; a date alone is 23:59
	own     *time.Location
	form    DateForm
}

// OrderOf tells in which order a date such as 31/12/2031 is written, Undecided if it may be both. It is not ok for all
// texts that are the same in both orders, or are no such dates.
func OrderOf(text string) (order DateOrder, ok bool) {
	words, _, ok := takeClock(dateWords(text))
	if !ok || len(words) != 1 {
		return Undecided, false
	}
	first, second, _, ok := slashed(words[0])
	if !ok {
		return Undecided, false
	}
	return orderOf(first, second)
}

func orderOf(first, second int) (order DateOrder, ok bool) {
	switch {
	case first == second, first < 1, second < 1, min(first, second) > 12, max(first, second) > 31:
		return Undecided, false
	case first > 12:
		return DayFirst, true
	case second > 12:
		return MonthFirst, true
	}
	return Undecided, true
}

// read understands every form of an absolute date. The reason of its error lacks the text.
func (o DateOrder) read(text string) (written, error) {
	if w, ok := readSerial(text); ok {
		return w, nil
	}
	words, w, ok := takeClock(dateWords(text))
	if !ok {
		return w, errNoDate
	}
	if len(words) == 4 && weekdays[words[0]] { // long formats put it first
		words = words[1:]
	}
	var err error
	switch len(words) {
	case 1:
		err = w.readNumbers(words[0], o)
	case 3:
		w.day, err = readNames(words)
	default:
		err = errNoDate
	}
	return w, err
}

// readSerial reads a number of days, and of minutes after its point.
func readSerial(text string) (w written, ok bool) {
	whole, fraction, _ := strings.Cut(text, ".")
	if len(whole) != 5 || strings.Trim(whole+fraction, "0123456789") != "" {
		return w, false
	}
	n, err := strconv.ParseFloat(text, 64)
	if err != nil || n < firstSerial || n > lastSerial {
		return w, false
	}
	days := math.Floor(n)
	// By seconds: a minute is no exact fraction of a day, and 18:30 comes as 18:29:59.99.
	seconds := int(math.Round((n - days) * minutesADay * 60))
	w = written{day: serialStart.AddDate(0, 0, int(days)), minutes: seconds / 60, form: FormSerial}
	if strings.Trim(fraction, "0") == "" {
		w.minutes = minutesADay - 1
	}
	return w, true
}

// dateWords are the parts of a date that stand apart, in lower case.
func dateWords(text string) []string {
	if len(text) > 60 {
		return nil
	}
	text = strings.ToLower(strings.ReplaceAll(text, ",", " "))
	// The T between an ISO date and its time, and no other.
	if i := strings.IndexByte(text, 't'); i > 0 && i+1 < len(text) && isDigit(text[i-1]) && isDigit(text[i+1]) {
		text = text[:i] + " " + text[i+1:]
	}
	return strings.Fields(text)
}

// takeClock takes the time of day off the end, and with it AM or PM and the offset, which may stand apart.
func takeClock(words []string) (date []string, w written, ok bool) {
	at := slices.IndexFunc(words, func(word string) bool { return strings.Contains(word, ":") })
	if at < 0 {
		w.minutes = minutesADay - 1
		return words, w, true
	}
	clock, own, ok := cutOffset(strings.Join(words[at:], ""))
	if !ok {
		return nil, w, false
	}
	if w.own = own; own != nil {
		w.form = FormOffset
	}
	w.minutes, ok = readClock(clock)
	return words[:at], w, ok
}

// cutOffset takes off a Z, or what stands behind a sign.
func cutOffset(s string) (clock string, own *time.Location, ok bool) {
	for _, zulu := range []string{"z", "utc", "gmt"} {
		if clock, ok := strings.CutSuffix(s, zulu); ok {
			return clock, time.UTC, true
		}
	}
	i := strings.IndexAny(s, "+-")
	if i < 0 {
		return s, nil, true
	}
	digits := strings.Replace(s[i+1:], ":", "", 1)
	if len(digits) == 2 {
		digits += "00"
	}
	n, ok := number(digits, 4, 4)
	if !ok || n/100 > 14 || n%100 > 59 {
		return "", nil, false
	}
	seconds := (n/100*60 + n%100) * 60
	if s[i] == '-' {
		seconds = -seconds
	}
	return s[:i], time.FixedZone("", seconds), true
}

// readClock reads 18:30, 18:30:59.9 (the vendor knows no seconds) and 6:30 pm, in minutes.
func readClock(s string) (minutes int, ok bool) {
	s = strings.ReplaceAll(s, ".m.", "m") // a.m., p.m.
	clock := strings.TrimSuffix(strings.TrimSuffix(s, "am"), "pm")
	half := s[len(clock):]
	h, rest, _ := strings.Cut(clock, ":")
	m, sec, hasSeconds := strings.Cut(rest, ":")
	hour, ok := number(h, 1, 2)
	minute, okMinute := number(m, 2, 2)
	if hasSeconds {
		whole, _, _ := strings.Cut(sec, ".")
		second, okSecond := number(whole, 2, 2)
		okMinute = okMinute && okSecond && second < 60
	}
	switch half {
	case "":
		ok = ok && hour < 24
	case "am", "pm":
		ok = ok && hour >= 1 && hour <= 12
		if hour %= 12; half == "pm" {
			hour += 12
		}
	default:
		return 0, false
	}
	return hour*60 + minute, ok && okMinute && minute < 60
}

// readNumbers reads a date without spaces: 2031-12-31, 31.12.2031, 31/12/2031, 31-Dec-2031. With dots the day is first
// wherever people write so.
func (w *written) readNumbers(word string, o DateOrder) (err error) {
	if first, second, year, ok := slashed(word); ok {
		if _, ordered := orderOf(first, second); ordered {
			if o == Undecided {
				return ErrDateOrder
			}
			w.form = max(w.form, FormOrdered)
		}
		if o == MonthFirst {
			first, second = second, first
		}
		w.day, err = calendar(year, second, first)
		return err
	}
	i := max(0, strings.IndexAny(word, "-/."))
	parts := strings.Split(word, word[i:i+1])
	if len(parts) != 3 || slices.Contains(parts, "") {
		return errNoDate
	}
	if !isDigit(parts[1][0]) {
		w.day, err = readNames(parts)
		return err
	}
	first, okFirst := number(parts[0], 1, 4)
	second, okSecond := number(parts[1], 1, 2)
	last, okLast := number(parts[2], 1, 4)
	switch a, c := len(parts[0]), len(parts[2]); {
	case !okFirst || !okSecond || !okLast:
		return errNoDate
	case a == 4 && c <= 2:
		w.day, err = calendar(first, second, last)
	case a <= 2 && c == 4:
		w.day, err = calendar(last, second, first)
	case a <= 2 && c == 2:
		err = errShortYear
	default:
		err = errNoDate
	}
	return err
}

// slashed takes apart what has the day or the month first.
func slashed(word string) (first, second, year int, ok bool) {
	sep := "/"
	if !strings.Contains(word, sep) {
		sep = "-"
	}
	a, rest, _ := strings.Cut(word, sep)
	b, c, _ := strings.Cut(rest, sep)
	first, okFirst := number(a, 1, 2)
	second, okSecond := number(b, 1, 2)
	year, ok = number(c, 4, 4)
	return first, second, year, ok && okFirst && okSecond
}

// readNames reads a date whose month is a word: 31 Dec 2031, December 31, 2031.
func readNames(words []string) (time.Time, error) {
	day, name := words[0], words[1]
	if !isDigit(day[0]) {
		day, name = name, day
	}
	month, known := months[strings.TrimSuffix(name, ".")]
	for _, ordinal := range []string{".", "st", "nd", "rd", "th"} {
		day = strings.TrimSuffix(day, ordinal)
	}
	d, ok := number(day, 1, 2)
	if !known || !ok {
		return time.Time{}, errNoDate
	}
	if _, short := number(words[2], 2, 2); short {
		return time.Time{}, errShortYear
	}
	year, ok := number(words[2], 4, 4)
	if !ok {
		return time.Time{}, errNoDate
	}
	return calendar(year, month, d)
}

// calendar refuses a 30th of February.
func calendar(year, month, day int) (time.Time, error) {
	t := time.Date(year, time.Month(month), day, 0, 0, 0, 0, time.UTC)
	if t.Year() != year || int(t.Month()) != month || t.Day() != day {
		return t, errNoDate
	}
	return t, nil
}

// months and weekdays are known by their English names, whole and short.
var months, weekdays = func() (map[string]int, map[string]bool) {
	m, w := map[string]int{"sept": 9}, map[string]bool{}
	for i := range 12 {
		name := strings.ToLower(time.Month(i + 1).String())
		m[name], m[name[:3]] = i+1, i+1
	}
	for i := range 7 {
		name := strings.ToLower(time.Weekday(i).String())
		w[name], w[name[:3]] = true, true
	}
	return m, w
}()

// number reads so many digits.
func number(s string, least, most int) (int, bool) {
	if len(s) < least || len(s) > most {
		return 0, false
	}
	n := 0
	for i := range len(s) {
		if !isDigit(s[i]) {
			return 0, false
		}
		n = n*10 + int(s[i]-'0')
	}
	return n, true
}

func isDigit(b byte) bool { return b >= '0' && b <= '9' }
