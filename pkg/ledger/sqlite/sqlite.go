// Package sqlite keeps the ledger in one SQLite file. It is the embedded default: one machine, one run at a time.
//
// A command that writes holds the lock of the file PATH.lock from Open to Close, and the system lets it go when the
// process dies. So whoever has the lock knows that every other run is over: Open makes their claims unknown. The facts
// of the holder are in PATH.holder. A command that reads takes no lock and changes nothing: a claim that it finds is in
// flight if somebody holds the lock, and unknown if nobody does.
//
// All writes go through one connection, in transactions that the one goroutine of a ledger.Committer makes; Open starts
// it, Close ends it and waits for it. Reads have connections of their own, which can't write.
package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"time"

	"batchinvite/pkg/ledger"
)

// Mode says what a command wants of a ledger.
type Mode int

// The modes.
const (
	// Read takes no lock and changes no content. ErrNoLedger, ErrNoAccount: there is nothing to read.
	Read Mode = iota
	// Write takes the lock. ErrNoLedger, ErrNoAccount: nothing is created.
	Write
	// Create is Write, and makes the folder (0700), the file (0600) and the account where they are missing.
	Create
	// Init is Create, but ErrExists if the account is there.
	Init
)

func (m Mode) creates() bool { return m == Create || m == Init }

// Options of Open.
type Options struct {
	Mode    Mode
	Command string        // for whoever finds the ledger held, such as "run candidates.csv"
	Wait    time.Duration // how long to wait for the lock; below 200 ms it is 200 ms
	// AllowNetwork lets a ledger that is written be on a network file system.
	AllowNetwork bool
}

// Ledger is one account of an open file.
type Ledger struct {
	path    string
	account int64
	now     func() time.Time

	read   *sql.DB
	lookup *sql.Stmt // on read

	// The rest is nil in mode Read.
	lock      *lock
	writer    *writer
	committer *ledger.Committer[write]
	stop      context.CancelFunc // ends committer
	running   sync.WaitGroup     // the committer's goroutine
}

var _ ledger.Ledger = (*Ledger)(nil)

// Open opens the part of the file at path that belongs to account, such as "app.xobin.com/default". Besides the errors
// of its mode: *ledger.Held if another process keeps the lock for longer than Options.Wait, ErrNewer, ErrNetwork, ErrFull
// and ErrUnwritable. Cancelling ctx ends the wait; the ledger lives on until Close.
func Open(ctx context.Context, path, account string, o Options) (*Ledger, error) {
	l, err := open(ctx, path, account, o)
	if err != nil {
		return nil, fmt.Errorf("open ledger %q: %w", path, explain(err))
	}
	return l, nil
}

func open(ctx context.Context, path, account string, o Options) (_ *Ledger, err error) {
	l := &Ledger{now: time.Now}
	if o.Mode != Read && !o.AllowNetwork {
		if err := refuseNetwork(path, networkType); err != nil {
			return nil, err
		}
	}
	if l.path, err = locate(path, o.Mode); err != nil {
		return nil, err
	}
	if o.Mode != Read {
		if l.lock, err = acquire(ctx, l.path, o); err != nil {
			return nil, err
		}
	}
	if err := l.connect(ctx, account, o.Mode); err != nil {
		return nil, errors.Join(err, l.Close())
	}
	if l.writer != nil {
		l.committer = ledger.NewCommitter(l.writer.commit)
		running, stop := context.WithCancel(context.WithoutCancel(ctx))
		l.stop = stop
		l.running.Go(func() { l.committer.Run(running) })
	}
	return l, nil
}

// locate gives the one name of a file under which everybody must lock it, whatever links lead there. It makes folder and
// file where the mode allows: a link to nothing leads to no name yet, and an empty file is no ledger to anybody.
func locate(path string, mode Mode) (string, error) {
	if mode.creates() {
		if err := makeFolder(filepath.Dir(path)); err != nil {
			return "", err
		}
		if err := touch(path); err != nil {
			return "", err
		}
	}
	file, err := filepath.EvalSymlinks(path)
	if errors.Is(err, os.ErrNotExist) {
		return "", ledger.ErrNoLedger
	}
	if err != nil {
		return "", err
	}
	return filepath.Abs(file)
}

// makeFolder makes a folder and those above it that are missing, durably: SQLite sees to the names of its files, and a
// ledger whose folder is gone after a power cut is an empty one to the next run.
func makeFolder(dir string) error {
	if _, err := os.Stat(dir); err == nil {
		return nil
	}
	above := filepath.Dir(dir)
	if err := makeFolder(above); err != nil {
		return err
	}
	if err := os.Mkdir(dir, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	folder, err := os.Open(above)
	if err != nil {
		return err
	}
	// Windows cannot do it, and some file systems need not.
	_ = folder.Sync()
	return folder.Close()
}

// connect opens the connections, brings the layout up to date and finds the account. It looks at the file with a
// connection that can't write before it opens one that can: another program's file must not even be switched to WAL.
func (l *Ledger) connect(ctx context.Context, account string, mode Mode) (err error) {
	if l.read, err = sql.Open("sqlite", readDSN(l.path)); err != nil {
		return err
	}
	// A run looks ahead with one connection; the others are for whoever watches it.
	l.read.SetMaxOpenConns(4)
	err = checkVersion(ctx, l.read, mode)
	if cutOff(err) {
		if err = rollBack(ctx, l.path); err == nil {
			err = checkVersion(ctx, l.read, mode)
		}
	}
	if err != nil {
		return err
	}
	if mode == Read {
		if err := l.upgrade(ctx); err != nil {
			return err
		}
	} else {
		file, err := watch(l.path)
		if err != nil {
			return err
		}
		if l.writer, err = newWriter(ctx, l.path); err != nil {
			return err
		}
		if err := l.writer.prepare(ctx, account, mode, l.now()); err != nil {
			return err
		}
		if err := l.writer.watch(file, l.lock); err != nil {
			return err
		}
	}
	err = l.read.QueryRowContext(ctx, "SELECT id FROM accounts WHERE name = ?", account).Scan(&l.account)
	if errors.Is(err, sql.ErrNoRows) {
		return ledger.ErrNoAccount
	}
	if err != nil {
		return err
	}
	if l.writer != nil {
		l.writer.account = l.account
	}
	l.lookup, err = l.read.PrepareContext(ctx, lookupSQL)
	return err
}

// touch makes the file with its permissions: SQLite would go by the umask. Its side files copy them.
func touch(path string) error {
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	return file.Close()
}

// Close ends the committer, closes statements, connections and file, and lets the lock go last: nobody may hold a
// ledger that is still being written. Claims without an outcome stay claimed until the next Open finds them.
func (l *Ledger) Close() error {
	var errs []error
	if l.committer != nil {
		l.stop()
		l.running.Wait()
	}
	if l.lookup != nil {
		errs = append(errs, l.lookup.Close())
	}
	if l.read != nil {
		errs = append(errs, l.read.Close())
	}
	// The writer closes after the readers, so that it is the last connection and folds the write-ahead log into the file.
	if l.writer != nil {
		errs = append(errs, l.writer.close())
	}
	if l.lock != nil {
		errs = append(errs, l.lock.release())
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("close ledger %q: %w", l.path, err)
	}
	return nil
}
