package ledger_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"batchinvite/pkg/ledger"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// add is a write that a batch refuses on its own account if it is negative.
type add struct {
	n       int
	refused bool
}

// sums is a store whose transactions add up. It is used by the committer's goroutine only.
type sums struct {
	batches [][]int
	fail    error // of the next transaction
}

func (s *sums) apply(batch []*add) error {
	var ns []int
	for _, a := range batch {
		ns = append(ns, a.n)
		a.refused = a.n < 0
	}
	s.batches = append(s.batches, ns)
	return s.fail
}

// queueUp lets n goroutines wait for a committer that does not run yet, and gives their errors at the end of the bubble.
func queueUp(t *testing.T, c *ledger.Committer[*add], n int) (adds []*add, errs []error, wg *sync.WaitGroup) {
	t.Helper()
	adds, errs, wg = make([]*add, n), make([]error, n), new(sync.WaitGroup)
	for i := range n {
		adds[i] = &add{n: i}
		wg.Go(func() { errs[i] = c.Do(t.Context(), adds[i]) })
	}
	synctest.Wait()
	return adds, errs, wg
}

func start(t *testing.T, c *ledger.Committer[*add]) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	wg.Go(func() { c.Run(ctx) })
	return func() { cancel(); wg.Wait() }
}

func TestCommitter_takesWhatIsQueuedInBoundedBatches(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var s sums
		c := ledger.NewCommitter(s.apply)
		_, errs, wg := queueUp(t, c, 600)
		stop := start(t, c)
		wg.Wait()
		stop()

		var sizes, all []int
		for _, b := range s.batches {
			sizes = append(sizes, len(b))
			all = append(all, b...)
		}
		if diff := cmp.Diff([]int{256, 256, 88}, sizes); diff != "" {
			t.Errorf("batch sizes (-want +got):\n%s", diff)
		}
		slices.Sort(all)
		for i, n := range all {
			if i != n {
				t.Fatalf("write %d of the sorted ones is %d: one is lost or there twice", i, n)
			}
		}
		if err := errors.Join(errs...); err != nil {
			t.Errorf("Do = %v, want all committed", err)
		}
	})
}

func TestCommitter_neverWaitsForMore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var s sums
		c := ledger.NewCommitter(s.apply)
		defer start(t, c)()
		for i := range 3 {
			// A bubble's clock moves only when everybody waits, so this would hang or take time if Do waited for a timer.
			if err := c.Do(t.Context(), &add{n: i}); err != nil {
				t.Fatalf("Do = %v, want nil", err)
			}
		}
		if diff := cmp.Diff([][]int{{0}, {1}, {2}}, s.batches); diff != "" {
			t.Errorf("batches (-want +got):\n%s", diff)
		}
	})
}

func TestCommitter_givesEachWriteItsOwnResult(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var s sums
		c := ledger.NewCommitter(s.apply)
		good, bad := &add{n: 1}, &add{n: -1}
		var wg sync.WaitGroup
		for _, a := range []*add{good, bad} {
			wg.Go(func() {
				if err := c.Do(t.Context(), a); err != nil {
					t.Errorf("Do(%d) = %v, want nil: a refusal does not spoil the batch", a.n, err)
				}
			})
		}
		synctest.Wait()
		stop := start(t, c)
		wg.Wait()
		stop()
		if len(s.batches) != 1 || good.refused || !bad.refused {
			t.Errorf("batches %v, good refused: %t, bad refused: %t, want one batch in which only the bad one is refused",
				s.batches, good.refused, bad.refused)
		}
	})
}

// Invariant 11.
func TestCommitter_refusesEverythingAfterTheFirstFailure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		torn := errors.New("input/output error")
		s := sums{fail: torn}
		c := ledger.NewCommitter(s.apply)
		_, errs, wg := queueUp(t, c, 300)
		stop := start(t, c)
		wg.Wait()
		s.fail = nil // the disk is well again, nobody may find out
		errs = append(errs, c.Do(t.Context(), &add{}), c.Settle(t.Context(), &add{}))
		stop()

		for i, err := range errs {
			if !errors.Is(err, torn) {
				t.Fatalf("write %d = %v, want %v", i, err, torn)
			}
		}
		if len(s.batches) != 1 {
			t.Errorf("%d transactions, want 1: none after the failed one", len(s.batches))
		}
	})
}

