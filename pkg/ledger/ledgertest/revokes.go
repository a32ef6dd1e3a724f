package ledgertest

import (
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"batchinvite/pkg/invite"
	"batchinvite/pkg/ledger"
)

// invite records a person as invited, with everything that an answer brings.
func (p *process) invite(c invite.Candidate) {
	p.t.Helper()
	o := outcome(invite.Invited)
	o.Link, o.CandidateID, o.ReportID, o.APIStatus = "https://vendor.example/i/"+c.Name, "12", "34", "SENT"
	p.record(p.claim(c, invite.Policy{}), o)
}

func (p *process) claimRevoke(c invite.Candidate) invite.Claim {
	p.t.Helper()
	claim, err := p.ClaimRevoke(p.t.Context(), p.run, c.Key, c.Format)
	if err != nil {
		p.t.Fatalf("ClaimRevoke of %s = %v", c.Key.Email, err)
	}
	return claim
}

func (p *process) recordRevoke(c invite.Claim, o invite.Outcome) {
	p.t.Helper()
	if err := p.RecordRevoke(p.t.Context(), c, o); err != nil {
		p.t.Fatalf("RecordRevoke of %s as %s = %v", c.Key.Email, o.State, err)
	}
}

// revoked is the answer to a revocation, an hour after the invitation.
func revoked(s invite.State) invite.Outcome {
	return invite.Outcome{State: s, APIStatus: "REVOKED", At: answered.Add(time.Hour)}
}

// mark gives what the store keeps of revoking c.
func (s Store) mark(t *testing.T, c invite.Candidate) (mark Revocation) {
	t.Helper()
	for _, v := range s.Revocations(t, account) {
		if v.Key == c.Key && v.Format == c.Format {
			mark = v
		}
	}
	return mark
}

func revokeIsRecorded(t *testing.T, s Store) {
	p := s.start(t)
	c := person(1, invite.SendLink)
	p.invite(c)
	before := *p.history(c.Key).Of(c.Format)
	begin := time.Now().Truncate(time.Millisecond)
	claim := p.claimRevoke(c)
	want := invite.Claim{Key: c.Key, Format: c.Format, Run: p.run, Fence: 1, At: claim.At, Prior: invite.Invited}
	if diff := cmp.Diff(want, claim); diff != "" || claim.At.Before(begin) || claim.At.After(time.Now()) {
		t.Errorf("claim made at %s (-want +got):\n%s", claim.At, diff)
	}
	if diff := cmp.Diff(before, *p.history(c.Key).Of(c.Format)); diff != "" {
		t.Errorf("the claim changed the record (-before +after):\n%s", diff)
	}
	mark := Revocation{Key: c.Key, Format: c.Format, Run: p.run, Fence: 1, State: invite.Claimed}
	if got := s.mark(t, c); got != mark {
		t.Errorf("the mark is %+v, want %+v", got, mark)
	}
	p.recordRevoke(claim, revoked(invite.Revoked))
	after := before
	after.Outcome.State, after.Outcome.APIStatus, after.Outcome.At = invite.Revoked, "REVOKED", answered.Add(time.Hour)
	if diff := cmp.Diff(after, *p.history(c.Key).Of(c.Format)); diff != "" {
		t.Errorf("record (-want +got):\n%s", diff)
	}
	audit := s.Audit(t, account)
	for i := range audit {
		audit[i].At = time.Time{}
	}
	wantAudit := []Audited{{Action: "revoke", Resolution: ledger.Resolution{Key: c.Key, Format: c.Format, State: invite.Revoked,
		Who: "ann", Why: fmt.Sprintf("run %d", p.run)}}}
	if diff := cmp.Diff(wantAudit, audit); diff != "" {
		t.Errorf("audit (-want +got):\n%s", diff)
	}
}

