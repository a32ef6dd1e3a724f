package main

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"batchinvite/pkg/invite"
	"batchinvite/pkg/pipeline"
)

func (a *app) checkCommand() *cobra.Command {
	s, asJSON := &settings{}, false
	cmd := &cobra.Command{
		Use:   "check FILE...",
		Short: "Show what run would do, with every problem of the file; sends and claims nothing",
		Long: `Show what run would do, with every problem of the file; sends and claims nothing.

What is wrong goes to stdout, grouped by the reason, with the first rows of each group; the plan goes to stderr. The exit code
is 1 if a row is invalid, or a duplicate that differs from the row that owns the person.

With --json stdout is one object instead, and stderr has errors only: ledger, account, campaign, since, settings; files (name,
kind, encoding, byte_order_mark, delimiter, worksheet, columns by field, not_read, dates, notices); timezone, vendor_timezone; rows, valid, invalid,
duplicates, warnings; problems (file, kind, column, reason, rows, first: line, cell, value, advice), with kind invalid,
duplicate_differs, duplicate or warning, and the first 1,000 rows of each (5,000 of a kind; beyond 200 of a kind they are "other
reasons"); already_invited, expired_links, linked, unknown,
rejected, revoked, in_flight, foreign; to_send, emails, calls, groups (assessment_id, format, expires, sent, rows, new), elsewhere;
rates, seconds, fit (calls before a quota is used up), resume. Times are RFC 3339 in UTC. What does not exist is left out.`,
		Args: cobra.MinimumNArgs(1),
	}
	cmd.RunE = func(cmd *cobra.Command, files []string) error {
		if err := a.start(cmd, s); err != nil {
			return err
		}
		code, err := a.check(cmd, s, files, asJSON)
		if err != nil {
			return err
		}
		return finished{code}
	}
	shown := group("What is shown", func(f *pflag.FlagSet) { f.BoolVar(&asJSON, "json", false, "the problems and the plan as JSON") })
	addGroups(cmd, append(s.runFlags(), shown)...)
	return cmd
}

func (a *app) check(cmd *cobra.Command, s *settings, files []string, asJSON bool) (code int, err error) {
	take, _, release := a.watchSignals(cmd.Context())
	defer release()
	b, err := a.openBatch(take, files, s)
	if err != nil {
		return 0, stoppedEarly(take, err)
	}
	defer func() { err = errors.Join(err, b.close()) }()
	place, err := s.place()
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, place.close()) }()
	led, err := place.read(take)
	if err != nil {
		return 0, err
	}
	if led != nil {
		defer func() { err = errors.Join(err, led.Close()) }()
	}
	p, err := s.plan(take, b, led)
	if err == nil {
		err = p.compareDuplicates(b)
	}
	if err != nil {
		return 0, stoppedEarly(take, err)
	}
	if err := a.sayCheck(p, s, b, place, asJSON); err != nil {
		return 0, err
	}
	if err := s.guardPlan(p, b, place); err != nil {
		return 0, err
	}
	if p.Invalid > 0 || p.differing > 0 {
		return exitSomeFailed, nil
	}
	return exitDone, nil
}

// compareDuplicates finds the duplicates that a run would leave without a link.
func (p *planned) compareDuplicates(b batch) error {
	if p.Duplicates == 0 {
		return nil
	}
	return p.Repeats.Duplicates(b.rows, func(d pipeline.Duplicate) {
		problem := invite.Problem{Line: d.Row.Origin.Line, Reason: "same person as an earlier row", Advice: fmt.Sprintf("the first is line %d", d.First.Line)}
		if d.First.File != d.Row.Origin.File {
			problem.Advice += " of " + b[d.First.File].name
		}
		kind := kindDuplicate
		if d.Differs != "" {
			kind, problem.Reason, problem.Advice = kindDiffers, problem.Reason+", but "+d.Differs, problem.Advice+": "+d.Detail
			p.differing++
		}
		p.found.add(kind, d.Row.Origin.File, problem)
	})
}

func (a *app) sayCheck(p *planned, s *settings, b batch, place *place, asJSON bool) error {
	if asJSON {
		return a.printJSON(newChecked(p, s, b, place))
	}
	if _, err := fmt.Fprint(a.out, p.found.text(b)); err != nil {
		return err
	}
	p.found = nil
	if !s.quiet {
		a.sayf("%s", p.text(s, b, place.path, place.account))
	}
	return nil
}
