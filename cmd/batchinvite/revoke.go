package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"batchinvite/pkg/api"
	"batchinvite/pkg/invite"
	"batchinvite/pkg/ledger"
	"batchinvite/pkg/pipeline"
)

// undo is what revoke is told: whose invitations, and how.
type undo struct {
	run        int64
	file       string
	line       int
	email      string
	campaign   string
	assessment int64
	format     choice
	notify     bool
	output     string
}

func (a *app) revokeCommand() *cobra.Command {
	s, u := &settings{}, &undo{format: choice{of: []string{"getlink", "sendlink"}}}
	cmd := &cobra.Command{
		Use:   "revoke",
		Short: "Undo: revoke the invitations of a run, campaign, file, e-mail or line",
		Long: `Undo: revoke the invitations of a run, campaign, file, e-mail or line, at the vendor and in the ledger.

What is to be revoked is listed first, and nothing happens without a yes. Those who are revoked are not invited again
unless run is given --reinvite-revoked. It is safe to repeat.`,
		Args: cobra.NoArgs,
	}
	what := group("Whose invitations (all that is given must fit)", func(f *pflag.FlagSet) {
		f.Int64Var(&u.run, "run", 0, "those that the run with this `id` made, as batchinvite status shows it")
		f.StringVar(&u.file, "file", "", "those that runs over this `file` made, as it is now")
		f.IntVar(&u.line, "line", 0, "of --run or --file only this `line`")
		f.StringVar(&u.email, "email", "", "those of this `address`")
		f.StringVar(&u.campaign, "campaign", "", "those of this campaign's `name`")
		f.Int64Var(&u.assessment, "assessment-id", 0, "only this `assessment`")
		f.Var(&u.format, "format", "only this format")
		f.BoolVar(&u.notify, "notify", false, "have the vendor tell the candidates")
	})
	// The place of run's results, which a settings file may name, is not that of these.
	out := group("Results", func(f *pflag.FlagSet) {
		f.StringVarP(&u.output, "output", "o", "revoke.results.csv", "results `file` (.csv; - is stdout)")
	})
	how := pick("How", s, "yes", "rate", "max-failures", "give-up-after", "stop-after")
	groups := []flagGroup{what, out, how, group("How calls are made", s.callFlags), s.placeFlags(), s.talkFlags()}
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		a.started = true
		if err := s.configure(without(without(cmd.Flags(), what.flags), out.flags), knownFlags(), a.ui); err != nil {
			return err
		}
		if err := errors.Join(s.validate(), u.validate()); err != nil {
			return usage(err)
		}
		take, abort, release := a.watchSignals(cmd.Context())
		defer release()
		r := &run{app: a, settings: s, name: "revoke", shown: visible(cmd.Flags())}
		code, err := r.revoke(take, abort, u)
		if err != nil {
			return err
		}
		return finished{code}
	}
	addGroups(cmd, groups...)
	return cmd
}

func (u *undo) validate() (err error) {
	u.campaign = strings.ToLower(strings.TrimSpace(u.campaign))
	if u.email != "" {
		if u.email, err = invite.NormalizeEmail(u.email); err != nil {
			return fmt.Errorf("--email: %w", err)
		}
	}
	switch {
	case u.run == 0 && u.file == "" && u.email == "" && u.campaign == "":
		return errors.New("say whose invitations: --run, --file, --email or --campaign")
	case u.line != 0 && u.run == 0 && u.file == "":
		return errors.New("--line: needs --run or --file")
	}
	return nil
}

func (r *run) revoke(take, abort context.Context, u *undo) (code int, err error) {
	r.log = r.logger(r.settings)
	if r.place, err = r.settings.place(); err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, r.place.close()) }()
	found, err := r.findInvitations(take, u)
	if err != nil {
		return 0, stoppedEarly(take, err)
	}
	r.sayf("%s", found.text(r.place, u))
	if len(found.revocable) == 0 {
		return found.code(), nil
	}
	client, err := r.client(take)
	if err != nil {
		return 0, stoppedEarly(take, err)
	}
	// The ledger is not held while the question stands. What has changed since then is refused by each claim.
	if err := r.askRevoke(take, len(found.revocable)); err != nil {
		return 0, stoppedEarly(take, err)
	}
	if err := r.openLedger(take, false); err != nil {
		return 0, stoppedEarly(take, err)
	}
	if r.led == nil {
		return 0, fmt.Errorf("open ledger %q: %w", r.place.path, ledger.ErrNoLedger)
	}
	defer func() { err = errors.Join(err, r.led.Close()) }()
	code, err = r.revokeAll(take, abort, u, client, found)
	if err == nil && code == exitDone {
		code = found.code()
	}
	return code, err
}