func TestCommitter_settlesWhenAFullDiskHasRoomAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := sums{fail: fmt.Errorf("write: %w", ledger.ErrFull)}
		c := ledger.NewCommitter(func(batch []*add) error {
			err := s.apply(batch)
			if len(s.batches) == 4 { // somebody made room
				s.fail = nil
			}
			return err
		})
		_, claims, wg := queueUp(t, c, 3)
		settled := make(chan error, 1)
		go func() { settled <- c.Settle(t.Context(), &add{n: 9}) }()
		synctest.Wait()
		stop := start(t, c)
		wg.Wait()
		if err := <-settled; err != nil {
			t.Errorf("Settle = %v, want nil", err)
		}
		claims = append(claims, c.Do(t.Context(), &add{n: 4}))
		if err := c.Settle(t.Context(), &add{n: 5}); err != nil {
			t.Errorf("another Settle = %v, want nil", err)
		}
		stop()
		for i, err := range claims {
			if !errors.Is(err, ledger.ErrFull) {
				t.Errorf("claim %d = %v, want %v", i, err, ledger.ErrFull)
			}
		}
		slices.Sort(s.batches[0])
		if diff := cmp.Diff([][]int{{0, 1, 2, 9}, {9}, {9}, {9}, {9}, {5}}, s.batches); diff != "" {
			t.Errorf("transactions (-want +got):\n%s", diff)
		}
	})
}

func TestCommitter_givesUpSettlingOnADiskThatStaysFull(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := sums{fail: ledger.ErrFull}
		c := ledger.NewCommitter(s.apply)
		defer start(t, c)()
		began := time.Now()
		if err := c.Settle(t.Context(), &add{}); !errors.Is(err, ledger.ErrFull) {
			t.Errorf("Settle = %v, want %v", err, ledger.ErrFull)
		}
		if took := time.Since(began); len(s.batches) != 6 || took != 3750*time.Millisecond {
			t.Errorf("%d tries in %s, want 6 in 3.75s", len(s.batches), took)
		}
		if err := c.Settle(t.Context(), &add{}); !errors.Is(err, ledger.ErrFull) || len(s.batches) != 7 {
			t.Errorf("the next Settle = %v after %d tries, want one more: nobody waits for a disk that stays full", err, len(s.batches)-6)
		}
		s.fail = nil
		if err := c.Settle(t.Context(), &add{}); err != nil {
			t.Errorf("Settle with room again = %v, want nil", err)
		}
	})
}

func TestCommitter_keepsOutAWriteWhoseContextIsDone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var s sums
		c := ledger.NewCommitter(s.apply)
		interrupted := errors.New("interrupted")
		ctx, cancel := context.WithCancelCause(t.Context())
		waiting := make(chan error, 1)
		go func() { waiting <- c.Do(ctx, &add{n: 1}) }()
		synctest.Wait()
		cancel(interrupted)
		if err := <-waiting; !errors.Is(err, interrupted) {
			t.Errorf("Do of a waiting write = %v, want %v", err, interrupted)
		}
		defer start(t, c)()
		synctest.Wait()
		for range 20 {
			if err := c.Do(ctx, &add{n: 2}); !errors.Is(err, interrupted) {
				t.Fatalf("Do of a new write = %v, want %v", err, interrupted)
			}
		}
		if len(s.batches) != 0 {
			t.Errorf("committed %v, want nothing", s.batches)
		}
	})
}

func TestCommitter_refusesAfterItsEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var s sums
		c := ledger.NewCommitter(s.apply)
		start(t, c)()
		if err := c.Do(t.Context(), &add{}); !errors.Is(err, ledger.ErrClosed) {
			t.Errorf("Do = %v, want %v", err, ledger.ErrClosed)
		}
	})
}
