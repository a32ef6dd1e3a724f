package pipeline

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"batchinvite/pkg/invite"
	"batchinvite/pkg/pace"
)

// The outage rule.
const (
	outageAfter = 5 // vendor failures in a row, of whichever worker
	firstProbe  = time.Second
	lastProbe   = time.Minute // the wait between two probes doubles from the first to the last
)

// Gate bounds the calls in flight by how the vendor does. A run begins with one, and every answer that comes lets one
// more go, up to the workers: 1, 2, 4 … Vendor failures in a row are an outage: then one row at a time probes, with
// growing waits, until an answer comes, and the run begins again with one.
//
// A sendlink call without an answer costs a person's time, since nobody but a person can settle it. So after the first of
// them no more calls are in flight than the budget has left. Methods may be called from many goroutines.
type Gate struct {
	workers, maxUnknown int
	giveUp              time.Duration

	mu      sync.Mutex
	passes  int           // out, of rows in flight or waiting for their slot
	flying  int           // calls in flight
	limit   int           // of both; grows up to the workers
	heed    int           // a further limit while it is > 0
	unknown int           // sendlink calls without an answer
	lost    int           // such calls since the last answer
	queue   []*pass       // those who wait, in the order of their coming
	changed chan struct{} // closed and replaced when somebody in the queue may go

	failures int       // vendor failures in a row
	since    time.Time // the first of them
	why      string    // the last of them
	closed   bool      // an outage
	probing  bool      // a pass is out
	wait     time.Duration
	next     time.Time // no probe before
}

// NewGate makes the gate of a run. giveUp is how long an outage may last; more sendlink rows than maxUnknown that this
// run makes unknown stop it.
func NewGate(workers, maxUnknown int, giveUp time.Duration) *Gate {
	return &Gate{workers: workers, maxUnknown: maxUnknown, giveUp: giveUp, limit: 1, changed: make(chan struct{})}
}

// pass is one row's permission to make a call, once it is through and has its slot.
type pass struct {
	probe, flying bool
	slot          pace.Slot
}

// Down tells until when calls are held back by an outage and why; the zero time if there is none.
func (g *Gate) Down() (until time.Time, why string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if !g.closed {
		return time.Time{}, ""
	}
	return g.next, fmt.Sprintf("the vendor is down since %s: %s", g.since.UTC().Format(time.RFC3339), g.why)
}

// enter waits for a pass; first come, first served, so that the rows stay about in order. It returns early with the cause
// of ctx when that is done.
func (g *Gate) enter(ctx context.Context) (*pass, error) {
	p := &pass{}
	g.mu.Lock()
	g.queue = append(g.queue, p)
	g.mu.Unlock()
	for {
		if ctx.Err() != nil {
			g.mu.Lock()
			defer g.mu.Unlock()
			g.dequeue(p)
			return nil, context.Cause(ctx)
		}
		through, due, changed := g.try(p)
		if through {
			return p, nil
		}
		await(ctx, due, changed)
	}
}

// dequeue lets the others look whether it is their turn now. mu is held.
func (g *Gate) dequeue(p *pass) {
	i := slices.Index(g.queue, p)
	g.queue = slices.Delete(g.queue, i, i+1)
	g.wake()
}

// await returns at the event, or after d if that is not 0, or when ctx is done.
func await(ctx context.Context, d time.Duration, event <-chan struct{}) {
	var timer <-chan time.Time
	if d > 0 {
		t := time.NewTimer(d)
		defer t.Stop()
		timer = t.C
	}
	select {
	case <-timer:
	case <-event:
	case <-ctx.Done():
	}
}

// try lets the first of the queue through, or says after what time or event to try again.
func (g *Gate) try(p *pass) (through bool, due time.Duration, changed <-chan struct{}) {
	g.mu.Lock()
	defer g.mu.Unlock()
	switch now := time.Now(); {
	case g.queue[0] != p:
	case !g.closed && g.passes < g.most():
		through = true
	case g.closed && !g.probing && !now.Before(g.next):
		through, p.probe, g.probing = true, true, true
	case g.closed && !g.probing:
		due = g.next.Sub(now)
	}
	if through {
		g.passes++
		g.dequeue(p)
	}
	return through, due, g.changed
}