// code is the exit code for what can't be revoked from here.
func (f *invitations) code() int {
	switch {
	case f.unknown > 0:
		return exitUnknown
	case f.nameless > 0:
		return exitSomeFailed
	}
	return exitDone
}

func (r *run) revokeAll(take, abort context.Context, u *undo, client *api.Client, found *invitations) (code int, err error) {
	out, err := r.createRevocations(u.output)
	if err != nil {
		return 0, usage(err)
	}
	pool := pipeline.Pool{Files: []string{"the ledger"}, Rows: found.rows, Repeats: pipeline.NewRepeats(0)}
	pool.Step = &pipeline.Step{
		Ledger: revoking{r.led},
		Call: func(ctx context.Context, c invite.Candidate, _ string) invite.Answer {
			return client.Revoke(ctx, api.Revocation{ReportID: found.reports[recordKey{c.Key, c.Format}], Notify: u.notify})
		},
		Proven: true,
	}
	n := len(found.revocable)
	totals, err := r.perform(take, abort, job{
		start: ledger.Run{Command: "revoke", Who: who(), Campaign: u.campaign, Settings: r.shown},
		pool:  &pool, rows: n, calls: n, out: out,
	})
	totals.Reached = totals.Counts[invite.StatusRevoked]
	code = codeOfRun(totals, err)
	if err != nil {
		return 0, &failure{code, err, append(placeHints(err), out.left()...)}
	}
	return code, nil
}

// revoking lets the pipeline revoke: a claim is a revocation's, and every row that is given has one to make.
type revoking struct{ ledger.Ledger }

func (l revoking) Lookup(_ context.Context, keys []invite.Key) ([]invite.History, error) {
	return make([]invite.History, len(keys)), nil
}

func (l revoking) Claim(ctx context.Context, run int64, c invite.Candidate, _ string, _ invite.Policy) (invite.Claim, error) {
	return l.ClaimRevoke(ctx, run, c.Key, c.Format)
}

func (l revoking) Record(ctx context.Context, c invite.Claim, o invite.Outcome) (attempts int, err error) {
	return 0, l.RecordRevoke(ctx, c, o)
}

type recordKey struct {
	key    invite.Key
	format invite.Format
}

// invitations are what revoke has found.
type invitations struct {
	revocable []invite.Record
	reports   map[recordKey]string
	nameless  int // without a report id, which the vendor wants
	revoked   int // before
	unknown   int // so nobody knows whether there is anything to revoke
}

func (r *run) findInvitations(ctx context.Context, u *undo) (found *invitations, err error) {
	led, err := r.place.read(ctx)
	if err != nil {
		return nil, err
	}
	if led == nil {
		return nil, usage(fmt.Errorf("ledger %q has nothing of account %s", r.place.path, r.place.account), "batchinvite status"+r.place.flags())
	}
	defer func() { err = errors.Join(err, led.Close()) }()
	fits := func(invite.Record) bool { return true }
	if u.file != "" {
		if fits, err = r.ofFile(ctx, led, u.file); err != nil {
			return nil, err
		}
	}
	found = &invitations{reports: map[recordKey]string{}}
	filter := ledger.Filter{Run: u.run, Campaign: u.campaign, Assessment: u.assessment, Email: u.email, States: []invite.State{invite.Invited, invite.Revoked, invite.Unknown}}
	err = led.Records(ctx, filter, func(rec invite.Record) error {
		switch {
		case !fits(rec) || u.line != 0 && rec.Origin.Line != u.line || u.format.value != "" && string(rec.Format) != u.format.value:
		case rec.Outcome.State == invite.Revoked:
			found.revoked++
		case rec.Outcome.State == invite.Unknown:
			found.unknown++
		case rec.Outcome.ReportID == "":
			found.nameless++
		default:
			found.revocable = append(found.revocable, rec)
			found.reports[recordKey{rec.Key, rec.Format}] = rec.Outcome.ReportID
		}
		return context.Cause(ctx)
	})
	return found, err
}

