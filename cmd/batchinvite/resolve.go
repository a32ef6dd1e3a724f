package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/user"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"batchinvite/pkg/invite"
	"batchinvite/pkg/ledger"
	"batchinvite/pkg/ledger/sqlite"
)

// decision is resolve's flags: which unknown rows, and what became of them.
type decision struct {
	email         string
	all           bool
	from          string
	run           int64
	assessment    int64
	campaign      string
	format        choice
	sent, notSent bool
	link, why     string
	yes           bool
}

func (a *app) resolveCommand() *cobra.Command {
	s, d := newPlaceSettings(), &decision{format: choice{of: []string{"getlink", "sendlink"}}}
	cmd := &cobra.Command{
		Use:   "resolve EMAIL|--all|--from FILE --sent|--not-sent --why TEXT",
		Short: "Settle unknown rows after looking them up at the vendor",
		Long: `Settle unknown rows after looking them up at the vendor: one, all, or those of a file of decisions.

With --sent a row counts as invited; with --not-sent the next run invites it. Who did it, when and why is kept.

The file of --from is a CSV with the columns email and decision (sent or not_sent; yes and no do too), and, where they are
needed, link, why, assessment_id, campaign and format. It may be a results file in which somebody has filled in a column
"decision" beside the unknown rows; there only columns to the right of invite_status count, and the address. Rows without
a decision are left out. All rows are checked before any is settled. Where a row is not unknown any more the exit code is 1.`,
		Args: cobra.MaximumNArgs(1),
	}
	what := group("The rows and what became of them", func(f *pflag.FlagSet) {
		f.BoolVar(&d.all, "all", false, "every unknown row that fits, after a question")
		f.StringVar(&d.from, "from", "", "a CSV `file` of decisions")
		f.BoolVar(&d.sent, "sent", false, "they were invited")
		f.BoolVar(&d.notSent, "not-sent", false, "they were not; the next run does it")
		f.StringVar(&d.why, "why", "", "how you know, `text` for the audit")
		f.StringVar(&d.link, "link", "", "the invite `link` of one row, with --sent, if the vendor shows it")
		f.Int64Var(&d.run, "run", 0, "only rows of the run with this `id`")
		f.Int64Var(&d.assessment, "assessment-id", 0, "only this `assessment`")
		f.StringVar(&d.campaign, "campaign", "", "only this campaign's `name`")
		f.Var(&d.format, "format", "only this format")
		f.BoolVar(&d.yes, "yes", false, "do not ask, with --all")
	})
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		a.started = true
		if err := s.configure(without(cmd.Flags(), what.flags), knownFlags(), a.ui); err != nil {
			return err
		}
		if err := errors.Join(s.validate(), d.validate(args)); err != nil {
			return usage(err)
		}
		return a.resolve(cmd, s, d)
	}
	addGroups(cmd, what, s.placeFlags())
	return cmd
}

func (d *decision) validate(args []string) (err error) {
	d.campaign = strings.ToLower(strings.TrimSpace(d.campaign))
	ways := 0
	for _, chosen := range []bool{len(args) > 0, d.all, d.from != ""} {
		if chosen {
			ways++
		}
	}
	if ways != 1 {
		return errors.New("say which rows: an e-mail address, --all, or --from FILE")
	}
	if len(args) > 0 {
		if d.email, err = invite.NormalizeEmail(args[0]); err != nil {
			return fmt.Errorf("%q %w", args[0], err)
		}
	}
	switch {
	case d.from != "" && (d.sent || d.notSent || d.link != ""):
		return errors.New("--from: the file says what became of each row, not --sent, --not-sent or --link")
	case d.from == "" && d.sent == d.notSent:
		return errors.New("say either --sent or --not-sent")
	case d.from == "" && strings.TrimSpace(d.why) == "":
		return errors.New("say how you know: --why TEXT")
	case d.link != "" && (d.notSent || d.all):
		return errors.New("--link goes with --sent, for one row")
	case d.link != "" && !isLink(d.link):
		return fmt.Errorf("--link: %q is not a link such as https://host/path", d.link)
	}
	return nil
}

func isLink(s string) bool {
	u, err := url.Parse(s)
	return err == nil && u.Scheme == "https" && u.Host != "" && !strings.ContainsAny(s, " \t\n")
}

func (a *app) resolve(cmd *cobra.Command, s *settings, d *decision) (err error) {
	ctx, _, release := a.watchSignals(cmd.Context())
	defer release()
	p, err := s.place()
	if err != nil {
		return err
	}
	var agreed []ruling // what somebody has said yes to; the ledger is not held while the question stands
	if d.all && !d.yes {
		if agreed, err = a.agree(ctx, p, d); err != nil {
			return stoppedEarly(ctx, err)
		}
	}
	led, err := sqlite.Open(ctx, p.path, p.account, p.options(sqlite.Write, "resolve", s.wait))
	if errors.Is(err, ledger.ErrNoLedger) || errors.Is(err, ledger.ErrNoAccount) {
		return usage(err, "batchinvite status"+p.flags())
	} else if err != nil {
		return stoppedEarly(ctx, err)
	}
	defer func() { err = errors.Join(err, led.Close()) }()
	var rulings []ruling
	var left leftOut
	if agreed != nil {
		rulings, left, err = unchanged(ctx, led, agreed)
	} else {
		rulings, left, err = a.decide(ctx, led, p, d)
	}
	if err != nil {
		return err
	}
	if err := a.settle(ctx, led, rulings, d.email == ""); err != nil {
		return err
	}
	if d.from != "" {
		fmt.Fprintf(a.out, "left out: %d without a decision\n", left.undecided)
	}
	for _, text := range left.settled {
		fmt.Fprintln(a.out, text)
	}
	if len(left.settled) > 0 {
		return finished{exitSomeFailed}
	}
	return nil
}

