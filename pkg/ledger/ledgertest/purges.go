package ledgertest

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"batchinvite/pkg/invite"
	"batchinvite/pkg/ledger"
)

func (p *process) purge(what ledger.Purge) ledger.Purged {
	p.t.Helper()
	what.Who, what.Why = "bob", "retention"
	purged, err := p.Purge(p.t.Context(), what)
	if err != nil {
		p.t.Fatalf("Purge(%+v) = %v", what, err)
	}
	return purged
}

// later is after everything that a test records, claims included.
func later() time.Time { return time.Now().Add(time.Hour) }

func purgeKeepsPromise(t *testing.T, s Store) {
	p := s.start(t)
	c, gone := person(1, invite.SendLink), person(2, invite.SendLink)
	p.invite(c)
	p.invite(gone)
	p.recordRevoke(p.claimRevoke(gone), revoked(invite.Revoked))
	before := []invite.History{p.history(c.Key), p.history(gone.Key)}
	if diff := cmp.Diff(ledger.Purged{Tombstones: 2}, p.purge(ledger.Purge{Before: later()})); diff != "" {
		t.Errorf("Purge (-want +got):\n%s", diff)
	}
	check := func() {
		t.Helper()
		for i, was := range before {
			r := was.Records[0]
			o := r.Outcome
			want := invite.Record{Key: r.Key, Format: r.Format, Run: r.Run, ClaimedAt: r.ClaimedAt, Purged: true,
				Outcome: invite.Outcome{State: o.State, Expires: o.Expires, At: o.At, Attempts: o.Attempts}}
			got := p.history(r.Key)
			if diff := cmp.Diff(invite.History{Records: []invite.Record{want}}, got); diff != "" {
				t.Errorf("looked up %d (-want +got):\n%s", i, diff)
			}
			listed := p.records(ledger.Filter{Email: r.Key.Email})
			if len(listed) != 1 || !listed[0].Purged || strings.Contains(listed[0].Key.Email, "@") || len(listed[0].Key.Email) < 32 {
				t.Fatalf("listed %d is %+v, want one record under a digest", i, listed)
			}
			want.Key.Email = listed[0].Key.Email
			if diff := cmp.Diff(want, listed[0]); diff != "" {
				t.Errorf("listed %d (-want +got):\n%s", i, diff)
			}
			otherCampaign := r.Key
			otherCampaign.Campaign = "autumn"
			if diff := cmp.Diff([]string{"spring"}, p.history(otherCampaign).Elsewhere); i == 0 && diff != "" {
				t.Errorf("Elsewhere (-want +got):\n%s", diff)
			}
		}
		if verdict, r := p.history(c.Key).Decide(c, invite.Policy{}); verdict != invite.VerdictInvited || r.Outcome.Link != "" {
			t.Errorf("Decide = %q, %+v, want %q without a link", verdict, r, invite.VerdictInvited)
		}
		everything := invite.Policy{RetryRejected: true, EmailLinked: true, ReinviteRevoked: true}
		for _, c := range []invite.Candidate{c, gone} {
			c.Name = "Changed"
			if _, err := p.Claim(t.Context(), p.run, c, "", everything); !errors.Is(err, ledger.ErrRefused) {
				t.Errorf("Claim of %s = %v, want %v", c.Key.Email, err, ledger.ErrRefused)
			}
			if _, err := p.ClaimRevoke(t.Context(), p.run, c.Key, c.Format); !errors.Is(err, ledger.ErrRefused) {
				t.Errorf("ClaimRevoke of %s = %v, want %v", c.Key.Email, err, ledger.ErrRefused)
			}
		}
	}
	check()
	if diff := cmp.Diff(ledger.Purged{}, p.purge(ledger.Purge{Before: later()})); diff != "" {
		t.Errorf("the second Purge (-want +got):\n%s", diff)
	}
	p.die()
	p = s.start(t)
	check()
	p.claim(person(3, invite.SendLink), invite.Policy{}) // others are none the worse
}

