package invite

import (
	"fmt"
	"testing"
)

var ann = Candidate{
	Key:   Key{Campaign: "default", Assessment: 4711, Email: "ann@example.org"},
	Name:  "Ann",
	Email: "ann@example.org",
}

// changed stands for a rejected record of a row that is not as it was then.
const changed State = "rejected, then changed"

// history has a record of each format whose state is not "".
func history(getlink, sendlink State) History {
	var h History
	for f, s := range map[Format]State{GetLink: getlink, SendLink: sendlink} {
		if s == "" {
			continue
		}
		c := ann
		c.Format = f
		r := Record{Key: c.Key, Format: f, Fingerprint: c.Fingerprint(), Outcome: Outcome{State: s}}
		if s == changed {
			r.Fingerprint, r.Outcome.State = "another", Rejected
		}
		h.Records = append(h.Records, r)
	}
	return h
}

// each policy widens one thing.
var policies = map[string]Policy{
	"":                   {},
	"--retry-rejected":   {RetryRejected: true},
	"--email-linked":     {EmailLinked: true},
	"--reinvite-revoked": {ReinviteRevoked: true},
}

// The rule, written down once more and by hand: what a row of a format gets whose key has these records, and the only
// flag, if any, that sends it all the same.
func TestDecide_everyStateAndFormat(t *testing.T) {
	for _, tc := range []struct {
		row               Format
		getlink, sendlink State
		want              Verdict
		opens             string
	}{
		{GetLink, "", "", VerdictSend, ""},
		{SendLink, "", "", VerdictSend, ""},

		// Only a record of the row's own format.
		{GetLink, Claimed, "", VerdictInFlight, ""},
		{GetLink, Invited, "", VerdictInvited, ""},
		{GetLink, Rejected, "", VerdictRejected, "--retry-rejected"},
		{GetLink, changed, "", VerdictSend, ""},
		{GetLink, NotSent, "", VerdictSend, ""},
		{GetLink, Unknown, "", VerdictSend, ""}, // a spare link harms nobody
		{GetLink, Revoked, "", VerdictRevoked, "--reinvite-revoked"},
		{SendLink, "", Claimed, VerdictInFlight, ""},
		{SendLink, "", Invited, VerdictInvited, ""},
		{SendLink, "", Rejected, VerdictRejected, "--retry-rejected"},
		{SendLink, "", changed, VerdictSend, ""},
		{SendLink, "", NotSent, VerdictSend, ""},
		{SendLink, "", Unknown, VerdictUnknown, ""}, // only resolve opens it
		{SendLink, "", Revoked, VerdictRevoked, "--reinvite-revoked"},

		// Only a record of the other format: who was e-mailed has the link too, who has a link was never e-mailed.
		{GetLink, "", Claimed, VerdictInFlight, ""},
		{GetLink, "", Invited, VerdictInvited, ""},
		{GetLink, "", Rejected, VerdictSend, ""},
		{GetLink, "", NotSent, VerdictSend, ""},
		{GetLink, "", Unknown, VerdictUnknown, ""}, // judged by the format of its own claim
		{GetLink, "", Revoked, VerdictRevoked, "--reinvite-revoked"},
		{SendLink, Claimed, "", VerdictInFlight, ""},
		{SendLink, Invited, "", VerdictLinked, "--email-linked"},
		{SendLink, Rejected, "", VerdictSend, ""},
		{SendLink, NotSent, "", VerdictSend, ""},
		{SendLink, Unknown, "", VerdictSend, ""},
		{SendLink, Revoked, "", VerdictRevoked, "--reinvite-revoked"},

		// Both.
		{GetLink, Invited, Invited, VerdictInvited, ""},
		{GetLink, Invited, Claimed, VerdictInvited, ""},
		{GetLink, Invited, Unknown, VerdictInvited, ""},
		{GetLink, Unknown, Invited, VerdictInvited, ""},
		{GetLink, Unknown, Unknown, VerdictUnknown, ""},
		{GetLink, Rejected, Invited, VerdictInvited, ""},
		{GetLink, NotSent, NotSent, VerdictSend, ""},
		{SendLink, Invited, Invited, VerdictInvited, ""},
		{SendLink, Unknown, Invited, VerdictInvited, ""},
		{SendLink, Claimed, Invited, VerdictInvited, ""},
		{SendLink, Invited, NotSent, VerdictLinked, "--email-linked"},
		{SendLink, Unknown, Unknown, VerdictUnknown, ""},
		{SendLink, Unknown, Rejected, VerdictRejected, "--retry-rejected"},
		{SendLink, Revoked, Revoked, VerdictRevoked, "--reinvite-revoked"},
		// After --email-linked: who may have been e-mailed is not "never e-mailed".
		{SendLink, Invited, Unknown, VerdictUnknown, ""},
		{SendLink, Invited, Claimed, VerdictInFlight, ""},
	} {
		for flag, policy := range policies {
			want := tc.want
			if flag != "" && flag == tc.opens {
				want = VerdictSend
			}
			t.Run(fmt.Sprintf("%s getlink=%s sendlink=%s %s", tc.row, tc.getlink, tc.sendlink, flag), func(t *testing.T) {
				c := ann
				c.Format = tc.row
				got, decided := history(tc.getlink, tc.sendlink).Decide(c, policy)
				if got != want {
					t.Errorf("Decide = %q, want %q", got, want)
				}
				if (decided == nil) != (got == VerdictSend) {
					t.Errorf("Decide = %q by record %+v, want a record unless it is %q", got, decided, VerdictSend)
				}
			})
		}
	}
}

