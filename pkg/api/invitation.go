package api

import (
	"context"
	"encoding/json"
	"net/url"
	"strings"
	"unicode"

	"batchinvite/pkg/invite"
)

const invitePath = "assessments/invite"

// Invite has the type invite.Call: one attempt, at most one request. An outcome with NotLeft has no Expires, as no date
// was sent.
func (c *Client) Invite(ctx context.Context, cand invite.Candidate, expires string) invite.Answer {
	return c.do(ctx, c.invitation(cand, expires))
}

func (c *Client) invitation(cand invite.Candidate, expires string) job {
	j := job{
		path: invitePath,
		body: struct {
			Name       string        `json:"candidate_name"`
			Email      string        `json:"candidate_email"`
			Assessment int64         `json:"assessment_id"`
			Format     invite.Format `json:"invite_format"`
			Expires    string        `json:"expiry_date,omitempty"`
		}{cand.Name, cand.Email, cand.Key.Assessment, cand.Format, expires},
		expires: expires,
		doubt:   "a link may already have been made",
		understand: func(object map[string]json.RawMessage) (facts, sign, string) {
			return c.invitationIn(object, cand.Key.Email)
		},
	}
	if cand.Format == invite.SendLink {
		j.once, j.doubt = true, "may already be e-mailed"
	}
	return j
}

// invitationIn gives the sign link or id, or the flaw for which the object is no invitation of this candidate.
func (c *Client) invitationIn(object map[string]json.RawMessage, email string) (facts, sign, string) {
	var f facts
	var whose string
	for _, field := range []struct {
		name string
		to   *string
		read func(json.RawMessage) (string, bool)
	}{
		{"email", &whose, text},
		{"invite_link", &f.link, text},
		{"status", &f.status, text},
		{"candidate_id", &f.candidateID, number},
		{"report_id", &f.reportID, number},
	} {
		var ok bool
		if *field.to, ok = field.read(object[field.name]); !ok {
			return facts{}, 0, "the answer's " + field.name + " is of the wrong type"
		}
	}
	got, err := invite.NormalizeEmail(whose)
	switch {
	case whose == "":
		return facts{}, 0, "the answer names no e-mail address"
	case err != nil || got != email:
		return facts{}, 0, "the answer names another e-mail address"
	case f.link != "" && !c.isLink(f.link):
		return facts{}, 0, "the answer's invite_link is not an https link"
	case f.link == "" && f.candidateID == "" && f.reportID == "":
		return facts{}, 0, "the answer has no link"
	}
	for _, s := range []*string{&f.status, &f.candidateID, &f.reportID} {
		if *s = printable(*s); c.holdsKey(*s) {
			*s = c.quote(*s)
		}
	}
	if f.link == "" {
		return f, id, "the answer has no link"
	}
	return f, link, ""
}

// isLink accepts what can be given to a candidate.
func (c *Client) isLink(s string) bool {
	u, err := url.Parse(s)
	if err != nil || u.Hostname() == "" || u.Scheme != "https" && (u.Scheme != "http" || !isLoopback(u.Hostname())) {
		return false
	}
	odd := func(r rune) bool { return r == ' ' || r == unicode.ReplacementChar || !unicode.IsPrint(r) }
	return !strings.ContainsFunc(s, odd) && !c.holdsKey(s)
}
