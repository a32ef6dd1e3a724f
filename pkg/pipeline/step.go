package pipeline

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"time"

	"batchinvite/pkg/invite"
	"batchinvite/pkg/pace"
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
	Gate   *Gate
	Call   invite.Call
	Policy invite.Policy
	Run    int64
	GiveUp time.Duration // the longest wait of any kind
	Proven bool          // the account has a recorded success
	// TooMany, if set, stops the run when so many of the rows called failed; a nil stop goes on.
	TooMany func(failed, called int) *invite.Stop
	// Jitter gives a random duration in [0, d).
	Jitter func(d time.Duration) time.Duration
	// Stop ends the run: no more rows are taken.
	Stop func(*invite.Stop)
	// Called tells of each finished call, for progress.
	Called func(c invite.Candidate, a invite.Answer, took time.Duration)
	// Lost tells of an outcome that the ledger could not record: what is said here is all that is left of it.
	Lost func(c invite.Candidate, o invite.Outcome, err error)

	answered       atomic.Bool // some call of this run had an answer that counts
	called, failed atomic.Int64
	alike          alike
}

// Do takes a candidate to its outcome, and hands that to deliver: before it returns, or from another call of Do, End or
// Yield if the row must wait for what becomes of others. When take is done it makes no further try; when abort is done it
// gives up the call in flight, which is then as unknown as the rules say. The error is the run's: the ledger failed, and
// nothing more may be sent. h is the history that allowed the call: what a row without a success has of it stays in its
// result.
func (s *Step) Do(take, abort context.Context, c invite.Candidate, h invite.History, deliver func(invite.Result)) error {
	var t attempt
	r, err := s.try(take, abort, c, h, &t)
	if err != nil {
		deliver(t.interrupted(c, h, err))
		return err
	}
	if r.Status != invite.StatusInvited {
		r.Outcome.Link = cmp.Or(r.Outcome.Link, h.Link())
	}
	if t.last != nil {
		s.count(take, r)
	}
	own := held{t.claim, r, deliver}
	if !t.hold {
		deliver(r)
		return nil
	}
	kept, wrong := s.alike.keep(own)
	if kept {
		return nil
	}
	return s.release(abort, []held{own}, wrong)
}

// End settles what waits for other rows, when no more calls are made.
func (s *Step) End(abort context.Context) error {
	free, wrong, stop := s.alike.end()
	if stop != nil {
		s.Stop(stop)
	}
	return s.release(abort, free, wrong)
}

// Yield settles it early, as if another answer had come, for a caller that can't wait.
func (s *Step) Yield(abort context.Context) error {
	return s.release(abort, s.alike.yield(), "")
}

// release delivers rows that waited. If something was wrong with the whole run, they count as not sent.
func (s *Step) release(abort context.Context, rows []held, wrong string) (failed error) {
	for _, h := range rows {
		if wrong != "" {
			o := blamed(h.result.Outcome, wrong)
			switch _, err := s.record(abort, h.claim, o); {
			case err == nil:
				h.result.Status, h.result.Format, h.result.Outcome = invite.StatusNotSent, "", o
			case !errors.Is(err, invite.ErrStale): // else another run has the row by now, and its record stands
				failed = err
			}
		}
		h.deliver(h.result)
	}
	return failed
}

func blamed(o invite.Outcome, wrong string) invite.Outcome {
	o.State, o.Error = invite.NotSent, "not sent: "+wrong+": "+o.Error
	return o
}

// count keeps the share of the rows that were called in vain. A row that a stop cut short says nothing of it.
func (s *Step) count(take context.Context, r invite.Result) {
	called, failed := s.called.Add(1), s.failed.Load()
	done := []invite.Status{invite.StatusInvited, invite.StatusAlreadyInvited, invite.StatusRevoked}
	if !slices.Contains(done, r.Status) && take.Err() == nil {
		failed = s.failed.Add(1)
	}
	if s.TooMany == nil || take.Err() != nil {
		return
	}
	if stop := s.TooMany(int(failed), int(called)); stop != nil {
		s.Stop(stop)
	}
}

func (s *Step) try(take, abort context.Context, c invite.Candidate, h invite.History, t *attempt) (invite.Result, error) {
	for {
		p, err := s.turn(take, c.Key.Assessment)
		if err != nil {
			return t.interrupted(c, h, err), nil
		}
		expires, err := c.Expiry.Due(time.Now())
		if err != nil {
			p.slot.Unused()
			s.Gate.leave(p)
			return t.overdue(c, h, err), nil
		}
		a, err := s.once(take, abort, p, c, expires, t)
		s.Gate.leave(p)
		switch {
		case errors.Is(err, invite.ErrRefused), errors.Is(err, invite.ErrStale):
			return s.reconsider(abort, c)
		case err != nil:
			return invite.Result{}, err
		case !s.again(take, p, t, a):
			return *t.last, nil
		}
	}
}

