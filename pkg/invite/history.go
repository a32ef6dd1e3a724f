package invite

// History is what the ledger knows of one key.
type History struct {
	Records   []Record // of this campaign, at most one a format
	Elsewhere []string // other campaigns in which this person is or may be invited to this assessment
}

// Policy widens what a run may claim again.
type Policy struct {
	RetryRejected   bool // also rejected rows that have not changed
	EmailLinked     bool // sendlink also for people who have a link already
	ReinviteRevoked bool
}

// Verdict is what the history of a key allows.
type Verdict string

// Only VerdictSend lets a claim through; the ledger applies the same rule once more inside the claim itself.
const (
	VerdictSend     Verdict = "send"
	VerdictInvited  Verdict = "already invited"
	VerdictLinked   Verdict = "linked, never e-mailed"
	VerdictUnknown  Verdict = "unknown"
	VerdictRejected Verdict = "rejected before, unchanged"
	VerdictRevoked  Verdict = "revoked"
	VerdictInFlight Verdict = "claimed by another run"
)

// Of gives the record of a format, nil if there is none.
func (h History) Of(f Format) *Record {
	for i := range h.Records {
		if h.Records[i].Format == f {
			return &h.Records[i]
		}
	}
	return nil
}

// Link is the link that the person has already in this campaign, in whatever format, "" if there is none.
func (h History) Link() string {
	for _, r := range h.Records {
		if r.Outcome.State == Invited && r.Outcome.Link != "" {
			return r.Outcome.Link
		}
	}
	return ""
}

// Decide judges a candidate by the history of its key, and names the record that decided (nil for VerdictSend).
// A record is per key and format, and an unknown is judged by the format of its own claim: nobody may be e-mailed
// twice, while a spare link harms nobody.
func (h History) Decide(c Candidate, p Policy) (Verdict, *Record) {
	own, other := h.Of(c.Format), h.Of(c.Format.other())
	if own != nil && own.Outcome.State == Invited {
		return VerdictInvited, own
	}
	mine, theirs := p.judgeOwn(c, own), p.judgeOther(c, other)
	switch {
	case mine == VerdictUnknown || mine == VerdictInFlight || theirs == VerdictSend && mine != VerdictSend:
		return mine, own // whoever may have been e-mailed must not be called "never e-mailed"
	case theirs != VerdictSend:
		return theirs, other
	}
	return VerdictSend, nil
}

// judgeOwn goes by the record of the candidate's own format. One that was purged is never claimed again: nobody could
// tell any more what was sent.
func (p Policy) judgeOwn(c Candidate, own *Record) Verdict {
	if own == nil {
		return VerdictSend
	}
	switch own.Outcome.State {
	case Claimed:
		return VerdictInFlight
	case Unknown:
		if c.Format == SendLink || own.Purged {
			return VerdictUnknown
		}
	case Revoked:
		if !p.ReinviteRevoked || own.Purged {
			return VerdictRevoked
		}
	case Rejected:
		if !p.RetryRejected && own.Fingerprint == c.Fingerprint() {
			return VerdictRejected
		}
	}
	return VerdictSend
}

// judgeOther goes by the record of the other format.
func (p Policy) judgeOther(c Candidate, other *Record) Verdict {
	if other == nil {
		return VerdictSend
	}
	switch other.Outcome.State {
	case Claimed:
		return VerdictInFlight
	case Revoked:
		if !p.ReinviteRevoked {
			return VerdictRevoked
		}
	case Invited:
		if c.Format == GetLink {
			return VerdictInvited
		}
		if !p.EmailLinked {
			return VerdictLinked
		}
	case Unknown:
		if c.Format == GetLink {
			return VerdictUnknown
		}
	}
	return VerdictSend
}