// purgedClaimAgrees is the control between the rule in Go and the rule in the database, where records of either format are
// tombstones. Unknown ones become that only when they are purged by address.
func purgedClaimAgrees(t *testing.T, s Store) {
	p := s.start(t)
	var all []situation
	for _, one := range situations() {
		standing := func(s invite.State) bool {
			return s == "" || s == invite.Invited || s == invite.Revoked || s == invite.Unknown
		}
		if standing(one.Own) && standing(one.Other) && one.Own+one.Other != "" && !one.Policy.RetryRejected && !one.Changed {
			// One person in many campaigns, so that one purge buries them all.
			key := person(0, invite.SendLink).Key
			key.Campaign = fmt.Sprintf("campaign %d", len(all))
			one.before.Key, one.now.Key = key, key
			all = append(all, one)
		}
	}
	arrange(t, s, p.run, all)
	records := len(p.records(ledger.Filter{}))
	if got := p.purge(ledger.Purge{Email: all[0].now.Key.Email}); got != (ledger.Purged{Tombstones: records}) {
		t.Fatalf("Purge = %+v, want %d tombstones", got, records)
	}
	allowed := 0
	for _, one := range all {
		before := p.history(one.now.Key)
		verdict, _ := before.Decide(one.now, one.Policy)
		_, err := p.Claim(t.Context(), p.run, one.now, "", one.Policy)
		if (verdict == invite.VerdictSend) != (err == nil) || err != nil && !errors.Is(err, ledger.ErrRefused) {
			t.Errorf("%s %+v: Decide = %q, Claim = %v", one.now.Format, one, verdict, err)
		}
		if one.Own != "" && err == nil {
			t.Errorf("%s %+v: a tombstone was claimed", one.now.Format, one)
		}
		if err == nil {
			allowed++
		} else if diff := cmp.Diff(before, p.history(one.now.Key)); diff != "" {
			t.Errorf("%s %+v: the refused claim changed (-before +after):\n%s", one.now.Format, one, diff)
		}
	}
	if allowed == 0 || allowed == len(all) {
		t.Errorf("%d of %d situations allow a claim: the test tells nothing", allowed, len(all))
	}
}

func purgeByTime(t *testing.T, s Store) {
	p := s.start(t)
	cut := answered.Add(24 * time.Hour)
	var records []invite.Record
	add := func(state invite.State, claimed time.Time) invite.Candidate {
		c := person(len(records), invite.SendLink)
		r := standing(c, p.run, state)
		r.ClaimedAt = claimed
		records = append(records, r)
		return c
	}
	states := []invite.State{invite.Invited, invite.Revoked, invite.Rejected, invite.NotSent, invite.Unknown, invite.Claimed}
	var old, young []invite.Candidate
	for _, state := range states {
		old, young = append(old, add(state, answered)), append(young, add(state, cut))
	}
	// Invited long ago, and revoked since.
	late := add(invite.Invited, answered)
	s.Put(t, account, records)
	p.take(imported(late))
	answer := revoked(invite.Revoked)
	answer.At = cut
	p.recordRevoke(p.claimRevoke(late), answer)
	if diff := cmp.Diff(ledger.Purged{Tombstones: 2, Deleted: 2, Kept: 2}, p.purge(ledger.Purge{Before: cut})); diff != "" {
		t.Errorf("Purge (-want +got):\n%s", diff)
	}
	for i, c := range old {
		r, state := p.history(c.Key).Of(c.Format), states[i]
		switch {
		case state == invite.Rejected || state == invite.NotSent:
			if r != nil {
				t.Errorf("the old %s one is %+v, want it deleted", state, r)
			}
		case r == nil || r.Outcome.State != state || r.Purged != (state == invite.Invited || state == invite.Revoked):
			t.Errorf("the old %s one is %+v", state, r)
		}
	}
	for i, c := range append(young, late) {
		if r := p.history(c.Key).Of(c.Format); r == nil || r.Purged || r.Name == "" {
			t.Errorf("the young one %d is %+v, want it untouched", i, r)
		}
	}
}

func purgeByEmail(t *testing.T, s Store) {
	p := s.start(t)
	var records []invite.Record
	states := []invite.State{invite.Invited, invite.Revoked, invite.Rejected, invite.NotSent, invite.Unknown, invite.Claimed}
	for i, state := range states {
		c := person(1, invite.SendLink)
		c.Key.Campaign = fmt.Sprintf("campaign %d", i)
		other := person(2, invite.SendLink)
		other.Key.Campaign = c.Key.Campaign
		records = append(records, standing(c, p.run, state), standing(other, p.run, state))
	}
	s.Put(t, account, records)
	if got := p.purge(ledger.Purge{Email: "p1@example.org", Before: answered}); got != (ledger.Purged{}) {
		t.Errorf("Purge of what is older than all = %+v, want nothing", got)
	}
	if diff := cmp.Diff(ledger.Purged{Tombstones: 3, Deleted: 2, Kept: 1}, p.purge(ledger.Purge{Email: "p1@example.org"})); diff != "" {
		t.Errorf("Purge (-want +got):\n%s", diff)
	}
	purged := map[invite.State]bool{}
	for _, r := range p.records(ledger.Filter{Email: "p1@example.org"}) {
		purged[r.Outcome.State] = r.Purged
	}
	want := map[invite.State]bool{invite.Invited: true, invite.Revoked: true, invite.Unknown: true, invite.Claimed: false}
	if diff := cmp.Diff(want, purged); diff != "" {
		t.Errorf("purged by state (-want +got):\n%s", diff)
	}
	if got := len(p.records(ledger.Filter{Email: "p2@example.org"})); got != 6 {
		t.Errorf("%d records of the other person, want 6", got)
	}
}

