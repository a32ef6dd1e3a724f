package ledgertest

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"batchinvite/pkg/invite"
	"batchinvite/pkg/ledger"
)

const oldLink = "https://vendor.example/i/old"

// imported is a person invited elsewhere, in full.
func imported(c invite.Candidate) ledger.Imported {
	return ledger.Imported{Candidate: c, State: invite.Invited, Link: oldLink, CandidateID: "12", ReportID: "34",
		Expires: claimedDate, At: answered}
}

// take imports people and gives the verdicts.
func (p *process) take(people ...ledger.Imported) []ledger.Import {
	p.t.Helper()
	verdicts, err := p.Import(p.t.Context(), people, "ann", "old.csv")
	if err != nil {
		p.t.Fatalf("Import = %v", err)
	}
	return verdicts
}

func importWrites(t *testing.T, s Store) {
	p := s.start(t)
	full, bare := imported(person(1, invite.SendLink)), imported(person(2, invite.GetLink))
	unknown := imported(person(3, invite.SendLink))
	full.Candidate.Email = "P1@Example.ORG"
	bare.Link, bare.CandidateID, bare.ReportID, bare.Expires, bare.At = "", "", "", "", time.Time{}
	unknown.State = invite.Unknown
	begin := time.Now().Truncate(time.Millisecond)
	verdicts := []ledger.Import{ledger.ImportNew, ledger.ImportNew, ledger.ImportNew, ledger.ImportKnown}
	if diff := cmp.Diff(verdicts, p.take(full, bare, unknown, full)); diff != "" {
		t.Errorf("Import (-want +got):\n%s", diff)
	}
	for _, i := range []ledger.Imported{full, bare, unknown} {
		c := i.Candidate
		want := invite.Record{Key: c.Key, Format: c.Format, Name: c.Name, Email: c.Email, Fingerprint: c.Fingerprint(),
			Origin: c.Origin, ClaimedAt: i.At, Outcome: invite.Outcome{State: i.State, Link: i.Link, CandidateID: i.CandidateID,
				ReportID: i.ReportID, Expires: i.Expires, At: i.At}}
		got := p.history(c.Key).Of(c.Format)
		if got == nil {
			t.Fatalf("there is no record of %s", c.Key.Email)
		}
		if i.At.IsZero() && !got.ClaimedAt.Before(begin) && !got.ClaimedAt.After(time.Now()) {
			got.ClaimedAt = time.Time{} // now, for want of a better one
		}
		if i.State == invite.Unknown {
			want.Outcome.Error = "unknown where it was imported from"
		}
		if diff := cmp.Diff(want, *got); diff != "" {
			t.Errorf("record of %s (-want +got):\n%s", c.Key.Email, diff)
		}
	}
	var want []Audited
	for _, i := range []ledger.Imported{full, bare, unknown} {
		want = append(want, Audited{Action: "import", Resolution: ledger.Resolution{Key: i.Candidate.Key, Format: i.Candidate.Format,
			State: i.State, Link: i.Link, Who: "ann", Why: "old.csv"}})
	}
	got := s.Audit(t, account)
	for i := range got {
		got[i].At = time.Time{}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("audit (-want +got):\n%s", diff)
	}
}

// importJudges is the table of what an import finds, what it brings, and what comes of it.
func importJudges(t *testing.T, s Store) {
	p := s.start(t)
	const own = "https://vendor.example/i/own"
	for i, tc := range []struct {
		state     invite.State // "revoked" by a revocation, the others recorded
		link, id  string       // ours
		brings    invite.State
		itsLink   string
		want      ledger.Import
		after     invite.State
		afterLink string
		afterID   string
	}{
		{invite.Invited, oldLink, "34", invite.Invited, oldLink, ledger.ImportKnown, invite.Invited, oldLink, "34"},
		{invite.Invited, own, "34", invite.Invited, "", ledger.ImportKnown, invite.Invited, own, "34"},
		{invite.Invited, "", "", invite.Invited, oldLink, ledger.ImportKnown, invite.Invited, oldLink, "34"},
		{invite.Invited, oldLink, "", invite.Invited, oldLink, ledger.ImportKnown, invite.Invited, oldLink, "34"},
		{invite.Invited, own, "34", invite.Invited, oldLink, ledger.ImportContradiction, invite.Invited, own, "34"},
		{invite.Invited, "", "99", invite.Invited, oldLink, ledger.ImportContradiction, invite.Invited, "", "99"},
		{invite.Invited, "", "", invite.Unknown, oldLink, ledger.ImportKnown, invite.Invited, "", ""},
		{invite.Revoked, oldLink, "34", invite.Invited, oldLink, ledger.ImportContradiction, invite.Revoked, oldLink, "34"},
		{invite.Revoked, oldLink, "34", invite.Unknown, oldLink, ledger.ImportContradiction, invite.Revoked, oldLink, "34"},
		{invite.Claimed, "", "", invite.Invited, oldLink, ledger.ImportContradiction, invite.Claimed, "", ""},
		{invite.Unknown, "", "", invite.Invited, oldLink, ledger.ImportSettled, invite.Invited, oldLink, "34"},
		{invite.Unknown, "", "", invite.Unknown, oldLink, ledger.ImportKnown, invite.Unknown, "", ""},
		{invite.Rejected, "", "", invite.Invited, oldLink, ledger.ImportSettled, invite.Invited, oldLink, "34"},
		{invite.NotSent, "", "", invite.Invited, oldLink, ledger.ImportSettled, invite.Invited, oldLink, "34"},
		{invite.NotSent, "", "", invite.Unknown, "", ledger.ImportSettled, invite.Unknown, "", "34"},
	} {
		c := person(i, invite.SendLink)
		p.arrange(c, tc.state, tc.link, tc.id)
		before, audit := p.history(c.Key), len(s.Audit(t, account))
		in := imported(c)
		in.State, in.Link = tc.brings, tc.itsLink
		if got := p.take(in)[0]; got != tc.want {
			t.Errorf("%d: %s with %q %q, import of %s with %q = %q, want %q",
				i, tc.state, tc.link, tc.id, tc.brings, tc.itsLink, got, tc.want)
		}
		r := p.history(c.Key).Of(c.Format)
		o := r.Outcome
		if o.State != tc.after || o.Link != tc.afterLink || o.ReportID != tc.afterID || o.Attempts != 1 || r.Name != c.Name {
			t.Errorf("%d: afterwards the record is %+v, want %s with link %q and id %q", i, o, tc.after, tc.afterLink, tc.afterID)
		}
		asImported := o.At.Equal(answered) && o.Expires == claimedDate && (o.Error == "") == (tc.after == invite.Invited)
		if tc.want == ledger.ImportSettled && !asImported {
			t.Errorf("%d: settled as %+v", i, o)
		}
		changed := !cmp.Equal(before, p.history(c.Key))
		if entries := len(s.Audit(t, account)) - audit; entries != map[bool]int{true: 1}[changed] {
			t.Errorf("%d: the record changed: %t, and the audit has %d more", i, changed, entries)
		}
		if _, err := p.Claim(t.Context(), p.run, c, "", invite.Policy{}); !errors.Is(err, ledger.ErrRefused) {
			t.Errorf("%d: Claim = %v, want %v", i, err, ledger.ErrRefused)
		}
	}
}

