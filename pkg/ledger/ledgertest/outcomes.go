package ledgertest

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"batchinvite/pkg/invite"
	"batchinvite/pkg/ledger"
)

func recordIsLookedUp(t *testing.T, s Store) {
	p := s.start(t)
	for i, state := range []invite.State{invite.Invited, invite.Rejected, invite.NotSent, invite.Unknown} {
		c := person(i, invite.SendLink)
		want := invite.Outcome{State: state, Link: "https://vendor.example/i/é", Error: "no, \"not\" now", CandidateID: "12",
			ReportID: "34", APIStatus: "SENT", Expires: "2027-01-01 00:00", At: answered, Attempts: 1, Already: i%2 == 0}
		given := want
		given.Attempts = 77 // the ledger counts for itself
		p.record(p.claim(c, invite.Policy{}), given)
		if diff := cmp.Diff(want, p.history(c.Key).Of(c.Format).Outcome); diff != "" {
			t.Errorf("%s (-want +got):\n%s", state, diff)
		}
	}
}

// Invariant 8.
func staleFenceChangesNothing(t *testing.T, s Store) {
	p := s.start(t)
	c := person(1, invite.SendLink)
	first := p.claim(c, invite.Policy{})
	p.record(first, outcome(invite.NotSent))
	second := p.claim(c, invite.Policy{})
	otherRun, nobody := second, second
	otherRun.Run++
	nobody.Key.Email = "nobody@example.org"
	check := func(name string, claim invite.Claim) {
		t.Helper()
		before, usage := p.history(c.Key), s.Usage(t, account)
		for _, state := range []invite.State{invite.Invited, invite.NotSent, invite.Unknown} {
			if _, err := p.Record(t.Context(), claim, outcome(state)); !errors.Is(err, ledger.ErrStale) {
				t.Errorf("%s: Record of %s = %v, want %v", name, state, err, ledger.ErrStale)
			}
		}
		if diff := cmp.Diff(before, p.history(c.Key)); diff != "" {
			t.Errorf("%s: record changed (-before +after):\n%s", name, diff)
		}
		if diff := cmp.Diff(usage, s.Usage(t, account)); diff != "" {
			t.Errorf("%s: usage changed (-before +after):\n%s", name, diff)
		}
	}
	check("overtaken claim", first)
	check("claim of another run", otherRun)
	check("claim of a key that is not there", nobody)
	p.record(second, outcome(invite.Invited))
	check("settled claim", second)
}

// A commit is never given up half-way (invariant 5).
func doneContextStillRecords(t *testing.T, s Store) {
	p := s.start(t)
	c := person(1, invite.SendLink)
	claim := p.claim(c, invite.Policy{})
	if _, err := p.Record(done(t), claim, outcome(invite.Invited)); err != nil {
		t.Errorf("Record = %v, want nil", err)
	}
	if got := p.state(c); got != invite.Invited {
		t.Errorf("the record is %q, want %q", got, invite.Invited)
	}
}

func notLeftIsNoRequest(t *testing.T, s Store) {
	p := s.start(t)
	c := person(1, invite.SendLink)
	p.record(p.claim(c, invite.Policy{}), outcome(invite.NotSent))
	usage := s.Usage(t, account)
	notLeft := outcome(invite.NotSent)
	notLeft.NotLeft = true
	if attempts := p.record(p.claim(c, invite.Policy{}), notLeft); attempts != 1 {
		t.Errorf("Record = %d attempts, want 1", attempts)
	}
	if diff := cmp.Diff(usage, s.Usage(t, account)); diff != "" {
		t.Errorf("usage (-before +after):\n%s", diff)
	}
	if claim := p.claim(c, invite.Policy{}); claim.Attempts != 1 || claim.Fence != 3 {
		t.Errorf("the next claim has attempts %d, fence %d, want 1, 3", claim.Attempts, claim.Fence)
	}
}

