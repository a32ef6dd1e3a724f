package sqlite

import (
	"database/sql"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"batchinvite/pkg/invite"
	"batchinvite/pkg/ledger"
	"batchinvite/pkg/ledger/ledgertest"
)

func TestLedger_keepsThePromisesOfEveryLedger(t *testing.T) {
	ledgertest.Run(t, func(t *testing.T) ledgertest.Store {
		path := filepath.Join(t.TempDir(), "ledger.db")
		return ledgertest.Store{
			Open: func(t *testing.T, account string) ledger.Ledger {
				t.Helper()
				l, err := Open(t.Context(), path, account, Options{Mode: Create, Command: "test"})
				if err != nil {
					t.Fatal(err)
				}
				return l
			},
			Put:         func(t *testing.T, account string, records []invite.Record) { put(t, path, account, records) },
			Usage:       func(t *testing.T, account string) map[int64]int { return usageOf(t, path, account) },
			Audit:       func(t *testing.T, account string) []ledgertest.Audited { return auditOf(t, path, account) },
			Revocations: func(t *testing.T, account string) []ledgertest.Revocation { return revocationsOf(t, path, account) },
		}
	})
}

// shell is a connection beside the ledger's own, as somebody with the sqlite3 program has it.
func shell(t *testing.T, path string) *sql.DB {
	t.Helper()
	db, err := sql.Open("sqlite", dsn(path, "_txlock=immediate", "_pragma=busy_timeout(10000)"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

func execute(t *testing.T, db *sql.DB, query string, args ...any) {
	t.Helper()
	if _, err := db.ExecContext(t.Context(), query, args...); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
}

func put(t *testing.T, path, account string, records []invite.Record) {
	t.Helper()
	db := shell(t, path)
	defer db.Close()
	tx, err := db.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	campaign := prepare(t, tx, "INSERT INTO campaigns (name) VALUES (?) ON CONFLICT DO NOTHING")
	record := prepare(t, tx, `INSERT INTO records (account, assessment, email, campaign, format, name, address, fingerprint,
		state, prior, fence, run, claimed_at, attempts, file, line)
		SELECT a.id, ?, ?, c.id, ?, ?, nullif(?, ?), ?, ?, 0, 1, ?, ?, ?, ?, ?
		FROM accounts a, campaigns c WHERE a.name = ? AND c.name = ?`)
	for _, r := range records {
		if _, err := campaign.Exec(r.Key.Campaign); err != nil {
			t.Fatal(err)
		}
		if _, err := record.Exec(
			r.Key.Assessment, r.Key.Email, slices.Index(formats, r.Format), r.Name, r.Email, r.Key.Email, []byte(r.Fingerprint),
			slices.Index(states, r.Outcome.State), r.Run, millis(r.ClaimedAt), r.Outcome.Attempts, r.Origin.File, r.Origin.Line,
			account, r.Key.Campaign); err != nil {
			t.Fatal(err)
		}
	}
	if err := tx.Commit(); err != nil {
		t.Fatal(err)
	}
}

func prepare(t *testing.T, tx *sql.Tx, query string) *sql.Stmt {
	t.Helper()
	s, err := tx.Prepare(query) // closed with tx
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// query gives each row of a query to scan.
func query(t *testing.T, path, text string, account string, scan func(rows *sql.Rows) error) {
	t.Helper()
	db := shell(t, path)
	defer db.Close()
	rows, err := db.QueryContext(t.Context(), text, account)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		if err := scan(rows); err != nil {
			t.Fatal(err)
		}
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
}

func usageOf(t *testing.T, path, account string) map[int64]int {
	t.Helper()
	usage := map[int64]int{}
	query(t, path, `SELECT second, calls FROM usage JOIN accounts a ON a.id = account WHERE a.name = ? AND calls <> 0`, account,
		func(rows *sql.Rows) error {
			var second int64
			var calls int
			err := rows.Scan(&second, &calls)
			usage[second] = calls
			return err
		})
	return usage
}

func auditOf(t *testing.T, path, account string) (entries []ledgertest.Audited) {
	t.Helper()
	query(t, path, `SELECT action, at, who, why, campaign, assessment, email, format, state, link FROM audit
		JOIN accounts a ON a.id = account WHERE a.name = ? ORDER BY audit.id`, account,
		func(rows *sql.Rows) error {
			var e ledgertest.Audited
			var at int64
			var format, state int
			r := &e.Resolution
			err := rows.Scan(&e.Action, &at, &r.Who, &r.Why, &r.Key.Campaign, &r.Key.Assessment, &r.Key.Email, &format, &state, &r.Link)
			e.At, r.Format, r.State = time.UnixMilli(at), formats[format], states[state]
			entries = append(entries, e)
			return err
		})
	return entries
}

func revocationsOf(t *testing.T, path, account string) (marks []ledgertest.Revocation) {
	t.Helper()
	query(t, path, `SELECT c.name, v.assessment, v.email, v.format, v.run, v.fence, v.state, v.error FROM revocations v
		JOIN campaigns c ON c.id = v.campaign JOIN accounts a ON a.id = v.account WHERE a.name = ?`, account,
		func(rows *sql.Rows) error {
			var v ledgertest.Revocation
			var format, state int
			err := rows.Scan(&v.Key.Campaign, &v.Key.Assessment, &v.Key.Email, &format, &v.Run, &v.Fence, &state, &v.Error)
			v.Format, v.State = formats[format], states[state]
			marks = append(marks, v)
			return err
		})
	return marks
}
