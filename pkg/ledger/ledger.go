// Package ledger is the durable store of claims and outcomes, across files, days and machines. What it promises (tests
// and comments cite the numbers):
//
//  1. Per key at most one e-mail is sent, unless an audited resolve says the unknown one never happened; and one link,
//     save for spare ones after an ambiguous getlink, which harm nobody.
//  2. Every request that leaves has a claim that was durable before its first byte.
//  3. At rest every row is in exactly one state and the counts add up to the input's rows.
//  4. invited changes only through an audited command.
//  5. A crash, kill -9 or power cut leaves at most as many new unknowns as there are workers, and loses no recorded
//     outcome.
//  6. A sendlink row leaves unknown only by its own late answer (same claim, matching fence) or by resolve (who, when,
//     why).
//  7. The results file is whole or absent under its final name.
//  8. A write with a stale fence changes nothing.
//  9. No stated window of 5 s or more is ever exceeded, across restarts and machines.
//  10. Two runs on one ledger: SQLite refuses the second at once.
//  11. After the first failed claim commit nothing more is sent.
//  12. The API key is in no log, ledger, output, argument list or error.
//
// The ways of a record:
//
//	(none) ──► claimed ──► invited | rejected | not_sent | unknown          invited ──► revoked
//	              ▲            └─ changed row ─┘    │         │ getlink
//	              └─────────────────────────────────┴─────────┘
//
// A claimed record whose run is dead is unknown. Which record may be claimed again is invite.History.Decide; every
// implementation applies the same rule once more, atomically, in Claim.
package ledger

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"batchinvite/pkg/invite"
)

// Errors that callers tell apart with errors.Is.
var (
	// ErrRefused: Claim was not allowed by the record's state; nothing changed.
	ErrRefused = invite.ErrRefused
	// ErrStale: the claim was overtaken by a later one or settled by a command; nothing changed (invariant 8).
	ErrStale = invite.ErrStale
	// ErrNoLedger: there is no ledger at that place.
	ErrNoLedger = errors.New("no ledger")
	// ErrNoAccount: the ledger knows nothing of the account yet.
	ErrNoAccount = errors.New("account not in ledger")
	// ErrExists: the account is in the ledger already, and the caller asked for a new one.
	ErrExists = errors.New("account is in the ledger already")
	// ErrNewer: a later version of this program made the ledger.
	ErrNewer = errors.New("made by a newer version of batchinvite")
	// ErrReadOnly: the ledger was opened for reading.
	ErrReadOnly = errors.New("ledger is open for reading only")
	// ErrClosed: the ledger was closed before the write was taken up.
	ErrClosed = errors.New("ledger is closed")
)

// DeadRun is the error of a record that became unknown because its run died. Its time is that of the claim.
const DeadRun = "the run ended before the answer was recorded"

// Held is returned when another run holds the ledger (invariant 10).
type Held struct {
	Holder Holder // zero if its facts could not be read
}

// Holder tells who holds the ledger's lock.
type Holder struct {
	PID     int       `json:"pid"`
	Host    string    `json:"host"`
	Command string    `json:"command"` // such as "run candidates.csv"
	Since   time.Time `json:"since"`
}

func (h *Held) Error() string {
	if h.Holder.PID == 0 {
		return "held by another run"
	}
	return fmt.Sprintf("held by %q, process %d on %s, since %s",
		h.Holder.Command, h.Holder.PID, h.Holder.Host, h.Holder.Since.UTC().Format(time.RFC3339))
}

// Ledger is one account's part of a store. All methods may be called from many goroutines. Times are kept to the
// millisecond and given in UTC.
type Ledger interface {
	// Facts sums the account up. It reads every record.
	Facts(ctx context.Context) (Facts, error)
	// Used tells whether the account has any record of an assessment.
	Used(ctx context.Context, assessment int64) (bool, error)
	// Lookup gives the history of each key, in the same order. A claimed record of a dead run is given as unknown.
	Lookup(ctx context.Context, keys []invite.Key) ([]invite.History, error)
	// Open lists the records of the account that are unknown, or claimed by a live run, in the order of their claims.
	Open(ctx context.Context) ([]invite.Record, error)
	// Written gives the hash last recorded for a results file, "" if none was.
	Written(ctx context.Context, path string) (string, error)

	// Start records the beginning of a run, makes the claims of dead runs unknown, and gives the run's id.
	Start(ctx context.Context, r Run) (int64, error)
	// Claim makes the durable claim for one request that will carry the date expires ("" for none), counts the request and its usage, and returns once it is
	// committed. ErrRefused: the record may not be claimed. Any other error: it is unclear, nothing may be sent, and no
	// later Claim succeeds (invariants 2 and 11).
	Claim(ctx context.Context, run int64, c invite.Candidate, expires string, p invite.Policy) (invite.Claim, error)
	// Record commits what became of a claim, and moves its usage to the second of the answer. An outcome with NotLeft
	// takes its request back from the count. It gives the number of requests made for the key and format in all.
	// ErrStale: nothing changed. Any other error: the outcome may not be recorded, and the claim becomes unknown when the
	// run is over; ErrFull comes after several tries. ctx only carries values: a commit is never given up half-way.
	Record(ctx context.Context, c invite.Claim, o invite.Outcome) (attempts int, err error)
	// Wrote remembers the hash of a results file under its absolute path.
	Wrote(ctx context.Context, run int64, path, hash string) error
	// Finish records the end of a run, and makes the claims that it left open unknown.
	Finish(ctx context.Context, run int64, e End) error

	// Resolve settles one unknown record, and writes who did it, when and why to the audit. ErrRefused: it is not
	// unknown.
	Resolve(ctx context.Context, r Resolution) error
	// Close lets the lock go and closes the store. It is the last call.
	Close() error
}

// Facts is the plan's first line and the status command's numbers.
type Facts struct {
	Since     time.Time // when the account was first recorded here
	States    map[invite.State]int
	Campaigns []string // in alphabetical order
	LastHost  string   // of the machine of the last run, whichever account it was for; "" if there was none
}

// Run describes a run at its beginning.
type Run struct {
	Campaign string
	Files    []File
	Settings json.RawMessage // as the plan shows them, secrets left out
}

// File is one input of a run.
type File struct {
	Name string `json:"name"`
	Hash string `json:"hash"` // SHA-256 of its bytes, in hexadecimal
}

// End describes how a run ended.
type End struct {
	Reason string // why it stopped early, "" if it did not
	Counts map[invite.Status]int
}

// Resolution is a person's word on an unknown record.
type Resolution struct {
	Key    invite.Key
	Format invite.Format
	State  invite.State // invited or not_sent
	Link   string       // for invited, may be ""
	Who    string
	Why    string
}
