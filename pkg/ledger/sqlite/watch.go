package sqlite

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"batchinvite/pkg/ledger"
)

// watched is a file that must stay what it was when the ledger was opened. A name that leads to another file, or to none,
// is free for another process's ledger, which knows of none of our claims.
//
// It must not be opened to be looked at: closing any descriptor of a file takes SQLite's locks on it away.
type watched struct {
	path string
	is   fs.FileInfo
}

func watch(path string) (watched, error) {
	info, err := os.Stat(path)
	return watched{path, info}, err
}

// unchanged costs some microseconds, to be spent once a transaction.
func (w watched) unchanged() error {
	now, err := os.Stat(w.path)
	switch {
	case errors.Is(err, fs.ErrNotExist), err == nil && !os.SameFile(w.is, now):
		return ledger.ErrReplaced
	case err != nil:
		return fmt.Errorf("look at %q: %w", w.path, err)
	}
	return nil
}

// watch begins to look after the ledger's file, which stood at its name before SQLite opened it, after those that SQLite
// has made beside it, and after the lock.
func (w *writer) watch(file watched, l *lock) error {
	w.watched = []watched{file}
	for _, side := range []string{"-wal", "-shm"} {
		f, err := watch(w.path + side)
		if err != nil {
			return err
		}
		w.watched = append(w.watched, f)
	}
	w.watched = append(w.watched, l.watched)
	return nil
}

// unchanged tells whether all files are still there, and names the first that is not.
func (w *writer) unchanged() error {
	for i, f := range w.watched {
		if err := f.unchanged(); err != nil && i > 0 {
			return fmt.Errorf("%q: %w", f.path, err)
		} else if err != nil {
			return err
		}
	}
	return nil
}
