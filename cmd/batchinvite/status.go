package main

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"batchinvite/pkg/invite"
)

func (a *app) statusCommand() *cobra.Command {
	s, showEmails := newPlaceSettings(), false
	cmd := &cobra.Command{
		Use:   "status",
		Short: "Counts by state, campaigns, and the unknown rows",
		Args:  cobra.NoArgs,
	}
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if err := a.start(cmd, s); err != nil {
			return err
		}
		return a.status(cmd, s, showEmails)
	}
	addGroups(cmd, s.placeFlags(), group("What is shown", func(f *pflag.FlagSet) {
		f.BoolVar(&showEmails, "show-emails", false, "show e-mail addresses in full")
	}))
	return cmd
}

// states in the order in which a person wants to know.
var states = []invite.State{invite.Invited, invite.Rejected, invite.NotSent, invite.Revoked, invite.Unknown, invite.Claimed}

func (a *app) status(cmd *cobra.Command, s *settings, showEmails bool) (err error) {
	p, err := s.place()
	if err != nil {
		return err
	}
	led, err := p.read(cmd.Context())
	if err != nil {
		return err
	}
	if led == nil {
		if !exists(p.path) {
			fmt.Fprintf(a.out, "there is no ledger %s\n", p.path)
			return nil
		}
		fmt.Fprintf(a.out, "ledger %s has nothing of account %s\n", p.path, p.account)
		return nil
	}
	defer func() { err = errors.Join(err, led.Close()) }()
	facts, err := led.Facts(cmd.Context())
	if err != nil {
		return err
	}
	open, err := led.Open(cmd.Context())
	if err != nil {
		return err
	}
	fmt.Fprintf(a.out, "ledger %s, account %s since %s\n", p.path, p.account, facts.Since.UTC().Format(time.RFC3339))
	fmt.Fprintf(a.out, "campaigns: %s\n", strings.Join(facts.Campaigns, ", "))
	for _, state := range states {
		word := string(state)
		if state == invite.Claimed {
			word = "in flight"
		}
		if n := facts.States[state]; n > 0 || state == invite.Invited || state == invite.Unknown {
			fmt.Fprintf(a.out, "  %-10s %8d\n", word, n)
		}
	}
	for _, rec := range open {
		if rec.Outcome.State == invite.Unknown {
			if !showEmails {
				rec.Key.Email = invite.MaskEmail(rec.Key.Email)
			}
			fmt.Fprintf(a.out, "unknown: %s\n", rowOf(rec))
			if showEmails && rec.Format == invite.SendLink {
				fmt.Fprintf(a.out, "  %s --sent|--not-sent --why TEXT\n", resolveCommandFor(rec.Key, rec.Format, p))
			}
		}
	}
	return nil
}

// rowOf is one line about an unknown record, with what to do.
func rowOf(rec invite.Record) string {
	text := fmt.Sprintf("%s, assessment %d, %s, campaign %s, line %d, claimed %s: %s", rec.Key.Email,
		rec.Key.Assessment, rec.Format, rec.Key.Campaign, rec.Origin.Line, rec.ClaimedAt.UTC().Format(time.RFC3339), rec.Outcome.Error)
	if rec.Format == invite.GetLink {
		return text + "; the next run tries again"
	}
	return text
}