func purgedIsResolved(t *testing.T, s Store) {
	p := s.start(t)
	sent, notSent := person(1, invite.SendLink), person(2, invite.SendLink)
	for _, c := range []invite.Candidate{sent, notSent} {
		p.record(p.claim(c, invite.Policy{}), outcome(invite.Unknown))
		p.purge(ledger.Purge{Email: c.Key.Email})
	}
	open, err := p.Open(t.Context())
	if err != nil || len(open) != 2 || !open[0].Purged || !open[1].Purged {
		t.Fatalf("Open = %+v, %v, want both as tombstones", open, err)
	}
	for c, state := range map[*invite.Candidate]invite.State{&sent: invite.Invited, &notSent: invite.NotSent} {
		if err := p.Resolve(t.Context(), resolution(*c, state)); err != nil {
			t.Fatalf("Resolve of %s as %s = %v", c.Key.Email, state, err)
		}
	}
	r := p.history(sent.Key).Of(sent.Format)
	if r == nil || !r.Purged || r.Outcome.State != invite.Invited || r.Outcome.Link != "" {
		t.Errorf("settled as invited the tombstone is %+v, want it invited without a link", r)
	}
	if r := p.history(notSent.Key).Of(notSent.Format); r != nil {
		t.Errorf("settled as not sent the tombstone is %+v, want none", r)
	}
	p.claim(notSent, invite.Policy{})
	for _, e := range s.Audit(t, account) {
		if e.Action == "resolve" && (strings.Contains(e.Resolution.Key.Email, "@") || e.Resolution.Link != "") {
			t.Errorf("the audit has %+v, want neither address nor link", e.Resolution)
		}
	}
}

func purgedIsImported(t *testing.T, s Store) {
	p := s.start(t)
	invited, unknown := person(1, invite.SendLink), person(2, invite.SendLink)
	p.invite(invited)
	p.record(p.claim(unknown, invite.Policy{}), outcome(invite.Unknown))
	p.purge(ledger.Purge{Email: invited.Key.Email})
	p.purge(ledger.Purge{Email: unknown.Key.Email})
	want := []ledger.Import{ledger.ImportKnown, ledger.ImportSettled}
	if diff := cmp.Diff(want, p.take(imported(invited), imported(unknown))); diff != "" {
		t.Errorf("Import (-want +got):\n%s", diff)
	}
	for _, r := range p.records(ledger.Filter{}) {
		o := r.Outcome
		named := r.Name+r.Email+o.Link+o.ReportID+o.CandidateID != "" || strings.Contains(r.Key.Email, "@")
		if !r.Purged || o.State != invite.Invited || named {
			t.Errorf("the tombstone is %+v, want it invited and nobody's", r)
		}
	}
	if got := len(p.records(ledger.Filter{})); got != 2 {
		t.Errorf("%d records, want 2", got)
	}
}

