package pipeline

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync/atomic"
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

// Ledger is what the pipeline needs of the store of claims and outcomes; see package ledger for its contract.
type Ledger interface {
	Lookup(ctx context.Context, keys []invite.Key) ([]invite.History, error)
	Claim(ctx context.Context, run int64, c invite.Candidate, expires string, p invite.Policy) (invite.Claim, error)
	Record(ctx context.Context, c invite.Claim, o invite.Outcome) (attempts int, err error)
}

// Step invites one candidate: pace, claim, invite, record, and once more where that is safe. It starts no goroutine, and
// its Do may be called from many.
type Step struct {
	Ledger Ledger
	Pace   *pace.Limiter
	Call   invite.Call
	Policy invite.Policy
	Run    int64
	GiveUp time.Duration // the longest wait of any kind
	// Jitter gives a random duration in [0, d).
	Jitter func(d time.Duration) time.Duration
	// Stop ends the run: no more rows are taken.
	Stop func(*invite.Stop)
	// Called tells of each finished call, for progress.
	Called func(c invite.Candidate, a invite.Answer, took time.Duration)

	answered atomic.Bool // some call of this run had an answer that counts
}

// FullJitter is Step's Jitter.
func FullJitter(d time.Duration) time.Duration { return rand.N(max(d, 1)) }

// attempt is the state of one row between its tries.
type attempt struct {
	failing          time.Time // since when, zero while nothing failed
	tries, ambiguous int
	last             *invite.Result // as it is recorded in the ledger
}

// Do takes a candidate to its outcome. When take is done it makes no further try; when abort is done it gives up the
// call in flight, which is then as unknown as the rules say. The error is the run's: the ledger failed, and nothing more
// may be sent. h is the history that allowed the call: what a row without a success has of it stays in its result.
func (s *Step) Do(take, abort context.Context, c invite.Candidate, h invite.History) (invite.Result, error) {
	r, err := s.try(take, abort, c, h)
	if r.Status != invite.StatusInvited {
		r.Outcome.Link = cmp.Or(r.Outcome.Link, h.Link())
	}
	return r, err
}

func (s *Step) try(take, abort context.Context, c invite.Candidate, h invite.History) (invite.Result, error) {
	var t attempt
	// Commits outlive both signals: an outcome that is known and not recorded would be an unknown made by us.
	durable := context.WithoutCancel(abort)
	for {
		if err := s.Pace.Wait(take); err != nil {
			return t.interrupted(c, h, err), nil
		}
		expires, err := c.Expiry.Due(time.Now())
		if err != nil && t.last == nil {
			return expired(c, h, err), nil
		} else if err != nil {
			return *t.last, nil
		}
		claim, err := s.Ledger.Claim(durable, s.Run, c, expires, s.Policy)
		if errors.Is(err, invite.ErrRefused) {
			return s.reconsider(durable, c)
		} else if err != nil {
			return invite.Result{}, fmt.Errorf("claim %s in the ledger: %w", invite.MaskEmail(c.Email), err)
		}
		a := s.call(abort, c, expires)
		outcome := settle(claim, a)
		outcome.Attempts, err = s.Ledger.Record(durable, claim, outcome)
		if errors.Is(err, invite.ErrStale) {
			return s.reconsider(durable, c)
		} else if err != nil {
			return invite.Result{}, fmt.Errorf("record the outcome of %s in the ledger: %w", invite.MaskEmail(c.Email), err)
		}
		t.last = &invite.Result{Status: status(outcome), Format: c.Format, Outcome: outcome}
		if outcome.State == invite.NotSent {
			t.last.Format = "" // the columns tell what was really sent
		}
		if !s.again(take, &t, a) {
			return *t.last, nil
		}
	}
}

func (s *Step) call(abort context.Context, c invite.Candidate, expires string) invite.Answer {
	start := time.Now()
	a := s.Call(abort, c, expires)
	s.Called(c, a, time.Since(start))
	return a
}

