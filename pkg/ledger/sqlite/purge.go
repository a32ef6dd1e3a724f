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

// Which records a purge is about, and what becomes of each. ?1 account ?2 before, 0 for any time; ?3 e-mail, ” for any,
// and ?4 its digest as in claim.sql; ?5 forget; ?6 the key of the digests. A tombstone has nothing to lose but itself.
const (
	purgeWhere = `account = ?1 AND (?2 = 0 OR claimed_at < ?2 AND at < ?2) AND (?3 = '' OR email IN (?3, ?4))
		AND (?5 OR instr(email, '@'))`
	purgeFate = `CASE WHEN state = 1 OR state = 2 AND ?3 = '' AND NOT ?5 THEN 'kept'
		WHEN ?5 OR state IN (4, 5) THEN 'deleted' ELSE 'tombstone' END`

	countPurge  = "SELECT " + purgeFate + ", count(*) FROM records WHERE " + purgeWhere + " GROUP BY 1"
	deletePurge = "DELETE FROM records WHERE " + purgeWhere + " AND " + purgeFate + " = 'deleted'"
	buryPurge   = `UPDATE records SET email = digest(?6, email), name = '', address = '', fingerprint = x'', file = 0, line = 0,
		link = '', candidate_id = '', report_id = '', api_status = '', error = ''
		WHERE ` + purgeWhere + " AND " + purgeFate + " = 'tombstone'"
)

// What else names people whom the records no longer name. ?1 account, ?2 the key of the digests, ?3 the oldest second of
// usage that is kept.
var afterPurge = []string{
	`UPDATE audit SET why = '', link = '', email = CASE WHEN EXISTS (
			SELECT 1 FROM records r JOIN campaigns c ON c.id = r.campaign WHERE c.name = audit.campaign AND r.account = ?1
			AND r.assessment = audit.assessment AND r.email = digest(?2, audit.email) AND r.format = audit.format)
		THEN digest(?2, email) ELSE '' END
	WHERE account = ?1 AND email <> '' AND NOT EXISTS (
		SELECT 1 FROM records r JOIN campaigns c ON c.id = r.campaign WHERE c.name = audit.campaign AND r.account = ?1
		AND r.assessment = audit.assessment AND r.email = audit.email AND r.format = audit.format)`,
	`DELETE FROM revocations AS v WHERE account = ?1 AND NOT EXISTS (
		SELECT 1 FROM records r WHERE r.account = ?1 AND r.assessment = v.assessment
		AND r.email IN (v.email, digest(?2, v.email)) AND r.campaign = v.campaign AND r.format = v.format)`,
	`UPDATE revocations AS v SET email = digest(?2, email), error = '' WHERE account = ?1 AND NOT EXISTS (
		SELECT 1 FROM records r WHERE r.account = ?1 AND r.assessment = v.assessment
		AND r.email = v.email AND r.campaign = v.campaign AND r.format = v.format)`,
	"DELETE FROM usage WHERE account = ?1 AND second < ?3",
}

// Purge implements ledger.Ledger.
func (l *Ledger) Purge(ctx context.Context, p ledger.Purge) (purged ledger.Purged, err error) {
	if err := p.Validate(); err != nil {
		return ledger.Purged{}, err
	}
	err = l.do(ctx, func(w *writer) (err error) {
		purged, err = w.purge(p, l.now())
		return err
	})
	if err != nil {
		return ledger.Purged{}, err
	}
	if err := scrub(l.path); err != nil {
		return purged, fmt.Errorf("rewrite ledger %q after the purge: %w", l.path, err)
	}
	return purged, nil
}

func (w *writer) purge(p ledger.Purge, now time.Time) (ledger.Purged, error) {
	// So that nothing is left in the file even if it can't be rewritten.
	if _, err := w.conn.ExecContext(background, "PRAGMA secure_delete = ON"); err != nil {
		return ledger.Purged{}, err
	}
	args := []any{w.account, millis(p.Before), p.Email, w.digest.orNull(p.Email), p.Forget}
	purged, err := w.countPurge(args)
	if err != nil {
		return ledger.Purged{}, err
	}
	if purged.Tombstones > 0 && w.digest == nil {
		if err := w.makeDigester(); err != nil {
			return ledger.Purged{}, err
		}
	}
	args = append(args, []byte(w.digest))
	for _, statement := range []string{deletePurge, buryPurge} {
		if _, err := w.conn.ExecContext(background, statement, args...); err != nil {
			return ledger.Purged{}, err
		}
	}
	for _, statement := range afterPurge {
		if _, err := w.conn.ExecContext(background, statement, w.account, []byte(w.digest), now.Add(-ledger.UsageKept).Unix()); err != nil {
			return ledger.Purged{}, err
		}
	}
	if purged.Tombstones+purged.Deleted == 0 {
		return purged, nil
	}
	action := "purge"
	if p.Forget {
		action = "forget"
	}
	return purged, w.audit(entry{now: now.UnixMilli(), action: action, who: p.Who, why: p.Why})
}

func (w *writer) countPurge(args []any) (purged ledger.Purged, err error) {
	rows, err := w.conn.QueryContext(background, countPurge, args...)
	if err != nil {
		return purged, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	into := map[string]*int{"kept": &purged.Kept, "deleted": &purged.Deleted, "tombstone": &purged.Tombstones}
	for rows.Next() {
		var fate string
		var n int
		if err := rows.Scan(&fate, &n); err != nil {
			return purged, err
		}
		*into[fate] = n
	}
	return purged, rows.Err()
}

// drop deletes a tombstone that has no promise left to keep.
func (w *writer) drop(key invite.Key, format invite.Format) error {
	_, err := w.conn.ExecContext(background, `DELETE FROM records WHERE account = ? AND assessment = ? AND email = ? AND format = ?
		AND campaign = (SELECT id FROM campaigns WHERE name = ?)`,
		w.account, key.Assessment, key.Email, slices.Index(formats, format), key.Campaign)
	return err
}

// scrub rewrites the file without what was deleted, and empties the log, which has all of it once more. Both need a
// connection that is in no transaction.
func scrub(path string) (err error) {
	db, err := sql.Open("sqlite", writeDSN(path))
	if err != nil {
		return err
	}
	db.SetMaxOpenConns(1)
	defer func() { err = errors.Join(err, db.Close()) }()
	_, err = db.ExecContext(background, "VACUUM") // needs room for a copy; the log must be emptied all the same
	// A status or a lookup is over by then, and a person is waiting.
	_, patience := db.ExecContext(background, "PRAGMA busy_timeout = 2000")
	err = errors.Join(err, patience)
	var busy bool
	var pages, moved int
	err = errors.Join(err, db.QueryRowContext(background, "PRAGMA wal_checkpoint(TRUNCATE)").Scan(&busy, &pages, &moved))
	if busy {
		err = errors.Join(err, errors.New("somebody is reading it, so that its log still has what was purged; purge once more"))
	}
	return err
}
