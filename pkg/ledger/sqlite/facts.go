package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"batchinvite/pkg/invite"
	"batchinvite/pkg/ledger"
)

// Facts implements ledger.Ledger.
func (l *Ledger) Facts(ctx context.Context) (ledger.Facts, error) {
	f := ledger.Facts{States: map[invite.State]int{}}
	err := l.snapshot(ctx, func(tx *sql.Tx, dead bool) error {
		var created int64
		if err := tx.QueryRowContext(ctx, "SELECT created FROM accounts WHERE id = ?", l.account).Scan(&created); err != nil {
			return err
		}
		f.Since = fromMillis(created)
		if err := tx.QueryRowContext(ctx, `SELECT coalesce((SELECT host FROM runs ORDER BY id DESC LIMIT 1), '')`).Scan(&f.LastHost); err != nil {
			return err
		}
		rows, err := tx.QueryContext(ctx, `SELECT c.name, s.state, s.n FROM
			(SELECT campaign, state, count(*) AS n FROM records WHERE account = ? GROUP BY campaign, state) s
			JOIN campaigns c ON c.id = s.campaign ORDER BY c.name`, l.account)
		if err != nil {
			return err
		}
		return errors.Join(sumUp(rows, dead, &f), rows.Close())
	})
	if err != nil {
		return ledger.Facts{}, fmt.Errorf("sum up ledger %q: %w", l.path, err)
	}
	return f, nil
}

func sumUp(rows *sql.Rows, dead bool, f *ledger.Facts) error {
	for rows.Next() {
		var campaign string
		var state, n int
		if err := rows.Scan(&campaign, &state, &n); err != nil {
			return err
		}
		s := states[state]
		if dead && s == invite.Claimed {
			s = invite.Unknown
		}
		f.States[s] += n
		if last := len(f.Campaigns) - 1; last < 0 || f.Campaigns[last].Name != campaign {
			f.Campaigns = append(f.Campaigns, ledger.Campaign{Name: campaign, States: map[invite.State]int{}})
		}
		f.Campaigns[len(f.Campaigns)-1].States[s] += n
	}
	return rows.Err()
}

// Used implements ledger.Ledger.
func (l *Ledger) Used(ctx context.Context, assessment int64) (used bool, err error) {
	err = l.read.QueryRowContext(ctx, "SELECT EXISTS (SELECT 1 FROM records WHERE account = ? AND assessment = ?)",
		l.account, assessment).Scan(&used)
	if err != nil {
		return false, fmt.Errorf("look for assessment %d in ledger %q: %w", assessment, l.path, err)
	}
	return used, nil
}

// Usage implements ledger.Ledger.
func (l *Ledger) Usage(ctx context.Context, since time.Time) (usage []ledger.Usage, err error) {
	rows, err := l.read.QueryContext(ctx, "SELECT second, calls FROM usage WHERE account = ? AND second >= ? AND calls > 0 ORDER BY second",
		l.account, since.Unix())
	if err != nil {
		return nil, fmt.Errorf("count the calls in ledger %q: %w", l.path, err)
	}
	for rows.Next() {
		var second int64
		var u ledger.Usage
		if err = rows.Scan(&second, &u.Calls); err != nil {
			break
		}
		u.Second = time.Unix(second, 0).UTC()
		usage = append(usage, u)
	}
	if err := errors.Join(err, rows.Err(), rows.Close()); err != nil {
		return nil, fmt.Errorf("count the calls in ledger %q: %w", l.path, err)
	}
	return usage, nil
}

// Written implements ledger.Ledger.
func (l *Ledger) Written(ctx context.Context, path string) (hash string, err error) {
	err = l.read.QueryRowContext(ctx, "SELECT hash FROM written WHERE account = ? AND path = ?", l.account, path).Scan(&hash)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return "", fmt.Errorf("look for %q in ledger %q: %w", path, l.path, err)
	}
	return hash, nil
}