// arrange brings a record into a state by the ledger's own ways.
func (p *process) arrange(c invite.Candidate, state invite.State, link, id string) {
	p.t.Helper()
	claim := p.claim(c, invite.Policy{})
	if state == invite.Claimed {
		return
	}
	o := outcome(state)
	o.Link, o.ReportID = link, id
	switch state {
	case invite.Unknown, invite.Rejected, invite.NotSent:
		o.Error = "so it is"
	case invite.Revoked:
		o.State = invite.Invited
	}
	p.record(claim, o)
	if state == invite.Revoked {
		p.recordRevoke(p.claimRevoke(c), revoked(invite.Revoked))
	}
}

func importRefuses(t *testing.T, s Store) {
	p := s.start(t)
	good, state := imported(person(1, invite.SendLink)), imported(person(2, invite.SendLink))
	format := imported(person(3, "letter"))
	state.State = invite.Rejected
	for want, bad := range map[string]ledger.Imported{
		`import: "rejected" is neither invited nor unknown`:                 state,
		`import: "letter" is not an invite format, use getlink or sendlink`: format,
	} {
		if _, err := p.Import(t.Context(), []ledger.Imported{good, bad}, "ann", "old.csv"); err == nil || err.Error() != want {
			t.Errorf("Import = %v, want %s", err, want)
		}
	}
	if _, err := p.Import(done(t), []ledger.Imported{good}, "ann", "old.csv"); err == nil {
		t.Error("Import with a done context = nil, want an error")
	}
	if got := p.state(good.Candidate); got != "" {
		t.Errorf("the good one is %q, want no record", got)
	}
}

// Invariant 8, for a claim whose outcome was known and that somebody tries to use again.
func importOvertakes(t *testing.T, s Store) {
	p := s.start(t)
	c := person(1, invite.SendLink)
	claim := p.claim(c, invite.Policy{})
	p.record(claim, outcome(invite.NotSent))
	in := imported(c)
	in.State = invite.Unknown
	p.take(in)
	if _, err := p.Record(t.Context(), claim, outcome(invite.NotSent)); !errors.Is(err, ledger.ErrStale) {
		t.Errorf("Record = %v, want %v", err, ledger.ErrStale)
	}
	if got := p.state(c); got != invite.Unknown {
		t.Errorf("the record is %q, want %q", got, invite.Unknown)
	}
}

// Invariant 1, from one machine to the next.
func importKeepsPromise(t *testing.T, s Store) {
	p := s.start(t)
	const n = 300
	people := make([]ledger.Imported, n)
	for i := range people {
		people[i] = imported(person(i, invite.SendLink))
		if i%3 == 0 {
			people[i].State = invite.Unknown
		}
	}
	p.take(people...)
	p.die()
	p = s.start(t)
	everything := invite.Policy{RetryRejected: true, EmailLinked: true, ReinviteRevoked: true}
	for _, in := range people {
		for _, f := range []invite.Format{invite.SendLink, invite.GetLink} {
			c := in.Candidate
			c.Format = f
			if _, err := p.Claim(t.Context(), p.run, c, "", everything); !errors.Is(err, ledger.ErrRefused) {
				t.Fatalf("Claim of the imported %s %s %s = %v, want %v", in.State, f, c.Key.Email, err, ledger.ErrRefused)
			}
		}
	}
	if got := len(p.records(ledger.Filter{})); got != n {
		t.Errorf("%d records, want %d", got, n)
	}
}
