package sqlite

import (
	"context"
	"database/sql"
	_ "embed"
	"errors"
	"fmt"
	"slices"

	"batchinvite/pkg/invite"
	"batchinvite/pkg/ledger"
)

var (
	//go:embed lookup.sql
	lookupSQL string
	//go:embed open.sql
	openSQL string
)

// Lookup implements ledger.Ledger. All keys are read from one state of the file.
func (l *Ledger) Lookup(ctx context.Context, keys []invite.Key) ([]invite.History, error) {
	histories := make([]invite.History, len(keys))
	err := l.snapshot(ctx, func(tx *sql.Tx, dead bool) error {
		lookup := tx.StmtContext(background, l.lookup)
		d, err := readDigester(tx)
		if err != nil {
			return err
		}
		for i, key := range keys {
			if ctx.Err() != nil {
				return context.Cause(ctx)
			}
			if histories[i], err = history(lookup, l.account, key, d, dead); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("look up in ledger %q: %w", l.path, err)
	}
	return histories, nil
}

// history reads all records of a person, with the statement lookup.sql. Those that were purged stand under a digest, which
// is looked for only if there can be any.
func history(lookup *sql.Stmt, account int64, key invite.Key, d digester, dead bool) (invite.History, error) {
	records, err := recordsOf(lookup, account, key.Assessment, key.Email, dead)
	if err != nil || d == nil {
		return historyOf(key, records), err
	}
	purged, err := recordsOf(lookup, account, key.Assessment, d.of(key.Email), dead)
	for i := range purged {
		purged[i].Key.Email = key.Email
	}
	return historyOf(key, append(records, purged...)), err
}

func recordsOf(lookup *sql.Stmt, account, assessment int64, email string, dead bool) ([]invite.Record, error) {
	rows, err := lookup.QueryContext(background, account, assessment, email)
	if err != nil {
		return nil, err
	}
	return scanAll(rows, dead)
}

// historyOf sorts all records of a person by whether they are of the key's campaign.
func historyOf(key invite.Key, records []invite.Record) (h invite.History) {
	for _, r := range records {
		switch {
		case r.Key.Campaign == key.Campaign:
			h.Records = append(h.Records, r)
		case slices.Contains([]invite.State{invite.Claimed, invite.Unknown, invite.Invited}, r.Outcome.State):
			h.Elsewhere = append(h.Elsewhere, r.Key.Campaign)
		}
	}
	slices.Sort(h.Elsewhere)
	h.Elsewhere = slices.Compact(h.Elsewhere)
	return h
}

// Open implements ledger.Ledger.
func (l *Ledger) Open(ctx context.Context) (records []invite.Record, err error) {
	err = l.snapshot(ctx, func(tx *sql.Tx, dead bool) error {
		rows, err := tx.QueryContext(ctx, openSQL, l.account)
		if err != nil {
			return err
		}
		records, err = scanAll(rows, dead)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("list the open records of ledger %q: %w", l.path, err)
	}
	return records, nil
}

// snapshot lets f read one state of the file. dead says that no run was alive just before, so that whatever is claimed
// belongs to a dead one. It is asked before and not afterwards: a run that ends in between would leave its claims, which
// it has settled, looking dead.
func (l *Ledger) snapshot(ctx context.Context, f func(tx *sql.Tx, dead bool) error) error {
	dead := false
	if l.lock == nil {
		alive, err := held(l.path)
		if err != nil {
			return err
		}
		dead = !alive
	}
	// A cancellable context costs the driver a goroutine for every statement: f looks at ctx by itself.
	tx, err := l.read.BeginTx(context.WithoutCancel(ctx), nil)
	if err != nil {
		return err
	}
	return errors.Join(f(tx, dead), tx.Rollback())
}

// scanAll reads and closes rows of lookup.sql or open.sql.
func scanAll(rows *sql.Rows, dead bool) (records []invite.Record, err error) {
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		r, err := scanRecord(rows, dead)
		if err != nil {
			return nil, err
		}
		records = append(records, r)
	}
	return records, rows.Err()
}

// scanRecord reads one row of lookup.sql, open.sql or records.sql.
func scanRecord(rows *sql.Rows, dead bool) (r invite.Record, err error) {
	var format, state int
	var claimed, at int64
	o := &r.Outcome
	err = rows.Scan(&r.Key.Campaign, &r.Key.Assessment, &r.Key.Email, &format, &r.Name, &r.Email, &r.Fingerprint, &state,
		&r.Run, &claimed, &o.Attempts, &r.Origin.File, &r.Origin.Line, &o.Link, &o.CandidateID, &o.ReportID, &o.APIStatus,
		&o.Error, &o.Expires, &at, &o.Already)
	if err != nil {
		return invite.Record{}, err
	}
	r.Format, o.State, r.Purged = formats[format], states[state], isDigest(r.Key.Email)
	r.ClaimedAt, o.At = fromMillis(claimed), fromMillis(at)
	if dead && o.State == invite.Claimed {
		o.State, o.Error, o.At = invite.Unknown, ledger.DeadRun, r.ClaimedAt
	}
	return r, nil
}