// settle turns an answer into what is recorded. After an earlier ambiguous getlink a try that makes no link proves
// nothing about the one before, and a vendor may well refuse just because that one succeeded: the row stays unknown.
func settle(claim invite.Claim, a invite.Answer) invite.Outcome {
	o := a.Outcome
	if claim.Prior == invite.Unknown && (o.State == invite.NotSent || o.State == invite.Rejected) {
		o.State = invite.Unknown
		o.Error = "an earlier request may have made a link; the last try made none: " + o.Error
	}
	return o
}

func status(o invite.Outcome) invite.Status {
	switch o.State {
	case invite.Invited:
		if o.Already {
			return invite.StatusAlreadyInvited
		}
		return invite.StatusInvited
	case invite.Rejected:
		return invite.StatusRejected
	case invite.NotSent:
		return invite.StatusNotSent
	}
	return invite.StatusUnknown
}

// again applies what an answer means for everybody, and waits before this row's next try. It is false if there is none.
func (s *Step) again(take context.Context, t *attempt, a invite.Answer) bool {
	switch {
	case a.Stop != nil:
		s.Stop(a.Stop)
		return false
	case a.StopIfFirst != nil && !s.answered.Load():
		s.Stop(a.StopIfFirst)
		return false
	case a.Class == invite.ClassAnswered:
		s.answered.Store(true)
	}
	held := s.hold(a)
	if !a.Retry || take.Err() != nil || t.spent(a) {
		return false
	}
	if t.failing.IsZero() {
		t.failing = time.Now()
	}
	if time.Since(t.failing) > s.GiveUp {
		s.Stop(&invite.Stop{Kind: invite.StopLater, Reason: fmt.Sprintf("a row had no success for %s: %s", s.GiveUp, a.Outcome.Error)})
		return false
	}
	if held {
		return true // the pause is the wait
	}
	return pace.Sleep(take, s.Jitter(min(firstBackoff<<(t.tries+t.ambiguous-1), lastBackoff))) == nil
}

// spent uses up the budget of the answer's class and tells whether nothing is left.
func (t *attempt) spent(a invite.Answer) bool {
	switch {
	case a.Class == invite.ClassAmbiguous:
		t.ambiguous++
	case !a.Free:
		t.tries++
	}
	return t.ambiguous >= maxAmbiguous || t.tries >= maxTries
}

// hold pauses everybody if the vendor asks for it.
func (s *Step) hold(a invite.Answer) bool {
	why := "the vendor asks to wait"
	if a.Throttled {
		why = "429, too many requests"
	}
	switch {
	case a.Pause > s.GiveUp:
		s.Stop(&invite.Stop{Kind: invite.StopLater, Reason: fmt.Sprintf("%s for %s, go on after %s",
			why, a.Pause.Round(time.Second), time.Now().Add(a.Pause).UTC().Format(time.RFC3339))})
		return false
	case a.Pause > 0:
		s.Pace.Pause(a.Pause+s.Jitter(a.Pause/10), why+", Retry-After")
		return true
	case a.Throttled:
		s.Pace.Throttled(why)
		return true
	case a.Class == invite.ClassAnswered:
		s.Pace.Accepted()
	}
	return false
}

// interrupted is the result of a row whose next try is not made.
func (t *attempt) interrupted(c invite.Candidate, h invite.History, cause error) invite.Result {
	if t.last != nil {
		return *t.last
	}
	return unsent(c, h, cause)
}

// reconsider answers a row from the ledger, after that refused what looked allowed a moment ago.
func (s *Step) reconsider(ctx context.Context, c invite.Candidate) (invite.Result, error) {
	h, err := s.Ledger.Lookup(ctx, []invite.Key{c.Key})
	if err != nil {
		return invite.Result{}, fmt.Errorf("look up %s in the ledger: %w", invite.MaskEmail(c.Email), err)
	}
	verdict, rec := h[0].Decide(c, s.Policy)
	if rec == nil {
		return unsent(c, h[0], errors.New("another run was changing this row's record, run again")), nil
	}
	return answer(verdict, rec, c, time.Now()), nil
}
