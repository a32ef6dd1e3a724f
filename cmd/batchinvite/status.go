package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
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
ended, alive, host, files, settings, stopped, counts), and open, the rows that are unknown or in_flight (state, email,
assessment_id, format, campaign, file, line, run, since, error, resolve); resolve is the command that settles an unknown row.
Times are RFC 3339 in UTC. What does not exist is left out: since where there is no ledger, ended of a run that is alive or
died, stopped of one that reached its end, file and line of a row that was purged, file of one that was imported.`,
		Args: cobra.NoArgs,
	}
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if err := a.start(cmd, s); err != nil {
			return err
		}
		if runs < 0 {
			return usagef("--runs: %d is no number of runs", runs)
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
	st, err := readStatus(ctx, led, p, runs, showEmails)
	if err != nil {
		return err
	}
	if asJSON {
		return a.printJSON(st)
	}
	st.print(a.out)
	return nil
}

func (a *app) statusOfNothing(p *place, asJSON bool) error {
	switch {
	case asJSON:
		return a.printJSON(newStatus(p))
	case !exists(p.path):
		fmt.Fprintf(a.out, "there is no ledger %s\n", plain(p.path))
	default:
		fmt.Fprintf(a.out, "ledger %s has nothing of account %s\n", plain(p.path), p.account)
	}
	return nil
}

func (a *app) printJSON(v any) error {
	var text strings.Builder
	enc := json.NewEncoder(&text)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return err
	}
	_, err := fmt.Fprint(a.out, asciiControls(text.String()))
	return err
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

	moreRuns int // that are not shown
}

func newStatus(p *place) *status {
	return &status{Ledger: p.path, Account: p.account, States: map[string]int{}, Campaigns: []statusCampaign{}, Runs: []statusRun{}, Open: []statusRow{}}
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
	Settings json.RawMessage       `json:"settings"`
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
	Line       int       `json:"line,omitempty"`
	Run        int64     `json:"run"`
	Since      time.Time `json:"since"`
	Error      string    `json:"error,omitempty"`
	Resolve    string    `json:"resolve,omitempty"` // the command, of an unknown row

	again bool // the next run settles it by itself
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
	st := newStatus(p)
	st.Since, st.States = facts.Since.UTC(), words(facts.States)
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
	st.moreRuns = len(all) - len(st.Runs)
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

// wordOf is what a state is called outside: a claim that stands while its run is alive is a call in flight.
func wordOf(s invite.State) string {
	if s == invite.Claimed {
		return "in_flight"
	}
	return string(s)
}

func statusRunOf(run ledger.RunRecord) statusRun {
	r := statusRun{
		ID: run.ID, Command: run.Command, Campaign: run.Campaign, Started: run.Started, Ended: run.Ended, Alive: run.Alive, Host: run.Host,
		Settings: run.Settings, Stopped: run.Reason, Counts: run.Counts, Files: []string{},
	}
	if len(r.Settings) == 0 {
		r.Settings = json.RawMessage("{}")
	}
	if r.Counts == nil {
		r.Counts = map[invite.Status]int{}
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
	}
	key := rec.Key
	switch {
	case rec.Purged:
		r.Email, key.Email = "(purged)", "EMAIL"
	case !showEmails:
		r.Email, key.Email = invite.MaskEmail(r.Email), "EMAIL"
	}
	if rec.Outcome.State == invite.Unknown {
		r.Resolve = resolveCommandFor(key, rec.Format, p) + " --sent|--not-sent --why TEXT"
		r.again = rec.Format == invite.GetLink && !rec.Purged
	}
	if rec.Origin.Line > 0 && rec.Origin.File < len(files) { // a purged one stands nowhere any more
		r.File = files[rec.Origin.File].Name
	}
	return r
}
