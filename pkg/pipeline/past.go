package pipeline

import (
	"cmp"
	"errors"
	"fmt"
	"time"

	"batchinvite/pkg/invite"
)

// Past is a run that is over. A pool that has one makes no calls: it gives the results that the run gave, out of the
// ledger, as far as no later run has changed them.
type Past struct {
	Run    int64
	Cause  string           // why it took no more rows, "" if it reached the end
	Closed map[int64]string // why it called for some assessments no more
	Ended  time.Time
}

// result gives a row what the run gave it. It counts the rows that the run wanted to call, as the limit goes by them.
func (f *flow) past(it *item) invite.Result {
	c, p := it.row.Candidate, f.Past
	if own := it.history.Of(c.Format); own != nil && own.Run == p.Run {
		f.wanted++
		return called(own, it.history)
	}
	verdict, rec := it.history.Decide(c, f.Step.Policy)
	if verdict != invite.VerdictSend {
		return answer(verdict, rec, c, f.Began)
	}
	if _, err := c.Expiry.Due(p.Ended); err != nil {
		return expired(c, it.history, err)
	}
	if f.wanted++; f.beyond() {
		return unsent(c, it.history, errLimit)
	}
	if words, closed := p.Closed[c.Key.Assessment]; closed {
		return unsent(c, it.history, closedError(c.Key.Assessment, words))
	}
	return unsent(c, it.history, errors.New(cmp.Or(p.Cause, "the run ended before this row's turn")))
}

// called is the result of a row by the record that its call left.
func called(own *invite.Record, h invite.History) invite.Result {
	switch own.Outcome.State {
	case invite.Claimed:
		return answer(invite.VerdictInFlight, own, invite.Candidate{}, time.Time{})
	case invite.Revoked:
		return answer(invite.VerdictRevoked, own, invite.Candidate{}, time.Time{})
	}
	r := invite.Result{Status: status(own.Outcome), Format: own.Format, Outcome: own.Outcome}
	if own.Outcome.State == invite.NotSent {
		r.Format = "" // the columns tell what was really sent
	}
	if r.Status != invite.StatusInvited {
		r.Outcome.Link = cmp.Or(r.Outcome.Link, h.Link())
	}
	return r
}

var errLimit = errors.New("beyond --limit")

func closedError(assessment int64, words string) error {
	return fmt.Errorf("assessment %d is closed for this run: %s", assessment, words)
}
