package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"batchinvite/pkg/invite"
	"batchinvite/pkg/ledger"
	"batchinvite/pkg/pipeline"
)

func (a *app) exportCommand() *cobra.Command {
	s, id := &settings{}, int64(0)
	cmd := &cobra.Command{
		Use:   "export FILE...",
		Short: "Rebuild FILE's results from the ledger, without a call",
		Long: `Rebuild FILE's results from the ledger, without a call.

It takes the latest run over FILE (over all of its files together) with the settings of that run, and writes what that run
wrote, byte for byte, as long as no later run has called for the same people; then what the ledger knows now. Settings
that are typed win over the run's.`,
		Args: cobra.MinimumNArgs(1),
	}
	run := group("Which run", func(f *pflag.FlagSet) {
		f.Int64Var(&id, "run", 0, "the run's `id`, as batchinvite status shows it; default the latest over these files")
	})
	groups := s.runFlags()
	cmd.RunE = func(cmd *cobra.Command, files []string) error {
		if err := a.start(cmd, s); err != nil {
			return err
		}
		return a.export(cmd, s, id, files)
	}
	addGroups(cmd, append([]flagGroup{run}, groups...)...)
	return cmd
}

func (a *app) export(cmd *cobra.Command, s *settings, id int64, files []string) (err error) {
	ctx, _, release := a.watchSignals(cmd.Context())
	defer release()
	p, err := s.place()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, p.close()) }()
	led, err := p.read(ctx)
	if err != nil {
		return err
	}
	if led == nil {
		return usage(fmt.Errorf("ledger %q has nothing of account %s", p.path, p.account), "batchinvite status"+p.flags())
	}
	defer func() { err = errors.Join(err, led.Close()) }()
	b, err := a.copyInputs(ctx, files)
	if err != nil {
		return stoppedEarly(ctx, err)
	}
	defer func() { err = errors.Join(err, b.close()) }()
	past, err := findRun(ctx, led, s, id, b)
	if err != nil {
		return err
	}
	if past == nil {
		if s.output == "" {
			// The results that are there may be better than what this can tell.
			return usage(fmt.Errorf("no run was over just %s as it is now", strings.Join(b.names(), ", ")),
				"name all files of the run, as they were then: batchinvite status"+p.flags()+" lists them",
				"or see what the ledger knows of these rows: --output FILE, with the campaign and the settings that they had")
		}
		a.sayf("no run was over %s as it is now: the results say what the ledger knows of its rows\n", strings.Join(b.names(), ", "))
		past = &ledger.RunRecord{ID: noRun, End: ledger.End{Cause: "no run has sent it"}}
	} else if err := s.asIn(cmd.Flags(), past); err != nil {
		return err
	}
	if err := b.open(s); err != nil {
		return err
	}
	return a.rebuild(ctx, s, p, led, b, past)
}

// noRun is no run's id, and not 0, which imported people have.
const noRun = -1

// findRun finds the run whose results are wanted, and puts the files into its order. It is nil if there is none.
func findRun(ctx context.Context, led ledger.Ledger, s *settings, id int64, b batch) (*ledger.RunRecord, error) {
	runs, err := led.Runs(ctx, 0)
	if err != nil {
		return nil, err
	}
	for _, run := range runs {
		switch {
		case run.Command != "run" || id != 0 && run.ID != id || s.typed["campaign"] && run.Campaign != s.campaign:
		case b.arrange(run.Files):
			return &run, nil
		case id != 0:
			var names []string
			for _, f := range run.Files {
				names = append(names, f.Name)
			}
			return nil, usage(fmt.Errorf("run %d was not over %s as it is now, but over %s", id, strings.Join(b.names(), ", "), strings.Join(names, ", ")),
				"name all files of the run, as they were then", "without --run the results say what the ledger knows now")
		}
	}
	if id != 0 {
		return nil, usage(fmt.Errorf("the ledger has no run %d of this account", id), "batchinvite status")
	}
	return nil, nil
}

