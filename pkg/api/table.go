package api

import (
	"batchinvite/pkg/invite"
)

// sign is a set of facts about the end of a call, other than its status.
type sign uint16

const (
	unfit        sign = 1 << iota // there was nothing that could be sent
	untrusted                     // the server's certificate does not verify
	apart                         // there was no connection for the request
	stayed                        // no byte of the request left
	broke                         // bytes left, and no head of an answer came
	asks                          // the answer says Retry-After
	torn                          // its body broke off
	limit                         // the body's error field is exactly limit_exceed
	link                          // the body is the candidate's own and has a link
	id                            // the same without a link, but with an id
	undone                        // the body says REVOKED
	undoneBefore                  // ALREADY_REVOKED
	notAllowed                    // NOT_ALLOWED
	notRevoked                    // ERROR_REVOKING

	inBody = link | id | undone | undoneBefore | notAllowed | notRevoked
)

// fate is what a signal means for one candidate.
type fate struct {
	class   invite.Class
	state   invite.State
	retry   bool
	already bool
	says    string // the row's error, where class and status do not tell it
}

var (
	unsent     = fate{class: invite.ClassNotSent, state: invite.NotSent, retry: true}
	held       = fate{class: invite.ClassNotSent, state: invite.NotSent}
	refused    = fate{class: invite.ClassRefused, state: invite.NotSent}
	later      = fate{class: invite.ClassRefused, state: invite.NotSent, retry: true}
	invited    = fate{class: invite.ClassAnswered, state: invite.Invited}
	before     = fate{class: invite.ClassAnswered, state: invite.Invited, already: true}
	rejected   = fate{class: invite.ClassAnswered, state: invite.Rejected}
	gone       = fate{class: invite.ClassAnswered, state: invite.Revoked}
	goneBefore = fate{class: invite.ClassAnswered, state: invite.Revoked, already: true}
	keeps      = fate{class: invite.ClassAnswered, state: invite.Rejected, says: "the vendor does not allow it: sent before the last change of plan"}
	notNow     = fate{class: invite.ClassRefused, state: invite.NotSent, retry: true, says: "the vendor could not revoke it now, try again later"}
	// A spare link or a second revocation harms nobody, a second e-mail does: an ambiguous sendlink is never tried again.
	again   = fate{class: invite.ClassAmbiguous, state: invite.Unknown, retry: true}
	unknown = fate{class: invite.ClassAmbiguous, state: invite.Unknown}
)

// effect is what a signal means for the whole run.
type effect int

const (
	goesOn       effect = iota
	fails               // a vendor failure; several in a row are an outage
	pauses              // everybody, for Retry-After
	slowsDown           // the same, and the try is free
	stops               // at once, for a person to look
	failsOrFirst        // stops if the run has had no answer yet, else a vendor failure
)

// line of the table matches when all its signs are there and the status lies between from and to.
type line struct {
	signs       sign
	from, to    int
	often, once fate // of what may be asked more than once (getlink, revoke), and of what may not (sendlink)
	run         effect
	why         string // of a stop
}

const (
	keyRefused = "the API key is refused"
	usedUp     = "the account's invites are used up"
	elsewhere  = "the base URL leads elsewhere"
	notVendor  = "this does not look like the vendor's API"
)

// table says what every end of a call means. The first line that matches counts: connection and body before status,
// status before class of status. The last line matches everything.
var table = []line{
	{unfit, 0, 0, held, held, goesOn, ""},
	{untrusted, 0, 0, held, held, stops, ""},
	{apart | stayed, 0, 0, unsent, unsent, fails, ""},
	{stayed, 0, 0, unsent, unsent, goesOn, ""}, // a kept connection that the server had closed, or our own giving up
	{broke, 0, 0, again, unknown, fails, ""},

	// The 2xx stand before limit_exceed, which means something only in a refusal. The words of a revocation count with any
	// of them, since no status is documented for them.
	{link, 200, 201, invited, invited, goesOn, ""},
	{id, 200, 201, again, invited, goesOn, ""},
	{undone, 200, 299, gone, gone, goesOn, ""},
	{undoneBefore, 200, 299, goneBefore, goneBefore, goesOn, ""},
	{notAllowed, 200, 299, keeps, keeps, goesOn, ""},
	{notRevoked, 200, 299, notNow, notNow, goesOn, ""},
	{torn, 200, 299, again, unknown, fails, ""}, // the line is bad; it says nothing about whose answer it was
	{0, 200, 299, again, unknown, failsOrFirst, notVendor},
	{limit, 0, 999, refused, refused, stops, usedUp},

	{0, 301, 301, refused, refused, stops, elsewhere},
	{0, 302, 303, refused, unknown, stops, elsewhere}, // "done, see there" is a usual answer to a form
	{0, 307, 308, refused, refused, stops, elsewhere},

	{0, 401, 401, refused, refused, stops, keyRefused},
	{0, 402, 402, refused, refused, stops, usedUp},
	// A word of the vendor's says more than the class of its status, but a success that comes with an error is none.
	{undoneBefore, 400, 499, goneBefore, goneBefore, goesOn, ""},
	{notAllowed, 400, 499, keeps, keeps, goesOn, ""},
	{0, 403, 403, refused, refused, goesOn, ""},
	{0, 408, 408, again, unknown, goesOn, ""},
	{link, 409, 409, before, before, goesOn, ""},
	{0, 425, 425, later, later, goesOn, ""},
	{0, 429, 429, later, later, slowsDown, ""},
	{notRevoked, 400, 499, notNow, notNow, goesOn, ""},
	{0, 400, 499, rejected, rejected, goesOn, ""},

	{asks, 503, 503, again, unknown, pauses, ""},
	{0, 500, 599, again, unknown, fails, ""},
	{0, 0, 999, again, unknown, failsOrFirst, notVendor},
}

// decide finds the line for a signal. Without an answer the status is 0.
func decide(signs sign, status int) line {
	for _, l := range table {
		if signs&l.signs == l.signs && l.from <= status && status <= l.to {
			return l
		}
	}
	return table[len(table)-1]
}

func (l line) fate(once bool) fate {
	if once {
		return l.once
	}
	return l.often
}
