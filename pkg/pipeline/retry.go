package pipeline

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"time"

	"batchinvite/pkg/invite"
	"batchinvite/pkg/pace"
)

// Budgets of one row. A 429 uses none of them up.
const (
	maxTries     = 8 // safe to try again
	maxAmbiguous = 3 // getlink only: a spare link harms nobody
)

// Backoff between two tries: a random time up to a bound that doubles from the first to the last.
const (
	firstBackoff = time.Second
	lastBackoff  = time.Minute
)

// FullJitter is Step's Jitter.
func FullJitter(d time.Duration) time.Duration { return rand.N(max(d, 1)) }

// attempt is the state of one row between its tries.
type attempt struct {
	failing          time.Time // since when, zero while nothing failed
	tries, ambiguous int
	claim            invite.Claim   // the last one,
	last             *invite.Result // and what it came to, as it is recorded in the ledger; nil before the first call
	hold             bool           // the row waits for what becomes of others
	paused           bool           // everybody does, because of its answer
}

// again waits before this row's next try. It is false if there is none.
func (s *Step) again(take context.Context, p *pass, t *attempt, a invite.Answer) bool {
	if !a.Retry || take.Err() != nil || t.spent(p, a) {
		return false
	}
	if t.failing.IsZero() {
		t.failing = time.Now()
	}
	if time.Since(t.failing) > s.GiveUp {
		if !a.Throttled {
			return false // at a slow rate most of that time was spent in the queue, so it is this row's alone
		}
		s.Stop(&invite.Stop{Kind: invite.StopLater, Reason: fmt.Sprintf("a row had no success for %s: %s", s.GiveUp, a.Outcome.Error)})
		return false
	}
	if t.paused || p.probe {
		return true // the pause, or the wait for the next probe, is this row's too
	}
	return pace.Sleep(take, s.Jitter(min(firstBackoff<<max(t.tries+t.ambiguous-1, 0), lastBackoff))) == nil
}

// spent uses up the budget of the answer's class and tells whether nothing is left. A probe during an outage costs
// nothing, unless the vendor may have acted on it.
func (t *attempt) spent(p *pass, a invite.Answer) bool {
	switch {
	case a.Class == invite.ClassAmbiguous:
		t.ambiguous++
	case !a.Free && !p.probe:
		t.tries++
	}
	return t.ambiguous >= maxAmbiguous || t.tries >= maxTries
}

// pause holds everybody back if the vendor asks for it.
func (s *Step) pause(a invite.Answer) bool {
	why := "the vendor asks to wait, Retry-After"
	switch {
	case a.Throttled && a.Pause > 0:
		why = "429, too many requests, Retry-After"
	case a.Throttled:
		why = "429, too many requests"
	case a.Spent:
		why = "the vendor says that its quota is used up"
	}
	switch {
	case a.Pause > s.GiveUp:
		s.Stop(&invite.Stop{Kind: invite.StopLater, Reason: fmt.Sprintf("%s for %s, go on after %s",
			why, a.Pause.Round(time.Second), time.Now().Add(a.Pause).UTC().Format(time.RFC3339))})
		return false
	case a.Pause > 0:
		s.Pace.Pause(a.Pause+s.Jitter(a.Pause/10), why)
		return true
	case a.Throttled:
		s.Pace.Backoff(why)
		return true
	}
	return false
}

// ended tells the pace that a call is over. A server that limits the rate may say 503 instead of 429.
func (s *Step) ended(slot pace.Slot, a invite.Answer) {
	if a.Outcome.NotLeft {
		slot.Unused()
		return
	}
	h := pace.Heard{Accepted: a.Class == invite.ClassAnswered, Refused: a.Throttled || a.Status == http.StatusServiceUnavailable}
	for _, q := range a.Quotas {
		h.Quotas = append(h.Quotas, pace.Rate(q))
	}
	slot.Ended(h)
}

// exhausted stops the run if a quota makes wait for longer than it may.
func (s *Step) exhausted(err error) error {
	e, ok := errors.AsType[*pace.Exhausted](err)
	if !ok {
		return err
	}
	stop := &invite.Stop{Kind: invite.StopLater, Reason: e.Error()}
	s.Stop(stop)
	return stop
}

// interrupted is the result of a row whose next try is not made.
func (t *attempt) interrupted(c invite.Candidate, h invite.History, cause error) invite.Result {
	if t.last != nil {
		return *t.last
	}
	return unsent(c, h, cause)
}

// overdue is the result of a row whose date passed before its turn came.
func (t *attempt) overdue(c invite.Candidate, h invite.History, cause error) invite.Result {
	if t.last != nil {
		return *t.last
	}
	return expired(c, h, cause)
}
