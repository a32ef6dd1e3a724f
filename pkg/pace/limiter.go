// Package pace spaces the calls of a run so that they keep the vendor's rate limit, use all of it, and do so across
// restarts.
//
// The pace is shared by all workers: every attempt takes a slot, retries too, and a pause holds everybody. Slots are
// spaced evenly with a burst of one, because a burst of a whole quota right after a quiet time is what makes servers
// with a window answer 429. There is no catching up after a stall. Windows of 5 s and more are counted besides (see
// window), from the send of a call until its answer and a window more; earlier runs' calls are counted too. What the vendor
// says, by refusals and in headers, can only lower the pace (see feedback).
package pace

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// Backoff of a 429 without Retry-After: doubling from the first to the last.
const (
	firstPause = time.Second
	lastPause  = 8 * time.Minute
)

// Limiter is the pace of one account. Its methods may be called from many goroutines.
type Limiter struct {
	stated []Rate
	giveUp time.Duration
	// turn is held by the one who waits for the next slot; who comes meanwhile queues up, in order.
	turn chan struct{}
	// ended wakes whoever holds the turn, after a call has ended.
	ended chan struct{}

	// mu owns time: rate.Limiter admits too much when it is given times out of order.
	mu       sync.Mutex
	spacing  *rate.Limiter
	distance time.Duration // of two calls, without the factor
	windows  []*window
	learned  []Rate // from headers
	feedback feedback
	flying   int
	lastEnd  time.Time
	notUntil time.Time // the earliest first call
	pauses   pauses
	stats    Stats
}

// Usage is how many calls were answered within a second.
type Usage struct {
	Second time.Time // its beginning
	Calls  int
}

// New makes a limiter that keeps every one of the rates, with the calls of earlier runs. A wait for a window that would be
// longer than giveUp is Exhausted.
func New(rates []Rate, giveUp time.Duration, earlier ...Usage) *Limiter {
	now := time.Now()
	l := &Limiter{
		stated: slices.Clone(rates), giveUp: giveUp, distance: Spacing(rates),
		turn: make(chan struct{}, 1), ended: make(chan struct{}, 1),
	}
	slowest := l.distance
	for _, r := range rates {
		if r.Per >= shortWindow {
			l.windows = append(l.windows, newWindow(r, now))
		}
		slowest = max(slowest, r.spacing()) // as a vendor wants it who allows no burst of 5000/d
	}
	l.feedback = newFeedback(lowest * float64(l.distance) / float64(slowest))
	l.spacing = rate.NewLimiter(rate.Every(l.apart()), 1)
	for _, u := range earlier {
		l.seed(u, now)
	}
	return l
}

// seed counts calls that earlier runs made. Without it, a window that was used up and a restart in its middle would make
// two windows' calls in one.
func (l *Limiter) seed(u Usage, now time.Time) {
	at := u.Second.Add(time.Second)
	if at.After(now) {
		at = now // or the clock was set back
	}
	for _, w := range l.windows {
		w.add(at, now, u.Calls)
	}
	if next := at.Add(l.distance); next.After(l.notUntil) {
		l.notUntil = next
	}
}

// Exhausted is the error of a Wait that would be too long: a quota is used up.
type Exhausted struct {
	Rate  Rate
	Until time.Time // when it allows the next call
}

func (e *Exhausted) Error() string {
	return fmt.Sprintf("the quota %s is used up, go on after %s", e.Rate, e.Until.UTC().Format(time.RFC3339))
}

// Slot is the right to make one call, now. One of its methods must be called, once.
type Slot struct {
	limiter *Limiter
	sent    time.Time
}

// Wait blocks until the next call may be made, and takes its slot. First come, first served. It returns early with the
// cause of ctx when that is done, or with *Exhausted.
func (l *Limiter) Wait(ctx context.Context) (Slot, error) {
	select {
	case l.turn <- struct{}{}:
	case <-ctx.Done():
		return Slot{}, context.Cause(ctx)
	}
	defer func() { <-l.turn }()
	for {
		if ctx.Err() != nil {
			return Slot{}, context.Cause(ctx)
		}
		slot, wait, err := l.try()
		if err != nil || wait == 0 {
			return slot, err
		}
		await(ctx, wait, l.ended)
	}
}

// await returns after d, or at the event, or when ctx is done.
func await(ctx context.Context, d time.Duration, event <-chan struct{}) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-event:
	case <-ctx.Done():
	}
}

// forever is the wait for an event alone.
const forever = 24 * 365 * time.Hour

