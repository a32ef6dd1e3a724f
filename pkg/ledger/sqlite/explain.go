package sqlite

import (
	"errors"
	"io/fs"
	"syscall"

	driver "modernc.org/sqlite"
	codes "modernc.org/sqlite/lib"

	"batchinvite/pkg/ledger"
)

// explained is an error of the driver's or the system's about which a person can do something, with its reason.
type explained struct {
	text          string
	reason, cause error
}

func (e *explained) Error() string   { return e.text }
func (e *explained) Unwrap() []error { return []error{e.reason, e.cause} }

// explain goes by the codes: the texts are the driver's to change. Whatever is not about the disk it gives back as it is.
func explain(err error) error {
	var sqliteErr *driver.Error
	if errors.As(err, &sqliteErr) {
		switch sqliteErr.Code() & 0xff { // the rest of an extended code says where it happened
		case codes.SQLITE_FULL:
			return &explained{ledger.ErrFull.Error(), ledger.ErrFull, err}
		case codes.SQLITE_READONLY:
			return &explained{ledger.ErrUnwritable.Error(), ledger.ErrUnwritable, err}
		case codes.SQLITE_CANTOPEN:
			return &explained{"the file, or one that belongs beside it, can't be opened", ledger.ErrUnwritable, err}
		}
		return err
	}
	switch {
	case errors.Is(err, syscall.ENOSPC):
		return &explained{err.Error(), ledger.ErrFull, err}
	case errors.Is(err, syscall.EROFS), errors.Is(err, fs.ErrPermission):
		return &explained{err.Error(), ledger.ErrUnwritable, err}
	}
	return err
}
