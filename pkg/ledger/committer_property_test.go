package ledger_test

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"

	"pgregory.net/rapid"

	"batchinvite/pkg/ledger"
)

var errTorn = errors.New("input/output error")

// story is what happens to a committer: batches of writes, true for one that settles, and how its transactions end.
type story struct {
	rounds [][]bool
	ends   []error // nil, ErrFull or errTorn; after the last of them all is well
}

// told is what came of a story.
type told struct {
	settles []bool  // of each write
	errs    []error // that it got
	batches [][]int // the writes of each transaction
	failed  []error // of each transaction
}

// tell lets the writes of a round come at once, and the next round when all of them are answered.
func (s story) tell(t *testing.T) (h told) {
	apply := func(batch []*add) error {
		var ns []int
		for _, a := range batch {
			ns = append(ns, a.n)
		}
		var err error
		if len(h.batches) < len(s.ends) {
			err = s.ends[len(h.batches)]
		}
		h.batches, h.failed = append(h.batches, ns), append(h.failed, err)
		return err
	}
	synctest.Test(t, func(t *testing.T) {
		c := ledger.NewCommitter(apply)
		defer start(t, c)()
		h.settles = slices.Concat(s.rounds...)
		h.errs = make([]error, len(h.settles))
		next := 0
		for _, round := range s.rounds {
			var wg sync.WaitGroup
			for _, settles := range round {
				n, do := next, c.Do
				if settles {
					do = c.Settle
				}
				wg.Go(func() { h.errs[n] = do(t.Context(), &add{n: n}) })
				next++
			}
			wg.Wait()
		}
	})
	return h
}

// lie says what is wrong with what came of a story, "" if nothing is.
func (h told) lie() string {
	committed, broken := make([]int, len(h.errs)), false
	for i, batch := range h.batches {
		if broken {
			return fmt.Sprintf("transaction %d comes after one of which nothing is known", i)
		}
		for _, n := range batch {
			if !h.settles[n] && slices.ContainsFunc(h.failed[:i], func(err error) bool { return err != nil }) {
				return fmt.Sprintf("transaction %d has claim %d after a failure", i, n)
			}
			if h.failed[i] == nil {
				committed[n]++
			}
		}
		broken = errors.Is(h.failed[i], errTorn)
	}
	for n, err := range h.errs {
		if want := map[bool]int{true: 1}[err == nil]; committed[n] != want {
			return fmt.Sprintf("write %d got %v and is in %d transactions that succeeded", n, err, committed[n])
		}
	}
	return ""
}

// Invariant 11: once a transaction failed no claim succeeds, and nobody is told anything but what happened.
func TestCommitter_onceBrokenNoClaimEverSucceeds(t *testing.T) {
	failures, settled := 0, 0
	rapid.Check(t, func(rt *rapid.T) {
		s := story{
			rounds: rapid.SliceOfN(rapid.SliceOfN(rapid.Bool(), 1, 5), 1, 6).Draw(rt, "rounds"),
			ends:   rapid.SliceOfN(rapid.SampledFrom([]error{nil, nil, ledger.ErrFull, ledger.ErrFull, errTorn}), 0, 12).Draw(rt, "ends"),
		}
		h := s.tell(t)
		if lie := h.lie(); lie != "" {
			rt.Fatalf("%s\n%+v", lie, h)
		}
		if i := slices.IndexFunc(h.failed, func(err error) bool { return err != nil }); i >= 0 {
			failures++
			if slices.Contains(h.failed[i:], nil) {
				settled++
			}
		}
	})
	t.Logf("%d stories with a failed transaction, %d with an outcome that was committed after it", failures, settled)
	if failures == 0 || settled == 0 {
		t.Error("no story tells of what this test is about")
	}
}

func TestTold_liesAreSeen(t *testing.T) {
	for name, tt := range map[string]struct {
		h    told
		seen bool
	}{
		"the truth": {told{settles: []bool{false, true}, errs: []error{ledger.ErrFull, nil},
			batches: [][]int{{0, 1}, {1}}, failed: []error{ledger.ErrFull, nil}}, false},
		"a claim after a failure": {told{settles: []bool{false}, errs: []error{nil},
			batches: [][]int{{0}, {0}}, failed: []error{ledger.ErrFull, nil}}, true},
		"an outcome after an unclear commit": {told{settles: []bool{true}, errs: []error{nil},
			batches: [][]int{{0}, {0}}, failed: []error{errTorn, nil}}, true},
		"committed and called failed": {told{settles: []bool{true}, errs: []error{ledger.ErrFull},
			batches: [][]int{{0}}, failed: []error{nil}}, true},
		"committed twice": {told{settles: []bool{true}, errs: []error{nil},
			batches: [][]int{{0}, {0}}, failed: []error{nil, nil}}, true},
		"lost": {told{settles: []bool{true}, errs: []error{nil}}, true},
	} {
		if lie := tt.h.lie(); (lie != "") != tt.seen {
			t.Errorf("%s: %q", name, lie)
		}
	}
}
