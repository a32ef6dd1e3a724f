package pace

import (
	"time"
)

// pauses is what holds everybody back, and how long it has done so.
type pauses struct {
	until  time.Time
	reason string
	streak int           // backoffs since a call was accepted
	lost   time.Duration // until until

	window     time.Time // when the window that is waited for opens
	windowRate Rate
}

// pause holds back until d from now, unless something does so for longer already.
func (p *pauses) pause(now time.Time, d time.Duration, reason string) {
	until := now.Add(d)
	if !until.After(p.until) {
		return
	}
	from := now
	if p.until.After(now) {
		from = p.until
	}
	p.lost += until.Sub(from)
	p.until, p.reason = until, reason
}

func (p *pauses) wait(until time.Time, r Rate) { p.window, p.windowRate = until, r }

// Pause holds every call back for d from now on, unless a longer pause holds already. The reason is for the progress
// line.
func (l *Limiter) Pause(d time.Duration, reason string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.pauses.pause(time.Now(), d, reason)
}

// Backoff pauses after a refusal that did not say for how long, and gives the length: one second, doubled with each wave
// of such answers in a row.
func (l *Limiter) Backoff(reason string) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	// Many calls in flight are refused together: a wave of them is one step.
	if l.pauses.until.After(now) {
		return l.pauses.until.Sub(now)
	}
	d := min(firstPause<<min(l.pauses.streak, 10), lastPause)
	l.pauses.streak++
	l.pauses.pause(now, d, reason)
	return d
}

// worthTelling is how long a window may make wait without a word.
const worthTelling = 5 * time.Second

// Paused tells until when and why calls are held back; the zero time if they are not.
func (l *Limiter) Paused() (until time.Time, reason string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	switch p := l.pauses; {
	case p.until.After(now):
		return p.until, p.reason
	case p.window.Sub(now) > worthTelling:
		return p.window, "the quota " + p.windowRate.String() + " is used up"
	}
	return time.Time{}, ""
}

// Stats sums a run's pace up.
type Stats struct {
	Refused int           // calls refused because of the pace
	Lost    time.Duration // to pauses
	Factor  float64       // by which the pace is under the one stated, 1 if it is not
	Serial  bool          // calls are made one after the other: the vendor allows no burst
	Learned []Rate        // quotas that the vendor states, where they are tighter than those of the user
	Used    []Used        // of the windows that are counted
}

// Used is how many calls count in the last window of a rate, those of earlier runs too.
type Used struct {
	Rate  Rate
	Calls int
}

// Stats gives the figures so far.
func (l *Limiter) Stats() Stats {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	s := l.stats
	s.Lost = l.pauses.lost - max(0, l.pauses.until.Sub(now))
	s.Factor, s.Serial, s.Learned = l.feedback.factor, l.feedback.serial, append([]Rate(nil), l.learned...)
	for _, w := range l.windows {
		s.Used = append(s.Used, Used{w.rate, w.used(now)})
	}
	return s
}