// arrange puts the batch into the order of a run's files. It is false if they are not the same, by what is in them.
func (b batch) arrange(files []ledger.File) bool {
	if len(files) != len(b) {
		return false
	}
	left, ordered := slices.Clone(b), batch{}
	for _, f := range files {
		i := slices.IndexFunc(left, func(in *input) bool { return in.snapshot.Hash == f.Hash })
		if i < 0 {
			return false
		}
		ordered, left = append(ordered, left[i]), slices.Delete(left, i, i+1)
	}
	copy(b, ordered)
	return true
}

// shaping are the settings on which the results of a run depend.
var shaping = []string{"output", "assessment-id", "format", "expires", "campaign", "limit", "sandbox", "map", "sheet", "override", "encoding",
	"delimiter", "no-header", "date-order", "timezone", "vendor-timezone", "retry-rejected", "email-linked", "reinvite-revoked"}

// asIn takes over what shaped the results of a run, save for what was typed.
func (s *settings) asIn(flags *pflag.FlagSet, run *ledger.RunRecord) error {
	var recorded map[string]any
	if err := json.Unmarshal(run.Settings, &recorded); err != nil {
		return fmt.Errorf("read the settings of run %d: %w", run.ID, err)
	}
	for _, name := range shaping {
		f := flags.Lookup(name)
		if s.typed[name] {
			continue
		}
		if err := restore(f, recorded[name]); err != nil {
			return fmt.Errorf("read the settings of run %d: %w", run.ID, err)
		}
	}
	for _, field := range s.override {
		s.typed[field] = true // or there would be nothing that wins
	}
	return s.validate()
}

// restore gives a flag a recorded value, or its default if there is none.
func restore(f *pflag.Flag, value any) error {
	if list, ok := f.Value.(interface{ clear() }); ok {
		list.clear()
	} else if err := f.Value.Set(f.DefValue); err != nil {
		return err
	}
	if value == nil {
		return nil
	}
	return set(f, value, f.Name)
}

func (a *app) rebuild(ctx context.Context, s *settings, p *place, led ledger.Ledger, b batch, past *ledger.RunRecord) error {
	planned, err := s.plan(ctx, b, nil)
	if err != nil {
		return stoppedEarly(ctx, err)
	}
	if err := b.fit(); err != nil {
		return err
	}
	r := &run{app: a, settings: s, batch: b, place: p}
	out, err := a.createOutput(b, r.advise)
	if err != nil {
		return usage(err)
	}
	ended := past.Ended
	if ended.IsZero() {
		ended = time.Now()
	}
	pool := pipeline.Pool{
		Files: b.names(), Rows: b.rows, Repeats: planned.Repeats, Sink: out, Progress: &pipeline.Progress{},
		Workers: 1, Limit: s.limit.n, Began: cmp.Or(past.Started, ended),
		Step: &pipeline.Step{Ledger: led, Policy: s.policy()},
		Past: &pipeline.Past{Run: past.ID, Cause: past.Cause, Closed: past.Closed, Ended: ended},
	}
	totals, err := pool.Run(ctx, ctx)
	var stop *invite.Stop
	if errors.As(context.Cause(ctx), &stop) {
		return errors.Join(stoppedEarly(ctx, stop), out.discard())
	}
	if err == nil {
		err = out.commit(context.WithoutCancel(ctx), led, 0, s.sandbox)
	}
	if err = errors.Join(err, out.close()); err != nil {
		return &failure{exitInternal, err, out.left()}
	}
	if !s.quiet {
		a.sayf("%s", exported(past, totals, out.places()))
	}
	return nil
}

// exported says what was rebuilt.
func exported(past *ledger.RunRecord, t pipeline.Totals, places string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "rebuilt: %s", count(t.Rows, "row"))
	if past.ID != noRun {
		fmt.Fprintf(&b, " of run %d, %s", past.ID, past.Started.UTC().Format(time.RFC3339))
	}
	b.WriteString("\n")
	countLines(&b, t.Counts)
	b.WriteString(places)
	return b.String()
}
