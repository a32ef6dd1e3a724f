package sqlite

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"batchinvite/pkg/ledger"
)

// Invariant 10.
func TestLock_secondRunIsToldWhoHoldsIt(t *testing.T) {
	path := newPath(t)
	link := filepath.Join(t.TempDir(), "link.db") // to nothing yet
	if err := os.Symlink(path, link); err != nil {
		t.Fatal(err)
	}
	before := time.Now()
	first := mustOpen(t, link, Options{Mode: Create, Command: "run candidates.csv"})
	for _, path := range []string{path, link} {
		_, err := Open(t.Context(), path, account, Options{Mode: Write})
		var heldErr *ledger.Held
		if !errors.As(err, &heldErr) {
			t.Fatalf("Open = %v, want it held", err)
		}
		host, _ := os.Hostname()
		since := heldErr.Holder.Since
		want := ledger.Holder{PID: os.Getpid(), Host: host, Command: "run candidates.csv", Since: since}
		if diff := cmp.Diff(want, heldErr.Holder); diff != "" {
			t.Errorf("holder (-want +got):\n%s", diff)
		}
		if since.Before(before) || since.After(time.Now()) {
			t.Errorf("held since %s, want between %s and now", since, before)
		}
		text := fmt.Sprintf("open ledger %q: held by \"run candidates.csv\", process %d on %s, since %s", path, os.Getpid(), host,
			since.Format(time.RFC3339))
		if err.Error() != text {
			t.Errorf("Open = %v, want %s", err, text)
		}
	}
	mustClose(t, first)
	if _, err := os.Stat(path + ".holder"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the holder's facts are still there: %v", err)
	}
	mustClose(t, mustOpen(t, path, Options{Mode: Write}))
}

func TestLock_unreadableHolderIsStillHeld(t *testing.T) {
	path := newPath(t)
	mustOpen(t, path, Options{Mode: Create})
	if err := os.WriteFile(path+".holder", []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := Open(t.Context(), path, account, Options{Mode: Write})
	if want := fmt.Sprintf("open ledger %q: held by another run", path); err == nil || err.Error() != want {
		t.Errorf("Open = %v, want %s", err, want)
	}
}

func TestLock_closingTwiceLeavesTheNextHolderAlone(t *testing.T) {
	path := newPath(t)
	first := mustOpen(t, path, Options{Mode: Create})
	mustClose(t, first)
	mustOpen(t, path, Options{Mode: Write})
	first.Close()
	if h := readHolder(path + ".holder"); h.PID != os.Getpid() {
		t.Errorf("the holder's facts are %+v, want those of this process", h)
	}
	if alive, err := held(path); err != nil || !alive {
		t.Errorf("held = %t, %v, want true", alive, err)
	}
}

func TestLock_waitsForItsTurn(t *testing.T) {
	path := newPath(t)
	first := mustOpen(t, path, Options{Mode: Create})
	opened := make(chan error)
	go func() {
		second, err := Open(t.Context(), path, account, Options{Mode: Write, Wait: time.Minute})
		if err == nil {
			err = second.Close()
		}
		opened <- err
	}()
	select {
	case err := <-opened:
		t.Fatalf("Open = %v while the ledger is held, want it to wait", err)
	case <-time.After(2 * grace):
	}
	mustClose(t, first)
	if err := <-opened; err != nil {
		t.Errorf("Open = %v, want nil", err)
	}
}

func TestLock_waitEndsWithItsContext(t *testing.T) {
	path := newPath(t)
	mustOpen(t, path, Options{Mode: Create})
	interrupted := errors.New("interrupted")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(interrupted)
	if _, err := Open(ctx, path, account, Options{Mode: Write, Wait: time.Hour}); !errors.Is(err, interrupted) {
		t.Errorf("Open = %v, want %v", err, interrupted)
	}
}

// A reader takes a share in the lock for a moment to see whether a run is alive.
func TestLock_readersNeverRefuseARun(t *testing.T) {
	path := newPath(t)
	mustClose(t, mustOpen(t, path, Options{Mode: Create}))
	ctx, cancel := context.WithCancel(t.Context())
	var readers sync.WaitGroup
	readers.Go(func() {
		for ctx.Err() == nil {
			if _, err := held(path); err != nil {
				t.Errorf("held = %v", err)
			}
		}
	})
	for range 8 {
		mustClose(t, mustOpen(t, path, Options{Mode: Write}))
	}
	cancel()
	readers.Wait()
}
