// Package pipeline takes the rows of a run from the reader to the writer.
//
//	            ┌──────────── decided without a call ────────────┐
//	rows ──► reader ──jobs──► worker 1..N (Step.Do) ──finished──► writer ──► results, in input order
//	            │                                                  │
//	            └◄──────────── room in the reorder window ─────────┘
//
// One goroutine reads, N call, one writes; one errgroup holds them, and Pool.Run starts all and waits for all. Every
// channel is bounded and closed by its sender, so memory depends on the workers and the window and not on the file.
//
// Two contexts end a run: when take is done no row is taken any more, the rows that are left are still read, looked up
// and written; when abort is done the calls in flight are given up. Row errors are results; the errors of Run are the
// run's own: the input, the ledger, the results file.
package pipeline

import (
	"context"
	"errors"
	"iter"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
	"golang.org/x/sync/semaphore"

	"batchinvite/pkg/invite"
)

// Rows are the rows of a run's files, in order. An error ends them: the input can't be read any further.
type Rows = iter.Seq2[invite.Row, error]

// Sink takes the results, from one goroutine, in input order.
type Sink interface {
	Write(invite.Result) error
	// Flush is called at least every second, so that a killed run has shown what it did.
	Flush() error
}

// Pool is one run over many rows.
type Pool struct {
	Files    []string // the names of the files, for messages
	Rows     Rows
	Repeats  *Repeats // as the plan left it
	Step     *Step    // Stop is the pool's to set, and Called hears what the pool has counted
	Sink     Sink
	Progress *Progress
	Workers  int
	Limit    int       // the first so many rows that would be sent; 0 = all
	Began    time.Time // of the run; old links are judged by it
	Past     *Past     // nil for a run that makes calls
}

// The reorder window: how far the reader may be ahead of the writer.
const (
	windowRows  = 8192
	windowBytes = 8 << 20
	chunk       = 256     // rows looked up at once,
	chunkBytes  = 1 << 20 // and as few as that, if they are long
)

// flow is a pool that runs: its channels and the reader's counts.
type flow struct {
	*Pool
	jobs     chan *item          // from the reader, which closes it, to the workers
	finished chan *item          // from the reader and the workers to the writer; closed after the last of them
	unwanted chan struct{}       // closed by the writer when it ends, which is early if the results can't be written
	window   *semaphore.Weighted // taken by the reader, given back by the writer
	seq      int
	wanted   int    // rows that need a call
	lastJob  func() // closes jobs
}

// Run takes every row to its result. It stops early when take is done or a call shows that going on makes no sense;
// then the totals name the reason.
func (p *Pool) Run(take, abort context.Context) (Totals, error) {
	outer := take
	take, stop := context.WithCancelCause(outer)
	defer stop(nil)
	p.Step.Stop = func(s *invite.Stop) {
		p.Progress.stopped(s)
		stop(s)
	}
	heard := p.Step.Called
	p.Step.Called = func(c invite.Candidate, a invite.Answer, took time.Duration) {
		p.Progress.called(took)
		heard(c, a, took)
	}
	f := &flow{
		Pool:     p,
		jobs:     make(chan *item, p.Workers),
		finished: make(chan *item, chunk),
		unwanted: make(chan struct{}),
		window:   semaphore.NewWeighted(windowBytes),
	}
	// A failure stops the taking of rows; calls in flight still end and are recorded if the ledger can.
	group, failed := errgroup.WithContext(context.WithoutCancel(take))
	defer context.AfterFunc(failed, func() { stop(context.Cause(failed)) })()
	f.lastJob = sync.OnceFunc(func() { close(f.jobs) })
	f.start(failed, take, abort, group)
	err := group.Wait()

	var s *invite.Stop
	if errors.As(context.Cause(outer), &s) {
		p.Progress.stopped(s)
	}
	totals := p.Progress.Totals()
	totals.Closed = p.Step.alike.shut()
	if cause := context.Cause(take); cause != nil {
		totals.Cause = cause.Error()
	}
	return totals, err
}

// start starts the goroutines of a run: whoever sends to finished, the one that closes it after them, and the writer.
func (f *flow) start(failed, take, abort context.Context, group *errgroup.Group) {
	var senders sync.WaitGroup
	send := func(part func() error) {
		senders.Add(1)
		group.Go(func() error {
			defer senders.Done()
			return part()
		})
	}
	send(func() error { return f.read(failed, take, abort) })
	var workers sync.WaitGroup
	workers.Add(f.Workers)
	for range f.Workers {
		send(func() error {
			defer workers.Done()
			return f.work(take, abort)
		})
	}
	send(func() error {
		workers.Wait()
		return f.Step.End(abort)
	})
	group.Go(func() error {
		senders.Wait()
		close(f.finished)
		return nil
	})
	group.Go(f.write)
}

func (f *flow) work(take, abort context.Context) error {
	for it := range f.jobs {
		err := f.Step.Do(take, abort, it.row.Candidate, it.history, func(r invite.Result) {
			it.result = r
			f.finish(it)
		})
		if err != nil {
			return err
		}
		if it.done != nil {
			close(it.done)
		}
	}
	return nil
}

// finish hands a row to the writer, also after a failure: what is known of rows must not be lost with it.
func (f *flow) finish(it *item) {
	select {
	case f.finished <- it:
	case <-f.unwanted: // the writer's error ends the run
	}
}
