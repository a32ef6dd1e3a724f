package pipeline

import (
	"math"
	"slices"
	"sync"
	"time"

	"batchinvite/pkg/invite"
)

// Totals are the counts of a run, at its end or so far.
type Totals struct {
	Rows   int                   // result rows written
	Counts map[invite.Status]int // they add up to Rows
	// Reached counts the rows whose person is invited: invited, already_invited and the duplicates of such.
	Reached int
	// OverLimit counts the rows that were not sent because of --limit alone.
	OverLimit int
	// Missed counts the rows that a worker had and that are not invited.
	Missed   int
	Calls    int              // attempts, retries too
	P50, P95 time.Duration    // of the calls
	Stops    []*invite.Stop   // why it stopped early, in the order of their coming; none if it did not
	Cause    string           // the first of them, as the rows say it that were not reached; at the end
	Closed   map[int64]string // assessments that were called no more, and why; at the end
}

// Progress is filled by a run and may be read from any goroutine at any time.
type Progress struct {
	mu      sync.Mutex
	totals  Totals
	latency histogram
}

// Totals gives a copy of the counts so far.
func (p *Progress) Totals() Totals {
	p.mu.Lock()
	defer p.mu.Unlock()
	t := p.totals
	t.Counts = make(map[invite.Status]int, len(p.totals.Counts))
	for s, n := range p.totals.Counts {
		t.Counts[s] = n
	}
	t.Stops = slices.Clone(p.totals.Stops)
	t.P50, t.P95 = p.latency.quantile(0.50), p.latency.quantile(0.95)
	return t
}

func (p *Progress) called(took time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.totals.Calls++
	p.latency.add(took)
}

func (p *Progress) wrote(it *item) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.totals.Counts == nil {
		p.totals.Counts = make(map[invite.Status]int)
	}
	p.totals.Rows++
	p.totals.Counts[it.result.Status]++
	if it.reached {
		p.totals.Reached++
	}
	if it.sent && !it.reached {
		p.totals.Missed++
	}
	if it.overLimit && it.result.Status == invite.StatusNotSent {
		p.totals.OverLimit++
	}
}

func (p *Progress) stopped(s *invite.Stop) {
	p.mu.Lock()
	defer p.mu.Unlock()
	same := func(other *invite.Stop) bool { return *other == *s }
	if !slices.ContainsFunc(p.totals.Stops, same) { // a call of every worker may say the same
		p.totals.Stops = append(p.totals.Stops, s)
	}
}

// histogram counts durations in steps of 5 %, from a microsecond to an hour, so that quantiles of any number of calls
// take the same memory.
type histogram struct {
	steps [460]int
	n     int
}

const step = 1.05

func (h *histogram) add(d time.Duration) {
	i := int(math.Log(max(float64(d)/float64(time.Microsecond), 1)) / math.Log(step))
	h.steps[min(i, len(h.steps)-1)]++
	h.n++
}

func (h *histogram) quantile(q float64) time.Duration {
	left := int(math.Ceil(q * float64(h.n)))
	for i, n := range h.steps {
		if left -= n; n > 0 && left <= 0 {
			return time.Duration(math.Pow(step, float64(i)+0.5) * float64(time.Microsecond))
		}
	}
	return 0
}
