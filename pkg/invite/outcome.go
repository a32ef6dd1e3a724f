package invite

import (
	"errors"
	"time"
)

// State is what the ledger says of a key and format. A key that it does not know has none.
type State string

// See package ledger for the ways from one to another.
const (
	Claimed  State = "claimed"
	Invited  State = "invited"
	Rejected State = "rejected"
	NotSent  State = "not_sent"
	Unknown  State = "unknown"
	Revoked  State = "revoked"
)

// Refusals of a ledger's that are no fault: nothing was changed.
var (
	// ErrRefused: the record's state does not allow the claim.
	ErrRefused = errors.New("claim refused by the ledger")
	// ErrStale: a later claim or a command has overtaken the one whose outcome was to be recorded.
	ErrStale = errors.New("stale claim")
)

// Outcome is what became of a candidate: invited, rejected, not_sent or unknown.
type Outcome struct {
	State       State
	Link        string
	Error       string // one plain sentence, "" when invited
	CandidateID string
	ReportID    string
	APIStatus   string    // the vendor's own word, as it is
	Expires     string    // the date that was sent, in the vendor's zone; "" if none
	At          time.Time // when the answer came; for an unknown, when it was given up
	Attempts    int       // requests made for this key and format in all
	// Already: the vendor says that this person had been invited before.
	Already bool
	// NotLeft: proven that no byte of the last request left, so it does not count as one.
	NotLeft bool
}

// Claim is the durable right to send one request for one candidate. Only its holder may record the outcome: a later
// claim of the same key has a higher fence.
type Claim struct {
	Key      Key
	Format   Format
	Run      int64
	Fence    int64
	At       time.Time // when it was made; its usage counts at this second until the outcome moves it
	Attempts int       // requests made before this one
	Prior    State     // what the key was before, "" if new
}

// Record is what the ledger holds of one key and format.
type Record struct {
	Key         Key
	Format      Format
	Name        string
	Email       string // as it was sent
	Fingerprint string
	Outcome     Outcome // its State is the record's
	Origin      Origin
	Run         int64 // 0 for what was imported
	ClaimedAt   time.Time
	// Purged: whom it was about is forgotten, and it stays to keep the promise. It has no name, address, link or ids, and
	// its key has a digest in the address's place, except where it was looked up by address.
	Purged bool
}

// Status is the first result column: what a reader of the results file is told of a row.
type Status string

// Every row ends in exactly one of them.
const (
	StatusInvited        Status = "invited"
	StatusAlreadyInvited Status = "already_invited"
	StatusDuplicate      Status = "duplicate"
	StatusInvalid        Status = "invalid"
	StatusRejected       Status = "rejected"
	StatusNotSent        Status = "not_sent"
	StatusUnknown        Status = "unknown"
	StatusRevoked        Status = "revoked"
)

// Statuses lists them all in the order in which they are counted aloud.
var Statuses = []Status{
	StatusInvited, StatusAlreadyInvited, StatusDuplicate, StatusInvalid, StatusRejected, StatusNotSent, StatusUnknown, StatusRevoked,
}

// Result is one output row. Format is what was really used, "" if nothing was ever sent for it.
type Result struct {
	Row     Row
	Status  Status
	Format  Format
	Outcome Outcome
}
