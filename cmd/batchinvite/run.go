package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/rs/zerolog"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"batchinvite/pkg/api"
	"batchinvite/pkg/invite"
	"batchinvite/pkg/ledger"
	"batchinvite/pkg/pace"
	"batchinvite/pkg/pipeline"
)

func (a *app) runCommand() *cobra.Command {
	s := &settings{}
	cmd := &cobra.Command{
		Use:   "run FILE...",
		Short: "Invite everyone in FILE (- is stdin); safe to repeat",
		Long: `Invite everyone in FILE, and write NAME.results.csv beside it: the same rows with a link or an error on each.

Running it again is always safe: nobody who is invited is invited again, and rows that were not reached go on.`,
		Example: examples,
		Args:    cobra.MinimumNArgs(1),
	}
	cmd.RunE = func(cmd *cobra.Command, files []string) error {
		if err := a.start(cmd, s); err != nil {
			return err
		}
		take, abort, release := a.watchSignals(cmd.Context())
		defer release()
		r := &run{app: a, settings: s, shown: visible(cmd.Flags())}
		code, err := r.do(take, abort, files)
		if err != nil {
			return err
		}
		return finished{code}
	}
	addGroups(cmd, s.runFlags()...)
	return cmd
}

// run is one execution of the run command.
type run struct {
	*app
	*settings
	shown json.RawMessage // the settings as the ledger keeps them

	log     zerolog.Logger
	batch   batch
	place   *place
	led     ledger.Ledger // nil while there is none
	call    invite.Call
	planned *planned
}

// visible are the settings that differ from their defaults. The API key is none of them.
func visible(flags *pflag.FlagSet) json.RawMessage {
	set := map[string]string{}
	flags.VisitAll(func(f *pflag.Flag) {
		if v := f.Value.String(); v != f.DefValue && f.Name != "help" {
			set[f.Name] = v
		}
	})
	text, err := json.Marshal(set)
	if err != nil {
		return nil
	}
	return text
}

func (r *run) do(take, abort context.Context, files []string) (code int, err error) {
	r.log = r.logger(r.settings)
	if r.batch, err = r.openBatch(take, files, r.settings); err != nil {
		return 0, stoppedEarly(take, err)
	}
	defer func() { err = errors.Join(err, r.batch.close()) }()
	if r.place, err = r.settings.place(); err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, r.place.close()) }()
	if err := r.connect(take); err != nil {
		return 0, stoppedEarly(take, err)
	}
	if err := r.openLedger(take, r.place.rehearsal); err != nil {
		return 0, stoppedEarly(take, err)
	}
	defer func() {
		if r.led != nil {
			err = errors.Join(err, r.led.Close())
		}
	}()
	if r.planned, err = r.plan(take, r.batch, r.led, func(string) {}); err != nil {
		return 0, stoppedEarly(take, err)
	}
	r.sayPlan()
	if err := r.guardPlan(r.planned, r.batch); err != nil {
		return 0, err
	}
	if err := r.consent(take); err != nil {
		return 0, stoppedEarly(take, err)
	}
	if r.led == nil && r.planned.Send == 0 {
		// Nothing will be claimed, and an account that began unnoticed would disarm the guard of the next sendlink run.
		if err := r.place.throwaway(); err != nil {
			return 0, err
		}
	}
	// After a question somebody else may hold the ledger, and the partial results are theirs then. A place that can't be
	// written must show before an account is begun.
	if err := r.openLedger(take, false); err != nil {
		return 0, stoppedEarly(take, err)
	}
	out, err := r.createOutput(r.batch, r.advise)
	if err != nil {
		return 0, usage(err)
	}
	if err := r.openLedger(take, true); err != nil {
		return 0, errors.Join(stoppedEarly(take, err), out.discard())
	}
	return r.send(take, abort, out)
}

// stoppedEarly: a signal before the first call has its own exit code.
func stoppedEarly(take context.Context, err error) error {
	var s *invite.Stop
	if errors.As(err, &s) || errors.As(context.Cause(take), &s) {
		return &failure{codeOfRun(pipeline.Totals{Stops: []*invite.Stop{s}}, nil), fmt.Errorf("%w; nothing was sent", s), nil}
	}
	return err
}

// openLedger opens the ledger if it is not open. Without create a missing one stays nil: nothing is made before the
// input and the flags are known to be right.
func (r *run) openLedger(ctx context.Context, create bool) (err error) {
	if r.led != nil {
		return nil
	}
	r.led, err = r.place.open(ctx, create, "run "+strings.Join(r.batch.names(), " "), r.wait)
	if errors.Is(err, ledger.ErrNoLedger) || errors.Is(err, ledger.ErrNoAccount) {
		return nil
	}
	return err
}

