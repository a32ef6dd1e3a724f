package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

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
		r := &run{app: a, settings: s, name: "run", shown: visible(cmd.Flags())}
		code, err := r.do(take, abort, files)
		if err != nil {
			return err
		}
		return finished{code}
	}
	addGroups(cmd, s.runFlags()...)
	return cmd
}

// run is one execution of a command that makes calls.
type run struct {
	*app
	*settings
	name  string          // of the command
	shown json.RawMessage // the settings as the ledger keeps them

	log     zerolog.Logger
	batch   batch
	place   *place
	led     ledger.Ledger // nil while there is none
	call    invite.Call
	planned *planned
	pace    *pace.Limiter // from the first call on
}

// visible are the settings that differ from their defaults. The API key is none of them.
func visible(flags *pflag.FlagSet) json.RawMessage {
	set := map[string]any{}
	flags.VisitAll(func(f *pflag.Flag) {
		if v := f.Value.String(); v != f.DefValue && f.Name != "help" && f.Name != "email" { // of revoke: a person's
			set[f.Name] = v
			if m, isMap := f.Value.(*columnMap); isMap {
				set[f.Name] = m.list() // a column's name may have a comma in it
			}
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
	if r.planned, err = r.plan(take, r.batch, r.led); err != nil {
		return 0, stoppedEarly(take, err)
	}
	r.sayPlan()
	if err := r.guardPlan(r.planned, r.batch, r.place); err != nil {
		return 0, err
	}
	if err := r.guardLost(take); err != nil {
		return 0, stoppedEarly(take, err)
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
	r.led, err = r.place.open(ctx, create, strings.TrimSpace(r.name+" "+strings.Join(r.batch.names(), " ")), r.wait)
	if errors.Is(err, ledger.ErrNoLedger) || errors.Is(err, ledger.ErrNoAccount) {
		return nil
	}
	return err
}

// connect makes the client, or starts the stand-in.
func (r *run) connect(ctx context.Context) error {
	client, err := r.client(ctx)
	if err == nil {
		r.call = client.Invite
	}
	return err
}

func (r *run) client(ctx context.Context) (*api.Client, error) {
	options := r.apiOptions()
	if r.sandbox {
		base, err := r.place.startSandbox(ctx)
		if err != nil {
			return nil, err
		}
		options.BaseURL, options.Key, options.KeyHeader = base, "rehearsal", "apiKey"
	} else {
		key, err := r.apiKey(ctx, r.ui)
		if err != nil {
			return nil, err
		}
		options.Key = key
	}
	client, err := api.New(options)
	if err != nil {
		return nil, usage(err)
	}
	r.place.onClose(func() error { client.Close(); return nil })
	return client, nil
}

// send is the second pass.
func (r *run) send(take, abort context.Context, out *output) (code int, err error) {
	pool := pipeline.Pool{Files: r.batch.names(), Rows: r.batch.rows, Repeats: r.planned.Repeats, Limit: r.limit.n}
	pool.Step = &pipeline.Step{
		Ledger: r.led,
		Call:   r.call,
		Policy: r.policy(),
		// A revoked invitation was a success once.
		Proven: r.planned.facts.States[invite.Invited]+r.planned.facts.States[invite.Revoked] > 0,
	}
	totals, err := r.perform(take, abort, job{
		start: ledger.Run{Campaign: r.campaign, Files: r.batch.files(), Settings: r.shown},
		pool:  &pool, rows: r.planned.Rows, calls: r.planned.calls(r.limit), out: out,
	})
	code = codeOfRun(totals, err)
	if err != nil {
		return 0, &failure{code, err, r.hintsAfter(err, out)}
	}
	return code, nil
}