// agree lists what --all would settle, and asks.
func (a *app) agree(ctx context.Context, p *place, d *decision) (rulings []ruling, err error) {
	led, err := p.read(ctx)
	if err != nil {
		return nil, err
	}
	if led == nil {
		return nil, usage(fmt.Errorf("ledger %q has nothing of account %s", p.path, p.account), "batchinvite status"+p.flags())
	}
	rulings, _, err = a.decide(ctx, led, p, d)
	if err = errors.Join(err, led.Close()); err != nil {
		return nil, err
	}
	return rulings, a.askResolve(ctx, d, len(rulings))
}

// ruling is one decision about one record.
type ruling struct {
	rec invite.Record
	ledger.Resolution
}

// decide finds the records that are meant.
func (a *app) decide(ctx context.Context, led ledger.Ledger, p *place, d *decision) (rulings []ruling, left leftOut, err error) {
	unknown, err := readUnknown(ctx, led)
	if err != nil {
		return nil, left, err
	}
	if d.from != "" {
		return a.readDecisions(ctx, unknown, d)
	}
	if d.all {
		rulings = d.rule(unknown.all)
		return rulings, left, a.list(rulings, p)
	}
	found, err := unknown.person(ctx, d.email)
	if err != nil {
		return nil, left, err
	}
	rulings = d.rule(found)
	return rulings, left, single(rulings, d.email, p)
}

// rule applies the decision to every record that fits.
func (d *decision) rule(found []invite.Record) (rulings []ruling) {
	for _, rec := range found {
		if d.run != 0 && rec.Run != d.run || d.assessment != 0 && rec.Key.Assessment != d.assessment ||
			d.campaign != "" && rec.Key.Campaign != d.campaign || d.format.value != "" && string(rec.Format) != d.format.value {
			continue
		}
		r := ledger.Resolution{Key: rec.Key, Format: rec.Format, State: invite.NotSent, Link: d.link, Who: who(), Why: strings.TrimSpace(d.why)}
		if d.sent {
			r.State = invite.Invited
		}
		rulings = append(rulings, ruling{rec, r})
	}
	return rulings
}

// single wants exactly one record.
func single(rulings []ruling, email string, p *place) error {
	switch len(rulings) {
	case 0:
		return usage(fmt.Errorf("there is no unknown row of %s that fits", email), "batchinvite status"+p.flags())
	case 1:
		return nil
	}
	var hints []string
	for _, r := range rulings {
		hints = append(hints, resolveCommandFor(invite.Key{Campaign: r.Key.Campaign, Assessment: r.Key.Assessment, Email: email}, r.Format, p)+" …")
	}
	return usage(fmt.Errorf("%s has %d unknown rows, say which", email, len(rulings)), hints...)
}

// list shows the first of many.
func (a *app) list(rulings []ruling, p *place) error {
	if len(rulings) == 0 {
		return usage(errors.New("there is no unknown row that fits"), "batchinvite status"+p.flags())
	}
	for _, r := range rulings[:min(len(rulings), shownProblems)] {
		a.sayf("  %s\n", statusRowOf(r.rec, nil, p, false).text())
	}
	if more := len(rulings) - shownProblems; more > 0 {
		a.sayf("  and %d more\n", more)
	}
	return nil
}

func (a *app) askResolve(ctx context.Context, d *decision, n int) error {
	became := map[bool]string{true: "invited", false: "not sent"}[d.sent]
	what := fmt.Sprintf("%s as %s", count(n, "unknown row"), became)
	if !a.canAsk() {
		return usage(fmt.Errorf("%s: there is no terminal to ask at", what), "if that is wanted: --yes")
	}
	question, want := fmt.Sprintf("Settle %s? [y/N] ", what), isYes
	if n > typeTheNumber {
		question = fmt.Sprintf("Settle %s? Type the number to go on: ", what)
		want = func(answer string) bool { return answer == strconv.Itoa(n) }
	}
	answer, err := a.ask(ctx, question)
	if err != nil || !want(answer) {
		return usage(cmp.Or(err, errors.New("nothing was settled: the answer was no")))
	}
	return nil
}

// settle writes the decisions. What is no longer unknown by now refuses its own.
func (a *app) settle(ctx context.Context, led ledger.Ledger, rulings []ruling, many bool) error {
	done := map[invite.State]int{}
	for _, r := range rulings {
		if err := led.Resolve(ctx, r.Resolution); err != nil {
			return fmt.Errorf("settle %s: %w", invite.MaskEmail(r.Key.Email), err)
		}
		done[r.State]++
		if !many {
			fmt.Fprintf(a.out, "%s in assessment %d, %s, campaign %s: %s\n", cmp.Or(r.rec.Email, r.Key.Email), r.Key.Assessment, r.Format, r.Key.Campaign, r.State)
		}
	}
	if many {
		fmt.Fprintf(a.out, "settled: %d invited, %d not sent\n", done[invite.Invited], done[invite.NotSent])
	}
	return nil
}

// resolveCommandFor is the command that means this record and no other, up to the decision itself.
func resolveCommandFor(k invite.Key, f invite.Format, p *place) string {
	text := "batchinvite resolve " + quoted(k.Email, "--assessment-id", fmt.Sprint(k.Assessment), "--campaign", k.Campaign, "--format", string(f), "--ledger", p.path)
	q := *p
	settings := *p.settings
	settings.ledger, q.settings = "", &settings
	return text + q.flags()
}

// who is the audit's name for whoever runs the program.
func who() string {
	name := "unknown user"
	if u, err := user.Current(); err == nil {
		name = u.Username
	}
	if host, err := os.Hostname(); err == nil {
		name += "@" + host
	}
	return name
}