// connect makes the client, or starts the stand-in.
func (r *run) connect(ctx context.Context) error {
	options := r.apiOptions()
	if r.sandbox {
		base, err := r.place.startSandbox(ctx)
		if err != nil {
			return err
		}
		options.BaseURL, options.Key, options.KeyHeader = base, "rehearsal", "apiKey"
	}
	if !r.sandbox {
		key, err := r.apiKey(ctx, r.ui)
		if err != nil {
			return err
		}
		options.Key = key
	}
	client, err := api.New(options)
	if err != nil {
		return usage(err)
	}
	r.place.onClose(func() error { client.Close(); return nil })
	r.call = client.Invite
	return nil
}

// send is the second pass.
func (r *run) send(take, abort context.Context, out *output) (code int, err error) {
	durable := context.WithoutCancel(take) // what was done must be recorded, also after a signal
	id, err := r.led.Start(durable, ledger.Run{Campaign: r.campaign, Files: r.batch.files(), Settings: r.shown})
	if err != nil {
		return 0, errors.Join(err, out.discard())
	}
	signalled := take
	if r.stopAfter > 0 {
		var cancel context.CancelFunc
		take, cancel = context.WithTimeoutCause(take, r.stopAfter,
			&invite.Stop{Kind: invite.StopLater, Reason: "--stop-after " + r.stopAfter.String() + " is over"})
		defer cancel()
	}
	began := time.Now()
	totals, runErr := r.work(take, abort, id, out)
	var s *invite.Stop
	if errors.As(context.Cause(signalled), &s) && !slices.Contains(totals.Stops, s) {
		totals.Stops = append(totals.Stops, s) // it came after another reason had ended the taking of rows
	}
	if runErr == nil {
		runErr = out.commit(durable, r.led, id, r.sandbox)
	}
	runErr = errors.Join(runErr, out.close())
	runErr = errors.Join(runErr, r.led.Finish(durable, id, ledger.End{Reason: reason(totals, runErr), Counts: totals.Counts}))
	ended := r.log.Info().Int64("run", id).Int("rows", totals.Rows).Int("calls", totals.Calls).Stringer("took", time.Since(began))
	if why := reason(totals, runErr); why != "" {
		ended = ended.Str("stopped", why)
	}
	ended.Msg("run ended")
	next := "batchinvite " + quoted(r.args...)
	if r.quiet {
		r.sayf("%s", troubles(totals, next))
	} else {
		r.sayf("%s", summarise(totals, time.Since(began), out.told, next))
	}
	code = codeOfRun(totals, runErr)
	if runErr != nil {
		return 0, &failure{code, runErr, r.hintsAfter(runErr, out)}
	}
	return code, nil
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

// work starts the pool and whoever watches it, and waits for both.
func (r *run) work(take, abort context.Context, id int64, out *output) (pipeline.Totals, error) {
	progress := &pipeline.Progress{}
	limiter := pace.New(r.rates.values)
	gate := pipeline.NewGate(r.workers, r.maxUnknown, r.giveUpAfter)
	pool := pipeline.Pool{
		Files:   r.batch.names(),
		Rows:    r.batch.rows,
		Repeats: r.planned.Repeats,
		Step: &pipeline.Step{
			Ledger: r.led,
			Pace:   limiter,
			Gate:   gate,
			Call:   r.call,
			Policy: r.policy(),
			Run:    id,
			GiveUp: r.giveUpAfter,
			// A revoked invitation was a success once.
			Proven:  r.planned.facts.States[invite.Invited]+r.planned.facts.States[invite.Revoked] > 0,
			TooMany: r.tooMany,
			Jitter:  pipeline.FullJitter,
			Called:  r.logCall,
		},
		Sink:     out,
		Progress: progress,
		Workers:  r.workers,
		Limit:    r.limit.n,
	}
	r.log.Info().Int64("run", id).Strs("files", r.batch.names()).Str("campaign", r.campaign).Int("send", r.planned.Send).Msg("run began")
	watching, done := context.WithCancel(context.WithoutCancel(take))
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		w := watcher{
			ui: r.ui, log: r.log, progress: progress, pace: limiter, gate: gate, rows: r.planned.Rows, calls: r.planned.calls(r.limit),
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
