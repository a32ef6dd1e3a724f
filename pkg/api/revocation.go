package api

import (
	"context"
	"encoding/json"
	"fmt"
	"regexp"
	"strings"

	"batchinvite/pkg/invite"
)

const revokePath = invitePath + "/revoke"

// Revocation names the invitation that is to be taken back.
type Revocation struct {
	ReportID string // a whole number, as the vendor gave it with the invitation
	Notify   bool   // ask the vendor to tell the candidate
}

// wholeNumber has no upper limit: ids are the vendor's, who may have larger ones than fit into our integers.
var wholeNumber = regexp.MustCompile(`^[1-9][0-9]*$`)

// Revoke makes one attempt, which is at most one request. Revoking twice harms nobody, so an ambiguous answer may be
// tried again. The outcome is revoked, also if it was so before (Already), rejected, not_sent or unknown; APIStatus is
// the vendor's word. A report id that is no whole number is not sent, and not worth another try.
func (c *Client) Revoke(ctx context.Context, r Revocation) invite.Answer {
	if !wholeNumber.MatchString(r.ReportID) {
		fault := fmt.Sprintf("the report id %q is not a whole number", c.quote(r.ReportID))
		if r.ReportID == "" {
			fault = "the invitation has no report id"
		}
		return reply{signs: unfit, fault: fault}.answer(job{})
	}
	return c.do(ctx, revocation(r))
}

func revocation(r Revocation) job {
	return job{
		path: revokePath,
		body: struct {
			ReportID json.Number `json:"report_id"`
			Notify   bool        `json:"notify_candidate,omitempty"`
		}{json.Number(r.ReportID), r.Notify},
		doubt:      "may already be revoked",
		understand: revocationIn,
	}
}

// revocationIn gives the sign of the vendor's word, in any case, or the flaw for which it means nothing.
func revocationIn(object map[string]json.RawMessage) (facts, sign, string) {
	word, ok := text(object["status"])
	if !ok {
		return facts{}, 0, "the answer's status is of the wrong type"
	}
	s, known := map[string]sign{
		"REVOKED": undone, "ALREADY_REVOKED": undoneBefore, "NOT_ALLOWED": notAllowed, "ERROR_REVOKING": notRevoked,
	}[strings.ToUpper(word)]
	switch {
	case word == "":
		return facts{}, 0, "the answer has no status"
	case !known:
		return facts{}, 0, "the answer's status is not one that is known"
	}
	return facts{status: word}, s, ""
}
