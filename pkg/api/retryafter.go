package api

import (
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// maxPause keeps absurd numbers within a time.Duration. How long is too long to wait is for the caller to say.
const maxPause = 365 * 24 * time.Hour

// seconds leaves out what ParseFloat takes besides: inf, nan, hexadecimal and exponents.
var seconds = regexp.MustCompile(`^[+-]?(\d+\.?\d*|\.\d+)$`)

// retryAfter reads a Retry-After header: seconds, whole or with a fraction, or an HTTP date, which counts from the
// answer's own Date, never from the local clock. It gives 0 for no pause, for a time that is over, and for what it
// can't read.
func retryAfter(value, date string) time.Duration {
	value = strings.TrimSpace(value)
	if seconds.MatchString(value) {
		s, err := strconv.ParseFloat(value, 64)
		switch {
		case err != nil: // out of any range
			return 0
		case s > maxPause.Seconds():
			return maxPause
		}
		return max(0, time.Duration(s*float64(time.Second)))
	}
	at, err := http.ParseTime(value)
	if err != nil {
		return 0
	}
	now, err := http.ParseTime(date)
	if err != nil {
		return 0
	}
	return min(max(0, at.Sub(now)), maxPause)
}