func revokeLeavesInvited(t *testing.T, s Store) {
	p := s.start(t)
	c := person(1, invite.SendLink)
	p.invite(c)
	before := p.history(c.Key)
	for i, state := range []invite.State{invite.Rejected, invite.NotSent, invite.Unknown} {
		claim := p.claimRevoke(c)
		o := revoked(state)
		o.Error = "no: " + string(state)
		p.recordRevoke(claim, o)
		if diff := cmp.Diff(before, p.history(c.Key)); diff != "" {
			t.Errorf("%s changed the record (-before +after):\n%s", state, diff)
		}
		want := Revocation{Key: c.Key, Format: c.Format, Run: p.run, Fence: int64(i + 1), State: state, Error: o.Error}
		if got := s.mark(t, c); got != want {
			t.Errorf("the mark is %+v, want %+v", got, want)
		}
	}
	if got := s.Audit(t, account); len(got) != 0 {
		t.Errorf("audit is %+v, want none", got)
	}
	claim := p.claimRevoke(c)
	for _, state := range []invite.State{"", invite.Claimed, invite.Invited, "gone"} {
		if err := p.RecordRevoke(t.Context(), claim, revoked(state)); err == nil {
			t.Errorf("RecordRevoke of %q = nil, want an error", state)
		}
	}
	if err := p.RecordRevoke(done(t), claim, revoked(invite.Revoked)); err != nil || p.state(c) != invite.Revoked {
		t.Errorf("RecordRevoke with a done context = %v and leaves it %q, want it revoked", err, p.state(c))
	}
}

func revokeRefuses(t *testing.T, s Store) {
	p := s.start(t)
	refused := func(name string, c invite.Candidate) {
		t.Helper()
		before, usage := p.history(c.Key), s.Usage(t, account)
		if _, err := p.ClaimRevoke(t.Context(), p.run, c.Key, c.Format); !errors.Is(err, ledger.ErrRefused) {
			t.Errorf("%s: ClaimRevoke = %v, want %v", name, err, ledger.ErrRefused)
		}
		if diff := cmp.Diff(before, p.history(c.Key)); diff != "" {
			t.Errorf("%s: record changed (-before +after):\n%s", name, diff)
		}
		if diff := cmp.Diff(usage, s.Usage(t, account)); diff != "" {
			t.Errorf("%s: usage changed (-before +after):\n%s", name, diff)
		}
	}
	for i, state := range []invite.State{invite.Rejected, invite.NotSent, invite.Unknown} {
		c, o := person(i, invite.SendLink), outcome(state)
		o.ReportID = "34"
		p.record(p.claim(c, invite.Policy{}), o)
		refused(string(state), c)
	}
	noID, inFlight, ok := person(10, invite.SendLink), person(11, invite.SendLink), person(12, invite.SendLink)
	p.record(p.claim(noID, invite.Policy{}), outcome(invite.Invited))
	refused("no report id", noID)
	p.claim(inFlight, invite.Policy{})
	refused("claimed", inFlight)
	refused("never seen", person(99, invite.SendLink))
	p.invite(ok)
	otherCampaign := ok
	otherCampaign.Key.Campaign = "autumn"
	refused("another campaign", otherCampaign)
	ok.Format = invite.GetLink
	refused("another format", ok)
	ok.Format = invite.SendLink
	p.recordRevoke(p.claimRevoke(ok), revoked(invite.Revoked))
	refused("revoked", ok)
	if got := s.Revocations(t, account); len(got) != 1 {
		t.Errorf("the marks are %+v, want one", got)
	}
}

func revokeOnce(t *testing.T, s Store) {
	p := s.start(t)
	c := person(1, invite.SendLink)
	p.invite(c)
	var won atomic.Int32
	each(64, func(int) {
		switch _, err := p.ClaimRevoke(t.Context(), p.run, c.Key, c.Format); {
		case err == nil:
			won.Add(1)
		case !errors.Is(err, ledger.ErrRefused):
			t.Errorf("ClaimRevoke = %v", err)
		}
	})
	if won.Load() != 1 {
		t.Errorf("%d won, want 1", won.Load())
	}
}

