package ledger

import (
	"errors"
	"time"
)

// Purge says whose data to forget: those who fit both Before and Email.
//
// An invited or revoked record becomes a tombstone, which keeps the promise without the person: in the address's place
// is a keyed digest, by which whoever brings the address finds it again, and only state, times, dates and the places of
// the account are kept. A rejected or not_sent record holds no promise and is deleted. An unknown one is kept, because
// somebody has to look the person up; Email makes a tombstone of it too. What a live run has claimed is kept in any
// case. With Forget all but that is deleted, tombstones too, and the promise with it.
//
// Texts of the audit about people that the ledger no longer names are emptied, and the usage of days long gone is
// deleted. Runs are kept.
type Purge struct {
	Before time.Time // only records claimed and answered before; zero: any
	Email  string    // normalised, "" for any
	Forget bool
	Who    string
	Why    string // for the audit, where it stays
}

// Validate refuses a purge of everything, which is more likely a mistake.
func (p Purge) Validate() error {
	if p.Before.IsZero() && p.Email == "" {
		return errors.New("a purge needs a time or an address")
	}
	return nil
}

// Purged counts records.
type Purged struct {
	Tombstones int // made
	Deleted    int
	Kept       int // unknown or in flight
}
