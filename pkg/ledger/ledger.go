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
//  6. A sendlink row leaves unknown only by its own late answer (same claim, matching fence) or by an audited command
//     (who, when, why): resolve, or import of somebody who was invited elsewhere.
//  7. The results file is whole or absent under its final name.
//  8. A write with a stale fence changes nothing.
//  9. No stated window of 5 s or more is ever exceeded, across restarts and machines.
//  10. Two runs on one ledger: SQLite refuses the second at once.
//  11. After the first failed claim commit nothing more is sent.
//  12. The API key is in no log, ledger, output, argument list or error.
//
// The ways of a record:
//
//	(none) ──► claimed ──► invited | rejected ──► not_sent | unknown        invited ──► revoked
//	              ▲                     │            │          │
//	              │                     │ changed    │          │ getlink
//	              └─────────────────────┴────────────┴──────────┘
//
// A claimed record whose run is dead is unknown. Which record may be claimed again is invite.History.Decide; every
// implementation applies the same rule once more, atomically, in Claim. What was rejected is taken back to not_sent by
// its own claim when the run stops for a reason that lies in no row, such as a wrong path. Import settles as
// invited, or as unknown, what was less than that. Purge deletes what is rejected or not_sent, and leaves the others without
// the person.
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
	// ErrRefused: the record's state did not allow the claim or the command; nothing changed.
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
	// Lookup gives the history of each key, in the same order. A claimed record of a dead run is given as unknown, and
	// one that was purged under the key that was asked for.
	Lookup(ctx context.Context, keys []invite.Key) ([]invite.History, error)
	// Open lists the records of the account that are unknown, or claimed by a live run, in the order of their claims.
	Open(ctx context.Context) ([]invite.Record, error)
	// Records yields every record of the account that fits, in the order of run, file and line, from one state of the store.
	// Like Lookup it gives a claimed record of a dead run as unknown. An error of yield ends it and is returned as it is.
	Records(ctx context.Context, f Filter, yield func(invite.Record) error) error
	// Runs lists the runs of the account, the latest first: limit of them, or all if it is 0.
	Runs(ctx context.Context, limit int) ([]RunRecord, error)
	// Usage gives the requests that count in each second since the one of a time, in order: at the second of their answer,
	// and without one at that of their claim, or of the moment when their run was found dead.
	Usage(ctx context.Context, since time.Time) ([]Usage, error)
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
	//
	// The same claim may record once more after an unknown (its late answer), and not_sent after rejected: nothing else
	// revises an outcome, and the usage is moved by the first one only.
	Record(ctx context.Context, c invite.Claim, o invite.Outcome) (attempts int, err error)
	// Wrote remembers the hash of a results file under its absolute path.
	Wrote(ctx context.Context, run int64, path, hash string) error
	// Finish records the end of a run, and makes the claims that it left open unknown.
	Finish(ctx context.Context, run int64, e End) error

	// Resolve settles one unknown record, and writes who did it, when and why to the audit. ErrRefused: it is not
	// unknown.
	Resolve(ctx context.Context, r Resolution) error
	// Import tells of people who were invited elsewhere, all in one transaction, so callers bring some hundreds at a time.
	// It gives what became of each, in the same order (see Imported.Judge), and writes what it changed to the audit.
	Import(ctx context.Context, people []Imported, who, why string) ([]Import, error)
	// Purge forgets personal data, also where the store keeps what is deleted: its files are rewritten. If that fails the
	// error comes with the counts of what is forgotten all the same, and the next Purge rewrites them.
	Purge(ctx context.Context, p Purge) (Purged, error)

	// ClaimRevoke makes the durable mark that one request is about to revoke an invitation, and counts its usage like
	// Claim. The record stays invited. ErrRefused: it is not invited, has no report id, or a live run is revoking it. Where
	// a run died in between, the invitation may be revoked again: the vendor says if it was before.
	ClaimRevoke(ctx context.Context, run int64, key invite.Key, f invite.Format) (invite.Claim, error)
	// RecordRevoke commits what became of a ClaimRevoke, and moves its usage like Record. With o.State Revoked the record
	// becomes that, and the audit has it with the Who of the run. With Rejected, NotSent or Unknown it stays invited, and
	// only the mark keeps state and error. ErrStale and ctx are as with Record.
	RecordRevoke(ctx context.Context, c invite.Claim, o invite.Outcome) error

	// Close lets the lock go and closes the store. It is the last call.
	Close() error
}

// Facts is the plan's first line and the status command's numbers.
type Facts struct {
	Since     time.Time // when the account was first recorded here
	States    map[invite.State]int
	Campaigns []Campaign // in alphabetical order
	LastHost  string     // of the machine of the last run, whichever account it was for; "" if there was none
}

// Campaign is a campaign's part of the facts.
type Campaign struct {
	Name   string
	States map[invite.State]int
}

// Usage is how many requests count in one second.
type Usage struct {
	Second time.Time // its beginning
	Calls  int
}

// UsageKept is two of the widest windows that a rate can have: what is older, a purge deletes.
const UsageKept = 2 * 366 * 24 * time.Hour

// Run describes a run at its beginning.
type Run struct {
	Command  string // "" for "run", or "revoke"
	Who      string // for the audit of what the run revokes
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
	Reason string           // why it stopped early, all reasons in one text; "" if it did not
	Cause  string           // the first of them, which is what rows say that it did not reach
	Closed map[int64]string // assessments that it called for no more, and why
	Counts map[invite.Status]int
}

// RunRecord is what the ledger holds of a run.
type RunRecord struct {
	Run
	End
	ID      int64
	Started time.Time
	Ended   time.Time // zero: it is alive, or died without a word
	Alive   bool
	Host    string
	PID     int
}

// Filter chooses records. Its zero fields choose any.
type Filter struct {
	Run        int64
	Campaign   string
	Assessment int64
	Email      string // normalised; finds purged records too
	States     []invite.State
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
