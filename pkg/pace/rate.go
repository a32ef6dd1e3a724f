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

// Windows shorter than shortWindow are met by the spacing alone, 3 % under the quota: counting each call until its answer
// and a window more would waste a quarter of them. Those longer than wideWindow only cap: by them alone, 5000/d would mean
// one call in 17 seconds.
const (
	shortWindow = 5 * time.Second
	wideWindow  = time.Minute
	margin      = 1.03
)

// Default is the rate of a run for which none is stated. It gives the spacing, too, where only wide windows are.
var Default = Rate{Calls: 2, Per: time.Second}

// Spacing is the even distance between two calls: that of the shortest window stated.
func Spacing(rates []Rate) time.Duration {
	shortest := wideWindow + 1
	for _, r := range rates {
		shortest = min(shortest, r.Per)
	}
	if shortest > wideWindow {
		return Default.spacing()
	}
	var spacing time.Duration
	for _, r := range rates {
		if r.Per == shortest || r.Per < shortWindow {
			spacing = max(spacing, r.spacing())
		}
	}
	return spacing
}

// Memory is how far back calls may still count for some of the rates.
func Memory(rates []Rate) time.Duration {
	var widest time.Duration
	for _, r := range rates {
		widest = max(widest, r.Per)
	}
	return 2*widest + time.Second
}

// Share is the part of the quota that so many calls use in a time; more than 1 if they exceed it.
func (r Rate) Share(calls int, in time.Duration) float64 {
	return float64(calls) * float64(r.Per) / float64(r.Calls) / float64(max(in, 1))
}

func (r Rate) spacing() time.Duration {
	each := float64(r.Per) / float64(r.Calls)
	if r.Per < shortWindow {
		each *= margin
	}
	return time.Duration(each) + 1
}

// sane tells a quota that a vendor may have from a header that is nonsense.
func (r Rate) sane() bool {
	return r.Calls >= 1 && r.Calls <= maxCalls && r.Per >= time.Second && r.Per <= maxPer
}

// tighter tells whether a rate forbids something that another one allows.
func (r Rate) tighter(than Rate) bool {
	return r.Per < than.Per && r.Calls < than.Calls ||
		float64(r.Calls)*float64(than.Per) < float64(than.Calls)*float64(r.Per)
}