func purgeForgets(t *testing.T, s Store) {
	p := s.start(t)
	buried, plain := person(1, invite.SendLink), person(2, invite.SendLink)
	unknown, other := person(3, invite.SendLink), person(4, invite.SendLink)
	for _, c := range []invite.Candidate{buried, plain, other} {
		p.invite(c)
	}
	p.record(p.claim(unknown, invite.Policy{}), outcome(invite.Unknown))
	p.purge(ledger.Purge{Email: buried.Key.Email})
	for _, c := range []invite.Candidate{buried, plain, unknown} {
		if got := p.purge(ledger.Purge{Email: c.Key.Email, Forget: true}); got != (ledger.Purged{Deleted: 1}) {
			t.Errorf("Purge of %s = %+v, want 1 deleted", c.Key.Email, got)
		}
		p.claim(c, invite.Policy{}) // the promise is gone with the record
	}
	if got := p.purge(ledger.Purge{Before: later(), Forget: true}); got != (ledger.Purged{Deleted: 1, Kept: 3}) {
		t.Errorf("Purge of all = %+v, want 1 deleted and the 3 in flight kept", got)
	}
	var got []string
	for _, e := range s.Audit(t, account) {
		if e.Resolution.Key.Email != "" {
			t.Errorf("the audit names %q", e.Resolution.Key.Email)
		}
		got = append(got, e.Action+" "+e.Resolution.Who+" "+e.Resolution.Why)
	}
	want := append([]string{"purge bob retention"}, slices.Repeat([]string{"forget bob retention"}, 4)...)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("audit (-want +got):\n%s", diff)
	}
}

func purgeClearsAudit(t *testing.T, s Store) {
	p := s.start(t)
	buried, forgotten, stays := person(1, invite.SendLink), person(2, invite.SendLink), person(3, invite.SendLink)
	p.take(imported(buried), imported(forgotten), imported(stays))
	for _, c := range []invite.Candidate{buried, forgotten, stays} {
		o := revoked(invite.Rejected)
		o.Error = "no, " + c.Name
		p.recordRevoke(p.claimRevoke(c), o)
	}
	p.purge(ledger.Purge{Email: buried.Key.Email})
	p.purge(ledger.Purge{Email: forgotten.Key.Email, Forget: true})
	digest := p.records(ledger.Filter{Email: buried.Key.Email})[0].Key.Email
	audit := s.Audit(t, account)
	if len(audit) != 5 {
		t.Fatalf("audit is %+v, want 5 entries", audit)
	}
	for i, email := range []string{digest, "", stays.Key.Email} {
		want := ledger.Resolution{Key: stays.Key, Format: stays.Format, State: invite.Invited, Who: "ann"}
		want.Key.Email = email
		if email == stays.Key.Email {
			want.Why, want.Link = "old.csv", oldLink
		}
		if diff := cmp.Diff(want, audit[i].Resolution); diff != "" {
			t.Errorf("entry %d (-want +got):\n%s", i, diff)
		}
	}
	marks := map[string]string{}
	for _, v := range s.Revocations(t, account) {
		marks[v.Key.Email] = v.Error
	}
	if diff := cmp.Diff(map[string]string{digest: "", stays.Key.Email: "no, " + stays.Name}, marks); diff != "" {
		t.Errorf("errors of revocations (-want +got):\n%s", diff)
	}
	p.purge(ledger.Purge{Email: buried.Key.Email, Forget: true})
	if got := s.Audit(t, account)[0].Resolution.Key.Email; got != "" {
		t.Errorf("after the tombstone is forgotten its entry has %q, want nothing", got)
	}
	if got := s.Revocations(t, account); len(got) != 1 {
		t.Errorf("after the tombstone is forgotten the revocations are %+v, want 1", got)
	}
}

func purgeDeletesUsage(t *testing.T, s Store) {
	p := s.start(t)
	recent, old := outcome(invite.Invited), outcome(invite.Invited)
	recent.At = time.Now().Add(time.Hour - ledger.UsageKept)
	old.At = recent.At.Add(-2 * time.Hour)
	p.record(p.claim(person(2, invite.SendLink), invite.Policy{}), recent)
	p.record(p.claim(person(3, invite.SendLink), invite.Policy{}), old)
	p.purge(ledger.Purge{Email: "nobody@example.org"})
	if diff := cmp.Diff(map[int64]int{recent.At.Unix(): 1}, s.Usage(t, account)); diff != "" {
		t.Errorf("usage (-want +got):\n%s", diff)
	}
	if got := s.Audit(t, account); len(got) != 0 {
		t.Errorf("a purge of nobody is in the audit: %+v", got)
	}
}

func purgeRefusesEverybody(t *testing.T, s Store) {
	p := s.start(t)
	p.invite(person(1, invite.SendLink))
	_, err := p.Purge(t.Context(), ledger.Purge{Forget: true, Who: "bob", Why: "oops"})
	if want := "a purge needs a time or an address"; err == nil || err.Error() != want {
		t.Errorf("Purge = %v, want %s", err, want)
	}
	if got := len(p.records(ledger.Filter{})); got != 1 {
		t.Errorf("%d records, want 1", got)
	}
}
