package pace

import (
	"math"
	"time"
)

// ticks is into how many parts a window is divided. Calls are counted per part, so that the memory of a window does not
// grow with its quota.
const ticks = 960

// room is for two windows: a share of the one before the last may still count.
const room = 2*ticks + 2

// window counts the calls that may still count at the vendor, for one rate. The vendor takes a call in at some moment
// between our send and its answer, so it counts from the send on, and grows old from the answer on.
//
// How the vendor counts is not known. Every usual way allows a call if fewer than the quota count before it; a window
// that slides takes the calls of the last window, one that is fixed those since it began. One that only approximates the
// sliding (the calls since it began, and those of the fixed window before it by the share of it that the last window still
// covers) may refuse what both of them allow, after a burst. So a call is allowed here if that last sum is under
// the quota wherever the fixed windows begin; with the right beginning it is the sum of the other two, too. And who
// makes no more calls than the quota in any window keeps every token bucket of that size.
type window struct {
	rate Rate
	base time.Time // of the count of ticks
	tick time.Duration

	counts [room]int // of answers, by tick modulo room
	head   int64     // the latest tick that counts has room for
	total  int       // their sum
	flying int       // calls without an answer yet
}

func newWindow(r Rate, now time.Time) *window {
	return &window{rate: r, base: now, tick: (r.Per + ticks - 1) / ticks}
}

// end tells when the answer of a call came.
func (w *window) end(at, now time.Time) {
	w.flying--
	w.add(at, now, 1)
}

// add counts calls that were answered at some time; those too old to matter are forgotten.
func (w *window) add(at, now time.Time, calls int) {
	w.forget(now)
	if k := min(w.up(at), w.head); k > w.head-room {
		w.counts[index(k)] += calls
		w.total += calls
	}
}

// forget makes room for the ticks up to now.
func (w *window) forget(now time.Time) {
	to := w.up(now)
	for k := max(w.head+1, to-room+1); k <= to; k++ {
		w.total -= w.counts[index(k)]
		w.counts[index(k)] = 0
	}
	w.head = max(w.head, to)
}

func index(k int64) int64 {
	return (k%room + room) % room
}

// up is the first tick that is not before a time: calls are never made older than they are.
func (w *window) up(at time.Time) int64 {
	d := at.Sub(w.base)
	k := int64(d / w.tick)
	if d > 0 && d%w.tick != 0 {
		k++
	}
	return k
}

// next gives the earliest time, not before now, at which another call is allowed if no more answers come. It is false
// if that depends on calls that have none.
func (w *window) next(now time.Time) (time.Time, bool) {
	w.forget(now)
	switch {
	case w.flying >= w.rate.Calls:
		return time.Time{}, false
	case w.flying+w.total < w.rate.Calls:
		return now, true
	}
	at := float64(now.Sub(w.base)) / float64(w.tick)
	opens := w.opens(at)
	if opens == at {
		return now, true
	}
	// Rounded up, or it would not be allowed then.
	return w.base.Add(time.Duration(opens*float64(w.tick)) + time.Microsecond), true
}

// opens is next in ticks. It goes through the moments at which a fixed window may begin, from the oldest that is not over:
// the calls since such a moment count in full, those of the window before it by a share that falls with time.
func (w *window) opens(at float64) float64 {
	quota := w.rate.Calls
	k := int64(math.Floor(at)) - ticks + 1
	since, before := w.flying, 0
	for i := w.head; i >= k; i-- {
		since += w.count(i)
	}
	for i := k - 1; i >= k-ticks; i-- {
		before += w.count(i)
	}
	for ; ; k++ {
		if float64(k) > at { // what begins between here and the tick before counts all of the last window in full
			if since+before < quota {
				return at
			}
			at = float64(k)
		}
		if since >= quota {
			at = max(at, float64(k+ticks))
		} else if since+before >= quota {
			at = max(at, float64(k)+ticks*(1-float64(quota-since)/float64(before)))
		}
		since -= w.count(k)
		before += w.count(k) - w.count(k-ticks)
	}
}

func (w *window) count(k int64) int {
	if k > w.head || k <= w.head-room {
		return 0
	}
	return w.counts[index(k)]
}

// used is how many calls count in the last window.
func (w *window) used(now time.Time) int {
	w.forget(now)
	n := w.flying
	for k := w.head; k > w.head-ticks; k-- {
		n += w.counts[index(k)]
	}
	return n
}
