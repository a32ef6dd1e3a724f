package pace

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Rate is a quota as a user states it: so many calls in each window.
type Rate struct {
	Calls int
	Per   time.Duration
}

var units = map[byte]time.Duration{'s': time.Second, 'm': time.Minute, 'h': time.Hour, 'd': 24 * time.Hour}

// maxCalls and maxPer bound a rate far beyond any real quota, so that no arithmetic on it overflows.
const (
	maxCalls = 1_000_000_000
	maxPer   = 366 * 24 * time.Hour
)

// ParseRate reads "2/s", "60/m", "50/5s" or "5000/d".
func ParseRate(s string) (Rate, error) {
	wrong := fmt.Errorf("%q is not a rate, write calls per time such as 2/s, 60/m, 50/5s or 5000/d", s)
	calls, per, ok := strings.Cut(strings.TrimSpace(s), "/")
	n, err := strconv.Atoi(calls)
	if !ok || err != nil || n < 1 || n > maxCalls || per == "" {
		return Rate{}, wrong
	}
	unit, ok := units[per[len(per)-1]]
	if !ok {
		return Rate{}, wrong
	}
	times := 1
	if count := per[:len(per)-1]; count != "" {
		if times, err = strconv.Atoi(count); err != nil || times < 1 || time.Duration(times) > maxPer/unit {
			return Rate{}, wrong
		}
	}
	return Rate{Calls: n, Per: time.Duration(times) * unit}, nil
}

// String gives the rate as ParseRate reads it, in the largest unit that fits.
func (r Rate) String() string {
	for _, unit := range []byte("dhms") {
		if d := units[unit]; r.Per%d == 0 {
			if r.Per == d {
				return fmt.Sprintf("%d/%c", r.Calls, unit)
			}
			return fmt.Sprintf("%d/%d%c", r.Calls, r.Per/d, unit)
		}
	}
	return fmt.Sprintf("%d/%s", r.Calls, r.Per)
}

// shortWindow: below it a server that slides its window strictly sees our jitter, so the spacing stays 3 % under the
// quota.
const (
	shortWindow = 5 * time.Second
	margin      = 1.03
)

// Spacing is the even distance between two calls that keeps every one of the rates.
func Spacing(rates []Rate) time.Duration {
	var widest time.Duration
	for _, r := range rates {
		each := float64(r.Per) / float64(r.Calls)
		if r.Per < shortWindow {
			each *= margin
		}
		widest = max(widest, time.Duration(each)+1)
	}
	return widest
}

// Duration is how long n calls take at the given rates.
func Duration(n int, rates []Rate) time.Duration {
	if n <= 0 {
		return 0
	}
	return time.Duration(min(float64(n-1)*float64(Spacing(rates)), float64(maxPer)))
}