// most is how many calls may be in flight. mu is held.
func (g *Gate) most() int {
	n := g.limit
	if g.heed > 0 {
		n = min(n, g.heed)
	}
	if g.unknown > 0 {
		n = min(n, max(1, g.maxUnknown-g.unknown))
	}
	return n
}

// begin turns a pass into a call in flight. It is false if the vendor has come to do worse since the pass was given: then
// the row leaves and queues up anew.
func (g *Gate) begin(p *pass) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if !p.probe && (g.closed || g.flying >= g.most()) {
		return false
	}
	g.flying++
	p.flying = true
	return true
}

// leave gives a pass back. A probe that made no call proves nothing: the next row probes.
func (g *Gate) leave(p *pass) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.passes--
	if p.flying {
		g.flying--
	}
	if p.probe {
		g.probing = false
	}
	g.wake()
}

// heard draws the conclusions from an answer, before its pass is given back. The stop, if any, is for the whole run.
func (g *Gate) heard(p *pass, a invite.Answer) *invite.Stop {
	g.mu.Lock()
	defer g.mu.Unlock()
	if a.Class == invite.ClassAmbiguous && !a.Retry {
		g.unknown++
		g.lost++
	}
	switch {
	case a.Failing:
		g.failed(p, a)
	case alive(a):
		g.answered()
	case p.probe:
		g.next = time.Now().Add(g.wait)
	}
	return g.verdict(a)
}

// alive tells whether an answer shows that the vendor works; that it asks to wait shows nothing.
func alive(a invite.Answer) bool {
	return a.Class == invite.ClassAnswered || a.Class == invite.ClassRefused && !a.Retry
}

// failed counts one more failure in a row. mu is held.
func (g *Gate) failed(p *pass, a invite.Answer) {
	now := time.Now()
	if g.failures == 0 {
		g.since = now
	}
	g.failures++
	g.why = a.Outcome.Error
	switch {
	case !g.closed && g.failures >= outageAfter:
		g.closed, g.wait = true, firstProbe
	case p.probe:
		g.wait = min(2*g.wait, lastProbe)
	default:
		return
	}
	g.next = now.Add(g.wait)
	// The last probe comes when the patience ends, and not up to a minute earlier.
	if end := g.since.Add(g.giveUp); now.Before(end) && end.Before(g.next) {
		g.next = end
	}
}

// answered ends a row of failures, and lets more calls go. mu is held.
func (g *Gate) answered() {
	switch {
	case g.closed:
		g.closed, g.limit = false, 1
	case g.limit < g.workers:
		g.limit++
	}
	g.failures, g.lost = 0, 0
	g.wake()
}

// verdict says whether going on makes sense. mu is held.
func (g *Gate) verdict(a invite.Answer) *invite.Stop {
	later := func(format string, args ...any) *invite.Stop {
		return &invite.Stop{Kind: invite.StopLater, Reason: fmt.Sprintf(format, args...) + ": " + a.Outcome.Error}
	}
	switch {
	case g.unknown > g.maxUnknown:
		return later("%d people became unknown, more than --max-unknown %d", g.unknown, g.maxUnknown)
	case g.lost >= outageAfter:
		return later("%d sendlink calls in a row ended without an answer that counts", g.lost)
	case g.closed && time.Since(g.since) >= g.giveUp:
		return later("the vendor gave no answer that counts for %s (--give-up-after)", g.giveUp)
	}
	return nil
}

// beware bounds the calls in flight to n more; 0 lifts the bound.
func (g *Gate) beware(n int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.heed = n
	g.wake()
}

// wake lets everybody who waits look again. mu is held.
func (g *Gate) wake() {
	if len(g.queue) == 0 {
		return
	}
	close(g.changed)
	g.changed = make(chan struct{})
}