// turn waits until a call may be made: the assessment is open, the gate lets it pass, and a rate slot is free. The slot
// comes last: it is lost if it is not used at once.
func (s *Step) turn(take context.Context, assessment int64) (*pass, error) {
	for {
		if err := s.alike.refusal(assessment); err != nil {
			return nil, err
		}
		p, err := s.Gate.enter(take)
		if err != nil {
			return nil, s.why(assessment, err)
		}
		p.slot, err = s.Pace.Wait(take)
		if err == nil && s.alike.refusal(assessment) == nil && s.Gate.begin(p) {
			return p, nil
		}
		s.Gate.leave(p)
		if err != nil {
			return nil, s.why(assessment, s.exhausted(err))
		}
		p.slot.Unused()
	}
}

// once claims, calls and records.
func (s *Step) once(take, abort context.Context, p *pass, c invite.Candidate, expires string, t *attempt) (invite.Answer, error) {
	// Commits outlive both signals: an outcome that is known and not recorded would be an unknown made by us.
	claim, err := s.Ledger.Claim(context.WithoutCancel(abort), s.Run, c, expires, s.Policy)
	if err != nil {
		p.slot.Unused()
		return invite.Answer{}, fmt.Errorf("claim %s in the ledger: %w", invite.MaskEmail(c.Email), err)
	}
	start := time.Now()
	a := s.Call(abort, c, expires)
	s.Called(c, a, time.Since(start))
	found := s.learn(take, p, c, a, t)
	o := settle(claim, a)
	if found.wrong != "" && o.State == invite.Rejected {
		o = blamed(o, found.wrong)
	}
	if o.Attempts, err = s.record(abort, claim, o); err != nil {
		if !errors.Is(err, invite.ErrStale) {
			s.Lost(c, o, err)
			t.last = unrecorded(c, claim, o)
		}
		return invite.Answer{}, err
	}
	t.claim, t.hold = claim, found.hold && o.State == invite.Rejected
	t.last = &invite.Result{Status: status(o), Format: c.Format, Outcome: o}
	if o.State == invite.NotSent {
		t.last.Format = "" // the columns tell what was really sent
	}
	return a, s.release(abort, found.free, found.wrong)
}

// unrecorded is the result of a row whose outcome is known here and nowhere else: to the ledger it is unknown.
func unrecorded(c invite.Candidate, claim invite.Claim, o invite.Outcome) *invite.Result {
	o.State, o.Attempts, o.Error = invite.Unknown, claim.Attempts+1, fmt.Sprintf("the answer (%s) could not be recorded", o.State)
	return &invite.Result{Status: invite.StatusUnknown, Format: c.Format, Outcome: o}
}

func (s *Step) record(abort context.Context, claim invite.Claim, o invite.Outcome) (attempts int, err error) {
	attempts, err = s.Ledger.Record(context.WithoutCancel(abort), claim, o)
	if err != nil {
		return 0, fmt.Errorf("record the outcome of %s in the ledger: %w", invite.MaskEmail(claim.Key.Email), err)
	}
	return attempts, nil
}

// learn applies what an answer means for everybody.
func (s *Step) learn(take context.Context, p *pass, c invite.Candidate, a invite.Answer, t *attempt) finding {
	if s.Proven {
		s.alike.yield()
	}
	found := s.alike.hear(a, c.Key.Assessment, take.Err() == nil)
	first := a.StopIfFirst
	if s.answered.Load() {
		first = nil
	}
	if a.Class == invite.ClassAnswered {
		s.answered.Store(true)
	}
	for _, stop := range []*invite.Stop{a.Stop, first, found.stop, s.Gate.heard(p, a)} {
		if stop != nil {
			s.Stop(stop)
		}
	}
	s.Gate.beware(found.left)
	// The pause first: nobody may slip through between the two.
	t.paused = s.pause(a)
	s.ended(p.slot, a)
	return found
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
	case invite.Revoked:
		return invite.StatusRevoked
	}
	return invite.StatusUnknown
}

// unreached is the result of a row that no worker had when the run stopped.
func (s *Step) unreached(c invite.Candidate, h invite.History, cause error) invite.Result {
	return unsent(c, h, s.why(c.Key.Assessment, cause))
}

// why is the reason for which a row is not called: that its assessment is closed, if it is, whatever else stops the run.
func (s *Step) why(assessment int64, cause error) error {
	return cmp.Or(s.alike.refusal(assessment), cause)
}

// reconsider answers a row from the ledger, after that refused what looked allowed a moment ago.
func (s *Step) reconsider(abort context.Context, c invite.Candidate) (invite.Result, error) {
	h, err := s.Ledger.Lookup(context.WithoutCancel(abort), []invite.Key{c.Key})
	if err != nil {
		return invite.Result{}, fmt.Errorf("look up %s in the ledger: %w", invite.MaskEmail(c.Email), err)
	}
	verdict, rec := h[0].Decide(c, s.Policy)
	if rec == nil {
		return unsent(c, h[0], errors.New("another run was changing this row's record, run again")), nil
	}
	return answer(verdict, rec, c, time.Now()), nil
}
