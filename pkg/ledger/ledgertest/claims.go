package ledgertest

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"batchinvite/pkg/invite"
	"batchinvite/pkg/ledger"
)

// situation is one case of "may this candidate be claimed": what the ledger has of its key, and how a run asks.
type situation struct {
	Own, Other invite.State // of the candidate's format and of the other one, "" for none
	Changed    bool         // the row is not as it was when it was claimed
	Policy     invite.Policy

	before, now invite.Candidate
}

func situations() (all []situation) {
	states := []invite.State{"", invite.Claimed, invite.Invited, invite.Rejected, invite.NotSent, invite.Unknown, invite.Revoked}
	for _, format := range []invite.Format{invite.GetLink, invite.SendLink} {
		for _, own := range states {
			for _, other := range states {
				for bits := range 16 {
					s := situation{Own: own, Other: other, Changed: bits&1 > 0, Policy: invite.Policy{
						RetryRejected: bits&2 > 0, EmailLinked: bits&4 > 0, ReinviteRevoked: bits&8 > 0}}
					s.before = person(len(all), format)
					s.now = s.before
					if s.Changed {
						s.now.Name = "Changed"
					}
					all = append(all, s)
				}
			}
		}
	}
	return all
}

// arrange puts the records of all situations into the store.
func arrange(t *testing.T, s Store, run int64, all []situation) {
	t.Helper()
	var records []invite.Record
	for _, one := range all {
		own, other := one.before, one.before
		other.Format = otherFormat(own.Format)
		if one.Own != "" {
			records = append(records, standing(own, run, one.Own))
		}
		if one.Other != "" {
			records = append(records, standing(other, run, one.Other))
		}
	}
	s.Put(t, account, records)
}

func otherFormat(f invite.Format) invite.Format {
	if f == invite.GetLink {
		return invite.SendLink
	}
	return invite.GetLink
}

// claimAgreesWithDecide is the control between the rule in Go and the rule in the database: all situations that exist.
func claimAgreesWithDecide(t *testing.T, s Store) {
	p, all := s.start(t), situations()
	arrange(t, s, p.run, all)
	keys := make([]invite.Key, len(all))
	for i, one := range all {
		keys[i] = one.now.Key
	}
	before := p.histories(keys)
	claims, errs := make([]invite.Claim, len(all)), make([]error, len(all))
	each(len(all), func(i int) { claims[i], errs[i] = p.Claim(t.Context(), p.run, all[i].now, "", all[i].Policy) })
	after := p.histories(keys)

	allowed := 0
	for i, one := range all {
		own := before[i].Of(one.now.Format)
		if (own == nil) != (one.Own == "") || own != nil && own.Outcome.State != one.Own {
			t.Fatalf("%s %+v: arranged %+v", one.now.Format, one, own)
		}
		if verdict, _ := before[i].Decide(one.now, one.Policy); verdict != invite.VerdictSend {
			if !errors.Is(errs[i], ledger.ErrRefused) {
				t.Errorf("%s %+v: Claim = %v, want %v, for Decide says %q", one.now.Format, one, errs[i], ledger.ErrRefused, verdict)
			}
			if diff := cmp.Diff(before[i], after[i]); diff != "" {
				t.Errorf("%s %+v: the refused claim changed (-before +after):\n%s", one.now.Format, one, diff)
			}
			continue
		}
		allowed++
		checkGranted(t, one, claims[i], errs[i], after[i])
	}
	if allowed == 0 || allowed == len(all) {
		t.Errorf("%d of %d situations allow a claim: the test tells nothing", allowed, len(all))
	}
}

func checkGranted(t *testing.T, one situation, claim invite.Claim, err error, after invite.History) {
	t.Helper()
	if err != nil {
		t.Errorf("%s %+v: Claim = %v, want nil, for Decide says send", one.now.Format, one, err)
		return
	}
	fence, attempts := int64(1), 0
	if one.Own != "" {
		fence, attempts = 2, 1
	}
	if claim.Prior != one.Own || claim.Fence != fence || claim.Attempts != attempts {
		t.Errorf("%s %+v: claim has prior %q, fence %d, attempts %d, want %q, %d, %d", one.now.Format, one,
			claim.Prior, claim.Fence, claim.Attempts, one.Own, fence, attempts)
	}
	if own := after.Of(one.now.Format); own == nil || own.Outcome.State != invite.Claimed || own.Name != one.now.Name {
		t.Errorf("%s %+v: after the claim the record is %+v", one.now.Format, one, own)
	}
}

