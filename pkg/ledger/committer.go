package ledger

import (
	"cmp"
	"context"
	"errors"
	"runtime"
	"slices"
	"sync/atomic"
	"time"
)

// maxBatch bounds how long the first write of a transaction waits for the others in it.
const maxBatch = 256

// Committer lets the writes of many goroutines share transactions (group commit), because a commit costs the same for
// one write as for a hundred. One goroutine, the one that calls Run, makes all transactions.
//
// It takes what is queued already and never waits for more: with one writer every write is a transaction of its own,
// and with many the next batch gathers while the last one is being committed.
//
// After the first failed transaction no Do succeeds any more (invariant 11): nobody knows what of it is on the disk, and a
// repeated fsync may report a success that it never had. Settle goes on only while all that failed was ErrFull, where
// nothing was left behind: what became of a request that is in flight is worth some more tries.
type Committer[W any] struct {
	apply func(batch []W) error
	// queue carries writes from their callers to Run. It has no buffer, so that whatever Run has not taken is still the
	// caller's own; nobody closes it.
	queue chan queued[W]
	// ended is closed by Run when it returns.
	ended chan struct{}

	staysFull atomic.Bool // the last Settle gave up
	// Of Run's goroutine: the first failure, and the first that is not ErrFull.
	failed, broken error
}

// pauses between the tries of Settle. The first is none: without the Dos beside it the write may well fit.
var pauses = []time.Duration{0, 250 * time.Millisecond, 500 * time.Millisecond, time.Second, 2 * time.Second}

type queued[W any] struct {
	write   W
	settles bool
	// done gets exactly one error from Run. Its buffer of one keeps Run from waiting for anybody.
	done chan error
}

// NewCommitter starts nothing: the owner calls Run once, in a goroutine that it waits for. apply makes one transaction
// of a batch of 1 to 256 writes, in the order given; its error means that nothing is known of any of them, and ErrFull
// that none was made. What became of a single write in a transaction that succeeded, such as a refusal, is kept in the
// write itself.
func NewCommitter[W any](apply func(batch []W) error) *Committer[W] {
	return &Committer[W]{apply: apply, queue: make(chan queued[W]), ended: make(chan struct{})}
}

// Run commits until ctx is done. Then every write that it has taken is answered.
func (c *Committer[W]) Run(ctx context.Context) {
	defer close(c.ended)
	for {
		select {
		case <-ctx.Done():
			return
		case first := <-c.queue:
			c.commit(c.gather(first))
		}
	}
}

// Do is for a write that begins something, such as a claim. It returns when w is committed, or with the error for which
// nothing is known of it. A ctx that is done by then keeps w out; once w is taken up it is waited for, so that nobody is
// left in doubt by a shutdown. ErrClosed: Run has ended.
func (c *Committer[W]) Do(ctx context.Context, w W) error {
	return c.pass(ctx, queued[W]{write: w})
}

// Settle is Do for a write that says how something ended. If the disk is full it tries again for some seconds, or until
// ctx is done, and then gives ErrFull: nothing is written, and w was applied several times. Those that come later are
// tried once, until one of them succeeds.
func (c *Committer[W]) Settle(ctx context.Context, w W) error {
	q := queued[W]{write: w, settles: true}
	err := c.pass(ctx, q)
	for i := 0; errors.Is(err, ErrFull) && i < len(pauses) && !c.staysFull.Load(); i++ {
		select {
		case <-time.After(pauses[i]):
			err = c.pass(ctx, q)
		case <-ctx.Done():
			return err
		}
	}
	c.staysFull.Store(errors.Is(err, ErrFull))
	return err
}

func (c *Committer[W]) pass(ctx context.Context, q queued[W]) error {
	// A select between a done context and a free committer would pick either.
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	q.done = make(chan error, 1)
	select {
	case c.queue <- q:
		return <-q.done
	case <-c.ended:
		return ErrClosed
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func (c *Committer[W]) gather(first queued[W]) []queued[W] {
	// Those whom the last commit released have their next writes ready as soon as they get the processor. Without this
	// every other transaction holds one write.
	runtime.Gosched()
	batch := []queued[W]{first}
	for len(batch) < maxBatch {
		select {
		case q := <-c.queue:
			batch = append(batch, q)
		default:
			return batch
		}
	}
	return batch
}

// commit makes one transaction of what may still be written, and answers everybody.
func (c *Committer[W]) commit(batch []queued[W]) {
	batch = slices.DeleteFunc(batch, c.refused)
	if len(batch) == 0 {
		return
	}
	writes := make([]W, len(batch))
	for i, q := range batch {
		writes[i] = q.write
	}
	err := c.apply(writes)
	c.failed = cmp.Or(c.failed, err)
	if !errors.Is(err, ErrFull) {
		c.broken = cmp.Or(c.broken, err)
	}
	for _, q := range batch {
		q.done <- err
	}
}

// refused answers a write that comes too late.
func (c *Committer[W]) refused(q queued[W]) bool {
	err := c.failed
	if q.settles {
		err = c.broken
	}
	if err != nil {
		q.done <- err
	}
	return err != nil
}
