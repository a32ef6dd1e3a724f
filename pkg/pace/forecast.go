package pace

import "time"

// Forecast is how a number of calls will go at best: answers that take no time, and nothing that goes wrong.
type Forecast struct {
	Takes time.Duration // all calls, or those that fit
	// Fit is how many calls are made before a quota makes wait longer than a run may. Rate is that quota and Resume when
	// it opens again; the zero time if all fit.
	Fit    int
	Rate   Rate
	Resume time.Time
}

// foreseen is how many calls are waited for one by one. A longer run is in the steady state by then.
const foreseen = 20_000

// Foresee tells how n calls will go that begin now, after the usage of earlier runs.
func Foresee(n int, rates []Rate, earlier []Usage, giveUp time.Duration) Forecast {
	l := New(rates, giveUp, earlier...)
	start := time.Now()
	at, waited := start, 0
	for i := range n {
		next := at
		if i > 0 {
			next = at.Add(l.distance)
		} else if l.notUntil.After(at) {
			next = l.notUntil
		}
		evenly := next
		for _, w := range l.windows {
			open, _ := w.next(at)
			if open.Sub(at) > giveUp {
				return Forecast{Takes: at.Sub(start), Fit: i, Rate: w.rate, Resume: open}
			}
			if open.After(next) {
				next = open
			}
		}
		if next.After(evenly) {
			if waited++; waited == foreseen {
				return Forecast{Takes: at.Sub(start) + l.steady(n-i), Fit: n}
			}
		}
		for _, w := range l.windows {
			w.add(next, next, 1)
		}
		at = next
	}
	return Forecast{Takes: at.Sub(start), Fit: n}
}

// steady is how long n calls take in the long run.
func (l *Limiter) steady(n int) time.Duration {
	each := float64(l.distance)
	for _, r := range l.stated {
		each = max(each, float64(r.Per)/float64(r.Calls))
	}
	return time.Duration(min(float64(n)*each, float64(maxPer)))
}
