package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"time"

	"batchinvite/pkg/invite"
	"batchinvite/pkg/ledger"
)

// The numbers under which words are stored are their places here. See the migrations.
var (
	formats = []invite.Format{"", invite.GetLink, invite.SendLink}
	states  = []invite.State{"", invite.Claimed, invite.Unknown, invite.Invited, invite.Rejected, invite.NotSent, invite.Revoked}
)

func formatNumber(f invite.Format) (int, error) {
	n := slices.Index(formats, f)
	if n < 1 {
		return 0, fmt.Errorf("%q is not a format of the ledger", f)
	}
	return n, nil
}

// millis and fromMillis keep the zero time zero.
func millis(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

func fromMillis(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
}

// do has one write committed that begins something or stands for itself.
func (l *Ledger) do(ctx context.Context, w write) error {
	if l.committer == nil {
		return fmt.Errorf("write to ledger %q: %w", l.path, ledger.ErrReadOnly)
	}
	return l.committer.Do(ctx, w)
}

// settle has a write committed that says how something ended; on a full disk it may be made several times.
func (l *Ledger) settle(ctx context.Context, w write) error {
	if l.committer == nil {
		return fmt.Errorf("write to ledger %q: %w", l.path, ledger.ErrReadOnly)
	}
	return l.committer.Settle(context.WithoutCancel(ctx), w)
}

// Claim implements ledger.Ledger.
func (l *Ledger) Claim(ctx context.Context, run int64, c invite.Candidate, expires string, p invite.Policy) (invite.Claim, error) {
	format, err := formatNumber(c.Format)
	if err != nil {
		return invite.Claim{}, err
	}
	claim := invite.Claim{Key: c.Key, Format: c.Format, Run: run}
	refused := false
	err = l.do(ctx, func(w *writer) error {
		campaign, err := w.campaign(c.Key.Campaign)
		if err != nil {
			return err
		}
		claim.At = l.now().UTC().Truncate(time.Millisecond)
		var prior int
		err = w.claim.QueryRowContext(background, w.account, c.Key.Assessment, c.Key.Email, campaign, format,
			c.Name, c.Email, []byte(c.Fingerprint()), run, millis(claim.At), c.Origin.File, c.Origin.Line,
			p.RetryRejected, p.EmailLinked, p.ReinviteRevoked, expires, w.digest.orNull(c.Key.Email)).
			Scan(&claim.Fence, &claim.Attempts, &prior)
		if errors.Is(err, sql.ErrNoRows) {
			refused = true
			return nil
		}
		claim.Prior = states[prior]
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

// outcomes are the states that Record may give.
var outcomes = []invite.State{invite.Invited, invite.Rejected, invite.NotSent, invite.Unknown}

// Record implements ledger.Ledger.
func (l *Ledger) Record(ctx context.Context, c invite.Claim, o invite.Outcome) (attempts int, err error) {
	format, err := formatNumber(c.Format)
	if err != nil {
		return 0, err
	}
	if !slices.Contains(outcomes, o.State) {
		return 0, fmt.Errorf("%q is not an outcome", o.State)
	}
	if o.At.IsZero() {
		o.At = l.now()
	}
	stale := false
	err = l.settle(ctx, func(w *writer) error {
		stale = false
		campaign, err := w.campaign(c.Key.Campaign)
		if err != nil {
			return err
		}
		var prior int
		err = w.record.QueryRowContext(background, w.account, c.Key.Assessment, c.Key.Email, campaign, format, c.Run, c.Fence,
			slices.Index(states, o.State), o.Link, o.CandidateID, o.ReportID, o.APIStatus, o.Error, o.Expires, millis(o.At),
			o.NotLeft, o.Already).Scan(&attempts, &prior)
		if errors.Is(err, sql.ErrNoRows) {
			stale = true
			return nil
		}
		// The late answer of an unknown leaves the usage where the giving up put it, and so does who takes back a rejection.
		if states[prior] == invite.Claimed {
			w.moveUsage(c, o)
		}
		return err
	})
	if err == nil && stale {
		err = ledger.ErrStale
	}
	return attempts, err
}

// moveUsage lets a request count at the second of its answer instead of its claim's, or no longer at all.
func (w *writer) moveUsage(c invite.Claim, o invite.Outcome) {
	w.calls[c.At.Unix()]--
	if !o.NotLeft {
		w.calls[o.At.Unix()]++
	}
}
