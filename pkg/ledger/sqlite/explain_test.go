package sqlite

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"syscall"
	"testing"

	"batchinvite/pkg/ledger"
)

func TestExplain_saysWhatAPersonCanMend(t *testing.T) {
	at := func(cause error) error { return &fs.PathError{Op: "open", Path: "/l.db.lock", Err: cause} }
	for _, tt := range []struct {
		err    error
		reason error // nil: it stays what it is
		text   string
	}{
		{at(syscall.EROFS), ledger.ErrUnwritable, "open /l.db.lock: read-only file system"},
		{at(syscall.EACCES), ledger.ErrUnwritable, "open /l.db.lock: permission denied"},
		{at(syscall.EPERM), ledger.ErrUnwritable, "open /l.db.lock: operation not permitted"},
		{at(syscall.ENOSPC), ledger.ErrFull, "open /l.db.lock: no space left on device"},
		{fmt.Errorf("look: %w", at(syscall.EIO)), nil, "look: open /l.db.lock: input/output error"},
		{ledger.ErrNewer, nil, ledger.ErrNewer.Error()},
	} {
		got := explain(tt.err)
		if got.Error() != tt.text || !errors.Is(got, tt.err) {
			t.Errorf("explain(%v) = %v, want %q and the cause kept", tt.err, got, tt.text)
		}
		for _, reason := range []error{ledger.ErrFull, ledger.ErrUnwritable} {
			if is := errors.Is(got, reason); is != (tt.reason != nil && errors.Is(reason, tt.reason)) {
				t.Errorf("explain(%v) is %q: %t", tt.err, reason, is)
			}
		}
	}
}

// SQLite's own codes, from SQLite itself.
func TestExplain_knowsTheDriversCodes(t *testing.T) {
	l := mustOpen(t, newPath(t), Options{Mode: Create})
	_, readOnly := l.read.ExecContext(t.Context(), "DELETE FROM records")
	folder := t.TempDir()
	if err := os.Mkdir(folder+"/db", 0o700); err != nil {
		t.Fatal(err)
	}
	_, cantOpen := shell(t, folder+"/db").ExecContext(t.Context(), "SELECT 1 FROM sqlite_schema")
	for err, text := range map[error]string{
		readOnly: "the file or its folder can't be written",
		cantOpen: "the file, or one that belongs beside it, can't be opened",
	} {
		if got := explain(err); !errors.Is(got, ledger.ErrUnwritable) || got.Error() != text {
			t.Errorf("explain(%v) = %v, want %s", err, got, text)
		}
	}
}
