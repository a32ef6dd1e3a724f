package invite

import (
	"context"
	"time"
)

// Class says whether the vendor can have acted on a request.
type Class string

// A POST of the vendor's is not idempotent, so this is all that matters for trying again.
const (
	ClassNotSent   Class = "not sent"  // proven never to have left
	ClassRefused   Class = "refused"   // the vendor says that it did nothing
	ClassAnswered  Class = "answered"  // final
	ClassAmbiguous Class = "ambiguous" // it may have acted
)

// Answer is the classified end of one attempt, which made at most one request.
type Answer struct {
	Class Class
	// Outcome stands if no further try is made.
	Outcome Outcome
	// Status is the answer's HTTP status, 0 without one: answers are alike that have the same.
	Status int
	// Retry: another try may be made, within the budget of the class. Free: this one does not use the budget up.
	Retry, Free bool
	// Pause holds everybody's next request back for so long: the vendor said Retry-After, or when its quota opens again. 0 = no
	// pause.
	Pause time.Duration
	// Throttled: the vendor said 429, with or without Retry-After.
	Throttled bool
	// Spent: the vendor says that its quota is used up by this call, which it took.
	Spent bool
	// Quotas are those that the vendor says it has.
	Quotas []Quota
	// Failing: the vendor, or the way to it, does not work. Several in a row are an outage.
	Failing bool
	// Stop, if set, ends the run. StopIfFirst does so only while no call of the run has had an answer that counts.
	Stop, StopIfFirst *Stop
}

// Quota is a rate limit: so many calls in each window.
type Quota struct {
	Calls int
	Per   time.Duration
}

// Call makes one attempt for a candidate, with the date to send ("" for none). It returns when the attempt has ended,
// and cancelling ctx aborts a request in flight.
type Call func(ctx context.Context, c Candidate, expires string) Answer

// StopKind groups the reasons for which a run ends early by what they ask of its user.
type StopKind int

// The kinds.
const (
	StopLater       StopKind = iota + 1 // come back later
	StopPerson                          // something is wrong that waiting does not cure
	StopInterrupted                     // SIGINT
	StopTerminated                      // SIGTERM
)

// Stop is the reason why a run takes no more rows. It is the cause of the cancelled context.
type Stop struct {
	Kind   StopKind
	Reason string
}

func (s *Stop) Error() string { return s.Reason }