// Invariant 1, whichever format somebody asks for.
func oneOfManyWins(t *testing.T, s Store) {
	p := s.start(t)
	for round := range 8 {
		var won, lost atomic.Int32
		each(64, func(i int) {
			c := person(round, []invite.Format{invite.GetLink, invite.SendLink}[i%2])
			switch _, err := p.Claim(t.Context(), p.run, c, "", invite.Policy{EmailLinked: true}); {
			case err == nil:
				won.Add(1)
			case errors.Is(err, ledger.ErrRefused):
				lost.Add(1)
			default:
				t.Errorf("Claim = %v", err)
			}
		})
		if won.Load() != 1 || lost.Load() != 63 {
			t.Fatalf("round %d: %d won and %d lost, want 1 and 63", round, won.Load(), lost.Load())
		}
	}
}

func claimIsLookedUp(t *testing.T, s Store) {
	p := s.start(t)
	c := person(1, invite.SendLink)
	c.Email = "P1@Example.ORG"
	start := time.Now().Truncate(time.Millisecond)
	claim := p.claim(c, invite.Policy{})
	if claim.At.Before(start) || claim.At.After(time.Now()) {
		t.Errorf("claim made at %s, want between %s and now", claim.At, start)
	}
	want := invite.Claim{Key: c.Key, Format: c.Format, Run: p.run, Fence: 1, At: claim.At}
	if diff := cmp.Diff(want, claim); diff != "" {
		t.Errorf("claim (-want +got):\n%s", diff)
	}
	record := invite.Record{Key: c.Key, Format: c.Format, Name: c.Name, Email: c.Email, Fingerprint: c.Fingerprint(),
		Outcome: invite.Outcome{State: invite.Claimed, Expires: claimedDate, Attempts: 1}, Origin: c.Origin, Run: p.run, ClaimedAt: claim.At}
	if diff := cmp.Diff(invite.History{Records: []invite.Record{record}}, p.history(c.Key)); diff != "" {
		t.Errorf("history (-want +got):\n%s", diff)
	}
}

// Nothing of an outcome may stand beside the next claim: a link that somebody else's answer gave would be shown as its.
func claimForgetsOutcome(t *testing.T, s Store) {
	p := s.start(t)
	c := person(1, invite.GetLink)
	full := outcome(invite.NotSent)
	full.Link, full.Error, full.CandidateID, full.ReportID, full.APIStatus, full.Expires, full.Already = "l", "e", "c", "r", "s", "x", true
	p.record(p.claim(c, invite.Policy{}), full)
	p.claim(c, invite.Policy{})
	want := invite.Outcome{State: invite.Claimed, Expires: claimedDate, Attempts: 2}
	if diff := cmp.Diff(want, p.history(c.Key).Of(c.Format).Outcome); diff != "" {
		t.Errorf("outcome (-want +got):\n%s", diff)
	}
}

func claimRaisesFence(t *testing.T, s Store) {
	p := s.start(t)
	c := person(1, invite.SendLink)
	prior := invite.State("")
	for i := range 4 {
		claim := p.claim(c, invite.Policy{})
		if claim.Fence != int64(i+1) || claim.Attempts != i || claim.Prior != prior {
			t.Errorf("claim %d has fence %d, attempts %d, prior %q, want %d, %d, %q", i+1,
				claim.Fence, claim.Attempts, claim.Prior, i+1, i, prior)
		}
		if attempts := p.record(claim, outcome(invite.NotSent)); attempts != i+1 {
			t.Errorf("Record %d = %d attempts, want %d", i+1, attempts, i+1)
		}
		prior = invite.NotSent
	}
}

func doneContextKeepsClaimOut(t *testing.T, s Store) {
	p := s.start(t)
	c := person(1, invite.SendLink)
	if _, err := p.Claim(done(t), p.run, c, "", invite.Policy{}); !errors.Is(err, context.Canceled) {
		t.Errorf("Claim = %v, want %v", err, context.Canceled)
	}
	if got := p.state(c); got != "" {
		t.Errorf("the record is %q, want none", got)
	}
}