// Rows that led to a stop for a reason that lies in no row were not refused for their own sake.
func takesBackRejection(t *testing.T, s Store) {
	p := s.start(t)
	c := person(1, invite.SendLink)
	claim := p.claim(c, invite.Policy{})
	p.record(claim, outcome(invite.Rejected))
	stale := func(name string, claim invite.Claim, state invite.State) {
		t.Helper()
		before := p.history(c.Key)
		if _, err := p.Record(t.Context(), claim, outcome(state)); !errors.Is(err, ledger.ErrStale) {
			t.Errorf("%s: Record of %s = %v, want %v", name, state, err, ledger.ErrStale)
		}
		if diff := cmp.Diff(before, p.history(c.Key)); diff != "" {
			t.Errorf("%s: record changed (-before +after):\n%s", name, diff)
		}
	}
	otherRun, otherFence := claim, claim
	otherRun.Run++
	otherFence.Fence++
	stale("claim of another run", otherRun, invite.NotSent)
	stale("another fence", otherFence, invite.NotSent)
	for _, state := range []invite.State{invite.Invited, invite.Rejected, invite.Unknown} {
		stale("rejected", claim, state)
	}
	usage, back := s.Usage(t, account), outcome(invite.NotSent)
	back.At, back.Error, back.NotLeft = back.At.Add(time.Hour), "the first 5 rows fail alike", true
	if attempts := p.record(claim, back); attempts != 1 {
		t.Errorf("taken back it has %d attempts, want 1", attempts)
	}
	want := invite.Outcome{State: invite.NotSent, Error: back.Error, At: back.At, Attempts: 1}
	if diff := cmp.Diff(want, p.history(c.Key).Of(c.Format).Outcome); diff != "" {
		t.Errorf("taken back (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(usage, s.Usage(t, account)); diff != "" {
		t.Errorf("usage (-before +after):\n%s", diff)
	}
	for _, state := range []invite.State{invite.NotSent, invite.Invited} {
		stale("taken back", claim, state)
	}
	p.claim(c, invite.Policy{}) // unchanged, and no rejection stands in the way
}

func recordRefusesOtherStates(t *testing.T, s Store) {
	p := s.start(t)
	c := person(1, invite.SendLink)
	claim := p.claim(c, invite.Policy{})
	for _, state := range []invite.State{"", invite.Claimed, invite.Revoked, "sent"} {
		if _, err := p.Record(t.Context(), claim, outcome(state)); err == nil {
			t.Errorf("Record of %q = nil, want an error", state)
		}
	}
	if got := p.state(c); got != invite.Claimed {
		t.Errorf("the record is %q, want %q", got, invite.Claimed)
	}
}

func recordMovesUsage(t *testing.T, s Store) {
	p := s.start(t)
	claims := make([]invite.Claim, 100)
	each(len(claims), func(i int) {
		var err error
		if claims[i], err = p.Claim(t.Context(), p.run, person(i, invite.SendLink), "", invite.Policy{}); err != nil {
			t.Errorf("Claim = %v", err)
		}
	})
	want := map[int64]int{}
	for _, c := range claims {
		want[c.At.Unix()]++
	}
	if diff := cmp.Diff(want, s.Usage(t, account)); diff != "" {
		t.Errorf("usage of claims (-want +got):\n%s", diff)
	}
	each(len(claims), func(i int) {
		o := outcome(invite.Unknown)
		o.At = o.At.Add(time.Duration(i%3) * time.Second)
		if _, err := p.Record(t.Context(), claims[i], o); err != nil {
			t.Errorf("Record = %v", err)
		}
	})
	late := outcome(invite.Invited)
	late.At = late.At.Add(time.Hour)
	p.record(claims[0], late) // its request was counted when it was given up
	second := answered.Unix()
	if diff := cmp.Diff(map[int64]int{second: 34, second + 1: 33, second + 2: 33}, s.Usage(t, account)); diff != "" {
		t.Errorf("usage of answers (-want +got):\n%s", diff)
	}
}

// Invariant 9: when a request arrived that has no answer is not known, so it counts as late as it can.
func deadRunsClaimsCount(t *testing.T, s Store) {
	first := s.start(t)
	first.record(first.claim(person(0, invite.SendLink), invite.Policy{}), outcome(invite.Invited))
	claim := first.claim(person(1, invite.SendLink), invite.Policy{})
	first.claim(person(2, invite.GetLink), invite.Policy{})
	o := outcome(invite.Invited)
	o.ReportID = "7"
	revoked := person(3, invite.GetLink)
	first.record(first.claim(revoked, invite.Policy{}), o)
	if _, err := first.ClaimRevoke(t.Context(), first.run, revoked.Key, revoked.Format); err != nil {
		t.Fatalf("ClaimRevoke = %v", err)
	}
	first.die()
	for time.Now().Unix() == claim.At.Unix() { // the clock must show the difference
		<-time.After(10 * time.Millisecond)
	}
	before := time.Now().Unix()
	second := s.start(t)
	usage := s.Usage(t, account)
	if usage[answered.Unix()] != 2 {
		t.Errorf("%d requests count at their answer, want 2", usage[answered.Unix()])
	}
	late := 0
	for at, calls := range usage {
		if at >= before {
			late += calls
		}
	}
	if late != 3 || len(usage) > 3 {
		t.Errorf("usage %v: %d requests count from the moment when their run was found dead, want 3", usage, late)
	}
	second.die()
	s.start(t)
	if diff := cmp.Diff(usage, s.Usage(t, account)); diff != "" {
		t.Errorf("usage after one more start (-before +after):\n%s", diff)
	}
}

// Invariant 5: what was recorded stays, what was claimed is unknown, and only that.
func deadRunsClaimsAreUnknown(t *testing.T, s Store) {
	first := s.start(t)
	claimed, invited := person(1, invite.SendLink), person(2, invite.SendLink)
	claim := first.claim(claimed, invite.Policy{})
	first.record(first.claim(invited, invite.Policy{}), outcome(invite.Invited))
	first.die()

	second := s.start(t)
	if second.run <= first.run {
		t.Errorf("run %d follows run %d", second.run, first.run)
	}
	want := invite.Outcome{State: invite.Unknown, Error: ledger.DeadRun, Expires: claimedDate, At: claim.At, Attempts: 1}
	if diff := cmp.Diff(want, second.history(claimed.Key).Of(claimed.Format).Outcome); diff != "" {
		t.Errorf("outcome of the claimed one (-want +got):\n%s", diff)
	}
	if got := second.state(invited); got != invite.Invited {
		t.Errorf("the recorded one is %q, want %q", got, invite.Invited)
	}
	if _, err := second.Claim(t.Context(), second.run, claimed, "", invite.Policy{}); !errors.Is(err, ledger.ErrRefused) {
		t.Errorf("Claim of the unknown = %v, want %v", err, ledger.ErrRefused)
	}
	alive := person(3, invite.SendLink)
	second.claim(alive, invite.Policy{})
	if got := second.state(alive); got != invite.Claimed {
		t.Errorf("the live run's one is %q, want %q", got, invite.Claimed)
	}
}

// Invariant 6.
func lateAnswerSettles(t *testing.T, s Store) {
	first := s.start(t)
	c, link := person(1, invite.SendLink), person(2, invite.GetLink)
	claim, overtaken := first.claim(c, invite.Policy{}), first.claim(link, invite.Policy{})
	first.die()

	second := s.start(t)
	late := outcome(invite.Invited)
	late.Link = "https://vendor.example/i/1"
	second.record(claim, late)
	if got := second.history(c.Key).Of(c.Format).Outcome; got.State != invite.Invited || got.Link != late.Link {
		t.Errorf("after the late answer the record is %+v, want invited with its link", got)
	}
	second.claim(link, invite.Policy{}) // an unknown getlink may be claimed again
	if _, err := second.Record(t.Context(), overtaken, late); !errors.Is(err, ledger.ErrStale) {
		t.Errorf("Record of an overtaken claim = %v, want %v", err, ledger.ErrStale)
	}
}

// Invariant 3.
func finishLeavesNothingClaimed(t *testing.T, s Store) {
	p := s.start(t)
	c := person(1, invite.SendLink)
	p.claim(c, invite.Policy{})
	if err := p.Finish(t.Context(), p.run, ledger.End{Reason: "interrupted"}); err != nil {
		t.Fatalf("Finish = %v", err)
	}
	if got := p.state(c); got != invite.Unknown {
		t.Errorf("the record is %q, want %q", got, invite.Unknown)
	}
	if err := p.Finish(t.Context(), p.run+1, ledger.End{}); err == nil {
		t.Error("Finish of a run that never was = nil, want an error")
	}
	if err := p.Finish(done(t), p.run, ledger.End{}); err != nil {
		t.Errorf("Finish with a done context = %v, want nil", err)
	}
}

func resolution(c invite.Candidate, state invite.State) ledger.Resolution {
	r := ledger.Resolution{Key: c.Key, Format: c.Format, State: state, Who: "ann", Why: "asked the vendor"}
	if state == invite.Invited {
		r.Link = "https://vendor.example/i/7"
	}
	return r
}

func resolveSettles(t *testing.T, s Store) {
	first := s.start(t)
	sent, notSent := person(1, invite.SendLink), person(2, invite.SendLink)
	first.claim(sent, invite.Policy{})
	first.record(first.claim(notSent, invite.Policy{}), outcome(invite.Unknown))
	first.die()

	p := s.start(t)
	want := []Audited{{Action: "resolve", Resolution: resolution(sent, invite.Invited)}, {Action: "resolve", Resolution: resolution(notSent, invite.NotSent)}}
	start := time.Now().Truncate(time.Millisecond)
	for _, a := range want {
		if err := p.Resolve(t.Context(), a.Resolution); err != nil {
			t.Fatalf("Resolve as %s = %v", a.Resolution.State, err)
		}
	}
	got := s.Audit(t, account)
	for i := range got {
		if got[i].At.Before(start) || got[i].At.After(time.Now()) {
			t.Errorf("entry %d is of %s, want between %s and now", i, got[i].At, start)
		}
		got[i].At = time.Time{}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("audit (-want +got):\n%s", diff)
	}
	if o := p.history(sent.Key).Of(sent.Format).Outcome; o.State != invite.Invited || o.Link != want[0].Resolution.Link || o.Error != "" {
		t.Errorf("settled as invited the record is %+v", o)
	}
	o := p.history(notSent.Key).Of(notSent.Format).Outcome
	if text := "settled as not sent by ann: asked the vendor"; o.State != invite.NotSent || o.Error != text {
		t.Errorf("settled as not sent the record is %+v, want the error %q", o, text)
	}
	if claim := p.claim(notSent, invite.Policy{}); claim.Fence != 2 {
		t.Errorf("the claim afterwards has fence %d, want 2", claim.Fence)
	}
}

// Invariant 4.
func resolveRefuses(t *testing.T, s Store) {
	p := s.start(t)
	var all []invite.Candidate
	for i, state := range []invite.State{invite.Invited, invite.Rejected, invite.NotSent} {
		c := person(i, invite.SendLink)
		p.record(p.claim(c, invite.Policy{}), outcome(state))
		all = append(all, c)
	}
	alive := person(3, invite.SendLink)
	p.claim(alive, invite.Policy{})
	otherFormat, otherCampaign := person(4, invite.SendLink), person(4, invite.SendLink)
	p.record(p.claim(otherFormat, invite.Policy{}), outcome(invite.Unknown))
	otherFormat.Format, otherCampaign.Key.Campaign = invite.GetLink, "autumn"
	for _, c := range append(all, alive, otherFormat, otherCampaign, person(99, invite.SendLink)) {
		before := p.history(c.Key)
		for _, state := range []invite.State{invite.Invited, invite.NotSent} {
			if err := p.Resolve(t.Context(), resolution(c, state)); !errors.Is(err, ledger.ErrRefused) {
				t.Errorf("Resolve of %s as %s = %v, want %v", c.Key.Email, state, err, ledger.ErrRefused)
			}
		}
		if diff := cmp.Diff(before, p.history(c.Key)); diff != "" {
			t.Errorf("Resolve of %s changed (-before +after):\n%s", c.Key.Email, diff)
		}
	}
	if err := p.Resolve(t.Context(), resolution(person(4, invite.SendLink), invite.Rejected)); err == nil {
		t.Error("Resolve as rejected = nil, want an error")
	}
	if got := s.Audit(t, account); len(got) != 0 {
		t.Errorf("audit is %+v, want none", got)
	}
}

func lateAnswerAfterResolve(t *testing.T, s Store) {
	for i, state := range []invite.State{invite.Invited, invite.NotSent} {
		p := s.start(t)
		c := person(i, invite.SendLink)
		claim := p.claim(c, invite.Policy{})
		p.record(claim, outcome(invite.Unknown))
		if err := p.Resolve(t.Context(), resolution(c, state)); err != nil {
			t.Fatalf("Resolve = %v", err)
		}
		if _, err := p.Record(t.Context(), claim, outcome(invite.Rejected)); !errors.Is(err, ledger.ErrStale) {
			t.Errorf("late Record after it was resolved as %s = %v, want %v", state, err, ledger.ErrStale)
		}
		if got := p.state(c); got != state {
			t.Errorf("the record is %q, want %q", got, state)
		}
		p.die()
	}
}
