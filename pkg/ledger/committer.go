package ledger

import (
	"context"
	"runtime"
)

// maxBatch bounds how long the first write of a transaction waits for the others in it.
const maxBatch = 256

// Committer lets the writes of many goroutines share transactions (group commit), because a commit costs the same for
// one write as for a hundred. One goroutine, the one that calls Run, makes all transactions.
//
// It takes what is queued already and never waits for more: with one writer every write is a transaction of its own,
// and with many the next batch gathers while the last one is being committed.
//
// After the first failed transaction it is broken for good: nobody knows what of it is on the disk, and a repeated
// fsync may report a success that it never had. Every later write is refused with that first error (invariant 11).
type Committer[W any] struct {
	apply func(batch []W) error
	// queue carries writes from Do to Run. It has no buffer, so that whatever Run has not taken is still Do's own; nobody
	// closes it.
	queue chan queued[W]
	// ended is closed by Run when it returns.
	ended chan struct{}
}

type queued[W any] struct {
	write W
	// done gets exactly one error from Run. Its buffer of one keeps Run from waiting for anybody.
	done chan error
}

// NewCommitter starts nothing: the owner calls Run once, in a goroutine that it waits for. apply makes one transaction
// of a batch of 1 to 256 writes, in the order given; its error means that nothing is known of any of them. What became
// of a single write in a transaction that succeeded, such as a refusal, is kept in the write itself.
func NewCommitter[W any](apply func(batch []W) error) *Committer[W] {
	return &Committer[W]{apply: apply, queue: make(chan queued[W]), ended: make(chan struct{})}
}

// Run commits until ctx is done. Then every write that it has taken is answered.
func (c *Committer[W]) Run(ctx context.Context) {
	defer close(c.ended)
	var broken error
	for {
		select {
		case <-ctx.Done():
			return
		case first := <-c.queue:
			batch := c.gather(first)
			if broken == nil {
				broken = c.commit(batch)
			}
			for _, q := range batch {
				q.done <- broken
			}
		}
	}
}

// Do returns when w is committed, or with the error for which nothing is known of it. A ctx that is done by then keeps
// w out; once w is taken up it is waited for, so that nobody is left in doubt by a shutdown. ErrClosed: Run has ended.
func (c *Committer[W]) Do(ctx context.Context, w W) error {
	// A select between a done context and a free committer would pick either.
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	q := queued[W]{write: w, done: make(chan error, 1)}
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

func (c *Committer[W]) commit(batch []queued[W]) error {
	writes := make([]W, len(batch))
	for i, q := range batch {
		writes[i] = q.write
	}
	return c.apply(writes)
}
