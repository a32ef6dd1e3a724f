package ledger

import (
	"cmp"
	"fmt"
	"time"

	"batchinvite/pkg/invite"
)

// Imported is a person who was invited elsewhere: by a script, by the vendor's page, by another machine.
type Imported struct {
	Candidate   invite.Candidate
	State       invite.State // invited, or unknown
	Link        string
	CandidateID string
	ReportID    string
	Expires     string
	At          time.Time // of the invitation, zero if nobody knows
}

// Import is what became of an Imported.
type Import string

// What the ledger knows already is never weakened by an import.
const (
	ImportNew           Import = "new"           // written
	ImportKnown         Import = "known"         // stood there already; at most its missing link and ids were filled in
	ImportSettled       Import = "settled"       // changed what was unknown, rejected or not sent
	ImportContradiction Import = "contradiction" // nothing was changed: invited with another link or id, revoked, or in flight
)

// Validate refuses what can't be imported.
func (i Imported) Validate() error {
	if i.State != invite.Invited && i.State != invite.Unknown {
		return fmt.Errorf("import: %q is neither invited nor unknown", i.State)
	}
	if _, err := invite.ParseFormat(string(i.Candidate.Format)); err != nil {
		return fmt.Errorf("import: %w", err)
	}
	return nil
}

// Judge compares an import with the record of its key and format, nil if there is none. It gives the record to write in
// its place too, nil if nothing is to be written. Every implementation goes by it, within the import's transaction.
func (i Imported) Judge(own *invite.Record, now time.Time) (Import, *invite.Record) {
	if own == nil {
		return ImportNew, i.record(now)
	}
	switch own.Outcome.State {
	case invite.Claimed, invite.Revoked:
		return ImportContradiction, nil
	case invite.Invited:
		switch {
		case i.State == invite.Unknown || own.Purged:
			return ImportKnown, nil
		case differ(i.Link, own.Outcome.Link) || differ(i.ReportID, own.Outcome.ReportID):
			return ImportContradiction, nil
		}
		return ImportKnown, i.complete(*own)
	case invite.Unknown:
		if i.State == invite.Unknown {
			return ImportKnown, nil
		}
	}
	settled := *own
	settled.Outcome = i.record(now).Outcome
	settled.Outcome.Attempts = own.Outcome.Attempts
	if own.Purged {
		settled.Outcome = invite.Outcome{State: i.State, Expires: i.Expires, At: settled.Outcome.At, Attempts: own.Outcome.Attempts}
	}
	return ImportSettled, &settled
}

func (i Imported) record(now time.Time) *invite.Record {
	c := i.Candidate
	r := &invite.Record{Key: c.Key, Format: c.Format, Name: c.Name, Email: c.Email, Fingerprint: c.Fingerprint(),
		Origin: c.Origin, ClaimedAt: i.At, Outcome: invite.Outcome{State: i.State, Link: i.Link, CandidateID: i.CandidateID,
			ReportID: i.ReportID, Expires: i.Expires, At: i.At}}
	if i.At.IsZero() {
		r.ClaimedAt = now
	}
	if i.State == invite.Unknown {
		r.Outcome.Error = "unknown where it was imported from"
	}
	return r
}

func differ(a, b string) bool { return a != "" && b != "" && a != b }

// complete fills in what an invited record lacks, nil if that is nothing.
func (i Imported) complete(own invite.Record) *invite.Record {
	o := own.Outcome
	o.Link = cmp.Or(o.Link, i.Link)
	o.CandidateID = cmp.Or(o.CandidateID, i.CandidateID)
	o.ReportID = cmp.Or(o.ReportID, i.ReportID)
	if o == own.Outcome {
		return nil
	}
	own.Outcome = o
	return &own
}
