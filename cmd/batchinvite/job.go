package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"batchinvite/pkg/invite"
	"batchinvite/pkg/ledger"
	"batchinvite/pkg/pipeline"
)

// job is what a run does once its plan stands.
type job struct {
	start       ledger.Run
	pool        *pipeline.Pool // with its rows and what is done with them; perform adds the rest
	rows, calls int            // that the plan foresees
	out         *output
}

// perform does a job and records it, from its first call to its summary. The error is the run's; the totals stand also
// with one.
func (r *run) perform(take, abort context.Context, j job) (pipeline.Totals, error) {
	durable := context.WithoutCancel(take) // what was done must be recorded, also after a signal
	id, err := r.led.Start(durable, j.start)
	if err != nil {
		return pipeline.Totals{}, errors.Join(err, j.out.discard())
	}
	signalled := take
	if r.stopAfter > 0 {
		var cancel context.CancelFunc
		take, cancel = context.WithTimeoutCause(take, r.stopAfter,
			&invite.Stop{Kind: invite.StopLater, Reason: "--stop-after " + r.stopAfter.String() + " is over"})
		defer cancel()
	}
	if r.pace, err = r.limiter(durable, r.led); err != nil {
		return pipeline.Totals{}, errors.Join(err, j.out.discard())
	}
	began := time.Now()
	totals, err := r.work(take, abort, id, j)
	var s *invite.Stop
	if errors.As(context.Cause(signalled), &s) && !slices.Contains(totals.Stops, s) {
		totals.Stops = append(totals.Stops, s) // it came after another reason had ended the taking of rows
	}
	if err == nil {
		err = j.out.commit(durable, r.led, id, r.sandbox)
	}
	err = errors.Join(err, j.out.close())
	err = errors.Join(err, r.led.Finish(durable, id, ledger.End{Reason: reason(totals, err), Cause: totals.Cause, Closed: totals.Closed, Counts: totals.Counts}))
	r.sayEnd(id, totals, time.Since(began), j.out, err)
	return totals, err
}

// sayEnd is the summary, in the log and for people.
func (r *run) sayEnd(id int64, totals pipeline.Totals, took time.Duration, out *output, err error) {
	paced := r.pace.Stats()
	ended := r.log.Info().Int64("run", id).Int("rows", totals.Rows).Int("calls", totals.Calls).Stringer("took", took).
		Int("refused_for_pace", paced.Refused).Stringer("lost_to_pauses", paced.Lost.Round(time.Millisecond))
	if why := reason(totals, err); why != "" {
		ended = ended.Str("stopped", why)
	}
	ended.Msg("run ended")
	next := "batchinvite " + quoted(r.args...)
	if r.quiet {
		r.sayf("%s", troubles(totals, next))
	} else {
		r.sayf("%s", summarise(totals, took, r.paceSummary(paced, totals.Calls, took), out.places(), next))
	}
}

// reason is why a run ended early, "" if it did not.
func reason(t pipeline.Totals, err error) string {
	var all []string
	for _, s := range t.Stops {
		all = append(all, s.Reason)
	}
	if err != nil {
		all = append(all, oneLine(err))
	}
	return strings.Join(all, "; ")
}

// work starts the pool and whoever watches it, and waits for both.
func (r *run) work(take, abort context.Context, id int64, j job) (pipeline.Totals, error) {
	pool, step := j.pool, j.pool.Step
	step.Run, step.GiveUp, step.TooMany, step.Jitter, step.Called = id, r.giveUpAfter, r.tooMany, pipeline.FullJitter, r.logCall
	step.Lost = r.logLost
	step.Pace, step.Gate = r.pace, pipeline.NewGate(r.workers, r.maxUnknown, r.giveUpAfter)
	pool.Workers, pool.Sink, pool.Progress, pool.Began = r.workers, j.out, &pipeline.Progress{}, time.Now()

	r.log.Info().Int64("run", id).Strs("files", pool.Files).Str("campaign", r.campaign).Int("send", j.calls).Msg("run began")
	watching, done := context.WithCancel(context.WithoutCancel(take))
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		w := watcher{
			ui: r.ui, log: r.log, progress: pool.Progress, pace: step.Pace, gate: step.Gate, rows: j.rows, calls: j.calls,
			bar: r.progress.value == "bar" || (r.progress.value == "auto" && r.terminal),
		}
		if r.progress.value != "none" && !r.quiet {
			w.watch(watching)
		}
	}()
	totals, err := pool.Run(take, abort)
	done()
	<-ended
	return totals, err
}

// fewCalls are too few for a percentage to mean anything.
const fewCalls = 50

// tooMany is the rule of --max-failures.
func (r *run) tooMany(failed, called int) *invite.Stop {
	if r.maxFailures.percent && called < fewCalls || !r.maxFailures.exceeded(failed, called) {
		return nil
	}
	return &invite.Stop{Kind: invite.StopLater,
		Reason: fmt.Sprintf("%d of %s called failed, more than --max-failures %s", failed, count(called, "row"), &r.maxFailures)}
}