func revokeAfterCrash(t *testing.T, s Store) {
	first := s.start(t)
	c := person(1, invite.SendLink)
	first.invite(c)
	overtaken := first.claimRevoke(c)
	first.die()
	second := s.start(t)
	if got := second.state(c); got != invite.Invited {
		t.Errorf("after the crash the record is %q, want %q", got, invite.Invited)
	}
	want := Revocation{Key: c.Key, Format: c.Format, Run: first.run, Fence: 1, State: invite.Unknown, Error: ledger.DeadRun}
	if got := s.mark(t, c); got != want {
		t.Errorf("after the crash the mark is %+v, want %+v", got, want)
	}
	claim := second.claimRevoke(c)
	if err := second.RecordRevoke(t.Context(), overtaken, revoked(invite.Revoked)); !errors.Is(err, ledger.ErrStale) {
		t.Errorf("RecordRevoke of the overtaken claim = %v, want %v", err, ledger.ErrStale)
	}
	if err := second.Finish(t.Context(), second.run, ledger.End{}); err != nil {
		t.Fatalf("Finish = %v", err)
	}
	if got := s.mark(t, c).State; got != invite.Unknown {
		t.Errorf("after the end of its run the mark is %q, want %q", got, invite.Unknown)
	}
	second.recordRevoke(claim, revoked(invite.Revoked)) // its late answer
	if got := second.state(c); got != invite.Revoked {
		t.Errorf("after the late answer the record is %q, want %q", got, invite.Revoked)
	}
}

func staleRevoke(t *testing.T, s Store) {
	p := s.start(t)
	c := person(1, invite.SendLink)
	p.invite(c)
	claim := p.claimRevoke(c)
	otherRun, otherFence, nobody := claim, claim, claim
	otherRun.Run++
	otherFence.Fence++
	nobody.Key.Email = "nobody@example.org"
	check := func(name string, claim invite.Claim) {
		t.Helper()
		before, mark, usage, audit := p.history(c.Key), s.mark(t, c), s.Usage(t, account), s.Audit(t, account)
		for _, state := range []invite.State{invite.Revoked, invite.NotSent} {
			if err := p.RecordRevoke(t.Context(), claim, revoked(state)); !errors.Is(err, ledger.ErrStale) {
				t.Errorf("%s: RecordRevoke of %s = %v, want %v", name, state, err, ledger.ErrStale)
			}
		}
		if diff := cmp.Diff(before, p.history(c.Key)) + cmp.Diff(mark, s.mark(t, c)) + cmp.Diff(usage, s.Usage(t, account)) +
			cmp.Diff(audit, s.Audit(t, account)); diff != "" {
			t.Errorf("%s changed (-before +after):\n%s", name, diff)
		}
	}
	check("another run", otherRun)
	check("another fence", otherFence)
	check("nobody", nobody)
	p.recordRevoke(claim, revoked(invite.NotSent))
	check("settled", claim)
}

func revokeCountsUsage(t *testing.T, s Store) {
	p := s.start(t)
	a, b := person(1, invite.SendLink), person(2, invite.SendLink)
	p.invite(a)
	p.invite(b)
	invited := answered.Unix()
	claims := []invite.Claim{p.claimRevoke(a), p.claimRevoke(b)}
	want := map[int64]int{invited: 2}
	for _, c := range claims {
		want[c.At.Unix()]++
	}
	if diff := cmp.Diff(want, s.Usage(t, account)); diff != "" {
		t.Errorf("usage of claims (-want +got):\n%s", diff)
	}
	notLeft := revoked(invite.NotSent)
	notLeft.NotLeft = true
	p.recordRevoke(claims[0], revoked(invite.Unknown))
	p.recordRevoke(claims[1], notLeft)
	late := revoked(invite.Revoked)
	late.At = late.At.Add(time.Hour)
	p.recordRevoke(claims[0], late)
	if diff := cmp.Diff(map[int64]int{invited: 2, invited + 3600: 1}, s.Usage(t, account)); diff != "" {
		t.Errorf("usage of answers (-want +got):\n%s", diff)
	}
}
