package sqlite

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"path/filepath"
	"strings"

	driver "modernc.org/sqlite"
	codes "modernc.org/sqlite/lib"

	"batchinvite/pkg/ledger"
)

// Migrations are named NNN_WORD.sql without gaps; PRAGMA user_version is the number of the last one applied. One that
// has been released is never edited.
//
//go:embed migrations/*.sql
var migrations embed.FS

// applicationID tells our files from other programs' ("binv").
const applicationID = 0x62696e76

// writeDSN: the settings must be in it, since a PRAGMA statement reaches one pooled connection only.
//   - immediate: a transaction that becomes a writer half-way can fail in the middle
//   - busy_timeout: for somebody's sqlite3 shell; our own writers are kept apart by the lock
//   - WAL and FULL: a commit is one fsync, and is on the disk when it returns (invariant 2). NORMAL would lose the last
//     ones in a power cut
func writeDSN(path string) string {
	return dsn(path, "mode=rwc", "_txlock=immediate", "_pragma=busy_timeout(10000)", "_pragma=journal_mode(WAL)",
		"_pragma=synchronous(FULL)")
}

// readDSN: mode=ro besides query_only, because the last connection of any other kind folds the write-ahead log of a dead
// run into the file when it closes.
func readDSN(path string) string {
	return dsn(path, "mode=ro", "_pragma=busy_timeout(10000)", "_pragma=query_only(1)")
}

func dsn(path string, settings ...string) string {
	slashed := filepath.ToSlash(path)
	if !strings.HasPrefix(slashed, "/") { // C:/...
		slashed = "/" + slashed
	}
	return "file://" + (&url.URL{Path: slashed}).EscapedPath() + "?" + strings.Join(settings, "&")
}

// queryer is what *sql.DB and *sql.Conn have in common.
type queryer interface {
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

// checkDurable reads the settings back: on a file system without shared memory SQLite goes on without WAL and says
// nothing.
func checkDurable(ctx context.Context, q queryer) error {
	var journal string
	var sync int
	if err := q.QueryRowContext(ctx, "PRAGMA journal_mode").Scan(&journal); err != nil {
		return err
	}
	if err := q.QueryRowContext(ctx, "PRAGMA synchronous").Scan(&sync); err != nil {
		return err
	}
	if journal != "wal" || sync != 2 {
		return fmt.Errorf("journal mode is %s and synchronous %d, want wal and 2: the file system cannot keep a ledger", journal, sync)
	}
	return nil
}

// version gives 0 for an empty file.
func version(ctx context.Context, q queryer) (v int, err error) {
	var app, tables int
	err = q.QueryRowContext(ctx, `SELECT user_version, application_id, (SELECT count(*) FROM sqlite_schema)
		FROM pragma_user_version, pragma_application_id`).Scan(&v, &app, &tables)
	switch {
	case err != nil:
		return 0, err
	case app != applicationID && (tables > 0 || v != 0):
		return 0, errors.New("is a database of another program")
	}
	return v, nil
}

// cutOff tells the error of a reader that finds the very first transaction, which switches a new file to WAL, cut off by
// a kill or a power cut: its journal is still there, and only a writer may roll it back. Nothing was ever in such a file.
func cutOff(err error) bool {
	var e *driver.Error
	return errors.As(err, &e) && e.Code() == codes.SQLITE_READONLY_ROLLBACK
}

// rollBack undoes a transaction that was cut off, as every writer's first look at a file does.
func rollBack(ctx context.Context, path string) error {
	db, err := sql.Open("sqlite", dsn(path, "mode=rw", "_pragma=busy_timeout(10000)"))
	if err != nil {
		return err
	}
	_, err = version(ctx, db)
	return errors.Join(err, db.Close())
}

// checkVersion refuses what mode can't work with.
func checkVersion(ctx context.Context, q queryer, mode Mode) error {
	files, err := fs.Glob(migrations, "migrations/*.sql")
	if err != nil {
		return err
	}
	switch v, err := version(ctx, q); {
	case cutOff(err) && !mode.creates():
		return ledger.ErrNoLedger
	case err != nil:
		return err
	case v > len(files):
		return ledger.ErrNewer
	case v == 0 && !mode.creates():
		return ledger.ErrNoLedger
	}
	return nil
}

// migrate brings the layout up to date, each step in a transaction of its own together with its number.
func migrate(ctx context.Context, conn *sql.Conn) error {
	v, err := version(ctx, conn)
	if err != nil {
		return err
	}
	files, err := fs.Glob(migrations, "migrations/*.sql")
	if err != nil {
		return err
	}
	for i, file := range files[v:] {
		if err := step(ctx, conn, file, v+i+1); err != nil {
			return fmt.Errorf("apply %s: %w", file, err)
		}
	}
	return nil
}

func step(ctx context.Context, conn *sql.Conn, file string, number int) error {
	script, err := migrations.ReadFile(file)
	if err != nil {
		return err
	}
	tx, err := conn.BeginTx(context.WithoutCancel(ctx), nil)
	if err != nil {
		return err
	}
	numbered := fmt.Sprintf("%s; PRAGMA user_version = %d; PRAGMA application_id = %d", script, number, applicationID)
	if _, err := tx.ExecContext(background, numbered); err != nil {
		return errors.Join(err, tx.Rollback())
	}
	return tx.Commit()
}
