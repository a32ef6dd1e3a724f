package sqlite

import (
	"cmp"
	"context"
	"database/sql"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"

	"batchinvite/pkg/invite"
	"batchinvite/pkg/ledger"
)

//go:embed resolve.sql
var resolveSQL string

// Start implements ledger.Ledger. The claims of dead runs are unknown since Open.
func (l *Ledger) Start(ctx context.Context, r ledger.Run) (id int64, err error) {
	host, err := os.Hostname()
	if err != nil {
		return 0, err
	}
	files, err := json.Marshal(r.Files)
	if err != nil {
		return 0, err
	}
	err = l.do(ctx, func(w *writer) error {
		return w.conn.QueryRowContext(background, `INSERT INTO runs
			(account, command, who, campaign, started, host, pid, files, settings) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING id`,
			w.account, cmp.Or(r.Command, "run"), r.Who, r.Campaign, l.now().UnixMilli(), host, os.Getpid(), string(files),
			string(r.Settings)).Scan(&id)
	})
	return id, err
}

// Finish implements ledger.Ledger.
func (l *Ledger) Finish(ctx context.Context, run int64, e ledger.End) error {
	counts, err := json.Marshal(e.Counts)
	if err != nil {
		return err
	}
	closed, err := json.Marshal(e.Closed)
	if err != nil {
		return err
	}
	found := false
	err = l.settle(ctx, func(w *writer) (err error) {
		found, err = w.changed("UPDATE runs SET ended = ?, reason = ?, cause = ?, closed = ?, counts = ? WHERE id = ? AND account = ?",
			l.now().UnixMilli(), e.Reason, e.Cause, string(closed), string(counts), run, w.account)
		if err != nil || !found {
			return err
		}
		return w.orphan(background, run, l.now())
	})
	if err == nil && !found {
		return fmt.Errorf("finish run %d: ledger %q has no such run", run, l.path)
	}
	return err
}

// Wrote implements ledger.Ledger.
func (l *Ledger) Wrote(ctx context.Context, run int64, path, hash string) error {
	return l.settle(ctx, func(w *writer) error {
		_, err := w.conn.ExecContext(background, `INSERT INTO written (account, path, hash, run) VALUES (?, ?, ?, ?)
			ON CONFLICT DO UPDATE SET hash = excluded.hash, run = excluded.run`, w.account, path, hash, run)
		return err
	})
}

// Resolve implements ledger.Ledger.
func (l *Ledger) Resolve(ctx context.Context, r ledger.Resolution) error {
	format, err := formatNumber(r.Format)
	if err != nil {
		return err
	}
	if r.State != invite.Invited && r.State != invite.NotSent {
		return fmt.Errorf("an unknown record can't be settled as %q", r.State)
	}
	reason := ""
	if r.State == invite.NotSent {
		reason = fmt.Sprintf("settled as not sent by %s: %s", r.Who, r.Why)
	}
	refused := false
	err = l.do(ctx, func(w *writer) error {
		now := l.now().UnixMilli()
		key := r.Key
		err := w.conn.QueryRowContext(background, resolveSQL, w.account, key.Assessment, key.Email, key.Campaign, format,
			slices.Index(states, r.State), r.Link, reason, now, w.digest.orNull(key.Email)).Scan(&key.Email)
		if errors.Is(err, sql.ErrNoRows) {
			refused = true
			return nil
		}
		if err != nil {
			return err
		}
		if isDigest(key.Email) && r.State == invite.NotSent {
			if err := w.drop(key, r.Format); err != nil {
				return err
			}
		}
		return w.audit(entry{now: now, action: "resolve", who: r.Who, why: r.Why, key: key, format: r.Format, state: r.State,
			link: r.Link})
	})
	if err == nil && refused {
		return ledger.ErrRefused
	}
	return err
}

// changed runs a statement and tells whether it changed a row.
func (w *writer) changed(query string, args ...any) (bool, error) {
	result, err := w.conn.ExecContext(background, query, args...)
	if err != nil {
		return false, err
	}
	n, err := result.RowsAffected()
	return n > 0, err
}
