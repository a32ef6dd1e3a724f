package sqlite

import (
	"context"
	"errors"
	"io/fs"
)

// upgrade brings the layout of an older version up to date for a reader, whose statements need it. This alone takes the
// lock: an older program may be at work, and *ledger.Held names it. No content is changed.
func (l *Ledger) upgrade(ctx context.Context) error {
	files, err := fs.Glob(migrations, "migrations/*.sql")
	if err != nil {
		return err
	}
	if v, err := version(ctx, l.read); err != nil || v == len(files) {
		return err
	}
	lock, err := acquire(ctx, l.path, Options{Command: "upgrade of the ledger"})
	if err != nil {
		return err
	}
	w, err := newWriter(ctx, l.path)
	if err != nil {
		return errors.Join(err, lock.release())
	}
	err = checkDurable(ctx, w.conn)
	if err == nil {
		err = migrate(ctx, w.conn)
	}
	return errors.Join(err, w.close(), lock.release())
}
