package api

import (
	"cmp"
	"fmt"
	"time"

	"batchinvite/pkg/invite"
)

// answer looks the reply up in the table and says what it means.
func (r reply) answer(j job) invite.Answer {
	l := decide(r.signs, r.status)
	is := l.fate(j.once)
	a := invite.Answer{
		Class:   is.class,
		Status:  r.status,
		Retry:   is.retry,
		Failing: l.run == fails || l.run == failsOrFirst,
		Quotas:  r.quotas.stated,
		Outcome: invite.Outcome{
			State:   is.state,
			Already: is.already,
			Error:   r.sentence(is, j),
			Expires: j.expires,
			At:      time.Now().UTC(),
		},
	}
	if l.signs&inBody != 0 && is.class != invite.ClassAmbiguous {
		a.Outcome.Link, a.Outcome.APIStatus = r.facts.link, r.facts.status
		a.Outcome.CandidateID, a.Outcome.ReportID = r.facts.candidateID, r.facts.reportID
	}
	if is.class == invite.ClassNotSent {
		a.Outcome.NotLeft, a.Outcome.Expires = true, ""
	}
	switch l.run {
	case slowsDown:
		a.Pause, a.Throttled, a.Free = cmp.Or(r.pause, r.quotas.reset), true, true
	case pauses:
		a.Pause = r.pause
	case stops:
		a.Stop = r.stop(l.why)
	case goesOn:
		if r.quotas.spent && r.quotas.reset > 0 {
			a.Spent, a.Pause = true, r.quotas.reset
		}
	case failsOrFirst:
		a.StopIfFirst = r.stop(l.why)
	}
	return a
}

// sentence is the error of one row, "" for a success.
func (r reply) sentence(is fate, j job) string {
	switch {
	case is.says != "":
		return is.says
	case is.state == invite.Invited || is.state == invite.Revoked:
		return ""
	case is.class == invite.ClassNotSent:
		return "not sent: " + r.fault
	case is.class == invite.ClassRefused:
		return join(fmt.Sprintf("refused by the vendor (%d)", r.status), r.words)
	case is.class == invite.ClassAnswered:
		return join(fmt.Sprintf("rejected by the vendor (%d)", r.status), r.words)
	}
	return j.doubt + ": " + r.cause()
}

// cause says why nobody knows whether the vendor acted.
func (r reply) cause() string {
	if r.fault != "" {
		return r.fault
	}
	return join(fmt.Sprintf("the vendor answered %d", r.status), r.detail())
}

func (r reply) stop(why string) *invite.Stop {
	reason := r.fault
	if reason == "" {
		reason = join(fmt.Sprintf("%s (%d)", why, r.status), r.detail())
	}
	return &invite.Stop{Kind: invite.StopPerson, Reason: reason}
}

// detail is what is wrong with the answer, and what stands in it.
func (r reply) detail() string {
	if r.status/100 == 2 {
		return join(r.flaw, r.words)
	}
	return r.words
}

func join(head, tail string) string {
	if head == "" || tail == "" {
		return head + tail
	}
	return head + ": " + tail
}
