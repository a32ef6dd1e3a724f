package sqlite

import (
	"context"
	"database/sql"
	_ "embed"
	"errors"
	"fmt"
	"time"

	"batchinvite/pkg/ledger"
)

var (
	//go:embed claim.sql
	claimSQL string
	//go:embed record.sql
	recordSQL string
	//go:embed orphan_usage.sql
	orphanUsageSQL string
	//go:embed orphan.sql
	orphanSQL string
)

const usageSQL = `INSERT INTO usage (account, second, calls) VALUES (?, ?, ?)
	ON CONFLICT DO UPDATE SET calls = calls + excluded.calls`

// write is one caller's part of a transaction. An error of it spoils the whole transaction and all later ones: a mere
// refusal is kept by the write itself.
type write func(w *writer) error

// writer is the one connection that writes. After Open it belongs to the committer's goroutine.
type writer struct {
	path    string
	db      *sql.DB
	conn    *sql.Conn // db's only one
	account int64

	// Single statements prepared once are half again as fast as statements over arrays.
	claim, record, usage *sql.Stmt

	watched   []watched // empty until Open is done
	digest    digester  // nil until the first purge
	campaigns map[string]int64
	calls     map[int64]int // what the batch adds to the usage of each second
}

// background is the context of all writes: if a transaction's context is done, database/sql rolls it back, even one that
// waits for its fsync.
var background = context.Background()

func newWriter(ctx context.Context, path string) (_ *writer, err error) {
	w := &writer{path: path, campaigns: map[string]int64{}, calls: map[int64]int{}}
	if w.db, err = sql.Open("sqlite", writeDSN(path)); err != nil {
		return nil, err
	}
	w.db.SetMaxOpenConns(1)
	if w.conn, err = w.db.Conn(ctx); err != nil {
		return nil, errors.Join(err, w.db.Close())
	}
	return w, nil
}

// prepare makes the file ready for the writes of an account. The caller has the lock, so every run that is not over by
// its own word is dead.
func (w *writer) prepare(ctx context.Context, account string, mode Mode, now time.Time) (err error) {
	if err := checkDurable(ctx, w.conn); err != nil {
		return err
	}
	if err := migrate(ctx, w.conn); err != nil {
		return err
	}
	if mode.creates() {
		if err := w.addAccount(ctx, account, mode, now); err != nil {
			return err
		}
	}
	if err := w.settleDead(ctx, now); err != nil {
		return err
	}
	if w.digest, err = readDigester(w.conn); err != nil {
		return err
	}
	if w.claim, err = w.conn.PrepareContext(ctx, claimSQL); err != nil {
		return err
	}
	if w.record, err = w.conn.PrepareContext(ctx, recordSQL); err != nil {
		return err
	}
	w.usage, err = w.conn.PrepareContext(ctx, usageSQL)
	return err
}

// settleDead: the caller is the only one alive, so whatever has no end is dead.
func (w *writer) settleDead(ctx context.Context, now time.Time) error {
	if err := w.orphan(ctx, 0, now); err != nil {
		return err
	}
	_, err := w.conn.ExecContext(ctx, "UPDATE runs SET died = 1 WHERE ended = 0 AND died = 0")
	return err
}

// orphan makes unknown what a run has left open, or every run if it is 0.
func (w *writer) orphan(ctx context.Context, run int64, now time.Time) error {
	if _, err := w.conn.ExecContext(ctx, orphanUsageSQL, run, now.Unix()); err != nil {
		return err
	}
	if _, err := w.conn.ExecContext(ctx, orphanSQL, run, ledger.DeadRun); err != nil {
		return err
	}
	_, err := w.conn.ExecContext(ctx, orphanRevocationsSQL, run, ledger.DeadRun)
	return err
}

func (w *writer) addAccount(ctx context.Context, name string, mode Mode, now time.Time) error {
	added, err := w.conn.ExecContext(ctx, "INSERT INTO accounts (name, created) VALUES (?, ?) ON CONFLICT DO NOTHING",
		name, now.UnixMilli())
	if err != nil {
		return err
	}
	n, err := added.RowsAffected()
	if err == nil && n == 0 && mode == Init {
		return ledger.ErrExists
	}
	return err
}

// commit makes one transaction of a batch. ErrFull: it is rolled back for certain, since a full disk shows before the
// first fsync.
func (w *writer) commit(batch []write) error {
	if err := w.transact(batch); err != nil {
		// What a transaction that failed has left here is not true.
		clear(w.campaigns)
		clear(w.calls)
		return fmt.Errorf("write to ledger %q: %w", w.path, explain(err))
	}
	return nil
}

func (w *writer) transact(batch []write) error {
	tx, err := w.conn.BeginTx(background, nil)
	if err != nil {
		return err
	}
	err = w.apply(batch)
	if err == nil {
		err = w.unchanged()
	}
	if err != nil {
		// It fails where SQLite has rolled back by itself. If nobody had, the next BEGIN would fail.
		_ = tx.Rollback()
		return err
	}
	return tx.Commit()
}

func (w *writer) apply(batch []write) error {
	for _, write := range batch {
		if err := write(w); err != nil {
			return err
		}
	}
	for second, calls := range w.calls {
		if calls == 0 {
			continue
		}
		if _, err := w.usage.ExecContext(background, w.account, second, calls); err != nil {
			return err
		}
	}
	clear(w.calls)
	return nil
}

// campaign gives the number of a campaign, and a number to a new one.
func (w *writer) campaign(name string) (id int64, err error) {
	if id, ok := w.campaigns[name]; ok {
		return id, nil
	}
	err = w.conn.QueryRowContext(background, `INSERT INTO campaigns (name) VALUES (?)
		ON CONFLICT (name) DO UPDATE SET name = excluded.name RETURNING id`, name).Scan(&id)
	w.campaigns[name] = id
	return id, err
}

func (w *writer) close() error {
	var errs []error
	for _, s := range []*sql.Stmt{w.claim, w.record, w.usage} {
		if s != nil {
			errs = append(errs, s.Close())
		}
	}
	return errors.Join(append(errs, w.conn.Close(), w.db.Close())...)
}
