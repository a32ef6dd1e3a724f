package sqlite

import (
	"context"
	"database/sql"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"

	"batchinvite/pkg/invite"
	"batchinvite/pkg/ledger"
)

var (
	//go:embed records.sql
	recordsSQL string
	//go:embed runs.sql
	runsSQL string
)

// Records implements ledger.Ledger.
func (l *Ledger) Records(ctx context.Context, f ledger.Filter, yield func(invite.Record) error) error {
	var ended error // by yield, whose errors are no business of the ledger
	err := l.snapshot(ctx, func(tx *sql.Tx, dead bool) (err error) {
		rows, err := l.chosen(tx, f, dead)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, rows.Close()) }()
		for ended == nil && rows.Next() {
			if ctx.Err() != nil {
				return context.Cause(ctx)
			}
			r, err := scanRecord(rows, dead)
			if err != nil {
				return err
			}
			ended = yield(r)
		}
		return rows.Err()
	})
	if err != nil {
		return fmt.Errorf("read the records of ledger %q: %w", l.path, err)
	}
	return ended
}

func (l *Ledger) chosen(tx *sql.Tx, f ledger.Filter, dead bool) (*sql.Rows, error) {
	d, err := readDigester(tx)
	if err != nil {
		return nil, err
	}
	from, to := int64(math.MinInt64), int64(math.MaxInt64)
	if f.Assessment != 0 {
		from, to = f.Assessment, f.Assessment
	}
	return tx.QueryContext(background, recordsSQL, l.account, from, to, f.Run, f.Campaign, f.Email, d.orNull(f.Email),
		stateBits(f.States, dead))
}

// stateBits is the set of stored states that show as one of those asked for: after a death claimed shows as unknown.
func stateBits(asked []invite.State, dead bool) (bits int) {
	for number, state := range states {
		if dead && state == invite.Claimed {
			state = invite.Unknown
		}
		if len(asked) == 0 || slices.Contains(asked, state) {
			bits |= 1 << number
		}
	}
	return bits
}

// Runs implements ledger.Ledger.
func (l *Ledger) Runs(ctx context.Context, limit int) (runs []ledger.RunRecord, err error) {
	if limit == 0 {
		limit = -1 // SQLite's word for all
	}
	err = l.snapshot(ctx, func(tx *sql.Tx, dead bool) error {
		rows, err := tx.QueryContext(ctx, runsSQL, l.account, limit, dead)
		if err != nil {
			return err
		}
		runs, err = scanRuns(rows)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("list the runs of ledger %q: %w", l.path, err)
	}
	return runs, nil
}

// scanRuns reads and closes rows of runs.sql.
func scanRuns(rows *sql.Rows) (runs []ledger.RunRecord, err error) {
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var r ledger.RunRecord
		var started, ended int64
		var files, closed, counts []byte
		if err := rows.Scan(&r.ID, &r.Command, &r.Who, &r.Campaign, &started, &ended, &r.Alive, &r.Host, &r.PID, &files,
			(*[]byte)(&r.Settings), &r.Reason, &r.Cause, &closed, &counts); err != nil {
			return nil, err
		}
		r.Started, r.Ended = fromMillis(started), fromMillis(ended)
		if err := errors.Join(json.Unmarshal(files, &r.Files), json.Unmarshal(closed, &r.Closed), json.Unmarshal(counts, &r.Counts)); err != nil {
			return nil, fmt.Errorf("run %d: %w", r.ID, err)
		}
		runs = append(runs, r)
	}
	return runs, rows.Err()
}
