// Package pace spaces the calls of a run so that they keep the vendor's rate limit.
//
// The pace is shared by all workers: every attempt takes a slot, retries too, and a pause holds everybody. Slots are
// spaced evenly with a burst of one, because a burst of a whole quota right after a quiet time is what makes servers
// with a window answer 429. There is no catching up after a stall.
package pace

import (
	"context"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// Backoff of a 429 without Retry-After: doubling from the first to the last.
const (
	firstPause = time.Second
	lastPause  = time.Minute
)

// Limiter is the pace of one account. Wait may be called from many goroutines.
type Limiter struct {
	// mu owns time: rate.Limiter admits too much when it is given times out of order.
	mu          sync.Mutex
	spacing     *rate.Limiter
	pausedUntil time.Time
	reason      string
	throttled   int // 429s without Retry-After in a row
}

// New makes a limiter that keeps every one of the rates.
func New(rates []Rate) *Limiter {
	return &Limiter{spacing: rate.NewLimiter(rate.Every(Spacing(rates)), 1)}
}

// Wait blocks until the next call may be made, and takes its slot. It returns early with the cause of ctx when that is
// done.
func (l *Limiter) Wait(ctx context.Context) error {
	for {
		if err := Sleep(ctx, l.untilOpen()); err != nil {
			return err
		}
		wait, cancel := l.reserve()
		if err := Sleep(ctx, wait); err != nil {
			cancel()
			return err
		}
		// A pause may have begun while this slot was waited for. The slot is lost then: after the pause everybody
		// queues up anew, so that no burst follows it.
		if l.untilOpen() == 0 {
			return nil
		}
	}
}

// Pause holds every call back for d from now on, unless a longer pause holds already. The reason is for the progress
// line.
func (l *Limiter) Pause(d time.Duration, reason string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if until := time.Now().Add(d); until.After(l.pausedUntil) {
		l.pausedUntil, l.reason = until, reason
	}
}

// Throttled pauses after a 429 that did not say for how long, and gives the length: one second, doubled with each wave of
// such answers in a row.
func (l *Limiter) Throttled(reason string) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	// Many calls in flight are refused together: a wave of them is one step.
	if l.pausedUntil.After(now) {
		return l.pausedUntil.Sub(now)
	}
	d := min(firstPause<<min(l.throttled, 10), lastPause)
	l.throttled++
	l.pausedUntil, l.reason = now.Add(d), reason
	return d
}

// Accepted tells that the vendor took a call, which ends a row of 429s.
func (l *Limiter) Accepted() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.throttled = 0
}

// Paused tells until when and why calls are held back; the zero time if they are not.
func (l *Limiter) Paused() (until time.Time, reason string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.pausedUntil.After(time.Now()) {
		return time.Time{}, ""
	}
	return l.pausedUntil, l.reason
}

func (l *Limiter) untilOpen() time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	return max(0, time.Until(l.pausedUntil))
}

// reserve takes the next free slot; cancel gives it back as far as nobody queued up behind it.
func (l *Limiter) reserve() (wait time.Duration, cancel func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	slot := l.spacing.ReserveN(now, 1)
	return slot.DelayFrom(now), func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		slot.CancelAt(time.Now())
	}
}

// Sleep waits for d, or returns early with the cause of ctx.
func Sleep(ctx context.Context, d time.Duration) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if d <= 0 {
		return nil
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
