package pipeline

import (
	"context"
	"fmt"
	"time"

	"batchinvite/pkg/invite"
)

// item is one row on its way to the writer.
type item struct {
	seq     int
	weight  int64 // in the window
	row     invite.Row
	history invite.History
	owner   *owner // of a key that stands more than once
	first   bool   // this row is the owner
	result  invite.Result

	reached   bool          // the person is invited
	sent      bool          // a worker had it
	overLimit bool          // not sent because of the limit
	done      chan struct{} // closed by the worker of the row that goes alone
}

// read hands every row to a worker or, decided, to the writer.
func (f *flow) read(failed, take, abort context.Context) error {
	defer f.lastJob()
	batch, weight := make([]*item, 0, chunk), int64(0)
	for row, err := range f.Rows {
		if err != nil {
			return err
		}
		it := &item{row: row, weight: weigh(row)}
		if batch, weight = append(batch, it), weight+it.weight; len(batch) == chunk || weight > chunkBytes {
			if err := f.dispatch(failed, take, abort, batch); err != nil {
				return err
			}
			batch, weight = batch[:0], 0
		}
	}
	return f.dispatch(failed, take, abort, batch)
}

func (f *flow) dispatch(failed, take, abort context.Context, batch []*item) error {
	if err := f.lookup(failed, batch); err != nil {
		return err
	}
	for _, it := range batch {
		it.seq = f.seq
		f.seq++
		if err := f.makeRoom(failed, abort, it.weight); err != nil {
			return err
		}
		f.pass(take, it)
	}
	return nil
}

// makeRoom waits for room in the window. If there is none, the rows that Step holds back may be what fills it.
func (f *flow) makeRoom(failed, abort context.Context, weight int64) error {
	if f.window.TryAcquire(weight) {
		return nil
	}
	if !f.beyond() { // else no more calls come, and End settles what waits
		if err := f.Step.Yield(abort); err != nil {
			return err
		}
	}
	if f.window.Acquire(failed, weight) != nil {
		return context.Cause(failed)
	}
	return nil
}

// lookup finds the owners of repeated keys and the histories of all that are not duplicates.
func (f *flow) lookup(ctx context.Context, batch []*item) error {
	var keys []invite.Key
	var asked []*item
	for _, it := range batch {
		if it.row.Problem != nil {
			continue
		}
		if it.owner, it.first = f.Repeats.own(it.row); it.owner == nil || it.first {
			keys, asked = append(keys, it.row.Candidate.Key), append(asked, it)
		}
	}
	if len(keys) == 0 {
		return nil
	}
	histories, err := f.Step.Ledger.Lookup(ctx, keys)
	if err != nil {
		return fmt.Errorf("look up %d people in the ledger: %w", len(keys), err)
	}
	for i, it := range asked {
		it.history = histories[i]
	}
	return nil
}

// pass sends a row to a worker if it needs a call and calls are still made, and to the writer otherwise.
func (f *flow) pass(take context.Context, it *item) {
	if f.decide(take, it) {
		f.finish(it)
		return
	}
	it.sent = true
	if f.wanted == 1 {
		// The first row goes alone: a wrong key or address costs one call and not one a worker.
		it.done = make(chan struct{})
	}
	select {
	case f.jobs <- it:
	case <-take.Done():
		it.sent = false
		it.result = f.Step.unreached(it.row.Candidate, it.history, context.Cause(take))
		f.finish(it)
		return
	}
	if it.done != nil {
		select {
		case <-it.done:
		case <-take.Done():
		}
	}
}

// decide gives a row its result if that takes no call.
func (f *flow) decide(take context.Context, it *item) bool {
	c := it.row.Candidate
	switch {
	case it.row.Problem != nil:
		it.result = invalid(*it.row.Problem)
		return true
	case it.owner != nil && !it.first:
		return true // the writer knows what became of the owner
	case f.Past != nil:
		it.result = f.past(it)
		return true
	}
	verdict, rec := it.history.Decide(c, f.Step.Policy)
	if verdict != invite.VerdictSend {
		it.result = answer(verdict, rec, c, f.Began)
		return true
	}
	if _, err := c.Expiry.Due(time.Now()); err != nil {
		it.result = expired(c, it.history, err)
		return true
	}
	if f.wanted++; f.beyond() {
		f.lastJob()
		it.result, it.overLimit = unsent(c, it.history, errLimit), true
		return true
	}
	if err := context.Cause(take); err != nil {
		it.result = f.Step.unreached(c, it.history, err)
		return true
	}
	return false
}

// beyond tells whether the limit is passed.
func (f *flow) beyond() bool { return f.Limit > 0 && f.wanted > f.Limit }

// weigh is about what a row takes in memory, and at least the share of the window that keeps its rows within their
// number.
func weigh(row invite.Row) int64 {
	bytes := 0
	for _, cell := range row.Cells {
		bytes += len(cell) + 16 // the header of a string
	}
	return min(max(int64(bytes), windowBytes/windowRows), windowBytes)
}
