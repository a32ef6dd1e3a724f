package pipeline

import (
	"errors"
	"strings"
	"time"

	"batchinvite/pkg/invite"
)

// answer is the result of a row that its history decides, without a call.
func answer(v invite.Verdict, rec *invite.Record, c invite.Candidate, now time.Time) invite.Result {
	r := invite.Result{Format: rec.Format, Outcome: rec.Outcome}
	switch v {
	case invite.VerdictInvited:
		r.Status = invite.StatusAlreadyInvited
		r.Outcome.Error = caveats(rec, c, now)
	case invite.VerdictLinked:
		r.Status = invite.StatusNotSent
		r.Outcome.Error = "has a link, was never e-mailed; --email-linked sends the e-mail"
	case invite.VerdictUnknown:
		r.Status = invite.StatusUnknown
		if rec.Purged {
			r.Outcome.Error = "was unknown when its data was purged"
		}
	case invite.VerdictRejected:
		r.Status = invite.StatusRejected
		r.Outcome.Error = "unchanged since it was rejected: " + rec.Outcome.Error
	case invite.VerdictRevoked:
		r.Status = invite.StatusRevoked
		r.Outcome.Error = "the invitation was revoked; --reinvite-revoked invites again"
		if rec.Purged {
			r.Outcome.Error = "the invitation was revoked, and the person's data purged since"
		}
	default:
		r = invite.Result{Status: invite.StatusNotSent, Outcome: invite.Outcome{Error: "another run is inviting this person right now"}}
	}
	return r
}

// caveats say what an old link's reader must know: there is none, it has expired, or the sheet wants another date.
func caveats(rec *invite.Record, c invite.Candidate, now time.Time) string {
	sent := rec.Outcome.Expires
	var notes []string
	switch {
	case rec.Purged:
		notes = append(notes, "the link was purged")
	case rec.Outcome.Link == "":
		notes = append(notes, "no link is known")
	}
	if linkExpired(rec, c, now) {
		notes = append(notes, "the old link expired on "+sent)
	}
	if c.Expiry.Differs(sent) {
		if sent == "" {
			sent = "no date"
		}
		notes = append(notes, "the sheet says "+c.Expiry.Text+", the invitation was made with "+sent)
	}
	return strings.Join(notes, "; ")
}

// linkExpired goes by the vendor's zone, which every expiry of the sheet carries.
func linkExpired(rec *invite.Record, c invite.Candidate, now time.Time) bool {
	return invite.Over(rec.Outcome.Expires, c.Expiry.Vendor(), now)
}

// unsent is the result of a row that would have been sent and was not. What was unknown before stays unknown, and a
// link that the person has already is not forgotten.
func unsent(c invite.Candidate, h invite.History, why error) invite.Result {
	own := h.Of(c.Format)
	if own != nil && own.Outcome.State == invite.Unknown {
		return stillUnknown(own, why)
	}
	r := invite.Result{Status: invite.StatusNotSent}
	r.Outcome = invite.Outcome{State: invite.NotSent, Error: "not sent: " + why.Error(), Link: h.Link()}
	if own != nil {
		r.Outcome.Attempts = own.Outcome.Attempts
	}
	return r
}

func stillUnknown(own *invite.Record, why error) invite.Result {
	r := invite.Result{Status: invite.StatusUnknown, Format: own.Format, Outcome: own.Outcome}
	r.Outcome.Error += "; not tried again: " + why.Error()
	return r
}

// expired is the result of a row whose date had passed when its turn came.
func expired(c invite.Candidate, h invite.History, err error) invite.Result {
	p := expiredProblem(c, err)
	if own := h.Of(c.Format); own != nil && own.Outcome.State == invite.Unknown {
		return stillUnknown(own, errors.New(p.String()))
	}
	r := invalid(p)
	r.Outcome.Link = h.Link()
	return r
}

func expiredProblem(c invite.Candidate, err error) invite.Problem {
	return invite.NewProblem(c.Origin.Line, c.Expiry.Column, c.Expiry.Cell, &invite.Fault{Value: c.Expiry.Text, Reason: err})
}

func invalid(p invite.Problem) invite.Result {
	return invite.Result{Status: invite.StatusInvalid, Outcome: invite.Outcome{Error: p.String()}}
}
