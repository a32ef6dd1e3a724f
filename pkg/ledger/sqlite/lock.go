package sqlite

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/gofrs/flock"

	"batchinvite/pkg/ledger"
)

const (
	// grace is how long a lock may be busy before it counts as held: a reader's look at it takes it for some microseconds,
	// and a new holder needs a moment to write its facts.
	grace = 200 * time.Millisecond
	// retryLock is short enough that nobody notices, and long enough to cost nothing in hours of waiting.
	retryLock = 10 * time.Millisecond
)

// lock keeps all but one process from writing (invariant 10). The system lets it go when the process dies, however it
// dies. Its file stays where it is: if it were removed, two processes could each hold one of that name.
type lock struct {
	file    *flock.Flock
	watched watched
	holder  string // the file with the holder's facts, apart because Windows lets nobody read a locked one
}

func acquire(ctx context.Context, path string, o Options) (*lock, error) {
	l := &lock{file: flock.New(path + ".lock"), holder: path + ".holder"}
	wait, cancel := context.WithTimeout(ctx, max(o.Wait, grace))
	defer cancel()
	locked, err := l.file.TryLockContext(wait, retryLock)
	switch {
	case locked:
	case ctx.Err() != nil:
		return nil, context.Cause(ctx)
	case wait.Err() != nil:
		return nil, &ledger.Held{Holder: readHolder(l.holder)}
	default:
		return nil, err
	}
	if err := l.watch(); err != nil {
		return nil, errors.Join(err, l.release())
	}
	if err := l.introduce(o.Command); err != nil {
		return nil, errors.Join(err, l.file.Unlock()) // the facts that stand there are another's, or there are none
	}
	return l, nil
}

// watch makes sure that the file which is locked is the one that others would lock: it may have been deleted between its
// opening and its locking.
func (l *lock) watch() (err error) {
	l.watched.path = l.file.Path()
	if l.watched.is, err = l.file.Stat(); err != nil {
		return err
	}
	if err := l.watched.unchanged(); err != nil {
		return fmt.Errorf("%q: %w", l.watched.path, err)
	}
	return nil
}

// introduce writes the holder's facts, whole or not at all, since others read them at any moment.
func (l *lock) introduce(command string) error {
	host, err := os.Hostname()
	if err != nil {
		return err
	}
	facts, err := json.Marshal(ledger.Holder{PID: os.Getpid(), Host: host, Command: command, Since: time.Now().UTC()})
	if err != nil {
		return err
	}
	if err := os.WriteFile(l.holder+".new", facts, 0o600); err != nil {
		return err
	}
	return os.Rename(l.holder+".new", l.holder)
}

// readHolder gives nothing where it can't: who holds the lock is a help, that it is held is what counts.
func readHolder(file string) (h ledger.Holder) {
	if facts, err := os.ReadFile(file); err == nil {
		if json.Unmarshal(facts, &h) != nil {
			return ledger.Holder{}
		}
	}
	return h
}

// release does nothing the second time: the holder's facts are another's by then, as they are if the lock was replaced.
func (l *lock) release() error {
	if !l.file.Locked() {
		return nil
	}
	var err error
	if l.watched.unchanged() == nil {
		err = os.Remove(l.holder)
	}
	if errors.Is(err, os.ErrNotExist) {
		err = nil
	}
	return errors.Join(err, l.file.Unlock())
}

// held tells whether anybody alive holds the lock, by taking a share in it for a moment. It creates no file.
func held(path string) (bool, error) {
	f := flock.New(path+".lock", flock.SetFlag(os.O_RDONLY))
	free, err := f.TryRLock()
	switch {
	case errors.Is(err, os.ErrNotExist):
		return false, nil
	case err != nil:
		return false, fmt.Errorf("look at the lock: %w", err)
	case !free:
		return true, f.Close()
	}
	return false, f.Unlock()
}
