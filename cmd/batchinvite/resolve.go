package main

import (
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/user"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"batchinvite/pkg/invite"
	"batchinvite/pkg/ledger"
	"batchinvite/pkg/ledger/sqlite"
)

// decision is resolve's flags: which unknown row, and what became of it.
type decision struct {
	email         string
	assessment    int64
	campaign      string
	format        choice
	sent, notSent bool
	link, why     string
}

func (a *app) resolveCommand() *cobra.Command {
	s, d := newPlaceSettings(), &decision{format: choice{of: []string{"getlink", "sendlink"}}}
	cmd := &cobra.Command{
		Use:   "resolve EMAIL --sent|--not-sent --why TEXT",
		Short: "Settle an unknown row after looking it up at the vendor",
		Long: `Settle an unknown row after looking it up at the vendor.

With --sent the row counts as invited; with --not-sent the next run invites it. Who did it, when and why is kept.`,
		Args: cobra.ExactArgs(1),
	}
	what := group("The row and what became of it", func(f *pflag.FlagSet) {
		f.BoolVar(&d.sent, "sent", false, "it was invited")
		f.BoolVar(&d.notSent, "not-sent", false, "it was not; the next run does it")
		f.StringVar(&d.why, "why", "", "how you know, `text` for the audit")
		f.StringVar(&d.link, "link", "", "the invite `link`, with --sent, if the vendor shows it")
		f.Int64Var(&d.assessment, "assessment-id", 0, "only this `assessment`")
		f.StringVar(&d.campaign, "campaign", "", "only this campaign's `name`")
		f.Var(&d.format, "format", "only this format")
	})
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		a.started = true
		if err := s.configure(without(cmd.Flags(), what.flags), knownFlags(), a.ui); err != nil {
			return err
		}
		if err := errors.Join(s.validate(), d.validate(args[0])); err != nil {
			return usage(err)
		}
		return a.resolve(cmd, s, d)
	}
	addGroups(cmd, what, s.placeFlags())
	return cmd
}

func (d *decision) validate(email string) (err error) {
	d.campaign = strings.ToLower(strings.TrimSpace(d.campaign))
	if d.email, err = invite.NormalizeEmail(email); err != nil {
		return fmt.Errorf("%q %w", email, err)
	}
	switch {
	case d.sent == d.notSent:
		return errors.New("say either --sent or --not-sent")
	case strings.TrimSpace(d.why) == "":
		return errors.New("say how you know: --why TEXT")
	case d.link != "" && d.notSent:
		return errors.New("--link goes with --sent")
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
	p, err := s.place()
	if err != nil {
		return err
	}
	led, err := sqlite.Open(cmd.Context(), p.path, p.account, p.options(sqlite.Write, "resolve", s.wait))
	if errors.Is(err, ledger.ErrNoLedger) || errors.Is(err, ledger.ErrNoAccount) {
		return usage(err, "batchinvite status"+p.flags())
	} else if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, led.Close()) }()
	open, err := led.Open(cmd.Context())
	if err != nil {
		return err
	}
	rec, err := d.choose(open, p)
	if err != nil {
		return err
	}
	r := ledger.Resolution{Key: rec.Key, Format: rec.Format, State: invite.NotSent, Link: d.link, Who: who(), Why: strings.TrimSpace(d.why)}
	if d.sent {
		r.State = invite.Invited
	}
	if err := led.Resolve(cmd.Context(), r); err != nil {
		return err
	}
	fmt.Fprintf(a.out, "%s in assessment %d, %s, campaign %s: %s\n", rec.Key.Email, rec.Key.Assessment, rec.Format, rec.Key.Campaign, r.State)
	return nil
}

// choose finds the one unknown record that is meant.
func (d *decision) choose(open []invite.Record, p *place) (invite.Record, error) {
	found := slices.DeleteFunc(slices.Clone(open), func(rec invite.Record) bool {
		return rec.Outcome.State != invite.Unknown || rec.Key.Email != d.email ||
			(d.assessment != 0 && rec.Key.Assessment != d.assessment) ||
			(d.campaign != "" && rec.Key.Campaign != d.campaign) ||
			(d.format.value != "" && string(rec.Format) != d.format.value)
	})
	switch len(found) {
	case 0:
		return invite.Record{}, usage(fmt.Errorf("there is no unknown row of %s that fits", d.email), "batchinvite status"+p.flags())
	case 1:
		return found[0], nil
	}
	var hints []string
	for _, rec := range found {
		hints = append(hints, resolveCommandFor(rec.Key, rec.Format, p)+" …")
	}
	return invite.Record{}, usage(fmt.Errorf("%s has %d unknown rows, say which", d.email, len(found)), hints...)
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