// try takes a slot, or tells how long to wait until it is worth another try; an end of a call may change that. The
// spacing comes last and everything before it is asked again after each wait, so that no pause and no window
// is overtaken by who waited already.
func (l *Limiter) try() (Slot, time.Duration, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	l.pauses.window = time.Time{}
	if wait := cmp.Or(max(0, l.pauses.until.Sub(now)), max(0, l.notUntil.Sub(now)), l.serialWait(now)); wait > 0 {
		return Slot{}, wait, nil
	}
	if wait, err := l.windowWait(now); wait > 0 || err != nil {
		return Slot{}, wait, err
	}
	next := l.spacing.ReserveN(now, 1)
	if wait := next.DelayFrom(now); wait > 0 {
		next.CancelAt(now) // nothing was waited for yet, and the pace may change meanwhile
		return Slot{}, wait, nil
	}
	l.flying++
	for _, w := range l.windows {
		w.flying++
	}
	return Slot{l, now}, 0, nil
}

// serialWait: a server without any burst refuses what jitter brings closer together than its spacing. mu is held.
func (l *Limiter) serialWait(now time.Time) time.Duration {
	switch {
	case !l.feedback.serial:
		return 0
	case l.flying > 0:
		return forever
	}
	return max(0, l.lastEnd.Add(l.apart()).Sub(now))
}

// windowWait is the longest wait for any window. mu is held.
func (l *Limiter) windowWait(now time.Time) (longest time.Duration, err error) {
	for _, w := range l.windows {
		next, known := w.next(now)
		wait := forever
		if known {
			wait = next.Sub(now)
		}
		if known && wait > l.giveUp {
			return 0, &Exhausted{Rate: w.rate, Until: next}
		}
		if wait > longest {
			longest = wait
			l.pauses.wait(next, w.rate)
		}
	}
	return longest, nil
}

// apart is the distance of two calls at the present pace. mu is held.
func (l *Limiter) apart() time.Duration {
	return time.Duration(float64(l.distance) / l.feedback.factor)
}

// Unused gives a slot back: no call was made, or it is proven that no byte of it left.
func (s Slot) Unused() {
	s.limiter.end(func(_ time.Time) {
		for _, w := range s.limiter.windows {
			w.flying--
		}
	})
}

// Heard is what the end of a call says of the pace. Its zero value is: nothing.
type Heard struct {
	Accepted bool // the vendor took the call
	Refused  bool // because of the pace
	// Quotas are those that the vendor says it has. They can only lower the pace.
	Quotas []Rate
}

// Ended tells that the answer of the call came, just now, and what it said of the pace.
func (s Slot) Ended(h Heard) {
	l := s.limiter
	l.end(func(now time.Time) {
		for _, w := range l.windows {
			w.end(now, now)
		}
		l.lastEnd = now
		switch {
		case h.Refused:
			l.stats.Refused++
			l.feedback.refused(s.sent, now)
		case h.Accepted:
			l.pauses.streak = 0
			l.feedback.accepted()
		}
		l.learn(h.Quotas, now)
		l.spacing.SetLimitAt(now, rate.Every(l.apart()))
	})
}

func (l *Limiter) end(change func(now time.Time)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.flying--
	change(time.Now())
	select {
	case l.ended <- struct{}{}:
	default: // it is told already
	}
}

// learn takes over the quotas that the vendor states, as far as they are tighter than all that is known. mu is held.
func (l *Limiter) learn(quotas []Rate, now time.Time) {
	for _, q := range quotas {
		known := func(r Rate) bool { return !q.tighter(r) }
		if !q.sane() || slices.ContainsFunc(l.stated, known) || slices.ContainsFunc(l.learned, known) || len(l.learned) == maxLearned {
			continue
		}
		l.learned = append(l.learned, q)
		if q.Per >= shortWindow {
			w := newWindow(q, now)
			w.flying = l.flying
			l.windows = append(l.windows, w)
		}
		if q.Per <= wideWindow {
			l.distance = min(max(l.distance, q.spacing()), time.Duration(float64(Spacing(l.stated))/lowest))
		}
	}
}

// maxLearned bounds what a vendor with ever new headers can make of the limiter.
const maxLearned = 8

// Sleep waits for d, or returns early with the cause of ctx.
func Sleep(ctx context.Context, d time.Duration) error {
	if d > 0 && ctx.Err() == nil {
		await(ctx, d, nil)
	}
	return context.Cause(ctx)
}