// ofFile finds the records that runs over a file made, by what is in the file.
func (r *run) ofFile(ctx context.Context, led ledger.Ledger, name string) (_ func(invite.Record) bool, err error) {
	snapshot, err := r.snapshot(ctx, name)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, snapshot.Close()) }()
	runs, err := led.Runs(ctx, 0)
	if err != nil {
		return nil, err
	}
	type place struct {
		run  int64
		file int
	}
	places := map[place]bool{}
	for _, run := range runs {
		for i, f := range run.Files {
			if f.Hash == snapshot.Hash {
				places[place{run.ID, i}] = true
			}
		}
	}
	if len(places) == 0 {
		return nil, usage(fmt.Errorf("no run was over %s as it is now", name), "choose otherwise: --run ID, as batchinvite status"+r.place.flags()+" shows it")
	}
	return func(rec invite.Record) bool { return places[place{rec.Run, rec.Origin.File}] }, nil
}

// text is what revoke is about to do.
func (f *invitations) text(p *place, u *undo) string {
	var b strings.Builder
	fmt.Fprintf(&b, "ledger: %s, account %s\n", p.path, p.account)
	groups := map[string]int{}
	for _, rec := range f.revocable {
		groups[fmt.Sprintf("assessment %d, %s, campaign %s", rec.Key.Assessment, rec.Format, rec.Key.Campaign)]++
	}
	fmt.Fprintf(&b, "to revoke: %s", count(len(f.revocable), "invitation"))
	if u.notify {
		b.WriteString("; the vendor tells the candidates")
	}
	b.WriteString("\n")
	for _, g := range slices.Sorted(maps.Keys(groups)) {
		fmt.Fprintf(&b, "  %6d  %s\n", groups[g], g)
	}
	for _, rec := range f.revocable[:min(len(f.revocable), shownProblems)] {
		fmt.Fprintf(&b, "  line %d, %s\n", rec.Origin.Line, invite.MaskEmail(rec.Key.Email))
	}
	if more := len(f.revocable) - shownProblems; more > 0 {
		fmt.Fprintf(&b, "  and %d more\n", more)
	}
	if f.revoked > 0 {
		fmt.Fprintf(&b, "revoked before: %d\n", f.revoked)
	}
	if f.unknown > 0 {
		fmt.Fprintf(&b, "unknown: %d, settle them first: batchinvite status%s\n", f.unknown, p.flags())
	}
	if f.nameless > 0 {
		fmt.Fprintf(&b, "%d can't be revoked from here: the ledger has no report id of them\n", f.nameless)
	}
	return b.String()
}

func (r *run) askRevoke(ctx context.Context, n int) error {
	if r.yes {
		return nil
	}
	what := count(n, "invitation")
	if !r.canAsk() {
		return usage(fmt.Errorf("%s would be revoked, and there is no terminal to ask at", what), "if that is wanted: --yes")
	}
	question, want := fmt.Sprintf("Revoke %s? [y/N] ", what), isYes
	if n > typeTheNumber {
		question = fmt.Sprintf("Revoke %s? Type the number to go on: ", what)
		want = func(answer string) bool { return answer == strconv.Itoa(n) }
	}
	answer, err := r.ask(ctx, question)
	if err != nil || !want(answer) {
		return usage(cmp.Or(err, errors.New("nothing was revoked: the answer was no")))
	}
	return nil
}

// createRevocations begins the results file.
func (r *run) createRevocations(path string) (*output, error) {
	b := batch{{name: "revoke", output: path, columns: revocationColumns}}
	if err := b.checkPlace(nil, "results", b[0], path, "--output"); err != nil {
		return nil, err
	}
	out, err := r.createOutput(b, func(*invite.Result) {})
	if err == nil {
		out.keep = true // those who were revoked before stand there and nowhere else
	}
	return out, err
}

// revocationColumns are what stands of an invitation in the results of revoke.
var revocationColumns = []string{"name", "email", "assessment_id", "format", "campaign", "line"}

// rows are the invitations as the pipeline takes them.
func (f *invitations) rows(yield func(invite.Row, error) bool) {
	for _, rec := range f.revocable {
		row := invite.Row{
			Origin: invite.Origin{Line: rec.Origin.Line},
			Cells: []string{rec.Name, rec.Email, strconv.FormatInt(rec.Key.Assessment, 10), string(rec.Format), rec.Key.Campaign,
				strconv.Itoa(rec.Origin.Line)},
			Candidate: invite.Candidate{Key: rec.Key, Name: rec.Name, Email: rec.Email, Format: rec.Format, Origin: rec.Origin},
		}
		if !yield(row, nil) {
			return
		}
	}
}
