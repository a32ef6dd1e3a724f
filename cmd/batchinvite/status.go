package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"batchinvite/pkg/invite"
	"batchinvite/pkg/ledger"
)

func (a *app) statusCommand() *cobra.Command {
	s, showEmails, asJSON, runs := newPlaceSettings(), false, false, 10
	cmd := &cobra.Command{
		Use:   "status",
		Short: "Counts by state, campaigns, runs, and the unknown rows",
		Long: `Counts by state, campaigns, runs, and the unknown rows. It takes no lock and changes nothing.

With --json it is one object: ledger, account, since, states, campaigns (name, states), runs (id, command, campaign, started,
ended, alive, host, files, settings, stopped, counts), and open, the rows that are unknown or in flight (state, email,
assessment_id, format, campaign, file, line, run, since, error). Times are RFC 3339 in UTC.`,
		Args: cobra.NoArgs,
	}
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if err := a.start(cmd, s); err != nil {
			return err
		}
		return a.status(cmd.Context(), s, showEmails, asJSON, runs)
	}
	addGroups(cmd, s.placeFlags(), group("What is shown", func(f *pflag.FlagSet) {
		f.BoolVar(&showEmails, "show-emails", false, "show e-mail addresses in full")
		f.IntVar(&runs, "runs", runs, "the latest so many `runs`, 0 for all")
		f.BoolVar(&asJSON, "json", false, "as JSON")
	}))
	return cmd
}

func (a *app) status(ctx context.Context, s *settings, showEmails, asJSON bool, runs int) (err error) {
	p, err := s.place()
	if err != nil {
		return err
	}
	led, err := p.read(ctx)
	if err != nil {
		return err
	}
	if led == nil {
		return a.statusOfNothing(p, asJSON)
	}
	defer func() { err = errors.Join(err, led.Close()) }()
	st, err := readStatus(ctx, led, p, max(runs, 0), showEmails)
	if err != nil {
		return err
	}
	if asJSON {
		return a.printJSON(st)
	}
	st.print(a.out, showEmails)
	return nil
}

func (a *app) statusOfNothing(p *place, asJSON bool) error {
	switch {
	case asJSON:
		return a.printJSON(status{Ledger: p.path, Account: p.account, States: map[string]int{}})
	case !exists(p.path):
		fmt.Fprintf(a.out, "there is no ledger %s\n", p.path)
	default:
		fmt.Fprintf(a.out, "ledger %s has nothing of account %s\n", p.path, p.account)
	}
	return nil
}

func (a *app) printJSON(v any) error {
	enc := json.NewEncoder(a.out)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	return enc.Encode(v)
}

// status is what the command shows, and its JSON.
type status struct {
	Ledger    string           `json:"ledger"`
	Account   string           `json:"account"`
	Since     time.Time        `json:"since,omitzero"`
	States    map[string]int   `json:"states"`
	Campaigns []statusCampaign `json:"campaigns"`
	Runs      []statusRun      `json:"runs"`
	Open      []statusRow      `json:"open"`
}

type statusCampaign struct {
	Name   string         `json:"name"`
	States map[string]int `json:"states"`
}

type statusRun struct {
	ID       int64                 `json:"id"`
	Command  string                `json:"command"`
	Campaign string                `json:"campaign"`
	Started  time.Time             `json:"started"`
	Ended    time.Time             `json:"ended,omitzero"`
	Alive    bool                  `json:"alive"`
	Host     string                `json:"host"`
	Files    []string              `json:"files"`
	Settings json.RawMessage       `json:"settings,omitempty"`
	Stopped  string                `json:"stopped,omitempty"`
	Counts   map[invite.Status]int `json:"counts"`
}

// statusRow is a row that is unknown or in flight.
type statusRow struct {
	State      string    `json:"state"`
	Email      string    `json:"email"`
	Assessment int64     `json:"assessment_id"`
	Format     string    `json:"format"`
	Campaign   string    `json:"campaign"`
	File       string    `json:"file,omitempty"`
	Line       int       `json:"line"`
	Run        int64     `json:"run"`
	Since      time.Time `json:"since"`
	Error      string    `json:"error,omitempty"`

	resolve string // the command
}

func readStatus(ctx context.Context, led ledger.Ledger, p *place, limit int, showEmails bool) (*status, error) {
	facts, err := led.Facts(ctx)
	if err != nil {
		return nil, err
	}
	open, err := led.Open(ctx)
	if err != nil {
		return nil, err
	}
	all, err := led.Runs(ctx, 0) // for the names of files, whichever run they are of
	if err != nil {
		return nil, err
	}
	st := &status{Ledger: p.path, Account: p.account, Since: facts.Since.UTC(), States: words(facts.States)}
	for _, c := range facts.Campaigns {
		st.Campaigns = append(st.Campaigns, statusCampaign{c.Name, words(c.States)})
	}
	files := map[int64][]ledger.File{}
	for i, run := range all {
		files[run.ID] = run.Files
		if limit == 0 || i < limit {
			st.Runs = append(st.Runs, statusRunOf(run))
		}
	}
	for _, rec := range open {
		st.Open = append(st.Open, statusRowOf(rec, files[rec.Run], p, showEmails))
	}
	return st, nil
}

func words(states map[invite.State]int) map[string]int {
	named := map[string]int{}
	for s, n := range states {
		named[wordOf(s)] = n
	}
	return named
}

// wordOf is what a state is called for people.
func wordOf(s invite.State) string {
	if s == invite.Claimed {
		return "in flight"
	}
	return string(s)
}

func statusRunOf(run ledger.RunRecord) statusRun {
	r := statusRun{
		ID: run.ID, Command: run.Command, Campaign: run.Campaign, Started: run.Started, Ended: run.Ended, Alive: run.Alive, Host: run.Host,
		Settings: run.Settings, Stopped: run.Reason, Counts: run.Counts,
	}
	for _, f := range run.Files {
		r.Files = append(r.Files, f.Name)
	}
	return r
}

func statusRowOf(rec invite.Record, files []ledger.File, p *place, showEmails bool) statusRow {
	r := statusRow{
		State: wordOf(rec.Outcome.State), Email: rec.Key.Email, Assessment: rec.Key.Assessment, Format: string(rec.Format),
		Campaign: rec.Key.Campaign, Line: rec.Origin.Line, Run: rec.Run, Since: rec.ClaimedAt.UTC(), Error: rec.Outcome.Error,
		resolve: resolveCommandFor(rec.Key, rec.Format, p),
	}
	switch {
	case rec.Purged:
		r.Email = "(purged)"
	case !showEmails:
		r.Email = invite.MaskEmail(r.Email)
	}
	if rec.Origin.File < len(files) {
		r.File = files[rec.Origin.File].Name
	}
	return r
}
