package sqlite

import (
	"context"
	"database/sql"
	_ "embed"
	"errors"
	"fmt"
	"slices"
	"time"

	"batchinvite/pkg/invite"
	"batchinvite/pkg/ledger"
)

var (
	//go:embed revoke_claim.sql
	revokeClaimSQL string
	//go:embed revoke_record.sql
	revokeRecordSQL string
	//go:embed orphan_revocations.sql
	orphanRevocationsSQL string
)

// ClaimRevoke implements ledger.Ledger.
func (l *Ledger) ClaimRevoke(ctx context.Context, run int64, key invite.Key, f invite.Format) (invite.Claim, error) {
	format, err := formatNumber(f)
	if err != nil {
		return invite.Claim{}, err
	}
	claim := invite.Claim{Key: key, Format: f, Run: run, Prior: invite.Invited}
	refused := false
	err = l.do(ctx, func(w *writer) error {
		claim.At = l.now().UTC().Truncate(time.Millisecond)
		err := w.conn.QueryRowContext(background, revokeClaimSQL, w.account, key.Assessment, key.Email, key.Campaign, format,
			run, millis(claim.At)).Scan(&claim.Fence)
		if errors.Is(err, sql.ErrNoRows) {
			refused = true
			return nil
		}
		w.calls[claim.At.Unix()]++
		return err
	})
	if err == nil && refused {
		err = ledger.ErrRefused
	}
	if err != nil {
		return invite.Claim{}, err
	}
	return claim, nil
}

// revocations are the states that RecordRevoke may give.
var revocations = []invite.State{invite.Revoked, invite.Rejected, invite.NotSent, invite.Unknown}

// RecordRevoke implements ledger.Ledger.
func (l *Ledger) RecordRevoke(ctx context.Context, c invite.Claim, o invite.Outcome) error {
	format, err := formatNumber(c.Format)
	if err != nil {
		return err
	}
	if !slices.Contains(revocations, o.State) {
		return fmt.Errorf("%q is not an outcome of revoking", o.State)
	}
	if o.At.IsZero() {
		o.At = l.now()
	}
	stale := false
	err = l.settle(ctx, func(w *writer) error {
		stale = false // a full disk makes it run again
		var prior int
		err := w.conn.QueryRowContext(background, revokeRecordSQL, w.account, c.Key.Assessment, c.Key.Email, c.Key.Campaign, format,
			c.Run, c.Fence, slices.Index(states, o.State), o.Error, millis(o.At)).Scan(&prior)
		if errors.Is(err, sql.ErrNoRows) {
			stale = true
			return nil
		}
		if err != nil {
			return err
		}
		if states[prior] == invite.Claimed {
			w.moveUsage(c, o)
		}
		if o.State != invite.Revoked {
			return nil
		}
		return w.revoke(c, o, l.now())
	})
	if err == nil && stale {
		err = ledger.ErrStale
	}
	return err
}

// revoke is how invited changes: by a command, and into the audit (invariant 4). Its link stays, to tell which one is dead.
func (w *writer) revoke(c invite.Claim, o invite.Outcome, now time.Time) error {
	campaign, err := w.campaign(c.Key.Campaign)
	if err != nil {
		return err
	}
	format := slices.Index(formats, c.Format)
	if _, err := w.conn.ExecContext(background, `UPDATE records SET state = 6, prior = state, api_status = ?, error = ?, at = ?
		WHERE account = ? AND assessment = ? AND email = ? AND campaign = ? AND format = ? AND state = 3`, o.APIStatus, o.Error,
		millis(o.At), w.account, c.Key.Assessment, c.Key.Email, campaign, format); err != nil {
		return err
	}
	var who string
	err = w.conn.QueryRowContext(background, "SELECT coalesce(max(who), '') FROM runs WHERE id = ?", c.Run).Scan(&who)
	if err != nil {
		return err
	}
	return w.audit(entry{now: now.UnixMilli(), action: "revoke", who: who, why: fmt.Sprintf("run %d", c.Run), key: c.Key,
		format: c.Format, state: invite.Revoked})
}