// Invariant 1, for every pair of records and every policy: no second e-mail while the first one was or may be sent, and
// no second link besides a spare one.
func TestDecide_neverSendsTwice(t *testing.T) {
	states := []State{"", Claimed, Invited, Rejected, changed, NotSent, Unknown, Revoked}
	mayBeSent := map[State]bool{Claimed: true, Invited: true, Unknown: true}
	for _, getlink := range states {
		for _, sendlink := range states {
			for bits := range 8 {
				p := Policy{RetryRejected: bits&1 != 0, EmailLinked: bits&2 != 0, ReinviteRevoked: bits&4 != 0}
				for _, f := range []Format{GetLink, SendLink} {
					c := ann
					c.Format = f
					got, _ := history(getlink, sendlink).Decide(c, p)
					hasLink := f == GetLink && (getlink == Invited || getlink == Claimed)
					if got == VerdictSend && (mayBeSent[sendlink] || hasLink) {
						t.Errorf("%s row with getlink=%q sendlink=%q and %+v is sent", f, getlink, sendlink, p)
					}
				}
			}
		}
	}
}

// What was purged keeps its promise whatever a run asks for, since nobody can tell any more what was sent.
func TestDecide_purgedRecordIsNeverSentAgain(t *testing.T) {
	for state, want := range map[State]Verdict{Invited: VerdictInvited, Revoked: VerdictRevoked, Unknown: VerdictUnknown} {
		for _, f := range []Format{GetLink, SendLink} {
			c := ann
			c.Format = f
			h := History{Records: []Record{{Key: c.Key, Format: f, Outcome: Outcome{State: state}, Purged: true}}}
			got, decided := h.Decide(c, Policy{RetryRejected: true, EmailLinked: true, ReinviteRevoked: true})
			if got != want || decided == nil {
				t.Errorf("%s row with a purged %s record: Decide = %q by %+v, want %q", f, state, got, decided, want)
			}
		}
	}
}

func TestFingerprint_coversWhatIsSentAndNothingElse(t *testing.T) {
	base := ann
	base.Format, base.Expiry = GetLink, Expiry{Text: "7d"}
	same := base
	same.Origin, same.Key.Campaign, same.Expiry.Column = Origin{File: 1, Line: 9}, "second round", "Until"
	if same.Fingerprint() != base.Fingerprint() {
		t.Error("place, campaign and column name change the fingerprint, want them not to")
	}
	seen := map[string]string{base.Fingerprint(): "the row itself"}
	for what, change := range map[string]func(*Candidate){
		"name":       func(c *Candidate) { c.Name = "Anna" },
		"e-mail":     func(c *Candidate) { c.Email = "Ann@example.org" },
		"assessment": func(c *Candidate) { c.Key.Assessment = 4712 },
		"format":     func(c *Candidate) { c.Format = SendLink },
		"expiry":     func(c *Candidate) { c.Expiry.Text = "8d" },
		"a letter that moved from the name to the address": func(c *Candidate) { c.Name, c.Email = "An", "nann@example.org" },
	} {
		c := base
		change(&c)
		if other, ok := seen[c.Fingerprint()]; ok {
			t.Errorf("a change of %s has the fingerprint of %s", what, other)
		}
		seen[c.Fingerprint()] = what
	}
}
